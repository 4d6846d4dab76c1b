"""The 4G modem as ModemManager tells it over D-Bus, once a look.

Owns the questions and the translation of ModemManager's numbers into our words; asks it to measure
the signal, which it does not do by itself. Does not own when to look nor what is bad. Connects,
disconnects and resets nothing.

What the modem does not say stays unknown; numbers outside what radio can be are unknown, too. The
serving band is told only where the modem is limited to one: the call that would name it is closed
to everybody but root.
"""

from __future__ import annotations

import logging
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from agent.adapters.dbus import NOBODY, OBJECT_MANAGER, SYSTEM, Bus, BusError, opened
from agent.core.events import ModemFault, ModemSeen, ModemState, Registration, Technology

log = logging.getLogger(__name__)

SERVICE = "org.freedesktop.ModemManager1"
ROOT = "/org/freedesktop/ModemManager1"
MODEM = f"{SERVICE}.Modem"
THREE_GPP = f"{MODEM}.Modem3gpp"
SIGNAL = f"{MODEM}.Signal"
SIM = f"{SERVICE}.Sim"
BEARER = f"{SERVICE}.Bearer"
NOTHING = "/"

LOOK_WITHIN_S = 10.0
MEASURE_EVERY_S = 30
BEARERS_MAX = 8
TEXT_MAX = 64
WHY_MAX = 120

