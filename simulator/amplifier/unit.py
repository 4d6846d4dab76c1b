"""One virtual controller without I/O: equipment, device role and a line that may be bad.

Owns how they are wired together and what a fault does to them. Does not own time or any
transport; `pty_unit` puts it on a pseudo terminal and tests run it under virtual time.

Invariants: a frozen unit neither hears, speaks nor counts time; an unplugged one goes on
without a line, so its leases end as they would in the field.
"""

from __future__ import annotations

import random
from collections import deque

from firmware_bridge.device import DeviceSession
from firmware_bridge.messages import ResetCause
from simulator.amplifier.faults import BadLine, LineFaults
from simulator.amplifier.model import (
    AmplifierModel,
    AmplifierSpec,
    LevelOf,
    Observer,
    steady_level,
)


class Unit:
    """Feed it bytes and time; take what arrives at the host's end of the line."""

    def __init__(
        self,
        spec: AmplifierSpec,
        *,
        observe: Observer,
        chance: random.Random,
        level_of: LevelOf = steady_level,
        faults: LineFaults | None = None,
    ) -> None:
        self.faults = faults if faults is not None else LineFaults()
        self.model = AmplifierModel(spec, observe=observe, level_of=level_of)
        self._session = DeviceSession(self.model)
        self.model.notify = self._session.report
        self._to_device = BadLine(self.faults, chance)
        self._to_host = BadLine(self.faults, chance)
        self._arriving: deque[tuple[int, bytes]] = deque()
        self._leaving: deque[tuple[int, bytes]] = deque()
        self._frozen_until_ms: int | None = None

    def boot(self, cause: ResetCause, now_ms: int) -> None:
        self._frozen_until_ms = None
        self._arriving.clear()
        self.model.boot(cause, now_ms)
        self._session.boot(now_ms)
        self._collect(now_ms)

    def freeze(self, until_ms: int) -> None:
        self._frozen_until_ms = until_ms

    def cut_line(self) -> None:
        """Whatever is on its way is lost."""
        self._arriving.clear()
        self._leaving.clear()

    def inject_noise(self, data: bytes, now_ms: int) -> None:
        """Bytes that nobody sent, on their way to the host."""
        self._leaving.append((now_ms, data))

    def receive(self, data: bytes, now_ms: int) -> None:
        if not self._frozen(now_ms):
            self._arriving.extend(self._to_device.carry(data, now_ms))
            self.tick(now_ms)

    def tick(self, now_ms: int) -> None:
        if self._frozen(now_ms):
            return
        while self._arriving and self._arriving[0][0] <= now_ms:
            self._session.receive(self._arriving.popleft()[1], now_ms)
            self._collect(now_ms)
        self.model.tick(now_ms)
        self._session.tick(now_ms)
        self._collect(now_ms)

    def take_output(self, now_ms: int) -> list[bytes]:
        """The pieces that have reached the host by now."""
        due: list[bytes] = []
        while self._leaving and self._leaving[0][0] <= now_ms:
            due.append(self._leaving.popleft()[1])
        return due

    def wakes_at_ms(self) -> int | None:
        if self._frozen_until_ms is not None:
            return self._frozen_until_ms
        times = [self.model.wakes_at_ms(), self._session.wakes_at_ms()]
        times += [queue[0][0] for queue in (self._arriving, self._leaving) if queue]
        return min((time for time in times if time is not None), default=None)

    def _frozen(self, now_ms: int) -> bool:
        if self._frozen_until_ms is not None and now_ms >= self._frozen_until_ms:
            self._frozen_until_ms = None
        return self._frozen_until_ms is not None

    def _collect(self, now_ms: int) -> None:
        self._leaving.extend(self._to_host.carry(self._session.take_output(), now_ms))
