"""How long a place had no mains: the box itself, or a zone by the amplifier it hangs on. Pure.

An outage is what the station recorded as an alarm, so it is known also where the net was gone. That
there was mains is known only while the station was connected and said that it measures; a box that
is off, or one that has no sense for it, tells nothing, and nothing is made up for that time.

Invariants: without ≤ known ≤ the window; no reading and no alarm: known is 0 and the share unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from simulator.source_system.report.episodes import Episode
from simulator.source_system.report.figures import share
from simulator.source_system.report.presence import Reading, Span, Wire, merged, overlap, total

MAINS_LOST = "mains_lost"
"""The alarm."""


class Mains(NamedTuple):
    """zone "": the box itself. times: outages that touch the window."""

    zone: str
    known_ms: int
    without_ms: int
    times: int
    longest_ms: int
    window_ms: int

    @property
    def share(self) -> float | None:
        """Without mains, of what is known."""
        return share(self.without_ms, self.known_ms)

    @property
    def coverage(self) -> float | None:
        """Known, of the whole time."""
        return share(self.known_ms, self.window_ms)


def mains(zone: str, window: Span, connected: Iterable[Span], outages: Iterable[Span]) -> Mains:
    """connected: when the station was heard and measured. outages: by its alarms."""
    out = overlap(merged(outages), [window])
    known = merged([*overlap(connected, [window]), *out])
    longest_ms = max((one.length_ms for one in out), default=0)
    return Mains(zone, total(known), total(out), len(out), longest_ms, window.length_ms)


def of_station(
    window: Span,
    connected: Sequence[Span],
    readings: Sequence[Reading],
    wires: Sequence[Wire],
    zones: Iterable[str],
    found: Sequence[Episode],
) -> list[Mains]:
    """The box first, then every zone; one of which nobody said where it hangs is not known."""
    box = mains(
        "", window, overlap(connected, _measured(readings, "", window)), _out(found, "", window)
    )
    places = [box]
    for zone in sorted({*zones, *(one.zone for one in wires)}):
        known: list[Span] = []
        out: list[Span] = []
        for span, controller in _hangs(wires, zone, window):
            measured = overlap(_measured(readings, controller, window), [span])
            known += overlap(connected, measured)
            out += overlap(_out(found, controller, window), [span])
        places.append(mains(zone, window, known, out))
    return places


def _measured(readings: Sequence[Reading], controller: str, window: Span) -> list[Span]:
    """From a reading that it measures to the next that it does not."""
    mine = [one for one in readings if one.controller == controller]
    ends = [*(one.at_ms for one in mine[1:]), window.to_ms]
    return [
        Span(one.at_ms, max(one.at_ms, end_ms))
        for one, end_ms in zip(mine, ends, strict=False)
        if one.measured
    ]


def _hangs(wires: Sequence[Wire], zone: str, window: Span) -> list[tuple[Span, str]]:
    mine = [one for one in wires if one.zone == zone]
    ends = [*(one.at_ms for one in mine[1:]), window.to_ms]
    return [
        (Span(one.at_ms, max(one.at_ms, end_ms)), one.controller)
        for one, end_ms in zip(mine, ends, strict=False)
    ]


def _out(found: Sequence[Episode], subject: str, window: Span) -> list[Span]:
    return [
        Span(one.from_ms, max(one.from_ms, one.until_ms(window.to_ms)))
        for one in found
        if (one.code, one.subject) == (MAINS_LOST, subject)
    ]


def together(places: Iterable[Mains], zone: str) -> Mains:
    """Sums over places, in zone time."""
    held = list(places)
    return Mains(
        zone,
        sum(one.known_ms for one in held),
        sum(one.without_ms for one in held),
        sum(one.times for one in held),
        max((one.longest_ms for one in held), default=0),
        sum(one.window_ms for one in held),
    )
