"""The district's own MQTT connection: publish, look at what is retained, listen for receipts.

Owns one short-lived paho client with mutual TLS. Decides nothing. Invariants: every wait has a
deadline and ends in a value or a CourierError; callbacks only enqueue.
"""

from __future__ import annotations

import queue
import secrets
import ssl
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion

from agent.contract.topics import ROOT
from simulator.source_system.problems import CourierError

CONNECT_DEADLINE_S = 10.0
PUBLISH_DEADLINE_S = 10.0
RETAINED_AT_ONCE = 32
BARRIER = f"{ROOT}/barrier"
"""A topic without messages."""
KEEPALIVE_S = 30


class Message(NamedTuple):
    topic: str
    payload: bytes
    retained: bool


class TlsContext(ssl.SSLContext):
    """The TLS side of one client: closes what paho drops unclosed when a handshake fails."""

    def __init__(self, *_: object) -> None:
        self._latest: ssl.SSLSocket | None = None

    def wrap_socket(self, *arguments: Any, **options: Any) -> ssl.SSLSocket:
        """One connection at a time: a new one ends the one before."""
        self.close_sockets()
        self._latest = super().wrap_socket(*arguments, **options)
        return self._latest

    def close_sockets(self) -> None:
        latest, self._latest = self._latest, None
        if latest is not None:
            latest.close()


def client_tls(folder: Path) -> TlsContext:
    """ca.pem, client.pem, client.key in `folder`."""
    context = TlsContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cafile=str(folder / "ca.pem"))
    context.load_cert_chain(str(folder / "client.pem"), str(folder / "client.key"))
    return context


class Courier:
    """`with Courier(...) as courier:` connects; raises CourierError when it cannot."""

    def __init__(self, host: str, port: int, credentials: Path) -> None:
        self._where = f"{host}:{port}"
        self._address = (host, port)
        self._connected = threading.Event()
        self._refusal = ""
        self._inbox: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._subscribed: dict[int, list[int]] = {}
        self._suback = threading.Condition()
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"operator-{secrets.token_hex(6)}",
            protocol=MQTTProtocolVersion.MQTTv5,
        )
        self._tls = client_tls(credentials)
        self._client.tls_set_context(self._tls)
        self._client.on_connect = self._on_connect
        self._client.on_message = self._on_message
        self._client.on_subscribe = self._on_subscribe

    def __enter__(self) -> Self:
        try:
            self._client.connect(*self._address, keepalive=KEEPALIVE_S, clean_start=True)
        except (OSError, ValueError) as error:
            self._tls.close_sockets()
            raise CourierError("broker_unreachable", self._where, error) from error
        self._client.loop_start()
        if not self._connected.wait(CONNECT_DEADLINE_S) or self._refusal:
            reason = self._refusal or "no answer"
            self.close()
            raise CourierError("broker_unreachable", self._where, reason)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()
        self._tls.close_sockets()

    def publish(self, topic: str, payload: bytes, *, retain: bool) -> None:
        """Until the broker's PUBACK, which is not delivery. Raises CourierError."""
        info = self._client.publish(topic, payload, qos=1, retain=retain)
        try:
            info.wait_for_publish(PUBLISH_DEADLINE_S)
        except (RuntimeError, ValueError) as error:
            raise CourierError("broker_refuses", topic, error) from error
        if info.rc != MQTTErrorCode.MQTT_ERR_SUCCESS or not info.is_published():
            raise CourierError("broker_refuses", topic, self._where)

    def subscribe(self, topics: Sequence[str]) -> None:
        """Until every SUBACK; raises CourierError for a refused topic."""
        if not topics:
            return
        _, mid = self._client.subscribe([(topic, 1) for topic in topics])
        if mid is None:
            raise CourierError("broker_unreachable", self._where)
        with self._suback:
            if not self._suback.wait_for(lambda: mid in self._subscribed, CONNECT_DEADLINE_S):
                raise CourierError("broker_unreachable", self._where)
            granted = self._subscribed[mid]
        refused = [topic for topic, code in zip(topics, granted, strict=True) if code >= 0x80]
        if refused:
            raise CourierError("broker_refuses", ", ".join(refused))

    def messages(self, deadline_s: float) -> Iterator[Message]:
        """What arrives within `deadline_s` seconds from now."""
        end = time.monotonic() + deadline_s
        while (left := end - time.monotonic()) > 0:
            try:
                yield self._inbox.get(timeout=left)
            except queue.Empty:
                return

    def retained(self, topics: Sequence[str]) -> list[bytes | None]:
        """What is retained on each topic, in order.

        The broker answers in order: when it confirms a later subscription, every retained
        message of the earlier one has arrived. Use it before subscribing to anything else.
        """
        found: dict[str, bytes] = {}
        for start in range(0, len(topics), RETAINED_AT_ONCE):
            some = list(topics[start : start + RETAINED_AT_ONCE])
            self.subscribe(some)
            self.subscribe([BARRIER])
            while not self._inbox.empty():
                message = self._inbox.get()
                found[message.topic] = message.payload
            self._client.unsubscribe(some)
        return [found.get(topic) or None for topic in topics]

    def _on_connect(
        self, client: mqtt.Client, data: Any, flags: Any, reason: Any, properties: Any
    ) -> None:
        del client, data, flags, properties
        self._refusal = str(reason) if reason.is_failure else ""
        self._connected.set()

    def _on_message(self, client: mqtt.Client, data: Any, message: mqtt.MQTTMessage) -> None:
        del client, data
        self._inbox.put(Message(message.topic, bytes(message.payload), message.retain))

    def _on_subscribe(
        self, client: mqtt.Client, data: Any, mid: int, reasons: Any, properties: Any
    ) -> None:
        del client, data, properties
        with self._suback:
            self._subscribed[mid] = [reason.value for reason in reasons]
            self._suback.notify_all()
