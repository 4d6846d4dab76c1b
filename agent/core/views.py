"""The station as people look at it: typed answers for the control socket, worst first.

Reads everything, changes nothing. Texts for people are made by the command line; only the
doctor's details are written here, in both languages, because they say what was compared.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from agent.contract.reasons import LinkFault
from agent.contract.reports import AsRun, Confirmation
from agent.core.carried import is_relayed
from agent.core.details import details_of
from agent.core.doctor import examine
from agent.core.events import AudioSeen, Now
from agent.core.foretold import upcoming
from agent.core.items import is_over
from agent.core.lineup import Line
from agent.core.parts import Parts
from agent.core.reporter import document_reports
from agent.core.requests import (
    AlarmsView,
    AlarmView,
    AudioView,
    BusView,
    DoctorView,
    LinkView,
    OnAir,
    PlanView,
    ReturnView,
    StatusView,
    ToneReturned,
    ToneView,
    ToneZone,
    ZonesView,
    ZoneView,
)
from agent.core.site import gain_for

UPCOMING_SHOWN = 8


def status(station: Parts, now: Now) -> StatusView:
    host, horizon = station.host, station.programme.horizon()
    coming = upcoming(station, now, 24)
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
        due=_due(station, now),
        upcoming=coming[:UPCOMING_SHOWN],
        alarms=_alarms(station),
        documents=document_reports(station.facts),
        refusals=station.inbox.refusals,
        warnings=tuple(warning.title for warning, _, _ in station.emergencies.active()),
        emergencies=station.emergencies.views(now, station.supply.box),
        unsent_records=station.reporter.outbox.unsent,
        schedule_ends_ms=horizon.last_ms,
        schedule_endless=horizon.endless,
        temperature_cdeg=host.temperature_cdeg,
        storage_free_mib=host.storage_free_mib,
        memory_free_mib=host.memory_free_mib,
        uptime_s=host.uptime_s,
        quiet=station.quiet.views(now.wall_ms),
        awaiting=sum(one.approval == "awaiting" for one in coming),
        link_fault=_link_fault(station, now),
        details=details_of(station, now.wall_ms),
    )


def _due(station: Parts, now: Now) -> tuple[str, ...]:
    """What should sound now and cannot, because no sound leaves the station."""
    air = station.air
    if air.player == "ready":
        return ()
    due = [
        item
        for item in air.items.values()
        if item.ready
        and item.zones
        and item.start_ms <= now.wall_ms < item.start_ms + item.play_ms
        and not is_over(item, air.runs.get(item.key), now.wall_ms)
    ]
    return tuple(item.title for item in sorted(due, key=lambda one: (one.klass, one.start_ms)))


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
        sound = air.sounds.get(on.key)
        carrier = air.ledger.carried.now.get(sent.token) if sent is not None else None
        relayed = carrier is not None and sound is not None and is_relayed(sound)
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
                source=carrier.label if carrier is not None and relayed else "",
                source_ms=carrier.since_ms if carrier is not None and relayed else None,
            )
        )
    return tuple(sorted(found, key=lambda one: one.klass))


def plan(station: Parts, now: Now, hours: int) -> PlanView:
    quiet = station.quiet.views(now.wall_ms)
    return PlanView(now.wall_ms, station.site.tz, upcoming(station, now, hours), quiet)


def zones(station: Parts, now: Now) -> ZonesView:
    air = station.air
    volumes = station.volumes()
    found: list[ZoneView] = []
    sounding = {(sent.key, sent.bus) for sent in air.sent.values() if sent.sounding}
    for zone in station.site.zones:
        seen = air.ledger.zones_seen.get(zone.name)
        controller = air.ledger.controllers.get(zone.controller)
        span = air.gates.open.get(zone.name)
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
                ceiling=station.ceilings.get(zone.name),
                wanted=station.wanted_volume(zone.name, item),
                mains=station.power.mains_of(zone.name),
                sounding=None if span is None else (span.key, span.bus) in sounding,
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
        AlarmView(
            one.code,
            one.subject,
            one.since_ms,
            one.episode,
            station.alarms.detail(one.code, one.subject) or one.detail,
            one.acked_by,
            one.acked_ms or None,
        )
        for one in sorted(station.facts.alarms.values(), key=lambda one: one.since_ms)
        if one.open
    )


def alarms(station: Parts, now: Now) -> AlarmsView:
    return AlarmsView(now.wall_ms, station.site.tz, _alarms(station))


def link(station: Parts, now: Now) -> LinkView:
    details, terms = details_of(station, now.wall_ms), station.network.terms
    return LinkView(
        at_ms=now.wall_ms,
        tz=station.site.tz,
        connected=station.uplink.connected,
        connected_since_ms=station.uplink.since_wall_ms,
        cause=station.uplink.cause,
        fault=_link_fault(station, now),
        link=details.link,
        data=details.data,
        roaming=terms.roaming,
        probing=bool(terms.probe_url),
    )


def tone(station: Parts, line: Line | None, now: Now) -> ToneView:
    """What became of a test tone, as far as it is known; None: nobody knows of it."""
    if line is None:
        return ToneView(now.wall_ms, "", "unknown")
    key, entry, starts_ms = line.item.key, line.item.ref.entry, line.item.start_ms
    records = station.settlement.unrecorded.get(key)
    if records is not None:
        measuring, returned = _returned(station, key)
        had = _had(records)
        return ToneView(now.wall_ms, entry, "over", starts_ms, had, measuring, returned)
    held = station.facts.open.get(key)
    sounding = held is not None and held.sounded
    return ToneView(now.wall_ms, entry, "sounding" if sounding else "waiting", starts_ms)


def _returned(station: Parts, key: str) -> tuple[bool, ToneReturned | None]:
    """Whether the return line is still being asked for a self-test, and what it had."""
    compared = station.audio.compared
    found = compared.get(key)
    if found is None:
        return key in compared, None
    return False, ToneReturned(
        found.heard, found.fault, found.delay_us, found.level_cdb, found.snr_cdb
    )


def audio(station: Parts, now: Now) -> AudioView:
    kept, seen = station.audio, station.audio.seen
    playing = {one.bus: one for one in _on_air(station)}
    measured = {one.bus: one for one in seen.buses} if seen is not None else {}
    buses: list[BusView] = []
    for bus in range(station.site.buses):
        on, heard = playing.get(bus), measured.get(bus)
        title, zones = ("", ()) if on is None else (on.title, tuple(one[0] for one in on.zones))
        if heard is None:
            buses.append(BusView(bus, title, zones))
            continue
        levels = heard.level_cdb, heard.peak_cdb, heard.limited_cdb, heard.levelled_cdb
        source = () if on is None else (on.source, on.source_ms)
        buses.append(BusView(bus, title, zones, heard.kind, heard.for_ms, *levels, *source))
    return AudioView(
        at_ms=now.wall_ms,
        tz=station.site.tz,
        player=station.air.player,
        why=kept.why,
        detail=kept.detail,
        lost=kept.lost,
        underruns=kept.underruns,
        reopened=kept.reopened,
        buses=tuple(buses),
        back=_back(station),
        **({} if seen is None else _running(seen, kept.seen_ms)),
    )


def _running(seen: AudioSeen, seen_ms: int) -> dict[str, Any]:
    return {
        "seen_ms": seen_ms,
        "device": seen.device,
        "resolved": seen.resolved,
        "frames_per_buffer": seen.frames_per_buffer,
        "latency_ms": seen.latency_ms,
        "drift_ppm": seen.drift_ppm,
        "callback_p50_us": seen.callback_p50_us,
        "callback_p99_us": seen.callback_p99_us,
        "callback_max_us": seen.callback_max_us,
    }


def _back(station: Parts) -> ReturnView | None:
    bus, seen = station.site.return_bus, station.audio.seen
    if bus is None:
        return None
    back = seen.back if seen is not None else None
    if back is None:
        return ReturnView(bus)
    return ReturnView(back.bus, back.kind, back.fault, back.level_cdb, back.peak_cdb, back.lacks_ms)


def _had(records: Iterable[AsRun]) -> tuple[ToneZone, ...]:
    return tuple(
        ToneZone(
            one.zone,
            one.outcome,
            one.reason,
            one.confirmed,
            one.played_ms,
            max((s.level_cdb for s in one.segments if s.level_cdb is not None), default=None),
        )
        for one in records
    )


def _link_fault(station: Parts, now: Now) -> LinkFault | None:
    uplink = station.uplink
    return station.network.fault(
        connected=uplink.connected, cause=uplink.cause, today=station.today(now.wall_ms)
    )


def doctor(station: Parts, now: Now) -> DoctorView:
    return DoctorView(now.wall_ms, examine(station, now))


def diagnosis(station: Parts, now: Now) -> str:
    """The doctor's verdicts in one line, for an ack."""
    return " ".join(f"{check.name}={check.verdict}" for check in examine(station, now))
