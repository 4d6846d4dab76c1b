"""The audio screen: what is wrong with the sound card, how it runs, what each bus gives, and which
devices there are. Levels are bars from -60 dBFS to full scale: full up to the level, shaded up to
the peak.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from agent.cli.columns import cut, display_width, flow, spread, wrap
from agent.cli.devices import Listed
from agent.cli.findings import Finding, counts, finding_lines, worst_first
from agent.cli.texts import Lang, say
from agent.cli.wording import (
    FAULT,
    OK,
    UNKNOWN,
    WATCH,
    carried,
    clock_seconds,
    decibels,
    decimal,
    length,
)
from agent.core.requests import AudioView, BusView, ReturnView
from agent.core.words import BACK, CARD_LOST, SOUND_KIND
from agent.devices_named import Absent
from agent.player.listing import Card, Device, Devices

FLOOR_DB = 60
STALE_MS = 15_000
UNDERRUNS_MANY = 10
DRIFT_MUCH_PPM = 500
SILENT_MS = 3_500
RATE_HZ = 48_000
_BAR_LEAST = 6


def render_audio(
    view: AudioView | None,
    listed: Listed,
    lang: Lang,
    width: int,
    configured: str = "",
    before: tuple[Finding, ...] = (),
) -> list[str]:
    """view None: the agent could not be asked; the devices are shown all the same.

    configured: the card's name in the configuration. before: what was found before that.
    """
    findings = worst_first([*before, *audio_findings(view, listed, lang, configured)])
    lines = [spread(say(lang, "audio-title"), counts(findings), width)]
    for finding in findings:
        lines += finding_lines(finding, width)
    if view is not None:
        lines += flow(list(_card(view, lang)), width, between=" · ")
        lines += flow(list(_running(view, lang)), width, between=" · ")
        for bus in view.buses:
            lines += _bus(bus, view.tz, lang, width)
        if view.back is not None:
            lines += _back(view.back, lang, width)
    return lines + _devices(view, listed, lang, width)


# --- what is wrong ----------------------------------------------------------------------------


def audio_findings(
    view: AudioView | None, listed: Listed, lang: Lang, configured: str = ""
) -> list[Finding]:
    found = [*_listing_findings(listed, lang), *_name_findings(view, listed, lang, configured)]
    if view is None:
        return found
    if view.player != "ready":
        return [_lost(view, listed, lang, configured), *found]
    found += _running_findings(view, lang)
    for bus in view.buses:
        if bus.kind in ("silent", "hiss") and bus.for_ms >= SILENT_MS:
            what = SOUND_KIND[bus.kind].text(lang)
            said = say(lang, "audio-bus-quiet", bus=bus.bus, what=what, time=length(bus.for_ms))
            found.append(Finding(WATCH, said, say(lang, "audio-bus-quiet-next"), 3))
    if view.back is not None:
        found += _back_findings(view.back, lang)
    if not any(one.mark in (FAULT, WATCH) for one in found):
        found.append(Finding(OK, say(lang, "audio-runs")))
    return found


_PLACED = re.compile(r"hw:\d")


def _name_findings(
    view: AudioView | None, listed: Listed, lang: Lang, configured: str
) -> Iterator[Finding]:
    """A name that means another card after the next replug."""
    if not _PLACED.search(configured):
        return
    found = listed.devices.devices if listed.devices is not None else ()
    resolved = view.resolved if view is not None else ""
    stable = [one.stable for one in found if one.name in (configured, resolved)]
    names = ", ".join(f'"{one}"' for one in stable or _usable(listed.devices))
    step = say(lang, "audio-name-next", names=names) if names else ""
    yield Finding(WATCH, say(lang, "audio-name-moves", name=configured), step, 1)


def _lost(view: AudioView, listed: Listed, lang: Lang, configured: str) -> Finding:
    if view.player == "starting" and not view.why:
        return Finding(UNKNOWN, say(lang, "player-starting"))
    known = CARD_LOST.get(view.why)
    if known is None:
        text = f"{say(lang, 'player-lost')}: {view.why}"
        return Finding(FAULT, text, say(lang, "player-lost-next"), 0)
    step = known.next(lang)
    there = _usable(listed.devices)
    if view.why == "no_device" and there:
        step = say(lang, "audio-name-next", names=", ".join(f'"{one}"' for one in there))
    text = known.text(lang)
    if view.why == "no_device" and _is_held(configured, listed.devices):
        known = CARD_LOST["device_lost"]
        return Finding(FAULT, f"{configured}: {known.text(lang)}", known.next(lang), 0)
    if view.why == "no_device" and configured:
        return Finding(FAULT, say(lang, "audio-no-name", name=configured), step, 0)
    return Finding(FAULT, f"{text} ({view.detail})" if view.detail else text, step, 0)


def _is_held(configured: str, devices: Devices | None) -> bool:
    """The card is there, but PortAudio could not open it to look at it."""
    shut = [one for one in (devices.cards if devices is not None else ()) if not one.listed]
    return any(_means(configured, one) for one in shut)


def _means(name: str, card: Card) -> bool:
    """Whether a configured name is this card's: by its id, or the beginning of its product."""
    return name.partition(",")[0].endswith(f"CARD={card.id}") or (
        bool(name) and card.product.startswith(name)
    )


