"""What could play: one `Item` per occurrence, warning play or local request, ready for the planner.

Owns the late, resume and end rules as plain questions about one item. Does not know other items.

To change what happens when a start was missed or an item was interrupted, look at `over_ms` and
`offer`; when an item ends, at `play_ms`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from agent.contract.reasons import OccurrenceReason
from agent.contract.reports import OccurrenceRef

ON_TIME_MS = 2_000
"""Up to this late counts as on time for every late policy."""

REMAINDER_MIN_MS = 1_000
"""Less than this left (or half, of a shorter item) is not worth (re)starting."""

CONTINUE_LIMIT_MS = 2 * 3_600_000
"""An interrupted item waits this long past the end it was heading for, then it is over."""

STREAM_LENGTH_MS = 4 * 3_600_000
"""Assumed length of a source without an end of its own and without a slot."""


FOREVER_MS = 1 << 62


@dataclass(frozen=True, slots=True)
class Bar:
    """The item may not sound in `zone` from from_ms on, until to_ms. rule: in whose words."""

    zone: str
    reason: OccurrenceReason
    rule: str = ""
    from_ms: int = 0
    to_ms: int = FOREVER_MS

    def at(self, t_ms: int) -> bool:
        return self.from_ms <= t_ms < self.to_ms


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that could play.

    zones: names at this station, in the station's order. play_ms: how long it occupies its bus
    from position 0 (the end rule is already applied). total_ms: length of its sound, chime
    included, None when unknown. ready: its sound is on the box. problem: why not, or why held.
    decided: its place as the commune ordered it, before the rank. language: a code; of a warning
    in several languages joined by commas. languages_missing: it has no sound for them. bound: which
    rules of the air bind it. bars: what they keep it from, zone by zone. undecided_ms: until then
    somebody may still let it play. moved_from_ms: its start in the timetable, when the commune
    moved it. latest_ms: what continues may not end later than if it had begun then; None: no such
    bound of its own.
    """

    key: str
    ref: OccurrenceRef
    title: str
    klass: int
    rank: int
    order: int
    start_ms: int
    zones: tuple[str, ...]
    play_ms: int
    total_ms: int | None = None
    late: Literal["join", "restart", "skip"] = "join"
    grace_ms: int = 0
    resume: Literal["rejoin", "continue", "drop", "restart"] = "rejoin"
    end: Literal["cut", "finish", "fade"] = "cut"
    within_ms: int = 0
    ready: bool = True
    problem: OccurrenceReason | None = None
    volume: int | None = None
    decided: int = 0
    language: str = ""
    languages_missing: tuple[str, ...] = ()
    bound: Literal["all", "quiet"] = "all"
    bars: tuple[Bar, ...] = ()
    undecided_ms: int = 0
    moved_from_ms: int | None = None
    latest_ms: int | None = None
    over: bool = False

    def waits(self, now_ms: int) -> bool:
        """Its planned start is over and it may still play: undecided, or moved to a later hour."""
        if self.moved_from_ms is not None and self.moved_from_ms <= now_ms < self.start_ms:
            return True
        return self.start_ms <= now_ms < self.undecided_ms

    def bar_at(self, zone: str, t_ms: int) -> Bar | None:
        """What keeps it from sounding in `zone` at that instant."""
        of = (bar for bar in self.bars if bar.zone == zone and bar.from_ms <= t_ms < bar.to_ms)
        return next(of, None)

    @property
    def moves(self) -> bool:
        """It may end later than its slot."""
        return self.resume in ("continue", "restart") or self.late == "restart"

    def closed_ms(self) -> int | None:
        """From when on it is barred everywhere for good; None when it is not."""
        ends: dict[str, int] = {}
        for bar in self.bars:
            if bar.to_ms == FOREVER_MS:
                ends[bar.zone] = min(bar.from_ms, ends.get(bar.zone, FOREVER_MS))
        return max(ends.values()) if self.zones and ends.keys() >= set(self.zones) else None


@dataclass(frozen=True, slots=True)
class Run:
    """An item that has begun.

    origin_ms: wall instant of position 0. on: some bus carries it. stopped_ms: when it left its
    last bus, if not on. been: zones it was heard in. left: zones it was pre-empted from.
    lost: its sound broke off by a fault, nobody pre-empted it. done: it will not sound again.
    """

    origin_ms: int
    on: bool = True
    stopped_ms: int = 0
    been: frozenset[str] = frozenset()
    left: frozenset[str] = frozenset()
    lost: bool = False
    done: bool = False


