"""ModemManager without a modem: the properties and calls that a reader needs, on a private bus.

Owns one thread and its connection. Property names, signatures and error names are those of
ModemManager's published interface (org.freedesktop.ModemManager1). What is not implemented
answers UnknownMethod, as the real one does.

The objects are plain data: change them between two looks, or call the small methods that say what
happens to a modem.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from jeepney import HeaderFields, Message, MessageType, new_error, new_method_return
from jeepney.bus_messages import message_bus
from jeepney.io.blocking import DBusConnection, open_dbus_connection

SERVICE = "org.freedesktop.ModemManager1"
ROOT = "/org/freedesktop/ModemManager1"
MODEM = f"{SERVICE}.Modem"
THREE_GPP = f"{MODEM}.Modem3gpp"
SIGNAL = f"{MODEM}.Signal"
SIM = f"{SERVICE}.Sim"
BEARER = f"{SERVICE}.Bearer"
MODEM_PATH = f"{ROOT}/Modem/0"
SIM_PATH = f"{ROOT}/SIM/0"
BEARER_PATH = f"{ROOT}/Bearer/0"

PROPERTIES = "org.freedesktop.DBus.Properties"
OBJECT_MANAGER = "org.freedesktop.DBus.ObjectManager"
UNAUTHORIZED = f"{SERVICE}.Error.Core.Unauthorized"
UNKNOWN_METHOD = "org.freedesktop.DBus.Error.UnknownMethod"
UNKNOWN_OBJECT = "org.freedesktop.DBus.Error.UnknownObject"

START_LIMIT_S = 5.0
POLL_S = 0.05

Properties = dict[str, tuple[str, Any]]
Interfaces = dict[str, Properties]

LTE = 1 << 14
CONNECTED, REGISTERED, SEARCHING, LOCKED, FAILED = 11, 8, 7, 2, -1
HOME, DENIED, ROAMING = 1, 3, 5


def lte_modem() -> dict[str, Interfaces]:
    """A modem that is connected at home over LTE, with its SIM and its bearer."""
    return {
        MODEM_PATH: {
            MODEM: {
                "State": ("i", CONNECTED),
                "StateFailedReason": ("u", 0),
                "UnlockRequired": ("u", 1),
                "AccessTechnologies": ("u", LTE),
                "SignalQuality": ("(ub)", (61, True)),
                "OwnNumbers": ("as", ["+84900000001"]),
                "Manufacturer": ("s", "QUECTEL"),
                "Model": ("s", "EC25"),
                "EquipmentIdentifier": ("s", "867698040000017"),
                "CurrentBands": ("au", [31, 33]),
                "PrimaryPort": ("s", "cdc-wdm0"),
                "Ports": ("a(su)", [("cdc-wdm0", 6), ("wwan0", 2)]),
                "Sim": ("o", SIM_PATH),
                "Bearers": ("ao", [BEARER_PATH]),
            },
            THREE_GPP: {
                "Imei": ("s", "867698040000017"),
                "RegistrationState": ("u", HOME),
                "OperatorCode": ("s", "45204"),
                "OperatorName": ("s", "Viettel"),
            },
            SIGNAL: {
                "Rate": ("u", 0),
                "Gsm": ("a{sv}", {}),
                "Umts": ("a{sv}", {}),
                "Lte": ("a{sv}", {}),
                "Nr5g": ("a{sv}", {}),
            },
        },
        SIM_PATH: {
            SIM: {
                "Active": ("b", True),
                "SimIdentifier": ("s", "8984041234567890123"),
                "Imsi": ("s", "452040000000001"),
                "OperatorName": ("s", "Viettel"),
            }
        },
        BEARER_PATH: {
            BEARER: {
                "Interface": ("s", "wwan0"),
                "Connected": ("b", True),
                "ConnectionError": ("(ss)", ("", "")),
                "Properties": (
                    "a{sv}",
                    {"apn": ("s", "v-internet"), "allow-roaming": ("b", False)},
                ),
            }
        },
    }


MEASURED: dict[str, tuple[str, Any]] = {
    "rssi": ("d", -67.0),
    "rsrq": ("d", -10.5),
    "rsrp": ("d", -97.0),
    "snr": ("d", 8.4),
}
"""What an LTE modem measures once it was asked to (`Setup`)."""


class ModemManagerService:
    """`with ModemManagerService(bus.address, lte_modem()) as manager:`; owns the name meanwhile.

    allowed: whether the caller may ask for measuring (what polkit decides on a box).
    """

    def __init__(
        self,
        address: str,
        objects: Mapping[str, Interfaces] | None = None,
        *,
        allowed: bool = True,
        measured: Mapping[str, tuple[str, Any]] = MEASURED,
    ) -> None:
        self._address = address
        self._lock = threading.Lock()
        self._objects: dict[str, Interfaces] = dict(objects or {})
        self._measured = dict(measured)
        self.allowed = allowed
        self.calls: list[str] = []
        """What was asked, `Interface.Method` in order."""
        self._stop = threading.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="modem manager", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._ready.wait(START_LIMIT_S):
            raise RuntimeError("the modem service did not get its name")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join(START_LIMIT_S)

    # --- what happens to the modem -------------------------------------------------------

    def set(self, path: str, interface: str, **properties: tuple[str, Any]) -> None:
        """Properties as (signature, value)."""
        with self._lock:
            self._objects[path][interface].update(properties)

    def measure(self, **values: float) -> None:
        """What the antenna gets: rssi, rsrp (dBm), rsrq, snr (dB). Seen once measuring is on."""
        with self._lock:
            self._measured.update({name: ("d", value) for name, value in values.items()})
            signal = self._objects[MODEM_PATH][SIGNAL]
            if signal["Rate"][1]:
                signal["Lte"] = ("a{sv}", dict(self._measured))

    def unplug(self) -> None:
        with self._lock:
            self._objects.clear()

    def plug_in(self, objects: Mapping[str, Interfaces]) -> None:
        with self._lock:
            self._objects.update(objects)

    # --- the service ---------------------------------------------------------------------

    def _serve(self) -> None:
        with open_dbus_connection(self._address) as connection:
            connection.send_and_get_reply(message_bus.RequestName(SERVICE), timeout=START_LIMIT_S)
            self._ready.set()
            while not self._stop.is_set():
                with contextlib.suppress(TimeoutError):
                    self._answer(connection, connection.receive(timeout=POLL_S))

    def _answer(self, connection: DBusConnection, message: Message) -> None:
        if message.header.message_type is not MessageType.method_call:
            return
        fields = message.header.fields
        path = str(fields[HeaderFields.path])
        interface = str(fields.get(HeaderFields.interface, ""))
        member = str(fields[HeaderFields.member])
        with self._lock:
            self.calls.append(f"{interface.rpartition('.')[2]}.{member}")
            connection.send(self._reply(message, path, f"{interface}.{member}"))

    def _reply(self, message: Message, path: str, called: str) -> Message:
        if called == f"{OBJECT_MANAGER}.GetManagedObjects" and path == ROOT:
            modems = {one: said for one, said in self._objects.items() if MODEM in said}
            return new_method_return(message, "a{oa{sa{sv}}}", (modems,))
        if called == f"{PROPERTIES}.GetAll":
            held = self._objects.get(path, {}).get(message.body[0])
            if held is None:
                return new_error(message, UNKNOWN_OBJECT, "s", (f"no {message.body[0]} at {path}",))
            return new_method_return(message, "a{sv}", (held,))
        if called == f"{SIGNAL}.Setup" and path in self._objects:
            if not self.allowed:
                return new_error(message, UNAUTHORIZED, "s", ("PolicyKit authorization failed",))
            signal = self._objects[path][SIGNAL]
            signal["Rate"] = ("u", message.body[0])
            signal["Lte"] = ("a{sv}", dict(self._measured))
            return new_method_return(message)
        return new_error(message, UNKNOWN_METHOD, "s", (called,))
