"""Live from the studio and from the station's own microphone, to the loudspeaker and the record.

Real districtctl and stationctl processes, ffmpeg, Mosquitto, the district's HTTPS server, an agent
and a virtual sound card with a microphone. What was heard is found in the recording.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.contract.documents import Schedule
from agent.contract.reports import AsRun
from agent.core.requests import EndSpeechRequest, SpokenRequest, SpokenView
from simulator.demo.recording import Sound
from simulator.demo.stage import StationSpec, now_ms
from simulator.measure import find_start, level_dbfs
from simulator.source_system.desk import open_push
from simulator.source_system.live_shelf import LiveSession, is_live_entry
from tests.integration.station_rig import Rig, entry, until, whole_second

HOA, PIN = "Nguyễn Văn Hòa", "402817"
SPEC = StationSpec("tan-lien", "Đài xã Tân Liên", ("Thôn Đông", "Thôn Đoài"), inputs=("micro",))
EAST, WEST = SPEC.zones
STUDIO_MICROPHONE = "pulse:micro-mouth.monitor"
SURE = 0.7
"""Of another programme, pieces of this length stay below 0.3."""
PIECE = 9_600

pytestmark = [
    pytest.mark.skipif(not shutil.which("ffmpeg"), reason="needs ffmpeg"),
    pytest.mark.slow,
    pytest.mark.timeout(240),
]


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with Rig(tmp_path_factory.mktemp("live"), SPEC) as made:
        until(lambda: made.status().player == "ready", "the sound child")
        yield made


def districtctl(rig: Rig, *words: str) -> subprocess.Popen[str]:
    home = str(rig.district.home.folder)
    command = [sys.executable, "-m", "simulator.source_system.districtctl", "--home", home, *words]
    return subprocess.Popen(
        command,
        env={**rig.stage.card.env(), "LANG": "C.UTF-8", "PYTHONUTF8": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )


def stationctl(rig: Rig, *words: str) -> str:
    config = rig.station().folder / "station.toml"
    done = subprocess.run(
        [sys.executable, "-m", "agent.cli", "--config", str(config), *words],
        env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        start_new_session=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def heard_at(rig: Rig, words: Sound, from_ms: float, to_ms: float) -> tuple[float, float]:
    """When `words` began to be heard within a span, and how surely it was them.

    By the clearest of short pieces: live sound is played a little faster or slower meanwhile.
    """
    rig.station().recorder.wait_until_wall_ms(to_ms + 300)
    recording = rig.recording()
    low, high = (max(0, round(recording.frame(one))) for one in (from_ms, to_ms))
    here = recording.bus(0)[low:high]
    pieces = []
    for start in range(0, min(len(words) - PIECE, 3 * 48_000), PIECE):
        piece = words[start : start + PIECE]
        found, score = find_start(here, piece, len(here) / 2, len(here) // 2)
        pieces.append((score, from_ms + (found - start) / 48))
    score, at_ms = max(pieces)
    return at_ms, score


def on_air(rig: Rig) -> LiveSession | None:
    return next((one for one in rig.district.live.sessions() if one.ending == "on_air"), None)


def open_in(rig: Rig, zone: int, from_ms: float, to_ms: float) -> bool:
    """Whether the amplifier let a zone sound within a span."""
    return any(one.from_ms < to_ms and one.to_ms > from_ms for one in rig.opened(zone))


def fetched(rig: Rig, token: str) -> int:
    """The status with which the district's server answers anybody who knows the address."""
    address = rig.district.file.content
    tls = ssl.create_default_context(cafile=str(rig.district.home.server / "ca.pem"))
    link = http.client.HTTPSConnection("127.0.0.1", address.listen_port, timeout=5, context=tls)
    try:
        link.request("GET", f"/live/{token}")
        return link.getresponse().status
    finally:
        link.close()


def test_a_file_from_the_studio_is_heard_in_the_chosen_zone_and_ends_by_itself(rig: Rig) -> None:
    made = rig.make("buoi-truc-tiep", 3.0, seed=41)
    sending = districtctl(
        rig, "live", str(made.file), "--to", SPEC.id, "--zones", EAST, "--lead", "4", "--json"
    )
    out, err = sending.communicate(timeout=60)
    assert sending.returncode == 0, out + err
    said: dict[str, Any] = json.loads(out)
    session = said["session"]
    assert (session["ending"], said["told_end"]) == ("finished", True)

    starts_ms, ends_ms = session["starts_ms"], session["ends_ms"]
    at_ms, score = heard_at(rig, made.sound, starts_ms, ends_ms)
    assert score > SURE
    assert 1_000 <= at_ms - starts_ms < 5_000, "behind the studio, and whole"
    assert open_in(rig, 0, at_ms, at_ms + 3_000)
    assert not open_in(rig, 1, starts_ms, ends_ms)

    [record] = until(lambda: rig.as_run(entry=session["entry"]), "the record")
    assert (record.zone, record.outcome, record.klass) == (EAST, "played", 2)
    assert record.source == "stream:0"

    recording = Path(said["recording"]).read_bytes()
    assert session["sha256"] == hashlib.sha256(recording).hexdigest()
    assert session["size"] == len(recording)
    assert session["receivers"]["most"] == 1
    assert session["receivers"]["by_address"] == {"127.0.0.1": 1}
    assert fetched(rig, session["token"]) == 404, "over is over"
    push = rig.district.ledger.latest(f"s/{SPEC.id}", "schedule")
    document = open_push(push)
    assert isinstance(document, Schedule)
    assert not any(is_live_entry(one.id) for one in document.entries)


