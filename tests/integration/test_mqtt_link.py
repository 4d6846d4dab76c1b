"""The broker link against a real Mosquitto with mutual TLS: what survives and what is told."""

from __future__ import annotations

import contextlib
import datetime as dt
import signal
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from agent.adapters.mqtt import LinkSettings, MqttLink
from agent.core.effects import AckMessage, Connect, Publish, Subscribe
from agent.core.events import Delivered, LinkChanged, MessageArrived
from simulator.source_system.broker import free_port
from tests.integration.adapter_lab import Authority, Broker, Ear, Person, person, until

SCHEDULE = "radio/v1/s/one/dn/schedule"
COMMAND = "radio/v1/s/one/dn/cmd"
STATE = "radio/v1/s/one/up/state"
EVENT = "radio/v1/s/one/up/event"


def wish(*filters: str, held: frozenset[str] = frozenset(), keepalive_s: int = 60) -> Connect:
    return Connect(filters or (SCHEDULE, COMMAND), held, STATE, b'{"state":"lost"}', keepalive_s)


class Station:
    """The link under test with its ear."""

    def __init__(self, settings: LinkSettings, floor_ms: int | None = None) -> None:
        self.ear = Ear()
        self.link = MqttLink(settings, self.ear, dates_from_ms=lambda: floor_ms, chance=lambda: 0.5)

    def connect(self, act: Connect | None = None) -> None:
        self.ear.forget()
        self.link.connect(act or wish())
        self.ear.wait_for(LinkChanged, lambda one: one.connected)

    def lost(self) -> LinkChanged:
        return self.ear.wait_for(LinkChanged, lambda one: not one.connected)

    def message(self, payload: bytes) -> MessageArrived:
        return self.ear.wait_for(MessageArrived, lambda one: one.payload == payload)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def broker(tmp_path: Path, authority: Authority) -> Iterator[Broker]:
    one = Broker(tmp_path, authority)
    one.start()
    yield one
    one.stop(signal.SIGKILL)


@pytest.fixture
def settings(broker: Broker, authority: Authority) -> LinkSettings:
    issued = authority.issue("one")
    return LinkSettings(
        "127.0.0.1",
        broker.port,
        "one",
        ca=str(authority.certificate),
        certificate=str(issued.certificate),
        key=str(issued.key),
        answer_within_ms=5_000,
    )


@pytest.fixture
def station(settings: LinkSettings) -> Iterator[Station]:
    one = Station(settings)
    yield one
    one.link.close(within_s=0.5)


@pytest.fixture
def office(broker: Broker) -> Iterator[Person]:
    with person(broker) as one:
        yield one


@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_messages_go_both_ways(settings: LinkSettings, office: Person, version: str) -> None:
    station = Station(replace(settings, mqtt=version))  # type: ignore[arg-type]
    office.listen(EVENT)
    station.connect()
    office.publish(COMMAND, b"do it")
    arrived = station.message(b"do it")
    assert (arrived.topic, arrived.retained) == (COMMAND, False)
    station.link.ack(AckMessage(arrived.receipt))
    station.link.publish(Publish(EVENT, b"done", token=17))
    station.ear.wait_for(Delivered, lambda one: one.token == 17)
    office.heard.wait_for(object, lambda one: one.payload == b"done")  # type: ignore[attr-defined]
    assert station.link.protocol == version
    answered_ms = station.link.answered_ms_ago()
    assert answered_ms is not None
    assert answered_ms < 5_000
    station.link.close()


def test_a_retained_message_carries_its_flag_even_to_a_live_subscriber(
    station: Station, office: Person
) -> None:
    office.publish(SCHEDULE, b"before", retain=True)
    station.connect()
    assert station.message(b"before").retained
    office.publish(SCHEDULE, b"after", retain=True)
    assert station.message(b"after").retained


