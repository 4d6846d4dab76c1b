"""Languages as people name them: `tày`, `tiếng Mông`, `English`, or their code.

Pure. Owns the names known here and their ISO 639 codes. A code that is not in the table is taken as
it stands; a name that is not is refused with the one most like it.
"""

from __future__ import annotations

import re

from simulator.source_system.timetable.findings import Fault
from simulator.source_system.timetable.words import bare, nearest

NAMES: dict[str, tuple[str, ...]] = {
    "vi": ("Việt", "phổ thông", "Kinh", "Vietnamese"),
    "en": ("Anh", "English"),
    "tyz": ("Tày", "Tay"),
    "nut": ("Nùng", "Nung"),
    "hmn": ("Mông", "H'Mông", "Hmông", "Hmong"),
    "ium": ("Dao", "Iu Mien"),
    "blt": ("Thái", "Thái Đen", "Tai Dam"),
    "twh": ("Thái Trắng", "Tai Don"),
    "mtq": ("Mường", "Muong"),
    "km": ("Khmer", "Khơ Me"),
    "cjm": ("Chăm", "Cham"),
    "rad": ("Ê Đê", "Rade"),
    "jra": ("Gia Rai", "J'rai", "Jarai"),
    "bdq": ("Ba Na", "Bahnar"),
    "sed": ("Xơ Đăng", "Xê Đăng", "Sedang"),
    "kpm": ("Cơ Ho", "K'Ho", "Koho"),
    "cmo": ("M'nông", "Mnông", "Mnong"),
    "hre": ("Hrê", "Hre"),
    "sti": ("Xtiêng", "S'tiêng", "Stieng"),
    "bru": ("Bru", "Vân Kiều", "Bru-Vân Kiều"),
    "ktv": ("Cơ Tu", "Katu"),
    "rog": ("Ra Glai", "Raglai", "Roglai"),
    "cma": ("Mạ", "Maa"),
    "pcc": ("Giáy", "Giay"),
    "hni": ("Hà Nhì", "Hani"),
    "kjg": ("Khơ Mú", "Khmu"),
    "lo": ("Lào", "Lao"),
    "yue": ("Quảng Đông", "Cantonese"),
    "zh": ("Trung", "Hoa", "Chinese"),
}
"""code → its names; the first is the one shown."""

SPOKEN = frozenset({"vi", "en", "zh", "yue"})
"""Those of the table for which a station may have a voice; the others need recordings."""

_CODE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{1,8})*")
_PREFIX = re.compile(r"^(?:tieng |ban tieng |ngon ngu )")


def _key(name: str) -> str:
    return re.sub(r"[^a-z]", "", _PREFIX.sub("", bare(name)))


_BY_KEY = {_key(name): code for code, names in NAMES.items() for name in names}


def parse_language(text: str) -> str:
    """The code of a language. Raises Fault with the name that was probably meant."""
    known = _BY_KEY.get(_key(text))
    if known is not None:
        return known
    if _CODE.fullmatch(text.strip()):
        return text.strip()
    raise Fault("language", guess=nearest(text, (names[0] for names in NAMES.values())))


def name_of(code: str) -> str:
    """As people call it; a code that is not in the table as it stands."""
    names = NAMES.get(code)
    return names[0] if names else code


def needs_recording(code: str) -> bool:
    """Whether no station can read a text in this language."""
    return code in NAMES and code not in SPOKEN
