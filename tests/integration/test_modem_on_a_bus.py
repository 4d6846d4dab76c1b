"""The modem adapter against ModemManager's interface on a real, private D-Bus."""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.adapters.modem import MEASURE_EVERY_S, ModemManager
from agent.core.events import ModemSeen
from simulator.modem.bus import PrivateBus
from simulator.modem.service import (
    BEARER,
    BEARER_PATH,
    CONNECTED,
    FAILED,
    MODEM,
    MODEM_PATH,
    ROAMING,
    ROOT,
    SEARCHING,
    SERVICE,
    SIGNAL,
    THREE_GPP,
    ModemManagerService,
    lte_modem,
)

pytestmark = pytest.mark.skipif(
    shutil.which("dbus-daemon") is None, reason="dbus-daemon is not installed"
)


@pytest.fixture
def bus(tmp_path: Path) -> Iterator[PrivateBus]:
    with PrivateBus(tmp_path / "bus") as made:
        yield made


def look(modem: ModemManager) -> ModemSeen | None:
    return asyncio.run(modem.look())


def looked(modem: ModemManager) -> ModemSeen:
    seen = look(modem)
    assert seen is not None
    return seen


def test_the_signal_is_measured_once_it_was_asked_for(bus: PrivateBus) -> None:
    with ModemManagerService(bus.address, lte_modem()) as manager:
        modem = ModemManager(bus.address)
        first, second = looked(modem), looked(modem)
    assert (first.state, first.operator, first.technology) == ("connected", "Viettel", "4g")
    assert first.rsrp_dbm is None
    assert (second.rsrp_dbm, second.rsrq_cdb, second.sinr_cdb) == (-97, -1_050, 840)
    assert second.iccid == "8984041234567890123"
    assert manager.calls.count("Signal.Setup") == 1


def test_without_the_right_to_measure_the_rest_is_told_and_nobody_insists(
    bus: PrivateBus,
) -> None:
    with ModemManagerService(bus.address, lte_modem(), allowed=False) as manager:
        modem = ModemManager(bus.address)
        seen = [looked(modem) for _ in range(3)]
    assert [one.rsrp_dbm for one in seen] == [None, None, None]
    assert seen[-1].quality_percent == 61
    assert manager.calls.count("Signal.Setup") == 1


def test_a_modem_that_comes_back_is_asked_to_measure_again(bus: PrivateBus) -> None:
    with ModemManagerService(bus.address, lte_modem()) as manager:
        modem = ModemManager(bus.address)
        looked(modem)
        manager.unplug()
        assert looked(modem).state == "absent"
        manager.plug_in(lte_modem())
        looked(modem)
        assert looked(modem).rsrp_dbm == -97


def test_what_happens_to_the_modem_is_seen_at_the_next_look(bus: PrivateBus) -> None:
    with ModemManagerService(bus.address, lte_modem()) as manager:
        modem = ModemManager(bus.address)
        looked(modem)
        manager.measure(rsrp=-118.0, snr=-2.0)
        assert looked(modem).rsrp_dbm == -118
        manager.set(MODEM_PATH, THREE_GPP, RegistrationState=("u", ROAMING))
        assert looked(modem).registration == "roaming"
        manager.set(MODEM_PATH, MODEM, State=("i", SEARCHING))
        manager.set(
            BEARER_PATH,
            BEARER,
            Connected=("b", False),
            ConnectionError=("(ss)", (f"{SERVICE}.Error.Core.Retry", "data limit reached")),
        )
        seen = looked(modem)
        assert (seen.state, seen.why) == ("searching", "data limit reached")
        manager.set(MODEM_PATH, MODEM, State=("i", FAILED), StateFailedReason=("u", 2))
        assert looked(modem).fault == "sim_missing"


def test_without_modemmanager_nobody_knows_and_it_is_not_started_for_us(bus: PrivateBus) -> None:
    assert look(ModemManager(bus.address)) is None


def test_without_a_bus_nobody_knows(tmp_path: Path) -> None:
    assert look(ModemManager(f"unix:path={tmp_path / 'nobody.sock'}")) is None
    assert look(ModemManager("tcp:host=127.0.0.1,port=9")) is None


def test_a_bus_that_says_nothing_is_given_up_in_time(tmp_path: Path) -> None:
    path = tmp_path / "mute.sock"
    with socket.socket(socket.AF_UNIX) as mute:
        mute.bind(str(path))
        mute.listen(4)
        assert look(ModemManager(f"unix:path={path}", within_s=0.3)) is None


def test_a_service_that_dies_between_two_looks_leaves_unknown(bus: PrivateBus) -> None:
    modem = ModemManager(bus.address)
    with ModemManagerService(bus.address, lte_modem()):
        looked(modem)
    assert look(modem) is None


@pytest.mark.skipif(shutil.which("busctl") is None, reason="busctl is not installed")
def test_the_service_speaks_modemmanagers_types_to_an_independent_reader(bus: PrivateBus) -> None:
    """What the adapter is tested against must itself be the real interface."""

    def get(interface: str, name: str) -> str:
        done = subprocess.run(
            ["busctl", f"--address={bus.address}", "call", SERVICE, MODEM_PATH,
             "org.freedesktop.DBus.Properties", "GetAll", "s", interface],
            capture_output=True, text=True, timeout=20, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout.partition(f'"{name}" ')[2]

    with ModemManagerService(bus.address, lte_modem()) as manager:
        manager.set(MODEM_PATH, SIGNAL, Rate=("u", MEASURE_EVERY_S))
        manager.measure(rsrp=-97.0)
        assert get(MODEM, "State").startswith(f"i {CONNECTED}")
        assert get(MODEM, "SignalQuality").startswith("(ub) 61 true")
        assert get(MODEM, "Ports").startswith('a(su) 2 "cdc-wdm0"')
        assert get(SIGNAL, "Lte").startswith("a{sv} ")
        assert '"rsrp" d -97' in get(SIGNAL, "Lte")
        assert ROOT in get(MODEM, "Sim")
