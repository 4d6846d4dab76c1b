"""What the sound child holds: silent, with a file, with a relay beside it, and after many of both.

`python -m simulator.bench.memory` plays on a virtual card for a minute and prints its USS (what
would be free if it were gone) and its RSS. Where another player runs, some pages are shared and
the USS is less than it is alone.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from agent.player import protocol as p
from simulator.bench.processes import uss_mb
from simulator.measure import programme
from simulator.relay import Icecast
from simulator.soundcard import PlayerChild, SoundCard, encode

FILES = 6
SETTLE_S = 6.0
AIM = p.Aim(-1_800, 1_500, 1_200, 500)


class Held:
    """A child, and what it holds."""

    def __init__(self, child: PlayerChild) -> None:
        self._child = child
        self._pid = child.wait(p.Ready).pid

    def play(self, token: str, bus: int, source: p.Source) -> None:
        """Until it sounds."""
        at_ms = time.time_ns() // 1_000_000 + 300
        self._child.send(p.Cue(token, bus, (p.Part((source,)),), at_ms, 0))
        self._child.wait(p.Started, token)

    def stop(self, token: str) -> None:
        """Until it is over."""
        self._child.send(p.Stop(token))
        self._child.wait(p.Ended, token)

    def tell(self, what: str, after_s: float = SETTLE_S) -> None:
        """Print it when it has settled."""
        time.sleep(after_s)
        rows = Path(f"/proc/{self._pid}/smaps_rollup").read_text("ascii").splitlines()
        rss_kib = next(int(row.split()[1]) for row in rows if row.startswith("Rss:"))
        print(f"{what:28} USS {uss_mb(self._pid):5.1f} MB  RSS {rss_kib * 1024 / 1e6:5.1f} MB")


def main() -> None:
    """Print the table."""
    with (
        tempfile.TemporaryDirectory() as folder,
        SoundCard(sinks={"memory": 2}) as card,
        Icecast() as icecast,
    ):
        file = encode(programme(60.0, seed=3), Path(folder) / "programme.mp3")
        with (
            icecast.send("relay.mp3", ["-stream_loop", "-1", "-i", str(file)]),
            PlayerChild(card.env(), "memory", 2) as child,
        ):
            held = Held(child)
            held.tell("silent", 3.0)
            held.play("file", 0, p.Source("file", str(file)))
            held.tell("an MP3 file")
            icecast.await_sound("relay.mp3")
            held.play("relay", 1, p.Source("stream", icecast.url("relay.mp3"), aim=AIM))
            held.tell("a file and a relay")
            held.stop("file")
            held.stop("relay")
            held.tell("silent again", 2.0)
            for number in range(FILES):
                held.play(f"{number}", 0, p.Source("file", str(file)))
                held.stop(f"{number}")
            held.tell(f"silent after {FILES} more files", 2.0)


if __name__ == "__main__":
    main()
