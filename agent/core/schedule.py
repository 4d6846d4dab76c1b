"""Timetable entries to occurrences: local wall time first, then UTC.

Owns: what an entry's `when` means. Does not own which occurrence wins (planner, arbitration) nor
who may write one (trust).

Invariants: the identity of an occurrence is its *nominal* local start, whatever the clocks of its
zone do that night. A local time that does not exist plays later by the width of the gap; one that
comes twice plays the first time. An entry that passed `check_entry` expands without an error, in
time bounded by the window.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import NamedTuple

import msgspec

from agent.contract.documents import Entry, Schedule, When
from agent.contract.reasons import AckReason
from agent.contract.reports import OccurrenceRef
from agent.core.recurrence import (
    FIRST_YEAR,
    LAST_YEAR,
    NEVER_YEARS,
    PER_DAY_MAX,
    Rule,
    RuleError,
    read_rule,
)

Zones = Callable[[str], tzinfo | None]
"""IANA name → its rules, None (or the errors of `zoneinfo.ZoneInfo`) for an unknown name."""

_DAY = timedelta(days=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH = _EPOCH.replace(tzinfo=None)
_MARGIN = timedelta(hours=26)
"""A nominal start lies within this of its real one: the widest offset and the widest gap."""
_LAST_SPAN = timedelta(days=32)
_LAST = _NAIVE_EPOCH.replace(year=LAST_YEAR + 100)


class Occurrence(msgspec.Struct, frozen=True):
    """One planned playing of an entry.

    start_ms: epoch ms UTC. slot_ms: length of the slot, None for as long as the content. date:
    local date of the nominal start, as content documents name it.
    """

    ref: OccurrenceRef
    entry: Entry
    start_ms: int
    slot_ms: int | None
    date: str


class Horizon(NamedTuple):
    """Until when there are occurrences. last_ms: start of the last one; None: none, or endless."""

    endless: bool
    last_ms: int | None


class EntryFault(NamedTuple):
    """Why an entry is refused, for the receipt."""

    reason: AckReason
    detail: str


def to_utc_ms(nominal: datetime, zone: tzinfo) -> int:
    """Naive local wall time → epoch ms. In a gap: later by its width; twice: the first."""
    local = nominal - _NAIVE_EPOCH
    seconds = local.days * 86_400 + local.seconds
    offset = nominal.replace(tzinfo=zone).utcoffset()
    if offset is None:
        return seconds * 1_000
    return seconds * 1_000 - round(offset.total_seconds() * 1_000)


def _read_time(name: str, text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise RuleError(AckReason.BAD_RECURRENCE, f"{name}: {text} does not exist") from None
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        detail = f"{name}: the year must lie in {FIRST_YEAR} to {LAST_YEAR}"
        raise RuleError(AckReason.BAD_RECURRENCE, detail)
    return moment


class _Compiled:
    """One entry, read once. Raises RuleError when it is not one that can be expanded."""

    __slots__ = ("_excluded", "_high", "_rule", "_singles", "entry", "zone")

    def __init__(self, entry: Entry, zones: Zones) -> None:
        when = entry.when
        self.entry = entry
        self.zone = _resolve(when, zones)
        start = _read_time("start", when.start)
        further = [_read_time("dates", one) for one in when.dates]
        self._excluded = frozenset(_read_time("except", one) for one in when.except_)
        self._high = _read_time("until", f"{when.until}T00:00:00") + _DAY if when.until else _LAST
        self._rule: Rule | None = None
        if when.rrule is None:
            further.append(start)
        else:
            self._rule = read_rule(when.rrule, start, self.zone)
        self._singles = sorted({one for one in further if self._plays(one)})

    def _plays(self, nominal: datetime) -> bool:
        return nominal < self._high and nominal not in self._excluded

    def nominals(self, low: datetime, high: datetime) -> list[datetime]:
        """Local nominal starts with low <= start < high, ascending, each once."""
        high = min(high, self._high)
        at = bisect_left(self._singles, low)
        singles = self._singles[at : bisect_left(self._singles, high, at)] if low < high else []
        if self._rule is None:
            return singles
        repeated = self._rule.starts(low, high)
        if self._excluded:
            repeated = [one for one in repeated if one not in self._excluded]
        return sorted({*repeated, *singles}) if singles else repeated

    def is_endless(self) -> bool:
        return self._high == _LAST and self._rule is not None and self._rule.ends_before is None

    def last(self) -> datetime | None:
        """The last nominal start of an entry that ends; None: it has none.

        Looked for backwards, each time in a longer stretch.
        """
        last = self._singles[-1] if self._singles else None
        if self._rule is None:
            return last
        anchor, high = self._rule.anchor, min(self._high, self._rule.ends_before or _LAST)
        span = _LAST_SPAN
        while high > anchor:
            low = max(anchor, high - span)
            found = self.nominals(low, high)
            if found:
                return max(found[-1], last) if last is not None else found[-1]
            high, span = low, span * 4
        return last

    def never_comes(self) -> bool:
        if self._singles or self._rule is None:
            return not self._singles
        first, _ = self._rule.first(self._excluded)
        return first is None or first >= self._high

    def times_of_day(self) -> frozenset[time]:
        singles = frozenset(one.time() for one in self._singles)
        return singles | (self._rule.times_of_day() if self._rule is not None else frozenset())

    def max_per_day(self) -> int:
        by_date = Counter(one.date() for one in self._singles)
        single = max(by_date.values(), default=0)
        return single + (self._rule.max_per_day if self._rule is not None else 0)


def _resolve(when: When, zones: Zones) -> tzinfo:
    try:
        zone = zones(when.tz)
    except (KeyError, ValueError, OSError):  # what zoneinfo.ZoneInfo does instead of None
        zone = None
    if zone is None:
        raise RuleError(AckReason.BAD_TIME_ZONE, f"tz: {when.tz} is not known here")
    return zone


def check_entry(entry: Entry, zones: Zones) -> EntryFault | None:
    """Why the entry's `when` cannot be planned, or None. Bounded work for any entry."""
    try:
        compiled = _Compiled(entry, zones)
        if compiled.max_per_day() > PER_DAY_MAX:
            detail = f"{compiled.max_per_day()} starts a day, at most {PER_DAY_MAX}"
            raise RuleError(AckReason.RECURRENCE_FLOODS, detail)
        if compiled.never_comes():
            detail = f"no start within {NEVER_YEARS} years of {entry.when.start}"
            raise RuleError(AckReason.RECURRENCE_NEVER, detail)
    except RuleError as error:
        return EntryFault(error.reason, f"entry {entry.id}: {error.detail}")
    return None


