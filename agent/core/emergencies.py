"""Warnings over their life: received, due, sounding, heard, repeated, ended.

Owns the memory of every warning. What a single warning sounds like and when it is due again are
plain functions in `warnings`; that it wins over everything is arbitration.

Invariant: a warning that is not cancelled or expired stays due until one play was heard to its
end, across any crash.
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
from agent.core.facts import Facts, OpenItem, WarningMemory
from agent.core.lineup import Line, Provenance
from agent.core.programme import OnBox, Programme, select_zones
from agent.core.reporter import Reporter
from agent.core.site import Site
from agent.core.turn import Turn
from agent.core.warnings import Utterance

AGAIN_MIN_MS = 10_000
AGAIN_MAX_MS = 600_000
AFTER_ANOTHER_MS = 1_000
ATTEMPTS_MAX = 5
"""So often a warning is said to its end before zones that had something else to hear go without."""


class Emergencies:
    def __init__(
        self,
        site: Site,
        facts: Facts,
        programme: Programme,
        air: Air,
        reporter: Reporter,
        tz: tzinfo,
    ) -> None:
        self._site = site
        self._facts = facts
        self._programme = programme
        self._air = air
        self._reporter = reporter
        self._tz = tz

    def active(self) -> list[tuple[Emergency, WarningMemory, int]]:
        """Warnings in force that may still sound: (warning, memory, rank of its authority)."""
        found: list[tuple[Emergency, WarningMemory, int]] = []
        for force in self._programme.warnings:
            for warning in force.document.warnings:
                memory = self._facts.warnings.get(_key(force.document, warning.id))
                if memory is None or memory.ended or memory.revision != warning.revision:
                    continue
                found.append((warning, memory, force.rank))
        return found

    def stepped(self, step_ms: int, turn: Turn) -> None:
        """The wall jumped: a play that has not begun is still due after as long as before."""
        for warning, memory, _ in self.active():
            if self._play_of(warning, memory) not in self._facts.open:
                due_ms, received_ms = memory.due_ms + step_ms, memory.received_ms + step_ms
                moved = msgspec.structs.replace(memory, due_ms=due_ms, received_ms=received_ms)
                self._remember(warning, moved)
        if step_ms < 0 and turn.now.trust == "trusted":
            self._revive(turn)

    def _revive(self, turn: Turn) -> None:
        """What a clock that ran ahead had ended too early."""
        for memory in list(self._facts.warnings.values()):
            if memory.ended == "expired" and memory.valid_until_ms > turn.wall_ms:
                alive = msgspec.structs.replace(memory, ended="", due_ms=turn.wall_ms)
                self._facts.put("warning", _memory_key(memory), alive)

    def restored(self, turn: Turn) -> None:
        """After a start with a clock far from the one they were received by: due at once."""
        now_ms = turn.wall_ms
        if turn.now.trust == "trusted":
            self._revive(turn)
        for warning, memory, _ in self.active():
            since_ms, ahead_ms = now_ms - memory.received_ms, memory.due_ms - now_ms
            near = ahead_ms <= max(warning.repeat_every_ms, AGAIN_MIN_MS)
            if not near or not 0 <= since_ms <= WARNING_LIFETIME_MAX_MS:
                begun = self._play_of(warning, memory) in self._facts.open
                due_ms = memory.due_ms if begun else now_ms
                moved = msgspec.structs.replace(memory, due_ms=due_ms, received_ms=now_ms)
                self._remember(warning, moved)

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
            now_ms + self._air.cold_ms(zones),
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

    def _report(self, memory: WarningMemory, state: str, turn: Turn) -> None:
        if state == "played":
            return
        self._reporter.record(
            WarningReport(id=memory.id, revision=memory.revision, state=state),  # type: ignore[arg-type]
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
        """Count plays that came to their end; whether any did."""
        counted = False
        for warning, memory, _ in self.active():
            held = self._facts.open.get(self._play_of(warning, memory))
            if held is None or not held.finished:
                continue
            after = warnings.after_play(warning, memory, turn.wall_ms)
            if after.ended and after.plays < ATTEMPTS_MAX and self._missed_somewhere(held):
                due_ms = turn.wall_ms + AFTER_ANOTHER_MS
                after = msgspec.structs.replace(after, ended="", due_ms=due_ms)
            self._remember(warning, after)
            if memory.plays == 0:
                self._report(memory, "sounded", turn)
            counted = True
        return counted

    def _missed_somewhere(self, held: OpenItem) -> bool:
        """Whether a zone had to hear something else meanwhile, such as another warning."""
        for zone in held.zones:
            if (held.key, zone) in self._air.ledger.blocked:
                sounded = (one for one in held.segments.get(zone, ()) if one.gap is None)
                if sum(one.to_ms - one.from_ms for one in sounded) < held.play_ms * 9 // 10:
                    return True
        return False

    def due_again(self, turn: Turn) -> bool:
        """A play that is settled without having been heard to its end (its sound failed) comes
        again: soon at first, later the longer it lasts."""
        found = False
        for warning, memory, _ in self.active():
            if self._play_of(warning, memory) in self._facts.settled:
                age_ms = turn.wall_ms - memory.received_ms
                wait_ms = min(AGAIN_MAX_MS, max(AGAIN_MIN_MS, age_ms))
                again = msgspec.structs.replace(memory, due_ms=turn.wall_ms + wait_ms)
                self._remember(warning, again)
                found = True
        return found

    def utterances(self) -> list[Utterance]:
        """What has to be spoken for the plays that are due."""
        return [
            said
            for warning, memory, _ in self.active()
            for said in warnings.utterances(warning, warnings.says_when(warning, memory), self._tz)
        ]

    def lines(self, box: OnBox) -> Iterable[Line]:
        """The due plays of all active warnings."""
        for warning, memory, rank in self.active():
            sound, _ = warnings.sound_of(warning, memory, box, self._tz)
            item = warnings.item_of(
                warning, memory, rank, sound, self._site, self._programme.settings, self._tz
            )
            if item.zones and item.key not in self._facts.settled:
                origin = Provenance(memory.revision, warning.author, warning.approver)
                yield Line(item, sound, origin)


def _key(document: Warnings, warning_id: str) -> str:
    return f"{document.authority}|{document.audience}|{warning_id}"


def _memory_key(memory: WarningMemory) -> str:
    return f"{memory.authority}|{memory.audience}|{memory.id}"
