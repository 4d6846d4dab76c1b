"""Live from the studio: what is handed out, to whom, for how long, and what is signed for it."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Generator
from itertools import islice
from pathlib import Path

import msgspec
import pytest

from agent.contract.documents import FileSource, StreamSource, ZoneSelector
from simulator.measure import programme
from simulator.soundcard.material import encode
from simulator.source_system.district import Backup, District
from simulator.source_system.districtctl.__main__ import main
from simulator.source_system.districtctl.console import Exit
from simulator.source_system.live_desk import live_entry
from simulator.source_system.live_server import BEHIND_MAX_S, BURST_S, LiveServer
from simulator.source_system.live_shelf import (
    FRESH_S,
    STALE_S,
    LiveSession,
    LiveShelf,
    is_live_entry,
    new_entry,
    new_token,
)
from simulator.source_system.problems import AudioFileError
from simulator.source_system.studio import command, source_of

KBPS = 48
PER_S = KBPS * 125
URL = "https://huyen.example:8443/live/" + "a" * 64


@pytest.fixture
def shelf(tmp_path: Path) -> LiveShelf:
    return LiveShelf(tmp_path / "live")


def session(**changes: object) -> LiveSession:
    made = LiveSession(
        entry=new_entry(),
        token=new_token(),
        audience="s/tan-lien",
        title="Trực tiếp",
        klass=2,
        zones="*",
        source="alsa:default",
        by="An",
        kbps=KBPS,
        starts_ms=1_795_385_520_000,
        ends_ms=1_795_385_820_000,
    )
    return msgspec.structs.replace(made, **changes)


def begun(shelf: LiveShelf, seconds: float = 1.0) -> LiveSession:
    """On the air, with so much sound already."""
    made = session()
    sound = shelf.sound(made.entry)
    sound.parent.mkdir(parents=True)
    sound.write_bytes(bytes(range(256)) * round(seconds * PER_S / 256))
    shelf.begin(made)
    return made


def fetch(server: LiveServer, one: LiveSession, address: str = "10.0.0.1") -> Generator[bytes]:
    return server.sound(one, address, lambda: False)


@pytest.mark.parametrize("token", ["", "..", "../.on", "b" * 64, "a" * 63, "A" * 64])
def test_a_token_that_is_not_one_gives_nothing(shelf: LiveShelf, token: str) -> None:
    begun(shelf)
    assert LiveServer(shelf.folder).find(token) is None


def test_what_is_over_is_handed_out_no_more_and_kept_with_its_hash(shelf: LiveShelf) -> None:
    made = begun(shelf)
    server = LiveServer(shelf.folder)
    assert server.find(made.token) == made
    ended = shelf.end(made, "stopped", 5)
    assert server.find(made.token) is None
    raw = shelf.sound(made.entry).read_bytes()
    assert (ended.sha256, ended.size) == (hashlib.sha256(raw).hexdigest(), len(raw))
    assert shelf.sessions() == [ended]


def test_a_studio_that_writes_no_more_is_lost_and_who_listens_is_let_go(shelf: LiveShelf) -> None:
    made = begun(shelf)
    server = LiveServer(shelf.folder)
    sound = fetch(server, made)
    next(sound)
    past_s = time.time() - STALE_S - 1
    os.utime(shelf.sound(made.entry), (past_s, past_s))
    assert list(sound) == []
    assert server.find(made.token) is None


def test_a_receiver_begins_a_little_before_now_and_gets_every_byte_after_it(
    shelf: LiveShelf,
) -> None:
    made = begun(shelf, seconds=10)
    sound = fetch(LiveServer(shelf.folder), made)
    whole = shelf.sound(made.entry).read_bytes()
    got = next(sound)
    assert whole.endswith(got)
    assert len(got) == pytest.approx(BURST_S * PER_S, abs=1)
    with shelf.sound(made.entry).open("ab") as file:
        file.write(b"the newest words")
    assert next(sound) == b"the newest words"


def test_who_falls_too_far_behind_is_hung_up_on(shelf: LiveShelf) -> None:
    made = begun(shelf)
    sound = fetch(LiveServer(shelf.folder), made)
    next(sound)
    with shelf.sound(made.entry).open("ab") as file:
        file.write(bytes(round((BEHIND_MAX_S + 1) * PER_S)))
    assert list(sound) == []


def test_receivers_are_counted_now_at_most_and_by_address(shelf: LiveShelf) -> None:
    made = begun(shelf)
    server = LiveServer(shelf.folder)
    sounds = [fetch(server, made, address) for address in ("10.0.0.1", "10.0.0.1", "10.0.0.2")]
    for one in sounds:
        assert list(islice(one, 1))
    told = shelf.receivers(made.entry)
    assert (told.now, told.most) == (3, 3)
    assert told.by_address == {"10.0.0.1": 2, "10.0.0.2": 1}
    for one in sounds[:2]:
        one.close()
    told = shelf.receivers(made.entry)
    assert (told.now, told.most) == (1, 3)
    assert shelf.end(made, "finished", 9).receivers.most == 3


def test_nobody_else_on_the_machine_reads_addresses_or_recordings(shelf: LiveShelf) -> None:
    made = begun(shelf)
    for folder in (shelf.folder, shelf.folder / ".on"):
        assert folder.stat().st_mode & 0o077 == 0
    assert (shelf.folder / made.entry / "session.json").stat().st_mode & 0o077 == 0


# --- at the keyboard -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("district")
    district = District.create(
        folder / "home",
        authority="huyen",
        name="Huyện",
        holder="An",
        second=Backup(folder / "usb"),
        by="An",
    )
    district.enrol("tan-lien", name="Tân Liên", zones={"Thôn Đông": []})
    return folder / "home"


def test_without_a_server_that_hands_it_out_no_station_is_told_and_nothing_is_left(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = encode(programme(1.0, seed=1), tmp_path / "a.wav")
    words = ["live", str(file), "--to", "tan-lien", "--lead", "3"]
    assert main(["--home", str(home), *words]) == Exit.WRONG
    assert "districtctl serve" in capsys.readouterr().err
    assert District(home).ledger.latest("s/tan-lien", "schedule") is None
    assert District(home).live.sessions() == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["micro"], "--all"),
        (["micro", "--all", "--minutes", "0"], "--minutes"),
        (["micro", "--all", "--minutes", "241"], "--minutes"),
        (["micro", "--all", "--lead", "1"], "--lead"),
        (["micro", "--all", "--zones", "Thôn Đoong"], "Thôn Đông"),
        (["khong-co.mp3", "--all"], "khong-co.mp3"),
        (["stop"], "live list"),
        (["stop", "truc-tiep-00000000"], "truc-tiep-00000000"),
        (["a", "b"], "“b”"),
    ],
)
def test_what_cannot_be_done_is_said_with_what_could(
    home: Path, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--home", str(home), "live", *words]) == Exit.WRONG
    assert said in capsys.readouterr().err
    assert District(home).live.sessions() == []


def test_sessions_there_were_are_listed_with_their_recordings(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shelf = District(home).live
    made = begun(shelf)
    assert main(["--home", str(home), "live", "list", "--lang", "en"]) == Exit.DONE
    assert "on the air" in capsys.readouterr().out
    os.utime(shelf.sound(made.entry), (1, 1))
    main(["--home", str(home), "live", "list", "--lang", "en"])
    assert f"districtctl live stop {made.entry}" in capsys.readouterr().out
    shelf.end(made, "finished", made.ends_ms)
    main(["--home", str(home), "live", "list", "--lang", "en"])
    told = capsys.readouterr().out
    assert made.entry in told
    assert str(shelf.sound(made.entry)) in told
    shelf.forget(made)


# --- what is signed -------------------------------------------------------------------------


def test_the_entry_is_bound_in_time_and_to_its_address_and_comes_back_to_it() -> None:
    made = session()
    entry = live_entry(made, ZoneSelector(names=("Thôn Đông",)), URL, pauses=True)
    assert is_live_entry(entry.id)
    assert entry.duration_ms == 300_000
    assert {one.url for one in entry.sources if isinstance(one, StreamSource)} == {URL}
    assert len(entry.sources) > 1, "a connection that breaks is made anew"
    assert entry.relay.silent_ms == 0, "who speaks may pause"
    assert (entry.klass, entry.author, entry.when.rrule) == (2, "An", None)


def test_where_a_spare_is_named_it_stands_in_until_the_stream_is_back() -> None:
    entry = live_entry(session(), ZoneSelector(all=True), URL, fallback="xin-loi")
    assert entry.sources[1] == FileSource(slot="xin-loi")
    assert (entry.relay.retake, len(entry.sources)) == ("at_once", 2)


@pytest.mark.parametrize("entry", ["truc-tiep-hop-hdnd", "truc-tiep", "ban-tin", "truc-tiep-1"])
def test_an_entry_of_a_timetable_is_not_taken_for_a_session(entry: str) -> None:
    assert not is_live_entry(entry)


# --- the studio -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "arguments"),
    [
        ("micro", ("-f", "alsa", "-i", "default")),
        ("Micrô", ("-f", "alsa", "-i", "default")),
        ("alsa:plughw:CARD=USB", ("-f", "alsa", "-i", "plughw:CARD=USB")),
        ("pulse:phong-thu", ("-f", "pulse", "-i", "phong-thu")),
    ],
)
def test_a_source_is_named_in_words(words: str, arguments: tuple[str, ...]) -> None:
    source = source_of(words)
    assert (source.arguments, source.length_ms) == (arguments, None)


def test_a_file_that_is_not_there_is_refused_before_anything_is_said() -> None:
    with pytest.raises(AudioFileError):
        source_of("khong-co.mp3")


def test_a_studio_that_stands_still_does_not_repeat_itself_to_who_connects_anew(
    shelf: LiveShelf,
) -> None:
    made = begun(shelf)
    server = LiveServer(shelf.folder)
    assert server.find(made.token) is not None
    past_s = time.time() - FRESH_S - 0.5
    os.utime(shelf.sound(made.entry), (past_s, past_s))
    assert server.find(made.token) is None
    assert shelf.is_on(made), "who is connected may wait a little longer"


def test_a_microphone_is_mute_until_the_stations_listen(tmp_path: Path) -> None:
    asked = command(source_of("micro"), tmp_path / "a.mp3", kbps=48, lead_ms=12_000, ms=60_000)
    assert "volume=enable='lt(t,12.000)':volume=0" in asked
    assert asked[asked.index("-t") + 1] == "60.000", "it ends by itself"
