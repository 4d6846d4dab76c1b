"""What may be asked through the control socket, and the typed answers.

`stationctl` shows these; `--json` prints them as they are. Instants are epoch ms.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from agent.contract.details import DataDetails, Details, LinkDetails
from agent.contract.reasons import LinkFault, OccurrenceReason
from agent.contract.reports import ApprovalMeans, Confirmation, DocumentReport, Outcome, Refusal
from agent.contract.units import (
    ClockTime,
    EntryDigest,
    EpochMs,
    Language,
    Line,
    LocalTime,
    Text,
    Volume,
)

Verdict = Literal["ok", "warning", "fault", "unknown"]

ApprovalState = Literal["not_needed", "awaiting", "approved", "refused"]


class StatusRequest(msgspec.Struct, frozen=True, tag="status", tag_field="ask"):
    pass


class PlanRequest(msgspec.Struct, frozen=True, tag="plan", tag_field="ask"):
    hours: int = 24


class ZonesRequest(msgspec.Struct, frozen=True, tag="zones", tag_field="ask"):
    pass


class AlarmsRequest(msgspec.Struct, frozen=True, tag="alarms", tag_field="ask"):
    pass


class LinkRequest(msgspec.Struct, frozen=True, tag="link", tag_field="ask"):
    pass


class DoctorRequest(msgspec.Struct, frozen=True, tag="doctor", tag_field="ask"):
    pass


class AudioRequest(msgspec.Struct, frozen=True, tag="audio", tag_field="ask"):
    """How the card runs. For some seconds the station looks once a second: ask again."""


class JournalRequest(msgspec.Struct, frozen=True, tag="journal", tag_field="ask"):
    """Answered by the runtime from the journal, newest first."""

    limit: int = 50


class TestToneRequest(msgspec.Struct, frozen=True, tag="test_tone", tag_field="ask"):
    """zones empty: all. Refused while something is on air there.

    pattern: the self-test's own sound and length, which is looked for on the return line.
    """

    zones: tuple[str, ...] = ()
    length_ms: int = 3_000
    pattern: bool = False


class ToneRequest(msgspec.Struct, frozen=True, tag="tone", tag_field="ask"):
    """What became of a test tone. entry: as it was named when it was taken up."""

    entry: str


class VolumeRequest(msgspec.Struct, frozen=True, tag="volume", tag_field="ask"):
    """volume None: back to what the timetable says. zones empty: all."""

    zones: tuple[str, ...]
    volume: Volume | None


class HoldRequest(msgspec.Struct, frozen=True, tag="hold", tag_field="ask"):
    """Do not start `entry` until released."""

    authority: str
    entry: str
    held: bool = True


class SkipRequest(msgspec.Struct, frozen=True, tag="skip", tag_field="ask"):
    authority: str
    entry: str
    nominal: str


class OrderRequest(msgspec.Struct, frozen=True, tag="order", tag_field="ask"):
    """The commune's order of an entry among those of its class; lower goes first."""

    authority: str
    entry: str
    order: int


class ApproveRequest(msgspec.Struct, frozen=True, tag="approve", tag_field="ask"):
    """The commune lets an ordinary item of `authority` play, or (approved false) does not.

    digest: of the entry that was shown (`Upcoming.digest`). nominal: this occurrence only; None:
    every one. place: local time at which it plays instead. by: the name of who approves; means:
    how the command line made sure of it.
    """

    authority: str
    entry: str
    digest: EntryDigest
    by: Line
    means: Literal["pin", "key"]
    approved: bool = True
    nominal: LocalTime | None = None
    place: ClockTime | None = None
    document_number: Line = ""


class StopRequest(msgspec.Struct, frozen=True, tag="stop", tag_field="ask"):
    """End what is on air. zones empty: all. Refused while an emergency sounds there."""

    zones: tuple[str, ...] = ()


