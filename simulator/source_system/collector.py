"""Takes in what stations say and tells them, signed, how far it has it.

Owns the MQTT session of the collector: subscriptions to the `up` topics of enrolled stations,
PUBACK after the durable insert, the signed `cursor`, asking again for gaps. Storage is
`journal`'s; keys and enrolment come in as callables.

One thread does everything between two calls of paho's `loop`; callbacks only append to a list.
The client is thrown away with its connection, so a late acknowledgement can never go out on
another one. Invariants: a message is acknowledged only after the transaction that holds it is on
disk; the cursor never passes a sequence number that is not stored; refused messages are
acknowledged and counted.
"""

from __future__ import annotations

import argparse
import logging
import signal
import sqlite3
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from agent.contract.details import Details
from agent.contract.documents import Cursor
from agent.contract.reports import Ack, Event, Health, Reported, State
from agent.contract.topics import MESSAGE_MAX_BYTES, ROOT, UP_KINDS, station_down, station_up
from agent.core.reporter import STREAM
from simulator.source_system.acl import COLLECTOR
from simulator.source_system.courier import client_tls
from simulator.source_system.desk import wall_clock_ms
from simulator.source_system.district import District
from simulator.source_system.journal import Gap, Journal, StreamId
from simulator.source_system.keyring import (
    DAY_MS,
    SigningKey,
    environment_passphrase,
    sealed,
)
from simulator.source_system.problems import SourceSystemError

KEEPALIVE_S = 30
SESSION_EXPIRY_S = 14 * 86_400
RECEIVE_MAXIMUM = 64
LOOP_S = 0.1
BATCH_MAX = 256
BATCH_S = 0.05
RETRY_FIRST_S = 0.2
RETRY_MAX_S = 5.0
ENROLMENT_CHECK_S = 0.5
WATCH_S = 60.0
"""How often is written down that the collector listens: without it nobody was away, only unseen."""
CURSOR_LIFETIME_MS = 3 * DAY_MS
CURSOR_REFRESH_S = 12 * 3600.0
GAP_PATIENCE_S = 30.0
GAP_AGAIN_S = 3_600.0
GAP_ASKED_MAX = 3

log = logging.getLogger(__name__)

AskAgain = Callable[[str, int], bytes]
"""(station, from sequence number) → a sealed `resend` command."""

_UP_TYPES: dict[str, type[State | Reported | Health | Details]] = {
    "state": State,
    "reported": Reported,
    "health": Health,
    "details": Details,
}


class Collector:
    """Runs in its own thread from `start` to `stop`; survives every loss of the broker."""

    def __init__(
        self,
        *,
        host: str,
        port: int,
        credentials: Path,
        journal: Path,
        authority: str,
        freshness_key: SigningKey,
        stations: Callable[[], Sequence[str]],
        ask_again: AskAgain | None = None,
        clock_ms: Callable[[], int] = wall_clock_ms,
        cursor_interval_s: float = 1.0,
        gap_patience_s: float = GAP_PATIENCE_S,
    ) -> None:
        """stations: the enrolled ones, asked twice a second."""
        self._address = (host, port)
        self._credentials = credentials
        self._journal_path = journal
        self._authority = authority
        self._key = freshness_key
        self._stations = stations
        self._ask_again = ask_again
        self._clock_ms = clock_ms
        self._cursor_interval_s = cursor_interval_s
        self._gap_patience_s = gap_patience_s
        self._stop = threading.Event()
        self.connected = threading.Event()
        """Set while subscriptions stand."""
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, name="collector", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        journal = Journal(self._journal_path)
        wait_s = RETRY_FIRST_S
        said = ""
        try:
            while not self._stop.is_set():
                began = time.monotonic()
                try:
                    self._session(journal).run(self._stop, self.connected)
                except (OSError, ssl.SSLError, ValueError, sqlite3.Error) as error:
                    # Not acknowledged is not lost: the broker sends it again after the reconnect.
                    if str(error) != said:
                        said = str(error)
                        log.info("collector: %s: %s", self._address, error)
                except Exception:  # supervised: one bad record must not end the collecting
                    log.exception("collector: %s: a fault of ours; beginning again", self._address)
                self.connected.clear()
                wait_s = RETRY_FIRST_S if time.monotonic() - began > RETRY_MAX_S else wait_s
                self._stop.wait(wait_s)
                wait_s = min(wait_s * 2, RETRY_MAX_S)
        finally:
            journal.close()

    def _session(self, journal: Journal) -> _Session:
        cursors = _Cursors(
            journal,
            authority=self._authority,
            key=self._key,
            clock_ms=self._clock_ms,
            interval_s=self._cursor_interval_s,
            fleet=lambda: len(list(self._stations())),
        )
        gaps = _Gaps(journal, self._ask_again, self._gap_patience_s)
        return _Session(
            self._address, self._credentials, journal, self._stations, cursors, gaps, self._clock_ms
        )


