"""The loop: events in, the core decides, its effects go out. The only caller of the core.

Owns the inbox, the wake timer, the order of commits and acts, the progress mark, and the
supervision of tasks. Does not own any decision, nor any concrete adapter: it is given a table
that says who obeys which act.

Invariants:
* The core runs in one thread, one event at a time, with one reading of the clocks per event; a
  change of the clock is told before the event during which it was noticed.
* Nothing here waits for a disk, a network or a device.
* The progress mark moves only while the loop moves (D3); the watchdog is fed only while loop,
  journal and sound move, never about the network.
* A task that ends is an incident: logged, started again later each time, and at last given up
  together with the process, because the service manager starts cleaner than we can.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import msgspec

from agent.adapters.counted import Counted
from agent.adapters.ports import (
    ClockPort,
    Decider,
    Durable,
    Journal,
    Settled,
    StoredRecord,
)
from agent.core import requests
from agent.core.effects import (
    AckMessage,
    Act,
    Batch,
    Log,
    LogLevel,
    Notify,
    Publish,
    PublishRecord,
    Reply,
    Restart,
    SetLogLevel,
)
from agent.core.events import (
    CommitFailed,
    CommitsAgain,
    Event,
    MessageArrived,
    Now,
    Requested,
    Wake,
)
from agent.errors import EX_GIVEN_UP, EX_OK
from agent.release import Release

log = logging.getLogger(__name__)

TICK_S = 1.0
INBOX_MAX = 8_192
EVENTS_PER_TURN = 64
DISK_PATIENCE_MS = 5_000
DISK_STUCK_MS = 100_000
FAULTS_PER_MINUTE_MAX = 3
RETRY_WAKE_MS = 1_000
JOURNAL_LINES_MAX = 1_000
LEVELS: dict[LogLevel, int] = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}

Obey = Callable[[Any], None]
Tick = Callable[[int], None]
Stuck = Callable[[], str]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the runtime is connected to.

    obey: act type → who carries it out (returns at once). each_tick: told the progress mark once
    a second. stuck: asked before the watchdog is fed; "" is well. received_through: the number
    up to which the source system holds our records, for `stationctl journal`. in_memory: the
    journal lives as long as this process, under an installation id of its own: nothing becomes
    durable, and no record number is given twice.
    """

    obey: Mapping[type[Any], Obey]
    notify: Callable[[str], None] = lambda _: None
    feed_watchdog: Callable[[], None] = lambda: None
    each_tick: tuple[Tick, ...] = ()
    stuck: tuple[Stuck, ...] = ()
    received_through: Callable[[], int] = lambda: 0
    tz: str = "UTC"
    in_memory: bool = False


