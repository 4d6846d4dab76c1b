"""What the two sides say to each other: one frozen dataclass per message.

Owns the layout of every payload (docs/serial-protocol.md has the same as tables). Does not
own when to say what.

Invariants: `decode(encode(m)) == m`; `decode_*` raises `MessageError` and nothing else;
`Hello` and `MuteAll` are frozen for ever, so that a host of any age can name a controller
and silence it. Unknown TLV tags in a hello are skipped. All integers are little endian.
"""

from __future__ import annotations

import binascii
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import ClassVar, TypeVar

from firmware_bridge.drivers.contract import MAX_ZONES, LeasePolicy, Line, Power, ZonePolicy

PROTOCOL_MAJOR = 1
PROTOCOL_MINOR = 0
MIN_LEVEL_CDB = -12_000
_NO_LEVEL = -(1 << 15)
_NO_TEMPERATURE = -(1 << 15)
_LOADER_MAGIC = 0x4C4F4144

T = TypeVar("T")

LINES = (Line.UNKNOWN, Line.OK, Line.OPEN, Line.SHORT)
POWERS = (Power.OFF, Power.WARMING, Power.ON, Power.UNKNOWN)
POLICIES = (LeasePolicy.MUTE, LeasePolicy.HOLD, LeasePolicy.FM_TUNER)


class MessageError(Exception):
    """A well-framed payload that means nothing in this protocol: the peer is to blame."""


class Capability(IntFlag):
    LEASES = 1
    POWER_CONTROL = 2
    LINE_SENSE = 4
    LEVEL_METER = 8
    LOADER = 16
    MAINS_SENSE = 32


NO_CAPABILITIES = Capability(0)


class FaultBit(IntFlag):
    """Of the fault word. NO_MAINS means something only with MAINS_SENSE; it is not latched."""

    SHORT = 1
    NO_MAINS = 2


class ResetCause(IntEnum):
    UNKNOWN = 0
    POWER_ON = 1
    WATCHDOG = 2
    BROWN_OUT = 3
    SOFTWARE = 4
    PIN = 5


class RefusalCode(IntEnum):
    UNKNOWN_MESSAGE = 1
    BAD_VALUE = 2
    NO_SUCH_ZONE = 3
    FAULT_LATCHED = 4
    BUSY = 5


class NakReason(IntEnum):
    BAD_FRAME = 1
    NO_SESSION = 2


class EventKind(IntEnum):
    LEASE_EXPIRED = 1
    LINE_CHANGED = 2
    POWER_CHANGED = 3
    FAULT_CHANGED = 4
    LOCAL_CHANGE = 5


def _need(condition: bool, what: str) -> None:
    if not condition:
        raise MessageError(what)


def _at(choices: Sequence[T], index: int, what: str) -> T:
    _need(index < len(choices), f"{what} {index} is unknown")
    return choices[index]


def zone_mask(zones: Sequence[int]) -> int:
    """Zone 1 is bit 0."""
    mask = 0
    for zone in zones:
        mask |= 1 << (zone - 1)
    return mask


def zones_of(mask: int) -> tuple[int, ...]:
    return tuple(zone for zone in range(1, MAX_ZONES + 1) if mask >> (zone - 1) & 1)


# --- hello: TLV, frozen -------------------------------------------------------


class _Tag(IntEnum):
    PROTOCOL = 1
    FIRMWARE = 2
    FIRMWARE_HASH = 3
    BOARD = 4
    UNIQUE_ID = 5
    RESET_CAUSE = 6
    BOOT_COUNT = 7
    MAX_PAYLOAD = 8
    CAPABILITIES = 9
    ZONES = 10
    CONFIG_CRC = 11
    FAULT_WORD = 12


