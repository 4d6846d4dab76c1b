"""A file's bytes by slice, read when asked for.

Not mapped into memory: pages of a long programme would count as ours while it plays (18 MB after
ten seconds of a large WAV). One window is kept, because headers are walked in small steps.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from typing import TypeAlias, overload

_WINDOW = 65_536


class _Slices(ABC):
    """What both look like: `bytes`, as far as the formats need it."""

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def _read(self, low: int, high: int) -> bytes: ...

    @overload
    def __getitem__(self, key: int) -> int: ...
    @overload
    def __getitem__(self, key: slice) -> bytes: ...
    def __getitem__(self, key: int | slice) -> int | bytes:
        if isinstance(key, int):
            return self._read(key, key + 1)[0]
        low, high, _ = key.indices(len(self))
        return self._read(low, high)

    def find(self, wanted: bytes, low: int, high: int) -> int:
        """Where `wanted` first lies wholly in a stretch; -1 when nowhere."""
        while low < high:
            found = self._read(low, min(high, low + _WINDOW)).find(wanted)
            if found >= 0:
                return low + found
            low += _WINDOW - len(wanted) + 1
        return -1


class FileBytes(_Slices):
    """Looks like `bytes` as far as the formats need it. One thread at a time."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._size = os.fstat(self._fd).st_size
        self._low = 0
        self._window = b""

    def close(self) -> None:
        """Let go of the file; harmless when called twice."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __len__(self) -> int:
        return self._size

    def _read(self, low: int, high: int) -> bytes:
        high = min(high, self._size)
        if high - low >= _WINDOW:
            return os.pread(self._fd, high - low, low)
        if low < self._low or high > self._low + len(self._window):
            self._window = os.pread(self._fd, _WINDOW, low)
            self._low = low
        return self._window[low - self._low : high - self._low]


class Joined(_Slices):
    """Stretches of a file as if they followed each other."""

    def __init__(
        self, data: FileBytes | bytes | Joined, stretches: Sequence[tuple[int, int]]
    ) -> None:
        """stretches: where each begins and how long it is."""
        self._data = data
        self._begins = [begin for begin, _ in stretches]
        self._ends = list(accumulate(size for _, size in stretches))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def _read(self, low: int, high: int) -> bytes:
        chunks: list[bytes] = []
        index = bisect_right(self._ends, low)
        while low < high and index < len(self._ends):
            before = self._ends[index - 1] if index else 0
            first = self._begins[index] + low - before
            size = min(high, self._ends[index]) - low
            chunks.append(bytes(self._data[first : first + size]))
            low, index = low + size, index + 1
        return b"".join(chunks)


Data: TypeAlias = FileBytes | bytes | Joined
