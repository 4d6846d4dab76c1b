"""A cell as text: for people in Vietnamese, for machines in CSV. Pure."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from simulator.source_system.report import words
from simulator.source_system.report.sheet import Kind, Typed, Value


def typed(kind: Kind, value: Value) -> Typed:
    """The kind a cell really has: its own, or its column's."""
    return value if isinstance(value, Typed) else Typed(kind, value)


def shown(kind: Kind, value: Value, tz: ZoneInfo) -> str:
    """As people read it: 1.234,5 and 25/11/2026. Lengths are hours."""
    kind, plain = typed(kind, value)
    if plain is None:
        return words.UNKNOWN
    if isinstance(plain, str):
        return plain
    if isinstance(plain, dt.date):
        return words.day(plain)
    return _number(kind, plain, tz)


def _number(kind: Kind, plain: int | float, tz: ZoneInfo) -> str:
    match kind:
        case "share":
            return words.percent(plain)
        case "length":
            return words.hours(plain)
        case "seconds":
            return words.decimal(plain / 1000, 1)
        case "moment":
            return words.moment(int(plain), tz)
        case "level" | "years":
            return words.decimal(plain, 1)
        case _:
            return words.count(int(plain))


def plain(kind: Kind, value: Value, tz: ZoneInfo) -> str:
    """As programs read it: a dot, seconds, ISO dates."""
    kind, bare = typed(kind, value)
    if bare is None:
        return words.UNKNOWN
    if isinstance(bare, str):
        return bare
    if isinstance(bare, dt.date):
        return bare.isoformat()
    match kind:
        case "share":
            return f"{bare:.6f}"
        case "length":
            return str(round(bare / 1000))
        case "seconds":
            return f"{bare / 1000:.3f}"
        case "moment":
            return dt.datetime.fromtimestamp(int(bare) / 1000, tz).isoformat(timespec="seconds")
        case "level" | "years":
            return f"{bare:.2f}"
        case _:
            return str(int(bare))
