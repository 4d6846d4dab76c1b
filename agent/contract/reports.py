"""What a station says upwards: birth, receipt, health, ack, event. Unsigned, over mutual TLS.

Observations are epoch milliseconds; `None` and "unknown" mean: not measured.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from agent.contract.documents import About
from agent.contract.reasons import (
    AckReason,
    AlarmCode,
    OccurrenceReason,
)
from agent.contract.units import AudienceRef, EpochMs, Id, KeyId, Line, LocalTime, Sequence

Confirmation = Literal["yes", "no", "unknown"]
Outcome = Literal["played", "partial", "skipped"]
ApprovalMeans = Literal["home", "standing", "key", "pin", "declared"]
"""home: the commune's own. declared: an approver is only named, with a document number."""
SourceVerb = Literal[
    "volume",
    "stop",
    "skip",
    "pause",
    "resume",
    "play_now",
    "reboot",
    "save",
    "cancel",
    "unknown",
]
"""What can be asked through the source-system API; save and cancel are about its schedules."""
AckState = Literal[
    "received", "accepted", "running", "done", "failed", "expired", "duplicate", "rejected"
]


class State(msgspec.Struct, frozen=True, kw_only=True):
    """Topic `up/state`, retained: the birth, and the last will with `state` lost."""

    v: int = 1
    station: Id
    state: Literal["online", "leaving", "lost"]
    birth: int
    installation: str = ""
    version: str = ""
    features: tuple[str, ...] = ()
    nonce: str = ""
    at_ms: int | None = None
    last_seq: int | None = None
    public: str = ""
    """The key that signs its records (`Checkpoint`), Ed25519, hex; "" for none."""


class DocumentReport(msgspec.Struct, frozen=True, kw_only=True):
    """What is applied for one (authority, audience, kind)."""

    authority: Id
    audience: AudienceRef
    kind: str
    revision: int
    digest: str
    applied_at_ms: int | None = None


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """A document that was refused, and why. Identified by the digest of its signed bytes."""

    kind: str
    digest: str
    reason: AckReason
    detail: Line
    at_ms: int
    authority: str = ""
    audience: str = ""
    revision: int | None = None


