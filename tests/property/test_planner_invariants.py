"""What holds in every plan, whatever the items are."""

from __future__ import annotations

import pytest
from hypothesis import given

from agent.core.items import Item, offer
from agent.core.planner import SILENCE, Decision, foresee
from agent.core.site import Site
from tests.property.planner_cases import SPAN_S, Live, examples, state_at, states, stations

pytestmark = pytest.mark.timeout(0)

Station = tuple[Site, list[Item]]


def choices(site: Site) -> dict[str, list[int]]:
    return {zone.name: [choice.bus for choice in zone.buses] for zone in site.zones}


@examples(150)
@given(stations())
def test_a_zone_hears_what_is_addressed_to_it_on_a_bus_it_can_select(station: Station) -> None:
    site, items = station
    by_key = {item.key: item for item in items}
    plan = foresee(site, items, {}, SILENCE, 0, SPAN_S * 1000)
    for t_ms in plan.changes_ms:
        now = state_at(plan, t_ms)
        for zone, where in now.zones.items():
            assert zone in by_key[where.key].zones
            assert where.bus in choices(site)[zone]
            assert now.buses[where.bus].key == where.key
            assert by_key[where.key].ready
        assert {where.bus for where in now.zones.values()} == set(now.buses), "sound nobody hears"


@examples(150)
@given(stations())
def test_an_item_sounds_between_its_start_and_its_end(station: Station) -> None:
    site, items = station
    by_key = {item.key: item for item in items}
    for span in foresee(site, items, {}, SILENCE, 0, SPAN_S * 1000).buses:
        item = by_key[span.key]
        assert item.start_ms <= span.from_ms < span.to_ms
        assert 0 <= span.from_ms - span.origin_ms < item.play_ms
        assert span.to_ms <= span.origin_ms + item.play_ms


@examples(150)
@given(stations())
def test_a_zone_hears_no_part_of_an_item_twice_unless_it_is_a_warning(station: Station) -> None:
    site, items = station
    by_key = {item.key: item for item in items}
    plan = foresee(site, items, {}, SILENCE, 0, SPAN_S * 1000)
    reached: dict[tuple[str, str], int] = {}
    for t_ms, end_ms in zip(plan.changes_ms, [*plan.changes_ms[1:], plan.until_ms], strict=True):
        now = state_at(plan, t_ms)
        for zone, where in now.zones.items():
            origin_ms = now.buses[where.bus].origin_ms
            if by_key[where.key].resume != "restart":
                assert t_ms - origin_ms >= reached.get((zone, where.key), 0)
            reached[zone, where.key] = end_ms - origin_ms


@examples(150)
@given(stations())
def test_an_item_that_drops_never_comes_back_to_a_zone(station: Station) -> None:
    site, items = station
    dropping = {item.key for item in items if item.resume == "drop"}
    plan = foresee(site, items, {}, SILENCE, 0, SPAN_S * 1000)
    gone: set[tuple[str, str]] = set()
    before = SILENCE
    for t_ms in plan.changes_ms:
        now = state_at(plan, t_ms)
        for zone, where in before.zones.items():
            if now.zones.get(zone) is None or now.zones[zone].key != where.key:
                gone.add((zone, where.key))
        for zone, where in now.zones.items():
            assert where.key not in dropping or (zone, where.key) not in gone
        before = now


@examples(150)
@given(stations())
def test_a_better_class_never_waits_for_a_worse_one(station: Station) -> None:
    """Where it could sound, every bus it could use carries something at least as good."""
    site, items = station
    live = Live(site, items)
    for t_ms in foresee(site, items, {}, SILENCE, 0, SPAN_S * 1000).changes_ms:
        now = live.wake(t_ms)
        for item in items:
            if item.ready and offer(item, live.runs.get(item.key), t_ms) is not None:
                free = [zone for zone in item.zones if item.bar_at(zone, t_ms) is None]
                check_class(site, {one.key: one for one in items}, item, free, now, live)


@examples(150)
@given(stations())
def test_nothing_sounds_in_a_zone_it_is_barred_from(station: Station) -> None:
    site, items = station
    by_key = {item.key: item for item in items}
    plan = foresee(site, items, {}, SILENCE, 0, SPAN_S * 1000)
    for t_ms, now in states(plan):
        for zone, where in now.zones.items():
            assert by_key[where.key].bar_at(zone, t_ms) is None


def check_class(
    site: Site, by_key: dict[str, Item], item: Item, free: list[str], now: Decision, live: Live
) -> None:
    """free: the zones nothing bars it from."""
    run = live.runs.get(item.key)
    for zone in free:
        if zone in now.zones and by_key[now.zones[zone].key].klass <= item.klass:
            continue
        refused = run is not None and zone in run.left and item.resume == "drop"
        missed = run is not None and zone not in run.been and item.late != "join"
        if refused or missed:
            continue
        for bus in choices(site)[zone]:
            assert bus in now.buses, "a bus is silent while it waits"
            assert by_key[now.buses[bus].key].klass <= item.klass, "a worse class is on its bus"
            assert now.buses[bus].key != item.key, "it is on a bus of a zone that hears worse"