def input_findings(lacking: Iterable[Absent], lang: Lang) -> Iterator[Finding]:
    """Configured inputs whose device is not there."""
    for one in lacking:
        names = ", ".join(f'"{name}"' for name in one.there)
        step = say(lang, "audio-input-next", names=names or say(lang, "unknown"))
        told = say(lang, "audio-no-input", name=one.wanted.label, device=one.wanted.device)
        yield Finding(WATCH, told, step, 2)


def _usable(devices: Devices | None) -> list[str]:
    found = devices.devices if devices is not None else ()
    return sorted({one.stable for one in found if one.outputs})


def _listing_findings(listed: Listed, lang: Lang) -> Iterator[Finding]:
    if listed.devices is None:
        why = say(lang, "audio-list-slow") if listed.why == "slow" else listed.why
        yield Finding(
            WATCH, say(lang, "audio-list-failed", why=why), say(lang, "audio-list-next"), 4
        )
    elif not listed.devices.devices and not listed.devices.cards:
        yield Finding(WATCH, say(lang, "audio-no-device"), say(lang, "audio-no-device-next"), 4)


def _running_findings(view: AudioView, lang: Lang) -> Iterator[Finding]:
    if view.seen_ms is None:
        yield Finding(UNKNOWN, say(lang, "audio-unseen"))
        return
    if view.at_ms - view.seen_ms > STALE_MS:
        when = clock_seconds(view.seen_ms, view.tz)
        yield Finding(WATCH, say(lang, "audio-stale", time=when), say(lang, "see-doctor"), 2)
    buffer_us = (view.frames_per_buffer or 0) * 1_000_000 // RATE_HZ
    p99_us = view.callback_p99_us
    if p99_us is not None and buffer_us and p99_us > buffer_us // 2:
        mark = FAULT if p99_us > buffer_us else WATCH
        text = say(lang, "audio-slow", value=_ms(p99_us, lang), buffer=_ms(buffer_us, lang))
        yield Finding(mark, text, say(lang, "audio-slow-next"), 1)
    if (view.underruns or 0) >= UNDERRUNS_MANY:
        text = say(lang, "audio-underruns-many", count=view.underruns)
        yield Finding(WATCH, text, say(lang, "audio-underruns-next"), 2)
    if view.drift_ppm is not None and abs(view.drift_ppm) > DRIFT_MUCH_PPM:
        text = say(lang, "audio-drift-much", value=view.drift_ppm)
        yield Finding(WATCH, text, say(lang, "audio-drift-next"), 3)


def _back_findings(back: ReturnView, lang: Lang) -> Iterator[Finding]:
    if (back.lacks_ms or 0) >= SILENT_MS:
        text = say(lang, "audio-back-lacks", bus=back.bus, time=length(back.lacks_ms or 0))
        yield Finding(FAULT, text, say(lang, "audio-back-lacks-next"), 0)
    if back.fault:
        known = BACK.get(back.fault)
        why = known.text(lang) if known is not None else back.fault
        step = known.next(lang) if known is not None else ""
        yield Finding(WATCH, say(lang, "audio-back-fault", why=why), step, 2)


# --- how it runs ------------------------------------------------------------------------------


def _card(view: AudioView, lang: Lang) -> Iterator[str]:
    if not view.device:
        return
    yield say(lang, "audio-card", name=view.device)
    if view.resolved and view.resolved != view.device:
        yield f"= {view.resolved}"


def _running(view: AudioView, lang: Lang) -> Iterator[str]:
    unknown = f"{UNKNOWN} {say(lang, 'not-measured')}"
    if view.seen_ms is None:
        return
    if view.latency_ms is not None:
        yield say(lang, "audio-latency", value=view.latency_ms, frames=view.frames_per_buffer)
    yield say(lang, "audio-underruns", count=view.underruns or 0)
    drift = unknown if view.drift_ppm is None else f"{view.drift_ppm} ppm"
    yield say(lang, "audio-drift", value=drift)
    yield say(lang, "audio-reopened", count=view.reopened or 0)
    yield say(lang, "audio-lost", count=view.lost)
    if view.callback_p50_us is None:
        yield say(lang, "audio-callback", p50=unknown, p99=unknown, worst=unknown)
        return
    times = (view.callback_p50_us, view.callback_p99_us or 0, view.callback_max_us or 0)
    p50, p99, worst = (_ms(one, lang) for one in times)
    yield say(lang, "audio-callback", p50=p50, p99=p99, worst=worst)