class QuietRequest(msgspec.Struct, frozen=True, tag="quiet", tag_field="ask"):
    """Nothing but emergencies in `zones` (empty: all) until `until_ms`; 0 ends it."""

    zones: tuple[str, ...]
    until_ms: EpochMs
    reason: Line = ""


class AnnounceRequest(msgspec.Struct, frozen=True, tag="announce", tag_field="ask"):
    """Say `text` now, as an item of class 2 of the commune. zones empty: all.

    The rules of the air bind it: refused where they keep it from sounding everywhere. over: what
    plays there goes on beneath it, turned down, where no zone would hear what is not for it.
    """

    zones: tuple[str, ...]
    text: Text
    language: Language = "vi"
    title: Line = ""
    over: bool = False


class SpeakRequest(msgspec.Struct, frozen=True, tag="speak", tag_field="ask"):
    """Open an input of the station (a microphone) to `zones` now, for at most `length_ms`.

    input: as the configuration names it; empty: the only one there is. Else as `AnnounceRequest`.
    """

    zones: tuple[str, ...]
    length_ms: int
    input: Line = ""
    title: Line = ""
    over: bool = False


class SpokenRequest(msgspec.Struct, frozen=True, tag="spoken", tag_field="ask"):
    """How a `SpeakRequest` stands. entry: as it was named when it was taken up."""

    entry: str


class EndSpeechRequest(msgspec.Struct, frozen=True, tag="end_speech", tag_field="ask"):
    """Close the input again, before its time is over."""

    entry: str


class AckAlarmRequest(msgspec.Struct, frozen=True, tag="ack_alarm", tag_field="ask"):
    """Somebody takes note of an open alarm: of this episode, not of the next one."""

    code: Line
    subject: Line
    episode: int


class PinNoteRequest(msgspec.Struct, frozen=True, tag="pin_note", tag_field="ask"):
    """For the journal: a PIN was set or taken away. Only of who may write the file of PINs.

    may: the rights of `name` from now on; none: it was taken away.
    """

    name: Line
    may: tuple[Line, ...] | None = None


Request = (
    StatusRequest
    | PlanRequest
    | ZonesRequest
    | AlarmsRequest
    | LinkRequest
    | DoctorRequest
    | AudioRequest
    | JournalRequest
    | TestToneRequest
    | ToneRequest
    | VolumeRequest
    | HoldRequest
    | SkipRequest
    | OrderRequest
    | ApproveRequest
    | StopRequest
    | QuietRequest
    | AnnounceRequest
    | SpeakRequest
    | SpokenRequest
    | EndSpeechRequest
    | AckAlarmRequest
    | PinNoteRequest
)


class Refused(msgspec.Struct, frozen=True, tag="refused", tag_field="answer"):
    """The request was not carried out. code: an AckReason value.

    tries_left: before a name has to wait after a wrong PIN; wait_ms: how long it has to.
    """

    code: str
    detail: str = ""
    tries_left: int | None = None
    wait_ms: int | None = None


class Kept(msgspec.Struct, frozen=True):
    """Zones in which a rule or a quiet keeps an item from playing, or from playing to its end.

    reason: an OccurrenceReason value. rule: in the words of the regulation or the quiet. from_ms,
    to_ms: when within the item; None is from its beginning, to its end. What starts over although
    late plays after a to_ms that lies beyond its slot.
    """

    zones: tuple[str, ...]
    reason: str
    rule: str = ""
    from_ms: int | None = None
    to_ms: int | None = None


class Follows(msgspec.Struct, frozen=True):
    """What begins in zones in which something was stopped."""

    authority: str
    entry: str
    title: str
    zones: tuple[str, ...]
    from_ms: int


class Done(msgspec.Struct, frozen=True, tag="done", tag_field="answer"):
    """The request was carried out. entry: of something that was only taken up, and sounds later.

    stored: False while the disk takes nothing: a power cut forgets what was decided. kept: zones in
    which it will not sound, and why. ceilings: zones that are not as loud as was asked for, and the
    most they may be. follows: what a stop makes room for within a minute.
    """

    detail: str = ""
    entry: str = ""
    stored: bool = True
    kept: tuple[Kept, ...] = ()
    ceilings: tuple[tuple[str, int], ...] = ()
    follows: tuple[Follows, ...] = ()
    tz: str = ""


