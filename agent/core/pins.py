"""PINs of the people who decide at a station: which is too weak, how long a name has to wait.

Owns the rules only. Where PINs are kept and compared is `agent.adapters.pins`; which person may
approve or announce stands beside the PIN, because the technician sets both.

Invariants: a name may be wrong `FREE_TRIES` times, then every further try costs a wait that doubles
up to `WAIT_MAX_MS`; a clock that goes back never shortens or lengthens a wait that began.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise
from typing import Any, Literal, get_args

from agent.core import requests as asked

Right = Literal["approve", "announce"]
RIGHTS: tuple[Right, ...] = get_args(Right)

RIGHT_FOR: dict[type[Any], Right] = {
    asked.ApproveRequest: "approve",
    asked.AnnounceRequest: "announce",
    asked.SpeakRequest: "announce",
}
"""What is done only by a person who holds the right to it; all else may be done with a name."""

PIN_LEAST, PIN_MOST = 6, 12
NAME_MOST = 64

FREE_TRIES = 5
WAIT_FIRST_MS = 60_000
WAIT_MAX_MS = 60 * 60_000

Weakness = Literal["digits", "short", "long", "few", "row", "repeated", "year", "date"]
"""digits: not digits only. few: fewer than three different. row: up or down in equal steps.
repeated: a group again and again. year, date: what is tried first by who knows the person.
"""


def weakness_of(pin: str) -> Weakness | None:
    """Why a PIN is not taken; None: it is."""
    if not (pin.isascii() and pin.isdecimal()):
        return "digits"
    if len(pin) < PIN_LEAST:
        return "short"
    if len(pin) > PIN_MOST:
        return "long"
    if len(set(pin)) < 3:
        return "few"
    if len({(int(b) - int(a)) % 10 for a, b in pairwise(pin)}) == 1:
        return "row"
    if any(pin == pin[:size] * (len(pin) // size) for size in (2, 3, 4) if len(pin) % size == 0):
        return "repeated"
    if _is_date(pin):
        return "date"
    return "year" if _has_year(pin) else None


def _has_year(pin: str) -> bool:
    """At an end of a short one; a long one has enough digits beside it."""
    return len(pin) <= 8 and any(1900 <= int(four) <= 2099 for four in (pin[:4], pin[-4:]))


def _is_date(pin: str) -> bool:
    """As 23/11/85, 85-11-23, 11/23/85, also with the whole year."""
    orders: tuple[tuple[str, str, str], ...]
    if len(pin) == 6:
        two = pin[:2], pin[2:4], pin[4:]
        orders = (two, (two[2], two[1], two[0]), (two[1], two[0], two[2]))
    elif len(pin) == 8:
        orders = (
            (pin[:2], pin[2:4], pin[4:]),
            (pin[6:], pin[4:6], pin[:4]),
            (pin[2:4], pin[:2], pin[4:]),
        )
    else:
        return False
    return any(_is_day(*order) for order in orders)


def _is_day(day: str, month: str, year: str) -> bool:
    whole = int(year) if len(year) == 4 else 2000 + int(year)
    if not 1900 <= whole <= 2099:
        return False
    try:
        date(whole, int(month), int(day))
    except ValueError:
        return False
    return True


def name_key(name: str) -> str:
    """`Nguyễn Văn Hòa`, `nguyen van hoa` and `NGUYEN  VAN HOA` are one person."""
    letters = unicodedata.normalize("NFD", name.casefold().replace("đ", "d"))
    return "".join(letter for letter in letters if letter.isalnum())


def plain_name(name: str) -> str | None:
    """The name as it is kept; None: nothing that could be one."""
    kept = " ".join(unicodedata.normalize("NFC", name).split())
    usable = kept.isprintable() and len(kept) <= NAME_MOST and len(name_key(kept)) >= 2
    return kept if usable and any(letter.isalpha() for letter in kept) else None


@dataclass(frozen=True, slots=True)
class Tries:
    """Wrong PINs of a name in a row. last_ms: when the last one was."""

    wrong: int = 0
    last_ms: int = 0

    def seen_at(self, now_ms: int) -> Tries:
        """By a clock that may have gone back meanwhile: then the wait begins anew."""
        return self if self.last_ms <= now_ms else replace(self, last_ms=now_ms)

    def wait_ms(self, now_ms: int) -> int:
        """How long the name still has to wait; 0: it may be tried."""
        if self.wrong < FREE_TRIES:
            return 0
        length_ms = min(WAIT_MAX_MS, WAIT_FIRST_MS << min(20, self.wrong - FREE_TRIES))
        return max(0, min(length_ms, self.last_ms + length_ms - now_ms))

    @property
    def left(self) -> int:
        """Tries before the name has to wait."""
        return max(0, FREE_TRIES - self.wrong)

    def and_one(self, now_ms: int) -> Tries:
        return Tries(self.wrong + 1, now_ms)
