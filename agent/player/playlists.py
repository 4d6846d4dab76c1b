"""What a playlist says: where the sound is, and in which lumps it will come.

Owns the reading of HLS, M3U and PLS, as far as it must be known before the sound comes. Pure:
text in. The segments themselves are fetched by libVLC.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple
from urllib.parse import urljoin, urlsplit

KINDS = ("mpegurl", "scpls")
SUFFIXES = (".m3u8", ".m3u", ".pls")
MOST_CHARACTERS = 256 * 1024
SEGMENT_MS = 6_000
"""Of a playlist that does not say: what most have."""

_SEGMENT_MOST_MS = 60_000
_DURATION = re.compile(r"^#EXT-X-TARGETDURATION:\s*(\d{1,6})", re.MULTILINE)
_SEGMENT = re.compile(r"^#EXTINF:\s*(\d{1,6}(?:\.\d{1,6})?)", re.MULTILINE)
_PLS = re.compile(r"^file\d*\s*=\s*(\S.*)$", re.IGNORECASE | re.MULTILINE)


class Listed(NamedTuple):
    """segments: a live sound in pieces of `segment_ms`, or a whole one (`whole`); variants: the
    same sound in several lists, `address` is the first; other: `address` is the sound."""

    kind: Literal["segments", "variants", "other"]
    address: str = ""
    segment_ms: int = 0
    whole: bool = False


def is_playlist(url: str, kind: str = "") -> bool:
    """By its name, or by what the server calls it."""
    named = urlsplit(url).path.lower().endswith(SUFFIXES)
    return named or any(word in kind for word in KINDS)


def read(text: str, url: str) -> Listed | None:
    """What the list at `url` says; None: nothing that could be played."""
    text = text[:MOST_CHARACTERS].lstrip("\ufeff").replace("\r\n", "\n")
    if "#EXT-X-STREAM-INF" in text:
        address = _address(text, url)
        return Listed("variants", address) if address else None
    if "#EXT-X-" in text:
        return _segments(text)
    address = _address(text, url)
    return Listed("other", address) if address else None


def _segments(text: str) -> Listed:
    longest = [float(one) for one in _SEGMENT.findall(text)] or [
        float(one) for one in _DURATION.findall(text)
    ]
    segment_ms = round(1_000 * max(longest, default=0.0)) or SEGMENT_MS
    whole = "#EXT-X-ENDLIST" in text
    return Listed("segments", "", min(_SEGMENT_MOST_MS, segment_ms), whole)


def _address(text: str, url: str) -> str:
    """The first address in it that can be fetched; never one less protected than the list."""
    lines = [line.strip() for line in text.split("\n")]
    named = [line for line in lines if line and not line.startswith("#")]
    if "[playlist]" in text.lower():
        named = [one.strip() for one in _PLS.findall(text)]
    allowed = ("https",) if urlsplit(url).scheme == "https" else ("http", "https")
    for one in named:
        try:
            address = urljoin(url, one)
            if urlsplit(address).scheme in allowed and urlsplit(address).hostname:
                return address
        except ValueError:
            continue
    return ""
