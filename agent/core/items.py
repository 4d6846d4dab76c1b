"""What could play: one `Item` per occurrence, warning play or local request, ready for the planner.

Owns the late, resume and end rules as plain questions about one item. Does not know other items.

To change what happens when a start was missed, look at `offer`; when an item ends, at `play_ms`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from agent.contract.reasons import OccurrenceReason
from agent.contract.reports import OccurrenceRef

ON_TIME_MS = 2_000
"""Up to this late counts as on time for every late policy."""

REMAINDER_MIN_MS = 1_000
"""Less than this left is not worth (re)starting."""

CONTINUE_LIMIT_MS = 2 * 3_600_000
"""An interrupted item waits this long past its planned end to continue, then it is over."""

STREAM_LENGTH_MS = 4 * 3_600_000
"""Assumed length of a source without an end of its own and without a slot."""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that could play.

    zones: names at this station, in the station's order. play_ms: how long it occupies its bus
    from position 0 (the end rule is already applied). total_ms: length of its sound, chime
    included, None when unknown. ready: its sound is on the box. problem: why not, or why held.
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
    if run is None:
        return _first_offer(item, t_ms)
    if run.done:
        return None
    if run.on:
        return run.origin_ms if t_ms < run.origin_ms + item.play_ms else None
    return _resume_offer(item, run, t_ms)


def _first_offer(item: Item, t_ms: int) -> int | None:
    late_ms = t_ms - item.start_ms
    if late_ms < 0:
        return None
    if late_ms == 0:
        return t_ms
    if item.late == "restart":
        return t_ms if late_ms <= max(item.grace_ms, ON_TIME_MS) else None
    if item.late == "skip" and late_ms > ON_TIME_MS:
        return None
    return item.start_ms if late_ms <= item.play_ms - _remainder(item) else None


def _resume_offer(item: Item, run: Run, t_ms: int) -> int | None:
    if item.resume == "drop" and not run.lost:
        return None
    if item.resume == "restart":
        return t_ms
    origin_ms = run.origin_ms
    if item.resume == "continue":
        if t_ms > item.start_ms + item.play_ms + CONTINUE_LIMIT_MS:
            return None
        origin_ms += t_ms - run.stopped_ms
    return origin_ms if t_ms - origin_ms <= item.play_ms - _remainder(item) else None


def _remainder(item: Item) -> int:
    return min(REMAINDER_MIN_MS, item.play_ms)


def is_over(item: Item, run: Run | None, t_ms: int) -> bool:
    """Nothing of `item` can sound at `t_ms` or later."""
    if run is None:
        return t_ms > item.start_ms and _first_offer(item, t_ms) is None
    return offer(item, run, t_ms) is None


def over_ms(item: Item, run: Run | None) -> int | None:
    """The first instant at which `is_over` holds if nothing changes; None when it may never."""
    if run is None:
        if item.late == "restart":
            return item.start_ms + max(item.grace_ms, ON_TIME_MS) + 1
        latest_ms = item.start_ms + item.play_ms - _remainder(item)
        if item.late == "skip":
            latest_ms = min(latest_ms, item.start_ms + ON_TIME_MS)
        return max(latest_ms, item.start_ms) + 1
    if run.done or run.on:
        return run.origin_ms + item.play_ms
    if item.resume == "continue":
        return item.start_ms + item.play_ms + CONTINUE_LIMIT_MS + 1
    if item.resume == "restart":
        return None
    return run.origin_ms + item.play_ms - _remainder(item) + 1


def zone_may_join(item: Item, run: Run | None, zone: str, t_ms: int) -> bool:
    """Whether `zone` may tune in to the item that is already on elsewhere.

    A zone that was pre-empted comes back unless the item drops; one that was never in joins
    only where the late policy is `join`.
    """
    if run is None or not run.on:
        return True
    if zone in run.left:
        return item.resume != "drop"
    if zone in run.been:
        return True
    return item.late == "join" or t_ms - item.start_ms <= ON_TIME_MS
