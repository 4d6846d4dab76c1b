"""Live sound: a stream that is decoded as fast as it arrives, and judged by what arrives.

Owns one thread a stream and libVLC's stream output. Unlike a file, a live source must not be
paced by libVLC: its clock is the sender's, and libVLC throws away what its own clock calls late.
So the decoder hands over every sample at once (`smem` without time sync), and the voice, which
knows the card's clock, leads the ring's level back by its rate.

Invariants: as in `decode`; a job ends as finished or with exactly one fault; a source that sends
silence or a page of text is as lost as one that sends nothing.
"""

from __future__ import annotations

import ctypes
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from agent.contract.addresses import MULTICAST_SCHEMES, scheme_of, shown
from agent.player import smem
from agent.player.clockmap import NS_PER_MS, frames_of_ms, ns_of_frames
from agent.player.feed import Feed
from agent.player.flowing import PAUSE_NS, Flowing, came_at_once
from agent.player.hearing import Ear
from agent.player.http_feed import HttpFeed
from agent.player.levelling import Fader, Gauge, NoLibraryError
from agent.player.multicast import BARE, TS, MulticastFeed
from agent.player.patience import (
    HUNG_LIMIT_NS,
    lead_of_segments_ms,
    open_limit_ns,
    stall_limit_ns,
)
from agent.player.playlists import Listed, read
from agent.player.protocol import RATE_HZ, Source, SourceFault
from agent.player.ring import Pcm, Reader, Track
from agent.player.slots import PLAIN_LEAD_MS

log = logging.getLogger(__name__)

CAPACITY_FRAMES = 30 * RATE_HZ
_FULL_SCALE = np.float32(1.0 / 32768.0)
_FULL_WAIT_S = 0.1
# Pages of Ogg hold a second, and libVLC looks at 4 kB before it goes on.
PAGES_LEAD_MS = 3_000
LUMP_MARGIN_MS = 500
LEAD_MOST_MS = 12_000
# A list that leads to a list that leads to a list.
_LISTS_MOST = 4
_CHUNK_BYTES = 4_096
_PIECE_MOST_BYTES = 1 << 16  # a datagram comes whole
# Left to itself libVLC takes ffmpeg's demuxer for these, which waits for 32 kB: 4 s of 64 kbit/s.
_DEMUX = {
    TS: "ts",
    BARE: "au",
    "audio/mpeg": "mp3",
    "audio/mp3": "mp3",
    "audio/aac": "aac",
    "audio/aacp": "aac",
    "audio/x-aac": "aac",
}
_NO_MORE = -1
_BUFFER_BYTES = 1 << 20
_Get = ctypes.CFUNCTYPE(
    ctypes.c_int,
    ctypes.c_void_p,
    ctypes.c_char_p,
    ctypes.POINTER(ctypes.c_int64),
    ctypes.POINTER(ctypes.c_int64),
    ctypes.POINTER(ctypes.c_uint),
    ctypes.POINTER(ctypes.c_size_t),
    ctypes.POINTER(ctypes.c_void_p),
)
_Release = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_void_p
)