def test_a_held_document_is_not_sent_again_and_a_missing_one_always_is(
    station: Station, office: Person
) -> None:
    office.publish(SCHEDULE, b"schedule", retain=True)
    station.connect()
    station.link.ack(AckMessage(station.message(b"schedule").receipt))
    until(lambda: station.link.counted.of("late_ack") == 0)
    station.link.publish(Publish(EVENT, b"flushes the ack", token=1))
    station.ear.wait_for(Delivered)
    station.connect(wish(held=frozenset({SCHEDULE})))
    office.publish(COMMAND, b"marker")
    station.message(b"marker")
    assert [one.topic for one in station.ear.of(MessageArrived)] == [COMMAND]
    station.connect(wish())
    station.message(b"schedule")


def test_what_was_not_acknowledged_comes_again_on_the_next_connection(
    station: Station, office: Person
) -> None:
    station.connect()
    office.publish(COMMAND, b"important")
    first = station.message(b"important")
    station.connect()
    again = station.message(b"important")
    assert again.receipt != first.receipt


def test_a_late_ack_on_a_new_connection_is_dropped(station: Station, office: Person) -> None:
    """On the new connection the same packet id may be another message."""
    station.connect()
    office.publish(COMMAND, b"first")
    stale = station.message(b"first")
    station.connect()
    fresh = station.message(b"first")
    station.link.ack(AckMessage(stale.receipt))
    until(lambda: station.link.counted.of("late_ack") == 1)
    station.connect()
    station.message(b"first")  # the stale ack acknowledged nothing
    assert fresh.receipt != stale.receipt


def test_a_broker_restart_is_told_and_the_session_survives_it(
    broker: Broker, station: Station, office: Person
) -> None:
    station.connect()
    office.publish(SCHEDULE, b"kept", retain=True)
    station.message(b"kept")
    broker.stop()
    assert station.lost().cause == "broker_closed"
    station.ear.forget()
    station.link.connect(wish())
    assert station.lost().cause == "broker_closed"  # refused: nobody listens
    broker.start()
    station.connect()
    station.message(b"kept")


def test_a_killed_broker_is_told_at_once(broker: Broker, station: Station) -> None:
    station.connect()
    broker.stop(signal.SIGKILL)
    lost = station.lost()
    assert (lost.cause, lost.chance) == ("broker_closed", 0.5)


def test_a_frozen_broker_is_found_out_by_its_silence(
    broker: Broker, settings: LinkSettings
) -> None:
    """The socket stays open and takes our bytes; only the missing answer tells."""
    station = Station(replace(settings, answer_within_ms=800))
    station.connect()
    broker.send(signal.SIGSTOP)
    station.link.publish(Publish(EVENT, b"anybody?", token=1))
    lost = station.lost()
    assert lost.cause == "own_link"
    assert "no answer" in lost.detail
    assert not station.ear.of(Delivered)
    broker.send(signal.SIGCONT)
    station.connect()
    station.link.close()


def test_a_frozen_broker_is_found_out_without_traffic_by_a_ping(
    broker: Broker, settings: LinkSettings
) -> None:
    station = Station(replace(settings, answer_within_ms=500))
    station.connect(wish(keepalive_s=1))
    broker.send(signal.SIGSTOP)
    assert station.lost().cause == "own_link"
    broker.send(signal.SIGCONT)


