"""A modelled journal: batches become durable in order, and a power cut keeps a prefix of them."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from random import Random

from agent.core.effects import Append, Drop, PruneRecords, Put, Save


@dataclass(slots=True)
class Disk:
    """Committed facts and records, and the batches under way: (durable at, saves).

    files: what lies verified in the content store, sha256 → bytes. Instants are true time.
    """

    facts: dict[tuple[str, str], bytes] = field(default_factory=dict)
    records: dict[int, bytes] = field(default_factory=dict)
    files: dict[str, int] = field(default_factory=dict)
    pending: deque[tuple[int, tuple[Save, ...]]] = field(default_factory=deque)
    stalled_until_ms: int = 0
    commits: int = 0
    bytes_written: int = 0
    _written_ms: dict[int, int] = field(default_factory=dict)

    def submit(self, saves: tuple[Save, ...], now_ms: int, latency_ms: int) -> int:
        """When the batch will be durable; batches never overtake each other."""
        ready_ms = max(now_ms + latency_ms, self.stalled_until_ms)
        if self.pending:
            ready_ms = max(ready_ms, self.pending[-1][0])
        self.pending.append((ready_ms, saves))
        return ready_ms

    def settle(self, now_ms: int) -> None:
        """Make durable what is due."""
        while self.pending and self.pending[0][0] <= now_ms:
            self._apply(self.pending.popleft()[1])

    def die(self, keep: int) -> None:
        """Power goes: `keep` of the batches under way survive, in order."""
        for _ in range(min(keep, len(self.pending))):
            self._apply(self.pending.popleft()[1])
        self.pending.clear()
        self.stalled_until_ms = 0

    def power_cut(self, rng: Random) -> None:
        """A prefix of the batches under way survives; which, chance decides."""
        self.die(rng.randint(0, len(self.pending)))

    def record(self, seq: int) -> bytes | None:
        """Record `seq`; a reader sees what was submitted before."""
        if seq in self.records:
            return self.records[seq]
        for _, saves in self.pending:
            for save in saves:
                if isinstance(save, Append) and save.seq == seq:
                    return save.body
        return None

    def _apply(self, saves: tuple[Save, ...]) -> None:
        self.commits += 1
        for save in saves:
            match save:
                case Put(kind=kind, key=key, value=value):
                    self.facts[kind, key] = value
                    self.bytes_written += len(value)
                case Drop(kind=kind, key=key):
                    self.facts.pop((kind, key), None)
                case Append(seq=seq, at_ms=at_ms, body=body):
                    self._written_ms[seq] = at_ms
                    self.records[seq] = body
                    self.bytes_written += len(body)
                case PruneRecords(through_seq=through, before_ms=before_ms):
                    for seq, at_ms in list(self._written_ms.items()):
                        if seq <= through and at_ms < before_ms:
                            del self.records[seq], self._written_ms[seq]

    def rows(self) -> list[tuple[str, str, bytes]]:
        return [(kind, key, value) for (kind, key), value in self.facts.items()]
