"""How the source-system API writes time: each format once, both ways, exactly.

Owns the formats. No clock: instants and the zone are arguments; local times without a zone in the
text are those of the station (an inference, no rule was seen). What cannot be read is None.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo

EPOCH_S_MAX = 4_102_444_800
"""2100-01-01: an instant beyond it is no instant."""

_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d):([0-5]\d)\.(\d{6})\Z")
_LENGTH = re.compile(r"(\d{1,3}):([0-5]\d):([0-5]\d)\Z")
_DAY = re.compile(r"(\d{2})-(\d{2})-(\d{4})\Z")


def epoch_s(at_ms: int | None) -> int:
    """Whole seconds since 1970; 0 stands for "not known", since the field must be a number."""
    return 0 if at_ms is None else at_ms // 1_000


def read_epoch_s(value: int) -> int | None:
    """Seconds → epoch ms. Milliseconds by mistake, or before 2000, are not an instant."""
    return value * 1_000 if 946_684_800 <= value < EPOCH_S_MAX else None


def length(length_ms: int | None) -> str:
    """`HH:MM:SS`, rounded to the second; more than 99 h is not a length here."""
    seconds = min(359_999, max(0, round((length_ms or 0) / 1_000)))
    return f"{seconds // 3_600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def read_length(text: str) -> int | None:
    """`HH:MM:SS` → ms."""
    found = _LENGTH.match(text)
    if found is None:
        return None
    hours, minutes, seconds = (int(part) for part in found.groups())
    return ((hours * 60 + minutes) * 60 + seconds) * 1_000


def moment(at_ms: int, tz: tzinfo, mark: int = 0) -> str:
    """`yyyy-MM-ddTHH:mm:ss.fffff` in the station's zone.

    mark: 0–99, written below the millisecond; it keeps apart two records of one millisecond.
    """
    local = _local(at_ms, tz)
    return f"{local:%Y-%m-%dT%H:%M:%S}.{at_ms % 1_000:03}{mark % 100:02}"


def read_moment(text: str, tz: tzinfo) -> int | None:
    """A date and time as ISO 8601 says it; without offset it is the station's wall clock.

    Before 1970 or after 2100 it is no instant: nothing is planned for then.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    at_ms = _epoch_ms(found if found.tzinfo is not None else found.replace(tzinfo=tz))
    return at_ms if 0 <= at_ms < EPOCH_S_MAX * 1_000 else None


def local_moment(at_ms: int | None, tz: tzinfo) -> str:
    """`yyyy-MM-ddTHH:mm:ss` in the station's zone, "" for no instant."""
    return "" if at_ms is None else f"{_local(at_ms, tz):%Y-%m-%dT%H:%M:%S}"


def clock(at: time) -> str:
    """`HH:mm:ss.ffffff`, always with six digits."""
    return f"{at:%H:%M:%S}.{at.microsecond:06}"


def read_clock(text: str) -> time | None:
    """Exactly `HH:mm:ss.ffffff`; anything else is refused by the rule that was seen."""
    found = _CLOCK.match(text)
    if found is None:
        return None
    hour, minute, second, micro = (int(part) for part in found.groups())
    return time(hour, minute, second, micro)


def day(at: date) -> str:
    """`dd-mm-YYYY`."""
    return f"{at:%d-%m-%Y}"


def read_day(text: str) -> date | None:
    found = _DAY.match(text)
    if found is None:
        return None
    try:
        return date(int(found[3]), int(found[2]), int(found[1]))
    except ValueError:
        return None


def at_clock(on: date, at: time, tz: tzinfo) -> int:
    """The instant when the wall of `tz` shows this, to the second."""
    return _epoch_ms(datetime.combine(on, at.replace(microsecond=0), tz))


def local_date(at_ms: int, tz: tzinfo) -> date:
    return _local(at_ms, tz).date()


def _local(at_ms: int, tz: tzinfo) -> datetime:
    # From integers: a float of seconds would not keep every millisecond.
    return (datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=at_ms)).astimezone(tz)


def _epoch_ms(at: datetime) -> int:
    return (at - datetime.fromtimestamp(0, UTC)) // timedelta(milliseconds=1)
