"""Whether what should sound is heard: what left the mixer, compared with what was meant to.

Owns what is silent at the moment although it plays, and what is tried against it: first the cue is
given anew (another decoder), then the sound child (another everything), then nothing more. Does not
own the alarm (watch) nor the outcome (asrun), which both look here.

Invariants: silence that was measured in the file is no fault and is never repaired; a file that is
nothing but silence is named as such; each item is repaired `REPAIRS_MAX` times and no more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import msgspec

from agent.contract.reasons import OccurrenceReason
from agent.core import asrun
from agent.core.air import Air
from agent.core.cues import Sent
from agent.core.dead_air import DeadAir
from agent.core.effects import RestartSound
from agent.core.events import SoundEnded, SoundHeard, SourceGaveUp, SourceTookOver
from agent.core.facts import Facts
from agent.core.loudness import Loudness, known_of
from agent.core.programme import Sound
from agent.core.turn import Turn
from agent.player.protocol import LIVE_KINDS, Source

SILENT_AFTER_MS = 3_500
"""With a report a second what plays from the box and is silent is known within 5 s."""

LIVE_SILENT_AFTER_MS = 10_000
"""Nobody knows whether a live source means its silence: it gets the benefit of the doubt."""

STORE_MS = 1_500
"""So much of a live source the sound child has in store; an asked-for delay comes on top."""

REPAIRS_MAX = 2
KEPT_MAX = 200

Why = Literal["silent", "hiss", "content"]
"""content: the file itself holds no sound."""


@dataclass(frozen=True, slots=True)
class Unheard:
    """An item that plays on a bus and is not heard. booked_ms: of its silence now."""

    why: Why
    since_ms: int
    booked_ms: int = 0


@dataclass(frozen=True, slots=True)
class _Meant:
    """What should sound: live or from the box, and what is known of it."""

    live: bool
    loudness: Loudness | None


class Truth:
    """unheard: by item key and bus."""

    def __init__(self, facts: Facts, air: Air) -> None:
        self._facts = facts
        self._air = air
        self.unheard: dict[tuple[str, int], Unheard] = {}
        self._repairs: dict[str, int] = {}
        self._dead_air = DeadAir()

    @property
    def worst(self) -> Why | None:
        """What the alarm is about; a fault of the station before one of a file."""
        order: tuple[Why, ...] = ("silent", "hiss", "content")
        found = {one.why for one in self.unheard.values()}
        return next((why for why in order if why in found), None)

    def heard(self, event: SoundHeard, turn: Turn) -> None:
        """A report of what left the mixer."""
        sent = self._air.sent.get(event.token)
        if sent is None or not sent.sounding:
            return
        place = (sent.key, sent.bus)
        self._note_dead_air(sent, event, turn.wall_ms)
        meant = self._meant(sent, event)
        why = self._why(event, meant)
        if why is None:
            self.unheard.pop(place, None)
            return
        since_ms = event.at_ms + sent.shift_ms - event.for_ms
        if place not in self.unheard:
            turn.log("sound_unheard", "warning", item=sent.key, bus=sent.bus, why=why)
        booked_ms = self.unheard[place].booked_ms if place in self.unheard else 0
        self.unheard[place] = Unheard(why, since_ms, min(booked_ms, event.for_ms))
        if why != "content" and self._may_repair(sent.key, meant):
            self._repair(sent, since_ms, event, turn)
        else:
            self._book(sent, event, why)

    def forget_ended(self) -> None:
        """What plays no more is not silent either; what is about to be given anew still is."""
        for place in [place for place in self.unheard if place[0] not in self._air.items]:
            del self.unheard[place]
        while len(self._repairs) > KEPT_MAX:
            del self._repairs[next(iter(self._repairs))]

    # --- judging ------------------------------------------------------------------------

    def _meant(self, sent: Sent, event: SoundHeard) -> _Meant | None:
        """None: silence is meant, or nobody knows what should sound."""
        sound = self._air.sounds.get(sent.key)
        if sound is None:
            return None
        source = _source_of(sent, sound, event.part, event.source)
        if source is None or source.kind == "silence":
            return None
        live = source.kind in LIVE_KINDS
        if live and not source.silent_ms:
            return None  # who speaks may pause
        return _Meant(live, known_of(source, self._air.loudness_of))

    def _why(self, event: SoundHeard, meant: _Meant | None) -> Why | None:
        if event.kind == "sound" or meant is None:
            return None
        if event.for_ms < (LIVE_SILENT_AFTER_MS if meant.live else SILENT_AFTER_MS):
            return None
        known = meant.loudness
        if known is None:
            return event.kind
        if known.is_silent:
            return "content"
        from_ms = max(0, event.position_ms - event.for_ms)
        return None if known.is_quiet(from_ms, event.position_ms) else event.kind

    # --- silence of what is live --------------------------------------------------------

    def _note_dead_air(self, sent: Sent, event: SoundHeard, now_ms: int) -> None:
        at_ms = event.at_ms + sent.shift_ms
        sound = self._air.sounds.get(sent.key)
        source = None if sound is None else _source_of(sent, sound, event.part, event.source)
        if event.kind == "sound":
            self._dead_air_over(sent, at_ms - event.for_ms, source)
        elif source is not None and source.kind in LIVE_KINDS:
            self._dead_air.quiet(sent.token, min(now_ms, at_ms - event.for_ms))

    def gave_up(self, event: SourceGaveUp) -> None:
        """A live source that was left for its silence is not heard from when that began until
        another sounds, or its store is empty."""
        sent = self._air.sent.get(event.token)
        sound = self._air.sounds.get(sent.key) if sent is not None else None
        if sent is None or sound is None or not sent.sounding:
            return
        source = _source_of(sent, sound, event.part, event.source)
        at_ms = event.at_ms + sent.shift_ms
        if event.fault != "silent" or source is None:
            self._dead_air_over(sent, at_ms, source)
            return
        began_ms = sent.began_ms + sent.shift_ms
        self._dead_air.quiet(event.token, max(began_ms, at_ms - source.silent_ms))
        self._dead_air.left(event.token, at_ms + STORE_MS + source.delay_ms)

    def ends(self, event: SoundEnded | SourceTookOver) -> None:
        """The source that was silent is not on the air any more."""
        sent = self._air.sent.get(event.token)
        carrier = self._air.ledger.carried.now.get(event.token)
        sound = self._air.sounds.get(sent.key) if sent is not None else None
        if sent is None or sound is None or carrier is None:
            return
        source = _source_of(sent, sound, carrier.part, carrier.source)
        self._dead_air_over(sent, event.at_ms + sent.shift_ms, source)

    def _dead_air_over(self, sent: Sent, at_ms: int, source: Source | None) -> None:
        """Silence counts; it was not heard where the rule of the relay calls it a source that is
        down, or nobody pauses for so long. Who speaks may."""
        quiet = self._dead_air.over(sent.token, at_ms)
        self._air.ledger.book(sent.token, at_ms)
        held = self._facts.open.get(sent.key)
        if quiet is None or held is None:
            return
        spoken = source is None or not source.silent_ms
        down = quiet.left or (not spoken and quiet.whole_ms >= LIVE_SILENT_AFTER_MS)
        if down:
            label = self._air.ledger.carried.label(sent.token)
            from_ms = quiet.to_ms - quiet.new_ms
            held = asrun.tear(held, sent.bus, from_ms, quiet.to_ms, quiet.new_ms, label)
            held = msgspec.structs.replace(held, unheard=OccurrenceReason.SOUND_SILENT)
        held = msgspec.structs.replace(held, silent_ms=held.silent_ms + quiet.new_ms)
        self._facts.put("open", sent.key, held)

    # --- repairing ----------------------------------------------------------------------

    def _may_repair(self, key: str, meant: _Meant | None) -> bool:
        """Once where nobody knows whether the silence is the programme's own."""
        known = meant is not None and meant.loudness is not None
        return self._repairs.get(key, 0) < (REPAIRS_MAX if known else 1)

    def _repair(self, sent: Sent, since_ms: int, event: SoundHeard, turn: Turn) -> None:
        self._dead_air.forget(sent.token)
        done = self._repairs[sent.key] = self._repairs.get(sent.key, 0) + 1
        held = self._facts.open.get(sent.key)
        if held is not None:
            held = msgspec.structs.replace(held, silent_ms=held.silent_ms + event.for_ms)
            self._facts.put("open", sent.key, held)
        self._air.break_off(sent.key, since_ms, OccurrenceReason.SOUND_SILENT, turn)
        if done > 1:
            self._air.player = "lost"  # until its successor is ready
            turn.do(RestartSound("silent"), "soon")
        turn.log("sound_repaired", "warning", item=sent.key, bus=sent.bus, step=done)

    def _book(self, sent: Sent, event: SoundHeard, why: Why) -> None:
        """It goes on in silence: so much of it was not heard."""
        place = (sent.key, sent.bus)
        unheard = self.unheard[place]
        at_ms = event.at_ms + sent.shift_ms
        self._air.ledger.measured(event.token, sent.key, at_ms, event.level_cdb)
        held = self._facts.open.get(sent.key)
        new_ms = event.for_ms - unheard.booked_ms
        if held is None or new_ms <= 0:
            return
        content = why == "content"
        reason = OccurrenceReason.CONTENT_SILENT if content else OccurrenceReason.SOUND_SILENT
        label = self._air.ledger.carried.label(event.token)
        held = asrun.tear(held, sent.bus, at_ms - new_ms, at_ms, new_ms, label)
        self._dead_air.booked(event.token, at_ms)
        held = msgspec.structs.replace(held, silent_ms=held.silent_ms + new_ms, unheard=reason)
        self._facts.put("open", sent.key, held)
        self.unheard[place] = Unheard(why, unheard.since_ms, event.for_ms)


def _source_of(sent: Sent, sound: Sound, part: int, source: int) -> Source | None:
    """A source of a cue by its numbers there."""
    number = sent.part_of(sound, part)
    sources: tuple[Source, ...] = ()
    if 0 <= number < len(sound.main):
        sources = sound.main[number].sources
    elif number < 0 and sound.chime is not None:
        sources = (sound.chime,)
    return sources[source] if source < len(sources) else None
