"""A rate that is almost one: what it does to a tone, to a crystal that is off, and to a jump.

The figures are printed by `pytest -s tests/unit/player/test_playout.py`.
"""

# ruff: noqa: T201  (figures, shown by `pytest -s`)
from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from agent.player.playout import AHEAD_FRAMES, RATE_CHANGE_PER_S, RATE_MOST, Between, Steering
from agent.player.ring import Block

SECOND = 48_000
BLOCK = 1024


def played(sound: NDArray[np.float32], rates: list[float], block: int = BLOCK) -> Block:
    """What `Between` makes of `sound`, one rate a block."""
    between, at, out = Between(), 0, []
    for rate in rates:
        if between.exact(rate):
            out.append(between.passed(sound[at : at + block]))
            at += block
        else:
            count = between.consumes(block, rate)
            ahead = sound[at + count : at + count + AHEAD_FRAMES]
            out.append(between.render(sound[at : at + count], ahead, block, rate))
            at += count
    return np.concatenate(out)


def sine(hertz: float, frames: int) -> NDArray[np.float32]:
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(frames) / SECOND)).astype(np.float32)


def distortion_db(heard: Block, hertz: float) -> float:
    """THD+N of what should be a sine: what is left when the sine is taken away, relative to it."""
    at = np.arange(len(heard))
    pair = np.column_stack([f(2 * np.pi * hertz * at / SECOND) for f in (np.sin, np.cos)])
    fit, *_ = np.linalg.lstsq(pair, heard.astype(np.float64), rcond=None)
    rest = heard - pair @ fit
    return float(10 * np.log10(np.mean(rest**2) / np.mean((pair @ fit) ** 2)))


@pytest.mark.parametrize("ppm", [100.0, -100.0, 2000.0])
@pytest.mark.parametrize(("hertz", "bound_db"), [(1_000.0, -90.0), (10_000.0, -85.0)])
def test_a_tone_comes_out_as_clean_as_sixteen_bits_hold_it(
    hertz: float, bound_db: float, ppm: float
) -> None:
    rate = 1 + ppm * 1e-6
    heard = played(sine(hertz, 4 * SECOND), [rate] * 150)
    thd_n_db = distortion_db(heard[64:], hertz * rate)
    level_db = 20 * np.log10(np.max(np.abs(heard)) / 0.5)
    print(f"{hertz:.0f} Hz at {ppm:+.0f} ppm: THD+N {thd_n_db:.1f} dB, level {level_db:+.3f} dB")
    assert thd_n_db < bound_db
    assert abs(level_db) < 0.02


@pytest.mark.parametrize("block", [512, 1024, 2048])
def test_a_block_costs_little(block: int) -> None:
    sound = np.random.default_rng(1).standard_normal(block + 200).astype(np.float32)
    between, spent = Between(), []
    for _ in range(200):
        count = between.consumes(block, 1.0001)
        began = time.perf_counter_ns()
        between.render(sound[:count], sound[count : count + AHEAD_FRAMES], block, 1.0001)
        spent.append((time.perf_counter_ns() - began) / 1e6)
    p50, p99 = np.percentile(spent, (50, 99))
    share = 100 * p50 / (1000 * block / SECOND)
    print(f"{block} frames: p50 {p50:.3f} ms, p99 {p99:.3f} ms, {share:.2f} % of a core")
    assert p50 < 1.0  # a tenth is usual; per-sample Python would take more than ten


def test_at_rate_one_every_sample_passes_untouched() -> None:
    sound = np.random.default_rng(2).standard_normal(20 * BLOCK).astype(np.float32)
    assert np.array_equal(played(sound, [1.0] * 20), sound)


def test_a_rate_that_changes_at_every_block_leaves_no_step_in_the_sound() -> None:
    """Second differences of a 200 Hz tone: a step of a tenth of a sample would stand out."""
    rng = np.random.default_rng(3)
    rates = [1.0, 1.0, *(1.0 + rng.uniform(-RATE_MOST, RATE_MOST, 60))]
    heard = played(sine(200.0, 70 * BLOCK), rates)[64:].astype(np.float64)
    bend = 0.5 * (2 * np.pi * 200 / SECOND) ** 2
    assert np.max(np.abs(np.diff(heard, 2))) < 1.02 * bend


