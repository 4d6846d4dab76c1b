"""How a live source flows: how long it is waited for, whether it keeps up, whether it is well.

Owns the arithmetic over when how much sound arrived. Pure: time is an argument. A rate is only
measured from one arrival to another, so that a source that comes in lumps (segments of ten
seconds) is judged as truly as one that trickles.
"""

from __future__ import annotations

from collections import deque

from agent.player.clockmap import NS_PER_MS, NS_PER_S, ns_of_frames

# What a network gives at once at the beginning says nothing of how it flows.
FLOWS_AFTER_NS = 3 * NS_PER_S // 2
# A pause between two words, or two items.
PAUSE_NS = 2 * NS_PER_S
# Sound that comes at nine tenths of its own pace is taken back; the rest of the judging is `lacks`.
_WELL_SHARE = 0.9
# A source may lack three seconds in a hundred; what it lacks beyond that is summed up.
_MAY_LACK = 0.03
# One stall that is not called one yet (4 s) is no slow source.
_LACKS_LEAST_NS = 9 * NS_PER_S // 2
_MARK_NS = NS_PER_S // 4
_WINDOW_NS = 15 * NS_PER_S


class Flowing:
    """One live source. Fed by its own thread, read by any."""

    def __init__(self) -> None:
        self.first_ns = 0  # when its first samples came; 0: none did
        self.last_ns = 0
        self.lump_ns = 0  # the longest it was waited for, once its first sound had come
        self._lacks_ns = 0.0
        self._frames = 0
        self._from_ns = 0  # it is measured from the last arrival before this instant
        self._marks: deque[tuple[int, int]] = deque()  # an arrival, and all frames until then
        self._well_from_ns: int | None = None

    def took(self, frames: int, now_ns: int, lead_ms: int) -> None:
        """So many frames of sound came, of a source that is played so far behind its newest."""
        self._frames += frames
        if not self.first_ns:
            self._begin(now_ns)
            self.first_ns = self.last_ns = now_ns
            return
        gap_ns, self.last_ns = now_ns - self.last_ns, now_ns
        if now_ns - self.first_ns > FLOWS_AFTER_NS:
            self.lump_ns = max(self.lump_ns, gap_ns)
        lacks_ns = self._lacks_ns + (1.0 - _MAY_LACK) * gap_ns - ns_of_frames(frames)
        self._lacks_ns = max(0.0, lacks_ns)
        if gap_ns > _pause_ns(lead_ms):
            self._begin(now_ns)
        else:
            self._mark(now_ns)

    def held(self, now_ns: int) -> None:
        """It could send more, but nobody takes it: no time of its own passes."""
        self.last_ns = now_ns
        self._begin(now_ns)

    def quiet(self, now_ns: int) -> None:
        """What it sends is no sound: it is well only after this."""
        self._begin(now_ns)

    def lacks(self, lead_ms: int) -> bool:
        """Whether it came slower than it is played, for longer than its store can bridge."""
        return self._lacks_ns > max(_LACKS_LEAST_NS, lead_ms * NS_PER_MS)

    def well_for_ns(self, now_ns: int, lead_ms: int) -> int:
        """For how long it has flowed as fast as it is played; 0 while it does not."""
        if self._well_from_ns is None or now_ns - self.last_ns > _pause_ns(lead_ms):
            return 0
        return now_ns - self._well_from_ns

    def _begin(self, now_ns: int) -> None:
        self._well_from_ns = None
        self._from_ns = now_ns + FLOWS_AFTER_NS
        self._marks.clear()
        self._marks.append((now_ns, self._frames))

    def _mark(self, now_ns: int) -> None:
        if now_ns <= self._from_ns:
            self._marks[0] = now_ns, self._frames
            return
        if now_ns - self._marks[-1][0] >= _MARK_NS:
            self._marks.append((now_ns, self._frames))
        while len(self._marks) > 2 and now_ns - self._marks[1][0] >= _WINDOW_NS:
            self._marks.popleft()
        at_ns, before = self._marks[0]
        came_ns = ns_of_frames(self._frames - before)
        if now_ns - at_ns < FLOWS_AFTER_NS:
            return
        if came_ns < _WELL_SHARE * (now_ns - at_ns):
            self._well_from_ns = None
        elif self._well_from_ns is None:
            self._well_from_ns = at_ns


def came_at_once(frames: int, took_ns: int, *, over: bool) -> bool:
    """Whether so much sound, in so long, is a recording's and not something that goes on now.

    A live server gives a listener some seconds ahead, and after that what there is. over: it came
    to its end, and said so.
    """
    sound_ns = ns_of_frames(frames)
    return sound_ns > 2 * took_ns if over else sound_ns - 3 * took_ns > 10 * NS_PER_S


def _pause_ns(lead_ms: int) -> int:
    """So long nothing may come of a source that is well."""
    return max(PAUSE_NS, lead_ms * NS_PER_MS)
