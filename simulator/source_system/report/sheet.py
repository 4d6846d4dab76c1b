"""A table of a report, before it is a spreadsheet, a page, CSV or a document.

Owns the kinds of value a cell can have. All files are written from the same tables, so they cannot
differ in content, only in dress. None is "không rõ": it was not recorded or cannot be known.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

Kind = Literal[
    "text",
    "count",
    "share",  # 0 to 1
    "length",  # milliseconds of play or fault
    "seconds",  # milliseconds, told in seconds
    "moment",  # epoch milliseconds, told in local time
    "day",
    "level",  # dBFS
    "mib",
    "years",
]


class Typed(NamedTuple):
    """A value of another kind than its column."""

    kind: Kind
    value: str | int | float | dt.date | None


Value = str | int | float | dt.date | Typed | None
NUMBERS: frozenset[Kind] = frozenset(
    {"count", "share", "length", "seconds", "level", "mib", "years"}
)


@dataclass(frozen=True, slots=True)
class Column:
    """en: for machines and for the tooltip. width: characters in a spreadsheet."""

    vi: str
    en: str
    kind: Kind = "text"
    width: int = 0
    brief: bool = False
    """Also in the A4 document."""

    @property
    def characters(self) -> int:
        defaults = {"text": 18, "moment": 19, "day": 12, "length": 13}
        return self.width or defaults.get(self.kind, 11)


Row = tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """key: the CSV's name. total: a last row, summed before rounding. notes: below the table.

    page_rows: so many of `rows` on the page and in the spreadsheet's tab; CSV has all.
    """

    key: str
    vi: str
    en: str
    columns: tuple[Column, ...]
    rows: list[Row]
    total: Row | None = None
    notes: list[str] = field(default_factory=list)
    page_rows: int | None = None
    tab_rows: int | None = None

    def __post_init__(self) -> None:
        for row in [*self.rows, *([self.total] if self.total else [])]:
            if len(row) != len(self.columns):
                raise ValueError(f"{self.key}: {len(row)} cells for {len(self.columns)} columns")
