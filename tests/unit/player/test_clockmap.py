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


def test_a_few_strange_blocks_are_not_believed_and_half_a_second_of_them_is() -> None:
    clock = DacClock()
    for n in range(60):
        clock.update(2048, n * BLOCK_NS)
    late = 50 * NS_PER_MS
    for n in range(60, 71):
        assert abs(clock.update(2048, n * BLOCK_NS + late) - n * BLOCK_NS) < 1_000
    assert clock.update(2048, 71 * BLOCK_NS + late) == 71 * BLOCK_NS + late


def test_bursts_of_wrong_figures_move_the_clock_by_half_a_millisecond_at_most() -> None:
    clock = DacClock()
    for n in range(500):
        noise_ns = 7 * NS_PER_MS if n % 50 >= 45 else 0
        believed = clock.update(2048, n * BLOCK_NS + (noise_ns if n > 60 else 0))
        assert abs(believed - n * BLOCK_NS) < 510_000


def test_a_reported_underrun_is_believed_at_once() -> None:
    clock = DacClock()
    clock.update(2048, 0)
    assert clock.update(2048, BLOCK_NS + 70 * NS_PER_MS, jumped=True) == BLOCK_NS + 70 * NS_PER_MS


@pytest.mark.parametrize("late_ns", [0, 4_000_000])
def test_a_callback_that_had_to_wait_does_not_move_the_sound(late_ns: int) -> None:
    now_ns, wall_ns = 5_000_000_000 + late_ns, 1_700_000_000_000_000_000 + late_ns
    by_wall = StreamTime().mono_ns(1_700_000_000.0, 1_700_000_000.085, now_ns, wall_ns)
    by_mono = StreamTime().mono_ns(5.0, 5.085, now_ns, wall_ns)
    assert by_wall == pytest.approx(5_085_000_000, abs=1_000)
    assert by_mono == pytest.approx(5_085_000_000, abs=1_000)


def test_a_step_of_the_wall_clock_does_not_move_the_sound() -> None:
    stream, wall_ns = StreamTime(), 1_700_000_000_000_000_000
    stepped_ns = wall_ns + 3_600_000_000_000
    assert stream.mono_ns(1_700_000_000.0, 1_700_000_000.085, 5_000_000_000, wall_ns) == (
        pytest.approx(5_085_000_000, abs=1_000)
    )
    assert stream.mono_ns(1_700_003_600.0, 1_700_003_600.085, 5_000_000_000, stepped_ns) == (
        pytest.approx(5_085_000_000, abs=1_000)
    )


def test_an_unknown_stream_clock_is_placed_by_the_earliest_callback() -> None:
    stream = StreamTime()
    exact = stream.mono_ns(100.0, 100.085, 5_000_000_000, 0)
    delayed = stream.mono_ns(100.0427, 100.1277, 5_042_700_000 + 3_000_000, 0)
    assert delayed - exact == pytest.approx(42_700_000, abs=50_000)
