"""A sound file heard from beginning to end as fast as allowed, and what was measured.

Through the same `Run` that will play it, so that the same decoder, channel mix and resampler are
measured. One file a process.

Invariants: no more than `share` of one core is used; no call waits longer than its limit.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from agent.core.loudness import QUIET_MAX, Loudness, Quiet
from agent.measuring.ebu import LoudnessMeter
from agent.player.hearing import LOOK_FRAMES, Ear, Look
from agent.player.protocol import RATE_HZ
from agent.player.ring import Pcm
from agent.player.whole import Run

STALLED_S = 20.0
QUIET_LEAST_MS = 2_500

_OPTIONS = (
    "--quiet",
    "--ignore-config",
    "--no-video",
    "--no-spu",
    "--no-stats",
    "--no-lua",
    "--no-metadata-network-access",
)
_MS_PER_LOOK = LOOK_FRAMES * 1000 // RATE_HZ


class CannotMeasureError(Exception):
    """Why nothing is known of the file."""


class Listener:
    """Takes blocks of 16 bit mono at 48 kHz; says what they were."""

    def __init__(self) -> None:
        self._meter = LoudnessMeter(RATE_HZ)
        self._ear = Ear()
        self._quiet: list[Quiet] = []
        self.frames = 0

    def add(self, pcm: Pcm) -> None:
        """The next samples."""
        self._meter.add(pcm)
        for look in self._ear.add(pcm.astype(np.float32) / np.float32(32768.0)):
            self.frames += LOOK_FRAMES
            if look.kind != "sound":
                self._note(look)

    def _note(self, look: Look) -> None:
        """A stretch grows with each look; its first sight is written when it is long enough."""
        to_ms = self.frames * 1000 // RATE_HZ
        from_ms = to_ms - look.for_frames * 1000 // RATE_HZ
        if self._quiet and from_ms <= self._quiet[-1].to_ms + _MS_PER_LOOK:
            self._quiet[-1] = Quiet(self._quiet[-1].from_ms, to_ms)
        elif to_ms - from_ms >= QUIET_LEAST_MS and len(self._quiet) < QUIET_MAX:
            self._quiet.append(Quiet(from_ms, to_ms))

    def result(self, length_ms: int) -> Loudness:
        """What is known at the end."""
        meter = self._meter
        found = Loudness(
            loudness_clufs=_hundredths(meter.loudness_lufs),
            range_clu=_hundredths(meter.range_lu),
            peak_cdbtp=_hundredths(meter.true_peak_dbtp),
            length_ms=length_ms,
            quiet=tuple(self._quiet),
        )
        meter.close()
        return found


def measure(
    path: Path, *, share: float = 1.0, progress: Callable[[float], None] = lambda _: None
) -> Loudness:
    """Hear all of the file; raises CannotMeasureError. progress: told seconds heard so far."""
    return _Run(path, share, progress).result()


class _Run:
    def __init__(self, path: Path, share: float, progress: Callable[[float], None]) -> None:
        self._share = share
        self._progress = progress
        self._listener = Listener()
        self._frames = 0
        self._moved = time.monotonic()
        try:
            self._run = Run(path, 0, self._take)
        except OSError as error:
            raise CannotMeasureError(error.strerror or str(error)) from error

    def result(self) -> Loudness:
        import vlc

        instance = vlc.Instance(list(_OPTIONS))
        if instance is None:
            raise CannotMeasureError("libVLC could not be started")
        self._run.start(instance)
        while not self._run.over.wait(1.0):
            self._progress(self._frames / RATE_HZ)
            if time.monotonic() - self._moved > STALLED_S:
                raise CannotMeasureError("the decoder gave nothing more")
        self._run.stop()
        self._run.finish()
        if self._run.error is not None:
            raise CannotMeasureError(str(self._run.error))
        if not self._frames:
            raise CannotMeasureError("no sound came out of it")
        return self._listener.result(self._frames * 1000 // RATE_HZ)

    def _take(self, pcm: Pcm, _absent: bool) -> None:
        began = time.thread_time()
        self._listener.add(pcm)
        self._frames += len(pcm)
        self._moved = time.monotonic()
        self._rest(time.thread_time() - began)

    def _rest(self, listened_s: float) -> None:
        """Leave the rest of the core to others. What libVLC used for it is about twice as much."""
        if self._share < 1.0:
            time.sleep(3.0 * listened_s * (1.0 / self._share - 1.0))


def _hundredths(value: float | None) -> int | None:
    return None if value is None or not math.isfinite(value) else round(100 * value)
