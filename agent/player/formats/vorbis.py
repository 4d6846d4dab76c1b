"""Ogg Vorbis: its packets, one a page, from a little before the position.

How many samples a packet gives follows from its block and the one before it (Vorbis I, 4.3.8);
which block it has, from the modes at the end of the setup header. A decoder gives nothing for the
first packet it sees; where pages count from 0 libVLC loses up to three more (measured with 3.0.24).
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass

from agent.player.formats import ogg
from agent.player.formats.data import Data
from agent.player.formats.excerpt import NotThisFormat, Plan, fixed, scaled

_HEADERS = 3
_RUN_IN = 2  # the first packet gives nothing
# Pages must count from somewhere later: at 0 libVLC takes them for unknown, and loses samples.
_START = 48_000
_MODES_MAX = 64
_MODE_BITS = 41


@dataclass(frozen=True)
class _Blocks:
    """Which block a packet has: its mode number tells."""

    mode_bits: int
    sizes: tuple[int, ...]  # by mode

    def of(self, head: bytes) -> int:
        """0 of a packet that is no sound."""
        if not head or head[0] & 1:
            return 0
        mode = head[0] >> 1 & (1 << self.mode_bits) - 1
        return self.sizes[mode] if mode < len(self.sizes) else 0


def plan(data: Data, from_frames: int) -> Plan:
    """The file from `from_frames` on."""
    if data[:4] != b"OggS" or data[28:35] != b"\x01vorbis":
        raise NotThisFormat("no Ogg Vorbis")
    found = ogg.packets(data)
    if len(found) <= _HEADERS:
        raise NotThisFormat("Vorbis without packets")
    head = found.get(data, 0)
    rate_hz = int.from_bytes(head[12:16], "little")
    if len(head) < 30 or not 1_000 <= rate_hz <= 384_000:
        raise NotThisFormat("no Vorbis rate")
    blocks = _blocks(head, found.get(data, 2))
    begins = _begins(found, data, blocks)
    before, total = _bounds(found, begins)
    wanted = min(scaled(from_frames, rate_hz), total) + before
    count = len(found) - _HEADERS
    # Sample begins[k] is the first that packet k gives.
    first = max(0, ogg.last_before(begins, wanted) - _RUN_IN)
    skip = wanted - begins[min(first + 1, count)]
    front = b"".join(
        ogg.page(found.get(data, index), 0, index, 2 if index == 0 else 0)
        for index in range(_HEADERS)
    )
    zero = begins[first] - _START

    def write(index: int) -> bytes:
        end = begins[index - _HEADERS + 1] - zero
        return ogg.page(found.get(data, index), end, index - first)

    pieces = [fixed(front), *ogg.grouped(found, _HEADERS + first, len(found), write)]
    # The last packet comes out when another one follows.
    last, number = found.get(data, len(found) - 1), len(found) - first
    rest = b"".join(ogg.page(last, begins[count] - zero, number + k) for k in (0, 1))
    pieces.append(fixed(rest))
    return Plan(rate_hz, pieces, skip, total, total)


def _bounds(found: ogg.Packets, begins: array[int]) -> tuple[int, int]:
    """Samples before the programme, and how long it is: pages say how much of them counts."""
    sound = [(count - _HEADERS, granule) for count, granule in found.ends if count > _HEADERS]
    if not sound:
        return 0, begins[-1]
    base = 0
    if len(sound) > 1:
        base = sound[0][1] - begins[sound[0][0]]
    before = max(0, -base)
    total = min(sound[-1][1] - max(0, base), begins[-1] - before)
    return before, max(0, total)


def _begins(found: ogg.Packets, data: Data, blocks: _Blocks) -> array[int]:
    """Samples before each packet, and at the end of all: one more than there are packets."""
    begins, samples, previous = array("q", [0]), 0, 0
    for index in range(_HEADERS, len(found)):
        block = blocks.of(found.head(data, index))
        if previous and block:
            samples += (previous + block) // 4
        previous = block or previous
        begins.append(samples)
    return begins


def _blocks(head: bytes, setup: bytes) -> _Blocks:
    """Read from the end: a framing bit, before it the modes, before them how many there are."""
    short, long = 1 << (head[28] & 15), 1 << (head[28] >> 4)
    bits = int.from_bytes(setup, "little")
    at = bits.bit_length() - 1  # of the framing bit
    flags: list[int] = []
    best: list[int] | None = None
    while len(flags) < _MODES_MAX and at - _MODE_BITS * (len(flags) + 1) > 56:
        low = at - _MODE_BITS * (len(flags) + 1)
        mode = bits >> low & (1 << _MODE_BITS) - 1
        if mode >> 1 & 0xFFFFFFFF or mode >> 33 > 63:  # window and transform are always 0
            break
        flags.insert(0, mode & 1)
        if (bits >> low - 6 & 63) + 1 == len(flags):
            best = list(flags)
    if best is None:
        raise NotThisFormat("Vorbis without modes")
    return _Blocks((len(best) - 1).bit_length(), tuple(long if flag else short for flag in best))
