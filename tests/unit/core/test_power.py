"""Who has mains, as far as somebody measured it, and what waits for them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.contract.documents import Settings
from agent.contract.reasons import OccurrenceReason
from agent.core.events import ControllerSeen, ControllerState, HostSeen
from agent.core.items import Item, Run
from agent.core.planner import SILENCE, Decision, InZone, OnBus
from agent.core.power import Power
from agent.core.site import Amplifier, BusChoice, Site, Zone
from tests.property.planner_cases import make_item

ALL = {"dong", "trung", "doai"}


def site() -> Site:
    """dong and trung hang on the grid, doai on an amplifier with a battery."""
    bus = (BusChoice(0, 1),)
    zones = (
        Zone("dong", "c1", 0, "amp-1", bus),
        Zone("trung", "c1", 1, "amp-1", bus),
        Zone("doai", "c2", 0, "amp-2", bus),
    )
    amplifiers = (Amplifier("amp-1", "c1"), Amplifier("amp-2", "c2", backed_up=True))
    return Site("s", "S", "Asia/Ho_Chi_Minh", zones, amplifiers)


def power(**mains: bool | None) -> Power:
    """All controllers answer; what each says of its mains, and the host."""
    made = Power(site())
    made.host_seen(HostSeen(mains=mains.get("host")))
    for name in ("c1", "c2"):
        made.controller_seen(ControllerSeen(name, "ready", mains=mains.get(name)))
    return made


def answers(one: Power, controller: str, state: ControllerState, mains: bool | None = None) -> None:
    one.controller_seen(ControllerSeen(controller, state, mains=mains))


@pytest.mark.parametrize("host", [None, True])
def test_nothing_is_without_mains_unless_somebody_measured_it(host: bool | None) -> None:
    assert power(host=host).without_mains == set()


def test_without_mains_at_the_host_only_backed_up_amplifiers_are_heard() -> None:
    assert power(host=False).without_mains == {"dong", "trung"}


def test_what_a_controller_feels_goes_before_what_the_host_guesses() -> None:
    assert power(host=False, c1=True).without_mains == set()
    assert power(host=True, c1=False).without_mains == {"dong", "trung"}


def test_a_backed_up_amplifier_sounds_without_mains() -> None:
    assert power(host=False, c1=False, c2=False).without_mains == {"dong", "trung"}


def test_a_controller_that_said_no_mains_and_fell_silent_is_still_believed() -> None:
    one = power(c1=False)
    answers(one, "c1", "lost")
    assert one.without_mains == {"dong", "trung"}


def test_a_controller_that_had_mains_and_fell_silent_says_nothing_any_more() -> None:
    one = power(host=False, c1=True)
    answers(one, "c1", "lost")
    assert one.without_mains == {"dong", "trung"}


def test_after_mains_a_zone_waits_for_its_controller_and_only_then() -> None:
    one = power(host=False)
    answers(one, "c1", "lost")
    one.host_seen(HostSeen(mains=True))
    assert not one.without_mains
    assert one.starting == {"dong", "trung"}
    assert {zone.name for zone in one.site.zones} == {"doai"}
    answers(one, "c1", "ready")
    assert not one.starting
    assert one.reachable == ALL
    answers(one, "c1", "lost")
    assert not one.starting


def test_a_zone_is_reachable_when_it_has_mains_and_its_controller_answers() -> None:
    one = power()
    answers(one, "c2", "lost")
    assert one.reachable == {"dong", "trung"}
    assert {zone.name for zone in one.site.zones} == ALL


@pytest.mark.parametrize(
    ("policy", "held"), [("nothing", set()), ("normal", {3}), ("priority", {2, 3})]
)
def test_on_battery_what_the_commune_says_is_held_and_never_an_emergency(
    policy: str, held: set[int]
) -> None:
    settings = Settings(held_on_battery=policy)  # type: ignore[arg-type]
    assert power(host=False).held(settings) == held
    assert power(host=True).held(settings) == set()
    assert power().held(settings) == set()


def test_without_settings_ordinary_items_are_held() -> None:
    assert power(host=False).held(None) == {3}


# --- what was broken off -----------------------------------------------------------------------

RUN = Run(0, on=False, stopped_ms=5, been=frozenset(ALL), left=frozenset(ALL))
HEARD = Decision(
    {0: OnBus("k", 0, 60_000)}, {zone: InZone("k", 0) for zone in ("dong", "trung", "doai")}
)


def item(problem: OccurrenceReason | None = None) -> Item:
    return replace(make_item("k", 0, 60, ("dong", "trung", "doai")), problem=problem)


def test_a_zone_that_lost_its_mains_was_not_pre_empted_and_comes_back() -> None:
    after = Decision(HEARD.buses, {"doai": InZone("k", 0)})
    run = power(host=False).excused({"k": RUN}, {"k": item()}, HEARD, after)["k"]
    assert run.left == {"doai"}
    assert not run.lost


def test_an_item_that_nobody_can_hear_any_more_was_broken_off_by_a_fault() -> None:
    before = Decision(HEARD.buses, {"dong": InZone("k", 0)})
    run = power(host=False).excused({"k": RUN}, {"k": item()}, before, SILENCE)["k"]
    assert run.lost
    assert "dong" not in run.left


def test_an_item_held_on_battery_was_broken_off_by_a_fault() -> None:
    held = item(OccurrenceReason.ON_BATTERY)
    run = power(host=False).excused({"k": RUN}, {"k": held}, HEARD, SILENCE)["k"]
    assert not run.left
    assert run.lost


def test_an_item_that_was_pre_empted_everywhere_is_left_as_it_is() -> None:
    assert power(host=True).excused({"k": RUN}, {"k": item()}, HEARD, SILENCE) == {"k": RUN}
