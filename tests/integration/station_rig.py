"""Real stations for the tests: the demo's stage, programmes that correlate sharply, and ears.

Everything is real but the equipment: `python -m agent`, Mosquitto with TLS, an HTTPS content
server, a collector; the amplifier is on a pty, the sound card is recorded. What a test calls
"heard" was found in the recording by cross-correlation with the programme before encoding, and
only while the amplifier's own log says that the zone let it through.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import msgspec

from agent.adapters.control_client import ask
from agent.contract.documents import Entry, FileSource, Signed, Source, When, ZoneSelector
from agent.contract.envelope import seal
from agent.contract.reports import AsRun, Event, Reported
from agent.core import requests
from simulator.demo.equipment import Open, open_spans, read_log
from simulator.demo.intent import BusSource, ZonePlan
from simulator.demo.recording import Recording, Sound, read_recording
from simulator.demo.script import local
from simulator.demo.stage import Stage, StationOnStage, StationSpec, now_ms
from simulator.measure import find_start, level_dbfs, programme
from simulator.soundcard.material import encode
from simulator.source_system.courier import Courier
from simulator.source_system.home import EVERYBODY
from simulator.source_system.keyring import SigningKey

T = TypeVar("T")

GROUP = f"g/{EVERYBODY}"
AUTHORITY = "huyen"
PATIENCE_S = 20.0

ONE = StationSpec("tan-lien", "Đài xã Tân Liên", ("Thôn Đông", "Thôn Đoài"))


@dataclass(frozen=True, slots=True)
class Made:
    """A programme: its samples before encoding, and the file that was published."""

    slot: str
    sound: Sound
    file: Path

    @property
    def length_ms(self) -> int:
        return round(len(self.sound) / 48)

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.file.read_bytes()).hexdigest()


def entry(slot: str, at_ms: int, **more: Any) -> Entry:
    """An entry of the timetable that plays the file of `slot` once; every field can be given."""
    said: dict[str, Any] = {
        "id": slot,
        "title": f"Mục {slot}",
        "when": When(start=local(at_ms)),
        "sources": (FileSource(slot=slot),),
        "zones": ZoneSelector(all=True),
    }
    return Entry(**{**said, **more})


def files(*slots: str) -> tuple[Source, ...]:
    return tuple(FileSource(slot=slot) for slot in slots)


def whole_second(after_s: float) -> int:
    """A start as a timetable can name it: the full second at least `after_s` from now."""
    return (round(now_ms() + after_s * 1_000) // 1_000 + 1) * 1_000


def until(look: Callable[[], T | None], what: str, within_s: float = PATIENCE_S) -> T:
    """The first answer that is neither None nor False."""
    limit_s = time.monotonic() + within_s
    while not (answer := look()):
        assert time.monotonic() < limit_s, f"waited {within_s:.0f} s for {what}"
        time.sleep(0.02)
    return answer


def sleep_until(at_ms: float) -> None:
    time.sleep(max(0.0, at_ms / 1_000 - time.time()))


class Rig:
    """`with Rig(folder, ONE) as rig:` returns when every station is connected."""

    def __init__(self, folder: Path, *specs: StationSpec) -> None:
        self.folder = folder
        self.specs = specs or (ONE,)
        self.stage = Stage(folder, self.specs, lambda _vi, _en: None)
        self.programmes: dict[str, Made] = {}

    def __enter__(self) -> Self:
        self.stage.__enter__()
        try:
            for spec in self.specs:
                until(lambda name=spec.id: self.online(name), f"{spec.id} online")  # type: ignore[misc]
        except BaseException as error:
            self.stage.__exit__(type(error), error, error.__traceback__)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stage.__exit__(kind, error, trace)

    # --- the parts ----------------------------------------------------------------------

    @property
    def district(self) -> Any:
        return self.stage.district

    def station(self, name: str = "") -> StationOnStage:
        return self.stage.stations[name or self.specs[0].id]

    def pid(self, name: str = "") -> int:
        agent = self.station(name).agent
        assert agent is not None
        return agent.pid

    def log(self, name: str = "") -> str:
        return (self.station(name).folder / "agent.log").read_text("utf-8")

    def state_dir(self, name: str = "") -> Path:
        return self.station(name).folder / "state"

    def ask(self, request: requests.Request, name: str = "") -> requests.Answer:
        return ask(self.station(name).folder / "control.sock", request, 10)

    def status(self, name: str = "") -> requests.StatusView:
        answer = self.ask(requests.StatusRequest(), name)
        assert isinstance(answer, requests.StatusView), answer
        return answer

    def online(self, name: str) -> bool:
        """The station says so itself, through the broker."""
        said = self.stage.observer.latest.get(f"radio/v1/s/{name}/up/state")
        return isinstance(said, dict) and said.get("state") == "online"

    def reported(self, name: str = "") -> Reported | None:
        """The newest receipt."""
        topic = f"radio/v1/s/{name or self.specs[0].id}/up/reported"
        said = self.stage.observer.latest.get(topic)
        return None if said is None else msgspec.convert(said, Reported)

    # --- what the office does -----------------------------------------------------------

    def publish(self, slot: str, length_s: float, seed: int, suffix: str = ".mp3") -> Made:
        """A programme of its own sound in its slot."""
        made = self.make(slot, length_s, seed, suffix)
        self.district.publish(made.file, slot=slot, to=GROUP)
        return made

    def make(self, slot: str, length_s: float, seed: int, suffix: str = ".mp3") -> Made:
        folder = self.folder / "programmes"
        folder.mkdir(exist_ok=True)
        sound = programme(length_s, seed=seed)
        made = Made(slot, sound, encode(sound, folder / f"{slot}{suffix}"))
        self.programmes[slot] = made
        return made

    def push(self, entries: Sequence[Entry], to: str = GROUP) -> int:
        """Sign and send; returns the revision."""
        revision: int = self.district.push(tuple(entries), to=to, wait_s=0).revision
        return revision

    def courier(self) -> Courier:
        """The operator's own connection: it may write to every downward topic."""
        address = self.district.file.broker
        return Courier("127.0.0.1", address.operator_port, self.district.home.operator)

    def key(self, role: Any) -> SigningKey:
        key: SigningKey = self.district.keyring.signing(role)
        return key

    # --- what came back -----------------------------------------------------------------

    def events(self, name: str = "") -> list[Event]:
        """Everything the source system holds of the station."""
        found: list[Event] = self.district.journal.events(name or self.specs[0].id, limit=100_000)
        return found

    def as_run(self, name: str = "", entry: str = "") -> list[AsRun]:
        bodies = [one.body for one in self.events(name)]
        return [
            body
            for body in bodies
            if isinstance(body, AsRun) and entry in ("", body.occurrence.entry)
        ]

    def settled(self, slot: str, name: str = "", within_s: float = PATIENCE_S) -> list[AsRun]:
        """Its records once there is one for every zone."""
        zones = len(self.station(name).spec.zones)

        def look() -> list[AsRun] | None:
            found = self.as_run(name, slot)
            return found if len({one.zone for one in found}) == zones else None

        return until(look, f"the records of {slot}", within_s)

    # --- what was heard -----------------------------------------------------------------

    def recording(self, name: str = "") -> Recording:
        """The card so far."""
        station = self.station(name)
        path = station.folder / "sound.wav"
        station.recorder.save(path)
        return read_recording(path)

    def opened(self, zone: int = 0, name: str = "") -> list[Open]:
        """When the amplifier let a zone sound, by its own log. zone: its place, from 0."""
        spec = self.station(name).spec
        buses = tuple(BusSource(bus=bus, source=bus) for bus in range(spec.buses))
        plan = ZonePlan(
            name=spec.zones[zone], controller="ampli-1", index=spec.terminal(zone), buses=buses
        )
        rows = read_log(self.station(name).folder / "amplifier.jsonl")
        return open_spans(rows, plan, float(now_ms()))


