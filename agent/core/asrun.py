"""What really became of an occurrence in each zone: stretches of sound, gaps, one outcome.

Owns the roll-up of segments into played, partial or skipped with its reason, and the honesty of
`confirmed`. Sound that tore within a segment lowers what was played; after an underrun of unknown
length what counts as played carries a doubt, `sound_torn`, beside the count in `underruns`. A
language that was not said makes it partial, however long the siren sounded; one for which the slot
was too short is only named. Is told what left the card and what controllers read back; assumes
nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from agent.contract.reasons import RULES_OF_THE_AIR, OccurrenceReason
from agent.contract.reports import AsRun, Carried, Confirmation, Outcome, Segment
from agent.core.facts import OpenItem
from agent.core.items import Item
from agent.core.lineup import Provenance

SEGMENTS_MAX = 48
"""Per zone; a line that flutters more often is summed up in the last one."""

GAP_MIN_MS = 100
"""A shorter silence between two segments is one segment's rounding, not a gap."""

SILENT_CDB = -6_500
"""What leaves the mixer below it is silence, as the ear there has it."""

MISSING_MAX_MS = 1_000
MISSING_PERCENT = 2
"""Up to this much may be missing from an item that counts as played."""


def add_sound(
    item: OpenItem,
    zone: str,
    from_ms: int,
    to_ms: int,
    bus: int,
    level_cdb: int | None,
    confirmed: Confirmation,
    source: str = "",
) -> OpenItem:
    """A stretch that sounded in `zone`; a gap since the last one becomes a segment too.

    source: what carried it, as records call it."""
    if to_ms <= from_ms:
        return item
    item = _carry(item, zone, source, to_ms - from_ms)
    segments = list(item.segments.get(zone, ()))
    if segments:
        last = segments[-1]
        reason = item.gaps.get(zone, OccurrenceReason.SOUND_LOST)
        silent_ms = from_ms - last.to_ms
        if silent_ms >= GAP_MIN_MS and reason is not OccurrenceReason.CLOCK_STEP:
            segments.append(_gap(last, from_ms, reason))
        elif abs(silent_ms) < GAP_MIN_MS and _same(last, bus, confirmed):
            merged = msgspec.structs.replace(
                last, to_ms=to_ms, level_cdb=_louder(last.level_cdb, level_cdb)
            )
            return _with(item, zone, [*segments[:-1], merged])
    if len(segments) >= SEGMENTS_MAX:
        last = segments[-1]
        worst = _worst((last.confirmed, confirmed))
        segments[-1] = msgspec.structs.replace(last, to_ms=to_ms, confirmed=worst)
        return _with(item, zone, segments)
    segments.append(
        Segment(
            from_ms=from_ms,
            to_ms=to_ms,
            position_ms=max(0, from_ms - item.origin_ms),
            bus=bus,
            level_cdb=level_cdb,
            confirmed=confirmed,
        )
    )
    return _with(item, zone, segments)


def _carry(item: OpenItem, zone: str, source: str, ms: int) -> OpenItem:
    """So much more of what the zone heard came from this source."""
    before = item.carried.get(zone, {})
    after = {**before, source: before.get(source, 0) + ms}
    return msgspec.structs.replace(item, carried={**item.carried, zone: after})


def _missed(item: OpenItem, zone: str, source: str, ms: int) -> OpenItem:
    """So much less of it did; what this one never carried, those before it did not either."""
    after = dict(item.carried.get(zone, {}))
    for name in (source, *reversed([one for one in after if one != source])):
        taken_ms = min(ms, after.get(name, 0))
        if taken_ms:
            after[name] -= taken_ms
            ms -= taken_ms
    return msgspec.structs.replace(item, carried={**item.carried, zone: after})


def tear(
    item: OpenItem, bus: int, from_ms: int, to_ms: int, silent_ms: int, source: str = ""
) -> OpenItem:
    """For `silent_ms` between these instants no sound left the card on `bus`.

    source: whose sound it should have been. Where in between is not known: a zone that heard less
    than all of it missed what it can have.
    """
    torn = dict(item.torn)
    for zone, segments in item.segments.items():
        heard_ms = sum(
            max(0, min(one.to_ms, to_ms) - max(one.from_ms, from_ms))
            for one in segments
            if one.gap is None and one.bus == bus
        )
        missed_ms = min(heard_ms, silent_ms)
        torn[zone] = torn.get(zone, 0) + missed_ms
        if missed_ms:
            item = _missed(item, zone, source, missed_ms)
    return msgspec.structs.replace(item, torn={zone: ms for zone, ms in torn.items() if ms})


def cut_off(item: OpenItem, at_ms: int, source: str = "") -> OpenItem:
    """The item without what was booked as sound after `at_ms`: by then there was none.

    source: what should have sounded."""
    for zone, booked in item.segments.items():
        over = (one.to_ms - max(at_ms, one.from_ms) for one in booked if one.gap is None)
        cut_ms = sum(ms for ms in over if ms > 0)
        if cut_ms:
            item = _missed(item, zone, source, cut_ms)
    segments = {
        zone: tuple(
            msgspec.structs.replace(one, to_ms=min(one.to_ms, at_ms))
            for one in booked
            if one.gap is not None or one.from_ms < at_ms
        )
        for zone, booked in item.segments.items()
    }
    return msgspec.structs.replace(item, segments=segments)


def _gap(last: Segment, to_ms: int, reason: OccurrenceReason) -> Segment:
    return Segment(
        from_ms=last.to_ms,
        to_ms=to_ms,
        position_ms=last.position_ms + last.to_ms - last.from_ms,
        bus=last.bus,
        gap=reason,
    )


