"""Which sound the child is given, and when: a span of the plan as a cue.

The planned start is the first sample, chime included; warm-up and relay lie before it (`gates`).
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from agent.core.items import Item
from agent.core.planner import BusSpan, Plan
from agent.core.programme import Sound
from agent.player.protocol import Cue, Part

CUE_LEAD_MS = 10_000
"""A cue is given to the sound child this long before its start."""

START_NOW_MS = 60
"""Sound that should begin at once is cued this far ahead: less is lost in the first buffer."""

FADE_OUT_MS = 20

TORN_MIN_MS = 250
"""Less silence than this within a cue is none: parts may end 200 ms before their length, and what
is on its way to the card is counted by whole buffers."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A cue the sound child holds. sounding: its first sample left the card. stopping: told to
    stop, its end not reported yet. starts_ms: its first sample; later than from_ms while amplifiers
    warm up. parts: of its cue.

    shift_ms: what the wall jumped since it was sent. The child reports on the cue's own clock:
    began_ms, its first sample, and told_ms, its last report. silent_ms, underruns: booked so far.
    over: the token of the one it was laid over.
    """

    token: str
    bus: int
    key: str
    origin_ms: int
    from_ms: int
    end_ms: int
    starts_ms: int = 0
    parts: int = 1
    sounding: bool = False
    shift_ms: int = 0
    stopping: bool = False
    began_ms: int = 0
    told_ms: int = 0
    silent_ms: int = 0
    underruns: int = 0
    over: str = ""

    def part_of(self, sound: Sound, part: int) -> int:
        """Which part of `sound.main` a part of the cue is; less than 0 for the chime."""
        return part + len(sound.main) - self.parts

    def is_unbegun(self, now_ms: int) -> bool:
        """Nothing of it can have sounded, and nobody will report its end."""
        return max(self.from_ms, self.starts_ms) > now_ms and not self.sounding

    def silent_until(self, at_ms: int, played_ms: int) -> int:
        """How much of the time since its first sample no sound left the card; 0 for what reports
        are inexact by."""
        silent_ms = at_ms - self.began_ms - played_ms
        known = self.sounding and silent_ms >= TORN_MIN_MS
        return max(self.silent_ms, silent_ms) if known else self.silent_ms


def parts_from(sound: Sound, position_ms: int) -> tuple[Part, ...]:
    """The parts of `sound` from `position_ms` of its timeline, chime included."""
    parts: list[Part] = []
    if sound.chime is not None and position_ms < sound.chime_ms:
        parts.append(Part((sound.chime,), position_ms, sound.chime_ms - position_ms))
    skip_ms = max(0, position_ms - sound.chime_ms)
    for part in sound.main:
        length_ms = part.length_ms
        if length_ms is not None and skip_ms >= length_ms:
            skip_ms -= length_ms
            continue
        left_ms = None if length_ms is None else length_ms - skip_ms
        parts.append(
            msgspec.structs.replace(part, from_ms=part.from_ms + skip_ms, length_ms=left_ms)
        )
        skip_ms = 0
    return tuple(parts)


def cue_for(
    item: Item,
    sound: Sound,
    span: BusSpan,
    token: str,
    epoch: int,
    now_ms: int,
    cold_ms: int = 0,
) -> Cue:
    """The cue that carries `item` on the span's bus from the span's start on.

    cold_ms: how long its amplifiers need; what starts over waits for them.
    """
    position_ms = max(0, span.from_ms - span.origin_ms)
    start_ms, origin_ms = span.from_ms, span.origin_ms
    from_the_start = position_ms == 0
    if from_the_start and start_ms <= now_ms:
        starts_over = item.late == "restart"
        start_ms = now_ms + max(START_NOW_MS, cold_ms if starts_over else 0)
        origin_ms = start_ms if starts_over else origin_ms  # it plays for as long as it would have
    limited = item.total_ms is None or item.play_ms < item.total_ms
    fade_ms = item.within_ms if item.end == "fade" and limited else FADE_OUT_MS
    return Cue(
        token=token,
        bus=span.bus,
        parts=parts_from(sound, position_ms),
        start_at_ms=start_ms,
        epoch=epoch,
        join=not (from_the_start and item.late == "restart"),
        end_at_ms=origin_ms + item.play_ms if limited else None,
        fade_in_ms=0 if from_the_start else 10,
        fade_out_ms=fade_ms,
    )


def due_spans(plan: Plan, now_ms: int) -> list[BusSpan]:
    """Bus spans whose cue the sound child should hold now."""
    return [span for span in plan.buses if span.from_ms <= now_ms + CUE_LEAD_MS]


def carries(sent: Sent, span: BusSpan, now_ms: int) -> bool:
    """Whether `sent` is the cue of `span`."""
    if sent.stopping or sent.bus != span.bus or sent.key != span.key:
        return False
    if span.from_ms <= now_ms:
        return sent.from_ms <= now_ms
    return sent.from_ms == span.from_ms and sent.origin_ms == span.origin_ms
