"""What goes on beneath an announcement: which cue is turned down instead of ended.

Owns that judgement and nothing else: the announcement wins its zones in the planner like any other,
and what it holds off has its gap in the record. Pure.

Invariants: nothing is heard beneath it in a zone that would not have heard it anyway, and at its
own place on the clock; an emergency is neither said over something nor talked over.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from agent.core.cues import Sent
from agent.core.items import Item, Run
from agent.core.planner import BusSpan, Decision, Plan, decide
from agent.core.site import Site


def unsaid(
    site: Site,
    items: Iterable[Item],
    runs: Mapping[str, Run],
    beneath: Iterable[str],
    before: Decision,
    t_ms: int,
) -> Decision:
    """What would sound if nothing were said over it. beneath: what does, under a voice."""
    there = [item for item in items if not item.over]
    there = [item for item in there if item.start_ms <= t_ms or item.key in runs]
    on = {key: replace(runs[key], on=True) for key in beneath if key in runs}
    return decide(site, there, {**runs, **on}, before, t_ms)


def may_go_on(
    low: Sent, over: Item | None, items: Mapping[str, Item], below: Decision, plan: Plan
) -> bool:
    """Whether the cue `low` may sound beneath `over`, on the bus that both have.

    below: as `unsaid`. Where a part of it would go on alone on another bus it is ended as ever.
    """
    item, on = items.get(low.key), below.buses.get(low.bus)
    if item is None or over is None or on is None or not over.over:
        return False
    if (on.key, on.origin_ms) != (low.key, low.origin_ms):
        return False
    if item.klass == 1 or over.klass == 1 or item.resume != "rejoin":
        return False
    spans = [span for span in plan.zones if span.key == over.key]
    hears = {span.zone for span in spans if span.bus == low.bus}
    may = {zone for zone, at in below.zones.items() if (at.key, at.bus) == (low.key, low.bus)}
    elsewhere = {bus for bus, at in below.buses.items() if at.key == low.key}
    return bool(hears) and hears <= may and elsewhere <= {span.bus for span in spans}


def goes_on(low: Sent, span: BusSpan) -> bool:
    """Whether the cue that lies beneath is the one of a span to come."""
    return (low.bus, low.key, low.origin_ms) == (span.bus, span.key, span.origin_ms)
