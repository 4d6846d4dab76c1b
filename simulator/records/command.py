"""`station-sim records`: a year of records of a whole district, as the collector keeps them.

The same seed gives the same records.
"""

from __future__ import annotations

import argparse
import datetime as dt
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

from simulator.records import life, mishaps, place
from simulator.records.registry import write_registry
from simulator.records.writing import Writer
from simulator.source_system.desk import TIME_ZONE
from simulator.source_system.journal import Journal
from simulator.source_system.report.presence import Span, merged, without
from simulator.source_system.report.window import midnight_ms

UNTIL = dt.date(2025, 12, 14)
MERGED = dt.date(2025, 7, 1)
WATCH_EVERY_MS = 5 * mishaps.MIN_MS

Say = Callable[[str], None]


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="station-sim records", description=__doc__)
    parser.add_argument("--stations", type=int, default=34)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--until", type=dt.date.fromisoformat, default=UNTIL, metavar="DAY")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.sqlite3")
    parser.add_argument("--registry", type=Path, metavar="FOLDER", help="write its registry too")
    asked = parser.parse_args(argv)
    if asked.out.exists():
        print(f"{asked.out} is there already; remove it or choose another name", file=sys.stderr)
        return 2
    began_s = time.monotonic()

    def say(what: str) -> None:
        print(f"{time.monotonic() - began_s:6.1f} s  {what}", file=sys.stderr, flush=True)

    make(
        asked.out,
        stations=asked.stations,
        days=asked.days,
        until=asked.until,
        seed=asked.seed,
        registry=asked.registry,
        say=say,
    )
    return 0


def make(
    out: Path,
    *,
    stations: int,
    days: int,
    seed: int,
    until: dt.date = UNTIL,
    registry: Path | None = None,
    say: Say = lambda _: None,
) -> None:
    """until: the last local day, inside."""
    tz = ZoneInfo(TIME_ZONE)
    first = until - dt.timedelta(days - 1)
    window = Span(midnight_ms(first, tz), midnight_ms(until + dt.timedelta(1), tz))
    rng = Random(seed)
    district = place.stations(stations, rng)
    shared = mishaps.weather(window, rng)
    if registry is not None:
        inside = first < MERGED <= until
        merged_on = MERGED if inside else first + dt.timedelta(days * 54 // 100)
        write_registry(registry, district, first, merged_on, rng)
    journal = Journal(out)
    try:
        with journal.transaction():
            for span in without([window], shared.collector_off):
                for at_ms in range(span.from_ms, span.to_ms, WATCH_EVERY_MS):
                    journal.presence.watching(at_ms)
        for number, station in enumerate(district):
            say(f"{station.id} {station.name}")
            fate = mishaps.fate(window, shared, station.zones, number, rng)
            writer = Writer(journal, station, fate, rng)
            told = life.records(station, fate, first, days, tz, rng)
            writer.write(told, merged([*fate.off, *fate.unlinked, *shared.collector_off]))
            writer.presence(window, shared.collector_off)
    finally:
        journal.close()
