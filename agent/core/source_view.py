"""The station as a source-system status report shows it. Reads, changes nothing.

What was not measured is None or "": nothing here stands in for a reading.
"""

from __future__ import annotations

from dataclasses import dataclass

from agent.contract.addresses import shown
from agent.contract.documents import StreamSource
from agent.contract.reports import OccurrenceRef
from agent.core.network import Network
from agent.core.parts import Parts


@dataclass(frozen=True, slots=True)
class Snapshot:
    """playing: something sounds. url, started_ms: of what sounds, the most urgent first.

    volume: of the loudest zone. link: the link in use, with its signal where that is known.
    """

    playing: bool = False
    title: str = ""
    url: str = ""
    started_ms: int | None = None
    volume: int | None = None
    version: str = ""
    temperature_cdeg: int | None = None
    storage_used_percent: int | None = None
    link: str = ""
    latitude_udeg: int | None = None
    longitude_udeg: int | None = None


def snapshot(parts: Parts) -> Snapshot:
    """As it is after the last event."""
    host, place = parts.host, parts.running.place or parts.site.place
    title, url, started_ms, playing = _sounding(parts)
    return Snapshot(
        playing=playing,
        title=title,
        url=url,
        started_ms=started_ms,
        volume=max(parts.volumes().values(), default=None),
        version=parts.site.version,
        link=_link(parts.network),
        temperature_cdeg=host.temperature_cdeg,
        storage_used_percent=_used(host.storage_free_mib, host.storage_total_mib),
        latitude_udeg=place.latitude_udeg if place is not None else None,
        longitude_udeg=place.longitude_udeg if place is not None else None,
    )


def _sounding(parts: Parts) -> tuple[str, str, int | None, bool]:
    air = parts.air
    keys = {on.key for on in air.decision.buses.values()}
    items = sorted((air.items[key] for key in keys if key in air.items), key=lambda one: one.klass)
    for item in items:
        held = parts.facts.open.get(item.key)
        if held is not None and held.sounded:
            return item.title, address_of(parts, held.ref, held.source), held.from_ms, True
    return "", "", None, False


def _link(network: Network) -> str:
    """As receivers in the field write it: "Ethernet", "4G,-97dbm"; "" when it is not known."""
    carrier = network.carrier
    if carrier is None:
        return ""
    modem = network.modem
    if modem is not None and carrier.name in modem.interfaces:
        name = modem.technology.upper() if modem.technology is not None else "3G/4G"
        return _with_signal(name, modem.rsrp_dbm if modem.rsrp_dbm is not None else modem.rssi_dbm)
    match carrier.kind:
        case "ethernet":
            return "Ethernet"
        case "wifi":
            return _with_signal("WiFi", carrier.signal_dbm)
        case "modem":
            return "3G/4G"
    return ""


def _with_signal(name: str, dbm: int | None) -> str:
    return name if dbm is None else f"{name},{dbm}dbm"


def _used(free_mib: int | None, total_mib: int | None) -> int | None:
    if free_mib is None or not total_mib:
        return None
    return max(0, min(100, round(100 * (total_mib - free_mib) / total_mib)))


def address_of(parts: Parts, ref: OccurrenceRef, source: str) -> str:
    """Where what a record calls `source` comes from; "" when that is not known any more."""
    kind, _, name = source.partition(":")
    if kind == "file" and name:
        bindings = parts.programme.bindings()
        return next((one.url for one in bindings if one.sha256.startswith(name)), "")
    if kind == "stream" and name.isdecimal():
        for force in parts.programme.schedules:
            if force.schedule.authority != ref.authority:
                continue
            for entry in force.schedule.entries:
                if entry.id == ref.entry and int(name) < len(entry.sources):
                    found = entry.sources[int(name)]
                    return shown(found.url) if isinstance(found, StreamSource) else ""
    return ""
