"""Which readings are worth telling: changes at once, measurements sparingly.

Owns the thresholds. Invariant: gate, line, power, fault and connection changes always pass;
measurements pass when they cross a threshold, or once a minute if they changed at all.
"""

from __future__ import annotations

from dataclasses import replace

from firmware_bridge.drivers.contract import ControllerReading

SAMPLE_MS = 60_000
SOUNDING_CDB = -5_000
SILENT_CDB = -5_500
WARM_CDEG = 7_000
HOT_CDEG = 8_500
LOW_SUPPLY_MV = 4_750


class ChangeFilter:
    """Told every reading; says which ones the user should hear about."""

    def __init__(self) -> None:
        self._told: ControllerReading | None = None
        self._told_at_ms = 0
        self._sounding: dict[int, bool] = {}
        self._key: tuple[object, ...] | None = None

    def worth_telling(self, reading: ControllerReading, now_ms: int) -> bool:
        key = (_without_measurements(reading), self._bands(reading))
        changed = key != self._key
        sample_due = now_ms - self._told_at_ms >= SAMPLE_MS and reading != self._told
        if not changed and not sample_due:
            return False
        self._key, self._told, self._told_at_ms = key, reading, now_ms
        return True

    def _bands(self, reading: ControllerReading) -> tuple[object, ...]:
        for zone in reading.zones:
            level = zone.level_cdb
            bound = SILENT_CDB if self._sounding.get(zone.zone) else SOUNDING_CDB
            self._sounding[zone.zone] = level is not None and level > bound
        temperature = reading.temperature_cdeg
        band = None if temperature is None else (temperature >= WARM_CDEG, temperature >= HOT_CDEG)
        supply = reading.supply_mv
        low = None if supply is None else supply < LOW_SUPPLY_MV
        return (tuple(sorted(self._sounding.items())), band, low)


def _without_measurements(reading: ControllerReading) -> ControllerReading:
    zones = tuple(replace(zone, level_cdb=None, at_mono_ms=None) for zone in reading.zones)
    return replace(
        reading,
        zones=zones,
        temperature_cdeg=None,
        supply_mv=None,
        current_ma=None,
        retransmits=0,
    )
