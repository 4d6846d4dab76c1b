"""What was heard: may it sound, here, now, and from this position?

Owns invariants 1 (nothing unsigned, nothing where it was not addressed) and 4 (nothing started
twice beyond its resume policy).
"""

from __future__ import annotations

from agent.contract.documents import Entry, ToneSource
from simulator.world.amplifier import LEASE_MS
from simulator.world.box import Box
from simulator.world.evidence import HOUR_MS, Case, File, Label, length, near, zones_of
from simulator.world.office import Owner
from simulator.world.sound import Played
from simulator.world.timetable import DAY_MS, local, starts

CHIME_MS = 1_800
START_MS = 300
"""A position up to here counts as the beginning."""

BLIP_MS = 120
"""Sound that was stopped before it was recognised: the stop was on its way."""

LINGER_MS = 500
"""A zone may hear another's sound this long while gates change."""


class Ear:
    def __init__(self, case: Case) -> None:
        self._case = case

    def sounds(self, box: Box, played: Played) -> None:
        """A cue began to sound: may it, and at this position?"""
        self._case.count("cues")
        note = f"sounds: {played.token} {played.parts}"
        self._case.trace.note(box.clock.now_ms, played.begins_wall_ms, box.site.station, note)
        owner = self._owner(box, played)
        if owner is None:
            if played.sources == ("tone:600",):
                self._siren_alone(box, played)
            return
        if owner.warning:
            key = (owner.audience, owner.warning, owner.revision)
            self._case.file(box).warned.setdefault(key, []).append(played)
            return
        label = self._label(box, owner, self._planned_by(played))
        file = self._case.file(box)
        entry = self._newest(owner.audience, owner.entry)
        before = file.plays.setdefault(label, [])
        position_ms = self._position(entry, played)
        if not self._in_another_language(played):
            self._check_again(box, file, entry, label, before, played, position_ms)
        before.append(played)

    def _in_another_language(self, played: Played) -> bool:
        """It goes on in a version: how far into the item that is, only those before it know."""
        owner = self._case.office.owners.get(played.sources[0])
        return owner is not None and owner.version

    def _siren_alone(self, box: Box, played: Played) -> None:
        """No words could be made: the siren stands for every warning in force."""
        file = self._case.file(box)
        for key, seen in file.warnings.items():
            if not seen.judged:
                file.warned.setdefault(key, []).append(played)

    def _owner(self, box: Box, played: Played) -> Owner | None:
        """Who signed this sound; None for a tone that stands alone."""
        found: Owner | None = None
        for source in played.sources:
            if source.startswith("tone:") or source in self._case.announced:
                continue
            owner = self._case.office.owners.get(source)
            if owner is None:
                self._case.fail(1, box, f"{source} sounds, nobody signed it")
            if found is None or found.version:
                found = owner
        return found

    def _planned_by(self, played: Played) -> int:
        """The later of the box's clock and the right one, unless the box is years ahead."""
        true_ms = self._case.wall0_ms + played.begins_ms
        wall_ms = played.begins_wall_ms
        return wall_ms if true_ms < wall_ms < true_ms + 3 * HOUR_MS else true_ms

    def _label(self, box: Box, owner: Owner, wall_ms: int) -> Label:
        if owner.date:
            return (owner.audience, owner.entry, owner.date)
        file = self._case.file(box)
        if owner.entry in self._case.placed:
            return (owner.audience, owner.entry, local(wall_ms).date().isoformat())
        doubtful = near(file.clock_troubles, box.clock.now_ms, 2 * HOUR_MS)
        due = [
            one
            for entry in self._case.versions(owner.audience, owner.entry)
            for one in starts(entry, wall_ms - 2 * DAY_MS, wall_ms + 2 * HOUR_MS)
        ]
        # By a clock that ran ahead it may have begun before its time; then it only goes on.
        latest = max(
            (
                one
                for one in due
                if one.start_ms < wall_ms + 5_000
                or (doubtful and (owner.audience, owner.entry, one.date) in file.plays)
            ),
            key=lambda one: one.start_ms,
            default=None,
        )
        if latest is None:
            self._case.fail(1, box, f"{owner.entry} sounds before it was ever due")
        return (owner.audience, owner.entry, latest.date)

    def _newest(self, audience: str, entry_id: str) -> Entry:
        return next(self._case.versions(audience, entry_id))

    def _position(self, entry: Entry, played: Played) -> int:
        """Where on the item's own timeline the cue began."""
        source, position_ms, _ = played.parts[0]
        chimes = isinstance(entry.chime, ToneSource) and source == "tone:784"
        if entry.chime is None or chimes:
            return position_ms
        return CHIME_MS + position_ms

    def _check_again(
        self,
        box: Box,
        file: File,
        entry: Entry,
        label: Label,
        before: list[Played],
        played: Played,
        position_ms: int,
    ) -> None:
        """Once from the beginning; then only as the resume policy says."""
        if not before or entry.id in self._case.replayed | self._case.placed:
            return
        doubtful = near(file.clock_troubles, played.begins_ms, 2 * HOUR_MS)
        only_rejoin = entry.resume == "rejoin" and not doubtful
        if any(near(file.stalls, one.begins_ms, 120_000) for one in before):
            return
        last = before[-1]
        entries = list(self._case.versions(label[0], label[1]))
        if len({(one.resume, one.late, one.when.start) for one in entries}) > 1:
            return
        others = {one.bus for one in before if one.ended_ms in (None, played.begins_ms)}
        if others - {played.bus}:
            return
        if entry.resume == "drop" and position_ms > START_MS:
            return
        ended_ms = last.ended_ms if last.ended_ms is not None else played.begins_ms
        reached_ms = self._position(entry, last) + ended_ms - last.begins_ms
        if entry.resume == "continue" or doubtful:
            if position_ms < reached_ms - self._case.progress_ms - 2_000:
                self._case.fail(4, box, f"{label} went back from {reached_ms} to {position_ms} ms")
            return
        if position_ms <= min(START_MS, reached_ms - BLIP_MS) and any(
            self._position(entry, one) <= START_MS and length(one, played.begins_ms) > BLIP_MS
            for one in before
        ):
            self._case.fail(4, box, f"{label} is audibly started again")
        if only_rejoin and entry.late.policy != "restart":
            self._check_timeline(box, label, played, position_ms)

    def _check_timeline(self, box: Box, label: Label, played: Played, position_ms: int) -> None:
        at_ms = played.begins_wall_ms - position_ms
        due = [
            one.start_ms
            for version in self._case.versions(label[0], label[1])
            for one in starts(version, at_ms - DAY_MS, at_ms + DAY_MS)
        ]
        if due and min(abs(one - at_ms) for one in due) > 400:
            self._case.fail(4, box, f"{label} rejoins at {position_ms} ms, off its timeline")

    def leaks(self, box: Box) -> None:
        """A programme is heard only where it was addressed."""
        file = self._case.file(box)
        for (audience, entry_id, date), plays in file.plays.items():
            versions = self._case.versions(audience, entry_id)
            allowed = {zone for entry in versions for zone in zones_of(box.site, entry)}
            for played in plays:
                if near(file.stalls, played.begins_ms, HOUR_MS):
                    continue
                if near(file.troubles, played.begins_ms, LEASE_MS):
                    continue  # a lost controller keeps its gates until the lease is over
                for zone in box.site.zones:
                    leaked_ms = played.heard_ms(zone.name) + played.beneath_ms(zone.name)
                    if zone.name not in allowed and leaked_ms > LINGER_MS:
                        what = (
                            f"{audience} {entry_id} {date} was heard {leaked_ms} ms in {zone.name}"
                        )
                        self._case.fail(1, box, what)
