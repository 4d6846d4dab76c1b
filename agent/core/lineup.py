"""Which items stand in line around now: timetable occurrences under the local decisions.

Owns how far back and ahead items are made, how holds, skips, the commune's order and approvals,
stops and an untrusted clock change them, and that the rules of the air bind all that is no
emergency. What an entry means is schedule and programme; what a rule means is rules and sessions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from agent.contract.documents import UNTOLD, About, Entry, Schedule
from agent.contract.reasons import OccurrenceReason
from agent.contract.reports import ApprovalMeans
from agent.core.approvals import Approvals, Standing
from agent.core.facts import Facts, Override
from agent.core.items import Bar, Item, key_of
from agent.core.power import Power
from agent.core.programme import InForce, OnBox, Programme, Sound
from agent.core.quiet import QuietZones
from agent.core.requests import ApprovalState
from agent.core.rules import Rules
from agent.core.schedule import Occurrence
from agent.core.sessions import Book, Slot, slot_of
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
    """What records and the plan tell of where an item came from, and who let it play."""

    revision: int = 0
    author: str = ""
    approver: str = ""
    slot_ms: int | None = None
    recorded: bool = True
    state: ApprovalState = "not_needed"
    approval: ApprovalMeans | None = None
    approved_by: str = ""
    document_number: str = ""
    field: str = ""
    entry: Entry | None = None
    about: About = UNTOLD


def provenance_of(entry: Entry, standing: Standing, revision: int) -> Provenance:
    """As the timetable and the commune's word about the entry tell it."""
    return Provenance(
        revision,
        entry.author,
        entry.approver,
        state=standing.state,
        approval=standing.means,
        approved_by=standing.by,
        document_number=standing.document_number,
        field=entry.field,
        about=entry.about,
    )


def about_of(sound: Sound, origin: Provenance) -> About:
    """What records tell of the bulletin: of the file that sounds before that of the entry.

    A pen name and an address belong to the author they stand with.
    """
    of_entry, of_file = origin.about, sound.about
    author = of_file if sound.author or of_file.pen_name or of_file.email else of_entry
    return About(
        summary=of_file.summary or of_entry.summary,
        produced=of_file.produced or of_entry.produced,
        pen_name=author.pen_name,
        email=author.email,
    )


KEPT_BACK = frozenset(
    {
        OccurrenceReason.HELD,
        OccurrenceReason.SKIPPED_LOCALLY,
        OccurrenceReason.ALREADY_PLAYED,
        OccurrenceReason.AWAITING_APPROVAL,
        OccurrenceReason.NOT_APPROVED,
        OccurrenceReason.ON_BATTERY,
    }
)
"""What was decided about an item, or was not: it takes no air time of the day."""


@dataclass(frozen=True, slots=True)
class Line:
    """An item, its sound if it has one, and where it came from."""

    item: Item
    sound: Sound | None
    origin: Provenance


