"""The size of block that a card was found to need, over restarts: one small file.

Owns the file. Whatever is wrong with it means that nothing is known; a card that is full or gone
costs the memory, not the sound.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path

import msgspec

log = logging.getLogger(__name__)

_BYTES_MAX = 4_096


class Found(msgspec.Struct, frozen=True):
    """device: as it is configured."""

    device: str
    frames: int


def recall(path: Path, device: str) -> int | None:
    """What was found for this device; None when nothing is known."""
    try:
        with path.open("rb") as file:
            found = msgspec.json.decode(file.read(_BYTES_MAX), type=Found)
    except (OSError, msgspec.DecodeError):
        return None
    return found.frames if found.device == device else None


def remember(path: Path, device: str, frames: int) -> None:
    """Write it beside and move it there, so that a power cut leaves the old one or the new one."""
    beside = path.with_name(f"{path.name}.new")
    try:
        with beside.open("wb") as file:
            file.write(msgspec.json.encode(Found(device, frames)))
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        log.warning("block_size_not_remembered error=%s", error)
