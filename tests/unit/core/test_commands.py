"""Each command once."""

from __future__ import annotations

from typing import Any

import msgspec

from agent.contract.documents import CancelCommand, Command
from agent.contract.reasons import AckReason
from agent.core.commands import (
    OPEN_MAX_MS,
    REMEMBERED_MAX,
    WINDOW_WIDTH,
    WINDOWS_MAX,
    Admission,
    CommandMemory,
    Duplicate,
    Fresh,
    Rejected,
    Window,
    admit,
    answer,
    overdue,
    pruned,
    with_trusted_keys,
)
from tests.vectors import district

KEY = "0" * 16
EMPTY = CommandMemory()


def arrive(
    memory: CommandMemory, *, keyid: str = KEY, at_ms: int = district.NOW_MS, **fields: Any
) -> Admission:
    return admit(memory, district.command(**fields), keyid=keyid, earliest_ms=at_ms)


def fresh(memory: CommandMemory, **fields: Any) -> Fresh:
    admission = arrive(memory, **fields)
    assert isinstance(admission, Fresh)
    return admission


def after(*sequences: int) -> CommandMemory:
    memory = EMPTY
    for seq in sequences:
        memory = fresh(memory, id=f"c{seq}", seq=seq).memory
    return memory


def test_a_new_command_is_fresh_and_remembered_as_accepted() -> None:
    admission = fresh(EMPTY)
    assert admission.command.state == "accepted"
    assert admission.memory.find("huyen", "lenh-1") == admission.command


def test_the_same_message_again_gets_the_answer_it_got() -> None:
    memory = answer(fresh(EMPTY).memory, "huyen", "lenh-1", "done", detail="60")
    again = arrive(memory)
    assert isinstance(again, Duplicate)
    assert (again.command.state, again.command.detail) == ("done", "60")


def test_one_id_through_a_group_and_the_own_topic_is_one_command() -> None:
    memory = fresh(EMPTY, audience=district.GROUP, seq=7).memory
    assert isinstance(arrive(memory, audience=district.OWN, seq=41), Duplicate)


def test_a_copy_under_another_sequence_uses_that_sequence_up() -> None:
    admission = arrive(fresh(EMPTY, seq=41).memory, seq=42)
    assert isinstance(admission, Duplicate)
    other = arrive(admission.memory, id="other", seq=42)
    assert isinstance(other, Rejected)
    assert other.reason == AckReason.REPLAYED


def test_ids_of_two_authorities_do_not_meet() -> None:
    memory = fresh(EMPTY).memory
    assert isinstance(arrive(memory, authority="tinh", keyid="1" * 16), Fresh)


def test_a_used_sequence_under_a_new_id_is_a_replay() -> None:
    admission = arrive(after(41), id="other", seq=41)
    assert isinstance(admission, Rejected)
    assert admission.reason == AckReason.REPLAYED


def test_a_late_sequence_inside_the_window_is_fresh_once() -> None:
    memory = fresh(after(100), id="late", seq=100 - WINDOW_WIDTH + 1).memory
    assert isinstance(arrive(memory, id="later", seq=100 - WINDOW_WIDTH + 1), Rejected)


def test_the_last_sequence_inside_the_window_is_still_known() -> None:
    assert isinstance(arrive(after(1, WINDOW_WIDTH), id="x", seq=1), Rejected)


def test_a_sequence_behind_the_window_is_a_replay() -> None:
    assert isinstance(arrive(after(100), id="old", seq=100 - WINDOW_WIDTH), Rejected)


def test_a_jump_ahead_forgets_no_sequence_it_might_admit_again() -> None:
    memory = after(1, 2, 10_000_000)
    for seq in (1, 2, 10_000_000):
        assert isinstance(arrive(memory, id="x", seq=seq), Rejected)


def test_sequences_count_per_key_and_audience() -> None:
    memory = after(41)
    assert isinstance(arrive(memory, id="a", seq=41, keyid="1" * 16), Fresh)
    assert isinstance(arrive(memory, id="a", seq=41, audience=district.GROUP), Fresh)


def test_a_cancel_ends_an_open_command() -> None:
    memory = fresh(EMPTY, id="loud", seq=1).memory
    admission = fresh(memory, id="stop-it", seq=2, action=CancelCommand(id="loud"))
    assert admission.cancelled is not None
    assert (admission.cancelled.state, admission.cancelled.reason) == (
        "rejected",
        AckReason.CANCELLED,
    )


def test_a_cancel_of_a_running_command_makes_it_fail() -> None:
    memory = answer(fresh(EMPTY, id="loud", seq=1).memory, "huyen", "loud", "running")
    admission = fresh(memory, id="stop-it", seq=2, action=CancelCommand(id="loud"))
    assert admission.cancelled is not None
    assert admission.cancelled.state == "failed"


