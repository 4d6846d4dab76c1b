"""The measuring process on real files: libVLC decodes, libebur128 measures."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from agent.core.loudness import Loudness
from agent.measuring.__main__ import Failed, Line, Measured
from simulator.measure import programme
from simulator.soundcard import encode

pytestmark = pytest.mark.slow

RATE = 48_000


def lines_of(path: Path, *more: str) -> list[Line]:
    done = subprocess.run(
        [sys.executable, "-m", "agent.measuring", str(path), "--share", "1", *more],
        capture_output=True,
        timeout=60,
        check=True,
    )
    return [msgspec.json.decode(line, type=Line) for line in done.stdout.splitlines()]


def measured(path: Path) -> Loudness:
    last = lines_of(path)[-1]
    assert isinstance(last, Measured), last
    return last.loudness


def sine(dbfs: float, seconds: float) -> NDArray[np.float32]:
    at = np.arange(round(seconds * RATE))
    wave = 10 ** (dbfs / 20) * np.sin(2 * np.pi * 997 * at / RATE)
    return wave.astype(np.float32)


def by_ffmpeg(path: Path) -> tuple[float, float]:
    """Integrated loudness and true peak by another decoder and another meter."""
    heard = ["ffmpeg", "-nostats", "-i", str(path), "-filter_complex"]
    heard += ["ebur128=peak=true:dualmono=true", "-f", "null", "-"]
    said = subprocess.run(heard, capture_output=True, timeout=60, check=True, text=True).stderr
    summary = said.rpartition("Summary:")[2]
    loudness = re.search(r"I:\s+(-?[0-9.]+) LUFS", summary)
    peak = re.search(r"Peak:\s+(-?[0-9.]+) dBFS", summary)
    assert loudness is not None
    assert peak is not None
    return float(loudness[1]), float(peak[1])


@pytest.mark.parametrize("codec", ["wav", "mp3", "opus", "m4a"])
def test_a_file_of_any_kind_is_as_loud_as_another_meter_says(codec: str, tmp_path: Path) -> None:
    wave = programme(6.0, seed=4)
    wave[: 2 * RATE] *= 0.3
    path = encode(wave, tmp_path / f"programme.{codec}")
    found, (lufs, dbtp) = measured(path), by_ffmpeg(path)
    assert found.loudness_clufs == pytest.approx(100 * lufs, abs=15)
    assert found.peak_cdbtp == pytest.approx(100 * dbtp, abs=60)
    assert found.length_ms == pytest.approx(6_000, abs=150)
    assert found.quiet == ()


def test_a_stereo_file_is_measured_as_the_one_channel_that_plays(tmp_path: Path) -> None:
    path = encode(sine(-23.0, 6.0), tmp_path / "both.wav", channels=2)
    assert measured(path).loudness_clufs == pytest.approx(-2_300, abs=10)


def test_stretches_of_silence_and_hiss_are_found_and_a_pause_for_breath_is_none(
    tmp_path: Path,
) -> None:
    hiss = (0.05 * np.random.default_rng(3).standard_normal(5 * RATE)).astype(np.float32)
    nothing = np.zeros(5 * RATE, np.float32)
    breath = np.zeros(RATE, np.float32)
    loud = sine(-20, 3)
    wave = np.concatenate((loud, breath, loud, nothing, loud, hiss, loud))
    found = measured(encode(wave, tmp_path / "pauses.mp3"))
    edges = [edge for one in found.quiet for edge in (one.from_ms, one.to_ms)]
    assert edges == pytest.approx([7_000, 12_000, 15_000, 20_000], abs=300)
    assert found.is_quiet(7_500, 11_500)
    assert not found.is_quiet(11_000, 16_000)


def test_a_file_of_silence_is_known_to_be_silent(tmp_path: Path) -> None:
    found = measured(encode(np.zeros(6 * RATE, np.float32), tmp_path / "silent.mp3"))
    assert found.is_silent
    assert found.loudness_clufs is None


def test_what_is_no_sound_is_said_to_be_none(tmp_path: Path) -> None:
    page = tmp_path / "page.mp3"
    page.write_text("<html>404</html>" * 50, "utf-8")
    assert isinstance(lines_of(page)[-1], Failed)


def test_it_takes_no_more_than_its_share_and_yields_to_everybody(tmp_path: Path) -> None:
    path = encode(sine(-20, 240.0), tmp_path / "long.wav")
    process = subprocess.Popen(
        [sys.executable, "-m", "agent.measuring", str(path), "--share", "0.1"],
        stdout=subprocess.PIPE,
    )
    try:
        until = time.monotonic() + 30
        # It becomes modest after its imports.
        while os.sched_getscheduler(process.pid) != os.SCHED_IDLE and time.monotonic() < until:
            time.sleep(0.02)
        assert os.sched_getscheduler(process.pid) == os.SCHED_IDLE
        time.sleep(1.0)
        before_s, at = _cpu_s(process.pid), time.monotonic()
        time.sleep(1.5)
        used = (_cpu_s(process.pid) - before_s) / (time.monotonic() - at)
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert used < 0.3


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
