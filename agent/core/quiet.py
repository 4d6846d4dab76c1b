"""Zones kept quiet: nothing but emergencies until an hour, with a reason (a funeral, an exam).

Owns who asked for it, until when, and its end. That a quiet keeps items from playing is rules.

Invariants: a quiet ends by itself and is bounded; it survives power cuts; a zone has one quiet,
the last one asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, tzinfo

from agent.contract.reasons import OccurrenceReason
from agent.core.facts import Facts, Quiet
from agent.core.items import Bar
from agent.core.requests import QuietView
from agent.core.rules import shortened
from agent.core.site import Site

DAY_MS = 86_400_000
QUIET_MAX_MS = 31 * DAY_MS
"""Longer than this nobody keeps a zone quiet without saying so again."""


class QuietZones:
    def __init__(self, site: Site, facts: Facts, tz: tzinfo) -> None:
        self._zones = tuple(zone.name for zone in site.zones)
        self._facts = facts
        self._tz = tz

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

    def bars(self, zones: Iterable[str], start_ms: int, now_ms: int) -> Iterator[Bar]:
        """What quiet keeps from an item that starts at `start_ms`."""
        for zone in zones:
            held = self.of(zone, max(start_ms, now_ms))
            if held is not None:
                words = self.in_words(held)
                from_ms = min(held.from_ms, now_ms)  # also after the clock went back
                yield Bar(zone, OccurrenceReason.QUIET, words, from_ms, held.until_ms)

    def in_words(self, held: Quiet) -> str:
        """Why and until when, for the record."""
        until = datetime.fromtimestamp(held.until_ms / 1_000, self._tz)
        return shortened(held.reason, f" → {until:%H:%M %d/%m/%Y}").strip()

    def views(self, now_ms: int) -> tuple[QuietView, ...]:
        """Zones kept quiet together, the first to end first."""
        together: dict[tuple[int, str, str], list[str]] = {}
        for zone in self._zones:
            held = self.of(zone, now_ms)
            if held is not None:
                together.setdefault((held.until_ms, held.reason, held.by), []).append(zone)
        return tuple(
            QuietView(tuple(zones), until_ms, reason, by)
            for (until_ms, reason, by), zones in sorted(together.items())
        )

    def tidy(self, now_ms: int) -> None:
        """Forget what is long over; a clock that goes back a little must still find it."""
        for zone, held in list(self._facts.quiets.items()):
            if held.until_ms < now_ms - DAY_MS:
                self._facts.drop("quiet", zone)
