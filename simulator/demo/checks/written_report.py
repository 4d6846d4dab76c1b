"""The district's report against what was heard: its CSV files are read as anybody would read them.

What is counted, and from what:
* planned: the occurrences and zones of the story;
* played, partly, silent, missed: how much of the programme the recording holds while the
  amplifier's log lets it into the zone; a line that broke meanwhile makes it silent, a station
  that came up anew meanwhile (its birth on the broker) makes a broken-off play a partial one;
* seconds: programme and chime as recorded, with the silence that belongs to the programme;
* warnings: ids and issue times from the broker, first sound from the recording.

Invariant: nothing of the station's own records is counted, and nothing of `source_system` is
imported; the names of the columns stand here a second time on purpose.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simulator.demo.checks.emergencies import published
from simulator.demo.checks.verdict import Failure
from simulator.demo.intent import ReportEqualsCheck
from simulator.demo.occurrences import NOT_HEARD_MS, Evidence, Row

EMERGENCY = 1
PARTIAL_MS = 1_000
"""More than this missing: not played in full."""
EAR_MS = 150
"""So near to that bound the recording cannot tell; either count is taken."""
HALF_SECOND_MS = 500
"""The report's lengths are whole seconds."""

STATION, ZONE = "Mã đài", "Cụm loa"
PLANNED, PLAYED, PARTIAL = "Lượt phát theo lịch", "Phát đủ", "Phát một phần"
MUTE, MISSED = "Mất tiếng (đo được)", "Không phát"
PLANNED_S, PLAYED_S = "Thời lượng theo lịch (giây)", "Thời lượng đã phát (giây)"
ENTRIES, NOWHERE = "Mục lịch (lần)", "Không cụm nào (lần)"
WARNING, TO_SOUND = "Mã cảnh báo", "Từ ban hành đến ra tiếng (giây)"
ZONES_HEARD = "Đo có tiếng"
RESULTS = (PLAYED, PARTIAL, MUTE, MISSED)
TOGETHER = "Bốn kết quả cộng lại"
EVERYTHING = "Tổng"

Table = list[dict[str, str]]


@dataclass(frozen=True, slots=True)
class Compared:
    """One number of the report beside the same number as counted. said "": it is not there."""

    where: str
    what: str
    said: str
    low: float
    high: float

    @property
    def agrees(self) -> bool:
        try:
            value = float(self.said)
        except ValueError:
            return False
        return self.low <= value <= self.high

    def as_json(self) -> dict[str, Any]:
        return {
            "where": self.where,
            "what": self.what,
            "report": self.said,
            "counted_low": round(self.low, 3),
            "counted_high": round(self.high, 3),
            "agrees": self.agrees,
        }


@dataclass(slots=True)
class Counted:
    """Of a zone, a station or all: plays by result, and milliseconds."""

    surely: Counter[str] = field(default_factory=Counter)
    perhaps: Counter[str] = field(default_factory=Counter)
    """Beyond `surely`: what a play may also count as."""
    planned_ms: float = 0.0
    played_ms: float = 0.0
    plays: int = 0
    may_miss_ms: float = 0.0

    def add(
        self, results: frozenset[str], planned_ms: float, played_ms: float, may_miss_ms: float
    ) -> None:
        (self.surely if len(results) == 1 else self.perhaps).update(results)
        self.plays += 1
        self.planned_ms += planned_ms
        self.played_ms += played_ms
        self.may_miss_ms += may_miss_ms


def report_equals(evidence: Evidence, check: ReportEqualsCheck) -> list[Failure]:
    try:
        compared = list(compare(evidence, check))
    except (OSError, csv.Error, UnicodeDecodeError) as error:
        return [Failure(f"không đọc được báo cáo: {error}", f"the report cannot be read: {error}")]
    return [_failure(one) for one in compared if not one.agrees]


def _failure(one: Compared) -> Failure:
    low, high = _number(one.low), _number(one.high)
    counted = low if low == high else f"{low}–{high}"
    said = one.said or "?"
    return Failure(
        f"{one.where}: báo cáo ghi “{one.what}” {said}, đếm từ bản ghi âm là {counted}",
        f"{one.where}: the report says {said} for “{one.what}”, the recordings {counted}",
    )


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def compare(evidence: Evidence, check: ReportEqualsCheck) -> Iterator[Compared]:
    """Every number that is held against the recordings. Raises OSError, csv.Error."""
    folder = evidence.folder / check.folder
    zones, stations, everything = _count(evidence, check)
    table = _read(folder / "theo-cum-loa.csv")
    for (station, zone), counted in zones.items():
        said = _row(table, {STATION: station, ZONE: zone})
        yield from _plays(f"{station}/{zone}", said, counted, check)
    table = _read(folder / "theo-dai.csv")
    for station, counted in stations.items():
        said = _row(table, {STATION: station})
        yield from _plays(station, said, counted, check)
        yield from _entries(evidence, station, said)
    yield from _plays("Tổng", _row(table, {STATION: EVERYTHING}), everything, check)
    yield from _warnings(evidence, _read(folder / "khan-cap.csv"), check)


