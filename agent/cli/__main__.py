"""`stationctl`: one command in, one screen out, an exit status for scripts.

Exit status: 0 good, 1 fault found or refused, 2 wrong usage, 3 the agent cannot be asked.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from agent.cli import offline
from agent.cli.arguments import (
    EXIT_FAULT,
    EXIT_UNREACHABLE,
    EXIT_USAGE,
    build_parser,
    completed,
    environment_of_process,
    language,
)
from agent.cli.audio import run_audio
from agent.cli.client import (
    DEFAULT_CONFIG,
    DEFAULT_SOCKET,
    Ask,
    Unreachable,
    asker,
    configured,
    configured_socket,
    configured_state_dir,
    not_toml,
    real_ask,
)
from agent.cli.commands import run
from agent.cli.devices import ListDevices, real_devices
from agent.cli.devices_check import with_devices
from agent.cli.findings import Finding, finding_lines
from agent.cli.pin import Place, run_pin
from agent.cli.pipes import quietly
from agent.cli.prompts import GaveUp, Prompts, open_terminal
from agent.cli.screens.doctor import render_doctor
from agent.cli.session import Session, Shown
from agent.cli.texts import Lang, say
from agent.cli.wording import FAULT

_COLOURS = {"✗": "31;1", "!": "33", "?": "35", "✓": "32"}
_MARK = re.compile(r"(?<!\S)[✗!?✓](?!\S)")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the command line finds around it; tests give their own."""

    ask: Ask
    load_config: offline.ConfigLoader
    environment: Mapping[str, str]
    at_ms: int
    free_mib: int | None
    on_terminal: bool
    prompts: Prompts | None = None
    list_devices: ListDevices = real_devices


def main(argv: list[str] | None = None) -> int:
    """Entry point of `stationctl`."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")
    around = Surroundings(
        ask=real_ask,
        load_config=offline.real_config_loader,
        environment=environment_of_process(),
        at_ms=offline.read_wall_ms(),
        free_mib=offline.read_free_mib(),
        on_terminal=sys.stdout.isatty(),
        prompts=open_terminal(),
    )
    return quietly(lambda: run_in(around, sys.argv[1:] if argv is None else argv))


def run_in(around: Surroundings, argv: list[str]) -> int:
    """`main` with everything it touches given to it."""
    lang = language(argv, around.environment)
    try:
        typed = completed(build_parser(lang, _version()).parse_args(argv), around.environment)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    missing = _missing_config(typed, lang)
    if missing is not None:
        print("\n".join(finding_lines(missing, typed.width)), file=sys.stderr)
        return EXIT_USAGE
    socket = typed.socket or configured_socket(typed.config) or DEFAULT_SOCKET
    chatty = around.on_terminal and not typed.json
    session = Session(
        asker(around.ask, socket, lang),
        lang,
        typed.width,
        around.prompts,
        chatty,
        list_devices=around.list_devices,
    )
    try:
        shown = _run(typed, session, around)
    except Unreachable as failure:
        return _show_unreachable(failure, typed, around, lang)
    except GaveUp:
        lines = finding_lines(Finding(FAULT, say(lang, "gave-up")), typed.width)
        print("\n".join(lines), file=sys.stderr)
        return EXIT_FAULT
    _print(shown, typed, around)
    return shown.exit_status


def _missing_config(typed: argparse.Namespace, lang: Lang) -> Finding | None:
    """A file that was named and is none, or not there; the doctor tells it among its checks."""
    path = Path(typed.config)
    named = path != DEFAULT_CONFIG and typed.command != "doctor"
    if not named or typed.socket:
        return None
    if path.exists():
        line = not_toml(path)
        if line is None:
            return None
        text = say(lang, "config-not-toml", path=path, why=line)
        return Finding(FAULT, text, say(lang, "config-not-toml-next", path=path))
    text = say(lang, "offline-config-missing", path=path)
    return Finding(FAULT, text, say(lang, "config-missing-next"))


def _run(typed: argparse.Namespace, session: Session, around: Surroundings) -> Shown:
    if typed.command == "audio":
        shown = run_audio(typed, session, around.list_devices)
        return replace(shown, lines=[*session.notes, *shown.lines])
    if typed.command != "pin":
        return run(typed, session)
    state_dir = configured_state_dir(typed.config) or offline.DEFAULT_STATE_DIR
    tz = configured(typed.config, "tz")
    readings = offline.LocalReadings(around.at_ms, around.free_mib)
    place = Place(state_dir, readings.at_ms, tz if isinstance(tz, str) else readings.tz)
    return run_pin(typed, session, place)


def _show_unreachable(
    failure: Unreachable, typed: argparse.Namespace, around: Surroundings, lang: Lang
) -> int:
    """The doctor goes on with what it can see itself; everything else ends here."""
    if typed.command == "doctor":
        readings = offline.LocalReadings(around.at_ms, around.free_mib)
        view = offline.offline_checks(Path(typed.config), around.load_config, readings)
        view = with_devices(view, Path(typed.config), around.list_devices)
        lines = render_doctor(view, lang, typed.width, (failure.finding,))
        _print(Shown(lines, view), typed, around)
        return EXIT_UNREACHABLE
    if typed.json:
        said = {
            "answer": "unreachable",
            "problem": failure.finding.text,
            "next": failure.finding.next,
        }
        print(msgspec.json.encode(said).decode())
    else:
        lines = finding_lines(failure.finding, typed.width)
        print("\n".join(lines), file=sys.stderr)
    return EXIT_UNREACHABLE


def _print(shown: Shown, typed: argparse.Namespace, around: Surroundings) -> None:
    if typed.json:
        print(as_json(shown.answer))
        return
    coloured = around.on_terminal and not typed.no_color
    print("\n".join(paint(line) if coloured else line for line in shown.lines))


def as_json(answer: msgspec.Struct) -> str:
    return msgspec.json.format(msgspec.json.encode(answer), indent=1).decode()


def paint(line: str) -> str:
    """Colour the marks that already say it."""
    return _MARK.sub(lambda mark: f"\x1b[{_COLOURS[mark[0]]}m{mark[0]}\x1b[0m", line)


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("commune-radio")
    except PackageNotFoundError:
        return "?"


if __name__ == "__main__":
    sys.exit(main())