def _same(last: Segment, bus: int, confirmed: Confirmation) -> bool:
    return last.gap is None and last.bus == bus and last.confirmed == confirmed


def _with(item: OpenItem, zone: str, segments: list[Segment]) -> OpenItem:
    return msgspec.structs.replace(item, segments={**item.segments, zone: tuple(segments)})


def _louder(one: int | None, other: int | None) -> int | None:
    if one is None or other is None:
        return other if one is None else one
    return max(one, other)


def _worst(seen: Iterable[Confirmation]) -> Confirmation:
    found = set(seen)
    if "no" in found:
        return "no"
    return "yes" if found == {"yes"} else "unknown"


def outcome_of(
    item: OpenItem, zone: str, end_reason: OccurrenceReason | None, rule: str = ""
) -> AsRun:
    """The one record of this occurrence in `zone`. rule: the words behind `end_reason`."""
    segments = tuple(_as_heard(one) for one in item.segments.get(zone, ()))
    sounded = [one for one in segments if one.gap is None]
    torn_ms = item.torn.get(zone, 0)
    heard_ms = max(0, sum(one.to_ms - one.from_ms for one in sounded) - torn_ms)
    missing_ms = item.play_ms - heard_ms
    confirmed = _worst(one.confirmed for one in sounded) if sounded else "unknown"
    dark = any(one.gap is OccurrenceReason.NO_MAINS for one in segments)
    reason: OccurrenceReason | None = None
    outcome: Outcome
    if not sounded:
        outcome = "skipped"
        reason = end_reason or item.gaps.get(zone) or OccurrenceReason.LATE
    elif missing_ms <= max(MISSING_MAX_MS, item.play_ms * MISSING_PERCENT // 100):
        outcome = "played" if item.unsaid is None else "partial"
        if confirmed == "no":
            reason = item.doubts.get(zone, OccurrenceReason.ZONE_NOT_CONFIRMED)
        elif item.unsaid is not None:
            reason = item.unsaid
        elif item.underruns and not torn_ms:
            reason = OccurrenceReason.SOUND_TORN
    else:
        outcome = "partial"
        gap = next((one.gap for one in segments if one.gap is not None), None)
        if 2 * torn_ms >= missing_ms:
            gap = _why_torn(item)
        reason = end_reason or gap or item.gaps.get(zone) or OccurrenceReason.LATE
    if outcome != "played" and (dark or reason is OccurrenceReason.NO_MAINS):
        confirmed = "no"
    return AsRun(
        occurrence=item.ref,
        zone=zone,
        title=item.title,
        klass=item.klass,
        planned_start_ms=item.start_ms,
        planned_duration_ms=item.play_ms,
        outcome=outcome,
        reason=reason,
        confirmed=confirmed,
        segments=segments,
        played_ms=heard_ms,
        revision=item.revision,
        author=item.author,
        approver=item.approver,
        source=item.source,
        volume=item.volumes.get(zone, item.volume),
        underruns=item.underruns if item.sounded else None,
        silent_ms=item.silent_ms if item.sounded else None,
        start_error_ms=item.start_error_ms,
        rule=_rule(item, zone, reason, rule),
        broke=item.broke.get(zone, ()) if sounded else (),
        above_ceiling=item.ceilings.get(zone) if sounded else None,
        approved_by=item.approved_by,
        approval=item.approval,
        document_number=item.document_number,
        field=item.field,
        language=item.language,
        languages_missing=item.languages_missing,
        about=item.about,
        sources=_sources(item, zone),
    )


def _as_heard(segment: Segment) -> Segment:
    """An amplifier that was open cannot confirm that silence was heard."""
    silent = segment.level_cdb is not None and segment.level_cdb <= SILENT_CDB
    if not silent or segment.confirmed != "yes":
        return segment
    return msgspec.structs.replace(segment, confirmed="unknown")


def _sources(item: OpenItem, zone: str) -> tuple[Carried, ...]:
    """Empty where the source that sounded last carried it all."""
    heard = item.carried.get(zone, {})
    found = tuple(Carried(name, ms) for name, ms in heard.items() if name and ms > 0)
    return () if [one.source for one in found] in ([], [item.source]) else found


def _rule(item: OpenItem, zone: str, reason: OccurrenceReason | None, rule: str) -> str:
    """The words of the rule behind the reason, if it is one."""
    if reason is None or reason not in RULES_OF_THE_AIR:
        return ""
    return rule or item.rules.get(zone, {}).get(reason, "")


def _why_torn(item: OpenItem) -> OccurrenceReason:
    """A live source that dries up is lost sound of its sender, anything else is ours."""
    if item.unheard is not None:
        return item.unheard
    live = item.source.startswith(("stream:", "input:"))
    return OccurrenceReason.SOURCE_LOST if live else OccurrenceReason.SOUND_LOST


def skipped(
    item: Item, zone: str, reason: OccurrenceReason, origin: Provenance, rule: str = ""
) -> AsRun:
    """The record of an occurrence that never began. rule: the words of the rule behind it."""
    return AsRun(
        occurrence=item.ref,
        zone=zone,
        title=item.title,
        klass=item.klass,
        planned_start_ms=item.start_ms,
        planned_duration_ms=item.play_ms,
        outcome="skipped",
        reason=reason,
        confirmed="no" if reason is OccurrenceReason.NO_MAINS else "unknown",
        revision=origin.revision,
        author=origin.author,
        approver=origin.approver,
        rule=rule if reason in RULES_OF_THE_AIR else "",
        approved_by=origin.approved_by,
        approval=origin.approval,
        document_number=origin.document_number,
        field=origin.field,
        language=item.language,
        languages_missing=item.languages_missing,
        about=origin.about,
    )
