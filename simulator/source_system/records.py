"""Are the stored records whole? Walks the raw bytes again, for a station and a time or all of it.

Owns the choice of what to walk: a time is widened to the checkpoints around it, so that the
station's signature stands for what lies between. Reads only; trusts no column but the keys that
people accepted, and changes nothing. What a station said at its births to have written and never
delivered is missing at the end, and so is what the collector once had; what is missing next to
the time that is asked for is told, because it may be of it. Used by `districtctl records`, extracts
and reports.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import msgspec

from agent.contract.reports import Event
from agent.core.reporter import STREAM
from simulator.source_system.accepted_keys import Accepted, trusted
from simulator.source_system.chain_check import Finding, FindingKind, Head, Place, Row, Run, Walk
from simulator.source_system.keyring import verify_signature
from simulator.source_system.witness import (
    Found,
    StationKey,
    findings,
    station_keys,
    stored_rows,
)

BUSY_TIMEOUT_S = 10.0
PIECE = 20_000
"""Records in memory at a time."""


@dataclass(frozen=True)
class StreamCheck:
    """What was walked of one stream and what came of it.

    from_seq, to_seq: the records that were walked, 0 for none. written_off: ranges that the
    station itself no longer has. keys: those the station ever showed. signers: those whose
    signatures are among the records.
    """

    place: Place
    from_seq: int
    to_seq: int
    from_ms: int
    to_ms: int
    records: int
    checkpoints: int
    runs: tuple[Run, ...]
    findings: tuple[Finding, ...]
    written_off: tuple[tuple[int, int], ...] = ()
    keys: tuple[StationKey, ...] = ()
    signers: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        return not self.findings

    @property
    def signed(self) -> Run | None:
        """The run with the newest record that a signature stands for."""
        return next((run for run in reversed(self.runs) if run.signed_through), None)

    @property
    def unsigned(self) -> int:
        """Records at the end that nobody has signed yet."""
        if not self.runs:
            return 0
        last = self.runs[-1]
        return last.to_seq - max(last.signed_through, last.from_seq - 1)

    def proves(self, seq: int) -> bool:
        return any(run.proves(seq) for run in self.runs)


class Records:
    """Opens the collector's file per call, for reading only; works while the collector writes."""

    def __init__(self, path: Path, accepted: Accepted = MappingProxyType({})) -> None:
        """accepted: the keys that people accepted; the database's own word is not enough."""
        self._path = path
        self._accepted = accepted

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection | None]:
        if not self._path.exists():
            yield None
            return
        database = sqlite3.connect(f"file:{self._path}?mode=ro", uri=True, timeout=BUSY_TIMEOUT_S)
        try:
            # A file that no collector of this version has opened yet has no such table.
            known = {row[0] for row in database.execute("SELECT name FROM sqlite_master")}
            yield database if "station_keys" in known else None
        finally:
            database.close()

    def keys(self, station: str | None = None) -> list[StationKey]:
        with self._open() as database:
            return [] if database is None else self._keys(database, station)

    def _keys(self, database: sqlite3.Connection, station: str | None) -> list[StationKey]:
        accepted = {
            one: keys for one, keys in self._accepted.items() if station is None or one == station
        }
        return trusted(station_keys(database, station), accepted)

    def found_on_arrival(self, station: str | None = None) -> list[Found]:
        with self._open() as database:
            return [] if database is None else findings(database, station)

    def check(
        self, station: str | None = None, from_ms: int | None = None, to_ms: int | None = None
    ) -> list[StreamCheck]:
        """Every stream with records of that time; without a time every stream, to its end."""
        with self._open() as database:
            if database is None:
                return []
            places = [
                Place(*row)
                for row in database.execute(
                    "SELECT station, installation, stream FROM streams"
                    " WHERE ?1 IS NULL OR station=?1"
                    " UNION SELECT station, installation, ?2 FROM births"
                    " WHERE ?1 IS NULL OR station=?1 ORDER BY 1, 2, 3",
                    (station, STREAM),
                )
            ]
            checks = [
                _check(database, place, from_ms, to_ms, self._keys(database, place.station))
                for place in places
            ]
            return [one for one in checks if one is not None]

    def events(self, station: str, kinds: Sequence[str], since_ms: int = 0) -> list[Event]:
        """Readable records of these kinds, in the order they happened; `check` finds the others."""
        marks = ",".join("?" * len(kinds))
        query = (
            "SELECT raw FROM events WHERE station=? AND at_ms>=?"  # noqa: S608 - only marks
            f" AND kind IN ({marks}) ORDER BY at_ms, seq"
        )
        with self._open() as database:
            rows = [] if database is None else database.execute(query, (station, since_ms, *kinds))
            return [event for (raw,) in rows if (event := read_event(raw)) is not None]

    def newest_ms(self, station: str) -> int | None:
        """When the newest record of a station was written."""
        query = "SELECT MAX(at_ms) FROM events WHERE station=?"
        with self._open() as database:
            found = None if database is None else database.execute(query, (station,)).fetchone()[0]
        return found if isinstance(found, int) else None

    def rows(self, place: Place, from_seq: int, to_seq: int) -> Sequence[Row]:
        """The raw records, both ends included."""
        with self._open() as database:
            return [] if database is None else stored_rows(database, place, from_seq, to_seq)


