"""When to connect to the broker, and what to say when we are there."""

from __future__ import annotations

from dataclasses import dataclass

from agent.core.backoff import STABLE_MS, Cause, reconnect_wait_ms
from agent.core.events import LinkChanged


@dataclass(slots=True)
class Uplink:
    """The connection as the adapter tells it, and the next try.

    connect_at_mono_ms None: connected, or a try is under way.
    """

    connected: bool = False
    since_mono_ms: int = 0
    since_wall_ms: int | None = None
    tries: int = 0
    cause: Cause = "none"
    connect_at_mono_ms: int | None = None

    def begin(self, mono_ms: int) -> None:
        self.since_mono_ms = mono_ms
        self.connect_at_mono_ms = mono_ms

    def changed(self, event: LinkChanged, mono_ms: int, wall_ms: int, spread_ms: int) -> None:
        """The adapter's word. spread_ms: over how long the fleet spreads its return."""
        if event.connected:
            self.connected, self.since_mono_ms, self.since_wall_ms = True, mono_ms, wall_ms
            self.connect_at_mono_ms = None
            return
        if self.connected and mono_ms - self.since_mono_ms >= STABLE_MS:
            self.tries = 0
        if self.connected:
            self.since_mono_ms, self.since_wall_ms = mono_ms, wall_ms
        if self.cause != event.cause:
            self.tries = 0
        self.connected, self.cause = False, event.cause
        wait_ms = reconnect_wait_ms(event.cause, self.tries, event.chance, spread_ms)
        self.tries += 1
        self.connect_at_mono_ms = mono_ms + wait_ms

    def due(self, mono_ms: int) -> bool:
        """Whether to connect now; asked once per try."""
        if self.connected or self.connect_at_mono_ms is None:
            return False
        if mono_ms < self.connect_at_mono_ms:
            return False
        self.connect_at_mono_ms = None
        return True
