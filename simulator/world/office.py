"""The modelled source system: who writes timetables, publishes files, warns and commands.

Remembers everything it ever signed: what is not in its books was not said by anybody allowed to.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from agent.contract import topics
from agent.contract.documents import (
    Binding,
    Command,
    Content,
    Entry,
    FileSource,
    Schedule,
    Settings,
    Source,
    StreamSource,
    TextSource,
    Trust,
    Warnings,
)
from agent.contract.documents import (
    Warning as Emergency,
)
from agent.core.events import FetchFault
from agent.core.programme import speech_key
from agent.core.trust import digest_of
from agent.core.warnings import utterances
from simulator.world.broker import Broker
from simulator.world.clockwork import Clockwork
from simulator.world.server import Server
from simulator.world.signing import AUTHORITY, FIRST_KEYS, ROOT, WorldKey, sign, trust_of
from simulator.world.timetable import DAY_MS, Author, local, starts

TZ = ZoneInfo("Asia/Ho_Chi_Minh")
CONTENT_AHEAD_DAYS = 3
RECONCILE_MS = 2 * 3_600_000
SAID_AFTER_MS = (0, 60_000, DAY_MS)
"""A warning said at once, later that day with its hour, on the next day with its day."""


Signed = Trust | Schedule | Content | Warnings


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose sound a source is. date: local date it was made for, "" for every day. version: it is
    said after the main one, in another language."""

    audience: str
    entry: str
    date: str = ""
    warning: str = ""
    revision: int = 0
    version: bool = False


def sources_of(entry: Entry) -> list[tuple[Source, bool]]:
    """(source, whether it belongs to a version in another language).

    A text of a version is spoken in the version's language, whatever it says itself.
    """
    found = [(source, False) for source in entry.sources]
    for version in entry.versions:
        for source in version.sources:
            if isinstance(source, TextSource):
                source = TextSource(text=source.text, language=version.language)
            found.append((source, True))
    return found


@dataclass(slots=True)
class Desk:
    """What one audience was told so far."""

    authority: str
    audience: str
    author: Author
    schedules: list[Schedule]
    contents: list[Content]
    warnings: list[Warnings]
    bindings: dict[tuple[str, str | None], Binding]
    promised: set[tuple[str, str | None]]
    """Bound later: the engineer is late."""


