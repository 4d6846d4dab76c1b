"""Three clocks and how they meet: wall, CLOCK_MONOTONIC, frames of the card.

Owns `WallMap` (wall and monotonic, one offset per epoch) and `DacClock` (which frame leaves the
converter at which monotonic instant). Pure: time comes in as an argument, in nanoseconds.

Invariants: an epoch that has been replaced never changes again; the DAC clock goes as its crystal
goes and follows noise slowly, a reported underrun at once, any other jump of the card within half
a second, and a driver that only says so by a millisecond a second, by a tenth of that once the card
is well known.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import TypeVar

from agent.player.protocol import RATE_HZ

Row = TypeVar("Row", tuple[int, int], tuple[int, float])

NS_PER_MS = 1_000_000
NS_PER_S = 1_000_000_000

_STEP_NS = 10 * NS_PER_MS
_UNTIL_STEP_NS = NS_PER_S // 2
# A card that has run dry is filled by the next blocks at once: only after them its figure says
# where the sound will be (it was up to 130 ms off in the first one, measured).
_SETTLING_NS = 170 * NS_PER_MS
_SLEW = 1e-3  # of the time that passes; a cheap crystal is off by a tenth of it
# Half a millisecond of jitter of a driver's figure moves the clock by some 20 us.
_FOLLOW_NS = 2_500 * NS_PER_MS
_ODD_NS = 1_000_000  # more is a place that was wrong
# A card that kept its pace for so long is where it was: a figure that says otherwise counts for a
# fifth of a millisecond. PulseAudio's goes by 1 to 5 ms for seconds beside a busy machine, and the
# sound stays (measured).
_KNOWN_NS = 30 * NS_PER_S
_CLAIM_NS = 200_000
# What a crystal's drift is learned from: the earliest callbacks of half a second scatter by 40 us
# at least, a crystal is off by some 100 ppm, and wanders by some ppm in a minute.
_WINDOW_NS = NS_PER_S // 2
_LOWS_KEPT = 80
_LATE_NS = 4e4
_CRYSTAL_NS_PER_S = 1e5
_DOUBT_LEAST_NS_PER_S = 2e3
_DRIFT_MOST_NS_PER_S = 5e5
_ODD_SCATTERS = 4
_ROUNDS = 6
_PROOF_NS = 800 * NS_PER_MS
# Half of what would be heard within an item: a figure that jitters by 1 ms (USB) passes, an
# extrapolation that will be 5 ms off does not (measured on some hundred openings under load).
_STEADY_SLOPE = 0.5e-3


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


class Crystal:
    """How fast the card's clock runs, from the earliest callback of each half second.

    A callback is late, never early, and the card asks as it plays. The driver's figure would not
    do: PulseAudio's goes by 0.2 to 2 ms in steps while its sink runs on evenly (measured). The
    drift is the slope of a line through the last 40 s of them, as steep as their scatter lets it
    be believed: what scatters by a millisecond (a null sink that is asked in blocks of its own)
    says nothing within seconds, what lies on a line does. An estimate that took every scatter for
    50 us was up to 450 ppm off after some openings, and a start then late by 1 ms.
    """

    def __init__(self) -> None:
        self.drift_ns_per_s = 0.0
        self.moves = 0  # how often the callbacks began to come at another pace
        self._begin_ns = 0
        self._low_ns: int | None = None
        self._lows: deque[tuple[float, float]] = deque(maxlen=_LOWS_KEPT)  # s, ns
        self._place = (0.0, 0.0)  # of the line
        self._scatter_ns = _LATE_NS
        self._odd = 0  # lows in a row that lie far off the line, with their sign
        self._known, self._doubt = 0.0, _CRYSTAL_NS_PER_S  # before these lows were seen

    def asked(self, ideal_ns: int, pace_ns: int) -> None:
        """The block that is due at `ideal_ns` by count was asked for `pace_ns` after that."""
        if self._low_ns is None:
            self._begin_ns, self._low_ns = ideal_ns, pace_ns
        self._low_ns = min(self._low_ns, pace_ns)
        if ideal_ns - self._begin_ns >= _WINDOW_NS:
            self._learn(ideal_ns / NS_PER_S, float(self._low_ns))
            self._low_ns = None

    def lost(self) -> None:
        """The card's clock jumped; its crystal is the same."""
        if len(self._lows) > 1:
            squares = _squares(self._lows)
            sure = 1.0 / self._doubt**2 + squares / self._scatter_ns**2
            self._doubt = max(_DOUBT_LEAST_NS_PER_S, sure**-0.5)
        self._known = self.drift_ns_per_s
        self._lows.clear()
        self._low_ns, self._odd = None, 0

    def _learn(self, at_s: float, low_ns: float) -> None:
        if self._lows and self._is_odd(at_s, low_ns):
            return
        self._lows.append((at_s, low_ns))
        self._fit()

    def _is_odd(self, at_s: float, low_ns: float) -> bool:
        """Whether to leave it out: the second on the same side in a row begins a new line."""
        off_ns = low_ns - self._place[1] - self.drift_ns_per_s * (at_s - self._place[0])
        if abs(off_ns) <= max(_ODD_NS, _ODD_SCATTERS * self._scatter_ns):
            self._odd = 0
            return False
        side = 1 if off_ns > 0 else -1
        again, self._odd = self._odd == side, side
        if again:
            self.lost()
            self.moves += 1
        return not again

    def _fit(self) -> None:
        """Slope and scatter that agree with each other: the more scatter, the less is believed."""
        count = len(self._lows)
        middle_s = sum(at_s for at_s, _ in self._lows) / count
        middle_ns = sum(low_ns for _, low_ns in self._lows) / count
        both = sum((at_s - middle_s) * (low_ns - middle_ns) for at_s, low_ns in self._lows)
        high = sum((low_ns - middle_ns) ** 2 for _, low_ns in self._lows)
        squares, drift, scatter = _squares(self._lows), self._known, _LATE_NS
        for _ in range(_ROUNDS):  # from all scatter towards a drift: some crystals are 300 ppm off
            rest = max(0.0, high - 2 * drift * both + drift * drift * squares)
            scatter = max(_LATE_NS, (rest / count) ** 0.5)
            held = (scatter / self._doubt) ** 2
            drift = (both + held * self._known) / (squares + held)
        self._place, self._scatter_ns = (middle_s, middle_ns), scatter
        self.drift_ns_per_s = max(-_DRIFT_MOST_NS_PER_S, min(_DRIFT_MOST_NS_PER_S, drift))