class ToneZone(msgspec.Struct, frozen=True):
    """What one zone had of a tone. level_cdb: the loudest that left the card for it."""

    zone: str
    outcome: Outcome
    reason: OccurrenceReason | None
    confirmed: Confirmation
    played_ms: int
    level_cdb: int | None = None


class ToneReturned(msgspec.Struct, frozen=True):
    """What the return line had of a self-test. heard None: it could not be listened to, see fault.

    delay_us: from the card's converter to its input, buffers included. level_cdb: of the pattern;
    snr_cdb: how far that is above everything else on the line.
    """

    heard: bool | None
    fault: str = ""
    delay_us: int | None = None
    level_cdb: int | None = None
    snr_cdb: int | None = None


class ToneView(msgspec.Struct, frozen=True, tag="tone", tag_field="answer"):
    """unknown: nothing of this name was taken up since the agent started. zones: once it is over.

    starts_ms: the amplifiers may have to warm up first. measuring: what the return line had is
    not known yet. returned: once it is; None where no line hears it.
    """

    at_ms: int
    entry: str
    state: Literal["waiting", "sounding", "over", "unknown"]
    starts_ms: int | None = None
    zones: tuple[ToneZone, ...] = ()
    measuring: bool = False
    returned: ToneReturned | None = None


class SpokenView(msgspec.Struct, frozen=True, tag="spoken", tag_field="answer"):
    """An open input. speaks_ms: from when on it is heard, the chime is over then; None: not known
    yet. ends_ms: when it is closed by itself. zones: that hear it now, or could at all.
    """

    at_ms: int
    entry: str
    state: Literal["waiting", "sounding", "over", "unknown"]
    input: str = ""
    speaks_ms: int | None = None
    ends_ms: int | None = None
    zones: tuple[str, ...] = ()


class OnAir(msgspec.Struct, frozen=True):
    """zones: (name, whether its sound is confirmed).

    source, source_ms: of a programme with live sources, what carries it now (as records call it)
    and since when; empty where there is but one, or nothing sounds yet.
    """

    title: str
    klass: int
    bus: int
    entry: str
    started_ms: int | None
    ends_ms: int | None
    zones: tuple[tuple[str, Confirmation], ...]
    level_cdb: int | None
    source: str = ""
    source_ms: int | None = None


class Sounds(msgspec.Struct, frozen=True):
    """Zones in which an item will sound together. spans: (from, until) in order; several where it
    is interrupted and comes back."""

    zones: tuple[str, ...]
    spans: tuple[tuple[EpochMs, EpochMs], ...]


class Behind(msgspec.Struct, frozen=True):
    """What an item gives way to. order: the commune's number of it."""

    authority: str
    entry: str
    title: str
    klass: int
    order: int = 0


class Upcoming(msgspec.Struct, frozen=True):
    """ready: its sound is on the box (None: nothing to fetch)."""

    start_ms: int
    duration_ms: int | None
    title: str
    klass: int
    entry: str
    authority: str
    nominal: str
    zones: tuple[str, ...]
    ready: bool | None
    problem: str = ""
    """An OccurrenceReason value that keeps it, or part of it, from playing as planned."""
    problem_zones: tuple[str, ...] = ()
    rule: str = ""
    """The words of the rule behind `problem`, empty when it is no rule."""
    kept: tuple[Kept, ...] = ()
    """Every rule and quiet that keeps it back, zone by zone."""
    approval: ApprovalState = "not_needed"
    approval_means: ApprovalMeans | None = None
    approved_by: str = ""
    document_number: str = ""
    digest: str = ""
    """What an approval is bound to; empty for what is in no timetable."""
    author: str = ""
    approver: str = ""
    languages_missing: tuple[str, ...] = ()
    """Languages it should be said in, and has no sound for yet."""
    sounds: tuple[Sounds, ...] | None = None
    """When and where it will really sound, by the forecast the station follows; zones that stand
    in none will not hear it. Empty: nothing of it sounds as things are. None: not told."""
    behind: Behind | None = None
    """What it gives way to, when that is its problem."""


