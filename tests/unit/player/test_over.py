"""What is said over a programme: how far it is turned down, how fast, and that it goes on."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from agent.player.clockmap import NS_PER_S
from agent.player.levels import gain_of_cdb
from agent.player.limiter import LOOKAHEAD_FRAMES
from agent.player.mixer import Mixer
from agent.player.ring import Silence, Tone, Track
from agent.player.voice import DUCK_CDB, DUCK_DOWN_MS, DUCK_UP_MS
from tests.unit.player.test_mixer import SECOND, Desk, finished, slot

UNDER = "v0.0"
"""As the desk names a cue that starts at 0."""

LOW = gain_of_cdb(DUCK_CDB)
DOWN, UP = DUCK_DOWN_MS * 48, DUCK_UP_MS * 48


def noise(seconds: float, seed: int = 1, peak: int = 20_000) -> NDArray[np.int16]:
    random = np.random.default_rng(seed)
    return random.integers(-peak, peak, round(seconds * SECOND)).astype(np.int16)


def track(sound: NDArray[np.int16]) -> Track:
    made = Track(0, capacity=len(sound))
    made.append(sound)
    made.finish()
    return made


def ended(desk: Desk) -> list[tuple[str, str, int]]:
    return [(token, reason, round(1_000 * at_s)) for token, reason, at_s in desk.ends()]


def test_the_programme_is_turned_down_before_the_voice_and_comes_up_after_it() -> None:
    desk = Desk()
    sound = noise(4.0)
    desk.cue(0.0, slot(track(sound), at=0))
    desk.cue(1.0, slot(Silence(), at=0, length=SECOND), over=UNDER)
    heard = desk.play(3.9).astype(float)
    there = sound[: len(heard)].astype(float)
    gain = heard / np.where(np.abs(there) > 2_000, there, np.nan)
    assert np.nanmin(gain[: SECOND - DOWN - 2 * 2048]) == pytest.approx(1.0, abs=1e-3)
    low = gain[SECOND : 2 * SECOND]
    assert np.nanmax(np.abs(low - LOW)) < 1e-3, "all of the voice, its first sample included"
    assert np.nanmin(gain[2 * SECOND + UP + 2 * 2048 :]) == pytest.approx(1.0, abs=1e-3)
    falls = np.flatnonzero((gain[:SECOND] < 0.999) & (gain[:SECOND] > LOW + 0.001))
    rises = np.flatnonzero((gain > LOW + 0.001) & (gain < 0.999))
    rises = rises[rises > SECOND]
    assert falls[-1] - falls[0] == pytest.approx(DOWN, abs=100)
    assert rises[-1] - rises[0] == pytest.approx(UP, abs=100)
    assert ended(desk) == [("v1.0", "finished", 2_000)]


def test_beneath_a_voice_and_after_it_every_sample_is_in_its_place() -> None:
    desk = Desk()
    sound = noise(4.0)
    desk.cue(0.0, slot(track(sound), at=0))
    desk.cue(1.0, slot(finished(SECOND), at=0), over=UNDER)
    heard = desk.play(3.9)
    after = slice(2 * SECOND + UP + 4096, len(heard))
    assert np.array_equal(heard[after], sound[after])
    beneath = slice(SECOND + 100, 2 * SECOND - 100)
    said = (np.arange(SECOND) % 20_000 + 1)[100:-100]
    expected = sound[beneath] * LOW + said
    assert np.max(np.abs(heard[beneath] - expected)) <= 1.0


def test_turning_down_and_up_makes_no_step_that_could_click() -> None:
    desk = Desk()
    desk.cue(0.0, slot(Tone((440,), 500), at=0))
    desk.cue(1.0, slot(Tone((660,), 500), at=0, length=SECOND), over=UNDER, fade_in_ms=10)
    heard = desk.play(3.0).astype(float)
    edge = 2 * np.pi * 440 / SECOND * np.max(np.abs(heard[:SECOND]))
    steps = np.abs(np.diff(heard))
    down = slice(SECOND // 2, SECOND - 1)
    up = slice(2 * SECOND + 10, 3 * SECOND)
    assert np.max(steps[down]) <= edge * 1.01 + 1
    assert np.max(steps[up]) <= edge * 1.01 + 1


def test_two_loud_voices_together_stay_below_the_ceiling() -> None:
    desk = Desk()
    desk.mixer = Mixer(1)
    loud = np.full(3 * SECOND, 32_767, np.int16) * np.sign(noise(3.0, 2) | 1)
    desk.cue(0.0, slot(track(loud.astype(np.int16)), at=0))
    desk.cue(1.0, slot(Tone((900,), 500), at=0, length=SECOND), over=UNDER, gain_cdb=600)
    heard = desk.play(2.9).astype(float)
    assert np.max(np.abs(heard)) <= 32_768 * gain_of_cdb(-100) + 1


def test_a_voice_over_what_does_not_play_takes_the_bus_as_ever() -> None:
    desk = Desk()
    desk.cue(0.0, slot(finished(3 * SECOND), at=0))
    desk.cue(0.5, slot(finished(SECOND), at=0), over="another")
    heard = desk.play(0.6)
    assert desk.ends() == [(UNDER, "taken_over", 0.5)]
    assert heard[24_000] == pytest.approx(1, abs=1)


def test_what_takes_the_bus_ends_both() -> None:
    desk = Desk()
    desk.cue(0.0, slot(finished(5 * SECOND), at=0))
    desk.cue(0.5, slot(finished(3 * SECOND), at=0), over=UNDER)
    desk.cue(1.0, slot(Silence(), at=0))
    heard = desk.play(1.3)
    assert sorted(desk.ends()) == [(UNDER, "taken_over", 1.0), ("v0.5", "taken_over", 1.0)]
    assert not heard[SECOND + 1 :].any()
    assert abs(int(heard[SECOND - 1])) < 20, "an edge of both"


def test_a_second_voice_over_it_takes_the_place_of_the_first_and_it_stays_low() -> None:
    desk = Desk()
    sound = noise(4.0)
    desk.cue(0.0, slot(track(sound), at=0))
    desk.cue(1.0, slot(Silence(), at=0), over=UNDER)
    desk.cue(1.5, slot(Silence(), at=0, length=SECOND), over=UNDER)
    heard = desk.play(3.9)
    assert desk.ends()[0] == ("v1.0", "taken_over", 1.5)
    low = slice(SECOND, round(2.5 * SECOND))
    assert np.max(np.abs(heard[low] - sound[low] * LOW)) <= 1.0
    assert np.array_equal(heard[-SECOND // 2 :], sound[: len(heard)][-SECOND // 2 :])


@pytest.mark.parametrize("after_s", [0.9, 1.5])
def test_a_voice_that_is_stopped_gives_the_programme_back(after_s: float) -> None:
    """Before its first sample, when the programme is on its way down, or in its midst."""
    desk = Desk()
    sound = noise(4.0)
    desk.cue(0.0, slot(track(sound), at=0))
    voice = desk.cue(1.0, slot(Silence(), at=0), over=UNDER)
    desk.play(after_s)
    voice.do(lambda: voice.stop(None, 20))
    heard = desk.play(3.9 - after_s - 0.1)
    assert desk.ends()[0][:2] == ("v1.0", "stopped")
    assert np.array_equal(heard[-SECOND // 2 :], sound[: len(heard)][-SECOND // 2 :])


def test_a_voice_whose_source_fails_gives_the_programme_back() -> None:
    desk = Desk()
    sound = noise(4.0)
    desk.cue(0.0, slot(track(sound), at=0))
    voice = desk.cue(1.0, over=UNDER)
    voice.outcome = "source_failed"
    heard = desk.play(3.9)
    assert desk.ends()[0][1] == "source_failed"
    assert np.array_equal(heard[-2 * SECOND :], sound[: len(heard)][-2 * SECOND :])


def test_a_programme_that_ends_beneath_leaves_the_voice_alone_on_the_bus() -> None:
    desk = Desk()
    desk.cue(0.0, slot(finished(round(1.5 * SECOND)), at=0))
    upper = desk.cue(1.0, slot(finished(SECOND), at=0), over=UNDER)
    heard = desk.play(1.8)
    assert ended(desk) == [(UNDER, "finished", 1_500)]
    assert desk.mixer.playing() == [upper]
    at = round(1.7 * SECOND)
    assert heard[at] == pytest.approx((at - SECOND) % 20_000 + 1, abs=1)
    desk.play(0.5)
    assert ended(desk)[1] == ("v1.0", "finished", 2_000)
    assert desk.mixer.quiet_until(100 * NS_PER_S)


def test_a_stopped_programme_beneath_fades_and_the_voice_goes_on() -> None:
    desk = Desk()
    under = desk.cue(0.0, slot(finished(5 * SECOND), at=0))
    desk.cue(1.0, slot(Tone((900,), 500), at=0), over=UNDER)
    desk.play(1.5)
    under.do(lambda: under.stop(None, 20))
    desk.play(0.5)
    assert [end[:2] for end in desk.ends()] == [(UNDER, "stopped")]
    assert [voice.token for voice in desk.mixer.playing()] == ["v1.0"]


@pytest.mark.parametrize("ppm", [-200.0, 200.0])
def test_beneath_a_voice_a_programme_follows_the_clock_like_any_other(ppm: float) -> None:
    desk = Desk(ppm=ppm)
    under = desk.cue(0.0, slot(Silence(), at=0))
    desk.cue(5.0, slot(Silence(), at=0, length=40 * SECOND), over=UNDER)
    desk.play(60.0)
    dac_s = desk.frames / SECOND * (1.0 - ppm * 1e-6)
    assert abs((under.cursor - LOOKAHEAD_FRAMES) / SECOND - dac_s) < 0.0008


def test_what_is_heard_is_told_of_the_voice_above_and_an_underrun_counts_for_both() -> None:
    desk = Desk()
    under = desk.cue(0.0, slot(finished(5 * SECOND), at=0))
    upper = desk.cue(0.5, slot(finished(SECOND), at=0), over=UNDER)
    desk.play(1.0)
    assert desk.mixer.playing() == [upper]
    desk.mixer.render(2048, round(desk.frames / SECOND * NS_PER_S), underrun=True)
    desk.frames += 2048
    assert (under.underruns, upper.underruns) == (1, 1)
    desk.play(1.0)
    assert desk.mixer.playing() == [under]
