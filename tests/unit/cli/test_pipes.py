"""A reader that leaves early: no traceback, whichever command was speaking."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

COMMANDS = {
    "stationctl": ["-m", "agent.cli", "--help"],
    "stationctl-plan": ["-m", "agent.cli", "plan", "--help"],
    "districtctl": ["-m", "simulator.source_system.districtctl", "--help"],
    "districtctl-status": ["-m", "simulator.source_system.districtctl", "status", "--help"],
    "much": [
        "-c",
        "from agent.cli.pipes import quietly; quietly(lambda: print('line\\n' * 99999) or 0)",
    ],
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_reader_that_has_seen_enough_hears_no_complaint(name: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [sys.executable, *COMMANDS[name]],
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")