class Runtime:
    """Feeds one station. `emit` is for every thread; everything else runs in the loop."""

    def __init__(
        self, station: Decider, journal: Journal, clock: ClockPort, around: Surroundings
    ) -> None:
        self._station = station
        self._journal = journal
        self._clock = clock
        self._around = around
        self._obey: dict[type[Any], Obey] = {
            PublishRecord: self._publish_record,
            Log: _write_log,
            SetLogLevel: lambda act: logging.getLogger().setLevel(act.level.upper()),
            Notify: lambda act: around.notify(f"STATUS={act.status}"),
            Restart: lambda act: self.leave(EX_OK, act.why),
            **around.obey,
        }
        self._obey[Reply] = self._replied(self._obey.get(Reply))
        self._inbox: deque[Event] = deque()
        self._inbox_lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._something = asyncio.Event()
        self._release = Release(numbers_once=around.in_memory)
        self._ticket = 0
        self._durable = 0
        self._blind = False
        self._disk_spoke_ms = 0
        self._disk_spoke = asyncio.Event()
        self._wake: asyncio.TimerHandle | None = None
        self._soon: asyncio.TimerHandle | None = None
        self._faults: deque[int] = deque()
        self._exit_code: int | None = None
        self._closed = False
        self.counted = Counted()
        self._stuck_told = ""

    # --- from outside ---------------------------------------------------------------------

    def emit(self, event: Event) -> None:
        """Queue an event; any thread. Before `run` begins they wait, after it they are dropped."""
        with self._inbox_lock:
            if self._closed:
                return
            if len(self._inbox) >= INBOX_MAX:
                self.counted.add("event_dropped", type(event).__name__)
                return
            self._inbox.append(event)
            first = len(self._inbox) == 1
        if first:
            self._ring()

    def leave(self, exit_code: int, why: str) -> None:
        """End `run` after what is queued; the first reason counts."""
        if self._exit_code is None:
            log.info("leaving why=%s", why)
            self._exit_code = exit_code
            self._ring()

    def call_soon(self, what: Callable[[], None]) -> None:
        """Run `what` in the loop; any thread. Dropped once the loop is closed."""
        loop = self._loop
        if loop is None:
            return
        try:
            loop.call_soon_threadsafe(what)
        except RuntimeError:  # the loop closed in between: nobody is left to be told
            pass

    def _ring(self) -> None:
        self.call_soon(self._something.set)

    # --- the loop -------------------------------------------------------------------------

    async def run(self) -> int:
        """Until `leave`; returns the exit code."""
        self._loop = asyncio.get_running_loop()
        self._journal.start(lambda settled: self.call_soon(lambda: self._settled(settled)))
        self._something.set()
        tick = asyncio.create_task(supervise("tick", self._tick_for_ever, self.leave))
        try:
            while self._exit_code is None:
                await self._something.wait()
                self._something.clear()
                await self._work_off()
        finally:
            tick.cancel()
            self._closed = True
            self._cancel_timers()
        return self._exit_code

    async def settle(self, within_s: float) -> None:
        """After `run`: let the disk take what was saved, within a bound. No event is handled.

        What the leaving adapters still say must not reach the core: to it, leaving is a crash
        that lost nothing, and what was on air goes on after the next start.
        """
        try:
            async with asyncio.timeout(within_s):
                while self._ticket > self._durable and not self._around.in_memory:
                    self._disk_spoke.clear()
                    await self._disk_spoke.wait()
        except TimeoutError:
            log.warning("not_settled within_s=%s", within_s)

    async def _work_off(self) -> None:
        """Handle what is queued; let timers and sockets in between."""
        handled = 0
        while self._exit_code is None and (event := self._next()) is not None:
            self.handle(event)
            handled += 1
            if handled % EVENTS_PER_TURN == 0:
                await asyncio.sleep(0)

    def _next(self) -> Event | None:
        with self._inbox_lock:
            return self._inbox.popleft() if self._inbox else None

    def _cancel_timers(self) -> None:
        for timer in (self._wake, self._soon):
            if timer is not None:
                timer.cancel()
        self._wake = self._soon = None

    # --- one event ------------------------------------------------------------------------

    def handle(self, event: Event) -> None:
        """Let the core decide about one event, and carry it out."""
        reading = self._clock.read()
        if reading.seen is not None:
            self._decide(reading.seen, reading.now)
        if isinstance(event, Requested) and isinstance(event.body, requests.JournalRequest):
            self._answer_from_journal(event, event.body, reading.now)
        else:
            self._decide(event, reading.now)

    def _decide(self, event: Event, now: Now) -> None:
        try:
            batch = self._station.handle(event, now)
        except Exception:  # supervision: one bad event must not end broadcasting
            log.exception("core_failed event=%s", type(event).__name__)
            self._event_failed(event, now)
            return
        self._carry_out(batch, now)

    def _carry_out(self, batch: Batch, now: Now) -> None:
        if batch.saves:
            if self._ticket == self._durable:
                self._disk_spoke_ms = now.mono_ms
            self._ticket = self._journal.submit(batch.saves)
        self._do(self._release.add(self._ticket, batch.acts, now.mono_ms))
        self._arm_soon()
        self._arm_wake(batch.wake_at_mono_ms, now.mono_ms)

    def _event_failed(self, event: Event, now: Now) -> None:
        """The core broke on `event`. Poison is not offered again; too often is given up."""
        if isinstance(event, MessageArrived):
            self._do([AckMessage(event.receipt)])
        if isinstance(event, Requested):
            self._do([Reply(event.id, requests.Refused("busy", "internal fault, see the log"))])
        self._arm_wake(now.mono_ms + RETRY_WAKE_MS, now.mono_ms)
        self._faults.append(now.mono_ms)
        while now.mono_ms - self._faults[0] > 60_000:
            self._faults.popleft()
        if len(self._faults) > FAULTS_PER_MINUTE_MAX:
            self.leave(EX_GIVEN_UP, "the core keeps failing")

    def _do(self, acts: list[Act]) -> None:
        for act in acts:
            obey = self._obey.get(type(act))
            try:
                if obey is None:
                    log.error("nobody_obeys act=%s", type(act).__name__)
                else:
                    obey(act)
            except Exception:  # supervision: the other acts of the batch go out
                log.exception("act_failed act=%s", type(act).__name__)

    def _replied(self, obey: Obey | None) -> Obey:
        """What was decided while the disk takes nothing is told as not stored."""

        def reply(act: Reply) -> None:
            body = act.body
            if isinstance(body, requests.Done) and self._release.blind:
                act = Reply(act.id, msgspec.structs.replace(body, stored=False))
            if obey is not None:
                obey(act)

        return reply

    # --- timers ---------------------------------------------------------------------------

    def _arm_wake(self, at_ms: int | None, now_ms: int) -> None:
        if self._wake is not None:
            self._wake.cancel()
            self._wake = None
        if at_ms is None or self._loop is None:
            return
        # A moment already past still lets timers and sockets in before it comes.
        delay_s = max(at_ms - now_ms, 1) / 1_000
        self._wake = self._loop.call_later(delay_s, self._woken)

    def _woken(self) -> None:
        self._wake = None
        self.emit(Wake())

    def _arm_soon(self) -> None:
        due_ms = self._release.next_due_ms()
        if due_ms is None:
            if self._soon is not None:
                self._soon.cancel()
                self._soon = None
        elif self._soon is None and self._loop is not None:
            delay_s = max(due_ms - self._clock.read().now.mono_ms, 0) / 1_000
            self._soon = self._loop.call_later(delay_s, self._soon_is_now)

    def _soon_is_now(self) -> None:
        self._soon = None
        self._do(self._release.due(self._clock.read().now.mono_ms))
        self._arm_soon()

    async def _tick_for_ever(self) -> None:
        while True:
            self._tick()
            await asyncio.sleep(TICK_S)

    def _tick(self) -> None:
        reading = self._clock.read()
        if reading.seen is not None:
            self._decide(reading.seen, reading.now)
        now_ms = reading.now.mono_ms
        for told in self._around.each_tick:
            told(now_ms)
        since_ms = self._release.waiting_since_ms()
        if since_ms is not None and now_ms - since_ms > DISK_PATIENCE_MS:
            self._go_on_blind(f"the disk has not answered for {now_ms - since_ms} ms")
        stuck = self._why_stuck(now_ms)
        if not stuck:
            self._around.feed_watchdog()
        if stuck != self._stuck_told:
            log.error("watchdog_not_fed why=%s", stuck) if stuck else log.info("watchdog_fed")
            self._stuck_told = stuck

    def _why_stuck(self, now_ms: int) -> str:
        """What keeps the watchdog from being fed, "" when all is well."""
        waiting = self._ticket > self._durable and not self._around.in_memory
        if waiting and now_ms - self._disk_spoke_ms > DISK_STUCK_MS:
            return "journal"
        return next((why for stuck in self._around.stuck if (why := stuck())), "")

    # --- the journal ----------------------------------------------------------------------

    def _settled(self, settled: Settled) -> None:
        self._disk_spoke_ms = self._clock.read().now.mono_ms
        self._disk_spoke.set()
        if isinstance(settled, Durable):
            if self._blind:
                log.info("commits_again")
                self.emit(CommitsAgain())
            self._blind = False
            self._durable = settled.through
            self._do(self._release.durable(settled.through))
            self._arm_soon()
            return
        self._go_on_blind(settled.detail)
        if settled.hopeless:
            self.leave(EX_GIVEN_UP, "the journal must be opened anew")

    def _go_on_blind(self, detail: str) -> None:
        """Nothing becomes durable now; broadcasting goes on. Told once, however long it lasts.

        Documents count and play meanwhile, but nobody is told that they are held (`release`).
        """
        self._do(self._release.not_durable())
        self._arm_soon()
        if not self._blind:
            self._blind = True
            log.error("commit_failed detail=%s", detail)
            self.emit(CommitFailed(detail))

    def _publish_record(self, act: PublishRecord) -> None:
        """Read it in the journal's thread; hand it to whoever publishes."""

        def read(answer: Future[bytes | None]) -> None:
            body = None if answer.cancelled() or answer.exception() else answer.result()
            self.call_soon(lambda: self._record_read(act, body))

        self._journal.record(act.seq).add_done_callback(read)

    def _record_read(self, act: PublishRecord, body: bytes | None) -> None:
        if body is None:
            log.error("record_missing seq=%s", act.seq)
            return
        self._do([Publish(act.topic, body, token=act.token)])

    def _answer_from_journal(
        self, asked: Requested, request: requests.JournalRequest, now: Now
    ) -> None:
        limit = max(1, min(request.limit, JOURNAL_LINES_MAX))

        def read(answer: Future[tuple[StoredRecord, ...]]) -> None:
            failed = answer.cancelled() or answer.exception() is not None
            found = () if failed else answer.result()
            self.call_soon(lambda: self._do([Reply(asked.id, self._journal_view(found, now))]))

        self._journal.records(None, limit).add_done_callback(read)

    def _journal_view(self, found: tuple[StoredRecord, ...], now: Now) -> requests.JournalView:
        lines = tuple(
            requests.JournalLine(one.seq, one.at_ms, _what_happened(one.body)) for one in found
        )
        return requests.JournalView(
            now.wall_ms, self._around.tz, self._around.received_through(), lines
        )


