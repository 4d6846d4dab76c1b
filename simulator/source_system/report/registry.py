"""Who is where: stations and their names over time, hamlets served or not, boards, assets. Pure.

A station's id is for ever; its name, code, authority and groups hold from a day (inside) to a day
(outside). After the mergers of 2025 a report may be asked for by the units of then or of now: the
same plays, under other names. Nothing here is derived from what stations say.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol, TypeVar
from zoneinfo import ZoneInfo

from simulator.source_system.report.presence import Span
from simulator.source_system.report.window import Window, midnight_ms

Technology = Literal["wired", "fm", "it", "none"]
TECHNOLOGIES: dict[Technology, str] = {
    "it": "CNTT-VT",
    "fm": "FM",
    "wired": "có dây",
    "none": "chưa có",
}
By = Literal["old", "new"]


class Dated(Protocol):
    """Something that holds [from_day, until_day)."""

    @property
    def from_day(self) -> dt.date | None: ...
    @property
    def until_day(self) -> dt.date | None: ...


D = TypeVar("D", bound=Dated)


@dataclass(frozen=True, slots=True)
class Unit:
    """What a station is called and belongs to, while it does. authority: who it reports to."""

    station: str
    name: str
    code: str = ""
    authority: str = ""
    groups: tuple[str, ...] = ()
    from_day: dt.date | None = None
    until_day: dt.date | None = None


@dataclass(frozen=True, slots=True)
class Service:
    """A hamlet and what it hears; several rows when several zones reach it."""

    hamlet: str
    name: str
    technology: Technology
    unit: str = ""
    households: int | None = None
    station: str = ""
    zone: str = ""
    no_signal: bool | None = None
    from_day: dt.date | None = None
    until_day: dt.date | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Board:
    """A public electronic board. connected: to the source system, None: not said."""

    code: str
    place: str
    unit: str = ""
    connected: bool | None = None
    from_day: dt.date | None = None
    until_day: dt.date | None = None


@dataclass(frozen=True, slots=True)
class Asset:
    """part: the zone or controller whose alarms are this asset's faults. life_years: how long it
    is written off over."""

    serial: str
    kind: str
    station: str = ""
    part: str = ""
    installed: dt.date | None = None
    life_years: int | None = None
    from_day: dt.date | None = None
    until_day: dt.date | None = None
    note: str = ""

    def age_years(self, day: dt.date) -> float | None:
        return None if self.installed is None else (day - self.installed).days / 365.25

    def is_past_life(self, day: dt.date) -> bool | None:
        age = self.age_years(day)
        return None if age is None or self.life_years is None else age >= self.life_years


@dataclass(frozen=True, slots=True)
class Registry:
    """All of it; empty when the district keeps none."""

    units: tuple[Unit, ...] = ()
    services: tuple[Service, ...] = ()
    boards: tuple[Board, ...] = ()
    assets: tuple[Asset, ...] = ()

    def unit(self, station: str, day: dt.date) -> Unit | None:
        return next((one for one in on(day, self.units) if one.station == station), None)


def on(day: dt.date, things: Iterable[D]) -> list[D]:
    """Those that hold on a day."""
    return [
        one
        for one in things
        if (one.from_day is None or one.from_day <= day)
        and (one.until_day is None or day < one.until_day)
    ]


class Slice(NamedTuple):
    """A part of the window in which a station was one unit. until: the day after, outside."""

    unit: Unit
    first: dt.date
    last: dt.date
    span: Span


def slices(
    registry: Registry, stations: Sequence[str], window: Window, by: By, today: dt.date
) -> list[Slice]:
    """Every station's part or parts; together they are the window once for each station.

    old: as it was called at the time, so a station that changed has several parts. new: as it is
    called today.
    """
    found: list[Slice] = []
    for station in stations:
        if by == "new":
            unit = registry.unit(station, today) or _newest(registry, station)
            found.append(Slice(unit, window.first, window.last, window.span))
        else:
            found += _old(registry, station, window)
    return found


def _newest(registry: Registry, station: str) -> Unit:
    """A station that no row holds for today keeps its last name."""
    own = [one for one in registry.units if one.station == station]
    dated = sorted(own, key=lambda one: one.until_day or dt.date.max)
    return dated[-1] if dated else Unit(station, station)


def _old(registry: Registry, station: str, window: Window) -> list[Slice]:
    days = {window.first}
    for one in registry.units:
        if one.station == station:
            days |= {day for day in (one.from_day, one.until_day) if day is not None}
    begins = sorted(day for day in days if window.first <= day <= window.last)
    ends = [day - dt.timedelta(1) for day in begins[1:]] + [window.last]
    return [
        Slice(
            registry.unit(station, first) or Unit(station, station),
            first,
            last,
            _span(first, last, window.tz),
        )
        for first, last in zip(begins, ends, strict=True)
    ]


def _span(first: dt.date, last: dt.date, tz: ZoneInfo) -> Span:
    return Span(midnight_ms(first, tz), midnight_ms(last + dt.timedelta(1), tz))


class Hamlet(NamedTuple):
    """One hamlet on a day. ways: how it is served, empty: it is not."""

    code: str
    name: str
    unit: str
    households: int | None
    no_signal: bool | None
    ways: tuple[Service, ...]

    @property
    def is_served(self) -> bool:
        return bool(self.ways)


def hamlets(registry: Registry, day: dt.date) -> list[Hamlet]:
    """In the order of the registry."""
    rows: dict[str, list[Service]] = {}
    for one in on(day, registry.services):
        rows.setdefault(one.hamlet, []).append(one)
    return [
        Hamlet(
            code,
            found[0].name,
            found[0].unit,
            next((one.households for one in found if one.households is not None), None),
            next((one.no_signal for one in found if one.no_signal is not None), None),
            tuple(one for one in found if one.technology != "none"),
        )
        for code, found in rows.items()
    ]
