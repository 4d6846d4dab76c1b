"""How loud a spoken text is: a short WAV file, measured in the caller's thread.

Owns nothing but the way there; longer and other files go through `agent.measuring.programme`.
"""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np

from agent.core.loudness import Loudness
from agent.measuring.ebu import LoudnessMeter


def loudness_of_wav(path: Path, length_ms: int) -> Loudness:
    """Of a mono file of 16 bit; raises OSError, EOFError, ValueError and NoLibraryError."""
    try:
        with wave.open(str(path), "rb") as sound:
            rate_hz, samples = sound.getframerate(), sound.readframes(sound.getnframes())
    except wave.Error as error:
        raise ValueError(str(error)) from error
    with LoudnessMeter(rate_hz) as meter:
        meter.add(np.frombuffer(samples, "<i2"))
        loudness, peak = meter.loudness_lufs, meter.true_peak_dbtp
        spread = meter.range_lu
    return Loudness(
        loudness_clufs=None if loudness is None else round(100 * loudness),
        range_clu=None if spread is None else round(100 * spread),
        peak_cdbtp=None if peak is None else round(100 * peak),
        length_ms=length_ms,
    )
