"""A line input, tuner or microphone of the box as a live source, through PortAudio.

Owns the capture stream. Opening and closing a device may block for ever, so both happen in a
thread of their own; the control thread only looks. Found by the stable name, as an output is.

Invariants: as in `live`; a device that is gone ends as `not_found`, one that another program holds
as `refused`, one that stops giving samples as `stalled`.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from agent.player.devices import find, prepare_portaudio
from agent.player.live import LiveJob
from agent.player.protocol import RATE_HZ, Source

log = logging.getLogger(__name__)

# Nobody waits for a network here: two buffers and the card's own wander.
INPUT_LEAD_MS = 200
_FRAMES = 1_024
_CHANNELS_MAX = 8


class CaptureJob(LiveJob):
    """The sound of one channel of an input."""

    base_lead_ms = INPUT_LEAD_MS

    def __init__(self, source: Source, now_ns: int) -> None:
        super().__init__(source, now_ns)
        self._channels = min(_CHANNELS_MAX, source.channel + 1)
        self._channel = self._channels - 1
        threading.Thread(target=self._run, name="capture", daemon=True).start()

    def _run(self) -> None:
        prepare_portaudio()
        import pyaudio

        self.call_since_ns = time.monotonic_ns()
        library = pyaudio.PyAudio()
        try:
            index = find_input(library, self.source.url, self._channels)
            if index is None:
                self.finish("not_found")
                return
            stream = library.open(
                format=pyaudio.paInt16,
                channels=self._channels,
                rate=RATE_HZ,
                input=True,
                input_device_index=index,
                frames_per_buffer=_FRAMES,
                stream_callback=self._callback,
            )
            self.call_since_ns = 0
            self.cancelled.wait()
            self.call_since_ns = time.monotonic_ns()
            stream.close()
        except (OSError, ValueError) as error:
            log.warning("input_refused device=%s error=%s", self.source.url, error)
            self.finish("refused")
        finally:
            self.call_since_ns = 0
            library.terminate()

    def _callback(
        self, data: bytes | None, _frames: int, _times: Mapping[str, float], _status: int
    ) -> tuple[None, int]:
        if data and not self.done:
            pcm = np.frombuffer(data, np.int16)
            self.take(pcm[self._channel :: self._channels], time.monotonic_ns())
        return None, 0  # paContinue


def find_input(library: Any, device: str, channels: int) -> int | None:
    """The input's number, by a name that does not change."""
    found, _, there_are = find(library, device, "maxInputChannels", channels)
    if found is None:
        log.warning("no_input device=%r there_are=%s", device, there_are)
    return found
