"""`python -m simulator.demo.summary OUT_DIR`: judge a finished run by what was recorded.

Reads, all in OUT_DIR:
* `story.json`: what was meant to happen and how each step is judged (`simulator.demo.intent`)
* `<station>/sound.wav` + `sound.json`: what the card gave, 48 kHz, one channel a bus, and when
  each second was heard (`simulator.demo.recording`; written by `simulator.soundcard.recorder`)
* `<station>/amplifier.jsonl`: every change at the amplifier (`simulator.demo.equipment`)
* `mqtt.jsonl`: everything that crossed the broker (`simulator.demo.traffic`)
* the programmes before encoding, mono WAV, as named in the story
* the CSV files of the district's report, where the story names their folder

Writes `summary.json`; prints one line for each failed step; the exit status is 1 when one failed
and 2 when the recordings cannot be read.

Invariant: nothing of `agent` is imported, here or in anything this imports; a test walks the
imports. The station's word (as-run records, alarms) is only compared with what was heard.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from simulator.demo.checks import Failure, judge, number_gaps
from simulator.demo.checks.written_report import compare
from simulator.demo.equipment import Open, open_spans, read_log
from simulator.demo.intent import (
    HonestCheck,
    NothingElseCheck,
    ReportEqualsCheck,
    ReportsOnceCheck,
    Step,
    StepCheck,
    Story,
    read_story,
)
from simulator.demo.listening import Heard, listen, tone_share
from simulator.demo.occurrences import Evidence, Programme, Row, Segment, as_json, gather, iso
from simulator.demo.recording import Recording, Sound, read_recording, read_wav
from simulator.demo.traffic import Record, Traffic, read_traffic

SUMMARY = "summary.json"
_LOUD = 1e-3
_TONE_LISTEN_MS = 1_500
_ALWAYS: tuple[tuple[str, str, str, StepCheck], ...] = (
    ("reports-once", "Mỗi lượt một bản ghi", "One record for each", ReportsOnceCheck()),
    ("nothing-else", "Không phát gì ngoài kế hoạch", "Nothing else sounded", NothingElseCheck()),
    ("honest", "Bản ghi đúng với tiếng nghe được", "Records match the sound", HonestCheck()),
)
"""Judged in every run, whether the story asks for it or not."""


def summarise(folder: Path) -> dict[str, Any]:
    """The whole summary of a finished run."""
    story = read_story(folder)
    sounds = {name: _read_programme(folder / path) for name, path in story.programmes.items()}
    recordings = {
        station: read_recording(folder / (plan.sound or f"{station}/sound.wav"))
        for station, plan in story.stations.items()
    }
    evidence = gather(
        Evidence(
            story=story,
            traffic=read_traffic(folder),
            heard={name: listen(one, sounds) for name, one in recordings.items()},
            opened=_read_amplifiers(folder, story, any_line=False),
            programmes={name: _programme(sound) for name, sound in sounds.items()},
            tone_share=_ToneShare(recordings),
            sent=_read_amplifiers(folder, story, any_line=True),
            folder=folder,
        )
    )
    return _written(evidence, _verdicts(evidence))


# --- reading --------------------------------------------------------------------------------


def _read_programme(path: Path) -> Sound:
    frames, rate_hz = read_wav(path)
    if rate_hz != 48_000:
        raise ValueError(f"{path}: {rate_hz} Hz, 48000 are expected")
    return np.asarray(frames[:, 0], np.float32) / np.float32(32768.0)


def _programme(sound: Sound) -> Programme:
    loud = np.flatnonzero(np.abs(sound) >= _LOUD)
    first, last = (int(loud[0]), int(loud[-1]) + 1) if len(loud) else (0, len(sound))
    return Programme(len(sound) / 48.0, first / 48.0, last / 48.0)


def _read_amplifiers(
    folder: Path, story: Story, *, any_line: bool
) -> dict[tuple[str, str], list[Open]]:
    opened = {}
    for station, plan in story.stations.items():
        logs = {name: read_log(folder / path) for name, path in plan.amplifiers.items()}
        for zone in plan.zones:
            rows = logs[zone.controller]
            opened[station, zone.name] = open_spans(rows, zone, story.to_ms, any_line=any_line)
    return opened


class _ToneShare:
    """Share of energy at the siren's frequencies at the beginning of a sound."""

    def __init__(self, recordings: Mapping[str, Recording]) -> None:
        self._recordings = recordings

    def __call__(self, station: str, sound: Segment, tone_hz: tuple[int, ...]) -> float:
        recording = self._recordings[station]
        first = max(0, round(recording.frame(sound.from_ms)))
        last = round(recording.frame(min(sound.to_ms, sound.from_ms + _TONE_LISTEN_MS)))
        return tone_share(recording.bus(sound.bus)[first:last], recording.rate_hz, tone_hz)


