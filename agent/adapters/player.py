"""The parent side of the sound child: keeps one alive, talks to it, reduces what it says.

Owns the child process, its replacement, and the translation between effects, the child's lines
and events. Does not own what is played, nor any sound.

Invariants:
* Sound is believed only while frames move: a child without a moving pulse is killed and replaced.
* `PlayerLost` is told once per loss and again only when the reason changes; retries are silent.
* Files a cue may read are pinned in the store from `PlayCue` until the cue ended or its child died.
* The child leaves by itself, fading, when its stdin closes: so it is not killed with its parent.
* Lines of a child that was given up are never taken for those of its successor.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from agent.adapters.clock import mono_ms
from agent.adapters.counted import Counted
from agent.adapters.ports import Emit
from agent.core.effects import (
    CompareReturn,
    PlayCue,
    RestartSound,
    SetGain,
    SetTime,
    StopCue,
    WatchSound,
)
from agent.core.events import (
    AudioSeen,
    BusHeard,
    PlayerLost,
    PlayerReady,
    ReturnCompared,
    ReturnHeard,
    SoundEnded,
    SoundHeard,
    SoundProgress,
    SoundReturned,
    SoundStarted,
    SourceGaveUp,
    SourceTookOver,
)
from agent.core.programme import INPUT
from agent.player import protocol as p

log = logging.getLogger(__name__)

READY_WITHIN_S = 20.0
PULSE_WITHIN_S = 2.2
GRACE_S = 0.3
"""After a silence, once more: our own loop may have been held up while lines waited in the pipe."""
KILL_WITHIN_S = 2.0
STABLE_MS = 5_000
"""A child that lived this long did not fail at its start: the next one follows at once. The pauses
are there to spare the processor (a start costs 0.2 s of it), not to keep a village silent."""
PAUSES_S = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0)
STUCK_MS = 60_000
PULSE_LATE_MS = 1_500
"""A pulse comes once a second: one that is later than this means that sound had stopped before."""
PROGRESS_FIRST_S = (1, 2, 4, 8)
PROGRESS_EVERY_S = 10
"""Where a cue stands is told, and saved, soon and often at first: after a kill of the agent what
was not saved counts as not heard, and most bulletins are short."""
SILENT_CDB = -6_000
UNHEARD_MS = 3_500
UNHEARD_EVERY_MS = 5_000
"""What left the mixer is told when it is heard, and from so much silence or hiss on so often."""
SEEN_PLAYING_MS, SEEN_IDLE_MS = 10_000, 60_000
"""How the card runs is told so often while something plays and while nothing does."""
LEVEL_STALE_MS = 2_500
"""A level of a bus that was not renewed for so long is not its level any more."""
UNREAD_MAX_BYTES = 1_000_000
LOG_LINES_PER_LIFE = 50

CHILD_ENVIRONMENT: Mapping[str, str] = {
    "MALLOC_MMAP_THRESHOLD_": "262144",
    "MALLOC_TRIM_THRESHOLD_": "262144",
}
"""What is large is given back when a cue is over. Left to itself glibc raises these bounds with the
first large block that it frees, and keeps the sound of cues that are long over."""

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(p.FromChild)


@dataclass(frozen=True, slots=True)
class Files:
    """Where the sound of `content:<sha256>` and `speech:<key>` lies.

    path: always answers, also for what is not there (the child then says `not_found`).
    pin/unpin: this file must stay while a cue may read it.
    """

    path: Callable[[str], str]
    pin: Callable[[str], None] = lambda _: None
    unpin: Callable[[str], None] = lambda _: None


@dataclass(frozen=True, slots=True)
class Input:
    """A capture device, and which of its channels."""

    device: str
    channel: int = 0


@dataclass(slots=True)
class _Heard:
    """What was told about a cue, to tell only what is new."""

    cue: p.Cue
    pinned: tuple[str, ...] = ()
    seconds: int = 0
    silent: bool = False
    part: int = -1
    unheard: bool | None = None
    unheard_ms: int = 0
    sources: dict[int, int] = field(default_factory=dict)
    """By part: the source that sounded last."""


@dataclass(slots=True)
class _Child:
    process: asyncio.subprocess.Process
    log_task: asyncio.Task[None]
    born_ms: int
    ready: bool = False
    frames: int = -1
    moved_ms: int = 0
    silent_since_ms: int = 0
    trouble: p.Trouble | None = None
    given_up: str = ""
    cues: dict[str, _Heard] = field(default_factory=dict)
    opened: p.Ready | None = None
    told_ms: int = 0
    levels: dict[int, tuple[int, p.Heard]] = field(default_factory=dict)
    """By bus: when it came, and what."""
    back: p.Returned | None = None
    lacks_ms: int = 0
    """Of the return line, as the agent was told last."""

    def silent_ms(self, now_ms: int) -> int:
        """For how long no sound is known to have left the card; 0 when that is not known."""
        return now_ms - self.silent_since_ms if self.silent_since_ms else 0

    def kill(self) -> None:
        """Not `process.kill`: that polls, and so takes the exit status from asyncio's watcher."""
        if self.process.returncode is None:
            try:
                os.kill(self.process.pid, signal.SIGKILL)
            except ProcessLookupError:  # it ended, and its status is on the way
                pass


