"""How loud, where it begins, where it stops: levels, onsets and gaps of a recording."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simulator.measure.correlate import Samples

SILENCE_DBFS = -120.0


def level_dbfs(samples: Samples) -> float:
    """RMS relative to full scale (a full-scale sine is -3.01); -120 for silence or nothing."""
    if len(samples) == 0:
        return SILENCE_DBFS
    rms = float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))
    return max(SILENCE_DBFS, 20.0 * float(np.log10(max(rms, 1e-12))))


def peak_dbfs(samples: Samples) -> float:
    """The highest sample relative to full scale; -120 for silence or nothing."""
    peak = float(np.max(np.abs(samples))) if len(samples) else 0.0
    return max(SILENCE_DBFS, 20.0 * float(np.log10(max(peak, 1e-12))))


def gaps(samples: Samples, min_frames: int, threshold: float = 1e-3) -> list[tuple[int, int]]:
    """Stretches of at least `min_frames` below `threshold` *between* sounds: (first, length)."""
    loud = np.flatnonzero(np.abs(samples) >= threshold)
    if len(loud) < 2:
        return []
    quiet = np.diff(loud) - 1
    return [(int(loud[i]) + 1, int(quiet[i])) for i in np.flatnonzero(quiet >= min_frames)]


def onsets(samples: Samples, min_gap_frames: int, threshold: float = 0.02) -> NDArray[np.int64]:
    """First frames of sounds that follow at least `min_gap_frames` of quiet."""
    loud = np.flatnonzero(np.abs(samples) >= threshold)
    if len(loud) == 0:
        return loud
    first = np.concatenate(([True], np.diff(loud) > min_gap_frames))
    return np.asarray(loud[first], np.int64)
