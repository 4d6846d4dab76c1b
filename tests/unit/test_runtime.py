"""The loop around the core, with a scripted core, a journal in memory and a clock by hand."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from typing import Any

import pytest

from agent.adapters.memory_journal import MemoryJournal
from agent.adapters.ports import ClockReading
from agent.core import requests
from agent.core.effects import (
    AckMessage,
    Append,
    Batch,
    Do,
    Log,
    Notify,
    Publish,
    PublishRecord,
    Put,
    Reply,
    Restart,
)
from agent.core.events import (
    ClockSeen,
    CommitFailed,
    CommitsAgain,
    Event,
    HousekeepingDue,
    MessageArrived,
    Now,
    Requested,
    Wake,
)
from agent.errors import EX_GIVEN_UP, EX_OK
from agent.runtime import Runtime, Surroundings, supervise

NOTHING = Batch((), (), None)


class HandClock:
    """Shows the loop's own time, and tells one change when asked to."""

    def __init__(self) -> None:
        self.change: ClockSeen | None = None
        self.skip_ms = 0

    def read(self) -> ClockReading:
        seen, self.change = self.change, None
        mono_ms = int(asyncio.get_running_loop().time() * 1_000) + self.skip_ms
        return ClockReading(Now(mono_ms, mono_ms + 5_000_000), seen)


class Script:
    """A core that answers each event by `answer` and remembers what it was told."""

    def __init__(self, answer: Callable[[Event, Now], Batch] = lambda *_: NOTHING) -> None:
        self.answer = answer
        self.told: list[Event] = []

    def handle(self, event: Event, now: Now) -> Batch:
        self.told.append(event)
        return self.answer(event, now)


class Rig:
    """A runtime and everything around it."""

    def __init__(
        self,
        answer: Callable[[Event, Now], Batch] = lambda *_: NOTHING,
        *,
        in_memory: bool = False,
    ) -> None:
        self.station = Script(answer)
        self.journal = MemoryJournal()
        self.clock = HandClock()
        self.done: list[Any] = []
        self.fed = 0
        self.stuck = ""
        self.notes: list[str] = []
        obeyed = (Publish, Reply, AckMessage)
        self.runtime = Runtime(
            self.station,
            self.journal,
            self.clock,
            Surroundings(
                obey=dict.fromkeys(obeyed, self.done.append),
                notify=self.notes.append,
                feed_watchdog=self._feed,
                stuck=(lambda: self.stuck,),
                received_through=lambda: 41,
                tz="Asia/Ho_Chi_Minh",
                in_memory=in_memory,
            ),
        )

    def _feed(self) -> None:
        self.fed += 1

    def run(self, *events: Event, until: Callable[[], bool] | None = None) -> int:
        """Run with `events` queued until `until` holds; fails after five seconds."""

        async def whole() -> int:
            running = asyncio.create_task(self.runtime.run())
            for event in events:
                self.runtime.emit(event)
            async with asyncio.timeout(5):
                while not (until() if until else len(self.station.told) >= len(events)):
                    if running.done():
                        return running.result()
                    await asyncio.sleep(0.001)
                self.runtime.leave(EX_OK, "the test has seen enough")
                return await running

        return asyncio.run(whole())


def test_an_act_goes_out_after_its_commit() -> None:
    answer = Batch((Put("k", "a", b"1"),), (Do(Publish("t", b"x")),), None)
    rig = Rig(lambda *_: answer)
    rig.run(HousekeepingDue(), until=lambda: bool(rig.done))
    assert rig.done == [Publish("t", b"x")]
    assert rig.journal.load() == (("k", "a", b"1"),)


def test_a_decision_that_the_disk_did_not_take_is_answered_as_not_stored() -> None:
    answer = Batch((Put("k", "a", b"1"),), (Do(Reply(1, requests.Done("held"))),), None)
    rig = Rig(lambda *_: answer)
    rig.journal.fail("disk full")
    rig.run(HousekeepingDue(), until=lambda: bool(rig.done))
    assert rig.done[0] == Reply(1, requests.Done("held", stored=False))


def test_a_decision_that_is_on_the_disk_is_answered_as_stored() -> None:
    answer = Batch((Put("k", "a", b"1"),), (Do(Reply(1, requests.Done("held"))),), None)
    rig = Rig(lambda *_: answer)
    rig.run(HousekeepingDue(), until=lambda: bool(rig.done))
    assert rig.done == [Reply(1, requests.Done("held"))]


