"""Is anybody listening to the stations? How old the picture in the collector's file is.

Owns the judgement only: the collector notes each minute that it is subscribed; a broker that
does not answer now can have told it nothing since.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass

LATE_AFTER_MS = 150_000
"""The collector writes each minute; it may be held up for one."""

ANSWER_WITHIN_S = 1.0


@dataclass(frozen=True, slots=True)
class Listening:
    """through_ms: until when the collector was subscribed; None: never."""

    through_ms: int | None
    broker: bool
    now_ms: int

    @property
    def at_all(self) -> bool:
        late = self.through_ms is None or self.now_ms - self.through_ms > LATE_AFTER_MS
        return self.broker and not late


def broker_answers(port: int) -> bool:
    """Whether something accepts connections where the collector has its broker."""
    try:
        with socket.create_connection(("127.0.0.1", port), ANSWER_WITHIN_S):
            return True
    except OSError:
        return False
