"""What people type → the names the station knows: without tone marks, shortened, nearly right."""

from __future__ import annotations

import difflib
import unicodedata
from dataclasses import dataclass

from agent.cli.times import local_words, read_time, says
from agent.core.requests import Upcoming


@dataclass(frozen=True, slots=True)
class NotFound:
    """candidates: the nearest names (none: nothing is near). several: more than one fits.

    at: it is there, but does not start then; the candidates are its starts.
    """

    wanted: str
    candidates: tuple[str, ...]
    several: bool = False
    at: str = ""


def fold(text: str) -> str:
    """`Thôn Đoài`, `thon-doai` and `thôn_đoài` are the same."""
    letters = unicodedata.normalize("NFD", text.casefold().replace("đ", "d"))
    return "".join(letter for letter in letters if letter.isalnum())


def find_name(wanted: str, names: tuple[str, ...]) -> str | NotFound:
    """Exact name, else the same letters without marks, else the only name that contains it."""
    if wanted in names:
        return wanted
    key = fold(wanted)
    same = [name for name in names if fold(name) == key]
    fits = same or [name for name in names if key and key in fold(name)]
    if len(fits) == 1:
        return fits[0]
    if fits:
        return NotFound(wanted, tuple(fits), several=True)
    by_key = {fold(name): name for name in names}
    near = difflib.get_close_matches(key, list(by_key), n=3, cutoff=0.5)
    return NotFound(wanted, tuple(by_key[one] for one in near))


STARTS_NAMED = 3


def find_entry(
    wanted: str, items: tuple[Upcoming, ...], when: str = "", now_ms: int = 0
) -> Upcoming | NotFound:
    """`authority/entry` or `entry` → its next planned occurrence, or the one meant by `when`.

    One of today that is over and may still be placed comes after those that are not.
    """
    fits = [item for item in items if wanted in (item.entry, full_id(item))]
    full = sorted({full_id(item) for item in fits})
    if len(full) > 1:
        return NotFound(wanted, tuple(full), several=True)
    if not fits:
        ids = sorted({full_id(item) for item in items})
        return NotFound(wanted, tuple(difflib.get_close_matches(wanted, ids, n=3, cutoff=0.4)))
    fits.sort(key=lambda item: (item.start_ms <= now_ms, item.start_ms))
    typed = read_time(when)
    then = [item for item in fits if not when or (typed and says(typed, item.nominal))]
    if not then:
        starts = tuple(local_words(item.nominal) for item in fits[:STARTS_NAMED])
        return NotFound(wanted, starts, at=when)
    return then[0]


def full_id(item: Upcoming) -> str:
    return f"{item.authority}/{item.entry}"
