"""Which sound devices the configuration names and are not there now, and what is there instead.

Owns the question for `station-agent --check` and `stationctl doctor`. Pure: what is there is told.
A card that another program holds, the station itself as a rule, is there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from agent.player.devices import choose
from agent.player.listing import Card, Devices


class Wanted(NamedTuple):
    """path: of the key in the file. label: the input's name, "" for the card."""

    path: str
    label: str
    device: str
    channels: int


class Absent(NamedTuple):
    """there: those that could be named instead, as they are best written."""

    wanted: Wanted
    there: tuple[str, ...]


def wanted(device: str, buses: int, inputs: Iterable[tuple[str, str, int]]) -> list[Wanted]:
    """inputs: (name, device, channel). What is left to the system is never absent."""
    named = [Wanted("sound.device", "", device, buses)]
    named += [
        Wanted(f"input[{number}].device", name, where, channel + 1)
        for number, (name, where, channel) in enumerate(inputs)
    ]
    return [one for one in named if one.device.strip()]


def absent(named: Sequence[Wanted], found: Devices, by_id: Mapping[str, int]) -> Iterator[Absent]:
    """by_id: the kernel's cards, as `agent.player.devices.cards` reads them."""
    for one in named:
        side = "inputs" if one.label else "outputs"
        usable = {
            number: device
            for number, device in enumerate(found.devices)
            if getattr(device, side) >= one.channels
        }
        names = {number: device.name for number, device in usable.items()}
        if choose(one.device, names, by_id) is None and not _held(one.device, found.cards):
            there = sorted({device.stable for device in usable.values()})
            yield Absent(one, tuple(there))


def _held(name: str, cards: Iterable[Card]) -> bool:
    """Whether it means a card that is there and cannot be opened now."""
    return any(
        name.partition(",")[0].endswith(f"CARD={card.id}") or card.product.startswith(name)
        for card in cards
        if not card.listed
    )
