"""The journal on a real file: kill -9, corruption, old files, full and unusable disks."""

from __future__ import annotations

import random
import select
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.adapters import journal as journal_module
from agent.adapters.journal import MIGRATIONS, Opened, SqliteJournal, Unopened, open_journal
from agent.adapters.ports import Durable, NotDurable, Settled
from agent.core.effects import Append, Put

WRITER = """
import sys
from pathlib import Path
from agent.adapters.journal import open_journal
from agent.adapters.ports import Durable
from agent.core.effects import Append, Put

opened = open_journal(Path(sys.argv[1]), 0)
journal = opened.journal
first = int(dict((k, v) for _, k, v in journal.load()).get("a", b"0")) + 1
tickets = {}

def tell(settled):
    if isinstance(settled, Durable):
        print(first + settled.through - 1, flush=True)

journal.start(tell)
for number in range(first, first + 100_000):
    value = b"%d" % number
    journal.submit([Put("n", "a", value), Append(number, number, value), Put("n", "b", value)])
    if number % 50 == 0:
        journal.record(number).result(30)
"""


class Ear:
    def __init__(self) -> None:
        self.heard: list[Settled] = []
        self._change = threading.Condition()

    def __call__(self, settled: Settled) -> None:
        with self._change:
            self.heard.append(settled)
            self._change.notify_all()

    def wait_for(self, wanted: Callable[[Settled], bool]) -> None:
        with self._change:
            assert self._change.wait_for(lambda: any(map(wanted, self.heard)), timeout=10)


def opened(file: Path, **options: int) -> Opened:
    found = open_journal(file, 1_700_000_000_000, **options)
    assert isinstance(found, Opened)
    return found


def write_some(journal: SqliteJournal) -> None:
    ear = Ear()
    journal.start(ear)
    ticket = journal.submit([Put("k", "a", b"1"), Append(1, 5_000, b"{}")])
    ear.wait_for(lambda one: isinstance(one, Durable) and one.through == ticket)
    journal.close()


@pytest.mark.timeout(60)
def test_a_killed_writer_leaves_a_prefix_of_its_batches(tmp_path: Path) -> None:
    """Eight times: kill -9 at a random moment; nothing acknowledged is lost, nothing is split."""
    file = tmp_path / "journal.db"
    chance = random.Random(5)
    for _ in range(8):
        told = _last_told_before_kill(file, commits=chance.randrange(1, 6))
        found = opened(file)
        facts = {key: int(value) for _, key, value in found.journal.load()}
        found.journal.start(lambda _: None)
        records = [one.seq for one in found.journal.records(None, 1_000_000).result(10)]
        found.journal.close()
        assert found.note == "opened"
        assert facts["a"] == facts["b"] == records[0] >= told
        assert records == list(range(records[0], 0, -1))


def _last_told_before_kill(file: Path, commits: int) -> int:
    """Run the writer until it told `commits` commits, kill it, return the last one it told."""
    with subprocess.Popen([sys.executable, "-c", WRITER, str(file)], stdout=subprocess.PIPE) as one:
        assert one.stdout is not None
        told = b""
        try:
            while told.count(b"\n") < commits:
                assert select.select([one.stdout], [], [], 20)[0], "the writer is silent"
                told += one.stdout.read1(65_536)  # type: ignore[attr-defined]
        finally:
            one.send_signal(signal.SIGKILL)
        told += one.stdout.read()
    return int(told.rpartition(b"\n")[0].split(b"\n")[-1])


def test_the_file_is_readable_by_the_station_only(tmp_path: Path) -> None:
    write_some(opened(tmp_path / "journal.db").journal)
    for part in tmp_path.iterdir():
        assert stat.S_IMODE(part.stat().st_mode) == 0o600, part.name


@pytest.mark.parametrize("damage", ["garbage", "page", "truncated"])
def test_a_corrupt_file_is_put_aside_and_a_clean_one_begun(tmp_path: Path, damage: str) -> None:
    file = tmp_path / "journal.db"
    before = opened(file).journal
    write_some(before)
    raw = bytearray(file.read_bytes())
    if damage == "garbage":
        raw[:] = b"\x5a" * 5_000
    elif damage == "page":
        raw[4_096:8_192] = b"\xff" * 4_096
    else:
        del raw[6_000:]
    file.write_bytes(raw)
    found = opened(file)
    assert found.note == "quarantined"
    assert "journal.db.corrupt-1700000000000" in found.detail
    assert found.journal.load() == ()
    assert found.journal.installation != before.installation
    assert (tmp_path / "journal.db.corrupt-1700000000000").read_bytes() == bytes(raw)
    write_some(found.journal)


def test_only_the_newest_corrupt_files_are_kept(tmp_path: Path) -> None:
    file = tmp_path / "journal.db"
    for wall_ms in range(1_700_000_000_000, 1_700_000_000_005):
        file.write_bytes(b"no database")
        found = open_journal(file, wall_ms)
        assert isinstance(found, Opened)
        found.journal.close()
    kept = sorted(one.name for one in tmp_path.glob("*.corrupt-*"))
    assert [name[-1] for name in kept] == ["3", "4"]


def test_somebody_elses_database_is_put_aside(tmp_path: Path) -> None:
    file = tmp_path / "journal.db"
    db = sqlite3.connect(file)
    db.execute("CREATE TABLE fact(other)")
    db.commit()
    db.close()
    assert opened(file).note == "quarantined"


