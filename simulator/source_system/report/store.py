"""The columns of as-run records in the collector's database, beside the raw bytes.

Owns the tables `plays`, `labels` and `doubled` and that they say what the raw records say: every
record is entered when it is stored, and all of them anew when the columns have changed; then by
what the bytes say of themselves, not by the columns beside them. One row is one record: nothing is
summed up, so any window can be counted later. Nothing here is signed: `agreement` holds it against
the records when a report is made.

Invariants: a second record of the same (occurrence, zone) is not counted but listed in `doubled`;
the one that the station wrote first counts, in whatever order they came. Entering a record twice
changes nothing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from simulator.source_system.report.columns import KIND, VERSION, Label, Play, identity_of, play_of

SCHEMA = """
CREATE TABLE IF NOT EXISTS plays(
  station TEXT NOT NULL, planned_ms INTEGER NOT NULL, occurrence TEXT NOT NULL, zone TEXT NOT NULL,
  at_ms INTEGER NOT NULL, installation TEXT NOT NULL, stream TEXT NOT NULL, seq INTEGER NOT NULL,
  label INTEGER NOT NULL, klass INTEGER NOT NULL,
  outcome TEXT NOT NULL, reason TEXT NOT NULL, confirmed TEXT NOT NULL,
  length_ms INTEGER, played_ms INTEGER NOT NULL, heard_ms INTEGER NOT NULL,
  mute_ms INTEGER NOT NULL, level_sum INTEGER NOT NULL, level_ms INTEGER NOT NULL,
  level_max INTEGER, first_ms INTEGER, start_error_ms INTEGER,
  PRIMARY KEY(station, planned_ms, occurrence, zone)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS labels(id INTEGER PRIMARY KEY, said BLOB NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS doubled(
  station TEXT NOT NULL, planned_ms INTEGER NOT NULL, installation TEXT NOT NULL,
  stream TEXT NOT NULL, seq INTEGER NOT NULL,
  PRIMARY KEY(station, planned_ms, installation, stream, seq)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS unread(
  station TEXT NOT NULL, at_ms INTEGER NOT NULL, installation TEXT NOT NULL,
  stream TEXT NOT NULL, seq INTEGER NOT NULL,
  PRIMARY KEY(station, at_ms, installation, stream, seq)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS columns_made(version INTEGER PRIMARY KEY);
"""
NUMBERS = (
    "CREATE INDEX IF NOT EXISTS events_by_number"
    " ON events(station, installation, stream, seq, at_ms)"
)
"""Numbers and times without the records themselves: to find gaps without reading a gigabyte."""

_TABLES = ("plays", "labels", "doubled", "unread", "columns_made")
_INSERT = f"INSERT OR IGNORE INTO plays VALUES({','.join('?' * 22)})"
_PIECE = (
    "SELECT station, installation, stream, seq, at_ms, kind, raw FROM events"
    " WHERE (station, installation, stream, seq) > (?,?,?,?)"
    " ORDER BY station, installation, stream, seq LIMIT ?"
)
_KEY = "station=? AND planned_ms=? AND occurrence=? AND zone=?"
BATCH = 20_000
LABELS_MAX = 50_000
"""How many labels are remembered between two records."""


class RecordId(NamedTuple):
    """Which record of a station, and when it was written; sorts as they were written."""

    at_ms: int
    installation: str
    stream: str
    seq: int


class Columns:
    """Writes through a connection that its owner opens, begins and commits on."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._labels: dict[Label, int] = {}

    def prepare(self) -> None:
        """Make the tables; fill them from the raw records when they are missing or old."""
        self._database.executescript(SCHEMA)
        self._database.execute(NUMBERS)
        if self._version() == VERSION:
            return
        if self._version() is not None:
            self._database.executescript("".join(f"DROP TABLE {name};" for name in _TABLES))
            self._database.executescript(SCHEMA)
        for batch in self._raw():
            self._database.execute("BEGIN IMMEDIATE")
            for station, record, kind, raw in batch:
                self.add(station, record, kind, raw)
            self._database.execute("COMMIT")
        self._database.execute("INSERT OR IGNORE INTO columns_made VALUES(?)", (VERSION,))

    def outdate(self) -> None:
        """Let the next `prepare` make every column anew from the raw records."""
        self._database.executescript(SCHEMA)
        self._database.execute("DELETE FROM columns_made")
        self._database.execute("INSERT INTO columns_made VALUES(0)")

    def _version(self) -> int | None:
        row = self._database.execute("SELECT MAX(version) FROM columns_made").fetchone()
        return None if row[0] is None else int(row[0])

    def _raw(self) -> Iterator[list[tuple[str, RecordId, str, bytes]]]:
        """In pieces, each read anew: others may write meanwhile."""
        last: tuple[str, str, str, int] = ("", "", "", -1)
        while batch := self._database.execute(_PIECE, (*last, BATCH)).fetchall():
            last = batch[-1][:4]
            yield [_told(*row) for row in batch]

    def add(self, station: str, record: RecordId, kind: str, raw: bytes) -> None:
        """Enter a record that has been stored."""
        if kind != KIND:
            return
        play = play_of(raw)
        if play is None:
            unread = (station, *record)
            self._database.execute("INSERT OR IGNORE INTO unread VALUES(?,?,?,?,?)", unread)
            return
        row = self._row(station, record, play)
        if not self._database.execute(_INSERT, row).rowcount:
            self._again(row, record)

    def forget(self) -> None:
        """The transaction was rolled back: what it entered is not there."""
        self._labels.clear()

    def _again(self, row: tuple[object, ...], record: RecordId) -> None:
        """A row of this (occurrence, zone) is there: the record written first counts."""
        key = row[:4]
        held = RecordId(
            *self._database.execute(
                f"SELECT at_ms, installation, stream, seq FROM plays WHERE {_KEY}",  # noqa: S608
                key,
            ).fetchone()
        )
        if held == record:
            return
        if record < held:
            self._database.execute(f"DELETE FROM plays WHERE {_KEY}", key)  # noqa: S608
            self._database.execute(_INSERT, row)
        later = max(held, record)
        self._database.execute(
            "INSERT OR IGNORE INTO doubled VALUES(?,?,?,?,?)",
            (key[0], key[1], later.installation, later.stream, later.seq),
        )

    def _row(self, station: str, record: RecordId, play: Play) -> tuple[object, ...]:
        return (
            station,
            play.planned_ms,
            play.occurrence,
            play.zone,
            *record,
            self._label(play.label),
            play.label.klass,
            play.outcome,
            play.reason,
            play.confirmed,
            *play[7:],
        )

    def _label(self, label: Label) -> int:
        known = self._labels.get(label)
        if known is not None:
            return known
        said = msgspec.json.encode(label)
        self._database.execute("INSERT OR IGNORE INTO labels(said) VALUES(?)", (said,))
        row = self._database.execute("SELECT id FROM labels WHERE said=?", (said,)).fetchone()
        if len(self._labels) >= LABELS_MAX:
            self._labels.clear()
        self._labels[label] = int(row[0])
        return self._labels[label]


def _told(
    station: str, installation: str, stream: str, seq: int, at_ms: int, kind: str, raw: bytes
) -> tuple[str, RecordId, str, bytes]:
    """What the bytes say of when and which kind; the columns where they cannot be read."""
    told = identity_of(raw)
    if told is not None:
        at_ms, kind = told.at_ms, told.kind
    return station, RecordId(at_ms, installation, stream, seq), kind, raw


def labels_of(database: sqlite3.Connection) -> dict[int, Label]:
    rows = database.execute("SELECT id, said FROM labels")
    return {number: msgspec.json.decode(said, type=Label) for number, said in rows}