def read_event(raw: object) -> Event | None:
    """None for what is no record."""
    try:
        return msgspec.json.decode(raw, type=Event) if isinstance(raw, bytes) else None
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _check(
    database: sqlite3.Connection,
    place: Place,
    from_ms: int | None,
    to_ms: int | None,
    keys: Sequence[StationKey],
) -> StreamCheck | None:
    whole = from_ms is None and to_ms is None
    span = _everything(database, place) if whole else _around(database, place, from_ms, to_ms)
    undelivered = _undelivered(database, place, from_ms, to_ms)
    if span is None and undelivered is None:
        return None
    first, last = span or (1, 0)
    accepted = {key.public for key in keys if key.accepted_ms is not None}
    head = Head() if first <= 1 else Head(seq=first - 1, chain="", begun=False)
    walk = Walk(place, verify_signature, accepted.__contains__, head)
    for at in range(first, last + 1, PIECE):
        walk.take_all(stored_rows(database, place, at, min(last, at + PIECE - 1)))
    walk.ended(last)
    if undelivered is not None:
        walk.findings.append(undelivered)
    lost = database.execute(
        "SELECT from_seq, to_seq FROM lost WHERE station=? AND installation=? AND stream=?"
        " AND to_seq>=? AND from_seq<=? ORDER BY from_seq",
        (*place, first, last),
    )
    return StreamCheck(
        place=place,
        from_seq=walk.runs[0].from_seq if walk.runs else 0,
        to_seq=walk.runs[-1].to_seq if walk.runs else 0,
        from_ms=walk.runs[0].from_ms if walk.runs else 0,
        to_ms=walk.runs[-1].to_ms if walk.runs else 0,
        records=walk.records,
        checkpoints=walk.checkpoints,
        runs=tuple(walk.runs),
        findings=tuple(walk.findings),
        written_off=tuple(lost.fetchall()),
        keys=tuple(keys),
        signers=tuple(sorted(walk.signers)),
    )


def _undelivered(
    database: sqlite3.Connection, place: Place, from_ms: int | None, to_ms: int | None
) -> Finding | None:
    """What the station claims beyond the last number the collector ever had.

    It was written after the newest record that is here, and before the claim; None when it cannot
    be of the time that is asked for.
    """
    # A file that no collector of this version has opened yet has no such table.
    if not database.execute("SELECT 1 FROM sqlite_master WHERE name='claimed'").fetchone():
        return None
    row = database.execute(
        "SELECT seq, told_ms FROM claimed WHERE station=? AND installation=? AND stream=?", place
    ).fetchone()
    if row is None or (from_ms is not None and row[1] < from_ms):
        return None
    _, last = _everything(database, place) or (1, 0)
    newest = database.execute(
        "SELECT at_ms FROM events WHERE station=? AND installation=? AND stream=?"
        " ORDER BY seq DESC LIMIT 1",
        place,
    ).fetchone()
    if row[0] <= last or (to_ms is not None and newest is not None and newest[0] >= to_ms):
        return None
    return Finding(kind=FindingKind.UNDELIVERED, seq=last + 1, to_seq=row[0])


def _everything(database: sqlite3.Connection, place: Place) -> tuple[int, int] | None:
    """From the first number to the last the collector ever had."""
    held = database.execute(
        "SELECT MAX(seq) FROM events WHERE station=? AND installation=? AND stream=?", place
    ).fetchone()[0]
    through = database.execute(
        "SELECT MAX(through) FROM streams WHERE station=? AND installation=? AND stream=?", place
    ).fetchone()[0]
    last = max(held or 0, through or 0)
    return (1, last) if last else None


def _around(
    database: sqlite3.Connection, place: Place, from_ms: int | None, to_ms: int | None
) -> tuple[int, int] | None:
    """From the checkpoint before the time to the one after it, as far as there are any."""
    first_ms = from_ms if from_ms is not None else 0
    end_ms = to_ms if to_ms is not None else 2**62

    def number(which: str, where: str, *values: int) -> int | None:
        row = database.execute(
            f"SELECT {which}(seq) FROM events"  # noqa: S608 - ours
            f" WHERE station=? AND installation=? AND stream=? AND {where}",
            (*place, *values),
        ).fetchone()
        return None if row[0] is None else int(row[0])

    low = number("MIN", "at_ms>=? AND at_ms<?", first_ms, end_ms)
    high = number("MAX", "at_ms>=? AND at_ms<?", first_ms, end_ms)
    everything = _everything(database, place)
    if everything is None:
        return None
    if low is None or high is None:
        # Nothing of that time is here; it may be missing between the records around it.
        low = number("MAX", "at_ms<?", first_ms) or 0
        high = number("MIN", "at_ms>=?", end_ms) or everything[1] + 1
        around = (
            *stored_rows(database, place, low, low),
            *stored_rows(database, place, high, high),
        )
        told = [read_event(row.raw) for row in around]
        moved = any(one is None or first_ms <= one.at_ms < end_ms for one in told)
        if high <= low + 1 and not moved:
            return None
    before = number("MAX", "kind='checkpoint' AND seq<?", low)
    after = number("MIN", "kind='checkpoint' AND seq>?", high)
    return before or 1, after or everything[1]
