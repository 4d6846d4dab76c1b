"""Leases, recorder, change filter, port names, bad lines: the parts that fit on a hand."""

from __future__ import annotations

import ast
import random
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.drivers.contract import (
    ControllerReading,
    Line,
    LinkState,
    Power,
    ZoneReading,
)
from firmware_bridge.framing import Frame, FrameError, FrameFault, FrameKind
from firmware_bridge.leases import Holder, LeaseTable
from firmware_bridge.link import TRIES, Answered, Job, Lost, Priority, Requester, Rtt
from firmware_bridge.port import list_ports, stable_name
from firmware_bridge.recorder import FrameRecorder
from firmware_bridge.reporting import SAMPLE_MS, ChangeFilter
from simulator.amplifier.faults import BadLine, LineFaults

PACKAGE = Path(__file__).parents[3] / "firmware_bridge"


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 50)), max_size=20))
def test_a_lease_ends_once_and_at_its_last_promised_time(grants: list[tuple[str, int]]) -> None:
    table = LeaseTable()
    for key, until_ms in grants:
        table.grant(key, until_ms)
    ended = {key: at for at in range(52) for key in table.take_expired(at)}
    assert ended == dict(grants)
    assert table.next_end_ms() is None


def test_a_holder_who_said_nothing_is_not_alive() -> None:
    holder = Holder()
    assert not holder.alive(0)
    holder.mark(10_000)
    holder.mark(4_000)
    assert holder.alive(12_999)
    assert not holder.alive(13_000)


def test_the_recorder_keeps_a_hundred_frames_and_prints_them_once() -> None:
    recorder = FrameRecorder()
    for req in range(250):
        recorder.sent(Frame(FrameKind.DATA, req=req, payload=b"\x05"), req)
    recorder.received(FrameError(FrameFault.CRC), 260)
    recorder.note("ready -> failed", 261)
    lines = recorder.take().splitlines()
    assert len(lines) == 100
    assert lines[-2:] == ["     -1 ms < not a frame: crc", "     +0 ms - ready -> failed"]
    assert "req=  249" in lines[-3]
    assert recorder.take() == ""


BASE = ControllerReading(
    state=LinkState.READY,
    power=Power.ON,
    zones=(ZoneReading(1, gate=True, level_cdb=-2_000, at_mono_ms=1, line=Line.OK),),
    temperature_cdeg=4_000,
    supply_mv=5_000,
)


def zone(**changes: object) -> ControllerReading:
    return replace(BASE, zones=(replace(BASE.zones[0], **changes),))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "changed",
    [
        zone(gate=False),
        zone(line=Line.OPEN),
        zone(level_cdb=None),
        zone(level_cdb=-6_000),
        replace(BASE, power=Power.OFF),
        replace(BASE, state=LinkState.DEGRADED),
        replace(BASE, fault_word=1),
        replace(BASE, mains=False),
        replace(BASE, temperature_cdeg=8_600),
        replace(BASE, supply_mv=4_600),
    ],
)
def test_a_change_that_matters_is_told_at_once_and_once(changed: ControllerReading) -> None:
    told = ChangeFilter()
    assert told.worth_telling(BASE, 0)
    assert told.worth_telling(changed, 1)
    assert not told.worth_telling(changed, 2)


@pytest.mark.parametrize(
    "sample",
    [
        zone(level_cdb=-2_300),
        zone(at_mono_ms=900),
        replace(BASE, temperature_cdeg=4_100),
        replace(BASE, retransmits=3),
    ],
)
def test_a_measurement_is_told_once_a_minute(sample: ControllerReading) -> None:
    told = ChangeFilter()
    told.worth_telling(BASE, 0)
    assert not told.worth_telling(sample, SAMPLE_MS - 1)
    assert told.worth_telling(sample, SAMPLE_MS)
    assert not told.worth_telling(sample, 3 * SAMPLE_MS)


def test_a_level_that_wavers_around_the_threshold_is_told_once() -> None:
    told = ChangeFilter()
    told.worth_telling(zone(level_cdb=-4_900), 0)
    wavering = [zone(level_cdb=-5_100), zone(level_cdb=-4_900), zone(level_cdb=-5_400)]
    assert [told.worth_telling(reading, 1) for reading in wavering] == [False] * 3


