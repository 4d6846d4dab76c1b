"""Gain that moves and levels that are measured, a block at a time.

Owns `Envelope` (a linear ramp), `Meter` (RMS and peak since the last look) and the way from
hundredths of a decibel to a factor and back. Knows nothing of cues.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from agent.player.ring import Block


class Envelope:
    """A gain that moves linearly: 1 or a ramp a block, never per sample."""

    def __init__(self, value: float) -> None:
        self.value = value
        self._target = value
        self._left = 0

    def move(self, target: float, frames: int) -> None:
        """Reach `target` after `frames`."""
        self._target, self._left = target, frames
        if frames <= 0:
            self.value = target

    def apply(self, block: Block) -> None:
        """Multiply in place and move on by the block's length."""
        ramp = min(self._left, len(block))
        if ramp:
            reached = self.value + (self._target - self.value) * ramp / self._left
            block[:ramp] *= np.linspace(self.value, reached, ramp, endpoint=False, dtype=np.float32)
            self.value, self._left = reached, self._left - ramp
            if not self._left:
                self.value = self._target
        if ramp < len(block) and self.value != 1.0:
            block[ramp:] *= np.float32(self.value)


@dataclass
class Meter:
    """RMS and peak of what was played since the last look."""

    energy: float = 0.0
    frames: int = 0
    peak: float = 0.0

    def add(self, block: Block) -> None:
        """Measure a block."""
        self.energy += float(np.dot(block, block))
        self.frames += len(block)
        self.peak = max(self.peak, float(np.max(np.abs(block), initial=0.0)))

    def level_cdb(self) -> int | None:
        """RMS in hundredths of a dB of full scale; None when nothing was measured."""
        return _cdb((self.energy / self.frames) ** 0.5) if self.frames else None

    def peak_cdb(self) -> int | None:
        """Peak in hundredths of a dB of full scale; None when nothing was measured."""
        return _cdb(self.peak) if self.frames else None


def _cdb(amplitude: float) -> int:
    return max(-12_000, round(2000 * float(np.log10(max(amplitude, 1e-9)))))


def gain_of_cdb(gain_cdb: int) -> float:
    """Linear gain of hundredths of a decibel; -120 dB and less is silence."""
    return 0.0 if gain_cdb <= -12_000 else float(10.0 ** (gain_cdb / 2000.0))
