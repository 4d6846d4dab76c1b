"""Hours of the day as rules write them: "05:00-06:30", where they lie on a given day, and whether a
regulation is written right.

Owns the reading of `hours` fields and what they mean on days on which the clock is changed: hours
are what the wall shows, so in autumn they may come twice and in spring not at all. What a rule
means for an item is rules.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, tzinfo
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

    def holds(self, minute: int) -> bool:
        """Whether they cover a minute of the day on which they begin."""
        return self.from_min <= minute < self.to_min

    def holds_next_day(self, minute: int) -> bool:
        """Whether they cover a minute of the day after."""
        return minute + DAY_MIN < self.to_min

    def by_day(self) -> tuple[Hours, ...]:
        """The same hours, cut at midnight."""
        if self.to_min <= DAY_MIN:
            return (self,)
        return (Hours(self.from_min, DAY_MIN), Hours(0, self.to_min - DAY_MIN))


class Span(NamedTuple):
    """Instants from_ms <= t < to_ms, epoch ms."""

    from_ms: int
    to_ms: int


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


# --- on a given day ------------------------------------------------------------------------

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTE_MS = 60_000


def local_day(day: date, zone: tzinfo) -> Span:
    """All of a local date."""
    return Span(_first_ms(day, zone), _first_ms(day + timedelta(days=1), zone))


def _first_ms(day: date, zone: tzinfo) -> int:
    """The first instant of a local date, also when its midnight does not exist."""
    at_ms = _ms(datetime(day.year, day.month, day.day, tzinfo=zone))
    if _date(at_ms - 1, zone) < day <= _date(at_ms, zone):
        return at_ms
    low_ms, high_ms = at_ms - DAY_MIN * _MINUTE_MS, at_ms + DAY_MIN * _MINUTE_MS
    while high_ms - low_ms > 1:
        middle_ms = (low_ms + high_ms) // 2
        low_ms, high_ms = (
            (low_ms, middle_ms) if _date(middle_ms, zone) >= day else (middle_ms, high_ms)
        )
    return high_ms


def _date(at_ms: int, zone: tzinfo) -> date:
    return datetime.fromtimestamp(at_ms / 1_000, zone).date()


def _ms(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def _offset_ms(at_ms: int, zone: tzinfo) -> int:
    offset = datetime.fromtimestamp(at_ms / 1_000, zone).utcoffset()
    return 0 if offset is None else offset // timedelta(milliseconds=1)


def _change_ms(low_ms: int, high_ms: int, zone: tzinfo) -> int:
    """The instant between these at which the offset from UTC becomes that of `high_ms`."""
    after_ms = _offset_ms(high_ms, zone)
    while high_ms - low_ms > 1:
        middle_ms = (low_ms + high_ms) // 2
        if _offset_ms(middle_ms, zone) == after_ms:
            high_ms = middle_ms
        else:
            low_ms = middle_ms
    return high_ms


def _pieces(day: date, zone: tzinfo) -> list[tuple[Span, int]]:
    """The stretches of a local date with one offset from UTC each; nearly always one."""
    whole = local_day(day, zone)
    first, last = _offset_ms(whole.from_ms, zone), _offset_ms(whole.to_ms - 1, zone)
    if first == last:
        return [(whole, first)]
    change_ms = _change_ms(whole.from_ms, whole.to_ms - 1, zone)
    return [(Span(whole.from_ms, change_ms), first), (Span(change_ms, whole.to_ms), last)]


def spans_of(day: date, hours: Hours, zone: tzinfo) -> tuple[Span, ...]:
    """When the wall shows `hours` on a local date, in order; what touches is one span."""
    midnight_ms = _ms(datetime(day.year, day.month, day.day, tzinfo=UTC))
    found: list[Span] = []
    for piece, offset_ms in _pieces(day, zone):
        from_ms = max(piece.from_ms, midnight_ms + hours.from_min * _MINUTE_MS - offset_ms)
        to_ms = min(piece.to_ms, midnight_ms + hours.to_min * _MINUTE_MS - offset_ms)
        if found and from_ms <= found[-1].to_ms < to_ms:
            found[-1] = Span(found[-1].from_ms, to_ms)
        elif from_ms < to_ms:
            found.append(Span(from_ms, to_ms))
    return tuple(found)


# --- faults --------------------------------------------------------------------------------


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
