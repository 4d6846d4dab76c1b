"""What to fetch, what to keep, what to evict.

Owns the order of fetching (soonest needed first), the waits after a failed try, and which files
may go when nothing needs them. The bytes are moved and verified by an adapter.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from agent.contract.documents import Binding
from agent.contract.reasons import OccurrenceReason
from agent.core.backoff import fetch_wait_ms
from agent.core.events import FetchFailed

AT_ONCE = 2
"""Fetches under way at a time; a thin link gains nothing from more."""

KEEP_AFTER_MS = 2 * 86_400_000
"""A file stays this long after its last need: replays, repeats and revisions come back to it."""

AWAITED_BEFORE_MS = 12 * 3_600_000
"""An unbound slot is warned about this long before its start."""

FAULT_REASONS: Mapping[str, OccurrenceReason] = {
    "not_found": OccurrenceReason.CONTENT_UNREACHABLE,
    "wrong_hash": OccurrenceReason.CONTENT_WRONG_HASH,
    "too_long": OccurrenceReason.CONTENT_WRONG_HASH,
    "network": OccurrenceReason.CONTENT_NOT_FETCHED,
    "refused": OccurrenceReason.CONTENT_UNREACHABLE,
    "no_space": OccurrenceReason.CONTENT_NOT_STORED,
    "no_storage": OccurrenceReason.CONTENT_NOT_STORED,
    "bad_url": OccurrenceReason.CONTENT_UNREACHABLE,
}

PERMANENT = frozenset({"not_found", "wrong_hash", "too_long", "bad_url"})


@dataclass(frozen=True, slots=True)
class Try:
    tries: int
    not_before_mono_ms: int


@dataclass(frozen=True, slots=True)
class Need:
    """A file and when it is first needed."""

    binding: Binding
    at_ms: int


class Fetching:
    """Which fetches are under way and which wait. In memory only: it is derived again."""

    def __init__(self) -> None:
        self.under_way: dict[str, Binding] = {}
        self._tries: dict[str, Try] = {}

    def failed(self, event: FetchFailed, mono_ms: int) -> None:
        self.under_way.pop(event.sha256, None)
        tries = self._tries[event.sha256].tries if event.sha256 in self._tries else 0
        wait_ms = fetch_wait_ms(tries, event.chance, event.fault in PERMANENT)
        self._tries[event.sha256] = Try(tries + 1, mono_ms + wait_ms)

    def done(self, sha256: str) -> None:
        self.under_way.pop(sha256, None)
        self._tries.pop(sha256, None)

    def again(self, sha256: str) -> None:
        """Somebody asked to fetch it at once."""
        self._tries.pop(sha256, None)

    def network_is_back(self, mono_ms: int) -> None:
        """A connection came up: everything that waits is tried again soon."""
        self._tries = {key: Try(one.tries, mono_ms) for key, one in self._tries.items()}

    def next(
        self, needs: Iterable[Need], files: Mapping[str, int], mono_ms: int
    ) -> tuple[list[Binding], list[str], int | None]:
        """(to start now, to cancel, when to ask again); soonest needed first."""
        wanted: dict[str, Need] = {}
        for need in sorted(needs, key=_soonest):
            wanted.setdefault(need.binding.sha256, need)
        cancel = [sha for sha in self.under_way if sha not in wanted]
        for sha in cancel:
            del self.under_way[sha]
        start: list[Binding] = []
        again_ms: int | None = None
        for sha, need in wanted.items():
            if sha in files or sha in self.under_way:
                continue
            held = self._tries.get(sha)
            if held is not None and held.not_before_mono_ms > mono_ms:
                again_ms = min(again_ms or held.not_before_mono_ms, held.not_before_mono_ms)
                continue
            if len(self.under_way) < AT_ONCE:
                self.under_way[sha] = need.binding
                start.append(need.binding)
        return start, cancel, again_ms


def _soonest(need: Need) -> tuple[int, str]:
    return (need.at_ms, need.binding.sha256)


def evictable(
    files: Iterable[str], bound: Iterable[Binding], playing: frozenset[str], today: str
) -> list[str]:
    """Files that no document binds to today or later, and that are not on air.

    today: local ISO date, KEEP_AFTER_MS back. Undated bindings stay while a document holds them.
    """
    kept = {one.sha256 for one in bound if one.date is None or one.date >= today}
    return [sha for sha in files if sha not in kept and sha not in playing]
