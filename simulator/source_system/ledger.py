"""What this district has signed and sent: every revision, by whom, when, and its exact bytes.

Owns one SQLite file. Because the sealed bytes are kept, a broker that lost its database can be
told everything again. Invariants: a revision of (audience, kind) is written once and before it
is published; command numbers only grow, even when the file was lost (they follow the clock).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from simulator.source_system.problems import Conflict

SCHEMA = """
CREATE TABLE IF NOT EXISTS pushes(
  audience TEXT NOT NULL, kind TEXT NOT NULL, revision INTEGER NOT NULL,
  digest TEXT NOT NULL, at_ms INTEGER NOT NULL, by TEXT NOT NULL, note TEXT NOT NULL,
  sealed BLOB NOT NULL, PRIMARY KEY(audience, kind, revision));
CREATE TABLE IF NOT EXISTS counters(name TEXT PRIMARY KEY, value INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS commands(
  id TEXT PRIMARY KEY, audience TEXT NOT NULL, at_ms INTEGER NOT NULL, by TEXT NOT NULL,
  verb TEXT NOT NULL);
"""
BUSY_TIMEOUT_S = 10.0


class Push(msgspec.Struct, frozen=True, kw_only=True):
    """One signed revision. digest: SHA-256 of the signed body, hex."""

    audience: str
    kind: str
    revision: int
    digest: str
    at_ms: int
    by: str
    note: str
    sealed: bytes


COLUMNS = "audience, kind, revision, digest, at_ms, by, note, sealed"


def _push(row: tuple[str, str, int, str, int, str, str, bytes]) -> Push:
    audience, kind, revision, digest, at_ms, by, note, sealed = row
    return Push(
        audience=audience,
        kind=kind,
        revision=revision,
        digest=digest,
        at_ms=at_ms,
        by=by,
        note=note,
        sealed=sealed,
    )


class Ledger:
    """Opens a connection per call: programs and threads share the file, not the object's state."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._open() as database:
            database.executescript(SCHEMA)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        database = sqlite3.connect(self._path, timeout=BUSY_TIMEOUT_S, isolation_level=None)
        try:
            database.execute("PRAGMA journal_mode=WAL")
            database.execute("PRAGMA synchronous=FULL")
            yield database
        finally:
            database.close()

    def record(self, push: Push) -> None:
        """Raises Conflict when another program of this home wrote that revision first."""
        with self._open() as database:
            try:
                database.execute(
                    f"INSERT INTO pushes({COLUMNS}) VALUES(?,?,?,?,?,?,?,?)",
                    msgspec.structs.astuple(push),
                )
            except sqlite3.IntegrityError:
                where = f"{push.audience} {push.kind}"
                raise Conflict("conflict", where, push.revision) from None

    def latest(self, audience: str, kind: str) -> Push | None:
        return self._one("audience=? AND kind=? ORDER BY revision DESC LIMIT 1", audience, kind)

    def at(self, audience: str, kind: str, revision: int) -> Push | None:
        return self._one("audience=? AND kind=? AND revision=?", audience, kind, revision)

    def current(self) -> list[Push]:
        """The newest revision of every (audience, kind)."""
        return self._many(
            "(audience, kind, revision) IN"
            " (SELECT audience, kind, MAX(revision) FROM pushes GROUP BY audience, kind)"
            " ORDER BY kind='trust' DESC, audience, kind"
        )

    def history(self, limit: int = 50) -> list[Push]:
        """Newest first."""
        return self._many("1 ORDER BY at_ms DESC, revision DESC LIMIT ?", limit)

    def of_kind(self, kind: str) -> list[Push]:
        """Every revision there ever was, oldest first."""
        return self._many("kind=? ORDER BY at_ms, revision", kind)

    def next_command_seq(self, keyid: str, audience: str, now_ms: int) -> int:
        """Grows per (key, audience), at least with the seconds of the clock."""
        name = f"command {keyid} {audience}"
        with self._open() as database:
            row = database.execute(
                "INSERT INTO counters(name, value) VALUES(?, ?) ON CONFLICT(name) DO UPDATE"
                " SET value = MAX(value + 1, excluded.value) RETURNING value",
                (name, now_ms // 1000),
            ).fetchone()
        value: int = row[0]
        return value

    def record_command(self, command: str, audience: str, at_ms: int, by: str, verb: str) -> None:
        with self._open() as database:
            database.execute(
                "INSERT OR IGNORE INTO commands VALUES(?,?,?,?,?)",
                (command, audience, at_ms, by, verb),
            )

    def _one(self, where: str, *values: object) -> Push | None:
        found = self._many(where, *values)
        return found[0] if found else None

    def _many(self, where: str, *values: object) -> list[Push]:
        query = f"SELECT {COLUMNS} FROM pushes WHERE {where}"  # noqa: S608 - constants above
        with self._open() as database:
            return [_push(row) for row in database.execute(query, values)]