Objects = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""Path → interface → property → (signature, value)."""

_STATES: dict[int, ModemState] = {
    -1: "failed",
    2: "locked",
    3: "disabled",
    4: "disabled",
    5: "disabled",
    6: "searching",
    7: "searching",
    8: "registered",
    9: "registered",
    10: "connecting",
    11: "connected",
}
"""MMModemState. Enabled (6) is: switched on, in no network yet."""

_FAULTS: dict[int, ModemFault] = {2: "sim_missing", 3: "sim_error", 5: "sim_missing"}
"""MMModemStateFailedReason; an eSIM without a profile is no SIM."""

_REGISTRATIONS: dict[int, Registration] = {
    0: "idle",
    1: "home",
    2: "searching",
    3: "denied",
    5: "roaming",
    6: "home",
    7: "roaming",
    8: "emergency",
    9: "home",
    10: "roaming",
    11: "emergency",
}
"""MMModem3gppRegistrationState."""

_TECHNOLOGIES: tuple[tuple[int, Technology, str], ...] = (
    (1 << 15, "5g", "Nr5g"),
    (1 << 14 | 1 << 16 | 1 << 17, "4g", "Lte"),
    (0b11111 << 5, "3g", "Umts"),
    (0b1111 << 1, "2g", "Gsm"),
)
"""Bits of MMModemAccessTechnology, best first, and where `Signal` keeps what was measured."""

_EUTRAN, _NGRAN = 30, 300
"""MMModemBand of LTE band n is 30 + n (to 115), of 5G band n 300 + n (to 561)."""

_HOW_NEAR: tuple[ModemState, ...] = ("connected", "connecting", "registered", "searching")


@dataclass(frozen=True, slots=True)
class Said:
    """Properties as they came; every getter gives None for what is missing or of another kind."""

    of: Mapping[str, Any] = field(default_factory=dict)

    def value(self, name: str) -> Any:
        held = self.of.get(name)
        return held[1] if isinstance(held, tuple) and len(held) == 2 else None

    def text(self, name: str, most: int = TEXT_MAX) -> str:
        return _clean(self.value(name), most)

    def whole(self, name: str) -> int | None:
        held = self.value(name)
        return held if isinstance(held, int) and not isinstance(held, bool) else None

    def flag(self, name: str) -> bool | None:
        held = self.value(name)
        return held if isinstance(held, bool) else None

    def part(self, name: str) -> Said:
        held = self.value(name)
        return Said(held) if isinstance(held, dict) else Said()

    def measured(self, name: str, low: float, high: float, factor: int = 1) -> int | None:
        """A float within what is possible, as a whole number of 1/factor."""
        held = self.value(name)
        if not isinstance(held, float) or not low <= held <= high:
            return None
        return round(held * factor)


class ModemManager:
    """`look` asks once. address: of the bus, for tests and strange systems."""

    def __init__(self, address: str = SYSTEM, within_s: float = LOOK_WITHIN_S) -> None:
        self._address = address
        self._within_s = within_s
        self._asked_to_measure: dict[str, str] = {}
        """Modem → "" or why it would not; asked once for each modem that comes up."""
        self._trouble = ""

    async def look(self) -> ModemSeen | None:
        """None: there is nobody to ask (no bus, no ModemManager)."""
        try:
            async with opened(SERVICE, self._address, self._within_s) as bus:
                seen = await self._ask(bus)
        except BusError as error:
            self._note("" if error.name in NOBODY else str(error))
            return None
        self._note("")
        return seen

    def _note(self, trouble: str) -> None:
        if trouble != self._trouble and trouble:
            log.warning("modem_unknown detail=%s", trouble)
        self._trouble = trouble

    async def _ask(self, bus: Bus) -> ModemSeen:
        (objects,) = await bus.call(ROOT, OBJECT_MANAGER, "GetManagedObjects")
        path = best_modem(objects)
        self._asked_to_measure = {
            one: why for one, why in self._asked_to_measure.items() if one in objects
        }
        if path is None:
            return ModemSeen("absent")
        said = objects[path]
        modem = Said(said.get(MODEM, {}))
        await self._have_measured(bus, path, Said(said.get(SIGNAL, {})))
        sim = await self._of(bus, modem.value("Sim"), SIM)
        paths = modem.value("Bearers")
        held = paths[:BEARERS_MAX] if isinstance(paths, list) else []
        bearers = [await self._of(bus, one, BEARER) for one in held]
        return modem_seen(said, sim, bearers)

    async def _of(self, bus: Bus, path: Any, interface: str) -> Said:
        """Properties of a SIM or bearer; it may be gone by now."""
        if not isinstance(path, str) or path == NOTHING:
            return Said()
        try:
            return Said(await bus.properties(path, interface))
        except BusError as error:
            if not error.name:
                raise
            return Said()

    async def _have_measured(self, bus: Bus, path: str, signal: Said) -> None:
        """Without this, ModemManager knows a percentage and no dBm."""
        if not signal.of or signal.whole("Rate") or path in self._asked_to_measure:
            return
        try:
            await bus.call(path, SIGNAL, "Setup", "u", MEASURE_EVERY_S)
            self._asked_to_measure[path] = ""
        except BusError as error:
            if not error.name:
                raise
            self._asked_to_measure[path] = error.name
            log.warning("modem_signal_not_measured reason=%s detail=%s", error.name, error)


# --- from ModemManager's words to ours --------------------------------------------------------


def best_modem(objects: Objects) -> str | None:
    """Of several the one that is nearest to a connection; the same one as long as nothing moves."""

    def distance(path: str) -> tuple[int, str]:
        state = _state(Said(objects[path].get(MODEM, {})))
        return (_HOW_NEAR.index(state) if state in _HOW_NEAR else len(_HOW_NEAR)), path

    modems = [path for path, interfaces in objects.items() if MODEM in interfaces]
    return min(modems, key=distance, default=None)


def modem_seen(said: Mapping[str, Mapping[str, Any]], sim: Said, bearers: list[Said]) -> ModemSeen:
    """One modem with its SIM and its connections. Pure."""
    modem, network = Said(said.get(MODEM, {})), Said(said.get(THREE_GPP, {}))
    state = _state(modem)
    technology, where = _technology(modem)
    signal = _signal(Said(said.get(SIGNAL, {})), where)
    bearer = _bearer(bearers)
    return ModemSeen(
        state=state,
        fault=_fault(modem, state),
        registration=_REGISTRATIONS.get(_or(network.whole("RegistrationState"), -1), "unknown"),
        technology=technology,
        operator=network.text("OperatorName"),
        operator_code=network.text("OperatorCode", 8),
        band=_band(modem),
        quality_percent=_quality(modem),
        rssi_dbm=signal.measured("rssi", -125, -10),
        rsrp_dbm=signal.measured("rsrp", -160, -20),
        rsrq_cdb=signal.measured("rsrq", -45, 25, 100),
        sinr_cdb=signal.measured("snr", -30, 50, 100),
        number=_first(modem.value("OwnNumbers")),
        iccid=sim.text("SimIdentifier", 24),
        imei=network.text("Imei", 20) or modem.text("EquipmentIdentifier", 20),
        model=" ".join(filter(None, (modem.text("Manufacturer"), modem.text("Model"))))[:TEXT_MAX],
        roaming_allowed=bearer.part("Properties").flag("allow-roaming"),
        why=_why(network, bearer),
        interfaces=_interfaces(modem, bearers),
    )


def _state(modem: Said) -> ModemState:
    return _STATES.get(_or(modem.whole("State"), 0), "unknown")


def _fault(modem: Said, state: ModemState) -> ModemFault | None:
    if state == "failed":
        return _FAULTS.get(_or(modem.whole("StateFailedReason"), 0), "failed")
    return "sim_locked" if state == "locked" else None


def _technology(modem: Said) -> tuple[Technology | None, str]:
    bits = _or(modem.whole("AccessTechnologies"), 0)
    return next(((name, where) for mask, name, where in _TECHNOLOGIES if bits & mask), (None, ""))


def _signal(signal: Said, where: str) -> Said:
    """What was measured in the technology in use; a 5G cell that hangs on LTE has LTE's."""
    wanted = [where] if where else []
    found = (signal.part(name) for name in (*wanted, "Nr5g", "Lte", "Umts", "Gsm"))
    return next((one for one in found if one.of), Said())


