"""A programme is not hurt by the end of the one before it."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from agent.player import protocol as p
from simulator.measure import programme
from simulator.soundcard import PlayerChild, SoundCard, encode

pytestmark = [
    pytest.mark.skipif(
        not all(map(shutil.which, ("pulseaudio", "ffmpeg"))),
        reason="needs pulseaudio and ffmpeg",
    ),
    pytest.mark.slow,
]


def test_a_programme_outlives_the_one_whose_decoder_it_took_over(tmp_path: Path) -> None:
    """The decoder of the first is free a moment after its cue, its sound is over much later."""
    files = [
        encode(programme(length_s, seed=80), tmp_path / f"{length_s}.mp3")
        for length_s in (0.5, 20.0)
    ]
    with SoundCard(sinks={"tan-lien": 1}) as card, PlayerChild(card.env(), "tan-lien", 1) as child:
        child.wait(p.Ready)
        begin_ms = time.time_ns() // 1_000_000
        for number, file in enumerate(files):
            parts = (p.Part((p.Source("file", str(file)),)),)
            child.send(p.Cue(f"n-{number}", 0, parts, begin_ms + 2_500 + number * 800, 0))
            time.sleep(1)
        child.wait(p.Ended, "n-0")
        child.wait(p.Progress, "n-1")
        assert not child.all(p.SourceFailed)
