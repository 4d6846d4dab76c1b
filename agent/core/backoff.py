"""How long to wait before trying again. Chance is an argument in [0, 1)."""

from __future__ import annotations

from typing import Literal

Cause = Literal["none", "own_link", "broker_closed", "not_authorised", "tls"]

SPREAD_MS = 60_000
"""First wait after the broker closed us, until the source system says otherwise."""

RECONNECT_MAX_MS = 300_000
CLOSED_FIRST_MS = 2_000
SMALL_FLEET_MAX_MS = 8_000
"""What a herd of ten thousand must wait for, a district of twenty need not."""

OWN_LINK_FIRST_MS = 1_000
"""Our own link fails alone, so its tries grow slower than those after the broker closed us."""
REFUSED_FIRST_MS = 15 * 60_000
REFUSED_MAX_MS = 6 * 3_600_000
STABLE_MS = 5 * 60_000
"""A connection this old resets the count of tries."""


def reconnect_wait_ms(cause: Cause, tries: int, chance: float, spread_ms: int = SPREAD_MS) -> int:
    """Wait before connection attempt number `tries` (0 is the first after the loss).

    A broker that closed us closed thousands: spread the herd first. Our own link: soon.
    Refused credentials: rarely, so that the log and the broker stay quiet.
    """
    if cause in ("not_authorised", "tls"):
        ceiling = min(REFUSED_MAX_MS, REFUSED_FIRST_MS << min(tries, 10))
        return round(ceiling * (0.75 + 0.25 * chance))
    if tries == 0:
        return (
            round(spread_ms * chance) if cause == "broker_closed" else 1_000 + round(4_000 * chance)
        )
    first_ms, limit_ms = OWN_LINK_FIRST_MS, RECONNECT_MAX_MS
    if cause != "own_link":
        first_ms = max(500, min(CLOSED_FIRST_MS, spread_ms // 30))
        limit_ms = max(SMALL_FLEET_MAX_MS, min(RECONNECT_MAX_MS, spread_ms * 10))
    ceiling = min(limit_ms, first_ms << min(tries, 12))
    return 1_000 + round(ceiling * chance)


def fetch_wait_ms(tries: int, chance: float, permanent: bool) -> int:
    """Wait before fetching a file again; a permanent fault (404, wrong hash) waits longer."""
    base, limit = (60_000, 3_600_000) if permanent else (2_000, 300_000)
    ceiling = min(limit, base << min(tries, 12))
    return round(ceiling * (0.5 + 0.5 * chance))


SPEECH_FIRST_MS = 5_000
SPEECH_MAX_MS = 15 * 60_000
SPEECH_URGENT_MAX_MS = 60_000
SPEECH_LASTING_FIRST_MS = 10 * 60_000
SPEECH_LASTING_MAX_MS = 6 * 3_600_000


def speech_wait_ms(tries: int, lasting: bool, *, urgent: bool = False) -> int:
    """Wait before a text is spoken again. No chance: the engine is this box's own.

    lasting: it will fail until somebody changes the box, such as by installing a voice.
    urgent: people wait for the words of a warning.
    """
    first_ms, limit_ms = SPEECH_FIRST_MS, SPEECH_URGENT_MAX_MS if urgent else SPEECH_MAX_MS
    if lasting:
        first_ms, limit_ms = SPEECH_LASTING_FIRST_MS, SPEECH_LASTING_MAX_MS
    return min(limit_ms, first_ms << min(tries, 12))
