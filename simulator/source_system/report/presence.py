"""Who was connected when, and how much data was used: what heartbeats, births and wills tell.

Owns the tables `links`, `heard`, `watched`, `meters` (readings that changed: data, and whether the
mains is measured) and `wired` (which zone hangs on which amplifier), and what follows for a window.
Heartbeats are not kept one by one (a year of 34 stations has 3.6 million): a span grows as long as
the next one comes in time. Instants are the collector's own, so a wrong clock on a box shifts
nothing.

Invariants: connected + lost + unknown is the length of the window; while the collector itself was
not listening nothing is known.
"""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from agent.contract.details import Details
from agent.contract.reports import Health, State

SCHEMA = """
CREATE TABLE IF NOT EXISTS links(
  station TEXT NOT NULL, received_ms INTEGER NOT NULL, state TEXT NOT NULL, birth INTEGER NOT NULL,
  PRIMARY KEY(station, received_ms, state, birth)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS heard(
  station TEXT NOT NULL, from_ms INTEGER NOT NULL, to_ms INTEGER NOT NULL,
  PRIMARY KEY(station, from_ms)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS watched(from_ms INTEGER PRIMARY KEY, to_ms INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS meters(
  station TEXT NOT NULL, name TEXT NOT NULL, received_ms INTEGER NOT NULL, value INTEGER NOT NULL,
  PRIMARY KEY(station, name, received_ms)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS wired(
  station TEXT NOT NULL, zone TEXT NOT NULL, received_ms INTEGER NOT NULL, controller TEXT NOT NULL,
  PRIMARY KEY(station, zone, received_ms)) WITHOUT ROWID;
"""
SILENT_AFTER_MS = 15 * 60_000
"""Three heartbeats that did not come: what was said before no longer counts as connected."""

WATCH_AGAIN_MS = 5 * 60_000
"""The collector writes down that it listens at least this often; a longer hole is a hole."""

DATA_MONTH_MIB = "data_month_mib"
MIB_MAX = 10**9
MAINS_READ = "mains_read"
"""Whether the box says if it has mains; with `:` and a name: whether that amplifier does."""


class Span(NamedTuple):
    """From, to (exclusive), epoch ms."""

    from_ms: int
    to_ms: int

    @property
    def length_ms(self) -> int:
        return self.to_ms - self.from_ms


class Link(NamedTuple):
    """A change that a station or its will told. state: online, leaving, lost."""

    at_ms: int
    state: str


class Reading(NamedTuple):
    """From here on the mains is measured, or is not. controller "": of the box itself."""

    controller: str
    at_ms: int
    measured: bool


class Wire(NamedTuple):
    """From here on the zone hangs on this amplifier."""

    zone: str
    at_ms: int
    controller: str


class Presence(NamedTuple):
    """losses: how often the connection ended; longest_ms: the longest time without it."""

    connected_ms: int
    lost_ms: int
    unknown_ms: int
    losses: int
    longest_ms: int
    lost: tuple[Span, ...]
    unknown: tuple[Span, ...]


class DataUse(NamedTuple):
    """mib: at least this much, counted between the first and the last reading."""

    mib: int
    first_ms: int
    last_ms: int


