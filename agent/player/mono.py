"""The one channel that a bus plays, out of however many a programme has, at the station's rate.

Pure but for the resampler. Invariants: nothing can clip in the mix: the weights of a layout add up
to one. Two channels count alike; centre and surround come in 3 dB lower than left and right, as
ITU-R BS.775 mixes them; the low frequency channel is left out, as there.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from agent.player.protocol import RATE_HZ
from agent.player.resampling import Resampler
from agent.player.ring import Block, Pcm

_FULL_SCALE = np.float32(32768.0)
_SIDE = 1.0  # of left and right, each heard from one side
_CENTRE = math.sqrt(2.0)  # -3 dB to both sides
_ROUND = math.sqrt(0.5)  # -3 dB to one side
# In libVLC's order: left, right, middle pair, rear pair, rear centre, centre, low frequencies.
_LAYOUTS: dict[int, tuple[float, ...]] = {
    1: (1.0,),
    2: (_SIDE, _SIDE),
    3: (_SIDE, _SIDE, _CENTRE),
    4: (_SIDE, _SIDE, _ROUND, _ROUND),
    5: (_SIDE, _SIDE, _ROUND, _ROUND, _CENTRE),
    6: (_SIDE, _SIDE, _ROUND, _ROUND, _CENTRE, 0.0),
    7: (_SIDE, _SIDE, _ROUND, _ROUND, _ROUND, _CENTRE, 0.0),
    8: (_SIDE, _SIDE, _ROUND, _ROUND, _ROUND, _ROUND, _CENTRE, 0.0),
}


def weights(channels: int) -> NDArray[np.float32]:
    """How much of each channel is heard; together one."""
    found = np.asarray(_LAYOUTS.get(channels, (1.0,) * channels), np.float64)
    return np.asarray(found / found.sum(), np.float32)


def mixed(block: NDArray[np.float32]) -> Block:
    """A block of (frames, channels) as one channel."""
    if block.shape[1] == 1:
        return block[:, 0]
    return np.asarray(block @ weights(block.shape[1]), np.float32)


def as_pcm(block: Block) -> Pcm:
    """16 bit samples; what a lossy codec made larger than full scale is full scale."""
    scaled = np.rint(block * _FULL_SCALE)
    return np.asarray(np.clip(scaled, -32768.0, 32767.0), np.int16)


class AtStationRate:
    """One programme on its way to 48 kHz. A rate that changes in the middle is followed."""

    def __init__(self) -> None:
        self._rate_hz = RATE_HZ
        self._resampler: Resampler | None = None

    def add(self, block: Block, rate_hz: int) -> Block:
        """The next samples; at 48 kHz they pass as they are."""
        before = np.zeros(0, np.float32)
        if rate_hz != self._rate_hz:
            before = self.rest()
            self._rate_hz = rate_hz
            self._resampler = None if rate_hz == RATE_HZ else Resampler(rate_hz)
        if self._resampler is not None:
            block = self._resampler.add(block)
        return np.concatenate((before, block)) if len(before) else block

    def rest(self) -> Block:
        """What is still to come, once all was added."""
        return np.zeros(0, np.float32) if self._resampler is None else self._resampler.rest()
