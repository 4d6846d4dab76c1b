"""Which source carries what is on the air, since when, and why it changed.

Owns the source that each cue plays now and the reason the sound child last gave for leaving one.
How long each was heard in a zone is the ledger's to book, by the label kept here. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from agent.core.cues import Sent
from agent.core.programme import Sound, label_of
from agent.player.protocol import LIVE_KINDS, Part

RETURNED = "well_again"
FALTERED = "faltered"
NEXT_PART = "next_part"


@dataclass(frozen=True, slots=True)
class Carrier:
    """What a cue plays. part, source: numbers in the cue. since_ms: by the wall."""

    label: str
    part: int
    source: int
    since_ms: int


@dataclass(frozen=True, slots=True)
class Change:
    """Another source is on the air. reason: a fault, or one of the words above."""

    before: str
    after: str
    reason: str


class Carried:
    """Of the cues that sound, by token."""

    def __init__(self) -> None:
        self.now: dict[str, Carrier] = {}
        self._faults: dict[str, str] = {}

    def label(self, token: str) -> str:
        """What a record calls the source that plays; "" when none does."""
        carrier = self.now.get(token)
        return "" if carrier is None else carrier.label

    def gave_up(self, token: str, fault: str) -> None:
        """Why what plays next does; the first fault, of what was on the air, counts."""
        self._faults.setdefault(token, fault)

    def plays(self, sent: Sent, sound: Sound, part: int, source: int, at_ms: int) -> Change | None:
        """A source begins or goes on; what changed, if it is another than before."""
        before = self.now.get(sent.token)
        same_part = before is not None and before.part == part
        if before is not None and same_part and before.source == source:
            return None
        label = _label(sent, sound, part, source)
        self.now[sent.token] = Carrier(label, part, source, at_ms)
        reason = self._faults.pop(sent.token, "")
        if before is None or before.label == label:
            return None
        if not same_part:
            return Change(before.label, label, NEXT_PART)
        back = RETURNED if source < before.source else FALTERED
        return Change(before.label, label, reason or back)

    def stepped(self, step_ms: int) -> None:
        """The wall jumped."""
        for token, one in self.now.items():
            self.now[token] = replace(one, since_ms=one.since_ms + step_ms)

    def forget(self, token: str) -> None:
        """The cue is over."""
        self.now.pop(token, None)
        self._faults.pop(token, None)


def is_relayed(sound: Sound) -> bool:
    """Whether its sources may change while it plays."""
    return any(one.kind in LIVE_KINDS for part in sound.main for one in part.sources)


def _label(sent: Sent, sound: Sound, part: int, source: int) -> str:
    """A chime is told as the source that it announces."""
    number = max(0, sent.part_of(sound, part))
    found: Part | None = sound.main[number] if number < len(sound.main) else None
    if found is None or source >= len(found.sources):
        return ""
    return label_of(found.sources[source], source)
