"""The amplifier controllers: wishes in, what they report out.

Owns one `ControllerClient` per configured controller and the translation between the station's
zone names and terminal numbers. Does not own the line protocol, nor what is wished.

Invariants: leases are renewed by the client only while the progress mark it was told is younger
than three seconds (D3), so a station whose loop stands still falls silent. Only changes of what
the core can act on are told; levels at most once in ten seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from agent.adapters.clock import mono_ms
from agent.adapters.ports import Emit
from agent.core.effects import HoldZones
from agent.core.events import ControllerSeen, ControllerState, ZoneSeen
from agent.core.site import Site
from firmware_bridge.drivers.contract import (
    ControllerReading,
    ControllerWish,
    LinkState,
    ZoneController,
    ZoneWish,
)

LEVELS_EVERY_MS = 10_000
TEMPERATURE_STEP_CDEG = 200

STATES: dict[LinkState, ControllerState] = {
    LinkState.CLOSED: "lost",
    LinkState.OPENING: "opening",
    LinkState.HELLO: "opening",
    LinkState.CONFIGURING: "opening",
    LinkState.READY: "ready",
    LinkState.DEGRADED: "ready",
    LinkState.FAILED: "lost",
    LinkState.INCOMPATIBLE: "incompatible",
}


class MakeController(Protocol):
    """Opens the link to one controller; `on_change` may run in any thread."""

    def __call__(
        self,
        port: str,
        /,
        *,
        adopted_id: str | None,
        on_change: Callable[[ControllerReading], None],
    ) -> ZoneController: ...


@dataclass(frozen=True, slots=True)
class Wiring:
    """A controller: what the station calls it, where it is, who it must be."""

    name: str
    port: str
    adopted_id: str | None


class Zones:
    """Obeys HoldZones."""

    def __init__(
        self, site: Site, wirings: Sequence[Wiring], emit: Emit, make: MakeController
    ) -> None:
        self._terminals = {
            one.name: {zone.index: zone.name for zone in site.zones if zone.controller == one.name}
            for one in wirings
        }
        self._emit = emit
        self._power: dict[str, bool] = {}
        self._told: dict[str, tuple[ControllerSeen, int]] = {}
        self._controllers = {
            one.name: make(one.port, adopted_id=one.adopted_id, on_change=self._listener(one))
            for one in wirings
        }

    def start(self) -> None:
        for controller in self._controllers.values():
            controller.start()

    def close(self) -> None:
        """Every zone muted if the line allows it, then let go of the ports."""
        for controller in self._controllers.values():
            controller.close()

    def hold(self, act: HoldZones) -> None:
        controller = self._controllers.get(act.controller)
        if controller is not None:
            self._power[act.controller] = act.power
            wishes = tuple(
                ZoneWish(zone.index, zone.gate, zone.gain_cdb, zone.source) for zone in act.zones
            )
            controller.set_wish(ControllerWish(wishes, act.power))

    def keep_alive(self, progress_mono_ms: int) -> None:
        for controller in self._controllers.values():
            controller.keep_alive(progress_mono_ms)

    def mute(self) -> None:
        """Every zone off, for leaving. Power stays as it was, on its own longer lease (D3), so
        that a restart does not power-cycle the amplifier."""
        for name, controller in self._controllers.items():
            controller.set_wish(ControllerWish((), power=self._power.get(name, False)))

    def _listener(self, wiring: Wiring) -> Callable[[ControllerReading], None]:
        """In the controller's thread: translate, drop what is not news."""

        def heard(reading: ControllerReading) -> None:
            seen = seen_from(wiring.name, reading, self._terminals[wiring.name])
            if self._is_news(seen):
                self._told[wiring.name] = (seen, mono_ms())
                self._emit(seen)

        return heard

    def _is_news(self, seen: ControllerSeen) -> bool:
        before, at_ms = self._told.get(seen.controller, (None, 0))
        if before is None or _without_measures(before) != _without_measures(seen):
            return True
        if mono_ms() - at_ms < LEVELS_EVERY_MS:
            return False
        was, now = before.temperature_cdeg, seen.temperature_cdeg
        warmer = was is None or now is None or abs(was - now) >= TEMPERATURE_STEP_CDEG
        levels = [one.level_cdb for one in before.zones] != [one.level_cdb for one in seen.zones]
        return (was != now and warmer) or levels


def seen_from(name: str, reading: ControllerReading, terminals: dict[int, str]) -> ControllerSeen:
    """What the link says, in the station's words. Zones nobody configured are left out."""
    state = STATES[reading.state]
    if state == "ready" and not reading.adopted:
        state = "not_adopted"
    zones = tuple(_zone_seen(terminals[index], reading, index) for index in sorted(terminals))
    power: Literal["on", "warming", "off", "unknown"] = reading.power.value
    return ControllerSeen(
        controller=name,
        state=state,
        zones=zones,
        power=power,
        temperature_cdeg=reading.temperature_cdeg,
        lease=reading.lease.value,
        identity=reading.controller_id or "",
        detail=reading.why.value,
        mains=reading.mains,
        supply_mv=reading.supply_mv,
    )


def _zone_seen(name: str, reading: ControllerReading, index: int) -> ZoneSeen:
    zone = reading.zone(index)
    return ZoneSeen(
        zone=name,
        gate=zone.gate,
        confirmed=zone.confirmed.value,
        line=zone.line.value,
        level_cdb=zone.level_cdb,
    )


def _without_measures(seen: ControllerSeen) -> ControllerSeen:
    zones = tuple(replace(zone, level_cdb=None) for zone in seen.zones)
    return replace(seen, zones=zones, temperature_cdeg=None, supply_mv=None)
