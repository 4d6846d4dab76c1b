"""How fast the world turns: station-days a second on one core, over several seeds.

`python -m simulator.bench.world [--seeds N] [--days N] [--faults …] [--profile]`: each seed is one
run of one station. Times are CPU time of this thread, so that others on the machine do not count.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import sys
import time
from collections.abc import Sequence

from simulator.bench.table import Figure, Gate, rendered
from simulator.world.faults import FAULTS
from simulator.world.world import Settings, run

AT_LEAST = 30.0
"""Station-days a second on one core: a month in a second."""


def speeds(seeds: int, days: int, faults: tuple[str, ...] | None) -> tuple[float, ...]:
    """One run a seed; a run that violates an invariant is not a number."""
    found: list[float] = []
    for seed in range(1, seeds + 1):
        began_s = time.thread_time()
        result = run(Settings(seed=seed, days=days, faults=faults))
        took_s = time.thread_time() - began_s
        found.append(float("nan") if result.violation is not None else days / took_s)
    return tuple(found)


def figures(seeds: int, days: int) -> list[Figure]:
    unit = "1/s"
    calm = speeds(seeds, days, ())
    drawn = speeds(seeds, days, None)
    worst = speeds(seeds, days, tuple(FAULTS))
    gate = (Gate(AT_LEAST, "p50", at_least=True),)
    return [
        Figure("world", "station-days a second, no faults", unit, calm, gate),
        Figure("world", "station-days a second, faults of the seed", unit, drawn, gate),
        Figure("world", "station-days a second, every fault", unit, worst),
    ]


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="world", description=__doc__)
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--profile", action="store_true", help="where one run spends its time")
    arguments = parser.parse_args(argv)
    if arguments.profile:
        profile = cProfile.Profile()
        profile.runcall(run, Settings(seed=1, days=arguments.days))
        pstats.Stats(profile).sort_stats("tottime").print_stats(30)
        return 0
    print(rendered(figures(arguments.seeds, arguments.days)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