def test_the_station_is_woken_when_it_asked_to_be_and_not_before() -> None:
    asked_ms: list[int] = []
    woken_ms: list[int] = []

    def answer(event: Event, now: Now) -> Batch:
        if isinstance(event, Wake):
            woken_ms.append(now.mono_ms)
            return NOTHING
        asked_ms.append(now.mono_ms)
        return Batch((), (), now.mono_ms + 30)

    rig = Rig(answer)
    rig.run(HousekeepingDue(), until=lambda: bool(woken_ms))
    assert 29 <= woken_ms[0] - asked_ms[0] < 1_000


def test_a_newer_wish_to_be_woken_replaces_the_older() -> None:
    def answer(event: Event, now: Now) -> Batch:
        soon = isinstance(event, HousekeepingDue)
        return Batch((), (), now.mono_ms + 1) if soon else Batch((), (), None)

    rig = Rig(answer)
    rig.run(HousekeepingDue(), CommitFailed("x"), until=lambda: len(rig.station.told) >= 2)
    assert Wake() not in rig.station.told


def test_a_wake_in_the_past_lets_others_in_between() -> None:
    """A core that always wants to be woken at once still leaves the loop responsive."""
    rig = Rig(lambda _, now: Batch((), (), now.mono_ms - 1_000))
    rig.run(HousekeepingDue(), until=lambda: rig.station.told.count(Wake()) >= 5)
    assert rig.fed >= 1


def test_a_change_of_the_clock_is_told_before_the_event() -> None:
    rig = Rig()
    seen = ClockSeen(1, 3_600_000_000, "trusted", 3_600_000)
    rig.clock.change = seen
    rig.run(HousekeepingDue(), until=lambda: HousekeepingDue() in rig.station.told)
    assert rig.station.told[0] == seen


def test_a_failed_commit_is_an_event_and_broadcasting_goes_on() -> None:
    def answer(event: Event, now: Now) -> Batch:
        if isinstance(event, HousekeepingDue):
            saves = (Append(1, 0, b"{}"),)
            return Batch(saves, (Do(Publish("t", b"x")), Do(PublishRecord("e", 1, 9))), None)
        return NOTHING

    rig = Rig(answer)
    rig.journal.fail("disk full")
    rig.run(HousekeepingDue(), until=lambda: CommitFailed("disk full") in rig.station.told)
    assert rig.done == [Publish("t", b"x")]


def test_records_are_published_as_they_were_saved_once_the_disk_is_back() -> None:
    def answer(event: Event, now: Now) -> Batch:
        if isinstance(event, HousekeepingDue):
            return Batch((Append(1, 0, b'{"n":1}'),), (Do(PublishRecord("e", 1, 9)),), None)
        rig.journal.mend()
        return NOTHING

    rig = Rig(answer)
    rig.journal.fail("disk full")
    rig.run(HousekeepingDue(), until=lambda: bool(rig.done))
    assert rig.done == [Publish("e", b'{"n":1}', token=9)]
    assert rig.station.told.count(CommitsAgain()) == 1


def test_a_journal_in_memory_sends_its_records_and_acknowledges_no_document() -> None:
    """Its numbers are never given again; a document is forgotten at the next start.

    However long it says nothing more, it is not stuck.
    """

    def answer(event: Event, now: Now) -> Batch:
        if isinstance(event, HousekeepingDue):
            acts = (Do(AckMessage(1), "durable"), Do(PublishRecord("e", 1, 9)))
            return Batch((Append(1, 0, b"{}"),), acts, None)
        if isinstance(event, CommitFailed):
            rig.clock.skip_ms, rig.fed = 1_000_000, 0
        return NOTHING

    rig = Rig(answer, in_memory=True)
    rig.journal.fail("in memory only")
    rig.run(HousekeepingDue(), until=lambda: bool(rig.done and rig.clock.skip_ms and rig.fed))
    assert rig.done == [Publish("e", b"{}", token=9)]


