"""Everything that can happen to a station. Adapters make these; `Station.handle` takes them.

Observations carry no policy: what they mean is decided in the core. Adapters reduce (D10): they
report changes, and at most one sample a minute of anything that moves all the time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from agent.contract.reports import Confirmation
from agent.core.loudness import Loudness
from agent.player.protocol import EndReason, SourceFault

ClockTrust = Literal["trusted", "untrusted"]


@dataclass(frozen=True, slots=True)
class Now:
    """One reading of both clocks. wall = mono + the mapping of `epoch`."""

    mono_ms: int
    wall_ms: int
    epoch: int = 0
    trust: ClockTrust = "trusted"


@dataclass(frozen=True, slots=True)
class Booted:
    """The agent began; facts are loaded. `chance` in [0, 1) spreads the first connect.

    installation: the id made at first start. nonce: answered by signed freshness.
    """

    installation: str
    nonce: str = ""
    chance: float = 0.0


@dataclass(frozen=True, slots=True)
class Wake:
    """The moment asked for by the last batch has come."""


@dataclass(frozen=True, slots=True)
class MessageArrived:
    """An MQTT message. `receipt` goes back in `AckMessage`; `topic` as received."""

    receipt: int
    topic: str
    payload: bytes
    retained: bool


@dataclass(frozen=True, slots=True)
class LinkChanged:
    """The broker connection. chance: a number in [0, 1) for the next wait."""

    connected: bool
    cause: Literal["none", "own_link", "broker_closed", "not_authorised", "tls"] = "none"
    detail: str = ""
    chance: float = 0.0


@dataclass(frozen=True, slots=True)
class Delivered:
    """The broker acknowledged the publish with this token (not yet delivery, see the cursor)."""

    token: int


@dataclass(frozen=True, slots=True)
class FilesFound:
    """What lies verified in the content store: sha256 → bytes. Sent at start and after repair."""

    files: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class FileReady:
    """Fetched, hash-verified, published atomically."""

    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class FilesMeasured:
    """How loud files are: sha256 → what was measured, None where it cannot be. Sent at start with
    what is known from before, and as the answer to `Measure`. lacking: what the box needs before
    anything can be measured."""

    files: tuple[tuple[str, Loudness | None], ...]
    lacking: str = ""


FetchFault = Literal[
    "not_found",
    "wrong_hash",
    "too_long",
    "network",
    "refused",
    "no_space",
    "no_storage",
    "bad_url",
]


@dataclass(frozen=True, slots=True)
class FetchFailed:
    """One try ended. `chance` in [0, 1) spreads the next one."""

    sha256: str
    fault: FetchFault
    detail: str = ""
    chance: float = 0.0


@dataclass(frozen=True, slots=True)
class SpeechReady:
    """The text asked for by `Speak` under `key` is a sound file of this length."""

    key: str
    duration_ms: int
    loudness: Loudness | None = None


@dataclass(frozen=True, slots=True)
class SpeechFailed:
    """lasting: the same text fails again until the box is changed (no voice for its language)."""

    key: str
    detail: str
    lasting: bool = False


@dataclass(frozen=True, slots=True)
class PlayerReady:
    """A sound child has its device open. Cues sent to an earlier child are gone."""

    device: str
    latency_ms: int


@dataclass(frozen=True, slots=True)
class PlayerLost:
    """The sound child died, hung and was killed, or has no device. Nothing sounds now.

    silent_ms: for so long already; what is booked as heard ends there.
    """

    why: str
    detail: str = ""
    silent_ms: int = 0


@dataclass(frozen=True, slots=True)
class SoundStarted:
    """First sample of the cue left the card at `at_ms`."""

    token: str
    bus: int
    part: int
    position_ms: int
    at_ms: int


@dataclass(frozen=True, slots=True)
class SoundProgress:
    """After 1, 2, 4 and 8 s of a cue and then every 10 s, so that what a kill leaves unsaved is
    never more than half of what sounded; and at once when sound turns into silence or back.

    underruns, played_ms: since the cue began; the latter only what really sounded.
    """

    token: str
    bus: int
    part: int
    position_ms: int
    at_ms: int
    level_cdb: int | None
    underruns: int
    played_ms: int


@dataclass(frozen=True, slots=True)
class SoundHeard:
    """What really left the mixer while a cue plays: once when it is heard, and every five seconds
    from the moment on at which it has been silence, or nothing but hiss, for three and a half."""

    token: str
    bus: int
    part: int
    source: int
    position_ms: int
    at_ms: int
    kind: Literal["sound", "silent", "hiss"]
    for_ms: int
    level_cdb: int


@dataclass(frozen=True, slots=True)
class BusHeard:
    """The last quarter of a second that left a bus on which a cue plays. limited_cdb: the lowest
    gain of the limiter in the last second. levelled_cdb: the gain that a live source was led to;
    None: it is not live, or not levelled."""

    bus: int
    kind: Literal["sound", "silent", "hiss"]
    for_ms: int
    level_cdb: int
    peak_cdb: int
    limited_cdb: int = 0
    levelled_cdb: int | None = None


@dataclass(frozen=True, slots=True)
class ReturnHeard:
    """What came back of a bus. kind None: nothing is known, and fault may say why.

    lacks_ms: for so long nothing has come back although sound was sent; None: nobody can say.
    """

    bus: int
    kind: Literal["sound", "silent", "hiss"] | None
    fault: str = ""
    for_ms: int = 0
    level_cdb: int | None = None
    peak_cdb: int | None = None
    lacks_ms: int | None = None


@dataclass(frozen=True, slots=True)
class AudioSeen:
    """How the card runs: after it opened, every ten seconds while something plays, once a minute
    otherwise, and once a second after a `WatchSound`.

    resolved: what the configured name was found to mean. underruns, reopened: of this child.
    """

    device: str
    resolved: str
    frames_per_buffer: int
    latency_ms: int
    underruns: int
    reopened: int = 0
    drift_ppm: int | None = None
    callback_p50_us: int | None = None
    callback_p99_us: int | None = None
    callback_max_us: int | None = None
    buses: tuple[BusHeard, ...] = ()
    back: ReturnHeard | None = None


@dataclass(frozen=True, slots=True)
class SoundReturned:
    """Nothing comes back of a bus although sound is sent (told again every five seconds), or
    something does again (lacks_ms 0)."""

    bus: int
    lacks_ms: int
    at_ms: int


@dataclass(frozen=True, slots=True)
class ReturnCompared:
    """What became of a `CompareReturn`. heard None: the line could not be listened to (fault)."""

    token: str
    heard: bool | None
    fault: str = ""
    delay_us: int | None = None
    level_cdb: int | None = None
    snr_cdb: int | None = None


@dataclass(frozen=True, slots=True)
class SourceGaveUp:
    """A source of a part failed; the child tries the part's next one."""

    token: str
    part: int
    source: int
    fault: SourceFault
    at_ms: int


