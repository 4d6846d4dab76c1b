"""Heard at the card: programmes alike, nothing above the ceiling, silence noticed in time."""

# ruff: noqa: T201  (figures, shown by `pytest -s`)
from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from agent.adapters.player import Files, Player
from agent.core.effects import PlayCue, RestartSound, SetGain, SetTime
from agent.core.events import PlayerReady, SoundHeard, SoundStarted
from agent.core.loudness import Levels, levelled
from agent.measuring.__main__ import Line, Measured
from agent.measuring.ebu import LoudnessMeter
from agent.player import protocol as p
from simulator.measure import programme
from simulator.soundcard import Recorder, SoundCard, encode

pytestmark = [
    pytest.mark.skipif(
        not all(map(shutil.which, ("pulseaudio", "parec", "ffmpeg"))),
        reason="needs pulseaudio, pulseaudio-utils and ffmpeg",
    ),
    pytest.mark.slow,
]

RATE = 48_000
LEVELS = Levels()


@pytest.fixture(scope="module")
def card() -> Iterator[SoundCard]:
    with SoundCard(sinks={"level": 1}) as one:
        yield one


@pytest.fixture(autouse=True)
def on_the_card(card: SoundCard, monkeypatch: pytest.MonkeyPatch) -> None:
    for key, value in card.env().items():
        monkeypatch.setenv(key, value)


def measured(path: Path) -> Measured:
    argv = [sys.executable, "-m", "agent.measuring", str(path), "--share", "1"]
    done = subprocess.run(argv, capture_output=True, timeout=60, check=True)
    last = msgspec.json.decode(done.stdout.splitlines()[-1], type=Line)
    assert isinstance(last, Measured), last
    return last


def loudness(samples: NDArray[np.float32]) -> tuple[float, float]:
    """LUFS and dBTP of a stretch of the recording."""
    with LoudnessMeter(RATE) as meter:
        meter.add(np.rint(samples * 32_767).astype(np.int16))
        assert meter.loudness_lufs is not None
        assert meter.true_peak_dbtp is not None
        return meter.loudness_lufs, meter.true_peak_dbtp


def now_ms() -> int:
    return time.time_ns() // 1_000_000


class Ear:
    """A player on the card, what it says, and a recording of it."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.events: list[object] = []
        self.times: list[float] = []
        command = [sys.executable, "-m", "agent.player", "--device", "level", "--buses", "1"]
        self.player = Player(command, self._take, Files(str))
        self.player.time(SetTime(0, (time.time_ns() - time.monotonic_ns()) // 1_000))

    def _take(self, event: object) -> None:
        self.events.append(event)
        self.times.append(time.monotonic())

    async def until(self, kind: type, count: int = 1, within_s: float = 20.0) -> int:
        """The place in `events` of the so manyth event of this kind."""
        end = time.monotonic() + within_s
        while time.monotonic() < end:
            found = [n for n, event in enumerate(self.events) if isinstance(event, kind)]
            if len(found) >= count:
                return found[count - 1]
            await asyncio.sleep(0.005)
        raise AssertionError(f"heard only {self.events}")


def test_a_loud_and_a_quiet_file_leave_alike_and_below_the_ceiling(
    card: SoundCard, tmp_path: Path
) -> None:
    """A file at -3 dBFS, one 18 dB below it, and one raised far into the limiter."""
    length_s = 2.5
    sound = programme(length_s, seed=71)
    sound = sound / np.float32(np.max(np.abs(sound)))
    paths = [
        encode((sound * np.float32(height)).astype(np.float32), tmp_path / name)
        for height, name in ((0.7, "loud.mp3"), (0.09, "quiet.wav"), (0.9, "hot.wav"))
    ]
    known = {str(path): measured(path).loudness for path in paths}
    parts = tuple(p.Part((p.Source("file", str(path)),)) for path in paths)
    loud, quiet, hot = levelled(parts, known.get, LEVELS, klass=3)
    hot = p.Part((p.Source("file", str(paths[2]), gain_cdb=1_200),))

    async def story(ear: Ear) -> list[tuple[float, float]]:
        running = asyncio.create_task(ear.player.run())
        try:
            await ear.until(PlayerReady)
            begin_ms = now_ms() + 500
            every_ms = round(1_000 * length_s) + 500
            for number, part in enumerate((loud, quiet, hot)):
                start_ms = begin_ms + number * every_ms
                ear.player.play(PlayCue(p.Cue(f"c{number}", 0, (part,), start_ms, 0)))
            await asyncio.to_thread(
                ear.recorder.wait_until_wall_ms, begin_ms + 3 * every_ms + 300, 40.0
            )
            found = []
            for number in range(3):
                low = round(ear.recorder.frame_of_wall_ms(begin_ms + number * every_ms - 50))
                high = low + round((length_s + 0.3) * RATE)
                found.append(loudness(ear.recorder.samples(0)[low:high]))
            return found
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    with card.record("level") as recorder:
        heard = asyncio.run(story(Ear(recorder)))
    print({name: f"{a:.2f} LUFS {b:.2f} dBTP" for name, (a, b) in zip("LQH", heard, strict=True)})
    target = LEVELS.target_clufs / 100
    assert heard[0][0] == pytest.approx(target, abs=1.0)
    assert heard[1][0] == pytest.approx(heard[0][0], abs=1.0)
    assert all(dbtp <= LEVELS.ceiling_cdb / 100 + 0.1 for _, dbtp in heard)
    assert heard[2][1] > -2.0  # the limiter had something to do


def test_what_is_alive_but_silent_is_found_within_five_seconds_and_sounds_again(
    card: SoundCard,
) -> None:
    """Its gain falls to nothing, as a fault in the mixer would have it: all else is well."""
    tone = p.Part((p.Source("tone", tone_hz=(800,)),), length_ms=60_000)

    def cue(token: str) -> PlayCue:
        return PlayCue(p.Cue(token, 0, (tone,), now_ms(), 0, join=False))

    async def story(ear: Ear) -> tuple[float, float]:
        running = asyncio.create_task(ear.player.run())
        try:
            await ear.until(PlayerReady)
            ear.player.play(cue("a"))
            await ear.until(SoundStarted)
            first = ear.events[await ear.until(SoundHeard)]
            assert isinstance(first, SoundHeard)
            assert first.kind == "sound"
            assert first.level_cdb == pytest.approx(-903, abs=30)
            began = time.monotonic()
            ear.player.gain(SetGain("a", -12_000))
            place = await ear.until(SoundHeard, 2)
            second = ear.events[place]
            assert isinstance(second, SoundHeard)
            assert second.kind == "silent"
            found_s = ear.times[place] - began
            repairing = time.monotonic()
            ear.player.restart(RestartSound("silent"))
            await ear.until(PlayerReady, 2)
            ear.player.play(cue("b"))
            place = await ear.until(SoundStarted, 2)
            back_s = ear.times[place] - repairing
            third = ear.events[await ear.until(SoundHeard, 3)]
            assert isinstance(third, SoundHeard)
            assert third.kind == "sound"
            return found_s, back_s
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    with card.record("level") as recorder:
        found_s, back_s = asyncio.run(story(Ear(recorder)))
    print(f"found after {found_s:.2f} s, sound {back_s:.2f} s after the repair began")
    assert found_s < 5.0
    assert back_s < 3.0
