"""A microphone that comes and goes is found again while the sound child goes on.

On a real PulseAudio: a null sink's monitor is the microphone, what is played into the sink is what
is spoken, and its ALSA name comes and goes with it. The child is never started anew, and what
stands in for the microphone sounds meanwhile.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from agent.player import protocol as p
from agent.player.capture import Listener
from simulator.soundcard import PlayerChild, SoundCard, encode

NEEDED = ("pulseaudio", "parec", "pactl", "paplay")
pytestmark = [
    pytest.mark.skipif(not all(map(shutil.which, NEEDED)), reason=f"needs {', '.join(NEEDED)}"),
    pytest.mark.slow,
]
TONE = p.Source("tone", tone_hz=(900,))


@pytest.fixture
def card() -> Iterator[SoundCard]:
    with SoundCard(sinks={"dai": 1}, inputs=("micro",)) as found:
        yield found


def words(folder: Path) -> Path:
    at = np.arange(60 * p.RATE_HZ) / p.RATE_HZ
    return encode(np.asarray(0.3 * np.sin(2 * np.pi * 440 * at), np.float32), folder / "words.wav")


def test_a_microphone_that_is_plugged_in_later_or_again_is_found_without_a_new_child(
    card: SoundCard, tmp_path: Path
) -> None:
    card.pull_out("micro")
    with PlayerChild(card.env(), "dai", 1) as child:
        child.wait(p.Ready)
        start_ms = time.time_ns() // 1_000_000 + 300
        part = p.Part((p.Source("input", "micro"), TONE), length_ms=120_000, retake="at_once")
        child.send(p.Cue("a", 0, (part,), start_ms, 0))
        failed = child.wait(p.SourceFailed, "a")
        assert (failed.source, failed.fault) == (0, "not_found")
        child.wait(p.PartStarted, "a", where=lambda one: one.source == 1)

        card.plug_in("micro")
        mouth = card.speak_into("micro", words(tmp_path))
        back = child.wait(p.PartStarted, "a", limit_s=25, where=lambda one: one.source == 0)

        card.pull_out("micro")
        pulled_ms = time.time_ns() // 1_000_000
        stands_in = child.wait(
            p.PartStarted,
            "a",
            limit_s=6,
            where=lambda one: one.source == 1 and one.at_ms > back.at_ms,
        )
        assert stands_in.at_ms - pulled_ms < 2_000
        told = child.all(p.SourceFailed, "a")
        assert [one.source for one in told] == [0, 0]
        assert told[1].fault == "stalled"
        mouth.close()
        child.send(p.Stop("a"))
        assert child.wait(p.Ended, "a").underruns <= 1


def test_a_return_line_that_is_plugged_in_later_is_heard(card: SoundCard) -> None:
    card.pull_out("micro")
    with PlayerChild(card.env(), "dai", 1, "--return-device", "micro") as child:
        child.wait(p.Returned, where=lambda one: one.fault == "not_found")
        card.plug_in("micro")
        heard = child.wait(p.Returned, limit_s=20, where=lambda one: one.kind is not None)
        assert (heard.kind, heard.fault) == ("silent", "")


def test_a_listener_ends_with_whoever_started_it(
    card: SoundCard, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key, value in card.env().items():
        monkeypatch.setenv(key, value)
    listener = Listener("micro", 1, 1_024)
    try:
        assert listener.said()[0] == "open"
        assert len(listener.read()) == 2_048
        listener.hang_up()  # as its parent's death does
        limit = time.monotonic() + 5
        while listener.read():
            assert time.monotonic() < limit
    finally:
        listener.close()


def test_a_listener_says_which_inputs_there_are(
    card: SoundCard, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key, value in card.env().items():
        monkeypatch.setenv(key, value)
    listener = Listener("-khong-co", 1, 1_024)
    try:
        said, detail = listener.said()
        assert said == "not_found"
        assert "micro" in detail
        assert listener.read() == b""
    finally:
        listener.close()
