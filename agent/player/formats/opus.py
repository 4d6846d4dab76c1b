"""Ogg Opus: its packets, one a page, from 80 ms before the position or the beginning.

Pre-skip is ours to remove: what libVLC makes of it depends on how it is asked. It swallows the
first packet it sees and holds the last one back (measured with 3.0.24), and an Opus decoder needs
80 ms to agree with one that was there from the beginning. So a packet of silence is put in front of
80 ms of what was there, and the last packet stands three times.
"""

from __future__ import annotations

from array import array

from agent.player.formats import ogg
from agent.player.formats.data import Data
from agent.player.formats.excerpt import NotThisFormat, Plan, fixed

_RATE_HZ = 48_000
_RUN_IN = 3840  # 80 ms, RFC 7845 section 4.6
_HEADERS = 2
_SILENCE_SAMPLES = 960
_CHANNELS_MAX = 8


def plan(data: Data, from_frames: int) -> Plan:
    """The file from `from_frames` on."""
    if data[:4] != b"OggS" or data[28:36] != b"OpusHead":
        raise NotThisFormat("no Ogg Opus")
    found = ogg.packets(data)
    if len(found) <= _HEADERS:
        raise NotThisFormat("Opus without packets")
    head = found.get(data, 0)
    silence = _silence(head)
    pre_skip = int.from_bytes(head[10:12], "little")
    begins, samples = _begins(found, data)
    granule = max((end for _, end in found.ends), default=0)
    total = max(0, min(samples, granule or samples) - pre_skip)
    raw = min(from_frames, total) + pre_skip
    first = ogg.last_before(begins, raw - _RUN_IN) if raw > _RUN_IN else 0
    skip = raw - begins[first]
    head = head[:10] + bytes(2) + head[12:]
    tags = b"OpusTags" + bytes(8)
    front = ogg.page(head, 0, 0, 2) + ogg.page(tags, 0, 1)
    front += ogg.page(silence, _SILENCE_SAMPLES, _HEADERS)
    zero = begins[first] - _SILENCE_SAMPLES
    last = len(found) - _HEADERS

    def write(index: int) -> bytes:
        number = index - _HEADERS
        end = (begins[number + 1] if number + 1 < last else samples) - zero
        return ogg.page(found.get(data, index), end, 1 + index - first)

    pieces = ogg.grouped(found, first + _HEADERS, len(found), write)
    rest = found.get(data, len(found) - 1)
    again = b"".join(ogg.page(rest, samples - zero, 1 + len(found) - first + k) for k in (0, 1))
    return Plan(_RATE_HZ, [fixed(front), *pieces, fixed(again)], skip, total, total)


def _silence(head: bytes) -> bytes:
    """20 ms of nothing, for as many streams as the header names (RFC 6716 appendix B)."""
    if len(head) < 19:
        raise NotThisFormat("no Opus header")
    streams = 1 if head[18] == 0 else head[19] if head[18] == 1 and len(head) >= 21 else 0
    if not 1 <= streams <= _CHANNELS_MAX or not 1 <= head[9] <= _CHANNELS_MAX:
        raise NotThisFormat("Opus with an unknown channel mapping")
    return b"\xf8\x02\xff\xfe" * (streams - 1) + b"\xf8\xff\xfe"


def _begins(found: ogg.Packets, data: Data) -> tuple[array[int], int]:
    begins, samples = array("q"), 0
    for index in range(_HEADERS, len(found)):
        begins.append(samples)
        samples += _duration(found.head(data, index))
    return begins, samples


def _duration(packet: bytes) -> int:
    """Samples at 48 kHz, from the first bytes of a packet (RFC 6716, 3.1)."""
    if not packet:
        return 0
    config, code = packet[0] >> 3, packet[0] & 3
    if config < 12:
        frame = (480, 960, 1920, 2880)[config & 3]
    elif config < 16:
        frame = (480, 960)[config & 1]
    else:
        frame = (120, 240, 480, 960)[config & 3]
    frames = (1, 2, 2, packet[1] & 0x3F if len(packet) > 1 else 0)[code]
    return frame * frames