class Player:
    """Obeys PlayCue, StopCue, SetGain, SetTime. `run` is its supervised task."""

    def __init__(
        self,
        command: Sequence[str],
        emit: Emit,
        files: Files,
        *,
        inputs: Mapping[str, Input] | None = None,
        warm_standby: bool = False,
        pulse_within_s: float = PULSE_WITHIN_S,
        pauses_s: Sequence[float] = PAUSES_S,
    ) -> None:
        """command: how to start a child; `--standby` is added for the spare one. inputs: by
        the name that a source of the core gives them."""
        self._inputs = dict(inputs or {})
        self._command = tuple(command)
        self._emit = emit
        self._files = files
        self._warm_standby = warm_standby
        self._pulse_within_s = pulse_within_s
        self._pauses_s = tuple(pauses_s)
        self._child: _Child | None = None
        self._spare: _Child | None = None
        self._time: p.Time | None = None
        self._told_lost = ""
        self._losses = 0
        self._spawning: asyncio.Task[None] | None = None
        self._quitting = False
        self._watch_until_ms = 0
        self._moved_ms = mono_ms()
        self.counted = Counted()

    # --- obeying --------------------------------------------------------------------------

    def play(self, act: PlayCue) -> None:
        """Dropped without a child: the core gives its cues again after `PlayerReady`."""
        child = self._child
        if child is None or act.cue.token in child.cues:
            return
        pinned = tuple(sorted({one.url for one in _stored(act.cue)}))
        for url in pinned:
            self._files.pin(url)
        child.cues[act.cue.token] = _Heard(act.cue, pinned)
        cue = _with_paths(act.cue, self._files.path)
        self._send(child, _with_devices(cue, self._inputs))

    def stop(self, act: StopCue) -> None:
        child = self._child
        if child is None:
            return
        heard = child.cues.get(act.token)
        epoch = heard.cue.epoch if heard else self._time.epoch if self._time else 0
        self._send(child, p.Stop(act.token, act.fade_ms, act.at_ms, epoch))

    def gain(self, act: SetGain) -> None:
        if self._child is not None:
            self._send(self._child, p.Gain(act.token, act.gain_cdb))

    def time(self, act: SetTime) -> None:
        self._time = p.Time(act.epoch, act.wall_minus_mono_us)
        if self._child is not None:
            self._send(self._child, self._time)

    def restart(self, act: RestartSound) -> None:
        """Its successor follows at once, like that of any other child that is lost."""
        if self._child is not None:
            self._child.given_up = act.why
            self._child.kill()

    def watch(self, act: WatchSound) -> None:
        """How the card runs is told with every pulse for a while."""
        self._watch_until_ms = mono_ms() + act.for_ms

    def compare(self, act: CompareReturn) -> None:
        child = self._child
        cue = child.cues.get(act.token) if child is not None else None
        if child is not None and cue is not None:
            self._send(child, p.Compare(act.token, act.at_ms, cue.cue.epoch, act.position_ms))

    def stuck(self) -> str:
        """Why the watchdog should not be fed: only when replacing children itself has stopped."""
        return "sound" if mono_ms() - self._moved_ms > STUCK_MS else ""

    # --- life of the children -------------------------------------------------------------

    async def run(self) -> None:
        """Keep a child alive; after `quit` only wait to be cancelled."""
        try:
            while True:
                child = self._child = await self._next_child()
                why, detail = await self._listen(child)
                await self._bury(child)
                if self._quitting:
                    await asyncio.Event().wait()
                self._lost(child, why, detail)
                await asyncio.sleep(self._pause_s(child))
                self._moved_ms = mono_ms()
        finally:
            await self._end_all()

    async def quit(self, fade_ms: int, within_s: float) -> None:
        """Let the sound fade and the children leave; blocks no longer than the bound."""
        self._quitting = True
        for child in filter(None, (self._child, self._spare)):
            self._send(child, p.Quit(fade_ms))
            _close_stdin(child)
        if self._child is not None and not await _ended(self._child, within_s):
            log.warning("sound_child_did_not_leave")
        await self._end_all()

    async def _next_child(self) -> _Child:
        """The spare one, when it is alive, or a new one; it is told the time first."""
        spare, self._spare = self._spare, None
        if spare is not None and spare.process.returncode is None and self._time is not None:
            spare.born_ms = mono_ms()
            self._send(spare, self._time)
            return spare
        if spare is not None:
            await self._bury(spare)
        child = await self._spawn()
        if self._time is not None:
            self._send(child, self._time)
        return child

    async def _spawn(self, *arguments: str) -> _Child:
        process = await asyncio.create_subprocess_exec(
            *self._command,
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**CHILD_ENVIRONMENT, **os.environ},
        )
        return _Child(process, asyncio.create_task(_log_lines(process)), mono_ms())

    async def _listen(self, child: _Child) -> tuple[str, str]:
        """Take its lines until it is dead or as good as dead; returns why, and details."""
        lines = child.process.stdout
        if lines is None:
            return "exited", "no pipe"
        limit_s, graced = READY_WITHIN_S, False
        loop = asyncio.get_running_loop()
        moved_at = loop.time()
        while True:
            left_s = moved_at + limit_s + (GRACE_S if graced else 0.0) - loop.time()
            try:
                # Not wait_for: in Python 3.11 it can swallow our own cancellation.
                async with asyncio.timeout(max(left_s, 0.0)):
                    line = await lines.readline()
            except TimeoutError:
                if graced:
                    child.silent_since_ms = child.moved_ms
                    return "hung", f"no moving pulse for {limit_s + GRACE_S} s"
                graced, moved_at = True, max(moved_at, loop.time() - limit_s)
                continue
            except ValueError:
                return "hung", "a line without end"
            if not line:
                child.silent_since_ms = broke_off_ms(child.moved_ms, mono_ms())
                await _ended(child, GRACE_S)
                return _how_it_ended(child)
            self._moved_ms = mono_ms()
            if self._take(child, line):
                moved_at, graced = loop.time(), False
                limit_s = self._pulse_within_s if child.ready else READY_WITHIN_S

    async def _bury(self, child: _Child) -> None:
        """Make sure it is dead, let go of its files. One that cannot die is left behind."""
        if self._child is child:
            self._child = None
        for heard in child.cues.values():
            self._release(heard)
        child.cues.clear()
        child.kill()
        if not await _ended(child, KILL_WITHIN_S):
            log.error("sound_child_unkillable pid=%s", child.process.pid)
        child.log_task.cancel()
        _close_stdin(child)

    def _lost(self, child: _Child, why: str, detail: str) -> None:
        if mono_ms() - child.born_ms > STABLE_MS:
            self._losses = 0
        self._losses += 1
        if child.ready or why != self._told_lost:
            log.warning("sound_child_lost why=%s detail=%s", why, detail)
            self._told_lost = why
            self._emit(PlayerLost(why, detail, child.silent_ms(mono_ms())))

    def _pause_s(self, child: _Child) -> float:
        """A first loss costs nothing, a crash loop ever more."""
        step = min(self._losses, len(self._pauses_s)) - 1
        if child.trouble is not None and child.trouble.why == "no_device":
            step = max(step, 1)
        return self._pauses_s[min(max(step, 0), len(self._pauses_s) - 1)]

    async def _end_all(self) -> None:
        for child in filter(None, (self._child, self._spare)):
            await self._bury(child)
        self._spare = None

    async def _prepare_spare(self) -> None:
        if self._spare is None and not self._quitting:
            self._spare = await self._spawn("--standby")

    # --- the child's lines ----------------------------------------------------------------

    def _take(self, child: _Child, line: bytes) -> bool:
        """One line of the child; whether it proves that sound moves."""
        try:
            message = _decoder.decode(line)
        except msgspec.DecodeError:
            self.counted.add("player_bad_line", line[:80])
            return False
        match message:
            case p.Ready():
                return self._take_ready(child, message)
            case p.Pulse(frames=frames, callback_age_ms=age_ms):
                moving, child.frames = frames != child.frames, frames
                if moving:
                    child.moved_ms = mono_ms() - age_ms
                self._tell_seen(child, message)
                return moving
            case p.Trouble():
                child.trouble = message
            case p.Progress():
                self._take_progress(child, message)
            case p.Ended():
                self._take_ended(child, message)
            case p.Heard():
                child.levels[message.bus] = mono_ms(), message
                self._take_heard(child, message)
            case p.Returned():
                self._take_returned(child, message)
            case p.Compared():
                self._take_compared(message)
            case _:
                self._pass_on(child, message)
        return False

    def _take_ready(self, child: _Child, message: p.Ready) -> bool:
        if message.version != p.PROTOCOL_VERSION:
            child.trouble = p.Trouble("bad_message", f"protocol version {message.version}")
            child.kill()
            return False
        child.ready, self._told_lost = True, ""
        child.opened = message
        log.info(
            "sound_child_ready device=%s latency_ms=%s after_ms=%s",
            message.device,
            message.latency_ms,
            mono_ms() - child.born_ms,
        )
        self._emit(PlayerReady(message.device, message.latency_ms))
        if self._warm_standby and self._spare is None:
            self._spawning = asyncio.create_task(self._prepare_spare())
        return True

    def _pass_on(self, child: _Child, message: p.Started | p.PartStarted | p.SourceFailed) -> None:
        heard = child.cues.get(message.token)
        match message:
            case p.Started(token, bus, part, position_ms, at_ms):
                self._emit(SoundStarted(token, bus, part, position_ms, at_ms))
                if heard is not None:
                    heard.part = part
            case p.SourceFailed(token, part, source, fault, at_ms):
                self._emit(SourceGaveUp(token, part, source, fault, at_ms))
            case p.PartStarted(token, part, source, _, at_ms):
                if heard is None:
                    return
                if heard.sources.get(part, 0) != source:
                    self._emit(SourceTookOver(token, part, source, at_ms))
                heard.sources[part] = source

    def _take_progress(self, child: _Child, message: p.Progress) -> None:
        """One in ten seconds, and at once when sound turns into silence or back (D10)."""
        heard = child.cues.get(message.token)
        if heard is None:
            return
        silent = heard.silent
        if message.level_cdb is not None:
            silent = message.level_cdb <= SILENT_CDB
        heard.seconds += 1
        changed = silent != heard.silent or message.part != heard.part
        if not (changed or is_told(heard.seconds)):
            return
        heard.silent, heard.part = silent, message.part
        self._emit(
            SoundProgress(
                message.token,
                message.bus,
                message.part,
                message.position_ms,
                message.at_ms,
                message.level_cdb,
                message.underruns,
                message.played_ms,
            )
        )

    def _take_heard(self, child: _Child, message: p.Heard) -> None:
        """Once when it is heard, and again and again while it is not (D10)."""
        cue = child.cues.get(message.token)
        unheard = message.kind != "sound"
        if cue is None or (unheard and message.for_ms < UNHEARD_MS):
            return
        other = message.for_ms < cue.unheard_ms  # silence of another source
        again = unheard and (other or message.for_ms >= cue.unheard_ms + UNHEARD_EVERY_MS)
        if cue.unheard == unheard and not again:
            return
        cue.unheard, cue.unheard_ms = unheard, message.for_ms
        self._emit(
            SoundHeard(
                message.token,
                message.bus,
                message.part,
                message.source,
                message.position_ms,
                message.at_ms,
                message.kind,
                message.for_ms,
                message.level_cdb,
            )
        )

    def _take_returned(self, child: _Child, message: p.Returned) -> None:
        """Once when nothing comes back, again and again while nothing does, and when it is back."""
        child.back = message
        lacks_ms = message.lacks_ms or 0
        if lacks_ms < UNHEARD_MS:
            lacks_ms = 0
        again = lacks_ms >= child.lacks_ms + (UNHEARD_EVERY_MS if child.lacks_ms else 1)
        if again or (child.lacks_ms and not lacks_ms):
            child.lacks_ms = lacks_ms
            self._emit(SoundReturned(message.bus, lacks_ms, message.at_ms))

    def _take_compared(self, found: p.Compared) -> None:
        self._emit(
            ReturnCompared(
                found.token,
                found.heard,
                found.fault,
                found.delay_us,
                found.level_cdb,
                found.snr_cdb,
            )
        )

    def _tell_seen(self, child: _Child, pulse: p.Pulse) -> None:
        """Seldom: nobody decides by it. At once after the opening, and while somebody looks."""
        now_ms = mono_ms()
        every_ms = SEEN_PLAYING_MS if child.cues else SEEN_IDLE_MS
        due = not child.told_ms or now_ms - child.told_ms >= every_ms
        if child.opened is None or not (due or now_ms < self._watch_until_ms):
            return
        child.told_ms = now_ms
        self._emit(_seen(child, child.opened, pulse, now_ms))

    def _take_ended(self, child: _Child, message: p.Ended) -> None:
        heard = child.cues.pop(message.token, None)
        if heard is not None:
            self._release(heard)
        self._emit(
            SoundEnded(
                message.token,
                message.bus,
                message.reason,
                message.at_ms,
                message.position_ms,
                message.part,
                message.played_ms,
                message.level_cdb,
                message.underruns,
            )
        )

    def _release(self, heard: _Heard) -> None:
        for url in heard.pinned:
            self._files.unpin(url)

    def _send(self, child: _Child, message: p.ToChild) -> None:
        stdin = child.process.stdin
        if stdin is None or stdin.is_closing():
            return
        stdin.write(_encoder.encode(message) + b"\n")
        if stdin.transport.get_write_buffer_size() > UNREAD_MAX_BYTES:
            child.trouble = p.Trouble("internal", "it does not read what it is told")
            child.kill()


