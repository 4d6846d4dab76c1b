"""Timetables against a naive reading of RFC 5545, against dateutil, and against themselves."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from dateutil.rrule import rrulestr
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from agent.contract.documents import Entry, When
from agent.core.recurrence import PER_DAY_MAX, SEARCH_STEPS_MAX, Rule, RuleError, read_rule
from agent.core.schedule import Expander, check_entry, expand, to_utc_ms
from tests.property.naive_schedule import DAYS, NaiveRule, instant_of
from tests.vectors.district import entry, zones

ZONES = (
    "Asia/Ho_Chi_Minh",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/Sao_Paulo",
)
CHANGES = {
    "Europe/Berlin": ("2024-03-31", "2024-10-27", "2025-03-30", "2025-10-26"),
    "America/New_York": ("2024-03-10", "2024-11-03", "2025-03-09", "2025-11-02"),
    "Australia/Lord_Howe": ("2024-04-07", "2024-10-06", "2025-04-06", "2025-10-05"),
    "America/Sao_Paulo": ("2018-02-18", "2018-11-04", "2017-10-15", "2019-02-17"),
}
"""Days on which clocks change: always among the sampled ones."""

ANCHORS = st.datetimes(datetime(2016, 1, 1), datetime(2027, 12, 31)).map(  # noqa: DTZ001
    lambda moment: moment.replace(microsecond=0)
)


def some(values: list[int], most: int = 3) -> st.SearchStrategy[str]:
    chosen = st.lists(st.sampled_from(values), min_size=1, max_size=most, unique=True)
    return chosen.map(lambda found: ",".join(map(str, found)))


def signed(most: int) -> list[int]:
    return [*range(1, most + 1), *range(-most, 0)]


WEEKDAYS = st.lists(st.sampled_from(DAYS), min_size=1, max_size=4, unique=True).map(",".join)
NUMBERED = st.lists(
    st.tuples(st.sampled_from([*signed(5), *signed(5), 20, -30, 53]), st.sampled_from(DAYS)),
    min_size=1,
    max_size=3,
).map(lambda found: ",".join(f"{number}{day}" for number, day in found))

PARTS: dict[str, dict[str, st.SearchStrategy[str]]] = {
    "YEARLY": {
        "BYMONTH": some(list(range(1, 13))),
        "BYMONTHDAY": some(signed(31)),
        "BYYEARDAY": some(signed(366)),
        "BYDAY": WEEKDAYS | NUMBERED,
    },
    "MONTHLY": {
        "BYMONTH": some(list(range(1, 13)), 6),
        "BYMONTHDAY": some(signed(31)),
        "BYDAY": WEEKDAYS | NUMBERED,
    },
    "WEEKLY": {"BYMONTH": some(list(range(1, 13)), 6), "BYDAY": WEEKDAYS},
    "DAILY": {
        "BYMONTH": some(list(range(1, 13)), 6),
        "BYMONTHDAY": some(signed(31), 8),
        "BYDAY": WEEKDAYS,
    },
    "HOURLY": {
        "BYMONTH": some(list(range(1, 13)), 6),
        "BYMONTHDAY": some(signed(31), 8),
        "BYYEARDAY": some([1, 60, 200, 365, 366, -1, -2, -100, -366], 8),
        "BYDAY": WEEKDAYS,
    },
}


@st.composite
def rules(draw: st.DrawFn, *, frequencies: tuple[str, ...] = tuple(PARTS)) -> str:
    frequency = draw(st.sampled_from(frequencies))
    parts = {"FREQ": frequency, "INTERVAL": str(draw(st.sampled_from([1, 1, 1, 2, 3, 5, 30])))}
    if frequency == "YEARLY" and draw(st.integers(0, 2)) == 0:
        parts["BYWEEKNO"] = draw(some([1, 2, 9, 27, 52, 53, -1, -2, -30, -52, -53], 6))
        parts["BYDAY"] = draw(WEEKDAYS)
    else:
        for key, values in PARTS[frequency].items():
            if draw(st.integers(0, 2)) == 0:
                parts[key] = draw(values)
    if draw(st.booleans()):
        parts["BYHOUR"] = draw(some(list(range(24)), 5))
    if draw(st.booleans()):
        parts["BYMINUTE"] = draw(some(list(range(60)), 3))
    if draw(st.integers(0, 3)) == 0:
        parts["BYSECOND"] = draw(some(list(range(60)), 2))
    if any(key.startswith("BY") for key in parts) and draw(st.integers(0, 3)) == 0:
        parts["BYSETPOS"] = draw(some([*signed(4), 7, -9, 31, 60]))
    if draw(st.booleans()):
        parts["WKST"] = draw(st.sampled_from(DAYS))
    match draw(st.sampled_from(["", "", "COUNT", "UNTIL"])):
        case "COUNT":
            parts["COUNT"] = str(draw(st.integers(1, 40)))
        case "UNTIL":
            parts["UNTIL"] = draw(ANCHORS).strftime("%Y%m%dT%H%M%S")
    return ";".join(f"{key}={value}" for key, value in parts.items())


def read(text: str, anchor: datetime) -> Rule:
    """The rule, or another example: what is refused has its own tests."""
    try:
        return read_rule(text, anchor, UTC)
    except RuleError:
        assume(False)
        raise


def sampled_days(anchor: datetime, zone: str, offsets: list[int]) -> list[date]:
    by_offset = [anchor.date() + timedelta(days=offset) for offset in offsets]
    return [anchor.date(), *by_offset, *map(date.fromisoformat, CHANGES.get(zone, ()))]


def on_day(one: Entry, day: date) -> list[tuple[str, int]]:
    """The real one's occurrences whose nominal lies on a local day."""
    noon = datetime.combine(day, datetime.min.time(), UTC) + timedelta(hours=12)
    found = expand(
        one,
        authority="a",
        audience="s/x",
        from_=noon - timedelta(hours=42),
        to=noon + timedelta(hours=42),
        zones=zones,
    )
    return [(one.ref.nominal, one.start_ms) for one in found if one.date == day.isoformat()]


