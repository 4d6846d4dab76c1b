"""What an extract says, picked from the raw records of a station. Pure: records in, one value out.

Owns which records concern a zone and a time, and what is known about each of them. Nothing is
computed that was not recorded: what was not measured stays None. The same picking runs again when
an extract is verified, so the table cannot say anything else than the records beside it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal, NamedTuple

import msgspec
from msgspec import Meta

from agent.contract.reasons import AlarmCode, OccurrenceReason
from agent.contract.reports import (
    AirStart,
    AlarmEvent,
    ApprovalMeans,
    AsRun,
    Audit,
    Carried,
    Confirmation,
    Event,
    Outcome,
    Segment,
)
from simulator.source_system.chain_check import Finding, Place

QUIET_ACTS = frozenset({"document_applied", "commit_failed", "command_Diagnose"})
"""Acts that change nothing anybody hears."""

Proof = Literal["signed", "chained", "none"]
"""signed: the station's signature stands for the record. chained: only its link was checked."""

Status = Literal["ended", "open"]
"""open: it began, and no record of its end is here."""


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch that sounded. level_cdb: hundredths of dBFS, RMS; None is not measured."""

    from_ms: int
    to_ms: int
    level_cdb: int | None
    confirmed: Confirmation


class Play(msgspec.Struct, frozen=True, kw_only=True):
    """One occurrence in the zone, as the station recorded it.

    start_ms, end_ms: of what sounded, None when nothing did. rule: what kept it from playing;
    broke, above_ceiling: the rules and the volume ceiling an emergency played against.
    installation, stream, seq: its record.
    """

    title: str
    klass: Annotated[int, Meta(ge=0, le=9)]
    authority: str
    entry: str
    nominal: str
    planned_start_ms: int
    planned_duration_ms: int | None
    status: Status
    outcome: Outcome | None
    reason: OccurrenceReason | None
    confirmed: Confirmation
    heard: tuple[Heard, ...]
    start_ms: int | None
    end_ms: int | None
    played_ms: int
    author: str
    approver: str
    approved_by: str
    approval: ApprovalMeans | None
    document_number: str
    field: str
    language: str
    source: str
    volume: int | None
    revision: int
    rule: str
    broke: tuple[OccurrenceReason, ...]
    above_ceiling: int | None
    installation: str
    stream: str
    seq: int
    proof: Proof
    sources: tuple[Carried, ...] = ()

    @property
    def level_cdb(self) -> int | None:
        """The highest level of its stretches; None when none was measured."""
        return max((one.level_cdb for one in self.heard if one.level_cdb is not None), default=None)


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody did something at the station or by command: a test tone, a volume, a stop."""

    at_ms: int
    what: str
    by: str
    detail: str
    result: str
    seq: int
    proof: Proof


class StreamEvidence(msgspec.Struct, frozen=True, kw_only=True):
    """What the check of one stream came to.

    signed_through: the newest record a signature stands for, 0 for none; by the key with this
    fingerprint. signers: every key of the station that signed any of them. gaps: numbers of
    records nobody here has. unsigned: records after it.
    """

    installation: str
    stream: str
    from_seq: int
    to_seq: int
    from_ms: int
    to_ms: int
    records: int
    signed_through: int
    signed_ms: int
    public: str
    fingerprint: str
    signers: tuple[str, ...]
    unsigned: int
    gaps: tuple[tuple[int, int], ...]
    findings: tuple[Finding, ...]


class RuleWindow(msgspec.Struct, frozen=True, kw_only=True):
    hours: str
    days: tuple[int, ...] = ()
    session_ms: int | None = None


class RuleCeiling(msgspec.Struct, frozen=True, kw_only=True):
    hours: str
    volume: int
    days: tuple[int, ...] = ()


