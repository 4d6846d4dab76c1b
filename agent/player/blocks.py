"""How large a block the card is asked for: small for a warning's sake, larger once it runs dry.

Owns the sizes, with which one a card begins and when the next larger one is due. Pure: instants
come in as an argument, opening and remembering are the process's.

A sound that is ordered now waits for the next block and for the one in store, so 960 frames let it
be heard within 43 ms (the limiter's 2.3 among them). A card behind a sound server begins larger:
the server's client costs more processor time a block than all the rest, and stores more besides.

Invariants: sizes are those of `SIZES` and only grow; a size is left after `DRY_MANY` dry seconds in
an hour at the earliest, and while something sounds only when it tears all the time.
"""

from __future__ import annotations

from collections import deque

from agent.player.clockmap import NS_PER_S
from agent.player.devices import is_card

SIZES = (960, 1_440, 2_048, 4_096)
BEHIND_A_SERVER = 2_048

DRY_MANY = 3
DRY_WITHIN_NS = 3_600 * NS_PER_S
"""So often in an hour: more than a machine that was busy once."""
TEARS_MANY = 5
TEARS_WITHIN_NS = 20 * NS_PER_S
"""So often: what plays is torn anyway, and a moment of silence ends it."""
ONE_NS = NS_PER_S
"""Blocks that were late one after the other are one trouble."""


class Blocks:
    """`frames` is 0 until `begin`, which the first opening asks. known: what was found earlier."""

    def __init__(self, known: int | None = None) -> None:
        self.frames = 0
        self._known = known
        self._dry: deque[int] = deque(maxlen=max(DRY_MANY, TEARS_MANY))

    def begin(self, resolved: str) -> int:
        """The size for the device that PortAudio calls `resolved`."""
        least = SIZES[0] if is_card(resolved) else BEHIND_A_SERVER
        self.frames = _at_least(max(least, self._known or 0))
        return self.frames

    def ran_dry(self, now_ns: int) -> None:
        """The card had nothing to play; in order of time."""
        if not self._dry or now_ns - self._dry[-1] >= ONE_NS:
            self._dry.append(now_ns)

    def larger(self, now_ns: int, *, quiet: bool) -> int | None:
        """The size to open the card with now; None: stay. quiet: nothing will be interrupted."""
        if not self.frames or self.frames >= SIZES[-1]:
            return None
        often = self._since(now_ns - DRY_WITHIN_NS) >= DRY_MANY
        torn = self._since(now_ns - TEARS_WITHIN_NS) >= TEARS_MANY
        if not (torn or (often and quiet)):
            return None
        self._dry.clear()
        self.frames = _at_least(self.frames + 1)
        return self.frames

    def _since(self, from_ns: int) -> int:
        return sum(at_ns >= from_ns for at_ns in self._dry)


def _at_least(frames: int) -> int:
    return next((size for size in SIZES if size >= frames), SIZES[-1])