def test_a_server_that_accepts_and_says_nothing_does_not_hang_us(settings: LinkSettings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        there = replace(settings, port=silent.getsockname()[1], connect_within_s=0.5)
        station = Station(there)
        station.link.connect(wish())
        assert station.lost().cause in ("own_link", "tls")
        plain = Station(replace(there, tls=False, answer_within_ms=500))
        plain.link.connect(wish())
        assert plain.lost().cause == "own_link"


def test_a_certificate_of_another_authority_is_a_tls_fault_on_either_side(
    settings: LinkSettings, tmp_path: Path
) -> None:
    stranger = Authority(tmp_path, "stranger")
    station = Station(replace(settings, ca=str(stranger.certificate)))
    station.link.connect(wish())
    lost = station.lost()
    assert lost.cause == "tls"
    assert "CERTIFICATE_VERIFY_FAILED" in lost.detail
    issued = stranger.issue("one")
    imposter = Station(replace(settings, certificate=str(issued.certificate), key=str(issued.key)))
    imposter.link.connect(wish())
    assert imposter.lost().cause in ("tls", "broker_closed")


def test_a_missing_certificate_file_is_told_by_its_name(settings: LinkSettings) -> None:
    station = Station(replace(settings, key="/nowhere/station.key"))
    station.link.connect(wish())
    lost = station.lost()
    assert lost.cause == "tls"
    assert "/nowhere/station.key" in lost.detail


def test_an_unknown_host_is_our_own_link(settings: LinkSettings) -> None:
    station = Station(replace(settings, host="no-such-host.invalid"))
    station.link.connect(wish())
    assert station.lost().cause == "own_link"


def test_with_an_untrusted_clock_dates_are_judged_by_the_floor(
    tmp_path: Path, authority: Authority
) -> None:
    """A box in 1970 must reach its broker, but not one whose certificate is certainly over."""
    now_ms = int(dt.datetime.now(dt.UTC).timestamp() * 1_000)
    broker = Broker(tmp_path, authority)
    ended = authority.issue("ended", days=-3)
    text = (tmp_path / "mosquitto.conf").read_text()
    lines = [line for line in text.splitlines() if not line.startswith(("certfile", "keyfile"))]
    lines += [f"certfile {ended.certificate}", f"keyfile {ended.key}"]
    (tmp_path / "mosquitto.conf").write_text("\n".join(lines) + "\n")
    broker.start()
    issued = authority.issue("one")
    there = LinkSettings(
        "127.0.0.1",
        broker.port,
        "one",
        ca=str(authority.certificate),
        certificate=str(issued.certificate),
        key=str(issued.key),
    )
    trusting = Station(there)
    trusting.link.connect(wish())
    assert "expired" in trusting.lost().detail
    long_ago = Station(there, floor_ms=now_ms - 30 * 86_400_000)
    long_ago.connect()
    long_ago.link.close()
    yesterday = Station(there, floor_ms=now_ms - 86_400_000)
    yesterday.link.connect(wish())
    assert "certificate ended" in yesterday.lost().detail
    broker.stop(signal.SIGKILL)


def test_not_being_allowed_is_told_apart_from_a_bad_link(
    tmp_path: Path, authority: Authority
) -> None:
    broker = Broker(tmp_path, authority, extra="clientid_prefixes station-")
    broker.start()
    issued = authority.issue("one")
    station = Station(
        LinkSettings(
            "127.0.0.1",
            broker.port,
            "one",
            ca=str(authority.certificate),
            certificate=str(issued.certificate),
            key=str(issued.key),
        )
    )
    station.link.connect(wish())
    lost = station.lost()
    assert lost.cause == "not_authorised"
    broker.stop(signal.SIGKILL)


def test_our_will_is_published_when_we_vanish_and_not_when_we_say_goodbye(
    settings: LinkSettings, office: Person
) -> None:
    office.listen(STATE)
    polite = Station(settings)
    polite.connect()
    polite.link.close(Publish(STATE, b'{"state":"leaving"}', retain=True))
    office.heard.wait_for(object, lambda one: b"leaving" in one.payload)  # type: ignore[attr-defined]
    # On 3.1.1 the will has no delay, so its coming can be waited for.
    rude = Station(replace(settings, mqtt="3.1.1"))
    rude.connect()
    rude.link.connect(wish("radio/v1/s/one/dn/trust"))
    office.heard.wait_for(object, lambda one: b"lost" in one.payload)  # type: ignore[attr-defined]
    rude.link.close()


def test_oversize_payloads_are_refused_here_and_do_not_come_again(
    station: Station, office: Person
) -> None:
    station.connect()
    office.publish(COMMAND, b"x" * (64 * 1024 + 1))
    office.publish(COMMAND, b"fits")
    station.link.ack(AckMessage(station.message(b"fits").receipt))
    assert station.link.counted.of("message_oversize") == 1
    station.link.publish(Publish(EVENT, b"flushes the acks", token=1))
    station.ear.wait_for(Delivered)
    station.connect()
    office.publish(COMMAND, b"marker")
    station.message(b"marker")
    assert len(station.ear.of(MessageArrived)) == 1
    assert station.link.counted.of("message_oversize") == 1


@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_a_flood_waits_at_the_broker_and_nothing_of_it_is_lost(
    settings: LinkSettings, office: Person, version: str
) -> None:
    station = Station(replace(settings, mqtt=version))  # type: ignore[arg-type]
    station.connect()
    for number in range(100):
        office.publish(COMMAND, b"%d" % number)
    station.message(b"15")
    assert len(station.ear.of(MessageArrived)) <= 33
    acknowledged = 0
    while acknowledged < 100:
        station.message(b"%d" % acknowledged)
        for one in station.ear.of(MessageArrived)[acknowledged:]:
            station.link.ack(AckMessage(one.receipt))
            acknowledged += 1
    assert [one.payload for one in station.ear.of(MessageArrived)] == [
        b"%d" % number for number in range(100)
    ]
    station.link.close()


def test_filters_can_change_while_connected(station: Station, office: Person) -> None:
    group = "radio/v1/g/red/dn/schedule"
    office.publish(group, b"group schedule", retain=True)
    station.connect()
    station.link.subscribe(Subscribe((SCHEDULE, group), frozenset()))
    station.message(b"group schedule")
    office.publish(COMMAND, b"no longer wanted")
    office.publish(SCHEDULE, b"still wanted")
    station.message(b"still wanted")
    assert b"no longer wanted" not in [one.payload for one in station.ear.of(MessageArrived)]


def test_publishes_beyond_the_window_wait_their_turn_and_all_arrive(station: Station) -> None:
    station.connect()
    for token in range(100):
        station.link.publish(Publish(EVENT, b"record", token=token))
    station.ear.wait_for(Delivered, lambda one: one.token == 99)
    assert [one.token for one in station.ear.of(Delivered)] == list(range(100))


def test_publishing_without_a_connection_is_counted_not_kept(settings: LinkSettings) -> None:
    station = Station(settings)
    station.link.publish(Publish(EVENT, b"lost", token=1))
    assert station.link.counted.of("publish_without_link") == 1


class OldBroker:
    """In front of the real one: refuses MQTT 5 as an old broker does, passes 3.1.1 through."""

    def __init__(self, behind: int, *, politely: bool) -> None:
        self.port = free_port()
        self.levels: list[int] = []
        self._behind = behind
        self._politely = politely
        self._server = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                one, _ = self._server.accept()
                threading.Thread(target=self._serve, args=(one,), daemon=True).start()

    def _serve(self, one: socket.socket) -> None:
        with one:
            first = one.recv(4_096)
            level = first[first.index(b"MQTT") + 4]
            self.levels.append(level)
            if level == 5:
                if self._politely:
                    one.sendall(b"\x20\x02\x00\x01")
                return
            with socket.create_connection(("127.0.0.1", self._behind)) as other:
                other.sendall(first)
                back = threading.Thread(target=self._pump, args=(other, one), daemon=True)
                back.start()
                self._pump(one, other)
                back.join(1)

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(4_096):
                sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._server.close()


@pytest.mark.parametrize("politely", [True, False])
def test_a_broker_without_version_5_is_spoken_to_in_3_1_1_from_then_on(
    tmp_path: Path, authority: Authority, politely: bool
) -> None:
    broker = Broker(tmp_path, authority)
    config = tmp_path / "mosquitto.conf"
    plain = free_port()
    config.write_text(f"listener {plain} 127.0.0.1\nallow_anonymous true\nuser root\n")
    broker.port = plain
    broker.start()
    old = OldBroker(plain, politely=politely)
    station = Station(LinkSettings("127.0.0.1", old.port, "one", tls=False))
    station.connect()
    assert station.link.protocol == "3.1.1"
    station.connect()
    assert old.levels == [5, 4, 4]
    station.link.close()
    old.close()
    broker.stop(signal.SIGKILL)