SPREAD_MS_PER_STATION = 6
SPREAD_MIN_MS = 1_000
"""How long stations spread their return: 60 s for 10,000 of them."""


class _Cursors:
    """Which stations are owed a cursor, and when."""

    def __init__(
        self,
        journal: Journal,
        *,
        authority: str,
        key: SigningKey,
        clock_ms: Callable[[], int],
        interval_s: float,
        fleet: Callable[[], int],
    ) -> None:
        self._journal = journal
        self._fleet = fleet
        self._authority = authority
        self._key = key
        self._clock_ms = clock_ms
        self._interval_s = interval_s
        self._due: dict[StreamId, tuple[float, str]] = {}
        self._last: dict[str, float] = {}

    def owe(self, stream: StreamId, *, at_once: bool = False, nonce: str = "") -> None:
        earliest = self._last.get(stream.station, 0.0) + self._interval_s
        due = 0.0 if at_once else earliest
        held = self._due.get(stream)
        if held is not None:
            due, nonce = min(due, held[0]), nonce or held[1]
        self._due[stream] = (due, nonce)

    def owe_all(self, station: str) -> None:
        for stream in self._journal.streams(station):
            self.owe(stream, at_once=True)

    def send_due(self, client: mqtt.Client) -> None:
        now = time.monotonic()
        for stream, (due, nonce) in list(self._due.items()):
            if due > now:
                continue
            del self._due[stream]
            self._last[stream.station] = now
            topic = station_down(stream.station, "cursor")
            client.publish(topic, self._sealed(stream, nonce), qos=1, retain=True)

    def _sealed(self, stream: StreamId, nonce: str) -> bytes:
        now_ms = self._clock_ms()
        with self._journal.transaction():
            revision = self._journal.next_cursor_revision(stream.station, now_ms)
            through = self._journal.through(stream)
        cursor = Cursor(
            v=1,
            authority=self._authority,
            audience=f"s/{stream.station}",
            issued_at_ms=now_ms,
            accept_until_ms=now_ms + CURSOR_LIFETIME_MS,
            revision=revision,
            installation=stream.installation,
            stream=stream.stream,
            through=through,
            nonce=nonce,
            reconnect_spread_ms=max(SPREAD_MIN_MS, SPREAD_MS_PER_STATION * self._fleet()),
        )
        return sealed(msgspec.json.encode(cursor), [self._key])


