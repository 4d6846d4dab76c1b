"""The district's files over HTTPS: `/c/<sha256>`, resumable, with faults on demand.

Owns one listening socket and its threads. Serves a flat folder of content-addressed files, and what
is on the air from the studio (`/live/<token>`, `live_server`); knows nothing of slots. Server
authentication only: hashes in signed documents protect the content.

Invariants: every connection has a deadline; a path that is not a known hash is 404 and never
touches the file system elsewhere; faults are injected through `faults`, never by the client.
"""

from __future__ import annotations

import contextlib
import re
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Literal, NamedTuple, Self

from simulator.source_system.live_server import MEDIA_TYPE, LiveServer
from simulator.source_system.live_shelf import LiveSession
from simulator.source_system.pki import Credentials
from simulator.web import WebServer

CHUNK_BYTES = 16 * 1024
IDLE_DEADLINE_S = 30.0
STALL_MAX_S = 120.0
REQUESTS_KEPT = 1_000

_PATH = re.compile(r"/c/([0-9a-f]{64})(?:/again/(\d+))?")
_LIVE = re.compile(r"/live/([0-9a-f]{64})")
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")

FaultKind = Literal[
    "stall", "truncate", "status", "wrong_bytes", "ignore_range", "redirect_loop", "slow"
]


@dataclass(frozen=True)
class Fault:
    """One thing to do wrong.

    after_bytes: how much of the body is sent first (stall, truncate). status: for `status`.
    seconds: how long a stall lasts. bytes_per_s: for `slow`. times: how often; None is always.
    """

    kind: FaultKind
    after_bytes: int = 0
    status: int = 500
    seconds: float = STALL_MAX_S
    bytes_per_s: int = 0
    times: int | None = None


