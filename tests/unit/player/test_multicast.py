"""What RTP packets carry: in their order, once, and only what has one meaning everywhere."""

from __future__ import annotations

import struct

from agent.player.multicast import BARE, TS, Rtp

MP3, G711, MPEGTS, OPUS = 14, 0, 33, 96


def packet(
    number: int, data: bytes, payload: int = MPEGTS, stream: int = 7, first: int = 0x80
) -> bytes:
    return struct.pack("!BBHII", first, payload, number & 0xFFFF, 0, stream) + data


def test_the_sound_is_taken_out_of_its_packets() -> None:
    rtp = Rtp()
    assert rtp.payload(packet(65_535, b"one")) == b"one"
    assert rtp.payload(packet(0, b"two")) == b"two"
    assert rtp.kind == TS


def test_what_comes_twice_or_late_is_left_out() -> None:
    rtp = Rtp()
    got = [rtp.payload(packet(number, b"%d" % number)) for number in (5, 6, 6, 8, 7, 9)]
    assert got == [b"5", b"6", b"", b"8", b"", b"9"]


def test_the_head_of_mpeg_audio_is_none_of_its_sound() -> None:
    rtp = Rtp()
    assert rtp.payload(packet(1, b"\0\0\0\0frame", MP3)) == b"frame"
    assert rtp.kind == "audio/mpeg"


def test_bare_samples_get_a_head_that_tells_what_they_are_and_get_it_once() -> None:
    rtp = Rtp()
    first, second = (rtp.payload(packet(number, b"\xff" * 160, G711)) for number in (1, 2))
    assert (first[:4], len(first), len(second)) == (b".snd", 24 + 160, 160)
    assert struct.unpack("!3I", first[12:24]) == (1, 8_000, 1)
    assert rtp.kind == BARE


def test_contributing_sources_an_extension_and_padding_are_none_of_the_sound() -> None:
    extended = b"\0\0\0\1" + b"\xbe\xde\0\1" + b"\0\0\0\0" + b"sound" + b"\0\0\3"
    assert Rtp().payload(packet(1, extended, first=0x80 | 0x20 | 0x10 | 1)) == b"sound"


def test_a_sender_that_is_started_again_is_followed() -> None:
    rtp = Rtp()
    assert rtp.payload(packet(900, b"a")) == b"a"
    assert rtp.payload(packet(3, b"b", stream=8)) == b"b"


def test_a_type_that_only_a_description_would_explain_is_told() -> None:
    rtp = Rtp()
    assert rtp.payload(packet(1, b"x", OPUS)) == b""
    assert rtp.foreign


def test_another_type_amid_a_stream_does_not_end_it() -> None:
    rtp = Rtp()
    rtp.payload(packet(1, b"a"))
    assert (rtp.payload(packet(2, b"x", OPUS)), rtp.foreign) == (b"", False)
    assert rtp.payload(packet(3, b"b")) == b"b"


def test_what_is_no_rtp_is_not_taken_for_it() -> None:
    rtp = Rtp()
    for junk in (
        b"",
        b"\x80",
        b"\x47" * 188,
        packet(1, b"", first=0xA0),
        packet(1, b"\xff", first=0xA0),
    ):
        assert rtp.payload(junk) == b""
    assert not rtp.foreign
