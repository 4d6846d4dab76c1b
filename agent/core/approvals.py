"""Who may let what play: the commune's word about ordinary items of other authorities.

Owns what needs an approval, what an approval is bound to, and when one is refused. Whether the
approver is who they say was made sure of before: by the signature of a command, or by the command
line that asked for a PIN or a key. Keeping an item back for want of an approval is lineup.

Invariants: an approval is bound to the entry that was looked at; a changed entry needs a new one.
The commune's word about one occurrence goes before its word about all, and a person's word about a
bulletin before any rule about its sender.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from agent.contract.documents import ApprovalRule, Entry
from agent.contract.reasons import AckReason
from agent.contract.reports import ApprovalMeans
from agent.core.facts import Approval, Facts
from agent.core.pins import name_key
from agent.core.programme import InForce, Programme
from agent.core.requests import ApprovalState

ORDINARY = 3
"""The class that plays only once the commune wants it."""

DIGEST_DIGITS = 16
DIGESTS_KEPT = 20_000


@dataclass(frozen=True, slots=True)
class Standing:
    """How an item stands with the commune. place: local "HH:MM" it was moved to, or empty."""

    state: ApprovalState = "not_needed"
    means: ApprovalMeans | None = None
    by: str = ""
    document_number: str = ""
    place: str = ""


def digest_of_entry(entry: Entry) -> str:
    """What an approval is bound to: first 16 hex digits of the SHA-256 of the canonical entry.

    Canonical: JSON without the fields that have their default, keys sorted, no spaces, UTF-8. So
    software that knows more fields finds the same digest for the same entry.
    """
    text = json.dumps(
        _plain(entry), ensure_ascii=False, sort_keys=True, separators=(",", ":")
    ).encode()
    return hashlib.sha256(text).hexdigest()[:DIGEST_DIGITS]


def _plain(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        found = {
            field.encode_name: _plain(getattr(value, field.name))
            for field in msgspec.structs.fields(value)
            if field.required or getattr(value, field.name) != _default(field)
        }
        config = value.__struct_config__
        return {config.tag_field: config.tag, **found} if config.tag_field else found
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return value


def _default(field: msgspec.structs.FieldInfo) -> Any:
    if field.default_factory is not msgspec.NODEFAULT:
        return field.default_factory()
    return field.default


def same_person(one: str, other: str) -> bool:
    """Whether two names are written for the same person; an empty name is nobody's."""
    return name_key(one) == name_key(other) != ""


@dataclass(frozen=True, slots=True)
class Word:
    """What the commune says about an entry, and how it is known who said it."""

    authority: str
    entry: str
    digest: str
    approved: bool
    by: str
    means: Literal["pin", "key"]
    nominal: str | None = None
    place: str | None = None
    document_number: str = ""


Verdict = tuple[AckReason | None, str]


