"""Says when the calendar calls for tidying up. What is done then is the core's decision.

The `schedule` package reads the wall clock by itself: a step makes it early, late or double,
which does no harm to housekeeping and would to programmes (they are planned in the core). The
process lives in the station's time zone (`agent.app`), so the hour is local.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from agent.adapters.ports import Emit
from agent.core.events import HousekeepingDue

LOOK_AGAIN_S = 300.0
"""A stepped clock is noticed no later than this."""


class _Calendar(Protocol):
    """The two things used of `schedule.Scheduler`."""

    @property
    def idle_seconds(self) -> float | None: ...

    def run_pending(self) -> None: ...


class Housekeeping:
    """`run` is its supervised task."""

    def __init__(
        self,
        at: str,
        emit: Emit,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """at: local "HH:MM", every day."""
        self._at = at
        self._emit = emit
        self._sleep = sleep

    async def run(self) -> None:
        import schedule

        while True:
            calendar = schedule.Scheduler()
            calendar.every().day.at(self._at).do(self._emit, HousekeepingDue())
            await self.one_day(calendar)

    async def one_day(self, calendar: _Calendar) -> None:
        """Until it rang once. Then the calendar is made anew, from the clock as it is then."""
        while True:
            idle_s = calendar.idle_seconds or 0.0
            if idle_s > 25 * 3_600:
                return  # the clock was set back by more than an hour since
            await self._sleep(max(1.0, min(idle_s, LOOK_AGAIN_S)))
            if (calendar.idle_seconds or 0.0) <= 0:
                calendar.run_pending()
                return
