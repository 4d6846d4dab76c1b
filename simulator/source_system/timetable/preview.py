"""The next occurrences of an entry, for people: dates with their weekday, and overlaps.

Uses dateutil in local wall time. A preview only: what plays is decided at the station.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from dateutil.rrule import rruleset, rrulestr

from agent.contract.documents import Entry
from agent.contract.reasons import Lang
from simulator.source_system.timetable.days import WEEKDAYS_EN, WEEKDAYS_VI

HORIZON = dt.timedelta(days=14)
FOR_GOOD = dt.timedelta(days=3_660)
"""What does not come within ten years does not come."""


def occurrences(entry: Entry, after: dt.datetime, before: dt.datetime) -> Iterator[dt.datetime]:
    """Local starts in [after, before)."""
    when = entry.when
    start = dt.datetime.fromisoformat(when.start)
    days = rruleset()
    if when.rrule is None:
        days.rdate(start)
    else:
        days.rrule(rrulestr(when.rrule, dtstart=start))  # type: ignore[arg-type]
    for text in when.dates:
        days.rdate(dt.datetime.fromisoformat(text))
    for text in when.except_:
        days.exdate(dt.datetime.fromisoformat(text))
    last = None if when.until is None else dt.date.fromisoformat(when.until)
    for moment in days.xafter(after, inc=True):
        if moment >= before or (last is not None and moment.date() > last):
            return
        yield moment


def next_starts(entry: Entry, after: dt.datetime, count: int = 3) -> list[dt.datetime]:
    return list(islice(occurrences(entry, after, after + dt.timedelta(days=400)), count))


def is_over(entry: Entry, after: dt.datetime) -> bool:
    """Whether it never starts again from `after` on."""
    return next(occurrences(entry, after, after + FOR_GOOD), None) is None


class AirsAgain(NamedTuple):
    """An entry that was due today before now, and by the new timetable comes once more."""

    entry: Entry
    was: dt.datetime
    again: dt.datetime


def airs_again(
    before: Entry, after: Entry, now: dt.datetime, begin: dt.datetime
) -> list[AirsAgain]:
    """A start is known by its hour: moved to later on its day it is another one, and plays.

    begin: from when the new timetable counts.
    """
    midnight = dt.datetime.combine(now.date(), dt.time())
    tomorrow = midnight + dt.timedelta(days=1)
    old = set(occurrences(before, midnight, tomorrow))
    new = set(occurrences(after, midnight, tomorrow))
    gone = sorted(one for one in old - new if one < now)
    come = sorted(one for one in new - old if one >= max(now, begin))
    return [AirsAgain(after, was, again) for was, again in zip(gone, come, strict=False)]


def shown(moment: dt.datetime, lang: Lang) -> str:
    """`T2 30/11 05:00`, `Mon 30/11 05:00`."""
    names = WEEKDAYS_VI if lang == "vi" else WEEKDAYS_EN
    clock = moment.strftime("%H:%M:%S").removesuffix(":00")
    return f"{names[moment.weekday()]} {moment:%d/%m} {clock}"


def overlaps(entries: Sequence[Entry], first_day: dt.date) -> Iterator[tuple[int, int]]:
    """Pairs of entries (by position) that sound in a common zone at one time.

    Looks at the first two weeks; only entries with a duration, each pair once.
    """
    after = dt.datetime.combine(first_day, dt.time())
    spans = []
    for number, entry in enumerate(entries):
        if entry.duration_ms is None:
            continue
        length = dt.timedelta(milliseconds=entry.duration_ms)
        spans += [
            (start, start + length, number) for start in occurrences(entry, after, after + HORIZON)
        ]
    spans.sort()
    seen: set[tuple[int, int]] = set()
    for at, (_, end, number) in enumerate(spans):
        for other_start, _, other in islice(spans, at + 1, None):
            if other_start >= end:
                break
            pair = (min(number, other), max(number, other))
            if pair not in seen and _share_zone(entries[number], entries[other]):
                seen.add(pair)
                yield pair


def _share_zone(one: Entry, other: Entry) -> bool:
    if one.zones.all or other.zones.all or one.zones.tags or other.zones.tags:
        return True
    return not set(one.zones.names).isdisjoint(other.zones.names)
