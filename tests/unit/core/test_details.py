"""When the picture of the station is told again: changes at once, jitter never, daily anyway."""

from __future__ import annotations

import itertools
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.contract.details import (
    BoxDetails,
    ControllerDetails,
    Counts,
    DataDetails,
    Details,
    IdentityDetails,
    LinkDetails,
    ModemDetails,
    PlaceDetails,
    PowerDetails,
    ZoneDetails,
)
from agent.core.data_use import MIB
from agent.core.details import CALM_MS, DAY_MS, PAUSE_MAX_MS, Picture, worth_telling

MINUTE_MS = 60_000
MODEM = ModemDetails(state="connected", registration="home", technology="4g", rsrp_dbm=-97)
BASE = Details(
    station="tan-lien",
    installation="i1",
    at_ms=1,
    identity=IdentityDetails(name="Tân Liên", version="0.1.0"),
    place=PlaceDetails(latitude_udeg=21_853_421, longitude_udeg=106_761_000, source="gps"),
    link=LinkDetails(kind="modem", interface="wwan0", modem=MODEM),
    data=DataDetails(today_bytes=0, month_bytes=0, month_from="2026-11-01", plan_mib=1_000),
    power=PowerDetails(mains=True, undervoltage=False, battery_percent=90),
    box=BoxDetails(
        temperature_cdeg=5_000,
        storage_free_mib=8_000,
        storage_total_mib=10_000,
        memory_free_mib=300,
        booted_ms=600_000,
        boots=3,
        clock="trusted",
    ),
    zones=(ZoneDetails(name="Đông", volume=70, volume_source="timetable", controller="c1"),),
    controllers=(ControllerDetails(name="c1", state="ready", temperature_cdeg=3_500, mains=True),),
)


def changed(part: str, **values: Any) -> Details:
    """BASE with fields of a part changed: `link.modem` is the modem."""
    if part == "link.modem":
        modem = msgspec.structs.replace(MODEM, **values)
        return msgspec.structs.replace(BASE, link=msgspec.structs.replace(BASE.link, modem=modem))
    held = getattr(BASE, part)
    if isinstance(held, tuple):
        return msgspec.structs.replace(
            BASE, **{part: (msgspec.structs.replace(held[0], **values), *held[1:])}
        )
    return msgspec.structs.replace(BASE, **{part: msgspec.structs.replace(held, **values)})


@pytest.mark.parametrize(
    "now",
    [
        changed("link", kind="ethernet", interface="eth0"),
        changed("link.modem", rsrp_dbm=-103),
        changed("link.modem", rsrp_dbm=None),
        changed("link.modem", technology="3g"),
        changed("link.modem", registration="roaming"),
        changed("link.modem", iccid="8984"),
        changed("data", month_bytes=100 * MIB),
        changed("data", month_from="2026-12-01"),
        changed("power", mains=False),
        changed("power", undervoltage_seen=True),
        changed("power", battery_percent=70),
        changed("box", temperature_cdeg=6_000),
        changed("box", storage_worn_percent=90),
        changed("box", storage_free_mib=7_000),
        changed("box", booted_ms=9_000_000),
        changed("box", clock="untrusted"),
        changed("zones", volume=40),
        changed("zones", line="open"),
        changed("controllers", mains=False),
        changed("controllers", state="lost"),
        changed("controllers", temperature_cdeg=4_600),
        changed("place", latitude_udeg=21_854_421),
        changed("identity", version="0.2.0"),
    ],
)
def test_what_is_another_state_or_moved_by_a_step_is_told(now: Details) -> None:
    assert worth_telling(BASE, now)


@pytest.mark.parametrize(
    "now",
    [
        changed("link.modem", rsrp_dbm=-102),
        changed("data", month_bytes=99 * MIB, today_bytes=99 * MIB, by_link={"wwan0": 1}),
        changed("power", battery_percent=75),
        changed("box", temperature_cdeg=5_900, memory_free_mib=10, storage_free_mib=7_200),
        changed("box", booted_ms=660_000),
        changed("zones", line="unknown", level_cdb=-1_500, level_at_ms=5),
        changed("controllers", power="on", temperature_cdeg=None, supply_mv=None),
        changed("controllers", temperature_cdeg=4_400),
        changed("place", longitude_udeg=106_761_300),
        msgspec.structs.replace(BASE, at_ms=99, counts=Counts(connects=9, items=40)),
    ],
)
def test_jitter_counters_and_what_is_not_measured_just_now_are_no_news(now: Details) -> None:
    assert not worth_telling(BASE, now)


@given(st.lists(st.integers(-102, -92), max_size=200))
def test_a_signal_that_wavers_within_a_step_sends_nothing(rsrp: list[int]) -> None:
    picture = Picture(MINUTE_MS)
    assert picture.consider(BASE, 0)
    told = [
        picture.consider(changed("link.modem", rsrp_dbm=value), (number + 1) * MINUTE_MS)
        for number, value in enumerate(rsrp)
        if (number + 1) * MINUTE_MS < DAY_MS
    ]
    assert not any(told)


def test_a_change_within_the_pause_is_told_at_its_end() -> None:
    picture = Picture(MINUTE_MS)
    assert picture.consider(BASE, 0)
    assert picture.wake_mono_ms() == DAY_MS
    on_battery = changed("power", mains=False)
    assert not picture.consider(on_battery, 1_000)
    assert picture.wake_mono_ms() == MINUTE_MS
    assert picture.consider(on_battery, MINUTE_MS)
    assert picture.told == on_battery


def test_a_change_that_went_back_within_the_pause_is_not_told() -> None:
    picture = Picture(MINUTE_MS)
    picture.consider(BASE, 0)
    assert not picture.consider(changed("power", mains=False), 1_000)
    assert not picture.consider(BASE, 2_000)
    assert picture.wake_mono_ms() == DAY_MS


def test_a_link_that_flaps_all_day_sends_a_few_dozen_and_a_calm_hour_forgives() -> None:
    picture = Picture(MINUTE_MS)
    states = [BASE, changed("link.modem", registration="roaming")]
    told = [at for at in range(0, DAY_MS, 10_000) if picture.consider(states[at // 10_000 % 2], at)]
    assert len(told) < 40
    assert max(b - a for a, b in itertools.pairwise(told)) <= PAUSE_MAX_MS + 10_000
    calm = told[-1] + PAUSE_MAX_MS + CALM_MS
    last = picture.told
    assert last is not None
    other = states[0] if last != states[0] else states[1]
    assert picture.consider(other, calm)
    assert picture.consider(last, calm + 2 * MINUTE_MS)


def test_it_is_told_once_a_day_even_when_nothing_changed() -> None:
    picture = Picture(MINUTE_MS)
    picture.consider(BASE, 0)
    assert not picture.consider(BASE, DAY_MS - 1)
    assert picture.consider(BASE, DAY_MS)


def test_what_nobody_acknowledged_is_told_again_on_the_next_connection() -> None:
    picture = Picture(MINUTE_MS)
    picture.consider(BASE, 0)
    picture.unlinked()
    assert picture.consider(BASE, 5_000)
    picture.delivered(picture.token)
    picture.unlinked()
    assert not picture.consider(BASE, 10_000)


def test_a_late_acknowledgement_of_an_older_picture_counts_for_nothing() -> None:
    picture = Picture(MINUTE_MS)
    picture.consider(BASE, 0)
    old = picture.token
    picture.consider(changed("power", mains=False), MINUTE_MS)
    picture.delivered(old)
    picture.unlinked()
    assert picture.told is None
