"""The modelled source system: a broker that keeps retained documents, and a collector.

The broker may crash: acknowledged events that the collector has not taken yet are then gone, as
measured with the real one. The collector keeps events by id and tells its signed cursor.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from agent.contract import topics
from agent.contract.documents import Cursor
from agent.contract.reports import Event, Reported
from simulator.world.clockwork import Clockwork
from simulator.world.signing import AUTHORITY, OFFICE, sign

QUEUE_MAX = 1_000
CURSOR_PAUSE_MS = 300_000


class Client(Protocol):
    """A connected station, as the broker sees it."""

    @property
    def station(self) -> str: ...
    def receive(self, topic: str, payload: bytes, *, retained: bool) -> None: ...


@dataclass(slots=True)
class Collector:
    """Events by (installation, seq), and what each receipt said, in order of arrival."""

    events: dict[str, dict[tuple[str, int], Event]] = field(default_factory=dict)
    arrivals: int = 0
    reported: dict[str, list[tuple[int, Reported]]] = field(default_factory=dict)
    revision: int = 0

    def take(self, event: Event) -> None:
        self.arrivals += 1
        mine = self.events.setdefault(event.station, {})
        mine.setdefault((event.installation, event.seq), event)

    def through(self, station: str, installation: str) -> int:
        """Up to where there is no gap."""
        mine = self.events.get(station, {})
        seq = 0
        while (installation, seq + 1) in mine:
            seq += 1
        return seq


class Broker:
    """Retained documents, sessions, and the way to the collector."""

    def __init__(self, clock: Clockwork, wall_ms: Callable[[], int]) -> None:
        self._clock = clock
        self._wall_ms = wall_ms
        self.retained: dict[str, bytes] = {}
        self.clients: dict[str, tuple[Client, frozenset[str]]] = {}
        self.collector = Collector()
        self.collector_on = True
        self.queue: list[bytes] = []
        self.dropped = 0
        self._through: dict[tuple[str, str], int] = {}
        self._told: dict[str, int] = {}
        self._cursor_due: set[tuple[str, str]] = set()

    def connect(self, client: Client, filters: tuple[str, ...], held: frozenset[str]) -> None:
        self.clients[client.station] = (client, frozenset(filters))
        for topic in filters:
            if topic in self.retained and topic not in held:
                client.receive(topic, self.retained[topic], retained=True)

    def disconnect(self, station: str) -> None:
        self.clients.pop(station, None)

    def publish_down(self, topic: str, payload: bytes, *, retain: bool) -> None:
        """From the engineer's tool."""
        if retain:
            self.retained[topic] = payload
        for client, filters in list(self.clients.values()):
            if topic in filters:
                client.receive(topic, payload, retained=False)

    def publish_up(self, topic: str, payload: bytes) -> None:
        """From a station; returning means PUBACK."""
        kind = topic.rsplit("/", 1)[1]
        if kind == "event":
            if len(self.queue) < QUEUE_MAX:
                self.queue.append(payload)
            else:
                self.dropped += 1
            self._drain()
        elif kind == "reported":
            said = msgspec.json.decode(payload, type=Reported)
            said_at = (self._wall_ms(), said)
            self.collector.reported.setdefault(said.station, []).append(said_at)

    def switch_collector(self, *, on: bool) -> None:
        self.collector_on = on
        self._drain()

    def crash(self) -> None:
        """kill -9: what was acknowledged and not passed on is gone. Everybody is disconnected."""
        self.queue.clear()
        self.clients.clear()

    def _drain(self) -> None:
        if not self.collector_on:
            return
        for payload in self.queue:
            event = msgspec.json.decode(payload, type=Event)
            self.collector.take(event)
            pair = (event.station, event.installation)
            if pair not in self._cursor_due:
                self._cursor_due.add(pair)
                self._clock.after(CURSOR_PAUSE_MS, lambda pair=pair: self._tell_cursor(pair))  # type: ignore[misc]
        self.queue.clear()

    def _tell_cursor(self, pair: tuple[str, str]) -> None:
        self._cursor_due.discard(pair)
        station, installation = pair
        through = self._through_from(pair)
        self.collector.revision += 1
        now_ms = self._wall_ms()
        cursor = Cursor(
            v=1,
            authority=AUTHORITY,
            audience=f"s/{station}",
            issued_at_ms=now_ms,
            accept_until_ms=now_ms + 3 * 86_400_000 - 1_000,
            revision=self.collector.revision,
            installation=installation,
            stream="main",
            through=through,
        )
        topic = topics.station_down(station, "cursor")
        self.publish_down(topic, sign(cursor, OFFICE), retain=True)

    def _through_from(self, pair: tuple[str, str]) -> int:
        station, installation = pair
        mine = self.collector.events.get(station, {})
        seq = self._through.get(pair, 0)
        while (installation, seq + 1) in mine:
            seq += 1
        self._through[pair] = seq
        return seq
