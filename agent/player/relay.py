"""When a live source that was given up is tried again, and when it is gone back to.

Owns the probes of one part while another source stands in for a live one. Pure: time is an
argument, sources are opened by the caller. What is on air stays on air until a probe has sounded
well for a while; rounds of probes come ever more rarely, because a thin line pays for each.

Rules: sources are tried in the part's order, the first that is well is taken. `at_once` goes back
as soon as it is; `when_over` lets a recording finish and decides just before its end. A recording
that ends without relief begins again. A source that only faltered keeps its connection as the
first probe, once: one that falters again soon after is tried like one that was given up, so that a
village hears some twenty returns an hour at most, whatever the line does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from agent.player.clockmap import NS_PER_MS, NS_PER_S
from agent.player.decode import Job
from agent.player.pauses import Pause
from agent.player.protocol import LIVE_KINDS, Part
from agent.player.slots import PLAIN_LEAD_MS

PROBE_WELL_NS = 3 * NS_PER_S
PROBE_LIMIT_NS = 12 * NS_PER_S
# Before the end of a recording: time for one probe, and time to open what follows it.
LAST_PROBE_NS = PROBE_WELL_NS + 9 * NS_PER_S
DECIDE_NS = 3 * NS_PER_S // 2

Relieved = Literal[
    "stay",
    "switch",  # to `probe`, now
    "follow",  # with `probe`, when the recording is over
    "again",  # the recording, when it is over
]


class StandIn(NamedTuple):
    """What is on air instead. left_ns: until its end, None for what has none or none known."""

    source: int
    left_ns: int | None


@dataclass(eq=False)
class Probe:
    """A live source that is tried again. offset: what lies before it was heard already.
    well_from_ns: how well it was before does not count."""

    source: int
    job: Job
    since_ns: int
    offset: int = 0
    well_from_ns: int = 0


def stands_in(part: Part, source: int) -> bool:
    """Whether source number `source` only stands in for one that may be gone back to."""
    return part.retake != "never" and any(one.kind in LIVE_KINDS for one in part.sources[:source])


class Relief:
    """The probes of one part, from the first failure of a live source to the end of the part."""

    def __init__(
        self,
        number: int,
        part: Part,
        open_source: Callable[[int, int], Job],
        filled: Callable[[Probe], bool] = lambda _probe: True,
    ) -> None:
        """number: the part's in its cue. open_source(number, now_ns) begins to decode a source.
        filled: whether it has as much in store as it begins with."""
        self.part = number
        self._part = part
        self._open = open_source
        self._filled = filled
        self._pause = Pause()
        self._due_ns: int | None = None
        self._round: list[int] = []
        self._changed_ns: int | None = None  # when a source was lost or gone back to
        self._tried_at_this_end = False
        self._more_ns = 0  # a probe takes longer of what comes in long segments
        self.probe: Probe | None = None

    def step(self, on_air: StandIn, now_ns: int) -> Relieved:
        """What to do now; after `switch` and `follow` the caller has the probe (`take`)."""
        if self._due_ns is None:
            self._due_ns = now_ns + self._pause.now_ns
        self._watch(on_air, now_ns)
        well = self.probe is not None and self._is_well(self.probe, now_ns)
        near_its_end = on_air.left_ns is not None and on_air.left_ns < DECIDE_NS
        if well and not self._waits_for_the_end(on_air):
            return "switch"
        if near_its_end:
            return "follow" if well else "again"
        return "stay"

    def take(self, now_ns: int) -> Probe:
        """The probe goes on air: its job is the caller's."""
        probe, self.probe = self.probe, None
        if probe is None:
            raise ValueError("no probe to take")
        self._changed_ns, self._due_ns, self._round = now_ns, None, []
        self._tried_at_this_end = False
        return probe

    def lost(self, now_ns: int) -> None:
        """What was on the air is not; one that comes and goes is tried ever more rarely."""
        if self._changed_ns is not None:
            self._pause.rested(now_ns - self._changed_ns)
        self._changed_ns, self._due_ns = now_ns, None

    def keep(self, source: int, job: Job, offset: int, now_ns: int) -> bool:
        """Whether a source that was lost keeps its connection: it is the probe then."""
        if self.probe is not None or not self._pause.is_first:
            return False
        self.probe = Probe(source, job, now_ns, offset, now_ns)
        self._pause.grow()
        return True

    def hold(self, now_ns: int) -> None:
        """Nothing is tried while what is on the air is itself in trouble."""
        self.end()
        self._due_ns = now_ns + self._pause.now_ns

    def end(self) -> None:
        """The part is over, or its first source is on air."""
        if self.probe is not None:
            self.probe.job.cancel()
            self.probe = None

    def _is_well(self, probe: Probe, now_ns: int) -> bool:
        well_ns = min(probe.job.well_for_ns(now_ns), now_ns - probe.well_from_ns)
        return well_ns >= PROBE_WELL_NS and self._filled(probe)

    def _waits_for_the_end(self, on_air: StandIn) -> bool:
        recording = self._part.sources[on_air.source].kind == "file"
        return recording and on_air.left_ns is not None and self._part.retake == "when_over"

    def _watch(self, on_air: StandIn, now_ns: int) -> None:
        """Begin, judge and end probes."""
        probe = self.probe
        if probe is not None:
            probe.job.poll(now_ns)
            well = probe.job.well_for_ns(now_ns) > 0
            more_ns = max(0, probe.job.lead_ms - PLAIN_LEAD_MS) * NS_PER_MS
            self._more_ns = max(self._more_ns, more_ns)
            if probe.job.done or (not well and now_ns - probe.since_ns > PROBE_LIMIT_NS + more_ns):
                probe.job.cancel()
                self.probe = None
                self._due_ns = now_ns + self._pause.now_ns
        if self.probe is not None or not self._wanted(on_air, now_ns):
            return
        if not self._round:
            kinds = enumerate(one.kind for one in self._part.sources[: on_air.source])
            self._round = [number for number, kind in kinds if kind in LIVE_KINDS]
            self._pause.grow()
        number = self._round.pop(0)
        self.probe = Probe(number, self._open(number, now_ns), now_ns)

    def _wanted(self, on_air: StandIn, now_ns: int) -> bool:
        if self._round:
            return True
        if not self._waits_for_the_end(on_air):
            return self._due_ns is not None and now_ns >= self._due_ns
        # One round an end, whatever the pauses say: the recording is a pause itself.
        near = on_air.left_ns is not None and on_air.left_ns < LAST_PROBE_NS + self._more_ns
        wanted = near and not self._tried_at_this_end
        self._tried_at_this_end = near
        return wanted
