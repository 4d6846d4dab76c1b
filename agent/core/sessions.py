"""A day's sessions and minutes, counted zone by zone: what would exceed them is kept back whole.

Owns the count. What has begun or is settled is counted first, then what is to come, in order of
start; so the answer stays the same all day and is the plan that was shown beforehand. What is kept
back for any reason counts nothing.

Air time is what the items' slots cover together: a bulletin inside a relay takes no further minute.
An item that may end later than its slot (it continues after a pre-emption, or starts whole although
late) is counted in full beside the others.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date

from agent.contract.reasons import OccurrenceReason
from agent.core.items import Bar, Item
from agent.core.rules import Rules, Session


@dataclass(frozen=True, slots=True)
class Slot:
    """The air time an occurrence asks for. begun: zones in which it cannot be kept back any more,
    because it was heard there or its outcome is told."""

    key: str
    start_ms: int
    length_ms: int
    zones: tuple[str, ...]
    begun: frozenset[str] = frozenset()
    moves: bool = False


def slot_of(item: Item, begun: Iterable[str] = ()) -> Slot:
    """The slot of an item, in the zones in which nothing keeps it back whole."""
    end_ms = item.start_ms + item.play_ms
    whole = {bar.zone for bar in item.bars if bar.from_ms <= item.start_ms and bar.to_ms >= end_ms}
    sure = frozenset(begun)
    zones = tuple(zone for zone in item.zones if zone in sure or zone not in whole)
    return Slot(item.key, item.start_ms, item.play_ms, zones, sure, item.moves)


@dataclass(slots=True)
class _Used:
    """What one session of one zone holds so far. covered: apart from each other, in order."""

    covered: list[tuple[int, int]] = field(default_factory=list)
    total_ms: int = 0

    def more_ms(self, from_ms: int, to_ms: int, *, moves: bool) -> int:
        """How much air time a slot adds."""
        if moves:
            return to_ms - from_ms
        shared_ms = 0
        for low_ms, high_ms in self.covered[self._first(from_ms) :]:
            if low_ms >= to_ms:
                break
            shared_ms += min(high_ms, to_ms) - max(low_ms, from_ms)
        return to_ms - from_ms - shared_ms

    def take(self, from_ms: int, to_ms: int, *, moves: bool) -> None:
        self.total_ms += self.more_ms(from_ms, to_ms, moves=moves)
        if moves or to_ms <= from_ms:
            return
        at = end = self._first(from_ms)
        while end < len(self.covered) and self.covered[end][0] <= to_ms:
            low_ms, high_ms = self.covered[end]
            from_ms, to_ms = min(from_ms, low_ms), max(to_ms, high_ms)
            end += 1
        self.covered[at:end] = [(from_ms, to_ms)]

    def _first(self, from_ms: int) -> int:
        """The first stretch that ends at or after `from_ms`."""
        return bisect_left(self.covered, from_ms, key=lambda one: one[1])


class Book:
    """The count of some days. Ask `keep_back` once, with every slot of these days."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._used: dict[tuple[str, date, int], _Used] = {}
        self._opened: dict[tuple[str, date], set[int]] = {}

    def keep_back(self, slots: Iterable[Slot]) -> dict[str, tuple[Bar, ...]]:
        """Key → what keeps it back, in the zones in which it does not fit any more."""
        ordered = sorted(slots, key=lambda slot: (slot.start_ms, slot.key))
        for slot in ordered:
            for zone in slot.zones:
                if zone in slot.begun:
                    self._take(slot, zone)
        return {slot.key: bars for slot in ordered if (bars := tuple(self._place(slot)))}

    def _place(self, slot: Slot) -> Iterator[Bar]:
        for zone in slot.zones:
            if zone in slot.begun:
                continue
            bar = self.why_not(slot, zone)
            if bar is None:
                self._take(slot, zone)
            else:
                yield bar

    def why_not(self, slot: Slot, zone: str) -> Bar | None:
        """What would keep the slot out of the zone as the count stands."""
        session = self._rules.session_at(zone, slot.start_ms)
        if session is None:
            return None
        most = self._rules.regulation.sessions_per_day
        opened = self._opened.get((zone, session.day), set())
        if most is not None and session.number not in opened and len(opened) >= most:
            rule = self._rules.sessions_in_words(zone)
            return Bar(zone, OccurrenceReason.SESSIONS_USED_UP, rule)
        if session.session_ms is None:
            return None
        used = self._used.get((zone, session.day, session.number), _Used())
        more_ms = used.more_ms(*_within(slot, session), moves=slot.moves)
        if used.total_ms + more_ms > session.session_ms:
            rule = self._rules.minutes_in_words(session)
            return Bar(zone, OccurrenceReason.MINUTES_USED_UP, rule)
        return None

    def _take(self, slot: Slot, zone: str) -> None:
        session = self._rules.session_at(zone, slot.start_ms)
        if session is None:
            return
        used = self._used.setdefault((zone, session.day, session.number), _Used())
        used.take(*_within(slot, session), moves=slot.moves)
        self._opened.setdefault((zone, session.day), set()).add(session.number)


def _within(slot: Slot, session: Session) -> tuple[int, int]:
    """The slot up to the session's end."""
    to_ms = min(slot.start_ms + slot.length_ms, session.to_ms)
    return slot.start_ms, max(slot.start_ms, to_ms)