def test_a_disk_that_does_not_answer_is_told_after_five_seconds(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Silent(MemoryJournal):
        def submit(self, saves: object) -> int:
            return 1

    rig = Rig(lambda *_: NOTHING)
    rig.journal = Silent()
    rig.runtime = Runtime(
        rig.station,
        rig.journal,
        rig.clock,
        Surroundings(obey={Publish: rig.done.append}),
    )

    def answer(event: Event, now: Now) -> Batch:
        if isinstance(event, HousekeepingDue):
            rig.clock.skip_ms = 6_000
            return Batch((Put("k", "a", b""),), (Do(Publish("t", b"x")),), None)
        return NOTHING

    rig.station.answer = answer
    rig.run(HousekeepingDue(), until=lambda: bool(rig.done))
    assert any(isinstance(event, CommitFailed) for event in rig.station.told)


def test_poison_is_acknowledged_and_the_next_event_is_handled() -> None:
    def answer(event: Event, now: Now) -> Batch:
        if isinstance(event, MessageArrived):
            raise ValueError("poison")
        return NOTHING

    rig = Rig(answer)
    rig.run(MessageArrived(7, "t", b"", False), HousekeepingDue())
    assert rig.done == [AckMessage(7)]
    assert rig.station.told[-1] == HousekeepingDue()


def test_a_core_that_fails_is_woken_again_and_given_up_when_it_keeps_failing() -> None:
    def answer(event: Event, now: Now) -> Batch:
        raise ValueError("always")

    rig = Rig(answer)
    events = [HousekeepingDue()] * 4
    assert rig.run(*events, until=lambda: False) == EX_GIVEN_UP


def test_an_adapter_that_raises_does_not_keep_the_other_acts_from_going_out() -> None:
    rig = Rig(lambda *_: Batch((), (Do(Reply(1, None)), Do(Publish("t", b""))), None))
    good = rig.done.append

    def bad(act: object) -> None:
        raise OSError("broken adapter")

    rig.runtime = Runtime(
        rig.station, rig.journal, rig.clock, Surroundings(obey={Reply: bad, Publish: good})
    )
    rig.run(HousekeepingDue(), until=lambda: bool(rig.done))
    assert rig.done == [Publish("t", b"")]


def test_the_journal_request_is_answered_newest_first_without_the_core() -> None:
    rig = Rig()
    rig.journal.submit([Append(1, 10, b'{"seq":1}'), Append(2, 20, b'{"seq":2}')])
    asked = Requested(5, "hoa", requests.JournalRequest(limit=10))
    rig.run(asked, until=lambda: bool(rig.done))
    [reply] = rig.done
    assert reply.id == 5
    assert isinstance(reply.body, requests.JournalView)
    assert [json.loads(bytes(line.body))["seq"] for line in reply.body.records] == [2, 1]
    assert (reply.body.through, reply.body.tz) == (41, "Asia/Ho_Chi_Minh")
    assert asked not in rig.station.told


def test_log_and_status_go_to_their_places(caplog: pytest.LogCaptureFixture) -> None:
    acts = (Do(Log("zone_lost", (("zone", "Thôn Đông"),), "warning")), Do(Notify("on air")))
    rig = Rig(lambda *_: Batch((), acts, None))
    with caplog.at_level(logging.INFO, logger="agent"):
        rig.run(HousekeepingDue())
    assert "zone_lost zone=Thôn Đông" in caplog.messages
    assert rig.notes == ["STATUS=on air"]


def test_a_wish_to_restart_ends_the_loop_in_order() -> None:
    rig = Rig(lambda *_: Batch((), (Do(Restart("asked to")),), None))
    assert rig.run(HousekeepingDue(), until=lambda: False) == EX_OK


def test_the_watchdog_is_not_fed_while_something_is_stuck() -> None:
    rig = Rig()
    rig.stuck = "sound"
    rig.run(HousekeepingDue())
    assert rig.fed == 0


def test_leaving_waits_for_the_disk_and_hears_no_more() -> None:
    rig = Rig(lambda *_: Batch((Put("k", "a", b""),), (Do(Publish("t", b"x")),), None))
    rig.journal.fail("slow")

    async def whole() -> None:
        rig.runtime.emit(HousekeepingDue())
        running = asyncio.create_task(rig.runtime.run())
        async with asyncio.timeout(5):
            while CommitFailed("slow") not in rig.station.told:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
        rig.runtime.leave(EX_OK, "enough")
        await running
        told = len(rig.station.told)
        rig.runtime.emit(HousekeepingDue())
        asyncio.get_running_loop().call_later(0.02, rig.journal.mend)
        await rig.runtime.settle(2)
        assert len(rig.station.told) == told

    asyncio.run(whole())
    assert rig.done == [Publish("t", b"x")] * 2


def test_a_task_that_ends_is_started_again_later_each_time_and_then_given_up() -> None:
    starts: list[int] = []
    pauses: list[float] = []
    given_up: list[str] = []

    async def task() -> None:
        starts.append(1)
        if len(starts) % 2:
            raise OSError("gone")

    async def sleep(pause_s: float) -> None:
        pauses.append(pause_s)

    asyncio.run(supervise("port", task, lambda _, why: given_up.append(why), sleep=sleep))
    assert len(starts) == 6
    assert pauses == [1, 2, 4, 8, 16]
    assert given_up == ["task port keeps ending"]
