"""The look-ahead limiter at the end of a bus: nothing leaves above the ceiling.

Owns the delay of a bus (`LOOKAHEAD_FRAMES`, constant) and the gain that follows its true peaks:
four-fold oversampled as in ITU-R BS.1770. Pure: numpy blocks in, as many frames out.

Invariants: while no true peak exceeds the ceiling and none has lately, the output is the input,
bit for bit, `LOOKAHEAD_FRAMES` later; the gain is down before the peak that asked for it, falls
and rises without a step, and is whole again at `RELEASE_DB_PER_S`.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from agent.player.protocol import RATE_HZ
from agent.player.ring import Block

Gains: TypeAlias = NDArray[np.float64]

CEILING_CDB = -100

RELEASE_DB_PER_S = 40.0
"""6 dB come back in 150 ms: faster is heard as distortion, slower as pumping."""

_ATTACK = 96  # 2 ms; two boxes of half of it make the gain's edge
_BOX = _ATTACK // 2
_SIDE = 8  # taps of the interpolator on either side
_WINDOW = _ATTACK + _SIDE  # a gain is down from here before its peak until after it

LOOKAHEAD_FRAMES = _WINDOW - 1 + _SIDE
"""How much later a frame leaves than it came in: 2.3 ms."""

_MARGIN_DB = 0.25
"""Below the ceiling while limiting: a moving gain bends the wave between the samples."""

_RELEASE = RELEASE_DB_PER_S / RATE_HZ / 20.0 * np.log2(10.0)  # octaves of gain a frame
_WHOLE = 1e-6  # octaves: less than a bit of 16 is lost


def _interpolator() -> NDArray[np.float64]:
    """Three rows of taps: the wave a quarter, a half and three quarters after a sample."""
    taps = np.arange(-_SIDE + 1, _SIDE + 1)
    rows = []
    for part in (0.25, 0.5, 0.75):
        away = taps - part
        row = (
            np.sinc(away) * np.kaiser(8 * _SIDE + 1, 7.0)[np.rint(4 * away + 4 * _SIDE).astype(int)]
        )
        rows.append(row / row.sum())
    return np.array(rows)


_TAPS = _interpolator()
# No wave between samples is higher than this times the highest sample.
_OVERSHOOT = float(np.abs(_TAPS).sum(axis=1).max())


class Limiter:
    """One bus. `process` is called by the mixer for each block, in order."""

    def __init__(self, ceiling_cdb: int = CEILING_CDB) -> None:
        self.ceiling = 10.0 ** (ceiling_cdb / 2000.0)
        self.deepest = 1.0  # lowest gain since somebody looked
        self._aim = self.ceiling * 10.0 ** (-_MARGIN_DB / 20.0)
        # What has come in and not gone out, and as much before it as the interpolator looks back.
        self._held = np.zeros(LOOKAHEAD_FRAMES + 2 * _SIDE, np.float32)
        self._wanted: Gains = np.zeros(_WINDOW - 1)  # octaves, released, ahead of the output
        self._lowest: Gains = np.zeros(_ATTACK - 2)  # octaves, not smoothed yet
        self._working = False
        self._quiet_for = len(self._held)  # frames of silence that came in last

    @property
    def idle(self) -> bool:
        """Nothing is left inside: silence in would be silence out."""
        return self._quiet_for >= len(self._held) and not self._working

    def process(self, block: Block) -> Block:
        """The next `len(block)` frames of the output."""
        every = np.concatenate((self._held, block))
        frames = len(block)
        peak = float(np.max(np.abs(block), initial=0.0))
        self._quiet_for = 0 if peak else self._quiet_for + frames
        out = every[2 * _SIDE : 2 * _SIDE + frames]
        low = float(np.max(np.abs(every), initial=0.0)) * _OVERSHOOT <= self.ceiling
        if self._working or not low:
            out = self._limited(every, out)
        self._held = every[frames:]
        return out

    def _limited(self, every: Block, out: Block) -> Block:
        """`out` at the gain that its true peaks and those ahead of it allow."""
        frames = len(out)
        needed = self._needed(every, frames)
        if not self._working and not needed.any():
            return out
        # Rising by no more than the release from what was wanted before.
        slope = _RELEASE * np.arange(1, frames + 1)
        released = np.minimum.accumulate(np.concatenate(([self._wanted[-1]], needed - slope)))[1:]
        wanted = np.concatenate((self._wanted, np.minimum(0.0, released + slope)))
        lowest = np.concatenate((self._lowest, _lowest_ahead(wanted, frames)))
        octaves = _smoothed(lowest)
        self._wanted, self._lowest = wanted[frames:], lowest[frames:]
        self._working = bool(min(self._wanted.min(), self._lowest.min()) < -_WHOLE)
        if not self._working:
            self._wanted[:] = self._lowest[:] = 0.0
        gain = np.exp2(octaves)
        self.deepest = min(self.deepest, float(gain.min()))
        limited = (out * gain).astype(np.float32)
        return np.clip(limited, -self.ceiling, self.ceiling, out=limited)

    def _needed(self, every: Block, frames: int) -> Gains:
        """Octaves of gain that each new frame needs, seen from what lies around it."""
        # The newest frame whose surroundings are all there lies _SIDE before the end.
        near = every[len(every) - frames - 2 * _SIDE :]
        between = np.zeros(frames + 1)
        for row in _TAPS:
            np.maximum(between, np.abs(np.convolve(near, row[::-1], "valid")), out=between)
        at = np.abs(near[_SIDE : _SIDE + frames])
        peaks = np.maximum(np.maximum(between[:-1], between[1:]), at)
        needed = np.zeros(frames)
        above = peaks > self.ceiling
        needed[above] = np.log2(self._aim / peaks[above])
        return needed


def _lowest_ahead(wanted: Gains, frames: int) -> Gains:
    """The lowest of each `_WINDOW` neighbours, by doubling: seven passes instead of a hundred."""
    lowest, reach = wanted, 1
    while 2 * reach <= _WINDOW:
        lowest = np.minimum(lowest[:-reach], lowest[reach:])
        reach *= 2
    rest = _WINDOW - reach
    if rest:
        lowest = np.minimum(lowest[: len(lowest) - rest], lowest[rest:])
    return lowest[:frames]


def _smoothed(lowest: Gains) -> Gains:
    """Two moving means over 1 ms: an edge without a corner."""
    for _ in range(2):
        total = np.concatenate(([0.0], np.cumsum(lowest)))
        lowest = (total[_BOX:] - total[:-_BOX]) / _BOX
    return lowest
