"""Ogg: where the packets of a file's first stream lie, and pages of our own.

Knows nothing of what the packets hold. One packet a page when writing.
"""

from __future__ import annotations

import zlib
from array import array
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field

from agent.player.formats.data import Data
from agent.player.formats.excerpt import NotThisFormat, Piece

GROUP = 64
"""Packets that are put together at a time: an hour is then some 2,800 pieces, not 180,000."""

_REVERSED = bytes(int(f"{value:08b}"[::-1], 2) for value in range(256))
_SERIAL = 1
_NEVER = 2**64 - 1


@dataclass
class Packets:
    """Where the packets lie, headers among them. Those that cross a page are copied."""

    at: array[int] = field(default_factory=lambda: array("q"))
    size: array[int] = field(default_factory=lambda: array("l"))
    crossing: dict[int, bytes] = field(default_factory=dict)
    ends: list[tuple[int, int]] = field(default_factory=list)
    """Of each page that says so: how many packets were whole, and its granule position."""

    def __len__(self) -> int:
        return len(self.at)

    def get(self, data: Data, index: int) -> bytes:
        """One packet."""
        packet = self.crossing.get(index)
        if packet is not None:
            return packet
        return bytes(data[self.at[index] : self.at[index] + self.size[index]])

    def head(self, data: Data, index: int) -> bytes:
        """Its first two bytes."""
        packet = self.crossing.get(index)
        return bytes(data[self.at[index] : self.at[index] + 2]) if packet is None else packet[:2]


def pages(data: Data) -> list[tuple[int, bytes, int]]:
    """Of the first stream's pages: where the body begins, its lacing and the granule position."""
    found, at, serial = [], 0, bytes(data[14:18])
    while data[at : at + 4] == b"OggS":
        head = bytes(data[at : at + 27])
        if len(head) < 27:
            break
        lacing = bytes(data[at + 27 : at + 27 + head[26]])
        body = at + 27 + len(lacing)
        if head[14:18] == serial:
            found.append((body, lacing, int.from_bytes(head[6:14], "little")))
        at = body + sum(lacing)
    return found


def packets(data: Data) -> Packets:
    """Walk all pages (0.1 s an hour of programme)."""
    found, open_packet = Packets(), b""
    for body, lacing, granule in pages(data):
        size = 0
        for value in lacing:
            size += value
            if value == 255:
                continue
            _keep(found, data, body, size, open_packet)
            open_packet, body, size = b"", body + size, 0
        if size:
            open_packet += data[body : body + size]
        if granule != _NEVER:
            found.ends.append((len(found), granule))
    return found


def _keep(found: Packets, data: Data, at: int, size: int, before: bytes) -> None:
    if at + size > len(data):
        return
    if before:
        packet = before + data[at : at + size]
        found.crossing[len(found)] = packet
        size = len(packet)
    found.at.append(at)
    found.size.append(size)


def last_before(begins: array[int], sample: int) -> int:
    """The last packet that begins at or before `sample`, of those whose beginnings are given."""
    return max(0, bisect_right(begins, sample) - 1)


def page(packet: bytes, granule: int, number: int, flags: int = 0) -> bytes:
    """One packet as pages of our own: more than one when it does not fit."""
    lacing = b"\xff" * (len(packet) // 255) + bytes([len(packet) % 255])
    if len(lacing) > 255:
        raise NotThisFormat("a packet larger than a page")
    head = b"OggS\0" + bytes([flags]) + max(0, granule).to_bytes(8, "little")
    head += _SERIAL.to_bytes(4, "little") + (number & 0xFFFFFFFF).to_bytes(4, "little")
    tail = bytes([len(lacing)]) + lacing + packet
    return head + _crc(head + bytes(4) + tail).to_bytes(4, "little") + tail


def page_size(packet_size: int) -> int:
    """How long such a page is."""
    return 27 + packet_size // 255 + 1 + packet_size


def grouped(found: Packets, first: int, last: int, write: Callable[[int], bytes]) -> list[Piece]:
    """The pages of packets `first` to `last`, each written when it is asked for."""

    def piece(low: int) -> Piece:
        high = min(low + GROUP, last)
        size = sum(page_size(found.size[k]) for k in range(low, high))
        return size, lambda: b"".join(write(index) for index in range(low, high))

    return [piece(low) for low in range(first, last, GROUP)]


def _crc(whole: bytes) -> int:
    """Ogg's CRC (0x04c11db7, not reflected) by zlib's reflected one, which runs in C."""
    reflected = zlib.crc32(whole.translate(_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int.from_bytes(reflected.to_bytes(4, "little").translate(_REVERSED), "big")
