"""The control socket with real clients: well-behaved, slow, rude and too many."""

from __future__ import annotations

import asyncio
import getpass
import json
import os
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from agent.adapters.control import ControlSocket
from agent.adapters.control_client import ask
from agent.adapters.pins import People, PinCheck, Signer, with_pin, write_people
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
            answer = event.refused or requests.Done(f"for {event.who}")
            self.control.reply(Reply(event.id, answer))

    def run(self, story: Story) -> None:
        async def whole() -> None:
            await self.control.start()
            try:
                async with asyncio.timeout(10):
                    await story(self)
            finally:
                await self.control.close()

        asyncio.run(whole())

    async def ask(
        self, request: requests.Request, timeout_s: float = 5, signer: Signer | None = None
    ) -> requests.Answer:
        return await asyncio.to_thread(ask, self.path, request, timeout_s, signer)

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


# --- who decides ---------------------------------------------------------------------------

HOA, PIN = "Nguyễn Văn Hòa", "402817"
APPROVAL = requests.ApproveRequest(
    authority="tinh", entry="tin", digest="0123456789abcdef", by="Chủ tịch", means="key"
)
NOTICE = requests.AnnounceRequest((), "Mời bà con đi họp")


def staffed(folder: Path, **options: Any) -> Rig:
    """One person who may approve and nothing else."""
    write_people(folder, with_pin(People(), HOA, PIN, None, 1))
    return Rig(folder, pins=PinCheck(folder), **options)


def test_an_approval_carries_the_name_whose_pin_was_right_and_not_the_one_claimed(
    tmp_path: Path,
) -> None:
    async def story(rig: Rig) -> None:
        answer = await rig.ask(APPROVAL, signer=Signer("nguyen van hoa", PIN))
        assert answer == requests.Done(f"for {getpass.getuser()}")
        [heard] = rig.asked
        assert (heard.by, heard.refused) == (HOA, None)
        assert (heard.body.by, heard.body.means) == (HOA, "pin")
        assert PIN not in repr(heard)

    staffed(tmp_path).run(story)


@pytest.mark.parametrize(
    ("request_made", "signer", "code"),
    [
        (APPROVAL, None, "pin_needed"),
        (NOTICE, None, "pin_needed"),
        (APPROVAL, Signer(HOA, "730591"), "wrong_pin"),
        (APPROVAL, Signer("Ai đó", PIN), "unknown_person"),
        (requests.StopRequest(), Signer(HOA, "730591"), "wrong_pin"),
        (NOTICE, Signer(HOA, PIN), "no_right"),
    ],
)
def test_who_is_sent_away_is_told_why_and_the_core_hears_of_it(
    tmp_path: Path, request_made: requests.Request, signer: Signer | None, code: str
) -> None:
    async def story(rig: Rig) -> None:
        answer = await rig.ask(request_made, signer=signer)
        assert isinstance(answer, requests.Refused)
        assert answer.code == code
        [heard] = rig.asked
        assert heard.refused == answer
        assert heard.by == (HOA if code == "no_right" else "")
        assert getattr(heard.body, "by", "") == ""
        assert "730591" not in repr(heard) + repr(answer)

    staffed(tmp_path).run(story)


def test_what_needs_no_name_may_have_one(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        await rig.ask(requests.StopRequest())
        await rig.ask(requests.StopRequest(), signer=Signer(HOA, PIN))
        assert [one.by for one in rig.asked] == ["", HOA]
        assert all(one.refused is None for one in rig.asked)

    staffed(tmp_path).run(story)


def test_the_configuration_can_ask_for_a_name_for_more(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        for request in (requests.StopRequest(), requests.StatusRequest()):
            await rig.ask(request)
        assert [one.refused is not None for one in rig.asked] == [True, False]

    staffed(tmp_path, pin_for=frozenset({"stop"})).run(story)


def test_where_nobody_has_a_pin_nobody_approves(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        answer = await rig.ask(APPROVAL, signer=Signer(HOA, PIN))
        assert answer == requests.Refused("unknown_person")

    Rig(tmp_path).run(story)


def test_a_name_has_to_wait_by_the_clock_the_socket_was_given(tmp_path: Path) -> None:
    now_ms = 1_000

    async def story(rig: Rig) -> None:
        nonlocal now_ms
        for _ in range(5):
            await rig.ask(APPROVAL, signer=Signer(HOA, "730591"))
        locked = await rig.ask(APPROVAL, signer=Signer(HOA, PIN))
        assert locked == requests.Refused("pin_locked", HOA, wait_ms=60_000)
        now_ms += 60_000
        assert isinstance(await rig.ask(APPROVAL, signer=Signer(HOA, PIN)), requests.Done)

    staffed(tmp_path, wall_ms=lambda: now_ms).run(story)


@pytest.mark.parametrize("signer", ['"x"', '{"name": "x"}', '{"name": 1, "pin": "402817"}', "[]"])
def test_a_signer_that_is_none_is_malformed_and_its_pin_not_repeated(
    tmp_path: Path, signer: str
) -> None:
    async def story(rig: Rig) -> None:
        answer = await rig.raw(f'{{"ask":"stop","signer":{signer}}}\n'.encode())
        assert answer["code"] == "malformed"
        assert PIN not in str(answer)
        assert rig.asked == []

    staffed(tmp_path).run(story)


def test_comparing_a_pin_does_not_hold_up_another_client(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        guesses = [
            asyncio.create_task(rig.ask(APPROVAL, signer=Signer(HOA, "730591"))) for _ in range(4)
        ]
        await asyncio.sleep(0)
        await rig.ask(requests.StatusRequest())
        assert not all(one.done() for one in guesses)
        codes = [answer.code for answer in await asyncio.gather(*guesses)]  # type: ignore[union-attr]
        assert sorted(codes) == ["wrong_pin"] * 4

    staffed(tmp_path).run(story)


NOBODY = 65_534


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_only_who_may_write_the_pins_says_for_the_journal_that_one_was_set() -> None:
    """Of others it is refused, and the journal learns that they tried."""
    note = requests.PinNoteRequest("Lê Ba", ("approve",))
    client = (
        "import socket, sys; s = socket.socket(socket.AF_UNIX); s.settimeout(5)\n"
        "s.connect(sys.argv[1]); s.sendall(sys.argv[2].encode() + b'\\n')\n"
        "print(s.makefile().readline())"
    )

    async def story(rig: Rig) -> None:
        assert await rig.ask(note) == requests.Done(f"for {getpass.getuser()}")
        rig.path.chmod(0o666)
        for folder in (rig.path.parent, rig.path.parent.parent):
            folder.chmod(0o755)
        words = [sys.executable, "-c", client, str(rig.path), msgspec.json.encode(note).decode()]
        said = await asyncio.to_thread(
            subprocess.run, words, user=NOBODY, capture_output=True, text=True, timeout=10
        )
        assert json.loads(said.stdout)["code"] == "not_allowed", said.stderr
        assert rig.asked[-1].refused == requests.Refused("not_allowed")
        assert rig.asked[-1].who != rig.asked[0].who

    with tempfile.TemporaryDirectory() as folder:
        Rig(Path(folder)).run(story)
