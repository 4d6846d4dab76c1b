"""The journal: facts and event records in one SQLite file (WAL, synchronous=FULL).

Owns the file, its schema and its one writing thread. Does not own what facts mean.

Invariants: batches are committed in order, several may share a transaction, none is split;
a batch that cannot be committed stays in memory, in front, and is tried again; memory held that
way is bounded (facts: last value wins; records: the oldest go first and are counted). A corrupt
file is put aside and a clean one begun: told as a value, never raised. The file is mode 0600.
On a full card the `reserve` beside it is given up first.
Migrations only add, so an older agent can still read a newer file.
"""

from __future__ import annotations

import itertools
import logging
import secrets
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

from agent.adapters.clock import mono_ms
from agent.adapters.ports import Durable, NotDurable, Row, Settled, StoredRecord
from agent.adapters.reserve import Reserve
from agent.core.effects import Append, Drop, PruneRecords, Put, Save

log = logging.getLogger(__name__)

GROUP_MAX_BATCHES = 256
BACKLOG_MAX_SAVES = 4_000
BACKLOG_MAX_RECORDS = 2_000
RETRY_FIRST_MS = 1_000
RETRY_MAX_MS = 30_000
TELL_AGAIN_MS = 60_000
CLOSE_WITHIN_S = 3.0
KEEP_CORRUPT_FILES = 2

_SEQ_MAX = 2**63 - 1
_T = TypeVar("_T")

MIGRATIONS = (
    """
    CREATE TABLE fact(kind TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL,
                      PRIMARY KEY(kind, key)) WITHOUT ROWID;
    CREATE TABLE record(seq INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, body BLOB NOT NULL);
    CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    """,
    # Pruning looks for old records every night; without this it reads all of them.
    "CREATE INDEX record_at ON record(at_ms);",
)
"""Statement i brings a file from schema i to i+1 (`PRAGMA user_version`)."""

OpenNote = Literal["opened", "created", "migrated", "quarantined", "read_only"]


@dataclass(frozen=True, slots=True)
class Opened:
    """note: what was found. detail: where the bad file went, or why nothing can be written."""

    journal: SqliteJournal
    note: OpenNote
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Unopened:
    """Nothing can be read or written there; the caller may go on in memory."""

    detail: str


class _CorruptError(Exception):
    """The file is not a sound journal."""


def open_journal(file: Path, wall_ms: int, *, max_pages: int = 0) -> Opened | Unopened:
    """Open, check, migrate; put a corrupt file aside and begin a clean one.

    wall_ms names the file that is put aside. max_pages bounds the file (0: only the disk does).
    """
    try:
        try:
            return _open_checked(file, max_pages)
        except (sqlite3.Error, OSError):
            if not _reserve(file).drop():
                raise
            return _open_checked(file, max_pages)  # a full card has room for it now
    except _CorruptError as error:
        return _begin_clean(file, wall_ms, max_pages, str(error))
    except (sqlite3.Error, OSError) as error:
        return _open_read_only(file, str(error))


def _reserve(file: Path) -> Reserve:
    return Reserve(file.with_name("reserve"))


def _open_checked(file: Path, max_pages: int) -> Opened:
    existed = file.exists() and file.stat().st_size > 0
    file.touch(mode=0o600)
    file.chmod(0o600)
    db = _connect(file)
    try:
        if existed:
            _check(db)
        before = _prepare(db, max_pages)
        installation = _installation(db)
    except sqlite3.DatabaseError as error:
        db.close()
        if _is_corruption(error):
            raise _CorruptError(str(error)) from None
        raise
    except _CorruptError:
        db.close()
        raise
    note: OpenNote = "opened" if before >= len(MIGRATIONS) else "migrated"
    return Opened(
        SqliteJournal(db, installation, _reserve(file)),
        "created" if not existed else note,
        f"schema {before}",
    )