def _band(modem: Said) -> str:
    bands = modem.value("CurrentBands")
    if not isinstance(bands, list) or len(bands) != 1 or not isinstance(bands[0], int):
        return ""
    band = bands[0]
    if _EUTRAN < band <= 115:
        return f"B{band - _EUTRAN}"
    return f"n{band - _NGRAN}" if _NGRAN < band <= 561 else ""


def _quality(modem: Said) -> int | None:
    """(percent, taken recently): an old percentage is none."""
    held = modem.value("SignalQuality")
    if not isinstance(held, tuple) or len(held) != 2 or held[1] is not True:
        return None
    percent = held[0]
    return percent if isinstance(percent, int) and 0 <= percent <= 100 else None


def _bearer(bearers: list[Said]) -> Said:
    """The one that is connected, else the newest that says why it is not, else the newest."""
    for one in bearers:
        if one.flag("Connected"):
            return one
    failed = [one for one in bearers if _connection_error(one)]
    return (failed or bearers or [Said()])[-1]


def _connection_error(bearer: Said) -> str:
    """(error name, message), empty strings while there is none."""
    held = bearer.value("ConnectionError")
    if not isinstance(held, tuple) or len(held) != 2:
        return ""
    name, message = _clean(held[0], WHY_MAX), _clean(held[1], WHY_MAX)
    return message or name.rpartition(".")[2]


def _why(network: Said, bearer: Said) -> str:
    if not bearer.flag("Connected") and (error := _connection_error(bearer)):
        return error
    rejected = network.part("NetworkRejection").whole("error")
    return f"network rejection {rejected}" if rejected else ""


def _interfaces(modem: Said, bearers: list[Said]) -> tuple[str, ...]:
    """Of the connections, and the network ports (MMModemPortType 2) of the modem."""
    names = {one.text("Interface") for one in bearers}
    ports = modem.value("Ports")
    for port in ports if isinstance(ports, list) else []:
        if isinstance(port, tuple) and len(port) == 2 and port[1] == 2:
            names.add(_clean(port[0], TEXT_MAX))
    return tuple(sorted(names - {""}))


def _first(held: Any) -> str:
    return _clean(held[0], 24) if isinstance(held, list) and held else ""


def _clean(text: Any, most: int) -> str:
    """One printable line of at most `most` letters: operators choose their names."""
    if not isinstance(text, str):
        return ""
    shown = "".join(one if unicodedata.category(one)[0] != "C" else " " for one in text)
    return " ".join(shown.split())[:most]


def _or(value: int | None, default: int) -> int:
    return default if value is None else value