def _read(path: Path) -> Table:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def _row(table: Table, where: dict[str, str]) -> dict[str, str]:
    """The only row that says so; no such row, or two of them, say nothing."""
    found = [row for row in table if all(row.get(key) == value for key, value in where.items())]
    return found[0] if len(found) == 1 else {}


# --- plays ----------------------------------------------------------------------------------


def _count(
    evidence: Evidence, check: ReportEqualsCheck
) -> tuple[dict[tuple[str, str], Counted], dict[str, Counted], Counted]:
    zones: dict[tuple[str, str], Counted] = {}
    stations: dict[str, Counted] = {}
    everything = Counted()
    for row in _timetable(evidence):
        station = row.expected.station
        measured = (
            results(evidence, row),
            _planned_ms(evidence, row),
            sent_ms(evidence, row),
            check.may_miss_ms.get(row.expected.id, 0.0),
        )
        zones.setdefault((station, row.zone), Counted()).add(*measured)
        stations.setdefault(station, Counted()).add(*measured)
        everything.add(*measured)
    return zones, stations, everything


def _timetable(evidence: Evidence) -> Iterator[Row]:
    return (row for row in evidence.rows if row.expected.klass != EMERGENCY)


def results(evidence: Evidence, row: Row) -> frozenset[str]:
    """What the play may count as, by the sound alone: one thing, but for a hair's breadth."""
    total_ms = sum(one.to_ms - one.from_ms for one in row.sent)
    if row.expected.programme is None or total_ms <= NOT_HEARD_MS:
        return frozenset({MISSED})
    if total_ms - _chime_ms(row) - row.repeat_ms - row.heard_ms > NOT_HEARD_MS:
        return frozenset({MUTE})
    missing_ms = row.length_ms - row.heard_ms
    if missing_ms > NOT_HEARD_MS and _began_anew(evidence, row):
        return frozenset({PARTIAL})
    found = {PARTIAL} if missing_ms > PARTIAL_MS else {PLAYED}
    return frozenset({PARTIAL, PLAYED} if abs(missing_ms - PARTIAL_MS) <= EAR_MS else found)


def _began_anew(evidence: Evidence, row: Row) -> bool:
    """The station came up with a new birth while this was on."""
    known: set[object] = set()
    for one in evidence.traffic.up("state", row.expected.station):
        birth = one.content.get("birth")
        is_new = birth is not None and birth not in known and bool(known)
        known.add(birth)
        if is_new and row.expected.planned_start_ms < one.at_ms < row.planned_end_ms:
            return True
    return False


def _planned_ms(evidence: Evidence, row: Row) -> float:
    expected = row.expected
    names = (expected.chime, expected.programme)
    return sum(evidence.programmes[name].length_ms for name in names if name)


def _chime_ms(row: Row) -> float:
    """What of the sound sent was the chime and not the programme."""
    if row.expected.chime is None:
        return 0.0
    begin_ms = row.expected.planned_start_ms + row.expected.lead_ms
    return sum(one.to_ms - one.from_ms for one in row.sent if not _near(one.zero_ms, begin_ms))


def sent_ms(evidence: Evidence, row: Row) -> float:
    """How long the play lasted: its sound, and the silence with which its files begin and end."""
    expected = row.expected
    total_ms = sum(one.to_ms - one.from_ms for one in row.sent)
    begin_ms = expected.planned_start_ms + expected.lead_ms
    parts = [(expected.programme, [one for one in row.sent if _near(one.zero_ms, begin_ms)])]
    if expected.chime is not None:
        others = [one for one in row.sent if not _near(one.zero_ms, begin_ms)]
        parts.append((expected.chime, others))
    for name, segments in parts:
        if name is None or not segments:
            continue
        programme = evidence.programmes[name]
        first, last = segments[0], segments[-1]
        if first.position_ms <= programme.loud_from_ms + NOT_HEARD_MS:
            total_ms += programme.loud_from_ms
        if last.end_position_ms >= programme.loud_to_ms - NOT_HEARD_MS:
            total_ms += programme.length_ms - programme.loud_to_ms
    return total_ms


def _near(zero_ms: float, begin_ms: float) -> bool:
    return abs(zero_ms - begin_ms) <= PARTIAL_MS


