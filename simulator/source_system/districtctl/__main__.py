"""districtctl: parse, call, print, exit. See `console` for the exit codes."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable, Sequence

from agent.cli.pipes import quietly
from simulator.source_system.district import District
from simulator.source_system.districtctl import (
    evidence,
    extracting,
    live,
    looking,
    making,
    regulating,
    reporting,
    sending,
)
from simulator.source_system.districtctl.arguments import build
from simulator.source_system.districtctl.console import Console, Exit
from simulator.source_system.districtctl.phrases import language
from simulator.source_system.problems import DistrictError, SourceSystemError

VERBS: dict[str, Callable[..., Exit]] = {
    "enrol": making.enrol,
    "push": sending.push,
    "regulation": regulating.regulation,
    "publish": sending.publish,
    "warn": sending.warn,
    "cosign": sending.cosign,
    "live": live.live,
    "command": sending.command,
    "stations": looking.stations,
    "status": looking.status,
    "asrun": looking.asrun,
    "history": looking.history,
    "records": evidence.records,
    "receipts": evidence.receipts,
    "extract": extracting.extract,
    "keys": looking.keys,
}


def main(arguments: Sequence[str] | None = None) -> int:
    given = list(sys.argv[1:] if arguments is None else arguments)
    return quietly(lambda: _run(given))


def _run(given: list[str]) -> int:
    options = build(language(_asked_language(given))).parse_args(given)
    console = Console(language(options.lang), as_json=options.json)
    try:
        if options.verb == "serve":
            return making.serve(console, options)
        if options.verb == "keys" and options.what == "init":
            return making.keys_init(console, options)
        if options.verb == "extract" and options.words[:1] == ["verify"]:
            return extracting.verify(console, options)
        if options.verb == "report":
            return reporting.report(console, options)
        district = District(options.home, ask_passphrase=making.asker(console))
        return VERBS[options.verb](district, console, options)
    except SourceSystemError as error:
        return console.problem(error)
    except sqlite3.DatabaseError as error:
        return console.problem(DistrictError("database_damaged", f"{options.home}", error))
    except KeyboardInterrupt:
        return Exit.WRONG


def _asked_language(given: Sequence[str]) -> str | None:
    """--lang before argparse speaks, so that its help is in that language too."""
    for position, word in enumerate(given):
        if word.startswith("--lang="):
            return word.partition("=")[2]
        if word == "--lang" and position + 1 < len(given):
            return given[position + 1]
    return None


if __name__ == "__main__":
    raise SystemExit(main())
