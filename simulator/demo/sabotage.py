"""Spoil what was recorded, in one named way: a judge that does not notice is no judge.

Works on a finished OUT_DIR before it is summarised and changes only the recordings, logs,
traffic and the written report, never the story's intent. Faults that are put into the running
system are the story's.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from simulator.demo.checks.written_report import MISSED, PARTIAL, PLAYED
from simulator.demo.equipment import read_log
from simulator.demo.intent import (
    Expected,
    InStepCheck,
    PreemptsCheck,
    ReportEqualsCheck,
    Story,
    ZonePlan,
    read_story,
)
from simulator.demo.recording import Recording, read_recording, read_wav, write_recording
from simulator.demo.traffic import TRAFFIC

LATE_MS = 50
REPEATED_MS = 3_000


def spoil(folder: Path, name: str) -> None:
    """Raises KeyError for an unknown name, LookupError when the story offers no target."""
    SABOTAGES[name](folder, read_story(folder))


def _late50(folder: Path, story: Story) -> None:
    """All sound of one station comes 50 ms late."""
    path = _sound_path(folder, story, _in_step(story)[-1].station)
    recording = read_recording(path)
    late = LATE_MS * recording.rate_hz // 1000
    frames = np.roll(recording.frames, late, axis=0)
    frames[:late] = 0
    _rewrite(path, recording, frames)


def _mute_zone(folder: Path, story: Story) -> None:
    """Somebody closes a zone's gate just after an item began there."""
    item = _in_step(story)[0]
    zone = _zone(story, item.station, item.zones[-1])
    at_ms = item.planned_start_ms + 200
    path = folder / story.stations[item.station].amplifiers[zone.controller]
    rows = read_log(path)
    until = next(
        (
            r["at_ms"]
            for r in rows
            if r["zone"] == zone.index and r["at_ms"] > at_ms and not r["gate"]
        ),
        story.to_ms,
    )
    kept = [r for r in rows if r["zone"] != zone.index or not at_ms <= r["at_ms"] < until]
    _write_lines(path, [*kept, _gate_row(at_ms, zone, gate=False, source=0, why="local")])


def _drop_report(folder: Path, story: Story) -> None:
    """One as-run record never arrives."""
    item = _in_step(story)[0]

    def wanted(row: dict[str, Any]) -> bool:
        payload = row.get("payload")
        body = payload.get("body") if isinstance(payload, dict) else None
        return not (
            row["topic"].endswith(f"/s/{item.station}/up/event")
            and isinstance(body, dict)
            and body.get("kind") == "asrun"
            and body.get("zone") == item.zones[0]
            and body.get("occurrence", {}).get("entry") == item.entry
        )

    path = folder / TRAFFIC
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]
    _write_lines(path, [row for row in rows if wanted(row)])


def _double_play(folder: Path, story: Story) -> None:
    """The end of an item gives way to its beginning, heard a second time."""
    item = _in_step(story)[0]
    path = _sound_path(folder, story, item.station)
    recording = read_recording(path)
    first = round(recording.frame(item.planned_start_ms + item.lead_ms))
    reference, _ = read_wav(folder / story.programmes[item.programme or ""])
    length = min(REPEATED_MS * recording.rate_hz // 1000, len(reference) // 3)
    end = first + len(reference)
    frames = recording.frames.copy()
    frames[end - length : end] = recording.frames[first : first + length]
    _rewrite(path, recording, frames)


def _wrong_zone(folder: Path, story: Story) -> None:
    """A bulletin for one zone comes out in another."""
    step = next(one.check for one in story.steps if isinstance(one.check, PreemptsCheck))
    item = story.of(step.by)
    meant = _zone(story, item.station, item.zones[0])
    other = next(
        zone
        for zone in story.stations[item.station].zones
        if zone.name not in item.zones and zone.controller == meant.controller
    )
    path = folder / story.stations[item.station].amplifiers[meant.controller]
    rows = read_log(path)
    start_ms = item.planned_start_ms
    during = [r for r in rows if r["zone"] == meant.index and r["at_ms"] <= start_ms and r["gate"]]
    bus = next(one.bus for one in meant.buses if one.source == during[-1]["source"])
    source = next(one.source for one in other.buses if one.bus == bus)
    before = [r for r in rows if r["zone"] == other.index and r["at_ms"] <= start_ms][-1:]
    back = {**before[0], "at_ms": start_ms + 2_000} if before else None
    wrong = _gate_row(start_ms, other, gate=True, source=source, why="apply")
    _write_lines(path, [*rows, wrong, *([back] if back else [])])


def _wrong_report(folder: Path, story: Story) -> None:
    """A clerk counts one missed play as played."""
    check = next((s.check for s in story.steps if isinstance(s.check, ReportEqualsCheck)), None)
    if check is None:
        raise LookupError("the story has no step of kind report_equals")
    path = folder / check.folder / "theo-cum-loa.csv"
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    row = next(one for one in rows if int(one[MISSED]) + int(one[PARTIAL]) > 0)
    column = MISSED if int(row[MISSED]) > 0 else PARTIAL
    row[column], row[PLAYED] = str(int(row[column]) - 1), str(int(row[PLAYED]) + 1)
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


SABOTAGES: dict[str, Callable[[Path, Story], None]] = {
    "late50": _late50,
    "mute-zone": _mute_zone,
    "drop-report": _drop_report,
    "double-play": _double_play,
    "wrong-zone": _wrong_zone,
    "wrong-report": _wrong_report,
}


def _in_step(story: Story) -> list[Expected]:
    for step in story.steps:
        if isinstance(step.check, InStepCheck):
            return [story.of(one) for one in step.check.expected]
    raise LookupError("the story has no step of kind in_step")


def _zone(story: Story, station: str, name: str) -> ZonePlan:
    return next(zone for zone in story.stations[station].zones if zone.name == name)


def _sound_path(folder: Path, story: Story, station: str) -> Path:
    return folder / (story.stations[station].sound or f"{station}/sound.wav")


def _rewrite(path: Path, recording: Recording, frames: Any) -> None:
    anchors = zip(recording.anchor_frames.tolist(), recording.anchor_wall_ms.tolist(), strict=True)
    write_recording(path, frames, recording.rate_hz, list(anchors))


def _gate_row(at_ms: float, zone: ZonePlan, *, gate: bool, source: int, why: str) -> dict[str, Any]:
    return {
        "at_ms": at_ms,
        "zone": zone.index,
        "gate": gate,
        "gain_cdb": 0,
        "source": source,
        "power": "on",
        "line": "ok",
        "why": why,
    }


def _write_lines(path: Path, rows: list[dict[str, Any]]) -> None:
    rows = sorted(rows, key=lambda row: float(row["at_ms"]))
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    path.write_text(text, encoding="utf-8")
