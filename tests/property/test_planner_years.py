"""Timetable and planner together, over sampled nights of whole years and clocks that jump.

The reference asks every second of a day whether an entry starts (naive_schedule), then walks
every second of the night (naive_planner). A step of the wall shifts what has begun with it (D6);
what has not begun is planned again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.contract.documents import EndRule, Entry, LateRule, ToneSource, When, ZoneSelector
from agent.core.items import Item, shifted
from agent.core.planner import Decision, foresee
from agent.core.schedule import Expander
from tests.property.naive_planner import Second, Walk
from tests.property.naive_schedule import DAYS, NaiveRule, instant_of
from tests.property.planner_cases import Live, examples, make_item, make_site, same, state_at
from tests.property.test_planner_naive import read

pytestmark = pytest.mark.timeout(0)

SITE = make_site(((0, 1), (1, 0), (0,)), 2)
RULES = (
    # a rule that comes on the day it is made for, and the days between anchors that keep it so
    ("FREQ=DAILY", 1),
    ("FREQ=DAILY;INTERVAL=3", 3),
    ("FREQ=WEEKLY;BYDAY={day}", 1),
    ("FREQ=WEEKLY;BYDAY=MO,{day},SU;INTERVAL=2", 14),
    ("FREQ=MONTHLY;BYMONTHDAY={number},-1", 1),
    ("FREQ=YEARLY;BYDAY={day}", 1),
)
WINDOW_S = 1_200
NIGHTS = {
    # where the clocks change, and an hour (UTC) around which they do
    "Asia/Ho_Chi_Minh": ("2026-02-16T22:00", "2027-07-01T22:00"),
    "Europe/Berlin": ("2026-03-29T01:00", "2026-10-25T01:00", "2028-02-29T04:00"),
    "America/New_York": ("2026-03-08T07:00", "2026-11-01T06:00"),
    "America/St_Johns": ("2027-03-14T05:30", "2027-11-07T04:30"),
    "Australia/Lord_Howe": ("2026-04-04T15:00", "2026-10-03T15:30"),
    "Africa/Cairo": ("2026-04-23T22:00", "2026-10-29T21:00"),
}


@dataclass(frozen=True)
class Line:
    """One entry as both sides understand it."""

    entry: Entry
    anchor: datetime
    rule: str
    zone: ZoneInfo
    length_s: int
    zones: tuple[str, ...]


# --- both sides ---------------------------------------------------------------------------


def starts(line: Line, first: date, days: int) -> Iterator[tuple[str, int]]:
    """(nominal, epoch seconds) on each of the days from `first`."""
    rule = NaiveRule(line.rule, line.anchor)
    for number in range(days):
        for nominal in rule.on(first + timedelta(days=number)):
            yield nominal.isoformat(), int(instant_of(nominal, line.zone).timestamp())


def item_of(line: Line, nominal: str, start_s: int) -> Item:
    entry = line.entry
    return make_item(
        f"{entry.id}|{nominal}",
        start_s,
        line.length_s,
        line.zones,
        klass=entry.klass,
        late=entry.late.policy,
        grace_s=entry.late.grace_ms // 1000,
        resume=entry.resume,
        end=entry.end.rule,
        within_s=entry.end.within_ms // 1000,
    )


def expected_items(lines: Sequence[Line], at: datetime) -> list[Item]:
    return [
        item_of(line, nominal, start_s)
        for line in lines
        for nominal, start_s in starts(line, at.date() - timedelta(days=4), 9)
    ]


def planned_items(lines: Sequence[Line], at: datetime) -> list[Item]:
    by_id = {line.entry.id: line for line in lines}
    expander = Expander(
        [line.entry for line in lines], authority="a", audience="s:1", zones=ZoneInfo
    )
    assert not expander.refused
    return [
        item_of(by_id[one.entry.id], one.ref.nominal, one.start_ms // 1000)
        for one in expander.between(at - timedelta(days=2), at + timedelta(days=2))
    ]


# --- the cases ------------------------------------------------------------------------------


@st.composite
def lines(draw: st.DrawFn, number: int, zone: ZoneInfo, at: datetime) -> Line:
    """An entry that starts, on the wall, within an hour and a half of `at` or of its double."""
    near = at.astimezone(zone).replace(tzinfo=None, second=0, microsecond=0)
    shift = draw(st.sampled_from((-60, -30, 0, 0, 0, 30, 60))) + draw(st.integers(-6, 8))
    start = near + timedelta(minutes=shift, seconds=draw(st.sampled_from((0, 0, 30))))
    rule, every = draw(st.sampled_from(RULES))
    rule = rule.format(day=DAYS[start.weekday()], number=start.day)
    anchor = start - timedelta(days=every * draw(st.integers(0, 60)))
    names = tuple(z.name for z in SITE.zones)
    zones = draw(st.sets(st.sampled_from(names), min_size=1))
    entry = Entry(
        id=f"e{number}",
        title="tin",
        when=When(start=anchor.isoformat(), tz=zone.key, rrule=rule),
        sources=(ToneSource(),),
        zones=ZoneSelector(names=tuple(sorted(zones))),
        klass=draw(st.sampled_from((1, 2, 3, 3))),
        late=LateRule(
            policy=draw(st.sampled_from(("join", "restart", "skip"))),
            grace_ms=draw(st.integers(0, 300)) * 1000,
        ),
        resume=draw(st.sampled_from(("rejoin", "continue", "drop"))),
        end=EndRule(
            rule=draw(st.sampled_from(("cut", "finish"))), within_ms=draw(st.integers(0, 60)) * 1000
        ),
    )
    length_s = draw(st.integers(20, 400))
    return Line(entry, anchor, rule, zone, length_s, tuple(sorted(zones)))


@st.composite
def nights(draw: st.DrawFn) -> tuple[datetime, list[Line]]:
    """An instant, often near a change of the clocks, and entries around it."""
    name = draw(st.sampled_from(sorted(NIGHTS)))
    if draw(st.booleans()):
        text = draw(st.sampled_from(NIGHTS[name]))
        at = datetime.fromisoformat(text).replace(tzinfo=UTC)
        at += timedelta(minutes=draw(st.sampled_from((-60, -5, -5, -1, 0, 30))))
    else:
        at = datetime(2024, 1, 1, tzinfo=UTC)
        at += timedelta(minutes=draw(st.integers(0, 5 * 366 * 24 * 60)))
    zone = ZoneInfo(name)
    many = draw(st.integers(1, 5))
    return at, [draw(lines(number, zone, at)) for number in range(many)]


steps = st.lists(
    st.tuples(
        st.integers(1, WINDOW_S // 2),
        st.sampled_from((-3600, -600, -90, -3, 3, 45, 600, 3600)) | st.integers(-400, 400),
    ),
    max_size=3,
)
"""(seconds until it, seconds the wall jumps), in order."""


@examples(60)
@given(nights())
def test_the_timetable_of_a_night_gives_the_same_items_as_asking_the_clock(
    night: tuple[datetime, list[Line]],
) -> None:
    at, entries = night
    low, high = ((at + timedelta(days=days)).timestamp() * 1000 for days in (-2, 2))
    expected = {i.key: i for i in expected_items(entries, at) if low <= i.start_ms < high}
    found = {item.key: item for item in planned_items(entries, at)}
    assert found == expected


@examples(40)
@given(nights(), steps)
def test_a_night_with_jumping_clocks_plays_as_a_walk_through_every_second(
    night: tuple[datetime, list[Line]], jumps: list[tuple[int, int]]
) -> None:
    at, entries = night
    walk = Walk(SITE, expected_items(entries, at))
    live = Live(SITE, planned_items(entries, at))
    heard = Heard(live.items)
    wall = int(at.timestamp())
    for lasts, jump in [*jumps, (WINDOW_S // 2, 0)]:
        for t_ms, now in lived(live, wall * 1000, (wall + lasts) * 1000):
            expected = walk.second(t_ms // 1000)
            assert read(now, t_ms) == expected, f"at {t_ms // 1000 - int(at.timestamp())} s"
            heard.note(expected)
        wall += lasts + jump
        step(live, jump * 1000)


def lived(live: Live, from_ms: int, until_ms: int) -> Iterator[tuple[int, Decision]]:
    """What the station does at every second, held equal to what it foresaw."""
    plan = foresee(SITE, live.items, live.runs, live.decision, from_ms, until_ms)
    for t_ms in sorted({*plan.changes_ms, *range(from_ms, until_ms, 1000)}):
        now = live.wake(t_ms)
        assert same(now, state_at(plan, t_ms))
        if t_ms % 1000 == 0:
            yield t_ms, now


def step(live: Live, step_ms: int) -> None:
    """The wall jumps: what has begun goes with it."""
    live.runs = {key: shifted(run, step_ms) for key, run in live.runs.items()}
    live.decision = replace(
        live.decision,
        buses={
            bus: replace(on, origin_ms=on.origin_ms + step_ms, end_ms=on.end_ms + step_ms)
            for bus, on in live.decision.buses.items()
        },
    )


class Heard:
    """No second of an item is heard twice, however the clock jumps."""

    def __init__(self, items: Sequence[Item]) -> None:
        self.reached = {item.key: -1 for item in items}

    def note(self, now: Second) -> None:
        for key, position in set(now.buses.values()):
            assert position > self.reached[key], f"{key} goes back to {position} s"
            self.reached[key] = position
