"""What a station knows for certain: everything that survives a power cut, and nothing derived.

Facts are (kind, key) → msgspec struct, stored as JSON. A crash equals any prefix of committed
batches, so every fact is written whole and can be read alone. Unknown kinds and unknown fields
of newer software are kept untouched in the journal and ignored here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

from agent.contract.documents import About
from agent.contract.reasons import AckReason, OccurrenceReason
from agent.contract.reports import ApprovalMeans, OccurrenceRef, Segment
from agent.core.backoff import SPREAD_MS
from agent.core.commands import CommandMemory
from agent.core.data_use import DataUse
from agent.core.effects import Drop, Put, Save


class HeldDocument(msgspec.Struct, frozen=True):
    """An accepted document. `envelope` is what arrived, byte for byte."""

    authority: str
    audience: str
    kind: str
    revision: int
    digest: str
    applied_at_ms: int
    envelope: bytes
    rank: int = 50
    class_ceiling: int = 3


class OpenItem(msgspec.Struct, frozen=True):
    """An occurrence that was cued and is not settled.

    from_ms/origin_ms: first planned sound and wall instant of position 0. begun: its start
    passed. seen_ms: last instant it is known to have sounded. segments, gaps: per zone, and the
    reason nothing sounds since the last segment. torn: per zone, ms of its segments in which no
    sound left the card. carried: per zone, ms heard of each source. rules: per zone, the words of
    the rules behind its gaps. broke: rules it began
    against, being an emergency. volumes: as set when it began. ceilings: where that was above one.
    doubts: why a zone's sound is not confirmed.
    stopped: zones in which somebody ended it. finished: it came to its own end; done: why it ended
    before that. silent_ms: so long it
    played and nothing but silence or hiss left the mixer; unheard: why, where it was left so.
    languages_missing: that it was to be said in, and is not; unsaid: why. kept: zones that have
    heard nothing of it, and the rule of the air that first kept them from it. passing: it stands in
    no document and lives only as long as the agent. Everything
    an as-run record needs rides along, because the timetable may change meanwhile.
    """

    key: str
    ref: OccurrenceRef
    title: str
    klass: int
    start_ms: int
    play_ms: int
    slot_ms: int | None
    zones: tuple[str, ...]
    origin_ms: int
    from_ms: int
    epoch: int
    revision: int = 0
    author: str = ""
    approver: str = ""
    approved_by: str = ""
    approval: ApprovalMeans | None = None
    document_number: str = ""
    field: str = ""
    language: str = ""
    moves: bool = False
    source: str = ""
    volume: int | None = None
    sounded: bool = False
    seen_ms: int = 0
    start_error_ms: int | None = None
    underruns: int = 0
    been: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    segments: dict[str, tuple[Segment, ...]] = {}
    gaps: dict[str, OccurrenceReason] = {}
    rules: dict[str, dict[OccurrenceReason, str]] = {}
    broke: dict[str, tuple[OccurrenceReason, ...]] = {}
    volumes: dict[str, int] = {}
    ceilings: dict[str, int] = {}
    torn: dict[str, int] = {}
    carried: dict[str, dict[str, int]] = {}
    doubts: dict[str, OccurrenceReason] = {}
    stopped: tuple[str, ...] = ()
    recorded: bool = True
    languages_missing: tuple[str, ...] = ()
    unsaid: OccurrenceReason | None = None
    silent_ms: int = 0
    unheard: OccurrenceReason | None = None
    finished: bool = False
    done: OccurrenceReason | None = None
    about: About = About()
    kept: dict[str, OccurrenceReason] = {}
    passing: bool = False

    @property
    def is_over(self) -> bool:
        return self.finished or self.done is not None


class Settled(msgspec.Struct, frozen=True):
    """An occurrence whose outcome is recorded; it never plays again.

    zones: in which it took its air time of the day, so nobody kept it back there. moves: it was
    one that may end later than its slot.
    """

    end_ms: int
    aired: bool = False
    start_ms: int = 0
    zones: tuple[str, ...] = ()
    moves: bool = False


class Override(msgspec.Struct, frozen=True):
    """A local decision: hold or order an entry, skip an occurrence, set a zone's volume."""

    what: Literal["hold", "skip", "order", "volume"]
    by: str
    at_ms: int
    number: int = 0
    source: Literal["local", "command"] = "local"