class Lineup:
    def __init__(
        self,
        facts: Facts,
        programme: Programme,
        approvals: Approvals,
        rules: Rules,
        quiet: QuietZones,
        power: Power,
    ) -> None:
        self._facts = facts
        self._programme = programme
        self._approvals = approvals
        self._rules = rules
        self._quiet = quiet
        self._power = power

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
            line = self._line(occurrence, force, box, time)
            item = line.item
            opened = key in self._facts.open or key in self._facts.undecided
            # Placed into the past it is still to be told that it did not play.
            start_ms = max(item.start_ms, occurrence.start_ms)
            past = start_ms + item.play_ms <= settled_ms
            if not opened and (past or not item.zones):
                continue
            yield line

    def between(self, box: OnBox, time: Timekeeping, from_ms: int, to_ms: int) -> list[Line]:
        """What starts in the window, for a look further ahead than the lines."""
        if to_ms <= from_ms:
            return []
        pairs = self._programme.occurrences(from_ms, to_ms)
        lines = (self._line(occurrence, force, box, time) for occurrence, force in pairs)
        return [line for line in lines if line.item.zones]

    def _line(self, occurrence: Occurrence, force: InForce, box: OnBox, time: Timekeeping) -> Line:
        entry = occurrence.entry
        standing = self._approvals.standing(force, entry, occurrence.ref.nominal)
        item, sound = self._item(occurrence, force, box, time, standing)
        origin = provenance_of(entry, standing, force.schedule.revision)
        return Line(item, sound, replace(origin, slot_ms=occurrence.slot_ms, entry=entry))

    def _item(
        self,
        occurrence: Occurrence,
        force: InForce,
        box: OnBox,
        time: Timekeeping,
        standing: Standing,
    ) -> tuple[Item, Sound | None]:
        """The occurrence with the local decisions about it."""
        ref = occurrence.ref
        overrides = self._facts.overrides
        order = overrides.get(f"order|{ref.authority}|{ref.entry}")
        held = f"hold|{ref.authority}|{ref.entry}" in overrides
        item, sound = self._programme.item(occurrence, force, box, held)
        if order is not None:
            item = replace(item, decided=order.number)
        opened = self._facts.open.get(item.key)
        if standing.place:
            placed_ms = self._placed_ms(occurrence, standing.place)
            item = replace(
                item,
                start_ms=placed_ms if opened is None else opened.start_ms,
                moved_from_ms=occurrence.start_ms,
            )
        kept_back = self._kept_back(item, time) or _without_approval(
            standing, begun=opened is not None and opened.sounded
        )
        if kept_back is not None:
            item = replace(item, ready=False, problem=kept_back)
        if kept_back is OccurrenceReason.AWAITING_APPROVAL:
            item = replace(item, undecided_ms=self._end_of_day(occurrence))
        if opened is not None and opened.stopped:
            zones = tuple(zone for zone in item.zones if zone not in opened.stopped)
            item = replace(item, zones=zones)
        return item, sound

    def _placed_ms(self, occurrence: Occurrence, place: str) -> int:
        """The commune moved the start within its local date."""
        local = datetime.fromisoformat(f"{occurrence.date}T{place}:00")
        return self._programme.instant(occurrence.entry, local)

    def _end_of_day(self, occurrence: Occurrence) -> int:
        """Until then the commune may still approve an occurrence and place it."""
        local = datetime.fromisoformat(occurrence.date) + timedelta(days=1)
        return self._programme.instant(occurrence.entry, local)

    def _kept_back(self, item: Item, time: Timekeeping) -> OccurrenceReason | None:
        ref = item.ref
        skip = self._facts.overrides.get(f"skip|{ref.authority}|{ref.entry}|{ref.nominal}")
        if skip is not None:
            moved = skip.by == MOVED_BY and item.key not in self._facts.open
            return OccurrenceReason.ALREADY_PLAYED if moved else OccurrenceReason.SKIPPED_LOCALLY
        if item.problem is OccurrenceReason.HELD:
            return OccurrenceReason.HELD
        if not time.may_run(item.klass, play_now=False):
            return OccurrenceReason.CLOCK_UNTRUSTED
        if item.klass in self._power.held(self._programme.settings):
            return OccurrenceReason.ON_BATTERY
        return None

    # --- the rules of the air -----------------------------------------------------------

    def bound(self, lines: Iterable[Line], time: Timekeeping, now_ms: int) -> list[Line]:
        """The lines with what the rules keep each of them from; emergencies as they are.

        Without trusted time nobody knows the hour but whoever asked for it: only quiet counts.
        """
        trusted = time.trust == "trusted"
        barred = [self._barred(line, now_ms, by_hours=trusted) for line in lines]
        if not trusted or not self._rules.counts():
            return barred
        further = Book(self._rules).keep_back(self._slots([line.item for line in barred]))
        return [_with_bars(line, further.get(line.item.key, ())) for line in barred]

    def used_up(self, items: Iterable[Item], like: Item, t_ms: int) -> dict[str, OccurrenceReason]:
        """Zones of `like` in which an item of its length would not fit at `t_ms`, and why."""
        if not self._rules.counts():
            return {}
        book = Book(self._rules)
        book.keep_back(self._slots(items, t_ms))
        slot = Slot(like.key, t_ms, like.play_ms, like.zones)
        found = ((zone, book.why_not(slot, zone)) for zone in like.zones)
        return {zone: bar.reason for zone, bar in found if bar is not None}

    def _barred(self, line: Line, now_ms: int, *, by_hours: bool) -> Line:
        item = line.item
        if item.klass == 1:
            return line
        bars: tuple[Bar, ...] = ()
        if item.bound == "all" and by_hours:
            end_ms = item.start_ms + item.play_ms
            bars = tuple(self._rules.bars(item.zones, item.start_ms, end_ms, item.language))
        bars = (*bars, *self._quiet.bars(item.zones, item.start_ms, now_ms))
        return replace(line, item=replace(item, bars=bars)) if bars or item.bars else line

    def _slots(self, items: Iterable[Item], *also_ms: int) -> list[Slot]:
        """What asks for air time: these items, and what is settled of their days."""
        begun = {key: held.been for key, held in self._facts.open.items()}
        asking = [item for item in items if _asks(item)]
        slots = [slot_of(item, begun.get(item.key, ())) for item in asking]
        starts = [*also_ms, *(item.start_ms for item in asking)]
        if starts:
            slots += self._settled_slots({item.key for item in asking}, min(starts), max(starts))
        return slots

    def _settled_slots(self, keys: set[str], first_ms: int, last_ms: int) -> Iterator[Slot]:
        """What else is settled, of the days from one start to another."""
        low_ms = self._rules.span_of(self._rules.day_of(first_ms)).from_ms
        high_ms = self._rules.span_of(self._rules.day_of(last_ms)).to_ms
        for key, settled in self._facts.settled.items():
            if settled.zones and low_ms <= settled.start_ms < high_ms and key not in keys:
                length_ms = settled.end_ms - settled.start_ms
                yield Slot(
                    key,
                    settled.start_ms,
                    length_ms,
                    settled.zones,
                    frozenset(settled.zones),
                    settled.moves,
                )

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


def _without_approval(standing: Standing, *, begun: bool) -> OccurrenceReason | None:
    """An item that began is not cut off because its entry changed since it was approved."""
    if standing.state == "refused":
        return OccurrenceReason.NOT_APPROVED
    if standing.state == "awaiting" and not begun:
        return OccurrenceReason.AWAITING_APPROVAL
    return None


def _asks(item: Item) -> bool:
    """Whether it asks for air time of the day."""
    return item.klass > 1 and item.bound == "all" and item.problem not in KEPT_BACK


def _with_bars(line: Line, bars: tuple[Bar, ...]) -> Line:
    """What keeps it back whole goes first: it is why the item did not play."""
    if not bars:
        return line
    return replace(line, item=replace(line.item, bars=(*bars, *line.item.bars)))


MOVED_BY = "moved"
"""Who an override is by when a changed timetable moved what had already aired."""


def _starts(programme: Programme, schedule: Schedule, day: str) -> Mapping[str, list[str]]:
    starts: dict[str, list[str]] = {}
    for occurrence in programme.day_of(schedule, day):
        starts.setdefault(occurrence.ref.entry, []).append(occurrence.ref.nominal)
    return starts
