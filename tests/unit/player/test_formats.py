"""Which samples each format's excerpt begins with, from bytes made here."""

from __future__ import annotations

import struct
import wave
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.player.formats import (
    NotThisFormat,
    adts,
    flac,
    mp3,
    mp4,
    ogg,
    oggflac,
    open_excerpt,
    opus,
    vorbis,
    wav,
)
from agent.player.formats.excerpt import Excerpt, Plan

MP3_HEAD = bytes([0xFF, 0xFB, 0x94, 0xC0])  # MPEG-1 layer III, 128 kbit/s, 48 kHz, mono
MP3_LENGTH = 384
MP3_LEAD = 1152  # of three silent frames in front two are swallowed


def whole(plan: Plan) -> bytes:
    excerpt = Excerpt(plan, b"")
    return excerpt.read(0, excerpt.size + 1)


def mp3_frames(count: int) -> bytes:
    return b"".join(
        MP3_HEAD + struct.pack(">I", n) + bytes(MP3_LENGTH - 8) for n in range(1, count + 1)
    )


def mp3_tag(frames: int, delay: int, padding: int) -> bytes:
    info = b"Info" + struct.pack(">I", 1) + struct.pack(">I", frames)
    info += b"LAME3.100" + bytes(12)
    info += bytes([delay >> 4, (delay & 15) << 4 | padding >> 8, padding & 255])
    return (MP3_HEAD + bytes(17) + info).ljust(MP3_LENGTH, b"\0")


def test_an_mp3_with_a_lame_tag_skips_encoder_and_decoder_delay() -> None:
    plan = mp3.plan(mp3_tag(50, 1000, 300) + mp3_frames(50), 0)
    assert (plan.skip, plan.total) == (MP3_LEAD + 1000 + 529, 50 * 1152 - 1300)
    # Three silent frames of which two are swallowed, then the first: the tag's is left out.
    assert whole(plan)[3 * MP3_LENGTH + 4 :][:4] == struct.pack(">I", 1)


def test_an_mp3_without_a_tag_is_taken_for_lame() -> None:
    assert mp3.plan(mp3_frames(50), 0).skip == MP3_LEAD + 576 + 529


def test_an_mp3_behind_something_else_begins_with_its_first_frame() -> None:
    plain, behind = (
        mp3.plan(mp3_frames(50), 0),
        mp3.plan(bytes(range(256)) * 99 + mp3_frames(50), 0),
    )
    assert (behind.skip, behind.total, whole(behind)) == (plain.skip, plain.total, whole(plain))


def test_an_mp3_begins_some_frames_before_the_position() -> None:
    plan = mp3.plan(mp3_frames(200), 100 * 1152)
    first = struct.unpack(">I", whole(plan)[3 * MP3_LENGTH + 4 :][:4])[0] - 1
    assert first * 1152 + plan.skip == MP3_LEAD + 100 * 1152 + 1105
    assert plan.skip > 4 * 1152


def test_an_mp3_behind_an_id3_tag_is_found() -> None:
    tagged = b"ID3\x04\0\0" + bytes([0, 0, 1, 2]) + bytes(130) + mp3_frames(9)
    assert whole(mp3.plan(tagged, 0))[:4] == MP3_HEAD


def test_a_wav_begins_with_the_exact_frame(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    with wave.open(str(path), "wb") as out:
        out.setnchannels(2)
        out.setsampwidth(2)
        out.setframerate(48_000)
        out.writeframes(np.repeat(np.arange(1000, dtype="<i2"), 2).tobytes())
    with open_excerpt(path, 123) as excerpt:
        raw = excerpt.read(0, excerpt.size)
        assert (excerpt.total_frames, excerpt.skip_frames) == (1000, 0)
    with wave.open(BytesIO(raw)) as back:
        assert back.getnframes() > 877 + 2400  # the last block of libVLC is filled up
        assert back.readframes(1) == struct.pack("<hh", 123, 123)
        assert back.readframes(9_999)[876 * 4 - 4 :][:8] == struct.pack("<hhhh", 999, 999, 0, 0)


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF])
def test_a_wav_whose_recorder_lost_power_has_what_is_there(size: int) -> None:
    fmt = struct.pack("<HHIIHH", 1, 1, 48_000, 96_000, 2, 16)
    data = b"RIFF\0\0\0\0WAVEfmt " + struct.pack("<I", 16) + fmt + b"data"
    plan = wav.plan(data + struct.pack("<I", size) + bytes(501), 0)
    assert (plan.total, plan.present) == (250, 250)


