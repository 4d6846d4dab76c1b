"""Faults as episodes: an alarm's onset and its end belong together. Pure.

An episode that no record ends is open, not over. When another box took the place of the one that
told of it, nobody can end it any more: its end is unknown, and it counts at most until the new box
was first heard (which tells of the fault itself if it is still there). One that began before the
window counts when it reached into it; `within_ms` is the part inside.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from simulator.source_system.report.presence import Span


class AlarmTold(NamedTuple):
    """One alarm record. state: raised, cleared; others (acknowledged) change no times."""

    station: str
    installation: str
    at_ms: int
    code: str
    subject: str
    episode: int
    state: str
    since_ms: int
    detail: str


@dataclass(slots=True)
class Episode:
    """to_ms None: open as far as anybody knows, or, with `replaced_ms`, ended nobody knows when.

    replaced_ms: when another box was first heard in the place of the one that told of it.
    """

    station: str
    code: str
    subject: str
    from_ms: int
    to_ms: int | None
    detail: str
    replaced_ms: int | None = None

    @property
    def is_open(self) -> bool:
        return self.to_ms is None and self.replaced_ms is None

    @property
    def ended_ms(self) -> int | None:
        """When it was over at the latest; None: it is open."""
        return self.replaced_ms if self.to_ms is None else self.to_ms

    def until_ms(self, now_ms: int) -> int:
        return now_ms if self.ended_ms is None else self.ended_ms

    def within_ms(self, window: Span, now_ms: int) -> int:
        until_ms = min(window.to_ms, self.until_ms(now_ms))
        return max(0, until_ms - max(window.from_ms, self.from_ms))


def episodes(
    told: Iterable[AlarmTold], window: Span, replaced: Mapping[str, int] | None = None
) -> list[Episode]:
    """Those that touch the window, in order of onset. told: of each station in order of time.

    replaced: installation → when another was first heard in its place.
    """
    found: dict[tuple[str, str, str, str, int], Episode] = {}
    for one in told:
        key = (one.station, one.installation, one.code, one.subject, one.episode)
        if one.state == "raised" and key not in found:
            found[key] = Episode(one.station, one.code, one.subject, _onset(one), None, one.detail)
        elif one.state == "cleared":
            if key not in found:
                onset_ms = _onset(one)
                found[key] = Episode(one.station, one.code, one.subject, onset_ms, None, one.detail)
            if found[key].to_ms is None:
                found[key].to_ms = max(one.at_ms, found[key].from_ms)
    for (_, installation, *_), episode in found.items():
        gone_ms = (replaced or {}).get(installation)
        if episode.to_ms is None and gone_ms is not None:
            episode.replaced_ms = max(gone_ms, episode.from_ms)
    touching = [
        one
        for one in found.values()
        if one.from_ms < window.to_ms and (one.is_open or one.until_ms(0) > window.from_ms)
    ]
    return sorted(touching, key=lambda one: (one.from_ms, one.station, one.code, one.subject))


def _onset(one: AlarmTold) -> int:
    """Since when it was so; a wrong number is at least not after the record itself."""
    return one.since_ms if 0 < one.since_ms <= one.at_ms else one.at_ms
