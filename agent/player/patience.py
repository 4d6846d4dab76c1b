"""How long what is waited for may take before it is given up.

Owns the limits that every source is judged by. Pure numbers and rules over them; who waits, and
what follows, is the caller's.
"""

from __future__ import annotations

from agent.player.clockmap import NS_PER_MS, NS_PER_S

OPEN_LIMIT_FILE_NS = 3 * NS_PER_S
OPEN_LIMIT_STREAM_NS = 6 * NS_PER_S
STALL_LIMIT_NS = 4 * NS_PER_S
HUNG_LIMIT_NS = 5 * NS_PER_S

# A segment of a playlist comes when it is over, and its list is looked at as often.
_SEGMENT_SHARE = 3, 2
_SEGMENT_SLACK_MS = 1_000
LEAD_MOST_MS = 20_000
"""Nobody waits longer for a sound that has begun."""


def lead_of_segments_ms(segment_ms: int) -> int:
    """How far behind its newest sample a sound is played that comes in such lumps."""
    times, parts = _SEGMENT_SHARE
    return min(LEAD_MOST_MS, segment_ms * times // parts + _SEGMENT_SLACK_MS)


def stall_limit_ns(lead_ms: int) -> int:
    """How long nothing may come of a live source: as long as its store lasts, and a second more."""
    return max(STALL_LIMIT_NS, min(lead_ms, LEAD_MOST_MS) * NS_PER_MS + NS_PER_S)


def open_limit_ns(lump_ms: int) -> int:
    """How long its first sample may take: so much of it has to be fetched for it."""
    return OPEN_LIMIT_STREAM_NS + min(lump_ms, LEAD_MOST_MS) * NS_PER_MS
