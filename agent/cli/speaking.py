"""What silences the loudspeakers or speaks through them: stop, quiet, announce."""

from __future__ import annotations

import argparse
import shlex

from agent.cli.arguments import EXIT_OK, EXIT_USAGE, MINUTES_DEFAULT, PROGRAM
from agent.cli.findings import Finding
from agent.cli.microphone import no_microphone_words, not_opened, speak
from agent.cli.names import fold
from agent.cli.people import Decider
from agent.cli.screens.status import quiet_lines
from agent.cli.session import Session, Shown, look_up, shown_done, silent_zones, where, zone_names
from agent.cli.texts import Lang, say
from agent.cli.times import coming, read_time
from agent.cli.wording import OK, WATCH, clock_seconds, moment
from agent.contract.reasons import AckReason
from agent.core.announcements import LETTERS_MAX
from agent.core.quiet import DAY_MS, QUIET_MAX_MS
from agent.core.requests import (
    AnnounceRequest,
    Answer,
    Done,
    Follows,
    PlanRequest,
    PlanView,
    QuietRequest,
    Refused,
    StopRequest,
    ZonesRequest,
    ZonesView,
)

UNTIL = ("until", "den")
END = ("end", "het")
"""As `fold` writes what was typed: `đến`, `hết`."""


def stop(typed: argparse.Namespace, session: Session) -> Shown:
    names = zone_names(typed.zones, session)
    if isinstance(names, Shown):
        return names
    answer = Decider(typed, session).ask(StopRequest(names))
    if isinstance(answer, Shown):
        return answer
    if not isinstance(answer, Done):
        return session.not_shown(answer)
    said = say(session.lang, "done-stop", zones=where(names, session.lang))
    follows = [_follows(one, answer.tz, session.lang) for one in answer.follows]
    return shown_done(answer, Finding(OK, said), session, follows)


def _follows(one: Follows, tz: str, lang: Lang) -> Finding:
    """What the stop makes room for, and how to keep that off the air, too."""
    time = clock_seconds(one.from_ms, tz)
    zones = ", ".join(one.zones)
    text = say(lang, "stop-follows", title=one.title, time=time, zones=zones)
    return Finding(WATCH, text, f"{PROGRAM} skip {one.authority}/{one.entry}")


# --- quiet ----------------------------------------------------------------------------------


def quiet(typed: argparse.Namespace, session: Session) -> Shown:
    """`quiet`, `quiet [ZONES] until TIME --reason WHY`, `quiet end ZONES`."""
    words: list[str] = typed.words
    if not words:
        return _quiet_now(session)
    if fold(words[0]) in END:
        return _end_quiet(words[1:], typed, session)
    place = next((at for at, word in enumerate(words) if fold(word) in UNTIL), None)
    if place is None or place + 1 == len(words):
        return _quiet_wrong("quiet-until", session)
    if not typed.reason.strip():
        return _quiet_wrong("quiet-reason", session)
    return _begin_quiet(words[:place], " ".join(words[place + 1 :]), typed, session)


def _quiet_wrong(key: str, session: Session) -> Shown:
    return session.wrong(key, "quiet-none-next", AckReason.MALFORMED, EXIT_USAGE)


def _quiet_now(session: Session) -> Shown:
    view = session.ask(PlanRequest(1))
    if not isinstance(view, PlanView):
        return session.not_shown(view)
    if not view.quiet:
        step = say(session.lang, "quiet-none-next")
        return session.found(Finding(OK, say(session.lang, "quiet-none"), step), view)
    lines: list[str] = []
    for one in view.quiet:
        lines += quiet_lines((one,), view.at_ms, view.tz, session.lang, session.width)
        lines.append(f"  → {PROGRAM} quiet end {_quoted(one.zones)}")
    return Shown(lines, view, EXIT_OK)


