"""A file as rows of cells with their places: CSV of any dialect, or TOML.

Owns decoding, sniffing, finding the header and every position. Knows nothing of what a cell
means (`rows`).
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from simulator.source_system.timetable.columns import (
    FIELDS,
    REQUIRED,
    VERSION,
    column_letter,
    field_of,
    guess_header,
    version_of,
)
from simulator.source_system.timetable.findings import Fault, Finding, Place
from simulator.source_system.timetable.languages import parse_language
from simulator.source_system.timetable.words import clean, nearest

HEADER_ROWS_MAX = 20
HEADER_CELLS_MIN = 3
GARBLED = re.compile(r"Ã[\x80-\xbf¡-¿]|áº|á»|Ä‘|Æ°")


class Cell(NamedTuple):
    """lines: of a list written over several lines, where each element stands."""

    text: str
    place: Place
    lines: Mapping[str, int] = {}


class Row(NamedTuple):
    """One line of the timetable: field → cell. Absent and empty cells are left out."""

    line: int
    cells: dict[str, Cell]

    def text(self, field: str) -> str:
        cell = self.cells.get(field)
        return cell.text if cell else ""

    def place(self, field: str) -> Place:
        cell = self.cells.get(field)
        return cell.place if cell else Place(self.line, "", field)

    def place_of(self, field: str, part: str) -> Place:
        """Where one part of a cell stands, and nothing but that part."""
        place, cell = self.place(field), self.cells.get(field)
        line = cell.lines.get(part, place.line) if cell else place.line
        return place._replace(line=line, cell=part)


class Table(NamedTuple):
    rows: list[Row]
    findings: list[Finding]


def read_csv(raw: bytes) -> Table:
    """Comma, semicolon or tab; UTF-8 with or without mark, or Excel's UTF-16."""
    try:
        text = raw.decode("utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        return Table([], [Finding(Place(line), "not_utf8")])
    if GARBLED.search(text):
        return Table([], [Finding(Place(1), "garbled")])
    lines = list(_numbered(text))
    header_at = next((at for at, (_, cells) in enumerate(lines) if _is_header(cells)), None)
    if header_at is None or header_at >= HEADER_ROWS_MAX:
        return Table([], [Finding(Place(1), "no_header")])
    header_line, header = lines[header_at]
    columns, findings = _columns(header_line, header)
    rows = []
    for line, cells in lines[header_at + 1 :]:
        row = _row(line, cells, header, columns)
        if _is_meant(row):
            rows.append(row)
        elif row.cells:
            findings.append(Finding(Place(line), "row_skipped"))
    return Table(rows, findings)


def _is_meant(row: Row) -> bool:
    """A row with a figure for its start, or with most of its cells, is an entry with a mistake."""
    figure = any(letter.isdigit() for letter in row.text("start"))
    return figure or sum(field in row.cells for field in REQUIRED) >= 3


def _numbered(text: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text))
    line = 1
    for cells in reader:
        yield line, cells
        line = reader.line_num + 1


def _delimiter(text: str) -> str:
    """The one that splits some early line into the most known headers."""
    early = text.splitlines()[:HEADER_ROWS_MAX]

    def known(delimiter: str) -> int:
        counts = (
            sum(field_of(cell) is not None for cell in line.replace('"', "").split(delimiter))
            for line in early
        )
        return max(counts, default=0)

    return max(",;\t", key=known)


def _is_header(cells: list[str]) -> bool:
    return sum(field_of(cell) is not None for cell in cells) >= HEADER_CELLS_MIN


def _columns(line: int, header: list[str]) -> tuple[dict[int, str], list[Finding]]:
    columns: dict[int, str] = {}
    findings: list[Finding] = []
    for index, name in enumerate(header):
        place = Place(line, column_letter(index), "", clean(name))
        try:
            field = field_of(name) or version_of(name)
        except Fault as fault:
            findings.append(Finding(place, fault.code, fault.guess))
            continue
        if field is None:
            if clean(name):
                findings.append(Finding(place, "column_unknown", guess_header(name)))
        elif field in columns.values():
            findings.append(Finding(place, "column_twice"))
        else:
            columns[index] = field
    findings += [
        Finding(Place(line), "column_missing", what=FIELDS[field][0])
        for field in REQUIRED
        if field not in columns.values()
    ]
    return columns, findings


def _row(line: int, cells: list[str], header: list[str], columns: dict[int, str]) -> Row:
    found = {}
    for index, text in enumerate(cells):
        field = columns.get(index)
        plain = clean(text)
        if field is not None and plain:
            place = Place(line, column_letter(index), clean(header[index]), plain)
            found[field] = Cell(plain, place)
    return Row(line, found)


# --- TOML ----------------------------------------------------------------------------------

_ENTRY = re.compile(r"^\s*\[\[\s*entry\s*\]\]")
_KEY = re.compile(r"""^(\s*)["']?([\w' -]*[\w])["']?\s*=""")
TABLE_KEYS = ("from", "until", "zones", "days", "volume", "late", "approver", "author")
"""Keys of [timetable]: they fill what an entry does not say."""


