"""Which slots a timetable will want in the coming days that nobody has filled yet. Pure.

Looks slots up as stations do: a dated slot by its exact date, an undated one without, among
everything their authority bound for any audience they belong to.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from agent.contract.documents import Entry, FileSource
from agent.core.versions import all_sources
from simulator.source_system.timetable.preview import occurrences

AHEAD = dt.timedelta(days=3)
"""As far as stations fetch ahead."""

Bound = frozenset[tuple[str, str | None]]
"""(slot, date) pairs; date None: every day."""


class EmptySlot(NamedTuple):
    """dates: ISO, empty for a slot without dates. stations: names of those it is missing at."""

    slot: str
    dates: tuple[str, ...]
    stations: tuple[str, ...]


def files_of(entry: Entry) -> list[FileSource]:
    sources = (*all_sources(entry), entry.chime)
    return [one for one in sources if isinstance(one, FileSource)]


def empty_slots(
    entries: Sequence[Entry], bound: Mapping[str, Bound], first: dt.datetime
) -> tuple[EmptySlot, ...]:
    """What is wanted within `AHEAD` from `first` (local) and bound nowhere.

    bound: station name → what is bound for it.
    """
    wanted: dict[str, set[str | None]] = {}
    for entry in entries:
        files = files_of(entry)
        if not files:
            continue
        days = {one.date().isoformat() for one in occurrences(entry, first, first + AHEAD)}
        for file in files if days else ():
            wanted.setdefault(file.slot, set()).update(days if file.dated else {None})
    found = []
    for slot, dates in sorted(wanted.items()):
        missing = {
            station: {date for date in dates if (slot, date) not in held}
            for station, held in bound.items()
        }
        stations = tuple(station for station, lacking in missing.items() if lacking)
        if stations:
            lacking = set[str | None]().union(*missing.values())
            found.append(EmptySlot(slot, tuple(sorted(filter(None, lacking))), stations))
    return tuple(found)
