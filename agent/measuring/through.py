"""A file heard to its end by what will play it: `python -m agent.measuring.through FILE`.

Owns a process of its own, because libVLC may hang or die of a damaged file. One line of JSON:
how much came out, how much was missing in the middle, and how long it is where its format says so.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import msgspec

from agent.player.protocol import RATE_HZ
from agent.player.ring import Pcm
from agent.player.whole import Run

STALLED_S = 20.0
_OPTIONS = ("--quiet", "--ignore-config", "--no-video", "--no-spu", "--no-stats", "--no-lua")


class Through(msgspec.Struct, frozen=True):
    """heard_ms: what came out. lost_ms: of it, what had to be left silent. whole_ms: None for a
    format that cannot be met to the sample. why: what went wrong, empty if nothing did."""

    heard_ms: int
    lost_ms: int
    whole_ms: int | None
    why: str = ""


def hear(path: Path) -> Through:
    """All of it, as fast as it goes. Raises OSError when it cannot be read."""
    import vlc

    heard = lost = 0
    moved = time.monotonic()

    def take(pcm: Pcm, absent: bool) -> None:
        nonlocal heard, lost, moved
        heard, lost = heard + len(pcm), lost + len(pcm) * absent
        moved = time.monotonic()

    run, why = Run(path, 0, take), ""
    run.start(vlc.Instance([*_OPTIONS, "--no-metadata-network-access"]))
    while not run.over.wait(0.5):
        if time.monotonic() - moved > STALLED_S:
            return Through(_ms(heard), _ms(lost), _whole_ms(run), "stalled")
    run.stop()
    run.finish()
    if run.error is not None:
        why = str(run.error)
    return Through(_ms(heard), _ms(lost), _whole_ms(run), why)


def _whole_ms(run: Run) -> int | None:
    return None if run.total is None else _ms(run.total)


def _ms(frames: int) -> int:
    return round(frames * 1000 / RATE_HZ)


def main() -> None:
    """Hear, tell, and leave without waiting for libVLC."""
    out = os.dup(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # libraries print
    os.write(out, msgspec.json.encode(hear(Path(sys.argv[1]))) + b"\n")
    os._exit(0)


if __name__ == "__main__":
    main()
