"""An RTSP server on loopback, with ffmpeg as the studio behind each of its streams.

Owns the server's threads and the studios. It speaks what RFC 2326 asks of a server that sends
inside its TCP connection (OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER, TEARDOWN), and fails as
servers do: it asks for a login, knows no such stream, is deaf, falls quiet, hangs up. What is sent
is ffmpeg's: session description, packets and clock.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import select
import socket
import socketserver
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from simulator.soundcard.tied import TiedProcess

_START_LIMIT_S = 10.0
_REALM, _NONCE = "dai", "0a4f113b"
_PACKET_MAX = 2_048
_ANSWERS = {200: "OK", 401: "Unauthorized", 404: "Not Found", 461: "Unsupported Transport"}
_REQUEST = re.compile(r"(\w+) (\S+) RTSP/1\.0\r\n(.*)\r\n\r\n", re.DOTALL)
_FIELD = re.compile(r'(\w+)="([^"]*)"')


class RtspServer:
    """`with RtspServer() as server, server.send("dai", studio()): server.url("dai")`."""

    def __init__(self) -> None:
        self.streams: dict[str, Stream] = {}
        self.seen: list[str] = []  # the methods that were asked, in order
        self._server: socketserver.ThreadingTCPServer | None = None

    def __enter__(self) -> Self:
        outer = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                with contextlib.suppress(OSError):
                    _Connection(outer, self.request).serve()

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            block_on_close = False

        self._server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for stream in list(self.streams.values()):
            stream.close()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    def url(self, name: str, login: str = "") -> str:
        """Where a stream is found; login: `user:password`, as it stands in an address."""
        if self._server is None:
            raise ValueError("the server is not open")
        return (
            f"rtsp://{login}{'@' if login else ''}127.0.0.1:{self._server.server_address[1]}/{name}"
        )

    def send(
        self,
        name: str,
        source: Sequence[str],
        codec: Sequence[str] = ("-c:a", "libmp3lame", "-b:a", "64k"),
        login: tuple[str, str] | None = None,
    ) -> Stream:
        """Send in real time until it is closed; `source` are ffmpeg's input options."""
        self.streams[name] = stream = Stream(self, name, source, codec, login)
        return stream