class Reported(msgspec.Struct, frozen=True, kw_only=True):
    """Topic `up/reported`, retained: the receipt."""

    v: int = 1
    station: Id
    installation: Id
    at_ms: int
    documents: tuple[DocumentReport, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    awaiting: tuple[str, ...] = ()
    """Slots (`slot@date`) that a planned occurrence needs and nobody has published."""
    missing: tuple[str, ...] = ()
    """sha256 of bound files that are not on the box yet."""


class Health(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Topic `up/health`: the heartbeat. Short keys: it is paid by the byte.

    `None` (left out) is unknown.
    """

    t: int
    d: str = ""
    """digest of what is applied"""
    up: int | None = None
    """seconds since the agent started"""
    tc: int | None = None
    """board temperature, hundredths of °C"""
    sf: int | None = None
    """free storage, MiB"""
    mf: int | None = None
    """free memory, MiB"""
    ck: str | None = None
    """clock trust"""
    pl: str | None = None
    """on air: `entry@bus`, joined by commas"""
    zn: str | None = None
    """zones in order: y confirmed, n not, ? unknown, - off"""
    zb: str | None = None
    """while several buses play: which of them each zone hears, a digit a zone, - none"""
    al: int | None = None
    """open alarms"""
    q: int | None = None
    """events not yet passed by the cursor"""
    mn: bool | None = None
    """on mains"""
    dm: int | None = None
    """data used this month, MiB"""


class Ack(msgspec.Struct, frozen=True, kw_only=True):
    """Topic `up/ack`: what became of a command, or that a document was refused at the door."""

    v: int = 1
    station: Id
    installation: Id
    id: str
    state: AckState
    at_ms: int
    reason: AckReason | None = None
    detail: Line = ""


class OccurrenceRef(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """Identity of an occurrence (D5). `nominal`: local start as RFC 5545 recurrence id.

    A warning's entry is `w-<id>-<revision>`; its nominal the local time the play was due.
    """

    authority: Id
    audience: AudienceRef
    entry: str
    nominal: LocalTime


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch that sounded in one zone, as measured at the card and confirmed by the link.

    `gap` names why nothing sounded in this stretch; None means it sounded.
    """

    from_ms: int
    to_ms: int
    position_ms: int
    bus: int
    level_cdb: int | None = None
    confirmed: Confirmation = "unknown"
    gap: OccurrenceReason | None = None


class Carried(msgspec.Struct, frozen=True):
    """How long one source was heard; see `AsRun.source`."""

    source: str
    played_ms: int


class AsRun(msgspec.Struct, frozen=True, tag="asrun", tag_field="kind", kw_only=True):
    """What became of one occurrence in one zone. Exactly one per (occurrence, zone)."""

    occurrence: OccurrenceRef
    zone: str
    title: str
    klass: int = msgspec.field(name="class")
    planned_start_ms: int
    planned_duration_ms: int | None
    outcome: Outcome
    reason: OccurrenceReason | None
    confirmed: Confirmation
    segments: tuple[Segment, ...] = ()
    played_ms: int = 0
    revision: int = 0
    author: str = ""
    approver: str = ""
    source: str = ""
    """Which source sounded last: `file:<sha256 prefix>`, `stream:<n>`, `input:<name>`, `text`,
    `tone`."""
    volume: int | None = None
    """As set in the zone when the item began; None when it never did and names none itself."""
    underruns: int | None = None
    silent_ms: int | None = None
    """So long nothing but silence or even hiss left the mixer though it played, the pauses of who
    speaks included; None: it did not sound, or the station does not listen."""
    start_error_ms: int | None = None
    """Measured at the card against the plan; None when it never started or joined late."""
    rule: Line = ""
    """What kept it from playing, as the regulation or the quiet says it; see `reason`."""
    broke: tuple[OccurrenceReason, ...] = ()
    """Rules of the air in force in the zone when an emergency began to sound there."""
    above_ceiling: int | None = None
    """The volume ceiling in force when an emergency began louder than it."""
    approved_by: Line = ""
    approval: ApprovalMeans | None = None
    """How the commune's approval is known; None when none was needed."""
    document_number: Line = ""
    field: Line = ""
    language: str = ""
    languages_missing: tuple[str, ...] = ()
    about: About = About()
    sources: tuple[Carried, ...] = ()
    """What carried it, in the order of their first sound, where that was not `source` alone."""


class AirStart(msgspec.Struct, frozen=True, tag="start", tag_field="kind", kw_only=True):
    """An item began to sound: one for each occurrence, with what the journals of authorities ask.

    The end is told by the as-run records of its zones.
    """

    occurrence: OccurrenceRef
    title: str
    klass: int = msgspec.field(name="class")
    zones: tuple[str, ...]
    planned_start_ms: int
    planned_duration_ms: int | None
    author: str = ""
    approver: str = ""
    approved_by: Line = ""
    approval: ApprovalMeans | None = None
    document_number: Line = ""
    field: Line = ""
    language: str = ""
    source: str = ""
    volume: int | None = None
    revision: int = 0
    about: About = About()


class Checkpoint(msgspec.Struct, frozen=True, tag="checkpoint", tag_field="kind", kw_only=True):
    """The station signs its records: everything up to `through` has the hash chain `chain`.

    signature: Ed25519 over "commune-radio checkpoint 1\n<station>\n<installation>\n<stream>\n
    <through>\n<chain>", hex. chain: see `Event.chain`. through: the record just before this one.
    """

    through: Sequence
    chain: str
    public: str
    signature: str


class DocumentReceipt(
    msgspec.Struct, frozen=True, tag="receipt", tag_field="kind", kw_only=True, omit_defaults=True
):
    """What became of a document from above: one record for each thing that happened to it.

    applied: nothing was held before. changed: it replaced revision `before`. deleted: it replaced
    `before` and holds no entries any more. dropped: a trust document took its right away. refused:
    never came into force, see `reason`. by: who pushed it, as the document says; signers: whose
    keys signed it. entries: what it holds now (of a schedule entries, of content bindings, of
    warnings those that are active, of trust keys), and how many are new, other and gone.
    regulation: a schedule that changed the commune's operating regulation, or who asks for
    approval: its title and document number, "?" where it names neither.
    """

    state: Literal["applied", "changed", "deleted", "dropped", "refused"]
    document: str
    authority: str
    audience: str
    digest: str
    revision: int | None = None
    before: int | None = None
    by: Line = ""
    signers: tuple[KeyId, ...] = ()
    entries: int = 0
    added: int = 0
    changed: int = 0
    removed: int = 0
    regulation: Line = ""
    reason: AckReason | None = None
    detail: Line = ""


class AlarmEvent(msgspec.Struct, frozen=True, tag="alarm", tag_field="kind", kw_only=True):
    """Onset or end of an alarm, or that somebody (`by`) took note; all carry the episode."""

    code: AlarmCode
    subject: str
    """What it is about: a zone, a controller, "" for the station."""
    state: Literal["raised", "acknowledged", "cleared"]
    episode: int
    since_ms: int
    detail: str = ""
    by: str = ""


class Audit(msgspec.Struct, frozen=True, tag="audit", tag_field="kind", kw_only=True):
    """Somebody did something: a command, a local action, an applied or refused document."""

    what: str
    by: str
    detail: str = ""
    keyid: KeyId | None = None
    result: str = ""
    """`done`, or the ack reason why it was not carried out; empty: nothing was asked for."""
    means: ApprovalMeans | None = None
    """How the person in `by` was made sure of; None: `by` is a login, a key's holder or a part."""


class WarningReport(msgspec.Struct, frozen=True, tag="warning", tag_field="kind", kw_only=True):
    """A warning was received, first sounded, ended."""

    id: Id
    revision: int
    state: Literal["received", "sounded", "cancelled", "expired"]
    detail: str = ""


class SourceReceipt(
    msgspec.Struct, frozen=True, tag="source_receipt", tag_field="kind", kw_only=True
):
    """What became of something that was asked through the source-system API.

    call: the asker's own id for it. schedule, title, items: LichPhatID, TenLichPhat, BanTinID.
    """

    what: SourceVerb
    state: Literal["applied", "refused"]
    reason: AckReason | None = None
    detail: str = ""
    call: str = ""
    schedule: str = ""
    title: str = ""
    items: tuple[str, ...] = ()


Body = (
    AsRun
    | AirStart
    | AlarmEvent
    | Audit
    | DocumentReceipt
    | SourceReceipt
    | WarningReport
    | Checkpoint
)


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Topic `up/event`: one record of a stream; (installation, stream, seq) is its id.

    chain: SHA-256 over the chain of the record before (32 bytes; zeros before the first chained
    one) and this record's bytes without its chain, hex. Empty in records of older software. It
    stays the last field: `agent.contract.chain` says which bytes are meant.
    """

    v: int = 1
    station: Id
    installation: Id
    stream: Id
    seq: Sequence
    at_ms: EpochMs
    body: Body
    chain: str = ""
