"""What is counted of plays: pure sums that can be added up in any order.

A play is one occurrence in one zone. It is exactly one of: played (to its end, nothing measured
silent), partial, mute (it played, and a measurement found the zone silent), missed, other (an
outcome of newer software that is not known here). Lengths are milliseconds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from simulator.source_system.report.columns import Label

Result = Literal["played", "partial", "mute", "missed", "other"]
RESULTS: tuple[Result, ...] = ("played", "partial", "mute", "missed", "other")

EMERGENCY = 1
"""The class of warnings."""


def result_of(outcome: str, confirmed: str) -> Result:
    """What an outcome counts as. Whatever was found silent is not counted as played."""
    if outcome == "skipped":
        return "missed"
    if outcome not in ("played", "partial"):
        return "other"
    if confirmed == "no":
        return "mute"
    return "played" if outcome == "played" else "partial"


class Counted(NamedTuple):
    """Plays that agree in everything named here, added up by the database.

    open: how many have no planned length; bound_ms: what was played of those that have one.
    """

    zone: str
    label: Label
    outcome: str
    reason: str
    confirmed: str
    plays: int
    planned_ms: int
    open: int
    played_ms: int
    bound_ms: int
    heard_ms: int
    mute_ms: int
    level_sum: int
    level_ms: int
    level_max: int | None


@dataclass(slots=True)
class Tally:
    """Sums over plays. reasons: (result, reason) → plays."""

    results: Counter[Result] = field(default_factory=Counter)
    reasons: Counter[tuple[Result, str]] = field(default_factory=Counter)
    planned_ms: int = 0
    open: int = 0
    played_ms: int = 0
    bound_ms: int = 0
    heard_ms: int = 0
    mute_ms: int = 0
    level_sum: int = 0
    level_ms: int = 0
    level_max: int | None = None
    volumes: Counter[int] = field(default_factory=Counter)

    def add(self, one: Counted) -> None:
        result = result_of(one.outcome, one.confirmed)
        self.results[result] += one.plays
        if result != "played":
            self.reasons[result, one.reason or one.outcome] += one.plays
        self.planned_ms += one.planned_ms
        self.open += one.open
        self.played_ms += one.played_ms
        self.bound_ms += one.bound_ms
        self.heard_ms += one.heard_ms
        self.mute_ms += one.mute_ms
        self.level_sum += one.level_sum
        self.level_ms += one.level_ms
        self.level_max = _louder(self.level_max, one.level_max)
        if one.label.volume is not None and result != "missed":
            self.volumes[one.label.volume] += one.plays

    def join(self, other: Tally) -> None:
        self.results.update(other.results)
        self.reasons.update(other.reasons)
        self.planned_ms += other.planned_ms
        self.open += other.open
        self.played_ms += other.played_ms
        self.bound_ms += other.bound_ms
        self.heard_ms += other.heard_ms
        self.mute_ms += other.mute_ms
        self.level_sum += other.level_sum
        self.level_ms += other.level_ms
        self.level_max = _louder(self.level_max, other.level_max)
        self.volumes.update(other.volumes)

    @property
    def plays(self) -> int:
        return self.results.total()

    @property
    def unmeasured_ms(self) -> int:
        return self.played_ms - self.heard_ms - self.mute_ms

    @property
    def ratio(self) -> float | None:
        """Played of planned, where a length was planned."""
        return share(self.bound_ms, self.planned_ms)

    @property
    def heard_share(self) -> float | None:
        """Of what was played: measured and confirmed audible."""
        return share(self.heard_ms, self.played_ms)

    @property
    def level_db(self) -> float | None:
        """Mean over time of the RMS level, dBFS."""
        return None if not self.level_ms else self.level_sum / self.level_ms / 100

    @property
    def loudest_db(self) -> float | None:
        return None if self.level_max is None else self.level_max / 100

    @property
    def volume_range(self) -> tuple[int, int] | None:
        return (min(self.volumes), max(self.volumes)) if self.volumes else None


def _louder(one: int | None, other: int | None) -> int | None:
    if one is None or other is None:
        return other if one is None else one
    return max(one, other)


def share(part: float, whole: float) -> float | None:
    """None of nothing is not zero: it is not known."""
    return part / whole if whole else None


def tally(rows: Iterable[Counted]) -> Tally:
    found = Tally()
    for one in rows:
        found.add(one)
    return found


def joined(tallies: Iterable[Tally]) -> Tally:
    found = Tally()
    for one in tallies:
        found.join(one)
    return found


class DayCount(NamedTuple):
    """Timetable plays of one local day at one station. day: days since 1970-01-01, local."""

    station: str
    day: int
    result: Result
    plays: int
    planned_ms: int
    played_ms: int


@dataclass(frozen=True, slots=True)
class Occurrences:
    """Occurrences of the timetable at a station, over all its zones.

    whole: played in every zone; none: in no zone; the rest in some, or not to its end.
    """

    all: int = 0
    whole: int = 0
    none: int = 0

    @property
    def some(self) -> int:
        return self.all - self.whole - self.none


class Evidence(NamedTuple):
    """How much of the sound was measured. grade: A ≥ 95 %, B ≥ 70 %, C below, D nothing measured.

    The letters are this software's, not a regulation's.
    """

    heard: float | None
    mute: float | None
    unmeasured: float | None
    grade: str


GRADES = ((0.95, "A"), (0.70, "B"), (0.0, "C"))


def evidence(found: Tally) -> Evidence:
    """The share counts what was measured, audible or silent: both are known."""
    measured_ms = found.heard_ms + found.mute_ms
    known = share(measured_ms, found.played_ms)
    grade = "?"
    if known is not None:
        grade = "D" if not measured_ms else next(name for low, name in GRADES if known >= low)
    return Evidence(
        share(found.heard_ms, found.played_ms),
        share(found.mute_ms, found.played_ms),
        share(found.unmeasured_ms, found.played_ms),
        grade,
    )
