"""When an act may go out: after its batch is durable, at once, or soon (decision D2).

Owns the order of acts against the order of commits. No I/O, no clock: it is told what was
committed and what time it is, and answers with the acts to carry out now.

Invariants:
* `after_commit` acts go out in order, once their batch and all before it are durable.
* `soon` acts go out then or `SOON_MS` after they were given, `now` acts at once; both may
  overtake, but never turn a newer wish back into an older one: a `HoldZones` makes the older ones
  of its controller void, and what ends or turns a cue never overtakes the cue itself.
* While the disk takes nothing, everything goes out at once, because silence is worse than a
  repeat after a crash. Two things wait for the disk however long it takes: `PublishRecord`, whose
  number would be given twice (unless `numbers_once`), and `durable` acts, which tell others that
  a document is held. It is not: after a power cut the station would have forgotten it, and the
  broker would not send again what it saw acknowledged.
* So that the broker's window never closes before a warning, at most `HELD_ACKS_MAX` messages stay
  unacknowledged; beyond that the oldest is acknowledged. Of waiting receipts only the newest stays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from agent.core.effects import (
    SOON_MS,
    AckMessage,
    Act,
    Do,
    HoldZones,
    PlayCue,
    Publish,
    PublishRecord,
    SetGain,
    StopCue,
)

HELD_ACKS_MAX = 8
"""Half of what a broker sends unacknowledged (`mqtt_connection.RECEIVE_MAXIMUM`)."""


@dataclass(slots=True, eq=False)
class _Pending:
    ticket: int
    act: Act
    due_ms: int | None  # when a `soon` act stops waiting
    since_ms: int
    patient: bool  # waits for the disk even while it takes nothing


class Release:
    """Acts that wait for their batch. numbers_once: record numbers are never given again."""

    def __init__(self, *, numbers_once: bool = False) -> None:
        self._numbers_once = numbers_once
        self._pending: list[_Pending] = []
        self._durable = 0
        self._blind = False

    @property
    def blind(self) -> bool:
        """Whether the disk takes nothing, so that what goes out now rests on nothing."""
        return self._blind

    def add(self, ticket: int, acts: Iterable[Do], now_ms: int) -> list[Act]:
        """Take the acts of a batch whose newest ticket is `ticket`; returns those for now."""
        out: list[Act] = []
        for do in acts:
            patient = self._is_patient(do)
            if self._free(ticket, patient):
                out.append(do.act)
            elif do.release == "now" and not _cue_waits(do.act, self._pending):
                out.append(self._overtaking(do.act, list(self._pending)))
            else:
                due = now_ms + SOON_MS if do.release == "soon" else None
                self._forget_receipt(do)
                self._pending.append(_Pending(ticket, do.act, due, now_ms, patient))
        return out + self._acks_beyond_bound()

    def durable(self, through: int) -> list[Act]:
        """Everything up to `through` is on disk."""
        self._durable = max(self._durable, through)
        self._blind = False
        return self._take(lambda one: one.ticket <= self._durable)

    def not_durable(self) -> list[Act]:
        """The disk takes nothing: go on without it."""
        self._blind = True
        out = self._take(lambda one: self._free(one.ticket, one.patient))
        return out + self._acks_beyond_bound()

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

    def _is_patient(self, do: Do) -> bool:
        if isinstance(do.act, PublishRecord):
            return not self._numbers_once
        return do.release == "durable"

    def _free(self, ticket: int, patient: bool) -> bool:
        """On disk with all before it, or not waited for."""
        return ticket <= self._durable or (self._blind and not patient)

    def _forget_receipt(self, newer: Do) -> None:
        """A retained message takes the place of the one that still waits."""
        act = newer.act
        if newer.release == "durable" and isinstance(act, Publish) and act.retain:
            self._pending = [
                one
                for one in self._pending
                if not (one.patient and isinstance(one.act, Publish) and one.act.topic == act.topic)
            ]

    def _acks_beyond_bound(self) -> list[Act]:
        if not self._blind:
            return []
        held = [one for one in self._pending if isinstance(one.act, AckMessage)]
        spare = held[: max(0, len(held) - HELD_ACKS_MAX)]
        for one in spare:
            self._pending.remove(one)
        return [one.act for one in spare]

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
