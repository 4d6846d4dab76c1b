"""What every amplifier or relay controller looks like to its user.

Owns the words shared by all drivers: what is wished (`ControllerWish`), what is known
(`ControllerReading`), and the two protocols between them. `ZoneController` is what the
agent holds; `Driver` is what a kind of equipment implements: a state machine without I/O
and without a clock, run by `firmware_bridge.client.ControllerClient`.

Does not own: any wire format, any port, any policy about what should be heard.

Invariants: zones are numbered 1..16 as on the terminal strip; gains and levels are
hundredths of a decibel (`_cdb`); times are monotonic milliseconds; a wish is
state, never a step, so applying it twice is harmless; nothing unverified is `confirmed`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

MAX_ZONES = 16
MAX_SOURCE = 15
GAIN_MIN_CDB = -10_000
GAIN_MAX_CDB = 2_400


class LinkState(StrEnum):
    """Where the conversation with the controller stands; rows of the table in `session.py`."""

    CLOSED = "closed"
    OPENING = "opening"
    HELLO = "hello"
    CONFIGURING = "configuring"
    READY = "ready"
    DEGRADED = "degraded"
    FAILED = "failed"
    INCOMPATIBLE = "incompatible"

    @property
    def usable(self) -> bool:
        return self in (LinkState.READY, LinkState.DEGRADED)


class LinkWhy(StrEnum):
    """Why the reading is as it is. Closed on purpose: each value has one next step."""

    OK = "ok"
    STARTING = "starting"
    CLOSED_BY_USER = "closed_by_user"
    PORT_MISSING = "port_missing"
    PORT_FORBIDDEN = "port_forbidden"
    PORT_BUSY = "port_busy"
    PORT_UNUSABLE = "port_unusable"
    PORT_LOST = "port_lost"
    NO_ANSWER = "no_answer"
    WRONG_VERSION = "wrong_version"
    NOT_ADOPTED = "not_adopted"
    OTHER_CONTROLLER = "other_controller"
    CONFIG_REFUSED = "config_refused"
    WISH_REFUSED = "wish_refused"
    ANSWERS_LOST = "answers_lost"
    NOISY_LINE = "noisy_line"
    REBOOTED = "rebooted"
    HOLDER_STALLED = "holder_stalled"
    CRASHED = "crashed"


class Confirmation(StrEnum):
    """Does the controller say it does what was wished?"""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class Line(StrEnum):
    OK = "ok"
    OPEN = "open"
    SHORT = "short"
    UNKNOWN = "unknown"


class Power(StrEnum):
    ON = "on"
    WARMING = "warming"
    OFF = "off"
    UNKNOWN = "unknown"


class LeaseSupport(StrEnum):
    SUPPORTED = "supported"
    UNSUPPORTED = "unsupported"
    UNKNOWN = "unknown"


class LeasePolicy(StrEnum):
    """What a zone does when nobody renews its lease any more."""

    MUTE = "mute"
    HOLD = "hold"
    FM_TUNER = "fm_tuner"


@dataclass(frozen=True, slots=True)
class ZoneWish:
    """What one zone should be doing. Out-of-range values raise ValueError here, at once."""

    zone: int
    gate: bool
    gain_cdb: int = 0
    source: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.zone <= MAX_ZONES:
            raise ValueError(f"zone {self.zone} is outside 1..{MAX_ZONES}")
        if not GAIN_MIN_CDB <= self.gain_cdb <= GAIN_MAX_CDB:
            raise ValueError(f"gain {self.gain_cdb} cdB is outside {GAIN_MIN_CDB}..{GAIN_MAX_CDB}")
        if not 0 <= self.source <= MAX_SOURCE:
            raise ValueError(f"source {self.source} is outside 0..{MAX_SOURCE}")


@dataclass(frozen=True, slots=True)
class ControllerWish:
    """The whole wish: zones that are not named are wished muted."""

    zones: tuple[ZoneWish, ...] = ()
    power: bool = False

    def __post_init__(self) -> None:
        numbers = [zone.zone for zone in self.zones]
        if len(set(numbers)) != len(numbers):
            raise ValueError(f"a zone is named twice in {numbers}")

    @property
    def any_gate(self) -> bool:
        return any(zone.gate for zone in self.zones)

    def of(self, zone: int) -> ZoneWish:
        for wish in self.zones:
            if wish.zone == zone:
                return wish
        return ZoneWish(zone, gate=False)


@dataclass(frozen=True, slots=True)
class ZonePolicy:
    """What a zone falls back to; `source` is the input the FM tuner is wired to."""

    policy: LeasePolicy = LeasePolicy.MUTE
    source: int = 0


@dataclass(frozen=True, slots=True)
class ZoneReading:
    """One zone as the controller reported it; `at_mono_ms` is when it last said so."""

    zone: int
    gate: bool | None = None
    gain_cdb: int | None = None
    source: int | None = None
    confirmed: Confirmation = Confirmation.UNKNOWN
    at_mono_ms: int | None = None
    line: Line = Line.UNKNOWN
    level_cdb: int | None = None


@dataclass(frozen=True, slots=True)
class ControllerReading:
    """Everything known about one controller at one moment."""

    state: LinkState = LinkState.CLOSED
    why: LinkWhy = LinkWhy.STARTING
    controller_id: str | None = None
    adopted: bool = False
    firmware: str | None = None
    protocol: str | None = None
    reset_cause: str | None = None
    boot_count: int | None = None
    zones: tuple[ZoneReading, ...] = ()
    power: Power = Power.UNKNOWN
    warmed_up: bool | None = None
    temperature_cdeg: int | None = None
    supply_mv: int | None = None
    current_ma: int | None = None
    fault_word: int = 0
    mains: bool | None = None
    """Whether the amplifier has mains; None where the controller has no sense for it."""
    lease: LeaseSupport = LeaseSupport.UNKNOWN
    retransmits: int = 0

    def zone(self, number: int) -> ZoneReading:
        """The reading of one zone; all unknown when the controller has not reported it."""
        for zone in self.zones:
            if zone.zone == number:
                return zone
        return ZoneReading(number)


class ZoneController(Protocol):
    """What the agent holds. Only `close` may wait; `on_change` runs on the controller's thread."""

    def start(self) -> None: ...

    def close(self) -> None:
        """End the gate leases if the line allows it, then let go of the port at once."""

    def set_wish(self, wish: ControllerWish) -> None:
        """Latest wins; applied, verified, re-asserted and repeated after each reconnect."""

    def keep_alive(self, progress_mono_ms: int) -> None:
        """Leases are renewed only while this mark is younger than three seconds."""

    def reading(self) -> ControllerReading: ...


