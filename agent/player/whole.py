"""A file from a position to its end, through libVLC as fast as its samples are taken.

Owns the way through libVLC that no clock paces (a stream output into memory): nothing comes too
late and is thrown away, the last block is drained, and the samples are the decoder's own, in its
rate and channels. The mix to one channel and the rate of the station are ours (`mono`).

Invariants: the first sample given is the wanted one, and the last is the programme's last, where
the format is known (`formats`); libVLC is never called from its callbacks; callbacks live as long
as their `Run`.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from agent.player import smem
from agent.player.formats import Excerpt, NotThisFormat, open_excerpt
from agent.player.mono import AtStationRate, as_pcm, mixed
from agent.player.protocol import RATE_HZ
from agent.player.ring import Block, Pcm

# Every usual rate has a whole number of samples in 40 ms, so the grid of 48 kHz is met exactly.
_GRID_FRAMES = RATE_HZ // 25
# The resampler's filter looks back some 10 ms.
_RUN_IN_FRAMES = RATE_HZ // 20
_GAP_S = 0.04
_GAP_MOST_S = 16.0
_BUFFER_BYTES = 1 << 18  # grows when a block is larger

Take = Callable[[Pcm, bool], None]
"""The next samples; whether they stand for what a damaged file has lost. It may wait."""

Calling = Callable[[bool], None]


class Run:
    """One time through a file. Raises OSError when it cannot be read.

    total: frames of the whole programme, None for a format that is left to libVLC alone.
    """

    def __init__(
        self, path: Path, from_frames: int, take: Take, over: threading.Event | None = None
    ) -> None:
        """over: set when it ends, and by who wants no more of it."""
        self._path = path
        self._take = take
        self._from = from_frames
        self._begin = max(0, from_frames - _RUN_IN_FRAMES) // _GRID_FRAMES * _GRID_FRAMES
        self.over = over or threading.Event()
        self.error: Exception | None = None
        self.lost = 0
        self.taken = 0
        try:
            self._excerpt: Excerpt | None = open_excerpt(path, self._begin)
        except NotThisFormat:
            self._excerpt, self._begin = None, from_frames
        self.total = None if self._excerpt is None else self._excerpt.total_frames
        self._skip: int | None = None  # samples as they come, before the grid's first one
        self._skip_frames = from_frames - self._begin
        self._rate = AtStationRate()
        self._clock = _Clock()
        self._offset = 0
        self._buffer = ctypes.create_string_buffer(_BUFFER_BYTES)
        self._callbacks: list[Any] = []
        self._player: Any = None
        self._events: Any = None
        self._medium: Any = None

    def play(self, instance: Any, calling: Calling = lambda _: None) -> None:
        """Decode until it is over; no callback comes any more then.

        calling: told when a call of libVLC that might hang begins and when it is back.
        """
        self.start(instance, calling)
        self.over.wait()
        self.stop(calling)

    def start(self, instance: Any, calling: Calling = lambda _: None) -> None:
        """Begin; `stop` must follow."""
        import vlc

        calling(True)
        self._player, self._medium = instance.media_player_new(), self._media(instance)
        self._events = self._player.event_manager()  # it holds the function that libVLC calls
        for kind in (
            vlc.EventType.MediaPlayerEndReached,
            vlc.EventType.MediaPlayerEncounteredError,
        ):
            self._events.event_attach(kind, self._on_over)
        self._player.set_media(self._medium)
        self._player.play()
        calling(False)

    def stop(self, calling: Calling = lambda _: None) -> None:
        """Once over: decoders give what they still hold, then the file is let go."""
        import vlc

        calling(True)
        self._player.stop()  # synchronous
        # Nothing collects a cycle that leads through a C function: let go of this run by hand.
        self._events.event_detach(vlc.EventType.MediaPlayerEndReached)
        self._events.event_detach(vlc.EventType.MediaPlayerEncounteredError)
        self._medium.release()
        self._player.release()
        self._callbacks.clear()
        calling(False)
        self.close()

    def finish(self) -> None:
        """After the end: give what the resampler still holds."""
        self._give(self._rate.rest(), absent=False)

    def close(self) -> None:
        """Let go of the file when it is not played."""
        if self._excerpt is not None:
            self._excerpt.close()

    def _media(self, instance: Any) -> Any:
        import vlc

        if self._excerpt is None:
            media = instance.media_new_path(str(self._path))
            if self._from:
                media.add_option(f":start-time={self._from / RATE_HZ:.3f}")
        else:
            kinds = vlc.CallbackDecorators
            feed = (
                kinds.MediaOpenCb(self._on_open),
                kinds.MediaReadCb(self._on_read),
                kinds.MediaSeekCb(self._on_seek),
                kinds.MediaCloseCb(lambda _opaque: None),
            )
            self._callbacks += feed
            media = vlc.libvlc_media_new_callbacks(instance, *feed, None)
            if self._excerpt.demux:
                media.add_option(f":demux={self._excerpt.demux}")
        before, after = smem.Before(self._on_room), smem.After(self._on_samples)
        self._callbacks += [before, after]
        media.add_option(
            ":sout=#transcode{vcodec=none,scodec=none,acodec=fl32}:" + smem.output(before, after)
        )
        media.add_option(":no-sout-video")
        return media

    # --- libVLC's callbacks ------------------------------------------------------------

    def _on_room(self, _data: object, place: Any, size: int) -> None:
        if size > len(self._buffer):
            self._buffer = ctypes.create_string_buffer(size)
        place[0] = ctypes.addressof(self._buffer)

    def _on_samples(
        self,
        _data: object,
        samples: int,
        channels: int,
        rate_hz: int,
        count: int,
        _bits: int,
        size: int,
        stamp_us: int,
    ) -> None:
        if self.error is not None or not count or not channels or size != 4 * count * channels:
            return
        try:
            raw = np.frombuffer(ctypes.string_at(samples, size), np.float32)
            block = mixed(raw.reshape(count, channels))
            missing = self._clock.missing(count, rate_hz, stamp_us)
            if missing:
                self.lost += missing
                self._add(np.zeros(missing, np.float32), rate_hz, absent=True)
            self._add(block, rate_hz, absent=False)
        except (OSError, ValueError, ArithmeticError, MemoryError) as error:  # never into libVLC
            self.error = error
            self.over.set()

    def _add(self, block: Block, rate_hz: int, *, absent: bool) -> None:
        if self._skip is None:
            excerpt = self._excerpt
            self._skip = 0 if excerpt is None else round(excerpt.skip * rate_hz / excerpt.rate_hz)
        cut = min(self._skip, len(block))
        self._skip -= cut
        if cut < len(block):
            self._give(self._rate.add(block[cut:], rate_hz), absent=absent)

    def _give(self, block: Block, *, absent: bool) -> None:
        cut = min(self._skip_frames, len(block))
        self._skip_frames -= cut
        block = block[cut:]
        if self.total is not None:
            block = block[: max(0, self.total - self._from - self.taken)]
        if len(block):
            self.taken += len(block)
            self._take(as_pcm(block), absent)

    def _on_open(self, _opaque: object, _data: object, size: Any) -> int:
        size[0] = 0 if self._excerpt is None else self._excerpt.size
        self._offset = 0
        return 0

    def _on_read(self, _opaque: object, buffer: Any, size: int) -> int:
        if self._excerpt is None:
            return -1
        try:
            data = self._excerpt.read(self._offset, size)
        except OSError as error:
            self.error = error
            return -1
        ctypes.memmove(buffer, data, len(data))
        self._offset += len(data)
        return len(data)

    def _on_seek(self, _opaque: object, offset: int) -> int:
        self._offset = offset
        return 0

    def _on_over(self, _event: object) -> None:
        self.over.set()


class _Clock:
    """Time stamps that jump forward tell of frames that could not be decoded."""

    def __init__(self) -> None:
        self._zero_us: int | None = None
        self._counted_s = 0.0

    def missing(self, count: int, rate_hz: int, stamp_us: int) -> int:
        """How many samples are missing before this block."""
        found = 0
        if stamp_us > 0:
            if self._zero_us is None or self._counted_s < 0.5:  # decoders settle meanwhile
                here_us = stamp_us - round(self._counted_s * 1e6)
                self._zero_us = max(here_us, self._zero_us or here_us)
            ahead_s = (stamp_us - self._zero_us) / 1e6 - self._counted_s
            if _GAP_S < ahead_s < _GAP_MOST_S:
                found = round(ahead_s * rate_hz)
        self._counted_s += (found + count) / rate_hz
        return found
