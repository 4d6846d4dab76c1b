"""When each second of a recording was heard: the same answer, however it is asked for."""

# ruff: noqa: SLF001 - the reader thread is played by hand

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np

from simulator.soundcard.recorder import Recorder

RATE_HZ = 48_000
LENGTH_S = 150
BLOCK = 240


def recorded() -> Recorder:
    """Two and a half minutes as the reader thread would have taken them, with jitter."""
    recorder = Recorder("none", channels=1, rate_hz=RATE_HZ, env={})
    chance = np.random.default_rng(3)
    for frame in range(BLOCK, LENGTH_S * RATE_HZ + 1, BLOCK):
        late_s = float(abs(chance.normal(0, 0.002)))
        at_s = frame / RATE_HZ + late_s
        recorder._arrivals.append((at_s, 1_000.0 + at_s, frame))
    recorder._bytes = bytearray(2 * LENGTH_S * RATE_HZ)
    return recorder


def test_saving_says_when_each_second_was_heard_within_a_millisecond(tmp_path: Path) -> None:
    side = json.loads(recorded().save(tmp_path / "sound.wav").read_text())
    assert len(side["anchors"]) == LENGTH_S
    for one in side["anchors"]:
        assert abs(one["wall_ms"] - 1_000_000 - one["frame"] / 48 - 5) < 1


def test_what_came_since_is_taken_into_account() -> None:
    recorder = recorded()
    before = recorder.wall_ms_of(0), recorder.wall_ms_of(LENGTH_S * RATE_HZ)
    late = [(m + 61, w + 61, f + 60 * RATE_HZ) for m, w, f in recorder._arrivals[-12_000:]]
    recorder._arrivals += late
    assert recorder.wall_ms_of(0) == before[0]
    moved = recorder.wall_ms_of((LENGTH_S + 60) * RATE_HZ) - before[1]
    assert abs(moved - 61_000) < 1


def test_saving_a_demo_costs_no_more_than_a_moment(tmp_path: Path) -> None:
    recorder = recorded()
    began = time.process_time()
    recorder.save(tmp_path / "sound.wav")
    assert time.process_time() - began < 1.0
