"""`test-tone`: taken up first, and then what every zone had of it, waited for with a bound.

Owns how long the outcome is waited for and its words. Whether a tone may sound is the agent's.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator

from agent.cli.arguments import EXIT_FAULT, EXIT_OK
from agent.cli.findings import Finding, finding_lines, worst_first
from agent.cli.people import Decider
from agent.cli.session import Session, Shown, where, zone_names
from agent.cli.texts import Lang, say
from agent.cli.wording import FAULT, OK, UNKNOWN, WATCH, occurrence_reason
from agent.core.requests import (
    Answer,
    AudioRequest,
    AudioView,
    Done,
    TestToneRequest,
    ToneRequest,
    ToneView,
    ToneZone,
)
from agent.core.words import CARD_LOST

LOOK_EVERY_S = 0.3
PATIENCE_S = 10
"""Beyond the tone's own length and the amplifiers' warm-up."""

WARM_UP_MAX_S = 120

Pause = Callable[[float], None]


def play_tone(typed: argparse.Namespace, session: Session, pause: Pause = time.sleep) -> Shown:
    names = zone_names(typed.zones, session)
    if isinstance(names, Shown):
        return names
    answer = Decider(typed, session).ask(TestToneRequest(names, typed.seconds * 1000))
    if isinstance(answer, Shown):
        return answer
    if not isinstance(answer, Done):
        return session.not_shown(answer)
    zones = where(names, session.lang)
    said = say(session.lang, "tone-taken-up", seconds=typed.seconds, zones=zones)
    if not answer.entry:
        return session.found(Finding(OK, said), answer)
    begun = finding_lines(taken_up(said, session), session.width)
    if session.prompts is not None and session.chatty:
        session.prompts.tell(begun)
        begun = []
    view = await_outcome(answer.entry, typed.seconds, session, pause)
    if not isinstance(view, ToneView):
        return session.not_shown(view)
    findings = worst_first(list(_findings(view, session.lang)))
    lines = [line for one in findings for line in finding_lines(one, session.width)]
    faulty = any(one.mark == FAULT for one in findings)
    return Shown([*begun, *lines], view, EXIT_FAULT if faulty else EXIT_OK)


def taken_up(said: str, session: Session) -> Finding:
    """That it will sound is only told while sound can leave the station."""
    view = session.ask(AudioRequest())
    if not isinstance(view, AudioView) or view.player == "ready":
        return Finding(OK, said)
    known = CARD_LOST.get(view.why)
    lost = say(session.lang, "player-lost") if known is None else known.text(session.lang)
    step = say(session.lang, "player-lost-next") if known is None else known.next(session.lang)
    return Finding(FAULT, f"{lost} ({said})", step)


def await_outcome(entry: str, seconds: int, session: Session, pause: Pause) -> Answer:
    """The last answer: over, unknown, or still to come when patience ends."""
    left_s: float | None = None
    while True:
        view = session.ask(ToneRequest(entry))
        if not isinstance(view, ToneView) or view.state == "unknown":
            return view
        if view.state == "over" and not view.measuring:
            return view
        if left_s is None:
            lead_s = ((view.starts_ms or view.at_ms) - view.at_ms) / 1_000
            left_s = max(0.0, min(WARM_UP_MAX_S, lead_s)) + seconds + PATIENCE_S
        if left_s <= 0:
            return view
        pause(LOOK_EVERY_S)
        left_s -= LOOK_EVERY_S


def _findings(view: ToneView, lang: Lang) -> Iterator[Finding]:
    if view.state == "over":
        yield from (tone_finding(zone, lang) for zone in view.zones)
        return
    key = "tone-unknown" if view.state == "unknown" else "tone-not-over"
    yield Finding(WATCH, say(lang, key), say(lang, "tone-unknown-next"))


def tone_finding(had: ToneZone, lang: Lang) -> Finding:
    """Heard is only what the zone's controller confirmed."""
    length = f"{had.played_ms / 1000:.1f}"
    if lang == "vi":
        length = length.replace(".", ",")
    if had.outcome == "played" and had.confirmed != "no":
        known = had.confirmed == "yes"
        key = "tone-confirmed" if known else "tone-not-measured"
        return Finding(OK if known else UNKNOWN, say(lang, key, zone=had.zone, seconds=length))
    why, step = occurrence_reason(had.reason, lang) if had.reason else ("", "")
    if had.outcome == "skipped":
        return Finding(FAULT, say(lang, "tone-skipped", zone=had.zone, reason=why), step)
    key = "tone-partial" if had.outcome == "partial" else "tone-unheard"
    return Finding(FAULT, say(lang, key, zone=had.zone, seconds=length, reason=why), step)
