"""One function a command: ask, turn the answer into lines and an exit status. No printing here."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace

from agent.cli.deciding import approve, hold, order, skip
from agent.cli.devices_check import with_devices
from agent.cli.findings import Finding, any_fault, finding_lines
from agent.cli.names import NotFound
from agent.cli.noting import take_note
from agent.cli.people import Decider
from agent.cli.screens.alarms import render_alarms
from agent.cli.screens.doctor import check_finding, render_doctor
from agent.cli.screens.journal import render_journal
from agent.cli.screens.link import link_findings, render_link
from agent.cli.screens.plan import render_plan
from agent.cli.screens.status import render_status, status_findings
from agent.cli.screens.zones import render_zones, zone_finding
from agent.cli.session import Session, Shown, look_up, not_found, told, where, zone_names
from agent.cli.speaking import announce, quiet, stop
from agent.cli.texts import say
from agent.cli.tone import play_tone
from agent.cli.wording import WATCH
from agent.core.requests import (
    AlarmsRequest,
    AlarmsView,
    DoctorRequest,
    DoctorView,
    Done,
    JournalRequest,
    JournalView,
    LinkRequest,
    LinkView,
    PlanRequest,
    PlanView,
    StatusRequest,
    StatusView,
    VolumeRequest,
    ZonesRequest,
    ZonesView,
)


def run(typed: argparse.Namespace, session: Session) -> Shown:
    """The typed command. Raises client.Unreachable and prompts.GaveUp."""
    shown = _COMMANDS[typed.command](typed, session)
    return replace(shown, lines=[*session.notes, *shown.lines])


# --- looking --------------------------------------------------------------------------------


def _status(_typed: argparse.Namespace, session: Session) -> Shown:
    answer = session.ask(StatusRequest())
    if not isinstance(answer, StatusView):
        return session.not_shown(answer)
    faulty = any_fault(status_findings(answer, session.lang))
    return Shown(render_status(answer, session.lang, session.width), answer, int(faulty))


def _plan(typed: argparse.Namespace, session: Session) -> Shown:
    answer = session.ask(PlanRequest(typed.hours))
    if not isinstance(answer, PlanView):
        return session.not_shown(answer)
    lines = render_plan(answer, session.lang, session.width, typed.hours)
    return Shown(lines, answer, int(any(item.problem for item in answer.items)))


def _zones(_typed: argparse.Namespace, session: Session) -> Shown:
    answer = session.ask(ZonesRequest())
    if not isinstance(answer, ZonesView):
        return session.not_shown(answer)
    return _zones_shown(answer, session)


def _zones_shown(view: ZonesView, session: Session) -> Shown:
    faulty = any_fault([zone_finding(zone, session.lang) for zone in view.zones])
    return Shown(render_zones(view, session.lang, session.width), view, int(faulty))


def _link(_typed: argparse.Namespace, session: Session) -> Shown:
    answer = session.ask(LinkRequest())
    if not isinstance(answer, LinkView):
        return session.not_shown(answer)
    faulty = any_fault(link_findings(answer, session.lang))
    return Shown(render_link(answer, session.lang, session.width), answer, int(faulty))


def _alarms(typed: argparse.Namespace, session: Session) -> Shown:
    if typed.act == "ack":
        return take_note(typed, session)
    answer = session.ask(AlarmsRequest())
    if not isinstance(answer, AlarmsView):
        return session.not_shown(answer)
    lines = render_alarms(answer, session.lang, session.width)
    return Shown(lines, answer, int(bool(answer.alarms)))


def _journal(typed: argparse.Namespace, session: Session) -> Shown:
    answer = session.ask(JournalRequest(typed.count))
    if not isinstance(answer, JournalView):
        return session.not_shown(answer)
    return Shown(render_journal(answer, session.lang, session.width), answer)


def _doctor(typed: argparse.Namespace, session: Session) -> Shown:
    answer = session.ask(DoctorRequest())
    if not isinstance(answer, DoctorView):
        return session.not_shown(answer)
    if session.list_devices is not None:
        answer = with_devices(answer, typed.config, session.list_devices)
    before: list[str] = []
    if typed.zone is not None:
        view, name = look_up(typed.zone, session)
        if not isinstance(view, ZonesView) or name is None:
            return session.not_shown(view)
        if isinstance(name, NotFound):
            return not_found(name, "zone", session)
        session.understood(typed.zone, name)
        one = ZonesView(view.at_ms, tuple(zone for zone in view.zones if zone.name == name))
        before = _zones_shown(one, session).lines
    faulty = any_fault([check_finding(check, session.lang) for check in answer.checks])
    return Shown(before + render_doctor(answer, session.lang, session.width), answer, int(faulty))


# --- doing ----------------------------------------------------------------------------------


def _volume(typed: argparse.Namespace, session: Session) -> Shown:
    names = zone_names([typed.zone], session)
    if isinstance(names, Shown):
        return names
    key = "done-volume-auto" if typed.volume is None else "done-volume"
    said = say(session.lang, key, zones=where(names, session.lang), volume=typed.volume)
    answer = Decider(typed, session).ask(VolumeRequest(names, typed.volume))
    if isinstance(answer, Shown):
        return answer
    shown = told(said, answer, session)
    if not isinstance(answer, Done) or not answer.ceilings:
        return shown
    zones = ", ".join(f"{zone} {most}" for zone, most in answer.ceilings)
    below = Finding(WATCH, say(session.lang, "volume-ceilings", zones=zones))
    return replace(shown, lines=[*shown.lines, *finding_lines(below, session.width)])


_COMMANDS: dict[str, Callable[[argparse.Namespace, Session], Shown]] = {
    "status": _status,
    "plan": _plan,
    "zones": _zones,
    "link": _link,
    "alarms": _alarms,
    "journal": _journal,
    "doctor": _doctor,
    "test-tone": play_tone,
    "volume": _volume,
    "approve": approve,
    "reject": approve,
    "hold": hold,
    "release": hold,
    "skip": skip,
    "order": order,
    "stop": stop,
    "quiet": quiet,
    "announce": announce,
}
