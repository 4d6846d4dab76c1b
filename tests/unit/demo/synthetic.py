"""A small district that never ran: recordings, logs and traffic as a good run would leave them.

One minute, two stations with two buses and two zones each. The sound is a lossless copy of the
programmes with a little noise; times are chosen, so every measurement has a known answer.
"""

from __future__ import annotations

import json
import wave
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.demo.intent import (
    AppliedCheck,
    ApprovedCheck,
    BreaksRuleCheck,
    BusSource,
    ContinuesCheck,
    DocumentRef,
    Expected,
    FetchedCheck,
    FromCacheCheck,
    InStepCheck,
    KeptBackCheck,
    LateWarningCheck,
    LineOpenCheck,
    PlaysCheck,
    PreemptsCheck,
    ReportEqualsCheck,
    ReportsOnceCheck,
    StationPlan,
    Step,
    StepCheck,
    Story,
    WarningCheck,
    ZonePlan,
    write_story,
)
from simulator.demo.recording import write_recording
from simulator.measure import programme

RATE_HZ = 48_000
T0_MS = 1_795_385_520_000
LENGTH_S = 58
STATIONS = ("tan-lien", "cao-lau")
ZONES = ("Đông", "Đoài")
LENGTHS_S = {"khu-vuc": 10.0, "xa": 3.0, "thoi-su": 5.0, "nong-nghiep": 10.0}
SIREN_HZ = (700, 1_000)


OFFICER = "Nguyễn Văn Hòa"

REPORT = {
    "theo-cum-loa.csv": """\
Mã đài,Cụm loa,Lượt phát theo lịch,Phát đủ,Phát một phần,Mất tiếng (đo được),Không phát,\
Thời lượng theo lịch (giây),Thời lượng đã phát (giây)
cao-lau,Đoài,5,3,0,0,2,26,18
cao-lau,Đông,5,4,0,0,1,26,21
tan-lien,Đoài,4,2,2,0,0,28,23
tan-lien,Đông,3,1,1,1,0,25,23
""",
    "theo-dai.csv": """\
Mã đài,Mục lịch (lần),Không cụm nào (lần),Lượt phát theo lịch,Phát đủ,Phát một phần,\
Mất tiếng (đo được),Không phát,Thời lượng theo lịch (giây),Thời lượng đã phát (giây)
cao-lau,5,1,10,7,0,0,3,52,39
tan-lien,4,0,7,3,3,1,0,53,46
Tổng,9,1,17,10,3,1,3,105,85
""",
    "khan-cap.csv": """\
Mã cảnh báo,Mã đài,Từ ban hành đến ra tiếng (giây),Đo có tiếng
kc-1,tan-lien,0.400,2
kc-1,cao-lau,0.400,2
kc-2,tan-lien,0.300,2
kc-2,cao-lau,5.500,2
""",
}
"""Counted by hand from `good_run`."""


def at(second: float) -> int:
    return T0_MS + round(second * 1000)


