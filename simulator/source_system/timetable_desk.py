"""Timetables: read, check, compare with what is applied, sign, push, roll back.

Invariant: nothing is sent when a timetable has an error.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from agent.contract.documents import Document, Entry, Schedule, Settings
from simulator.source_system import compose
from simulator.source_system.content_desk import ContentDesk
from simulator.source_system.desk import open_push
from simulator.source_system.problems import DistrictError
from simulator.source_system.receipts import Delivery, Progress
from simulator.source_system.timetable import Finding, Reading, read_timetable
from simulator.source_system.timetable.diff import Difference, compare


class TimetableRefused(DistrictError):  # noqa: N818 - a verdict
    """The timetable has errors; nothing was sent."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__(
            "timetable", "", "; ".join(one.text("en") for one in findings if one.is_error)
        )
        self.findings = tuple(findings)


@dataclass(frozen=True)
class Draft:
    """A timetable ready to be signed; showing it changes nothing."""

    audience: str
    entries: tuple[Entry, ...]
    settings: Settings | None
    findings: tuple[Finding, ...]
    difference: Difference
    made_from: int
    revision: int
    effective_from: str | None


class TimetableDesk(ContentDesk):
    """Draft, send, push, roll back."""

    def draft(
        self,
        timetable: Path | Sequence[Entry],
        *,
        to: str,
        made_from: int | None = None,
        effective_from: str | None = None,
        allow_long: bool = False,
    ) -> Draft:
        """Read, check and compare; sends nothing. Raises TimetableRefused and Conflict.

        to: `s/<station>` or `g/<group>`. made_from: the revision the timetable was edited
        from; None takes the newest one this home knows.
        """
        reading = self._read(timetable, to, effective_from, allow_long)
        if any(one.is_error for one in reading.findings):
            raise TimetableRefused(reading.findings)
        newest, base = self._base(to, "schedule", made_from)
        before = _entries_of(base)
        return Draft(
            audience=to,
            entries=reading.entries,
            settings=self._settings(to),
            findings=reading.findings,
            difference=compare(before, reading.entries),
            made_from=0 if base is None else base.revision,
            revision=newest + 1,
            effective_from=effective_from,
        )

    def send(
        self,
        draft: Draft,
        *,
        wait_s: float = 10.0,
        progress: Progress | None = None,
        note: str = "",
    ) -> Delivery:
        """Sign, record, publish, wait for receipts."""
        document = compose.schedule(
            self.authority,
            draft.audience,
            draft.entries,
            revision=draft.revision,
            made_from=draft.made_from,
            now_ms=self._clock_ms(),
            pushed_by=self._by,
            effective_from=draft.effective_from,
            settings=draft.settings,
        )
        push = self._record(document, [self.keyring.signing("schedule")], note)
        return self._send(push, self._stations(draft.audience), wait_s, progress)

    def push(
        self,
        timetable: Path | Sequence[Entry],
        *,
        to: str,
        made_from: int | None = None,
        effective_from: str | None = None,
        allow_long: bool = False,
        wait_s: float = 10.0,
        progress: Progress | None = None,
    ) -> Delivery:
        """`draft` and `send` in one."""
        draft = self.draft(
            timetable,
            to=to,
            made_from=made_from,
            effective_from=effective_from,
            allow_long=allow_long,
        )
        return self.send(draft, wait_s=wait_s, progress=progress)

    def draft_rollback(self, revision: int, *, to: str) -> Draft:
        """Old content as a new revision."""
        old = self.ledger.at(to, "schedule", revision)
        document = None if old is None else open_push(old)
        if not isinstance(document, Schedule):
            raise DistrictError("revision_unknown", to, revision)
        newest, base = self._base(to, "schedule")
        return Draft(
            audience=to,
            entries=document.entries,
            settings=document.settings,
            findings=(),
            difference=compare(_entries_of(base), document.entries),
            made_from=0 if base is None else base.revision,
            revision=newest + 1,
            effective_from=None,
        )

    def _read(
        self,
        timetable: Path | Sequence[Entry],
        to: str,
        effective_from: str | None,
        allow_long: bool,
    ) -> Reading:
        members = self.file.members(to)
        self._stations(to)
        if not isinstance(timetable, Path):
            return Reading(entries=tuple(timetable), findings=())
        day = (
            self._today() if effective_from is None else dt.date.fromisoformat(effective_from[:10])
        )
        zones = {station.name: station.zone_names for station in members}
        bound = {one.slot: one.duration_ms for one in self._bindings(to)}
        return read_timetable(
            timetable, zones=zones, first_day=day, allow_long=allow_long, bound_ms=bound
        )

    def _settings(self, to: str) -> Settings | None:
        station = self.file.find(to.removeprefix("s/")) if to.startswith("s/") else None
        return None if station is None else compose.settings_of(station)


def _entries_of(document: Document | None) -> tuple[Entry, ...]:
    return document.entries if isinstance(document, Schedule) else ()
