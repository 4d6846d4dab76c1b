"""One station: events in, effects out. Composes the parts of the core and owns nothing else.

`handle` takes one event and the time, and returns one batch: what to save in one transaction,
what to do, and when to be woken. The same object runs in the daemon and, under virtual time, in
the simulator.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from agent.contract.documents import Cursor, Entry, Schedule, Trust, Warnings
from agent.contract.envelope import VerifySignature
from agent.contract.reasons import AckReason, AlarmCode, OccurrenceReason
from agent.contract.reports import Audit
from agent.core import heartbeat, onset, watch
from agent.core.actions import Actions
from agent.core.commands import Duplicate, Fresh, admit, answer
from agent.core.content import KEEP_AFTER_MS
from agent.core.details import COMPLETE_WITHIN_MS, Picture, details_of, is_complete
from agent.core.effects import (
    AckMessage,
    Batch,
    Connect,
    PruneRecords,
    Release,
    SetTime,
    Subscribe,
)
from agent.core.events import (
    AudioSeen,
    Booted,
    ClockSeen,
    CommitFailed,
    CommitsAgain,
    ControllerSeen,
    Delivered,
    Event,
    FetchFailed,
    FileReady,
    FilesFound,
    FilesMeasured,
    HostSeen,
    HousekeepingDue,
    Leaving,
    LinkChanged,
    MessageArrived,
    NetworkSeen,
    Now,
    PlaceSeen,
    PlayerLost,
    PlayerReady,
    Probed,
    Requested,
    ReturnCompared,
    SoundEnded,
    SoundHeard,
    SoundProgress,
    SoundReturned,
    SoundStarted,
    SourceApiSeen,
    SourceAsked,
    SourceGaveUp,
    SourceTook,
    SourceTookOver,
    SpeechFailed,
    SpeechReady,
    Wake,
)
from agent.core.facts import Facts
from agent.core.health import ONSET_MS
from agent.core.inbox import Applied, CommandIn, CommandRefused
from agent.core.lineup import EVERY_MS
from agent.core.parts import Parts
from agent.core.schedule import Zones
from agent.core.seal import NO_KEY_GIVEN, NoSigner, Signer
from agent.core.site import Site
from agent.core.source_desk import SourceDesk
from agent.core.timekeeping import Timekeeping
from agent.core.trust import AlreadyHeld, RootKeys
from agent.core.turn import Turn
from agent.core.words import command_act

DAY_MS = 86_400_000

SETTLED_KEPT = 2_000
RECORDS_KEPT_MS = 90 * DAY_MS
STORAGE_FAULT_MAX = 160

UNTOLD = (Wake, Delivered, MessageArrived, SoundProgress, AudioSeen, ReturnCompared)
"""Events that tell nothing an alarm could be about."""


class Station(Parts):
    """The deciding side of `Parts`: what follows from an event and from the time that passed."""

    def __init__(
        self,
        site: Site,
        facts: Facts,
        root: RootKeys,
        verify: VerifySignature,
        zones: Zones,
        signer: Signer | NoSigner = NO_KEY_GIVEN,
    ) -> None:
        super().__init__(site, facts, root, verify, zones, signer)
        self.actions = Actions(self)
        self.source = SourceDesk(self, self.actions, site.source_rules)
        self._filters: tuple[str, ...] = ()
        self._look = True
        self._documents_changed = True
        self.picture = Picture(site.details_pause_ms)
        self._picture_due = True

    # --- the one entrance ---------------------------------------------------------------

    def handle(self, event: Event, now: Now) -> Batch:
        """Take one event; `now` never goes back on its monotonic clock."""
        turn = Turn(now)
        self._look |= not isinstance(event, UNTOLD)
        if self.booted_mono_ms or isinstance(event, Booted | ClockSeen):
            self.running.note(event, turn.wall_ms)
            self._absorb(event, turn)
        if isinstance(event, Leaving):
            return Batch(self.facts.taken(), tuple(turn.acts), None)
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
                self.reporter.delivered(event.token, turn.now.mono_ms)
                self.picture.delivered(event.token)
            case FilesFound():
                self.supply.files_found(event.files)
                self.air.box_known = self.items_changed = True
            case FileReady():
                self.supply.file_ready(event, turn)
                self.items_changed = True
            case FilesMeasured():
                self.supply.files_measured(event, turn)
            case FetchFailed():
                self.items_changed |= self.supply.fetch_failed(event, turn)
            case SpeechReady():
                self.supply.speech_ready(event)
                self.items_changed = True
            case SpeechFailed():
                self.supply.speech_failed(event, turn)
                self.items_changed = True
            case PlayerReady():
                self.air.player_ready()
                turn.log("player_ready", device=event.device)
            case PlayerLost():
                if self.air.player == "ready":
                    turn.log("player_lost", "warning", why=event.why, detail=event.detail)
                self.air.player_lost(event.silent_ms, turn)
                self.audio.player_lost(event)
            case SoundStarted():
                first = self.air.sound_started(event, turn)
                self.actions.sound_started(event, turn)
                if first is not None:
                    onset.began(self, first, turn)
            case SoundProgress():
                before = self.air.ledger.returned.silent
                self.air.sound_progress(event, turn)
                self._look |= self.air.ledger.returned.silent != before
            case SoundHeard():
                self.truth.heard(event, turn)
            case AudioSeen():
                self.audio.look(event, turn.wall_ms)
            case SoundReturned():
                self._returned(event, turn)
            case ReturnCompared():
                self.audio.take(event)
            case SourceGaveUp():
                self.truth.gave_up(event)
                self.air.source_gave_up(event, turn)
            case SourceTookOver():
                self.truth.ends(event)
                self.air.source_took_over(event, turn)
            case SoundEnded():
                self.truth.ends(event)
                self.air.sound_ended(event, turn)
                self.items_changed |= self.emergencies.heard(turn)
            case ControllerSeen():
                self._controller(event, turn)
            case HostSeen():
                self.host = event
                playing = self.air.files_in_use()
                free_mib = event.storage_free_mib
                self.items_changed |= self.supply.make_room(free_mib, playing, turn) > 0
                if self.power.host_seen(event):
                    self._mains_changed(turn)
            case NetworkSeen():
                self.network.look(event, self.today(turn.wall_ms), turn)
            case Probed():
                self.network.probed(event)
                turn.log("probed", found=event.found, detail=event.detail)
            case PlaceSeen():
                pass
            case ClockSeen():
                self._clock(event, turn)
            case Requested():
                self.actions.requested(event, turn)
            case SourceApiSeen():
                self.source.seen(event, turn)
            case SourceTook():
                self.source.took(event, turn)
            case SourceAsked():
                self._documents_changed |= self.source.called(event.call, turn)
            case CommitFailed():
                self.storage_fault = event.detail[:STORAGE_FAULT_MAX] or "commit"
                turn.log("commit_failed", "error", detail=event.detail)
                self._audit("commit_failed", "station", turn, event.detail)
            case CommitsAgain():
                self.storage_fault = ""
            case HousekeepingDue():
                self._housekeep(turn)
            case Leaving():
                self.reporter.sign_records(turn)

    def _settle_down(self, turn: Turn) -> None:
        """Everything that follows from what changed and from the time that passed."""
        now_ms = turn.wall_ms
        if self._documents_changed:
            first = not self.lines_made_ms
            if not first:
                self.settlement.close_books(self.time, turn)
            self._apply_documents(turn)
            if first:
                self.emergencies.restored(turn)
        self.items_changed |= self.emergencies.expire(turn)
        self.items_changed |= self.emergencies.look_again(turn)
        self.items_changed |= self.emergencies.found_words(self.supply.box, turn)
        self.items_changed |= self.emergencies.reword(turn)
        stale = not 0 <= now_ms - self.lines_made_ms < EVERY_MS
        if self.items_changed or stale:
            self._make_lines(turn)
        self.air.dirty |= self._ceilings_moved(now_ms)
        if self.air.dirty or self.air.next_ms is None or now_ms >= self.air.next_ms:
            self._look = True
            self.air.replan(turn, self.volumes)
            self.settlement.settle(self.time, turn)
            self.items_changed |= self.emergencies.due_again(turn)
            if self.air.dirty:
                self.air.replan(turn, self.volumes)
        self.supply.fetch(turn)
        self.supply.speak_again(turn)
        self.supply.measure(turn)
        self._watch(turn)
        self._report(turn)

    def _ceilings_moved(self, now_ms: int) -> bool:
        """At the edge of a band the volumes change, whatever else goes on."""
        until_ms = self.ceilings_until_ms
        held = now_ms >= self.ceilings_from_ms and (until_ms is None or now_ms < until_ms)
        return not held and self.look_at_ceilings(now_ms)

    def _make_lines(self, turn: Turn) -> None:
        self.items_changed = False
        now_ms = self.lines_made_ms = turn.wall_ms
        wanted = [*self.emergencies.utterances(turn), *self.actions.utterances()]
        self.supply.speak_ahead(wanted, turn)
        box = self.supply.box
        timetable = list(self.lineup.lines(box, self.time, now_ms))
        asked_for = self.actions.lines(now_ms, timetable)
        lines = [*timetable, *self.emergencies.lines(box), *asked_for]
        bound = self.lineup.bound(lines, self.time, now_ms)
        self.settlement.withdrawn({line.item.key for line in bound}, self.time, turn)
        self.air.set_items(bound)

    def _wake(self, now: Now) -> int | None:
        moments = [
            self.uplink.connect_at_mono_ms,
            self.supply.next_mono_ms,
            self.supply.speech_mono_ms,
            self.alarms.wake_mono_ms(),
            self.reporter.outbox.wake_mono_ms(),
            self.reporter.heartbeat_wake_mono_ms() if self.uplink.connected else None,
            self._picture_wake_mono_ms(now.mono_ms) if self.uplink.connected else None,
            self.network.wake_mono_ms(),
            self.reporter.report_wake_mono_ms(now.mono_ms),
        ]
        walls = [self.air.next_ms, self.ceilings_until_ms]
        walls += [moment for moment in self.emergencies.ends_ms() if moment > now.wall_ms]
        if self.booted_mono_ms:
            walls.append(self.lines_made_ms + EVERY_MS)
        moments += [now.mono_ms + max(1, w - now.wall_ms) for w in walls if w is not None]
        known = [moment for moment in moments if moment is not None]
        return max(now.mono_ms + 1, min(known)) if known else None

    def _picture_wake_mono_ms(self, mono_ms: int) -> int | None:
        """The end of its pause; before the first one, when nobody is waited for any longer."""
        if self._picture_due and not is_complete(self, mono_ms):
            return self.booted_mono_ms + COMPLETE_WITHIN_MS
        return self.picture.wake_mono_ms()

    # --- beginning ----------------------------------------------------------------------

    def _boot(self, event: Booted, turn: Turn) -> None:
        now = turn.now
        self.settlement.booted_ms = now.wall_ms
        self.booted_mono_ms = max(1, now.mono_ms)
        self.running.since_ms = now.wall_ms
        self.reporter.installation = event.installation
        self.reporter.nonce = event.nonce
        self.time = Timekeeping().stepped(now.epoch, now.trust, 0, now.wall_ms)
        self.facts.mark(birth=self.facts.marks.birth + 1)
        self._bound_settled(turn)
        for line in self.facts.unreadable:
            turn.log("fact_unreadable", "error", fact=line)
        for line in self.inbox.restore():
            turn.log("document_dropped", "warning", document=line)
        for alarm in self.facts.alarms.values():
            if alarm.open and alarm.code in ONSET_MS:
                self.alarms.open.add((AlarmCode(alarm.code), alarm.subject))
        self.air.restore(now.wall_ms)
        self.uplink.begin(now.mono_ms)
        self._filters = self.inbox.filters()

    def _bound_settled(self, turn: Turn) -> None:
        """Nothing is settled beyond now; a clock that went back behind the floor says nothing."""
        marks = self.facts.marks
        if self.time.trust == "trusted":
            latest_ms = max(turn.wall_ms, marks.floor_ms)
            settled_ms = marks.settled_through_ms or self.settlement.booted_ms
            self.facts.mark(settled_through_ms=min(settled_ms, latest_ms))

    def _link(self, event: LinkChanged, turn: Turn) -> None:
        was = self.uplink.connected
        before = self.uplink.cause
        spread_ms = self.facts.marks.spread_ms
        self.uplink.changed(event, turn.now.mono_ms, turn.wall_ms, spread_ms)
        if event.connected:
            self.reporter.linked(connected=True)
            self.reporter.birth(turn)
            self.supply.network_is_back(turn.now.mono_ms)
            turn.log("connected")
        else:
            self.reporter.linked(connected=False)
            self.picture.unlinked()
            if was or event.cause != before:
                turn.log("disconnected", "warning", cause=event.cause, detail=event.detail)

    def _connect_if_due(self, turn: Turn) -> None:
        if self.uplink.due(turn.now.mono_ms):
            topic, will = self.reporter.will()
            keepalive_s = 30 if self.emergencies.active() else 120
            turn.do(
                Connect(self.inbox.filters(), self.inbox.held_topics(), topic, will, keepalive_s)
            )

    # --- messages -----------------------------------------------------------------------

    def _message(self, event: MessageArrived, turn: Turn) -> None:
        """A document is acknowledged once it is held for good, also when it came before."""
        release: Release = "after_commit"
        if not self.reporter.state_topic_says(event.topic, event.payload, turn):
            result = self.inbox.receive(event, turn)
            for receipt in self.inbox.receipts.taken():
                self.reporter.record(receipt, turn)
            match result:
                case Applied():
                    release = "durable"
                    self._applied(result, turn)
                case AlreadyHeld():
                    release = "durable"
                case CommandIn():
                    self._command(result, turn)
                case CommandRefused():
                    self.reporter.ack(result.id, "rejected", turn, result.reason, result.detail)
                case Cursor():
                    self._cursor(result, turn)
                case None:
                    pass
        turn.do(AckMessage(event.receipt), release)

    def _applied(self, applied: Applied, turn: Turn) -> None:
        message = applied.message
        self._documents_changed = True
        if isinstance(message, Warnings):
            self.emergencies.arrived(message, turn)
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
                self._audit(command_act(message.action), message.by, turn, detail, reason or "done")
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
        if cursor.reconnect_spread_ms is not None:
            self.facts.mark(spread_ms=cursor.reconnect_spread_ms)
        greeted = bool(cursor.nonce) and cursor.nonce == self.reporter.nonce
        if self.reporter.outbox.told(cursor.through, turn.now.mono_ms, greeted=greeted):
            self.facts.mark(cursor_through=self.reporter.outbox.through)
            turn.log("cursor", "debug", through=self.reporter.outbox.through)

    # --- documents ----------------------------------------------------------------------

    def _apply_documents(self, turn: Turn) -> None:
        self._documents_changed = False
        self.programme.replace(
            [*self.inbox.schedules(), *self.source.schedules()],
            [*self.inbox.contents(), *self.source.contents()],
            list(self.inbox.warnings()),
            self.inbox.home_authority(),
        )
        for force in self.programme.schedules:
            for entry, fault in force.expander.refused:
                turn.log("entry_unreadable", "error", entry=entry, detail=fault.detail)
        self.rules.adopt(self.programme.settings)
        self.ceilings_until_ms = 0
        self.items_changed = self.supply.changed = True

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
            if new is None or _content_of(new) != _content_of(old):
                self.air.end_item(key, OccurrenceReason.SUPERSEDED, turn)
        today = self.local(turn.wall_ms).date().isoformat()
        self.lineup.skip_moved(before, after, today, turn.wall_ms)

    def _housekeep(self, turn: Turn) -> None:
        now_ms = turn.wall_ms
        keep_from = (self.local(now_ms) - timedelta(milliseconds=KEEP_AFTER_MS)).date()
        evicted = self.supply.tidy(keep_from, self.air.files_in_use(), turn)
        old_ms = min(now_ms, self.facts.marks.settled_through_ms) - 3 * DAY_MS
        spare = len(self.facts.settled) - SETTLED_KEPT
        for key, settled in list(self.facts.settled.items())[: max(0, spare)]:
            if settled.end_ms < old_ms:
                self.facts.drop("settled", key)
        for key, memory in list(self.facts.warnings.items()):
            if memory.ended and memory.valid_until_ms < now_ms - 7 * DAY_MS:
                self.facts.drop("warning", key)
        for key, override in list(self.facts.overrides.items()):
            if override.what == "skip" and override.at_ms < now_ms - RECORDS_KEPT_MS:
                self.facts.drop("override", key)
        self.quiet.tidy(now_ms)
        self.approvals.tidy(now_ms - RECORDS_KEPT_MS)
        for key, undecided in list(self.facts.undecided.items()):
            if undecided.until_ms < now_ms - DAY_MS:
                self.facts.drop("undecided", key)
        self.reporter.sign_records(turn)
        self._documents_changed |= self.source.tidy(now_ms)
        for through, before_ms in self.source.prunable(now_ms - RECORDS_KEPT_MS, now_ms):
            self.facts.save(PruneRecords(through, before_ms))
        self.network.tidy(self.local(now_ms).date())
        turn.log("housekeeping", evicted=evicted)

    # --- clock, controllers, alarms -----------------------------------------------------

    def _clock(self, event: ClockSeen, turn: Turn) -> None:
        turn.do(SetTime(event.epoch, event.wall_minus_mono_us), "now")
        stepped = event.epoch != self.time.epoch
        was_untrusted = self.time.trust == "untrusted"
        trust_changed = event.trust != self.time.trust
        self.time = self.time.stepped(event.epoch, event.trust, event.step_ms, turn.wall_ms)
        if not self.booted_mono_ms:
            return
        if stepped and event.step_ms:
            turn.log("clock_step", "warning", step_ms=event.step_ms)
            self.air.stepped(event.step_ms, turn)
            self.emergencies.stepped(event.step_ms, turn)
            if was_untrusted:
                self.settlement.booted_ms += event.step_ms
            self._audit("clock_step", "clock", turn, f"{event.step_ms} ms")
        if stepped or trust_changed:
            self.items_changed = True
            self._bound_settled(turn)

    def _controller(self, event: ControllerSeen, turn: Turn) -> None:
        before = self.air.ledger.controllers.get(event.controller)
        if before is None or before.state != event.state:
            turn.log(
                "controller", controller=event.controller, state=event.state, detail=event.detail
            )
        if self.power.controller_seen(event):
            self._mains_changed(turn)
        self.air.ledger.controller_seen(event, turn.wall_ms)
        if before is None or (before.state, before.power) != (event.state, event.power):
            self.air.dirty = True

    def _returned(self, event: SoundReturned, turn: Turn) -> None:
        """The return line hears nothing of what is sent, or hears it again."""
        before = self.air.ledger.returned.silent
        self.air.ledger.returned_line(event.bus, turn.wall_ms, lacks=event.lacks_ms > 0)
        after = self.air.ledger.returned.silent
        if after != before:
            silent = ",".join(sorted(after))
            level: Literal["info", "warning"] = "warning" if after - before else "info"
            turn.log("return_line", level, bus=event.bus, lacks_ms=event.lacks_ms, silent=silent)

    def _mains_changed(self, turn: Turn) -> None:
        """What can be heard, or may be played, is different now."""
        self.air.ledger.mains_seen(turn.wall_ms)
        self.air.dirty = self.items_changed = True
        held = self.power.held(self.programme.settings)
        turn.log(
            "power",
            mains=self.power.mains,
            without=",".join(sorted(self.power.without_mains)),
            held=",".join(str(klass) for klass in sorted(held)),
        )

    def _watch(self, turn: Turn) -> None:
        """Raise and end alarms that are due."""
        if self._look:
            self._look = False
            self._picture_due = True
            self._observe(turn)
        for change in self.alarms.due(turn.now.mono_ms):
            watch.changed(self, change, turn)

    def _observe(self, turn: Turn) -> None:
        mono_ms, today = turn.now.mono_ms, self.today(turn.wall_ms)
        network, uplink = self.network, self.uplink
        fault = network.fault(connected=uplink.connected, cause=uplink.cause, today=today)
        network.uplink(uplink.connected, fault, turn)
        watch.observe(self, fault, mono_ms, today)
        state = self.source.state
        self.alarms.observe(AlarmCode.SOURCE_API, "", state != "ok", mono_ms, state)

    # --- reporting ----------------------------------------------------------------------

    def _audit(self, what: str, by: str, turn: Turn, detail: str = "", result: str = "") -> None:
        self.reporter.record(Audit(what=what, by=by, detail=detail, result=result), turn)

    def _report(self, turn: Turn) -> None:
        self._connect_if_due(turn)
        self.reporter.report(
            self.inbox.refusals,
            self.supply.awaiting,
            self.supply.missing,
            turn,
            connected=self.uplink.connected,
        )
        if self.uplink.connected:
            self._tell_of_ourselves(turn)
        self.network.probe_if_due(turn)
        self.reporter.send_records(turn)

    def _tell_of_ourselves(self, turn: Turn) -> None:
        mono_ms = turn.now.mono_ms
        about = heartbeat.news(self)
        if self.reporter.heartbeat_due(about, mono_ms):
            self.reporter.heartbeat(heartbeat.health_of(self, turn), about, turn)
        wake_ms = self.picture.wake_mono_ms()
        self._picture_due |= wake_ms is not None and mono_ms >= wake_ms
        if self._picture_due and is_complete(self, mono_ms):
            self._picture_due = False
            now = details_of(self, turn.wall_ms)
            if self.picture.consider(now, mono_ms):
                self.reporter.details(now, self.picture.token, turn)


def _content_of(entry: Entry) -> tuple[object, ...]:
    """What an item on air may not lose under it (D5)."""
    return entry.sources, entry.versions, entry.zones
