"""The columns of a timetable and the names they go by, Vietnamese and English.

Owns the closed list of fields. TOML keys are the field names themselves. A source in another
language has its own column, named after both: `Tệp (tày)`, `Source (English)`.
"""

from __future__ import annotations

import re

from simulator.source_system.timetable.languages import parse_language
from simulator.source_system.timetable.words import bare, clean, nearest

FIELDS: dict[str, tuple[str, ...]] = {
    "station": ("Đài/Xã", "Đài", "Xã", "Tên đài", "Station"),
    "id": ("Mã", "Mã mục", "Id", "Code"),
    "start": ("Giờ bắt đầu", "Giờ phát", "Bắt đầu", "Giờ", "Thời điểm", "Start", "Start time"),
    "duration": ("Thời lượng", "Độ dài", "Duration", "Length"),
    "title": ("Tên chương trình", "Chương trình", "Tiêu đề", "Nội dung", "Title", "Programme"),
    "class": ("Loại", "Mức ưu tiên", "Class", "Priority"),
    "source": ("Nguồn", "Nguồn phát", "Tệp", "Source", "Sources"),
    "zones": ("Khu vực", "Khu vực loa", "Cụm loa", "Zones", "Zone"),
    "days": ("Ngày phát", "Các ngày", "Thứ", "Days", "Day"),
    "from": ("Từ ngày", "Ngày bắt đầu", "From", "From date"),
    "until": ("Đến ngày", "Ngày kết thúc", "Until", "To date"),
    "repeat": ("Phát lại", "Giờ phát lại", "Repeat", "Repeats"),
    "volume": ("Âm lượng", "Volume"),
    "chime": ("Nhạc hiệu", "Chime"),
    "late": ("Nếu trễ", "Khi trễ", "Late", "If late"),
    "end": ("Hết giờ thì", "Hết giờ", "End", "At the end"),
    "resume": ("Sau khi bị ngắt", "Sau ngắt", "Resume"),
    "retake": ("Khi luồng có lại", "Quay lại luồng", "Retake", "When it is back"),
    "silence": ("Im lặng tối đa", "Im lặng", "Silence", "Most silence"),
    "field": ("Lĩnh vực", "Field"),
    "author": ("Người soạn", "Tác giả", "Author"),
    "pen_name": ("Bút danh", "Pen name"),
    "email": ("Thư điện tử", "Email", "Thư điện tử tác giả", "E-mail of the author"),
    "summary": ("Tóm tắt", "Nội dung tóm tắt", "Tóm tắt nội dung", "Summary"),
    "produced": ("Ngày sản xuất", "Thời gian sản xuất", "Sản xuất lúc", "Produced"),
    "approver": ("Người duyệt", "Approver"),
    "document_number": ("Số văn bản", "Document number"),
    "language": ("Ngôn ngữ", "Language"),
    "note": ("Ghi chú", "Note", "Notes"),
}
REQUIRED = ("start", "title", "source", "zones", "days")


def _key(name: str) -> str:
    return "".join(letter for letter in bare(name) if letter.isalnum())


_BY_KEY = {_key(name): field for field, names in FIELDS.items() for name in (field, *names)}


def field_of(header: str) -> str | None:
    """The field a header names, whatever its capitals, spaces and marks."""
    return _BY_KEY.get(_key(header))


VERSION = "source@"
"""A field of this beginning is the source of a version; its language follows."""

_VERSION = re.compile(r"(.+?) ?\((.+)\)")


def version_of(header: str) -> str | None:
    """The field of a source in another language, None for another header. Raises Fault."""
    found = _VERSION.fullmatch(clean(header))
    if found is None or field_of(found[1]) != "source":
        return None
    return VERSION + parse_language(found[2])


def guess_header(header: str) -> str:
    """The known header most like this one, or ""."""
    return nearest(header, (name for names in FIELDS.values() for name in names))


def column_letter(index: int) -> str:
    """0 → A, 26 → AA, as spreadsheets count."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters
