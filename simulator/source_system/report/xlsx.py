"""The tables as one spreadsheet: true numbers and dates, frozen headers, ready to print on A4.

Owns number formats, widths and print set-up. Excel shows the numbers by its own language: with
Vietnamese settings 1.234,5. Lengths are [h]:mm:ss, so they can be added up.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from openpyxl import Workbook
from openpyxl.cell.cell import Cell
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter

from simulator.source_system.report import words
from simulator.source_system.report.cells import typed
from simulator.source_system.report.sheet import NUMBERS, Column, Kind, Sheet, Value

DAY_MS, HOUR_MS = 86_400_000, 3_600_000
CLOCK_MAX_MS = 30_000 * DAY_MS
"""A longer time is told in hours: LibreOffice shows [h]:mm:ss up to 32767 days only."""

HOURS = '#,##0.0" giờ"'
FORMATS: dict[Kind, str] = {
    "count": "#,##0",
    "share": "0.0%",
    "length": "[h]:mm:ss",
    "seconds": "#,##0.0",
    "moment": "dd/mm/yyyy hh:mm:ss",
    "day": "dd/mm/yyyy",
    "level": "0.0",
    "mib": "#,##0",
    "years": "0.0",
}
TITLE_ROWS = 3
"""Title, subtitle, header."""

A4 = 9
PAGE_CHARACTERS = 210
"""So many fit across a page of A4 before type gets smaller than about 6 pt."""

TEXT_MAX = 2_000
LINE_PT = 15
NOTE_CHARACTERS = 110
"""A note is about so wide, so that it stands on one page."""

_RULE = Side(style="thin", color="C9D1D9")
_BORDER = Border(bottom=_RULE)
_HEADER_FILL = PatternFill("solid", start_color="1F3B57")
_TOTAL_FILL = PatternFill("solid", start_color="E8EEF4")
_FONT = "Times New Roman"
_PLAIN = Font(name=_FONT, size=11)
_BOLD = Font(name=_FONT, size=11, bold=True)
_WHITE = Font(name=_FONT, size=11, bold=True, color="FFFFFF")
_TITLE = Font(name=_FONT, size=15, bold=True)
_SOFT = Font(name=_FONT, size=11, italic=True, color="5C6670")
_MISSING = Font(name=_FONT, size=11, italic=True, color="8A3D1A")
_WRAP = Alignment(horizontal="left", wrap_text=True, vertical="top", indent=1)
_LEFT = Alignment(horizontal="left", vertical="top", indent=1)
_NOTE = Alignment(wrap_text=True, vertical="top")
_PLACE = Alignment(vertical="top")
_RIGHT = Alignment(horizontal="right", vertical="top")
_HEADER_TEXT = Alignment(wrap_text=True, vertical="center", horizontal="center")


def write_xlsx(sheets: Iterable[Sheet], heading: str, path: Path, tz: ZoneInfo) -> Path:
    book = Workbook()
    book.remove(book.worksheets[0])
    book.properties.title = heading
    book.properties.creator = "districtctl"
    for sheet in sheets:
        _write(book, sheet, heading, tz)
    book.save(path)
    return path


def _write(book: Workbook, sheet: Sheet, heading: str, tz: ZoneInfo) -> None:
    tab: Any = book.create_sheet(sheet.vi[:31])
    for place, column in enumerate(sheet.columns, 1):
        tab.column_dimensions[get_column_letter(place)].width = column.characters + 2
    names = sheet.columns[0].vi == "Mã đài" and sheet.columns[1].vi == "Đài"
    tab.freeze_panes = f"{'C' if names else 'A'}{TITLE_ROWS + 1}"
    lines = max(_lines(one.vi, one.characters) for one in sheet.columns)
    tab.row_dimensions[TITLE_ROWS].height = LINE_PT * lines + 4
    _print_setup(tab, sheet)
    shown = sheet.rows if sheet.tab_rows is None else sheet.rows[: sheet.tab_rows]
    dresser = _Dresser(tab)
    tab.append([dresser.cell(heading, _Dress(_TITLE))])
    tab.append([dresser.cell(sheet.vi, _Dress(_SOFT))])
    header = _Dress(_WHITE, _HEADER_TEXT, _HEADER_FILL)
    tab.append([dresser.cell(one.vi, header) for one in sheet.columns])
    for row in shown:
        tab.append(list(_row(dresser, sheet.columns, row, tz)))
        _heighten(tab, sheet.columns, row)
    if sheet.total is not None:
        tab.append(list(_row(dresser, sheet.columns, sheet.total, tz, total=True)))
    last = TITLE_ROWS + len(shown)
    if shown:
        tab.auto_filter.ref = f"A{TITLE_ROWS}:{get_column_letter(len(sheet.columns))}{last}"
    for note in _notes(sheet, len(shown)):
        tab.append([])
        tab.append([dresser.cell(note, _Dress(_SOFT, _NOTE))])
        across = _note_columns(sheet.columns)
        tab.merge_cells(
            start_row=tab.max_row, end_row=tab.max_row, start_column=1, end_column=across
        )
        room = sum(one.characters for one in sheet.columns[:across])
        tab.row_dimensions[tab.max_row].height = LINE_PT * _lines(note, room) + 2


def _heighten(tab: Any, columns: Iterable[Column], row: Iterable[Value]) -> None:
    """A text in several lines needs its height written down: not every program measures it."""
    lines = 1
    for column, value in zip(columns, row, strict=True):
        if _wraps(column) and isinstance(value, str) and len(value) > column.characters:
            lines = max(lines, _lines(value, column.characters))
    if lines > 1:
        tab.row_dimensions[tab.max_row].height = LINE_PT * lines + 1


def _wraps(column: Column) -> bool:
    return column.kind == "text" and column.characters >= 30


def _lines(text: str, characters: int) -> int:
    """How many lines a text takes when words are kept whole."""
    lines, left = 1, characters
    for word in text.split():
        if len(word) > left and left < characters:
            lines, left = lines + 1, characters
        left -= len(word) + 1
    return lines


def _note_columns(columns: Sequence[Column]) -> int:
    room = 0
    for number, column in enumerate(columns):
        if room + column.characters > NOTE_CHARACTERS:
            return max(1, number)
        room += column.characters
    return len(columns)


def _notes(sheet: Sheet, shown: int) -> Iterator[str]:
    yield from sheet.notes
    left = len(sheet.rows) - shown
    if left:
        yield f"Còn {words.count(left)} dòng nữa: xem {sheet.key}.csv."


def _print_setup(tab: Any, sheet: Sheet) -> None:
    """A4, across when it is wide, the header on every page, page numbers.

    As many pages wide as keep it legible, with the first two columns on each.
    """
    width = sum(column.characters for column in sheet.columns)
    tab.page_setup.paperSize = A4
    tab.page_setup.orientation = "landscape" if width > 95 else "portrait"
    across = math.ceil(width / PAGE_CHARACTERS)
    tab.page_setup.fitToWidth = across
    if across > 1:
        tab.print_title_cols = "A:B"
    tab.page_setup.fitToHeight = 0
    tab.sheet_properties.pageSetUpPr.fitToPage = True
    tab.print_title_rows = f"{TITLE_ROWS}:{TITLE_ROWS}"
    tab.page_margins.left = tab.page_margins.right = 0.4
    tab.page_margins.top, tab.page_margins.bottom, tab.page_margins.footer = 0.6, 0.8, 0.35
    tab.oddFooter.left.text = sheet.vi
    tab.oddFooter.right.text = "Trang &P/&N"


@dataclass(frozen=True, slots=True)
class _Dress:
    """How a cell looks."""

    font: Font
    alignment: Alignment = _PLACE
    fill: PatternFill | None = None
    border: Border | None = None
    number_format: str = "General"


class _Dresser:
    """Makes cells of a tab. openpyxl weighs every style anew for every cell: 15 s a report.

    Each dress is put on once, and its number is what later cells get.
    """

    def __init__(self, tab: Any) -> None:
        self._tab = tab
        self._worn: dict[_Dress, Any] = {}

    def cell(self, value: Any, dress: _Dress) -> Cell:
        text = isinstance(value, str)
        plain = words.printable(value)[:TEXT_MAX] if text else value
        cell = Cell(self._tab, row=1, column=1, value=plain, style_array=self._style(dress))
        if text:
            cell.data_type = "s"  # a title that begins with "=" is no formula
        elif isinstance(plain, dt.date):
            cell.number_format = dress.number_format  # Excel's own date shape was put on
        return cell

    def _style(self, dress: _Dress) -> Any:
        if dress not in self._worn:
            model = Cell(self._tab, row=1, column=1)
            model.font, model.alignment = dress.font, dress.alignment
            model.number_format = dress.number_format
            if dress.fill is not None:
                model.fill = dress.fill
            if dress.border is not None:
                model.border = dress.border
            self._worn[dress] = getattr(model, "_style")  # noqa: B009 - no public way to ask for it
        return self._worn[dress]


def _row(
    dresser: _Dresser,
    columns: Iterable[Column],
    row: Iterable[Value],
    tz: ZoneInfo,
    *,
    total: bool = False,
) -> Iterator[Cell]:
    for column, value in zip(columns, row, strict=True):
        kind, plain = typed(column.kind, value)
        told = plain is not None and not isinstance(plain, str)
        numeric = kind in NUMBERS or kind in ("moment", "day")
        wide = kind == "text" and _wraps(column)
        dress = _Dress(
            font=_MISSING if plain is None else _BOLD if total else _PLAIN,
            alignment=_RIGHT if numeric else _WRAP if wide else _LEFT,
            fill=_TOTAL_FILL if total else None,
            border=_BORDER,
            number_format=_format(kind, plain) if told else "General",
        )
        yield dresser.cell(_native(kind, plain, tz), dress)


def _format(kind: Kind, plain: object) -> str:
    return HOURS if _is_endless(kind, plain) else FORMATS.get(kind, "General")


def _is_endless(kind: Kind, plain: object) -> bool:
    return kind == "length" and isinstance(plain, int | float) and plain >= CLOCK_MAX_MS


def _native(kind: Kind, plain: str | int | float | dt.date | None, tz: ZoneInfo) -> Any:
    """What Excel itself keeps: days for lengths, local times without a zone."""
    if plain is None:
        return words.UNKNOWN
    if isinstance(plain, str | dt.date):
        return plain
    if _is_endless(kind, plain):
        return plain / HOUR_MS
    if kind == "length":
        return plain / DAY_MS
    if kind == "seconds":
        return plain / 1000
    if kind == "moment":
        return dt.datetime.fromtimestamp(plain / 1000, tz).replace(tzinfo=None)
    return plain
