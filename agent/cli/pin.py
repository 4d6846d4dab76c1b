"""`stationctl pin`: who has a PIN at this station. Needs no agent, but root or the station's user.

There is no default PIN. A PIN is typed twice without echo, or read from a file of its own. A
running agent is told who got or lost one, for the journal; without it that is said to whoever did.
"""

from __future__ import annotations

import argparse
import os
import pwd
import shlex
from collections.abc import Callable
from pathlib import Path

import msgspec

from agent.adapters.pins import (
    PINS,
    People,
    Person,
    Trouble,
    read_people,
    with_pin,
    without,
    write_people,
)
from agent.cli.arguments import EXIT_FAULT, EXIT_USAGE
from agent.cli.client import Unreachable
from agent.cli.columns import cut, spread, wrap
from agent.cli.findings import Finding, finding_lines
from agent.cli.people import TRIES_AT_ONCE, pin_from_file
from agent.cli.prompts import Prompts
from agent.cli.session import Session, Shown
from agent.cli.texts import Lang, say
from agent.cli.wording import FAULT, OK, WATCH, date
from agent.contract.reasons import AckReason
from agent.core.pins import RIGHTS, plain_name, weakness_of
from agent.core.requests import Done, PinNoteRequest, Refused


class PersonView(msgspec.Struct, frozen=True):
    """Never the hash."""

    name: str
    may: tuple[str, ...]
    set_ms: int


class PinsView(msgspec.Struct, frozen=True, tag="pins", tag_field="answer"):
    people: tuple[PersonView, ...]


class Place(msgspec.Struct, frozen=True):
    """Where the PINs are, and when and where we are."""

    state_dir: Path
    at_ms: int
    tz: str


def run_pin(typed: argparse.Namespace, session: Session, place: Place) -> Shown:
    """Raises prompts.GaveUp."""
    refused = _may_not(typed, session, place)
    if refused is not None:
        return refused
    people = read_people(place.state_dir)
    if isinstance(people, Trouble):
        return _trouble(people, session)
    return _ACTIONS[typed.action](typed, session, place, people)


def _may_not(typed: argparse.Namespace, session: Session, place: Place) -> Shown | None:
    try:
        owner = place.state_dir.stat().st_uid
    except OSError:
        return session.wrong(
            "pin-no-state",
            "pin-no-state-next",
            AckReason.PIN_FILE,
            EXIT_FAULT,
            path=place.state_dir,
        )
    if os.geteuid() in (0, owner):
        return None
    words = ["pin", typed.action, *([typed.person] if typed.action != "list" else [])]
    return session.wrong(
        "pin-denied",
        "pin-denied-next",
        AckReason.NOT_ALLOWED,
        EXIT_FAULT,
        user=_user(owner),
        command=shlex.join(words),
    )


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def _trouble(trouble: Trouble, session: Session) -> Shown:
    said = {"path": trouble.file, "detail": trouble.detail}
    text = say(session.lang, f"pins-{trouble.fault}", **said)
    step = say(session.lang, f"pins-{trouble.fault}-next", **said)
    return session.found(Finding(FAULT, text, step), Refused(AckReason.PIN_FILE.value, text))


# --- the three actions ----------------------------------------------------------------------


def _set(typed: argparse.Namespace, session: Session, place: Place, people: People) -> Shown:
    name = plain_name(typed.person)
    if name is None:
        return session.wrong(
            "pin-name-odd", "pin-name-odd-next", AckReason.MALFORMED, EXIT_USAGE, name=typed.person
        )
    known = people.find(name)
    if known is not None and known.name.casefold() != name.casefold():
        # One of them would overwrite the other's PIN.
        return session.wrong(
            "pin-name-near",
            "pin-name-near-next",
            AckReason.DUPLICATE_ID,
            EXIT_USAGE,
            known=known.name,
            quoted=shlex.quote(known.name),
        )
    pin = _new_pin(typed, name, session)
    if isinstance(pin, Shown):
        return pin
    after = with_pin(people, name, pin, typed.may, place.at_ms)
    person = after.find(name)
    failed = _written(after, session, place)
    if failed is not None or person is None:
        return failed or session.not_shown(Refused(AckReason.PIN_FILE.value))
    text = say(session.lang, "done-pin", name=person.name, rights=_rights(person.may, session.lang))
    return _done(text, PinNoteRequest(person.name, person.may), session)


