"""A commune's operating regulation as a readable file: TOML in, settings out, or every fault.

Owns the keys, how hours, days, dates and minutes may be written, and where a fault stands. What a
rule means is `agent.core.rules`; signing and sending is the desk's. Pure: bytes come in.
"""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Literal, NamedTuple

import msgspec

from agent.contract.documents import (
    AirWindow,
    ApprovalRule,
    Regulation,
    VolumeCeiling,
    ZoneSelector,
)
from agent.core.hours import fault_of, read_hours
from simulator.source_system.said import Said
from simulator.source_system.timetable.clock import parse_clock
from simulator.source_system.timetable.days import EVERY_DAY, parse_date, parse_days
from simulator.source_system.timetable.findings import Fault, Finding, Place, tags_there_are
from simulator.source_system.timetable.languages import parse_language
from simulator.source_system.timetable.words import clean, nearest, same

Table = Literal["", "window", "ceiling", "approval"]

KEYS: dict[Table, tuple[str, ...]] = {
    "": (
        "title",
        "document_number",
        "sessions_per_day",
        "silent_dates",
        "languages",
        "ask_approval",
        "approver_differs",
        "none",
        "window",
        "ceiling",
        "approval",
    ),
    "window": ("hours", "days", "minutes", "zones", "tags"),
    "ceiling": ("hours", "volume", "days", "zones", "tags"),
    "approval": ("authority", "mode", "document_number"),
}
LIKE = {
    "title": 'title = "Quy chế hoạt động"',
    "document_number": 'document_number = "12/2026/QĐ-UBND"',
    "silent_dates": 'silent_dates = [2027-02-06, "7/2/2027"]',
    "languages": 'languages = ["vi", "tày"]',
    "ask_approval": "ask_approval = true",
    "approver_differs": "approver_differs = true",
    "none": "none = true",
    "window": "[[window]]",
    "ceiling": "[[ceiling]]",
    "approval": "[[approval]]",
    "hours": 'hours = "05:00-06:30"',
    "days": 'days = "T2-T6"',
    "zones": 'zones = ["thôn Đông"]',
    "tags": 'tags = ["truong-hoc"]',
    "volume": "volume = 60",
    "authority": 'authority = "tinh"',
    "mode": 'mode = "standing"',
}
"""How each key is written; told to whoever wrote it otherwise."""

_HEAD = re.compile(r"^\s*\[\[\s*([a-z_]+)\s*\]\]")
_KEY = re.compile(r'^\s*"?([A-Za-z_]+)"?\s*=')
_SPAN = re.compile(r"(.+?)\s*(?:-|đến)\s*(.+)")
MINUTES_MAX = 24 * 60


class Commune(NamedTuple):
    """What the file says, as parts of the settings. approvals None: nobody is asked."""

    regulation: Regulation
    approvals: tuple[ApprovalRule, ...] | None
    approver_differs: bool


class Read(NamedTuple):
    """commune: None when a finding is an error."""

    commune: Commune | None
    findings: tuple[Finding, ...]


def read_regulation(
    raw: bytes, zones: Collection[str] | None = None, tags: Collection[str] | None = None
) -> Read:
    """zones: the names there are where it goes. tags: of all zones. None: they are not known."""
    try:
        text = raw.decode("utf-8-sig")
        data = tomllib.loads(text)
    except UnicodeDecodeError as error:
        return Read(None, (Finding(Place(raw[: error.start].count(b"\n") + 1), "rules_not_utf8"),))
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"line (\d+), column (\d+)", str(error))
        line, column = (int(found[1]), found[2]) if found else _end_of(text)
        return Read(None, (Finding(Place(line, f":{column}"), "rules_toml", what=str(error)),))
    reader = _Reader(text, data, zones, tags)
    commune = reader.read()
    findings = tuple(sorted(reader.findings, key=lambda one: one.place.line))
    return Read(None if any(one.is_error for one in findings) else commune, findings)


