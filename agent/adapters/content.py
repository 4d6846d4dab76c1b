"""The content store: files named by their hash, fetched over HTTP, verified before they exist.

Owns `<state>/content/`: `ready/` holds verified files under their SHA-256, `partial/` what has
arrived of others together with the server's validator. Does not own what is fetched or evicted,
nor when a failed fetch is tried again.

Invariants:
* A file in `ready/` had its size and hash checked, and was published by fsync, rename, fsync of
  the directory; it never changes. It is read again, slowly, after each start; one that changed on
  the card is removed and `FilesFound` told anew.
* A pinned file (a cue may read it) is not removed until it is let go.
* Each `Fetch` ends in exactly one `FileReady` or `FetchFailed`, unless it was cancelled. What has
  arrived survives failure, restart and power cut, and is continued with `Range` where the server
  still has the same file.
* A server that is slow, silent, endless or lying is given up within bounds.
"""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import queue
import random
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

import msgspec

from agent.adapters.clock import mono_ms
from agent.adapters.ports import Emit
from agent.core.effects import CancelFetch, Evict, Fetch
from agent.core.events import FetchFailed, FetchFault, FileReady, FilesFound

if TYPE_CHECKING:
    import requests

log = logging.getLogger(__name__)

BLOCK_BYTES = 64 * 1024
CONNECT_WITHIN_S = 15.0
READ_WITHIN_S = 20.0
REDIRECTS_MAX = 5
STALL_FLOOR_BYTES = 4_096
"""Less than this in the stall limit is not progress: 4 KiB is one second at 32 kbit/s."""
SPARE_BYTES = 50 * 1024 * 1024
"""Room that must be left beside a file: the journal must always be able to write."""
RECHECK_BYTES_PER_S = 8 * 1024 * 1024

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


class _GaveUpError(Exception):
    """One try ended with a closed reason."""

    def __init__(self, fault: FetchFault, detail: str) -> None:
        super().__init__(detail)
        self.fault: FetchFault = fault


class _CancelledError(Exception):
    """Nobody wants the file any more."""


class _Origin(msgspec.Struct, frozen=True):
    """What a partial file is a part of."""

    url: str
    validator: str


@dataclass(slots=True)
class _Job:
    act: Fetch
    cancelled: threading.Event


