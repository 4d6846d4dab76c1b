"""Hours of the day as rules write them, and where they lie when clocks are changed."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from agent.contract.documents import AirWindow, Regulation, VolumeCeiling, ZoneSelector
from agent.core.hours import Hours, fault_of, local_day, read_hours, spans_of

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
BERLIN = ZoneInfo("Europe/Berlin")
SAO_PAULO = ZoneInfo("America/Sao_Paulo")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")


def utc(t_ms: int) -> str:
    return datetime.fromtimestamp(t_ms / 1_000, UTC).strftime("%m-%d %H:%M")


def spans(day: str, hours: str, zone: ZoneInfo) -> list[tuple[str, str]]:
    read = read_hours(hours, past_midnight=False)
    assert read is not None
    return [(utc(a), utc(b)) for a, b in spans_of(date.fromisoformat(day), read, zone)]


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("05:00-06:30", Hours(300, 390)),
        ("00:00-24:00", Hours(0, 1_440)),
        ("23:59-24:00", Hours(1_439, 1_440)),
    ],
)
def test_hours_are_read_in_minutes_of_the_day(text: str, read: Hours) -> None:
    assert read_hours(text, past_midnight=False) == read


@pytest.mark.parametrize(
    "text",
    [
        "5:00-6:00",
        "05:00-05:00",
        "05:00 - 06:00",
        "24:00-24:00",
        "05:00-24:01",
        "05:60-06:00",
        "",
        "05:00-06:00\n",
        "٠٥:٠٠-٠٦:٠٠",
    ],
)
def test_what_is_no_hours_is_none(text: str) -> None:
    assert read_hours(text, past_midnight=False) is None
    assert read_hours(text, past_midnight=True) is None


def test_only_where_it_is_allowed_hours_pass_midnight() -> None:
    assert read_hours("21:00-06:00", past_midnight=False) is None
    night = read_hours("21:00-06:00", past_midnight=True)
    assert night == Hours(1_260, 1_800)
    assert night.by_day() == (Hours(1_260, 1_440), Hours(0, 360))
    assert night.holds(1_439)
    assert not night.holds(359)
    assert night.holds_next_day(359)
    assert not night.holds_next_day(360)


def test_on_an_ordinary_day_hours_are_one_span() -> None:
    assert spans("2026-03-02", "05:00-06:00", VIETNAM) == [("03-01 22:00", "03-01 23:00")]
    assert spans("2026-03-02", "17:00-24:00", VIETNAM) == [("03-02 10:00", "03-02 17:00")]


def test_hours_that_come_twice_are_two_spans_unless_they_touch() -> None:
    assert spans("2026-10-25", "02:15-02:45", BERLIN) == [
        ("10-25 00:15", "10-25 00:45"),
        ("10-25 01:15", "10-25 01:45"),
    ]
    assert spans("2026-10-25", "02:30-03:30", BERLIN) == [
        ("10-25 00:30", "10-25 01:00"),
        ("10-25 01:30", "10-25 02:30"),
    ]
    assert spans("2026-10-25", "02:00-03:00", BERLIN) == [("10-25 00:00", "10-25 02:00")]
    assert spans("2026-04-05", "01:30-02:00", LORD_HOWE) == [("04-04 14:30", "04-04 15:30")]


def test_hours_that_do_not_come_are_no_span() -> None:
    assert spans("2026-03-29", "02:10-02:50", BERLIN) == []
    assert spans("2026-03-29", "01:30-03:30", BERLIN) == [("03-29 00:30", "03-29 01:30")]


def test_a_day_begins_when_its_date_does_also_without_a_midnight() -> None:
    ordinary = local_day(date(2026, 3, 2), VIETNAM)
    assert (utc(ordinary.from_ms), utc(ordinary.to_ms)) == ("03-01 17:00", "03-02 17:00")
    without = local_day(date(2018, 11, 4), SAO_PAULO)
    assert (utc(without.from_ms), utc(without.to_ms)) == ("11-04 03:00", "11-05 02:00")
    longer = local_day(date(2026, 10, 25), BERLIN)
    assert longer.to_ms - longer.from_ms == 25 * 3_600_000


@pytest.mark.parametrize(
    ("regulation", "place"),
    [
        (Regulation(windows=(AirWindow(hours="5h-6h"),)), "windows[0].hours"),
        (
            Regulation(windows=(AirWindow(hours="05:00-06:00"), AirWindow(hours="21:00-05:00"))),
            "windows[1].hours",
        ),
        (Regulation(windows=(AirWindow(hours="05:00-06:00", days=(1, 1)),)), "windows[0].days"),
        (
            Regulation(windows=(AirWindow(hours="05:00-06:00", zones=ZoneSelector()),)),
            "windows[0].zones",
        ),
        (Regulation(windows=(AirWindow(hours="05:00-06:00", session_ms=0),)), "session_ms"),
        (Regulation(ceilings=(VolumeCeiling(hours="05:00-05:00", volume=9),)), "ceilings[0].hours"),
        (
            Regulation(ceilings=(VolumeCeiling(hours="21:00-05:00", volume=9, days=(7, 7)),)),
            "ceilings[0].days",
        ),
        (Regulation(silent_dates=("2027-02-29",)), "silent_dates[0]"),
        (Regulation(sessions_per_day=2), "sessions_per_day"),
    ],
)
def test_a_fault_of_a_regulation_names_its_place(regulation: Regulation, place: str) -> None:
    fault = fault_of(regulation)
    assert fault is not None
    assert place in fault


def test_a_regulation_that_is_written_right_has_no_fault() -> None:
    regulation = Regulation(
        windows=(AirWindow(hours="05:00-06:00", days=(1, 2)), AirWindow(hours="17:00-24:00")),
        silent_dates=("2027-02-06", "2028-02-29"),
        sessions_per_day=2,
        ceilings=(VolumeCeiling(hours="21:00-06:00", volume=0),),
    )
    assert fault_of(regulation) is None
    assert fault_of(Regulation()) is None
