"""One connection of a box to the broker: opens, breaks unnoticed, carries messages late."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from agent.core.effects import Connect
from agent.core.events import Delivered, LinkChanged, MessageArrived

if TYPE_CHECKING:
    from simulator.world.life import Life


@dataclass(slots=True)
class Link:
    """One connection to the broker; receipts belong to it alone."""

    life: Life
    generation: int
    is_up: bool = False
    broken: bool = False
    _numbers: dict[int, int] = field(default_factory=dict)
    _receipts: int = 0

    @property
    def station(self) -> str:
        return self.life.box.site.station

    @property
    def current(self) -> bool:
        return self.life.alive and self.life.link is self and not self.broken

    def open(self, act: Connect) -> None:
        box = self.life.box
        if not box.knobs.link_up:
            wait_ms = box.rng.randint(1_000, 10_000)
            self._later(wait_ms, lambda: self._gone("own_link"))
            return
        self._later(box.rng.randint(100, 3_000), lambda: self._opened(act))

    def _opened(self, act: Connect) -> None:
        box = self.life.box
        if not box.knobs.link_up:
            self._gone("own_link")
            return
        self.is_up = True
        self.life.tell(LinkChanged(True))
        if self.current:
            box.broker.connect(self, act.filters, act.held)

    def _later(self, wait_ms: int, act: Callable[[], None]) -> None:
        self.life.box.clock.after(wait_ms, lambda: act() if self.current else None)

    def _gone(self, cause: Any) -> None:
        chance = self.life.box.rng.random()
        self.close()
        self.life.tell(LinkChanged(False, cause, chance=chance))

    def cut(self, notice_ms: int) -> None:
        """Half-open: nothing passes, nobody is told yet."""
        if self.broken:
            return
        self.is_up = False
        self.life.box.broker.disconnect(self)
        self._later(notice_ms, lambda: self._gone("own_link"))

    def close(self) -> None:
        if not self.broken:
            self.broken, self.is_up = True, False
            self.life.box.broker.disconnect(self)

    def receive(self, number: int, topic: str, payload: bytes, *, retained: bool) -> None:
        """From the broker, on the way to the agent."""
        self._receipts += 1
        receipt = self.generation * 1_000_000 + self._receipts
        self._numbers[receipt] = number
        event = MessageArrived(receipt, topic, payload, retained)
        box = self.life.box
        self._later(
            box.rng.randint(*box.knobs.link_ms),
            lambda: self.life.tell(event) if self.is_up else None,
        )

    def ack(self, receipt: int) -> None:
        number = self._numbers.pop(receipt, None)
        if number is not None and self.is_up:
            self.life.box.broker.acked(self, number)

    def publish(self, topic: str, payload: bytes, token: int | None) -> None:
        if not self.is_up:
            return
        box = self.life.box
        box.broker.publish_up(topic, payload)
        if token is not None:
            event = Delivered(token)
            self._later(
                box.rng.randint(*box.knobs.link_ms),
                lambda: self.life.tell(event) if self.is_up else None,
            )
