"""A real file system that somebody filled to its last byte: words and decisions come through."""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.adapters.journal import Opened, SqliteJournal, open_journal
from agent.adapters.ports import Durable, Settled
from agent.adapters.speech import Speech, SpeechFile
from agent.core.effects import Append, Put

WARNING = "Lũ quét, bà con ven sông lên chỗ cao ngay."


@pytest.fixture
def card(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "card"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", folder],
        capture_output=True,
        check=False,
        timeout=10,
    )
    if mounted.returncode != 0:
        pytest.skip("mounting a file system needs root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True, timeout=10)


def write_for_ever(file: Path) -> None:
    with file.open("ab", buffering=0) as opened:
        while True:
            opened.write(bytes(64 * 1024))


def fill(card: Path) -> None:
    with pytest.raises(OSError, match="No space left"):
        write_for_ever(card / "filler")


class Ear:
    def __init__(self) -> None:
        self.durable = 0
        self._change = threading.Condition()

    def __call__(self, settled: Settled) -> None:
        with self._change:
            if isinstance(settled, Durable):
                self.durable = settled.through
            self._change.notify_all()

    def wait_for(self, ticket: int) -> None:
        with self._change:
            assert self._change.wait_for(lambda: self.durable >= ticket, timeout=20)


def begun(card: Path) -> tuple[SqliteJournal, Ear]:
    found = open_journal(card / "journal.db", 1_700_000_000_000)
    assert isinstance(found, Opened)
    assert found.note in ("created", "opened")
    ear = Ear()
    found.journal.start(ear)
    return found.journal, ear


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")
def test_a_warning_is_spoken_on_a_full_card(card: Path) -> None:
    speech = Speech(card / "speech")
    fill(card)
    made = speech.speak(WARNING, "vi", urgent=True)
    assert isinstance(made, SpeechFile)
    assert made.duration_ms > 1_500
    assert made.path.read_bytes()[:4] == b"RIFF"
    assert not list(card.glob("speech/*"))


def test_what_is_decided_on_a_full_card_is_there_after_a_restart(card: Path) -> None:
    journal, ear = begun(card)
    ear.wait_for(journal.submit([Put("k", "before", b"1")]))
    fill(card)
    for number in range(1, 200):
        ticket = journal.submit(
            [Put("k", "held", b"%d" % number), Append(number, number, bytes(500))]
        )
    ear.wait_for(ticket)
    journal.close()
    again, ear = begun(card)
    assert ("k", "held", b"199") in again.load()
    ear.wait_for(again.submit([Put("k", "after", b"1")]))
    again.close()
