"""Subcommand report: write one, show what is due when, check the registry.

Needs no keys: it only reads. Works without a district's folder when the database is named.
"""

from __future__ import annotations

import argparse
import datetime as dt
import sqlite3
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from agent.contract.documents import Warnings
from simulator.source_system.accepted_keys import read_accepted
from simulator.source_system.desk import TIME_ZONE, open_push, wall_clock_ms
from simulator.source_system.districtctl.console import Console, Exit
from simulator.source_system.districtctl.phrases import mark
from simulator.source_system.home import Home
from simulator.source_system.ledger import Ledger
from simulator.source_system.problems import ReportError
from simulator.source_system.report import due, letterhead, make, words
from simulator.source_system.report.beside import following
from simulator.source_system.report.doubts import doubts, in_doubt
from simulator.source_system.report.emergencies import Issued
from simulator.source_system.report.gather import Report, Sources, gather
from simulator.source_system.report.reading import NoRecords, Records, opened
from simulator.source_system.report.registry import Registry
from simulator.source_system.report.registry_file import RegistryWrong, read_registry
from simulator.source_system.report.window import Window, WindowWrong, between, day, day_of, period

ZONE = ZoneInfo(TIME_ZONE)
REGISTRY = "registry"
CALENDAR = "report-calendar.toml"
REPORTS = "reports"
FAULTS_SHOWN = 40


def report(console: Console, options: argparse.Namespace) -> Exit:
    """One of: write (nothing named), calendar, registry."""
    match options.what:
        case "calendar":
            return _calendar(console, options)
        case "registry":
            return _registry(console, options)
        case _:
            return _write(console, options)


# --- write ----------------------------------------------------------------------------------


