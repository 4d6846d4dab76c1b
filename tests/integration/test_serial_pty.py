"""The client on a real pseudo terminal: unplug, replug, kill, flood, and what it costs."""

from __future__ import annotations

import json
import os
import pty
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
import tty
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from firmware_bridge.client import ControllerClient
from firmware_bridge.device import DeviceSession
from firmware_bridge.drivers.contract import (
    Confirmation,
    ControllerReading,
    ControllerWish,
    LinkState,
    LinkWhy,
    ZoneWish,
)
from firmware_bridge.framing import Decoder, Frame, FrameKind, encode
from firmware_bridge.port import Doorbell, PortError, SerialBytePort
from simulator.amplifier import control
from simulator.amplifier.model import DEFAULT_ID, AmplifierModel, AmplifierSpec
from simulator.amplifier.pty_unit import PtyAmplifier

ON = ControllerWish((ZoneWish(1, gate=True, gain_cdb=-600, source=1),), power=True)


def until(reached: Callable[[], bool], limit_s: float = 5.0) -> bool:
    end_s = time.monotonic() + limit_s
    while not reached():
        if time.monotonic() > end_s:
            return False
        time.sleep(0.005)
    return True


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


class Bench:
    """A virtual controller and a client on it."""

    def __init__(self, folder: Path, spec: AmplifierSpec | None = None) -> None:
        self.log_path = folder / "amplifier.jsonl"
        self.unit = PtyAmplifier(
            folder / "port",
            spec or AmplifierSpec(warm_up_ms=0),
            log_path=self.log_path,
            control_path=folder / "control",
        )
        self.unit.start()
        self.told: list[ControllerReading] = []
        self.client = ControllerClient(
            self.unit.port_path, adopted_id=DEFAULT_ID.hex(), on_change=self.told.append
        )

    def reading(self) -> ControllerReading:
        return self.client.reading()

    def gate(self) -> bool:
        return self.unit.model.zones[0].gate

    def confirmed(self) -> bool:
        return self.reading().zone(1).confirmed is Confirmation.YES and self.gate()

    def play(self) -> None:
        self.client.start()
        self.client.set_wish(ON)
        assert until(self.confirmed)

    def close(self) -> None:
        self.client.close()
        self.unit.close()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.close()


def test_unplug_and_replug_survive_without_restarting_anything(bench: Bench) -> None:
    bench.play()
    for _ in range(2):
        bench.unit.inject(control.Unplug())
        assert until(lambda: bench.reading().state is LinkState.CLOSED, 1.0)
        assert bench.reading().why in (LinkWhy.PORT_LOST, LinkWhy.PORT_MISSING)
        assert bench.reading().zone(1).confirmed is Confirmation.UNKNOWN
        bench.unit.inject(control.Replug())
        bench.client.set_wish(ON)
        assert until(bench.confirmed, 3.0)


def test_a_port_that_appears_late_is_found(tmp_path: Path) -> None:
    late = Bench(tmp_path)
    late.unit.inject(control.Unplug())
    late.client.start()
    assert until(lambda: late.reading().why is LinkWhy.PORT_MISSING)
    late.unit.inject(control.Replug())
    assert until(lambda: late.reading().state is LinkState.READY, 3.0)
    late.close()


class Puppet:
    """A pty whose controller says only what the test lets it say."""

    def __init__(self, folder: Path) -> None:
        self.master, self.slave = pty.openpty()
        tty.setraw(self.slave)
        self.path = folder / "puppet"
        self.path.symlink_to(os.ttyname(self.slave))

    def answer(self, device: DeviceSession, count: int) -> None:
        """Let the device answer so many times, then fall silent."""
        while count:
            device.receive(os.read(self.master, 4_096), 0)
            answer = device.take_output()
            if answer:
                os.write(self.master, answer)
                count -= 1

    def pull(self) -> None:
        self.path.unlink()
        os.close(self.slave)
        os.close(self.master)


