"""A pause that grows with each use and shrinks with the time that passed without one.

Pure: time is an argument. It bounds how often something is done that a thin line pays for, and how
often a village hears the source change: a use costs either the pause or the rest that shortens it.
"""

from __future__ import annotations

from dataclasses import dataclass

from agent.player.clockmap import NS_PER_S

FIRST_NS = 10 * NS_PER_S
MOST_NS = 180 * NS_PER_S
# A pause halves for each time of this length in which nothing went wrong.
REST_NS = 180 * NS_PER_S


@dataclass(eq=False)
class Pause:
    """How long to wait before the next time."""

    now_ns: int = FIRST_NS

    @property
    def is_first(self) -> bool:
        """Nothing of the kind has happened lately."""
        return self.now_ns == FIRST_NS

    def grow(self) -> None:
        """It was used."""
        self.now_ns = min(2 * self.now_ns, MOST_NS)

    def rested(self, for_ns: int) -> None:
        """For so long it was not needed."""
        self.now_ns = max(FIRST_NS, self.now_ns >> min(16, max(0, for_ns) // REST_NS))
