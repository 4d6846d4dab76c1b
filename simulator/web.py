"""An HTTP server of the reference source system: how connections come, wait and go.

Owns the connections; what is answered stands in the handler. TLS is shaken in the request's own
thread: a silent client holds up nobody. Every connection has a deadline and can be cut from here.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class WebServer(ThreadingHTTPServer):
    """Listens once made; a connection that says nothing for `idle_s` seconds is over."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(
        self,
        address: tuple[str, int],
        handler: type[BaseHTTPRequestHandler],
        tls: ssl.SSLContext | None,
        *,
        idle_s: float,
    ) -> None:
        self._tls = tls
        self._idle_s = idle_s
        self._open: set[socket.socket] = set()
        super().__init__(address, handler)

    def finish_request(self, request: Any, client_address: Any) -> None:
        """In the request's own thread."""
        request.settimeout(self._idle_s)
        if self._tls is not None:
            request = self._tls.wrap_socket(request, server_side=True)
        self._open.add(request)
        try:
            super().finish_request(request, client_address)
        finally:
            self._open.discard(request)
            request.close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients come and go; a broken connection is no event here."""

    def drop_connections(self) -> None:
        """Cut every one, answered or not."""
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
