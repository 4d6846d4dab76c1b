"""What an amplifier gives out, compared with what the station puts in.

Owns since when a zone's return has been missing. Only where an amplifier measures behind itself, or
a return line listens there, is there a return; everywhere else nothing is known, and nothing is
claimed.

Invariant: a single faint reading says nothing (a speaker draws breath): it must be missing for
`MISSING_FOR_MS`, and by more than `MISSING_CDB`.
"""

from __future__ import annotations

MISSING_CDB = 3_000
MISSING_FOR_MS = 20_000
"""Readings come every ten seconds or so."""

HEARD_CDB = -6_000
"""What the station puts in must be louder than this to mean anything."""


class Returned:
    """By zone. silent: zones out of which nothing comes though something goes in."""

    def __init__(self) -> None:
        self._faint: frozenset[str] = frozenset()
        self._lost: frozenset[str] = frozenset()
        self._since_ms: dict[str, int] = {}

    @property
    def silent(self) -> frozenset[str]:
        """By the amplifier's own word, or by what the return line does not hear."""
        return self._faint | self._lost

    def line(self, zones: frozenset[str], *, lacks: bool) -> None:
        """What the return line says of zones it hears; it has waited long enough by itself."""
        self._lost = self._lost | zones if lacks else self._lost - zones

    def read(self, zone: str, put_in_cdb: int | None, out_cdb: int | None, at_ms: int) -> None:
        """A reading; put_in_cdb: level of the programme with the zone's gain, None: not known."""
        if put_in_cdb is None or out_cdb is None or put_in_cdb <= HEARD_CDB:
            self._well(zone)
            return
        if out_cdb > put_in_cdb - MISSING_CDB:
            self._well(zone)
            return
        self._since_ms.setdefault(zone, at_ms)
        self.look(zone, at_ms)

    def look(self, zone: str, at_ms: int) -> None:
        """Time passed; the amplifier would have said if anything had changed."""
        since_ms = self._since_ms.get(zone)
        if since_ms is not None and at_ms - since_ms >= MISSING_FOR_MS:
            self._faint |= {zone}

    def forget(self, zone: str) -> None:
        """Nothing plays there any more."""
        self._well(zone)
        self._lost -= {zone}

    def _well(self, zone: str) -> None:
        """The amplifier gives it out, or does not measure."""
        self._since_ms.pop(zone, None)
        self._faint -= {zone}