def _begin_quiet(
    zones: list[str], until: str, typed: argparse.Namespace, session: Session
) -> Shown:
    view = session.ask(PlanRequest(1))
    if not isinstance(view, PlanView):
        return session.not_shown(view)
    time = read_time(until)
    if time is None:
        return session.wrong(
            "time-odd", "time-odd-next", AckReason.MALFORMED, EXIT_USAGE, typed=until
        )
    until_ms = coming(time, view.at_ms, view.tz)
    if until_ms is None:
        return session.wrong(
            "time-past", "time-odd-next", AckReason.MALFORMED, EXIT_USAGE, typed=until
        )
    if until_ms - view.at_ms > QUIET_MAX_MS:
        days = QUIET_MAX_MS // DAY_MS
        return session.wrong(
            "quiet-long", "time-odd-next", AckReason.MALFORMED, EXIT_USAGE, days=days
        )
    names = zone_names(zones, session)
    if isinstance(names, Shown):
        return names
    answer = Decider(typed, session).ask(QuietRequest(names, until_ms, typed.reason.strip()))
    if isinstance(answer, Shown):
        return answer
    said = say(
        session.lang,
        "done-quiet",
        until=moment(until_ms, view.at_ms, view.tz),
        zones=where(names, session.lang),
    )
    step = say(session.lang, "done-quiet-next", zones=_quoted(names))
    return shown_done(answer, Finding(OK, said, step), session)


def _end_quiet(zones: list[str], typed: argparse.Namespace, session: Session) -> Shown:
    if not zones:
        return _quiet_now(session)  # with the command that ends each
    names = zone_names(zones, session)
    if isinstance(names, Shown):
        return names
    answer = Decider(typed, session).ask(QuietRequest(names, 0))
    if isinstance(answer, Shown):
        return answer
    said = say(session.lang, "done-quiet-end", zones=where(names, session.lang))
    return shown_done(answer, Finding(OK, said), session)


def _quoted(zones: tuple[str, ...]) -> str:
    """As they can be typed; none: all."""
    return shlex.join(zones) if zones else "all"


# --- announcements --------------------------------------------------------------------------


def announce(typed: argparse.Namespace, session: Session) -> Shown:
    if typed.mic:
        return speak(typed, session)
    if typed.input or typed.title or typed.minutes != MINUTES_DEFAULT:
        return no_microphone_words(session)
    *zones, text = typed.words or [""]
    text = " ".join(text.split())
    wrong = _no_words(text, session)
    if wrong is not None:
        return wrong
    names = zone_names(zones, session)
    if isinstance(names, Shown):
        return names
    language = typed.speak or getattr(typed, "lang", "vi")
    asked = AnnounceRequest(names, text, language, over=typed.over)
    answer = Decider(typed, session).ask(asked)
    if isinstance(answer, Shown):
        return answer
    if isinstance(answer, Refused):
        return not_opened(answer, session)
    return _said(answer, names, text, session)


def _said(answer: Answer, names: tuple[str, ...], text: str, session: Session) -> Shown:
    if not isinstance(answer, Done):
        return session.not_shown(answer)
    lang = session.lang
    silent = {zone for one in answer.kept for zone in one.zones}
    heard = tuple(zone for zone in names or _all_zones(session) if zone not in silent)
    zones = ", ".join(heard) if silent else where(names, lang)
    said = say(lang, "done-announce", zones=zones, text=text)
    done = Finding(OK, said, say(lang, "done-announce-next"))
    return shown_done(answer, done, session, silent_zones(answer, lang))


def _all_zones(session: Session) -> tuple[str, ...]:
    view = session.ask(ZonesRequest())
    return tuple(zone.name for zone in view.zones) if isinstance(view, ZonesView) else ()


def _no_words(text: str, session: Session) -> Shown | None:
    """Nothing to say, too much of it, or the name of a zone where the words should stand."""

    def wrong(key: str, step: str, **values: object) -> Shown:
        return session.wrong(key, step, AckReason.MALFORMED, EXIT_USAGE, **values)

    if not fold(text):
        return wrong("announce-empty", "announce-next")
    if len(text) > LETTERS_MAX:
        return wrong("announce-long", "announce-long-next", letters=len(text), most=LETTERS_MAX)
    _, zone = look_up(text, session)
    if isinstance(zone, str) and fold(zone) == fold(text):
        return wrong("announce-zone", "announce-next", text=text)
    return None
