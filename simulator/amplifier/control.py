"""Faults by name: one JSON object per line, as the control socket and scenarios speak it.

Owns the vocabulary and its parsing. Does not own what a fault does (`pty_unit`). Invariant:
an unknown fault, key or value is an error that says where, never ignored.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec


class _Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="fault"):
    """Base of all: the key `fault` names it."""


Rate = Annotated[float, msgspec.Meta(ge=0, le=1)]
Duration = Annotated[int, msgspec.Meta(ge=0, le=3_600_000)]


class LineOpen(_Fault, frozen=True, tag="line_open"):
    zone: int


class LineShort(_Fault, frozen=True, tag="line_short"):
    zone: int


class LineOk(_Fault, frozen=True, tag="line_ok"):
    zone: int


class LocalMute(_Fault, frozen=True, tag="local_mute"):
    zone: int


class SetLevel(_Fault, frozen=True, tag="level"):
    """The level in front of a zone's gate; null for nothing."""

    zone: int
    cdb: int | None


class Temperature(_Fault, frozen=True, tag="temperature"):
    cdeg: int


class Supply(_Fault, frozen=True, tag="supply"):
    mv: int


class Mains(_Fault, frozen=True, tag="mains"):
    """Whether the amplifier has mains."""

    on: bool


class Freeze(_Fault, frozen=True, tag="freeze"):
    for_ms: Duration


class Reboot(_Fault, frozen=True, tag="reboot"):
    cause: Literal["power_on", "watchdog", "brown_out", "software", "pin"] = "watchdog"


class Unplug(_Fault, frozen=True, tag="unplug"):
    pass


class Replug(_Fault, frozen=True, tag="replug"):
    pass


class Noise(_Fault, frozen=True, tag="noise"):
    """Random bytes towards the host."""

    count: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]


class BadBytes(_Fault, frozen=True, tag="bad_line"):
    """Rates for the line in both directions; what is left out becomes 0 again."""

    loss: Rate = 0.0
    duplicate: Rate = 0.0
    corrupt: Rate = 0.0
    delay_ms: Duration = 0
    delay_spread_ms: Duration = 0
    one_byte_at_a_time: bool = False


class Show(_Fault, frozen=True, tag="none"):
    """No fault: just answer with the present state."""


Fault = (
    LineOpen
    | LineShort
    | LineOk
    | LocalMute
    | SetLevel
    | Temperature
    | Supply
    | Mains
    | Freeze
    | Reboot
    | Unplug
    | Replug
    | Noise
    | BadBytes
    | Show
)


class FaultError(ValueError):
    """The line is not a fault we know; the message says which part is wrong."""


_DECODER = msgspec.json.Decoder(Fault)


def parse_fault(line: bytes | str, zones: int) -> Fault:
    """One command. Raises FaultError with the path of what is wrong."""
    try:
        fault: Fault = _DECODER.decode(line)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise FaultError(str(error)) from error
    zone = getattr(fault, "zone", 1)
    if not 1 <= zone <= zones:
        raise FaultError(f"zone {zone} is outside 1..{zones} - at `$.zone`")
    return fault
