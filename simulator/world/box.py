"""One box: clocks, disk, sound, amplifiers and a link, and the agent's lives on it.

Stands where the runtime and the adapters stand in the daemon: hands events to the station, makes
its saves durable, and carries out its acts in the order `agent.release` allows. No policy.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any, Protocol

from agent.adapters.ports import Decider
from agent.core.effects import (
    AckMessage,
    Act,
    Batch,
    CancelFetch,
    Connect,
    Evict,
    Fetch,
    HoldZones,
    PlayCue,
    Publish,
    PublishRecord,
    Reply,
    Restart,
    SetTime,
    Speak,
    StopCue,
    Subscribe,
)
from agent.core.events import (
    Booted,
    ClockSeen,
    ClockTrust,
    CommitFailed,
    Delivered,
    Event,
    FetchFailed,
    FileReady,
    FilesFound,
    HostSeen,
    LinkChanged,
    MessageArrived,
    Now,
    PlayerLost,
    PlayerReady,
    SpeechFailed,
    SpeechReady,
    Wake,
)
from agent.core.facts import Facts
from agent.core.site import Site
from agent.core.station import Station
from agent.release import Release
from simulator.world.amplifier import Controller
from simulator.world.broker import Broker
from simulator.world.clockwork import Clockwork
from simulator.world.disk import Disk
from simulator.world.server import Server
from simulator.world.sound import Card, Played

DISK_PATIENCE_MS = 5_000
CLOCK_TICK_MS = 1_000
BOOT_MONO_MS = 8_000
"""The monotonic clock when the agent starts after power came on."""

Row = tuple[str, str, bytes]


class Watcher(Protocol):
    """Who looks on and judges. Instants are true time."""

    def began(self, box: Box) -> None: ...
    def handled(self, box: Box, event: Event, now: Now, batch: Batch) -> None: ...
    def sounds(self, box: Box, played: Played) -> None: ...
    def broke(self, box: Box, event: Event, error: Exception) -> None: ...


@dataclass(slots=True)
class Build:
    """How a station is made; a planted bug changes this."""

    station: Callable[[Box, Facts], Station]
    rows: Callable[[list[Row]], list[Row]] = lambda rows: rows
    wrap: Callable[[Station], Decider] = lambda station: station


@dataclass(slots=True)
class Clocks:
    """The box's clocks. offset_ms: wall − true. started_ms: true time of monotonic zero."""

    offset_ms: int
    started_ms: int = 0
    trust: ClockTrust = "trusted"
    epoch: int = 0
    step_ms: int = 0
    told: bool = False

    def seen(self) -> ClockSeen | None:
        """What the next reading has to tell first."""
        if self.told:
            return None
        self.told = True
        step_ms, self.step_ms = self.step_ms, 0
        minus_us = (self.offset_ms + self.started_ms) * 1_000
        return ClockSeen(self.epoch, minus_us, self.trust, step_ms)


@dataclass(slots=True)
class Knobs:
    """What faults turn. Latencies in ms as (least, most)."""

    commit_ms: tuple[int, int] = (3, 25)
    link_ms: tuple[int, int] = (40, 400)
    notice_ms: tuple[int, int] = (1_000, 180_000)
    speech_ms: tuple[int, int] = (300, 4_000)
    speech_works: bool = True
    speech_sounds: bool = True
    bytes_per_s: int = 40_000
    progress_ms: int = 10_000
    link_up: bool = True
    player_works: bool = True


