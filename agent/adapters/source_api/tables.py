"""The code tables of the source-system API, as closed enums with their Vietnamese names.

Owns the numbers and the words. Members named `MA_n` are codes that were seen as a permitted range
only: what they mean was NOT SEEN, nothing here guesses it, and the configuration may say it
(`[source_api.codes]`). A lower `MucDoUuTien` is more urgent; many schedulers assume the opposite.
"""

from __future__ import annotations

import unicodedata
from enum import IntEnum
from typing import Final


class MucDoUuTien(IntEnum):
    """Priority class; the same numbers as our own classes. [practice]"""

    KHAN_CAP = 1
    UU_TIEN = 2
    THONG_THUONG = 3


class LoaiBanTin(IntEnum):
    """What kind of bulletin. [practice]"""

    KY_TU = 1
    HINH_ANH = 2
    AM_THANH = 3
    VIDEO = 4
    TRUC_TIEP = 5
    FM = 6


class LoaiLinhVuc(IntEnum):
    """Field of a bulletin. [practice]"""

    THONG_TIN_CHUNG = 1
    DOT_XUAT = 2
    CHINH_SACH_PHAP_LUAT = 3
    CHI_DAO_DIEU_HANH = 4
    KIEN_THUC = 5
    NGUOI_TOT_VIEC_TOT = 6


class MaLenh(IntEnum):
    """Device command. Only volume was seen with its number. [practice]"""

    AM_LUONG = 0


class ThamSoDung(IntEnum):
    """ThamSo of the stop command, whose own MaLenh was not seen. [practice]"""

    DUNG_TAT_CA = 0
    CHUYEN_MUC_TIEP = 1
    TAM_DUNG = 2
    PHAT_TIEP = 3


class TrangThaiHoatDong(IntEnum):
    """Playing state in a status report. [practice for dialect B; for A an inference]"""

    DANG_PHAT = 0
    TAM_DUNG = 1
    DA_DUNG = 2


class TrangThaiGui(IntEnum):
    """Result in an answer. [practice]"""

    THANH_CONG = 0
    THAT_BAI = 1


class TiepAm(IntEnum):
    """Whether the item is a relay. [practice]"""

    KHONG = 0
    CO = 1


class CheDoPhat(IntEnum):
    """Play mode of api5 and api7: 0..2 is the permitted range, the meaning was NOT SEEN."""

    MA_0 = 0
    MA_1 = 1
    MA_2 = 2


class KieuLich(IntEnum):
    """Kind of schedule of api5 and api7: 0..3 is the permitted range, the meaning was NOT SEEN."""

    MA_0 = 0
    MA_1 = 1
    MA_2 = 2
    MA_3 = 3


class GiaTri(IntEnum):
    """Value of an api9 entry: 0..1 is the permitted range; that 1 is "yes" is an inference."""

    KHONG = 0
    CO = 1


UNSEEN: Final = {
    "LoaiNhatKy": "api9 carries an integer; no value and no meaning was seen",
    "TrangThaiKetNoi": "api8 carries an integer; no value and no meaning was seen, yet the call"
    " must carry one: codes.connected, which is 1 unless the province says otherwise",
    "MaXacThuc": "api1 carries an integer; how it is issued was not seen",
    "CheDoPhat": "0..2 permitted; what they mean was not seen",
    "KieuLich": "0..3 permitted; what they mean was not seen",
    "MaLenh": "0 is volume; the numbers of the other commands were not seen",
}
"""Code tables whose values or meanings nobody here has seen: they come from the configuration."""

NAMES: Final[dict[type[IntEnum], dict[int, str]]] = {
    MucDoUuTien: {1: "khẩn cấp", 2: "ưu tiên", 3: "thông thường"},
    LoaiBanTin: {
        1: "ký tự",
        2: "hình ảnh",
        3: "âm thanh",
        4: "video",
        5: "trực tiếp",
        6: "FM",
    },
    LoaiLinhVuc: {
        1: "thông tin chung",
        2: "đột xuất",
        3: "đường lối, chính sách, pháp luật",
        4: "chỉ đạo, điều hành của cấp ủy, chính quyền cơ sở",
        5: "kiến thức khoa học kỹ thuật, kinh tế, văn hóa, xã hội",
        6: "người tốt, việc tốt",
    },
    MaLenh: {0: "đặt âm lượng"},
    ThamSoDung: {0: "dừng tất cả", 1: "chuyển mục tiếp theo", 2: "tạm dừng", 3: "phát tiếp"},
    TrangThaiHoatDong: {0: "đang phát", 1: "tạm dừng", 2: "đã dừng"},
    TrangThaiGui: {0: "thành công", 1: "thất bại"},
    TiepAm: {0: "không tiếp âm", 1: "tiếp âm"},
    CheDoPhat: {0: "mã 0, chưa rõ nghĩa", 1: "mã 1, chưa rõ nghĩa", 2: "mã 2, chưa rõ nghĩa"},
    KieuLich: {
        0: "mã 0, chưa rõ nghĩa",
        1: "mã 1, chưa rõ nghĩa",
        2: "mã 2, chưa rõ nghĩa",
        3: "mã 3, chưa rõ nghĩa",
    },
    GiaTri: {0: "không", 1: "có"},
}

_SHORT_FIELDS: Final = {
    "chính sách": LoaiLinhVuc.CHINH_SACH_PHAP_LUAT,
    "pháp luật": LoaiLinhVuc.CHINH_SACH_PHAP_LUAT,
    "chỉ đạo": LoaiLinhVuc.CHI_DAO_DIEU_HANH,
    "điều hành": LoaiLinhVuc.CHI_DAO_DIEU_HANH,
    "kiến thức": LoaiLinhVuc.KIEN_THUC,
    "khoa học kỹ thuật": LoaiLinhVuc.KIEN_THUC,
    "kinh tế": LoaiLinhVuc.KIEN_THUC,
    "văn hóa": LoaiLinhVuc.KIEN_THUC,
    "xã hội": LoaiLinhVuc.KIEN_THUC,
}
"""What engineers write in the column "Lĩnh vực" for the long official names."""


def field_code(text: str) -> LoaiLinhVuc | None:
    """The code of a field as people write it: its number, its name, or a usual short one."""
    said = _plain(text)
    for number in LoaiLinhVuc:
        if said == str(number.value):
            return number
    for code, name in NAMES[LoaiLinhVuc].items():
        if said == _plain(name):
            return LoaiLinhVuc(code)
    return next((code for short, code in _SHORT_FIELDS.items() if said == _plain(short)), None)


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).casefold().replace(",", " ").split())


def sound_kind(source: str) -> LoaiBanTin:
    """The kind of what sounded, from a record's `source`.

    A spoken text was sent as characters and is told as such.
    """
    kind = source.partition(":")[0]
    table = {
        "stream": LoaiBanTin.TRUC_TIEP,
        "text": LoaiBanTin.KY_TU,
        "line_in": LoaiBanTin.FM,
    }
    return table.get(kind, LoaiBanTin.AM_THANH)


def is_relay(source: str) -> TiepAm:
    return TiepAm.CO if source.partition(":")[0] in ("stream", "line_in") else TiepAm.KHONG
