"""What a station tells of itself (`up/details`) as lines for an engineer; unknown is `?`.

Owns the choice and the order. The words for link, signal and data are those the technician reads at
the box, so that both speak of the same thing on the telephone.
"""

from __future__ import annotations

from collections.abc import Iterator

from agent.cli.columns import flow
from agent.cli.screens import link as link_screen
from agent.cli.texts import say as word
from agent.cli.wording import UNKNOWN, decibels, iso_date, size
from agent.contract.details import Details, ZoneDetails
from agent.contract.reasons import LINK_FAULT, OCCURRENCE, Lang, OccurrenceReason
from agent.contract.reports import Health
from agent.core.words import CONTROLLER
from simulator.source_system.districtctl.moments import shown
from simulator.source_system.districtctl.phrases import mark, say

WIDTH = 76
_LINES = {"ok": "ok", "open": "bad", "short": "bad", "unknown": "unknown"}


def brief(details: Details, lang: Lang) -> list[str]:
    """Two lines at most: link with its signal, data against the plan, power."""
    return flow(
        [*_link(details, lang), *_power(details, lang)], WIDTH, between=" · ", indent="    "
    )


def full(details: Details, health: Health | None, lang: Lang) -> list[str]:
    """Everything, in the order in which somebody asks for it."""
    rows = [
        list(_who(details, lang)),
        list(_link(details, lang)),
        list(_sim(details)),
        list(_power(details, lang)),
        list(_box(details, lang)),
        list(_counts(details, lang)),
    ]
    lines = [line for row in rows for line in flow(row, WIDTH, between=" · ", indent="    ")]
    playing = _playing(health, len(details.zones))
    for place, zone in enumerate(details.zones):
        lines += flow([_zone(zone, playing[place], lang)], WIDTH, indent="      ")
    for one in details.controllers:
        lines += flow([_controller(one.name, details, lang)], WIDTH, indent="      ")
    return [*lines, "    " + say("details_at", lang, time=shown(details.at_ms))]


def _who(details: Details, lang: Lang) -> Iterator[str]:
    one = details.identity
    yield f"{one.name} {one.version}"
    if one.area:
        yield one.area + (f" ({one.area_code})" if one.area_code else "")
    if one.supplier:
        yield one.supplier + (f" ({one.supplier_code})" if one.supplier_code else "")
    if one.model or one.serial:
        yield f"{one.model} {one.serial}".strip()
    place = details.place
    if place is None:
        yield say("place_unknown", lang)
    else:
        where = f"{place.latitude_udeg / 1e6:.5f}, {place.longitude_udeg / 1e6:.5f}"
        yield say(f"place_{place.source}", lang, where=where)


def _link(details: Details, lang: Lang) -> Iterator[str]:
    link, data = details.link, details.data
    yield from link_screen.way(link, lang)
    if link.modem is not None:
        yield from link_screen.radio(link.modem, lang)
    yield from link_screen.data_items(data, lang)
    if data.sim_expires:
        yield word(lang, "sim-expires", date=iso_date(data.sim_expires))
    if link.last_fault is not None and link.last_fault_ms is not None:
        why = LINK_FAULT[link.last_fault].text(lang)
        yield word(lang, "link-last", time=shown(link.last_fault_ms), why=why)


def _sim(details: Details) -> Iterator[str]:
    modem = details.link.modem
    if modem is None:
        return
    yield f"SIM {modem.number or UNKNOWN}"
    yield f"ICCID {modem.iccid or UNKNOWN}"
    yield f"IMEI {modem.imei or UNKNOWN}"


def _power(details: Details, lang: Lang) -> Iterator[str]:
    power = details.power
    mains = {True: "mains-on", False: "mains-lost", None: "mains-unknown"}[power.mains]
    yield word(lang, mains)
    if power.battery_percent is not None:
        yield word(lang, "battery", percent=power.battery_percent)
    if power.undervoltage or power.undervoltage_seen:
        key = "undervoltage" if power.undervoltage else "undervoltage_seen"
        yield f"{mark('bad' if power.undervoltage else 'note')} {say(key, lang)}"


