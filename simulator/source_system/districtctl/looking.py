"""Subcommands that only look: stations, status, asrun, history, keys show and export."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from agent.cli.wording import alarm_said
from agent.contract.languages import name_of
from agent.contract.reasons import ACK, OCCURRENCE
from agent.contract.reports import AlarmEvent, AsRun, Event
from simulator.source_system.authorities import export
from simulator.source_system.chain_check import FINDINGS
from simulator.source_system.district import District
from simulator.source_system.districtctl.console import Console, Exit
from simulator.source_system.districtctl.moments import length, shown, since_ms
from simulator.source_system.districtctl.phrases import mark
from simulator.source_system.districtctl.station_details import brief, full
from simulator.source_system.home import Station
from simulator.source_system.journal import StationReport
from simulator.source_system.keyring import DAY_MS
from simulator.source_system.listening import Listening, broker_answers
from simulator.source_system.problems import DistrictError

DOCUMENTS = ("schedule", "content", "warning")
FOUND_SHOWN_MS = 30 * DAY_MS
SILENT_AFTER_MS = 15 * 60_000
"""A heartbeat older than this is not trusted, whatever the retained state says."""


def keys(district: District, console: Console, options: argparse.Namespace) -> Exit:
    """`keys show`, `keys export FILE`."""
    if options.what == "export":
        export(district.public(), options.file)
        console.say("keys_exported", sign="ok", where=options.file)
        console.result(district.public())
        return Exit.DONE
    for key in district.keyring.keys:
        days = (key.not_after_ms - district.now_ms) // DAY_MS
        left = console.phrase("expires_in", days=days) if days >= 0 else console.phrase("expired")
        sign = mark("ok" if days > 30 else "note" if days >= 0 else "bad")
        kept = console.phrase(f"kept_{key.kept}")
        console.line(f"{sign} {key.name:<12} {key.keyid}  {key.holder}, {kept}, {left}")
    console.result([{"keyid": key.keyid, "key": key} for key in district.keyring.keys])
    return Exit.DONE


def stations(district: District, console: Console, options: argparse.Namespace) -> Exit:
    del options
    for station in district.file.station:
        days = (station.certificate_not_after_ms - district.now_ms) // DAY_MS
        console.line(f"{station.id}  {station.name}  [{', '.join(station.groups)}]")
        for zone in station.zone:
            console.line(f"    {zone.name}  {' '.join('#' + tag for tag in zone.tags)}".rstrip())
        console.say("certificate", indent=4, sign="ok" if days > 30 else "note", days=days)
    if not district.file.station:
        console.say("none")
    console.result(district.file.station)
    return Exit.DONE


# --- status --------------------------------------------------------------------------------


def status(district: District, console: Console, options: argparse.Namespace) -> Exit:
    reports = district.journal.reports()
    file = district.file
    if options.station and file.find(options.station) is None:
        known = ", ".join(one.id for one in file.station)
        raise DistrictError("audience_unknown", options.station, known)
    shown_stations = [one for one in file.station if options.station in (None, one.id)]
    listening = Listening(
        district.journal.watched_ms(), broker_answers(file.broker.operator_port), district.now_ms
    )
    _show_listening(console, listening)
    states = {
        one.id: _state(reports.get(one.id), district.now_ms, listening) for one in shown_stations
    }
    order = {"lost": 0, "unheard": 1, "never": 2, "leaving": 3, "online": 4}
    for station in sorted(shown_stations, key=lambda one: order[states[one.id]]):
        report = reports.get(station.id)
        _show_station(district, console, station, report, states[station.id])
        if report is not None and report.details is not None:
            lang = console.lang
            one = options.station is not None
            told = full(report.details, report.health, lang) if one else brief(report.details, lang)
            for line in told:
                console.line(line)
    counts = {name: list(states.values()).count(name) for name in order}
    console.say(
        "summary",
        all=len(shown_stations),
        online=counts["online"],
        lost=counts["lost"] + counts["leaving"],
        never=counts["never"],
    )
    if counts["unheard"]:
        console.say("unheard_count", sign="unknown", count=counts["unheard"])
    console.result({one.id: reports.get(one.id) for one in shown_stations})
    return Exit.DONE


def _show_listening(console: Console, listening: Listening) -> None:
    if listening.at_all:
        return
    when = console.phrase("picture_none")
    if listening.through_ms is not None:
        seconds = (listening.now_ms - listening.through_ms) // 1000
        ago = length(seconds, console.lang)
        when = console.phrase("picture_of", time=shown(listening.through_ms), ago=ago)
    why = console.phrase("collector_silent" if listening.broker else "broker_silent")
    text = console.phrase("not_listening", why=why, when=when)
    console.line(f"{mark('bad')} {text} → districtctl serve")


def _state(report: StationReport | None, now_ms: int, listening: Listening) -> str:
    """The station's own word, unless its silence, or that nobody listens, says otherwise."""
    if report is None or report.state is None:
        return "never"
    if report.state.state == "online" and not listening.at_all:
        return "unheard"
    if report.state.state == "online" and now_ms - (report.heard_ms or 0) > SILENT_AFTER_MS:
        return "lost"
    return report.state.state


