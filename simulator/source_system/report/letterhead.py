"""Who a report is from, for and signed by, as the district's file says. Nothing is invented.

What the file does not say is left as dots, for an officer to fill in by hand.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

import msgspec

FILE = "report-letterhead.toml"
DOTS = "…………"


class LetterheadWrong(ValueError):  # noqa: N818 - a verdict on a file
    """The file cannot be read; the text says where."""


class Letterhead(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """parent: the body above the issuer. number: as `12/BC-TTVH`. to: Kính gửi. copies: Nơi nhận.

    on_behalf: the line above the signer's office, such as `KT. GIÁM ĐỐC`. basis: why the report is
    made, one sentence.
    """

    parent: str = DOTS
    issuer: str = DOTS
    number: str = "……/BC-……"
    place: str = DOTS
    to: tuple[str, ...] = (DOTS,)
    copies: tuple[str, ...] = ("Như trên;", "Lưu: VT.")
    on_behalf: str = ""
    office: str = DOTS
    signer: str = DOTS
    basis: str = ""


def read_letterhead(path: Path) -> Letterhead:
    """Dots for everything when there is no file. Raises LetterheadWrong."""
    if not path.exists():
        return Letterhead()
    try:
        return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Letterhead)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise LetterheadWrong(f"{path.name}: {error}") from error
