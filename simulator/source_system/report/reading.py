"""The collector's database, read for a window. Owns the SQL of reports; counts nothing in Python.

Read-only but for the columns of an older database, which are made first. Invariants: whatever is
asked for several windows that follow each other adds up to what is asked for all of them; all that
is asked of one `Records` is of one moment, whatever the collector writes meanwhile.
"""

from __future__ import annotations

import itertools
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec

from simulator.source_system.journal import Journal
from simulator.source_system.report.agreement import Agreement, Stored
from simulator.source_system.report.columns import VERSION, Label, Play, identity_of
from simulator.source_system.report.emergencies import Heard, Noticed
from simulator.source_system.report.episodes import AlarmTold
from simulator.source_system.report.figures import (
    EMERGENCY,
    Counted,
    DayCount,
    Occurrences,
    result_of,
)
from simulator.source_system.report.presence import (
    DATA_MONTH_MIB,
    MAINS_READ,
    Link,
    Reading,
    Span,
    Wire,
)
from simulator.source_system.report.punctuality import Starts
from simulator.source_system.report.ranges import EdgeGap, Gap, Range, Stream, missing
from simulator.source_system.report.store import Columns, RecordId, labels_of
from simulator.source_system.report.window import DAY_MS
from simulator.source_system.witness import StationKey, station_keys

BUSY_TIMEOUT_S = 10.0
ALARMS_BEFORE_MS = 400 * DAY_MS
"""An alarm older than this that never ended is taken for forgotten."""

_OF_STREAM = "station=? AND installation=? AND stream=?"
_IN = "station=? AND planned_ms>=? AND planned_ms<?"
_GOOD = "outcome='played' AND confirmed<>'no'"


class NoRecords(Exception):  # noqa: N818 - a verdict
    """There is no such database, or it is none of a collector."""


class Short(NamedTuple):
    """One occurrence of the timetable that was not played in full, with the zones alike."""

    station: str
    planned_ms: int
    occurrence: str
    label: Label
    outcome: str
    reason: str
    confirmed: str
    zones: tuple[str, ...]
    planned_length_ms: int
    played_ms: int


class _Alarm(msgspec.Struct):
    code: str
    state: str
    subject: str = ""
    episode: int = 0
    since_ms: int = 0
    detail: str = ""


class _AlarmEvent(msgspec.Struct):
    body: _Alarm


class _Warning(msgspec.Struct):
    id: str
    state: str


class _WarningEvent(msgspec.Struct):
    body: _Warning


