"""The return line: what comes back from behind the card, heard beside what was sent there.

`ReturnEar` is pure: numpy blocks and instants in, what lacks and what was found out. `ReturnLine`
owns the process that listens (`listener`), waited for in a thread of its own; a line that is not
there, is busy or gives no samples any more is looked for again and claims nothing.

Invariants: what is not heard is `None`, never silence; a line that only hums is as empty as one
without any sound: the hum was measured while nothing was sent.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from agent.player import protocol as p
from agent.player.capture import Listener
from agent.player.clockmap import NS_PER_MS, NS_PER_S, ms_of_frames, ns_of_frames
from agent.player.hearing import SILENT_DBFS, Ear, Look
from agent.player.pattern import SLOW_HZ, SLOWER, find, slower
from agent.player.ring import Block

log = logging.getLogger(__name__)

FRAMES = 2_048 * SLOWER
"""Nobody waits for this line: a large buffer costs least. Whole at the slow rate."""

KEPT_NS = 8 * NS_PER_S
BEFORE_NS = NS_PER_S // 4
LATEST_MS = 1_500
"""So long after it left the card the pattern may come back."""

EARLY_MS = 100
"""So much before it is looked for it, too: what a card says of its delay is not always so."""

AGAIN_S = (10.0, 10.0, 20.0, 40.0, 60.0)
"""Pauses before a line is looked for again: each look is a process that starts."""
NOTHING_NS = 8 * NS_PER_S
"""A listener that gives nothing for so long is ended: it hangs, in its opening or later."""
STALE_NS = 2 * NS_PER_S
ABOVE_HUM_DB = 6.0
HUM_LOUDEST_DBFS = -30.0
"""What is louder while nothing is sent is somebody else's sound, and no hum."""
SENT_LOUD_DBFS = -50.0
LOUD_LEAST_MS = 2_000


@dataclass(slots=True)
class _Kept:
    """Sound at the slow rate. at_ns: when its first sample came in."""

    at_ns: int
    block: Block


