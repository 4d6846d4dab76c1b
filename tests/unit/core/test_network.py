"""The way out: what it costs, when the Internet is asked for, and why nothing gets out."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from agent.contract.reasons import LinkFault
from agent.core.data_use import MIB, UNSAVED_MAX_MS, DataUse
from agent.core.effects import Probe, Put
from agent.core.events import InterfaceSeen, ModemSeen, NetworkSeen, Now, Probed
from agent.core.facts import Facts
from agent.core.network import PROBE_AFTER_MS, PROBE_EVERY_MS, Network
from agent.core.site import LinkTerms, Site
from agent.core.turn import Turn

DAY = date(2026, 11, 23)
PLAN = LinkTerms(data_plan_mib=100, probe_url="http://probe.example/204")
HOME = ModemSeen("connected", registration="home", technology="4g", interfaces=("wwan0",))


def turn(mono_ms: int = 0) -> Turn:
    return Turn(Now(mono_ms, 1_800_000_000_000 + mono_ms))


def wwan(received: int = 0, *, default: bool = True, up: bool | None = True) -> InterfaceSeen:
    return InterfaceSeen("wwan0", "modem", up, default, received, 0, "boot/3")


def cable(received: int = 0, *, default: bool = True) -> InterfaceSeen:
    return InterfaceSeen("eth0", "ethernet", True, default, received, 0, "boot/2")


class Box:
    """A network with a clock."""

    def __init__(self, terms: LinkTerms = PLAN, rows: Any = ()) -> None:
        self.facts = Facts(rows)
        site = Site("one", "One", "Asia/Ho_Chi_Minh", (), (), link=terms)
        self.network = Network(site, self.facts)
        self.mono_ms = 1_000
        self.said: list[object] = []

    def look(self, *links: InterfaceSeen, modem: ModemSeen | None = None) -> None:
        self.network.look(NetworkSeen(links, modem), DAY, turn(self.mono_ms))

    def pass_(self, ms: int, *, connected: bool = False) -> list[Probe]:
        """Time passes; the probes that went out."""
        self.mono_ms += ms
        now = turn(self.mono_ms)
        self.network.uplink(connected, self.fault(connected=connected), now)
        self.network.probe_if_due(now)
        return [do.act for do in now.acts if isinstance(do.act, Probe)]

    def fault(self, *, connected: bool = False, cause: Any = "own_link") -> LinkFault | None:
        return self.network.fault(connected=connected, cause=cause, today=DAY)


# --- what it costs ----------------------------------------------------------------------------


def test_modems_are_paid_by_the_byte_and_cables_are_not() -> None:
    box = Box()
    box.look(wwan(), cable(default=False))
    box.look(wwan(30 * MIB), cable(500 * MIB, default=False))
    assert box.network.month_bytes(DAY) == 30 * MIB
    assert box.network.plan_percent(DAY) == 30
    assert box.network.by_link(DAY) == {"eth0": 500 * MIB, "wwan0": 30 * MIB}


def test_a_dongle_that_looks_like_a_cable_is_metered_when_the_configuration_says_so() -> None:
    box = Box(LinkTerms(frozenset({"eth1"}), 100))
    dongle = InterfaceSeen("eth1", "ethernet", True, True, 0, 0, "b/1")
    box.look(dongle)
    box.look(InterfaceSeen("eth1", "ethernet", True, True, 7 * MIB, 0, "b/1"), wwan(9 * MIB))
    assert box.network.month_bytes(DAY) == 7 * MIB


def test_an_interface_that_the_modem_calls_its_own_is_metered() -> None:
    box = Box()
    usb = InterfaceSeen("usb0", "other", True, True, 0, 0, "b/1")
    box.look(usb, modem=ModemSeen("connected", interfaces=("usb0",)))
    assert box.network.is_metered("usb0")


def test_without_a_metered_link_or_a_day_nothing_is_said_of_the_plan() -> None:
    box = Box()
    box.look(cable())
    assert box.network.month_bytes(DAY) is None
    assert box.network.plan_percent(None) is None


def test_what_was_counted_survives_a_restart() -> None:
    box = Box()
    box.look(wwan(0))
    box.mono_ms += UNSAVED_MAX_MS
    box.look(wwan(10 * MIB))
    rows = [(s.kind, s.key, s.value) for s in box.facts.taken() if isinstance(s, Put)]
    again = Box(rows=rows)
    again.look(wwan(12 * MIB))
    assert again.network.month_bytes(DAY) == 12 * MIB


def test_a_trickle_is_saved_every_ten_minutes_and_a_flood_at_once() -> None:
    box = Box()
    box.look(wwan(0))
    box.facts.taken()
    for minute in range(1, 30):
        box.mono_ms += 60_000
        box.look(wwan(minute * 1_000))
    assert len(saved(box)) == 0
    assert box.facts.data["wwan0"].total >= 20_000
    box.mono_ms += 1_000
    box.look(wwan(50 * MIB))
    assert box.facts.data["wwan0"].total == 50 * MIB


def saved(box: Box) -> list[DataUse]:
    """Beyond two: the writes that half an hour of a trickle may cost."""
    puts = [one for one in box.facts._saves if isinstance(one, Put)]  # noqa: SLF001 - counted only
    return [box.facts.data[one.key] for one in puts][3:]


def test_a_link_that_is_gone_for_months_is_forgotten() -> None:
    old = DataUse("b/1", 5, {"2026-01-02": 5})
    box = Box(rows=[("data", "ppp7", b'{"incarnation":"b/1","total":5,"days":{"2026-01-02":5}}')])
    assert box.network.use == {"ppp7": old}
    box.look(cable())
    box.network.tidy(DAY)
    assert set(box.network.use) == {"eth0"}
    assert set(box.facts.data) == {"eth0"}


# --- why nothing gets out ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("modem", "fault"),
    [
        (None, LinkFault.NO_LINK),
        (ModemSeen("absent"), LinkFault.NO_LINK),
        (ModemSeen("unknown"), LinkFault.NO_LINK),
        (ModemSeen("failed", "failed"), LinkFault.MODEM_FAILED),
        (ModemSeen("failed", "sim_missing"), LinkFault.SIM_MISSING),
        (ModemSeen("failed", "sim_error"), LinkFault.SIM_MISSING),
        (ModemSeen("locked", "sim_locked"), LinkFault.SIM_LOCKED),
        (ModemSeen("disabled"), LinkFault.MODEM_OFF),
        (ModemSeen("searching"), LinkFault.NO_SIGNAL),
        (ModemSeen("searching", registration="denied"), LinkFault.REGISTRATION_DENIED),
        (ModemSeen("registered", registration="roaming"), LinkFault.ROAMING_BARRED),
        (ModemSeen("registered", registration="home"), LinkFault.NOT_CONNECTED),
        (ModemSeen("connecting", registration="home"), LinkFault.NOT_CONNECTED),
        (HOME, LinkFault.NO_LINK),
    ],
)
def test_without_a_default_route_the_modem_says_why(
    modem: ModemSeen | None, fault: LinkFault
) -> None:
    box = Box()
    box.look(cable(default=False), modem=modem)
    assert box.fault() is fault


def test_a_used_up_plan_a_captive_page_no_internet_and_a_dead_source_are_told_apart() -> None:
    found: dict[str, LinkFault | None] = {}
    for name, used_mib, probed in (
        ("plan", 101, "captive"),
        ("captive", 5, "captive"),
        ("nowhere", 5, "unreachable"),
        ("source", 5, "open"),
    ):
        box = Box()
        box.look(wwan(0), modem=HOME)
        box.look(wwan(used_mib * MIB), modem=HOME)
        box.network.probed(Probed(probed))  # type: ignore[arg-type]
        found[name] = box.fault()
    assert found == {
        "plan": LinkFault.PLAN_USED_UP,
        "captive": LinkFault.CAPTIVE_PAGE,
        "nowhere": LinkFault.NO_INTERNET,
        "source": LinkFault.SOURCE_DOWN,
    }


def test_a_used_up_plan_is_no_reason_while_a_cable_carries() -> None:
    box = Box()
    box.look(wwan(0, default=False), cable(), modem=HOME)
    box.look(wwan(200 * MIB, default=False), cable(), modem=HOME)
    assert box.fault() is None


def test_what_cannot_be_told_is_not_told() -> None:
    box = Box()
    assert box.fault() is None, "the links were not looked at yet"
    box.look(cable())
    assert box.fault() is None, "nobody probed"
    box.network.probed(Probed("open"))
    assert box.fault(cause="not_authorised") is None, "somebody answered"
    assert box.fault(connected=True) is None


def test_roaming_that_is_allowed_is_no_fault() -> None:
    box = Box(LinkTerms(roaming=True))
    box.look(modem=ModemSeen("registered", registration="roaming"))
    assert box.fault() is LinkFault.NOT_CONNECTED


# --- probing ----------------------------------------------------------------------------------


def test_the_internet_is_asked_for_after_half_a_minute_and_then_every_five() -> None:
    box = Box()
    box.look(wwan(), modem=HOME)
    assert box.pass_(1) == []
    assert box.pass_(PROBE_AFTER_MS - 1) == []
    assert box.pass_(1) == [Probe("http://probe.example/204")]
    assert box.pass_(PROBE_EVERY_MS - 1) == []
    assert len(box.pass_(1)) == 1


def test_nobody_is_asked_without_a_page_a_link_or_a_reason() -> None:
    for box, connected in ((Box(LinkTerms()), False), (Box(), False), (Box(), True)):
        if box.network.terms.probe_url and not connected:
            box.look(wwan(default=False, up=False), modem=HOME)
        else:
            box.look(wwan(), modem=HOME)
        assert [box.pass_(60_000, connected=connected) for _ in range(20)] == [[]] * 20
        assert box.network.wake_mono_ms() is None


def test_a_probe_of_an_earlier_loss_explains_nothing_later() -> None:
    box = Box()
    box.look(wwan(), modem=HOME)
    box.pass_(1)
    box.pass_(PROBE_AFTER_MS)
    box.network.probed(Probed("captive"))
    assert box.fault() is LinkFault.CAPTIVE_PAGE
    box.pass_(1_000, connected=True)
    box.pass_(1_000)
    assert box.fault() is None


def test_why_it_was_away_is_remembered_for_the_time_it_is_back() -> None:
    box = Box()
    box.look(cable(default=False), modem=ModemSeen("searching"))
    box.pass_(1_000)
    since = box.network.last_fault_ms
    box.pass_(90_000)
    box.look(wwan(), modem=HOME)
    box.pass_(1_000, connected=True)
    assert (box.network.last_fault, box.network.last_fault_ms) == (LinkFault.NO_SIGNAL, since)