class Approval(msgspec.Struct, frozen=True):
    """The commune's word about an entry of another authority. digest: of the entry looked at.

    nominal: about this occurrence only. place: local "HH:MM" at which it plays instead.
    """

    digest: str
    approved: bool
    by: str
    means: Literal["pin", "key"]
    at_ms: int
    nominal: str | None = None
    place: str = ""
    document_number: str = ""


class Undecided(msgspec.Struct, frozen=True):
    """An occurrence whose start passed while it waited for the commune's word or moved hour."""

    until_ms: int


class Quiet(msgspec.Struct, frozen=True):
    """A zone is kept quiet until `until_ms`, for a reason."""

    from_ms: int
    until_ms: int
    reason: str = ""
    by: str = ""


class WarningMemory(msgspec.Struct, frozen=True):
    """What became of a warning here. due_ms: when its next play may begin.

    zones: those of the play that is due; none are named for all that are addressed. heard: zones
    that heard all of it, and the instant before which they do not hear it again; None as written
    by software that knew of no zones. owed: zones that could not hear it for want of mains or of
    an answer from their controller. words_ms: when it is said, as its words have it; 0 is due_ms.
    missing: languages the last play was without.
    """

    id: str
    revision: int
    authority: str
    audience: str
    received_ms: int
    due_ms: int
    plays: int = 0
    ended: Literal["", "cancelled", "expired", "played"] = ""
    valid_until_ms: int = 0
    zones: tuple[str, ...] = ()
    heard: dict[str, int] | None = None
    owed: tuple[str, ...] = ()
    words_ms: int = 0
    missing: tuple[str, ...] = ()


class RefusalMemory(msgspec.Struct, frozen=True):
    """Which refusals were recorded (kind, digest, reason), and how many on `day` (UTC)."""

    told: tuple[str, ...] = ()
    day: int = 0
    count: int = 0


class AlarmMemory(msgspec.Struct, frozen=True):
    """An open alarm, or the last episode of a closed one."""

    code: str
    subject: str
    episode: int
    since_ms: int
    open: bool
    detail: str = ""
    acked_by: str = ""
    acked_ms: int = 0
    """Who took note of this episode, and when."""


class BoxMemory(msgspec.Struct, frozen=True):
    """The running box. boots: how often it started. undervoltage: in this run; None: unmeasured."""

    boot_id: str = ""
    boots: int = 0
    undervoltage: bool | None = None


class SourceItem(msgspec.Struct, frozen=True):
    """A bulletin that the source-system API asked to be played, and its airings (start, end).

    key: ours; schedule, bulletin: theirs. ended_ms: it stands in line no more, but records may
    name it.
    """

    key: str
    schedule: str
    schedule_title: str
    bulletin: str
    title: str
    klass: int
    sha256: str
    airings: tuple[tuple[int, int | None], ...]
    received_ms: int
    author: str = ""
    field: str = ""
    ended_ms: int | None = None
    about: About = About()


class SourceAnswer(msgspec.Struct, frozen=True):
    """What a call with an id was answered; reason None: it was carried out."""

    reason: AckReason | None
    detail: str
    at_ms: int


class SetAside(msgspec.Struct, frozen=True):
    """A record that the source-system API refused. why: in its own words."""

    why: str
    at_ms: int


class Marks(msgspec.Struct, frozen=True):
    """Single values. settled_through_ms: every occurrence that ended before it is settled.

    chain: of record next_seq - 1, hex; "" before the first. signed_seq, signed_ms: the newest
    checkpoint among the records.
    """

    settled_through_ms: int = 0
    birth: int = 0
    next_seq: int = 1
    cursor_through: int = 0
    cursor_revision: int = 0
    floor_ms: int = 0
    spread_ms: int = SPREAD_MS
    chain: str = ""
    signed_seq: int = 0
    signed_ms: int = 0
    source_through: int = 0
    """The source-system API is done with every record up to here."""


