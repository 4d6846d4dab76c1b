"""MP3: whole frames from a little before the position, without the Xing frame.

The encoder's delay comes from the LAME tag; the decoder adds 529 samples. Without a tag LAME's
own default of 576 is assumed: every common encoder delays by about that much. Frames lean on
bits of earlier ones (at most 511 bytes back), so decoding begins some frames early.
"""

from __future__ import annotations

from dataclasses import dataclass

from agent.player.formats.data import Data
from agent.player.formats.excerpt import NotThisFormat, Plan, after_id3, fixed, scaled, slices

_DECODER_DELAY = 529
_FOLLOWING, _FOLLOWING_GARBAGE = 2, 8
"""Frames that must follow the first one: more where something else lies in front of it."""
_GARBAGE_MAX_BYTES = 200_000
_USUAL_ENCODER_DELAY = 576
_RUN_IN_FRAMES = 12
# libVLC gives nothing for the first two frames it sees (measured with 3.0.24).
_SWALLOWED_FRAMES = 2
_LEAD_FRAMES = 3
_RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
_KBITS_1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_KBITS_2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)


@dataclass(frozen=True)
class _Frame:
    length: int
    rate_hz: int
    samples: int
    side_end: int  # where the main data begin


@dataclass(frozen=True)
class _Tag:
    """What the Xing frame says; zero for what it does not say."""

    frames: int = 0
    size: int = 0
    delay: int = _USUAL_ENCODER_DELAY
    padding: int = 0


def plan(data: Data, from_frames: int) -> Plan:
    """The file from `from_frames` on."""
    first, frame = _first_frame(data, after_id3(data))
    tag = _tag(data, first, frame)
    begin = first if tag is None else first + frame.length
    tag = tag or _Tag()
    delay = tag.delay + _DECODER_DELAY
    count = tag.frames or _count(data, begin)
    total = max(0, count * frame.samples - tag.delay - tag.padding)
    wanted = min(scaled(from_frames, frame.rate_hz), total) + delay
    run_in = max(0, wanted // frame.samples - _RUN_IN_FRAMES)
    at = _walk(data, begin, run_in)
    present = total
    if tag.size and len(data) - first < tag.size:
        present = total * (len(data) - first) // tag.size
    lead = fixed(_LEAD_FRAMES * _silent(data, first, frame))
    pieces = [lead, *slices(data, at, len(data)), lead]
    skip = wanted - (run_in - _LEAD_FRAMES + _SWALLOWED_FRAMES) * frame.samples
    return Plan(frame.rate_hz, pieces, skip, total, present, "mpga")


def _silent(data: Data, at: int, frame: _Frame) -> bytes:
    """A frame of its kind without sound."""
    head = bytes([0xFF, data[at + 1] | 1]) + data[at + 2 : at + 4]
    return head.ljust(frame.length, b"\0")


def _first_frame(data: Data, at: int) -> tuple[int, _Frame]:
    """Where the first frame is; others must follow, or any two bytes could pass for MP3."""
    frame = _followed(data, at, _FOLLOWING)
    if frame is not None:
        return at, frame
    last = min(len(data), at + _GARBAGE_MAX_BYTES)
    while (at := data.find(b"\xff", at, last)) >= 0:
        frame = _followed(data, at, _FOLLOWING_GARBAGE)
        if frame is not None:
            return at, frame
        at += 1
    raise NotThisFormat("no MP3 frames")


def _followed(data: Data, at: int, count: int) -> _Frame | None:
    """The frame at `at`, when so many of its kind follow."""
    first = frame = _frame(data, at)
    for _ in range(count):
        if first is None or frame is None or frame.rate_hz != first.rate_hz:
            return None
        at += frame.length
        frame = _frame(data, at)
    return first


def _frame(data: Data, at: int) -> _Frame | None:
    if at + 4 > len(data):
        return None
    sync, high, third, fourth = data[at : at + 4]
    version, layer = high >> 3 & 3, high >> 1 & 3
    bits, rate = third >> 4, third >> 2 & 3
    if sync != 0xFF or high < 0xE0 or version == 1 or layer != 1 or bits in (0, 15) or rate == 3:
        return None
    rate_hz = _RATES[version][rate]
    samples = 1152 if version == 3 else 576
    kbits = (_KBITS_1 if version == 3 else _KBITS_2)[bits]
    length = samples // 8 * kbits * 1000 // rate_hz + (third >> 1 & 1)
    mono = fourth >> 6 == 3
    side = (17 if mono else 32) if version == 3 else (9 if mono else 17)
    return _Frame(length, rate_hz, samples, 4 + side)


def _tag(data: Data, at: int, frame: _Frame) -> _Tag | None:
    """The Xing or Info frame (which holds no sound), if the first frame is one."""
    raw = data[at + frame.side_end : at + frame.length]
    if raw[:4] not in (b"Xing", b"Info"):
        return None
    flags, cursor, frames, size = int.from_bytes(raw[4:8], "big"), 8, 0, 0
    if flags & 1:
        frames, cursor = int.from_bytes(raw[cursor : cursor + 4], "big"), cursor + 4
    if flags & 2:
        size, cursor = int.from_bytes(raw[cursor : cursor + 4], "big"), cursor + 4
    cursor += (100 if flags & 4 else 0) + (4 if flags & 8 else 0)
    gapless = raw[cursor + 21 : cursor + 24]
    if len(gapless) < 3 or not any(gapless):
        return _Tag(frames, size)
    delay, padding = gapless[0] << 4 | gapless[1] >> 4, (gapless[1] & 15) << 8 | gapless[2]
    return _Tag(frames, size, delay, padding)


def _walk(data: Data, at: int, frames: int) -> int:
    """Where frame number `frames` begins."""
    for _ in range(frames):
        frame = _frame(data, at)
        if frame is None:
            break
        at += frame.length
    return at


def _count(data: Data, at: int) -> int:
    """All frames, for files without a Xing frame (0.1 s an hour of programme)."""
    count = 0
    while (frame := _frame(data, at)) is not None and at + frame.length <= len(data):
        at, count = at + frame.length, count + 1
    return count
