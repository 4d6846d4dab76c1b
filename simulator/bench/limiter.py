"""What the end of a bus costs: limiter and ear, a block at a time; and levelling a live source.

`python -m simulator.bench.limiter` prints one line a kind of sound. No card, no child: numpy, and
libebur128 for what is live.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from agent.core.loudness import Levels, aim_of
from agent.player.hearing import Ear
from agent.player.levelling import Fader, Gauge
from agent.player.limiter import CEILING_CDB, Limiter
from agent.player.protocol import RATE_HZ, Source
from agent.player.ring import CAPACITY_FRAMES

BLOCK = 1_024
BLOCKS = 3_000
CEILING = 10.0 ** (CEILING_CDB / 2000.0)


def sounds() -> dict[str, NDArray[np.float32]]:
    """Blocks that ask nothing, a closer look, and work of the limiter."""
    wave = np.random.default_rng(1).uniform(-1.0, 1.0, BLOCK)
    tone = np.sin(2 * np.pi * 997 * np.arange(BLOCK) / RATE_HZ)
    return {
        "well below the ceiling": (0.3 * wave).astype(np.float32),
        "near the ceiling": (0.95 * CEILING * tone).astype(np.float32),
        "12 dB above it": (4.0 * CEILING * wave).astype(np.float32),
    }


def cost_us(
    step: Callable[[NDArray[np.float32]], object], block: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Of each block, in processor time of this thread."""
    found = np.zeros(BLOCKS)
    for number in range(BLOCKS):
        began_ns = time.thread_time_ns()
        step(block)
        found[number] = (time.thread_time_ns() - began_ns) / 1_000
    return found


class Levelled:
    """A live source: what `LiveJob.take` does with a block beyond the ear's work, and the mixer."""

    def __init__(self) -> None:
        aim = aim_of(Source("stream", "http://dai.example/live"), Levels(), 3)
        if aim is None:
            raise ValueError("nothing is levelled")
        self._gauge = Gauge(aim, CAPACITY_FRAMES)
        self._fader = Fader(self._gauge)
        self._ear = Ear()
        self._at = 0

    def listen(self, block: NDArray[np.float32]) -> None:
        """Ear and meter."""
        pcm = np.rint(np.clip(block, -1.0, 1.0) * 32_767).astype(np.int16)
        self._gauge.add(pcm, self._ear.add(block))

    def gain(self, block: NDArray[np.float32]) -> None:
        """Of a block, and of what interpolation looks ahead."""
        self._fader.gains(self._at, len(block))
        self._at += len(block)
        self._fader.gains(self._at, 17)


def main() -> None:
    """Print the table."""
    period_us = BLOCK / RATE_HZ * 1e6
    for name, block in sounds().items():
        live = Levelled()
        for part, step in (
            ("limiter", Limiter().process),
            ("ear", Ear().add),
            ("ear and meter, live", live.listen),
            ("gain, live", live.gain),
        ):
            us = cost_us(step, block)
            share = 100 * float(us.mean()) / period_us
            p50, p99 = np.percentile(us, (50, 99))
            print(
                f"{part:20} {name:24} p50 {p50:4.0f} us  p99 {p99:4.0f} us  {share:.2f} % of a core"
            )


if __name__ == "__main__":
    main()
