"""Three clocks and how they meet: wall, CLOCK_MONOTONIC, frames of the card.

Owns `WallMap` (wall and monotonic, one offset per epoch) and `DacClock` (which frame leaves the
converter at which monotonic instant). Pure: time comes in as an argument, in nanoseconds.

Invariants: an epoch that has been replaced never changes again; the DAC clock follows noise
slowly, a reported underrun at once, any other jump within half a second.
"""

from __future__ import annotations

from agent.player.protocol import RATE_HZ

NS_PER_MS = 1_000_000
NS_PER_S = 1_000_000_000

_STEP_NS = 10 * NS_PER_MS
_BLOCKS_UNTIL_STEP = 12
_OUTLIER_NS = NS_PER_MS
# A tenth of the difference a block: 0.4 s. Slower ones missed what the null sink really does in
# its first seconds (starts were 2.6 ms off, measured); at 300 ppm it lags by 0.13 ms.
_FOLLOW = 0.1
_LEARN_BLOCKS = 50


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

    PortAudio's own figure jitters by some 20 us on a quiet machine and by milliseconds on a busy
    one, while the card's crystal does not: small differences are followed by a tenth, one block
    weighs at most 1 ms, and above 10 ms nothing, unless that goes on for half a second.
    """

    def __init__(self) -> None:
        self._next_ns: float | None = None
        self._strange = 0
        self._since_jump = 0
        self.blocks = 0

    def update(self, frames: int, measured_ns: int, *, jumped: bool = False) -> int:
        """Take the measured instant of a block of `frames`; return the one to believe."""
        self.blocks += 1
        believed = self._believe(measured_ns, jumped=jumped)
        self._next_ns = believed + ns_of_frames(frames)
        return round(believed)

    def _believe(self, measured_ns: int, *, jumped: bool) -> float:
        if self._next_ns is None or jumped:
            return self._jump(measured_ns)
        error_ns = measured_ns - self._next_ns
        if abs(error_ns) <= _STEP_NS:
            self._strange = 0
            self._since_jump += 1
            if self._since_jump > _LEARN_BLOCKS:
                error_ns = max(-_OUTLIER_NS, min(_OUTLIER_NS, error_ns))
            return self._next_ns + _FOLLOW * error_ns
        self._strange += 1
        if self._strange < _BLOCKS_UNTIL_STEP:
            return self._next_ns
        return self._jump(measured_ns)

    def _jump(self, measured_ns: int) -> float:
        self._strange = self._since_jump = 0
        return float(measured_ns)


class StreamTime:
    """PortAudio's stream clock seen from CLOCK_MONOTONIC.

    The library counts in CLOCK_REALTIME (19.6, Debian 12) or CLOCK_MONOTONIC (later ones): which
    one is seen from its value, and the two are compared directly. The instant at which a callback
    runs is no measure: Python lets it wait for milliseconds while a decoder is busy. Only for an
    unknown clock the lowest difference to it is used, since a callback is late, never early.
    """

    def __init__(self) -> None:
        self._offset_ns: int | None = None

    def mono_ns(self, stream_s: float, dac_s: float, now_ns: int, wall_ns: int) -> int:
        """The monotonic instant of `dac_s`.

        `stream_s` is the stream clock when the callback was called; `now_ns` (monotonic) and
        `wall_ns` were read together, now.
        """
        stream_ns, dac_ns = round(stream_s * NS_PER_S), round(dac_s * NS_PER_S)
        if abs(stream_ns - now_ns) < NS_PER_S:
            return dac_ns
        if abs(stream_ns - wall_ns) < NS_PER_S:
            return dac_ns + now_ns - wall_ns
        return dac_ns + self._lowest(now_ns - stream_ns)

    def _lowest(self, offset_ns: int) -> int:
        held = self._offset_ns
        if held is None or offset_ns < held or offset_ns - held > 20 * NS_PER_MS:
            self._offset_ns = offset_ns
        else:
            # Forgets 1 % of the gap a block, so that a drifting clock is followed.
            self._offset_ns = held + (offset_ns - held) // 100
        return self._offset_ns
