"""Emergency texts agreed beforehand, with bounded slots: one signature is enough for these.

Owns the sentences and what may stand in a slot. Pure. Invariant: a filled template differs from
its pattern only inside the slots, and a slot is short, single-line and of its kind.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from agent.contract.reasons import Lang
from simulator.source_system.problems import TemplateError
from simulator.source_system.said import Said

SLOT_MAX_CHARS = 60
_SLOT = re.compile(r"\{(\w+)\}")
_PATTERNS = {
    "place": re.compile(r"[\w ,\-]{2,60}"),
    "level": re.compile(r"[1-5]|I{1,3}|IV|V"),
    "time": re.compile(r"(?:[01]?\d|2[0-3])(?::|h| giờ ?)(?:[0-5]\d)?"),
}
SLOTS: dict[str, tuple[str, str]] = {
    "place": ("nơi, 2 đến 60 chữ: xã Mẫu", "a place, 2 to 60 letters: xã Mẫu"),
    "level": ("cấp 1 đến 5, hoặc I đến V", "a level, 1 to 5 or I to V"),
    "time": ("giờ: 19:00, 19h", "an hour: 19:00, 19h"),
}
"""What may stand in each, for people; `_PATTERNS` decides."""


class WarningTemplate(NamedTuple):
    title: str
    vi: str
    en: str
    level: str


TEMPLATES: dict[str, WarningTemplate] = {
    "xa-lu": WarningTemplate(
        "Xả lũ",
        "Hồ {place} sẽ xả lũ lúc {time}. Đề nghị bà con vùng hạ lưu khẩn trương di chuyển người, "
        "gia súc và tài sản lên nơi cao, không ở lại ven sông, ven suối.",
        "The reservoir {place} will release water at {time}. People downstream: move to higher "
        "ground now and stay away from the banks.",
        "extreme",
    ),
    "so-tan": WarningTemplate(
        "Sơ tán",
        "Yêu cầu bà con {place} sơ tán ngay đến điểm tập trung trước {time}.",
        "People of {place}: leave now for the assembly point, before {time}.",
        "extreme",
    ),
    "bao": WarningTemplate(
        "Bão",
        "Bão sẽ ảnh hưởng đến {place} từ {time}, cấp rủi ro thiên tai {level}. Đề nghị bà con "
        "chằng chống nhà cửa, không ra ngoài khi không cần thiết.",
        "A storm will reach {place} from {time}, disaster risk level {level}. Secure your houses "
        "and stay inside.",
        "warning",
    ),
    "chay-rung": WarningTemplate(
        "Cháy rừng",
        "Nguy cơ cháy rừng cấp {level} tại {place}. Nghiêm cấm đốt nương, đốt rác.",
        "Forest fire danger level {level} at {place}. All burning is forbidden.",
        "warning",
    ),
    "sat-lo": WarningTemplate(
        "Sạt lở đất",
        "Nguy cơ sạt lở đất tại {place}. Đề nghị bà con rời khỏi sườn dốc trước {time}.",
        "Danger of landslides at {place}. Leave the slopes before {time}.",
        "extreme",
    ),
}


def slots_of(name: str) -> tuple[str, ...]:
    """What must be filled in, in the order of the sentence."""
    return tuple(dict.fromkeys(_SLOT.findall(TEMPLATES[name].vi)))


def fill(name: str, slots: Mapping[str, str], lang: Lang = "vi") -> str:
    """The spoken text; raises TemplateError, which names what this template needs."""
    template = TEMPLATES.get(name)
    if template is None:
        raise TemplateError("template_unknown", name, ", ".join(sorted(TEMPLATES)))
    needed = slots_of(name)
    _refuse(name, needed, slots)
    pattern = template.vi if lang == "vi" else template.en
    return _SLOT.sub(lambda found: slots[found[1]], pattern)


def _refuse(name: str, needed: tuple[str, ...], slots: Mapping[str, str]) -> None:
    missing = [slot for slot in needed if not slots.get(slot)]
    strange = [slot for slot in slots if slot not in needed]
    wrong = [slot for slot in needed if slots.get(slot) and not _fits(slot, slots[slot])]
    if not (missing or strange or wrong):
        return
    vi, en = [_options(needed, "mẫu này cần")], [_options(needed, "it needs")]
    if missing:
        vi.append(_options(missing, "còn thiếu"))
        en.append(_options(missing, "missing"))
    if strange:
        vi.append(_options(strange, "không dùng"))
        en.append(_options(strange, "it has no"))
    for slot in wrong:
        kind_vi, kind_en = SLOTS[slot]
        vi.append(f"--{slot} “{slots[slot]}” phải là {kind_vi}")
        en.append(f"--{slot} “{slots[slot]}” must be {kind_en}")
    raise TemplateError("template_slot", name, Said("; ".join(vi), "; ".join(en)))


def _options(slots: Iterable[str], words: str) -> str:
    return f"{words} {' '.join(f'--{slot}' for slot in slots)}"


def _fits(slot: str, value: str) -> bool:
    return len(value) <= SLOT_MAX_CHARS and _PATTERNS[slot].fullmatch(value) is not None
