"""A state directory that takes nothing: what, where and what to do, in both languages."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from agent.errors import Problem
from agent.state_dir import state_problem


def told(problem: Problem | None) -> str:
    assert problem is not None
    assert problem.path == "station.state_dir"
    assert problem.hint.vi != problem.hint.en
    return problem.said("en")


def read_only_place() -> Path | None:
    """Any directory of this machine on a read-only mount."""
    for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines():
        place = Path(line.split()[1].encode().decode("unicode_escape"))
        try:
            if place.is_dir() and os.statvfs(place).f_flag & os.ST_RDONLY:
                return place
        except OSError:
            continue
    return None


def test_a_directory_that_can_be_made_is_well(tmp_path: Path) -> None:
    assert state_problem(tmp_path / "not" / "yet") is None


def test_a_place_that_holds_no_files_is_named_even_to_root() -> None:
    assert "/proc holds no files" in told(state_problem(Path("/proc/commune-radio")))


def test_a_file_in_its_place_is_named(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    text = told(state_problem(tmp_path / "state" / "inner"))
    assert f"{tmp_path / 'state'} is not a directory" in text


def test_a_read_only_place_is_told_with_the_mount_command() -> None:
    place = read_only_place()
    if place is None:
        pytest.skip("this machine has no read-only mount")
    text = told(state_problem(place / "state"))
    assert f"{place} is read-only" in text
    assert "remount,rw" in text


def test_a_place_of_somebody_else_is_told_with_the_user(tmp_path: Path) -> None:
    """In a process of nobody, because root may write everywhere."""
    if os.geteuid() != 0:
        pytest.skip("only root can become nobody")
    look = (
        "import os; os.setgid(65534); os.setuid(65534)\n"
        "from pathlib import Path; from agent.state_dir import state_problem\n"
        "print(state_problem(Path('/root/state')))"
    )
    command = [sys.executable, "-c", f"import agent.config\n{look}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    assert "user nobody may not write in /" in done.stdout
    assert "chown" in done.stdout


def test_what_cannot_be_seen_beforehand_is_told_as_the_disk_said_it(tmp_path: Path) -> None:
    error = OSError(5, "Input/output error")
    assert "Input/output error" in told(state_problem(tmp_path, error))
