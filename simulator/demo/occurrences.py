"""What was planned beside what was heard and what was reported: one row for each zone.

Brings together intent, sound, equipment and traffic; passes no verdict on a step (`checks`).
Invariant: `measured_*`, `heard_*` and `level_dbfs` come from the recording and the amplifier's
log alone; `confirmed`, `outcome` and `reason` from the station's own record alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from simulator.demo.equipment import Open
from simulator.demo.intent import Expected, Story
from simulator.demo.listening import Heard, OtherSound, Stretch
from simulator.demo.traffic import Record, Traffic

EARLY_MS = 2_000
"""A stretch that begins up to this early still belongs to the occurrence."""

LATE_MS = 120_000
WARNING_WINDOW_MS = 60_000
NOT_HEARD_MS = 300
"""Shorter than this it is a switch-over, not a programme."""

CLASS_NAMES = {1: "emergency", 2: "priority", 3: "normal"}
"""`class` in the summary is the number on the wire, where the lower one wins."""


@dataclass(frozen=True, slots=True)
class Programme:
    """A reference: its length, and where its own sound begins and ends."""

    length_ms: float
    loud_from_ms: float
    loud_to_ms: float


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch as it came out of one zone's loudspeakers."""

    from_ms: float
    to_ms: float
    zero_ms: float
    bus: int
    level_dbfs: float
    gain_cdb: int

    @property
    def position_ms(self) -> float:
        return self.from_ms - self.zero_ms

    @property
    def end_position_ms(self) -> float:
        return self.to_ms - self.zero_ms


@dataclass(frozen=True, slots=True)
class Row:
    """One (occurrence, station, zone). measured_start_ms None: never heard there."""

    expected: Expected
    zone: str
    segments: tuple[Segment, ...]
    measured_start_ms: float | None
    start_error_ms: float | None
    length_ms: float
    heard_ms: float
    repeat_ms: float
    level_dbfs: float | None
    records: tuple[Record, ...]
    sent: tuple[Segment, ...] = ()
    """As `segments`, also what went into a broken line; with the chime."""

    @property
    def body(self) -> dict[str, Any]:
        """The record that was sent about it, or nothing."""
        return self.records[0].body if self.records else {}

    @property
    def heard_share(self) -> float:
        return self.heard_ms / self.length_ms if self.length_ms > 0 else 0.0

    @property
    def planned_end_ms(self) -> float:
        return self.expected.planned_start_ms + self.expected.lead_ms + self.length_ms


@dataclass(frozen=True, slots=True)
class Stray:
    """A programme that sounded where or when nobody planned it."""

    station: str
    zone: str
    programme: str
    from_ms: float
    to_ms: float
    expected: str
    """The occurrence it belongs to elsewhere; "" when it belongs to none."""


ToneShare = Callable[[str, Segment, tuple[int, ...]], float]
"""(station, stretch of sound, frequencies) → share of its energy at them."""


@dataclass(slots=True)
class Evidence:
    """All that is known about a run. `tone_share` listens into the recording."""

    story: Story
    traffic: Traffic
    heard: Mapping[str, Heard]
    opened: Mapping[tuple[str, str], list[Open]]
    programmes: Mapping[str, Programme]
    tone_share: ToneShare
    sent: Mapping[tuple[str, str], list[Open]] = field(default_factory=dict)
    """As `opened`, also while the line was broken."""
    folder: Path = Path()
    records: list[Record] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    strays: list[Stray] = field(default_factory=list)

    def rows_of(self, expected_id: str) -> list[Row]:
        return [row for row in self.rows if row.expected.id == expected_id]

    def sounds(self, station: str, zone: str) -> list[Segment]:
        """Warnings and tones as they came out of one zone."""
        return through(self.heard[station].other, self.opened[station, zone])


def gather(evidence: Evidence) -> Evidence:
    """Fill rows and strays."""
    evidence.records = evidence.traffic.records()
    for station in evidence.story.stations:
        _gather_station(evidence, station)
    evidence.rows.sort(key=lambda row: (row.expected.planned_start_ms, row.expected.station))
    return evidence