def _seen(child: _Child, opened: p.Ready, pulse: p.Pulse, now_ms: int) -> AudioSeen:
    buses = tuple(
        BusHeard(
            bus,
            one.kind,
            one.for_ms,
            one.level_cdb,
            one.peak_cdb,
            one.limited_cdb,
            one.levelled_cdb,
        )
        for bus, (came_ms, one) in sorted(child.levels.items())
        if now_ms - came_ms <= LEVEL_STALE_MS and one.token in child.cues
    )
    return AudioSeen(
        device=opened.device,
        resolved=opened.resolved,
        frames_per_buffer=pulse.frames_per_buffer or opened.frames_per_buffer,
        latency_ms=pulse.latency_ms,
        underruns=pulse.underruns,
        reopened=pulse.reopened,
        drift_ppm=pulse.drift_ppm,
        callback_p50_us=pulse.callback_p50_us,
        callback_p99_us=pulse.callback_p99_us,
        callback_max_us=pulse.callback_max_us,
        buses=buses,
        back=_back(child.back),
    )


def _back(heard: p.Returned | None) -> ReturnHeard | None:
    if heard is None:
        return None
    return ReturnHeard(
        heard.bus,
        heard.kind,
        heard.fault,
        heard.for_ms,
        heard.level_cdb,
        heard.peak_cdb,
        heard.lacks_ms,
    )