def test_a_cancel_of_a_finished_command_changes_nothing() -> None:
    memory = answer(fresh(EMPTY, id="loud", seq=1).memory, "huyen", "loud", "done")
    admission = fresh(memory, id="stop-it", seq=2, action=CancelCommand(id="loud"))
    assert admission.cancelled is None
    found = admission.memory.find("huyen", "loud")
    assert found is not None
    assert found.state == "done"


def test_a_cancel_that_overtakes_its_command_leaves_a_tombstone() -> None:
    memory = fresh(EMPTY, id="stop-it", seq=2, action=CancelCommand(id="loud")).memory
    admission = arrive(memory, id="loud", seq=1)
    assert isinstance(admission, Duplicate)
    assert (admission.command.state, admission.command.reason) == (
        "rejected",
        AckReason.CANCELLED,
    )


def test_a_tombstone_of_one_authority_does_not_stop_another() -> None:
    memory = fresh(EMPTY, id="stop-it", seq=2, action=CancelCommand(id="loud")).memory
    assert isinstance(arrive(memory, id="loud", seq=1, authority="tinh"), Fresh)


def test_a_command_that_cancels_itself_is_answered_once() -> None:
    memory = fresh(EMPTY, id="me", seq=2, action=CancelCommand(id="me")).memory
    assert len(memory.commands) == 1


def test_a_final_answer_stays() -> None:
    memory = answer(fresh(EMPTY).memory, "huyen", "lenh-1", "done")
    memory = answer(memory, "huyen", "lenh-1", "failed", AckReason.BUSY)
    found = memory.find("huyen", "lenh-1")
    assert found is not None
    assert (found.state, found.reason) == ("done", None)


def test_a_command_not_begun_in_time_is_overdue() -> None:
    memory = fresh(EMPTY).memory
    until_ms = district.command().accept_until_ms
    assert overdue(memory, until_ms) == ()
    assert [one.id for one in overdue(memory, until_ms + 1)] == ["lenh-1"]
    running = answer(memory, "huyen", "lenh-1", "running")
    assert overdue(running, until_ms + 1) == ()


def test_an_answered_command_is_forgotten_when_no_copy_can_be_accepted_any_more() -> None:
    memory = answer(fresh(EMPTY).memory, "huyen", "lenh-1", "done")
    until_ms = district.command().accept_until_ms
    assert pruned(memory, until_ms + 10 * district.MINUTE_MS) is memory
    forgotten = pruned(memory, until_ms + 10 * district.MINUTE_MS + 1)
    assert forgotten.commands == ()
    assert isinstance(arrive(forgotten), Rejected), "the sequence still knows it"


def test_an_open_command_is_kept_a_day_for_its_answer() -> None:
    memory = fresh(EMPTY).memory
    until_ms = district.command().accept_until_ms
    assert pruned(memory, until_ms + OPEN_MAX_MS) is memory
    assert pruned(memory, until_ms + OPEN_MAX_MS + 1).commands == ()


def test_a_full_memory_refuses_new_commands_instead_of_forgetting() -> None:
    memory, admission = EMPTY, arrive(EMPTY, id="c0", seq=0)
    for seq in range(1, REMEMBERED_MAX + 10):
        memory = admission.memory
        admission = arrive(memory, id=f"c{seq}", seq=seq)
    assert isinstance(admission, Rejected)
    assert admission.reason == AckReason.BUSY
    assert len(memory.commands) <= REMEMBERED_MAX
    assert isinstance(arrive(memory, id="c0", seq=0), Duplicate)
    later_ms = district.NOW_MS + 2 * OPEN_MAX_MS
    assert isinstance(arrive(memory, id="new", seq=9_999, at_ms=later_ms), Fresh)


def test_windows_are_bounded_and_only_those_of_keys_that_are_gone_make_room() -> None:
    windows = tuple(Window(f"{n:016x}", district.OWN, 5, 1) for n in range(WINDOWS_MAX))
    memory = CommandMemory(windows)
    admission = arrive(memory, keyid="f" * 16)
    assert isinstance(admission, Rejected)
    assert admission.reason == AckReason.BUSY
    kept = with_trusted_keys(memory, frozenset({windows[3].keyid}))
    assert kept.windows == (windows[3],)
    assert with_trusted_keys(kept, frozenset()) is kept, "room enough: nothing is dropped"


def test_the_memory_survives_the_journal() -> None:
    memory = answer(after(1, 5, 70), "huyen", "c5", "failed", AckReason.NOTHING_ON_AIR, "x")
    raw = msgspec.json.encode(memory)
    assert msgspec.json.decode(raw, type=CommandMemory) == memory


def test_the_command_type_is_the_one_of_the_contract() -> None:
    assert isinstance(district.command(), Command)
