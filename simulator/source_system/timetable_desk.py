"""Timetables: read, check, compare with what is applied, sign, push, roll back.

Invariant: nothing is sent when a timetable has an error or is too large for one message.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from agent.contract.documents import Document, Entry, Schedule, Settings
from agent.contract.topics import MESSAGE_MAX_BYTES
from simulator.source_system import compose
from simulator.source_system.content_desk import ContentDesk
from simulator.source_system.desk import TIME_ZONE, open_push, sealed_size
from simulator.source_system.empty_slots import EmptySlot, empty_slots, files_of
from simulator.source_system.home import Station
from simulator.source_system.live_shelf import is_live_entry
from simulator.source_system.problems import Conflict, CourierError, DistrictError
from simulator.source_system.receipts import Delivery, Progress
from simulator.source_system.regulation_file import Commune, read_regulation
from simulator.source_system.said import Said
from simulator.source_system.timetable import Finding, Reading, read_timetable
from simulator.source_system.timetable.diff import Difference, compare
from simulator.source_system.timetable.rows import Tags


class TimetableRefused(DistrictError):  # noqa: N818 - a verdict
    """The timetable has errors; nothing was sent."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__(
            "timetable", "", "; ".join(one.text("en") for one in findings if one.is_error)
        )
        self.findings = tuple(findings)


@dataclass(frozen=True)
class Draft:
    """A timetable ready to be signed; showing it changes nothing.

    stations: names of those it goes to. size_bytes: of the signed message. asked_broker: False
    when it could not be reached, so that only what this home remembers was compared. newer: who
    pushed in between, for somebody who only looks.
    """

    audience: str
    entries: tuple[Entry, ...]
    settings: Settings | None
    findings: tuple[Finding, ...]
    difference: Difference
    made_from: int
    revision: int
    effective_from: str | None
    stations: tuple[str, ...]
    size_bytes: int
    empty_slots: tuple[EmptySlot, ...]
    asked_broker: bool = True
    newer: str = ""