class _Record(msgspec.Struct):
    """Of an event record only what happened; its address and number stand beside it."""

    body: msgspec.Raw


def _what_happened(record: bytes) -> msgspec.Raw:
    try:
        return msgspec.json.decode(record, type=_Record).body
    except msgspec.MsgspecError:  # of a later version, or damaged: shown as it is
        return msgspec.Raw(record)


def _write_log(act: Log) -> None:
    fields = "".join(f" {name}={value}" for name, value in act.fields)
    log.log(LEVELS[act.level], "%s%s", act.event, fields)


# --- supervision ---------------------------------------------------------------------------

RESTARTS_MAX = 5
RESTARTS_WITHIN_S = 600.0
PAUSE_FIRST_S = 1.0
PAUSE_MAX_S = 30.0


async def supervise(
    name: str,
    task: Callable[[], Awaitable[None]],
    give_up: Callable[[int, str], None],
    *,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Run `task` for ever. Its end is an incident; the sixth within ten minutes ends the agent."""
    loop = asyncio.get_running_loop()
    ends: deque[float] = deque(maxlen=RESTARTS_MAX + 1)
    while True:
        try:
            await task()
            log.error("task_ended task=%s", name)
        except Exception:  # supervision: whatever it was, it is logged and started again
            log.exception("task_failed task=%s", name)
        ends.append(loop.time())
        if len(ends) > RESTARTS_MAX and ends[-1] - ends[0] < RESTARTS_WITHIN_S:
            give_up(EX_GIVEN_UP, f"task {name} keeps ending")
            return
        await sleep(min(PAUSE_FIRST_S * 2 ** (len(ends) - 1), PAUSE_MAX_S))
