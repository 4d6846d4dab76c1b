"""The station as people look at it: typed answers for the control socket, worst first.

Reads everything, changes nothing. Texts for people are made by the command line; only the
doctor's details are written here, in both languages, because they say what was compared.
"""

from __future__ import annotations

from dataclasses import replace

from agent.contract.reasons import OccurrenceReason
from agent.contract.reports import Confirmation
from agent.core.doctor import examine
from agent.core.events import Now
from agent.core.items import Item
from agent.core.parts import Parts
from agent.core.planner import foresee
from agent.core.reporter import document_reports
from agent.core.requests import (
    AlarmsView,
    AlarmView,
    DoctorView,
    OnAir,
    PlanView,
    StatusView,
    Upcoming,
    ZonesView,
    ZoneView,
)
from agent.core.site import gain_for

HOUR_MS = 3_600_000
UPCOMING_SHOWN = 8


def status(station: Parts, now: Now) -> StatusView:
    host, horizon = station.host, station.programme.horizon()
    return StatusView(
        station=station.site.station,
        name=station.site.name,
        version=station.site.version,
        at_ms=now.wall_ms,
        tz=station.site.tz,
        clock=station.time.trust,
        connected=station.uplink.connected,
        connected_since_ms=station.uplink.since_wall_ms,
        player=station.air.player,
        on_air=_on_air(station),
        upcoming=upcoming(station, now, 24)[:UPCOMING_SHOWN],
        alarms=_alarms(station),
        documents=document_reports(station.facts),
        refusals=station.inbox.refusals,
        warnings=tuple(warning.title for warning, _, _ in station.emergencies.active()),
        unsent_records=station.reporter.outbox.unsent,
        schedule_ends_ms=horizon.last_ms,
        schedule_endless=horizon.endless,
        temperature_cdeg=host.temperature_cdeg,
        storage_free_mib=host.storage_free_mib,
        memory_free_mib=host.memory_free_mib,
        uptime_s=host.uptime_s,
    )


def _on_air(station: Parts) -> tuple[OnAir, ...]:
    found: list[OnAir] = []
    air = station.air
    for bus, on in sorted(air.decision.buses.items()):
        item = air.items.get(on.key)
        if item is None:
            continue
        held = station.facts.open.get(on.key)
        sent = next((s for s in air.sent.values() if (s.key, s.bus) == (on.key, bus)), None)
        zones: list[tuple[str, Confirmation]] = [
            (name, air.ledger.confirmation(name)[0])
            for name, where in air.decision.zones.items()
            if where.key == on.key and where.bus == bus
        ]
        found.append(
            OnAir(
                title=item.title,
                klass=item.klass,
                bus=bus,
                entry=item.ref.entry,
                started_ms=held.from_ms if held is not None and held.sounded else None,
                ends_ms=on.end_ms,
                zones=tuple(zones),
                level_cdb=air.ledger.levels.get(sent.token) if sent is not None else None,
            )
        )
    return tuple(sorted(found, key=lambda one: one.klass))


def upcoming(station: Parts, now: Now, hours: int) -> tuple[Upcoming, ...]:
    """The plan from now on, with what keeps each item, or a zone of it, from playing."""
    until_ms = now.wall_ms + hours * HOUR_MS
    items = _items_until(station, until_ms)
    expected = [
        item if item.ready or item.problem not in MAY_COME else _as_if_ready(item)
        for item in items.values()
    ]
    plan = foresee(
        station.site, expected, station.air.runs, station.air.decision, now.wall_ms, until_ms
    )
    problems: dict[str, tuple[OccurrenceReason, set[str]]] = {}
    for span in plan.blocked:
        reason, zones = problems.setdefault(span.blocked.key, (span.blocked.reason, set()))
        zones.add(span.blocked.zone)
        if reason is OccurrenceReason.PREEMPTED:
            problems[span.blocked.key] = (span.blocked.reason, zones)
    shown: list[Upcoming] = []
    for key, item in sorted(items.items(), key=lambda pair: pair[1].start_ms):
        if not now.wall_ms < item.start_ms <= until_ms:
            continue
        problem, zones = problems.get(key, (None, set()))
        if not item.ready and item.problem is not None:
            problem, zones = item.problem, set(item.zones)
        shown.append(
            Upcoming(
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
                problem_zones=tuple(z for z in item.zones if z in zones),
            )
        )
    return tuple(shown)


MAY_COME = frozenset(
    {
        OccurrenceReason.CONTENT_NOT_PUBLISHED,
        OccurrenceReason.CONTENT_NOT_FETCHED,
        OccurrenceReason.SPEECH_UNAVAILABLE,
        OccurrenceReason.CLOCK_UNTRUSTED,
    }
)
"""Problems that may be over by the start; the plan reserves the time meanwhile."""


def _as_if_ready(item: Item) -> Item:
    return replace(item, ready=True)


def _items_until(station: Parts, until_ms: int) -> dict[str, Item]:
    """The live items, and further ones when the question reaches beyond them."""
    items = dict(station.air.items)
    for key, item in station.items_until(until_ms).items():
        items.setdefault(key, item)
    return items


def plan(station: Parts, now: Now, hours: int) -> PlanView:
    return PlanView(now.wall_ms, station.site.tz, upcoming(station, now, hours))


def zones(station: Parts, now: Now) -> ZonesView:
    air = station.air
    volumes = station.volumes()
    found: list[ZoneView] = []
    for zone in station.site.zones:
        seen = air.ledger.zones_seen.get(zone.name)
        controller = air.ledger.controllers.get(zone.controller)
        span = air.gates.get(zone.name)
        item = air.items.get(span.key) if span is not None else None
        found.append(
            ZoneView(
                name=zone.name,
                tags=tuple(sorted(zone.tags)),
                controller=zone.controller,
                controller_state=controller.state if controller is not None else "opening",
                gate_wished=span is not None,
                gate=seen.gate if seen is not None else None,
                confirmed=air.ledger.confirmation(zone.name)[0],
                line=seen.line if seen is not None else "unknown",
                volume=volumes[zone.name],
                volume_source=station.volume_of(zone.name)[1],
                gain_cdb=gain_for(zone, volumes[zone.name]),
                level_cdb=seen.level_cdb if seen is not None else None,
                playing=item.title if item is not None else "",
                power=controller.power if controller is not None else "unknown",
                lease=controller.lease if controller is not None else "unknown",
            )
        )
    return ZonesView(now.wall_ms, tuple(found))


def _alarms(station: Parts) -> tuple[AlarmView, ...]:
    return tuple(
        AlarmView(one.code, one.subject, one.since_ms, one.episode, one.detail)
        for one in sorted(station.facts.alarms.values(), key=lambda one: one.since_ms)
        if one.open
    )


def alarms(station: Parts, now: Now) -> AlarmsView:
    return AlarmsView(now.wall_ms, station.site.tz, _alarms(station))


def doctor(station: Parts, now: Now) -> DoctorView:
    return DoctorView(now.wall_ms, examine(station, now))


def diagnosis(station: Parts, now: Now) -> str:
    """The doctor's verdicts in one line, for an ack."""
    return " ".join(f"{check.name}={check.verdict}" for check in examine(station, now))
