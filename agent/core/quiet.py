"""Zones kept quiet: nothing but emergencies until an hour, with a reason (a funeral, an exam).

Owns who asked for it, until when, and its end. That a quiet keeps items from playing is rules.

Invariants: a quiet ends by itself and is bounded; it survives power cuts; a zone has one quiet,
the last one asked for.
"""

from __future__ import annotations

from collections.abc import Iterable

from agent.core.facts import Facts, Quiet

DAY_MS = 86_400_000
QUIET_MAX_MS = 31 * DAY_MS
"""Longer than this nobody keeps a zone quiet without saying so again."""


class QuietZones:
    def __init__(self, facts: Facts) -> None:
        self._facts = facts

    def keep(
        self, zones: Iterable[str], until_ms: int, reason: str, by: str, now_ms: int
    ) -> int | None:
        """Keep `zones` quiet from now; returns until when, None when that is over already.

        An instant that lies further ahead than may be is brought back to the bound. 0, or what
        has passed, ends the quiet of these zones.
        """
        if until_ms <= now_ms:
            for zone in zones:
                self._facts.drop("quiet", zone)
            return None
        until_ms = min(until_ms, now_ms + QUIET_MAX_MS)
        for zone in zones:
            self._facts.put("quiet", zone, Quiet(now_ms, until_ms, reason, by))
        return until_ms

    def of(self, zone: str, at_ms: int) -> Quiet | None:
        """The quiet of a zone at an instant."""
        held = self._facts.quiets.get(zone)
        return held if held is not None and at_ms < held.until_ms else None

    def tidy(self, now_ms: int) -> None:
        """Forget what is long over; a clock that goes back a little must still find it."""
        for zone, held in list(self._facts.quiets.items()):
            if held.until_ms < now_ms - DAY_MS:
                self._facts.drop("quiet", zone)
