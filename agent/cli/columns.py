"""Text in columns of a terminal: Vietnamese letters, wide letters, none that move the cursor.

Owns how wide text is, where it is cut and where it wraps. Knows nothing of what is said.
Invariant: no line returned from here is wider than the width asked for.
"""

from __future__ import annotations

import unicodedata

ELLIPSIS = "…"


def clean(text: str) -> str:
    """NFC, one line, without letters that could steer the terminal: titles come from outside."""
    shown = (" " if letter.isspace() else letter for letter in unicodedata.normalize("NFC", text))
    return "".join(
        letter for letter in shown if unicodedata.category(letter) not in ("Cc", "Cf", "Cs", "Co")
    )


def display_width(text: str) -> int:
    """Columns `text` takes on a terminal."""
    return sum(_letter_width(letter) for letter in unicodedata.normalize("NFC", text))


def _letter_width(letter: str) -> int:
    if unicodedata.category(letter) in ("Mn", "Me", "Cf", "Cc"):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in ("W", "F") else 1


def cut(text: str, width: int) -> str:
    """`text` in at most `width` columns; what is left out is shown by an ellipsis."""
    text = clean(text)
    if display_width(text) <= width:
        return text
    if width <= 0:
        return ""
    kept, rest = _split(text, width - 1)
    return kept.rstrip() + ELLIPSIS if rest else kept


def _split(text: str, width: int) -> tuple[str, str]:
    """The longest beginning of at most `width` columns, and the rest."""
    used = 0
    for place, letter in enumerate(text):
        used += _letter_width(letter)
        if used > width:
            return text[:place], text[place:]
    return text, ""


def wrap(text: str, width: int, *, first: str = "", then: str = "  ") -> list[str]:
    """Break between words; the first line begins with `first`, the others with `then`."""
    lines: list[str] = []
    line, empty = first, True
    for word in clean(text).split():
        for piece in _pieces(word, max(1, width - max(display_width(first), display_width(then)))):
            joined = line + piece if empty else f"{line} {piece}"
            if display_width(joined) > width and not empty:
                lines.append(line)
                joined = then + piece
            line, empty = joined, False
    return [*lines, line.rstrip()]


def _pieces(word: str, width: int) -> list[str]:
    """A word longer than a line, in parts that fit."""
    pieces: list[str] = []
    while display_width(word) > width:
        head, word = _split(word, width)
        if not head:
            head, word = word[0], word[1:]
        pieces.append(head)
    return [*pieces, word] if word else pieces


def flow(items: list[str], width: int, *, between: str = "  ", indent: str = "") -> list[str]:
    """Lay items side by side, none broken across lines unless it is longer than a line."""
    lines: list[str] = []
    for item in items:
        room = width - display_width(indent)
        for piece in [clean(item)] if display_width(clean(item)) <= room else wrap(item, room):
            joined = lines[-1] + between + piece if lines else ""
            if lines and display_width(joined) <= width:
                lines[-1] = joined
            else:
                lines.append(indent + piece)
    return lines


def spread(left: str, right: str, width: int) -> str:
    """`left` and `right` at the two edges; `left` is cut when both do not fit."""
    right = cut(right, width)
    left = cut(left, max(0, width - display_width(right) - 1))
    return left + " " * (width - display_width(left) - display_width(right)) + right
