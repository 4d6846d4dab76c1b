"""From documents to items: what is in force, which sound each occurrence has, what it waits for.

Owns the resolution of slots, sources, zones and volume for timetable entries. Derived anew from
held documents and from what is on the box; keeps no state of its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import msgspec

from agent.contract.documents import (
    UNTOLD,
    About,
    Binding,
    Content,
    Entry,
    FileSource,
    LineInSource,
    Schedule,
    Settings,
    Source,
    StreamSource,
    TextSource,
    ToneSource,
    Version,
    WarningFile,
    Warnings,
    ZoneSelector,
)
from agent.contract.reasons import OccurrenceReason
from agent.core.items import Item, key_of, play_ms
from agent.core.loudness import Loudness
from agent.core.schedule import Expander, Horizon, Occurrence, Zones, to_utc_ms
from agent.core.site import Site
from agent.core.versions import all_sources, may_be_said, sources_of
from agent.player import protocol

TONES: dict[str, tuple[tuple[int, ...], int, int]] = {
    "chime": ((784, 659, 523), 600, 1_800),
    "siren": ((600, 900), 500, 3_000),
    "test": ((1_000,), 1_000, 3_000),
}
"""name → (frequencies in Hz, step ms, length ms)."""

DAY_MS = 86_400_000
DAYS_KEPT = 64
"""Days kept expanded: more than a look back and ahead ever needs."""

INPUT = "input:"
"""Before the name of an input where a source of the protocol has its address."""

SPEECH_REASON = OccurrenceReason.SPEECH_UNAVAILABLE


@dataclass(frozen=True, slots=True)
class Sound:
    """What an item sounds like. chime_ms is 0 without chime; main_ms None when unknown.

    languages: of the parts of main, "" for the main one. missing: languages it was to be said in,
    and is not; unsaid: why. author, about: of the file that sounds, as its binding names them.
    """

    chime: protocol.Source | None
    chime_ms: int
    main: tuple[protocol.Part, ...]
    main_ms: int | None
    label: str = ""
    languages: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    unsaid: OccurrenceReason | None = None
    author: str = ""
    about: About = UNTOLD

    @property
    def total_ms(self) -> int | None:
        return None if self.main_ms is None else self.chime_ms + self.main_ms


@dataclass(slots=True)
class OnBox:
    """What is on the box: verified files, spoken texts (None: it failed), files given up on.

    loudness: of `content:<sha256>` and `speech:<key>`; None: it was tried, and is not known.
    """

    files: dict[str, int] = field(default_factory=dict)
    speech: dict[str, int | None] = field(default_factory=dict)
    faults: dict[str, OccurrenceReason] = field(default_factory=dict)
    loudness: dict[str, Loudness | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class InForce:
    """An accepted timetable with its rank."""

    schedule: Schedule
    rank: int
    class_ceiling: int
    expander: Expander


@dataclass(frozen=True, slots=True)
class WarningsInForce:
    document: Warnings
    rank: int


def speech_key(text: str, language: str) -> str:
    return hashlib.sha256(f"{language}\n{text}".encode()).hexdigest()[:32]


def tone_source(name: str) -> protocol.Source:
    hz, step_ms, _ = TONES[name]
    return protocol.Source("tone", tone_hz=hz, tone_step_ms=step_ms)


def tone_ms(name: str) -> int:
    return TONES[name][2]


def select_zones(site: Site, selector: ZoneSelector, settings: Settings | None) -> tuple[str, ...]:
    """Names of the addressed zones here, in the station's order."""
    tags = set(selector.tags)
    extra = settings.zone_tags if settings is not None else {}
    return tuple(
        zone.name
        for zone in site.zones
        if selector.all
        or zone.name in selector.names
        or tags & zone.tags
        or tags & set(extra.get(zone.name, ()))
    )


