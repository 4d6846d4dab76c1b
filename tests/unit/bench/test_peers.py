"""Beside other players: who plays when, how far two are apart, and what the table says of it."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.bench.peers import starts, steps, told
from simulator.bench.peers.__main__ import STARTERS
from simulator.bench.peers.costs import Cost, Usage
from simulator.bench.peers.players import first_version
from simulator.measure import programme

NAN = math.nan
OURS = told.Row("commune-radio, sound child", "", "a cue", (0.1, -0.1, 0.3), (0.02, -0.04))
PEER = told.Row(
    "mpv",
    "0.35.1",
    "a process",
    (200.0, NAN, 210.0),
    cost=Cost(Usage(0.04, 30.0), Usage(2.5, 41.26)),
)
FOUND = told.Told(
    rows=(OURS, PEER),
    machine=("machine during starts: quiet",),
    quiet=True,
    settings="`make bench-sound`, some day.",
    floor=(0.01, -0.02),
)


class Heard:
    """A recording whose frame 0 was heard at `zero_ms`, as the real recorder answers."""

    def __init__(self, sound: np.ndarray, zero_ms: float) -> None:
        self._sound, self._zero_ms = sound.astype(np.float32), zero_ms

    def frame_of_wall_ms(self, wall_ms: float) -> float:
        return (wall_ms - self._zero_ms) * 48

    def wall_ms_of(self, frame: float) -> float:
        return self._zero_ms + frame / 48

    def samples(self, bus: int, low: int = 0, high: int | None = None) -> np.ndarray:
        return self._sound[low:high]


def shifted(sound: np.ndarray, ms: float) -> np.ndarray:
    frames = round(abs(ms) * 48)
    return np.concatenate((np.zeros(frames), sound)) if ms >= 0 else sound[frames:]


# --- turns ------------------------------------------------------------------------------------


@given(st.integers(1, 9), st.integers(1, 20))
def test_every_player_has_one_turn_a_round_and_time_to_come_to_rest(
    players: int, rounds: int
) -> None:
    names = [f"p{number}" for number in range(players)]
    trials = starts.order(names, rounds, 1_000)
    for number in range(rounds):
        turn = trials[number * players : (number + 1) * players]
        assert sorted(one.player for one in turn) == names
    for name in names:
        own = [one.at_ms for one in trials if one.player == name]
        assert all(
            after - before >= starts.STOP_MS + starts.LEAD_MS for before, after in pairwise(own)
        )
    assert len({one.seed for one in trials}) == len(trials)


def test_neighbours_change_from_round_to_round() -> None:
    trials = starts.order([f"p{number}" for number in range(8)], 6, 0)
    before = {(a.player, b.player) for a, b in pairwise(trials)}
    assert len(before) > 16


@pytest.mark.parametrize("late_ms", [0.0, 0.25, 183.0, 1_400.0, -30.0])
def test_a_start_is_as_late_as_the_recording_says(late_ms: float) -> None:
    trial = starts.Trial("mpv", 77, 5_000)
    sound = starts.sound_of(trial.seed)[: 48_000 * 2]
    quiet = np.zeros(48_000)
    recording = Heard(
        np.concatenate((quiet, shifted(np.concatenate((quiet, sound)), late_ms))), 3_000
    )
    assert starts.lateness_ms(trial, recording) == pytest.approx(late_ms, abs=0.03)


def test_a_start_that_was_never_heard_is_no_number() -> None:
    other = Heard(programme(6.0, seed=1), 3_000)
    assert math.isnan(starts.lateness_ms(starts.Trial("mpv", 77, 5_000), other))


# --- pairs ------------------------------------------------------------------------------------


@pytest.mark.parametrize("late_ms", [0.0, 0.5, -12.0, 250.0])
def test_a_step_is_how_much_later_the_second_one_plays(late_ms: float) -> None:
    sound = programme(5.0, seed=9)
    pair = Heard(sound, 1_000), Heard(shifted(sound, late_ms), 1_000)
    found = steps.steps(*pair, 1_600, 4_600)
    assert [one.after_ms for one in found] == [500.0 * number for number in range(6)]
    assert [one.late_ms for one in found] == pytest.approx([late_ms] * 6, abs=0.03)


def test_a_recorder_that_began_later_is_no_step() -> None:
    sound = programme(5.0, seed=9)
    found = steps.steps(Heard(sound, 1_000), Heard(sound[48 * 300 :], 1_300), 2_000, 4_000)
    assert [one.late_ms for one in found] == pytest.approx([0.0] * len(found), abs=0.03)


@pytest.mark.parametrize(
    "second", [np.zeros(240_000), programme(5.0, seed=10), shifted(programme(5.0, seed=9), 700)]
)
def test_silence_another_programme_and_too_far_apart_are_lost(second: np.ndarray) -> None:
    found = steps.steps(Heard(programme(5.0, seed=9), 0), Heard(second, 0), 1_000, 3_000)
    assert found
    assert all(math.isnan(one.late_ms) for one in found)


# --- the table --------------------------------------------------------------------------------


def test_errors_lose_their_sign_and_what_was_not_heard_is_counted_beside_them() -> None:
    assert told.spread((-1.0, 3.0, 2.0)) == "2.00 / 2.90 / 3.00"
    assert told.spread((1.0, NAN)) == "1.00 / 1.00 / 1.00 (1 of 2 lost)"
    assert told.spread((NAN, NAN)) == "none of 2"
    assert told.spread(()) == told.NONE
    assert told.wobble((-1.0, NAN, 1.0)) == "−0.900 … 0.900"


def test_the_ratio_is_of_medians_and_only_of_what_was_heard() -> None:
    assert told.times_ours((200.0, NAN, -220.0), (0.1, -0.1)) == "2,100"
    assert told.times_ours((0.2,), (0.1,)) == "2.0"
    assert told.times_ours((0.005,), (0.1,)) == "0.05"
    assert told.times_ours((NAN,), (0.1,)) == told.NONE
    assert told.times_ours((1.0,), ()) == told.NONE


def test_the_table_has_a_row_for_each_player_and_as_many_cells_in_each() -> None:
    lines = told.table(FOUND).splitlines()
    cells = [[one.strip() for one in line.strip("|").split("|")] for line in lines]
    assert {len(row) for row in cells} == {7}
    assert cells[2] == [
        *("commune-radio, sound child", "0.100 / 0.280 / 0.300", "1.0"),
        *("0.030 / 0.039 / 0.040", "1.0", told.NONE, told.NONE),
    ]
    assert cells[3] == [
        *("mpv 0.35.1", "205 / 210 / 210 (1 of 3 lost)", "2,050", told.NONE, told.NONE),
        *("0.0 / 2.5", "30.0 / 41.3"),
    ]


def test_a_disturbed_machine_is_named_in_readme_and_page() -> None:
    busy = replace(FOUND, quiet=False, troubles=("mopidy: left out, mopidy is not here",))
    assert "disturbed" not in told.readme_part(FOUND)
    assert "disturbed" in told.readme_part(busy)
    assert "disturbed" in told.page_part(busy)
    assert "left out" in told.page_part(busy)


def test_a_document_keeps_its_words_and_renews_what_stands_between_the_markers() -> None:
    page = "before\n<!-- bench-sound -->\nold\n<!-- /bench-sound -->\nafter\n"
    once = told.renewed(page, "new")
    assert once == "before\n<!-- bench-sound -->\nnew\n<!-- /bench-sound -->\nafter\n"
    assert told.renewed(once, "new") == once
    with pytest.raises(ValueError, match="bench-sound"):
        told.renewed("no markers", "new")


def test_the_picture_is_well_formed_and_has_a_dot_for_everything_that_was_heard() -> None:
    picture = ET.fromstring(told.picture(FOUND))  # noqa: S314 - our own text
    assert len(list(picture.iter("{http://www.w3.org/2000/svg}circle"))) == 3 + 2 + 2
    nothing = told.Told((replace(PEER, starts=(NAN,), cost=None),), (), False, "")
    assert not list(
        ET.fromstring(told.picture(nothing)).iter("{http://www.w3.org/2000/svg}circle")  # noqa: S314
    )


def test_a_long_run_is_drawn_with_its_smallest_and_largest_error() -> None:
    many = tuple(float(one) for one in range(1, 1_001))
    one_row = replace(FOUND, rows=(replace(OURS, starts=many, steps=()),))
    circles = list(
        ET.fromstring(told.picture(one_row)).iter("{http://www.w3.org/2000/svg}circle")  # noqa: S314
    )
    few = replace(FOUND, rows=(replace(OURS, starts=(1.0, 1_000.0), steps=()),))
    ends = [
        one.get("cx")
        for one in ET.fromstring(told.picture(few)).iter("{http://www.w3.org/2000/svg}circle")  # noqa: S314
    ]
    assert len(circles) == told.DOTS_MOST
    assert [circles[0].get("cx"), circles[-1].get("cx")] == ends


def test_every_player_has_a_name_of_its_own_and_says_how_it_is_told() -> None:
    assert len({one.name for one in STARTERS}) == len(STARTERS)
    assert all(one.how for one in STARTERS)


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("Music Player Daemon 0.23.12 (0.23.12)", "0.23.12"),
        ("3.0.24-0+deb12u1", "3.0.24"),
        ("Mopidy 3.4.1\n", "3.4.1"),
        ("refused", "?"),
    ],
)
def test_a_version_is_found_in_what_a_program_says(said: str, version: str) -> None:
    assert first_version(said) == version
