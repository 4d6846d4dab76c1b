"""`stationctl audio` and its self-test on a whole station: real agent, sound child, sound server.

The return line is the monitor of the station's own sink: an amplifier that gives out what it gets.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.integration.station_rig import ONE, Rig, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

RETURN = """
[[input]]
name = "day-hoi"
device = "ve"
"""


@dataclass
class Desk:
    """A technician at the station."""

    rig: Rig
    config: Path

    def type(self, *words: str) -> subprocess.CompletedProcess[str]:
        environment = self.rig.stage.card.env() | {"LANG": "C.UTF-8", "NO_COLOR": "1"}
        return subprocess.run(
            [sys.executable, "-m", "agent.cli", "--config", str(self.config), *words],
            capture_output=True,
            text=True,
            timeout=40,
            check=False,
            env={**environment, "PATH": os.environ["PATH"]},
        )

    def json(self, *words: str) -> tuple[int, Any]:
        done = self.type(*words, "--json")
        return done.returncode, json.loads(done.stdout)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with Rig(tmp_path_factory.mktemp("audio"), ONE) as rig:
        rig.stage.stop_agent(ONE.id)
        config = rig.station().folder / "station.toml"
        text = config.read_text("utf-8")
        sound = f'device = "{ONE.id}"\n'
        assert sound in text
        config.write_text(text.replace(sound, f'{sound}return_input = "day-hoi"\n') + RETURN)
        devices = Path(rig.stage.card.env()["ALSA_CONFIG_PATH"])
        monitor = f'pcm.ve {{ type pulse device "{ONE.id}.monitor" }}\n'
        devices.write_text(devices.read_text() + monitor)
        rig.stage.start_agent(ONE.id)
        until(lambda: plays(rig), "the sound child")
        yield Desk(rig, config)


def plays(rig: Rig) -> bool:
    """The agent has its socket, and its sound child runs."""
    return (rig.station().folder / "control.sock").exists() and rig.status().player == "ready"


def test_a_self_test_is_heard_on_the_return_line(desk: Desk) -> None:
    status, told = desk.json("audio", "selftest", "--zone", "dong")
    if told.get("heard") is False:  # on a busy machine the sound server may tear it
        status, told = desk.json("audio", "selftest", "--zone", "dong")
    assert (status, told["heard"]) == (0, True), told
    returned = told["tone"]["returned"]
    left = told["tone"]["zones"][0]["level_cdb"]
    assert returned["level_cdb"] == pytest.approx(left, abs=200)
    assert -100_000 < returned["delay_us"] < 500_000
    assert returned["snr_cdb"] > 1_000


def test_the_card_is_shown_with_its_devices_and_figures(desk: Desk) -> None:
    until(lambda: desk.json("audio")[1]["audio"]["back"]["kind"] is not None, "the return line")
    _, told = desk.json("audio")
    audio = told["audio"]
    assert (audio["device"], audio["resolved"], told["configured"]) == (ONE.id, ONE.id, ONE.id)
    assert audio["latency_ms"] > 0
    assert audio["at_ms"] - audio["seen_ms"] <= 2_500
    assert audio["callback_p99_us"] > 0
    assert {one["stable"] for one in told["devices"]["devices"]} >= {ONE.id, "ve", "default"}
    screen = desk.type("audio", "--lang", "vi").stdout
    assert f"THẺ {ONE.id}" in screen
    assert f'✓ "{ONE.id}"' in screen


def test_without_the_agent_the_devices_are_listed(desk: Desk) -> None:
    desk.rig.stage.stop_agent(ONE.id)
    try:
        done = desk.type("audio", "--lang", "en")
        assert done.returncode == 3
        assert f'"{ONE.id}"' in done.stdout
    finally:
        desk.rig.stage.start_agent(ONE.id)
        until(lambda: plays(desk.rig), "the sound child")