class LiveJob:
    """What the director sees of a live source. One writer a field, as in `DecodeJob`."""

    live = True
    over: int | None = None
    length: int | None = None
    base_lead_ms: int = PLAIN_LEAD_MS
    whole = False  # it has a beginning and an end: nothing of it is left out
    segment_ms = 0  # of a playlist

    def __init__(self, source: Source, now_ns: int) -> None:
        self.source = source
        self.track = Track(0, CAPACITY_FRAMES)
        self.reader: Reader = self.track
        self.cancelled = threading.Event()
        self.call_since_ns = 0  # a library call is under way since then; 0 when none is
        self._opened_ns = now_ns
        self._flow = Flowing()
        self._ear = Ear()
        self._gauge = _gauge(source)
        self.fader = None if self._gauge is None else Fader(self._gauge)
        self._loud = True  # neither silence nor hiss, for `_kind_for_ns`
        self._kind_for_ns = 0
        self.lump_ns = 0  # the longest it was waited for, once its first sound had come
        self._fault: SourceFault | None = None
        self._done = False

    @property
    def fault(self) -> SourceFault | None:
        """Why the source was given up."""
        return self._fault

    @property
    def done(self) -> bool:
        """Nothing more will come."""
        return self._done

    @property
    def sounding(self) -> bool:
        """Samples have come."""
        return self._flow.first_ns != 0

    @property
    def lead_ms(self) -> int:
        """How far behind its newest sample it is played: further, the longer one had to wait."""
        lump_ms = self.lump_ns // NS_PER_MS
        seen_ms = lump_ms + LUMP_MARGIN_MS if lump_ms > LUMP_MARGIN_MS else 0
        return max(self.base_lead_ms, min(LEAD_MOST_MS, seen_ms // 250 * 250))

    def waited_ns(self, now_ns: int) -> int:
        """For how long nothing has come; since it was opened, while nothing ever did."""
        return now_ns - (self._flow.last_ns or self._opened_ns)

    def well_for_ns(self, now_ns: int) -> int:
        """For how long it has sent sound as fast as it is played, pauses included."""
        return 0 if self._done else self._flow.well_for_ns(now_ns, self.lead_ms)

    def take(self, pcm: Pcm, now_ns: int) -> None:
        """The next samples, from the source's own thread."""
        looks = self._ear.add(pcm.astype(np.float32) * _FULL_SCALE)
        if self._gauge is not None:
            self._gauge.add(pcm, looks)
        for look in looks:
            self._kind_for_ns = ns_of_frames(look.for_frames)
            self._loud = look.kind == "sound"
        self.track.append(pcm)
        self._flow.took(len(pcm), now_ns, self.lead_ms)
        self.lump_ns = self._flow.lump_ns
        if not self._loud and self._kind_for_ns > PAUSE_NS:
            self._flow.quiet(now_ns)

    def take_in_turn(self, pcm: Pcm) -> None:
        """The same; a server that sends a whole file at once must wait until it is played."""
        while self.track.room < len(pcm) and not self.cancelled.wait(_FULL_WAIT_S):
            self._flow.held(time.monotonic_ns())
        if not self.done:
            self.take(pcm, time.monotonic_ns())

    def poll(self, now_ns: int, due_ns: int = 0) -> None:
        """Judge by what arrived; called by the control thread."""
        if self._done:
            return
        if self.call_since_ns and now_ns - self.call_since_ns > HUNG_LIMIT_NS:
            self._give_up("decoder_hung")
        elif not self.sounding:
            if now_ns - self._opened_ns > open_limit_ns(self.segment_ms):
                self._give_up("not_audio")
        elif now_ns - self._flow.last_ns > stall_limit_ns(self.lead_ms):
            self._give_up("stalled")
        elif self._silent_for_ns(now_ns - due_ns) > self.source.silent_ms * NS_PER_MS > 0:
            self._give_up("silent")
        elif self._flow.lacks(self.lead_ms) and self._little_left():
            self._give_up("too_slow")

    def _silent_for_ns(self, due_for_ns: int) -> int:
        """Its programme need not have begun before it is due; a recording may mean its silence."""
        return 0 if self._loud or self.whole else min(self._kind_for_ns, due_for_ns)

    def _little_left(self) -> bool:
        """Less than it should have in store; a second of the ring has been played already."""
        store = self.track.end - self.track.first() - RATE_HZ
        return store < frames_of_ms(self.lead_ms)

    def cancel(self) -> None:
        """No longer wanted."""
        self._done = True
        self.cancelled.set()

    def finish(self, fault: SourceFault | None = None) -> None:
        """It came to an end (the source's own thread)."""
        if not self._done:
            self._fault = fault
            self.track.finish()
            self._done = True

    def _give_up(self, fault: SourceFault) -> None:
        log.warning("source_given_up fault=%s url=%s", fault, shown(self.source.url))
        self.finish(fault)
        self.cancel()


class StreamJob(LiveJob):
    """A stream through libVLC, in a thread that is alone in calling its media player.

    A call that hangs costs that thread, never the control thread.
    """

    def __init__(self, source: Source, now_ns: int, instance: Callable[[], Any], ca: str) -> None:
        super().__init__(source, now_ns)
        self._instance = instance
        self._feed: Feed | None = None
        self._url = source.url  # that is fetched; a list may lead elsewhere
        self._segments_url = ""  # of the list of lists
        self._ca = ca
        self._bytes = (ctypes.c_char * _PIECE_MOST_BYTES)()  # until libVLC has copied them
        self._woken = threading.Event()
        self._errored = False
        self._buffer = (ctypes.c_char * _BUFFER_BYTES)()
        self._callbacks: list[Any] = []  # as long as libVLC may call them
        threading.Thread(target=self._run, name="stream", daemon=True).start()

    def cancel(self) -> None:
        """No longer wanted: the thread stops its player when it can."""
        super().cancel()
        self._woken.set()
        if self._feed is not None:
            self._feed.close()

    def _run(self) -> None:
        try:
            if not self._connect():
                return
            if not self.cancelled.is_set():
                self._decode()
        except Exception:
            log.exception("stream_failed url=%s", shown(self.source.url))
            self.finish("not_audio")
        finally:
            if self._feed is not None:
                self._feed.close()

    def _connect(self) -> bool:
        """Open what fetches it, and follow the lists that only say where it is."""
        for _ in range(_LISTS_MOST):
            feed = self._feed = _feed_of(self.source, self._url, self._ca)
            if not feed.open():
                self.finish(feed.fault or "refused")
                return False
            if not isinstance(feed, HttpFeed) or not feed.playlist:
                self.whole = feed.total_bytes is not None
                self.base_lead_ms = PAGES_LEAD_MS if "ogg" in feed.kind else PLAIN_LEAD_MS
                return True
            listed = read(feed.text(), feed.url)
            feed.close()
            if listed is None:
                break
            if listed.kind == "segments":
                self._in_segments(listed)
                return True
            if listed.kind == "variants":
                self._segments_url = self._segments_url or feed.url
            self._url = listed.address
        log.warning("playlist_leads_nowhere url=%s", shown(self.source.url))
        self.finish("not_audio")
        return False

    def _in_segments(self, listed: Listed) -> None:
        """libVLC fetches them itself."""
        self._feed = None
        self.whole, self.segment_ms = listed.whole, listed.segment_ms
        self.base_lead_ms = PLAIN_LEAD_MS if self.whole else lead_of_segments_ms(self.segment_ms)

    def _decode(self) -> None:
        import vlc

        media = self._media()
        player = self._call(lambda: self._instance().media_player_new())
        events = player.event_manager()
        events.event_attach(vlc.EventType.MediaPlayerEndReached, self._on_end)
        events.event_attach(vlc.EventType.MediaPlayerEncounteredError, self._on_error)
        try:
            self._call(lambda: player.set_media(media))
            self._call(player.play)
            self._woken.wait()
            self.finish(self._how_it_ended())
        finally:
            if self._feed is not None:
                self._feed.close()  # or stopping would wait for the next byte
            self.cancelled.set()
            self._call(player.stop)  # synchronous: after it no callback comes
            # Each of these would keep this job, and its ring, until the collector comes by.
            events.event_detach(vlc.EventType.MediaPlayerEndReached)
            events.event_detach(vlc.EventType.MediaPlayerEncounteredError)
            media.release()
            player.release()
            self._callbacks.clear()

    def _how_it_ended(self) -> SourceFault | None:
        if not self.sounding:
            return "refused" if self._feed is None else "not_audio"
        if self._feed is not None and self._feed.fault is not None:
            return self._feed.fault
        if isinstance(self._feed, HttpFeed) and self._feed.ended_well:
            self._look_whether_whole(over=True)
        return None if self.whole and not self._errored else "ended_early"

    def _look_whether_whole(self, *, over: bool = False) -> None:
        """Nobody may have said how long it is, and it is a recording all the same."""
        if isinstance(self._feed, HttpFeed) and self._feed.may_be_whole and not self.whole:
            took_ns = self._flow.last_ns - self._flow.first_ns
            self.whole = came_at_once(self.track.end, took_ns, over=over)

    def _media(self) -> Any:
        if self._feed is None:
            media = self._instance().media_new(self._segments_url or self._url)
        else:
            # `imem` as an access that gives blocks as they come.
            media = self._instance().media_new("imem://")
            get, release = _Get(self._on_bytes), _Release(lambda *_: 0)
            self._callbacks += [get, release]
            media.add_option(":imem-cat=4")
            if self._feed.kind in _DEMUX:
                media.add_option(f":demux={_DEMUX[self._feed.kind]}")
            media.add_option(f":imem-get={smem.address_of(get)}")
            media.add_option(f":imem-release={smem.address_of(release)}")
        before, after = smem.Before(self._on_room), smem.After(self._on_samples)
        self._callbacks += [before, after]
        media.add_option(
            f":sout=#transcode{{vcodec=none,scodec=none,acodec=s16l,channels=1,samplerate={RATE_HZ}}}:"
            + smem.output(before, after)
        )
        return media

    def _call(self, what: Callable[[], Any]) -> Any:
        self.call_since_ns = time.monotonic_ns()
        try:
            return what()
        finally:
            self.call_since_ns = 0

    # --- libVLC's callbacks: copy, note, return ----------------------------------------

    def _on_bytes(
        self,
        _data: object,
        _cookie: object,
        _dts: object,
        _pts: object,
        flags: Any,
        size: Any,
        place: Any,
    ) -> int:
        data = b"" if self._feed is None else self._feed.read(_CHUNK_BYTES)[:_PIECE_MOST_BYTES]
        ctypes.memmove(self._bytes, data, len(data))
        flags[0] = 0
        size[0] = len(data)
        place[0] = ctypes.addressof(self._bytes)
        return 0 if data else _NO_MORE

    def _on_room(self, _opaque: object, place: Any, size: int) -> None:
        place[0] = ctypes.addressof(self._buffer) if size <= _BUFFER_BYTES else None

    def _on_samples(
        self,
        _opaque: object,
        pcm: int,
        _channels: int,
        _rate: int,
        frames: int,
        _bits: int,
        size: int,
        _pts_us: int,
    ) -> None:
        if not pcm or size != 2 * frames or not frames:
            return
        self.take_in_turn(np.frombuffer(ctypes.string_at(pcm, size), np.int16))
        self._look_whether_whole()

    def _on_end(self, _event: object) -> None:
        self._woken.set()

    def _on_error(self, _event: object) -> None:
        self._errored = True
        self._woken.set()


def _gauge(source: Source) -> Gauge | None:
    """What measures a source that is to be levelled; without the library it plays as it comes."""
    if source.aim is None:
        return None
    try:
        return Gauge(source.aim, CAPACITY_FRAMES)
    except NoLibraryError as error:
        log.warning("not_levelled url=%s why=%s", shown(source.url), error)
        return None


def _feed_of(source: Source, url: str, ca: str) -> Feed:
    """What fetches it."""
    if scheme_of(url) in MULTICAST_SCHEMES:
        return MulticastFeed(url, max_kbps=source.max_kbps)
    return HttpFeed(url, ca=ca, max_kbps=source.max_kbps)