class ContentStore:
    """Obeys Fetch, CancelFetch, Evict. Its threads begin with the first fetch."""

    def __init__(
        self,
        folder: Path,
        settings: ContentSettings,
        emit: Emit,
        *,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._ready = folder / "ready"
        self._partial = folder / "partial"
        self._settings = settings
        self._emit = emit
        self._chance = chance
        self._lock = threading.Lock()
        self._idle = threading.Condition(self._lock)
        self._active: set[str] = set()
        self._pins: dict[str, int] = {}
        self._doomed: set[str] = set()
        self._jobs: dict[str, _Job] = {}
        self._queue: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._workers: list[threading.Thread] = []
        self._closing = threading.Event()

    # --- what is there --------------------------------------------------------------------

    def open(self) -> FilesFound:
        """Make the folders, list what is there. Without a usable disk nothing is there."""
        try:
            for folder in (self._ready, self._partial):
                folder.mkdir(parents=True, exist_ok=True, mode=0o750)
            return self._found()
        except OSError as error:
            log.error("content_store_unusable detail=%s", error)
            return FilesFound(())

    def start(self) -> None:
        """Begin to read everything again, slowly."""
        threading.Thread(target=self._recheck, name="content-recheck", daemon=True).start()

    def path(self, sha256: str) -> Path:
        """Where the file is, or would be."""
        return self._ready / sha256

    def pin(self, sha256: str) -> None:
        with self._lock:
            self._pins[sha256] = self._pins.get(sha256, 0) + 1

    def unpin(self, sha256: str) -> None:
        with self._lock:
            left = self._pins.get(sha256, 0) - 1
            if left > 0:
                self._pins[sha256] = left
                return
            self._pins.pop(sha256, None)
            remove = sha256 in self._doomed
            self._doomed.discard(sha256)
        if remove:
            self._remove(sha256)

    def _found(self) -> FilesFound:
        files = [
            (one.name, one.stat().st_size)
            for one in sorted(self._ready.iterdir())
            if _is_hash(one.name) and one.is_file()
        ]
        return FilesFound(tuple(files))

    # --- obeying --------------------------------------------------------------------------

    def fetch(self, act: Fetch) -> None:
        """Queue it; asking again for what is under way changes nothing."""
        with self._lock:
            self._doomed.discard(act.sha256)
            if act.sha256 in self._jobs:
                return
            job = self._jobs[act.sha256] = _Job(act, threading.Event())
            if len(self._workers) < min(self._settings.parallel, len(self._jobs)):
                self._add_worker()
        self._queue.put(job)

    def cancel(self, act: CancelFetch) -> None:
        """What has arrived stays for another time."""
        self._cancel(act.sha256)

    def _cancel(self, sha256: str) -> None:
        with self._lock:
            job = self._jobs.pop(sha256, None)
        if job is not None:
            job.cancelled.set()

    def evict(self, act: Evict) -> None:
        self._cancel(act.sha256)
        with self._lock:
            if self._pins.get(act.sha256):
                self._doomed.add(act.sha256)
                return
        self._remove(act.sha256)

    def close(self) -> None:
        """Downloads stop where they are and are continued after the next start."""
        self._closing.set()
        with self._lock:
            for job in self._jobs.values():
                job.cancelled.set()
            workers = list(self._workers)
        for _ in workers:
            self._queue.put(None)
        for worker in workers:
            worker.join(0.5)

    def _remove(self, sha256: str) -> None:
        for file in (self._ready / sha256, *self._partial_files(sha256)):
            try:
                file.unlink(missing_ok=True)
            except OSError as error:
                log.warning("evict_failed file=%s detail=%s", file.name, error)

    def _partial_files(self, sha256: str) -> tuple[Path, Path]:
        return self._partial / sha256, self._partial / f"{sha256}.json"

    # --- the workers ----------------------------------------------------------------------

    def _add_worker(self) -> None:
        name = f"content-{len(self._workers)}"
        worker = threading.Thread(target=self._work, name=name, daemon=True)
        self._workers.append(worker)
        worker.start()

    def _work(self) -> None:
        while (job := self._queue.get()) is not None:
            sha256 = job.act.sha256
            with self._idle:
                # Cancelled and wanted again at once: its file belongs to the older job until then.
                while sha256 in self._active:
                    self._idle.wait()
                self._active.add(sha256)
            event = self._try(job)
            with self._idle:
                self._active.discard(sha256)
                self._idle.notify_all()
                current = self._jobs.get(sha256) is job
                if current:
                    del self._jobs[sha256]
            if event is not None and current and not job.cancelled.is_set():
                self._emit(event)

    def _try(self, job: _Job) -> FileReady | FetchFailed | None:
        try:
            return self._get(job)
        except _CancelledError:
            return None
        except _GaveUpError as error:
            if error.fault in ("wrong_hash", "too_long"):
                self._drop_partial(job.act.sha256)
            return self._failed(job, error.fault, str(error))
        except OSError as error:
            full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)
            return self._failed(job, "no_space" if full else "network", str(error))
        except Exception as error:  # supervision: a fetch that breaks is a failed fetch
            log.exception("fetch_broke")
            return self._failed(job, "network", f"internal: {error}")

    def _failed(self, job: _Job, fault: FetchFault, detail: str) -> FetchFailed:
        return FetchFailed(job.act.sha256, fault, detail, self._chance())

    def _get(self, job: _Job) -> FileReady:
        act = job.act
        if not _is_hash(act.sha256):
            raise _GaveUpError("bad_url", "not a sha256")
        ready = self._ready / act.sha256
        if ready.is_file() and ready.stat().st_size == act.size:
            return FileReady(act.sha256, act.size)
        self._check_room(act)
        resumed = self._download(job)
        fault = self._verify(act)
        if fault is not None and resumed:
            # The part from before may have been of another file: once more from the beginning.
            self._drop_partial(act.sha256)
            self._download(job)
            fault = self._verify(act)
        if fault is not None:
            raise fault
        self._publish(act.sha256)
        return FileReady(act.sha256, act.size)

    def _check_room(self, act: Fetch) -> None:
        room = os.statvfs(self._partial)
        partial = self._partial / act.sha256
        missing = act.size - (partial.stat().st_size if partial.exists() else 0)
        if room.f_bavail * room.f_frsize < missing + SPARE_BYTES:
            raise _GaveUpError("no_space", f"{missing} bytes do not fit")

    def _verify(self, act: Fetch) -> _GaveUpError | None:
        partial = self._partial / act.sha256
        size = partial.stat().st_size
        if size != act.size:
            return _GaveUpError("wrong_hash", f"{size} bytes, promised {act.size}")
        digest = _sha256(partial, lambda _: self._closing.is_set())
        if digest != act.sha256:
            return _GaveUpError("wrong_hash", f"it is {digest}")
        return None

    def _publish(self, sha256: str) -> None:
        partial, origin = self._partial_files(sha256)
        partial.rename(self._ready / sha256)
        _sync_folder(self._ready)
        origin.unlink(missing_ok=True)

    def _drop_partial(self, sha256: str) -> None:
        for file in self._partial_files(sha256):
            file.unlink(missing_ok=True)

    # --- one download ---------------------------------------------------------------------

    def _download(self, job: _Job) -> bool:
        """Bring the partial file to its end; whether it continued an earlier part."""
        act = job.act
        partial, _ = self._partial_files(act.sha256)
        have = partial.stat().st_size if partial.exists() else 0
        if have == act.size:
            return True
        if have > act.size:
            self._drop_partial(act.sha256)
            have = 0
        import requests
        import urllib3

        with requests.Session() as session:
            session.trust_env = False  # no .netrc, no certificate bundle from the environment
            try:
                return self._stream(session, job, have)
            except requests.exceptions.SSLError as error:
                raise _GaveUpError("refused", f"tls: {error}") from None
            except (
                requests.exceptions.InvalidURL,
                requests.exceptions.InvalidSchema,
                requests.exceptions.MissingSchema,
                UnicodeError,
            ) as error:
                raise _GaveUpError("bad_url", str(error)) from None
            except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError) as error:
                raise _GaveUpError("network", _short(error)) from None

    def _stream(self, session: requests.Session, job: _Job, have: int) -> bool:
        with self._respond(session, job.act, have) as response:
            resumed = response.status_code == 206
            _check_status(response, job.act, have)
            _check_length(response, job.act, have if resumed else 0)
            self._remember_origin(job.act, response)
            self._write(job, _blocks(response), have if resumed else 0)
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
        raise _GaveUpError("bad_url", f"more than {REDIRECTS_MAX} redirects")

    def _check_url(self, url: str, first: str) -> None:
        scheme = urlsplit(url).scheme
        if scheme == "https" or (scheme == "http" and self._settings.allow_http):
            if scheme == "http" and urlsplit(first).scheme == "https":
                raise _GaveUpError("refused", "redirected from https to http")
            return
        raise _GaveUpError("bad_url", f"{scheme or 'no scheme'}: only https is fetched")

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
            return msgspec.json.decode(self._partial_files(sha256)[1].read_bytes(), type=_Origin)
        except (OSError, msgspec.DecodeError):
            return None

    def _remember_origin(self, act: Fetch, response: requests.Response) -> None:
        validator = response.headers.get("ETag", "")
        if not validator or validator.startswith("W/"):
            validator = response.headers.get("Last-Modified", "")
        origin = msgspec.json.encode(_Origin(act.url, validator))
        self._partial_files(act.sha256)[1].write_bytes(origin)

    def _write(self, job: _Job, blocks: Iterator[bytes], have: int) -> None:
        """Append to the partial file; it never grows beyond the promised size."""
        pace = _Pace(self._settings, job.cancelled.wait)
        with self._partial_files(job.act.sha256)[0].open("r+b" if have else "wb") as file:
            file.seek(have)
            file.truncate()
            size = have
            for block in blocks:
                if job.cancelled.is_set():
                    raise _CancelledError
                size += len(block)
                if size > job.act.size:
                    raise _GaveUpError("too_long", f"more than the promised {job.act.size} bytes")
                file.write(block)
                pace.passed(len(block))
            file.flush()
            os.fsync(file.fileno())
        if size < job.act.size:
            raise _GaveUpError("network", f"ended after {size} of {job.act.size} bytes")

    # --- reading everything again ---------------------------------------------------------

    def _recheck(self) -> None:
        """After a start, one file after the other, at a pace that leaves the card to others."""
        try:
            removed = [one for one, _ in self._found().files if self._is_rotten(one)]
            for sha256 in removed:
                log.error("content_changed_on_disk file=%s", sha256)
                self._remove(sha256)
            if removed and not self._closing.is_set():
                self._emit(self._found())
        except OSError as error:
            log.error("content_recheck_failed detail=%s", error)

    def _is_rotten(self, sha256: str) -> bool:
        digest = _sha256(self._ready / sha256, self._rest)
        return digest not in (None, sha256)

    def _rest(self, read_bytes: int) -> bool:
        return self._closing.wait(read_bytes / RECHECK_BYTES_PER_S)


