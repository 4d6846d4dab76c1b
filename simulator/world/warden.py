"""Was anything heard against the rules of the air? The naive reading against what left the card.

Owns invariant 10: nothing of class 2 or 3 sounds outside the hours, on a silent date, where it is
kept quiet, or without the approval of a commune that asks for one. Looks at samples of every
stretch of sound, by the clock as the box had it; what a wrong clock or a crash blurs is excused.
Minutes and sessions are left to the property tests, which know every item's length.
"""

from __future__ import annotations

from collections.abc import Iterator

from agent.contract.documents import Entry, Regulation, Settings
from simulator.world import rulebook
from simulator.world.box import Box
from simulator.world.evidence import HOUR_MS, MINUTE_MS, Case, File, Label, near
from simulator.world.signing import AUTHORITY, PROVINCE
from simulator.world.sound import Played
from simulator.world.timetable import DAY_MS, starts

EDGE_MS = 700
"""Gates close, buffers drain."""

SAMPLE_MS = 20_000
SAVED_MS = 2 * MINUTE_MS
"""What was said so shortly before a crash may be forgotten."""


class Warden:
    def __init__(self, case: Case) -> None:
        self._case = case

    def look(self, box: Box) -> None:
        """At everything that was heard of one station."""
        file = self._case.file(box)
        for label, plays in file.plays.items():
            entry = next(self._case.versions(label[0], label[1]))
            for played in plays:
                self._look_at(box, file, label, entry, played)

    def _look_at(self, box: Box, file: File, label: Label, entry: Entry, played: Played) -> None:
        for stretch in played.stretches:
            for true_ms in _samples(stretch.from_ms + EDGE_MS, stretch.to_ms - EDGE_MS):
                settings = self.settings(file, true_ms)
                if settings is None or near(file.clock_troubles, true_ms, 2 * HOUR_MS):
                    continue
                wall_ms = played.begins_wall_ms + true_ms - played.begins_ms
                self._case.count("seconds under rules")
                for zone in sorted(stretch.zones):
                    why = self._against(box, file, label, entry, settings, zone, true_ms, wall_ms)
                    if why is not None:
                        where = f"{label} in {zone} at {rulebook.shown(wall_ms, box.site.tz)}"
                        self._case.fail(10, box, f"{where}: {why}")

    def settings(self, file: File, true_ms: int) -> Settings | None:
        """The home authority's, as the station held them for a while; None when it did not."""
        for desk in self._case.office.desks.values():
            if desk.authority != AUTHORITY:
                continue
            held = [one for one in file.held.get(desk.audience, []) if one[0] <= true_ms]
            if not held or held[-1][1] == 0 or true_ms - held[-1][0] < MINUTE_MS:
                continue
            settings = desk.schedules[held[-1][1] - 1].settings
            if settings is not None and settings.regulation is not None:
                return settings
        return None

    def _against(
        self,
        box: Box,
        file: File,
        label: Label,
        entry: Entry,
        settings: Settings,
        zone: str,
        true_ms: int,
        wall_ms: int,
    ) -> str | None:
        """Which rule forbids it."""
        rules, tz = settings.regulation or Regulation(), box.site.tz
        if rulebook.is_silent(rules, tz, wall_ms):
            return "a silent date"
        if self.is_quiet(file, zone, true_ms, wall_ms):
            return "kept quiet"
        if self._unapproved(file, label, entry, settings, true_ms):
            return "nobody approved it"
        tags = next(one.tags for one in box.site.zones if one.name == zone)
        mine = rulebook.for_zone(rules, zone, tags)
        if mine.windows and not self._in_session(box, mine, label, wall_ms):
            return "outside the hours"
        return None

    def _in_session(self, box: Box, rules: Regulation, label: Label, wall_ms: int) -> bool:
        """Some version of it started in a window that is still open."""
        tz = box.site.tz
        if label[1] in self._case.placed:
            return any(rulebook.is_open(one, wall_ms, tz) for one in rules.windows)
        for version in self._case.versions(label[0], label[1]):
            for start in starts(version, wall_ms - DAY_MS, wall_ms + MINUTE_MS):
                session = rulebook.session_of(rules, tz, "", start.start_ms)
                if session is not None and session.from_ms <= wall_ms < session.to_ms:
                    return True
        return False

    def is_quiet(self, file: File, zone: str, true_ms: int, wall_ms: int) -> bool:
        asked = [one for one in file.quiet if zone in one[1] and one[0] <= true_ms]
        if not asked or wall_ms >= asked[-1][2] or true_ms - asked[-1][0] < MINUTE_MS:
            return False
        return not any(self.forgotten(file, one[0]) for one in asked)

    def forgotten(self, file: File, at_ms: int) -> bool:
        """A crash soon afterwards, or a card without room, may have lost it."""
        crash = any(at_ms - SAVED_MS <= low_ms <= at_ms + SAVED_MS for low_ms, _ in file.troubles)
        return crash or near(file.full, at_ms, SAVED_MS)

    def _unapproved(
        self, file: File, label: Label, entry: Entry, settings: Settings, true_ms: int
    ) -> bool:
        """Of another authority, ordinary, and the commune never said yes to any version of it."""
        desk = self._case.office.desks[label[0]]
        asks = desk.authority == PROVINCE and settings.approvals is not None
        versions = self._case.versions(label[0], label[1])
        if not asks or any(one.klass < 3 for one in (entry, *versions)):
            return False
        words = file.approved.get(label[1], [])
        return not any(yes and at_ms <= true_ms for at_ms, yes in words)


def _samples(from_ms: int, to_ms: int) -> Iterator[int]:
    """The ends, and between them every so often."""
    if from_ms <= to_ms:
        yield from range(from_ms, to_ms, SAMPLE_MS)
        yield to_ms
