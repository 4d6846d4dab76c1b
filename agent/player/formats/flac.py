"""FLAC: its stream information and whole frames from the one that holds the position.

Each frame's header says which sample it begins with, so the frame is found by halving the file.
No priming.
"""

from __future__ import annotations

from dataclasses import dataclass

from agent.player.formats.data import Data
from agent.player.formats.excerpt import NotThisFormat, Plan, fixed, scaled, slices

_SMALLEST = (16).to_bytes(2, "big")
_CRC8 = [0] * 256
for _value in range(256):
    _crc = _value
    for _ in range(8):
        _crc = (_crc << 1 ^ 0x07 if _crc & 0x80 else _crc << 1) & 0xFF
    _CRC8[_value] = _crc


@dataclass(frozen=True)
class _Stream:
    info: bytes
    begin: int
    rate_hz: int
    block: int
    total: int


def plan(data: Data, from_frames: int) -> Plan:
    """The file from `from_frames` on."""
    stream = _stream(data)
    total = stream.total
    wanted = scaled(from_frames, stream.rate_hz)
    if total:
        wanted = min(wanted, total)
    at, sample = _find(data, stream, wanted)
    # The length and the checksum of the whole would not fit an excerpt, and a last frame that is
    # smaller than the smallest block is lost: all three may be "unknown", or 16 samples.
    info = _SMALLEST + stream.info[2:4] + bytes(6) + stream.info[10:13]
    info += bytes([stream.info[13] & 0xF0]) + bytes(20)
    head = b"fLaC" + bytes([0x80]) + len(info).to_bytes(3, "big") + info
    end, last = _last_frame(data, stream)
    # libVLC may keep the last frame back, and the one before it, until others follow.
    pieces = [fixed(head), *slices(data, at, len(data)), *2 * slices(data, end, len(data))]
    total = total or last
    return Plan(stream.rate_hz, pieces, wanted - sample, total, min(total, last))


def _stream(data: Data) -> _Stream:
    if data[:4] != b"fLaC":
        raise NotThisFormat("no fLaC mark")
    at, info, final = 4, b"", False
    while not final and at + 4 <= len(data):
        kind, size = data[at], int.from_bytes(data[at + 1 : at + 4], "big")
        if kind & 0x7F == 0:
            info = bytes(data[at + 4 : at + 4 + size])
        at, final = at + 4 + size, bool(kind & 0x80)
    if len(info) != 34:
        raise NotThisFormat("no stream information")
    bits = int.from_bytes(info[10:18], "big")
    rate_hz = bits >> 44
    if not rate_hz:
        raise NotThisFormat("no sample rate")
    block = int.from_bytes(info[:2], "big")
    return _Stream(info, at, rate_hz, block, bits & (1 << 36) - 1)


def _find(data: Data, stream: _Stream, wanted: int) -> tuple[int, int]:
    """The last frame that begins at or before `wanted`: its place and first sample."""
    low, best = stream.begin, (stream.begin, 0)
    high = len(data) if wanted else low
    while high - low > 1:
        middle = (low + high) // 2
        found = _next_frame(data, stream, middle, high)
        if found is None or found[1] > wanted:
            high = middle
        else:
            best, low = found, found[0] + 1
    return best


def _last_frame(data: Data, stream: _Stream) -> tuple[int, int]:
    """Where the last frame begins, and the sample after it: less than promised in a cut file."""
    low, window = stream.begin, 65_536
    while True:
        low = max(stream.begin, len(data) - window)
        at, last = len(data), 0
        while (found := _next_frame(data, stream, low, len(data))) is not None:
            if found[1] < last:  # bytes of a frame that look like one
                low = found[0] + 1
                continue
            at, last = found[0], found[1] + _samples(data, found[0])
            low = at + 1
        if last or window >= len(data):
            return at, last
        window *= 8


def _samples(data: Data, at: int) -> int:
    """How many samples the frame at `at` holds (RFC 9639, 9.1.1)."""
    head = data[at : at + 16]
    code = head[2] >> 4
    if code in (6, 7):
        size = _coded_number(head[4:11])[1]
        return int.from_bytes(head[4 + size : 4 + size + code - 5], "big") + 1
    return 192 if code == 1 else 576 << code - 2 if code < 6 else 256 << code - 8


def _next_frame(data: Data, stream: _Stream, low: int, high: int) -> tuple[int, int] | None:
    """The first frame header in a stretch: its place and first sample."""
    while True:
        at = data.find(b"\xff", low, high)
        if at < 0:
            return None
        sample = _sample_of(data, stream, at)
        if sample is not None:
            return at, sample
        low = at + 1


def _sample_of(data: Data, stream: _Stream, at: int) -> int | None:
    """The first sample of the frame whose header is at `at`; None when it is none."""
    head = data[at : at + 16]
    if len(head) < 16 or head[1] & 0xFE != 0xF8 or head[2] >> 4 == 0 or head[3] & 1:
        return None
    number, size = _coded_number(head[4:11])
    if size == 0:
        return None
    end = 4 + size
    end += {6: 1, 7: 2}.get(head[2] >> 4, 0)
    end += {12: 1, 13: 2, 14: 2}.get(head[2] & 15, 0)
    crc = 0
    for value in head[:end]:
        crc = _CRC8[crc ^ value]
    if crc != head[end]:
        return None
    return number if head[1] & 1 else number * stream.block


def _coded_number(raw: bytes) -> tuple[int, int]:
    """A number coded like UTF-8, and its length in bytes; length 0 when it is not one."""
    lead = raw[0]
    if lead < 0x80:
        return lead, 1
    size = 8 - (lead ^ 0xFF).bit_length()
    if size < 2 or size > 7:
        return 0, 0
    number = lead & (0x7F >> size)
    for value in raw[1:size]:
        if value & 0xC0 != 0x80:
            return 0, 0
        number = number << 6 | value & 0x3F
    return number, size
