"""A commune's operating regulation: read, look what it would keep back, sign and push.

Owns where the file lies from then on (`regulations/<station>.toml` in the district home): every
timetable that is pushed to the station alone carries it again. What a rule means is the station's
own `agent.core.rules`, asked here beforehand.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from agent.contract.documents import Entry, Schedule, Settings
from agent.contract.reasons import OccurrenceReason
from agent.core.items import Bar
from agent.core.programme import select_zones
from agent.core.rules import Rules
from agent.core.sessions import Book, Slot
from agent.core.site import Site
from agent.core.site import Zone as SiteZone
from simulator.source_system import compose
from simulator.source_system.desk import TIME_ZONE
from simulator.source_system.home import Station
from simulator.source_system.private_files import write_whole
from simulator.source_system.problems import DistrictError
from simulator.source_system.receipts import Delivery, Progress
from simulator.source_system.regulation_file import Commune, read_regulation
from simulator.source_system.timetable import Reading
from simulator.source_system.timetable.preview import occurrences
from simulator.source_system.timetable_desk import Draft, TimetableDesk, TimetableRefused

PRESETS = Path(__file__).resolve().parents[2] / "config" / "regulations"
LOOK_AHEAD = dt.timedelta(days=14)
KEPT_SHOWN_MAX = 40


class KeptBack(NamedTuple):
    """An entry that the regulation would keep back or cut, and when it does so first."""

    entry: Entry
    first: dt.datetime
    reason: OccurrenceReason
    rule: str
    zones: tuple[str, ...]
    from_start: bool


@dataclass(frozen=True)
class RegulationDraft:
    """One station's regulation ready to be signed; showing it changes nothing."""

    station: Station
    commune: Commune
    raw: bytes
    draft: Draft
    kept_back: tuple[KeptBack, ...]


def presets() -> dict[str, Path]:
    """Examples that come with the software, by name."""
    return {path.stem: path for path in sorted(PRESETS.glob("*.toml"))}


def preset(name: str) -> bytes:
    """Raises DistrictError for a name there is none of."""
    known = presets()
    if name not in known:
        raise DistrictError("preset_unknown", name, ", ".join(known))
    return known[name].read_bytes()


class RegulationDesk(TimetableDesk):
    """Draft and send a regulation, one signed timetable a station."""

    def draft_regulation(
        self, raw: bytes, *, to: str, look_only: bool = False
    ) -> list[RegulationDraft]:
        """Read and check for every station it goes to; sends nothing.

        Raises TimetableRefused with every fault of the file. look_only: as in `draft`.
        """
        self._stations(to)
        drafts = []
        for station in self.file.members(to):
            here, elsewhere = self.file.tags(f"s/{station.id}")
            commune, findings = read_regulation(raw, station.zone_names, here | elsewhere)
            if commune is None:
                raise TimetableRefused(findings)
            drafts.append(self._for_station(station, commune, raw, look_only=look_only))
        return drafts

    def _for_station(
        self, station: Station, commune: Commune, raw: bytes, *, look_only: bool
    ) -> RegulationDraft:
        to = f"s/{station.id}"
        standing = self._compare_with(to, None, look_only=look_only)
        base = standing.base if isinstance(standing.base, Schedule) else None
        entries = base.entries if base is not None else ()
        settings = compose.settings_of(station, commune)
        effective = base.effective_from if base is not None else None
        draft = self._draft(to, Reading(entries, ()), settings, standing, effective)
        heard = [*entries, *self._group_entries(station)]
        now = dt.datetime.fromtimestamp(self._clock_ms() / 1000, ZoneInfo(TIME_ZONE))
        kept = kept_back(station, settings, heard, now.replace(tzinfo=None))
        return RegulationDraft(station, commune, raw, draft, tuple(kept))

    def _group_entries(self, station: Station) -> Iterator[Entry]:
        """What this district sends to the station through its groups."""
        for group in station.groups:
            document = self._own(f"g/{group}", "schedule")
            if isinstance(document, Schedule):
                yield from document.entries

    def send_regulation(
        self, one: RegulationDraft, *, wait_s: float = 10.0, progress: Progress | None = None
    ) -> Delivery:
        """Sign, record, publish; from now on every timetable to the station carries it."""
        with self.home.locked():
            write_whole(self.home.regulations / f"{one.station.id}.toml", one.raw)
        note = f"regulation {one.commune.regulation.document_number}".strip()
        return self.send(one.draft, wait_s=wait_s, progress=progress, note=note)


