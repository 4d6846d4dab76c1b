"""Remembers the last hundred frames in both directions, to be printed when a link fails.

Owns the ring and its text form. Does not own when it is printed. Invariant: bounded.
"""

from __future__ import annotations

from collections import deque

from firmware_bridge.framing import Frame, FrameError

KEPT_FRAMES = 100


class FrameRecorder:
    """Cheap to feed: entries become text only when somebody asks."""

    def __init__(self, kept: int = KEPT_FRAMES) -> None:
        self._entries: deque[tuple[int, str, Frame | FrameError | str]] = deque(maxlen=kept)

    def sent(self, frame: Frame, now_ms: int) -> None:
        self._entries.append((now_ms, ">", frame))

    def received(self, frame: Frame | FrameError, now_ms: int) -> None:
        self._entries.append((now_ms, "<", frame))

    def note(self, text: str, now_ms: int) -> None:
        self._entries.append((now_ms, "-", text))

    def __len__(self) -> int:
        return len(self._entries)

    def take(self) -> str:
        """Oldest first, one line each, with milliseconds before the newest; then forgotten,
        so that a link that flaps does not print the same frames again and again."""
        if not self._entries:
            return ""
        newest = self._entries[-1][0]
        text = "\n".join(
            f"{at_ms - newest:+7d} ms {arrow} {_text(entry)}"
            for at_ms, arrow, entry in self._entries
        )
        self._entries.clear()
        return text


def _text(entry: Frame | FrameError | str) -> str:
    if isinstance(entry, str):
        return entry
    if isinstance(entry, FrameError):
        return f"not a frame: {entry.fault}"
    return (
        f"{entry.kind.name:5} seq={entry.seq:3d} ack={entry.ack:3d} req={entry.req:5d}"
        f" {entry.payload.hex(' ')}"
    ).rstrip()
