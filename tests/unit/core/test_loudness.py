"""What gain brings a sound to the station's level, and which file is measured next."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.core.effects import Measure
from agent.core.events import FilesMeasured, Now
from agent.core.loudness import (
    QUIET_MAX,
    TONE,
    Levels,
    Loudness,
    Quiet,
    aim_of,
    gain_cdb,
    levelled,
)
from agent.core.programme import Programme
from agent.core.site import Site
from agent.core.supply import Supply
from agent.core.turn import Turn
from agent.player.protocol import Aim, Part, Source, SourceKind
from tests.vectors import district as d

LEVELS = Levels()
PROGRAMME, EMERGENCY = 3, 1


def loud(lufs: float, peak_dbtp: float | None = None) -> Loudness:
    peak = None if peak_dbtp is None else round(100 * peak_dbtp)
    return Loudness(round(100 * lufs), 500, peak, 60_000)


@pytest.mark.parametrize(
    ("measured", "klass", "gain"),
    [
        (loud(-9, 0.5), PROGRAMME, -900),
        (loud(-18, -3), PROGRAMME, 0),
        (loud(-26, -14), PROGRAMME, 800),
        (loud(-40, -30), PROGRAMME, 1_200),  # no more than the station allows
        (loud(-26, -1), PROGRAMME, 600),  # the limiter would have to take back more
        (loud(-26, 7), PROGRAMME, 0),
        (loud(-18, -6), EMERGENCY, 400),
        (loud(-9, 0), EMERGENCY, 0),  # never lowered
        (TONE, PROGRAMME, -1_200),
        (TONE, EMERGENCY, 0),
        (None, PROGRAMME, 0),
        (Loudness(length_ms=60_000), PROGRAMME, 0),
    ],
)
def test_a_sound_is_brought_to_the_level_as_far_as_may_be(
    measured: Loudness | None, klass: int, gain: int
) -> None:
    assert gain_cdb(measured, LEVELS, klass) == gain


@given(st.floats(-70, 5), st.floats(-70, 10), st.integers(1, 5))
def test_a_gain_never_leaves_its_bounds(lufs: float, peak: float, klass: int) -> None:
    gain = gain_cdb(loud(lufs, peak), LEVELS, klass)
    assert gain <= LEVELS.boost_cdb
    if gain > 0:
        assert 100 * peak + gain <= LEVELS.ceiling_cdb + LEVELS.limiting_cdb + 1
    if klass == EMERGENCY:
        assert gain >= 0
    target = LEVELS.emergency_clufs if klass == EMERGENCY else LEVELS.target_clufs
    assert abs(100 * lufs + gain - target) <= abs(100 * lufs - target) + 1  # never further away


def test_a_station_that_does_not_level_changes_nothing() -> None:
    assert gain_cdb(loud(-5, 0), Levels(on=False), PROGRAMME) == 0
    assert aim_of(Source("input", "fm"), Levels(on=False), PROGRAMME) is None


def test_each_source_of_a_part_gets_the_gain_of_its_own_sound() -> None:
    known = {"content:a": loud(-9), "content:b": loud(-24, -20)}
    sources = (Source("file", "content:a"), Source("file", "content:b"))
    stream = Source("stream", "http://relay.example/live")
    (part,) = levelled([Part((*sources, stream))], known.get, LEVELS, PROGRAMME)
    assert [one.gain_cdb for one in part.sources] == [-900, 600, 0]
    assert [one.aim for one in part.sources] == [None, None, Aim(-1_800, 1_500, 1_200, 500)]
    assert part.gain_cdb == 0


@pytest.mark.parametrize("kind", ["stream", "input"])
def test_a_live_warning_is_led_to_its_own_level_and_never_lowered(kind: SourceKind) -> None:
    assert aim_of(Source(kind, "x"), LEVELS, EMERGENCY) == Aim(-1_400, 0, 1_200, 500)


@pytest.mark.parametrize("kind", ["file", "tone", "silence"])
def test_only_what_is_live_is_led_while_it_plays(kind: SourceKind) -> None:
    assert aim_of(Source(kind, "x"), LEVELS, PROGRAMME) is None


def test_only_a_stretch_that_was_measured_quiet_is_expected_to_be_quiet() -> None:
    measured = Loudness(-2_000, 500, -300, 60_000, (Quiet(10_000, 20_000),))
    assert measured.is_quiet(10_500, 19_000)
    assert not measured.is_quiet(18_000, 25_000)
    assert not measured.is_silent
    assert Loudness(None, None, -6_500, 60_000).is_quiet(0, 50_000)
    assert not Loudness(None, None, -600, 300).is_silent  # a beep


def test_behind_more_pauses_than_are_remembered_silence_is_no_fault() -> None:
    pauses = tuple(Quiet(10_000 * n, 10_000 * n + 3_000) for n in range(QUIET_MAX))
    measured = Loudness(-2_000, 500, -300, 4_000_000, pauses)
    assert not measured.is_quiet(14_000, 18_000)
    assert measured.is_quiet(3_000_000, 3_004_000)
    assert not Loudness(-2_000, 500, -300, 4_000_000, pauses[:-1]).is_quiet(3_000_000, 3_004_000)


class Bench:
    """A supply with files, and what it wants to be measured."""

    def __init__(self) -> None:
        site = Site("tan-lien", "Tân Liên", d.TZ, (), ())
        self.supply = Supply(Programme(site, d.zones))

    def found(self, *names: str) -> None:
        self.supply.files_found([(name, 1_000) for name in names])

    def measured(self, *names: str) -> None:
        event = FilesMeasured(tuple((name, loud(-20)) for name in names))
        self.supply.files_measured(event, self.turn())

    def asks(self) -> list[str]:
        turn = self.turn()
        self.supply.measure(turn)
        return [one.act.sha256 for one in turn.acts if isinstance(one.act, Measure)]

    def turn(self) -> Turn:
        return Turn(Now(wall_ms=d.NOW_MS, mono_ms=1_000))


def test_files_are_measured_one_at_a_time_and_each_once() -> None:
    bench = Bench()
    bench.found("a", "b", "c")
    assert bench.asks() == []  # what is known from before is not told yet
    bench.measured("b")
    assert bench.asks() == ["a"]
    assert bench.asks() == []
    bench.measured("a")
    assert bench.asks() == ["c"]
    bench.measured("c")
    assert bench.asks() == []


def test_a_file_that_cannot_be_measured_is_not_asked_for_again() -> None:
    bench = Bench()
    bench.found("a")
    bench.measured()
    assert bench.asks() == ["a"]
    bench.supply.files_measured(FilesMeasured((("a", None),)), bench.turn())
    assert bench.asks() == []
    assert bench.supply.box.loudness == {"content:a": None}
