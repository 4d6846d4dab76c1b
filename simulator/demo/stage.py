"""The stage of the demo: a pilot district, three stations and everything they are wired to.

Owns starting and stopping real parts in order: Mosquitto, content server, collector, sound card,
recorders, links, amplifiers on ptys and station-agent processes, and the hands that pull cables
and kill processes. Knows nothing of the story.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from simulator.amplifier.model import AmplifierSpec
from simulator.amplifier.pty_unit import PtyAmplifier
from simulator.demo.authorities import Province
from simulator.demo.observer import Observer
from simulator.link import Link, LinkSimulator
from simulator.soundcard.card import SoundCard
from simulator.soundcard.recorder import Recorder
from simulator.soundcard.tied import prefer
from simulator.source_system.broker import die_with_parent
from simulator.source_system.district import District
from simulator.source_system.enrolment import Enrolment
from simulator.source_system.keyring import SecondHolder
from simulator.source_system.pilot import PilotDistrict

RESTART_WAIT_S = 0.5
"""The service manager of the stage: an agent that ended is started again after this."""

STOP_LIMIT_S = 6.0
AGENT_NICENESS = -10
"""As the service unit asks for; what else runs on a laptop must not tear the sound."""
WARM_UP_MS = 1_500


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class StationSpec:
    """What is built: `zones` in the order of their terminals, counted from 1."""

    id: str
    name: str
    zones: tuple[str, ...]
    tags: tuple[str, ...] = ("tat-ca",)
    buses: int = 1
    wiring: tuple[int, ...] = ()
    """Terminal each zone is really wired to, when it is not its own (a fitter's mistake)."""

    above: bool = False
    """Whether the province speaks here too."""
    inputs: tuple[str, ...] = ()
    """Microphones and lines, by name: also those of the sound card."""

    def terminal(self, place: int) -> int:
        return self.wiring[place] if self.wiring else place + 1


@dataclass(slots=True)
class StationOnStage:
    """One station and the handles to pull."""

    spec: StationSpec
    folder: Path
    link: Link
    amplifier: PtyAmplifier
    recorder: Recorder
    agent: subprocess.Popen[bytes] | None = None
    held: bool = False
    """The service manager was told to leave it stopped."""
    starts: int = 0
    gates: dict[int, bool] = field(default_factory=dict)
    power: str = "off"


class Stage:
    """`with Stage(out, specs) as stage:`; everything ends with it, also on Ctrl-C."""

    def __init__(
        self, out: Path, specs: tuple[StationSpec, ...], say: Callable[[str, str], None]
    ) -> None:
        self._out = out.absolute()
        self._specs = specs
        self._say = say
        self._exits = contextlib.ExitStack()
        self._stopping = threading.Event()
        self._closed = threading.Event()
        self.stations: dict[str, StationOnStage] = {}
        self.province: Province | None = None
        self.second_holder = self._out / "second-holder"

    def __enter__(self) -> Self:
        try:
            self._build()
        except BaseException:
            self._exits.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopping.set()
        self._exits.close()
        self._closed.set()

    # --- building -----------------------------------------------------------------------

    def _build(self) -> None:
        home = self._out / "district"
        District.create(
            home,
            authority="huyen",
            name="Trung tâm văn hóa, truyền thông huyện",
            holder="Nguyễn Văn An",
            second=SecondHolder("Trần Thị Bình", self.second_holder),
            by="demo",
        )
        self._say("Khóa: 2 người giữ gốc", "Keys: two holders of the root")
        if any(spec.above for spec in self._specs):
            self.province = Province(self._out)
        self.pilot = self._exits.enter_context(PilotDistrict(home, by="demo"))
        self.district = self.pilot.district
        self.observer = self._exits.enter_context(
            Observer(
                self.district.file.broker.operator_port,
                self.district.home.operator,
                self._out / "mqtt.jsonl",
            )
        )
        sinks = {spec.id: spec.buses for spec in self._specs}
        inputs = [name for spec in self._specs for name in spec.inputs]
        self.card = self._exits.enter_context(SoundCard(sinks, inputs=inputs))
        self.links = self._exits.enter_context(LinkSimulator())
        self._recorders = self._start_recorders()
        for spec in self._specs:
            self._build_station(spec)
        watch = threading.Thread(target=self._supervise, name="service manager", daemon=True)
        watch.start()

    def _start_recorders(self) -> dict[str, Recorder]:
        """All at once: a virtual card takes two seconds to give its first block."""
        recorders = {spec.id: self.card.record(spec.id) for spec in self._specs}
        for one in recorders.values():
            self._exits.callback(one.stop)
        with ThreadPoolExecutor() as pool:
            list(pool.map(Recorder.start, recorders.values()))
        return recorders

    def _build_station(self, spec: StationSpec) -> None:
        folder = self._out / spec.id
        folder.mkdir(parents=True, exist_ok=True)
        enrolment = self.district.enrol(
            spec.id,
            name=spec.name,
            zones=dict.fromkeys(spec.zones, spec.tags),
            obey_also=[self.province.public()] if spec.above and self.province else [],
        )
        self._say(f"Ghi danh {spec.name}", f"Enrolled {spec.name}")
        broker, content = self.district.file.broker, self.district.file.content
        link = self.links.link(
            spec.id,
            broker=("127.0.0.1", broker.port),
            content=("127.0.0.1", content.listen_port),
        )
        unique_id = spec.id.encode().ljust(12, b"\0")[:12]
        amplifier = PtyAmplifier(
            folder / "controller",
            AmplifierSpec(unique_id=unique_id, zones=len(spec.zones), warm_up_ms=WARM_UP_MS),
            log_path=folder / "amplifier.jsonl",
            on_change=lambda change, _at: self._note_amplifier(spec.id, change),
        )
        recorder = self._recorders[spec.id]
        station = StationOnStage(spec, folder, link, amplifier, recorder)
        self.stations[spec.id] = station
        self._exits.enter_context(amplifier)
        config = station_toml(spec, folder, enrolment, link.port("broker"), unique_id.hex())
        (folder / "station.toml").write_text(config, encoding="utf-8")
        self._start_agent(station)
        self._exits.callback(lambda: self._stop_agent(station))

    def _note_amplifier(self, station: str, change: object) -> None:
        known = self.stations.get(station)
        if known is None:
            return
        zone, gate = getattr(change, "zone", None), getattr(change, "gate", None)
        if zone is not None and gate is not None:
            known.gates[zone] = gate
        known.power = str(getattr(getattr(change, "power", ""), "name", "")).lower()

    # --- agents -------------------------------------------------------------------------

    def _start_agent(self, station: StationOnStage) -> None:
        env = self.card.env()
        # The modem of a laptop is nobody's business here, unless a bus of our own is named.
        env.setdefault("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={station.folder / 'no-bus'}")
        env["https_proxy"] = station.link.https_proxy
        env.pop("no_proxy", None)
        env.pop("NO_PROXY", None)
        command = [sys.executable, "-m", "agent", "--config", str(station.folder / "station.toml")]
        with (station.folder / "agent.log").open("ab") as log:
            station.agent = subprocess.Popen(
                command,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=die_with_parent,  # noqa: PLW1509 - it only sets one flag
            )
        prefer(station.agent.pid, AGENT_NICENESS)
        station.starts += 1

    def _stop_agent(self, station: StationOnStage) -> None:
        if station.agent is None:
            return
        station.agent.terminate()
        try:
            station.agent.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            station.agent.kill()
            station.agent.wait(STOP_LIMIT_S)

    def _supervise(self) -> None:
        """Restart agents that ended, as the service manager of a box does."""
        ended: dict[str, float] = {}
        while not self._stopping.wait(0.05):
            for name, station in self.stations.items():
                if station.held or station.agent is None or station.agent.poll() is None:
                    ended.pop(name, None)
                    continue
                since = ended.setdefault(name, time.monotonic())
                if time.monotonic() - since >= RESTART_WAIT_S and not self._stopping.is_set():
                    self._start_agent(station)
                    ended.pop(name, None)

        # What this thread started dies with it, so it stays until all of it was asked to leave.
        self._closed.wait(STOP_LIMIT_S * len(self.stations))

    def stop_agent(self, station: str) -> None:
        """Ask it to leave, and leave it stopped."""
        self.stations[station].held = True
        self._stop_agent(self.stations[station])

    def start_agent(self, station: str) -> None:
        """Start a stopped one, and keep it running."""
        self._start_agent(self.stations[station])
        self.stations[station].held = False

    def kill_agent(self, station: str) -> int:
        """SIGKILL; returns when, in epoch ms."""
        agent = self.stations[station].agent
        assert agent is not None  # noqa: S101 - started in _build_station
        os.kill(agent.pid, signal.SIGKILL)
        return now_ms()

    def kill_player(self, station: str) -> int:
        """SIGKILL to the sound child that has been running longest; returns when."""
        agent = self.stations[station].agent
        assert agent is not None  # noqa: S101 - started in _build_station
        players = sorted(_children_named(agent.pid, "agent.player"))
        if not players:
            raise RuntimeError(f"{station}: no sound child of agent {agent.pid} was found")
        os.kill(players[0], signal.SIGKILL)
        return now_ms()


def _children_named(pid: int, module: str) -> Iterator[int]:
    for child in Path(f"/proc/{pid}/task").glob("*/children"):
        for text in child.read_text().split():
            if module.encode() in Path(f"/proc/{text}/cmdline").read_bytes():
                yield int(text)


def station_toml(
    spec: StationSpec, folder: Path, enrolment: Enrolment, broker_port: int, controller_id: str
) -> str:
    """The configuration of a station on the stage."""
    zones = "\n".join(
        f"""
[[zone]]
name = "{name}"
tags = {list(spec.tags)}
controller = "ampli-1"
index = {spec.terminal(place)}
amplifier = "ampli-1"
buses = [{", ".join(f"{{ bus = {bus}, source = {bus} }}" for bus in range(spec.buses))}]
"""
        for place, name in enumerate(spec.zones)
    ).replace("'", '"')
    inputs = "".join(f'\n[[input]]\nname = "{name}"\ndevice = "{name}"\n' for name in spec.inputs)
    return f"""[station]
id = "{spec.id}"
name = "{spec.name}"
state_dir = "{folder / "state"}"
control_socket = "{folder / "control.sock"}"
root_keys = "{enrolment.root_keys}"

[clock]
trust = "system"

[broker]
host = "127.0.0.1"
port = {broker_port}
ca = "{enrolment.ca}"
certificate = "{enrolment.certificate}"
key = "{enrolment.key}"

[content]
ca = "{enrolment.ca}"

[sound]
device = "{spec.id}"
buses = {spec.buses}
frames = 2048

[[controller]]
id = "ampli-1"
port = "{folder / "controller"}"
adopted_id = "{controller_id}"

[[amplifier]]
name = "ampli-1"
controller = "ampli-1"
warm_up_ms = {WARM_UP_MS}
linger_ms = 20000
{inputs}{zones}"""
