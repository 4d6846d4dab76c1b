"""How live sound arrives is the sender's to say: in segments, all at once, too slowly, mixed.

Real libVLC, PortAudio, PulseAudio and HTTP; what was heard is taken from a recording.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.player import protocol as p
from simulator.measure import find_start, programme
from simulator.relay import Answer, Playlist, Servers
from simulator.soundcard import PlayerChild, SoundCard, encode
from tests.integration.live_lab import (
    SPARE_HZ,
    STUDIO_HZ,
    Station,
    holes_ms,
    tone_file,
    tone_hz,
)

NEEDED = ("pulseaudio", "parec", "ffmpeg")
pytestmark = [
    pytest.mark.skipif(not all(map(shutil.which, NEEDED)), reason=f"needs {', '.join(NEEDED)}"),
    pytest.mark.slow,
]
WORDS_S = 3.0
WORDS = programme(WORDS_S, seed=17)


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Station]:
    with (
        SoundCard(sinks={"tan-lien": 1}) as card,
        card.record("tan-lien") as recorder,
        PlayerChild(card.env(), "tan-lien", 1) as child,
    ):
        child.wait(p.Ready)
        yield Station(recorder, child, card, tmp_path_factory.mktemp("flow"))


@pytest.fixture(scope="module")
def servers(station: Station) -> Iterator[Servers]:
    wav = tone_file(station.folder, STUDIO_HZ, 20.0)
    tone = encode_mp3(wav)
    words = encode(WORDS, station.folder / "words.mp3").read_bytes()
    with Servers(
        {
            "/words": Answer(words, length=True),
            "/words-in-chunks": Answer(words, chunked=True),
            "/chunks": Answer(tone, pace=1.0, chunked=True),
            "/titles": Answer(tone, pace=1.0, titles=True),
            "/shoutcast": Answer(tone, pace=1.0, titles=True, icy=True),
            "/moved": Answer(leads_to="/chunks"),
            "/empty.m3u": Answer(b"#EXTM3U\n", kind="audio/x-mpegurl", length=True),
            "/slow": Answer(tone, pace=0.5, ahead_s=0.5),
        }
    ) as server:
        for path, kind, text in (
            ("/dai.m3u", "audio/x-mpegurl", "#EXTM3U\n#EXTINF:-1,Dai\n{}\n"),
            ("/dai.pls", "audio/x-scpls", "[playlist]\nNumberOfEntries=1\nFile1={}\n"),
        ):
            listed = text.format(server.url("/chunks")).encode()
            server.answers[path] = Answer(listed, kind=kind, length=True)
        yield server


def encode_mp3(wav: Path) -> bytes:
    command = ["ffmpeg", "-nostdin", "-loglevel", "error", "-y", "-i", str(wav), "-b:a", "64k"]
    file = wav.with_suffix(".mp3")
    subprocess.run([*command, str(file)], check=True, timeout=30)
    return file.read_bytes()


def test_a_live_playlist_of_six_second_segments_sounds_without_a_hole(
    station: Station, tmp_path: Path
) -> None:
    """Nothing comes of it for longer than any other stream may be quiet."""
    spare = p.Source("file", str(tone_file(station.folder, SPARE_HZ, 2.0)))
    with Playlist(tmp_path, STUDIO_HZ, segment_s=6, seconds=72) as playlist:
        source = p.Source("stream", playlist.url)
        token, _ = station.play(source, spare, for_ms=60_000, retake="at_once")
        began = station.child.wait(p.Started, token)
        time.sleep(12.0)
        sound = station.heard(began.at_ms + 100, began.at_ms + 18_000)
        ended = station.stop(token)
    assert not station.child.all(p.SourceFailed, token)
    assert tone_hz(sound) == pytest.approx(STUDIO_HZ, abs=2)
    assert holes_ms(sound) == 0
    assert ended.underruns == 0


@pytest.mark.parametrize("path", ["/words", "/words-in-chunks"])
def test_a_recording_behind_an_address_is_heard_from_its_first_sample_to_its_end(
    station: Station, servers: Servers, path: str
) -> None:
    token, _ = station.play(p.Source("stream", servers.url(path)), for_ms=60_000)
    began = station.child.wait(p.Started, token)
    ended = station.child.wait(p.Ended, token, limit_s=10)
    assert ended.reason == "finished"
    assert ended.played_ms == pytest.approx(1_000 * WORDS_S, abs=100)
    heard = station.heard(began.at_ms - 500, began.at_ms + 1_500)
    # An encoder's delay comes before its first sample, of a stream nobody takes it away.
    at, score = find_start(heard, WORDS[:24_000], 24_000, 12_000)
    assert score > 0.7
    assert abs(at - 24_000) < 4_800


@pytest.mark.parametrize(
    "path", ["/chunks", "/titles", "/shoutcast", "/moved", "/dai.m3u", "/dai.pls"]
)
def test_a_stream_is_heard_whatever_its_server_adds_to_it(
    station: Station, servers: Servers, path: str
) -> None:
    token, _ = station.play(p.Source("stream", servers.url(path)), for_ms=20_000)
    began = station.child.wait(p.Started, token, limit_s=5)
    sound = station.heard(began.at_ms + 100, began.at_ms + 2_600)
    station.stop(token)
    assert tone_hz(sound) == pytest.approx(STUDIO_HZ, abs=2)
    # A card that tears on a busy machine leaves some 20 ms; titles are heard every half second.
    assert holes_ms(sound) <= 30


def test_a_list_that_leads_nowhere_is_no_sound(station: Station, servers: Servers) -> None:
    token, _ = station.play(p.Source("stream", servers.url("/empty.m3u")), for_ms=5_000)
    assert station.child.wait(p.SourceFailed, token).fault == "not_audio"
    station.child.wait(p.Ended, token)


def test_a_server_that_is_too_slow_is_told_and_left(station: Station, servers: Servers) -> None:
    """Each of its samples comes, and half of the time nothing is heard."""
    spare = p.Source("file", str(tone_file(station.folder, SPARE_HZ, 60.0)))
    token, _ = station.play(p.Source("stream", servers.url("/slow")), spare, for_ms=60_000)
    began = station.child.wait(p.Started, token)
    failed = station.child.wait(p.SourceFailed, token, limit_s=20)
    assert failed.fault == "too_slow"
    assert failed.at_ms - began.at_ms < 14_000
    over = station.child.wait(p.PartStarted, token, where=lambda one: one.source == 1)
    sound = station.heard(over.at_ms + 100, over.at_ms + 1_100)
    station.stop(token)
    assert tone_hz(sound) == pytest.approx(SPARE_HZ, abs=2)
    assert holes_ms(sound) == 0