def test_a_wav_that_was_cut_off_is_seen() -> None:
    fmt = struct.pack("<HHIIHH", 1, 1, 48_000, 96_000, 2, 16)
    data = b"RIFF\0\0\0\0WAVEfmt " + struct.pack("<I", 16) + fmt + b"data"
    plan = wav.plan(data + struct.pack("<I", 2000) + bytes(500), 0)
    assert (plan.total, plan.present) == (1000, 250)


def adts_frames(count: int) -> bytes:
    def frame(n: int) -> bytes:
        full = 7 + 40
        head = 0xFFF1 << 40 | 1 << 38 | 3 << 34 | 1 << 30 | full << 13 | 0x7FF << 2
        return head.to_bytes(7, "big") + struct.pack(">I", n) + bytes(36)

    return b"".join(frame(n) for n in range(count))


def test_an_adts_stream_counts_one_frame_of_priming() -> None:
    plan = adts.plan(adts_frames(100), 0)
    assert (plan.skip, plan.total) == (0, 99 * 1024)  # the decoder swallows the priming frame


def test_an_adts_stream_begins_before_the_position() -> None:
    plan = adts.plan(adts_frames(100), 50_000)
    first = struct.unpack(">I", whole(plan)[7:11])[0]
    assert (first + 1) * 1024 + plan.skip == 50_000 + 1024


def box(name: bytes, *inside: bytes) -> bytes:
    body = b"".join(inside)
    return struct.pack(">I4s", 8 + len(body), name) + body


def m4a(
    priming: int, length_ms: int, frames: int, *, edit: bool = True, note: bytes = b""
) -> bytes:
    sound = [struct.pack(">I", n) + bytes(20) for n in range(frames)]
    ftyp = box(b"ftyp", b"M4A ")
    config = bytes([5, 2, 0x11, 0x88])  # tag, length, AAC-LC 48 kHz mono
    decoder = bytes([4, 13 + len(config)]) + bytes(13) + config
    esds = box(b"esds", bytes(4), bytes([3, 3 + len(decoder)]), bytes(3), decoder)
    stsd = box(b"stsd", bytes(4), struct.pack(">I", 1), box(b"mp4a", bytes(28), esds))
    sizes = b"".join(struct.pack(">I", len(part)) for part in sound)
    stsz = box(b"stsz", bytes(4), struct.pack(">II", 0, frames), sizes)
    stsc = box(b"stsc", bytes(4), struct.pack(">IIII", 1, 1, frames, 1))
    stco = box(b"stco", bytes(4), struct.pack(">II", 1, len(ftyp) + 8))
    hdlr = box(b"hdlr", bytes(8), b"soun", bytes(13))
    mdhd = box(b"mdhd", bytes(12), struct.pack(">II", 48_000, frames * 1024), bytes(4))
    stbl = box(b"stbl", stsd, stsz, stsc, stco)
    mdia = box(b"mdia", mdhd, hdlr, box(b"minf", stbl))
    elst = box(b"elst", bytes(4), struct.pack(">IIiI", 1, length_ms, priming, 0x10000))
    trak = box(b"trak", box(b"edts", elst), mdia) if edit else box(b"trak", mdia)
    mvhd = box(b"mvhd", bytes(12), struct.pack(">II", 1000, length_ms), bytes(80))
    return ftyp + box(b"mdat", *sound) + box(b"moov", mvhd, trak, note)


def test_an_m4a_takes_its_priming_from_the_edit_list() -> None:
    plan = mp4.plan(m4a(2112, 1000, 60), 0)
    assert plan.total == 48_000
    first = struct.unpack(">I", whole(plan)[7:11])[0]
    assert (first + 1) * 1024 + plan.skip == 2112


def test_an_m4a_without_edit_list_takes_it_from_itunes() -> None:
    words = b" 00000000 00000840 000001C0 000000000000B000 00000000"
    data = box(b"data", bytes(8), words)
    note = box(b"----", box(b"name", bytes(4), b"iTunSMPB"), data)
    udta = box(b"udta", box(b"meta", bytes(4), box(b"ilst", note)))
    plan = mp4.plan(m4a(0, 1000, 60, edit=False, note=udta), 0)
    assert plan.total == 0xB000
    first = struct.unpack(">I", whole(plan)[7:11])[0]
    assert (first + 1) * 1024 + plan.skip == 0x840


