"""What people type → the names the station knows: without tone marks, shortened, nearly right."""

from __future__ import annotations

import difflib
import unicodedata
from dataclasses import dataclass

from agent.core.requests import Upcoming


@dataclass(frozen=True, slots=True)
class NotFound:
    """candidates: the nearest names (none: nothing is near). several: more than one fits."""

    wanted: str
    candidates: tuple[str, ...]
    several: bool = False


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


def find_entry(
    wanted: str, items: tuple[Upcoming, ...], nominal: str | None = None
) -> Upcoming | NotFound:
    """`authority/entry` or `entry` → its next planned occurrence (or the one at `nominal`)."""
    fits = [item for item in items if wanted in (item.entry, f"{item.authority}/{item.entry}")]
    if nominal is not None:
        fits = [item for item in fits if item.nominal == nominal]
    authorities = {item.authority for item in fits}
    if len(authorities) > 1:
        full = sorted({f"{item.authority}/{item.entry}" for item in fits})
        return NotFound(wanted, tuple(full), several=True)
    if fits:
        return min(fits, key=lambda item: item.start_ms)
    ids = sorted({f"{item.authority}/{item.entry}" for item in items})
    return NotFound(wanted, tuple(difflib.get_close_matches(wanted, ids, n=3, cutoff=0.4)))
