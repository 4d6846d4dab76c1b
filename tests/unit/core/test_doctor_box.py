"""The doctor's checks of power, box, link and data: a verdict, what was seen, the next step."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from agent.core.data_use import DataUse
from agent.core.doctor_box import box, data, link, power
from agent.core.events import (
    Booted,
    ClockSeen,
    ControllerSeen,
    HostSeen,
    InterfaceSeen,
    LinkChanged,
    ModemSeen,
    NetworkSeen,
    Now,
)
from agent.core.facts import Facts
from agent.core.requests import Check
from agent.core.site import Amplifier, BusChoice, LinkTerms, Site, Zone
from agent.core.station import Station
from agent.core.trust import RootKeys

NOW = Now(10_000, 1_795_385_527_000)
"""22/11/2026 in UTC."""

TERMS = LinkTerms(data_plan_mib=100)
SITE = Site(
    "one",
    "One",
    "UTC",
    (Zone("Đông", "c1", 1, "amp", (BusChoice(0, 1),)),),
    (Amplifier("amp", "c1"),),
    link=TERMS,
)
MODEM = ModemSeen(
    "connected", registration="home", operator="Viettel", rsrp_dbm=-97, interfaces=("wwan0",)
)
MOBILE = InterfaceSeen("wwan0", "modem", True, True, 0, 0, "b/1")


def station(*events: Any, terms: LinkTerms = TERMS, used_mib: int = 0) -> Station:
    facts = Facts()
    day = date(2026, 11, 22).isoformat()
    facts.put("data", "wwan0", DataUse("b/1", 0, {day: used_mib * 1024 * 1024}))
    made = Station(
        replace(SITE, link=terms), facts, RootKeys({}, 1), lambda *_: False, lambda _: None
    )
    for event in (ClockSeen(0, 0, "trusted"), Booted("i1"), LinkChanged(True), *events):
        made.handle(event, NOW)
    return made


def told(check: Check) -> tuple[str, str, bool]:
    return check.verdict, check.detail[1], bool(check.next[1])


@pytest.mark.parametrize(
    ("host", "verdict", "words"),
    [
        (HostSeen(), "unknown", "the mains are not measured"),
        (HostSeen(mains=True), "ok", "on mains"),
        (HostSeen(mains=True, battery_percent=96), "ok", "on mains, 96 %"),
        (HostSeen(mains=False, battery_percent=40), "fault", "no mains, on battery, 40 %"),
        (HostSeen(mains=True, undervoltage=True), "fault", "the supply is too low"),
    ],
)
def test_power(host: HostSeen, verdict: str, words: str) -> None:
    assert told(power(station(host)))[:2] == (verdict, words)


def test_power_remembers_that_the_supply_was_low_and_names_the_amplifier_without_mains() -> None:
    low = station(
        HostSeen(mains=True, undervoltage=True, boot_id="r"),
        HostSeen(mains=True, undervoltage=False, boot_id="r"),
    )
    assert told(power(low)) == ("warning", "the supply was too low since start", True)
    dead = station(HostSeen(mains=True), ControllerSeen("c1", "ready", mains=False))
    assert told(power(dead)) == ("fault", "the amplifier has no mains: c1", True)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        (HostSeen(), ("unknown", "? °C", False)),
        (HostSeen(temperature_cdeg=4_500), ("ok", "45 °C", False)),
        (HostSeen(temperature_cdeg=8_100), ("fault", "81 °C", True)),
        (
            HostSeen(temperature_cdeg=4_500, storage_worn_percent=90),
            ("warning", "45 °C, storage worn 90 %", True),
        ),
    ],
)
def test_box(host: HostSeen, expected: tuple[str, str, bool]) -> None:
    assert told(box(station(host))) == expected


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (None, ("unknown", "not looked at yet", False)),
        (NetworkSeen(), ("fault", "no link", True)),
        (NetworkSeen((MOBILE,), MODEM), ("ok", "4G wwan0, Viettel, -97 dBm", False)),
        (
            NetworkSeen((MOBILE,), replace(MODEM, rsrp_dbm=-115)),
            ("warning", "4G wwan0, Viettel, -115 dBm: weak", True),
        ),
        (
            NetworkSeen((MOBILE,), replace(MODEM, rsrp_dbm=None)),
            ("unknown", "4G wwan0, Viettel: signal not measured", True),
        ),
        (
            NetworkSeen((MOBILE,), replace(MODEM, registration="roaming")),
            ("fault", "roaming", True),
        ),
        (
            NetworkSeen((MOBILE,), replace(MODEM, roaming_allowed=True)),
            ("warning", "the 4G connection permits roaming", True),
        ),
        (
            NetworkSeen((InterfaceSeen("wlan0", "wifi", True, True, signal_dbm=-60),)),
            ("ok", "Wi-Fi wlan0, -60 dBm", False),
        ),
    ],
)
def test_link(seen: NetworkSeen | None, expected: tuple[str, str, bool]) -> None:
    assert told(link(station(*([seen] if seen else [])), NOW)) == expected


def test_a_link_that_is_lost_says_why_with_the_remedy() -> None:
    lost = station(
        NetworkSeen((), ModemSeen("failed", "sim_missing")),
        LinkChanged(False, "own_link"),
    )
    assert told(link(lost, NOW)) == ("fault", "there is no readable SIM", True)


def test_roaming_that_is_allowed_is_no_fault() -> None:
    seen = NetworkSeen((MOBILE,), replace(MODEM, registration="roaming", roaming_allowed=True))
    assert link(station(seen, terms=LinkTerms(roaming=True)), NOW).verdict == "ok"


@pytest.mark.parametrize(
    ("used_mib", "expected"),
    [
        (10, ("ok", "10 MB used, 10 % of the plan", False)),
        (80, ("warning", "80 MB used, 80 % of the plan", True)),
        (130, ("fault", "130 MB used, 130 % of the plan", True)),
    ],
)
def test_data(used_mib: int, expected: tuple[str, str, bool]) -> None:
    made = station(NetworkSeen((MOBILE,), MODEM), used_mib=used_mib)
    assert told(data(made, NOW)) == expected


def test_data_without_a_plan_is_unknown_and_without_a_metered_link_needs_none() -> None:
    made = station(NetworkSeen((MOBILE,), MODEM), terms=LinkTerms(), used_mib=5)
    assert told(data(made, NOW)) == ("unknown", "5 MB used, the plan is not known", True)
    cable = InterfaceSeen("eth0", "ethernet", True, True, 0, 0, "b/2")
    wired = station(NetworkSeen((cable,)))
    assert told(data(wired, NOW)) == ("ok", "no link is paid by the byte", False)