def max_per_day(entry: Entry, zones: Zones) -> int:
    """Starts on the entry's fullest day, an upper bound. Raises RuleError for a bad entry."""
    return _Compiled(entry, zones).max_per_day()


def times_of_day(entry: Entry, zones: Zones) -> frozenset[time]:
    """Local times of day at which the entry can start; none for an entry that is refused."""
    try:
        return _Compiled(entry, zones).times_of_day()
    except RuleError:
        return frozenset()


class Expander:
    """The entries of one timetable, read once, expanded window by window.

    `refused`: entries that cannot be read here (they were accepted by other software or other
    time zone data); they are left out instead of silencing the rest.
    """

    __slots__ = ("_audience", "_authority", "_compiled", "refused")

    def __init__(
        self, entries: Iterable[Entry], *, authority: str, audience: str, zones: Zones
    ) -> None:
        self._authority = authority
        self._audience = audience
        self._compiled: list[_Compiled] = []
        refused: list[tuple[str, EntryFault]] = []
        for entry in entries:
            try:
                self._compiled.append(_Compiled(entry, zones))
            except RuleError as error:
                refused.append((entry.id, EntryFault(error.reason, error.detail)))
        self.refused = tuple(refused)

    @classmethod
    def of(cls, schedule: Schedule, zones: Zones) -> Expander:
        return cls(
            schedule.entries,
            authority=schedule.authority,
            audience=schedule.audience,
            zones=zones,
        )

    def between(self, from_: datetime, to: datetime) -> list[Occurrence]:
        """Occurrences with from_ <= start < to (aware), by (start, ref)."""
        from_ms, to_ms = _epoch_ms(from_), _epoch_ms(to)
        bounds: dict[str, tuple[datetime, datetime]] = {}
        found: list[Occurrence] = []
        for compiled in self._compiled:
            name = compiled.entry.when.tz
            if name not in bounds:
                bounds[name] = _local_bounds(from_, to, compiled.zone)
            self._collect(compiled, *bounds[name], from_ms, to_ms, found)
        found.sort(key=_by_start)
        return found

    def horizon(self, effective_from: str = "") -> Horizon:
        """When the last of these entries ends; nominal starts before `effective_from` are none."""
        if any(compiled.is_endless() for compiled in self._compiled):
            return Horizon(True, None)
        ends = ((compiled, compiled.last()) for compiled in self._compiled)
        return Horizon(
            False,
            max(
                (
                    to_utc_ms(last, compiled.zone)
                    for compiled, last in ends
                    if last is not None and last.isoformat() >= effective_from
                ),
                default=None,
            ),
        )

    def _collect(
        self,
        compiled: _Compiled,
        low: datetime,
        high: datetime,
        from_ms: int,
        to_ms: int,
        found: list[Occurrence],
    ) -> None:
        entry, zone = compiled.entry, compiled.zone
        for nominal in compiled.nominals(low, high):
            start_ms = to_utc_ms(nominal, zone)
            if from_ms <= start_ms < to_ms:
                text = nominal.isoformat()
                ref = OccurrenceRef(
                    authority=self._authority,
                    audience=self._audience,
                    entry=entry.id,
                    nominal=text,
                )
                found.append(Occurrence(ref, entry, start_ms, entry.duration_ms, text[:10]))


def _by_start(occurrence: Occurrence) -> tuple[int, OccurrenceRef]:
    return occurrence.start_ms, occurrence.ref


def _epoch_ms(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def _local_bounds(from_: datetime, to: datetime, zone: tzinfo) -> tuple[datetime, datetime]:
    low = from_.astimezone(zone).replace(tzinfo=None) - _MARGIN
    return low, to.astimezone(zone).replace(tzinfo=None) + _MARGIN


def expand(
    entry: Entry,
    *,
    authority: str,
    audience: str,
    from_: datetime,
    to: datetime,
    zones: Zones,
) -> list[Occurrence]:
    """One entry's occurrences with from_ <= start < to. Nothing for an entry that is refused."""
    expander = Expander((entry,), authority=authority, audience=audience, zones=zones)
    return expander.between(from_, to)
