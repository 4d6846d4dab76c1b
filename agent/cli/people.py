"""Who decides: their name and PIN, from the keyboard or from a file, and what is sent with them.

Owns the asking. Whether the PIN is right only the agent knows; it is kept here for one command,
so that several requests of it need one answer, and is printed nowhere.
"""

from __future__ import annotations

import argparse
import os
import re
import stat
from pathlib import Path

from agent.adapters.pins import Signer
from agent.cli.arguments import EXIT_USAGE
from agent.cli.findings import Finding, finding_lines
from agent.cli.prompts import Prompts
from agent.cli.session import Session, Shown, refusal
from agent.cli.texts import say
from agent.contract.reasons import AckReason
from agent.core.pins import PIN_LEAST, PIN_MOST, RIGHT_FOR
from agent.core.requests import Answer, Refused, Request

PIN_FILE_MAX = 1_024
_IS_PIN = re.compile(rf"[0-9]{{{PIN_LEAST},{PIN_MOST}}}")
TRIES_AT_ONCE = 3
"""So often a PIN may be typed before the command is to be typed again."""


class Decider:
    """Asks the agent in the name of who decides; once it is known who, for all that follows."""

    def __init__(self, typed: argparse.Namespace, session: Session) -> None:
        self._name: str | None = typed.name
        self._file: Path | None = typed.pin_file
        self._session = session
        self._signer: Signer | None = None

    @property
    def name(self) -> str:
        return self._signer.name if self._signer is not None else ""

    def ask(self, request: Request) -> Answer | Shown:
        """The agent's answer; Shown: it could not be asked.

        A name is asked for when it was begun to be given, when it is always needed, and when the
        agent says that here it is.
        """
        given = self._name is not None or self._file is not None
        if self._signer is None and (given or type(request) in RIGHT_FOR):
            missing = self._identify()
            if missing is not None:
                return missing
        answer = self._session.ask(request, self._signer)
        if _code(answer) == AckReason.PIN_NEEDED and self._signer is None:
            missing = self._identify()
            if missing is not None:
                return missing
            answer = self._session.ask(request, self._signer)
        return self._again(request, answer)

    def _again(self, request: Request, answer: Answer) -> Answer:
        """A mistyped PIN is typed again."""
        prompts = self._session.prompts
        for _ in range(TRIES_AT_ONCE - 1):
            wrong = isinstance(answer, Refused) and answer.code == AckReason.WRONG_PIN
            if not wrong or prompts is None or self._file is not None or self._signer is None:
                break
            if isinstance(answer, Refused):
                if not answer.tries_left:
                    break
                finding = refusal(answer, self._session.lang)
                prompts.tell(
                    finding_lines(Finding(finding.mark, finding.text), self._session.width)
                )
            self._signer = self._ask_pin(prompts, self._signer.name)
            answer = self._session.ask(request, self._signer)
        return answer

    def _identify(self) -> Shown | None:
        """Find out who decides; Shown: nobody can be asked."""
        prompts = self._session.prompts
        if self._file is not None and self._name is not None:
            return self._from_file(self._file, self._name)
        if prompts is None:
            return self._session.wrong(
                "who-decides", "who-decides-next", AckReason.PIN_NEEDED, EXIT_USAGE
            )
        name = self._name or prompts.line(say(self._session.lang, "ask-name"))
        if self._file is not None:
            return self._from_file(self._file, name)
        self._signer = self._ask_pin(prompts, name)
        return None

    def _ask_pin(self, prompts: Prompts, name: str) -> Signer:
        return Signer(name, prompts.secret(say(self._session.lang, "ask-pin", name=name)))

    def _from_file(self, file: Path, name: str) -> Shown | None:
        pin = pin_from_file(file, self._session)
        if isinstance(pin, Shown):
            return pin
        if not _IS_PIN.fullmatch(pin):  # sure to be wrong, and tries are few
            return self._session.wrong(
                "pin-file-none", "pin-file-none-next", AckReason.PIN_NEEDED, EXIT_USAGE, path=file
            )
        self._signer = Signer(name, pin)
        return None


def _code(answer: Answer) -> str:
    return answer.code if isinstance(answer, Refused) else ""


def pin_from_file(file: Path, session: Session) -> str | Shown:
    """Its first line, if nobody else can read it."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as opened:
            open_to_others = bool(stat.S_IMODE(os.fstat(descriptor).st_mode) & 0o077)
            first = opened.read(PIN_FILE_MAX).partition(b"\n")[0]
    except OSError as error:
        return session.wrong(
            "pin-file-unread",
            "pin-file-unread-next",
            AckReason.PIN_NEEDED,
            EXIT_USAGE,
            path=file,
            problem=error.strerror or error,
        )
    if open_to_others:
        return session.wrong(
            "pin-file-open", "pin-file-open-next", AckReason.PIN_NEEDED, EXIT_USAGE, path=file
        )
    return first.decode("utf-8", "replace").strip()