@given(
    blocks=st.lists(
        st.tuples(st.integers(1, 700), st.floats(1 - RATE_MOST, 1 + RATE_MOST)),
        min_size=1,
        max_size=30,
    )
)
def test_blocks_of_any_length_and_rate_read_where_the_sum_of_the_rates_says(
    blocks: list[tuple[int, float]],
) -> None:
    """On a straight line the sound is its position: no block may skip or repeat any of it."""
    line = np.arange(25_000, dtype=np.float32)
    between, at, heard, due, place = Between(), 0, [], [], 0.0
    for frames, rate in blocks:
        count = between.consumes(frames, rate)
        ahead = line[at + count : at + count + AHEAD_FRAMES]
        heard.append(between.render(line[at : at + count], ahead, frames, rate))
        due.append(place + rate * np.arange(frames))
        at, place = at + count, place + rate * frames
        assert 0.0 <= between.fraction < 1.0
        assert at + between.fraction == pytest.approx(place, abs=1e-6)
    everything, truth = np.concatenate(heard)[40:], np.concatenate(due)[40:]
    assert np.allclose(everything, truth, atol=1e-4 * max(1.0, place))


def steered(seconds: float, behind_s: float, card: float, told: float) -> NDArray[np.float64]:
    """(seconds behind, rate less one) after each block, on a card whose second is 1 + `card`."""
    steering, rows = Steering(), []
    steering.begin(0.0)
    for _ in range(round(seconds * SECOND / BLOCK)):
        rate = steering.follow(behind_s * SECOND, told, BLOCK)
        behind_s += (card - (rate - 1.0)) * BLOCK / SECOND
        rows.append((behind_s, rate - 1.0))
    return np.array(rows)


@pytest.mark.parametrize("ppm", [-100, 100, 300])
def test_a_crystal_that_is_off_gives_a_steady_rate_and_no_saw_tooth(ppm: int) -> None:
    rows = steered(60.0, 0.0, ppm * 1e-6, told=ppm * 1e-6)
    later = rows[len(rows) // 6 :]
    assert np.ptp(later[:, 1]) < 0.5e-6
    assert later[:, 1].mean() == pytest.approx(ppm * 1e-6, abs=0.5e-6)
    assert np.max(np.abs(rows[:, 0])) < 50e-6


def test_a_crystal_that_nobody_told_of_costs_a_fifth_of_a_millisecond_at_most() -> None:
    rows = steered(60.0, 0.0, 100e-6, told=0.0)
    assert np.max(np.abs(rows[:, 0])) < 250e-6


@given(behind_ms=st.floats(-20, 20), ppm=st.floats(-300, 300))
def test_any_error_is_brought_back_without_overshoot_and_no_faster_than_is_unheard(
    behind_ms: float, ppm: float
) -> None:
    rows = steered(40.0, behind_ms / 1e3, ppm * 1e-6, told=ppm * 1e-6)
    rates = np.concatenate(([0.0], rows[:, 1]))
    assert np.max(np.abs(rates)) < RATE_MOST * 1.000001
    assert np.max(np.abs(np.diff(rates))) <= RATE_CHANGE_PER_S * BLOCK / SECOND * 1.000001
    assert abs(rows[-1, 0]) < 60e-6
    assert np.all(rows[:, 0] * np.sign(behind_ms) > -0.4e-3)  # across the line, and how far


def test_a_card_as_true_as_the_clock_is_left_alone() -> None:
    steering = Steering()
    steering.begin(1e-6)
    for n in range(200):
        assert steering.follow(0.9 if n % 2 else -0.9, 1e-6, BLOCK) == 1.0


@pytest.mark.parametrize("ppm", [-200, 200])
def test_a_relay_holds_its_store_against_a_sender_that_is_off(ppm: int) -> None:
    """Two hours, in bursts of 1152 frames: the store settles, and the rate with it."""
    steering, excess, mean, rates = Steering(), 0.0, 0.0, []
    held: list[float] = []
    burst = 0.0
    for _ in range(2 * 3600 * SECOND // BLOCK):
        burst += BLOCK * (1 + ppm * 1e-6)
        if burst >= 1152:
            excess, burst = excess + 1152, burst - 1152
        mean += (excess - mean) * BLOCK / (10 * SECOND)
        rate = steering.follow_live(mean, 0.0, BLOCK)
        excess -= BLOCK * rate
        rates.append(rate - 1.0)
        held.append(excess)
    late, held_late = np.array(rates[len(rates) // 2 :]), np.array(held[len(held) // 2 :])
    assert late.mean() == pytest.approx(ppm * 1e-6, abs=2e-6)
    assert late.std() < 3e-6
    assert np.max(np.abs(held_late)) < 0.08 * SECOND
