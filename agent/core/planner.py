"""What every zone should be doing now, and when the answer changes.

`decide` answers for one instant; `foresee` repeats it forward, so the plan shown beforehand is
what will play if nothing else happens. Both are pure: items, runs and the instant come in.

Owns no policy of a single item (items.py) nor of who wins (arbitration.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from agent.contract.reasons import OccurrenceReason
from agent.core.arbitration import Blocked, assign_buses, pick_bus, place_of, precedence
from agent.core.items import (
    ON_TIME_MS,
    Item,
    Run,
    is_over,
    joins_anywhere,
    offer,
    over_ms,
    zone_may_join,
)
from agent.core.site import Site

STEPS_MAX = 100_000
"""Changes foreseen in one call; a plan with more ends there, and its `until_ms` says so."""


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
    _last_blocked: dict[Blocked, int] = field(default_factory=dict)

    def extend(self, decision: Decision, from_ms: int, to_ms: int) -> None:
        """Append the decision's stretch, joining it to the spans it continues."""
        self.changes_ms.append(from_ms)
        for bus, on in decision.buses.items():
            self._extend_bus(bus, on, from_ms, to_ms)
        for name, where in decision.zones.items():
            self._extend_zone(name, where, from_ms, to_ms)
        for one in decision.blocked:
            self._extend_blocked(one, from_ms, to_ms)

    def _extend_bus(self, bus: int, on: OnBus, from_ms: int, to_ms: int) -> None:
        at = self._last_on_bus.get(bus)
        if at is not None:
            last = self.buses[at]
            if (last.to_ms, last.key, last.origin_ms) == (from_ms, on.key, on.origin_ms):
                self.buses[at] = BusSpan(bus, on.key, on.origin_ms, last.from_ms, to_ms)
                return
        self._last_on_bus[bus] = len(self.buses)
        self.buses.append(BusSpan(bus, on.key, on.origin_ms, from_ms, to_ms))

    def _extend_zone(self, name: str, where: InZone, from_ms: int, to_ms: int) -> None:
        at = self._last_in_zone.get(name)
        if at is not None:
            last = self.zones[at]
            if (last.to_ms, last.key, last.bus) == (from_ms, where.key, where.bus):
                self.zones[at] = ZoneSpan(name, where.key, where.bus, last.from_ms, to_ms)
                return
        self._last_in_zone[name] = len(self.zones)
        self.zones.append(ZoneSpan(name, where.key, where.bus, from_ms, to_ms))

    def _extend_blocked(self, one: Blocked, from_ms: int, to_ms: int) -> None:
        at = self._last_blocked.get(one)
        if at is not None and self.blocked[at].to_ms == from_ms:
            self.blocked[at] = BlockedSpan(one, self.blocked[at].from_ms, to_ms)
            return
        self._last_blocked[one] = len(self.blocked)
        self.blocked.append(BlockedSpan(one, from_ms, to_ms))


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
    blocked = list(_kept_back(kept, able, t_ms))
    wishes = _wishes(site, able, runs, before, t_ms)
    choices = {
        zone.name: tuple(choice.bus for choice in zone.buses)
        for zone in site.zones
        if zone.name in wishes
    }
    current = {bus: on.key for bus, on in before.buses.items()}
    demands = _demands(able, wishes, before, t_ms)
    carried = assign_buses(demands, choices, site.buses, current) if demands else {}
    zones: dict[str, InZone] = {}
    for name, here in wishes.items():
        where = _tune(here, choices[name], carried, before.zones.get(name))
        if where is not None:
            zones[name] = where
        blocked.extend(_losers(name, here, where, choices[name], carried))
    heard = {where.bus for where in zones.values()}
    lengths = {item.key: item.play_ms for item in able}
    buses = {
        bus: OnBus(key, origins[key], origins[key] + lengths[key])
        for bus, key in carried.items()
        if bus in heard
    }
    return Decision(buses, zones, tuple(blocked))


def _kept_back(kept: Sequence[Item], able: Sequence[Item], t_ms: int) -> Iterator[Blocked]:
    """Where an item may not sound whoever else does; a rule goes before what is missing."""
    for item in kept:
        for zone in item.zones:
            bar = item.bar_at(zone, t_ms)
            if bar is not None:
                yield Blocked(item.key, zone, bar.reason, rule=bar.rule)
            else:
                yield Blocked(item.key, zone, item.problem or OccurrenceReason.LATE)
    for item in able:
        for bar in item.bars:
            if bar is item.bar_at(bar.zone, t_ms):
                yield Blocked(item.key, bar.zone, bar.reason, rule=bar.rule)


def _wishes(
    site: Site,
    able: Sequence[Item],
    runs: Mapping[str, Run],
    before: Decision,
    t_ms: int,
) -> dict[str, list[Item]]:
    """Zone → the items it may hear, best first; only zones with any."""
    wishes: dict[str, list[Item]] = {}
    for zone in site.zones:
        was = before.zones.get(zone.name)
        here: list[Item] = []
        for item in able:
            run = runs.get(item.key)
            if item.bars and item.bar_at(zone.name, t_ms) is not None:
                continue
            if zone.name in item.zones and zone_may_join(item, run, zone.name, t_ms):
                sounds = was is not None and was.key == item.key
                here.insert(place_of(item, sounds, here, t_ms), item)
        if here:
            wishes[zone.name] = here
    return wishes


