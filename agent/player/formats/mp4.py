"""M4A: its AAC frames as an ADTS stream from a little before the position.

libVLC drops the first 1024 samples of the programme of an M4A and seeks to whole frames; as ADTS
nothing is lost and priming is ours to remove. It is read from the edit list, else from iTunes'
own note (`iTunSMPB`). Fragmented files and other codecs in MP4 are left to libVLC.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent.player.formats import aac
from agent.player.formats.data import Data
from agent.player.formats.excerpt import NotThisFormat, Piece, Plan, scaled

# Frames that are put together at a time: an hour is then some 2,600 pieces, not 168,000.
_GROUP = 64
_AAC_TYPES = {1, 2, 3, 4, 5, 29}  # LC and kin; 5 and 29 are HE, whose core is LC
_CONTAINERS = {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"udta", b"ilst"}


@dataclass
class _Audio:
    """What is needed of the sound track."""

    rate_hz: int
    channels: int
    offsets: NDArray[np.int64]
    sizes: NDArray[np.int64]
    priming: int
    total: int


def plan(data: Data, from_frames: int) -> Plan:
    """The file from `from_frames` on."""
    if data[4:8] != b"ftyp":
        raise NotThisFormat("no ftyp box")
    try:
        audio = _audio(data)
    except (struct.error, IndexError, KeyError, ValueError) as error:
        raise NotThisFormat(f"MP4: {error!r}") from error
    wanted = min(scaled(from_frames, audio.rate_hz), audio.total)
    first, skip = aac.run_in(wanted, audio.priming, audio.rate_hz)
    inside = int(np.count_nonzero(audio.offsets + audio.sizes <= len(data)))
    present = max(0, min(audio.total, inside * aac.FRAME - audio.priming))
    pieces = _pieces(data, audio, min(first, inside), inside)
    # Once more the last frame: what replicates the spectrum gives its sound 481 samples later.
    pieces += _pieces(data, audio, max(0, inside - 1), inside)
    return Plan(audio.rate_hz, pieces, max(0, skip), audio.total, present, aac.DEMUX)


def _pieces(data: Data, audio: _Audio, first: int, last: int) -> list[Piece]:
    rate = aac.RATES_HZ.index(audio.rate_hz)

    def piece(low: int) -> Piece:
        high = min(low + _GROUP, last)

        def get() -> bytes:
            parts = []
            for at, size in zip(audio.offsets[low:high], audio.sizes[low:high], strict=True):
                parts += [_adts(int(size), rate, audio.channels), data[int(at) : int(at + size)]]
            return b"".join(parts)

        return int(audio.sizes[low:high].sum()) + 7 * (high - low), get

    return [piece(low) for low in range(first, last, _GROUP)]


def _adts(size: int, rate: int, channels: int) -> bytes:
    """The header of one AAC-LC frame (ISO 13818-7, 6.2), without CRC."""
    full = size + 7
    head = 0xFFF1 << 40 | 1 << 38 | rate << 34 | channels << 30 | full << 13 | 0x7FF << 2
    return head.to_bytes(7, "big")


# --- boxes ------------------------------------------------------------------------------


def _boxes(data: Data, low: int, high: int) -> Iterator[tuple[bytes, int, int]]:
    """(name, first byte inside, end) of the boxes in a stretch."""
    while low + 8 <= high:
        size, name = struct.unpack(">I4s", data[low : low + 8])
        head = 8
        if size == 1:
            size, head = struct.unpack(">Q", data[low + 8 : low + 16])[0], 16
        end = high if size == 0 else low + size
        if size != 0 and size < head:
            return
        yield name, low + head, min(end, high)
        low = end


def _tree(data: Data, low: int, high: int, found: dict[bytes, tuple[int, int]]) -> None:
    """Remember where each box of a stretch lies, by name, through the known containers."""
    for name, first, end in _boxes(data, low, high):
        if name in _CONTAINERS:
            _tree(data, first, end, found)
        elif name == b"meta":
            _tree(data, first + 4, end, found)
        elif name == b"----" and b"iTunSMPB" in data[first:end]:
            found[b"iTunSMPB"] = (first, end)
        else:
            found.setdefault(name, (first, end))


def _audio(data: Data) -> _Audio:
    movie: dict[bytes, tuple[int, int]] = {}
    tracks: list[dict[bytes, tuple[int, int]]] = []
    for name, first, end in _boxes(data, 0, len(data)):
        if name == b"moov":
            for inner, low, high in _boxes(data, first, end):
                if inner == b"trak":
                    tracks.append({})
                    _tree(data, low, high, tracks[-1])
                else:
                    _tree(data, low - 8, high, movie)
    for boxes in tracks:
        if b"hdlr" in boxes and data[boxes[b"hdlr"][0] + 8 : boxes[b"hdlr"][0] + 12] == b"soun":
            return _sound_track(data, boxes, movie)
    raise NotThisFormat("MP4 without sound")


def _sound_track(
    data: Data, boxes: dict[bytes, tuple[int, int]], movie: dict[bytes, tuple[int, int]]
) -> _Audio:
    rate_hz, channels = _config(data, *boxes[b"stsd"])
    sizes = _sizes(data, boxes[b"stsz"][0])
    offsets = _offsets(data, boxes, sizes)
    sizes = sizes[: len(offsets)]
    if not len(sizes):
        raise NotThisFormat("MP4 without frames (fragmented?)")
    scale = _timescale(data, boxes[b"mdhd"][0])
    everything = len(sizes) * aac.FRAME
    priming, total = aac.USUAL_PRIMING, everything - aac.USUAL_PRIMING
    if b"elst" in boxes:
        # The edit's length has the movie's time scale, often 1 ms: good enough for an end.
        length, start = _edit(data, boxes[b"elst"][0])
        priming = start * rate_hz // scale
        total = everything - priming
        if length:
            movie_scale = _timescale(data, movie[b"mvhd"][0])
            total = min(total, -(-length * rate_hz // movie_scale))
    elif b"iTunSMPB" in movie:
        priming, total = _smpb(data, *movie[b"iTunSMPB"])
    return _Audio(rate_hz, channels, offsets, sizes, priming, max(0, total))


def _timescale(data: Data, at: int) -> int:
    at += 20 if data[at] == 1 else 12
    return int.from_bytes(data[at : at + 4], "big")


def _edit(data: Data, at: int) -> tuple[int, int]:
    """Length (movie time scale) and start (media time scale) of the first edit with sound."""
    wide, count = data[at] == 1, int.from_bytes(data[at + 4 : at + 8], "big")
    step, form = (20, ">Qq") if wide else (12, ">Ii")
    for index in range(count):
        row = at + 8 + index * step
        length, start = struct.unpack(form, data[row : row + step - 4])
        if start >= 0:
            return length, start
    return 0, 0


def _smpb(data: Data, low: int, high: int) -> tuple[int, int]:
    """iTunes' note: reserved, priming, padding, length, in hexadecimal words."""
    words = bytes(data[low:high]).split(b"data", 1)[1][12:].split()
    return int(words[1], 16), int(words[3], 16)


