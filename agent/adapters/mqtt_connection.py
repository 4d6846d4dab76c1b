"""One connection to the broker, from DNS to its end, in one thread of its own.

All of paho is called there; its callbacks only record. What is under way lives in `_Talk` and
dies with the connection. The rules are in `agent.adapters.mqtt`, which owns one of these at a time.
"""

from __future__ import annotations

import itertools
import logging
import select
import socket
import ssl
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from paho.mqtt.client import (
    Client,
    ConnectFlags,
    DisconnectFlags,
    MQTTMessage,
    MQTTv5,
    MQTTv311,
)
from paho.mqtt.enums import CallbackAPIVersion, LogLevel, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from agent.adapters.clock import mono_ms
from agent.adapters.counted import Counted
from agent.adapters.tls import TlsContext, check_dates, client_context
from agent.contract.topics import MESSAGE_MAX_BYTES
from agent.core.effects import AckMessage, Connect, Publish, Subscribe
from agent.core.events import Delivered, LinkChanged, MessageArrived

log = logging.getLogger(__name__)

Cause = Literal["own_link", "broker_closed", "not_authorised", "tls"]
Protocol = Literal["5", "3.1.1"]

SESSION_EXPIRY_S = 6 * 3_600
RECEIVE_MAXIMUM = 16
WILL_DELAY_S = 60
IN_FLIGHT_MAX = 8
WAITING_MAX = 256
UNACKNOWLEDGED_MAX = 32
PACKET_MAX_BYTES = MESSAGE_MAX_BYTES + 32 * 1024
"""What a v5 broker may send: a little beyond the contract, so that the excess is seen."""
LONGEST_WAIT_S = 30.0

_NOT_AUTHORISED = frozenset({0x85, 0x86, 0x87, 0x8A, 0x8C})
_UNSUPPORTED_VERSION = 0x84


@dataclass(frozen=True, slots=True)
class LinkSettings:
    """Where the broker is and who we are. mqtt: "auto" tries 5 and falls back.

    answer_within_ms: how long a publish, ping or subscription may stay unanswered.
    """

    host: str
    port: int
    client_id: str
    tls: bool = True
    ca: str = ""
    certificate: str = ""
    key: str = ""
    mqtt: Literal["auto", "5", "3.1.1"] = "auto"
    connect_within_s: float = 15.0
    answer_within_ms: int = 30_000


@dataclass(frozen=True, slots=True)
class _Lost:
    """How a connection ended. again_on_3: the broker may only speak 3.1.1."""

    cause: Cause
    detail: str
    again_on_3: bool = False


