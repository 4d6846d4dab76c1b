"""The folder a demo writes into: empty at its start, and one demo's alone until it ends.

Owns the lock and the clearing. Invariants: of two demos in one folder the second touches nothing;
a folder that no demo made is never cleared; a demo that was killed leaves no lock behind, because
the kernel holds it.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from agent.contract.texts import Words

LOCK = ".demo"
MADE_BY_A_DEMO = (LOCK, "story.json", "programmes")
NOTE_MAX = 1_000


class FolderRefused(Exception):  # noqa: N818 - a verdict
    """Why the demo cannot play there, and what to do; in both languages."""

    def __init__(self, words: Words) -> None:
        super().__init__(words.en)
        self.words = words


@contextmanager
def claimed(out: Path) -> Iterator[None]:
    """Lock the folder, empty it, keep it until the end. Raises FolderRefused."""
    try:
        lock = _open(out)
    except OSError as error:
        raise FolderRefused(_unwritable(out, error)) from None
    try:
        _take(out, lock)
        try:
            _clear(out)
        except OSError as error:
            raise FolderRefused(_unwritable(out, error)) from None
        yield
    finally:
        os.close(lock)


def _open(out: Path) -> int:
    """The lock file; the folder is made when it is not there."""
    out.mkdir(parents=True, exist_ok=True)
    names = [one.name for one in out.iterdir()]
    if names and not any(name in MADE_BY_A_DEMO for name in names):
        raise FolderRefused(
            Words(
                f"{out} có tệp không phải của diễn tập, nên không xóa; chọn thư mục khác: --out",
                f"{out} holds files of no demo and is not cleared; name another folder: --out",
            )
        )
    return os.open(out / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)


def _take(out: Path, lock: int) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise FolderRefused(_busy(out, os.pread(lock, NOTE_MAX, 0))) from None
    note = {"pid": os.getpid(), "since": time.strftime("%Y-%m-%d %H:%M:%S")}
    os.ftruncate(lock, 0)
    os.pwrite(lock, json.dumps(note).encode(), 0)


def _busy(out: Path, note: bytes) -> Words:
    """Who plays there, as far as it wrote that down."""
    try:
        known = json.loads(note)
        pid, since = known["pid"], known["since"]
    except (ValueError, KeyError, TypeError):
        pid, since = "?", "?"
    return Words(
        f"một diễn tập đang chạy trong {out} (pid {pid}, từ {since}); chờ xong, hoặc dùng --out",
        f"a demo is running in {out} (pid {pid}, since {since}); wait for it, or use --out",
    )


def _unwritable(out: Path, error: OSError) -> Words:
    why = error.strerror or str(error)
    return Words(
        f"không ghi được vào {out} ({why}); chọn thư mục khác: --out",
        f"{out} cannot be written to ({why}); name another folder: --out",
    )


def _clear(out: Path) -> None:
    for one in out.iterdir():
        if one.name == LOCK:
            continue
        if one.is_dir() and not one.is_symlink():
            shutil.rmtree(one)
        else:
            one.unlink()