class _Reader:
    """One file; faults are collected, so that all are mended in one go."""

    def __init__(
        self,
        text: str,
        data: Mapping[str, Any],
        zones: Collection[str] | None,
        tags: Collection[str] | None,
    ) -> None:
        self._data = data
        self._tags = tags
        self._zones = None if zones is None else {same(name): name for name in zones}
        self._places = _places(text)
        self.findings: list[Finding] = []

    def read(self) -> Commune:
        for table, keys in KEYS.items():
            for number, found in self._tables(table):
                for key in found:
                    if key not in keys:
                        guess = nearest(key, keys)
                        self.findings.append(
                            Finding(self._place(table, number, key), "key_unknown", guess)
                        )
        regulation = self._regulation()
        asks = self._flag("ask_approval")
        rules = tuple(self._approvals())
        differs = self._flag("approver_differs")
        says = bool(asks or rules or differs) or _binds(regulation)
        if self._flag("none") == says and not any(one.is_error for one in self.findings):
            self._fault("", 0, "none", "rules_and_none" if says else "rules_none")
        if not any(one.is_error for one in self.findings):
            fault = fault_of(regulation)
            if regulation.sessions_per_day is not None and not regulation.windows:
                self._fault("", 0, "sessions_per_day", "sessions_windows")
            elif fault is not None:
                self.findings.append(Finding(Place(1), "rule", what=fault))
        return Commune(regulation, rules if asks or rules else None, differs)

    def _regulation(self) -> Regulation:
        return Regulation(
            title=self._text("", 0, self._data, "title"),
            document_number=self._text("", 0, self._data, "document_number"),
            windows=tuple(self._window(n, one) for n, one in self._tables("window")),
            silent_dates=tuple(self._silent_dates()),
            sessions_per_day=self._number("", 0, self._data, "sessions_per_day", 1, 48),
            ceilings=tuple(self._ceiling(n, one) for n, one in self._tables("ceiling")),
            languages=tuple(self._languages()),
        )

    def _window(self, number: int, found: Mapping[str, Any]) -> AirWindow:
        minutes = self._number("window", number, found, "minutes", 1, MINUTES_MAX)
        return AirWindow(
            hours=self._hours("window", number, found, past_midnight=False),
            days=self._days("window", number, found),
            zones=self._selector("window", number, found),
            session_ms=None if minutes is None else minutes * 60_000,
        )

    def _ceiling(self, number: int, found: Mapping[str, Any]) -> VolumeCeiling:
        volume = self._number("ceiling", number, found, "volume", 0, 100)
        if volume is None and "volume" not in found:
            self._fault("ceiling", number, "volume", "missing_like")
        return VolumeCeiling(
            hours=self._hours("ceiling", number, found, past_midnight=True),
            volume=volume or 0,
            days=self._days("ceiling", number, found),
            zones=self._selector("ceiling", number, found),
        )

    def _approvals(self) -> Iterator[ApprovalRule]:
        for number, found in self._tables("approval"):
            rule = {
                "authority": self._text("approval", number, found, "authority"),
                "mode": self._text("approval", number, found, "mode") or "ask",
                "document_number": self._text("approval", number, found, "document_number"),
            }
            if rule["mode"] not in ("ask", "standing"):
                self._fault("approval", number, "mode", "approval_mode", rule["mode"])
                continue
            if rule["mode"] == "standing" and not rule["document_number"]:
                self._fault("approval", number, "document_number", "approval_document")
            try:
                yield msgspec.convert(rule, ApprovalRule)
            except msgspec.ValidationError:
                self._fault("approval", number, "authority", "authority", rule["authority"])

    # --- values -------------------------------------------------------------------------

    def _hours(
        self, table: Table, number: int, found: Mapping[str, Any], *, past_midnight: bool
    ) -> str:
        text = self._text(table, number, found, "hours")
        if not text:
            self._fault(table, number, "hours", "missing_like")
            return "00:00-24:00"
        hours = _as_hours(text)
        if hours is None or read_hours(hours, past_midnight=True) is None:
            self._fault(table, number, "hours", "hours", text)
        elif read_hours(hours, past_midnight=past_midnight) is None:
            self._fault(table, number, "hours", "hours_day", text)
        return hours or "00:00-24:00"

    def _days(self, table: Table, number: int, found: Mapping[str, Any]) -> tuple[int, ...]:
        value = found.get("days")
        if value is None:
            return ()
        text = ";".join(value) if _is_texts(value) else value
        if not isinstance(text, str):
            self._fault(table, number, "days", "write_like", str(value))
            return ()
        try:
            days = parse_days(text, year=2026)
        except Fault as fault:
            self._fault(table, number, "days", "write_like", text, fault.guess)
            return ()
        if days.dates or days.left_out:
            self._fault(table, number, "days", "days_weekly", text)
        if days.weekdays == EVERY_DAY:
            return ()
        return tuple(sorted(day + 1 for day in days.weekdays))

    def _selector(self, table: Table, number: int, found: Mapping[str, Any]) -> ZoneSelector | None:
        names = self._list(table, number, found, "zones")
        tags = self._list(table, number, found, "tags")
        if not names and not tags:
            return None
        known = self._zones
        if known is not None:
            for name in names:
                if same(name) not in known:
                    near = nearest(name, known.values())
                    self._fault(table, number, "zones", "zone_unknown", name, near)
            names = [known.get(same(name), name) for name in names]
        if self._tags is not None:
            others = tags_there_are(self._tags)
            for tag in (tag for tag in tags if tag not in self._tags):
                near = nearest(tag, self._tags)
                self._fault(table, number, "tags", "tag_unknown", tag, near, others)
        try:
            selector = {"names": names, "tags": tags}
            return msgspec.convert(selector, ZoneSelector)
        except msgspec.ValidationError:
            self._fault(table, number, "tags", "write_like", ", ".join(tags))
            return None

    def _silent_dates(self) -> Iterator[str]:
        value = self._data.get("silent_dates", [])
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, dt.date) and not isinstance(one, dt.datetime):
                yield one.isoformat()
                continue
            try:
                day, _ = parse_date(str(one), year=2026)
            except Fault as fault:
                self._fault("", 0, "silent_dates", "write_like", str(one), fault.guess)
                continue
            yield day.isoformat()

    def _languages(self) -> Iterator[str]:
        for one in self._list("", 0, self._data, "languages"):
            try:
                yield parse_language(one)
            except Fault as fault:
                self._fault("", 0, "languages", fault.code, one, fault.guess)

    def _number(
        self, table: Table, number: int, found: Mapping[str, Any], key: str, low: int, high: int
    ) -> int | None:
        value = found.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            self._fault(table, number, key, "number", str(value), what=f"{low}–{high}")
            return None
        return value

    def _text(self, table: Table, number: int, found: Mapping[str, Any], key: str) -> str:
        value = found.get(key, "")
        if not isinstance(value, str) or len(value) > 200:
            self._fault(table, number, key, "write_like", str(value)[:40])
            return ""
        return clean(value)

    def _flag(self, key: str) -> bool:
        value = self._data.get(key, False)
        if not isinstance(value, bool):
            self._fault("", 0, key, "write_like", str(value))
            return False
        return value

    def _list(self, table: Table, number: int, found: Mapping[str, Any], key: str) -> list[str]:
        value = found.get(key, [])
        value = [value] if isinstance(value, str) else value
        if not _is_texts(value):
            self._fault(table, number, key, "write_like", str(value)[:40])
            return []
        return [clean(one) for one in value]

    # --- places -------------------------------------------------------------------------

    def _tables(self, table: Table) -> Iterator[tuple[int, Mapping[str, Any]]]:
        found = [self._data] if not table else self._data.get(table, [])
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            if not any(one.place.header == table for one in self.findings):
                self._fault("", 0, table, "write_like")
            return
        yield from enumerate(found)

    def _place(self, table: Table, number: int, key: str, cell: str = "") -> Place:
        line, column = self._places.get(
            (table, number, key), self._places.get((table, number, ""), (1, 1))
        )
        return Place(line, f":{column}", key, cell)

    def _fault(
        self,
        table: Table,
        number: int,
        key: str,
        code: str,
        cell: str = "",
        guess: str = "",
        what: str | Said = "",
    ) -> None:
        place = self._place(table, number, key, cell)
        what = what or LIKE.get(key, "")
        self.findings.append(Finding(place, code, guess, what))


