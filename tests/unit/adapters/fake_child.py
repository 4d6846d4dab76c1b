"""Stands in for the sound child: speaks its protocol, makes no sound, misbehaves on request.

argv[1] is the manner; `--standby` waits for the first line before it is ready. Every line it
is told comes back on stderr.
"""

from __future__ import annotations

import json
import os
import select
import sys
import time

PULSE_S = 0.03


def write(fd: int, line: bytes) -> None:
    os.write(fd, line + b"\n")


def read_line() -> bytes:
    """Unbuffered, so that select tells the truth."""
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(0, 1)
        if not byte:
            break
        line += byte
    return line


def say(kind: str, /, **fields: object) -> None:
    write(1, json.dumps({"t": kind, **fields}).encode())


def ready(version: int = 1) -> None:
    say(
        "ready",
        version=version,
        pid=os.getpid(),
        device="fake",
        buses=1,
        rate_hz=48_000,
        frames_per_buffer=2_048,
        latency_ms=43,
    )


def progress(token: str, level_cdb: int | None, part: int = 0) -> None:
    say(
        "progress",
        token=token,
        bus=0,
        part=part,
        position_ms=1_000,
        at_ms=2_000,
        level_cdb=level_cdb,
        peak_cdb=level_cdb,
        underruns=0,
        played_ms=1_000,
    )


def left(token: str, kind: str, for_ms: int) -> None:
    say(
        "heard",
        token=token,
        bus=0,
        part=0,
        source=0,
        position_ms=for_ms,
        at_ms=5_000,
        kind=kind,
        for_ms=for_ms,
        level_cdb=-2_000,
        peak_cdb=-1_000,
    )


def ended(token: str, reason: str) -> None:
    say(
        "ended",
        token=token,
        bus=0,
        reason=reason,
        at_ms=3_000,
        position_ms=2_500,
        part=0,
        played_ms=2_500,
        level_cdb=-1_800,
        underruns=2,
    )


LEFT = {
    "unheard": (
        ("silent", 1_000),
        ("sound", 2_000),
        ("sound", 3_000),
        ("silent", 3_000),
        ("silent", 4_000),
        ("silent", 8_000),
        ("silent", 9_000),
        ("hiss", 250),
        ("sound", 250),
    ),
    "both-unheard": tuple(
        ("silent", for_ms) for for_ms in (4_000, 9_000, 250, 1_250, 4_250, 5_250, 9_250)
    ),
}
"""What is said to leave the card, by the cue's token: kind, and for how long it has."""


def obey(line: bytes) -> None:
    told = json.loads(line)
    write(2, line.strip())
    match told["t"]:
        case "cue":
            token = told["token"]
            say("started", token=token, bus=0, part=0, position_ms=0, at_ms=1_000)
            if token == "levels":
                for level in (-1_800, -1_900, -9_000, -9_100, -1_700, None):
                    progress(token, level)
                progress(token, -1_700, part=1)
            for kind, for_ms in LEFT.get(token, ()):
                left(token, kind, for_ms)
            if token == "returns":
                for lacks_ms in (0, 2_000, 3_600, 4_600, 8_700, 0, 0, None):
                    say("returned", bus=0, at_ms=7_000, kind="silent", lacks_ms=lacks_ms)
            if token == "gives-up":
                say("source_failed", token=token, part=0, source=1, fault="not_found", at_ms=1_000)
        case "compare":
            say("compared", token=told["token"], bus=0, heard=True, delay_us=told["position_ms"])
        case "stop":
            ended(told["token"], "stopped")
        case "quit":
            sys.exit(0)


def main() -> None:
    manner = sys.argv[1]
    if "--standby" in sys.argv:
        read_line()
    if manner == "crash":
        sys.exit(3)
    if manner == "no_device":
        say("trouble", why="no_device", detail="nothing there")
        sys.exit(2)
    if manner == "deaf":
        time.sleep(60)
    ready(version=9 if manner == "newer" else 1)
    if manner == "garbage":
        write(1, b"Expression 'ret' failed in 'src/hostapi'")
        say("unheard", of=1)
    frames = 0
    while True:
        if select.select([0], [], [], PULSE_S)[0]:
            line = read_line()
            if not line:
                return
            obey(line)
            continue
        if manner == "silent" and frames > 3 * 2_048:
            time.sleep(60)
        if manner != "frozen" or frames < 3 * 2_048:
            frames += 2_048
        say("pulse", at_ms=0, frames=frames, callback_age_ms=5, underruns=0, latency_ms=43)


if __name__ == "__main__":
    main()
