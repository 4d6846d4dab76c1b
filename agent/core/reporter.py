"""What is said upwards: the event stream, the receipt, the heartbeat, birth and acks.

Owns the numbering of records and the moment of each report. Delivery is the outbox's, the chain
through the records the seal's; a record is durable before it is published.
"""

from __future__ import annotations

import msgspec

from agent.contract import topics
from agent.contract.details import Details
from agent.contract.documents import FEATURES
from agent.contract.reasons import AckReason
from agent.contract.reports import (
    Ack,
    AckState,
    Body,
    DocumentReport,
    Event,
    Health,
    Refusal,
    Reported,
    State,
)
from agent.core.effects import Append, Publish, PublishRecord
from agent.core.facts import Facts, HeldDocument
from agent.core.outbox import Outbox
from agent.core.seal import NoSigner, Seal, Signer
from agent.core.site import Site
from agent.core.turn import Turn

STREAM = "main"
HEARTBEAT_PAUSE_MS = 5_000
"""Between two heartbeats, however much changes."""

REPORT_PAUSE_MS = 1_000
"""Receipts that change in quick succession are told together."""

RECORD_TOKENS_FROM = 1_000_000
"""Tokens below it name other publishes."""


class Reporter:
    def __init__(self, site: Site, facts: Facts, signer: Signer | NoSigner) -> None:
        self._site = site
        self.seal = Seal(facts, signer)
        self._facts = facts
        self.installation = ""
        self.nonce = ""
        self.outbox = Outbox(facts.marks.cursor_through, facts.marks.next_seq - 1)
        self.outbox.next_send = self.outbox.through + 1
        self._reported: Reported | None = None
        self._held: tuple[HeldDocument, ...] = ()
        self._documents_told: tuple[DocumentReport, ...] = ()
        self._heartbeat_mono_ms: int | None = None
        self._heartbeat_about: object = None
        self._heartbeat_pause_mono_ms = 0
        self._report_after_mono_ms = 0

    def _up(self, kind: str) -> str:
        return topics.station_up(self._site.station, kind)

    def record(self, body: Body, turn: Turn) -> None:
        """Append one record to the stream, and a checkpoint when one is due."""
        self._append(body, turn)
        if self.seal.due(self.outbox.last, turn.wall_ms):
            self.sign_records(turn)

    def sign_records(self, turn: Turn) -> None:
        """Vouch for the records so far, if any is new and there is a key."""
        checkpoint = self.seal.checkpoint(self._site.station, self.installation, STREAM)
        if checkpoint is not None:
            self._append(checkpoint, turn)
            self.seal.signed(self.outbox.last, turn.wall_ms)

    def _append(self, body: Body, turn: Turn) -> None:
        seq = self._facts.marks.next_seq
        self._facts.mark(next_seq=seq + 1)
        event = Event(
            station=self._site.station,
            installation=self.installation,
            stream=STREAM,
            seq=seq,
            at_ms=max(0, turn.wall_ms),
            body=body,
        )
        self._facts.save(Append(seq, turn.wall_ms, self.seal.chained(event)))
        self.outbox.last = seq

    def send_records(self, turn: Turn) -> None:
        for seq in self.outbox.due(turn.now.mono_ms):
            turn.do(PublishRecord(self._up("event"), seq, RECORD_TOKENS_FROM + seq))

    def delivered(self, token: int, mono_ms: int) -> None:
        if token >= RECORD_TOKENS_FROM:
            self.outbox.delivered(token - RECORD_TOKENS_FROM, mono_ms)

    def will(self) -> tuple[str, bytes]:
        lost = State(station=self._site.station, state="lost", birth=self._facts.marks.birth)
        return self._up("state"), msgspec.json.encode(lost)

    def birth(self, turn: Turn) -> None:
        """Say that we are here."""
        state = State(
            station=self._site.station,
            state="online",
            birth=self._facts.marks.birth,
            installation=self.installation,
            version=self._site.version,
            features=tuple(sorted(FEATURES)),
            nonce=self.nonce,
            at_ms=turn.wall_ms,
            last_seq=self.outbox.last,
            public=self.seal.public,
        )
        turn.do(Publish(self._up("state"), msgspec.json.encode(state), 1, retain=True))

    def state_topic_says(self, topic: str, payload: bytes, turn: Turn) -> bool:
        """Our own `up/state` came back; a stale `lost` is answered with the birth."""
        if topic != self._up("state"):
            return False
        try:
            said = msgspec.json.decode(payload, type=State)
        except (msgspec.DecodeError, msgspec.ValidationError):
            return True
        if said.state == "lost":
            self.birth(turn)
        return True

    def ack(
        self,
        identity: str,
        state: AckState,
        turn: Turn,
        reason: AckReason | None = None,
        detail: str = "",
    ) -> None:
        message = Ack(
            station=self._site.station,
            installation=self.installation,
            id=identity,
            state=state,
            at_ms=turn.wall_ms,
            reason=reason,
            detail=detail[:200],
        )
        turn.do(Publish(self._up("ack"), msgspec.json.encode(message), 1))

    def report(
        self,
        refusals: tuple[Refusal, ...],
        awaiting: tuple[str, ...],
        missing: tuple[str, ...],
        turn: Turn,
        *,
        connected: bool,
    ) -> None:
        """The receipt, when something in it changed since it was last told.

        It says what is held, so it waits for the disk as long as that takes.
        """
        if not connected or turn.now.mono_ms < self._report_after_mono_ms:
            return
        told = Reported(
            station=self._site.station,
            installation=self.installation,
            at_ms=0,
            documents=self._documents(),
            refusals=refusals,
            awaiting=awaiting,
            missing=missing,
        )
        if told == self._reported:
            return
        self._reported = told
        self._report_after_mono_ms = turn.now.mono_ms + REPORT_PAUSE_MS
        said = msgspec.structs.replace(told, at_ms=turn.wall_ms)
        receipt = Publish(self._up("reported"), msgspec.json.encode(said), 1, retain=True)
        turn.do(receipt, "durable")

    def _documents(self) -> tuple[DocumentReport, ...]:
        """As `document_reports`, made anew only when a document changed."""
        held = tuple(self._facts.documents.values())
        if held != self._held:
            self._held, self._documents_told = held, document_reports(self._facts)
        return self._documents_told

    def report_wake_mono_ms(self, mono_ms: int) -> int | None:
        """The end of the pause: what changed meanwhile is told then, not at some later event."""
        return self._report_after_mono_ms if self._report_after_mono_ms > mono_ms else None

    def linked(self, connected: bool) -> None:
        self.outbox.linked(connected)
        if connected:
            self._reported = None
            self._heartbeat_mono_ms = None

    def heartbeat_due(self, about: object, mono_ms: int) -> bool:
        """about: what nobody should learn only at the next beat (what plays, the mains)."""
        if self._heartbeat_mono_ms is None:
            return True
        if about != self._heartbeat_about:
            pause_over = mono_ms >= self._heartbeat_pause_mono_ms
            self._heartbeat_mono_ms = min(self._heartbeat_mono_ms, self._heartbeat_pause_mono_ms)
            return pause_over
        return mono_ms >= self._heartbeat_mono_ms

    def heartbeat_wake_mono_ms(self) -> int | None:
        return self._heartbeat_mono_ms

    def heartbeat(self, health: Health, about: object, turn: Turn) -> None:
        self._heartbeat_about = about
        self._heartbeat_mono_ms = turn.now.mono_ms + self._site.heartbeat_ms
        self._heartbeat_pause_mono_ms = turn.now.mono_ms + HEARTBEAT_PAUSE_MS
        turn.do(Publish(self._up("health"), msgspec.json.encode(health), 0))

    def details(self, details: Details, token: int, turn: Turn) -> None:
        """The picture of the station, kept by the broker for who comes later."""
        said = msgspec.json.encode(details)
        turn.do(Publish(self._up("details"), said, 1, retain=True, token=token))


def document_reports(facts: Facts) -> tuple[DocumentReport, ...]:
    return tuple(
        DocumentReport(
            authority=one.authority,
            audience=one.audience,
            kind=one.kind,
            revision=one.revision,
            digest=one.digest,
            applied_at_ms=one.applied_at_ms,
        )
        for _, one in sorted(facts.documents.items())
    )
