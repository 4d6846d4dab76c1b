"""The whole daemon on a stage of its own, measured from outside: process, broker, recording.

A real `python -m agent`, Mosquitto with TLS, an amplifier on a pty and a virtual sound card. What
is told as "heard" is found in the recording of the card, and counts from when the amplifier is warm
and the gate open; instants of messages are when an observer at the broker saw them. Owns the order
of the trials; judging is `table`'s.
"""

from __future__ import annotations

import math
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np

from agent.contract.documents import Entry, FileSource, When, ZoneSelector
from simulator.bench import processes
from simulator.bench.hearing import (
    AmplifierChange,
    Ear,
    Samples,
    audible_from,
    loudness,
    returns_ms,
)
from simulator.bench.table import Figure, Gate
from simulator.demo.script import SIREN_HZ, local
from simulator.demo.stage import WARM_UP_MS, Stage, StationSpec, now_ms
from simulator.measure import programme
from simulator.soundcard import encode
from simulator.source_system.district import Warned
from simulator.source_system.home import EVERYBODY

PART = "daemon"
STATION = StationSpec("do-dac", "Đài đo đạc", ("Thôn Đông", "Thôn Đoài"))
GROUP = f"g/{EVERYBODY}"
LINGER_MS = 3_000
"""Shorter than on a box, so that the amplifier is cold again soon."""

SHARED = "another sound child ran on this machine: pages both use are not counted"
LEAD_S = 14
"""From the push to the first item: receipts, fetching, and the ten seconds of a cue."""

SETTLE_S = 2.0
TERMINAL = 1
SHORT_S = 2.0
SHORT_EVERY_S = 3
PATIENCE_S = 15.0
HEARD_WITHIN_MS = 9_000
WIRE_BYTES_BESIDE = 2 + 2 + 22 + 2 * 40 + 20
"""MQTT and TLS records, TCP/IP there, the bare acknowledgement back (about)."""

T = TypeVar("T")
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Effort:
    """How often each trial is made."""

    starts: int
    windows: int
    window_s: float
    cold: int
    entries: int
    warm: int
    kills: int

    @property
    def long_s(self) -> int:
        """Programme enough for everything that is measured while it plays."""
        return round(20 + self.windows * self.window_s + self.warm * 9 + self.kills * 16)


FULL = Effort(starts=5, windows=3, window_s=8.0, cold=3, entries=6, warm=5, kills=3)
QUICK = Effort(starts=2, windows=1, window_s=4.0, cold=1, entries=2, warm=1, kills=1)


@dataclass(slots=True)
class _Found:
    """Values by name, in the order in which they were first measured."""

    values: dict[str, list[float]] = field(default_factory=dict)

    def add(self, name: str, value: float) -> None:
        self.values.setdefault(name, []).append(value)


GATES: dict[str, tuple[str, tuple[Gate, ...], str]] = {
    "start of the process to subscribed": ("ms", (Gate(1_500),), ""),
    "CPU of an idle station": ("% core", (Gate(1.0, "p50"),), "agent and sound child"),
    "CPU of a playing station": ("% core", (Gate(8.0, "p50"),), "agent and sound child, MP3"),
    "memory of the agent under load": ("MB USS", (Gate(50.0),), ""),
    "memory of the sound child under load": ("MB USS", (Gate(65.0),), ""),
    "warning published to heard, warm amplifier": ("ms", (Gate(1_000),), "text spoken anew"),
    "warning published to heard, cold amplifier": (
        "ms",
        (Gate(WARM_UP_MS + 1_000),),
        f"the amplifier needs {WARM_UP_MS} ms",
    ),
    "silence between programme and warning": (
        "ms",
        (Gate(43.0),),
        "2048 frames, what the card holds",
    ),
    "start error of timetable entries": ("ms", (Gate(0.5, "p50"), Gate(5.0, "p99")), ""),
    "sound back after the sound child is killed": ("ms", (Gate(3_000),), ""),
    "sound back after the agent is killed": ("ms", (Gate(5_000),), "restarted after 500 ms"),
    "position error after the return": ("ms", (), "against the timeline of the programme"),
    "heartbeat, payload": ("bytes", (), ""),
    "heartbeat on the wire, computed": ("bytes", (Gate(370),), "TLS, TCP/IP, acknowledgement"),
    "connect and subscribe, both ways": ("bytes", (), "TLS handshake and documents included"),
}


