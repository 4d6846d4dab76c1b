"""The zones screen: each loudspeaker line, those that do not sound first."""

from __future__ import annotations

from agent.cli.columns import flow, spread, wrap
from agent.cli.findings import Finding, counts, finding_lines, worst_first
from agent.cli.texts import Lang, say
from agent.cli.wording import FAULT, OK, UNKNOWN, WATCH, decibels, occurrence_reason
from agent.core.requests import ZonesView, ZoneView
from agent.core.words import CONTROLLER

_LINES = {"open": "line_open", "short": "line_short"}


def render_zones(view: ZonesView, lang: Lang, width: int) -> list[str]:
    if not view.zones:
        nothing = Finding(WATCH, say(lang, "zones-none"), say(lang, "zones-none-next"))
        return [say(lang, "zones-title"), *finding_lines(nothing, width)]
    found = [(zone_finding(zone, lang), zone) for zone in view.zones]
    order = worst_first([finding for finding, _ in found])
    found.sort(key=lambda pair: order.index(pair[0]))
    lines = [spread(f"{say(lang, 'zones-title')} {len(found)}", counts(order), width)]
    for finding, zone in found:
        lines += finding_lines(finding, width)
        lines += flow(_facts(zone, lang), width, between=" · ", indent="  ")
        if zone.playing:
            key = "playing-not-yet" if zone.sounding is False else "playing"
            lines += wrap(say(lang, key, title=zone.playing), width, first="  ", then="  ")
    return lines


def zone_finding(zone: ZoneView, lang: Lang) -> Finding:
    """The worst that is known of a zone."""
    state = CONTROLLER.get(zone.controller_state)  # type: ignore[call-overload]
    if state is not None and zone.controller_state != "ready":
        mark = UNKNOWN if zone.controller_state == "opening" else FAULT
        text = say(lang, "controller-state", controller=zone.controller, state=state.text(lang))
        return Finding(mark, f"{zone.name}: {text}", state.next(lang), 1)
    if zone.mains is False:
        text = f"{zone.name}: {say(lang, 'zone-no-mains')}"
        return Finding(FAULT, text, say(lang, "zone-no-mains-next"), 1)
    if zone.line in _LINES:
        text, step = occurrence_reason(_LINES[zone.line], lang)
        return Finding(FAULT, f"{zone.name}: {text}", step, 2)
    if zone.gate is not None and zone.gate != zone.gate_wished:
        key = "gate-stays-open" if zone.gate else "gate-stays-closed"
        step = say(lang, "gate-next", controller=zone.controller)
        return Finding(FAULT, f"{zone.name}: {say(lang, key)}", step, 3)
    if zone.gate_wished and zone.confirmed == "no":
        step = occurrence_reason("line_open", lang)[1]
        return Finding(FAULT, f"{zone.name}: {say(lang, 'zone-silent')}", step, 3)
    if zone.sounding is False:
        return Finding(WATCH, f"{zone.name}: {say(lang, 'not-started')}", "", 4)
    if zone.gate is None or (zone.gate_wished and zone.confirmed == "unknown"):
        return Finding(UNKNOWN, f"{zone.name}: {say(lang, 'zone-not-measured')}", "", 4)
    return Finding(OK, zone.name)


def _volume(zone: ZoneView, source: str, lang: Lang) -> str:
    """As it is; under a ceiling that lowers it, also as it was set."""
    lowered = zone.ceiling is not None and zone.wanted is not None and zone.wanted > zone.volume
    key = "volume-ceiling" if lowered else "volume"
    return say(lang, key, volume=zone.volume, source=source, wanted=zone.wanted)


def _facts(zone: ZoneView, lang: Lang) -> list[str]:
    gate = {True: "gate-open", False: "gate-closed", None: "gate-unknown"}[zone.gate]
    source = say(lang, f"volume-{zone.volume_source}")
    facts = [
        say(lang, gate),
        _volume(zone, source, lang),
        say(lang, "gain", value=decibels(zone.gain_cdb, lang)),
    ]
    if zone.gate_wished:
        facts.append(
            say(lang, "level-unknown")
            if zone.level_cdb is None
            else say(lang, "level", value=decibels(zone.level_cdb, lang))
        )
    if zone.line == "ok":
        facts.append(say(lang, "line-ok"))
    elif zone.line not in _LINES:
        facts.append(say(lang, "line-unknown"))
    power = zone.power if zone.power in ("on", "warming", "off") else "unknown"
    facts.append(say(lang, f"power-{power}"))
    if zone.lease == "unsupported":
        facts.append(f"{WATCH} {say(lang, 'lease-unsupported')}")
    return [*facts, zone.controller]
