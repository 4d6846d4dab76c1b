"""Due dates: before is not on, quarters fold, and what nobody said stays unknown."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.source_system.report import due
from simulator.source_system.report.due import CalendarWrong, Due, dues, just_passed, read_calendar
from tests.unit.source_system.report.told import HANOI

D = dt.date
TEXT = Path(due.__file__).with_name("calendar.toml").read_text(encoding="utf-8")
PLANS = read_calendar(TEXT, HANOI)


def of(plan: str, title: str, today: dt.date) -> list[Due]:
    return [
        one for one in dues(PLANS, today, HANOI) if one.plan.id == plan and one.rule.title == title
    ]


def test_before_the_25th_is_the_24th() -> None:
    (first, *_) = of("cao-loc-2024", "Báo cáo quý, cấp xã", D(2026, 9, 1))
    assert first.last_day == D(2026, 9, 24)
    assert first.days_left(D(2026, 9, 24)) == 0
    assert first.command() == "districtctl report --period 2026-Q3"


def test_by_the_15th_is_the_15th_and_its_window_ends_the_day_before() -> None:
    (first, *_) = of("vinh-long-2024", "Báo cáo năm", D(2026, 12, 15))
    assert first.last_day == D(2026, 12, 15)
    assert first.window is not None
    assert (first.window.first, first.window.last) == (D(2025, 12, 15), D(2026, 12, 14))
    assert first.command() == "districtctl report --from 2025-12-15 --to 2026-12-14"
    (department, *_) = of("vinh-long-2024", "Báo cáo năm của Sở", D(2026, 12, 1))
    assert department.last_day == D(2026, 12, 20)


@pytest.mark.parametrize(
    ("title", "last_days"),
    [
        ("Báo cáo quý, cấp xã", [D(2026, 3, 24), D(2026, 9, 24)]),
        ("Báo cáo quý, cấp huyện", [D(2026, 3, 29), D(2026, 9, 29)]),
        ("Báo cáo 6 tháng, cấp xã", [D(2026, 6, 19)]),
        ("Báo cáo 6 tháng, cấp huyện", [D(2026, 6, 29)]),
        ("Báo cáo năm, cấp xã", [D(2026, 11, 19)]),
        ("Báo cáo năm, cấp huyện", [D(2026, 11, 29)]),
    ],
)
def test_the_dates_of_a_year_in_cao_loc(title: str, last_days: list[dt.date]) -> None:
    found = of("cao-loc-2024", title, D(2026, 1, 1))
    assert [
        one.last_day for one in found if one.last_day and one.last_day.year == 2026
    ] == last_days


def test_quarter_two_folds_into_the_half_year_and_quarter_four_into_the_year() -> None:
    (half, *_) = of("cao-loc-2024", "Báo cáo 6 tháng, cấp xã", D(2026, 1, 1))
    (year, *_) = of("cao-loc-2024", "Báo cáo năm, cấp xã", D(2026, 1, 1))
    assert half.folded == ("quý II (Báo cáo quý, cấp xã)",)
    assert year.folded == ("quý IV (Báo cáo quý, cấp xã)",)


def test_the_form_of_a_year_is_due_in_march_of_the_next() -> None:
    (first, *_) = of("ttcs-01", "Biểu TTCS-01", D(2027, 1, 1))
    assert first.last_day == D(2027, 3, 15)
    assert first.window is not None
    assert first.window.name == "2026"


def test_a_date_that_nobody_gave_is_unknown_and_stands_last() -> None:
    found = dues(PLANS, D(2025, 3, 1), HANOI)
    unknown = [one for one in found if one.last_day is None]
    assert found[-len(unknown) :] == unknown
    assert {"bac-kan-2021-2025", "dai-tu-2023"} <= {one.plan.id for one in unknown}
    assert all(one.days_left(D(2025, 3, 1)) is None for one in unknown)


def test_a_whole_plan_and_a_report_on_demand_have_their_commands() -> None:
    commands = [one.command() for one in dues(PLANS, D(2025, 3, 1), HANOI)]
    assert "districtctl report --from 2021-01-01 --to 2025-12-31" in commands
    assert any("NĂM-THÁNG-NGÀY" in one for one in commands)
    after = dues(PLANS, D(2026, 3, 1), HANOI)
    assert all(one.plan.id != "bac-kan-2021-2025" for one in after)


def test_what_was_due_yesterday_is_told_as_passed() -> None:
    passed = just_passed(PLANS, D(2026, 9, 25), HANOI)
    assert [(one.rule.title, one.days_left(D(2026, 9, 25))) for one in passed] == [
        ("Báo cáo quý, cấp xã", -1)
    ]
    (following, *_) = of("cao-loc-2024", "Báo cáo quý, cấp xã", D(2026, 9, 25))
    assert following.last_day == D(2027, 3, 24)


@given(st.dates(D(2021, 1, 1), D(2060, 12, 31)))
def test_the_next_due_stands_first_and_none_is_over(today: dt.date) -> None:
    found = [one for one in dues(PLANS, today, HANOI) if one.last_day is not None]
    left = [one.days_left(today) for one in found]
    assert left == sorted(one for one in left if one is not None)
    assert all(one is not None and one >= 0 for one in left)


@pytest.mark.parametrize(
    "text",
    [
        "plan = 3",
        '[[plan]]\nid = "a"\ntitle = "A"\ncolour = "red"',
        '[[plan]]\nid = "a"\ntitle = "A"\n[[plan.report]]\ntitle = "r"\nday = "32/1"',
        '[[plan]]\nid = "a"\ntitle = "A"\n[[plan.report]]\ntitle = "r"\nday = "31/2"',
        '[[plan]]\nid = "a"\ntitle = "A"\n[[plan.report]]\ntitle = "r"\nof = "plan"\nday = ""',
        "[[plan",
    ],
)
def test_a_calendar_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(CalendarWrong):
        read_calendar(text, HANOI)
