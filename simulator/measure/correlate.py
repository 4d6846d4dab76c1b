"""Where a known programme lies in a recording: normalised cross-correlation, sub-sample exact."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Samples: TypeAlias = NDArray[np.floating]

DEFAULT_SEARCH_FRAMES = 24_000


def find_start(
    recording: Samples,
    reference: Samples,
    approx: float | None = None,
    search_frames: int = DEFAULT_SEARCH_FRAMES,
) -> tuple[float, float]:
    """The frame of `recording` at which `reference` begins, and how sure that is (0 to 1).

    Looks up to `search_frames` either side of `approx`, everywhere when `approx` is None. The
    position has a fraction; it may be negative when the recording begins inside the reference.
    The score is the normalised correlation: 1 for the same sound at any gain, below 0.3 for an
    unrelated one.
    """
    first = 0
    part = recording
    if approx is not None:
        first = max(0, round(approx) - search_frames)
        part = recording[first : max(first, round(approx) + search_frames + len(reference))]
    if len(part) == 0 or len(reference) == 0:
        return float("nan"), 0.0
    cross = _correlation(part, reference)
    strength = np.abs(cross)
    if approx is not None:
        lags = first + np.arange(len(cross)) - (len(reference) - 1)
        strength[np.abs(lags - approx) > search_frames] = 0.0
    best = int(np.argmax(strength))
    lag = best - (len(reference) - 1)
    return first + lag + _fraction(np.abs(cross), best), _score(part, reference, cross, best, lag)


def leakage_db(
    recording: Samples,
    intruder: Samples,
    approx: float | None = None,
    search_frames: int = DEFAULT_SEARCH_FRAMES,
) -> float:
    """How loud `intruder` is in `recording`, relative to the intruder itself.

    The floor is chance correlation with whatever else plays: about -40 dB for 1.5 s of speech
    band when the place is known, -29 dB when it is searched for everywhere. It falls by 3 dB
    each time the intruder is twice as long; against silence there is no floor.
    """
    start, _ = find_start(recording, intruder, approx, search_frames)
    if not np.isfinite(start):
        return float("-inf")
    lag = round(start)
    low, high = max(0, lag), min(len(recording), lag + len(intruder))
    heard, sent = recording[low:high], intruder[low - lag : high - lag]
    energy = float(np.dot(sent, sent))
    if energy <= 0.0:
        return float("-inf")
    gain = abs(float(np.dot(heard, sent))) / energy
    return 20.0 * float(np.log10(max(gain, 1e-9)))


def _correlation(part: Samples, reference: Samples) -> NDArray[np.float64]:
    """Full cross-correlation; index len(reference) - 1 is lag 0."""
    size = len(part) + len(reference) - 1
    fft_size = 1 << (size - 1).bit_length()
    spectrum = np.fft.rfft(part, fft_size) * np.conj(np.fft.rfft(reference, fft_size))
    circular = np.fft.irfft(spectrum, fft_size)
    return np.concatenate((circular[-(len(reference) - 1) :], circular[: len(part)]))[:size]


def _fraction(cross: NDArray[np.float64], best: int) -> float:
    """The peak between samples, by a parabola through its neighbours."""
    if best in (0, len(cross) - 1):
        return 0.0
    left, mid, right = (float(cross[best + k]) for k in (-1, 0, 1))
    bend = left - 2.0 * mid + right
    return 0.5 * (left - right) / bend if bend < 0.0 else 0.0


def _score(
    part: Samples, reference: Samples, cross: NDArray[np.float64], best: int, lag: int
) -> float:
    low, high = max(0, lag), min(len(part), lag + len(reference))
    heard, sent = part[low:high], reference[low - lag : high - lag]
    power = float(np.dot(heard, heard)) * float(np.dot(sent, sent))
    return min(1.0, abs(float(cross[best])) / power**0.5) if power > 0.0 else 0.0
