"""One download: HTTP into a partial file, continued where it stopped, given up within bounds.

Owns the partial file with its origin (URL and validator) beside it, and everything a server may
do wrong. Does not own when it is tried, nor whether the result is the right file: the store
hashes it (`agent.adapters.content`).
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

import msgspec

from agent.adapters.clock import mono_ms
from agent.core.effects import Fetch
from agent.core.events import FetchFault

if TYPE_CHECKING:
    import requests

BLOCK_BYTES = 64 * 1024
CONNECT_WITHIN_S = 15.0
READ_WITHIN_S = 20.0
REDIRECTS_MAX = 5
STALL_FLOOR_BYTES = 4_096
"""Less than this in the stall limit is not progress: 4 KiB is one second at 32 kbit/s."""

Pause = Callable[[float], object]


@dataclass(frozen=True, slots=True)
class ContentSettings:
    """ca: file with the authorities, empty for the system's. rate 0: no limit."""

    ca: str = ""
    allow_http: bool = False
    parallel: int = 1
    rate_limit_kbit_s: int = 0
    stall_ms: int = 60_000
    connect_within_s: float = CONNECT_WITHIN_S
    read_within_s: float = READ_WITHIN_S


class GaveUpError(Exception):
    """One try ended with a closed reason."""

    def __init__(self, fault: FetchFault, detail: str) -> None:
        super().__init__(detail)
        self.fault: FetchFault = fault


class CancelledError(Exception):
    """Nobody wants the file any more."""


class _Origin(msgspec.Struct, frozen=True):
    """What a partial file is a part of."""

    url: str
    validator: str


class Downloads:
    """Partial files in one folder."""

    def __init__(self, folder: Path, settings: ContentSettings) -> None:
        self._folder = folder
        self._settings = settings

    def files(self, sha256: str) -> tuple[Path, Path]:
        """What has arrived of a file, and where it came from."""
        return self._folder / sha256, self._folder / f"{sha256}.json"

    def drop(self, sha256: str) -> None:
        for file in self.files(sha256):
            file.unlink(missing_ok=True)

    def run(self, act: Fetch, cancelled: threading.Event) -> bool:
        """Bring the partial file to its end; whether it continued an earlier part."""
        partial, _ = self.files(act.sha256)
        have = partial.stat().st_size if partial.exists() else 0
        if have == act.size:
            return True
        if have > act.size:
            self.drop(act.sha256)
            have = 0
        import requests
        import urllib3

        with requests.Session() as session:
            session.trust_env = False  # no .netrc, no certificate bundle from the environment
            try:
                return self._stream(session, act, cancelled, have)
            except requests.exceptions.SSLError as error:
                raise GaveUpError("refused", f"tls: {error}") from None
            except (
                requests.exceptions.InvalidURL,
                requests.exceptions.InvalidSchema,
                requests.exceptions.MissingSchema,
                UnicodeError,
            ) as error:
                raise GaveUpError("bad_url", str(error)) from None
            except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError) as error:
                raise GaveUpError("network", _short(error)) from None

    def _stream(
        self, session: requests.Session, act: Fetch, cancelled: threading.Event, have: int
    ) -> bool:
        with self._respond(session, act, have) as response:
            resumed = response.status_code == 206
            _check_status(response, act, have)
            _check_length(response, act, have if resumed else 0)
            self._remember_origin(act, response)
            self._write(act, cancelled, _blocks(response), have if resumed else 0)
            return resumed

    def _respond(self, session: requests.Session, act: Fetch, have: int) -> requests.Response:
        """The answer after redirects; a redirect may not leave the protection of the first URL."""
        url = act.url
        for _ in range(REDIRECTS_MAX + 1):
            self._check_url(url, act.url)
            response = session.get(
                url,
                headers=self._headers(act, have),
                proxies=_proxies(url),
                stream=True,
                allow_redirects=False,
                verify=self._settings.ca or True,
                timeout=(self._settings.connect_within_s, self._settings.read_within_s),
            )
            if response.status_code not in (301, 302, 303, 307, 308):
                return response
            url = urljoin(url, response.headers.get("Location", ""))
            response.close()
        raise GaveUpError("bad_url", f"more than {REDIRECTS_MAX} redirects")

    def _check_url(self, url: str, first: str) -> None:
        scheme = urlsplit(url).scheme
        if scheme == "https" or (scheme == "http" and self._settings.allow_http):
            if scheme == "http" and urlsplit(first).scheme == "https":
                raise GaveUpError("refused", "redirected from https to http")
            return
        raise GaveUpError("bad_url", f"{scheme or 'no scheme'}: only https is fetched")

    def _headers(self, act: Fetch, have: int) -> dict[str, str]:
        headers = {"Accept-Encoding": "identity", "User-Agent": "commune-radio"}
        if have:
            headers["Range"] = f"bytes={have}-"
            origin = self._origin(act.sha256)
            # Only a strong validator may guard a range (RFC 9110, 13.1.5).
            if origin is not None and origin.url == act.url and origin.validator:
                headers["If-Range"] = origin.validator
        return headers

    def _origin(self, sha256: str) -> _Origin | None:
        try:
            return msgspec.json.decode(self.files(sha256)[1].read_bytes(), type=_Origin)
        except (OSError, msgspec.DecodeError):
            return None

    def _remember_origin(self, act: Fetch, response: requests.Response) -> None:
        validator = response.headers.get("ETag", "")
        if not validator or validator.startswith("W/"):
            validator = response.headers.get("Last-Modified", "")
        origin = msgspec.json.encode(_Origin(act.url, validator))
        self.files(act.sha256)[1].write_bytes(origin)

    def _write(
        self, act: Fetch, cancelled: threading.Event, blocks: Iterator[bytes], have: int
    ) -> None:
        """Append to the partial file; it never grows beyond the promised size."""
        pace = _Pace(self._settings, cancelled.wait)
        with self.files(act.sha256)[0].open("r+b" if have else "wb") as file:
            file.seek(have)
            file.truncate()
            size = have
            for block in blocks:
                if cancelled.is_set():
                    raise CancelledError
                size += len(block)
                if size > act.size:
                    raise GaveUpError("too_long", f"more than the promised {act.size} bytes")
                file.write(block)
                pace.passed(len(block))
            file.flush()
            os.fsync(file.fileno())
        if size < act.size:
            raise GaveUpError("network", f"ended after {size} of {act.size} bytes")


