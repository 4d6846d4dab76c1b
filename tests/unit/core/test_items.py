"""The late, resume and end rules of one item, row by row."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import pytest

from agent.contract.reasons import OccurrenceReason
from agent.contract.reports import OccurrenceRef
from agent.core.items import (
    CONTINUE_LIMIT_MS,
    FOREVER_MS,
    STREAM_LENGTH_MS,
    Bar,
    Item,
    Run,
    is_over,
    key_of,
    offer,
    over_ms,
    play_ms,
    shifted,
    zone_may_join,
)

MINUTE = 60_000
START = 5 * 60 * MINUTE
REF = OccurrenceRef(authority="xa", audience="s:1", entry="tin", nominal="2026-11-23T05:00:00")

Late = Literal["join", "restart", "skip"]
Resume = Literal["rejoin", "continue", "drop", "restart"]


def item(
    late: Late = "join",
    resume: Resume = "rejoin",
    *,
    length_ms: int = 10 * MINUTE,
    grace_ms: int = 0,
) -> Item:
    return Item(
        key=key_of(REF),
        ref=REF,
        title="tin",
        klass=3,
        rank=0,
        order=0,
        start_ms=START,
        zones=("dong", "tay"),
        play_ms=length_ms,
        total_ms=length_ms,
        late=late,
        grace_ms=grace_ms,
        resume=resume,
    )


# --- not begun: the late policy ------------------------------------------------------------

LATE_ROWS: list[tuple[Late, int, int, int | None]] = [
    # policy, grace, how late → how far behind the start its position 0 lies, None: not any more
    ("join", 0, 0, 0),
    ("join", 0, 1, 0),
    ("join", 0, 5 * MINUTE, 0),
    ("join", 0, 10 * MINUTE - 1_000, 0),
    ("join", 0, 10 * MINUTE - 999, None),
    ("join", 5 * MINUTE, 8 * MINUTE, 0),
    ("skip", 0, 0, 0),
    ("skip", 0, 2_000, 0),
    ("skip", 0, 2_001, None),
    ("skip", 5 * MINUTE, 2_001, None),
    ("restart", 0, 0, 0),
    ("restart", 0, 2_000, 2_000),
    ("restart", 0, 2_001, None),
    ("restart", 1_000, 2_000, 2_000),
    ("restart", 3 * MINUTE, 3 * MINUTE, 3 * MINUTE),
    ("restart", 3 * MINUTE, 3 * MINUTE + 1, None),
    ("restart", 30 * MINUTE, 20 * MINUTE, 20 * MINUTE),
]


@pytest.mark.parametrize(("late", "grace_ms", "late_ms", "expected"), LATE_ROWS)
def test_an_item_that_has_not_begun_follows_its_late_policy(
    late: Late, grace_ms: int, late_ms: int, expected: int | None
) -> None:
    found = offer(item(late, grace_ms=grace_ms), None, START + late_ms)
    assert found == (None if expected is None else START + expected)


@pytest.mark.parametrize("late", ["join", "restart", "skip"])
def test_nothing_is_offered_before_its_start(late: Late) -> None:
    assert offer(item(late), None, START - 1) is None
    assert not is_over(item(late), None, START - 1)


@pytest.mark.parametrize("late", ["join", "restart", "skip"])
def test_an_item_shorter_than_a_second_survives_a_wake_that_is_late(late: Late) -> None:
    assert offer(item(late, length_ms=800), None, START + 5) is not None


@pytest.mark.parametrize("late", ["join", "restart", "skip"])
@pytest.mark.parametrize("resume", ["rejoin", "continue", "drop", "restart"])
def test_an_item_without_length_never_sounds(late: Late, resume: Resume) -> None:
    empty = item(late, resume, length_ms=0, grace_ms=MINUTE)
    assert offer(empty, None, START) is None
    assert offer(empty, Run(START), START) is None
    assert offer(empty, Run(START, on=False, stopped_ms=START), START) is None


# --- on air --------------------------------------------------------------------------------


def test_an_item_on_air_keeps_its_timeline_to_its_end() -> None:
    run = Run(START + 1_500)
    end_ms = START + 1_500 + 10 * MINUTE
    assert offer(item(), run, end_ms - 1) == START + 1_500
    assert offer(item(), run, end_ms) is None
    assert over_ms(item(), run) == end_ms


def test_an_item_on_air_goes_on_when_its_start_was_moved_into_the_future() -> None:
    moved = replace(item(), start_ms=START + 60 * MINUTE)
    assert offer(moved, Run(START), START + MINUTE) == START


# --- off air: the resume policy ------------------------------------------------------------

RESUME_ROWS: list[tuple[Resume, int, int, int | None]] = [
    # policy, stopped at position, pause → position it goes on at, None: not any more
    ("rejoin", 2 * MINUTE, 3 * MINUTE, 5 * MINUTE),
    ("rejoin", 2 * MINUTE, 0, 2 * MINUTE),
    ("rejoin", 2 * MINUTE, 8 * MINUTE - 1_000, 10 * MINUTE - 1_000),
    ("rejoin", 2 * MINUTE, 8 * MINUTE - 999, None),
    ("continue", 2 * MINUTE, 3 * MINUTE, 2 * MINUTE),
    ("continue", 2 * MINUTE, 60 * MINUTE, 2 * MINUTE),
    ("continue", 2 * MINUTE, 8 * MINUTE + CONTINUE_LIMIT_MS, 2 * MINUTE),
    ("continue", 2 * MINUTE, 8 * MINUTE + CONTINUE_LIMIT_MS + 1, None),
    ("continue", 10 * MINUTE - 999, MINUTE, None),
    ("drop", 2 * MINUTE, 0, None),
    ("drop", 2 * MINUTE, 3 * MINUTE, None),
    ("restart", 2 * MINUTE, 3 * MINUTE, 0),
    ("restart", 2 * MINUTE, 600 * MINUTE, 0),
]


@pytest.mark.parametrize(("resume", "position_ms", "pause_ms", "expected"), RESUME_ROWS)
@pytest.mark.parametrize("late", ["join", "restart", "skip"])
def test_an_interrupted_item_follows_its_resume_policy_whatever_its_late_policy(
    late: Late, resume: Resume, position_ms: int, pause_ms: int, expected: int | None
) -> None:
    run = Run(START, on=False, stopped_ms=START + position_ms)
    t_ms = START + position_ms + pause_ms
    found = offer(item(late, resume), run, t_ms)
    assert (None if found is None else t_ms - found) == expected


def test_an_item_that_drops_comes_back_when_it_broke_off_by_a_fault() -> None:
    run = Run(START, on=False, stopped_ms=START + MINUTE, lost=True)
    assert offer(item(resume="drop"), run, START + 2 * MINUTE) == START


@pytest.mark.parametrize("resume", ["rejoin", "continue", "drop", "restart"])
def test_what_is_done_never_sounds_again_even_if_the_clock_goes_back(resume: Resume) -> None:
    run = Run(START, on=False, stopped_ms=START + 10 * MINUTE, done=True)
    for t_ms in (START - 60 * MINUTE, START, START + MINUTE, START + 60 * MINUTE):
        assert offer(item(resume=resume), run, t_ms) is None
        assert is_over(item(resume=resume), run, t_ms)


@pytest.mark.parametrize("resume", ["rejoin", "continue"])
def test_an_interrupted_item_is_not_heard_twice_when_the_clock_went_back(resume: Resume) -> None:
    run = Run(START, on=False, stopped_ms=START + 2 * MINUTE)
    t_ms = START - 60 * MINUTE
    found = offer(item(resume=resume), run, t_ms)
    assert found is not None
    assert t_ms - found == 2 * MINUTE


def test_an_item_dropped_before_the_clock_went_back_stays_dropped() -> None:
    run = Run(START, on=False, stopped_ms=START + 2 * MINUTE)
    assert offer(item(resume="drop"), run, START + MINUTE) is None


def test_a_clock_step_takes_what_has_begun_with_it() -> None:
    before = Run(START, on=False, stopped_ms=START + MINUTE, been=frozenset({"dong"}))
    after = shifted(before, -3_600_000)
    assert after == replace(
        before, origin_ms=START - 3_600_000, stopped_ms=START + MINUTE - 3_600_000
    )
    assert shifted(after, 3_600_000) == before


# --- over ----------------------------------------------------------------------------------

RUNS = [
    None,
    Run(START),
    Run(START + 700),
    Run(START, on=False, stopped_ms=START + MINUTE),
    Run(START, on=False, stopped_ms=START + 10 * MINUTE - 500),
    Run(START, on=False, stopped_ms=START + MINUTE, lost=True),
    Run(START, on=False, stopped_ms=START + MINUTE, done=True),
]


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("late", ["join", "restart", "skip"])
@pytest.mark.parametrize("resume", ["rejoin", "continue", "drop", "restart"])
@pytest.mark.parametrize("length_ms", [800, 1_500, 10 * MINUTE])
def test_over_is_exactly_when_nothing_is_offered_any_more(
    run: Run | None, late: Late, resume: Resume, length_ms: int
) -> None:
    one = item(late, resume, length_ms=length_ms, grace_ms=3 * MINUTE)
    end_ms = over_ms(one, run)
    first_ms = START if run is None else run.stopped_ms or run.origin_ms
    if end_ms is None:
        assert offer(one, run, START + 10**9) is not None
        return
    for t_ms in (end_ms - 1, end_ms, end_ms + 1, end_ms + 10**9, first_ms):
        if t_ms >= first_ms:
            assert (offer(one, run, t_ms) is None) == (t_ms >= end_ms) == is_over(one, run, t_ms)


# --- length --------------------------------------------------------------------------------

LENGTH_ROWS: list[tuple[int | None, int | None, Literal["cut", "finish", "fade"], int, int]] = [
    # slot, sound, end rule, within → occupied
    (15, 15, "cut", 0, 15),
    (15, 18, "cut", 0, 15),
    (15, 18, "cut", 5, 15),
    (15, 18, "fade", 5, 15),
    (15, 18, "finish", 5, 18),
    (15, 18, "finish", 2, 17),
    (15, 18, "finish", 0, 15),
    (15, 12, "cut", 0, 12),
    (15, 12, "finish", 5, 12),
    (15, 12, "fade", 5, 12),
    (15, None, "cut", 0, 15),
    (15, None, "fade", 5, 15),
    (15, None, "finish", 5, 15),
    (None, 18, "cut", 0, 18),
    (None, 18, "finish", 5, 18),
    (None, None, "cut", 0, STREAM_LENGTH_MS // MINUTE),
]


@pytest.mark.parametrize(("slot", "total", "end", "within", "expected"), LENGTH_ROWS)
def test_an_item_occupies_its_slot_by_its_end_rule_or_its_sound_when_shorter(
    slot: int | None,
    total: int | None,
    end: Literal["cut", "finish", "fade"],
    within: int,
    expected: int,
) -> None:
    slot_ms = None if slot is None else slot * MINUTE
    total_ms = None if total is None else total * MINUTE
    assert play_ms(slot_ms, total_ms, end, within * MINUTE) == expected * MINUTE


# --- zones ---------------------------------------------------------------------------------


def test_every_addressed_zone_takes_part_in_a_beginning() -> None:
    assert zone_may_join(item("skip"), None, "dong", START)


@pytest.mark.parametrize(
    ("late", "position_ms", "expected"),
    [
        ("join", 5 * MINUTE, True),
        ("skip", 2_000, True),
        ("skip", 2_001, False),
        ("restart", 2_000, True),
        ("restart", 2_001, False),
    ],
)
def test_a_zone_that_was_never_in_joins_late_only_where_the_policy_is_join(
    late: Late, position_ms: int, expected: bool
) -> None:
    run = Run(START, been=frozenset({"dong"}))
    assert zone_may_join(item(late), run, "tay", START + position_ms) is expected


def test_how_late_a_zone_is_counts_from_the_real_beginning() -> None:
    began_ms = START + 4 * MINUTE
    run = Run(began_ms, been=frozenset({"dong"}))
    late = item("restart", grace_ms=5 * MINUTE)
    assert zone_may_join(late, run, "tay", began_ms + 1_000)
    assert not zone_may_join(late, run, "tay", began_ms + 3_000)


@pytest.mark.parametrize("late", ["skip", "restart"])
def test_a_zone_that_missed_the_beginning_does_not_slip_in_when_the_item_resumes(
    late: Late,
) -> None:
    run = Run(START, on=False, stopped_ms=START + MINUTE, been=frozenset({"dong"}))
    assert not zone_may_join(item(late), run, "tay", START + 2 * MINUTE)


def test_a_zone_that_comes_free_in_the_middle_of_a_warning_joins_it() -> None:
    run = Run(START, been=frozenset({"dong"}))
    assert zone_may_join(item("restart", "restart"), run, "tay", START + 2 * MINUTE)


def test_a_warning_that_begins_again_takes_every_zone() -> None:
    run = Run(START, on=False, stopped_ms=START + MINUTE, been=frozenset({"dong"}))
    assert zone_may_join(item("restart", "restart"), run, "tay", START + 2 * MINUTE)


@pytest.mark.parametrize(
    ("resume", "expected"),
    [("rejoin", True), ("continue", True), ("restart", True), ("drop", False)],
)
def test_a_zone_that_was_taken_away_comes_back_unless_the_item_drops(
    resume: Resume, expected: bool
) -> None:
    run = Run(START, been=frozenset({"dong", "tay"}), left=frozenset({"tay"}))
    assert zone_may_join(item("skip", resume), run, "tay", START + 5 * MINUTE) is expected
    assert zone_may_join(item("skip", resume), run, "dong", START + 5 * MINUTE)


def test_two_occurrences_of_an_entry_have_different_keys() -> None:
    assert key_of(REF) != key_of(
        OccurrenceRef(authority="xa", audience="s:1", entry="tin", nominal="2026-11-24T05:00:00")
    )


# --- bars, and what still waits --------------------------------------------------------------

FROM_NINE = Bar("dong", OccurrenceReason.OUTSIDE_HOURS, "05:00-09:00", START + 4 * 60 * MINUTE)
QUIET = Bar("tay", OccurrenceReason.QUIET, "thi", START, START + MINUTE)


def test_a_bar_holds_in_its_zone_from_its_first_instant_to_before_its_last() -> None:
    barred = replace(item(), bars=(FROM_NINE, QUIET))
    assert barred.bar_at("tay", START) is QUIET
    assert barred.bar_at("tay", START + MINUTE) is None
    assert barred.bar_at("dong", START) is None
    assert barred.bar_at("dong", FROM_NINE.from_ms) is FROM_NINE
    assert barred.bar_at("dong", FOREVER_MS - 1) is FROM_NINE


def test_an_item_is_closed_when_it_is_barred_everywhere_for_good() -> None:
    later = replace(FROM_NINE, zone="tay", from_ms=FROM_NINE.from_ms + MINUTE)
    assert replace(item(), bars=(FROM_NINE, QUIET)).closed_ms() is None
    assert replace(item(), bars=(FROM_NINE, later)).closed_ms() == later.from_ms
    assert replace(item(), bars=(FROM_NINE, later, replace(later, from_ms=0))).closed_ms() == (
        FROM_NINE.from_ms
    )


def test_what_continues_does_not_wait_beyond_its_closing() -> None:
    cut = START + 5 * MINUTE
    bars = tuple(Bar(zone, OccurrenceReason.OUTSIDE_HOURS, "", cut) for zone in ("dong", "tay"))
    waiting = replace(item(resume="continue"), bars=bars)
    run = Run(START, on=False, stopped_ms=START + 3 * MINUTE)
    assert over_ms(item(resume="continue"), run) == START + 10 * MINUTE + CONTINUE_LIMIT_MS + 1
    assert over_ms(waiting, run) == cut + 1


def test_what_may_still_be_approved_is_not_over_before() -> None:
    tonight = START + 19 * 60 * MINUTE
    waiting = replace(item(), undecided_ms=tonight)
    assert over_ms(waiting, None) == tonight
    assert waiting.waits(START)
    assert not waiting.waits(START - 1)
    assert not waiting.waits(tonight)


def test_what_was_moved_to_a_later_hour_waits_from_its_first_start_to_the_new_one() -> None:
    moved = replace(item(), start_ms=START + 60 * MINUTE, moved_from_ms=START)
    assert moved.waits(START)
    assert not moved.waits(START - 1)
    assert not moved.waits(START + 60 * MINUTE)