def broke_off_ms(moved_ms: int, closed_ms: int) -> int:
    """When the sound of a child whose pipe closed broke off: then, unless it had stopped before.

    moved_ms: up to when it is known to have moved; 0, as is the answer, for never.
    """
    stalled = closed_ms - moved_ms > PULSE_LATE_MS
    return moved_ms if stalled else closed_ms


def is_told(second: int) -> bool:
    """Whether the progress of this second of a cue (the first is 1) is worth an event."""
    beyond_s = second - PROGRESS_FIRST_S[-1]
    return second in PROGRESS_FIRST_S or (beyond_s > 0 and beyond_s % PROGRESS_EVERY_S == 0)


def _stored(cue: p.Cue) -> list[p.Source]:
    return [
        source
        for part in cue.parts
        for source in part.sources
        if source.url.startswith(("content:", "speech:"))
    ]


def _with_paths(cue: p.Cue, path: Callable[[str], str]) -> p.Cue:
    """The cue as the child understands it: files by path."""
    stored = _stored(cue)
    if not stored:
        return cue
    found = {one.url: path(one.url) for one in stored}
    parts = tuple(
        msgspec.structs.replace(
            part,
            sources=tuple(
                msgspec.structs.replace(one, url=found.get(one.url, one.url))
                for one in part.sources
            ),
        )
        for part in cue.parts
    )
    return msgspec.structs.replace(cue, parts=parts)


