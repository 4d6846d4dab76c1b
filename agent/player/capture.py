"""A line input, tuner or microphone of the box as a live source.

Owns the process that listens to it (`listener`), and what its answers mean. The process looks for
the device by its stable name anew each time, so one that was plugged in later, or again at another
index, is found while something else sounds. Waiting for it happens in a thread of its own.

Invariants: as in `live`; a device that is gone ends as `not_found`, one that another program holds
as `refused`, one that stops giving samples as `stalled`. A listener that is not wanted is killed.
"""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
import time
from typing import cast, get_args

import numpy as np

from agent.player.live import LiveJob
from agent.player.protocol import Source, SourceFault

log = logging.getLogger(__name__)

# Nobody waits for a network here: two buffers and the card's own wander.
INPUT_LEAD_MS = 200
_FRAMES = 1_024
_CHANNELS_MAX = 8
_GONE_WITHIN_S = 2.0
_LINE_MOST = 4_096


class Listener:
    """A process that listens to one input. `said` first, then `read` until it gives nothing."""

    def __init__(self, device: str, channels: int, frames: int) -> None:
        self._bytes = 2 * channels * frames
        options = ("--channels", str(channels), "--frames", str(frames))
        # "--": a device's name may begin with a dash.
        self._process = subprocess.Popen(
            [sys.executable, "-m", "agent.player.listener", *options, "--", device],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=1 << 16,
        )

    def said(self) -> tuple[str, str]:
        """`open`, or why it is not (a `SourceFault`), and details; waits."""
        out = self._process.stdout
        line = out.readline(_LINE_MOST).decode("utf-8", "replace").strip() if out else ""
        word, _, detail = line.partition(" ")
        return (
            (word, detail) if word == "open" or word in get_args(SourceFault) else ("refused", line)
        )

    def read(self) -> bytes:
        """The next block; b"" when there is no more."""
        out = self._process.stdout
        data = out.read(self._bytes) if out else b""
        return data if len(data) == self._bytes else b""

    def end(self) -> None:
        """Let nothing come any more; any thread may ask, nothing is waited for."""
        self._process.kill()

    def hang_up(self) -> None:
        """Close its stdin: it leaves by itself."""
        if self._process.stdin is not None:
            self._process.stdin.close()

    def close(self) -> None:
        """End it and let it go; one that cannot die is left behind."""
        self.end()
        try:
            self._process.wait(_GONE_WITHIN_S)
        except subprocess.TimeoutExpired:
            log.error("listener_unkillable pid=%d", self._process.pid)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()


class CaptureJob(LiveJob):
    """The sound of one channel of an input."""

    base_lead_ms = INPUT_LEAD_MS

    def __init__(self, source: Source, now_ns: int) -> None:
        super().__init__(source, now_ns)
        self._channels = min(_CHANNELS_MAX, source.channel + 1)
        self._channel = self._channels - 1
        self._listener: Listener | None = None
        threading.Thread(target=self._run, name="capture", daemon=True).start()

    def cancel(self) -> None:
        """No longer wanted: the device is free again at once."""
        super().cancel()
        if self._listener is not None:
            self._listener.end()

    def _run(self) -> None:
        try:
            self._listener = listener = Listener(self.source.url, self._channels, _FRAMES)
        except OSError as error:
            log.warning("listener_failed error=%s", error)
            self.finish("refused")
            return
        try:
            if not self.cancelled.is_set():
                self.finish(self._listen(listener))
        except Exception:
            log.exception("capture_failed device=%s", self.source.url)
            self.finish("refused")
        finally:
            listener.close()

    def _listen(self, listener: Listener) -> SourceFault:
        """Take what comes; why nothing more does."""
        said, detail = listener.said()
        if said != "open":
            if not self.cancelled.is_set():
                log.warning("no_input device=%r why=%s %s", self.source.url, said, detail)
            return cast(SourceFault, said)
        while data := listener.read():
            if self.done:
                break
            pcm = np.frombuffer(data, np.int16)
            self.take(pcm[self._channel :: self._channels], time.monotonic_ns())
        return "stalled"
