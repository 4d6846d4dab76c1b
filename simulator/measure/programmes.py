"""Test programmes that correlate sharply and survive lossy codecs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 48_000


def chirp(
    length_s: float,
    low_hz: float = 300.0,
    high_hz: float = 6_000.0,
    amplitude: float = 0.5,
    rate_hz: int = RATE_HZ,
) -> NDArray[np.float32]:
    """A linear sweep with 5 ms edges; its correlation peak is about 1 / (high - low) wide."""
    time_s = np.arange(round(length_s * rate_hz)) / rate_hz
    sweep = low_hz * time_s + (high_hz - low_hz) * time_s**2 / (2.0 * length_s)
    edge = np.minimum(1.0, np.minimum(time_s, time_s[::-1]) / 0.005)
    return np.asarray(amplitude * edge * np.sin(2.0 * np.pi * sweep), np.float32)


def programme(
    length_s: float, seed: int = 0, amplitude: float = 0.2, rate_hz: int = RATE_HZ
) -> NDArray[np.float32]:
    """Noise limited to what speech uses (300 Hz to 6 kHz), unlike itself at every other lag.

    The same seed gives the same programme; different seeds are uncorrelated. Sound from the
    first sample on, which a start measurement needs. RMS is `amplitude` x 0.5, peaks stay below
    full scale.
    """
    frames = round(length_s * rate_hz)
    noise = np.random.default_rng(seed).standard_normal(frames)
    spectrum = np.fft.rfft(noise)
    hertz = np.fft.rfftfreq(frames, 1.0 / rate_hz)
    spectrum[(hertz < 300.0) | (hertz > 6_000.0)] = 0.0
    shaped = np.fft.irfft(spectrum, frames)
    shaped *= 0.5 * amplitude / max(float(np.sqrt(np.mean(shaped**2))), 1e-12)
    return np.asarray(np.clip(shaped, -1.0, 1.0), np.float32)