def test_ctrl_c_in_the_studio_ends_it_at_the_station_and_a_push_does_not(rig: Rig) -> None:
    words = rig.make("loi-noi", 40.0, seed=42, suffix=".wav")
    mouth = rig.stage.card.speak_into("micro", words.file)
    sending = districtctl(
        rig, "live", STUDIO_MICROPHONE, "--to", SPEC.id, "--lead", "4", "--minutes", "5"
    )
    try:
        session = until(lambda: on_air(rig), "the session")
        until(lambda: rig.district.live.receivers(session.entry).now == 1, "the station")
        until(lambda: rig.station().gates.get(1), "the zone")
        rig.push((entry("mai", whole_second(80_000)),), to=f"s/{SPEC.id}")
        time.sleep(5.0)
        assert [one.entry for one in rig.status().on_air] == [session.entry]
        sending.send_signal(signal.SIGINT)
        asked_ms = now_ms()
        out, err = sending.communicate(timeout=30)
    finally:
        mouth.close()
        sending.kill()
    assert sending.returncode == 0, out + err
    assert "NÓI ĐI" in out
    assert "đã dừng theo yêu cầu" in out
    until(lambda: not rig.station().gates.get(1), "the zone to close")
    assert now_ms() - asked_ms < 15_000
    before_ms = session.starts_ms + 1_000
    _, score = max(
        (
            heard_at(rig, words.sound[skip * 48_000 :], before_ms, asked_ms)
            for skip in range(3, 12, 3)
        ),
        key=lambda found: found[1],
    )
    assert score > SURE
    recording = rig.recording()
    low, high = (round(recording.frame(asked_ms + after)) for after in (500, 1_500))
    assert level_dbfs(recording.bus(0)[low:high]) > -40, "the last words come out too"
    record = until(lambda: rig.as_run(entry=session.entry), "the record")[0]
    assert record.played_ms < asked_ms - session.starts_ms + 8_000
    document = open_push(rig.district.ledger.latest(f"s/{SPEC.id}", "schedule"))
    assert isinstance(document, Schedule)
    assert [one.id for one in document.entries] == ["mai"], "the colleague's timetable stays"


def test_who_speaks_into_the_stations_microphone_is_heard_where_they_chose(rig: Rig) -> None:
    pin = rig.folder / "pin"
    pin.write_text(PIN, "utf-8")
    pin.chmod(0o600)
    stationctl(rig, "pin", "set", HOA, "--may", "announce", "--pin-file", str(pin))
    words = rig.make("hop-thon", 12.0, seed=43, suffix=".wav")
    who = ("--name", HOA, "--pin-file", str(pin))
    taken = json.loads(stationctl(rig, "announce", "--mic", WEST, *who, "--minutes", "2", "--json"))

    def speaks() -> SpokenView | None:
        view = rig.ask(SpokenRequest(taken["entry"]))
        assert isinstance(view, SpokenView)
        ready = view.speaks_ms is not None and view.at_ms >= view.speaks_ms
        return view if view.state == "sounding" and ready else None

    view = until(speaks, "the microphone")
    began_ms = now_ms()
    mouth = rig.stage.card.speak_into("micro", words.file)
    time.sleep(4.0)
    ended_ms = now_ms()
    rig.ask(EndSpeechRequest(taken["entry"]))
    mouth.close()
    assert view.zones == (WEST,)
    at_ms, score = heard_at(rig, words.sound, began_ms, ended_ms)
    assert score > SURE
    assert at_ms - began_ms < 1_500, "as one speaks, not seconds later"
    assert not open_in(rig, 0, began_ms, ended_ms)

    def closed() -> AsRun | None:
        return next(iter(rig.as_run(entry=taken["entry"])), None)

    record = until(closed, "the record")
    assert (record.zone, record.source, record.author) == (WEST, "input:micro", HOA)
