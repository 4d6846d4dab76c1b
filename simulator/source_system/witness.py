"""Watches the records as they arrive: follows each chain, keeps what is wrong, knows the keys.

Owns the tables `chain_heads` (how far each chain was followed), `findings` (never deleted),
`forks` (the other record under a number, byte for byte) and `station_keys`. Does not own the
records: what was found on arrival is for the eye at once; `records` walks the raw bytes again.

Invariants: a finding hides nothing and holds nothing up, every record is stored all the same; the
first key of a station is believed, each further one only when a person accepted it; what was
accepted stays good for what it signed.
"""

from __future__ import annotations

import hashlib
import logging
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from agent.contract.chain import fingerprint, grouped
from agent.contract.reports import Event
from simulator.source_system.chain_check import Finding, FindingKind, Head, Place, Row, Walk
from simulator.source_system.keyring import verify_signature

SCHEMA = """
CREATE TABLE IF NOT EXISTS chain_heads(
  station TEXT NOT NULL, installation TEXT NOT NULL, stream TEXT NOT NULL, head BLOB NOT NULL,
  PRIMARY KEY(station, installation, stream)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS findings(
  station TEXT NOT NULL, installation TEXT NOT NULL, stream TEXT NOT NULL,
  kind TEXT NOT NULL, seq INTEGER NOT NULL, to_seq INTEGER NOT NULL, detail TEXT NOT NULL,
  found_ms INTEGER NOT NULL,
  PRIMARY KEY(station, installation, stream, kind, seq, detail)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS forks(
  station TEXT NOT NULL, installation TEXT NOT NULL, stream TEXT NOT NULL, seq INTEGER NOT NULL,
  digest TEXT NOT NULL, received_ms INTEGER NOT NULL, raw BLOB NOT NULL,
  PRIMARY KEY(station, installation, stream, seq, digest)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS station_keys(
  station TEXT NOT NULL, public TEXT NOT NULL, first_ms INTEGER NOT NULL,
  accepted_ms INTEGER, accepted_by TEXT NOT NULL, retired_ms INTEGER,
  PRIMARY KEY(station, public)) WITHOUT ROWID;
"""
BUSY_TIMEOUT_S = 10.0
FIRST_CONTACT = "first contact"
"""Who accepted a station's first key."""

log = logging.getLogger(__name__)


class StationKey(NamedTuple):
    """A key that a station showed. accepted_ms None: it waits for a person.

    retired_ms: since when another key is the station's; what it signed before stays good.
    """

    station: str
    public: str
    first_ms: int
    accepted_ms: int | None
    accepted_by: str
    retired_ms: int | None

    @property
    def fingerprint(self) -> str:
        return fingerprint(bytes.fromhex(self.public))


class Found(NamedTuple):
    """A finding, where and when."""

    place: Place
    finding: Finding
    found_ms: int


