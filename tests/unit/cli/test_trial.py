"""`audio test`, `audio input`: what may be tried, and the words for what was heard."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from agent.adapters.pins import Signer
from agent.cli import trial
from agent.cli.__main__ import as_json
from agent.cli.arguments import build_parser, completed
from agent.cli.audio import run_audio
from agent.cli.columns import display_width
from agent.cli.devices import Listed
from agent.cli.session import Session, Shown
from agent.cli.texts import Lang
from agent.cli.texts_audio import LIVE_FAULT
from agent.core.requests import Answer, Request
from agent.player.listing import Device, Devices
from agent.player.protocol import Source, SourceFault
from agent.player.trial import Tried
from tests.unit.cli.people import Keyboard

URL = "https://dai.example/live.mp3"
THERE = Listed(Devices((Device("USB: Audio (hw:1,0)", "USB: Audio", 1, 2, 48_000),)))
SOUND = Tried(1_000, "sound", -2_100, -900, 700)
END = Tried(10_000, "sound", -2_000, -800, 700, over=True)
SILENT = Tried(10_000, "silent", -9_000, -8_000, 500, over=True)
CONFIG = """
[content]
ca = "ca.pem"
[[input]]
name = "micro"
device = "USB"
[[input]]
name = "Bàn trộn"
device = "hw:CARD=b"
channel = 1
"""


class Heard:
    """Answers a listening with these reports."""

    def __init__(self, *reports: Tried) -> None:
        self.reports = reports
        self.asked: list[tuple[Source, float, str]] = []

    def __call__(self, source: Source, seconds: float, ca: str) -> Iterator[Tried]:
        self.asked.append((source, seconds, ca))
        yield from self.reports


def nobody(request: Request, signer: Signer | None = None) -> Answer:
    raise AssertionError(f"the agent is not asked: {request} {signer}")


def run(
    heard: Heard, folder: Path, *words: str, lang: Lang = "en", person: Keyboard | None = None
) -> Shown:
    config = folder / "station.toml"
    config.write_text(CONFIG, encoding="utf-8")
    line = ["audio", *words, "--config", str(config)]
    typed = completed(build_parser(lang, "1").parse_args(line), {})
    session = Session(nobody, lang, 44, person, chatty=person is not None)
    return run_audio(typed, session, lambda: THERE, listen=heard)


def text_of(shown: Shown) -> str:
    return " ".join(" ".join(shown.lines).split())


@pytest.mark.parametrize("typed", [URL, f"luong:{URL}", f"luồng: {URL}", f"stream:{URL}"])
def test_a_stream_is_listened_to_with_the_stations_authorities(typed: str, tmp_path: Path) -> None:
    heard = Heard(SOUND, END)
    shown = run(heard, tmp_path, "test", typed, "--seconds", "5")
    assert heard.asked == [(Source("stream", URL), 5, str(tmp_path / "ca.pem"))]
    assert shown.exit_status == 0
    assert "✓ Sound: listened for 0:10" in text_of(shown)


@pytest.mark.parametrize(
    ("typed", "source"),
    [
        ("micro", Source("input", "USB")),
        ("Micro", Source("input", "USB")),
        ("ban tron", Source("input", "hw:CARD=b", channel=1)),
    ],
)
def test_an_input_is_listened_to_by_its_name(typed: str, source: Source, tmp_path: Path) -> None:
    heard = Heard(END)
    run(heard, tmp_path, "input", typed)
    assert heard.asked[0][:2] == (source, trial.SECONDS_DEFAULT)


def test_an_input_that_is_not_described_is_told_with_those_there_are(tmp_path: Path) -> None:
    heard = Heard(END)
    shown = run(heard, tmp_path, "input", "fm")
    assert (shown.exit_status, heard.asked) == (2, [])
    assert "micro, Bàn trộn" in text_of(shown)


@pytest.mark.parametrize(
    "typed", ["ftp://a/b", "dai.example", "", " ", "udp://10.0.0.1:5004", "file:///etc/passwd"]
)
def test_what_is_no_streams_address_is_not_opened(typed: str, tmp_path: Path) -> None:
    heard = Heard(END)
    assert run(heard, tmp_path, "test", typed).exit_status == 2
    assert heard.asked == []


@pytest.mark.parametrize(
    "words", [("--zone", "dong"), ("selftest", "--seconds", "3"), ("selftest", "x"), ("test",)]
)
def test_an_option_that_has_no_meaning_there_is_told(
    words: tuple[str, ...], tmp_path: Path
) -> None:
    assert run(Heard(), tmp_path, *words).exit_status == 2


def test_nothing_but_silence_is_no_success(tmp_path: Path) -> None:
    shown = run(Heard(SILENT), tmp_path, "input", "micro")
    assert "! Silence, for all of 0:10" in text_of(shown)
    assert "alsamixer" in text_of(shown)


def test_sound_among_silence_is_sound(tmp_path: Path) -> None:
    quiet = Tried(500, "silent", -9_000, -8_000, 500)
    shown = run(Heard(quiet, SOUND, quiet, SILENT), tmp_path, "input", "micro")
    assert "-21.0 dBFS" in text_of(shown)


def test_an_input_that_clips_is_told(tmp_path: Path) -> None:
    loud = Tried(9_000, "sound", -600, 0, 200, over=True)
    assert "clips" in text_of(run(Heard(loud), tmp_path, "input", "micro"))
    assert "clips" not in text_of(run(Heard(loud), tmp_path, "test", URL))


def test_an_absent_device_is_told_with_what_is_there(tmp_path: Path) -> None:
    gone = Tried(0, fault="not_found", over=True)
    shown = run(Heard(gone), tmp_path, "input", "micro")
    assert shown.exit_status == 1
    assert "is not there: USB" in text_of(shown)
    assert '"USB: Audio"' in text_of(shown)


@pytest.mark.parametrize("lang", ["vi", "en"])
@pytest.mark.parametrize("fault", get_args(SourceFault))
def test_every_fault_has_words_and_a_next_step_on_a_phone(
    fault: SourceFault, lang: Lang, tmp_path: Path
) -> None:
    assert fault in LIVE_FAULT["stream"]
    for words in (("test", URL), ("input", "micro")):
        shown = run(Heard(Tried(0, fault=fault, over=True)), tmp_path, *words, lang=lang)
        assert shown.lines[0].startswith("✗ ")
        assert any(line.startswith("  → ") for line in shown.lines)
        assert max(map(display_width, shown.lines)) <= 44


def test_a_process_that_tells_nothing_is_a_fault(tmp_path: Path) -> None:
    assert run(Heard(), tmp_path, "test", URL).exit_status == 1


def test_a_person_sees_the_level_while_it_goes_on(tmp_path: Path) -> None:
    person = Keyboard()
    run(Heard(SOUND, SILENT), tmp_path, "input", "micro", person=person)
    bars = [line for line in person.told if line.startswith("  [")]
    assert len(bars) == 2
    assert "-21.0 / -9.0 dB" in bars[0]
    assert person.told[-1] == "  silence"
    assert max(map(display_width, person.told)) <= 44


def test_a_password_in_the_address_is_not_shown(tmp_path: Path) -> None:
    person = Keyboard()
    shown = run(Heard(END), tmp_path, "test", "rtsp://xa:mat@10.0.0.7/s", person=person)
    told = "\n".join([*person.told, *shown.lines, as_json(shown.answer)])
    assert "mat@" not in told
    assert json.loads(as_json(shown.answer))["source"] == "rtsp://…@10.0.0.7/s"


def test_a_process_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(trial, "OPEN_LIMIT_S", 0.2)
    monkeypatch.setattr(trial, "SPARE_S", 0.2)
    deaf = tmp_path / "deaf"
    deaf.write_text("#!/bin/sh\nexec sleep 60\n")
    deaf.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(deaf))
    begun = time.monotonic()
    assert list(trial.real_listen(Source("stream", URL), 0.1, "")) == []
    assert time.monotonic() - begun < 5.0
