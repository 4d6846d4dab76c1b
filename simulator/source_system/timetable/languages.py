"""Languages as people name them: `tày`, `tiếng Mông`, `English`, or their code.

Pure. Owns how a name that somebody wrote is found. A code that is not in the table is taken as it
stands; a name that is not is refused with the one most like it.
"""

from __future__ import annotations

import re

from agent.contract.languages import NAMES, name_of
from simulator.source_system.timetable.findings import Fault
from simulator.source_system.timetable.words import bare, nearest

__all__ = ["NAMES", "SPOKEN", "name_of", "needs_recording", "parse_language"]

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


def needs_recording(code: str) -> bool:
    """Whether no station can read a text in this language."""
    return code in NAMES and code not in SPOKEN
