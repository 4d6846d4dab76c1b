"""`stationctl announce --over` on a whole station: the bulletin is where it would have been."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from agent.contract.reasons import OccurrenceReason
from tests.integration.station_rig import Rig, entry, follow, sleep_until, until, whole_second

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

HOA, PIN = "Nguyễn Văn Hòa", "482913"
OFF_MS = 20
"""A decoder that was opened again, or a cue that was given anew, is further off than this or has a
hole; a busy machine's sound server is not."""


def stationctl(rig: Rig, *words: str) -> str:
    config = rig.station().folder / "station.toml"
    done = subprocess.run(
        [sys.executable, "-m", "agent.cli", "--config", str(config), *words],
        capture_output=True,
        text=True,
        timeout=40,
        check=False,
        env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_bulletin_goes_on_beneath_what_is_said_and_is_in_its_place_afterwards(
    tmp_path: Path,
) -> None:
    with Rig(tmp_path) as rig:
        pin = tmp_path / "pin"
        pin.write_text(PIN, "utf-8")
        pin.chmod(0o600)
        stationctl(rig, "pin", "set", HOA, "--may", "announce", "--pin-file", str(pin))
        made = rig.publish("ban-tin", 12.0, seed=47)
        at_ms = whole_second(4)
        rig.push([entry("ban-tin", at_ms)])
        until(lambda: rig.status().on_air, "the bulletin", 30)
        sleep_until(at_ms + 2_500)
        stationctl(rig, "announce", "--over", "Mời họp.", "--name", HOA, "--pin-file", str(pin))
        records = rig.settled("ban-tin", within_s=40)
        said = [one for one in rig.as_run() if one.occurrence.entry.startswith("announce-")]
        recording = rig.recording()
        log = rig.log()
    assert {one.outcome for one in said} == {"played"}
    [segment] = said[0].segments
    moments = follow(recording, [(made.sound, float(at_ms))])
    before = [one for one in moments if one.at_ms < segment.from_ms - 400]
    after = [one for one in moments if one.at_ms > segment.to_ms + 700]
    assert len(before) > 20
    assert len(after) > 20
    for one in (*before, *after[:-4]):
        assert one.offset_ms is not None, f"{one.at_ms - at_ms:.0f} ms into it"
        assert abs(one.offset_ms) < OFF_MS
    off = [float(np.median([one.offset_ms for one in part])) for part in (before, after[:-4])]
    print(f"off its place by {off[0]:+.2f} and {off[1]:+.2f} ms")  # noqa: T201 - `pytest -s`
    assert "said_over" in log
    assert "programme_resumed" not in log
    for record in records:
        assert (record.outcome, record.reason) == ("partial", OccurrenceReason.PREEMPTED)
        held_off_ms = made.length_ms - record.played_ms
        assert held_off_ms == pytest.approx(segment.to_ms - segment.from_ms, abs=500)
