"""Views as an agent would answer them; the week of the examples."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec

from agent.contract.details import (
    DataDetails,
    Details,
    IdentityDetails,
    LinkDetails,
    ModemDetails,
    PowerDetails,
)
from agent.contract.reasons import AckReason, AlarmCode, LinkFault, OccurrenceReason
from agent.contract.reports import (
    AlarmEvent,
    AsRun,
    Audit,
    Body,
    DocumentReport,
    OccurrenceRef,
    Refusal,
    WarningReport,
)
from agent.core.requests import (
    CHECKS,
    AlarmView,
    Behind,
    Check,
    DoctorView,
    JournalLine,
    JournalView,
    Kept,
    LinkView,
    OnAir,
    PlanView,
    QuietView,
    Sounds,
    StatusView,
    Upcoming,
    WarningView,
    ZonesView,
    ZoneView,
)

TZ = "Asia/Ho_Chi_Minh"


def at(hour: int, minute: int, second: int = 0, *, day: int = 23, month: int = 11) -> int:
    when = datetime(2026, month, day, hour, minute, second, tzinfo=ZoneInfo(TZ))
    return int(when.timestamp() * 1000)


NOW_MS = at(5, 12, 7)

SCHEDULE = DocumentReport(
    authority="huyen", audience="s/tan-lien", kind="schedule", revision=14, digest="00"
)
NEWS = OnAir(
    "Thời sự VOV",
    3,
    0,
    "thoi-su",
    at(5, 0),
    at(5, 30),
    (("Đông", "yes"), ("Trung", "unknown"), ("Đoài", "no")),
    -1420,
    "file:5f2a",
    at(5, 3),
)
AREA = Upcoming(
    at(5, 30),
    900_000,
    "Bản tin khu vực",
    3,
    "khu-vuc",
    "huyen",
    "2026-11-23T05:30:00",
    ("Đông", "Trung"),
    ready=True,
)
COMMUNE = Upcoming(
    at(5, 45),
    600_000,
    "Bản tin xã",
    2,
    "ban-tin-xa",
    "xa-tan-lien",
    "2026-11-23T05:45:00",
    ("Đông",),
    ready=False,
    problem=OccurrenceReason.CONTENT_NOT_PUBLISHED,
)
FARMING = Upcoming(
    at(17, 0, day=24),
    None,
    "Nông nghiệp và đời sống của bà con các thôn bản vùng cao",
    3,
    "nong-nghiep",
    "huyen",
    "2026-11-24T17:00:00",
    ("Đông",),
    ready=False,
)

WELL = StatusView(
    station="tan-lien",
    name="Đài xã Tân Liên",
    version="0.1.0",
    at_ms=NOW_MS,
    tz=TZ,
    clock="trusted",
    connected=True,
    connected_since_ms=at(4, 12),
    player="ready",
    on_air=(),
    upcoming=(AREA,),
    alarms=(),
    documents=(SCHEDULE,),
    refusals=(),
    warnings=(),
    unsent_records=0,
    schedule_ends_ms=at(0, 0, day=20, month=12) + 62 * 86_400_000,
    temperature_cdeg=4512,
    storage_free_mib=12_345,
    memory_free_mib=300,
    uptime_s=3_725,
)

OPEN_LINE = AlarmView(
    AlarmCode.ZONE_NOT_CONFIRMED, "Thôn Đoài", at(4, 59), 1, OccurrenceReason.LINE_OPEN
)
OFFLINE = AlarmView(AlarmCode.SOURCE_UNREACHABLE, "", at(22, 0, day=22), 2)

FAULTY = msgspec.structs.replace(
    WELL,
    connected=False,
    on_air=(NEWS,),
    upcoming=(AREA, COMMUNE, FARMING),
    alarms=(OFFLINE, OPEN_LINE),
    unsent_records=12,
    temperature_cdeg=None,
    storage_free_mib=None,
    memory_free_mib=None,
    uptime_s=None,
)

FLOOD = OnAir(
    "Khẩn cấp: xả lũ hồ Cấm Sơn, người dân vùng hạ lưu di chuyển ngay lên chỗ cao",
    1,
    0,
    "w-kc-0123-1",
    at(5, 11, 50),
    None,
    (
        *((f"Thôn {number}", "yes" if number % 5 else "unknown") for number in range(1, 31)),
        ("Thôn Cao Lâu", "no"),
        ("Thôn Xuất Lễ", "no"),
    ),
    -900,
)
EMERGENCY = msgspec.structs.replace(
    WELL,
    on_air=(NEWS, FLOOD),
    warnings=("kc-0123",),
    refusals=(
        Refusal(
            kind="schedule",
            digest="11",
            reason=AckReason.UNKNOWN_ZONE,
            detail="thôn Trung",
            at_ms=at(5, 0),
            authority="huyen",
            revision=15,
        ),
    ),
    schedule_ends_ms=NOW_MS + 5 * 86_400_000,
)
NEW_BOX = msgspec.structs.replace(
    WELL,
    clock="untrusted",
    connected=False,
    connected_since_ms=None,
    player="lost",
    upcoming=(),
    documents=(),
    schedule_ends_ms=None,
    alarms=(AlarmView(AlarmCode.CLOCK_UNTRUSTED, "", at(5, 0), 1),),
)

GIB = 1024**3
MOBILE = LinkDetails(
    kind="modem",
    interface="wwan0",
    modem=ModemDetails(
        state="connected",
        registration="home",
        technology="4g",
        operator="Viettel",
        operator_code="45204",
        rsrp_dbm=-97,
        rsrq_cdb=-1_050,
        sinr_cdb=840,
        number="+84900000001",
        iccid="8984041234567890123",
        imei="867698040000017",
        roaming_allowed=False,
    ),
)
USED = DataDetails(
    today_bytes=31_457_280,
    month_bytes=round(3.1 * GIB),
    month_from="2026-11-01",
    plan_mib=4_096,
    sim_expires="2026-11-30",
    by_link={"eth0": 0, "wwan0": round(3.1 * GIB)},
)
DETAILS = Details(
    station="tan-lien",
    installation="i1",
    at_ms=NOW_MS,
    identity=IdentityDetails(name="Đài xã Tân Liên", version="0.1.0"),
    link=MOBILE,
    data=USED,
    power=PowerDetails(mains=True, battery_percent=96),
)
ON_BATTERY = msgspec.structs.replace(
    WELL,
    connected=False,
    link_fault=LinkFault.PLAN_USED_UP,
    alarms=(
        AlarmView(AlarmCode.DATA_PLAN_USED_UP, "", at(3, 0), 1, "101 %", "hoa", at(4, 30)),
        AlarmView(AlarmCode.MAINS_LOST, "", at(4, 59), 4, "38 %"),
        AlarmView(AlarmCode.MAINS_LOST, "ampli-1", at(4, 59), 2, "", "hoa", at(5, 3)),
    ),
    details=msgspec.structs.replace(
        DETAILS,
        data=msgspec.structs.replace(USED, month_bytes=round(4.04 * GIB)),
        power=PowerDetails(mains=False, battery_percent=38),
    ),
)
UNMEASURED = msgspec.structs.replace(
    WELL,
    details=msgspec.structs.replace(
        DETAILS,
        link=LinkDetails(kind="wifi", interface="wlan0"),
        data=DataDetails(),
        power=PowerDetails(),
    ),
)
LINK = LinkView(NOW_MS, TZ, True, at(4, 12), "none", None, MOBILE, USED)
LINK_LOST = msgspec.structs.replace(
    LINK,
    connected=False,
    cause="own_link",
    fault=LinkFault.NO_SIGNAL,
    link=LinkDetails(
        kind="none",
        modem=ModemDetails(state="searching", registration="searching", why="no carrier"),
        last_fault=LinkFault.NO_SIGNAL,
        last_fault_ms=at(4, 40),
    ),
)
LINK_UNKNOWN = msgspec.structs.replace(
    LINK, connected=False, cause="own_link", link=LinkDetails(), data=DataDetails()
)
ROAMING = msgspec.structs.replace(
    LINK,
    link=LinkDetails(
        kind="modem",
        interface="wwan0",
        modem=ModemDetails(
            state="connected", registration="roaming", technology="3g", operator="Unitel"
        ),
    ),
)
LINKS = {"mobile": LINK, "lost": LINK_LOST, "unknown": LINK_UNKNOWN, "roaming": ROAMING}

DISASTER = msgspec.structs.replace(
    WELL,
    warnings=("Xả lũ hồ Cấm Sơn",),
    emergencies=(
        WarningView(
            id="kc-0123",
            title="Xả lũ hồ Cấm Sơn",
            authority="huyen",
            issued_at_ms=at(2, 10),
            valid_until_ms=at(14, 0),
            zones=("Đông", "Trung", "Đoài"),
            plays=6,
            next_ms=at(5, 40),
            repeat_every_ms=1_800_000,
            owed=("Đoài",),
            languages_missing=("tyz",),
        ),
        WarningView(
            id="kc-0124",
            title="Thử còi",
            authority="huyen",
            issued_at_ms=at(5, 0),
            valid_until_ms=at(6, 0),
            zones=("Đông",),
            plays=1,
            next_ms=None,
        ),
    ),
)
STATUSES = {
    "disaster": DISASTER,
    "well": WELL,
    "faulty": FAULTY,
    "emergency": EMERGENCY,
    "new-box": NEW_BOX,
    "mobile": msgspec.structs.replace(WELL, details=DETAILS),
    "on-battery": ON_BATTERY,
    "unmeasured": UNMEASURED,
}

EAST = ZoneView(
    name="Đông",
    tags=("tat-ca",),
    controller="ampli-1",
    controller_state="ready",
    gate_wished=True,
    gate=True,
    confirmed="yes",
    line="ok",
    volume=70,
    volume_source="timetable",
    gain_cdb=-600,
    level_cdb=-1420,
    playing="Thời sự VOV",
    power="on",
    lease="supported",
)
replace = msgspec.structs.replace
ZONES = ZonesView(
    NOW_MS,
    (
        EAST,
        replace(
            EAST,
            name="Trung",
            confirmed="unknown",
            line="unknown",
            level_cdb=None,
            volume=40,
            volume_source="local",
            lease="unsupported",
        ),
        replace(EAST, name="Đoài", confirmed="no", line="open"),
        replace(EAST, name="Bắc", gate=False, confirmed="no"),
        replace(
            EAST,
            name="Nghĩa trang liệt sĩ và nhà văn hóa thôn Thượng Cường",
            gate_wished=False,
            gate=None,
            confirmed="unknown",
            line="unknown",
            power="unknown",
            playing="",
            controller="rơ-le-2",
            controller_state="lost",
        ),
        replace(
            EAST,
            name="Chợ",
            gate_wished=False,
            gate=False,
            confirmed="unknown",
            playing="",
            power="off",
        ),
    ),
)

DOCTOR = DoctorView(
    NOW_MS,
    tuple(
        {
            "zones": Check(
                "zones",
                "fault",
                ("Đoài hở mạch từ 04:59", "Đoài: open line since 04:59"),
                ("kiểm tra dây loa thôn Đoài", "check the line to Đoài"),
            ),
            "broker": Check(
                "broker",
                "warning",
                ("mất liên lạc 12 phút", "unreachable for 12 minutes"),
                ("kiểm tra 4G", "check the 4G link"),
            ),
            "certificate": Check("certificate", "unknown", ("chưa ghi danh", "not enrolled")),
        }.get(name, Check(name, "ok", ("tốt", "good")))
        for name in CHECKS
    ),
)


def _line(seq: int, at_ms: int, body: Body) -> JournalLine:
    return JournalLine(seq, at_ms, msgspec.Raw(msgspec.json.encode(body)))


PLAYED = AsRun(
    occurrence=OccurrenceRef(
        authority="huyen", audience="s/tan-lien", entry="thoi-su", nominal="2026-11-23T05:00:00"
    ),
    zone="Đông",
    title="Thời sự VOV",
    klass=3,
    planned_start_ms=at(5, 0),
    planned_duration_ms=1_800_000,
    outcome="played",
    reason=None,
    confirmed="yes",
    played_ms=1_800_000,
    start_error_ms=0,
)

AUDITED = Audit(what="local_volume", by="hoa", detail="Đông: 60", result="done")

JOURNAL = JournalView(
    NOW_MS,
    TZ,
    3,
    (
        _line(1, at(21, 0, day=22), AUDITED),
        _line(
            2,
            at(4, 59),
            AlarmEvent(
                code=AlarmCode.ZONE_NOT_CONFIRMED,
                subject="Đoài",
                state="raised",
                episode=1,
                since_ms=at(4, 59),
                detail="line_open",
            ),
        ),
        _line(3, at(5, 0), PLAYED),
        _line(
            4,
            at(5, 1),
            replace(
                PLAYED,
                zone="Đoài",
                outcome="partial",
                confirmed="no",
                reason=OccurrenceReason.LINE_OPEN,
                played_ms=62_000,
            ),
        ),
        _line(
            5,
            at(5, 2),
            replace(PLAYED, zone="Trung", confirmed="unknown", start_error_ms=None),
        ),
        _line(
            6,
            at(5, 3),
            replace(
                PLAYED,
                zone="Bắc",
                outcome="skipped",
                confirmed="unknown",
                reason=OccurrenceReason.CONTENT_NOT_FETCHED,
            ),
        ),
        _line(7, at(5, 4), WarningReport(id="kc-0123", revision=1, state="sounded")),
        JournalLine(8, at(5, 5), msgspec.Raw(b'{"kind":"of-a-later-version"}')),
        _line(
            9,
            at(5, 6),
            replace(
                PLAYED,
                title="Lũ quét",
                klass=1,
                broke=(OccurrenceReason.QUIET, OccurrenceReason.OUTSIDE_HOURS),
                above_ceiling=60,
                languages_missing=("tyz",),
            ),
        ),
        _line(
            10,
            at(5, 7),
            replace(
                PLAYED,
                outcome="skipped",
                confirmed="unknown",
                played_ms=0,
                start_error_ms=None,
                reason=OccurrenceReason.QUIET,
                rule="tang lễ đến 11:00",
            ),
        ),
        _line(
            11,
            at(5, 8),
            replace(
                PLAYED,
                author="Lê Văn Tám",
                approver="Phạm Hùng",
                approved_by="Nguyễn Văn Hòa",
                approval="pin",
                document_number="05/UBND",
            ),
        ),
    ),
)

# --- decisions -----------------------------------------------------------------------------

AWAITING = replace(
    AREA,
    problem=OccurrenceReason.AWAITING_APPROVAL,
    problem_zones=AREA.zones,
    approval="awaiting",
    digest="0123456789abcdef",
    author="Lê Văn Tám",
    approver="Phạm Hùng",
    document_number="12/KH-UBND",
)
TOMORROW = replace(AWAITING, start_ms=AWAITING.start_ms + 86_400_000, nominal="2026-11-24T05:30:00")
OVER = replace(
    AWAITING,
    title="Thông báo lịch tiêm chủng mở rộng cho trẻ em dưới hai tuổi tại trạm y tế xã",
    start_ms=at(5, 0),
    nominal="2026-11-23T05:00:00",
    entry="tiem-chung",
    authority="tinh",
    digest="fedcba9876543210",
    author="",
    approver="",
    document_number="",
)
PLAIN = replace(AREA, digest="00000000000000aa", start_ms=at(6, 0), nominal="2026-11-23T06:00:00")
DECIDED = {
    "pin": replace(
        PLAIN,
        approval="approved",
        approval_means="pin",
        approved_by="Nguyễn Văn Hòa",
        document_number="5/UBND",
    ),
    "key": replace(PLAIN, approval="approved", approval_means="key", approved_by="hoa"),
    "standing": replace(
        PLAIN, approval="approved", approval_means="standing", document_number="7/QĐ-UBND"
    ),
    "declared": replace(
        PLAIN,
        approval_means="declared",
        approved_by="Phạm Hùng",
        document_number="1234/KH-UBND ngày 20/11/2026",
    ),
    "home": replace(PLAIN, approval_means="home", approved_by="Nguyễn Văn Hòa"),
    "refused": replace(
        PLAIN,
        approval="refused",
        approval_means="pin",
        approved_by="Nguyễn Văn Hòa",
        problem=OccurrenceReason.NOT_APPROVED,
        problem_zones=PLAIN.zones,
    ),
    "held-and-awaiting": replace(AWAITING, problem=OccurrenceReason.HELD, problem_zones=()),
    "ruled": replace(
        PLAIN,
        problem=OccurrenceReason.OUTSIDE_HOURS,
        problem_zones=("Đông",),
        rule="Quy chế 12/2026/QĐ-UBND: 05:00-05:40, T2-T6",
        kept=(
            Kept(
                ("Đông",),
                OccurrenceReason.OUTSIDE_HOURS,
                "Quy chế 12/2026/QĐ-UBND: 05:00-05:40, T2-T6",
                at(6, 10),
            ),
            Kept(("Trung",), OccurrenceReason.QUIET, "tang lễ → 11:00 23/11/2026", None, at(6, 5)),
        ),
    ),
    "quiet": replace(
        PLAIN,
        problem=OccurrenceReason.QUIET,
        problem_zones=("Trung",),
        kept=(Kept(("Trung",), OccurrenceReason.QUIET, "tang lễ → 11:00 23/11/2026"),),
    ),
    "behind-an-equal": replace(
        PLAIN,
        klass=2,
        problem=OccurrenceReason.PREEMPTED,
        problem_zones=PLAIN.zones,
        sounds=(Sounds(PLAIN.zones, ((at(6, 0) + 40_000, at(6, 15) + 40_000),)),),
        behind=Behind("xa-tan-lien", "ban-tin-xa", "Bản tin xã", 2),
    ),
    "behind-a-higher": replace(
        PLAIN,
        problem=OccurrenceReason.PREEMPTED,
        problem_zones=PLAIN.zones,
        sounds=(Sounds(("Đông",), ((at(6, 0), at(6, 2)), (at(6, 5), at(6, 15)))),),
        behind=Behind("xa-tan-lien", "ban-tin-xa", "Bản tin xã", 2),
    ),
    "all-of-it": replace(PLAIN, sounds=(Sounds(PLAIN.zones, ((at(6, 0), at(6, 15)),)),)),
    "nothing-of-it": replace(
        PLAIN,
        problem=OccurrenceReason.BUS_BUSY,
        problem_zones=PLAIN.zones,
        sounds=(),
        behind=Behind("huyen", "khu-vuc", "Bản tin khu vực", 3, 4),
    ),
    "of-a-later-version": replace(
        PLAIN, kept=(Kept(("Trung",), "of_a_later_version", "từ xa"),), approval="later"
    ),
}
"""How an item may stand with the commune and its rules."""

QUIET = (
    QuietView(("Thôn Đông", "Chợ"), at(11, 0), "tang lễ cụ Lê Văn Ba", "Nguyễn Văn Hòa"),
    QuietView(("Trung",), at(7, 0, day=24), "thi học kỳ", ""),
)
DECIDING = PlanView(NOW_MS, TZ, (OVER, AWAITING, *DECIDED.values(), TOMORROW), QUIET)
STATUS_DECIDING = replace(WELL, awaiting=3, quiet=QUIET, upcoming=(AWAITING, DECIDED["ruled"]))
STATUSES["deciding"] = STATUS_DECIDING
