"""Virtual time: a heap of what happens when. No threads, no sleeping, no real clock."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Clockwork:
    """`now_ms` is true time since the world began; it never goes back."""

    now_ms: int = 0
    _heap: list[tuple[int, int, Callable[[], None]]] = field(default_factory=list)
    _count: int = 0

    def at(self, when_ms: int, act: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._heap, (max(when_ms, self.now_ms), self._count, act))

    def after(self, wait_ms: int, act: Callable[[], None]) -> None:
        self.at(self.now_ms + wait_ms, act)

    def run(self, until_ms: int) -> None:
        """Let everything happen up to `until_ms`, in order."""
        heap = self._heap
        while heap and heap[0][0] <= until_ms:
            self.now_ms, _, act = heapq.heappop(heap)
            act()
        self.now_ms = max(self.now_ms, until_ms)
