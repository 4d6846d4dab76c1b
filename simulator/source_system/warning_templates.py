"""Emergency texts agreed beforehand, with bounded slots: one signature is enough for these.

Owns the sentences and what may stand in a slot. Pure. Invariant: a filled template differs from
its pattern only inside the slots, and a slot is short, single-line and of its kind.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from agent.contract.reasons import Lang
from simulator.source_system.problems import TemplateError

SLOT_MAX_CHARS = 60
_SLOT = re.compile(r"\{(\w+)\}")
_PATTERNS = {
    "place": re.compile(r"[\w ,\-]{2,60}"),
    "level": re.compile(r"[1-5]|I{1,3}|IV|V"),
    "time": re.compile(r"(?:[01]?\d|2[0-3])(?::|h| giờ ?)(?:[0-5]\d)?"),
}


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


def fill(name: str, slots: Mapping[str, str], lang: Lang = "vi") -> str:
    """The spoken text; raises TemplateError."""
    template = TEMPLATES.get(name)
    if template is None:
        raise TemplateError("template_unknown", name, ", ".join(sorted(TEMPLATES)))
    pattern = template.vi if lang == "vi" else template.en
    needed = _SLOT.findall(pattern)
    for slot in needed:
        _check(name, slot, slots.get(slot, ""))
    unknown = sorted(set(slots) - set(needed))
    if unknown:
        raise TemplateError("template_slot", name, f"{unknown[0]}? {', '.join(needed)}")
    return _SLOT.sub(lambda found: slots[found[1]], pattern)


def _check(name: str, slot: str, value: str) -> None:
    if not value:
        raise TemplateError("template_slot", name, f"{slot}?")
    if len(value) > SLOT_MAX_CHARS or not _PATTERNS[slot].fullmatch(value):
        raise TemplateError("template_slot", name, f"{slot}: {value}")
