"""What can go wrong, each fault on its own stream of chance."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.world.world import World


def draw(seed: int) -> tuple[str, ...]:
    return ()


def start(world: World, names: tuple[str, ...]) -> None:
    pass
