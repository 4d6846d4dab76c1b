"""A broker with TLS, certificates and an ear for events, for the adapter tests. Dies with them."""

from __future__ import annotations

import contextlib
import datetime as dt
import ipaddress
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from paho.mqtt.client import Client, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion

from simulator.source_system.broker import free_port

T = TypeVar("T")
WAIT_S = 15.0

DYING_WITH_US = ("setpriv", "--pdeathsig", "KILL", "--")
"""Before a command: the kernel kills it when the test process ends, however it ends."""


class Ear:
    """Hears events from any thread, and waits for the one wanted."""

    def __init__(self) -> None:
        self.heard: list[Any] = []
        self._change = threading.Condition()

    def __call__(self, event: Any) -> None:
        with self._change:
            self.heard.append(event)
            self._change.notify_all()

    def wait_for(self, kind: type[T], wanted: Callable[[T], bool] = lambda _: True) -> T:
        def found() -> list[T]:
            return [one for one in self.heard if isinstance(one, kind) and wanted(one)]

        with self._change:
            assert self._change.wait_for(lambda: bool(found()), WAIT_S), f"heard {self.heard}"
            return found()[0]

    def of(self, kind: type[T]) -> list[T]:
        with self._change:
            return [one for one in self.heard if isinstance(one, kind)]

    def forget(self) -> None:
        with self._change:
            self.heard.clear()


def until(wanted: Callable[[], object]) -> None:
    """Poll a condition that nobody announces; bounded."""
    deadline = time.monotonic() + WAIT_S
    while not wanted():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


# --- certificates --------------------------------------------------------------------------


@dataclass(frozen=True)
class Issued:
    certificate: Path
    key: Path


class Authority:
    """Issues certificates into a folder."""

    def __init__(self, folder: Path, name: str = "test authority") -> None:
        self._folder = folder
        self._name = name.replace(" ", "-")
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        built = (
            self._builder(self._subject, self._key.public_key(), days=30)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.certificate = folder / f"{self._name}.pem"
        self.certificate.write_bytes(built.public_bytes(serialization.Encoding.PEM))

    def issue(self, name: str, days: int = 20) -> Issued:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        built = (
            self._builder(subject, key.public_key(), days)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        issued = Issued(
            self._folder / f"{self._name}-{name}.pem", self._folder / f"{self._name}-{name}.key"
        )
        issued.certificate.write_bytes(built.public_bytes(serialization.Encoding.PEM))
        issued.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return issued

    def _builder(
        self, subject: x509.Name, public: ec.EllipticCurvePublicKey, days: int
    ) -> x509.CertificateBuilder:
        now = dt.datetime.now(dt.UTC)
        begin = min(now, now + dt.timedelta(days=days)) - dt.timedelta(days=1)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._subject)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(begin)
            .not_valid_after(now + dt.timedelta(days=days))
        )


# --- the broker ----------------------------------------------------------------------------


class Broker:
    """Mosquitto with mutual TLS on a free port; keeps its sessions over a restart."""

    def __init__(self, folder: Path, authority: Authority, extra: str = "") -> None:
        self.port = free_port()
        self.authority = authority
        server = authority.issue("localhost")
        lines = [
            f"listener {self.port} 127.0.0.1",
            f"cafile {authority.certificate}",
            f"certfile {server.certificate}",
            f"keyfile {server.key}",
            "require_certificate true",
            "use_identity_as_username true",
            "persistence true",
            f"persistence_location {folder}/",
            "autosave_interval 1",
            "autosave_on_changes true",
            "user root",
            extra,
        ]
        self._config = folder / "mosquitto.conf"
        self._config.write_text("\n".join(lines) + "\n")
        self._log = folder / "mosquitto.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                [*DYING_WITH_US, "mosquitto", "-c", str(self._config)],
                stdout=output,
                stderr=output,
            )
        until(self._listens)

    def _listens(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self._log.read_text()
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False

    def send(self, number: int) -> None:
        assert self._process is not None
        os.kill(self._process.pid, number)

    def stop(self, number: int = signal.SIGTERM) -> None:
        if self._process is None:
            return
        self.send(signal.SIGCONT)
        self.send(number)
        self._process.wait(WAIT_S)
        self._process = None


class Person:
    """A well-behaved client beside the one under test: publishes and listens."""

    def __init__(self, broker: Broker, name: str = "someone") -> None:
        issued = broker.authority.issue(name)
        self.heard = Ear()
        self._subscribed = threading.Event()
        self._client = Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=MQTTv5)
        self._client.tls_set(
            str(broker.authority.certificate), str(issued.certificate), str(issued.key)
        )
        self._client.on_message = lambda _c, _d, message: self.heard(message)
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.connect("127.0.0.1", broker.port, clean_start=True)
        self._client.loop_start()

    def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> None:
        self._client.publish(topic, payload, qos, retain).wait_for_publish(WAIT_S)

    def listen(self, topic: str) -> None:
        self._subscribed.clear()
        self._client.subscribe(topic, 1)
        assert self._subscribed.wait(WAIT_S)

    def leave(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@contextlib.contextmanager
def person(broker: Broker, name: str = "someone") -> Iterator[Person]:
    one = Person(broker, name)
    try:
        yield one
    finally:
        one.leave()
