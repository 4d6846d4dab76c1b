"""Connected, lost and unknown: by hand, and never more than the window."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from agent.contract.reports import Health, State
from simulator.source_system.journal import Journal
from simulator.source_system.report.presence import (
    SILENT_AFTER_MS,
    Link,
    Span,
    connected_spans,
    data_used,
    merged,
    overlap,
    presence,
    total,
    without,
)

MIN = 60_000
DAY = Span(0, 1_440 * MIN)

spans = st.lists(
    st.tuples(st.integers(0, 300), st.integers(0, 60)).map(
        lambda pair: Span(pair[0] * MIN, (pair[0] + pair[1]) * MIN)
    ),
    max_size=8,
)
links = st.lists(
    st.tuples(st.integers(0, 300), st.sampled_from(["online", "lost", "leaving"])).map(
        lambda pair: Link(pair[0] * MIN, pair[1])
    ),
    max_size=8,
)


def minutes(found: list[Span]) -> set[int]:
    return {minute for one in found for minute in range(one.from_ms // MIN, one.to_ms // MIN)}


def test_a_will_ends_the_connection_and_a_birth_begins_it() -> None:
    found = connected_spans(
        [Span(5 * MIN, 60 * MIN), Span(125 * MIN, 300 * MIN)],
        [Link(0, "online"), Link(63 * MIN, "lost"), Link(120 * MIN, "online")],
    )
    assert found == [Span(0, 63 * MIN), Span(120 * MIN, 300 * MIN)]


def test_silence_counts_as_lost_from_the_last_sign_of_life() -> None:
    found = connected_spans([Span(0, 60 * MIN), Span(200 * MIN, 300 * MIN)], [])
    assert found == [Span(0, 60 * MIN), Span(200 * MIN, 300 * MIN)]


def test_a_short_loss_between_two_heartbeats_is_not_bridged() -> None:
    found = connected_spans([Span(0, 60 * MIN)], [Link(31 * MIN, "lost"), Link(34 * MIN, "online")])
    assert found == [Span(0, 31 * MIN), Span(34 * MIN, 60 * MIN)]


def test_what_the_collector_did_not_watch_is_unknown_not_lost() -> None:
    found = presence(
        DAY,
        watched=[Span(0, 600 * MIN), Span(900 * MIN, 1_440 * MIN)],
        heard=[Span(0, 500 * MIN), Span(1_000 * MIN, 1_440 * MIN)],
        links=[],
        known_from_ms=0,
    )
    assert found.connected_ms == 940 * MIN
    assert found.lost_ms == 200 * MIN
    assert found.unknown_ms == 300 * MIN
    assert (found.losses, found.longest_ms) == (2, 100 * MIN)


def test_before_a_station_belonged_to_the_district_nothing_is_known() -> None:
    found = presence(DAY, [DAY], [], [], known_from_ms=1_000 * MIN)
    assert (found.unknown_ms, found.lost_ms) == (1_000 * MIN, 440 * MIN)
    assert presence(DAY, [DAY], [], [], known_from_ms=None).unknown_ms == DAY.length_ms


def test_a_database_without_heartbeats_knows_nothing() -> None:
    found = presence(DAY, [], [], [Link(5, "online")], known_from_ms=0)
    assert found.unknown_ms == DAY.length_ms


@given(spans, spans, links, st.none() | st.integers(0, 400 * MIN))
def test_connected_lost_and_unknown_make_up_the_window(
    watched: list[Span], heard: list[Span], told: list[Link], known_from_ms: int | None
) -> None:
    window = Span(50 * MIN, 320 * MIN)
    found = presence(window, watched, heard, told, known_from_ms)
    assert found.connected_ms + found.lost_ms + found.unknown_ms == window.length_ms
    assert min(found.connected_ms, found.lost_ms, found.unknown_ms) >= 0
    assert total(found.lost) == found.lost_ms


@given(spans, spans)
def test_spans_behave_like_sets_of_minutes(one: list[Span], other: list[Span]) -> None:
    left, right = minutes(one), minutes(other)
    assert minutes(merged(one)) == left
    assert minutes(overlap(one, other)) == left & right
    assert minutes(without(one, other)) == left - right


@given(spans, links)
def test_no_connection_is_seen_without_a_sign_of_life_in_time(
    heard: list[Span], told: list[Link]
) -> None:
    signs = [*heard, *(Span(one.at_ms, one.at_ms) for one in told if one.state == "online")]
    for span in connected_spans(heard, told):
        for at_ms in range(span.from_ms, span.to_ms, MIN):
            near = SILENT_AFTER_MS
            assert any(one.from_ms - near <= at_ms <= one.to_ms + near for one in signs)


def test_data_is_counted_across_the_new_month() -> None:
    readings = [(0, 900), (10, 1_000), (20, 1_400), (30, 50), (40, 80), (50, 500)]
    found = data_used(Span(5, 45), readings)
    assert found is not None
    assert found.mib == 100 + 400 + 50 + 30
    assert (found.first_ms, found.last_ms) == (0, 40)


def test_data_that_nobody_read_is_unknown() -> None:
    assert data_used(Span(0, 10), []) is None
    assert data_used(Span(0, 10), [(20, 5)]) is None


def test_the_book_keeps_changes_and_spans_not_every_heartbeat(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j")
    book = journal.presence
    online = State(station="x", state="online", birth=1)
    for at_ms in (0, 10 * MIN):
        book.said("x", online, at_ms)  # the second one is the retained copy
    for minute in (0, 5, 10, 15, 60, 65):
        book.beat("x", Health(t=0, dm=minute // 15), minute * MIN)
    book.said("x", State(station="x", state="lost", birth=1), 70 * MIN)
    journal.close()
    import sqlite3

    with sqlite3.connect(tmp_path / "j") as database:
        assert database.execute("SELECT from_ms, to_ms FROM heard").fetchall() == [
            (0, 15 * MIN),
            (60 * MIN, 65 * MIN),
        ]
        links = database.execute("SELECT received_ms, state FROM links").fetchall()
        assert links == [(0, "online"), (70 * MIN, "lost")]
        meters = database.execute(
            "SELECT received_ms, value FROM meters WHERE name='data_month_mib'"
        ).fetchall()
        assert meters == [(0, 0), (15 * MIN, 1), (60 * MIN, 4)]
