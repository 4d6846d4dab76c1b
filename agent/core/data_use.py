"""How many bytes each link has carried, by local day: across restarts, resets and wrong clocks.

Owns the arithmetic. What counters say and when they began anew comes from the adapter; which day
it is comes from the caller, None while the clock is not trusted.

Invariants: a byte is counted once; a counter that went back, or began anew, counts from zero; what
was carried while nobody knew the day is put into the first day that is known. What a box carried
between the last save and a power cut is lost: at most `UNSAVED_MAX_BYTES` or `UNSAVED_MAX_MS`.
"""

from __future__ import annotations

from datetime import date

import msgspec

from agent.core.events import InterfaceSeen

MIB = 1024 * 1024
DAYS_KEPT = 70
"""Two plan months and a week: what is needed to show the month before."""

UNSAVED_MAX_BYTES = 4 * MIB
UNSAVED_MAX_MS = 600_000


class DataUse(msgspec.Struct, frozen=True):
    """Of one interface. total: its counters when last seen, both ways, of `incarnation`.

    days: local date → bytes. undated: carried while the day was not known.
    """

    incarnation: str
    total: int
    days: dict[str, int] = {}
    undated: int = 0


def counted(use: DataUse | None, seen: InterfaceSeen, day: str | None) -> DataUse | None:
    """`use` with what the interface carried since it was last seen; None: it does not count.

    The first look at an interface counts nothing: nobody knows when its counters began.
    """
    if seen.received is None or seen.sent is None:
        return use
    total = max(0, seen.received) + max(0, seen.sent)
    if use is None:
        return DataUse(seen.incarnation, total)
    went_on = seen.incarnation == use.incarnation and total >= use.total
    fresh = total - use.total if went_on else total
    if not fresh and went_on and not (day is not None and use.undated):
        return use
    return _dated(DataUse(seen.incarnation, total, use.days, use.undated + fresh), day)


def _dated(use: DataUse, day: str | None) -> DataUse:
    if day is None or not use.undated:
        return use
    days = {**use.days, day: use.days.get(day, 0) + use.undated}
    kept = dict(sorted(days.items())[-DAYS_KEPT:])
    return DataUse(use.incarnation, use.total, kept, 0)


def unsaved(use: DataUse, saved: DataUse | None) -> int:
    """Bytes that a power cut now would forget."""
    if saved is None:
        return 0
    if use.incarnation != saved.incarnation or use.total < saved.total:
        return UNSAVED_MAX_BYTES
    return use.total - saved.total


def of_day(use: DataUse, day: date) -> int:
    return use.days.get(day.isoformat(), 0)


def since(use: DataUse, first: date, last: date) -> int:
    """Bytes of the days from `first` to `last`, both included."""
    begin, end = first.isoformat(), last.isoformat()
    return sum(size for day, size in use.days.items() if begin <= day <= end)


def month_began(today: date, plan_day: int) -> date:
    """The day on which the running plan month began: the last `plan_day` (1–28) not after today."""
    plan_day = max(1, min(28, plan_day))
    if today.day >= plan_day:
        return today.replace(day=plan_day)
    year, month = (today.year, today.month - 1) if today.month > 1 else (today.year - 1, 12)
    return date(year, month, plan_day)