def _remove(typed: argparse.Namespace, session: Session, place: Place, people: People) -> Shown:
    person = people.find(typed.person)
    if person is None:
        text = say(session.lang, "pin-nobody", name=typed.person)
        names = ", ".join(one.name for one in people.people)
        step = say(session.lang, "choose", names=names) if names else ""
        refused = Refused(AckReason.UNKNOWN_PERSON.value, typed.person)
        return session.found(Finding(FAULT, text, step), refused)
    failed = _written(without(people, typed.person), session, place)
    text = say(session.lang, "done-pin-removed", name=person.name)
    return failed or _done(text, PinNoteRequest(person.name), session)


def _done(text: str, note: PinNoteRequest, session: Session) -> Shown:
    """What was done stays done, in the journal or not."""
    try:
        noted = isinstance(session.ask(note), Done)
    except Unreachable:
        noted = False
    step = "" if noted else say(session.lang, "pin-not-noted")
    return session.found(Finding(OK, text, step), Done(note.name))


def _list(_typed: argparse.Namespace, session: Session, place: Place, people: People) -> Shown:
    view = PinsView(tuple(PersonView(one.name, one.may, one.set_ms) for one in people.people))
    return Shown(render_pins(people.people, place, session.lang, session.width), view)


_ACTIONS: dict[str, Callable[[argparse.Namespace, Session, Place, People], Shown]] = {
    "set": _set,
    "remove": _remove,
    "list": _list,
}


def render_pins(people: tuple[Person, ...], place: Place, lang: Lang, width: int) -> list[str]:
    title = spread(say(lang, "pins-title", count=len(people)), "", width).rstrip()
    lines = [cut(title, width)]
    if not people:
        nobody = Finding(WATCH, say(lang, "pins-none"), say(lang, "pins-none-next"))
        return [*lines, *finding_lines(nobody, width)]
    for one in people:
        text = say(lang, "pin-of", name=one.name, rights=_rights(one.may, lang))
        when = say(lang, "pin-set-at", date=date(one.set_ms, place.at_ms, place.tz))
        lines += wrap(f"{text} · {when}", width)
    return lines


def _rights(may: tuple[str, ...], lang: Lang) -> str:
    """Those of a later version are shown as they are written."""
    named = (say(lang, f"right-{one}") if one in RIGHTS else one for one in may)
    return ", ".join(named) or say(lang, "right-none")


def _written(people: People, session: Session, place: Place) -> Shown | None:
    try:
        write_people(place.state_dir, people)
    except OSError as error:
        return session.wrong(
            "pin-not-written",
            "pin-not-written-next",
            AckReason.PIN_FILE,
            EXIT_FAULT,
            path=place.state_dir / PINS,
            problem=error.strerror or error,
        )
    return None


# --- a new PIN ------------------------------------------------------------------------------


def _new_pin(typed: argparse.Namespace, name: str, session: Session) -> str | Shown:
    if typed.pin_file is not None:
        pin = pin_from_file(typed.pin_file, session)
        wrong = None if isinstance(pin, Shown) else _weak(pin, session.lang)
        return pin if wrong is None else _refused(wrong, session)
    if session.prompts is None:
        return session.wrong(
            "pin-no-keyboard", "pin-no-keyboard-next", AckReason.PIN_NEEDED, EXIT_USAGE
        )
    return _typed_twice(name, session.prompts, session, TRIES_AT_ONCE)


def _typed_twice(name: str, prompts: Prompts, session: Session, tries: int) -> str | Shown:
    pin = prompts.secret(say(session.lang, "ask-new-pin", name=name))
    wrong = _weak(pin, session.lang) or _repeated(pin, prompts, session.lang)
    if wrong is None:
        return pin
    if tries == 1:
        return _refused(wrong, session)
    prompts.tell(finding_lines(wrong, session.width))
    return _typed_twice(name, prompts, session, tries - 1)


def _weak(pin: str, lang: Lang) -> Finding | None:
    weakness = weakness_of(pin)
    if weakness is None:
        return None
    return Finding(FAULT, say(lang, f"pin-weak-{weakness}"), say(lang, "pin-weak-next"))


def _repeated(pin: str, prompts: Prompts, lang: Lang) -> Finding | None:
    again = prompts.secret(say(lang, "ask-again"))
    return None if again == pin else Finding(FAULT, say(lang, "pins-differ"))


def _refused(finding: Finding, session: Session) -> Shown:
    return session.found(finding, Refused(AckReason.MALFORMED.value, finding.text))