@dataclass(frozen=True, slots=True)
class Hello:
    """Who a controller is. Fields a future major leaves out keep these defaults."""

    major: int = 0
    minor: int = 0
    firmware: tuple[int, int, int] = (0, 0, 0)
    firmware_hash: bytes = b""
    board: int = 0
    unique_id: bytes = b""
    reset_cause: ResetCause = ResetCause.UNKNOWN
    boot_count: int = 0
    max_payload: int = 64
    capabilities: Capability = NO_CAPABILITIES
    zones: int = 0
    config_crc: int = 0
    fault_word: int = 0

    @property
    def controller_id(self) -> str:
        return self.unique_id.hex()

    @property
    def firmware_text(self) -> str:
        return ".".join(str(part) for part in self.firmware)

    def encode(self) -> bytes:
        fields = (
            (_Tag.PROTOCOL, bytes((self.major, self.minor))),
            (_Tag.FIRMWARE, bytes(self.firmware)),
            (_Tag.FIRMWARE_HASH, self.firmware_hash),
            (_Tag.BOARD, _u16(self.board)),
            (_Tag.UNIQUE_ID, self.unique_id),
            (_Tag.RESET_CAUSE, bytes((self.reset_cause,))),
            (_Tag.BOOT_COUNT, _u16(self.boot_count)),
            (_Tag.MAX_PAYLOAD, bytes((self.max_payload,))),
            (_Tag.CAPABILITIES, _u16(self.capabilities)),
            (_Tag.ZONES, bytes((self.zones,))),
            (_Tag.CONFIG_CRC, _u16(self.config_crc)),
            (_Tag.FAULT_WORD, _u16(self.fault_word)),
        )
        return b"".join(bytes((tag, len(value))) + value for tag, value in fields)

    @classmethod
    def decode(cls, payload: bytes) -> Hello:
        tlv = _read_tlv(payload)
        _need(_Tag.PROTOCOL in tlv, "hello without a protocol version")
        major, minor = _fixed(tlv, _Tag.PROTOCOL, 2)
        firmware = _fixed(tlv, _Tag.FIRMWARE, 3)
        zones = _number(tlv, _Tag.ZONES, 1)
        _need(zones <= MAX_ZONES, f"{zones} zones are more than {MAX_ZONES}")
        cause = _number(tlv, _Tag.RESET_CAUSE, 1)
        return cls(
            major=major,
            minor=minor,
            firmware=(firmware[0], firmware[1], firmware[2]),
            firmware_hash=tlv.get(_Tag.FIRMWARE_HASH, b""),
            board=_number(tlv, _Tag.BOARD, 2),
            unique_id=tlv.get(_Tag.UNIQUE_ID, b""),
            reset_cause=ResetCause(cause) if cause in set(ResetCause) else ResetCause.UNKNOWN,
            boot_count=_number(tlv, _Tag.BOOT_COUNT, 2),
            max_payload=_number(tlv, _Tag.MAX_PAYLOAD, 1, default=64),
            capabilities=Capability(_number(tlv, _Tag.CAPABILITIES, 2)),
            zones=zones,
            config_crc=_number(tlv, _Tag.CONFIG_CRC, 2),
            fault_word=_number(tlv, _Tag.FAULT_WORD, 2),
        )


def greeting() -> bytes:
    """What a host says in its hello: the protocol it speaks, and nothing else."""
    return bytes((_Tag.PROTOCOL, 2, PROTOCOL_MAJOR, PROTOCOL_MINOR))


def _u16(value: int) -> bytes:
    return int(value).to_bytes(2, "little")


def _read_tlv(payload: bytes) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    index = 0
    while index < len(payload):
        _need(index + 2 <= len(payload), "hello ends inside a tag")
        tag, size = payload[index], payload[index + 1]
        end = index + 2 + size
        _need(end <= len(payload), f"hello ends inside tag {tag}")
        _need(tag not in found, f"hello names tag {tag} twice")
        found[tag] = payload[index + 2 : end]
        index = end
    return found


def _fixed(tlv: dict[int, bytes], tag: int, size: int) -> bytes:
    value = tlv.get(tag, bytes(size))
    _need(len(value) == size, f"hello tag {tag} has {len(value)} bytes, not {size}")
    return value


def _number(tlv: dict[int, bytes], tag: int, size: int, default: int = 0) -> int:
    return int.from_bytes(_fixed(tlv, tag, size), "little") if tag in tlv else default