class Approvals:
    """The approvals given at one station."""

    def __init__(self, facts: Facts, programme: Programme) -> None:
        self._facts = facts
        self._programme = programme
        self._digests: dict[int, tuple[Entry, str]] = {}

    def digest(self, entry: Entry) -> str:
        """`digest_of_entry`, worked out once for an entry: it is asked for all the time."""
        known = self._digests.get(id(entry))
        if known is not None and known[0] is entry:
            return known[1]
        if len(self._digests) >= DIGESTS_KEPT:
            self._digests.clear()
        digest = digest_of_entry(entry)
        self._digests[id(entry)] = (entry, digest)
        return digest

    def standing(self, force: InForce, entry: Entry, nominal: str) -> Standing:
        """How an occurrence stands with the commune."""
        authority = force.schedule.authority
        if authority == self._programme.home:
            return Standing("not_needed", "home", entry.approver, entry.document_number)
        given = self._given(authority, entry, nominal) if self._facts.approvals else None
        if given is not None and _is_ordinary(force, entry):
            return Standing(
                "approved" if given.approved else "refused",
                given.means,
                given.by,
                given.document_number or entry.document_number,
                given.place,
            )
        rule = self._rule(force, entry)
        if rule is None:
            named = bool(entry.approver and entry.document_number)
            return Standing(
                "not_needed",
                "declared" if named else None,
                entry.approver,
                entry.document_number,
            )
        if rule.mode == "standing":
            number = rule.document_number or entry.document_number
            return Standing("approved", "standing", "", number)
        return Standing("awaiting", None, "", entry.document_number)

    def _rule(self, force: InForce, entry: Entry) -> ApprovalRule | None:
        """The rule that asks about the entry; None when nobody is asked."""
        settings = self._programme.settings
        if settings is None or settings.approvals is None:
            return None
        if not _is_ordinary(force, entry):
            return None
        authority = force.schedule.authority
        of = (rule for rule in settings.approvals if rule.authority == authority)
        return next(of, ApprovalRule(authority=authority))

    def _given(self, authority: str, entry: Entry, nominal: str) -> Approval | None:
        digest = self.digest(entry)
        for key in (_key(authority, entry.id, nominal), _key(authority, entry.id, None)):
            given = self._facts.approvals.get(key)
            if given is not None and given.digest == digest:
                return given
        return None

    def take(self, word: Word, at_ms: int) -> Verdict:
        """Keep the commune's word, or say why it cannot be taken."""
        refused = self._refused(word)
        if refused is not None:
            return refused
        made = Approval(
            digest=word.digest,
            approved=word.approved,
            by=word.by,
            means=word.means,
            at_ms=at_ms,
            nominal=word.nominal,
            place=word.place or "",
            document_number=word.document_number,
        )
        self._facts.put("approval", _key(word.authority, word.entry, word.nominal), made)
        when = word.nominal or "all"
        placed = f" at {word.place}" if word.place else ""
        return None, f"{word.authority}/{word.entry} {when}{placed}, by {word.by}"

    def tidy(self, before_ms: int) -> None:
        """Forget words given before `before_ms` about one occurrence, or about an entry that
        stands in no timetable any more."""
        standing = {
            (force.schedule.authority, entry.id)
            for force in self._programme.schedules
            for entry in force.schedule.entries
        }
        for key, given in list(self._facts.approvals.items()):
            authority, entry, _ = key.split("|", 2)
            kept = given.nominal is None and (authority, entry) in standing
            if given.at_ms < before_ms and not kept:
                self._facts.drop("approval", key)

    def _refused(self, word: Word) -> Verdict | None:
        where = f"{word.authority}/{word.entry}"
        known = [
            (force, entry)
            for force in self._programme.schedules
            if force.schedule.authority == word.authority
            for entry in force.schedule.entries
            if entry.id == word.entry
        ]
        if not known:
            return AckReason.UNKNOWN_ENTRY, where
        meant = [pair for pair in known if self.digest(pair[1]) == word.digest]
        if not meant:
            return AckReason.CHANGED_SINCE, where
        force, entry = meant[0]
        rule = None if word.authority == self._programme.home else self._rule(force, entry)
        if rule is None:
            return AckReason.NOTHING_TO_APPROVE, where
        if word.nominal is not None and not self._starts(force, entry, word.nominal):
            return AckReason.UNKNOWN_ENTRY, f"{where}: no start at {word.nominal}"
        settings = self._programme.settings
        differs = settings is not None and settings.approver_differs
        if differs and word.approved and same_person(word.by, entry.author):
            return AckReason.CREATOR_IS_APPROVER, f"{where}: {entry.author}"
        return None

    def _starts(self, force: InForce, entry: Entry, nominal: str) -> bool:
        try:
            starts = self._programme.day_of(force.schedule, nominal[:10])
        except ValueError:
            return False
        return any((one.entry.id, one.ref.nominal) == (entry.id, nominal) for one in starts)


def _is_ordinary(force: InForce, entry: Entry) -> bool:
    return max(entry.klass, force.class_ceiling) >= ORDINARY


def _key(authority: str, entry: str, nominal: str | None) -> str:
    return f"{authority}|{entry}|{nominal or ''}"
