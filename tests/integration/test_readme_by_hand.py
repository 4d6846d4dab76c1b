"""README's "A district by hand", run as it is printed: a district and a station from nothing.

Real Mosquitto, HTTPS, the daemon, a virtual amplifier. Everything that the block starts dies with
it: it runs in a session of its own, which is ended at the latest at the deadline.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DEADLINE_S = 120

pytestmark = pytest.mark.skipif(
    not (shutil.which("mosquitto") and shutil.which("ffmpeg")), reason="needs mosquitto and ffmpeg"
)


def block() -> list[str]:
    section = (ROOT / "README.md").read_text(encoding="utf-8").partition("## A district by hand")[2]
    found = re.search(r"```\n(.*?)```", section, re.DOTALL)
    assert found is not None
    return found[1].splitlines()


def test_the_commands_of_the_readme_work_as_they_stand(tmp_path: Path) -> None:
    first, *lines = block()
    assert first == 'make setup && export PATH="$PWD/.venv/bin:$PATH"'  # what runs us did that
    (tmp_path / "config").mkdir()
    shutil.copytree(ROOT / "config" / "examples", tmp_path / "config" / "examples")
    outcome = tmp_path / "outcome"
    with outcome.open("w") as written:
        running = subprocess.Popen(
            ["bash", "-c", "\n".join(["set -e", *lines])],
            cwd=tmp_path,
            stdout=written,
            stderr=subprocess.STDOUT,
            env={
                "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
                "HOME": str(tmp_path),
                "LANG": "en_GB.UTF-8",
                "PYTHONIOENCODING": "utf-8",
            },
            start_new_session=True,
        )
        try:
            status = running.wait(DEADLINE_S)
        finally:
            try:
                os.killpg(running.pid, signal.SIGTERM)
            except ProcessLookupError:
                pass
            running.wait(10)
    said = outcome.read_text(encoding="utf-8")
    assert status == 0, said
    assert said.count("applied 1/1") == 5, said  # content, timetables, regulation, warning
    assert "Approved Tin tỉnh (tinh/tin-tinh)" in said, said
    assert "Bản tin xã" in said
    assert "describes station xa-mau-01" in said, said
