"""What the reference source system accepted, in one SQLite file.

Owns messages (each identity once), the newest status of each cluster, what was refused, and the
calls that wait for a station. Invariant: a message is stored once however often it is posted; the
second time is counted.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SCHEMA = """
CREATE TABLE IF NOT EXISTS message(
  number INTEGER PRIMARY KEY, kind TEXT NOT NULL, cluster TEXT NOT NULL, identity TEXT NOT NULL,
  key TEXT NOT NULL, received_ms INTEGER NOT NULL, body TEXT NOT NULL);
CREATE UNIQUE INDEX IF NOT EXISTS message_once ON message(identity);
CREATE TABLE IF NOT EXISTS duplicate(identity TEXT NOT NULL, received_ms INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS refused(
  kind TEXT NOT NULL, why TEXT NOT NULL, received_ms INTEGER NOT NULL, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS status(
  cluster TEXT PRIMARY KEY, received_ms INTEGER NOT NULL, body TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS waiting(
  number INTEGER PRIMARY KEY, cluster TEXT NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL);
"""
REFUSED_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class Stored:
    """number: in the order of arrival. key: the Idempotency-Key, "" for none."""

    number: int
    kind: str
    cluster: str
    key: str
    received_ms: int
    body: dict[str, Any]


class Store:
    """One connection behind a lock: many threads serve, few stations speak."""

    def __init__(self, path: Path | None = None) -> None:
        """path None: in memory."""
        name = ":memory:" if path is None else str(path)
        self._database = sqlite3.connect(name, check_same_thread=False, isolation_level=None)
        self._lock = threading.Lock()
        self._database.executescript(SCHEMA)

    def close(self) -> None:
        with self._lock:
            self._database.close()

    @contextmanager
    def _rows(self, sql: str, *values: Any) -> Iterator[sqlite3.Cursor]:
        with self._lock:
            yield self._database.execute(sql, values)

    def _all(self, sql: str, *values: Any) -> list[Any]:
        with self._rows(sql, *values) as rows:
            return rows.fetchall()

    # --- messages -------------------------------------------------------------------------

    def add(
        self, kind: str, cluster: str, identity: str, key: str, at_ms: int, body: dict[str, Any]
    ) -> bool:
        """Whether it was new."""
        said = json.dumps(body, ensure_ascii=False)
        with self._lock:
            added = self._database.execute(
                "INSERT OR IGNORE INTO message(kind, cluster, identity, key, received_ms, body)"
                " VALUES(?,?,?,?,?,?)",
                (kind, cluster, identity, key, at_ms, said),
            ).rowcount
            if not added:
                self._database.execute("INSERT INTO duplicate VALUES(?,?)", (identity, at_ms))
        return bool(added)

    def messages(self, *kinds: str) -> list[Stored]:
        """In the order of arrival; no kinds: all."""
        rows = self._all(
            "SELECT number, kind, cluster, key, received_ms, body FROM message ORDER BY number"
        )
        return [
            Stored(number, kind, cluster, key, at_ms, json.loads(body))
            for number, kind, cluster, key, at_ms, body in rows
            if not kinds or kind in kinds
        ]

    def duplicates(self) -> int:
        return int(self._all("SELECT count(*) FROM duplicate")[0][0])

    def refuse(self, kind: str, why: str, at_ms: int, body: Any) -> None:
        said = json.dumps(body, ensure_ascii=False)[:4_000]
        with self._lock:
            self._database.execute("INSERT INTO refused VALUES(?,?,?,?)", (kind, why, at_ms, said))
            self._database.execute(
                "DELETE FROM refused WHERE rowid <= (SELECT max(rowid) FROM refused) - ?",
                (REFUSED_KEPT,),
            )

    def refused(self) -> list[tuple[str, str]]:
        """(message, why), oldest first."""
        return [(kind, why) for kind, why in self._all("SELECT kind, why FROM refused")]

    # --- status ---------------------------------------------------------------------------

    def status(self, cluster: str, at_ms: int, body: dict[str, Any]) -> None:
        with self._lock:
            self._database.execute(
                "INSERT OR REPLACE INTO status VALUES(?,?,?)",
                (cluster, at_ms, json.dumps(body, ensure_ascii=False)),
            )

    def statuses(self) -> list[tuple[str, int, dict[str, Any]]]:
        rows = self._all("SELECT cluster, received_ms, body FROM status ORDER BY cluster")
        return [(cluster, at_ms, json.loads(body)) for cluster, at_ms, body in rows]

    # --- calls that wait for a station ----------------------------------------------------

    def wait_for(self, cluster: str, kind: str, body: dict[str, Any]) -> None:
        with self._lock:
            self._database.execute(
                "INSERT INTO waiting(cluster, kind, body) VALUES(?,?,?)",
                (cluster, kind, json.dumps(body, ensure_ascii=False)),
            )

    def take_waiting(self, cluster: str) -> list[tuple[str, dict[str, Any]]]:
        """Handed out once: the call, and what kind it is."""
        with self._lock:
            rows = self._database.execute(
                "SELECT kind, body FROM waiting WHERE cluster=? ORDER BY number", (cluster,)
            ).fetchall()
            self._database.execute("DELETE FROM waiting WHERE cluster=?", (cluster,))
        return [(kind, json.loads(body)) for kind, body in rows]