def _config(data: Data, low: int, high: int) -> tuple[int, int]:
    """Core rate and channels, from the AudioSpecificConfig in `esds`."""
    entry = bytes(data[low:high])
    at = entry.find(b"esds")
    if entry[12:16] != b"mp4a" or at < 0:
        raise NotThisFormat("MP4 without AAC")
    at += 8
    while entry[at] != 5:  # 3: stream, 4: decoder, 5: the configuration
        skip = {3: 3, 4: 13}[entry[at]]
        at += 1
        while entry[at] & 0x80:
            at += 1
        at += 1 + skip
    at += 1
    while entry[at] & 0x80:
        at += 1
    bits = int.from_bytes(entry[at + 1 : at + 3], "big")
    kind, rate, channels = bits >> 11, bits >> 7 & 15, bits >> 3 & 15
    if kind not in _AAC_TYPES or rate >= len(aac.RATES_HZ) or not 1 <= channels <= 7:
        raise NotThisFormat(f"AAC type {kind}")
    return aac.RATES_HZ[rate], channels


def _sizes(data: Data, at: int) -> NDArray[np.int64]:
    same, count = struct.unpack(">II", data[at + 4 : at + 12])
    if same:
        return np.full(count, same, np.int64)
    return np.frombuffer(data[at + 12 : at + 12 + 4 * count], ">u4").astype(np.int64)


def _offsets(
    data: Data, boxes: dict[bytes, tuple[int, int]], sizes: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Where each frame begins: chunk offsets and how many frames each chunk holds."""
    wide = b"co64" in boxes
    at = boxes[b"co64" if wide else b"stco"][0]
    count = int.from_bytes(data[at + 4 : at + 8], "big")
    width = 8 if wide else 4
    raw = data[at + 8 : at + 8 + width * count]
    chunks = np.frombuffer(raw, ">u8" if wide else ">u4").astype(np.int64)
    at = boxes[b"stsc"][0]
    rows = int.from_bytes(data[at + 4 : at + 8], "big")
    table = np.frombuffer(data[at + 8 : at + 8 + 12 * rows], ">u4").reshape(-1, 3).astype(np.int64)
    lasts = np.append(table[1:, 0], count + 1)
    per_chunk = np.repeat(table[:, 1], lasts - table[:, 0])[:count]
    chunk_of = np.repeat(np.arange(len(per_chunk)), per_chunk)[: len(sizes)]
    ends = np.cumsum(sizes[: len(chunk_of)])
    begins = ends - sizes[: len(chunk_of)]
    firsts = np.concatenate(([0], np.cumsum(per_chunk)[:-1]))
    firsts = firsts[firsts < len(begins)]
    found: NDArray[np.int64] = chunks[chunk_of] + begins - begins[firsts][chunk_of]
    return found