class _Pace:
    """Holds a download to its rate, and gives one up that hardly moves."""

    def __init__(self, settings: ContentSettings, pause: Pause) -> None:
        self._bytes_per_ms = settings.rate_limit_kbit_s / 8
        self._stall_ms = settings.stall_ms
        self._pause = pause
        self._began_ms = self._looked_ms = mono_ms()
        self._total = self._since_look = 0

    def passed(self, size: int) -> None:
        """Raises GaveUpError when too little came for too long."""
        self._total += size
        self._since_look += size
        now_ms = mono_ms()
        if now_ms - self._looked_ms >= self._stall_ms:
            if self._since_look < STALL_FLOOR_BYTES:
                raise GaveUpError("network", f"{self._since_look} bytes in {self._stall_ms} ms")
            self._looked_ms, self._since_look = now_ms, 0
        if self._bytes_per_ms:
            ahead_ms = self._total / self._bytes_per_ms - (now_ms - self._began_ms)
            if ahead_ms > 10:
                self._pause(ahead_ms / 1_000)


def _proxies(url: str) -> dict[str, str]:
    """As the service's environment says (https_proxy, no_proxy)."""
    import requests

    proxies: dict[str, str] = requests.utils.get_environ_proxies(url)
    return proxies


def _blocks(response: requests.Response) -> Iterator[bytes]:
    """What arrives, as it arrives: a slow server must not hide inside one long read."""
    raw: Any = response.raw
    while block := raw.read1(BLOCK_BYTES):
        yield block


def _check_status(response: requests.Response, act: Fetch, have: int) -> None:
    code = response.status_code
    if code in (200, 206):
        return
    if code == 416:
        raise GaveUpError("wrong_hash", f"the server has fewer than {have} bytes")
    if code in (404, 410):
        raise GaveUpError("not_found", f"http {code}")
    if code >= 500 or code in (408, 425, 429):
        raise GaveUpError("network", f"http {code}")
    raise GaveUpError("refused", f"http {code} for {act.url}")


def _check_length(response: requests.Response, act: Fetch, have: int) -> None:
    """A length that cannot become the promised one is known before a byte is paid for."""
    if response.status_code == 206:
        begin = response.headers.get("Content-Range", "").removeprefix("bytes ").split("-")[0]
        if begin != str(have):
            raise GaveUpError("wrong_hash", f"asked from byte {have}, got from {begin or '?'}")
    length = response.headers.get("Content-Length", "")
    if not length.isdigit():
        return
    total = int(length) + have
    if total > act.size:
        raise GaveUpError("too_long", f"{total} bytes, promised {act.size}")
    if total < act.size:
        raise GaveUpError("wrong_hash", f"{total} bytes, promised {act.size}")


def _short(error: Exception) -> str:
    text = str(error)
    return f"{type(error).__name__}: {text}"[:300]
