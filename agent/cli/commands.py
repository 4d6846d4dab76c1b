"""One function a command: ask, turn the answer into lines and an exit status. No printing here."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass

from agent.cli.arguments import EXIT_FAULT, EXIT_OK
from agent.cli.columns import clean
from agent.cli.findings import Finding, any_fault, finding_lines
from agent.cli.names import NotFound, find_entry, find_name
from agent.cli.screens.alarms import render_alarms
from agent.cli.screens.doctor import check_finding, render_doctor
from agent.cli.screens.journal import render_journal
from agent.cli.screens.plan import render_plan
from agent.cli.screens.status import render_status, status_findings
from agent.cli.screens.zones import render_zones, zone_finding
from agent.cli.texts import Lang, say
from agent.cli.wording import FAULT, OK, ack_reason
from agent.core.requests import (
    AlarmsRequest,
    AlarmsView,
    Answer,
    DoctorRequest,
    DoctorView,
    Done,
    HoldRequest,
    JournalRequest,
    JournalView,
    OrderRequest,
    PlanRequest,
    PlanView,
    Refused,
    Request,
    SkipRequest,
    StatusRequest,
    StatusView,
    TestToneRequest,
    Upcoming,
    VolumeRequest,
    ZonesRequest,
    ZonesView,
)

LOOK_AHEAD_HOURS = 336
"""How far entries are looked for by their id: the horizon the agent plans."""

_MISSING = {
    "zone": ("zone-unknown", "zone-several"),
    "entry": ("entry-unknown", "entry-several"),
}


@dataclass(frozen=True, slots=True)
class Shown:
    """lines for people, the answer for `--json`, the exit status for scripts."""

    lines: list[str]
    answer: Answer
    exit_status: int = EXIT_OK


@dataclass(frozen=True, slots=True)
class Session:
    """Whom to ask and how to show it."""

    ask: Callable[[Request], Answer]
    lang: Lang
    width: int

    def found(self, finding: Finding, answer: Answer) -> Shown:
        status = EXIT_FAULT if finding.mark == FAULT else EXIT_OK
        return Shown(finding_lines(finding, self.width), answer, status)

    def not_shown(self, answer: Answer) -> Shown:
        """A refusal, or an answer to something else."""
        if isinstance(answer, Refused):
            return self.found(refusal(answer, self.lang), answer)
        what = type(answer).__name__
        return self.found(
            Finding(
                FAULT, say(self.lang, "answer-odd", what=what), say(self.lang, "socket-odd-next")
            ),
            answer,
        )


def refusal(answer: Refused, lang: Lang) -> Finding:
    known = ack_reason(answer.code, lang)
    if known is None:
        text, step = say(lang, "refused-unknown", code=answer.code), ""
    else:
        text, step = say(lang, "refused", reason=known[0]), known[1]
    return Finding(FAULT, f"{text} ({clean(answer.detail)})" if answer.detail else text, step)


def run(typed: argparse.Namespace, session: Session) -> Shown:
    """The typed command. Raises client.Unreachable."""
    return _COMMANDS[typed.command](typed, session)


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


def _alarms(_typed: argparse.Namespace, session: Session) -> Shown:
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
    before: list[str] = []
    if typed.zone is not None:
        view, name = _look_up(typed.zone, session)
        if not isinstance(view, ZonesView) or name is None:
            return session.not_shown(view)
        if isinstance(name, NotFound):
            return _zone_not_found(name, session)
        one = ZonesView(view.at_ms, tuple(zone for zone in view.zones if zone.name == name))
        before = _zones_shown(one, session).lines
    faulty = any_fault([check_finding(check, session.lang) for check in answer.checks])
    return Shown(before + render_doctor(answer, session.lang, session.width), answer, int(faulty))


# --- doing ----------------------------------------------------------------------------------


def _look_up(wanted: str, session: Session) -> tuple[Answer, str | NotFound | None]:
    answer = session.ask(ZonesRequest())
    if not isinstance(answer, ZonesView):
        return answer, None
    return answer, find_name(wanted, tuple(zone.name for zone in answer.zones))


def _zone_not_found(missing: NotFound, session: Session) -> Shown:
    return _not_found(missing, "zone", session)


def _not_found(missing: NotFound, kind: str, session: Session) -> Shown:
    """The names that were probably meant; nothing was sent."""
    lang = session.lang
    unknown, several = _MISSING[kind]
    text = say(lang, several if missing.several else unknown, wanted=missing.wanted)
    if missing.candidates:
        step = say(lang, "choose", names=", ".join(missing.candidates))
    else:
        step = say(lang, "see-zones" if kind == "zone" else "see-plan")
    code = "unknown_zone" if kind == "zone" else "unknown_entry"
    return session.found(Finding(FAULT, text, step), Refused(code, missing.wanted))


def _zone_names(wanted: list[str], session: Session) -> tuple[str, ...] | Shown:
    names: list[str] = []
    for one in wanted:
        answer, name = _look_up(one, session)
        if isinstance(name, NotFound):
            return _zone_not_found(name, session)
        if name is None:
            return session.not_shown(answer)
        names.append(name)
    return tuple(names)


def _do(request: Request, said: str, session: Session) -> Shown:
    answer = session.ask(request)
    if not isinstance(answer, Done):
        return session.not_shown(answer)
    detail = f" ({clean(answer.detail)})" if answer.detail else ""
    return session.found(Finding(OK, said + detail), answer)


def _where(names: tuple[str, ...], lang: Lang) -> str:
    return ", ".join(names) or say(lang, "all-zones")


def _test_tone(typed: argparse.Namespace, session: Session) -> Shown:
    names = _zone_names(typed.zones, session)
    if isinstance(names, Shown):
        return names
    said = say(session.lang, "done-tone", seconds=typed.seconds, zones=_where(names, session.lang))
    return _do(TestToneRequest(names, typed.seconds * 1000), said, session)


def _volume(typed: argparse.Namespace, session: Session) -> Shown:
    names = _zone_names([] if typed.zone == "all" else [typed.zone], session)
    if isinstance(names, Shown):
        return names
    key = "done-volume-auto" if typed.volume is None else "done-volume"
    said = say(session.lang, key, zones=_where(names, session.lang), volume=typed.volume)
    return _do(VolumeRequest(names, typed.volume), said, session)


def _with_entry(
    typed: argparse.Namespace, session: Session, act: Callable[[Upcoming], Shown]
) -> Shown:
    """Find the entry that is meant in the plan, then act on it."""
    answer = session.ask(PlanRequest(LOOK_AHEAD_HOURS))
    if not isinstance(answer, PlanView):
        return session.not_shown(answer)
    found = find_entry(typed.entry, answer.items, getattr(typed, "nominal", None))
    if isinstance(found, NotFound):
        return _entry_not_found(typed, found, act, session)
    return act(found)


def _entry_not_found(
    typed: argparse.Namespace,
    missing: NotFound,
    act: Callable[[Upcoming], Shown],
    session: Session,
) -> Shown:
    """A held entry is not in the plan, yet it must be possible to release it by its full id."""
    authority, slash, entry = typed.entry.partition("/")
    if typed.command in ("release", "hold") and slash and authority and entry:
        return act(Upcoming(0, None, "", 3, entry, authority, "", (), None))
    return _not_found(missing, "entry", session)


def _hold(typed: argparse.Namespace, session: Session) -> Shown:
    held = typed.command == "hold"

    def act(item: Upcoming) -> Shown:
        said = say(session.lang, "done-hold" if held else "done-release", entry=_entry(item))
        return _do(HoldRequest(item.authority, item.entry, held), said, session)

    return _with_entry(typed, session, act)


def _skip(typed: argparse.Namespace, session: Session) -> Shown:
    def act(item: Upcoming) -> Shown:
        said = say(
            session.lang, "done-skip", entry=_entry(item), time=item.nominal.replace("T", " ")
        )
        return _do(SkipRequest(item.authority, item.entry, item.nominal), said, session)

    return _with_entry(typed, session, act)


def _order(typed: argparse.Namespace, session: Session) -> Shown:
    def act(item: Upcoming) -> Shown:
        said = say(session.lang, "done-order", entry=_entry(item), order=typed.order)
        return _do(OrderRequest(item.authority, item.entry, typed.order), said, session)

    return _with_entry(typed, session, act)


def _entry(item: Upcoming) -> str:
    name = f"{item.authority}/{item.entry}"
    return f"{item.title} ({name})" if item.title else name


_COMMANDS: dict[str, Callable[[argparse.Namespace, Session], Shown]] = {
    "status": _status,
    "plan": _plan,
    "zones": _zones,
    "alarms": _alarms,
    "journal": _journal,
    "doctor": _doctor,
    "test-tone": _test_tone,
    "volume": _volume,
    "hold": _hold,
    "release": _hold,
    "skip": _skip,
    "order": _order,
}
