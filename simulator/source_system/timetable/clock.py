"""Times of day and lengths of time, in every shape a spreadsheet or a hand produces.

Pure. A shape that Excel has changed silently is refused with a guess, never taken.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from simulator.source_system.timetable.findings import Fault
from simulator.source_system.timetable.words import bare

DURATION_CONFIRM_MS = 4 * 3_600_000
"""Longer than this needs confirmation."""
DAY_S = 86_400

_CLOCK = re.compile(
    r"(?P<hour>\d{1,2}) ?(?:[:hg]|gio) ?(?:(?P<minute>\d{1,2})(?: ?(?:p|ph|phut|'))?"
    r"(?: ?: ?(?P<second>\d{1,2}))?)? ?(?P<half>sa|ch|am|pm|sang|trua|chieu|toi)?"
)
_HALF_ONLY = re.compile(r"(?P<hour>\d{1,2}) ?(?P<half>am|pm|sa|ch)")
_NUMBER = re.compile(r"(\d{1,2})[.,](\d+)")
_MORNING = frozenset({"sa", "am", "sang"})
_UNITS = re.compile(
    r"(?:(?P<hours>\d{1,2}) ?(?:h|g|gio|hours?|hr)(?![a-z]) ?)?"
    r"(?:(?P<minutes>\d{1,3}) ?(?:p|ph|phut|'|m|min|mins|minutes?)(?![a-z]) ?)?"
    r"(?:(?P<seconds>\d{1,3}) ?(?:s|giay|\"|sec|seconds?)(?![a-z]))?"
)
_HOURS_MINUTES = re.compile(r"(\d{1,2}) ?(?:h|g|gio) ?(\d{1,2})")
_EXCEL_DAYS = re.compile(r"(\d+) days?,? (\d{1,2}):(\d{2})(?::(\d{2}))?")


class Length(NamedTuple):
    """ms; two_parts: it was written a:b and taken as hours:minutes."""

    ms: int
    two_parts: bool = False


def parse_clock(text: str) -> int:
    """Seconds since midnight. Raises Fault with a guess."""
    plain = bare(text)
    found = _CLOCK.fullmatch(plain) or _HALF_ONLY.fullmatch(plain)
    if found is None:
        raise _clock_fault(plain)
    parts = found.groupdict()
    hour = int(parts["hour"])
    minute, second = int(parts.get("minute") or 0), int(parts.get("second") or 0)
    if minute > 59 or second > 59:
        raise Fault("clock")
    if hour > 23:
        raise Fault("clock_hour", guess="00:00" if (hour, minute) == (24, 0) else "")
    return (_by_half(hour, parts["half"]) * 60 + minute) * 60 + second


def _by_half(hour: int, half: str | None) -> int:
    if half is None or hour > 12:
        if half in _MORNING:
            raise Fault("clock", guess=f"{hour:02}:00")
        return hour
    if half in _MORNING:
        return hour % 12
    if half == "trua" and hour in (10, 11):
        return hour
    return hour % 12 + 12


def _clock_fault(plain: str) -> Fault:
    if days := _EXCEL_DAYS.fullmatch(plain):
        return Fault("clock_hour", guess=f"00:{int(days[1]) * 24 + int(days[2]):02}")
    number = _NUMBER.fullmatch(plain)
    if number is None:
        return Fault(
            "clock", guess=f"{int(plain):02}:00" if plain.isdigit() and int(plain) < 24 else ""
        )
    if number[1] == "0" and len(number[2]) > 2:  # a fraction of a day
        minutes = round(float(f"0.{number[2]}") * 24 * 60)
        return Fault("clock_number", guess=f"{minutes // 60:02}:{minutes % 60:02}")
    minute = int(number[2].ljust(2, "0")[:2])
    guess = f"{int(number[1]):02}:{minute:02}" if minute < 60 and int(number[1]) < 24 else ""
    return Fault("clock_number", guess=guess)


def parse_duration(text: str, *, allow_long: bool = False) -> Length:
    """Raises Fault with a guess. Three parts are hours:minutes:seconds, two hours:minutes."""
    plain = bare(text).removeprefix("~").strip()
    if days := _EXCEL_DAYS.fullmatch(plain):
        raise _excel_hours(int(days[1]) * 24 + int(days[2]), int(days[3]))
    if re.fullmatch(r"\d{1,3}(:\d{1,2}){1,2}", plain):
        return _colons([int(part) for part in plain.split(":")], allow_long)
    if re.fullmatch(r"\d+([.,]\d+)?", plain):
        whole = int(re.split(r"[.,]", plain)[0])
        raise Fault("duration_number", guess=_spoken(whole * 60) if 0 < whole < 241 else "")
    if pair := _HOURS_MINUTES.fullmatch(plain):
        return Length(_bounded_ms((int(pair[1]) * 60 + int(pair[2])) * 60, allow_long))
    units = _UNITS.fullmatch(plain)
    if units is None or not plain:
        raise Fault("duration")
    hours, minutes, seconds = (int(part or 0) for part in units.groups())
    return Length(_bounded_ms((hours * 60 + minutes) * 60 + seconds, allow_long))


def _colons(parts: list[int], allow_long: bool) -> Length:
    first, second = parts[0], parts[1]
    if len(parts) == 2:
        if second > 59:
            raise Fault("duration")
        if (first * 60 + second) * 60_000 > DURATION_CONFIRM_MS:
            raise _excel_hours(first, second)
        return Length(_bounded_ms((first * 60 + second) * 60, allow_long), two_parts=True)
    if second > 59 or parts[2] > 59:
        raise Fault("duration")
    if first >= 24:
        raise _excel_hours(first, second)
    return Length(_bounded_ms((first * 60 + second) * 60 + parts[2], allow_long))


def _excel_hours(hours: int, minutes: int) -> Fault:
    guess = f"00:{hours:02}:{minutes:02}" if hours < 60 else ""
    return Fault("duration_hours", guess=guess, what=str(hours))


def _bounded_ms(seconds: int, allow_long: bool) -> int:
    if seconds <= 0 or seconds > DAY_S:
        raise Fault("duration")
    if seconds * 1000 > DURATION_CONFIRM_MS and not allow_long:
        minutes, rest = divmod(seconds, 3600)
        raise Fault("duration_long", guess=f"00:{minutes:02}:{rest // 60:02}")
    return seconds * 1000


def _spoken(seconds: int) -> str:
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def spoken_ms(length_ms: int) -> str:
    """`00:30:00`."""
    return _spoken(length_ms // 1000)
