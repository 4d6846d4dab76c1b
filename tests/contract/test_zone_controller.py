"""What every `ZoneController` promises, asked of the real client on a pty and of the fake."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import pytest

from firmware_bridge.client import ControllerClient
from firmware_bridge.drivers.contract import (
    Confirmation,
    ControllerReading,
    ControllerWish,
    LeaseSupport,
    LinkWhy,
    Power,
    ZoneController,
    ZoneWish,
)
from simulator.amplifier.control import Mains
from simulator.amplifier.memory import MemoryController
from simulator.amplifier.model import DEFAULT_ID, AmplifierModel, AmplifierSpec
from simulator.amplifier.pty_unit import PtyAmplifier

SPEC = AmplifierSpec(zones=3, warm_up_ms=200)
ON = ControllerWish((ZoneWish(2, gate=True, gain_cdb=-1_800, source=1),), power=True)
OFF = ControllerWish()


class Stand(Protocol):
    """One implementation with its equipment, and a way to let time pass."""

    controller: ZoneController
    told: list[ControllerReading]

    @property
    def model(self) -> AmplifierModel: ...

    def mains(self, on: bool) -> None:
        """The grid goes or comes at the amplifier."""

    def until(self, reached: Callable[[], bool], limit_s: float = 3.0) -> bool: ...


class PtyStand:
    def __init__(self, folder: Path, adopted_id: str | None) -> None:
        self.told: list[ControllerReading] = []
        self.unit = PtyAmplifier(folder / "port", SPEC)
        self.unit.start()
        self.controller: ZoneController = ControllerClient(
            self.unit.port_path, adopted_id=adopted_id, on_change=self.told.append
        )

    @property
    def model(self) -> AmplifierModel:
        return self.unit.model

    def mains(self, on: bool) -> None:
        self.unit.inject(Mains(on))

    def until(self, reached: Callable[[], bool], limit_s: float = 3.0) -> bool:
        end_s = time.monotonic() + limit_s
        while not reached():
            if time.monotonic() > end_s:
                return False
            time.sleep(0.005)
        return True

    def end(self) -> None:
        self.controller.close()
        self.unit.close()


class MemoryStand:
    def __init__(self, adopted_id: str | None) -> None:
        self.told: list[ControllerReading] = []
        self._now_s = 1_000.0
        self._memory = MemoryController(
            SPEC, adopted_id=adopted_id, on_change=self.told.append, clock=lambda: self._now_s
        )
        self.controller: ZoneController = self._memory

    @property
    def model(self) -> AmplifierModel:
        return self._memory.model

    def mains(self, on: bool) -> None:
        self._memory.model.set_mains(on, round(self._now_s * 1_000))

    def until(self, reached: Callable[[], bool], limit_s: float = 3.0) -> bool:
        end_s = self._now_s + limit_s
        while not reached():
            if self._now_s > end_s:
                return False
            self._now_s += 0.02
            self._memory.poll()
        return True

    def end(self) -> None:
        self.controller.close()


@pytest.fixture(params=["pty", "memory"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[..., Stand]]:
    stands: list[PtyStand | MemoryStand] = []

    def build(adopted_id: str | None = DEFAULT_ID.hex()) -> Stand:
        pty = request.param == "pty"
        stand = PtyStand(tmp_path, adopted_id) if pty else MemoryStand(adopted_id)
        stands.append(stand)
        return stand

    yield build
    for stand in stands:
        stand.end()


def started(stand: Stand) -> Stand:
    stand.controller.start()
    assert stand.until(lambda: stand.controller.reading().state.usable)
    return stand


def test_before_start_nothing_is_known(make: Callable[..., Stand]) -> None:
    stand = make()
    reading = stand.controller.reading()
    stand.controller.start()
    assert reading.controller_id is None
    assert reading.power is Power.UNKNOWN
    assert not reading.state.usable


def test_after_start_it_says_who_it_is_and_that_all_is_muted(make: Callable[..., Stand]) -> None:
    stand = started(make())
    reading = stand.controller.reading()
    assert reading.controller_id == DEFAULT_ID.hex()
    assert (reading.adopted, reading.lease) == (True, LeaseSupport.SUPPORTED)
    assert [(zone.zone, zone.gate) for zone in reading.zones] == [
        (1, False),
        (2, False),
        (3, False),
    ]
    assert reading.power is Power.OFF


def test_a_wish_is_carried_out_and_confirmed(make: Callable[..., Stand]) -> None:
    stand = started(make())
    stand.controller.set_wish(ON)
    assert stand.until(lambda: stand.controller.reading().zone(2).confirmed is Confirmation.YES)
    zone = stand.controller.reading().zone(2)
    assert (zone.gate, zone.gain_cdb, zone.source) == (True, -1_800, 1)
    assert zone.at_mono_ms is not None
    truth = stand.model.zones[1]
    assert (truth.gate, truth.gain_cdb, truth.source) == (True, -1_800, 1)


def test_a_wish_made_before_the_start_is_not_forgotten(make: Callable[..., Stand]) -> None:
    stand = make()
    stand.controller.set_wish(ON)
    stand.controller.start()
    assert stand.until(lambda: stand.model.zones[1].gate)


def test_the_power_warms_up_and_says_so(make: Callable[..., Stand]) -> None:
    stand = started(make())
    stand.controller.set_wish(ON)
    assert stand.until(lambda: stand.controller.reading().power is Power.WARMING)
    assert stand.controller.reading().warmed_up is False
    assert stand.until(lambda: stand.controller.reading().power is Power.ON)
    assert stand.controller.reading().warmed_up is True
    assert stand.told[-1].power is Power.ON


def test_repeating_a_wish_tells_nothing_new(make: Callable[..., Stand]) -> None:
    stand = started(make())
    stand.controller.set_wish(ON)
    assert stand.until(lambda: stand.controller.reading().zone(2).level_cdb is not None)
    stand.until(lambda: False, 0.1)
    before = len(stand.told)
    for _ in range(20):
        stand.controller.set_wish(ON)
    stand.until(lambda: False, 0.2)
    assert len(stand.told) == before


def test_zones_that_are_not_named_are_muted(make: Callable[..., Stand]) -> None:
    stand = started(make())
    stand.controller.set_wish(ControllerWish((ZoneWish(1, gate=True), ZoneWish(3, gate=True))))
    assert stand.until(lambda: stand.model.zones[0].gate and stand.model.zones[2].gate)
    stand.controller.set_wish(ControllerWish((ZoneWish(3, gate=True),)))
    assert stand.until(lambda: not stand.model.zones[0].gate)
    assert stand.model.zones[2].gate


def test_an_unadopted_controller_stays_muted(make: Callable[..., Stand]) -> None:
    stand = started(make(adopted_id=None))
    stand.controller.set_wish(ON)
    stand.until(lambda: False, 0.3)
    reading = stand.controller.reading()
    assert (reading.adopted, reading.why) == (False, LinkWhy.NOT_ADOPTED)
    assert not any(zone.gate for zone in stand.model.zones)
    assert stand.model.power is Power.OFF


def test_closing_mutes_and_leaves_the_power_on(make: Callable[..., Stand]) -> None:
    stand = started(make())
    stand.controller.set_wish(ON)
    assert stand.until(lambda: stand.model.zones[1].gate)
    stand.controller.close()
    assert not stand.model.zones[1].gate
    assert stand.model.power is not Power.OFF
    assert stand.controller.reading().why is LinkWhy.CLOSED_BY_USER


def test_keep_alive_holds_the_zone_beyond_its_lease(make: Callable[..., Stand]) -> None:
    stand = started(make())
    stand.controller.set_wish(ON)
    assert stand.until(lambda: stand.model.zones[1].gate)

    def keep() -> bool:
        at_ms = stand.controller.reading().zone(2).at_mono_ms
        stand.controller.keep_alive((at_ms or 0) + 1_000)
        return False

    stand.until(keep, 5.6)
    assert stand.model.zones[1].gate


def test_an_amplifier_without_mains_is_told_as_such_while_its_controller_goes_on(
    make: Callable[..., Stand],
) -> None:
    stand = started(make())
    stand.controller.set_wish(ON)
    assert stand.until(lambda: stand.controller.reading().zone(2).gate is True)
    assert stand.controller.reading().mains is True
    stand.mains(False)
    assert stand.until(lambda: stand.controller.reading().mains is False, 8.0)
    assert stand.until(lambda: any(one.mains is False for one in stand.told))
    assert stand.controller.reading().state.usable
    stand.mains(True)
    assert stand.until(lambda: stand.controller.reading().mains is True, 8.0)
