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
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from agent.adapters.download import CancelledError, ContentSettings, Downloads, GaveUpError
from agent.adapters.ports import Emit
from agent.core.effects import CancelFetch, Evict, Fetch
from agent.core.events import FetchFailed, FetchFault, FileReady, FilesFound

log = logging.getLogger(__name__)

SPARE_BYTES = 50 * 1024 * 1024
"""Room that must be left beside a file: the journal must always be able to write."""
OF_THE_DISK = frozenset(
    {
        errno.EROFS,
        errno.EIO,
        errno.ENOENT,
        errno.ENOTDIR,
        errno.EISDIR,
        errno.EACCES,
        errno.EPERM,
        errno.ENODEV,
        errno.ENXIO,
        errno.ESTALE,
        errno.EFBIG,
    }
)
"""What only opening and writing files says; a connection fails in other ways."""
RECHECK_BYTES_PER_S = 8 * 1024 * 1024


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
        self._downloads = Downloads(self._partial, settings)
        self._parallel = settings.parallel
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
            if len(self._workers) < min(self._parallel, len(self._jobs)):
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
        for file in (self._ready / sha256, *self._downloads.files(sha256)):
            try:
                file.unlink(missing_ok=True)
            except OSError as error:
                log.warning("evict_failed file=%s detail=%s", file.name, error)

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
        except CancelledError:
            return None
        except GaveUpError as error:
            if error.fault in ("wrong_hash", "too_long"):
                self._downloads.drop(job.act.sha256)
            return self._failed(job, error.fault, str(error))
        except OSError as error:
            return self._failed(job, _fault_of(error), str(error))
        except Exception as error:  # supervision: a fetch that breaks is a failed fetch
            log.exception("fetch_broke")
            return self._failed(job, "network", f"internal: {error}")

    def _failed(self, job: _Job, fault: FetchFault, detail: str) -> FetchFailed:
        return FetchFailed(job.act.sha256, fault, detail, self._chance())

    def _get(self, job: _Job) -> FileReady:
        act = job.act
        if not _is_hash(act.sha256):
            raise GaveUpError("bad_url", "not a sha256")
        ready = self._ready / act.sha256
        if ready.is_file() and ready.stat().st_size == act.size:
            return FileReady(act.sha256, act.size)
        self._check_room(act)
        resumed = self._downloads.run(act, job.cancelled)
        fault = self._verify(act)
        if fault is not None and resumed:
            # The part from before may have been of another file: once more from the beginning.
            self._downloads.drop(act.sha256)
            self._downloads.run(act, job.cancelled)
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
            raise GaveUpError("no_space", f"{missing} bytes do not fit")

    def _verify(self, act: Fetch) -> GaveUpError | None:
        partial = self._partial / act.sha256
        size = partial.stat().st_size
        if size != act.size:
            return GaveUpError("wrong_hash", f"{size} bytes, promised {act.size}")
        digest = _sha256(partial, lambda _: self._closing.is_set())
        if digest != act.sha256:
            return GaveUpError("wrong_hash", f"it is {digest}")
        return None

    def _publish(self, sha256: str) -> None:
        partial, origin = self._downloads.files(sha256)
        partial.rename(self._ready / sha256)
        _sync_folder(self._ready)
        origin.unlink(missing_ok=True)

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


def _fault_of(error: OSError) -> FetchFault:
    """What the disk says has another remedy than what the network says."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "no_space"
    return "no_storage" if error.errno in OF_THE_DISK else "network"


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
