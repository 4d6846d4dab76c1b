"""The script: what a sabotage changes on stage, and that the new steps fit into the story."""

from __future__ import annotations

from dataclasses import replace

from simulator.demo import script
from simulator.demo.script import LENGTHS_MS, STATIONS, from_above, specs


def test_swapped_lines_are_the_only_thing_that_wrong_zone_changes() -> None:
    spoilt = specs("wrong-zone")
    assert [replace(one, wiring=()) for one in spoilt] == list(STATIONS)
    assert [one.id for one in spoilt if one.wiring] == [script.PRIORITY_STATION]


def test_what_comes_from_above_is_ordinary_and_over_before_the_commune_speaks() -> None:
    assert {one.klass for one in from_above(0)} == {3}
    ends = {
        script.APPROVED: script.FROM_ABOVE + LENGTHS_MS[script.APPROVED] / 1_000,
        script.UNDECIDED: script.NOT_DECIDED + LENGTHS_MS[script.UNDECIDED] / 1_000,
    }
    assert ends[script.APPROVED] < script.NOT_DECIDED
    assert ends[script.UNDECIDED] < script.WITHDRAWN < script.D


def test_the_quiet_holds_from_before_the_programme_until_after_the_warning() -> None:
    over = script.C + LENGTHS_MS["suc-khoe"] / 1_000
    assert script.QUIET < script.C < over < script.WARN_2 < script.QUIET_END < script.D
