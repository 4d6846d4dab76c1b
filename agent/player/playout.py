"""Playing a little faster or slower than the samples say, unheard: how fast, and the sound between.

Owns `Steering` (the rate at which a programme follows the wall clock) and `Between` (the value of
the sound between two samples, by a windowed sinc). Pure: blocks and errors come in as arguments.

Invariants: the rate is 1 within 0.2 % and moves by 0.1 % a second at most, so nothing is heard of
it; at rate 1 on a whole sample the sound passes untouched, bit by bit; position goes on without a
step whatever the rate does. Measured in `tests/unit/player/test_playout.py`.
"""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from agent.player.protocol import RATE_HZ
from agent.player.ring import Block

RATE_MOST = 2e-3
"""How far from 1 the rate goes: 3.5 cents, below what is heard in speech or music."""
RATE_CHANGE_PER_S = 1e-3
AHEAD_FRAMES = 17
"""What interpolation looks at beyond the samples that it consumes."""

# An error goes down to a third in 2 s. Twice as fast would pass on the jitter of a driver's clock.
_PULL_PER_S = 0.5
# Closer than a frame (21 us) and 2 ppm nothing is done: a card as true as the clock stays exact.
_LEAVE_FRAMES = 1.0
_LEAVE_RATE = 2e-6
# What a relay has in store is led back over minutes, so that the bursts of a network do not show.
_LIVE_PULL_PER_S = 0.01
_LIVE_RATE_MOST = 1e-3
_LIVE_LEAVE_FRAMES = 20 * RATE_HZ // 1000


class Steering:
    """The rate of one voice. `drift` is how much longer than nominal the card's second lasts."""

    def __init__(self) -> None:
        self._beyond = 0.0  # the rate less one
        self._moving = False

    @property
    def rate(self) -> float:
        """Source frames a frame of the card."""
        return 1.0 + self._beyond

    def begin(self, drift: float) -> None:
        """Nobody hears the change before the first sound: go as the card goes."""
        self._beyond = drift if abs(drift) > _LEAVE_RATE else 0.0

    def follow(self, behind_frames: float, drift: float, frames: int) -> float:
        """The rate of the next `frames`, when the sound is `behind_frames` behind the clock."""
        return self._move(drift + _PULL_PER_S * _beyond(behind_frames, _LEAVE_FRAMES), frames)

    def follow_live(self, excess_frames: float, drift: float, frames: int) -> float:
        """The rate of the next `frames` of a relay with `excess_frames` too many in store."""
        pull = _LIVE_PULL_PER_S * _beyond(excess_frames, _LIVE_LEAVE_FRAMES)
        return self._move(drift + max(-_LIVE_RATE_MOST, min(_LIVE_RATE_MOST, pull)), frames)

    def _move(self, wanted: float, frames: int) -> float:
        wanted = max(-RATE_MOST, min(RATE_MOST, wanted))
        step = RATE_CHANGE_PER_S * frames / RATE_HZ
        self._beyond += max(-step, min(step, wanted - self._beyond))
        if abs(self._beyond) < _LEAVE_RATE and abs(wanted) < _LEAVE_RATE:
            self._beyond = 0.0
        return self.rate


def _beyond(frames: float, left_alone: float) -> float:
    """The part of a distance that is more than what is left alone, in seconds."""
    return math.copysign(max(0.0, abs(frames) - left_alone), frames) / RATE_HZ


# --- between two samples ------------------------------------------------------------------

Positions: TypeAlias = NDArray[np.float64]

_TAPS = 32
_HALF = _TAPS // 2
_DEGREE = 5
_KAISER = 8.5
# More rows at once would make OpenBLAS wake its other threads.
_ROWS = 1024


def _farrow() -> NDArray[np.float32]:
    """Tap k of the filter as a polynomial of the fraction, degree by degree.

    A Kaiser-windowed sinc, fitted with its ends held: at fraction 0 it is the sample itself.
    """
    nodes = (1.0 - np.cos(np.pi * (np.arange(64) + 0.5) / 64)) / 2.0
    away = nodes[:, None] - np.arange(1 - _HALF, _HALF + 1)[None, :]
    window = np.i0(_KAISER * np.sqrt(np.clip(1.0 - (away / _HALF) ** 2, 0.0, None)))
    taps = np.sinc(away) * window
    taps /= taps.sum(axis=1, keepdims=True)
    table = np.zeros((_DEGREE + 1, _TAPS))
    table[0, _HALF - 1], table[1, _HALF - 1], table[1, _HALF] = 1.0, -1.0, 1.0
    straight = np.vander(nodes, 2, increasing=True) @ table[:2]
    inside = (nodes * (1.0 - nodes))[:, None] * np.vander(nodes, _DEGREE - 1, increasing=True)
    bent, *_ = np.linalg.lstsq(inside, taps - straight, rcond=None)
    table[1:_DEGREE] += bent
    table[2:] -= bent
    return np.ascontiguousarray(table.T, np.float32)


_TABLE = _farrow()


class Between:
    """Where between two samples the playout is, and the sound there."""

    def __init__(self) -> None:
        self.fraction = 0.0
        self._past: Block = np.zeros(_HALF - 1, np.float32)

    def begin(self) -> None:
        """Go on at a whole sample, with silence before it."""
        self.fraction = 0.0
        self._past = np.zeros(_HALF - 1, np.float32)

    def exact(self, rate: float) -> bool:
        """Whether the sound passes as it is."""
        return rate == 1.0 and self.fraction == 0.0

    def passed(self, block: Block) -> Block:
        """`block` as it is, remembered for what comes after it."""
        self._past = np.concatenate((self._past, block[-(_HALF - 1) :]))[-(_HALF - 1) :]
        return block

    def consumes(self, frames: int, rate: float) -> int:
        """How many source frames the next `frames` use up."""
        return int(self.fraction + frames * rate)

    def render(self, block: Block, ahead: Block, frames: int, rate: float) -> Block:
        """`frames` at `rate` from the samples that `consumes` told and those `ahead` of them."""
        sound = np.concatenate((self._past, block, ahead))
        at: Positions = self.fraction + rate * np.arange(frames, dtype=np.float64)
        out = np.empty(frames, np.float32)
        for first in range(0, frames, _ROWS):
            out[first : first + _ROWS] = _interpolated(sound, at[first : first + _ROWS])
        self.fraction += frames * rate - len(block)
        self._past = sound[len(block) : len(block) + _HALF - 1]
        return out


def _interpolated(sound: Block, at: Positions) -> Block:
    """`sound` at the rising positions `at`, counted from its sample number _HALF - 1."""
    whole = at.astype(np.intp)
    fraction = (at - whole).astype(np.float32)
    low, high = int(whole[0]), int(whole[-1])
    windows = np.lib.stride_tricks.sliding_window_view(sound[low : high + _TAPS], _TAPS)
    terms = (np.ascontiguousarray(windows) @ _TABLE)[whole - low]
    out = terms[:, _DEGREE]
    for power in range(_DEGREE - 1, -1, -1):
        out = out * fraction + terms[:, power]
    return np.asarray(out, np.float32)
