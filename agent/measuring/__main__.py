"""The measuring process: `python -m agent.measuring FILE`, one file, then it leaves.

Owns its own modesty: it runs only when nobody else wants the processor, on a share of one core,
within a bound of processor time, and dies with the agent. Lines of JSON on stdout: `progress`
every few seconds, at the end `measured` or `failed`.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import os
import resource
import signal
import sys
import time
from pathlib import Path

import msgspec

from agent.core.loudness import Loudness

CPU_LIMIT_S = 900
PROGRESS_S = 5.0
SHARE = 0.25
_PR_SET_PDEATHSIG = 1


class Progress(msgspec.Struct, frozen=True, tag="progress", tag_field="t"):
    """So many seconds of the programme were heard."""

    heard_s: float


class Measured(msgspec.Struct, frozen=True, tag="measured", tag_field="t"):
    """All of it was heard."""

    loudness: Loudness


class Failed(msgspec.Struct, frozen=True, tag="failed", tag_field="t"):
    """Nothing is known of it. lasting: it is the file's fault, and will be so the next time."""

    why: str
    lasting: bool = True


Line = Progress | Measured | Failed


def be_modest() -> None:
    """As far as a sandbox lets it; the share of one core is kept by its own pauses anyway."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, 19)
    with contextlib.suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_LIMIT_S, CPU_LIMIT_S))
    with contextlib.suppress(OSError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def main() -> None:
    """Measure and leave without waiting for libVLC."""
    parser = argparse.ArgumentParser(prog="agent.measuring", description="Measures one file.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--share", type=float, default=SHARE, help="of one core (0 to 1)")
    arguments = parser.parse_args()
    be_modest()
    out = os.dup(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # libraries print
    encoder = msgspec.json.Encoder()
    told = time.monotonic()

    def say(line: Line) -> None:
        os.write(out, encoder.encode(line) + b"\n")

    def progress(heard_s: float) -> None:
        nonlocal told
        if time.monotonic() - told >= PROGRESS_S:
            told = time.monotonic()
            say(Progress(heard_s))

    from agent.measuring.ebu import NoLibraryError
    from agent.measuring.programme import CannotMeasureError, measure

    share = min(1.0, max(0.01, arguments.share))
    try:
        say(Measured(measure(arguments.file, share=share, progress=progress)))
    except CannotMeasureError as error:
        say(Failed(str(error)))
    except NoLibraryError as error:
        say(Failed(str(error), lasting=False))
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
