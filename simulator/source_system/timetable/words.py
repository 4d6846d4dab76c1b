"""Vietnamese and English words as people type them, made comparable.

Owns normalising (NFC, stray spaces, odd quotes), folding without marks, slugs and the nearest
known name. Pure.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable

_ODD = {
    "\u00a0": " ",
    "\u200b": "",
    "\ufeff": "",
    "\u2013": "-",
    "\u2014": "-",
    "\u2212": "-",
    "\u201c": '"',
    "\u201d": '"',
    "\u2018": "'",
    "\u2019": "'",
}
_ODD_TABLE = str.maketrans(_ODD)


def clean(text: str) -> str:
    """NFC, ordinary spaces and quotes, nothing at the ends."""
    plain = unicodedata.normalize("NFC", text).translate(_ODD_TABLE)
    return re.sub(r"\s+", " ", plain).strip()


def same(text: str) -> str:
    """For comparing names: capitals and spaces do not matter, marks do."""
    return clean(text).casefold()


def bare(text: str) -> str:
    """Without marks: `thôn Đoài` → `thon doai`."""
    spread = unicodedata.normalize("NFD", same(text).replace("đ", "d"))
    return "".join(letter for letter in spread if not unicodedata.combining(letter))


def slug(text: str, limit: int = 32) -> str:
    """Letters, digits and single dashes: `Bản tin xã` → `ban-tin-xa`."""
    return re.sub(r"[^a-z0-9]+", "-", bare(text)).strip("-")[:limit].rstrip("-")


def nearest(name: str, known: Iterable[str]) -> str:
    """The known name most like `name`, or ""."""
    by_bare = {bare(one): one for one in known}
    found = difflib.get_close_matches(bare(name), by_bare, n=1, cutoff=0.6)
    return by_bare[found[0]] if found else ""
