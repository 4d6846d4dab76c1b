"""One box: its clocks, disk, amplifiers and power, and what faults can do to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Protocol

from agent.adapters.ports import Decider
from agent.contract.addresses import RTSP_SCHEMES, scheme_of
from agent.core.effects import (
    Batch,
)
from agent.core.events import (
    ClockSeen,
    ClockTrust,
    Event,
    Now,
)
from agent.core.facts import Facts
from agent.core.site import Site
from agent.core.station import Station
from simulator.world.amplifier import Controller
from simulator.world.broker import Broker
from simulator.world.clockwork import Clockwork
from simulator.world.disk import Disk
from simulator.world.life import Life
from simulator.world.server import Server
from simulator.world.sound import Played

CLOCK_TICK_MS = 1_000
FREE_MIB = 8_000
"""Room on a card that nobody has filled."""
MAINS_NOTICE_MS = 800
"""Until the box sees that the grid failed, or is back."""

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
    fetches_rtsp: bool = True
    free_mib: int = FREE_MIB


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
        self.has_mains = True
        self.installation = f"i-{site.station}"
        self.life: Life | None = None
        self.lives = 0
        self.speech_length: dict[str, int] = {}
        self.speech_text: dict[str, str] = {}
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

    def mains_off(self) -> None:
        """The grid fails and the box lives on its battery."""
        if not self.has_mains:
            return
        self.has_mains = False
        for controller in self.controllers.values():
            controller.mains_off()
        self._notice_mains()

    def mains_on(self) -> None:
        if self.has_mains:
            return
        self.has_mains = True
        for controller in self.controllers.values():
            controller.mains_on()
        self._notice_mains()

    def dark(self, zone: str) -> list[tuple[int, int]]:
        """When its loudspeakers had no mains, in true time."""
        place = self.site.zone(zone)
        return [] if place is None else self.controllers[place.controller].dark()

    def _notice_mains(self) -> None:
        life = self.life
        if life is not None:
            self.clock.after(MAINS_NOTICE_MS, life.look_at_host)

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

    def fetches(self, url: str) -> bool:
        """Whether the program that this source needs is installed."""
        return self.knobs.fetches_rtsp or scheme_of(url) not in RTSP_SCHEMES

    # --- network ------------------------------------------------------------------------

    def cut_link(self) -> None:
        """Nothing passes any more; the agent notices later."""
        self.knobs.link_up = False
        if self.life is not None:
            self.life.link_cut()

    def mend_link(self) -> None:
        self.knobs.link_up = True
