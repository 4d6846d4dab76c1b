"""Ogg Opus: its packets, one a page, from 80 ms before the position.

libVLC throws away the first 80 ms that it decodes from Ogg Opus and ignores pre-skip (measured
with 3.0.24: a programme loses its first 73.5 ms). So 80 ms are put before what is wanted: the
packets that were there, or silence at the beginning of the file.
"""

from __future__ import annotations

import zlib
from array import array
from dataclasses import dataclass, field

from agent.player.formats.data import Data
from agent.player.formats.excerpt import NotThisFormat, Piece, Plan, fixed

_RATE_HZ = 48_000
_SWALLOWED = 3840  # 80 ms, RFC 7845 section 4.6
_SILENCE = b"\xf8\xff\xfe"  # 20 ms, CELT, full band
_SILENCE_SAMPLES = 960
_GROUP = 64
_REVERSED = bytes(int(f"{value:08b}"[::-1], 2) for value in range(256))
_SERIAL = 1


@dataclass
class _Packets:
    """Where the packets lie. Those that cross a page are copied."""

    at: array[int] = field(default_factory=lambda: array("q"))
    size: array[int] = field(default_factory=lambda: array("l"))
    begin: array[int] = field(default_factory=lambda: array("q"))  # decoded samples before it
    crossing: dict[int, bytes] = field(default_factory=dict)
    samples: int = 0
    granule: int = 0


def plan(data: Data, from_frames: int) -> Plan:
    """The file from `from_frames` on."""
    if data[:4] != b"OggS" or data[28:36] != b"OpusHead":
        raise NotThisFormat("no Ogg Opus")
    head = bytes(data[28 : 28 + 19])
    if len(head) < 19 or head[18] != 0:
        raise NotThisFormat("Opus with a channel mapping")
    pre_skip = int.from_bytes(head[10:12], "little")
    packets = _packets(data)
    total = max(0, min(packets.samples, packets.granule or packets.samples) - pre_skip)
    raw = min(from_frames, total) + pre_skip
    first = _packet_before(packets, raw - _SWALLOWED)
    silent = -(-max(0, _SWALLOWED - raw) // _SILENCE_SAMPLES) if first == 0 else 0
    begin = packets.begin[first] if len(packets.at) else 0
    skip = raw - begin + silent * _SILENCE_SAMPLES - _SWALLOWED
    pieces = _pages(data, head, packets, first, silent)
    return Plan(_RATE_HZ, pieces, skip, total, total)


def _packet_before(packets: _Packets, sample: int) -> int:
    """The last packet that begins at or before `sample`."""
    from bisect import bisect_right

    return max(0, bisect_right(packets.begin, sample) - 1)


def _packets(data: Data) -> _Packets:
    """Walk all pages (0.1 s an hour of programme)."""
    found, at, open_packet, number = _Packets(), 0, b"", 0
    while data[at : at + 4] == b"OggS":
        lacing = data[at + 27 : at + 27 + data[at + 26]]
        granule = int.from_bytes(data[at + 6 : at + 14], "little", signed=True)
        body = at + 27 + len(lacing)
        size = 0
        for value in lacing:
            size += value
            if value == 255:
                continue
            if number >= 2:  # OpusHead and OpusTags come first
                _keep(found, data, body, size, open_packet)
            open_packet, number = b"", number + 1
            body, size = body + size, 0
        if size:
            open_packet += data[body : body + size]
        if granule > 0:
            found.granule = granule
        at = body + size
    if not len(found.at):
        raise NotThisFormat("Opus without packets")
    return found


def _keep(found: _Packets, data: Data, at: int, size: int, before: bytes) -> None:
    packet = before + data[at : at + size] if before else data[at : at + 2]
    if not packet or at + size > len(data):
        return
    if before:
        found.crossing[len(found.at)] = packet
    found.at.append(at)
    found.size.append(len(packet) if before else size)
    found.begin.append(found.samples)
    found.samples += _duration(packet)


def _duration(packet: bytes) -> int:
    """Samples at 48 kHz, from the first bytes of a packet (RFC 6716, 3.1)."""
    config, code = packet[0] >> 3, packet[0] & 3
    if config < 12:
        frame = (480, 960, 1920, 2880)[config & 3]
    elif config < 16:
        frame = (480, 960)[config & 1]
    else:
        frame = (120, 240, 480, 960)[config & 3]
    frames = (1, 2, 2, packet[1] & 0x3F if len(packet) > 1 else 0)[code]
    return frame * frames


def _pages(data: Data, head: bytes, packets: _Packets, first: int, silent: int) -> list[Piece]:
    head = head[:10] + bytes(2) + head[12:]
    tags = b"OpusTags" + (0).to_bytes(4, "little") + (0).to_bytes(4, "little")
    front = _page(head, 0, 0, 2) + _page(tags, 0, 1, 0)
    for index in range(silent):
        front += _page(_SILENCE, (index + 1) * _SILENCE_SAMPLES, 2 + index, 0)
    zero = packets.begin[first] - silent * _SILENCE_SAMPLES
    last = len(packets.at)

    def page(index: int) -> bytes:
        packet = packets.crossing.get(index)
        if packet is None:
            packet = data[packets.at[index] : packets.at[index] + packets.size[index]]
        end = packets.begin[index] + _duration(packet) - zero
        flags = 4 if index == last - 1 else 0
        return _page(packet, end, 2 + silent + index - first, flags)

    def piece(low: int) -> Piece:
        high = min(low + _GROUP, last)
        size = sum(27 + packets.size[k] // 255 + 1 + packets.size[k] for k in range(low, high))
        return size, lambda: b"".join(page(index) for index in range(low, high))

    return [fixed(front), *(piece(low) for low in range(first, last, _GROUP))]


def _page(packet: bytes, granule: int, number: int, flags: int) -> bytes:
    """A page with one packet."""
    lacing = b"\xff" * (len(packet) // 255) + bytes([len(packet) % 255])
    head = b"OggS\0" + bytes([flags]) + granule.to_bytes(8, "little")
    head += _SERIAL.to_bytes(4, "little") + number.to_bytes(4, "little")
    tail = bytes([len(lacing)]) + lacing + packet
    return head + _crc(head + bytes(4) + tail).to_bytes(4, "little") + tail


def _crc(page: bytes) -> int:
    """Ogg's CRC (0x04c11db7, not reflected) by zlib's reflected one, which runs in C."""
    reflected = zlib.crc32(page.translate(_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int.from_bytes(reflected.to_bytes(4, "little").translate(_REVERSED), "big")
