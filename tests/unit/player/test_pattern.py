"""The self-test's pattern is found where it is, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.player.pattern import SLOW_HZ, Found, find, slow_reference, slower
from agent.player.protocol import PATTERN_HZ, PATTERN_MS
from agent.player.ring import Block

SECONDS = 3


def noise(seed: int, level: float) -> Block:
    rng = np.random.default_rng(seed)
    return rng.normal(0, level, SECONDS * SLOW_HZ).astype(np.float32)


@settings(max_examples=30, deadline=None)
@given(at=st.integers(0, 29_000), gain=st.floats(0.02, 1.0), seed=st.integers(0, 999))
def test_it_is_found_on_the_sample_with_its_level(at: int, gain: float, seed: int) -> None:
    recording = noise(seed, gain / 3)
    recording[at : at + len(slow_reference())] += np.float32(gain) * slow_reference()
    found = find(recording)
    assert found.heard
    assert found.delay_us == pytest.approx(at * 1e6 / SLOW_HZ, abs=70)
    assert found.level_cdb is not None
    assert found.level_cdb == pytest.approx(100 * (20 * np.log10(gain) - 9.1), abs=60)


def test_a_card_that_is_100_ppm_off_costs_nothing() -> None:
    whole = slow_reference()
    at = np.arange(len(whole)) * (1 + 100e-6)
    recording = np.zeros(SECONDS * SLOW_HZ, np.float32)
    recording[4_000 : 4_000 + len(whole)] = np.interp(at, np.arange(len(whole)), whole)
    found = find(recording)
    assert found.heard
    assert found.snr_cdb is None or found.snr_cdb > 2_000


@pytest.mark.parametrize("level", [1e-4, 0.01, 0.3])
def test_noise_is_not_taken_for_it(level: float) -> None:
    assert not any(find(noise(seed, level)).heard for seed in range(20))


@pytest.mark.parametrize("hertz", [50, 440, 1_000, PATTERN_HZ[3]])
def test_a_hum_or_a_tone_is_not_taken_for_it(hertz: int) -> None:
    at = np.arange(SECONDS * SLOW_HZ) / SLOW_HZ
    sound = (0.3 * np.sin(2 * np.pi * hertz * at)).astype(np.float32) + noise(1, 1e-4)
    assert not find(sound).heard


def test_of_silence_and_of_too_little_nothing_is_claimed() -> None:
    assert find(np.zeros(SECONDS * SLOW_HZ, np.float32)) == Found(heard=False)
    assert find(np.zeros(100, np.float32)) == Found(heard=False)


@pytest.mark.parametrize("missing_ms", [50, 325, 700])
def test_one_whose_beginning_was_not_played_is_found_all_the_same(missing_ms: int) -> None:
    recording = noise(3, 0.01)
    late = missing_ms * SLOW_HZ // 1_000
    recording[2_000 + late : 2_000 + len(slow_reference())] += slow_reference()[late:]
    found = find(recording, missing_ms)
    assert found.heard
    assert found.delay_us == pytest.approx(125_000, abs=70)
    assert found.level_cdb == pytest.approx(-910, abs=60)
    assert not find(recording, PATTERN_MS).heard


def test_one_that_was_torn_on_the_way_is_found_by_its_larger_half() -> None:
    """Some 15 ms in the middle were lost, as on a sound server that has no time."""
    whole = slow_reference()
    torn = np.concatenate([whole[:8_000], whole[8_240:]])
    recording = noise(4, 0.01)
    recording[3_000 : 3_000 + len(torn)] += torn
    found = find(recording)
    assert found.heard
    assert found.delay_us in (187_500, 172_500) or abs((found.delay_us or 0) - 180_000) < 8_000


def test_the_slow_rate_keeps_the_level_of_the_voice_band() -> None:
    at = np.arange(48_000) / 48_000
    for hertz in (min(PATTERN_HZ), max(PATTERN_HZ)):
        slow = slower((0.5 * np.sin(2 * np.pi * hertz * at)).astype(np.float32))
        assert 20 * np.log10(np.std(slow) * 2**0.5 / 0.5) == pytest.approx(0, abs=0.5)
