"""One set of cases for every journal: the one on disk and the one in memory."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent.adapters.journal import Opened, open_journal
from agent.adapters.memory_journal import MemoryJournal
from agent.adapters.ports import Durable, Journal, Settled
from agent.core.effects import Append, Drop, PruneRecords, Put

Reopen = Callable[[], Journal]


class Ear:
    """Remembers what was settled, and waits for it."""

    def __init__(self) -> None:
        self.heard: list[Settled] = []
        self._change = threading.Condition()

    def __call__(self, settled: Settled) -> None:
        with self._change:
            self.heard.append(settled)
            self._change.notify_all()

    def wait_for(self, wanted: Callable[[Settled], bool]) -> Settled:
        with self._change:
            assert self._change.wait_for(lambda: any(map(wanted, self.heard)), timeout=10)
            return next(one for one in self.heard if wanted(one))

    def wait_through(self, ticket: int) -> None:
        self.wait_for(lambda one: isinstance(one, Durable) and one.through >= ticket)


@pytest.fixture(params=["disk", "memory"])
def reopen(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Reopen]:
    """Opens the same journal again and again; the one in memory hands its content over."""
    opened: list[Journal] = []

    def disk() -> Journal:
        found = open_journal(tmp_path / "journal.db", 0)
        assert isinstance(found, Opened)
        return found.journal

    def memory() -> Journal:
        before = opened[-1] if opened else None
        if before is None:
            return MemoryJournal()
        again = MemoryJournal(before.load(), installation=before.installation)
        again.start(lambda _: None)
        kept = MemoryJournal(before.load(), installation=before.installation).records(None, 1)
        assert kept.result(5) == ()
        return again

    def open_one() -> Journal:
        if opened:
            opened[-1].close()
        opened.append(disk() if request.param == "disk" else memory())
        return opened[-1]

    yield open_one
    opened[-1].close()


def test_facts_are_there_again_after_opening_anew(reopen: Reopen) -> None:
    journal, ear = reopen(), Ear()
    journal.start(ear)
    journal.submit([Put("a", "1", b"x"), Put("a", "2", b"y"), Put("b", "1", b"z")])
    journal.submit([Drop("a", "1"), Put("b", "1", b"zz"), Drop("never", "was")])
    ear.wait_through(2)
    again = reopen()
    assert again.load() == (("a", "2", b"y"), ("b", "1", b"zz"))
    assert again.installation == journal.installation


def test_tickets_count_from_one_and_settle_in_order(reopen: Reopen) -> None:
    journal, ear = reopen(), Ear()
    journal.start(ear)
    assert [journal.submit([Put("a", str(n), b"")]) for n in range(50)] == list(range(1, 51))
    ear.wait_through(50)
    through = [one.through for one in ear.heard if isinstance(one, Durable)]
    assert through == sorted(through)


def test_an_empty_batch_settles_like_any_other(reopen: Reopen) -> None:
    journal, ear = reopen(), Ear()
    journal.start(ear)
    ear.wait_through(journal.submit([]))


def test_a_record_is_readable_right_after_it_was_submitted(reopen: Reopen) -> None:
    journal = reopen()
    journal.start(Ear())
    journal.submit([Append(7, 1_000, b'{"seq":7}')])
    assert journal.record(7).result(5) == b'{"seq":7}'
    assert journal.record(8).result(5) is None


def test_records_come_newest_first_and_in_pages(reopen: Reopen) -> None:
    journal = reopen()
    journal.start(Ear())
    for seq in range(1, 8):
        journal.submit([Append(seq, seq * 10, b"%d" % seq)])
    assert [one.seq for one in journal.records(None, 3).result(5)] == [7, 6, 5]
    assert [one.seq for one in journal.records(5, 10).result(5)] == [4, 3, 2, 1]
    assert [one.at_ms for one in journal.records(2, 1).result(5)] == [10]


def test_records_after_a_number_come_oldest_first_and_in_pages(reopen: Reopen) -> None:
    journal, ear = reopen(), Ear()
    journal.start(ear)
    last = [journal.submit([Append(seq, seq * 10, b"%d" % seq)]) for seq in (1, 2, 3, 5, 6)][-1]
    ear.wait_through(last)
    assert [one.seq for one in journal.records_after(0, 3).result(5)] == [1, 2, 3]
    assert [one.seq for one in journal.records_after(3, 3).result(5)] == [5, 6]
    assert [one.body for one in journal.records_after(5, 9).result(5)] == [b"6"]
    assert journal.records_after(6, 9).result(5) == ()


def test_pruning_takes_only_what_is_both_passed_and_old(reopen: Reopen) -> None:
    journal = reopen()
    journal.start(Ear())
    for seq in range(1, 7):
        journal.submit([Append(seq, seq * 100, b"")])
    journal.submit([PruneRecords(through_seq=4, before_ms=300)])
    assert [one.seq for one in journal.records(None, 10).result(5)] == [6, 5, 4, 3]


def test_a_closed_journal_answers_no_more(reopen: Reopen) -> None:
    journal = reopen()
    journal.start(Ear())
    journal.close()
    assert journal.record(1).cancelled()
