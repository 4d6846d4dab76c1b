"""A stream over HTTP as a sequence of bytes: why it was refused, how it ended, what it carries.

Owns the request. libVLC could fetch the URL itself, but it does not know the district's
certificate authority, stays "opening" for ever on a page of HTML, cannot be told what a village
line may carry, and takes a server that closes for a normal end.

Invariants: every wait has a deadline; `close` may come from any thread and ends every wait.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import Any

from agent.contract.addresses import shown
from agent.player.feed import RateLimit
from agent.player.icy import Unmixed, accept_icy
from agent.player.playlists import MOST_CHARACTERS, is_playlist
from agent.player.protocol import SourceFault

log = logging.getLogger(__name__)

CONNECT_LIMIT_S = 5.0
READ_LIMIT_S = 4.0
_CHUNK_BYTES = 4_096
_NOT_SOUND = ("text/", "application/json", "application/xml", "image/")
# A server of live sound that is asked for a length may name one that nobody could wait for.
_WHOLE_MOST_BYTES = 1 << 30
_GONE = (404, 410)


class HttpFeed:
    """One GET. `open` first, then `read` until it gives nothing; `fault` says why it ended."""

    def __init__(self, url: str, *, ca: str = "", max_kbps: int = 0) -> None:
        self.url = url  # where it was found, in the end
        self._url_said = url
        self.total_bytes: int | None = None  # of a server that knows how long its programme is
        self.kind = ""  # what the server says it sends
        self.playlist = False  # it lists other addresses: see `text`
        self.may_be_whole = False  # nothing says that it is live, though its length is not said
        self.ended_well = False  # the server said that it was all
        self.fault: SourceFault | None = None
        self.received_bytes = 0
        self._ca = ca
        self._max_kbps = max_kbps
        self._response: Any = None
        self._closed = threading.Event()
        self._rate = RateLimit(max_kbps)
        self._unmixed: Unmixed | None = None

    def open(self) -> bool:
        """Ask, and look at the answer's head; false with `fault` set when it is no sound."""
        from requests import RequestException

        try:
            response = self._get()
        except RequestException as error:
            return self._refuse("refused", type(error).__name__)
        self._response = response
        if self._closed.is_set():
            response.close()
            return False
        if response.status_code in _GONE:
            return self._refuse("not_found", str(response.status_code))
        if response.status_code >= 400:
            return self._refuse("refused", str(response.status_code))
        self.url = response.url
        self._take_head(response.headers)
        if self.kind.startswith(_NOT_SOUND) and not self.playlist:
            return self._refuse("not_audio", self.kind)
        if self._max_kbps and _said_kbps(response.headers) > self._max_kbps:
            return self._refuse("too_fast", response.headers.get("icy-br", ""))
        return True

    def _take_head(self, headers: Any) -> None:
        self.kind = headers.get("Content-Type", "").split(";")[0].strip().lower()
        self.playlist = is_playlist(self.url, self.kind) or is_playlist(self._url_said)
        live = any(str(name).lower().startswith("icy-") for name in headers)
        length = headers.get("Content-Length", "")
        known = length.isdigit() and len(length) < 12 and int(length) < _WHOLE_MOST_BYTES
        self.total_bytes = int(length) if known and not live else None
        self.may_be_whole = "chunked" in headers.get("Transfer-Encoding", "").lower() and not live
        every = headers.get("icy-metaint", "")
        if every.isdigit() and int(every[:9]) > 0:
            self._unmixed = Unmixed(int(every[:9]))

    def text(self) -> str:
        """All of it, as a list of addresses; what is too long is cut off."""
        data, until_s = b"", time.monotonic() + READ_LIMIT_S
        while len(data) < MOST_CHARACTERS and time.monotonic() < until_s:
            piece = self.read(_CHUNK_BYTES)
            if not piece:
                break
            data += piece
        return data.decode("utf-8", "replace")

    def read(self, size: int) -> bytes:
        """The next bytes as they come; none at the end, whatever it was (see `fault`)."""
        from requests import RequestException
        from urllib3.exceptions import HTTPError

        if self._closed.is_set() or self.fault is not None:
            return b""
        try:
            # read1 gives what has arrived; read would wait until the whole size is there.
            data: bytes = self._response.raw.read1(min(size, _CHUNK_BYTES))
        except (RequestException, HTTPError, OSError, ValueError, AttributeError) as error:
            # AttributeError: http.client's own, when the response is closed under its reader.
            self._end(_fault_of(error))
            return b""
        self.received_bytes += len(data)
        if not data:
            # Of a chunked answer that was cut off, the library says so instead.
            known = self.total_bytes is not None and self.received_bytes >= self.total_bytes
            self.ended_well = known or self.may_be_whole
            self._end(None if self.ended_well else "ended_early")
        elif self._rate.exceeded(len(data), time.monotonic_ns()):
            self._end("too_fast")
            return b""
        if self._unmixed is None or not data:
            return data
        # A piece of nothing but titles is no end.
        return self._unmixed.sound(data) or self.read(size)

    def close(self) -> None:
        """No more of it, from any thread: a wait under way ends within its deadline."""
        self._closed.set()
        response = self._response
        if response is None:
            return
        try:
            response.raw.shutdown()  # wakes a reader that waits for the next byte
            response.close()
        except (OSError, ValueError, RuntimeError):
            pass  # it was over already

    def _get(self) -> Any:
        """Known to the system's authorities, or to the district's."""
        import requests

        def get(verify: bool | str) -> requests.Response:
            session = requests.Session()
            if self._url_said.lower().startswith("https:"):
                del session.adapters["http://"]  # no redirect leads out of it
            else:
                accept_icy(session)
            return session.get(
                self._url_said,
                stream=True,
                timeout=(CONNECT_LIMIT_S, READ_LIMIT_S),
                verify=verify,
                headers={"Accept-Encoding": "identity"},
            )

        try:
            return get(True)
        except requests.exceptions.SSLError:
            if not self._ca:
                raise
            return get(self._ca)

    def _refuse(self, fault: SourceFault, why: str) -> bool:
        log.warning("stream_refused fault=%s why=%s url=%s", fault, why, shown(self.url))
        self._end(fault)
        return False

    def _end(self, fault: SourceFault | None) -> None:
        if not self._closed.is_set():
            self.fault = fault
        self.close()


def _fault_of(error: Exception) -> SourceFault:
    from urllib3.exceptions import ReadTimeoutError

    return "stalled" if isinstance(error, ReadTimeoutError | TimeoutError) else "ended_early"


def _said_kbps(headers: Any) -> int:
    """What an Icecast server says its stream carries; 0 when it does not say."""
    said = str(headers.get("icy-br", "")).split(",", maxsplit=1)[0].strip()
    return int(said) if said.isdigit() and len(said) < 7 else 0
