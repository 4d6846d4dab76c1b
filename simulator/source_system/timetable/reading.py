"""A whole timetable file: rows to entries, and the checks that need more than one row.

Owns ids, overlaps, drag-fill series, mixed date shapes and files longer than their slot.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import msgspec

from agent.contract.documents import Entry, FileSource
from simulator.source_system.said import Said
from simulator.source_system.timetable.clock import parse_clock, spoken_ms
from simulator.source_system.timetable.days import parse_date, parse_days
from simulator.source_system.timetable.findings import Fault, Finding, Place
from simulator.source_system.timetable.preview import is_over, overlaps
from simulator.source_system.timetable.rows import Context, Tags, parse_row
from simulator.source_system.timetable.table import Row, Table, read_csv, read_toml
from simulator.source_system.timetable.words import nearest, same

DATE_FIELDS = ("days", "from", "until")


class Reading(NamedTuple):
    """entries are complete only when no finding is an error."""

    entries: tuple[Entry, ...]
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        return not any(one.is_error for one in self.findings)


class _Placed(NamedTuple):
    row: Row
    entry: Entry


def read_timetable(
    path: Path,
    *,
    zones: Mapping[str, Sequence[str]],
    first_day: dt.date,
    allow_long: bool = False,
    bound_ms: Mapping[str, int] | None = None,
    tags: Tags | None = None,
) -> Reading:
    """Read `path` (.csv, .tsv, .txt or .toml). Raises OSError, nothing else.

    zones: station name → zone names of everyone it goes to. bound_ms: slot → length of the
    file bound to it, to tell what will be cut. tags: those there are, None when not known.
    """
    raw = path.read_bytes()
    table = read_toml(raw) if path.suffix.lower() == ".toml" else read_csv(raw)
    context = Context(zones, first_day, allow_long, tags=tags)
    return read_table(table, context, bound_ms or {})


def read_table(table: Table, context: Context, bound_ms: Mapping[str, int]) -> Reading:
    findings = list(table.findings)
    rows = list(_own_rows(table.rows, context, findings))
    findings += _mixed_dates(rows, context.first_day.year)
    placed: list[_Placed] = []
    for row in rows:
        parsed = parse_row(row, context)
        findings += parsed.findings
        placed += [_Placed(row, entry) for entry in parsed.entries]
    placed = list(_with_ids(placed, findings))
    if not placed and not any(one.is_error for one in findings):
        findings.append(Finding(Place(1), "empty"))
    findings += _all_past(placed, context.first_day)
    findings += _overlaps(placed, context.first_day)
    findings += _series(rows)
    findings += _cut(placed, bound_ms)
    findings.sort(key=lambda one: (not one.is_error, one.place.line, one.place.column))
    return Reading(tuple(one.entry for one in placed), tuple(findings))


def _own_rows(rows: Sequence[Row], context: Context, findings: list[Finding]) -> Iterator[Row]:
    """Rows for the stations it goes to; a station column may name others."""
    names = {same(name): name for name in context.zones}
    for row in rows:
        named = row.text("station")
        if not named:
            yield row
        elif same(named) not in names:
            guess = nearest(named, context.zones)
            code = "station_unknown" if guess else "station_other"
            findings.append(Finding(row.place("station"), code, guess))
        elif len(names) > 1:
            findings.append(Finding(row.place("station"), "station_in_group"))
        else:
            yield row


def _with_ids(placed: Sequence[_Placed], findings: list[Finding]) -> Iterator[_Placed]:
    """Ids that the file gives must differ; those made from titles are numbered."""
    taken: dict[str, int] = {}
    for row, entry in placed:
        id_ = entry.id
        if id_ in taken and "id" in row.cells and not id_.endswith("-pl1"):
            what = Said(f"dòng {taken[id_]}", f"line {taken[id_]}")
            findings.append(Finding(row.place("id"), "id_twice", what=what))
        number = 2
        while id_ in taken:
            id_ = f"{entry.id[:28]}-{number}"
            number += 1
        taken[id_] = row.line
        yield _Placed(row, msgspec.structs.replace(entry, id=id_))


def _mixed_dates(rows: Sequence[Row], year: int) -> Iterator[Finding]:
    """Text dates beside true dates in one column: one of them was probably misread."""
    for field in DATE_FIELDS:
        first = ""
        for row in rows:
            shapes = _shapes(field, row.text(field), year)
            first = first or next(iter(sorted(shapes)), "")
            if shapes - {first}:
                what = f"{first}; {next(iter(shapes - {first}))}"
                yield Finding(row.place(field), "dates_mixed", what=what)
                break


def _shapes(field: str, text: str, year: int) -> frozenset[str]:
    if not text:
        return frozenset()
    try:
        if field == "days":
            return parse_days(text, year=year).shapes
        return frozenset({parse_date(text, year=year)[1]})
    except Fault:
        return frozenset()


def _all_past(placed: Sequence[_Placed], first_day: dt.date) -> Iterator[Finding]:
    """Single days that are over are usual in the middle of a week; nothing to come is a slip."""
    begin = dt.datetime.combine(first_day, dt.time())
    if placed and all(is_over(one.entry, begin) for one in placed):
        yield Finding(placed[0].row.place("days"), "all_past", what=first_day.isoformat())


def _overlaps(placed: Sequence[_Placed], first_day: dt.date) -> Iterator[Finding]:
    for earlier, later in overlaps([one.entry for one in placed], first_day):
        one, other = placed[earlier], placed[later]
        if one.entry.klass == other.entry.klass:
            yield Finding(other.row.place("start"), "overlap", what=one.entry.title)


_NUMBERS = re.compile(r"(\d+)")


def _series(rows: Sequence[Row]) -> Iterator[Finding]:
    """05:00 file1, 06:00 file2, …: what dragging the corner of a cell does."""
    for above, below in pairwise(rows):
        if same(above.text("title")) != same(below.text("title")):
            continue
        if _steps(above.text("source"), below.text("source")) and _hour_later(above, below):
            yield Finding(below.place("source"), "series")


def _steps(above: str, below: str) -> bool:
    """The same text but for one number, which is one more."""
    one, other = _NUMBERS.split(above), _NUMBERS.split(below)
    if len(one) != len(other):
        return False
    differing = [(left, right) for left, right in zip(one, other, strict=True) if left != right]
    if len(differing) != 1 or not all(part.isdigit() for part in differing[0]):
        return False
    return int(differing[0][1]) == int(differing[0][0]) + 1


def _hour_later(above: Row, below: Row) -> bool:
    try:
        return parse_clock(below.text("start")) - parse_clock(above.text("start")) == 3600
    except Fault:
        return False


def _cut(placed: Sequence[_Placed], bound_ms: Mapping[str, int]) -> Iterator[Finding]:
    for row, entry in placed:
        first = entry.sources[0]
        if not isinstance(first, FileSource) or entry.duration_ms is None:
            continue
        firsts = [first, *(one.sources[0] for one in entry.versions)]
        slots = [one.slot for one in firsts if isinstance(one, FileSource)]
        over_ms = sum(bound_ms.get(slot, 0) for slot in slots) - entry.duration_ms
        if over_ms >= 1000 and entry.end.rule == "cut":
            yield Finding(row.place("duration"), "cut", what=spoken_ms(over_ms))