@pytest.mark.parametrize(
    ("answers", "major", "state"),
    [
        (0, 1, LinkState.HELLO),
        (1, 1, LinkState.CONFIGURING),
        (2, 1, LinkState.CONFIGURING),
        (4, 1, LinkState.READY),
        (4, 1, LinkState.DEGRADED),
        (1, 9, LinkState.INCOMPATIBLE),
    ],
)
def test_unplugging_in_every_state_is_noticed_and_survived(
    tmp_path: Path, answers: int, major: int, state: LinkState
) -> None:
    puppet = Puppet(tmp_path)
    device = DeviceSession(AmplifierModel(AmplifierSpec(major=major)))
    client = ControllerClient(str(puppet.path), adopted_id=None, on_change=lambda reading: None)
    client.start()
    puppet.answer(device, answers)
    assert until(lambda: client.reading().state is state)
    puppet.pull()
    assert until(lambda: client.reading().state is LinkState.CLOSED, 1.0)
    assert client.reading().why in (LinkWhy.PORT_LOST, LinkWhy.PORT_MISSING)
    with_answers = PtyAmplifier(puppet.path)
    with_answers.start()
    assert until(lambda: client.reading().state is LinkState.READY, 3.0)
    client.close()
    with_answers.close()


def test_the_host_killed_mutes_the_zones_within_the_lease(bench: Bench, tmp_path: Path) -> None:
    program = (
        "import sys,time\n"
        "from firmware_bridge.client import ControllerClient\n"
        "from firmware_bridge.drivers.contract import ControllerWish, ZoneWish\n"
        f"c=ControllerClient({bench.unit.port_path!r},adopted_id={DEFAULT_ID.hex()!r},"
        "on_change=lambda r: None)\n"
        "c.start(); c.set_wish(ControllerWish((ZoneWish(1,gate=True),),power=True))\n"
        "while True: c.keep_alive(int(time.monotonic()*1000)); time.sleep(0.1)\n"
    )
    host = subprocess.Popen([sys.executable, "-c", program])
    try:
        assert until(bench.gate)
        time.sleep(1.2)
    finally:
        host.send_signal(signal.SIGKILL)
        host.wait()
    killed_s = time.monotonic()
    assert bench.gate()
    assert until(lambda: not bench.gate(), 6.0)
    assert time.monotonic() - killed_s <= 5.1
    last = [json.loads(line) for line in bench.log_path.read_text().splitlines()][-1]
    assert (last["zone"], last["gate"], last["why"]) == (1, False, "lease_expired")


def test_a_megabyte_of_garbage_does_not_stop_the_conversation(bench: Bench) -> None:
    bench.play()
    bench.unit.inject(control.Noise(1_000_000))
    bench.client.set_wish(ControllerWish((ZoneWish(1, gate=True, gain_cdb=-100),), power=True))
    assert until(lambda: bench.unit.model.zones[0].gain_cdb == -100, 4.0)
    assert until(bench.confirmed, 4.0)


def test_a_wrong_major_version_is_named_and_left_muted(tmp_path: Path) -> None:
    strange = Bench(tmp_path, AmplifierSpec(major=9))
    strange.client.start()
    strange.client.set_wish(ON)
    assert until(lambda: strange.reading().state is LinkState.INCOMPATIBLE)
    assert strange.reading().why is LinkWhy.WRONG_VERSION
    assert not strange.gate()
    strange.close()


def test_a_port_that_never_answers_is_closed_before_it_is_opened_again(tmp_path: Path) -> None:
    puppet = Puppet(tmp_path)
    client = ControllerClient(str(puppet.path), adopted_id=None, on_change=lambda reading: None)
    client.start()
    assert until(lambda: client.reading().state is LinkState.HELLO)
    before = open_files()
    assert until(lambda: client.reading().why is LinkWhy.NO_ANSWER, 6.0)
    assert until(lambda: client.reading().state is LinkState.HELLO, 3.0)
    assert open_files() == before
    started_s = time.monotonic()
    client.close()
    assert time.monotonic() - started_s < 0.5
    puppet.pull()


def write_for_ever(port: SerialBytePort) -> None:
    while True:
        port.write(bytes(1_000))


def test_closing_does_not_wait_for_a_peer_that_does_not_read(tmp_path: Path) -> None:
    puppet = Puppet(tmp_path)
    port = SerialBytePort(str(puppet.path), Doorbell())
    with pytest.raises(PortError) as caught:
        write_for_ever(port)
    assert caught.value.why is LinkWhy.PORT_LOST
    started_s = time.monotonic()
    port.abort()
    port.abort()
    assert time.monotonic() - started_s < 0.1
    puppet.pull()


