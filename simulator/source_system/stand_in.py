"""A station's voice without a station: for trying the source system.

Connects with an enrolment bundle, says events and receipts, keeps every event until the signed
cursor has passed it, as the contract asks of a station. Judges nothing and plays nothing; the
real thing is `agent`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self

import msgspec
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from agent.contract.documents import Cursor
from agent.contract.envelope import EnvelopeError, open_envelope
from agent.contract.reports import (
    Ack,
    AckState,
    Audit,
    DocumentReport,
    Event,
    Refusal,
    Reported,
    State,
)
from agent.contract.strict import Malformed, decode_signed
from agent.contract.topics import station_down, station_up, subscriptions
from agent.core.reporter import STREAM
from agent.core.trust import digest_of
from simulator.source_system.courier import client_tls
from simulator.source_system.desk import wall_clock_ms
from simulator.source_system.enrolment import Enrolment
from simulator.source_system.keyring import KeyInfo, signers_of

RESEND_S = 0.5
IN_FLIGHT_MAX = 16
SESSION_EXPIRY_S = 6 * 3600
KEEPALIVE_S = 5


class StandInStation:
    """`with StandInStation(enrolment) as station:`; reconnects by itself for ever."""

    def __init__(
        self,
        enrolment: Enrolment,
        *,
        freshness: Sequence[KeyInfo] = (),
        groups: tuple[str, ...] = (),
        installation: str = "i-1",
        port: int | None = None,
        clock_ms: Callable[[], int] = wall_clock_ms,
    ) -> None:
        """freshness: the keys whose cursor is believed. port: of a link, instead of the broker."""
        self.station = enrolment.station
        self.installation = installation
        self.received: dict[str, bytes] = {}
        """topic → the newest payload."""
        self.outbox: dict[int, bytes] = {}
        """seq → the event, until the cursor has passed it."""
        self.through = 0
        self.deaf_to_documents = False
        """True: documents are not reported as applied."""
        self._freshness = tuple(freshness)
        self._clock_ms = clock_ms
        self._next_seq = 1
        self._sent_at: dict[int, float] = {}
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._stop = threading.Event()
        self._applied: dict[str, DocumentReport] = {}
        self._refusals: list[Refusal] = []
        self._topics = subscriptions(self.station, groups)
        self._address = (enrolment.broker_host, port or enrolment.broker_port)
        self.connected = threading.Event()
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=self.station,
            protocol=MQTTProtocolVersion.MQTTv5,
        )
        self._tls = client_tls(enrolment.folder)
        self._client.tls_set_context(self._tls)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_message = self._on_message
        self._pump = threading.Thread(target=self._pump_outbox, name=self.station, daemon=True)

    def __enter__(self) -> Self:
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = SESSION_EXPIRY_S
        self._client.connect_async(
            *self._address, keepalive=KEEPALIVE_S, clean_start=False, properties=properties
        )
        self._client.loop_start()
        self._pump.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._pump.join()
        self._client.disconnect()
        self._client.loop_stop()
        self._tls.close_sockets()

    def say(self, count: int = 1, what: str = "trial") -> None:
        """Put events into the outbox."""
        with self._lock:
            for _ in range(count):
                event = Event(
                    station=self.station,
                    installation=self.installation,
                    stream=STREAM,
                    seq=self._next_seq,
                    at_ms=self._clock_ms(),
                    body=Audit(what=what, by="stand-in"),
                )
                self.outbox[self._next_seq] = msgspec.json.encode(event)
                self._next_seq += 1

    def forget(self, *sequences: int) -> None:
        """Lose events before they were sent, as a broken card does."""
        with self._lock:
            for seq in sequences:
                self.outbox.pop(seq, None)

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Anything, also what a station may not."""
        self._client.publish(topic, payload, qos=1, retain=retain)

    def refuse(self, refusal: Refusal) -> None:
        with self._lock:
            self._refusals.append(refusal)
        self._report()

    def ack(self, command: str, state: AckState) -> None:
        ack = Ack(
            station=self.station,
            installation=self.installation,
            id=command,
            state=state,
            at_ms=self._clock_ms(),
        )
        self.publish(station_up(self.station, "ack"), msgspec.json.encode(ack))

    def wait(self, condition: Callable[[Self], bool], deadline_s: float = 10.0) -> bool:
        """Until the condition holds, or False at the deadline."""
        end = time.monotonic() + deadline_s
        with self._changed:
            while not condition(self):
                left_s = end - time.monotonic()
                if left_s <= 0:
                    return False
                self._changed.wait(min(0.1, left_s))
        return True

    def _pump_outbox(self) -> None:
        while not self._stop.wait(0.02):
            if not self.connected.is_set():
                continue
            now = time.monotonic()
            with self._lock:
                due = [
                    (seq, raw)
                    for seq, raw in self.outbox.items()
                    if now - self._sent_at.get(seq, -RESEND_S) >= RESEND_S
                ][:IN_FLIGHT_MAX]
                for seq, _ in due:
                    self._sent_at[seq] = now
            for _, raw in due:
                self.publish(station_up(self.station, "event"), raw)

    def _on_connect(
        self, client: mqtt.Client, data: Any, flags: Any, reason: Any, properties: Any
    ) -> None:
        del data, flags, properties
        if reason.is_failure:
            return
        client.subscribe([(topic, 1) for topic in self._topics])
        state = State(
            station=self.station,
            state="online",
            birth=1,
            installation=self.installation,
            nonce=f"n{self._clock_ms()}",
        )
        topic = station_up(self.station, "state")
        client.publish(topic, msgspec.json.encode(state), qos=1, retain=True)
        self.connected.set()

    def _on_disconnect(
        self, client: mqtt.Client, data: Any, flags: Any, reason: Any, properties: Any
    ) -> None:
        del client, data, flags, reason, properties
        self.connected.clear()
        with self._lock:
            self._sent_at.clear()

    def _on_message(self, client: mqtt.Client, data: Any, message: mqtt.MQTTMessage) -> None:
        del client, data
        raw = bytes(message.payload)
        with self._changed:
            self.received[message.topic] = raw
            if message.topic == station_down(self.station, "cursor"):
                self._take_cursor(raw)
            elif "/dn/" in message.topic and not message.topic.endswith("/cmd"):
                self._apply(raw)
            self._changed.notify_all()

    def _take_cursor(self, raw: bytes) -> None:
        """Only a signed one for this installation; never backwards."""
        try:
            envelope = open_envelope(raw)
            cursor = decode_signed(envelope.body)
        except (EnvelopeError, Malformed):
            return
        mine = isinstance(cursor, Cursor) and cursor.installation == self.installation
        if not mine or not signers_of(envelope, self._freshness):
            return
        if isinstance(cursor, Cursor) and cursor.stream == STREAM:
            self.through = max(self.through, cursor.through)
            for seq in [seq for seq in self.outbox if seq <= self.through]:
                del self.outbox[seq]

    def _apply(self, raw: bytes) -> None:
        try:
            envelope = open_envelope(raw)
            document = decode_signed(envelope.body)
        except (EnvelopeError, Malformed):
            return
        revision = getattr(document, "revision", None)
        if self.deaf_to_documents or revision is None:
            return
        kind = str(document.__struct_config__.tag)
        self._applied[f"{document.audience} {kind}"] = DocumentReport(
            authority=document.authority,
            audience=document.audience,
            kind=kind,
            revision=revision,
            digest=digest_of(envelope.body),
        )
        self._report()

    def _report(self) -> None:
        with self._lock:
            reported = Reported(
                station=self.station,
                installation=self.installation,
                at_ms=self._clock_ms(),
                documents=tuple(self._applied.values()),
                refusals=tuple(self._refusals),
            )
        topic = station_up(self.station, "reported")
        self.publish(topic, msgspec.json.encode(reported), retain=True)
