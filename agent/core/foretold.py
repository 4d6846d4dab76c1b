"""The plan as people look at it: when and where each item will really sound, and what alters that.

Reads the same forecast the planner follows. Owns the words for it (`Upcoming`): nothing that
sounds is called silent, and what begins later, is cut short or comes back is told to the second.

Invariants: `sounds` holds exactly the forecast's stretches of the item; a `problem` stands where
they are not what the timetable says.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from agent.contract.reasons import OccurrenceReason
from agent.core.arbitration import Blocked
from agent.core.events import Now
from agent.core.items import Item, is_over, over_ms
from agent.core.lineup import Line
from agent.core.parts import Parts
from agent.core.planner import Plan, foresee
from agent.core.requests import Behind, Kept, Sounds, Upcoming

HOUR_MS = 3_600_000

BEYOND_MS = 6 * HOUR_MS
"""How far behind the hours asked for is looked: what begins within them may come late and last."""

YIELDS = frozenset({OccurrenceReason.PREEMPTED, OccurrenceReason.EMERGENCY})

Stretch = tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Outlook:
    """What is foreseen of one item. spans: by zone, in order; zones without any are silent."""

    spans: Mapping[str, tuple[Stretch, ...]]
    blocked: Sequence[Blocked]


def upcoming(station: Parts, now: Now, hours: int) -> tuple[Upcoming, ...]:
    """The plan from now on: what begins within the hours, and what has to wait and still comes."""
    now_ms, until_ms = now.wall_ms, now.wall_ms + hours * HOUR_MS
    lines = {line.item.key: line for line in station.lines_until(until_ms + BEYOND_MS, now_ms)}
    plan = _foreseen(station, lines.values(), now_ms, until_ms + BEYOND_MS)
    outlooks = _outlooks(station, lines, plan)
    return tuple(
        _upcoming(station, line, outlooks[key], lines)
        for key, line in sorted(lines.items(), key=lambda pair: pair[1].item.start_ms)
        if _is_to_come(line.item, now_ms, until_ms)
        or _still_comes(station, line, outlooks[key], now_ms)
    )


def foreseen(station: Parts, now_ms: int, until_ms: int) -> Plan:
    """What every zone will do, if what is still missing comes in time and nothing else happens."""
    return _foreseen(station, station.lines_until(until_ms, now_ms), now_ms, until_ms)


def _foreseen(station: Parts, lines: Iterable[Line], now_ms: int, until_ms: int) -> Plan:
    expected = [_expected(line.item) for line in lines]
    air = station.air
    return foresee(station.power.site, expected, air.runs, air.decision, now_ms, until_ms)


def _outlooks(station: Parts, lines: Mapping[str, Line], plan: Plan) -> dict[str, _Outlook]:
    spans: dict[str, dict[str, list[Stretch]]] = {key: {} for key in lines}
    for span in plan.zones:
        mine = spans.setdefault(span.key, {}).setdefault(span.zone, [])
        if mine and mine[-1][1] == span.from_ms:  # it goes on, on another bus
            mine[-1] = (mine[-1][0], span.to_ms)
        else:
            mine.append((span.from_ms, span.to_ms))
    blocked = {key: _dark(station, line.item) for key, line in lines.items()}
    for one in plan.blocked:
        blocked.setdefault(one.blocked.key, []).append(one.blocked)
    return {
        key: _Outlook({zone: tuple(mine) for zone, mine in spans[key].items()}, blocked[key])
        for key in lines
    }


def _dark(station: Parts, item: Item) -> list[Blocked]:
    """Zones that have no mains now: if that stays so, they will not hear it."""
    dark = station.power.without_mains
    reason = OccurrenceReason.NO_MAINS
    return [Blocked(item.key, zone, reason) for zone in item.zones if zone in dark]


def _is_to_come(item: Item, now_ms: int, until_ms: int) -> bool:
    """Also what should have begun today and somebody may still place."""
    return item.start_ms <= until_ms and now_ms < max(item.start_ms, item.undecided_ms)


def _still_comes(station: Parts, line: Line, outlook: _Outlook, now_ms: int) -> bool:
    """Its start has passed and a zone waits for it, or hears it again later.

    What is in no timetable (a warning, an announcement) is shown also while nothing says when.
    """
    item, air = line.item, station.air
    if item.start_ms > now_ms or is_over(item, air.runs.get(item.key), now_ms):
        return False
    if any(spans[-1][0] > now_ms for spans in outlook.spans.values()):
        return item.ready
    sounds = any(where.key == item.key for where in air.decision.zones.values())
    return line.origin.entry is None and line.origin.recorded and not sounds


def _upcoming(station: Parts, line: Line, outlook: _Outlook, lines: Mapping[str, Line]) -> Upcoming:
    item, origin = line.item, line.origin
    problem, zones, rule = _problem(item, outlook)
    return Upcoming(
        start_ms=item.start_ms,
        duration_ms=item.play_ms,
        title=item.title,
        klass=item.klass,
        entry=item.ref.entry,
        authority=item.ref.authority,
        nominal=item.ref.nominal,
        zones=item.zones,
        ready=item.ready,
        problem=problem.value if problem is not None else "",
        problem_zones=tuple(zone for zone in item.zones if zone in zones),
        rule=rule,
        kept=tuple(_kept(item, outlook)),
        approval=origin.state,
        approval_means=origin.approval,
        approved_by=origin.approved_by,
        document_number=origin.document_number,
        digest=station.approvals.digest(origin.entry) if origin.entry is not None else "",
        author=origin.author,
        approver=origin.approver,
        languages_missing=item.languages_missing,
        sounds=tuple(_sounds(item, outlook)),
        behind=_behind(outlook, lines) if problem in YIELDS else None,
    )


def _sounds(item: Item, outlook: _Outlook) -> Iterable[Sounds]:
    """Zones with the same stretches together, in the item's order."""
    if not item.ready:
        return
    together: dict[tuple[Stretch, ...], list[str]] = {}
    for zone in item.zones:
        spans = outlook.spans.get(zone)
        if spans:
            together.setdefault(spans, []).append(zone)
    for spans, zones in together.items():
        yield Sounds(tuple(zones), spans)