def test_an_m4a_becomes_adts_frames_with_the_right_bytes() -> None:
    raw = whole(mp4.plan(m4a(1024, 1000, 200), 0))
    assert raw[:2] == b"\xff\xf1"
    assert len(raw) == 201 * (24 + 7)  # the last one twice
    assert struct.unpack(">I", raw[31 * 150 + 7 : 31 * 150 + 11])[0] == 150


def ogg_page(body: bytes, lacing: bytes, granule: int, number: int) -> bytes:
    head = b"OggS\0\0" + struct.pack("<qIII", granule, 9, number, 0)
    return head + bytes([len(lacing)]) + lacing + body


def opus_file(packets: int, pre_skip: int = 312) -> bytes:
    head = b"OpusHead\x01\x01" + struct.pack("<HIH", pre_skip, 48_000, 0) + b"\0"
    pages = ogg_page(head, bytes([len(head)]), 0, 0) + ogg_page(b"OpusTags", b"\x08", 0, 1)
    for n in range(packets):
        packet = b"\xf8" + struct.pack("<I", n) + b"x" * 40  # one frame of 20 ms
        pages += ogg_page(packet, bytes([45]), (n + 1) * 960, n + 2)
    return pages


def test_an_opus_file_gets_one_packet_of_silence_before_its_beginning() -> None:
    """It is swallowed undecoded; one that was decoded would change how the first ones sound."""
    plan = opus.plan(opus_file(100), 0)
    assert (plan.skip, plan.total) == (312, 100 * 960 - 312)
    assert whole(plan).count(b"\xf8\xff\xfe") == 1


def test_an_opus_file_begins_with_the_packets_before_the_position() -> None:
    plan = opus.plan(opus_file(100), 48_000)
    raw = whole(plan)
    first = struct.unpack("<I", raw[raw.index(b"x" * 40) - 4 :][:4])[0]
    assert first * 960 + plan.skip == 48_000 + 312
    assert plan.skip >= 3840
    assert raw.count(b"\xf8\xff\xfe") == 1


def test_the_checksum_of_an_ogg_page_is_the_one_of_the_format() -> None:
    def slow(data: bytes) -> int:
        crc = 0
        for value in data:
            crc ^= value << 24
            for _ in range(8):
                crc = (crc << 1 ^ (0x04C11DB7 if crc & 0x80000000 else 0)) & 0xFFFFFFFF
        return crc

    raw = whole(opus.plan(opus_file(3), 0))
    page = raw[: 27 + 1 + 19]
    assert struct.unpack("<I", page[22:26])[0] == slow(page[:22] + bytes(4) + page[26:])


PLANNERS = (
    wav.plan,
    flac.plan,
    opus.plan,
    vorbis.plan,
    oggflac.plan,
    mp4.plan,
    adts.plan,
    mp3.plan,
)


@given(st.binary(max_size=300), st.sampled_from([b"", b"RIFF\0\0\0\0WAVE", b"fLaC", MP3_HEAD]))
def test_any_bytes_are_a_plan_or_not_this_format(tail: bytes, head: bytes) -> None:
    for planner in PLANNERS:
        try:
            planner(head + tail, 4800)
        except NotThisFormat:
            continue


HEADS = [
    b"OggS" + bytes(24) + b"OpusHead",
    b"OggS" + bytes(24) + b"\x01vorbis",
    b"OggS" + bytes(24) + b"\x7fFLAC",
    ogg.page(b"OpusHead", 0, 0) + ogg.page(b"", 0, 1) + ogg.page(b"x", 9, 2),
    ogg.page(b"\x01vorbis", 0, 0) + 4 * ogg.page(b"", 0, 1),
    ogg.page(b"\x7fFLAC", 0, 0),
    b"\0\0\0\x08ftyp",
]


@pytest.mark.parametrize("head", HEADS)
@given(st.binary(max_size=200))
def test_broken_containers_are_refused_by_name(head: bytes, tail: bytes) -> None:
    for planner in (opus.plan, vorbis.plan, oggflac.plan, mp4.plan):
        try:
            planner(head + tail, 0)
        except NotThisFormat:
            continue
