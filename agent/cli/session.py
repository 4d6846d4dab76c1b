"""What a command has at hand: whom to ask, who is at the keyboard, and how answers are shown.

Owns the words for a refusal. Knows no command.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import msgspec

from agent.cli.arguments import EXIT_FAULT, EXIT_OK
from agent.cli.client import Asked
from agent.cli.columns import clean, wrap
from agent.cli.devices import ListDevices
from agent.cli.findings import Finding, finding_lines
from agent.cli.names import NotFound, find_name, fold
from agent.cli.prompts import Prompts
from agent.cli.texts import Lang, say
from agent.cli.wording import FAULT, OK, WATCH, ack_reason, length, occurrence_reason
from agent.contract.bounds import said_of
from agent.contract.reasons import AckReason
from agent.core.requests import Answer, Done, Refused, ZonesRequest, ZonesView

ALL = ("all", "tatca")
"""As `fold` writes what was typed."""

_MISSING = {
    "zone": ("zone-unknown", "zone-several"),
    "entry": ("entry-unknown", "entry-several"),
}


@dataclass(frozen=True, slots=True)
class Shown:
    """lines for people, the answer for `--json`, the exit status for scripts."""

    lines: list[str]
    answer: Answer | msgspec.Struct
    exit_status: int = EXIT_OK


@dataclass(frozen=True, slots=True)
class Session:
    """prompts None: nobody can be asked. chatty: the screen is a person's, who reads as we go.

    notes: lines that stand before the answer. list_devices: how to find out which sound devices
    there are, None: nobody looks.
    """

    ask: Asked
    lang: Lang
    width: int
    prompts: Prompts | None = None
    chatty: bool = False
    notes: list[str] = field(default_factory=list)
    list_devices: ListDevices | None = None

    def understood(self, wanted: str, name: str) -> None:
        """Say which zone was found by a part of its name, before anybody gives a PIN for it."""
        if fold(wanted) == fold(name):
            return
        lines = wrap(say(self.lang, "understood", wanted=wanted, name=name), self.width)
        if self.prompts is not None and self.chatty:
            self.prompts.tell(lines)
        else:
            self.notes.extend(lines)

    def found(self, finding: Finding, answer: Answer | msgspec.Struct) -> Shown:
        status = EXIT_FAULT if finding.mark == FAULT else EXIT_OK
        return Shown(finding_lines(finding, self.width), answer, status)

    def wrong(
        self, key: str, step: str, code: AckReason, exit_status: int, **values: object
    ) -> Shown:
        """Something typed here that cannot be asked for."""
        text, following = say(self.lang, key, **values), say(self.lang, step, **values)
        lines = finding_lines(Finding(FAULT, text, following), self.width)
        return Shown(lines, Refused(code.value, text), exit_status)

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
    if is_too_old(answer):
        return Finding(FAULT, say(lang, "agent-old"), say(lang, "agent-old-next"))
    known = ack_reason(answer.code, lang)
    if known is None:
        text, step = say(lang, "refused-unknown", code=answer.code), ""
    else:
        text, step = say(lang, "refused", reason=known[0]), known[1]
    about = [clean(_about(answer, lang))]
    if answer.tries_left:
        about.append(say(lang, "tries-left", count=answer.tries_left))
    if answer.wait_ms:
        about.append(say(lang, "wait-left", time=length(answer.wait_ms + 999)))
    told = ", ".join(one for one in about if one)
    return Finding(FAULT, f"{text} ({told})" if told else text, step)


def is_too_old(answer: Refused) -> bool:
    """Whether the agent does not know what it was asked for: it says so, or cannot even read it."""
    unread = answer.code == AckReason.MALFORMED and answer.detail.startswith("ask:")
    return answer.code == AckReason.UNSUPPORTED or unread


def _about(answer: Refused, lang: Lang) -> str:
    match answer.code, answer.detail:
        case AckReason.NO_RIGHT, ("approve" | "announce") as right:
            return say(lang, f"right-{right}")
        case AckReason.PIN_FILE, _:
            return ""
    return in_language(answer.detail, lang)


_SAID = (
    (re.compile(r"^on air: (?P<names>.*)"), "detail-on-air"),
    (re.compile(r"^(?P<what>.*); inputs: -$"), "detail-no-inputs"),
    (re.compile(r"^(?P<what>.*); (?:inputs|zones): (?P<names>.*)"), "detail-there-are"),
)
"""What the agent adds to a refusal for who reads its log."""


def in_language(detail: str, lang: Lang) -> str:
    """What the agent adds to a refusal, where its words are known."""
    for pattern, key in _SAID:
        found = pattern.match(detail)
        if found is not None:
            return say(lang, key, **found.groupdict())
    return said_of(detail).text(lang)


# --- names ----------------------------------------------------------------------------------


def look_up(wanted: str, session: Session) -> tuple[Answer, str | NotFound | None]:
    answer = session.ask(ZonesRequest())
    if not isinstance(answer, ZonesView):
        return answer, None
    return answer, find_name(wanted, tuple(zone.name for zone in answer.zones))


def zone_names(wanted: list[str], session: Session) -> tuple[str, ...] | Shown:
    """`all`, `tất cả`, or none: every zone."""
    names: list[str] = []
    for one in [] if fold("".join(wanted)) in ALL else wanted:
        answer, name = look_up(one, session)
        if isinstance(name, NotFound):
            return not_found(name, "zone", session)
        if name is None:
            return session.not_shown(answer)
        session.understood(one, name)
        names.append(name)
    return tuple(names)


def not_found(missing: NotFound, kind: str, session: Session) -> Shown:
    lang = session.lang
    unknown, several = _MISSING[kind]
    text = say(lang, several if missing.several else unknown, wanted=missing.wanted)
    if missing.at:
        text = say(lang, "entry-not-then", wanted=missing.wanted, time=missing.at)
    if missing.candidates:
        step = say(lang, "choose", names=", ".join(missing.candidates))
    else:
        step = say(lang, "see-zones" if kind == "zone" else "see-plan")
    code = AckReason.UNKNOWN_ZONE if kind == "zone" else AckReason.UNKNOWN_ENTRY
    return session.found(Finding(FAULT, text, step), Refused(code.value, missing.wanted))


def silent_zones(answer: Done, lang: Lang) -> list[Finding]:
    """Where what was asked for will not be heard, and why."""
    found: list[Finding] = []
    for one in answer.kept:
        why = ": ".join(filter(None, (occurrence_reason(one.reason, lang)[0], one.rule)))
        text = say(lang, "announce-kept", zones=", ".join(one.zones), why=why)
        found.append(Finding(WATCH, text))
    return found


def where(names: tuple[str, ...], lang: Lang) -> str:
    return ", ".join(names) or say(lang, "all-zones")


def shown_done(
    answer: Answer, finding: Finding, session: Session, further: Iterable[Finding] = ()
) -> Shown:
    """`finding` when it was done, and what else is to be known of it; else why not."""
    if not isinstance(answer, Done):
        return session.not_shown(answer)
    shown = session.found(finding, answer)
    more = [line for one in further for line in finding_lines(one, session.width)]
    return replace(shown, lines=[*shown.lines, *more, *not_stored(answer, session)])


def not_stored(answer: Answer, session: Session) -> list[str]:
    """What a power cut would forget is not told as if it were kept."""
    if not isinstance(answer, Done) or answer.stored:
        return []
    finding = Finding(WATCH, say(session.lang, "not-stored"), say(session.lang, "not-stored-next"))
    return finding_lines(finding, session.width)


def told(said: str, answer: Answer, session: Session) -> Shown:
    """What was done, with what the agent adds."""
    detail = f" ({clean(answer.detail)})" if isinstance(answer, Done) and answer.detail else ""
    return shown_done(answer, Finding(OK, said + detail), session)