@dataclass(slots=True)
class District:
    """Fill it, then `write` it."""

    sound: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    logs: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    mqtt: list[dict[str, Any]] = field(default_factory=list)
    programmes: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        chance = np.random.default_rng(1)
        for seed, (name, length_s) in enumerate(LENGTHS_S.items(), start=1):
            self.programmes[name] = programme(length_s, seed)
        for station in STATIONS:
            noise = chance.standard_normal((LENGTH_S * RATE_HZ, 2)) * 1e-5
            self.sound[station] = np.asarray(noise, np.float32)
            self.logs[station] = [self._row(0, None, why="warmed_up")]
            for zone in (1, 2):
                self.logs[station].append(self._row(0, zone, gate=False, source=0))

    def play(
        self, station: str, bus: int, name: str, start_s: float, from_s: float, to_s: float
    ) -> None:
        """The programme, whose position 0 lies at `start_s`, between two positions."""
        part = self.programmes[name][round(from_s * RATE_HZ) : round(to_s * RATE_HZ)]
        first = round((start_s + from_s) * RATE_HZ)
        self.sound[station][first : first + len(part), bus] += part

    def siren(self, station: str, bus: int, from_s: float, to_s: float) -> None:
        seconds = np.arange(round((to_s - from_s) * RATE_HZ)) / RATE_HZ
        low, high = (np.sin(2 * np.pi * hertz * seconds) for hertz in SIREN_HZ)
        first = round(from_s * RATE_HZ)
        tones = np.where(seconds % 1.0 < 0.5, low, high) * 0.3
        self.sound[station][first : first + len(tones), bus] += np.asarray(tones, np.float32)

    def gate(
        self,
        station: str,
        zones: Iterable[int],
        at_s: float,
        *,
        gate: bool,
        source: int = 0,
        line: str = "ok",
    ) -> None:
        for zone in zones:
            self.logs[station].append(self._row(at_s, zone, gate=gate, source=source, line=line))

    @staticmethod
    def _row(
        at_s: float,
        zone: int | None,
        *,
        gate: bool | None = None,
        source: int | None = None,
        line: str | None = None,
        why: str = "apply",
    ) -> dict[str, Any]:
        gain = None if zone is None else -600
        return {
            "at_ms": at(at_s),
            "zone": zone,
            "gate": gate,
            "gain_cdb": gain,
            "source": source,
            "power": "on",
            "line": line,
            "why": why,
        }

    def message(self, at_s: float, topic: str, payload: object, body: object = None) -> None:
        row = {
            "at_ms": at(at_s),
            "topic": f"radio/v1/{topic}",
            "qos": 1,
            "retain": False,
            "payload": payload,
        }
        self.mqtt.append(row if body is None else {**row, "body": body})

    def warning(self, at_s: float, warning: str, *, cancelled: bool) -> None:
        body = {
            "warnings": [{"id": warning, "revision": 2 if cancelled else 1, "cancelled": cancelled}]
        }
        self.message(at_s, "g/huyen/dn/warning", {"payloadType": "x", "payload": ""}, body)

    def event(self, at_s: float, station: str, body: dict[str, Any]) -> None:
        number = self.numbers[station] = self.numbers.get(station, 0) + 1
        event = {
            "v": 1,
            "station": station,
            "installation": "i1",
            "stream": "s1",
            "seq": number,
            "at_ms": at(at_s),
            "body": body,
        }
        self.message(at_s, f"s/{station}/up/event", event)

    def as_run(
        self,
        at_s: float,
        station: str,
        zone: str,
        entry: str,
        *,
        confirmed: str = "yes",
        outcome: str = "played",
        reason: str | None = None,
        **more: Any,
    ) -> None:
        self.event(
            at_s,
            station,
            {
                "kind": "asrun",
                "occurrence": {
                    "authority": "huyen",
                    "audience": f"s/{station}",
                    "entry": entry,
                    "nominal": "n",
                },
                "zone": zone,
                "title": entry,
                "class": 3,
                "outcome": outcome,
                "reason": reason,
                "confirmed": confirmed,
                **more,
            },
        )

    def write(self, folder: Path, story: Story) -> Path:
        folder.mkdir(exist_ok=True)
        write_story(folder, story)
        (folder / "programmes").mkdir(exist_ok=True)
        for name, sound in self.programmes.items():
            _write_wav(folder / "programmes" / f"{name}.wav", sound)
        for station in STATIONS:
            (folder / station).mkdir(exist_ok=True)
            frames = np.asarray(np.clip(self.sound[station], -1, 1) * 32767, np.int16)
            anchors = [(f, T0_MS + f / 48.0) for f in range(0, len(frames), RATE_HZ)]
            write_recording(
                folder / station / "sound.wav", frames, RATE_HZ, [(float(f), w) for f, w in anchors]
            )
            _write_lines(folder / station / "amplifier.jsonl", self.logs[station])
        (folder / "report").mkdir(exist_ok=True)
        for name, text in REPORT.items():
            (folder / "report" / name).write_text(text, encoding="utf-8-sig")
        _write_lines(folder / "mqtt.jsonl", self.mqtt)
        return folder


