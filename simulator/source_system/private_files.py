"""Files that must be whole or absent, and secrets that only their owner may read.

Owns: temp file, fsync, rename, fsync of the folder; mode 0600 for secrets. Owns no format.
Invariant: a reader sees the old bytes or the new bytes, never a part; a secret never exists
with wider rights, not even for an instant.
"""

from __future__ import annotations

import os
from pathlib import Path

SECRET_MODE = 0o600
PUBLIC_MODE = 0o644


def write_whole(path: Path, data: bytes, *, mode: int = PUBLIC_MODE) -> None:
    """Replace `path` by `data`, durably."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def write_secret(path: Path, data: bytes) -> None:
    """Replace `path` by `data`, readable by its owner only."""
    write_whole(path, data, mode=SECRET_MODE)


def make_private_folder(path: Path) -> None:
    """A folder only its owner may enter."""
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(0o700)


def sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
