"""Warnings as they reached the stations: when received, when first heard, in how many zones.

Pure. The time to sound runs from the station's receipt to the first sound that left its card, both
by the station's clock; from the issue only where the district's ledger knows it. A drill is
counted apart when the ledger says that it was one; without the ledger nobody knows.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from simulator.source_system.report.figures import Result, result_of

_ENTRY = re.compile(r"w-(.+)-(\d+)")


class Issued(NamedTuple):
    """What the district's ledger knows of a warning."""

    issued_ms: int
    drill: bool
    title: str


class Heard(NamedTuple):
    """One play of a warning in one zone."""

    station: str
    entry: str
    title: str
    planned_ms: int
    zone: str
    outcome: str
    reason: str
    confirmed: str
    first_ms: int | None
    played_ms: int
    heard_ms: int
    broke: tuple[str, ...] | None


class Noticed(NamedTuple):
    """What a station said about a warning. state: received, sounded, cancelled, expired."""

    station: str
    id: str
    at_ms: int
    state: str


@dataclass(slots=True)
class Arrival:
    """One warning at one station. zones: the best that was achieved in each.

    drill None: nobody knows.
    """

    station: str
    id: str
    title: str
    drill: bool | None
    issued_ms: int | None
    received_ms: int | None = None
    first_ms: int | None = None
    plays: int = 0
    played_ms: int = 0
    zones: dict[str, str] = field(default_factory=dict)
    broke: set[str] | None = None
    """None: its software did not record it, or nothing sounded."""

    @property
    def sound_ms(self) -> int | None:
        """From receipt to first sound; None: no sound, or no receipt on record."""
        if self.first_ms is None or self.received_ms is None:
            return None
        return max(0, self.first_ms - self.received_ms)

    @property
    def issue_to_sound_ms(self) -> int | None:
        if self.first_ms is None or self.issued_ms is None:
            return None
        return max(0, self.first_ms - self.issued_ms)

    def count(self, state: str) -> int:
        return sum(one == state for one in self.zones.values())


HEARD, UNMEASURED, SILENT = "heard", "unmeasured", "silent"
_BETTER = {SILENT: 0, UNMEASURED: 1, HEARD: 2}


def warning_id(entry: str) -> str:
    """`w-kc-0123-2` → `kc-0123`; anything else is its own id."""
    found = _ENTRY.fullmatch(entry)
    return found[1] if found else entry


def arrivals(
    plays: Iterable[Heard], notices: Iterable[Noticed], issued: Mapping[str, Issued]
) -> list[Arrival]:
    """In the order in which they reached stations."""
    found: dict[tuple[str, str], Arrival] = {}

    def of(station: str, name: str, title: str) -> Arrival:
        known = issued.get(name)
        if (station, name) not in found:
            found[station, name] = Arrival(
                station,
                name,
                title or (known.title if known else ""),
                known.drill if known else None,
                known.issued_ms if known else None,
            )
        arrival = found[station, name]
        arrival.title = arrival.title or title
        return arrival

    for notice in notices:
        arrival = of(notice.station, notice.id, "")
        if notice.state == "received":
            arrival.received_ms = min(notice.at_ms, arrival.received_ms or notice.at_ms)
    moments: dict[tuple[str, str], set[int]] = {}
    for play in plays:
        name = warning_id(play.entry)
        arrival = of(play.station, name, play.title)
        _add(arrival, play)
        if play.first_ms is not None:
            moments.setdefault((play.station, name), set()).add(play.planned_ms)
    for key, arrival in found.items():
        arrival.plays = len(moments.get(key, ()))
    return sorted(found.values(), key=_when)


def _when(one: Arrival) -> tuple[int, str, str]:
    moments = (one.received_ms, one.first_ms, one.issued_ms)
    return min((at for at in moments if at is not None), default=0), one.id, one.station


def _add(arrival: Arrival, play: Heard) -> None:
    if play.first_ms is not None:
        arrival.first_ms = min(play.first_ms, arrival.first_ms or play.first_ms)
    arrival.played_ms += play.played_ms
    if play.first_ms is not None and play.broke is not None:
        arrival.broke = (arrival.broke or set()) | set(play.broke)
    state = _state(result_of(play.outcome, play.confirmed), play)
    held = arrival.zones.get(play.zone, SILENT)
    arrival.zones[play.zone] = state if _BETTER[state] > _BETTER[held] else held


def _state(result: Result, play: Heard) -> str:
    if result in ("missed", "mute") or play.first_ms is None:
        return SILENT
    return HEARD if play.confirmed == "yes" or play.heard_ms else UNMEASURED


class Speed(NamedTuple):
    """Times to first sound over (warning, station). silent: warnings that never sounded there."""

    sounded: int
    median_ms: float | None
    worst_ms: int | None
    silent: int


def speed(found: Sequence[Arrival]) -> Speed:
    times = [one.sound_ms for one in found if one.sound_ms is not None]
    return Speed(
        len(times),
        statistics.median(times) if times else None,
        max(times, default=None),
        sum(one.first_ms is None for one in found),
    )
