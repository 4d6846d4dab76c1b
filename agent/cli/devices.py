"""Which sound devices there are, asked of a process of its own: a broken one may hang for ever.

Owns the bound and the words for why there is no answer. Changes nothing.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from agent.player.listing import Devices

WITHIN_S = 8.0

ListDevices = Callable[[], "Listed"]


@dataclass(frozen=True, slots=True)
class Listed:
    """devices None: nobody knows, `why` says why: `slow`, or what the process said."""

    devices: Devices | None
    why: str = ""


def real_devices(command: tuple[str, ...] = (), within_s: float = WITHIN_S) -> Listed:
    argv = command or (sys.executable, "-m", "agent.player", "--list-devices")
    try:
        done = subprocess.run(argv, capture_output=True, timeout=within_s, check=False)
    except subprocess.TimeoutExpired:
        return Listed(None, "slow")
    except OSError as error:
        return Listed(None, str(error))
    try:
        return Listed(msgspec.json.decode(done.stdout, type=Devices))
    except msgspec.DecodeError:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        return Listed(None, said[-1] if said else f"status {done.returncode}")
