"""Brings together what a report says: the records, the registry, the district's own ledger.

Owns the order of asking and nothing else; counting is `figures`', `emergencies`' and `episodes`'.
Every station of the registry and every one that ever said something is in the report, also when
there is nothing about it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType

from agent.contract.chain import BEGIN, stated_link
from agent.contract.envelope import VerifySignature
from simulator.source_system.accepted_keys import Accepted, trusted
from simulator.source_system.report.emergencies import Arrival, Issued, arrivals, warning_id
from simulator.source_system.report.episodes import Episode, episodes
from simulator.source_system.report.figures import (
    EMERGENCY,
    Counted,
    DayCount,
    Occurrences,
    Tally,
    joined,
    tally,
)
from simulator.source_system.report.mains import Mains, of_station
from simulator.source_system.report.presence import (
    DataUse,
    Link,
    Presence,
    Span,
    connected_of,
    data_used,
    presence,
)
from simulator.source_system.report.punctuality import Starts, joined_starts
from simulator.source_system.report.ranges import (
    ChainFound,
    Range,
    follow,
)
from simulator.source_system.report.reading import Records, Short
from simulator.source_system.report.registry import By, Registry, Slice, Unit, slices
from simulator.source_system.report.window import Window, day_of
from simulator.source_system.witness import FIRST_CONTACT

Say = Callable[[str], None]
CheckAll = Callable[[Sequence[Range]], Callable[[], list[ChainFound]]]
"""Begins with some ranges; what it gives waits for what was found, in the same order."""


@dataclass(frozen=True)
class Part:
    """One station as one unit: everything counted of it."""

    slice: Slice
    rows: list[Counted]
    occurrences: Occurrences
    days: list[DayCount]
    arrivals: list[Arrival]
    episodes: list[Episode]
    presence: Presence
    births: int
    data: DataUse | None
    starts: Starts
    mains: list[Mains]
    short: list[Short]

    @property
    def zones(self) -> list[str]:
        return sorted({one.zone for one in self.rows})

    @cached_property
    def by_zone(self) -> dict[str, Tally]:
        """The timetable in each zone, also in those that heard only warnings."""
        found = {zone: Tally() for zone in self.zones}
        for one in self.rows:
            if one.label.klass != EMERGENCY:
                found[one.zone].add(one)
        return found

    @cached_property
    def timetable(self) -> Tally:
        return tally(one for one in self.rows if one.label.klass != EMERGENCY)


@dataclass(frozen=True)
class Report:
    """All that the files are written from. made_ms: when; what lies after it is not yet known."""

    window: Window
    by: By
    made_ms: int
    district: str
    parts: list[Part]
    ranges: dict[str, list[Range]]
    registry: Registry
    has_ledger: bool
    counters: Mapping[str, int] = field(default_factory=dict)
    checked: bool = False
    anew: bool = False
    """Whether the columns were made from the raw records for this report."""

    @property
    def unfinished(self) -> bool:
        return self.made_ms < self.window.span.to_ms

    @property
    def until_ms(self) -> int:
        """The end of what can be known."""
        return min(self.made_ms, self.window.span.to_ms)

    @property
    def today(self) -> dt.date:
        return day_of(self.made_ms, self.window.tz)

    @property
    def as_of(self) -> dt.date:
        """The day whose hamlets, boards and assets are told: the last of the window, or today."""
        return self.today if self.by == "new" else min(self.today, self.window.last)

    @cached_property
    def timetable(self) -> Tally:
        return joined(part.timetable for part in self.parts)

    @cached_property
    def starts(self) -> Starts:
        return joined_starts(part.starts for part in self.parts)

    @property
    def says_nothing(self) -> bool:
        """No station told anything: nothing is not zero."""
        return len(self.silent_stations) == len(self.ranges)

    @property
    def emergencies(self) -> list[Arrival]:
        """Without drills."""
        return [one for part in self.parts for one in part.arrivals if not one.drill]

    @property
    def drills(self) -> list[Arrival]:
        return [one for part in self.parts for one in part.arrivals if one.drill]

    @property
    def silent_stations(self) -> list[str]:
        """Stations without a single record in the window."""
        return [
            station
            for station, found in self.ranges.items()
            if not any(one.records for one in found)
        ]


@dataclass(frozen=True, slots=True)
class Sources:
    """What is asked. known_from_ms: station → since when it is enrolled, where that is known."""

    records: Records
    registry: Registry
    stations: Mapping[str, str] = field(default_factory=dict)
    known_from_ms: Mapping[str, int] = field(default_factory=dict)
    issued: Mapping[str, Issued] = field(default_factory=dict)
    has_ledger: bool = False
    district: str = ""


def gather(
    sources: Sources,
    window: Window,
    by: By,
    made_ms: int,
    *,
    check: CheckAll | None = None,
    anew: bool = False,
    say: Say = lambda _: None,
) -> Report:
    """check: follows the chains of all ranges, beside what is counted here; None: they are not
    checked, and the report says so."""
    records, registry = sources.records, _named(sources)
    stations = sorted({*records.stations(), *(one.station for one in registry.units)})
    today = day_of(made_ms, window.tz)
    watched = records.watched()
    parts = []
    ranges = {station: records.ranges(station, window.span) for station in stations}
    everything = [one for found in ranges.values() for one in found]
    collect = None if check is None else check(everything)
    parts_of = slices(registry, stations, window, by, today)
    for station in stations:
        say(station)
        own = [one for one in parts_of if one.unit.station == station]
        parts += [_part(sources, one, watched, window, made_ms) for one in own]
    if collect is not None:
        for one, chain in zip(everything, collect(), strict=True):
            one.chain = chain
    return Report(
        window=window,
        by=by,
        made_ms=made_ms,
        district=sources.district,
        parts=parts,
        ranges=ranges,
        registry=registry,
        has_ledger=sources.has_ledger,
        counters=records.counters(),
        checked=check is not None,
        anew=anew,
    )


def _named(sources: Sources) -> Registry:
    """A station that the registry does not name has its name from the district."""
    named = {one.station for one in sources.registry.units}
    more = tuple(
        Unit(station, name) for station, name in sources.stations.items() if station not in named
    )
    return replace(sources.registry, units=sources.registry.units + more)


def _part(
    sources: Sources, one: Slice, watched: Sequence[Span], window: Window, made_ms: int
) -> Part:
    records, station, span = sources.records, one.unit.station, one.span
    so_far = Span(span.from_ms, max(span.from_ms, min(span.to_ms, made_ms)))
    offset_ms = _offset_ms(window, span)
    links, heard = records.links(station), records.heard(station)
    rows = records.counted(station, span)
    faults = episodes(records.alarms(station, span), span, records.replaced(station))
    known = presence(so_far, watched, heard, links, _known_from(sources, station, heard, links))
    return Part(
        slice=one,
        rows=rows,
        occurrences=records.occurrences(station, span),
        days=records.days(station, span, offset_ms),
        arrivals=arrivals(
            records.emergency_plays(station, span), records.notices(station, span), sources.issued
        ),
        episodes=faults,
        presence=known,
        births=records.births(station, span),
        data=data_used(so_far, records.data_readings(station)),
        starts=records.starts(station, span),
        mains=of_station(
            so_far,
            connected_of(so_far, known),
            records.mains_readings(station),
            records.wires(station),
            {one.zone for one in rows},
            faults,
        ),
        short=list(records.short(station, span)),
    )


def _known_from(
    sources: Sources, station: str, heard: Sequence[Span], links: Sequence[Link]
) -> int | None:
    """Enrolled, or seen for the first time."""
    enrolled = sources.known_from_ms.get(station)
    moments = [one.from_ms for one in heard[:1]] + [one.at_ms for one in links[:1]]
    return min([*moments, *([enrolled] if enrolled else [])], default=None)


def _offset_ms(window: Window, span: Span) -> int:
    """Local time less UTC; the days of a window are alike here, or they could not be counted."""
    offsets = {
        dt.datetime.fromtimestamp(at_ms / 1000, window.tz).utcoffset()
        for at_ms in (span.from_ms, span.to_ms - 1)
    }
    if len(offsets) != 1:
        raise ValueError(
            f"the clock of {window.tz} changes between {window.first} and {window.last}"
        )
    offset = offsets.pop()
    return 0 if offset is None else round(offset.total_seconds() * 1000)


def emergency_tallies(rows: Sequence[Counted], issued: Mapping[str, Issued]) -> tuple[Tally, Tally]:
    """(real, drill) plays of warnings."""
    drills = {name for name, one in issued.items() if one.drill}
    mine = [one for one in rows if one.label.klass == EMERGENCY]
    real = tally(one for one in mine if warning_id(one.label.entry) not in drills)
    return real, tally(one for one in mine if warning_id(one.label.entry) in drills)


# --- the chain ------------------------------------------------------------------------------

Checker = Callable[[Records, Range], ChainFound]


def here(records: Records, check: Checker) -> CheckAll:
    """One after the other, in this process, when the result is wanted."""
    return lambda ranges: lambda: [check(records, one) for one in ranges]


SIGNED_WITHIN = 4_000
"""Records after the range in which the signature for its end is looked for."""


def chain_checker(
    records: Records, verify: VerifySignature, accepted: Accepted = MappingProxyType({})
) -> Checker:
    """Follows a range from the record before it to the first signature after it, and holds what is
    counted against the records.

    Whose key counts is what people accepted, as `districtctl records keys` shows it.
    """
    keys = {(one.station, one.public): one for one in trusted(records.keys(), accepted)}
    first_seen = {
        (key.station, key.fingerprint) for key in keys.values() if key.accepted_by == FIRST_CONTACT
    }

    def is_key(station: str, public: str) -> bool:
        key = keys.get((station, public))
        return key is not None and key.accepted_ms is not None

    def check(records: Records, found: Range) -> ChainFound:
        first, last, stream = found.first_seq, found.last_seq, found.stream
        stored = records.stored
        agreement = stored.agreement(stream, found.span)
        signed = stored.next_checkpoint(stream, last + 1, SIGNED_WITHIN) if first else None
        for seq in found.neighbours:
            if not first <= seq <= (signed or last):
                agreement.look(stored.raw(stream, seq, seq))
        if not first:
            chain = ChainFound()
        else:
            before = BEGIN
            if first > 1:
                stated = [stated_link(one[3]) for one in stored.raw(stream, first - 1, first - 1)]
                before = stated[0].hex() if stated else ""
            rows = agreement.passing(stored.raw(stream, first, signed or last))
            chain = follow(stream, rows, before, verify, is_key)
        wrong = agreement.ended()
        chain.misplaced, chain.changed = sorted({*wrong.misplaced}), wrong.rows
        chain.first_seen = {one for one in chain.keys if (stream.station, one) in first_seen}
        return chain

    return check
