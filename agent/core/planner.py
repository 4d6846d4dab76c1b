"""What every zone should be doing now, and when the answer changes.

`decide` answers for one instant; `foresee` repeats it forward, so the plan shown beforehand is
what will play if nothing else happens. Both are pure: items, runs and the instant come in.

Owns no policy of a single item (items.py) nor of who wins (arbitration.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from agent.contract.reasons import OccurrenceReason
from agent.core.arbitration import Blocked, assign_buses, pick_bus, precedence, winner
from agent.core.items import Item, Run, is_over, offer, zone_may_join
from agent.core.site import Site

STEPS_MAX = 20_000
"""Changes foreseen in one call; a plan with more is cut there."""


@dataclass(frozen=True, slots=True)
class OnBus:
    """`key` sounds on the bus; position at instant t is t − origin_ms, over at end_ms."""

    key: str
    origin_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class InZone:
    key: str
    bus: int


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer for one instant."""

    buses: Mapping[int, OnBus]
    zones: Mapping[str, InZone]
    blocked: tuple[Blocked, ...] = ()


SILENCE = Decision({}, {})


@dataclass(frozen=True, slots=True)
class BusSpan:
    bus: int
    key: str
    origin_ms: int
    from_ms: int
    to_ms: int


@dataclass(frozen=True, slots=True)
class ZoneSpan:
    zone: str
    key: str
    bus: int
    from_ms: int
    to_ms: int


@dataclass(frozen=True, slots=True)
class BlockedSpan:
    blocked: Blocked
    from_ms: int
    to_ms: int


@dataclass(slots=True)
class Plan:
    """Spans in order of their start; `until_ms` is how far was looked.

    A span that reaches `until_ms` may go on beyond it.
    """

    from_ms: int
    until_ms: int
    buses: list[BusSpan] = field(default_factory=list)
    zones: list[ZoneSpan] = field(default_factory=list)
    blocked: list[BlockedSpan] = field(default_factory=list)
    changes_ms: list[int] = field(default_factory=list)
    _last_on_bus: dict[int, int] = field(default_factory=dict)
    _last_in_zone: dict[str, int] = field(default_factory=dict)

    def extend(self, decision: Decision, from_ms: int, to_ms: int) -> None:
        """Append the decision's stretch, joining it to the spans it continues."""
        self.changes_ms.append(from_ms)
        for bus, on in decision.buses.items():
            bus_span = BusSpan(bus, on.key, on.origin_ms, from_ms, to_ms)
            last = self._last_on_bus.get(bus)
            if last is not None and _goes_on(self.buses[last], bus_span):
                self.buses[last] = replace(self.buses[last], to_ms=to_ms)
            else:
                self._last_on_bus[bus] = len(self.buses)
                self.buses.append(bus_span)
        for name, where in decision.zones.items():
            zone_span = ZoneSpan(name, where.key, where.bus, from_ms, to_ms)
            last = self._last_in_zone.get(name)
            if last is not None and _goes_on(self.zones[last], zone_span):
                self.zones[last] = replace(self.zones[last], to_ms=to_ms)
            else:
                self._last_in_zone[name] = len(self.zones)
                self.zones.append(zone_span)
        self.blocked.extend(BlockedSpan(one, from_ms, to_ms) for one in decision.blocked)


def _goes_on(before: BusSpan | ZoneSpan, after: BusSpan | ZoneSpan) -> bool:
    """The same thing without a gap."""
    return before.to_ms == after.from_ms and before == replace(
        after, from_ms=before.from_ms, to_ms=before.to_ms
    )


def _candidates(
    items: Iterable[Item], runs: Mapping[str, Run], t_ms: int
) -> tuple[dict[str, int], list[Item], list[Item]]:
    """Origins by key, items that could sound now in precedence, items kept back now."""
    origins: dict[str, int] = {}
    able: list[Item] = []
    kept: list[Item] = []
    for item in items:
        origin_ms = offer(item, runs.get(item.key), t_ms)
        if origin_ms is None:
            continue
        if item.ready:
            origins[item.key] = origin_ms
            able.append(item)
        else:
            kept.append(item)
    able.sort(key=precedence)
    return origins, able, kept


