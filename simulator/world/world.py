"""One run of the world: stations, their source system, faults by seed, and the judge over all."""

from __future__ import annotations

import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

from agent.adapters.timezones import time_zone
from agent.contract.documents import StreamSource
from agent.contract.envelope import VerifySignature
from agent.core.events import HousekeepingDue
from agent.core.facts import Facts
from agent.core.schedule import Zones
from agent.core.site import Amplifier, BusChoice, Site, Zone
from agent.core.station import Station
from simulator.world import faults, plants
from simulator.world.box import Box, Build
from simulator.world.broker import Broker
from simulator.world.clockwork import Clockwork
from simulator.world.evidence import Violation
from simulator.world.judge import Judge
from simulator.world.mishaps import make_room
from simulator.world.office import RECONCILE_MS, Office
from simulator.world.server import Server
from simulator.world.signing import AUTHORITY, PROVINCE, root_keys, signer_of, verify
from simulator.world.timetable import DAY_MS, TAGS, wall_of
from simulator.world.trace import Trace

HOUR_MS = 3_600_000
FIRST_DAY = "2026-03-02"
QUIET_MS = 9 * HOUR_MS
"""After the last day nothing goes wrong any more, so that everything can come to rest."""

PROGRESS_MS = 60_000
"""How often the sound child tells its progress; 10 s in the field, which months do not need."""

TZ = ZoneInfo("Asia/Ho_Chi_Minh")
LIVE_SHARE = 0.8


@dataclass(frozen=True, slots=True)
class Settings:
    """faults None: a subset drawn from the seed. first_day: the local date it begins on."""

    seed: int
    days: int = 30
    stations: int = 1
    faults: tuple[str, ...] | None = None
    first_day: str = FIRST_DAY
    plant: str = ""
    trace: bool = False
    progress_ms: int = PROGRESS_MS

    def command(self) -> str:
        """What runs exactly this again."""
        words = [f"station-sim world --days {self.days} --seed {self.seed}"]
        if self.stations != 1:
            words.append(f"--stations {self.stations}")
        if self.first_day != FIRST_DAY:
            words.append(f"--from-day {self.first_day}")
        if self.faults is not None:
            words.append(f"--faults {','.join(self.faults) or 'none'}")
        if self.plant:
            words.append(f"--plant {self.plant}")
        if self.progress_ms != PROGRESS_MS:
            words.append(f"--progress-ms {self.progress_ms}")
        return " ".join(words)


@dataclass(slots=True)
class Result:
    """What came of a run. took_s: real time, the only number that differs between two runs."""

    settings: Settings
    faults: tuple[str, ...]
    digest: str = ""
    events: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    violation: Violation | None = None
    lines: list[str] = field(default_factory=list)
    took_s: float = 0.0


def draw_site(name: str, rng: Random) -> Site:
    """A station as they are wired: two to four zones, one or two buses, one or two controllers."""
    buses = rng.choice((1, 1, 2))
    zones = rng.randint(2, 4)
    controllers = rng.choice((("c1",), ("c1",), ("c1", "c2")))
    choices = tuple(BusChoice(bus, bus + 1) for bus in range(buses))
    placed: list[Zone] = []
    for number in range(zones):
        controller = controllers[number % len(controllers)]
        mine = choices if buses == 1 or rng.random() < 0.7 else (rng.choice(choices),)
        placed.append(
            Zone(
                f"thon-{number + 1}",
                controller,
                number // len(controllers),
                f"amp-{controller}",
                mine,
                frozenset({TAGS[number % 2]}),
            )
        )
    amplifiers = tuple(
        Amplifier(f"amp-{one}", one, backed_up=rng.random() < 0.3) for one in controllers
    )
    return Site(name, f"Xã {name}", TZ.key, tuple(placed), amplifiers, buses)


