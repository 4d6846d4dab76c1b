"""Nothing leaves above the ceiling, whatever comes in; what is below it is not touched."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from agent.measuring.ebu import LoudnessMeter
from agent.player.limiter import (
    CEILING_CDB,
    LOOKAHEAD_FRAMES,
    RELEASE_DB_PER_S,
    Limiter,
)
from agent.player.protocol import RATE_HZ

Wave = NDArray[np.float32]

CEILING = 10.0 ** (CEILING_CDB / 2000.0)
PLUS_24_DB = 15.85
METER_DB = 0.1
"""Two true-peak meters may differ by so much (EBU Tech 3341 allows 0.2)."""


def limited(wave: Wave, blocks: tuple[int, ...] = (2048,)) -> tuple[Wave, Limiter]:
    """`wave` and what follows of the delay, through one limiter, in blocks of these lengths."""
    limiter, out, at, turn = Limiter(), [], 0, 0
    wave = np.concatenate((wave, np.zeros(LOOKAHEAD_FRAMES, np.float32)))
    while at < len(wave):
        frames = blocks[turn % len(blocks)]
        out.append(limiter.process(wave[at : at + frames]).copy())
        at, turn = at + frames, turn + 1
    return np.concatenate(out)[LOOKAHEAD_FRAMES:], limiter


def true_peak_dbtp(wave: Wave) -> float:
    """By libebur128, which has an interpolator of its own."""
    with LoudnessMeter(RATE_HZ) as meter:
        meter.add(np.rint(wave * 32_767).astype(np.int16))
        meter.add(np.zeros(RATE_HZ // 10, np.int16))
        return meter.true_peak_dbtp or -120.0


@st.composite
def waves(draw: st.DrawFn) -> Wave:
    """Up to a second of stretches of noise, tones, squares, clicks and silence, up to +24 dBFS."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    stretches = []
    for _ in range(draw(st.integers(1, 5))):
        frames = draw(st.integers(1, 9_000))
        height = PLUS_24_DB * 10.0 ** (-draw(st.floats(0.0, 40.0)) / 20.0)
        at = np.arange(frames)
        hertz = draw(st.floats(20.0, 20_000.0))
        phase = draw(st.floats(0.0, 6.28))
        kind = draw(st.sampled_from(("noise", "tone", "square", "clicks", "signs", "silence")))
        stretch = {
            "noise": rng.uniform(-1, 1, frames),
            "tone": np.sin(2 * np.pi * hertz * at / RATE_HZ + phase),
            "square": np.sign(np.sin(2 * np.pi * hertz / 20 * at / RATE_HZ + phase)),
            "clicks": np.where(rng.uniform(size=frames) < 0.002, rng.choice((-1, 1), frames), 0),
            "signs": rng.choice((-1.0, 1.0), frames),
            "silence": np.zeros(frames),
        }[kind]
        stretches.append(height * stretch)
    return np.concatenate(stretches).astype(np.float32)


block_lengths = st.lists(st.integers(1, 4_096), min_size=1, max_size=4).map(tuple)


@settings(max_examples=100, deadline=None)
@given(waves(), st.integers(64, 4_096))
def test_no_sample_and_no_peak_between_samples_leaves_above_the_ceiling(
    wave: Wave, block: int
) -> None:
    out, _ = limited(wave, (block,))
    assert float(np.max(np.abs(out))) <= CEILING + 1e-6
    assert true_peak_dbtp(out) <= CEILING_CDB / 100 + METER_DB


@settings(max_examples=30, deadline=None)
@given(waves(), block_lengths)
def test_what_stays_below_the_ceiling_leaves_bit_for_bit(
    wave: Wave, blocks: tuple[int, ...]
) -> None:
    highest = max(float(np.max(np.abs(wave))), 1e-6)
    wave = (wave * np.float32(0.44 / highest)).astype(np.float32)  # 6 dB below, for any wave
    out, limiter = limited(wave, blocks)
    assert np.array_equal(out[: len(wave)], wave)
    assert limiter.deepest == 1.0


@settings(max_examples=30, deadline=None)
@given(waves(), block_lengths)
def test_how_the_card_cuts_its_blocks_changes_nothing(wave: Wave, blocks: tuple[int, ...]) -> None:
    whole, _ = limited(wave, (1024,))
    cut, _ = limited(wave, blocks)
    frames = len(wave)
    assert np.max(np.abs(whole[:frames] - cut[:frames])) < 1e-5


@settings(max_examples=60, deadline=None)
@given(st.floats(0.5, 24.0), st.integers(1, 4_000))
def test_the_gain_moves_without_a_step_and_is_whole_again_after_its_release(
    over_db: float, length: int
) -> None:
    """A loud stretch in a steady wave: what is left of the wave shows the gain at each sample."""
    steady = np.full(2 * RATE_HZ, 0.25, np.float32)
    at = RATE_HZ // 2
    steady[at : at + length] = CEILING * 10 ** (over_db / 20)
    out, _ = limited(steady)
    gain = np.concatenate((out[: at - 8], out[at + length + 8 : len(steady)])) / 0.25
    steps_db = np.abs(np.diff(20 * np.log10(gain)))
    # 24 dB within 2 ms by two moving means are at most 0.75 dB from one sample to the next; the
    # single larger one is where the loud stretch was cut out of the view.
    assert np.sort(steps_db)[-2] < over_db * 0.045 + 0.05
    assert np.all(gain <= 1.0 + 1e-6)
    assert gain[at - LOOKAHEAD_FRAMES - 20] == pytest.approx(1.0)  # not a moment earlier
    # The edges of a rectangle rise up to 2 dB above it between the samples.
    back = at + length + round((over_db + 3.0) / RELEASE_DB_PER_S * RATE_HZ) + LOOKAHEAD_FRAMES
    assert np.array_equal(out[back : len(steady)], steady[back:])


def test_the_interpolator_finds_a_peak_between_two_samples() -> None:
    """A quarter of the rate, sampled off its crests: 3 dB more between the samples than at them."""
    at = np.arange(RATE_HZ)
    wave = (1.2 * np.sin(2 * np.pi * at / 4 + np.pi / 4)).astype(np.float32)
    assert float(np.max(np.abs(wave))) < CEILING < 1.2
    out, limiter = limited(wave)
    assert limiter.deepest < 0.76
    assert true_peak_dbtp(out[4_800:-4_800]) <= CEILING_CDB / 100 + METER_DB
