"""Leases: "on" is granted for a while, and somebody alive has to ask for more.

Owns both ends of the idea: `LeaseTable` is what a controller keeps, `Holder` is the host's
judgement whether the one for whom it renews is still alive. Does not own messages.

Invariants: a lease that is not renewed ends at its time, however often it is looked at; an
ended lease is reported exactly once; a holder that has said nothing is not alive.
"""

from __future__ import annotations

from dataclasses import dataclass, field

GATE_LEASE_MS = 5_000
GATE_RENEW_MS = 1_000
POWER_LEASE_S = 90
POWER_RENEW_MS = 20_000
MIN_POWER_LEASE_S = 60
HOLDER_PATIENCE_MS = 3_000


@dataclass(slots=True)
class LeaseTable:
    """Who may stay on until when; keys are zone numbers, or anything else."""

    _until_ms: dict[str, int] = field(default_factory=dict)

    def grant(self, key: str, until_ms: int) -> None:
        self._until_ms[key] = until_ms

    def end(self, key: str) -> None:
        self._until_ms.pop(key, None)

    def holds(self, key: str) -> bool:
        return key in self._until_ms

    def take_expired(self, now_ms: int) -> list[str]:
        """The leases that have ended since the last call, earliest first."""
        ended = sorted(
            (until_ms, key) for key, until_ms in self._until_ms.items() if until_ms <= now_ms
        )
        for _, key in ended:
            del self._until_ms[key]
        return [key for _, key in ended]

    def next_end_ms(self) -> int | None:
        return min(self._until_ms.values(), default=None)


@dataclass(slots=True)
class Holder:
    """The agent's sign of life: a monotonic mark of its last progress."""

    progress_ms: int | None = None

    def mark(self, progress_ms: int) -> None:
        """Marks only move forward; an older one changes nothing."""
        if self.progress_ms is None or progress_ms > self.progress_ms:
            self.progress_ms = progress_ms

    def alive(self, now_ms: int) -> bool:
        return self.progress_ms is not None and now_ms - self.progress_ms < HOLDER_PATIENCE_MS
