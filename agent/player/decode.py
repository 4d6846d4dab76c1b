"""libVLC as a decoder: sources in, samples at their positions out.

Owns every call of libVLC. Each `_Worker` is a thread with one media player, the only thread that
calls it; a call that hangs costs that worker, never the control thread. A `Job` is one source
being decoded: the control thread reads its state and may cancel it.

Invariants: libVLC is never called from its own callbacks; ctypes callbacks live as long as their
player; a job ends as finished or with exactly one fault; samples are judged by what arrived, not
by what libVLC says (a stalled stream stays "playing" for ever).
"""

from __future__ import annotations

import ctypes
import logging
import queue
import threading
import time
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from agent.contract.addresses import RTSP_SCHEMES, scheme_of
from agent.player.capture import CaptureJob
from agent.player.clockmap import frames_of_ns, ms_of_frames
from agent.player.formats import Excerpt, NotThisFormat, open_excerpt
from agent.player.levelling import Fader
from agent.player.live import StreamJob
from agent.player.patience import HUNG_LIMIT_NS, OPEN_LIMIT_FILE_NS, STALL_LIMIT_NS
from agent.player.protocol import RATE_HZ, Source, SourceFault
from agent.player.ring import Placer, Reader, Silence, Tone, Track
from agent.player.rtsp import RtspJob

log = logging.getLogger(__name__)

# A file whose decoder was held up more often than that is filled up with silence instead.
_SLIPS_MAX = 8
# Resamplers and encoders swallow up to 20 ms at the end; more is a file that was cut off.
_TAIL_FRAMES = 300 * RATE_HZ // 1000

_VLC_OPTIONS = (
    "--quiet",
    "--ignore-config",
    "--no-video",
    "--no-spu",
    "--no-stats",
    "--no-lua",
    "--no-metadata-network-access",
    "--no-audio-time-stretch",
    # Keeps every sample; the default resampler loses 3 ms in 4 s of 44.1 kHz MP3 (measured).
    "--audio-resampler=soxr",
    "--file-caching=1000",
    "--network-caching=1000",
    # Blocks later than their pts by 60 ms are thrown away by libVLC: move the pts, not the sound.
    "--audio-desync=800",
)


class Job(Protocol):
    """One source being turned into samples, as the director sees it."""

    reader: Reader
    live: bool
    length: int | None  # of the whole programme, when it is known before its end
    lump_ns: int  # the longest that a live source was waited for since it flows
    fader: Fader | None  # of a live source that is levelled

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
        """For how long a live source has sent sound, pauses included; 0 while it does not."""

    def poll(self, now_ns: int) -> None:
        """Look for stalls and hangs."""

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

    def poll(self, now_ns: int) -> None:
        """Nothing can stall."""

    def cancel(self) -> None:
        """Nothing to give back."""


class DecodeJob:
    """A file. The worker writes, the control thread reads, every field has one writer."""

    live = False
    lump_ns = 0
    fader: Fader | None = None
    lead_ms = 0

    def __init__(
        self, source: Source, from_frames: int, now_ns: int, *, chasing: bool = False
    ) -> None:
        self.chasing = chasing
        self.source = source
        self.from_frames = from_frames
        self.track = Track(from_frames)
        self.reader: Reader = self.track
        self.length: int | None = None
        self.placer: Placer | None = None
        self.blocks = 0
        self.last_block_ns = 0
        self.call_since_ns = 0  # a libVLC call is under way since then; 0 when none is
        self.cancelled = threading.Event()
        self.worker: _Worker | None = None
        self._opened_ns = now_ns
        self._fault: SourceFault | None = None
        self._over: int | None = None
        self._done = False

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
        return self.blocks > 0

    def waited_ns(self, now_ns: int) -> int:
        """It is not live."""
        del now_ns
        return 0

    def well_for_ns(self, now_ns: int) -> int:
        """It is not live."""
        del now_ns
        return 0

    def poll(self, now_ns: int) -> None:
        """Judge by what arrived; called by the control thread."""
        if self._done:
            return
        if self.call_since_ns and now_ns - self.call_since_ns > HUNG_LIMIT_NS:
            self._give_up("decoder_hung")
        elif self.blocks:
            if now_ns - self.last_block_ns > STALL_LIMIT_NS:
                self._give_up("stalled")
        elif now_ns - self._opened_ns > OPEN_LIMIT_FILE_NS:
            self._give_up("not_audio")

    def cancel(self) -> None:
        """No longer wanted: the worker stops its player when it can."""
        self._done = True
        self.cancelled.set()
        if self.worker is not None:
            self.worker.wake()

    def catch_up(self, now_ns: int) -> None:
        """Decoding begins now: a programme under way has gone on meanwhile (worker's thread)."""
        if self.chasing:
            self.from_frames += round(frames_of_ns(now_ns - self._opened_ns))
            self.track.begin_at(self.from_frames)

    def finish(self, fault: SourceFault | None = None, total: int | None = None) -> None:
        """The decoder came to an end (worker's thread)."""
        if self._done:
            return
        self._fault = fault
        self.track.finish(total)
        self._done = True

    def nothing_left(self, total: int) -> None:
        """The wanted position lies behind the end (worker's thread)."""
        self._over = total
        self.finish(total=self.from_frames)

    def _give_up(self, fault: SourceFault) -> None:
        log.warning("source_given_up fault=%s url=%s", fault, self.source.url)
        self.finish(fault)
        self.cancel()


