"""libVLC as a decoder: sources in, samples at their positions out.

A `Job` is one source being decoded: the control thread reads its state and may cancel it. Each
file has a thread of its own, the only one that calls its media player; a call that hangs costs
that thread, never the control thread. How a file goes through libVLC is `whole`'s to know.

Invariants: a job ends as finished or with exactly one fault; samples are judged by what arrived,
not by what libVLC says (a stalled stream stays "playing" for ever).
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from agent.contract.addresses import RTSP_SCHEMES, scheme_of
from agent.player.capture import CaptureJob
from agent.player.clockmap import frames_of_ns
from agent.player.levelling import Fader
from agent.player.live import StreamJob
from agent.player.patience import HUNG_LIMIT_NS, OPEN_LIMIT_FILE_NS, STALL_LIMIT_NS
from agent.player.protocol import RATE_HZ, Source, SourceFault
from agent.player.ring import Pcm, Reader, Silence, Tone, Track
from agent.player.rtsp import RtspJob
from agent.player.whole import Run

log = logging.getLogger(__name__)

# Estimates of a length are off by less; more is a file that was cut off.
_TAIL_FRAMES = 300 * RATE_HZ // 1000
# A decoder that has run into a full ring goes on when there is room for this much.
_REFILL_FRAMES = RATE_HZ
_FULL_WAIT_S = 0.05
# What is needed soon comes at once, the rest at so many times its own speed at most.
_SOON_FRAMES = 2 * RATE_HZ
_SPEED_MOST = 3.0

_VLC_OPTIONS = (
    "--quiet",
    "--ignore-config",
    "--no-video",
    "--no-spu",
    "--no-stats",
    "--no-lua",
    "--no-metadata-network-access",
    "--no-audio-time-stretch",
    "--audio-resampler=soxr",
    "--file-caching=1000",
    "--network-caching=1000",
)


class Job(Protocol):
    """One source being turned into samples, as the director sees it."""

    reader: Reader
    live: bool
    length: int | None  # of the whole programme, when it is known before its end
    lump_ns: int  # the longest that a live source was waited for since it flows
    fader: Fader | None  # of a live source that is levelled
    whole: bool  # it has a beginning and an end: nothing of it is left out

    @property
    def lead_ms(self) -> int:
        """How far behind its newest sample a live source is played."""

    @property
    def fault(self) -> SourceFault | None:
        """Why the source was given up."""

    @property
    def over(self) -> int | None:
        """Length of the programme, when it ends before the wanted position."""

    @property
    def done(self) -> bool:
        """Nothing more will be decoded."""

    @property
    def sounding(self) -> bool:
        """Samples have come."""

    def waited_ns(self, now_ns: int) -> int:
        """For how long nothing has come of a live source."""

    def well_for_ns(self, now_ns: int) -> int:
        """For how long a live source has sent sound as fast as it is played, pauses included; 0
        while it does not."""

    def poll(self, now_ns: int, due_ns: int = 0) -> None:
        """Look for stalls and hangs; and for silence, from `due_ns` on."""

    def cancel(self) -> None:
        """No longer wanted."""


class Decoders(Protocol):
    """Where the director gets its jobs."""

    def open(self, source: Source, from_frames: int, now_ns: int, *, chasing: bool) -> Job:
        """Begin to decode from position `from_frames`.

        `chasing`: the programme is under way and the position moves on with the clock until
        decoding really begins, however long that takes.
        """


class MadeJob:
    """A tone or silence: nothing to decode, nothing to fail."""

    live = False
    length: int | None = None
    lump_ns = 0
    fader: Fader | None = None
    lead_ms = 0
    whole = True
    fault: SourceFault | None = None
    over: int | None = None
    done = True
    sounding = True

    def __init__(self, source: Source) -> None:
        tone = source.kind == "tone"
        self.reader: Reader = Tone(source.tone_hz, source.tone_step_ms) if tone else Silence()

    def waited_ns(self, now_ns: int) -> int:
        """It is not live."""
        del now_ns
        return 0

    def well_for_ns(self, now_ns: int) -> int:
        """It is not live."""
        del now_ns
        return 0

    def poll(self, now_ns: int, due_ns: int = 0) -> None:
        """Nothing can stall."""

    def cancel(self) -> None:
        """Nothing to give back."""


class DecodeJob:
    """A file, decoded ahead of what is played as far as its ring has room.

    Its thread writes, the control thread reads, every field has one writer.
    """

    live = False
    lump_ns = 0
    fader: Fader | None = None
    lead_ms = 0
    whole = True

    def __init__(
        self,
        source: Source,
        from_frames: int,
        now_ns: int,
        instance: Callable[[], Any],
        *,
        chasing: bool = False,
    ) -> None:
        self.source = source
        self.track = Track(from_frames)
        self.reader: Reader = self.track
        self.length: int | None = None
        self._chasing = chasing
        self._from = from_frames
        self._instance = instance
        self._blocks = 0
        self._last_block_ns = 0
        self._call_since_ns = 0  # a libVLC call is under way since then; 0 when none is
        self._cancelled = threading.Event()
        self._woken = threading.Event()  # the file is over, or nobody wants it any more
        self._opened_ns = now_ns
        self._fault: SourceFault | None = None
        self._over: int | None = None
        self._done = False
        threading.Thread(target=self._run, name="decoder", daemon=True).start()

    @property
    def fault(self) -> SourceFault | None:
        """Why the source was given up."""
        return self._fault

    @property
    def over(self) -> int | None:
        """Length of the programme, when it ends before the wanted position."""
        return self._over

    @property
    def done(self) -> bool:
        """Nothing more will be decoded."""
        return self._done

    @property
    def sounding(self) -> bool:
        """Samples have come."""
        return self._blocks > 0

    def waited_ns(self, now_ns: int) -> int:
        """It is not live."""
        del now_ns
        return 0

    def well_for_ns(self, now_ns: int) -> int:
        """It is not live."""
        del now_ns
        return 0

    def poll(self, now_ns: int, due_ns: int = 0) -> None:
        """Judge by what arrived; called by the control thread."""
        del due_ns
        if self._done:
            return
        if self._call_since_ns and now_ns - self._call_since_ns > HUNG_LIMIT_NS:
            self._give_up("decoder_hung")
        elif self._blocks:
            if now_ns - self._last_block_ns > STALL_LIMIT_NS:
                self._give_up("stalled")
        elif now_ns - self._opened_ns > OPEN_LIMIT_FILE_NS:
            self._give_up("not_audio")

    def cancel(self) -> None:
        """No longer wanted: the thread stops its player when it can."""
        self._done = True
        self._cancelled.set()
        self._woken.set()

    def _finish(self, fault: SourceFault | None = None, total: int | None = None) -> None:
        if self._done:
            return
        self._fault = fault
        self.track.finish(total)
        self._done = True

    def _give_up(self, fault: SourceFault) -> None:
        log.warning("source_given_up fault=%s url=%s", fault, self.source.url)
        self._finish(fault)
        self.cancel()

    # --- its own thread ----------------------------------------------------------------

    def _run(self) -> None:
        try:
            self._decode()
        except Exception:
            log.exception("decoder_failed")
            self._finish("not_audio")

    def _decode(self) -> None:
        instance = self._instance()
        if self._chasing:  # the programme has gone on meanwhile
            self._from += round(frames_of_ns(time.monotonic_ns() - self._opened_ns))
            self.track.begin_at(self._from)
        if self._cancelled.is_set():
            return
        try:
            run = Run(Path(self.source.url), self._from, self._take, self._woken)
        except OSError as error:
            log.warning("source_unreadable path=%s error=%s", self.source.url, error)
            self._finish("not_found")
            return
        self.length = run.total or None
        if run.total is not None and self._from >= run.total:
            run.close()
            self._nothing_left(run.total)
            return
        run.play(instance, self._calling)
        if not self._cancelled.is_set():
            run.finish()
            self._judge(run)

    def _nothing_left(self, total: int) -> None:
        if not total:
            self._finish("not_audio")  # a header and not one sample
            return
        self._over = total
        self._finish(total=self._from)

    def _judge(self, run: Run) -> None:
        if run.lost:
            log.warning("samples_lost frames=%d url=%s", run.lost, self.source.url)
        if run.error is not None:
            log.warning("source_broken url=%s error=%s", self.source.url, run.error)
        if not self._blocks:
            self._finish("not_audio")
        elif run.total is None:
            self._finish("ended_early" if run.error is not None else None)
        else:
            cut_off = self.track.end < run.total - _TAIL_FRAMES
            self._finish("ended_early" if cut_off else None, None if cut_off else run.total)

    def _calling(self, begins: bool) -> None:
        self._call_since_ns = time.monotonic_ns() if begins else 0

    def _take(self, pcm: Pcm, absent: bool) -> None:
        """On a thread of libVLC: what does not fit yet holds the decoder up."""
        self._last_block_ns = time.monotonic_ns()
        self._blocks += 1
        while len(pcm) and not self._cancelled.is_set():
            room = self.track.room
            if room < min(len(pcm), _REFILL_FRAMES):
                self._wait_for_room()
                continue
            block, pcm = pcm[:room], pcm[room:]
            if absent:
                self.track.leave_out(len(block))
            else:
                self.track.append(block)
            self._last_block_ns = time.monotonic_ns()
            if self.track.end - self._from > _SOON_FRAMES:
                self._cancelled.wait(len(block) / RATE_HZ / _SPEED_MOST)

    def _wait_for_room(self) -> None:
        while self.track.room < _REFILL_FRAMES and not self._cancelled.wait(_FULL_WAIT_S):
            self._last_block_ns = time.monotonic_ns()
            if self._call_since_ns:
                self._call_since_ns = self._last_block_ns  # it waits for us


class VlcDecoders:
    """Jobs over one libVLC instance, created when first needed or by `warm`.

    ca: authorities that https streams may show besides those of the system, as a file.
    """

    def __init__(self, ca: str = "") -> None:
        self._ca = ca
        self._instance: Any = None
        self._instance_lock = threading.Lock()

    def warm(self) -> None:
        """Load libVLC; takes some 100 ms, so call it from a thread of its own."""
        if not any(Path("/usr/lib").glob("*/vlc/plugins/plugins.dat")):
            # Without it libVLC loads all of its 352 plugins at start: 40 MB and 100 ms (measured).
            log.warning("vlc_plugin_cache_missing next_step='apt install libvlc-bin'")
        self.instance().media_player_new().release()

    def open(self, source: Source, from_frames: int, now_ns: int, *, chasing: bool) -> Job:
        """Begin to decode; returns at once."""
        if source.kind in ("tone", "silence"):
            return MadeJob(source)
        if source.kind == "input":
            return CaptureJob(source, now_ns)
        if source.kind == "stream" and scheme_of(source.url) in RTSP_SCHEMES:
            return RtspJob(source, now_ns)
        if source.kind == "stream":
            return StreamJob(source, now_ns, self.instance, self._ca)
        return DecodeJob(source, from_frames, now_ns, self.instance, chasing=chasing)

    def instance(self) -> Any:
        """The one libVLC instance of the process."""
        with self._instance_lock:
            if self._instance is None:
                import vlc

                self._instance = vlc.Instance(list(_VLC_OPTIONS))
            return self._instance
