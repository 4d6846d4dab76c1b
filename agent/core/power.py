"""Mains and battery: which zones cannot be heard, and which items are held to save the charge.

Owns what the host and the controllers last said about mains. Does not own what follows for an item
on air (air), for its record (ledger, asrun) or for a warning that was not heard (emergencies).

Invariants: a zone is without mains only when somebody measured it; a controller's word about its
amplifier goes before the host's about itself; an emergency is never held.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from agent.contract.documents import Settings
from agent.contract.reasons import OccurrenceReason
from agent.core.events import ControllerSeen, HostSeen
from agent.core.items import Item, Run
from agent.core.planner import Decision
from agent.core.site import Amplifier, Site, Zone

HELD_CLASSES: dict[str, frozenset[int]] = {
    "nothing": frozenset(),
    "normal": frozenset({3}),
    "priority": frozenset({2, 3}),
}
"""`Settings.held_on_battery` → the classes that wait for mains."""


class Power:
    """without_mains: zones whose amplifier has none. starting: zones that have it again and whose
    controller has not answered since. reachable: zones that are neither, as far as is known, and
    whose controller answers. site: the station without those that are either."""

    def __init__(self, site: Site) -> None:
        self._whole = self.site = site
        self._host: bool | None = None
        self._amplifier_has: dict[str, bool | None] = {}
        self._answers: set[str] = set()
        self._went_dark: set[str] = set()
        self.without_mains: frozenset[str] = frozenset()
        self.starting: frozenset[str] = frozenset()
        self.reachable: frozenset[str] = frozenset()

    @property
    def on_battery(self) -> bool:
        """The box runs although it has no mains."""
        return self._host is False

    @property
    def mains(self) -> bool | None:
        return self._host

    def mains_of(self, zone: str) -> bool | None:
        """Whether the amplifier of a zone has mains; None: nobody says so."""
        if zone in self.without_mains:
            return False
        place = self._whole.zone(zone)
        return (self._amplifier_has.get(place.controller) if place is not None else None) or None

    def held(self, settings: Settings | None) -> frozenset[int]:
        """The classes that wait for mains now."""
        if not self.on_battery:
            return frozenset()
        return HELD_CLASSES[settings.held_on_battery if settings is not None else "normal"]

    def host_seen(self, event: HostSeen) -> bool:
        """Whether the box has mains, or has not, other than before."""
        if event.mains == self._host:
            return False
        self._host = event.mains
        self._look()
        return True

    def controller_seen(self, event: ControllerSeen) -> bool:
        """Whether other zones can be heard now, as far as mains decide that.

        That an amplifier has none stands while nobody answers.
        """
        name, answers = event.controller, event.state == "ready"
        said, before = event.mains, self._amplifier_has.get(name)
        if said is None and not answers and before is False:
            said = False
        if (said, answers) == (before, name in self._answers):
            return False
        self._amplifier_has[name] = said
        (self._answers.add if answers else self._answers.discard)(name)
        heard = self.site
        self._look()
        return self.site != heard

    def _look(self) -> None:
        amplifiers = {one.name: one for one in self._whole.amplifiers}
        zones = self._whole.zones
        self.without_mains = frozenset(
            zone.name for zone in zones if self._is_dead(zone, amplifiers.get(zone.amplifier))
        )
        dark = {zone.controller for zone in zones if zone.name in self.without_mains}
        self._went_dark = dark | (self._went_dark - self._answers)
        self.starting = frozenset(
            zone.name
            for zone in zones
            if zone.controller in self._went_dark - self._answers
            and zone.name not in self.without_mains
        )
        heard = tuple(zone for zone in zones if zone.name not in self.without_mains | self.starting)
        self.reachable = frozenset(z.name for z in heard if z.controller in self._answers)
        self.site = replace(self._whole, zones=heard)

    def _is_dead(self, zone: Zone, amplifier: Amplifier | None) -> bool:
        if amplifier is None or amplifier.backed_up:
            return False
        has = self._amplifier_has.get(zone.controller)
        return not has if has is not None else self._host is False

    def excused(
        self,
        runs: Mapping[str, Run],
        items: Mapping[str, Item],
        before: Decision,
        after: Decision,
    ) -> dict[str, Run]:
        """The runs after a change of power: what lost it was broken off by a fault, nobody
        pre-empted it. Its zones come back, and an item that drops does too."""
        changed = dict(runs)
        heard: dict[str, set[str]] = {}
        for zone, where in before.zones.items():
            heard.setdefault(where.key, set()).add(zone)
        sounds = {on.key for on in after.buses.values()}
        for key, zones in heard.items():
            item, run = items.get(key), changed.get(key)
            if item is None or run is None:
                continue
            held = item.problem is OccurrenceReason.ON_BATTERY
            gone = zones if held else zones & (self.without_mains | self.starting)
            if gone:
                lost = run.lost or (key not in sounds and gone == zones)
                changed[key] = replace(run, left=run.left - gone, lost=lost)
        return changed
