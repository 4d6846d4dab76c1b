"""Does the record of an emergency say which rules and ceilings it broke? All, and no other.

Owns that half of invariant 10. What an emergency began against is read from the regulation as it
was signed, the quiets that people asked for, and the second at which the sound left the card; the
record is the one that reached the collector. Minutes and sessions are left to the property tests.
Near a wrong clock, a crash, or the edge of a rule nothing is asked.
"""

from __future__ import annotations

from collections.abc import Iterator

from agent.contract.documents import Regulation, Settings
from agent.contract.reasons import OccurrenceReason as Why
from agent.contract.reports import AsRun
from simulator.world import rulebook
from simulator.world.box import Box
from simulator.world.evidence import HOUR_MS, MINUTE_MS, Case, File, near
from simulator.world.sound import Played
from simulator.world.warden import Warden

COUNTED = frozenset({Why.MINUTES_USED_UP, Why.SESSIONS_USED_UP})
LEAST_MS = 3_000
"""What was heard for less may have been no more than a gate that was closing."""

BOOKED_MS = 5_000
"""A record may place its sound so far from where it was heard."""

TOLD_BY_MS = HOUR_MS
"""What sounded so shortly before the end may not have been told yet."""


class Notary:
    def __init__(self, case: Case, warden: Warden) -> None:
        self._case = case
        self._warden = warden

    def look(self, box: Box) -> None:
        """At every warning that was heard of one station."""
        file = self._case.file(box)
        records = [one for one in file.outcomes.values() if one.klass == 1]
        for (_, name, revision), plays in sorted(file.warned.items(), key=lambda pair: pair[0]):
            mine = [one for one in records if one.occurrence.entry == f"w-{name}-{revision}"]
            for played in plays:
                for zone in sorted(zone.name for zone in box.site.zones):
                    if played.heard_ms(zone) >= LEAST_MS:
                        self._look_at(box, file, zone, played, mine)

    def _look_at(
        self, box: Box, file: File, zone: str, played: Played, records: list[AsRun]
    ) -> None:
        wanted = self._against(box, file, zone, played.begins_ms, played.begins_wall_ms)
        if wanted is None or box.clock.now_ms - played.begins_ms < TOLD_BY_MS:
            return
        where = f"the warning in {zone} at {rulebook.shown(played.begins_wall_ms, box.site.tz)}"
        record = next((one for one in records if _tells_of(one, zone, played)), None)
        if record is None:
            if wanted:
                self._case.fail(10, box, f"{where} broke {sorted(wanted)}, and no record tells it")
            return
        if self._began_otherwise(box, file, zone, record, records, wanted, played):
            return
        self._case.count("emergencies against rules" if wanted else "emergencies within rules")
        told = set(record.broke) - COUNTED
        if told != wanted:
            said = f"its record says {sorted(told)}, it broke {sorted(wanted)}"
            self._case.fail(10, box, f"{where}: {said}")
        self._loud(box, file, zone, record, played, where)

    def _loud(
        self, box: Box, file: File, zone: str, record: AsRun, played: Played, where: str
    ) -> None:
        """A ceiling it passed stands in the record, and no other."""
        settings = self._warden.settings(file, played.begins_ms)
        if settings is None or settings.regulation is None or record.volume is None:
            return
        found = {
            rulebook.ceiling_of(settings.regulation, box.site.tz, zone, at_ms)
            for at_ms in (
                record.planned_start_ms - MINUTE_MS,
                played.begins_wall_ms,
                played.begins_wall_ms + MINUTE_MS,
            )
        }
        if len(found) > 1:
            return  # at the very edge of a band
        [most] = found
        if record.above_ceiling != (most if record.volume > most else None):
            said = f"its record says {record.above_ceiling}, it was {record.volume} of {most}"
            self._case.fail(10, box, f"{where}: {said}")

    def _began_otherwise(
        self,
        box: Box,
        file: File,
        zone: str,
        record: AsRun,
        records: list[AsRun],
        wanted: set[Why],
        played: Played,
    ) -> bool:
        """Whether its occurrence began, here or in another zone, when other rules held."""
        first_ms = min(
            one.segments[0].from_ms
            for one in records
            if one.occurrence == record.occurrence and one.segments
        )
        begins_ms = played.begins_ms + first_ms - played.begins_wall_ms
        return self._against(box, file, zone, begins_ms, first_ms) != wanted

    def _against(
        self, box: Box, file: File, zone: str, true_ms: int, wall_ms: int
    ) -> set[Why] | None:
        """The rules in force there and then; None when that cannot be told for certain."""
        unsure = near(file.clock_troubles, true_ms, 2 * HOUR_MS)
        crashed = any(low - MINUTE_MS <= true_ms <= high + MINUTE_MS for low, high in file.troubles)
        if unsure or crashed or near(file.stalls, true_ms, MINUTE_MS):
            return None
        found = [
            self._in_force(box, file, zone, true_ms + off_ms, wall_ms + off_ms)
            for off_ms in (-MINUTE_MS, 0, MINUTE_MS)
        ]
        return found[1] if found[0] == found[1] == found[2] else None

    def _in_force(
        self, box: Box, file: File, zone: str, true_ms: int, wall_ms: int
    ) -> set[Why] | None:
        settings = self._warden.settings(file, true_ms)
        if settings is None or any(self._quiet_unsure(file, zone, true_ms)):
            return None
        found = _by_the_book(box, settings, zone, wall_ms)
        if self._warden.is_quiet(file, zone, true_ms, wall_ms):
            found.add(Why.QUIET)
        return found

    def _quiet_unsure(self, file: File, zone: str, true_ms: int) -> Iterator[bool]:
        """A word about quiet that was just said, or that a crash may have swallowed."""
        for at_ms, zones, _ in file.quiet:
            if zone in zones and at_ms <= true_ms + MINUTE_MS:
                yield true_ms - at_ms < 2 * MINUTE_MS or self._warden.forgotten(file, at_ms)


def _by_the_book(box: Box, settings: Settings, zone: str, wall_ms: int) -> set[Why]:
    tags = next(one.tags for one in box.site.zones if one.name == zone)
    mine = rulebook.for_zone(settings.regulation or Regulation(), zone, tags)
    return rulebook.in_force(mine, box.site.tz, zone, wall_ms, ("vi",))


def _tells_of(record: AsRun, zone: str, played: Played) -> bool:
    """Whether the record books sound in the zone while this was heard there."""
    shift_ms = played.begins_wall_ms - played.begins_ms
    return record.zone == zone and any(
        one.gap is None
        and one.from_ms - BOOKED_MS <= stretch.to_ms + shift_ms
        and stretch.from_ms + shift_ms <= one.to_ms + BOOKED_MS
        for stretch in played.stretches
        if zone in stretch.zones
        for one in record.segments
    )