class _Gaps:
    """Asks a station again for what is missing, patiently, and at last writes it off."""

    def __init__(self, journal: Journal, ask_again: AskAgain | None, patience_s: float) -> None:
        self._journal = journal
        self._ask_again = ask_again
        self._patience_s = patience_s
        self._waiting: dict[Gap, tuple[float, int]] = {}
        """gap → (when to act next, how often it was asked for)."""

    def tend(self, client: mqtt.Client) -> list[StreamId]:
        """Streams that moved on because a gap was written off."""
        now = time.monotonic()
        fresh = (now + self._patience_s, 0)
        self._waiting = {gap: self._waiting.get(gap, fresh) for gap in self._journal.gaps()}
        moved = []
        for gap, (due, asked) in self._waiting.items():
            if now < due:
                continue
            if self._ask_again is None or asked >= GAP_ASKED_MAX:
                with self._journal.transaction():
                    self._journal.write_off(gap)
                moved.append(gap.stream)
                continue
            wait_s = min(GAP_AGAIN_S, self._patience_s * 4 ** (asked + 1))
            self._waiting[gap] = (now + wait_s, asked + 1)
            log.info("collector: %s: asking again from %d", gap.stream.station, gap.missing_from)
            command = self._ask_again(gap.stream.station, gap.missing_from)
            topic = station_down(gap.stream.station, "cmd")
            client.publish(topic, command, qos=1, retain=False)
        return moved


class _Session:
    """One connection: from CONNECT until it breaks."""

    def __init__(
        self,
        address: tuple[str, int],
        credentials: Path,
        journal: Journal,
        stations: Callable[[], Sequence[str]],
        cursors: _Cursors,
        gaps: _Gaps,
        clock_ms: Callable[[], int],
    ) -> None:
        self._address = address
        self._journal = journal
        self._stations = stations
        self._cursors = cursors
        self._gaps = gaps
        self._clock_ms = clock_ms
        self._inbox: list[mqtt.MQTTMessage] = []
        self._subscribed: set[str] = set()
        self._accepted = False
        self._refusal = ""
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=COLLECTOR,
            protocol=MQTTProtocolVersion.MQTTv5,
            manual_ack=True,
        )
        self._tls = client_tls(credentials)
        self._client.tls_set_context(self._tls)
        self._client.on_connect = self._on_connect
        self._client.on_message = self._on_message

    def run(self, stop: threading.Event, connected: threading.Event) -> None:
        """Raises OSError when there is no connection to be had."""
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = SESSION_EXPIRY_S
        properties.ReceiveMaximum = RECEIVE_MAXIMUM
        client = self._client
        client.connect(
            *self._address, keepalive=KEEPALIVE_S, clean_start=False, properties=properties
        )
        checked = refreshed = 0.0
        watched = -WATCH_S
        try:
            while not stop.is_set() and not self._refusal and self._step():
                now = time.monotonic()
                if self._accepted and now - checked >= ENROLMENT_CHECK_S:
                    checked = now
                    self._follow_enrolment()
                    for stream in self._gaps.tend(client):
                        self._cursors.owe(stream)
                    connected.set()
                if self._accepted and now - watched >= WATCH_S:
                    watched = now
                    with self._journal.transaction():
                        self._journal.presence.watching(self._clock_ms())
                if self._accepted and now - refreshed >= CURSOR_REFRESH_S:
                    refreshed = now
                    for station in self._subscribed:
                        self._cursors.owe_all(station)
                self._cursors.send_due(client)
        finally:
            client.disconnect()
            self._tls.close_sockets()
        if self._refusal:
            raise OSError(self._refusal)

    def _step(self) -> bool:
        """Read what is there, store it in one transaction, then acknowledge. False: broken."""
        alive = self._client.loop(LOOP_S) == MQTTErrorCode.MQTT_ERR_SUCCESS
        until = time.monotonic() + BATCH_S
        while alive and self._inbox and len(self._inbox) < BATCH_MAX and time.monotonic() < until:
            before = len(self._inbox)
            alive = self._client.loop(0.002) == MQTTErrorCode.MQTT_ERR_SUCCESS
            if len(self._inbox) == before:
                break
        self._settle()
        return alive

    def _settle(self) -> None:
        batch, self._inbox = self._inbox, []
        if not batch:
            return
        with self._journal.transaction():
            for message in batch:
                self._store(message)
        for message in batch:
            if message.qos > 0:
                self._client.ack(message.mid, message.qos)

    def _store(self, message: mqtt.MQTTMessage) -> None:
        station, kind = _parse_up(message.topic)
        raw = bytes(message.payload)
        if kind == "state" and not raw:
            return
        try:
            known = kind in ("event", "ack") or kind in _UP_TYPES
            if len(raw) > MESSAGE_MAX_BYTES or kind is None or not known:
                raise msgspec.DecodeError("not a report")
            self._keep(station, kind, raw)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            self._journal.count("refused")
            log.info("collector: %s %s refused: %s", station, kind, error)

    def _keep(self, station: str, kind: str, raw: bytes) -> None:
        now_ms = self._clock_ms()
        if kind == "event":
            event = msgspec.json.decode(raw, type=Event)
            self._journal.add_event(station, event, raw, now_ms)
            self._cursors.owe(StreamId(station, event.installation, event.stream))
        elif kind == "ack":
            self._journal.add_ack(station, msgspec.json.decode(raw, type=Ack), raw, now_ms)
        else:
            report = msgspec.json.decode(raw, type=_UP_TYPES[kind])
            self._journal.add_latest(station, kind, raw, now_ms)
            if isinstance(report, State):
                self._journal.presence.said(station, report, now_ms)
            elif isinstance(report, Health):
                self._journal.presence.beat(station, report, now_ms)
            elif isinstance(report, Details):
                self._journal.presence.detailed(station, report, now_ms)
            if isinstance(report, State) and report.state == "online":
                self._born(station, report, now_ms)

    def _born(self, station: str, state: State, now_ms: int) -> None:
        """A birth: remember it, and answer its nonce with signed freshness."""
        self._journal.add_birth(station, state, now_ms)
        mine = [
            stream
            for stream in self._journal.streams(station)
            if stream.installation == state.installation
        ]
        for stream in mine or [StreamId(station, state.installation, STREAM)]:
            self._cursors.owe(stream, at_once=True, nonce=state.nonce)

    def _follow_enrolment(self) -> None:
        new = [station for station in self._stations() if station not in self._subscribed]
        for station in new:
            topics = [(station_up(station, kind), 1) for kind in UP_KINDS]
            self._client.subscribe(topics)
            self._subscribed.add(station)
            self._cursors.owe_all(station)

    def _on_connect(
        self, client: mqtt.Client, data: Any, flags: Any, reason: Any, properties: Any
    ) -> None:
        del client, data, flags, properties
        self._accepted = not reason.is_failure
        self._refusal = str(reason) if reason.is_failure else ""

    def _on_message(self, client: mqtt.Client, data: Any, message: mqtt.MQTTMessage) -> None:
        del client, data
        self._inbox.append(message)