def kept_back(
    station: Station, settings: Settings, entries: Sequence[Entry], now: dt.datetime
) -> Iterator[KeptBack]:
    """Entries that the station would keep back or cut in the coming days, by first occurrence.

    By the station's own reading of the rules. Content without a slot counts as no air time here:
    its length is not known in the timetable.
    """
    rules = Rules(_site(station), ZoneInfo(TIME_ZONE))
    rules.adopt(settings)
    told: set[tuple[str, OccurrenceReason]] = set()
    for start in _barred(rules, station, settings, entries, now):
        for reason in dict.fromkeys(bar.reason for bar in start.bars):
            if (start.entry.id, reason) not in told:
                told.add((start.entry.id, reason))
                yield _kept(start, reason)


class _Start(NamedTuple):
    """A planned start with what bars it, as far as that lies within its slot."""

    moment: dt.datetime
    entry: Entry
    slot: Slot
    bars: tuple[Bar, ...]


def _barred(
    rules: Rules, station: Station, settings: Settings, entries: Sequence[Entry], now: dt.datetime
) -> Iterator[_Start]:
    moments = sorted(
        ((moment, entry) for entry in entries for moment in _coming(entry, now)),
        key=lambda pair: (pair[0], pair[1].id),
    )
    starts = []
    for number, (moment, entry) in enumerate(moments):
        slot = _slot(number, moment, entry, station, settings)
        end_ms = max(slot.start_ms + 1, slot.start_ms + slot.length_ms)
        found = rules.bars(slot.zones, slot.start_ms, end_ms, entry.language)
        bars = tuple(bar for bar in found if bar.from_ms < end_ms)
        starts.append(_Start(moment, entry, slot, bars))
    asking = [slot for start in starts if (slot := _in_free_zones(start)).zones]
    further = Book(rules).keep_back(asking)
    for start in starts:
        yield start._replace(bars=(*start.bars, *further.get(start.slot.key, ())))


def _in_free_zones(start: _Start) -> Slot:
    """The slot where nothing keeps it back whole."""
    barred = {bar.zone for bar in start.bars if bar.from_ms <= start.slot.start_ms}
    return replace(start.slot, zones=tuple(z for z in start.slot.zones if z not in barred))


def _kept(start: _Start, reason: OccurrenceReason) -> KeptBack:
    bars = [bar for bar in start.bars if bar.reason is reason]
    whole = any(bar.from_ms <= start.slot.start_ms for bar in bars)
    zones = tuple(bar.zone for bar in bars)
    return KeptBack(start.entry, start.moment, reason, bars[0].rule, zones, whole)


def _coming(entry: Entry, now: dt.datetime) -> Iterator[dt.datetime]:
    return occurrences(entry, now, now + LOOK_AHEAD)


def _slot(
    number: int, moment: dt.datetime, entry: Entry, station: Station, settings: Settings
) -> Slot:
    start_ms = round(moment.replace(tzinfo=ZoneInfo(entry.when.tz)).timestamp() * 1_000)
    zones = select_zones(_site(station), entry.zones, settings)
    moves = entry.resume == "continue" or entry.late.policy == "restart"
    return Slot(str(number), start_ms, entry.duration_ms or 0, zones, moves=moves)


def _site(station: Station) -> Site:
    """As far as rules look at it: names and tags."""
    zones = tuple(
        SiteZone(zone.name, "", number, "", (), frozenset(zone.tags))
        for number, zone in enumerate(station.zone)
    )
    return Site(station.id, station.name, TIME_ZONE, zones, ())