class PresenceBook:
    """Writes through a connection that its owner opens, begins and commits on."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def prepare(self) -> None:
        self._database.executescript(SCHEMA)

    def said(self, station: str, state: State, received_ms: int) -> None:
        """A birth, a farewell or a will. The broker repeats what it retains: that is no change."""
        last = self._database.execute(
            "SELECT state, birth FROM links WHERE station=? ORDER BY received_ms DESC LIMIT 1",
            (station,),
        ).fetchone()
        if last != (state.state, state.birth):
            self._database.execute(
                "INSERT OR IGNORE INTO links VALUES(?,?,?,?)",
                (station, received_ms, state.state, state.birth),
            )

    def beat(self, station: str, health: Health, received_ms: int) -> None:
        """A heartbeat: the span goes on, or a new one begins; readings when they changed."""
        self._grow("heard", "station=?", (station,), received_ms, SILENT_AFTER_MS)
        used = getattr(health, "dm", None)
        if used is not None:
            self._read(station, DATA_MONTH_MIB, max(0, min(MIB_MAX, used)), received_ms)
        self._read(station, MAINS_READ, int(health.mn is not None), received_ms)

    def detailed(self, station: str, details: Details, received_ms: int) -> None:
        """Which amplifiers tell of their mains, and what hangs on them."""
        for one in details.controllers:
            measured = one.mains is not None and one.state == "ready"
            self._read(station, f"{MAINS_READ}:{one.name}", int(measured), received_ms)
        for zone in details.zones:
            self._wire(station, zone.name, zone.controller, received_ms)

    def _wire(self, station: str, zone: str, controller: str, received_ms: int) -> None:
        last = self._database.execute(
            "SELECT controller FROM wired WHERE station=? AND zone=?"
            " ORDER BY received_ms DESC LIMIT 1",
            (station, zone),
        ).fetchone()
        if last is None or last[0] != controller:
            self._database.execute(
                "INSERT OR REPLACE INTO wired VALUES(?,?,?,?)",
                (station, zone, received_ms, controller),
            )

    def watching(self, now_ms: int) -> None:
        """The collector is connected and subscribed now."""
        self._grow("watched", "1", (), now_ms, WATCH_AGAIN_MS)

    def _grow(
        self, table: str, whose: str, owner: tuple[str, ...], at_ms: int, within_ms: int
    ) -> None:
        last = self._database.execute(
            f"SELECT from_ms, to_ms FROM {table} WHERE {whose} ORDER BY from_ms DESC LIMIT 1",  # noqa: S608
            owner,
        ).fetchone()
        if last is not None and last[0] <= at_ms <= last[1] + within_ms:
            self._database.execute(
                f"UPDATE {table} SET to_ms=MAX(to_ms, ?) WHERE {whose} AND from_ms=?",  # noqa: S608
                (at_ms, *owner, last[0]),
            )
        else:
            marks = ",".join("?" * (len(owner) + 2))
            self._database.execute(
                f"INSERT OR IGNORE INTO {table} VALUES({marks})",
                (*owner, at_ms, at_ms),
            )

    def _read(self, station: str, name: str, value: int, received_ms: int) -> None:
        last = self._database.execute(
            "SELECT value FROM meters WHERE station=? AND name=? ORDER BY received_ms DESC LIMIT 1",
            (station, name),
        ).fetchone()
        if last is None or last[0] != value:
            self._database.execute(
                "INSERT OR REPLACE INTO meters VALUES(?,?,?,?)", (station, name, received_ms, value)
            )


# --- what follows for a window --------------------------------------------------------------


def presence(
    window: Span,
    watched: Iterable[Span],
    heard: Sequence[Span],
    links: Sequence[Link],
    known_from_ms: int | None,
) -> Presence:
    """known_from_ms: since when the station belongs to the district; before it: unknown."""
    since_ms = window.to_ms if known_from_ms is None else known_from_ms
    inside = Span(max(window.from_ms, since_ms), window.to_ms)
    known = overlap(merged(watched), [inside])
    up = overlap(connected_spans(heard, links), known)
    down = without(known, up)
    unknown = without([window], known)
    return Presence(
        connected_ms=total(up),
        lost_ms=total(down),
        unknown_ms=total(unknown),
        losses=len(down),
        longest_ms=max((one.length_ms for one in down), default=0),
        lost=tuple(down),
        unknown=tuple(unknown),
    )


def connected_of(window: Span, known: Presence) -> list[Span]:
    """What of the window is neither lost nor unknown."""
    return without([window], [*known.lost, *known.unknown])


def connected_spans(heard: Sequence[Span], links: Sequence[Link]) -> list[Span]:
    """From a sign of life to the next farewell or will, or to the last sign before a silence."""
    births = sorted(one.at_ms for one in links if one.state == "online")
    ends = sorted(one.at_ms for one in links if one.state != "online")
    signs = [Span(at_ms, at_ms) for at_ms in births]
    for span in heard:
        signs += _cut(span, births, ends)
    return _bridged(sorted(signs), ends)


def _cut(span: Span, births: Sequence[int], ends: Sequence[int]) -> list[Span]:
    """A span of heartbeats in which the connection ended and came back."""
    pieces = []
    from_ms = span.from_ms
    for end_ms in ends:
        if from_ms <= end_ms < span.to_ms:
            pieces.append(Span(from_ms, end_ms))
            from_ms = next((one for one in births if end_ms < one <= span.to_ms), span.to_ms)
    return [*pieces, Span(from_ms, span.to_ms)]


def _bridged(signs: list[Span], ends: Sequence[int]) -> list[Span]:
    """Signs of life in time of each other are one connection, unless it was ended between."""
    found: list[Span] = []
    goes_on = False
    for sign, after in itertools.zip_longest(signs, signs[1:]):
        if goes_on:
            sign = Span(found[-1].from_ms, max(found.pop().to_ms, sign.to_ms))
        patient_ms = sign.to_ms + SILENT_AFTER_MS
        until_ms = patient_ms if after is None else min(patient_ms, after.from_ms)
        end_ms = next((one for one in ends if sign.to_ms <= one <= until_ms), None)
        found.append(Span(sign.from_ms, sign.to_ms if end_ms is None else end_ms))
        goes_on = end_ms is None and after is not None and after.from_ms <= patient_ms
    return [one for one in found if one.length_ms > 0]


def merged(spans: Iterable[Span]) -> list[Span]:
    found: list[Span] = []
    for span in sorted(spans):
        if found and span.from_ms <= found[-1].to_ms:
            found[-1] = Span(found[-1].from_ms, max(found[-1].to_ms, span.to_ms))
        elif span.length_ms > 0:
            found.append(span)
    return found


def overlap(one: Iterable[Span], other: Iterable[Span]) -> list[Span]:
    """What lies in both."""
    left, right = merged(one), merged(other)
    found: list[Span] = []
    at = 0
    for span in left:
        while at < len(right) and right[at].to_ms <= span.from_ms:
            at += 1
        place = at
        while place < len(right) and right[place].from_ms < span.to_ms:
            from_ms = max(span.from_ms, right[place].from_ms)
            found.append(Span(from_ms, min(span.to_ms, right[place].to_ms)))
            place += 1
    return merged(found)


def without(one: Iterable[Span], other: Iterable[Span]) -> list[Span]:
    """What lies in the first and not in the second."""
    found: list[Span] = []
    taken = merged(other)
    for span in merged(one):
        from_ms = span.from_ms
        for hole in taken:
            if hole.to_ms <= from_ms or hole.from_ms >= span.to_ms:
                continue
            if hole.from_ms > from_ms:
                found.append(Span(from_ms, hole.from_ms))
            from_ms = max(from_ms, hole.to_ms)
        if from_ms < span.to_ms:
            found.append(Span(from_ms, span.to_ms))
    return found


def total(spans: Iterable[Span]) -> int:
    return sum(one.length_ms for one in spans)


def data_used(window: Span, readings: Sequence[tuple[int, int]]) -> DataUse | None:
    """From (instant, counter) in order; the counter begins anew each month. None: not known.

    The last reading before the window is where counting starts; without one it starts at the
    first inside, so the use before that is not in the sum.
    """
    before = [one for one in readings if one[0] < window.from_ms][-1:]
    inside = [one for one in readings if window.from_ms <= one[0] < window.to_ms]
    if not inside:
        return None
    counted = [*before, *inside]
    mib = sum(
        after - held if after >= held else after
        for (_, held), (_, after) in itertools.pairwise(counted)
    )
    return DataUse(mib, counted[0][0], counted[-1][0])
