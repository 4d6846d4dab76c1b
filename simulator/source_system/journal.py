"""What stations told the source system, kept in one SQLite file.

Owns: events (once each), how far each stream is whole and how far its station said that it wrote,
births, receipts, heartbeats, acks; what reports look up of them is entered with them
(`report.store`, `report.presence`), and each chain is followed as it grows (`witness`). Knows no
MQTT.
Invariants: an event is stored once, whatever was delivered how often in which order; `through` is
the end of the gapless beginning of a stream (events count from 1); a second event under the same
id with other bytes is never stored and is counted as a conflict (a cloned card).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, TypeVar

import msgspec

from agent.contract.details import Details
from agent.contract.reports import Ack, AsRun, Event, Health, Reported, State
from agent.core.reporter import STREAM
from simulator.source_system.chain_check import Place
from simulator.source_system.report.presence import PresenceBook
from simulator.source_system.report.store import Columns, RecordId
from simulator.source_system.witness import Witness

SCHEMA = """
CREATE TABLE IF NOT EXISTS events(
  station TEXT NOT NULL, installation TEXT NOT NULL, stream TEXT NOT NULL,
  seq INTEGER NOT NULL, at_ms INTEGER NOT NULL, received_ms INTEGER NOT NULL,
  kind TEXT NOT NULL, raw BLOB NOT NULL,
  PRIMARY KEY(station, installation, stream, seq)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS events_by_time ON events(station, kind, at_ms);
CREATE TABLE IF NOT EXISTS streams(
  station TEXT NOT NULL, installation TEXT NOT NULL, stream TEXT NOT NULL,
  through INTEGER NOT NULL, PRIMARY KEY(station, installation, stream)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS lost(
  station TEXT NOT NULL, installation TEXT NOT NULL, stream TEXT NOT NULL,
  from_seq INTEGER NOT NULL, to_seq INTEGER NOT NULL,
  PRIMARY KEY(station, installation, stream, from_seq)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS latest(
  station TEXT NOT NULL, kind TEXT NOT NULL, received_ms INTEGER NOT NULL, raw BLOB NOT NULL,
  PRIMARY KEY(station, kind)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS births(
  station TEXT NOT NULL, installation TEXT NOT NULL, birth INTEGER NOT NULL,
  received_ms INTEGER NOT NULL, version TEXT NOT NULL,
  PRIMARY KEY(station, installation, birth)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS claimed(
  station TEXT NOT NULL, installation TEXT NOT NULL, stream TEXT NOT NULL,
  seq INTEGER NOT NULL, told_ms INTEGER NOT NULL,
  PRIMARY KEY(station, installation, stream)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS acks(
  station TEXT NOT NULL, id TEXT NOT NULL, state TEXT NOT NULL, at_ms INTEGER NOT NULL,
  received_ms INTEGER NOT NULL, raw BLOB NOT NULL,
  PRIMARY KEY(station, id, state)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS cursor_revisions(
  station TEXT PRIMARY KEY, revision INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS counters(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
"""
BUSY_TIMEOUT_S = 10.0
PAGE_BYTES = 16_384
"""Of a new file. A record of 1 kB lies within its page; with 4 kB pages each took a page of its
own, and a year of 34 stations 3.8 GB."""

REVISIONS_SINCE_MS = 1_767_225_600_000
"""2026-01-01 UTC: cursor revisions count the seconds from here when nothing else is known."""

SEQ_MAX = 2**53
"""A birth may claim any number; a larger one is no number of records."""

T = TypeVar("T")


class StreamId(NamedTuple):
    station: str
    installation: str
    stream: str


class Gap(NamedTuple):
    """`missing_from` has not come though a later event has."""

    stream: StreamId
    missing_from: int


class Journal:
    """One connection, one thread: the collector's. Readers open their own."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None)
        self._database.execute(f"PRAGMA page_size={PAGE_BYTES}")
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=FULL")
        self._database.executescript(SCHEMA)
        self.presence = PresenceBook(self._database)
        self.presence.prepare()
        self._columns = Columns(self._database)
        self._columns.prepare()
        self.witness = Witness(self._database)
        self.witness.prepare()

    def close(self) -> None:
        self._database.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything stored inside is on disk when the block ends, or nothing of it."""
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.witness.flush()
        except BaseException:
            self._database.execute("ROLLBACK")
            self._columns.forget()
            self.witness.forget()
            raise
        self._database.execute("COMMIT")

    def add_event(self, station: str, event: Event, raw: bytes, received_ms: int) -> bool:
        """Whether it was new. `station` is the topic's, which the broker has authenticated."""
        key = (station, event.installation, event.stream, event.seq)
        kind = str(event.body.__struct_config__.tag)
        added = self._database.execute(
            "INSERT OR IGNORE INTO events VALUES(?,?,?,?,?,?,?,?)",
            (*key, event.at_ms, received_ms, kind, raw),
        ).rowcount
        if added:
            record = RecordId(event.at_ms, event.installation, event.stream, event.seq)
            self._columns.add(station, record, kind, raw)
            stream = StreamId(station, event.installation, event.stream)
            through = self._advance(stream)
            self.witness.follow(Place(*stream), through, event, raw, received_ms)
            return True
        self.count("duplicates")
        held = self._database.execute(
            "SELECT raw FROM events WHERE station=? AND installation=? AND stream=? AND seq=?", key
        ).fetchone()
        if held[0] != raw:
            self.count("conflicts")
            place = Place(station, event.installation, event.stream)
            self.witness.fork(place, event.seq, raw, received_ms)
        return False

    def _advance(self, stream: StreamId) -> int:
        through = self.through(stream)
        rows = self._database.execute(
            "SELECT seq FROM events WHERE station=? AND installation=? AND stream=? AND seq>?"
            " ORDER BY seq",
            (*stream, through),
        )
        for (seq,) in rows:
            if seq != through + 1:
                break
            through = seq
        self._database.execute("INSERT OR REPLACE INTO streams VALUES(?,?,?,?)", (*stream, through))
        return through

    def through(self, stream: StreamId) -> int:
        row = self._database.execute(
            "SELECT through FROM streams WHERE station=? AND installation=? AND stream=?", stream
        ).fetchone()
        return int(row[0]) if row else 0

    def streams(self, station: str | None = None) -> list[StreamId]:
        rows = self._database.execute(
            "SELECT station, installation, stream FROM streams WHERE ?1 IS NULL OR station=?1"
            " ORDER BY 1, 2, 3",
            (station,),
        )
        return [StreamId(*row) for row in rows]

    def gaps(self) -> list[Gap]:
        rows = self._database.execute(
            "SELECT s.station, s.installation, s.stream, s.through FROM streams s WHERE EXISTS("
            "SELECT 1 FROM events e WHERE e.station=s.station AND e.installation=s.installation"
            " AND e.stream=s.stream AND e.seq > s.through)"
        )
        return [Gap(StreamId(*row[:3]), row[3] + 1) for row in rows]

    def write_off(self, gap: Gap) -> None:
        """The station has lost these records: say so, and let the cursor pass.

        Should they come after all they are stored like any other.
        """
        held = self._database.execute(
            "SELECT MIN(seq) FROM events WHERE station=? AND installation=? AND stream=? AND seq>?",
            (*gap.stream, gap.missing_from),
        ).fetchone()[0]
        self._database.execute(
            "INSERT OR IGNORE INTO lost VALUES(?,?,?,?,?)",
            (*gap.stream, gap.missing_from, held - 1),
        )
        self._database.execute(
            "INSERT OR REPLACE INTO streams VALUES(?,?,?,?)", (*gap.stream, held - 1)
        )
        self._advance(gap.stream)

    def add_latest(self, station: str, kind: str, raw: bytes, received_ms: int) -> None:
        self._database.execute(
            "INSERT OR REPLACE INTO latest VALUES(?,?,?,?)", (station, kind, received_ms, raw)
        )

    def add_birth(self, station: str, state: State, received_ms: int) -> None:
        self._database.execute(
            "INSERT OR IGNORE INTO births VALUES(?,?,?,?,?)",
            (station, state.installation, state.birth, received_ms, state.version),
        )
        self._claim(station, state, received_ms)
        self.witness.shown(Place(station, state.installation, ""), state.public, received_ms)

    def _claim(self, station: str, state: State, received_ms: int) -> None:
        """The number of its newest record, as it says itself: what is cut off the end is missed."""
        seq = min(state.last_seq or 0, SEQ_MAX)
        if seq > 0 and state.installation:
            self._database.execute(
                "INSERT INTO claimed VALUES(?,?,?,?,?) ON CONFLICT DO UPDATE SET"
                " seq=excluded.seq, told_ms=excluded.told_ms WHERE excluded.seq > seq",
                (station, state.installation, STREAM, seq, received_ms),
            )

    def add_ack(self, station: str, ack: Ack, raw: bytes, received_ms: int) -> None:
        self._database.execute(
            "INSERT OR IGNORE INTO acks VALUES(?,?,?,?,?,?)",
            (station, ack.id, ack.state, ack.at_ms, received_ms, raw),
        )

    def next_cursor_revision(self, station: str, now_ms: int) -> int:
        """Grows at least with the seconds of the clock: losing this file does not stop it."""
        row = self._database.execute(
            "INSERT INTO cursor_revisions VALUES(?1, ?2) ON CONFLICT(station) DO UPDATE"
            " SET revision = MAX(revision + 1, ?2) RETURNING revision",
            (station, max(1, (now_ms - REVISIONS_SINCE_MS) // 1000)),
        ).fetchone()
        return int(row[0])

    def count(self, name: str) -> None:
        self._database.execute(
            "INSERT INTO counters VALUES(?, 1) ON CONFLICT(name) DO UPDATE SET value = value + 1",
            (name,),
        )


class StationReport(msgspec.Struct, frozen=True, kw_only=True):
    """The newest of each kind from one station, and when it came."""

    station: str
    state: State | None = None
    reported: Reported | None = None
    health: Health | None = None
    details: Details | None = None
    heard_ms: int | None = None


class JournalReader:
    """Read-only view for `districtctl status` and `asrun`; works while the collector writes."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection | None]:
        if not self._path.exists():
            yield None
            return
        uri = f"file:{self._path}?mode=ro"
        database = sqlite3.connect(uri, uri=True, timeout=BUSY_TIMEOUT_S)
        try:
            yield database
        finally:
            database.close()

    def reports(self) -> dict[str, StationReport]:
        with self._open() as database:
            rows = [] if database is None else database.execute("SELECT * FROM latest").fetchall()
        grouped: dict[str, dict[str, bytes]] = {}
        heard: dict[str, int] = {}
        for station, kind, received_ms, raw in rows:
            grouped.setdefault(station, {})[kind] = raw
            heard[station] = max(received_ms, heard.get(station, 0))
        return {
            station: StationReport(
                station=station,
                state=_decode(kinds.get("state"), State),
                reported=_decode(kinds.get("reported"), Reported),
                health=_decode(kinds.get("health"), Health),
                details=_decode(kinds.get("details"), Details),
                heard_ms=heard[station],
            )
            for station, kinds in grouped.items()
        }

    def events(
        self,
        station: str | None = None,
        *,
        kinds: Sequence[str] = (),
        since_ms: int = 0,
        limit: int = 1_000,
    ) -> list[Event]:
        """In the order they happened; the newest `limit` of them."""
        marks = ",".join("?" * len(kinds))
        wanted = f"AND kind IN ({marks})" if kinds else ""
        query = (
            "SELECT raw FROM events WHERE (?1 IS NULL OR station=?1) AND at_ms>=?2"  # noqa: S608
            f" {wanted} ORDER BY at_ms DESC, seq DESC LIMIT {int(limit)}"
        )
        with self._open() as database:
            if database is None:
                return []
            rows = database.execute(query, (station, since_ms, *kinds)).fetchall()
        return [msgspec.json.decode(raw, type=Event) for (raw,) in reversed(rows)]

    def as_run(
        self, station: str | None = None, since_ms: int = 0, limit: int = 1_000
    ) -> list[tuple[str, AsRun]]:
        """(station, record), oldest first."""
        events = self.events(station, kinds=("asrun",), since_ms=since_ms, limit=limit)
        return list(_as_run_bodies(events))

    def installation(self, station: str) -> str:
        """That which was born last; "" when none was."""
        query = "SELECT installation FROM births WHERE station=? ORDER BY received_ms DESC LIMIT 1"
        with self._open() as database:
            row = None if database is None else database.execute(query, (station,)).fetchone()
        return str(row[0]) if row else ""

    def watched_ms(self) -> int | None:
        """Until when a collector was subscribed; None: never, as far as the file knows."""
        with self._open() as database:
            known = "SELECT 1 FROM sqlite_master WHERE name='watched'"
            if database is None or database.execute(known).fetchone() is None:
                return None
            row = database.execute("SELECT MAX(to_ms) FROM watched").fetchone()
            return None if row[0] is None else int(row[0])

    def sequences(self, station: str) -> list[int]:
        """Every stored sequence number of a station, for checking that nothing is missing."""
        with self._open() as database:
            if database is None:
                return []
            query = "SELECT seq FROM events WHERE station=? ORDER BY installation, stream, seq"
            return [row[0] for row in database.execute(query, (station,))]

    def lost(self) -> list[tuple[StreamId, int, int]]:
        """(stream, from, to): records that no station has any more."""
        with self._open() as database:
            if database is None:
                return []
            rows = database.execute("SELECT * FROM lost").fetchall()
        return [(StreamId(*row[:3]), row[3], row[4]) for row in rows]

    def acks(self, command: str) -> list[tuple[str, Ack]]:
        with self._open() as database:
            if database is None:
                return []
            query = "SELECT station, raw FROM acks WHERE id=? ORDER BY received_ms"
            rows = database.execute(query, (command,)).fetchall()
        return [(station, msgspec.json.decode(raw, type=Ack)) for station, raw in rows]

    def counters(self) -> dict[str, int]:
        with self._open() as database:
            return {} if database is None else dict(database.execute("SELECT * FROM counters"))


def _as_run_bodies(events: Iterable[Event]) -> Iterator[tuple[str, AsRun]]:
    for event in events:
        if isinstance(event.body, AsRun):
            yield event.station, event.body


def _decode(raw: bytes | None, kind: type[T]) -> T | None:
    return None if raw is None else msgspec.json.decode(raw, type=kind)
