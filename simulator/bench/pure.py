"""What needs no sound and no network: the planner, and the world under virtual time.

Times are CPU time of this thread, so that others on the machine do not count as ours. The cases
of the planner are `plan`'s.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import chain

from agent.adapters.timezones import time_zone
from agent.contract.documents import Entry, ToneSource, When, ZoneSelector
from agent.core.items import Item, Run
from agent.core.planner import SILENCE, decide, follow, foresee
from agent.core.schedule import Expander
from simulator.bench.plan import DAY_MS, DAYS, ENTRIES, daily, station
from simulator.bench.table import Figure, Gate
from simulator.world.world import Settings, run

Say = Callable[[str], None]


def planner(quick: bool, say: Say) -> list[Figure]:
    say("the planner")
    repeats = 3 if quick else 9
    decisions = tuple(
        chain.from_iterable(_decisions(overlap, 60 * repeats) for overlap in (0.9, 3))
    )
    many = [item for day in range(DAYS) for item in daily(day, 0.9)]
    thousand = many[:: len(many) // ENTRIES][:ENTRIES]
    return [
        Figure(
            "planner",
            "the next decision among 1,000 items",
            "ms",
            decisions,
            (Gate(1.0, "p95"),),
        ),
        Figure(
            "planner",
            "next 14 days of 1,000 daily entries, expanded",
            "ms",
            _timed(_expansion(), repeats),
            (Gate(200.0, "p95"),),
            "14,000 occurrences",
        ),
        Figure(
            "planner",
            "next 14 days of 1,000 items, planned",
            "ms",
            _timed(lambda: _foresee(thousand), repeats),
            (Gate(200.0, "p95"),),
            f"{len(thousand)} items over 14 days, eight zones, two buses",
        ),
        Figure(
            "planner",
            "next 14 days of 14,000 items, planned",
            "ms",
            _timed(lambda: _foresee(many), 1 if quick else 3),
            (),
            "fourteen times the load; the daemon itself plans 26 hours ahead",
        ),
    ]


def world(quick: bool, say: Say) -> list[Figure]:
    """Stations under every fault, the core as in the daemon; a violation fails the bench."""
    seeds, days, stations = (2, 1, 2) if quick else (8, 10, 2)
    speeds, events = [], []
    for seed in range(1, seeds + 1):
        say(f"the world, seed {seed} of {seeds}")
        began_s = time.thread_time()
        result = run(Settings(seed=seed, days=days, stations=stations))
        took_s = time.thread_time() - began_s
        broken = result.violation is not None
        speeds.append(float("nan") if broken else days * stations / took_s)
        events.append(float("nan") if broken else result.events / took_s)
    told = "every seed with its own faults; the judge looks after each event"
    return [
        Figure("world", "station-days a second", "1/s", tuple(speeds), (), told),
        Figure("world", "events a second", "1/s", tuple(events)),
    ]


def _decisions(overlap: float, times: int) -> tuple[float, ...]:
    """In the middle of the day, with the runs of all that has been."""
    site, items, t_ms = station(), daily(0, overlap), DAY_MS // 2
    runs = {
        item.key: Run(item.start_ms, on=False, stopped_ms=item.start_ms + 1_000, done=True)
        for item in items
        if item.start_ms < t_ms - 3_600_000
    }
    before = decide(site, items, runs, SILENCE, t_ms)
    runs = follow(runs, SILENCE, before, t_ms)
    return _timed(lambda: decide(site, items, runs, before, t_ms + 1), times)


def _foresee(items: list[Item]) -> object:
    return foresee(station(), items, {}, SILENCE, 0, DAYS * DAY_MS)


def _expansion() -> Callable[[], object]:
    entries = tuple(
        Entry(
            id=f"e{number:04}",
            title="t",
            when=When(
                start=f"2026-11-01T{4 + number // 60:02}:{number % 60:02}:00", rrule="FREQ=DAILY"
            ),
            sources=(ToneSource(),),
            zones=ZoneSelector(all=True),
            duration_ms=60_000,
        )
        for number in range(ENTRIES)
    )
    low = datetime(2026, 11, 20, tzinfo=UTC)

    def expand() -> object:
        fresh = Expander(entries, authority="huyen", audience="s/xa", zones=time_zone)
        return fresh.between(low, low + timedelta(days=DAYS))

    return expand


def _timed(work: Callable[[], object], times: int) -> tuple[float, ...]:
    """CPU milliseconds of each run but the first, which only warms up."""
    work()
    found = []
    for _ in range(times):
        began_ns = time.thread_time_ns()
        work()
        found.append((time.thread_time_ns() - began_ns) / 1e6)
    return tuple(found)
