"""What is started with a priority has it against other sessions too, and gives it back."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from simulator.soundcard.tied import TiedProcess, preferred

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or not Path("/proc/self/autogroup").exists(),
    reason="needs the right to a priority, and a kernel that shares the CPU among sessions",
)


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
    before = session_niceness(os.getpid()), os.getpriority(os.PRIO_PROCESS, 0)
    with preferred(-5):
        assert (session_niceness(os.getpid()), os.getpriority(os.PRIO_PROCESS, 0)) == (-5, -5)
    assert (session_niceness(os.getpid()), os.getpriority(os.PRIO_PROCESS, 0)) == before
