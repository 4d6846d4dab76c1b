"""What languages are called: ISO 639 codes as they cross the wire, and names for people.

Pure. Owns the names known here; a code that is not in the table is shown as it stands.
"""

from __future__ import annotations

from agent.contract.reasons import Lang

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
"""code → its names; the first is shown in Vietnamese, the last in English."""


def name_of(code: str, lang: Lang = "vi") -> str:
    """As people call it; a code that is not in the table as it stands."""
    names = NAMES.get(code)
    if names is None:
        return code
    return names[0] if lang == "vi" else names[-1]
