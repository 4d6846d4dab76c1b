"""Frames: what is sent comes back, and nothing else ever does."""

from __future__ import annotations

import itertools
import json
import random
from pathlib import Path

import pytest
from cobs import cobs
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_bridge.framing import (
    MAX_ENCODED,
    MAX_ON_WIRE,
    MAX_PAYLOAD,
    Decoder,
    Frame,
    FrameError,
    FrameFault,
    FrameKind,
    cobs_decode,
    cobs_encode,
    crc16,
    decode_body,
    encode,
)

GOLDEN = json.loads((Path(__file__).parent / "golden_frames.json").read_text())

frames = st.builds(
    Frame,
    kind=st.sampled_from(FrameKind),
    seq=st.integers(0, 255),
    ack=st.integers(0, 255),
    req=st.integers(0, 65_535),
    payload=st.binary(max_size=MAX_PAYLOAD),
)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[start:end] for start, end in itertools.pairwise(edges)]


def faults(found: list[Frame | FrameError]) -> list[FrameFault]:
    return [item.fault for item in found if isinstance(item, FrameError)]


def test_the_crc_is_genibus() -> None:
    assert crc16(b"123456789") == 0xD64E


@given(frames)
def test_every_frame_comes_back_as_it_was_sent(frame: Frame) -> None:
    wire = encode(frame)
    assert Decoder().feed(wire) == [frame]
    assert len(wire) <= MAX_ON_WIRE


@given(st.lists(frames, max_size=5), st.lists(st.integers(0, 10_000)))
def test_the_result_does_not_depend_on_how_the_bytes_are_cut(
    sent: list[Frame], places: list[int]
) -> None:
    decoder = Decoder()
    wire = b"".join(map(encode, sent))
    assert [frame for piece in cut(wire, places) for frame in decoder.feed(piece)] == sent


@given(st.binary(max_size=600))
def test_cobs_agrees_with_the_published_package(data: bytes) -> None:
    assert cobs_encode(data) == cobs.encode(data)
    assert cobs_decode(cobs_encode(data)) == data
    assert 0 not in cobs_encode(data)


@given(st.binary(max_size=MAX_ENCODED + 10))
def test_arbitrary_bytes_give_a_frame_or_a_frame_error_and_nothing_else(data: bytes) -> None:
    try:
        frame = decode_body(data)
    except FrameError:
        return
    assert encode(frame)[1:-1] == data


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_memory_stays_bounded_whatever_arrives(pieces: list[bytes]) -> None:
    decoder = Decoder()
    for piece in pieces:
        decoder.feed(piece)
        assert decoder.held_bytes <= MAX_ENCODED


@given(frames, st.binary(max_size=200))
def test_a_frame_after_any_noise_is_still_found(frame: Frame, noise: bytes) -> None:
    assert Decoder().feed(noise + encode(frame))[-1] == frame


@settings(max_examples=30, deadline=None)
@given(frames)
def test_no_flipped_bit_turns_a_frame_into_another(frame: Frame) -> None:
    wire = encode(frame)
    for bit in range(len(wire) * 8):
        damaged = bytearray(wire)
        damaged[bit // 8] ^= 1 << bit % 8
        found = Decoder().feed(bytes(damaged) + encode(frame))
        assert all(item == frame for item in found if isinstance(item, Frame))


def test_a_megabyte_of_garbage_yields_no_frame() -> None:
    decoder = Decoder()
    found = decoder.feed(random.Random(7).randbytes(1_000_000))
    assert [item for item in found if isinstance(item, Frame)] == []
    assert decoder.held_bytes <= MAX_ENCODED


@pytest.mark.parametrize(
    ("encoded", "fault"),
    [
        (b"\x05\x01", FrameFault.COBS),
        (cobs_encode(b"\x01\x01"), FrameFault.TOO_SHORT),
        (b"\x01" * (MAX_ENCODED + 1), FrameFault.TOO_LONG),
        (cobs_encode(bytes(8)), FrameFault.CRC),
        (cobs_encode(b"\x02\x01\0\0\0\0" + crc16(b"\x02\x01\0\0\0\0").to_bytes(2, "little")),
         FrameFault.VERSION),
        (cobs_encode(b"\x01\x63\0\0\0\0" + crc16(b"\x01\x63\0\0\0\0").to_bytes(2, "little")),
         FrameFault.KIND),
    ],
)  # fmt: skip
def test_each_kind_of_damage_has_its_name(encoded: bytes, fault: FrameFault) -> None:
    assert faults(Decoder().feed(b"\0" + encoded + b"\0")) == [fault]


def test_silence_between_frames_is_not_an_error() -> None:
    assert Decoder().feed(b"\0" * 50) == []


def test_a_payload_that_does_not_fit_is_our_own_mistake() -> None:
    with pytest.raises(ValueError, match="exceeds"):
        encode(Frame(FrameKind.DATA, payload=bytes(MAX_PAYLOAD + 1)))
    with pytest.raises(ValueError, match="format requires"):
        encode(Frame(FrameKind.DATA, seq=256))


@pytest.mark.parametrize("row", GOLDEN, ids=lambda row: row["name"])
def test_golden_bytes_stay_what_other_implementers_were_given(row: dict[str, str | int]) -> None:
    frame = Frame(
        FrameKind[str(row["kind"])],
        int(row["seq"]),
        int(row["ack"]),
        int(row["req"]),
        bytes.fromhex(str(row["payload"])),
    )
    wire = bytes.fromhex(str(row["wire"]))
    assert encode(frame) == wire
    assert Decoder().feed(wire) == [frame]
