"""What the judges keep of each station, and the small questions they all ask."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NoReturn

from agent.contract.documents import Entry, Schedule
from agent.contract.reports import AlarmEvent, AsRun
from agent.core.site import Site
from simulator.world.box import Box
from simulator.world.office import Office
from simulator.world.sound import Played
from simulator.world.timetable import selects
from simulator.world.trace import Trace

MINUTE_MS = 60_000
HOUR_MS = 3_600_000

Label = tuple[str, str, str]
"""(audience, entry, local date)."""


class Violation(Exception):  # noqa: N818 - the invariant's own word
    """An invariant does not hold."""

    def __init__(self, invariant: int, station: str, what: str) -> None:
        super().__init__(f"invariant {invariant}, {station}: {what}")
        self.invariant = invariant
        self.station = station
        self.what = what


@dataclass(slots=True)
class Seen:
    """A warning as one station took it up, in true time."""

    received_ms: int
    until_ms: int
    length_ms: int
    zones: frozenset[str]
    repeat_ms: int
    judged: bool = False


@dataclass(slots=True)
class File:
    """What the judge keeps of one station."""

    held: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    """audience → (since, revision) of timetables, in true time."""
    documents: dict[tuple[str, str, str], int] = field(default_factory=dict)
    plays: dict[Label, list[Played]] = field(default_factory=dict)
    outcomes: dict[tuple[str, str, str, str], AsRun] = field(default_factory=dict)
    """(audience, entry, nominal, zone) → the outcome that reached the collector."""
    warnings: dict[tuple[str, str, int], Seen] = field(default_factory=dict)
    warned: dict[tuple[str, str, int], list[Played]] = field(default_factory=dict)
    troubles: list[tuple[int, int]] = field(default_factory=list)
    """Stretches in which a warning may be late, in true time."""
    clock_troubles: list[tuple[int, int]] = field(default_factory=list)
    stalls: list[tuple[int, int]] = field(default_factory=list)
    full: list[tuple[int, int]] = field(default_factory=list)
    """Stretches without room on the card, in true time."""
    alarms: dict[tuple[str, str], dict[int, AlarmEvent]] = field(default_factory=dict)
    """(code, subject) → record number → what reached the collector."""
    quiet: list[tuple[int, frozenset[str], int]] = field(default_factory=list)
    """(asked for in true time, zones, until when by the wall)"""
    approved: dict[str, list[tuple[int, bool]]] = field(default_factory=dict)
    """entry → (true time, yes or no) of the commune's words about it."""
    second: int = 0
    in_second: int = 0


@dataclass(slots=True)
class Case:
    """What all judges of one world share. wall = true time + wall0."""

    office: Office
    trace: Trace
    wall0_ms: int
    progress_ms: int
    files: dict[str, File] = field(default_factory=dict)
    boxes: dict[str, Box] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    replayed: set[str] = field(default_factory=set)
    """Entries that somebody asked to hear once more."""
    placed: set[str] = field(default_factory=set)
    """Entries that a commune moved to another hour of their day."""
    asks: bool = False
    """The commune wants to be asked: until the end of its day an occurrence may be undecided."""
    announced: set[str] = field(default_factory=set)
    """Speech that somebody asked for at the station itself."""

    def file(self, box: Box) -> File:
        return self.files[box.site.station]

    def count(self, what: str) -> None:
        self.counts[what] = self.counts.get(what, 0) + 1

    def fail(self, invariant: int, box: Box, what: str) -> NoReturn:
        raise Violation(invariant, box.site.station, what)

    def versions(self, audience: str, entry_id: str) -> Iterator[Entry]:
        """Every version of an entry that was ever signed, newest first."""
        for schedule in reversed(self.office.desks[audience].schedules):
            yield from (entry for entry in schedule.entries if entry.id == entry_id)


def near(spans: list[tuple[int, int]], at_ms: int, margin_ms: int) -> bool:
    return any(low - margin_ms <= at_ms <= high + margin_ms for low, high in spans)


def entries_of(schedules: list[Schedule], revision: int) -> tuple[Entry, ...]:
    """Nothing for revision 0: none was held."""
    return schedules[revision - 1].entries if revision else ()


def zones_of(site: Site, entry: Entry) -> frozenset[str]:
    return frozenset(zone.name for zone in site.zones if selects(entry.zones, zone.name, zone.tags))


def length(played: Played, now_ms: int) -> int:
    return (played.ended_ms if played.ended_ms is not None else now_ms) - played.begins_ms


def complete(played: Played, now_ms: int) -> bool:
    """Whether (nearly) all of it left the card."""
    return length(played, now_ms) >= sum(length for _, _, length in played.parts) - 200


def whole(played: Played, zone: str, but_ms: int = 0) -> bool:
    """Whether the zone heard (nearly) all the words of it; of a siren alone, all of that."""
    lengths = [(source, length) for source, _, length in played.parts]
    siren_ms = sum(length for source, length in lengths if source.startswith("tone:"))
    words_ms = sum(length for _, length in lengths) - siren_ms
    words_from_ms = played.begins_ms + (siren_ms if words_ms else 0)
    heard_ms = sum(
        max(0, one.to_ms - max(one.from_ms, words_from_ms))
        for one in played.stretches
        if zone in one.zones
    )
    return heard_ms + but_ms >= (words_ms or siren_ms) - 700


def quiet_stretch(from_ms: int, to_ms: int, troubles: list[tuple[int, int]]) -> int:
    """The longest time without trouble between the two instants."""
    best_ms, at_ms = 0, from_ms
    for low_ms, high_ms in sorted(troubles):
        if high_ms < at_ms:
            continue
        if low_ms > to_ms:
            break
        best_ms = max(best_ms, min(low_ms, to_ms) - at_ms)
        at_ms = max(at_ms, high_ms)
    return max(best_ms, to_ms - at_ms)


def common(spans: list[list[tuple[int, int]]]) -> list[tuple[int, int]]:
    """The stretches that are in every one of the lists."""
    if not spans:
        return []
    found = spans[0]
    for other in spans[1:]:
        found = [
            (max(low, from_ms), min(high, to_ms))
            for low, high in found
            for from_ms, to_ms in other
            if max(low, from_ms) < min(high, to_ms)
        ]
    return found
