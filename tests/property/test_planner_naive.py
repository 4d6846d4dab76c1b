"""The planner against a walk through every second, and against itself asked in other ways."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.core.items import Item
from agent.core.planner import SILENCE, Decision, foresee
from agent.core.site import Site
from tests.property.naive_planner import Second, walk
from tests.property.planner_cases import SPAN_S, Live, examples, same, state_at, stations

pytestmark = pytest.mark.timeout(0)
"""Bounded by the number of examples; the exhaustive run takes minutes."""


def read(decision: Decision, t_ms: int) -> Second:
    return Second(
        {zone: (where.key, where.bus) for zone, where in decision.zones.items()},
        {bus: (on.key, (t_ms - on.origin_ms) // 1000) for bus, on in decision.buses.items()},
    )


@examples(400)
@given(stations())
def test_the_plan_is_what_a_walk_through_every_second_finds(
    station: tuple[Site, list[Item]],
) -> None:
    site, items = station
    plan = foresee(site, items, {}, SILENCE, 0, SPAN_S * 1000)
    for second, expected in enumerate(walk(site, items, range(SPAN_S))):
        found = read(state_at(plan, second * 1000), second * 1000)
        assert found == expected, f"at second {second}"


@examples(200)
@given(stations(), st.lists(st.integers(0, SPAN_S * 1000 - 1), max_size=40))
def test_what_is_foreseen_is_what_plays_whenever_the_station_looks(
    station: tuple[Site, list[Item]], looks: list[int]
) -> None:
    site, items = station
    plan = foresee(site, items, {}, SILENCE, 0, SPAN_S * 1000)
    live = Live(site, items)
    for t_ms in sorted({*plan.changes_ms, *looks}):
        assert same(live.wake(t_ms), state_at(plan, t_ms)), f"at {t_ms} ms"


@examples(150)
@given(stations(), st.lists(st.integers(0, SPAN_S * 1000 - 1), max_size=4))
def test_a_plan_made_later_continues_the_earlier_one(
    station: tuple[Site, list[Item]], cuts: list[int]
) -> None:
    site, items = station
    whole = foresee(site, items, {}, SILENCE, 0, SPAN_S * 1000)
    live = Live(site, items)
    for t_ms in sorted({*whole.changes_ms, *cuts}):
        live.wake(t_ms)
        if t_ms not in cuts:
            continue
        rest = foresee(site, items, live.runs, live.decision, t_ms, SPAN_S * 1000)
        for later_ms in range(t_ms, SPAN_S * 1000, 500):
            assert same(state_at(rest, later_ms), state_at(whole, later_ms)), f"{later_ms} ms"


@examples(100)
@given(stations())
def test_nothing_changes_between_two_changes(station: tuple[Site, list[Item]]) -> None:
    site, items = station
    plan = foresee(site, items, {}, SILENCE, 0, SPAN_S * 1000)
    live = Live(site, items)
    for t_ms, next_ms in zip(plan.changes_ms, [*plan.changes_ms[1:], plan.until_ms], strict=True):
        first = live.wake(t_ms)
        for between_ms in {t_ms, t_ms + 1, (t_ms + next_ms) // 2, next_ms - 1}:
            if t_ms <= between_ms < next_ms:
                assert same(live.wake(between_ms), first), f"{t_ms} ms, again at {between_ms} ms"