@settings(max_examples=250)
@given(text=rules(), anchor=ANCHORS, after=st.sampled_from([-40, 0, 0, 100, 365, 1_000]))
def test_every_day_of_a_year_has_the_starts_of_asking_every_second_of_it(
    text: str, anchor: datetime, after: int
) -> None:
    rule = read(text, anchor)
    naive = NaiveRule(text, anchor)
    first = anchor.date() + timedelta(days=after)
    days = [first + timedelta(days=n) for n in range(366)]
    low = datetime.combine(first, datetime.min.time())
    expected = [start for day in days for start in naive.on(day)]
    assert rule.starts(low, low + timedelta(days=366)) == expected


@settings(max_examples=80)
@given(
    text=rules(),
    anchor=ANCHORS,
    zone=st.sampled_from(ZONES),
    offsets=st.lists(st.integers(-400, 1_200), min_size=3, max_size=6),
)
def test_a_sampled_day_plays_at_the_instants_its_wall_clocks_show(
    text: str, anchor: datetime, zone: str, offsets: list[int]
) -> None:
    read(text, anchor)
    one = entry(when=When(start=anchor.isoformat(), rrule=text, tz=zone))
    naive = NaiveRule(text, anchor)
    known = zones(zone)
    assert known is not None
    for day in sampled_days(anchor, zone, offsets):
        expected = sorted(
            (nominal.isoformat(), round(instant_of(nominal, known).timestamp() * 1_000))
            for nominal in naive.on(day)
        )
        assert sorted(on_day(one, day)) == expected, day


