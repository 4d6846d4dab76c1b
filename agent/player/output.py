"""The sound card as the mixer sees it: a port, and PortAudio behind it.

Owns the device and its clock: each block is asked for together with the CLOCK_MONOTONIC instant
at which its first frame leaves the converter. Knows nothing of cues. PyAudio is untyped and is
touched only here.

Invariants: `render` is called by one thread, in order, without holes in the frame count; `open`
may block for ever on a broken device, so it runs where it can be abandoned.
"""

from __future__ import annotations

import ctypes
import logging
import time
from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

from agent.player.clockmap import NS_PER_MS, DacClock, StreamTime
from agent.player.devices import find, prepare_portaudio
from agent.player.durations import Durations, Spread
from agent.player.protocol import RATE_HZ

log = logging.getLogger(__name__)

# frames, instant of the first frame (CLOCK_MONOTONIC ns), whether the card ran dry before it;
# returns interleaved S16.
Render: TypeAlias = Callable[[int, int, bool], bytes]


class NoDevice(Exception):  # noqa: N818 - reads as what the parent is told
    """No output of that name; the message lists those that exist."""


class DeviceFailed(Exception):  # noqa: N818
    """The device exists but cannot be opened as asked."""


class Output(Protocol):
    """A card with a running clock."""

    device: str
    frames_per_buffer: int
    """Of the opening that runs, or of the next one when it is set before `reopen`."""

    def open(self, render: Render) -> None:
        """Open and start; raises NoDevice or DeviceFailed."""

    def close(self) -> None:
        """Stop at once; harmless when not open."""

    @property
    def resolved(self) -> str:
        """What the name was found to mean; empty before it is open."""

    @property
    def latency_ms(self) -> int:
        """From `render` to the converter, as last seen."""

    @property
    def last_callback_ns(self) -> int:
        """When the card last asked for sound (CLOCK_MONOTONIC); 0 before the first time."""

    @property
    def settled(self) -> bool:
        """The clock of the card is known: starts are exact from now on."""

    @property
    def steady(self) -> bool | None:
        """Whether the driver's clock moves as a crystal does; None while it is not known."""

    @property
    def drift(self) -> float:
        """How much longer than nominal the card's second lasts, as far as is known."""

    @property
    def callbacks(self) -> Spread | None:
        """How long the card's thread was kept for a block, lately; None before the first."""

    def reopen(self) -> None:
        """Close and open with the same `render`; raises what `open` raises. What was learned of
        the crystal stays."""


# The first callbacks fill an empty card and report no latency yet: two or three of them, whatever
# their size, before a pause of up to 1.6 s (PulseAudio, measured).
_SETTLED_FRAMES, _SETTLED_BLOCKS = 8_192, 4
_TOGETHER_NS = 20_000


