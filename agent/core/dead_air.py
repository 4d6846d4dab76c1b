"""Silence and hiss of live sources: since when, and how much of it the record has by now.

Owns the stretches; what of them counts as not heard is `truth`'s. A stretch begins with the report
that tells of it and ends with sound, another source, or its cue. Pure; instants are of the wall.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Stretch:
    """booked_ms: up to this instant the record has it."""

    from_ms: int
    booked_ms: int


@dataclass(frozen=True, slots=True)
class Quiet:
    """A stretch that is over. whole_ms: how long it was; new_ms: what the record has not yet, which
    ends at to_ms."""

    to_ms: int
    whole_ms: int
    new_ms: int


class DeadAir:
    """At most one stretch a cue, by token."""

    def __init__(self) -> None:
        self._now: dict[str, Stretch] = {}

    def quiet(self, token: str, from_ms: int) -> None:
        """It has been so since."""
        self._now.setdefault(token, Stretch(from_ms, from_ms))

    def booked(self, token: str, to_ms: int) -> None:
        """The record has it up to here."""
        if token in self._now:
            self._now[token] = replace(self._now[token], booked_ms=to_ms)

    def over(self, token: str, at_ms: int) -> Quiet | None:
        """It ended; None: there was none, or nothing of it is new."""
        stretch = self._now.pop(token, None)
        if stretch is None or at_ms <= stretch.booked_ms:
            return None
        return Quiet(at_ms, at_ms - stretch.from_ms, at_ms - stretch.booked_ms)

    def forget(self, token: str) -> None:
        """Somebody else books it."""
        self._now.pop(token, None)
