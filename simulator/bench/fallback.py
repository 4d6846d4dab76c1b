"""What a village hears while a relay's source is lost: the real child, real servers, a recording.

`python -m simulator.bench.fallback [--rounds 3] [--cases stalled-file …]` loses a live source in
several ways and prints for how long nothing was heard, from the recording of a virtual card.
"""

from __future__ import annotations

import argparse
import contextlib
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agent.player import protocol as p
from simulator.relay import Icecast, Playlist
from simulator.soundcard import PlayerChild, Recorder, SoundCard, encode

SINK = "tan-lien"
STUDIO_HZ, SPARE_HZ, BACKUP_HZ = 440, 900, 620
SOUNDS_S = 6.0
"""So long a source sounds before it is lost."""
LISTEN_S = 16.0
_QUIET = 0.005


@dataclass(frozen=True)
class Lost:
    """One loss. silent_ms: without sound after it; hole_ms: the longest stretch of that.
    took_over_ms: until another source was heard, by the child's report; None: none was.
    changes: how often the source on the air changed."""

    silent_ms: int
    hole_ms: int
    took_over_ms: int | None
    changes: int


@dataclass
class Place:
    """A child on a recorded card, and what may stand in."""

    child: PlayerChild
    recorder: Recorder
    folder: Path
    plays: int = 0

    def spare(self) -> p.Source:
        """A recording of a minute."""
        file = self.folder / "spare.wav"
        if not file.exists():
            at = np.arange(60 * p.RATE_HZ) / p.RATE_HZ
            encode(np.asarray(0.3 * np.sin(2 * np.pi * SPARE_HZ * at), np.float32), file)
        return p.Source("file", str(file))

    def play(self, *sources: p.Source, retake: p.Retake = "at_once") -> str:
        """Begin a relay; returns its token when it has sounded for a while."""
        self.plays += 1
        token, start_ms = f"relay-{self.plays}", time.time_ns() // 1_000_000 + 300
        part = p.Part(sources, length_ms=300_000, retake=retake)
        self.child.send(p.Cue(token, 0, (part,), start_ms, 0, end_at_ms=start_ms + 300_000))
        self.child.wait(p.Started, token, limit_s=30)
        time.sleep(SOUNDS_S)
        return token

    def after(self, token: str, lose: Callable[[], None]) -> Lost:
        """Lose the source and listen."""
        at_ms = time.time_ns() // 1_000_000
        lose()
        time.sleep(max(0.0, at_ms / 1_000 + LISTEN_S - time.time()))
        until_ms = time.time_ns() // 1_000_000
        self.recorder.wait_until_wall_ms(until_ms)
        low, high = (round(self.recorder.frame_of_wall_ms(ms)) for ms in (at_ms, until_ms - 100))
        quiet = quiet_ms(self.recorder.samples(0, low, high))
        begun = [one for one in self.child.all(p.PartStarted, token) if one.at_ms > at_ms]
        self.child.send(p.Stop(token))
        self.child.wait(p.Ended, token)
        first = begun[0].at_ms - at_ms if begun else None
        return Lost(int(quiet.sum()), longest(quiet), first, len(begun))


def quiet_ms(sound: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which milliseconds are silent."""
    whole = sound[: len(sound) // 48 * 48].reshape(-1, 48)
    return np.asarray(np.max(np.abs(whole), axis=1) < _QUIET, np.bool_)


def longest(quiet: NDArray[np.bool_]) -> int:
    """The longest run of them."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], quiet, [False])).astype(np.int8)))
    return int(np.max(edges[1::2] - edges[::2], initial=0))


def studio(hertz: int = STUDIO_HZ) -> list[str]:
    """A tone, as ffmpeg's input."""
    return ["-f", "lavfi", "-i", f"sine=frequency={hertz}:sample_rate=44100"]


def stream(url: str) -> p.Source:
    """As a timetable has it."""
    return p.Source("stream", url, silent_ms=20_000)


# --- the cases ------------------------------------------------------------------------------


def stalled_with_a_file(place: Place) -> Lost:
    with Icecast() as server, server.send("a.mp3", studio()) as sender:
        server.await_sound("a.mp3")
        token = place.play(stream(server.url("a.mp3")), place.spare())
        return place.after(token, sender.freeze)


def stalled_with_a_stream(place: Place) -> Lost:
    with (
        Icecast() as server,
        server.send("a.mp3", studio()) as sender,
        server.send("b.mp3", studio(BACKUP_HZ)),
    ):
        server.await_sound("a.mp3")
        server.await_sound("b.mp3")
        token = place.play(stream(server.url("a.mp3")), stream(server.url("b.mp3")), place.spare())
        return place.after(token, sender.freeze)


def stalled_with_a_dead_backup(place: Place) -> Lost:
    """The backup's server takes the connection and says nothing."""
    with (
        Icecast() as server,
        server.send("a.mp3", studio()) as sender,
        socket.create_server(("127.0.0.1", 0)) as mute,
    ):
        server.await_sound("a.mp3")
        dead = stream(f"http://127.0.0.1:{mute.getsockname()[1]}/b.mp3")
        token = place.play(stream(server.url("a.mp3")), dead, place.spare())
        return place.after(token, sender.freeze)


def killed(place: Place) -> Lost:
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(Icecast())
        stack.enter_context(server.send("a.mp3", studio()))
        server.await_sound("a.mp3")
        token = place.play(stream(server.url("a.mp3")), place.spare())
        return place.after(token, server.kill)


def segments_gone(place: Place) -> Lost:
    with (
        tempfile.TemporaryDirectory(dir=place.folder) as folder,
        Playlist(Path(folder), STUDIO_HZ) as one,
    ):
        token = place.play(stream(one.url), place.spare())
        return place.after(token, one.take_away)


def short_stalls(place: Place) -> Lost:
    """A thin line: six times nothing for two seconds, with some seconds in between."""
    with Icecast() as server, server.send("a.mp3", studio()) as sender:
        server.await_sound("a.mp3")
        token = place.play(stream(server.url("a.mp3")), place.spare())

        def lose() -> None:
            for _ in range(6):
                sender.freeze()
                time.sleep(2.0)
                sender.go_on()
                time.sleep(6.0)

        return place.after(token, lose)


CASES: dict[str, Callable[[Place], Lost]] = {
    "stalled-file": stalled_with_a_file,
    "stalled-stream": stalled_with_a_stream,
    "stalled-dead-backup": stalled_with_a_dead_backup,
    "killed": killed,
    "segments-gone": segments_gone,
    "short-stalls": short_stalls,
}


@contextlib.contextmanager
def place() -> Iterator[Place]:
    """A child with its card and recorder."""
    with (
        tempfile.TemporaryDirectory() as folder,
        SoundCard(sinks={SINK: 1}) as card,
        card.record(SINK) as recorder,
        PlayerChild(card.env(), SINK, 1) as child,
    ):
        child.wait(p.Ready)
        yield Place(child, recorder, Path(folder))


def row(name: str, found: Sequence[Lost]) -> str:
    """One line for people."""
    over = [one.took_over_ms for one in found if one.took_over_ms is not None]
    return (
        f"{name:<22} hole {[one.hole_ms for one in found]} ms, "
        f"silent in all {[one.silent_ms for one in found]} ms, "
        f"next source heard after {over} ms, changes {[one.changes for one in found]}"
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m simulator.bench.fallback")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cases", nargs="+", choices=list(CASES), default=list(CASES))
    arguments = parser.parse_args(argv)
    for name in arguments.cases:
        found = []
        for _ in range(arguments.rounds):
            with place() as one:
                found.append(CASES[name](one))
        print(row(name, found), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
