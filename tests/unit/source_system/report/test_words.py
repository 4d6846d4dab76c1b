"""How reports speak: Vietnamese numbers and dates, and never a decibel of the wrong kind."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.source_system import report
from simulator.source_system.report import words


@pytest.mark.parametrize(
    ("value", "shown"), [(0, "0"), (999, "999"), (1_234_567, "1.234.567"), (-1_000, "−1.000")]
)
def test_thousands_have_a_dot(value: int, shown: str) -> None:
    assert words.count(value) == shown


@pytest.mark.parametrize(("value", "shown"), [(1234.5, "1.234,5"), (-22.81, "−22,8"), (0.0, "0,0")])
def test_decimals_have_a_comma(value: float, shown: str) -> None:
    assert words.decimal(value) == shown


@given(st.floats(0, 1))
def test_not_quite_all_is_never_all_and_a_little_is_never_none(value: float) -> None:
    shown = words.percent(value)
    assert (shown == "100,0 %") == (value == 1)
    assert (shown == "0,0 %") == (value == 0)


def test_what_is_not_known_is_said() -> None:
    assert words.percent(None) == words.length(None) == "không rõ"


@pytest.mark.parametrize(
    ("length_ms", "shown"),
    [
        (1_900, "1,9 giây"),
        (200_000, "3 phút 20 giây"),
        (60_000, "1 phút"),
        (18_720_000, "5 giờ 12 phút"),
        (273_600_000, "3 ngày 4 giờ"),
    ],
)
def test_lengths_are_said_as_people_say_them(length_ms: int, shown: str) -> None:
    assert words.length(length_ms) == shown


@pytest.mark.parametrize(
    ("day", "shown"),
    [
        (dt.date(2026, 9, 5), "ngày 05 tháng 9 năm 2026"),
        (dt.date(2026, 1, 25), "ngày 25 tháng 01 năm 2026"),
        (dt.date(2026, 12, 14), "ngày 14 tháng 12 năm 2026"),
    ],
)
def test_dates_of_documents_have_a_zero_where_they_could_be_changed(
    day: dt.date, shown: str
) -> None:
    assert words.long_day(day) == shown


def test_codes_of_newer_software_are_shown_as_they_are() -> None:
    assert words.reason("meteor_strike") == "meteor_strike"
    assert words.alarm("meteor_strike") == "meteor_strike"
    assert words.reason("") == "không rõ"


def test_no_report_knows_another_decibel_than_dbfs() -> None:
    """The level at the mixer says nothing of how loud it is in the open."""
    assert "dBFS" in words.DBFS
    for file in Path(report.__file__).parent.glob("*.py"):
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"dB\s*\(?A", text), file.name
