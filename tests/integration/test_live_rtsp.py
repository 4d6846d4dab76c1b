"""Live sound over RTSP through the real child: heard, refused by name, and nothing left behind.

The server is the simulator's, what it sends is ffmpeg's; what was heard is taken from a recording.
"""

# ruff: noqa: T201  (figures, shown by `pytest -s`)

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent.player import protocol as p
from simulator.relay import RtspServer, Stream
from simulator.soundcard import PlayerChild, SoundCard
from tests.integration.live_lab import (
    SPARE_HZ,
    STUDIO_HZ,
    Station,
    holes_ms,
    studio,
    tone_file,
    tone_hz,
)

NEEDED = ("pulseaudio", "parec", "ffmpeg")
pytestmark = [
    pytest.mark.skipif(not all(map(shutil.which, NEEDED)), reason=f"needs {', '.join(NEEDED)}"),
    pytest.mark.slow,
    pytest.mark.realtime,
]
SECRET = "chi-de-thu"
CODECS = {
    "mp3": ("-c:a", "libmp3lame", "-b:a", "64k"),
    "aac": ("-c:a", "aac", "-b:a", "64k", "-flags:a", "+global_header"),
    "g711": ("-ar", "8000", "-c:a", "pcm_mulaw"),
}


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Station]:
    with (
        SoundCard(sinks={"tan-lien": 1}) as card,
        card.record("tan-lien") as recorder,
        PlayerChild(card.env(), "tan-lien", 1) as child,
    ):
        child.wait(p.Ready)
        yield Station(recorder, child, card, tmp_path_factory.mktemp("rtsp"))


@pytest.fixture(scope="module")
def server() -> Iterator[RtspServer]:
    with RtspServer() as one:
        yield one