class VlcDecoders:
    """A pool of workers over one libVLC instance, created when first needed or by `warm`.

    ca: authorities that https streams may show besides those of the system, as a file.
    """

    def __init__(self, ca: str = "") -> None:
        self._ca = ca
        self._instance: Any = None
        self._instance_lock = threading.Lock()
        self._idle: list[_Worker] = []
        self._lock = threading.Lock()

    def warm(self) -> None:
        """Load libVLC and one player; takes some 100 ms, so call it from a thread of its own."""
        if not any(Path("/usr/lib").glob("*/vlc/plugins/plugins.dat")):
            # Without it libVLC loads all of its 352 plugins at start: 40 MB and 100 ms (measured).
            log.warning("vlc_plugin_cache_missing next_step='apt install libvlc-bin'")
        worker = _Worker(self)
        worker.prepare()
        self.give_back(worker)

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
        job = DecodeJob(source, from_frames, now_ns, chasing=chasing)
        with self._lock:
            worker = self._idle.pop() if self._idle else None
        job.worker = worker or _Worker(self)
        job.worker.take(job)
        return job

    def give_back(self, worker: _Worker) -> None:
        """A worker has stopped its player and can be used again."""
        with self._lock:
            self._idle.append(worker)

    def instance(self) -> Any:
        """The one libVLC instance of the process."""
        with self._instance_lock:
            if self._instance is None:
                import vlc

                self._instance = vlc.Instance(list(_VLC_OPTIONS))
            return self._instance


