"""What is on air: carries out the plan, cue by cue and zone by zone.

Owns the decision in force, the runs and the cues the sound child holds. Which zones hear them
stands in its gates, what really sounded in its ledger. Does not own what the items are (programme,
warnings) nor when an outcome is reported (station).

Invariants: an item is saved as open before its cue is released; a cue that no span wants any
more is stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, Literal

import msgspec

from agent.contract.reasons import RULES_OF_THE_AIR, OccurrenceReason
from agent.core import asrun, cues, opening, over
from agent.core.carried import NEXT_PART, RETURNED
from agent.core.cues import CUE_LEAD_MS, Sent
from agent.core.effects import LogLevel, PlayCue, Release, StopCue
from agent.core.events import (
    SoundEnded,
    SoundProgress,
    SoundStarted,
    SourceGaveUp,
    SourceTookOver,
)
from agent.core.facts import Facts, OpenItem
from agent.core.gates import Gates
from agent.core.items import FOREVER_MS, Item, Run, is_over, over_ms
from agent.core.ledger import Ledger
from agent.core.lineup import Line, Provenance
from agent.core.loudness import Known, levelled
from agent.core.planner import SILENCE, BusSpan, Decision, Plan, ZoneSpan, decide, follow, foresee
from agent.core.power import Power
from agent.core.programme import Sound
from agent.core.site import Site
from agent.core.turn import Turn
from agent.player.protocol import LIVE_KINDS, SourceKind

DRAIN_MAX_MS = 2_000
"""How long after its planned end an item may still drain before it is stopped."""

SETTLE_WAIT_MS = 3_000
"""How long the end of a cue is waited for before the outcome is booked without it."""

END_SLACK_MS = 100

ORIGIN_SLACK_MS = 20


class Air:
    """The live side of the plan of one station."""

    def __init__(self, site: Site, facts: Facts, power: Power | None = None) -> None:
        self._site = site
        self._facts = facts
        self._power = power if power is not None else Power(site)
        self.ledger = Ledger(site, facts, self._power)
        self.gates = Gates(site, self.ledger.controllers)
        self.ledger.gain_of = self.gates.gain_of
        self.items: dict[str, Item] = {}
        self.sounds: dict[str, Sound] = {}
        self.provenance: dict[str, Provenance] = {}
        self.runs: dict[str, Run] = {}
        self.decision: Decision = SILENCE
        self.plan = Plan(0, 0)
        self.player: Literal["starting", "ready", "lost"] = "starting"
        self.sent: dict[str, Sent] = {}
        self.loudness_of: Known = lambda _: None
        """How loud what is on the box is known to be."""
        self.next_ms: int | None = None
        self.dirty = True
        self.box_known = False
        """Whether it is known what the box can play. Until then nobody is told to switch off: after
        a restart the amplifier is still on, for the item that will go on in a moment."""
        self._below: Decision = SILENCE
        """What would sound if nothing were said over it."""
        self._tokens = 0
        self._spent: set[tuple[str, int]] = set()
        self._horizon_ms = CUE_LEAD_MS + 1_000
        for amplifier in site.amplifiers:
            reach_ms = amplifier.warm_up_ms + amplifier.linger_ms + 2_000
            self._horizon_ms = max(self._horizon_ms, reach_ms)

    # --- restoring ----------------------------------------------------------------------

    def restore(self, wall_ms: int) -> None:
        """Take up the open items of an earlier life of the agent.

        A cue whose start lies ahead never sounded here: it is planned anew. One whose start
        passed may have been heard, so it counts as begun and broken off.
        """
        for key, item in list(self._facts.open.items()):
            if item.from_ms > wall_ms and not item.sounded:
                self._facts.drop("open", key)
                continue
            gaps = dict.fromkeys(item.zones, OccurrenceReason.STATION_RESTARTED)
            item = msgspec.structs.replace(item, gaps=gaps)
            self._facts.put("open", key, item)
            stopped_ms = max(item.seen_ms, min(item.from_ms, wall_ms))
            self.runs[key] = Run(
                item.origin_ms,
                on=False,
                stopped_ms=stopped_ms,
                been=frozenset(item.been),
                left=frozenset(item.left),
                lost=True,
                done=item.is_over,
            )

    def set_items(self, lines: Iterable[Line]) -> None:
        """The items of the time around now, as documents and the box have them.

        An item that has begun keeps its sound when the box no longer offers one.
        """
        kept = {key: sound for key, sound in self.sounds.items() if key in self.runs}
        self.items, self.sounds, self.provenance = {}, {}, {}
        for line in lines:
            key = line.item.key
            self.items[key] = line.item
            self.provenance[key] = line.origin
            sound = line.sound or kept.get(key)
            if sound is not None:
                self.sounds[key] = sound
        for key in [key for key in self.runs if key not in self.items]:
            if key not in self._facts.open:
                del self.runs[key]
        self.dirty = True

    # --- planning -----------------------------------------------------------------------

    def replan(self, turn: Turn, volumes: Callable[[], Mapping[str, int]]) -> None:
        """Decide for now, and tell player and controllers what follows from it.

        volumes: zone → 0–100, asked once the decision stands, since it depends on what plays.
        """
        now_ms = turn.wall_ms
        live = [
            item
            for item in self.items.values()
            if (item.start_ms <= now_ms or item.key in self.runs)
            and not is_over(item, self.runs.get(item.key), now_ms)
        ]
        before = self.decision
        if self.player == "ready":
            after = decide(self._power.site, live, self.runs, before, now_ms)
        else:
            after = SILENCE
        self.runs = follow(self.runs, before, after, now_ms)
        self.runs = self._power.excused(self.runs, self.items, before, after)
        self.decision = after
        self._below = self._without_voices(now_ms)
        self._note_blocked(live, after)
        self._note_dark(live)
        near = [
            item
            for item in self.items.values()
            if (item.start_ms <= now_ms + self._horizon_ms or item.key in self.runs)
            and not is_over(item, self.runs.get(item.key), now_ms)
        ]
        until_ms = now_ms + self._horizon_ms
        self.plan = foresee(self._power.site, near, self.runs, after, now_ms, until_ms)
        if self.player == "ready":
            self._reconcile_cues(turn)
        self._remember_kept()
        self._wish_zones(turn, volumes)
        self.ledger.sync(self.gates.open, self._sounding(), now_ms)
        self.next_ms = self._next_change(live, now_ms)
        self.dirty = False

    def _note_blocked(self, live: list[Item], after: Decision) -> None:
        for one in after.blocked:
            self.ledger.block(one)
        if self.player == "ready":
            return
        for item in live:
            if item.ready:
                for zone in item.zones:
                    self.ledger.blocked[item.key, zone] = OccurrenceReason.SOUND_LOST

    def _remember_kept(self) -> None:
        """Which rule first keeps a zone from what is open, also when the agent is killed or the
        item stopped."""
        for (key, zone), reason in self.ledger.blocked.items():
            held = self._facts.open.get(key)
            if held is None or reason not in RULES_OF_THE_AIR or zone in held.kept:
                continue
            words = {**held.rules.get(zone, {}), **self.ledger.rules.get((key, zone), {})}
            self._facts.put(
                "open",
                key,
                msgspec.structs.replace(
                    held, kept={**held.kept, zone: reason}, rules={**held.rules, zone: words}
                ),
            )

    def _note_dark(self, live: list[Item]) -> None:
        """Without mains nothing is heard, whatever else keeps an item back; nor is it before the
        controller answers again."""
        blocked = self.ledger.blocked
        for item in live:
            for zone in self._power.without_mains.intersection(item.zones):
                blocked[item.key, zone] = OccurrenceReason.NO_MAINS
            for zone in self._power.starting.intersection(item.zones):
                blocked.setdefault((item.key, zone), OccurrenceReason.CONTROLLER_LOST)

    def _next_change(self, live: list[Item], now_ms: int) -> int | None:
        moments: list[int] = [self._far_start(now_ms)]
        moments += [moment for moment in self.plan.changes_ms if moment > now_ms][:1]
        moments += [span.from_ms - CUE_LEAD_MS for span in self.plan.buses]
        moments.append(self.gates.next_ms(self.plan, now_ms) or 0)
        moments += [span.to_ms for span in self.plan.buses]
        for item in live:
            over = over_ms(item, self.runs.get(item.key))
            if over is not None:
                moments.append(over)
            moments += [bar.from_ms for bar in item.bars]
            # Its end is foreseen like a start: what plays from then on wants warm amplifiers.
            ends = [bar.to_ms for bar in item.bars if bar.to_ms < FOREVER_MS]
            moments += [*ends, *(end_ms - self._horizon_ms + 1 for end_ms in ends)]
        moments += [sent.end_ms + DRAIN_MAX_MS for sent in self.sent.values()]
        moments += [
            run.origin_ms + self.items[key].play_ms + SETTLE_WAIT_MS
            for key, run in self.runs.items()
            if run.done and key in self.items and key in self._facts.open
        ]
        later = [moment for moment in moments if moment > now_ms]
        return min(later) if later else None

    def _far_start(self, now_ms: int) -> int:
        """When the first item beyond the horizon comes into sight."""
        far = [
            item.start_ms - self._horizon_ms
            for item in self.items.values()
            if item.start_ms > now_ms + self._horizon_ms
        ]
        return min(far) + 1 if far else 0

    # --- what is said over a programme --------------------------------------------------

    def _without_voices(self, now_ms: int) -> Decision:
        saying = any(
            on.key in self.items and self.items[on.key].over for on in self.decision.buses.values()
        )
        if not saying:
            return self.decision
        lows = [self.sent[sent.over] for sent in self.sent.values() if sent.over in self.sent]
        keys = {low.key for low in lows if not low.stopping}
        items = self.items.values()
        return over.unsaid(self._power.site, items, self.runs, keys, self._below, now_ms)

    def _beneath(self, span: BusSpan, now_ms: int) -> str:
        """The cue that goes on beneath what begins; empty: none."""
        for sent in self.sent.values():
            begun = not sent.stopping and not sent.is_unbegun(now_ms)
            if begun and sent.bus == span.bus and self._may_go_on(sent, span.key):
                return sent.token
        return ""

    def _may_go_on(self, low: Sent, key: str) -> bool:
        return over.may_go_on(low, self.items.get(key), self.items, self._below, self.plan)

    def _lows(self) -> dict[str, Sent]:
        """The cues that lie beneath another, or will in a moment."""
        lows: dict[str, Sent] = {}
        for upper in self.sent.values():
            low, on = self.sent.get(upper.over), self.decision.buses.get(upper.bus)
            if low is None or on is None or low.stopping or upper.stopping:
                continue
            if on.key in (upper.key, low.key) and self._may_go_on(low, upper.key):
                lows[low.token] = low
        return lows

    # --- sound --------------------------------------------------------------------------

    def _reconcile_cues(self, turn: Turn) -> None:
        now_ms = turn.wall_ms
        lows, unwanted = self._lows(), dict(self.sent)
        fresh: list[BusSpan] = []
        for span in cues.due_spans(self.plan, now_ms):
            if any(over.goes_on(low, span) for low in lows.values()):
                continue
            found = next((s for s in unwanted.values() if cues.carries(s, span, now_ms)), None)
            if found is not None:
                del unwanted[found.token]
            elif span.key in self.sounds and (span.key, span.bus) not in self._spent:
                fresh.append(span)
        for span in fresh:
            if not any(over.goes_on(low, span) for low in self._lows().values()):
                self._cue(span, turn)
        lows = self._lows()
        taken = {span.bus for span in fresh if span.from_ms <= now_ms}
        for sent in unwanted.values():
            if sent.stopping or sent.token in lows or self._drains(sent, now_ms, taken):
                continue
            self._stop(sent, turn)
            if sent.is_unbegun(now_ms):
                del self.sent[sent.token]
                self._forget_unbegun(sent, now_ms)

    def _stop(self, sent: Sent, turn: Turn, fade_ms: int = 20) -> None:
        release: Release = "now" if sent.is_unbegun(turn.wall_ms) else "soon"
        turn.do(StopCue(sent.token, fade_ms), release)
        self.sent[sent.token] = replace(sent, stopping=True)

    def _drains(self, sent: Sent, now_ms: int, taken: set[int]) -> bool:
        """An item at its natural end is left to finish unless another takes its bus."""
        return (
            sent.bus not in taken
            and sent.bus not in self.decision.buses
            and sent.end_ms <= now_ms < sent.end_ms + DRAIN_MAX_MS
        )

    def _sounding(self) -> dict[tuple[str, int], str]:
        return {(s.key, s.bus): s.token for s in self.sent.values() if s.sounding}

    def _forget_unbegun(self, sent: Sent, now_ms: int) -> None:
        """A cue taken back before its start leaves no trace."""
        item = self._facts.open.get(sent.key)
        others = any(other.key == sent.key for other in self.sent.values())
        if item is not None and not item.sounded and item.from_ms > now_ms and not others:
            self._facts.drop("open", sent.key)

    def _cue(self, span: BusSpan, turn: Turn) -> None:
        item, sound = self.items[span.key], self.sounds[span.key]
        self._tokens += 1
        token = f"{self._facts.marks.birth}.{self._tokens}"
        cold_ms = self.gates.cold_ms(item.zones)
        cue = cues.cue_for(item, sound, span, token, turn.now.epoch, turn.wall_ms, cold_ms)
        parts = levelled(cue.parts, self.loudness_of, self._site.levels, item.klass)
        beneath = self._beneath(span, turn.wall_ms) if item.over else ""
        cue = msgspec.structs.replace(cue, parts=parts, over=beneath)
        end_ms = span.origin_ms + item.play_ms
        self.sent[token] = Sent(
            token,
            span.bus,
            span.key,
            span.origin_ms,
            span.from_ms,
            end_ms,
            cue.start_at_ms,
            len(cue.parts),
            over=beneath,
        )
        if beneath:
            turn.log("said_over", item=span.key, over=self.sent[beneath].key, bus=span.bus)
        self._save_cued(item, sound, span, turn.now.epoch)
        turn.do(PlayCue(cue), "soon" if item.klass == 1 else "after_commit")

    def _save_cued(self, item: Item, sound: Sound, span: BusSpan, epoch: int) -> None:
        held = self._facts.open.get(item.key)
        origin = self.provenance.get(item.key, Provenance())
        if held is None:
            held = opening.opened(item, sound, origin, span, epoch)
        else:
            held = opening.cued_again(held, item, sound, origin, span, epoch)
        held = msgspec.structs.replace(held, **opening.been(self.runs.get(item.key)))
        self._facts.put("open", item.key, held)

    def sound_started(self, event: SoundStarted, turn: Turn) -> str | None:
        """Returns the key of an item that sounds for the first time."""
        sent = self.sent.get(event.token)
        if sent is None:
            return None
        at_ms = event.at_ms + sent.shift_ms
        self.sent[event.token] = replace(
            sent, sounding=True, began_ms=event.at_ms, told_ms=event.at_ms
        )
        held = self._facts.open.get(sent.key)
        run = self.runs.get(sent.key)
        item = self.items.get(sent.key)
        if held is None:
            return None
        self._log_start(held, event, turn)
        self._plays(sent, event.part, 0, at_ms, turn)
        changes: dict[str, Any] = {"sounded": True, "seen_ms": at_ms, **opening.been(run)}
        if not held.sounded and event.part == 0 and event.position_ms == 0:
            changes["start_error_ms"] = event.at_ms - held.start_ms
        if run is not None and item is not None and item.late == "restart":
            origin_ms = at_ms
            if (
                event.part == 0
                and event.position_ms == 0
                and (abs(origin_ms - run.origin_ms) > ORIGIN_SLACK_MS)
            ):
                self.runs[sent.key] = replace(run, origin_ms=origin_ms)
                end_ms = origin_ms + item.play_ms
                self.sent[event.token] = replace(
                    self.sent[event.token], origin_ms=origin_ms, end_ms=end_ms
                )
                changes["origin_ms"] = origin_ms
        self._facts.put("open", sent.key, msgspec.structs.replace(held, **changes))
        self.ledger.sync(self.gates.open, self._sounding(), at_ms)
        self.dirty = True
        return None if held.sounded else sent.key

    def _log_start(self, held: OpenItem, event: SoundStarted, turn: Turn) -> None:
        """On a second bus the item starts beside itself; after a break it goes on."""
        beside = any(
            one.sounding and one.key == held.key and one.token != event.token
            for one in self.sent.values()
        )
        turn.log(
            "programme_resumed" if held.sounded and not beside else "programme_started",
            item=held.key,
            bus=event.bus,
            position_ms=event.position_ms,
            zones=",".join(held.zones),
        )

    def sound_progress(self, event: SoundProgress, turn: Turn) -> None:
        sent = self.sent.get(event.token)
        if sent is None:
            return
        at_ms = event.at_ms + sent.shift_ms
        self.ledger.measured(event.token, sent.key, at_ms, event.level_cdb)
        carrier = self.ledger.carried.now.get(event.token)
        if carrier is None or carrier.part != event.part:
            self._plays(sent, event.part, 0, at_ms, turn)
        held = self._facts.open.get(sent.key)
        if held is not None:
            source = self.ledger.carried.label(event.token)
            held, self.sent[event.token] = opening.measured(held, sent, event, source)
            run = self.runs.get(sent.key)
            held = msgspec.structs.replace(held, seen_ms=at_ms, **opening.been(run))
            self._facts.put("open", sent.key, held)

    def sound_ended(self, event: SoundEnded, turn: Turn) -> None:
        sent = self.sent.pop(event.token, None)
        if sent is None:
            return
        at_ms = event.at_ms + sent.shift_ms
        self.ledger.levels[event.token] = event.level_cdb
        self.ledger.ended(sent.key, sent.bus, at_ms)
        self.ledger.levels.pop(event.token, None)
        source = self.ledger.carried.label(event.token)
        self.ledger.carried.forget(event.token)
        held = self._facts.open.get(sent.key)
        run = self.runs.get(sent.key)
        if held is not None:
            seen_ms = max(held.seen_ms, at_ms) if held.sounded else held.seen_ms
            held, _ = opening.measured(held, sent, event, source)
            held = msgspec.structs.replace(held, seen_ms=seen_ms)
            done = self._done_by(event, held)
            if done is None and at_ms >= sent.end_ms - END_SLACK_MS:
                done = "finished"  # what follows may take the bus at the very end
            if done is not None:
                self._spent.add((sent.key, sent.bus))
            elif sent.sounding:
                self._heard_until(sent.key, at_ms)
            if done is not None and not any(s.key == sent.key for s in self.sent.values()):
                over: dict[str, Any] = {"finished": True} if done == "finished" else {"done": done}
                unsaid = self._unsaid(sent, event)
                over["languages_missing"] = (*held.languages_missing, *unsaid)
                held = msgspec.structs.replace(held, **over)
                if run is not None:
                    self.runs[sent.key] = replace(run, on=False, done=True, stopped_ms=at_ms)
            self._facts.put("open", sent.key, held)
        self.dirty = True
        turn.log("sound_ended", "debug", token=event.token, reason=event.reason, item=sent.key)

    def _unsaid(self, sent: Sent, event: SoundEnded) -> tuple[str, ...]:
        """Languages that the end of the slot kept from sounding."""
        sound = self.sounds.get(sent.key)
        if sound is None or event.reason != "end_reached":
            return ()
        last = sent.part_of(sound, event.part)
        return tuple(filter(None, sound.languages[max(0, last + 1) :]))

    def _done_by(
        self, event: SoundEnded, held: OpenItem
    ) -> OccurrenceReason | Literal["finished"] | None:
        match event.reason:
            case "finished" | "end_reached":
                return "finished"
            case "source_failed":
                if OccurrenceReason.PROGRAM_MISSING in held.gaps.values():
                    return OccurrenceReason.PROGRAM_MISSING
                file = held.source.startswith("file:")
                version = OccurrenceReason.CONTENT_NOT_AUDIO in held.gaps.values()
                not_audio = file and (version or not held.sounded)
                return (
                    OccurrenceReason.CONTENT_NOT_AUDIO
                    if not_audio
                    else OccurrenceReason.SOURCE_LOST
                )
            case "late":
                return OccurrenceReason.LATE
            case "stopped" | "taken_over":
                return None

    def source_gave_up(self, event: SourceGaveUp, turn: Turn) -> None:
        sent = self.sent.get(event.token)
        key = sent.key if sent is not None else ""
        turn.log("source_failed", "warning", item=key, source=event.source, fault=event.fault)
        held, sound = self._facts.open.get(key), self.sounds.get(key)
        if sent is None or held is None or sound is None:
            return
        self.ledger.carried.gave_up(event.token, event.fault)
        number = sent.part_of(sound, event.part)
        sources = sound.main[number].sources if 0 <= number < len(sound.main) else ()
        language = sound.languages[number] if 0 <= number < len(sound.languages) else ""
        further = event.source + 1 < len(sources)
        lacking = event.fault == "no_program"
        if further or language or lacking:
            # What is not said of it, or by the next one, is missing for this reason.
            given_up = sources[event.source] if event.source < len(sources) else sources[-1]
            why = _why_given_up(given_up.kind, lacking=lacking)
            changes: dict[str, Any] = {"gaps": {**dict.fromkeys(held.zones, why), **held.gaps}}
            if language and not further:
                changes["languages_missing"] = (*held.languages_missing, language)
                changes["unsaid"] = why
            self._facts.put("open", key, msgspec.structs.replace(held, **changes))

    def source_took_over(self, event: SourceTookOver, turn: Turn) -> None:
        """The record names the source that sounded last; every change is in the log."""
        sent = self.sent.get(event.token)
        if sent is not None:
            at_ms = event.at_ms + sent.shift_ms
            self._plays(sent, event.part, event.source, at_ms, turn)

    def _plays(self, sent: Sent, part: int, source: int, at_ms: int, turn: Turn) -> None:
        """A source of a cue begins to sound."""
        sound = self.sounds.get(sent.key)
        if sound is None:
            return
        change = self.ledger.plays(sent, sound, part, source, at_ms)
        held = self._facts.open.get(sent.key)
        if change is not None and change.reason != NEXT_PART:
            level: LogLevel = "info" if change.reason == RETURNED else "warning"
            turn.log(
                "source_changed",
                level,
                item=sent.key,
                bus=sent.bus,
                source=change.after,
                before=change.before,
                reason=change.reason,
            )
        if held is not None and sent.part_of(sound, part) <= 0:
            label = self.ledger.carried.label(sent.token)
            if label and label != held.source:
                self._facts.put("open", sent.key, msgspec.structs.replace(held, source=label))

    def player_ready(self) -> None:
        self.player = "ready"
        self.dirty = True

    def player_lost(self, silent_ms: int, turn: Turn) -> None:
        """All cues are gone with the child; what was on air broke off `silent_ms` ago."""
        for sent in self.sent.values():
            item = self._facts.open.get(sent.key)
            at_ms = max(turn.wall_ms - silent_ms, item.seen_ms if item is not None else 0)
            self.ledger.ended(sent.key, sent.bus, at_ms)
            item = self._facts.open.get(sent.key)
            if item is None:
                continue
            self._broke_off(sent, item, at_ms, OccurrenceReason.SOUND_LOST, turn)
        self.sent.clear()
        self._spent.clear()
        self.ledger.levels.clear()
        self.player = "lost"
        self.decision = SILENCE
        self.dirty = True

    def _broke_off(
        self, sent: Sent, item: OpenItem, at_ms: int, reason: OccurrenceReason, turn: Turn
    ) -> None:
        """What is booked of it ends at `at_ms`; it may go on by its resume rule."""
        item = asrun.cut_off(item, at_ms, self.ledger.carried.label(sent.token))
        self.ledger.carried.forget(sent.token)
        if item.sounded or item.from_ms <= turn.wall_ms or item.is_over:
            gaps = {**item.gaps, **dict.fromkeys(item.zones, reason)}
            self._facts.put("open", sent.key, msgspec.structs.replace(item, gaps=gaps))
        else:
            self._facts.drop("open", sent.key)
        run = self.runs.get(sent.key)
        if run is not None and run.on:
            self.runs[sent.key] = replace(run, on=False, lost=True, stopped_ms=at_ms)
        elif sent.sounding:
            self._heard_until(sent.key, at_ms)

    def _heard_until(self, key: str, at_ms: int) -> None:
        """Held off, it was still heard beneath a voice: it goes back to nothing of that."""
        run, item = self.runs.get(key), self.items.get(key)
        if run is not None and item is not None and not run.on and item.resume == "rejoin":
            self.runs[key] = replace(run, stopped_ms=max(run.stopped_ms, at_ms))

    def break_off(self, key: str, at_ms: int, reason: OccurrenceReason, turn: Turn) -> None:
        """The cues of an item that is not heard since `at_ms` are taken back, to be given anew."""
        for sent in [sent for sent in self.sent.values() if sent.key == key]:
            self.ledger.ended(key, sent.bus, at_ms)
            item = self._facts.open.get(key)
            if item is not None:
                self._broke_off(sent, item, at_ms, reason, turn)
            del self.sent[sent.token]
            self.ledger.levels.pop(sent.token, None)
            turn.do(StopCue(sent.token), "soon")
        buses = {bus: on for bus, on in self.decision.buses.items() if on.key != key}
        zones = {zone: at for zone, at in self.decision.zones.items() if at.key != key}
        self.decision = replace(self.decision, buses=buses, zones=zones)
        self.dirty = True

    # --- zones --------------------------------------------------------------------------

    def _tails(self, now_ms: int) -> dict[str, ZoneSpan]:
        """Zones whose item reached its end but still drains."""
        tails: dict[str, ZoneSpan] = {}
        for sent in self.sent.values():
            if not sent.sounding or not sent.end_ms <= now_ms < sent.end_ms + DRAIN_MAX_MS:
                continue
            for zone, span in self.gates.open.items():
                if span.key == sent.key and span.bus == sent.bus:
                    tails[zone] = replace(span, to_ms=sent.end_ms + DRAIN_MAX_MS)
        return tails

    def _wish_zones(self, turn: Turn, volumes: Callable[[], Mapping[str, int]]) -> None:
        now_ms = turn.wall_ms
        self.gates.plan(self.plan, self._tails(now_ms), self._soon_urgent(now_ms), now_ms)
        urgent = any(
            span.key in self.items and self.items[span.key].klass == 1
            for span in self.gates.open.values()
        )
        self.gates.tell(turn, volumes(), urgent=urgent, may_switch_off=self.box_known)

    def _soon_urgent(self, now_ms: int) -> frozenset[str]:
        """Zones of warnings whose words are still being made: they warm up meanwhile."""
        return frozenset(
            zone
            for item in self.items.values()
            if item.klass == 1 and not item.ready and item.start_ms <= now_ms + self._horizon_ms
            for zone in item.zones
        )

    # --- clock steps and settling -------------------------------------------------------

    def stepped(self, step_ms: int, turn: Turn) -> None:
        """The wall jumped: what is on air keeps its instants, the rest is planned again (D6)."""
        old_ms = turn.wall_ms - step_ms
        self.ledger.stepped(step_ms, turn.wall_ms)
        self.ledger.carried.stepped(step_ms)
        for low in self._lows().values():
            run = self.runs.get(low.key)
            if run is not None and not run.on:
                self._heard_until(low.key, old_ms)
                self._stop(low, turn)  # it comes back by the new clock
        for token, sent in list(self.sent.items()):
            if sent.from_ms > old_ms and not sent.sounding:
                turn.do(StopCue(token), "now")
                del self.sent[token]
                self._forget_unbegun(sent, old_ms)
                continue
            self.sent[token] = replace(
                sent,
                origin_ms=sent.origin_ms + step_ms,
                from_ms=sent.from_ms + step_ms,
                end_ms=sent.end_ms + step_ms,
                starts_ms=sent.starts_ms + step_ms,
                shift_ms=sent.shift_ms + step_ms,
            )
            item = self.items.get(sent.key)
            if item is not None and sent.key not in self.runs:
                # Its start came with the step: it has begun.
                self.runs[sent.key] = Run(sent.origin_ms, been=frozenset(item.zones))
        for key, run in list(self.runs.items()):
            if not run.on:
                continue
            self.runs[key] = replace(run, origin_ms=run.origin_ms + step_ms)
            held = self._facts.open.get(key)
            if held is not None:
                held = msgspec.structs.replace(
                    held, origin_ms=held.origin_ms + step_ms, seen_ms=held.seen_ms + step_ms
                )
                self._facts.put("open", key, held)
        self.dirty = True

    def finished_runs(self, now_ms: int) -> list[str]:
        """Keys of items that are over and whose sound has ended (or was waited for)."""
        waiting = {sent.key for sent in self.sent.values()}
        found: list[str] = []
        for key, item in self.items.items():
            run = self.runs.get(key)
            if item.start_ms > now_ms and run is None:
                continue
            if not is_over(item, run, now_ms):
                continue
            if key in waiting:
                end_ms = max(s.end_ms for s in self.sent.values() if s.key == key)
                if now_ms < end_ms + SETTLE_WAIT_MS:
                    continue
            found.append(key)
        found.sort(key=lambda key: self.items[key].start_ms)
        return found

    def end_item(self, key: str, reason: OccurrenceReason | None, turn: Turn) -> None:
        """Somebody ended it: it stops, and does not come back.

        reason None: it came to its end, because who spoke was done; so long it was.
        """
        held = self._facts.open.get(key)
        if held is None:
            return
        for sent in list(self.sent.values()):
            if sent.key == key:
                self.ledger.ended(sent.key, sent.bus, turn.wall_ms)
                self._stop(sent, turn, fade_ms=100)
        held = self._facts.open[key]
        if reason is None:
            length_ms = max(0, turn.wall_ms - held.origin_ms)
            ended = {"finished": True, "play_ms": min(held.play_ms, length_ms)}
            held = msgspec.structs.replace(held, **ended)
        else:
            held = msgspec.structs.replace(held, done=reason)
        self._facts.put("open", key, held)
        run = self.runs.get(key, Run(held.origin_ms, on=False))
        self.runs[key] = replace(run, on=False, done=True, stopped_ms=turn.wall_ms)
        self.dirty = True

    def files_in_use(self) -> frozenset[str]:
        """sha256 of content files that a cue names."""
        sounds = [self.sounds[s.key] for s in self.sent.values() if s.key in self.sounds]
        return frozenset(
            source.url.removeprefix("content:")
            for sound in sounds
            for part in sound.main
            for source in part.sources
        )

    def forget(self, key: str) -> None:
        """The item is settled."""
        self.items.pop(key, None)
        self.sounds.pop(key, None)
        self.runs.pop(key, None)
        for token in [token for token, sent in self.sent.items() if sent.key == key]:
            del self.sent[token]
            self.ledger.carried.forget(token)
        self._spent = {pair for pair in self._spent if pair[0] != key}
        self.ledger.forget(key)
        self.dirty = True


def _why_given_up(kind: SourceKind, *, lacking: bool) -> OccurrenceReason:
    """lacking: the box has no program that fetches it."""
    if lacking:
        return OccurrenceReason.PROGRAM_MISSING
    return (
        OccurrenceReason.SOURCE_LOST if kind in LIVE_KINDS else OccurrenceReason.CONTENT_NOT_AUDIO
    )