def _gather_station(evidence: Evidence, station: str) -> None:
    story = evidence.story
    assigned: dict[str, list[Stretch]] = {}
    for stretch in evidence.heard[station].stretches:
        owner = _owner(evidence, station, stretch)
        if owner is None:
            evidence.strays += _strays(evidence, station, stretch, (), "")
        elif owner.kept_back:
            evidence.strays += _strays(evidence, station, stretch, (), owner.id)
        else:
            assigned.setdefault(owner.id, []).append(stretch)
            evidence.strays += _strays(evidence, station, stretch, owner.zones, owner.id)
    for expected in story.expected:
        if expected.station == station:
            for zone in expected.zones:
                found = assigned.get(expected.id, [])
                evidence.rows.append(_row(evidence, expected, zone, found))


def _owner(evidence: Evidence, station: str, stretch: Stretch) -> Expected | None:
    """The occurrence whose planned timeline lies nearest to the stretch's own."""
    best: tuple[tuple[float, bool], Expected] | None = None
    for one in evidence.story.expected:
        if one.station != station or stretch.programme not in (one.programme, one.chime):
            continue
        chime = stretch.programme != one.programme
        zero_ms = one.planned_start_ms + (0.0 if chime else one.lead_ms)
        length_ms = evidence.programmes[stretch.programme].length_ms
        if zero_ms - EARLY_MS <= stretch.from_ms <= zero_ms + length_ms + LATE_MS:
            # what is to be silent in one zone leaves the sound to what plays in the others
            distance = (abs(stretch.zero_ms - zero_ms), bool(one.kept_back))
            if best is None or distance < best[0]:
                best = (distance, one)
    return best[1] if best else None


def _strays(
    evidence: Evidence, station: str, stretch: Stretch, meant_for: tuple[str, ...], owner: str
) -> list[Stray]:
    """Where a stretch came out though it was not meant for that zone."""
    return [
        Stray(station, zone.name, stretch.programme, part.from_ms, part.to_ms, owner)
        for zone in evidence.story.stations[station].zones
        if zone.name not in meant_for
        for part in through((stretch,), evidence.opened[station, zone.name])
        if part.to_ms - part.from_ms > NOT_HEARD_MS
    ]


def through(
    sounds: tuple[Stretch, ...] | tuple[OtherSound, ...] | list[Stretch] | list[OtherSound],
    opened: list[Open],
) -> list[Segment]:
    """What of the sounds on the buses a zone let out."""
    parts: list[Segment] = []
    for sound in sounds:
        zero_ms = sound.zero_ms if isinstance(sound, Stretch) else sound.from_ms
        for span in opened:
            from_ms, to_ms = max(sound.from_ms, span.from_ms), min(sound.to_ms, span.to_ms)
            if span.bus == sound.bus and to_ms > from_ms:
                parts.append(
                    Segment(from_ms, to_ms, zero_ms, span.bus, sound.level_dbfs, span.gain_cdb)
                )
    return _joined(sorted(parts, key=lambda one: one.from_ms))


def _joined(parts: list[Segment]) -> list[Segment]:
    """A change of gain is not a break."""
    out: list[Segment] = []
    for part in parts:
        last = out[-1] if out else None
        if last and last.to_ms == part.from_ms and last.zero_ms == part.zero_ms:
            out[-1] = Segment(
                last.from_ms, part.to_ms, last.zero_ms, last.bus, last.level_dbfs, part.gain_cdb
            )
        else:
            out.append(part)
    return out


def _row(evidence: Evidence, expected: Expected, zone: str, found: list[Stretch]) -> Row:
    opened = evidence.opened[expected.station, zone]
    whole, found = found, [one for one in found if one.programme == expected.programme]
    if expected.programme is None:
        segments = _warning_segments(evidence, expected, zone)
        length_ms = expected.length_ms or 0.0
    else:
        segments = through(found, opened)
        length_ms = expected.length_ms or _sounding_ms(evidence.programmes[expected.programme])
    start_ms = _start_ms(evidence, expected, segments)
    covered, total = _coverage(segments)
    return Row(
        expected=expected,
        zone=zone,
        segments=tuple(segments),
        measured_start_ms=start_ms,
        start_error_ms=None if start_ms is None else start_ms - expected.planned_start_ms,
        length_ms=length_ms,
        heard_ms=covered if expected.programme else total,
        repeat_ms=total - covered if expected.programme else 0.0,
        level_dbfs=_level(segments),
        records=tuple(_records_of(evidence.records, expected, zone)),
        sent=tuple(through(whole, evidence.sent.get((expected.station, zone), opened))),
    )


