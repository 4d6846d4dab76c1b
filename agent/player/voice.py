"""One cue as the mixer plays it: which sample leaves at which instant.

Owns the cue's timeline (frame 0 = its planned start), the order of the slots on it (one per part
and source), fades, end and the figures measured on what was played. Pure: `render` is told at which
instant the block leaves the converter. Decides nothing about files or decoders; slots are handed
in by the director, through `do`, and taken up at the next block, so all state has one owner.

Invariants: while a recorded programme plays, timeline position = (DAC instant - planned start),
held by playing at a rate that is not quite one (`playout`) and brought back by a cross-fade beyond
20 ms. A live slot reads what comes, in order. Sound that was not there in time is silence and
counted.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from agent.player.clockmap import frames_of_ms, frames_of_ns, ns_of_frames
from agent.player.levels import Envelope, Meter, gain_of_cdb
from agent.player.playout import AHEAD_FRAMES, Between, Steering
from agent.player.protocol import RATE_HZ, EndReason
from agent.player.ring import Block
from agent.player.slots import Slot

# 2 ms: an edge that does not click.
EDGE_FRAMES = 96
_JUMP_FRAMES = 20 * RATE_HZ // 1000

DUCK_CDB = -1500
"""How far a programme is turned down beneath what is said over it: heard, but never in its way."""

DUCK_DOWN_MS, DUCK_UP_MS = 150, 400


@dataclass(frozen=True)
class PartBegan:
    """The first sample of a part (from one of its sources) is in a block."""

    part: int
    source: int
    position: int
    dac_ns: int
    first_of_cue: bool


@dataclass(frozen=True)
class VoiceEnded:
    """The last sample of the cue is in a block; it leaves at `dac_ns`."""

    reason: EndReason
    part: int
    position: int
    dac_ns: int


VoiceEvent: TypeAlias = PartBegan | VoiceEnded


class Voice:
    """A cue on its bus. Everything but `do` and the instants belongs to the mixer."""

    def __init__(
        self,
        token: str,
        bus: int,
        start_ns: int,
        *,
        join: bool = True,
        end_ns: int | None = None,
        gain_cdb: int = 0,
        fade_in_ms: int = 0,
        fade_out_ms: int = 0,
        over: str = "",
    ) -> None:
        self.token = token
        self.over = over  # the voice that goes on beneath it
        self.bus = bus
        self.start_ns = start_ns
        self.end_ns = end_ns
        self.arrived_ns = start_ns  # a cue that came late takes over when it came
        self.anchored = join
        self.active = False
        self.restarted = False  # began when it could, not when it was planned
        self.ended = False
        self.sounded = False
        self.underruns = 0
        self.played_frames = 0
        self.cursor = 0  # timeline frame of the next sample
        self.total_meter = Meter()
        self.recent_meter = Meter()
        self.slots: deque[Slot] = deque()
        self.complete = False  # no more slots will come
        self.outcome: EndReason = "finished"
        self._last_slot: Slot | None = None
        self._gain = Envelope(gain_of_cdb(gain_cdb))
        self._fade = Envelope(1.0)
        self._duck = Envelope(1.0)
        self._ducked = False
        self._fade_in = frames_of_ms(fade_in_ms)
        self._fade_out = frames_of_ms(fade_out_ms)
        self._stop: tuple[int | None, int] | None = None
        self._stop_resolved = False
        self._fading_out = False
        self._steering = Steering()
        self._between = Between()
        self._drift = 0.0
        self._todo: deque[Callable[[], None]] = deque()
        self._events: list[VoiceEvent] = []
        self._starved = False
        self._begun = 0  # sources
        self._switch: tuple[Slot, Slot] | None = None
        self._heirs: tuple[Slot, tuple[Slot, ...]] | None = None
        self._fading: Block | None = None  # of a source that was left, under the next one

    # --- orders, from any thread -------------------------------------------------

    def do(self, order: Callable[[], None]) -> None:
        """Carry out `order` in the mixer's thread, before the next block."""
        self._todo.append(order)

    def set_gain(self, gain_cdb: int, ramp_ms: int) -> None:
        """Move the gain (an order for `do`)."""
        self._gain.move(gain_of_cdb(gain_cdb), frames_of_ms(ramp_ms))

    def insert_after(self, old: Slot, new: Slot) -> None:
        """Let `new` go on where `old` ends: another source of the same part (an order)."""
        new.part_at = old.part_at
        if not new.floating:
            new.at = old.at
            new.offset = old.offset if old.at is not None else new.offset
        if old in self.slots:
            self.slots.insert(self.slots.index(old) + 1, new)
        else:
            self.slots.appendleft(new)

    def replace(self, old: Slot, new: Slot) -> None:
        """Let `new` take the place of `old`: the same source, opened again (an order)."""
        new.part_at, new.at, new.offset, new.began = old.part_at, old.at, old.offset, old.began
        if old in self.slots:
            self.slots[self.slots.index(old)] = new

    def follow(self, old: Slot, new: Slot) -> None:
        """Let `new` begin when `old` is over: more of the same part (an order)."""
        at = self.slots.index(old) + 1 if old in self.slots else 0
        self.slots.insert(at, new)

    def switch(self, old: Slot, new: Slot) -> None:
        """Leave `old` for `new`, a live source that sounds already, cross-fading (an order)."""
        if old in self.slots:
            self._switch = (old, new)

    def stand_by(self, slot: Slot, heirs: tuple[Slot, ...]) -> None:
        """When `slot`, a live source, has nothing left, the first of `heirs` that can begins in
        its place (an order)."""
        self._heirs = (slot, heirs) if heirs else None

    def promote(self, old: Slot, new: Slot, heirs: tuple[Slot, ...]) -> None:
        """`new` goes on where `old` ends, unless one of `heirs` does already (an order)."""
        self._heirs = None
        if not any(one.inherited for one in heirs):
            self.insert_after(old, new)

    def stop(self, at_ns: int | None, fade_ms: int) -> None:
        """End at `at_ns` (None: the next block), fading before it (an order for `do`)."""
        self._stop = (at_ns, max(EDGE_FRAMES, frames_of_ms(fade_ms)))
        self._stop_resolved = False

    # --- the mixer's side -----------------------------------------------------------

    def take_orders(self) -> None:
        """Carry out what was ordered since the last block."""
        while self._todo:
            self._todo.popleft()()

    def duck(self, *, low: bool) -> None:
        """Go on beneath another voice, or alone again; from the next sample on."""
        if low is self._ducked:
            return
        self._ducked = low
        gain, ramp_ms = (gain_of_cdb(DUCK_CDB), DUCK_DOWN_MS) if low else (1.0, DUCK_UP_MS)
        self._duck.move(gain, frames_of_ms(ramp_ms))

    def activate(self, dac_ns: int) -> None:
        """Take over the bus with the sample that leaves at `dac_ns`."""
        self.active = True
        if self.anchored:
            self.cursor = max(0, round(frames_of_ns(dac_ns - self.start_ns)))
        else:
            self.start_ns = dac_ns
            self.anchored = self.restarted = True
        if self._fade_in:
            self._fade.move(0.0, 0)
            self._fade.move(1.0, self._fade_in)

    def render(self, out: Block, dac_ns: int, drift: float = 0.0) -> list[VoiceEvent]:
        """Fill `out`, whose first sample leaves at `dac_ns`; return what happened in it.

        `drift`: how much longer than nominal the card's second lasts, as far as is known.
        """
        self._drift = drift
        self._events = []
        done = 0
        while done < len(out) and not self.ended:
            now_ns = dac_ns + ns_of_frames(done)
            frames, at_the_end = self._stretch(len(out) - done, now_ns)
            if frames:
                self._play(out[done : done + frames], now_ns)
            done += frames
            if at_the_end is not None and not self.ended:
                self.finish(at_the_end, dac_ns + ns_of_frames(done))
        events, self._events = self._events, []
        return events

    def edge(self, out: Block) -> None:
        """Let the last 2 ms of `out` fall to nothing: the sound is cut after it."""
        frames = min(EDGE_FRAMES, len(out))
        out[len(out) - frames :] *= np.linspace(1.0, 0.0, frames, dtype=np.float32)

    def finish(self, reason: EndReason, dac_ns: int) -> VoiceEnded | None:
        """Mark the end after the sample before `dac_ns`; None when it had ended already."""
        if self.ended:
            return None
        self.ended = True
        slot = self.slots[0] if self.slots else self._last_slot
        part, position = (slot.part, slot.shown_position(self.cursor)) if slot else (0, 0)
        event = VoiceEnded(reason, part, max(0, position), dac_ns)
        self._events.append(event)
        return event

    def position(self) -> tuple[int, int]:
        """The part that plays and the position in it, in frames."""
        slot = self.slots[0] if self.slots else self._last_slot
        return (slot.part, max(0, slot.shown_position(self.cursor))) if slot else (0, 0)

    @property
    def front(self) -> Slot | None:
        """What plays, or would if it could (any thread may ask)."""
        try:
            return self.slots[0]
        except IndexError:
            return None

    @property
    def source(self) -> int:
        """The number of the source that plays, or played last."""
        return self._place()[1]

    @property
    def stretch(self) -> tuple[int, int, int]:
        """Changes when another source is waited for, or begins, the same one again among them."""
        return (*self._place(), self._begun)

    def _place(self) -> tuple[int, int]:
        slot = self.slots[0] if self.slots else self._last_slot
        return (slot.part, slot.source) if slot else (0, 0)

    @property
    def levelled_cdb(self) -> int | None:
        """The gain to which the live source that plays was led; None: none is led."""
        slot = self.slots[0] if self.slots else self._last_slot
        return slot.fader.gain_cdb if slot is not None and slot.fader is not None else None

    # --- one stretch ------------------------------------------------------------------

    def _stretch(self, frames: int, now_ns: int) -> tuple[int, EndReason | None]:
        """How far this stretch goes until a fade begins or the cue ends, and how it ends."""
        end_ns, fade, reason = self.nearest_end()
        if end_ns is None:
            return frames, None
        left = max(0, round(frames_of_ns(end_ns - now_ns)))
        if left > fade:
            return min(frames, left - fade), None
        if not self._fading_out:
            self._fading_out = True
            self._fade.move(0.0, left)
        return (left, reason) if left <= frames else (frames, None)

    def nearest_end(self) -> tuple[int | None, int, EndReason]:
        """The nearest end: its instant, the fade before it, the reason."""
        bound_ns, fade = self.end_ns, max(EDGE_FRAMES, self._fade_out)
        if self._stop is None:
            return bound_ns, fade, "end_reached"
        stop_ns, stop_fade = self._stop
        if bound_ns is not None and stop_ns is not None and bound_ns <= stop_ns:
            return bound_ns, fade, "end_reached"
        return stop_ns, stop_fade, "stopped"

    def resolve_stop(self, dac_ns: int) -> None:
        """A stop now or in the past begins to fade with the block that leaves at `dac_ns`."""
        if self._stop is None or self._stop_resolved:
            return
        at_ns, fade = self._stop
        if at_ns is None or at_ns < dac_ns:
            at_ns = dac_ns + ns_of_frames(fade)
        self._stop = (at_ns, fade)
        self._stop_resolved = True
        self._fading_out = False

    def _play(self, out: Block, now_ns: int) -> None:
        behind = frames_of_ns(now_ns - self.start_ns) - self.cursor - self._between.fraction
        live = self.slots[0] if self.slots and self.slots[0].live else None
        if live is not None:
            rate = self._relay(live, round(behind), len(out))
        elif not self.sounded:
            self.cursor = max(0, self.cursor + round(behind))  # nobody hears this correction
            self._between.begin()
            self._steering.begin(self._drift)
            rate = self._steering.rate
        else:
            rate = self._steering.follow(behind, self._drift, len(out))
        if live is None and self.sounded and abs(behind) > _JUMP_FRAMES:
            self._jump(out, rate, now_ns)
        elif self._switch is not None:
            old, new = self._switch
            self._switch = None
            self._cross_over(out, rate, now_ns, old, new)
        else:
            out[:] = self._take(len(out), rate, now_ns)
        self._gain.apply(out)
        self._duck.apply(out)
        self._fade.apply(out)
        if self.sounded:
            self.total_meter.add(out)
            self.recent_meter.add(out)

    def _relay(self, live: Slot, behind: int, frames: int) -> float:
        """It has no place on the wall clock: the timeline moves, its sound does not."""
        self.cursor += behind
        live.behind += behind
        excess = live.excess(self.cursor, frames) if live.at is not None else 0.0
        return self._steering.follow_live(excess, self._drift, frames)

    def _jump(self, out: Block, rate: float, now_ns: int) -> None:
        """Go to where the clock says we are, cross-fading from where we were."""
        edge = min(4 * EDGE_FRAMES, len(out))
        played = self.played_frames
        old = self._take(edge, rate, now_ns)
        if self.ended:
            out[:edge] = old
            return
        self.played_frames = played  # it sounds under the beginning of what follows
        self.cursor = max(0, round(frames_of_ns(now_ns - self.start_ns)))
        self._between.begin()
        out[:] = self._take(len(out), rate, now_ns)
        ramp = np.linspace(0.0, 1.0, edge, dtype=np.float32)
        out[:edge] = out[:edge] * ramp + old * (1.0 - ramp)

    def _cross_over(self, out: Block, rate: float, now_ns: int, old: Slot, new: Slot) -> None:
        """The same instant from another source, cross-fading from where we were."""
        edge = min(4 * EDGE_FRAMES, len(out))
        played, cursor = self.played_frames, self.cursor
        ending = self._take(edge, rate, now_ns)
        if self.ended:
            out[:edge] = ending
            return
        self.played_frames, self.cursor = played, cursor
        old.passed = True
        if old in self.slots:
            self.slots[self.slots.index(old)] = new
        else:
            self.slots.appendleft(new)
        self._between.begin()
        out[:] = self._take(len(out), rate, now_ns)
        ramp = np.linspace(0.0, 1.0, edge, dtype=np.float32)
        out[:edge] = out[:edge] * ramp + ending * (1.0 - ramp)

    def _take(self, frames: int, rate: float, now_ns: int) -> Block:
        """The next `frames` at `rate`; the timeline moves on by what they use up."""
        if self._between.exact(rate):
            return self._between.passed(self._fill(frames, now_ns))
        block = self._fill(self._between.consumes(frames, rate), now_ns)
        return self._between.render(block, self._ahead(), frames, rate)

    def _ahead(self) -> Block:
        """What follows on the timeline, not yet played: interpolation looks a little ahead."""
        out = np.zeros(AHEAD_FRAMES, np.float32)
        done, begins = 0, self.cursor
        for slot in self.slots:
            at = begins if slot.at is None else slot.at
            if done == len(out) or slot.dry or (slot.at is None and slot.floating):
                break
            end = slot.end() if slot.at is not None else None
            cursor = self.cursor + done
            frames = len(out) - done if end is None else min(len(out) - done, end - cursor)
            if frames > 0:
                position = slot.offset + cursor - at - slot.behind
                out[done : done + frames] = slot.read(position, frames)[0]
                done += frames
            begins = at if end is None else end
        return out

    def _fill(self, frames: int, now_ns: int) -> Block:
        """The next `frames` of the timeline; `cursor` moves by as many unless the cue ends."""
        out = np.zeros(frames, np.float32)
        done = 0
        while done < frames:
            slot = self._slot(frames - done)
            if slot is None:
                if self.complete:
                    self.finish(self.outcome, now_ns + ns_of_frames(done))
                    return out
                self._miss()
                break
            taken = self._fill_from(slot, out[done:], now_ns + ns_of_frames(done))
            if taken == 0:
                break
            done += taken
        self.cursor += frames - done
        return out

    def _slot(self, frames: int) -> Slot | None:
        """The slot the cursor is in; those that are over are left behind."""
        while self.slots:
            slot = self.slots[0]
            ready = slot.settle(self.cursor)
            end = slot.end()
            if end is None or self.cursor < end:
                if self._inherits(slot, frames):
                    continue
                if not ready:
                    self._miss()
                return slot
            self._last_slot = self.slots.popleft()
            slot.passed = True
            bound = slot.bound()
            if slot.final and bound is not None and self.cursor >= bound:
                self.complete = True  # whatever its source still has
            if self.slots and not self.slots[0].floating and self.slots[0].at is None:
                self.slots[0].settle(end)
        return None

    def _inherits(self, slot: Slot, frames: int) -> bool:
        """Whether an heir takes the place of a live source that lacks some of the `frames`."""
        if self._heirs is None or self._heirs[0] is not slot or slot.reader.total is not None:
            return False
        position = slot.position(self.cursor)
        left = 0 if slot.at is None or slot.dry else slot.reader.lead(position)
        if left >= frames:
            return False
        for heir in self._heirs[1]:
            heir.part_at = slot.part_at
            if heir.settle(self.cursor):
                edge = min(left, frames, 4 * EDGE_FRAMES)
                ramp = np.linspace(1.0, 0.0, edge, dtype=np.float32)
                self._fading = slot.read(position, edge)[0] * ramp
                slot.left_at, self.slots[0] = position + left, heir
                heir.inherited, self._heirs = True, None
                return True
        return False

    def _fill_from(self, slot: Slot, out: Block, now_ns: int) -> int:
        """Copy from one slot; returns the timeline frames covered (0: it must still wait)."""
        if slot.at is None:
            return 0
        end = slot.end()
        frames = len(out) if end is None else min(len(out), end - self.cursor)
        position = slot.position(self.cursor)
        if slot.dry and not self._filled_up(slot, position):
            slot.behind += frames
            self.cursor += frames
            return frames
        block, there = slot.read(position, frames)
        out[:frames] = block
        if self._fading is not None:
            self._fade_over(out[:frames])
        if there:
            self._sound(slot, position, now_ns)
            self.played_frames += there
        self._account(slot, frames, there)
        self.cursor += frames
        return frames

    def _fade_over(self, out: Block) -> None:
        """The first of an heir, with the last of what it takes the place of."""
        edge = min(len(out), 4 * EDGE_FRAMES)
        out[:edge] *= np.linspace(0.0, 1.0, edge, dtype=np.float32)
        if self._fading is not None:
            last = self._fading[:edge]
            out[: len(last)] += last
        self._fading = None

    @staticmethod
    def _filled_up(slot: Slot, position: int) -> bool:
        """After a drought a live source waits a little, or it would stutter."""
        lead = slot.reader.lead(position)
        slot.dry = lead < slot.store().needed and slot.reader.total is None
        return not slot.dry

    def _sound(self, slot: Slot, position: int, now_ns: int) -> None:
        if slot.began:
            return
        slot.began = True
        self._begun += 1
        ahead = max(0, slot.reader.first() - position)  # samples before it are absent
        shown = slot.shown_position(self.cursor) + ahead
        first, self.sounded = not self.sounded, True
        at_ns = now_ns + ns_of_frames(ahead)
        self._events.append(PartBegan(slot.part, slot.source, shown, at_ns, first))

    def _account(self, slot: Slot, frames: int, there: int) -> None:
        if there == frames:
            self._starved = False
            return
        total = slot.reader.total
        if total is not None and slot.position(self.cursor) + frames >= total:
            return  # a tail the codec swallowed, not an underrun
        if slot.live:
            slot.behind += frames - there
            slot.dry = True
        self._miss()

    def _miss(self) -> None:
        """Count a stretch without sound once, when it begins."""
        if self.sounded and not self._starved:
            self.underruns += 1
        self._starved = True