@dataclass(frozen=True, slots=True)
class SourceTookOver:
    """A part begins with another than its first source, or goes on from another than before: a
    spare one, or one that is well again."""

    token: str
    part: int
    source: int
    at_ms: int


@dataclass(frozen=True, slots=True)
class SoundEnded:
    """The last sample of the cue left the card."""

    token: str
    bus: int
    reason: EndReason
    at_ms: int
    position_ms: int
    part: int
    played_ms: int
    level_cdb: int | None
    underruns: int


@dataclass(frozen=True, slots=True)
class ZoneSeen:
    """Read back from the controller: is the gate as wished (`confirmed`), and the line's state."""

    zone: str
    gate: bool | None
    confirmed: Confirmation
    line: Literal["ok", "open", "short", "unknown"] = "unknown"
    level_cdb: int | None = None


ControllerState = Literal["ready", "lost", "incompatible", "not_adopted", "opening"]


@dataclass(frozen=True, slots=True)
class ControllerSeen:
    """A change at a controller."""

    controller: str
    state: ControllerState
    zones: tuple[ZoneSeen, ...] = ()
    power: Literal["on", "warming", "off", "unknown"] = "unknown"
    temperature_cdeg: int | None = None
    lease: Literal["supported", "unsupported", "unknown"] = "unknown"
    identity: str = ""
    detail: str = ""
    mains: bool | None = None
    """Whether its amplifier has mains; None where the controller has no sense for it."""
    supply_mv: int | None = None


@dataclass(frozen=True, slots=True)
class HostSeen:
    """Readings of the box, at most once a minute; None is not measured.

    What must not wait comes at once: `mains` (the box runs on the grid) and `undervoltage` (its
    supply is too low now). boot_id: of this run of the box, "" unknown. storage_worn_percent: how
    much of its life the storage says to have used. fetches_rtsp: the program for it is installed.
    """

    temperature_cdeg: int | None = None
    storage_free_mib: int | None = None
    memory_free_mib: int | None = None
    uptime_s: int | None = None
    certificate_not_after_ms: int | None = None
    mains: bool | None = None
    undervoltage: bool | None = None
    battery_percent: int | None = None
    storage_total_mib: int | None = None
    storage_worn_percent: int | None = None
    memory_total_mib: int | None = None
    boot_id: str = ""
    fetches_rtsp: bool | None = None


LinkKind = Literal["ethernet", "wifi", "modem", "other"]


@dataclass(frozen=True, slots=True)
class InterfaceSeen:
    """A network interface. received, sent: bytes since `incarnation` began, which changes when
    the counters began anew. default: it carries the default route. signal_dbm: Wi-Fi only."""

    name: str
    kind: LinkKind
    up: bool | None
    default: bool
    received: int | None = None
    sent: int | None = None
    incarnation: str = ""
    signal_dbm: int | None = None
    speed_mbit_s: int | None = None


