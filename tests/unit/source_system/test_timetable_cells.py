"""Cells as people and spreadsheets write them: a table of what is read and what is refused."""

from __future__ import annotations

import datetime as dt

import pytest

from agent.contract.documents import (
    FileSource,
    LineInSource,
    StreamSource,
    TextSource,
    ToneSource,
)
from simulator.source_system.timetable.clock import parse_clock, parse_duration
from simulator.source_system.timetable.columns import column_letter
from simulator.source_system.timetable.days import parse_date, parse_days
from simulator.source_system.timetable.findings import WORDINGS, Fault, Finding, Place
from simulator.source_system.timetable.sources import parse_sources
from simulator.source_system.timetable.words import clean, nearest, slug


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("05:00", "05:00:00"),
        ("5:00", "05:00:00"),
        ("04:59:45", "04:59:45"),
        ("5h30", "05:30:00"),
        ("5g30", "05:30:00"),
        ("5h", "05:00:00"),
        ("5 giờ 30 phút", "05:30:00"),
        ("17 giờ", "17:00:00"),
        ("5:00 SA", "05:00:00"),
        ("5:00 CH", "17:00:00"),
        ("12:00 SA", "00:00:00"),
        ("12:30 CH", "12:30:00"),
        ("5:15 PM", "17:15:00"),
        ("6 am", "06:00:00"),
        ("11h trưa", "11:00:00"),
        ("7h30 tối", "19:30:00"),
        ("\u00a05h30 ", "05:30:00"),
    ],
)
def test_times_of_day_are_read_in_every_usual_shape(text: str, expected: str) -> None:
    assert str(dt.timedelta(seconds=parse_clock(text))).zfill(8) == expected


@pytest.mark.parametrize(
    ("text", "code", "guess"),
    [
        ("30:00", "clock_hour", ""),
        ("25:00", "clock_hour", ""),
        ("24:00", "clock_hour", "00:00"),
        ("5.30", "clock_number", "05:30"),
        ("5.3", "clock_number", "05:30"),
        ("5,3", "clock_number", "05:30"),
        ("0.229166666666667", "clock_number", "05:30"),
        ("1 day, 6:00:00", "clock_hour", "00:30"),
        ("5", "clock", "05:00"),
        ("sáng", "clock", ""),
        ("5:75", "clock", ""),
        ("13:00 SA", "clock", "13:00"),
    ],
)
def test_times_that_a_spreadsheet_has_changed_are_refused_with_a_guess(
    text: str, code: str, guess: str
) -> None:
    with pytest.raises(Fault) as caught:
        parse_clock(text)
    assert (caught.value.code, caught.value.guess) == (code, guess)


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("00:30:00", 30),
        ("00:00:15", 0.25),
        ("30 phút", 30),
        ("30p", 30),
        ("30'", 30),
        ("15 min", 15),
        ("1h30", 90),
        ("1 giờ 30 phút", 90),
        ("45 giây", 0.75),
        ("0:30", 30),
        ("04:00:00", 240),
    ],
)
def test_lengths_are_read_in_every_usual_shape(text: str, minutes: float) -> None:
    assert parse_duration(text).ms == minutes * 60_000


@pytest.mark.parametrize(
    ("text", "code", "guess"),
    [
        ("30:00", "duration_hours", "00:30:00"),
        ("15:00", "duration_hours", "00:15:00"),
        ("30:00:00", "duration_hours", "00:30:00"),
        ("1 day, 6:00:00", "duration_hours", "00:30:00"),
        ("30", "duration_number", "00:30:00"),
        ("05:00:00", "duration_long", "00:05:00"),
        ("nửa tiếng", "duration", ""),
        ("00:00:00", "duration", ""),
    ],
)
def test_lengths_that_excel_takes_for_hours_are_refused_with_a_guess(
    text: str, code: str, guess: str
) -> None:
    with pytest.raises(Fault) as caught:
        parse_duration(text)
    assert (caught.value.code, caught.value.guess) == (code, guess)


def test_a_long_item_is_accepted_only_when_it_is_confirmed() -> None:
    assert parse_duration("05:00:00", allow_long=True).ms == 5 * 3_600_000


def test_two_parts_are_hours_and_minutes_and_say_so() -> None:
    assert parse_duration("1:30") == (90 * 60_000, True)
    assert parse_duration("00:30:00") == (30 * 60_000, False)


@pytest.mark.parametrize(
    ("text", "weekdays"),
    [
        ("hằng ngày", {0, 1, 2, 3, 4, 5, 6}),
        ("Hàng ngày", {0, 1, 2, 3, 4, 5, 6}),
        ("daily", {0, 1, 2, 3, 4, 5, 6}),
        ("T2-T7", {0, 1, 2, 3, 4, 5}),
        ("T2–T6", {0, 1, 2, 3, 4}),
        ("T2;T4;T6", {0, 2, 4}),
        ("thứ hai, thứ tư và CN", {0, 2, 6}),
        ("Thứ 2 đến thứ 6", {0, 1, 2, 3, 4}),
        ("T7-T2", {5, 6, 0}),
        ("CN", {6}),
        ("chủ nhật", {6}),
        ("Mon-Fri", {0, 1, 2, 3, 4}),
        ("hằng ngày trừ CN", {0, 1, 2, 3, 4, 5}),
        ("T2-T7 trừ thứ tư", {0, 1, 3, 4, 5}),
        ("trừ CN", {0, 1, 2, 3, 4, 5}),
        ("cuối tuần", {5, 6}),
    ],
)
def test_days_are_read_in_every_usual_shape(text: str, weekdays: set[int]) -> None:
    assert parse_days(text, year=2026).weekdays == weekdays


