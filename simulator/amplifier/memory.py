"""A `ZoneController` without link, thread or port: wishes reach the equipment at once.

Owns the shortest honest stand-in for `ControllerClient`: same contract, same equipment
model, same readings. Does not own time: it asks the clock it was given, and catches up
whenever it is used; `poll` is for whoever moves the clock.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from firmware_bridge.drivers.contract import (
    ControllerReading,
    ControllerWish,
    LinkState,
    LinkWhy,
    OnChange,
    ZonePolicy,
)
from firmware_bridge.knowledge import compose_reading
from firmware_bridge.leases import Holder
from firmware_bridge.messages import Apply, Health, ReadHealth, ReadState, ResetCause, State
from firmware_bridge.messages import ZoneSetting as Setting
from firmware_bridge.reporting import ChangeFilter
from firmware_bridge.session import LinkConfig
from simulator.amplifier.model import AmplifierModel, AmplifierSpec, LevelOf, steady_level


class MemoryController:
    """Not thread-safe: everything happens in the caller's thread, `on_change` included."""

    def __init__(
        self,
        spec: AmplifierSpec | None = None,
        *,
        adopted_id: str | None,
        on_change: OnChange,
        clock: Callable[[], float],
        policies: Mapping[int, ZonePolicy] | None = None,
        level_of: LevelOf = steady_level,
    ) -> None:
        self.model = AmplifierModel(spec or AmplifierSpec(), level_of=level_of)
        self._adopted_id = adopted_id
        self._on_change = on_change
        self._clock = clock
        self._config = LinkConfig(policies or {})
        self._holder = Holder()
        self._filter = ChangeFilter()
        self._wish: ControllerWish | None = None
        self._started = False
        self._closed = False

    def start(self) -> None:
        now_ms = self._now_ms()
        self._started = True
        self.model.boot(ResetCause.POWER_ON, now_ms)
        self.model.handle(self._config.message(self.model.spec.zones), now_ms)
        self.poll()

    def close(self) -> None:
        self.model.released(self._now_ms())
        self._closed = True
        self.poll()

    def set_wish(self, wish: ControllerWish) -> None:
        self._wish = wish
        self._holder.mark(self._now_ms())
        self.poll()

    def keep_alive(self, progress_mono_ms: int) -> None:
        self._holder.mark(progress_mono_ms)
        self.poll()

    def adopt(self, controller_id: str | None) -> None:
        self._adopted_id = controller_id
        self.poll()

    def reading(self) -> ControllerReading:
        self._catch_up(self._now_ms())
        return self._compose(self._now_ms())

    def poll(self) -> None:
        """Let time pass in the equipment, renew what is due, and tell about changes."""
        self._catch_up(self._now_ms())
        reading = self._compose(self._now_ms())
        if self._filter.worth_telling(reading, self._now_ms()):
            self._on_change(reading)

    def _catch_up(self, now_ms: int) -> None:
        self.model.tick(now_ms)
        wish = self._wish
        if wish is None or not self._usable or not self._adopted:
            return
        if self._holder.alive(now_ms) or not (wish.power or wish.any_gate):
            numbers = range(1, self.model.spec.zones + 1)
            wanted = [wish.of(number) for number in numbers]
            settings = tuple(Setting(z.zone, z.gate, z.gain_cdb, z.source) for z in wanted)
            self.model.handle(Apply(wish.power, settings), now_ms)

    @property
    def _usable(self) -> bool:
        return self._started and not self._closed

    @property
    def _adopted(self) -> bool:
        return self.model.spec.unique_id.hex() == self._adopted_id

    def _why(self, now_ms: int) -> LinkWhy:
        if not self._usable:
            return LinkWhy.CLOSED_BY_USER if self._closed else LinkWhy.STARTING
        if not self._adopted:
            return LinkWhy.NOT_ADOPTED if self._adopted_id is None else LinkWhy.OTHER_CONTROLLER
        wish = self._wish
        if wish is not None and (wish.power or wish.any_gate) and not self._holder.alive(now_ms):
            return LinkWhy.HOLDER_STALLED
        return LinkWhy.OK

    def _compose(self, now_ms: int) -> ControllerReading:
        state = self.model.handle(ReadState(), now_ms)
        health = self.model.handle(ReadHealth(), now_ms)
        base = ControllerReading(
            state=LinkState.READY if self._usable else LinkState.CLOSED,
            why=self._why(now_ms),
            adopted=self._adopted and self._started,
        )
        return compose_reading(
            base,
            hello=self.model.hello() if self._started else None,
            health=health if isinstance(health, Health) else None,
            state=state if isinstance(state, State) and self._usable else None,
            at_mono_ms=now_ms,
            wish=self._wish if self._adopted else None,
        )

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)
