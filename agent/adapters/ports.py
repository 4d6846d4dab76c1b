"""What the runtime needs of the world, as protocols. Real parts and fakes implement the same ones.

Owns no behaviour. Every method here returns at once: what takes time happens in the adapter's
own thread or task and comes back as an event, a future or a callback.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Protocol

from agent.core.effects import Batch, Save
from agent.core.events import ClockSeen, Event, Now

Emit = Callable[[Event], None]
"""Hand an event to the runtime; safe from any thread, never blocks."""

Row = tuple[str, str, bytes]
"""A fact as stored: kind, key, value."""


class Decider(Protocol):
    """What decides: `agent.core.station.Station`, or a script in a test."""

    def handle(self, event: Event, now: Now) -> Batch: ...


@dataclass(frozen=True, slots=True)
class ClockReading:
    """now, and what changed about the clock since the last reading (to be told first)."""

    now: Now
    seen: ClockSeen | None = None


class ClockPort(Protocol):
    def read(self) -> ClockReading: ...


@dataclass(frozen=True, slots=True)
class Durable:
    """Every batch up to ticket `through` survives a power cut."""

    through: int


@dataclass(frozen=True, slots=True)
class NotDurable:
    """Batches after the last `Durable` are only in memory; the journal keeps trying.

    Told at the first failure and at most once a minute while it lasts. `hopeless`: trying on is
    useless; opening anew is not (a corrupt file is put aside then).
    """

    detail: str
    hopeless: bool = False


Settled = Durable | NotDurable


@dataclass(frozen=True, slots=True)
class StoredRecord:
    seq: int
    at_ms: int
    body: bytes


class Journal(Protocol):
    """The only store of state beside content-addressed files.

    Batches become durable in the order they were submitted, each wholly or not at all: after a
    crash the content equals that of a prefix of them.
    """

    @property
    def installation(self) -> str:
        """Random id, made when this journal was made."""

    def load(self) -> tuple[Row, ...]:
        """All facts; before `start`."""

    def start(self, on_settled: Callable[[Settled], None]) -> None:
        """From now on batches are taken; `on_settled` may run in any thread."""

    def submit(self, saves: Iterable[Save]) -> int:
        """Take a batch; returns its ticket (1, 2, 3 …)."""

    def record(self, seq: int) -> Future[bytes | None]:
        """The body of record `seq`; sees every batch submitted before."""

    def records(self, before: int | None, limit: int) -> Future[tuple[StoredRecord, ...]]:
        """Up to `limit` records older than `before` (None: the newest), newest first."""

    def records_after(self, after: int, limit: int) -> Future[tuple[StoredRecord, ...]]:
        """Up to `limit` records newer than `after`, oldest first; only those that are durable.

        Their numbers are given for good, so others may be told of them.
        """

    def close(self) -> None:
        """Commit what is waiting (within a bound), then let go of the file. Blocks."""
