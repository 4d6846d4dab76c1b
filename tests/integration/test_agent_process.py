"""The daemon as the service manager sees it: starts, answers, leaves in order, survives kill -9."""

from __future__ import annotations

import hashlib
import json
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from paho.mqtt.client import MQTTMessage

from agent.adapters.control_client import ask
from agent.adapters.signature import verify
from agent.adapters.station_key import FILE, station_key
from agent.contract.reports import Event
from agent.contract.topics import station_up
from agent.core import requests
from agent.core.seal import Signer
from simulator.source_system.chain_check import Place, Row, Walk
from tests.integration.adapter_lab import DYING_WITH_US, Authority, Broker, person, until

AGENT = (sys.executable, "-m", "agent", "--lang", "en")
STATION = "xa-mau-01"


class Daemon:
    """`station-agent` in a folder, under a service manager of paper."""

    def __init__(self, folder: Path, broker: Broker) -> None:
        self.folder = folder
        self.config = folder / "station.toml"
        self.socket = folder / "run" / "control.sock"
        issued = broker.authority.issue(STATION)
        publics = ("11" * 32, "22" * 32)
        keys = {
            hashlib.sha256(bytes.fromhex(public)).hexdigest()[:16]: {
                "public": public,
                "holder": "Chị Hoa",
                "not_after_ms": 1_900_000_000_000,
            }
            for public in publics
        }
        (folder / "root.json").write_text(json.dumps({"threshold": 1, "keys": keys}))
        self.config.write_text(
            f"""
[station]
id = "{STATION}"
name = "Xã Mẫu"
state_dir = "state"
control_socket = "run/control.sock"
root_keys = "root.json"

[clock]
trust = "system"

[broker]
host = "127.0.0.1"
port = {broker.port}
ca = "{broker.authority.certificate}"
certificate = "{issued.certificate}"
key = "{issued.key}"

[sound]
device = "no-such-device"

[[controller]]
id = "main"
port = "no-such-port"

[[amplifier]]
name = "amp"
controller = "main"

[[zone]]
name = "Thôn Đông"
controller = "main"
index = 1
amplifier = "amp"
buses = [{{ bus = 0, source = 1 }}]
"""
        )
        self._manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._manager.bind(str(folder / "notify"))
        self._manager.settimeout(15)
        self.notes: list[str] = []
        self.lines: list[str] = []
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(
            [*DYING_WITH_US, *AGENT, "--config", str(self.config)],
            stderr=subprocess.PIPE,
            text=True,
            env={"NOTIFY_SOCKET": str(self.folder / "notify"), "PATH": "/usr/bin:/bin"},
        )
        threading.Thread(target=self._read, args=(self.process,), daemon=True).start()

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stderr is not None
        with process.stderr:
            self.lines.extend(process.stderr)

    def note(self, wanted: str) -> str:
        while True:
            text = self._manager.recv(1_000).decode()
            self.notes.append(text)
            if text.startswith(wanted):
                return text

    def says(self, words: str) -> bool:
        return any(words in line for line in self.lines)

    def status(self) -> requests.StatusView:
        answer = ask(self.socket, requests.StatusRequest(), 5)
        assert isinstance(answer, requests.StatusView), answer
        return answer

    def send(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def wait(self) -> int:
        assert self.process is not None
        return self.process.wait(15)

    def close(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(15)
        self._manager.close()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    folder = tmp_path / "broker"
    folder.mkdir()
    one = Broker(folder, Authority(folder))
    one.start()
    yield one
    one.stop(signal.SIGKILL)


@pytest.fixture
def daemon(tmp_path: Path, broker: Broker) -> Iterator[Daemon]:
    one = Daemon(tmp_path, broker)
    yield one
    one.close()


def test_it_gets_ready_connects_answers_and_leaves_in_order(daemon: Daemon, broker: Broker) -> None:
    with person(broker) as office:
        office.listen(station_up(STATION, "state"))
        began = time.monotonic()
        daemon.start()
        daemon.note("READY=1")
        until(lambda: daemon.status().connected)
        assert time.monotonic() - began < 5
        office.heard.wait_for(object, _says("online"))
        daemon.note("WATCHDOG=1")
        began = time.monotonic()
        daemon.send(signal.SIGTERM)
        assert daemon.wait() == 0
        assert time.monotonic() - began < 5
        daemon.note("STOPPING=1")
        office.heard.wait_for(object, _says("leaving"))
        assert not daemon.socket.exists()


def _says(word: str) -> Callable[[object], bool]:
    return lambda message: json.loads(message.payload)["state"] == word  # type: ignore[attr-defined]


def test_a_second_agent_on_the_same_state_is_turned_away(daemon: Daemon) -> None:
    daemon.start()
    daemon.note("READY=1")
    second = subprocess.run(
        [*AGENT, "--config", str(daemon.config)],
        capture_output=True,
        text=True,
        timeout=15,
        check=False,
    )
    assert second.returncode == 75
    assert "another agent runs" in second.stderr
    assert daemon.status().station == STATION


def test_after_kill_9_it_is_the_same_installation_and_works_again(daemon: Daemon) -> None:
    daemon.start()
    daemon.note("READY=1")
    first = ask(daemon.socket, requests.JournalRequest(), 5)
    daemon.send(signal.SIGKILL)
    daemon.wait()
    daemon.start()
    daemon.note("READY=1")
    until(lambda: daemon.status().connected)
    again = ask(daemon.socket, requests.JournalRequest(), 5)
    assert isinstance(first, requests.JournalView)
    assert isinstance(again, requests.JournalView)
    assert len(again.records) >= len(first.records)
    assert daemon.says("journal_opened")


def test_it_makes_its_key_at_the_first_start_names_it_and_signs_when_it_leaves(
    daemon: Daemon, broker: Broker
) -> None:
    """Across kill -9 and an orderly end: one key, one chain, and the end is signed."""
    with person(broker) as office:
        office.listen(station_up(STATION, "state"))
        for number in (signal.SIGKILL, signal.SIGTERM):
            daemon.start()
            daemon.note("READY=1")
            until(lambda: daemon.status().connected)
            office.heard.wait_for(object, _says("online"))
            ask(daemon.socket, requests.VolumeRequest((), 50), 5)
            daemon.send(number)
            daemon.wait()
        births = [json.loads(one.payload) for one in office.heard.of(MQTTMessage)]
    key = daemon.folder / "state" / FILE
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    signer = station_key(key.parent)
    assert isinstance(signer, Signer)
    publics = {one["public"] for one in births if one["state"] == "online"}
    assert publics == {signer.public.hex()}
    walk = walked(daemon.folder / "state" / "journal.db", signer.public.hex())
    assert walk.findings == []
    assert len(walk.runs) == 1
    assert walk.runs[0].signed_through == walk.runs[0].to_seq - 1


def walked(journal: Path, public: str) -> Walk:
    """The chain through the journal on the box itself."""
    with sqlite3.connect(journal) as database:
        rows = database.execute("SELECT body FROM record ORDER BY seq").fetchall()
        meta = database.execute("SELECT value FROM meta WHERE key='installation'").fetchone()
    walk = Walk(Place(STATION, meta[0], "main"), verify, lambda key: key == public)
    for (raw,) in rows:
        event = msgspec.json.decode(raw, type=Event)
        kind = str(event.body.__struct_config__.tag)
        walk.take(Row(event.seq, event.at_ms, kind, bytes(raw)))
    return walk


def test_a_key_that_cannot_be_read_is_told_and_the_station_runs_without(daemon: Daemon) -> None:
    state = daemon.folder / "state"
    state.mkdir()
    (state / FILE).write_bytes(b"rotten")
    daemon.start()
    daemon.note("READY=1")
    until(lambda: any(one.code == "records_unsigned" for one in daemon.status().alarms))
    answer = ask(daemon.socket, requests.DoctorRequest(), 5)
    assert isinstance(answer, requests.DoctorView)
    (check,) = [one for one in answer.checks if one.name == "records"]
    assert (check.verdict, FILE in check.detail[1]) == ("fault", True)
    assert (state / FILE).read_bytes() == b"rotten"


def test_a_corrupt_journal_does_not_keep_it_from_starting(daemon: Daemon) -> None:
    (daemon.folder / "state").mkdir()
    (daemon.folder / "state" / "journal.db").write_bytes(b"rotten" * 1_000)
    daemon.start()
    daemon.note("READY=1")
    until(lambda: daemon.says("journal_quarantined"))
    daemon.status()


def test_without_any_place_for_state_it_still_runs(daemon: Daemon) -> None:
    (daemon.folder / "state").write_text("a file where the directory should be")
    daemon.start()
    daemon.note("READY=1")
    until(lambda: daemon.status().connected)
    assert daemon.says("journal_in_memory")


def test_a_wrong_configuration_is_told_and_never_retried(daemon: Daemon) -> None:
    text = daemon.config.read_text()
    daemon.config.write_text(text.replace("[broker]", "[brocker]"))
    daemon.start()
    assert daemon.wait() == 78
    until(lambda: daemon.says('Did you mean "broker"?'))


def test_check_tells_what_is_missing_and_starts_nothing(daemon: Daemon) -> None:
    checked = subprocess.run(
        [*AGENT, "--config", str(daemon.config), "--check"],
        capture_output=True,
        text=True,
        timeout=15,
        check=True,
    )
    assert "no-such-port does not exist (yet)" in checked.stdout
    assert f"describes station {STATION}" in checked.stdout
    assert not (daemon.folder / "state").exists()


def test_a_hang_up_ends_nothing_and_says_what_to_do(daemon: Daemon) -> None:
    daemon.start()
    daemon.note("READY=1")
    daemon.send(signal.SIGHUP)
    until(lambda: daemon.says("sighup_ignored"))
    assert daemon.says("systemctl restart station-agent")
    assert daemon.status().station == STATION


def test_a_state_directory_that_is_a_file_is_told_with_its_remedy(daemon: Daemon) -> None:
    (daemon.folder / "state").write_text("")
    daemon.start()
    until(lambda: daemon.says("state_unusable"))
    assert daemon.says("is not a directory. Rename that file or mend state_dir")


def test_asked_twice_it_leaves_at_once(daemon: Daemon, broker: Broker) -> None:
    """The broker is frozen, so that the first goodbye takes its time."""
    daemon.start()
    daemon.note("READY=1")
    until(lambda: daemon.status().connected)
    broker.send(signal.SIGSTOP)
    daemon.send(signal.SIGTERM)
    until(lambda: daemon.says("leaving why=SIGTERM"))
    daemon.send(signal.SIGTERM)
    began = time.monotonic()
    assert daemon.wait() in (0, 70)
    assert time.monotonic() - began < 5
