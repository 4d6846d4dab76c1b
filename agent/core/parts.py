"""What a station is composed of, and the questions that need several of its parts.

Owns the construction and nothing that changes: what happens is decided in `station`. Views, the
doctor and the actions look here, so that they need not know who decides.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, tzinfo
from typing import Literal

from agent.contract.envelope import VerifySignature
from agent.core.air import Air
from agent.core.approvals import Approvals
from agent.core.audio import Audio
from agent.core.emergencies import Emergencies
from agent.core.events import HostSeen
from agent.core.facts import Facts
from agent.core.health import Health as Alarms
from agent.core.inbox import Inbox
from agent.core.items import Item
from agent.core.lineup import AHEAD_MS, Line, Lineup, Provenance
from agent.core.network import Network
from agent.core.power import Power
from agent.core.programme import Programme
from agent.core.quiet import QuietZones
from agent.core.reporter import Reporter
from agent.core.rules import Rules
from agent.core.running import Running
from agent.core.schedule import Zones
from agent.core.seal import NO_KEY_GIVEN, NoSigner, Signer
from agent.core.settlement import Settlement
from agent.core.site import Site
from agent.core.supply import Supply
from agent.core.timekeeping import Timekeeping
from agent.core.trust import RootKeys
from agent.core.truth import Truth
from agent.core.uplink import Uplink

VolumeSource = Literal["timetable", "local", "command"]


class Parts:
    """site: what the station is made of. facts: what it knew when it was last alive.

    root: who may replace every key. verify: the signature check. zones: time zone resolver.
    signer: the station's own key for its records.
    items_changed: the line-up has to be made again. lines_made_ms: when it was made last.
    ceilings: the volume ceilings by zone, as they were from ceilings_from_ms on; until then they
    hold (None: for ever).
    """

    def __init__(
        self,
        site: Site,
        facts: Facts,
        root: RootKeys,
        verify: VerifySignature,
        zones: Zones,
        signer: Signer | NoSigner = NO_KEY_GIVEN,
    ) -> None:
        self.site = site
        self.facts = facts
        self.tz: tzinfo = zones(site.tz) or UTC
        self.inbox = Inbox(site, facts, root, verify, zones)
        self.programme = Programme(site, zones)
        self.power = Power(site)
        self.air = Air(site, facts, self.power)
        self.truth = Truth(facts, self.air)
        self.audio = Audio()
        self.reporter = Reporter(site, facts, signer)
        self.approvals = Approvals(facts, self.programme)
        self.rules = Rules(site, self.tz)
        self.quiet = QuietZones(site, facts, self.tz)
        self.supply = Supply(self.programme)
        self.air.loudness_of = self.supply.box.loudness.get
        self.lineup = Lineup(
            facts, self.programme, self.approvals, self.rules, self.quiet, self.power
        )
        self.settlement = Settlement(facts, self.air, self.reporter)
        self.emergencies = Emergencies(
            site, facts, self.programme, self.air, self.power, self.reporter, self.tz
        )
        self.uplink = Uplink()
        self.alarms = Alarms()
        self.time = Timekeeping()
        self.host = HostSeen()
        self.storage_fault = ""
        """Why the journal takes nothing now; "" while it does."""
        self.network = Network(site, facts)
        self.running = Running(facts)
        self.booted_mono_ms = 0
        self.items_changed = True
        self.lines_made_ms = 0
        self.ceilings: dict[str, int] = {}
        self.ceilings_from_ms = 0
        self.ceilings_until_ms: int | None = None

    def local(self, at_ms: int) -> datetime:
        return datetime.fromtimestamp(at_ms / 1_000, self.tz)

    def today(self, at_ms: int) -> date | None:
        """The day at the station; None while nobody can say."""
        return self.local(at_ms).date() if self.time.trust == "trusted" else None

    def lines_until(self, until_ms: int, now_ms: int) -> list[Line]:
        """What stands in line, and what lies beyond when the question reaches further."""
        air = self.air
        near = [
            Line(item, None, air.provenance.get(key, Provenance()))
            for key, item in air.items.items()
        ]
        from_ms = self.lines_made_ms + AHEAD_MS
        further = [
            line
            for line in self.lineup.between(self.supply.box, self.time, from_ms, until_ms)
            if line.item.key not in air.items
        ]
        return self.lineup.bound([*near, *further], self.time, now_ms) if further else near

    def volumes(self) -> dict[str, int]:
        """Volume 0–100 by zone: local override, else what plays there, else the settings."""
        return {zone.name: self.volume_of(zone.name)[0] for zone in self.site.zones}

    def volume_of(self, zone: str) -> tuple[int, VolumeSource]:
        """The volume of a zone now and who set it: under the ceiling, but for emergencies."""
        span = self.air.gates.open.get(zone)
        return self.volume_for(self.air.items.get(span.key) if span is not None else None, zone)

    def volume_for(self, item: Item | None, zone: str) -> tuple[int, VolumeSource]:
        """The volume with which an item sounds in a zone; None: nothing does."""
        settings = self.programme.settings
        if item is not None and item.klass == 1:
            return (settings.warning_volume if settings is not None else 90), "timetable"
        wanted, source = self._wanted_volume(zone, item)
        ceiling = self.ceilings.get(zone)
        return (wanted if ceiling is None else min(wanted, ceiling)), source

    def _wanted_volume(self, zone: str, item: Item | None) -> tuple[int, VolumeSource]:
        settings = self.programme.settings
        override = self.facts.overrides.get(f"volume|{zone}")
        if override is not None:
            return override.number, override.source
        if item is not None and item.volume is not None:
            return item.volume, "timetable"
        if settings is None:
            return 70, "timetable"
        return settings.zone_volumes.get(zone, settings.volume), "timetable"

    def wanted_volume(self, zone: str, item: Item | None) -> int:
        """As it was set, whatever the ceiling."""
        return self._wanted_volume(zone, item)[0]

    def look_at_ceilings(self, now_ms: int) -> bool:
        """Read the volume ceilings in force now; whether that changes anything."""
        before = self.ceilings
        found = {zone.name: self.rules.ceiling(zone.name, now_ms) for zone in self.site.zones}
        self.ceilings = {zone: volume for zone, volume in found.items() if volume is not None}
        self.ceilings_until_ms = self.rules.ceiling_changes_ms(now_ms)
        self.ceilings_from_ms = now_ms
        return self.ceilings != before
