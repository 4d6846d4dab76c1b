"""libVLC as most programs use it: it opens the device itself and is told to play at the instant.

Reads lines `<epoch ms> <file>` (play it then) and `0` (stop) from stdin; ends with it.
"""

from __future__ import annotations

import sys
import time

import vlc


def main() -> int:
    instance = vlc.Instance("--aout=pulse", "--no-video", "--quiet")
    player = instance.media_player_new()
    print("ready", flush=True)
    for line in sys.stdin:
        at_ms, _, programme = line.strip().partition(" ")
        if not programme:
            player.stop()
            continue
        player.set_media(instance.media_new(programme))
        time.sleep(max(0.0, int(at_ms) / 1_000 - time.time()))
        player.play()
    player.release()
    return 0


if __name__ == "__main__":
    sys.exit(main())
