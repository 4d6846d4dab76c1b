"""`station-sim bytes`: what heartbeat, details, pings and a connection cost, counted on the wire.

A real agent with a modem, a real Mosquitto with TLS and client certificates, between them the link
proxy, which counts what it passes on: MQTT inside TLS records, both ways. IP and TCP headers are
not seen there; they are computed and told apart. Owns the measurement and the month it is projected
to.

What is counted as one message is a burst on the link, quiet before and after, during which the
broker saw that message and no other of this station.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import ssl
import sys
import tempfile
import threading
import time
import tomllib
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from simulator.amplifier import control
from simulator.demo.stage import Stage, StationOnStage, StationSpec
from simulator.link import Link
from simulator.modem.bus import PrivateBus
from simulator.modem.service import ModemManagerService, lte_modem

STATION = StationSpec("tan-lien", "Đài xã Tân Liên", ("Thôn Đông", "Thôn Đoài"))
SAMPLE_S = 0.01
QUIET_S = 0.4
FAST_HEARTBEAT_S = 5
KEEPALIVE_FAST_S = 5
PATIENCE_S = 30.0
SEGMENT_BYTES = 52
"""IPv4 and TCP with timestamps: of each segment and of each bare acknowledgement."""

HEARTBEAT_S, KEEPALIVE_S = 300, 120
"""The defaults of the station."""

CHANGES_A_DAY = 20
DETAILS_A_DAY = 10
CONNECTS_A_DAY = 4
"""Assumptions of the month: heartbeats beyond the regular ones because what plays changed, details,
connections. A station at rest has none, one and none."""

MIB = 1024 * 1024
DAYS = 30

SECTIONS = """
[identity]
area = "xã Tân Liên, tỉnh Lạng Sơn"
supplier = "Nhà cung cấp thiết bị"
model = "CR-1"
serial = "SN-000123"

[place]
position = "21.853421, 106.761000"

[link]
data_plan_mib = 4096

[reports]
heartbeat_s = {heartbeat_s}
details_pause_s = 1
"""


@dataclass(frozen=True, slots=True)
class Sample:
    at_s: float
    up: int
    down: int


@dataclass(frozen=True, slots=True)
class Burst:
    """Bytes within a stretch that was quiet before and after."""

    from_s: float
    to_s: float
    up: int
    down: int


def bursts(samples: Sequence[Sample], quiet_s: float = QUIET_S) -> list[Burst]:
    """The stretches in which the counters moved."""
    found: list[Burst] = []
    for before, now in itertools.pairwise(samples):
        up, down = now.up - before.up, now.down - before.down
        if not up and not down:
            continue
        if found and now.at_s - found[-1].to_s < quiet_s:
            last = found.pop()
            found.append(Burst(last.from_s, now.at_s, last.up + up, last.down + down))
        else:
            found.append(Burst(before.at_s, now.at_s, up, down))
    return found


def carrying(found: Sequence[Burst], seen: Sequence[tuple[float, str]], leaf: str) -> list[Burst]:
    """Bursts during which exactly one message crossed, and it was `leaf`. seen: (when, leaf)."""
    alone = []
    for burst in found:
        begin, end = burst.from_s - QUIET_S / 2, burst.to_s + QUIET_S / 2
        if [name for at_s, name in seen if begin <= at_s <= end] == [leaf]:
            alone.append(burst)
    return alone


@dataclass(frozen=True, slots=True)
class Cost:
    """One kind of message. tls: counted. segments: computed, data and bare acknowledgements."""

    name: str
    up: int
    down: int
    segments: int
    a_month: int

    @property
    def tls_bytes(self) -> int:
        return self.up + self.down

    @property
    def ip_bytes(self) -> int:
        return self.tls_bytes + self.segments * SEGMENT_BYTES

    def mib_a_month(self, each: int) -> float:
        return each * self.a_month / MIB


def times_a_month(every_s: float) -> int:
    return round(DAYS * 86_400 / every_s)


def heartbeats_a_month() -> int:
    """At most: one for a change puts off the next regular one."""
    return times_a_month(HEARTBEAT_S) + CHANGES_A_DAY * DAYS


def pings_a_month() -> int:
    """A ping goes out when nothing else did for a keepalive: two between two heartbeats."""
    between = (HEARTBEAT_S - 1) // KEEPALIVE_S
    return times_a_month(HEARTBEAT_S) * between


class Counter:
    """Samples the link's counters until it is left."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="counter", daemon=True)
        self.samples: list[Sample] = []

    def __enter__(self) -> Counter:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(5)

    def _run(self) -> None:
        while not self._stop.wait(SAMPLE_S):
            counted = self._link.counted
            self.samples.append(Sample(time.time(), counted.up_bytes, counted.down_bytes))


