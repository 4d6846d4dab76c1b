"""Room on the card that is the journal's: a file of nothing, given up when the card is full.

Owns that one file. Does not own what is written instead. Whatever else fills the card, the next
few thousand records still reach it: decisions, warnings, what was played.

Invariant: taken only while the card has twice as much room beside it, never at another's cost.
"""

from __future__ import annotations

import contextlib
import logging
import os
from pathlib import Path
from typing import Final

log = logging.getLogger(__name__)

RESERVE_BYTES: Final = 4 * 1024 * 1024
LOOK_EVERY_MS: Final = 600_000


class Reserve:
    def __init__(self, file: Path, size: int = RESERVE_BYTES) -> None:
        self._file = file
        self._size = size
        self._held = False
        self._look_at_ms = 0

    def take(self, mono_ms: int) -> None:
        """Have it, if there is room; looks at most every `LOOK_EVERY_MS`."""
        if self._held or mono_ms < self._look_at_ms:
            return
        self._look_at_ms = mono_ms + LOOK_EVERY_MS
        try:
            self._held = self._is_whole() or self._allocate()
        except OSError as error:
            log.warning("reserve_not_taken detail=%s", error)
            with contextlib.suppress(OSError):
                self._file.unlink(missing_ok=True)

    def give_up(self) -> bool:
        """Make its room free; whether there was any."""
        if not self._held:
            return False
        self._held = False
        return self.drop()

    def drop(self) -> bool:
        """Remove what an earlier process may have taken; whether there was any."""
        try:
            self._file.unlink()
        except FileNotFoundError:
            return False
        except OSError as error:
            log.warning("reserve_kept detail=%s", error)
            return False
        log.warning("reserve_given_up bytes=%s", self._size)
        return True

    def _is_whole(self) -> bool:
        with contextlib.suppress(FileNotFoundError):
            return self._file.stat().st_size == self._size
        return False

    def _allocate(self) -> bool:
        room = os.statvfs(self._file.parent)
        if room.f_bavail * room.f_frsize < 3 * self._size:
            return False
        fd = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(fd, 0, self._size)
        finally:
            os.close(fd)
        return True
