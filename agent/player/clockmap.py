"""Three clocks and how they meet: wall, CLOCK_MONOTONIC, frames of the card.

Owns `WallMap` (wall and monotonic, one offset per epoch) and `DacClock` (which frame leaves the
converter at which monotonic instant). Pure: time comes in as an argument, in nanoseconds.

Invariants: an epoch that has been replaced never changes again; the DAC clock follows noise
slowly, and a real jump (underrun, suspended card) within three blocks.
"""

from __future__ import annotations

from agent.player.protocol import RATE_HZ

NS_PER_MS = 1_000_000
NS_PER_S = 1_000_000_000

_STEP_NS = 3 * NS_PER_MS
_BLOCKS_UNTIL_STEP = 3
_FOLLOW = 0.1


def frames_of_ms(length_ms: float) -> int:
    """Frames at 48 kHz, rounded to the nearest."""
    return round(length_ms * RATE_HZ / 1000)


def ms_of_frames(frames: float) -> int:
    """Milliseconds of frames at 48 kHz, rounded to the nearest."""
    return round(frames * 1000 / RATE_HZ)


def frames_of_ns(length_ns: float) -> float:
    """Frames at 48 kHz, with their fraction."""
    return length_ns * RATE_HZ / NS_PER_S


def ns_of_frames(frames: float) -> int:
    """Nanoseconds that so many frames last."""
    return round(frames * NS_PER_S / RATE_HZ)


class WallMap:
    """Wall and monotonic time, by epoch. Unknown epochs are read as the newest one."""

    def __init__(self, wall_minus_mono_us: int, epoch: int = 0) -> None:
        self._offsets_ns = {epoch: wall_minus_mono_us * 1000}
        self._newest = epoch

    def update(self, epoch: int, wall_minus_mono_us: int) -> None:
        """Follow slew inside the newest epoch, or open a new one; older epochs stay frozen."""
        if epoch >= self._newest:
            self._newest = epoch
            self._offsets_ns[epoch] = wall_minus_mono_us * 1000

    def mono_ns(self, wall_ms: int, epoch: int) -> int:
        """The monotonic instant of a wall instant."""
        return wall_ms * NS_PER_MS - self._offset_ns(epoch)

    def wall_ms(self, mono_ns: int, epoch: int | None = None) -> int:
        """The wall instant of a monotonic one; the newest epoch when none is given."""
        chosen = self._newest if epoch is None else epoch
        return round((mono_ns + self._offset_ns(chosen)) / NS_PER_MS)

    def _offset_ns(self, epoch: int) -> int:
        return self._offsets_ns.get(epoch, self._offsets_ns[self._newest])


class DacClock:
    """When the first frame of each block leaves the converter, smoothed.

    PortAudio's own figure jitters by some 20 us on a quiet machine and far more on a busy one,
    while the card's crystal does not: small differences are followed by a tenth, large ones are
    believed only when they persist.
    """

    def __init__(self) -> None:
        self._next_ns: float | None = None
        self._strange = 0
        self.blocks = 0

    def update(self, frames: int, measured_ns: int, *, jumped: bool = False) -> int:
        """Take the measured instant of a block of `frames`; return the one to believe."""
        self.blocks += 1
        believed = self._believe(measured_ns, jumped=jumped)
        self._next_ns = believed + ns_of_frames(frames)
        return round(believed)

    def _believe(self, measured_ns: int, *, jumped: bool) -> float:
        if self._next_ns is None or jumped:
            self._strange = 0
            return float(measured_ns)
        error_ns = measured_ns - self._next_ns
        if abs(error_ns) <= _STEP_NS:
            self._strange = 0
            return self._next_ns + _FOLLOW * error_ns
        self._strange += 1
        if self._strange < _BLOCKS_UNTIL_STEP:
            return self._next_ns
        self._strange = 0
        return float(measured_ns)


class StreamTime:
    """PortAudio's stream clock seen from CLOCK_MONOTONIC.

    The library may count in CLOCK_REALTIME (19.6 on Debian 12 does). A callback reads our clock
    a little late, never early, so the lowest difference is nearest to the truth. A difference
    that jumps is a step of the wall clock and is taken at once.
    """

    def __init__(self) -> None:
        self._offset_ns: int | None = None

    def mono_ns(self, stream_s: float, dac_s: float, now_ns: int) -> int:
        """The monotonic instant of `dac_s`, when the stream clock showed `stream_s` at `now_ns`."""
        offset_ns = now_ns - round(stream_s * NS_PER_S)
        held = self._offset_ns
        if held is None or offset_ns < held or offset_ns - held > 20 * NS_PER_MS:
            self._offset_ns = offset_ns
        else:
            # Forgets 1 % of the gap a block, so that slew of the wall clock is followed.
            self._offset_ns = held + (offset_ns - held) // 100
        return round(dac_s * NS_PER_S) + self._offset_ns
