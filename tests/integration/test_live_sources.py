"""Live sound through the real child: an Icecast server, bad servers, a line input, and relief.

Real libVLC, PortAudio, PulseAudio, HTTP and Icecast; what was heard is taken from a recording.
"""

from __future__ import annotations

import http.server
import shutil
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from agent.player import protocol as p
from simulator.measure import find_start, level_dbfs, programme
from simulator.relay import Icecast
from simulator.soundcard import PlayerChild, SoundCard, encode
from tests.integration.live_lab import (
    SPARE_HZ,
    STUDIO_HZ,
    Station,
    holes_ms,
    studio,
    tone_file,
    tone_hz,
)

NEEDED = ("pulseaudio", "parec", "ffmpeg", "icecast2")
pytestmark = [
    pytest.mark.skipif(not all(map(shutil.which, NEEDED)), reason=f"needs {', '.join(NEEDED)}"),
    pytest.mark.slow,
]


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Station]:
    with (
        SoundCard(sinks={"tan-lien": 1}, inputs=("micro",)) as card,
        card.record("tan-lien") as recorder,
        PlayerChild(card.env(), "tan-lien", 1) as child,
    ):
        child.wait(p.Ready)
        yield Station(recorder, child, card, tmp_path_factory.mktemp("live"))


@pytest.fixture(scope="module")
def icecast() -> Iterator[Icecast]:
    with Icecast() as server:
        yield server


def silence_then(hertz: int, after_s: int) -> list[str]:
    """Sound, and from `after_s` on nothing but silence, sent all the same."""
    volume = f"volume=enable='gte(t,{after_s})':volume=0"
    return ["-f", "lavfi", "-i", f"sine=frequency={hertz}:sample_rate=44100,{volume}"]


@pytest.mark.parametrize("mount", ["dai.mp3", "dai.ogg", "dai.aac"])
def test_an_icecast_relay_sounds_without_a_hole(
    station: Station, icecast: Icecast, mount: str
) -> None:
    with icecast.send(mount, studio()):
        icecast.await_sound(mount)
        time.sleep(1.0)
        source = p.Source("stream", icecast.url(mount))
        token, _ = station.play(source, for_ms=20_000)
        began = station.child.wait(p.Started, token)
        sound = station.heard(began.at_ms + 100, began.at_ms + 6_000)
        ended = station.stop(token)
    assert tone_hz(sound) == pytest.approx(STUDIO_HZ, abs=2)
    assert holes_ms(sound) == 0
    assert ended.underruns == 0


def test_a_studio_that_falls_silent_gives_way_and_is_gone_back_to(
    station: Station, icecast: Icecast
) -> None:
    """Silence that is sent counts as a source that is down, and sound as one that is up again."""
    spare = tone_file(station.folder, SPARE_HZ, 20.0)
    source = p.Source("stream", icecast.url("im.mp3"), silent_ms=2_000)
    with icecast.send("im.mp3", silence_then(STUDIO_HZ, 4)):
        icecast.await_sound("im.mp3")
        token, _ = station.play(
            source, p.Source("file", str(spare)), for_ms=60_000, retake="at_once"
        )
        failed = station.child.wait(p.SourceFailed, token, limit_s=15)
        assert failed.fault == "silent"
        station.child.wait(p.PartStarted, token, where=lambda one: one.source == 1)
    with icecast.send("im.mp3", studio()):
        back = station.child.wait(
            p.PartStarted,
            token,
            limit_s=40,
            where=lambda one: one.source == 0 and one.at_ms > failed.at_ms,
        )
        sound = station.heard(back.at_ms + 200, back.at_ms + 1_700)
        station.stop(token)
    assert tone_hz(sound) == pytest.approx(STUDIO_HZ, abs=2)
    across = station.heard(back.at_ms - 500, back.at_ms + 500)
    assert holes_ms(across) == 0, "from the spare file to the studio without a gap"
    unheard = [one for one in station.child.all(p.Heard, token) if one.kind == "silent"]
    assert max(one.for_ms for one in unheard) >= 1_000
    for one in unheard:  # what was silent before it took over is not said of the spare file
        assert one.source == 0 or one.for_ms <= one.at_ms - failed.at_ms + 500


@pytest.mark.parametrize("behind", ["file", "stream"])
def test_a_studio_that_stalls_is_stood_in_for_without_a_hole_and_gone_back_to(
    station: Station, icecast: Icecast, behind: str
) -> None:
    """What stands behind it is opened before its store is empty, and takes over when it is."""
    spare = p.Source("file", str(tone_file(station.folder, SPARE_HZ, 20.0)))
    stalls, holds = f"{behind}-a.mp3", f"{behind}-b.mp3"
    with icecast.send(stalls, studio()) as sender, icecast.send(holds, studio(SPARE_HZ)):
        icecast.await_sound(stalls)
        icecast.await_sound(holds)
        second = spare if behind == "file" else p.Source("stream", icecast.url(holds))
        primary = p.Source("stream", icecast.url(stalls))
        token, _ = station.play(primary, second, for_ms=60_000, retake="at_once")
        station.child.wait(p.Started, token)
        time.sleep(2.0)
        frozen_ms = time.time_ns() // 1_000_000
        sender.freeze()
        failed = station.child.wait(p.SourceFailed, token)
        assert (failed.source, failed.fault) == (0, "stalled")
        over = station.child.wait(p.PartStarted, token, where=lambda one: one.source == 1)
        assert over.at_ms - frozen_ms < 3_000
        sender.go_on()
        back = station.child.wait(
            p.PartStarted, token, where=lambda one: one.source == 0 and one.at_ms > over.at_ms
        )
        assert back.at_ms - over.at_ms < 10_000, "its connection was kept"
        sound = station.heard(frozen_ms, back.at_ms + 1_000)
        station.stop(token)
    # A busy machine may find the stream's backup connected a moment late.
    assert holes_ms(sound) <= 150
    assert tone_hz(sound[-36_000:]) == pytest.approx(STUDIO_HZ, abs=2)