def measure(out: Path, quick: bool, say: Say) -> list[Figure]:
    """Everything, on a fresh stage in `out`."""
    effort = QUICK if quick else FULL
    with Stage(out, (STATION,), lambda _vi, en: say(en)) as stage:
        lab = _Lab(stage, effort, say)
        for chapter in (lab.starts, lab.idle, lab.cold, lab.push, lab.entries, lab.playing):
            chapter()
        for chapter in (lab.warm, lab.players_killed, lab.agents_killed, lab.heartbeats):
            chapter()
    return [
        Figure(PART, name, unit, tuple(lab.found.values[name]), gates, lab.notes.get(name, note))
        for name, (unit, gates, note) in GATES.items()
        if name in lab.found.values
    ]


class _Lab:
    """One station on the stage and the trials made with it."""

    def __init__(self, stage: Stage, effort: Effort, say: Say) -> None:
        self._stage = stage
        self._effort = effort
        self._say = say
        self._station = stage.stations[STATION.id]
        self._ear = Ear(self._station.recorder)
        self._shorts: list[tuple[Samples, int]] = []
        self._long = programme(effort.long_s, seed=999)
        self._long_ms = 0
        self._loud = 0.0
        self._warned = 0
        self.found = _Found()
        self.notes: dict[str, str] = {}

    # --- without sound ------------------------------------------------------------------

    def starts(self) -> None:
        """The first restart also takes up the shorter linger."""
        file = self._station.folder / "station.toml"
        config = file.read_text("utf-8").replace("linger_ms = 20000", f"linger_ms = {LINGER_MS}")
        file.write_text(config, "utf-8")
        self._await(partial(self._seen, "up/state", 0), "the first start")
        for trial in range(self._effort.starts):
            self._say(f"start {trial + 1} of {self._effort.starts}")
            before = self._station.link.counted
            mark = len(self._stage.observer.seen)
            self._kill(signal.SIGTERM)
            online_ms = self._await(partial(self._online, mark), "the daemon at the broker")
            began_ms = processes.began_wall_ms(self._agent())
            self.found.add("start of the process to subscribed", online_ms - began_ms)
            time.sleep(1.5)
            after = self._station.link.counted
            used = after.up_bytes + after.down_bytes - before.up_bytes - before.down_bytes
            self.found.add("connect and subscribe, both ways", used)

    def idle(self) -> None:
        self._power_off()
        self._cpu("CPU of an idle station")

    def cold(self) -> None:
        for trial in range(self._effort.cold):
            self._say(f"warning with a cold amplifier {trial + 1} of {self._effort.cold}")
            self._power_off()
            published_ms, begins_ms = self._warn()
            name = "warning published to heard, cold amplifier"
            self.found.add(name, self._audible_from(begins_ms) - published_ms)

    # --- while a programme plays --------------------------------------------------------

    def push(self) -> None:
        """Publish the programmes and sign the timetable."""
        folder = self._station.folder / "programmes"
        folder.mkdir()
        district = self._stage.district
        begin_ms = (now_ms() // 1_000 + 1) * 1_000
        entries = []
        for number in range(self._effort.entries):
            sound = programme(SHORT_S, seed=number)
            district.publish(encode(sound, folder / f"n-{number}.mp3"), slot=f"n-{number}")
            self._shorts.append((sound, number * SHORT_EVERY_S * 1_000))
        district.publish(encode(self._long, folder / "dai.mp3"), slot="dai")
        took_ms = now_ms() - begin_ms
        begin_ms += (took_ms // 1_000 + 1 + LEAD_S) * 1_000
        self._shorts = [(sound, begin_ms + after_ms) for sound, after_ms in self._shorts]
        self._long_ms = begin_ms + self._effort.entries * SHORT_EVERY_S * 1_000
        entries = [_entry(f"n-{n}", at_ms) for n, (_, at_ms) in enumerate(self._shorts)]
        district.push((*entries, _entry("dai", self._long_ms)), to=GROUP, wait_s=0)

    def entries(self) -> None:
        self._say(f"{len(self._shorts)} timetable entries, the first in {LEAD_S} s")
        for sound, at_ms in self._shorts:
            error_ms = self._ear.error_ms(sound[:48_000], at_ms)
            self.found.add("start error of timetable entries", abs(error_ms))

    def playing(self) -> None:
        heard = self._ear.heard(self._long_ms + 1_000, self._long_ms + 2_000)
        self._loud = float(np.median(loudness(heard, 20)))
        self._cpu("CPU of a playing station")
        self._memory()

    def warm(self) -> None:
        for trial in range(self._effort.warm):
            self._say(f"warning over the programme {trial + 1} of {self._effort.warm}")
            published_ms, begins_ms = self._warn(while_heard=self._memory)
            name = "warning published to heard, warm amplifier"
            self.found.add(name, self._audible_from(begins_ms) - published_ms)
            name = "silence between programme and warning"
            self.found.add(name, self._longest_silence(published_ms, begins_ms + 100))
            self._await_programme()

    def players_killed(self) -> None:
        name = "sound back after the sound child is killed"
        self._killed(name, lambda: self._stage.kill_player(STATION.id))

    def agents_killed(self) -> None:
        name = "sound back after the agent is killed"
        self._killed(name, lambda: self._stage.kill_agent(STATION.id))

    def heartbeats(self) -> None:
        for _, topic, payload in self._stage.observer.seen:
            if topic.endswith("up/health") and payload:
                size = len(msgspec.json.encode(payload))
                self.found.add("heartbeat, payload", size)
                wire = size + len(topic) + WIRE_BYTES_BESIDE
                self.found.add("heartbeat on the wire, computed", wire)

    # --- trials -------------------------------------------------------------------------

    def _warn(self, while_heard: Callable[[], None] | None = None) -> tuple[float, float]:
        """(seen at the broker, siren heard); the warning is cancelled afterwards."""
        self._warned += 1
        mark = len(self._stage.observer.seen)
        district = self._stage.district
        warned = district.warn(
            template="sat-lo",
            slots={"place": f"bản số {self._warned}", "time": "17:30"},
            to=GROUP,
            until_ms=now_ms() + 600_000,
            repeat_every_ms=0,
            wait_s=0,
        )
        if not isinstance(warned, Warned):
            raise RuntimeError("a template asks for a second signature")
        published_ms = self._await(partial(self._seen, "dn/warning", mark), "the warning sent")
        begins_ms = float("nan")
        for within_ms in range(1_000, HEARD_WITHIN_MS, 1_000):
            begins_ms = self._ear.tone_begins_ms(
                SIREN_HZ[0], published_ms, published_ms + within_ms
            )
            if not math.isnan(begins_ms):
                break
        if while_heard is not None:
            while_heard()
        district.cancel(warned.id, to=GROUP, wait_s=0)
        return published_ms, begins_ms

    def _killed(self, name: str, kill: Callable[[], int]) -> None:
        for trial in range(self._effort.kills):
            self._say(f"{name}: {trial + 1} of {self._effort.kills}")
            killed_ms = kill()
            until_ms = killed_ms + HEARD_WITHIN_MS
            found = self._ear.silences(killed_ms - 20, until_ms, self._loud)
            back_ms = returns_ms(found, killed_ms)
            self.found.add(name, self._audible_from(back_ms) - killed_ms)
            self.found.add("position error after the return", self._position_error(back_ms + 300))

    def _longest_silence(self, from_ms: float, to_ms: float) -> float:
        if math.isnan(to_ms):
            return to_ms
        around = self._ear.silences(from_ms, to_ms, self._loud)
        return max((one.length_ms for one in around), default=0.0)

    def _audible_from(self, at_ms: float) -> float:
        """When the first loudspeaker line lets through what the card plays from `at_ms` on."""
        if math.isnan(at_ms):
            return at_ms
        log = (self._station.folder / "amplifier.jsonl").read_bytes()
        rows = [msgspec.json.decode(row, type=AmplifierChange) for row in log.splitlines()]
        return audible_from(rows, TERMINAL, at_ms)

    def _position_error(self, at_ms: float) -> float:
        """How far what is heard at `at_ms` lies from the timeline of the long programme."""
        frame = round((at_ms - self._long_ms) * 48)
        return abs(self._ear.error_ms(self._long[frame : frame + 24_000], at_ms))

    def _await_programme(self) -> None:
        """Until the long programme is heard again."""
        limit_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < limit_s:
            if self._position_error(now_ms() - 600) < 50:
                return
        raise TimeoutError("the programme did not come back after a warning")

    def _cpu(self, name: str) -> None:
        for window in range(self._effort.windows):
            self._say(f"{name}: {window + 1} of {self._effort.windows}")
            self.found.add(name, processes.cpu_share(self._agent(), self._effort.window_s))

    def _memory(self) -> None:
        self.found.add("memory of the agent under load", processes.uss_mb(self._agent()))
        players = set(self._players())
        player_mb = max((processes.uss_mb(one) for one in players), default=float("nan"))
        if set(processes.running("agent.player")) - players:
            self.notes["memory of the sound child under load"] = SHARED
        self.found.add("memory of the sound child under load", player_mb)

    # --- the stage ----------------------------------------------------------------------

    def _agent(self) -> int:
        agent = self._station.agent
        if agent is None:
            raise RuntimeError("no agent on the stage")
        return agent.pid

    def _players(self) -> Iterator[int]:
        return (
            one
            for one in processes.tree(self._agent())
            if processes.runs_module(one, "agent.player")
        )

    def _kill(self, number: signal.Signals) -> None:
        """End the agent; returns when the stage has started another."""
        starts = self._station.starts
        os.kill(self._agent(), number)
        self._await(lambda: self._station.starts > starts, "a restart")

    def _power_off(self) -> None:
        self._await(lambda: self._station.power == "off", "the amplifier to switch off")
        time.sleep(SETTLE_S)

    def _seen(self, ending: str, mark: int) -> int | None:
        """When the first message on such a topic came since the `mark`-th."""
        seen = self._stage.observer.seen[mark:]
        return next((at_ms for at_ms, topic, _ in seen if topic.endswith(ending)), None)

    def _online(self, mark: int) -> int | None:
        """When the station said that it is there (after its subscriptions were granted)."""
        seen = self._stage.observer.seen[mark:]
        return next((at_ms for at_ms, topic, said in seen if _birth(topic, said)), None)

    def _await(self, look: Callable[[], T | None], what: str) -> T:
        """The first answer of `look` that is neither None nor False."""
        limit_s = time.monotonic() + PATIENCE_S
        while not (answer := look()):
            if time.monotonic() > limit_s:
                raise TimeoutError(f"waited {PATIENCE_S:.0f} s for {what}")
            time.sleep(0.01)
        return answer


def _birth(topic: str, said: Any) -> bool:
    return topic.endswith("up/state") and isinstance(said, dict) and said.get("state") == "online"


def _entry(slot: str, at_ms: int) -> Entry:
    return Entry(
        id=slot,
        title=slot,
        when=When(start=local(at_ms)),
        sources=(FileSource(slot=slot),),
        zones=ZoneSelector(all=True),
    )
