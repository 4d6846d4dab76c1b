"""What a station wants done. One `Batch` per event: saves in one transaction, then acts (D2).

Acts are released in order. `after_commit`: once this batch and all before it are durable.
`now`: at once (mute and lease only). `soon`: after the commit or 200 ms later, whichever is
first (the sound of a warning). `durable`: like `after_commit`, and never without it, not even while
the disk takes nothing (what tells others that a document is held).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from agent.player.protocol import Cue

Release = Literal["after_commit", "now", "soon", "durable"]
LogLevel = Literal["debug", "info", "warning", "error"]
SOON_MS = 200

# --- saves ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Put:
    """Fact `kind`/`key` is now `value` (bytes as `agent.core.facts` encodes them)."""

    kind: str
    key: str
    value: bytes


@dataclass(frozen=True, slots=True)
class Drop:
    kind: str
    key: str


@dataclass(frozen=True, slots=True)
class Append:
    """Record `seq` of the event stream; `body` is the JSON that will be published."""

    seq: int
    at_ms: int
    body: bytes


@dataclass(frozen=True, slots=True)
class PruneRecords:
    """Delete records up to `through_seq` that are older than `before_ms`."""

    through_seq: int
    before_ms: int


Save = Put | Drop | Append | PruneRecords

# --- acts ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Connect:
    """Build a new broker connection now. `will` is published for us when we are lost.

    held: topics whose retained document the journal holds (retain handling 1 is safe there).
    """

    filters: tuple[str, ...]
    held: frozenset[str]
    will_topic: str
    will: bytes
    keepalive_s: int = 120


@dataclass(frozen=True, slots=True)
class Subscribe:
    """The wanted filters changed while connected."""

    filters: tuple[str, ...]
    held: frozenset[str]


@dataclass(frozen=True, slots=True)
class Publish:
    topic: str
    payload: bytes
    qos: int = 1
    retain: bool = False
    token: int | None = None


@dataclass(frozen=True, slots=True)
class PublishRecord:
    """Publish record `seq` from the journal on `topic`; `token` comes back in `Delivered`."""

    topic: str
    seq: int
    token: int


@dataclass(frozen=True, slots=True)
class AckMessage:
    receipt: int


@dataclass(frozen=True, slots=True)
class Fetch:
    """Get `url` into the content store; `size` bytes whose hash is `sha256`."""

    sha256: str
    url: str
    size: int


@dataclass(frozen=True, slots=True)
class CancelFetch:
    sha256: str


@dataclass(frozen=True, slots=True)
class Evict:
    sha256: str


@dataclass(frozen=True, slots=True)
class Measure:
    """Find out how loud a file is, when nobody else wants the processor; answered by
    `FilesMeasured`, once."""

    sha256: str


@dataclass(frozen=True, slots=True)
class Speak:
    """Make a sound file of `text`; answered by SpeechReady or SpeechFailed with `key`.

    urgent: of a warning or an announcement; where there is little room, others give way to it.
    """

    key: str
    text: str
    language: str
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class PlayCue:
    """Give the cue to the sound child. File sources read `content:<sha256>` or `speech:<key>`."""

    cue: Cue


@dataclass(frozen=True, slots=True)
class StopCue:
    token: str
    fade_ms: int = 20
    at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class SetGain:
    token: str
    gain_cdb: int


@dataclass(frozen=True, slots=True)
class RestartSound:
    """Replace the sound child, and with it its hold on the card; `PlayerLost` says when."""

    why: str


@dataclass(frozen=True, slots=True)
class WatchSound:
    """Somebody looks: tell how the card runs once a second for so long."""

    for_ms: int


@dataclass(frozen=True, slots=True)
class CompareReturn:
    """Look on the return line for the self-test's pattern, which left the card from `position_ms`
    on at `at_ms`."""

    token: str
    at_ms: int
    position_ms: int


@dataclass(frozen=True, slots=True)
class SetTime:
    """Tell the sound child how wall and monotonic clock relate."""

    epoch: int
    wall_minus_mono_us: int


@dataclass(frozen=True, slots=True)
class ZoneWish:
    zone: str
    index: int
    gate: bool
    gain_cdb: int
    source: int


@dataclass(frozen=True, slots=True)
class HoldZones:
    """The whole wish for one controller. Idempotent; the adapter renews the leases (D3)."""

    controller: str
    power: bool
    zones: tuple[ZoneWish, ...]


@dataclass(frozen=True, slots=True)
class Reply:
    """Answer to `Requested.id`; `body` is a msgspec Struct of `agent.core.requests`."""

    id: int
    body: Any


@dataclass(frozen=True, slots=True)
class Log:
    """A line for the log: event name first, then fields. Only on change."""

    event: str
    fields: tuple[tuple[str, str], ...] = ()
    level: LogLevel = "info"


@dataclass(frozen=True, slots=True)
class SetLogLevel:
    level: Literal["info", "debug"]


@dataclass(frozen=True, slots=True)
class Probe:
    """Ask whether the Internet is open, by fetching `url`; answered by `Probed`."""

    url: str


@dataclass(frozen=True, slots=True)
class Notify:
    """One line of status for the service manager."""

    status: str


@dataclass(frozen=True, slots=True)
class Restart:
    """Leave in order; the service manager starts the agent again."""

    why: str


Act = (
    Connect
    | Subscribe
    | Publish
    | PublishRecord
    | AckMessage
    | Fetch
    | CancelFetch
    | Evict
    | Measure
    | Speak
    | PlayCue
    | StopCue
    | SetGain
    | RestartSound
    | WatchSound
    | CompareReturn
    | SetTime
    | HoldZones
    | Reply
    | Probe
    | Log
    | SetLogLevel
    | Notify
    | Restart
)


@dataclass(frozen=True, slots=True)
class Do:
    act: Act
    release: Release = "after_commit"


@dataclass(frozen=True, slots=True)
class Batch:
    """wake_at_mono_ms: when the station wants a `Wake`, None for not before the next event."""

    saves: tuple[Save, ...]
    acts: tuple[Do, ...]
    wake_at_mono_ms: int | None
