"""Frames on the wire: 00 | COBS(header | payload | CRC-16/GENIBUS) | 00.

Owns the layout of a frame body (version 1, frozen) and the incremental decoder. Does not
own what a payload means, retransmission, or ports.

Invariants: `Decoder.feed` never raises and never holds more than one frame's worth of
bytes, whatever the line brings; its result does not depend on how the bytes were cut up;
`decode_body` raises `FrameError` and nothing else.

The closing XOR of GENIBUS matters. Without it one flipped bit can turn the closing 00 into
01, and COBS with a plain CRC then accepts a wrong frame.
"""

from __future__ import annotations

import binascii
import struct
from dataclasses import dataclass
from enum import IntEnum, StrEnum

FRAME_VERSION = 1
MAX_PAYLOAD = 64
_HEADER = struct.Struct("<BBBBH")
_CRC = struct.Struct("<H")
MIN_BODY = _HEADER.size + _CRC.size
MAX_BODY = MIN_BODY + MAX_PAYLOAD
MAX_ENCODED = MAX_BODY + 1
MAX_ON_WIRE = MAX_ENCODED + 2


class FrameKind(IntEnum):
    DATA = 1
    ACK = 2
    NAK = 3
    HELLO = 4
    RESET = 5


class FrameFault(StrEnum):
    TOO_LONG = "too_long"
    TOO_SHORT = "too_short"
    COBS = "cobs"
    CRC = "crc"
    VERSION = "version"
    KIND = "kind"


class FrameError(Exception):
    """The bytes between two zeros are not a frame of ours. The line is to blame, or the peer."""

    def __init__(self, fault: FrameFault) -> None:
        super().__init__(fault.value)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame. `ack` is the last sequence number received; `req` 0 means unsolicited."""

    kind: FrameKind
    seq: int = 0
    ack: int = 0
    req: int = 0
    payload: bytes = b""


def crc16(data: bytes) -> int:
    """CRC-16/GENIBUS: crc16(b"123456789") is 0xD64E."""
    return binascii.crc_hqx(data, 0xFFFF) ^ 0xFFFF


def cobs_encode(data: bytes) -> bytes:
    """Consistent overhead byte stuffing: the same data without any zero byte."""
    out = bytearray()
    groups = data.split(b"\0")
    for position, group in enumerate(groups):
        while len(group) > 253:
            out += b"\xff" + group[:254]
            group = group[254:]
            if not group and position == len(groups) - 1:
                return bytes(out)
        out.append(len(group) + 1)
        out += group
    return bytes(out)


def cobs_decode(data: bytes) -> bytes:
    """The inverse of `cobs_encode`; raises FrameError for anything it could not have made."""
    out = bytearray()
    index, size = 0, len(data)
    while index < size:
        code = data[index]
        end = index + code
        if code == 0 or end > size:
            raise FrameError(FrameFault.COBS)
        group = data[index + 1 : end]
        if 0 in group:
            raise FrameError(FrameFault.COBS)
        out += group
        index = end
        if code < 0xFF and index < size:
            out.append(0)
    return bytes(out)


def encode(frame: Frame) -> bytes:
    """The bytes to send. Raises ValueError when a field does not fit: our own mistake."""
    if len(frame.payload) > MAX_PAYLOAD:
        raise ValueError(f"payload of {len(frame.payload)} bytes exceeds {MAX_PAYLOAD}")
    try:
        head = _HEADER.pack(FRAME_VERSION, frame.kind, frame.seq, frame.ack, frame.req)
    except struct.error as error:
        raise ValueError(str(error)) from error
    body = head + frame.payload
    return b"\0" + cobs_encode(body + _CRC.pack(crc16(body))) + b"\0"


def decode_body(encoded: bytes) -> Frame:
    """One frame from the bytes between two zeros."""
    if len(encoded) > MAX_ENCODED:
        raise FrameError(FrameFault.TOO_LONG)
    body = cobs_decode(encoded)
    if len(body) < MIN_BODY:
        raise FrameError(FrameFault.TOO_SHORT)
    if _CRC.unpack_from(body, len(body) - _CRC.size)[0] != crc16(body[: -_CRC.size]):
        raise FrameError(FrameFault.CRC)
    version, kind, seq, ack, req = _HEADER.unpack_from(body)
    if version != FRAME_VERSION:
        raise FrameError(FrameFault.VERSION)
    try:
        known_kind = FrameKind(kind)
    except ValueError:
        raise FrameError(FrameFault.KIND) from None
    return Frame(known_kind, seq, ack, req, body[_HEADER.size : -_CRC.size])


class Decoder:
    """Cuts a byte stream into frames. Silence and line noise cost nothing but counters."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._overrun = False

    @property
    def held_bytes(self) -> int:
        return len(self._buffer)

    def feed(self, data: bytes) -> list[Frame | FrameError]:
        """Frames and errors completed by `data`, in order of arrival."""
        found: list[Frame | FrameError] = []
        pieces = data.split(b"\0")
        for piece in pieces[:-1]:
            self._hold(piece)
            self._finish(found)
        self._hold(pieces[-1])
        return found

    def _hold(self, piece: bytes) -> None:
        room = MAX_ENCODED - len(self._buffer)
        if len(piece) > room:
            self._overrun = True
        self._buffer += piece[:room]

    def _finish(self, found: list[Frame | FrameError]) -> None:
        encoded, overrun = bytes(self._buffer), self._overrun
        self._buffer.clear()
        self._overrun = False
        if overrun:
            found.append(FrameError(FrameFault.TOO_LONG))
        elif encoded:
            try:
                found.append(decode_body(encoded))
            except FrameError as error:
                found.append(error)
