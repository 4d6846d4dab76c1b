"""The real Mosquitto holds to the ACL and the limits, and dies with its parent."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from simulator.source_system.acl import acl_text
from simulator.source_system.broker import Broker, process_is_gone
from simulator.source_system.courier import Courier, client_tls
from simulator.source_system.pki import CertificateAuthority
from simulator.source_system.private_files import write_whole
from simulator.source_system.problems import BrokerError, CourierError

STATIONS = {"tan-lien": ("ha-luu",), "cao-lau": ()}
SILENCE_S = 0.4
TOO_LARGE = (130, 149)  # this Mosquitto calls it a protocol error


class Client:
    """A plain MQTT client with one identity's certificate."""

    def __init__(self, broker: Broker, credentials: Path, client_id: str = "x") -> None:
        self.inbox: queue.SimpleQueue[tuple[str, bytes]] = queue.SimpleQueue()
        self.connects: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self.granted: queue.SimpleQueue[int] = queue.SimpleQueue()
        self.acked: queue.SimpleQueue[int] = queue.SimpleQueue()
        self.disconnects: queue.SimpleQueue[int] = queue.SimpleQueue()
        self.client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=client_id, protocol=MQTTProtocolVersion.MQTTv5
        )
        self.tls = client_tls(credentials)
        self.client.tls_set_context(self.tls)
        self.client.on_connect = self._on_connect
        self.client.on_message = self._on_message
        self.client.on_subscribe = self._on_subscribe
        self.client.on_publish = self._on_publish
        self.client.on_disconnect = self._on_disconnect
        self.client.connect("127.0.0.1", broker.port, 30)
        self.client.loop_start()

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()
        self.tls.close_sockets()

    def subscribe(self, topic: str) -> int:
        self.client.subscribe(topic, 1)
        return self.granted.get(timeout=5)

    def publish(self, topic: str, payload: bytes = b"x") -> int:
        """The reason code of the PUBACK: 0 taken, 135 not authorised."""
        self.client.publish(topic, payload, qos=1)
        return self.acked.get(timeout=5)

    def hears(self, seconds: float = SILENCE_S) -> list[str]:
        found, end = [], time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            try:
                found.append(self.inbox.get(timeout=left)[0])
            except queue.Empty:
                break
        return found

    def _on_connect(self, client: Any, data: Any, flags: Any, reason: Any, props: Any) -> None:
        self.connects.put(not reason.is_failure)

    def _on_disconnect(self, client: Any, data: Any, flags: Any, reason: Any, props: Any) -> None:
        self.disconnects.put(reason.value)

    def _on_message(self, client: Any, data: Any, message: mqtt.MQTTMessage) -> None:
        self.inbox.put((message.topic, bytes(message.payload)))

    def _on_subscribe(self, client: Any, data: Any, mid: int, reasons: Any, props: Any) -> None:
        self.granted.put(reasons[0].value)

    def _on_publish(self, client: Any, data: Any, mid: int, reason: Any, props: Any) -> None:
        self.acked.put(reason.value)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> CertificateAuthority:
    return CertificateAuthority.create(tmp_path_factory.mktemp("pki"), "trial CA")


@pytest.fixture(scope="module")
def broker(
    tmp_path_factory: pytest.TempPathFactory, authority: CertificateAuthority
) -> Iterator[Broker]:
    folder = tmp_path_factory.mktemp("broker")
    write_whole(folder / "acl", acl_text(STATIONS).encode())
    server = authority.issue_server(folder / "server", ["127.0.0.1"])
    with Broker(folder, server, folder / "acl") as running:
        yield running


@pytest.fixture
def client(broker: Broker, authority: CertificateAuthority, tmp_path: Path) -> Iterator[Any]:
    opened: list[Client] = []

    def connect(identity: str, client_id: str = "x") -> Client:
        authority.issue_client(tmp_path / identity, identity)
        opened.append(Client(broker, tmp_path / identity, client_id))
        return opened[-1]

    yield connect
    for one in opened:
        one.close()


@pytest.fixture
def operator(broker: Broker, authority: CertificateAuthority, tmp_path: Path) -> Iterator[Courier]:
    authority.issue_client(tmp_path / "_operator", "_operator")
    with Courier("127.0.0.1", broker.operator_port, tmp_path / "_operator") as courier:
        yield courier


def test_a_station_hears_its_own_and_its_groups_downward_topics(
    client: Any, operator: Courier
) -> None:
    station = client("tan-lien")
    for topic in ("s/tan-lien/dn/schedule", "g/ha-luu/dn/warning", "s/tan-lien/up/state"):
        assert station.subscribe(f"radio/v1/{topic}") == 1
    operator.publish("radio/v1/s/tan-lien/dn/schedule", b"x", retain=False)
    operator.publish("radio/v1/g/ha-luu/dn/warning", b"x", retain=False)
    assert len(station.hears()) == 2


