"""Which local days a report is about: periods, arbitrary windows, their names. Pure.

A window is a run of whole local days. Its instants come from the time zone's own rules, so an item
at 23:59:59 on the last day is inside and one a second later is not.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import Literal
from zoneinfo import ZoneInfo

from simulator.source_system.report.presence import Span

DAY_MS = 86_400_000
DAYS_MAX = 3_700
"""A whole plan of ten years."""

YEARS = (1970, 2999)
"""Of the first day; computers count instants from 1970 on."""

Kind = Literal["month", "quarter", "half", "year", "free"]

_PERIOD = re.compile(r"(\d{4})(?:-(?:Q([1-4])|H([12])|(\d{2})))?", re.IGNORECASE)
_ROMAN = ("I", "II", "III", "IV")


class WindowWrong(ValueError):  # noqa: N818 - a verdict on what was typed
    """Not a period; the text says what was typed."""


@dataclass(frozen=True, slots=True)
class Window:
    """first, last: local days, both inside."""

    first: dt.date
    last: dt.date
    tz: ZoneInfo
    kind: Kind = "free"

    @property
    def span(self) -> Span:
        return Span(
            midnight_ms(self.first, self.tz), midnight_ms(self.last + dt.timedelta(1), self.tz)
        )

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def name(self) -> str:
        """For files: `2026-Q3`, `2025-12-15_2026-12-14`."""
        year = self.first.year
        return {
            "month": f"{year}-{self.first.month:02}",
            "quarter": f"{year}-Q{(self.first.month + 2) // 3}",
            "half": f"{year}-H{1 if self.first.month == 1 else 2}",
            "year": str(year),
            "free": f"{self.first.isoformat()}_{self.last.isoformat()}",
        }[self.kind]

    @property
    def title(self) -> str:
        """As it stands in a heading: `quý III năm 2026`, `từ ngày 15/12/2025 đến …`."""
        year = self.first.year
        return {
            "month": f"tháng {self.first.month} năm {year}",
            "quarter": f"quý {_ROMAN[(self.first.month - 1) // 3]} năm {year}",
            "half": f"6 tháng {'đầu' if self.first.month == 1 else 'cuối'} năm {year}",
            "year": f"năm {year}",
            "free": f"từ ngày {self.first:%d/%m/%Y} đến ngày {self.last:%d/%m/%Y}",
        }[self.kind]


def midnight_ms(day: dt.date, tz: ZoneInfo) -> int:
    """The instant at which a local day begins."""
    return round(dt.datetime.combine(day, dt.time(), tz).timestamp() * 1000)


def day_of(at_ms: int, tz: ZoneInfo) -> dt.date:
    return dt.datetime.fromtimestamp(at_ms / 1000, tz).date()


def period(text: str, tz: ZoneInfo) -> Window:
    """`2026-Q3`, `2026-H1`, `2026`, `2026-09`. Raises WindowWrong."""
    found = _PERIOD.fullmatch(text.strip())
    if found is None:
        raise WindowWrong(text)
    year, quarter, half, month = (int(one) if one else 0 for one in found.groups())
    if quarter:
        first, months, kind = 3 * quarter - 2, 3, "quarter"
    elif half:
        first, months, kind = 6 * half - 5, 6, "half"
    elif found[4]:
        first, months, kind = month, 1, "month"
    else:
        first, months, kind = 1, 12, "year"
    if not YEARS[0] <= year <= YEARS[1]:
        raise WindowWrong(text)
    try:
        begin = dt.date(year, first, 1)
        end = dt.date(year + (first + months > 12), (first + months - 1) % 12 + 1, 1)
    except ValueError:
        raise WindowWrong(text) from None
    return Window(begin, end - dt.timedelta(1), tz, kind)  # type: ignore[arg-type]


def between(first: str, last: str, tz: ZoneInfo) -> Window:
    """Two days, both inside: `2025-12-15` or `15/12/2025`. Raises WindowWrong."""
    begin, end = day(first), day(last)
    if end < begin or (end - begin).days >= DAYS_MAX or not YEARS[0] <= begin.year <= YEARS[1]:
        raise WindowWrong(f"{first} → {last}")
    return Window(begin, end, tz)


def day(text: str) -> dt.date:
    """A date as machines or as people here write it. Raises WindowWrong."""
    for shape in ("%Y-%m-%d", "%d/%m/%Y"):
        try:
            return dt.datetime.strptime(text.strip(), shape).date()  # noqa: DTZ007 - only a date
        except ValueError:
            continue
    raise WindowWrong(text)
