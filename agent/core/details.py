"""The picture of the station that goes up when something in it changed, and when that is.

Owns what counts as a change. A state that is another one is told; a measurement is told when it
moved by a step since it was told last, so that jitter sends nothing; counters ride along, and all
of it is told once a day. While changes keep coming the pause between two grows to an hour.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Literal

import msgspec

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
from agent.core.data_use import MIB, month_began
from agent.core.events import ModemSeen
from agent.core.parts import Parts
from agent.core.watch import controllers

DAY_MS = 86_400_000
PAUSE_MAX_MS = 3_600_000
CALM_MS = 3_600_000
"""After so long without a change the pause is short again."""

TOKENS_MAX = 1_000
"""Below the tokens of records."""

COMPLETE_WITHIN_MS = 20_000
"""The first picture waits this long for the first look at box and links."""

SIGNAL_STEP_DB = 6
QUALITY_STEP_PERCENT = 20
HEAT_STEP_CDEG = 1_000
BATTERY_STEP_PERCENT = 20
SUPPLY_STEP_MV = 250
STORAGE_STEPS = 10
PLAN_STEPS = 10
MOVED_UDEG = 500
"""About 55 m."""

BOOT_STEP_MS = 120_000

Measured = tuple[int | None, int]
"""A value and its step."""


class Picture:
    """What was told last, and when the next may go. token: of the publish that carries it."""

    def __init__(self, pause_ms: int) -> None:
        self._first_pause_ms = self._pause_ms = pause_ms
        self.told: Details | None = None
        self.token = 0
        self._arrived = False
        self._told_mono_ms = 0
        self._moved_mono_ms = 0
        self._waiting = False

    def delivered(self, token: int) -> None:
        self._arrived |= token == self.token

    def unlinked(self) -> None:
        """What nobody acknowledged has to be told again; what arrived stays told."""
        if not self._arrived:
            self.told = None

    def _may_tell(self, mono_ms: int) -> bool:
        return self.told is None or mono_ms - self._told_mono_ms >= self._pause_ms

    def consider(self, now: Details, mono_ms: int) -> bool:
        """Whether to tell `now`; if so it is the one that was told."""
        before = self.told
        if before is not None:
            old = mono_ms - self._told_mono_ms >= DAY_MS
            self._waiting = worth_telling(before, now)
            if self._waiting:
                if mono_ms - self._moved_mono_ms >= CALM_MS:
                    self._pause_ms = self._first_pause_ms
                self._moved_mono_ms = mono_ms
            if not old and not (self._waiting and self._may_tell(mono_ms)):
                return False
            if self._waiting:
                self._pause_ms = min(PAUSE_MAX_MS, 2 * self._pause_ms)
        self.told, self._told_mono_ms, self._waiting = now, mono_ms, False
        self.token, self._arrived = self.token % TOKENS_MAX + 1, False
        return True

    def wake_mono_ms(self) -> int | None:
        """When to look again without any event: the end of the pause, or a day."""
        if self.told is None:
            return None
        return self._told_mono_ms + (self._pause_ms if self._waiting else DAY_MS)


# --- what counts as a change ----------------------------------------------------------------


def worth_telling(told: Details, now: Details) -> bool:
    if _still(told) != _still(now) or _lines_changed(told, now):
        return True
    pairs = zip(_measures(told), _measures(now), strict=True)
    if any(_moved(before, after) for before, after in pairs):
        return True
    amplifiers = zip(_amplifiers(told), _amplifiers(now), strict=True)
    return any(after[0] is not None and _moved(before, after) for before, after in amplifiers)


def _moved(before: Measured, after: Measured) -> bool:
    was, now, step = before[0], after[0], after[1]
    if was is None or now is None:
        return (was is None) != (now is None)
    return abs(now - was) >= step


def _lines_changed(told: Details, now: Details) -> bool:
    """A line that is not measured just now (the amplifier is off) is no news."""
    before = {zone.name: zone.line for zone in told.zones}
    return any(zone.line != "unknown" and before.get(zone.name) != zone.line for zone in now.zones)


def _still(details: Details) -> Details:
    """Without everything that moves by itself."""
    replace = msgspec.structs.replace
    link = details.link
    modem = link.modem
    if modem is not None:
        modem = replace(
            modem,
            quality_percent=None,
            rssi_dbm=None,
            rsrp_dbm=None,
            rsrq_cdb=None,
            sinr_cdb=None,
        )
    place = details.place
    if place is not None:
        place = replace(place, latitude_udeg=0, longitude_udeg=0)
    box = replace(
        details.box,
        temperature_cdeg=None,
        storage_free_mib=None,
        memory_free_mib=None,
        booted_ms=None,
    )
    return replace(
        details,
        at_ms=0,
        place=place,
        link=replace(link, wifi_dbm=None, modem=modem),
        data=replace(details.data, today_bytes=None, month_bytes=None, by_link={}),
        power=replace(details.power, battery_percent=None),
        box=box,
        zones=tuple(
            replace(zone, line="unknown", level_cdb=None, level_at_ms=None)
            for zone in details.zones
        ),
        controllers=tuple(
            replace(one, power="", temperature_cdeg=None, supply_mv=None)
            for one in details.controllers
        ),
        counts=Counts(),
    )


def _measures(details: Details) -> Iterator[Measured]:
    link, box, data, place = details.link, details.box, details.data, details.place
    modem = link.modem
    yield link.wifi_dbm, SIGNAL_STEP_DB
    yield (modem.rssi_dbm if modem else None), SIGNAL_STEP_DB
    yield (modem.rsrp_dbm if modem else None), SIGNAL_STEP_DB
    yield (modem.rsrq_cdb if modem else None), SIGNAL_STEP_DB * 100
    yield (modem.sinr_cdb if modem else None), SIGNAL_STEP_DB * 100
    yield (modem.quality_percent if modem else None), QUALITY_STEP_PERCENT
    yield details.power.battery_percent, BATTERY_STEP_PERCENT
    yield box.temperature_cdeg, HEAT_STEP_CDEG
    yield box.storage_free_mib, max(64, (box.storage_total_mib or 0) // STORAGE_STEPS)
    yield box.booted_ms, BOOT_STEP_MS
    yield (place.latitude_udeg if place else None), MOVED_UDEG
    yield (place.longitude_udeg if place else None), MOVED_UDEG
    if data.plan_mib:
        yield data.month_bytes, max(1, data.plan_mib * MIB // PLAN_STEPS)
    else:
        yield None, 1


def _amplifiers(details: Details) -> Iterator[Measured]:
    """Known only while it is switched on: that it is not known is no news."""
    for one in details.controllers:
        yield one.temperature_cdeg, HEAT_STEP_CDEG
        yield one.supply_mv, SUPPLY_STEP_MV


# --- the picture ----------------------------------------------------------------------------


def is_complete(parts: Parts, mono_ms: int) -> bool:
    """Box and links were looked at, or nobody is going to."""
    seen = parts.running.host_looked and parts.network.looked
    return seen or mono_ms - parts.booted_mono_ms >= COMPLETE_WITHIN_MS


def details_of(parts: Parts, wall_ms: int) -> Details:
    today = parts.today(wall_ms)
    return Details(
        station=parts.site.station,
        installation=parts.reporter.installation,
        at_ms=wall_ms,
        identity=_identity(parts),
        place=_place(parts),
        link=_link(parts),
        data=_data(parts, today),
        power=_power(parts),
        box=_box(parts),
        zones=tuple(_zones(parts)),
        controllers=tuple(_controllers(parts)),
        counts=_counts(parts),
    )


def _identity(parts: Parts) -> IdentityDetails:
    site = parts.site
    one = site.identity
    return IdentityDetails(
        name=site.name,
        version=site.version,
        area=one.area,
        area_code=one.area_code,
        supplier=one.supplier,
        supplier_code=one.supplier_code,
        model=one.model,
        serial=one.serial,
    )


def _place(parts: Parts) -> PlaceDetails | None:
    found, source = parts.running.place, parts.site.place
    if found is not None:
        return PlaceDetails(
            latitude_udeg=found.latitude_udeg, longitude_udeg=found.longitude_udeg, source="gps"
        )
    if source is None:
        return None
    return PlaceDetails(
        latitude_udeg=source.latitude_udeg, longitude_udeg=source.longitude_udeg, source="fixed"
    )


def _link(parts: Parts) -> LinkDetails:
    network = parts.network
    carrier = network.carrier
    modem = network.modem
    wifi = next((one for one in network.seen.interfaces if one.kind == "wifi"), None)
    nothing: Literal["none", ""] = "none" if network.looked else ""
    return LinkDetails(
        kind=carrier.kind if carrier is not None else nothing,
        interface=carrier.name if carrier is not None else "",
        wifi_dbm=wifi.signal_dbm if wifi is not None else None,
        speed_mbit_s=carrier.speed_mbit_s if carrier is not None else None,
        modem=_modem(modem, network.terms.sim_number) if modem is not None else None,
        last_fault=network.last_fault,
        last_fault_ms=network.last_fault_ms,
    )


def _modem(modem: ModemSeen, sim_number: str) -> ModemDetails:
    return ModemDetails(
        state=modem.state,
        fault=modem.fault or "",
        registration="" if modem.registration == "unknown" else modem.registration,
        technology=modem.technology or "",
        operator=modem.operator,
        operator_code=modem.operator_code,
        band=modem.band,
        quality_percent=modem.quality_percent,
        rssi_dbm=modem.rssi_dbm,
        rsrp_dbm=modem.rsrp_dbm,
        rsrq_cdb=modem.rsrq_cdb,
        sinr_cdb=modem.sinr_cdb,
        number=modem.number or sim_number,
        iccid=modem.iccid,
        imei=modem.imei,
        model=modem.model,
        roaming_allowed=modem.roaming_allowed,
        why=modem.why,
    )


def _data(parts: Parts, today: date | None) -> DataDetails:
    network, terms = parts.network, parts.network.terms
    plan = terms.data_plan_mib or None
    if today is None:
        return DataDetails(plan_mib=plan, sim_expires=terms.sim_expires)
    return DataDetails(
        today_bytes=network.today_bytes(today),
        month_bytes=network.month_bytes(today),
        month_from=month_began(today, terms.data_plan_day).isoformat(),
        plan_mib=plan,
        sim_expires=terms.sim_expires,
        by_link=network.by_link(today),
    )


def _power(parts: Parts) -> PowerDetails:
    return PowerDetails(
        mains=parts.host.mains,
        undervoltage=parts.host.undervoltage,
        undervoltage_seen=parts.running.box.undervoltage,
        battery_percent=parts.host.battery_percent,
    )


def _box(parts: Parts) -> BoxDetails:
    host, booted_ms = parts.host, parts.running.booted_ms
    return BoxDetails(
        temperature_cdeg=host.temperature_cdeg,
        storage_free_mib=host.storage_free_mib,
        storage_total_mib=host.storage_total_mib,
        storage_worn_percent=host.storage_worn_percent,
        memory_free_mib=host.memory_free_mib,
        memory_total_mib=host.memory_total_mib,
        booted_ms=None if booted_ms is None else booted_ms // 60_000 * 60_000,
        boots=parts.running.box.boots or None,
        clock=parts.time.trust,
    )


def _zones(parts: Parts) -> Iterator[ZoneDetails]:
    ledger = parts.air.ledger
    for zone in parts.site.zones:
        seen = ledger.zones_seen.get(zone.name)
        volume, source = parts.volume_for(None, zone.name)
        level = ledger.last_levels.get(zone.name)
        yield ZoneDetails(
            name=zone.name,
            volume=volume,
            volume_source=source,
            controller=zone.controller,
            line=seen.line if seen is not None else "unknown",
            level_cdb=level[0] if level is not None else None,
            level_at_ms=level[1] if level is not None else None,
        )


def _controllers(parts: Parts) -> Iterator[ControllerDetails]:
    for name in controllers(parts):
        seen = parts.air.ledger.controllers.get(name)
        if seen is None:
            yield ControllerDetails(name=name, state="opening")
            continue
        yield ControllerDetails(
            name=name,
            state=seen.state,
            power=seen.power,
            lease=seen.lease,
            identity=seen.identity,
            temperature_cdeg=seen.temperature_cdeg,
            supply_mv=seen.supply_mv,
            mains=seen.mains,
        )


def _counts(parts: Parts) -> Counts:
    running = parts.running
    return Counts(
        agent_since_ms=running.since_ms,
        starts=parts.facts.marks.birth,
        connects=running.connects,
        items=running.items,
        alarms=running.alarms,
        sound_lost=running.sound_lost,
        controllers_lost=running.controllers_lost,
        underruns=parts.audio.underruns,
        reopened=parts.audio.reopened,
    )
