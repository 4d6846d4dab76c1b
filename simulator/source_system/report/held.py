"""Which records of a window are in the collector's database, and which are missing around them.

Owns the SQL that finds ranges and their gaps, and hands the records out to be checked. Read-only;
what is made of a range is `ranges`', what is counted `reading`'s.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping

from simulator.source_system.report.agreement import Agreement, Stored
from simulator.source_system.report.columns import Label, Play, identity_of
from simulator.source_system.report.presence import Span
from simulator.source_system.report.ranges import EdgeGap, Gap, Range, Stream, missing
from simulator.source_system.report.store import RecordId

_OF_STREAM = "station=? AND installation=? AND stream=?"
_IN = "station=? AND planned_ms>=? AND planned_ms<?"


class StoredRecords:
    """Through a connection that its owner opens; all that is asked is of its one moment."""

    def __init__(self, database: sqlite3.Connection, labels: Mapping[int, Label]) -> None:
        self._database = database
        self._labels = labels

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

        return Agreement(stream, span, rows, self._labels, written_first)

    def next_checkpoint(self, stream: Stream, after_seq: int, within: int) -> int | None:
        """The number of the first signed record from `after_seq` on, at most `within` later."""
        row = self._database.execute(
            "SELECT MIN(seq) FROM events WHERE station=? AND installation=? AND stream=?"
            " AND seq>=? AND seq<=? AND kind='checkpoint'",
            (*stream, after_seq, after_seq + within),
        ).fetchone()
        return None if row[0] is None else int(row[0])
