"""One station: events in, effects out. Composes the parts of the core and owns nothing else.

`handle` takes one event and the time, and returns one batch: what to save in one transaction,
what to do, and when to be woken. The same object runs in the daemon and, under virtual time, in
the simulator.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, tzinfo
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from agent.contract.documents import (
    Content,
    Cursor,
    Entry,
    FileSource,
    Schedule,
    Trust,
    Warnings,
)
from agent.contract.documents import Warning as Emergency
from agent.contract.envelope import VerifySignature
from agent.contract.reasons import AckReason, AlarmCode, OccurrenceReason
from agent.contract.reports import AlarmEvent, AsRun, Audit, Health, WarningReport
from agent.core import asrun, warnings
from agent.core import content as files
from agent.core.actions import Actions
from agent.core.air import Air, Provenance
from agent.core.commands import Duplicate, Fresh, admit, answer
from agent.core.effects import (
    AckMessage,
    Batch,
    CancelFetch,
    Connect,
    Evict,
    Fetch,
    PruneRecords,
    SetTime,
    Speak,
    Subscribe,
)
from agent.core.events import (
    Booted,
    ClockSeen,
    CommitFailed,
    ControllerSeen,
    Delivered,
    Event,
    FetchFailed,
    FileReady,
    FilesFound,
    HostSeen,
    HousekeepingDue,
    LinkChanged,
    MessageArrived,
    Now,
    PlayerLost,
    PlayerReady,
    Requested,
    SoundEnded,
    SoundProgress,
    SoundStarted,
    SourceGaveUp,
    SpeechFailed,
    SpeechReady,
    Wake,
)
from agent.core.facts import AlarmMemory, Facts, Settled, WarningMemory
from agent.core.health import Health as Alarms
from agent.core.inbox import Applied, CommandIn, CommandRefused, Inbox, digest_of_applied
from agent.core.items import Item, key_of
from agent.core.programme import (
    InForce,
    OnBox,
    Programme,
    Sound,
    select_zones,
    speech_key,
    texts_of,
)
from agent.core.reporter import Reporter
from agent.core.schedule import Occurrence, Zones
from agent.core.site import Site
from agent.core.spoken import write_out
from agent.core.timekeeping import Timekeeping
from agent.core.trust import RootKeys
from agent.core.turn import Turn
from agent.core.uplink import Uplink

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS

POOL_AHEAD_MS = 26 * HOUR_MS
"""Items are made this far ahead."""

POOL_EVERY_MS = 6 * HOUR_MS

LOOKBACK_MAX_MS = 31 * DAY_MS
"""After a longer absence, what lies further back is not settled one by one."""

SETTLED_AT_ONCE = 200
"""Items settled in one turn; after a long absence the next turn goes on."""

FETCH_AHEAD_MS = 3 * DAY_MS
SETTLED_KEPT = 2_000
RECORDS_KEPT_MS = 90 * DAY_MS


class Station:
    """site: what the station is made of. facts: what it knew when it was last alive.

    root: who may replace every key. verify: the signature check. zones: time zone resolver.
    """

    def __init__(
        self,
        site: Site,
        facts: Facts,
        root: RootKeys,
        verify: VerifySignature,
        zones: Zones = ZoneInfo,
    ) -> None:
        self.site = site
        self.facts = facts
        self.tz: tzinfo = zones(site.tz) or ZoneInfo("UTC")
        self.inbox = Inbox(site, facts, root, verify, zones)
        self.programme = Programme(site, zones)
        self.box = OnBox()
        self.air = Air(site, facts)
        self.reporter = Reporter(site, facts)
        self.uplink = Uplink()
        self.alarms = Alarms()
        self.fetching = files.Fetching()
        self.time = Timekeeping()
        self.host = HostSeen()
        self.awaiting: tuple[str, ...] = ()
        self.missing: tuple[str, ...] = ()
        self.booted_ms = 0
        self.booted_mono_ms = 0
        self.actions = Actions(self)
        self._filters: tuple[str, ...] = ()
        self._spoken: set[str] = set()
        self._documents_changed = True
        self._items_changed = True
        self._fetch_changed = True
        self._pool_until_ms = 0
        self.pool_until_ms = 0
        self._fetch_at_mono_ms: int | None = None

    # --- the one entrance ---------------------------------------------------------------

    def handle(self, event: Event, now: Now) -> Batch:
        """Take one event; `now` never goes back on its monotonic clock."""
        turn = Turn(now)
        if self.booted_mono_ms or isinstance(event, Booted | ClockSeen):
            self._absorb(event, turn)
        if self.booted_mono_ms:
            self._settle_down(turn)
        return Batch(self.facts.taken(), tuple(turn.acts), self._wake(now))

    def _absorb(self, event: Event, turn: Turn) -> None:  # noqa: C901 - one row an event
        match event:
            case Wake():
                pass
            case Booted():
                self._boot(event, turn)
            case MessageArrived():
                self._message(event, turn)
            case LinkChanged():
                self._link(event, turn)
            case Delivered():
                self.reporter.delivered(event.token)
            case FilesFound():
                self.box.files = dict(event.files)
                self._items_changed = self._fetch_changed = True
            case FileReady():
                self._file_ready(event, turn)
            case FetchFailed():
                self._fetch_failed(event, turn)
            case SpeechReady():
                self.box.speech[event.key] = event.duration_ms
                self._items_changed = True
            case SpeechFailed():
                self.box.speech[event.key] = None
                self._items_changed = True
                turn.log("speech_failed", "warning", key=event.key, detail=event.detail)
            case PlayerReady():
                self.air.player_ready()
                turn.log("player_ready", device=event.device)
            case PlayerLost():
                if self.air.player == "ready":
                    turn.log("player_lost", "warning", why=event.why, detail=event.detail)
                self.air.player_lost(turn)
            case SoundStarted():
                self.air.sound_started(event)
            case SoundProgress():
                self.air.sound_progress(event)
            case SourceGaveUp():
                self.air.source_gave_up(event, turn)
            case SoundEnded():
                self.air.sound_ended(event, turn)
                self._warning_heard(event, turn)
            case ControllerSeen():
                self._controller(event, turn)
            case HostSeen():
                self.host = event
            case ClockSeen():
                self._clock(event, turn)
            case Requested():
                self.actions.requested(event, turn)
            case CommitFailed():
                turn.log("commit_failed", "error", detail=event.detail)
                self._audit("commit_failed", "station", turn, event.detail)
            case HousekeepingDue():
                self._housekeep(turn)

    def _settle_down(self, turn: Turn) -> None:
        """Everything that follows from what changed and from the time that passed."""
        now_ms = turn.wall_ms
        if self._documents_changed:
            self._apply_documents(turn)
        if self._items_changed or now_ms >= self._pool_until_ms:
            self._make_items(turn)
        if self.air.dirty or self.air.next_ms is None or now_ms >= self.air.next_ms:
            self.air.replan(turn, self.volumes())
            self._settle_finished(turn)
            if self.air.dirty:
                self.air.replan(turn, self.volumes())
        self._fetch(turn)
        self._watch(turn)
        self._report(turn)

    def _wake(self, now: Now) -> int | None:
        moments = [
            self.uplink.connect_at_mono_ms,
            self._fetch_at_mono_ms,
            self.alarms.wake_mono_ms(),
            self.reporter.outbox.wake_mono_ms(),
            self.reporter.heartbeat_wake_mono_ms() if self.uplink.connected else None,
        ]
        walls = [self.air.next_ms, self._pool_until_ms if self.booted_mono_ms else None]
        walls += [one.valid_until_ms for one in self.facts.warnings.values() if not one.ended]
        moments += [now.mono_ms + max(1, w - now.wall_ms) for w in walls if w is not None]
        known = [moment for moment in moments if moment is not None]
        return max(now.mono_ms + 1, min(known)) if known else None

    # --- beginning ----------------------------------------------------------------------

    def _boot(self, event: Booted, turn: Turn) -> None:
        now = turn.now
        self.booted_ms, self.booted_mono_ms = now.wall_ms, max(1, now.mono_ms)
        self.reporter.installation = event.installation
        self.reporter.nonce = event.nonce
        self.time = Timekeeping(now.trust, now.epoch)
        marks = self.facts.marks
        settled_ms = marks.settled_through_ms or now.wall_ms
        self.facts.mark(birth=marks.birth + 1, settled_through_ms=min(settled_ms, now.wall_ms))
        for line in self.facts.unreadable:
            turn.log("fact_unreadable", "error", fact=line)
        for line in self.inbox.restore():
            turn.log("document_dropped", "warning", document=line)
        for alarm in self.facts.alarms.values():
            if alarm.open:
                self.alarms.open.add((AlarmCode(alarm.code), alarm.subject))
        self.air.restore(now.wall_ms)
        self.uplink.begin(now.mono_ms)
        self._filters = self.inbox.filters()

    def _link(self, event: LinkChanged, turn: Turn) -> None:
        was = self.uplink.connected
        before = self.uplink.cause
        self.uplink.changed(event, turn.now.mono_ms, turn.wall_ms)
        if event.connected:
            self.reporter.linked(connected=True)
            self.reporter.birth(turn)
            self.fetching.network_is_back(turn.now.mono_ms)
            self._fetch_changed = True
            turn.log("connected")
        else:
            self.reporter.linked(connected=False)
            if was or event.cause != before:
                turn.log("disconnected", "warning", cause=event.cause, detail=event.detail)

    def _connect_if_due(self, turn: Turn) -> None:
        if self.uplink.due(turn.now.mono_ms):
            topic, will = self.reporter.will()
            keepalive_s = 30 if self.active_warnings() else 120
            turn.do(
                Connect(self.inbox.filters(), self.inbox.held_topics(), topic, will, keepalive_s)
            )

    # --- messages -----------------------------------------------------------------------

    def _message(self, event: MessageArrived, turn: Turn) -> None:
        if not self.reporter.state_topic_says(event.topic, event.payload, turn):
            result = self.inbox.receive(event, turn)
            match result:
                case Applied():
                    self._applied(result, turn)
                case CommandIn():
                    self._command(result, turn)
                case CommandRefused():
                    self.reporter.ack(result.id, "rejected", turn, result.reason, result.detail)
                case Cursor():
                    self._cursor(result, turn)
                case None:
                    pass
        turn.do(AckMessage(event.receipt))

    def _applied(self, applied: Applied, turn: Turn) -> None:
        message = applied.message
        self._documents_changed = True
        self._audit("document_applied", message.authority, turn, _name_of(message))
        if isinstance(message, Warnings):
            self._warnings_arrived(message, turn)
        if isinstance(message, Schedule) and isinstance(applied.before, Schedule):
            self._schedule_replaced(applied.before, message, turn)
        if isinstance(message, Trust):
            self._filters = self.inbox.filters()
            if self.uplink.connected:
                turn.do(Subscribe(self._filters, self.inbox.held_topics()))

    def _command(self, command: CommandIn, turn: Turn) -> None:
        message = command.message
        earliest_ms = max(turn.wall_ms, self.facts.marks.floor_ms)
        admission = admit(
            self.facts.commands, message, keyid=command.keyid, earliest_ms=earliest_ms
        )
        if admission.memory is not self.facts.commands:
            self.facts.remember_commands(admission.memory)
        match admission:
            case Duplicate(command=known):
                self.reporter.ack(message.id, known.state, turn, known.reason, known.detail)
            case Fresh(cancelled=cancelled):
                if cancelled is not None:
                    self.reporter.ack(cancelled.id, "rejected", turn, AckReason.CANCELLED)
                state, reason, detail = self.actions.command(message, turn)
                memory = answer(
                    self.facts.commands, message.authority, message.id, state, reason, detail
                )
                self.facts.remember_commands(memory)
                self.reporter.ack(message.id, state, turn, reason, detail)
                self._audit(f"command_{message.action.__class__.__name__}", message.by, turn)
            case _:
                self.reporter.ack(message.id, "rejected", turn, admission.reason, admission.detail)

    def _cursor(self, cursor: Cursor, turn: Turn) -> None:
        marks = self.facts.marks
        if cursor.installation != self.reporter.installation:
            return
        if cursor.revision <= marks.cursor_revision:
            return
        self.facts.mark(
            cursor_revision=cursor.revision,
            floor_ms=max(marks.floor_ms, cursor.issued_at_ms),
        )
        if self.reporter.outbox.passed(cursor.through):
            self.facts.mark(cursor_through=self.reporter.outbox.through)
            turn.log("cursor", through=self.reporter.outbox.through)

    # --- documents ----------------------------------------------------------------------

    def _apply_documents(self, turn: Turn) -> None:
        self._documents_changed = False
        self.programme.replace(
            list(self.inbox.schedules()),
            list(self.inbox.contents()),
            list(self.inbox.warnings()),
            self.inbox.home_authority(),
        )
        for force in self.programme.schedules:
            for entry, fault in force.expander.refused:
                turn.log("entry_unreadable", "error", entry=entry, detail=fault.detail)
        self._items_changed = self._fetch_changed = True

    def _schedule_replaced(self, before: Schedule, after: Schedule, turn: Turn) -> None:
        """What is on air goes on unless it was removed or its content or zones changed (D5)."""
        entries = {entry.id: entry for entry in after.entries}
        earlier = {entry.id: entry for entry in before.entries}
        for key, held in list(self.facts.open.items()):
            ref = held.ref
            if (ref.authority, ref.audience) != (after.authority, after.audience):
                continue
            new, old = entries.get(ref.entry), earlier.get(ref.entry)
            if old is None:
                continue
            if new is None or (new.sources, new.zones) != (old.sources, old.zones):
                self.air.end_item(key, OccurrenceReason.SUPERSEDED, turn)
        self._skip_moved(earlier, entries, after, turn)
        self.facts.mark(settled_through_ms=max(self.facts.marks.settled_through_ms, 1))

    def _skip_moved(
        self,
        earlier: dict[str, Entry],
        entries: dict[str, Entry],
        after: Schedule,
        turn: Turn,
    ) -> None:
        """An item already aired today whose start was moved does not air again today."""
        now_ms = turn.wall_ms
        today = self.local(now_ms).date().isoformat()
        changed = {
            name
            for name, entry in entries.items()
            if name in earlier and earlier[name].when != entry.when
        }
        prefix = f"{after.authority}|{after.audience}|"
        for name in changed:
            aired = any(
                key.startswith(f"{prefix}{name}|{today}")
                for key, settled in self.facts.settled.items()
                if settled.aired
            ) or any(key.startswith(f"{prefix}{name}|{today}") for key in self.facts.open)
            if aired:
                self.facts.put("settled", f"{prefix}{name}|{today}|moved", Settled(now_ms))

    def local(self, at_ms: int) -> datetime:
        return datetime.fromtimestamp(at_ms / 1_000, self.tz)

    def _make_items(self, turn: Turn) -> None:
        """Items of the time around now, from documents, warnings and local requests."""
        self._items_changed = False
        now_ms = turn.wall_ms
        self._pool_until_ms = now_ms + POOL_EVERY_MS
        self.pool_until_ms = now_ms + POOL_AHEAD_MS
        settled_ms = self.facts.marks.settled_through_ms
        low_ms = max(min(settled_ms, now_ms) - DAY_MS, now_ms - LOOKBACK_MAX_MS)
        items: dict[str, Item] = {}
        sounds: dict[str, Sound] = {}
        provenance: dict[str, Provenance] = {}
        for occurrence, force in self.programme.occurrences(low_ms, now_ms + POOL_AHEAD_MS):
            key = key_of(occurrence.ref)
            if key in self.facts.settled:
                continue
            item, sound = self._item(occurrence, force)
            opened = key in self.facts.open
            if not item.zones and not opened:
                continue
            if item.start_ms + item.play_ms <= settled_ms and not opened:
                continue
            items[key] = item
            if sound is not None:
                sounds[key] = sound
            entry = occurrence.entry
            provenance[key] = Provenance(
                force.schedule.revision, entry.author, entry.approver, occurrence.slot_ms
            )
        self._warning_items(items, sounds, provenance, turn)
        self.actions.add_items(items, sounds, provenance, now_ms)
        self.air.set_items(items, sounds, provenance)
        self._speak_ahead(turn)

    def _item(self, occurrence: Occurrence, force: InForce) -> tuple[Item, Sound | None]:
        """The occurrence with the local decisions about it."""
        ref = occurrence.ref
        overrides = self.facts.overrides
        order = overrides.get(f"order|{ref.authority}|{ref.entry}")
        held = f"hold|{ref.authority}|{ref.entry}" in overrides
        number = order.number if order is not None else None
        item, sound = self.programme.item(occurrence, force, self.box, held, number)
        return self._restricted(item), sound

    def items_between(self, from_ms: int, to_ms: int) -> dict[str, Item]:
        """Items that start in the window, for a look further ahead than the live ones."""
        if to_ms <= from_ms:
            return {}
        items = (self._item(*pair)[0] for pair in self.programme.occurrences(from_ms, to_ms))
        return {item.key: item for item in items if item.zones}

    def _restricted(self, item: Item) -> Item:
        """The item without what local decisions, the clock or a stop keep from playing."""
        ref, key = item.ref, item.key
        if f"skip|{ref.authority}|{ref.entry}|{ref.nominal}" in self.facts.overrides:
            item = replace(item, ready=False, problem=OccurrenceReason.SKIPPED_LOCALLY)
        moved = f"{ref.authority}|{ref.audience}|{ref.entry}|{ref.nominal[:10]}|moved"
        if moved in self.facts.settled and key not in self.facts.open:
            item = replace(item, ready=False, problem=OccurrenceReason.ALREADY_PLAYED)
        if not self.time.may_run(item.klass, play_now=False):
            item = replace(item, ready=False, problem=OccurrenceReason.CLOCK_UNTRUSTED)
        held = self.facts.open.get(key)
        if held is not None and held.stopped:
            zones = tuple(zone for zone in item.zones if zone not in held.stopped)
            item = replace(item, zones=zones)
        return item

    def _speak_ahead(self, turn: Turn) -> None:
        """Have texts of the coming day spoken before they are due."""
        near = self.programme.occurrences(turn.wall_ms - DAY_MS, turn.wall_ms + POOL_AHEAD_MS)
        for source in texts_of(occurrence.entry for occurrence, _ in near):
            key = speech_key(source.text, source.language)
            self._speak(key, write_out(source.text, source.language), source.language, turn)

    def _speak(self, key: str, text: str, language: str, turn: Turn) -> None:
        if key not in self.box.speech and key not in self._spoken:
            self._spoken.add(key)
            turn.do(Speak(key, text, language), "now")

    # --- warnings -----------------------------------------------------------------------

    def active_warnings(self) -> list[tuple[Emergency, int]]:
        """Warnings in force that may still sound, with the rank of who issued them."""
        found: list[tuple[Emergency, int]] = []
        for force in self.programme.warnings:
            for warning in force.document.warnings:
                memory = self.facts.warnings.get(_warning_key(force.document, warning.id))
                if memory is not None and memory.revision == warning.revision and not memory.ended:
                    found.append((warning, force.rank))
        return found

    def _warnings_arrived(self, document: Warnings, turn: Turn) -> None:
        now_ms = turn.wall_ms
        mine = {
            key: memory
            for key, memory in self.facts.warnings.items()
            if (memory.authority, memory.audience) == (document.authority, document.audience)
        }
        for warning in document.warnings:
            key = _warning_key(document, warning.id)
            held = self.facts.warnings.get(key)
            zones = select_zones(self.site, warning.zones, self.programme.settings)
            due_ms = now_ms + self.air.cold_ms(zones)
            memory = warnings.received(
                warning, held, document.authority, document.audience, now_ms, due_ms
            )
            if memory is None:
                continue
            if held is not None and not held.ended:
                self._stop_warning(held.id, held.revision, turn)
            self.facts.put("warning", key, memory)
            state = {"cancelled": "cancelled", "expired": "expired"}.get(memory.ended, "received")
            self.reporter.record(
                WarningReport(id=warning.id, revision=warning.revision, state=state),  # type: ignore[arg-type]
                turn,
            )
        present = {warning.id for warning in document.warnings}
        for memory in warnings.dropped(mine.values(), present):
            self.facts.put("warning", _memory_key(memory), memory)
            self._stop_warning(memory.id, memory.revision, turn)
            self.reporter.record(
                WarningReport(id=memory.id, revision=memory.revision, state="cancelled"), turn
            )

    def _stop_warning(self, warning_id: str, revision: int, turn: Turn) -> None:
        entry = warnings.warning_entry(warning_id, revision)
        for key, held in list(self.facts.open.items()):
            if held.ref.entry == entry:
                self.air.end_item(key, OccurrenceReason.CANCELLED, turn)

    def _warning_items(
        self,
        items: dict[str, Item],
        sounds: dict[str, Sound],
        provenance: dict[str, Provenance],
        turn: Turn,
    ) -> None:
        for force in self.programme.warnings:
            document = force.document
            for warning in document.warnings:
                key = _warning_key(document, warning.id)
                memory = self.facts.warnings.get(key)
                if memory is None or memory.ended or memory.revision != warning.revision:
                    continue
                late = warnings.says_when(warning, memory)
                for said in warnings.utterances(warning, late, self.tz):
                    self._speak(said.key, said.text, said.language, turn)
                sound, _ = warnings.sound_of(
                    warning, memory, document.authority, self.programme, self.box, self.tz
                )
                item = warnings.item_of(
                    warning,
                    memory,
                    force.rank,
                    sound,
                    self.site,
                    self.programme.settings,
                    self.tz,
                )
                if not item.zones or item.key in self.facts.settled:
                    continue
                items[item.key] = item
                if sound is not None:
                    sounds[item.key] = sound
                provenance[item.key] = Provenance(
                    document.revision, warning.author, warning.approver
                )

    def _warning_heard(self, event: SoundEnded, turn: Turn) -> None:
        """A play that came to its end: count it, and see when the next one is due."""
        for key, held in self.facts.open.items():
            if held.done != "finished" or not held.ref.entry.startswith("w-"):
                continue
            for warning, _ in self.active_warnings():
                if warnings.warning_entry(warning.id, warning.revision) != held.ref.entry:
                    continue
                memory = next(
                    m
                    for m in self.facts.warnings.values()
                    if (m.id, m.authority, m.audience)
                    == (warning.id, held.ref.authority, held.ref.audience)
                )
                if not key.endswith(self._nominal(memory.due_ms)):
                    continue
                after = warnings.after_play(warning, memory, event.at_ms)
                self.facts.put("warning", _memory_key(after), after)
                if memory.plays == 0:
                    self.reporter.record(
                        WarningReport(id=warning.id, revision=warning.revision, state="sounded"),
                        turn,
                    )
                self._items_changed = True

    def _nominal(self, at_ms: int) -> str:
        return self.local(at_ms).strftime("%Y-%m-%dT%H:%M:%S")

    def _expire_warnings(self, turn: Turn) -> None:
        for key, memory in list(self.facts.warnings.items()):
            if not memory.ended and memory.valid_until_ms <= turn.wall_ms:
                self.facts.put("warning", key, msgspec.structs.replace(memory, ended="expired"))
                self._stop_warning(memory.id, memory.revision, turn)
                self.reporter.record(
                    WarningReport(id=memory.id, revision=memory.revision, state="expired"), turn
                )
                self._items_changed = True

    # --- settling -----------------------------------------------------------------------

    def _settle_finished(self, turn: Turn) -> None:
        """Book the outcome of every item that is over, one record a zone."""
        now_ms = turn.wall_ms
        over = self.air.finished_runs(now_ms)
        for key in over[:SETTLED_AT_ONCE]:
            self._settle(key, self.air.items[key], turn)
        if over:
            pending = [i.start_ms for i in self.air.items.values() if i.start_ms <= now_ms]
            through_ms = min([now_ms, *pending])
            if through_ms > self.facts.marks.settled_through_ms:
                self.facts.mark(settled_through_ms=through_ms)
        self._settle_orphans(turn)

    def _settle(self, key: str, item: Item, turn: Turn) -> None:
        held = self.facts.open.get(key)
        origin = self.air.provenance.get(key, Provenance())
        zones = held.zones if held is not None else item.zones
        if origin.recorded:
            for zone in zones:
                if held is not None:
                    record = asrun.outcome_of(held, zone, self._end_reason(key, zone, item))
                else:
                    record = self._skipped(item, zone, origin)
                self.reporter.record(record, turn)
        end_ms = item.start_ms + item.play_ms
        aired = held is not None and held.sounded
        self.facts.put("settled", key, Settled(end_ms, aired, item.start_ms))
        self.facts.drop("open", key)
        self.air.forget(key)

    def _end_reason(self, key: str, zone: str, item: Item) -> OccurrenceReason | None:
        held = self.facts.open[key]
        if zone in held.stopped:
            return OccurrenceReason.STOPPED
        if held.done is not None and held.done != "finished":
            return held.done
        if held.done is None:
            return self.air.ledger.blocked.get((key, zone)) or held.gaps.get(zone) or item.problem
        heard = any(one.gap is None for one in held.segments.get(zone, ()))
        if not heard:
            return self.air.ledger.blocked.get((key, zone)) or OccurrenceReason.ZONE_NOT_CONFIRMED
        return None

    def _skipped(self, item: Item, zone: str, origin: Provenance) -> AsRun:
        return asrun.skipped(
            item.ref,
            zone,
            item.title,
            item.klass,
            item.start_ms,
            item.play_ms,
            self._why_skipped(item, zone),
            origin.revision,
            origin.author,
            origin.approver,
        )

    def _why_skipped(self, item: Item, zone: str) -> OccurrenceReason:
        if self.time.jumped_over(item.start_ms):
            return OccurrenceReason.CLOCK_STEP
        blocked = self.air.ledger.blocked.get((item.key, zone))
        if item.problem is not None and item.start_ms >= self.booted_ms:
            return item.problem
        if item.start_ms < self.booted_ms:
            return OccurrenceReason.STATION_OFF
        return blocked or item.problem or OccurrenceReason.LATE

    def _settle_orphans(self, turn: Turn) -> None:
        """Open items whose document is gone: what was heard of them is still reported."""
        for key, held in list(self.facts.open.items()):
            if key in self.air.items or any(s.key == key for s in self.air.sent.values()):
                continue
            ended = held.done if held.done != "finished" else None
            for zone in held.zones:
                record = asrun.outcome_of(held, zone, ended or OccurrenceReason.SUPERSEDED)
                self.reporter.record(record, turn)
            end_ms = held.start_ms + held.play_ms
            self.facts.put("settled", key, Settled(end_ms, held.sounded, held.start_ms))
            self.facts.drop("open", key)
            self.air.forget(key)

    # --- files --------------------------------------------------------------------------

    def _file_ready(self, event: FileReady, turn: Turn) -> None:
        self.box.files[event.sha256] = event.size
        self.box.faults.pop(event.sha256, None)
        self.fetching.done(event.sha256)
        self._items_changed = self._fetch_changed = True
        turn.log("file_ready", sha256=event.sha256[:12], size=event.size)

    def _fetch_failed(self, event: FetchFailed, turn: Turn) -> None:
        self.fetching.failed(event, turn.now.mono_ms)
        reason = files.FAULT_REASONS[event.fault]
        if self.box.faults.get(event.sha256) is not reason:
            turn.log(
                "fetch_failed",
                "warning",
                sha256=event.sha256[:12],
                fault=event.fault,
                detail=event.detail,
            )
        self.box.faults[event.sha256] = reason
        self._items_changed = self._fetch_changed = True

    def _fetch(self, turn: Turn) -> None:
        mono_ms = turn.now.mono_ms
        due = self._fetch_at_mono_ms is not None and mono_ms >= self._fetch_at_mono_ms
        if not self._fetch_changed and not due:
            return
        self._fetch_changed = False
        needs = self._needs(turn.wall_ms)
        start, cancel, again_ms = self.fetching.next(needs, self.box.files, mono_ms)
        for binding in start:
            turn.do(Fetch(binding.sha256, binding.url, binding.size))
        for sha in cancel:
            turn.do(CancelFetch(sha))
        hour_ms = mono_ms + HOUR_MS
        self._fetch_at_mono_ms = min(again_ms, hour_ms) if again_ms is not None else hour_ms

    def _needs(self, now_ms: int) -> list[files.Need]:
        """Files that occurrences of the coming days want; notes what nobody has published."""
        needs: list[files.Need] = []
        awaiting: dict[str, None] = {}
        horizon_ms = now_ms + FETCH_AHEAD_MS
        for occurrence, _ in self.programme.occurrences(now_ms - DAY_MS // 4, horizon_ms):
            entry = occurrence.entry
            wanted = [*entry.sources, *([entry.chime] if entry.chime is not None else [])]
            for source in wanted:
                if not isinstance(source, FileSource):
                    continue
                binding = self.programme.binding(occurrence.ref.authority, source, occurrence.date)
                if binding is not None:
                    needs.append(files.Need(binding, occurrence.start_ms))
                elif occurrence.start_ms - now_ms <= files.AWAITED_BEFORE_MS:
                    date = f"@{occurrence.date}" if source.dated else ""
                    awaiting[f"{source.slot}{date}"] = None
        for force in self.programme.warnings:
            for warning in force.document.warnings:
                for slot in warning.files.values():
                    source = FileSource(slot=slot)
                    binding = self.programme.binding(force.document.authority, source, "")
                    if binding is not None:
                        needs.append(files.Need(binding, now_ms))
        self.awaiting = tuple(awaiting)[:64]
        missing = {n.binding.sha256 for n in needs if n.binding.sha256 not in self.box.files}
        self.missing = tuple(sorted(missing))[:64]
        return needs

    def _housekeep(self, turn: Turn) -> None:
        now_ms = turn.wall_ms
        keep_from = (self.local(now_ms) - timedelta(milliseconds=files.KEEP_AFTER_MS)).date()
        playing = frozenset(
            source.url.removeprefix("content:")
            for key in {sent.key for sent in self.air.sent.values()}
            for part in (self.air.sounds[key].main if key in self.air.sounds else ())
            for source in part.sources
        )
        gone = files.evictable(
            list(self.box.files),
            list(self.programme.bindings()),
            playing,
            keep_from.isoformat(),
        )
        for sha in gone:
            del self.box.files[sha]
            turn.do(Evict(sha))
        old_ms = min(now_ms, self.facts.marks.settled_through_ms) - 3 * DAY_MS
        spare = len(self.facts.settled) - SETTLED_KEPT
        for key, settled in list(self.facts.settled.items())[: max(0, spare)]:
            if settled.end_ms < old_ms:
                self.facts.drop("settled", key)
        for key, memory in list(self.facts.warnings.items()):
            if memory.ended and memory.valid_until_ms < now_ms - 7 * DAY_MS:
                self.facts.drop("warning", key)
        self.facts.save(PruneRecords(self.facts.marks.cursor_through, now_ms - RECORDS_KEPT_MS))
        turn.log("housekeeping", evicted=len(gone))

    # --- clock, controllers, alarms -----------------------------------------------------

    def _clock(self, event: ClockSeen, turn: Turn) -> None:
        turn.do(SetTime(event.epoch, event.wall_minus_mono_us), "now")
        stepped = event.epoch != self.time.epoch
        trust_changed = event.trust != self.time.trust
        self.time = self.time.stepped(event.epoch, event.trust, event.step_ms, turn.wall_ms)
        if not self.booted_mono_ms:
            return
        if stepped and event.step_ms:
            turn.log("clock_step", "warning", step_ms=event.step_ms)
            self.air.stepped(event.step_ms, turn)
            if event.step_ms < 0:
                through_ms = min(self.facts.marks.settled_through_ms, turn.wall_ms)
                self.facts.mark(settled_through_ms=through_ms)
            self._audit("clock_step", "clock", turn, f"{event.step_ms} ms")
        if stepped or trust_changed:
            self._items_changed = True

    def _controller(self, event: ControllerSeen, turn: Turn) -> None:
        before = self.air.ledger.controllers.get(event.controller)
        if before is None or before.state != event.state:
            turn.log(
                "controller", controller=event.controller, state=event.state, detail=event.detail
            )
        self.air.ledger.controller_seen(event, turn.wall_ms)
        if before is None or before.state != event.state:
            self.air.dirty = True

    def _watch(self, turn: Turn) -> None:
        """Compare what is seen with what should be, and raise or end alarms."""
        mono_ms = turn.now.mono_ms
        observe = self.alarms.observe
        for zone in self.site.zones:
            confirmed, doubt = self.air.ledger.confirmation(zone.name)
            open_now = zone.name in self.air.gates
            bad = confirmed == "no" and (
                open_now or doubt is not OccurrenceReason.ZONE_NOT_CONFIRMED
            )
            detail = doubt.value if doubt is not None else ""
            observe(AlarmCode.ZONE_NOT_CONFIRMED, zone.name, bad, mono_ms, detail)
        for name in {zone.controller for zone in self.site.zones}:
            seen = self.air.ledger.controllers.get(name)
            lost = seen is None or seen.state != "ready"
            state = seen.state if seen is not None else "opening"
            observe(AlarmCode.CONTROLLER_LOST, name, lost, mono_ms, state)
        observe(AlarmCode.NO_SOUND, "", self.air.player != "ready", mono_ms, self.air.player)
        free_mib = self.host.storage_free_mib
        low = free_mib is not None and free_mib < self.site.storage_low_mib
        observe(AlarmCode.STORAGE_LOW, "", low, mono_ms, f"{free_mib} MiB")
        observe(AlarmCode.CLOCK_UNTRUSTED, "", self.time.trust != "trusted", mono_ms)
        cause = self.uplink.cause
        observe(AlarmCode.SOURCE_UNREACHABLE, "", not self.uplink.connected, mono_ms, cause)
        for change in self.alarms.due(mono_ms):
            self._alarm(change.code, change.subject, change.raised, change.detail, turn)

    def _alarm(self, code: AlarmCode, subject: str, raised: bool, detail: str, turn: Turn) -> None:
        key = f"{code}|{subject}"
        before = self.facts.alarms.get(key)
        episode = (before.episode if before is not None else 0) + (1 if raised else 0)
        since_ms = turn.wall_ms if raised or before is None else before.since_ms
        memory = AlarmMemory(code, subject, episode, since_ms, raised, detail)
        self.facts.put("alarm", key, memory)
        self.reporter.record(
            AlarmEvent(
                code=code,
                subject=subject,
                state="raised" if raised else "cleared",
                episode=episode,
                since_ms=since_ms,
                detail=detail,
            ),
            turn,
        )
        level = "warning" if raised else "info"
        turn.log(
            "alarm_raised" if raised else "alarm_cleared",
            level,  # type: ignore[arg-type]
            code=code,
            subject=subject,
            detail=detail,
        )

    # --- reporting ----------------------------------------------------------------------

    def _audit(self, what: str, by: str, turn: Turn, detail: str = "") -> None:
        self.reporter.record(Audit(what=what, by=by, detail=detail), turn)

    def _report(self, turn: Turn) -> None:
        self._expire_warnings(turn)
        if self._items_changed:
            self._make_items(turn)
            self.air.replan(turn, self.volumes())
        self._connect_if_due(turn)
        self.reporter.report(
            self.inbox.refusals,
            self.awaiting,
            self.missing,
            turn,
            connected=self.uplink.connected,
        )
        if self.uplink.connected and self.reporter.heartbeat_due(turn.now.mono_ms):
            self.reporter.heartbeat(self._health(turn), turn)
        self.reporter.send_records(turn)

    def _health(self, turn: Turn) -> Health:
        on_air = sorted((bus, on.key) for bus, on in self.air.decision.buses.items())
        signs = {"yes": "y", "no": "n", "unknown": "?"}
        zones = "".join(
            signs[self.air.ledger.confirmation(zone.name)[0]]
            if zone.name in self.air.gates
            else "-"
            for zone in self.site.zones
        )
        return Health(
            t=turn.wall_ms,
            d=digest_of_applied(self.facts),
            up=(turn.now.mono_ms - self.booted_mono_ms) // 1_000,
            tc=self.host.temperature_cdeg,
            sf=self.host.storage_free_mib,
            mf=self.host.memory_free_mib,
            ck=self.time.trust,
            pl=",".join(f"{key.split('|')[2]}@{bus}" for bus, key in on_air) or None,
            zn=zones,
            al=len(self.alarms.open),
            q=self.reporter.outbox.unsent,
        )

    # --- volume -------------------------------------------------------------------------

    def volumes(self) -> dict[str, int]:
        """Volume 0–100 by zone: local override, else what plays there, else the settings."""
        return {zone.name: self.volume_of(zone.name)[0] for zone in self.site.zones}

    def volume_of(self, zone: str) -> tuple[int, Literal["timetable", "local", "command"]]:
        settings = self.programme.settings
        span = self.air.gates.get(zone)
        where = self.air.decision.zones.get(zone)
        key = where.key if where is not None else span.key if span is not None else ""
        item = self.air.items.get(key)
        if item is not None and item.klass == 1:
            return (settings.warning_volume if settings is not None else 90), "timetable"
        override = self.facts.overrides.get(f"volume|{zone}")
        if override is not None:
            return override.number, override.source
        if item is not None and item.volume is not None:
            return item.volume, "timetable"
        if settings is None:
            return 70, "timetable"
        return settings.zone_volumes.get(zone, settings.volume), "timetable"

    def items_changed(self) -> None:
        self._items_changed = True

    def fetch_again(self, sha256: str) -> None:
        self.fetching.again(sha256)
        self._fetch_changed = True


def _name_of(message: Trust | Schedule | Content | Warnings) -> str:
    kind = message.__class__.__name__.lower()
    return f"{kind} {message.audience} revision {message.revision}"


def _warning_key(document: Warnings, warning_id: str) -> str:
    return f"{document.authority}|{document.audience}|{warning_id}"


def _memory_key(memory: WarningMemory) -> str:
    return f"{memory.authority}|{memory.audience}|{memory.id}"
