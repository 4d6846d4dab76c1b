"""The four signed documents, the signed command and the signed cursor, as typed messages.

Every body carries its own kind, audience and validity *inside* the signed bytes: broker
properties are not signed. Unknown fields are ignored here and survive, because the signed bytes
themselves are what is stored. Which key may say what is decided in `agent.core.trust`.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from agent.contract.reasons import AlarmCode
from agent.contract.units import (
    AudienceRef,
    ClassNumber,
    ClockTime,
    Count,
    Delay,
    DurationMs,
    EntryDigest,
    EpochMs,
    Id,
    KeyId,
    Language,
    Line,
    LocalDate,
    LocalTime,
    Produced,
    PublicKey,
    Rank,
    Revision,
    Sequence,
    Sha256,
    Slot,
    Summary,
    Tag,
    Text,
    Url,
    Volume,
    Weekday,
    ZoneInfoName,
    ZoneName,
)

DocumentKind = Literal["trust", "schedule", "content", "warning"]
SignedKind = Literal["trust", "schedule", "content", "warning", "command", "cursor"]
Role = Literal["root", "schedule", "content", "emergency", "command", "freshness", "release"]

FEATURES = frozenset(
    {
        "recurrence",
        "chime",
        "speech",
        "live-source",
        "buses",
        "warning-repeat",
        "late-policy",
        "regulation",
        "approval",
        "quiet",
        "versions",
        "line-in",
        "relay",
    }
)
"""What this station software understands; a document that `requires` more is `unsupported`."""

WARNING_LIFETIME_MAX_MS = 24 * 3_600_000
COMMAND_LIFETIME_MAX_MS = 10 * 60_000


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """What every signed body begins with.

    authority: who speaks. audience: to whom. revision: only grows per (authority, audience,
    kind). accept_until_ms bounds *acceptance*, not what was accepted before.
    """

    v: Literal[1]
    authority: Id
    audience: AudienceRef
    issued_at_ms: EpochMs
    accept_until_ms: EpochMs
    requires: tuple[Line, ...] = ()


# --- trust ---------------------------------------------------------------------------------


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """One person's or service's Ed25519 key."""

    public: PublicKey
    holder: Line
    not_after_ms: EpochMs


class AuthorityGrant(msgspec.Struct, frozen=True, kw_only=True):
    """A ranked issuer. `class_ceiling` 2 means: may say priority and normal, never emergency."""

    id: Id
    name: Line
    rank: Rank
    class_ceiling: ClassNumber
    home: bool = False


class RoleGrant(msgspec.Struct, frozen=True, kw_only=True):
    """Which keys hold `role` for `authority`, and how many of them must sign.

    `zones`/`hours` narrow a role (head of hamlet); empty means no narrowing. `hours` are local
    "HH:MM-HH:MM": when an entry plays, when a warning or command was issued.
    """

    role: Role
    authority: Id
    keyids: tuple[KeyId, ...]
    threshold: Annotated[int, Meta(ge=1, le=10)] = 1
    class_ceiling: ClassNumber = 1
    zones: tuple[ZoneName, ...] = ()
    hours: tuple[Line, ...] = ()
    free_text_threshold: Annotated[int, Meta(ge=1, le=10)] = 2


class GroupMembership(msgspec.Struct, frozen=True, kw_only=True):
    """This station listens to group `id`, which belongs to exactly one authority."""

    id: Id
    authority: Id


class WarningFile(msgspec.Struct, frozen=True, kw_only=True):
    """A recording, bound by hash by whoever signs this. slot: where a place to fetch it is found.

    duration_ms stands here too: a content key must not be able to cut a warning short.
    """

    slot: Slot
    sha256: Sha256
    duration_ms: DurationMs


class WarningTemplate(msgspec.Struct, frozen=True, kw_only=True):
    """Words an emergency may use with one signature.

    texts: by language, with places such as `{muc}` for what differs each time (each at most 60
    letters, words between them). files: recordings that may be played instead.
    """

    id: Line
    texts: dict[Language, Text] = {}
    files: tuple[WarningFile, ...] = ()


class Trust(Header, frozen=True, tag="trust", tag_field="kind", kw_only=True):
    """Keys, roles, ranked authorities and group membership of one station; signed by root.

    templates: a warning's words must be those of the one it names, or they count as free words.
    """

    revision: Revision
    keys: dict[KeyId, Key]
    root_keyids: tuple[KeyId, ...]
    root_threshold: Annotated[int, Meta(ge=1, le=10)]
    authorities: tuple[AuthorityGrant, ...]
    roles: tuple[RoleGrant, ...]
    groups: tuple[GroupMembership, ...] = ()
    templates: tuple[WarningTemplate, ...] = ()


# --- schedule ------------------------------------------------------------------------------


class FileSource(msgspec.Struct, frozen=True, tag="file", tag_field="kind", kw_only=True):
    """The file bound to `slot`: for the occurrence's local date, or for no date (`dated` false)."""

    slot: Slot
    dated: bool = False


