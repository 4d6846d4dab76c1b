"""The script of the demo: who is on stage, what plays at which second, what the timetables say.

Owns names and times only; `story` plays it and `meant` says how it is judged.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace
from typing import Any
from zoneinfo import ZoneInfo

from agent.contract.documents import (
    Entry,
    FileSource,
    LateRule,
    When,
    ZoneSelector,
)
from simulator.demo.programmes import PROGRAMMES
from simulator.demo.stage import StationSpec
from simulator.source_system.home import EVERYBODY

TZ = ZoneInfo("Asia/Ho_Chi_Minh")
GROUP = f"g/{EVERYBODY}"
AUTHORITY = "huyen"
LEAD_S = 11
"""From the push to the first item: receipts, fetching, and the ten seconds of a cue."""

CHIME_MS = 2_000
SIREN_HZ = (600, 900)

STATIONS = (
    StationSpec("tan-lien", "Đài xã Tân Liên", ("Thôn Đông", "Thôn Đoài")),
    StationSpec("xuat-le", "Đài xã Xuất Lễ", ("Bản Lề", "Nà Mò", "Phố Chợ"), buses=2, above=True),
    StationSpec("hai-yen", "Đài xã Hải Yến", ("Thôn Thượng", "Thôn Hạ")),
)
PRIORITY_STATION, PRIORITY_ZONE = "xuat-le", "Nà Mò"
CUT_STATION = "hai-yen"
AGENT_KILLED, PLAYER_KILLED = "tan-lien", "xuat-le"
QUIET_STATION, QUIET_ZONE, QUIET_REASON = "tan-lien", "Thôn Đoài", "tang lễ"
COMMUNE_STATION, OFFICER, PIN = "xuat-le", "Nguyễn Văn Hòa", "402817"
APPROVED, UNDECIDED = "tin-tinh", "hoi-cho"
REPORT = "report"
OPEN_STATION, OPEN_ZONE, OPEN_TERMINAL = "hai-yen", "Thôn Hạ", 2

# Seconds after the first item's start.
A, P = 0, 8
APPROVE = 20.4
B, WARN_1, CANCEL_1 = 22, 26, 33
QUIET, QUIET_END = 46.3, 80
FROM_ABOVE, NOT_DECIDED, WITHDRAWN = 72, 78, 83.1
CUT, C, WARN_2, RESTORE = 48, 50, 61, 64
D, KILLS, OPEN = 84, 88, 97
END = 109
REPORTS_LIMIT_S = 8
UNWRITTEN_MS = 6_000
"""What a station killed in the middle may not have written down of the item on air."""

LENGTHS_MS = {one.slot: round(one.length_s * 1_000) for one in PROGRAMMES}
TITLES = {one.slot: one.title for one in PROGRAMMES}


@dataclass(slots=True)
class Told:
    """What the story learns while it is played."""

    begin_ms: int
    started_ms: int
    warnings: dict[str, str] = field(default_factory=dict)
    killed_agent_ms: int = 0
    killed_player_ms: int = 0
    content_revision: int = 1

    def at(self, seconds: float) -> int:
        return self.begin_ms + round(seconds * 1_000)


def specs(sabotage: str | None) -> tuple[StationSpec, ...]:
    """The stations; under `wrong-zone` a fitter has swapped two lines of one."""
    if sabotage != "wrong-zone":
        return STATIONS
    return tuple(
        replace(one, wiring=(2, 1, 3)) if one.id == PRIORITY_STATION else one for one in STATIONS
    )


def local(at_ms: int) -> str:
    return dt.datetime.fromtimestamp(at_ms / 1_000, TZ).strftime("%Y-%m-%dT%H:%M:%S")


def timetable(begin_ms: int) -> tuple[tuple[Entry, ...], tuple[Entry, ...]]:
    """(entries for everybody, entries for the one station)."""

    def entry(slot: str, second: int, **more: Any) -> Entry:
        return Entry(
            id=slot,
            title=TITLES[slot],
            when=When(start=local(begin_ms + second * 1_000)),
            sources=(FileSource(slot=slot),),
            zones=more.pop("zones", ZoneSelector(all=True)),
            author="Trần Thị Bình",
            approver="Nguyễn Văn An",
            **more,
        )

    everybody = (
        entry("thoi-su", A, chime=FileSource(slot="nhac-hieu")),
        entry("nong-nghiep", B),
        entry("suc-khoe", C, late=LateRule(policy="skip")),
        entry("ban-tin-xa", D),
    )
    zones = ZoneSelector(names=(PRIORITY_ZONE,))
    one = (entry("uu-tien", P, klass=2, zones=zones),)
    return everybody, one


def from_above(begin_ms: int) -> tuple[Entry, ...]:
    """What the province sends to one commune: ordinary items, so the commune is asked."""
    return tuple(
        Entry(
            id=slot,
            title=TITLES[slot],
            when=When(start=local(begin_ms + second * 1_000)),
            sources=(FileSource(slot=slot),),
            zones=ZoneSelector(all=True),
            author="Lê Văn Tám",
            approver="Phạm Hùng",
        )
        for slot, second in ((APPROVED, FROM_ABOVE), (UNDECIDED, NOT_DECIDED))
    )
