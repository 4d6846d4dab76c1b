"""How late each player starts: all of them in turns, on one card, recorded all the time.

Owns the order of the trials: each round has every player once, in an order drawn anew from a seed,
`SPACING_MS` apart, so that all see the same machine. What was recorded is judged after the last
round, when nothing plays that arithmetic could disturb.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from simulator.bench.hearing import RATE_HZ, SURE, Samples
from simulator.bench.peers.players import Player
from simulator.bench.peers.steps import Recording
from simulator.measure import find_start, programme
from simulator.soundcard import encode

SPACING_MS = 1_200
APART = 3
"""Turns between two trials of one player, at least: the former is over, the next one armed."""

LEAD_MS = 900
"""A player is armed so long before its instant."""

LENGTH_S = 4.0
"""Longer than it is left playing: libVLC swallows short files when it opens the device itself."""

JUDGED_S = 0.15
"""Only the beginning is looked for; what is being led to its place still counts."""

REST_MS = 1_500
"""From the instant on: later than this counts as not started."""

STOP_MS = 2_000
EARLY_MS = 400
FIRST_IN_MS = 1_500


@dataclass(frozen=True, slots=True)
class Trial:
    """One player told to begin at one instant."""

    player: str
    seed: int
    at_ms: int


def order(players: Sequence[str], rounds: int, begin_ms: int) -> list[Trial]:
    """Every player once a round; neighbours change from round to round."""
    chance = random.Random(5)
    apart = min(APART, len(players))
    spacing_ms = SPACING_MS * APART // apart if players else 0
    turns: list[str] = []
    for _ in range(rounds):
        turn = list(players)
        chance.shuffle(turn)
        while _too_close(turns[len(turns) - len(players) :], turn, apart):
            chance.shuffle(turn)
        turns += turn
    return [
        Trial(player, 1_000 + place, begin_ms + place * spacing_ms)
        for place, player in enumerate(turns)
    ]


def _too_close(last: Sequence[str], turn: Sequence[str], apart: int) -> bool:
    return any(
        len(last) - last.index(one) + place < apart for place, one in enumerate(turn) if one in last
    )


def run(
    players: Sequence[Player], rounds: int, folder: Path, say: Callable[[str], None]
) -> tuple[list[Trial], list[str]]:
    """Make all trials; returns them and what went wrong, which is no reason to stop."""
    trials = order([one.name for one in players], rounds, 0)
    files = {one.seed: folder / f"start-{one.seed}.wav" for one in trials}
    for seed, path in files.items():
        encode(sound_of(seed), path)
    begin_ms = time.time_ns() // 1_000_000 + FIRST_IN_MS
    trials = order([one.name for one in players], rounds, begin_ms)
    named = {one.name: one for one in players}
    troubles: list[str] = []
    with ThreadPoolExecutor(len(players)) as pool:
        waiting: list[tuple[Trial, Future[None]]] = []
        for number, one in enumerate(trials):
            _sleep_until(one.at_ms - LEAD_MS)
            if number % len(players) == 0:
                say(f"starts: round {number // len(players) + 1} of {rounds}")
            waiting.append((one, pool.submit(_trial, named[one.player], one, files[one.seed])))
        for one, future in waiting:
            failure = future.exception(timeout=30)
            if failure is not None:
                troubles.append(f"{one.player}: {type(failure).__name__}: {failure}")
    return trials, troubles


def _trial(player: Player, trial: Trial, path: Path) -> None:
    player.arm(path, trial.at_ms)
    _sleep_until(trial.at_ms)
    player.fire()
    _sleep_until(trial.at_ms + STOP_MS)
    player.settle()


def _sleep_until(wall_ms: float) -> None:
    time.sleep(max(0.0, wall_ms / 1_000 - time.time()))


def sound_of(seed: int) -> Samples:
    return programme(LENGTH_S, seed=seed)


def lateness_ms(trial: Trial, recorder: Recording) -> float:
    """How late the first sample was heard; NaN when it was not."""
    sound = sound_of(trial.seed)[: frames(1_000 * JUDGED_S)]
    low = max(0, round(recorder.frame_of_wall_ms(trial.at_ms - EARLY_MS)))
    high = round(recorder.frame_of_wall_ms(trial.at_ms + REST_MS + 1_000 * JUDGED_S))
    start, score = find_start(recorder.samples(0, low, high), sound)
    return recorder.wall_ms_of(low + start) - trial.at_ms if score > SURE else float("nan")


def frames(ms: float) -> int:
    return round(ms * RATE_HZ / 1_000)
