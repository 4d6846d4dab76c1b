"""What to report next, so that every record reaches the source system exactly once by id.

The broker's PUBACK is not delivery: a record is done when the source system's signed cursor has
passed it. Until then it is sent again, from the cursor on, after a reconnect or when the cursor
stands still: soon when the source system speaks and leaves out what went long ago (it began anew,
and a broker that died in between took the records with it), late when it is silent. Duplicates are
harmless: (installation, stream, seq) is the id.
"""

from __future__ import annotations

from dataclasses import dataclass, field

IN_FLIGHT_MAX = 8
STALLED_FIRST_MS = 60_000
STALLED_MAX_MS = 3_600_000

DOUBTED_FIRST_MS = 10_000
"""After a record went: so long may the source system say that it does not have it yet."""

FLIGHT_MAX_MS = 60_000
"""A record in flight without an answer for so long is given up for now: it may be gone from the
journal, and must not hold up those after it."""


@dataclass(slots=True)
class Outbox:
    """through: the cursor. next_send: the next record to publish. last: the newest record."""

    through: int = 0
    last: int = 0
    next_send: int = 1
    connected: bool = False
    in_flight: set[int] = field(default_factory=set)
    stalled_waits: int = 0
    stalled_at_mono_ms: int | None = None
    answered_mono_ms: int = 0
    doubted: bool = False
    """The source system spoke after something went, and does not have all of it."""
    moved_mono_ms: int = 0
    """When a record last went or was answered by the broker."""

    @property
    def unsent(self) -> int:
        return self.last - self.through

    def linked(self, connected: bool) -> None:
        """A new connection starts again from the cursor."""
        self.connected = connected
        self.in_flight.clear()
        self.next_send = self.through + 1
        self.stalled_waits = 0
        self.stalled_at_mono_ms = None
        self.doubted = False

    def told(self, through: int, mono_ms: int, *, greeted: bool = False) -> bool:
        """A cursor of this moment; tells whether it is news.

        greeted: it answers our birth, so whoever speaks has only just begun to listen. Waits
        grow with each vain try, or a record that no longer exists would be asked for forever.
        """
        news = self.passed(through)
        if greeted:
            self.stalled_waits = 0
        if self.connected and self.next_send > self.through + 1:
            self.doubted = True
            if self.next_send > self.last:
                due_ms = max(mono_ms, self.moved_mono_ms + self._patience_ms())
                held_ms = self.stalled_at_mono_ms
                self.stalled_at_mono_ms = due_ms if held_ms is None else min(held_ms, due_ms)
        return news

    def _patience_ms(self) -> int:
        first_ms = DOUBTED_FIRST_MS if self.doubted else STALLED_FIRST_MS
        return min(STALLED_MAX_MS, first_ms << min(self.stalled_waits, 8))

    def passed(self, through: int) -> bool:
        """The cursor moved; tells whether it is news. Never goes back."""
        through = min(through, self.last)
        if through <= self.through:
            return False
        self.through = through
        self.next_send = max(self.next_send, through + 1)
        self.in_flight = {seq for seq in self.in_flight if seq > through}
        self.stalled_waits = 0
        self.stalled_at_mono_ms = None
        self.doubted = False
        return True

    def rewind(self, from_seq: int) -> None:
        """Send again from `from_seq` on, even what the cursor passed (a gap at the source)."""
        self.next_send = max(1, min(from_seq, self.last + 1))
        self.in_flight.clear()

    def due(self, mono_ms: int) -> list[int]:
        """Records to publish now, in order."""
        if not self.connected:
            return []
        if (
            self.stalled_at_mono_ms is not None
            and mono_ms >= self.stalled_at_mono_ms
            and self.next_send > self.last
        ):
            self.next_send = self.through + 1
            self.in_flight.clear()
            self.stalled_waits += 1
            self.stalled_at_mono_ms = None
            self.doubted = False
        if self.in_flight and mono_ms - self.answered_mono_ms >= FLIGHT_MAX_MS:
            self.in_flight.clear()
        if not self.in_flight:
            self.answered_mono_ms = mono_ms
        sent: list[int] = []
        while len(self.in_flight) < IN_FLIGHT_MAX and self.next_send <= self.last:
            sent.append(self.next_send)
            self.in_flight.add(self.next_send)
            self.next_send += 1
            self.moved_mono_ms = mono_ms
        if self.unsent and self.stalled_at_mono_ms is None and self.next_send > self.last:
            self.stalled_at_mono_ms = mono_ms + self._patience_ms()
        return sent

    def delivered(self, seq: int, mono_ms: int) -> None:
        self.in_flight.discard(seq)
        self.answered_mono_ms = self.moved_mono_ms = mono_ms

    def wake_mono_ms(self) -> int | None:
        """When to ask `due` again though nothing happened."""
        if not self.connected:
            return None
        if self.in_flight and self.next_send <= self.last:
            return self.answered_mono_ms + FLIGHT_MAX_MS
        return self.stalled_at_mono_ms if self.unsent else None
