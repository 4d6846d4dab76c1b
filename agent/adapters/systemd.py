"""Telling the service manager how we are: sd_notify(3) without its library.

Owns the datagrams. Does not own when the watchdog may be fed. Without a service manager every
call does nothing.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping

from agent.adapters.clock import mono_ms
from agent.adapters.counted import Counted


class ServiceManager:
    """NOTIFY_SOCKET as the service manager set it."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        name = environment.get("NOTIFY_SOCKET", "")
        self._address = "\0" + name[1:] if name.startswith("@") else name
        self._status = ""
        limit_us = environment.get("WATCHDOG_USEC", "")
        self._feed_every_ms = int(limit_us) // 8_000 if limit_us.isdigit() else 10_000
        self._fed_ms: int | None = None
        self.counted = Counted()

    def ready(self) -> None:
        self._send("READY=1")

    def stopping(self) -> None:
        self._send("STOPPING=1")

    def feed_watchdog(self) -> None:
        """To be called as often as all is well; passed on no more often than needed."""
        now_ms = mono_ms()
        if self._fed_ms is None or now_ms - self._fed_ms >= self._feed_every_ms:
            self._fed_ms = now_ms
            self._send("WATCHDOG=1")

    def status(self, line: str) -> None:
        """`STATUS=` or the bare text; only when it changed."""
        text = line.removeprefix("STATUS=").replace("\n", " ")
        if text != self._status:
            self._status = text
            self._send(f"STATUS={text}")

    def _send(self, line: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sock:
                sock.connect(self._address)
                sock.send(line.encode())
        except OSError as error:
            self.counted.add("notify_failed", error)