def _write(console: Console, options: argparse.Namespace) -> Exit:
    home = Home(options.home)
    window = _window(options)
    now_ms = wall_clock_ms()
    if window.span.from_ms >= now_ms:
        raise ReportError("report_future", window.title)
    path = options.records or home.journal
    head = _letterhead(home)
    registry = _read_registry(_folder(options))
    accepted = read_accepted(home) if home.exists() else {}
    try:
        with opened(path, anew=options.anew) as records:
            sources = _sources(home, records, registry)
            with following(path, records, accepted) as check:
                found = gather(
                    sources,
                    window,
                    options.by,
                    now_ms,
                    check=check if options.check else None,
                    anew=options.anew,
                )
    except (NoRecords, sqlite3.OperationalError) as error:
        raise ReportError(_why(error), path, error) from error
    except (sqlite3.DatabaseError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ReportError("report_damaged", path, error) from error
    folder = options.out or home.folder / REPORTS / f"{window.name}-{options.by}"
    try:
        files = make.write(found, head, folder)
    except make.LibraryMissing as error:
        raise ReportError("report_library", error) from error
    except OSError as error:
        raise ReportError("report_not_written", folder, error) from error
    _tell(console, found, files)
    return Exit.IN_DOUBT if in_doubt(found) else Exit.DONE


def _why(error: Exception) -> str:
    """A file that is damaged wants something else to be done than one that is not there."""
    cause = error.__cause__ or error
    damaged = isinstance(cause, sqlite3.DatabaseError) and not isinstance(
        cause, sqlite3.OperationalError
    )
    return "report_damaged" if damaged else "report_records"


def _window(options: argparse.Namespace) -> Window:
    if options.period and (options.first or options.last):
        raise ReportError("report_two_periods", f"{options.period}; --from/--to")
    if bool(options.first) != bool(options.last):
        raise ReportError("report_half_window", options.first or options.last)
    try:
        if options.period:
            return period(options.period, ZONE)
        if options.first and options.last:
            return between(options.first, options.last, ZONE)
    except WindowWrong as error:
        raise ReportError("report_period", error) from error
    raise ReportError("report_period")


def _letterhead(home: Home) -> letterhead.Letterhead:
    try:
        return letterhead.read_letterhead(home.folder / letterhead.FILE)
    except (letterhead.LetterheadWrong, OSError) as error:
        raise ReportError("report_letterhead", error) from error


def _folder(options: argparse.Namespace) -> Path:
    """Of the registry. One that is named has to be there; nobody need keep one."""
    named: Path | None = options.registry
    if named is not None and not named.is_dir():
        raise ReportError("registry_absent", named)
    return named or Home(options.home).folder / REGISTRY


def _read_registry(folder: Path) -> Registry:
    try:
        return read_registry(folder)
    except RegistryWrong as error:
        raise ReportError("report_registry", folder, error.faults[0].place) from error
    except OSError as error:
        raise ReportError("report_registry", folder, error) from error


def _sources(home: Home, records: Records, registry: Registry) -> Sources:
    """What the district's own folder adds, when there is one."""
    if not home.exists():
        return Sources(records, registry)
    file = home.read()
    return Sources(
        records=records,
        registry=registry,
        stations={one.id: one.name for one in file.station},
        known_from_ms={one.id: one.enrolled_at_ms for one in file.station if one.enrolled_at_ms},
        issued=_issued(home),
        has_ledger=home.ledger.exists(),
        district=file.authority.name,
    )


def _issued(home: Home) -> dict[str, Issued]:
    """Every warning this district ever signed: its first issue, and whether it was a drill."""
    if not home.ledger.exists():
        return {}
    found: dict[str, Issued] = {}
    for push in Ledger(home.ledger).of_kind("warning"):
        document = open_push(push)
        for one in document.warnings if isinstance(document, Warnings) else ():
            found.setdefault(one.id, Issued(one.issued_at_ms, one.drill, one.title))
    return found


def _tell(console: Console, found: Report, files: make.Files) -> None:
    timetable, window = found.timetable, found.window
    console.say(
        "report_done",
        sign="bad" if in_doubt(found) else "ok",
        title=window.title if console.lang == "vi" else f"{window.first} to {window.last}",
        plays=words.count(timetable.plays),
        played=words.percent(_share(timetable.results["played"], timetable.plays)),
        stations=len(found.ranges),
    )
    if found.unfinished:
        console.say("report_unfinished", sign="note", indent=2)
    for station in found.silent_stations:
        console.say("report_silent", sign="unknown", indent=2, station=station)
    ranges = [one for each in found.ranges.values() for one in each]
    missing = sum(one.missing for one in ranges)
    if missing:
        console.say("report_missing", sign="note", indent=2, count=words.count(missing))
    for one in doubts(found):
        sign = mark("bad" if one.weight == "doubt" else "note")
        step = f" → {one.next}" if one.next else ""
        console.line(f"  {sign} {one.text.text(console.lang)}{step}")
    undelivered = sum(one.undelivered for one in ranges)
    if undelivered:
        number = words.count(undelivered)
        console.say("report_undelivered", sign="note", indent=2, count=number)
    if not found.checked:
        console.say("report_unchecked", sign="note", indent=2)
    for path in (files.xlsx, files.html, files.docx, files.csv[0].parent):
        console.line(f"  {path}")
    console.result(
        {
            "from": found.window.first,
            "to": found.window.last,
            "by": found.by,
            "unfinished": found.unfinished,
            "stations": len(found.ranges),
            "planned": timetable.plays,
            "results": timetable.results,
            "planned_ms": timetable.planned_ms,
            "played_ms": timetable.played_ms,
            "heard_ms": timetable.heard_ms,
            "emergencies": len({one.id for one in found.emergencies}),
            "missing_records": missing,
            "maybe_missing_records": sum(one.maybe_missing for one in ranges),
            "undelivered_records": undelivered,
            "broken_chains": sum(one.chain.state == "broken" for one in ranges),
            "changed_rows": sum(one.chain.changed for one in ranges),
            "misplaced_records": sum(len(one.chain.misplaced) for one in ranges),
            "unknown_keys": sum(len(one.chain.unknown_keys) for one in ranges),
            "in_doubt": in_doubt(found),
            "checked": found.checked,
            "files": [files.xlsx, files.html, files.docx, *files.csv],
        }
    )


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


# --- calendar -------------------------------------------------------------------------------


def _calendar(console: Console, options: argparse.Namespace) -> Exit:
    today = _today(options)
    path = options.calendar or Home(options.home).folder / CALENDAR
    if options.calendar is None and not path.exists():
        path = Path(due.__file__).with_name("calendar.toml")
        console.say("calendar_examples", sign="note")
    try:
        plans = due.read_calendar(path.read_text(encoding="utf-8"), ZONE)
    except (due.CalendarWrong, OSError, UnicodeDecodeError) as error:
        raise ReportError("report_calendar", path, error) from error
    for one in due.just_passed(plans, today, ZONE):
        _show_due(console, one, today)
    found = due.dues(plans, today, ZONE)
    for one in found:
        _show_due(console, one, today)
    if not found:
        console.say("none")
    console.result([_due_json(one, today) for one in found])
    return Exit.DONE


def _today(options: argparse.Namespace) -> dt.date:
    if not options.today:
        return day_of(wall_clock_ms(), ZONE)
    try:
        return day(options.today)
    except WindowWrong as error:
        raise ReportError("report_period", error) from error


def _show_due(console: Console, one: due.Due, today: dt.date) -> None:
    """`! trước 25/09/2026, còn 3 ngày  Báo cáo quý …: quý III năm 2026`, and how to make it."""
    left = one.days_left(today)
    if left is None or one.last_day is None:
        key = "due_on_demand" if one.rule.on_demand else "due_unknown"
        when, sign = console.phrase(key), mark("unknown")
    else:
        key = "due_over" if left < 0 else "due_today" if left == 0 else "due_left"
        rest = console.phrase(key, days=abs(left))
        limit = one.last_day + dt.timedelta(1) if one.rule.before else one.last_day
        when = console.phrase("due_before" if one.rule.before else "due_by", day=words.day(limit))
        when = f"{when}, {rest}"
        sign = mark("bad" if left < 0 else "note" if left <= 14 else "ok")
    title = one.rule.title + (f": {one.window.title}" if one.window is not None else "")
    console.line(f"{sign} {when}  {title}  ({one.plan.title})")
    for folded in one.folded:
        console.say("due_folded", indent=4, what=folded)
    if one.window is not None and one.last_day is not None and one.last_day <= one.window.last:
        console.say("due_unfinished", indent=4)
    if one.last_day is None and one.plan.note:
        console.line(f"    {one.plan.note}")
    console.line(f"    {one.command()}")


def _due_json(one: due.Due, today: dt.date) -> dict[str, object]:
    return {
        "plan": one.plan.id,
        "report": one.rule.title,
        "on_demand": one.rule.on_demand,
        "last_day": one.last_day,
        "days_left": one.days_left(today),
        "from": None if one.window is None else one.window.first,
        "to": None if one.window is None else one.window.last,
        "with": one.folded,
        "command": one.command(),
    }


# --- registry -------------------------------------------------------------------------------


def _registry(console: Console, options: argparse.Namespace) -> Exit:
    """Every fault with its cell; nothing is written."""
    folder = _folder(options)
    if not folder.is_dir() or not any(folder.glob("*.csv")):
        console.say("registry_none", sign="note", folder=folder)
        console.result(Registry())
        return Exit.DONE
    try:
        found = read_registry(folder)
    except RegistryWrong as error:
        for fault in error.faults[:FAULTS_SHOWN]:
            value = f' "{fault.value}"' if fault.value else ""
            console.line(f"{mark('bad')} {fault.place}{value}: {fault.said.text(console.lang)}")
        console.say("registry_wrong", count=len(error.faults))
        console.result(
            [
                {
                    "file": fault.file,
                    "line": fault.line,
                    "column": fault.column,
                    "value": fault.value,
                    "text": fault.said.text(console.lang),
                }
                for fault in error.faults
            ]
        )
        return Exit.WRONG
    except OSError as error:
        raise ReportError("report_registry", folder, error) from error
    console.say(
        "registry_good",
        sign="ok",
        stations=len({one.station for one in found.units}),
        hamlets=len({one.hamlet for one in found.services}),
        boards=len(found.boards),
        assets=len(found.assets),
    )
    console.result(found)
    return Exit.DONE