def test_single_dates_and_dates_left_out_are_read() -> None:
    days = parse_days("2026-11-26; 25/11/2026", year=2026)
    assert [day.isoformat() for day in days.dates] == ["2026-11-25", "2026-11-26"]
    days = parse_days("hằng ngày trừ 2026-12-01", year=2026)
    assert days.left_out == (dt.date(2026, 12, 1),)
    assert not days.plays_on(dt.date(2026, 12, 1))


@pytest.mark.parametrize(
    ("text", "code", "guess"),
    [
        ("11/25/2026", "date_us", "2026-11-25"),
        ("25/11", "date", "2026-11-25"),
        ("25/11/26", "date", "2026-11-25"),
        ("31/02/2026", "date", ""),
        ("mùng 1", "lunar", ""),
        ("rằm", "lunar", ""),
        ("10/3 âm", "lunar", ""),
        ("ngày lễ", "days", ""),
        ("CN trừ CN", "days_none", ""),
        ("T2;2026-11-25", "days", ""),
    ],
)
def test_days_that_could_mean_two_things_are_refused(text: str, code: str, guess: str) -> None:
    with pytest.raises(Fault) as caught:
        parse_days(text, year=2026)
    assert (caught.value.code, caught.value.guess) == (code, guess)


def test_dates_with_slashes_are_day_first() -> None:
    assert parse_date("01/12/2026", year=2026)[0] == dt.date(2026, 12, 1)


def test_sources_are_a_chain_in_order_of_preference() -> None:
    chain = "luong:https://a.invalid/1.m3u8|https://a.invalid/2.mp3|line-in|tep:xin-loi.mp3"
    assert parse_sources(chain) == (
        StreamSource(url="https://a.invalid/1.m3u8"),
        StreamSource(url="https://a.invalid/2.mp3"),
        LineInSource(),
        FileSource(slot="xin-loi"),
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tep:ban-tin-{ngày}.mp3", FileSource(slot="ban-tin", dated=True)),
        ("tệp: Bản tin xã {ngày}.m4a", FileSource(slot="ban-tin-xa", dated=True)),
        ("file:ban-tin-{date}.wav", FileSource(slot="ban-tin", dated=True)),
        ('loi:"Mời họp | 19 giờ"', TextSource(text="Mời họp | 19 giờ")),
        ("lời: “Mời họp”", TextSource(text="Mời họp")),
        ("am:chime", ToneSource(name="chime")),
        (
            "luong:http://a.invalid/x (không mã hóa)",
            StreamSource(url="http://a.invalid/x", insecure_live=True),
        ),
    ],
)
def test_each_kind_of_source_is_read(text: str, expected: object) -> None:
    assert parse_sources(text) == (expected,)


@pytest.mark.parametrize(
    ("text", "code", "guess"),
    [
        ("luong:http://a.invalid/x", "source_insecure", "https://a.invalid/x"),
        ("ban-tin.mp3", "source", "tep:ban-tin.mp3"),
        ("đài tỉnh", "source", ""),
        ("tep:bt-{thứ}.mp3", "slot", "bt-{ngày}.mp3"),
        ('loi:""', "source", ""),
        ("|".join(["line-in"] * 9), "source_many", ""),
    ],
)
def test_sources_that_cannot_be_played_safely_are_refused(text: str, code: str, guess: str) -> None:
    with pytest.raises(Fault) as caught:
        parse_sources(text)
    assert (caught.value.code, caught.value.guess) == (code, guess)


def test_words_from_phones_and_hands_are_made_comparable() -> None:
    assert clean("tho\u0302n  Đoài\u00a0") == "thôn Đoài"
    assert slug("Bản tin xã (sáng)") == "ban-tin-xa-sang"
    assert nearest("thôn Đoai", ["thôn Đông", "thôn Đoài"]) == "thôn Đoài"
    assert nearest("chợ", ["thôn Đông"]) == ""
    assert [column_letter(index) for index in (0, 1, 25, 26)] == ["A", "B", "Z", "AA"]


@pytest.mark.parametrize("code", sorted(WORDINGS))
def test_every_fault_has_words_in_both_languages(code: str) -> None:
    finding = Finding(Place(7, "B", "Thời lượng", "30:00"), code, "00:30:00", "30")
    assert finding.text("vi") != finding.text("en")
    assert "“00:30:00”" in finding.text("vi")
    assert finding.text("en").startswith('B7 "Thời lượng" “30:00”: ')
