"""When the source behind a live one is opened ahead, and when it may take its place.

Owns the watch over one live source on the air, and what stands ready behind it. Pure: time is an
argument, sources are opened by the caller, the mixer takes over at the sample. Why so, with the
figures: docs/decisions/0011.

Rules: what is behind a live source is opened when little of its store is left and it has been
waited for longer than it ever was, or when nothing of it is heard; at most one live source and one
recording; it is closed again when the source flows for a while. A live source that is not needed
after all is opened ahead ever more rarely, because a thin line pays for it. It takes over when
nothing is left: at once where the source is gone back to at once, or where it is live itself; a
recording that would then be played to its end, or for good, waits until the source is given up.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from agent.player.attempts import Attempt
from agent.player.clockmap import NS_PER_MS, NS_PER_S
from agent.player.pauses import Pause
from agent.player.protocol import LIVE_KINDS, Part
from agent.player.slots import Slot

# Half of what a plain stream keeps: a server that is near sounds within the other half.
LITTLE_NS = 750 * NS_PER_MS
# So much longer than ever before.
LATE_NS = 100 * NS_PER_MS
# With nothing left it need not be longer than ever before: a chunk of a stream is shorter.
MISSED_NS = 500 * NS_PER_MS
# Something still comes, but not enough: so long nothing was heard.
DRY_NS = 300 * NS_PER_MS
# The first source of a part: a server far away takes its time.
FIRST_SOUND_NS = 5 * NS_PER_S // 2
CALM_NS = 3 * NS_PER_S
# A ring holds 16 s of a recording that nobody plays yet.
STANDS_MOST_NS = 12 * NS_PER_S


class Flow(NamedTuple):
    """How a live source flows.

    waited_ns: since its newest sample, or since it was wanted while none has come; lump_ns: the
    longest that it was waited for before. store_ns: what can still be played of it; lead_ns: what
    should be there to begin. heard: something of it is played now. began: it was heard before.
    first: no other source of its part was.
    """

    waited_ns: int
    lump_ns: int
    store_ns: int
    lead_ns: int = 0
    sounding: bool = True
    heard: bool = True
    began: bool = True
    first: bool = True


class Said(NamedTuple):
    """ready: something should stand ready; streams: also one that costs data. gives_way: it takes
    over when nothing is left."""

    ready: bool
    streams: bool
    gives_way: bool


class Foresight:
    """The judgement of one live source, from how it flows."""

    def __init__(self) -> None:
        self._most_ns = 0  # the fullest that its store was
        self._since_ns: int | None = None  # of the alarm that is on
        self._troubled_ns = 0
        self._dry_since_ns: int | None = None
        self._pause = Pause()
        self._streams_from_ns = 0
        self._streamed = False  # it was told so since the alarm began
        self._over_ns: int | None = None  # when the last alarm was that a stream was opened in

    def step(self, flow: Flow, now_ns: int) -> Said:
        """What to do now."""
        trouble, gives_way = self._judge(flow, now_ns)
        if trouble:
            self._troubled_ns = now_ns
            if self._since_ns is None:
                self._begin(now_ns)
        elif self._since_ns is not None and now_ns - self._troubled_ns > CALM_NS:
            self._end(now_ns)
        if self._since_ns is not None and now_ns - self._since_ns > STANDS_MOST_NS:
            self._end(now_ns)
        ready = self._since_ns is not None
        streams = ready and (self._streamed or self._streams_too(flow, now_ns))
        self._streamed = streams
        return Said(ready, streams, ready and gives_way)

    def _streams_too(self, flow: Flow, now_ns: int) -> bool:
        if flow.heard:
            return now_ns >= self._streams_from_ns
        return flow.began or flow.waited_ns > FIRST_SOUND_NS  # one at a time is tried

    def _begin(self, now_ns: int) -> None:
        if self._over_ns is not None:
            self._pause.rested(now_ns - self._over_ns)
        self._since_ns = now_ns

    def _end(self, now_ns: int) -> None:
        """It was not needed."""
        self._since_ns = None
        if self._streamed:
            self._over_ns, self._streams_from_ns = now_ns, now_ns + self._pause.now_ns
            self._pause.grow()

    def _judge(self, flow: Flow, now_ns: int) -> tuple[bool, bool]:
        """Whether something should stand ready, and whether it may take over."""
        self._most_ns = max(self._most_ns, flow.store_ns)
        late = flow.waited_ns > flow.lump_ns + LATE_NS
        if flow.heard:
            self._dry_since_ns = None
            little_ns = min(LITTLE_NS, self._most_ns // 2)
            if flow.store_ns >= little_ns:
                return False, False
            return late or flow.store_ns < little_ns // 2, late or flow.waited_ns > MISSED_NS
        if flow.began:
            if self._dry_since_ns is None:
                self._dry_since_ns = now_ns
            missed = late or flow.waited_ns > MISSED_NS
            return True, missed or now_ns - self._dry_since_ns >= DRY_NS
        if not flow.first:
            return True, True
        if flow.sounding:  # its store fills: some send a lump at a time from the beginning
            late = late and flow.waited_ns > flow.lead_ns * 2 // 3
        else:
            late = flow.waited_ns > FIRST_SOUND_NS
        return late, late


class Spares:
    """What stands ready behind one live source."""

    def __init__(
        self, behind: Attempt, part: Part, open_source: Callable[[int, int], Attempt]
    ) -> None:
        """open_source(number, now_ns) begins to decode a source of the part."""
        self.behind = behind
        self.ready: list[Attempt] = []
        """In the part's order."""
        self.failed: list[Attempt] = []
        """Given up before anybody heard them, since the alarm began."""
        self._part = part
        self._open = open_source
        self._foresight = Foresight()

    @property
    def open(self) -> bool:
        """Whether something stands ready, or is about to."""
        return bool(self.ready)

    def step(self, flow: Flow, now_ns: int) -> tuple[Slot, ...]:
        """Open and close; which of them may take over now, in this order."""
        for one in self.ready:
            one.job.poll(now_ns)
        self._put_aside()
        said = self._foresight.step(flow, now_ns)
        if not said.ready:
            self.close()
            return ()
        self._open_what_lacks(now_ns, streams=said.streams)
        if not said.gives_way:
            return ()
        return tuple(one.slot for one in self.ready if self._may_take(one.source))

    def heir(self) -> Attempt | None:
        """The one that has taken over; it is the caller's now."""
        found = next((one for one in self.ready if one.slot.inherited), None)
        if found is not None:
            self.ready.remove(found)
        return found

    def following(self, now_ns: int) -> Attempt | None:
        """The source was given up: the next one of the part, open already or opened now."""
        self._put_aside()
        number = self._next(())
        if number is None:
            return None
        for one in self.ready:
            if one.source == number:
                self.ready.remove(one)
                return one
        return self._open(number, now_ns)

    def close(self) -> None:
        """Nothing is needed any more."""
        for one in self.ready:
            one.job.cancel()
        self.ready, self.failed = [], []

    def _put_aside(self) -> None:
        lost = [one for one in self.ready if one.job.fault is not None or one.job.over is not None]
        self.failed += lost
        self.ready = [one for one in self.ready if one not in lost]

    def _may_take(self, number: int) -> bool:
        live = self._part.sources[number].kind in LIVE_KINDS
        return live or self._part.retake == "at_once"

    def _next(self, standing: tuple[int, ...]) -> int | None:
        """The next source of the part that neither stands ready nor has failed."""
        gone = {*standing, *(one.source for one in self.failed)}
        numbers = range(self.behind.source + 1, len(self._part.sources))
        return next((number for number in numbers if number not in gone), None)

    def _open_what_lacks(self, now_ns: int, *, streams: bool) -> None:
        """The next source that is live, and the first recording behind it, which costs nothing."""
        standing = [one.source for one in self.ready]
        has_live = any(self._part.sources[number].kind in LIVE_KINDS for number in standing)
        while True:
            number = self._next(tuple(standing))
            if number is None:
                break
            standing.append(number)
            kind = self._part.sources[number].kind
            if kind in LIVE_KINDS:
                if has_live or (kind == "stream" and not streams):
                    continue
                has_live = True
            elif any(self._part.sources[one.source].kind not in LIVE_KINDS for one in self.ready):
                break
            self.ready.append(self._open(number, now_ns))
            if kind not in LIVE_KINDS:
                break
        self.ready.sort(key=lambda one: one.source)
