"""Books what really sounded where: open stretches of sound per zone, and who confirmed them.

Owns the stretches, the levels last measured, and what controllers read back. Does not own which
gate should be open (air) nor the roll-up into outcomes (asrun).

Invariant: a zone's stretch is open exactly while its gate is open on a bus that sounds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import msgspec

from agent.contract.reasons import OccurrenceReason
from agent.contract.reports import Confirmation
from agent.core import asrun
from agent.core.arbitration import Blocked
from agent.core.carried import Carried, Change
from agent.core.cues import Sent
from agent.core.events import ControllerSeen, ZoneSeen
from agent.core.facts import Facts, OpenItem
from agent.core.planner import ZoneSpan
from agent.core.power import Power
from agent.core.programme import Sound
from agent.core.returned import HEARD_CDB, Returned
from agent.core.site import Site

CONFIRM_WITHIN_MS = 2_000
"""A zone may take this long to confirm a change before its silence means something."""

OPEN_SLACK_MS = 50

Sounding = Mapping[tuple[str, int], str]
"""(item key, bus) → token of the cue that sounds there."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A zone that sounds: booked up to `from_ms`, confirmed as it is since `since_ms`."""

    key: str
    bus: int
    from_ms: int
    since_ms: int
    confirmed: Confirmation
    token: str


