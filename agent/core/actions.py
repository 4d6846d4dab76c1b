"""What people ask for: signed commands from above and requests through the control socket.

Owns what each verb does and when it is refused. Whether a command may be given at all was
decided before (trust, commands).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Literal

import msgspec

from agent.contract import documents as said
from agent.contract.reasons import AckReason, OccurrenceReason
from agent.contract.reports import Audit, OccurrenceRef
from agent.core import requests as asked
from agent.core import views, watch
from agent.core.approvals import Standing, Word
from agent.core.effects import Reply, Restart, SetLogLevel
from agent.core.events import Requested, SoundStarted
from agent.core.facts import Override
from agent.core.items import Item, key_of
from agent.core.lineup import Line, Provenance, provenance_of
from agent.core.parts import Parts
from agent.core.planner import SILENCE, ZoneSpan, foresee
from agent.core.programme import InForce, Sound, select_zones, tone_source
from agent.core.settlement import UNRECORDED_KEPT
from agent.core.speaking import LOCAL, TONE_LEAD_MS, Speaking, Verdict, locally, told
from agent.core.turn import Turn
from agent.core.warnings import Utterance
from agent.core.words import LocalAct
from agent.player.protocol import PATTERN, PATTERN_MS, Part

DETAIL_MAX = 200
FOLLOWS_MS = 60_000


class Actions:
    """Carries out commands and requests on its station."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._ad_hoc: dict[str, Line] = {}
        self._speaking = Speaking(parts)
        self._count = 0
        self._tones: dict[str, Line] = {}
        self._patterns: set[str] = set()

    # --- items that are in no timetable -------------------------------------------------

    def lines(self, now_ms: int, timetable: Sequence[Line]) -> list[Line]:
        """What was asked for beside the timetable and is not over."""
        settled = self._parts.facts.settled
        for key in [key for key in self._ad_hoc if key in settled]:
            del self._ad_hoc[key]
        asked = [
            line
            for line in self._ad_hoc.values()
            if line.item.start_ms + line.item.play_ms + 60_000 > now_ms
        ]
        return [*asked, *self._speaking.made.lines(self._parts.supply.box, timetable)]

    def utterances(self) -> list[Utterance]:
        """What has to be spoken for them."""
        return self._speaking.made.utterances()

    def sound_started(self, event: SoundStarted, turn: Turn) -> None:
        """Where a self-test begins, the return line is listened to."""
        sent = self._parts.air.sent.get(event.token)
        heard = sent is not None and sent.bus == self._parts.site.return_bus
        if sent is not None and heard and sent.key in self._patterns:
            self._parts.audio.began(sent.key, event, turn)

    def _test_tone(
        self, zones: tuple[str, ...], length_ms: int, turn: Turn, *, pattern: bool = False
    ) -> Verdict:
        busy = sorted(set(zones) & set(self._parts.air.decision.zones))
        if busy:
            return "failed", AckReason.BUSY, f"on air: {', '.join(busy)}"
        if not zones:
            return "failed", AckReason.UNKNOWN_ZONE, "no zone selected"
        quiet = [one for zone in zones if (one := self._quiet_in(zone, turn))]
        if quiet:
            return "failed", AckReason.AGAINST_THE_RULES, quiet[0]
        self._count += 1
        start_ms = turn.wall_ms + TONE_LEAD_MS + self._parts.air.gates.cold_ms(zones)
        ref = OccurrenceRef(
            authority=LOCAL,
            audience=f"s/{self._parts.site.station}",
            entry=self._tone(),
            nominal=self._nominal(turn.wall_ms),
        )
        if pattern:
            length_ms = PATTERN_MS
        source = PATTERN if pattern else tone_source("test")
        part = Part((source,), 0, length_ms, -1_200)
        item = Item(
            key=key_of(ref),
            ref=ref,
            title="Thử tiếng · test tone",
            klass=3,
            rank=99,
            order=0,
            start_ms=start_ms,
            zones=zones,
            play_ms=length_ms,
            total_ms=length_ms,
            late="skip",
            resume="drop",
            bound="quiet",
        )
        sound = Sound(None, 0, (part,), length_ms, "tone")
        line = Line(item, sound, Provenance(recorded=False))
        self._ad_hoc[item.key] = self._tones[item.ref.entry] = line
        if pattern:
            self._patterns = {one for one in self._patterns if one in self._ad_hoc} | {item.key}
        self._tones.pop(f"test-tone-{self._count - UNRECORDED_KEPT}", None)
        self._parts.items_changed = True
        return "done", None, f"{length_ms} ms: {', '.join(zones)}"

    def _tone(self) -> str:
        """The name of the latest test tone."""
        return f"test-tone-{self._count}"

    def _quiet_in(self, zone: str, turn: Turn) -> str:
        """Why and until when a zone is kept quiet; empty when it is not."""
        held = self._parts.quiet.of(zone, turn.wall_ms)
        return "" if held is None else f"{zone}: {self._parts.quiet.in_words(held)}"

    def _replay(self, command: said.Command, entry_id: str, turn: Turn) -> Verdict:
        parts = self._parts
        for force in parts.programme.schedules:
            for entry in force.schedule.entries:
                if entry.id != entry_id or force.schedule.authority != command.authority:
                    continue
                day = parts.local(turn.wall_ms).date().isoformat()
                sound, problem = parts.programme.sound_of(
                    entry, command.authority, day, parts.supply.box
                )
                zones = select_zones(parts.site, entry.zones, parts.programme.settings)
                if sound is None:
                    return "failed", AckReason.BUSY, str(problem)
                standing = parts.approvals.standing(force, entry, "")
                if standing.state in ("awaiting", "refused"):
                    return "failed", AckReason.NOT_ALLOWED, f"approval: {standing.state}"
                self._add_replay(command, entry, sound, zones, force, standing, turn)
                return "done", None, entry.title
        return "failed", AckReason.UNKNOWN_ENTRY, entry_id

    def _add_replay(
        self,
        command: said.Command,
        entry: said.Entry,
        sound: Sound,
        zones: tuple[str, ...],
        force: InForce,
        standing: Standing,
        turn: Turn,
    ) -> None:
        start_ms = turn.wall_ms + TONE_LEAD_MS + self._parts.air.gates.cold_ms(zones)
        ref = OccurrenceRef(
            authority=command.authority,
            audience=command.audience,
            entry=f"{entry.id}-replay-{command.id}",
            nominal=self._nominal(turn.wall_ms),
        )
        length_ms = sound.total_ms or entry.duration_ms or 0
        item = Item(
            key=key_of(ref),
            ref=ref,
            title=entry.title,
            klass=max(2, entry.klass, force.class_ceiling),
            rank=force.rank,
            order=entry.order,
            start_ms=start_ms,
            zones=zones,
            play_ms=length_ms,
            total_ms=sound.total_ms,
            volume=entry.volume,
            language=entry.language,
        )
        origin = provenance_of(entry, standing, force.schedule.revision)
        self._ad_hoc[item.key] = Line(item, sound, origin)
        self._parts.items_changed = True

    def _nominal(self, at_ms: int) -> str:
        return self._parts.local(at_ms).strftime("%Y-%m-%dT%H:%M:%S")

    # --- commands from above ------------------------------------------------------------

    def command(  # noqa: C901 - one row a verb
        self, command: said.Command, turn: Turn
    ) -> Verdict:
        """Carry out an admitted command; the verdict becomes its final ack."""
        parts = self._parts
        match command.action:
            case said.SetVolume(zones=zones, volume=volume):
                return self._volume(self._select(zones), volume, command.by, "command", turn)
            case said.StopItem(zones=zones):
                return self._stop(self._select(zones), turn)
            case said.SkipOccurrence(entry=entry, nominal=nominal):
                return self._skip(command.authority, entry, nominal, command.by, turn)
            case said.TestTone(zones=zones, length_ms=length_ms):
                return self._test_tone(self._select(zones), length_ms, turn)
            case said.ReplayEntry(entry=entry):
                return self._replay(command, entry, turn)
            case said.CancelCommand(id=identity):
                return "done", None, identity
            case said.Refetch(sha256=sha256):
                parts.supply.fetch_again(sha256)
                return "done", None, sha256[:12]
            case said.Resend(from_seq=seq):
                parts.reporter.outbox.rewind(seq)
                return "done", None, f"from {seq}"
            case said.Diagnose():
                return "done", None, views.diagnosis(parts, turn.now)
            case said.SetLogLevel(level=level):
                turn.do(SetLogLevel(level), "now")
                return "done", None, level
            case said.ApproveEntry() as given:
                return self._approve(_word_of(given, command.by), turn)
            case said.HoldEntry(authority=authority, entry=entry, held=held):
                return self._hold(authority, entry, held, command.by, turn)
            case said.OrderEntry(authority=authority, entry=entry, order=order):
                return self._order(authority, entry, order, command.by, turn)
            case said.KeepQuiet(zones=zones, until_ms=until_ms, reason=reason):
                return self._quiet(self._select(zones), until_ms, reason, command.by, turn)
            case said.AckAlarm(code=code, subject=subject, episode=episode):
                return watch.acknowledge(parts, code, subject, episode, command.by, turn)
            case said.Reboot():
                if parts.emergencies.active():
                    return "failed", AckReason.EMERGENCY_ON_AIR, "a warning is active"
                turn.do(Restart("command"))
                return "done", None, ""

    def _select(self, selector: said.ZoneSelector) -> tuple[str, ...]:
        return select_zones(self._parts.site, selector, self._parts.programme.settings)

    def _volume(
        self,
        zones: Iterable[str],
        volume: int | None,
        by: str,
        source: Any,
        turn: Turn,
    ) -> Verdict:
        names = tuple(zones)
        if not names:
            return "failed", AckReason.UNKNOWN_ZONE, "no zone selected"
        for zone in names:
            key = f"volume|{zone}"
            if volume is None:
                self._parts.facts.drop("override", key)
            else:
                made = Override("volume", by, turn.wall_ms, volume, source)
                self._parts.facts.put("override", key, made)
        self._parts.air.dirty = True
        return "done", None, f"{volume if volume is not None else 'auto'}: {', '.join(names)}"

    def _stop(self, zones: tuple[str, ...], turn: Turn) -> Verdict:
        air = self._parts.air
        keys = {where.key for zone, where in air.decision.zones.items() if zone in zones}
        if any(air.items[key].klass == 1 for key in keys):
            return "failed", AckReason.EMERGENCY_ON_AIR, ", ".join(zones)
        waiting = self._speaking.made.withdraw_waiting(zones)
        if not keys and not waiting:
            return "failed", AckReason.NOTHING_ON_AIR, ", ".join(zones)
        for key in sorted(keys):
            held = self._parts.facts.open.get(key)
            if held is None:
                continue
            stopped = tuple(sorted({*held.stopped, *(z for z in held.zones if z in zones)}))
            held = msgspec.structs.replace(held, stopped=stopped)
            self._parts.facts.put("open", key, held)
            if set(stopped) >= set(held.zones):
                air.end_item(key, OccurrenceReason.STOPPED, turn)
        self._parts.items_changed = True
        return "done", None, ", ".join(sorted({*keys, *waiting}))

    def _follows(self, zones: tuple[str, ...], turn: Turn) -> Iterable[asked.Follows]:
        """What begins in these zones within a minute of a stop there, once a zone."""
        parts, now_ms = self._parts, turn.wall_ms
        parts.items_changed = True
        opened = parts.facts.open
        items = [
            replace(item, zones=tuple(z for z in item.zones if z not in opened[key].stopped))
            if key in opened
            else item
            for key, item in parts.air.items.items()
            if not self._speaking.made.is_withdrawn(key)
        ]
        plan = foresee(
            parts.power.site, items, parts.air.runs, SILENCE, now_ms, now_ms + FOLLOWS_MS
        )
        first: dict[str, ZoneSpan] = {}
        for span in plan.zones:
            if span.zone in zones:
                first.setdefault(span.zone, span)
        together: dict[tuple[str, int], list[str]] = {}
        for zone, span in first.items():
            together.setdefault((span.key, span.from_ms), []).append(zone)
        for (key, from_ms), where in together.items():
            item = parts.air.items[key]
            yield asked.Follows(
                item.ref.authority, item.ref.entry, item.title, tuple(where), from_ms
            )

    def _is_known(self, authority: str, entry: str) -> bool:
        return any(
            entry == one.id
            for force in self._parts.programme.schedules
            if force.schedule.authority == authority
            for one in force.schedule.entries
        )

    def _approve(self, word: Word, turn: Turn) -> Verdict:
        reason, detail = self._parts.approvals.take(word, turn.wall_ms)
        self._parts.items_changed = True
        return "done" if reason is None else "failed", reason, detail

    def _hold(self, authority: str, entry: str, held: bool, by: str, turn: Turn) -> Verdict:
        if held and not self._is_known(authority, entry):
            return "failed", AckReason.UNKNOWN_ENTRY, f"{authority} {entry}"
        key = f"hold|{authority}|{entry}"
        if held:
            self._parts.facts.put("override", key, Override("hold", by, turn.wall_ms))
        else:
            self._parts.facts.drop("override", key)
        self._parts.items_changed = True
        return "done", None, entry

    def _order(self, authority: str, entry: str, order: int, by: str, turn: Turn) -> Verdict:
        if not self._is_known(authority, entry):
            return "failed", AckReason.UNKNOWN_ENTRY, f"{authority} {entry}"
        made = Override("order", by, turn.wall_ms, max(-1000, min(1000, order)))
        self._parts.facts.put("override", f"order|{authority}|{entry}", made)
        self._parts.items_changed = True
        return "done", None, f"{entry} {order}"

    def _quiet(
        self, zones: tuple[str, ...], until_ms: int, reason: str, by: str, turn: Turn
    ) -> Verdict:
        if not zones:
            return "failed", AckReason.UNKNOWN_ZONE, "no zone selected"
        until = self._parts.quiet.keep(zones, until_ms, reason, by, turn.wall_ms)
        self._parts.items_changed = True
        ends = f"{self._parts.local(until):%Y-%m-%d %H:%M}" if until is not None else "now"
        said_why = f" ({reason})" if reason else ""
        return "done", None, f"until {ends}: {', '.join(zones)}{said_why}"

    def _skip(self, authority: str, entry: str, nominal: str, by: str, turn: Turn) -> Verdict:
        if self._speaking.made.withdraw(authority, entry):
            self._parts.items_changed = True
            return "done", None, entry
        if not self._is_known(authority, entry):
            return "failed", AckReason.UNKNOWN_ENTRY, f"{authority} {entry}"
        key = f"skip|{authority}|{entry}|{nominal}"
        self._parts.facts.put("override", key, Override("skip", by, turn.wall_ms))
        self._parts.items_changed = True
        return "done", None, f"{entry} {nominal}"

    # --- requests at the station --------------------------------------------------------

    def requested(self, event: Requested, turn: Turn) -> None:
        """Answer a request of the control socket. What changes something goes into the journal.

        It names the person whose PIN was right; else the login, as for who was sent away.
        """
        who = event.by or event.who
        answer = event.refused or self._answer(event.body, who, turn)
        act = self._act_of(event.body)
        if act is not None:
            what, detail = act
            detail += _claimed(event.refused)
            result = answer.code if isinstance(answer, asked.Refused) else "done"
            means: Literal["pin"] | None = "pin" if event.by else None
            audit = Audit(what=what, by=who, detail=detail, result=result, means=means)
            self._parts.reporter.record(audit, turn)
        turn.do(Reply(event.id, answer))

    def ask(self, body: asked.Request, who: str, turn: Turn) -> Any:
        """A request of somebody within; its journal entry is the asker's."""
        return self._answer(body, who, turn)

    def _act_of(self, body: Any) -> tuple[LocalAct, str] | None:
        """What the journal calls a request, and what it was about; None: it only looks."""
        if isinstance(body, asked.AnnounceRequest):
            return "local_announce", f"{self._named(body.zones)}: {body.text}"
        if isinstance(body, asked.SpeakRequest):
            heard = f"input:{body.input}" if body.input else "input"
            about = f"{heard} {body.length_ms // 1_000} s"
            return "local_announce", f"{self._named(body.zones)}: {about} {body.title}".strip()
        if isinstance(body, asked.EndSpeechRequest):
            return "local_stop", body.entry
        act = self._short_act(body)
        return (act[0], act[1][:DETAIL_MAX]) if act is not None else None

    def _short_act(self, body: Any) -> tuple[LocalAct, str] | None:
        match body:
            case asked.TestToneRequest(zones=zones, length_ms=length_ms):
                return "local_test_tone", f"{self._named(zones)}: {length_ms / 1_000:g} s"
            case asked.VolumeRequest(zones=zones, volume=volume):
                asked_for = "auto" if volume is None else str(volume)
                return "local_volume", f"{self._named(zones)}: {asked_for}"
            case asked.HoldRequest(authority=authority, entry=entry, held=held):
                return "local_hold" if held else "local_release", f"{authority}/{entry}"
            case asked.SkipRequest(authority=authority, entry=entry, nominal=nominal):
                return "local_skip", f"{authority}/{entry} {nominal}"
            case asked.OrderRequest(authority=authority, entry=entry, order=order):
                return "local_order", f"{authority}/{entry}: {order}"
            case asked.ApproveRequest(authority=authority, entry=entry):
                when = f"{body.nominal or '*'}{' → ' + body.place if body.place else ''}"
                paper = f" · {body.document_number}" if body.document_number else ""
                act: LocalAct = "local_approve" if body.approved else "local_refuse"
                return act, f"{authority}/{entry} {when}{paper}"
            case asked.StopRequest(zones=zones):
                return "local_stop", self._named(zones)
            case asked.QuietRequest(zones=zones, until_ms=until_ms, reason=reason):
                if not until_ms:
                    return "local_quiet_end", self._named(zones)
                until = f"{self._parts.local(until_ms):%Y-%m-%d %H:%M}"
                return "local_quiet", f"{self._named(zones)} → {until} {reason}".strip()
            case asked.AckAlarmRequest(code=code, subject=subject, episode=episode):
                return "local_ack_alarm", f"{code} {subject}".strip() + f" #{episode}"
            case asked.PinNoteRequest(name=name, may=may):
                return _pin_act(name, may)
        return None

    def _named(self, zones: tuple[str, ...]) -> str:
        """Asked for by name; of none, all."""
        names = zones or tuple(zone.name for zone in self._parts.site.zones)
        return ", ".join(names)

    def _answer(self, body: Any, who: str, turn: Turn) -> Any:
        parts, now = self._parts, turn.now
        match body:
            case asked.StatusRequest():
                return views.status(parts, now)
            case asked.PlanRequest(hours=hours):
                return views.plan(parts, now, max(1, min(14 * 24, hours)))
            case asked.ZonesRequest():
                return views.zones(parts, now)
            case asked.AlarmsRequest():
                return views.alarms(parts, now)
            case asked.LinkRequest():
                return views.link(parts, now)
            case asked.DoctorRequest():
                return views.doctor(parts, now)
            case asked.AudioRequest():
                parts.audio.watch(turn)
                return views.audio(parts, now)
            case asked.ToneRequest(entry=entry):
                return views.tone(parts, self._tones.get(entry), now)
            case asked.SpokenRequest(entry=entry):
                return self._speaking.spoken(entry, now.wall_ms)
        return self._done(body, who, turn)

    def _done(self, body: Any, who: str, turn: Turn) -> Any:
        """What changes something."""
        match body:
            case asked.TestToneRequest(zones=zones, length_ms=length_ms, pattern=pattern):
                length_ms = max(100, min(60_000, length_ms))
                return locally(
                    self._parts.site,
                    zones,
                    lambda z: self._test_tone(z, length_ms, turn, pattern=pattern),
                    self._tone,
                )
            case asked.VolumeRequest(zones=zones, volume=volume):
                answer = locally(
                    self._parts.site, zones, lambda z: self._volume(z, volume, who, "local", turn)
                )
                return self._with_ceilings(answer, zones, volume)
            case asked.HoldRequest(authority=authority, entry=entry, held=held):
                return told(self._hold(authority, entry, held, who, turn))
            case asked.SkipRequest(authority=authority, entry=entry, nominal=nominal):
                return told(self._skip(authority, entry, nominal, who, turn))
            case asked.OrderRequest(authority=authority, entry=entry, order=order):
                return told(self._order(authority, entry, order, who, turn))
            case asked.ApproveRequest():
                return told(self._approve(_word_of(body, body.by, body.means), turn))
            case asked.StopRequest(zones=zones):
                answer = locally(self._parts.site, zones, lambda z: self._stop(z, turn))
                return self._with_follows(answer, zones, turn)
            case asked.QuietRequest(zones=zones, until_ms=until_ms, reason=reason):
                return locally(
                    self._parts.site, zones, lambda z: self._quiet(z, until_ms, reason, who, turn)
                )
            case asked.AnnounceRequest() | asked.SpeakRequest() | asked.EndSpeechRequest():
                return self._speaking.take(body, who, turn)
            case asked.AckAlarmRequest(code=code, subject=subject, episode=episode):
                return told(watch.acknowledge(self._parts, code, subject, episode, who, turn))
            case asked.PinNoteRequest(name=name):
                return asked.Done(name)
            case _:
                return asked.Refused(AckReason.UNSUPPORTED.value, type(body).__name__)

    def _with_ceilings(self, answer: Any, zones: tuple[str, ...], volume: int | None) -> Any:
        """The answer, with the ceilings that lower what was asked for."""
        if not isinstance(answer, asked.Done) or volume is None:
            return answer
        lower = tuple(
            (zone, most)
            for zone, most in self._parts.ceilings.items()
            if most < volume and (not zones or zone in zones)
        )
        return msgspec.structs.replace(answer, ceilings=lower)

    def _with_follows(self, answer: Any, zones: tuple[str, ...], turn: Turn) -> Any:
        if not isinstance(answer, asked.Done):
            return answer
        names = zones or tuple(zone.name for zone in self._parts.site.zones)
        follows = tuple(self._follows(names, turn))
        return msgspec.structs.replace(answer, follows=follows, tz=self._parts.site.tz)


def _word_of(
    given: said.ApproveEntry | asked.ApproveRequest, by: str, means: Literal["pin", "key"] = "key"
) -> Word:
    return Word(
        given.authority,
        given.entry,
        given.digest,
        given.approved,
        by,
        means,
        given.nominal,
        given.place,
        given.document_number,
    )


def _pin_act(name: str, may: tuple[str, ...] | None) -> tuple[LocalAct, str]:
    if may is None:
        return "local_pin_remove", name
    return "local_pin_set", f"{name}: {', '.join(may)}"


def _claimed(refused: asked.Refused | None) -> str:
    """Whose PIN somebody tried, for the journal."""
    tried = (AckReason.WRONG_PIN, AckReason.PIN_LOCKED)
    return f" · {refused.detail}" if refused is not None and refused.code in tried else ""