class Records:
    """One connection; made by `opened`."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self.labels = labels_of(database)

    # --- plays --------------------------------------------------------------------------

    def stations(self) -> list[str]:
        """Every station that has ever said something."""
        rows = self._database.execute(
            "SELECT station FROM streams UNION SELECT station FROM links"
            " UNION SELECT station FROM births ORDER BY 1"
        )
        return [row[0] for row in rows]

    def zones(self, station: str, span: Span) -> list[str]:
        rows = self._database.execute(
            f"SELECT DISTINCT zone FROM plays WHERE {_IN} ORDER BY 1",  # noqa: S608
            (station, *span),
        )
        return [row[0] for row in rows]

    def counted(self, station: str, span: Span) -> list[Counted]:
        """Plays planned in the span, added up where they agree."""
        rows = self._database.execute(
            "SELECT zone, label, outcome, reason, confirmed, COUNT(*), TOTAL(length_ms),"  # noqa: S608
            " SUM(length_ms IS NULL), SUM(played_ms),"
            " SUM(CASE WHEN length_ms IS NULL THEN 0 ELSE played_ms END), SUM(heard_ms),"
            " SUM(mute_ms), SUM(level_sum), SUM(level_ms), MAX(level_max)"
            f" FROM plays WHERE {_IN} GROUP BY 1, 2, 3, 4, 5",
            (station, *span),
        )
        return [
            Counted._make((row[0], self.labels[row[1]], *row[2:6], int(row[6]), *row[7:]))
            for row in rows
        ]

    def days(self, station: str, span: Span, offset_ms: int) -> list[DayCount]:
        """The timetable by local day. offset_ms: local time less UTC."""
        rows = self._database.execute(
            f"SELECT (planned_ms + ?) / {DAY_MS}, outcome, confirmed, COUNT(*),"  # noqa: S608
            f" TOTAL(length_ms), SUM(played_ms) FROM plays WHERE {_IN} AND klass<>{EMERGENCY}"
            " GROUP BY 1, 2, 3",
            (offset_ms, station, *span),
        )
        return [
            DayCount(station, row[0], result_of(row[1], row[2]), row[3], int(row[4]), row[5])
            for row in rows
        ]

    def starts(self, station: str, span: Span) -> Starts:
        """How exactly plays of the timetable began, of those that sounded."""
        rows = self._database.execute(
            f"SELECT ABS(start_error_ms), COUNT(*) FROM plays WHERE {_IN}"  # noqa: S608
            f" AND klass<>{EMERGENCY} AND first_ms IS NOT NULL GROUP BY 1",
            (station, *span),
        ).fetchall()
        errors = Counter({row[0]: row[1] for row in rows if row[0] is not None})
        return Starts(errors, sum(row[1] for row in rows if row[0] is None))

    def occurrences(self, station: str, span: Span) -> Occurrences:
        """Of the timetable, over all zones of the station."""
        rows = self._database.execute(
            "SELECT good = plays, missed = plays, COUNT(*) FROM (SELECT COUNT(*) AS plays,"  # noqa: S608
            f" SUM({_GOOD}) AS good, SUM(outcome='skipped') AS missed FROM plays"
            f" WHERE {_IN} AND klass<>{EMERGENCY} GROUP BY planned_ms, occurrence) GROUP BY 1, 2",
            (station, *span),
        ).fetchall()
        return Occurrences(
            all=sum(row[2] for row in rows),
            whole=sum(row[2] for row in rows if row[0]),
            none=sum(row[2] for row in rows if row[1]),
        )

    def short(self, station: str, span: Span) -> Iterator[Short]:
        """What of the timetable was not played in full, in order."""
        rows = self._database.execute(
            "SELECT planned_ms, occurrence, label, outcome, reason, confirmed,"  # noqa: S608
            " group_concat(zone, char(31)), TOTAL(length_ms), SUM(played_ms)"
            f" FROM plays WHERE {_IN} AND klass<>{EMERGENCY} AND NOT ({_GOOD})"
            " GROUP BY planned_ms, occurrence, label, outcome, reason, confirmed"
            " ORDER BY planned_ms, occurrence, outcome, reason",
            (station, *span),
        )
        for row in rows:
            zones = tuple(sorted(row[6].split("\x1f")))
            label = self.labels[row[2]]
            yield Short._make(
                (station, row[0], row[1], label, *row[3:6], zones, int(row[7]), row[8])
            )

    def emergency_plays(self, station: str, span: Span) -> Iterator[Heard]:
        rows = self._database.execute(
            "SELECT label, planned_ms, zone, outcome, reason, confirmed, first_ms, played_ms,"  # noqa: S608
            f" heard_ms FROM plays WHERE {_IN} AND klass={EMERGENCY}",
            (station, *span),
        )
        for row in rows:
            label = self.labels[row[0]]
            yield Heard._make((station, label.entry, label.title, *row[1:], label.went_over))

    # --- other records ------------------------------------------------------------------

    def notices(self, station: str, span: Span) -> list[Noticed]:
        decoder = msgspec.json.Decoder(_WarningEvent)
        return [
            Noticed(station, body.id, at_ms, body.state)
            for at_ms, body in self._bodies(station, "warning", span, decoder)
        ]

    def alarms(self, station: str, span: Span) -> list[AlarmTold]:
        """With those before the span that may reach into it, in order of time."""
        wider = Span(max(0, span.from_ms - ALARMS_BEFORE_MS), span.to_ms)
        rows = self._database.execute(
            "SELECT installation, at_ms, raw FROM events INDEXED BY events_by_time"
            " WHERE station=? AND kind='alarm' AND at_ms>=? AND at_ms<?"
            " ORDER BY at_ms, installation, stream, seq",
            (station, *wider),
        )
        decoder = msgspec.json.Decoder(_AlarmEvent)
        found = []
        for installation, at_ms, raw in rows:
            try:
                body = decoder.decode(raw).body
            except (msgspec.DecodeError, UnicodeDecodeError):
                continue
            found.append(
                AlarmTold(
                    station,
                    installation,
                    at_ms,
                    body.code,
                    body.subject,
                    body.episode,
                    body.state,
                    body.since_ms,
                    body.detail,
                )
            )
        return found

    def _bodies(
        self, station: str, kind: str, span: Span, decoder: msgspec.json.Decoder[_WarningEvent]
    ) -> Iterator[tuple[int, _Warning]]:
        rows = self._database.execute(
            "SELECT at_ms, raw FROM events INDEXED BY events_by_time"
            " WHERE station=? AND kind=? AND at_ms>=? AND at_ms<? ORDER BY at_ms",
            (station, kind, *span),
        )
        for at_ms, raw in rows:
            try:
                yield at_ms, decoder.decode(raw).body
            except (msgspec.DecodeError, UnicodeDecodeError):
                continue

    # --- presence -----------------------------------------------------------------------

    def watched(self) -> list[Span]:
        return [Span(*row) for row in self._database.execute("SELECT * FROM watched ORDER BY 1")]

    def heard(self, station: str) -> list[Span]:
        rows = self._database.execute(
            "SELECT from_ms, to_ms FROM heard WHERE station=? ORDER BY 1", (station,)
        )
        return [Span(*row) for row in rows]

    def links(self, station: str) -> list[Link]:
        rows = self._database.execute(
            "SELECT received_ms, state FROM links WHERE station=? ORDER BY 1", (station,)
        )
        return [Link(*row) for row in rows]

    def births(self, station: str, span: Span) -> int:
        row = self._database.execute(
            "SELECT COUNT(*) FROM births WHERE station=? AND received_ms>=? AND received_ms<?",
            (station, *span),
        ).fetchone()
        return int(row[0])

    def replaced(self, station: str) -> dict[str, int]:
        """installation → when another was first heard after its own last birth."""
        rows = self._database.execute(
            "SELECT installation, received_ms FROM births WHERE station=?"
            " ORDER BY received_ms, birth",
            (station,),
        ).fetchall()
        found: dict[str, int] = {}
        for (held, _), (new, at_ms) in itertools.pairwise(rows):
            if held != new:
                found[held] = at_ms
                found.pop(new, None)  # it is back in its place
        return found

    def mains_readings(self, station: str) -> list[Reading]:
        rows = self._database.execute(
            "SELECT name, received_ms, value FROM meters WHERE station=?1"
            " AND (name=?2 OR (name>?2||':' AND name<?2||';')) ORDER BY received_ms",
            (station, MAINS_READ),
        )
        return [Reading(name.partition(":")[2], at_ms, bool(on)) for name, at_ms, on in rows]

    def wires(self, station: str) -> list[Wire]:
        rows = self._database.execute(
            "SELECT zone, received_ms, controller FROM wired WHERE station=? ORDER BY received_ms",
            (station,),
        )
        return [Wire(*row) for row in rows]

    def data_readings(self, station: str) -> list[tuple[int, int]]:
        return self._database.execute(
            "SELECT received_ms, value FROM meters WHERE station=? AND name=? ORDER BY 1",
            (station, DATA_MONTH_MIB),
        ).fetchall()

    # --- which records ------------------------------------------------------------------

    def ranges(self, station: str, span: Span) -> list[Range]:
        """One for each stream that has records in the span or counted in it, or may have had."""
        rows = self._database.execute(
            "SELECT installation, stream, MIN(seq), MAX(seq) FROM ("
            "SELECT installation, stream, seq FROM events INDEXED BY events_by_number"
            " WHERE station=?1 AND at_ms>=?2 AND at_ms<?3 UNION ALL"
            " SELECT installation, stream, seq FROM plays"
            " WHERE station=?1 AND planned_ms>=?2 AND planned_ms<?3) GROUP BY 1, 2",
            (station, *span),
        )
        held = {Stream(station, *row[:2]): (row[2], row[3]) for row in rows}
        known = self._database.execute(
            "SELECT installation, stream FROM streams WHERE station=?1 UNION"
            " SELECT installation, stream FROM claimed WHERE station=?1",
            (station,),
        )
        streams = sorted({*held, *(Stream(station, *row) for row in known)})
        found = (
            self._range(one, *held[one], span) if one in held else self._nothing(one, span)
            for one in streams
        )
        return [one for one in found if one is not None]

    def _range(self, stream: Stream, first_seq: int, last_seq: int, span: Span) -> Range:
        records, first_ms, last_ms = self._database.execute(
            "SELECT COUNT(*), MIN(at_ms), MAX(at_ms) FROM events INDEXED BY events_by_number"  # noqa: S608
            f" WHERE {_OF_STREAM} AND seq>=? AND seq<=?",
            (*stream, first_seq, last_seq),
        ).fetchone()
        before = self._number("MAX(seq)", stream, "seq<?", first_seq)
        after = self._number("MIN(seq)", stream, "seq>?", last_seq)
        gaps, edges = self._missing(stream, first_seq, last_seq, before, after)
        return Range(
            stream=stream,
            first_seq=first_seq,
            last_seq=last_seq,
            first_ms=first_ms,
            last_ms=last_ms,
            records=records,
            gaps=gaps,
            span=span,
            edges=edges,
            neighbours=tuple(one for one in (before, after) if one is not None),
            lost=self._lost(stream, gaps),
            on_arrival=self._found_on_arrival(stream, first_seq, last_seq),
            doubled=self._several("doubled", "planned_ms", stream, span),
            unread=self._several("unread", "at_ms", stream, span),
            undelivered=0 if after is not None else self._undelivered(stream, last_seq),
        )

    def _nothing(self, stream: Stream, span: Span) -> Range | None:
        """Nothing of the span is there: a range without records if there may have been some."""
        before = self._number("MAX(seq)", stream, "at_ms<?", span.from_ms)
        after = self._number("MIN(seq)", stream, "at_ms>=?", span.to_ms)
        _, edges = self._missing(stream, 0, 0, before, after)
        undelivered = 0 if after is not None else self._undelivered(stream, before or 0, span)
        neighbours = tuple(one for one in (before, after) if one is not None)
        told = [identity_of(one[3]) for seq in neighbours for one in self.raw(stream, seq, seq)]
        moved = any(one is None or span.from_ms <= one.at_ms < span.to_ms for one in told)
        if not (edges or undelivered or moved):
            return None
        return Range(
            stream=stream,
            first_seq=0,
            last_seq=0,
            first_ms=None,
            last_ms=None,
            records=0,
            gaps=[],
            span=span,
            edges=edges,
            neighbours=neighbours,
            undelivered=undelivered,
        )

    def _number(self, which: str, stream: Stream, where: str, value: int) -> int | None:
        row = self._database.execute(
            f"SELECT {which} FROM events INDEXED BY events_by_number"  # noqa: S608 - ours
            f" WHERE {_OF_STREAM} AND {where}",
            (*stream, value),
        ).fetchone()
        return None if row[0] is None else int(row[0])

    def _missing(
        self, stream: Stream, first_seq: int, last_seq: int, before: int | None, after: int | None
    ) -> tuple[list[Gap], list[EdgeGap]]:
        """Between the records around the range; after the newest up to what was once here."""
        low, high = before or 0, after or max(last_seq, self._through(stream)) + 1
        numbers = self._database.execute(
            "SELECT seq, after FROM (SELECT seq, LEAD(seq) OVER (ORDER BY seq) AS after"  # noqa: S608
            f" FROM events INDEXED BY events_by_number WHERE {_OF_STREAM} AND seq>=? AND seq<=?)"
            " WHERE after > seq + 1 OR after IS NULL",
            (*stream, low, high),
        )
        pairs = [(seq, high if after is None else after) for seq, after in numbers]
        oldest = self._number("MIN(seq)", stream, "seq>?", low)
        if before is None:
            pairs.insert(0, (0, high if oldest is None else min(oldest, high)))
        pairs = [one for one in pairs if one[1] > one[0] + 1]
        outer = {
            seq for pair in pairs for seq in pair if not first_seq < seq < last_seq or not first_seq
        }
        return missing(pairs, first_seq, last_seq, self._times(stream, outer))

    def _times(self, stream: Stream, numbers: set[int]) -> dict[int, int]:
        found = {}
        for seq in numbers:
            at_ms = self._number("MIN(at_ms)", stream, "seq=?", seq)
            if at_ms is not None:
                found[seq] = at_ms
        return found

    def _through(self, stream: Stream) -> int:
        """Up to where the collector once had all there was."""
        row = self._database.execute(
            f"SELECT MAX(through) FROM streams WHERE {_OF_STREAM}",  # noqa: S608
            stream,
        ).fetchone()
        return int(row[0] or 0)

    def _undelivered(self, stream: Stream, last_seq: int, span: Span | None = None) -> int:
        """Of a station that says it wrote more than it ever delivered, after this range's end.

        span: only if it said so in it or later.
        """
        claim = self._database.execute(
            f"SELECT seq, told_ms FROM claimed WHERE {_OF_STREAM}",  # noqa: S608
            stream,
        ).fetchone()
        if claim is None or (span is not None and claim[1] < span.from_ms):
            return 0
        return max(0, int(claim[0]) - max(last_seq, self._through(stream)))

    def _lost(self, stream: Stream, gaps: list[Gap]) -> int:
        written_off = self._database.execute(
            "SELECT from_seq, to_seq FROM lost WHERE station=? AND installation=? AND stream=?",
            stream,
        ).fetchall()
        return sum(
            max(0, min(gap.to_seq, to_seq) - max(gap.from_seq, from_seq) + 1)
            for gap in gaps
            for from_seq, to_seq in written_off
        )

    def _found_on_arrival(self, stream: Stream, first: int, last: int) -> tuple[str, ...]:
        """Gaps are told apart: by now they may have been filled."""
        rows = self._database.execute(
            "SELECT DISTINCT kind FROM findings WHERE station=? AND installation=? AND stream=?"
            " AND seq<=? AND to_seq>=? AND kind<>'gap' ORDER BY 1",
            (*stream, last, first),
        )
        return tuple(row[0] for row in rows)

    def keys(self) -> list[StationKey]:
        """Every key that a station ever showed, as the database says."""
        return station_keys(self._database)

    def _several(self, table: str, when: str, stream: Stream, span: Span) -> int:
        row = self._database.execute(
            f"SELECT COUNT(*) FROM {table} WHERE station=? AND installation=? AND stream=?"  # noqa: S608
            f" AND {when}>=? AND {when}<?",
            (*stream, *span),
        ).fetchone()
        return int(row[0])

    def raw(self, stream: Stream, first_seq: int, last_seq: int) -> Iterator[Stored]:
        """Records with their columns; a year of a district has 1.8 million."""
        rows: Iterator[Stored] = self._database.execute(
            "SELECT seq, at_ms, kind, CAST(raw AS BLOB) FROM events"  # noqa: S608
            f" WHERE {_OF_STREAM} AND seq>=? AND seq<=? ORDER BY seq",
            (*stream, first_seq, last_seq),
        )
        return rows

    def agreement(self, stream: Stream, span: Span) -> Agreement:
        """Holds what is counted of the span against the records that pass."""
        rows = self._database.execute(
            "SELECT seq, label, at_ms, planned_ms, occurrence, zone, klass, outcome, reason,"  # noqa: S608
            " confirmed, length_ms, played_ms, heard_ms, mute_ms, level_sum, level_ms, level_max,"
            f" first_ms, start_error_ms FROM plays WHERE {_IN} AND installation=? AND stream=?",
            (stream.station, *span, stream.installation, stream.stream),
        )

        def written_first(play: Play, seq: int, at_ms: int) -> bool:
            held = self._database.execute(
                "SELECT at_ms, installation, stream, seq FROM plays"
                " WHERE station=? AND planned_ms=? AND occurrence=? AND zone=?",
                (stream.station, play.planned_ms, play.occurrence, play.zone),
            ).fetchone()
            this = RecordId(at_ms, stream.installation, stream.stream, seq)
            return held is not None and RecordId(*held) < this

        return Agreement(stream, span, rows, self.labels, written_first)

    def next_checkpoint(self, stream: Stream, after_seq: int, within: int) -> int | None:
        """The number of the first signed record from `after_seq` on, at most `within` later."""
        row = self._database.execute(
            "SELECT MIN(seq) FROM events WHERE station=? AND installation=? AND stream=?"
            " AND seq>=? AND seq<=? AND kind='checkpoint'",
            (*stream, after_seq, after_seq + within),
        ).fetchone()
        return None if row[0] is None else int(row[0])

    def counters(self) -> dict[str, int]:
        return dict(self._database.execute("SELECT name, value FROM counters"))


@contextmanager
def opened(path: Path, *, anew: bool = False) -> Iterator[Records]:
    """anew: whatever the columns say, make them from the raw records first. Raises NoRecords."""
    if not path.exists():
        raise NoRecords(path)
    try:
        current = _is_current(path)
        if anew:
            _outdate(path)
        if anew or not current:
            Journal(path).close()
        database = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=BUSY_TIMEOUT_S)
    except sqlite3.DatabaseError as error:
        raise NoRecords(f"{path}: {error}") from error
    try:
        database.execute("BEGIN")
        yield Records(database)
    finally:
        database.close()


def _outdate(path: Path) -> None:
    database = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None)
    try:
        Columns(database).outdate()
    finally:
        database.close()


def _is_current(path: Path) -> bool:
    database = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=BUSY_TIMEOUT_S)
    try:
        database.execute("SELECT 1 FROM findings, station_keys LIMIT 1")
        row = database.execute("SELECT MAX(version) FROM columns_made").fetchone()
    except sqlite3.OperationalError:
        if database.execute("SELECT 1 FROM sqlite_master WHERE name='events'").fetchone() is None:
            raise sqlite3.DatabaseError("no events in it") from None
        return False
    finally:
        database.close()
    return bool(row[0] == VERSION)
