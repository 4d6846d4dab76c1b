"""What a status report says of the station: what was measured, and nothing in place of it."""

from __future__ import annotations

import pytest

from agent.adapters.timezones import time_zone
from agent.core.events import (
    Booted,
    Event,
    HostSeen,
    InterfaceSeen,
    LinkKind,
    ModemSeen,
    NetworkSeen,
    Now,
    PlaceSeen,
)
from agent.core.facts import Facts
from agent.core.site import Amplifier, BusChoice, Place, Site, Zone
from agent.core.source_view import Snapshot, snapshot
from agent.core.station import Station
from agent.core.trust import RootKeys

ZONES = (Zone("Đông", "c1", 1, "amp", (BusChoice(0, 1),)),)


def seen(*events: Event, place: Place | None = None) -> Snapshot:
    amplifiers = (Amplifier("amp", "c1"),)
    site = Site("xa", "Xã", "Asia/Ho_Chi_Minh", ZONES, amplifiers, version="1.2", place=place)
    station = Station(site, Facts(), RootKeys({}, 1), lambda *_: False, time_zone)
    for number, event in enumerate((Booted("i"), *events)):
        station.handle(event, Now(1_000 + number, 1_772_400_600_000 + number))
    return snapshot(station)


def network(kind: LinkKind, modem: ModemSeen | None = None, **more: int) -> NetworkSeen:
    return NetworkSeen((InterfaceSeen("if0", kind, True, True, **more),), modem)  # type: ignore[arg-type]


def test_of_a_box_that_measured_nothing_nothing_is_said() -> None:
    assert seen() == Snapshot(volume=70, version="1.2")


@pytest.mark.parametrize(
    ("event", "link"),
    [
        (NetworkSeen(), ""),
        (network("ethernet"), "Ethernet"),
        (network("wifi", signal_dbm=-60), "WiFi,-60dbm"),
        (network("wifi"), "WiFi"),
        (network("other"), ""),
        (network("modem"), "3G/4G"),
        (network("modem", ModemSeen(interfaces=("if0",))), "3G/4G"),
        (
            network("modem", ModemSeen(technology="4g", rsrp_dbm=-97, interfaces=("if0",))),
            "4G,-97dbm",
        ),
        (
            network("other", ModemSeen(technology="3g", rssi_dbm=-80, interfaces=("if0",))),
            "3G,-80dbm",
        ),
        (network("ethernet", ModemSeen(technology="4g", interfaces=("wwan0",))), "Ethernet"),
    ],
)
def test_the_link_in_use_is_named_with_its_signal(event: NetworkSeen, link: str) -> None:
    assert seen(event).link == link


def test_storage_is_told_as_used_once_its_size_is_known() -> None:
    assert seen(HostSeen(storage_free_mib=250)).storage_used_percent is None
    found = seen(HostSeen(storage_free_mib=250, storage_total_mib=1_000, temperature_cdeg=4_150))
    assert (found.storage_used_percent, found.temperature_cdeg) == (75, 4_150)


def test_the_satellites_know_the_place_better_than_the_configuration() -> None:
    fixed = Place(21_000_000, 106_000_000)
    assert seen(place=fixed).latitude_udeg == 21_000_000
    found = seen(PlaceSeen(20_700_000, 106_500_000), place=fixed)
    assert (found.latitude_udeg, found.longitude_udeg) == (20_700_000, 106_500_000)
