"""Where districtctl prints and how it ends: lines for people, one JSON value for machines.

Exit codes: 0 done; 1 a station refused; 2 the request was wrong and nothing was sent; 3 the
broker cannot be reached; 4 waiting for a second signature; 5 a report was written, but what it
rests on was changed or is not signed with an accepted key.
"""

from __future__ import annotations

import contextlib
import os
import sys
from enum import IntEnum
from typing import Any, TextIO

import msgspec

from agent.contract.reasons import Lang
from simulator.source_system.districtctl.phrases import mark, say
from simulator.source_system.problems import CourierError, SourceSystemError
from simulator.source_system.receipts import Delivery
from simulator.source_system.timetable import Finding
from simulator.source_system.timetable_desk import TimetableRefused


class Exit(IntEnum):
    DONE = 0
    REFUSED = 1
    WRONG = 2
    UNREACHABLE = 3
    SECOND_SIGNATURE = 4
    IN_DOUBT = 5


def _nobody_reads(out: TextIO) -> None:
    """Nothing is written there any more, not even what is flushed at the end."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, out.fileno())
        os.close(nowhere)


class Console:
    """Prints in one language; with `as_json` people's lines go nowhere and `result` speaks."""

    def __init__(self, lang: Lang, *, as_json: bool = False, out: TextIO | None = None) -> None:
        self.lang = lang
        self.as_json = as_json
        self._out = out or sys.stdout

    def line(self, text: str = "") -> None:
        if not self.as_json:
            self._print(text)

    def say(self, key: str, *, sign: str = "", indent: int = 0, **values: object) -> None:
        start = " " * indent + (mark(sign) + " " if sign else "")
        self.line(start + say(key, self.lang, **values))

    def phrase(self, key: str, **values: object) -> str:
        return say(key, self.lang, **values)

    def result(self, value: Any) -> None:
        """The one JSON value of this run."""
        if self.as_json:
            raw = msgspec.json.encode(value, enc_hook=str)
            self._print(msgspec.json.format(raw, indent=2).decode())

    def _print(self, text: str) -> None:
        """Whoever read may have gone (`| head -1`); what was asked for is done all the same."""
        try:
            print(text, file=self._out, flush=True)
        except BrokenPipeError:
            _nobody_reads(self._out)

    def findings(self, findings: tuple[Finding, ...]) -> None:
        for one in findings:
            self.line(f"{mark('bad' if one.is_error else 'note')} {one.text(self.lang)}")

    def problem(self, error: SourceSystemError) -> Exit:
        """Say what, where and what next."""
        if isinstance(error, TimetableRefused):
            return self._refused(error)
        if self.as_json:
            self.result(
                {
                    "error": error.code,
                    "where": error.where,
                    "detail": error.detail,
                    "text": error.what(self.lang),
                    "next": error.next(self.lang),
                }
            )
        else:
            print(f"{mark('bad')} {error.what(self.lang)}", file=sys.stderr)
            print(f"  → {error.next(self.lang)}", file=sys.stderr)
        return Exit.UNREACHABLE if isinstance(error, CourierError) else Exit.WRONG

    def _refused(self, error: TimetableRefused) -> Exit:
        errors = sum(one.is_error for one in error.findings)
        self.findings(error.findings)
        self.say("nothing_sent", errors=errors, warnings=len(error.findings) - errors)
        self.result({"error": "timetable", "findings": [one.as_json() for one in error.findings]})
        return Exit.WRONG

    def delivery(self, delivery: Delivery) -> Exit:
        """What came back, the refusals with reason and next step."""
        refused, waiting = delivery.of("refused"), delivery.of("waiting")
        self.say(
            "delivered",
            revision=delivery.revision,
            applied=len(delivery.of("applied")),
            all=len(delivery.receipts),
            waiting=len(waiting),
            refused=len(refused),
        )
        for one in refused:
            self.line(f"  {mark('bad')} {one.station}: {one.text(self.lang)}")
        for one in waiting[:10]:
            self.line(f"  {mark('wait')} {one.station}")
        return Exit.REFUSED if refused else Exit.DONE