def _show_station(
    district: District, console: Console, station: Station, report: StationReport | None, state: str
) -> None:
    sign = {"online": "ok", "never": "unknown", "unheard": "unknown"}.get(state, "bad")
    heard = ""
    if report is not None and report.heard_ms is not None:
        seconds = (district.now_ms - report.heard_ms) // 1000
        heard = ", " + console.phrase("ago", time=length(seconds, console.lang))
    console.line(f"{mark(sign)} {station.name}: {console.phrase(f'state_{state}')}{heard}")
    _show_found(district, console, station.id)
    if report is None:
        return
    _show_documents(district, console, station, report)
    _show_health(console, report)
    _show_last(district, console, station.id)
    _show_alarms(district, console, report)


def _show_found(district: District, console: Console, station: str) -> None:
    """What was wrong with its records when they came."""
    since_ms = district.now_ms - FOUND_SHOWN_MS
    found = [one for one in district.records.found_on_arrival(station) if one.found_ms >= since_ms]
    if found:
        kinds = dict.fromkeys(FINDINGS[one.finding.kind][0].text(console.lang) for one in found)
        text = f"{console.phrase('records')}: {'; '.join(kinds)} ({len(found)})"
        console.line(f"    {mark('bad')} {text} → districtctl records verify --station {station}")


def _show_documents(
    district: District, console: Console, station: Station, report: StationReport
) -> None:
    applied = {
        (one.audience, one.kind): one.revision
        for one in (report.reported.documents if report.reported else ())
        if one.authority == district.authority
    }
    audiences = [f"s/{station.id}", *(f"g/{group}" for group in station.groups)]
    parts = []
    for audience in audiences:
        for kind in ("trust", *DOCUMENTS):
            pushed = district.ledger.latest(audience, kind)
            if pushed is None:
                continue
            held = applied.get((audience, kind))
            text = f"{kind} {held if held is not None else mark('unknown')}"
            if held is None or held < pushed.revision:
                text += f" ({console.phrase('behind', revision=pushed.revision)})"
            parts.append(text)
    if parts:
        console.line(f"    {console.phrase('applied')}: {' · '.join(parts)}")
    for refusal in report.reported.refusals if report.reported else ():
        meaning = ACK[refusal.reason]
        console.line(
            f"    {mark('bad')} {console.phrase('refused')} {refusal.kind}: "
            f"{meaning.text(console.lang)} ({refusal.detail}) → {meaning.next(console.lang)}"
        )


def _show_health(console: Console, report: StationReport) -> None:
    if report.reported is not None and report.reported.awaiting:
        slots = ", ".join(report.reported.awaiting[:5])
        console.say("awaiting", sign="note", indent=4, slots=slots)
    if report.reported is not None and report.reported.missing:
        console.say("missing", sign="wait", indent=4, count=len(report.reported.missing))
    health = report.health
    if health is None:
        return
    if health.pl:
        console.say("on_air", indent=4, what=health.pl)


