"""Taking note of an alarm: which one is meant, and that it was this episode that somebody saw."""

from __future__ import annotations

import argparse

from agent.cli.arguments import EXIT_USAGE
from agent.cli.findings import Finding
from agent.cli.names import NotFound, find_name
from agent.cli.people import Decider
from agent.cli.session import Session, Shown, shown_done
from agent.cli.texts import Lang, say
from agent.cli.wording import FAULT, OK, alarm_name
from agent.contract.reasons import AckReason
from agent.core.requests import AckAlarmRequest, AlarmsRequest, AlarmsView, AlarmView, Refused


def take_note(typed: argparse.Namespace, session: Session) -> Shown:
    """`alarms ack WHAT [SUBJECT]`: by its code, or by words of what the screen says."""
    if not typed.what:
        return session.wrong("ack-which", "see-alarms", AckReason.NO_SUCH_ALARM, EXIT_USAGE)
    answer = session.ask(AlarmsRequest())
    if not isinstance(answer, AlarmsView):
        return session.not_shown(answer)
    found = find_alarm(typed.what, answer.alarms, session.lang)
    if isinstance(found, NotFound):
        return _not_found(found, session)
    request = AckAlarmRequest(found.code, found.subject, found.episode)
    done = Decider(typed, session).ask(request)
    if isinstance(done, Shown):
        return done
    name = alarm_name(found.code, found.subject, session.lang)
    said = say(session.lang, "done-ack", alarm=name)
    return shown_done(done, Finding(OK, said), session)


def find_alarm(
    wanted: list[str], alarms: tuple[AlarmView, ...], lang: Lang
) -> AlarmView | NotFound:
    """`mains_lost`, `mains_lost ampli-1`, or `"điện lưới"`: the only open one that fits."""
    code, subject = wanted[0], " ".join(wanted[1:])
    exact = [one for one in alarms if one.code == code and (one.subject == subject or not subject)]
    if len(exact) == 1:
        return exact[0]
    if exact and not subject:
        return NotFound(code, tuple(_as_typed(one, lang) for one in exact), several=True)
    names = {alarm_name(one.code, one.subject, lang): one for one in exact or alarms}
    words = " ".join(wanted) if not exact else subject
    found = find_name(words, tuple(names))
    return found if isinstance(found, NotFound) else names[found]


def _as_typed(alarm: AlarmView, lang: Lang) -> str:
    """What names this one and no other of its code."""
    if alarm.subject:
        return f"{alarm.code} {alarm.subject}"
    return alarm_name(alarm.code, alarm.subject, lang)


def _not_found(missing: NotFound, session: Session) -> Shown:
    lang = session.lang
    key = "alarm-several" if missing.several else "alarm-none-such"
    step = say(lang, "choose", names=", ".join(missing.candidates))
    if not missing.candidates:
        step = say(lang, "see-alarms")
    refused = Refused(AckReason.NO_SUCH_ALARM.value, missing.wanted)
    return session.found(Finding(FAULT, say(lang, key, wanted=missing.wanted), step), refused)