class _Pace:
    """Holds a download to its rate, and gives one up that hardly moves."""

    def __init__(self, settings: ContentSettings, pause: Pause) -> None:
        self._bytes_per_ms = settings.rate_limit_kbit_s / 8
        self._stall_ms = settings.stall_ms
        self._pause = pause
        self._began_ms = self._looked_ms = mono_ms()
        self._total = self._since_look = 0

    def passed(self, size: int) -> None:
        """Raises _GaveUpError when too little came for too long."""
        self._total += size
        self._since_look += size
        now_ms = mono_ms()
        if now_ms - self._looked_ms >= self._stall_ms:
            if self._since_look < STALL_FLOOR_BYTES:
                raise _GaveUpError("network", f"{self._since_look} bytes in {self._stall_ms} ms")
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
        raise _GaveUpError("wrong_hash", f"the server has fewer than {have} bytes")
    if code in (404, 410):
        raise _GaveUpError("not_found", f"http {code}")
    if code >= 500 or code in (408, 425, 429):
        raise _GaveUpError("network", f"http {code}")
    raise _GaveUpError("refused", f"http {code} for {act.url}")


def _check_length(response: requests.Response, act: Fetch, have: int) -> None:
    """A length that cannot become the promised one is known before a byte is paid for."""
    if response.status_code == 206:
        begin = response.headers.get("Content-Range", "").removeprefix("bytes ").split("-")[0]
        if begin != str(have):
            raise _GaveUpError("wrong_hash", f"asked from byte {have}, got from {begin or '?'}")
    length = response.headers.get("Content-Length", "")
    if not length.isdigit():
        return
    total = int(length) + have
    if total > act.size:
        raise _GaveUpError("too_long", f"{total} bytes, promised {act.size}")
    if total < act.size:
        raise _GaveUpError("wrong_hash", f"{total} bytes, promised {act.size}")


def _sha256(file: Path, rest: Callable[[int], bool]) -> str | None:
    """Hex digest; None when it cannot be read or `rest` says to stop."""
    digest = hashlib.sha256()
    try:
        with file.open("rb") as opened:
            while block := opened.read(1024 * 1024):
                digest.update(block)
                if rest(len(block)):
                    return None
    except OSError:
        return None
    return digest.hexdigest()


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _is_hash(name: str) -> bool:
    return len(name) == 64 and all(digit in "0123456789abcdef" for digit in name)


def _short(error: Exception) -> str:
    text = str(error)
    return f"{type(error).__name__}: {text}"[:300]
