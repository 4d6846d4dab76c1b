"""Hours of the day as rules write them: "05:00-06:30", and whether a regulation is written right.

Owns the reading of `hours` fields of an operating regulation. What a rule means for an item is
rules.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

from agent.contract.documents import Regulation, ZoneSelector

_HOURS = re.compile(
    r"([01][0-9]|2[0-3]):([0-5][0-9])-(?:([01][0-9]|2[0-3]):([0-5][0-9])|24:00)\Z", re.ASCII
)
DAY_MIN = 24 * 60


class Hours(NamedTuple):
    """Minutes of the local day. to_min lies beyond a day for hours that pass midnight."""

    from_min: int
    to_min: int


def read_hours(text: str, *, past_midnight: bool) -> Hours | None:
    """ "HH:MM-HH:MM", the end up to 24:00; None when it is not that, or empty."""
    found = _HOURS.match(text)
    if found is None:
        return None
    from_min = int(found[1]) * 60 + int(found[2])
    to_min = DAY_MIN if found[3] is None else int(found[3]) * 60 + int(found[4])
    if to_min == from_min or (to_min < from_min and not past_midnight):
        return None
    return Hours(from_min, to_min if to_min > from_min else to_min + DAY_MIN)


def fault_of(regulation: Regulation) -> str | None:
    """What is written wrong in a regulation, with its place; None when it can be kept."""
    return next(_faults(regulation), None)


def _faults(regulation: Regulation) -> Iterator[str]:
    for number, window in enumerate(regulation.windows):
        place = f"windows[{number}]"
        if read_hours(window.hours, past_midnight=False) is None:
            yield f"{place}.hours: {window.hours[:20]!r} is not HH:MM-HH:MM within one day"
        yield from _common_faults(place, window.days, window.zones)
        if window.session_ms == 0:
            yield f"{place}.session_ms: 0 lets nothing sound; leave the window out"
    for number, ceiling in enumerate(regulation.ceilings):
        place = f"ceilings[{number}]"
        if read_hours(ceiling.hours, past_midnight=True) is None:
            yield f"{place}.hours: {ceiling.hours[:20]!r} is not HH:MM-HH:MM"
        yield from _common_faults(place, ceiling.days, ceiling.zones)
    for number, day in enumerate(regulation.silent_dates):
        if not _is_day(day):
            yield f"silent_dates[{number}]: there is no day {day}"
    if regulation.sessions_per_day is not None and not regulation.windows:
        yield "sessions_per_day: sessions are windows, and there are none"


def _common_faults(place: str, days: tuple[int, ...], zones: ZoneSelector | None) -> Iterator[str]:
    if len(set(days)) != len(days):
        yield f"{place}.days: a day stands twice"
    if zones is not None and not (zones.all or zones.names or zones.tags):
        yield f"{place}.zones: no zone is named; leave it out for all"


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
