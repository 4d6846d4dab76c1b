"""What is sent again, and when: the broker's word is not delivery, the cursor is."""

from __future__ import annotations

from agent.core.outbox import (
    DOUBTED_FIRST_MS,
    FLIGHT_MAX_MS,
    STALLED_FIRST_MS,
    STALLED_MAX_MS,
    Outbox,
)


def connected(last: int) -> Outbox:
    outbox = Outbox(last=last)
    outbox.linked(True)
    return outbox


def sent_and_answered(outbox: Outbox, mono_ms: int) -> list[int]:
    """Everything that is due goes out, and the broker takes it at once."""
    gone: list[int] = []
    while due := outbox.due(mono_ms):
        gone += due
        for seq in due:
            outbox.delivered(seq, mono_ms)
    return gone


def test_what_the_cursor_does_not_pass_is_sent_again_after_a_while() -> None:
    outbox = connected(3)
    assert sent_and_answered(outbox, 0) == [1, 2, 3]
    assert outbox.due(STALLED_FIRST_MS - 1) == []
    assert outbox.wake_mono_ms() == STALLED_FIRST_MS
    assert outbox.due(STALLED_FIRST_MS) == [1, 2, 3]


def test_a_source_that_begins_anew_without_them_gets_them_at_once() -> None:
    """Broker and collector died together: the PUBACKs are all that is left of the records."""
    outbox = connected(20)
    sent_and_answered(outbox, 0)
    assert not outbox.told(0, 15_000)
    assert sent_and_answered(outbox, 15_000) == list(range(1, 21))


def test_a_cursor_that_moved_but_stopped_short_brings_the_rest_at_once() -> None:
    outbox = connected(20)
    sent_and_answered(outbox, 0)
    assert outbox.told(12, 15_000)
    assert sent_and_answered(outbox, 15_000) == list(range(13, 21))


def test_a_cursor_that_crosses_the_records_on_their_way_sends_none_twice() -> None:
    """The answer to our birth comes while the backlog is under way."""
    outbox = connected(20)
    first = outbox.due(0)
    assert not outbox.told(0, 50)
    for seq in first:
        outbox.delivered(seq, 100)
    assert sent_and_answered(outbox, 100) == list(range(9, 21))
    assert outbox.told(20, 1_100)
    assert sent_and_answered(outbox, 10 * STALLED_FIRST_MS) == []
    assert outbox.wake_mono_ms() is None


def test_a_source_that_listens_a_moment_too_late_waits_ten_seconds_not_sixty() -> None:
    outbox = connected(5)
    sent_and_answered(outbox, 0)
    assert not outbox.told(0, 2_000)
    assert outbox.wake_mono_ms() == DOUBTED_FIRST_MS
    assert sent_and_answered(outbox, DOUBTED_FIRST_MS) == [1, 2, 3, 4, 5]


def test_a_record_that_no_longer_exists_is_not_sent_for_at_every_cursor() -> None:
    """Each duplicate brings a cursor that stands still; the tries become rare all the same."""
    outbox = connected(3)
    sent_and_answered(outbox, 0)
    now_ms, tries = 0, []
    while now_ms < 6 * 3_600_000:
        wake_ms = outbox.wake_mono_ms()
        assert wake_ms is not None
        now_ms = wake_ms
        assert sent_and_answered(outbox, now_ms)
        tries.append(now_ms)
        assert not outbox.told(0, now_ms + 1_000)
    assert len(tries) < 20
    assert tries[-1] - tries[-2] <= STALLED_MAX_MS


def test_who_answers_our_birth_has_only_begun_to_listen_and_is_not_kept_waiting() -> None:
    outbox = connected(3)
    sent_and_answered(outbox, 0)
    now_ms = 0
    for _ in range(8):
        now_ms = outbox.wake_mono_ms() or 0
        sent_and_answered(outbox, now_ms)
    later_ms = now_ms + DOUBTED_FIRST_MS + 1
    assert not outbox.told(0, later_ms, greeted=True)
    assert sent_and_answered(outbox, later_ms) == [1, 2, 3]


def test_without_a_connection_nothing_is_sent_whatever_a_cursor_says() -> None:
    outbox = Outbox(last=3)
    assert not outbox.told(0, 0)
    assert outbox.due(STALLED_MAX_MS) == []
    assert outbox.wake_mono_ms() is None


def test_a_new_connection_begins_again_from_the_cursor() -> None:
    outbox = connected(3)
    sent_and_answered(outbox, 0)
    outbox.told(1, 500)
    outbox.linked(False)
    outbox.linked(True)
    assert outbox.due(1_000) == [2, 3]


def test_a_flight_without_an_answer_is_given_up_and_does_not_hold_up_what_follows() -> None:
    outbox = connected(20)
    assert len(outbox.due(0)) == 8
    assert outbox.due(FLIGHT_MAX_MS - 1) == []
    assert outbox.due(FLIGHT_MAX_MS) == list(range(9, 17))
