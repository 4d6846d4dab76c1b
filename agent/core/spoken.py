"""Text made ready for the reading machine: what is written becomes what is said.

Owns the choice of language and the phrase that dates a warning. The Vietnamese rules are in
`spoken_vi`, the English ones here; the words in `spoken_tables`. Makes no sound, knows no engine.

Invariants: a pure function of its arguments; ends on any input; writing out twice is writing out
once; in Vietnamese no digit and no word in capitals is left, because the engine would read them
in English or wrongly ("02:10" as "hai mười").
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

from agent.core.spoken_vi import NORTH, SOUTH, read_clock, read_day, write_out_vi


def write_out(text: str, lang: str) -> str:
    """The text as it is to be read aloud in `lang` (`vi`, `vi-vn-x-south`, `en`, …).

    Other languages come back with white space tidied only: there are no rules for them.
    """
    match lang.lower().split("-"):
        case ["vi", *variant]:
            return write_out_vi(text, SOUTH if "south" in variant else NORTH)
        case ["en", *_]:
            return _write_out_en(text)
    return " ".join(text.split())


def issue_phrase(issued: datetime, lang: str = "vi", *, dated: bool = True) -> str:
    """When a warning was issued, in words: `issued` is local wall time.

    02:10 on 22 November → "ban hành lúc hai giờ mười phút ngày hai mươi hai tháng mười một".
    dated: with the day; listeners take an hour without one for today's. "" in a language for
    which there are no words here.
    """
    match lang.lower().split("-"):
        case ["vi", *_]:
            day = f" {read_day(issued.day, issued.month)}" if dated else ""
            return f"ban hành lúc {read_clock(issued.hour, issued.minute)}{day}"
        case ["en", *_]:
            day = f" on {issued.day} {_MONTHS_EN[issued.month - 1]}" if dated else ""
            return f"issued at {_clock_en(issued.hour, issued.minute)}{day}"
    return ""


def drill_phrase(lang: str = "vi") -> str:
    """That a warning is none: said before and behind it. "" in a language without words here."""
    match lang.lower().split("-"):
        case ["vi", *_]:
            return "đây là diễn tập"
        case ["en", *_]:
            return "this is a drill"
    return ""


# --- English: the engine reads numbers well; times, dates and our abbreviations it does not ------

_MONTHS_EN: Final = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)

_ABBREVIATIONS_EN: Final = {
    "UBND": "People's Committee",
    "HĐND": "People's Council",
    "MTTQ": "Fatherland Front",
    "TP": "city",
    "km": "kilometres",
    "km/h": "kilometres per hour",
    "m3/s": "cubic metres per second",
    "m³/s": "cubic metres per second",
    "m2": "square metres",
    "m²": "square metres",
    "m3": "cubic metres",
    "m³": "cubic metres",
    "mm": "millimetres",
    "cm": "centimetres",
    "ha": "hectares",
    "kg": "kilograms",
    "kV": "kilovolts",
    "°C": "degrees Celsius",
    "VND": "dong",
}
_SHORT_EN: Final = re.compile(
    r"(?<![^\W\d_])("
    + "|".join(re.escape(short) for short in sorted(_ABBREVIATIONS_EN, key=len, reverse=True))
    + r")(?![^\W_])"
)
_TIME_EN: Final = re.compile(r"(?<![\d:])([01]?\d|2[0-3])[:hg]([0-5]\d)(?![\d:])", re.ASCII)
_DATE_EN: Final = re.compile(
    r"(?<![\d/])(0?[1-9]|[12]\d|3[01])/(0?[1-9]|1[0-2])(?:/(\d{4}))?(?![\d/])", re.ASCII
)


def _write_out_en(text: str) -> str:
    text = _TIME_EN.sub(lambda found: _clock_en(int(found[1]), int(found[2])), text)
    text = _DATE_EN.sub(_date_en, text)
    text = _SHORT_EN.sub(lambda found: f" {_ABBREVIATIONS_EN[found[1]]}", text)
    return " ".join(text.split())


def _date_en(found: re.Match[str]) -> str:
    # Day first, as everywhere in Vietnam.
    day = f"{int(found[1])} {_MONTHS_EN[int(found[2]) - 1]}"
    return f"{day} {found[3]}" if found[3] else day


def _clock_en(hour: int, minute: int) -> str:
    if minute == 0 and hour in (0, 12):
        return "midnight" if hour == 0 else "noon"
    part = "morning" if hour < 12 else "afternoon" if hour < 18 else "evening"
    minutes = " o'clock" if minute == 0 else f" oh {minute}" if minute < 10 else f" {minute}"
    return f"{hour % 12 or 12}{minutes} in the {part}"
