"""Each command once: sequence windows, ids, tombstones and the answers given.

Owns `CommandMemory`, an immutable value that is saved whole. Does not own whether a command was
signed and in time (`trust`) nor what it does. Every function takes a memory and returns the next.

Invariants: a (key, audience, sequence) is admitted at most once, in whatever order copies arrive,
also when ids were pruned or the clock is wrong; an id of an authority is one command, whether it
came through a group, the own topic or both; an answer once final never changes. Memory is
bounded: when it is full, new commands are refused as `busy` rather than old ones forgotten early.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import msgspec

from agent.contract.documents import COMMAND_LIFETIME_MAX_MS, CancelCommand, Command
from agent.contract.reasons import AckReason

WINDOW_WIDTH = 64
"""How far behind the highest sequence a late command may come and still count as new."""

WINDOWS_MAX = 256
"""(key, audience) pairs; a window is never dropped while its key is trusted."""

REMEMBERED_MAX = 256
"""Commands remembered by id."""

OPEN_MAX_MS = 24 * 3_600_000
"""A command without a final answer for so long after its acceptance ended was forgotten."""

RunState = Literal["accepted", "running", "done", "failed", "expired", "rejected"]
_OPEN: tuple[RunState, ...] = ("accepted", "running")
_ALL = (1 << WINDOW_WIDTH) - 1


class Window(msgspec.Struct, frozen=True):
    """Sequences seen of one key for one audience. seen: bit i stands for highest - i."""

    keyid: str
    audience: str
    highest: int
    seen: int

    def admits(self, seq: int) -> bool:
        behind = self.highest - seq
        return behind < 0 or (behind < WINDOW_WIDTH and not self.seen >> behind & 1)

    def with_seen(self, seq: int) -> Window:
        """The window after `seq`; unchanged when that lies too far behind."""
        ahead = seq - self.highest
        if ahead > 0:
            shifted = self.seen << ahead if ahead < WINDOW_WIDTH else 0
            return Window(self.keyid, self.audience, seq, (shifted | 1) & _ALL)
        if -ahead >= WINDOW_WIDTH:
            return self
        return Window(self.keyid, self.audience, self.highest, self.seen | 1 << -ahead)


class Remembered(msgspec.Struct, frozen=True):
    """A command by id, with the last answer given. A tombstone is one that was never seen."""

    authority: str
    id: str
    state: RunState
    accept_until_ms: int
    reason: AckReason | None = None
    detail: str = ""

    @property
    def final(self) -> bool:
        return self.state not in _OPEN


class CommandMemory(msgspec.Struct, frozen=True):
    """All that must survive a power cut about commands."""

    windows: tuple[Window, ...] = ()
    commands: tuple[Remembered, ...] = ()

    def find(self, authority: str, identity: str) -> Remembered | None:
        of = (one for one in self.commands if (one.authority, one.id) == (authority, identity))
        return next(of, None)


@dataclass(frozen=True, slots=True)
class Fresh:
    """Run it. cancelled: the open command this one cancels, already answered in `memory`."""

    memory: CommandMemory
    command: Remembered
    cancelled: Remembered | None = None


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Known, or cancelled before it came: send this answer again, do nothing."""

    memory: CommandMemory
    command: Remembered


@dataclass(frozen=True, slots=True)
class Rejected:
    """Do nothing and say why."""

    memory: CommandMemory
    reason: AckReason
    detail: str


Admission = Fresh | Duplicate | Rejected


def admit(memory: CommandMemory, command: Command, *, keyid: str, earliest_ms: int) -> Admission:
    """The verdict on a command `trust` accepted. keyid: the first of its signers.

    earliest_ms: now, or the floor of time while the clock is not trusted.
    """
    memory = pruned(memory, earliest_ms)
    window = _window(memory, keyid, command.audience)
    known = memory.find(command.authority, command.id)
    if known is not None:
        return Duplicate(_with_window(memory, window, command.seq, keyid, command.audience), known)
    if window is not None and not window.admits(command.seq):
        return Rejected(memory, AckReason.REPLAYED, f"sequence {command.seq} of key {keyid}")
    if (window is None and len(memory.windows) >= WINDOWS_MAX) or _full(memory):
        return Rejected(memory, AckReason.BUSY, "too many commands to remember")
    memory = _with_window(memory, window, command.seq, keyid, command.audience)
    fresh = Remembered(command.authority, command.id, "accepted", command.accept_until_ms)
    cancelled = None
    if isinstance(command.action, CancelCommand):
        memory, cancelled = _cancel(memory, command, command.action.id)
    return Fresh(_remember(memory, fresh), fresh, cancelled)


