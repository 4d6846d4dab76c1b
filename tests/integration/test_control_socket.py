"""The control socket with real clients: well-behaved, slow, rude and too many."""

from __future__ import annotations

import asyncio
import getpass
import json
import socket
import stat
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from agent.adapters.control import ControlSocket
from agent.adapters.control_client import ask
from agent.core import requests
from agent.core.effects import Reply
from agent.core.events import Requested

Story = Callable[["Rig"], Awaitable[None]]


class Rig:
    """A socket whose questions are answered by `answer`, in the loop."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self.path = folder / "run" / "control.sock"
        self.asked: list[Requested] = []
        self.answering = True
        self.control = ControlSocket(self.path, self._take, **options)

    def _take(self, event: object) -> None:
        assert isinstance(event, Requested)
        self.asked.append(event)
        if self.answering:
            self.control.reply(Reply(event.id, requests.Done(f"for {event.who}")))

    def run(self, story: Story) -> None:
        async def whole() -> None:
            await self.control.start()
            try:
                async with asyncio.timeout(10):
                    await story(self)
            finally:
                await self.control.close()

        asyncio.run(whole())

    async def ask(self, request: requests.Request, timeout_s: float = 5) -> requests.Answer:
        return await asyncio.to_thread(ask, self.path, request, timeout_s)

    async def raw(self, line: bytes) -> Any:
        reader, writer = await asyncio.open_unix_connection(self.path)
        writer.write(line)
        answer = await reader.readline()
        writer.close()
        return json.loads(answer) if answer else None


def test_a_question_is_answered_and_the_kernel_says_who_asked(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        assert await rig.ask(requests.PlanRequest(hours=3)) == requests.Done(
            f"for {getpass.getuser()}"
        )
        assert rig.asked[0].body == requests.PlanRequest(hours=3)

    Rig(tmp_path).run(story)


def test_the_socket_is_for_its_owner_and_group_only_and_gone_afterwards(tmp_path: Path) -> None:
    rig = Rig(tmp_path)

    async def story(rig: Rig) -> None:
        assert stat.S_IMODE(rig.path.stat().st_mode) == 0o660

    rig.run(story)
    assert not rig.path.exists()


def test_a_socket_left_by_a_killed_agent_is_replaced(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.path.parent.mkdir()
    with socket.socket(socket.AF_UNIX) as old:
        old.bind(str(rig.path))

    async def story(rig: Rig) -> None:
        await rig.ask(requests.StatusRequest())

    rig.run(story)


def test_many_questions_go_over_one_connection(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        reader, writer = await asyncio.open_unix_connection(rig.path)
        for _ in range(3):
            writer.write(b'{"ask":"status"}\n')
            assert json.loads(await reader.readline())["answer"] == "done"
        writer.close()

    Rig(tmp_path).run(story)


@pytest.mark.parametrize(
    "line",
    [b"\n", b"hello\n", b"{}\n", b'{"ask":"rm -rf"}\n', b'{"ask":"plan","hours":"x"}\n', b"\xff\n"],
)
def test_what_is_not_a_question_is_refused_as_malformed(tmp_path: Path, line: bytes) -> None:
    async def story(rig: Rig) -> None:
        answer = await rig.raw(line)
        assert (answer["answer"], answer["code"]) == ("refused", "malformed")
        assert rig.asked == []

    Rig(tmp_path).run(story)


def test_a_line_without_end_is_refused(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        assert (await rig.raw(b"x" * 200_000))["code"] == "too_large"

    Rig(tmp_path).run(story)


def test_a_question_nobody_answers_is_refused_as_busy(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        rig.answering = False
        answer = await rig.ask(requests.DoctorRequest())
        assert isinstance(answer, requests.Refused)
        assert answer.code == "busy"
        rig.control.reply(Reply(rig.asked[0].id, requests.Done()))  # too late: nobody's

    Rig(tmp_path, answer_within_s=0.05).run(story)


def test_a_client_has_its_own_deadline(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        rig.answering = False
        with pytest.raises(TimeoutError):
            await rig.ask(requests.StatusRequest(), timeout_s=0.1)

    Rig(tmp_path).run(story)


def test_clients_beyond_the_bound_are_sent_away_and_those_before_stay(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        first = [await asyncio.open_unix_connection(rig.path) for _ in range(2)]
        await asyncio.sleep(0.05)
        assert (await rig.raw(b'{"ask":"status"}\n'))["code"] == "busy"
        for reader, writer in first:
            writer.write(b'{"ask":"status"}\n')
            assert json.loads(await reader.readline())["answer"] == "done"
            writer.close()
        await asyncio.sleep(0.05)
        assert (await rig.raw(b'{"ask":"status"}\n'))["answer"] == "done"

    Rig(tmp_path, clients_max=2).run(story)


def test_a_client_that_hangs_up_in_the_middle_harms_nobody(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        rig.answering = False
        _, writer = await asyncio.open_unix_connection(rig.path)
        writer.write(b'{"ask":"status"}\n')
        await writer.drain()
        writer.close()
        await asyncio.sleep(0.05)
        rig.answering = True
        await rig.ask(requests.StatusRequest())

    Rig(tmp_path).run(story)


def test_an_answer_longer_than_a_request_may_be_arrives_whole(tmp_path: Path) -> None:
    long = requests.JournalView(
        1, "UTC", 5, tuple(requests.JournalLine(n, n, msgspec.Raw(b'"x"')) for n in range(9_000))
    )

    async def story(rig: Rig) -> None:
        rig.answering = False
        asking = asyncio.create_task(rig.ask(requests.JournalRequest()))
        while not rig.asked:  # noqa: ASYNC110 - the client is a thread
            await asyncio.sleep(0.005)
        rig.control.reply(Reply(rig.asked[0].id, long))
        answer = await asking
        assert isinstance(answer, requests.JournalView)
        assert len(answer.records) == 9_000

    Rig(tmp_path).run(story)


def test_without_an_agent_the_client_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        ask(tmp_path / "none.sock", requests.StatusRequest(), 1)


def test_an_agent_that_ends_in_the_middle_is_a_reset_connection(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        rig.answering = False
        asking = asyncio.create_task(rig.ask(requests.StatusRequest()))
        while not rig.asked:  # noqa: ASYNC110 - the client is a thread
            await asyncio.sleep(0.005)
        await rig.control.close()
        with pytest.raises(ConnectionResetError):
            await asking

    Rig(tmp_path).run(story)
