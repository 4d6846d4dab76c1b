"""Where the satellites say the box is, by the GPS daemon of the box (gpsd, JSON on its local port).

Owns the asking, every ten minutes, and that only a fix is told. Without a daemon, an antenna or a
fix nothing is told. A box that does not move is told once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import msgspec

from agent.adapters.ports import Emit
from agent.core.events import PlaceSeen

ADDRESS = ("127.0.0.1", 2947)
EVERY_S = 600.0
FIX_WITHIN_S = 30.0
LINE_MAX_BYTES = 64 * 1024
MOVED_UDEG = 300
"""About 30 m: what satellites are unsure of is no movement."""

WATCH = b'?WATCH={"enable":true,"json":true};\n'
FIX_2D = 2


class _Report(msgspec.Struct):
    """Of gpsd's reports the position (class TPV); the rest is skipped."""

    kind: str = msgspec.field(default="", name="class")
    mode: int = 0
    lat: float | None = None
    lon: float | None = None


class Gps:
    """`run` is its supervised task."""

    def __init__(
        self,
        emit: Emit,
        *,
        address: tuple[str, int] = ADDRESS,
        within_s: float = FIX_WITHIN_S,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._emit = emit
        self._address = address
        self._within_s = within_s
        self._sleep = sleep
        self._told: PlaceSeen | None = None

    async def run(self) -> None:
        while True:
            place = await self.look()
            if place is not None and self._moved(place):
                self._told = place
                self._emit(place)
            await self._sleep(EVERY_S)

    def _moved(self, place: PlaceSeen) -> bool:
        told = self._told
        return told is None or (
            abs(told.latitude_udeg - place.latitude_udeg) >= MOVED_UDEG
            or abs(told.longitude_udeg - place.longitude_udeg) >= MOVED_UDEG
        )

    async def look(self) -> PlaceSeen | None:
        """The first fix, or None."""
        try:
            async with asyncio.timeout(self._within_s):
                reader, writer = await asyncio.open_connection(*self._address, limit=LINE_MAX_BYTES)
                try:
                    writer.write(WATCH)
                    while line := await reader.readline():
                        if (place := place_in(line)) is not None:
                            return place
                finally:
                    writer.close()
        except (OSError, TimeoutError, ValueError):
            pass
        return None


def place_in(line: bytes) -> PlaceSeen | None:
    """The position in one line of gpsd, if it is a fix on the globe."""
    try:
        said = msgspec.json.decode(line, type=_Report)
    except msgspec.DecodeError:
        return None
    if said.kind != "TPV" or said.mode < FIX_2D or said.lat is None or said.lon is None:
        return None
    if not (-90 <= said.lat <= 90 and -180 <= said.lon <= 180):
        return None
    return PlaceSeen(round(said.lat * 1_000_000), round(said.lon * 1_000_000))
