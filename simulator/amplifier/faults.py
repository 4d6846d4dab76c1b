"""What a bad line does to bytes: loss, corruption, duplication, delay, bits flipped.

Owns the mangling, driven by a seeded generator. Does not own time or transport: it says at
which moment each piece arrives. Invariant: with all rates 0 every byte arrives unchanged.
Order is kept, as a wire keeps it.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field


@dataclass(slots=True)
class LineFaults:
    """Rates are per chunk written (loss, duplicates) or per byte (corruption), 0..1."""

    loss: float = 0.0
    duplicate: float = 0.0
    corrupt: float = 0.0
    delay_ms: int = 0
    delay_spread_ms: int = 0
    one_byte_at_a_time: bool = False


@dataclass(slots=True)
class BadLine:
    """One direction of a line."""

    faults: LineFaults
    chance: random.Random
    _free_at_ms: int = field(default=0)

    def carry(self, data: bytes, now_ms: int) -> list[tuple[int, bytes]]:
        """When and as what `data` arrives."""
        faults, chance = self.faults, self.chance
        if not data or chance.random() < faults.loss:
            return []
        copies = 2 if chance.random() < faults.duplicate else 1
        arrived = self._corrupt(data) * copies
        spread = chance.randint(0, faults.delay_spread_ms) if faults.delay_spread_ms else 0
        self._free_at_ms = max(self._free_at_ms, now_ms + faults.delay_ms + spread)
        at_ms = self._free_at_ms
        if faults.one_byte_at_a_time:
            return [(at_ms, arrived[i : i + 1]) for i in range(len(arrived))]
        return [(at_ms, arrived)]

    def _corrupt(self, data: bytes) -> bytes:
        rate = self.faults.corrupt
        if not rate:
            return data
        chance = self.chance
        return bytes(
            byte ^ (1 << chance.randrange(8)) if chance.random() < rate else byte for byte in data
        )
