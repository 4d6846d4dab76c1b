"""The meter against the signals that EBU Tech 3341 and 3342 ask of one, made by their words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from agent.core.loudness import TONE
from agent.core.programme import TONES
from agent.measuring.ebu import LoudnessMeter
from agent.player.protocol import RATE_HZ
from agent.player.ring import Tone

Wave = NDArray[np.float64]


def sine(dbfs: float, seconds: float, hertz: float = 1_000.0) -> Wave:
    at = np.arange(round(seconds * RATE_HZ))
    return np.asarray(10 ** (dbfs / 20) * np.sin(2 * np.pi * hertz * at / RATE_HZ))


def heard(*channels: Wave) -> LoudnessMeter:
    meter = LoudnessMeter(RATE_HZ, len(channels))
    meter.add(np.rint(np.stack(channels, axis=1) * 32_767).astype(np.int16).reshape(-1))
    return meter


def stereo(*stretches: tuple[float, float]) -> LoudnessMeter:
    both = np.concatenate([sine(dbfs, seconds) for dbfs, seconds in stretches])
    return heard(both, both)


@pytest.mark.parametrize(
    ("stretches", "lufs"),
    [
        (((-23, 20),), -23.0),
        (((-33, 20),), -33.0),
        (((-36, 10), (-23, 60), (-36, 10)), -23.0),
        (((-72, 10), (-36, 10), (-23, 60), (-36, 10), (-72, 10)), -23.0),
        (((-26, 20), (-20, 20.1), (-26, 20)), -23.0),
    ],
    ids=["case 1", "case 2", "case 3", "case 4", "case 5"],
)
def test_the_integrated_loudness_is_that_of_tech_3341(
    stretches: tuple[tuple[float, float], ...], lufs: float
) -> None:
    with stereo(*stretches) as meter:
        assert meter.loudness_lufs == pytest.approx(lufs, abs=0.1)


def test_the_channels_behind_count_more_as_in_case_6() -> None:
    front, centre, behind = sine(-28, 20), sine(-24, 20), sine(-30, 20)
    with heard(front, front, centre, behind, behind) as meter:
        assert meter.loudness_lufs == pytest.approx(-23.0, abs=0.1)


@pytest.mark.parametrize(
    ("part_of_rate", "phase_deg", "height", "dbtp"),
    [
        (4, 0.0, 0.50, -6.0),
        (4, 45.0, 0.50, -6.0),
        (6, 60.0, 0.50, -6.0),
        (8, 67.5, 0.50, -6.0),
        (4, 45.0, 1.41, 3.0),
    ],
    ids=["case 15", "case 16", "case 17", "case 18", "case 19"],
)
def test_the_true_peak_is_that_of_tech_3341(
    part_of_rate: int, phase_deg: float, height: float, dbtp: float
) -> None:
    at = np.arange(RATE_HZ)
    # Faded in and out: an edge would have a peak of its own.
    wave = np.minimum(1.0, np.minimum(at, at[::-1]) / 480)
    wave = wave * height * np.sin(2 * np.pi * at / part_of_rate + np.radians(phase_deg))
    with heard(wave, wave) as meter:
        peak = meter.true_peak_dbtp
    assert peak is not None
    assert dbtp - 0.4 <= peak <= dbtp + 0.2


@pytest.mark.parametrize(
    ("stretches", "lu"),
    [
        (((-20, 20), (-30, 20)), 10.0),
        (((-20, 20), (-15, 20)), 5.0),
        (((-40, 20), (-20, 20)), 20.0),
        (((-50, 20), (-35, 20), (-20, 20), (-35, 20), (-50, 20)), 15.0),
    ],
    ids=["case 1", "case 2", "case 3", "case 4"],
)
def test_the_loudness_range_is_that_of_tech_3342(
    stretches: tuple[tuple[float, float], ...], lu: float
) -> None:
    with stereo(*stretches) as meter:
        assert meter.range_lu == pytest.approx(lu, abs=1.0)


def test_one_channel_is_as_loud_as_the_same_sound_on_two() -> None:
    with heard(sine(-23, 20)) as meter:
        assert meter.loudness_lufs == pytest.approx(-23.0, abs=0.1)


def test_the_momentary_loudness_is_that_of_the_last_400_ms() -> None:
    with LoudnessMeter(RATE_HZ, momentary=True) as meter:
        assert meter.momentary_lufs is None
        for dbfs in (-33.0, -20.0):
            meter.add(np.rint(sine(dbfs, 0.4) * 32_767).astype(np.int16))
            assert meter.momentary_lufs == pytest.approx(dbfs, abs=0.2)
        assert meter.loudness_lufs is None  # nobody asked it to remember


def test_a_meter_that_nobody_has_any_more_gives_its_memory_back() -> None:
    def resident_kb() -> int:
        fields = Path("/proc/self/statm").read_text().split()
        return int(fields[1]) * 4

    silence = np.zeros(RATE_HZ // 2, np.int16)
    for _ in range(20):
        LoudnessMeter(RATE_HZ, momentary=True).add(silence)
    before = resident_kb()
    for _ in range(200):  # of 150 kB each
        LoudnessMeter(RATE_HZ, momentary=True).add(silence)
    assert resident_kb() - before < 5_000


@pytest.mark.parametrize("wave", [np.zeros(5 * RATE_HZ), sine(-80, 5), sine(-10, 0.1)])
def test_what_is_silent_faint_or_too_short_has_no_loudness(wave: Wave) -> None:
    with heard(wave) as meter:
        assert meter.loudness_lufs is None
        assert meter.range_lu is None


@pytest.mark.parametrize("name", TONES)
def test_tones_made_on_the_box_are_as_loud_as_they_are_taken_for(name: str) -> None:
    hertz, step_ms, length_ms = TONES[name]
    wave, _ = Tone(hertz, step_ms).read(0, length_ms * RATE_HZ // 1000)
    with heard(wave.astype(np.float64)) as meter:
        assert TONE.loudness_clufs is not None
        assert meter.loudness_lufs == pytest.approx(TONE.loudness_clufs / 100, abs=0.7)
