"""The registry as spreadsheets write it: four CSV files in a folder, each fault with its cell.

Owns the columns, their names in both languages, and what is wrong with a cell. `dai.csv` stations,
`thon.csv` hamlets, `bang-tin.csv` boards, `tai-san.csv` assets; a file that is not there is empty.
"Đến trước ngày" is the first day on which the row no longer holds.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, TypeVar

from simulator.source_system.report.registry import (
    TECHNOLOGIES,
    Asset,
    Board,
    Dated,
    Registry,
    Service,
    Technology,
    Unit,
)
from simulator.source_system.report.window import WindowWrong, day
from simulator.source_system.said import Said
from simulator.source_system.timetable.columns import column_letter
from simulator.source_system.timetable.words import bare, clean, nearest

T = TypeVar("T")

STATIONS, HAMLETS, BOARDS, ASSETS = "dai.csv", "thon.csv", "bang-tin.csv", "tai-san.csv"
FROM = ("Từ ngày", "From")
UNTIL = ("Đến trước ngày", "Until")

COLUMNS: dict[str, dict[str, tuple[str, ...]]] = {
    STATIONS: {
        "station": ("Mã đài", "Station"),
        "name": ("Tên đài", "Name"),
        "code": ("Mã đơn vị", "Code"),
        "authority": ("Đơn vị quản lý", "Authority"),
        "groups": ("Nhóm", "Groups"),
        "from": FROM,
        "until": UNTIL,
    },
    HAMLETS: {
        "hamlet": ("Mã thôn", "Hamlet"),
        "name": ("Tên thôn", "Name"),
        "unit": ("Mã đơn vị", "Code"),
        "households": ("Số hộ", "Households"),
        "technology": ("Công nghệ", "Technology"),
        "station": ("Mã đài", "Station"),
        "zone": ("Cụm loa", "Zone"),
        "no_signal": ("Vùng lõm sóng", "No mobile signal"),
        "from": FROM,
        "until": UNTIL,
        "note": ("Ghi chú", "Note"),
    },
    BOARDS: {
        "code": ("Mã bảng", "Board"),
        "place": ("Vị trí", "Place"),
        "unit": ("Mã đơn vị", "Code"),
        "connected": ("Kết nối hệ thống nguồn", "Connected"),
        "from": FROM,
        "until": UNTIL,
    },
    ASSETS: {
        "serial": ("Số sê-ri", "Serial"),
        "kind": ("Loại", "Kind"),
        "station": ("Mã đài", "Station"),
        "part": ("Bộ phận", "Part"),
        "installed": ("Ngày lắp", "Installed"),
        "life": ("Khấu hao (năm)", "Life in years"),
        "from": FROM,
        "until": UNTIL,
        "note": ("Ghi chú", "Note"),
    },
}
REQUIRED = {
    STATIONS: ("station", "name"),
    HAMLETS: ("hamlet", "name", "technology"),
    BOARDS: ("code", "place"),
    ASSETS: ("serial", "kind"),
}
_YES, _NO = {"co", "x", "yes", "1", "true"}, {"khong", "no", "0", "false"}
_TECHNOLOGY: dict[str, Technology] = {
    **{bare(vi): name for name, vi in TECHNOLOGIES.items()},
    **{name: name for name in TECHNOLOGIES},
    "cntt": "it",
    "ip": "it",
    "co day": "wired",
    "huu tuyen": "wired",
    "khong": "none",
    "khong co": "none",
}
YEARS_MAX = 100
HOUSEHOLDS_MAX = 100_000


class Wrong(NamedTuple):
    """A fault with its place. column "": the whole line; line 0: the whole file."""

    file: str
    line: int
    column: str
    value: str
    said: Said

    @property
    def place(self) -> str:
        return f"{self.file}!{self.column}{self.line}" if self.line else self.file


class RegistryWrong(Exception):  # noqa: N818 - a verdict
    """All faults at once."""

    def __init__(self, faults: list[Wrong]) -> None:
        super().__init__(f"{len(faults)} faults, first {faults[0].place}")
        self.faults = faults


class _Fault(Exception):  # noqa: N818 - a verdict on one cell
    def __init__(self, vi: str, en: str) -> None:
        super().__init__(en)
        self.said = Said(vi, en)


@dataclass(slots=True)
class _Reader:
    """One file: its rows, and what was wrong with them."""

    name: str
    faults: list[Wrong] = field(default_factory=list)

    def rows(self, raw: bytes) -> Iterator[_Row]:
        try:
            text = raw.decode("utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
        except UnicodeDecodeError as error:
            line = raw[: error.start].count(b"\n") + 1
            self._wrong(line, "", "", _NOT_UTF8)
            return
        delimiter = max(",;\t", key=text.partition("\n")[0].count)
        lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        header = next(lines, None)
        columns = self._columns(header or [])
        if columns is None:
            return
        for cells in lines:
            if any(clean(cell) for cell in cells):
                values = {name: clean(cells[at]) for at, name in columns.items() if at < len(cells)}
                places = {name: column_letter(at) for at, name in columns.items()}
                yield _Row(self, lines.line_num, values, places)

    def _columns(self, header: list[str]) -> dict[int, str] | None:
        known = {bare(alias): name for name, all_ in COLUMNS[self.name].items() for alias in all_}
        found: dict[int, str] = {}
        for at, cell in enumerate(header):
            name = known.get(bare(cell))
            if name is None and clean(cell):
                guess = nearest(cell, [names[0] for names in COLUMNS[self.name].values()])
                hint = f"; gần nhất: {guess}" if guess else ""
                near = f"; nearest: {guess}" if guess else ""
                said = Said(f"không biết cột này{hint}", f"this column is not known{near}")
                self._wrong(1, column_letter(at), clean(cell), said)
            elif name in found.values():
                said = Said("cột này có hai lần", "this column stands twice")
                self._wrong(1, column_letter(at), clean(cell), said)
            elif name is not None:
                found[at] = name
        missing = [name for name in REQUIRED[self.name] if name not in found.values()]
        for name in missing:
            title = COLUMNS[self.name][name][0]
            said = Said(f"thiếu cột {title}", f"the column {title} is missing")
            self._wrong(1, "", "", said)
        return None if missing else found

    def _wrong(self, line: int, column: str, value: str, said: Said) -> None:
        self.faults.append(Wrong(self.name, line, column, value, said))


_NOT_UTF8 = Said(
    "tệp không phải UTF-8; trong Excel chọn Lưu thành “CSV UTF-8”",
    "the file is not UTF-8; in Excel choose “CSV UTF-8”",
)


@dataclass(frozen=True, slots=True)
class _Row:
    reader: _Reader
    line: int
    cells: Mapping[str, str]
    places: Mapping[str, str]

    def wrong(self, name: str, vi: str, en: str) -> None:
        column = self.places.get(name, "")
        value = self.cells.get(name, "")
        self.reader.faults.append(Wrong(self.reader.name, self.line, column, value, Said(vi, en)))

    def text(self, name: str) -> str:
        value = self.cells.get(name, "")
        if not value and name in REQUIRED[self.reader.name]:
            self.wrong(name, "ô này phải có", "this cell must be filled")
        return value

    def read(self, name: str, how: Callable[[str], T]) -> T | None:
        """None for an empty cell and for one that is wrong, which is noted."""
        value = self.cells.get(name, "")
        if not value:
            if name in REQUIRED[self.reader.name]:
                self.wrong(name, "ô này phải có", "this cell must be filled")
            return None
        try:
            return how(value)
        except _Fault as fault:
            self.wrong(name, fault.said.vi, fault.said.en)
            return None

    def span(self) -> tuple[dt.date | None, dt.date | None]:
        from_day, until_day = self.read("from", _day), self.read("until", _day)
        if from_day is not None and until_day is not None and until_day <= from_day:
            self.wrong(
                "until",
                "không sau Từ ngày (ngày này không còn tính)",
                "not after From (this day no longer counts)",
            )
        return from_day, until_day


def _day(text: str) -> dt.date:
    try:
        return day(text)
    except WindowWrong:
        raise _Fault(
            "không đọc được ngày; viết 25/11/2026", "not a date; write 25/11/2026 or 2026-11-25"
        ) from None


def _number(most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        plain = text.replace(".", "")
        if not plain.isdecimal() or not 0 <= int(plain) <= most:
            raise _Fault(f"phải là số từ 0 đến {most}", f"a number from 0 to {most}")
        return int(plain)

    return read


def _yes(text: str) -> bool:
    plain = bare(text)
    if plain in _YES | _NO:
        return plain in _YES
    raise _Fault("có hoặc không", "yes or no")


def _technology(text: str) -> Technology:
    found = _TECHNOLOGY.get(bare(text))
    if found is None:
        words = ", ".join(TECHNOLOGIES.values())
        guess = nearest(text, TECHNOLOGIES.values())
        hint = f"; ý bạn “{guess}”?" if guess else ""
        raise _Fault(f"một trong: {words}{hint}", f"one of: {words}")
    return found


# --- the four files -------------------------------------------------------------------------


def read_registry(folder: Path) -> Registry:
    """Raises RegistryWrong with every fault of every file, OSError when one cannot be read."""
    faults: list[Wrong] = []

    def rows(name: str) -> list[_Row]:
        path = folder / name
        if not path.exists():
            return []
        reader = _Reader(name, faults)
        return list(reader.rows(path.read_bytes()))

    stations, hamlets = rows(STATIONS), rows(HAMLETS)
    boards, assets = rows(BOARDS), rows(ASSETS)
    registry = Registry(
        units=tuple(_unit(row) for row in stations),
        services=tuple(_service(row) for row in hamlets),
        boards=tuple(_board(row) for row in boards),
        assets=tuple(_asset(row) for row in assets),
    )
    _overlaps(stations, registry.units, "station")
    _overlaps(boards, registry.boards, "code")
    _overlaps(assets, registry.assets, "serial")
    known = {one.station for one in registry.units}
    for row in (*hamlets, *assets):
        _known_station(row, known)
    if faults:
        raise RegistryWrong(sorted(faults, key=lambda one: (one.file, one.line, one.column)))
    return registry


def _unit(row: _Row) -> Unit:
    from_day, until_day = row.span()
    groups = tuple(part.strip() for part in row.text("groups").split(";") if part.strip())
    return Unit(
        station=row.text("station"),
        name=row.text("name"),
        code=row.text("code"),
        authority=row.text("authority"),
        groups=groups,
        from_day=from_day,
        until_day=until_day,
    )


def _service(row: _Row) -> Service:
    from_day, until_day = row.span()
    technology = row.read("technology", _technology)
    station, zone = row.text("station"), row.text("zone")
    if technology == "none" and station:
        row.wrong("station", "thôn chưa có loa thì không có đài", "unserved, yet a station")
    if technology == "it" and not station:
        row.wrong(
            "station", "CNTT-VT thì phải ghi mã đài", "with technology it the station is needed"
        )
    return Service(
        hamlet=row.text("hamlet"),
        name=row.text("name"),
        technology=technology or "none",
        unit=row.text("unit"),
        households=row.read("households", _number(HOUSEHOLDS_MAX)),
        station=station,
        zone=zone,
        no_signal=row.read("no_signal", _yes),
        from_day=from_day,
        until_day=until_day,
        note=row.text("note"),
    )


def _board(row: _Row) -> Board:
    from_day, until_day = row.span()
    return Board(
        code=row.text("code"),
        place=row.text("place"),
        unit=row.text("unit"),
        connected=row.read("connected", _yes),
        from_day=from_day,
        until_day=until_day,
    )


def _asset(row: _Row) -> Asset:
    from_day, until_day = row.span()
    return Asset(
        serial=row.text("serial"),
        kind=row.text("kind"),
        station=row.text("station"),
        part=row.text("part"),
        installed=row.read("installed", _day),
        life_years=row.read("life", _number(YEARS_MAX)),
        from_day=from_day,
        until_day=until_day,
        note=row.text("note"),
    )


def _overlaps(rows: list[_Row], things: Sequence[Dated], name: str) -> None:
    """Nothing stands twice for the same time: a station is one unit, an asset in one place."""
    seen: dict[str, list[tuple[int, Dated]]] = {}
    for row, thing in zip(rows, things, strict=True):
        earlier = seen.setdefault(row.cells.get(name, ""), [])
        line = next((line for line, other in earlier if _meet(other, thing)), None)
        if line is not None:
            row.wrong(
                name,
                f"đã có ở dòng {line} trong cùng thời gian",
                f"line {line} says it for the same time already",
            )
        earlier.append((row.line, thing))


def _meet(one: Dated, other: Dated) -> bool:
    low, high = dt.date.min, dt.date.max
    return (one.from_day or low) < (other.until_day or high) and (other.from_day or low) < (
        one.until_day or high
    )


def _known_station(row: _Row, known: set[str]) -> None:
    station = row.cells.get("station", "")
    if station and known and station not in known:
        guess = nearest(station, known)
        hint = f"; gần nhất “{guess}”" if guess else ""
        row.wrong(
            "station",
            f"không có đài này trong {STATIONS}{hint}",
            f"{STATIONS} has no such station",
        )
