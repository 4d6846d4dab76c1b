"""What came in from above: judged, remembered, answered.

Owns the held documents as typed messages and the refusals told in the receipt. Who may say what
is `trust`; what a document then does to the plan is the station's to derive anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from agent.contract import topics
from agent.contract.documents import Command, Content, Cursor, Schedule, Trust, Warnings
from agent.contract.envelope import VerifySignature
from agent.contract.reasons import AckReason
from agent.contract.reports import Refusal
from agent.core import trust
from agent.core.commands import with_trusted_keys
from agent.core.events import MessageArrived
from agent.core.facts import Facts, HeldDocument, document_key
from agent.core.receipts import Receipts
from agent.core.schedule import Zones
from agent.core.site import Site
from agent.core.turn import Turn

REFUSALS_TOLD = 8
"""The receipt names the last refusals; more are only counted."""


@dataclass(frozen=True, slots=True)
class Applied:
    """A document now in force; `before` is what it replaced."""

    message: Trust | Schedule | Content | Warnings
    before: Trust | Schedule | Content | Warnings | None


@dataclass(frozen=True, slots=True)
class CommandIn:
    message: Command
    keyid: str


@dataclass(frozen=True, slots=True)
class CommandRefused:
    """A command that gets an answer but nothing else."""

    id: str
    reason: AckReason
    detail: str


Result = Applied | trust.AlreadyHeld | CommandIn | CommandRefused | Cursor | None


class Inbox:
    """root: from enrolment. verify and zones do the work the core must not do itself."""

    def __init__(
        self,
        site: Site,
        facts: Facts,
        root: trust.RootKeys,
        verify: VerifySignature,
        zones: Zones,
    ) -> None:
        self._site = site
        self._facts = facts
        self._root = root
        self._verify = verify
        self._zones = zones
        self._zone_names = frozenset(zone.name for zone in site.zones)
        self.receipts = Receipts(facts)
        self.documents: dict[str, trust.Accepted] = {}
        self.refusals: tuple[Refusal, ...] = ()
        self.refused_count = 0

    @property
    def trusted(self) -> Trust | None:
        found = self.documents.get(
            next((key for key in self.documents if key.endswith("|trust")), "")
        )
        return found.message if found is not None and isinstance(found.message, Trust) else None

    def restore(self) -> list[str]:
        """Open the held documents again; returns those that no longer hold, with the reason."""
        lost: list[str] = []
        held = sorted(self._facts.documents.items(), key=lambda pair: pair[1].kind != "trust")
        for key, document in held:
            verdict = self._reopen(document)
            if isinstance(verdict, trust.Accepted):
                self.documents[key] = verdict
            else:
                lost.append(f"{key}: {verdict.reason}")
        return lost

    def _reopen(self, document: HeldDocument) -> trust.Accepted | trust.Refused:
        return trust.reopen(
            document.envelope,
            topic=topics.Down(document.audience, document.kind),
            view=self._view(),
            verify=self._verify,
            zones=self._zones,
        )

    def _view(self) -> trust.TrustView:
        site = self._site
        return trust.TrustView(site.station, self._root, self.trusted, self._zone_names, site.tz)

    def schedules(self) -> Iterator[tuple[Schedule, int, int]]:
        for one in self.documents.values():
            if isinstance(one.message, Schedule):
                yield one.message, one.rank, one.class_ceiling

    def contents(self) -> Iterator[Content]:
        for one in self.documents.values():
            if isinstance(one.message, Content):
                yield one.message

    def warnings(self) -> Iterator[tuple[Warnings, int]]:
        for one in self.documents.values():
            if isinstance(one.message, Warnings):
                yield one.message, one.rank

    def groups(self) -> tuple[str, ...]:
        held = self.trusted
        return tuple(group.id for group in held.groups) if held is not None else ()

    def home_authority(self) -> str | None:
        held = self.trusted
        if held is None:
            return None
        return next((one.id for one in held.authorities if one.home), None)

    def filters(self) -> tuple[str, ...]:
        return topics.subscriptions(self._site.station, self.groups())

    def held_topics(self) -> frozenset[str]:
        """Topics whose retained document the journal holds."""
        return frozenset(
            topics.audience_down(one.audience, one.kind) for one in self._facts.documents.values()
        )

    def receive(self, event: MessageArrived, turn: Turn) -> Result:
        """Judge a message on a downward topic. Remembers; the caller acts on the result."""
        down = topics.parse_down(event.topic)
        if down is None or not event.payload:
            return None
        now = turn.now
        verdict = trust.judge(
            event.payload,
            topic=down,
            retained=event.retained,
            view=self._view(),
            held=self._held(),
            now_ms=now.wall_ms if now.trust == "trusted" else None,
            floor_ms=self._facts.marks.floor_ms,
            verify=self._verify,
            zones=self._zones,
        )
        if isinstance(verdict, trust.AlreadyHeld):
            return verdict
        if isinstance(verdict, trust.Refused):
            return self._refuse(verdict, turn)
        return self._accept(verdict, event.payload, turn)

    def _held(self) -> dict[trust.DocumentKey, trust.Held]:
        return {
            (one.authority, one.audience, one.kind): trust.Held(
                one.revision, one.digest, one.envelope
            )
            for one in self._facts.documents.values()
        }

    def _refuse(self, verdict: trust.Refused, turn: Turn) -> Result:
        self.refused_count += 1
        if verdict.kind == "cmd":
            turn.log("command_refused", "warning", reason=verdict.reason, detail=verdict.detail)
            if verdict.id:
                return CommandRefused(verdict.id, verdict.reason, verdict.detail)
            return CommandRefused(verdict.digest, verdict.reason, verdict.detail)
        self.receipts.refused(verdict, turn.wall_ms)
        known = any(
            (one.kind, one.digest, one.reason) == (verdict.kind, verdict.digest, verdict.reason)
            for one in self.refusals
        )
        if known:
            return None
        refusal = Refusal(
            kind=verdict.kind,
            digest=verdict.digest,
            reason=verdict.reason,
            detail=verdict.detail,
            at_ms=turn.wall_ms,
            authority=verdict.authority,
            audience=verdict.audience,
            revision=verdict.revision,
        )
        self.refusals = (*self.refusals, refusal)[-REFUSALS_TOLD:]
        turn.log(
            "document_refused",
            "warning",
            kind=verdict.kind,
            reason=verdict.reason,
            detail=verdict.detail,
        )
        return None

    def _accept(self, verdict: trust.Accepted, raw: bytes, turn: Turn) -> Result:
        message = verdict.message
        if isinstance(message, Command):
            return CommandIn(message, verdict.signers[0])
        if isinstance(message, Cursor):
            return message
        key = document_key(*verdict.key)
        before = self.documents.get(key)
        document = HeldDocument(
            authority=message.authority,
            audience=message.audience,
            kind=verdict.kind,
            revision=message.revision,
            digest=verdict.digest,
            applied_at_ms=turn.wall_ms,
            envelope=raw,
            rank=verdict.rank,
            class_ceiling=verdict.class_ceiling,
        )
        self._facts.put("document", key, document)
        if turn.now.trust == "trusted":
            # Without a trusted clock a date from the future cannot be told from a true one; a
            # floor raised by it would make everything after it look expired.
            self._facts.mark(floor_ms=max(self._facts.marks.floor_ms, message.issued_at_ms))
        earlier = before.message if before is not None else None
        replaced = None if isinstance(earlier, Command | Cursor) else earlier
        self.receipts.accepted(verdict, message, replaced, self.trusted)
        if isinstance(message, Trust):
            self._drop_other_trust(key)
        self.documents[key] = verdict
        self.refusals = tuple(
            one
            for one in self.refusals
            # What could not be read names no audience: a good one of its kind ends it too.
            if one.kind != verdict.kind or one.audience not in (message.audience, "")
        )
        if isinstance(message, Trust):
            self._judge_again(turn)
        turn.log(
            "document_applied",
            kind=verdict.kind,
            audience=message.audience,
            revision=message.revision,
        )
        return Applied(message, replaced)

    def _drop_other_trust(self, key: str) -> None:
        for other in [one for one in self.documents if one.endswith("|trust") and one != key]:
            del self.documents[other]
            self.receipts.dropped(self._facts.documents[other], None)
            self._facts.drop("document", other)

    def _judge_again(self, turn: Turn) -> None:
        """A new trust document may end the right of documents that were accepted under the old."""
        held = self.trusted
        if held is not None:
            memory = with_trusted_keys(self._facts.commands, frozenset(held.keys))
            if memory is not self._facts.commands:
                self._facts.remember_commands(memory)
        for key, document in list(self._facts.documents.items()):
            if document.kind == "trust":
                continue
            verdict = self._reopen(document)
            if isinstance(verdict, trust.Accepted):
                self.documents[key] = verdict
                continue
            self.documents.pop(key, None)
            self.receipts.dropped(document, verdict)
            self._facts.drop("document", key)
            turn.log("document_dropped", "warning", document=key, reason=verdict.reason)


def digest_of_applied(facts: Facts) -> str:
    """One digest of everything applied, for the heartbeat."""
    lines = sorted(f"{key}:{one.revision}:{one.digest}" for key, one in facts.documents.items())
    return trust.digest_of(msgspec.json.encode(lines))