def _show_last(district: District, console: Console, station: str) -> None:
    records = district.journal.as_run(station, limit=1)
    for _, record in records:
        console.line(f"    {console.phrase('last_run')}: {_record(console, record)}")


def _show_alarms(district: District, console: Console, report: StationReport) -> None:
    """By the station's records; its heartbeat is older, or tells of records still to come."""
    events = _alarm_events(district, report.station)
    open_now, gone = _still_open(events, district.journal.installation(report.station))
    if open_now:
        console.say("alarms", sign="bad", indent=4, count=len(open_now))
    health = report.health
    newer = health is not None and (not events or health.t > events[-1].at_ms)
    if health is not None and newer and (health.al or 0) > len(open_now):
        counts = {"count": health.al or 0, "known": len(open_now)}
        console.say("alarms_untold", sign="unknown", indent=4, **counts)
    if gone:
        console.say("alarms_old", sign="unknown", indent=4, count=len(gone))
    for alarm in open_now:
        text, step = alarm_said(alarm.code, alarm.subject, alarm.detail, console.lang)
        noted = ""
        if alarm.state == "acknowledged":
            noted = ", " + console.phrase("noted", by=alarm.by)
        console.line(f"    {mark('bad')} {text}{noted} → {step}")


def open_alarms(district: District, station: str) -> list[AlarmEvent]:
    """By what the station told last of each; those of an installation that is gone are over."""
    events = _alarm_events(district, station)
    return _still_open(events, district.journal.installation(station))[0]


def _alarm_events(district: District, station: str) -> list[Event]:
    return district.journal.events(station, kinds=("alarm",), limit=400)


def _still_open(
    events: Sequence[Event], installation: str
) -> tuple[list[AlarmEvent], list[AlarmEvent]]:
    """(open, of an installation that nobody will clear). installation: "" when not known."""
    alarms: dict[tuple[str, str, str], AlarmEvent] = {}
    for event in events:
        if isinstance(event.body, AlarmEvent):
            alarms[event.installation, event.body.code, event.body.subject] = event.body
    standing = {key: one for key, one in alarms.items() if one.state != "cleared"}
    here = [one for key, one in standing.items() if installation in ("", key[0])]
    return here, [one for key, one in standing.items() if installation not in ("", key[0])]


# --- as-run and history --------------------------------------------------------------------


def asrun(district: District, console: Console, options: argparse.Namespace) -> Exit:
    since = since_ms(options.since, district.now_ms)
    records = district.journal.as_run(options.station, since, options.limit)
    for station, record in records:
        console.line(f"{station}  {_record(console, record)}")
    if not records:
        console.say("none")
    console.result([{"station": station, "record": record} for station, record in records])
    return Exit.DONE


def _record(console: Console, record: AsRun) -> str:
    sign = mark("ok" if record.outcome == "played" and record.confirmed == "yes" else "note")
    if record.outcome == "skipped" or record.confirmed == "no":
        sign = mark("bad")
    text = (
        f"{sign} {shown(record.planned_start_ms)} {record.title} / {record.zone}: "
        f"{console.phrase(record.outcome)}, {console.phrase(f'confirmed_{record.confirmed}')}"
    )
    if record.reason is not None:
        meaning = OCCURRENCE[record.reason]
        text += f", {meaning.text(console.lang)} → {meaning.next(console.lang)}"
    if record.languages_missing:
        names = ", ".join(name_of(code, console.lang) for code in record.languages_missing)
        text += f" ({console.phrase('without_languages', names=names)})"
    return text


def history(district: District, console: Console, options: argparse.Namespace) -> Exit:
    pushes = district.ledger.history(options.limit)
    for push in pushes:
        console.line(
            f"{shown(push.at_ms)}  {push.audience} {push.kind} {push.revision}  "
            f"{push.by}  {push.digest} {push.note}".rstrip()
        )
    if not pushes:
        console.say("none")
    fields = ("audience", "kind", "revision", "digest", "at_ms", "by", "note")
    console.result([{name: getattr(push, name) for name in fields} for push in pushes])
    return Exit.DONE