def _write_wav(path: Path, sound: NDArray[np.float32]) -> None:
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE_HZ)
        out.writeframes(np.asarray(sound * 32767, "<i2").tobytes())


def _write_lines(path: Path, rows: list[dict[str, Any]]) -> None:
    rows = sorted(rows, key=lambda row: float(row["at_ms"]))
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


# --- the story ------------------------------------------------------------------------------


def good_story() -> Story:
    plans = {
        station: StationPlan(
            name=f"Đài {station}",
            zones=tuple(
                ZonePlan(
                    name=name,
                    controller="ampli-1",
                    index=number,
                    buses=(BusSource(bus=0, source=0), BusSource(bus=1, source=1)),
                )
                for number, name in enumerate(ZONES, start=1)
            ),
            amplifiers={"ampli-1": f"{station}/amplifier.jsonl"},
        )
        for station in STATIONS
    }
    return Story(
        v=1,
        from_ms=at(0),
        to_ms=at(LENGTH_S),
        stations=plans,
        programmes={name: f"programmes/{name}.wav" for name in LENGTHS_S},
        expected=tuple(_expected()),
        steps=tuple(_steps()),
    )


def _expected() -> Iterable[Expected]:
    def item(
        item_id: str,
        station: str,
        second: float,
        entry: str,
        zones: tuple[str, ...] = ZONES,
        **more: Any,
    ) -> Expected:
        made: dict[str, Any] = {"programme": entry, "klass": 3, "nominal": "n", **more}
        return Expected(
            id=item_id,
            station=station,
            zones=zones,
            title=entry,
            entry=entry,
            planned_start_ms=at(second),
            **made,
        )

    for station in STATIONS:
        yield item(f"khu-vuc-{station}", station, 4, "khu-vuc")
    yield item("xa", "tan-lien", 8, "xa", ("Đoài",), klass=2)
    for number, second in (("kc-1", 16), ("kc-2", 31)):
        for station in STATIONS:
            yield item(
                f"{number}-{station}",
                station,
                second,
                f"w-{number}-1",
                klass=1,
                programme=None,
                timed=False,
                length_ms=8_000,
            )
    yield item("thoi-su", "cao-lau", 25, "thoi-su")
    yield item("nong-nghiep", "tan-lien", 40, "nong-nghiep")
    yield item("line-open", "tan-lien", 52, "thoi-su")
    yield item("tinh", "cao-lau", 42, "tinh", programme="xa")
    waits = "awaiting_approval"
    yield item("tinh-2", "cao-lau", 46, "tinh-2", programme="thoi-su", kept_back=waits)
    yield item("yen", "cao-lau", 52, "yen", ("Đông",), programme="xa")
    yield item("yen-quiet", "cao-lau", 52, "yen", ("Đoài",), programme="xa", kept_back="quiet")


