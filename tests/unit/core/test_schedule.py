"""What an entry's `when` means: dates, exceptions, clocks that change, rules that are refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agent.contract.documents import Entry, When
from agent.contract.reasons import AckReason
from agent.core import schedule
from agent.core.recurrence import SEARCH_STEPS_MAX, RuleError, read_rule
from agent.core.schedule import Expander, Occurrence, check_entry, expand
from tests.vectors.district import entry, zones

MONDAY = "2026-11-23T05:00:00"
FROM = datetime(2026, 11, 22, tzinfo=UTC)


def at(start: str = MONDAY, rrule: str | None = None, **more: Any) -> Entry:
    return entry(id="e", when=When(start=start, rrule=rrule, **more))


def occurrences(
    one: Entry, from_: datetime = FROM, days: float = 14, to: datetime | None = None
) -> list[Occurrence]:
    to = to or from_ + timedelta(days=days)
    return expand(one, authority="huyen", audience="s/x", from_=from_, to=to, zones=zones)


def nominals(one: Entry, from_: datetime = FROM, days: float = 14) -> list[str]:
    return [found.ref.nominal for found in occurrences(one, from_, days)]


def utc(found: Occurrence) -> str:
    return datetime.fromtimestamp(found.start_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M")


# --- identity and order --------------------------------------------------------------------


def test_an_occurrence_says_who_what_when_and_which_date() -> None:
    (found,) = occurrences(at())
    assert (found.ref.authority, found.ref.audience, found.ref.entry) == ("huyen", "s/x", "e")
    assert found.ref.nominal == MONDAY
    assert found.date == "2026-11-23"
    assert utc(found) == "2026-11-22 22:00"
    assert found.slot_ms == 15 * 60_000


def test_the_window_includes_its_start_and_excludes_its_end() -> None:
    start = datetime(2026, 11, 22, 22, tzinfo=UTC)
    assert len(occurrences(at(), start, to=start + timedelta(seconds=1))) == 1
    assert occurrences(at(), start - timedelta(hours=1), to=start) == []


def test_occurrences_come_by_start_and_then_by_identity() -> None:
    entries = [
        entry(id="b", when=When(start=MONDAY)),
        entry(id="a", when=When(start=MONDAY)),
        entry(id="c", when=When(start="2026-11-22T05:00:00", tz="UTC")),
    ]
    expander = Expander(entries, authority="huyen", audience="s/x", zones=zones)
    found = expander.between(FROM, FROM + timedelta(days=2))
    assert [one.ref.entry for one in found] == ["c", "a", "b"]


def test_an_entry_that_cannot_be_read_does_not_silence_the_others() -> None:
    entries = [entry(id="bad", when=When(start=MONDAY, tz="Asia/Ha_Noi")), at()]
    expander = Expander(entries, authority="huyen", audience="s/x", zones=zones)
    assert [one.ref.entry for one in expander.between(FROM, FROM + timedelta(days=2))] == ["e"]
    ((identity, fault),) = expander.refused
    assert (identity, fault.reason) == ("bad", AckReason.BAD_TIME_ZONE)


# --- dates, exceptions, until --------------------------------------------------------------


def test_without_a_rule_an_entry_plays_at_its_start_and_its_dates() -> None:
    one = at(dates=("2026-11-25T17:00:00", MONDAY))
    assert nominals(one) == [MONDAY, "2026-11-25T17:00:00"]


def test_exceptions_leave_out_starts_of_the_rule_and_of_the_dates() -> None:
    one = at(
        rrule="FREQ=DAILY;COUNT=3",
        dates=("2026-11-30T05:00:00", "2026-12-01T05:00:00"),
        except_=("2026-11-24T05:00:00", "2026-12-01T05:00:00"),
    )
    assert nominals(one) == [MONDAY, "2026-11-25T05:00:00", "2026-11-30T05:00:00"]


def test_until_is_the_last_local_date_for_rule_and_dates() -> None:
    one = at(rrule="FREQ=DAILY", dates=("2026-11-26T05:00:00",), until="2026-11-24")
    assert nominals(one) == [MONDAY, "2026-11-24T05:00:00"]


def test_a_date_that_the_rule_gives_too_plays_once() -> None:
    assert nominals(at(rrule="FREQ=DAILY;COUNT=2", dates=(MONDAY,))) == [
        MONDAY,
        "2026-11-24T05:00:00",
    ]


# --- rules ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rrule", "expected"),
    [
        ("FREQ=DAILY;INTERVAL=5", ["23T05", "28T05", "03T05"]),
        ("FREQ=WEEKLY;BYDAY=SU,TU", ["24T05", "29T05", "01T05"]),
        ("FREQ=WEEKLY", ["23T05", "30T05"]),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=SU,MO;WKST=SU", ["23T05"]),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=SU,MO;WKST=MO", ["23T05", "29T05"]),
        ("FREQ=MONTHLY;BYDAY=-1MO", ["30T05"]),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", ["30T05"]),
        ("FREQ=MONTHLY;BYMONTHDAY=-1,1", ["30T05", "01T05"]),
        ("FREQ=YEARLY;BYMONTH=11,12;BYDAY=1WE", ["02T05"]),
        ("FREQ=YEARLY;BYWEEKNO=48;BYDAY=MO", ["23T05"]),
        ("FREQ=YEARLY;BYYEARDAY=-32", ["30T05"]),
        ("FREQ=DAILY;BYDAY=SA;BYHOUR=6,18", ["28T06", "28T18", "05T06"]),
        ("FREQ=HOURLY;INTERVAL=36", ["23T05", "24T17", "26T05"]),
        ("FREQ=DAILY;COUNT=2", ["23T05", "24T05"]),
        ("FREQ=DAILY;UNTIL=20261124T050000", ["23T05", "24T05"]),
        ("FREQ=DAILY;UNTIL=20261124T045959", ["23T05"]),
        ("FREQ=DAILY;UNTIL=20261124", ["23T05", "24T05"]),
        ("FREQ=DAILY;UNTIL=20261123T220000Z", ["23T05", "24T05"]),
        ("FREQ=DAILY;UNTIL=20261123T215959Z", ["23T05"]),
        ("RRULE:FREQ=DAILY;COUNT=1", ["23T05"]),
    ],
)
def test_a_rule_gives_the_starts_people_expect(rrule: str, expected: list[str]) -> None:
    found = [nominal[8:13] for nominal in nominals(at(rrule=rrule))]
    assert found[: len(expected)] == expected
    assert check_entry(at(rrule=rrule), zones) is None
    if "COUNT" in rrule or "UNTIL" in rrule:
        assert len(found) == len(expected)


@pytest.mark.parametrize(
    ("week", "date"),
    [
        (52, "2022-01-01"),
        (-52, "2018-12-31"),
        (-53, "2025-12-29"),
        (1, "2025-12-29"),
        (53, "2027-01-03"),
    ],
)
def test_a_week_that_reaches_over_new_year_keeps_its_number(week: int, date: str) -> None:
    """dateutil loses these days."""
    rule = f"FREQ=YEARLY;BYWEEKNO={week};BYDAY=MO,TU,WE,TH,FR,SA,SU"
    day = datetime.fromisoformat(date).replace(tzinfo=UTC)
    assert f"{date}T05:00:00" in nominals(at("2016-01-01T05:00:00", rule), day - timedelta(days=3))


def test_the_start_plays_only_when_its_rule_matches_it() -> None:
    assert nominals(at(rrule="FREQ=WEEKLY;BYDAY=TU;COUNT=1")) == ["2026-11-24T05:00:00"]


def test_a_count_is_the_same_in_every_window() -> None:
    one = at(rrule="FREQ=DAILY;BYHOUR=5,17;COUNT=5")
    assert nominals(one, FROM + timedelta(days=2)) == [
        "2026-11-24T17:00:00",
        "2026-11-25T05:00:00",
    ]
    assert nominals(one, FROM + timedelta(days=3)) == []


# --- clocks that change --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "nominal", "expected"),
    [
        ("Europe/Berlin", "2026-03-29T02:30:00", "2026-03-29 01:30"),
        ("Europe/Berlin", "2026-10-25T02:30:00", "2026-10-25 00:30"),
        ("America/New_York", "2026-03-08T02:00:00", "2026-03-08 07:00"),
        ("America/New_York", "2026-11-01T01:59:00", "2026-11-01 05:59"),
        ("Australia/Lord_Howe", "2026-10-04T02:15:00", "2026-10-03 15:45"),
        ("Australia/Lord_Howe", "2026-04-05T01:45:00", "2026-04-04 14:45"),
        ("America/Sao_Paulo", "2018-11-04T00:30:00", "2018-11-04 03:30"),
    ],
)
def test_the_night_the_clocks_change(zone: str, nominal: str, expected: str) -> None:
    """In a gap: later by its width. Twice: the first. The identity stays nominal."""
    around = datetime.fromisoformat(nominal).replace(tzinfo=UTC) - timedelta(days=2)
    (found,) = occurrences(at(nominal, tz=zone), around, 4)
    assert utc(found) == expected
    assert found.ref.nominal == nominal


def test_a_start_pushed_out_of_a_gap_is_found_in_a_window_that_begins_in_it() -> None:
    one = at("2026-03-29T02:30:00", tz="Europe/Berlin")
    start = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    assert len(occurrences(one, start, to=start + timedelta(minutes=1))) == 1


# --- what is refused -----------------------------------------------------------------------

BAD, NEVER, FLOODS = (
    AckReason.BAD_RECURRENCE,
    AckReason.RECURRENCE_NEVER,
    AckReason.RECURRENCE_FLOODS,
)


@pytest.mark.parametrize(
    ("rrule", "reason", "said"),
    [
        ("", BAD, "not a part"),
        ("FREQ=DAILY;", BAD, "not a part"),
        ("FREQ=daily", BAD, "not a part"),
        ("INTERVAL=2", BAD, "FREQ is missing"),
        ("FREQ=FORTNIGHTLY", BAD, "FREQ is FORTNIGHTLY"),
        ("FREQ=DAILY;FREQ=DAILY", BAD, "stands twice"),
        ("FREQ=DAILY;DTSTART=20261123T050000", BAD, "DTSTART"),
        ("FREQ=DAILY;BYEASTER=1", BAD, "not a part"),
        ("FREQ=DAILY;INTERVAL=0", BAD, "INTERVAL"),
        ("FREQ=DAILY;INTERVAL=99999", BAD, "INTERVAL"),
        ("FREQ=DAILY;COUNT=0", BAD, "COUNT"),
        ("FREQ=DAILY;COUNT=10001", BAD, "COUNT"),
        ("FREQ=YEARLY;COUNT=40", BAD, "not used up"),
        ("FREQ=DAILY;COUNT=3;UNTIL=20270101", BAD, "exclude"),
        ("FREQ=DAILY;UNTIL=tomorrow", BAD, "not a part"),
        ("FREQ=DAILY;UNTIL=20260230", BAD, "does not exist"),
        ("FREQ=DAILY;UNTIL=99991231T235959", BAD, "year"),
        ("FREQ=DAILY;BYHOUR=24", BAD, "BYHOUR"),
        ("FREQ=DAILY;BYHOUR=-1", BAD, "BYHOUR"),
        ("FREQ=DAILY;BYHOUR=", BAD, "not a part"),
        ("FREQ=DAILY;BYHOUR=5,,6", BAD, "BYHOUR"),
        ("FREQ=DAILY;BYSECOND=60", BAD, "BYSECOND"),
        ("FREQ=MONTHLY;BYMONTHDAY=0", BAD, "BYMONTHDAY"),
        ("FREQ=MONTHLY;BYMONTHDAY=32", BAD, "BYMONTHDAY"),
        ("FREQ=MONTHLY;BYSETPOS=1", BAD, "BYSETPOS needs"),
        ("FREQ=DAILY;BYDAY=XX", BAD, "BYDAY"),
        ("FREQ=WEEKLY;BYDAY=1MO", BAD, "with a number"),
        ("FREQ=MONTHLY;BYDAY=54MO", BAD, "1 to 53"),
        ("FREQ=WEEKLY;BYMONTHDAY=1", BAD, "may not stand"),
        ("FREQ=MONTHLY;BYWEEKNO=1;BYDAY=MO", BAD, "may not stand"),
        ("FREQ=DAILY;BYYEARDAY=1", BAD, "may not stand"),
        ("FREQ=YEARLY;BYWEEKNO=1", BAD, "BYWEEKNO needs BYDAY"),
        ("FREQ=YEARLY;BYWEEKNO=1;BYDAY=1MO", BAD, "beside BYWEEKNO"),
        ("FREQ=DAILY;WKST=XX", BAD, "WKST"),
        ("FREQ=SECONDLY", FLOODS, "SECONDLY"),
        ("FREQ=MINUTELY;INTERVAL=60", FLOODS, "MINUTELY"),
        ("FREQ=HOURLY;BYMINUTE=0,5,10,15,20,25,30,35,40,45,50,55,58", FLOODS, "312 starts a day"),
        ("FREQ=DAILY;BYMINUTE=0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16;"
         "BYSECOND=0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16", FLOODS, "289 starts a day"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", NEVER, "ten years"),
        ("FREQ=MONTHLY;BYDAY=20MO", BAD, "at most five"),
        ("FREQ=YEARLY;BYMONTH=3;BYDAY=-6MO", BAD, "at most five"),
        ("FREQ=MONTHLY;BYDAY=5MO;BYMONTHDAY=1", NEVER, ""),
        ("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=31", NEVER, ""),
        ("FREQ=YEARLY;INTERVAL=10000;BYYEARDAY=1", NEVER, ""),
        ("FREQ=HOURLY;INTERVAL=24;BYHOUR=6", NEVER, ""),
        ("FREQ=YEARLY;BYWEEKNO=53;BYMONTH=6;BYDAY=MO", NEVER, ""),
        ("FREQ=YEARLY;BYMONTH=1;BYMONTHDAY=1;BYSETPOS=2", NEVER, ""),
        ("FREQ=DAILY;UNTIL=20200101", NEVER, ""),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30;COUNT=1", NEVER, ""),
    ],
)  # fmt: skip
def test_a_rule_is_refused_with_its_reason(rrule: str, reason: AckReason, said: str) -> None:
    fault = check_entry(at(rrule=rrule), zones)
    assert fault is not None
    assert fault.reason == reason
    assert said.replace("ten years", "10 years") in fault.detail
    assert occurrences(at(rrule=rrule)) == [] or reason != BAD


@pytest.mark.parametrize(
    ("when", "reason"),
    [
        (When(start="2026-02-30T05:00:00"), BAD),
        (When(start="2026-11-23T24:00:00"), BAD),
        (When(start="2026-11-23T05:00:60"), BAD),
        (When(start="0000-01-01T00:00:00"), BAD),
        (When(start="9999-12-31T23:59:59"), BAD),
        (When(start=MONDAY, dates=("2026-13-01T05:00:00",)), BAD),
        (When(start=MONDAY, except_=("2026-04-31T05:00:00",)), BAD),
        (When(start=MONDAY, until="2026-02-29"), BAD),
        (When(start=MONDAY, tz="Asia/Ha_Noi"), AckReason.BAD_TIME_ZONE),
        (When(start=MONDAY, except_=(MONDAY,)), NEVER),
        (When(start=MONDAY, until="2026-11-22"), NEVER),
        (When(start=MONDAY, rrule="FREQ=DAILY;COUNT=1", except_=(MONDAY,)), NEVER),
        (When(start=MONDAY, rrule="FREQ=YEARLY", until="2026-11-22"), NEVER),
        (
            When(start=MONDAY, dates=tuple(f"2026-11-23T05:{n // 60:02}:{n % 60:02}"
                                           for n in range(289))),
            FLOODS,
        ),
    ],
)  # fmt: skip
def test_a_when_is_refused_with_its_reason(when: When, reason: AckReason) -> None:
    fault = check_entry(entry(when=when), zones)
    assert fault is not None
    assert fault.reason == reason
    assert fault.detail.startswith("entry thoi-su: ")


@pytest.mark.parametrize("error", [KeyError, ValueError, IsADirectoryError])
def test_a_resolver_that_raises_means_an_unknown_time_zone(error: type[Exception]) -> None:
    def resolver(name: str) -> None:
        raise error(name)

    fault = check_entry(entry(), resolver)
    assert fault is not None
    assert fault.reason == AckReason.BAD_TIME_ZONE


def test_a_day_may_hold_a_start_every_five_minutes() -> None:
    one = at("2026-11-23T00:00:00", "FREQ=HOURLY;BYMINUTE=0,5,10,15,20,25,30,35,40,45,50,55")
    assert check_entry(one, zones) is None
    assert schedule.max_per_day(one, zones) == 288
    assert len(occurrences(one, FROM + timedelta(days=3), 1)) == 288


# --- bounded work --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rrule", "steps"),
    [
        ("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", SEARCH_STEPS_MAX + 2),
        ("FREQ=HOURLY;INTERVAL=2;BYHOUR=6", SEARCH_STEPS_MAX + 2),
        ("FREQ=WEEKLY;BYMONTH=2;BYHOUR=5;BYSETPOS=8", 525),
        ("FREQ=MONTHLY;BYDAY=-5FR;BYMONTHDAY=-1", 122),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", 11),
        ("FREQ=YEARLY;INTERVAL=3;BYYEARDAY=366;BYMONTH=1", 4),
    ],
)
def test_a_rule_that_never_comes_is_found_out_in_bounded_steps(rrule: str, steps: int) -> None:
    rule = read_rule(rrule, datetime.fromisoformat(MONDAY), UTC)
    first, taken = rule.first()
    assert first is None
    assert 0 < taken <= steps


def test_a_rule_is_evaluated_no_further_than_the_window_asks() -> None:
    rule = read_rule("FREQ=MONTHLY;BYDAY=5MO;BYMONTHDAY=1", datetime.fromisoformat(MONDAY), UTC)
    low = datetime.fromisoformat("2150-01-01")
    assert len(list(rule.periods(low, low + timedelta(days=14)))) == 1


def test_reading_a_rule_that_is_none_raises_only_its_error() -> None:
    with pytest.raises(RuleError):
        read_rule("FREQ=DAILY;BYHOUR=" + "9" * 180, datetime.fromisoformat(MONDAY), UTC)


# --- until when ----------------------------------------------------------------------------


def horizon(*entries: Entry, effective_from: str = "") -> tuple[bool, str | None]:
    """Whether there is no end, else the last start in UTC."""
    expander = Expander(entries, authority="huyen", audience="s/x", zones=zones)
    found = expander.horizon(effective_from)
    if found.last_ms is None:
        return found.endless, None
    last = datetime.fromtimestamp(found.last_ms / 1_000, UTC)
    return found.endless, last.strftime("%Y-%m-%d %H:%M")


@pytest.mark.parametrize(
    ("one", "last"),
    [
        (at(), "2026-11-22 22:00"),
        (at(dates=("2027-03-01T05:00:00",)), "2027-02-28 22:00"),
        (at(rrule="FREQ=DAILY;UNTIL=20280101"), "2027-12-31 22:00"),
        (at(rrule="FREQ=DAILY;UNTIL=20280101T000000Z"), "2027-12-31 22:00"),
        (at(rrule="FREQ=DAILY;COUNT=200"), "2027-06-09 22:00"),
        (at(rrule="FREQ=DAILY", until="2027-01-31"), "2027-01-30 22:00"),
        (
            at(rrule="FREQ=DAILY;COUNT=3", except_=("2026-11-25T05:00:00",)),
            "2026-11-23 22:00",
        ),
        (at(rrule="FREQ=DAILY;COUNT=3", dates=("2030-01-01T05:00:00",)), "2029-12-31 22:00"),
        (at("2028-02-29T05:00:00", "FREQ=YEARLY;UNTIL=21990101"), "2196-02-28 22:00"),
        (at(rrule="FREQ=YEARLY;UNTIL=21990101"), "2198-11-22 22:00"),
    ],
)
def test_a_timetable_ends_with_its_last_start_however_far_that_is(one: Entry, last: str) -> None:
    assert horizon(one) == (False, last)


@pytest.mark.parametrize("rule", ["FREQ=DAILY", "FREQ=YEARLY", "FREQ=WEEKLY;BYDAY=MO"])
def test_a_rule_without_an_end_makes_the_timetable_endless(rule: str) -> None:
    assert horizon(at(), at(rrule=rule)) == (True, None)


def test_the_last_of_several_entries_is_the_end() -> None:
    assert horizon(at(), at("2027-05-01T05:00:00")) == (False, "2027-04-30 22:00")


def test_nothing_to_play_has_no_end() -> None:
    assert horizon() == (False, None)
    assert horizon(at(), effective_from="2027-01-01T00:00:00") == (False, None)


def test_the_end_is_the_last_of_what_expansion_finds() -> None:
    one = at(rrule="FREQ=WEEKLY;INTERVAL=3;BYDAY=SU,TH;UNTIL=20280601")
    found = occurrences(one, days=3 * 366)
    assert horizon(one) == (False, utc(found[-1]))
