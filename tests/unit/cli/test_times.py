"""Times as people type them, and which instant of the station is meant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.cli.times import Typed, coming, local_words, read_time, says
from tests.unit.cli import views

AT = views.at


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ("11:00", Typed(11, 0)),
        ("5:30", Typed(5, 30)),
        ("05h30", Typed(5, 30)),
        ("05:30:07", Typed(5, 30, 7)),
        ("24/11 11:00", Typed(11, 0, month=11, day=24)),
        ("1/2/2027 11:00", Typed(11, 0, year=2027, month=2, day=1)),
        ("2026-11-24 11:00", Typed(11, 0, year=2026, month=11, day=24)),
        ("2026-11-24T11:00:00", Typed(11, 0, 0, 2026, 11, 24)),
    ],
)
def test_a_time_is_read_as_it_is_meant(text: str, typed: Typed) -> None:
    assert read_time(text) == typed


@pytest.mark.parametrize(
    "text", ["", "noon", "24:00", "11:60", "11", "11:00 24/11", "11:00:61", "x 11:00", "1 2 11:00"]
)
def test_what_is_no_time_is_not_read(text: str) -> None:
    assert read_time(text) is None


@given(st.text(max_size=30))
def test_whatever_is_typed_is_a_time_or_none(text: str) -> None:
    typed = read_time(text)
    if typed is not None:
        assert 0 <= typed.hour < 24
        assert 0 <= typed.minute < 60
        coming(typed, views.NOW_MS, views.TZ)
        says(typed, "2026-11-23T05:30:00")


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("05:13", AT(5, 13)),
        ("05:12", AT(5, 12, day=24)),
        ("24/11 05:00", AT(5, 0, day=24)),
        ("23/11 05:00", AT(5, 0) + 365 * 86_400_000),
        ("23/11/2026 05:00", None),
        ("30/02 05:00", None),
        ("29/02/2028 05:00", 1_835_388_000_000),
        ("2026-11-23T05:12:08", AT(5, 12, 8)),
    ],
)
def test_the_next_instant_that_is_meant_is_found(text: str, instant: int | None) -> None:
    typed = read_time(text)
    assert typed is not None
    assert coming(typed, views.NOW_MS, views.TZ) == instant


@given(st.integers(0, 23), st.integers(0, 59), st.integers(0, 4 * 10**9))
def test_an_hour_without_a_date_lies_within_a_day(hour: int, minute: int, now_s: int) -> None:
    at_ms = coming(Typed(hour, minute), now_s * 1_000, "Asia/Ho_Chi_Minh")
    assert at_ms is not None
    assert 0 < at_ms - now_s * 1_000 <= 86_400_000


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("05:30", True),
        ("5:30:00", True),
        ("23/11 05:30", True),
        ("23/11/2026 05:30", True),
        ("2026-11-23T05:30:00", True),
        ("05:31", False),
        ("24/11 05:30", False),
        ("23/11/2027 05:30", False),
    ],
)
def test_a_start_of_the_timetable_is_meant_or_not(text: str, meant: bool) -> None:
    typed = read_time(text)
    assert typed is not None
    assert says(typed, "2026-11-23T05:30:00") == meant


def test_an_unknown_time_zone_is_read_as_utc() -> None:
    assert coming(Typed(0, 1), 0, "Mars/Olympus") == 60_000


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("2026-11-23T05:30:00", "23/11/2026 05:30"),
        ("tinh/tin 2026-11-22 19:42:07 · x", "tinh/tin 22/11/2026 19:42:07 · x"),
        ("→ 2026-11-22 18:00 tang lễ", "→ 22/11/2026 18:00 tang lễ"),
        ("tin-2026-11-22 bản 3", "tin-2026-11-22 bản 3"),
    ],
)
def test_written_times_are_told_as_people_write_them(text: str, shown: str) -> None:
    assert local_words(text) == shown


def test_what_is_told_can_be_typed() -> None:
    assert read_time(local_words("2026-11-23T05:30:00")) == Typed(5, 30, None, 2026, 11, 23)
