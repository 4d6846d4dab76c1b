"""What can be typed, its help in both languages, and its bounds. Errors name the next step."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NoReturn

from agent.cli.client import DEFAULT_CONFIG
from agent.cli.columns import wrap
from agent.cli.texts import Lang, say

PROGRAM = "stationctl"
WIDTH_DEFAULT = 44
WIDTH_LEAST = 24
EXIT_OK, EXIT_FAULT, EXIT_USAGE, EXIT_UNREACHABLE = range(4)


def language(argv: list[str], environment: Mapping[str, str]) -> Lang:
    """`--lang` wherever it stands, else the locale, else Vietnamese."""
    for place, word in enumerate(argv):
        given = word.removeprefix("--lang=") if word.startswith("--lang=") else ""
        if word == "--lang" and place + 1 < len(argv):
            given = argv[place + 1]
        if given in ("vi", "en"):
            return "en" if given == "en" else "vi"
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if environment.get(name):
            return "en" if environment[name].startswith("en") else "vi"
    return "vi"


def default_width(environment: Mapping[str, str]) -> int:
    """The terminal's columns, but a phone's at most: what fits there fits everywhere."""
    columns = shutil.get_terminal_size((WIDTH_DEFAULT, 24)).columns
    if environment.get("COLUMNS", "").isdecimal():
        columns = int(environment["COLUMNS"])
    return max(WIDTH_LEAST, min(WIDTH_DEFAULT, columns))


class Parser(argparse.ArgumentParser):
    """argparse whose complaints are one line in the reader's language and a next step."""

    lang: Lang = "vi"

    def error(self, message: str) -> NoReturn:
        problem = _translated(message, self.lang)
        lines = wrap(say(self.lang, "usage", problem=problem), WIDTH_DEFAULT, first="✗ ")
        lines += wrap(
            say(self.lang, "usage-next", program=self.prog),
            WIDTH_DEFAULT,
            first="  → ",
            then="    ",
        )
        print("\n".join(lines), file=sys.stderr)
        raise SystemExit(EXIT_USAGE)


def _translated(message: str, lang: Lang) -> str:
    if lang == "en":
        return message
    required = "the following arguments are required: "
    if message.startswith(required):
        return say(lang, "usage-required", what=message.removeprefix(required))
    if message.startswith("unrecognized arguments: "):
        return say(
            lang, "usage-unrecognized", what=message.removeprefix("unrecognized arguments: ")
        )
    if "invalid choice: " in message:
        what = message.partition("invalid choice: ")[2].partition(" (choose")[0]
        return say(lang, "usage-choice", what=what)
    return message


def build_parser(lang: Lang, version: str) -> argparse.ArgumentParser:
    common = _common(lang)
    parser = Parser(
        prog=PROGRAM,
        description=say(lang, "help-about"),
        epilog=say(lang, "help-exit"),
        parents=[common],
    )
    parser.lang = lang
    parser.add_argument(
        "--version",
        action="version",
        version=f"{PROGRAM} {version}",
        help=say(lang, "help-version"),
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def command(name: str) -> argparse.ArgumentParser:
        text = say(lang, f"help-{name}")
        made: Parser = commands.add_parser(name, help=text, description=text, parents=[common])
        made.lang = lang
        return made

    for name in ("status", "zones", "alarms"):
        command(name)
    _add_reading(command, lang)
    _add_doing(command, lang)
    return parser


def _add_reading(command: Callable[[str], argparse.ArgumentParser], lang: Lang) -> None:
    command("plan").add_argument(
        "--hours", type=_between(1, 336, lang), default=24, help=say(lang, "help-hours")
    )
    command("journal").add_argument(
        "-n", dest="count", type=_between(1, 1000, lang), default=20, help=say(lang, "help-count")
    )
    command("doctor").add_argument("zone", nargs="?", metavar="ZONE", help=say(lang, "help-zone"))


def _add_doing(command: Callable[[str], argparse.ArgumentParser], lang: Lang) -> None:
    tone = command("test-tone")
    tone.add_argument("zones", nargs="*", metavar="ZONE", help=say(lang, "help-zone"))
    tone.add_argument(
        "--seconds", type=_between(1, 60, lang), default=3, help=say(lang, "help-seconds")
    )
    volume = command("volume")
    volume.add_argument("zone", metavar="ZONE|all", help=say(lang, "help-zone-all"))
    volume.add_argument(
        "volume", metavar="N|auto", type=_volume(lang), help=say(lang, "help-level")
    )
    for name in ("hold", "release", "skip", "order"):
        made = command(name)
        made.add_argument("entry", metavar="ENTRY", help=say(lang, "help-entry"))
        if name == "skip":
            made.add_argument(
                "nominal", nargs="?", metavar="YYYY-MM-DDTHH:MM:SS", help=say(lang, "help-nominal")
            )
        if name == "order":
            made.add_argument(
                "order", metavar="N", type=_between(-1000, 1000, lang), help=say(lang, "help-rank")
            )


def _common(lang: Lang) -> Parser:
    """Options that may stand before or after the command: no defaults here, see `completed`."""
    common = Parser(add_help=False, argument_default=argparse.SUPPRESS)
    common.add_argument("--socket", type=Path, metavar="PATH", help=say(lang, "help-socket"))
    common.add_argument("--config", type=Path, metavar="FILE", help=say(lang, "help-config"))
    common.add_argument("--lang", choices=("vi", "en"), help=say(lang, "help-lang"))
    common.add_argument("--json", action="store_true", help=say(lang, "help-json"))
    common.add_argument(
        "--width", type=_between(WIDTH_LEAST, 400, lang), metavar="N", help=say(lang, "help-width")
    )
    common.add_argument("--no-color", action="store_true", help=say(lang, "help-no-color"))
    return common


def completed(typed: argparse.Namespace, environment: Mapping[str, str]) -> argparse.Namespace:
    """The common options that were not typed get their defaults."""
    defaults = {
        "socket": None,
        "config": DEFAULT_CONFIG,
        "json": False,
        "width": default_width(environment),
        "no_color": bool(environment.get("NO_COLOR")),
    }
    return argparse.Namespace(**{**defaults, **vars(typed)})


def _between(low: int, high: int, lang: Lang) -> Callable[[str], int]:
    def number(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = low - 1
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(
                say(lang, "usage-number", low=low, high=high, given=text)
            )
        return value

    return number


def _volume(lang: Lang) -> Callable[[str], int | None]:
    def volume(text: str) -> int | None:
        if text == "auto":
            return None
        if text.isdecimal() and 0 <= int(text) <= 100:
            return int(text)
        raise argparse.ArgumentTypeError(say(lang, "usage-volume", given=text))

    return volume


def environment_of_process() -> Mapping[str, str]:
    return os.environ
