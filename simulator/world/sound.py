"""A modelled sound child: plays cues at their instant and counts what left the card, and where.

The invariants look here, never into the journal of the station under test. One `Card` lives as
long as one child process; what it played stays in the list of `Played` handed to it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from agent.core.events import (
    Event,
    SoundEnded,
    SoundProgress,
    SoundStarted,
    SourceGaveUp,
    SourceTookOver,
)
from agent.player.protocol import LIVE_KINDS, Cue, EndReason, Part, Source, SourceFault
from simulator.world.clockwork import Clockwork

LATENCY_MS = 30
FAIL_MS = 100
LEVEL_CDB = -1_800
ENDLESS_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Stretch:
    """Sound that left the card from `from_ms` to `to_ms` (true time), heard in `zones`."""

    from_ms: int
    to_ms: int
    zones: frozenset[str]


@dataclass(slots=True)
class Played:
    """One cue that sounded. parts: (source, position in the part, length) as they really came.

    begins_wall_ms: what the box believed the time was. chime: its first part is not its last.
    beneath: where it went on softly, under what was said over it; not in `stretches`.
    """

    token: str
    bus: int
    cue: Cue
    parts: tuple[tuple[str, int, int], ...]
    begins_ms: int
    begins_wall_ms: int
    stretches: list[Stretch] = field(default_factory=list)
    beneath: list[Stretch] = field(default_factory=list)
    ended_ms: int | None = None
    counted_ms: int = 0
    _changed: bool = False

    @property
    def sources(self) -> tuple[str, ...]:
        return tuple(source for source, _, _ in self.parts)

    def heard_ms(self, zone: str) -> int:
        return sum(one.to_ms - one.from_ms for one in self.stretches if zone in one.zones)

    def beneath_ms(self, zone: str) -> int:
        return sum(one.to_ms - one.from_ms for one in self.beneath if zone in one.zones)

    def count(self, to_ms: int, zones: frozenset[str], *, beneath: bool = False) -> None:
        """Book what sounded since the last count."""
        if to_ms <= self.counted_ms:
            return
        book = self.beneath if beneath else self.stretches
        last = book[-1] if book else None
        if last is not None and last.zones == zones and last.to_ms == self.counted_ms:
            book[-1] = Stretch(last.from_ms, to_ms, zones)
        else:
            book.append(Stretch(self.counted_ms, to_ms, zones))
        self.counted_ms = to_ms


@dataclass(slots=True, eq=False)
class _Waiting:
    """numbers: of its parts in the cue. places: of the sources that sound in them. broken: the last
    one has no sound."""

    cue: Cue
    begins_ms: int
    ends_ms: int
    parts: list[tuple[str, int, int]]
    numbers: list[int]
    broken: bool
    played: Played | None = None
    places: list[int] = field(default_factory=list)


class Card:
    """One sound child.

    length_of: a source's true length in ms, None when there is no sound in it. audible: the zones
    that hear a bus at this moment. begins: told of each cue whose first sample left the card.
    fetches: whether the box has the program that a source needs.
    """

    def __init__(
        self,
        clock: Clockwork,
        emit: Callable[[Event], None],
        length_of: Callable[[str], int | None],
        audible: Callable[[int], frozenset[str]],
        begins: Callable[[Played], None],
        offsets_ms: dict[int, int],
        progress_ms: int,
        fetches: Callable[[str], bool] = lambda _: True,
    ) -> None:
        self._clock = clock
        self._fetches = fetches
        self._emit = emit
        self._length_of = length_of
        self._audible = audible
        self._begins = begins
        self._offsets_ms = offsets_ms
        self._progress_ms = progress_ms
        self._playing: dict[int, _Waiting] = {}
        self._above: dict[int, _Waiting] = {}
        self._waiting: dict[str, _Waiting] = {}
        self._known: set[str] = set()
        self.alive = True

    # --- what the agent asks for --------------------------------------------------------

    def play(self, cue: Cue) -> None:
        if not self.alive or cue.token in self._known:
            return
        self._known.add(cue.token)
        offset_ms = self._offsets_ms[cue.epoch]
        due_ms = cue.start_at_ms - offset_ms
        begins_ms = max(due_ms, self._clock.now_ms + LATENCY_MS)
        skip_ms = begins_ms - due_ms if cue.join else 0
        numbered, broken = self._lengths(cue, skip_ms)
        if broken and not numbered:
            self._clock.after(FAIL_MS, lambda: self._tell_end(cue, "source_failed", 0))
            return
        numbers, parts = [row[0] for row in numbered], [row[1] for row in numbered]
        ends_ms = begins_ms + sum(length for _, _, length in parts)
        if cue.end_at_ms is not None:
            ends_ms = min(ends_ms, cue.end_at_ms - offset_ms)
        if ends_ms <= begins_ms:
            self._clock.after(1, lambda: self._tell_end(cue, "late", 0))
            return
        waiting = _Waiting(cue, begins_ms, ends_ms, parts, numbers, broken)
        waiting.places = [place for _, _, place in numbered]
        self._waiting[cue.token] = waiting
        self._clock.at(begins_ms, lambda: self._begin(waiting))

    def stop(self, token: str) -> None:
        if self._waiting.pop(token, None) is not None:
            return
        for playing in self._on_air():
            if playing.cue.token == token:
                self._end(playing, "stopped")
                return

    def die(self) -> None:
        """The child is gone: what sounded stops, what waited is forgotten."""
        self.count()
        for playing in self._on_air():
            self._close(playing)
        self._playing.clear()
        self._above.clear()
        self._waiting.clear()
        self.alive = False

    def count(self) -> None:
        """Book what sounded up to now, before gates change."""
        for playing in self._on_air():
            bus = playing.cue.bus
            if playing.played is not None:
                beneath = bus in self._above and self._above[bus] is not playing
                playing.played.count(self._clock.now_ms, self._audible(bus), beneath=beneath)

    def sounding(self) -> list[Played]:
        return [one.played for one in self._on_air() if one.played is not None]

    # --- inside -------------------------------------------------------------------------

    def _on_air(self) -> list[_Waiting]:
        return [*self._playing.values(), *self._above.values()]

    def _lengths(
        self, cue: Cue, skip_ms: int
    ) -> tuple[list[tuple[int, tuple[str, int, int], int]], bool]:
        """(part, (source, position, length), number of the source) of what is left, parts without
        sound left out; and whether the last one is such a part."""
        found: list[tuple[int, tuple[str, int, int], int]] = []
        broken = False
        for number, part in enumerate(cue.parts):
            chosen = self._choose(cue, number, part)
            broken = chosen is None
            if chosen is None:
                continue
            place, source, whole_ms = chosen
            name = source.url or f"{source.kind}:{source.tone_hz[0] if source.tone_hz else 0}"
            stands_in = any(one.kind in LIVE_KINDS for one in part.sources[: place + 1])
            origin_ms = part.origin_ms(place)
            length_ms = whole_ms - origin_ms if source.kind == "file" else whole_ms
            if stands_in and part.retake != "never":
                length_ms = ENDLESS_MS  # a file that stands in for what is live is said again
            if part.length_ms is not None:
                length_ms = min(length_ms, part.length_ms)
            taken_ms = min(skip_ms, max(0, length_ms))
            skip_ms -= taken_ms
            if length_ms - taken_ms > 0:
                found.append((number, (name, part.from_ms + taken_ms, length_ms - taken_ms), place))
        return found, broken

    def _choose(self, cue: Cue, number: int, part: Part) -> tuple[int, Source, int] | None:
        """The first source of the part that gives sound, its number, and its length."""
        for place, source in enumerate(part.sources):
            if source.kind in ("tone", "silence", "input"):
                whole_ms = part.length_ms if part.length_ms is not None else ENDLESS_MS
                return place, source, whole_ms
            fetched = self._fetches(source.url)
            length_ms = self._length_of(source.url) if fetched else None
            if length_ms is not None:
                return place, source, length_ms
            fault: SourceFault = "not_audio" if source.kind == "file" else "refused"
            fault = fault if fetched else "no_program"
            gave_up = SourceGaveUp(cue.token, number, place, fault, self._wall(cue))
            self._clock.after(FAIL_MS // 2, lambda told=gave_up: self._told(told))  # type: ignore[misc]
        return None

    def _told(self, event: Event) -> None:
        if self.alive:
            self._emit(event)

    def _begin(self, waiting: _Waiting) -> None:
        cue = waiting.cue
        if self._waiting.pop(cue.token, None) is not waiting or not self.alive:
            return
        beneath = self._playing.get(cue.bus)
        lies_above = beneath is not None and beneath.cue.token == cue.over
        self.count()
        for old in (self._above.get(cue.bus), None if lies_above else beneath):
            if old is not None:
                self._end(old, "taken_over")
        now_ms = self._clock.now_ms
        wall_ms = self._wall(cue)
        played = Played(cue.token, cue.bus, cue, tuple(waiting.parts), now_ms, wall_ms)
        played.counted_ms = now_ms
        waiting.played = played
        (self._above if lies_above else self._playing)[cue.bus] = waiting
        part = waiting.numbers[0]
        self._begins(played)
        self._emit(SoundStarted(cue.token, cue.bus, part, waiting.parts[0][1], wall_ms))
        self._tell_sources(waiting)
        self._clock.at(waiting.ends_ms, lambda: self._natural_end(waiting))
        self._progress_later(waiting)

    def _tell_sources(self, waiting: _Waiting) -> None:
        """Parts that begin with another than their first source say so when they begin."""
        at_ms, cue = waiting.begins_ms, waiting.cue
        for number, place, (_, _, length_ms) in zip(
            waiting.numbers, waiting.places, waiting.parts, strict=True
        ):

            def tell(number: int = number, place: int = place) -> None:
                if self._playing.get(cue.bus) is waiting:
                    self._told(SourceTookOver(cue.token, number, place, self._wall(cue)))

            if place and at_ms <= self._clock.now_ms:
                tell()
            elif place and at_ms < waiting.ends_ms:
                self._clock.at(at_ms, tell)
            at_ms += length_ms

    def _progress_later(self, playing: _Waiting) -> None:
        if playing.ends_ms > self._clock.now_ms + self._progress_ms:
            self._clock.after(self._progress_ms, lambda: self._progress(playing))

    def _progress(self, playing: _Waiting) -> None:
        cue = playing.cue
        if playing not in self._on_air() or not self.alive:
            return
        part, position_ms = self._position(playing)
        played_ms = self._clock.now_ms - playing.begins_ms
        wall_ms = self._wall(cue)
        self._emit(
            SoundProgress(cue.token, cue.bus, part, position_ms, wall_ms, LEVEL_CDB, 0, played_ms)
        )
        self._progress_later(playing)

    def _position(self, playing: _Waiting) -> tuple[int, int]:
        """(part, position in it) that leaves the card now."""
        done_ms = self._clock.now_ms - playing.begins_ms
        for number, (_, position_ms, length_ms) in zip(
            playing.numbers[:-1], playing.parts[:-1], strict=True
        ):
            if done_ms < length_ms:
                return number, position_ms + done_ms
            done_ms -= length_ms
        return playing.numbers[-1], playing.parts[-1][1] + done_ms

    def _natural_end(self, playing: _Waiting) -> None:
        if playing in self._on_air() and self.alive:
            whole_ms = sum(length for _, _, length in playing.parts)
            cut = playing.ends_ms - playing.begins_ms < whole_ms
            whole: EndReason = "source_failed" if playing.broken else "finished"
            self._end(playing, "end_reached" if cut else whole)

    def _end(self, playing: _Waiting, reason: EndReason) -> None:
        bus = playing.cue.bus
        self.count()
        above = self._above.pop(bus, None)
        if self._playing[bus] is playing:
            del self._playing[bus]
            if above is not None:
                self._playing[bus] = above
        self._close(playing)
        part, _ = self._position(playing)
        self._tell_end(playing.cue, reason, self._clock.now_ms - playing.begins_ms, part)

    def _close(self, playing: _Waiting) -> None:
        if playing.played is not None:
            playing.played.ended_ms = self._clock.now_ms

    def _tell_end(self, cue: Cue, reason: EndReason, played_ms: int, part: int = 0) -> None:
        wall_ms = self._wall(cue)
        self._told(
            SoundEnded(
                cue.token, cue.bus, reason, wall_ms, played_ms, part, played_ms, LEVEL_CDB, 0
            )
        )

    def _wall(self, cue: Cue) -> int:
        return self._clock.now_ms + self._offsets_ms[cue.epoch]
