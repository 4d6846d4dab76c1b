"""Turns cues into voices: which source is opened when, what follows a failure, what is reported.

Owns the cues and their parts. Pure: time is an argument, decoders are behind a port, reports come
back as a list. Samples and instants belong to the mixer, libVLC to `decode`.

Rules: a part is opened 8 s before it is needed; a source that fails gives way to the next one of
its part, where the failed one ended (a file after a file: at the same position; a file after a
live source: from its beginning, as soon as it sounds); a part without a working source is left
out and the cue goes on. The cue ends `source_failed` when its last part failed. What stands ready
behind a live source that falters, `ahead` decides; when it is gone back to, `relay`.
"""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import dataclass, field, replace

from agent.player import protocol as p
from agent.player.ahead import Flow, Spares
from agent.player.attempts import Attempt, left_ns, slot_for
from agent.player.clockmap import (
    NS_PER_MS,
    NS_PER_S,
    WallMap,
    frames_of_ms,
    frames_of_ns,
    ns_of_frames,
)
from agent.player.clockmap import ms_of_frames as ms
from agent.player.decode import Decoders, Job
from agent.player.levels import Meter
from agent.player.mixer import Mixer
from agent.player.relay import Probe, Relief, StandIn, stands_in
from agent.player.slots import Slot
from agent.player.voice import PartBegan, Voice, VoiceEnded, VoiceEvent

log = logging.getLogger(__name__)

PREPARE_NS = 8 * NS_PER_S
# A late joiner opens its file this much further on: the time a warm decoder needs (15 ms p50).
_DECODE_NS = 40 * NS_PER_MS
# A file whose decoder fell behind is opened again further on: libVLC decodes in real time and
# would never catch up.
_BEHIND_NS = 300 * NS_PER_MS
_LOOK_NS = 50 * NS_PER_MS  # while something is being opened or watched
_REMEMBERED_TOKENS = 256


@dataclass(eq=False)
class _Run:
    """A cue under way."""

    cue: p.Cue
    voice: Voice
    next_part: int = 0
    at: int | None = 0  # timeline frame of the next part, while it is known
    tries: list[Attempt] = field(default_factory=list)
    progress_due_ns: int | None = None
    last_failed: bool = False
    wait_for_next: bool = False  # the next part begins whole, when its sound is there
    relief: Relief | None = None
    spares: Spares | None = None
    heirs: tuple[Slot, ...] = ()  # what the voice was told may take over

    @property
    def newest(self) -> Attempt | None:
        """The source opened last."""
        return self.tries[-1] if self.tries else None


