"""A modelled sound child and amplifier: what would have been heard, counted where it sounds.

The invariants look here, never into the journal of the station under test.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from agent.core.effects import HoldZones
from agent.core.events import Event, SoundEnded, SoundProgress, SoundStarted
from agent.player.protocol import Cue, EndReason, Part
from simulator.world.clockwork import Clockwork

PROGRESS_MS = 60_000
LATENCY_MS = 30


@dataclass(frozen=True, slots=True)
class Heard:
    """A stretch of one source that left the card. Times are true milliseconds."""

    bus: int
    source: str
    from_ms: int
    to_ms: int
    position_ms: int
    zones: frozenset[str]


@dataclass(slots=True)
class _Playing:
    cue: Cue
    parts: list[tuple[str, int, int]]
    """(source, from position, length)"""
    begins_ms: int
    ends_ms: int
    started: bool = False


@dataclass(slots=True)
class Card:
    """length_of: a source's true length in ms, None when it is no sound at all."""

    clock: Clockwork
    emit: Callable[[Event], None]
    length_of: Callable[[str], int | None]
    heard: list[Heard] = field(default_factory=list)
    offset_ms: dict[int, int] = field(default_factory=dict)
    zones: dict[str, tuple[bool, int]] = field(default_factory=dict)
    bus_of_source: dict[int, int] = field(default_factory=dict)
    _playing: dict[int, _Playing] = field(default_factory=dict)
    _waiting: dict[str, _Playing] = field(default_factory=dict)
    alive: bool = True

    def play(self, cue: Cue) -> None:
        if not self.alive:
            return
        offset_ms = self.offset_ms.get(cue.epoch, 0)
        due_ms = cue.start_at_ms - offset_ms
        begins_ms = max(due_ms, self.clock.now_ms + LATENCY_MS)
        skip_ms = max(0, begins_ms - due_ms) if cue.join else 0
        parts = self._lengths(cue.parts, skip_ms)
        if parts is None:
            self.clock.after(100, lambda: self._fail(cue))
            return
        if not parts:
            self.clock.after(1, lambda: self._tell_end(cue, "late", begins_ms, 0))
            return
        ends_ms = begins_ms + sum(length for _, _, length in parts)
        if cue.end_at_ms is not None:
            ends_ms = min(ends_ms, cue.end_at_ms - offset_ms)
        playing = _Playing(cue, parts, begins_ms, ends_ms)
        self._waiting[cue.token] = playing
        self.clock.at(begins_ms, lambda: self._begin(playing))

    def _lengths(self, parts: tuple[Part, ...], skip_ms: int) -> list[tuple[str, int, int]] | None:
        """(source, position, length) of what is left; None when a part has no sound."""
        found: list[tuple[str, int, int]] = []
        for part in parts:
            source = part.sources[0]
            name = source.url or f"{source.kind}:{source.tone_hz}"
            whole_ms = self.length_of(name) if source.kind == "file" else part.length_ms
            if whole_ms is None:
                return None
            length_ms = whole_ms - part.from_ms if source.kind == "file" else whole_ms
            if part.length_ms is not None:
                length_ms = min(length_ms, part.length_ms)
            taken_ms = min(skip_ms, max(0, length_ms))
            skip_ms -= taken_ms
            if length_ms - taken_ms > 0:
                found.append((name, part.from_ms + taken_ms, length_ms - taken_ms))
        return found

    def _begin(self, playing: _Playing) -> None:
        cue = playing.cue
        if self._waiting.pop(cue.token, None) is not playing or not self.alive:
            return
        if playing.ends_ms <= playing.begins_ms:
            self._tell_end(cue, "late", playing.begins_ms, 0)
            return
        self._end_bus(cue.bus, "taken_over")
        playing.started = True
        self._playing[cue.bus] = playing
        wall_ms = self._wall(cue, self.clock.now_ms)
        position_ms = playing.parts[0][1]
        self.emit(SoundStarted(cue.token, cue.bus, 0, position_ms, wall_ms))
        self.clock.at(playing.ends_ms, lambda: self._natural_end(playing))
        self._progress_later(playing)

    def _progress_later(self, playing: _Playing) -> None:
        if playing.ends_ms > self.clock.now_ms + PROGRESS_MS:
            self.clock.after(PROGRESS_MS, lambda: self._progress(playing))

    def _progress(self, playing: _Playing) -> None:
        if self._playing.get(playing.cue.bus) is not playing or not self.alive:
            return
        cue = playing.cue
        done_ms = self.clock.now_ms - playing.begins_ms
        self.emit(
            SoundProgress(
                cue.token, cue.bus, 0, done_ms, self._wall(cue, self.clock.now_ms), -1_800, 0
            )
        )
        self._progress_later(playing)

    def _natural_end(self, playing: _Playing) -> None:
        if self._playing.get(playing.cue.bus) is playing and self.alive:
            whole = sum(length for _, _, length in playing.parts)
            cut = playing.ends_ms - playing.begins_ms < whole
            self._end_bus(playing.cue.bus, "end_reached" if cut else "finished")

    def stop(self, token: str) -> None:
        waiting = self._waiting.pop(token, None)
        if waiting is not None:
            return
        for bus, playing in list(self._playing.items()):
            if playing.cue.token == token:
                self._end_bus(bus, "stopped")

    def _end_bus(self, bus: int, reason: EndReason) -> None:
        playing = self._playing.pop(bus, None)
        if playing is None:
            return
        self._count(playing, self.clock.now_ms)
        played_ms = self.clock.now_ms - playing.begins_ms
        self._tell_end(playing.cue, reason, self.clock.now_ms, played_ms)

    def _tell_end(self, cue: Cue, reason: EndReason, true_ms: int, played_ms: int) -> None:
        if not self.alive:
            return
        wall_ms = self._wall(cue, true_ms)
        self.emit(
            SoundEnded(cue.token, cue.bus, reason, wall_ms, played_ms, 0, played_ms, -1_800, 0)
        )

    def _fail(self, cue: Cue) -> None:
        self._tell_end(cue, "source_failed", self.clock.now_ms, 0)

    def _wall(self, cue: Cue, true_ms: int) -> int:
        return true_ms + self.offset_ms.get(cue.epoch, 0)

    def die(self) -> None:
        """The child is gone: what sounded stops, what waited is forgotten."""
        for playing in self._playing.values():
            self._count(playing, self.clock.now_ms)
        self._playing.clear()
        self._waiting.clear()
        self.alive = False

    def hold(self, wish: HoldZones) -> None:
        """Set the gates; a stretch that goes on is counted up to here first."""
        for playing in self._playing.values():
            self._count(playing, self.clock.now_ms)
        for zone in wish.zones:
            self.zones[zone.zone] = (zone.gate, self.bus_of_source[zone.source])

    def mute(self) -> None:
        """Leases ran out."""
        for playing in self._playing.values():
            self._count(playing, self.clock.now_ms)
        self.zones = {name: (False, bus) for name, (_, bus) in self.zones.items()}

    def _count(self, playing: _Playing, to_ms: int) -> None:
        """Book what sounded since the last count."""
        zones = frozenset(
            name for name, (gate, bus) in self.zones.items() if gate and bus == playing.cue.bus
        )
        at_ms = playing.begins_ms
        rest: list[tuple[str, int, int]] = []
        for source, position_ms, length_ms in playing.parts:
            end_ms = at_ms + length_ms
            stop_ms = min(end_ms, to_ms)
            if stop_ms > at_ms:
                self.heard.append(
                    Heard(playing.cue.bus, source, at_ms, stop_ms, position_ms, zones)
                )
            left_ms = end_ms - max(at_ms, to_ms)
            if left_ms > 0:
                used_ms = length_ms - left_ms
                rest.append((source, position_ms + used_ms, left_ms))
            at_ms = end_ms
        playing.parts = rest or [("", 0, 0)]
        playing.begins_ms = to_ms