def _demands(
    able: Sequence[Item],
    wishes: Mapping[str, Sequence[Item]],
    before: Decision,
    t_ms: int,
) -> list[tuple[str, list[str]]]:
    """(key, zones that want it most), best first; zones that hear it before its other zones.

    Only for the zones that hear it an item may go before one it holds off: for the others it
    would take a bus from what sounds there.
    """
    hearing: dict[str, list[str]] = {}
    wanting: dict[str, list[str]] = {}
    for name, here in wishes.items():
        key = here[0].key
        was = before.zones.get(name)
        part = hearing if was is not None and was.key == key else wanting
        part.setdefault(key, []).append(name)
    order: list[Item] = []
    demands: list[tuple[str, list[str]]] = []
    for item in able:
        for part in (hearing, wanting):
            if item.key in part:
                at = place_of(item, part is hearing, order, t_ms)
                order.insert(at, item)
                demands.insert(at, (item.key, part[item.key]))
    return demands


def _tune(
    here: Sequence[Item], choices: Sequence[int], carried: Mapping[int, str], was: InZone | None
) -> InZone | None:
    """The best item a zone can hear on the buses as they are."""
    for item in here:
        bus = pick_bus(
            choices, item.key, carried, was.bus if was is not None and was.key == item.key else None
        )
        if bus is not None:
            return InZone(item.key, bus)
    return None


def _losers(
    zone: str,
    here: Sequence[Item],
    where: InZone | None,
    choices: Sequence[int],
    carried: Mapping[int, str],
) -> Iterator[Blocked]:
    """Those the zone does not hear, because of what it hears or of what is on its buses."""
    if where is None:
        on_bus = next((carried[bus] for bus in choices if bus in carried), "")
        yield from (Blocked(item.key, zone, OccurrenceReason.BUS_BUSY, on_bus) for item in here)
        return
    urgent = any(item.key == where.key and item.klass == 1 for item in here)
    reason = OccurrenceReason.EMERGENCY if urgent else OccurrenceReason.PREEMPTED
    for item in here:
        if item.key != where.key:
            yield Blocked(item.key, zone, reason, where.key)


def follow(runs: Mapping[str, Run], before: Decision, after: Decision, t_ms: int) -> dict[str, Run]:
    """The runs after the change from `before` to `after` at `t_ms`."""
    changed = dict(runs)
    on_now = {on.key: on.origin_ms for on in after.buses.values()}
    heard: dict[str, set[str]] = {}
    for name, where in after.zones.items():
        heard.setdefault(where.key, set()).add(name)
    for key, origin_ms in on_now.items():
        run = changed.get(key)
        been = heard[key]
        if run is None:
            changed[key] = Run(origin_ms, been=frozenset(been))
        elif not (_as_is(run, origin_ms) and been <= run.been and been.isdisjoint(run.left)):
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


def _as_is(run: Run, origin_ms: int) -> bool:
    return run.on and not run.lost and run.origin_ms == origin_ms


def _next_change(
    live: Sequence[Item],
    next_start_ms: int | None,
    runs: Mapping[str, Run],
    t_ms: int,
) -> int | None:
    """When `decide` may answer differently: a start, an end, or a patience that runs out."""
    earliest = next_start_ms
    for item in live:
        for moment in _moments(item, runs.get(item.key), live):
            if moment > t_ms and (earliest is None or moment < earliest):
                earliest = moment
    return earliest


def _moments(item: Item, run: Run | None, live: Sequence[Item]) -> Iterator[int]:
    """Instants that change what `item` may do; past ones too."""
    over = over_ms(item, run)
    if over is not None:
        yield over
    for bar in item.bars:
        yield bar.from_ms
        yield bar.to_ms
    if run is None:
        return
    if not joins_anywhere(item) and len(run.been) < len(item.zones):
        yield run.origin_ms + ON_TIME_MS + 1
    if item.end == "finish" and run.on:
        for other in live:
            if other.start_ms >= item.start_ms and other is not item:
                yield other.start_ms + item.within_ms


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
    waiting = [item for item in items if item.start_ms > from_ms and item.key not in runs]
    waiting.sort(key=lambda item: item.start_ms)
    live = [item for item in items if item.start_ms <= from_ms or item.key in runs]
    runs = {item.key: runs[item.key] for item in live if item.key in runs}
    decision, t_ms, starts = before, from_ms, 0
    for _ in range(STEPS_MAX):
        while starts < len(waiting) and waiting[starts].start_ms <= t_ms:
            live.append(waiting[starts])
            starts += 1
        live = [item for item in live if not is_over(item, runs.get(item.key), t_ms)]
        after = decide(site, live, runs, decision, t_ms)
        runs = _of(live, follow(runs, decision, after, t_ms))
        next_start_ms = waiting[starts].start_ms if starts < len(waiting) else None
        next_ms = _next_change(live, next_start_ms, runs, t_ms)
        if next_ms is None or next_ms >= until_ms:
            plan.extend(after, t_ms, until_ms)
            return plan
        plan.extend(after, t_ms, next_ms)
        decision, t_ms = after, next_ms
    plan.until_ms = t_ms
    return plan


def _of(live: Sequence[Item], runs: Mapping[str, Run]) -> dict[str, Run]:
    """Only the runs that still matter: a plan of many days must not carry them all along."""
    return {item.key: runs[item.key] for item in live if item.key in runs}