# --- host -> controller -------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SetConfig:
    """Lease times and what each zone falls back to; kept by the controller over a reboot."""

    code: ClassVar[int] = 0x01
    layout: ClassVar[struct.Struct] = struct.Struct("<HHB")
    gate_lease_ms: int
    power_lease_s: int
    policies: tuple[ZonePolicy, ...]

    def encode(self) -> bytes:
        head = self.layout.pack(self.gate_lease_ms, self.power_lease_s, len(self.policies))
        packed = (POLICIES.index(item.policy) | item.source << 4 for item in self.policies)
        return bytes((self.code,)) + head + bytes(packed)

    @classmethod
    def decode(cls, body: bytes) -> SetConfig:
        lease_ms, power_s, count = _unpack_head(cls.layout, body)
        rest = body[cls.layout.size :]
        _need(len(rest) == count <= MAX_ZONES, "set_config: wrong number of policies")
        policies = tuple(
            ZonePolicy(_at(POLICIES, byte & 0x0F, "lease policy"), byte >> 4) for byte in rest
        )
        return cls(lease_ms, power_s, policies)

    @property
    def crc(self) -> int:
        """What a controller holding this configuration reports as `config_crc`; never 0."""
        return (binascii.crc_hqx(self.encode(), 0xFFFF) ^ 0xFFFF) or 1


@dataclass(frozen=True, slots=True)
class ZoneSetting:
    zone: int
    gate: bool
    gain_cdb: int
    source: int


@dataclass(frozen=True, slots=True)
class Apply:
    """Put the named zones into this state. Gates that are on start a new lease."""

    code: ClassVar[int] = 0x02
    layout: ClassVar[struct.Struct] = struct.Struct("<BHH")
    item: ClassVar[struct.Struct] = struct.Struct("<Bh")
    power: bool
    zones: tuple[ZoneSetting, ...]

    def encode(self) -> bytes:
        ordered = sorted(self.zones, key=lambda zone: zone.zone)
        named = zone_mask([zone.zone for zone in ordered])
        gates = zone_mask([zone.zone for zone in ordered if zone.gate])
        items = b"".join(self.item.pack(zone.source, zone.gain_cdb) for zone in ordered)
        return bytes((self.code,)) + self.layout.pack(self.power, named, gates) + items

    @classmethod
    def decode(cls, body: bytes) -> Apply:
        power, named, gates = _unpack_head(cls.layout, body)
        numbers = zones_of(named)
        rest = body[cls.layout.size :]
        _need(power <= 1, "apply: power is neither 0 nor 1")
        _need(gates & ~named == 0, "apply: a gate for a zone that is not named")
        _need(len(rest) == len(numbers) * cls.item.size, "apply: wrong length")
        items = cls.item.iter_unpack(rest)
        return cls(
            bool(power),
            tuple(
                ZoneSetting(zone, bool(gates >> (zone - 1) & 1), gain, source)
                for zone, (source, gain) in zip(numbers, items, strict=True)
            ),
        )


@dataclass(frozen=True, slots=True)
class Renew:
    """One more lease for the gates in `zones`, and for the amplifier's power if `power`."""

    code: ClassVar[int] = 0x03
    layout: ClassVar[struct.Struct] = struct.Struct("<HB")
    zones: tuple[int, ...]
    power: bool

    def encode(self) -> bytes:
        return bytes((self.code,)) + self.layout.pack(zone_mask(self.zones), self.power)

    @classmethod
    def decode(cls, body: bytes) -> Renew:
        mask, power = _unpack_all(cls.layout, body)
        _need(power <= 1, "renew: power is neither 0 nor 1")
        return cls(zones_of(mask), bool(power))


class _Empty:
    """A message that is its code and nothing else."""

    __slots__ = ()
    code: ClassVar[int]

    def encode(self) -> bytes:
        return bytes((self.code,))


@dataclass(frozen=True, slots=True)
class MuteAll(_Empty):
    """All gates off, all gate leases forgotten. Frozen for ever."""

    code: ClassVar[int] = 0x04

    @classmethod
    def decode(cls, body: bytes) -> MuteAll:
        _need(not body, "mute_all carries nothing")
        return cls()


@dataclass(frozen=True, slots=True)
class ReadState(_Empty):
    code: ClassVar[int] = 0x05

    @classmethod
    def decode(cls, body: bytes) -> ReadState:
        _need(not body, "read_state carries nothing")
        return cls()


