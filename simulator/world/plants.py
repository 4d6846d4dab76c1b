"""Planted bugs."""

from __future__ import annotations

from collections.abc import Callable

from agent.core.facts import Facts
from agent.core.station import Station
from simulator.world.box import Box, Build


def build(name: str, make: Callable[[Box, Facts], Station]) -> Build:
    return Build(make)
