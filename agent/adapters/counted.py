"""Log lines that cannot flood: the first time, then at each tenfold of the count."""

from __future__ import annotations

import logging
import threading

log = logging.getLogger(__name__)


class Counted:
    """Counts things that should not happen. Safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[str, int] = {}

    def add(self, what: str, detail: object = "") -> None:
        with self._lock:
            count = self._counts[what] = self._counts.get(what, 0) + 1
        if count == 10 ** (len(str(count)) - 1):
            log.warning("%s count=%s detail=%s", what, count, detail)

    def of(self, what: str) -> int:
        with self._lock:
            return self._counts.get(what, 0)