@given(st.lists(st.integers(0, 5_000), max_size=50), st.integers(1, TRIES))
def test_timeouts_stay_between_a_tenth_and_one_and_a_half_seconds(
    samples_ms: list[int], tries: int
) -> None:
    rtt = Rtt()
    for sample_ms in samples_ms:
        rtt.sample(sample_ms)
    assert 100 <= rtt.timeout_ms(tries) <= 1_600


def test_a_request_is_given_up_after_five_tries_within_its_deadline() -> None:
    requester = Requester(FrameRecorder())
    requester.submit(Job("state", Priority.STATE, b"\x05"), 0)
    sent, now_ms, ended = 0, 0, None
    while ended is None:
        sent += bool(requester.take_output())
        now_ms = requester.wakes_at_ms() or 0
        ended = requester.tick(now_ms)
    assert (sent, now_ms) == (TRIES, 3_200)
    assert isinstance(ended, Lost)


def test_an_urgent_request_replaces_the_one_in_flight_which_is_sent_again() -> None:
    requester = Requester(FrameRecorder())
    requester.submit(Job("health", Priority.TELEMETRY, b"\x06"), 0)
    requester.submit(Job("state", Priority.STATE, b"\x05"), 0)
    requester.submit(Job("apply", Priority.MUTE, b"\x02"), 1)
    order = []
    for req in (2, 3, 4):
        answered = requester.answer(Frame(FrameKind.DATA, req=req), 5)
        assert isinstance(answered, Answered)
        order.append(answered.job.key)
        requester.tick(6)
    assert order == ["apply", "state", "health"]
    assert requester.idle


def test_a_late_answer_is_a_stranger() -> None:
    requester = Requester(FrameRecorder())
    requester.submit(Job("state", Priority.STATE, b"\x05"), 0)
    assert requester.answer(Frame(FrameKind.DATA, req=99), 1) is None
    assert requester.answer(Frame(FrameKind.ACK, req=1), 1) is None
    assert requester.answer(Frame(FrameKind.DATA, req=1), 1) is not None


def test_ports_are_named_by_id_then_by_path(tmp_path: Path) -> None:
    devices = [tmp_path / name for name in ("ttyUSB0", "ttyUSB1")]
    for device in devices:
        device.touch()
    for folder, name, device in (
        ("by-id", "usb-ours", devices[0]),
        ("by-path", "port-1", devices[0]),
        ("by-path", "port-2", devices[1]),
    ):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / name).symlink_to(device)
    by_id, by_path = tmp_path / "by-id/usb-ours", tmp_path / "by-path/port-2"
    assert list_ports(tmp_path) == [str(by_id), str(by_path)]
    assert stable_name(str(devices[1]), tmp_path) == str(by_path)
    assert stable_name("/dev/ttyS9", tmp_path) == "/dev/ttyS9"
    assert list_ports(tmp_path / "nothing") == []


@given(st.binary(max_size=50), st.integers(0, 1_000))
def test_a_good_line_changes_nothing(data: bytes, now_ms: int) -> None:
    line = BadLine(LineFaults(), random.Random(0))
    assert b"".join(piece for _, piece in line.carry(data, now_ms)) == data


def test_a_slow_line_keeps_the_order() -> None:
    line = BadLine(LineFaults(delay_ms=5, delay_spread_ms=50), random.Random(1))
    times = [at_ms for now_ms in range(100) for at_ms, _ in line.carry(b"x", now_ms)]
    assert times == sorted(times)


def imports_of(file: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
        elif isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
    return found


def test_the_bridge_imports_neither_the_agent_nor_the_simulator() -> None:
    for file in PACKAGE.rglob("*.py"):
        assert not imports_of(file) & {"agent", "simulator"}, file


@pytest.mark.parametrize(
    "name", ["framing", "messages", "link", "session", "device", "leases", "knowledge", "reporting"]
)
def test_the_protocol_has_no_io_no_clock_and_no_chance(name: str) -> None:
    forbidden = {"time", "random", "os", "io", "socket", "select", "threading", "serial", "logging"}
    assert not imports_of(PACKAGE / f"{name}.py") & forbidden
