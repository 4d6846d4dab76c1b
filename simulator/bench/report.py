"""How long a report takes: a year of a district's records, made first, then reported.

`python -m simulator.bench.report [--stations N] [--days N] [--records FILE]`: seconds on the clock
of the wall, because people wait for it, and of the processor, because other work on the machine
makes the first longer; with the chains followed and without. The records of 34
stations and a year are 2.4 GB and take one to two minutes to make; they are removed afterwards
unless the file is named.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import io
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from simulator.bench.table import Figure, Gate, rendered
from simulator.records.command import UNTIL
from simulator.records.command import make as make_records
from simulator.source_system.districtctl.__main__ import main as districtctl

STATIONS, DAYS, SEED = 34, 365, 1
WITHIN_S = 30.0
"""Seconds for the whole year: waiting for it is no reason to do something else meanwhile."""

Say = Callable[[str], None]


def figures(
    records: Path, stations: int, days: int, repeats: int, say: Say = lambda _: None
) -> list[Figure]:
    """Makes the records when they are not there."""
    registry = records.with_suffix(".registry")
    if not records.exists():
        say(f"records of {stations} stations over {days} days")
        make_records(records, stations=stations, days=days, seed=SEED, registry=registry)
    first = UNTIL - dt.timedelta(days - 1)
    window = ["--from", first.isoformat(), "--to", UNTIL.isoformat()]
    where = ["--records", str(records), "--registry", str(registry)]
    found = []
    for name, more in (("all files, chains followed", []), ("chains not followed", ["--no-check"])):
        say(f"the report: {name}")
        runs = [
            _timed([*window, *where, *more], records.with_suffix(".out")) for _ in range(repeats)
        ]
        gates = (Gate(WITHIN_S, "p50"),) if (stations, days) == (STATIONS, DAYS) else ()
        told = f"{stations} stations, {days} days, {records.stat().st_size / 1e9:.2f} GB"
        walls, cpus = zip(*runs, strict=True)
        found.append(Figure("report", f"report, {name}", "s", walls, gates, told))
        found.append(Figure("report", f"report, {name}, processor", "s", cpus, (), told))
    return found


def _timed(words: list[str], out: Path) -> tuple[float, float]:
    """On the wall, and of the processors, with those of the processes it started."""
    began_s, busy_s = time.monotonic(), sum(os.times()[:4])
    with contextlib.redirect_stdout(io.StringIO()):
        code = districtctl(["--home", "no-home", "report", *words, "--out", str(out)])
    if code:
        raise RuntimeError(f"districtctl report ended with {code}")
    return time.monotonic() - began_s, sum(os.times()[:4]) - busy_s


def measure(out: Path, quick: bool, say: Say) -> list[Figure]:
    """In a folder of its own below `out`, which goes again."""
    stations, days = (6, 60) if quick else (STATIONS, DAYS)
    with tempfile.TemporaryDirectory(prefix="report-", dir=out) as folder:
        return figures(Path(folder) / "records.sqlite3", stations, days, 2 if quick else 3, say)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="report", description=__doc__)
    parser.add_argument("--stations", type=int, default=STATIONS)
    parser.add_argument("--days", type=int, default=DAYS)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--records", type=Path, metavar="FILE", help="made when it is not there")
    asked = parser.parse_args(argv)

    def say(what: str) -> None:
        print(what, file=sys.stderr, flush=True)

    with tempfile.TemporaryDirectory(prefix="bench-report-") as folder:
        path = asked.records or Path(folder) / "records.sqlite3"
        print(rendered(figures(path, asked.stations, asked.days, asked.repeats, say)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