def _sounding_ms(programme: Programme) -> float:
    return programme.loud_to_ms - programme.loud_from_ms


def _warning_segments(evidence: Evidence, expected: Expected, zone: str) -> list[Segment]:
    until_ms = expected.planned_start_ms + (expected.length_ms or WARNING_WINDOW_MS)
    return [
        one
        for one in evidence.sounds(expected.station, zone)
        if expected.planned_start_ms - EARLY_MS <= one.from_ms <= until_ms
    ]


def _start_ms(evidence: Evidence, expected: Expected, segments: list[Segment]) -> float | None:
    """When the occurrence began in the zone: by correlation when it was heard from its start."""
    if not segments:
        return None
    first = segments[0]
    if expected.programme is None:
        return first.from_ms
    silent_ms = evidence.programmes[expected.programme].loud_from_ms
    whole = first.position_ms <= silent_ms + 100
    return (first.zero_ms if whole else first.from_ms) - expected.lead_ms


def _coverage(segments: list[Segment]) -> tuple[float, float]:
    """(how much of the programme was heard, how long it sounded), ms."""
    spans = sorted((one.position_ms, one.end_position_ms) for one in segments)
    covered, reached = 0.0, float("-inf")
    for low, high in spans:
        covered += max(0.0, high - max(low, reached))
        reached = max(reached, high)
    return covered, sum(high - low for low, high in spans)


def _level(segments: list[Segment]) -> float | None:
    """Of the longest segment, at the card; the zone's own gain stands beside it."""
    if not segments:
        return None
    return max(segments, key=lambda one: one.to_ms - one.from_ms).level_dbfs


def _records_of(records: list[Record], expected: Expected, zone: str) -> list[Record]:
    found = []
    for one in records:
        body = one.body
        if one.station != expected.station or body.get("kind") != "asrun":
            continue
        occurrence = body.get("occurrence", {})
        if body.get("zone") != zone or occurrence.get("entry") != expected.entry:
            continue
        if expected.nominal is None or occurrence.get("nominal") == expected.nominal:
            found.append(one)
    return found


def as_json(row: Row, tz: str) -> dict[str, Any]:
    """A row of `occurrences` in the summary."""
    body, expected = row.body, row.expected
    return {
        "id": expected.id,
        "station": expected.station,
        "zone": row.zone,
        "title": expected.title,
        "class": expected.klass,
        "class_name": CLASS_NAMES.get(expected.klass, ""),
        "planned_start": iso(expected.planned_start_ms, tz),
        "measured_start": None if row.measured_start_ms is None else iso(row.measured_start_ms, tz),
        "start_error_ms": _rounded(row.start_error_ms),
        "confirmed": body.get("confirmed"),
        "level_dbfs": row.level_dbfs,
        "outcome": body.get("outcome"),
        "reason": body.get("reason"),
        "kept_back": expected.kept_back,
        "rule": body.get("rule", ""),
        "broke": body.get("broke", []),
        "approved_by": body.get("approved_by", ""),
        "planned_start_ms": expected.planned_start_ms,
        "measured_start_ms": _rounded(row.measured_start_ms),
        "timed": expected.timed,
        "programme": expected.programme,
        "length_ms": round(row.length_ms),
        "heard_ms": round(row.heard_ms),
        "repeat_ms": round(row.repeat_ms),
        "segments": [
            {
                "from_ms": _rounded(one.from_ms),
                "to_ms": _rounded(one.to_ms),
                "position_ms": _rounded(one.position_ms),
                "bus": one.bus,
                "level_dbfs": one.level_dbfs,
                "gain_cdb": one.gain_cdb,
            }
            for one in row.segments
        ],
    }


def iso(at_ms: float, tz: str) -> str:
    """Local time of the station with milliseconds and offset."""
    when = datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(ZoneInfo(tz))
    return when.isoformat(timespec="milliseconds")


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