_KINDS: dict[str, type[msgspec.Struct]] = {
    "document": HeldDocument,
    "open": OpenItem,
    "settled": Settled,
    "override": Override,
    "approval": Approval,
    "undecided": Undecided,
    "quiet": Quiet,
    "warning": WarningMemory,
    "alarm": AlarmMemory,
    "refused": RefusalMemory,
    "data": DataUse,
    "box": BoxMemory,
    "source_item": SourceItem,
    "source_answer": SourceAnswer,
    "set_aside": SetAside,
}


def document_key(authority: str, audience: str, kind: str) -> str:
    return f"{authority}|{audience}|{kind}"


class Facts:
    """All facts of one station in memory; `taken` hands out what changed since the last time.

    The station is the only writer.
    """

    def __init__(self, rows: Iterable[tuple[str, str, bytes]] = ()) -> None:
        self.documents: dict[str, HeldDocument] = {}
        self.open: dict[str, OpenItem] = {}
        self.settled: dict[str, Settled] = {}
        self.overrides: dict[str, Override] = {}
        self.approvals: dict[str, Approval] = {}
        self.undecided: dict[str, Undecided] = {}
        self.quiets: dict[str, Quiet] = {}
        self.warnings: dict[str, WarningMemory] = {}
        self.alarms: dict[str, AlarmMemory] = {}
        self.refusals: dict[str, RefusalMemory] = {}
        self.data: dict[str, DataUse] = {}
        self.box: dict[str, BoxMemory] = {}
        self.source_items: dict[str, SourceItem] = {}
        self.source_answers: dict[str, SourceAnswer] = {}
        self.set_aside: dict[str, SetAside] = {}
        self.marks = Marks()
        self.commands = CommandMemory()
        self.unreadable: list[str] = []
        self._saves: list[Save] = []
        for kind, key, value in rows:
            self._load(kind, key, value)

    def _table(self, kind: str) -> dict[str, msgspec.Struct]:
        return {
            "document": self.documents,
            "open": self.open,
            "settled": self.settled,
            "override": self.overrides,
            "approval": self.approvals,
            "undecided": self.undecided,
            "quiet": self.quiets,
            "warning": self.warnings,
            "alarm": self.alarms,
            "refused": self.refusals,
            "data": self.data,
            "box": self.box,
            "source_item": self.source_items,
            "source_answer": self.source_answers,
            "set_aside": self.set_aside,
        }[kind]  # type: ignore[return-value]

    def _load(self, kind: str, key: str, value: bytes) -> None:
        try:
            if kind == "marks":
                self.marks = msgspec.json.decode(value, type=Marks)
            elif kind == "commands":
                self.commands = msgspec.json.decode(value, type=CommandMemory)
            elif kind in _KINDS:
                self._table(kind)[key] = msgspec.json.decode(value, type=_KINDS[kind])
        except (msgspec.DecodeError, msgspec.ValidationError) as error:
            self.unreadable.append(f"{kind}/{key}: {error}")

    def put(self, kind: str, key: str, fact: msgspec.Struct) -> None:
        """Remember and save."""
        self._table(kind)[key] = fact
        self._saves.append(Put(kind, key, msgspec.json.encode(fact)))

    def drop(self, kind: str, key: str) -> None:
        if self._table(kind).pop(key, None) is not None:
            self._saves.append(Drop(kind, key))

    def mark(self, **changes: int | str) -> None:
        marks = msgspec.structs.replace(self.marks, **changes)
        if marks != self.marks:
            self.marks = marks
            self._saves.append(Put("marks", "", msgspec.json.encode(marks)))

    def remember_commands(self, memory: CommandMemory) -> None:
        self.commands = memory
        self._saves.append(Put("commands", "", msgspec.json.encode(memory)))

    def save(self, save: Save) -> None:
        self._saves.append(save)

    def taken(self) -> tuple[Save, ...]:
        """The saves since the last call; of several for one fact only the last."""
        last: dict[tuple[str, str], int] = {}
        for place, save in enumerate(self._saves):
            if isinstance(save, Put | Drop):
                last[save.kind, save.key] = place
        kept = tuple(
            save
            for place, save in enumerate(self._saves)
            if not isinstance(save, Put | Drop) or last[save.kind, save.key] == place
        )
        self._saves.clear()
        return kept
