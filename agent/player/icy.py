"""What SHOUTcast's servers do that HTTP does not know: their own first line, titles in the sound.

Owns both. They mix a title into the sound at regular places when they are asked to, some also
when they are not; and older ones answer `ICY 200 OK`.
"""

from __future__ import annotations

import http.client
from typing import Any

_LENGTH_UNIT = 16


class Unmixed:
    """Takes the titles out of the sound again. Pure."""

    def __init__(self, every_bytes: int) -> None:
        """every_bytes: of sound, before each title (`icy-metaint`)."""
        self._every = every_bytes
        self._sound_left = every_bytes
        self._title_left = 0

    def sound(self, data: bytes) -> bytes:
        """What of the next bytes is sound."""
        found, at = bytearray(), 0
        while at < len(data):
            if self._title_left:
                passed = min(self._title_left, len(data) - at)
                self._title_left -= passed
                at += passed
            elif self._sound_left:
                piece = data[at : at + self._sound_left]
                found += piece
                self._sound_left -= len(piece)
                at += len(piece)
            else:
                self._title_left, self._sound_left = _LENGTH_UNIT * data[at], self._every
                at += 1
        return bytes(found)


class _FirstLine:
    """A socket's file whose first line is HTTP's."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self._first = True

    def readline(self, *limit: int) -> bytes:
        """The next line."""
        line: bytes = self._file.readline(*limit)
        if self._first and line.startswith(b"ICY "):
            line = b"HTTP/1.0 " + line[4:]
        self._first = False
        return line

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


class _Response(http.client.HTTPResponse):
    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.fp: Any = _FirstLine(self.fp)


def accept_icy(session: Any) -> None:
    """Let a session of `requests` understand an answer that begins with `ICY`."""
    from requests.adapters import HTTPAdapter
    from urllib3.connection import HTTPConnection
    from urllib3.connectionpool import HTTPConnectionPool

    class Connection(HTTPConnection):
        response_class = _Response

    class Pool(HTTPConnectionPool):
        ConnectionCls = Connection

    adapter = HTTPAdapter()
    by_scheme = adapter.poolmanager.pool_classes_by_scheme
    adapter.poolmanager.pool_classes_by_scheme = {**by_scheme, "http": Pool}
    session.mount("http://", adapter)
