"""Ours and the peers behind the same four verbs, so that one clock drives all of them.

Owns how each one is started and told to play: `arm` gives it the programme ahead of time, `fire` is
called at the instant itself for those that cannot be told an instant, `settle` brings it back to
rest. Each plays to a sink of its own on one virtual card. Judges nothing.

Every peer is run as well as its ordinary means allow: configured for this card alone, warm where it
can be kept warm, on unix sockets or 127.0.0.1. Whatever is started here dies
with this process.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from agent.player import protocol as p
from simulator.bench import processes
from simulator.soundcard import PlayerChild, SoundCard
from simulator.soundcard.tied import TiedProcess

NICENESS = -10
"""What the service unit of the agent asks for; the peers get the same."""

READY_S = 20.0
NOBODY = 65_534


class PeerError(Exception):
    """A peer did not do what was asked; the message says what."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a player plays, and where it may write."""

    card: SoundCard
    sink: str
    folder: Path

    def env(self) -> dict[str, str]:
        """Nobody's home, and this sink for whatever asks PulseAudio for none."""
        home = str(self.folder)
        env = dict(self.card.env(), PULSE_SINK=self.sink, HOME=home, LC_ALL="C.UTF-8")
        for name in ("CONFIG", "CACHE", "DATA", "RUNTIME", "MUSIC"):
            env[f"XDG_{name}_HOME" if name != "RUNTIME" else "XDG_RUNTIME_DIR"] = home
        return env


class Player:
    """What is measured. `needs` are programs on PATH; `version` asks the first of them."""

    name: ClassVar[str]
    how: ClassVar[str]
    needs: ClassVar[tuple[str, ...]] = ()
    ask_version: ClassVar[tuple[str, ...]] = ()

    def __init__(self, place: Place) -> None:
        self.place = place
        self._running = contextlib.ExitStack()

    def open(self) -> None:
        """Start what stays running; returns when it answers."""

    def arm(self, programme: Path, at_ms: int, /) -> None:
        """Make ready what can be made ready before the instant."""

    def fire(self) -> None:
        """Called at the instant."""

    def settle(self) -> None:
        """The programme is over: back to rest."""

    def close(self) -> None:
        self._running.close()

    def pids(self) -> tuple[int, ...]:
        """The programs that stay running."""
        return ()

    @classmethod
    def missing(cls) -> str:
        """The first program that is not there; empty when all are."""
        return next((one for one in cls.needs if shutil.which(one) is None), "")

    @classmethod
    def version(cls) -> str:
        if not cls.ask_version:
            return ""
        asked = subprocess.run(
            cls.ask_version, check=False, capture_output=True, text=True, timeout=20
        )
        return first_version(asked.stdout + asked.stderr)

    def _start(self, *argv: str) -> TiedProcess:
        process = TiedProcess(argv, self.place.env(), niceness=NICENESS)
        self._running.callback(process.close)
        return process


def first_version(said: str) -> str:
    """The first thing in a program's answer that looks like a version."""
    found = re.search(r"\d+\.\d+(\.\d+)*", said)
    return found.group() if found else "?"


def below(process: TiedProcess) -> Iterator[int]:
    """The program of a tied process and its children, without the shells that hold it."""
    for pid in processes.tree(process.pid):
        with contextlib.suppress(OSError):
            if Path(f"/proc/{pid}/comm").read_text("utf-8").strip() not in ("sh", "dash", "bash"):
                yield pid


def await_(what: str, look: Callable[[], object], limit_s: float = READY_S) -> None:
    """Until `look` says yes; what it cannot reach yet counts as no."""
    limit = time.monotonic() + limit_s
    while time.monotonic() < limit:
        with contextlib.suppress(OSError, http.client.HTTPException):
            if look():
                return
        time.sleep(0.02)
    raise PeerError(f"{what} did not come within {limit_s:.0f} s")


# --- ours --------------------------------------------------------------------------------------


class Ours(Player):
    name = "commune-radio, sound child"
    how = "cue with its instant, sent 0.9 s ahead through the protocol"

    def open(self) -> None:
        place = self.place
        self._child = PlayerChild(place.card.env(), place.sink, place.card.sinks[place.sink])
        self._running.callback(self._child.close)
        self._child.wait(p.Ready)
        self._count = 0

    def arm(self, programme: Path, at_ms: int, /) -> None:
        self._count += 1
        parts = (p.Part((p.Source("file", str(programme)),)),)
        self._child.send(p.Cue(f"{self.place.sink}-{self._count}", 0, parts, at_ms, 0, join=True))

    def settle(self) -> None:
        self._child.send(p.Stop(f"{self.place.sink}-{self._count}"))

    def underruns(self) -> int:
        """How often its card ran dry so far, as the card told it."""
        pulses = self._child.all(p.Pulse)
        return pulses[-1].underruns if pulses else 0


# --- processes started by a timer --------------------------------------------------------------


class _Process(Player):
    """A new process for each programme, begun at the instant, as `at` or a timer unit would."""

    def arm(self, programme: Path, _at_ms: int, /) -> None:
        self._programme = programme

    def fire(self) -> None:
        self._process = self._start(*self._argv(str(self._programme)))

    def settle(self) -> None:
        self._running.close()

    def _argv(self, programme: str) -> Sequence[str]:
        raise NotImplementedError


class MpvProcess(_Process):
    name = "mpv"
    how = "process started at the instant"
    needs = ("mpv",)
    ask_version = ("mpv", "--version")

    def _argv(self, programme: str) -> Sequence[str]:
        return "mpv", "--no-config", "--no-video", "--really-quiet", "--ao=pulse", programme


class CvlcProcess(_Process):
    name = "cvlc"
    how = "process started at the instant" + (
        "" if os.geteuid() else ", as nobody, for it refuses root"
    )
    needs = ("cvlc",)
    ask_version = ("dpkg-query", "-W", "-f", "${Version}", "vlc-bin")

    def open(self) -> None:
        if os.geteuid() == 0:
            # Its way to the card's socket leads through a folder that is root's alone.
            Path(self.place.card.server.removeprefix("unix:")).parent.chmod(0o711)
            os.chown(self.place.folder, NOBODY, NOBODY)

    def _argv(self, programme: str) -> Sequence[str]:
        other = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
        cvlc = ("cvlc", "--quiet", "--no-video", "--aout=pulse", "--play-and-exit", programme)
        return (*other, *cvlc) if os.geteuid() == 0 else cvlc


# --- libVLC as a library -----------------------------------------------------------------------


class PlainVlc(Player):
    name = "libVLC, plain"
    how = "python-vlc in a warm process, media set before, `play()` at the instant"

    def open(self) -> None:
        argv = [sys.executable, "-m", "simulator.bench.peers.plain_vlc"]
        self._process = subprocess.Popen(
            argv, env=self.place.env(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )
        self._running.callback(self._hang_up)
        if self._process.stdout is None or self._process.stdout.readline() != b"ready\n":
            raise PeerError("libVLC did not start")

    def _hang_up(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        try:
            self._process.wait(3)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(3)

    def _write(self, line: str) -> None:
        if self._process.stdin is not None:
            self._process.stdin.write(line.encode() + b"\n")

    def arm(self, programme: Path, at_ms: int, /) -> None:
        self._write(f"{at_ms} {programme}")

    def settle(self) -> None:
        self._write("0")

    @classmethod
    def version(cls) -> str:
        import vlc

        return first_version(vlc.libvlc_get_version().decode())
