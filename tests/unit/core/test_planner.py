"""What every zone hears, told as short mornings. Times in seconds, zones a, b, c.

A morning is written as `key:from-to` per zone, and as `key@bus` where the bus matters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import pytest

from agent.contract.reasons import OccurrenceReason
from agent.core import planner
from agent.core.items import Item, Run, shifted
from agent.core.planner import (
    SILENCE,
    BusSpan,
    Decision,
    InZone,
    OnBus,
    Plan,
    decide,
    follow,
    foresee,
)
from agent.core.site import Amplifier, BusChoice, Site, Zone
from tests.property.planner_cases import Live, make_item

Resume = Literal["rejoin", "continue", "drop", "restart"]
ALL = ("a", "b", "c")


def site(buses: int = 1, **choices: tuple[int, ...]) -> Site:
    """Zones a, b and c, each with every bus unless said otherwise."""
    zones = tuple(
        Zone(
            name,
            "main",
            index,
            "amp",
            tuple(BusChoice(bus, bus) for bus in choices.get(name, range(buses))),
        )
        for index, name in enumerate(ALL)
    )
    return Site("s", "S", "Asia/Ho_Chi_Minh", zones, (Amplifier("amp", "main"),), buses)


ONE = site()
TWO = site(2)


def item(key: str, start_s: int, length_s: int, zones: Sequence[str] = ("a",), **more: Any) -> Item:
    return make_item(key, start_s, length_s, zones, **more)


def plan(place: Site, items: Sequence[Item], until_s: int = 1_000, from_s: int = 0) -> Plan:
    return foresee(place, items, {}, SILENCE, from_s * 1000, until_s * 1000)


def heard(found: Plan, zone: str = "a") -> str:
    """`key:from-to` in seconds; stretches that only change bus are one."""
    spans: list[list[Any]] = []
    for span in found.zones:
        if span.zone != zone:
            continue
        if spans and spans[-1][0] == span.key and spans[-1][2] == span.from_ms:
            spans[-1][2] = span.to_ms
        else:
            spans.append([span.key, span.from_ms, span.to_ms])
    return " ".join(f"{key}:{from_ms // 1000}-{to_ms // 1000}" for key, from_ms, to_ms in spans)


def carried(found: Plan, bus: int = 0) -> str:
    """`key:from-to+position`, the position only where it does not begin at 0."""
    spans = [
        (f"{span.key}:{span.from_ms // 1000}-{span.to_ms // 1000}", span.from_ms - span.origin_ms)
        for span in found.buses
        if span.bus == bus
    ]
    return " ".join(text if not at_ms else f"{text}+{at_ms // 1000}" for text, at_ms in spans)


# --- one after the other -------------------------------------------------------------------


def test_items_play_at_their_start_to_their_end() -> None:
    found = plan(ONE, [item("tin", 100, 60), item("nhac", 300, 30)])
    assert heard(found) == "tin:100-160 nhac:300-330"
    assert carried(found) == heard(found)
    assert found.until_ms == 1_000_000


def test_an_empty_timetable_is_silence() -> None:
    found = plan(ONE, [])
    assert not found.zones
    assert not found.buses
    assert found.changes_ms == [0]


def test_only_addressed_zones_hear_an_item() -> None:
    found = plan(ONE, [item("tin", 0, 60, ("a", "c"))])
    assert (heard(found, "a"), heard(found, "b"), heard(found, "c")) == ("tin:0-60", "", "tin:0-60")


def test_an_item_that_addresses_no_zone_here_is_not_carried() -> None:
    assert not plan(ONE, [item("tin", 0, 60, ())]).buses


def test_back_to_back_items_follow_without_a_gap() -> None:
    found = plan(ONE, [item("tin", 0, 60), item("nhac", 60, 60)])
    assert heard(found) == "tin:0-60 nhac:60-120"


def test_an_item_without_length_does_not_block_the_plan() -> None:
    found = plan(ONE, [item("rong", 0, 0), item("tin", 0, 60), item("sau", 90, 10)])
    assert heard(found) == "tin:0-60 sau:90-100"


# --- late × resume × end, behind a warning -------------------------------------------------

WARNING = item("bao", 100, 30, ALL, klass=1)

AROUND_A_WARNING: list[tuple[str, Item, str]] = [
    ("begun before, comes back where it would be", item("x", 50, 100),
     "x:50-100 bao:100-130 x:130-150+80"),
    ("begun before, continues where it stopped", item("x", 50, 100, resume="continue"),
     "x:50-100 bao:100-130 x:130-180+50"),
    ("begun before, drops", item("x", 50, 100, resume="drop"), "x:50-100 bao:100-130"),
    ("begun before, starts again", item("x", 50, 100, resume="restart"),
     "x:50-100 bao:100-130 x:130-230"),
    ("its time ran out meanwhile", item("x", 50, 70), "x:50-100 bao:100-130"),
    ("less than a second would be left", replace(item("x", 50, 80), play_ms=80_999),
     "x:50-100 bao:100-130"),
    ("exactly a second is left", item("x", 50, 81), "x:50-100 bao:100-130 x:130-131+80"),
    ("cut to its slot, also when it continues",
     item("x", 50, 100, slot_s=60, resume="continue"), "x:50-100 bao:100-130 x:130-140+50"),
    ("finishing past its slot, also when it continues",
     item("x", 50, 100, slot_s=60, end="finish", within_s=15, resume="continue"),
     "x:50-100 bao:100-130 x:130-155+50"),
    ("ended as the warning began", item("x", 50, 50, resume="restart"), "x:50-100 bao:100-130"),
    ("starts during it, joins", item("x", 110, 60), "bao:100-130 x:130-170+20"),
    ("starts during it, skips", item("x", 110, 60, late="skip"), "bao:100-130"),
    ("starts two seconds before its end, skips no more than that",
     item("x", 128, 60, late="skip"), "bao:100-130 x:130-188+2"),
    ("starts during it, waits", item("x", 110, 60, late="restart", grace_s=20),
     "bao:100-130 x:130-190"),
    ("starts during it, waits too long", item("x", 110, 60, late="restart", grace_s=19),
     "bao:100-130"),
    ("joining would leave nothing", item("x", 110, 20), "bao:100-130"),
    ("joins late and keeps to its slot", item("x", 110, 100, slot_s=60),
     "bao:100-130 x:130-170+20"),
    ("waits and keeps the length of its slot",
     item("x", 110, 100, slot_s=60, late="restart", grace_s=60), "bao:100-130 x:130-190"),
    ("live without an end keeps to its slot", item("x", 50, 100, known=False),
     "x:50-100 bao:100-130 x:130-150+80"),
    ("finishing does not hold off a better class",
     item("x", 50, 100, end="finish", within_s=60), "x:50-100 bao:100-130 x:130-150+80"),
]  # fmt: skip


@pytest.mark.parametrize(("why", "one", "expected"), AROUND_A_WARNING)
def test_a_warning_comes_in_between(why: str, one: Item, expected: str) -> None:
    assert carried(plan(ONE, [one, WARNING])) == expected, why


def test_an_interrupted_item_waits_two_hours_past_its_end_to_continue() -> None:
    one = item("x", 0, 100, resume="continue")
    for length_s, expected in ((100 + 7_200 - 50, True), (100 + 7_200 - 49, False)):
        found = plan(ONE, [one, item("bao", 50, length_s, klass=1)], 20_000)
        assert carried(found).endswith("+50") is expected


def test_a_warning_that_was_cut_by_another_starts_again() -> None:
    first = item("w1", 0, 40, ALL, klass=1, late="restart", grace_s=600, resume="restart")
    second = item("w2", 10, 20, ALL, klass=1, rank=-1, resume="restart")
    assert carried(plan(ONE, [first, second])) == "w1:0-10 w2:10-30 w1:30-70"


def test_equal_warnings_that_may_finish_follow_each_other() -> None:
    rules: dict[str, Any] = {
        "klass": 1, "late": "restart", "grace_s": 600, "resume": "restart",
        "end": "finish", "within_s": 600,
    }  # fmt: skip
    items = [item("w1", 0, 40, ALL, **rules), item("w2", 10, 20, ALL, **rules)]
    assert carried(plan(ONE, items)) == "w1:0-40 w2:40-60"


# --- ties ----------------------------------------------------------------------------------

LONG = item("dai", 0, 100)

COLLISIONS: list[tuple[str, list[Item], str]] = [
    ("the later start wins and the earlier comes back", [LONG, item("sau", 50, 20)],
     "dai:0-50 sau:50-70 dai:70-100+70"),
    ("unless the earlier may finish",
     [item("dai", 0, 100, end="finish", within_s=60), item("sau", 50, 60)],
     "dai:0-100 sau:100-110+50"),
    ("within its time to finish",
     [item("dai", 0, 100, end="finish", within_s=10, resume="drop"), item("sau", 50, 60)],
     "dai:0-60 sau:60-110+10"),
    ("a slot may be overrun to finish, the next one joins",
     [item("dai", 0, 100, slot_s=90, end="finish", within_s=30), item("sau", 90, 30)],
     "dai:0-100 sau:100-120+10"),
    ("or waits its turn",
     [item("dai", 0, 100, slot_s=90, end="finish", within_s=30),
      item("sau", 90, 30, late="restart", grace_s=30)], "dai:0-100 sau:100-130"),
    ("a chain of later starts does not prolong the first",
     [item("dai", 0, 100, end="finish", within_s=20, resume="drop"), item("s1", 40, 60),
      item("s2", 55, 10)], "dai:0-60 s2:60-65+5 s1:65-100+25"),
    ("same start: the lower id", [item("b", 0, 30), item("a", 0, 20)], "a:0-20 b:20-30+20"),
    ("the better rank is not cut by a later start", [item("dai", 0, 100, rank=0),
     item("sau", 50, 20, rank=1)], "dai:0-100"),
    ("a better rank cuts", [item("dai", 0, 100, rank=1), item("sau", 50, 20)],
     "dai:0-50 sau:50-70 dai:70-100+70"),
    ("the commune's order decides between equals", [item("dai", 0, 100, order=-1),
     item("sau", 50, 60)], "dai:0-100 sau:100-110+50"),
    ("priority cuts normal", [LONG, item("ut", 50, 20, klass=2)],
     "dai:0-50 ut:50-70 dai:70-100+70"),
    ("normal does not cut priority", [item("ut", 0, 100, klass=2), item("sau", 50, 60)],
     "ut:0-100 sau:100-110+50"),
]  # fmt: skip


@pytest.mark.parametrize(("why", "items", "expected"), COLLISIONS)
def test_two_items_want_the_same_minute(why: str, items: list[Item], expected: str) -> None:
    assert carried(plan(ONE, items)) == expected, why
    assert carried(plan(ONE, items[::-1])) == expected, "the order of the list means nothing"


# --- zones and buses -----------------------------------------------------------------------


def test_on_one_bus_the_zones_of_the_lesser_item_are_bus_busy() -> None:
    items = [item("x", 0, 100, ("a",)), item("y", 50, 20, ("b",), klass=2)]
    found = plan(ONE, items)
    assert heard(found, "a") == "x:0-50 x:70-100"
    assert heard(found, "b") == "y:50-70"
    busy = [
        (span.blocked.key, span.blocked.zone, span.blocked.by, span.from_ms, span.to_ms)
        for span in found.blocked
        if span.blocked.reason is OccurrenceReason.BUS_BUSY
    ]
    assert busy == [("x", "a", "y", 50_000, 70_000)]


def test_on_two_buses_both_play() -> None:
    items = [item("x", 0, 100, ("a",)), item("y", 50, 20, ("b",), klass=2)]
    found = plan(TWO, items)
    assert (heard(found, "a"), heard(found, "b")) == ("x:0-100", "y:50-70")
    assert (carried(found, 0), carried(found, 1)) == ("x:0-100", "y:50-70")


def test_a_notice_in_one_hamlet_leaves_the_programme_to_the_others_on_two_buses() -> None:
    items = [item("x", 0, 100, ALL), item("y", 50, 20, ("b",), klass=2)]
    found = plan(TWO, items)
    assert (heard(found, "a"), heard(found, "c")) == ("x:0-100", "x:0-100")
    assert heard(found, "b") == "x:0-50 y:50-70 x:70-100"
    assert carried(found, 0) == "x:0-100"


def test_a_notice_in_one_hamlet_mutes_the_others_on_one_bus() -> None:
    items = [item("x", 0, 100, ALL), item("y", 50, 20, ("b",), klass=2)]
    found = plan(ONE, items)
    assert heard(found, "a") == "x:0-50 x:70-100"
    assert heard(found, "b") == "x:0-50 y:50-70 x:70-100"


def test_an_item_for_zones_on_disjoint_buses_plays_on_both_in_step() -> None:
    found = plan(site(2, a=(0,), b=(1,)), [item("x", 0, 100, ("a", "b"))])
    assert carried(found, 0) == carried(found, 1) == "x:0-100"


def test_what_plays_moves_to_another_bus_for_something_better_and_keeps_its_place() -> None:
    place = site(2, a=(0, 1), b=(0,))
    found = plan(place, [item("x", 0, 100, ("a",)), item("y", 50, 20, ("b",), klass=2)])
    assert heard(found, "a") == "x:0-100"
    assert (carried(found, 0), carried(found, 1)) == ("x:0-50 y:50-70", "x:50-100+50")


def test_what_moved_stays_where_it_is_afterwards() -> None:
    place = site(2, a=(0, 1), b=(0,))
    items = [item("x", 0, 100, ("a",)), item("y", 50, 20, ("b",), klass=2)]
    assert "x:50-100+50" in carried(plan(place, items), 1)


def test_a_better_item_is_served_in_as_many_zones_as_can_be() -> None:
    place = site(2, a=(0,), b=(1,), c=(0, 1))
    found = plan(place, [item("x", 0, 50, ("a", "b"), klass=2), item("y", 0, 50, ("c",))])
    assert (heard(found, "a"), heard(found, "b"), heard(found, "c")) == ("x:0-50", "x:0-50", "")


def test_an_item_that_finishes_keeps_its_bus_against_an_equal_for_other_zones() -> None:
    items = [
        item("x", 0, 60, ("a",), end="finish", within_s=30),
        item("y", 40, 60, ("a", "b")),
    ]
    found = plan(ONE, items)
    assert (heard(found, "a"), heard(found, "b")) == ("x:0-60 y:60-100", "y:60-100")


def test_on_two_buses_the_equal_begins_in_the_zone_that_is_free() -> None:
    items = [
        item("x", 0, 60, ("a",), end="finish", within_s=30),
        item("y", 40, 60, ("a", "b")),
    ]
    found = plan(TWO, items)
    assert (heard(found, "a"), heard(found, "b")) == ("x:0-60 y:60-100", "y:40-100")


def test_an_unrelated_equal_in_another_zone_does_not_use_up_the_time_to_finish() -> None:
    items = [
        item("tin", 0, 110, ("a",), slot_s=100, end="finish", within_s=20),
        item("xa", 30, 200, ("b",)),
        item("sau", 100, 60, ("a",)),
    ]
    assert heard(plan(TWO, items), "a") == "tin:0-110 sau:110-160"


def test_no_zone_is_silent_while_something_for_it_is_on_its_bus() -> None:
    """x holds off y where it sounds; y is cut off the only bus and b hears x instead."""
    place = site(1)
    before = Decision({0: OnBus("x", 0, 60_000)}, {"a": InZone("x", 0)})
    runs = {"x": Run(0, been=frozenset("a"))}
    items = [
        item("x", 0, 60, ("a", "b"), end="finish", within_s=30),
        item("y", 40, 60, ("a", "b")),
    ]
    found = decide(place, items, runs, before, 40_000)
    assert found.zones == {"a": InZone("x", 0), "b": InZone("x", 0)}


def test_zones_that_hear_an_item_keep_it_rather_than_others_gain_it() -> None:
    """From 50 on one bus is left for x: it stays with a, which hears it, and not with b."""
    items = [
        item("x", 0, 100, ("a", "b")),
        item("w", 0, 50, ("b",), klass=1),
        item("y", 50, 50, ("c",), klass=2),
    ]
    found = plan(site(2, a=(0,), b=(1,), c=(0, 1)), items)
    assert (heard(found, "a"), heard(found, "b")) == ("x:0-100", "w:0-50")
    assert heard(found, "c") == "y:50-100"


def test_a_bus_that_nobody_hears_any_more_is_silent() -> None:
    before = Decision(
        {0: OnBus("x", 0, 60_000), 1: OnBus("x", 0, 60_000)},
        {"a": InZone("x", 0), "b": InZone("x", 1)},
    )
    runs = {"x": Run(0, been=frozenset("ab"))}
    items = [item("x", 0, 60, ("a", "b")), item("y", 40, 60, ("b",))]
    found = decide(site(3, a=(0, 1), b=(2, 1)), items, runs, before, 40_000)
    assert found.zones == {"a": InZone("x", 0), "b": InZone("y", 2)}
    assert set(found.buses) == {0, 2}


# --- zones that join and leave -------------------------------------------------------------


@pytest.mark.parametrize(
    ("late", "resume", "expected"),
    [
        ("join", "rejoin", "y:40-70 x:70-100"),
        ("join", "drop", "y:40-70 x:70-100"),
        ("skip", "rejoin", "y:40-70"),
        ("restart", "rejoin", "y:40-70"),
    ],
)
def test_a_zone_that_was_busy_at_the_start_joins_only_by_the_late_policy(
    late: Literal["join", "restart", "skip"], resume: Resume, expected: str
) -> None:
    items = [
        item("x", 50, 50, ("a", "b"), late=late, resume=resume, grace_s=40),
        item("y", 40, 30, ("b",), klass=2),
    ]
    found = plan(TWO, items)
    assert heard(found, "b") == expected
    assert heard(found, "a") == "x:50-100"


def test_a_zone_that_comes_in_the_first_two_seconds_stays_to_the_end() -> None:
    items = [
        item("x", 50, 50, ("a", "b"), late="skip"),
        item("y", 40, 11, ("b",), klass=2),
    ]
    assert heard(plan(TWO, items), "b") == "y:40-51 x:51-100"


def test_a_zone_waits_for_an_item_it_may_not_join_late_for_two_seconds_only() -> None:
    items = [
        item("x", 50, 50, ("a", "b"), late="skip"),
        item("y", 40, 30, ("b",), klass=2),
    ]
    spans = [(s.blocked.key, s.from_ms, s.to_ms) for s in plan(TWO, items).blocked]
    assert spans == [("x", 50_000, 52_001)]


@pytest.mark.parametrize(
    ("resume", "expected"),
    [
        ("rejoin", "x:0-40 y:40-60 x:60-100"),
        ("continue", "x:0-40 y:40-60 x:60-100"),
        ("drop", "x:0-40 y:40-60"),
        ("restart", "x:0-40 y:40-60 x:60-100"),
    ],
)
def test_a_zone_that_was_taken_away_comes_back_at_the_others_position_unless_it_drops(
    resume: Resume, expected: str
) -> None:
    items = [
        item("x", 0, 100, ("a", "b"), resume=resume, late="skip"),
        item("y", 40, 20, ("b",), klass=2),
    ]
    found = plan(TWO, items)
    assert heard(found, "b") == expected
    assert heard(found, "a") == "x:0-100"
    assert carried(found, 0) == "x:0-100"


def test_drop_is_per_zone_and_also_holds_when_the_rest_was_interrupted_too() -> None:
    items = [
        item("x", 0, 100, ("a", "b"), resume="drop"),
        item("y", 40, 20, ("b",), klass=2),
        item("z", 70, 10, ("a",), klass=1),
    ]
    found = plan(TWO, items)
    assert heard(found, "a") == "x:0-70 z:70-80"
    assert heard(found, "b") == "x:0-40 y:40-60"


def test_an_item_continues_from_where_the_last_zone_lost_it() -> None:
    items = [
        item("x", 0, 100, ("a", "b"), resume="continue"),
        item("y", 40, 40, ("b",), klass=2),
        item("z", 60, 40, ("a", "c"), klass=1),
    ]
    found = plan(TWO, items)
    assert heard(found, "a") == "x:0-60 z:60-100 x:100-120"
    assert heard(found, "b") == "x:0-40 y:40-80 x:80-120"
    assert carried(found, 0).endswith("x:80-120+60") or carried(found, 1).endswith("x:80-120+60")


def test_a_zone_that_is_free_first_takes_the_item_back_for_all() -> None:
    items = [
        item("x", 0, 100, ("a", "b")),
        item("w", 40, 20, ("a", "b"), klass=1),
        item("y", 50, 30, ("b",), klass=2),
    ]
    found = plan(TWO, items)
    assert heard(found, "a") == "x:0-40 w:40-60 x:60-100"
    assert heard(found, "b") == "x:0-40 w:40-60 y:60-80 x:80-100"


# --- items that are not ready, or held -----------------------------------------------------


def test_an_item_without_its_file_leaves_the_minute_to_the_next_one() -> None:
    missing = replace(
        item("x", 0, 60, klass=2, ready=False), problem=OccurrenceReason.CONTENT_NOT_FETCHED
    )
    found = plan(ONE, [missing, item("y", 0, 60)])
    assert heard(found) == "y:0-60"
    reasons = {(span.blocked.key, span.blocked.reason) for span in found.blocked}
    assert reasons == {("x", OccurrenceReason.CONTENT_NOT_FETCHED)}


@pytest.mark.parametrize(
    ("late", "expected_position"), [("join", 30), ("restart", 0), ("skip", None)]
)
def test_a_file_that_arrives_in_the_middle_is_played_by_the_late_policy(
    late: Literal["join", "restart", "skip"], expected_position: int | None
) -> None:
    missing = item("x", 0, 60, late=late, grace_s=40, ready=False)
    assert not decide(ONE, [missing], {}, SILENCE, 29_000).buses
    found = decide(ONE, [replace(missing, ready=True)], {}, SILENCE, 30_000)
    positions = [30 - on.origin_ms // 1000 for on in found.buses.values()]
    assert positions == ([] if expected_position is None else [expected_position])


def test_an_item_that_is_held_says_so_until_it_is_released() -> None:
    held = replace(item("x", 0, 60, ready=False), problem=OccurrenceReason.HELD)
    found = decide(ONE, [held], {}, SILENCE, 10_000)
    assert [(one.key, one.zone, one.reason) for one in found.blocked] == [
        ("x", "a", OccurrenceReason.HELD)
    ]
    released = decide(ONE, [replace(held, ready=True, problem=None)], {}, found, 20_000)
    assert released.zones == {"a": InZone("x", 0)}


def test_holding_what_is_on_air_stops_it_and_releasing_follows_its_resume_policy() -> None:
    live = Live(ONE, [item("x", 0, 60, resume="continue")])
    live.wake(0)
    free = live.items
    live.items = [replace(free[0], ready=False, problem=OccurrenceReason.HELD)]
    assert not live.wake(10_000).zones
    live.items = free
    assert live.wake(30_000).buses == {0: OnBus("x", 20_000, 80_000)}


def test_why_nothing_is_heard_is_told_only_while_it_could_have_been() -> None:
    missing = replace(
        item("x", 10, 60, late="skip", ready=False), problem=OccurrenceReason.CONTENT_NOT_FETCHED
    )
    found = plan(ONE, [missing])
    assert [(span.from_ms, span.to_ms) for span in found.blocked] == [(10_000, 12_001)]


def test_who_pre_empts_is_named() -> None:
    found = plan(ONE, [item("x", 0, 100), item("y", 50, 20, klass=2)])
    told = [(s.blocked.key, s.blocked.reason, s.blocked.by, s.from_ms, s.to_ms)
            for s in found.blocked]  # fmt: skip
    assert told == [("x", OccurrenceReason.PREEMPTED, "y", 50_000, 70_000)]


# --- following -----------------------------------------------------------------------------


def test_an_item_removed_while_on_air_ends_at_once() -> None:
    live = Live(ONE, [item("x", 0, 60)])
    live.wake(0)
    live.items = []
    assert live.wake(20_000) == SILENCE
    assert live.runs["x"] == Run(
        0, on=False, stopped_ms=20_000, been=frozenset("a"), left=frozenset("a")
    )


def test_an_item_that_reached_its_end_is_done_and_one_that_was_cut_is_not() -> None:
    live = Live(ONE, [item("x", 0, 60), item("y", 30, 10)])
    for t_ms in (0, 30_000, 40_000):
        live.wake(t_ms)
        assert not any(run.done for key, run in live.runs.items() if key == "x")
    live.wake(60_003)
    assert live.runs["x"].done
    assert live.runs["y"].done


def test_a_zone_that_came_back_is_not_counted_as_left() -> None:
    live = Live(TWO, [item("x", 0, 60, ("a", "b")), item("y", 20, 10, ("b",))])
    for t_ms, left in ((0, ""), (20_000, "b"), (30_000, "")):
        live.wake(t_ms)
        assert live.runs["x"].left == frozenset(left)
        assert live.runs["x"].been == frozenset("ab")


def test_following_leaves_its_arguments_alone() -> None:
    runs: dict[str, Run] = {}
    after = decide(ONE, [item("x", 0, 60)], runs, SILENCE, 0)
    assert follow(runs, SILENCE, after, 0) == {"x": Run(0, been=frozenset("a"))}
    assert runs == {}


# --- the clock -----------------------------------------------------------------------------


def test_what_is_on_air_goes_on_when_the_clock_goes_back_behind_its_start() -> None:
    one = item("x", 3_600, 600)
    step_ms = -1_800_000
    runs = {"x": shifted(Run(3_600_000, been=frozenset("a")), step_ms)}
    on = OnBus("x", 1_800_000, 2_400_000)
    before = Decision({0: on}, {"a": InZone("x", 0)})
    found = foresee(ONE, [one], runs, before, 2_100_000, 9_000_000)
    assert found.buses == [BusSpan(0, "x", 1_800_000, 2_100_000, 2_400_000)]


def test_what_was_jumped_over_is_late() -> None:
    items = [
        item("join", 100, 600, late="join"),
        item("skip", 100, 600, ("b",), late="skip"),
        item("wait", 100, 600, ("c",), late="restart", grace_s=300),
    ]
    place = site(3)
    found = foresee(place, items, {}, SILENCE, 400_000, 2_000_000)
    assert heard(found, "a") == "join:400-700"
    assert heard(found, "b") == ""
    assert heard(found, "c") == "wait:400-1000"


# --- bounds --------------------------------------------------------------------------------


def test_a_plan_with_too_many_changes_says_how_far_it_goes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(planner, "STEPS_MAX", 10)
    found = plan(ONE, [item(f"x{n:03}", 10 * n, 5) for n in range(100)])
    assert found.until_ms < 1_000_000
    assert max(span.to_ms for span in found.buses) <= found.until_ms
    whole = [span for span in found.buses if span.to_ms < found.until_ms]
    assert [span.key for span in whole] == [f"x{n:03}" for n in range(len(whole))]


def test_a_plan_of_no_length_is_empty_but_asked_for_now() -> None:
    found = foresee(ONE, [item("x", 0, 60)], {}, SILENCE, 30_000, 30_000)
    assert found.changes_ms == [30_000]
    assert all(span.from_ms == span.to_ms for span in found.zones)