def test_a_short_spare_file_sounds_however_much_of_the_relays_time_is_gone(
    station: Station,
) -> None:
    """As when the child or the agent was replaced: the file is much shorter than what is gone."""
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        address = f"http://127.0.0.1:{nobody.getsockname()[1]}/"
    spare = p.Source("file", str(tone_file(station.folder, SPARE_HZ, 2.5)))
    dead = p.Source("stream", address)
    token, _ = station.play(dead, spare, for_ms=60_000, retake="at_once", gone_ms=118_000)
    began = station.child.wait(p.PartStarted, token)
    assert (began.source, began.position_ms) == (1, 0)
    again = station.child.wait(p.PartStarted, token, where=lambda one: one.at_ms > began.at_ms)
    assert (again.source, again.position_ms) == (1, 0)
    sound = station.heard(began.at_ms + 200, again.at_ms + 1_000)
    station.stop(token)
    assert holes_ms(sound) <= 60
    assert tone_hz(sound) == pytest.approx(SPARE_HZ, abs=2)


class Bad(http.server.BaseHTTPRequestHandler):
    """Servers as the field has them."""

    sound = b""

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        match self.path:
            case "/login":
                self._head("text/html")
                self.wfile.write(b"<html>" + b"dang nhap " * 500)
            case "/liar":
                self._head("audio/mpeg")
                self.wfile.write(b"<html>" + b"dang nhap " * 5_000)
            case "/gone":
                self.send_error(404)
            case "/busy":
                self.send_error(503)
            case "/cut":
                self._head("audio/mpeg")
                self.wfile.write(self.sound[: len(self.sound) // 2])
            case "/fast":
                self._head("audio/mpeg", ("icy-br", "320"))
                self.wfile.write(self.sound)

    def _head(self, kind: str, *more: tuple[str, str]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        for name, value in more:
            self.send_header(name, value)
        self.end_headers()


@pytest.fixture(scope="module")
def bad(station: Station) -> Iterator[str]:
    Bad.sound = encode(programme(3.0, seed=11), station.folder / "bad.mp3").read_bytes()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Bad) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("path", "fault", "bound_s"),
    [
        ("/login", "not_audio", 2.0),
        ("/liar", "not_audio", 4.0),
        ("/gone", "not_found", 2.0),
        ("/busy", "refused", 2.0),
        ("/cut", "ended_early", 4.0),
        ("/fast", "too_fast", 2.0),
    ],
)
def test_a_bad_server_is_named_and_the_next_source_sounds(
    station: Station, bad: str, path: str, fault: str, bound_s: float
) -> None:
    spare = tone_file(station.folder, SPARE_HZ, 2.0)
    source = p.Source("stream", bad + path, max_kbps=128)
    token, start_ms = station.play(source, p.Source("file", str(spare)), for_ms=8_000)
    assert station.child.wait(p.SourceFailed, token).fault == fault
    began = station.child.wait(p.PartStarted, token, where=lambda one: one.source == 1)
    assert began.at_ms - start_ms < 1_000 * bound_s
    sound = station.heard(began.at_ms + 200, began.at_ms + 1_200)
    assert tone_hz(sound) == pytest.approx(SPARE_HZ, abs=2)
    station.stop(token)


def test_what_is_spoken_into_the_microphone_is_heard(station: Station) -> None:
    words = programme(4.0, seed=12)
    file = encode(words, station.folder / "words.wav")
    token, start_ms = station.play(p.Source("input", "micro"), for_ms=20_000)
    station.child.wait(p.Started, token, limit_s=5)
    mouth = station.card.speak_into("micro", file)
    time.sleep(3.0)
    now_ms = time.time_ns() // 1_000_000
    heard = station.heard(start_ms, now_ms)
    mouth.close()
    station.stop(token)
    # A twentieth of a second: over more, two clocks that are being reconciled blur the match.
    _, score = find_start(heard, words[24_000:26_400], len(heard) // 2, len(heard) // 2)
    assert score > 0.7
    assert level_dbfs(heard[-48_000:]) > -40


def test_an_input_that_is_not_there_gives_way_at_once(station: Station) -> None:
    spare = tone_file(station.folder, SPARE_HZ, 2.0)
    token, start_ms = station.play(
        p.Source("input", "khong-co"), p.Source("file", str(spare)), for_ms=3_000
    )
    assert station.child.wait(p.SourceFailed, token).fault == "not_found"
    began = station.child.wait(p.PartStarted, token, where=lambda one: one.source == 1)
    assert began.at_ms - start_ms < 1_500
    station.stop(token)
