"""Who wins: order among items, the winner in each zone, and which bus carries whom (D1, D7).

Demand is per zone, content is per bus. A bus takes the highest demand of its zones; a zone whose
winner found no bus is `bus_busy`. Nothing here knows time beyond the instant it is asked about.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from agent.contract.reasons import OccurrenceReason
from agent.core.items import Item, Run

DEMANDS_MAX = 6
"""Distinct winners weighed against each other at one instant; buses are at most four."""


@dataclass(frozen=True, slots=True)
class Blocked:
    """`key` wanted `zone` and did not get it: `by` whom (empty: nobody)."""

    key: str
    zone: str
    reason: OccurrenceReason
    by: str = ""


def precedence(item: Item) -> tuple[int, int, int, int, str]:
    """Sort key, best first: class, authority rank, local order, later start, id (D7)."""
    return (item.klass, item.rank, item.order, -item.start_ms, item.key)


def _holds_on(item: Item, run: Run | None, best: Item, t_ms: int) -> bool:
    """An equal that began earlier and may finish is not cut by a later start."""
    return (
        item.end == "finish"
        and run is not None
        and run.on
        and (item.klass, item.rank, item.order) == (best.klass, best.rank, best.order)
        and item.start_ms < best.start_ms
        and t_ms < best.start_ms + item.within_ms
    )


def winner(candidates: Sequence[Item], runs: Mapping[str, Run], t_ms: int) -> Item:
    """The item a zone gets; `candidates` in order of precedence, not empty."""
    best = candidates[0]
    for item in candidates[1:]:
        if _holds_on(item, runs.get(item.key), best, t_ms):
            return item
    return best


def assign_buses(
    demands: Sequence[tuple[str, Sequence[str]]],
    choices: Mapping[str, Sequence[int]],
    buses: int,
    current: Mapping[int, str],
) -> dict[int, str]:
    """(key, zones) in order of precedence → bus → key.

    Serves as many zones of the best demand as can be, then of the next; between equal answers
    keeps what is already on its bus, then follows the zones' own preference.
    """
    demands = demands[:DEMANDS_MAX]
    if len(demands) == 1 and buses == 1:
        key, zones = demands[0]
        return {0: key} if any(0 in choices[zone] for zone in zones) else {}
    best_score: tuple[int, ...] | None = None
    best: dict[int, str] = {}
    options: list[str | None] = [None, *(key for key, _ in demands)]
    for picked in product(options, repeat=buses):
        score = _score(picked, demands, choices, current)
        if best_score is None or score > best_score:
            best_score = score
            best = {bus: key for bus, key in enumerate(picked) if key is not None}
    return best


def _score(
    picked: Sequence[str | None],
    demands: Sequence[tuple[str, Sequence[str]]],
    choices: Mapping[str, Sequence[int]],
    current: Mapping[int, str],
) -> tuple[int, ...]:
    served: list[int] = []
    preference = 0
    for key, zones in demands:
        count = 0
        for zone in zones:
            place = next((n for n, bus in enumerate(choices[zone]) if picked[bus] == key), None)
            if place is not None:
                count += 1
                preference -= place
        served.append(count)
    used = sum(1 for key in picked if key is not None)
    stays = sum(1 for bus, key in current.items() if bus < len(picked) and picked[bus] == key)
    return (*served, stays, -used, preference)


def pick_bus(
    zone_choices: Sequence[int], key: str, buses: Mapping[int, str], current: int | None
) -> int | None:
    """The bus on which a zone hears `key`: where it is now, else its first preference."""
    carrying = [bus for bus in zone_choices if buses.get(bus) == key]
    if current in carrying:
        return current
    return carrying[0] if carrying else None
