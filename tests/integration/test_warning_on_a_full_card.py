"""A card that takes no speech: a real station says the words of a warning all the same.

Real broker, daemon, reading machine, sound child and a recorded card; a plain file stands where
the folder of spoken texts would be, so that nothing can be written there.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from simulator.measure import level_dbfs
from simulator.source_system.district import Warned
from tests.integration.station_rig import GROUP, ONE, Rig, until

LOUD_DBFS = -40.0
SIREN_MS = 3_000

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(120),
    pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed"),
]


def test_the_words_of_a_warning_are_heard_though_the_card_takes_nothing(tmp_path: Path) -> None:
    with Rig(tmp_path, ONE) as rig:
        until(lambda: rig.status().player == "ready", "the sound child")
        speech = rig.state_dir() / "speech"
        shutil.rmtree(speech, ignore_errors=True)
        speech.write_bytes(b"")
        slots = {"place": "thôn Đông", "time": "5:00"}
        done = rig.district.warn(template="so-tan", slots=slots, to=GROUP, wait_s=0)
        assert isinstance(done, Warned)
        until(lambda: (seen := rig.status().emergencies) and seen[0].plays == 1, "a play", 40)
        entry = f"w-{rig.status().emergencies[0].id}-1"
        told = until(lambda: rig.as_run(entry=entry), "its record")
        assert {(one.outcome, one.reason, one.source) for one in told} == {("played", None, "text")}
        assert "speech_in_memory" in rig.log()
        [sound] = [one for one in told[0].segments if one.gap is None][:1]
        recording = rig.recording()
        span = (sound.from_ms + SIREN_MS + 300, sound.to_ms - 300)
        low, high = (max(0, round(recording.frame(one))) for one in span)
        words = recording.bus(0)[low:high]
        blocks = words[: len(words) // 960 * 960].reshape(-1, 960)
        loud = float(np.mean([level_dbfs(block) > LOUD_DBFS for block in blocks]))
        assert len(blocks) > 100
        assert loud > 0.4, loud
