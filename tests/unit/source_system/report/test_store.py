"""The columns beside the raw records: the same whatever came first, made anew when they changed."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.contract.reports import AsRun, Event, OccurrenceRef
from simulator.source_system.journal import Journal
from simulator.source_system.report.presence import Span
from simulator.source_system.report.reading import opened
from simulator.source_system.report.store import Columns, RecordId
from tests.unit.source_system.report.told import Told, at, play

DAY_MS = 86_400_000


def record(seq: int, *, zone: str = "z", day: int = 0, at_ms: int = 0, title: str = "t") -> Event:
    ref = OccurrenceRef(
        authority="a", audience="s/x", entry="e", nominal=f"2026-01-{day + 1:02}T05:00:00"
    )
    return Event(
        station="x",
        installation="i",
        stream="main",
        seq=seq,
        at_ms=at_ms,
        body=AsRun(
            occurrence=ref,
            zone=zone,
            title=title,
            klass=3,
            planned_start_ms=day * DAY_MS,
            planned_duration_ms=1_000,
            outcome="skipped",
            reason=None,
            confirmed="unknown",
        ),
    )


def stored(path: Path, events: list[Event]) -> None:
    journal = Journal(path)
    for event in events:
        with journal.transaction():
            journal.add_event("x", event, msgspec.json.encode(event), 0)
    journal.close()


def rows(path: Path, query: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(path) as database:
        return database.execute(query).fetchall()


def test_every_as_run_record_is_one_row_of_its_zone(tmp_path: Path) -> None:
    stored(tmp_path / "j", [record(1), record(2, zone="y"), record(3, day=1)])
    found = rows(tmp_path / "j", "SELECT planned_ms, zone, seq FROM plays ORDER BY seq")
    assert found == [(0, "z", 1), (0, "y", 2), (DAY_MS, "z", 3)]


@given(st.permutations([5, 7, 9]))
def test_of_two_records_of_one_play_the_one_written_first_counts(order: list[int]) -> None:
    database = sqlite3.connect(":memory:", isolation_level=None)
    database.executescript(
        "CREATE TABLE events(station, installation, stream, seq, at_ms, received_ms, kind, raw)"
    )
    columns = Columns(database)
    columns.prepare()
    for seq in order:
        event = record(seq, at_ms=seq, title=str(seq))
        columns.add("x", RecordId(seq, "i", "main", seq), "asrun", msgspec.json.encode(event))
    assert database.execute("SELECT seq FROM plays").fetchall() == [(5,)]
    assert database.execute("SELECT seq FROM doubled ORDER BY seq").fetchall() == [(7,), (9,)]
    database.close()


def test_columns_of_another_version_are_made_anew_from_the_raw_records(tmp_path: Path) -> None:
    path = tmp_path / "j"
    stored(path, [record(1), record(2, day=1), record(3, day=1, at_ms=1)])
    with sqlite3.connect(path) as database:
        database.execute("UPDATE columns_made SET version = 0")
        database.execute("UPDATE plays SET outcome = 'wrong'")
        database.execute("DELETE FROM doubled")
    Journal(path).close()
    assert rows(path, "SELECT seq, outcome FROM plays") == [(1, "skipped"), (2, "skipped")]
    assert rows(path, "SELECT seq FROM doubled") == [(3,)]


def test_a_database_of_older_software_is_filled_when_it_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "j"
    stored(path, [record(1), record(2, day=1)])
    with sqlite3.connect(path) as database:
        for table in ("plays", "labels", "doubled", "unread", "columns_made"):
            database.execute(f"DROP TABLE {table}")
    Journal(path).close()
    assert rows(path, "SELECT seq FROM plays ORDER BY seq") == [(1,), (2,)]


def test_a_transaction_that_fails_leaves_no_label_behind_that_later_rows_point_to(
    tmp_path: Path,
) -> None:
    path = tmp_path / "j"
    journal = Journal(path)
    event = record(1)

    def fail() -> None:
        with journal.transaction():
            journal.add_event("x", event, msgspec.json.encode(event), 0)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with journal.transaction():
        journal.add_event("x", event, msgspec.json.encode(event), 0)
    journal.close()
    joined = rows(path, "SELECT seq FROM plays JOIN labels ON labels.id = plays.label")
    assert joined == [(1,)]


def test_a_record_that_cannot_be_read_is_listed_not_dropped() -> None:
    database = sqlite3.connect(":memory:", isolation_level=None)
    database.executescript(
        "CREATE TABLE events(station, installation, stream, seq, at_ms, received_ms, kind, raw)"
    )
    columns = Columns(database)
    columns.prepare()
    columns.add("x", RecordId(5, "i", "main", 1), "asrun", b"{}")
    assert database.execute("SELECT station, at_ms, seq FROM unread").fetchall() == [("x", 5, 1)]
    database.close()


def test_a_report_is_of_one_moment_while_the_collector_writes_on(tmp_path: Path) -> None:
    told = Told(tmp_path / "j")
    told.plays(play(at("2026-01-01 05:00"), title="Bản tin"))
    span = Span(at("2026-01-01 00:00"), at("2026-01-02 00:00"))
    with opened(told.path) as records:
        told.plays(play(at("2026-01-01 06:00"), entry="b", title="Một tên chưa ai biết"))
        assert [one.label.title for one in records.counted("tan-lien", span)] == ["Bản tin"]
    with opened(told.path) as records:
        assert len(records.counted("tan-lien", span)) == 2
    told.close()
