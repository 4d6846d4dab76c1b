"""When something happens: drawn from the seed, and half of the time aimed at a planned start."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING

from simulator.world.box import Box
from simulator.world.timetable import DAY_MS

if TYPE_CHECKING:
    from simulator.world.world import World

SECOND_MS = 1_000
MINUTE_MS = 60_000
HOUR_MS = 3_600_000


def again(
    world: World, rng: Random, mean_ms: int, act: Callable[[Box], None], *, aim: bool = True
) -> None:
    """`act` on some box again and again, on average every `mean_ms`."""

    def arm() -> None:
        wait_ms = max(MINUTE_MS, int(rng.expovariate(1 / mean_ms)))
        at_ms = world.clock.now_ms + wait_ms
        if aim and rng.random() < 0.6:
            near = world.office.next_instants(at_ms, DAY_MS)
            if near:
                at_ms = rng.choice(near[:3]) + beside(rng)
        world.clock.at(at_ms, happen)

    def happen() -> None:
        if world.clock.now_ms < world.end_ms:
            act(rng.choice(world.boxes))
            arm()

    arm()


def beside(rng: Random) -> int:
    """An offset from a planned start at which much is in motion."""
    return rng.choice(
        (
            rng.randint(-12_000, -9_000),
            rng.randint(-3_000, 0),
            rng.randint(0, 400),
            rng.randint(0, 3_000),
            rng.randint(3_000, 70_000),
            rng.randint(60_000, 400_000),
        )
    )


def log_uniform(rng: Random, low_ms: int, high_ms: int) -> int:
    """A length whose order of magnitude is even."""
    return int(low_ms * (high_ms / low_ms) ** rng.random())
