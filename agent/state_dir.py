"""Whether the state directory can be written, and in words why not. Looks, changes nothing."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

from agent.config_texts import words
from agent.errors import Problem

PATH = "station.state_dir"


def state_problem(state_dir: Path, error: OSError | None = None) -> Problem | None:
    """What keeps this process from keeping anything there; None: nothing is seen.

    error: what a try to write said, for what cannot be seen beforehand.
    """
    at = next((one for one in (state_dir, *state_dir.parents) if is_there(one)), Path("/"))
    if not at.is_dir():
        return _problem("state-not-a-directory", at=at)
    room = os.statvfs(at)
    if not room.f_blocks and not room.f_files:  # /proc and its like: no files of anybody's own
        return _problem("state-no-disk", at=at)
    if room.f_flag & os.ST_RDONLY:
        return _problem("state-read-only", at=at)
    if not os.access(at, os.W_OK | os.X_OK):
        return _problem("state-forbidden", at=at, user=_user())
    if error is not None:
        return _problem("state-broken", at=at, why=error.strerror or str(error))
    return None


def is_there(path: Path) -> bool:
    """Whether it is there for this user; what may not be looked at is not."""
    try:
        return path.exists()
    except OSError:
        return False


def _problem(key: str, **values: object) -> Problem:
    return Problem(PATH, words(key, **values), hint=words(f"{key}-next", **values))


def _user() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return f"uid {os.geteuid()}"
