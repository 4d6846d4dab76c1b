"""The collector's own database: chains followed on arrival, and tampering found when looked for."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from agent.contract.chain import chained, fingerprint
from agent.contract.reports import Checkpoint, Event
from simulator.source_system.chain_check import FindingKind, Place
from simulator.source_system.journal import Journal, StreamId
from simulator.source_system.records import Records, StreamCheck
from simulator.source_system.witness import FIRST_CONTACT
from tests.unit.source_system.talking_box import MINUTE, STATION, T0, Box, born, give, written


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite3"


@pytest.fixture
def journal(file: Path) -> Iterator[Journal]:
    journal = Journal(file)
    yield journal
    journal.close()


def give_and_break(journal: Journal, raw: bytes) -> None:
    with journal.transaction():
        journal.add_event(STATION, msgspec.json.decode(raw, type=Event), raw, T0)
        raise sqlite3.IntegrityError("the disk is full, say")


def kinds(file: Path) -> list[tuple[str, int]]:
    return [
        (one.finding.kind.value, one.finding.seq) for one in Records(file).found_on_arrival(STATION)
    ]


def check(file: Path, from_ms: int | None = None, to_ms: int | None = None) -> StreamCheck:
    (one,) = Records(file).check(STATION, from_ms, to_ms)
    return one


def seen(file: Path) -> list[tuple[str, int, int]]:
    return [(one.kind.value, one.seq, one.to_seq) for one in check(file).findings]


def tamper(file: Path, statement: str, *values: object) -> None:
    with sqlite3.connect(file) as database:
        assert database.execute(statement, values).rowcount


# --- on arrival ----------------------------------------------------------------------------


def test_records_in_order_are_followed_and_nothing_is_found(journal: Journal, file: Path) -> None:
    give(journal, *written().said)
    assert kinds(file) == []
    one = check(file)
    assert one.is_whole
    assert (one.from_seq, one.to_seq, one.records, one.checkpoints) == (1, 10, 10, 2)
    assert one.signed is not None
    assert (one.signed.signed_through, one.unsigned) == (7, 3)
    assert [seq for seq in range(1, 11) if one.proves(seq)] == [1, 2, 3, 4, 5, 6, 7]


def test_records_in_any_order_come_to_the_same(journal: Journal, file: Path) -> None:
    said = written().said
    give(journal, *said[5:], *said[:5], *said[:2])
    assert kinds(file) == []
    assert check(file).is_whole


def test_a_gap_that_was_given_up_is_kept_as_a_finding_and_named(
    journal: Journal, file: Path
) -> None:
    said = written().said
    give(journal, *said[:4], *said[6:9])
    (gap,) = journal.gaps()
    with journal.transaction():
        journal.write_off(gap)
    give(journal, said[9])
    assert kinds(file) == [("gap", 5)]
    one = check(file)
    assert seen(file) == [("gap", 5, 6)]
    assert one.written_off == ((5, 6),)
    assert not one.proves(7), "nobody can tell what it followed"
    assert [seq for seq in range(1, 11) if one.proves(seq)] == [1, 2, 3]


def test_a_gap_that_fills_later_is_whole_again_when_looked_at(journal: Journal, file: Path) -> None:
    said = written().said
    give(journal, *said[:4], *said[5:])
    (gap,) = journal.gaps()
    with journal.transaction():
        journal.write_off(gap)
    give(journal, said[4])
    assert check(file).is_whole


def test_a_second_record_under_one_number_is_a_fork_and_both_are_kept(
    journal: Journal, file: Path
) -> None:
    one, other = written(), Box()
    other.act("a", "x")
    give(journal, *one.said, other.said[1], other.said[1])
    assert kinds(file) == [("fork", 2)]
    with sqlite3.connect(file) as database:
        rows = database.execute("SELECT seq, raw FROM forks").fetchall()
    assert rows == [(2, other.said[1])]
    assert journal.through(StreamId(STATION, "i-1", "main")) == 10


def test_a_link_that_does_not_hold_is_found_on_arrival_and_the_record_is_kept(
    journal: Journal, file: Path
) -> None:
    said = written().said
    said[4] = said[4].replace(b'"hoa"', b'"lan"')
    give(journal, *said)
    assert kinds(file) == [("broken_link", 5)]
    assert journal.through(StreamId(STATION, "i-1", "main")) == 10


def test_an_aborted_transaction_leaves_the_chain_where_it_was(journal: Journal, file: Path) -> None:
    said = written().said
    give(journal, *said[:3])
    with pytest.raises(sqlite3.IntegrityError):
        give_and_break(journal, said[3])
    give(journal, *said[3:])
    assert kinds(file) == []


def test_the_chain_is_followed_on_after_the_collector_began_anew(file: Path) -> None:
    said = written().said
    for part in (said[:3], said[3:]):
        journal = Journal(file)
        give(journal, *part)
        journal.close()
    assert kinds(file) == []
    assert check(file).is_whole


# --- keys ----------------------------------------------------------------------------------


def test_the_first_key_is_believed_and_the_next_waits_for_a_person(
    journal: Journal, file: Path
) -> None:
    old, new = written(), Box(seed=2, installation="i-2")
    born(journal, old)
    give(journal, *old.said)
    written(new)
    born(journal, new)
    born(journal, new)
    give(journal, *new.said)
    assert kinds(file) == [("key_changed", 0), ("unknown_key", 4), ("unknown_key", 8)]
    first, second = Records(file).keys(STATION)
    assert (first.public, first.accepted_by) == (old.public, FIRST_CONTACT)
    assert (second.public, second.accepted_ms) == (new.public, None)
    assert not any(one.signed for one in Records(file).check(STATION) if "i-2" in one.place)


def test_an_accepted_key_counts_also_for_what_it_signed_before_and_retires_the_old(
    journal: Journal, file: Path
) -> None:
    old, new = written(), written(Box(seed=2, installation="i-2"))
    give(journal, *old.said, *new.said)
    shown = fingerprint(bytes.fromhex(new.public))
    with journal.transaction():
        assert journal.witness.accept(STATION, "0000 0000 0000 0000", "A", T0) is None
        accepted = journal.witness.accept(STATION, f"{shown[:4]} {shown[4:]}".upper(), "A", T0 + 1)
    assert accepted is not None
    assert (accepted.public, accepted.accepted_by) == (new.public, "A")
    checks = Records(file).check(STATION)
    assert [one.is_whole for one in checks] == [True, True]
    assert [one.signed is not None for one in checks] == [True, True]
    (retired,) = [one for one in Records(file).keys(STATION) if one.public == old.public]
    assert retired.retired_ms == T0 + 1
    born(journal, old)
    assert ("key_changed", 0) in kinds(file), "the old card is back"


def test_a_checkpoint_with_a_wrong_signature_binds_no_key(journal: Journal, file: Path) -> None:
    box = Box()
    box.act("a")
    box.sign()
    event = msgspec.json.decode(box.said[1], type=Event)
    assert isinstance(event.body, Checkpoint)
    body = msgspec.structs.replace(event.body, signature="00" * 64)
    raw, _ = chained(msgspec.structs.replace(event, body=body), event.body.chain)
    give(journal, box.said[0], raw)
    assert kinds(file) == [("bad_signature", 2)]
    assert Records(file).keys(STATION) == []


def test_nonsense_in_a_birth_binds_no_key(journal: Journal, file: Path) -> None:
    with journal.transaction():
        for public in ("", "x", "ab" * 31, "AB" * 32):
            journal.witness.shown(Place(STATION, "i-1", ""), public, T0)
    assert Records(file).keys(STATION) == []


# --- somebody with a pencil in the database ------------------------------------------------


def test_a_changed_row_is_named(journal: Journal, file: Path) -> None:
    said = written().said
    give(journal, *said)
    raw = said[1].replace(b'"hoa"', b'"lan"')
    tamper(file, "UPDATE events SET raw=? WHERE seq=2", raw)
    assert seen(file) == [("broken_link", 2, 2)]
    assert not check(file).proves(2)
    assert check(file).proves(3)


def test_a_changed_time_beside_the_record_is_named(journal: Journal, file: Path) -> None:
    give(journal, *written().said)
    tamper(file, "UPDATE events SET at_ms=at_ms+1 WHERE seq=3")
    (found,) = check(file).findings
    assert (found.kind, found.seq) == (FindingKind.MISPLACED, 3)
    assert f"at_ms {T0 + 3 * MINUTE}, kept as {T0 + 3 * MINUTE + 1}" in found.detail


@pytest.mark.parametrize("value", [7, "text", b"", b"[]"])
def test_a_row_that_holds_no_record_any_more_is_named(
    journal: Journal, file: Path, value: object
) -> None:
    give(journal, *written().said)
    tamper(file, "UPDATE events SET raw=? WHERE seq=6", value)
    assert seen(file) == [("unreadable", 6, 6)]


def test_rows_that_were_taken_out_are_counted(journal: Journal, file: Path) -> None:
    give(journal, *written().said)
    tamper(file, "DELETE FROM events WHERE seq IN (2, 3)")
    assert seen(file) == [("gap", 2, 3)]


def test_rows_taken_off_the_end_are_counted(journal: Journal, file: Path) -> None:
    give(journal, *written().said)
    tamper(file, "DELETE FROM events WHERE seq > 8")
    assert seen(file) == [("gap", 9, 10)]


def test_all_rows_taken_out_are_counted(journal: Journal, file: Path) -> None:
    give(journal, *written().said)
    tamper(file, "DELETE FROM events")
    assert seen(file) == [("gap", 1, 10)]


def test_what_the_station_says_it_wrote_and_never_delivered_is_missing_at_the_end(
    journal: Journal, file: Path
) -> None:
    box = written()
    give(journal, *box.said[:8])
    assert seen(file) == []
    born(journal, box)
    assert seen(file) == [("undelivered", 9, 10)]
    give(journal, *box.said[8:])
    assert seen(file) == []


def test_a_station_that_delivered_nothing_at_all_is_not_passed_over(
    journal: Journal, file: Path
) -> None:
    born(journal, written())
    assert seen(file) == [("undelivered", 1, 10)]


def test_rows_cut_off_together_with_the_collectors_own_count_are_still_missed(
    journal: Journal, file: Path
) -> None:
    box = written()
    give(journal, *box.said)
    born(journal, box)
    tamper(file, "DELETE FROM events WHERE seq > 8")
    tamper(file, "UPDATE streams SET through = 8")
    assert seen(file) == [("undelivered", 9, 10)]


def test_a_smaller_claim_takes_no_larger_one_back(journal: Journal, file: Path) -> None:
    box = written()
    born(journal, box)
    give(journal, *box.said[:8])
    with journal.transaction():
        smaller = msgspec.structs.replace(box.birth(), birth=2, last_seq=8)
        journal.add_birth(STATION, smaller, T0 + MINUTE)
    assert seen(file) == [("undelivered", 9, 10)]


def test_what_was_not_delivered_counts_only_for_a_time_it_can_be_of(
    journal: Journal, file: Path
) -> None:
    box = written()
    give(journal, *box.said[:8])
    with journal.transaction():
        journal.add_birth(STATION, box.birth(), T0 + 20 * MINUTE)
    before, since = T0 + 4 * MINUTE, T0 + 6 * MINUTE
    assert check(file, to_ms=before).findings == ()
    assert [one.seq for one in check(file, from_ms=since).findings] == [9]
    (empty,) = Records(file).check(STATION, T0 + 12 * MINUTE, T0 + 15 * MINUTE)
    assert (empty.records, [one.kind.value for one in empty.findings]) == (0, ["undelivered"])
    assert Records(file).check(STATION, T0 + 30 * MINUTE, T0 + 40 * MINUTE) == []


@pytest.mark.parametrize("claim", [-1, 0, 2**63 - 1, 2**100])
def test_an_impossible_claim_is_clamped_and_costs_nothing(
    journal: Journal, file: Path, claim: int
) -> None:
    box = written()
    give(journal, *box.said)
    with journal.transaction():
        journal.add_birth(STATION, msgspec.structs.replace(box.birth(), last_seq=claim), T0)
    assert seen(file) == ([] if claim <= 0 else [("undelivered", 11, 2**53)])


def test_rows_that_changed_places_are_named(journal: Journal, file: Path) -> None:
    said = written().said
    give(journal, *said)
    tamper(file, "UPDATE events SET raw=? WHERE seq=5", said[5])
    tamper(file, "UPDATE events SET raw=? WHERE seq=6", said[4])
    assert [one for one in seen(file) if one[0] == "misplaced"] == [
        ("misplaced", 5, 5),
        ("misplaced", 6, 6),
    ]


def test_a_whole_forged_ending_is_found_at_the_next_checkpoint(
    journal: Journal, file: Path
) -> None:
    give(journal, *written().said)
    forged = Box()
    forged.act("a", "b", "forged")
    for raw in forged.said[2:]:
        tamper(file, "UPDATE events SET raw=? WHERE seq=3", raw)
    assert seen(file) == [("wrong_checkpoint", 4, 4), ("broken_link", 4, 4)]


# --- a time, not everything ----------------------------------------------------------------


def test_a_time_is_widened_to_the_checkpoints_around_it(journal: Journal, file: Path) -> None:
    box = written()
    box.act("more", "and", "more")
    box.sign()
    box.act("tail")
    give(journal, *box.said)
    one = check(file, T0 + 6 * MINUTE, T0 + 7 * MINUTE)
    assert (one.from_seq, one.to_seq) == (4, 8)
    assert one.is_whole
    assert [seq for seq in range(1, 15) if one.proves(seq)] == [4, 5, 6, 7]


def test_a_time_before_the_first_checkpoint_is_walked_from_the_beginning(
    journal: Journal, file: Path
) -> None:
    give(journal, *written().said)
    one = check(file, T0 + 2 * MINUTE, T0 + 3 * MINUTE)
    assert (one.from_seq, one.to_seq) == (1, 4)
    assert one.proves(1)


def test_a_time_without_records_has_nothing_to_check(journal: Journal, file: Path) -> None:
    give(journal, *written().said)
    assert Records(file).check(STATION, T0 - 2 * MINUTE, T0 - MINUTE) == []


def test_a_file_that_no_collector_has_opened_yet_is_empty(file: Path) -> None:
    assert Records(file).check() == []
    sqlite3.connect(file).close()
    assert Records(file).check() == []
    assert Records(file).keys() == []