def answer(
    memory: CommandMemory,
    authority: str,
    identity: str,
    state: RunState,
    reason: AckReason | None = None,
    detail: str = "",
) -> CommandMemory:
    """The memory with a command's new answer; a final answer stays as it is."""
    return CommandMemory(
        memory.windows,
        tuple(
            msgspec.structs.replace(one, state=state, reason=reason, detail=detail)
            if (one.authority, one.id) == (authority, identity) and not one.final
            else one
            for one in memory.commands
        ),
    )


def overdue(memory: CommandMemory, earliest_ms: int) -> tuple[Remembered, ...]:
    """Commands accepted but not begun in time; the caller answers them with `expired`."""
    return tuple(
        one
        for one in memory.commands
        if one.state == "accepted" and one.accept_until_ms < earliest_ms
    )


def pruned(memory: CommandMemory, earliest_ms: int) -> CommandMemory:
    """Without commands so old that no other copy of them can be accepted any more."""
    kept = tuple(
        one
        for one in memory.commands
        if one.accept_until_ms + (COMMAND_LIFETIME_MAX_MS if one.final else OPEN_MAX_MS)
        >= earliest_ms
    )
    return memory if len(kept) == len(memory.commands) else CommandMemory(memory.windows, kept)


def with_trusted_keys(memory: CommandMemory, keyids: frozenset[str]) -> CommandMemory:
    """After a new trust document: makes room by dropping windows of keys that are gone.

    Only when half full: a key that is removed and enrolled again then still finds its window.
    """
    if len(memory.windows) <= WINDOWS_MAX // 2:
        return memory
    kept = tuple(one for one in memory.windows if one.keyid in keyids)
    return CommandMemory(kept, memory.commands)


def _full(memory: CommandMemory) -> bool:
    """Two places are needed at most: the command's and a tombstone's."""
    return len(memory.commands) + 2 > REMEMBERED_MAX


def _window(memory: CommandMemory, keyid: str, audience: str) -> Window | None:
    of = (one for one in memory.windows if (one.keyid, one.audience) == (keyid, audience))
    return next(of, None)


def _with_window(
    memory: CommandMemory, window: Window | None, seq: int, keyid: str, audience: str
) -> CommandMemory:
    if window is None:
        if len(memory.windows) >= WINDOWS_MAX:
            return memory
        added = (*memory.windows, Window(keyid, audience, seq, 1))
        return CommandMemory(added, memory.commands)
    moved = window.with_seen(seq)
    if moved == window:
        return memory
    replaced = tuple(moved if one is window else one for one in memory.windows)
    return CommandMemory(replaced, memory.commands)


def _remember(memory: CommandMemory, command: Remembered) -> CommandMemory:
    return CommandMemory(memory.windows, (*memory.commands, command))


def _cancel(
    memory: CommandMemory, command: Command, identity: str
) -> tuple[CommandMemory, Remembered | None]:
    """Ends the open command `identity`, or leaves a tombstone for one not seen yet."""
    known = memory.find(command.authority, identity)
    if known is None and identity != command.id:
        tombstone = Remembered(
            command.authority,
            identity,
            "rejected",
            command.accept_until_ms,
            AckReason.CANCELLED,
            f"by {command.id}",
        )
        return _remember(memory, tombstone), None
    if known is None or known.final:
        return memory, None
    state: RunState = "failed" if known.state == "running" else "rejected"
    memory = answer(
        memory, command.authority, identity, state, AckReason.CANCELLED, f"by {command.id}"
    )
    return memory, memory.find(command.authority, identity)
