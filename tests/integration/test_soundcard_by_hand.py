"""A virtual card by hand: the line that README prints, sound into it, and what it recorded."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import pytest

from tests.integration.live_lab import tone_file, tone_hz

NEEDED = ("pulseaudio", "parec", "paplay", "ffmpeg")
pytestmark = [
    pytest.mark.skipif(not all(map(shutil.which, NEEDED)), reason=f"needs {', '.join(NEEDED)}"),
    pytest.mark.realtime,
]
ROOT = Path(__file__).parents[2]


def line() -> str:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    [found] = [one for one in text.splitlines() if one.startswith("python -m simulator.soundcard")]
    return found


def test_what_is_played_on_it_is_in_the_file_that_the_readme_names(tmp_path: Path) -> None:
    tone = tone_file(tmp_path, 440, 1.5)
    script = [
        "set -e",
        line(),
        f"paplay --device=virtual {tone}",
        "kill $(jobs -p); wait $(jobs -p) || true; tail -1 card.log",
    ]
    running = subprocess.Popen(
        ["bash", "-c", "\n".join(script)],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(tmp_path),
            "LANG": "en_GB.UTF-8",
            "PYTHONPATH": str(ROOT),
        },
        start_new_session=True,
    )
    try:
        said, _ = running.communicate(timeout=60)
    finally:
        try:
            os.killpg(running.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    assert running.returncode == 0, said
    assert "heard.wav: " in said
    with wave.open(str(tmp_path / "heard.wav")) as file:
        assert (file.getnchannels(), file.getframerate()) == (1, 48_000)
        sound = np.frombuffer(file.readframes(file.getnframes()), "<i2") / np.float32(32_768.0)
    loud = np.flatnonzero(np.abs(sound) > 0.05)
    assert (loud[-1] - loud[0]) / 48_000 == pytest.approx(1.5, abs=0.1)
    assert tone_hz(np.asarray(sound[loud[0] : loud[-1]], np.float32)) == pytest.approx(440, abs=2)
    seconds = float(said.partition("sound in ")[2].partition(" s")[0])
    assert seconds == pytest.approx(1.5, abs=0.3)


def test_it_is_given_up_with_what_to_do_where_pulseaudio_is_missing(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "simulator.soundcard"],
        env={"PATH": str(tmp_path), "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 1
    assert "apt install" in done.stderr
    assert "Traceback" not in done.stderr