def stat_of(pid: int) -> list[str]:
    """From the state on, as proc(5) has it; nothing of one that is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
    except OSError:
        return []


def helpers(parent: int) -> list[int]:
    """The processes that the sound child has started."""
    every = [int(one.name) for one in Path("/proc").iterdir() if one.name.isdigit()]
    return [pid for pid in every if stat_of(pid)[1:2] == [str(parent)]]


def cpu_s(pid: int) -> float:
    """What a process has used of the processor."""
    user, system = (int(one) for one in stat_of(pid)[11:13])
    return (user + system) / os.sysconf("SC_CLK_TCK")


def gone_within(limit_s: float, is_gone: Callable[[], bool]) -> bool:
    limit = time.monotonic() + limit_s
    while time.monotonic() < limit:
        if is_gone():
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize("codec", CODECS)
def test_a_stream_over_rtsp_is_heard_without_a_hole_and_leaves_no_process(
    station: Station, server: RtspServer, codec: str
) -> None:
    with server.send(codec, studio(), CODECS[codec]):
        token, start_ms = station.play(p.Source("stream", server.url(codec)), for_ms=20_000)
        began = station.child.wait(p.Started, token)
        (pid,) = helpers(station.child.pid)
        before_s, before = cpu_s(pid), time.monotonic()
        sound = station.heard(began.at_ms + 300, began.at_ms + 2_800)
        cpu = (cpu_s(pid) - before_s) / (time.monotonic() - before)
        print(f"\n{codec}: heard {began.at_ms - start_ms} ms after its start; ffmpeg {cpu:.1%} CPU")
        ended = station.stop(token)
        assert gone_within(2.0, lambda: not helpers(station.child.pid))
    assert tone_hz(sound) == pytest.approx(STUDIO_HZ, abs=2)
    assert holes_ms(sound) == 0
    assert ended.underruns == 0


def test_a_login_opens_the_stream_and_stands_neither_in_the_arguments_nor_in_the_log(
    station: Station, server: RtspServer
) -> None:
    with server.send("kin", studio(), login=("xa", SECRET)):
        token, _ = station.play(
            p.Source("stream", server.url("kin", f"xa:{SECRET}")), for_ms=20_000
        )
        station.child.wait(p.Started, token)
        (pid,) = helpers(station.child.pid)
        assert b"ffmpeg" in (arguments := Path(f"/proc/{pid}/cmdline").read_bytes())
        station.stop(token)
    assert SECRET.encode() not in arguments
    assert gone_within(2.0, lambda: not helpers(station.child.pid))
    token, _ = station.play(p.Source("stream", server.url("kin", f"xa:{SECRET}")), for_ms=2_000)
    station.child.wait(p.SourceFailed, token)  # it is gone: what the log says of that
    station.child.wait(p.Ended, token)
    assert any("404 Not Found" in line for line in station.child.log)
    assert not any(SECRET in line for line in station.child.log)


@pytest.mark.parametrize(
    ("what", "fault", "bound_s"),
    [
        ("no_such_stream", "not_found", 2.0),
        ("wrong_login", "refused", 2.0),
        ("picture_only", "not_audio", 2.0),
        ("nobody_there", "refused", 2.0),
        ("deaf", "refused", 6.5),
    ],
)
def test_what_gives_no_sound_is_named_and_the_next_source_sounds(
    station: Station, server: RtspServer, what: str, fault: str, bound_s: float
) -> None:
    spare = tone_file(station.folder, SPARE_HZ, 2.0)
    picture = ["-f", "lavfi", "-i", "testsrc=size=160x120:rate=5"]
    match what:
        case "picture_only":
            stream: Stream | None = server.send(what, picture, ("-c:v", "mpeg4"))
        case "wrong_login":
            stream = server.send(what, studio(), login=("xa", SECRET))
        case "deaf":
            stream = server.send(what, studio())
            stream.deaf = True
        case _:
            stream = None
    url = server.url(what, "xa:sai") if what == "wrong_login" else server.url(what)
    url = "rtsp://127.0.0.1:1/dai" if what == "nobody_there" else url
    token, start_ms = station.play(
        p.Source("stream", url), p.Source("file", str(spare)), for_ms=9_000
    )
    assert station.child.wait(p.SourceFailed, token).fault == fault
    began = station.child.wait(p.PartStarted, token, where=lambda one: one.source == 1)
    print(f"\n{what}: the next source sounds {began.at_ms - start_ms} ms after its start")
    assert began.at_ms - start_ms < 1_000 * bound_s
    sound = station.heard(began.at_ms + 200, began.at_ms + 1_200)
    assert tone_hz(sound) == pytest.approx(SPARE_HZ, abs=2)
    station.stop(token)
    if stream is not None:
        stream.close()


@pytest.mark.parametrize(("how", "fault"), [("falls_quiet", "stalled"), ("closes", "ended_early")])
def test_a_server_lost_while_it_plays_gives_way_to_the_file_behind_it(
    station: Station, server: RtspServer, how: str, fault: str
) -> None:
    spare = tone_file(station.folder, SPARE_HZ, 2.0)
    with server.send(how, studio()) as stream:
        token, _ = station.play(
            p.Source("stream", server.url(how)), p.Source("file", str(spare)), for_ms=20_000
        )
        station.child.wait(p.Started, token)
        lost = time.monotonic()
        stream.freeze() if how == "falls_quiet" else stream.close()
        assert station.child.wait(p.SourceFailed, token, limit_s=8).fault == fault
        print(f"\n{how}: named {time.monotonic() - lost:.1f} s later")
        assert time.monotonic() - lost < 6.0
        began = station.child.wait(p.PartStarted, token, where=lambda one: one.source == 1)
        sound = station.heard(began.at_ms + 200, began.at_ms + 1_200)
        assert tone_hz(sound) == pytest.approx(SPARE_HZ, abs=2)
        station.stop(token)


def test_the_process_dies_with_a_sound_child_that_is_killed(
    station: Station, server: RtspServer
) -> None:
    with (
        server.send("chet", studio()) as stream,
        PlayerChild(station.card.env(), "tan-lien", 1) as child,
    ):
        child.wait(p.Ready)
        start_ms = time.time_ns() // 1_000_000 + 300
        part = p.Part((p.Source("stream", server.url("chet")),), length_ms=9_000)
        child.send(p.Cue("chet", 0, (part,), start_ms, 0, end_at_ms=start_ms + 9_000))
        child.wait(p.Started, "chet")
        (pid,) = helpers(child.pid)
        stream.freeze()  # or it would notice when it writes to a pipe that nobody reads
        os.kill(child.pid, signal.SIGKILL)
        # A zombie is what init has not looked at yet.
        assert gone_within(1.0, lambda: stat_of(pid)[:1] in ([], ["Z"]))
