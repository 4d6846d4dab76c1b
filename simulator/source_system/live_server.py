"""Hands out the sound of a live session: `/live/<token>`, from now on, as it grows.

Owns who fetches which session at the moment. Which sessions there are is `live_shelf`; sockets and
TLS are `content_server`.

Invariants: a receiver begins a little before the newest sound and never gets what was before that;
one that falls behind is hung up on, so that it begins anew; whoever leaves is counted off.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Generator
from pathlib import Path

from simulator.source_system.live_shelf import FRESH_S, LiveSession, LiveShelf, Receivers

BURST_S = 2.5
"""A station begins 1.5 s behind the newest sound."""

BEHIND_MAX_S = 20.0
LOOK_EVERY_S = 0.05
CHUNK_BYTES = 16 * 1024
MEDIA_TYPE = "audio/mpeg"


class LiveServer:
    def __init__(self, folder: Path) -> None:
        self._shelf = LiveShelf(folder)
        self._lock = threading.Lock()
        self._now: dict[str, Counter[str]] = {}
        self._most: dict[str, Receivers] = {}

    def find(self, token: str) -> LiveSession | None:
        """A session that is on the air and has sound."""
        session = self._shelf.on_air(token)
        fresh = session is not None and self._shelf.is_on(session, FRESH_S)
        return session if fresh else None

    def sound(
        self, session: LiveSession, address: str, stopping: Callable[[], bool]
    ) -> Generator[bytes]:
        """Its bytes for one receiver, who counts until it leaves."""
        self._count(session.entry, address, 1)
        try:
            yield from self._bytes(session, stopping)
        finally:
            self._count(session.entry, address, -1)

    def _bytes(self, session: LiveSession, stopping: Callable[[], bool]) -> Generator[bytes]:
        path = self._shelf.sound(session.entry)
        per_s = session.kbps * 125
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - round(BURST_S * per_s)))
            while not stopping():
                if path.stat().st_size - file.tell() > BEHIND_MAX_S * per_s:
                    return
                chunk = file.read(CHUNK_BYTES)
                if chunk:
                    yield chunk
                elif not self._shelf.is_on(session):
                    return
                else:
                    time.sleep(LOOK_EVERY_S)

    def _count(self, entry: str, address: str, change: int) -> None:
        with self._lock:
            now = self._now.setdefault(entry, Counter())
            now[address] += change
            before = self._most.get(entry, Receivers())
            most = {
                **before.by_address,
                address: max(before.by_address.get(address, 0), now[address]),
            }
            total = now.total()
            receivers = Receivers(total, max(before.most, total), most)
            self._most[entry] = receivers
            self._shelf.note_receivers(entry, receivers)
