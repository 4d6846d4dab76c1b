"""Silence and hiss of live sources: since when, and how much of it the record has by now.

Owns the stretches; what of them counts as not heard is `truth`'s. A stretch begins with the report
that tells of it and ends with sound, another source, or its cue. Pure; instants are of the wall.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Stretch:
    """booked_ms: up to this instant the record has it. left_ms: its source was given up for it, and
    has nothing more in store from then on."""

    from_ms: int
    booked_ms: int
    left_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Quiet:
    """A stretch that is over. whole_ms: how long it was; new_ms: what the record has not yet, which
    ends at to_ms. left: its source was given up for it."""

    to_ms: int
    whole_ms: int
    new_ms: int
    left: bool


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

    def left(self, token: str, store_until_ms: int) -> None:
        """Its source was given up for it; what that has in store is silent too."""
        if token in self._now:
            self._now[token] = replace(self._now[token], left_ms=store_until_ms)

    def over(self, token: str, at_ms: int) -> Quiet | None:
        """It ended; None: there was none, or nothing of it is new."""
        stretch = self._now.pop(token, None)
        if stretch is None:
            return None
        left = stretch.left_ms is not None
        to_ms = at_ms if stretch.left_ms is None else min(at_ms, stretch.left_ms)
        if to_ms <= stretch.booked_ms:
            return None
        return Quiet(to_ms, to_ms - stretch.from_ms, to_ms - stretch.booked_ms, left)

    def forget(self, token: str) -> None:
        """Somebody else books it."""
        self._now.pop(token, None)