class Box:
    """The hardware of one station; `life` is the agent while it runs."""

    def __init__(
        self,
        site: Site,
        clock: Clockwork,
        wall0_ms: int,
        broker: Broker,
        server: Server,
        build: Build,
        watcher: Watcher,
        seed: str,
    ) -> None:
        self.site = site
        self.clock = clock
        self.broker = broker
        self.server = server
        self.build = build
        self.watcher = watcher
        self.rng = Random(f"{seed}:{site.station}:box")
        self.disk = Disk()
        self.knobs = Knobs()
        self.wall0_ms = wall0_ms
        self.clocks = Clocks(wall0_ms)
        self.has_power = False
        self.installation = f"i-{site.station}"
        self.life: Life | None = None
        self.lives = 0
        self.speech_length: dict[str, int] = {}
        self.played: list[Played] = []
        names = sorted({zone.controller for zone in site.zones})
        self.controllers = {
            name: Controller(name, site, clock, self.count, self.tell) for name in names
        }

    # --- people and mains ---------------------------------------------------------------

    def power_on(self, trust: ClockTrust = "trusted", offset_ms: int | None = None) -> None:
        """offset_ms: wall − true as the box begins to believe; None: right."""
        if self.has_power:
            return
        self.has_power = True
        offset_ms = self.wall0_ms if offset_ms is None else offset_ms
        self.clocks = Clocks(offset_ms, self.clock.now_ms - BOOT_MONO_MS, trust)
        self._begin()

    def power_cut(self) -> None:
        if not self.has_power:
            return
        self.has_power = False
        self._end(mains=True)

    def kill(self, down_ms: int) -> None:
        """kill -9 of the agent; the service manager starts it again after `down_ms`."""
        if self.life is None:
            return
        self._end(mains=False)
        lives = self.lives
        self.clock.after(down_ms, lambda: self._again(lives))

    def _again(self, lives: int) -> None:
        if self.has_power and self.life is None and lives == self.lives:
            old = self.clocks
            self.clocks = Clocks(old.offset_ms, old.started_ms, old.trust)
            self._begin()

    def _begin(self) -> None:
        self.lives += 1
        self.life = Life(self)
        self.watcher.began(self)
        self.life.begin()

    def _end(self, *, mains: bool) -> None:
        life = self.life
        if life is not None:
            life.end()
        self.life = None
        if mains:
            self.disk.power_cut(self.rng)
        else:
            # Killed: what the kernel took is kept, what the agent held back is lost.
            self.disk.die(self.rng.randint(0, len(self.disk.pending)))
        for controller in self.controllers.values():
            controller.power_lost() if mains else controller.agent_gone()

    # --- clock --------------------------------------------------------------------------

    def now(self) -> Now:
        clocks, true_ms = self.clocks, self.clock.now_ms
        return Now(
            true_ms - clocks.started_ms, true_ms + clocks.offset_ms, clocks.epoch, clocks.trust
        )

    def wall_ms(self) -> int:
        return self.clock.now_ms + self.clocks.offset_ms

    def set_wall(self, offset_ms: int, trust: ClockTrust) -> None:
        """Somebody sets the wall clock; the agent reads it at its next turn or tick."""
        clocks = self.clocks
        step_ms = offset_ms - clocks.offset_ms
        if not step_ms and trust == clocks.trust:
            return
        clocks.offset_ms, clocks.trust = offset_ms, trust
        clocks.step_ms += step_ms
        clocks.epoch += 1 if step_ms else 0
        clocks.told = False
        if self.life is not None:
            self.clock.after(self.rng.randint(1, CLOCK_TICK_MS), self.life.tick_clock)

    # --- sound and zones ----------------------------------------------------------------

    def tell(self, event: Event) -> None:
        if self.life is not None:
            self.life.tell(event)

    def audible(self, bus: int) -> frozenset[str]:
        return frozenset(zone for one in self.controllers.values() for zone in one.listening(bus))

    def count(self) -> None:
        if self.life is not None and self.life.card is not None:
            self.life.card.count()

    def length_of(self, url: str) -> int | None:
        """A source's true length; None when no sound comes out of it."""
        kind, _, rest = url.partition(":")
        if kind == "content":
            return self.server.length_of(rest) if rest in self.disk.files else None
        if kind == "speech":
            return self.speech_length.get(rest) if self.knobs.speech_sounds else None
        return 86_400_000 if self.knobs.link_up and self.server.streams(url) else None

    # --- network ------------------------------------------------------------------------

    def cut_link(self) -> None:
        """Nothing passes any more; the agent notices later."""
        self.knobs.link_up = False
        if self.life is not None:
            self.life.link_cut()

    def mend_link(self) -> None:
        self.knobs.link_up = True


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
            Speak: self._speak,
            PlayCue: lambda act: self.card.play(act.cue) if self.card is not None else None,
            StopCue: lambda act: self.card.stop(act.token) if self.card is not None else None,
            SetTime: self._set_time,
            HoldZones: lambda act: box.controllers[act.controller].hold(act),
            Reply: self.replies.append,
            Restart: lambda _: box.clock.after(1, lambda: box.kill(3_000)),
        }

    def begin(self) -> None:
        box, rng = self.box, self.box.rng
        after = self._later
        self.tell(Booted(box.installation, f"n{box.lives}", rng.random()))
        after(rng.randint(5, 1_500), lambda: self.tell(FilesFound(tuple(box.disk.files.items()))))
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
        self.tell(HostSeen(5_100, 8_000, 300, 1_000))
        self._later(3_600_000, self._host)

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

    def _out_of_patience(self) -> None:
        waiting_ms = self._release.waiting_since_ms()
        now = self.box.now()
        if waiting_ms is not None and now.mono_ms - waiting_ms > DISK_PATIENCE_MS:
            self._do(self._release.not_durable())
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

    def _evict(self, act: Evict) -> None:
        self.box.disk.files.pop(act.sha256, None)

    def _fetched(self, act: Fetch, number: int) -> None:
        box = self.box
        if self._fetches.get(act.sha256) != number:
            return
        chance = box.rng.random()
        fault = box.server.fault_of(act.sha256, act.url) if box.knobs.link_up else "network"
        if fault is not None:
            self.tell(FetchFailed(act.sha256, fault, "", chance))
            return
        box.disk.files[act.sha256] = act.size
        self.tell(FileReady(act.sha256, act.size))

    def _speak(self, act: Speak) -> None:
        box = self.box
        wait_ms = self._between(box.knobs.speech_ms)
        if not box.knobs.speech_works:
            self._later(wait_ms, lambda: self.tell(SpeechFailed(act.key, "no voice")))
            return
        length_ms = 1_000 + 70 * len(act.text)
        box.speech_length[act.key] = length_ms
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