def test_what_goes_wrong_with_a_port_is_one_error_with_its_reason(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.write_text("no terminal")
    for path, why in ((tmp_path / "none", LinkWhy.PORT_MISSING), (plain, LinkWhy.PORT_UNUSABLE)):
        with pytest.raises(PortError) as caught:
            SerialBytePort(str(path), Doorbell())
        assert caught.value.why is why


def test_a_port_in_use_is_reported_as_busy(bench: Bench) -> None:
    bench.play()
    with pytest.raises(PortError) as caught:
        SerialBytePort(bench.unit.port_path, Doorbell())
    assert caught.value.why is LinkWhy.PORT_BUSY


def test_reading_a_pulled_port_is_a_port_error(tmp_path: Path) -> None:
    puppet = Puppet(tmp_path)
    port = SerialBytePort(str(puppet.path), Doorbell())
    puppet.pull()
    with pytest.raises(PortError) as read:
        port.read(100)
    with pytest.raises(PortError) as written:
        port.write(b"x")
    port.abort()
    assert {read.value.why, written.value.why} == {LinkWhy.PORT_LOST}


def test_a_doorbell_ends_a_read_early(tmp_path: Path) -> None:
    puppet = Puppet(tmp_path)
    bell = Doorbell()
    port = SerialBytePort(str(puppet.path), bell)
    threading.Timer(0.05, bell.ring).start()
    started_s = time.monotonic()
    assert port.read(5_000) == b""
    assert time.monotonic() - started_s < 1.0
    port.abort()
    puppet.pull()


def ask(path: Path, line: str) -> dict[str, Any]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as talk:
        talk.connect(str(path))
        talk.sendall(line.encode() + b"\n")
        with talk.makefile() as answers:
            answer: dict[str, Any] = json.loads(answers.readline())
            return answer


def test_faults_are_injected_over_the_control_socket(bench: Bench, tmp_path: Path) -> None:
    bench.play()
    answer = ask(tmp_path / "control", '{"fault":"line_open","zone":1}')
    assert (answer["ok"], answer["zones"][0]["line"]) == (True, "open")
    assert until(lambda: bench.reading().zone(1).line == "open", 1.0)
    assert bench.told[-1].zone(1).line == "open"


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("nonsense", "malformed"),
        ('{"fault":"fire"}', "fire"),
        ('{"fault":"line_open","zone":9}', "outside 1..4"),
        ('{"fault":"freeze","for_ms":-1}', "for_ms"),
        ('{"fault":"unplug","really":true}', "really"),
    ],
)
def test_a_wrong_order_is_refused_with_its_place(
    bench: Bench, tmp_path: Path, line: str, wrong: str
) -> None:
    answer = ask(tmp_path / "control", line)
    assert answer["ok"] is False
    assert wrong in answer["error"]


def test_the_command_runs_a_controller_that_answers_hello(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "simulator.amplifier", "--link", str(tmp_path / "port")]
    run = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert run.stdout is not None
        assert "virtual amplifier" in run.stdout.readline()
        port = SerialBytePort(str(tmp_path / "port"), Doorbell())
        port.write(encode(Frame(FrameKind.HELLO, req=7, payload=b"\x01\x02\x01\x00")))
        decoder, answered = Decoder(), list[int]()
        limit = time.monotonic() + 10
        while 7 not in answered and time.monotonic() < limit:  # it says hello by itself, too
            found = decoder.feed(port.read(1_000))
            answered += [one.req for one in found if isinstance(one, Frame)]
        port.abort()
        assert 7 in answered
    finally:
        run.terminate()
        assert run.wait(5) == 0
        if run.stdout is not None:
            run.stdout.close()
    assert not (tmp_path / "port").exists()


def test_an_idle_client_costs_next_to_nothing(bench: Bench) -> None:
    bench.client.start()
    assert until(lambda: bench.reading().state is LinkState.READY)
    time.sleep(0.2)
    before = resource.getrusage(resource.RUSAGE_SELF)
    time.sleep(2.0)
    after = resource.getrusage(resource.RUSAGE_SELF)
    used_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert used_s / 2.0 < 0.003
