"""The validation rules of both dialects, as far as they were seen. Pure.

Owns which fields a message must have, of what type and form. Refuses with the field's name, in
Vietnamese as a server would. Seen rules: ids are not empty, dates can be read, times are exactly
HH:mm:ss.ffffff, codes lie in their ranges, ThoiLuong is not negative; presence and types of
dialect B follow what its receivers send.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

Check = Callable[[Any], bool]

DIGITS_MAX = 9
INSTANT_MIN_S, INSTANT_MAX_S = 946_684_800, 4_102_444_800

_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{6}")
_LENGTH = re.compile(r"\d{2}:[0-5]\d:[0-5]\d")
_DAY = re.compile(r"\d{2}-\d{2}-\d{4}")


def text(value: Any) -> bool:
    return isinstance(value, str)


def identity(value: Any) -> bool:
    return isinstance(value, str) and value.strip() != ""


def whole(low: int | None = None, high: int | None = None) -> Check:
    """A number that is no truth value and no text."""

    def check(value: Any) -> bool:
        if isinstance(value, bool) or not isinstance(value, int):
            return False
        return (low is None or value >= low) and (high is None or value <= high)

    return check


def number(low: float, high: float) -> Check:
    def check(value: Any) -> bool:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        return low <= value <= high

    return check


def digits(low: int, high: int) -> Check:
    """A number written as text."""

    def check(value: Any) -> bool:
        plain = isinstance(value, str) and value.isascii() and value.isdecimal()
        return plain and len(value) <= DIGITS_MAX and low <= int(value) <= high

    return check


def one_of(*names: str) -> Check:
    return lambda value: value in names


def date_time(value: Any) -> bool:
    """2021-12-31T00:00:00.00000"""
    if not isinstance(value, str) or "T" not in value:
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def matches(pattern: re.Pattern[str]) -> Check:
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


def list_of(check: Check, *, empty: bool = True) -> Check:
    def every(value: Any) -> bool:
        return isinstance(value, list) and (empty or bool(value)) and all(map(check, value))

    return every


def made_of(**fields: Check) -> Check:
    def check(value: Any) -> bool:
        return isinstance(value, dict) and not complaints(value, fields)

    return check


instant = whole(INSTANT_MIN_S, INSTANT_MAX_S)
never_or_instant: Check = lambda value: value == 0 or instant(value)  # noqa: E731 - reads as one
percent = whole(0, 100)
AREA = made_of(DichID=identity, TenDich=text)

# --- dialect A -----------------------------------------------------------------------------

_CLUSTER: dict[str, Check] = {"NguonId": identity, "CumLoaId": identity}
_PLAN = made_of(
    ThoiDiemBatDau=list_of(matches(_CLOCK), empty=False),
    ThoiDiemKetThuc=list_of(matches(_CLOCK), empty=False),
    KieuLich=whole(0, 3),
    DanhSachNgayPhat=list_of(whole()),
)
_TIMES: dict[str, Check] = {
    "NguonId": identity,
    "BanTinId": identity,
    "NgayBatDau": date_time,
    "NgayKetThuc": date_time,
    "CheDoPhat": whole(0, 2),
    "LichPhat": _PLAN,
}

# --- dialect B -----------------------------------------------------------------------------

_DEVICE: dict[str, Check] = {
    "NguonID": identity,
    "TenNguon": text,
    "DichID": identity,
    "TenDich": text,
    "CumLoaID": identity,
    "TenThietBi": text,
    "MaNhaCungCap": identity,
    "TenNhaCungCap": text,
}
_JOURNAL: dict[str, Check] = {
    **_DEVICE,
    "BanTinID": identity,
    "LoaiBanTin": whole(1, 6),
    "MucDoUuTien": whole(1, 3),
    "TieuDe": text,
    "LoaiLinhVuc": whole(1, 6),
    "NoiDungTomTat": text,
    "ThoiGianSanXuat": whole(0),
    "ThoiLuong": matches(_LENGTH),
    "TacGia": made_of(TenDayDu=text, ButDanh=text, Email=text),
    "ThoiDiemBatDau": instant,
    "TiepAm": whole(0, 1),
    "NguonTiepAm": text,
    "NoiDung": text,
    "ThongTinChiTietBanTin": list_of(made_of(Ten=identity, GiaTri=text)),
    "NguonTin": text,
    "AmLuong": text,
    "CongSuat": text,
}

RULES: dict[str, dict[str, Check]] = {
    "api1": {**_CLUSTER, "MaXacThuc": whole()},
    "api2": {**_CLUSTER, "DiaBanQuanLy": identity},
    "api3": _CLUSTER,
    "api4": {**_CLUSTER, "AmLuong": percent},
    "api5": {
        **_TIMES,
        "TieuDe": text,
        "LinhVuc": lambda value: text(value) or whole(1, 6)(value),
        "NoiDungTomTat": text,
        "ThoiGianSanXuat": date_time,
        "ThoiLuong": whole(0),
        "TacGia": lambda value: isinstance(value, str | dict),
        "NoiDung": lambda value: isinstance(value, dict | list),
        "DiaBanTao": text,
        "DanhSachDiaBanNhan": list_of(lambda value: isinstance(value, str | dict)),
    },
    "api6": {"NguonId": identity, "BanTinId": identity},
    "api7": _TIMES,
    "api8": {
        **_CLUSTER,
        "TrangThaiHoatDong": whole(),
        "TrangThaiKetNoi": whole(),
        "AmLuong": percent,
    },
    "api9": {
        "NguonId": identity,
        "BanTinId": identity,
        "ThoiDiemGui": date_time,
        "LoaiNhatKy": whole(),
        "GiaTri": whole(0, 1),
    },
    "login": {"Username": identity, "Password": identity},
    "status": {
        **_DEVICE,
        "TenLoaiThietBi": text,
        "AmLuong": digits(0, 100),
        "TrangThaiHoatDong": one_of("0", "1", "2"),
        "TrangThaiKetNoi": text,
        "ViDo": number(-90, 90),
        "KinhDo": number(-180, 180),
        "ThongTinThietBi": made_of(CongSuat=text, NhietDo=text, DungLuongSuDung=text),
        "ThoiDiemBatDau": never_or_instant,
        "NoiDungPhat": text,
        "PhienBanUngDung": identity,
    },
    "journal": _JOURNAL,
    "journal_end": {**_JOURNAL, "ThoiDiemBatDau": never_or_instant},
    "schedule_saved": {
        **_DEVICE,
        "LichPhatID": text,
        "TenLichPhat": text,
        "DanhSachDiaBan": list_of(AREA),
        "DanhSachBanTin": list_of(identity),
    },
    "schedule_deleted": {
        **_DEVICE,
        "DanhSachThietBi": made_of(CumLoaID=list_of(identity, empty=False)),
        "LichPhatID": text,
        "TenLichPhat": text,
    },
    "outcome": {**_DEVICE, "TrangThaiGui": whole(0, 1), "MoTa": text},
    "poll": {},
    # What an operator may send to a station.
    "command": {
        "NguonID": identity,
        "TenNguon": text,
        "DanhSachDiaBanNhan": list_of(AREA),
        "DanhSachThietBi": made_of(CumLoaID=list_of(identity)),
        "DieuKhienThietBi": made_of(MaLenh=whole(0), ThamSo=text),
    },
    "item": {
        "LichPhatID": identity,
        "BanTinID": identity,
        "LoaiBanTin": whole(1, 6),
        "MucDoUuTien": whole(1, 3),
        "TieuDe": text,
        "NoiDung": text,
        "DanhSachNgayPhat": list_of(
            made_of(
                TimNgayPhat=matches(_DAY),
                ThoiDiemPhat=list_of(made_of(ThoiGianBatDau=instant, ThoiGianKetThuc=instant)),
            )
        ),
    },
    "deleted": {"LichPhatID": identity},
}
"""Message → what each of its fields must be. Fields beyond them are ignored."""


def complaints(body: Mapping[str, Any], rules: Mapping[str, Check]) -> list[str]:
    """What is wrong, field by field; empty when nothing is."""
    found = []
    for name, check in rules.items():
        if name not in body:
            found.append(f"thiếu {name}")
        elif not check(body[name]):
            found.append(f"{name} không hợp lệ: {str(body[name])[:40]!r}")
    return found


def judge(message: str, body: Any) -> str:
    """ "" when it may be taken, else why not."""
    if not isinstance(body, dict):
        return "không phải đối tượng JSON"
    return "; ".join(complaints(body, RULES[message]))
