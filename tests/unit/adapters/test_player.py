"""The parent of the sound child, with children that speak the protocol and misbehave on request."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from agent.adapters.player import Files, Player, broke_off_ms, is_told
from agent.core.effects import (
    CompareReturn,
    PlayCue,
    RestartSound,
    SetGain,
    SetTime,
    StopCue,
    WatchSound,
)
from agent.core.events import (
    AudioSeen,
    PlayerLost,
    PlayerReady,
    ReturnCompared,
    SoundEnded,
    SoundHeard,
    SoundProgress,
    SoundReturned,
    SoundStarted,
    SourceGaveUp,
)
from agent.player.protocol import Cue, Part, Source

FAKE = str(Path(__file__).with_name("fake_child.py"))
T = TypeVar("T")


def cue(token: str, *urls: str) -> Cue:
    sources = tuple(Source("file", url) for url in urls)
    return Cue(token, 0, (Part(sources),) if sources else (), 1_000, 0)


async def wait_for(wanted: Callable[[], bool]) -> None:
    """Poll what nobody announces; bounded."""
    for _ in range(2_000):
        if wanted():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it did not happen in time")


class Rig:
    """A player with a child of some manner, and what was heard of it."""

    def __init__(self, manner: str, **options: Any) -> None:
        self.heard: list[Any] = []
        self.pinned: list[str] = []
        files = Files(lambda url: f"/store/{url}", self.pinned.append, self.pinned.remove)
        options.setdefault("pauses_s", (0.0, 0.01))
        options.setdefault("pulse_within_s", 0.3)
        command = [sys.executable, FAKE, manner]
        self.player = Player(command, self.heard.append, files, **options)
        self.player.time(SetTime(0, 1_000))

    async def until(self, kind: type[T], count: int = 1) -> T:
        await wait_for(lambda: len(self.of(kind)) >= count)
        return self.of(kind)[count - 1]

    def of(self, kind: type[T]) -> list[T]:
        return [one for one in self.heard if isinstance(one, kind)]

    def run(self, story: Callable[[Rig], Awaitable[None]]) -> None:
        async def whole() -> None:
            running = asyncio.create_task(self.player.run())
            try:
                await story(self)
            finally:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)

        asyncio.run(whole())


def test_a_child_gets_ready_and_plays() -> None:
    async def story(rig: Rig) -> None:
        assert await rig.until(PlayerReady) == PlayerReady("fake", 43)
        rig.player.play(PlayCue(cue("a")))
        assert await rig.until(SoundStarted) == SoundStarted("a", 0, 0, 0, 1_000)
        rig.player.stop(StopCue("a"))
        ended = await rig.until(SoundEnded)
        assert (ended.reason, ended.played_ms, ended.underruns) == ("stopped", 2_500, 2)

    Rig("good").run(story)


def test_files_are_given_by_path_and_stay_pinned_while_the_cue_lives(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def story(rig: Rig) -> None:
        await rig.until(PlayerReady)
        rig.player.play(PlayCue(cue("a", "content:abc", "speech:k", "http://live")))
        assert rig.pinned == ["content:abc", "speech:k"]
        await rig.until(SoundStarted)
        rig.player.stop(StopCue("a"))
        await rig.until(SoundEnded)
        assert rig.pinned == []

    with caplog.at_level(logging.INFO, logger="agent"):
        Rig("good").run(story)
    told = "".join(caplog.messages)
    assert '"url":"/store/content:abc"' in told
    assert '"url":"http://live"' in told


def test_what_left_the_mixer_is_told_when_it_is_heard_and_while_it_is_not() -> None:
    async def story(rig: Rig) -> None:
        await rig.until(PlayerReady)
        rig.player.play(PlayCue(cue("unheard")))
        await rig.until(SoundHeard, 4)
        rig.player.stop(StopCue("unheard"))
        await rig.until(SoundEnded)
        told = [(one.kind, one.for_ms) for one in rig.of(SoundHeard)]
        assert told == [("sound", 2_000), ("silent", 4_000), ("silent", 9_000), ("sound", 250)]

    Rig("good").run(story)


def test_the_silence_of_a_source_that_took_over_from_a_silent_one_is_told_as_its_own() -> None:
    async def story(rig: Rig) -> None:
        await rig.until(PlayerReady)
        rig.player.play(PlayCue(cue("both-unheard")))
        await rig.until(SoundHeard, 4)
        assert [one.for_ms for one in rig.of(SoundHeard)] == [4_000, 9_000, 4_250, 9_250]

    Rig("good").run(story)


def test_what_lacks_on_the_return_line_is_told_while_it_lacks_and_once_when_it_is_back() -> None:
    async def story(rig: Rig) -> None:
        await rig.until(PlayerReady)
        rig.player.play(PlayCue(cue("returns")))
        await rig.until(SoundReturned, 3)
        rig.player.compare(CompareReturn("returns", 1_000, 120))
        assert (await rig.until(ReturnCompared)).delay_us == 120
        assert [one.lacks_ms for one in rig.of(SoundReturned)] == [3_600, 8_700, 0]

    Rig("good").run(story)


def test_how_the_card_runs_is_told_once_and_oftener_only_while_somebody_looks() -> None:
    async def story(rig: Rig) -> None:
        assert (await rig.until(AudioSeen)).device == "fake"
        rig.player.play(PlayCue(cue("unheard")))
        await rig.until(SoundHeard, 4)
        await asyncio.sleep(0.15)  # five pulses
        assert len(rig.of(AudioSeen)) == 1
        rig.player.watch(WatchSound(300))
        seen = await rig.until(AudioSeen, 3)
        assert [(one.bus, one.kind, one.level_cdb) for one in seen.buses] == [(0, "sound", -2_000)]
        rig.player.stop(StopCue("unheard"))
        await rig.until(SoundEnded)
        rig.player.watch(WatchSound(300))
        before = len(rig.of(AudioSeen))
        assert (await rig.until(AudioSeen, before + 2)).buses == ()

    Rig("good").run(story)


def test_a_child_that_is_not_heard_is_replaced_and_says_why() -> None:
    async def story(rig: Rig) -> None:
        await rig.until(PlayerReady)
        rig.player.restart(RestartSound("silent"))
        assert (await rig.until(PlayerLost)).why == "silent"
        await rig.until(PlayerReady, 2)

    Rig("good").run(story)


def test_the_same_token_twice_is_one_cue() -> None:
    async def story(rig: Rig) -> None:
        await rig.until(PlayerReady)
        rig.player.play(PlayCue(cue("a", "content:abc")))
        rig.player.play(PlayCue(cue("a", "content:abc")))
        assert rig.pinned == ["content:abc"]
        rig.player.play(PlayCue(cue("b")))
        await rig.until(SoundStarted, 2)
        assert [one.token for one in rig.of(SoundStarted)] == ["a", "b"]

    Rig("good").run(story)


def test_progress_is_told_soon_at_first_and_then_every_ten_seconds() -> None:
    assert [second for second in range(41) if is_told(second)] == [1, 2, 4, 8, 18, 28, 38]


def test_progress_is_told_at_once_when_sound_turns_silent_or_back() -> None:
    async def story(rig: Rig) -> None:
        await rig.until(PlayerReady)
        rig.player.play(PlayCue(cue("levels")))
        await rig.until(SoundProgress, 6)
        rig.player.stop(StopCue("levels"))
        await rig.until(SoundEnded)
        told = [(one.level_cdb, one.part) for one in rig.of(SoundProgress)]
        by_second = [(-1_800, 0), (-1_900, 0), (-9_100, 0)]
        by_change = [(-9_000, 0), (-1_700, 0), (-1_700, 1)]
        assert sorted(told) == sorted(by_second + by_change)

    Rig("good").run(story)


def test_a_source_given_up_is_told() -> None:
    async def story(rig: Rig) -> None:
        await rig.until(PlayerReady)
        rig.player.play(PlayCue(cue("gives-up")))
        assert await rig.until(SourceGaveUp) == SourceGaveUp("gives-up", 0, 1, "not_found", 1_000)

    Rig("good").run(story)


def test_a_killed_child_is_replaced_at_once_and_its_files_are_let_go(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def story(rig: Rig) -> None:
        await rig.until(PlayerReady)
        rig.player.play(PlayCue(cue("a", "content:abc")))
        await rig.until(SoundStarted)
        _kill_child_of(os.getpid())
        lost = await rig.until(PlayerLost)
        assert (lost.why, lost.detail) == ("exited", "status -9")
        assert lost.silent_ms < 1_000  # it sounded until it was killed
        assert rig.pinned == []
        began = asyncio.get_running_loop().time()
        await rig.until(PlayerReady, 2)
        assert asyncio.get_running_loop().time() - began < 3
        rig.player.play(PlayCue(cue("a")))  # the same token again: the new child knows nothing
        await rig.until(SoundStarted, 2)

    Rig("good").run(story)


def test_a_child_gives_large_memory_back_unless_the_technician_wants_it_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "1000000")

    async def story(rig: Rig) -> None:
        await rig.until(PlayerReady)
        [pid] = _children_of(os.getpid())
        told = _environment_of(pid)
        assert b"MALLOC_MMAP_THRESHOLD_=262144" in told
        assert b"MALLOC_TRIM_THRESHOLD_=1000000" in told

    Rig("good").run(story)


def _environment_of(pid: int) -> list[bytes]:
    return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")


def _children_of(parent: int) -> list[int]:
    """The sound children among them."""
    listed = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return [
        int(pid) for pid in listed if FAKE.encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]


def _kill_child_of(parent: int) -> None:
    for pid in _children_of(parent):
        os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("manner", ["silent", "frozen"])
def test_a_child_whose_sound_does_not_move_is_killed_and_replaced(manner: str) -> None:
    async def story(rig: Rig) -> None:
        await rig.until(PlayerReady)
        lost = await rig.until(PlayerLost)
        assert lost.why == "hung"
        assert lost.silent_ms >= 300  # since the last pulse that moved, not since it was given up
        await rig.until(PlayerReady, 2)

    Rig(manner).run(story)


@pytest.mark.parametrize(("moved_ms", "broke_off"), [(11_400, 12_000), (10_000, 10_000), (0, 0)])
def test_the_sound_of_a_child_that_exits_broke_off_then_unless_its_pulse_was_overdue(
    moved_ms: int, broke_off: int
) -> None:
    assert broke_off_ms(moved_ms, 12_000) == broke_off


def test_a_crash_loop_is_told_once() -> None:
    async def story(rig: Rig) -> None:
        assert (await rig.until(PlayerLost)).why == "exited"
        await asyncio.sleep(0.4)
        assert len(rig.heard) == 1
        assert rig.player.stuck() == ""

    Rig("crash").run(story)


def test_a_missing_device_is_told_by_name() -> None:
    async def story(rig: Rig) -> None:
        assert await rig.until(PlayerLost) == PlayerLost("no_device", "nothing there")

    Rig("no_device").run(story)


def test_a_child_of_another_version_is_not_used() -> None:
    async def story(rig: Rig) -> None:
        lost = await rig.until(PlayerLost)
        assert "version 9" in lost.detail
        assert not rig.of(PlayerReady)

    Rig("newer").run(story)


def test_noise_on_the_pipe_is_counted_and_ignored() -> None:
    async def story(rig: Rig) -> None:
        await rig.until(PlayerReady)
        rig.player.play(PlayCue(cue("a")))
        await rig.until(SoundStarted)
        assert rig.player.counted.of("player_bad_line") == 2

    Rig("garbage").run(story)


def test_a_loop_that_was_held_up_does_not_cost_the_child_its_life() -> None:
    async def story(rig: Rig) -> None:
        await rig.until(PlayerReady)
        await asyncio.sleep(0.1)
        held_up = asyncio.get_running_loop().time() + 0.8
        while asyncio.get_running_loop().time() < held_up:
            pass
        await asyncio.sleep(0.2)
        assert not rig.of(PlayerLost)

    Rig("good").run(story)


def test_a_warm_spare_takes_over(caplog: pytest.LogCaptureFixture) -> None:
    async def story(rig: Rig) -> None:
        await rig.until(PlayerReady)
        await wait_for(lambda: len(_children()) == 2)
        for pid in _children()[:1]:
            os.kill(pid, signal.SIGKILL)
        await rig.until(PlayerReady, 2)
        rig.player.gain(SetGain("a", -600))
        rig.player.play(PlayCue(cue("a")))
        await rig.until(SoundStarted)

    Rig("good", warm_standby=True).run(story)


def _children() -> list[int]:
    me = os.getpid()
    listed = [int(pid) for pid in Path(f"/proc/{me}/task/{me}/children").read_text().split()]
    return [pid for pid in listed if FAKE.encode() in Path(f"/proc/{pid}/cmdline").read_bytes()]


def test_quitting_lets_the_child_leave_and_starts_no_other() -> None:
    async def story(rig: Rig) -> None:
        await rig.until(PlayerReady)
        await rig.player.quit(fade_ms=20, within_s=2)
        assert _children() == []
        assert not rig.of(PlayerLost)

    Rig("good").run(story)


def test_without_a_child_nothing_is_played_and_nothing_breaks() -> None:
    rig = Rig("good")
    rig.player.play(PlayCue(cue("a", "content:abc")))
    rig.player.stop(StopCue("a"))
    rig.player.gain(SetGain("a", 0))
    assert rig.pinned == []
