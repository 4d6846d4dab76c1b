"""Whether what a report counts is what the records say. Pure: stored rows in, numbers out.

Two things lie beside the raw bytes in the database, and nothing signs them: the columns of a
record (when, which kind) that decide where it is looked for, and the rows that are counted. Both
are made from the bytes again, record by record, and held against what is stored; so whoever changes
them without the bytes is found, and whoever changes the bytes breaks the chain (`ranges`).

Does not follow the chain and does not look outside the records that pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from simulator.source_system.report.columns import (
    KIND,
    Label,
    Play,
    identity_of,
    play_of,
    read_as_run,
)
from simulator.source_system.report.presence import Span
from simulator.source_system.report.ranges import RawRecord, Stream

CountedRow = tuple[Any, ...]
"""(number, label, when it was written, and the columns of `Play` but its label) of a stored row."""


Stored = tuple[int, int, str, bytes]
"""(number, instant, kind, bytes as they came) of a stored record: its columns, and itself."""

WrittenFirst = Callable[[Play, int, int], bool]
"""(play, number, when its record was written): whether another record of it, written before this
one, is counted."""


@dataclass(slots=True)
class Disagreement:
    """Numbers of records. misplaced: the columns say something else than the bytes. changed: the
    counted row says something else. uncounted: it has no row. unbacked: the row has no record."""

    misplaced: list[int] = field(default_factory=list)
    changed: list[int] = field(default_factory=list)
    uncounted: list[int] = field(default_factory=list)
    unbacked: list[int] = field(default_factory=list)

    @property
    def rows(self) -> int:
        """Counted, or left out, against what the records say."""
        return len(self.changed) + len(self.uncounted) + len(self.unbacked)


class Agreement:
    """Looks at each record of a stream once, on its way to whoever follows the chain."""

    def __init__(
        self,
        stream: Stream,
        span: Span,
        counted: Iterable[CountedRow],
        labels: Mapping[int, Label],
        written_first: WrittenFirst,
    ) -> None:
        """counted: the rows of this stream that are planned in the span."""
        self._stream = tuple(stream)
        self._from_ms, self._to_ms = span
        self._rows = {row[0]: row for row in counted}
        self._labels = labels
        self._written_first = written_first
        self._same: dict[int, Label] = {}
        """Of each label in the database, the one of the records that is equal to it."""

        self.found = Disagreement()

    def passing(self, records: Iterable[Stored]) -> Iterator[RawRecord]:
        for seq, at_ms, kind, raw in records:
            play: Play | None = None
            if kind == KIND:
                told, play = read_as_run(raw)
            else:
                told = identity_of(raw)
            if told is None or told != (*self._stream, seq, at_ms, kind):
                self.found.misplaced.append(seq)
                play = play_of(raw)
            if play is not None and self._from_ms <= play.planned_ms < self._to_ms:
                self._counted(seq, at_ms, play)
            yield seq, kind, raw

    def look(self, records: Iterable[Stored]) -> None:
        """As `passing`, of records whose chain nobody follows."""
        for _ in self.passing(records):
            pass

    def _counted(self, seq: int, at_ms: int, play: Play) -> None:
        row = self._rows.pop(seq, None)
        if row is None:
            if not self._written_first(play, seq, at_ms):
                self.found.uncounted.append(seq)
            return
        label = play.label
        said = (seq, row[1], at_ms, *play[:3], label.klass, *play[4:])
        known = self._same.get(row[1])
        if known is not label and self._labels.get(row[1]) == label:
            known = self._same[row[1]] = label
        if row != said or known is not label:
            self.found.changed.append(seq)

    def ended(self) -> Disagreement:
        """All records have passed: a row that is left over comes from none."""
        self.found.unbacked = sorted(self._rows)
        return self.found