def test_a_station_never_hears_what_is_meant_for_another(client: Any, operator: Courier) -> None:
    station = client("cao-lau")
    for topic in (
        "s/tan-lien/dn/schedule",
        "s/tan-lien/up/event",
        "s/+/dn/schedule",
        "g/ha-luu/dn/warning",
        "#",
    ):
        station.subscribe(f"radio/v1/{topic}")
    for topic in ("s/tan-lien/dn/schedule", "g/ha-luu/dn/warning"):
        operator.publish(f"radio/v1/{topic}", b"x", retain=True)
        operator.publish(f"radio/v1/{topic}", b"", retain=True)
    assert station.hears() == []


def test_a_station_writes_its_own_upward_topics_only(client: Any) -> None:
    station = client("tan-lien")
    assert station.publish("radio/v1/s/tan-lien/up/event") in (0, 16)
    for topic in (
        "s/tan-lien/dn/schedule",
        "s/tan-lien/dn/cmd",
        "g/ha-luu/dn/warning",
        "s/cao-lau/up/event",
        "s/tan-lien/up/other",
    ):
        assert station.publish(f"radio/v1/{topic}") == 135, topic


def test_a_certificate_without_an_acl_entry_may_do_nothing(client: Any, operator: Courier) -> None:
    stranger = client("xuat-le")
    stranger.subscribe("radio/v1/s/xuat-le/dn/schedule")
    operator.publish("radio/v1/s/xuat-le/dn/schedule", b"x", retain=False)
    assert stranger.hears() == []
    assert stranger.publish("radio/v1/s/xuat-le/up/event") == 135


def test_a_newly_enrolled_station_may_speak_after_the_reload_and_others_stay_connected(
    broker: Broker, client: Any
) -> None:
    old, new = client("cao-lau"), client("ba-son")
    assert old.connects.get(timeout=5)
    assert new.publish("radio/v1/s/ba-son/up/event") == 135
    write_whole(broker.folder / "acl", acl_text({**STATIONS, "ba-son": ()}).encode())
    broker.reload_acl()
    end = time.monotonic() + 5
    while new.publish("radio/v1/s/ba-son/up/event") == 135 and time.monotonic() < end:
        time.sleep(0.05)
    assert new.publish("radio/v1/s/ba-son/up/event") in (0, 16)
    assert old.connects.empty(), "a reload must not disconnect anybody"


def test_a_station_cannot_take_over_anothers_session(client: Any) -> None:
    mine = client("tan-lien", client_id="tan-lien")
    assert mine.connects.get(timeout=5)
    thief = client("cao-lau", client_id="tan-lien")
    assert thief.connects.get(timeout=5)
    time.sleep(SILENCE_S)
    assert mine.connects.empty(), "it was disconnected and had to come back"


def test_without_a_certificate_of_this_district_there_is_no_connection(
    broker: Broker, tmp_path: Path
) -> None:
    stranger = CertificateAuthority.create(tmp_path / "other", "other CA")
    stranger.issue_client(tmp_path / "c", "_operator")
    with pytest.raises(CourierError), Courier("127.0.0.1", broker.operator_port, tmp_path / "c"):
        pass


def test_a_message_beyond_the_contracts_size_is_not_taken(client: Any) -> None:
    station = client("tan-lien")
    topic = "radio/v1/s/tan-lien/up/event"
    assert station.publish(topic, b"x" * 65_536) in (0, 16)
    station.client.publish(topic, b"x" * 65_537, qos=1)
    assert station.disconnects.get(timeout=5) in TOO_LARGE


def test_ports_survive_kill_and_start(broker: Broker) -> None:
    before, pid = (broker.port, broker.operator_port), broker.pid
    broker.kill()
    broker.start()
    assert (broker.port, broker.operator_port) == before
    assert broker.pid != pid


def test_a_broker_that_cannot_start_says_why(
    broker: Broker, authority: CertificateAuthority, tmp_path: Path
) -> None:
    write_whole(tmp_path / "acl", b"")
    server = authority.issue_server(tmp_path / "server", ["127.0.0.1"])
    (tmp_path / "server" / "server.pem").write_text("not a certificate")
    second = Broker(tmp_path, server, tmp_path / "acl")
    with pytest.raises(BrokerError) as caught:
        second.start()
    assert "certificate" in caught.value.detail
    assert not second.running


def test_the_broker_dies_with_the_program_that_started_it(
    authority: CertificateAuthority, tmp_path: Path
) -> None:
    write_whole(tmp_path / "acl", b"")
    authority.issue_server(tmp_path / "server", ["127.0.0.1"])
    program = (
        "import sys, time; from pathlib import Path\n"
        "from simulator.source_system.broker import Broker\n"
        "from simulator.source_system.pki import Credentials\n"
        "t = Path(sys.argv[1]); s = t / 'server'\n"
        "b = Broker(t, Credentials(s/'ca.pem', s/'server.pem', s/'server.key', 0, 0), t/'acl')\n"
        "b.start(); print(b.pid, flush=True); time.sleep(60)\n"
    )
    root = Path(__file__).parents[2]
    parent = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)],
        stdout=subprocess.PIPE,
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    assert parent.stdout is not None
    with parent.stdout:
        pid = int(parent.stdout.readline())
    assert not process_is_gone(pid)
    parent.send_signal(signal.SIGKILL)
    parent.wait(5)
    end = time.monotonic() + 5
    while not process_is_gone(pid) and time.monotonic() < end:
        time.sleep(0.02)
    assert process_is_gone(pid)