class _Standing(NamedTuple):
    """What a new revision comes after."""

    newest: int
    base: Document | None
    asked_broker: bool = True
    newer: str = ""


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
        look_only: bool = False,
    ) -> Draft:
        """Read, check and compare; sends nothing.

        Raises TimetableRefused, Conflict, and DistrictError when it is too large to be sent.
        to: `s/<station>` or `g/<group>`. made_from: the revision the timetable was edited
        from; None takes the newest one this home knows. look_only: neither a broker that cannot
        be reached nor somebody's newer revision is in the way; the draft tells of them.
        """
        reading = self._read(timetable, to, effective_from, allow_long)
        if any(one.is_error for one in reading.findings):
            raise TimetableRefused(reading.findings)
        return self._draft(
            to,
            reading,
            self._settings(to),
            self._compare_with(to, made_from, look_only=look_only),
            effective_from,
        )

    def _draft(
        self,
        to: str,
        reading: Reading,
        settings: Settings | None,
        standing: _Standing,
        effective_from: str | None = None,
    ) -> Draft:
        base = standing.base
        entries = (*reading.entries, *self._on_air(base))
        draft = Draft(
            audience=to,
            entries=entries,
            settings=settings,
            findings=reading.findings,
            difference=compare(_entries_of(base), entries),
            made_from=0 if base is None else base.revision,
            revision=standing.newest + 1,
            effective_from=effective_from,
            stations=tuple(station.name for station in self.file.members(to)),
            size_bytes=0,
            empty_slots=(),
            asked_broker=standing.asked_broker,
            newer=standing.newer,
        )
        size = sealed_size(self._document(draft))
        if size > MESSAGE_MAX_BYTES:
            raise DistrictError("timetable_too_large", to, _how_large(size, len(entries)))
        empty = self._empty_slots(to, entries, effective_from, ask_broker=standing.asked_broker)
        return replace(draft, size_bytes=size, empty_slots=empty)

    def _on_air(self, base: Document | None) -> tuple[Entry, ...]:
        """A new timetable does not cut off who is speaking from the studio (see `live_desk`)."""
        live = (one for one in _entries_of(base) if is_live_entry(one.id))
        return tuple(one for one in live if _ends_ms(one) > self._clock_ms())

    def _compare_with(self, to: str, made_from: int | None, *, look_only: bool) -> _Standing:
        try:
            return _Standing(*self._base(to, "schedule", made_from))
        except Conflict as conflict:
            if not look_only:
                raise
            newest, base = self._base(to, "schedule", made_from, adopt=True)
            return _Standing(newest, base, newer=conflict.detail)
        except CourierError:
            if not look_only:
                raise
            own = self._own(to, "schedule")
            return _Standing(0 if own is None else own.revision, own, asked_broker=False)

    def _empty_slots(
        self, to: str, entries: Sequence[Entry], effective_from: str | None, *, ask_broker: bool
    ) -> tuple[EmptySlot, ...]:
        """Groups are asked at the broker too: a colleague may have published from elsewhere."""
        if not any(map(files_of, entries)):
            return ()
        now = dt.datetime.fromtimestamp(self._clock_ms() / 1000, ZoneInfo(TIME_ZONE))
        first = now.replace(tzinfo=None)
        if effective_from is not None:
            first = max(first, dt.datetime.fromisoformat(effective_from))
        members = self.file.members(to)
        groups = {f"g/{group}" for station in members for group in station.groups}
        bound = self._bound(sorted({to, *groups}), ask_broker=ask_broker)
        own = {f"s/{station.id}" for station in members} - bound.keys()
        bound |= self._bound(sorted(own), ask_broker=False)
        heard = {
            station.name: frozenset[tuple[str, str | None]]().union(
                bound[f"s/{station.id}"], *(bound[f"g/{group}"] for group in station.groups)
            )
            for station in members
        }
        return empty_slots(entries, heard, first)

    def send(
        self,
        draft: Draft,
        *,
        wait_s: float = 10.0,
        progress: Progress | None = None,
        note: str = "",
    ) -> Delivery:
        """Sign, record, publish, wait for receipts."""
        push = self._record(self._document(draft), [self.keyring.signing("schedule")], note)
        return self._send(push, self._stations(draft.audience), wait_s, progress)

    def _document(self, draft: Draft) -> Schedule:
        return compose.schedule(
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

    def draft_rollback(self, revision: int, *, to: str, look_only: bool = False) -> Draft:
        """Old entries as a new revision, under today's settings. look_only: as in `draft`."""
        old = self.ledger.at(to, "schedule", revision)
        document = None if old is None else open_push(old)
        if not isinstance(document, Schedule):
            raise DistrictError("revision_unknown", to, revision)
        standing = self._compare_with(to, None, look_only=look_only)
        return self._draft(to, Reading(document.entries, ()), self._settings(to), standing)

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
            timetable,
            zones=zones,
            first_day=day,
            allow_long=allow_long,
            bound_ms=bound,
            tags=Tags(*self.file.tags(to)),
        )

    def _settings(self, to: str) -> Settings | None:
        station = self.file.find(to.removeprefix("s/")) if to.startswith("s/") else None
        return None if station is None else compose.settings_of(station, self._commune(station))

    def _commune(self, station: Station) -> Commune | None:
        """The regulation that was last sent to the station; every timetable carries it again."""
        path = self.home.regulations / f"{station.id}.toml"
        if not path.exists():
            return None
        commune, findings = read_regulation(path.read_bytes())
        if commune is None:
            raise DistrictError("regulation_broken", path, findings[0].text("en"))
        return commune


def _how_large(size: int, entries: int) -> Said:
    """The figures, and how much of it would go."""
    kb, most_kb = -(-size // 1024), MESSAGE_MAX_BYTES // 1024
    fits = max(1, entries * MESSAGE_MAX_BYTES // size)
    return Said(
        f"{entries} mục thành {kb} KB, tối đa {most_kb} KB, tức khoảng {fits} mục như vậy",
        f"{entries} entries make {kb} KB, at most {most_kb} KB, about {fits} entries like these",
    )


def _ends_ms(entry: Entry) -> int:
    """Of one that plays once."""
    start = dt.datetime.fromisoformat(entry.when.start).replace(tzinfo=ZoneInfo(entry.when.tz))
    return round(start.timestamp() * 1000) + (entry.duration_ms or 0)


def _entries_of(document: Document | None) -> tuple[Entry, ...]:
    return document.entries if isinstance(document, Schedule) else ()