class Office:
    """One source system with an authority for each desk."""

    def __init__(
        self,
        clock: Clockwork,
        wall0_ms: int,
        broker: Broker,
        server: Server,
        rng: Random,
    ) -> None:
        self.clock = clock
        self._wall0_ms = wall0_ms
        self.broker = broker
        self.server = server
        self.rng = rng
        self.desks: dict[str, Desk] = {}
        self.owners: dict[str, Owner] = {}
        self.current: dict[str, tuple[bytes, Signed]] = {}
        self.digests: dict[str, Signed] = {}
        self.commands: list[tuple[str, bytes]] = []
        self.stations: dict[str, tuple[tuple[str, str], ...]] = {}
        """station → its groups, as (id, authority)"""
        self.speakers: dict[str, tuple[WorldKey, ...]] = dict(FIRST_KEYS)
        """authority → keys that stations are told to believe; the last one signs."""
        self.trust_revision = 0
        self.retired: list[tuple[str, WorldKey]] = []
        """(authority, key) that no station is to believe any more"""
        self._seq = 0
        self._warnings = 0
        self.content_fault: Callable[[], tuple[int, FetchFault | None, bool]] = lambda: (
            0,
            None,
            True,
        )
        """How late it is published in ms, what fetching leads to, is it audio."""

    def wall_ms(self) -> int:
        return self._wall0_ms + self.clock.now_ms

    # --- publishing ---------------------------------------------------------------------

    def publish(self, document: Signed) -> None:
        kind = document.__class__.__name__.lower()
        kind = "warning" if kind == "warnings" else kind
        topic = topics.audience_down(document.audience, kind)
        keys = ROOT[:1] if isinstance(document, Trust) else (self.key_of(document.authority),)
        payload = sign(document, *keys)
        self.current[topic] = (payload, document)
        self.digests[digest_of(msgspec.json.encode(document))] = document
        self.broker.publish_down(topic, payload, retain=True)

    def reconcile(self, station: str, audiences: tuple[str, ...]) -> None:
        """Publish again what the receipt shows as missing."""
        said = self.broker.collector.reported.get(station)
        held = {(d.audience, d.kind): d.revision for d in said.documents} if said else {}
        for topic, (payload, document) in self.current.items():
            kind = topic.rsplit("/", 1)[1]
            if document.audience not in audiences or document.accept_until_ms < self.wall_ms():
                continue
            if held.get((document.audience, kind), 0) < document.revision:
                self.broker.publish_down(topic, payload, retain=True)

    def _header(self, desk: Desk, days: float) -> dict[str, Any]:
        now_ms = self.wall_ms()
        return {
            "v": 1,
            "authority": desk.authority,
            "audience": desk.audience,
            "issued_at_ms": now_ms,
            "accept_until_ms": now_ms + int(days * DAY_MS),
        }

    # --- keys ---------------------------------------------------------------------------

    def key_of(self, authority: str) -> WorldKey:
        """The key that speaks for `authority` now."""
        return self.speakers[authority][-1]

    def enrol(self, station: str, groups: tuple[tuple[str, str], ...], issued_ms: int) -> None:
        self.stations[station] = groups
        self.trust_revision = 1
        self.publish(trust_of(station, issued_ms, groups))

    def believe(self, authority: str, *keys: WorldKey) -> None:
        """Every station is told whom to believe; those of before and not of now are retired."""
        gone = set(self.speakers[authority]) - set(keys)
        self.retired += [(authority, key) for key in self.speakers[authority] if key in gone]
        self.speakers[authority] = keys
        self.trust_revision += 1
        for station, groups in self.stations.items():
            self.publish(
                trust_of(station, self.wall_ms(), groups, self.trust_revision, self.speakers)
            )
        self.broker.cursor_key = self.key_of(AUTHORITY)

    def sign_anew(self, authority: str) -> None:
        """The same words again as new revisions, by the key that speaks now."""
        for desk in self.desks.values():
            if desk.authority != authority:
                continue
            self.push(desk, desk.schedules[-1].entries)
            self.publish_bindings(desk)
            if desk.warnings:
                self._publish_warnings(desk, self.active(desk))

    def all_hold_what_is_current(self) -> bool:
        """By their receipts, as an engineer sees it before an old key is withdrawn."""
        for document in (one for _, one in self.current.values()):
            kind = document.__class__.__name__.lower().removesuffix("s")
            for station, groups in self.stations.items():
                if document.audience not in (f"s/{station}", *(f"g/{id_}" for id_, _ in groups)):
                    continue
                said = self.broker.collector.reported.get(station)
                held = {(d.audience, d.kind): d.revision for d in said.documents} if said else {}
                if held.get((document.audience, kind), 0) < document.revision:
                    return False
        return True

    # --- timetables ---------------------------------------------------------------------

    def open_desk(
        self,
        authority: str,
        audience: str,
        zones: tuple[str, ...],
        count: int,
        settings: Settings | None = None,
    ) -> Desk:
        author = Author(Random(f"{self.rng.random()}{audience}"), audience, zones)
        desk = Desk(authority, audience, author, [], [], [], {}, set())
        self.desks[audience] = desk
        today = local(self.wall_ms()).date()
        self.push(desk, author.timetable(today, count), settings)
        self.publish_content(desk)
        return desk

    def push(
        self, desk: Desk, entries: tuple[Entry, ...], settings: Settings | None = None
    ) -> Schedule:
        before = desk.schedules[-1] if desk.schedules else None
        schedule = Schedule(
            **self._header(desk, 80),
            revision=len(desk.schedules) + 1,
            made_from=len(desk.schedules),
            entries=entries,
            settings=settings if settings is not None else before.settings if before else None,
        )
        desk.schedules.append(schedule)
        self._own_texts(desk, entries)
        self.publish(schedule)
        return schedule

    def edit(self, desk: Desk) -> None:
        today = local(self.wall_ms()).date()
        self.push(desk, desk.author.edited(desk.schedules[-1].entries, today))
        self.publish_content(desk)

    def _own_texts(self, desk: Desk, entries: tuple[Entry, ...]) -> None:
        for entry in entries:
            for source, version in sources_of(entry):
                owner = Owner(desk.audience, entry.id, version=version)
                if isinstance(source, TextSource):
                    self.owners[f"speech:{speech_key(source.text, source.language)}"] = owner
                elif isinstance(source, StreamSource):
                    self.owners[source.url] = owner

    # --- content ------------------------------------------------------------------------

    def publish_content(self, desk: Desk) -> None:
        """Bind the slots of the coming days; late ones come in a later revision."""
        now_ms = self.wall_ms()
        changed = not desk.contents
        for entry in desk.schedules[-1].entries:
            for source, version in sources_of(entry):
                if isinstance(source, FileSource):
                    days = [
                        one.date
                        for one in starts(entry, now_ms, now_ms + CONTENT_AHEAD_DAYS * DAY_MS)
                    ]
                    for day in days if source.dated else [""]:
                        owner = Owner(desk.audience, entry.id, day, version=version)
                        changed |= self._bind(desk, source, day, owner)
        if changed:
            self.publish_bindings(desk)

    def _bind(self, desk: Desk, source: FileSource, day: str, owner: Owner) -> bool:
        key = (source.slot, day or None)
        if key in desk.bindings or key in desk.promised:
            return False
        late_ms, fault, audio = self.content_fault()
        length_ms = self.rng.choice((20_000, 60_000, 175_000, 290_000, 420_000))
        name = f"{source.slot}|{day}"
        sha256 = self.server.offer(name, length_ms, fault, audio=audio)
        self.owners[f"content:{sha256}"] = owner
        bound = Binding(
            slot=source.slot,
            date=day or None,
            sha256=sha256,
            size=length_ms * 8,
            duration_ms=length_ms,
            url=f"https://content.example/{sha256}",
        )
        if not late_ms:
            desk.bindings[key] = bound
            return True
        desk.promised.add(key)

        def come() -> None:
            desk.promised.discard(key)
            desk.bindings[key] = bound
            self.publish_bindings(desk)

        self.clock.after(late_ms, come)
        return False

    def publish_bindings(self, desk: Desk) -> None:
        from_day = (local(self.wall_ms()) - timedelta(days=1)).date().isoformat()
        desk.bindings = {
            key: one
            for key, one in desk.bindings.items()
            if one.date is None or one.date >= from_day
        }
        content = Content(
            **self._header(desk, 29),
            revision=len(desk.contents) + 1,
            bindings=tuple(desk.bindings.values()),
        )
        desk.contents.append(content)
        self.publish(content)

    # --- warnings -----------------------------------------------------------------------

    def warn(self, desk: Desk, valid_ms: int, repeat_ms: int, **changes: Any) -> Emergency:
        self._warnings += 1
        now_ms = self.wall_ms()
        warning = Emergency(
            id=f"kc-{self._warnings}",
            revision=1,
            issued_at_ms=now_ms,
            valid_until_ms=now_ms + valid_ms,
            title="Xả lũ",
            zones=desk.author.entry(local(now_ms).date()).zones,
            texts={"vi": f"Khẩn cấp, xả lũ số {self._warnings}. Bà con lên chỗ cao."},
            repeat_every_ms=repeat_ms,
        )
        warning = msgspec.structs.replace(warning, **changes)
        self._publish_warnings(desk, (*self.active(desk), warning))
        return warning

    def active(self, desk: Desk) -> tuple[Emergency, ...]:
        last = desk.warnings[-1].warnings if desk.warnings else ()
        now_ms = self.wall_ms()
        return tuple(one for one in last if one.valid_until_ms > now_ms and not one.cancelled)

    def cancel(self, desk: Desk, warning_id: str, *, leave_out: bool = False) -> None:
        kept = []
        for one in self.active(desk):
            if one.id != warning_id:
                kept.append(one)
            elif not leave_out:
                kept.append(msgspec.structs.replace(one, revision=one.revision + 1, cancelled=True))
        self._publish_warnings(desk, tuple(kept))

    def reword(self, desk: Desk, warning_id: str) -> None:
        """A higher revision with other words."""
        new = tuple(
            msgspec.structs.replace(
                one, revision=one.revision + 1, texts={"vi": f"{one.texts['vi']} Khẩn trương."}
            )
            if one.id == warning_id
            else one
            for one in self.active(desk)
        )
        self._publish_warnings(desk, new)

    def _publish_warnings(self, desk: Desk, warnings: tuple[Emergency, ...]) -> None:
        document = Warnings(
            **self._header(desk, 0.99), revision=len(desk.warnings) + 1, warnings=warnings
        )
        desk.warnings.append(document)
        for one in warnings:
            if one.cancelled:
                continue
            owner = Owner(desk.audience, "", warning=one.id, revision=one.revision)
            for after_ms in SAID_AFTER_MS:
                for said in utterances(one, one.issued_at_ms + after_ms, TZ):
                    self.owners[f"speech:{said.key}"] = owner
        self.publish(document)

    # --- commands -----------------------------------------------------------------------

    def command(self, authority: str, audience: str, action: Any) -> str:
        self._seq += 1
        now_ms = self.wall_ms()
        command = Command(
            v=1,
            authority=authority,
            audience=audience,
            issued_at_ms=now_ms,
            accept_until_ms=now_ms + 300_000,
            id=f"c-{self._seq}",
            seq=self._seq,
            action=action,
            by="kỹ sư",
        )
        topic = topics.audience_down(audience, "cmd")
        payload = sign(command, self.key_of(authority))
        self.commands.append((topic, payload))
        self.broker.publish_down(topic, payload, retain=False)
        return command.id

    # --- for faults that aim ------------------------------------------------------------

    def next_instants(self, from_ms: int, within_ms: int) -> list[int]:
        """True instants of the planned starts that come."""
        wall_ms = self._wall0_ms + from_ms
        return sorted(
            one.start_ms - self._wall0_ms
            for desk in self.desks.values()
            for entry in desk.schedules[-1].entries
            for one in starts(entry, wall_ms, wall_ms + within_ms)
        )
