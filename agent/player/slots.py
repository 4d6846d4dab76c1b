"""A part of a cue on its timeline: where it begins, which source sample is due, where it ends.

Owns one source's place and, for live sound, how far it has fallen behind and how much it has in
store. Pure: frames come in as arguments; samples belong to the reader behind it.

Invariants: once settled, `at` never changes; a live slot never goes back in its source.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from agent.player.levelling import Fader
from agent.player.protocol import RATE_HZ
from agent.player.ring import Block, Reader

# A length measured by somebody else counts an encoder's delay and padding as sound: up to 67 ms at
# 44.1 kHz, 141 ms at 16 kHz.
_LENGTH_SLACK_FRAMES = 200 * RATE_HZ // 1000
# Live sound begins this far behind the newest sample, and waits for so much after a drought.
PLAIN_LEAD_MS = 1_500
LIVE_LEAD_FRAMES = PLAIN_LEAD_MS * RATE_HZ // 1000
LIVE_PREBUFFER_FRAMES = 300 * RATE_HZ // 1000
# The sender's clock is not ours: the lead is led back to where it began, by its mean of so long.
_LIVE_MEAN_FRAMES = 10 * RATE_HZ


class Store(NamedTuple):
    """What a live source should have in store. lead: so far behind its newest sample it is played;
    needed: what must be there to begin. whole: it is not live, nothing of it is left out."""

    lead: int = LIVE_LEAD_FRAMES
    needed: int = LIVE_PREBUFFER_FRAMES
    whole: bool = False


@dataclass(eq=False)
class Slot:
    """A part on the timeline, from one of its sources.

    `offset` is the position in the source at timeline frame `at`. `at` None: begins when the
    slot before it ends, or, when `floating`, when its first samples are there. `end_at` bounds
    it on the timeline; `length` says how far from `part_at` that is.
    """

    part: int
    source: int
    reader: Reader
    offset: int
    length: int | None = None
    gain: float = 1.0
    fader: Fader | None = None  # of a live source that is levelled
    at: int | None = None
    floating: bool = False
    live: bool = False
    store: Callable[[], Store] = Store
    part_at: int | None = None
    from_position: int = 0
    final: bool = False  # the last part of its cue
    began: bool = False
    failed: bool = False  # its source was given up: what follows goes on where it ended
    passed: bool = False  # the timeline has left it behind
    dry: bool = False  # a live source that must fill up again
    mean_excess: float = 0.0  # of a live source's lead over what it should be
    behind: int = field(default=0)  # frames a live source was late, in total
    inherited: bool = False  # it took the place of a live source that had nothing left
    left_at: int | None = None  # the position at which it was left so

    def settle(self, timeline: int) -> bool:
        """Fix where the slot begins, if it can begin at `timeline`; false when it must wait."""
        if self.part_at is None:
            self.part_at = timeline
        if self.at is not None:
            return True
        if self.floating:
            store = self.store() if self.live else Store(0, 1)
            start = max(self.offset, self.reader.first())
            if self.reader.lead(start) < store.needed and self.reader.total is None:
                return False
            if self.live and not store.whole:
                start += max(0, self.reader.lead(start) - store.lead)
            self.offset = start
        self.at = timeline
        return True

    def position(self, timeline: int) -> int:
        """The source position at a timeline frame."""
        return self.offset + timeline - (self.at or 0) - self.behind

    def read(self, position: int, frames: int) -> tuple[Block, int]:
        """The source's samples at its level, and how many of them were there."""
        block, there = self.reader.read(position, frames)
        if self.gain != 1.0:
            block *= np.float32(self.gain)
        if self.fader is not None:
            block *= self.fader.gains(position, frames)
        return block, there

    def shown_position(self, timeline: int) -> int:
        """The position reports give: for live sound the time since the part should have begun."""
        if not self.live and self.at is not None:
            return self.position(timeline)
        return self.from_position + timeline - (self.part_at or 0)

    def bound(self) -> int | None:
        """The timeline frame at which its part must end, when it has a length."""
        if self.length is None or self.part_at is None:
            return None
        return self.part_at + self.length

    def excess(self, timeline: int, frames: int) -> float:
        """How much more than it should a live source has in store, smoothed; `frames` passed."""
        store = self.store()
        if self.reader.total is None and not self.dry and not store.whole:
            now = self.reader.lead(self.position(timeline)) - store.lead
            self.mean_excess += (now - self.mean_excess) * min(1.0, frames / _LIVE_MEAN_FRAMES)
        return self.mean_excess

    def end(self) -> int | None:
        """The timeline frame after its last sample, when known."""
        if self.reader.total is None or self.at is None:
            return self.bound()
        return self.end_of(self.at + self.behind + self.reader.total - self.offset)

    def end_of(self, sound: int) -> int:
        """Where the slot ends whose sound ends at timeline frame `sound`.

        The timetable counts on its length: a sound that falls short by no more than an encoder
        adds is followed by silence up to there, so that the next part begins at its instant.
        """
        bound = self.bound()
        if bound is None:
            return sound
        slack = 0 if self.failed else _LENGTH_SLACK_FRAMES
        return bound if sound > bound - slack else sound
