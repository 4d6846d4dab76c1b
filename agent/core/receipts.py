"""What became of the documents from above, as records: applied, changed, deleted, dropped, refused.

Owns the counting of what is new, other and gone, and the memory that tells a refusal once: a
retained document that is refused comes again with every connection. Refusals are records too, and
every record is a write to the card, so only so many a day are written; the receipt on
`up/reported` and the log tell the others.
"""

from __future__ import annotations

from typing import Any

import msgspec

from agent.contract.documents import (
    ApprovalRule,
    Content,
    Regulation,
    Schedule,
    Trust,
    Warnings,
)
from agent.contract.reports import DocumentReceipt
from agent.core.facts import Facts, HeldDocument, RefusalMemory
from agent.core.trust import Accepted, Refused

Document = Trust | Schedule | Content | Warnings

DOCUMENTS = frozenset({"trust", "schedule", "content", "warning"})
REFUSALS_REMEMBERED = 64
REFUSALS_A_DAY = 48
DAY_MS = 86_400_000
DETAIL_MAX = 200


class Receipts:
    """Collects receipts of one turn; whoever records takes them."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._made: list[DocumentReceipt] = []

    def taken(self) -> tuple[DocumentReceipt, ...]:
        made, self._made = tuple(self._made), []
        return made

    def accepted(
        self, verdict: Accepted, message: Document, before: Document | None, trusted: Trust | None
    ) -> None:
        """`message` is in force now; it replaced `before`."""
        now, earlier = _parts(message), _parts(before)
        self._made.append(
            DocumentReceipt(
                state=_state(bool(now), before is not None, bool(earlier)),
                document=verdict.kind,
                authority=message.authority,
                audience=message.audience,
                digest=verdict.digest,
                revision=message.revision,
                before=before.revision if before is not None else None,
                by=_who(message, verdict.signers, trusted),
                signers=tuple(sorted(verdict.signers)),
                entries=len(now),
                added=len(now.keys() - earlier.keys()),
                changed=sum(now[key] != earlier[key] for key in now.keys() & earlier.keys()),
                removed=len(earlier.keys() - now.keys()),
                regulation=_regulation(message, before),
            )
        )

    def dropped(self, held: HeldDocument, verdict: Refused | None) -> None:
        """`held` is in force no more; verdict: why it would be refused now."""
        self._made.append(
            DocumentReceipt(
                state="dropped",
                document=held.kind,
                authority=held.authority,
                audience=held.audience,
                digest=held.digest,
                revision=held.revision,
                reason=verdict.reason if verdict is not None else None,
                detail=verdict.detail[:DETAIL_MAX] if verdict is not None else "",
            )
        )

    def refused(self, verdict: Refused, wall_ms: int) -> None:
        """Once for each document and reason, and so many a day."""
        if verdict.kind not in DOCUMENTS:
            return
        key = f"{verdict.kind} {verdict.digest} {verdict.reason.value}"
        memory = self._facts.refusals.get("", RefusalMemory())
        day = wall_ms // DAY_MS
        today = memory.count if memory.day == day else 0
        if key in memory.told or today >= REFUSALS_A_DAY:
            return
        told = (*memory.told, key)[-REFUSALS_REMEMBERED:]
        self._facts.put("refused", "", RefusalMemory(told, day, today + 1))
        self._made.append(
            DocumentReceipt(
                state="refused",
                document=verdict.kind,
                authority=verdict.authority,
                audience=verdict.audience,
                digest=verdict.digest,
                revision=verdict.revision,
                reason=verdict.reason,
                detail=verdict.detail[:DETAIL_MAX],
            )
        )


def _state(full: bool, held: bool, held_something: bool) -> Any:
    if not held:
        return "applied"
    return "changed" if full or not held_something else "deleted"


def _parts(message: Document | None) -> dict[Any, msgspec.Struct]:
    """What a document consists of, by what identifies each part."""
    match message:
        case Schedule():
            return {entry.id: entry for entry in message.entries}
        case Content():
            return {(one.slot, one.date): one for one in message.bindings}
        case Warnings():
            return {one.id: one for one in message.warnings if not one.cancelled}
        case Trust():
            return dict(message.keys)
    return {}


def _regulation(message: Document, before: Document | None) -> str:
    """The operating regulation that `message` brought in force; "" where it is as before."""
    now, earlier = _rules(message), _rules(before)
    if now == earlier:
        return ""
    rules = now[0]
    named = (rules.title, rules.document_number) if rules is not None else ()
    return ", ".join(one for one in named if one)[:DETAIL_MAX] or "?"


def _rules(
    message: Document | None,
) -> tuple[Regulation | None, tuple[ApprovalRule, ...] | None]:
    settings = message.settings if isinstance(message, Schedule) else None
    return (None, None) if settings is None else (settings.regulation, settings.approvals)


def _who(message: Document, signers: tuple[str, ...], trusted: Trust | None) -> str:
    """Who pushed it, else the holders of the keys that signed it."""
    if isinstance(message, Schedule) and message.pushed_by:
        return message.pushed_by
    keys = message.keys if isinstance(message, Trust) else trusted.keys if trusted else {}
    holders = sorted({keys[one].holder for one in signers if one in keys})
    return ", ".join(holders)[:DETAIL_MAX]
