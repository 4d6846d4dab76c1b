"""The core decides and touches nothing: its imports and calls, read from the source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
CORE = sorted((ROOT / "agent" / "core").glob("**/*.py"))
BESIDE = [ROOT / "agent" / "player" / "protocol.py"]
"""Modules outside the core that it may import, held to the same rules."""

ALLOWED = frozenset(
    {
        "__future__",
        "abc",
        "agent.contract",
        "agent.core",
        "agent.player.protocol",
        "base64",
        "bisect",
        "collections",
        "dataclasses",
        "datetime",
        "dateutil",
        "enum",
        "functools",
        "hashlib",
        "heapq",
        "itertools",
        "json",
        "math",
        "msgspec",
        "operator",
        "re",
        "typing",
        "unicodedata",
    }
)
NEVER_CALLED = frozenset({"open", "input", "print", "eval", "exec", "compile", "__import__"})
NEVER_ASKED = frozenset({"now", "today", "utcnow", "sleep", "monotonic", "urandom"})
"""Attributes whose call reads a clock or chance, whatever they stand on: `datetime.now()`."""

CLASSES_WITH_CLOCKS = frozenset({"datetime", "date", "dt"})


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative import"
            yield from (f"{node.module}.{name.name}" for name in node.names)


def allowed(name: str) -> bool:
    return any(name == one or name.startswith(f"{one}.") for one in ALLOWED)


def forbidden_imports(source: str) -> list[str]:
    typing_only = "zoneinfo"
    return [
        name
        for name in imported(ast.parse(source))
        if not allowed(name) and not name.startswith(typing_only)
    ]


def forbidden_calls(source: str) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        match node.func:
            case ast.Name(id=name) if name in NEVER_CALLED:
                found.append(name)
            case ast.Attribute(value=ast.Name(id=owner), attr=name) if (
                owner in CLASSES_WITH_CLOCKS and name in NEVER_ASKED
            ):
                found.append(f"{owner}.{name}")
            case ast.Name(id="ZoneInfo") | ast.Attribute(attr="ZoneInfo" | "key"):
                found.append("ZoneInfo")
    return found


def test_there_is_a_core_to_look_at() -> None:
    assert {"schedule.py", "trust.py", "commands.py"} <= {path.name for path in CORE}


@pytest.mark.parametrize("path", [*CORE, *BESIDE], ids=lambda path: path.name)
def test_a_module_of_the_core_imports_only_what_decides(path: Path) -> None:
    assert forbidden_imports(path.read_text("utf-8")) == []


@pytest.mark.parametrize("path", [*CORE, *BESIDE], ids=lambda path: path.name)
def test_a_module_of_the_core_reads_no_clock_and_no_file(path: Path) -> None:
    assert forbidden_calls(path.read_text("utf-8")) == []


@pytest.mark.parametrize(
    "source",
    ["import os", "from time import monotonic", "import random", "from agent.adapters import x"],
)
def test_the_check_sees_a_forbidden_import(source: str) -> None:
    assert forbidden_imports(source) != []


@pytest.mark.parametrize(
    "source", ["open('x')", "datetime.now(UTC)", "date.today()", "print(1)", "ZoneInfo('UTC')"]
)
def test_the_check_sees_a_forbidden_call(source: str) -> None:
    assert forbidden_calls(source) != []


def test_the_audit_hook_raises_when_the_core_opens_a_file(tmp_path: Path) -> None:
    """Code that claims to be a module of the core is caught in the act."""
    path = tmp_path / "x"
    path.write_text("the test itself may write", "utf-8")
    scope = {"__name__": "agent.core.pretender", "path": str(path)}
    with pytest.raises(AssertionError, match=r"agent\.core\.pretender did open"):
        exec("open(path)", scope)  # noqa: S102 - this is how it pretends


def test_the_audit_hook_raises_when_the_core_opens_a_socket() -> None:
    scope = {"__name__": "agent.core.pretender"}
    with pytest.raises(AssertionError, match=r"agent\.core\.pretender did socket"):
        exec("import socket; socket.socket()", scope)  # noqa: S102 - this is how it pretends
