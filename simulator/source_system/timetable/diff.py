"""What changes between two timetables, by entry id. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from agent.contract.documents import Entry


class Change(NamedTuple):
    """fields: which fields of the entry differ."""

    before: Entry
    after: Entry
    fields: tuple[str, ...]


class Difference(NamedTuple):
    added: tuple[Entry, ...]
    removed: tuple[Entry, ...]
    changed: tuple[Change, ...]

    @property
    def empty(self) -> bool:
        return not (self.added or self.removed or self.changed)


def compare(before: Sequence[Entry], after: Sequence[Entry]) -> Difference:
    old = {entry.id: entry for entry in before}
    new = {entry.id: entry for entry in after}
    changed = [
        Change(old[id_], entry, _fields(old[id_], entry))
        for id_, entry in new.items()
        if id_ in old and old[id_] != entry
    ]
    return Difference(
        added=tuple(entry for id_, entry in new.items() if id_ not in old),
        removed=tuple(entry for id_, entry in old.items() if id_ not in new),
        changed=tuple(changed),
    )


def _fields(one: Entry, other: Entry) -> tuple[str, ...]:
    left, right = msgspec.structs.asdict(one), msgspec.structs.asdict(other)
    return tuple(name for name in left if left[name] != right[name])