def _box(details: Details, lang: Lang) -> Iterator[str]:
    box = details.box
    yield f"{UNKNOWN if box.temperature_cdeg is None else box.temperature_cdeg // 100} °C"
    free = UNKNOWN if box.storage_free_mib is None else size(box.storage_free_mib, lang)
    total = "" if box.storage_total_mib is None else f"/{size(box.storage_total_mib, lang)}"
    yield say("storage", lang, free=f"{free}{total}")
    worn = UNKNOWN if box.storage_worn_percent is None else f"{box.storage_worn_percent} %"
    yield say("worn", lang, worn=worn)
    yield f"RAM {UNKNOWN if box.memory_free_mib is None else size(box.memory_free_mib, lang)}"
    if box.booted_ms is not None:
        yield say("booted", lang, time=shown(box.booted_ms), boots=box.boots or UNKNOWN)
    if box.clock:
        yield (
            word(lang, f"clock-{box.clock}") if box.clock in ("trusted", "untrusted") else box.clock
        )


def _counts(details: Details, lang: Lang) -> Iterator[str]:
    one = details.counts
    yield say("counts", lang, since=shown(one.agent_since_ms), starts=one.starts)
    yield say("counts_done", lang, items=one.items, connects=one.connects, alarms=one.alarms)
    if one.sound_lost or one.controllers_lost:
        yield say("counts_lost", lang, sound=one.sound_lost, controllers=one.controllers_lost)
    if one.underruns or one.reopened:
        yield say("counts_torn", lang, underruns=one.underruns, reopened=one.reopened)


def _playing(health: Health | None, zones: int) -> list[str]:
    """By zone the entry it hears, by the newest heartbeat; "" nothing or not known."""
    if health is None or not health.pl:
        return [""] * zones
    buses = {bus: entry for entry, _, bus in (one.rpartition("@") for one in health.pl.split(","))}
    only = next(iter(buses.values())) if len(buses) == 1 else ""
    heard = health.zb or ""
    opened = health.zn or ""
    found = []
    for place in range(zones):
        is_open = place < len(opened) and opened[place] != "-"
        bus = heard[place] if place < len(heard) else ""
        found.append((only or buses.get(bus, "")) if is_open else "")
    return found


def _zone(zone: ZoneDetails, playing: str, lang: Lang) -> str:
    parts = [
        say("zone_volume", lang, volume=zone.volume, by=word(lang, f"volume-{zone.volume_source}"))
    ]
    if playing:
        parts.append(say("zone_playing", lang, entry=playing))
    if zone.level_cdb is not None and zone.level_at_ms is not None:
        level, when = decibels(zone.level_cdb, lang), shown(zone.level_at_ms)
        parts.append(say("zone_level", lang, level=level, time=when))
    fault = {"open": OccurrenceReason.LINE_OPEN, "short": OccurrenceReason.LINE_SHORT}.get(
        zone.line
    )
    line = OCCURRENCE[fault].text(lang) if fault is not None else word(lang, f"line-{zone.line}")
    return f"{mark(_LINES[zone.line])} {zone.name}: {line}, {', '.join(parts)}"


def _controller(name: str, details: Details, lang: Lang) -> str:
    one = next(one for one in details.controllers if one.name == name)
    state = CONTROLLER.get(one.state)  # type: ignore[call-overload]
    mains = {True: "mains_yes", False: "mains_no", None: "mains_unknown"}[one.mains]
    heat = UNKNOWN if one.temperature_cdeg is None else f"{one.temperature_cdeg // 100}"
    supply = "" if one.supply_mv is None else f", {decibels(one.supply_mv // 10, lang)} V"
    sign = mark("ok" if one.state == "ready" and one.mains is not False else "bad")
    told = state.text(lang) if state is not None else one.state
    return f"{sign} {one.name}: {told}, {say(mains, lang)}, {heat} °C{supply}"
