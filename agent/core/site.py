"""What a station is made of, as far as decisions need it: zones, buses, amplifiers.

Built from the configuration by `agent.config`; never changes while the agent runs.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from agent.core.loudness import Levels
from agent.core.source_calls import SourceRules


@dataclass(frozen=True, slots=True)
class BusChoice:
    """A bus the zone can listen to, and the controller's source number that selects it."""

    bus: int
    source: int


@dataclass(frozen=True, slots=True)
class Zone:
    """A loudspeaker line. `buses` in order of preference.

    curve: (volume, gain_cdb) points rising by volume; between them gain is linear.
    """

    name: str
    controller: str
    index: int
    amplifier: str
    buses: tuple[BusChoice, ...]
    tags: frozenset[str] = frozenset()
    curve: tuple[tuple[int, int], ...] = ((0, -6000), (1, -4000), (100, 0))


@dataclass(frozen=True, slots=True)
class Amplifier:
    """One power switch with its warm-up; lingers on between items closer than `linger_ms`.

    backed_up: it sounds without mains too (battery, solar, generator).
    """

    name: str
    controller: str
    warm_up_ms: int = 1_500
    linger_ms: int = 60_000
    backed_up: bool = False


@dataclass(frozen=True, slots=True)
class Identity:
    """What authorities ask of every receiver; "" was not configured."""

    area: str = ""
    area_code: str = ""
    supplier: str = ""
    supplier_code: str = ""
    model: str = ""
    serial: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the box stands, millionths of a degree."""

    latitude_udeg: int
    longitude_udeg: int


@dataclass(frozen=True, slots=True)
class LinkTerms:
    """What was agreed for the way out. metered: interfaces paid by the byte; empty: modems.

    data_plan_mib 0: none. data_plan_day: 1–28. sim_expires: local date or "". probe_url "": the
    Internet is never asked for.
    """

    metered: frozenset[str] = frozenset()
    data_plan_mib: int = 0
    data_plan_day: int = 1
    sim_number: str = ""
    sim_expires: str = ""
    roaming: bool = False
    probe_url: str = ""


@dataclass(frozen=True, slots=True)
class Site:
    """The station. `tz` is the IANA name of its wall; `buses` how many channels carry sound."""

    station: str
    name: str
    tz: str
    zones: tuple[Zone, ...]
    amplifiers: tuple[Amplifier, ...]
    buses: int = 1
    language: str = "vi"
    version: str = "0"
    storage_low_mib: int = 500
    identity: Identity = Identity()
    place: Place | None = None
    link: LinkTerms = LinkTerms()
    heartbeat_ms: int = 300_000
    details_pause_ms: int = 60_000
    levels: Levels = field(default_factory=Levels)
    features: frozenset[str] = field(default_factory=frozenset)
    inputs: frozenset[str] = field(default_factory=frozenset)
    """Names of the line inputs, tuners and microphones that may be opened as a source."""
    return_inputs: frozenset[str] = field(default_factory=frozenset)
    """Names of inputs that hear the amplifier: opened as a source, the loudspeakers would howl."""
    return_bus: int | None = None
    """The bus whose sound a return line hears behind the amplifier; None: there is no such line."""
    source_rules: SourceRules | None = None
    """What may be asked through the source-system API; None: the station has none."""

    def zone(self, name: str) -> Zone | None:
        return next((zone for zone in self.zones if zone.name == name), None)


def gain_for(zone: Zone, volume: int) -> int:
    """Volume 0–100 → gain in cdb by the zone's curve; outside numbers are clamped."""
    volume = max(0, min(100, volume))
    below = zone.curve[0]
    for point in zone.curve:
        if point[0] >= volume:
            if point[0] == below[0]:
                return point[1]
            part = (volume - below[0]) / (point[0] - below[0])
            return round(below[1] + (point[1] - below[1]) * part)
        below = point
    return below[1]