@dataclass(frozen=True, slots=True)
class ReadHealth(_Empty):
    code: ClassVar[int] = 0x06

    @classmethod
    def decode(cls, body: bytes) -> ReadHealth:
        _need(not body, "read_health carries nothing")
        return cls()


@dataclass(frozen=True, slots=True)
class ClearFault(_Empty):
    code: ClassVar[int] = 0x07

    @classmethod
    def decode(cls, body: bytes) -> ClearFault:
        _need(not body, "clear_fault carries nothing")
        return cls()


@dataclass(frozen=True, slots=True)
class EnterLoader:
    """Restart into the firmware loader; guarded by a magic word against accidents."""

    code: ClassVar[int] = 0x08

    def encode(self) -> bytes:
        return bytes((self.code,)) + _LOADER_MAGIC.to_bytes(4, "little")

    @classmethod
    def decode(cls, body: bytes) -> EnterLoader:
        _need(body == _LOADER_MAGIC.to_bytes(4, "little"), "enter_loader without its magic")
        return cls()


# --- controller -> host -------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ZoneState:
    zone: int
    gate: bool
    gain_cdb: int
    source: int
    line: Line
    on_policy: bool
    """The lease ran out and the zone follows its stored policy."""


@dataclass(frozen=True, slots=True)
class State:
    """Everything that can be wished, read back; the answer to apply and read_state."""

    code: ClassVar[int] = 0x81
    layout: ClassVar[struct.Struct] = struct.Struct("<BHHHB")
    item: ClassVar[struct.Struct] = struct.Struct("<Bh")
    power: Power
    warm_up_left_ms: int
    config_crc: int
    fault_word: int
    zones: tuple[ZoneState, ...]

    def encode(self) -> bytes:
        head = self.layout.pack(
            POWERS.index(self.power),
            self.warm_up_left_ms,
            self.config_crc,
            self.fault_word,
            len(self.zones),
        )
        return bytes((self.code,)) + head + b"".join(map(self._pack, self.zones))

    def _pack(self, zone: ZoneState) -> bytes:
        flags = zone.gate | LINES.index(zone.line) << 1 | zone.on_policy << 3 | zone.source << 4
        return self.item.pack(flags, zone.gain_cdb)

    @classmethod
    def decode(cls, body: bytes) -> State:
        power, warm_ms, crc, fault, count = _unpack_head(cls.layout, body)
        rest = body[cls.layout.size :]
        _need(count <= MAX_ZONES and len(rest) == count * cls.item.size, "state: wrong length")
        zones = tuple(
            ZoneState(
                zone=number,
                gate=bool(flags & 1),
                gain_cdb=gain,
                source=flags >> 4,
                line=LINES[flags >> 1 & 3],
                on_policy=bool(flags >> 3 & 1),
            )
            for number, (flags, gain) in enumerate(cls.item.iter_unpack(rest), start=1)
        )
        return cls(_at(POWERS, power, "power"), warm_ms, crc, fault, zones)


@dataclass(frozen=True, slots=True)
class Health:
    """Measurements. `None` is a sensor that is missing, or a zone with nothing to measure."""

    code: ClassVar[int] = 0x82
    layout: ClassVar[struct.Struct] = struct.Struct("<hHHIB")
    item: ClassVar[struct.Struct] = struct.Struct("<h")
    temperature_cdeg: int | None
    supply_mv: int
    current_ma: int
    uptime_s: int
    levels_cdb: tuple[int | None, ...]

    def encode(self) -> bytes:
        head = self.layout.pack(
            _NO_TEMPERATURE if self.temperature_cdeg is None else self.temperature_cdeg,
            self.supply_mv,
            self.current_ma,
            self.uptime_s,
            len(self.levels_cdb),
        )
        levels = (_NO_LEVEL if level is None else level for level in self.levels_cdb)
        return bytes((self.code,)) + head + b"".join(map(self.item.pack, levels))

    @classmethod
    def decode(cls, body: bytes) -> Health:
        temperature, supply, current, uptime, count = _unpack_head(cls.layout, body)
        rest = body[cls.layout.size :]
        _need(count <= MAX_ZONES and len(rest) == count * cls.item.size, "health: wrong length")
        levels = tuple(
            None if level == _NO_LEVEL else level for (level,) in cls.item.iter_unpack(rest)
        )
        known = None if temperature == _NO_TEMPERATURE else temperature
        return cls(known, supply, current, uptime, levels)


