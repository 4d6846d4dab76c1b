"""What can be typed, its help in both languages, and its bounds. Errors name the next step."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from agent.cli.client import DEFAULT_CONFIG
from agent.cli.columns import wrap
from agent.cli.texts import Lang, say
from agent.core.announcements import SPEAK_MOST_MS
from agent.core.pins import RIGHTS

PROGRAM = "stationctl"
WIDTH_DEFAULT = 44
WIDTH_LEAST = 24
MINUTES_DEFAULT = 5
"""How long `announce --mic` leaves the microphone open at most."""
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
    mixed = False
    """Options may stand between the words: `announce dong --lang vi "…"`."""

    named_by = "command"
    """Where the chosen command stands among what was typed."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.commands: dict[str, Parser] = {}

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        if not self.mixed:
            return super().parse_known_args(args, namespace)
        self.mixed = False  # it asks this method for its two passes
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self.mixed = True

    def parse_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> argparse.Namespace:
        """What is left over is told by the command it was typed behind, which has the help."""
        typed, extra = self.parse_known_args(args, namespace)
        if extra:
            teller = self.commands.get(getattr(typed, self.named_by, ""), self)
            teller.error(f"unrecognized arguments: {' '.join(extra)}")
        return typed

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
    for pattern, key in _COMPLAINTS:
        found = pattern.fullmatch(message)
        if found is not None:
            return say(lang, key, **found.groupdict())
    return message


_COMPLAINTS = (
    (re.compile(r"argument (?P<what>.+): expected .*argument.*"), "usage-no-value"),
    (
        re.compile(r"argument (?P<what>.+): not allowed with argument (?P<other>.+)"),
        "usage-not-both",
    ),
    (re.compile(r"argument (?P<what>.+): ignored explicit argument .*"), "usage-takes-none"),
    (
        re.compile(r"argument (?P<what>[^:]+): invalid (?:int|float) value: (?P<given>.+)"),
        "usage-no-number",
    ),
    (re.compile(r"one of the arguments (?P<what>.+) is required"), "usage-one-of"),
    (re.compile(r"argument (?P<what>[^:]+): (?P<why>.+)"), "usage-about"),
)
"""What argparse says in English; the last one is of our own checks, which speak the language."""


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

    def command(name: str) -> Parser:
        text = say(lang, f"help-{name}")
        made: Parser = commands.add_parser(name, help=text, description=text, parents=[common])
        made.lang, made.mixed = lang, name != "pin"
        parser.commands[name] = made
        return made

    for name in ("status", "zones", "link"):
        command(name)
    _add_alarms(command("alarms"), lang)
    _add_audio(command("audio"), lang)
    _add_reading(command, lang)
    _add_doing(command, lang)
    _add_deciding(command, lang)
    _add_speaking(command, lang)
    _add_pin(command("pin"), lang)
    return parser


def _add_alarms(made: argparse.ArgumentParser, lang: Lang) -> None:
    made.add_argument("act", nargs="?", choices=("ack",), help=say(lang, "help-ack"))
    made.add_argument("what", nargs="*", metavar="ALARM", help=say(lang, "help-ack-what"))
    _add_who(made, lang)


def _add_audio(made: argparse.ArgumentParser, lang: Lang) -> None:
    acts = ("selftest", "test", "input")
    made.add_argument("act", nargs="?", choices=acts, help=say(lang, "help-audio-act"))
    made.add_argument("what", nargs="?", metavar="ADDRESS|NAME", help=say(lang, "help-audio-what"))
    made.add_argument(
        "--seconds", type=_between(1, 60, lang), metavar="N", help=say(lang, "help-audio-seconds")
    )
    made.add_argument("--zone", action="append", metavar="ZONE", help=say(lang, "help-audio-zone"))
    _add_who(made, lang)


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
    for made in (tone, volume):
        _add_who(made, lang)


def _add_who(made: argparse.ArgumentParser, lang: Lang) -> None:
    """The PIN itself is never an argument: others could read it in the list of processes."""
    made.add_argument("--name", metavar="NAME", help=say(lang, "help-name"))
    made.add_argument("--pin-file", type=Path, metavar="FILE", help=say(lang, "help-pin-file"))


