"""Each table as a CSV that Excel opens with its Vietnamese letters: UTF-8 with a mark, commas.

Lengths are whole seconds (the header says so), instants local with their offset, unknown is said.
A text that a spreadsheet would take for a formula is kept a text.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path
from zoneinfo import ZoneInfo

from simulator.source_system.report.cells import plain
from simulator.source_system.report.sheet import Column, Sheet

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write_csvs(sheets: Iterable[Sheet], folder: Path, tz: ZoneInfo) -> list[Path]:
    return [write_csv(sheet, folder / f"{sheet.key}.csv", tz) for sheet in sheets]


def write_csv(sheet: Sheet, path: Path, tz: ZoneInfo) -> Path:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([header(one) for one in sheet.columns])
        for row in [*sheet.rows, *([sheet.total] if sheet.total else [])]:
            writer.writerow(
                [
                    _safe(plain(column.kind, value, tz), isinstance(value, str))
                    for column, value in zip(sheet.columns, row, strict=True)
                ]
            )
    return path


def header(column: Column) -> str:
    return f"{column.vi} (giây)" if column.kind == "length" else column.vi


def _safe(text: str, is_text: bool) -> str:
    """Titles come from outside: none may run as a formula when the file is opened."""
    return f"'{text}" if is_text and text.startswith(_FORMULA) else text