class StreamSource(msgspec.Struct, frozen=True, tag="stream", tag_field="kind", kw_only=True):
    """A live stream, bound by its URL. All but https needs an explicit `insecure_live`: http,
    rtsp, rtsps (nobody checks its certificate), and the multicast groups of udp and rtp.

    delay_ms: held back by so much, to sound together with FM or wired horns next door. max_kbps:
    what a shared line may be asked to carry for it; a stream that carries more is left (0: any).
    """

    url: Url
    insecure_live: bool = False
    delay_ms: Delay = 0
    max_kbps: Annotated[int, Meta(ge=0, le=2_000)] = 0


class LineInSource(msgspec.Struct, frozen=True, tag="line_in", tag_field="kind", kw_only=True):
    """A line input, tuner or microphone of the station, by the name its configuration gives it.

    delay_ms: as of a stream.
    """

    input: Line = "line"
    delay_ms: Delay = 0


class TextSource(msgspec.Struct, frozen=True, tag="text", tag_field="kind", kw_only=True):
    """Text spoken by the station."""

    text: Text
    language: Language = "vi"


class ToneSource(msgspec.Struct, frozen=True, tag="tone", tag_field="kind", kw_only=True):
    """A tone made on the box."""

    name: Literal["chime", "siren", "test"] = "chime"


Source = FileSource | StreamSource | LineInSource | TextSource | ToneSource


class ZoneSelector(msgspec.Struct, frozen=True, kw_only=True):
    """Zones by name at one station, or by tag across stations; `all` is every zone."""

    names: tuple[ZoneName, ...] = ()
    tags: tuple[Tag, ...] = ()
    all: bool = False


class When(msgspec.Struct, frozen=True, kw_only=True):
    """When an entry plays, in local wall time of `tz`.

    start: first local start, also the anchor of `rrule`. rrule: RFC 5545 recurrence without
    the "RRULE:" prefix (None: once). dates: further local starts. except_: local starts left
    out. until: last local date on which it may start.
    """

    start: LocalTime
    tz: ZoneInfoName = "Asia/Ho_Chi_Minh"
    rrule: Line | None = None
    dates: tuple[LocalTime, ...] = ()
    except_: tuple[LocalTime, ...] = msgspec.field(default=(), name="except")
    until: LocalDate | None = None


class LateRule(msgspec.Struct, frozen=True, kw_only=True):
    """What to do when the planned start passed.

    join: at the exact position. restart: from the beginning when no more than `grace_ms` late.
    skip: not at all. Up to `ON_TIME_MS` (see core) counts as on time for every policy.
    """

    policy: Literal["join", "restart", "skip"] = "join"
    grace_ms: DurationMs = 0


class EndRule(msgspec.Struct, frozen=True, kw_only=True):
    """How an item ends at the end of its slot: cut, finish within N, or fade over N."""

    rule: Literal["cut", "finish", "fade"] = "cut"
    within_ms: DurationMs = 0