class QuietView(msgspec.Struct, frozen=True):
    """Zones kept quiet together: until when, why, and by whom."""

    zones: tuple[str, ...]
    until_ms: int
    reason: str
    by: str


class WarningView(msgspec.Struct, frozen=True):
    """A warning that stays here while it is valid, heard or not.

    next_ms: when it is said next, None for not by itself. owed: zones that could not hear it for
    want of mains or of an answer from their controller, and will when that is over. plays: so often
    it was said to its end. languages_missing: it has no sound for them here.
    """

    id: str
    title: str
    authority: str
    issued_at_ms: int
    valid_until_ms: int
    zones: tuple[str, ...]
    plays: int
    next_ms: int | None
    repeat_every_ms: int = 0
    owed: tuple[str, ...] = ()
    on_air: bool = False
    languages_missing: tuple[str, ...] = ()
    drill: bool = False


class AlarmView(msgspec.Struct, frozen=True):
    code: str
    subject: str
    since_ms: int
    episode: int
    detail: str = ""
    acked_by: str = ""
    acked_ms: int | None = None
    """Who took note of it, and when."""


class StatusView(msgspec.Struct, frozen=True, tag="status", tag_field="answer"):
    station: str
    name: str
    version: str
    at_ms: int
    tz: str
    clock: str
    connected: bool
    connected_since_ms: int | None
    player: Literal["ready", "lost", "starting"]
    on_air: tuple[OnAir, ...]
    upcoming: tuple[Upcoming, ...]
    alarms: tuple[AlarmView, ...]
    documents: tuple[DocumentReport, ...]
    refusals: tuple[Refusal, ...]
    warnings: tuple[str, ...]
    unsent_records: int
    schedule_ends_ms: int | None
    temperature_cdeg: int | None
    storage_free_mib: int | None
    memory_free_mib: int | None
    uptime_s: int | None
    schedule_endless: bool = False
    """The timetable has no last occurrence; else `schedule_ends_ms` is its start, None for none."""
    emergencies: tuple[WarningView, ...] = ()
    quiet: tuple[QuietView, ...] = ()
    awaiting: int = 0
    """Occurrences of the next 24 hours that wait for the commune's approval."""
    link_fault: LinkFault | None = None
    """Why the source system cannot be reached, as far as can be told."""
    details: Details | None = None
    """Box, link, power and amplifiers, as they are told upwards when they change."""
    due: tuple[str, ...] = ()
    """Titles of what should sound now and cannot, because no sound leaves the station."""


class LinkView(msgspec.Struct, frozen=True, tag="link", tag_field="answer"):
    """The way out. roaming: whether it is allowed; probing: whether a page is asked when lost."""

    at_ms: int
    tz: str
    connected: bool
    connected_since_ms: int | None
    cause: str
    fault: LinkFault | None
    link: LinkDetails
    data: DataDetails
    roaming: bool = False
    probing: bool = False


class PlanView(msgspec.Struct, frozen=True, tag="plan", tag_field="answer"):
    at_ms: int
    tz: str
    items: tuple[Upcoming, ...]
    quiet: tuple[QuietView, ...] = ()


class ZoneView(msgspec.Struct, frozen=True):
    name: str
    tags: tuple[str, ...]
    controller: str
    controller_state: str
    gate_wished: bool
    gate: bool | None
    confirmed: Confirmation
    line: str
    volume: int
    volume_source: Literal["timetable", "local", "command"]
    gain_cdb: int
    level_cdb: int | None
    playing: str
    power: str
    lease: str
    ceiling: int | None = None
    """The volume ceiling in force, if any."""
    wanted: int | None = None
    """The volume as it was set, which the ceiling may lower."""
    mains: bool | None = None
    """Whether its amplifier has mains; None: nobody says so."""
    sounding: bool | None = None
    """Whether `playing` leaves the card; None: nothing is to play."""


