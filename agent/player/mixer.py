"""Buses and the voices on them: which cue has which channel at which frame.

Owns the take-over rule, underrun counts and the interleaved block for the card. Pure: told at
which instant each block leaves. Runs in the output's thread: numpy blocks, no I/O, no locks.

Invariants: a bus plays one voice, and at most one above it that names it: that one is turned down
meanwhile and goes on in time, and the limiter takes the sum. Any other take-over happens at its
exact frame, the old voices ending there with a 2 ms edge. Every voice that was added ends exactly
once. Voices are asked for their sound as much earlier as the limiter holds it back, so that it
leaves at its instant.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from agent.player.clockmap import NS_PER_MS, frames_of_ns, ns_of_frames
from agent.player.hearing import Ear
from agent.player.limiter import CEILING_CDB, LOOKAHEAD_FRAMES, Limiter
from agent.player.protocol import EndReason
from agent.player.ring import Block
from agent.player.voice import DUCK_DOWN_MS, Voice, VoiceEvent

MixerEvent: TypeAlias = tuple[Voice, VoiceEvent]

LOOKAHEAD_NS = ns_of_frames(LOOKAHEAD_FRAMES)


class Mixer:
    """`render` is called by the output for each block; the rest by the control thread."""

    def __init__(
        self,
        buses: int,
        wake: Callable[[], None] = lambda: None,
        *,
        ceiling_cdb: int = CEILING_CDB,
    ) -> None:
        self.buses = buses
        self.frames = 0
        self.underruns = 0
        self.latency_ns = 0  # from here to the converter, kept up to date by the process
        self.events: deque[MixerEvent] = deque()
        self._wake = wake
        self._drift = 0.0
        self._added: deque[Voice] = deque()
        self._waiting: list[list[Voice]] = [[] for _ in range(buses)]
        self._playing: list[Voice | None] = [None] * buses
        self._above: list[Voice | None] = [None] * buses  # only where a voice plays beneath it
        self.limiters = [Limiter(ceiling_cdb) for _ in range(buses)]
        self.ears = [Ear() for _ in range(buses)]
        self._stretches: list[tuple[int, int, int] | None] = [None] * buses
        self._began = False
        self._resting = False  # nothing was left to do on any bus after the last block

    def add(self, voice: Voice) -> None:
        """Hand over a voice; it is taken up with the next block."""
        self._added.append(voice)

    def quiet_until(self, until_ns: int) -> bool:
        """Whether nothing sounds before `until_ns`, as far as is known (any thread may ask)."""
        waiting = [*self._added, *(voice for bus in self._waiting for voice in list(bus))]
        due = any(max(voice.start_ns, voice.arrived_ns) < until_ns for voice in waiting)
        return not due and all(voice is None for voice in self._playing)

    def playing(self) -> list[Voice]:
        """The voice of each bus that has one, the upper of two (any thread may ask)."""
        upper = (above or voice for above, voice in zip(self._above, self._playing, strict=True))
        return [voice for voice in upper if voice is not None]

    def rest(self, frames: int, *, underrun: bool = False) -> bool:
        """Whether the next block is silence; it is counted then, and need not be rendered.

        That is most blocks of a station's life: computing them was half of what they cost.
        """
        if self._added or not self._resting:
            return False
        if underrun:
            self._count_underrun()
        self.frames += frames
        return True

    def render(
        self, frames: int, dac_ns: int, *, underrun: bool = False, drift: float = 0.0
    ) -> NDArray[np.int16]:
        """The next block, `frames` x buses, whose first frame leaves at `dac_ns`.

        `drift`: how much longer than nominal the card's second lasts, as far as is known.
        """
        self._drift = drift
        if underrun:
            self._count_underrun()
        while self._added:
            voice = self._added.popleft()
            self._waiting[voice.bus].append(voice)
        block = np.zeros((frames, self.buses), np.int16)
        self._resting = True
        for bus in range(self.buses):
            if self._playing[bus] is None and not self._waiting[bus] and self.limiters[bus].idle:
                self.ears[bus].forget()
                continue
            self._resting = False
            if not self._began:  # nothing was held back yet for the first block
                self.limiters[bus].process(self._render_bus(bus, LOOKAHEAD_FRAMES, dac_ns))
            mixed = self._render_bus(bus, frames, dac_ns + LOOKAHEAD_NS)
            left = self.limiters[bus].process(mixed)
            self._listen_anew(bus)
            self.ears[bus].add(left)
            block[:, bus] = np.clip(left * np.float32(32768.0), -32768.0, 32767.0)
        self._began = True
        self.frames += frames
        if self.events:
            self._wake()
        return block

    def _listen_anew(self, bus: int) -> None:
        """How long it has been silent is said of the source that plays, not of one before it."""
        voice = self._playing[bus]
        stretch = None if voice is None else voice.stretch
        if stretch not in (None, self._stretches[bus]):
            self.ears[bus].forget()
        self._stretches[bus] = stretch

    def _count_underrun(self) -> None:
        self.underruns += 1
        for voice in (*self._playing, *self._above):
            if voice is not None:
                voice.underruns += 1

    def _render_bus(self, bus: int, frames: int, dac_ns: int) -> Block:
        out = np.zeros(frames, np.float32)
        self._take_orders(bus, dac_ns)
        done = 0
        self._lower(bus, dac_ns + ns_of_frames(frames))
        while done < frames:
            following, at = self._next(bus, dac_ns, done, frames)
            self._play(bus, out[done:at], dac_ns + ns_of_frames(done), following)
            if following is not None:
                self._take_over(bus, following, dac_ns + ns_of_frames(at))
            done = at
        return out

    def _lower(self, bus: int, until_ns: int) -> None:
        """Turn a voice down before another begins above it, and up when none is there."""
        voice = self._playing[bus]
        if voice is None:
            return
        soon_ns = until_ns + DUCK_DOWN_MS * NS_PER_MS
        soon = any(
            self._lies_above(waiting, bus) and max(waiting.start_ns, waiting.arrived_ns) <= soon_ns
            for waiting in self._waiting[bus]
        )
        voice.duck(low=soon or self._above[bus] is not None)

    def _lies_above(self, voice: Voice, bus: int) -> bool:
        """Whether it lets what has the bus go on beneath it."""
        beneath = self._playing[bus]
        return beneath is not None and voice.over == beneath.token

    def _take_orders(self, bus: int, dac_ns: int) -> None:
        for voice in (self._playing[bus], self._above[bus], *self._waiting[bus]):
            if voice is not None:
                voice.take_orders()
                voice.resolve_stop(dac_ns)
        for voice in self._waiting[bus][:]:
            self._drop_if_over(bus, voice, dac_ns)

    def _drop_if_over(self, bus: int, voice: Voice, dac_ns: int) -> None:
        """A waiting voice that was stopped, or whose end has passed, never sounds."""
        end_ns, _, reason = voice.nearest_end()
        stopped = reason == "stopped" and end_ns is not None and end_ns <= voice.start_ns
        if stopped or (end_ns is not None and end_ns <= dac_ns):
            self._waiting[bus].remove(voice)
            self._end(voice, "stopped" if reason == "stopped" else "late", dac_ns)

    def _next(self, bus: int, dac_ns: int, done: int, frames: int) -> tuple[Voice | None, int]:
        """The next voice that takes over within the block, and at which frame."""
        best, best_at = None, frames
        for voice in self._waiting[bus]:
            due_ns = max(voice.start_ns, voice.arrived_ns)
            at = max(done, round(frames_of_ns(due_ns - dac_ns)))
            if at < best_at:
                best, best_at = voice, at
        return best, best_at

    def _play(self, bus: int, out: Block, dac_ns: int, following: Voice | None) -> None:
        """Fill `out` up to where `following` begins."""
        voice, above = self._playing[bus], self._above[bus]
        if voice is None or len(out) == 0:
            return
        ends = following is not None and not self._lies_above(following, bus)
        self._render(voice, out, dac_ns, cut=ends)
        if above is not None:
            upper = np.zeros(len(out), np.float32)
            self._render(above, upper, dac_ns, cut=following is not None)
            out += upper
            if above.ended:
                self._above[bus] = None
                self.ears[bus].forget()
        if voice.ended:
            self._playing[bus], self._above[bus] = self._above[bus], None

    def _render(self, voice: Voice, out: Block, dac_ns: int, *, cut: bool) -> None:
        for event in voice.render(out, dac_ns, self._drift):
            self.events.append((voice, event))
        if cut and not voice.ended:
            voice.edge(out)

    def _take_over(self, bus: int, voice: Voice, dac_ns: int) -> None:
        """What it does not lie above ends, with all that lay above that."""
        lies_above = self._lies_above(voice, bus)
        for old in (None if lies_above else self._playing[bus], self._above[bus]):
            if old is not None:
                self._end(old, "taken_over", dac_ns)
        self._waiting[bus].remove(voice)
        if lies_above:
            self._above[bus] = voice
        else:
            self._playing[bus], self._above[bus] = voice, None
        self.ears[bus].forget()
        voice.activate(dac_ns)

    def _end(self, voice: Voice, reason: EndReason, dac_ns: int) -> None:
        event = voice.finish(reason, dac_ns)
        if event is not None:
            self.events.append((voice, event))