class PortAudioOutput:
    """A PortAudio callback stream that stays open, found by name."""

    def __init__(
        self,
        device: str,
        buses: int,
        frames_per_buffer: int = 2048,
        *,
        begin: Callable[[str], int] | None = None,
    ) -> None:
        """begin: which frames per buffer the first opening of a device so called has."""
        self.device = device
        self.frames_per_buffer = frames_per_buffer
        self.callback_ns: list[int] | None = None  # durations, when somebody measures
        self._callbacks = Durations()
        self._begin = begin
        self._buses = buses
        self._library: Any = None
        self._stream: Any = None
        self._render: Render = lambda frames, _dac_ns, _underrun: bytes(2 * buses * frames)
        self._clock = DacClock()
        self._stream_time = StreamTime()
        self._latency_ns = 0
        self._last_ns = 0
        self._failed = False
        self._resolved = ""

    @property
    def resolved(self) -> str:
        """PortAudio's name of the device, which may differ after the next replug."""
        return self._resolved

    @property
    def latency_ms(self) -> int:
        """From `render` to the converter, as last seen."""
        return round(self._latency_ns / NS_PER_MS)

    @property
    def last_callback_ns(self) -> int:
        """When the card last asked for sound."""
        return self._last_ns

    @property
    def settled(self) -> bool:
        """True once the latency has been seen with a full buffer."""
        blocks = self._clock.blocks
        return blocks >= _SETTLED_BLOCKS and blocks * self.frames_per_buffer >= _SETTLED_FRAMES

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
        """See `Durations.spread`."""
        return self._callbacks.spread()

    def open(self, render: Render) -> None:
        """Open the device and start asking `render` for sound."""
        prepare_portaudio()
        import pyaudio

        self._render = render
        self._library = pyaudio.PyAudio()
        try:
            self._open_stream(pyaudio.paInt16)
        except BaseException:
            self.close()  # or PortAudio's list of devices stays as it is for this process
            raise

    def reopen(self) -> None:
        """Give the device back and take it again: its clock begins anew."""
        self.close()
        self._last_ns = 0
        self._clock, self._stream_time = self._clock.begun_anew(), StreamTime()
        self.open(self._render)

    def _open_stream(self, sample_format: int) -> None:
        index = self._find()
        if self._begin is not None:
            self.frames_per_buffer, self._begin = self._begin(self._resolved), None
        try:
            self._stream = self._library.open(
                format=sample_format,
                channels=self._buses,
                rate=RATE_HZ,
                output=True,
                output_device_index=index,
                frames_per_buffer=self.frames_per_buffer,
                stream_callback=self._callback,
            )
        except (OSError, ValueError) as error:
            raise DeviceFailed(f"{self.device}: {error}") from error

    def close(self) -> None:
        """Stop and give the device back."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None
        if self._library is not None:
            self._library.terminate()
            self._library = None

    def _find(self) -> int:
        """The device's number now, by a name that does not change."""
        found, name, there_are = find(self._library, self.device, "maxOutputChannels", self._buses)
        if found is None:
            raise NoDevice(
                f"no output {self.device!r} with {self._buses} channels; there are: {there_are}"
            )
        self._resolved = name
        return found

    def _callback(
        self, _in: bytes | None, frames: int, times: dict[str, float], status: int
    ) -> tuple[bytes, int]:
        now_ns, wall_ns = _both_clocks()
        if not self._last_ns:
            _keep_thread_state()
        self._last_ns = now_ns
        underrun = bool(status & 0x4) and self.settled  # paOutputUnderflow
        current_s, dac_s = times["current_time"], times["output_buffer_dac_time"]
        measured_ns = self._stream_time.mono_ns(current_s, dac_s, now_ns, wall_ns)
        jumped = underrun or not self.settled
        dac_ns = self._clock.update(frames, measured_ns, now_ns, jumped=jumped)
        self._latency_ns = dac_ns - now_ns
        data = self._safely(frames, dac_ns, underrun)
        took_ns = time.monotonic_ns() - now_ns
        self._callbacks.add(took_ns)
        if self.callback_ns is not None:
            self.callback_ns.append(took_ns)
        return data, 0  # paContinue

    def _safely(self, frames: int, dac_ns: int, underrun: bool) -> bytes:
        """An exception here would end the stream silently: silence and one line instead."""
        try:
            return self._render(frames, dac_ns, underrun)
        except Exception:
            if not self._failed:
                log.exception("render_failed")
                self._failed = True
            return bytes(2 * self._buses * frames)


def _keep_thread_state() -> None:
    """Once in each thread of PortAudio's: keep what Python would make anew for every block.

    PyAudio asks for a thread state before each callback and gives it back after, and with the last
    one given back Python drops it with its memory: mapped, zeroed, unmapped fifty times a second,
    a sixth of what an idle child costs (measured). One more asked for, it stays.
    """
    ctypes.pythonapi.PyGILState_Ensure()


def _both_clocks() -> tuple[int, int]:
    """CLOCK_MONOTONIC and CLOCK_REALTIME at one instant: again when something came between."""
    for _ in range(4):
        before_ns, wall_ns, after_ns = time.monotonic_ns(), time.time_ns(), time.monotonic_ns()
        if after_ns - before_ns < _TOGETHER_NS:
            break
    return (before_ns + after_ns) // 2, wall_ns