# --- ears ----------------------------------------------------------------------------------

STEP_MS = 50
WINDOW_MS = 100
SEARCH_MS = 100
LOUD_DBFS = -50.0
SURE = 0.6
"""Of the same sound through a lossy codec above 0.9, of another below 0.3; at an edge between."""

Sheet = Sequence[tuple[Sound, float]]
"""What should sound: samples, and the instant of their first one."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A tenth of a second from `at_ms` on. offset_ms: how late it is heard against its timeline;
    None: silence, or (`loud`) something else."""

    at_ms: float
    loud: bool
    offset_ms: float | None = None

    @property
    def wrong(self) -> bool:
        return self.loud and self.offset_ms is None


def follow(recording: Recording, sheet: Sheet, bus: int = 0) -> list[Moment]:
    """The sheet from its beginning to its end, in steps of `STEP_MS`."""
    sound = recording.bus(bus)
    moments = []
    for samples, zero_ms in sheet:
        for start in range(0, len(samples) - WINDOW_MS * 48, STEP_MS * 48):
            part = samples[start : start + WINDOW_MS * 48]
            moments.append(_moment(recording, sound, part, zero_ms + start / 48))
    return moments


def _moment(recording: Recording, sound: Sound, part: Sound, at_ms: float) -> Moment:
    low, high = (
        max(0, round(recording.frame(one)))
        for one in (at_ms - SEARCH_MS, at_ms + WINDOW_MS + SEARCH_MS)
    )
    expected = recording.frame(at_ms) - low
    here = sound[low:high]
    middle = here[round(expected) : round(expected) + len(part)]
    if level_dbfs(middle) < LOUD_DBFS:
        return Moment(at_ms, loud=False)
    found, score = find_start(here, part, expected, SEARCH_MS * 48)
    return Moment(at_ms, True, (found - expected) / 48 if score >= SURE else None)


def heard(moments: Sequence[Moment], opened: Sequence[Open]) -> list[tuple[float, float]]:
    """Stretches of the sheet that came out of a zone."""
    spans: list[tuple[float, float]] = []
    for one in moments:
        if one.offset_ms is None:
            continue
        if spans and one.at_ms - spans[-1][1] <= STEP_MS:
            spans[-1] = (spans[-1][0], one.at_ms + WINDOW_MS)
        else:
            spans.append((one.at_ms, one.at_ms + WINDOW_MS))
    return [
        (max(begin, span.from_ms), min(end, span.to_ms))
        for begin, end in spans
        for span in opened
        if min(end, span.to_ms) > max(begin, span.from_ms)
    ]


def silences(
    spans: Sequence[tuple[float, float]], from_ms: float, to_ms: float, least_ms: float = 150
) -> list[tuple[float, float]]:
    """What of [from, to] no span covers."""
    found, edge = [], from_ms
    for begin, end in [*sorted(spans), (to_ms, to_ms)]:
        if min(begin, to_ms) - edge >= least_ms:
            found.append((edge, min(begin, to_ms)))
        edge = max(edge, end)
    return found


# --- careless senders ----------------------------------------------------------------------


def sealed(body: bytes, *keys: SigningKey) -> bytes:
    """An envelope around these bytes, whatever they are."""
    return seal(body, tuple(key.sign(body) for key in keys))


def encoded(message: Signed, **changes: Any) -> bytes:
    """The signed bytes of a message with fields changed or added, as a careless sender would."""
    said = json.loads(msgspec.json.encode(message))
    said.update(changes)
    return json.dumps(said, ensure_ascii=False).encode()
