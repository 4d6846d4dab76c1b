"""What the controller said, compared with what is wished, as a reading.

Owns the rule for "confirmed". Pure functions; does not own the conversation.

Invariants: what was not heard in this session is unknown; `YES` needs the gate, the gain
and the source read back equal, and the zone not following its fallback policy.
"""

from __future__ import annotations

from dataclasses import replace

from firmware_bridge.drivers.contract import (
    Confirmation,
    ControllerReading,
    ControllerWish,
    LeaseSupport,
    Power,
    ZoneReading,
    ZoneWish,
)
from firmware_bridge.messages import Capability, FaultBit, Health, Hello, State, ZoneState

GAIN_TOLERANCE_CDB = 50


def zone_met(wish: ZoneWish, zone: ZoneState) -> bool:
    if not wish.gate:
        return not zone.gate
    return (
        zone.gate
        and not zone.on_policy
        and zone.source == wish.source
        and abs(zone.gain_cdb - wish.gain_cdb) <= GAIN_TOLERANCE_CDB
    )


def wish_met(wish: ControllerWish, state: State, hello: Hello) -> bool:
    """Does the controller do all of it, as far as it can?"""
    if not all(zone_met(wish.of(zone.zone), zone) for zone in state.zones):
        return False
    if Capability.POWER_CONTROL not in hello.capabilities:
        return True
    return wish.power == (state.power in (Power.ON, Power.WARMING))


def compose_reading(
    base: ControllerReading,
    *,
    hello: Hello | None,
    health: Health | None,
    state: State | None,
    at_mono_ms: int,
    wish: ControllerWish | None,
) -> ControllerReading:
    """Everything known, added to the link's own part; `wish` None confirms nothing."""
    if hello is None:
        return base
    reading = _with_identity(base, hello)
    if health is not None:
        reading = replace(
            reading,
            temperature_cdeg=health.temperature_cdeg,
            supply_mv=health.supply_mv,
            current_ma=health.current_ma,
        )
    if state is None:
        return reading
    levels = health.levels_cdb if health is not None else ()
    return replace(
        reading,
        power=state.power,
        warmed_up=None if state.power is Power.UNKNOWN else state.power is Power.ON,
        fault_word=state.fault_word,
        mains=_mains(hello, state.fault_word),
        zones=tuple(_zone_reading(zone, wish, levels, at_mono_ms) for zone in state.zones),
    )


def _with_identity(base: ControllerReading, hello: Hello) -> ControllerReading:
    leases = Capability.LEASES in hello.capabilities
    return replace(
        base,
        controller_id=hello.controller_id,
        firmware=hello.firmware_text,
        protocol=f"{hello.major}.{hello.minor}",
        reset_cause=hello.reset_cause.name.lower(),
        boot_count=hello.boot_count,
        fault_word=hello.fault_word,
        mains=_mains(hello, hello.fault_word),
        lease=LeaseSupport.SUPPORTED if leases else LeaseSupport.UNSUPPORTED,
        zones=tuple(ZoneReading(zone) for zone in range(1, hello.zones + 1)),
    )


def _mains(hello: Hello, fault_word: int) -> bool | None:
    if Capability.MAINS_SENSE not in hello.capabilities:
        return None
    return not fault_word & FaultBit.NO_MAINS


def _zone_reading(
    zone: ZoneState,
    wish: ControllerWish | None,
    levels: tuple[int | None, ...],
    at_mono_ms: int,
) -> ZoneReading:
    return ZoneReading(
        zone=zone.zone,
        gate=zone.gate,
        gain_cdb=zone.gain_cdb,
        source=zone.source,
        confirmed=_confirmation(zone, wish),
        at_mono_ms=at_mono_ms,
        line=zone.line,
        level_cdb=levels[zone.zone - 1] if zone.gate and zone.zone <= len(levels) else None,
    )


def _confirmation(zone: ZoneState, wish: ControllerWish | None) -> Confirmation:
    if wish is None:
        return Confirmation.UNKNOWN
    return Confirmation.YES if zone_met(wish.of(zone.zone), zone) else Confirmation.NO
