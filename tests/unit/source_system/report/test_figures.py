"""Counting: small cases by hand, and sums that do not depend on their order."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.source_system.report.columns import Label
from simulator.source_system.report.figures import (
    RESULTS,
    Counted,
    Tally,
    evidence,
    joined,
    result_of,
    tally,
)
from simulator.source_system.report.presence import Span
from simulator.source_system.report.reading import opened
from tests.unit.source_system.report.told import MIN_MS, Told, at, play


@pytest.mark.parametrize(
    ("outcome", "confirmed", "result"),
    [
        ("played", "yes", "played"),
        ("played", "unknown", "played"),
        ("played", "no", "mute"),
        ("partial", "yes", "partial"),
        ("partial", "no", "mute"),
        ("skipped", "unknown", "missed"),
        ("skipped", "no", "missed"),
        ("teleported", "yes", "other"),
    ],
)
def test_what_was_found_silent_is_never_counted_as_played(
    outcome: str, confirmed: str, result: str
) -> None:
    assert result_of(outcome, confirmed) == result


counted = st.builds(
    Counted,
    zone=st.sampled_from("ab"),
    label=st.builds(Label, volume=st.none() | st.integers(0, 100)),
    outcome=st.sampled_from(["played", "partial", "skipped", "new"]),
    reason=st.sampled_from(["", "late", "quiet"]),
    confirmed=st.sampled_from(["yes", "no", "unknown"]),
    plays=st.integers(1, 50),
    planned_ms=st.integers(0, 10**9),
    open=st.just(0),
    played_ms=st.integers(0, 10**9),
    bound_ms=st.integers(0, 10**9),
    heard_ms=st.integers(0, 10**6),
    mute_ms=st.integers(0, 10**6),
    level_sum=st.integers(-(10**9), 0),
    level_ms=st.integers(0, 10**6),
    level_max=st.none() | st.integers(-6000, 0),
)


@given(st.lists(counted, max_size=12), st.integers(0, 12), st.randoms())
def test_parts_join_to_the_same_as_the_whole_in_any_order(
    rows: list[Counted], cut: int, chance: random.Random
) -> None:
    shuffled = rows[:]
    chance.shuffle(shuffled)
    assert joined([tally(shuffled[:cut]), tally(shuffled[cut:])]) == tally(rows)


@given(st.lists(counted, max_size=12))
def test_every_play_has_exactly_one_result(rows: list[Counted]) -> None:
    found = tally(rows)
    assert sum(found.results[one] for one in RESULTS) == sum(one.plays for one in rows)
    short = found.plays - found.results["played"]
    assert sum(found.reasons.values()) == short


def test_nothing_of_nothing_is_not_known_and_not_zero() -> None:
    nothing = Tally()
    assert nothing.ratio is None
    assert nothing.level_db is None
    assert evidence(nothing).grade == "?"


def test_the_grade_says_how_much_was_measured_not_how_much_was_heard() -> None:
    found = Tally(played_ms=1_000, heard_ms=500, mute_ms=470)
    assert evidence(found).grade == "A"
    assert evidence(Tally(played_ms=1_000, heard_ms=800)).grade == "B"
    assert evidence(Tally(played_ms=1_000, heard_ms=100)).grade == "C"
    assert evidence(Tally(played_ms=1_000)).grade == "D"


def test_a_morning_counted_by_hand(tmp_path: Path) -> None:
    told = Told(tmp_path / "j")
    told.plays(
        play(at("2026-09-01 05:00")),
        play(at("2026-09-01 05:00"), zone="thôn Đoài", confirmed="no", level_cdb=-3_000),
        play(at("2026-09-01 06:00"), outcome="partial", played_ms=4 * MIN_MS),
        play(at("2026-09-01 06:00"), zone="thôn Đoài", confirmed="unknown", level_cdb=None),
        play(at("2026-09-01 07:00"), outcome="skipped"),
        play(at("2026-09-01 07:00"), zone="thôn Đoài", outcome="skipped"),
        play(at("2026-09-01 08:00"), klass=1, entry="w-kc-1-1", length_ms=MIN_MS),
    )
    span = Span(at("2026-09-01 00:00"), at("2026-09-02 00:00"))
    with opened(told.close()) as records:
        rows = records.counted("tan-lien", span)
        found = tally(one for one in rows if one.label.klass != 1)
        occurrences = records.occurrences("tan-lien", span)
    assert [found.results[one] for one in RESULTS] == [2, 1, 1, 2, 0]
    assert found.planned_ms == 6 * 10 * MIN_MS
    assert found.played_ms == (10 + 10 + 4 + 10) * MIN_MS
    assert (found.heard_ms, found.mute_ms) == (14 * MIN_MS, 10 * MIN_MS)
    assert found.unmeasured_ms == 10 * MIN_MS
    assert found.ratio == 34 / 60
    assert found.level_db == pytest.approx((-20 * 14 - 30 * 10) / 24)
    assert found.loudest_db == -20.0
    assert (occurrences.all, occurrences.whole, occurrences.none) == (3, 0, 1)


def test_an_item_without_a_planned_length_does_not_blur_the_ratio(tmp_path: Path) -> None:
    told = Told(tmp_path / "j")
    open_ended = play(at("2026-09-01 06:00"), length_ms=None, played_ms=30 * MIN_MS)
    told.plays(play(at("2026-09-01 05:00")), open_ended)
    span = Span(at("2026-09-01 00:00"), at("2026-09-02 00:00"))
    with opened(told.close()) as records:
        found = tally(records.counted("tan-lien", span))
    assert found.open == 1
    assert found.ratio == 1.0
    assert found.played_ms == 40 * MIN_MS


@pytest.mark.parametrize(
    ("start", "inside"),
    [
        ("2026-08-31 23:59:59", False),
        ("2026-09-01 00:00:00", True),
        ("2026-09-30 23:59:59", True),
        ("2026-10-01 00:00:00", False),
    ],
)
def test_an_item_belongs_to_the_local_day_it_was_planned_on(
    tmp_path: Path, start: str, inside: bool
) -> None:
    told = Told(tmp_path / "j")
    told.plays(play(at(start)))
    with opened(told.close()) as records:
        span = Span(at("2026-09-01 00:00"), at("2026-10-01 00:00"))
        assert len(records.counted("tan-lien", span)) == int(inside)
        found = records.days("tan-lien", span, 7 * 3_600_000)
    days = {(at(start) + 7 * 3_600_000) // 86_400_000} if inside else set()
    assert {one.day for one in found} == days
