"""JSON Schemas of all messages, for those who implement the other side.

`python -m agent.contract.schemas` writes `docs/contract/*.schema.json`; `--check` compares. The
schemas follow from the types here and are never edited by hand. They say what parses, not what is
accepted: rights, revisions and times stand in `docs/contract/README.md`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import msgspec

from agent.contract.details import Details
from agent.contract.documents import Command, Content, Cursor, Schedule, Trust, Warnings
from agent.contract.envelope import WireEnvelope
from agent.contract.reports import Ack, Event, Health, Reported, State

FOLDER = Path(__file__).parents[2] / "docs" / "contract"

MESSAGES: dict[str, type[msgspec.Struct]] = {
    "envelope": WireEnvelope,
    "trust": Trust,
    "schedule": Schedule,
    "content": Content,
    "warning": Warnings,
    "command": Command,
    "cursor": Cursor,
    "state": State,
    "reported": Reported,
    "health": Health,
    "details": Details,
    "ack": Ack,
    "event": Event,
}
"""File name → message. The first is the wire form of the six signed ones after it."""


def _portable(value: Any) -> Any:
    """Patterns of other languages end in `$`, which there means the very end."""
    if isinstance(value, dict):
        return {
            key: one.replace("\\Z", "$") if key == "pattern" else _portable(one)
            for key, one in value.items()
        }
    return [_portable(one) for one in value] if isinstance(value, list) else value


def schema_text(name: str) -> str:
    """The committed text of one schema."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"commune-radio contract 1: {name}",
        **_portable(msgspec.json.schema(MESSAGES[name])),
    }
    return json.dumps(schema, ensure_ascii=False, indent=1) + "\n"


def path_of(name: str) -> Path:
    return FOLDER / f"{name}.schema.json"


def outdated() -> list[str]:
    """Names of messages whose committed schema is missing or differs."""
    return [
        name
        for name in MESSAGES
        if not path_of(name).is_file() or path_of(name).read_text("utf-8") != schema_text(name)
    ]


def main(arguments: list[str]) -> int:
    changed = outdated()
    if "--check" in arguments:
        sys.stderr.writelines(f"out of date: {path_of(name)}\n" for name in changed)
        return int(bool(changed))
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in changed:
        path_of(name).write_text(schema_text(name), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
