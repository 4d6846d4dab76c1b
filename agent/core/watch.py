"""What is seen, compared with what should be: alarms begin, are taken note of, and end.

Owns the limits beyond which a reading is bad. Delays are `health`'s, episodes the facts'. Limits
have two edges: one to become bad, a gentler one to be good again, so that a reading that wavers
makes one alarm. What is not measured is never bad.
"""

from __future__ import annotations

from datetime import date

import msgspec

from agent.contract.reasons import AckReason, AlarmCode, LinkFault, OccurrenceReason
from agent.contract.reports import AlarmEvent
from agent.core.commands import RunState
from agent.core.facts import AlarmMemory
from agent.core.health import Change
from agent.core.network import modem_fault
from agent.core.parts import Parts
from agent.core.seal import NoSigner
from agent.core.turn import Turn

HOT_CDEG, COOL_CDEG = 8_000, 7_500
"""Of the board: a Raspberry Pi slows down at 80 °C."""

AMPLIFIER_HOT_CDEG, AMPLIFIER_COOL_CDEG = 8_500, 7_800
BATTERY_LOW_PERCENT, BATTERY_GOOD_PERCENT = 30, 40
WORN_PERCENT = 80
PLAN_LOW_PERCENT = 80
SIM_EXPIRES_DAYS = 14

_SIM_FAULTS = frozenset(
    {LinkFault.SIM_MISSING, LinkFault.SIM_LOCKED, LinkFault.REGISTRATION_DENIED}
)

Verdict = tuple[RunState, AckReason | None, str]


def observe(parts: Parts, fault: LinkFault | None, mono_ms: int, today: date | None) -> None:
    """Compare everything. fault: why the source system cannot be reached, as far as can be told.

    today: None while the clock is not trusted.
    """
    _sound(parts, mono_ms)
    _unsure(parts, mono_ms)
    if parts.running.host_looked:  # before the first look nothing ends because nothing is known
        _box(parts, mono_ms)
        _power(parts, mono_ms)
    _reached(parts, fault, mono_ms)
    if parts.network.looked:
        _modem(parts, mono_ms)
        _plan(parts, mono_ms, today)
    _sim_expires(parts, mono_ms, today)


def _sound(parts: Parts, mono_ms: int) -> None:
    observed = parts.alarms.observe
    for zone in parts.site.zones:
        confirmed, doubt = parts.air.ledger.confirmation(zone.name)
        open_now = zone.name in parts.air.gates.open
        bad = confirmed == "no" and (open_now or doubt is not OccurrenceReason.ZONE_NOT_CONFIRMED)
        detail = doubt.value if doubt is not None else ""
        observed(AlarmCode.ZONE_NOT_CONFIRMED, zone.name, bad, mono_ms, detail)
    for name in controllers(parts):
        seen = parts.air.ledger.controllers.get(name)
        lost = seen is None or seen.state != "ready"
        state = seen.state if seen is not None else "opening"
        observed(AlarmCode.CONTROLLER_LOST, name, lost, mono_ms, state)
    parts.truth.forget_ended()
    unheard = parts.truth.worst
    observed(AlarmCode.SOUND_SILENT, "", unheard is not None, mono_ms, unheard or "")
    observed(AlarmCode.NO_SOUND, "", parts.air.player != "ready", mono_ms, parts.air.player)


def _unsure(parts: Parts, mono_ms: int) -> None:
    """What the station cannot vouch for: its time, its records."""
    observed = parts.alarms.observe
    observed(AlarmCode.CLOCK_UNTRUSTED, "", parts.time.trust != "trusted", mono_ms)
    signer = parts.reporter.seal.signer
    why = signer.why if isinstance(signer, NoSigner) else ""
    observed(AlarmCode.RECORDS_UNSIGNED, "", isinstance(signer, NoSigner), mono_ms, why)


def _box(parts: Parts, mono_ms: int) -> None:
    observed, host = parts.alarms.observe, parts.host
    free_mib = host.storage_free_mib
    low = free_mib is not None and free_mib < parts.site.storage_low_mib
    observed(AlarmCode.STORAGE_LOW, "", low, mono_ms, f"{free_mib} MiB")
    failing = parts.storage_fault
    observed(AlarmCode.STORAGE_FAILED, "", bool(failing), mono_ms, failing)
    worn = host.storage_worn_percent
    bad = worn is not None and worn >= WORN_PERCENT
    observed(AlarmCode.STORAGE_WORN, "", bad, mono_ms, f"{worn} %")
    _heat(parts, "", host.temperature_cdeg, (HOT_CDEG, COOL_CDEG), mono_ms)
    for name in controllers(parts):
        seen = parts.air.ledger.controllers.get(name)
        heat = seen.temperature_cdeg if seen is not None and seen.state == "ready" else None
        _heat(parts, name, heat, (AMPLIFIER_HOT_CDEG, AMPLIFIER_COOL_CDEG), mono_ms)


def _heat(
    parts: Parts, subject: str, cdeg: int | None, edges: tuple[int, int], mono_ms: int
) -> None:
    bad = cdeg is not None and cdeg >= _edge(parts, AlarmCode.OVERHEATING, subject, edges)
    detail = f"{cdeg // 100} °C" if cdeg is not None else ""
    parts.alarms.observe(AlarmCode.OVERHEATING, subject, bad, mono_ms, detail)


def _edge(parts: Parts, code: AlarmCode, subject: str, edges: tuple[int, int]) -> int:
    """(to become bad, to be good again): the second while the alarm is open."""
    return edges[1] if (code, subject) in parts.alarms.open else edges[0]