class Witness:
    """Writes through a connection that its owner opens, begins and commits on."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._heads: dict[Place, Head] = {}
        self._dirty: set[Place] = set()

    def prepare(self) -> None:
        self._database.executescript(SCHEMA)

    def flush(self) -> None:
        """Before the commit: how far each chain was followed."""
        rows = [(*place, msgspec.json.encode(self._heads[place])) for place in self._dirty]
        self._database.executemany("INSERT OR REPLACE INTO chain_heads VALUES(?,?,?,?)", rows)
        self._dirty.clear()

    def forget(self) -> None:
        """After a rollback."""
        self._heads.clear()
        self._dirty.clear()

    # --- chains -------------------------------------------------------------------------

    def follow(self, place: Place, through: int, newest: Event, raw: bytes, now_ms: int) -> None:
        """Records are here without a gap (or what is missing was given up) up to `through`."""
        head = self._head(place)
        if through <= head.seq:
            return
        walk = Walk(place, verify_signature, lambda key: self._is_key(place, key, now_ms), head)
        if newest.seq == through == head.seq + 1:
            kind = str(newest.body.__struct_config__.tag)
            walk.take(Row(newest.seq, newest.at_ms, kind, raw), newest)
        else:
            walk.take_all(stored_rows(self._database, place, head.seq + 1, through))
        self._heads[place] = walk.head
        self._dirty.add(place)
        for finding in walk.findings:
            self.keep(place, finding, now_ms)

    def _head(self, place: Place) -> Head:
        if place not in self._heads:
            row = self._database.execute(
                "SELECT head FROM chain_heads WHERE station=? AND installation=? AND stream=?",
                place,
            ).fetchone()
            self._heads[place] = msgspec.json.decode(row[0], type=Head) if row else Head()
        return self._heads[place]

    def fork(self, place: Place, seq: int, raw: bytes, now_ms: int) -> None:
        """Another record came under a number that is taken: kept beside it, never in its place."""
        digest = hashlib.sha256(raw).hexdigest()
        self._database.execute(
            "INSERT OR IGNORE INTO forks VALUES(?,?,?,?,?,?,?)", (*place, seq, digest, now_ms, raw)
        )
        finding = Finding(kind=FindingKind.FORK, seq=seq, to_seq=seq, detail=digest[:16])
        self.keep(place, finding, now_ms)

    def keep(self, place: Place, finding: Finding, now_ms: int) -> None:
        """Write a finding down, and say so loudly the first time."""
        row = (finding.kind.value, finding.seq, finding.to_seq, finding.detail)
        new = self._database.execute(
            "INSERT OR IGNORE INTO findings VALUES(?,?,?,?,?,?,?,?)", (*place, *row, now_ms)
        ).rowcount
        if new:
            log.warning("records: %s %s: %s %s-%s %s", place[0], place[1], *row)

    # --- keys ---------------------------------------------------------------------------

    def shown(self, place: Place, public: str, now_ms: int) -> None:
        """The station's birth names its key; another than the one known is told loudly."""
        if not _is_public(public):
            return
        known = self._key(place.station, public)
        if known is None:
            known = self._enter(place.station, public, now_ms)
        if known.accepted_ms is None or known.retired_ms is not None:
            detail = grouped(known.fingerprint)
            finding = Finding(kind=FindingKind.KEY_CHANGED, seq=0, to_seq=0, detail=detail)
            self.keep(place, finding, now_ms)

    def _is_key(self, place: Place, public: str, now_ms: int) -> bool:
        """Asked with a signature that is right: whether its key is the station's."""
        known = self._key(place.station, public) or self._enter(place.station, public, now_ms)
        return known.accepted_ms is not None

    def _enter(self, station: str, public: str, now_ms: int) -> StationKey:
        """A key nobody has seen: believed if it is the first, else it waits for a person."""
        first = not station_keys(self._database, station)
        key = StationKey(
            station, public, now_ms, now_ms if first else None, FIRST_CONTACT if first else "", None
        )
        self._database.execute("INSERT INTO station_keys VALUES(?,?,?,?,?,?)", key)
        log.info("records: %s: key %s%s", station, key.fingerprint, "" if first else " waits")
        return key

    def _key(self, station: str, public: str) -> StationKey | None:
        return next((k for k in station_keys(self._database, station) if k.public == public), None)

    def accept(self, station: str, wanted: str, by: str, now_ms: int) -> StationKey | None:
        """A person compared the fingerprint: from now on this is the station's key.

        None when no key of this station has it.
        """
        wanted = wanted.replace(" ", "").lower()
        keys = station_keys(self._database, station)
        key = next((one for one in keys if one.fingerprint == wanted), None)
        if key is None:
            return None
        self._database.execute(
            "UPDATE station_keys SET retired_ms=? WHERE station=? AND public<>?"
            " AND accepted_ms IS NOT NULL AND retired_ms IS NULL",
            (now_ms, station, key.public),
        )
        self._database.execute(
            "UPDATE station_keys SET accepted_ms=COALESCE(accepted_ms, ?), accepted_by=?,"
            " retired_ms=NULL WHERE station=? AND public=?",
            (now_ms, by, station, key.public),
        )
        return self._key(station, key.public)


def _is_public(text: str) -> bool:
    return len(text) == 64 and all(one in "0123456789abcdef" for one in text)


# --- reading; also through a connection that may only read ---------------------------------


def stored_rows(
    database: sqlite3.Connection, place: Place, from_seq: int, to_seq: int
) -> Sequence[Row]:
    """Records of one stream in order of their numbers, both ends included."""
    rows = database.execute(
        "SELECT seq, at_ms, kind, raw FROM events WHERE station=? AND installation=? AND stream=?"
        " AND seq BETWEEN ? AND ? ORDER BY seq",
        (*place, from_seq, to_seq),
    )
    return [Row(seq, at_ms, kind, _bytes(raw)) for seq, at_ms, kind, raw in rows]


def _bytes(stored: object) -> bytes:
    """What somebody else wrote into the column may be of any type."""
    if isinstance(stored, bytes):
        return stored
    return stored.encode() if isinstance(stored, str) else b""


def station_keys(database: sqlite3.Connection, station: str | None = None) -> list[StationKey]:
    rows = database.execute(
        "SELECT * FROM station_keys WHERE ?1 IS NULL OR station=?1"
        " ORDER BY station, first_ms, accepted_ms IS NULL",
        (station,),
    )
    return [StationKey(*row) for row in rows]


def findings(database: sqlite3.Connection, station: str | None = None) -> list[Found]:
    """What was found on arrival, oldest first."""
    rows = database.execute(
        "SELECT * FROM findings WHERE ?1 IS NULL OR station=?1 ORDER BY found_ms, seq", (station,)
    )
    return [
        Found(
            Place(*row[:3]),
            Finding(kind=FindingKind(row[3]), seq=row[4], to_seq=row[5], detail=row[6]),
            row[7],
        )
        for row in rows
    ]


def accept_key(
    journal: Path, station: str, fingerprint: str, by: str, now_ms: int
) -> StationKey | None:
    """`Witness.accept` in the collector's file, also while the collector runs."""
    if not journal.exists():
        return None
    database = sqlite3.connect(journal, timeout=BUSY_TIMEOUT_S, isolation_level=None)
    try:
        witness = Witness(database)
        witness.prepare()
        database.execute("BEGIN IMMEDIATE")
        key = witness.accept(station, fingerprint, by, now_ms)
        database.execute("COMMIT")
        return key
    finally:
        database.close()
