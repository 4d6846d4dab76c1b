"""How a relay is kept alive, as the cells of a row say it.

Pure. Owns the words for going back to a stream and for how much silence counts as a lost one.
"""

from __future__ import annotations

import re
from typing import Literal

from agent.contract.documents import RelayRule
from simulator.source_system.timetable.findings import Fault
from simulator.source_system.timetable.words import bare, nearest

Retake = Literal["at_once", "when_over", "never"]

SILENCE_MAX_MS = 600_000

_RETAKE: dict[str, Retake] = {
    "": "at_once",
    "ngay": "at_once",
    "quay lai ngay": "at_once",
    "co": "at_once",
    "at once": "at_once",
    "at_once": "at_once",
    "khi het bai": "when_over",
    "het bai": "when_over",
    "when over": "when_over",
    "when_over": "when_over",
    "khong": "never",
    "khong quay lai": "never",
    "never": "never",
    "no": "never",
}
_NEVER = frozenset({"khong", "no", "never", "0"})
_SPAN = re.compile(r"(\d{1,3}) ?(giay|s|sec|seconds?|phut|min|minutes?)")


def parse_retake(text: str) -> Retake:
    """Whether a stream that is back is gone back to. Raises Fault."""
    plain = bare(text)
    if plain not in _RETAKE:
        raise Fault("retake", guess=nearest(text, ("ngay", "khi hết bài", "không")))
    return _RETAKE[plain]


def parse_silence(text: str) -> int:
    """So many ms of it count as a source that is down; 0: silence is fine. Raises Fault."""
    plain = bare(text)
    if not plain:
        return RelayRule().silent_ms
    if plain in _NEVER:
        return 0
    found = _SPAN.fullmatch(plain)
    if found is None:
        raise Fault("silence", guess=f"{plain} giây" if plain.isdigit() else "20 giây")
    silent_ms = int(found[1]) * (1_000 if found[2].startswith(("giay", "s")) else 60_000)
    if not 0 < silent_ms <= SILENCE_MAX_MS:
        raise Fault("silence")
    return silent_ms
