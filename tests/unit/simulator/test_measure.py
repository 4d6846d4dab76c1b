"""The measure finds what was put there, to a fraction of a sample."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.measure import (
    chirp,
    find_start,
    gaps,
    leakage_db,
    level_dbfs,
    onsets,
    peak_dbfs,
    programme,
)


@pytest.mark.parametrize("lag", [0, 1, 777, 20_000])
def test_a_programme_is_found_where_it_begins(lag: int) -> None:
    sound = programme(0.5, seed=3)
    noise = 0.02 * np.random.default_rng(1).standard_normal(lag + len(sound) + 9_000)
    noise[lag : lag + len(sound)] += sound
    start, score = find_start(noise, sound)
    assert start == pytest.approx(lag, abs=0.05)
    assert score > 0.95


@pytest.mark.parametrize("fraction", [0.25, 0.5, -0.4])
def test_a_start_between_two_samples_is_found_between_them(fraction: float) -> None:
    sound = chirp(0.3)
    bins = np.fft.rfftfreq(len(sound) * 2)
    shifted = np.fft.irfft(
        np.fft.rfft(sound, len(sound) * 2) * np.exp(-2j * np.pi * bins * (1000 + fraction))
    )
    assert find_start(shifted, sound)[0] == pytest.approx(1000 + fraction, abs=0.05)


def test_only_the_neighbourhood_that_was_asked_for_is_searched() -> None:
    sound = programme(0.2, seed=4)
    heard = np.zeros(60_000)
    for at in (1_000, 40_000):
        heard[at : at + len(sound)] += sound
    assert find_start(heard, sound, approx=40_100, search_frames=500)[0] == pytest.approx(40_000)
    assert find_start(heard, sound, approx=20_000, search_frames=500)[1] < 0.3


def test_another_programme_is_not_taken_for_this_one() -> None:
    assert find_start(programme(1.0, seed=5), programme(0.5, seed=6))[1] < 0.3


def test_leakage_is_told_in_decibels() -> None:
    mine, other = programme(2.0, seed=7), programme(2.0, seed=8)
    assert leakage_db(mine + 0.1 * other, other, 0, 48) == pytest.approx(-20, abs=1.0)
    assert leakage_db(np.zeros(1000), other) < -100


def test_levels_of_a_sine() -> None:
    sine = np.sin(2 * np.pi * 1000 * np.arange(48_000) / 48_000)
    assert level_dbfs(sine) == pytest.approx(-3.01, abs=0.01)
    assert peak_dbfs(0.5 * sine) == pytest.approx(-6.02, abs=0.01)
    assert level_dbfs(np.zeros(10)) == -120.0


def test_gaps_and_onsets_are_where_they_are() -> None:
    sound = np.zeros(10_000)
    sound[1000:3000] = 0.5
    sound[5000:8000] = 0.5
    assert gaps(sound, 500) == [(3000, 2000)]
    assert list(onsets(sound, 500)) == [1000, 5000]
