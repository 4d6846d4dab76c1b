"""One source of one part as the director tries it, and its place on the cue's timeline.

Owns how a source becomes a slot: how much a live one must have in store before it begins, and how
long a recording still lasts. Pure; decides nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from agent.player import protocol as p
from agent.player.clockmap import frames_of_ms, ns_of_frames
from agent.player.decode import Job
from agent.player.levels import gain_of_cdb
from agent.player.slots import LIVE_PREBUFFER_FRAMES, PLAIN_LEAD_MS, Slot, Store


@dataclass(eq=False)
class Attempt:
    """One source of one part."""

    part: int
    source: int
    job: Job
    slot: Slot
    handed_over: bool = False
    behind_since_ns: int | None = None


def left_ns(attempt: Attempt, cursor: int) -> int | None:
    """For how long a recording still lasts; None for what has no end, or none that is known."""
    slot = attempt.slot
    length = attempt.job.length if slot.reader.total is None else slot.reader.total
    if slot.live or length is None:
        return None
    position = slot.offset if slot.at is None else slot.position(cursor)
    return ns_of_frames(length - position)


def slot_for(cue: p.Cue, index: int, number: int, job: Job) -> Slot:
    """A source's place on the timeline; where it begins is the caller's to say."""
    part = cue.parts[index]
    gone, origin = frames_of_ms(part.from_ms), frames_of_ms(part.origin_ms(number))
    slot = Slot(
        index,
        number,
        job.reader,
        origin,
        length=None if part.length_ms is None else frames_of_ms(part.length_ms),
        gain=gain_of_cdb(part.gain_cdb + part.sources[number].gain_cdb),
        fader=job.fader,
        live=job.live,
        from_position=gone if job.live else origin,
        final=index == len(cue.parts) - 1,
    )
    if job.live:
        # Asked each time: a stream that is seen to come in lumps needs more than one that flows.
        slot.store = partial(_store, job, part.sources[number].delay_ms)
    return slot


def _store(job: Job, delay_ms: int) -> Store:
    """How much a live source should have in store, and without how much it does not begin."""
    lead = frames_of_ms(job.lead_ms + delay_ms)
    plain = not delay_ms and job.lead_ms == PLAIN_LEAD_MS
    return Store(lead, LIVE_PREBUFFER_FRAMES if plain else lead, job.whole)
