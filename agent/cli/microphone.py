"""`announce --mic`: opens the station's microphone, says when to speak, closes it again.

Owns what a person at the keyboard sees of an open input. Whether it may be opened, and that it
closes by itself, is the agent's. Ctrl-C, a closed terminal or a lost connection close it at once.
"""

from __future__ import annotations

import argparse
import contextlib
import signal
import time
from collections.abc import Callable, Iterator
from types import FrameType

from agent.cli.arguments import EXIT_USAGE
from agent.cli.columns import clean
from agent.cli.findings import Finding, finding_lines
from agent.cli.people import Decider
from agent.cli.session import Session, Shown, refusal, silent_zones, where, zone_names
from agent.cli.texts import say
from agent.cli.wording import FAULT, OK, WATCH, length
from agent.contract.reasons import AckReason
from agent.core.requests import (
    Answer,
    Done,
    EndSpeechRequest,
    Refused,
    SpeakRequest,
    SpokenRequest,
    SpokenView,
)

LOOK_EVERY_S = 0.3
WAIT_MAX_S = 180
"""For warm amplifiers and a free zone; the agent gives up before."""

Pause = Callable[[float], None]


class _HungUp(Exception):  # noqa: N818 - the person's choice, no mistake
    """The terminal was closed, or somebody ended this command."""


def speak(typed: argparse.Namespace, session: Session, pause: Pause = time.sleep) -> Shown:
    names = zone_names(typed.words, session)
    if isinstance(names, Shown):
        return names
    minutes_ms = typed.minutes * 60_000
    asked = SpeakRequest(names, minutes_ms, typed.input, typed.title, typed.over)
    answer = Decider(typed, session).ask(asked)
    if isinstance(answer, Shown):
        return answer
    if not isinstance(answer, Done):
        return not_opened(answer, session)
    zones = where(names, session.lang)
    begun = Finding(OK, say(session.lang, "mic-taken-up", zones=zones, minutes=typed.minutes))
    if session.prompts is None or not session.chatty:
        # Nobody who could be told when to speak: it closes by itself, or by `stop`.
        step = say(session.lang, "mic-alone-next")
        return session.found(Finding(OK, begun.text, step), answer)
    session.prompts.tell(finding_lines(begun, session.width))
    for silent in silent_zones(answer, session.lang):
        session.prompts.tell(finding_lines(silent, session.width))
    try:
        with _hanging_up():
            view = _attend(answer.entry, session, pause)
    except (KeyboardInterrupt, _HungUp):
        ended = session.ask(EndSpeechRequest(answer.entry))
        if isinstance(ended, Refused) and ended.code == AckReason.NOTHING_ON_AIR:
            return session.found(Finding(OK, say(session.lang, "mic-over")), ended)
        if not isinstance(ended, Done):
            return session.not_shown(ended)
        return session.found(Finding(OK, say(session.lang, "mic-closed")), ended)
    if not isinstance(view, SpokenView):
        return session.not_shown(view)
    key = "mic-over" if view.state in ("over", "unknown") else "mic-not-free"
    mark = OK if key == "mic-over" else WATCH
    return session.found(Finding(mark, say(session.lang, key)), view)


def not_opened(answer: Answer, session: Session) -> Shown:
    if isinstance(answer, Refused) and answer.code == AckReason.EMERGENCY_ON_AIR:
        about = f" ({answer.detail})" if answer.detail else ""
        text = say(session.lang, "announce-emergency") + about
        finding = Finding(FAULT, text, say(session.lang, "announce-emergency-next"))
        return session.found(finding, answer)
    if isinstance(answer, Refused) and answer.code == AckReason.BUSY:
        finding = Finding(
            FAULT,
            say(session.lang, "mic-open", title=clean(answer.detail)),
            say(session.lang, "mic-open-next"),
        )
        return session.found(finding, answer)
    if isinstance(answer, Refused):
        return session.found(refusal(answer, session.lang), answer)
    return session.not_shown(answer)


def no_microphone_words(session: Session) -> Shown:
    """--input, --minutes or --title without --mic."""
    return session.wrong("mic-missing", "mic-missing-next", AckReason.MALFORMED, EXIT_USAGE)


def _attend(entry: str, session: Session, pause: Pause) -> Answer:
    """Tell when to speak, and stay until it is over."""
    told, waited_s = False, 0.0
    while True:
        view = session.ask(SpokenRequest(entry))
        if not isinstance(view, SpokenView) or view.state in ("over", "unknown"):
            return view
        if not told and _speaks(view):
            told = True
            _tell_to_speak(view, session)
        if not told:
            waited_s += LOOK_EVERY_S
            if waited_s > WAIT_MAX_S:
                session.ask(EndSpeechRequest(entry))
                return view
        pause(LOOK_EVERY_S)


def _speaks(view: SpokenView) -> bool:
    """The chime is over: from now on the input is heard."""
    return view.state == "sounding" and view.speaks_ms is not None and view.at_ms >= view.speaks_ms


def _tell_to_speak(view: SpokenView, session: Session) -> None:
    left_ms = max(0, (view.ends_ms or view.at_ms) - view.at_ms)
    said = say(
        session.lang,
        "mic-speak",
        input=view.input,
        zones=where(view.zones, session.lang),
        left=length(left_ms),
    )
    finding = Finding(OK, said, say(session.lang, "mic-speak-next"))
    if session.prompts is not None:
        session.prompts.tell(finding_lines(finding, session.width))


_ENDING = (signal.SIGINT, signal.SIGHUP, signal.SIGTERM)
"""Ctrl-C too: a shell that starts something in the background has it ignored."""


@contextlib.contextmanager
def _hanging_up() -> Iterator[None]:
    """A lost terminal must not leave a microphone open."""

    def hung_up(_number: int, _frame: FrameType | None) -> None:
        raise _HungUp

    before = {one: signal.signal(one, hung_up) for one in _ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
