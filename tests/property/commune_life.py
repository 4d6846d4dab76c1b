"""Three hours of a random commune, lived by a whole station, and what was heard of it.

The station is the product with a modelled card, amplifiers and broker. Reads what left the card in
which zone, never the core's own books.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec

from agent.contract.documents import Entry, Settings
from agent.contract.reports import AsRun, Event
from agent.core import requests as asked
from agent.core.approvals import digest_of_entry
from simulator.world.box import Box
from simulator.world.signing import AUTHORITY, PROVINCE
from simulator.world.sound import Played
from simulator.world.timetable import Start, starts
from tests.property.air_cases import MINUTE_MS, SPAN_MIN, Commune, Mishap, selector
from tests.scenario.village import ABOVE, HOME, STATION, Village

AFTER_MIN = 150
"""What continues, waits or awaits is settled by then."""

DAY_MS = 86_400_000
LOOK_EVERY_MS = 4 * MINUTE_MS + 1_000
SAID = "Mời bà con ra họp. " * 9


class _NoJudge:
    """The world's own judge looks at other things, and knows nothing of these clocks."""

    def began(self, box: Box) -> None:
        pass

    def handled(self, box: Box, *_: Any) -> None:
        pass

    def sounds(self, box: Box, played: Played) -> None:
        pass

    def broke(self, box: Box, event: Any, error: Exception) -> None:
        raise error


class Heard(NamedTuple):
    """A stretch of sound in a zone, in true time. entry: "" for what was typed at the station."""

    entry: str
    zone: str
    from_ms: int
    to_ms: int


class Word(NamedTuple):
    """The commune's word about an entry. place: "HH:MM" or nothing."""

    at_ms: int
    yes: bool
    place: str


@dataclass
class Told:
    """What was done to the station, by true time. quiet: zones and until when by the wall."""

    offsets: list[tuple[int, int]] = field(default_factory=list)
    quiet: list[tuple[int, tuple[str, ...], int]] = field(default_factory=list)
    words: dict[str, list[Word]] = field(default_factory=dict)
    said_ms: int | None = None
    loud: set[str] = field(default_factory=set)
    held: dict[str, list[tuple[int, bool]]] = field(default_factory=dict)
    skipped: dict[str, int] = field(default_factory=dict)


