"""Samples are at their position or absent."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from agent.player.ring import Placer, Tone, Track


def ramp(first: int, frames: int) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    return (np.arange(first, first + frames) % 30_000).astype(np.int16)


def values(block: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> list[int]:
    return [int(value) for value in np.round(block * 32768)]


def test_what_is_appended_is_read_at_its_position() -> None:
    track = Track(first=100, capacity=1000)
    track.append(ramp(100, 50))
    block, there = track.read(110, 5)
    assert (values(block), there) == ([110, 111, 112, 113, 114], 5)


def test_samples_that_are_not_there_are_silent_and_counted() -> None:
    track = Track(first=10, capacity=100)
    track.append(ramp(10, 4))
    block, there = track.read(8, 8)
    assert (values(block), there) == ([0, 0, 10, 11, 12, 13, 0, 0], 4)


def test_a_full_ring_drops_the_newest_and_says_how_many() -> None:
    track = Track(first=0, capacity=100)
    track.append(ramp(0, 130))
    assert (track.end, track.dropped) == (100, 30)


@given(st.lists(st.integers(1, 700), min_size=1, max_size=40), st.integers(1, 500))
def test_a_stream_comes_out_as_it_went_in(blocks: list[int], step: int) -> None:
    track = Track(first=0, capacity=200_000)
    at = 0
    for frames in blocks:
        track.append(ramp(at, frames))
        at += frames
    out: list[int] = []
    for position in range(0, at, step):
        block, there = track.read(position, step)
        out += values(block)[:there]
    assert out == [n % 30_000 for n in range(at)]


def test_the_first_samples_are_skipped_exactly() -> None:
    track = Track(first=500)
    placer = Placer(track, skip_frames=1105)
    for n in range(3):
        placer.put(ramp(n * 1000, 1000), pts_us=1 + n * 20_833)
    assert values(track.read(500, 2)[0]) == [1105, 1106]
    assert track.end == 500 + 3000 - 1105


def test_blocks_that_were_thrown_away_leave_silence_of_their_length() -> None:
    track = Track(first=0)
    placer = Placer(track, 0)
    for n in [*range(30), *range(33, 36)]:
        placer.put(ramp(n * 960, 960), pts_us=1_000 + n * 20_000)
    assert placer.filled == 3 * 960
    assert values(track.read(33 * 960, 2)[0]) == [33 * 960 % 30_000, 33 * 960 % 30_000 + 1]


def test_an_exact_run_ends_where_the_decoder_was_held_up_and_keeps_nothing_after_it() -> None:
    track = Track(first=0)
    placer = Placer(track, 0, exact=True)
    for n in [*range(30), *range(33, 36)]:
        assert placer.slipped == (n > 33)
        placer.put(ramp(n * 960, 960), pts_us=1_000 + n * 20_000)
    assert (placer.slipped, placer.filled, track.end) == (True, 0, 30 * 960)


def test_jitter_of_time_stamps_and_missing_ones_move_nothing() -> None:
    track = Track(first=0)
    placer = Placer(track, 0)
    for n in range(60):
        jitter_us = (0, 5_000, -4_000, 21_000)[n % 4]
        placer.put(ramp(n * 960, 960), pts_us=0 if n == 59 else 9_000 + n * 20_000 + jitter_us)
    assert (placer.filled, track.end) == (0, 60 * 960)


def test_tones_alternate_and_never_exceed_half_scale() -> None:
    block, there = Tone((600, 900), 500).read(0, 48_000)
    assert there == 48_000
    assert np.max(np.abs(block)) <= 0.5
    halves = [np.argmax(np.abs(np.fft.rfft(half))) * 2 for half in np.split(block, 2)]
    assert halves == [600, 900]


def test_what_the_decoder_lost_is_silent_at_its_place_and_not_counted_as_there() -> None:
    track = Track(first=0)
    placer = Placer(track, skip_frames=0)
    for n in range(30):
        placer.put(np.full(1024, 1000, np.int16), pts_us=1_000 + n * 1024 * 1_000_000 // 48_000)
    after_us = 1_000 + (30 * 1024 + 4800) * 1_000_000 // 48_000
    placer.put(np.full(1024, 2000, np.int16), after_us)
    lost = placer.filled
    assert abs(lost - 4800) <= 2
    block, there = track.read(29 * 1024, 1024 + lost + 1024)
    assert there == 2048
    assert values(block)[1024 : 1024 + lost] == [0] * lost
    assert values(block)[-1] == 2000


def test_a_hole_is_counted_by_the_block_that_reads_it() -> None:
    track = Track(first=0, capacity=1000)
    track.append(ramp(0, 100))
    track.leave_out(50)
    track.append(ramp(150, 100))
    assert [track.read(at, 60)[1] for at in (0, 60, 120, 180)] == [60, 40, 30, 60]