def _broken(error: Exception) -> Violation:
    """Neither heard nor reported: something around the core raised, or was asked the impossible."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{Path(last.filename).name}:{last.lineno}"
    return Violation(0, "the world", f"the run broke off at {place}: {error!r}")


def make_station(
    box: Box, facts: Facts, verify: VerifySignature = verify, zones: Zones = time_zone
) -> Station:
    return Station(box.site, facts, root_keys(), verify, zones, signer_of(box.site.station))


class World:
    """Everything of one run; `run` lets it happen."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        seed = settings.seed
        self.clock = Clockwork()
        self.wall0_ms = wall_of(f"{settings.first_day}T00:00:00")
        self.broker = Broker(self.clock, self.wall_ms)
        self.server = Server()
        self.office = Office(
            self.clock, self.wall0_ms, self.broker, self.server, Random(f"{seed}:office")
        )
        self.trace = Trace(show=settings.trace)
        self.judge = Judge(self.office, self.trace, self.wall0_ms, settings.progress_ms)
        self.build: Build = plants.build(settings.plant, make_station)
        self.boxes: list[Box] = []
        self.end_ms = settings.days * DAY_MS
        self.active = faults.draw(seed) if settings.faults is None else settings.faults

    def wall_ms(self) -> int:
        return self.wall0_ms + self.clock.now_ms

    def rng(self, name: str) -> Random:
        """A stream of chance of its own, so that one fault more does not shift the others."""
        return Random(f"{self.settings.seed}:{name}")

    # --- setting up ---------------------------------------------------------------------

    def _open(self) -> None:
        rng = self.rng("sites")
        groups = (("vung", AUTHORITY), ("tinh", PROVINCE))
        for number in range(self.settings.stations):
            site = draw_site(f"xa-{number + 1}", rng)
            box = Box(
                site,
                self.clock,
                self.wall0_ms,
                self.broker,
                self.server,
                self.build,
                self.judge,
                str(self.settings.seed),
            )
            box.knobs.progress_ms = self.settings.progress_ms
            wiring = self.rng(f"wiring {site.station}")
            for controller in box.controllers.values():
                controller.senses_mains = wiring.random() < 0.4
                controller.dies_without = wiring.random() < 0.3
            self.boxes.append(box)
            self.judge.add(box)
            self.office.enrol(site.station, groups, self.wall_ms() - DAY_MS)
            box.power_on()
            self._housekeeping(box)
        first = self.boxes[0].site
        zones = tuple(zone.name for zone in first.zones)
        office, rng = self.office, self.rng("desks")
        self.clock.run(60_000)
        office.open_desk(AUTHORITY, "g/vung", zones, rng.randint(3, 5))
        office.open_desk(PROVINCE, "g/tinh", zones, rng.randint(1, 3))
        if rng.random() < 0.5:
            office.open_desk(AUTHORITY, f"s/{first.station}", zones, rng.randint(1, 2))
        self._office_life()

    def _housekeeping(self, box: Box) -> None:
        def nightly() -> None:
            box.tell(HousekeepingDue())
            self.clock.after(DAY_MS, nightly)

        self.clock.after(3 * HOUR_MS + box.rng.randint(0, 600_000), nightly)

    def _office_life(self) -> None:
        """What an engineer does on ordinary days."""
        rng = self.rng("engineer")

        def daily() -> None:
            for desk in self.office.desks.values():
                self.office.publish_content(desk)
            self._streams(rng)
            if self.clock.now_ms < self.end_ms:
                self.clock.after(DAY_MS, daily)

        def reconcile() -> None:
            for box in self.boxes:
                audiences = (*self.office.desks, f"s/{box.site.station}")
                self.office.reconcile(box.site.station, audiences)
            self.clock.after(RECONCILE_MS, reconcile)

        self.clock.after(15 * HOUR_MS, daily)
        self.clock.after(RECONCILE_MS, reconcile)

    def _streams(self, rng: Random) -> None:
        """Most live streams are there."""
        live = self.server.live
        for desk in self.office.desks.values():
            for entry in desk.schedules[-1].entries:
                for source in entry.sources:
                    if isinstance(source, StreamSource):
                        live.discard(source.url)
                        live.update([source.url] if rng.random() < LIVE_SHARE else [])

    # --- running ------------------------------------------------------------------------

    def note(self, what: str, station: str = "") -> None:
        self.trace.note(self.clock.now_ms, self.wall_ms(), station, what)

    def run(self) -> Result:
        result = Result(self.settings, self.active)
        begun = time.perf_counter()
        try:
            self._open()
            faults.start(self, self.active)
            self.clock.run(self.end_ms)
            self.calm_down()
            self.clock.run(self.end_ms + QUIET_MS)
            for box in self.boxes:
                self.judge.close(box, self.end_ms + HOUR_MS)
        except Violation as violation:
            result.violation = violation
            result.lines = self.trace.last(violation.station, 60)
        except Exception as error:  # noqa: BLE001 - a run ends in a verdict, never in a traceback
            result.violation = _broken(error)
            result.lines = [
                *(line for box in self.boxes for line in self.trace.last(box.site.station, 20)),
                *"".join(traceback.format_exception(error)).splitlines(),
            ]
        result.took_s = time.perf_counter() - begun
        result.digest = self.trace.digest
        result.events = self.trace.events
        result.counts = dict(sorted(self.judge.case.counts.items()))
        return result

    def calm_down(self) -> None:
        """Power, network, clocks and people are back to normal."""
        self.note("calm")
        if not self.broker.collector_on:
            self.broker.switch_collector(on=True)
        for box in self.boxes:
            knobs = box.knobs
            knobs.player_works = knobs.speech_works = knobs.speech_sounds = True
            knobs.commit_ms = (3, 25)
            make_room(box)
            file, now_ms = self.judge.file(box), self.clock.now_ms
            file.full = [(low, min(high, now_ms)) for low, high in file.full]
            box.mend_link()
            box.mains_on()
            box.power_on()
            box.set_wall(self.wall0_ms, "trusted")
            for controller in box.controllers.values():
                if controller.lost:
                    controller.find()
                for zone in sorted(controller.open_lines):
                    controller.line(zone, broken=False)
            if box.life is not None:
                box.life.start_child()
        for offered in self.server.files.values():
            offered.fault = None


def run(settings: Settings) -> Result:
    return World(settings).run()
