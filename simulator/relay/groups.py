"""ffmpeg as a studio that sends to a multicast group of the loopback interface.

Owns the process; nothing of it leaves the machine.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Sequence
from types import TracebackType
from typing import Self

# RFC 2365: for a site to use as it likes.
GROUP = "239.255.77.77"
_FORMATS = {"udp": "mpegts", "rtp": "rtp"}


class GroupSender:
    """`with GroupSender("udp", studio()) as sender: sender.url`."""

    def __init__(
        self,
        scheme: str,
        source: Sequence[str],
        codec: Sequence[str] = ("-c:a", "aac", "-b:a", "64k"),
    ) -> None:
        self.url = f"{scheme}://@{GROUP}:{free_udp_port()}"
        target = self.url.replace("@", "") + "?localaddr=127.0.0.1&ttl=0&pkt_size=1316"
        self._process = subprocess.Popen(
            [
                *("ffmpeg", "-nostdin", "-loglevel", "error", "-re", *source, *codec),
                *("-f", _FORMATS[scheme], target),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={"PATH": os.environ.get("PATH", os.defpath)},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.wait()

    def freeze(self) -> None:
        """Send nothing more."""
        self._process.send_signal(signal.SIGSTOP)


def free_udp_port() -> int:
    """An even one, as RTP likes it, that nobody has."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
            if port % 2 == 0:
                return port
