"""The rules of the air read second by second: slow, plain, and written without `agent.core.rules`.

Owns a second statement of `docs/decisions/0004-rules-of-the-air.md`, for comparison only. Shares
with the product the documents that were signed, and nothing else: hours are compared as the wall
clock shows them, sessions are walked minute by minute, air time is counted from what was heard.

For an item of class 2 or 3 in a zone:

1. Its language is in the list, if there is one.
2. It never sounds while the wall shows a silent date.
3. Where windows name the zone, the minute of its start lies in one of them, on its day. Of several
   that of which most is left is its session; it does not sound after that ends and no other window
   goes on from there. It does not sound before it begins either, unless the clock was set back
   meanwhile.
4. In one session a zone hears at most the session's minutes, and on one day at most so many
   sessions, each counted by the items that start in it.
5. It does not sound where it is kept quiet.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

import msgspec

from agent.contract.documents import AirWindow, Regulation, ZoneSelector
from agent.contract.reasons import OccurrenceReason as Why

MINUTE_MS = 60_000
DAY_MINUTES = 24 * 60


@lru_cache(maxsize=200_000)
def shown(t_ms: int, tz: str) -> datetime:
    """What the wall shows."""
    return datetime.fromtimestamp(t_ms / 1_000, ZoneInfo(tz))


def minutes_of(hours: str) -> tuple[int, int]:
    first, last = (int(one[:2]) * 60 + int(one[3:]) for one in hours.split("-"))
    return first, last


def addressed(zones: ZoneSelector | None, zone: str) -> bool:
    return zones is None or zones.all or zone in zones.names


def is_open(window: AirWindow, t_ms: int, tz: str) -> bool:
    wall = shown(t_ms, tz)
    first, last = minutes_of(window.hours)
    on_day = not window.days or wall.isoweekday() in window.days
    return on_day and first <= wall.hour * 60 + wall.minute < last


@dataclass(frozen=True)
class Session:
    """A window on one day, as it lies around the start of an item."""

    day: date
    number: int
    from_ms: int
    to_ms: int


def session_of(rules: Regulation, tz: str, zone: str, start_ms: int) -> Session | None:
    """The session an item of that start belongs to; None when no window is open."""
    found = [
        _around(window, number, start_ms, tz)
        for number, window in enumerate(rules.windows)
        if addressed(window.zones, zone) and is_open(window, start_ms, tz)
    ]
    longest = max(found, key=lambda one: (one.to_ms, -one.number), default=None)
    if longest is None:
        return None
    to_ms = longest.to_ms
    while to_ms < longest.to_ms + 2 * DAY_MINUTES * MINUTE_MS and any(
        addressed(window.zones, zone) and is_open(window, to_ms, tz) for window in rules.windows
    ):
        to_ms += MINUTE_MS
    return replace(longest, to_ms=to_ms)


@lru_cache(maxsize=10_000)
def _around(window: AirWindow, number: int, start_ms: int, tz: str) -> Session:
    day = shown(start_ms, tz).date()

    def goes_on(t_ms: int) -> bool:
        return shown(t_ms, tz).date() == day and is_open(window, t_ms, tz)

    from_ms = to_ms = start_ms - start_ms % MINUTE_MS
    while goes_on(from_ms - MINUTE_MS):
        from_ms -= MINUTE_MS
    while goes_on(to_ms):
        to_ms += MINUTE_MS
    return Session(day, number, from_ms, to_ms)


def ceiling_of(rules: Regulation, tz: str, zone: str, t_ms: int) -> int:
    """The loudest that may be set; 100 where nothing says otherwise."""
    wall = shown(t_ms, tz)
    minute, day = wall.hour * 60 + wall.minute, wall.isoweekday()
    yesterday = 7 if day == 1 else day - 1
    found = [100]
    for one in rules.ceilings:
        first, last = minutes_of(one.hours)
        if not addressed(one.zones, zone):
            continue
        begun_today = first <= minute and (minute < last or last <= first)
        begun_before = last <= first and minute < last
        if begun_today and (not one.days or day in one.days):
            found.append(one.volume)
        if begun_before and (not one.days or yesterday in one.days):
            found.append(one.volume)
    return min(found)


def bound_to_hours(rules: Regulation, zone: str) -> bool:
    return any(addressed(window.zones, zone) for window in rules.windows)


def allows_language(rules: Regulation, language: str) -> bool:
    return not rules.languages or language.split("-", maxsplit=1)[0] in rules.languages


def is_silent(rules: Regulation, tz: str, t_ms: int) -> bool:
    return shown(t_ms, tz).date().isoformat() in rules.silent_dates


def in_force(
    rules: Regulation, tz: str, zone: str, t_ms: int, languages: Iterable[str]
) -> set[Why]:
    """Rules that do not depend on what else was heard, against which an emergency begins."""
    found = set()
    if bound_to_hours(rules, zone) and session_of(rules, tz, zone, t_ms) is None:
        found.add(Why.OUTSIDE_HOURS)
    if is_silent(rules, tz, t_ms):
        found.add(Why.SILENT_DATE)
    if not all(allows_language(rules, one) for one in languages):
        found.add(Why.LANGUAGE_NOT_ALLOWED)
    return found


def for_zone(rules: Regulation, zone: str, tags: Iterable[str] = ()) -> Regulation:
    """The rules of one zone: only its windows, and those name every zone."""
    mine = tuple(
        msgspec.structs.replace(one, zones=None)
        for one in rules.windows
        if addressed(one.zones, zone) or (one.zones is not None and set(one.zones.tags) & set(tags))
    )
    return msgspec.structs.replace(rules, windows=mine)