class Ledger:
    """The book of one station. blocked: why a zone does not get an item, for gaps to come.
    rules: in whose words, where it is a rule of the air."""

    def __init__(self, site: Site, facts: Facts, power: Power) -> None:
        self._site = site
        self._facts = facts
        self._power = power
        self.stretches: dict[str, Stretch] = {}
        self.levels: dict[str, int | None] = {}
        self.carried = Carried()
        self.zones_seen: dict[str, ZoneSeen] = {}
        self.last_levels: dict[str, tuple[int, int]] = {}
        """Zone → the level last measured behind its amplifier, and when."""
        self.returned = Returned()
        self.gain_of: Callable[[str], int | None] = lambda _: None
        """The gain its amplifier was told for a zone; None: none yet."""
        self.controllers: dict[str, ControllerSeen] = {}
        self.blocked: dict[tuple[str, str], OccurrenceReason] = {}
        self.rules: dict[tuple[str, str], dict[OccurrenceReason, str]] = {}

    def block(self, one: Blocked) -> None:
        """A zone does not get an item now."""
        self.blocked[one.key, one.zone] = one.reason
        if one.rule:
            self.rules.setdefault((one.key, one.zone), {})[one.reason] = one.rule

    # --- what controllers say -----------------------------------------------------------

    def controller_seen(self, event: ControllerSeen, at_ms: int) -> None:
        self.controllers[event.controller] = event
        for zone in event.zones:
            self.zones_seen[zone.zone] = zone
            if zone.level_cdb is not None:
                self.last_levels[zone.zone] = zone.level_cdb, at_ms
        for zone in event.zones:
            self._compare(zone, at_ms)
        for name in list(self.stretches):
            self._confirm(name, at_ms)

    def _compare(self, zone: ZoneSeen, at_ms: int) -> None:
        """What comes out of the amplifier with what goes in."""
        stretch = self.stretches.get(zone.zone)
        level = self.levels.get(stretch.token) if stretch is not None else None
        gain = self.gain_of(zone.zone)
        put_in = None if level is None or gain is None or not zone.gate else level + gain
        self.returned.read(zone.zone, put_in, zone.level_cdb, at_ms)

    def returned_line(self, bus: int, at_ms: int, *, lacks: bool) -> frozenset[str]:
        """The return line's word about a bus; the zones whose sound is doubted now.

        A zone whose gate is closed, or that is turned down, sends nothing back for that reason.
        """
        hears = frozenset(
            zone
            for zone, stretch in self.stretches.items()
            if stretch.bus == bus and (not lacks or self._is_open(zone))
        )
        self.returned.line(hears, lacks=lacks)
        for zone in sorted(hears):
            self._confirm(zone, at_ms)
        return hears

    def _is_open(self, zone: str) -> bool:
        seen, gain = self.zones_seen.get(zone), self.gain_of(zone)
        shut = seen is not None and seen.gate is False
        return not shut and not self._is_cold(zone) and gain is not None and gain > HEARD_CDB

    def confirmation(self, zone: str) -> tuple[Confirmation, OccurrenceReason | None]:
        """Whether the controller confirms what the zone was told, and why not."""
        if zone in self._power.without_mains:
            return "no", OccurrenceReason.NO_MAINS
        place = self._site.zone(zone)
        seen = self.zones_seen.get(zone)
        controller = self.controllers.get(place.controller) if place is not None else None
        if controller is None or seen is None:
            return "unknown", None
        if controller.state != "ready":
            return "unknown", OccurrenceReason.CONTROLLER_LOST
        if seen.line == "open":
            return "no", OccurrenceReason.LINE_OPEN
        if seen.line == "short":
            return "no", OccurrenceReason.LINE_SHORT
        if seen.confirmed == "no":
            return "no", OccurrenceReason.ZONE_NOT_CONFIRMED
        if zone in self.returned.silent:
            return "no", OccurrenceReason.RETURN_SILENT
        return seen.confirmed, None

    def _as_sounding(self, zone: str) -> tuple[Confirmation, OccurrenceReason | None]:
        """As `confirmation`; that a gate is closed as it was told before confirms no sound."""
        confirmed, doubt = self.confirmation(zone)
        if confirmed == "yes" and (not self.zones_seen[zone].gate or self._is_cold(zone)):
            return "unknown", None
        return confirmed, doubt

    def _confirm(self, zone: str, at_ms: int) -> None:
        """The controller's word about a sounding zone changed: a new segment, or the first."""
        stretch = self.stretches[zone]
        confirmed, doubt = self._as_sounding(zone)
        if confirmed == stretch.confirmed:
            return
        early = at_ms - stretch.since_ms <= CONFIRM_WITHIN_MS
        if early and doubt is OccurrenceReason.ZONE_NOT_CONFIRMED:
            return
        if not early or stretch.confirmed != "unknown":
            self._book_zone(zone, at_ms)
            stretch = replace(self.stretches[zone], since_ms=at_ms)
        self.stretches[zone] = replace(stretch, confirmed=confirmed)
        self._note_doubt(stretch.key, zone, doubt)

    def _note_doubt(self, key: str, zone: str, doubt: OccurrenceReason | None) -> None:
        held = self._facts.open.get(key)
        if doubt is not None and held is not None:
            doubts = {**held.doubts, zone: doubt}
            self._facts.put("open", key, msgspec.structs.replace(held, doubts=doubts))

    # --- stretches ----------------------------------------------------------------------

    def sync(self, gates: Mapping[str, ZoneSpan], sounding: Sounding, at_ms: int) -> None:
        """Open and close the zones' stretches as gates and sound stand at `at_ms`."""
        for zone, stretch in list(self.stretches.items()):
            span = gates.get(zone)
            if span is None or (span.key, span.bus) != (stretch.key, stretch.bus):
                self._close(zone, at_ms)
        for zone, span in gates.items():
            token = sounding.get((span.key, span.bus))
            if zone in self.stretches or not token or self._is_cold(zone):
                continue
            if span.from_ms <= at_ms + OPEN_SLACK_MS:
                self._open(zone, span, token, at_ms)

    def mains_seen(self, at_ms: int) -> None:
        """Zones lost their mains: what sounded there is over."""
        for zone in self._power.without_mains & self.stretches.keys():
            key = self.stretches[zone].key
            self.blocked[key, zone] = OccurrenceReason.NO_MAINS
            self._close(zone, at_ms)

    def _is_cold(self, zone: str) -> bool:
        """Its amplifier has no mains, says that it is off or warms up: nothing can be heard yet."""
        if zone in self._power.without_mains or zone in self._power.starting:
            return True
        place = self._site.zone(zone)
        controller = self.controllers.get(place.controller) if place is not None else None
        return controller is not None and controller.power in ("off", "warming")

    def _open(self, zone: str, span: ZoneSpan, token: str, at_ms: int) -> None:
        self._note_late(span.key, zone)
        confirmed, doubt = self._as_sounding(zone)
        if doubt is OccurrenceReason.ZONE_NOT_CONFIRMED:
            confirmed, doubt = "unknown", None
        # A word that comes late is believed for what was before it, unless nobody could have said.
        since_ms = at_ms if doubt is None else at_ms - CONFIRM_WITHIN_MS - 1
        self.stretches[zone] = Stretch(span.key, span.bus, at_ms, since_ms, confirmed, token)
        if confirmed == "no" or doubt is OccurrenceReason.CONTROLLER_LOST:
            self._note_doubt(span.key, zone, doubt)

    def _note_late(self, key: str, zone: str) -> None:
        """What kept the zone from the item until now is why its beginning is missing."""
        reason = self.blocked.pop((key, zone), None)
        held = self._facts.open.get(key)
        if reason is not None and held is not None and zone not in held.gaps:
            self._note_gap(held, zone, reason)

    def _close(self, zone: str, at_ms: int) -> None:
        """Book the stretch; why the zone no longer hears the item goes with the gap to come."""
        self._book_zone(zone, at_ms)
        key = self.stretches.pop(zone).key
        self.returned.forget(zone)
        reason = self.blocked.get((key, zone))
        held = self._facts.open.get(key)
        if reason is not None and held is not None:
            self._note_gap(held, zone, reason)

    def _note_gap(self, held: OpenItem, zone: str, reason: OccurrenceReason) -> None:
        rules, words = held.rules, self.rules.get((held.key, zone))
        if words is not None:
            rules = {**rules, zone: {**rules.get(zone, {}), **words}}
        gaps = {**held.gaps, zone: reason}
        noted = msgspec.structs.replace(held, gaps=gaps, rules=rules)
        self._facts.put("open", held.key, noted)

    def _book_zone(self, zone: str, to_ms: int) -> None:
        stretch = self.stretches[zone]
        held = self._facts.open.get(stretch.key)
        if held is None:
            return
        level_cdb = self.levels.get(stretch.token)
        held = asrun.add_sound(
            held,
            zone,
            stretch.from_ms,
            to_ms,
            stretch.bus,
            level_cdb,
            stretch.confirmed,
            self.carried.label(stretch.token),
        )
        self._facts.put("open", stretch.key, held)
        self.stretches[zone] = replace(stretch, from_ms=max(to_ms, stretch.from_ms))

    def measured(self, token: str, key: str, at_ms: int, level_cdb: int | None) -> None:
        """Sound still leaves the card; book what sounded so far."""
        self.levels[token] = level_cdb
        for zone, stretch in list(self.stretches.items()):
            if stretch.key == key:
                self._book_zone(zone, at_ms)
            if stretch.token == token:
                self.returned.look(zone, at_ms)
                self._confirm(zone, at_ms)

    def plays(self, sent: Sent, sound: Sound, part: int, source: int, at_ms: int) -> Change | None:
        """A source begins or goes on; what sounded until then came from the one before."""
        self.book(sent.token, at_ms)
        return self.carried.plays(sent, sound, part, source, at_ms)

    def book(self, token: str, at_ms: int) -> None:
        """Book what a cue has sounded so far."""
        for zone, stretch in list(self.stretches.items()):
            if stretch.token == token:
                self._book_zone(zone, at_ms)

    def ended(self, key: str, bus: int, at_ms: int) -> None:
        """The cue's last sample left the card."""
        for zone, stretch in list(self.stretches.items()):
            if (stretch.key, stretch.bus) == (key, bus):
                self._close(zone, at_ms)

    def stepped(self, step_ms: int, new_ms: int) -> None:
        """The wall jumped by `step_ms` to `new_ms`: stretches go on under the new clock."""
        for zone in list(self.stretches):
            self._book_zone(zone, new_ms - step_ms)
            stretch = self.stretches[zone]
            self.stretches[zone] = replace(
                stretch, from_ms=new_ms, since_ms=stretch.since_ms + step_ms
            )
            held = self._facts.open.get(stretch.key)
            if held is not None:
                gaps = {**held.gaps, zone: OccurrenceReason.CLOCK_STEP}
                self._facts.put("open", stretch.key, msgspec.structs.replace(held, gaps=gaps))

    def forget(self, key: str) -> None:
        """The item is settled."""
        for pair in [pair for pair in self.blocked if pair[0] == key]:
            del self.blocked[pair]
            self.rules.pop(pair, None)
        for zone in [zone for zone, one in self.stretches.items() if one.key == key]:
            del self.stretches[zone]
