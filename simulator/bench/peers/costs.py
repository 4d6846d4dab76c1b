"""What a player costs while it waits and while it plays: CPU time and memory of its own.

Programmes are MP3 for all, and long: MPD decodes the first 21 s of stereo as fast as it can, and
what follows is what it costs. Read one player after the other, because memory that two programs
share counts for neither of them.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from simulator.bench import processes
from simulator.bench.peers.players import PeerError, Player
from simulator.bench.peers.steps import AUDIBLE_DBFS
from simulator.measure import level_dbfs
from simulator.soundcard import Recorder

SETTLE_S = 2.0
LISTEN_FRAMES = 24_000


@dataclass(frozen=True, slots=True)
class Usage:
    """Percent of one core, and MB that would be free if the programs were gone."""

    cpu: float
    mb: float


@dataclass(frozen=True, slots=True)
class Cost:
    """One player at rest and at work."""

    idle: Usage
    playing: Usage


def usage(pids: Iterable[int], seconds: float) -> Usage:
    """Over a stretch of time; a program that ends meanwhile is not counted."""
    watched = tuple(pids)
    before, began_s = {one: _cpu_s(one) for one in watched}, time.monotonic()
    time.sleep(seconds)
    took_s = time.monotonic() - began_s
    used_s = sum(max(0.0, _cpu_s(one) - before[one]) for one in watched)
    mb = 0.0
    for one in watched:
        with suppress(OSError):
            mb += processes.uss_mb(one)
    return Usage(100.0 * used_s / took_s, mb)


def _cpu_s(pid: int) -> float:
    try:
        return processes.cpu_s(pid)
    except OSError:
        return 0.0


def of(
    players: Sequence[Player], programme: Path, seconds: float, recorder: Recorder
) -> list[Cost]:
    """Costs of open players; the first is told to play, the others are its clients."""
    time.sleep(SETTLE_S)
    idle = _together(players, seconds)
    first = players[0]
    first.arm(programme, time.time_ns() // 1_000_000 + 500)
    time.sleep(0.5)
    first.fire()
    time.sleep(SETTLE_S)
    playing = _together(players, seconds)
    heard = recorder.samples(0, recorder.frames - LISTEN_FRAMES)
    first.settle()
    if level_dbfs(heard) < AUDIBLE_DBFS:
        raise PeerError("did not play while its cost was read")
    return [Cost(*both) for both in zip(idle, playing, strict=True)]


def _together(players: Iterable[Player], seconds: float) -> list[Usage]:
    """All over the same stretch."""
    these = list(players)
    with ThreadPoolExecutor(len(these)) as pool:
        return list(pool.map(lambda one: usage(one.pids(), seconds), these))
