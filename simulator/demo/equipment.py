"""Amplifier logs → which bus each zone let through, and when. Judges nothing.

Invariant: a zone lets a bus through only while its gate is open, its source is that bus, the
amplifier is on and its line is whole; what the log does not say is not assumed to be open.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulator.demo.intent import ZonePlan


@dataclass(frozen=True, slots=True)
class Open:
    """The zone's loudspeakers carried `bus`."""

    from_ms: float
    to_ms: float
    bus: int
    gain_cdb: int


def read_log(path: Path) -> list[dict[str, Any]]:
    """The lines in time order; a line torn by a kill is left out."""
    rows: list[dict[str, Any]] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            rows.append(json.loads(line))
        except ValueError:
            continue
    return sorted(rows, key=lambda row: row["at_ms"])


def open_spans(
    rows: Iterable[dict[str, Any]], zone: ZonePlan, to_ms: float, *, any_line: bool = False
) -> list[Open]:
    """What the zone let through until `to_ms`. A row with `zone` null is about the power.

    any_line: what was sent to the zone, also while its line was broken and nobody heard it.
    """
    buses = {one.source: one.bus for one in zone.buses}
    state: dict[str, Any] = {}
    spans: list[Open] = []
    now: Open | None = None
    for row in rows:
        if row["zone"] not in (None, zone.index):
            continue
        state.update({key: value for key, value in row.items() if value is not None})
        bus = buses.get(state.get("source", -1)) if _lets_through(state, any_line) else None
        then = None if bus is None else Open(row["at_ms"], to_ms, bus, state.get("gain_cdb", 0))
        if (now and (now.bus, now.gain_cdb)) == (then and (then.bus, then.gain_cdb)):
            continue
        if now is not None:
            spans.append(Open(now.from_ms, row["at_ms"], now.bus, now.gain_cdb))
        now = then
    if now is not None:
        spans.append(now)
    return [span for span in spans if span.to_ms > span.from_ms]


def _lets_through(state: dict[str, Any], any_line: bool) -> bool:
    return (
        state.get("gate") is True
        and state.get("power", "on") == "on"
        and (any_line or state.get("line", "ok") == "ok")
    )
