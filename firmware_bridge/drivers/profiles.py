"""Profiles of bought ASCII amplifiers: what to send, what comes back, how long to wait.

Owns the profile type and those known. Does not own the conversation (`ascii_amplifier`).
Invariant: a value outside a profile's range raises `ProfileError`; nothing is clipped in
silence.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from firmware_bridge.drivers.contract import ZoneWish


class ProfileError(ValueError):
    """This equipment cannot do what is wished; the message says which limit."""


@dataclass(frozen=True, slots=True)
class AsciiProfile:
    """One family of amplifiers. Templates take {unit}, {zone} and {value}.

    `reads` asks for one zone; the answer must match `answer`, with groups `zone`, `gate`,
    `volume` and `source`. The volume scale runs linearly from `floor_cdb` at 0 to 0 dB at
    `top_volume`.
    """

    name: str
    zones: int
    sources: int
    gate: str
    volume: str
    source: str
    reads: str
    answer: re.Pattern[bytes]
    terminator: bytes = b"\r"
    first_source: int = 1
    unit: int = 1
    baud: int = 9_600
    gap_ms: int = 100
    top_volume: int = 38
    floor_cdb: int = -7_600

    def volume_of(self, gain_cdb: int) -> int:
        """The nearest step that is not louder than wished."""
        if not self.floor_cdb <= gain_cdb <= 0:
            raise ProfileError(f"{self.name}: gain {gain_cdb} is outside {self.floor_cdb}..0 cdB")
        return (gain_cdb - self.floor_cdb) * self.top_volume // -self.floor_cdb

    def gain_of(self, volume: int) -> int:
        return self.floor_cdb + volume * -self.floor_cdb // self.top_volume

    def check(self, wish: ZoneWish) -> None:
        """Raises ProfileError for a wish this equipment cannot carry out."""
        if wish.zone > self.zones:
            raise ProfileError(f"{self.name}: zone {wish.zone} is outside 1..{self.zones}")
        if wish.source >= self.sources:
            raise ProfileError(
                f"{self.name}: source {wish.source} is outside 0..{self.sources - 1}"
            )
        self.volume_of(wish.gain_cdb)

    def commands(self, wish: ZoneWish) -> tuple[bytes, ...]:
        """What brings one zone into the state wished; a gate goes on last and off first."""
        self.check(wish)
        gate = self._render(self.gate, wish.zone, int(wish.gate))
        if not wish.gate:
            return (gate,)
        return (
            self._render(self.source, wish.zone, wish.source + self.first_source),
            self._render(self.volume, wish.zone, self.volume_of(wish.gain_cdb)),
            gate,
        )

    def question(self, zone: int) -> bytes:
        return self._render(self.reads, zone, 0)

    def _render(self, template: str, zone: int, value: int) -> bytes:
        text = template.format(unit=self.unit, zone=zone, value=value)
        return text.encode("ascii") + self.terminator


MONOPRICE_SIX_ZONE = AsciiProfile(
    name="monoprice-6-zone",
    zones=6,
    sources=6,
    gate="<{unit}{zone}PR{value:02d}",
    volume="<{unit}{zone}VO{value:02d}",
    source="<{unit}{zone}CH{value:02d}",
    reads="?{unit}{zone}",
    answer=re.compile(
        rb">(?P<unit>\d)(?P<zone>\d)\d\d(?P<gate>\d\d)\d\d\d\d(?P<volume>\d\d)"
        rb"\d\d\d\d\d\d(?P<source>\d\d)\d\d"
    ),
)

PROFILES = {profile.name: profile for profile in (MONOPRICE_SIX_ZONE,)}
