"""Warnings and faults: when first heard, how long it lasted, what nobody knows."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.source_system.report.emergencies import (
    HEARD,
    SILENT,
    UNMEASURED,
    Heard,
    Issued,
    Noticed,
    arrivals,
    speed,
    warning_id,
)
from simulator.source_system.report.episodes import AlarmTold, episodes
from simulator.source_system.report.presence import Span

S = 1_000


def heard(zone: str, first_ms: int | None, **more: Any) -> Heard:
    plain = Heard(
        station="a",
        entry="w-kc-7-1",
        title="Lũ",
        planned_ms=more.pop("planned_ms", 0),
        zone=zone,
        outcome="skipped" if first_ms is None else "played",
        reason="",
        confirmed="unknown" if first_ms is None else "yes",
        first_ms=first_ms,
        played_ms=0 if first_ms is None else 30 * S,
        heard_ms=0 if first_ms is None else 30 * S,
        broke=(),
    )
    return plain._replace(**more)


def told(at_ms: int, state: str, episode: int = 1, **more: Any) -> AlarmTold:
    plain = AlarmTold("a", "card", at_ms, "line", "thôn Đông", episode, state, at_ms, "")
    return plain._replace(**more)


def test_time_to_sound_runs_from_the_receipt_to_the_first_sound_of_any_zone() -> None:
    notices = [Noticed("a", "kc-7", 10 * S, "received"), Noticed("a", "kc-7", 60 * S, "sounded")]
    plays = [
        heard("đông", 12 * S),
        heard("đoài", 11 * S + 500),
        heard("đông", 300 * S, planned_ms=1),
    ]
    (found,) = arrivals(plays, notices, {})
    assert found.sound_ms == 1_500
    assert found.plays == 2
    assert found.issue_to_sound_ms is None
    assert found.drill is None


def test_each_zone_counts_with_the_best_it_ever_got() -> None:
    plays = [
        heard("đông", None, reason="no_mains"),
        heard("đông", 99 * S, planned_ms=1),
        heard("đoài", 5 * S, confirmed="unknown", heard_ms=0),
        heard("trung", 5 * S, confirmed="no", heard_ms=0),
    ]
    (found,) = arrivals(plays, [], {})
    assert [found.count(one) for one in (HEARD, UNMEASURED, SILENT)] == [1, 1, 1]


def test_a_warning_that_never_sounded_is_no_fast_one() -> None:
    notices = [Noticed("a", "kc-7", 0, "received"), Noticed("b", "kc-7", 0, "received")]
    found = arrivals([heard("đông", 2 * S)], notices, {})
    known = speed(found)
    assert (known.sounded, known.median_ms, known.worst_ms, known.silent) == (1, 2 * S, 2 * S, 1)


def test_the_ledger_says_when_it_was_issued_and_that_it_was_a_drill() -> None:
    issued = {"kc-7": Issued(1 * S, True, "Diễn tập")}
    (found,) = arrivals([heard("đông", 4 * S)], [Noticed("a", "kc-7", 3 * S, "received")], issued)
    assert found.drill is True
    assert (found.issue_to_sound_ms, found.sound_ms) == (3 * S, 1 * S)


def test_rules_are_broken_only_by_what_sounded_and_unknown_where_not_recorded() -> None:
    silent = heard("đông", None, broke=("quiet",))
    assert arrivals([silent], [], {})[0].broke is None
    old = heard("đông", 5 * S, broke=None)
    assert arrivals([old], [], {})[0].broke is None
    plays = [heard("đông", 5 * S, broke=("quiet",)), heard("đoài", 5 * S)]
    assert arrivals(plays, [], {})[0].broke == {"quiet"}


@pytest.mark.parametrize(
    ("entry", "name"), [("w-kc-0123-2", "kc-0123"), ("w-7-1", "7"), ("ban-tin", "ban-tin")]
)
def test_the_name_of_a_warning_is_read_out_of_its_entry(entry: str, name: str) -> None:
    assert warning_id(entry) == name


def test_onset_and_end_make_one_episode() -> None:
    (found,) = episodes([told(10, "raised"), told(50, "cleared", since_ms=10)], Span(0, 100))
    assert (found.from_ms, found.to_ms) == (10, 50)
    assert found.within_ms(Span(0, 100), 1_000) == 40


def test_an_episode_without_an_end_is_open_until_now() -> None:
    (found,) = episodes([told(10, "raised")], Span(0, 100))
    assert found.to_ms is None
    assert found.within_ms(Span(0, 100), 30) == 20
    assert found.within_ms(Span(0, 100), 1_000) == 90


def test_an_episode_that_began_before_counts_with_its_part_inside() -> None:
    window = Span(100, 200)
    (found,) = episodes([told(40, "raised"), told(130, "cleared", since_ms=40)], window)
    assert found.within_ms(window, 1_000) == 30
    assert not episodes([told(40, "raised"), told(90, "cleared", since_ms=40)], window)
    assert not episodes([told(200, "raised")], window)


def test_an_end_whose_onset_was_lost_knows_its_onset_itself() -> None:
    (found,) = episodes([told(50, "cleared", since_ms=20)], Span(0, 100))
    assert (found.from_ms, found.to_ms) == (20, 50)


def test_two_episodes_of_one_fault_are_two() -> None:
    rows = [
        told(10, "raised", 1),
        told(20, "cleared", 1, since_ms=10),
        told(30, "raised", 2),
        told(35, "acknowledged", 2, since_ms=30),
        told(60, "cleared", 2, since_ms=30),
    ]
    found = episodes(rows, Span(0, 100))
    assert [(one.from_ms, one.to_ms) for one in found] == [(10, 20), (30, 60)]


def test_a_box_that_was_replaced_ends_its_faults_nobody_knows_when() -> None:
    rows = [
        told(10, "raised", 1),
        told(20, "raised", 2, subject="thôn Đoài"),
        told(30, "cleared", 2, subject="thôn Đoài", since_ms=20),
        told(70, "raised", 1, installation="new card", since_ms=65),
    ]
    old, whole, new = episodes(rows, Span(0, 100), {"card": 60})
    assert (old.to_ms, old.replaced_ms, old.is_open) == (None, 60, False)
    assert old.within_ms(Span(0, 100), 1_000) == 50
    assert (whole.to_ms, whole.replaced_ms) == (30, None)
    assert new.is_open
    assert new.within_ms(Span(0, 100), 1_000) == 35


def test_a_fault_of_a_box_replaced_before_the_window_is_not_in_it() -> None:
    rows = [told(10, "raised")]
    assert not episodes(rows, Span(100, 200), {"card": 60})
    assert len(episodes(rows, Span(100, 200))) == 1
    assert len(episodes(rows, Span(100, 200), {"card": 150})) == 1


def test_an_onset_after_the_new_box_was_heard_has_no_length() -> None:
    (found,) = episodes([told(70, "raised")], Span(0, 100), {"card": 60})
    assert found.within_ms(Span(0, 100), 1_000) == 0