def _parse_up(topic: str) -> tuple[str, str | None]:
    """(station, kind); kind None for anything that is not an upward topic."""
    parts = topic.removeprefix(f"{ROOT}/s/").split("/")
    if len(parts) != 3 or parts[1] != "up" or parts[2] not in UP_KINDS:
        return topic[:80], None
    return parts[0], parts[2]


def collector_of(district: District, *, cursor_interval_s: float = 1.0) -> Collector:
    """The collector of a district home."""
    file = district.file
    return Collector(
        host="127.0.0.1",
        port=file.broker.operator_port,
        credentials=district.home.collector,
        journal=district.home.journal,
        authority=file.authority.id,
        freshness_key=district.keyring.signing("freshness"),
        stations=lambda: [station.id for station in district.file.station],
        ask_again=district.resend_command,
        cursor_interval_s=cursor_interval_s,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """`python -m simulator.source_system.collector --home district`."""
    parser = argparse.ArgumentParser(prog="collector", description=__doc__)
    parser.add_argument("--home", type=Path, default=Path("district"))
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    try:
        district = District(options.home, ask_passphrase=environment_passphrase())
        collector = collector_of(district)
    except SourceSystemError as error:
        log.error("%s", error)
        return 2
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    collector.start()
    stopped.wait()
    collector.stop()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
