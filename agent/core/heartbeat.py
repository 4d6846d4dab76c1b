"""The heartbeat: that the station lives, what it plays, and the little that must not be late.

Owns what stands in it and what makes it come before its time. When it is sent is the reporter's.
"""

from __future__ import annotations

from agent.contract.reports import Health
from agent.core.data_use import MIB
from agent.core.inbox import digest_of_applied
from agent.core.parts import Parts
from agent.core.turn import Turn

SIGNS = {"yes": "y", "no": "n", "unknown": "?"}


def news(parts: Parts) -> object:
    """What is told at once when it changes: what plays where, and the mains."""
    buses = parts.air.decision.buses
    return tuple((bus, on.key) for bus, on in buses.items()), parts.host.mains


def health_of(parts: Parts, turn: Turn) -> Health:
    on_air = sorted((bus, on.key) for bus, on in parts.air.decision.buses.items())
    confirmation = parts.air.ledger.confirmation
    zones = "".join(
        SIGNS[confirmation(zone.name)[0]] if zone.name in parts.air.gates.open else "-"
        for zone in parts.site.zones
    )
    today = parts.today(turn.wall_ms)
    month = parts.network.month_bytes(today) if today is not None else None
    return Health(
        t=turn.wall_ms,
        d=digest_of_applied(parts.facts),
        up=(turn.now.mono_ms - parts.booted_mono_ms) // 1_000,
        tc=parts.host.temperature_cdeg,
        sf=parts.host.storage_free_mib,
        mf=parts.host.memory_free_mib,
        ck=parts.time.trust,
        pl=",".join(f"{key.split('|')[2]}@{bus}" for bus, key in on_air) or None,
        zn=zones,
        zb=_buses_of_zones(parts) if len(on_air) > 1 else None,
        al=len(parts.alarms.open),
        q=parts.reporter.outbox.unsent,
        mn=parts.host.mains,
        dm=month // MIB if month is not None else None,
    )


def _buses_of_zones(parts: Parts) -> str:
    """One digit a zone, `-` where nothing plays: with several buses, which of them it hears."""
    where = parts.air.decision.zones
    return "".join(
        str(where[zone.name].bus) if zone.name in where else "-" for zone in parts.site.zones
    )
