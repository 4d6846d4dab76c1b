"""`stationctl audio input`, `audio test` with a real card and a real server, beside no agent."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from simulator.relay import Icecast
from simulator.soundcard import SoundCard
from tests.integration.live_lab import studio, tone_file
from tests.unit.test_config import root_keys

NEEDED = ("pulseaudio", "parec", "ffmpeg", "icecast2")
pytestmark = [
    pytest.mark.skipif(not all(map(shutil.which, NEEDED)), reason=f"needs {', '.join(NEEDED)}"),
    pytest.mark.realtime,
]


def listened(folder: Path, env: dict[str, str], *words: str) -> tuple[int, dict[str, Any]]:
    config = folder / "station.toml"
    config.write_text('[[input]]\nname = "Micro"\ndevice = "micro"\n', encoding="utf-8")
    argv = [sys.executable, "-m", "agent.cli", "audio", *words, "--json", "--config", str(config)]
    done = subprocess.run(argv, env=env, capture_output=True, timeout=50, check=False)
    assert done.stdout, done.stderr.decode()
    return done.returncode, json.loads(done.stdout)


def test_an_input_is_heard_and_nothing_is_played(tmp_path: Path) -> None:
    with SoundCard(sinks={"loa": 1}, inputs=("micro",)) as card:
        status, silent = listened(tmp_path, card.env(), "input", "micro", "--seconds", "1")
        assert (status, silent["kind"], silent["fault"]) == (0, "silent", "")
        speech = card.speak_into("micro", tone_file(tmp_path, 440, 20.0))
        try:
            status, heard = listened(tmp_path, card.env(), "input", "micro", "--seconds", "2")
            assert "loa" not in card.pactl("list", "short", "sink-inputs")
            players = card.pactl("list", "short", "sink-inputs").splitlines()
        finally:
            speech.close()
    assert len(players) == 1, "who speaks into the input, and nobody else"
    assert (status, heard["kind"], heard["source"]) == (0, "sound", "Micro")
    # 0.3 of full scale: a sine of -13.5 dBFS, peaks at -10.5.
    assert heard["level_cdb"] == pytest.approx(-1_350, abs=60)
    assert heard["peak_cdb"] == pytest.approx(-1_050, abs=60)


def test_an_input_whose_device_is_gone_is_a_fault(tmp_path: Path) -> None:
    with SoundCard(sinks={"loa": 1}) as card:
        status, report = listened(tmp_path, card.env(), "input", "micro")
    assert (status, report["fault"], report["kind"]) == (1, "not_found", None)


def test_a_stream_is_heard_without_any_card(tmp_path: Path) -> None:
    with Icecast() as server, server.send("dai.mp3", studio()):
        server.await_sound("dai.mp3")
        url = server.url("dai.mp3")
        status, heard = listened(tmp_path, dict(os.environ), "test", url, "--seconds", "2")
        nowhere = server.url("khong-co.mp3")
        refused, nothing = listened(tmp_path, dict(os.environ), "test", nowhere)
    assert (status, heard["kind"], heard["fault"]) == (0, "sound", "")
    assert heard["heard_ms"] >= 2_000
    assert (refused, nothing["kind"]) == (1, None)
    assert nothing["fault"] in ("not_found", "refused")


def test_check_and_doctor_name_a_device_that_is_not_there(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "config/station.example.toml").read_text("utf-8")
    text = text.replace('"plughw:CARD=Device,DEV=0"', '"loa"', 1)
    text = text.replace('"plughw:CARD=Device,DEV=0"', '"tuner"', 1)
    config = tmp_path / "station.toml"
    config.write_text(text.replace("/etc/commune-radio/root.json", "root.json"), "utf-8")
    (tmp_path / "root.json").write_text(root_keys("11" * 32, "22" * 32), "utf-8")
    with SoundCard(sinks={"loa": 1}, inputs=("micro",)) as card:

        def said(*words: str) -> str:
            argv = [sys.executable, "-m", *words, "--config", str(config), "--lang", "en"]
            return subprocess.run(
                argv, env=card.env(), capture_output=True, text=True, timeout=50, check=False
            ).stdout

        checked = said("agent", "--check")
        doctor = " ".join(said("agent.cli", "doctor").split())
    [told] = [line for line in checked.splitlines() if "there is no device" in line]
    assert "input[0].device: there is no device 'tuner'" in told
    assert '"micro"' in told
    assert "Sound devices: micro “tuner” not there" in doctor