class ReturnEar:
    """`add` is called by the capture's thread, the rest by the control thread."""

    def __init__(self) -> None:
        self._ear = Ear()
        self._kept: deque[_Kept] = deque()
        self._last_ns = 0
        self._loudest_dbfs: float | None = None
        self._hum_dbfs: float | None = None
        self._lacks_since_ns = 0
        self._loud_ms = 0

    def add(self, block: Block, at_ns: int) -> None:
        """The next samples, full scale 1.0, the first of which came in at `at_ns`."""
        for look in self._ear.add(block):
            loudest = self._loudest_dbfs
            self._loudest_dbfs = (
                look.level_dbfs if loudest is None else max(loudest, look.level_dbfs)
            )
        self._kept.append(_Kept(at_ns, slower(block)))
        while self._kept and at_ns - self._kept[0].at_ns > KEPT_NS:
            self._kept.popleft()
        self._last_ns = at_ns

    def forget(self) -> None:
        """The line is gone; what comes from now on begins anew."""
        self._ear.forget()
        self._kept.clear()
        self._last_ns, self._loudest_dbfs = 0, None
        self._lacks_since_ns = self._loud_ms = 0

    def look(self, sent: Look | None, every_ms: int, now_ns: int) -> tuple[Look | None, int | None]:
        """What came back last, and how long it has lacked although sound was sent (None: nobody
        can say). Asked for every `every_ms`; sent: what left the bus, None: nothing plays there."""
        loudest, self._loudest_dbfs = self._loudest_dbfs, None
        back = self._ear.last
        if loudest is None or back is None or now_ns - self._last_ns > STALE_NS:
            self._lacks_since_ns = self._loud_ms = 0
            return None, None
        if sent is None:
            self._lacks_since_ns = self._loud_ms = 0
            if loudest < HUM_LOUDEST_DBFS:
                self._hum_dbfs = loudest
            return back, 0
        if loudest >= self._empty_dbfs():
            self._lacks_since_ns = self._loud_ms = 0
            return back, 0
        if sent.kind == "sound" and sent.level_dbfs >= SENT_LOUD_DBFS:
            loud_ms = min(every_ms, ms_of_frames(sent.for_frames))
            self._loud_ms += loud_ms
            self._lacks_since_ns = self._lacks_since_ns or now_ns - loud_ms * NS_PER_MS
        if self._loud_ms < LOUD_LEAST_MS:
            return back, 0
        return back, (now_ns - self._lacks_since_ns) // NS_PER_MS

    def piece(self, from_ns: int, to_ns: int) -> Block | None:
        """What came in between, at the slow rate; None where it is not all there.

        Only what came near it places it: what was lost long before would shift it.
        """
        kept = [one for one in list(self._kept) if one.at_ns > from_ns - BEFORE_NS]
        if not kept or kept[0].at_ns > from_ns:
            return None
        whole = np.concatenate([one.block for one in kept])
        # The earliest arrival is the one that nothing held up.
        counted = np.cumsum([0, *(len(one.block) for one in kept[:-1])])
        began_ns = min(
            one.at_ns - round(int(frames) * NS_PER_S / SLOW_HZ)
            for one, frames in zip(kept, counted, strict=True)
        )
        low, high = ((at - began_ns) * SLOW_HZ // NS_PER_S for at in (from_ns, to_ns))
        return whole[low:high] if low >= 0 and high <= len(whole) else None

    def _empty_dbfs(self) -> float:
        hum = self._hum_dbfs
        return SILENT_DBFS if hum is None else max(SILENT_DBFS, hum + ABOVE_HUM_DB)


class ReturnLine:
    """The input that hears one bus from behind the amplifier."""

    def __init__(self, device: str, channel: int, bus: int, wake: Callable[[], None]) -> None:
        self.bus = bus
        self.fault = ""
        """Why nothing is heard: `not_found`, `refused`; empty while the line is open."""
        self.found: deque[p.Compared] = deque()
        self._device = device
        self._channels = channel + 1
        self._channel = channel
        self._ear = ReturnEar()
        self._wake = wake
        self._listener: Listener | None = None
        self._came_ns = 0  # when something came last, or it was begun to listen

    def start(self) -> None:
        """Open it where it can hang without holding anybody up."""
        threading.Thread(target=self._run, name="return-line", daemon=True).start()

    def report(self, sent: Look | None, every_ms: int, at_ms: int, now_ns: int) -> p.Returned:
        """What the agent is told once a second."""
        listener = self._listener
        if listener is not None and now_ns - self._came_ns > NOTHING_NS:
            listener.end()
        back, lacks_ms = self._ear.look(sent, every_ms, now_ns)
        return p.Returned(
            bus=self.bus,
            at_ms=at_ms,
            fault=self.fault,
            kind=None if back is None else back.kind,
            for_ms=0 if back is None else ms_of_frames(back.for_frames),
            level_cdb=None if back is None else round(100 * back.level_dbfs),
            peak_cdb=None if back is None else round(100 * back.peak_dbfs),
            lacks_ms=lacks_ms,
        )

    def compare(self, token: str, left_ns: int, missing_ms: int = 0) -> None:
        """Look for the pattern that began to leave the card at `left_ns`; see `found`.

        missing_ms: what came before that instant of it was not played.
        """
        threading.Thread(
            target=self._compare, args=(token, left_ns, missing_ms), name="compare", daemon=True
        ).start()

    def _compare(self, token: str, left_ns: int, missing_ms: int) -> None:
        left_ns -= missing_ms * NS_PER_MS
        to_ns = left_ns + (p.PATTERN_MS + LATEST_MS) * NS_PER_MS
        time.sleep(max(0, to_ns + STALE_NS // 4 - time.monotonic_ns()) / NS_PER_S)
        piece = self._ear.piece(left_ns - EARLY_MS * NS_PER_MS, to_ns)
        if piece is None:
            self.found.append(p.Compared(token, self.bus, None, self.fault or "stalled"))
        else:
            seen = find(piece, missing_ms)
            delay_us = None if seen.delay_us is None else seen.delay_us - 1_000 * EARLY_MS
            self.found.append(
                p.Compared(token, self.bus, seen.heard, "", delay_us, seen.level_cdb, seen.snr_cdb)
            )
        self._wake()

    # --- the capture --------------------------------------------------------------------

    def _run(self) -> None:
        looks = 0
        while True:
            fault, detail = self._capture()
            if fault == "stalled":
                looks = 0
            elif fault != self.fault:
                log.warning("no_return_line device=%r why=%s %s", self._device, fault, detail)
            self.fault = fault
            self._ear.forget()
            time.sleep(AGAIN_S[min(looks, len(AGAIN_S) - 1)])
            looks += 1

    def _capture(self) -> tuple[str, str]:
        """Listen until the line is gone; why it is, and details."""
        self._came_ns = time.monotonic_ns()
        try:
            self._listener = listener = Listener(self._device, self._channels, FRAMES)
        except OSError as error:
            return "refused", str(error)
        try:
            said, detail = listener.said()
            if said != "open":
                return said, detail
            self.fault = ""
            while data := listener.read():
                self._take(data)
        finally:
            self._listener = None
            listener.close()
        return "stalled", ""

    def _take(self, data: bytes) -> None:
        pcm = np.frombuffer(data, np.int16)[self._channel :: self._channels]
        block = pcm.astype(np.float32) * np.float32(1.0 / 32768.0)
        self._came_ns = time.monotonic_ns()
        self._ear.add(block, self._came_ns - ns_of_frames(len(block)))
