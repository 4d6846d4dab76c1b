"""The story of the demo: what happens at which second, and how each chapter is judged.

Owns the timetable, the cues to the stage's hands, and `story.json` (what was meant). Whether it
really happened is decided afterwards by `summary`, from recordings and traffic alone.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from agent.contract.documents import (
    Entry,
    FileSource,
    LateRule,
    ReplayEntry,
    When,
    ZoneSelector,
)
from simulator.amplifier.control import LineOpen
from simulator.demo import intent
from simulator.demo.programmes import PROGRAMMES
from simulator.demo.stage import Stage, StationSpec, now_ms
from simulator.source_system.district import Warned
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
    StationSpec("xuat-le", "Đài xã Xuất Lễ", ("Bản Lề", "Nà Mò", "Phố Chợ"), buses=2),
    StationSpec("hai-yen", "Đài xã Hải Yến", ("Thôn Thượng", "Thôn Hạ")),
)
PRIORITY_STATION, PRIORITY_ZONE = "xuat-le", "Nà Mò"
CUT_STATION = "hai-yen"
AGENT_KILLED, PLAYER_KILLED = "tan-lien", "xuat-le"
OPEN_STATION, OPEN_ZONE, OPEN_TERMINAL = "hai-yen", "Thôn Hạ", 2

# Seconds after the first item's start.
A, P = 0, 8
B, WARN_1, CANCEL_1 = 22, 26, 33
CUT, C, WARN_2, RESTORE = 48, 50, 61, 64
D, KILLS, OPEN = 87, 91, 100
END = 112
REPORTS_LIMIT_S = 8

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


Chapter = tuple[float, str, str, Callable[[], None]]
"""(second, Vietnamese, English, what the stage's hands do)."""


def specs(sabotage: str | None) -> tuple[StationSpec, ...]:
    """The stations; under `wrong-zone` a fitter has swapped two lines of one."""
    if sabotage != "wrong-zone":
        return STATIONS
    return tuple(
        StationSpec(one.id, one.name, one.zones, buses=one.buses, wiring=(2, 1, 3))
        if one.id == PRIORITY_STATION
        else one
        for one in STATIONS
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


class Story:
    """Plays the story on a stage."""

    def __init__(self, stage: Stage, encoded: dict[str, tuple[Path, Path]], sabotage: str | None):
        self._stage = stage
        self._encoded = encoded
        self._sabotage = sabotage
        self._cosign = (stage.second_holder / "emergency-2.key",)
        self.told = Told(0, now_ms())

    def prepare(self, say: Callable[[str, str], None]) -> None:
        """Publish content, sign and push the timetable; sets the second of the first item."""
        district = self._stage.district
        for slot, (_, path) in self._encoded.items():
            published = district.publish(path, slot=slot, title=TITLES[slot], to=GROUP)
            self.told.content_revision = published.delivery.revision
        say(f"Đăng {len(self._encoded)} tệp", f"Published {len(self._encoded)} files")
        begin_ms = (now_ms() // 1_000 + 1 + LEAD_S) * 1_000
        self.told = Told(
            begin_ms, self.told.started_ms, content_revision=self.told.content_revision
        )
        everybody, one = timetable(begin_ms)
        district.push(everybody, to=GROUP, wait_s=0)
        delivery = district.push(one, to=f"s/{PRIORITY_STATION}", wait_s=0)
        say(
            f"Ký và đẩy lịch, bản {delivery.revision}",
            f"Signed and pushed the timetable, revision {delivery.revision}",
        )

    def chapters(self) -> list[Chapter]:
        """What happens when, in order."""
        stage = self._stage
        chapters: list[Chapter] = [
            (A, "Thời sự phát ở ba đài", "The news plays in three stations", _nothing),
            (P, "Thông báo ưu tiên chen vào Nà Mò", "A priority bulletin in one zone", _nothing),
            (B, "Chuyên mục nông nghiệp", "The farming programme", _nothing),
            (WARN_1, "KHẨN CẤP: phát mọi nơi", "A warning breaks in everywhere", self._warn_1),
            (CANCEL_1, "Hủy khẩn cấp", "The warning is cancelled", self._cancel_1),
            (CUT, "Cắt mạng Hải Yến", "Hải Yến loses its network", self._cut),
            (C, "Hải Yến phát từ bộ nhớ", "Hải Yến plays from its cache", _nothing),
            (WARN_2, "KHẨN CẤP khi Hải Yến mất mạng", "A warning Hải Yến misses", self._warn_2),
            (RESTORE, "Nối lại mạng Hải Yến", "Hải Yến's network returns", self._restore),
            (D, "Bản tin xã", "The commune's bulletin", _nothing),
            (KILLS, "kill -9 agent và player", "kill -9 of agent and player", self._kill),
            (OPEN, "Hở mạch loa Thôn Hạ", "A loudspeaker line opens", self._open_line),
        ]
        if self._sabotage == "double-play":
            replay = ReplayEntry(entry="suc-khoe")
            chapters.append(
                (
                    C + 11,
                    "(phá) phát lại lần hai",
                    "(sabotage) the same item is played twice",
                    lambda: _discard(stage.district.command("s/tan-lien", replay, wait_s=0)),
                )
            )
        return sorted(chapters, key=lambda chapter: chapter[0])

    def _warn_1(self) -> None:
        self._warn(
            "lu-quet",
            "Cảnh báo lũ quét. Nước suối đang dâng nhanh. Bà con hai bên bờ rời khỏi nhà ngay, "
            "mang theo giấy tờ và nước uống, đi lên chỗ cao và giúp người già, trẻ em cùng đi.",
        )

    def _warn_2(self) -> None:
        self._warn("sat-lo", "Cảnh báo sạt lở đất. Không đi qua đường đèo.")

    def _warn(self, name: str, text: str) -> None:
        warned = self._stage.district.warn(
            text,
            to=GROUP,
            until_ms=now_ms() + 600_000,
            repeat_every_ms=0,
            title="Khẩn cấp",
            cosign=self._cosign,
            wait_s=0,
        )
        if not isinstance(warned, Warned):
            raise RuntimeError("the second signature is missing")
        self.told.warnings[name] = warned.id

    def _cancel_1(self) -> None:
        self._stage.district.cancel(
            self.told.warnings["lu-quet"], to=GROUP, cosign=self._cosign, wait_s=0
        )

    def _cut(self) -> None:
        self._stage.stations[CUT_STATION].link.cut()

    def _restore(self) -> None:
        self._stage.stations[CUT_STATION].link.restore()

    def _kill(self) -> None:
        self.told.killed_agent_ms = self._stage.kill_agent(AGENT_KILLED)
        self.told.killed_player_ms = self._stage.kill_player(PLAYER_KILLED)

    def _open_line(self) -> None:
        self._stage.stations[OPEN_STATION].amplifier.inject(LineOpen(zone=OPEN_TERMINAL))

    # --- what was meant -----------------------------------------------------------------

    def write(self, out: Path) -> None:
        """`story.json` for the summary."""
        intent.write_story(
            out,
            intent.Story(
                v=1,
                from_ms=self.told.started_ms,
                to_ms=now_ms(),
                stations={spec.id: _plan_of(spec) for spec in STATIONS},
                programmes={
                    slot: str(wav.relative_to(out)) for slot, (wav, _) in self._encoded.items()
                },
                expected=tuple(self._expected()),
                steps=tuple(self._steps()),
                sabotage=self._sabotage,
            ),
        )

    def _expected(self) -> list[intent.Expected]:
        found: list[intent.Expected] = []
        for spec in STATIONS:
            for slot, second in (
                ("thoi-su", A),
                ("nong-nghiep", B),
                ("suc-khoe", C),
                ("ban-tin-xa", D),
            ):
                chime = slot == "thoi-su"
                found.append(self._one(spec, slot, second, spec.zones, chime=chime))
            if spec.id == PRIORITY_STATION:
                found.append(self._one(spec, "uu-tien", P, (PRIORITY_ZONE,), klass=2))
            for name, warning in self.told.warnings.items():
                found.append(self._warning(spec, name, warning))
        return found

    def _one(
        self,
        spec: StationSpec,
        slot: str,
        second: int,
        zones: tuple[str, ...],
        *,
        klass: int = 3,
        chime: bool = False,
    ) -> intent.Expected:
        start_ms = self.told.at(second)
        return intent.Expected(
            id=f"{slot}@{spec.id}",
            station=spec.id,
            zones=zones,
            title=TITLES[slot],
            klass=klass,
            planned_start_ms=start_ms,
            entry=slot,
            nominal=local(start_ms),
            programme=slot,
            chime="nhac-hieu" if chime else None,
            lead_ms=CHIME_MS if chime else 0,
        )

    def _warning(self, spec: StationSpec, name: str, warning: str) -> intent.Expected:
        first = name == "lu-quet"
        second, until = (WARN_1, CANCEL_1 + 2) if first else (WARN_2, D)
        return intent.Expected(
            id=f"{name}@{spec.id}",
            station=spec.id,
            zones=spec.zones,
            title="Khẩn cấp",
            klass=1,
            planned_start_ms=self.told.at(second),
            entry=f"w-{warning}-1",
            programme=None,
            length_ms=(until - second) * 1_000,
            timed=False,
        )

    def _everywhere(self, slot: str) -> tuple[str, ...]:
        return tuple(f"{slot}@{spec.id}" for spec in STATIONS)

    def _steps(self) -> list[intent.Step]:
        told = self.told
        names = tuple(spec.id for spec in STATIONS)

        def step(
            name: str, vi: str, en: str, from_s: float, to_s: float, check: intent.StepCheck
        ) -> intent.Step:
            from_ms = told.started_ms if from_s < 0 else told.at(from_s)
            return intent.Step(
                name=name,
                title_vi=vi,
                title_en=en,
                from_ms=from_ms,
                to_ms=told.at(to_s),
                check=check,
            )

        documents = [
            *(
                intent.DocumentRef(
                    authority=AUTHORITY, audience=GROUP, kind=kind, revision=revision
                )
                for kind, revision in (("schedule", 1), ("content", told.content_revision))
            )
        ]
        return [
            step(
                "receipts",
                "Lịch và danh mục tệp đã áp dụng ở ba đài",
                "Timetable and content are applied in three stations",
                -1,
                A,
                intent.AppliedCheck(stations=names, documents=tuple(documents)),
            ),
            step(
                "fetched",
                "Tệp đã tải đủ",
                "All audio is fetched",
                -1,
                A,
                intent.FetchedCheck(stations=names, revision=told.content_revision),
            ),
            step(
                "in-step",
                "Ba đài phát cùng lúc, đúng giây",
                "Three stations play in step at their second",
                A,
                A + 21,
                intent.InStepCheck(
                    expected=self._everywhere("thoi-su"),
                    interrupted=(f"{PRIORITY_STATION}/{PRIORITY_ZONE}",),
                ),
            ),
            step(
                "priority",
                "Bản tin ưu tiên chen vào một cụm loa rồi trả lại",
                "A priority bulletin takes one zone and gives it back",
                P,
                P + 13,
                intent.PreemptsCheck(
                    by=f"uu-tien@{PRIORITY_STATION}", over=f"thoi-su@{PRIORITY_STATION}"
                ),
            ),
            step(
                "warning",
                "Khẩn cấp phát mọi nơi và được hủy",
                "A warning breaks in everywhere and is cancelled",
                WARN_1,
                CANCEL_1 + 4,
                intent.WarningCheck(
                    stations=names,
                    id=told.warnings.get("lu-quet", "?"),
                    tone_hz=SIREN_HZ,
                    cancelled=False,  # the programme is back before the silence could be told
                ),
            ),
            *(
                step(
                    f"rejoin-{name}",
                    f"{name}: chương trình trở lại đúng chỗ sau khẩn cấp",
                    f"{name}: the programme rejoins its timeline after the warning",
                    WARN_1,
                    B + 26,
                    intent.ContinuesCheck(
                        expected=f"nong-nghiep@{name}",
                        killed_at_ms=told.at(WARN_1),
                        max_gap_ms=12_000,
                    ),
                )
                for name in names
            ),
            step(
                "from-cache",
                "Mất mạng, Hải Yến phát từ bộ nhớ",
                "Cut off, Hải Yến plays from its cache",
                CUT,
                C + 12,
                intent.FromCacheCheck(station=CUT_STATION, expected=(f"suc-khoe@{CUT_STATION}",)),
            ),
            step(
                "in-step-cut",
                "Đài mất mạng vẫn đúng giây với hai đài kia",
                "The station without network stays in step",
                C,
                C + 12,
                intent.InStepCheck(expected=self._everywhere("suc-khoe")),
            ),
            step(
                "missed-warning",
                "Có mạng lại, Hải Yến phát khẩn cấp đã lỡ",
                "Back again, Hải Yến plays the warning it missed",
                WARN_2,
                D,
                intent.LateWarningCheck(
                    station=CUT_STATION,
                    id=told.warnings.get("sat-lo", "?"),
                    tone_hz=SIREN_HZ,
                ),
            ),
            step(
                "agent-killed",
                "kill -9 agent: tiếng trở lại đúng chỗ",
                "kill -9 of the agent: sound is back at its place",
                KILLS,
                D + 26,
                intent.ContinuesCheck(
                    expected=f"ban-tin-xa@{AGENT_KILLED}",
                    killed_at_ms=told.killed_agent_ms,
                    max_gap_ms=5_000,
                ),
            ),
            step(
                "player-killed",
                "kill -9 player: tiếng trở lại đúng chỗ",
                "kill -9 of the player: sound is back at its place",
                KILLS,
                D + 26,
                intent.ContinuesCheck(
                    expected=f"ban-tin-xa@{PLAYER_KILLED}",
                    killed_at_ms=told.killed_player_ms,
                    max_gap_ms=3_000,
                ),
            ),
            step(
                "line-open",
                "Hở mạch loa: có cảnh báo, bản ghi nói không xác nhận",
                "A line opens: the alarm arrives, the record does not confirm",
                OPEN,
                END + REPORTS_LIMIT_S,
                intent.LineOpenCheck(expected=f"ban-tin-xa@{OPEN_STATION}", zone=OPEN_ZONE),
            ),
        ]


def _plan_of(spec: StationSpec) -> intent.StationPlan:
    return intent.StationPlan(
        name=spec.name,
        amplifiers={"ampli-1": f"{spec.id}/amplifier.jsonl"},
        zones=tuple(
            intent.ZonePlan(
                name=zone,
                controller="ampli-1",
                index=place + 1,
                buses=tuple(intent.BusSource(bus=bus, source=bus) for bus in range(spec.buses)),
            )
            for place, zone in enumerate(spec.zones)
        ),
    )


def _nothing() -> None:
    """A chapter in which only the stations act."""


def _discard(_value: object) -> None:
    """The chapter does not need the answer."""
