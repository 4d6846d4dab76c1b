"""Which items stand in line around now: timetable occurrences under the local decisions.

Owns how far back and ahead items are made, and how holds, skips, local order, stops and an
untrusted clock change them. What an entry means is schedule and programme.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from agent.contract.documents import Schedule
from agent.contract.reasons import OccurrenceReason
from agent.core.facts import Facts, Override
from agent.core.items import Item, key_of
from agent.core.programme import InForce, OnBox, Programme, Sound
from agent.core.schedule import Occurrence
from agent.core.timekeeping import Timekeeping

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS

AHEAD_MS = 26 * HOUR_MS
"""Items are made this far ahead."""

EVERY_MS = 6 * HOUR_MS
"""And made anew this often."""

LOOKBACK_MAX_MS = 31 * DAY_MS
"""After a longer absence, what lies further back is not settled one by one."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """What an as-run record tells of where an item came from."""

    revision: int = 0
    author: str = ""
    approver: str = ""
    slot_ms: int | None = None
    recorded: bool = True


@dataclass(frozen=True, slots=True)
class Line:
    """An item, its sound if it has one, and where it came from."""

    item: Item
    sound: Sound | None
    origin: Provenance


class Lineup:
    def __init__(self, facts: Facts, programme: Programme) -> None:
        self._facts = facts
        self._programme = programme

    def lines(self, box: OnBox, time: Timekeeping, now_ms: int) -> Iterable[Line]:
        """Everything of the timetables that may still matter, up to AHEAD_MS from now.

        Without trusted time that is nothing: it is settled when the time is known.
        """
        if time.trust == "untrusted":
            return
        settled_ms = self._facts.marks.settled_through_ms
        low_ms = max(min(settled_ms, now_ms) - DAY_MS, now_ms - LOOKBACK_MAX_MS)
        for occurrence, force in self._programme.occurrences(low_ms, now_ms + AHEAD_MS):
            key = key_of(occurrence.ref)
            if key in self._facts.settled:
                continue
            item, sound = self._item(occurrence, force, box, time)
            opened = key in self._facts.open
            past = item.start_ms + item.play_ms <= settled_ms
            if not opened and (past or not item.zones):
                continue
            entry = occurrence.entry
            origin = Provenance(
                force.schedule.revision, entry.author, entry.approver, occurrence.slot_ms
            )
            yield Line(item, sound, origin)

    def between(self, box: OnBox, time: Timekeeping, from_ms: int, to_ms: int) -> dict[str, Item]:
        """Items that start in the window, for a look further ahead than the lines."""
        if to_ms <= from_ms:
            return {}
        pairs = self._programme.occurrences(from_ms, to_ms)
        items = (self._item(occurrence, force, box, time)[0] for occurrence, force in pairs)
        return {item.key: item for item in items if item.zones}

    def _item(
        self, occurrence: Occurrence, force: InForce, box: OnBox, time: Timekeeping
    ) -> tuple[Item, Sound | None]:
        """The occurrence with the local decisions about it."""
        ref = occurrence.ref
        overrides = self._facts.overrides
        order = overrides.get(f"order|{ref.authority}|{ref.entry}")
        held = f"hold|{ref.authority}|{ref.entry}" in overrides
        number = order.number if order is not None else None
        item, sound = self._programme.item(occurrence, force, box, held, number)
        kept_back = self._kept_back(item, time)
        if kept_back is not None:
            item = replace(item, ready=False, problem=kept_back)
        opened = self._facts.open.get(item.key)
        if opened is not None and opened.stopped:
            zones = tuple(zone for zone in item.zones if zone not in opened.stopped)
            item = replace(item, zones=zones)
        return item, sound

    def _kept_back(self, item: Item, time: Timekeeping) -> OccurrenceReason | None:
        ref = item.ref
        skip = self._facts.overrides.get(f"skip|{ref.authority}|{ref.entry}|{ref.nominal}")
        if skip is not None:
            moved = skip.by == MOVED_BY and item.key not in self._facts.open
            return OccurrenceReason.ALREADY_PLAYED if moved else OccurrenceReason.SKIPPED_LOCALLY
        if not time.may_run(item.klass, play_now=False):
            return OccurrenceReason.CLOCK_UNTRUSTED
        return None

    def skip_moved(self, before: Schedule, after: Schedule, day: str, at_ms: int) -> None:
        """An item that aired on `day` does not air again because its start was moved (D5).

        The n-th start of an entry on a day stays the n-th when the entry's times change.
        """
        was, now = _starts(self._programme, before, day), _starts(self._programme, after, day)
        prefix = f"{after.authority}|{after.audience}|"
        for entry, nominals in now.items():
            for old, new in zip(was.get(entry, ()), nominals, strict=False):
                if old != new and self._aired(f"{prefix}{entry}|{old}"):
                    key = f"skip|{after.authority}|{entry}|{new}"
                    self._facts.put("override", key, Override("skip", MOVED_BY, at_ms))

    def _aired(self, key: str) -> bool:
        settled, opened = self._facts.settled.get(key), self._facts.open.get(key)
        return (settled is not None and settled.aired) or (opened is not None and opened.sounded)


MOVED_BY = "moved"
"""Who an override is by when a changed timetable moved what had already aired."""


def _starts(programme: Programme, schedule: Schedule, day: str) -> Mapping[str, list[str]]:
    starts: dict[str, list[str]] = {}
    for occurrence in programme.day_of(schedule, day):
        starts.setdefault(occurrence.ref.entry, []).append(occurrence.ref.nominal)
    return starts
