"""What a station says of itself when something of it changed: topic `up/details`, retained.

The heartbeat says that the station lives and what plays; this is the rest, sent when it is not as
it was told last (`agent.core.details` decides what counts as a change). Unsigned, over mutual TLS.

`None` and "" mean: not measured, not configured, not told. Nothing is a constant in disguise.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from agent.contract.reasons import LinkFault
from agent.contract.units import Id

LinkKind = Literal["ethernet", "wifi", "modem", "other", "none"]


class IdentityDetails(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who it is, as configured."""

    name: str
    version: str
    area: str = ""
    area_code: str = ""
    supplier: str = ""
    supplier_code: str = ""
    model: str = ""
    serial: str = ""


class PlaceDetails(msgspec.Struct, frozen=True, kw_only=True):
    """Where it stands, millionths of a degree. fixed: as configured."""

    latitude_udeg: int
    longitude_udeg: int
    source: Literal["fixed", "gps"]


class ModemDetails(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The modem in its own words, translated. why: its last disconnection."""

    state: str
    fault: str = ""
    registration: str = ""
    technology: str = ""
    operator: str = ""
    operator_code: str = ""
    band: str = ""
    quality_percent: int | None = None
    rssi_dbm: int | None = None
    rsrp_dbm: int | None = None
    rsrq_cdb: int | None = None
    sinr_cdb: int | None = None
    number: str = ""
    iccid: str = ""
    imei: str = ""
    model: str = ""
    roaming_allowed: bool | None = None
    why: str = ""


class LinkDetails(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The way out. kind: of the link with the default route; "" unknown.

    modem None: nobody on the box can tell. last_fault: why the station was away the last time, and
    since when; it is told afterwards, because while it lasts nothing can be told.
    """

    kind: LinkKind | Literal[""] = ""
    interface: str = ""
    wifi_dbm: int | None = None
    speed_mbit_s: int | None = None
    modem: ModemDetails | None = None
    last_fault: LinkFault | None = None
    last_fault_ms: int | None = None


class DataDetails(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Bytes of the links that are paid by the byte. month_from: local date its month began.

    plan_mib None: no plan is known. by_link: the month's bytes of every link.
    """

    today_bytes: int | None = None
    month_bytes: int | None = None
    month_from: str = ""
    plan_mib: int | None = None
    sim_expires: str = ""
    by_link: dict[str, int] = {}


class PowerDetails(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """undervoltage: the supply is too low now; undervoltage_seen: it was since the box started."""

    mains: bool | None = None
    undervoltage: bool | None = None
    undervoltage_seen: bool | None = None
    battery_percent: int | None = None


class BoxDetails(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """booted_ms: to the minute. boots: of the box, since this installation. worn: of its life."""

    temperature_cdeg: int | None = None
    storage_free_mib: int | None = None
    storage_total_mib: int | None = None
    storage_worn_percent: int | None = None
    memory_free_mib: int | None = None
    memory_total_mib: int | None = None
    booted_ms: int | None = None
    boots: int | None = None
    clock: str = ""


class ZoneDetails(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """volume: with nothing special playing. level: last measured behind the amplifier, and when.

    What plays there now is in the heartbeat.
    """

    name: str
    volume: int
    volume_source: Literal["timetable", "local", "command"]
    controller: str
    line: Literal["ok", "open", "short", "unknown"] = "unknown"
    level_cdb: int | None = None
    level_at_ms: int | None = None


class ControllerDetails(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """mains: of its amplifier; None where it has no sense for them."""

    name: str
    state: str
    power: str = "unknown"
    lease: str = "unknown"
    identity: str = ""
    temperature_cdeg: int | None = None
    supply_mv: int | None = None
    mains: bool | None = None


class Counts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Since the agent began. underruns: times the sound card ran dry; reopened: times the card was
    opened anew because its clock was no good."""

    agent_since_ms: int = 0
    starts: int = 0
    """of the agent, since this installation"""
    connects: int = 0
    items: int = 0
    alarms: int = 0
    sound_lost: int = 0
    controllers_lost: int = 0
    underruns: int = 0
    reopened: int = 0


class Details(msgspec.Struct, frozen=True, kw_only=True):
    """Topic `up/details`, retained: the newest picture of the station."""

    v: int = 1
    station: Id
    installation: Id
    at_ms: int
    identity: IdentityDetails
    place: PlaceDetails | None = None
    link: LinkDetails = LinkDetails()
    data: DataDetails = DataDetails()
    power: PowerDetails = PowerDetails()
    box: BoxDetails = BoxDetails()
    zones: tuple[ZoneDetails, ...] = ()
    controllers: tuple[ControllerDetails, ...] = ()
    counts: Counts = Counts()
