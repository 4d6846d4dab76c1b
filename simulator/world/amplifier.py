"""A modelled controller with its amplifier and loudspeaker lines.

Obeys one wish at a time, confirms what it did, and closes its gates when its lease is not renewed
(the agent is gone, or the line to it). Tells changes only. Without mains its loudspeakers are
silent unless the amplifier is backed up; its relays go on and confirm, or it is silent itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from agent.core.effects import HoldZones
from agent.core.events import ControllerSeen, ControllerState, ZoneSeen
from agent.core.site import Site
from simulator.world.clockwork import Clockwork

SWITCH_MS = 40
LEASE_MS = 5_000
POWER_LEASE_MS = 60_000
SENSE_MS = 500
"""Until a controller with a sense for it says that its amplifier has no mains."""


class NotWired(Exception):  # noqa: N818 - what the installer would say
    """A zone was to be switched to a source its amplifier does not have: the agent is wrong."""

    def __init__(self, zone: str, source: int) -> None:
        super().__init__(f"{zone} has no source {source}")


class Controller:
    """before_change: called before what can be heard changes; tell: an event for the agent."""

    def __init__(
        self,
        name: str,
        site: Site,
        clock: Clockwork,
        before_change: Callable[[], None],
        tell: Callable[[ControllerSeen], None],
    ) -> None:
        self.name = name
        self._clock = clock
        self._before_change = before_change
        self._tell = tell
        self._zones = tuple(zone for zone in site.zones if zone.controller == name)
        self._bus_of = {
            (zone.name, choice.source): choice.bus for zone in self._zones for choice in zone.buses
        }
        self._warm_up_ms = max(
            (one.warm_up_ms for one in site.amplifiers if one.controller == name), default=0
        )
        self.backed_up = any(one.backed_up for one in site.amplifiers if one.controller == name)
        self.senses_mains = False
        self.dies_without = False
        self.mains = True
        self._dark: list[tuple[int, int]] = []
        self._dark_since_ms: int | None = None
        self._wish: HoldZones | None = None
        self._wishes = 0
        self._renewals = 0
        self.lost = False
        self.open_lines: set[str] = set()
        self.gates: dict[str, int | None] = {zone.name: None for zone in self._zones}
        """Zone → the bus it is switched to, None when its gate is closed."""
        self.power: Literal["on", "warming", "off"] = "off"
        self._switched = 0

    def listening(self, bus: int) -> list[str]:
        """Zones whose loudspeakers sound what is on `bus`."""
        if self.power != "on" or self._dark_since_ms is not None:
            return []
        return [
            zone
            for zone, tuned in self.gates.items()
            if tuned == bus and zone not in self.open_lines
        ]

    # --- the agent's side ---------------------------------------------------------------

    def hold(self, wish: HoldZones) -> None:
        """Raises NotWired before anything is switched."""
        for zone in wish.zones:
            if zone.gate and (zone.zone, zone.source) not in self._bus_of:
                raise NotWired(zone.zone, zone.source)
        self._wish = wish
        self._wishes += 1
        number = self._wishes
        self._clock.after(SWITCH_MS, lambda: self._obey(number))

    def _obey(self, number: int) -> None:
        if number == self._wishes and not self.lost:
            self._apply()

    def _apply(self) -> None:
        wish = self._wish
        if wish is None:
            return
        self._renewals += 1
        self._before_change()
        for zone in wish.zones:
            self.gates[zone.zone] = self._bus_of[zone.zone, zone.source] if zone.gate else None
        if not wish.power:
            self.power = "off"
        elif self.power == "off":
            self.power = "warming"
            self._switched += 1
            number = self._switched
            self._clock.after(self._warm_up_ms, lambda: self._warm(number))
        self.report()

    def _warm(self, number: int) -> None:
        if number == self._switched and self.power == "warming":
            self._before_change()
            self.power = "on"
            self.report()

    def agent_gone(self) -> None:
        """Nobody renews the leases any more."""
        self._wish = None
        self._wishes += 1
        self._nobody_renews()

    def _nobody_renews(self) -> None:
        self._renewals += 1
        number = self._renewals
        self._clock.after(LEASE_MS, lambda: self._gates_fall(number))
        self._clock.after(POWER_LEASE_MS, lambda: self._power_falls(number))

    def _gates_fall(self, number: int) -> None:
        if number == self._renewals:
            self._before_change()
            self.gates = dict.fromkeys(self.gates)

    def _power_falls(self, number: int) -> None:
        if number == self._renewals:
            self._before_change()
            self.power = "off"

    # --- faults -------------------------------------------------------------------------

    def mains_off(self) -> None:
        """The grid fails: the amplifier is silent, whatever its relays say."""
        if not self.mains:
            return
        self._before_change()
        self.mains = False
        if not self.backed_up:
            self._dark_since_ms = self._clock.now_ms
        if self.dies_without and not self.backed_up and not self.lost:
            self.gates = dict.fromkeys(self.gates)
            self.power = "off"
            self._clock.after(SENSE_MS, self._missed)
        else:
            self._clock.after(SENSE_MS, self.report)

    def _missed(self) -> None:
        """The host no longer reaches it."""
        if not self.mains and not self.lost:
            self.lose()

    def mains_on(self) -> None:
        if self.mains:
            return
        self._before_change()
        self.mains = True
        if self._dark_since_ms is not None:
            self._dark.append((self._dark_since_ms, self._clock.now_ms))
            self._dark_since_ms = None
            self.power = "off"  # the amplifier warms up again
            if not self.lost:
                self._apply()
        if self.dies_without and not self.backed_up and self.lost:
            self._clock.after(4 * SENSE_MS, self._found)
        else:
            self._clock.after(SENSE_MS, self.report)

    def _found(self) -> None:
        if self.mains and self.lost:
            self.find()

    def dark(self) -> list[tuple[int, int]]:
        """When its loudspeakers had no mains, in true time, up to now."""
        if self._dark_since_ms is None:
            return self._dark
        return [*self._dark, (self._dark_since_ms, self._clock.now_ms)]

    def lose(self) -> None:
        """The serial line is gone."""
        self.lost = True
        self._nobody_renews()
        self.report()

    def find(self) -> None:
        """The serial line is back; the adapter applies the last wish again."""
        self.lost = False
        self._apply()
        self.report()

    def power_lost(self) -> None:
        """Mains: everything off at once."""
        self._before_change()
        self.gates = dict.fromkeys(self.gates)
        self.power = "off"
        self._wish = None
        self._wishes += 1

    def line(self, zone: str, *, broken: bool) -> None:
        self._before_change()
        (self.open_lines.add if broken else self.open_lines.discard)(zone)
        self.report()

    def report(self) -> None:
        state: ControllerState = "lost" if self.lost else "ready"
        zones = () if self.lost else tuple(self._seen(zone.name) for zone in self._zones)
        mains = self.mains if self.senses_mains and not self.lost else None
        self._tell(
            ControllerSeen(self.name, state, zones, self.power, lease="supported", mains=mains)
        )

    def _seen(self, zone: str) -> ZoneSeen:
        is_open = self.gates[zone] is not None
        broken = zone in self.open_lines
        return ZoneSeen(
            zone,
            is_open,
            "no" if broken and is_open else "yes",
            "open" if broken else "ok",
        )
