"""When an item first sounds: what is recorded of it, and which rules an emergency broke.

Owns the start record, the volumes an item began with, and what an emergency began against. Is
asked once for each occurrence; what follows is told by its as-run records.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from agent.contract.reasons import OccurrenceReason
from agent.contract.reports import AirStart
from agent.core.facts import OpenItem
from agent.core.items import Item
from agent.core.parts import Parts
from agent.core.turn import Turn


def began(parts: Parts, key: str, turn: Turn) -> None:
    """The first sample of the item `key` left the card."""
    held, item = parts.facts.open.get(key), parts.air.items.get(key)
    if held is None or item is None:
        return
    zones = tuple(name for name, on in parts.air.decision.zones.items() if on.key == key)
    if not zones:  # it ends in this very moment; where a rule kept it off it did not sound
        zones = tuple(z for z in held.zones if item.bar_at(z, turn.wall_ms) is None)
    volumes = {zone: parts.volume_for(item, zone)[0] for zone in held.zones}
    held = msgspec.structs.replace(held, volumes=volumes)
    if item.klass == 1 and parts.time.trust == "trusted":
        held = msgspec.structs.replace(
            held,
            broke=broken(parts, item, turn.wall_ms),
            ceilings={
                zone: parts.ceilings[zone]
                for zone, volume in volumes.items()
                if volume > parts.ceilings.get(zone, volume)
            },
        )
    parts.facts.put("open", key, held)
    if held.recorded:
        parts.reporter.record(_start(held, zones), turn)


def broken(parts: Parts, item: Item, t_ms: int) -> dict[str, tuple[OccurrenceReason, ...]]:
    """By zone, the rules of the air against which an emergency begins at `t_ms`.

    Is asked only when the time is known: a record names no rule by a clock nobody believes.
    """
    languages = [one for one in item.language.split(",") if one]
    used_up = parts.lineup.used_up(parts.air.items.values(), item, t_ms)
    found: dict[str, tuple[OccurrenceReason, ...]] = {}
    for zone in item.zones:
        against = parts.rules.against(zone, t_ms, languages)
        if zone in used_up:
            against.append(used_up[zone])
        if parts.quiet.of(zone, t_ms) is not None:
            against.append(OccurrenceReason.QUIET)
        if against:
            found[zone] = tuple(against)
    return found


def _start(held: OpenItem, zones: Iterable[str]) -> AirStart:
    zones = tuple(zones)
    volumes = {held.volumes[zone] for zone in zones if zone in held.volumes}
    return AirStart(
        occurrence=held.ref,
        title=held.title,
        klass=held.klass,
        zones=zones,
        planned_start_ms=held.start_ms,
        planned_duration_ms=held.play_ms,
        author=held.author,
        approver=held.approver,
        approved_by=held.approved_by,
        approval=held.approval,
        document_number=held.document_number,
        field=held.field,
        language=held.language,
        source=held.source,
        volume=volumes.pop() if len(volumes) == 1 else None,
        revision=held.revision,
        about=held.about,
    )
