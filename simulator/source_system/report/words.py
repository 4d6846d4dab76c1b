"""How a report says things in Vietnamese: numbers, dates, lengths, and names of codes. Pure.

1.234,5 with a comma; dates day first; what is not known is said, never left out. A level is dBFS,
what the mixer sent to the card; it is no measurement in the open and has no other unit here.
"""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from agent.contract.reasons import ALARM, OCCURRENCE, RULES_OF_THE_AIR, AlarmCode, OccurrenceReason
from simulator.source_system.chain_check import FINDINGS, FindingKind
from simulator.source_system.report.columns import ABOVE_CEILING, UNSAID
from simulator.source_system.report.figures import Result
from simulator.source_system.report.ranges import ChainState
from simulator.source_system.timetable.languages import NAMES

UNKNOWN = "không rõ"
NOTHING = "–"
HOUR_MS = 3_600_000

RESULT: dict[Result, str] = {
    "played": "phát đủ",
    "partial": "phát một phần",
    "mute": "phát nhưng đo thấy mất tiếng",
    "missed": "không phát",
    "other": "kết quả chưa biết",
}
APPROVAL = {
    "home": "của cơ quan quản lý đài, không phải chờ duyệt",
    "standing": "duyệt sẵn theo văn bản",
    "key": "duyệt bằng khóa ký",
    "pin": "duyệt bằng mã PIN",
    "declared": "theo khai báo của nơi gửi",
    "": "không cần duyệt, hoặc chưa được duyệt",
    UNSAID: "không rõ (phần mềm cũ không ghi)",
}
CHAIN: dict[ChainState, str] = {
    "signed": "nguyên vẹn, đài đã ký",
    "linked": "nguyên vẹn, chưa có chữ ký",
    "broken": "BỊ ĐỨT",
    "none": "phần mềm cũ, không có chuỗi",
    "not_checked": "chưa kiểm",
}
DBFS = (
    "dBFS là mức tín hiệu RMS ở đầu ra bộ trộn của máy so với thang số đầy, trước ampli và loa. "
    "Đây không phải độ ồn ngoài trời và không quy đổi được thành độ ồn; muốn biết độ ồn phải đo "
    "tại chỗ bằng máy đo."
)
GRADES = (
    "Mức bằng chứng: A từ 95 % thời gian phát được đo tại cụm loa, B từ 70 %, C dưới 70 %, "
    "D không đo được gì. Thang này do phần mềm đặt ra, không phải quy định."
)


def count(value: int) -> str:
    """1234567 → 1.234.567."""
    return f"{value:,}".replace(",", ".").replace("-", "−")


def decimal(value: float, places: int = 1) -> str:
    """1234.5 → 1.234,5."""
    text = f"{value:,.{places}f}"
    return text.replace(",", " ").replace(".", ",").replace(" ", ".").replace("-", "−")


def percent(value: float | None, places: int = 1) -> str:
    """0.9876 → 98,8 %. What is not quite all is never rounded up to 100 %, nor a little to none."""
    if value is None:
        return UNKNOWN
    shown = round(value * 100, places)
    if value < 1 and shown >= 100:
        shown = 100 - 10**-places
    if value > 0 and shown == 0:
        return f"< {decimal(10**-places, places)} %"
    return f"{decimal(shown, places)} %"


def hours(length_ms: int | float) -> str:
    """In hours with one decimal."""
    return decimal(length_ms / HOUR_MS, 1)


def length(length_ms: float | None) -> str:
    """As people say it: 45 giây, 3 phút 20 giây, 5 giờ 12 phút, 3 ngày 4 giờ."""
    if length_ms is None:
        return UNKNOWN
    seconds = round(length_ms / 1000)
    if length_ms < 60_000:
        return f"{decimal(length_ms / 1000, 1)} giây"
    for size, name, lower, below in (
        (86_400, "ngày", 3_600, "giờ"),
        (3_600, "giờ", 60, "phút"),
        (60, "phút", 1, "giây"),
    ):
        if seconds >= size:
            rest = seconds % size // lower
            return f"{count(seconds // size)} {name}" + (f" {rest} {below}" if rest else "")
    return f"{seconds} giây"


def moment(at_ms: int, tz: ZoneInfo) -> str:
    """25/11/2026 05:00:03."""
    return f"{dt.datetime.fromtimestamp(at_ms / 1000, tz):%d/%m/%Y %H:%M:%S}"


def day(value: dt.date) -> str:
    return f"{value:%d/%m/%Y}"


def long_day(value: dt.date) -> str:
    """As documents write it: days below 10 and the months 1 and 2 with a zero."""
    month = f"{value.month:02}" if value.month < 3 else str(value.month)
    return f"ngày {value.day:02} tháng {month} năm {value.year}"


def reason(code: str) -> str:
    """In words; a code of newer software as it is."""
    if code == ABOVE_CEILING:
        return "to hơn mức trần âm lượng của quy chế"
    try:
        return OCCURRENCE[OccurrenceReason(code)].vi
    except ValueError:
        return code or UNKNOWN


def is_rule(code: str) -> bool:
    """Whether the operating regulation, or a quiet, kept it from playing."""
    return code in RULES_OF_THE_AIR


def alarm(code: str) -> str:
    try:
        return ALARM[AlarmCode(code)].vi
    except ValueError:
        return code


def finding(kind: str) -> str:
    """What the collector found when a record came."""
    try:
        return FINDINGS[FindingKind(kind)][0].vi
    except ValueError:
        return kind


def language(code: str) -> str:
    """`tyz` → tiếng Tày; a code that is not known here as it is."""
    names = NAMES.get(code.partition("-")[0])
    return f"tiếng {names[0]}" if names else code


def approval(means: str) -> str:
    return APPROVAL.get(means, means)


def printable(text: str) -> str:
    """Without the control characters that no document may hold; titles come from outside."""
    return "".join(one if one.isprintable() or one in "\n\t\u00a0" else "�" for one in text)


def share_of(part: int, whole: int) -> str:
    """`98,5 % của 1.234`; nothing of nothing is not told."""
    return f"{percent(part / whole)} của {count(whole)}" if whole else ""
