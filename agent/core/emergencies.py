"""Warnings over their life: received, due, sounding, heard, repeated, ended.

Owns the memory of every warning. What a single warning sounds like and when it is due again are
plain functions in `warnings`; that it wins over everything is arbitration.

Invariants: a warning that is not cancelled or expired stays due until a play came to its end,
across any crash; a zone that had no mains then, or no controller, hears it when it has, also when
the warning does not repeat; the last warnings stay here while they are valid.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, tzinfo

import msgspec

from agent.contract.documents import WARNING_LIFETIME_MAX_MS, Warnings
from agent.contract.documents import Warning as Emergency
from agent.contract.reasons import OccurrenceReason
from agent.contract.reports import WarningReport
from agent.core import warnings
from agent.core.air import Air
from agent.core.events import Now
from agent.core.facts import Facts, OpenItem, WarningMemory
from agent.core.lineup import Line, Provenance
from agent.core.power import Power
from agent.core.programme import OnBox, Programme, select_zones
from agent.core.reporter import Reporter
from agent.core.requests import WarningView
from agent.core.site import Site
from agent.core.turn import Turn
from agent.core.warnings import Utterance

AGAIN_MIN_MS = 10_000
AGAIN_MAX_MS = 600_000
MISSED_MAX_MS = 500
"""A zone that missed no more than this of the words that left the card heard the warning."""


class Emergencies:
    def __init__(
        self,
        site: Site,
        facts: Facts,
        programme: Programme,
        air: Air,
        power: Power,
        reporter: Reporter,
        tz: tzinfo,
    ) -> None:
        self._site = site
        self._facts = facts
        self._programme = programme
        self._air = air
        self._power = power
        self._reachable: frozenset[str] = frozenset()
        self._reporter = reporter
        self._tz = tz

    def in_force(self) -> list[tuple[Emergency, WarningMemory, int]]:
        """Warnings of the documents as they are remembered, also those that were heard:
        (warning, memory, rank of its authority)."""
        found: list[tuple[Emergency, WarningMemory, int]] = []
        for force in self._programme.warnings:
            for warning in force.document.warnings:
                memory = self._facts.warnings.get(_key(force.document, warning.id))
                if memory is not None and memory.revision == warning.revision:
                    found.append((warning, self._of_zones(warning, memory), force.rank))
        return found

    def _of_zones(self, warning: Emergency, memory: WarningMemory) -> WarningMemory:
        """As software that knew of no zones remembered it: what was played was heard by all."""
        if memory.heard is not None:
            return memory
        heard = dict.fromkeys(self._addressed(warning), memory.due_ms) if memory.plays else {}
        return msgspec.structs.replace(memory, heard=heard)

    def active(self) -> list[tuple[Emergency, WarningMemory, int]]:
        """Those that may still sound."""
        return [one for one in self.in_force() if not one[1].ended]

    def kept(self, turn_ms: int) -> list[tuple[Emergency, WarningMemory, int]]:
        """Those that are valid, heard or not: the last warnings of this station."""
        return [
            one
            for one in self.in_force()
            if one[1].ended in ("", "played") and one[1].valid_until_ms > turn_ms
        ]

    def _addressed(self, warning: Emergency) -> tuple[str, ...]:
        return select_zones(self._site, warning.zones, self._programme.settings)

    def stepped(self, step_ms: int, turn: Turn) -> None:
        """The wall jumped: a first play that has not begun is still due after as long as before,
        and repeats look for their beats on the new clock."""
        for warning, memory, _ in self.in_force():
            if memory.ended not in ("", "played"):
                continue
            begun = self._play_of(warning, memory) in self._facts.open
            moved = warnings.shifted(memory, step_ms, due=not begun)
            if not begun and not moved.ended and moved.plays:
                moved = self._replanned(warning, moved, turn.wall_ms)
            self._remember(warning, moved)
        if step_ms < 0 and turn.now.trust == "trusted":
            self._revive(turn)

    def _revive(self, turn: Turn) -> None:
        """What a clock that ran ahead had ended too early."""
        for warning, memory, _ in self.in_force():
            if memory.ended == "expired" and memory.valid_until_ms > turn.wall_ms:
                alive = msgspec.structs.replace(
                    memory, ended="", due_ms=turn.wall_ms, zones=(), words_ms=0
                )
                if alive.plays:
                    alive = self._replanned(warning, alive, turn.wall_ms)
                self._remember(warning, alive)

    def _replanned(self, warning: Emergency, memory: WarningMemory, now_ms: int) -> WarningMemory:
        addressed = self._addressed(warning)
        due = warnings.next_play(warning, memory, addressed, self._power.reachable, now_ms)
        if due is not None and due[1] == addressed:
            due = due[0], ()
        return warnings.replanned(memory, due)

    def restored(self, turn: Turn) -> None:
        """After a start: what is overdue says so, and a clock far from the one the memories were
        made by does not put anything off."""
        now_ms = turn.wall_ms
        if turn.now.trust == "trusted":
            self._revive(turn)
        for warning, memory, _ in self.in_force():
            if memory.ended not in ("", "played"):
                continue
            moved = self._near(warning, memory, now_ms)
            if not moved.ended and moved.due_ms + warnings.LATE_SAYING_MS < now_ms:
                moved = msgspec.structs.replace(moved, words_ms=now_ms)
            if moved != memory:
                self._remember(warning, moved)

    def _near(self, warning: Emergency, memory: WarningMemory, now_ms: int) -> WarningMemory:
        """The memory without instants that a clock like this one could not have written."""
        reach_ms = max(2 * warnings.interval_ms(warning), AGAIN_MAX_MS)
        since_ms, ahead_ms = now_ms - memory.received_ms, memory.due_ms - now_ms
        heard = {
            zone: at_ms if at_ms <= now_ms + reach_ms else now_ms
            for zone, at_ms in (memory.heard or {}).items()
        }
        moved = msgspec.structs.replace(memory, heard=heard)
        if ahead_ms <= reach_ms and 0 <= since_ms <= WARNING_LIFETIME_MAX_MS:
            return moved
        begun = self._play_of(warning, memory) in self._facts.open
        due_ms = memory.due_ms if begun else now_ms
        return msgspec.structs.replace(moved, due_ms=due_ms, received_ms=now_ms)

    def _remember(self, warning: Emergency, memory: WarningMemory) -> None:
        """A play that is due never carries the name of one that is settled (the clock may have
        gone back over it)."""
        while self._play_of(warning, memory) in self._facts.settled:
            memory = msgspec.structs.replace(memory, due_ms=memory.due_ms + 1_000)
        self._facts.put("warning", _memory_key(memory), memory)

    def _play_of(self, warning: Emergency, memory: WarningMemory) -> str:
        """The key of the play that is due."""
        entry = warnings.warning_entry(warning.id, warning.revision)
        nominal = datetime.fromtimestamp(memory.due_ms / 1_000, self._tz)
        return warnings.play_key(memory, entry, nominal)

    def _surely_ms(self, turn: Turn) -> int:
        """An instant that has passed for certain, whatever an untrusted clock says."""
        return turn.wall_ms if turn.now.trust == "trusted" else self._facts.marks.floor_ms

    def ends_ms(self) -> Iterable[int]:
        """When memories that are not ended run out."""
        return [one.valid_until_ms for one in self._facts.warnings.values() if not one.ended]

    def arrived(self, document: Warnings, turn: Turn) -> None:
        """An accepted document: begin what is new, end what it no longer carries."""
        now_ms = turn.wall_ms
        before = [
            memory
            for memory in self._facts.warnings.values()
            if (memory.authority, memory.audience) == (document.authority, document.audience)
        ]
        for warning in document.warnings:
            self._received(document, warning, now_ms, turn)
        present = {warning.id for warning in document.warnings}
        for memory in warnings.dropped(before, present):
            self._end(memory, turn)

    def _received(self, document: Warnings, warning: Emergency, now_ms: int, turn: Turn) -> None:
        key = _key(document, warning.id)
        held = self._facts.warnings.get(key)
        zones = select_zones(self._site, warning.zones, self._programme.settings)
        memory = warnings.received(
            warning,
            held,
            document.authority,
            document.audience,
            now_ms,
            self._surely_ms(turn),
            now_ms + self._air.gates.cold_ms(zones),
        )
        if memory is None:
            return
        if held is not None and not held.ended:
            self._silence(held, turn)
        if memory.ended:
            self._end(memory, turn)
            return
        self._remember(warning, memory)
        self._report(memory, "received", turn)

    def _end(self, memory: WarningMemory, turn: Turn) -> None:
        """`memory` says how it ended."""
        self._facts.put("warning", _memory_key(memory), memory)
        self._silence(memory, turn)
        self._report(memory, memory.ended or "cancelled", turn)

    def _silence(self, memory: WarningMemory, turn: Turn) -> None:
        entry = warnings.warning_entry(memory.id, memory.revision)
        reason = (
            OccurrenceReason.EXPIRED if memory.ended == "expired" else OccurrenceReason.CANCELLED
        )
        for key, held in list(self._facts.open.items()):
            if held.ref.entry == entry and not held.is_over:
                self._air.end_item(key, reason, turn)

    def _report(self, memory: WarningMemory, state: str, turn: Turn, detail: str = "") -> None:
        if state == "played":
            return
        self._reporter.record(
            WarningReport(id=memory.id, revision=memory.revision, state=state, detail=detail),  # type: ignore[arg-type]
            turn,
        )

    def expire(self, turn: Turn) -> bool:
        """End what is out of date; whether anything was."""
        over = [
            memory
            for memory in self._facts.warnings.values()
            if not memory.ended and memory.valid_until_ms <= self._surely_ms(turn)
        ]
        for memory in over:
            self._end(msgspec.structs.replace(memory, ended="expired"), turn)
        return bool(over)

    def heard(self, turn: Turn) -> bool:
        """Count plays that came to their end, and look when each warning is due again; whether
        anything changed."""
        counted = False
        for warning, memory, _ in self.active():
            held = self._facts.open.get(self._play_of(warning, memory))
            if held is None or not held.finished:
                continue
            words_ms = held.origin_ms + warnings.siren_ms(warning, held.play_ms)
            whole = frozenset(zone for zone in held.zones if _heard(held, zone, words_ms))
            owed = frozenset(held.zones) - whole - self._power.reachable
            owed |= {zone for zone in held.zones if zone not in whole and _was_dark(held, zone)}
            missing = held.languages_missing
            after = warnings.after_play(
                warning, memory, whole, owed, held.origin_ms, turn.wall_ms, missing
            )
            self._remember(warning, self._replanned(warning, after, turn.wall_ms))
            if memory.plays == 0:
                self._report(memory, "sounded", turn, _without(missing))
            counted = True
        return counted

    def look_again(self, turn: Turn) -> bool:
        """Zones that were not to be heard can be again: what they missed comes; whether it does."""
        reachable = self._power.reachable
        if reachable == self._reachable:
            return False
        self._reachable = reachable
        found = False
        for warning, memory, _ in self.kept(self._surely_ms(turn)):
            if not memory.plays or not self._waits(warning, memory, turn.wall_ms):
                continue
            again = self._replanned(warning, memory, turn.wall_ms)
            if not memory.ended and memory.due_ms <= again.due_ms and self._adds(again, memory):
                again = msgspec.structs.replace(again, due_ms=memory.due_ms)
            if again != memory:
                self._remember(warning, again)
                found = True
        return found

    def _waits(self, warning: Emergency, memory: WarningMemory, now_ms: int) -> bool:
        """Its next play has not begun, and would not now."""
        if self._play_of(warning, memory) in self._facts.open:
            return False
        zones = memory.zones or self._addressed(warning)
        return bool(memory.ended) or memory.due_ms > now_ms or not self._reachable & set(zones)

    def _adds(self, again: WarningMemory, memory: WarningMemory) -> bool:
        """Whether the new play is the one that is due, for more zones."""
        if again.ended or not again.zones:
            return not again.ended
        return bool(memory.zones) and set(memory.zones) <= set(again.zones)

    def reword(self, turn: Turn) -> bool:
        """Plays that could not begin when they were due get the words of a later hour; whether
        any did."""
        found = False
        now_ms = turn.wall_ms
        for warning, memory, _ in self.active():
            said_ms = warnings.said_ms(memory)
            if now_ms - said_ms < warnings.REWORD_AFTER_MS or self._is_cued(warning, memory):
                continue
            was = warnings.wording(warning, said_ms, self._tz)
            if warnings.wording(warning, now_ms, self._tz) != was:
                self._remember(warning, msgspec.structs.replace(memory, words_ms=now_ms))
                found = True
        return found

    def _is_cued(self, warning: Emergency, memory: WarningMemory) -> bool:
        key = self._play_of(warning, memory)
        return any(sent.key == key for sent in self._air.sent.values())

    def due_again(self, turn: Turn) -> bool:
        """A play that is settled without having been heard to its end (its sound failed) comes
        again: soon at first, later the longer it lasts."""
        found = False
        for warning, memory, _ in self.active():
            if self._play_of(warning, memory) in self._facts.settled:
                age_ms = turn.wall_ms - memory.received_ms
                wait_ms = min(AGAIN_MAX_MS, max(AGAIN_MIN_MS, age_ms))
                due_ms = turn.wall_ms + wait_ms
                again = msgspec.structs.replace(memory, due_ms=due_ms, words_ms=0)
                self._remember(warning, again)
                found = True
        return found

    def utterances(self, turn: Turn) -> list[Utterance]:
        """What has to be spoken for the plays that are due, and for warnings that were played
        without some of their words."""
        due = [(*one[:2], None) for one in self.active()]
        unsaid = [
            (warning, memory, _unspoken(warning, memory))
            for warning, memory, _ in self.kept(self._surely_ms(turn))
            if memory.ended
        ]
        return [
            said
            for warning, memory, only in (*due, *unsaid)
            for said in warnings.due_utterances(warning, memory, self._tz)
            if only is None or said.says in only
        ]

    def found_words(self, box: OnBox, turn: Turn) -> bool:
        """A warning that was played without words which can be spoken now comes at once, not with
        its next repeat; whether one does."""
        found = False
        for warning, memory, _ in self.kept(self._surely_ms(turn)):
            unspoken = _unspoken(warning, memory)
            if not unspoken or self._play_of(warning, memory) in self._facts.open:
                continue
            said = warnings.due_utterances(warning, memory, self._tz)
            if not any(one.says in unspoken and warnings.is_spoken(one, box) for one in said):
                continue
            again = msgspec.structs.replace(
                memory, ended="", due_ms=turn.wall_ms, zones=(), words_ms=0, missing=()
            )
            self._remember(warning, again)
            found = True
        return found

    def views(self, now: Now, box: OnBox) -> tuple[WarningView, ...]:
        """The last warnings as people look at them, what is said next first."""
        surely_ms = now.wall_ms if now.trust == "trusted" else self._facts.marks.floor_ms
        shown = [self._view(warning, memory, box) for warning, memory, _ in self.kept(surely_ms)]
        return tuple(sorted(shown, key=lambda one: (one.next_ms is None, one.next_ms or 0)))

    def _view(self, warning: Emergency, memory: WarningMemory, box: OnBox) -> WarningView:
        sound = warnings.sound_of(warning, memory, box, self._tz)
        sounding = {sent.key for sent in self._air.sent.values() if sent.sounding}
        addressed = self._addressed(warning)
        heard = memory.heard or {}
        dark = set(memory.owed) | (set(addressed) - self._power.reachable - heard.keys())
        return WarningView(
            id=warning.id,
            title=warnings.title_of(warning),
            authority=memory.authority,
            issued_at_ms=warning.issued_at_ms,
            valid_until_ms=warning.valid_until_ms,
            zones=addressed,
            plays=memory.plays,
            next_ms=None if memory.ended else memory.due_ms,
            repeat_every_ms=warnings.interval_ms(warning),
            owed=tuple(zone for zone in addressed if zone in dark),
            on_air=self._play_of(warning, memory) in sounding,
            languages_missing=sound.missing if sound is not None else memory.missing,
            drill=warning.drill,
        )

    def lines(self, box: OnBox) -> Iterable[Line]:
        """The due plays of all active warnings."""
        for warning, memory, rank in self.active():
            sound = warnings.sound_of(warning, memory, box, self._tz)
            item = warnings.item_of(
                warning, memory, rank, sound, self._site, self._programme.settings, self._tz
            )
            if item.zones and item.key not in self._facts.settled:
                origin = Provenance(memory.revision, warning.author, warning.approver)
                yield Line(item, sound, origin)


def _without(languages: tuple[str, ...]) -> str:
    return f"without {', '.join(languages)}" if languages else ""


def _unspoken(warning: Emergency, memory: WarningMemory) -> frozenset[str]:
    """Languages whose text the last play was without."""
    return frozenset(memory.missing) & warning.texts.keys() if memory.plays else frozenset()


def _heard(held: OpenItem, zone: str, from_ms: int) -> bool:
    """Whether (nearly) all of the play from `from_ms` on sounded there, as far as anybody knows."""
    lost = held.doubts.get(zone) is OccurrenceReason.CONTROLLER_LOST
    heard_ms = sum(
        max(0, one.to_ms - max(one.from_ms, from_ms))
        for one in held.segments.get(zone, ())
        if one.gap is None and (one.confirmed == "yes" or not lost)
    )
    sounded_ms = min(held.origin_ms + held.play_ms, held.seen_ms) - from_ms
    return sounded_ms - heard_ms <= MISSED_MAX_MS


def _was_dark(held: OpenItem, zone: str) -> bool:
    """Whether the zone had no mains for some of the play."""
    gaps = {one.gap for one in held.segments.get(zone, ())} | {held.gaps.get(zone)}
    return OccurrenceReason.NO_MAINS in gaps


def _key(document: Warnings, warning_id: str) -> str:
    return f"{document.authority}|{document.audience}|{warning_id}"


def _memory_key(memory: WarningMemory) -> str:
    return f"{memory.authority}|{memory.audience}|{memory.id}"
