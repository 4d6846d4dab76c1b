"""Start a process that dies with us, however we die.

The child's shell holds the read end of a pipe whose only writer is this process: when we exit,
are interrupted or are killed, the shell reads end of file and kills the program. This holds for
any thread that starts it, which PR_SET_PDEATHSIG does not promise.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from typing import IO

# `read` returns when our end of the pipe closes; the program's own end wakes nobody, so the shell
# also leaves as soon as the program has gone (through the trap on CHLD).
_SCRIPT = (
    'exec 3<&0; "$@" </dev/null 3<&- & pid=$!; '
    'trap "kill -KILL $pid 2>/dev/null" TERM; '
    "(read -r _ <&3; kill -TERM $pid 2>/dev/null; sleep 1; kill -KILL $pid 2>/dev/null) "
    ">/dev/null 2>&1 & "
    "watch=$!; wait $pid; rc=$?; kill $watch 2>/dev/null; exit $rc"
)


def prefer(pid: int, niceness: int) -> None:
    """Set the priority of a process whose children are still to come; harmless when refused.

    pid 0 is the calling process; niceness 0 changes nothing.
    """
    if not niceness:
        return
    with contextlib.suppress(PermissionError, ProcessLookupError):
        os.setpriority(os.PRIO_PROCESS, pid, niceness)


class TiedProcess:
    """A running program, its stdout as a pipe when asked for, and a way to end it."""

    def __init__(
        self,
        argv: Sequence[str],
        env: Mapping[str, str],
        *,
        stdout: int = subprocess.DEVNULL,
        stderr: int = subprocess.DEVNULL,
        niceness: int = 0,
    ) -> None:
        """niceness below 0 asks for preference; refused without the right to it, and then left."""
        # A session of its own keeps Ctrl-C away from it: we end it in our own order.
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", _SCRIPT, "tied", *argv],
            stdin=subprocess.PIPE,
            stdout=stdout,
            stderr=stderr,
            env=dict(env),
            bufsize=0,
            start_new_session=True,
            # Before the shell forks: the program inherits it. It only sets one number.
            preexec_fn=lambda: prefer(0, niceness),  # noqa: PLW1509
        )

    @property
    def stdout(self) -> IO[bytes]:
        """The program's output; only when started with `stdout=PIPE`."""
        if self._process.stdout is None:
            raise ValueError("started without stdout=PIPE")
        return self._process.stdout

    @property
    def pid(self) -> int:
        """The shell that holds the program; the program is below it."""
        return self._process.pid

    def returncode(self) -> int | None:
        """The exit status, or None while it runs."""
        return self._process.poll()

    def close(self) -> None:
        """End the program and wait until it has gone (at most about two seconds)."""
        if self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()
        try:
            self._process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            self._kill_session()
            self._process.wait(timeout=2)

    def _kill_session(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
