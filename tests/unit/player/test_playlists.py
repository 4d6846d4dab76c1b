"""What a list of sound says: where it is, and in which lumps it comes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.player.playlists import Listed, is_playlist, read

LIST = "https://dai.example/phat/dai.m3u8"


def test_a_live_list_says_how_long_its_segments_are() -> None:
    text = "#EXTM3U\n#EXT-X-TARGETDURATION:7\n#EXTINF:5.9,\na.ts\n#EXTINF:6.02,nhạc\nb.ts\n"
    assert read(text, LIST) == Listed("segments", "", 6_020, False)


def test_a_list_with_an_end_is_whole() -> None:
    text = "#EXTM3U\r\n#EXT-X-TARGETDURATION:4\r\n#EXTINF:4,\r\na.ts\r\n#EXT-X-ENDLIST\r\n"
    assert read(text, LIST) == Listed("segments", "", 4_000, True)


def test_a_live_list_without_segments_yet_has_those_it_announces() -> None:
    assert read("#EXTM3U\n#EXT-X-TARGETDURATION:10\n", LIST) == Listed("segments", "", 10_000)
    assert read("#EXTM3U\n#EXT-X-VERSION:3\n", LIST) == Listed("segments", "", 6_000)


def test_a_list_of_variants_leads_to_the_first() -> None:
    text = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=64000\nthap/a.m3u8\n"
    assert read(text, LIST) == Listed("variants", "https://dai.example/phat/thap/a.m3u8")


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff#EXTM3U\n#EXTINF:-1,Đài\n\nhttps://a.example/dai.mp3\nhttps://b.example\n",
        "https://a.example/dai.mp3",
        "[playlist]\r\nNumberOfEntries=1\r\nTitle1=Đài\r\nFile1=https://a.example/dai.mp3\r\n",
        "[Playlist]\nfile1 = https://a.example/dai.mp3 \n",
        "http://a.example/dai.mp3\nfile:///etc/passwd\nhttps://a.example/dai.mp3",
    ],
)
def test_a_list_of_other_addresses_leads_to_the_first_that_may_be_fetched(text: str) -> None:
    assert read(text, LIST) == Listed("other", "https://a.example/dai.mp3")


@pytest.mark.parametrize(
    "text",
    ["", "#EXTM3U\n", "[playlist]\n", "http://a.example/x", "file:///etc/passwd", "https://["],
)
def test_a_list_that_leads_nowhere_is_said_to(text: str) -> None:
    assert read(text, LIST) is None


def test_a_list_is_known_by_its_name_or_its_kind() -> None:
    assert is_playlist("https://a.example/dai.PLS?x=1")
    assert is_playlist("https://a.example/dai", "application/vnd.apple.mpegurl")
    assert not is_playlist("https://a.example/dai.mp3?list=a.m3u", "audio/mpeg")


@given(st.text(max_size=400), st.sampled_from(["", "#EXTM3U\n", "[playlist]\nFile1=", "#EXT-X-"]))
def test_no_list_is_too_strange_to_read(text: str, begin: str) -> None:
    listed = read(begin + text, LIST)
    assert listed is None or listed.segment_ms <= 60_000
    assert listed is None or listed.address.startswith("https://") or listed.kind == "segments"
