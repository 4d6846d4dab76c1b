"""The core does no input or output: while its tests run, an attempt raises.

The interpreter's audit hook is installed once and cannot be removed; the fixture switches it.
Only code running *below a frame of `agent.core`* is held to it, so that pytest, hypothesis and
fixtures may read their files meanwhile; imports are allowed.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import FrameType

import pytest

WATCHED = ("open", "socket.", "subprocess.", "os.", "shutil.", "sqlite3.", "time.sleep")


class Impure(AssertionError):  # noqa: N818 - it says what the code is
    """The core touched the outside world."""


class _Switch:
    on = False


def _caller_in_core(frame: FrameType | None) -> str | None:
    """The module of the core below which we run; None for imports and for everybody else."""
    while frame is not None:
        name = frame.f_globals.get("__name__", "")
        if name.startswith("importlib."):
            return None
        if name.startswith("agent.core"):
            return str(name)
        frame = frame.f_back
    return None


def _hook(event: str, arguments: tuple[object, ...]) -> None:
    if not _Switch.on or not event.startswith(WATCHED):
        return
    caller = _caller_in_core(sys._getframe(1))  # noqa: SLF001 - the only way to the caller
    if caller is not None:
        raise Impure(f"{caller} did {event}{arguments!r}")


sys.addaudithook(_hook)


@pytest.fixture(autouse=True)
def _pure() -> Iterator[None]:
    _Switch.on = True
    yield
    _Switch.on = False