def _with_devices(cue: p.Cue, inputs: Mapping[str, Input]) -> p.Cue:
    """The cue with the devices of the inputs it names; one that is not there stays unknown."""

    def known(one: p.Source) -> p.Source:
        found = inputs.get(one.url.removeprefix(INPUT)) if one.kind == "input" else None
        if found is None:
            return one
        return msgspec.structs.replace(one, url=found.device, channel=found.channel)

    parts = tuple(
        msgspec.structs.replace(part, sources=tuple(known(one) for one in part.sources))
        for part in cue.parts
    )
    return msgspec.structs.replace(cue, parts=parts)


def _how_it_ended(child: _Child) -> tuple[str, str]:
    if child.given_up:
        return child.given_up, "replaced"
    if child.trouble is not None:
        return child.trouble.why, child.trouble.detail
    return "exited", f"status {child.process.returncode}"


async def _ended(child: _Child, within_s: float) -> bool:
    try:
        async with asyncio.timeout(within_s):
            await child.process.wait()
    except TimeoutError:
        return False
    return True


def _close_stdin(child: _Child) -> None:
    if child.process.stdin is not None:
        child.process.stdin.close()


async def _log_lines(process: asyncio.subprocess.Process) -> None:
    """What the child logs, a bounded number of lines a life."""
    if process.stderr is None:
        return
    told = 0
    while True:
        try:
            line = await process.stderr.readline()
        except ValueError:
            continue
        if not line:
            return
        told += 1
        if told <= LOG_LINES_PER_LIFE:
            text = line.decode("utf-8", "replace").rstrip()
            log.info("sound_child_says pid=%s text=%s", process.pid, text)
