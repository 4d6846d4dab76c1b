"""Times as people say and read them. Local time of the district; pure but for its arguments."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from agent.contract.reasons import Lang
from simulator.source_system.desk import TIME_ZONE
from simulator.source_system.problems import DistrictError
from simulator.source_system.timetable.clock import parse_clock
from simulator.source_system.timetable.findings import Fault

ZONE = ZoneInfo(TIME_ZONE)
_UNITS = {"m": 60, "h": 3600, "d": 86_400}


def local(at_ms: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(at_ms / 1000, ZONE)


def shown(at_ms: int) -> str:
    """`25/11 05:00:03`."""
    return f"{local(at_ms):%d/%m %H:%M:%S}"


def dated(at_ms: int) -> str:
    """`25/11/2026 05:00`."""
    return f"{local(at_ms):%d/%m/%Y %H:%M}"


def next_clock_ms(text: str, now_ms: int) -> int:
    """The next moment at which the clock says `text`. Raises DistrictError."""
    try:
        second = parse_clock(text)
    except Fault as fault:
        raise DistrictError("argument", "--until", f"{text} {fault.guess}".strip()) from fault
    now = local(now_ms)
    day = now.date() if _at(now.date(), second) > now else now.date() + dt.timedelta(days=1)
    return int(_at(day, second).timestamp() * 1000)


def _at(day: dt.date, second: int) -> dt.datetime:
    clock = dt.time(second // 3600, second // 60 % 60, second % 60)
    return dt.datetime.combine(day, clock, ZONE)


def since_ms(text: str, now_ms: int) -> int:
    """`2h`, `3d`, `45m`, or a date `2026-11-25`. Raises DistrictError."""
    if text[:-1].isdigit() and text[-1] in _UNITS:
        return now_ms - int(text[:-1]) * _UNITS[text[-1]] * 1000
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        raise DistrictError("argument", "--since", text) from None
    return int(dt.datetime.combine(day, dt.time(), ZONE).timestamp() * 1000)


def instant_ms(text: str, option: str, *, end: bool = False) -> int:
    """`2026-11-25T05:00`, `2026-11-25 05:00:30` or a date; of a date as an end its last moment.

    Raises DistrictError.
    """
    try:
        at = dt.datetime.fromisoformat(text)
    except ValueError:
        raise DistrictError("argument", option, text) from None
    if end and len(text) == len("2026-11-25"):
        at += dt.timedelta(days=1)
    return int((at if at.tzinfo is not None else at.replace(tzinfo=ZONE)).timestamp() * 1000)


def start_of(text: str) -> str:
    """`2026-11-30` or `2026-11-30T05:00` as a local time of the contract."""
    try:
        return dt.datetime.fromisoformat(text).isoformat(timespec="seconds")
    except ValueError:
        raise DistrictError("argument", "--from", text) from None


def length(seconds: int, lang: Lang) -> str:
    """`3 ngày`, `2 giờ`, `5 phút`, `10 giây`."""
    names = {
        "vi": ("ngày", "giờ", "phút", "giây"),
        "en": ("days", "hours", "minutes", "seconds"),
    }[lang]
    for size, name in zip((86_400, 3600, 60), names, strict=False):
        if seconds >= 2 * size:
            return f"{seconds // size} {name}"
    return f"{max(0, seconds)} {names[3]}"