class Programme:
    """Everything in force, resolved against what is on the box."""

    def __init__(self, site: Site, zones: Zones) -> None:
        self._site = site
        self._zones = zones
        self.schedules: list[InForce] = []
        self.warnings: list[WarningsInForce] = []
        self.settings: Settings | None = None
        self.home: str | None = None
        self._bindings: dict[str, dict[tuple[str, str | None], Binding]] = {}
        self._days: dict[int, list[tuple[Occurrence, InForce]]] = {}
        self._horizon: Horizon | None = None

    def replace(
        self,
        schedules: Iterable[tuple[Schedule, int, int]],
        contents: Iterable[Content],
        warnings: Iterable[tuple[Warnings, int]],
        home_authority: str | None,
    ) -> None:
        """Take the held documents as they are now: (document, rank, class ceiling)."""
        known = {id(one.schedule): one for one in self.schedules}
        self.schedules = [
            known.get(id(schedule))
            or InForce(schedule, rank, ceiling, Expander.of(schedule, self._zones))
            for schedule, rank, ceiling in schedules
        ]
        self._days = {}
        self._horizon = None
        self.warnings = [WarningsInForce(document, rank) for document, rank in warnings]
        self.home = home_authority
        at_home = (one.schedule for one in self.schedules if one.schedule.settings is not None)
        mine = [one for one in at_home if one.authority == home_authority]
        # What was said to this station alone goes before what a group was told.
        mine.sort(key=lambda one: (not one.audience.startswith("s/"), one.audience))
        self.settings = mine[0].settings if mine else None
        self._bindings = {}
        for content in sorted(contents, key=lambda one: one.audience, reverse=True):
            slots = self._bindings.setdefault(content.authority, {})
            for binding in content.bindings:
                slots.setdefault((binding.slot, binding.date), binding)

    def binding(self, authority: str, source: FileSource, date: str) -> Binding | None:
        slots = self._bindings.get(authority, {})
        return slots.get((source.slot, date if source.dated else None))

    def warning_files(self) -> Iterable[tuple[WarningFile, Binding | None]]:
        """Recordings of the warnings in force, and where each can be fetched.

        A binding of other bytes than the warning's signer meant is as good as none.
        """
        for force in self.warnings:
            slots = self._bindings.get(force.document.authority, {})
            for warning in force.document.warnings:
                for file in warning.files.values():
                    binding = slots.get((file.slot, None))
                    meant = binding is not None and binding.sha256 == file.sha256
                    yield file, binding if meant else None

    def bindings(self) -> Iterable[Binding]:
        for slots in self._bindings.values():
            yield from slots.values()

    def occurrences(self, from_ms: int, to_ms: int) -> list[tuple[Occurrence, InForce]]:
        """Of every timetable in force, with from_ms <= start < to_ms, by start."""
        return [
            pair
            for day in range(from_ms // DAY_MS, (to_ms - 1) // DAY_MS + 1)
            for pair in self._day(day)
            if from_ms <= pair[0].start_ms < to_ms
        ]

    def horizon(self) -> Horizon:
        """Until when the timetables in force reach. Looked for once: they do not change."""
        if self._horizon is None:
            found = [
                one.expander.horizon(one.schedule.effective_from or "") for one in self.schedules
            ]
            ends_ms = [one.last_ms for one in found if one.last_ms is not None]
            endless = any(one.endless for one in found)
            self._horizon = Horizon(endless, None if endless else max(ends_ms, default=None))
        return self._horizon

    def _day(self, day: int) -> list[tuple[Occurrence, InForce]]:
        """Of one day of UTC, expanded once: the same days are asked for again and again."""
        known = self._days.get(day)
        if known is not None:
            return known
        if len(self._days) >= DAYS_KEPT:
            self._days.clear()
        low, high = _utc(day * DAY_MS), _utc((day + 1) * DAY_MS)
        found = [
            (occurrence, force)
            for force in self.schedules
            for occurrence in force.expander.between(low, high)
            if force.schedule.effective_from is None
            or occurrence.ref.nominal >= force.schedule.effective_from
        ]
        found.sort(key=lambda pair: (pair[0].start_ms, pair[0].ref))
        self._days[day] = found
        return found

    def instant(self, entry: Entry, local: datetime) -> int:
        """A local wall time of the entry as an instant."""
        zone = self._zones(entry.when.tz)
        return to_utc_ms(local, UTC if zone is None else zone)

    def day_of(self, schedule: Schedule, day: str) -> list[Occurrence]:
        """Occurrences of one timetable whose nominal start lies on the local `day`."""
        noon = datetime.fromisoformat(f"{day}T12:00:00").replace(tzinfo=UTC)
        span = timedelta(hours=27)
        found = Expander.of(schedule, self._zones).between(noon - span, noon + span)
        return [occurrence for occurrence in found if occurrence.date == day]

    def sound_of(
        self, entry: Entry, authority: str, date: str, box: OnBox
    ) -> tuple[Sound | None, OccurrenceReason | None]:
        """The sound of an occurrence, or why it has none yet.

        Only sources that can sound now are in it, in the entry's order, so a missing file gives
        way to the entry's fallback.
        """
        usable: list[protocol.Source] = []
        main_ms: int | None = None
        label = ""
        bound: Binding | None = None
        problem: OccurrenceReason | None = None
        for number, source in enumerate(entry.sources):
            found, length_ms, why = self._source(source, authority, date, box)
            if found is None:
                problem = problem or why
                continue
            if found.kind in protocol.LIVE_KINDS:
                found = msgspec.structs.replace(found, silent_ms=entry.relay.silent_ms)
            if not usable:
                main_ms, label = length_ms, label_of(found, number)
                if isinstance(source, FileSource):
                    bound = self.binding(authority, source, date)
            usable.append(found)
        if not usable:
            return None, problem or OccurrenceReason.SOURCE_LOST
        if (
            main_ms is None
            and entry.duration_ms is None
            and usable[0].kind not in protocol.LIVE_KINDS
        ):
            main_ms = 0
        chime, chime_ms = self._chime(entry, authority, date, box)
        toneless = all(one.kind != "tone" for one in usable)
        part = protocol.Part(
            tuple(usable), 0, None if toneless else main_ms, retake=entry.relay.retake
        )
        main = Sound(chime, chime_ms, (part,), main_ms, label)
        if bound is not None:
            main = replace(main, author=bound.author, about=bound.about)
        return self._with_versions(main, entry, authority, date, box), None

    def _with_versions(
        self, main: Sound, entry: Entry, authority: str, date: str, box: OnBox
    ) -> Sound:
        """The sound with its language versions after it, in the entry's order.

        After sound without an end there is no place for them.
        """
        if not entry.versions:
            return main
        parts: list[tuple[str, protocol.Part]] = []
        missing: dict[str, OccurrenceReason] = {}
        for version in entry.versions:
            part, why = self._version(version, authority, date, box)
            if main.main_ms is None:
                part, why = None, OccurrenceReason.SOURCE_LOST
            if part is None:
                missing[version.language] = why or OccurrenceReason.SOURCE_LOST
            else:
                parts.append((version.language, part))
        unsaid = next(iter(missing.values()), None)
        if not parts:
            return replace(main, missing=tuple(missing), unsaid=unsaid)
        (alone,) = main.main
        first = msgspec.structs.replace(alone, length_ms=main.main_ms)
        return replace(
            main,
            main=(first, *(part for _, part in parts)),
            main_ms=(main.main_ms or 0) + sum(part.length_ms or 0 for _, part in parts),
            languages=("", *(language for language, _ in parts)),
            missing=tuple(missing),
            unsaid=unsaid,
        )

    def _version(
        self, version: Version, authority: str, date: str, box: OnBox
    ) -> tuple[protocol.Part | None, OccurrenceReason | None]:
        """Sources of known length that can sound now, or why there is none."""
        if not may_be_said(version.language, self.settings.regulation if self.settings else None):
            return None, OccurrenceReason.LANGUAGE_NOT_ALLOWED
        usable: list[protocol.Source] = []
        length_ms = 0
        problem: OccurrenceReason | None = None
        for source in sources_of(version):
            found, its_ms, why = self._source(source, authority, date, box)
            if found is not None and its_ms:
                length_ms = length_ms or its_ms
                usable.append(found)
            problem = problem or why
        return (protocol.Part(tuple(usable), 0, length_ms), None) if usable else (None, problem)

    def _chime(
        self, entry: Entry, authority: str, date: str, box: OnBox
    ) -> tuple[protocol.Source | None, int]:
        """A chime that is not on the box is left out; the item does not wait for it."""
        if entry.chime is None:
            return None, 0
        source, length_ms, _ = self._source(entry.chime, authority, date, box)
        return (source, length_ms or 0) if source is not None else (None, 0)

    def _source(
        self, source: Source, authority: str, date: str, box: OnBox
    ) -> tuple[protocol.Source | None, int | None, OccurrenceReason | None]:
        match source:
            case FileSource():
                binding = self.binding(authority, source, date)
                if binding is None:
                    return None, None, OccurrenceReason.CONTENT_NOT_PUBLISHED
                if binding.sha256 not in box.files:
                    why = box.faults.get(binding.sha256, OccurrenceReason.CONTENT_NOT_FETCHED)
                    return None, None, why
                file = protocol.Source("file", f"content:{binding.sha256}")
                return file, binding.duration_ms, None
            case StreamSource():
                stream = protocol.Source(
                    "stream", source.url, delay_ms=source.delay_ms, max_kbps=source.max_kbps
                )
                return stream, None, None
            case TextSource():
                key = speech_key(source.text, source.language)
                length_ms = box.speech.get(key)
                if length_ms is None:
                    return None, None, SPEECH_REASON
                return protocol.Source("file", f"speech:{key}"), length_ms, None
            case ToneSource():
                return tone_source(source.name), tone_ms(source.name), None
            case LineInSource():
                if source.input in self._site.return_inputs:
                    return None, None, OccurrenceReason.INPUT_IS_RETURN
                if source.input not in self._site.inputs:
                    return None, None, OccurrenceReason.NO_INPUT
                url = f"{INPUT}{source.input}"
                return protocol.Source("input", url, delay_ms=source.delay_ms), None, None

    def item(
        self,
        occurrence: Occurrence,
        force: InForce,
        box: OnBox,
        held: bool,
    ) -> tuple[Item, Sound | None]:
        """The occurrence as the planner sees it, and its sound."""
        entry = occurrence.entry
        sound, problem = self.sound_of(entry, occurrence.ref.authority, occurrence.date, box)
        if held:
            problem = OccurrenceReason.HELD
        total_ms = sound.total_ms if sound is not None else None
        estimate_ms = total_ms
        if estimate_ms is None and occurrence.slot_ms is None:
            estimate_ms = self._bound_length(entry, occurrence)
        item = Item(
            key=key_of(occurrence.ref),
            ref=occurrence.ref,
            title=entry.title,
            klass=max(entry.klass, force.class_ceiling),
            rank=force.rank,
            order=entry.order,
            start_ms=occurrence.start_ms,
            zones=select_zones(self._site, entry.zones, self.settings),
            play_ms=play_ms(occurrence.slot_ms, estimate_ms, entry.end.rule, entry.end.within_ms),
            total_ms=total_ms,
            late=entry.late.policy,
            grace_ms=entry.late.grace_ms,
            resume=entry.resume,
            end=entry.end.rule,
            within_ms=entry.end.within_ms,
            ready=sound is not None and not held,
            problem=problem,
            volume=entry.volume,
            language=entry.language,
            languages_missing=sound.missing if sound is not None else (),
        )
        return item, sound

    def _bound_length(self, entry: Entry, occurrence: Occurrence) -> int | None:
        """Length by the timetable's knowledge, for sound that is not on the box yet."""
        bound_ms = self._bound_ms(entry.sources, occurrence)
        if bound_ms is not None:
            versions = (self._bound_ms(one.sources, occurrence) or 0 for one in entry.versions)
            return bound_ms + sum(versions)
        live = all(isinstance(one, StreamSource | LineInSource) for one in entry.sources)
        return None if live else ESTIMATE_MS

    def _bound_ms(self, sources: Iterable[Source], occurrence: Occurrence) -> int | None:
        for source in sources:
            if isinstance(source, FileSource):
                binding = self.binding(occurrence.ref.authority, source, occurrence.date)
                if binding is not None:
                    return binding.duration_ms
        return None


ESTIMATE_MS = 15 * 60_000
"""Reserved for sound of unknown length that is not on the box."""


def label_of(source: protocol.Source, number: int) -> str:
    """What a record calls the source that sounded; number: its place in the entry."""
    if source.kind == "stream":
        return f"stream:{number}"
    if source.kind == "input":
        return source.url
    kind, _, name = source.url.partition(":")
    if source.kind == "file":
        return f"file:{name[:12]}" if kind == "content" else "text"
    return "tone"


def texts_of(entries: Iterable[Entry]) -> Iterable[TextSource]:
    """Texts that have to be spoken for these entries."""
    for entry in entries:
        for source in all_sources(entry):
            if isinstance(source, TextSource):
                yield source


def _utc(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1_000, UTC)
