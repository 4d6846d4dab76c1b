"""What can go wrong, each fault on its own stream of chance, derived from the seed.

A fault is a function that arranges its own happenings on the world's clock. Half of them aim: at
the seconds around a planned start, where things are most fragile.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING

from simulator.world import commune, mishaps, people

if TYPE_CHECKING:
    from simulator.world.world import World

Fault = Callable[["World", Random], None]


def draw(seed: int) -> tuple[str, ...]:
    """The faults of a run: each is on with a chance that is itself drawn, so some runs are mild."""
    rng = Random(f"{seed}:faults")
    chance = rng.choice((0.15, 0.4, 0.7))
    return tuple(name for name in FAULTS if rng.random() < chance)


def start(world: World, names: tuple[str, ...]) -> None:
    for name in names:
        FAULTS[name](world, world.rng(f"fault {name}"))


FAULTS: dict[str, Fault] = {
    "kills": mishaps.kills,
    "power": mishaps.power,
    "mains": mishaps.mains,
    "clock": mishaps.clock,
    "disk": mishaps.slow_disk,
    "player": mishaps.player,
    "controllers": mishaps.controllers,
    "speech": mishaps.speech,
    "network": mishaps.network,
    "broker": mishaps.broker,
    "collector": mishaps.collector,
    "content": mishaps.content,
    "edits": people.edits,
    "warnings": people.warnings,
    "commands": people.commands,
    "officers": people.officers,
    "hostile": people.hostile,
    "abroad": people.abroad,
    "card": mishaps.card,
    "keys": people.keys,
    "rules": commune.rules,
    "voices": people.voices,
}