class Bench:
    """The stage, and what is done on it."""

    def __init__(self, stage: Stage, say: Callable[[str], None]) -> None:
        self._stage = stage
        self._say = say
        self._station: StationOnStage = stage.stations[STATION.id]
        self._plain = (self._station.folder / "station.toml").read_text(encoding="utf-8")

    def configure(self, heartbeat_s: int) -> None:
        file = self._station.folder / "station.toml"
        file.write_text(self._plain + SECTIONS.format(heartbeat_s=heartbeat_s), encoding="utf-8")

    def seen(self, since: int = 0) -> list[tuple[float, str]]:
        """What the broker saw of the station since the `since`-th message: up, and down."""
        mine = f"/s/{STATION.id}/"
        return [
            (at_ms / 1_000, topic.rpartition("/")[2])
            for at_ms, topic, _ in self._stage.observer.seen[since:]
            if mine in topic
        ]

    def start(self) -> Burst:
        """Start the agent; returns its first minute on the link: connect, birth, first reports."""
        before = len(self._stage.observer.seen)
        with Counter(self._station.link) as counter:
            self._stage.start_agent(STATION.id)
            self._await(lambda: "details" in [leaf for _, leaf in self.seen(before)], "details")
            time.sleep(2.0)
        samples = counter.samples
        return Burst(
            samples[0].at_s,
            samples[-1].at_s,
            samples[-1].up - samples[0].up,
            samples[-1].down - samples[0].down,
        )

    def stop(self) -> None:
        self._stage.stop_agent(STATION.id)

    def heartbeats(self, count: int) -> list[Burst]:
        self._say(f"{count} heartbeats")
        before = len(self._stage.observer.seen)
        with Counter(self._station.link) as counter:
            time.sleep(FAST_HEARTBEAT_S * count + 1.5)
        return carrying(bursts(counter.samples), self.seen(before), "health")

    def details(self, count: int) -> list[Burst]:
        """A loudspeaker line opens and is mended: each is a change that is told at once."""
        found: list[Burst] = []
        for trial in range(count):
            self._say(f"details {trial + 1} of {count}")
            before = len(self._stage.observer.seen)
            fault = control.LineOk(1) if trial % 2 else control.LineOpen(1)
            with Counter(self._station.link) as counter:
                time.sleep(QUIET_S)
                self._station.amplifier.inject(fault)
                time.sleep(1.2)  # the alarm that follows is told later
            found += carrying(bursts(counter.samples), self.seen(before), "details")
            time.sleep(6.0 if trial + 1 < count else 0.0)
        return found

    def pings(self, count: int) -> list[Burst]:
        """As the station, with a short keepalive: a ping is a ping, however seldom it comes."""
        self._say(f"{count} pings")
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=STATION.id, protocol=MQTTProtocolVersion.MQTTv5
        )
        client.tls_set_context(_station_tls(self._station.folder / "station.toml"))
        client.connect("127.0.0.1", self._station.link.port("broker"), KEEPALIVE_FAST_S)
        client.loop_start()
        try:
            self._await(client.is_connected, "the station's certificate")
            time.sleep(2.0)
            with Counter(self._station.link) as counter:
                time.sleep(KEEPALIVE_FAST_S * count + 1.0)
        finally:
            client.disconnect()
            client.loop_stop()
        return bursts(counter.samples)

    def payloads(self, leaf: str) -> list[int]:
        """Bytes of the JSON of the station's messages of this kind."""
        topic = f"/s/{STATION.id}/up/{leaf}"
        return [
            len(json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode())
            for _, name, said in self._stage.observer.seen
            if name.endswith(topic) and said
        ]

    def _await(self, look: Callable[[], bool], what: str) -> None:
        limit_s = time.monotonic() + PATIENCE_S
        while not look():
            if time.monotonic() > limit_s:
                raise TimeoutError(f"waited {PATIENCE_S:.0f} s for {what}")
            time.sleep(0.05)


def _station_tls(config: Path) -> ssl.SSLContext:
    """With the certificate that the agent uses."""
    broker = tomllib.loads(config.read_text(encoding="utf-8"))["broker"]
    context = ssl.create_default_context(cafile=broker["ca"])
    context.load_cert_chain(broker["certificate"], broker["key"])
    return context


# --- the figures ------------------------------------------------------------------------------


def middle(found: Sequence[Burst], name: str) -> tuple[int, int]:
    """(up, down) of the middle one. Raises ValueError when nothing was counted."""
    if not found:
        raise ValueError(f"{name}: nothing was counted alone on the link")
    return round(median(one.up for one in found)), round(median(one.down for one in found))


