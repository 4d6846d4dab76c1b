"""Times exactly as the rules demand, there and back."""

from __future__ import annotations

import re
from datetime import date, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.adapters.source_api import times

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
instants = st.integers(min_value=946_684_800_000, max_value=4_102_444_799_999)


def test_the_example_of_a_date_is_read_as_the_stations_midnight() -> None:
    assert times.read_moment("2021-12-31T00:00:00.00000", HANOI) == 1_640_883_600_000


@given(at_ms=instants, mark=st.integers(min_value=0, max_value=10**9))
def test_a_moment_has_five_digits_and_comes_back_to_the_millisecond(at_ms: int, mark: int) -> None:
    text = times.moment(at_ms, HANOI, mark)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{5}", text)
    assert times.read_moment(text, HANOI) == at_ms


@given(at_ms=instants)
def test_two_records_of_one_millisecond_have_different_moments(at_ms: int) -> None:
    assert len({times.moment(at_ms, HANOI, mark) for mark in range(100)}) == 100


@given(at=st.times())
def test_a_clock_has_always_six_digits(at: time) -> None:
    text = times.clock(at)
    assert re.fullmatch(r"\d\d:\d\d:\d\d\.\d{6}", text)
    assert times.read_clock(text) == at


@pytest.mark.parametrize(
    "text",
    ["5:00:00.000000", "05:00:00", "05:00", "05:00:00.000", "24:00:00.000000", "05:00:00.0000000"],
)
def test_any_other_form_of_a_clock_is_refused(text: str) -> None:
    assert times.read_clock(text) is None


@given(on=st.dates(min_value=date(1000, 1, 1)))
def test_a_day_is_written_day_first_and_comes_back(on: date) -> None:
    assert re.fullmatch(r"\d\d-\d\d-\d{4}", times.day(on))
    assert times.read_day(times.day(on)) == on


@pytest.mark.parametrize("text", ["2026-11-23", "23/11/2026", "31-02-2026", "1-1-2026", ""])
def test_what_is_no_day_is_none(text: str) -> None:
    assert times.read_day(text) is None


@given(length_ms=st.integers(min_value=0, max_value=99 * 3_600_000))
def test_a_length_comes_back_to_the_second(length_ms: int) -> None:
    back_ms = times.read_length(times.length(length_ms))
    assert back_ms is not None
    assert abs(back_ms - length_ms) <= 500


def test_an_unknown_length_and_one_beyond_all_bounds_still_have_the_form() -> None:
    assert times.length(None) == "00:00:00"
    assert times.length(-5) == "00:00:00"
    assert times.length(10**12) == "99:59:59"


@given(at_ms=instants)
def test_seconds_since_1970_are_whole_and_lose_less_than_one(at_ms: int) -> None:
    back_ms = times.read_epoch_s(times.epoch_s(at_ms))
    assert back_ms is not None
    assert 0 <= at_ms - back_ms < 1_000


@pytest.mark.parametrize("value", [0, -1, 10**12, 2**63])
def test_seconds_that_are_no_instant_are_none(value: int) -> None:
    assert times.read_epoch_s(value) is None


@given(text=st.text(max_size=40))
def test_no_text_breaks_a_reader(text: str) -> None:
    for read in (times.read_clock, times.read_day, times.read_length):
        read(text)
    times.read_moment(text, HANOI)


def test_a_clock_on_a_day_is_that_instant_on_the_wall() -> None:
    at_ms = times.at_clock(date(2026, 11, 23), time(5, 30), HANOI)
    assert times.moment(at_ms, HANOI) == "2026-11-23T05:30:00.00000"
    assert times.local_date(at_ms, HANOI) == date(2026, 11, 23)
