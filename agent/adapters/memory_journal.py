"""A journal in memory: what the station goes on with when its disk cannot be used at all.

The same port and the same cases as the one on disk (tests/contract/test_journal.py). Nothing here
survives the process, so every batch is told as not durable unless `durable` says to pretend,
which the simulator and tests do. `fail` and `mend` are its fault switch.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import TypeVar

from agent.adapters.ports import Durable, NotDurable, Row, Settled, StoredRecord
from agent.core.effects import Append, Drop, PruneRecords, Put, Save

_T = TypeVar("_T")


class MemoryJournal:
    """See `ports.Journal`."""

    def __init__(
        self, rows: Iterable[Row] = (), *, installation: str = "", durable: bool = True
    ) -> None:
        self._installation = installation or secrets.token_hex(8)
        self._facts = {(kind, key): value for kind, key, value in rows}
        self._records: dict[int, StoredRecord] = {}
        self._lock = threading.Lock()
        self._tickets = 0
        self._fault = "" if durable else "nothing can be stored: in memory only"
        self._on_settled: Callable[[Settled], None] = lambda _: None
        self._told = False
        self._closed = False

    @property
    def installation(self) -> str:
        return self._installation

    def load(self) -> tuple[Row, ...]:
        with self._lock:
            return tuple((kind, key, value) for (kind, key), value in sorted(self._facts.items()))

    def start(self, on_settled: Callable[[Settled], None]) -> None:
        self._on_settled = on_settled

    def submit(self, saves: Iterable[Save]) -> int:
        with self._lock:
            self._tickets += 1
            ticket = self._tickets
            for save in saves:
                self._keep(save)
            fault, told, self._told = self._fault, self._told, True
        if not fault:
            self._on_settled(Durable(ticket))
        elif not told:
            self._on_settled(NotDurable(fault))
        return ticket

    def record(self, seq: int) -> Future[bytes | None]:
        with self._lock:
            found = self._records.get(seq)
        return self._answer(found.body if found else None)

    def records(self, before: int | None, limit: int) -> Future[tuple[StoredRecord, ...]]:
        with self._lock:
            newest_first = sorted(self._records, reverse=True)
            wanted = [seq for seq in newest_first if before is None or seq < before][:limit]
            found = tuple(self._records[seq] for seq in wanted)
        return self._answer(found)

    def records_after(self, after: int, limit: int) -> Future[tuple[StoredRecord, ...]]:
        """While nothing becomes durable, everything counts: no number is ever given twice here."""
        with self._lock:
            wanted = [seq for seq in sorted(self._records) if seq > after][:limit]
            found = tuple(self._records[seq] for seq in wanted)
        return self._answer(found)

    def close(self) -> None:
        self._closed = True

    def fail(self, detail: str) -> None:
        """From now on nothing becomes durable."""
        self._fault, self._told = detail, False

    def mend(self) -> None:
        """The disk is back: everything that waited is durable."""
        self._fault = ""
        self._on_settled(Durable(self._tickets))

    def _answer(self, value: _T) -> Future[_T]:
        answer: Future[_T] = Future()
        if self._closed:
            answer.cancel()
        else:
            answer.set_result(value)
        return answer

    def _keep(self, save: Save) -> None:
        match save:
            case Put(kind, key, value):
                self._facts[kind, key] = value
            case Drop(kind, key):
                self._facts.pop((kind, key), None)
            case Append(seq, at_ms, body):
                self._records[seq] = StoredRecord(seq, at_ms, body)
            case PruneRecords(through, before_ms):
                self._records = {
                    seq: one
                    for seq, one in self._records.items()
                    if seq > through or one.at_ms >= before_ms
                }
