"""Reads what an extract needs from a district home: records with their check, and the regulation.

Owns which records are read: those of the time widened to the checkpoints around it, and later ones
that tell of it (an item cut off by a power cut is settled when power is back). Trusts no column of
the database for what is said, only for where to look.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from agent.contract.chain import fingerprint
from agent.contract.documents import Regulation, Schedule, ZoneSelector
from agent.contract.envelope import EnvelopeError, open_envelope
from agent.contract.reports import AsRun, DocumentReceipt, Health
from agent.contract.strict import Malformed, decode_signed
from simulator.source_system.chain_check import FindingKind, Place, Row
from simulator.source_system.extract.content import (
    Asked,
    Proof,
    Record,
    RuleCeiling,
    RulesInForce,
    RuleWindow,
    StreamEvidence,
)
from simulator.source_system.ledger import Ledger
from simulator.source_system.records import Records, StreamCheck, read_event

DAY_MS = 86_400_000


class Gathered(NamedTuple):
    """rows: the raw records that were checked, stream by stream."""

    rows: tuple[tuple[Place, tuple[Row, ...]], ...]
    records: tuple[Record, ...]
    evidence: tuple[StreamEvidence, ...]
    known_until_ms: int | None


def gather(records: Records, health: Health | None, asked: Asked) -> Gathered:
    """Everything the station's records tell about that time. health: its newest heartbeat."""
    to_ms = max([asked.to_ms, *(at + 1 for at in _told_later(records, asked))])
    checks = records.check(asked.station, asked.from_ms, to_ms)
    rows = tuple(
        (check.place, tuple(records.rows(check.place, check.from_seq, check.to_seq)))
        for check in checks
    )
    return Gathered(
        rows,
        decoded(rows, checks),
        tuple(evidence_of(check) for check in checks),
        _known_until(records.newest_ms(asked.station), health),
    )


def _known_until(newest_ms: int | None, health: Health | None) -> int | None:
    """A station that is silent may have nothing to tell: its heartbeat says that all has come."""
    if newest_ms is None or health is None or health.q != 0:
        return newest_ms
    return max(newest_ms, health.t)


def _told_later(records: Records, asked: Asked) -> Iterable[int]:
    """When the station wrote down what had sounded in that time, if it did so after it."""
    since_ms = max(0, asked.from_ms - DAY_MS)
    for event in records.events(asked.station, ("asrun",), since_ms):
        body = event.body
        if isinstance(body, AsRun) and body.zone == asked.zone:
            ends = [one.to_ms for one in body.segments if one.gap is None]
            begins = [one.from_ms for one in body.segments if one.gap is None]
            planned_ms = body.planned_start_ms
            if min([planned_ms, *begins]) < asked.to_ms and max([planned_ms, *ends]) > since_ms:
                yield event.at_ms


def decoded(
    rows: Sequence[tuple[Place, Sequence[Row]]], checks: Sequence[StreamCheck]
) -> tuple[Record, ...]:
    """The readable ones, each with what vouches for it."""
    found = []
    for (place, held), check in zip(rows, checks, strict=True):
        for row in held:
            event = read_event(row.raw)
            if event is not None:
                found.append(Record(place, event, _proof(check, row.seq)))
    return tuple(found)


def _proof(check: StreamCheck, seq: int) -> Proof:
    if check.proves(seq):
        return "signed"
    for run in check.runs:
        first = run.from_seq if run.anchored else run.from_seq + 1
        if run.chained and first <= seq <= run.to_seq:
            return "chained"
    return "none"


def evidence_of(check: StreamCheck) -> StreamEvidence:
    signed = check.signed
    public = signed.public if signed is not None else ""
    return StreamEvidence(
        installation=check.place.installation,
        stream=check.place.stream,
        from_seq=check.from_seq,
        to_seq=check.to_seq,
        from_ms=check.from_ms,
        to_ms=check.to_ms,
        records=check.records,
        signed_through=signed.signed_through if signed is not None else 0,
        signed_ms=signed.signed_ms if signed is not None else 0,
        public=public,
        fingerprint=fingerprint(bytes.fromhex(public)) if public else "",
        signers=check.signers,
        unsigned=check.unsigned,
        gaps=tuple((one.seq, one.to_seq) for one in check.findings if one.kind is FindingKind.GAP),
        findings=check.findings,
    )


# --- the regulation ------------------------------------------------------------------------


def rules_in_force(
    records: Records, ledger: Ledger, asked: Asked, tags: frozenset[str]
) -> tuple[RulesInForce, ...]:
    """The regulations the station had applied when the time began, as its receipts tell.

    One for each timetable that carries one; () when no receipt tells of any.
    """
    applied: dict[str, tuple[DocumentReceipt, int]] = {}
    for event in records.events(asked.station, ("receipt",)):
        body = event.body
        if not isinstance(body, DocumentReceipt) or body.document != "schedule":
            continue
        if event.at_ms > asked.from_ms or body.state == "refused":
            continue
        if body.state == "dropped":
            applied.pop(body.audience, None)
        else:
            applied[body.audience] = (body, event.at_ms)
    found = []
    for audience, (receipt, since_ms) in sorted(applied.items()):
        schedule = _signed_schedule(ledger, audience, receipt)
        settings = schedule.settings if schedule is not None else None
        if schedule is None or settings is None or settings.regulation is None:
            continue
        mine = tags | frozenset(settings.zone_tags.get(asked.zone, ()))
        found.append(
            _concerning(
                settings.regulation,
                lambda one, mine=mine: _selects(one, asked.zone, mine),  # type: ignore[misc]
                audience=audience,
                revision=schedule.revision,
                since_ms=since_ms,
            )
        )
    return tuple(found)


def _signed_schedule(ledger: Ledger, audience: str, receipt: DocumentReceipt) -> Schedule | None:
    """What was signed under this revision here, if it is what the station names by its digest."""
    push = ledger.at(audience, "schedule", receipt.revision or 0)
    if push is None or push.digest != receipt.digest:
        return None
    try:
        document = decode_signed(open_envelope(push.sealed).body)
    except (EnvelopeError, Malformed):
        return None
    return document if isinstance(document, Schedule) else None


def _selects(selector: ZoneSelector | None, zone: str, tags: frozenset[str]) -> bool:
    if selector is None or selector.all or zone in selector.names:
        return True
    return bool(tags & set(selector.tags))


def _concerning(
    regulation: Regulation,
    selects: Callable[[ZoneSelector | None], bool],
    *,
    audience: str,
    revision: int,
    since_ms: int,
) -> RulesInForce:
    return RulesInForce(
        title=regulation.title,
        document_number=regulation.document_number,
        audience=audience,
        revision=revision,
        since_ms=since_ms,
        windows=tuple(
            RuleWindow(hours=one.hours, days=one.days, session_ms=one.session_ms)
            for one in regulation.windows
            if selects(one.zones)
        ),
        ceilings=tuple(
            RuleCeiling(hours=one.hours, volume=one.volume, days=one.days)
            for one in regulation.ceilings
            if selects(one.zones)
        ),
        sessions_per_day=regulation.sessions_per_day,
        silent_dates=regulation.silent_dates,
        languages=regulation.languages,
    )