OnChange = Callable[[ControllerReading], None]


class Driver(Protocol):
    """One kind of equipment as a state machine: bytes and time in, bytes out.

    The runner opens the port while `wants_port` is true and closes it when it turns false,
    tells the driver about both, feeds it what was read, and calls `tick` no later than
    `wakes_at_ms()`. Implementations never raise on what the line brings.
    """

    @property
    def wants_port(self) -> bool: ...

    def start(self, now_ms: int) -> None: ...

    def stop(self, now_ms: int) -> None:
        """Begin an orderly goodbye; `stopped` turns true when there is nothing left to say."""

    @property
    def stopped(self) -> bool: ...

    def port_opened(self, now_ms: int) -> None: ...

    def port_failed(self, why: LinkWhy, now_ms: int) -> None:
        """The port could not be opened, or an open one broke."""

    def port_closed(self, now_ms: int) -> None:
        """The runner closed the port because `wants_port` turned false."""

    def receive(self, data: bytes, now_ms: int) -> None: ...

    def tick(self, now_ms: int) -> None: ...

    def take_output(self) -> bytes: ...

    def wakes_at_ms(self) -> int | None: ...

    def set_wish(self, wish: ControllerWish, now_ms: int) -> None: ...

    def keep_alive(self, progress_mono_ms: int) -> None: ...

    def adopt(self, controller_id: str | None, now_ms: int) -> None:
        """The one controller to obey us; called often, a repetition changes nothing."""

    def reading(self) -> ControllerReading: ...

    def history(self) -> str:
        """The last frames as text since the last call; logged beside a failure."""
