"""A naive reading of RFC 5545 to hold the real one against: every second of a day is asked.

Written without dateutil and without looking at `agent.core.recurrence`. Slow on purpose; fine for
sampled days. Supports what the contract accepts, and takes the text for valid.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import cache

DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
SECONDS_A_DAY = 86_400


def _ints(text: str | None) -> set[int]:
    return {int(one) for one in text.split(",")} if text else set()


def days_in_month(day: date) -> int:
    count = 28
    while (day.replace(day=28) + timedelta(days=count - 27)).month == day.month:
        count += 1
    return count


def day_of_year(day: date) -> int:
    return (day - date(day.year, 1, 1)).days + 1


def days_in_year(year: int) -> int:
    return (date(year + 1, 1, 1) - date(year, 1, 1)).days


def week_begin(day: date, first_weekday: int) -> date:
    while day.weekday() != first_weekday:
        day -= timedelta(days=1)
    return day


@cache
def weeks_of_year(year: int, first_weekday: int) -> list[date]:
    """First days of the weeks that have at least four days in the year."""
    begin = week_begin(date(year, 1, 1), first_weekday)
    weeks = (begin + timedelta(days=7 * n) for n in range(54))
    return [
        one for one in weeks if sum((one + timedelta(days=n)).year == year for n in range(7)) >= 4
    ]


@dataclass
class NaiveRule:
    """A rule text and its anchor."""

    text: str
    anchor: datetime
    parts: dict[str, str] = field(init=False)
    seconds: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self.parts = dict(part.split("=") for part in self.text.split(";"))
        self.frequency = self.parts["FREQ"]
        self.interval = int(self.parts.get("INTERVAL", "1"))
        self.first_weekday = DAYS.index(self.parts.get("WKST", "MO"))
        self.seconds = self._matching_seconds()
        self._counted, self._counted_to = 0, self.anchor.date()
        self._chosen: dict[date, list[datetime]] = {}

    # --- one second ------------------------------------------------------------------------

    def _matching_seconds(self) -> list[int]:
        """The seconds of a day that are chosen, HOURLY's interval aside: each one is asked."""
        every_hour = set(range(24)) if self.frequency == "HOURLY" else {self.anchor.hour}
        hours = _ints(self.parts.get("BYHOUR")) or every_hour
        minutes = _ints(self.parts.get("BYMINUTE")) or {self.anchor.minute}
        seconds = _ints(self.parts.get("BYSECOND")) or {self.anchor.second}
        return [
            one
            for one in range(SECONDS_A_DAY)
            if one % 60 in seconds and one // 60 % 60 in minutes and one // 3600 in hours
        ]

    # --- one day ---------------------------------------------------------------------------

    def _day_matches(self, day: date) -> bool:
        return all(
            check(day)
            for check in (
                self._month_matches,
                self._month_day_matches,
                self._year_day_matches,
                self._week_matches,
                self._weekday_matches,
            )
        )

    def _says_no_day(self) -> bool:
        keys = ("BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYDAY")
        return not any(key in self.parts for key in keys)

    def _month_matches(self, day: date) -> bool:
        months = _ints(self.parts.get("BYMONTH"))
        if not months and self.frequency == "YEARLY" and self._says_no_day():
            months = {self.anchor.month}
        return not months or day.month in months

    def _month_day_matches(self, day: date) -> bool:
        wanted = _ints(self.parts.get("BYMONTHDAY"))
        if self._says_no_day() and self.frequency in ("MONTHLY", "YEARLY"):
            wanted = {self.anchor.day}
        return not wanted or day.day in wanted or day.day - days_in_month(day) - 1 in wanted

    def _year_day_matches(self, day: date) -> bool:
        wanted = _ints(self.parts.get("BYYEARDAY"))
        number = day_of_year(day)
        return not wanted or number in wanted or number - days_in_year(day.year) - 1 in wanted

    def _week_matches(self, day: date) -> bool:
        wanted = _ints(self.parts.get("BYWEEKNO"))
        if not wanted:
            return True
        begin = week_begin(day, self.first_weekday)
        for year in (day.year - 1, day.year, day.year + 1):
            weeks = weeks_of_year(year, self.first_weekday)
            if begin in weeks:
                number = weeks.index(begin) + 1
                return number in wanted or number - len(weeks) - 1 in wanted
        return False

    def _weekday_matches(self, day: date) -> bool:
        text = self.parts.get("BYDAY")
        if text is None:
            if self.frequency == "WEEKLY" and self._says_no_day():
                return day.weekday() == self.anchor.weekday()
            return True
        return any(self._is_weekday(day, one) for one in text.split(","))

    def _is_weekday(self, day: date, wanted: str) -> bool:
        if DAYS[day.weekday()] != wanted[-2:]:
            return False
        if len(wanted) == 2:
            return True
        if self.frequency == "MONTHLY" or "BYMONTH" in self.parts:
            position, length = day.day, days_in_month(day)
        else:
            position, length = day_of_year(day), days_in_year(day.year)
        return int(wanted[:-2]) in ((position - 1) // 7 + 1, -((length - position) // 7 + 1))

    # --- one period ------------------------------------------------------------------------

    def _in_step(self, day: date) -> bool:
        anchor = self.anchor.date()
        match self.frequency:
            case "DAILY":
                away = (day - anchor).days
            case "WEEKLY":
                begin = week_begin(day, self.first_weekday)
                away = (begin - week_begin(anchor, self.first_weekday)).days // 7
            case "MONTHLY":
                away = (day.year - anchor.year) * 12 + day.month - anchor.month
            case "YEARLY":
                away = day.year - anchor.year
            case _:
                return True
        return away % self.interval == 0

    def _days_of_period(self, day: date) -> list[date]:
        match self.frequency:
            case "WEEKLY":
                begin, length = week_begin(day, self.first_weekday), 7
            case "MONTHLY":
                begin, length = day.replace(day=1), days_in_month(day)
            case "YEARLY":
                begin, length = date(day.year, 1, 1), days_in_year(day.year)
            case _:
                begin, length = day, 1
        days = (begin + timedelta(days=n) for n in range(length))
        return [one for one in days if self._day_matches(one)]

    def _hour_in_step(self, moment: datetime) -> bool:
        day_steps = (moment.date() - self.anchor.date()).days * 24
        return (day_steps + moment.hour - self.anchor.hour) % self.interval == 0

    def _candidates(self, day: date) -> list[datetime]:
        """All starts of a day before COUNT and UNTIL, also those before the anchor."""
        if not self._in_step(day) or not self._day_matches(day):
            return []
        midnight = datetime.combine(day, datetime.min.time())
        own = [midnight + timedelta(seconds=second) for second in self.seconds]
        if self.frequency == "HOURLY":
            own = [one for one in own if self._hour_in_step(one)]
        positions = _ints(self.parts.get("BYSETPOS"))
        if not positions:
            return own
        if self.frequency == "HOURLY":
            hours = [[one for one in own if one.hour == hour] for hour in range(24)]
            return [one for hour in hours for one in _at(hour, positions)]
        return [one for one in self._chosen_in_period(day, positions) if one.date() == day]

    def _chosen_in_period(self, day: date, positions: set[int]) -> list[datetime]:
        days = self._days_of_period(day)
        if days[0] not in self._chosen:
            starts = [
                datetime.combine(one, datetime.min.time()) + timedelta(seconds=second)
                for one in days
                for second in self.seconds
            ]
            self._chosen[days[0]] = _at(starts, positions)
        return self._chosen[days[0]]

    def on(self, day: date) -> list[datetime]:
        """The local starts on a day."""
        found = [one for one in self._candidates(day) if one >= self.anchor]
        if "UNTIL" in self.parts:
            text = self.parts["UNTIL"]
            last = datetime.fromisoformat(text if "T" in text else text + "T235959")
            found = [one for one in found if one <= last]
        if "COUNT" in self.parts:
            left = int(self.parts["COUNT"]) - self._number_before(day)
            found = found[: max(left, 0)]
        return found

    def _number_before(self, day: date) -> int:
        """Starts from the anchor up to a day, counted once and walked on from there."""
        while self._counted_to < day and self._counted < int(self.parts["COUNT"]):
            self._counted += sum(one >= self.anchor for one in self._candidates(self._counted_to))
            self._counted_to += timedelta(days=1)
        return self._counted if day >= self._counted_to else self._count_afresh(day)

    def _count_afresh(self, day: date) -> int:
        self._counted, self._counted_to = 0, self.anchor.date()
        return self._number_before(day) if day > self._counted_to else 0


def _at(items: list[datetime], positions: set[int]) -> list[datetime]:
    return [
        one
        for index, one in enumerate(items)
        if index + 1 in positions or index - len(items) in positions
    ]


def instant_of(nominal: datetime, zone: tzinfo) -> datetime:
    """The UTC instant a wall clock in `zone` first shows `nominal`, found by watching the clock.

    When it never does: as long after the jump as `nominal` lies after the wall time jumped from.
    """
    guess = nominal.replace(tzinfo=UTC)
    minutes = range(-26 * 60, 26 * 60)
    previous = _wall(guess + timedelta(minutes=minutes[0] - 1), zone)
    for minute in minutes:
        instant = guess + timedelta(minutes=minute, seconds=-guess.second)
        wall = _wall(instant, zone)
        if wall <= nominal < wall + timedelta(minutes=1):
            return instant + (nominal - wall)
        expected = previous + timedelta(minutes=1)
        if expected <= nominal < wall:
            return instant + (nominal - expected)
        previous = wall
    raise AssertionError(f"{nominal} is nowhere near {guess}")


def _wall(instant: datetime, zone: tzinfo) -> datetime:
    return instant.astimezone(zone).replace(tzinfo=None)
