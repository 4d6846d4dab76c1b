"""Who wins, who is held off, and which bus carries whom."""

from __future__ import annotations

from typing import Any

import pytest

from agent.core.arbitration import assign_buses, pick_bus, place_of, precedence
from agent.core.items import Item
from tests.property.planner_cases import make_item


def item(key: str, start_s: int = 0, **more: Any) -> Item:
    return make_item(key, start_s, 60, ("a",), **more)


# --- precedence ----------------------------------------------------------------------------

BETTER: list[tuple[str, Item, Item]] = [
    ("the lower class, whatever the rest says", item("z", klass=1, rank=9, order=9), item("a", 9)),
    ("the lower class, whatever the commune ordered", item("z", klass=2), item("a", decided=-9)),
    ("what the commune ordered, whatever the ranks", item("z", rank=9, decided=-1), item("a", 9)),
    ("of emergencies the higher ranked, whatever anybody ordered",
     item("z", klass=1, rank=0, decided=9), item("a", 9, klass=1, rank=1, decided=-9)),
    ("the higher ranked authority", item("z", rank=0, order=9), item("a", 9, rank=1)),
    ("what its sender put first", item("z", order=-1), item("a", 9, order=0)),
    ("the later start", item("z", 10), item("a", 9)),
    ("the lower id as a last resort", item("a"), item("b")),
]  # fmt: skip


@pytest.mark.parametrize(("why", "better", "worse"), BETTER)
def test_what_goes_first(why: str, better: Item, worse: Item) -> None:
    assert sorted([worse, better], key=precedence) == [better, worse], why


# --- finishing -----------------------------------------------------------------------------

FIRST = item("first", 0, end="finish", within_s=20)


@pytest.mark.parametrize(
    ("why", "mine", "others", "t_s", "place"),
    [
        ("held off while it may finish", FIRST, [item("later", 30)], 30, 0),
        ("still", FIRST, [item("later", 30)], 49, 0),
        ("gives way when its time to finish is used up", FIRST, [item("later", 30)], 50, 1),
        ("an equal start with a lower id waits too", FIRST, [item("a", 0)], 10, 0),
        ("a better class does not wait", FIRST, [item("p", 30, klass=2)], 30, 1),
        ("a better rank does not wait", item("f", rank=1, end="finish", within_s=20),
         [item("p", 30)], 30, 1),
        ("a better local order does not wait", FIRST, [item("p", 30, order=-1)], 30, 1),
        ("what the commune put first does not wait", FIRST, [item("p", 30, decided=-1)], 30, 1),
        ("cut does not hold", item("c", within_s=20), [item("later", 30)], 30, 1),
        ("fade does not hold", item("c", end="fade", within_s=20), [item("later", 30)], 30, 1),
        ("sound without a known end has nothing to finish",
         item("live", known=False, end="finish", within_s=20), [item("later", 30)], 30, 1),
        ("all it holds off", FIRST, [item("l2", 40), item("l1", 30)], 45, 0),
        ("a chain of later starts does not prolong it",
         FIRST, [item("l2", 45), item("l1", 30)], 55, 2),
        ("equals are held off behind a better one",
         FIRST, [item("p", 20, klass=2), item("later", 30)], 35, 1),
    ],
)  # fmt: skip
def test_where_an_item_that_sounds_goes_among_better_ones(
    why: str, mine: Item, others: list[Item], t_s: int, place: int
) -> None:
    assert place_of(mine, True, others, t_s * 1000) == place, why


def test_an_item_that_does_not_sound_holds_nobody_off() -> None:
    assert place_of(FIRST, False, [item("later", 30)], 30_000) == 1


# --- buses ---------------------------------------------------------------------------------

Demands = list[tuple[str, list[str]]]
ONE = {"a": (0,), "b": (0,), "c": (0,)}
BOTH = {"a": (0, 1), "b": (0, 1), "c": (1, 0)}
SPLIT = {"a": (0,), "b": (1,), "c": (0, 1)}


