"""A configuration that is wrong, as the person at the box sees it: place, fault, remedy, exit code.

Real processes, `--check` and start. Every message names the file, the line and the key; nothing
ends in a traceback. What is told of a file is tested in detail in tests/unit/test_config.py.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agent.adapters.control_client import ask
from agent.core import requests
from simulator.demo.stage import StationSpec, station_toml
from simulator.source_system.broker import die_with_parent, free_port
from simulator.source_system.enrolment import Enrolment
from tests.integration.station_rig import until

SPEC = StationSpec("xa-mau-01", "Đài xã Mẫu", ("Thôn Đông", "Thôn Đoài"))
EX_TEMPORARY, EX_CONFIG = 75, 78

pytestmark = pytest.mark.timeout(90)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A right one, for a broker that does not answer and a port where nothing is plugged in."""
    keys = {}
    for public in ("11" * 32, "22" * 32):
        keyid = hashlib.sha256(bytes.fromhex(public)).hexdigest()[:16]
        keys[keyid] = {"public": public, "holder": "Chị Hoa", "not_after_ms": 1_900_000_000_000}
    (tmp_path / "root.json").write_text(json.dumps({"threshold": 1, "keys": keys}))
    enrolment = Enrolment(
        station=SPEC.id,
        folder=tmp_path,
        ca=tmp_path / "ca.pem",
        certificate=tmp_path / "client.pem",
        key=tmp_path / "client.key",
        root_keys=tmp_path / "root.json",
        broker_host="127.0.0.1",
        broker_port=0,
    )
    file = tmp_path / "station.toml"
    file.write_text(station_toml(SPEC, tmp_path, enrolment, free_port(), "00" * 12))
    return file


def agent(config: Path, *more: str, lang: str = "en") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "agent", "--lang", lang, "--config", str(config), *more],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@contextmanager
def running(config: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The agent, answering; asked to leave at the end."""
    with (config.parent / "agent.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "agent", "--config", str(config)],
            stdout=log,
            stderr=log,
            preexec_fn=die_with_parent,  # noqa: PLW1509 - it only sets one flag
        )
    try:
        until(lambda: status(config), "the agent")
        yield process
    finally:
        process.terminate()
        process.wait(15)


def status(config: Path) -> requests.StatusView | None:
    try:
        answer = ask(config.parent / "control.sock", requests.StatusRequest(), 5)
    except OSError:
        return None
    assert isinstance(answer, requests.StatusView)
    return answer


def changed(config: Path, old: str, new: str) -> int:
    """Make a mistake; returns its line."""
    text = config.read_text()
    assert old in text
    line = text[: text.index(old)].count("\n") + 1
    config.write_text(text.replace(old, new, 1))
    return line


MISTAKES = {
    "an_unknown_key": ("buses = 1\n", "busses = 1\n", "sound.busses", 'Did you mean "buses"?'),
    "an_unknown_table": ("[clock]", "[clok]", "clok", 'Did you mean "clock"?'),
    "a_unit_of_another_key": (
        "warm_up_ms = 1500",
        "warm_up_s = 1",
        "amplifier[0].warm_up_s",
        "the unit is part of its name",
    ),
    "a_fraction_of_milliseconds": (
        "warm_up_ms = 1500",
        "warm_up_ms = 1.5",
        "amplifier[0].warm_up_ms",
        "1.5 seconds is 1500",
    ),
    "a_number_in_quotes": (
        "linger_ms = 20000",
        'linger_ms = "20s"',
        "amplifier[0].linger_ms",
        "without quotes",
    ),
    "a_bus_that_is_not_there": ("{ bus = 0,", "{ bus = 3,", "zone[0].buses", "count from 0"),
    "a_controller_nobody_described": (
        'controller = "ampli-1"\nindex',
        'controller = "ampli-2"\nindex',
        "zone[0].controller",
        'Did you mean "ampli-1"?',
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told_with_file_line_key_and_remedy(config: Path, name: str) -> None:
    old, new, key, remedy = MISTAKES[name]
    line = changed(config, old, new)
    if new.startswith("controller"):
        line = config.read_text()[: config.read_text().index(new)].count("\n") + 1
    checked = agent(config, "--check")
    started = agent(config)
    for done in (checked, started):
        assert done.returncode == EX_CONFIG
        assert "Traceback" not in done.stderr
        told = [one for one in done.stderr.splitlines() if key in one]
        assert told, done.stderr
        assert told[0].startswith(f"{config}: line {line}, {key}")
        assert remedy in told[0]
    assert not (config.parent / "state").exists(), "nothing was begun"


def test_all_mistakes_are_told_at_once_and_in_vietnamese_when_wanted(config: Path) -> None:
    changed(config, 'id = "xa-mau-01"', 'id = "Xã Mẫu"')
    changed(config, "warm_up_ms = 1500", "warm_up_ms = 1.5")
    changed(config, "{ bus = 0,", "{ bus = 3,")
    checked = agent(config, "--check", lang="vi")
    assert checked.returncode == EX_CONFIG
    *told, last = checked.stderr.splitlines()
    assert [
        line.partition(": dòng ")[2].partition(", ")[2].partition(": ")[0] for line in told
    ] == ["station.id", "amplifier[0].warm_up_ms", "zone[0].buses"]
    assert "3 lỗi" in last
    assert "1,5 giây là 1500" in checked.stderr


def test_broken_toml_is_told_with_its_line(config: Path) -> None:
    line = changed(config, 'id = "xa-mau-01"', 'id = "xa-mau-01')
    done = agent(config)
    assert done.returncode == EX_CONFIG
    assert f"line {line}" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["root.json", "station.toml"])
def test_a_missing_file_is_named(config: Path, name: str) -> None:
    (config.parent / name).unlink()
    done = agent(config)
    assert done.returncode == EX_CONFIG
    assert str(config.parent / name) in done.stderr
    assert "No such file" in done.stderr
    assert "Traceback" not in done.stderr


def test_what_may_be_plugged_in_later_is_a_warning(config: Path) -> None:
    done = agent(config, "--check")
    assert done.returncode == 0
    line = config.read_text()[: config.read_text().index('\nport = "/')].count("\n") + 2
    assert f"line {line}, controller[0].port" in done.stdout
    assert "does not exist (yet)" in done.stdout
    assert not (config.parent / "state").exists()


def test_without_its_amplifier_the_station_runs_and_says_so(config: Path) -> None:
    with running(config) as process:

        def alarmed() -> bool:
            told = status(config)
            return told is not None and any(
                (one.code, one.subject) == ("controller_lost", "ampli-1") for one in told.alarms
            )

        until(alarmed, "the alarm about the amplifier", 40)
        assert process.poll() is None
    assert process.returncode == 0
    assert "Traceback" not in (config.parent / "agent.log").read_text()


def test_a_second_agent_is_turned_away_and_the_first_stays(config: Path) -> None:
    with running(config) as first:
        second = agent(config)
        assert second.returncode == EX_TEMPORARY
        assert f"another agent runs on {config.parent / 'state'}" in second.stderr
        assert "Traceback" not in second.stderr
        assert first.poll() is None
        assert status(config) is not None, "the second took the control socket away"


def test_after_kill_9_nobody_holds_the_state_directory(config: Path) -> None:
    with running(config) as first:
        os.kill(first.pid, signal.SIGKILL)
        first.wait(15)
    began = time.monotonic()
    with running(config):
        assert time.monotonic() - began < 10
