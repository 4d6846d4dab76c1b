"""How long something took lately: median, 99th percentile and worst, for a few integers a time.

One thread adds, any thread reads. Kept are the last `TURN` to twice as many values, in steps of
`STEP_NS`: a minute or two of callbacks. What is beyond the last step counts as the worst.
"""

from __future__ import annotations

from dataclasses import dataclass

STEP_NS = 20_000
_STEPS = 1_000  # to 20 ms
TURN = 3_000


@dataclass(frozen=True)
class Spread:
    """In microseconds."""

    p50_us: int
    p99_us: int
    max_us: int


class Durations:
    """`add` each value; `spread` is what was seen lately."""

    def __init__(self) -> None:
        self._now, self._before = [0] * (_STEPS + 1), [0] * (_STEPS + 1)
        self._worst_now = self._worst_before = 0
        self._left = TURN

    def add(self, length_ns: int) -> None:
        """Take one value."""
        if not self._left:
            self._before, self._worst_before = self._now, self._worst_now
            self._now, self._worst_now, self._left = [0] * (_STEPS + 1), 0, TURN
        self._left -= 1
        self._now[min(_STEPS, max(0, length_ns) // STEP_NS)] += 1
        self._worst_now = max(self._worst_now, length_ns)

    def spread(self) -> Spread | None:
        """What was seen lately, each figure rounded up to its step; None when nothing was."""
        counts = [a + b for a, b in zip(self._now, self._before, strict=True)]
        total, worst_ns = sum(counts), max(self._worst_now, self._worst_before)
        if not total:
            return None
        p50_ns, p99_ns = (min(worst_ns, _at(counts, total * share)) for share in (0.5, 0.99))
        return Spread(p50_ns // 1000, p99_ns // 1000, -(-worst_ns // 1000))


def _at(counts: list[int], wanted: float) -> int:
    """The value that so many are not above."""
    seen = 0
    for step, count in enumerate(counts):
        seen += count
        if seen >= wanted and step < _STEPS:
            return (step + 1) * STEP_NS
    return 1 << 62