def _power(parts: Parts, mono_ms: int) -> None:
    observed, host = parts.alarms.observe, parts.host
    percent = host.battery_percent
    detail = f"{percent} %" if percent is not None else ""
    observed(AlarmCode.MAINS_LOST, "", host.mains is False, mono_ms, detail)
    for name in controllers(parts):
        seen = parts.air.ledger.controllers.get(name)
        if seen is None or seen.state == "ready":  # a lost controller says nothing new
            gone = seen is not None and seen.mains is False
            observed(AlarmCode.MAINS_LOST, name, gone, mono_ms)
    edges = (BATTERY_LOW_PERCENT, BATTERY_GOOD_PERCENT)
    low = percent is not None and percent < _edge(parts, AlarmCode.BATTERY_LOW, "", edges)
    observed(AlarmCode.BATTERY_LOW, "", low and host.mains is not True, mono_ms, detail)
    observed(AlarmCode.SUPPLY_LOW, "", host.undervoltage is True, mono_ms)


def _reached(parts: Parts, fault: LinkFault | None, mono_ms: int) -> None:
    uplink = parts.uplink
    why = fault.value if fault is not None else uplink.cause
    lost = not uplink.connected
    parts.alarms.observe(AlarmCode.SOURCE_UNREACHABLE, "", lost, mono_ms, why)


def _modem(parts: Parts, mono_ms: int) -> None:
    observed, network = parts.alarms.observe, parts.network
    modem = network.modem
    ill = modem_fault(modem, network.terms)
    observed(AlarmCode.NO_SIGNAL, "", ill is LinkFault.NO_SIGNAL, mono_ms)
    sim = ill if ill in _SIM_FAULTS else None
    observed(AlarmCode.SIM_FAULT, "", sim is not None, mono_ms, sim.value if sim else "")
    abroad = modem is not None and modem.registration == "roaming" and modem.state == "connected"
    name = modem.operator if modem is not None else ""
    observed(AlarmCode.ROAMING, "", abroad and not network.terms.roaming, mono_ms, name)


def _plan(parts: Parts, mono_ms: int, today: date | None) -> None:
    observed = parts.alarms.observe
    percent = parts.network.plan_percent(today)
    detail = f"{percent} %" if percent is not None else ""
    used_up = percent is not None and percent >= 100
    low = percent is not None and PLAN_LOW_PERCENT <= percent < 100
    observed(AlarmCode.DATA_PLAN_LOW, "", low, mono_ms, detail)
    observed(AlarmCode.DATA_PLAN_USED_UP, "", used_up, mono_ms, detail)


def _sim_expires(parts: Parts, mono_ms: int, today: date | None) -> None:
    expires = parts.network.terms.sim_expires
    left = (date.fromisoformat(expires) - today).days if expires and today is not None else None
    soon = left is not None and left <= SIM_EXPIRES_DAYS
    parts.alarms.observe(AlarmCode.SIM_EXPIRES, "", soon, mono_ms, expires)


def controllers(parts: Parts) -> list[str]:
    return sorted({zone.controller for zone in parts.site.zones})


# --- episodes -------------------------------------------------------------------------------


def changed(parts: Parts, change: Change, turn: Turn) -> None:
    """An alarm begins or ends: remember it, and tell it."""
    key = f"{change.code}|{change.subject}"
    before = parts.facts.alarms.get(key)
    episode = (before.episode if before is not None else 0) + (1 if change.raised else 0)
    since_ms = turn.wall_ms if change.raised or before is None else before.since_ms
    memory = AlarmMemory(
        change.code, change.subject, episode, since_ms, change.raised, change.detail
    )
    parts.facts.put("alarm", key, memory)
    parts.running.alarms += change.raised
    _record(parts, memory, "raised" if change.raised else "cleared", turn)
    turn.log(
        "alarm_raised" if change.raised else "alarm_cleared",
        "warning" if change.raised else "info",
        code=change.code,
        subject=change.subject,
        detail=change.detail,
    )


def acknowledge(
    parts: Parts, code: str, subject: str, episode: int, by: str, turn: Turn
) -> Verdict:
    """Somebody takes note of this episode; who was first is remembered. Another begins anew."""
    key = f"{code}|{subject}"
    name = f"{code} {subject}".strip()
    held = parts.facts.alarms.get(key)
    if held is None or (not held.open and held.episode <= episode):
        return "failed", AckReason.NO_SUCH_ALARM, name
    if held.episode != episode:
        return "failed", AckReason.OTHER_EPISODE, f"{name}: {episode} ≠ {held.episode}"
    if held.acked_by:
        return "done", None, f"{name}: {held.acked_by}"
    held = msgspec.structs.replace(held, acked_by=by or "?", acked_ms=turn.wall_ms)
    parts.facts.put("alarm", key, held)
    _record(parts, held, "acknowledged", turn, by)
    turn.log("alarm_acknowledged", code=code, subject=subject, by=by)
    return "done", None, name


def _record(parts: Parts, memory: AlarmMemory, state: str, turn: Turn, by: str = "") -> None:
    parts.reporter.record(
        AlarmEvent(
            code=AlarmCode(memory.code),
            subject=memory.subject,
            state=state,  # type: ignore[arg-type]
            episode=memory.episode,
            since_ms=memory.since_ms,
            detail=memory.detail,
            by=by,
        ),
        turn,
    )
