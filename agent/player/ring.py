"""Decoded sound on its way from a decoder to the mixer, addressed by position.

Owns `Track` (a ring of mono S16 samples) and the sources that need no decoder, `Tone` and
`Silence`. Positions are frames at 48 kHz from the first sample of the programme before encoding.

Invariants: one thread appends, one thread reads, nobody waits. A sample is at its position or
absent; absent samples read as silence and are counted by the reader.
"""

from __future__ import annotations

from collections import deque
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from agent.player.protocol import RATE_HZ

Block: TypeAlias = NDArray[np.float32]
Pcm: TypeAlias = NDArray[np.int16]

CAPACITY_FRAMES = 16 * RATE_HZ
_FULL_SCALE = np.float32(1.0 / 32768.0)


class Reader(Protocol):
    """Something the mixer can read at a position."""

    @property
    def total(self) -> int | None:
        """Position after the last sample, when known."""

    def first(self) -> int:
        """The lowest position that can be read."""

    def lead(self, position: int) -> int:
        """How many frames can be read from `position` on."""

    def read(self, position: int, frames: int) -> tuple[Block, int]:
        """`frames` samples from `position`, absent ones silent; and how many were there."""


class Track:
    """A ring of decoded samples. `append` and `finish` belong to the decoder's thread."""

    def __init__(self, first: int, capacity: int = CAPACITY_FRAMES) -> None:
        self._start = first  # oldest position held
        self._end = first  # position after the newest
        self._pcm: Pcm = np.zeros(capacity, np.int16)
        self._total: int | None = None
        self._holes: deque[tuple[int, int]] = deque()
        self.dropped = 0

    @property
    def total(self) -> int | None:
        """Position after the last sample, known once the decoder has reached it."""
        return self._total

    @property
    def end(self) -> int:
        """Position after the newest sample."""
        return self._end

    @property
    def room(self) -> int:
        """How many frames `append` still takes."""
        return len(self._pcm) - (self._end - self._start)

    def first(self) -> int:
        """The lowest position that can be read."""
        return self._start

    def begin_at(self, first: int) -> None:
        """Let the first sample be at `first`; only before anything was appended."""
        self._start = self._end = first

    def append(self, pcm: Pcm) -> None:
        """Add samples at the end; what does not fit is dropped and counted."""
        room = len(self._pcm) - (self._end - self._start)
        if len(pcm) > room:
            self.dropped += len(pcm) - room
            pcm = pcm[:room]
        at = self._end % len(self._pcm)
        head = min(len(pcm), len(self._pcm) - at)
        self._pcm[at : at + head] = pcm[:head]
        self._pcm[: len(pcm) - head] = pcm[head:]
        self._end += len(pcm)  # last: the reader sees only samples that are in place

    def leave_out(self, frames: int) -> None:
        """Put silence at the end for samples that were lost: they are absent, not there."""
        room = len(self._pcm) - (self._end - self._start)
        self._holes.append((self._end, self._end + min(frames, room)))
        self.append(np.zeros(frames, np.int16))

    def finish(self, total: int | None = None) -> None:
        """No more samples come; `total` may lie beyond the last one (read as silence)."""
        self._total = self._end if total is None else total

    def lead(self, position: int) -> int:
        """How many frames can be read from `position` on."""
        return max(0, self._end - max(position, self._start))

    def read(self, position: int, frames: int) -> tuple[Block, int]:
        """Samples from `position`; what lies a second before it is forgotten."""
        out = np.zeros(frames, np.float32)
        low, high = max(position, self._start), min(position + frames, self._end)
        if high > low:
            at = low % len(self._pcm)
            head = min(high - low, len(self._pcm) - at)
            into = low - position
            out[into : into + head] = self._pcm[at : at + head]
            out[into + head : high - position] = self._pcm[: high - low - head]
            out *= _FULL_SCALE
        # One second stays, so that the mixer can step back when the card's clock jumped.
        self._start = max(self._start, min(position - RATE_HZ, self._end))
        return out, max(0, high - low) - self._absent(low, high)

    def _absent(self, low: int, high: int) -> int:
        """How many of these positions hold silence instead of what was lost."""
        while self._holes and self._holes[0][1] <= self._start:
            self._holes.popleft()
        holes = tuple(self._holes)
        return sum(max(0, min(high, last) - max(low, first)) for first, last in holes)


class Tone:
    """One or several frequencies in turn, endless; -6 dBFS, phase continuous within a step."""

    total: int | None = None

    def __init__(self, tone_hz: tuple[int, ...], step_ms: int) -> None:
        self._hz = np.asarray(tone_hz or (1000,), np.float64)
        self._step = max(1, step_ms * RATE_HZ // 1000)

    def first(self) -> int:
        """Tones can be read anywhere."""
        return 0

    def lead(self, position: int) -> int:
        """A tone is never short of samples."""
        del position
        return CAPACITY_FRAMES

    def read(self, position: int, frames: int) -> tuple[Block, int]:
        """The tone from `position`; steps meet with 2 ms edges."""
        at = np.arange(position, position + frames)
        step, inside = np.divmod(at, self._step)
        hertz = self._hz[step % len(self._hz)]
        wave = 0.5 * np.sin(2.0 * np.pi * hertz * inside / RATE_HZ)
        if len(self._hz) > 1:
            wave *= np.clip(np.minimum(inside, self._step - inside) / 96.0, 0.0, 1.0)
        return wave.astype(np.float32), frames


class Silence:
    """Nothing to hear, for a measured time."""

    total: int | None = None

    def first(self) -> int:
        """Silence can be read anywhere."""
        return 0

    def lead(self, position: int) -> int:
        """Silence is never short of samples."""
        del position
        return CAPACITY_FRAMES

    def read(self, position: int, frames: int) -> tuple[Block, int]:
        """Zeros."""
        del position
        return np.zeros(frames, np.float32), frames