# --- judging --------------------------------------------------------------------------------


def _verdicts(evidence: Evidence) -> list[tuple[Step, list[Failure]]]:
    """Every step with its failures. What went wrong at a moment also fails the step it was in."""
    story = evidence.story
    told = [step.check for step in story.steps]
    added = [
        Step(
            name=name,
            title_vi=vi,
            title_en=en,
            from_ms=story.from_ms,
            to_ms=story.to_ms,
            check=check,
        )
        for name, vi, en, check in _ALWAYS
        if check not in told
    ]
    judged = [(step, judge(evidence, step)) for step in (*story.steps, *added)]
    everywhere = [check for _, _, _, check in _ALWAYS]
    chapters = [one for one in judged if one[0].check not in everywhere]
    for _, failures in [one for one in judged if one[0].check in everywhere]:
        for failure in failures:
            home = _chapter_at(chapters, failure.at_ms)
            if home is not None and failure not in home:
                home.append(failure)
    return judged


def _chapter_at(
    chapters: list[tuple[Step, list[Failure]]], at_ms: float | None
) -> list[Failure] | None:
    """The failures of the step that was on at this moment."""
    for step, failures in chapters:
        if at_ms is not None and step.from_ms <= at_ms < step.to_ms:
            return failures
    return None


# --- writing --------------------------------------------------------------------------------


def _written(evidence: Evidence, judged: list[tuple[Step, list[Failure]]]) -> dict[str, Any]:
    story = evidence.story
    steps = [_step_json(step, failures) for step, failures in judged]
    return {
        "verdict": "ok" if all(step["verdict"] == "ok" for step in steps) else "failed",
        "sabotage": story.sabotage,
        "tz": story.tz,
        "from_ms": story.from_ms,
        "to_ms": story.to_ms,
        "from": iso(story.from_ms, story.tz),
        "to": iso(story.to_ms, story.tz),
        "start_error_ms": _start_errors(evidence.rows),
        "steps": steps,
        "occurrences": [as_json(row, story.tz) for row in evidence.rows],
        "receipts": _receipts(evidence.traffic),
        "alarms": [_alarm(one, story.tz) for one in evidence.records if _is(one, "alarm")],
        "warnings": [_body(one, story.tz) for one in evidence.records if _is(one, "warning")],
        "reports": _reports(evidence),
        "report": _report(evidence),
        "strays": [
            {
                "station": one.station,
                "zone": one.zone,
                "programme": one.programme,
                "from_ms": round(one.from_ms, 1),
                "to_ms": round(one.to_ms, 1),
            }
            for one in evidence.strays
        ],
        "heard": {station: _heard(one) for station, one in evidence.heard.items()},
        "open": {
            f"{station}/{zone}": [
                {"from_ms": one.from_ms, "to_ms": one.to_ms, "bus": one.bus} for one in spans
            ]
            for (station, zone), spans in evidence.opened.items()
        },
        "stations": {
            station: {"name": plan.name, "zones": [zone.name for zone in plan.zones]}
            for station, plan in story.stations.items()
        },
    }


def _step_json(step: Step, failures: list[Failure]) -> dict[str, Any]:
    return {
        "name": step.name,
        "title_vi": step.title_vi,
        "title_en": step.title_en,
        "from_ms": step.from_ms,
        "to_ms": step.to_ms,
        "verdict": "failed" if failures else "ok",
        "why": [{"vi": one.vi, "en": one.en} for one in failures],
    }


def _start_errors(rows: list[Row]) -> dict[str, Any]:
    """Of everything that was meant to start at its second and was heard."""
    errors = [
        abs(row.start_error_ms)
        for row in rows
        if row.expected.timed and row.start_error_ms is not None
    ]
    return {
        "count": len(errors),
        "median": round(statistics.median(errors), 3) if errors else None,
        "worst": round(max(errors), 3) if errors else None,
    }


