"""WAV: a header of our own and the data from the exact frame. No priming."""

from __future__ import annotations

import struct

from agent.player.formats.data import Data
from agent.player.formats.excerpt import NotThisFormat, Plan, fixed, scaled, slices

_PCM = {1, 3, 0xFFFE}  # integer, float, extensible


def plan(data: Data, from_frames: int) -> Plan:
    """The file from `from_frames` on. Compressed WAV is not for us."""
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise NotThisFormat("no RIFF header")
    fmt, first, size = _chunks(data)
    if len(fmt) < 16:
        raise NotThisFormat("no format chunk")
    tag, _, rate_hz, _, align, _ = struct.unpack("<HHIIHH", fmt[:16])
    if tag not in _PCM or align == 0 or rate_hz == 0:
        raise NotThisFormat(f"WAV format {tag}")
    # A recorder that lost power, and streams, write no size or an impossible one: what is there
    # counts.
    if size >= 0xFFFFFF00 or size == 0:
        size = len(data) - first
    present = max(0, min(len(data) - first, size)) // align
    total = size // align
    wanted = min(scaled(from_frames, rate_hz), present)
    low, high = first + wanted * align, first + present * align
    # libVLC reads 50 ms at a time and throws a last stretch away that is shorter: fill it up.
    push = bytes(align * (rate_hz // 10 + 1))
    head = _header(fmt, high - low + len(push))
    pieces = [fixed(head), *slices(data, low, high), fixed(push)]
    return Plan(rate_hz, pieces, 0, total, present)


def _chunks(data: Data) -> tuple[bytes, int, int]:
    """The format chunk, where the data begin and how long they claim to be."""
    at, fmt = 12, b""
    while at + 8 <= len(data):
        name, size = struct.unpack("<4sI", data[at : at + 8])
        if name == b"fmt ":
            fmt = data[at + 8 : at + 8 + size]
        if name == b"data":
            return fmt, at + 8, size
        at += 8 + size + size % 2
    raise NotThisFormat("no data chunk")


def _header(fmt: bytes, size: int) -> bytes:
    chunks = b"fmt " + struct.pack("<I", len(fmt)) + fmt + b"data" + struct.pack("<I", size)
    return b"RIFF" + struct.pack("<I", 4 + len(chunks) + size) + b"WAVE" + chunks
