"""Figures with their gates, as a table for people and as JSON for machines; and the machine's mood.

Owns what counts as met: a statistic of the measured values against its bound. Measures nothing
itself but how much CPU time others took meanwhile, because a figure from a disturbed machine says
little about the product: it is then marked, not hidden.
"""

from __future__ import annotations

import contextlib
import os
import resource
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from simulator.bench import processes

Of = Literal["p50", "p95", "p99", "max"]
Verdict = Literal["met", "NOT MET", "not measured", "–"]

STOLEN_LIMIT = 0.01
FOREIGN_LIMIT = 0.15
"""Shares of all cores above which worst cases say more about the machine than about us."""

NAME_WIDTH = 50
NUMBER_WIDTH = 9
SPREAD = ("p50", "p95", "p99", "min", "max")


@dataclass(frozen=True, slots=True)
class Gate:
    """`of` the values is at most `bound`, or at least, where more is better."""

    bound: float
    of: Of = "max"
    at_least: bool = False

    def holds(self, values: Sequence[float]) -> bool:
        found = statistic(values, self.of)
        return found >= self.bound if self.at_least else found <= self.bound

    def __str__(self) -> str:
        return f"{self.of} {'≥' if self.at_least else '≤'} {self.bound:g}"


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure. Without gates it is told for comparison only."""

    part: str
    name: str
    unit: str
    values: tuple[float, ...]
    gates: tuple[Gate, ...] = ()
    note: str = ""

    @property
    def verdict(self) -> Verdict:
        if not self.values or any(value != value for value in self.values):
            return "not measured" if not self.values else "NOT MET"
        if not self.gates:
            return "–"
        return "met" if all(gate.holds(self.values) for gate in self.gates) else "NOT MET"

    def line(self) -> str:
        spread = "".join(f"{number(value):>{NUMBER_WIDTH}}" for value in self.spread().values())
        gates = ", ".join(str(gate) for gate in self.gates)
        named = f"{self.name}, {self.unit}"
        return f"{named:<{NAME_WIDTH}}{len(self.values):>4}{spread}  {self.verdict:<9}{gates}"

    def spread(self) -> dict[str, float]:
        return {name: statistic(self.values, name) for name in SPREAD if self.values}


def statistic(values: Sequence[float], of: str) -> float:
    """A percentile ("p95") by linear interpolation, "min" or "max"; NaN for nothing."""
    if not values or any(value != value for value in values):
        return float("nan")
    ordered = sorted(values)
    if of in ("min", "max"):
        return ordered[0 if of == "min" else -1]
    place = int(of[1:]) / 100 * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def number(value: float) -> str:
    """Three significant digits, never in powers of ten."""
    if value != value:
        return "missed"
    size = abs(value)
    digits = 0 if size >= 100 else 1 if size >= 10 else 2 if size >= 1 else 3
    return f"{value:,.{digits}f}"


def heading() -> str:
    columns = "".join(f"{name:>{NUMBER_WIDTH}}" for name in SPREAD)
    return f"{'figure':<{NAME_WIDTH}}{'n':>4}{columns}  {'verdict':<9}gate"


def rendered(figures: Iterable[Figure]) -> str:
    """The whole table: parts in their order, notes below their figure."""
    lines = [heading(), "-" * len(heading())]
    part = ""
    for figure in figures:
        if figure.part != part:
            part = figure.part
            lines += ["", part.upper()]
        lines.append(figure.line())
        if figure.note:
            lines.append(f"    {figure.note}")
    return "\n".join(lines)


def as_json(figure: Figure) -> dict[str, object]:
    return {
        "part": figure.part,
        "figure": figure.name,
        "unit": figure.unit,
        "n": len(figure.values),
        **{name: round(value, 4) for name, value in figure.spread().items()},
        "gates": [str(gate) for gate in figure.gates],
        "verdict": figure.verdict,
        "note": figure.note,
        "values": [round(value, 4) for value in figure.values],
    }


# --- the machine ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Mood:
    """Shares of the CPU time of all cores: stolen by the host, used by us, used by others."""

    cores: int
    seconds: float
    stolen: float
    ours: float
    others: float
    worst_core_stolen: float

    @property
    def disturbed(self) -> bool:
        return self.worst_core_stolen > STOLEN_LIMIT or self.others > FOREIGN_LIMIT

    def __str__(self) -> str:
        verdict = "DISTURBED: worst cases are the machine's" if self.disturbed else "quiet"
        return (
            f"{self.seconds:.0f} s on {self.cores} cores: {self.stolen:.1%} stolen "
            f"(worst core {self.worst_core_stolen:.1%}), {self.ours:.0%} used by the bench, "
            f"{self.others:.0%} by others: {verdict}"
        )


class Machine:
    """Watches from its construction on."""

    def __init__(self) -> None:
        self._began_s = time.monotonic()
        self._before = _jiffies()
        self._ours_before_s = _ours_s()

    def mood(self) -> Mood:
        """Others: all work on all cores that neither this process nor what it started did."""
        after = _jiffies()
        spent = {
            core: [new - old for old, new in zip(self._before[core], row, strict=True)]
            for core, row in after.items()
            if core in self._before
        }
        total = max(1, sum(sum(row) for row in spent.values()))
        stolen = sum(row[7] for row in spent.values())
        idle = sum(row[3] + row[4] for row in spent.values())
        ticks = os.sysconf("SC_CLK_TCK")
        ours = (_ours_s() - self._ours_before_s) * ticks
        return Mood(
            cores=len(spent),
            seconds=time.monotonic() - self._began_s,
            stolen=stolen / total,
            ours=ours / total,
            others=max(0.0, (total - idle - stolen - ours) / total),
            worst_core_stolen=max((row[7] / max(1, sum(row)) for row in spent.values()), default=0),
        )


def _jiffies() -> Mapping[str, list[int]]:
    """user, nice, system, idle, iowait, irq, softirq, stolen of each core."""
    rows = [row.split() for row in Path("/proc/stat").read_text(encoding="ascii").splitlines()]
    return {row[0]: [int(one) for one in row[1:9]] for row in rows if row[0][3:].isdigit()}


def _ours_s() -> float:
    """What this process, its ended children and whatever still runs below it have used."""
    used = (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    running = 0.0
    for pid in processes.tree(os.getpid()):
        if pid != os.getpid():
            with contextlib.suppress(OSError):
                running += processes.cpu_s(pid)
    return running + sum(one.ru_utime + one.ru_stime for one in used)