class ZonesView(msgspec.Struct, frozen=True, tag="zones", tag_field="answer"):
    at_ms: int
    zones: tuple[ZoneView, ...]


class AlarmsView(msgspec.Struct, frozen=True, tag="alarms", tag_field="answer"):
    at_ms: int
    tz: str
    alarms: tuple[AlarmView, ...]


BusKind = Literal["sound", "silent", "hiss"]


class BusView(msgspec.Struct, frozen=True):
    """One channel of the card. kind None: nothing plays there, or nothing was measured yet.

    title, zones: what plays, and where it is heard. limited_cdb: taken back by the limiter.
    levelled_cdb: given to a live source, to bring it to the station's level; None: nothing is.
    source, source_ms: as in `OnAir`.
    """

    bus: int
    title: str = ""
    zones: tuple[str, ...] = ()
    kind: BusKind | None = None
    for_ms: int = 0
    level_cdb: int | None = None
    peak_cdb: int | None = None
    limited_cdb: int = 0
    levelled_cdb: int | None = None
    source: str = ""
    source_ms: int | None = None


class ReturnView(msgspec.Struct, frozen=True):
    """What comes back of a bus. fault: `not_found`, `refused`, `stalled`, or empty.

    lacks_ms: nothing has come back for so long although sound is sent; None: nobody can say.
    """

    bus: int
    kind: BusKind | None = None
    fault: str = ""
    level_cdb: int | None = None
    peak_cdb: int | None = None
    lacks_ms: int | None = None


class AudioView(msgspec.Struct, frozen=True, tag="audio", tag_field="answer"):
    """The card. device: as it is configured; resolved: what that was found to mean now.

    seen_ms: when it was measured, None: not since it opened. why, detail: what the sound child died
    of, while none runs. underruns, reopened, lost: since the agent began; the last is how often the
    card or its process was lost. None: not known.
    """

    at_ms: int
    tz: str
    player: Literal["ready", "lost", "starting"]
    device: str = ""
    resolved: str = ""
    why: str = ""
    detail: str = ""
    seen_ms: int | None = None
    frames_per_buffer: int | None = None
    latency_ms: int | None = None
    underruns: int | None = None
    reopened: int | None = None
    lost: int = 0
    drift_ppm: int | None = None
    callback_p50_us: int | None = None
    callback_p99_us: int | None = None
    callback_max_us: int | None = None
    buses: tuple[BusView, ...] = ()
    back: ReturnView | None = None
    """None where no return line is configured."""


CHECKS = (
    "config",
    "clock",
    "power",
    "box",
    "link",
    "data",
    "broker",
    "certificate",
    "content",
    "sound",
    "controller",
    "zones",
    "storage",
    "records",
    "plan",
)


class Check(msgspec.Struct, frozen=True):
    """detail/next are (vi, en) texts."""

    name: str
    verdict: Verdict
    detail: tuple[str, str]
    next: tuple[str, str] = ("", "")


class DoctorView(msgspec.Struct, frozen=True, tag="doctor", tag_field="answer"):
    at_ms: int
    checks: tuple[Check, ...]


class JournalLine(msgspec.Struct, frozen=True):
    seq: int
    at_ms: int
    body: msgspec.Raw


class JournalView(msgspec.Struct, frozen=True, tag="journal", tag_field="answer"):
    at_ms: int
    tz: str
    through: int
    records: tuple[JournalLine, ...]


Answer = (
    Refused
    | Done
    | StatusView
    | PlanView
    | ZonesView
    | AlarmsView
    | LinkView
    | DoctorView
    | AudioView
    | JournalView
    | ToneView
    | SpokenView
)