def _squares(lows: Iterable[tuple[float, float]]) -> float:
    """How far their instants lie around their middle, squared and summed."""
    instants = [at_s for at_s, _ in lows]
    middle_s = sum(instants) / len(instants)
    return sum((at_s - middle_s) ** 2 for at_s in instants)


class DacClock:
    """When the first frame of each block leaves the converter, smoothed.

    The driver's figure is believed for where the sound is, the crystal for how it moves on. The
    figure jitters by some 20 us on a quiet machine and by milliseconds on a busy one; a sound
    server's extrapolation can wander by 40 ms in its first 20 s (PulseAudio's, measured). No
    crystal does that: it goes on as its `Crystal` goes, and differences are followed slowly and by
    1 ms a second at most. A larger one is a jump after an underrun was reported, or when the card's
    *pace* (the earliest callbacks) moved by as much.
    """

    def __init__(self, crystal: Crystal | None = None) -> None:
        self._frames = 0
        self._offset_ns: float | None = None  # of frame 0
        self._crystal = crystal or Crystal()
        self._followed = 0  # blocks since the last jump
        self._known_ns = 0  # since the card last moved
        self._moves = self._crystal.moves
        self._strange_ns = 0  # for how long the figures have been far off
        self._settling_ns = 0
        self._seconds, self._block_ns = 0.0, 0  # that the block before lasts
        self._paces: deque[tuple[int, int]] = deque()
        self._seen: deque[tuple[int, float]] = deque()
        self.blocks = 0

    def update(self, frames: int, measured_ns: int, now_ns: int, *, jumped: bool = False) -> int:
        """Take the measured instant of a block of `frames`, asked for at `now_ns` (both
        CLOCK_MONOTONIC); return the instant to believe."""
        self.blocks += 1
        ideal_ns = ns_of_frames(self._frames)
        self._frames += frames
        self._paces.append((ideal_ns, now_ns - ideal_ns))
        _forget(self._paces, ideal_ns - 3 * _UNTIL_STEP_NS)
        self._crystal.asked(ideal_ns, now_ns - ideal_ns)
        offset_ns = float(measured_ns - ideal_ns)
        asked_ns = now_ns - ideal_ns
        self._offset_ns = self._believe(offset_ns, asked_ns, self._seconds, jumped=jumped)
        self._seconds, self._block_ns = frames / RATE_HZ, ns_of_frames(frames)
        self._seen.append((ideal_ns, offset_ns))
        _forget(self._seen, ideal_ns - _PROOF_NS - 1)
        return round(self._offset_ns + ideal_ns)

    def begun_anew(self) -> DacClock:
        """The clock of the same card after it was opened again: its crystal is the same."""
        self._crystal.lost()
        return DacClock(self._crystal)

    @property
    def drift(self) -> float:
        """How much longer than nominal the card's second lasts: 1e-4 when it is 100 ppm slow."""
        return self._crystal.drift_ns_per_s / NS_PER_S

    @property
    def steady(self) -> bool | None:
        """Whether the driver's figures move as a crystal does; None while too few were seen."""
        if not self._seen or self._seen[-1][0] - self._seen[0][0] < _PROOF_NS - self._block_ns:
            return None
        # Least squares by hand: some dozen numbers, once in a while.
        mean_t = sum(t for t, _ in self._seen) / len(self._seen)
        mean_z = sum(z for _, z in self._seen) / len(self._seen)
        square = sum((t - mean_t) ** 2 for t, _ in self._seen)
        slope = sum((t - mean_t) * (z - mean_z) for t, z in self._seen) / square
        return abs(slope) < _STEADY_SLOPE

    def _believe(self, offset_ns: float, asked_ns: int, seconds: float, *, jumped: bool) -> float:
        if self._offset_ns is None or jumped:
            self._settling_ns = _SETTLING_NS
        if self._offset_ns is None or self._settling_ns > 0:
            self._settling_ns -= max(1, round(seconds * NS_PER_S))
            return self._jump(offset_ns)
        held_ns = self._offset_ns + self._crystal.drift_ns_per_s * seconds
        error_ns = offset_ns - held_ns
        self._strange_ns = self._strange_ns + self._block_ns if abs(error_ns) > _STEP_NS else 0
        # A block that leaves before it was asked for: what is believed cannot be.
        impossible = held_ns < asked_ns - _STEP_NS <= offset_ns
        if self._strange_ns >= _UNTIL_STEP_NS and (impossible or self._pace_moved(error_ns)):
            return self._jump(offset_ns)
        if 0 < self._strange_ns < _UNTIL_STEP_NS:
            return held_ns
        self._followed += 1
        if self._well_known(seconds):
            error_ns = max(-_CLAIM_NS, min(_CLAIM_NS, error_ns))
        share = max(1.0 / (1.0 + self._followed), seconds * NS_PER_S / _FOLLOW_NS)
        share = share if abs(error_ns) < _ODD_NS else 1.0
        most_ns = _SLEW * seconds * NS_PER_S
        return held_ns + max(-most_ns, min(most_ns, share * error_ns))

    def _well_known(self, seconds: float) -> bool:
        """Whether the card has been going on as it goes for long enough."""
        self._known_ns += round(seconds * NS_PER_S)
        if self._moves != self._crystal.moves:
            self._moves, self._known_ns = self._crystal.moves, 0
        return self._known_ns > _KNOWN_NS

    def _pace_moved(self, error_ns: float) -> bool:
        """Whether the card asks earlier or later than before, by what the driver says."""
        since_ns = self._paces[-1][0] - _UNTIL_STEP_NS
        before = [pace_ns for at_ns, pace_ns in self._paces if at_ns <= since_ns]
        since = [pace_ns for at_ns, pace_ns in self._paces if at_ns > since_ns]
        if not before:
            return False
        moved_ns = min(since) - min(before)
        return moved_ns * error_ns > 0 and abs(moved_ns) > abs(error_ns) / 2

    def _jump(self, offset_ns: float) -> float:
        self._strange_ns = 0
        self._paces.clear()
        self._seen.clear()
        self._crystal.lost()
        self._followed = self._known_ns = 0
        return offset_ns


def _forget(rows: deque[Row], before_ns: int) -> None:
    while rows[0][0] < before_ns:
        rows.popleft()


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
