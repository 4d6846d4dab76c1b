"""How far two players of one programme are apart, from the first second to the last.

Owns the pairing: the sound of one recording is looked for in the other at the same wall time, so
that nothing but the two recordings is needed, and a common lateness of both does not count. Two
recorders of one sink give the floor of the method itself.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from simulator.bench.hearing import RATE_HZ, SURE, Samples
from simulator.measure import find_start, level_dbfs

EVERY_MS = 500
WINDOW_MS = 60
"""Short: two players that are being led back to each other differ by 0.2 % in speed, and a longer
window would smear until it no longer looks like the same sound."""

WITHIN_MS = 400
"""A step beyond this counts as not in step at all."""

AUDIBLE_DBFS = -50.0


class Recording(Protocol):
    """What is asked of a recorder, running or stopped."""

    def frame_of_wall_ms(self, wall_ms: float) -> float: ...

    def wall_ms_of(self, frame: float) -> float: ...

    def samples(self, bus: int, low: int = 0, high: int | None = None) -> Samples: ...


@dataclass(frozen=True, slots=True)
class Step:
    """How much later the second one was at one instant; NaN: not the same sound within reach."""

    after_ms: float
    late_ms: float


def steps(first: Recording, second: Recording, from_ms: float, to_ms: float) -> list[Step]:
    """One step each `EVERY_MS` of a stretch of wall time, both recordings covering it."""
    count = int((to_ms - from_ms - WINDOW_MS) // EVERY_MS) + 1
    instants = [from_ms + number * EVERY_MS for number in range(count)]
    return [Step(at_ms - from_ms, _late_ms(first, second, at_ms)) for at_ms in instants]


def _late_ms(first: Recording, second: Recording, at_ms: float) -> float:
    low = round(first.frame_of_wall_ms(at_ms))
    window = first.samples(0, low, low + WINDOW_MS * RATE_HZ // 1_000)
    begins_ms = first.wall_ms_of(low)
    search_low = round(second.frame_of_wall_ms(begins_ms - WITHIN_MS))
    search_high = round(second.frame_of_wall_ms(begins_ms + WINDOW_MS + WITHIN_MS))
    around = second.samples(0, max(0, search_low), search_high)
    if level_dbfs(window) < AUDIBLE_DBFS or level_dbfs(around) < AUDIBLE_DBFS:
        return math.nan
    start, score = find_start(around, window)
    if score < SURE:
        return math.nan
    return second.wall_ms_of(max(0, search_low) + start) - begins_ms


def sizes(found: Sequence[Step]) -> tuple[float, ...]:
    """How far apart, whoever was first; what was lost is counted by `lost`."""
    return tuple(abs(one.late_ms) for one in found if not math.isnan(one.late_ms))


def lost(found: Sequence[Step]) -> int:
    return sum(math.isnan(one.late_ms) for one in found)
