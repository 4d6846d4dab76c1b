"""Lines in, lines out: JSON of `protocol` over two pipes.

Owns framing and the rule that stray prints can never get between two reports: the real stdout is
kept on a descriptor of its own and fd 1 and 2 of the libraries lead to /dev/null.
"""

from __future__ import annotations

import os

import msgspec

from agent.player.bounds import bounded
from agent.player.protocol import FromChild, ToChild

MAX_LINE_BYTES = 1 << 20


class Lines:
    """Splits a byte stream into messages; too long or wrong lines raise ValueError once each."""

    def __init__(self) -> None:
        self._rest = b""
        self._decoder = msgspec.json.Decoder(ToChild)

    def feed(self, data: bytes) -> list[ToChild | str]:
        """Messages that became complete; a string is why a line was refused."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        found: list[ToChild | str] = []
        if len(self._rest) > MAX_LINE_BYTES:
            self._rest = b""
            found.append("line too long")
        found.extend(self._decode(line) for line in lines if line.strip())
        return found

    def _decode(self, line: bytes) -> ToChild | str:
        try:
            message: ToChild = self._decoder.decode(line)
        except msgspec.MsgspecError as error:
            return str(error)
        return bounded(message)


class Reporter:
    """Writes reports to the agent; a reader that is gone or asleep never blocks the sound."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._encoder = msgspec.json.Encoder()
        self._waiting = bytearray()
        os.set_blocking(fd, False)

    def send(self, report: FromChild) -> None:
        """Queue one line and write what the pipe takes."""
        self._waiting += self._encoder.encode(report) + b"\n"
        self.flush()

    def flush(self) -> None:
        """Try again to write what is waiting; raises BrokenPipeError when the agent is gone."""
        while self._waiting:
            try:
                written = os.write(self._fd, self._waiting)
            except BlockingIOError:
                # A parent that reads nothing for this long is hung; it will be told by its own
                # watchdog. Memory stays bounded: the oldest reports go.
                if len(self._waiting) > MAX_LINE_BYTES:
                    cut = self._waiting.find(b"\n", len(self._waiting) // 2) + 1
                    del self._waiting[:cut]
                return
            del self._waiting[:written]