@settings(max_examples=150)
@given(
    text=rules(frequencies=("DAILY", "WEEKLY", "HOURLY")),
    anchor=ANCHORS,
    after=st.integers(0, 200),
)
def test_days_weeks_and_hours_are_those_of_dateutil(
    text: str, anchor: datetime, after: int
) -> None:
    """Except BYSETPOS in weeks, where dateutil counts from the start inside the first week."""
    assume(not ("WEEKLY" in text and "BYSETPOS" in text))
    rule = read(text, anchor)
    assume(rule.first()[0] is not None)  # dateutil searches to the year 9999 otherwise
    low = anchor + timedelta(days=after)
    high = low + timedelta(days=40)
    theirs = rrulestr(text, dtstart=anchor)
    ours = rule.starts(low, high)
    expected = []
    for start in theirs:
        if start >= high:
            break
        if start >= low:
            expected.append(start)
    assert ours == expected


@settings(max_examples=150)
@given(
    nominal=st.datetimes(datetime(2016, 1, 1), datetime(2027, 1, 1)),  # noqa: DTZ001
    zone=st.sampled_from(ZONES),
    change=st.none() | st.tuples(st.integers(0, 3), st.integers(-4 * 3600, 4 * 3600)),
)
def test_local_time_becomes_the_instant_a_clock_on_the_wall_would_give(
    nominal: datetime, zone: str, change: tuple[int, int] | None
) -> None:
    if change is not None and zone in CHANGES:
        nominal = datetime.fromisoformat(CHANGES[zone][change[0]]) + timedelta(seconds=change[1])
    nominal = nominal.replace(microsecond=0)
    known = zones(zone)
    assert known is not None
    assert to_utc_ms(nominal, known) == round(instant_of(nominal, known).timestamp() * 1_000)


@settings(max_examples=60)
@given(
    texts=st.lists(rules(), min_size=1, max_size=4),
    anchor=ANCHORS,
    zone=st.sampled_from(ZONES),
    cuts=st.lists(st.integers(0, 40 * 86_400), min_size=1, max_size=3),
    after=st.integers(0, 800),
)
def test_windows_laid_end_to_end_give_the_same_as_one_window(
    texts: list[str], anchor: datetime, zone: str, cuts: list[int], after: int
) -> None:
    when = [When(start=anchor.isoformat(), rrule=text, tz=zone) for text in texts]
    entries = [entry(id=f"e{n}", when=one) for n, one in enumerate(when)]
    expander = Expander(entries, authority="a", audience="s/x", zones=zones)
    begin = anchor.replace(tzinfo=UTC) + timedelta(days=after)
    edges = [begin + timedelta(seconds=cut) for cut in sorted({0, *cuts, 40 * 86_400})]
    whole = expander.between(edges[0], edges[-1])
    parts = [expander.between(low, high) for low, high in pairwise(edges)]
    assert [one for part in parts for one in part] == whole
    assert whole == sorted(whole, key=lambda one: (one.start_ms, one.ref))
    assert len({one.ref for one in whole}) == len(whole)


TOKENS = st.sampled_from(
    "FREQ=DAILY FREQ=YEARLY FREQ=HOURLY FREQ=MINUTELY INTERVAL=10000 INTERVAL=7 COUNT=10000 "
    "UNTIL=21991231 BYDAY=53SU BYDAY=-1FR BYDAY=MO BYMONTHDAY=31 BYMONTHDAY=-31 BYMONTH=2 "
    "BYYEARDAY=366 BYWEEKNO=53 BYSETPOS=366 BYSETPOS=-1 BYHOUR=23 BYMINUTE=59 BYSECOND=59 "
    "WKST=SU FREQ= =1 BYHOUR=-0 DTSTART=1 RRULE:FREQ=MONTHLY".split()
)


@settings(max_examples=300)
@given(
    text=st.lists(TOKENS, max_size=7).map(";".join) | st.text(max_size=60),
    anchor=ANCHORS,
)
def test_any_text_is_a_rule_of_bounded_work_or_the_one_error(text: str, anchor: datetime) -> None:
    try:
        rule = read_rule(text, anchor, UTC)
    except RuleError:
        return
    _, steps = rule.first()
    assert steps <= SEARCH_STEPS_MAX + 2
    assert rule.max_per_day <= PER_DAY_MAX
    far = anchor + timedelta(days=30_000)
    assert len(list(rule.periods(far, far + timedelta(days=14)))) <= 16