class About(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the journals of authorities ask of a bulletin and nothing here decides by.

    summary: what it says, in a sentence or two. produced: when it was made. pen_name, email: of
    its author.
    """

    summary: Summary = ""
    produced: Produced = ""
    pen_name: Line = ""
    email: Line = ""


UNTOLD = About()
"""Of which nothing is known."""


class RelayRule(msgspec.Struct, frozen=True, kw_only=True):
    """How a live relay is kept alive.

    retake: whether a live source that is well again is gone back to: at once, when the recording
    that stands in for it is over, or never. silent_ms: so much silence or hiss counts as a source
    that is down (0: silence is fine).
    """

    retake: Literal["at_once", "when_over", "never"] = "at_once"
    silent_ms: Annotated[int, Meta(ge=0, le=600_000)] = 20_000


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """The same bulletin in another language; sources as in an entry."""

    language: Language
    sources: Annotated[tuple[Source, ...], Meta(min_length=1, max_length=8)]


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the timetable.

    sources: in order of preference, the last ones are fallbacks. duration_ms: the slot; None
    means as long as the content. resume: what happens after a pre-emption: rejoin the
    timeline, continue where it stopped, or drop. versions: said after `sources`, in this order;
    one that is not there is left out and told in the record. relay: of its live sources.
    """

    id: Id
    title: Line
    when: When
    sources: Annotated[tuple[Source, ...], Meta(min_length=1, max_length=8)]
    zones: ZoneSelector
    klass: ClassNumber = msgspec.field(default=3, name="class")
    duration_ms: DurationMs | None = None
    chime: FileSource | ToneSource | None = None
    volume: Volume | None = None
    late: LateRule = LateRule()
    resume: Literal["rejoin", "continue", "drop"] = "rejoin"
    end: EndRule = EndRule()
    author: Line = ""
    approver: Line = ""
    document_number: Line = ""
    field: Line = ""
    language: Language = "vi"
    order: Annotated[int, Meta(ge=-1000, le=1000)] = 0
    note: Line = ""
    versions: Annotated[tuple[Version, ...], Meta(max_length=6)] = ()
    about: About = About()
    relay: RelayRule = RelayRule()


class AirWindow(msgspec.Struct, frozen=True, kw_only=True):
    """When ordinary and priority items may sound: a session (buổi phát).

    hours: local "HH:MM-HH:MM", within one day, the end up to 24:00. days: 1 Monday to 7 Sunday,
    empty: every day. zones: None is all. session_ms: the most air time of one zone in the window.
    """

    hours: Line
    days: tuple[Weekday, ...] = ()
    zones: ZoneSelector | None = None
    session_ms: DurationMs | None = None


class VolumeCeiling(msgspec.Struct, frozen=True, kw_only=True):
    """The loudest that may be set within `hours` (local, may run past midnight).

    days: on which `hours` begin. Of several in force the lowest counts.
    """

    hours: Line
    volume: Volume
    days: tuple[Weekday, ...] = ()
    zones: ZoneSelector | None = None


class Regulation(msgspec.Struct, frozen=True, kw_only=True):
    """The commune's operating regulation. It binds everything but emergencies.

    windows: empty means any time; a zone that none of them names is not bound to hours.
    silent_dates: nothing sounds then. sessions_per_day: the most windows of a day in which a zone
    may sound. languages: empty means any.
    """

    title: Line = ""
    document_number: Line = ""
    windows: Annotated[tuple[AirWindow, ...], Meta(max_length=48)] = ()
    silent_dates: Annotated[tuple[LocalDate, ...], Meta(max_length=400)] = ()
    sessions_per_day: Annotated[int, Meta(ge=1, le=48)] | None = None
    ceilings: Annotated[tuple[VolumeCeiling, ...], Meta(max_length=48)] = ()
    languages: tuple[Language, ...] = ()


class ApprovalRule(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the commune wants to be asked before ordinary items of `authority` play.

    standing: approved in advance, by the document named.
    """

    authority: Id
    mode: Literal["ask", "standing"] = "ask"
    document_number: Line = ""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of the home authority.

    approvals: None means that nobody is asked (as before there were approvals); else other
    authorities without a rule are asked for. approver_differs: who made an item may not approve it.
    held_on_battery: what waits for mains while the station lives on a battery, so that the charge
    lasts for warnings: ordinary items, priority ones too, or nothing.
    """

    volume: Volume = 70
    warning_volume: Volume = 90
    zone_tags: dict[ZoneName, tuple[Tag, ...]] = {}
    zone_volumes: dict[ZoneName, Volume] = {}
    regulation: Regulation | None = None
    approvals: Annotated[tuple[ApprovalRule, ...], Meta(max_length=64)] | None = None
    approver_differs: bool = False
    held_on_battery: Literal["nothing", "normal", "priority"] = "normal"


class Schedule(Header, frozen=True, tag="schedule", tag_field="kind", kw_only=True):
    """A timetable. `made_from` is the revision it was edited from (compare-and-set)."""

    revision: Revision
    entries: Annotated[tuple[Entry, ...], Meta(max_length=2_000)]
    settings: Settings | None = None
    made_from: Count = 0
    effective_from: LocalTime | None = None
    pushed_by: Line = ""


# --- content -------------------------------------------------------------------------------


class Binding(msgspec.Struct, frozen=True, kw_only=True):
    """{slot, date} → a file, bound by hash. `date` None: the slot without a date.

    author, about: of this file; in records they go before those of the entry that plays it.
    """

    slot: Slot
    date: LocalDate | None
    sha256: Sha256
    size: Annotated[int, Meta(ge=1, le=2_000_000_000)]
    duration_ms: DurationMs
    url: Url
    media_type: Line = ""
    title: Line = ""
    author: Line = ""
    about: About = About()


class Content(Header, frozen=True, tag="content", tag_field="kind", kw_only=True):
    """Which file fills which slot on which date."""

    revision: Revision
    bindings: Annotated[tuple[Binding, ...], Meta(max_length=4_000)]
    made_from: Count = 0


# --- warning -------------------------------------------------------------------------------


class Warning(msgspec.Struct, frozen=True, kw_only=True):  # noqa: A001 - the contract's word
    """One emergency. A higher revision replaces it; `cancelled` ends it.

    texts/files: by language, in the order they are played; a content document says only where
    a file can be fetched. repeat_every_ms 0: once.
    """

    id: Id
    revision: Revision
    issued_at_ms: EpochMs
    valid_until_ms: EpochMs
    title: Line
    zones: ZoneSelector
    texts: dict[Language, Text] = {}
    files: dict[Language, WarningFile] = {}
    level: Literal["information", "watch", "warning", "extreme"] = "warning"
    siren: bool = True
    repeat_every_ms: DurationMs = 0
    cancelled: bool = False
    author: Line = ""
    approver: Line = ""
    template: Line | None = None
    drill: bool = False


class Warnings(Header, frozen=True, tag="warning", tag_field="kind", kw_only=True):
    """All active emergencies of an authority for an audience."""

    revision: Revision
    warnings: Annotated[tuple[Warning, ...], Meta(max_length=32)]


Document = Trust | Schedule | Content | Warnings

# --- command -------------------------------------------------------------------------------


class SetVolume(msgspec.Struct, frozen=True, tag="volume", tag_field="verb", kw_only=True):
    zones: ZoneSelector
    volume: Volume


class StopItem(msgspec.Struct, frozen=True, tag="stop", tag_field="verb", kw_only=True):
    """End what is on air in `zones` (not an emergency)."""

    zones: ZoneSelector


class SkipOccurrence(msgspec.Struct, frozen=True, tag="skip", tag_field="verb", kw_only=True):
    entry: Id
    nominal: LocalTime


class TestTone(msgspec.Struct, frozen=True, tag="test_tone", tag_field="verb", kw_only=True):
    zones: ZoneSelector
    length_ms: Annotated[int, Meta(ge=100, le=60_000)] = 3_000


class ReplayEntry(msgspec.Struct, frozen=True, tag="replay", tag_field="verb", kw_only=True):
    """Play an entry of an accepted schedule once more, now."""

    entry: Id


class CancelCommand(msgspec.Struct, frozen=True, tag="cancel", tag_field="verb", kw_only=True):
    """Cancel command `id`; for an unknown id it leaves a tombstone."""

    id: Id


class Refetch(msgspec.Struct, frozen=True, tag="refetch", tag_field="verb", kw_only=True):
    sha256: Sha256


class Resend(msgspec.Struct, frozen=True, tag="resend", tag_field="verb", kw_only=True):
    """Send the event records from `from_seq` on again."""

    from_seq: Sequence


class Diagnose(msgspec.Struct, frozen=True, tag="diagnose", tag_field="verb", kw_only=True):
    """Run the fixed, read-only checks and put the result into the ack."""


class SetLogLevel(msgspec.Struct, frozen=True, tag="log", tag_field="verb", kw_only=True):
    level: Literal["info", "debug"] = "info"


class ApproveEntry(msgspec.Struct, frozen=True, tag="approve", tag_field="verb", kw_only=True):
    """The commune lets an ordinary item of `authority` play, or (approved false) does not.

    digest: of the entry that was looked at; an entry that changed since has to be approved again.
    nominal: this occurrence only; None: every one. place: local "HH:MM" at which it plays instead.
    """

    authority: Id
    entry: Id
    digest: EntryDigest
    approved: bool = True
    nominal: LocalTime | None = None
    place: ClockTime | None = None
    document_number: Line = ""


class HoldEntry(msgspec.Struct, frozen=True, tag="hold", tag_field="verb", kw_only=True):
    """Do not start an entry of `authority` until it is released (held false)."""

    authority: Id
    entry: Id
    held: bool = True


class OrderEntry(msgspec.Struct, frozen=True, tag="order", tag_field="verb", kw_only=True):
    """The commune's order among items of the same class, before rank; lower goes first.

    It decides colliding priority items whoever sent them; 0 leaves it to the ranks.
    """

    authority: Id
    entry: Id
    order: Annotated[int, Meta(ge=-1000, le=1000)]


class KeepQuiet(msgspec.Struct, frozen=True, tag="quiet", tag_field="verb", kw_only=True):
    """Nothing but emergencies in `zones` until `until_ms`; 0 ends it. reason: why (a funeral)."""

    zones: ZoneSelector
    until_ms: EpochMs
    reason: Line = ""


class AckAlarm(msgspec.Struct, frozen=True, tag="ack_alarm", tag_field="verb", kw_only=True):
    """Somebody takes note of an open alarm: of this episode, not of the next one."""

    code: AlarmCode
    subject: Line = ""
    episode: Count


class Reboot(msgspec.Struct, frozen=True, tag="reboot", tag_field="verb", kw_only=True):
    """Restart the agent (never while a warning is active)."""


Action = (
    SetVolume
    | StopItem
    | SkipOccurrence
    | TestTone
    | ReplayEntry
    | CancelCommand
    | Refetch
    | Resend
    | Diagnose
    | SetLogLevel
    | AckAlarm
    | ApproveEntry
    | HoldEntry
    | OrderEntry
    | KeepQuiet
    | Reboot
)


class Command(Header, frozen=True, tag="command", tag_field="kind", kw_only=True):
    """One command. `accept_until_ms` is at most ten minutes after `issued_at_ms`.

    seq: grows per (key, audience); the station keeps a 64-wide window.
    """

    id: Id
    seq: Sequence
    action: Action
    by: Line = ""


class Cursor(Header, frozen=True, tag="cursor", tag_field="kind", kw_only=True):
    """The source system holds every event of (installation, stream) up to `through`.

    reconnect_spread_ms: over how long its stations spread their return after the broker closed
    them all; it grows with their number. None: the station keeps what it was told before.
    """

    revision: Revision
    installation: Id
    stream: Id
    through: Sequence
    nonce: Line = ""
    reconnect_spread_ms: Annotated[int, Meta(ge=0, le=600_000)] | None = None


Signed = Trust | Schedule | Content | Warnings | Command | Cursor
