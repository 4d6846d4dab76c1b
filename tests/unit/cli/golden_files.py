"""Golden screens: what a person sees, kept as text files beside the tests."""

from __future__ import annotations

import os
from pathlib import Path

from agent.cli.columns import display_width

FOLDER = Path(__file__).parent / "golden"


def golden(name: str, lines: list[str], width: int = 44) -> None:
    """Compare a screen with its file; GOLDEN_UPDATE=1 writes the file for a person to read."""
    assert [line for line in lines if display_width(line) > width] == []
    file = FOLDER / f"{name}.txt"
    if os.environ.get("GOLDEN_UPDATE"):
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert lines == file.read_text(encoding="utf-8").splitlines()
