"""Samples are at their position or absent."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from agent.player.ring import Tone, Track


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


def test_tones_alternate_and_never_exceed_half_scale() -> None:
    block, there = Tone((600, 900), 500).read(0, 48_000)
    assert there == 48_000
    assert np.max(np.abs(block)) <= 0.5
    halves = [np.argmax(np.abs(np.fft.rfft(half))) * 2 for half in np.split(block, 2)]
    assert halves == [600, 900]


def test_a_hole_is_counted_by_the_block_that_reads_it() -> None:
    track = Track(first=0, capacity=1000)
    track.append(ramp(0, 100))
    track.leave_out(50)
    track.append(ramp(150, 100))
    assert [track.read(at, 60)[1] for at in (0, 60, 120, 180)] == [60, 40, 30, 60]