def costs(
    heartbeats: Sequence[Burst],
    details: Sequence[Burst],
    pings: Sequence[Burst],
    connects: Sequence[Burst],
) -> list[Cost]:
    """What the month is made of. segments: a QoS 0 message and its bare acknowledgement; a QoS 1
    message or a ping, the answer, and the bare acknowledgement of that; a connection about 24."""
    return [
        Cost("heartbeat", *middle(heartbeats, "heartbeat"), 2, heartbeats_a_month()),
        Cost("ping", *middle(pings, "ping"), 3, pings_a_month()),
        Cost("details", *middle(details, "details"), 4, DETAILS_A_DAY * DAYS),
        Cost("connection", *middle(connects, "connection"), 24, CONNECTS_A_DAY * DAYS),
    ]


def rendered(found: Sequence[Cost], payloads: dict[str, int], took_s: float) -> str:
    head = f"{'':12}{'payload':>9}{'up':>7}{'down':>7}{'TLS':>8}{'TCP/IP':>9}"
    lines = [f"{head}{'a month':>9}{'MiB TLS':>10}{'MiB TCP/IP':>12}"]
    for one in found:
        payload = payloads.get(one.name)
        lines.append(
            f"{one.name:12}{payload if payload is not None else '–':>9}{one.up:7}{one.down:7}"
            f"{one.tls_bytes:8}{one.ip_bytes:9}{one.a_month:9}"
            f"{one.mib_a_month(one.tls_bytes):10.2f}{one.mib_a_month(one.ip_bytes):12.2f}"
        )
    tls = sum(one.mib_a_month(one.tls_bytes) for one in found)
    ip = sum(one.mib_a_month(one.ip_bytes) for one in found)
    lines.append(f"{'all':12}{'':9}{'':7}{'':7}{'':8}{'':9}{'':9}{tls:10.2f}{ip:12.2f}")
    lines.append(
        f"bytes; heartbeat each {HEARTBEAT_S} s, keepalive {KEEPALIVE_S} s; assumed a day:"
        f" {CHANGES_A_DAY} heartbeats more, {DETAILS_A_DAY} details, {CONNECTS_A_DAY} connections;"
        f" up, down and TLS counted at the link proxy, TCP/IP computed; took {took_s:.0f} s"
    )
    return "\n".join(lines)


def measure(folder: Path, say: Callable[[str], None]) -> tuple[list[Cost], dict[str, int]]:
    with ExitStack() as exits:
        bus = exits.enter_context(PrivateBus(folder / "bus"))
        exits.enter_context(ModemManagerService(bus.address, lte_modem()))
        before = os.environ.get("DBUS_SYSTEM_BUS_ADDRESS")
        os.environ["DBUS_SYSTEM_BUS_ADDRESS"] = bus.address
        exits.callback(_put_back, "DBUS_SYSTEM_BUS_ADDRESS", before)
        stage = exits.enter_context(Stage(folder / "stage", (STATION,), lambda _vi, _en: None))
        bench = Bench(stage, say)
        bench.stop()
        bench.configure(HEARTBEAT_S)
        say("a connection")
        connects = [bench.start()]
        details = bench.details(4)
        bench.stop()
        bench.configure(FAST_HEARTBEAT_S)
        connects.append(bench.start())
        heartbeats = bench.heartbeats(4)
        bench.stop()
        pings = bench.pings(3)
        found = costs(heartbeats, details, pings, connects)
        sizes = {
            name: round(median(bench.payloads(leaf)))
            for name, leaf in (("heartbeat", "health"), ("details", "details"))
        }
    return found, sizes


def _put_back(name: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="station-sim bytes", description=__doc__)
    parser.add_argument(
        "--out", type=Path, metavar="FOLDER", help="keep the run and bytes.json here"
    )
    options = parser.parse_args(arguments)

    def say(what: str) -> None:
        print(f"  {what} …", file=sys.stderr, flush=True)

    began = time.monotonic()
    with ExitStack() as exits:
        if options.out is None:
            folder = Path(exits.enter_context(tempfile.TemporaryDirectory(prefix="bytes-")))
        else:
            folder = options.out.absolute()
            folder.mkdir(parents=True, exist_ok=True)
        try:
            found, sizes = measure(folder, say)
        except (TimeoutError, ValueError, OSError, RuntimeError) as error:
            print(f"✗ {error}", file=sys.stderr)
            return 1
        if options.out is not None:
            told = {"costs": [asdict(one) for one in found], "payload_bytes": sizes}
            (folder / "bytes.json").write_text(json.dumps(told, indent=1), encoding="utf-8")
    print(rendered(found, sizes, time.monotonic() - began))
    return 0


if __name__ == "__main__":
    sys.exit(main())
