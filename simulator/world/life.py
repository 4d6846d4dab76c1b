"""The agent's life on a box, from one start to its end.

Stands where the runtime and the adapters stand in the daemon: hands events to the station, makes
its saves durable, and carries out its acts in the order `agent.release` allows. No policy.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING, Any

from agent.core.effects import (
    AckMessage,
    Act,
    CancelFetch,
    Connect,
    Evict,
    Fetch,
    HoldZones,
    Measure,
    PlayCue,
    Publish,
    PublishRecord,
    Reply,
    Restart,
    RestartSound,
    SetTime,
    Speak,
    StopCue,
    Subscribe,
)
from agent.core.events import (
    Booted,
    ClockSeen,
    CommitFailed,
    CommitsAgain,
    Event,
    FetchFailed,
    FileReady,
    FilesFound,
    FilesMeasured,
    HostSeen,
    LinkChanged,
    Now,
    PlayerLost,
    PlayerReady,
    SpeechFailed,
    SpeechReady,
    Wake,
)
from agent.core.facts import Facts
from agent.core.loudness import Loudness
from agent.release import Release
from simulator.world.link import Link
from simulator.world.sound import Card, Played

if TYPE_CHECKING:
    from simulator.world.box import Box

DISK_PATIENCE_MS = 5_000
VOICES = ("vi", "en")
"""Languages the reading machine has; the others need recordings."""


class Life:
    """The agent from one start to its end."""

    def __init__(self, box: Box) -> None:
        self.box = box
        self.station = box.build.station(box, Facts(box.build.rows(box.disk.rows())))
        self.decider = box.build.wrap(self.station)
        self.alive = True
        self.card: Card | None = None
        self.link: Link | None = None
        self.offsets_ms: dict[int, int] = {}
        self._release = Release()
        self._blind = False
        self._ticket = 0
        self._inbox: deque[Event] = deque()
        self._busy = False
        self._wake_at_ms: int | None = None
        self._armed_at_ms: int | None = None
        self._links = 0
        self._fetches: dict[str, int] = {}
        self.replies: list[Reply] = []
        self._obey: dict[type[Any], Callable[[Any], None]] = {
            Connect: self._connect,
            Subscribe: self._subscribe,
            Publish: self._publish,
            PublishRecord: self._publish_record,
            AckMessage: self._ack,
            Fetch: self._fetch,
            CancelFetch: self._cancel_fetch,
            Evict: self._evict,
            Measure: self._measure,
            Speak: self._speak,
            PlayCue: lambda act: self.card.play(act.cue) if self.card is not None else None,
            StopCue: lambda act: self.card.stop(act.token) if self.card is not None else None,
            RestartSound: lambda _: self.child_dies(20, 500),
            SetTime: self._set_time,
            HoldZones: lambda act: box.controllers[act.controller].hold(act),
            Reply: self.replies.append,
            Restart: lambda _: box.clock.after(1, lambda: box.kill(3_000)),
        }

    def begin(self) -> None:
        box, rng = self.box, self.box.rng
        after = self._later
        self.tell(Booted(box.installation, f"n{box.lives}", rng.random()))
        after(rng.randint(5, 1_500), self._look_at_files)
        after(rng.randint(300, 3_000), self.start_child)
        after(rng.randint(200, 2_500), self._report_controllers)
        after(rng.randint(1_000, 5_000), self._host)

    def end(self) -> None:
        if self.card is not None:
            self.card.die()
            self.card = None
        self.alive = False
        if self.link is not None:
            self.link.close()

    def _later(self, wait_ms: int, act: Callable[[], None]) -> None:
        """`act` in this life only."""
        self.box.clock.after(wait_ms, lambda: act() if self.alive else None)

    def _between(self, bounds: tuple[int, int]) -> int:
        return self.box.rng.randint(*bounds)

    def _report_controllers(self) -> None:
        for controller in self.box.controllers.values():
            controller.report()

    def _host(self) -> None:
        self.look_at_host()
        self._later(3_600_000, self._host)

    def look_at_host(self) -> None:
        box = self.box
        uptime_s = box.now().mono_ms // 1_000
        self.tell(
            HostSeen(
                5_100,
                box.knobs.free_mib,
                300,
                uptime_s,
                mains=box.has_mains,
                fetches_rtsp=box.knobs.fetches_rtsp,
            )
        )

    # --- events in ----------------------------------------------------------------------

    def tell(self, event: Event) -> None:
        if not self.alive:
            return
        self._inbox.append(event)
        if self._busy:
            return
        self._busy = True
        try:
            while self._inbox and self.alive:
                self._turn(self._inbox.popleft())
        finally:
            self._busy = False

    def tick_clock(self) -> None:
        seen = self.box.clocks.seen() if self.alive else None
        if seen is not None:
            self.tell(seen)

    def _turn(self, event: Event) -> None:
        now = self.box.now()
        if not self.box.clocks.told and not isinstance(event, ClockSeen):
            seen = self.box.clocks.seen()
            if seen is not None:
                self._decide(seen, now)
        self._decide(event, now)

    def _decide(self, event: Event, now: Now) -> None:
        box = self.box
        try:
            batch = self.decider.handle(event, now)
        except Exception as error:  # noqa: BLE001 - the runtime survives it; the watcher judges it
            box.watcher.broke(box, event, error)
            return
        if batch.saves:
            self._ticket += 1
            ticket = self._ticket
            latency_ms = self._between(box.knobs.commit_ms)
            ready_ms = box.disk.submit(batch.saves, box.clock.now_ms, latency_ms)
            box.clock.at(ready_ms, lambda: self._durable(ticket))
            if ready_ms - box.clock.now_ms > DISK_PATIENCE_MS:
                self._later(DISK_PATIENCE_MS + 500, self._out_of_patience)
        self._do(self._release.add(self._ticket, batch.acts, now.mono_ms))
        self._arm_soon(now.mono_ms)
        self._arm_wake(batch.wake_at_mono_ms)
        box.watcher.handled(box, event, now, batch)

    # --- durable, soon, wake ------------------------------------------------------------

    def _durable(self, ticket: int) -> None:
        if self.alive:
            self.box.disk.settle(self.box.clock.now_ms)
            self._do(self._release.durable(ticket))
            if self._blind:
                self._blind = False
                self.tell(CommitsAgain())

    def _out_of_patience(self) -> None:
        waiting_ms = self._release.waiting_since_ms()
        now = self.box.now()
        if waiting_ms is not None and now.mono_ms - waiting_ms > DISK_PATIENCE_MS:
            self._do(self._release.not_durable())
            self._blind = True
            self.tell(CommitFailed("the disk does not answer"))

    def _arm_soon(self, mono_ms: int) -> None:
        due_ms = self._release.next_due_ms()
        if due_ms is not None:
            self._later(max(0, due_ms - mono_ms), self._soon)

    def _soon(self) -> None:
        self._do(self._release.due(self.box.now().mono_ms))

    def _arm_wake(self, wake_mono_ms: int | None) -> None:
        if wake_mono_ms is None:
            self._wake_at_ms = None
            return
        clock = self.box.clock
        wake_ms = max(wake_mono_ms + self.box.clocks.started_ms, clock.now_ms + 1)
        self._wake_at_ms = wake_ms
        if self._armed_at_ms is None or wake_ms < self._armed_at_ms:
            self._armed_at_ms = wake_ms
            clock.at(wake_ms, self._woken)

    def _woken(self) -> None:
        if not self.alive:
            return
        now_ms = self.box.clock.now_ms
        if self._armed_at_ms is not None and self._armed_at_ms <= now_ms:
            self._armed_at_ms = None
        if self._wake_at_ms is None:
            return
        if self._wake_at_ms <= now_ms:
            self._wake_at_ms = None
            self.tell(Wake())
        elif self._armed_at_ms is None:
            self._armed_at_ms = self._wake_at_ms
            self.box.clock.at(self._wake_at_ms, self._woken)

    def _do(self, acts: list[Act]) -> None:
        for act in acts:
            obey = self._obey.get(type(act))
            if obey is not None and self.alive:
                obey(act)

    # --- sound --------------------------------------------------------------------------

    def _set_time(self, act: SetTime) -> None:
        self.offsets_ms[act.epoch] = act.wall_minus_mono_us // 1_000 - self.box.clocks.started_ms

    def start_child(self) -> None:
        box = self.box
        if not self.alive or not box.knobs.player_works or self.card is not None:
            return
        self.card = Card(
            box.clock,
            self.tell,
            box.length_of,
            box.audible,
            self._sounds,
            self.offsets_ms,
            box.knobs.progress_ms,
            box.fetches,
        )
        self.tell(PlayerReady("modelled", 40))

    def _sounds(self, played: Played) -> None:
        self.box.played.append(played)
        self.box.watcher.sounds(self.box, played)

    def child_dies(self, notice_ms: int, back_ms: int | None) -> None:
        """The sound child crashes; noticed after `notice_ms`, replaced `back_ms` later."""
        card = self.card
        if card is None or not card.alive:
            return
        card.die()
        pulse_ms = self.box.rng.randint(0, 1_000) if notice_ms > 100 else 0
        silent_ms = notice_ms + pulse_ms

        def lost() -> None:
            self.card = None
            self.tell(PlayerLost("killed", silent_ms=silent_ms))
            if back_ms is not None:
                self._later(back_ms, self.start_child)

        self._later(notice_ms, lost)

    # --- content and speech -------------------------------------------------------------

    def _fetch(self, act: Fetch) -> None:
        box = self.box
        self._fetches[act.sha256] = self._fetches.get(act.sha256, 0) + 1
        number = self._fetches[act.sha256]
        wait_ms = 200 + act.size * 1_000 // box.knobs.bytes_per_s
        self._later(wait_ms, lambda: self._fetched(act, number))

    def _cancel_fetch(self, act: CancelFetch) -> None:
        self._fetches[act.sha256] = self._fetches.get(act.sha256, 0) + 1

    def _look_at_files(self) -> None:
        self.tell(FilesFound(tuple(self.box.disk.files.items())))
        self.tell(FilesMeasured(()))

    def _measure(self, act: Measure) -> None:
        """Every file has a loudness of its own; some cannot be measured."""
        own = Random(act.sha256)
        loudness = Loudness(own.randint(-3_500, -700), 500, own.randint(-1_500, 50), 60_000)
        event = FilesMeasured(((act.sha256, loudness if own.random() < 0.9 else None),))
        self._later(own.randint(2_000, 90_000), lambda: self.tell(event))

    def _evict(self, act: Evict) -> None:
        self.box.disk.files.pop(act.sha256, None)

    def _fetched(self, act: Fetch, number: int) -> None:
        box = self.box
        if self._fetches.get(act.sha256) != number:
            return
        chance = box.rng.random()
        fault = box.server.fault_of(act.sha256, act.url) if box.knobs.link_up else "network"
        if fault is None and act.size > box.knobs.free_mib << 20:
            fault = "no_space"
        if fault is not None:
            self.tell(FetchFailed(act.sha256, fault, "", chance))
            return
        box.disk.files[act.sha256] = act.size
        self.tell(FileReady(act.sha256, act.size))

    def _speak(self, act: Speak) -> None:
        box = self.box
        wait_ms = self._between(box.knobs.speech_ms)
        lasting = act.language.split("-")[0] not in VOICES
        if lasting or not box.knobs.speech_works:
            failed = SpeechFailed(act.key, "no voice", lasting)
            self._later(wait_ms, lambda: self.tell(failed))
            return
        length_ms = 1_000 + 70 * len(act.text)
        box.speech_length[act.key] = length_ms
        box.speech_text[act.key] = act.text
        self._later(wait_ms, lambda: self.tell(SpeechReady(act.key, length_ms)))

    # --- network ------------------------------------------------------------------------

    def _connect(self, act: Connect) -> None:
        if self.link is not None:
            self.link.close()
        self._links += 1
        self.link = Link(self, self._links)
        self.link.open(act)

    def _subscribe(self, act: Subscribe) -> None:
        if self.link is not None and self.link.is_up:
            self.box.broker.subscribe(self.link, act.filters, act.held)

    def _publish(self, act: Publish) -> None:
        if self.link is not None:
            self.link.publish(act.topic, act.payload, act.token)

    def _publish_record(self, act: PublishRecord) -> None:
        body = self.box.disk.record(act.seq)
        if body is not None and self.link is not None:
            self.link.publish(act.topic, body, act.token)

    def _ack(self, act: AckMessage) -> None:
        if self.link is not None:
            self.link.ack(act.receipt)

    def link_cut(self) -> None:
        """The way to the broker broke: told to the agent when its keepalive runs out."""
        if self.link is not None:
            self.link.cut(self._between(self.box.knobs.notice_ms))

    def broker_gone(self) -> None:
        if self.link is not None and self.link.is_up:
            self.link.close()
            self.tell(LinkChanged(False, "broker_closed", chance=self.box.rng.random()))
