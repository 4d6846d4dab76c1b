"""Periods are whole local days; what lies before midnight is inside, what lies after is not."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.source_system.report.window import (
    DAY_MS,
    Window,
    WindowWrong,
    between,
    day_of,
    period,
)

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
dates = st.dates(dt.date(1990, 1, 1), dt.date(2090, 12, 31))


@pytest.mark.parametrize(
    ("text", "first", "last", "title"),
    [
        ("2026-Q3", "2026-07-01", "2026-09-30", "quý III năm 2026"),
        ("2026-q4", "2026-10-01", "2026-12-31", "quý IV năm 2026"),
        ("2026-H1", "2026-01-01", "2026-06-30", "6 tháng đầu năm 2026"),
        ("2026-H2", "2026-07-01", "2026-12-31", "6 tháng cuối năm 2026"),
        ("2026", "2026-01-01", "2026-12-31", "năm 2026"),
        ("2024-02", "2024-02-01", "2024-02-29", "tháng 2 năm 2024"),
        ("2026-12", "2026-12-01", "2026-12-31", "tháng 12 năm 2026"),
    ],
)
def test_a_period_is_its_first_to_its_last_local_day(
    text: str, first: str, last: str, title: str
) -> None:
    window = period(text, HANOI)
    assert (window.first.isoformat(), window.last.isoformat()) == (first, last)
    assert window.title == title
    assert window.name == text.upper()


@pytest.mark.parametrize("text", ["2026-Q5", "2026-13", "2026-00", "26-Q1", "", "2026-H3", "năm"])
def test_what_is_no_period_is_refused(text: str) -> None:
    with pytest.raises(WindowWrong):
        period(text, HANOI)


def test_a_year_from_december_to_december_is_a_window_like_any_other() -> None:
    window = between("2025-12-15", "14/12/2026", HANOI)
    assert window.days == 365
    assert window.name == "2025-12-15_2026-12-14"
    assert window.title == "từ ngày 15/12/2025 đến ngày 14/12/2026"


def test_a_window_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(WindowWrong):
        between("2026-02-02", "2026-02-01", HANOI)


def test_the_year_ends_at_local_midnight_not_at_midnight_utc() -> None:
    last_second = dt.datetime(2026, 12, 31, 23, 59, 59, tzinfo=HANOI)
    span = period("2026", HANOI).span
    assert span.to_ms == round(last_second.timestamp() * 1000) + 1000
    assert span.to_ms == period("2027", HANOI).span.from_ms
    assert dt.datetime.fromtimestamp(span.to_ms / 1000, dt.UTC).hour == 17


@given(dates, st.integers(0, 800))
def test_every_day_of_a_window_lies_in_it_and_the_next_one_does_not(
    first: dt.date, days: int
) -> None:
    last = first + dt.timedelta(days)
    window = Window(first, last, HANOI)
    assert day_of(window.span.from_ms, HANOI) == first
    assert day_of(window.span.to_ms - 1, HANOI) == last
    assert day_of(window.span.to_ms, HANOI) == last + dt.timedelta(1)
    assert window.span.length_ms == window.days * DAY_MS


@given(st.integers(2000, 2090))
def test_quarters_halves_and_months_each_make_up_the_year(year: int) -> None:
    for parts in (
        [f"{year}-Q{one}" for one in (1, 2, 3, 4)],
        [f"{year}-H1", f"{year}-H2"],
        [f"{year}-{one:02}" for one in range(1, 13)],
    ):
        spans = [period(one, HANOI).span for one in parts]
        whole = period(str(year), HANOI).span
        assert spans[0].from_ms == whole.from_ms
        assert spans[-1].to_ms == whole.to_ms
        assert all(a.to_ms == b.from_ms for a, b in pairwise(spans))
