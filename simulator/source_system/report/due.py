"""Which report is due when: a calendar file and a day give a list, the next one first. Pure.

*Before* a date is not *on* it: the last day is then the one before. A quarter that folds into
another report is told with it and never on its own. A date that nobody has given stays unknown.
Windows that end after the due day are told as unfinished: the report then covers what there is.
"""

from __future__ import annotations

import calendar
import datetime as dt
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta

from simulator.source_system.report.window import DAYS_MAX, Window, WindowWrong, between, period

YEARS_AHEAD = 1
PASSED_DAYS = 14
_PARTS = {"quarter": 4, "half": 2, "year": 1}


class ReportRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One kind of report of a plan; see `calendar.toml`. day "": not known."""

    title: str
    of: Literal["quarter", "half", "year", "plan"] = "year"
    parts: tuple[Annotated[int, Meta(ge=1, le=4)], ...] = ()
    day: str = ""
    before: bool = False
    next_year: bool = False
    on_demand: bool = False
    folds: dict[str, str] = {}
    window: tuple[str, str] | None = None
    years: tuple[int, int] | None = None


class Plan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """last_year: after it the plan asks for nothing any more."""

    id: str
    title: str
    note: str = ""
    first_year: int = 0
    last_year: int = 9_999
    report: tuple[ReportRule, ...] = ()


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    plan: tuple[Plan, ...] = ()


class CalendarWrong(ValueError):  # noqa: N818 - a verdict on a file
    """The calendar cannot be read; the text says where."""


@dataclass(frozen=True, slots=True)
class Due:
    """last_day None: no date is known; folded: titles of reports that are told with this one."""

    plan: Plan
    rule: ReportRule
    window: Window | None
    last_day: dt.date | None
    folded: tuple[str, ...] = ()

    def days_left(self, today: dt.date) -> int | None:
        """0: today is the last day; negative: it is over."""
        return None if self.last_day is None else (self.last_day - today).days

    def command(self) -> str:
        if self.window is None:
            return "districtctl report --from NĂM-THÁNG-NGÀY --to NĂM-THÁNG-NGÀY"
        if self.window.kind == "free":
            return f"districtctl report --from {self.window.first} --to {self.window.last}"
        return f"districtctl report --period {self.window.name}"


def read_calendar(text: str, tz: ZoneInfo) -> tuple[Plan, ...]:
    """Raises CalendarWrong."""
    try:
        plans = msgspec.convert(tomllib.loads(text), _File).plan
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise CalendarWrong(str(error)) from error
    for plan in plans:
        for rule in plan.report:
            try:
                list(_of_year(plan, rule, 2024, tz))
            except (WindowWrong, ValueError) as error:
                raise CalendarWrong(f"{plan.id}: {rule.title}: {error}") from error
    return plans


def dues(plans: tuple[Plan, ...], today: dt.date, tz: ZoneInfo) -> list[Due]:
    """What is still to come within a year, the next first; then what has no date."""
    dated: list[Due] = []
    undated: list[Due] = []
    for plan in plans:
        for rule in plan.report:
            if rule.on_demand:
                undated.append(Due(plan, rule, None, None))
                continue
            found = [
                one
                for year in range(today.year - 1, today.year + YEARS_AHEAD + 1)
                for one in _of_year(plan, rule, year, tz)
            ]
            dated += [one for one in found if _is_ahead(one, today)]
            unknown = [one for one in found if one.last_day is None and one.window is not None]
            undated += [one for one in unknown if _is_current(one, today)][:1]
    return [*sorted(dated, key=_order), *undated]


def just_passed(plans: tuple[Plan, ...], today: dt.date, tz: ZoneInfo) -> list[Due]:
    """What was due in the last two weeks. Whether it was made nobody here knows."""
    found = [
        one
        for plan in plans
        for rule in plan.report
        for year in range(today.year - 1, today.year + YEARS_AHEAD + 1)
        for one in _of_year(plan, rule, year, tz)
    ]
    return sorted(
        (one for one in found if -PASSED_DAYS <= (one.days_left(today) or 0) < 0), key=_order
    )


def _order(one: Due) -> tuple[dt.date, str, str]:
    return one.last_day or dt.date.max, one.plan.id, one.rule.title


def _is_ahead(one: Due, today: dt.date) -> bool:
    left = one.days_left(today)
    return left is not None and 0 <= left <= 366


def _is_current(one: Due, today: dt.date) -> bool:
    return one.window is not None and one.window.last >= today


def _of_year(plan: Plan, rule: ReportRule, year: int, tz: ZoneInfo) -> Iterator[Due]:
    """What this rule asks for about `year`."""
    if rule.on_demand or not plan.first_year <= year <= plan.last_year:
        return
    if rule.of == "plan":
        yield from _whole_plan(plan, rule, year, tz)
        return
    parts = rule.parts or tuple(range(1, _PARTS[rule.of] + 1))
    for part in parts:
        if str(part) in rule.folds:
            continue
        window = _window(rule, year, part, tz)
        yield Due(plan, rule, window, _last_day(rule, year, part), _folded(plan, rule, part))


def _whole_plan(plan: Plan, rule: ReportRule, year: int, tz: ZoneInfo) -> Iterator[Due]:
    if rule.years is None:
        raise WindowWrong("years = [first, last] is missing")
    if year == rule.years[1]:
        window = between(f"{rule.years[0]}-01-01", f"{rule.years[1]}-12-31", tz)
        if window.days > DAYS_MAX:
            raise WindowWrong(str(rule.years))
        yield Due(plan, rule, window, _last_day(rule, year, 1))


def _folded(plan: Plan, rule: ReportRule, part: int) -> tuple[str, ...]:
    """Reports of the plan that go into this one: quarter 2 into half 1, quarter 4 into the year."""
    ends = {"half": {1: "2", 2: "4"}, "year": {1: "4"}}.get(rule.of, {})
    return tuple(
        f"quý {'I II III IV'.split()[int(quarter) - 1]} ({other.title})"
        for other in plan.report
        for quarter, into in other.folds.items()
        if into == rule.title and ends.get(part) == quarter
    )


def _window(rule: ReportRule, year: int, part: int, tz: ZoneInfo) -> Window:
    if rule.window is not None:
        first, last = (_date(text, year) for text in rule.window)
        return between(first.isoformat(), last.isoformat(), tz)
    name = {"quarter": f"{year}-Q{part}", "half": f"{year}-H{part}"}.get(rule.of, str(year))
    return period(name, tz)


def _last_day(rule: ReportRule, year: int, part: int) -> dt.date | None:
    if not rule.day:
        return None
    months = {"quarter": 3, "half": 6}.get(rule.of, 12)
    day = _date(rule.day, year + rule.next_year, month=part * months)
    return day - dt.timedelta(1) if rule.before else day


def _date(text: str, year: int, month: int = 0) -> dt.date:
    """`25/9`, `15/12 -1`, or `25` of the given month; the 31st of a short month is its last day."""
    days, _, shift = text.partition(" ")
    number, _, named = days.partition("/")
    year += int(shift or 0)
    at = int(named) if named else month
    if not 1 <= at <= 12 or not 1 <= int(number) <= 31:
        raise WindowWrong(text)
    if named:
        return dt.date(year, at, int(number))
    return dt.date(year, at, min(int(number), calendar.monthrange(year, at)[1]))