@settings(max_examples=200)
@given(
    changes=st.fixed_dictionaries(
        {},
        optional={
            "start": st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\Z"),
            "rrule": st.none() | rules(),
            "dates": st.lists(ANCHORS.map(datetime.isoformat), max_size=3).map(tuple),
            "until": st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z"),
            "tz": st.sampled_from([*ZONES, "Asia/Ha_Noi"]),
        },
    )
)
def test_an_entry_is_refused_or_expands_to_something_within_ten_years(
    changes: dict[str, Any],
) -> None:
    when = When(**{"start": "2026-11-23T05:00:00", **changes})
    one = entry(when=when)
    fault = check_entry(one, zones)
    if fault is not None:
        assert fault.detail
        return
    first = min(when.start, *when.dates) if when.dates else when.start
    low = datetime.fromisoformat(first).replace(tzinfo=UTC) - timedelta(days=2)
    assert expand(
        one,
        authority="a",
        audience="s/x",
        from_=low,
        to=low + timedelta(days=3_700) if not when.dates else datetime(2299, 1, 1, tzinfo=UTC),
        zones=zones,
    )


@pytest.mark.parametrize("year", [2024, 2026])
@pytest.mark.parametrize("zone", ZONES)
def test_a_whole_year_of_a_daily_bulletin_has_every_day_once(zone: str, year: int) -> None:
    one = entry(when=When(start="2023-01-01T02:30:00", rrule="FREQ=DAILY", tz=zone))
    found = expand(
        one,
        authority="a",
        audience="s/x",
        from_=datetime(year, 1, 2, tzinfo=UTC),
        to=datetime(year, 12, 31, tzinfo=UTC),
        zones=zones,
    )
    dates = [date.fromisoformat(occurrence.date) for occurrence in found]
    assert all(later - earlier == timedelta(days=1) for earlier, later in pairwise(dates))
    assert len(dates) >= 362


@pytest.mark.parametrize("week", [1, 2, 51, 52, 53, -1, -2, -51, -52, -53])
@pytest.mark.parametrize("first_weekday", ["MO", "TH", "SU"])
def test_weeks_over_a_new_year_are_those_of_the_naive_reading(
    week: int, first_weekday: str
) -> None:
    text = f"FREQ=YEARLY;BYWEEKNO={week};BYDAY=MO,TU,WE,TH,FR,SA,SU;WKST={first_weekday}"
    anchor = datetime.fromisoformat("2015-01-01T05:00:00")
    rule, naive = read_rule(text, anchor, UTC), NaiveRule(text, anchor)
    for year in range(2015, 2030):
        new_year = date(year, 12, 20)
        days = [new_year + timedelta(days=n) for n in range(25)]
        low = datetime.combine(new_year, datetime.min.time())
        expected = [start for day in days for start in naive.on(day)]
        assert rule.starts(low, low + timedelta(days=25)) == expected


@pytest.mark.parametrize("frequency", ["YEARLY", "HOURLY"])
@pytest.mark.parametrize("number", [1, 59, 60, 365, 366, -1, -307, -365, -366])
def test_days_of_the_year_count_from_both_ends(frequency: str, number: int) -> None:
    text = f"FREQ={frequency};BYYEARDAY={number}"
    anchor = datetime.fromisoformat("2023-01-01T05:00:00")
    rule, naive = read_rule(text, anchor, UTC), NaiveRule(text, anchor)
    days = [anchor.date() + timedelta(days=n) for n in range(800)]
    expected = [start for day in days for start in naive.on(day)]
    assert rule.starts(anchor, anchor.replace(hour=0) + timedelta(days=800)) == expected
