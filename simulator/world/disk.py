"""A modelled journal: batches become durable in order, and a power cut keeps a prefix of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from agent.core.effects import Append, Drop, PruneRecords, Put, Save


@dataclass(slots=True)
class Disk:
    """Committed facts and records, and the batches under way: (durable at, saves)."""

    facts: dict[tuple[str, str], bytes] = field(default_factory=dict)
    records: dict[int, bytes] = field(default_factory=dict)
    pending: list[tuple[int, tuple[Save, ...]]] = field(default_factory=list)
    commits: int = 0

    def submit(self, saves: tuple[Save, ...], now_ms: int, latency_ms: int) -> int:
        """When the batch will be durable; batches never overtake each other."""
        ready_ms = now_ms + latency_ms
        if self.pending:
            ready_ms = max(ready_ms, self.pending[-1][0])
        if saves:
            self.pending.append((ready_ms, saves))
        return ready_ms

    def settle(self, now_ms: int) -> None:
        """Make durable what is due."""
        done = 0
        for ready_ms, saves in self.pending:
            if ready_ms > now_ms:
                break
            self._apply(saves)
            done += 1
        del self.pending[:done]

    def power_cut(self, rng: Random) -> None:
        """A prefix of the batches under way survives; which, chance decides."""
        for _, saves in self.pending[: rng.randint(0, len(self.pending))]:
            self._apply(saves)
        self.pending.clear()

    def _apply(self, saves: tuple[Save, ...]) -> None:
        self.commits += 1
        for save in saves:
            match save:
                case Put(kind=kind, key=key, value=value):
                    self.facts[kind, key] = value
                case Drop(kind=kind, key=key):
                    self.facts.pop((kind, key), None)
                case Append(seq=seq, body=body):
                    self.records[seq] = body
                case PruneRecords(through_seq=through):
                    for seq in [seq for seq in self.records if seq <= through]:
                        del self.records[seq]

    def rows(self) -> list[tuple[str, str, bytes]]:
        return [(kind, key, value) for (kind, key), value in self.facts.items()]
