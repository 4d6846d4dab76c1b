"""A card whose crystal is off by a known amount, behind the player's own output port.

PulseAudio's null sink runs on the machine's clock, so a drifting card has to be modelled: a
thread asks for blocks at the pace of a clock that is `ppm` fast, reports the true instants at
which they leave, and keeps what it was given. The same contract test runs against it and the
PortAudio output. First form: constant drift, no jitter, no underruns.
"""

from __future__ import annotations

import logging
import threading
import time

import numpy as np
from numpy.typing import NDArray

from agent.player.output import Render
from agent.player.protocol import RATE_HZ

log = logging.getLogger(__name__)

_NS = 1_000_000_000


class ModelledOutput:
    """Implements `agent.player.output.Output`; what was heard is in `samples`."""

    def __init__(
        self, buses: int, frames_per_buffer: int = 2048, *, ppm: float = 0.0, buffers: int = 2
    ) -> None:
        self.device = f"modelled {ppm:+g} ppm"
        self.frames_per_buffer = frames_per_buffer
        self.ppm = ppm
        self._buses = buses
        self._buffers = buffers
        self._blocks: list[bytes] = []
        self._first_ns = 0
        self._last_ns = 0
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._render: Render | None = None

    @property
    def latency_ms(self) -> int:
        """From `render` to the converter."""
        return round(self._buffers * self.frames_per_buffer * 1000 / RATE_HZ)

    @property
    def last_callback_ns(self) -> int:
        """When the card last asked for sound."""
        return self._last_ns

    @property
    def settled(self) -> bool:
        """The model knows its clock from the first block on."""
        return self._last_ns != 0

    @property
    def steady(self) -> bool | None:
        """A model does not guess."""
        return True

    @property
    def drift(self) -> float:
        """What its crystal is off by."""
        return 1.0 / (1.0 + self.ppm * 1e-6) - 1.0

    def reopen(self) -> None:
        """Stop the clock and start it anew."""
        self.close()
        if self._render is not None:
            self.open(self._render)

    def open(self, render: Render) -> None:
        """Start the card's clock."""
        self._render = render
        self._stop.clear()
        self._first_ns = time.monotonic_ns() + self.latency_ms * 1_000_000
        thread = threading.Thread(target=self._run, args=(render,), name="modelled-card")
        thread.daemon = True
        thread.start()
        self._thread = thread  # only now: it may be closed from another thread at any moment

    def close(self) -> None:
        """Stop the card's clock."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def dac_ns_of(self, frame: float) -> float:
        """The true instant at which a frame leaves."""
        return self._first_ns + frame * _NS / (RATE_HZ * (1.0 + self.ppm * 1e-6))

    def samples(self, bus: int) -> NDArray[np.float32]:
        """Everything given out on `bus` so far, full scale 1.0."""
        block = np.frombuffer(b"".join(self._blocks), np.int16).reshape(-1, self._buses)
        return np.asarray(block[:, bus], np.float32) / np.float32(32768.0)

    def _run(self, render: Render) -> None:
        frame = 0
        ahead_ns = self._buffers * self.frames_per_buffer * _NS / RATE_HZ
        while not self._stop.is_set():
            dac_ns = round(self.dac_ns_of(frame))
            wait_ns = dac_ns - ahead_ns - time.monotonic_ns()
            if wait_ns > 0 and self._stop.wait(wait_ns / _NS):
                return
            self._last_ns = time.monotonic_ns()
            self._blocks.append(self._safely(render, dac_ns))
            frame += self.frames_per_buffer

    def _safely(self, render: Render, dac_ns: int) -> bytes:
        try:
            return render(self.frames_per_buffer, dac_ns, False)
        except Exception:
            log.exception("render_failed")
            return bytes(2 * self._buses * self.frames_per_buffer)
