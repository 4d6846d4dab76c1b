"""The invented district: stations, zones, what each can measure, and the daily timetable.

Names are invented or common words; nothing here is a real commune's data.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from agent.contract.reports import ApprovalMeans

_FIRST = ("Tân", "An", "Bình", "Hòa", "Phú", "Yên", "Thanh", "Đông", "Nam", "Bắc")
_SECOND = ("Liên", "Lộc", "Sơn", "Thủy", "Giang", "Hải", "Khê", "Lâm", "Phong", "Xuân")
_ASCII = str.maketrans("ânìòúêôảĐầđáứăơư", "anioueoaDadauaou")
ZONES = ("thôn Đông", "thôn Đoài", "thôn Trung", "thôn Nam", "thôn Bắc", "thôn Thượng")
AREA, PROVINCE = "khu-vuc", "tinh"


@dataclass(frozen=True, slots=True)
class Programme:
    """One line of the daily timetable. means: how the commune's approval is known, if needed."""

    entry: str
    title: str
    at_min: int
    length_min: int
    authority: str
    source: str
    author: str
    field: str
    klass: int = 3
    means: ApprovalMeans | None = "home"
    document_number: str = ""
    language: str = "vi"


def _at(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)


_COMMUNE, _AREA_DESK, _PROVINCE_DESK = "Cán bộ văn hóa xã", "Ban biên tập khu vực", "Đài tỉnh"
_FILE, _STREAM, _TEXT = "file:5f2a", "stream:0", "text"

TIMETABLE: tuple[Programme, ...] = tuple(
    Programme(entry, title, _at(clock), length, authority, source, author, field, **more)
    for entry, title, clock, length, authority, source, author, field, more in (
        ("nhac-hieu", "Nhạc hiệu và Quốc ca", "05:00", 5, "xa", _FILE, _COMMUNE, "1", {}),
        ("vov", "Tiếp âm thời sự Đài Tiếng nói Việt Nam", "05:05", 25, PROVINCE, _STREAM,
         _PROVINCE_DESK, "1", {"means": "standing", "document_number": "12/QC-UBND"}),
        ("khu-vuc", "Bản tin khu vực", "05:30", 15, AREA, _FILE, _AREA_DESK, "4",
         {"means": "key"}),
        ("ban-tin-xa", "Bản tin xã", "05:45", 10, "xa", _FILE, _COMMUNE, "4", {}),
        ("thong-bao", "Thông báo của thôn", "05:55", 5, "xa", _TEXT, "Trưởng thôn", "1", {}),
        ("thoi-tiet", "Dự báo thời tiết", "06:00", 5, AREA, _FILE, _AREA_DESK, "1",
         {"means": "standing", "document_number": "12/QC-UBND"}),
        ("nong-nghiep", "Chuyên mục nông nghiệp", "06:05", 15, AREA, _FILE, _AREA_DESK, "5",
         {"means": "pin"}),
        ("tiem-chung", "Thông báo lịch tiêm chủng", "11:00", 5, AREA, _FILE, "Trạm y tế", "2",
         {"klass": 2, "means": None}),
        ("ban-tin-trua", "Bản tin trưa", "11:05", 10, "xa", _FILE, _COMMUNE, "4", {}),
        ("phap-luat", "Phổ biến pháp luật", "11:15", 15, AREA, _FILE, _AREA_DESK, "3",
         {"means": "declared", "document_number": "07/KH-UBND"}),
        ("ca-nhac", "Ca nhạc theo yêu cầu", "11:30", 10, "xa", _FILE, _COMMUNE, "5", {}),
        ("thieu-nhi", "Chương trình thiếu nhi", "16:30", 15, AREA, _FILE, _AREA_DESK, "5",
         {"means": "key"}),
        ("ban-tin-chieu", "Bản tin chiều", "16:45", 10, "xa", _FILE, _COMMUNE, "4", {}),
        ("dan-so", "Dân số và sức khỏe", "16:55", 10, AREA, _FILE, "Trạm y tế", "5",
         {"means": "declared", "document_number": "31/KH-TYT"}),
        ("dai-tinh", "Tiếp âm Đài Phát thanh tỉnh", "17:05", 30, PROVINCE, _STREAM,
         _PROVINCE_DESK, "1", {"means": "standing", "document_number": "12/QC-UBND"}),
        ("phat-lai", "Bản tin xã (phát lại)", "17:35", 10, "xa", _FILE, _COMMUNE, "4", {}),
        ("guong-tot", "Người tốt việc tốt", "17:45", 10, AREA, _FILE, _AREA_DESK, "6",
         {"means": "key"}),
        ("nhac-viec", "Nhắc việc trong ngày", "17:55", 2, "xa", _TEXT, _COMMUNE, "1", {}),
        ("tieng-tay", "Bản tin tiếng Tày", "18:00", 10, AREA, _FILE, _AREA_DESK, "4",
         {"means": "key", "language": "tyz"}),
        ("nong-thon-moi", "Xây dựng nông thôn mới", "18:10", 10, AREA, _FILE, _AREA_DESK, "3",
         {"means": "pin"}),
    )
)  # fmt: skip
"""Twenty a day."""


@dataclass(frozen=True, slots=True)
class Station:
    """measured: per zone, whether its controller reads back what the line does.

    level_cdb: about how loud its programmes leave the mixer. daily_mib: about its data a day.
    chained: its software chains and signs records and knows approvals. box_mains: what the box says
    of its own mains while it runs; None: it has no sense for it.
    """

    id: str
    name: str
    zones: tuple[str, ...]
    measured: tuple[bool, ...]
    level_cdb: int
    volume: int
    daily_mib: int
    chained: bool
    box_mains: bool | None = None


def amplifier(place: int) -> str:
    """Of the zone at that place; the first holds the controller."""
    return f"ampli-{place + 1}"


def stations(count: int, rng: Random) -> tuple[Station, ...]:
    names = [f"{one} {other}" for one in _FIRST for other in _SECOND]
    rng.shuffle(names)
    return tuple(_station(number, names[number % len(names)], rng) for number in range(count))


def _station(number: int, name: str, rng: Random) -> Station:
    known = number % 7 != 3  # every seventh has an old controller that reads back nothing
    return Station(
        id=f"xa-{number + 1:02}",
        name=f"Xã {name}",
        zones=ZONES,
        measured=tuple(known and rng.random() > 0.06 for _ in ZONES),
        level_cdb=-round(rng.gauss(2_250, 180)),
        volume=rng.choice((60, 65, 70, 70, 75)),
        daily_mib=rng.randint(45, 130),
        chained=number % 17 != 16,
        box_mains=True if number % 3 == 0 else None,
    )