def test_a_file_of_the_first_schema_is_brought_forward(tmp_path: Path) -> None:
    file = tmp_path / "journal.db"
    db = sqlite3.connect(file)
    db.executescript(MIGRATIONS[0])
    db.execute("INSERT INTO meta VALUES('installation', 'old-one')")
    db.execute("INSERT INTO fact VALUES('k', 'a', x'31')")
    db.execute("INSERT INTO record VALUES(3, 9000, x'7b7d')")
    db.execute("PRAGMA user_version=1")
    db.commit()
    db.close()
    found = opened(file)
    assert (found.note, found.detail) == ("migrated", "schema 1")
    assert found.journal.load() == (("k", "a", b"1"),)
    assert found.journal.installation == "old-one"
    assert found.journal.newest_ms() == 9_000
    found.journal.close()
    assert opened(file).note == "opened"


def test_a_file_of_a_newer_agent_still_loads(tmp_path: Path) -> None:
    file = tmp_path / "journal.db"
    write_some(opened(file).journal)
    db = sqlite3.connect(file)
    db.execute("ALTER TABLE record ADD COLUMN later TEXT")
    db.execute("CREATE TABLE later(x)")
    db.execute(f"PRAGMA user_version={len(MIGRATIONS) + 1}")
    db.commit()
    db.close()
    found = opened(file)
    assert found.note == "opened"
    assert found.journal.load() == (("k", "a", b"1"),)
    found.journal.start(ear := Ear())
    found.journal.submit([Append(2, 6_000, b"{}")])
    ear.wait_for(lambda one: isinstance(one, Durable))
    found.journal.close()


def test_a_full_disk_is_told_once_and_nothing_is_lost_when_there_is_room_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "RETRY_FIRST_MS", 20)
    monkeypatch.setattr(journal_module, "RETRY_MAX_MS", 20)
    file, ear = tmp_path / "journal.db", Ear()
    journal = opened(file, max_pages=20).journal
    journal.start(ear)
    journal.submit([Put("k", "a", b"1")])
    journal.submit([Put("k", "big", b"x" * 200_000)])
    ear.wait_for(lambda one: isinstance(one, NotDurable))
    assert journal.submit([Append(4, 4, b"four")]) == 3
    assert journal.record(4).result(5) == b"four"
    assert [one.seq for one in journal.records(None, 5).result(5)] == [4]
    last = journal.submit([Put("k", "big", b"small")])
    # The big value can still not be written; folded into its successor it need not be.
    monkeypatch.setattr(journal_module, "BACKLOG_MAX_SAVES", 1)
    ear.wait_for(lambda one: isinstance(one, Durable) and one.through == last)
    failures = [one for one in ear.heard if isinstance(one, NotDurable)]
    assert [one.detail for one in failures] == ["database or disk is full"]
    journal.close()
    assert {key: value for _, key, value in opened(file).journal.load()} == {
        "a": b"1",
        "big": b"small",
    }


def test_what_waits_for_a_dead_disk_is_bounded_and_the_loss_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "RETRY_FIRST_MS", 20)
    monkeypatch.setattr(journal_module, "RETRY_MAX_MS", 20)
    monkeypatch.setattr(journal_module, "BACKLOG_MAX_SAVES", 50)
    monkeypatch.setattr(journal_module, "BACKLOG_MAX_RECORDS", 10)
    journal, ear = opened(tmp_path / "journal.db", max_pages=12).journal, Ear()
    journal.start(ear)
    journal.submit([Put("k", "big", b"x" * 200_000)])
    ear.wait_for(lambda one: isinstance(one, NotDurable))
    for seq in range(1, 101):
        journal.submit([Append(seq, seq, b"")])
    journal.submit([Put("k", "big", b"")])
    ear.wait_for(lambda one: isinstance(one, Durable) and one.through == 102)
    assert [one.seq for one in journal.records(None, 100).result(5)] == list(range(100, 90, -1))
    assert journal.records_lost == 90
    journal.close()


def test_a_file_that_cannot_be_written_is_read_and_kept_on_in_memory(tmp_path: Path) -> None:
    file = tmp_path / "journal.db"
    write_some(opened(file).journal)
    (tmp_path / "journal.db-wal").mkdir()  # stands in for a read-only card: WAL cannot begin
    found = opened(file)
    assert found.note == "read_only"
    assert found.journal.load() == (("k", "a", b"1"),)
    found.journal.start(ear := Ear())
    found.journal.submit([Append(2, 6_000, b"two")])
    ear.wait_for(lambda one: isinstance(one, NotDurable) and not one.hopeless)
    assert found.journal.record(2).result(5) == b"two"
    found.journal.close()


def test_a_place_where_nothing_can_be_stored_is_told_as_a_value(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert isinstance(open_journal(tmp_path / "file" / "journal.db", 0), Unopened)


def test_a_thread_that_breaks_is_told_as_hopeless(tmp_path: Path) -> None:
    journal, ear = opened(tmp_path / "journal.db").journal, Ear()
    journal.start(ear)
    journal.submit([Append(2**70, 0, b"no number for SQLite")])
    ear.wait_for(lambda one: isinstance(one, NotDurable) and one.hopeless)
    journal.close()


def test_a_file_that_rots_while_in_use_is_told_as_hopeless(tmp_path: Path) -> None:
    """Larger than SQLite's cache, so that it must read what rotted."""
    file, ear = tmp_path / "journal.db", Ear()
    journal = opened(file).journal
    journal.start(ear)
    batch = [Put("k", str(number), b"x" * 10_000) for number in range(300)]
    journal.submit(batch)
    ear.wait_for(lambda one: isinstance(one, Durable))
    raw = file.read_bytes()
    file.write_bytes(raw[:100] + b"\xff" * (len(raw) - 100))
    journal.submit(batch)
    ear.wait_for(lambda one: isinstance(one, NotDurable) and one.hopeless)
    journal.close()
    assert opened(file).note == "quarantined"