def _connect(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(
        file, timeout=5.0, isolation_level=None, check_same_thread=False, cached_statements=32
    )


def _check(db: sqlite3.Connection) -> None:
    found = db.execute("PRAGMA quick_check(1)").fetchone()
    if found is None or found[0] != "ok":
        raise _CorruptError(str(found[0] if found else "quick_check gave no answer"))


def _prepare(db: sqlite3.Connection, max_pages: int) -> int:
    """Journal mode, schema; returns the schema the file had."""
    mode = db.execute("PRAGMA journal_mode=WAL").fetchone()[0]
    if mode != "wal":
        raise sqlite3.OperationalError(f"journal mode is {mode}, wanted wal")
    db.execute("PRAGMA synchronous=FULL")
    db.execute("PRAGMA cache_size=-1024")
    db.execute("PRAGMA wal_autocheckpoint=256")
    db.execute("PRAGMA journal_size_limit=4194304")
    before: int = db.execute("PRAGMA user_version").fetchone()[0]
    for number in range(before, len(MIGRATIONS)):
        db.executescript(
            f"BEGIN IMMEDIATE; {MIGRATIONS[number]} PRAGMA user_version={number + 1}; COMMIT;"
        )
    if max_pages:
        db.execute(f"PRAGMA max_page_count={int(max_pages)}")
    return before


def _installation(db: sqlite3.Connection) -> str:
    found = db.execute("SELECT value FROM meta WHERE key='installation'").fetchone()
    if found:
        return str(found[0])
    made = secrets.token_hex(8)
    db.execute("INSERT INTO meta(key, value) VALUES('installation', ?)", (made,))
    return made


def _is_corruption(error: sqlite3.DatabaseError) -> bool:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    # A missing table is SQLITE_ERROR: somebody's other database, or a torn first start.
    missing = "no such table" in str(error) or "already exists" in str(error)
    return code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) or missing


def _begin_clean(file: Path, wall_ms: int, max_pages: int, why: str) -> Opened | Unopened:
    aside = file.with_name(f"{file.name}.corrupt-{wall_ms}")
    try:
        for suffix in ("", "-wal", "-shm"):
            part = file.with_name(file.name + suffix)
            if part.exists():
                part.rename(aside.with_name(aside.name + suffix))
        _forget_old_corrupt(file)
        opened = _open_checked(file, max_pages)
    except (_CorruptError, sqlite3.Error, OSError) as error:
        return Unopened(f"{why}; and no clean file could be begun: {error}")
    return Opened(opened.journal, "quarantined", f"{aside.name}: {why}")


def _forget_old_corrupt(file: Path) -> None:
    kept = sorted(file.parent.glob(f"{file.name}.corrupt-*[0-9]"))[:-KEEP_CORRUPT_FILES]
    for old in kept:
        for part in file.parent.glob(f"{old.name}*"):
            part.unlink()


def _open_read_only(file: Path, why: str) -> Opened | Unopened:
    """A card that turned read-only: go on with what it holds, keep new things in memory."""
    try:
        db = sqlite3.connect(
            f"file:{file}?mode=ro&immutable=1",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
        )
        _check(db)
        installation = _installation(db)
    except (_CorruptError, sqlite3.Error, OSError) as error:
        return Unopened(f"{why}; reading it: {error}")
    return Opened(SqliteJournal(db, installation), "read_only", why)


@dataclass(slots=True)
class _Batch:
    ticket: int
    saves: tuple[Save, ...]