class Connection:
    """One connection, from DNS to its end, in one thread."""

    def __init__(
        self,
        settings: LinkSettings,
        act: Connect,
        protocol: Protocol,
        *,
        receipts: itertools.count[int],
        counted: Counted,
        dates_from_ms: int | None,
        tell: Callable[[Connection, LinkChanged | MessageArrived | Delivered], None],
    ) -> None:
        self.protocol: Protocol = protocol
        self.connected = False
        self.answered_ms = mono_ms()
        self._settings = settings
        self._act = act
        self._receipts = receipts
        self._counted = counted
        self._dates_from_ms = dates_from_ms
        self._tell = tell
        self._posted: deque[Publish | Subscribe | AckMessage] = deque()
        self._bell_in, self._bell = socket.socketpair()
        self._bell.setblocking(False)
        self._bell_in.setblocking(False)
        self._over = threading.Event()
        self._abandoned = False
        self._finishing: float | None = None
        self._talk = _Talk()
        self._thread = threading.Thread(target=self._run, name="mqtt", daemon=True)

    # --- from the loop's thread -----------------------------------------------------------

    def start(self) -> None:
        self._thread.start()

    def post(self, act: Publish | Subscribe | AckMessage) -> bool:
        """Queue an act for the thread; False when the connection is over."""
        if self._over.is_set():
            return False
        self._posted.append(act)
        self._ring()
        return True

    def abandon(self) -> None:
        """Close without a word: the broker publishes our will."""
        self._abandoned = True
        self._ring()

    def finish(self, farewell: Publish | None, within_s: float) -> None:
        """Publish `farewell`, disconnect properly, wait for the end of the thread."""
        if farewell is not None and self.connected:
            self._posted.append(farewell)
        self._finishing = mono_ms() + within_s * 800
        self._ring()
        self._thread.join(within_s)
        self._abandoned = True
        self._ring()

    def _ring(self) -> None:
        try:
            self._bell.send(b"\0")
        except OSError:  # full: it rings already; closed: the thread has ended
            pass

    # --- the thread -----------------------------------------------------------------------

    def _run(self) -> None:
        try:
            lost = self._live()
        except Exception as error:  # supervision: a fault of ours is a lost link, told as one
            log.exception("mqtt_failed")
            lost = _Lost("own_link", f"internal: {error}")
        self.connected = False
        self._over.set()
        self._bell.close()
        self._bell_in.close()
        if not self._abandoned:
            self._tell(self, LinkChanged(False, lost.cause, lost.detail))

    def _live(self) -> _Lost:
        lost = self._live_on(self.protocol)
        if not (lost.again_on_3 and self._settings.mqtt == "auto" and self.protocol == "5"):
            return lost
        log.info("mqtt_version_fallback detail=%s", lost.detail)
        second = self._live_on("3.1.1")
        if not self._talk.accepted:
            self.protocol = "5"  # it was not the version
        return second

    def _live_on(self, protocol: Protocol) -> _Lost:
        self.protocol = protocol
        self._talk = _Talk()
        client = self._build(protocol)
        if isinstance(client, _Lost):
            return client
        try:
            return self._open(client) or self._serve(client)
        finally:
            _hang_up(client, self._talk.context)

    def _open(self, client: Client) -> _Lost | None:
        settings = self._settings
        try:
            client.connect(
                settings.host,
                settings.port,
                keepalive=self._act.keepalive_s,
                clean_start=False if self.protocol == "5" else 3,
                properties=_connect_properties() if self.protocol == "5" else None,
            )
        except ssl.SSLError as error:
            return _Lost("tls", _words(error))
        except ConnectionRefusedError as error:
            return _Lost("broker_closed", _words(error))
        except ConnectionResetError as error:
            return _Lost("broker_closed", _words(error), again_on_3=True)
        except OSError as error:
            return _Lost("own_link", _words(error))
        return None

    def _serve(self, client: Client) -> _Lost:
        """Talk until the end; returns why it came."""
        began_ms = mono_ms()
        while True:
            if self._abandoned:
                return _Lost("own_link", "replaced")
            fault = self._step(client)
            if fault is not None:
                return fault
            if not self.connected and mono_ms() - began_ms > self._settings.answer_within_ms:
                return _Lost("own_link", "no answer to CONNECT")
            if self._finished(client):
                return _Lost("own_link", "finished")

    def _step(self, client: Client) -> _Lost | None:
        """Wait for something, do it; a value when the connection is over."""
        code = self._exchange(client)
        if self._talk.refused is not None:
            return self._talk.refused
        if self._talk.ended is not None:
            return self._talk.ended
        if code != MQTTErrorCode.MQTT_ERR_SUCCESS or client.socket() is None:
            return self._broken(code)
        if self._talk.accepted and not self._talk.subscribed:
            self._talk.subscribed = True
            self._subscribe(client, self._act.filters, self._act.held)
        self._work_off(client)
        return self._silence()

    def _exchange(self, client: Client) -> MQTTErrorCode:
        """One turn of select: the socket in both directions, and our bell."""
        sock = client.socket()
        if sock is None:
            return MQTTErrorCode.MQTT_ERR_NO_CONN
        listening = len(self._talk.unacknowledged) < UNACKNOWLEDGED_MAX
        buffered = listening and isinstance(sock, ssl.SSLSocket) and sock.pending() > 0
        readers: list[Any] = [self._bell_in, sock] if listening else [self._bell_in]
        writers = [sock] if client.want_write() else []
        wait_s = 0.0 if buffered else self._wait_s()
        ready, writable, _ = select.select(readers, writers, [], wait_s)
        if self._bell_in in ready:
            _silence_bell(self._bell_in)
        code = MQTTErrorCode.MQTT_ERR_SUCCESS
        if writable:
            code = client.loop_write()
        if code == MQTTErrorCode.MQTT_ERR_SUCCESS and (sock in ready or buffered):
            code = client.loop_read()
        if code == MQTTErrorCode.MQTT_ERR_SUCCESS and client.socket() is not None:
            code = client.loop_misc()
        return code

    def _wait_s(self) -> float:
        """Until the next thing that can be overdue; traffic and the bell come earlier."""
        wait_s = min(LONGEST_WAIT_S, self._act.keepalive_s / 4)
        if self._talk.waits_for_answer or not self.connected:
            wait_s = min(wait_s, self._settings.answer_within_ms / 4_000)
        if self._finishing is not None:
            wait_s = min(wait_s, 0.1)
        return wait_s

    def _silence(self) -> _Lost | None:
        """A question that stayed unanswered for too long means a dead link."""
        asked_ms = self._talk.oldest_question_ms()
        if asked_ms is None or mono_ms() - asked_ms < self._settings.answer_within_ms:
            return None
        return _Lost("own_link", f"no answer for {mono_ms() - asked_ms} ms")

    def _broken(self, code: MQTTErrorCode) -> _Lost:
        words = self._talk.last_error or code.name
        early = not self._talk.accepted
        if "SSL" in words and "EOF" not in words:
            return _Lost("tls", words)
        if code == MQTTErrorCode.MQTT_ERR_KEEPALIVE or "timed out" in words:
            return _Lost("own_link", words)
        if any(sign in words for sign in ("No route", "unreachable", "Network is down")):
            return _Lost("own_link", words)
        return _Lost("broker_closed", words, again_on_3=early)

    def _finished(self, client: Client) -> bool:
        """While leaving: whether the last words were heard, or the time for them is over."""
        if self._finishing is None:
            return False
        if (self._posted or self._talk.in_flight) and mono_ms() < self._finishing:
            return False
        client.disconnect()
        if client.want_write():
            client.loop_write()
        return True

    # --- what the core wants said ---------------------------------------------------------

    def _work_off(self, client: Client) -> None:
        while self._posted:
            act = self._posted.popleft()
            match act:
                case AckMessage(receipt):
                    self._acknowledge(client, receipt)
                case Subscribe(filters, held) if self._talk.subscribed:
                    self._subscribe(client, filters, held)
                case Subscribe(filters, held):
                    self._act = replace(self._act, filters=filters, held=held)
                case Publish():
                    self._queue(act)
        while self.connected and self._talk.waiting and len(self._talk.in_flight) < IN_FLIGHT_MAX:
            self._publish(client, self._talk.waiting.popleft())

    def _queue(self, act: Publish) -> None:
        """Only the newest of a retained topic is worth sending; beyond the bound none is."""
        waiting = self._talk.waiting
        if act.retain:
            for older in [one for one in waiting if one.retain and one.topic == act.topic]:
                waiting.remove(older)
        if len(waiting) >= WAITING_MAX:
            self._counted.add("publish_queue_full", act.topic)
            return
        waiting.append(act)

    def _publish(self, client: Client, act: Publish) -> None:
        info = client.publish(act.topic, act.payload, act.qos, act.retain)
        if act.qos > 0:
            self._talk.in_flight[info.mid] = (act.token, act.topic, mono_ms())

    def _acknowledge(self, client: Client, receipt: int) -> None:
        packet = self._talk.unacknowledged.pop(receipt, None)
        if packet is None:
            self._counted.add("late_ack", receipt)
        elif packet.qos > 0:
            client.ack(packet.mid, packet.qos)

    def _subscribe(self, client: Client, filters: tuple[str, ...], held: frozenset[str]) -> None:
        """Ask for what is new, and no longer for what is not wanted."""
        wanted, had = set(filters), self._talk.filters
        gone = sorted(had - wanted)
        new = [one for one in filters if one not in had]
        self._talk.filters = wanted
        if gone:
            client.unsubscribe(gone)
        if not new:
            return
        if self.protocol == "5":
            _, mid = client.subscribe(
                [(one, _subscribe_options(retained_too=one not in held)) for one in new]
            )
        else:
            _, mid = client.subscribe([(one, 1) for one in new])
        if mid is not None:
            self._talk.asked_filters[mid] = (tuple(new), mono_ms())

    # --- building -------------------------------------------------------------------------

    def _build(self, protocol: Protocol) -> Client | _Lost:
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._settings.client_id,
            clean_session=None if protocol == "5" else False,
            protocol=MQTTv5 if protocol == "5" else MQTTv311,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        client.connect_timeout = self._settings.connect_within_s
        client.max_inflight_messages = 0  # bounded here, where it is seen
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        client.on_subscribe = self._on_subscribe
        client.on_socket_open = self._on_socket_open
        client.on_log = self._on_log
        will = _properties(PacketTypes.WILLMESSAGE) if protocol == "5" else None
        if will is not None:
            will.WillDelayInterval = WILL_DELAY_S
        client.will_set(self._act.will_topic, self._act.will, 1, retain=True, properties=will)
        if self._settings.tls:
            try:
                context = client_context(
                    self._settings.ca,
                    self._settings.certificate,
                    self._settings.key,
                    judge_dates=self._dates_from_ms is None,
                )
            except OSError as error:
                return _Lost("tls", _words(error))
            self._talk.context = context
            client.tls_set_context(context)
        return client

    # --- paho's callbacks: they only record -----------------------------------------------

    def _on_socket_open(self, _client: Client, _data: object, sock: Any) -> None:
        plain: socket.socket = sock
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        timeout_ms = self._act.keepalive_s * 1_500
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, timeout_ms)
        if self._dates_from_ms is not None and isinstance(sock, ssl.SSLSocket):
            check_dates(sock, self._dates_from_ms)

    def _on_connect(
        self,
        _client: Client,
        _data: object,
        _flags: ConnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            self._talk.refused = _Lost(
                "not_authorised" if reason.value in _NOT_AUTHORISED else "broker_closed",
                str(reason),
                again_on_3=reason.value == _UNSUPPORTED_VERSION,
            )
        else:
            self._talk.accepted = True
            self.answered_ms = mono_ms()

    def _on_subscribe(
        self,
        _client: Client,
        _data: object,
        mid: int,
        reasons: list[ReasonCode],
        _properties: Properties | None,
    ) -> None:
        self.answered_ms = mono_ms()
        filters, _ = self._talk.asked_filters.pop(mid, ((), 0))
        refused = [one for one, reason in zip(filters, reasons, strict=False) if reason.is_failure]
        for one in refused:
            self._counted.add("subscribe_refused", one)
        if refused and len(refused) == len(filters):
            self._talk.refused = _Lost("not_authorised", f"no subscription granted: {refused[0]}")
        elif not self.connected:
            self.connected = True
            self._tell(self, LinkChanged(True))

    def _on_disconnect(
        self,
        _client: Client,
        _data: object,
        flags: DisconnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if flags.is_disconnect_packet_from_server:
            cause: Cause = "not_authorised" if reason.value in _NOT_AUTHORISED else "broker_closed"
            self._talk.ended = _Lost(cause, str(reason))
        elif "Keep alive" in str(reason):
            self._talk.ended = _Lost("own_link", str(reason))

    def _on_message(self, client: Client, _data: object, message: MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = ""
        if not topic or len(message.payload) > MESSAGE_MAX_BYTES:
            self._counted.add("message_oversize" if topic else "message_bad_topic", topic)
            client.ack(message.mid, message.qos)
            return
        if message.qos == 0 and len(self._talk.unacknowledged) >= UNACKNOWLEDGED_MAX:
            self._counted.add("message_flood", topic)
            return
        receipt = next(self._receipts)
        self._talk.unacknowledged[receipt] = _Packet(message.mid, message.qos)
        self._tell(self, MessageArrived(receipt, topic, bytes(message.payload), message.retain))

    def _on_publish(
        self,
        _client: Client,
        _data: object,
        mid: int,
        reason: ReasonCode,
        _properties: Properties,
    ) -> None:
        self.answered_ms = mono_ms()
        token, topic, _ = self._talk.in_flight.pop(mid, (None, "", 0))
        if reason.is_failure:
            self._counted.add("publish_refused", f"{topic}: {reason}")
        elif token is not None:
            self._tell(self, Delivered(token))

    def _on_log(self, _client: Client, _data: object, level: int, words: str) -> None:
        if level == LogLevel.MQTT_LOG_ERR:
            self._talk.last_error = words
        elif words.startswith("Sending PINGREQ"):
            self._talk.pinged_ms = mono_ms()
        elif words.startswith("Received PINGRESP"):
            self._talk.pinged_ms = None
            self.answered_ms = mono_ms()


@dataclass(frozen=True, slots=True)
class _Packet:
    mid: int
    qos: int


@dataclass(slots=True)
class _Talk:
    """What is under way on one connection. In its thread only."""

    accepted: bool = False
    subscribed: bool = False
    refused: _Lost | None = None
    ended: _Lost | None = None
    last_error: str = ""
    filters: set[str] = field(default_factory=set)
    waiting: deque[Publish] = field(default_factory=deque)
    in_flight: dict[int, tuple[int | None, str, int]] = field(default_factory=dict)
    asked_filters: dict[int, tuple[tuple[str, ...], int]] = field(default_factory=dict)
    unacknowledged: dict[int, _Packet] = field(default_factory=dict)
    pinged_ms: int | None = None
    context: TlsContext | None = None

    @property
    def waits_for_answer(self) -> bool:
        return bool(self.in_flight or self.asked_filters or self.pinged_ms is not None)

    def oldest_question_ms(self) -> int | None:
        asked = [at_ms for _, _, at_ms in self.in_flight.values()]
        asked += [at_ms for _, at_ms in self.asked_filters.values()]
        if self.pinged_ms is not None:
            asked.append(self.pinged_ms)
        return min(asked, default=None)


def _properties(kind: int) -> Properties:
    return Properties(kind)  # type: ignore[no-untyped-call]


def _connect_properties() -> Properties:
    properties = _properties(PacketTypes.CONNECT)
    properties.SessionExpiryInterval = SESSION_EXPIRY_S
    properties.ReceiveMaximum = RECEIVE_MAXIMUM
    properties.MaximumPacketSize = PACKET_MAX_BYTES
    return properties


def _subscribe_options(*, retained_too: bool) -> SubscribeOptions:
    """Retained messages always, or only when the broker did not know the subscription."""
    return SubscribeOptions(
        qos=1,
        retainAsPublished=True,
        retainHandling=(
            SubscribeOptions.RETAIN_SEND_ON_SUBSCRIBE
            if retained_too
            else SubscribeOptions.RETAIN_SEND_IF_NEW_SUB
        ),
    )


def _hang_up(client: Client, context: TlsContext | None) -> None:
    for sock in (client.socket(), context.wrapped if context else None):
        if sock is not None:
            sock.close()


def _silence_bell(bell: socket.socket) -> None:
    try:
        while bell.recv(4_096):
            pass
    except BlockingIOError:
        pass


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