def _binds(regulation: Regulation) -> bool:
    """Whether it says anything but what it is called."""
    named = msgspec.structs.replace(
        Regulation(), title=regulation.title, document_number=regulation.document_number
    )
    return regulation != named


def _end_of(text: str) -> tuple[int, str]:
    """Line and column behind the last letter."""
    lines = text.splitlines() or [""]
    return len(lines), str(len(lines[-1]) + 1)


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _as_hours(text: str) -> str | None:
    """ "5h30 - 6h30" as the contract writes it."""
    pair = _SPAN.fullmatch(clean(text))
    if pair is None:
        return None
    ends = [_minute(one) for one in pair.groups()]
    if None in ends:
        return None
    return "-".join(str(one) for one in ends)


def _minute(text: str) -> str | None:
    if re.fullmatch(r"24(:00|h|h00|g|g00)", text):
        return "24:00"
    try:
        seconds = parse_clock(text)
    except Fault:
        return None
    return None if seconds % 60 else f"{seconds // 3600:02}:{seconds // 60 % 60:02}"


def _places(text: str) -> dict[tuple[str, int, str], tuple[int, int]]:
    """(table, number, key) → line and column; key "" is the table itself."""
    places: dict[tuple[str, int, str], tuple[int, int]] = {}
    counts: dict[str, int] = {}
    table, number = "", 0
    for line, content in enumerate(text.splitlines(), start=1):
        column = len(content) - len(content.lstrip()) + 1
        head, key = _HEAD.match(content), _KEY.match(content)
        if head is not None:
            table = head[1]
            number = counts.get(table, 0)
            counts[table] = number + 1
            places[table, number, ""] = (line, column)
            places.setdefault(("", 0, table), (line, column))
        elif key is not None:
            places.setdefault((table, number, key[1]), (line, column))
    return places
