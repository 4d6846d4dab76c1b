"""Which zones hear a bus and which amplifiers have power, planned backwards from the first sample.

Owns the gates that should be open, the power, and what every controller was last told. Does not own
the plan (air, planner) nor what really sounded (ledger). Power comes before warm-up, the relay
before the sound; after the end the zone drains, the amplifier lingers to the next item, then both
go (D7).
"""

from __future__ import annotations

from collections.abc import Mapping

from agent.core.effects import HoldZones, ZoneWish
from agent.core.events import ControllerSeen
from agent.core.planner import Plan, ZoneSpan
from agent.core.site import Amplifier, Site, Zone, gain_for
from agent.core.turn import Turn

GATE_LEAD_MS = 250
"""The relay of an idle zone closes this long before the first sample."""

WARM_MARGIN_MS = 500
"""Power comes on this much before warm-up strictly asks for it."""


class Gates:
    """The wish for every zone and amplifier of one station.

    controllers: what each was last seen to be, kept by the ledger.
    """

    def __init__(self, site: Site, controllers: Mapping[str, ControllerSeen]) -> None:
        self._site = site
        self._controllers = controllers
        self._by_name = {zone.name: zone for zone in site.zones}
        self._told: dict[str, HoldZones] = {}
        self.open: dict[str, ZoneSpan] = {}
        """Zone → the span its gate is open for."""
        self.power: frozenset[str] = frozenset()
        """Amplifiers that should have power."""

    def plan(
        self,
        plan: Plan,
        tails: Mapping[str, ZoneSpan],
        urgent: frozenset[str],
        now_ms: int,
    ) -> None:
        """Decide for now. tails: zones whose item is over but drains. urgent: zones that must be
        warm as soon as something for them is there."""
        self.open = _open(plan, tails, now_ms)
        self.power = self._powered(plan, urgent, now_ms)

    def tell(
        self, turn: Turn, volumes: Mapping[str, int], *, urgent: bool, may_switch_off: bool
    ) -> None:
        """Every controller whose wish changed hears of it. volumes: zone → 0–100.

        What only mutes goes at once; what a warning needs does not wait for the disk either.
        """
        for hold in self._holds(volumes):
            before = self._told.get(hold.controller)
            if before == hold or not (may_switch_off or hold.power):
                continue
            self._told[hold.controller] = hold
            mutes = before is not None and not any(
                new.gate and not old.gate
                for new, old in zip(hold.zones, before.zones, strict=False)
            )
            turn.do(hold, "now" if mutes else "soon" if urgent else "after_commit")

    def gain_of(self, zone: str) -> int | None:
        """What its amplifier was told, in centibels; None: nothing yet."""
        told = (one for hold in self._told.values() for one in hold.zones)
        return next((one.gain_cdb for one in told if one.zone == zone), None)

    def cold_ms(self, zones: tuple[str, ...]) -> int:
        """How long the coldest amplifier of these zones needs before it can be heard."""
        names = {zone.amplifier for zone in self._site.zones if zone.name in zones}
        waits = [
            amplifier.warm_up_ms + GATE_LEAD_MS
            for amplifier in self._site.amplifiers
            if amplifier.name in names and not self._is_warm(amplifier)
        ]
        return max(waits, default=0)

    def _is_warm(self, amplifier: Amplifier) -> bool:
        if amplifier.name not in self.power:
            return False
        seen = self._controllers.get(amplifier.controller)
        return seen is None or seen.power in ("on", "unknown")

    def next_ms(self, plan: Plan, now_ms: int) -> int | None:
        """When gates or power want to be looked at again."""
        ahead = {amplifier.name: _ahead_ms(amplifier) for amplifier in self._site.amplifiers}
        moments: list[int] = []
        for span in plan.zones:
            amplifier = self._by_name[span.zone].amplifier
            moments += [
                span.from_ms - GATE_LEAD_MS,
                span.from_ms - ahead.get(amplifier, 0),
                span.to_ms,
            ]
        later = [moment for moment in moments if moment > now_ms]
        return min(later) if later else None

    def _powered(self, plan: Plan, urgent: frozenset[str], now_ms: int) -> frozenset[str]:
        """In use, warming up, or lingering to the next item."""
        on: set[str] = set()
        for amplifier in self._site.amplifiers:
            if any(
                self._by_name[name].amplifier == amplifier.name for name in (*self.open, *urgent)
            ):
                on.add(amplifier.name)
                continue
            lingers = amplifier.linger_ms if amplifier.name in self.power else 0
            reach_ms = _ahead_ms(amplifier) + lingers
            if any(
                now_ms < span.to_ms and span.from_ms <= now_ms + reach_ms
                for span in plan.zones
                if self._by_name[span.zone].amplifier == amplifier.name
            ):
                on.add(amplifier.name)
        return frozenset(on)

    def _holds(self, volumes: Mapping[str, int]) -> tuple[HoldZones, ...]:
        """The whole wish for every controller."""
        controllers = sorted({zone.controller for zone in self._site.zones})
        return tuple(
            HoldZones(
                controller,
                any(
                    a.name in self.power
                    for a in self._site.amplifiers
                    if a.controller == controller
                ),
                tuple(
                    _wish(zone, self.open.get(zone.name), volumes[zone.name])
                    for zone in self._site.zones
                    if zone.controller == controller
                ),
            )
            for controller in controllers
        )


def _open(plan: Plan, tails: Mapping[str, ZoneSpan], now_ms: int) -> dict[str, ZoneSpan]:
    """On air, about to be, or draining.

    An idle zone opens a little early, but never onto a bus that still carries something else.
    """
    open_: dict[str, ZoneSpan] = dict(tails)
    for span in plan.zones:
        if span.from_ms <= now_ms < span.to_ms:
            open_[span.zone] = span
    taken = {one.bus for one in plan.buses if one.from_ms <= now_ms < one.to_ms}
    for span in plan.zones:
        ahead = now_ms < span.from_ms <= now_ms + GATE_LEAD_MS
        if ahead and span.zone not in open_ and span.bus not in taken:
            open_[span.zone] = span
    return open_


def _ahead_ms(amplifier: Amplifier) -> int:
    return amplifier.warm_up_ms + WARM_MARGIN_MS + GATE_LEAD_MS


def _wish(zone: Zone, span: ZoneSpan | None, volume: int) -> ZoneWish:
    source = next(
        (c.source for c in zone.buses if span is not None and c.bus == span.bus),
        zone.buses[0].source,
    )
    return ZoneWish(zone.name, zone.index, span is not None, gain_for(zone, volume), source)