@dataclass(frozen=True, slots=True)
class Done(_Empty):
    """Accepted and carried out; the answer to everything without a reading of its own."""

    code: ClassVar[int] = 0x83

    @classmethod
    def decode(cls, body: bytes) -> Done:
        _need(not body, "done carries nothing")
        return cls()


@dataclass(frozen=True, slots=True)
class Renewed:
    """The answer to renew: which gates are on, and which of them had run out before."""

    code: ClassVar[int] = 0x84
    layout: ClassVar[struct.Struct] = struct.Struct("<HHB")
    gates: tuple[int, ...]
    on_policy: tuple[int, ...]
    power: Power

    def encode(self) -> bytes:
        return bytes((self.code,)) + self.layout.pack(
            zone_mask(self.gates), zone_mask(self.on_policy), POWERS.index(self.power)
        )

    @classmethod
    def decode(cls, body: bytes) -> Renewed:
        gates, expired, power = _unpack_all(cls.layout, body)
        return cls(zones_of(gates), zones_of(expired), _at(POWERS, power, "power"))


@dataclass(frozen=True, slots=True)
class Event:
    """Something changed by itself; the host reads the state again."""

    code: ClassVar[int] = 0x85
    layout: ClassVar[struct.Struct] = struct.Struct("<BB")
    kind: EventKind
    zone: int = 0

    def encode(self) -> bytes:
        return bytes((self.code,)) + self.layout.pack(self.kind, self.zone)

    @classmethod
    def decode(cls, body: bytes) -> Event:
        kind, zone = _unpack_all(cls.layout, body)
        _need(kind in set(EventKind), f"event {kind} is unknown")
        return cls(EventKind(kind), zone)


@dataclass(frozen=True, slots=True)
class Refused:
    """The request was understood and cannot be done; repeating it will not help."""

    code: ClassVar[int] = 0x86
    layout: ClassVar[struct.Struct] = struct.Struct("<BB")
    reason: RefusalCode
    detail: int = 0

    def encode(self) -> bytes:
        return bytes((self.code,)) + self.layout.pack(self.reason, self.detail)

    @classmethod
    def decode(cls, body: bytes) -> Refused:
        reason, detail = _unpack_all(cls.layout, body)
        _need(reason in set(RefusalCode), f"refusal {reason} is unknown")
        return cls(RefusalCode(reason), detail)


Request = SetConfig | Apply | Renew | MuteAll | ReadState | ReadHealth | ClearFault | EnterLoader
Reply = State | Health | Done | Renewed | Refused

_REQUESTS: tuple[type[Request], ...] = (
    SetConfig,
    Apply,
    Renew,
    MuteAll,
    ReadState,
    ReadHealth,
    ClearFault,
    EnterLoader,
)
_FROM_CONTROLLER: tuple[type[Reply | Event], ...] = (State, Health, Done, Renewed, Event, Refused)
_REQUEST_BY_CODE = {kind.code: kind for kind in _REQUESTS}
_FROM_CONTROLLER_BY_CODE = {kind.code: kind for kind in _FROM_CONTROLLER}


def decode_request(payload: bytes) -> Request:
    """What a host asks of a controller."""
    kind = _REQUEST_BY_CODE.get(payload[0]) if payload else None
    if kind is None:
        raise MessageError(f"request {payload[:1].hex() or 'empty'} is unknown")
    return kind.decode(payload[1:])


def decode_from_controller(payload: bytes) -> Reply | Event:
    """What a controller answers or reports."""
    kind = _FROM_CONTROLLER_BY_CODE.get(payload[0]) if payload else None
    if kind is None:
        raise MessageError(f"message {payload[:1].hex() or 'empty'} is unknown")
    return kind.decode(payload[1:])


def _unpack_head(layout: struct.Struct, body: bytes) -> tuple[int, ...]:
    _need(len(body) >= layout.size, "message is too short")
    return layout.unpack_from(body)


def _unpack_all(layout: struct.Struct, body: bytes) -> tuple[int, ...]:
    _need(len(body) == layout.size, "message has the wrong length")
    return layout.unpack(body)
