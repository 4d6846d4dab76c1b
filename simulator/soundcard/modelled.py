"""A card whose crystal, driver and buffer do what a test says, behind the player's own output port.

PulseAudio's null sink runs on the machine's clock, so a drifting card has to be modelled: it asks
for blocks at the pace of a crystal that is `ppm` fast, reports when they leave as a driver would
(true, or jittering by up to `jitter_ns`), and keeps what it was given with the true instants. The
figures go through the player's own `DacClock`, as PortAudio's do.

Owns the truth: `dac_ns_of` and `heard` know nothing of what was reported. Runs in real time with a
thread of its own, or, with `start_ns`, in virtual time: then `play` asks for blocks at once. The
same contract test runs against it and the PortAudio output.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent.player.clockmap import DacClock
from agent.player.durations import Durations, Spread
from agent.player.output import Render
from agent.player.protocol import RATE_HZ

log = logging.getLogger(__name__)

_NS = 1_000_000_000
_SETTLED_FRAMES = 8_192


@dataclass(frozen=True)
class _Stretch:
    """From `frame` on, which leaves at `ns`, the crystal is `ppm` fast."""

    frame: int
    ns: float
    ppm: float

    @property
    def ns_per_frame(self) -> float:
        return _NS / (RATE_HZ * (1.0 + self.ppm * 1e-6))


class ModelledOutput:
    """Implements `agent.player.output.Output`; what was heard is in `samples` and `heard`."""

    def __init__(
        self,
        buses: int,
        frames_per_buffer: int = 1024,
        *,
        ppm: float = 0.0,
        buffers: int = 2,
        jitter_ns: int = 0,
        seed: int = 0,
        start_ns: int | None = None,
    ) -> None:
        self.device = f"modelled {ppm:+g} ppm"
        self.frames_per_buffer = frames_per_buffer
        self.ppm = ppm
        self._buses = buses
        self._buffers = buffers
        self._jitter_ns = jitter_ns
        self._chance = random.Random(seed)
        self._start_ns = start_ns
        self._blocks: list[bytes] = []
        self._stretches = [_Stretch(0, 0.0, ppm)]
        self._ran_dry = False
        self._clock = DacClock()
        self._callbacks = Durations()
        self._last_ns = 0
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._render: Render | None = None

    # --- the port ------------------------------------------------------------------------

    @property
    def resolved(self) -> str:
        """A model has one name."""
        return self.device

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
        """True once a few blocks were asked for."""
        return self._clock.blocks * self.frames_per_buffer >= _SETTLED_FRAMES

    @property
    def steady(self) -> bool | None:
        """See `DacClock.steady`."""
        return self._clock.steady

    @property
    def drift(self) -> float:
        """See `DacClock.drift`."""
        return self._clock.drift

    @property
    def callbacks(self) -> Spread | None:
        """How long `render` took."""
        return self._callbacks.spread()

    def reopen(self) -> None:
        """Stop the clock and start it anew."""
        self.close()
        if self._render is not None:
            self.open(self._render)

    def open(self, render: Render) -> None:
        """Start the card's clock; in virtual time `play` moves it."""
        self._render = render
        self._stop.clear()
        self._clock, self._blocks = self._clock.begun_anew(), []
        now_ns = time.monotonic_ns() if self._start_ns is None else self._start_ns
        first_ns = now_ns + self.latency_ms * 1_000_000
        self._stretches = [_Stretch(0, first_ns, self._stretches[-1].ppm)]
        if self._start_ns is not None:
            return
        thread = threading.Thread(target=self._run, name="modelled-card")
        thread.daemon = True
        thread.start()
        self._thread = thread  # only now: it may be closed from another thread at any moment

    def close(self) -> None:
        """Stop the card's clock."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    # --- what a test does to it ------------------------------------------------------------

    def play(self, seconds: float) -> int:
        """Ask for so much sound at once (virtual time); the instant of the last asking."""
        if self._start_ns is None:
            raise ValueError("this card runs in real time")
        until = self.frames + round(seconds * RATE_HZ)
        while self.frames < until:
            self._ask(round(self._asking_ns()))
        return self._last_ns

    def warm_up(self, ppm: float) -> None:
        """From the next block on the crystal is `ppm` fast."""
        self._stretches.append(_Stretch(self.frames, self.dac_ns_of(self.frames), ppm))

    def run_dry(self, gap_ms: float, *, told: bool = True) -> None:
        """The next block leaves so much later; the driver says so, or keeps quiet about it."""
        at_ns = self.dac_ns_of(self.frames) + gap_ms * 1e6
        self._stretches.append(_Stretch(self.frames, at_ns, self._stretches[-1].ppm))
        self._ran_dry = told

    # --- the truth -------------------------------------------------------------------------

    @property
    def frames(self) -> int:
        """How many frames were asked for so far."""
        return len(self._blocks) * self.frames_per_buffer

    def dac_ns_of(self, frame: float) -> float:
        """The true instant at which a frame leaves."""
        own = next(s for s in reversed(self._stretches) if frame >= s.frame or s.frame == 0)
        return own.ns + (frame - own.frame) * own.ns_per_frame

    def frame_at(self, ns: float) -> float:
        """The frame that leaves at a true instant."""
        own = next(s for s in reversed(self._stretches) if ns >= s.ns or s.frame == 0)
        return own.frame + (ns - own.ns) / own.ns_per_frame

    def samples(self, bus: int) -> NDArray[np.float32]:
        """Everything given out on `bus` so far, full scale 1.0."""
        return self.heard(bus, 0, self.frames)

    def heard(self, bus: int, first: int, frames: int) -> NDArray[np.float32]:
        """`frames` from `first` on, as they left on `bus`, full scale 1.0."""
        size = self.frames_per_buffer
        low, high = first // size, -(-(first + frames) // size)
        block = np.frombuffer(b"".join(self._blocks[low:high]), np.int16)
        there = block.reshape(-1, self._buses)[first - low * size :][:frames, bus]
        return np.asarray(there, np.float32) / np.float32(32768.0)

    # --- the clock -------------------------------------------------------------------------

    def _asking_ns(self) -> float:
        ahead_ns = self._buffers * self.frames_per_buffer * _NS / RATE_HZ
        return self.dac_ns_of(self.frames) - ahead_ns

    def _run(self) -> None:
        while not self._stop.is_set():
            wait_ns = self._asking_ns() - time.monotonic_ns()
            if wait_ns > 0 and self._stop.wait(wait_ns / _NS):
                return
            self._ask(time.monotonic_ns())

    def _ask(self, now_ns: int) -> None:
        size, underrun = self.frames_per_buffer, self._ran_dry
        self._last_ns, self._ran_dry = now_ns, False
        said_ns = round(self.dac_ns_of(self.frames))
        if self._jitter_ns:
            said_ns += self._chance.randint(-self._jitter_ns, self._jitter_ns)
        jumped = underrun or not self.settled
        dac_ns = self._clock.update(size, said_ns, now_ns, jumped=jumped)
        began_ns = time.monotonic_ns()
        self._blocks.append(self._safely(dac_ns, underrun))
        self._callbacks.add(time.monotonic_ns() - began_ns)

    def _safely(self, dac_ns: int, underrun: bool) -> bytes:
        try:
            if self._render is None:
                raise ValueError("asked before it was opened")
            return self._render(self.frames_per_buffer, dac_ns, underrun)
        except Exception:
            log.exception("render_failed")
            return bytes(2 * self._buses * self.frames_per_buffer)
