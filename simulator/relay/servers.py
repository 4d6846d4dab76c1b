"""HTTP servers of sound as the field has them, on loopback: one process, one path for each.

Owns the server and how it paces what it sends. What it sends is given by the test. Ends with it.
"""

from __future__ import annotations

import contextlib
import http.server
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

_LIMIT_S = 600.0
_PIECE_S = 0.1
_TITLE = b"StreamTitle='Tan Lien';"
METAINT = 4_096


@dataclass(frozen=True)
class Answer:
    """What one path sends.

    pace: how fast (1.0: as it is played; None: all at once), `ahead_s` of it at the beginning.
    chunked, length: how its end is told; neither: the connection closes. titles: SHOUTcast's are
    mixed in. icy: its first line, too. leads_to: another path, by a redirect.
    """

    data: bytes = b""
    kind: str = "audio/mpeg"
    kbps: int = 64
    pace: float | None = None
    ahead_s: float = 2.0
    chunked: bool = False
    length: bool = False
    titles: bool = False
    icy: bool = False
    leads_to: str = ""


class Servers:
    """`with Servers({"/a": Answer(...)}) as one: one.url("/a")`."""

    def __init__(
        self, answers: dict[str, Answer], certificate: tuple[Path, Path] | None = None
    ) -> None:
        """certificate: and its key, for https."""
        self.answers = answers
        self.asked: list[str] = []
        self._ended = threading.Event()
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._scheme = "http" if certificate is None else "https"
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*map(str, certificate))
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def url(self, path: str) -> str:
        """Where listeners find it."""
        return f"{self._scheme}://127.0.0.1:{self._server.server_address[1]}{path}"

    def _send(self, path: str, answer: Answer, write: Callable[[bytes], None]) -> None:
        """The sound, at its pace; a live one goes round until nobody wants it."""
        if answer.pace is None:
            write(answer.data)
            return
        began_s, sent, per_s = time.monotonic(), 0, answer.kbps * 125
        while not self._ended.wait(_PIECE_S) and time.monotonic() - began_s < _LIMIT_S:
            pace = self.answers[path].pace or 1.0
            wanted = round((answer.ahead_s + pace * (time.monotonic() - began_s)) * per_s)
            while sent < wanted:
                at = sent % len(answer.data)
                piece = answer.data[at : at + min(1_000, wanted - sent)]
                write(piece)
                sent += len(piece)

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        servers = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                pass

            def do_GET(self) -> None:
                servers.asked.append(self.path)
                answer = servers.answers.get(self.path)
                with contextlib.suppress(ConnectionError):
                    if answer is None:
                        self.send_error(404)
                    elif answer.leads_to:
                        self.send_response(302)
                        self.send_header("Location", answer.leads_to)
                        self.send_header("Content-Length", "0")
                        self.end_headers()
                    else:
                        self._sound(answer)

            def _sound(self, answer: Answer) -> None:
                if answer.icy:
                    self.wfile.write(b"ICY 200 OK\r\nicy-name:Dai\r\n")
                else:
                    self.send_response(200)
                for name, value in _head(answer):
                    self.send_header(name, value)
                self.close_connection = not (answer.chunked or answer.length)
                self.end_headers()
                write = self._in_chunks if answer.chunked else self._plain
                servers._send(self.path, answer, _with_titles(write) if answer.titles else write)
                if answer.chunked:
                    self.wfile.write(b"0\r\n\r\n")

            def _plain(self, data: bytes) -> None:
                self.wfile.write(data)

            def _in_chunks(self, data: bytes) -> None:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

        return Handler


def _head(answer: Answer) -> list[tuple[str, str]]:
    head = [("Content-Type", answer.kind)]
    if answer.titles:
        head.append(("icy-metaint", str(METAINT)))
    if answer.chunked:
        head.append(("Transfer-Encoding", "chunked"))
    elif answer.length:
        head.append(("Content-Length", str(len(answer.data))))
    return head


def _with_titles(write: Callable[[bytes], None]) -> Callable[[bytes], None]:
    left = METAINT

    def mixing(data: bytes) -> None:
        nonlocal left
        while data:
            write(data[:left])
            left, data = left - len(data[:left]), data[left:]
            if not left:
                blocks = -(-len(_TITLE) // 16)
                write(bytes([blocks]) + _TITLE.ljust(16 * blocks, b"\0"))
                left = METAINT

    return mixing
