"""The real sound child, driven by hand: for tests and benchmarks, where no agent is running."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TypeVar

import msgspec

from agent.adapters.player import CHILD_ENVIRONMENT
from agent.player.protocol import FromChild, ToChild

_Report = TypeVar("_Report", bound=msgspec.Struct)


class PlayerChild:
    """Starts `python -m agent.player`; keeps every report with the instant it was read."""

    def __init__(
        self, env: Mapping[str, str], device: str, buses: int, *options: str, python: str = ""
    ) -> None:
        self.reports: list[tuple[float, FromChild]] = []
        self.log: list[str] = []
        self._news = threading.Condition()
        argv = [python or sys.executable, "-m", "agent.player"]
        argv += ["--device", device, "--buses", str(buses), *options]
        self.started_s = time.monotonic()
        self._process = subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**CHILD_ENVIRONMENT, **env},
            bufsize=0,
        )
        self._readers = [threading.Thread(target=self._read, daemon=True)]
        self._readers.append(threading.Thread(target=self._read_log, daemon=True))
        for reader in self._readers:
            reader.start()

    def __enter__(self) -> PlayerChild:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._process.pid

    def send(self, *messages: ToChild) -> None:
        """Write messages to its stdin."""
        if self._process.stdin is not None:
            lines = b"".join(msgspec.json.encode(message) + b"\n" for message in messages)
            self._process.stdin.write(lines)

    def hang_up(self) -> None:
        """Close its stdin, as the death of the agent would."""
        if self._process.stdin is not None and not self._process.stdin.closed:
            self._process.stdin.close()

    def kill(self) -> None:
        """SIGKILL."""
        os.kill(self.pid, signal.SIGKILL)

    def exit_status(self, limit_s: float = 5.0) -> int:
        """Wait until it is gone."""
        return self._process.wait(limit_s)

    def close(self) -> None:
        """Hang up, and kill it when that does not help."""
        self.hang_up()
        try:
            self._process.wait(2)
        except subprocess.TimeoutExpired:
            self.kill()
            self._process.wait()
        for reader in self._readers:
            reader.join(2)
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()

    def wait(
        self,
        kind: type[_Report],
        token: str | None = None,
        limit_s: float = 15.0,
        where: Callable[[_Report], bool] = lambda _report: True,
    ) -> _Report:
        """The first report of a kind (of a cue); raises TimeoutError with what came instead."""
        limit = time.monotonic() + limit_s
        with self._news:
            while True:
                for report in self.all(kind, token):
                    if where(report):
                        return report
                left = limit - time.monotonic()
                if left <= 0 or not self._news.wait(left):
                    seen = [report for _, report in self.reports[-20:]]
                    raise TimeoutError(f"no {kind.__name__} of {token} in {limit_s} s: {seen}")

    def all(self, kind: type[_Report], token: str | None = None) -> list[_Report]:
        """Every report of a kind (of a cue) so far."""
        chosen = [report for _, report in list(self.reports) if isinstance(report, kind)]
        return [r for r in chosen if token is None or getattr(r, "token", None) == token]

    def _read(self) -> None:
        decoder = msgspec.json.Decoder(FromChild)
        for line in self._process.stdout or ():
            report: FromChild = decoder.decode(line)
            with self._news:
                self.reports.append((time.monotonic(), report))
                self._news.notify_all()

    def _read_log(self) -> None:
        for line in self._process.stderr or ():
            self.log.append(line.decode(errors="replace").rstrip())
