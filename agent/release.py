"""When an act may go out: after its batch is durable, at once, or soon (decision D2).

Owns the order of acts against the order of commits. No I/O, no clock: it is told what was
committed and what time it is, and answers with the acts to carry out now.

Invariants:
* `after_commit` acts go out in order, once their batch and all before it are durable.
* `soon` acts go out then or `SOON_MS` after they were given, `now` acts at once; both may
  overtake, but never turn a newer wish back into an older one: a `HoldZones` makes the older ones
  of its controller void, and what ends or turns a cue never overtakes the cue itself.
* While the disk takes nothing, everything goes out at once, because silence is worse than a
  repeat after a crash: except `PublishRecord`, whose number would be given twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from agent.core.effects import (
    SOON_MS,
    Act,
    Do,
    HoldZones,
    PlayCue,
    PublishRecord,
    SetGain,
    StopCue,
)


@dataclass(slots=True, eq=False)
class _Pending:
    ticket: int
    act: Act
    due_ms: int | None  # when a `soon` act stops waiting
    since_ms: int


class Release:
    """Acts that wait for their batch."""

    def __init__(self) -> None:
        self._pending: list[_Pending] = []
        self._durable = 0
        self._blind = False

    def add(self, ticket: int, acts: Iterable[Do], now_ms: int) -> list[Act]:
        """Take the acts of a batch whose newest ticket is `ticket`; returns those for now."""
        out: list[Act] = []
        for do in acts:
            if self._free(ticket, do.act):
                out.append(do.act)
            elif do.release == "now" and not _cue_waits(do.act, self._pending):
                out.append(self._overtaking(do.act, list(self._pending)))
            else:
                due = now_ms + SOON_MS if do.release == "soon" else None
                self._pending.append(_Pending(ticket, do.act, due, now_ms))
        return out

    def durable(self, through: int) -> list[Act]:
        """Everything up to `through` is on disk."""
        self._durable = max(self._durable, through)
        self._blind = False
        return self._take(lambda one: one.ticket <= self._durable)

    def not_durable(self) -> list[Act]:
        """The disk takes nothing: go on without it."""
        self._blind = True
        return self._take(lambda one: self._free(one.ticket, one.act))

    def due(self, now_ms: int) -> list[Act]:
        """`soon` acts that have waited long enough."""
        out: list[Act] = []
        for one in [one for one in self._pending if one.due_ms is not None]:
            if one.due_ms is not None and one.due_ms <= now_ms:
                older = self._pending[: self._pending.index(one)]
                if not _cue_waits(one.act, older):
                    self._pending.remove(one)
                    out.append(self._overtaking(one.act, older))
        return out

    def next_due_ms(self) -> int | None:
        """When to ask `due` again."""
        return min((one.due_ms for one in self._pending if one.due_ms is not None), default=None)

    def waiting_since_ms(self) -> int | None:
        """Since when the oldest act waits for the disk; None: nothing does, or it is given up."""
        return self._pending[0].since_ms if self._pending and not self._blind else None

    def _free(self, ticket: int, act: Act) -> bool:
        """On disk with all before it, or not waited for."""
        return ticket <= self._durable or (self._blind and not isinstance(act, PublishRecord))

    def _take(self, wanted: Callable[[_Pending], bool]) -> list[Act]:
        out = [one.act for one in self._pending if wanted(one)]
        self._pending = [one for one in self._pending if not wanted(one)]
        return out

    def _overtaking(self, act: Act, older: list[_Pending]) -> Act:
        """`act` goes out ahead of its turn; the older wishes it makes void go nowhere."""
        if isinstance(act, HoldZones):
            for one in older:
                if isinstance(one.act, HoldZones) and one.act.controller == act.controller:
                    self._pending.remove(one)
        return act


def _cue_waits(act: Act, older: list[_Pending]) -> bool:
    """Whether `act` ends or turns a cue that has itself not gone out."""
    return isinstance(act, StopCue | SetGain) and any(
        isinstance(one.act, PlayCue) and one.act.cue.token == act.token for one in older
    )
