"""The common shape of what a format gives to the decoder."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from types import TracebackType
from typing import TypeAlias

from agent.player.formats.data import Data, FileBytes
from agent.player.protocol import RATE_HZ


class NotThisFormat(Exception):  # noqa: N818 - a finding, not a failure
    """The bytes are not (or not correctly) in the format the module knows."""


# A piece of the excerpt: its length and how to get its bytes.
Piece: TypeAlias = tuple[int, Callable[[], bytes]]


@dataclass(frozen=True)
class Plan:
    """What a format decided: pieces to feed, in the programme's own sample rate."""

    rate_hz: int
    pieces: Sequence[Piece]
    skip: int  # decoded samples before the wanted position
    total: int  # samples of the whole programme
    present: int  # samples of it the file really holds (less when it is cut off)
    demux: str = ""  # libVLC's module, where it would guess wrongly


class Excerpt:
    """A virtual file for the decoder. Frames are at 48 kHz."""

    def __init__(self, plan: Plan, data: Data) -> None:
        self._data = data
        self._pieces = plan.pieces
        self.rate_hz = plan.rate_hz
        self.skip = plan.skip
        self.demux = plan.demux
        self._ends = list(accumulate(size for size, _ in plan.pieces))
        self.size = self._ends[-1] if self._ends else 0
        self.skip_frames = round(plan.skip * RATE_HZ / plan.rate_hz)
        self.total_frames = round(plan.total * RATE_HZ / plan.rate_hz)
        self.present_frames = round(plan.present * RATE_HZ / plan.rate_hz)

    def __enter__(self) -> Excerpt:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def read(self, offset: int, size: int) -> bytes:
        """At most `size` bytes from `offset`; empty at the end."""
        index = bisect_right(self._ends, offset)
        chunks: list[bytes] = []
        while size > 0 and index < len(self._pieces):
            length, get = self._pieces[index]
            inside = offset - (self._ends[index] - length)
            chunk = get()[inside : inside + size]
            chunks.append(chunk)
            offset, size, index = offset + len(chunk), size - len(chunk), index + 1
        return b"".join(chunks)

    def close(self) -> None:
        """Let go of the file."""
        if isinstance(self._data, FileBytes):
            self._data.close()


_SLICE = 65_536


def slices(data: Data, first: int, last: int) -> list[Piece]:
    """`data[first:last]` in pieces small enough to be read one by one."""

    def piece(low: int) -> Piece:
        high = min(low + _SLICE, last)
        return high - low, lambda: data[low:high]

    return [piece(low) for low in range(first, last, _SLICE)]


def fixed(head: bytes) -> Piece:
    """Bytes of our own."""
    return len(head), lambda: head


def scaled(from_frames: int, rate_hz: int) -> int:
    """A position at 48 kHz in the programme's own rate."""
    return from_frames * rate_hz // RATE_HZ


def after_id3(data: Data) -> int:
    """Where the sound begins behind the ID3 tags that lead a file."""
    at = 0
    while (head := data[at : at + 10])[:3] == b"ID3" and len(head) == 10:
        a, b, c, d = head[6:]
        at += 10 + (a << 21 | b << 14 | c << 7 | d)
    return at
