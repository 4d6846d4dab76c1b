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
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
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

    pid 0 is the calling process; niceness 0 changes nothing. Where the kernel shares the CPU among
    sessions first (autogroup), niceness counts within a session only: the one that a session's
    first process leads gets it as well, or a busy session of niceness 19 would take half a core.
    """
    if not niceness:
        return
    with contextlib.suppress(PermissionError, ProcessLookupError):
        os.setpriority(os.PRIO_PROCESS, pid, niceness)
        if os.getsid(pid) == (pid or os.getpid()):
            _prefer_session(pid, niceness)


@contextlib.contextmanager
def preferred(niceness: int) -> Iterator[None]:
    """This process and its session have a priority meanwhile, and so has what is started."""
    own, session = os.getpriority(os.PRIO_PROCESS, 0), _session_niceness()
    prefer(0, niceness)
    _prefer_session(0, niceness)
    try:
        yield
    finally:
        _prefer_session(0, session)
        with contextlib.suppress(PermissionError):
            os.setpriority(os.PRIO_PROCESS, 0, own)


def _autogroup(pid: int) -> Path:
    return Path(f"/proc/{pid or os.getpid()}/autogroup")


def _prefer_session(pid: int, niceness: int) -> None:
    with contextlib.suppress(OSError):
        _autogroup(pid).write_text(str(niceness), encoding="ascii")


def _session_niceness() -> int:
    """Read from "/autogroup-123 nice 0"; a kernel without autogroups has no such file."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int(_autogroup(0).read_text(encoding="ascii").split()[-1])
    return 0


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
