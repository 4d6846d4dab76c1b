"""What really leaves a bus: level, peak, and whether it is sound, silence or hiss.

Owns the thresholds and the arithmetic. Listens to the last thing before the card (and, when a file
is measured, to the file, so that both mean the same). Pure: numpy blocks in. Decides nothing about
what follows from silence.

A quarter of a second is one look: its RMS and peak, and of its end the spectral flatness between
300 Hz and 7 kHz (geometric over arithmetic mean of the power: 0.56 for white noise, hundredths for
speech). Wider would not do: an encoder cuts the top off and leaves noise looking like music. Hiss
that something cut off lower (a tuner that blends its highs away, a narrow line) is looked for in
the band that it fills, and there all of the look is asked: noise is as even in each part of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from agent.player.protocol import RATE_HZ
from agent.player.ring import Block

Kind: TypeAlias = Literal["sound", "silent", "hiss"]

LOOK_FRAMES = RATE_HZ // 4
SILENT_DBFS = -65.0
HISS_FLATNESS = 0.38
HISS_SWAY_DB = 2.0
"""A dead receiver hisses evenly; rain and applause swell by more."""

NARROW_TOP_HZ = 5_300
"""Hiss that ends below it is looked for in its own band: noise up to 6 kHz is what tests play."""

NARROW_LEAST_HZ = 2_000
"""A vowel or a chord is even over less."""

NARROW_FLATNESS = 0.7
"""Of the mean of all parts of a look: noise comes near 0.9, with a slope in it to 0.75."""

NARROW_GLANCE = 0.2
"""Of its end alone; what is below it (most speech and music) is looked at no further."""

NARROW_SWAY = 10 ** (4.0 / 10.0)
"""Of the power of a look's parts. The strokes of a roll on a drum sway by more."""

_FFT = 2048
_LOW, _HIGH = (round(hertz * _FFT / RATE_HZ) for hertz in (300, 7_000))
_HANN = np.hanning(_FFT).astype(np.float32)
_FLOOR = 1e-12
_PARTS = np.linspace(0, LOOK_FRAMES - _FFT, 11).astype(np.intp)
_BEYOND = 0.025  # of the power, below the band that it fills, and as much above it
_SLACK_HZ = 300  # at a glance


@dataclass(frozen=True, slots=True)
class Look:
    """One quarter of a second. for_frames: how long it has been of this kind, to its end."""

    kind: Kind
    for_frames: int
    level_dbfs: float
    peak_dbfs: float
    flatness: float | None


class Ear:
    """One bus, or one file. `last` is the newest look, None before the first."""

    def __init__(self) -> None:
        self.last: Look | None = None
        self._frames = 0
        self._energy = 0.0
        self._peak = 0.0
        self._held = np.zeros(LOOK_FRAMES, np.float32)
        self._steady_dbfs = 0.0

    def add(self, block: Block) -> list[Look]:
        """The next samples, full scale 1.0; the looks that they completed."""
        looks: list[Look] = []
        while len(block):
            part, block = np.split(block, [LOOK_FRAMES - self._frames])
            self._energy += float(np.dot(part, part))
            self._peak = max(self._peak, float(np.max(np.abs(part))))
            self._held[self._frames : self._frames + len(part)] = part
            self._frames += len(part)
            if self._frames == LOOK_FRAMES:
                looks.append(self._look())
        return looks

    def forget(self) -> None:
        """Nothing is expected to sound: what comes next begins anew."""
        self.last = None
        self._frames, self._energy, self._peak = 0, 0.0, 0.0

    def _look(self) -> Look:
        level = _dbfs((self._energy / LOOK_FRAMES) ** 0.5)
        flat = flatness(self._held[-_FFT:]) if level >= SILENT_DBFS else None
        kind: Kind = "sound"
        if flat is None:
            kind = "silent"
        elif flat >= HISS_FLATNESS or is_narrow_hiss(self._held):
            kind = "hiss"
        before = self.last
        goes_on = before is not None and before.kind == kind
        if kind == "hiss" and abs(level - self._steady_dbfs) > HISS_SWAY_DB:
            goes_on = False
        if not goes_on:
            self._steady_dbfs = level
        for_frames = LOOK_FRAMES + (before.for_frames if goes_on and before is not None else 0)
        self.last = Look(kind, for_frames, level, _dbfs(self._peak), flat)
        self._frames, self._energy, self._peak = 0, 0.0, 0.0
        return self.last


def flatness(samples: Block) -> float:
    """Of `_FFT` samples, between 300 Hz and 7 kHz."""
    return _flat(_power(samples))


def is_narrow_hiss(look: Block) -> bool:
    """Whether a whole look is noise that was cut off below `NARROW_TOP_HZ`."""
    glance = _filled(_power(look[-_FFT:]), _SLACK_HZ)
    if glance is None or _flat(glance) < NARROW_GLANCE:
        return False
    parts = _power(look[_PARTS[:, None] + np.arange(_FFT)])
    powers = parts.sum(axis=1)
    if powers.max() > NARROW_SWAY * powers.min():
        return False
    band = _filled(parts.mean(axis=0), 0)
    return band is not None and _flat(band) >= NARROW_FLATNESS


def _power(samples: Block) -> Block:
    """By frequency, of the last axis."""
    found = np.abs(np.fft.rfft(samples * _HANN)[..., _LOW:_HIGH]) ** 2 + _FLOOR
    return np.asarray(found, np.float32)


def _filled(power: Block, slack_hz: int) -> Block | None:
    """The band that holds all but a little of the power; None where it is not such a band."""
    below = np.cumsum(power)
    low, high = np.searchsorted(below, below[-1] * np.array((_BEYOND, 1.0 - _BEYOND)))
    hertz = RATE_HZ / _FFT
    narrow = (_LOW + high) * hertz <= NARROW_TOP_HZ + slack_hz
    wide_enough = (high - low) * hertz >= NARROW_LEAST_HZ - slack_hz
    return power[low : high + 1] if narrow and wide_enough else None


def _flat(power: Block) -> float:
    return float(np.exp(np.mean(np.log(power))) / np.mean(power))


def _dbfs(amplitude: float) -> float:
    return 20.0 * float(np.log10(max(amplitude, 1e-6)))