class Stream:
    """One studio, and who listens to it."""

    def __init__(
        self,
        server: RtspServer,
        name: str,
        source: Sequence[str],
        codec: Sequence[str],
        login: tuple[str, str] | None,
    ) -> None:
        self.login = login
        self.deaf = False
        self._server, self._name = server, name
        self._frozen = False
        self._listeners: list[_Connection] = []
        self._closed = threading.Event()
        self._link = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._link.bind(("127.0.0.1", 0))
        self._link.settimeout(0.1)
        self._folder = tempfile.TemporaryDirectory(prefix="crs-rtsp-")
        told = Path(self._folder.name) / "sdp"
        target = f"rtp://127.0.0.1:{self._link.getsockname()[1]}?pkt_size=1200"
        self._studio = TiedProcess(
            [
                *("ffmpeg", "-nostdin", "-loglevel", "error", "-re", *source, *codec),
                *("-sdp_file", str(told), "-f", "rtp", target),
            ],
            {"PATH": "/usr/bin:/bin"},
            stdout=subprocess.DEVNULL,
        )
        self.described = self._await(told)
        threading.Thread(target=self._pass_on, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """The stream is gone, and its listeners are hung up on."""
        self._server.streams.pop(self._name, None)
        if self._closed.is_set():
            return
        self._closed.set()
        for one in list(self._listeners):
            one.hang_up()
        self._studio.close()
        self._link.close()
        self._folder.cleanup()

    def freeze(self) -> None:
        """Go on being connected and send nothing."""
        self._frozen = True

    def add(self, listener: _Connection) -> None:
        self._listeners.append(listener)

    def remove(self, listener: _Connection) -> None:
        with contextlib.suppress(ValueError):
            self._listeners.remove(listener)

    def _await(self, told: Path) -> str:
        limit = time.monotonic() + _START_LIMIT_S
        while time.monotonic() < limit:
            text = told.read_text("utf-8") if told.exists() else ""
            # The last line of a description is one of its medium.
            if "\nm=" in text and text.endswith("\n"):
                lines = [one for one in text.splitlines() if "=" in one]
                at = next(n for n, one in enumerate(lines) if one.startswith("m="))
                lines[at] = re.sub(r" \d+ ", " 0 ", lines[at], count=1)
                return "\r\n".join([*lines, "a=control:track1", ""])
            time.sleep(0.02)
        raise TimeoutError("ffmpeg described no stream")

    def _pass_on(self) -> None:
        while not self._closed.is_set():
            try:
                packet = self._link.recv(_PACKET_MAX)
            except TimeoutError:
                continue
            except OSError:
                return
            if not self._frozen:
                for one in list(self._listeners):
                    one.send_packet(packet)


class _Connection:
    def __init__(self, server: RtspServer, link: socket.socket) -> None:
        self._server, self._link = server, link
        self._lock = threading.Lock()  # an answer never stands within a packet
        self._stream: Stream | None = None

    def serve(self) -> None:
        held = b""
        try:
            while data := self._link.recv(4_096):
                held += data
                while held.startswith(b"$") and len(held) >= 4:  # a listener's own reports
                    held = held[4 + int.from_bytes(held[2:4], "big") :]
                while not held.startswith(b"$") and b"\r\n\r\n" in held:
                    asked, _, held = held.partition(b"\r\n\r\n")
                    self._answer(asked.decode("utf-8", "replace") + "\r\n\r\n")
        finally:
            if self._stream is not None:
                self._stream.remove(self)

    def send_packet(self, packet: bytes) -> None:
        """Interleaved, on the channel that was asked for; a listener that lags is left."""
        with contextlib.suppress(OSError), self._lock:
            if select.select([], [self._link], [], 0)[1]:
                self._link.sendall(b"$\x00" + len(packet).to_bytes(2, "big") + packet)

    def hang_up(self) -> None:
        with contextlib.suppress(OSError):
            self._link.shutdown(socket.SHUT_RDWR)

    def _answer(self, request: str) -> None:
        found = _REQUEST.match(request)
        if found is None:
            return
        method, url = found[1], found[2]
        fields = dict(re.findall(r"^([\w-]+): *(.*?)\r?$", found[3], re.MULTILINE))
        self._server.seen.append(method)
        number = fields.get("CSeq", "0")
        if method == "OPTIONS":
            self._reply(200, number, "Public: DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER")
            return
        name = re.sub(r"^rtsps?://[^/]+/", "", url).split("/")[0]
        stream = self._server.streams.get(name)
        if stream is None:
            self._reply(404, number)
        elif stream.deaf:
            pass
        elif not _may(stream, method, fields.get("Authorization", "")):
            self._reply(401, number, f'WWW-Authenticate: Digest realm="{_REALM}", nonce="{_NONCE}"')
        else:
            self._serve(stream, method, number, fields)

    def _serve(self, stream: Stream, method: str, number: str, fields: dict[str, str]) -> None:
        match method:
            case "DESCRIBE":
                self._reply(200, number, "Content-Type: application/sdp", body=stream.described)
            case "SETUP" if "RTP/AVP/TCP" not in fields.get("Transport", ""):
                self._reply(461, number)
            case "SETUP":
                self._reply(
                    200, number, f"Transport: {fields['Transport']}", "Session: 7;timeout=20"
                )
            case "PLAY":
                self._reply(200, number, "Session: 7")
                self._stream = stream
                stream.add(self)
            case _:
                self._reply(200, number, "Session: 7")

    def _reply(self, code: int, number: str, *fields: str, body: str = "") -> None:
        head = (f"RTSP/1.0 {code} {_ANSWERS[code]}", f"CSeq: {number}", *fields)
        length = f"Content-Length: {len(body.encode())}"
        with self._lock:
            self._link.sendall("\r\n".join((*head, length, "", body)).encode())


def _may(stream: Stream, method: str, said: str) -> bool:
    """Whether the login is right (RFC 2617's digest)."""
    if stream.login is None:
        return True
    user, password = stream.login
    fields = dict(_FIELD.findall(said))

    def digest(*parts: str) -> str:
        return hashlib.md5(":".join(parts).encode(), usedforsecurity=False).hexdigest()

    wanted = digest(digest(user, _REALM, password), _NONCE, digest(method, fields.get("uri", "")))
    return fields.get("username") == user and fields.get("response") == wanted
