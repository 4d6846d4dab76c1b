"""What the demo's story means to happen: `story.json`, each occurrence and how each step is judged.

Whether it really happened is decided afterwards by `summary`, from recordings, traffic and the
written report alone.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from simulator.demo import intent
from simulator.demo.script import (
    AGENT_KILLED,
    APPROVED,
    AUTHORITY,
    CANCEL_1,
    CHIME_MS,
    COMMUNE_STATION,
    CUT,
    CUT_STATION,
    END,
    FROM_ABOVE,
    GROUP,
    KILLS,
    NOT_DECIDED,
    OFFICER,
    OPEN,
    OPEN_STATION,
    OPEN_ZONE,
    PLAYER_KILLED,
    PRIORITY_STATION,
    PRIORITY_ZONE,
    QUIET_REASON,
    QUIET_STATION,
    QUIET_ZONE,
    REPORT,
    REPORTS_LIMIT_S,
    SIREN_HZ,
    STATIONS,
    TITLES,
    UNDECIDED,
    UNWRITTEN_MS,
    WARN_1,
    WARN_2,
    A,
    B,
    C,
    D,
    P,
    Told,
    local,
)
from simulator.demo.stage import StationSpec


class Meant:
    """Written once the story was told: only then the ids of its warnings are known."""

    def __init__(self, told: Told) -> None:
        self._told = told

    def write(
        self, out: Path, programmes: dict[str, Path], sabotage: str | None, ended_ms: int
    ) -> None:
        """`story.json` for the summary. programmes: slot → WAV before encoding."""
        intent.write_story(
            out,
            intent.Story(
                v=1,
                from_ms=self._told.started_ms,
                to_ms=ended_ms,
                stations={spec.id: _plan_of(spec) for spec in STATIONS},
                programmes={slot: str(wav.relative_to(out)) for slot, wav in programmes.items()},
                expected=tuple(self._expected()),
                steps=tuple(self._steps()),
                sabotage=sabotage,
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
                zones = spec.zones
                if (slot, spec.id) == ("suc-khoe", QUIET_STATION):
                    zones = tuple(zone for zone in zones if zone != QUIET_ZONE)
                    found.append(self._one(spec, slot, second, (QUIET_ZONE,), kept_back="quiet"))
                found.append(self._one(spec, slot, second, zones, chime=chime))
            if spec.id == PRIORITY_STATION:
                found.append(self._one(spec, "uu-tien", P, (PRIORITY_ZONE,), klass=2))
            if spec.id == COMMUNE_STATION:
                found.append(self._one(spec, APPROVED, FROM_ABOVE, spec.zones))
                waits = "awaiting_approval"
                found.append(self._one(spec, UNDECIDED, NOT_DECIDED, spec.zones, kept_back=waits))
            for name, warning in self._told.warnings.items():
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
        kept_back: str = "",
    ) -> intent.Expected:
        start_ms = self._told.at(second)
        silent = f"-{kept_back}" if kept_back else ""
        return intent.Expected(
            id=f"{slot}{silent}@{spec.id}",
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
            kept_back=kept_back,
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
            planned_start_ms=self._told.at(second),
            entry=f"w-{warning}-1",
            programme=None,
            length_ms=(until - second) * 1_000,
            timed=False,
        )

    def _everywhere(self, slot: str) -> tuple[str, ...]:
        return tuple(f"{slot}@{spec.id}" for spec in STATIONS)

    def _steps(self) -> list[intent.Step]:
        told = self._told
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
            *self._decided(step),
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
            step(
                "report-equals",
                "Báo cáo của huyện khớp với số đếm từ bản ghi âm",
                "The district's report equals what is counted from the recordings",
                END,
                END + REPORTS_LIMIT_S,
                intent.ReportEqualsCheck(
                    folder=f"{REPORT}/csv",
                    may_miss_ms={f"ban-tin-xa@{AGENT_KILLED}": UNWRITTEN_MS},
                ),
            ),
        ]

    def _decided(self, step: Callable[..., intent.Step]) -> list[intent.Step]:
        """The rules of the air: approval, and a quiet that only a warning breaks."""
        return [
            step(
                "quiet",
                f"{QUIET_ZONE} được giữ yên lặng vì tang lễ, cụm khác vẫn phát",
                f"{QUIET_ZONE} is kept quiet for a funeral, the other zone plays",
                C,
                WARN_2,
                intent.KeptBackCheck(
                    expected=f"suc-khoe-quiet@{QUIET_STATION}",
                    elsewhere=(f"suc-khoe@{QUIET_STATION}",),
                    rule_says=QUIET_REASON,
                ),
            ),
            step(
                "quiet-broken",
                f"Khẩn cấp phát cả ở {QUIET_ZONE}, bản ghi nói đã phá giờ yên lặng",
                f"The warning sounds in {QUIET_ZONE} too, and its record says what it broke",
                WARN_2,
                FROM_ABOVE,
                intent.BreaksRuleCheck(
                    expected=f"sat-lo@{QUIET_STATION}",
                    id=self._told.warnings.get("sat-lo", "?"),
                    zone=QUIET_ZONE,
                    tone_hz=SIREN_HZ,
                ),
            ),
            step(
                "approved",
                f"Bản tin của tỉnh phát sau khi {OFFICER} duyệt bằng mã PIN",
                f"The province's bulletin plays once {OFFICER} approved it by PIN",
                FROM_ABOVE,
                NOT_DECIDED,
                intent.ApprovedCheck(expected=f"{APPROVED}@{COMMUNE_STATION}", by=OFFICER),
            ),
            step(
                "not-approved",
                "Mục của tỉnh chưa ai duyệt thì không phát, bản ghi nói vì sao",
                "An item nobody approved does not sound, and its record says why",
                NOT_DECIDED,
                D,
                intent.KeptBackCheck(expected=f"{UNDECIDED}-awaiting_approval@{COMMUNE_STATION}"),
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