def decide(
    site: Site,
    items: Iterable[Item],
    runs: Mapping[str, Run],
    before: Decision,
    t_ms: int,
) -> Decision:
    """What each zone and bus does at `t_ms`, given what they did just before."""
    origins, able, kept = _candidates(items, runs, t_ms)
    if not able and not kept:
        return SILENCE
    blocked = [
        Blocked(item.key, zone, item.problem or OccurrenceReason.LATE)
        for item in kept
        for zone in item.zones
    ]
    wants: dict[str, list[str]] = {}
    won: dict[str, Item] = {}
    for zone in site.zones:
        here = [
            item
            for item in able
            if zone.name in item.zones and zone_may_join(item, runs.get(item.key), zone.name, t_ms)
        ]
        if not here:
            continue
        first = winner(here, runs, t_ms)
        won[zone.name] = first
        wants.setdefault(first.key, []).append(zone.name)
        blocked.extend(
            Blocked(item.key, zone.name, OccurrenceReason.PREEMPTED, first.key)
            for item in here
            if item is not first
        )
    demands = [(item.key, wants[item.key]) for item in able if item.key in wants]
    choices = {zone.name: tuple(choice.bus for choice in zone.buses) for zone in site.zones}
    current = {bus: on.key for bus, on in before.buses.items()}
    carried = assign_buses(demands, choices, site.buses, current) if demands else {}
    zones: dict[str, InZone] = {}
    for name, item in won.items():
        was = before.zones.get(name)
        bus = pick_bus(
            choices[name], item.key, carried, was.bus if was and was.key == item.key else None
        )
        if bus is None:
            by = next((carried[bus] for bus in choices[name] if bus in carried), "")
            blocked.append(Blocked(item.key, name, OccurrenceReason.BUS_BUSY, by))
        else:
            zones[name] = InZone(item.key, bus)
    heard = {(where.bus, where.key) for where in zones.values()}
    lengths = {item.key: item.play_ms for item in able}
    buses = {
        bus: OnBus(key, origins[key], origins[key] + lengths[key])
        for bus, key in carried.items()
        if (bus, key) in heard
    }
    return Decision(buses, zones, tuple(blocked))


def follow(runs: Mapping[str, Run], before: Decision, after: Decision, t_ms: int) -> dict[str, Run]:
    """The runs after the change from `before` to `after` at `t_ms`."""
    changed = dict(runs)
    on_now = {on.key: on.origin_ms for on in after.buses.values()}
    heard: dict[str, set[str]] = {}
    for name, where in after.zones.items():
        heard.setdefault(where.key, set()).add(name)
    for key, origin_ms in on_now.items():
        run = changed.get(key)
        been = frozenset(heard[key])
        if run is None:
            changed[key] = Run(origin_ms, been=been)
        else:
            changed[key] = replace(
                run,
                origin_ms=origin_ms,
                on=True,
                lost=False,
                been=run.been | been,
                left=run.left - been,
            )
    for on in before.buses.values():
        run = changed.get(on.key)
        if on.key not in on_now and run is not None and run.on:
            changed[on.key] = replace(
                run, on=False, stopped_ms=t_ms, done=run.done or t_ms >= on.end_ms
            )
    for name, where in before.zones.items():
        now = after.zones.get(name)
        run = changed.get(where.key)
        if run is not None and (now is None or now.key != where.key):
            changed[where.key] = replace(run, left=run.left | {name})
    return changed


def _next_change(
    live: Sequence[Item],
    waiting: Sequence[Item],
    decision: Decision,
    t_ms: int,
) -> int | None:
    """When `decide` may answer differently."""
    moments: list[int] = []
    if waiting:
        moments.append(waiting[0].start_ms)
    by_key = {item.key: item for item in live}
    for on in decision.buses.values():
        item = by_key[on.key]
        moments.append(on.origin_ms + item.play_ms)
        if item.end == "finish":
            moments.extend(
                other.start_ms + item.within_ms
                for other in live
                if other.start_ms > item.start_ms and other.start_ms + item.within_ms > t_ms
            )
    later = [moment for moment in moments if moment > t_ms]
    return min(later) if later else None


def foresee(
    site: Site,
    items: Sequence[Item],
    runs: Mapping[str, Run],
    before: Decision,
    from_ms: int,
    until_ms: int,
) -> Plan:
    """The plan from `from_ms` to `until_ms`; `items` in any order."""
    plan = Plan(from_ms, until_ms)
    waiting = sorted((i for i in items if i.start_ms > from_ms), key=lambda item: item.start_ms)
    live = [item for item in items if item.start_ms <= from_ms]
    runs = dict(runs)
    decision, t_ms = before, from_ms
    starts = 0
    for _ in range(STEPS_MAX):
        while starts < len(waiting) and waiting[starts].start_ms <= t_ms:
            live.append(waiting[starts])
            starts += 1
        live = [item for item in live if not is_over(item, runs.get(item.key), t_ms)]
        after = decide(site, live, runs, decision, t_ms)
        runs = follow(runs, decision, after, t_ms)
        next_ms = _next_change(live, waiting[starts : starts + 1], after, t_ms)
        to_ms = until_ms if next_ms is None else min(next_ms, until_ms)
        plan.extend(after, t_ms, to_ms)
        decision = after
        if next_ms is None or next_ms >= until_ms:
            break
        t_ms = next_ms
    return plan
