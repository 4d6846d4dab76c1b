"""A station's records of one morning that somebody complained about; for tests of extracts."""

from __future__ import annotations

from agent.contract.reasons import AlarmCode, OccurrenceReason
from agent.contract.reports import (
    AirStart,
    AlarmEvent,
    AsRun,
    Audit,
    DocumentReceipt,
    OccurrenceRef,
    Segment,
)
from tests.unit.source_system.talking_box import MINUTE, Box

ZONE = "thôn Đông"
OTHER = "thôn Đoài"
FIVE_MS = 1_795_471_200_000
"""24/11/2026 05:00:00 in Vietnam."""


def ref(entry: str, nominal: str = "2026-11-24T05:00:00") -> OccurrenceRef:
    return OccurrenceRef(authority="huyen", audience="g/tat-ca", entry=entry, nominal=nominal)


def segment(from_ms: int, to_ms: int, level_cdb: int | None = -1_830, **more: object) -> Segment:
    said = {"confirmed": "yes", "bus": 0, "position_ms": 0, **more}
    return Segment(from_ms=from_ms, to_ms=to_ms, level_cdb=level_cdb, **said)  # type: ignore[arg-type]


def as_run(entry: str, title: str, start_ms: int, minutes: int = 15, **more: object) -> AsRun:
    to_ms = start_ms + minutes * MINUTE
    said: dict[str, object] = {
        "occurrence": ref(entry),
        "zone": ZONE,
        "title": title,
        "klass": 3,
        "planned_start_ms": start_ms,
        "planned_duration_ms": minutes * MINUTE,
        "outcome": "played",
        "reason": None,
        "confirmed": "yes",
        "segments": (segment(start_ms + 40, to_ms),),
        "played_ms": to_ms - start_ms - 40,
        "revision": 15,
        "author": "Lê Thị Hoa",
        "approver": "Trần Văn Bình",
        "approved_by": "Trần Văn Bình",
        "approval": "standing",
        "document_number": "12/QĐ-UBND",
        "field": "Thông tin chung",
        "language": "vi",
        "source": "file:0123456789ab",
        "volume": 70,
        **more,
    }
    return AsRun(**said)  # type: ignore[arg-type]


def receipt(digest: str, revision: int = 15) -> DocumentReceipt:
    return DocumentReceipt(
        state="changed",
        document="schedule",
        authority="huyen",
        audience="g/tat-ca",
        digest=digest,
        revision=revision,
        before=revision - 1,
        by="Nguyễn Văn A",
        entries=3,
    )


def morning(box: Box, digest: str = "0" * 16) -> Box:
    """From 04:00 to 07:00, with two checkpoints before and one after."""

    def at(minute: int) -> int:
        return FIVE_MS + minute * MINUTE

    box.say_at(at(-60), receipt(digest))
    box.sign_at(at(-59))
    start = AirStart(
        occurrence=ref("thoi-su"),
        title="Thời sự buổi sáng",
        klass=3,
        zones=(ZONE, OTHER),
        planned_start_ms=at(0),
        planned_duration_ms=15 * MINUTE,
        volume=70,
    )
    box.say_at(at(0), start)
    box.say_at(at(15), as_run("thoi-su", "Thời sự buổi sáng", at(0)))
    box.say_at(at(15), as_run("thoi-su", "Thời sự buổi sáng", at(0), zone=OTHER))
    box.say_at(at(16), Audit(what="local_volume", by="hoa", detail=f"{ZONE}: 85", result="done"))
    warning = as_run(
        "w-lu-1-1",
        "Cảnh báo lũ quét trên sông Kỳ Cùng",
        at(20),
        3,
        klass=1,
        volume=90,
        approval=None,
        approved_by="",
        approver="",
        document_number="",
        author="Trực ban huyện",
        source="text",
        confirmed="unknown",
        segments=(segment(at(20), at(23), None, confirmed="unknown"),),
        broke=(OccurrenceReason.OUTSIDE_HOURS, OccurrenceReason.QUIET),
        above_ceiling=60,
    )
    box.say_at(at(23), warning)
    held = as_run(
        "nhac",
        "Ca nhạc “Quê hương”",
        at(30),
        30,
        outcome="skipped",
        reason=OccurrenceReason.OUTSIDE_HOURS,
        confirmed="unknown",
        segments=(),
        played_ms=0,
        rule="Khung giờ phát 05:00-05:30",
        volume=None,
    )
    box.say_at(at(30), held)
    cut = as_run(
        "tiep-am",
        "Tiếp âm Đài Tiếng nói Việt Nam",
        at(60),
        30,
        outcome="partial",
        reason=OccurrenceReason.SOURCE_LOST,
        source="stream:0",
        segments=(
            segment(at(60), at(70), -2_010),
            Segment(
                from_ms=at(70),
                to_ms=at(75),
                position_ms=0,
                bus=0,
                gap=OccurrenceReason.SOURCE_LOST,
            ),
            segment(at(75), at(90), -1_995),
        ),
        played_ms=25 * MINUTE,
    )
    box.say_at(at(90), cut)
    alarm = AlarmEvent(
        code=AlarmCode.ZONE_NOT_CONFIRMED, subject=OTHER, state="raised", episode=1, since_ms=at(91)
    )
    box.say_at(at(91), alarm)
    box.sign_at(at(120))
    box.say_at(at(121), Audit(what="local_test_tone", by="hoa", detail=f"{ZONE}: 3 s"))
    return box
