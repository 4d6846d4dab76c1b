"""Wishes to controllers and readings from them, with controllers of paper."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from agent.adapters import zones as zones_module
from agent.adapters.zones import Wiring, Zones, seen_from
from agent.core.effects import HoldZones
from agent.core.effects import ZoneWish as Wish
from agent.core.events import ControllerSeen, ZoneSeen
from agent.core.site import BusChoice, Site, Zone
from firmware_bridge.drivers.contract import (
    Confirmation,
    ControllerReading,
    ControllerWish,
    LeaseSupport,
    Line,
    LinkState,
    LinkWhy,
    Power,
    ZoneReading,
    ZoneWish,
)

EAST = Zone("Thôn Đông", "main", 2, "amp", (BusChoice(0, 1),))
WEST = Zone("Thôn Tây", "main", 1, "amp", (BusChoice(0, 1),))
SITE = Site("one", "One", "Asia/Ho_Chi_Minh", (EAST, WEST), ())
READY = ControllerReading(
    state=LinkState.READY,
    why=LinkWhy.OK,
    controller_id="ab12",
    adopted=True,
    zones=(
        ZoneReading(2, gate=True, confirmed=Confirmation.YES, line=Line.OK, level_cdb=-1_800),
        ZoneReading(7, gate=True),
    ),
    power=Power.ON,
    temperature_cdeg=3_500,
    lease=LeaseSupport.SUPPORTED,
)


@dataclass
class Paper:
    """A controller that writes down what it is told."""

    port: str
    adopted_id: str | None
    on_change: Callable[[ControllerReading], None]
    wishes: list[ControllerWish] = field(default_factory=list)
    marks: list[int] = field(default_factory=list)
    life: list[str] = field(default_factory=list)

    def start(self) -> None:
        self.life.append("start")

    def close(self) -> None:
        self.life.append("close")

    def set_wish(self, wish: ControllerWish) -> None:
        self.wishes.append(wish)

    def keep_alive(self, progress_mono_ms: int) -> None:
        self.marks.append(progress_mono_ms)

    def reading(self) -> ControllerReading:
        return READY


class Rig:
    def __init__(self) -> None:
        self.heard: list[object] = []
        self.papers: list[Paper] = []
        self.zones = Zones(
            SITE, [Wiring("main", "/dev/ttyX", "ab12")], self.heard.append, self._make
        )
        [self.paper] = self.papers

    def _make(
        self, port: str, *, adopted_id: str | None, on_change: Callable[[ControllerReading], None]
    ) -> Paper:
        self.papers.append(Paper(port, adopted_id, on_change))
        return self.papers[-1]


def test_a_wish_names_terminals_and_power() -> None:
    rig = Rig()
    rig.zones.hold(HoldZones("main", True, (Wish("Thôn Đông", 2, True, -600, 1),)))
    assert rig.paper.wishes == [ControllerWish((ZoneWish(2, True, -600, 1),), power=True)]


def test_a_wish_for_an_unknown_controller_is_nobodys() -> None:
    rig = Rig()
    rig.zones.hold(HoldZones("other", True, ()))
    assert rig.paper.wishes == []


def test_the_progress_mark_and_life_reach_every_controller() -> None:
    rig = Rig()
    rig.zones.start()
    rig.zones.keep_alive(123)
    rig.zones.mute()
    rig.zones.close()
    assert rig.paper.marks == [123]
    assert rig.paper.life == ["start", "close"]
    assert rig.paper.wishes == [ControllerWish((), power=False)]


def test_leaving_mutes_the_zones_and_leaves_the_power_to_its_own_lease() -> None:
    rig = Rig()
    rig.zones.hold(HoldZones("main", True, (Wish("Thôn Đông", 2, True, -600, 1),)))
    rig.zones.mute()
    assert rig.paper.wishes[-1] == ControllerWish((), power=True)


def test_a_reading_is_told_in_the_stations_words() -> None:
    rig = Rig()
    rig.paper.on_change(READY)
    assert rig.heard == [
        ControllerSeen(
            "main",
            "ready",
            (
                ZoneSeen("Thôn Tây", None, "unknown"),
                ZoneSeen("Thôn Đông", True, "yes", "ok", -1_800),
            ),
            "on",
            3_500,
            "supported",
            "ab12",
            "ok",
        )
    ]


@pytest.mark.parametrize("state", list(LinkState))
def test_every_state_of_the_link_has_a_word(state: LinkState) -> None:
    seen = seen_from("main", replace(READY, state=state), {})
    assert seen.state in ("ready", "lost", "incompatible", "opening")


def test_a_stranger_is_not_adopted() -> None:
    assert seen_from("main", replace(READY, adopted=False), {}).state == "not_adopted"


def test_only_news_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1_000]
    monkeypatch.setattr(zones_module, "mono_ms", lambda: now[0])
    rig = Rig()
    rig.paper.on_change(READY)
    louder = replace(READY, zones=(replace(READY.zones[0], level_cdb=-1_700),))
    rig.paper.on_change(louder)
    assert len(rig.heard) == 1
    now[0] += 10_000
    rig.paper.on_change(louder)
    assert len(rig.heard) == 2
    rig.paper.on_change(replace(louder, temperature_cdeg=3_600))
    now[0] += 10_000
    rig.paper.on_change(replace(louder, temperature_cdeg=3_600))
    assert len(rig.heard) == 2
    rig.paper.on_change(replace(louder, temperature_cdeg=3_800))
    assert len(rig.heard) == 3
    rig.paper.on_change(replace(louder, zones=(replace(louder.zones[0], line=Line.SHORT),)))
    assert len(rig.heard) == 4


def test_mains_and_supply_of_a_controller_are_told_and_unknown_stays_unknown() -> None:
    told = seen_from("main", replace(READY, mains=False, supply_mv=4_900), {1: "Thôn Tây"})
    assert (told.mains, told.supply_mv) == (False, 4_900)
    assert seen_from("main", READY, {1: "Thôn Tây"}).mains is None


def test_lost_mains_are_news_at_once_and_a_wavering_supply_is_not() -> None:
    rig = Rig()
    rig.papers[0].on_change(replace(READY, mains=True, supply_mv=5_000))
    rig.papers[0].on_change(replace(READY, mains=True, supply_mv=5_010))
    rig.papers[0].on_change(replace(READY, mains=False, supply_mv=5_010))
    seen = [one for one in rig.heard if isinstance(one, ControllerSeen)]
    assert [one.mains for one in seen] == [True, False]