ModemState = Literal[
    "absent",
    "failed",
    "locked",
    "disabled",
    "searching",
    "registered",
    "connecting",
    "connected",
    "unknown",
]
"""absent: there is no modem. disabled: switched off, or being switched on or off."""

ModemFault = Literal["sim_missing", "sim_error", "sim_locked", "failed"]
Registration = Literal["idle", "home", "searching", "denied", "roaming", "emergency", "unknown"]
Technology = Literal["2g", "3g", "4g", "5g"]


@dataclass(frozen=True, slots=True)
class ModemSeen:
    """What the modem says of itself; None and "" are unknown. why: its last disconnection, in the
    words of modem or network. roaming_allowed: as its connection was set up. interfaces: what it
    is called among the network interfaces."""

    state: ModemState = "unknown"
    fault: ModemFault | None = None
    registration: Registration = "unknown"
    technology: Technology | None = None
    operator: str = ""
    operator_code: str = ""
    band: str = ""
    quality_percent: int | None = None
    rssi_dbm: int | None = None
    rsrp_dbm: int | None = None
    rsrq_cdb: int | None = None
    sinr_cdb: int | None = None
    number: str = ""
    iccid: str = ""
    imei: str = ""
    model: str = ""
    roaming_allowed: bool | None = None
    why: str = ""
    interfaces: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NetworkSeen:
    """The links, at most once a minute. modem None: nobody here can tell (no ModemManager)."""

    interfaces: tuple[InterfaceSeen, ...] = ()
    modem: ModemSeen | None = None


@dataclass(frozen=True, slots=True)
class Probed:
    """Answer to `Probe`. open: the page answered as it should. captive: somebody else answered.

    unreachable: nobody did.
    """

    found: Literal["open", "captive", "unreachable"]
    detail: str = ""


@dataclass(frozen=True, slots=True)
class PlaceSeen:
    """Where the satellites say the box is, millionths of a degree."""

    latitude_udeg: int
    longitude_udeg: int


@dataclass(frozen=True, slots=True)
class ClockSeen:
    """The wall clock against the monotonic one. A new `epoch` is a step > 50 ms."""

    epoch: int
    wall_minus_mono_us: int
    trust: ClockTrust
    step_ms: int = 0


@dataclass(frozen=True, slots=True)
class Requested:
    """Somebody asks through the control socket. `body` is one of `agent.core.requests`.

    who: the login, as the kernel says. by: a person's name that a PIN made sure of, or empty.
    refused: why the person was sent away at the door; it is recorded and answered, nothing else.
    """

    id: int
    who: str
    body: Any
    by: str = ""
    refused: Any = None


SourceApiState = Literal["ok", "unreachable", "not_authorised", "tls", "strange", "refusing"]
"""strange: somebody answers who is not the source system. refusing: it takes nothing we report."""


@dataclass(frozen=True, slots=True)
class SourceApiSeen:
    """How the source-system API takes what is reported to it."""

    state: SourceApiState
    detail: str = ""


@dataclass(frozen=True, slots=True)
class SourceTook:
    """The source-system API is done with every record up to `through`.

    set_aside: (record, why) it refused. mended: records set aside before, and taken now. gone: so
    many records were pruned before they could be told.
    """

    through: int
    set_aside: tuple[tuple[int, str], ...] = ()
    mended: tuple[int, ...] = ()
    gone: int = 0


@dataclass(frozen=True, slots=True)
class SourceAsked:
    """The source-system API asks for something. `call` is an `agent.core.source_calls.Call`."""

    call: Any


@dataclass(frozen=True, slots=True)
class CommitFailed:
    """A batch could not be made durable (disk full, read-only)."""

    detail: str


@dataclass(frozen=True, slots=True)
class CommitsAgain:
    """After a `CommitFailed`: the journal takes batches again."""


@dataclass(frozen=True, slots=True)
class HousekeepingDue:
    """The calendar says it is time to tidy up."""


@dataclass(frozen=True, slots=True)
class Leaving:
    """The agent ends in order; nothing is asked for any more, only what is left to record."""


Event = (
    Booted
    | Wake
    | MessageArrived
    | LinkChanged
    | Delivered
    | FilesFound
    | FileReady
    | FilesMeasured
    | FetchFailed
    | SpeechReady
    | SpeechFailed
    | PlayerReady
    | PlayerLost
    | SoundStarted
    | SoundProgress
    | SoundHeard
    | AudioSeen
    | SoundReturned
    | ReturnCompared
    | SourceGaveUp
    | SourceTookOver
    | SoundEnded
    | ControllerSeen
    | HostSeen
    | NetworkSeen
    | Probed
    | PlaceSeen
    | ClockSeen
    | Requested
    | SourceApiSeen
    | SourceTook
    | SourceAsked
    | CommitFailed
    | CommitsAgain
    | HousekeepingDue
    | Leaving
)
