"""Times as people type them: `11:00`, `24/11 11:00`, `2026-11-24T11:00:00`.

Pure: the present and the station's time zone come in. Bounds belong to who asks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_TIME = re.compile(
    r"(?P<hour>[01]?[0-9]|2[0-3])[:hH](?P<minute>[0-5][0-9])(:(?P<second>[0-5][0-9]))?"
)
_ISO = re.compile(r"(?P<year>[0-9]{4})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})")
_LOCAL = re.compile(r"(?P<day>[0-9]{1,2})/(?P<month>[0-9]{1,2})(/(?P<year>[0-9]{4}))?")


@dataclass(frozen=True, slots=True)
class Typed:
    """What stood there. year, month, day None: not said. second None: any of the minute."""

    hour: int
    minute: int
    second: int | None = None
    year: int | None = None
    month: int | None = None
    day: int | None = None


def read_time(text: str) -> Typed | None:
    """`[DATE] HH:MM[:SS]`; None: it is none."""
    *date, time = text.replace("T", " ").split() or [""]
    found = _TIME.fullmatch(time)
    if found is None or len(date) > 1:
        return None
    hour, minute = int(found["hour"]), int(found["minute"])
    second = int(found["second"]) if found["second"] else None
    if not date:
        return Typed(hour, minute, second)
    day = _ISO.fullmatch(date[0]) or _LOCAL.fullmatch(date[0])
    if day is None:
        return None
    year = int(day["year"]) if day["year"] else None
    return Typed(hour, minute, second, year, int(day["month"]), int(day["day"]))


_WRITTEN = re.compile(
    r"\b([0-9]{4})-([0-9]{2})-([0-9]{2})[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2}))?(?![0-9:])"
)


def local_words(text: str) -> str:
    """`2026-11-23T05:30:00` → `23/11/2026 05:30`, wherever it stands: as `read_time` takes it."""

    def words(found: re.Match[str]) -> str:
        seconds = f":{found[5]}" if found[5] and found[5] != "00" else ""
        return f"{found[3]}/{found[2]}/{found[1]} {found[4]}{seconds}"

    return _WRITTEN.sub(words, text)


def says(typed: Typed, nominal: str) -> bool:
    """Whether a start of the timetable ("2026-11-23T05:30:00") is meant."""
    try:
        start = datetime.fromisoformat(nominal)
    except ValueError:
        return False
    pairs = (
        (typed.hour, start.hour),
        (typed.minute, start.minute),
        (typed.second, start.second),
        (typed.year, start.year),
        (typed.month, start.month),
        (typed.day, start.day),
    )
    return all(said is None or said == planned for said, planned in pairs)


def coming(typed: Typed, now_ms: int, tz: str) -> int | None:
    """The first instant from now on that is meant, epoch ms; None: there is none, it is over."""
    zone = _zone(tz)
    now = datetime.fromtimestamp(now_ms / 1_000, zone)
    for candidate in _candidates(typed, now, zone):
        at_ms = int(candidate.timestamp() * 1_000)
        if at_ms > now_ms:
            return at_ms
    return None


def _candidates(typed: Typed, now: datetime, zone: tzinfo) -> list[datetime]:
    """Today and tomorrow; with a date that day, without a year also next year's."""
    if typed.month is None or typed.day is None:
        days = [now, now + timedelta(days=1)]
        dates = [(one.year, one.month, one.day) for one in days]
    else:
        years = [typed.year] if typed.year is not None else [now.year, now.year + 1]
        dates = [(year, typed.month, typed.day) for year in years]
    found = []
    for year, month, day in dates:
        try:
            moment = datetime(
                year, month, day, typed.hour, typed.minute, typed.second or 0, tzinfo=zone
            )
        except ValueError:
            continue
        found.append(moment)
    return found


def _zone(tz: str) -> tzinfo:
    try:
        return ZoneInfo(tz)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")
