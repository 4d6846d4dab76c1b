"""Where the sound comes from: `tep:`, `luong:`, `line-in`, `loi:"…"`, joined by `|`.

Pure. Slots are named after files without extension and date: `ban-tin-{ngày}.mp3` is slot
`ban-tin`, dated.
"""

from __future__ import annotations

import re

from agent.contract.documents import (
    FileSource,
    LineInSource,
    Source,
    StreamSource,
    TextSource,
    ToneSource,
)
from simulator.source_system.timetable.findings import Fault
from simulator.source_system.timetable.words import bare, clean, slug

SOURCES_MAX = 8
TEXT_MAX_CHARS = 4_000

_SPLIT = re.compile(r'\|(?=(?:[^"]*"[^"]*")*[^"]*$)')
_PREFIX = re.compile(r"(tep|file|luong|stream|loi|text|speech|am|tone) ?: ?(.*)", re.DOTALL)
_URL = re.compile(r"[a-z]{3,5}://\S+")
_INSECURE = re.compile(r" ?\((?:khong ma hoa|insecure)\)$")
_DATE_MARK = re.compile(r"\{(?:ngay|date)\}")
_LINE_IN = frozenset({"line-in", "line in", "linein", "line_in", "fm", "duong vao", "micro"})


def parse_sources(text: str) -> tuple[Source, ...]:
    """In order of preference. Raises Fault."""
    parts = [part.strip() for part in _SPLIT.split(clean(text)) if part.strip()]
    if not parts:
        raise Fault("source")
    if len(parts) > SOURCES_MAX:
        raise Fault("source_many")
    return tuple(parse_source(part) for part in parts)


def parse_source(part: str) -> Source:
    """One element of the chain. Raises Fault."""
    plain = bare(part)
    if plain in _LINE_IN:
        return LineInSource()
    prefix = _PREFIX.match(plain)
    if prefix is None:
        if _URL.match(plain):
            return _stream(part)
        raise _unknown(plain)
    rest = part[len(part) - len(prefix[2]) :].strip() if len(plain) == len(part) else _after(part)
    kind = prefix[1]
    if kind in ("tep", "file"):
        return parse_file(rest)
    if kind in ("luong", "stream"):
        return _stream(rest)
    if kind in ("am", "tone"):
        return _tone(rest)
    return _text(rest)


def _after(part: str) -> str:
    return part.partition(":")[2].strip()


def parse_file(name: str) -> FileSource:
    """`ban-tin-{ngày}.mp3` → FileSource(slot="ban-tin", dated=True)."""
    plain = bare(name)
    dated = _DATE_MARK.search(plain) is not None
    stem = _DATE_MARK.sub("-", plain)
    stem = re.sub(r"\.(mp3|m4a|aac|wav|ogg|opus|flac|mp4)$", "", stem)
    if "{" in stem or "}" in stem:
        raise Fault("slot", guess=re.sub(r"\{[^}]*\}", "{ngày}", name))
    slot = slug(stem, 64)
    if not slot:
        raise Fault("slot")
    return FileSource(slot=slot, dated=dated)


def _stream(text: str) -> StreamSource:
    insecure = _INSECURE.search(bare(text))
    url = text.rsplit("(", 1)[0].strip() if insecure else text
    if not _URL.fullmatch(url.lower()):
        raise Fault("source")
    if url.startswith("https://"):
        return StreamSource(url=url)
    if insecure is None:
        guess = "https://" + url.partition("://")[2] if url.startswith("http://") else ""
        raise Fault("source_insecure", guess=guess)
    return StreamSource(url=url, insecure_live=True)


def _text(rest: str) -> TextSource:
    said = rest.strip().strip('"').strip()
    if not said:
        raise Fault("source")
    if len(said) > TEXT_MAX_CHARS:
        raise Fault("too_long", what=str(TEXT_MAX_CHARS))
    return TextSource(text=said)


def _tone(rest: str) -> ToneSource:
    match bare(rest):
        case "chime" | "nhac hieu":
            return ToneSource(name="chime")
        case "test" | "thu":
            return ToneSource(name="test")
        case _:
            raise Fault("source")


def _unknown(plain: str) -> Fault:
    if re.search(r"\.(mp3|m4a|aac|wav|ogg|opus|flac)$", plain):
        return Fault("source", guess=f"tep:{plain}")
    return Fault("source")
