"""The modem as ModemManager tells it, translated; without a bus."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.adapters.modem import Said, best_modem, modem_seen
from agent.core.events import ModemSeen
from simulator.modem.service import (
    BEARER,
    BEARER_PATH,
    MEASURED,
    MODEM,
    MODEM_PATH,
    SIGNAL,
    SIM,
    SIM_PATH,
    THREE_GPP,
    lte_modem,
)


def told(
    modem: dict[str, Any] | None = None,
    network: dict[str, Any] | None = None,
    signal: dict[str, Any] | None = None,
    bearer: dict[str, Any] | None = None,
) -> ModemSeen:
    """The LTE modem with these properties changed."""
    objects = copy.deepcopy(lte_modem())
    objects[MODEM_PATH][MODEM].update(modem or {})
    objects[MODEM_PATH][THREE_GPP].update(network or {})
    objects[MODEM_PATH][SIGNAL].update(signal or {})
    objects[BEARER_PATH][BEARER].update(bearer or {})
    sim, one = Said(objects[SIM_PATH][SIM]), Said(objects[BEARER_PATH][BEARER])
    return modem_seen(objects[MODEM_PATH], sim, [one])


def test_a_connected_lte_modem_tells_who_where_and_how_strong() -> None:
    seen = told(signal={"Lte": ("a{sv}", dict(MEASURED))})
    assert seen == ModemSeen(
        state="connected",
        registration="home",
        technology="4g",
        operator="Viettel",
        operator_code="45204",
        quality_percent=61,
        rssi_dbm=-67,
        rsrp_dbm=-97,
        rsrq_cdb=-1_050,
        sinr_cdb=840,
        number="+84900000001",
        iccid="8984041234567890123",
        imei="867698040000017",
        model="QUECTEL EC25",
        roaming_allowed=False,
        interfaces=("wwan0",),
    )


def test_a_signal_nobody_measured_is_unknown() -> None:
    seen = told(modem={"SignalQuality": ("(ub)", (0, False))})
    assert (seen.rsrp_dbm, seen.rsrq_cdb, seen.sinr_cdb, seen.rssi_dbm) == (None,) * 4
    assert seen.quality_percent is None


@pytest.mark.parametrize(
    ("state", "reason", "shown", "fault"),
    [
        (-1, 2, "failed", "sim_missing"),
        (-1, 3, "failed", "sim_error"),
        (-1, 5, "failed", "sim_missing"),
        (-1, 1, "failed", "failed"),
        (2, 0, "locked", "sim_locked"),
        (3, 0, "disabled", None),
        (6, 0, "searching", None),
        (7, 0, "searching", None),
        (8, 0, "registered", None),
        (10, 0, "connecting", None),
        (11, 0, "connected", None),
        (0, 0, "unknown", None),
        (99, 0, "unknown", None),
    ],
)
def test_each_state_of_modemmanager_has_our_word(
    state: int, reason: int, shown: str, fault: str | None
) -> None:
    seen = told(modem={"State": ("i", state), "StateFailedReason": ("u", reason)})
    assert (seen.state, seen.fault) == (shown, fault)


@pytest.mark.parametrize(
    ("number", "shown"),
    [(0, "idle"), (1, "home"), (2, "searching"), (3, "denied"), (4, "unknown"), (5, "roaming"),
     (8, "emergency"), (10, "roaming"), (77, "unknown")],
)  # fmt: skip
def test_each_registration_has_our_word(number: int, shown: str) -> None:
    assert told(network={"RegistrationState": ("u", number)}).registration == shown


@pytest.mark.parametrize(
    ("bits", "technology"),
    [(1 << 15 | 1 << 14, "5g"), (1 << 14, "4g"), (1 << 17, "4g"), (1 << 8, "3g"), (1 << 5, "3g"),
     (1 << 4, "2g"), (1 << 1, "2g"), (0, None), (1 << 10, None)],
)  # fmt: skip
def test_the_best_technology_in_use_is_told(bits: int, technology: str | None) -> None:
    assert told(modem={"AccessTechnologies": ("u", bits)}).technology == technology


def test_a_modem_limited_to_one_band_is_in_it_and_otherwise_nobody_knows() -> None:
    assert told(modem={"CurrentBands": ("au", [33])}).band == "B3"
    assert told(modem={"CurrentBands": ("au", [378])}).band == "n78"
    assert told(modem={"CurrentBands": ("au", [31, 33])}).band == ""
    assert told(modem={"CurrentBands": ("au", [256])}).band == ""


def test_why_it_is_not_connected_is_what_the_network_said() -> None:
    error = f"{MODEM}.Error.MobileEquipment.GprsServiceOptionNotSubscribed"
    down = {"Connected": ("b", False), "ConnectionError": ("(ss)", (error, ""))}
    assert told(bearer=down).why == "GprsServiceOptionNotSubscribed"
    down["ConnectionError"] = ("(ss)", (error, "Service option not subscribed"))
    assert told(bearer=down).why == "Service option not subscribed"


def test_an_old_error_of_a_bearer_that_is_connected_now_is_no_reason() -> None:
    assert told(bearer={"ConnectionError": ("(ss)", ("x.y", "was once"))}).why == ""


def test_a_network_that_rejects_us_tells_its_number() -> None:
    rejected = {"NetworkRejection": ("a{sv}", {"error": ("u", 8)})}
    seen = told(network=rejected, bearer={"Connected": ("b", False)})
    assert seen.why == "network rejection 8"


def test_numbers_that_radio_cannot_be_are_unknown() -> None:
    absurd = {"rsrp": ("d", -1e308), "rsrq": ("d", 900.0), "snr": ("d", float("nan"))}
    seen = told(signal={"Lte": ("a{sv}", absurd)})
    assert (seen.rsrp_dbm, seen.rsrq_cdb, seen.sinr_cdb) == (None, None, None)


def test_a_name_from_the_air_cannot_steer_a_terminal() -> None:
    assert told(network={"OperatorName": ("s", "Viet\x1b[31mtel\n\u202e")}).operator == (
        "Viet [31mtel"
    )


def test_a_modem_without_sim_and_bearer_says_what_it_can() -> None:
    seen = modem_seen({MODEM: {"State": ("i", -1), "StateFailedReason": ("u", 2)}}, Said(), [])
    assert seen == ModemSeen("failed", "sim_missing")


def test_of_two_modems_the_connected_one_is_looked_at() -> None:
    objects: dict[str, Any] = {
        "/a": {MODEM: {"State": ("i", 7)}},
        "/b": {MODEM: {"State": ("i", 11)}},
        "/c": {"other": {}},
    }
    assert best_modem(objects) == "/b"
    assert best_modem({"/c": {"other": {}}}) is None


values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.text(max_size=4), inner, max_size=3),
        st.tuples(inner, inner),
    ),
    max_leaves=6,
)
NAMES = [*sorted({name for said in lte_modem()[MODEM_PATH].values() for name in said}), "rsrp"]


@given(st.dictionaries(st.sampled_from(NAMES), st.tuples(st.just("v"), values), max_size=12))
def test_whatever_a_service_says_becomes_a_reading_and_never_an_exception(
    said: dict[str, Any],
) -> None:
    one = Said(said)
    seen = modem_seen({MODEM: said, THREE_GPP: said, SIGNAL: {"Lte": ("a{sv}", said)}}, one, [one])
    assert seen.rsrp_dbm is None or -160 <= seen.rsrp_dbm <= -20
