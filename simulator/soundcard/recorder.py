"""What a virtual card really played, and at which instant each sample was heard.

Owns the recording and its anchor: a reader thread notes when each block arrived, and sample 0 is
placed by the low envelope of (arrival - samples / rate), fitted around the frame that is asked
for, because the sink's clock and ours drift apart and a starved sink slips by milliseconds.
Measured: true to 0.3 ms on a quiet machine; single late blocks never move the low envelope.

Does not compare the sound with anything: see `simulator.measure`.
"""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
import wave
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from simulator.soundcard.tied import TiedProcess

_FIT_WINDOW_S = 1.5
_LOW_ENVELOPE_PERCENT = 5
_FIRST_BLOCK_LIMIT_S = 5.0
RECORDER_NICENESS = -12


class Recorder:
    """Records a monitor from `__enter__` on; readable while recording and after it stopped."""

    def __init__(
        self,
        source: str,
        *,
        channels: int,
        rate_hz: int,
        env: Mapping[str, str],
        latency_ms: int = 5,
    ) -> None:
        self.channels = channels
        self.rate_hz = rate_hz
        self._source = source
        self._env = dict(env)
        self._latency_ms = latency_ms
        self._frame_bytes = 2 * channels
        self._bytes = bytearray()
        self._arrivals: list[tuple[float, float, int]] = []  # monotonic s, wall s, frames so far
        self._whole: NDArray[np.float64] = np.empty((0, 3))
        """All of `_arrivals` once as an array; as long as it counts as many, it is current."""
        self._lock = threading.Lock()
        self._fd = -1
        self._process: TiedProcess | None = None
        self._reader: threading.Thread | None = None

    def __enter__(self) -> Recorder:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Begin recording; returns when the first block has arrived."""
        lat = str(self._latency_ms)
        argv = ["parec", "--raw", "-d", self._source, f"--rate={self.rate_hz}"]
        argv += [f"--channels={self.channels}", "--format=s16le", "--no-remix"]
        argv += [f"--latency-msec={lat}", f"--process-time-msec={lat}"]
        self._process = TiedProcess(
            argv, self._env, stdout=subprocess.PIPE, niceness=RECORDER_NICENESS
        )
        self._fd = self._process.stdout.fileno()
        self._reader = threading.Thread(target=self._read, name="recorder", daemon=True)
        self._reader.start()
        self.wait_frames(1, _FIRST_BLOCK_LIMIT_S)

    def stop(self) -> None:
        """End the recording. Harmless when called twice."""
        if self._process is not None:
            self._process.close()
        if self._reader is not None:
            self._reader.join(2)
            self._reader = None
        if self._process is not None:
            self._process.stdout.close()
            self._process = None

    @property
    def frames(self) -> int:
        """Frames recorded so far."""
        return len(self._bytes) // self._frame_bytes

    def wait_frames(self, frames: int, limit_s: float) -> None:
        """Wait until so many frames are there; raises TimeoutError."""
        limit = time.monotonic() + limit_s
        while self.frames < frames:
            if time.monotonic() > limit:
                raise TimeoutError(f"{self._source}: {self.frames} of {frames} frames recorded")
            time.sleep(0.005)

    def wait_until_wall_ms(self, wall_ms: float, limit_s: float = 10.0) -> None:
        """Wait until the recording covers the instant `wall_ms`; raises TimeoutError."""
        limit = time.monotonic() + limit_s
        while self.wall_ms_of(self.frames) < wall_ms:
            if time.monotonic() > limit:
                raise TimeoutError(f"{self._source}: recording did not reach {wall_ms:.0f} ms")
            time.sleep(0.01)

    def samples(self, bus: int, low: int = 0, high: int | None = None) -> NDArray[np.float32]:
        """What was heard on `bus` from frame `low` up to `high` or now, full scale 1.0."""
        with self._lock:
            end = self.frames if high is None else min(high, self.frames)
            raw = bytes(self._bytes[low * self._frame_bytes : max(low, end) * self._frame_bytes])
        block = np.frombuffer(raw, "<i2").reshape(-1, self.channels)
        return np.asarray(block[:, bus], np.float32) / np.float32(32768.0)

    def wall_ms_of(self, frame: float) -> float:
        """The wall clock in epoch ms when sample `frame` was heard."""
        return 1000.0 * (self._zero_s(1, frame) + frame / self.rate_hz)

    def mono_ms_of(self, frame: float) -> float:
        """CLOCK_MONOTONIC in ms when sample `frame` was heard."""
        return 1000.0 * (self._zero_s(0, frame) + frame / self.rate_hz)

    def frame_of_wall_ms(self, wall_ms: float) -> float:
        """The sample heard at `wall_ms`: the inverse of `wall_ms_of`."""
        near = (wall_ms / 1000.0 - self._zero_s(1, 0)) * self.rate_hz
        return (wall_ms / 1000.0 - self._zero_s(1, near)) * self.rate_hz

    def save(self, path_wav: str | Path) -> Path:
        """Write a WAV of all buses and a JSON beside it that says when each second was heard."""
        path = Path(path_wav)
        frames = self.frames
        with self._lock:
            raw = bytes(self._bytes[: frames * self._frame_bytes])
        with wave.open(str(path), "wb") as out:
            out.setnchannels(self.channels)
            out.setsampwidth(2)
            out.setframerate(self.rate_hz)
            out.writeframes(raw)
        anchors = [
            {"frame": f, "wall_ms": round(self.wall_ms_of(f), 3)}
            for f in range(0, frames, self.rate_hz)
        ]
        side = {
            "source": self._source,
            "rate_hz": self.rate_hz,
            "channels": self.channels,
            "frames": frames,
            "anchors": anchors,
        }
        sidecar = path.with_suffix(".json")
        sidecar.write_text(json.dumps(side, indent=1) + "\n", encoding="utf-8")
        return sidecar

    def _read(self) -> None:
        fd = self._fd
        while block := os.read(fd, 65536):
            mono, wall = time.monotonic(), time.time()
            with self._lock:
                self._bytes += block
                self._arrivals.append((mono, wall, len(self._bytes) // self._frame_bytes))

    def _zero_s(self, clock: int, frame: float) -> float:
        """When sample 0 was heard by `clock` (0 monotonic, 1 wall), fitted around `frame`."""
        with self._lock:
            # Arrivals are in order, some 200 a second: the window is found by index.
            count = len(self._arrivals)
            if len(self._whole) == count:  # nothing came since: a finished recording, saved
                rows = self._whole
            else:
                rows = np.array(self._arrivals[-6000:] if count > 6000 else self._arrivals)
                if count > 6000 and frame < rows[0, 2]:
                    rows = self._whole = np.array(self._arrivals)
        if not len(rows):
            raise TimeoutError(f"{self._source}: nothing recorded yet")
        zeros = rows[:, clock] - rows[:, 2] / self.rate_hz
        near = np.abs(rows[:, 2] - frame) < _FIT_WINDOW_S * self.rate_hz
        chosen = zeros[near] if near.any() else zeros
        # The null sink hands a block to its monitor when the block *begins* to play: the last
        # frame of what just arrived is heard one recording latency later.
        late_s = self._latency_ms / 1000.0
        return float(np.percentile(chosen, _LOW_ENVELOPE_PERCENT)) + late_s
