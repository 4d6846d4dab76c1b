"""One broadcast, planned backwards from its start: amplifier power, relay, sound, drain, off.

Turns a plan into what the sound child and the controllers should be told now. The planned start
is the first sample, chime included; warm-up and relay lie before it (D7).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from agent.core.effects import HoldZones, ZoneWish
from agent.core.items import Item
from agent.core.planner import BusSpan, Plan, ZoneSpan
from agent.core.programme import Sound
from agent.core.site import Site, Zone, gain_for
from agent.player.protocol import Cue, Part

CUE_LEAD_MS = 10_000
"""A cue is given to the sound child this long before its start."""

GATE_LEAD_MS = 250
"""The relay of an idle zone closes this long before the first sample."""

WARM_MARGIN_MS = 500
"""Power comes on this much before warm-up strictly asks for it."""

START_NOW_MS = 60
"""Sound that should begin at once is cued this far ahead: less is lost in the first buffer."""

FADE_OUT_MS = 20

TORN_MIN_MS = 250
"""Less silence than this within a cue is none: parts may end 200 ms before their length, and what
is on its way to the card is counted by whole buffers."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A cue the sound child holds. sounding: its first sample left the card. stopping: told to
    stop, its end not reported yet. starts_ms: its first sample; later than from_ms while amplifiers
    warm up. parts: of its cue.

    shift_ms: what the wall jumped since it was sent. The child reports on the cue's own clock:
    began_ms, its first sample, and told_ms, its last report. silent_ms, underruns: booked so far.
    """

    token: str
    bus: int
    key: str
    origin_ms: int
    from_ms: int
    end_ms: int
    starts_ms: int = 0
    parts: int = 1
    sounding: bool = False
    shift_ms: int = 0
    stopping: bool = False
    began_ms: int = 0
    told_ms: int = 0
    silent_ms: int = 0
    underruns: int = 0

    def part_of(self, sound: Sound, part: int) -> int:
        """Which part of `sound.main` a part of the cue is; less than 0 for the chime."""
        return part + len(sound.main) - self.parts

    def is_unbegun(self, now_ms: int) -> bool:
        """Nothing of it can have sounded, and nobody will report its end."""
        return max(self.from_ms, self.starts_ms) > now_ms and not self.sounding

    def silent_until(self, at_ms: int, played_ms: int) -> int:
        """How much of the time since its first sample no sound left the card; 0 for what reports
        are inexact by."""
        silent_ms = at_ms - self.began_ms - played_ms
        known = self.sounding and silent_ms >= TORN_MIN_MS
        return max(self.silent_ms, silent_ms) if known else self.silent_ms


def parts_from(sound: Sound, position_ms: int) -> tuple[Part, ...]:
    """The parts of `sound` from `position_ms` of its timeline, chime included."""
    parts: list[Part] = []
    if sound.chime is not None and position_ms < sound.chime_ms:
        parts.append(Part((sound.chime,), position_ms, sound.chime_ms - position_ms))
    skip_ms = max(0, position_ms - sound.chime_ms)
    for part in sound.main:
        length_ms = part.length_ms
        if length_ms is not None and skip_ms >= length_ms:
            skip_ms -= length_ms
            continue
        left_ms = None if length_ms is None else length_ms - skip_ms
        parts.append(Part(part.sources, part.from_ms + skip_ms, left_ms, part.gain_cdb))
        skip_ms = 0
    return tuple(parts)


def cue_for(
    item: Item,
    sound: Sound,
    span: BusSpan,
    token: str,
    epoch: int,
    now_ms: int,
    cold_ms: int = 0,
) -> Cue:
    """The cue that carries `item` on the span's bus from the span's start on.

    cold_ms: how long its amplifiers need; what starts over waits for them.
    """
    position_ms = max(0, span.from_ms - span.origin_ms)
    start_ms, origin_ms = span.from_ms, span.origin_ms
    from_the_start = position_ms == 0
    if from_the_start and start_ms <= now_ms:
        starts_over = item.late == "restart"
        start_ms = now_ms + max(START_NOW_MS, cold_ms if starts_over else 0)
        origin_ms = start_ms if starts_over else origin_ms  # it plays for as long as it would have
    limited = item.total_ms is None or item.play_ms < item.total_ms
    fade_ms = item.within_ms if item.end == "fade" and limited else FADE_OUT_MS
    return Cue(
        token=token,
        bus=span.bus,
        parts=parts_from(sound, position_ms),
        start_at_ms=start_ms,
        epoch=epoch,
        join=not (from_the_start and item.late == "restart"),
        end_at_ms=origin_ms + item.play_ms if limited else None,
        fade_in_ms=0 if from_the_start else 10,
        fade_out_ms=fade_ms,
    )


def due_spans(plan: Plan, now_ms: int) -> list[BusSpan]:
    """Bus spans whose cue the sound child should hold now."""
    return [span for span in plan.buses if span.from_ms <= now_ms + CUE_LEAD_MS]


def carries(sent: Sent, span: BusSpan, now_ms: int) -> bool:
    """Whether `sent` is the cue of `span`."""
    if sent.stopping or sent.bus != span.bus or sent.key != span.key:
        return False
    if span.from_ms <= now_ms:
        return sent.from_ms <= now_ms
    return sent.from_ms == span.from_ms and sent.origin_ms == span.origin_ms


class Wishes:
    """What the zones should do at an instant. `volume` maps (zone, item) to 0–100."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def gates(self, plan: Plan, tails: Mapping[str, ZoneSpan], now_ms: int) -> dict[str, ZoneSpan]:
        """Zone → the span its gate is open for: on air, about to be, or draining.

        An idle zone opens a little early, but never onto a bus that still carries something else.
        """
        open_: dict[str, ZoneSpan] = dict(tails)
        for span in plan.zones:
            if span.from_ms <= now_ms < span.to_ms:
                open_[span.zone] = span
        taken = {one.bus for one in plan.buses if one.from_ms <= now_ms < one.to_ms}
        for span in plan.zones:
            ahead = now_ms < span.from_ms <= now_ms + GATE_LEAD_MS
            if ahead and span.zone not in open_ and span.bus not in taken:
                open_[span.zone] = span
        return open_

    def powered(
        self,
        plan: Plan,
        gates: Mapping[str, ZoneSpan],
        urgent: frozenset[str],
        was_on: frozenset[str],
        now_ms: int,
    ) -> frozenset[str]:
        """Amplifiers that should have power: in use, warming up, or lingering to the next item.

        urgent: zones that must be warm as soon as something for them is there.
        """
        on: set[str] = set()
        by_name = {zone.name: zone for zone in self._site.zones}
        for amplifier in self._site.amplifiers:
            if any(by_name[name].amplifier == amplifier.name for name in (*gates, *urgent)):
                on.add(amplifier.name)
                continue
            ahead_ms = amplifier.warm_up_ms + WARM_MARGIN_MS + GATE_LEAD_MS
            reach_ms = ahead_ms + (amplifier.linger_ms if amplifier.name in was_on else 0)
            if any(
                now_ms < span.to_ms and span.from_ms <= now_ms + reach_ms
                for span in plan.zones
                if by_name[span.zone].amplifier == amplifier.name
            ):
                on.add(amplifier.name)
        return frozenset(on)

    def next_ms(self, plan: Plan, now_ms: int) -> int | None:
        """When gates or power want to be looked at again."""
        by_name = {zone.name: zone for zone in self._site.zones}
        ahead = {
            a.name: a.warm_up_ms + WARM_MARGIN_MS + GATE_LEAD_MS for a in self._site.amplifiers
        }
        moments: list[int] = []
        for span in plan.zones:
            amplifier = by_name[span.zone].amplifier
            moments += [
                span.from_ms - GATE_LEAD_MS,
                span.from_ms - ahead.get(amplifier, 0),
                span.to_ms,
            ]
        later = [moment for moment in moments if moment > now_ms]
        return min(later) if later else None

    def holds(
        self,
        gates: Mapping[str, ZoneSpan],
        power: frozenset[str],
        volumes: Mapping[str, int],
    ) -> tuple[HoldZones, ...]:
        """The whole wish for every controller."""
        controllers = sorted({zone.controller for zone in self._site.zones})
        return tuple(
            HoldZones(
                controller,
                any(a.name in power for a in self._site.amplifiers if a.controller == controller),
                tuple(
                    self._wish(zone, gates.get(zone.name), volumes[zone.name])
                    for zone in self._site.zones
                    if zone.controller == controller
                ),
            )
            for controller in controllers
        )

    def _wish(self, zone: Zone, span: ZoneSpan | None, volume: int) -> ZoneWish:
        source = next(
            (c.source for c in zone.buses if span is not None and c.bus == span.bus),
            zone.buses[0].source,
        )
        return ZoneWish(zone.name, zone.index, span is not None, gain_for(zone, volume), source)
