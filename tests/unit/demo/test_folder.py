"""The demo's folder: one demo at a time, nothing foreign destroyed, no traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from simulator.demo.__main__ import main
from simulator.demo.folder import LOCK, FolderRefused, claimed


def test_an_earlier_demo_is_cleared_away(tmp_path: Path) -> None:
    (tmp_path / "programmes").mkdir()
    (tmp_path / "story.json").write_text("{}")
    with claimed(tmp_path):
        assert [one.name for one in tmp_path.iterdir()] == [LOCK]


def test_a_second_demo_names_the_first_and_touches_nothing(tmp_path: Path) -> None:
    with claimed(tmp_path):
        (tmp_path / "story.json").write_text("mine")
        with pytest.raises(FolderRefused) as refused, claimed(tmp_path):
            pass
        assert f"pid {os.getpid()}, since 2" in refused.value.words.en
        assert f"pid {os.getpid()}, từ 2" in refused.value.words.vi
        assert (tmp_path / "story.json").read_text() == "mine"


def test_the_second_program_ends_with_status_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with claimed(tmp_path):
        command = [sys.executable, "-m", "simulator.demo", "--out", str(tmp_path), "--lang", "en"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert f"a demo is running in {tmp_path} (pid {os.getpid()}" in done.stderr


def test_a_demo_that_was_killed_leaves_no_lock(tmp_path: Path) -> None:
    code = (
        "import os, sys, pathlib; from simulator.demo.folder import claimed\n"
        "with claimed(pathlib.Path(sys.argv[1])): os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], timeout=60, check=False)
    assert (tmp_path / LOCK).read_text()
    with claimed(tmp_path):
        pass


def test_a_folder_that_no_demo_made_is_not_cleared(tmp_path: Path) -> None:
    (tmp_path / "luận-văn.odt").write_text("ba năm")
    with pytest.raises(FolderRefused, match="not cleared"), claimed(tmp_path):
        pass
    assert [one.name for one in tmp_path.iterdir()] == ["luận-văn.odt"]


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_a_folder_that_cannot_be_written_is_one_line_with_a_next_step(
    lang: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert main(["--out", str(tmp_path / "file" / "demo"), "--lang", lang]) == 2
    line = capsys.readouterr().err
    assert line.count("\n") == 1
    assert "--out" in line
    assert ("không ghi được" if lang == "vi" else "cannot be written") in line