def _ms(value_us: int, lang: Lang) -> str:
    return decimal(value_us / 1_000, lang, 2)


def _bus(bus: BusView, tz: str, lang: Lang, width: int) -> list[str]:
    number = say(lang, "audio-bus", bus=bus.bus)
    if not bus.title and bus.kind is None:
        return [f"{number} · {say(lang, 'audio-bus-idle')}"]
    zones = f" · {', '.join(bus.zones)}" if bus.zones else ""
    lines = wrap(f"{number} · {bus.title}{zones}", width, then="  ")
    lines += flow(carried(bus.source, bus.source_ms, tz, lang), width, indent="  ")
    what = [SOUND_KIND[bus.kind].text(lang)] if bus.kind is not None else []
    if bus.levelled_cdb is not None:
        what.append(say(lang, "audio-levelled", value=_signed(bus.levelled_cdb, lang)))
    if bus.limited_cdb:
        what.append(say(lang, "audio-limited", value=decibels(bus.limited_cdb, lang)))
    return [*lines, *_level(bus.level_cdb, bus.peak_cdb, what, lang, width)]


def _signed(cdb: int, lang: Lang) -> str:
    return ("+" if cdb > 0 else "") + decibels(cdb, lang)


def _back(back: ReturnView, lang: Lang, width: int) -> list[str]:
    name = say(lang, "audio-back", bus=back.bus)
    what = [SOUND_KIND[back.kind].text(lang)] if back.kind is not None else []
    return [name, *_level(back.level_cdb, back.peak_cdb, what, lang, width)]


def _level(
    level_cdb: int | None, peak_cdb: int | None, what: list[str], lang: Lang, width: int
) -> list[str]:
    """The bar with its figures, and what is heard below it."""
    if level_cdb is None:
        return [cut(f"  {say(lang, 'level-unknown')}", width)]
    lines = bar_lines(level_cdb, peak_cdb, lang, width)
    return lines + (flow(what, width, between=" · ", indent="  ") if what else [])


def bar_lines(level_cdb: int, peak_cdb: int | None, lang: Lang, width: int) -> list[str]:
    """The bar with its figures."""
    peak_cdb = level_cdb if peak_cdb is None else peak_cdb
    figures = f" {decibels(level_cdb, lang)} / {decibels(peak_cdb, lang)} dB"
    cells = max(_BAR_LEAST, width - 4 - display_width(figures))
    return [cut(f"  [{bar(level_cdb, peak_cdb, cells)}]{figures}", width)]


def bar(level_cdb: int, peak_cdb: int, cells: int) -> str:
    """`████▒▒····`: from -60 dBFS to 0."""

    def reach(cdb: int) -> int:
        return max(0, min(cells, round((cdb / 100 + FLOOR_DB) / FLOOR_DB * cells)))

    level = reach(level_cdb)
    peak = max(level, reach(peak_cdb))
    return "█" * level + "▒" * (peak - level) + "·" * (cells - peak)


# --- which there are --------------------------------------------------------------------------


def _devices(view: AudioView | None, listed: Listed, lang: Lang, width: int) -> list[str]:
    if listed.devices is None:
        return []
    lines: list[str] = []
    for side in ("outputs", "inputs"):
        there = [one for one in listed.devices.devices if getattr(one, side)]
        if there:
            lines.append(say(lang, f"audio-{side}"))
        for one in there:
            used = side == "outputs" and view is not None and view.resolved == one.name
            lines += _device(one, getattr(one, side), lang, width, used=used)
    unlisted = [one for one in listed.devices.cards if not one.listed]
    for card in unlisted:
        lines += _unlisted(card, view, lang, width)
    return lines


def _device(one: Device, channels: int, lang: Lang, width: int, *, used: bool) -> list[str]:
    mark = f"{OK} " if used else "  "
    lines = wrap(f'"{one.stable}"', width, first=mark, then="    ")
    facts = say(lang, "audio-channels", count=channels, rate=one.rate_hz)
    return [*lines, *wrap(facts, width, first="    ", then="    ")]


def _unlisted(card: Card, view: AudioView | None, lang: Lang, width: int) -> list[str]:
    """A card that cannot be opened now: by ourselves, as a rule."""
    ours = view is not None and _means(view.device, card)
    said = say(lang, "audio-card-ours" if ours else "audio-card-held")
    mark = f"{OK} " if ours else f"{WATCH} "
    lines = wrap(f'"{card.stable}" {card.product}', width, first=mark, then="    ")
    return [*lines, *wrap(said, width, first="    ", then="    ")]
