"""What a station is composed of, and the questions that need several of its parts.

Owns the construction and nothing that changes: what happens is decided in `station`. Views, the
doctor and the actions look here, so that they need not know who decides.
"""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from typing import Literal

from agent.contract.envelope import VerifySignature
from agent.core.air import Air
from agent.core.approvals import Approvals
from agent.core.emergencies import Emergencies
from agent.core.events import HostSeen
from agent.core.facts import Facts
from agent.core.health import Health as Alarms
from agent.core.inbox import Inbox
from agent.core.items import Item
from agent.core.lineup import AHEAD_MS, Lineup
from agent.core.programme import Programme
from agent.core.quiet import QuietZones
from agent.core.reporter import Reporter
from agent.core.schedule import Zones
from agent.core.seal import NO_KEY_GIVEN, NoSigner, Signer
from agent.core.settlement import Settlement
from agent.core.site import Site
from agent.core.supply import Supply
from agent.core.timekeeping import Timekeeping
from agent.core.trust import RootKeys
from agent.core.uplink import Uplink


class Parts:
    """site: what the station is made of. facts: what it knew when it was last alive.

    root: who may replace every key. verify: the signature check. zones: time zone resolver.
    signer: the station's own key for its records.
    items_changed: the line-up has to be made again. lines_made_ms: when it was made last.
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
        self.air = Air(site, facts)
        self.reporter = Reporter(site, facts, signer)
        self.approvals = Approvals(facts, self.programme)
        self.quiet = QuietZones(facts)
        self.supply = Supply(self.programme)
        self.lineup = Lineup(facts, self.programme)
        self.settlement = Settlement(facts, self.air, self.reporter)
        self.emergencies = Emergencies(
            site, facts, self.programme, self.air, self.reporter, self.tz
        )
        self.uplink = Uplink()
        self.alarms = Alarms()
        self.time = Timekeeping()
        self.host = HostSeen()
        self.booted_mono_ms = 0
        self.items_changed = True
        self.lines_made_ms = 0

    def local(self, at_ms: int) -> datetime:
        return datetime.fromtimestamp(at_ms / 1_000, self.tz)

    def items_until(self, until_ms: int) -> dict[str, Item]:
        """Items beyond those in line, for a look further ahead."""
        from_ms = self.lines_made_ms + AHEAD_MS
        return self.lineup.between(self.supply.box, self.time, from_ms, until_ms)

    def volumes(self) -> dict[str, int]:
        """Volume 0–100 by zone: local override, else what plays there, else the settings."""
        return {zone.name: self.volume_of(zone.name)[0] for zone in self.site.zones}

    def volume_of(self, zone: str) -> tuple[int, Literal["timetable", "local", "command"]]:
        settings = self.programme.settings
        span = self.air.gates.get(zone)
        item = self.air.items.get(span.key) if span is not None else None
        if item is not None and item.klass == 1:
            return (settings.warning_volume if settings is not None else 90), "timetable"
        override = self.facts.overrides.get(f"volume|{zone}")
        if override is not None:
            return override.number, override.source
        if item is not None and item.volume is not None:
            return item.volume, "timetable"
        if settings is None:
            return 70, "timetable"
        return settings.zone_volumes.get(zone, settings.volume), "timetable"
