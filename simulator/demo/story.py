"""The story of the demo: the cues to the stage's hands, at the seconds of the script.

Whether it really happened is decided afterwards by `summary`, from recordings and traffic alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec

from agent.contract.documents import (
    ApprovalRule,
    Binding,
    Entry,
    KeepQuiet,
    ReplayEntry,
    Settings,
    ZoneSelector,
)
from simulator.amplifier.control import LineOpen
from simulator.demo.authorities import Officer, Province
from simulator.demo.meant import Meant
from simulator.demo.script import (
    AGENT_KILLED,
    APPROVE,
    APPROVED,
    CANCEL_1,
    COMMUNE_STATION,
    CUT,
    CUT_STATION,
    FROM_ABOVE,
    GROUP,
    KILLS,
    LEAD_S,
    NOT_DECIDED,
    OFFICER,
    OPEN,
    OPEN_STATION,
    OPEN_TERMINAL,
    PIN,
    PLAYER_KILLED,
    QUIET,
    QUIET_END,
    QUIET_REASON,
    QUIET_STATION,
    QUIET_ZONE,
    RESTORE,
    TITLES,
    UNDECIDED,
    WARN_1,
    WARN_2,
    WITHDRAWN,
    A,
    B,
    C,
    D,
    P,
    Told,
    from_above,
    timetable,
)
from simulator.demo.stage import Stage, now_ms
from simulator.source_system.district import Warned
from simulator.source_system.receipts import Delivery

Chapter = tuple[float, str, str, Callable[[], None]]
"""(second, Vietnamese, English, what the stage's hands do)."""


class Story:
    """Plays the story on a stage."""

    def __init__(self, stage: Stage, encoded: dict[str, tuple[Path, Path]], sabotage: str | None):
        self._stage = stage
        self._encoded = encoded
        self._sabotage = sabotage
        self._officer = Officer(stage.stations[COMMUNE_STATION].folder, OFFICER, PIN)
        self._cosign = (stage.second_holder / "emergency-2.key",)
        self.told = Told(0, now_ms())

    def prepare(self, say: Callable[[str, str], None]) -> None:
        """Publish content, sign and push the timetable; sets the second of the first item."""
        district = self._stage.district
        above: list[Binding] = []
        for slot, (_, path) in self._encoded.items():
            published = district.publish(path, slot=slot, title=TITLES[slot], to=GROUP)
            if slot in (APPROVED, UNDECIDED):
                above.append(published.binding)
            self.told.content_revision = published.delivery.revision
        say(f"Đăng {len(self._encoded)} tệp", f"Published {len(self._encoded)} files")
        begin_ms = (now_ms() // 1_000 + 1 + LEAD_S) * 1_000
        self.told = Told(
            begin_ms, self.told.started_ms, content_revision=self.told.content_revision
        )
        everybody, one = timetable(begin_ms)
        district.push(everybody, to=GROUP, wait_s=0)
        delivery = self._push_asking(one)
        province = self._stage.province
        if province is not None:
            to = f"s/{COMMUNE_STATION}"
            province.publish(district, to, above, now_ms())
            province.push(district, to, from_above(begin_ms), now_ms())
        self._officer.set_pin()
        say(
            f"Ký và đẩy lịch, bản {delivery.revision}",
            f"Signed and pushed the timetable, revision {delivery.revision}",
        )

    def _push_asking(self, entries: tuple[Entry, ...]) -> Delivery:
        """The commune's own timetable; its settings say that it wants to be asked."""
        district = self._stage.district
        draft = district.draft(entries, to=f"s/{COMMUNE_STATION}")
        settings = msgspec.structs.replace(
            draft.settings or Settings(), approvals=(ApprovalRule(authority=Province.id),)
        )
        return district.send(replace(draft, settings=settings), wait_s=0)

    def chapters(self) -> list[Chapter]:
        """What happens when, in order."""
        stage = self._stage
        chapters: list[Chapter] = [
            (A, "Thời sự phát ở ba đài", "The news plays in three stations", _nothing),
            (P, "Thông báo ưu tiên chen vào Nà Mò", "A priority bulletin in one zone", _nothing),
            (
                APPROVE,
                f"{OFFICER} duyệt bản tin của tỉnh ở Xuất Lễ (mã PIN)",
                f"{OFFICER} approves the province's bulletin at Xuất Lễ (PIN)",
                self._approve,
            ),
            (B, "Chuyên mục nông nghiệp", "The farming programme", _nothing),
            (WARN_1, "KHẨN CẤP: phát mọi nơi", "A warning breaks in everywhere", self._warn_1),
            (CANCEL_1, "Hủy khẩn cấp", "The warning is cancelled", self._cancel_1),
            (
                QUIET,
                f"Giữ yên lặng {QUIET_ZONE}: {QUIET_REASON}",
                f"{QUIET_ZONE} is kept quiet: a funeral",
                self._quiet,
            ),
            (CUT, "Cắt mạng Hải Yến", "Hải Yến loses its network", self._cut),
            (C, "Hải Yến phát từ bộ nhớ", "Hải Yến plays from its cache", _nothing),
            (WARN_2, "KHẨN CẤP khi Hải Yến mất mạng", "A warning Hải Yến misses", self._warn_2),
            (RESTORE, "Nối lại mạng Hải Yến", "Hải Yến's network returns", self._restore),
            (
                FROM_ABOVE,
                "Bản tin của tỉnh, xã đã duyệt",
                "The province's bulletin, approved",
                _nothing,
            ),
            (
                NOT_DECIDED,
                "Quảng bá của tỉnh: chưa ai duyệt, không phát",
                "Another one nobody approved: it stays silent",
                _nothing,
            ),
            (
                WITHDRAWN,
                "Tỉnh rút mục không ai duyệt",
                "The province takes back what nobody approved",
                self._withdraw,
            ),
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

    def _approve(self) -> None:
        self._officer.approve(APPROVED)

    def _withdraw(self) -> None:
        """Until then, or the end of the day, the commune may still approve it and place it."""
        province = self._stage.province
        if province is not None:
            kept = [one for one in from_above(self.told.begin_ms) if one.id != UNDECIDED]
            province.push(self._stage.district, f"s/{COMMUNE_STATION}", kept, now_ms())

    def _quiet(self) -> None:
        quiet = KeepQuiet(
            zones=ZoneSelector(names=(QUIET_ZONE,)),
            until_ms=self.told.at(QUIET_END),
            reason=QUIET_REASON,
        )
        self._stage.district.command(f"s/{QUIET_STATION}", quiet, wait_s=0)

    def _cut(self) -> None:
        self._stage.stations[CUT_STATION].link.cut()

    def _restore(self) -> None:
        self._stage.stations[CUT_STATION].link.restore()

    def _kill(self) -> None:
        self.told.killed_agent_ms = self._stage.kill_agent(AGENT_KILLED)
        self.told.killed_player_ms = self._stage.kill_player(PLAYER_KILLED)

    def _open_line(self) -> None:
        self._stage.stations[OPEN_STATION].amplifier.inject(LineOpen(zone=OPEN_TERMINAL))

    def write(self, out: Path) -> None:
        """`story.json`: what was meant."""
        programmes = {slot: wav for slot, (wav, _) in self._encoded.items()}
        Meant(self.told).write(out, programmes, self._sabotage, now_ms())


def _nothing() -> None:
    """A chapter in which only the stations act."""


def _discard(_value: object) -> None:
    """The chapter does not need the answer."""
