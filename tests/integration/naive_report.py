"""A report counted again from the raw records, in the plainest way, with nothing of the product.

Reads the collector's file with sqlite3 and json alone.
"""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo


@dataclass
class Naive:
    """Of the timetable (class 2 and 3) and the warnings planned on these local days."""

    plays: Counter[str] = field(default_factory=Counter)
    by_station: Counter[tuple[str, str]] = field(default_factory=Counter)
    by_zone: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    by_day: Counter[tuple[str, str]] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    planned_ms: int = 0
    played_ms: int = 0
    heard_ms: int = 0
    emergencies: set[str] = field(default_factory=set)
    alarms: int = 0


def count(path: Path, first: str, last: str, tz: ZoneInfo) -> Naive:
    """first, last: local days, both inside, as ISO dates."""
    with sqlite3.connect(path) as database:
        rows = database.execute(
            "SELECT station, at_ms, installation, stream, seq, raw FROM events"
        ).fetchall()
    plays: dict[tuple[Any, ...], tuple[tuple[Any, ...], dict[str, Any]]] = {}
    found = Naive()
    for station, at_ms, installation, stream, seq, raw in rows:
        body = json.loads(raw)["body"]
        if body["kind"] != "asrun":
            continue
        ref = body["occurrence"]
        key = (station, body["planned_start_ms"], *sorted(ref.items()), body["zone"])
        written = (at_ms, installation, stream, seq)
        if key not in plays or written < plays[key][0]:
            plays[key] = (written, body)
    for key, (_, body) in plays.items():
        day = dt.datetime.fromtimestamp(body["planned_start_ms"] / 1000, tz).date().isoformat()
        if first <= day <= last:
            _add(found, key[0], day, body)
    return found


def _add(found: Naive, station: str, day: str, body: dict[str, Any]) -> None:
    if body["class"] == 1:
        found.emergencies.add(body["occurrence"]["entry"].removeprefix("w-").rpartition("-")[0])
        return
    result = _result(body)
    found.plays[result] += 1
    found.by_station[station, result] += 1
    found.by_zone[station, body["zone"], result] += 1
    found.by_day[day, result] += 1
    if result != "played":
        found.reasons[f"{result}: {body['reason'] or body['outcome']}"] += 1
    found.planned_ms += body["planned_duration_ms"] or 0
    found.played_ms += body["played_ms"]
    yes_ms = sum(
        one["to_ms"] - one["from_ms"]
        for one in body["segments"]
        if one["gap"] is None and one["confirmed"] == "yes"
    )
    found.heard_ms += min(yes_ms, body["played_ms"])


def _result(body: dict[str, Any]) -> str:
    if body["outcome"] == "skipped":
        return "missed"
    if body["confirmed"] == "no":
        return "mute"
    return str(body["outcome"])
