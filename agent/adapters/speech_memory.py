"""Finished speech in memory, for a card that takes nothing: a warning is said all the same.

Owns unnamed files (memfd) under their keys and the bound on them. Does not own what is spoken or
when; a sound in memory is gone with this process.

Invariants: never more than `limit_bytes`. Ordinary sounds give way to urgent ones, the oldest
first, and never push anything out themselves.
"""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

LIMIT_BYTES: Final = 24 * 1024 * 1024
"""About nine minutes of speech."""


def memory_file(name: str) -> int:
    """An empty file that lies on no disk; the descriptor."""
    return os.memfd_create(name, os.MFD_CLOEXEC)


def path_of(fd: int) -> Path:
    """Where other processes of this user find it while it is open here."""
    return Path(f"/proc/{os.getpid()}/fd/{fd}")


@dataclass(frozen=True, slots=True)
class _Held:
    fd: int
    size: int
    duration_ms: int
    urgent: bool


class SpeechMemory:
    """Not for several threads at once."""

    def __init__(self, limit_bytes: int = LIMIT_BYTES) -> None:
        self._limit_bytes = limit_bytes
        self._held: dict[str, _Held] = {}
        self._dropped: list[Path] = []

    def get(self, key: str) -> tuple[Path, int] | None:
        """Where the sound is and how many milliseconds it lasts."""
        held = self._held.get(key)
        return None if held is None else (path_of(held.fd), held.duration_ms)

    def put(self, key: str, sound: bytes, duration_ms: int, *, urgent: bool) -> Path:
        """Hold it; raises OSError where it does not fit."""
        self._make_room(len(sound), urgent=urgent)
        fd = memory_file("speech")
        try:
            with os.fdopen(os.dup(fd), "wb") as file:
                file.write(sound)
        except BaseException:
            os.close(fd)
            raise
        self._held[key] = _Held(fd, len(sound), duration_ms, urgent)
        return path_of(fd)

    def taken_back(self) -> list[Path]:
        """Where sounds were that had to give way since it was last asked."""
        dropped, self._dropped = self._dropped, []
        return dropped

    def _make_room(self, size: int, *, urgent: bool) -> None:
        used = sum(one.size for one in self._held.values())
        # The ordinary ones first; sorted is stable, so the oldest first.
        going = sorted(self._held, key=lambda key: self._held[key].urgent) if urgent else []
        fits = size <= self._limit_bytes and (urgent or used + size <= self._limit_bytes)
        if not fits:
            raise OSError(errno.ENOMEM, "no room for it in memory either")
        for key in going:
            if used + size <= self._limit_bytes:
                return
            held = self._held.pop(key)
            used -= held.size
            self._dropped.append(path_of(held.fd))
            os.close(held.fd)