class Faults:
    """What goes wrong with which file; thread-safe. Key "*" is every file."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._planned: dict[str, tuple[Fault, int | None]] = {}
        self.released = threading.Event()
        """Ends every stall at once."""

    def set(self, sha256: str, fault: Fault) -> None:
        with self._lock:
            self._planned[sha256] = (fault, fault.times)

    def clear(self) -> None:
        with self._lock:
            self._planned.clear()

    def take(self, sha256: str) -> Fault | None:
        """The fault for this request, used up by one."""
        with self._lock:
            for key in (sha256, "*"):
                planned = self._planned.get(key)
                if planned is None:
                    continue
                fault, left = planned
                if left is not None:
                    if left <= 0:
                        continue
                    self._planned[key] = (fault, left - 1)
                return fault
        return None


class Request(NamedTuple):
    """What was asked and answered, for tests and for counting."""

    sha256: str
    asked_range: str
    status: int
    sent_bytes: int


class _Span(NamedTuple):
    first: int
    last: int
    partial: bool

    @property
    def length(self) -> int:
        return self.last - self.first + 1


class _Server(WebServer):
    def __init__(
        self,
        address: tuple[str, int],
        store: Path,
        tls: ssl.SSLContext | None,
        faults: Faults,
        live: LiveServer | None,
    ) -> None:
        self.store = store
        self.live = live
        self.faults = faults
        self.requests: list[Request] = []
        super().__init__(address, _Handler, tls, idle_s=IDLE_DEADLINE_S)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Counted in `requests` instead."""

    def _answer(self, *, with_body: bool) -> None:
        live = _LIVE.fullmatch(self.path)
        if live is not None and self.server.live is not None:
            session = self.server.live.find(live[1])
            if session is not None:
                self._live(self.server.live, session, with_body)
                return
        found = _PATH.fullmatch(self.path)
        path = self.server.store / found[1] if found else None
        if found is None or path is None or not path.is_file():
            self._refuse(HTTPStatus.NOT_FOUND)
            return
        fault = self.server.faults.take(found[1])
        if fault is not None and fault.kind == "status":
            self._refuse(fault.status, found[1])
        elif fault is not None and fault.kind == "redirect_loop":
            self._redirect(found[1], int(found[2] or 0))
        else:
            self._file(path, fault, with_body)

    def _live(self, live: LiveServer, session: LiveSession, with_body: bool) -> None:
        """Until it is over or the receiver leaves; nobody knows how long that is."""
        self.close_connection = True
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", MEDIA_TYPE)
        self.send_header("Cache-Control", "no-store")
        self.send_header("icy-br", str(session.kbps))
        self.send_header("Connection", "close")
        self.end_headers()
        if not with_body:
            return
        stopping = self.server.faults.released.is_set
        with contextlib.closing(live.sound(session, self.client_address[0], stopping)) as sound:
            for chunk in sound:
                self.wfile.write(chunk)

    def _refuse(self, status: int, sha256: str = "") -> None:
        self._note(sha256, status, 0)
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _redirect(self, sha256: str, turn: int) -> None:
        self._note(sha256, 302, 0)
        self.send_response(HTTPStatus.FOUND)
        self.send_header("Location", f"/c/{sha256}/again/{turn + 1}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _file(self, path: Path, fault: Fault | None, with_body: bool) -> None:
        size = path.stat().st_size
        etag = f'"{path.name}"'
        span = self._span(size, etag, ignore=fault is not None and fault.kind == "ignore_range")
        if span is None:
            self._note(path.name, 416, 0)
            self.send_response(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
            self.send_header("Content-Range", f"bytes */{size}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        status = HTTPStatus.PARTIAL_CONTENT if span.partial else HTTPStatus.OK
        self.send_response(status)
        self.send_header("ETag", etag)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Cache-Control", "public, immutable")
        self.send_header("Content-Length", str(span.length))
        if span.partial:
            self.send_header("Content-Range", f"bytes {span.first}-{span.last}/{size}")
        self.end_headers()
        sent = 0
        if with_body:
            with path.open("rb") as file:
                sent = self._body(file, span, fault)
        self._note(path.name, status, sent)

    def _span(self, size: int, etag: str, *, ignore: bool) -> _Span | None:
        """None: the range cannot be had. If-Range with another tag asks for the whole file."""
        whole = _Span(0, size - 1, False)
        asked = self.headers.get("Range")
        if asked is None or ignore or self.headers.get("If-Range", etag) != etag:
            return whole
        found = _RANGE.fullmatch(asked.strip())
        if found is None or found[0] == "bytes=-":
            return whole
        if not found[1]:
            return _Span(max(0, size - int(found[2])), size - 1, True)
        first = int(found[1])
        last = min(int(found[2]), size - 1) if found[2] else size - 1
        return None if first > last else _Span(first, last, True)

    def _body(self, file: BinaryIO, span: _Span, fault: Fault | None) -> int:
        """Send, with the fault; returns the bytes that went out."""
        file.seek(span.first)
        sent = 0
        for chunk in _chunks(file, span.length, fault):
            self.wfile.write(chunk)
            sent += len(chunk)
            if fault is not None and fault.kind == "slow" and fault.bytes_per_s:
                self.server.faults.released.wait(len(chunk) / fault.bytes_per_s)
        if sent < span.length:
            self.wfile.flush()
            if fault is not None and fault.kind == "stall":
                self.server.faults.released.wait(min(fault.seconds, STALL_MAX_S))
            self.close_connection = True
        return sent

    def _note(self, sha256: str, status: int, sent_bytes: int) -> None:
        kept = self.server.requests
        kept.append(Request(sha256, self.headers.get("Range", ""), status, sent_bytes))
        del kept[:-REQUESTS_KEPT]


def _chunks(file: BinaryIO, length: int, fault: Fault | None) -> Iterator[bytes]:
    cut = fault is not None and fault.kind in ("stall", "truncate")
    left = min(length, fault.after_bytes) if cut and fault is not None else length
    size = CHUNK_BYTES
    if fault is not None and fault.kind == "slow" and fault.bytes_per_s:
        size = max(1, min(CHUNK_BYTES, fault.bytes_per_s // 10))
    while left > 0:
        chunk = file.read(min(size, left))
        if not chunk:
            return
        left -= len(chunk)
        if fault is not None and fault.kind == "wrong_bytes":
            chunk = bytes(byte ^ 0x55 for byte in chunk)
        yield chunk


class ContentServer:
    """`with ContentServer(store, server_credentials) as server:`. tls None is plain HTTP.

    live: the folder of live sessions.
    """

    def __init__(
        self,
        store: Path,
        tls: Credentials | None,
        *,
        live: Path | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        store.mkdir(parents=True, exist_ok=True)
        context = None
        if tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(str(tls.certificate), str(tls.key))
        self.faults = Faults()
        self._server = _Server(
            (host, port), store, context, self.faults, None if live is None else LiveServer(live)
        )
        self.host = host
        self.port: int = self._server.server_address[1]
        self._scheme = "http" if tls is None else "https"
        self._thread: threading.Thread | None = None

    @property
    def base_url(self) -> str:
        return f"{self._scheme}://{self.host}:{self.port}"

    @property
    def requests(self) -> list[Request]:
        """The latest answered requests, oldest first."""
        return list(self._server.requests)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="content-server", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Ends stalls, drops connections, frees the port."""
        self.faults.released.set()
        if self._thread is not None:
            self._server.shutdown()
            self._thread.join()
            self._thread = None
        self._server.drop_connections()
        self._server.server_close()

    def await_requests(self, count: int, deadline_s: float = 5.0) -> list[Request]:
        """Until at least `count` requests were answered, or the deadline."""
        end = time.monotonic() + deadline_s
        while len(self._server.requests) < count and time.monotonic() < end:
            time.sleep(0.01)
        return self.requests