class Director:
    """`take` a message, `tick` whenever something may be due; both return what to report."""

    def __init__(self, mixer: Mixer, decoders: Decoders, wall: WallMap) -> None:
        self._mixer = mixer
        self._decoders = decoders
        self._wall = wall
        self._runs: dict[str, _Run] = {}
        self._known: deque[str] = deque(maxlen=_REMEMBERED_TOKENS)
        self._due: list[tuple[int, _Run, VoiceEvent]] = []

    # --- messages ----------------------------------------------------------------------

    def take(self, message: p.ToChild, now_ns: int) -> list[p.FromChild]:
        """Obey one message (`Quit` is the caller's)."""
        match message:
            case p.Cue():
                return self._cue(message, now_ns)
            case p.Time():
                self._time(message)
            case p.Stop():
                at_ms, epoch = message.at_ms, message.epoch
                at_ns = None if at_ms is None else self._wall.mono_ns(at_ms, epoch)
                self._stop(message.token, at_ns, message.fade_ms)
            case p.Gain():
                self._gain(message)
            case p.Quit():
                self.stop_all(message.fade_ms)
        return []

    def stop_all(self, fade_ms: int) -> None:
        """Fade everything that plays; drop everything that waits."""
        for token in self._runs:
            self._stop(token, None, fade_ms)

    @property
    def busy(self) -> bool:
        """Whether any cue is playing, waiting, or not yet reported as ended."""
        return bool(self._runs)

    def _cue(self, cue: p.Cue, now_ns: int) -> list[p.FromChild]:
        if cue.token in self._known:
            return []
        self._known.append(cue.token)
        whole = bool(cue.parts) and all(part.sources for part in cue.parts)
        if not 0 <= cue.bus < self._mixer.buses or not whole:
            log.warning("cue_refused token=%s bus=%d parts=%d", cue.token, cue.bus, len(cue.parts))
            return [self._never(cue, now_ns)]
        run = _Run(cue, self._voice(cue, now_ns))
        self._runs[cue.token] = run
        self._mixer.add(run.voice)
        return self._advance(run, now_ns)

    def _voice(self, cue: p.Cue, now_ns: int) -> Voice:
        start_ns = self._wall.mono_ns(cue.start_at_ms, cue.epoch)
        end_ms = cue.end_at_ms
        voice = Voice(
            cue.token,
            cue.bus,
            start_ns,
            join=cue.join or start_ns > now_ns,
            end_ns=None if end_ms is None else self._wall.mono_ns(end_ms, cue.epoch),
            gain_cdb=cue.gain_cdb,
            fade_in_ms=cue.fade_in_ms,
            fade_out_ms=cue.fade_out_ms,
            over=cue.over,
        )
        voice.arrived_ns = now_ns
        return voice

    def _never(self, cue: p.Cue, now_ns: int) -> p.Ended:
        at_ms = self._wall.wall_ms(now_ns, cue.epoch)
        return p.Ended(cue.token, cue.bus, "source_failed", at_ms, 0, 0, 0, None, 0)

    def _time(self, time: p.Time) -> None:
        self._wall.update(time.epoch, time.wall_minus_mono_us)
        for run in self._runs.values():
            cue, voice = run.cue, run.voice
            if cue.epoch == time.epoch and voice.anchored and not voice.restarted:
                voice.start_ns = self._wall.mono_ns(cue.start_at_ms, cue.epoch)
            if cue.epoch == time.epoch and cue.end_at_ms is not None:
                voice.end_ns = self._wall.mono_ns(cue.end_at_ms, cue.epoch)

    def _stop(self, token: str, at_ns: int | None, fade_ms: int) -> None:
        if token in self._runs:
            voice = self._runs[token].voice
            voice.do(lambda: voice.stop(at_ns, fade_ms))

    def _gain(self, gain: p.Gain) -> None:
        if gain.token in self._runs:
            voice = self._runs[gain.token].voice
            voice.do(lambda: voice.set_gain(gain.gain_cdb, gain.ramp_ms))

    # --- time --------------------------------------------------------------------------

    def tick(self, now_ns: int) -> list[p.FromChild]:
        """Open, watch and report what is due."""
        while self._mixer.events:
            voice, event = self._mixer.events.popleft()
            if voice.token in self._runs:
                self._due.append((event.dac_ns, self._runs[voice.token], event))
        reports: list[p.FromChild] = []
        for run in list(self._runs.values()):
            reports += self._watch(run, now_ns)
            reports += self._advance(run, now_ns)
            reports += self._progress(run, now_ns)
        return reports + self._left_the_card(now_ns)

    def next_look_ns(self, now_ns: int) -> int | None:
        """When `tick` is worth calling again without being woken."""
        looks = [at_ns for at_ns, _, _ in self._due]
        for run in self._runs.values():
            opening = run.newest is not None and not run.newest.job.done
            if opening:
                looks.append(now_ns + (_LOOK_NS if not run.voice.sounded else 4 * _LOOK_NS))
            if run.spares is not None:
                looks.append(now_ns + (_LOOK_NS if run.spares.open else 2 * _LOOK_NS))
            if self._standing_in(run):
                looks.append(now_ns + 2 * _LOOK_NS)
            if run.next_part < len(run.cue.parts):
                looks.append(max(now_ns + _LOOK_NS, run.voice.start_ns - PREPARE_NS))
            if run.progress_due_ns is not None:
                looks.append(run.progress_due_ns)
        return min(looks) if looks else None

    # --- opening -----------------------------------------------------------------------

    def _advance(self, run: _Run, now_ns: int) -> list[p.FromChild]:
        """Open the next parts, as far as they are needed soon."""
        while self._wanted(run, now_ns):
            part = run.cue.parts[run.next_part]
            late = self._late_frames(run, now_ns)
            length = None if part.length_ms is None else frames_of_ms(part.length_ms)
            if run.at is not None and length is not None and late >= run.at + length:
                run.at += length
                run.next_part += 1
                continue
            into = 0 if run.at is None else max(0, late - run.at)
            self._open(run, run.next_part, 0, into, now_ns)
            run.next_part += 1
        if (
            run.next_part >= len(run.cue.parts)
            and not run.voice.complete
            and not self._standing_in(run)
        ):
            newest = run.newest
            if newest is None or newest.job.over is None or newest.handed_over:
                self._complete(run)
        return []

    def _wanted(self, run: _Run, now_ns: int) -> bool:
        if run.voice.ended or run.next_part >= len(run.cue.parts):
            return False
        newest = run.newest
        if newest is None:
            return now_ns >= run.voice.start_ns - PREPARE_NS
        if newest.job.fault is not None and not newest.handed_over:
            return False
        if newest.job.over is not None:
            return True
        if self._standing_in(run):
            bound = newest.slot.bound()
            return bound is not None and bound - run.voice.cursor < frames_of_ns(PREPARE_NS)
        end = newest.slot.end()
        if end is None and newest.slot.at is not None and newest.slot.length is not None:
            end = newest.slot.at + newest.slot.length
        if newest.slot.reader.total is not None and newest.job.done:
            return True
        return end is not None and end - run.voice.cursor < frames_of_ns(PREPARE_NS)

    def _late_frames(self, run: _Run, now_ns: int) -> int:
        """How far into the timeline a source opened now would first be heard."""
        if not run.voice.anchored:
            return 0
        heard_ns = now_ns + self._mixer.latency_ns + _DECODE_NS
        if run.voice.start_ns >= heard_ns:
            return 0
        return round(frames_of_ns(heard_ns - run.voice.start_ns))

    def _open(
        self,
        run: _Run,
        index: int,
        number: int,
        into: int,
        now_ns: int,
        after: Attempt | None = None,
    ) -> Attempt:
        """Open source `number` of part `index`, `into` frames after the part's beginning.

        after: the source of the same part that it follows.
        """
        part = run.cue.parts[index]
        source = part.sources[number]
        origin = frames_of_ms(part.origin_ms(number))
        live = source.kind in p.LIVE_KINDS
        floating = live or not run.voice.anchored or run.wait_for_next
        run.wait_for_next = False
        # What is due moves on while the decoder starts; where another source ended does not.
        at = run.at or 0
        chasing = not floating and into > 0 and into == self._late_frames(run, now_ns) - at
        first = origin if live else origin + into
        job = self._decoders.open(source, first, now_ns, chasing=chasing)
        slot = slot_for(run.cue, index, number, job)
        slot.floating, slot.at, slot.part_at = floating, None if floating else run.at, run.at
        attempt = Attempt(index, number, job, slot)
        if after is None:
            run.tries.append(attempt)
            run.voice.do(lambda: run.voice.slots.append(slot))
        else:
            run.tries.insert(run.tries.index(after) + 1, attempt)
            run.voice.do(lambda: run.voice.insert_after(after.slot, slot))
        run.at = None
        return attempt

    def _complete(self, run: _Run) -> None:
        """No more parts: the voice ends with its last slot."""
        newest = run.newest
        if newest is not None and newest.job.fault is not None and not newest.handed_over:
            return

        def order() -> None:
            sounds = run.voice.sounded or bool(run.voice.slots)
            run.voice.complete = True
            if run.last_failed:
                run.voice.outcome = "source_failed"
            elif not sounds:
                run.voice.outcome = "late"

        if newest is None or newest.job.done:
            run.voice.do(order)
            run.next_part = len(run.cue.parts)

    # --- watching ----------------------------------------------------------------------

    def _watch(self, run: _Run, now_ns: int) -> list[p.FromChild]:
        reports = self._took_over(run, now_ns)
        for attempt in run.tries:
            attempt.job.poll(now_ns, run.voice.start_ns)
            if attempt.slot.passed and not attempt.job.done:
                attempt.job.cancel()  # a relay that is over must not go on costing data
        newest = run.newest
        if newest is None or run.voice.ended:
            return reports
        failed = [one for one in run.tries[:-1] if one.job.fault is not None]
        reports += [
            self._failed_behind(run, one, now_ns)
            for one in failed
            if not (one.handed_over or one.slot.passed)
        ]
        self._relieve(run, newest, now_ns)
        if newest.job.over is not None and not newest.handed_over:
            self._skip(run, newest)
        elif newest.job.fault is not None and not newest.handed_over:
            reports += self._failed(run, newest, now_ns)
        elif newest.job.live:
            self._look_ahead(run, newest, now_ns)
        elif self._fell_behind(run, newest, now_ns):
            self._open_again(run, newest, now_ns)
        return reports

    def _fell_behind(self, run: _Run, attempt: Attempt, now_ns: int) -> bool:
        """Whether a file has had nothing for the mixer for a while, though it decodes."""
        slot, cursor = attempt.slot, run.voice.cursor
        starved = (
            run.voice.active
            and not slot.live
            and slot.at is not None
            and slot.at <= cursor
            and not attempt.job.done
            and attempt.job.sounding  # one that gives nothing at all is judged by its limits
            and attempt.job.reader.lead(slot.position(cursor)) == 0
        )
        if not starved:
            attempt.behind_since_ns = None
        elif attempt.behind_since_ns is None:
            attempt.behind_since_ns = now_ns
        return starved and now_ns - (attempt.behind_since_ns or now_ns) > _BEHIND_NS

    def _open_again(self, run: _Run, attempt: Attempt, now_ns: int) -> None:
        """The same source at the position that is due now."""
        log.warning("decoder_behind token=%s part=%d", run.cue.token, attempt.part)
        attempt.job.cancel()
        old = attempt.slot
        due = old.position(max(0, self._late_frames(run, now_ns)))
        source = run.cue.parts[attempt.part].sources[attempt.source]
        attempt.job = self._decoders.open(source, due, now_ns, chasing=True)
        attempt.behind_since_ns = None
        new = replace(old, reader=attempt.job.reader)
        attempt.slot = new
        run.voice.do(lambda: run.voice.replace(old, new))

    def _skip(self, run: _Run, attempt: Attempt) -> None:
        """The wanted position lies behind the end of the file: the next part begins there."""
        attempt.handed_over = True
        slot = attempt.slot
        if slot.at is not None and attempt.job.over is not None:
            run.at = max(slot.at, slot.end_of(slot.at + attempt.job.over - slot.offset))
        run.voice.do(lambda: _remove(run.voice, slot))

    def _failed(self, run: _Run, attempt: Attempt, now_ns: int) -> list[p.FromChild]:
        attempt.handed_over = attempt.slot.failed = True
        part = run.cue.parts[attempt.part]
        reports = [self._given_up(run, attempt, now_ns)]
        if run.relief is not None:
            run.relief.lost(now_ns)
        if run.spares is not None and run.spares.behind is attempt and run.voice.active:
            reports += [self._given_up(run, one, now_ns) for one in run.spares.failed]
            if self._promote(run, run.spares, now_ns):
                return reports
        elif attempt.source + 1 < len(part.sources):
            self._fall_back(run, attempt, now_ns)
            return reports
        run.last_failed = attempt.part == len(run.cue.parts) - 1
        # Known before the start, the next part takes its place; afterwards it begins whole.
        run.wait_for_next = run.voice.active
        if not run.voice.active:
            run.at = attempt.slot.at
        run.voice.complete = False
        return reports

    def _given_up(self, run: _Run, attempt: Attempt, now_ns: int) -> p.FromChild:
        fault = attempt.job.fault or ("stalled" if attempt.job.sounding else "not_audio")
        at_ms = self._wall.wall_ms(now_ns, run.cue.epoch)
        return p.SourceFailed(run.cue.token, attempt.part, attempt.source, fault, at_ms)

    def _failed_behind(self, run: _Run, attempt: Attempt, now_ns: int) -> p.FromChild:
        """A source failed after a later part was opened: what is known of that one stays."""
        attempt.handed_over = attempt.slot.failed = True
        later = run.at, run.wait_for_next
        run.wait_for_next = False
        if attempt.source + 1 < len(run.cue.parts[attempt.part].sources):
            self._fall_back(run, attempt, now_ns)
        run.at, run.wait_for_next = later
        return self._given_up(run, attempt, now_ns)

    def _fall_back(self, run: _Run, failed: Attempt, now_ns: int) -> None:
        """The next source of the part, where the failed one ended."""
        part = run.cue.parts[failed.part]
        origin = frames_of_ms(part.origin_ms(failed.source))
        was_live = failed.slot.live
        into = 0 if was_live else self._reached(run, failed, origin, now_ns)
        run.at = failed.slot.at
        attempt = self._open(run, failed.part, failed.source + 1, into, now_ns, failed)
        if was_live and not attempt.slot.live:
            attempt.slot.floating, attempt.slot.at = True, None
        elif not was_live and failed.slot.at is None:
            attempt.slot.offset = origin + into

    def _reached(self, run: _Run, failed: Attempt, origin: int, now_ns: int) -> int:
        """How far into the part a file must be opened that goes on where another one failed."""
        decoded = getattr(failed.job.reader, "end", origin) - origin
        if failed.slot.at is None:
            return max(0, decoded)
        return max(0, decoded, self._late_frames(run, now_ns) - failed.slot.at)

    # --- what stands ready behind a live source -----------------------------------------

    def _look_ahead(self, run: _Run, newest: Attempt, now_ns: int) -> None:
        """Open and close what is behind it, and tell the voice what may take over."""
        if run.spares is None or run.spares.behind is not newest:
            self._nothing_stands_by(run)
            if newest.source + 1 == len(run.cue.parts[newest.part].sources):
                return
            run.spares = self._spares(run, newest)
        front = run.voice.front
        its_turn = front is None or front is newest.slot or front.failed
        if not run.voice.active or not its_turn:
            return
        heirs = run.spares.step(self._flow(run, newest, now_ns), now_ns)
        if heirs != run.heirs:
            run.heirs = heirs
            run.voice.do(lambda: run.voice.stand_by(newest.slot, heirs))

    def _spares(self, run: _Run, behind: Attempt) -> Spares:
        index = behind.part
        part = run.cue.parts[index]

        def open_source(number: int, now_ns: int) -> Attempt:
            first = frames_of_ms(part.origin_ms(number))
            job = self._decoders.open(part.sources[number], first, now_ns, chasing=False)
            slot = slot_for(run.cue, index, number, job)
            slot.floating = True
            return Attempt(index, number, job, slot)

        return Spares(behind, part, open_source)

    @staticmethod
    def _nothing_stands_by(run: _Run) -> None:
        if run.spares is not None:
            run.spares.close()
        run.spares, run.heirs = None, ()

    @staticmethod
    def _flow(run: _Run, newest: Attempt, now_ns: int) -> Flow:
        slot, job = newest.slot, newest.job
        reader = slot.reader
        at = reader.first() if slot.at is None else slot.position(run.voice.cursor)
        waited_ns = job.waited_ns(now_ns)
        if not job.sounding:  # it was opened some seconds before it is wanted
            waited_ns = min(waited_ns, max(0, now_ns - run.voice.start_ns))
        earlier = any(one.part == newest.part for one in run.tries if one is not newest)
        return Flow(
            waited_ns,
            job.lump_ns,
            ns_of_frames(reader.lead(at)),
            job.lead_ms * NS_PER_MS,
            sounding=job.sounding,
            heard=slot.began and not slot.dry,
            began=slot.began,
            first=not earlier and run.relief is None,
        )

    def _took_over(self, run: _Run, now_ns: int) -> list[p.FromChild]:
        """What is behind a source that another one has taken the place of."""
        heir = run.spares.heir() if run.spares is not None else None
        if run.spares is None or heir is None:
            return []
        lost, skipped = run.spares.behind, list(run.spares.ready)
        gone = [lost, *run.spares.failed]
        reports = [self._given_up(run, one, now_ns) for one in gone]
        lost.handed_over = lost.slot.failed = lost.slot.passed = True
        run.tries.append(heir)
        if stands_in(run.cue.parts[heir.part], heir.source):
            self._keep(run, [lost, *skipped], heir, now_ns)
        self._nothing_stands_by(run)
        return reports

    def _keep(self, run: _Run, lost: list[Attempt], heir: Attempt, now_ns: int) -> None:
        """The first of those that may still sound keeps its connection, to be gone back to."""
        relief = self._relief(run, heir)
        relief.lost(now_ns)
        for one in lost:
            if not one.job.live or one.job.done or one.source > heir.source:
                continue
            offset = one.slot.left_at or one.slot.offset
            if relief.keep(one.source, one.job, offset, now_ns):
                if one in run.tries:
                    run.tries.remove(one)
                if run.spares is not None and one in run.spares.ready:
                    run.spares.ready.remove(one)
                return

    def _promote(self, run: _Run, spares: Spares, now_ns: int) -> bool:
        """A live source was given up: the next one goes on, opened ahead or now."""
        failed = spares.behind
        following = spares.following(now_ns)
        if following is None:
            return False
        heirs = run.heirs
        run.tries.append(following)
        run.spares, run.heirs = self._spares(run, following), ()
        if following.job.live:
            run.spares.ready = spares.ready
        run.voice.do(lambda: run.voice.promote(failed.slot, following.slot, heirs))
        return True

    # --- going back to a live source ---------------------------------------------------

    @staticmethod
    def _standing_in(run: _Run) -> bool:
        """Whether what is on air only stands in for a live source that may be gone back to."""
        newest = run.newest
        if newest is None or newest.job.fault is not None:
            return False
        return stands_in(run.cue.parts[newest.part], newest.source)

    def _relieve(self, run: _Run, newest: Attempt, now_ns: int) -> None:
        """See whether what was given up is well again; go back to it when it is time."""
        if run.relief is not None and run.relief.part != newest.part:
            run.relief.end()
            run.relief = None
        if not self._standing_in(run) or not run.voice.active:
            return
        relief = self._relief(run, newest)
        if run.spares is not None and run.spares.open:
            relief.hold(now_ns)
            return
        on_air = StandIn(newest.source, left_ns(newest, run.voice.cursor))
        match relief.step(on_air, now_ns):
            case "switch":
                back = self._gone_back(run, newest, relief.take(now_ns))
                run.voice.do(lambda: run.voice.switch(newest.slot, back.slot))
            case "follow":
                back = self._gone_back(run, newest, relief.take(now_ns))
                run.voice.do(lambda: run.voice.follow(newest.slot, back.slot))
            case "again":
                part = run.cue.parts[newest.part]
                source = part.sources[newest.source]
                origin = frames_of_ms(part.origin_ms(newest.source))
                job = self._decoders.open(source, origin, now_ns, chasing=False)
                again = self._next_try(run, newest, newest.source, job)
                run.voice.do(lambda: run.voice.follow(newest.slot, again.slot))

    def _relief(self, run: _Run, standing_in: Attempt) -> Relief:
        """What goes back from one that only stands in."""
        if run.relief is None:
            index = standing_in.part
            part = run.cue.parts[index]

            def open_source(number: int, at_ns: int) -> Job:
                return self._decoders.open(part.sources[number], 0, at_ns, chasing=False)

            def filled(probe: Probe) -> bool:
                slot = slot_for(run.cue, index, probe.source, probe.job)
                return slot.reader.lead(probe.offset) >= slot.store().needed

            run.relief = Relief(index, part, open_source, filled)
        return run.relief

    def _gone_back(self, run: _Run, before: Attempt, probe: Probe) -> Attempt:
        back = self._next_try(run, before, probe.source, probe.job)
        back.slot.offset = probe.offset
        return back

    @staticmethod
    def _next_try(run: _Run, before: Attempt, number: int, job: Job) -> Attempt:
        """Another source of the part that `before` is of."""
        slot = slot_for(run.cue, before.part, number, job)
        slot.floating, slot.part_at = job.live, before.slot.part_at
        run.tries.append(Attempt(before.part, number, job, slot))
        return run.tries[-1]

    # --- reports -----------------------------------------------------------------------

    def _progress(self, run: _Run, now_ns: int) -> list[p.FromChild]:
        if run.progress_due_ns is None or now_ns < run.progress_due_ns:
            return []
        run.progress_due_ns += NS_PER_S
        voice = run.voice
        meter, voice.recent_meter = voice.recent_meter, Meter()
        part, position = voice.position()
        on_its_way = round(frames_of_ns(self._mixer.latency_ns))
        return [
            p.Progress(
                token=run.cue.token,
                bus=run.cue.bus,
                part=part,
                position_ms=max(0, ms(position - on_its_way)),
                at_ms=self._wall.wall_ms(now_ns, run.cue.epoch),
                level_cdb=meter.level_cdb(),
                peak_cdb=meter.peak_cdb(),
                underruns=voice.underruns,
                played_ms=max(0, ms(voice.played_frames - on_its_way)),
            )
        ]

    def _left_the_card(self, now_ns: int) -> list[p.FromChild]:
        """Reports of what has left the converter by now, in that order."""
        due = sorted((row for row in self._due if row[0] <= now_ns), key=lambda row: row[0])
        self._due = [row for row in self._due if row[0] > now_ns]
        reports: list[p.FromChild] = []
        for dac_ns, run, event in due:
            at_ms = self._wall.wall_ms(dac_ns, run.cue.epoch)
            if isinstance(event, PartBegan):
                reports += self._began(run, event, at_ms)
            else:
                reports.append(self._ended(run, event, at_ms))
        return reports

    def _began(self, run: _Run, event: PartBegan, at_ms: int) -> list[p.FromChild]:
        token, position_ms = run.cue.token, ms(event.position)
        reports: list[p.FromChild] = []
        if event.first_of_cue:
            run.progress_due_ns = event.dac_ns + NS_PER_S
            reports.append(p.Started(token, run.cue.bus, event.part, position_ms, at_ms))
        reports.append(p.PartStarted(token, event.part, event.source, position_ms, at_ms))
        return reports

    def _ended(self, run: _Run, event: VoiceEnded, at_ms: int) -> p.Ended:
        for attempt in run.tries:
            attempt.job.cancel()
        if run.relief is not None:
            run.relief.end()
        self._nothing_stands_by(run)
        del self._runs[run.cue.token]
        voice = run.voice
        return p.Ended(
            token=run.cue.token,
            bus=run.cue.bus,
            reason=event.reason,
            at_ms=at_ms,
            position_ms=ms(event.position),
            part=event.part,
            played_ms=ms(voice.played_frames),
            level_cdb=voice.total_meter.level_cdb(),
            underruns=voice.underruns,
        )


def _remove(voice: Voice, slot: Slot) -> None:
    if slot in voice.slots:
        voice.slots.remove(slot)
