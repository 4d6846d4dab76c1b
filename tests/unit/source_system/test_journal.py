"""The collector's memory: once each, in any order, and a cursor that never lies."""

from __future__ import annotations

from pathlib import Path

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from agent.contract.reports import Audit, Event
from simulator.source_system.journal import Journal, JournalReader, StreamId

STREAM = StreamId("tan-lien", "i-1", "main")


def event(seq: int, what: str = "x", installation: str = "i-1") -> Event:
    return Event(
        station="tan-lien",
        installation=installation,
        stream="main",
        seq=seq,
        at_ms=seq,
        body=Audit(what=what, by="a"),
    )


def add(journal: Journal, one: Event) -> bool:
    with journal.transaction():
        return journal.add_event("tan-lien", one, msgspec.json.encode(one), 0)


@given(st.lists(st.integers(1, 12), max_size=40))
def test_the_cursor_is_the_end_of_the_gapless_beginning(sequences: list[int]) -> None:
    journal = Journal(Path(":memory:"))
    for seq in sequences:
        add(journal, event(seq))
    seen = set(sequences)
    expected = next(n for n in range(13) if n + 1 not in seen)
    assert journal.through(STREAM) == expected
    journal.close()


def test_a_duplicate_is_stored_once_and_counted(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j")
    assert add(journal, event(1))
    assert not add(journal, event(1))
    reader = JournalReader(tmp_path / "j")
    assert reader.sequences("tan-lien") == [1]
    assert reader.counters() == {"duplicates": 1}
    journal.close()


def test_other_bytes_under_a_known_id_are_a_conflict_not_an_update(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j")
    add(journal, event(1, "first"))
    add(journal, event(1, "second"))
    reader = JournalReader(tmp_path / "j")
    assert [one.body for one in reader.events()] == [Audit(what="first", by="a")]
    assert reader.counters()["conflicts"] == 1
    journal.close()


def test_a_new_card_counts_from_one_again_without_harm(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j")
    add(journal, event(1))
    add(journal, event(1, installation="i-2"))
    assert journal.through(STREAM) == 1
    assert journal.through(STREAM._replace(installation="i-2")) == 1
    journal.close()


def test_what_is_lost_for_good_is_written_down_and_the_cursor_moves_on(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j")
    for seq in (1, 4, 5):
        add(journal, event(seq))
    (gap,) = journal.gaps()
    assert (gap.missing_from, journal.through(STREAM)) == (2, 1)
    with journal.transaction():
        journal.write_off(gap)
    assert journal.through(STREAM) == 5
    assert JournalReader(tmp_path / "j").lost() == [(STREAM, 2, 3)]
    assert add(journal, event(3)), "what comes after all is still stored"
    journal.close()


def test_an_interrupted_transaction_leaves_nothing(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j")
    try:
        with journal.transaction():
            journal.add_event("tan-lien", event(1), b"{}", 0)
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        pass
    assert journal.through(STREAM) == 0
    journal.close()


def test_cursor_revisions_grow_even_when_the_file_was_lost(tmp_path: Path) -> None:
    now_ms = 1_795_000_000_000
    old = Journal(tmp_path / "old")
    first = [old.next_cursor_revision("tan-lien", now_ms) for _ in range(3)]
    new = Journal(tmp_path / "new")
    later = new.next_cursor_revision("tan-lien", now_ms + 60_000)
    assert first == sorted(set(first))
    assert later > first[-1]
    old.close()
    new.close()


def test_a_reader_of_nothing_finds_nothing(tmp_path: Path) -> None:
    reader = JournalReader(tmp_path / "none")
    assert (reader.reports(), reader.events(), reader.counters()) == ({}, [], {})