class Life:
    def __init__(self, commune: Commune) -> None:
        self.commune = commune
        night = commune.night
        self.village = Village(begin_ms=night.begin_ms, tz=night.tz)
        self.village.box.watcher = _NoJudge()
        self.village.broker.collector.on_new = lambda _: None
        self.told = Told(offsets=[(0, night.begin_ms)])
        settings = Settings(regulation=commune.rules, approvals=commune.approvals)
        self.village.timetable(*commune.home, settings=settings)
        self.village.timetable(*commune.above, audience=ABOVE)
        for entries, audience in ((commune.home, HOME), (commune.above, ABOVE)):
            for one in entries:
                self.village.publish(one.id, commune.lengths_ms[one.id] / 1_000, audience)

    @property
    def true_ms(self) -> int:
        return self.village.clock.now_ms

    # --- living it ----------------------------------------------------------------------

    def run(
        self,
        look: Callable[[], None] | None = None,
        after: Callable[[int], None] | None = None,
    ) -> None:
        """look: done every few minutes. after: done after each mishap, told when the next is."""
        ends = [*(one.minute * MINUTE_MS for one in self.commune.mishaps), SPAN_MIN * MINUTE_MS]
        for mishap, next_ms in zip(self.commune.mishaps, ends[1:], strict=True):
            self._until(mishap.minute * MINUTE_MS, look)
            self.befalls(mishap)
            if after is not None:
                after(next_ms)
        self._until(SPAN_MIN * MINUTE_MS, look)
        self.live_on()

    def live_on(self) -> None:
        """To the end, with nothing befalling it any more."""
        end_ms = (SPAN_MIN + AFTER_MIN) * MINUTE_MS
        self.village.clock.run(max(self.true_ms, end_ms))
        if self.village.box.life is not None and self.village.box.life.card is not None:
            self.village.box.life.card.count()

    def _until(self, at_ms: int, look: Callable[[], None] | None) -> None:
        while look is not None and self.true_ms + LOOK_EVERY_MS < at_ms:
            self.village.clock.run(self.true_ms + LOOK_EVERY_MS)
            if self.village.box.life is not None:
                look()
        self.village.clock.run(max(self.true_ms, at_ms))

    def befalls(self, mishap: Mishap) -> None:
        village, told = self.village, self.told
        if mishap.act == "warn":
            village.warn(zones=selector(mishap.zones))
        if village.box.life is None:
            return
        match mishap.act:
            case "quiet":
                until_ms = self._quiet_to(mishap.number)
                told.quiet.append((self.true_ms, mishap.zones, until_ms))
                village.ask(asked.QuietRequest(mishap.zones, until_ms, "tang lễ"))
            case "power":
                off_ms = (abs(mishap.number) % 9 + 1) * 20_000
                village.power_cut(off_ms / 1_000)
                told.offsets.append((self.true_ms + off_ms, self.commune.night.begin_ms))
            case "clock" if mishap.number:
                step_ms = mishap.number * MINUTE_MS // 4
                told.offsets.append((self.true_ms, village.box.clocks.offset_ms + step_ms))
                village.set_clock(step_ms / 1_000)
            case "approve" | "refuse" if self.commune.above:
                self._decide(mishap)
            case "loud":
                told.loud.update(mishap.zones)
                village.ask(asked.VolumeRequest(mishap.zones, 100))
            case "say" if told.said_ms is None:
                told.said_ms = self.true_ms
                village.ask(asked.AnnounceRequest(mishap.zones, SAID))

            case "hold" | "skip" | "order":
                self._ordered(mishap)

    def _quiet_to(self, number: int) -> int:
        """For so many minutes, or to around the start of something planned; 0: no longer."""
        now_ms = self.village.box.wall_ms()
        if number <= 0:
            return 0
        entry = self.commune.entries[number % len(self.commune.entries)]
        start_ms = self.planned_ms(entry, self.true_ms)
        edge_ms = start_ms + (number % 3 - 1) * MINUTE_MS
        return edge_ms if number % 2 and edge_ms > now_ms else now_ms + number * MINUTE_MS

    def _ordered(self, mishap: Mishap) -> None:
        """The commune holds an entry back or releases it, skips it, puts it in another place."""
        told, number = self.told, abs(mishap.number)
        entry = self.commune.entries[number % len(self.commune.entries)]
        authority = PROVINCE if entry in self.commune.above else AUTHORITY
        match mishap.act:
            case "hold":
                held = number % 3 != 0
                self._done(asked.HoldRequest(authority, entry.id, held))
                told.held.setdefault(entry.id, []).append((self.true_ms, held))
            case "skip":
                self._done(asked.SkipRequest(authority, entry.id, entry.when.start))
                told.skipped.setdefault(entry.id, self.true_ms)
            case _:
                self._done(asked.OrderRequest(authority, entry.id, mishap.number))

    def _done(self, request: asked.Request) -> None:
        answer = self.village.ask(request)
        assert isinstance(answer, asked.Done), answer

    def _decide(self, mishap: Mishap) -> None:
        """The commune says yes or no, and sometimes when."""
        entry = self.commune.above[mishap.number % len(self.commune.above)]
        yes, place = mishap.act == "approve", ""
        if yes and mishap.number % 3 == 0:
            at = self.commune.night.local(mishap.minute + 2 + abs(mishap.number))
            place = f"{at:%H:%M}"
        answer = self.village.ask(
            asked.ApproveRequest(
                PROVINCE,
                entry.id,
                digest_of_entry(entry),
                "Nguyễn Văn Hòa",
                "pin",
                yes,
                place=place or None,
            )
        )
        if isinstance(answer, asked.Done):
            word = Word(self.true_ms, yes, place)
            self.told.words.setdefault(entry.id, []).append(word)

    # --- reading it ---------------------------------------------------------------------

    def wall_ms(self, true_ms: int) -> int:
        offsets = reversed(self.told.offsets)
        return true_ms + next(offset for at_ms, offset in offsets if at_ms <= true_ms)

    def steps(self) -> list[int]:
        """When the wall clock jumped, in true time."""
        return [
            at_ms
            for (_, before), (at_ms, after) in zip(
                self.told.offsets, self.told.offsets[1:], strict=False
            )
            if before != after
        ]

    def set_back(self, from_ms: int, to_ms: int) -> bool:
        """Whether the wall clock went back between two instants of true time."""
        return any(
            from_ms <= at_ms <= to_ms and after < before
            for (_, before), (at_ms, after) in zip(
                self.told.offsets, self.told.offsets[1:], strict=False
            )
        )

    def heard(self) -> Iterator[Heard]:
        """What left the card and is no warning."""
        for played in self.village.box.played:
            owners = [self.village.office.owners.get(one) for one in played.sources]
            known = [one for one in owners if one is not None]
            if any(one.warning for one in known) or "tone:600" in played.sources:
                continue
            name = known[0].entry if known else ""
            for stretch in played.stretches:
                for zone in stretch.zones:
                    yield Heard(name, zone, stretch.from_ms, stretch.to_ms)

    def records(self) -> list[AsRun]:
        held = self.village.broker.collector.events[STATION]
        events = [msgspec.json.decode(raw, type=Event) for _, raw in sorted(held.items())]
        return [one.body for one in events if isinstance(one.body, AsRun)]

    def planned_ms(self, entry: Entry, true_ms: int) -> int:
        """The instant at which it was to begin, by what was decided up to then."""
        begin_ms = self.commune.night.begin_ms
        [one] = starts(entry, begin_ms - DAY_MS, begin_ms + DAY_MS)
        words = [word for word in self.told.words.get(entry.id, []) if word.at_ms <= true_ms]
        if not words or not words[-1].place:
            return one.start_ms
        return self._placed(entry, one, words[-1].place)

    def _placed(self, entry: Entry, one: Start, place: str) -> int:
        when = msgspec.structs.replace(entry.when, start=f"{one.date}T{place}:00")
        moved = msgspec.structs.replace(entry, when=when)
        [start] = starts(moved, one.start_ms - 2 * DAY_MS, one.start_ms + 2 * DAY_MS)
        return start.start_ms

    def may_play(self, entry: Entry, true_ms: int) -> bool:
        """Whether the commune had said yes, or was not asked."""
        asks = entry in self.commune.above and self.commune.approvals == ()
        if not asks or entry.klass < 3:
            return True
        words = [word for word in self.told.words.get(entry.id, []) if word.at_ms <= true_ms]
        return bool(words) and words[-1].yes

    def kept_by_hand(self, entry: str, true_ms: int) -> bool:
        """Whether it was held back or skipped just then."""
        words = [held for at_ms, held in self.told.held.get(entry, []) if at_ms <= true_ms]
        skipped_ms = self.told.skipped.get(entry)
        return (skipped_ms is not None and skipped_ms <= true_ms) or (bool(words) and words[-1])

    def is_quiet(self, zone: str, true_ms: int) -> bool:
        """By what was asked for up to then."""
        return self.wall_ms(true_ms) < self.quiet_until(zone, true_ms)

    def quiet_until(self, zone: str, true_ms: int) -> int:
        """By the wall; 0 when nobody asked for it."""
        asked_for = (
            until_ms
            for at_ms, zones, until_ms in reversed(self.told.quiet)
            if zone in zones and at_ms <= true_ms
        )
        return next(asked_for, 0)
