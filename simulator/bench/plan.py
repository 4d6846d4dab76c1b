"""How long the planner takes: one decision among 1,000 entries, and fourteen days ahead.

Measures only `agent.core`; nothing sounds. Run with `python -m simulator.bench.plan [repeats]`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median, quantiles
from time import perf_counter

from agent.contract.reports import OccurrenceRef
from agent.core.items import Item, Run, key_of
from agent.core.planner import SILENCE, Decision, decide, follow, foresee
from agent.core.site import Amplifier, BusChoice, Site, Zone

ENTRIES = 1_000
ZONES = 8
DAY_MS = 86_400_000
DAYS = 14


@dataclass(frozen=True)
class Row:
    """One measured case; times in milliseconds."""

    name: str
    times_ms: tuple[float, ...]

    def __str__(self) -> str:
        low, high = quantiles(self.times_ms, n=20)[0], quantiles(self.times_ms, n=20)[-1]
        return (
            f"{self.name:<42} {median(self.times_ms):9.3f} ms   {low:9.3f} … {high:9.3f} (5–95 %)"
        )


def station() -> Site:
    both = (BusChoice(0, 1), BusChoice(1, 2))
    zones = tuple(Zone(f"z{n}", "main", n, "amp", both) for n in range(ZONES))
    return Site("bench", "bench", "Asia/Ho_Chi_Minh", zones, (Amplifier("amp", "main"),), 2)


def daily(day: int, overlap: float) -> list[Item]:
    """1,000 items spread over a day, each `overlap` times as long as the gap to the next."""
    gap_ms = DAY_MS // ENTRIES
    items = []
    for n in range(ENTRIES):
        ref = OccurrenceRef(
            authority="a",
            audience="s:1",
            entry=f"e{n:04}",
            nominal=f"2026-01-{day + 1:02}T00:00:00",
        )
        items.append(
            Item(
                key=key_of(ref),
                ref=ref,
                title="",
                klass=2 if n % 10 == 0 else 3,
                rank=n % 3,
                order=0,
                start_ms=day * DAY_MS + n * gap_ms,
                zones=tuple(f"z{(n + k) % ZONES}" for k in range(1 + n % ZONES)),
                play_ms=int(gap_ms * overlap),
                total_ms=int(gap_ms * overlap),
                late=("join", "restart", "skip")[n % 3],
                grace_ms=gap_ms,
                resume=("rejoin", "continue", "drop")[n // 3 % 3],
                end=("cut", "finish")[n % 2],
                within_ms=30_000,
            )
        )
    return items


def measure(name: str, repeats: int, work: Callable[[], object]) -> Row:
    work()
    times: list[float] = []
    for _ in range(repeats):
        began = perf_counter()
        work()
        times.append((perf_counter() - began) * 1_000)
    return Row(name, tuple(times))


def one_decision(repeats: int, overlap: float) -> Row:
    """In the middle of the day, with the runs of all that has been."""
    site, items, t_ms = station(), daily(0, overlap), DAY_MS // 2
    runs: dict[str, Run] = {
        item.key: Run(item.start_ms, on=False, stopped_ms=item.start_ms + 1_000, done=True)
        for item in items
        if item.start_ms < t_ms - 3_600_000
    }
    before: Decision = decide(site, items, runs, SILENCE, t_ms)
    runs = follow(runs, SILENCE, before, t_ms)
    name = f"decide among {ENTRIES}, each {overlap:g} gaps long"
    return measure(name, repeats, lambda: decide(site, items, runs, before, t_ms + 1))


def ahead(repeats: int, days: int, overlap: float) -> Row:
    site = station()
    items = [item for day in range(days) for item in daily(day, overlap)]
    name = f"foresee {days} d × {ENTRIES}, each {overlap:g} gaps long"
    return measure(name, repeats, lambda: foresee(site, items, {}, SILENCE, 0, days * DAY_MS))


def main(arguments: list[str]) -> int:
    repeats = int(arguments[0]) if arguments else 5
    for overlap in (0.9, 3):
        print(one_decision(repeats * 100, overlap), flush=True)
    for days, overlap in ((1, 0.9), (DAYS, 0.9), (DAYS, 3)):
        print(ahead(max(2, repeats), days, overlap), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
