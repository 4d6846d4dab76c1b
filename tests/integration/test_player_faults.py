"""Faults of card and sources on the real child: each ends in recovery or under its name, in time.

The agent's side of the child watches, a real PulseAudio is the card, real files and servers are
the sources. The agent's process is never started anew.
"""

from __future__ import annotations

import asyncio
import http.server
import os
import random
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from agent.adapters.player import Files, Player
from agent.core.effects import PlayCue, SetTime
from agent.core.events import PlayerLost, PlayerReady, SoundEnded, SoundStarted, SourceGaveUp
from agent.player import protocol as p
from agent.player.protocol import Cue, Part, Source
from simulator.measure import programme
from simulator.soundcard import PlayerChild, SoundCard, encode

NEEDED = ("pulseaudio", "parec", "pactl", "ffmpeg")
pytestmark = [
    pytest.mark.skipif(not all(map(shutil.which, NEEDED)), reason=f"needs {', '.join(NEEDED)}"),
    pytest.mark.slow,
]

T = TypeVar("T")
SINK = "cong"
TONE = Source("tone", tone_hz=(800,))


class Rig:
    """The agent's side of a real child on its own card."""

    def __init__(self, card: SoundCard, monkeypatch: pytest.MonkeyPatch) -> None:
        for key, value in card.env().items():
            monkeypatch.setenv(key, value)
        self.card = card
        self.heard: list[Any] = []
        command = [sys.executable, "-m", "agent.player", "--device", SINK, "--buses", "1"]
        self.player = Player(command, self.heard.append, Files(str))

    async def until(self, kind: type[T], count: int = 1, limit_s: float = 15.0) -> T:
        limit = time.monotonic() + limit_s
        while time.monotonic() < limit:
            found = [one for one in self.heard if isinstance(one, kind)]
            if len(found) >= count:
                return found[count - 1]
            await asyncio.sleep(0.005)
        raise AssertionError(f"no {kind.__name__} {count} within {limit_s} s: {self.heard}")

    def play(self, token: str, *sources: Source, length_ms: int = 60_000) -> None:
        part = Part(sources, length_ms=length_ms)
        self.player.play(PlayCue(Cue(token, 0, (part,), time.time_ns() // 1_000_000, 0)))

    def run(self, story: Callable[[Rig], Awaitable[None]]) -> None:
        async def whole() -> None:
            difference_us = (time.time_ns() - time.monotonic_ns()) // 1_000
            self.player.time(SetTime(0, difference_us))
            running = asyncio.create_task(self.player.run())
            try:
                await self.until(PlayerReady)
                await story(self)
            finally:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)

        asyncio.run(whole())


@pytest.fixture
def rig(monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    with SoundCard(sinks={SINK: 1}) as card:
        yield Rig(card, monkeypatch)


def unplug(card: SoundCard) -> None:
    """Take the sink away, as pulling a USB card out does."""
    listed = card.pactl("list", "short", "modules").splitlines()
    [number] = [line.split()[0] for line in listed if f"sink_name={SINK} " in f"{line} "]
    card.pactl("unload-module", number)


def plug_in(card: SoundCard) -> None:
    """The same card again, at another index: another one came first."""
    for name in ("khac", SINK):
        card.pactl(
            "load-module", "module-null-sink", f"sink_name={name}", "rate=48000", "channels=1"
        )


def test_a_wrong_name_is_answered_with_those_that_exist() -> None:
    with (
        SoundCard(sinks={SINK: 1}) as card,
        PlayerChild(card.env(), "khong-co", 1) as child,
    ):
        told = child.wait(p.Trouble)
        assert told.why == "no_device"
        assert told.detail.startswith("no output 'khong-co'")
        assert told.detail.endswith(f"there are: {SINK}, default")
        assert child.exit_status() == 3


def test_a_card_that_was_pulled_out_is_found_again_at_another_place(rig: Rig) -> None:
    async def story(rig: Rig) -> None:
        rig.play("a", TONE)
        await rig.until(SoundStarted)
        before = rig.card.pactl("list", "short", "sinks").split()[0]
        unplug(rig.card)
        lost = await rig.until(PlayerLost, limit_s=8)
        assert lost.why in ("device_lost", "callback_frozen", "no_device", "hung")
        await asyncio.sleep(1.0)
        plug_in(rig.card)
        came = time.monotonic()
        assert before not in rig.card.pactl("list", "short", "sinks").split()
        await rig.until(PlayerReady, 2, limit_s=15)
        rig.play("b", TONE)
        await rig.until(SoundStarted, 2)
        assert time.monotonic() - came < 10

    rig.run(story)


def test_a_card_that_stops_asking_is_noticed_and_used_again_when_it_goes_on(rig: Rig) -> None:
    async def story(rig: Rig) -> None:
        rig.play("a", TONE)
        await rig.until(SoundStarted)
        began = time.monotonic()
        rig.card.hold_still()
        lost = await rig.until(PlayerLost, limit_s=6)
        assert lost.why in ("callback_frozen", "hung")
        assert time.monotonic() - began < 4
        await asyncio.sleep(0.5)
        rig.card.go_on()
        await rig.until(PlayerReady, 2, limit_s=20)
        rig.play("b", TONE)
        await rig.until(SoundStarted, 2)

    rig.run(story)


def test_a_card_that_is_not_there_at_first_is_waited_for(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    unplug(rig.card)

    async def plugged_late() -> None:
        running = asyncio.create_task(rig.player.run())
        try:
            rig.player.time(SetTime(0, (time.time_ns() - time.monotonic_ns()) // 1_000))
            lost = await rig.until(PlayerLost, limit_s=12)
            assert lost.why in ("no_device", "device_lost")  # ALSA still knows its name
            plug_in(rig.card)
            await rig.until(PlayerReady, limit_s=15)
            rig.play("a", TONE)
            await rig.until(SoundStarted)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    asyncio.run(plugged_late())


def test_a_card_of_another_rate_sounds_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    with SoundCard(sinks={SINK: 1}, rate_hz=44_100) as card:

        async def story(rig: Rig) -> None:
            rig.play("a", TONE, length_ms=600)
            await rig.until(SoundStarted)
            assert (await rig.until(SoundEnded)).reason == "finished"

        Rig(card, monkeypatch).run(story)


def test_a_file_whose_storage_hangs_gives_way_to_the_next_source(rig: Rig, tmp_path: Path) -> None:
    """A named pipe that nobody writes to: opening it blocks, as a dying card does."""
    pipe = tmp_path / "hangs.mp3"
    os.mkfifo(pipe)

    async def story(rig: Rig) -> None:
        began = time.monotonic()
        rig.play("a", Source("file", str(pipe)), TONE)
        gave_up = await rig.until(SourceGaveUp, limit_s=8)
        assert gave_up.fault in ("not_audio", "decoder_hung")
        await rig.until(SoundStarted)
        assert time.monotonic() - began < 6
        spare = [one for one in rig.heard if isinstance(one, PlayerLost)]
        assert spare == [], "one file must not cost the child"

    rig.run(story)


@pytest.mark.parametrize("kind", ["noise.mp3", "noise.m4a", "torn.mp3", "torn.opus", "torn.flac"])
def test_garbage_gives_way_to_the_next_source(rig: Rig, tmp_path: Path, kind: str) -> None:
    stem, _, ending = kind.partition(".")
    chance = random.Random(kind)
    if stem == "noise":
        data = b"\xff\xfb\x90\x00" + chance.randbytes(60_000)
    else:
        whole = bytearray(encode(programme(3.0, seed=5), tmp_path / f"a.{ending}").read_bytes())
        for _ in range(400):
            whole[chance.randrange(200, len(whole))] = chance.randrange(256)
        data = bytes(whole)
    (tmp_path / kind).write_bytes(data)

    async def story(rig: Rig) -> None:
        rig.play("a", Source("file", str(tmp_path / kind)), TONE, length_ms=5_000)
        ended = await rig.until(SoundEnded, limit_s=15)
        assert ended.reason in ("finished", "end_reached")
        assert not [one for one in rig.heard if isinstance(one, PlayerLost)]

    rig.run(story)


class Segments(http.server.BaseHTTPRequestHandler):
    """A live playlist whose segments are gone after the second one."""

    folder: Path

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        file = self.folder / self.path.lstrip("/")
        if not file.is_file() or self.path in ("/part2.ts", "/part3.ts"):
            self.send_error(404)
            return
        data = file.read_bytes()
        kind = "application/vnd.apple.mpegurl" if file.suffix == ".m3u8" else "video/mp2t"
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@pytest.fixture
def playlist(tmp_path: Path) -> Iterator[str]:
    command = [
        "ffmpeg",
        "-loglevel",
        "error",
        "-f",
        "lavfi",
        "-i",
        "sine=duration=8",
        "-c:a",
        "aac",
    ]
    command += ["-f", "hls", "-hls_time", "2", "-hls_list_size", "0"]
    subprocess.run(
        [*command, "-hls_segment_filename", "part%d.ts", "a.m3u8"], cwd=tmp_path, check=True
    )
    text = (tmp_path / "a.m3u8").read_text().replace("#EXT-X-ENDLIST\n", "")
    (tmp_path / "a.m3u8").write_text(text)
    Segments.folder = tmp_path
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Segments) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/a.m3u8"
        server.shutdown()
        thread.join()


def test_segments_that_are_gone_in_the_middle_of_a_stream_end_under_a_name(
    rig: Rig, playlist: str
) -> None:
    async def story(rig: Rig) -> None:
        began = time.monotonic()
        rig.play("a", Source("stream", playlist), TONE)
        gave_up = await rig.until(SourceGaveUp, limit_s=20)
        assert gave_up.fault in ("ended_early", "stalled", "not_audio", "refused")
        await rig.until(SoundStarted)
        assert time.monotonic() - began < 20

    rig.run(story)
