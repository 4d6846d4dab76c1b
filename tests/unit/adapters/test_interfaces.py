"""Links from /sys and /proc, in folders that look like boxes."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.adapters.interfaces import INTERFACES_MAX, Interfaces
from agent.core.events import InterfaceSeen
from tests.unit.adapters.sysfs import BOOT, FakeBox


@pytest.fixture
def box(tmp_path: Path) -> FakeBox:
    return FakeBox(tmp_path)


def look(box: FakeBox) -> dict[str, InterfaceSeen]:
    return {one.name: one for one in Interfaces(box.root).look()}


def test_a_box_with_modem_wifi_and_cable_tells_which_carries_the_default_route(
    box: FakeBox,
) -> None:
    box.boot()
    box.link("lo", device=False, kind="772")
    box.link("eth0", speed=100, operstate="down", carrier=None)
    box.link("wlan0", devtype="wlan", rx=10, tx=20)
    box.link("wwan0", devtype="wwan", kind="65534", operstate="unknown", rx=3_000_000_000, tx=7)
    box.wifi_level("wlan0", "-56.")
    box.default_route("wlan0", metric=600)
    box.default_route("wwan0", metric=700)
    seen = look(box)
    assert set(seen) == {"eth0", "wlan0", "wwan0"}
    assert seen["eth0"].up is False
    assert seen["wlan0"] == InterfaceSeen(
        "wlan0", "wifi", True, True, 10, 20, f"{BOOT}/3", signal_dbm=-56
    )
    assert seen["wwan0"].kind == "modem"
    assert seen["wwan0"].received == 3_000_000_000
    assert not seen["wwan0"].default


def test_the_lowest_metric_carries_and_a_route_that_is_down_does_not_count(box: FakeBox) -> None:
    box.link("eth0")
    box.link("wwan0", devtype="wwan")
    box.default_route("eth0", metric=100, flags="0002")
    box.default_route("wwan0", metric=700)
    assert [name for name, one in look(box).items() if one.default] == ["wwan0"]


def test_a_box_with_ipv6_only_has_a_default_route_too(box: FakeBox) -> None:
    box.link("eth0", speed=1_000)
    zeros = "0" * 32
    box.write(
        "proc/net/ipv6_route",
        f"{zeros} 00 {zeros} 00 fd{'0' * 29}1 00000400 00000003 00000000 00000003     eth0\n"
        f"{zeros} 00 {zeros} 00 {zeros} ffffffff 00000001 00000000 00200200       lo",
    )
    seen = look(box)["eth0"]
    assert seen.default
    assert seen.speed_mbit_s == 1_000


def test_a_serial_modem_on_ppp_is_a_modem_although_it_has_no_device(box: FakeBox) -> None:
    box.link("ppp0", device=False, kind="512", operstate="unknown")
    assert look(box)["ppp0"].kind == "modem"


def test_bridges_and_tunnels_are_no_links_of_the_box(box: FakeBox) -> None:
    box.link("br0", device=False)
    box.link("wg0", device=False, kind="65534")
    assert look(box) == {}


def test_a_wifi_without_a_level_has_no_level(box: FakeBox) -> None:
    box.link("wlan0", devtype="wlan")
    assert look(box)["wlan0"].signal_dbm is None
    box.wifi_level("wlan0", "54.")
    assert look(box)["wlan0"].signal_dbm is None


def test_a_cable_that_tells_no_speed_has_none(box: FakeBox) -> None:
    box.link("eth0", speed=-1)
    assert look(box)["eth0"].speed_mbit_s is None


def test_counters_that_cannot_be_read_are_unknown_not_zero(box: FakeBox) -> None:
    box.link("eth0")
    (box.root / "sys/class/net/eth0/statistics/rx_bytes").write_text("nonsense")
    assert look(box)["eth0"].received is None


def test_an_interface_that_comes_back_begins_a_new_count(box: FakeBox) -> None:
    box.boot()
    box.link("wwan0", devtype="wwan")
    before = look(box)["wwan0"].incarnation
    box.link("wwan0", devtype="wwan")
    assert look(box)["wwan0"].incarnation != before


def test_a_box_without_sys_has_no_links(tmp_path: Path) -> None:
    assert Interfaces(tmp_path / "nowhere").look() == ()


def test_a_box_with_a_hundred_links_tells_a_bounded_number(box: FakeBox) -> None:
    for number in range(100):
        box.link(f"eth{number:03}")
    assert len(Interfaces(box.root).look()) == INTERFACES_MAX


def test_this_machine_can_be_read() -> None:
    """Whatever it has: nothing raises, and every link tells counters or None."""
    for one in Interfaces().look():
        assert one.received is None or one.received >= 0
