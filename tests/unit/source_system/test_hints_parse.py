"""Every command that a hint, a phrase or a screen names is one that districtctl understands."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

import simulator.source_system
from simulator.source_system.districtctl.arguments import build

FOLDER = Path(simulator.source_system.__file__).parent
COMMAND = re.compile(r"districtctl ((?:[^\s,;()»”?]+ ?)+)")
FILLED = {"{to}": "--to xa-01", "{base}": "3", "{date}": "", "NUMBER": "7", "SỐ": "7", "{}": "x1"}
"""What stands in a hint for something else; the rest is a name."""

WORD = re.compile(r"[a-z-]+|[A-ZÀ-Ỹ_-]+|\{[a-z_]*\}(?:\{[a-z_]*\})*|[a-z]+/[a-z]+|\d\S*")
"""A word of a command; the first that is none, or one of these, is prose again."""

PROSE = ("running", "and", "or", "says", "works", "prints", "rewrites", "parse", "also", "knows")


def _texts(path: Path) -> Iterator[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inside = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr | ast.Expr)  # an expression alone is a docstring
        for part in ast.walk(node)
        if part is not node and isinstance(part, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(
                str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values
            )
        elif (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in inside
            and not node.value.startswith("#")
        ):
            yield node.value


def _commands() -> Iterator[tuple[str, str]]:
    for path in sorted(FOLDER.rglob("*.py")):
        for text in _texts(path):
            for found in COMMAND.finditer(text):
                words = []
                for word in found[1].split():
                    if not WORD.fullmatch(word.rstrip(".:`")) or word in PROSE:
                        break
                    words.append(word.rstrip(".:`"))
                if words:
                    yield path.name, " ".join(words)


HINTS = sorted(set(_commands()))


def test_there_are_hints_to_look_at() -> None:
    told = {words for _, words in HINTS}
    assert {"records keys", "warn list", "report registry", "warn cancel {id}"} <= told
    assert len(told) > 40
    assert _code(["records", "keys", "xa-01"]) == 2


@pytest.mark.parametrize(("file", "hint"), HINTS)
def test_a_command_in_a_hint_is_understood(file: str, hint: str) -> None:
    for sign, value in FILLED.items():
        hint = hint.replace(sign, value)
    assert _code(shlex.split(hint)) == 0, f"{file}: districtctl {hint}"


def _code(words: list[str]) -> object:
    """0 also for --help."""
    try:
        build("vi").parse_args(words)
    except SystemExit as asked:
        return asked.code
    return 0


@pytest.mark.parametrize("words", [("xa-01",), ("--station", "xa-01"), ()])
def test_records_verify_takes_a_station_either_way(words: tuple[str, ...]) -> None:
    options = build("vi").parse_args(["records", "verify", *words])
    assert (options.station or options.named) == ("xa-01" if words else None)