def _add_deciding(command: Callable[[str], argparse.ArgumentParser], lang: Lang) -> None:
    for name in ("approve", "reject"):
        made = command(name)
        made.set_defaults(at=None)
        made.add_argument("entry", nargs="?", metavar="ID", help=say(lang, "help-approve-entry"))
        made.add_argument("when", nargs="*", metavar="WHEN", help=say(lang, "help-when"))
        made.add_argument("--all-from", metavar="AUTHORITY", help=say(lang, "help-all-from"))
        extent = made.add_mutually_exclusive_group()
        extent.add_argument("--once", action="store_true", help=say(lang, "help-once"))
        extent.add_argument("--every", action="store_true", help=say(lang, "help-every"))
        if name == "approve":
            made.add_argument("--at", type=_clock(lang), metavar="HH:MM", help=say(lang, "help-at"))
        made.add_argument("--document", default="", metavar="NO", help=say(lang, "help-document"))
        _add_who(made, lang)
    for name in ("hold", "release", "skip", "order"):
        made = command(name)
        made.add_argument("entry", metavar="ID", help=say(lang, "help-entry"))
        if name == "skip":
            made.add_argument("when", nargs="*", metavar="WHEN", help=say(lang, "help-when"))
        if name == "order":
            made.add_argument(
                "order", metavar="N", type=_between(-1000, 1000, lang), help=say(lang, "help-rank")
            )
        _add_who(made, lang)


def _add_speaking(command: Callable[[str], argparse.ArgumentParser], lang: Lang) -> None:
    made = command("stop")
    made.add_argument("zones", nargs="*", metavar="ZONE", help=say(lang, "help-zone"))
    _add_who(made, lang)
    made = command("quiet")
    made.add_argument("words", nargs="*", metavar="WORD", help=say(lang, "help-quiet-words"))
    made.add_argument("--reason", default="", metavar="WHY", help=say(lang, "help-reason"))
    _add_who(made, lang)
    made = command("announce")
    made.add_argument("words", nargs="*", metavar="WORD", help=say(lang, "help-announce-words"))
    made.add_argument("--speak", choices=("vi", "en"), help=say(lang, "help-speak"))
    made.add_argument("--over", action="store_true", help=say(lang, "help-over"))
    made.add_argument("--mic", action="store_true", help=say(lang, "help-mic"))
    made.add_argument("--input", default="", metavar="NAME", help=say(lang, "help-input"))
    made.add_argument(
        "--minutes",
        type=_between(1, SPEAK_MOST_MS // 60_000, lang),
        default=MINUTES_DEFAULT,
        metavar="N",
        help=say(lang, "help-minutes"),
    )
    made.add_argument("--title", default="", metavar="TITLE", help=say(lang, "help-title"))
    _add_who(made, lang)


def _add_pin(made: Parser, lang: Lang) -> None:
    actions: argparse._SubParsersAction[Parser] = made.add_subparsers(
        dest="action", metavar="ACTION", required=True
    )
    for name in ("set", "list", "remove"):
        text = say(lang, f"help-pin-{name}")
        one: Parser = actions.add_parser(name, help=text, description=text, parents=[_common(lang)])
        one.lang = lang
        if name != "list":
            one.add_argument("person", metavar="NAME", help=say(lang, "help-pin-name"))
        if name == "set":
            one.add_argument(
                "--may", type=_rights(lang), metavar="RIGHTS", help=say(lang, "help-may")
            )
            one.add_argument(
                "--pin-file", type=Path, metavar="FILE", help=say(lang, "help-pin-file")
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


def _clock(lang: Lang) -> Callable[[str], str]:
    def clock(text: str) -> str:
        hour, colon, minute = text.partition(":")
        numbers = hour.isdecimal() and minute.isdecimal() and len(hour) <= 2 and len(minute) == 2
        if colon and numbers and int(hour) < 24 and int(minute) < 60:
            return f"{int(hour):02}:{int(minute):02}"
        raise argparse.ArgumentTypeError(say(lang, "usage-clock", given=text))

    return clock


def _rights(lang: Lang) -> Callable[[str], tuple[str, ...]]:
    def rights(text: str) -> tuple[str, ...]:
        names = tuple(one.strip() for one in text.split(",") if one.strip())
        if set(names) <= set(RIGHTS):
            return tuple(one for one in RIGHTS if one in names)
        choice = ", ".join(RIGHTS)
        raise argparse.ArgumentTypeError(say(lang, "usage-rights", names=choice, given=text))

    return rights


def environment_of_process() -> Mapping[str, str]:
    return os.environ
