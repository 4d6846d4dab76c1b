"""A real station: what it fetched is measured and leaves alike; a silent programme is told of."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from agent.adapters.measured import TRIES_MAX, Kept
from agent.contract.reasons import AlarmCode, OccurrenceReason
from agent.contract.reports import AlarmEvent
from agent.measuring.ebu import LoudnessMeter
from simulator.measure import programme
from simulator.soundcard import encode
from tests.integration.station_rig import GROUP, Rig, entry, sleep_until, until, whole_second

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

RATE = 48_000
SILENT_FROM_S = 3.0


def sound(seconds: float, height: float, seed: int) -> NDArray[np.float32]:
    wave = programme(seconds, seed=seed)
    return np.asarray(wave * np.float32(height / np.max(np.abs(wave))), np.float32)


def loudness(samples: NDArray[np.float32]) -> float | None:
    with LoudnessMeter(RATE) as meter:
        meter.add(np.rint(samples * 32_767).astype(np.int16))
        return meter.loudness_lufs


def publish(rig: Rig, slot: str, wave: NDArray[np.float32], suffix: str) -> Path:
    """Where the station keeps what it knows of the file's loudness."""
    file = encode(wave, rig.folder / f"{slot}{suffix}")
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    rig.district.publish(file, slot=slot, to=GROUP)
    return rig.state_dir() / "content" / "loudness" / f"{sha256}.json"


def measured(place: Path) -> bool:
    return (
        place.exists() and msgspec.json.decode(place.read_bytes(), type=Kept).loudness is not None
    )


def test_programmes_leave_alike_and_one_that_falls_silent_is_told_of(tmp_path: Path) -> None:
    """The third file was given up by the measuring, so nobody knows that it is silent itself."""
    with Rig(tmp_path) as rig:
        unknown = np.concatenate((sound(SILENT_FROM_S, 0.3, 83), np.zeros(9 * RATE, np.float32)))
        file = encode(unknown, rig.folder / "la.wav")
        folder = rig.state_dir() / "content" / "loudness"
        name = hashlib.sha256(file.read_bytes()).hexdigest()
        given_up = Kept(tries=TRIES_MAX, why="died")
        (folder / f"{name}.json").write_bytes(msgspec.json.encode(given_up))
        rig.district.publish(file, slot="la", to=GROUP)
        places = [
            publish(rig, "to", sound(3.0, 0.8, 81), ".mp3"),
            publish(rig, "nho", sound(3.0, 0.08, 82), ".wav"),
        ]
        far_ms = whole_second(600)
        later = [entry(slot, far_ms + 60_000 * n) for n, slot in enumerate(("to", "nho", "la"))]
        rig.push(later)  # so that they are fetched, and measured
        until(lambda: all(map(measured, places)), "the files measured", 60)
        first_ms = whole_second(4)
        starts = {slot: first_ms + 4_000 * n for n, slot in enumerate(("to", "nho", "la"))}
        rig.push([entry(slot, at_ms) for slot, at_ms in starts.items()])
        [record, *_] = rig.settled("la", within_s=60)
        sleep_until(starts["la"] + 12_500)
        recording = rig.recording()
        heard = {}
        for slot in ("to", "nho"):
            low = round(recording.frame(starts[slot] - 50))
            heard[slot] = loudness(recording.bus(0)[low : low + round(3.2 * RATE)])
        events = rig.events()
    raised = [
        event.at_ms
        for event in events
        if isinstance(event.body, AlarmEvent)
        and (event.body.code, event.body.state) == (AlarmCode.SOUND_SILENT, "raised")
    ]
    print(heard, raised[0] - starts["la"], record.silent_ms)  # noqa: T201 - `pytest -s`
    assert heard["to"] == pytest.approx(-18.0, abs=1.0)
    assert heard["nho"] == pytest.approx(heard["to"], abs=1.0)
    after_ms = raised[0] - starts["la"] - 1_000 * SILENT_FROM_S
    assert 3_000 <= after_ms < 5_000
    assert (record.outcome, record.reason) == ("partial", OccurrenceReason.SOUND_SILENT)
    assert record.silent_ms is not None
    assert record.silent_ms >= 7_000
    assert "sound_repaired" in rig.log()
