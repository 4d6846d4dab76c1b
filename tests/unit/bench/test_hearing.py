"""The bench finds in a recording what was put there."""

from __future__ import annotations

import math

import numpy as np
import pytest

from simulator.bench.hearing import (
    AmplifierChange,
    Samples,
    Silence,
    audible_from,
    loudness,
    returns_ms,
    tone_share,
)
from simulator.measure import programme


def siren(seconds: float, hz: int) -> Samples:
    return np.asarray(0.3 * np.sin(2 * np.pi * hz * np.arange(48_000 * seconds) / 48_000), "f4")


def test_a_tone_after_a_programme_begins_where_it_begins() -> None:
    sound = np.concatenate((programme(0.5), siren(0.5, 600)))
    share = tone_share(sound, 600)
    assert len(share) == 1_000
    assert abs(int(np.flatnonzero(share > 0.5)[0]) - 500) <= 5
    assert share[520:980].min() > 0.9


@pytest.mark.parametrize("sound", [programme(0.5), siren(0.5, 900), np.zeros(24_000, "f4")])
def test_other_sound_is_not_the_tone(sound: Samples) -> None:
    assert tone_share(sound, 600).max() < 0.5


def test_loudness_is_told_by_whole_blocks() -> None:
    assert loudness(np.full(100, 0.5, "f4"), 1).tolist() == [0.5, 0.5]


NAN = float("nan")


@pytest.mark.parametrize(
    ("silences", "back_ms"),
    [
        ([], 100),
        ([(98, 104)], 100),
        ([(120, 500)], 500),
        ([(120, 300), (302, 700)], 700),
        ([(120, 500), (1_500, 1_540)], 500),
        ([(120, 500), (700, 740)], 740),
        ([(120, NAN)], NAN),
    ],
)
def test_sound_is_back_when_it_stays(silences: list[tuple[float, float]], back_ms: float) -> None:
    found = returns_ms([Silence(*one) for one in silences], 100)
    assert found == pytest.approx(back_ms, nan_ok=True)


WARM = [
    AmplifierChange(0, "off"),
    AmplifierChange(10, "warming"),
    AmplifierChange(10, "warming", 1, True),
    AmplifierChange(20, "on"),
    AmplifierChange(25, "on", 2, False),
    AmplifierChange(30, "on", 1, False),
    AmplifierChange(40, "on", 1, True),
]


@pytest.mark.parametrize(
    ("at_ms", "heard_ms"), [(0, 20), (15, 20), (20, 20), (24, 24), (30, 40), (35, 40), (99, 99)]
)
def test_sound_is_heard_when_the_amplifier_is_warm_and_the_gate_open(
    at_ms: float, heard_ms: float
) -> None:
    assert audible_from(WARM, 1, at_ms) == heard_ms


def test_a_line_that_never_opens_is_never_heard() -> None:
    assert math.isnan(audible_from(WARM, 3, 0))