def read_toml(raw: bytes) -> Table:
    """`[[entry]]` tables with the fields of `columns`; `[timetable]` holds common values."""
    try:
        text = raw.decode("utf-8-sig")
        data = tomllib.loads(text)
    except UnicodeDecodeError:
        return Table([], [Finding(Place(1), "not_utf8")])
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"line (\d+)", str(error))
        return Table([], [Finding(Place(int(found[1]) if found else 1), "toml", what=str(error))])
    places = _toml_places(text)
    findings = list(_unknown_toml(data, places))
    common = {key: data.get("timetable", {}).get(key) for key in TABLE_KEYS}
    entries = data.get("entry", [])
    rows = []
    for number, entry in enumerate(entries if isinstance(entries, list) else []):
        merged = {**{key: value for key, value in common.items() if value is not None}, **entry}
        rows.append(_toml_row(number, merged, text.splitlines(), places, findings))
    return Table(rows, findings)


def _toml_row(
    number: int,
    entry: Mapping[str, Any],
    lines: list[str],
    places: dict[tuple[int, str], int],
    findings: list[Finding],
) -> Row:
    line = places.get((number, ""), 0)
    cells = {}
    for key, field, value in _toml_cells(entry, places, number, findings):
        at = places.get((number, key), places.get((-1, key), line))
        text = _toml_text(field, value)
        if text is None:
            findings.append(Finding(Place(at, key, key, str(value)), "value_kind"))
        elif text:
            cells[field] = Cell(text, Place(at, key, key, text), _element_lines(value, lines, at))
    return Row(line, cells)


def _toml_cells(
    entry: Mapping[str, Any],
    places: dict[tuple[int, str], int],
    number: int,
    findings: list[Finding],
) -> Iterator[tuple[str, str, Any]]:
    """(key, field, value); `versions` is a table of its own: language → source."""
    for key, value in entry.items():
        field = field_of(key)
        if field is not None:
            yield key, field, value
        if key != "versions":
            continue
        at = places.get((number, key), places.get((number, ""), 1))
        if not isinstance(value, dict):
            findings.append(Finding(Place(at, key, key, str(value)), "value_kind"))
            continue
        for name, source in value.items():
            try:
                yield name, VERSION + parse_language(name), source
            except Fault as fault:
                place = Place(places.get((number, name), at), key, key, name)
                findings.append(Finding(place, fault.code, fault.guess))


def _element_lines(value: Any, lines: list[str], at: int) -> dict[str, int]:
    """Element → line for a list that begins in line `at` (counted from 1)."""
    found: dict[str, int] = {}
    wanted = [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
    for number, content in enumerate(lines[at - 1 :], start=at):
        if number > at and (_KEY.match(content) or _ENTRY.match(content)):
            break
        for one in wanted:
            if f'"{one}"' in content or f"'{one}'" in content:
                found.setdefault(clean(one), number)
    return found


def _toml_text(field: str, value: Any) -> str | None:
    """A TOML value as the text a cell would hold."""
    if isinstance(value, bool):
        return "có" if value else "không"
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        parts = [_toml_text(field, one) for one in value]
        joined = [part for part in parts if part is not None]
        return (
            None
            if len(joined) < len(parts)
            else ("|" if field.startswith("source") else ";").join(joined)
        )
    if isinstance(value, dt.datetime):
        made = field == "produced" and value.tzinfo is None
        return value.isoformat(timespec="seconds") if made else None
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    return str(value) if isinstance(value, int) else None


def _toml_places(text: str) -> dict[tuple[int, str], int]:
    """(entry number, key) → line; key "" is the entry itself, number -1 is [timetable]."""
    places: dict[tuple[int, str], int] = {}
    number = -1
    for line, content in enumerate(text.splitlines(), start=1):
        if _ENTRY.match(content):
            number += 1
            places[number, ""] = line
        elif key := _KEY.match(content):
            places.setdefault((number, key[2]), line)
    return places


def _unknown_toml(data: Mapping[str, Any], places: dict[tuple[int, str], int]) -> Iterator[Finding]:
    for key in data:
        if key not in ("timetable", "entry"):
            guess = nearest(key, ("timetable", "entry"))
            yield Finding(Place(places.get((-1, key), 1), key, key), "key_unknown", guess)
    for key in data.get("timetable", {}):
        if key not in TABLE_KEYS:
            place = Place(places.get((-1, key), 1), key, key)
            yield Finding(place, "key_unknown", nearest(key, TABLE_KEYS))
    entries = data.get("entry", [])
    for number, entry in enumerate(entries if isinstance(entries, list) else []):
        for key in entry:
            if key not in FIELDS and key not in ("sources", "versions"):
                place = Place(places.get((number, key), places.get((number, ""), 1)), key, key)
                yield Finding(place, "key_unknown", nearest(key, FIELDS))
