"""The only file that reads clocks. Both clocks, how they relate, and whether to believe it.

Owns epochs and trust. Does not own what an untrusted clock may play (`core.timekeeping`).

Invariants: durations come from the monotonic clock, appointments from the wall clock. A jump of
the wall clock against the monotonic one by more than 50 ms between two readings opens a new
epoch; anything slower is slew inside the epoch. Trust, once measured, lasts until a step that
nobody vouches for: a crystal loses seconds a day, not hours.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from agent.adapters.ports import ClockReading
from agent.core.events import ClockSeen, ClockTrust, Now

STEP_US = 50_000
TELL_DRIFT_US = 250
"""A change of wall − monotonic worth telling: a quarter of the sound path's own error."""
TELL_AT_MOST_EVERY_MS = 5_000
MEASURE_TRUST_EVERY_MS = 60_000

BUILT_MS = 1_760_000_000_000
"""No clock that shows an earlier instant (October 2025) can be right."""


def mono_ms() -> int:
    """For durations and deadlines in adapters; appointments go through `Clock.read`."""
    return time.monotonic_ns() // 1_000_000


def wall_ms() -> int:
    """What the wall clock shows, believed or not: for naming files."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class Vouching:
    """Who vouches for the wall clock at this moment."""

    ntp: bool
    battery: bool


class Clock:
    """Reads both clocks; tells each change of their relation once."""

    def __init__(
        self,
        *,
        floor_ms: int = BUILT_MS,
        vouching: Callable[[], Vouching],
        mono_ns: Callable[[], int] = time.monotonic_ns,
        wall_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        """floor_ms: an instant that has certainly passed. vouching: asked at most once a minute."""
        self._floor_ms = floor_ms
        self._vouching = vouching
        self._mono_ns = mono_ns
        self._wall_ns = wall_ns
        self._epoch = 0
        self._trust: ClockTrust = "untrusted"
        self._told: ClockSeen | None = None
        self._told_at_ms = 0
        self._measured_at_ms: int | None = None
        self._difference_us: int | None = None

    @property
    def floor_ms(self) -> int:
        return self._floor_ms

    def read(self) -> ClockReading:
        """Both clocks at one moment, and the change to tell first, if there is one."""
        mono_us, difference_us = self._both()
        step_us = self._step(difference_us)
        now_ms = mono_us // 1_000
        wall_ms = (mono_us + difference_us) // 1_000
        self._judge(now_ms, wall_ms, stepped=step_us != 0)
        now = Now(now_ms, wall_ms, self._epoch, self._trust)
        return ClockReading(now, self._change(now_ms, difference_us, step_us))

    def _both(self) -> tuple[int, int]:
        """(mono µs, wall − mono µs), the tightest of three tries: a pre-emption between the two
        readings would look like slew."""
        best_gap, best_mono, best_wall = None, 0, 0
        for _ in range(3):
            before = self._mono_ns()
            wall = self._wall_ns()
            after = self._mono_ns()
            gap = after - before
            if best_gap is None or gap < best_gap:
                best_gap, best_mono, best_wall = gap, (before + after) // 2, wall
            if gap < 20_000:
                break
        return best_mono // 1_000, (best_wall - best_mono) // 1_000

    def _step(self, difference_us: int) -> int:
        previous, self._difference_us = self._difference_us, difference_us
        if previous is None or abs(difference_us - previous) <= STEP_US:
            return 0
        self._epoch += 1
        return difference_us - previous

    def _judge(self, now_ms: int, wall_ms: int, *, stepped: bool) -> None:
        due = (
            self._measured_at_ms is None
            or stepped
            or now_ms - self._measured_at_ms >= MEASURE_TRUST_EVERY_MS
        )
        if not due:
            return
        self._measured_at_ms = now_ms
        vouching = self._vouching()
        if wall_ms < self._floor_ms:
            self._trust = "untrusted"
        elif vouching.ntp or (vouching.battery and not stepped):
            self._trust = "trusted"
        elif stepped:
            self._trust = "untrusted"

    def _change(self, now_ms: int, difference_us: int, step_us: int) -> ClockSeen | None:
        told = self._told
        if told is not None and step_us == 0 and told.trust == self._trust:
            drift = abs(difference_us - told.wall_minus_mono_us)
            if drift < TELL_DRIFT_US or now_ms - self._told_at_ms < TELL_AT_MOST_EVERY_MS:
                return None
        seen = ClockSeen(self._epoch, difference_us, self._trust, _ms(step_us))
        self._told, self._told_at_ms = seen, now_ms
        return seen


def _ms(us: int) -> int:
    """Towards zero: 50.9 ms back is −50."""
    return int(us / 1_000)


# --- who vouches ---------------------------------------------------------------------------


def always() -> Vouching:
    """Configuration `trust = "system"`: a laboratory machine."""
    return Vouching(ntp=True, battery=True)


def measured() -> Vouching:
    """The kernel's NTP state, systemd-timesyncd's mark, or a battery clock that set the time."""
    return Vouching(ntp=_kernel_in_sync() or _TIMESYNC_MARK.exists(), battery=_battery_clock())


# The service's sandbox forbids adjtimex (ProtectClock); timesyncd's mark is readable there.
_TIMESYNC_MARK = Path("/run/systemd/timesync/synchronized")
_TIME_ERROR = 5


def _kernel_in_sync() -> bool:
    """adjtimex(2) with modes = 0 only reads; it answers TIME_ERROR while unsynchronised."""
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        timex = ctypes.create_string_buffer(256)  # larger than struct timex anywhere
        answer = int(libc.adjtimex(timex))
    except (OSError, AttributeError):
        return False
    return 0 <= answer < _TIME_ERROR


def _battery_clock() -> bool:
    """Whether the kernel set its clock from a hardware clock at boot."""
    for mark in Path("/sys/class/rtc").glob("rtc*/hctosys"):
        try:
            if mark.read_text().strip() == "1":
                return True
        except OSError:
            continue
    return False
