"""Posts one message over HTTP and says what came back. Every fault is a value.

Owns the connection, its bounds and its TLS. Does not own what an answer means (`answers`) nor when
anything is tried again (`uplink`). Blocks; runs in a thread of its own.

Invariants: only https, unless the laboratory allows http; no redirect is followed, because the
token would go along; an answer longer or slower than its bound is none.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from agent.adapters.clock import mono_ms
from agent.adapters.source_api.answers import NoReply, Reply
from agent.adapters.source_api.dialect import Outgoing

if TYPE_CHECKING:
    import requests

ANSWER_MAX_BYTES = 256 * 1024
ANSWER_WITHIN_MS = 60_000
BLOCK_BYTES = 16 * 1024


@dataclass(frozen=True, slots=True)
class Server:
    """Where and how. ca: file with the authorities, empty for the system's."""

    base_url: str
    ca: str = ""
    allow_http: bool = False
    connect_within_s: float = 15.0
    read_within_s: float = 20.0


class Client:
    """One connection that is kept open between messages: a handshake costs 4 KB each time."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._session: requests.Session | None = None

    def post(self, out: Outgoing, token: str) -> Reply | NoReply:
        """Whether a message without a reply arrived is not known."""
        import requests
        import urllib3

        url = self._server.base_url.rstrip("/") + out.path
        if urlsplit(url).scheme != "https" and not self._server.allow_http:
            return NoReply("strange", "only https, see allow_http")
        try:
            return self._posted(url, out, token)
        except requests.exceptions.SSLError as error:
            return self._none("tls", error)
        except (
            requests.exceptions.RequestException,
            urllib3.exceptions.HTTPError,
            OSError,
            UnicodeError,
        ) as error:
            return self._none("unreachable", error)

    def close(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None

    def _posted(self, url: str, out: Outgoing, token: str) -> Reply | NoReply:
        server = self._server
        with self._open().post(
            url,
            data=msgspec.json.encode(out.body),
            headers=_headers(out, token),
            stream=True,
            allow_redirects=False,
            verify=server.ca or True,
            timeout=(server.connect_within_s, server.read_within_s),
        ) as response:
            body = _body(response)
            if body is None:
                self.close()
                return NoReply("strange", f"answer beyond {ANSWER_MAX_BYTES} bytes or too slow")
            return Reply(response.status_code, body)

    def _open(self) -> requests.Session:
        import requests

        if self._session is None:
            self._session = requests.Session()
            self._session.trust_env = False  # no .netrc, no certificate bundle
            proxies = requests.utils.get_environ_proxies(self._server.base_url)
            self._session.proxies.update(proxies)
        return self._session

    def _none(self, state: str, error: Exception) -> NoReply:
        self.close()
        why = f"{type(error).__name__}: {error}"[:160]
        return NoReply("tls", why) if state == "tls" else NoReply("unreachable", why)


def read_secret(file: Path) -> str | None:
    """The password's first line; None when it cannot be read. Read anew for each login."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    return lines[0].strip() if lines else ""


def _headers(out: Outgoing, token: str) -> dict[str, str]:
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "User-Agent": "commune-radio",
    }
    if token:
        headers["Authorization"] = f"Bearer {token}"
    if out.key:
        headers["Idempotency-Key"] = out.key
    return headers


def _body(response: requests.Response) -> bytes | None:
    """None: too long, or it trickles."""
    until_ms = mono_ms() + ANSWER_WITHIN_MS
    body = b""
    for block in response.iter_content(BLOCK_BYTES):
        body += block
        if len(body) > ANSWER_MAX_BYTES or mono_ms() > until_ms:
            return None
    return body
