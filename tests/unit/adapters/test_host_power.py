"""Power, wear and memory of the box, from folders that look like /sys and /proc."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from agent.adapters.host import EVERY_S, QUICK_S, Host, MainsSense
from agent.core.events import Event, HostSeen
from tests.unit.adapters.sysfs import BOOT, FakeBox


@pytest.fixture
def box(tmp_path: Path) -> FakeBox:
    return FakeBox(tmp_path)


def look(box: FakeBox, mains: MainsSense | None = None) -> HostSeen:
    return Host(box.root, None, print, mains=mains, root=box.root).look()


def supply(box: FakeBox, name: str, kind: str, **values: object) -> None:
    box.write(f"sys/class/power_supply/{name}/type", kind)
    for key, value in values.items():
        box.write(f"sys/class/power_supply/{name}/{key}", value)


def test_a_gpio_named_in_the_configuration_tells_the_mains(box: FakeBox) -> None:
    file = box.write("sys/class/gpio/gpio17/value", "0")
    supply(box, "ac", "Mains", online=1)
    assert look(box, MainsSense(file, "1")).mains is False
    assert look(box, MainsSense(file, "0")).mains is True


def test_a_file_that_is_not_there_leaves_the_mains_unknown(box: FakeBox) -> None:
    assert look(box, MainsSense(box.root / "nowhere")).mains is None


def test_without_a_file_the_power_supplies_tell(box: FakeBox) -> None:
    assert look(box).mains is None
    supply(box, "ac", "Mains", online=0)
    assert look(box).mains is False
    supply(box, "ac", "Mains", online=1)
    assert look(box).mains is True


@pytest.mark.parametrize(
    ("status", "mains"), [("Discharging", False), ("Charging", True), ("Full", None)]
)
def test_a_battery_tells_the_mains_as_far_as_it_can(
    box: FakeBox, status: str, mains: bool | None
) -> None:
    supply(box, "bat", "Battery", status=status, capacity=80)
    seen = look(box)
    assert (seen.mains, seen.battery_percent) == (mains, 80)


def test_the_battery_of_a_mouse_is_not_the_box_s(box: FakeBox) -> None:
    supply(box, "hid", "Battery", status="Discharging", capacity=3, scope="Device")
    seen = look(box)
    assert (seen.mains, seen.battery_percent) == (None, None)


@pytest.mark.parametrize(("text", "low"), [("1", True), ("0", False), ("broken", None)])
def test_undervoltage_is_what_the_supply_s_sensor_says(
    box: FakeBox, text: str, low: bool | None
) -> None:
    box.write("sys/class/hwmon/hwmon1/name", "rpi_volt")
    box.write("sys/class/hwmon/hwmon1/in0_lcrit_alarm", text)
    assert look(box).undervoltage is low


@pytest.mark.parametrize(
    ("life", "worn"),
    [("0x01 0x03", 30), ("0x0b 0x01", 110), ("0x00 0x00", None), ("", None), ("0xff 0xff", None)],
)
def test_wear_is_what_an_emmc_says_of_its_life(box: FakeBox, life: str, worn: int | None) -> None:
    box.write("sys/block/mmcblk0/device/life_time", life)
    assert look(box).storage_worn_percent == worn


def test_an_sd_card_does_not_tell_its_wear(box: FakeBox) -> None:
    box.write("sys/block/mmcblk0/device/type", "SD")
    assert look(box).storage_worn_percent is None


def test_a_broken_sensor_is_no_temperature(box: FakeBox) -> None:
    box.write("sys/class/thermal/thermal_zone0/temp", "-274000")
    assert look(box).temperature_cdeg is None
    box.write("sys/class/thermal/thermal_zone1/temp", "61000")
    assert look(box).temperature_cdeg == 6_100


def test_the_run_of_the_box_and_its_memory_are_told(box: FakeBox) -> None:
    box.boot()
    box.write("proc/meminfo", "MemTotal: 2048000 kB\nMemAvailable: 1024000 kB")
    seen = look(box)
    assert (seen.boot_id, seen.memory_total_mib, seen.memory_free_mib) == (BOOT, 2_000, 1_000)


class Clockless:
    """Sleeps that only count; what happens after a number of them is a story."""

    def __init__(self, story: dict[int, tuple[str, str]], box: FakeBox, end_after: int) -> None:
        self.slept: list[float] = []
        self._story, self._box, self._end_after = story, box, end_after

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if len(self.slept) in self._story:
            self._box.write(*self._story[len(self.slept)])
        if len(self.slept) >= self._end_after:
            raise asyncio.CancelledError


def told_by(box: FakeBox, clock: Clockless, mains: MainsSense) -> list[Event]:
    told: list[Event] = []
    host = Host(box.root, None, told.append, mains=mains, root=box.root, sleep=clock.sleep)
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(host.run())
    return told


def test_a_box_whose_power_stays_is_told_once_a_minute(box: FakeBox) -> None:
    file = box.write("gpio", "1")
    rounds = round(EVERY_S / QUICK_S)
    told = told_by(box, Clockless({}, box, 2 * rounds + 1), MainsSense(file))
    assert len(told) == 3


def test_lost_mains_are_told_within_seconds(box: FakeBox) -> None:
    file = box.write("gpio", "1")
    told = told_by(box, Clockless({3: ("gpio", "0")}, box, 4), MainsSense(file))
    assert [one.mains for one in told if isinstance(one, HostSeen)] == [True, False]