@pytest.mark.parametrize(
    ("why", "demands", "choices", "buses", "current", "expected"),
    [
        ("one bus carries the best demand", [("x", ["a"]), ("y", ["b", "c"])], ONE, 1, {},
         {0: "x"}),
        ("nobody wants anything", [], BOTH, 2, {}, {}),
        ("two programmes on two buses", [("x", ["a"]), ("y", ["b"])], BOTH, 2, {},
         {0: "x", 1: "y"}),
        ("a zone's first choice", [("x", ["c"])], BOTH, 2, {}, {1: "x"}),
        ("the best demand may take the other's favourite", [("x", ["a"]), ("y", ["c"])],
         {"a": (1,), "c": (1, 0)}, 2, {}, {0: "y", 1: "x"}),
        ("zones on disjoint buses: the item plays on both", [("x", ["a", "b"])], SPLIT, 2, {},
         {0: "x", 1: "x"}),
        ("and the next demand finds none", [("x", ["a", "b"]), ("y", ["c"])], SPLIT, 2, {},
         {0: "x", 1: "x"}),
        ("one bus is enough where all zones reach it", [("x", ["a", "c"]), ("y", ["b"])], SPLIT,
         2, {}, {0: "x", 1: "y"}),
        ("what plays stays on its bus", [("x", ["a"])], BOTH, 2, {1: "x"}, {1: "x"}),
        ("unless a better demand needs that bus", [("x", ["a"]), ("y", ["c"])],
         {"a": (1,), "c": (1, 0)}, 2, {1: "y"}, {0: "y", 1: "x"}),
        ("staying counts more than using few buses", [("x", ["a", "c"])], BOTH, 2,
         {0: "x", 1: "x"}, {0: "x", 1: "x"}),
        ("a bus none of its zones can select is not kept", [("x", ["a"]), ("y", ["b"])],
         {"a": (0,), "b": (1, 2)}, 3, {0: "x", 1: "x"}, {0: "x", 1: "y"}),
        ("zones pull both ways: the low bus", [("x", ["a", "c"])], BOTH, 2, {}, {0: "x"}),
        ("many demands for one bus do not hide one for the other",
         [*((f"d{n}", ["a"]) for n in range(12)), ("y", ["b"])], SPLIT, 2, {},
         {0: "d0", 1: "y"}),
        ("the zones that hear it come first, the others in their turn",
         [("x", ["a"]), ("y", ["c"]), ("x", ["b"])], SPLIT, 2, {0: "x"}, {0: "x", 1: "y"}),
        ("its second demand is served by the bus it has",
         [("x", ["a"]), ("x", ["c"]), ("y", ["b"])], SPLIT, 2, {}, {0: "x", 1: "y"}),
        ("four buses, four programmes",
         [(key, [key]) for key in "abcd"], dict.fromkeys("abcd", (3, 2, 1, 0)), 4, {2: "a"},
         {0: "b", 1: "c", 2: "a", 3: "d"}),
        ("a bus the station does not have is not given", [("x", ["a"]), ("y", ["b"])],
         {"a": (5,), "b": (5, 0)}, 2, {}, {0: "y"}),
    ],
)  # fmt: skip
def test_which_bus_carries_whom(
    why: str,
    demands: Demands,
    choices: dict[str, tuple[int, ...]],
    buses: int,
    current: dict[int, str],
    expected: dict[int, str],
) -> None:
    assert assign_buses(demands, choices, buses, current) == expected, why


@pytest.mark.parametrize(
    ("choices", "carried", "current", "expected"),
    [
        ((1, 0), {0: "x", 1: "x"}, None, 1),
        ((1, 0), {0: "x", 1: "x"}, 0, 0),
        ((1, 0), {0: "x"}, 1, 0),
        ((1,), {0: "x"}, None, None),
        ((0, 1), {0: "y", 1: "y"}, None, None),
    ],
)
def test_a_zone_stays_on_its_bus_or_takes_its_first_choice(
    choices: tuple[int, ...], carried: dict[int, str], current: int | None, expected: int | None
) -> None:
    assert pick_bus(choices, "x", carried, current) == expected
