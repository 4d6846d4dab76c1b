"""No number that the agent sends can be one that the sound child does not survive."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from agent.player import protocol as p
from agent.player.bounds import GAIN_CDB, bounded
from agent.player.levels import gain_of_cdb
from agent.player.reports import Lines

USUAL = p.Cue(
    "a",
    3,
    (
        p.Part(
            (
                p.Source(
                    "stream", "http://x/y", delay_ms=30_000, aim=p.Aim(-1_800, -1_500, 900, -100)
                ),
                p.PATTERN,
                p.Source("file", "/x.mp3", gain_cdb=-450),
            ),
            from_ms=12_345,
            length_ms=60_000,
            retake="at_once",
        ),
    ),
    1_772_400_600_000,
    7,
    end_at_ms=1_772_400_700_000,
    fade_out_ms=250,
    over="b",
)
ANY = st.integers(-(10**18), 10**18)


def test_a_usual_cue_is_left_as_it_is() -> None:
    assert bounded(USUAL) == USUAL


@given(ANY, ANY, ANY, ANY)
def test_any_numbers_become_a_gain_and_times_that_can_be_played(
    gain: int, time: int, length: int, small: int
) -> None:
    source = p.Source("tone", tone_hz=(small,), tone_step_ms=small, gain_cdb=gain, delay_ms=time)
    part = p.Part((source,), from_ms=time, length_ms=length, gain_cdb=gain)
    cue = bounded(p.Cue("a", small, (part,), time, small, end_at_ms=time, gain_cdb=gain))
    assert isinstance(cue, p.Cue)
    found = cue.parts[0]
    both = found.gain_cdb + found.sources[0].gain_cdb
    assert math.isfinite(gain_of_cdb(cue.gain_cdb))
    assert math.isfinite(gain_of_cdb(both))
    assert GAIN_CDB[0] <= cue.gain_cdb <= GAIN_CDB[1]
    assert found.from_ms >= 0
    assert (found.length_ms or 0) >= 0
    assert found.sources[0].tone_hz[0] > 0
    assert found.sources[0].tone_step_ms > 0
    assert 0 <= cue.start_at_ms * 1_000_000 < 1 << 63
    assert bounded(cue) == cue


def test_what_comes_through_the_pipe_is_within_bounds() -> None:
    line = b'{"t":"gain","token":"a","gain_cdb":10000000,"ramp_ms":-5}\n'
    assert Lines().feed(line) == [p.Gain("a", GAIN_CDB[1], 0)]


def test_a_length_that_is_not_known_stays_unknown() -> None:
    cue = bounded(p.Cue("a", 0, (p.Part((p.Source("silence"),)),), 0, 0))
    assert isinstance(cue, p.Cue)
    assert (cue.parts[0].length_ms, cue.end_at_ms) == (None, None)