def _steps() -> Iterable[Step]:
    def step(name: str, from_s: float, to_s: float, check: StepCheck) -> Step:
        return Step(
            name=name,
            title_vi=f"Bước {name}",
            title_en=f"Step {name}",
            from_ms=at(from_s),
            to_ms=at(to_s),
            check=check,
        )

    everywhere = tuple(f"khu-vuc-{station}" for station in STATIONS)
    document = DocumentRef(authority="huyen", audience="g/huyen", kind="schedule", revision=1)
    yield step("applied", 0, 2, AppliedCheck(stations=STATIONS, documents=(document,)))
    yield step("fetched", 2, 3.5, FetchedCheck(stations=STATIONS))
    yield step("preempts", 7.5, 11.5, PreemptsCheck(by="xa", over="khu-vuc-tan-lien"))
    yield step("in-step", 3.5, 15, InStepCheck(expected=("khu-vuc-cao-lau",)))
    yield step(
        "together", 3.5, 7.5, InStepCheck(expected=everywhere, interrupted=("tan-lien/Đoài",))
    )
    yield step("warning", 15, 23, WarningCheck(stations=STATIONS, id="kc-1", tone_hz=SIREN_HZ))
    yield step("cache", 24, 30.5, FromCacheCheck(station="cao-lau", expected=("thoi-su",)))
    yield step(
        "late-warning",
        30.5,
        39,
        LateWarningCheck(station="cao-lau", id="kc-2", within_ms=3_000, tone_hz=SIREN_HZ),
    )
    yield step("reports-back", 36, 39, ReportsOnceCheck(stations=("cao-lau",)))
    yield step(
        "killed",
        39,
        51,
        ContinuesCheck(expected="nong-nghiep", killed_at_ms=at(43), max_gap_ms=5_000),
    )
    yield step("line-open", 51, 58, LineOpenCheck(expected="line-open", zone="Đông"))
    yield step("other-zone", 51, 58, PlaysCheck(expected=("line-open",), zones=("Đoài",)))
    yield step("approved", 41, 45.5, ApprovedCheck(expected="tinh", by=OFFICER))
    yield step("not-approved", 45.5, 51, KeptBackCheck(expected="tinh-2"))
    quiet = KeptBackCheck(expected="yen-quiet", elsewhere=("yen",), rule_says="tang lễ")
    yield step("quiet", 51, 58, quiet)
    broken = BreaksRuleCheck(
        expected="kc-2-cao-lau", id="kc-2", zone="Đoài", within_ms=6_000, tone_hz=SIREN_HZ
    )
    yield step("quiet-broken", 36, 39, broken)
    yield step("report-equals", 57.5, 58, ReportEqualsCheck(folder="report"))


def good_run() -> District:
    """Everything as it should be."""
    run = District()
    _documents(run)
    _region_and_priority(run)
    _warnings(run)
    _cut_off(run)
    _killed(run)
    _line_open(run)
    _decided(run)
    return run


def _documents(run: District) -> None:
    for station in STATIONS:
        documents = [
            {
                "authority": "huyen",
                "audience": "g/huyen",
                "kind": kind,
                "revision": 1,
                "digest": "d",
                "applied_at_ms": at(1),
            }
            for kind in ("schedule", "content")
        ]
        run.message(
            1,
            f"s/{station}/up/reported",
            {"station": station, "documents": documents, "missing": ["aa"]},
        )
        run.message(
            3,
            f"s/{station}/up/reported",
            {"station": station, "documents": documents, "missing": []},
        )


def _region_and_priority(run: District) -> None:
    for station in STATIONS:
        run.play(station, 0, "khu-vuc", 4, 0, 10)
        run.gate(station, (1, 2), 3.9, gate=True)
        run.gate(station, (1, 2), 14.1, gate=False)
    run.play("tan-lien", 1, "xa", 8, 0, 3)
    run.gate("tan-lien", (2,), 7.98, gate=True, source=1)
    run.gate("tan-lien", (2,), 11.02, gate=True, source=0)
    run.as_run(11.2, "tan-lien", "Đoài", "xa")
    for station in STATIONS:
        for zone in ZONES:
            partial = station == "tan-lien" and zone == "Đoài"
            run.as_run(
                14.2,
                station,
                zone,
                "khu-vuc",
                outcome="partial" if partial else "played",
                reason="preempted" if partial else None,
            )


def _sound_warning(run: District, station: str, entry: str, from_s: float, to_s: float) -> None:
    run.siren(station, 0, from_s, to_s)
    run.gate(station, (1, 2), from_s - 0.05, gate=True)
    run.gate(station, (1, 2), to_s + 0.05, gate=False)
    for zone in ZONES:
        quiet = (station, zone, entry) == ("cao-lau", "Đoài", "w-kc-2-1")
        run.as_run(max(to_s, 37), station, zone, entry, broke=["quiet"] if quiet else [])


