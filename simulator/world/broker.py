"""The modelled broker and the collector behind it.

Sessions keep what was not acknowledged and what came while the station was away. The broker may
crash: acknowledged events that the collector has not taken yet are then gone, as measured with the
real one, and retained documents and sessions fall back to the last autosave; a collector that is
away at that moment finds nothing kept for it until it comes back. The collector keeps events by id
and tells its signed cursor.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from agent.contract import topics
from agent.contract.documents import Cursor
from agent.contract.reports import Ack, Event, Reported, State
from simulator.world.clockwork import Clockwork
from simulator.world.signing import AUTHORITY, OFFICE, sign

QUEUE_MAX = 1_000
CURSOR_PAUSE_MS = 30_000
GREETING_MS = 500
SESSION_MS = 6 * 3_600_000
AUTOSAVE_MS = 1_800_000


class Client(Protocol):
    """A connected station, as the broker sees it."""

    @property
    def station(self) -> str: ...
    def receive(self, number: int, topic: str, payload: bytes, *, retained: bool) -> None: ...


@dataclass(slots=True)
class _Message:
    number: int
    topic: str
    payload: bytes
    retained: bool


@dataclass(slots=True)
class _Session:
    """What the broker remembers of a station. away_since_ms None: it is connected."""

    filters: frozenset[str] = frozenset()
    waiting: dict[int, _Message] = field(default_factory=dict)
    client: Client | None = None
    away_since_ms: int = 0


@dataclass(slots=True)
class Collector:
    """Events by (installation, seq), and what each receipt said, in order of arrival.

    on_new: told of each event that comes for the first time. on_clash: the same id with another
    body.
    """

    events: dict[str, dict[tuple[str, int], bytes]] = field(default_factory=dict)
    reported: dict[str, Reported] = field(default_factory=dict)
    acks: dict[str, dict[str, Ack]] = field(default_factory=dict)
    """station → command id → its last answer"""
    arrivals: int = 0
    revision: int = 0
    on_new: Callable[[Event], None] = lambda _: None
    on_clash: Callable[[Event], None] = lambda _: None
    _through: dict[tuple[str, str], int] = field(default_factory=dict)

    def take(self, payload: bytes) -> Event:
        event = msgspec.json.decode(payload, type=Event)
        self.arrivals += 1
        mine = self.events.setdefault(event.station, {})
        known = mine.get((event.installation, event.seq))
        if known is None:
            mine[event.installation, event.seq] = payload
            self.on_new(event)
        elif known != payload:
            self.on_clash(event)
        return event

    def streams(self) -> list[tuple[str, str]]:
        """(station, installation) of everybody who ever sent an event, in order."""
        return sorted({(station, who) for station, held in self.events.items() for who, _ in held})

    def through(self, station: str, installation: str) -> int:
        """Up to where there is no gap."""
        mine = self.events.get(station, {})
        seq = self._through.get((station, installation), 0)
        while (installation, seq + 1) in mine:
            seq += 1
        self._through[station, installation] = seq
        return seq


class Broker:
    """Retained documents, sessions, and the way to the collector."""

    def __init__(self, clock: Clockwork, wall_ms: Callable[[], int]) -> None:
        self._clock = clock
        self._wall_ms = wall_ms
        self.retained: dict[str, bytes] = {}
        self.cursor_key = OFFICE
        self.collector = Collector()
        self.collector_on = True
        self._collects = True
        """The collector's session lives: what it does not take now waits for it."""
        self.queue: list[bytes] = []
        self.dropped = 0
        self.crashes = 0
        self.nonces: dict[str, str] = {}
        """station → the nonce of its retained birth"""
        self._sessions: dict[str, _Session] = {}
        self._numbers = 0
        self._cursor_due: set[tuple[str, str]] = set()
        self._autosaved: dict[str, bytes] = {}
        self._autosaved_at_ms = 0

    # --- stations -----------------------------------------------------------------------

    def connect(self, client: Client, filters: tuple[str, ...], held: frozenset[str]) -> None:
        """held: topics with retain handling 1; the others ask for the retained message again."""
        session = self._sessions.get(client.station)
        fresh = session is None or (
            session.client is None and self._clock.now_ms - session.away_since_ms > SESSION_MS
        )
        if session is None or fresh:
            session = self._sessions[client.station] = _Session()
        session.client = client
        for message in list(session.waiting.values()):
            client.receive(message.number, message.topic, message.payload, retained=False)
        self._subscribe(session, filters, held)

    def subscribe(self, client: Client, filters: tuple[str, ...], held: frozenset[str]) -> None:
        session = self._sessions.get(client.station)
        if session is not None and session.client is client:
            self._subscribe(session, filters, held)

    def _subscribe(self, session: _Session, filters: tuple[str, ...], held: frozenset[str]) -> None:
        before = session.filters
        session.filters = frozenset(filters)
        for topic in filters:
            if topic in self.retained and (topic not in held or topic not in before):
                self._give(session, topic, self.retained[topic], retained=True)

    def disconnect(self, client: Client) -> None:
        session = self._sessions.get(client.station)
        if session is not None and session.client is client:
            session.client = None
            session.away_since_ms = self._clock.now_ms

    def acked(self, client: Client, number: int) -> None:
        session = self._sessions.get(client.station)
        if session is not None and session.client is client:
            session.waiting.pop(number, None)

    def _give(self, session: _Session, topic: str, payload: bytes, *, retained: bool) -> None:
        if len(session.waiting) >= QUEUE_MAX:
            self.dropped += 1
            return
        self._numbers += 1
        message = _Message(self._numbers, topic, payload, retained)
        session.waiting[message.number] = message
        if session.client is not None:
            session.client.receive(message.number, topic, payload, retained=retained)

    # --- publishing ---------------------------------------------------------------------

    def publish_down(self, topic: str, payload: bytes, *, retain: bool) -> None:
        """From the engineer's tool."""
        self._autosave()
        if retain:
            self.retained[topic] = payload
        for session in self._sessions.values():
            if topic in session.filters:
                self._give(session, topic, payload, retained=False)

    def publish_up(self, topic: str, payload: bytes) -> None:
        """From a station; returning means PUBACK."""
        kind = topic.rsplit("/", 1)[1]
        if kind == "event":
            if self._collects and len(self.queue) < QUEUE_MAX:
                self.queue.append(payload)
            else:
                self.dropped += 1
            self._drain()
        elif kind == "reported":
            said = msgspec.json.decode(payload, type=Reported)
            self.collector.reported[said.station] = said
        elif kind == "state":
            state = msgspec.json.decode(payload, type=State)
            self.nonces[state.station] = state.nonce
        elif kind == "ack":
            answer = msgspec.json.decode(payload, type=Ack)
            self.collector.acks.setdefault(answer.station, {})[answer.id] = answer

    def switch_collector(self, *, on: bool) -> None:
        self.collector_on = on
        self._collects |= on
        self._drain()
        if on:  # it says how far it has it, also to those from whom nothing came
            for pair in self.collector.streams():
                self._cursor_due.add(pair)
                self._clock.after(GREETING_MS, lambda pair=pair: self._greet(pair))  # type: ignore[misc]

    def _autosave(self) -> None:
        if self._clock.now_ms - self._autosaved_at_ms >= AUTOSAVE_MS:
            self._autosaved_at_ms = self._clock.now_ms
            self._autosaved = dict(self.retained)

    def crash(self) -> list[Client]:
        """kill -9: what was acknowledged and not passed on is gone; returns who was connected."""
        self.crashes += 1
        self._collects = self.collector_on
        self.queue.clear()
        self.retained = dict(self._autosaved)
        clients = [one.client for one in self._sessions.values() if one.client is not None]
        self._sessions.clear()
        return clients

    # --- the collector ------------------------------------------------------------------

    def _drain(self) -> None:
        if not self.collector_on:
            return
        for payload in self.queue:
            event = self.collector.take(payload)
            pair = (event.station, event.installation)
            if pair not in self._cursor_due:
                self._cursor_due.add(pair)
                self._clock.after(CURSOR_PAUSE_MS, lambda pair=pair: self._tell_cursor(pair))  # type: ignore[misc]
        self.queue.clear()

    def _greet(self, pair: tuple[str, str]) -> None:
        """It has just read the retained birth, and answers its nonce."""
        self._tell_cursor(pair, self.nonces.get(pair[0], ""))

    def _tell_cursor(self, pair: tuple[str, str], nonce: str = "") -> None:
        self._cursor_due.discard(pair)
        station, installation = pair
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
            through=self.collector.through(station, installation),
            nonce=nonce,
        )
        topic = topics.station_down(station, "cursor")
        self.publish_down(topic, sign(cursor, self.cursor_key), retain=True)