def _behind(outlook: _Outlook, lines: Mapping[str, Line]) -> Behind | None:
    """What it gives way to."""
    by = next((one.by for one in outlook.blocked if one.reason in YIELDS), "")
    line = lines.get(by)
    if line is None:
        return None
    item, ref = line.item, line.item.ref
    return Behind(ref.authority, ref.entry, item.title, item.klass, item.decided)


def _problem(item: Item, outlook: _Outlook) -> tuple[OccurrenceReason | None, set[str], str]:
    """What keeps the item, or zones of it, from playing as planned, and in whose words.

    Of several the first that is met; one that pre-empts it goes before what only delays it.
    """
    if not item.ready and item.problem is not None:
        return item.problem, set(item.zones), ""
    planned = ((item.start_ms, item.start_ms + item.play_ms),)
    other = {zone for zone in item.zones if outlook.spans.get(zone) != planned}
    why = [one for one in outlook.blocked if one.zone in other]
    if not why:
        silent = {zone for zone in item.zones if zone not in outlook.spans}
        return (OccurrenceReason.LATE if silent else None), silent, ""
    told = next((one for one in why if one.reason in YIELDS), why[0])
    return told.reason, other, told.rule


def _kept(item: Item, outlook: _Outlook) -> Iterable[Kept]:
    """What the rules of the air keep it from, zones with the same told together.

    What starts over although late, or goes on after an interruption, plays after a quiet that
    outlasts its slot: then the end is told.
    """
    planned_ms = item.start_ms + item.play_ms
    starts_over = item.late == "restart"
    end_ms = max(planned_ms, over_ms(item, None) or 0) if starts_over else planned_ms
    together: dict[tuple[int, int, int, OccurrenceReason, str], list[str]] = {}
    for bar in item.bars:
        spans = outlook.spans.get(bar.zone)
        last_ms = end_ms if not spans else max(end_ms, spans[-1][1])
        from_ms, to_ms = max(bar.from_ms, item.start_ms), min(bar.to_ms, last_ms)
        if from_ms < min(to_ms, planned_ms):
            same = from_ms, to_ms, last_ms if to_ms == last_ms else 0, bar.reason, bar.rule
            together.setdefault(same, []).append(bar.zone)
    for (from_ms, to_ms, ends_ms, reason, rule), zones in together.items():
        yield Kept(
            tuple(zones),
            reason.value,
            rule,
            None if from_ms == item.start_ms else from_ms,
            None if to_ms == ends_ms else to_ms,
        )


MAY_COME = frozenset(
    {
        OccurrenceReason.CONTENT_NOT_PUBLISHED,
        OccurrenceReason.CONTENT_NOT_FETCHED,
        OccurrenceReason.SPEECH_UNAVAILABLE,
        OccurrenceReason.CLOCK_UNTRUSTED,
    }
)
"""Problems that may be over by the start; the plan reserves the time meanwhile."""


def _expected(item: Item) -> Item:
    """As it will be if what it waits for comes in time."""
    return item if item.ready or item.problem not in MAY_COME else replace(item, ready=True)
