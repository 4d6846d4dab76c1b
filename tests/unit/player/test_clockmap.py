"""Wall, monotonic and card clocks meet without loss."""

from __future__ import annotations

import pytest

from agent.player.clockmap import (
    NS_PER_MS,
    DacClock,
    StreamTime,
    WallMap,
    frames_of_ms,
    frames_of_ns,
    ms_of_frames,
    ns_of_frames,
)

BLOCK_NS = ns_of_frames(2048)


def test_a_wall_instant_and_back_is_the_same_instant() -> None:
    wall = WallMap(1_700_000_000_000_123)
    assert wall.wall_ms(wall.mono_ns(1_700_000_123_456, 0)) == 1_700_000_123_456


def test_slew_moves_the_newest_epoch_and_a_step_leaves_the_old_one_alone() -> None:
    wall = WallMap(5_000_000, epoch=1)
    wall.update(1, 5_000_400)
    assert wall.mono_ns(10_000, 1) == 10_000 * NS_PER_MS - 5_000_400_000
    wall.update(2, 9_000_000)
    wall.update(1, 0)
    assert wall.mono_ns(10_000, 1) == 10_000 * NS_PER_MS - 5_000_400_000
    assert wall.wall_ms(0) == 9_000


def test_an_unknown_epoch_is_read_as_the_newest() -> None:
    assert WallMap(1_000_000, epoch=3).wall_ms(0, 77) == 1_000


def test_units_round_to_the_nearest() -> None:
    assert (frames_of_ms(1000), ms_of_frames(47), frames_of_ns(1e9)) == (48_000, 1, 48_000)


def test_the_dac_clock_smooths_noise() -> None:
    clock = DacClock()
    clock.update(2048, 0)
    for n in range(1, 10):
        noise_ns = 200_000 if n % 2 else -200_000
        believed = clock.update(2048, n * BLOCK_NS + noise_ns)
        assert abs(believed - n * BLOCK_NS) < 50_000


def test_the_dac_clock_follows_a_crystal_that_is_off() -> None:
    clock = DacClock()
    believed = 0
    for n in range(500):
        believed = clock.update(2048, round(n * BLOCK_NS * 1.0001))
    assert abs(believed - 499 * BLOCK_NS * 1.0001) < 100_000


def test_one_strange_block_is_not_believed_and_three_are() -> None:
    clock = DacClock()
    for n in range(5):
        clock.update(2048, n * BLOCK_NS)
    late = 50 * NS_PER_MS
    first = clock.update(2048, 5 * BLOCK_NS + late)
    assert first == pytest.approx(5 * BLOCK_NS, abs=10)
    clock.update(2048, 6 * BLOCK_NS + late)
    assert clock.update(2048, 7 * BLOCK_NS + late) == 7 * BLOCK_NS + late


def test_a_reported_underrun_is_believed_at_once() -> None:
    clock = DacClock()
    clock.update(2048, 0)
    assert clock.update(2048, BLOCK_NS + 70 * NS_PER_MS, jumped=True) == BLOCK_NS + 70 * NS_PER_MS


def test_a_callback_that_reads_the_clock_late_does_not_move_the_sound() -> None:
    stream = StreamTime()
    exact = stream.mono_ns(100.0, 100.085, 5_000_000_000)
    delayed = stream.mono_ns(100.0427, 100.1277, 5_042_700_000 + 3_000_000)
    assert delayed - exact == pytest.approx(42_700_000, abs=50_000)


def test_a_step_of_the_wall_clock_does_not_move_the_sound() -> None:
    stream = StreamTime()
    exact = stream.mono_ns(100.0, 100.085, 5_000_000_000)
    forward = stream.mono_ns(3700.0427, 3700.1277, 5_042_700_000)
    backward = stream.mono_ns(50.0854, 50.1704, 5_085_400_000)
    assert forward - exact == pytest.approx(42_700_000, abs=50_000)
    assert backward - exact == pytest.approx(85_400_000, abs=50_000)
