"""A host's driver and a virtual controller under one virtual clock: hours in milliseconds.

Owns the clock and the order of events. Does not own either side's behaviour. Invariants:
time only moves forward, always to the earliest moment somebody waits for; the same seed
gives the same run; two sides that never let time pass are an error, not a hang.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping

from firmware_bridge.drivers.contract import ControllerReading, Driver, LinkWhy, ZonePolicy
from firmware_bridge.messages import ResetCause
from firmware_bridge.session import HostSession, LinkConfig
from simulator.amplifier.faults import LineFaults
from simulator.amplifier.model import AmplifierSpec, Change, Zone
from simulator.amplifier.unit import Unit

START_MS = 1_000_000
_MOST_ROUNDS_PER_MS = 200


class LinkWorld:
    """Everything public may be looked at and changed between runs."""

    def __init__(
        self,
        *,
        spec: AmplifierSpec | None = None,
        faults: LineFaults | None = None,
        policies: Mapping[int, ZonePolicy] | None = None,
        adopted_id: str | None = "",
        driver: Driver | None = None,
        seed: int = 0,
    ) -> None:
        chance = random.Random(seed)
        spec = spec or AmplifierSpec()
        self.now_ms = START_MS
        self.changes: list[tuple[int, Change]] = []
        self.unit = Unit(spec, observe=self._note, chance=chance, faults=faults)
        self.host: Driver = driver or HostSession(
            adopted_id=spec.unique_id.hex() if adopted_id == "" else adopted_id,
            config=LinkConfig(policies or {}),
            jitter=chance.random,
        )
        self.plugged = True
        self.host_running = True
        self.holder_alive = True
        self.bytes_to_unit = 0
        self._open = False
        self.unit.boot(ResetCause.POWER_ON, self.now_ms)
        self.host.start(self.now_ms)

    @property
    def reading(self) -> ControllerReading:
        return self.host.reading()

    def zone(self, number: int) -> Zone:
        """The equipment's own truth about a zone."""
        return self.unit.model.zones[number - 1]

    def unplug(self) -> None:
        self.plugged = False
        self.unit.cut_line()

    def replug(self) -> None:
        self.plugged = True

    def run(self, for_ms: int) -> None:
        self.run_until(lambda: False, for_ms)

    def run_until(self, reached: Callable[[], bool], limit_ms: int) -> bool:
        """Let time pass until the condition holds; False when the limit came first."""
        end_ms = self.now_ms + limit_ms
        rounds, last_ms = 0, -1
        while True:
            rounds = rounds + 1 if self.now_ms == last_ms else 0
            last_ms = self.now_ms
            if rounds > _MOST_ROUNDS_PER_MS:
                raise RuntimeError(f"time does not pass at {self.now_ms} ms")
            busy = self._round()
            if reached():
                return True
            if busy:
                continue
            wakes_ms = self._wakes_at_ms()
            if wakes_ms is None or wakes_ms > end_ms:
                self.now_ms = end_ms
                self._round()
                return reached()
            self.now_ms = max(wakes_ms, self.now_ms)

    def _round(self) -> bool:
        """Both sides once; True when something was said, so that somebody may answer."""
        self.unit.tick(self.now_ms)
        heard = self.unit.take_output(self.now_ms)
        if not self.host_running:
            return False
        if self.holder_alive:
            self.host.keep_alive(self.now_ms)
        self._match_port()
        if self._open:
            for piece in heard:
                self.host.receive(piece, self.now_ms)
        self.host.tick(self.now_ms)
        self._match_port()
        said = self.host.take_output()
        if self._open and said:
            self.bytes_to_unit += len(said)
            self.unit.receive(said, self.now_ms)
        return bool(heard or said)

    def _match_port(self) -> None:
        if self._open and not self.plugged:
            self._open = False
            self.host.port_failed(LinkWhy.PORT_LOST, self.now_ms)
            self.host.port_closed(self.now_ms)
        elif self._open and not self.host.wants_port:
            self._open = False
            self.unit.cut_line()
            self.host.port_closed(self.now_ms)
        elif self.host.wants_port and not self._open:
            if self.plugged:
                self._open = True
                self.host.port_opened(self.now_ms)
            else:
                self.host.port_failed(LinkWhy.PORT_MISSING, self.now_ms)

    def _wakes_at_ms(self) -> int | None:
        times = [self.unit.wakes_at_ms()]
        if self.host_running:
            times.append(self.host.wakes_at_ms())
        return min((time for time in times if time is not None), default=None)

    def _note(self, change: Change, now_ms: int) -> None:
        self.changes.append((now_ms, change))