class RulesInForce(msgspec.Struct, frozen=True, kw_only=True):
    """The operating regulation as far as it concerns the zone; revision of the timetable it came
    with, and since when the station had it. windows empty: no hours are set."""

    title: str
    document_number: str
    audience: str
    revision: int
    since_ms: int
    windows: tuple[RuleWindow, ...] = ()
    ceilings: tuple[RuleCeiling, ...] = ()
    sessions_per_day: int | None = None
    silent_dates: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What the extract is about. reference: the complaint it answers."""

    station: str
    zone: str
    from_ms: int
    to_ms: int
    reference: str = ""


class SignedBy(msgspec.Struct, frozen=True, kw_only=True):
    """Who signs the extract, with which key."""

    holder: str
    authority: str
    authority_name: str
    keyid: str
    public: str


class Extract(msgspec.Struct, frozen=True, kw_only=True):
    """Everything an extract says. known_until_ms: newest record received from the station.

    rules None: no regulation is known. clock_doubt: the station did not trust its own clock in
    that time, or it was set.
    """

    v: Literal[1] = 1
    asked: Asked
    station_name: str
    made_ms: int
    tz: str
    plays: tuple[Play, ...]
    acts: tuple[Act, ...]
    evidence: tuple[StreamEvidence, ...]
    known_until_ms: int | None
    clock_doubt: bool
    rules: tuple[RulesInForce, ...]
    signer: SignedBy

    @property
    def is_complete(self) -> bool:
        """Whether records of all that time are here, and none is missing or wrong."""
        known = self.known_until_ms is not None and self.known_until_ms >= self.asked.to_ms
        return known and bool(self.evidence) and not any(one.findings for one in self.evidence)


class Record(NamedTuple):
    """A decoded record, and what vouches for it."""

    place: Place
    event: Event
    proof: Proof


def plays_of(records: Iterable[Record], asked: Asked) -> tuple[Play, ...]:
    """What was played, or should have been, in the zone in that time; in order of time."""
    found: list[Play] = []
    ended: set[tuple[str, str, str]] = set()
    begun: list[Record] = []
    for record in records:
        body = record.event.body
        if isinstance(body, AsRun) and body.zone == asked.zone:
            ref = body.occurrence
            ended.add((ref.authority, ref.entry, ref.nominal))
            if _concerns(body, asked):
                found.append(_play(record, body))
        elif isinstance(body, AirStart) and asked.zone in body.zones:
            begun.append(record)
    for record in begun:
        body = record.event.body
        if isinstance(body, AirStart) and asked.from_ms <= record.event.at_ms < asked.to_ms:
            ref = body.occurrence
            if (ref.authority, ref.entry, ref.nominal) not in ended:
                found.append(_begun(record, body))
    return tuple(sorted(found, key=lambda one: (one.start_ms or one.planned_start_ms, one.seq)))


def _concerns(body: AsRun, asked: Asked) -> bool:
    """It sounded in that time; or it did not sound, and should have begun then."""
    sounded = [one for one in body.segments if one.gap is None]
    if sounded:
        return any(one.from_ms < asked.to_ms and one.to_ms > asked.from_ms for one in sounded)
    return asked.from_ms <= body.planned_start_ms < asked.to_ms


def _play(record: Record, body: AsRun) -> Play:
    heard = tuple(_heard(one) for one in body.segments if one.gap is None)
    return Play(
        title=body.title,
        klass=body.klass,
        authority=body.occurrence.authority,
        entry=body.occurrence.entry,
        nominal=body.occurrence.nominal,
        planned_start_ms=body.planned_start_ms,
        planned_duration_ms=body.planned_duration_ms,
        status="ended",
        outcome=body.outcome,
        reason=body.reason,
        confirmed=body.confirmed,
        heard=heard,
        start_ms=heard[0].from_ms if heard else None,
        end_ms=heard[-1].to_ms if heard else None,
        played_ms=body.played_ms,
        author=body.author,
        approver=body.approver,
        approved_by=body.approved_by,
        approval=body.approval,
        document_number=body.document_number,
        field=body.field,
        language=body.language,
        source=body.source,
        volume=body.volume,
        revision=body.revision,
        rule=body.rule,
        broke=body.broke,
        above_ceiling=body.above_ceiling,
        installation=record.place.installation,
        stream=record.place.stream,
        seq=record.event.seq,
        proof=record.proof,
        sources=body.sources,
    )


def _begun(record: Record, body: AirStart) -> Play:
    """It began; how it ended is not recorded yet."""
    return Play(
        title=body.title,
        klass=body.klass,
        authority=body.occurrence.authority,
        entry=body.occurrence.entry,
        nominal=body.occurrence.nominal,
        planned_start_ms=body.planned_start_ms,
        planned_duration_ms=body.planned_duration_ms,
        status="open",
        outcome=None,
        reason=None,
        confirmed="unknown",
        heard=(),
        start_ms=record.event.at_ms,
        end_ms=None,
        played_ms=0,
        author=body.author,
        approver=body.approver,
        approved_by=body.approved_by,
        approval=body.approval,
        document_number=body.document_number,
        field=body.field,
        language=body.language,
        source=body.source,
        volume=body.volume,
        revision=body.revision,
        rule="",
        broke=(),
        above_ceiling=None,
        installation=record.place.installation,
        stream=record.place.stream,
        seq=record.event.seq,
        proof=record.proof,
    )


def _heard(segment: Segment) -> Heard:
    return Heard(
        from_ms=segment.from_ms,
        to_ms=segment.to_ms,
        level_cdb=segment.level_cdb,
        confirmed=segment.confirmed,
    )


def acts_of(records: Iterable[Record], asked: Asked) -> tuple[Act, ...]:
    """What people did at the station in that time."""
    return tuple(
        Act(
            at_ms=record.event.at_ms,
            what=body.what,
            by=body.by,
            detail=body.detail,
            result=body.result,
            seq=record.event.seq,
            proof=record.proof,
        )
        for record in records
        if isinstance(body := record.event.body, Audit)
        and asked.from_ms <= record.event.at_ms < asked.to_ms
        and body.what not in QUIET_ACTS
    )


def clock_in_doubt(records: Iterable[Record], asked: Asked) -> bool:
    """The clock was set in that time, or the station did not trust it, as far as is recorded."""
    untrusted_since_ms: int | None = None
    for record in records:
        body, at_ms = record.event.body, record.event.at_ms
        if isinstance(body, Audit) and body.what == "clock_step":
            if asked.from_ms <= at_ms < asked.to_ms:
                return True
        elif isinstance(body, AlarmEvent) and body.code is AlarmCode.CLOCK_UNTRUSTED:
            if body.state == "raised":
                untrusted_since_ms = body.since_ms
            elif body.since_ms < asked.to_ms and at_ms >= asked.from_ms:
                return True
            else:
                untrusted_since_ms = None
    return untrusted_since_ms is not None and untrusted_since_ms < asked.to_ms
