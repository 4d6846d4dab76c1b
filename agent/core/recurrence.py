"""RFC 5545 recurrence rules in local wall time, with bounded work.

Owns: reading a rule, refusing what is not one, and listing its starts in a window. Knows nothing
of time zones (except for an UNTIL in UTC), entries or stations.

Invariants: a rule is looked at one period (day, week, month, year) at a time and never further
than the window asked for, so a rule that never matches costs its window and no more. Months and
years are evaluated by dateutil, one period per call; days, weeks and hours by the code below,
which a property test holds equal to dateutil. A day of a rule has at most `PER_DAY_MAX` starts
(before BYSETPOS), a search for the first start at most `SEARCH_STEPS_MAX` steps.

Stricter than dateutil: what RFC 5545 forbids is refused, not guessed at. `start` itself plays
only when the rule matches it. BYSETPOS counts in whole periods, also in the first one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import product
from typing import Literal

from dateutil import rrule as dateutil_rrule

from agent.contract.reasons import AckReason

Frequency = Literal["YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY"]

PER_DAY_MAX = 288
"""One start every five minutes; more is a mistake in the rule."""

NEVER_YEARS = 10
"""A rule without a start for so long after its anchor never comes."""

SEARCH_STEPS_MAX = 3_660
"""Periods a search of `NEVER_YEARS` looks at, at most: its days."""

COUNT_MAX = 10_000
COUNT_YEARS_MAX = 30
"""COUNT must be used up within so many years: it is counted once, when the rule is read."""

INTERVAL_MAX = 10_000
FIRST_YEAR, LAST_YEAR = 1970, 2199
"""Years an anchor may lie in; keeps every sum inside what `datetime` can hold."""

_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)
_WIDEST_OFFSET = timedelta(hours=26)
_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_DATEUTIL_DAYS = tuple(getattr(dateutil_rrule, name) for name in _WEEKDAYS)
_ONE_YEAR_ONLY = 10_000
_ONE_MONTH_ONLY = 120_000
"""Intervals that leave the calendar after one period: dateutil then evaluates exactly one."""
_CACHE_MAX = 48

_PART = re.compile(r"([A-Z]+)=([A-Z0-9,+-]+)\Z")
_NUMBER = re.compile(r"[+-]?[0-9]{1,5}\Z")
_BY_DAY = re.compile(r"([+-]?[0-9]{1,2})?(MO|TU|WE|TH|FR|SA|SU)\Z")
_UNTIL = re.compile(r"([0-9]{8})(?:T([0-9]{6})(Z)?)?\Z")

_BOUNDS: dict[str, tuple[int, int, bool]] = {
    "BYSECOND": (0, 59, False),
    "BYMINUTE": (0, 59, False),
    "BYHOUR": (0, 23, False),
    "BYMONTH": (1, 12, False),
    "BYMONTHDAY": (1, 31, True),
    "BYYEARDAY": (1, 366, True),
    "BYWEEKNO": (1, 53, True),
    "BYSETPOS": (1, 366, True),
}
"""Key → smallest, largest, and whether the negative counterparts are meant too."""

_KEYS = frozenset({"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYDAY", *_BOUNDS})

_FORBIDDEN: dict[Frequency, tuple[str, ...]] = {
    "YEARLY": (),
    "MONTHLY": ("BYWEEKNO", "BYYEARDAY"),
    "WEEKLY": ("BYWEEKNO", "BYYEARDAY", "BYMONTHDAY"),
    "DAILY": ("BYWEEKNO", "BYYEARDAY"),
    "HOURLY": ("BYWEEKNO",),
}
"""RFC 5545 section 3.3.10: parts that must not stand beside a frequency."""


class RuleError(ValueError):
    """The rule is refused; `reason` for the receipt, the text for its detail."""

    def __init__(self, reason: AckReason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def _bad(detail: str) -> RuleError:
    return RuleError(AckReason.BAD_RECURRENCE, detail)


# --- reading -------------------------------------------------------------------------------


def _split(text: str) -> dict[str, str]:
    """The parts of a rule, each key at most once."""
    if "DTSTART" in text:
        raise _bad("DTSTART stands in `start`, not in the rule")
    parts: dict[str, str] = {}
    for part in text.removeprefix("RRULE:").split(";"):
        found = _PART.match(part)
        if found is None or found[1] not in _KEYS:
            raise _bad(f"{part[:40]!r} is not a part of a recurrence rule")
        if found[1] in parts:
            raise _bad(f"{found[1]} stands twice")
        parts[found[1]] = found[2]
    return parts


def _number(key: str, text: str, least: int, most: int, *, negative: bool = False) -> int:
    value = int(text) if _NUMBER.match(text) else None
    size = None if value is None else abs(value) if negative else value
    if value is None or size is None or not least <= size <= most:
        raise _bad(f"{key}: {text[:20]!r} is not a number from {least} to {most}")
    return value


def _numbers(parts: dict[str, str], key: str) -> tuple[int, ...]:
    if key not in parts:
        return ()
    least, most, negative = _BOUNDS[key]
    values = (_number(key, one, least, most, negative=negative) for one in parts[key].split(","))
    return tuple(sorted(set(values)))


def _by_day(parts: dict[str, str]) -> tuple[tuple[int, int], ...]:
    """BYDAY as (weekday 0–6, ordinal or 0)."""
    days = set()
    for one in parts["BYDAY"].split(",") if "BYDAY" in parts else ():
        found = _BY_DAY.match(one)
        if found is None:
            raise _bad(f"BYDAY: {one[:20]!r} is not a day such as MO or -1SU")
        ordinal = int(found[1]) if found[1] else 0
        if found[1] and not 1 <= abs(ordinal) <= 53:
            raise _bad(f"BYDAY: {one[:20]!r} counts outside 1 to 53")
        days.add((_WEEKDAYS.index(found[2]), ordinal))
    return tuple(sorted(days))


def _until(text: str) -> tuple[datetime | None, datetime | None]:
    """UNTIL as (last local start, last start in UTC), one of them None. A date is a whole day."""
    found = _UNTIL.match(text)
    if found is None:
        raise _bad(f"UNTIL: {text[:20]!r} is not a date or time such as 20261231T235959")
    try:
        last = datetime.fromisoformat(f"{found[1]}T{found[2] or '235959'}")
    except ValueError:
        raise _bad(f"UNTIL: {text[:20]!r} does not exist") from None
    if not FIRST_YEAR <= last.year <= LAST_YEAR:
        raise _bad(f"UNTIL: the year must lie in {FIRST_YEAR} to {LAST_YEAR}")
    return (None, last.replace(tzinfo=UTC)) if found[3] else (last, None)


def _frequency(parts: dict[str, str]) -> Frequency:
    match parts.get("FREQ"):
        case "YEARLY" | "MONTHLY" | "WEEKLY" | "DAILY" | "HOURLY" as known:
            return known
        case "SECONDLY" | "MINUTELY" as fast:
            raise RuleError(AckReason.RECURRENCE_FLOODS, f"FREQ={fast} is not accepted")
        case other:
            raise _bad(f"FREQ is {other or 'missing'}")


def _check_parts(frequency: Frequency, parts: dict[str, str]) -> None:
    for key in _FORBIDDEN[frequency]:
        if key in parts:
            raise _bad(f"{key} may not stand beside FREQ={frequency}")
    if "COUNT" in parts and "UNTIL" in parts:
        raise _bad("COUNT and UNTIL exclude each other")
    if "BYWEEKNO" in parts and "BYDAY" not in parts:
        raise _bad("BYWEEKNO needs BYDAY: it does not say which day of the week")
    by_keys = [key for key in parts if key.startswith("BY")]
    if by_keys == ["BYSETPOS"]:
        raise _bad("BYSETPOS needs another BY… part to choose from")


def _check_ordinals(frequency: Frequency, rule: DaySet) -> None:
    if not any(ordinal for _, ordinal in rule.days):
        return
    if frequency not in ("MONTHLY", "YEARLY"):
        raise _bad(f"BYDAY with a number may not stand beside FREQ={frequency}")
    if rule.weeks:
        raise _bad("BYDAY with a number may not stand beside BYWEEKNO")
    in_month = frequency == "MONTHLY" or rule.months
    if in_month and max(abs(ordinal) for _, ordinal in rule.days) > 5:
        raise _bad("BYDAY: a month has at most five of a day of the week")


def read_rule(text: str, anchor: datetime, zone: tzinfo) -> Rule:
    """A rule anchored at local `anchor`. Raises RuleError.

    zone: where an UNTIL in UTC is compared.
    """
    parts = _split(text)
    frequency = _frequency(parts)
    _check_parts(frequency, parts)
    days = DaySet(
        months=_numbers(parts, "BYMONTH"),
        month_days=_numbers(parts, "BYMONTHDAY"),
        year_days=_numbers(parts, "BYYEARDAY"),
        weeks=_numbers(parts, "BYWEEKNO"),
        days=_by_day(parts),
    )
    _check_ordinals(frequency, days)
    until, until_utc = _until(parts["UNTIL"]) if "UNTIL" in parts else (None, None)
    if parts.get("WKST", "MO") not in _WEEKDAYS:
        raise _bad("WKST is not a day of the week")
    rule = Rule(
        frequency=frequency,
        interval=_number("INTERVAL", parts.get("INTERVAL", "1"), 1, INTERVAL_MAX),
        anchor=anchor,
        days=days.anchored(frequency, anchor),
        hours=_numbers(parts, "BYHOUR"),
        minutes=_numbers(parts, "BYMINUTE") or (anchor.minute,),
        seconds=_numbers(parts, "BYSECOND") or (anchor.second,),
        positions=_numbers(parts, "BYSETPOS"),
        week_start=_WEEKDAYS.index(parts.get("WKST", "MO")),
        until=until,
        until_utc=until_utc,
        zone=zone,
    )
    if rule.max_per_day > PER_DAY_MAX:
        detail = f"{rule.max_per_day} starts a day, at most {PER_DAY_MAX}"
        raise RuleError(AckReason.RECURRENCE_FLOODS, detail)
    if "COUNT" in parts:
        return rule.ended_by_count(_number("COUNT", parts["COUNT"], 1, COUNT_MAX))
    return rule


# --- evaluating ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DaySet:
    """The BY… parts that choose days. An empty tuple chooses nothing and forbids nothing."""

    months: tuple[int, ...] = ()
    month_days: tuple[int, ...] = ()
    year_days: tuple[int, ...] = ()
    weeks: tuple[int, ...] = ()
    days: tuple[tuple[int, int], ...] = ()

    def anchored(self, frequency: Frequency, anchor: datetime) -> DaySet:
        """With what the rule leaves open taken from its anchor (RFC 5545)."""
        if self.month_days or self.year_days or self.weeks or self.days:
            return self
        if frequency == "WEEKLY":
            return DaySet(months=self.months, days=((anchor.weekday(), 0),))
        if frequency == "MONTHLY":
            return DaySet(months=self.months, month_days=(anchor.day,))
        if frequency == "YEARLY":
            return DaySet(months=self.months or (anchor.month,), month_days=(anchor.day,))
        return self

    def in_year(self, year: int, week_start: int) -> tuple[date, ...]:
        """Weeks are numbered here: dateutil errs about those that reach over a new year."""
        days = self._ask_dateutil(dateutil_rrule.YEARLY, _ONE_YEAR_ONLY, date(year, 1, 1))
        if not self.weeks:
            return days
        return tuple(day for day in days if _counts(*_week_number(day, week_start), self.weeks))

    def in_month(self, year: int, month: int) -> tuple[date, ...]:
        if self.months and month not in self.months:
            return ()
        return self._ask_dateutil(dateutil_rrule.MONTHLY, _ONE_MONTH_ONLY, date(year, month, 1))

    def _ask_dateutil(
        self, frequency: Literal[0, 1], one_period: int, first: date
    ) -> tuple[date, ...]:
        found = dateutil_rrule.rrule(
            frequency,
            dtstart=datetime.combine(first, time()),
            interval=one_period,
            bymonth=self.months or None,
            bymonthday=self.month_days or None,
            byyearday=self.year_days or None,
            byweekday=[_DATEUTIL_DAYS[day](n) if n else _DATEUTIL_DAYS[day] for day, n in self.days]
            or None,
        )
        return tuple(one.date() for one in found)

    def day_filter(self) -> Callable[[date], bool] | None:
        """For frequencies of a week or less: whether a day is chosen; None when all are."""
        if not (self.months or self.month_days or self.year_days or self.days):
            return None
        weekdays = frozenset(day for day, _ in self.days)

        def chosen(day: date) -> bool:
            return (
                (not self.months or day.month in self.months)
                and (not weekdays or day.weekday() in weekdays)
                and (not self.month_days or _counts(day.day, _month_length(day), self.month_days))
                and (not self.year_days or self._is_year_day(day))
            )

        return chosen

    def _is_year_day(self, day: date) -> bool:
        length = date(day.year, 12, 31).timetuple().tm_yday
        return _counts(day.timetuple().tm_yday, length, self.year_days)


def _counts(position: int, length: int, wanted: tuple[int, ...]) -> bool:
    """Whether a 1-based position is wanted, counted from the front or (negative) the back."""
    return position in wanted or position - length - 1 in wanted


def _week_number(day: date, week_start: int) -> tuple[int, int]:
    """Number of the day's week and how many its year has (ISO 8601, weeks of any first day).

    A week belongs to the year that holds its fourth day.
    """
    middle = _fourth_day(day, week_start)
    last = _fourth_day(date(middle.year, 12, 28), week_start)
    return _nth_week(middle), _nth_week(last)


def _fourth_day(day: date, week_start: int) -> date:
    return day + timedelta(days=3 - (day.weekday() - week_start) % 7)


def _nth_week(day: date) -> int:
    return (day.timetuple().tm_yday - 1) // 7 + 1


def _month_length(day: date) -> int:
    following = day.replace(day=28) + timedelta(days=4)
    return (following - timedelta(days=following.day)).day


def _choose(items: tuple[datetime, ...], positions: tuple[int, ...]) -> tuple[datetime, ...]:
    """BYSETPOS: the items at 1-based positions, negative from the end."""
    size = len(items)
    indexes = {at - 1 if at > 0 else size + at for at in positions if abs(at) <= size}
    return tuple(items[index] for index in sorted(indexes))


@dataclass(frozen=True, slots=True)
class Rule:
    """A recurrence rule anchored at a local start. Made by `read_rule`."""

    frequency: Frequency
    interval: int
    anchor: datetime
    days: DaySet
    hours: tuple[int, ...]
    minutes: tuple[int, ...]
    seconds: tuple[int, ...]
    positions: tuple[int, ...]
    week_start: int
    until: datetime | None
    until_utc: datetime | None
    zone: tzinfo
    _memo: dict[int, tuple[date, ...]] = field(default_factory=dict, compare=False, repr=False)

    @property
    def ends_before(self) -> datetime | None:
        """A local time after which it has no start; None: there is none."""
        if self.until is not None:
            return self.until + _SECOND
        if self.until_utc is not None:
            return self.until_utc.replace(tzinfo=None) + _WIDEST_OFFSET
        return None

    @property
    def max_per_day(self) -> int:
        """Starts on the fullest day, before BYSETPOS thins them out."""
        in_an_hour = len(self.minutes) * len(self.seconds)
        if self.frequency != "HOURLY":
            return (len(self.hours) or 1) * in_an_hour
        by_interval = -(-24 // self.interval)
        return min(len(self.hours) or 24, by_interval) * in_an_hour

    def times_of_day(self) -> frozenset[time]:
        """Every local time of day at which a start can lie."""
        if self.frequency != "HOURLY":
            return frozenset(self._times())
        hours = self.hours or tuple(range(24))
        return frozenset(time(*hms) for hms in product(hours, self.minutes, self.seconds))

    def starts(self, low: datetime, high: datetime) -> list[datetime]:
        """Local starts with low <= start < high, ascending."""
        low = max(low, self.anchor)
        if self.until is not None:
            high = min(high, self.until + _SECOND)
        found = [
            start for period in self.periods(low, high) for start in period if low <= start < high
        ]
        if self.until_utc is not None:
            return [start for start in found if start.replace(tzinfo=self.zone) <= self.until_utc]
        return found

    def first(self, excluded: frozenset[datetime] = frozenset()) -> tuple[datetime | None, int]:
        """The first start within `NEVER_YEARS` that is not excluded, and the steps it took."""
        high = self.anchor + timedelta(days=366 * NEVER_YEARS)
        if self.until is not None:
            high = min(high, self.until + _SECOND)
        steps = 0
        for steps, period in enumerate(self.periods(self.anchor, high), start=1):
            for start in period:
                if self.anchor <= start < high and start not in excluded and self._in_utc(start):
                    return start, steps
        return None, steps

    def _in_utc(self, start: datetime) -> bool:
        return self.until_utc is None or start.replace(tzinfo=self.zone) <= self.until_utc

    def ended_by_count(self, count: int) -> Rule:
        """The same rule with its `count`-th start as the last one. Raises RuleError."""
        high = self.anchor + timedelta(days=366 * COUNT_YEARS_MAX)
        left = count
        for period in self.periods(self.anchor, high):
            for start in period:
                left -= start >= self.anchor
                if not left:
                    return self._until(start)
        if left == count:
            raise RuleError(AckReason.RECURRENCE_NEVER, f"no start in {COUNT_YEARS_MAX} years")
        raise _bad(f"COUNT={count} is not used up in {COUNT_YEARS_MAX} years; use UNTIL")

    def _until(self, last: datetime) -> Rule:
        return Rule(
            self.frequency,
            self.interval,
            self.anchor,
            self.days,
            self.hours,
            self.minutes,
            self.seconds,
            self.positions,
            self.week_start,
            last,
            None,
            self.zone,
        )

    def periods(self, low: datetime, high: datetime) -> Iterator[tuple[datetime, ...]]:
        """The starts of every period that touches [low, high), empty ones too: one step each.

        Whole periods: the caller drops what lies outside and before the anchor.
        """
        if low >= high:
            return iter(())
        match self.frequency:
            case "HOURLY":
                return self._hourly(low.date(), high.date())
            case "DAILY":
                return self._daily(low.date(), high.date())
            case "WEEKLY":
                return self._placed(self._weeks(low.date(), high.date()))
            case "MONTHLY":
                return self._placed(self._months(low.date(), high.date()))
            case "YEARLY":
                return self._placed(self._years(low.date(), high.date()))

    def _times(self) -> tuple[time, ...]:
        hours = self.hours or (self.anchor.hour,)
        return tuple(time(*hms) for hms in product(hours, self.minutes, self.seconds))

    def _placed(self, dates: Iterable[tuple[date, ...]]) -> Iterator[tuple[datetime, ...]]:
        times = self._times()
        for days in dates:
            starts = tuple(datetime.combine(day, at) for day in days for at in times)
            yield _choose(starts, self.positions) if self.positions else starts

    def _aligned(self, first: int, anchor: int, step: int) -> int:
        """The smallest number >= first that is whole steps after the anchor."""
        return first + (anchor - first) % step

    def _daily(self, low: date, high: date) -> Iterator[tuple[datetime, ...]]:
        chosen = self.days.day_filter()
        first = self._aligned(low.toordinal(), self.anchor.toordinal(), self.interval)
        days = map(date.fromordinal, range(first, high.toordinal() + 1, self.interval))
        return self._placed((day,) if chosen is None or chosen(day) else () for day in days)

    def _hourly(self, low: date, high: date) -> Iterator[tuple[datetime, ...]]:
        chosen = self.days.day_filter()
        anchor = self.anchor.toordinal() * 24 + self.anchor.hour
        for ordinal in range(low.toordinal(), high.toordinal() + 1):
            day = date.fromordinal(ordinal)
            first = self._aligned(ordinal * 24, anchor, self.interval) - ordinal * 24
            hours = range(first, 24, self.interval)
            if first >= 24 or not (chosen is None or chosen(day)):
                yield ()
            else:
                wanted = (hour for hour in hours if not self.hours or hour in self.hours)
                yield tuple(start for hour in wanted for start in self._in_hour(day, hour))

    def _in_hour(self, day: date, hour: int) -> tuple[datetime, ...]:
        within = product(self.minutes, self.seconds)
        starts = tuple(datetime.combine(day, time(hour, *ms)) for ms in within)
        return _choose(starts, self.positions) if self.positions else starts

    def _weeks(self, low: date, high: date) -> Iterator[tuple[date, ...]]:
        offsets = sorted((day - self.week_start) % 7 for day, _ in self.days.days)
        months = self.days.months
        step = 7 * self.interval
        first = self._aligned(
            self._week_of(low.toordinal()), self._week_of(self.anchor.toordinal()), step
        )
        for week in range(first, high.toordinal() + 1, step):
            days = (date.fromordinal(week + offset) for offset in offsets)
            yield tuple(day for day in days if not months or day.month in months)

    def _week_of(self, ordinal: int) -> int:
        """Ordinal of the first day of the week; ordinal 1 was a Monday."""
        return ordinal - (ordinal - 1 - self.week_start) % 7

    def _months(self, low: date, high: date) -> Iterator[tuple[date, ...]]:
        anchor = self.anchor.year * 12 + self.anchor.month - 1
        first = self._aligned(low.year * 12 + low.month - 1, anchor, self.interval)
        for index in range(first, high.year * 12 + high.month, self.interval):
            yield self._remembered(index)

    def _years(self, low: date, high: date) -> Iterator[tuple[date, ...]]:
        first = self._aligned(low.year, self.anchor.year, self.interval)
        for year in range(first, high.year + 1, self.interval):
            yield self._remembered(year)

    def _remembered(self, index: int) -> tuple[date, ...]:
        """A month (years * 12 + months) or year, evaluated once; memory stays bounded."""
        known = self._memo.get(index)
        if known is None:
            if len(self._memo) >= _CACHE_MAX:
                self._memo.clear()
            known = self._memo[index] = self._evaluated(index)
        return known

    def _evaluated(self, index: int) -> tuple[date, ...]:
        if self.frequency == "MONTHLY":
            return self.days.in_month(index // 12, index % 12 + 1)
        return self.days.in_year(index, self.week_start)