def _receipts(traffic: Traffic) -> list[dict[str, Any]]:
    """The last receipt of each station for each document, and every refusal."""
    applied: dict[tuple[str, ...], dict[str, Any]] = {}
    refused: dict[tuple[str, ...], dict[str, Any]] = {}
    for one in traffic.up("reported"):
        for document in one.content.get("documents", ()):
            key = tuple(str(document.get(k)) for k in ("authority", "audience", "kind"))
            row = {"station": one.station, "state": "applied", **document, "received_ms": one.at_ms}
            previous = applied.get((one.station, *key))
            if previous is not None and previous["revision"] == row.get("revision"):
                row["received_ms"] = previous["received_ms"]
            applied[(one.station, *key)] = row
        for refusal in one.content.get("refusals", ()):
            refused.setdefault(
                (one.station, str(refusal.get("digest"))),
                {"station": one.station, "state": "refused", **refusal, "received_ms": one.at_ms},
            )
    return [*applied.values(), *refused.values()]


def _is(record: Record, kind: str) -> bool:
    return record.body.get("kind") == kind


def _body(record: Record, tz: str) -> dict[str, Any]:
    return {
        "station": record.station,
        **{key: value for key, value in record.body.items() if key != "kind"},
        "at": iso(record.at_ms, tz),
        "at_ms": record.at_ms,
        "received_ms": record.received_ms,
    }


def _alarm(record: Record, tz: str) -> dict[str, Any]:
    return _body(record, tz)


def _reports(evidence: Evidence) -> dict[str, Any]:
    """How the numbered records arrived. `resent`: the same record more than once on the wire."""
    everything = evidence.traffic.all_records()
    as_run = [one for one in evidence.records if _is(one, "asrun")]
    lost = [
        f"{row.expected.id} {row.expected.station}/{row.zone}"
        for row in evidence.rows
        if not row.records
    ]
    doubled = [
        f"{row.expected.id} {row.expected.station}/{row.zone}"
        for row in evidence.rows
        if len({str(one.body["occurrence"].get("nominal")) for one in row.records})
        < len(row.records)
    ]
    return {
        "records": len(evidence.records),
        "as_run": len(as_run),
        "resent": len(everything) - len(evidence.records),
        "lost": lost,
        "doubled": doubled,
        "gaps": {station: gaps for station, gaps in number_gaps(evidence).items() if gaps},
    }


def _report(evidence: Evidence) -> list[dict[str, Any]]:
    """Every number of the district's report beside what was counted; [] when there is none."""
    for step in evidence.story.steps:
        if isinstance(step.check, ReportEqualsCheck):
            try:
                return [one.as_json() for one in compare(evidence, step.check)]
            except (OSError, ValueError):
                return []
    return []


def _heard(heard: Heard) -> dict[str, Any]:
    return {
        "from_ms": round(heard.from_ms, 3),
        "to_ms": round(heard.to_ms, 3),
        "programmes": [
            {
                "programme": one.programme,
                "bus": one.bus,
                "from_ms": round(one.from_ms, 3),
                "to_ms": round(one.to_ms, 3),
                "position_ms": round(one.position_ms, 3),
                "level_dbfs": one.level_dbfs,
            }
            for one in heard.stretches
        ],
        "other": [
            {
                "bus": one.bus,
                "from_ms": round(one.from_ms, 3),
                "to_ms": round(one.to_ms, 3),
                "level_dbfs": one.level_dbfs,
            }
            for one in heard.other
        ],
    }


def report_lines(summary: dict[str, Any], lang: str) -> list[str]:
    """One line for each step: its reason when it failed."""
    lines = []
    for step in summary["steps"]:
        title = step[f"title_{lang}"]
        if step["verdict"] == "ok":
            lines.append(f"✓ {step['name']}: {title}")
            continue
        more = len(step["why"]) - 1
        rest = f" (+{more})" if more else ""
        lines.append(f"✗ {step['name']}: {step['why'][0][lang]}{rest}")
    return lines


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m simulator.demo.summary")
    parser.add_argument("folder", type=Path, metavar="OUT_DIR")
    locale = "vi" if os.environ.get("LANG", "").startswith("vi") else "en"
    parser.add_argument("--lang", choices=("vi", "en"), default=locale)
    options = parser.parse_args(argv)
    folder: Path = options.folder
    try:
        summary = summarise(folder)
    except (OSError, ValueError, KeyError) as error:
        print(f"✗ {folder}: {type(error).__name__}: {error}", file=sys.stderr)
        return 2
    (folder / SUMMARY).write_text(
        json.dumps(summary, ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
    )
    print("\n".join(report_lines(summary, options.lang)))
    return 0 if summary["verdict"] == "ok" else 1


if __name__ == "__main__":
    sys.exit(main())
