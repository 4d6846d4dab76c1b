"""What happens to the district in a year: power, links, lines, funerals, warnings. Drawn once.

Spans of epoch ms. A storm takes the power of half the stations; the rest happens to one alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from simulator.source_system.report.presence import Span, merged

MIN_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000


@dataclass(frozen=True, slots=True)
class Emergency:
    """repeat_ms: from one play to the next. drill: announced to the district, counted apart."""

    id: str
    title: str
    issued_ms: int
    until_ms: int
    length_ms: int
    repeat_ms: int


@dataclass(slots=True)
class Fate:
    """One station's year. quiet: zone → (span, reason). idle_days: before it was installed."""

    off: list[Span] = field(default_factory=list)
    unlinked: list[Span] = field(default_factory=list)
    open_lines: dict[str, list[Span]] = field(default_factory=dict)
    no_mains: dict[str, list[Span]] = field(default_factory=dict)
    controller: list[Span] = field(default_factory=list)
    quiet: dict[str, list[tuple[Span, str]]] = field(default_factory=dict)
    emergencies: list[Emergency] = field(default_factory=list)
    new_card_ms: int | None = None
    loses_records: bool = False
    idle_days: int = 0


@dataclass(slots=True)
class Weather:
    """What the whole district shares: storms, warnings, and when the collector was off."""

    storms: list[Span]
    emergencies: list[Emergency]
    collector_off: list[Span]


_TITLES = (
    "Cảnh báo lũ quét",
    "Cảnh báo sạt lở đất",
    "Tin bão khẩn cấp",
    "Cảnh báo cháy rừng",
    "Diễn tập báo động",
)


def weather(window: Span, rng: Random) -> Weather:
    days = window.length_ms // DAY_MS
    storms = [_somewhen(window, rng, 8 * HOUR_MS, 40 * HOUR_MS) for _ in range(days // 120 + 1)]
    warned = [one.from_ms - rng.randint(1, 6) * HOUR_MS for one in storms]
    warned += [_somewhen(window, rng, 1, 2).from_ms for _ in range(days // 40 + 1)]
    emergencies = [
        _emergency(number, at_ms, rng)
        for number, at_ms in enumerate(sorted(warned), 1)
        if window.from_ms <= at_ms < window.to_ms - DAY_MS
    ]
    off = [_somewhen(window, rng, HOUR_MS, 9 * HOUR_MS) for _ in range(days // 90 + 1)]
    return Weather(merged(storms), emergencies, merged(off))


def _emergency(number: int, at_ms: int, rng: Random) -> Emergency:
    return Emergency(
        id=f"kc-{number:04}",
        title=rng.choice(_TITLES),
        issued_ms=at_ms,
        until_ms=at_ms + rng.randint(1, 8) * HOUR_MS,
        length_ms=rng.randint(25, 70) * 1_000,
        repeat_ms=rng.choice((5, 10, 15, 30)) * MIN_MS,
    )


def fate(window: Span, shared: Weather, zones: tuple[str, ...], number: int, rng: Random) -> Fate:
    """The year of station `number`."""
    days = window.length_ms // DAY_MS
    found = Fate()
    cuts = [_somewhen(window, rng, 10 * MIN_MS, 20 * HOUR_MS) for _ in range(_about(days, 40, rng))]
    cuts += [
        Span(one.from_ms + rng.randint(0, 4) * HOUR_MS, one.to_ms + rng.randint(0, 20) * HOUR_MS)
        for one in shared.storms
        if rng.random() < 0.5
    ]
    found.off = merged(cuts)
    found.unlinked = merged(
        _somewhen(window, rng, 3 * MIN_MS, 30 * HOUR_MS) for _ in range(_about(days, 12, rng))
    )
    for zone in zones:
        found.open_lines[zone] = merged(
            _somewhen(window, rng, HOUR_MS, 6 * DAY_MS) for _ in range(_about(days, 180, rng))
        )
        found.no_mains[zone] = merged(
            _somewhen(window, rng, 20 * MIN_MS, 10 * HOUR_MS) for _ in range(_about(days, 90, rng))
        )
        found.quiet[zone] = [
            (_somewhen(window, rng, 12 * HOUR_MS, 60 * HOUR_MS), "Đám tang")
            for _ in range(_about(days, 120, rng))
        ]
    found.controller = merged(
        _somewhen(window, rng, 5 * MIN_MS, 12 * HOUR_MS) for _ in range(_about(days, 150, rng))
    )
    found.emergencies = [one for one in shared.emergencies if rng.random() < 0.8]
    if number % 11 == 5:
        found.new_card_ms = window.from_ms + rng.randint(1, max(2, days - 1)) * DAY_MS
    found.loses_records = number % 9 == 4
    if number % 13 == 8:
        found.idle_days = days // 5
    return found


def _somewhen(window: Span, rng: Random, low_ms: int, high_ms: int) -> Span:
    """Lengths of every order of magnitude between the two."""
    from_ms = rng.randrange(window.from_ms, window.to_ms)
    return Span(from_ms, from_ms + int(low_ms * (high_ms / low_ms) ** rng.random()))


def _about(days: int, every: int, rng: Random) -> int:
    """How often something happens in `days` that happens every so many days."""
    return int(days / every + rng.random())