class SqliteJournal:
    """See `ports.Journal`. One thread writes and reads; callers only queue."""

    def __init__(
        self, db: sqlite3.Connection, installation: str, reserve: Reserve | None = None
    ) -> None:
        self._db = db
        self._reserve = reserve
        self._installation = installation
        self._on_settled: Callable[[Settled], None] = lambda _: None
        self._change = threading.Condition()
        self._batches: deque[_Batch] = deque()  # not durable yet; only the thread pops
        self._reads: deque[Callable[[], None]] = deque()
        self._tickets = 0
        self._closing = False
        self._trouble = _Trouble()
        self._thread: threading.Thread | None = None
        self.records_lost = 0
        """Records that had to go because nothing could be written for too long."""

    @property
    def installation(self) -> str:
        return self._installation

    def load(self) -> tuple[Row, ...]:
        rows = self._db.execute("SELECT kind, key, value FROM fact ORDER BY kind, key")
        return tuple((kind, key, bytes(value)) for kind, key, value in rows)

    def newest_ms(self) -> int:
        """When the newest record was made: the wall clock cannot be before it. Before `start`."""
        found = self._db.execute("SELECT max(at_ms) FROM record").fetchone()
        return int(found[0] or 0)

    def start(self, on_settled: Callable[[Settled], None]) -> None:
        self._on_settled = on_settled
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    def submit(self, saves: Iterable[Save]) -> int:
        with self._change:
            self._tickets += 1
            self._batches.append(_Batch(self._tickets, tuple(saves)))
            self._change.notify()
            return self._tickets

    def record(self, seq: int) -> Future[bytes | None]:
        def read() -> bytes | None:
            waiting = self._waiting_records().get(seq)
            if waiting is not None:
                return waiting.body
            row = self._db.execute("SELECT body FROM record WHERE seq=?", (seq,)).fetchone()
            return bytes(row[0]) if row else None

        return self._ask(read)

    def records(self, before: int | None, limit: int) -> Future[tuple[StoredRecord, ...]]:
        def read() -> tuple[StoredRecord, ...]:
            below = before if before is not None else _SEQ_MAX
            rows = self._db.execute(
                "SELECT seq, at_ms, body FROM record WHERE seq<? ORDER BY seq DESC LIMIT ?",
                (below, limit),
            )
            found = {row[0]: StoredRecord(row[0], row[1], bytes(row[2])) for row in rows}
            found |= {seq: one for seq, one in self._waiting_records().items() if seq < below}
            return tuple(sorted(found.values(), key=lambda one: -one.seq)[:limit])

        return self._ask(read)

    def records_after(self, after: int, limit: int) -> Future[tuple[StoredRecord, ...]]:
        def read() -> tuple[StoredRecord, ...]:
            rows = self._db.execute(
                "SELECT seq, at_ms, body FROM record WHERE seq>? ORDER BY seq LIMIT ?",
                (after, limit),
            )
            return tuple(StoredRecord(row[0], row[1], bytes(row[2])) for row in rows)

        return self._ask(read)

    def close(self) -> None:
        with self._change:
            self._closing = True
            self._change.notify()
        if self._thread is None:
            self._db.close()
            return
        self._thread.join(CLOSE_WITHIN_S)

    def _ask(self, read: Callable[[], _T]) -> Future[_T]:
        answer: Future[_T] = Future()

        def run() -> None:
            try:
                answer.set_result(read())
            except sqlite3.Error as error:
                answer.set_exception(error)

        with self._change:
            if self._closing:
                answer.cancel()
            else:
                self._reads.append(run)
                self._change.notify()
        return answer

    def _waiting_records(self) -> dict[int, StoredRecord]:
        """What is in memory because it could not be written. In the thread only."""
        return {
            save.seq: StoredRecord(save.seq, save.at_ms, save.body)
            for batch in self._batches.copy()
            for save in batch.saves
            if isinstance(save, Append)
        }

    # --- the writing thread ---------------------------------------------------------------

    def _run(self) -> None:
        try:
            self._take_reserve()
            while not self._finished():
                self._wait()
                if self._trouble.may_try():
                    self._write_waiting()
                self._answer_waiting()
        except Exception as error:  # supervision: without this thread nothing is saved any more
            log.exception("journal_broke")
            self._on_settled(NotDurable(f"internal: {error}", hopeless=True))
        self._db.close()

    def _finished(self) -> bool:
        """Closing, and nothing left that could still be written."""
        with self._change:
            return self._closing and (not self._batches or self._trouble.on)

    def _wait(self) -> None:
        with self._change:
            while not (self._closing or self._reads or (self._batches and self._trouble.may_try())):
                self._change.wait(self._trouble.wait_s() if self._batches else None)

    def _write_waiting(self) -> None:
        """Commit everything that waits, grouped; stop at the first failure."""
        while self._batches:
            with self._change:
                group = list(itertools.islice(self._batches, GROUP_MAX_BATCHES))
            fault = self._commit(group)
            if fault is not None and self._reserve is not None and self._reserve.give_up():
                fault = self._commit(group)
            if fault is not None:
                self._failed(fault)
                return
            self._take_reserve()
            with self._change:
                for _ in group:
                    self._batches.popleft()
            self._trouble = _Trouble()
            self._on_settled(Durable(group[-1].ticket))

    def _take_reserve(self) -> None:
        if self._reserve is not None:
            self._reserve.take(mono_ms())

    def _commit(self, group: list[_Batch]) -> sqlite3.Error | None:
        try:
            self._db.execute("BEGIN IMMEDIATE")
            for batch in group:
                for save in batch.saves:
                    _write(self._db, save)
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            try:
                self._db.execute("ROLLBACK")
            except sqlite3.Error:  # no transaction was open: nothing to undo
                pass
            return error
        return None

    def _failed(self, fault: sqlite3.Error) -> None:
        tell = self._trouble.another()
        with self._change:
            self._bound_backlog()
        if tell:
            corrupt = isinstance(fault, sqlite3.DatabaseError) and _is_corruption(fault)
            self._on_settled(NotDurable(str(fault), hopeless=corrupt))

    def _bound_backlog(self) -> None:
        """Fold what waits into one batch: the last value of each fact, the newest records."""
        if sum(len(batch.saves) for batch in self._batches) <= BACKLOG_MAX_SAVES:
            return
        saves = [save for batch in self._batches for save in batch.saves]
        facts = {(save.kind, save.key): save for save in saves if isinstance(save, Put | Drop)}
        records = {save.seq: save for save in saves if isinstance(save, Append)}
        kept = sorted(records.values(), key=lambda one: one.seq)[-BACKLOG_MAX_RECORDS:]
        self.records_lost += len(records) - len(kept)
        prunes = [save for save in saves if isinstance(save, PruneRecords)][-1:]
        last = self._batches[-1].ticket
        self._batches.clear()
        self._batches.append(_Batch(last, (*facts.values(), *kept, *prunes)))

    def _answer_waiting(self) -> None:
        while True:
            with self._change:
                if not self._reads:
                    return
                read = self._reads.popleft()
            read()


