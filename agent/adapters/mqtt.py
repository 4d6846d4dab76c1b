"""The broker link: one connection at a time, built anew each time the core says so.

Owns the connection's thread, TLS, subscriptions, what is in flight in both directions, and the
choice between MQTT 5 and 3.1.1. Does not own when to connect, what a message means, or whether it
may be acknowledged: the core decides.

Invariants:
* Every `Connect` is answered by `LinkChanged(connected=True)` (after the subscriptions were
  granted) and later, or instead, by exactly one `LinkChanged(connected=False)`.
* All of paho is called in the connection's own thread; its callbacks only record.
* A receipt belongs to the connection it came on; an acknowledgement for an earlier one is dropped,
  because there the same packet id may mean another message.
* Alive means: the broker answered. A publish or ping without answer ends the connection, whatever
  the socket says.
* Bounded: 8 publishes in flight, 256 waiting; 32 messages not yet acknowledged, then the socket is
  not read (QoS 0 is dropped instead). Payloads beyond the contract's limit never enter the agent.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable

from agent.adapters.clock import mono_ms
from agent.adapters.counted import Counted
from agent.adapters.mqtt_connection import Connection, LinkSettings, Protocol
from agent.adapters.ports import Emit
from agent.core.effects import AckMessage, Connect, Publish, Subscribe
from agent.core.events import Delivered, LinkChanged, MessageArrived


class MqttLink:
    """Obeys Connect, Subscribe, Publish and AckMessage. Every method returns at once."""

    def __init__(
        self,
        settings: LinkSettings,
        emit: Emit,
        *,
        dates_from_ms: Callable[[], int | None] = lambda: None,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """dates_from_ms: while the clock is not trusted, an instant that certainly passed.

        Certificates are then judged by it instead of by the clock.
        """
        self._settings = settings
        self._emit = emit
        self._dates_from_ms = dates_from_ms
        self._chance = chance
        self._protocol: Protocol = "3.1.1" if settings.mqtt == "3.1.1" else "5"
        self._receipts = itertools.count(1)
        self._current: Connection | None = None
        self.wish: Connect | None = None
        self.counted = Counted()

    @property
    def protocol(self) -> Protocol:
        """What is spoken, or tried next."""
        return self._protocol

    def connect(self, act: Connect) -> None:
        """Drop the connection there is, build a new one."""
        self.wish = act
        if self._current is not None:
            self._current.abandon()
        self._current = Connection(
            self._settings,
            act,
            self._protocol,
            receipts=self._receipts,
            counted=self.counted,
            dates_from_ms=self._dates_from_ms(),
            tell=self._tell,
        )
        self._current.start()

    def subscribe(self, act: Subscribe) -> None:
        if self._current is not None:
            self._current.post(act)

    def publish(self, act: Publish) -> None:
        """Dropped and counted without a connection: the core publishes again after the next."""
        if self._current is None or not self._current.post(act):
            self.counted.add("publish_without_link", act.topic)

    def ack(self, act: AckMessage) -> None:
        if self._current is None or not self._current.post(act):
            self.counted.add("late_ack")

    def answered_ms_ago(self) -> int | None:
        """Age of the newest answer of the broker; None: not connected."""
        current = self._current
        return mono_ms() - current.answered_ms if current and current.connected else None

    def close(self, farewell: Publish | None = None, within_s: float = 1.5) -> None:
        """Say goodbye, wait for its answer within the bound, end. Blocks."""
        current, self._current = self._current, None
        if current is not None:
            current.finish(farewell, within_s)

    def _tell(
        self, connection: Connection, event: LinkChanged | MessageArrived | Delivered
    ) -> None:
        """In the connection's thread. What an abandoned connection says interests nobody."""
        if connection is not self._current:
            return
        self._protocol = connection.protocol
        if isinstance(event, LinkChanged):
            event = LinkChanged(event.connected, event.cause, event.detail, self._chance())
        self._emit(event)


__all__ = ["LinkSettings", "MqttLink"]
