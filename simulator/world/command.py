"""`station-sim world`: run the world, tell what came of it, replay what failed."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from datetime import date

from simulator.world.faults import FAULTS
from simulator.world.plants import PLANTS
from simulator.world.world import FIRST_DAY, PROGRESS_MS, Result, Settings, run

EX_OK = 0
EX_VIOLATION = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--days", type=_positive, default=30, help="days to live through (30)")
    parser.add_argument("--seed", type=int, default=1, help="where all chance comes from (1)")
    parser.add_argument("--seeds", type=_positive, default=1, help="this many seeds in a row (1)")
    parser.add_argument("--stations", type=_positive, default=1, help="stations side by side (1)")
    parser.add_argument("--from-day", type=_day, default=FIRST_DAY, metavar="DATE")
    parser.add_argument(
        "--faults",
        type=_faults,
        default=None,
        help=f"comma separated, `all` or `none`; by default the seed draws some of {_names()}",
    )
    parser.add_argument("--plant", choices=sorted(PLANTS), default="", help="plant a bug")
    parser.add_argument("--progress-ms", type=_positive, default=PROGRESS_MS)
    parser.add_argument("--trace", action="store_true", help="print every event as it happens")
    parser.add_argument("--json", action="store_true", help="one JSON object a run")


def main(arguments: argparse.Namespace) -> int:
    """Exit code 1 when an invariant was violated."""
    worst = EX_OK
    for seed in range(arguments.seed, arguments.seed + arguments.seeds):
        settings = Settings(
            seed=seed,
            days=arguments.days,
            stations=arguments.stations,
            faults=arguments.faults,
            first_day=arguments.from_day,
            plant=arguments.plant,
            trace=arguments.trace,
            progress_ms=arguments.progress_ms,
        )
        result = run(settings)
        print(json.dumps(as_json(result)) if arguments.json else as_text(result))
        if result.violation is not None:
            worst = EX_VIOLATION
    return worst


def as_json(result: Result) -> dict[str, object]:
    violation = result.violation
    return {
        "seed": result.settings.seed,
        "days": result.settings.days,
        "stations": result.settings.stations,
        "faults": list(result.faults),
        "digest": result.digest,
        "events": result.events,
        "counts": result.counts,
        "station_days_a_second": _speed(result),
        "violation": None
        if violation is None
        else {
            "invariant": violation.invariant,
            "station": violation.station,
            "what": violation.what,
            "replay": result.settings.command(),
        },
    }


def as_text(result: Result) -> str:
    settings = result.settings
    head = (
        f"seed {settings.seed}: {settings.days} days, {settings.stations} station(s), "
        f"faults: {', '.join(result.faults) or 'none'}"
    )
    if result.violation is not None:
        trace = "\n".join(result.lines)
        return f"{head}\n{trace}\n\nVIOLATED {result.violation}\nreplay: {settings.command()}"
    counts = ", ".join(f"{name} {count}" for name, count in result.counts.items())
    return (
        f"{head}\n  {result.events} events, digest {result.digest}, "
        f"{_speed(result):.0f} station-days/s\n  {counts}"
    )


def _speed(result: Result) -> float:
    days = result.settings.days * result.settings.stations
    return round(days / result.took_s, 1) if result.took_s else 0.0


def _names() -> str:
    return ", ".join(FAULTS)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not at least 1")
    return number


def _day(text: str) -> str:
    """Boxes without time wake up in 1970 or 2099: the world lies between."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is not a date like {FIRST_DAY}") from None
    if not 2000 <= day.year <= 2090:
        raise argparse.ArgumentTypeError(f"{text} is not between the years 2000 and 2090")
    return day.isoformat()


def _faults(text: str) -> tuple[str, ...]:
    if text == "all":
        return tuple(FAULTS)
    names = tuple(name for name in text.split(",") if name and name != "none")
    unknown = [name for name in names if name not in FAULTS]
    if unknown:
        raise argparse.ArgumentTypeError(f"{', '.join(unknown)}; there are {_names()}")
    return names


def parsed(argv: Sequence[str]) -> argparse.Namespace:
    """For the bench and for tests."""
    parser = argparse.ArgumentParser(prog="station-sim world")
    add_arguments(parser)
    return parser.parse_args(argv)
