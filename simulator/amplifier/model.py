"""The equipment behind a controller: zones, power, warm-up, leases, temperature, lines.

Owns its physical state and says what changed. Does not own the link, time or any file: time
is an argument, changes go to an observer.

Invariants: it boots muted with the power off; a gate that is on under a lease goes to its
stored policy when the lease ends, and never stays on by itself; configuration and boot
count survive a reboot, everything else does not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from firmware_bridge.drivers.contract import (
    GAIN_MAX_CDB,
    GAIN_MIN_CDB,
    LeasePolicy,
    Line,
    Power,
    ZonePolicy,
)
from firmware_bridge.leases import GATE_LEASE_MS, MIN_POWER_LEASE_S, POWER_LEASE_S, LeaseTable
from firmware_bridge.messages import (
    PROTOCOL_MAJOR,
    PROTOCOL_MINOR,
    Apply,
    Capability,
    ClearFault,
    Done,
    EnterLoader,
    Event,
    EventKind,
    FaultBit,
    Health,
    Hello,
    MuteAll,
    ReadHealth,
    ReadState,
    RefusalCode,
    Refused,
    Renew,
    Renewed,
    Reply,
    Request,
    ResetCause,
    SetConfig,
    State,
    ZoneSetting,
    ZoneState,
)

DEFAULT_ID = bytes.fromhex("c0ffee000000000000000001")
ALL_CAPABILITIES = (
    Capability.LEASES
    | Capability.POWER_CONTROL
    | Capability.LINE_SENSE
    | Capability.LEVEL_METER
    | Capability.MAINS_SENSE
)
_POWER = "power"
_LOWEST_CDB = -12_000


class Why(StrEnum):
    """Why a state changed; the `why` of the log."""

    APPLY = "apply"
    RENEW = "renew"
    MUTE_ALL = "mute_all"
    LEASE_EXPIRED = "lease_expired"
    RELEASED = "released"
    WARMED_UP = "warmed_up"
    BOOT = "boot"
    FAULT = "fault"
    LOCAL = "local"


@dataclass(frozen=True, slots=True)
class AmplifierSpec:
    """What was bought: fixed for the life of the unit."""

    unique_id: bytes = DEFAULT_ID
    zones: int = 4
    warm_up_ms: int = 1_500
    capabilities: Capability = ALL_CAPABILITIES
    major: int = PROTOCOL_MAJOR
    minor: int = PROTOCOL_MINOR
    firmware: tuple[int, int, int] = (1, 0, 0)
    board: int = 1


@dataclass(slots=True)
class Zone:
    number: int
    gate: bool = False
    gain_cdb: int = 0
    source: int = 0
    line: Line = Line.OK
    on_policy: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """One state change; `zone` is None for the power of the whole amplifier."""

    why: Why
    power: Power
    zone: int | None = None
    gate: bool | None = None
    gain_cdb: int | None = None
    source: int | None = None
    line: Line | None = None


Observer = Callable[[Change, int], None]
LevelOf = Callable[[int], int | None]
"""Zone number to the level in front of its gate, in cdB; None when nothing is measured."""


def _nobody(_change: Change, _now_ms: int) -> None:
    return


def steady_level(_zone: int) -> int | None:
    """A programme at -20 dB on every zone."""
    return -2_000


@dataclass(slots=True)
class AmplifierModel:
    """Implements `firmware_bridge.device.Equipment`."""

    spec: AmplifierSpec = field(default_factory=AmplifierSpec)
    observe: Observer = _nobody
    notify: Callable[[Event, int], None] = lambda _event, _now_ms: None
    level_of: LevelOf = steady_level
    temperature_cdeg: int = 3_500
    supply_mv: int = 5_050
    mains: bool = True
    """Of the amplifier; the controller itself runs on from its own supply."""
    zones: list[Zone] = field(init=False)
    boot_count: int = 0
    _config: SetConfig | None = None
    _cause: ResetCause = ResetCause.POWER_ON
    _power: Power = Power.OFF
    _warm_at_ms: int = 0
    _booted_at_ms: int = 0
    _latched: int = 0
    _leases: LeaseTable = field(default_factory=LeaseTable)

    def __post_init__(self) -> None:
        self.zones = [Zone(number) for number in range(1, self.spec.zones + 1)]

    @property
    def power(self) -> Power:
        return self._power

    # --- life -------------------------------------------------------------------

    def boot(self, cause: ResetCause, now_ms: int) -> None:
        self.boot_count += 1
        self._cause = cause
        self._booted_at_ms = now_ms
        self._leases = LeaseTable()
        self._power = Power.OFF
        for zone in self.zones:
            zone.gate, zone.gain_cdb, zone.source, zone.on_policy = False, 0, 0, False
        self._tell_power(Why.BOOT, now_ms)
        for zone in self.zones:
            self._tell(zone, Why.BOOT, now_ms)

    def tick(self, now_ms: int) -> None:
        for key in self._leases.take_expired(now_ms):
            if key == _POWER:
                self._set_power(on=False, why=Why.LEASE_EXPIRED, now_ms=now_ms)
                self.notify(Event(EventKind.POWER_CHANGED), now_ms)
            else:
                self._lapse(self._zone(int(key)), Why.LEASE_EXPIRED, now_ms)
                self.notify(Event(EventKind.LEASE_EXPIRED, int(key)), now_ms)
        if self._power is Power.WARMING and now_ms >= self._warm_at_ms:
            self._power = Power.ON
            self._tell_power(Why.WARMED_UP, now_ms)
            self.notify(Event(EventKind.POWER_CHANGED), now_ms)

    def wakes_at_ms(self) -> int | None:
        times = [self._leases.next_end_ms()]
        if self._power is Power.WARMING:
            times.append(self._warm_at_ms)
        return min((time for time in times if time is not None), default=None)

    # --- what happens to it ---------------------------------------------------------

    def set_line(self, number: int, line: Line, now_ms: int) -> None:
        zone = self._zone(number)
        zone.line = line
        if line is Line.SHORT:
            self._latched |= FaultBit.SHORT
            zone.gate = False
            self._leases.end(str(number))
        self._tell(zone, Why.FAULT, now_ms)
        self.notify(Event(EventKind.LINE_CHANGED, number), now_ms)

    def set_mains(self, on: bool, now_ms: int) -> None:
        """The grid of the village goes, or comes back."""
        self.mains = on
        self._tell_power(Why.FAULT, now_ms)
        self.notify(Event(EventKind.FAULT_CHANGED), now_ms)

    def press_mute(self, number: int, now_ms: int) -> None:
        """Somebody at the rack switches a zone off by hand."""
        zone = self._zone(number)
        zone.gate = False
        self._leases.end(str(number))
        self._tell(zone, Why.LOCAL, now_ms)
        self.notify(Event(EventKind.LOCAL_CHANGE, number), now_ms)

    # --- Equipment ------------------------------------------------------------------

    def hello(self) -> Hello:
        spec = self.spec
        return Hello(
            major=spec.major,
            minor=spec.minor,
            firmware=spec.firmware,
            firmware_hash=bytes.fromhex("5eedbeef"),
            board=spec.board,
            unique_id=spec.unique_id,
            reset_cause=self._cause,
            boot_count=self.boot_count,
            capabilities=spec.capabilities,
            zones=spec.zones,
            config_crc=self._config_crc,
            fault_word=self._fault_word,
        )

    def released(self, now_ms: int) -> None:
        for zone in self.zones:
            if self._leases.holds(str(zone.number)):
                self._leases.end(str(zone.number))
                self._lapse(zone, Why.RELEASED, now_ms)

    def handle(self, request: Request, now_ms: int) -> Reply:
        match request:
            case SetConfig():
                return self._configure(request)
            case Apply():
                return self._apply(request, now_ms)
            case Renew():
                return self._renew(request, now_ms)
            case MuteAll():
                self._mute_all(now_ms)
                return Done()
            case ReadState():
                return self._state(now_ms)
            case ReadHealth():
                return self._health(now_ms)
            case ClearFault():
                self._latched = 0
                return Done()
            case EnterLoader():
                return Refused(RefusalCode.UNKNOWN_MESSAGE, EnterLoader.code)

    def _configure(self, config: SetConfig) -> Reply:
        if len(config.policies) != self.spec.zones:
            return Refused(RefusalCode.NO_SUCH_ZONE, len(config.policies))
        if config.power_lease_s < MIN_POWER_LEASE_S:
            return Refused(RefusalCode.BAD_VALUE)
        self._config = config
        return Done()

    def _apply(self, request: Apply, now_ms: int) -> Reply:
        for setting in request.zones:
            if setting.zone > self.spec.zones:
                return Refused(RefusalCode.NO_SUCH_ZONE, setting.zone)
            if not GAIN_MIN_CDB <= setting.gain_cdb <= GAIN_MAX_CDB:
                return Refused(RefusalCode.BAD_VALUE, setting.zone)
        self._set_power(on=request.power, why=Why.APPLY, now_ms=now_ms)
        for setting in request.zones:
            self._set_zone(setting, now_ms)
        return self._state(now_ms)

    def _set_zone(self, setting: ZoneSetting, now_ms: int) -> None:
        zone = self._zone(setting.zone)
        before = (zone.gate, zone.gain_cdb, zone.source, zone.on_policy)
        zone.gate = setting.gate and zone.line is not Line.SHORT
        zone.gain_cdb, zone.source, zone.on_policy = setting.gain_cdb, setting.source, False
        self._lease_gate(zone, now_ms)
        if before != (zone.gate, zone.gain_cdb, zone.source, zone.on_policy):
            self._tell(zone, Why.APPLY, now_ms)

    def _lease_gate(self, zone: Zone, now_ms: int) -> None:
        if zone.gate and Capability.LEASES in self.spec.capabilities:
            self._leases.grant(str(zone.number), now_ms + self._gate_lease_ms)
        else:
            self._leases.end(str(zone.number))

    def _renew(self, request: Renew, now_ms: int) -> Reply:
        for number in request.zones:
            if self._leases.holds(str(number)):
                self._leases.grant(str(number), now_ms + self._gate_lease_ms)
        if request.power and self._leases.holds(_POWER):
            self._leases.grant(_POWER, now_ms + self._power_lease_ms)
        return Renewed(
            gates=tuple(zone.number for zone in self.zones if zone.gate),
            on_policy=tuple(zone.number for zone in self.zones if zone.on_policy),
            power=self._power,
        )

    def _mute_all(self, now_ms: int) -> None:
        for zone in self.zones:
            self._leases.end(str(zone.number))
            zone.on_policy = False
            if zone.gate:
                zone.gate = False
                self._tell(zone, Why.MUTE_ALL, now_ms)

    def _lapse(self, zone: Zone, why: Why, now_ms: int) -> None:
        policy = self._policy(zone.number)
        zone.on_policy = True
        if policy.policy is LeasePolicy.MUTE:
            zone.gate = False
        elif policy.policy is LeasePolicy.FM_TUNER:
            zone.source = policy.source
        self._tell(zone, why, now_ms)

    def _set_power(self, *, on: bool, why: Why, now_ms: int) -> None:
        if on and Capability.LEASES in self.spec.capabilities:
            self._leases.grant(_POWER, now_ms + self._power_lease_ms)
        if on == (self._power is not Power.OFF):
            return
        if on:
            self._warm_at_ms = now_ms + self.spec.warm_up_ms
            self._power = Power.WARMING if self.spec.warm_up_ms else Power.ON
        else:
            self._power = Power.OFF
            self._leases.end(_POWER)
        self._tell_power(why, now_ms)

    def _state(self, now_ms: int) -> State:
        left_ms = self._warm_at_ms - now_ms if self._power is Power.WARMING else 0
        return State(
            power=self._power,
            warm_up_left_ms=min(max(left_ms, 0), 0xFFFF),
            config_crc=self._config_crc,
            fault_word=self._fault_word,
            zones=tuple(
                ZoneState(z.number, z.gate, z.gain_cdb, z.source, z.line, z.on_policy)
                for z in self.zones
            ),
        )

    def _health(self, now_ms: int) -> Health:
        sounding = sum(1 for zone in self.zones if self.level(zone.number) is not None)
        return Health(
            temperature_cdeg=self.temperature_cdeg,
            supply_mv=self.supply_mv,
            current_ma=120 * (self._power is not Power.OFF) + 400 * sounding,
            uptime_s=(now_ms - self._booted_at_ms) // 1000,
            levels_cdb=tuple(self.level(zone.number) for zone in self.zones),
        )

    def level(self, number: int) -> int | None:
        """What leaves the amplifier for a zone, in cdB; None when it is silent by its state."""
        zone = self._zone(number)
        if not self.mains or not zone.gate or zone.line is not Line.OK:
            return None
        if self._power is not Power.ON:
            return None
        level = self.level_of(number)
        return None if level is None else max(level + zone.gain_cdb, _LOWEST_CDB)

    # --- bits -----------------------------------------------------------------------

    def _zone(self, number: int) -> Zone:
        return self.zones[number - 1]

    def _policy(self, number: int) -> ZonePolicy:
        return self._config.policies[number - 1] if self._config is not None else ZonePolicy()

    @property
    def _fault_word(self) -> int:
        sensed = Capability.MAINS_SENSE in self.spec.capabilities
        return int(self._latched | (FaultBit.NO_MAINS if sensed and not self.mains else 0))

    @property
    def _config_crc(self) -> int:
        return self._config.crc if self._config is not None else 0

    @property
    def _gate_lease_ms(self) -> int:
        return self._config.gate_lease_ms if self._config is not None else GATE_LEASE_MS

    @property
    def _power_lease_ms(self) -> int:
        return (self._config.power_lease_s if self._config is not None else POWER_LEASE_S) * 1000

    def _tell(self, zone: Zone, why: Why, now_ms: int) -> None:
        self.observe(
            Change(why, self._power, zone.number, zone.gate, zone.gain_cdb, zone.source, zone.line),
            now_ms,
        )

    def _tell_power(self, why: Why, now_ms: int) -> None:
        self.observe(Change(why, self._power), now_ms)


def gates_on(zones: Iterable[Zone]) -> tuple[int, ...]:
    return tuple(zone.number for zone in zones if zone.gate)
