"""How the card runs, as the sound child last said, and what became of self-tests.

Owns the newest picture, the counts since the agent began (a child that is replaced begins at 0),
and which cue a comparison on the return line belongs to. Decides nothing about what is heard: that
is `truth` for what leaves the mixer and `ledger` for what comes back.
"""

from __future__ import annotations

from agent.core.effects import CompareReturn, WatchSound
from agent.core.events import AudioSeen, PlayerLost, ReturnCompared, SoundStarted
from agent.core.turn import Turn

COMPARED_KEPT = 64
WATCHED_MS = 5_000


class Audio:
    """seen, seen_ms: the newest picture, and when; None: none of the child that runs now.

    why, detail: what the last child died of, while none runs.
    """

    def __init__(self) -> None:
        self.seen: AudioSeen | None = None
        self.seen_ms = 0
        self.why = ""
        self.detail = ""
        self.lost = 0
        self.compared: dict[str, ReturnCompared | None] = {}
        """By item of a self-test; None: the answer is not there yet."""
        self._before = (0, 0)
        self._tests: dict[str, str] = {}

    @property
    def underruns(self) -> int:
        """Since the agent began."""
        return self._before[0] + (self.seen.underruns if self.seen is not None else 0)

    @property
    def reopened(self) -> int:
        """Since the agent began."""
        return self._before[1] + (self.seen.reopened if self.seen is not None else 0)

    def look(self, event: AudioSeen, wall_ms: int) -> None:
        self.seen, self.seen_ms = event, wall_ms
        self.why = self.detail = ""

    def player_lost(self, event: PlayerLost) -> None:
        self._before = self.underruns, self.reopened
        self.lost += self.seen is not None
        self.seen = None
        self.why, self.detail = event.why, event.detail
        for key in [key for key, found in self.compared.items() if found is None]:
            self.compared[key] = ReturnCompared("", None, event.why)
        self._tests.clear()

    def watch(self, turn: Turn) -> None:
        """Somebody looks at it now."""
        turn.do(WatchSound(WATCHED_MS), "now")

    # --- self-tests ---------------------------------------------------------------------

    def began(self, key: str, event: SoundStarted, turn: Turn) -> None:
        """The pattern of a self-test left the card where the return line can hear it."""
        if key in self.compared:
            return
        self.compared[key] = None
        self._tests[event.token] = key
        while len(self.compared) > COMPARED_KEPT:
            del self.compared[next(iter(self.compared))]
        turn.do(CompareReturn(event.token, event.at_ms, event.position_ms), "now")

    def take(self, event: ReturnCompared) -> None:
        key = self._tests.pop(event.token, None)
        if key in self.compared:
            self.compared[key] = event
