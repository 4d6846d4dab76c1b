"""A day's sessions and minutes: what fits, in which order, and that it stays so."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from agent.contract.documents import AirWindow
from agent.contract.reasons import OccurrenceReason as Why
from agent.core.sessions import Book, Slot
from tests.unit.core.test_rules import MINUTE_MS, at, rules


def slot(key: str, start: str, minutes: float, **more: Any) -> Slot:
    return Slot(key, at(start), round(minutes * MINUTE_MS), more.pop("zones", ("dong",)), **more)


def kept(slots: list[Slot], **limits: Any) -> dict[str, Why]:
    """Key → why it is kept back in its first zone that is."""
    session_ms = limits.pop("minutes", None)
    windows = (
        AirWindow(hours="05:00-06:00", session_ms=session_ms and session_ms * MINUTE_MS),
        AirWindow(hours="11:00-12:00"),
        AirWindow(hours="17:00-18:00"),
    )
    book = Book(rules(windows=windows, **limits))
    return {key: bars[0].reason for key, bars in book.keep_back(slots).items()}


def test_what_fits_is_kept_in_order_of_start_and_the_rest_kept_back_whole() -> None:
    slots = [slot("c", "02 05:40", 5), slot("a", "02 05:00", 10), slot("b", "02 05:20", 6)]
    assert kept(slots, minutes=15) == {"b": Why.MINUTES_USED_UP}


def test_each_session_and_each_day_has_its_own_minutes() -> None:
    slots = [slot("a", "02 05:00", 15), slot("b", "02 17:00", 50), slot("c", "03 05:00", 15)]
    assert kept(slots, minutes=15) == {}


def test_slots_that_overlap_share_their_minutes() -> None:
    slots = [slot("a", "02 05:00", 15), slot("b", "02 05:05", 5), slot("c", "02 05:10", 5)]
    assert kept(slots, minutes=15) == {}
    slots.append(slot("d", "02 05:14", 2))
    assert kept(slots, minutes=15) == {"d": Why.MINUTES_USED_UP}


def test_what_may_end_later_than_its_slot_shares_nothing() -> None:
    slots = [slot("a", "02 05:00", 10), slot("b", "02 05:05", 6, moves=True)]
    assert kept(slots, minutes=15) == {"b": Why.MINUTES_USED_UP}


def test_a_slot_counts_only_up_to_the_end_of_its_session() -> None:
    assert kept([slot("a", "02 05:50", 60)], minutes=15) == {}


def test_what_has_begun_goes_before_what_starts_earlier_and_was_let_in_late() -> None:
    begun = slot("b", "02 05:10", 10, begun=frozenset({"dong"}))
    late = slot("a", "02 05:00", 10)
    assert kept([late, begun], minutes=15) == {"a": Why.MINUTES_USED_UP}
    assert kept([late, slot("b", "02 05:10", 10)], minutes=15) == {"b": Why.MINUTES_USED_UP}


def test_a_session_is_used_by_the_first_item_in_it() -> None:
    slots = [
        slot("a", "02 05:00", 1),
        slot("b", "02 11:00", 1),
        slot("c", "02 17:00", 1),
        slot("d", "02 11:30", 1),
        slot("e", "03 17:00", 1),
    ]
    assert kept(slots, sessions_per_day=2) == {"c": Why.SESSIONS_USED_UP}


def test_what_does_not_fit_uses_no_session() -> None:
    slots = [slot("a", "02 05:00", 20), slot("b", "02 11:00", 1), slot("c", "02 17:00", 1)]
    assert kept(slots, minutes=15, sessions_per_day=2) == {"a": Why.MINUTES_USED_UP}


def test_zones_are_counted_apart() -> None:
    windows = (AirWindow(hours="05:00-06:00", session_ms=10 * MINUTE_MS),)
    book = Book(rules(windows=windows))
    slots = [slot("a", "02 05:00", 10), slot("b", "02 05:20", 10, zones=("dong", "doai"))]
    [bar] = book.keep_back(slots)["b"]
    assert bar.zone == "dong"


def test_a_record_can_tell_what_would_not_fit_any_more() -> None:
    windows = (AirWindow(hours="05:00-06:00", session_ms=10 * MINUTE_MS),)
    book = Book(rules(windows=windows, document_number="QĐ 1"))
    book.keep_back([slot("a", "02 05:00", 8)])
    assert book.why_not(slot("x", "02 05:30", 2), "dong") is None
    bar = book.why_not(slot("x", "02 05:30", 2.5), "dong")
    assert bar is not None
    assert (bar.reason, bar.rule) == (Why.MINUTES_USED_UP, "05:00-06:00 ≤ 10 min (QĐ 1)")


slots_of_a_morning = st.lists(
    st.tuples(st.integers(0, 59), st.integers(1, 30), st.booleans()), max_size=9
)


@given(made=slots_of_a_morning, minutes=st.integers(1, 60), begun=st.integers(0, 9))
def test_the_answer_is_the_same_whenever_in_the_day_it_is_asked(
    made: list[tuple[int, int, bool]], minutes: int, begun: int
) -> None:
    """What was let in earlier is begun by and by, in order of start; nothing else changes."""
    slots = [
        slot(f"s{n}", f"02 05:{start:02}", length, moves=moves)
        for n, (start, length, moves) in enumerate(made)
    ]
    before = kept(slots, minutes=minutes)
    order = sorted(slots, key=lambda one: (one.start_ms, one.key))
    heard = {one.key for one in order[:begun] if one.key not in before}
    later = [
        Slot(one.key, one.start_ms, one.length_ms, one.zones, frozenset(one.zones), one.moves)
        if one.key in heard
        else one
        for one in slots
    ]
    assert kept(later, minutes=minutes) == before


@given(made=slots_of_a_morning, minutes=st.integers(1, 60))
def test_what_is_let_in_never_covers_more_than_the_minutes(
    made: list[tuple[int, int, bool]], minutes: int
) -> None:
    slots = [
        slot(f"s{n}", f"02 05:{start:02}", length) for n, (start, length, _) in enumerate(made)
    ]
    out = kept(slots, minutes=minutes)
    covered = {
        minute
        for one in slots
        if one.key not in out
        for minute in range(one.start_ms // MINUTE_MS, (one.start_ms + one.length_ms) // MINUTE_MS)
        if minute < at("02 06:00") // MINUTE_MS
    }
    assert len(covered) <= minutes
