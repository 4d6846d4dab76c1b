"""Who wins: order among items, the winner in each zone, and which bus carries whom (D1, D7).

Demand is per zone, content is per bus. A bus takes the highest demand of its zones; a zone whose
winner found no bus is `bus_busy`. Nothing here knows time beyond the instant it is asked about.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from agent.contract.reasons import OccurrenceReason
from agent.core.items import Item


@dataclass(frozen=True, slots=True)
class Blocked:
    """`key` wanted `zone` and did not get it: `by` whom (empty: nobody), by which `rule`."""

    key: str
    zone: str
    reason: OccurrenceReason
    by: str = ""
    rule: str = ""


def precedence(item: Item) -> tuple[int, int, int, int, int, str]:
    """Sort key, best first: class, the commune's order, authority rank, the sender's order, later
    start, id (D7). Emergencies are nobody's to order."""
    decided = item.decided if item.klass > 1 else 0
    return (item.klass, decided, item.rank, item.order, -item.start_ms, item.key)


def _holds_on(item: Item, other: Item, t_ms: int) -> bool:
    """An equal that began earlier and may finish is not cut by a later start.

    Sound without a known end has nothing to finish.
    """
    return (
        item.end == "finish"
        and item.total_ms is not None
        and precedence(item)[:4] == precedence(other)[:4]
        and item.start_ms <= other.start_ms
        and t_ms < other.start_ms + item.within_ms
    )


def place_of(item: Item, sounds: bool, better: Sequence[Item], t_ms: int) -> int:
    """Where `item` goes in an order of the items that precede it.

    One that sounds goes before those it holds off, from the last one upwards and no further than
    the first it does not: a chain of later starts does not prolong it.
    """
    at = len(better)
    while sounds and at and _holds_on(item, better[at - 1], t_ms):
        at -= 1
    return at


@dataclass(frozen=True, slots=True)
class _Answer:
    """Buses given away so far, and how good that is beyond the zones served.

    score: buses that keep their item, minus buses used, minus places down the zones'
    preferences, then low bus numbers.
    """

    given: tuple[tuple[str, int], ...] = ()
    score: tuple[int, int, int, tuple[int, ...]] = (0, 0, 0, ())

    def with_(self, key: str, buses: int, stays: int, places: int) -> _Answer:
        kept, used, preference, numbers = self.score
        return _Answer(
            (*self.given, (key, buses)),
            (
                kept + (buses & stays).bit_count(),
                used - buses.bit_count(),
                preference - places,
                (*numbers, -buses),
            ),
        )

    def taken(self) -> int:
        return sum(mask for _, mask in self.given)

    def given_to(self, key: str) -> int:
        return sum(mask for one, mask in self.given if one == key)


def assign_buses(
    demands: Sequence[tuple[str, Sequence[str]]],
    choices: Mapping[str, Sequence[int]],
    buses: int,
    current: Mapping[int, str],
) -> dict[int, str]:
    """(key, zones), best first → bus → key. A key may come again with further zones.

    Serves as many zones of the best demand as can be, then of the next; between equal answers
    keeps what is already on its bus, then takes few buses, then the zones' own preference, then
    low bus numbers. Sets of buses are bit masks here.
    """
    if buses == 1:
        return _assign_single(demands, choices)
    keys = [key for key, _ in demands]
    twice = [key for key in dict.fromkeys(keys) if keys.count(key) > 1]
    answers = [_Answer()]
    for key, zones in demands:
        stays = sum(1 << bus for bus, held in current.items() if held == key)
        served = _serve(answers, key, [choices[zone] for zone in zones], stays, buses)
        answers = _distinct(served, twice)
    best = max(answers, key=lambda answer: answer.score)
    return {bus: key for key, mask in best.given for bus in range(buses) if mask >> bus & 1}


def _assign_single(
    demands: Sequence[tuple[str, Sequence[str]]], choices: Mapping[str, Sequence[int]]
) -> dict[int, str]:
    for key, zones in demands:
        if any(0 in choices[zone] for zone in zones):
            return {0: key}
    return {}


def _serve(
    answers: Sequence[_Answer],
    key: str,
    zones: Sequence[Sequence[int]],
    stays: int,
    buses: int,
) -> list[_Answer]:
    """All ways to give `key` as many of its zones as it can have, on buses they can select."""
    useful = sum(1 << bus for bus in range(buses) if any(bus in choice for choice in zones))
    most = 0
    found: list[_Answer] = []
    for answer in answers:
        held = answer.given_to(key)
        for mask in _subsets(useful & ~answer.taken()):
            served, places = _reach(held | mask, zones)
            if served > most:
                most, found = served, []
            if served == most:
                found.append(answer.with_(key, mask, stays, places))
    return found


def _distinct(answers: Iterable[_Answer], twice: Sequence[str]) -> list[_Answer]:
    """The best of the answers that have the same future: the same buses taken."""
    best: dict[tuple[int, ...], _Answer] = {}
    for answer in answers:
        future = (answer.taken(), *(answer.given_to(key) for key in twice))
        known = best.get(future)
        if known is None or answer.score > known.score:
            best[future] = answer
    return list(best.values())


def _subsets(mask: int) -> Iterator[int]:
    part = mask
    while part:
        yield part
        part = (part - 1) & mask
    yield 0


def _reach(mask: int, zones: Sequence[Sequence[int]]) -> tuple[int, int]:
    """How many zones hear the buses of `mask`, and the sum of their places of preference."""
    served = places = 0
    for choice in zones:
        for place, bus in enumerate(choice):
            if mask >> bus & 1:
                served += 1
                places += place
                break
    return served, places


def pick_bus(
    zone_choices: Sequence[int], key: str, buses: Mapping[int, str], current: int | None
) -> int | None:
    """The bus on which a zone hears `key`: where it is now, else its first preference."""
    carrying = [bus for bus in zone_choices if buses.get(bus) == key]
    if current in carrying:
        return current
    return carrying[0] if carrying else None
