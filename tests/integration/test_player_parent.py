"""The parent with the real sound child on a virtual card: killed, frozen, and back in time."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from agent.adapters.player import Files, Player
from agent.core.effects import PlayCue, SetTime, StopCue
from agent.core.events import PlayerLost, PlayerReady, SoundEnded, SoundProgress, SoundStarted
from agent.player.protocol import Cue, Part, Source
from simulator.soundcard import SoundCard

pytestmark = pytest.mark.skipif(
    not all(map(shutil.which, ("pulseaudio", "parec"))),
    reason="needs pulseaudio and pulseaudio-utils",
)

T = TypeVar("T")
TONE = Part((Source("tone", tone_hz=(800,)),), length_ms=60_000)


@pytest.fixture(scope="module")
def card() -> Iterator[SoundCard]:
    with SoundCard(sinks={"parent": 1}) as one:
        yield one


class Rig:
    def __init__(self, *, warm_standby: bool = False) -> None:
        self.heard: list[Any] = []
        command = [sys.executable, "-m", "agent.player", "--device", "parent", "--buses", "1"]
        self.player = Player(command, self.heard.append, Files(str), warm_standby=warm_standby)

    async def until(self, kind: type[T], count: int = 1) -> T:
        for _ in range(4_000):
            found = [one for one in self.heard if isinstance(one, kind)]
            if len(found) >= count:
                return found[count - 1]
            await asyncio.sleep(0.005)
        raise AssertionError(f"heard only {self.heard}")

    def run(self, story: Callable[[Rig], Awaitable[None]]) -> None:
        async def whole() -> None:
            difference_us = (time.time_ns() - time.monotonic_ns()) // 1_000
            self.player.time(SetTime(0, difference_us))
            running = asyncio.create_task(self.player.run())
            try:
                await story(self)
            finally:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)

        asyncio.run(whole())


def children() -> list[int]:
    me = os.getpid()
    listed = [int(pid) for pid in Path(f"/proc/{me}/task/{me}/children").read_text().split()]
    return [pid for pid in listed if b"agent.player" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def play_now(token: str) -> PlayCue:
    return PlayCue(Cue(token, 0, (TONE,), time.time_ns() // 1_000_000, 0, join=False))


@pytest.fixture(autouse=True)
def on_the_card(card: SoundCard, monkeypatch: pytest.MonkeyPatch) -> None:
    for key, value in card.env().items():
        monkeypatch.setenv(key, value)


def test_the_real_child_plays_and_reports() -> None:
    async def story(rig: Rig) -> None:
        await rig.until(PlayerReady)
        rig.player.play(play_now("a"))
        await rig.until(SoundStarted)
        progress = await rig.until(SoundProgress)
        assert progress.level_cdb is not None
        assert progress.level_cdb > -6_000
        rig.player.stop(StopCue("a"))
        assert (await rig.until(SoundEnded)).reason == "stopped"
        assert rig.player.stuck() == ""

    Rig().run(story)


@pytest.mark.parametrize(
    ("sign", "warm_standby", "bound_s"),
    [(signal.SIGKILL, False, 3.0), (signal.SIGKILL, True, 3.0), (signal.SIGSTOP, False, 6.0)],
    ids=["killed", "killed with a spare", "frozen"],
)
def test_sound_is_back_in_time_after_the_child_is(
    sign: signal.Signals, warm_standby: bool, bound_s: float
) -> None:
    """3 s after a kill; a frozen child costs the 2.5 s until its silence is believed on top."""

    async def story(rig: Rig) -> None:
        await rig.until(PlayerReady)
        rig.player.play(play_now("a"))
        await rig.until(SoundStarted)
        if warm_standby:
            await asyncio.sleep(1.0)
        began = time.monotonic()
        os.kill(children()[0], sign)
        await rig.until(PlayerLost)
        await rig.until(PlayerReady, 2)
        rig.player.play(play_now("b"))
        await rig.until(SoundStarted, 2)
        assert time.monotonic() - began < bound_s
        await rig.player.quit(fade_ms=20, within_s=2)
        assert children() == []

    Rig(warm_standby=warm_standby).run(story)