@dataclass(slots=True)
class Link:
    """One connection to the broker; receipts belong to it alone."""

    life: Life
    generation: int
    is_up: bool = False
    broken: bool = False
    _numbers: dict[int, int] = field(default_factory=dict)
    _receipts: int = 0

    @property
    def station(self) -> str:
        return self.life.box.site.station

    @property
    def current(self) -> bool:
        return self.life.alive and self.life.link is self and not self.broken

    def open(self, act: Connect) -> None:
        box = self.life.box
        if not box.knobs.link_up:
            wait_ms = box.rng.randint(1_000, 10_000)
            self._later(wait_ms, lambda: self._gone("own_link"))
            return
        self._later(box.rng.randint(100, 3_000), lambda: self._opened(act))

    def _opened(self, act: Connect) -> None:
        box = self.life.box
        if not box.knobs.link_up:
            self._gone("own_link")
            return
        self.is_up = True
        self.life.tell(LinkChanged(True))
        if self.current:
            box.broker.connect(self, act.filters, act.held)

    def _later(self, wait_ms: int, act: Callable[[], None]) -> None:
        self.life.box.clock.after(wait_ms, lambda: act() if self.current else None)

    def _gone(self, cause: Any) -> None:
        chance = self.life.box.rng.random()
        self.close()
        self.life.tell(LinkChanged(False, cause, chance=chance))

    def cut(self, notice_ms: int) -> None:
        """Half-open: nothing passes, nobody is told yet."""
        if self.broken:
            return
        self.is_up = False
        self.life.box.broker.disconnect(self)
        self._later(notice_ms, lambda: self._gone("own_link"))

    def close(self) -> None:
        if not self.broken:
            self.broken, self.is_up = True, False
            self.life.box.broker.disconnect(self)

    def receive(self, number: int, topic: str, payload: bytes, *, retained: bool) -> None:
        """From the broker, on the way to the agent."""
        self._receipts += 1
        receipt = self.generation * 1_000_000 + self._receipts
        self._numbers[receipt] = number
        event = MessageArrived(receipt, topic, payload, retained)
        box = self.life.box
        self._later(
            box.rng.randint(*box.knobs.link_ms),
            lambda: self.life.tell(event) if self.is_up else None,
        )

    def ack(self, receipt: int) -> None:
        number = self._numbers.pop(receipt, None)
        if number is not None and self.is_up:
            self.life.box.broker.acked(self, number)

    def publish(self, topic: str, payload: bytes, token: int | None) -> None:
        if not self.is_up:
            return
        box = self.life.box
        box.broker.publish_up(topic, payload)
        if token is not None:
            event = Delivered(token)
            self._later(
                box.rng.randint(*box.knobs.link_ms),
                lambda: self.life.tell(event) if self.is_up else None,
            )
