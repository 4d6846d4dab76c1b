"""On which days: `hằng ngày trừ CN`, `T2-T7`, `T2;T4;T6`, single dates. And dates.

Pure. Dates are day/month when written with slashes; a month above 12 is refused with a guess.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from typing import NamedTuple

from simulator.source_system.timetable.findings import Fault
from simulator.source_system.timetable.words import bare, same

WEEKDAY_CODES = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
WEEKDAYS_VI = ("T2", "T3", "T4", "T5", "T6", "T7", "CN")
WEEKDAYS_EN = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
EVERY_DAY = frozenset(range(7))

_DAILY = frozenset(
    {"hang ngay", "moi ngay", "tat ca cac ngay", "ca tuan", "daily", "every day", "everyday"}
)
_NAMES: dict[str, int] = {}
for _day, _names in enumerate(
    (
        "t2 thu2 thuhai hai mon monday",
        "t3 thu3 thuba ba tue tuesday",
        "t4 thu4 thutu tu wed wednesday",
        "t5 thu5 thunam nam thu thursday",
        "t6 thu6 thusau sau fri friday",
        "t7 thu7 thubay bay sat saturday",
        "cn chunhat sun sunday",
    )
):
    _NAMES.update(dict.fromkeys(_names.split(), _day))
_SETS = {
    "ngay thuong": frozenset(range(5)),
    "weekdays": frozenset(range(5)),
    "cuoi tuan": frozenset({5, 6}),
    "weekend": frozenset({5, 6}),
}
_EXCEPT = re.compile(r"\b(?:ngoai tru|tru|except|khong ke)\b")
_LIST = re.compile(r"[;,+]|\bva\b|\band\b")
_RANGE = re.compile(r"(.+?)(?:-|\bden\b|\bto\b|\.\.)(.+)")
_LUNAR = re.compile(r"\b(?:mung|mong|ram|giao thua|am lich|al)\b|\bam$")
_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[ t]00:00(?::00)?)?")
_DAY_FIRST = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})")
_SHORT_YEAR = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{2})")
_NO_YEAR = re.compile(r"(\d{1,2})/(\d{1,2})")


class Days(NamedTuple):
    """Either weekdays or single dates; left_out are dates on which it does not play."""

    weekdays: frozenset[int] = frozenset()
    dates: tuple[dt.date, ...] = ()
    left_out: tuple[dt.date, ...] = ()
    shapes: frozenset[str] = frozenset()

    def plays_on(self, day: dt.date) -> bool:
        if day in self.left_out:
            return False
        return day in self.dates if self.dates else day.weekday() in self.weekdays


def parse_days(text: str, *, year: int) -> Days:
    """Raises Fault. `year` only serves guesses."""
    plain = bare(text)
    if _LUNAR.search(plain):
        raise Fault("lunar")
    wanted, *rest = _EXCEPT.split(plain, maxsplit=1)
    if not wanted.strip():
        wanted = "hang ngay"
    weekdays, dates, shapes = _parse_list(wanted, year)
    if weekdays and dates:
        raise Fault("days")
    without: frozenset[int] = frozenset()
    left_out: list[dt.date] = []
    if rest:
        without, left_out, more = _parse_list(rest[0], year)
        shapes |= more
    weekdays -= without
    chosen = tuple(day for day in sorted(set(dates)) if day.weekday() not in without)
    if not weekdays and not chosen:
        raise Fault("days_none")
    return Days(weekdays, chosen, tuple(sorted(left_out)), shapes)


def _parse_list(text: str, year: int) -> tuple[frozenset[int], list[dt.date], frozenset[str]]:
    weekdays: frozenset[int] = frozenset()
    dates: list[dt.date] = []
    shapes: frozenset[str] = frozenset()
    for part in (part.strip(" .()") for part in _LIST.split(text)):
        if not part:
            continue
        found = _weekdays(part)
        if found:
            weekdays |= found
            continue
        date, shape = parse_date(part, year=year)
        dates.append(date)
        shapes |= {shape}
    return weekdays, dates, shapes


def _weekdays(part: str) -> frozenset[int]:
    if part in _DAILY:
        return EVERY_DAY
    if part in _SETS:
        return _SETS[part]
    single = _NAMES.get(re.sub(r"[ .]", "", part))
    if single is not None:
        return frozenset({single})
    pair = _RANGE.fullmatch(part)
    if pair is None:
        return frozenset()
    ends = [_NAMES.get(re.sub(r"[ .]", "", one)) for one in pair.groups()]
    if ends[0] is None or ends[1] is None:
        return frozenset()
    length = (ends[1] - ends[0]) % 7
    return frozenset((ends[0] + step) % 7 for step in range(length + 1))


def parse_date(text: str, *, year: int) -> tuple[dt.date, str]:
    """(date, shape). Shapes are `năm-tháng-ngày` and `ngày/tháng/năm`."""
    plain = same(text)
    if iso := _ISO.fullmatch(plain):
        return _date(int(iso[1]), int(iso[2]), int(iso[3])), "năm-tháng-ngày"
    if full := _DAY_FIRST.fullmatch(plain):
        day, month, number = (int(part) for part in full.groups())
        if month > 12 >= day:
            raise Fault("date_us", guess=f"{number}-{day:02}-{month:02}", what=str(month))
        return _date(number, month, day), "ngày/tháng/năm"
    if short := _SHORT_YEAR.fullmatch(plain):
        raise Fault("date", guess=f"20{short[3]}-{int(short[2]):02}-{int(short[1]):02}")
    if bare_date := _NO_YEAR.fullmatch(plain):
        raise Fault("date", guess=f"{year}-{int(bare_date[2]):02}-{int(bare_date[1]):02}")
    raise Fault("days" if not any(mark.isdigit() for mark in plain) else "date")


def _date(year: int, month: int, day: int) -> dt.date:
    try:
        return dt.date(year, month, day)
    except ValueError:
        raise Fault("date") from None


def rrule_of(weekdays: Iterable[int]) -> str:
    """RFC 5545, without the prefix."""
    chosen = sorted(set(weekdays))
    if len(chosen) == 7:
        return "FREQ=DAILY"
    return "FREQ=WEEKLY;BYDAY=" + ",".join(WEEKDAY_CODES[day] for day in chosen)