def key_of(ref: OccurrenceRef) -> str:
    return f"{ref.authority}|{ref.audience}|{ref.entry}|{ref.nominal}"


def play_ms(
    slot_ms: int | None,
    total_ms: int | None,
    end: Literal["cut", "finish", "fade"],
    within_ms: int,
) -> int:
    """How long an item occupies its bus: its slot by its end rule, or its sound when shorter."""
    if slot_ms is None:
        return STREAM_LENGTH_MS if total_ms is None else total_ms
    limit = slot_ms + within_ms if end == "finish" and total_ms is not None else slot_ms
    return limit if total_ms is None else min(limit, total_ms)


def offer(item: Item, run: Run | None, t_ms: int) -> int | None:
    """The origin with which `item` could sound at `t_ms`, or None when it may not.

    This is the late policy (not begun) and the resume policy (begun, and off every bus).
    """
    if item.play_ms <= 0 or (run is None and t_ms < item.start_ms) or is_over(item, run, t_ms):
        return None
    if run is None:
        return t_ms if item.late == "restart" else item.start_ms
    if run.on:
        return run.origin_ms
    return _resumed_origin(item, run, t_ms)


def _resumed_origin(item: Item, run: Run, t_ms: int) -> int:
    """Never behind the position reached, even if the clock went back since (a box without RTC)."""
    if item.resume == "restart":
        return t_ms
    paused_ms = t_ms - run.stopped_ms
    return run.origin_ms + (paused_ms if item.resume == "continue" else min(0, paused_ms))


def is_over(item: Item, run: Run | None, t_ms: int) -> bool:
    """Nothing of `item` can sound at `t_ms` or later, unless the item itself changes."""
    end_ms = over_ms(item, run)
    return end_ms is not None and t_ms >= end_ms


def over_ms(item: Item, run: Run | None) -> int | None:
    """The first instant at which `is_over` holds if nothing changes; None when it may never.

    0 when it is over for good: that must hold even if the wall clock goes back.
    """
    if run is None:
        return max(item.start_ms + _late_limit(item) + 1, item.undecided_ms)
    if run.done:
        return 0
    if run.on:
        return run.origin_ms + item.play_ms
    return _resume_over_ms(item, run)


def _late_limit(item: Item) -> int:
    """Up to this late it may still begin."""
    if item.late == "restart":
        return max(item.grace_ms, ON_TIME_MS)
    return min(_last_entry(item), ON_TIME_MS) if item.late == "skip" else _last_entry(item)


def _resume_over_ms(item: Item, run: Run) -> int | None:
    if item.resume == "restart":
        return None
    if item.resume == "drop" and not run.lost:
        return 0
    if item.resume == "continue":
        if run.stopped_ms - run.origin_ms > _last_entry(item):
            return 0
        over_ms = run.origin_ms + item.play_ms + CONTINUE_LIMIT_MS + 1
        if item.latest_ms is not None:
            left_ms = max(0, item.latest_ms - run.origin_ms)
            over_ms = min(over_ms, run.stopped_ms + left_ms + 1)
        closed_ms = item.closed_ms()
        return over_ms if closed_ms is None else min(over_ms, max(closed_ms, run.stopped_ms) + 1)
    return run.origin_ms + _last_entry(item) + 1


def _last_entry(item: Item) -> int:
    """The last position at which it is still worth beginning."""
    return max(0, item.play_ms - min(REMAINDER_MIN_MS, item.play_ms // 2))


def zone_may_join(item: Item, run: Run | None, zone: str, t_ms: int) -> bool:
    """Whether `zone` may take part in the item at `t_ms`.

    A zone that was pre-empted comes back unless the item drops. One that was never in joins from
    the beginning, or anywhere when the late policy is `join` or it is a warning: a part of it now
    is better than nothing.
    """
    if run is None:
        return True
    if zone in run.left:
        return item.resume != "drop"
    if zone in run.been or joins_anywhere(item):
        return True
    origin_ms = offer(item, run, t_ms)
    return origin_ms is not None and t_ms - origin_ms <= ON_TIME_MS


def joins_anywhere(item: Item) -> bool:
    return item.late == "join" or item.resume == "restart"


def shifted(run: Run, step_ms: int) -> Run:
    """The run after the wall clock jumped by `step_ms`: what has begun keeps its own time (D6)."""
    return replace(run, origin_ms=run.origin_ms + step_ms, stopped_ms=run.stopped_ms + step_ms)