class _Trouble:
    """Nothing can be written: when to try again, when to tell again."""

    def __init__(self) -> None:
        self.on = False
        self._pause_ms = 0
        self._try_at_ms = 0
        self._tell_at_ms = 0

    def may_try(self) -> bool:
        return not self.on or mono_ms() >= self._try_at_ms

    def wait_s(self) -> float | None:
        return max(0, self._try_at_ms - mono_ms()) / 1_000 if self.on else None

    def another(self) -> bool:
        """One more failure; whether to tell."""
        now_ms = mono_ms()
        self._pause_ms = min(self._pause_ms * 2 or RETRY_FIRST_MS, RETRY_MAX_MS)
        self._try_at_ms = now_ms + self._pause_ms
        tell = not self.on or now_ms >= self._tell_at_ms
        if tell:
            self._tell_at_ms = now_ms + TELL_AGAIN_MS
        self.on = True
        return tell


def _write(db: sqlite3.Connection, save: Save) -> None:
    match save:
        case Put(kind, key, value):
            db.execute(
                "INSERT OR REPLACE INTO fact(kind, key, value) VALUES(?,?,?)", (kind, key, value)
            )
        case Drop(kind, key):
            db.execute("DELETE FROM fact WHERE kind=? AND key=?", (kind, key))
        case Append(seq, at_ms, body):
            db.execute(
                "INSERT OR REPLACE INTO record(seq, at_ms, body) VALUES(?,?,?)", (seq, at_ms, body)
            )
        case PruneRecords(through, before_ms):
            db.execute("DELETE FROM record WHERE seq<=? AND at_ms<?", (through, before_ms))
