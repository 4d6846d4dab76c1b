"""What is started with a priority has it against other sessions too, and gives it back."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from simulator.soundcard.tied import TiedProcess

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or not Path("/proc/self/autogroup").exists(),
    reason="needs the right to a priority, and a kernel that shares the CPU among sessions",
)


A_BENCH = """
import os
from pathlib import Path
from simulator.soundcard.tied import preferred

def told():
    session = Path("/proc/self/autogroup").read_text(encoding="ascii").split()[-1]
    print(session, os.getpriority(os.PRIO_PROCESS, 0))

os.setpriority(os.PRIO_PROCESS, 0, 0)
told()
with preferred(-5):
    told()
told()
"""


def session_niceness(pid: int) -> int:
    return int(Path(f"/proc/{pid}/autogroup").read_text(encoding="ascii").split()[-1])


def test_a_program_that_is_preferred_leads_a_session_that_is_preferred() -> None:
    process = TiedProcess(["sleep", "20"], os.environ, niceness=-7)
    try:
        assert os.getpriority(os.PRIO_PROCESS, process.pid) == -7
        assert session_niceness(process.pid) == -7
    finally:
        process.close()


def test_a_program_without_a_priority_has_none() -> None:
    process = TiedProcess(["sleep", "20"], os.environ)
    try:
        assert session_niceness(process.pid) == 0
    finally:
        process.close()


def test_a_bench_gives_its_session_back_as_it_was() -> None:
    # In a session of its own: that of the test run may be the kernel's first, which has no share
    # to give away (its file reads empty), and the rest of the run would feel it anyway.
    told = subprocess.run(
        [sys.executable, "-c", A_BENCH],
        check=True,
        capture_output=True,
        text=True,
        timeout=30,
        start_new_session=True,
    )
    assert told.stdout.split("\n")[:3] == ["0 0", "-5 -5", "0 0"]
