"""A live source as a sequence of bytes for libVLC: what every feed can do, and how fast it may be.

Owns the measure of a stream's rate. Pure but for the protocol's implementations: time is an
argument.
"""

from __future__ import annotations

from typing import Protocol

from agent.player.clockmap import NS_PER_S
from agent.player.protocol import SourceFault

# Servers give what they have kept at once, so that a listener need not wait: the first seconds
# say nothing of the rate.
_BURST_NS = 10 * NS_PER_S
_RATE_NS = 10 * NS_PER_S
# A rate is measured over chunks and an encoder's own wander; a limit is a line's size, not a law.
_RATE_SLACK = 1.15


class Feed(Protocol):
    """`open` first, then `read` until it gives nothing; `fault` says why it ended.

    kind: what it carries, as a media type; "" if nobody says. playlist: it only lists other
    addresses. total_bytes: of a programme whose length is known.
    """

    kind: str
    playlist: bool
    fault: SourceFault | None
    total_bytes: int | None

    def open(self) -> bool:
        """Ask for it; false with `fault` set when it is no sound."""

    def read(self, size: int) -> bytes:
        """The next bytes as they come, about `size` of them at most; none at the end."""

    def close(self) -> None:
        """No more of it, from any thread: a wait under way ends within its deadline."""


class RateLimit:
    """Whether a stream carries more than it may, once it has flowed for a while. 0: any rate."""

    def __init__(self, max_kbps: int) -> None:
        self._max_kbps = max_kbps
        self._opened_ns: int | None = None
        self._window_ns = 0
        self._window_bytes = 0

    def exceeded(self, arrived_bytes: int, now_ns: int) -> bool:
        """So many bytes have come; whether the last seconds were too many."""
        if not self._max_kbps:
            return False
        if self._opened_ns is None:
            self._opened_ns = self._window_ns = now_ns
        if now_ns - self._opened_ns < _BURST_NS:
            self._window_ns, self._window_bytes = now_ns, 0
            return False
        self._window_bytes += arrived_bytes
        took_ns = now_ns - self._window_ns
        if took_ns < _RATE_NS:
            return False
        kbps = self._window_bytes * 8_000_000 / took_ns
        self._window_ns, self._window_bytes = now_ns, 0
        return kbps > self._max_kbps * _RATE_SLACK