def _plays(
    where: str, said: dict[str, str], counted: Counted, check: ReportEqualsCheck
) -> Iterator[Compared]:
    yield Compared(where, PLANNED, said.get(PLANNED, ""), counted.plays, counted.plays)
    for name in RESULTS:
        least = counted.surely[name]
        most = least + counted.perhaps[name]
        yield Compared(where, name, said.get(name, ""), least, most)
    together = sum(int(text) for name in RESULTS if (text := said.get(name, "")).isdecimal())
    yield Compared(where, TOGETHER, str(together), counted.plays, counted.plays)
    slack_ms = check.tolerance_ms * counted.plays + HALF_SECOND_MS
    for name, ms, missing_ms in (
        (PLANNED_S, counted.planned_ms, 0.0),
        (PLAYED_S, counted.played_ms, counted.may_miss_ms),
    ):
        low, high = ms - slack_ms - missing_ms, ms + slack_ms
        yield Compared(where, name, said.get(name, ""), max(0.0, low) / 1000, high / 1000)


def _entries(evidence: Evidence, station: str, said: dict[str, str]) -> Iterator[Compared]:
    """One occurrence is one, in however many zones; and how many sounded in none."""
    sounded: dict[tuple[str, str | None], bool] = {}
    for row in _timetable(evidence):
        if row.expected.station == station:
            key = (row.expected.entry, row.expected.nominal or str(row.expected.planned_start_ms))
            silent = MISSED in results(evidence, row)
            sounded[key] = sounded.get(key, False) or not silent
    nowhere = sum(not one for one in sounded.values())
    yield Compared(station, ENTRIES, said.get(ENTRIES, ""), len(sounded), len(sounded))
    yield Compared(station, NOWHERE, said.get(NOWHERE, ""), nowhere, nowhere)


# --- warnings -------------------------------------------------------------------------------


def _warnings(evidence: Evidence, table: Table, check: ReportEqualsCheck) -> Iterator[Compared]:
    """As many as were published, at as many stations; each with its time to the first sound."""
    issued = _issued(evidence)
    stations = list(evidence.story.stations)
    everywhere = len(issued) * len(stations)
    yield Compared("Khẩn cấp", "số dòng", str(len(table)), everywhere, everywhere)
    named = len({row.get(WARNING) for row in table})
    yield Compared("Khẩn cấp", WARNING, str(named), len(issued), len(issued))
    for warning, issued_ms in issued.items():
        for station in stations:
            said = _row(table, {WARNING: warning, STATION: station})
            where = f"{station}/{warning}"
            zones = _zones_reached(evidence, warning, station)
            yield Compared(where, ZONES_HEARD, said.get(ZONES_HEARD, ""), zones, zones)
            first_ms = _first_sound(evidence, warning, station)
            if first_ms is None:
                continue  # there is no time to compare: the report must say that no zone heard it
            low, high = first_ms - check.first_sound_ms, first_ms + check.first_sound_ms
            said_s = said.get(TO_SOUND, "")
            yield Compared(
                where,
                TO_SOUND,
                said_s,
                max(0.0, low - issued_ms) / 1000,
                (high - issued_ms) / 1000,
            )


def _issued(evidence: Evidence) -> dict[str, float]:
    """Warning → when it says it was issued; drills are not counted."""
    found: dict[str, float] = {}
    for message in evidence.traffic.messages:
        if message.direction != "dn" or message.leaf != "warning":
            continue
        for item in message.content.get("warnings", ()):
            if not item.get("drill"):
                found.setdefault(item["id"], item.get("issued_at_ms", message.at_ms))
    return found


def _sounds_of(evidence: Evidence, warning: str, station: str, zone: str) -> list[float]:
    """When sound that is no programme began in a zone after this warning came, before the next."""
    from_ms, _ = published(evidence, warning, station)
    if from_ms is None:
        return []
    later = [at for at in _issued(evidence).values() if at > from_ms + NOT_HEARD_MS]
    until_ms = min(later, default=float("inf"))
    return [
        one.from_ms
        for one in evidence.sounds(station, zone)
        if from_ms <= one.from_ms < until_ms and one.to_ms - one.from_ms > NOT_HEARD_MS
    ]


def _first_sound(evidence: Evidence, warning: str, station: str) -> float | None:
    zones = evidence.story.stations[station].zones
    found = [at for zone in zones for at in _sounds_of(evidence, warning, station, zone.name)]
    return min(found, default=None)


def _zones_reached(evidence: Evidence, warning: str, station: str) -> int:
    zones = evidence.story.stations[station].zones
    return sum(bool(_sounds_of(evidence, warning, station, zone.name)) for zone in zones)
