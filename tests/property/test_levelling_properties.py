"""A live source is led within its bounds, never faster than its slew, and by programme alone."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from agent.core.loudness import Levels, aim_of
from agent.player.hearing import LOOK_FRAMES, Ear, Kind
from agent.player.levelling import DOWN_DB_PER_S, UP_DB_PER_S, Fader, Gauge, Rule
from agent.player.protocol import RATE_HZ, Aim, Source
from simulator.measure import programme

Wave = NDArray[np.float32]

found = aim_of(Source("stream", "http://dai.example/live"), Levels(), 3)
assert found is not None
AIM = found
TARGET, CUT, BOOST = (one / 100 for one in (AIM.loudness_clufs, AIM.cut_cdb, AIM.boost_cdb))
SETTLED_LOOKS = 12
"""Three seconds: so much programme must have been heard before it is raised."""

LUFS = st.one_of(st.none(), st.floats(-120, 20), st.sampled_from((math.nan, math.inf, -math.inf)))
KINDS: st.SearchStrategy[Kind] = st.sampled_from(("sound", "silent", "hiss"))
LOOKS = st.lists(st.tuples(LUFS, st.floats(-120, 20), KINDS), max_size=200)
AIMS = st.builds(
    Aim,
    st.integers(-4_000, -1_000),
    st.integers(-500, 9_000),
    st.integers(-500, 9_000),
    st.integers(-1_000, 1_000),
)

PROGRAMME = programme(30.0, seed=5)


@given(AIMS, LOOKS)
def test_no_source_is_led_out_of_its_bounds_whatever_it_sends(
    aim: Aim, looks: list[tuple[float | None, float, Kind]]
) -> None:
    rule = Rule(aim)
    for look in looks:
        gain = rule.hear(*look).gain_db
        assert math.isfinite(gain)
        assert -max(0, aim.cut_cdb) / 100 <= gain <= max(0, aim.boost_cdb) / 100
        assert -40.0 <= gain <= 24.0


@given(LOOKS, st.lists(st.tuples(LUFS, st.floats(-120, 20), KINDS), max_size=100))
def test_a_pause_silence_or_hiss_never_raises(
    before: list[tuple[float | None, float, Kind]], pause: list[tuple[float | None, float, Kind]]
) -> None:
    """Whatever was heard before: no programme, no raise. Faint sound is no programme."""
    rule = Rule(AIM)
    for look in before:
        rule.hear(*look)
    for lufs, peak, kind in pause:
        is_faint = lufs is None or not lufs > TARGET - BOOST - 10.0 or lufs == math.inf
        held = rule.gain_db
        rule.hear(lufs, peak, kind if is_faint else "hiss")
        assert rule.gain_db <= held


@given(
    LOOKS,
    st.floats(TARGET - BOOST, TARGET + CUT),
    st.lists(st.floats(-2.5, 2.5), min_size=SETTLED_LOOKS, max_size=60),
)
def test_what_goes_on_evenly_comes_within_one_lu_of_the_target(
    before: list[tuple[float | None, float, Kind]], lufs: float, sway: list[float]
) -> None:
    """At once when it is new, and after 20 s whatever it was before."""
    energies = [10 ** ((lufs + one) / 10) for one in sway]
    mean = 10 * math.log10(sum(energies) / len(energies))
    wanted = max(-CUT, min(BOOST, TARGET - mean))
    for rule, times in ((Rule(AIM), 1), (Rule(AIM), 80 // len(sway) + 1)):
        if times > 1:
            for look in before:
                rule.hear(*look)
        for one in sway * times:
            rule.hear(lufs + one, lufs + 3.0, "sound")
        assert rule.gain_db == pytest.approx(wanted, abs=1.0)


def test_nothing_is_raised_further_into_the_limiter_than_a_file() -> None:
    rule = Rule(AIM)
    for _ in range(40):
        rule.hear(-30.0, -1.0, "sound")
    assert rule.gain_db == pytest.approx(6.0)  # 5 dBFS at the limiter, which takes back six


def test_three_seconds_of_programme_are_wanted_before_anything_is_raised() -> None:
    rule = Rule(AIM)
    gains = [rule.hear(-30.0, -20.0, "sound").gain_db for _ in range(SETTLED_LOOKS)]
    assert gains[:-1] == [0.0] * (SETTLED_LOOKS - 1)
    assert gains[-1] == pytest.approx(12.0, abs=0.1)


def test_a_loud_hiss_is_lowered_all_the_same() -> None:
    rule = Rule(AIM)
    for _ in range(SETTLED_LOOKS):
        rule.hear(-8.0, 0.0, "hiss")
    assert rule.gain_db == pytest.approx(-7.0, abs=0.1)


# --- on real samples ------------------------------------------------------------------------

STRETCHES = st.lists(
    st.tuples(st.integers(RATE_HZ // 4, 6 * RATE_HZ), st.sampled_from((-99, -30, -18, -5, 5))),
    min_size=1,
    max_size=5,
)


def wave_of(stretches: Iterable[tuple[int, int]]) -> Wave:
    """Programme at these gains, one after the other; -99 is silence."""
    parts = [
        PROGRAMME[:frames] * np.float32(0.0 if db == -99 else 10 ** (db / 20))
        for frames, db in stretches
    ]
    return np.clip(np.concatenate(parts), -1.0, 1.0)


@given(
    STRETCHES,
    st.lists(st.integers(1, 4_096), min_size=1, max_size=5),
    st.integers(0, 4 * RATE_HZ),
    st.integers(0, 3 * RATE_HZ),
)
@settings(max_examples=40)
def test_the_gain_moves_by_its_slew_at_most_and_never_up_while_nothing_is_heard(
    stretches: list[tuple[int, int]], blocks: list[int], first: int, store: int
) -> None:
    """However it is cut, from wherever it is joined, with whatever is in store."""
    wave = wave_of(stretches)
    gauge, ear = Gauge(AIM, 30 * RATE_HZ), Ear()
    fader = Fader(gauge)
    pcm = np.rint(wave * 32_767).astype(np.int16)
    arrived, at, turn = 0, first, 0
    gains: list[NDArray[np.float64]] = []
    while at < len(pcm):
        frames = min(blocks[turn % len(blocks)], len(pcm) - at)
        new = pcm[arrived : at + frames + store]
        arrived += len(new)
        gauge.add(new, ear.add(new.astype(np.float32) / np.float32(32_768)))
        gains.append(fader.gains(at, frames).astype(np.float64))
        at, turn = at + frames, turn + 1
    if not gains:
        return
    db = 20 * np.log10(np.concatenate(gains))
    assert np.all(np.isfinite(db))
    assert db.min() >= -CUT - 1e-3
    assert db.max() <= BOOST + 1e-3
    every = RATE_HZ // 20
    moved = db[every:] - db[:-every]
    assert np.all(moved <= UP_DB_PER_S / 20 + 5e-3)  # within a block it moves in a straight line
    assert np.all(moved >= -DOWN_DB_PER_S / 20 - 5e-3)
    # A look that was silent from beginning to end, once it was judged.
    for look in range(-(-first // LOOK_FRAMES), len(pcm) // LOOK_FRAMES):
        silent = not np.any(pcm[look * LOOK_FRAMES : (look + 1) * LOOK_FRAMES])
        if silent and store >= LOOK_FRAMES + max(blocks):
            here = db[look * LOOK_FRAMES - first : (look + 1) * LOOK_FRAMES - first]
            assert np.all(np.diff(here) <= 1e-5)


@given(st.lists(st.integers(64, 3_000), min_size=1, max_size=6))
@settings(max_examples=20)
def test_a_position_that_is_read_again_has_the_same_gain(blocks: list[int]) -> None:
    """The mixer looks a little ahead, and steps back by up to a second."""
    gauge, wave = Gauge(AIM, 30 * RATE_HZ), wave_of([(4 * RATE_HZ, -30), (3 * RATE_HZ, 5)])
    gauge.add(np.rint(wave * 32_767).astype(np.int16), Ear().add(wave))
    plain, other = Fader(gauge), Fader(gauge)
    once = np.concatenate([plain.gains(at, 2_048) for at in range(0, 2 * RATE_HZ, 2_048)])
    at, turn = 0, 0
    while at < 2 * RATE_HZ:
        frames = blocks[turn % len(blocks)]
        other.gains(at + frames, 17)
        other.gains(max(0, at - RATE_HZ), 100)
        again = other.gains(at, frames)[: max(0, len(once) - at)]
        assert again == pytest.approx(once[at : at + len(again)], abs=1e-4)
        at, turn = at + frames, turn + 1
