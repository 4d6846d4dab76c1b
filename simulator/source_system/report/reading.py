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
from simulator.source_system.report.columns import VERSION, Label
from simulator.source_system.report.emergencies import Heard, Noticed
from simulator.source_system.report.episodes import AlarmTold
from simulator.source_system.report.figures import (
    EMERGENCY,
    Counted,
    DayCount,
    Occurrences,
    result_of,
)
from simulator.source_system.report.held import StoredRecords
from simulator.source_system.report.presence import (
    DATA_MONTH_MIB,
    MAINS_READ,
    Link,
    Reading,
    Span,
    Wire,
)
from simulator.source_system.report.punctuality import Starts
from simulator.source_system.report.ranges import Range
from simulator.source_system.report.store import Columns, labels_of
from simulator.source_system.report.window import DAY_MS
from simulator.source_system.witness import StationKey, station_keys

BUSY_TIMEOUT_S = 10.0
ALARMS_BEFORE_MS = 400 * DAY_MS
"""An alarm older than this that never ended is taken for forgotten."""

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
        self.stored = StoredRecords(database, self.labels)

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
        return self.stored.ranges(station, span)

    def keys(self) -> list[StationKey]:
        """Every key that a station ever showed, as the database says."""
        return station_keys(self._database)

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