class _Worker:
    """A thread that is alone in calling one media player."""

    def __init__(self, pool: VlcDecoders) -> None:
        self._pool = pool
        self._inbox: queue.SimpleQueue[DecodeJob | None] = queue.SimpleQueue()
        self._player: Any = None
        self._callbacks: list[Any] = []
        self._job: DecodeJob | None = None
        self._excerpt: Excerpt | None = None
        self._offset = 0
        self._woken = threading.Event()
        self._at_end = False
        self._ready = threading.Event()
        threading.Thread(target=self._run, name="decoder", daemon=True).start()

    def take(self, job: DecodeJob) -> None:
        """Decode this next."""
        self._inbox.put(job)

    def wake(self) -> None:
        """Look again whether the job is cancelled; it may be another one than the caller's."""
        self._woken.set()

    def prepare(self) -> None:
        """Wait until the player exists."""
        self._inbox.put(None)
        self._ready.wait(20)

    # --- the thread --------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            job = self._inbox.get()
            try:
                self._make_player(job)
                if job is not None:
                    self._decode(job)
            except Exception:
                log.exception("decoder_failed")
                if job is not None:
                    job.finish("not_audio")
                return  # this worker is not given back; the next job gets a new one
            if job is not None:
                self._pool.give_back(self)

    def _decode(self, job: DecodeJob) -> None:
        job.catch_up(time.monotonic_ns())
        for chances in range(_SLIPS_MAX, -1, -1):
            self._at_end = False
            media = None if job.cancelled.is_set() else self._open(job, exact=chances > 0)
            if media is None:
                return
            self._play(job, media)
            if not self._slipped(job):
                return
            log.info("decoder_held_up url=%s at_ms=%d", job.source.url, ms_of_frames(job.track.end))
            job.from_frames = job.track.end

    @staticmethod
    def _slipped(job: DecodeJob) -> bool:
        """Whether the run lost its place, and has to be begun again where it did."""
        return job.placer is not None and job.placer.slipped and not job.cancelled.is_set()

    def _play(self, job: DecodeJob, media: Any) -> None:
        """Decode until the end, a slip or a cancellation."""
        self._job = job
        try:
            self._call(job, lambda: self._player.set_media(media))
            self._call(job, self._player.play)
            self._wait_for_the_end(job)
            if not job.cancelled.is_set() and not self._slipped(job):
                self._judge(job)
        finally:
            # Synchronous in libVLC 3: after it no callback comes for this job.
            self._call(job, self._player.stop)
            self._call(job, media.release)
            self._job = None
            if self._excerpt is not None:
                self._excerpt.close()
                self._excerpt = None

    def _wait_for_the_end(self, job: DecodeJob) -> None:
        """A voice that is over cancels its job long after this worker has taken the next one."""
        while not (self._at_end or job.cancelled.is_set() or self._slipped(job)):
            self._woken.wait()
            self._woken.clear()

    def _call(self, job: DecodeJob, what: Any) -> Any:
        job.call_since_ns = time.monotonic_ns()
        try:
            return what()
        finally:
            job.call_since_ns = 0

    def _open(self, job: DecodeJob, *, exact: bool) -> Any:
        """The media for the job, or None when there is nothing to play."""
        path = Path(job.source.url)
        try:
            self._excerpt = open_excerpt(path, job.from_frames)
        except NotThisFormat:
            return self._open_unknown(job, path)
        except OSError as error:
            log.warning("source_unreadable path=%s error=%s", path, error)
            job.finish("not_found")
            return None
        job.length = self._excerpt.total_frames or None
        if job.from_frames >= self._excerpt.total_frames:
            if self._excerpt.total_frames:
                job.nothing_left(self._excerpt.total_frames)
            else:
                job.finish("not_audio")  # a header and not one sample
            self._excerpt.close()
            self._excerpt = None
            return None
        job.placer = Placer(job.track, self._excerpt.skip_frames, exact=exact)
        self._offset = 0
        import vlc

        return vlc.libvlc_media_new_callbacks(self._pool.instance(), *self._feed, None)

    def _open_unknown(self, job: DecodeJob, path: Path) -> Any:
        """A format libVLC may know and we do not: its own seeking, some 10 ms off."""
        media = self._pool.instance().media_new_path(str(path))
        if job.from_frames:
            media.add_option(f":start-time={ms_of_frames(job.from_frames) / 1000:.3f}")
        job.placer = Placer(job.track, 0)
        return media

    def _judge(self, job: DecodeJob) -> None:
        """The player says it reached an end: which one?"""
        if job.placer is not None and job.placer.filled:
            log.warning("samples_lost frames=%d url=%s", job.placer.filled, job.source.url)
        if not job.blocks:
            job.finish("not_audio")
        elif self._excerpt is None:
            job.finish()
        else:
            total = self._excerpt.total_frames
            cut_off = job.track.end + job.track.dropped < total - _TAIL_FRAMES
            job.finish("ended_early" if cut_off else None, None if cut_off else total)

    # --- libVLC's callbacks: copy, note, return ----------------------------------------

    def _make_player(self, job: DecodeJob | None) -> None:
        if self._player is not None:
            return
        import vlc

        if job is not None:
            job.call_since_ns = time.monotonic_ns()
        kinds = vlc.CallbackDecorators
        self._player = self._pool.instance().media_player_new()
        play = kinds.AudioPlayCb(self._on_samples)
        self._player.audio_set_callbacks(play, None, None, None, None, None)
        self._player.audio_set_format("S16N", RATE_HZ, 1)
        self._feed = (
            kinds.MediaOpenCb(self._on_open),
            kinds.MediaReadCb(self._on_read),
            kinds.MediaSeekCb(self._on_seek),
            kinds.MediaCloseCb(self._on_close),
        )
        events = self._player.event_manager()
        events.event_attach(vlc.EventType.MediaPlayerEndReached, self._on_end)
        events.event_attach(vlc.EventType.MediaPlayerEncounteredError, self._on_error)
        self._callbacks = [play, events, self._on_end, self._on_error]
        if job is not None:
            job.call_since_ns = 0
        self._ready.set()

    def _on_samples(self, _opaque: object, samples: int, count: int, pts_us: int) -> None:
        job = self._job
        if job is None or job.done or job.placer is None:
            return
        pcm = np.frombuffer(ctypes.string_at(samples, 2 * count), np.int16)
        job.placer.put(pcm, pts_us)
        if job.placer.slipped:
            self._woken.set()
        job.last_block_ns = time.monotonic_ns()
        job.blocks += 1

    def _on_open(self, _opaque: object, _data: object, size: Any) -> int:
        excerpt = self._excerpt
        if excerpt is None:
            return -1
        size[0] = excerpt.size
        self._offset = 0
        return 0

    def _on_read(self, _opaque: object, buffer: Any, size: int) -> int:
        excerpt = self._excerpt
        if excerpt is None:
            return -1
        data = excerpt.read(self._offset, size)
        ctypes.memmove(buffer, data, len(data))
        self._offset += len(data)
        return len(data)

    def _on_seek(self, _opaque: object, offset: int) -> int:
        self._offset = offset
        return 0

    def _on_close(self, _opaque: object) -> None:
        pass

    def _on_end(self, _event: object) -> None:
        self._at_end = True
        self._woken.set()

    def _on_error(self, _event: object) -> None:
        self._at_end = True
        self._woken.set()
