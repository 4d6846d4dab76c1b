"""The self-test's sound in a recording: whether it is there, when, how loud and how clean.

Owns the arithmetic of finding it; the pattern itself is the protocol's. Pure: numpy blocks in,
figures out.

A hum, a programme or another pattern is not taken for it. Where it is, cross-correlation says; how
loud and how clean, a fit of each hop's own frequency, which neither the amplifier's phase nor a
card's clock that is 100 ppm off disturbs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from agent.player.protocol import PATTERN_HOP_MS as HOP_MS
from agent.player.protocol import PATTERN_HZ as HERTZ
from agent.player.protocol import PATTERN_MS
from agent.player.ring import Block, Tone

SLOW_HZ = 16_000
"""Rate of what is kept of a return line: the pattern ends at 3 kHz."""
SLOWER = 3

FOUND_RATIO = 8.0
"""So much stands a peak of the correlation above what lies around it; noise alone reaches 5."""
HOPS_LEAST = 6
_EDGE_MS = 5
_LEAST = 1e-12


@dataclass(frozen=True, slots=True)
class Found:
    """delay_us: behind where the recording begins. level, noise: of the pattern and of everything
    else, in decibels of full scale; None where there was nothing at all."""

    heard: bool
    delay_us: int | None = None
    level_cdb: int | None = None
    snr_cdb: int | None = None


def slow_reference() -> Block:
    """The pattern as the sound child makes it, at the slow rate."""
    whole, _ = Tone(HERTZ, HOP_MS).read(0, PATTERN_MS * 48)
    return slower(whole)


def slower(block: Block) -> Block:
    """A third of the samples; what is too high for them is mostly lost on the way."""
    whole = block[: len(block) // SLOWER * SLOWER].reshape(-1, SLOWER)
    return np.asarray(whole.mean(axis=1), np.float32)


def find(recording: Block, missing_ms: int = 0) -> Found:
    """The pattern in a recording at the slow rate. missing_ms: so much of its beginning was never
    played, because its cue came late.

    A line that lost samples on the way tears the pattern: then one half of it is enough.
    """
    first = -(-missing_ms // HOP_MS)
    half = (first + len(HERTZ)) // 2
    for begin, end in ((first, len(HERTZ)), (half, len(HERTZ)), (first, half)):
        found = _find(recording, begin, end)
        if found.heard:
            return found
    return Found(heard=False)


def _find(recording: Block, begin: int, end: int) -> Found:
    """The hops from `begin` to `end`, as a delay of the whole pattern."""
    hop = HOP_MS * SLOW_HZ // 1000
    reference = slow_reference()[begin * hop : end * hop]
    lags = len(recording) - len(reference) + 1
    if lags < 2 or end - begin < HOPS_LEAST:
        return Found(heard=False)
    size = 1 << (len(recording) - 1).bit_length()
    product = np.fft.rfft(recording, size) * np.conj(np.fft.rfft(reference, size))
    agreement = np.abs(np.fft.irfft(product, size)[:lags])
    best = int(np.argmax(agreement))
    near = slice(max(0, best - 32), best + 33)
    beside = float(np.sum(agreement**2) - np.sum(agreement[near] ** 2))
    around = (max(0.0, beside) / max(1, lags - 65)) ** 0.5
    if agreement[best] < FOUND_RATIO * max(around, _LEAST) or agreement[best] < _LEAST:
        return Found(heard=False)
    tone, rest = _energies(recording[best : best + len(reference)], HERTZ[begin:end])
    snr = None if rest <= _LEAST else round(1000 * np.log10(tone / rest))
    delay = best - begin * hop
    return Found(True, round(delay * 1e6 / SLOW_HZ), _cdb(tone), snr)


def _energies(piece: Block, hertz_of: tuple[int, ...]) -> tuple[float, float]:
    """Mean power of the hops' own frequencies, and of what else there is, inside the edges."""
    hop, edge = HOP_MS * SLOW_HZ // 1000, _EDGE_MS * SLOW_HZ // 1000
    at = np.arange(edge, hop - edge) / SLOW_HZ
    tone = rest = 0.0
    for number, hertz in enumerate(hertz_of):
        part = piece[number * hop + edge : (number + 1) * hop - edge]
        turned = np.stack([np.sin(2 * np.pi * hertz * at), np.cos(2 * np.pi * hertz * at)], axis=1)
        weights, _, _, _ = np.linalg.lstsq(turned, part, rcond=None)
        fitted = turned @ weights
        tone += float(np.mean(fitted**2))
        rest += float(np.mean((part - fitted) ** 2))
    count = len(hertz_of)
    return max(tone / count, _LEAST), rest / count


def _cdb(power: float) -> int:
    return max(-12_000, round(1000 * float(np.log10(max(power, _LEAST)))))