def _warnings(run: District) -> None:
    run.warning(16, "kc-1", cancelled=False)
    run.warning(19, "kc-1", cancelled=True)
    for station in STATIONS:
        _sound_warning(run, station, "w-kc-1-1", 16.4, 19.2)


def _cut_off(run: District) -> None:
    run.message(24.5, "s/cao-lau/up/state", {"station": "cao-lau", "state": "lost"})
    run.play("cao-lau", 0, "thoi-su", 25, 0, 5)
    run.gate("cao-lau", (1, 2), 24.9, gate=True)
    run.gate("cao-lau", (1, 2), 30.1, gate=False)
    run.warning(31, "kc-2", cancelled=False)
    _sound_warning(run, "tan-lien", "w-kc-2-1", 31.3, 34)
    run.message(36, "s/cao-lau/up/state", {"station": "cao-lau", "state": "online"})
    _sound_warning(run, "cao-lau", "w-kc-2-1", 36.5, 38.5)
    for zone in ZONES:
        run.as_run(36.6, "cao-lau", zone, "thoi-su")


def _killed(run: District) -> None:
    run.play("tan-lien", 0, "nong-nghiep", 40, 0, 3)
    run.play("tan-lien", 0, "nong-nghiep", 40.02, 5, 9.98)
    run.gate("tan-lien", (1, 2), 39.9, gate=True)
    run.gate("tan-lien", (1, 2), 50.1, gate=False)
    for zone in ZONES:
        run.as_run(
            50.2, "tan-lien", zone, "nong-nghiep", outcome="partial", reason="station_restarted"
        )


def _line_open(run: District) -> None:
    run.play("tan-lien", 0, "thoi-su", 52, 0, 5)
    run.gate("tan-lien", (1,), 51.9, gate=True, line="open")
    run.gate("tan-lien", (2,), 51.9, gate=True)
    run.gate("tan-lien", (1, 2), 57.1, gate=False)
    run.event(
        52.5,
        "tan-lien",
        {
            "kind": "alarm",
            "code": "zone_not_confirmed",
            "subject": "Đông",
            "state": "raised",
            "episode": 1,
            "since_ms": at(52.4),
            "detail": "line_open",
        },
    )
    run.as_run(57.2, "tan-lien", "Đông", "thoi-su", confirmed="no", reason="line_open")
    run.as_run(57.2, "tan-lien", "Đoài", "thoi-su")


def _decided(run: District) -> None:
    """One item approved by an officer, one nobody decided about, one in a zone kept quiet."""
    approval = {"what": "local_approve", "by": OFFICER, "means": "pin", "result": "done"}
    run.event(40, "cao-lau", {"kind": "audit", **approval, "detail": "tinh/tinh all"})
    run.play("cao-lau", 0, "xa", 42, 0, 3)
    run.play("cao-lau", 0, "xa", 52, 0, 3)
    for zones, from_s, to_s in (((1, 2), 41.9, 45.1), ((1,), 51.9, 55.1)):
        run.gate("cao-lau", zones, from_s, gate=True)
        run.gate("cao-lau", zones, to_s, gate=False)
    skipped: dict[str, Any] = {"outcome": "skipped", "confirmed": "unknown"}
    for zone in ZONES:
        run.as_run(45.2, "cao-lau", zone, "tinh", approved_by=OFFICER, approval="pin")
        run.as_run(51.2, "cao-lau", zone, "tinh-2", reason="awaiting_approval", **skipped)
    run.as_run(55.2, "cao-lau", "Đông", "yen")
    run.as_run(
        55.2, "cao-lau", "Đoài", "yen", reason="quiet", rule="tang lễ → 20:00 22/11/2026", **skipped
    )
