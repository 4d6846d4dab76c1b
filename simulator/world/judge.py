"""The oracle: looks at what was signed, what was heard and what was reported, and says when they
do not agree. Never asks the core what it thinks happened.

Numbers are those of the invariants in `docs/` (reliability): 1 nothing unsigned, 2 warnings heard,
3 one outcome each, 4 nothing twice, 6 converges, 7 bounded, 9 honest. Takes from the station only
which revision it holds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from agent.contract.documents import Entry, ToneSource, Warnings
from agent.contract.reports import AsRun
from agent.contract.reports import Event as Record
from agent.core.effects import Batch
from agent.core.events import (
    Booted,
    Event,
    HousekeepingDue,
    MessageArrived,
    Now,
)
from agent.core.site import Site
from simulator.world.box import Box
from simulator.world.office import Office, Owner
from simulator.world.sound import Played
from simulator.world.timetable import DAY_MS, Start, local, selects, starts, wall_of
from simulator.world.trace import Trace

CHIME_MS = 1_800
START_MS = 300
"""A position up to here counts as the beginning."""

BLIP_MS = 120
"""Sound that was stopped before it was recognised: the stop was on its way."""

LINGER_MS = 500
"""A zone may hear another's sound this long while gates change."""

MINUTE_MS = 60_000
HOUR_MS = 3_600_000
CHANGE_BEFORE_MS = 600_000
CHANGE_AFTER_MS = 5 * HOUR_MS
"""A revision that changed later than this after a start changes nothing about it."""

EVENTS_A_SECOND_MAX = 250

FROM_THE_PAST_MS = 4 * HOUR_MS

Label = tuple[str, str, str]
"""(audience, entry, local date)."""


class Violation(Exception):  # noqa: N818 - the invariant's own word
    """An invariant does not hold."""

    def __init__(self, invariant: int, station: str, what: str) -> None:
        super().__init__(f"invariant {invariant}, {station}: {what}")
        self.invariant = invariant
        self.station = station
        self.what = what


@dataclass(slots=True)
class Seen:
    """A warning as one station took it up, in true time."""

    received_ms: int
    until_ms: int
    length_ms: int
    zones: frozenset[str]
    repeat_ms: int
    judged: bool = False


@dataclass(slots=True)
class File:
    """What the judge keeps of one station."""

    held: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    """audience → (since, revision) of timetables, in true time."""
    documents: dict[tuple[str, str, str], int] = field(default_factory=dict)
    plays: dict[Label, list[Played]] = field(default_factory=dict)
    outcomes: dict[tuple[str, str, str, str], AsRun] = field(default_factory=dict)
    """(audience, entry, nominal, zone) → the outcome that reached the collector."""
    warnings: dict[tuple[str, str, int], Seen] = field(default_factory=dict)
    warned: dict[tuple[str, str, int], list[Played]] = field(default_factory=dict)
    troubles: list[tuple[int, int]] = field(default_factory=list)
    """Stretches in which a warning may be late, in true time."""
    clock_troubles: list[tuple[int, int]] = field(default_factory=list)
    stalls: list[tuple[int, int]] = field(default_factory=list)
    second: int = 0
    in_second: int = 0


class Judge:
    """Watches every box of one world. `clock_ms`: true time; wall = true + wall0."""

    def __init__(self, office: Office, trace: Trace, wall0_ms: int, progress_ms: int) -> None:
        self.office = office
        self.trace = trace
        self.wall0_ms = wall0_ms
        self.progress_ms = progress_ms
        self.files: dict[str, File] = {}
        self.boxes: dict[str, Box] = {}
        self.counts: dict[str, int] = {}
        self.replayed: set[str] = set()
        """Entries that somebody asked to hear once more."""
        collector = office.broker.collector
        collector.on_new = self._arrived
        collector.on_clash = self._clashed

    def add(self, box: Box) -> None:
        self.files[box.site.station] = File()
        self.boxes[box.site.station] = box

    def count(self, what: str) -> None:
        self.counts[what] = self.counts.get(what, 0) + 1

    # --- watching -----------------------------------------------------------------------

    def began(self, box: Box) -> None:
        self.trace.note(box.clock.now_ms, box.wall_ms(), box.site.station, "the agent begins")

    def broke(self, box: Box, event: Event, error: Exception) -> None:
        raise Violation(
            0, box.site.station, f"the core raised {error!r} on {type(event).__name__}"
        ) from error

    def handled(self, box: Box, event: Event, now: Now, batch: Batch) -> None:
        station = box.site.station
        self.trace.event(box.clock.now_ms, now.wall_ms, station, event, batch)
        self._no_rush(box)
        if isinstance(event, MessageArrived | Booted):
            self._documents(box, isinstance(event, Booted))
        elif isinstance(event, HousekeepingDue):
            self._bounds(box)

    def _no_rush(self, box: Box) -> None:
        """A station that turns in circles wears out its card and its processor."""
        file, second = self.files[box.site.station], box.clock.now_ms // 1_000
        file.in_second = file.in_second + 1 if second == file.second else 0
        file.second = second
        if file.in_second > EVENTS_A_SECOND_MAX:
            self._fail(7, box, f"more than {EVENTS_A_SECOND_MAX} events in a second")

    def _documents(self, box: Box, booted: bool) -> None:
        """Which revisions the station holds now; they never go back in one life."""
        life, file = box.life, self.files[box.site.station]
        if life is None:
            return
        facts = life.station.facts.documents
        for document in facts.values():
            key = (document.authority, document.audience, document.kind)
            before = file.documents.get(key, 0)
            if document.revision == before:
                continue
            if document.revision < before and not booted:
                self._fail(6, box, f"{key} went back from revision {before}")
            if document.digest not in self.office.digests:
                self._fail(1, box, f"{key} revision {document.revision} was never signed")
            file.documents[key] = document.revision
            if document.kind == "schedule":
                since_ms = box.clock.now_ms
                file.held.setdefault(document.audience, []).append((since_ms, document.revision))
            elif document.kind == "warning":
                said = self.office.digests[document.digest]
                if isinstance(said, Warnings):
                    self._warned(box, file, said)
        if booted and {one.key for one in life.station.inbox.documents.values()} != {
            (one.authority, one.audience, one.kind) for one in facts.values()
        }:
            self._fail(6, box, "a held document was not taken up again")

    def _bounds(self, box: Box) -> None:
        life = box.life
        if life is None:
            return
        station = life.station
        sizes = {
            "open items": (len(station.facts.open), 12),
            "settled": (len(station.facts.settled), 2_600),
            "warnings": (len(station.facts.warnings), 200),
            "facts on disk": (len(box.disk.facts), 3_500),
            "items": (len(station.air.items), 600),
            "cues": (len(station.air.sent), 12),
        }
        for name, (size, most) in sizes.items():
            if size > most:
                self._fail(7, box, f"{size} {name}, at most {most}")

    def _fail(self, invariant: int, box: Box, what: str) -> None:
        raise Violation(invariant, box.site.station, what)

    # --- sound --------------------------------------------------------------------------

    def sounds(self, box: Box, played: Played) -> None:
        """A cue began to sound: may it, and at this position?"""
        self.count("cues")
        note = f"sounds: {played.token} {played.parts}"
        self.trace.note(box.clock.now_ms, played.begins_wall_ms, box.site.station, note)
        owner = self._owner(box, played)
        if owner is None:
            if played.sources == ("tone:600",):
                self._siren_alone(box, played)
            return
        if owner.warning:
            key = (owner.audience, owner.warning, owner.revision)
            self.files[box.site.station].warned.setdefault(key, []).append(played)
            return
        label = self._label(box, owner, self._planned_by(played))
        file = self.files[box.site.station]
        entry = self._entry(owner.audience, owner.entry)
        before = file.plays.setdefault(label, [])
        position_ms = self._position(entry, played)
        self._check_again(box, file, entry, label, before, played, position_ms)
        before.append(played)

    def _siren_alone(self, box: Box, played: Played) -> None:
        """No words could be made: the siren stands for every warning in force."""
        file = self.files[box.site.station]
        for key, seen in file.warnings.items():
            if not seen.judged:
                file.warned.setdefault(key, []).append(played)

    def _owner(self, box: Box, played: Played) -> Owner | None:
        """Who signed this sound; None for a tone that stands alone."""
        found: Owner | None = None
        for source in played.sources:
            if source.startswith("tone:"):
                continue
            owner = self.office.owners.get(source)
            if owner is None:
                self._fail(1, box, f"{source} sounds, nobody signed it")
            found = owner
        return found

    def _planned_by(self, played: Played) -> int:
        """The later of the box's clock and the right one, unless the box is years ahead."""
        true_ms = self.wall0_ms + played.begins_ms
        wall_ms = played.begins_wall_ms
        return wall_ms if true_ms < wall_ms < true_ms + 3 * HOUR_MS else true_ms

    def _label(self, box: Box, owner: Owner, wall_ms: int) -> Label:
        if owner.date:
            return (owner.audience, owner.entry, owner.date)
        latest = max(
            (
                one.start_ms
                for entry in self._versions(owner.audience, owner.entry)
                for one in starts(entry, wall_ms - 2 * DAY_MS, wall_ms + 5_000)
            ),
            default=None,
        )
        if latest is None:
            self._fail(1, box, f"{owner.entry} sounds before it was ever due")
        date = Start(_nominal(latest or 0), latest or 0).date
        return (owner.audience, owner.entry, date)

    def _versions(self, audience: str, entry_id: str) -> Iterator[Entry]:
        """Every version of an entry that was ever signed, newest first."""
        for schedule in reversed(self.office.desks[audience].schedules):
            yield from (entry for entry in schedule.entries if entry.id == entry_id)

    def _entry(self, audience: str, entry_id: str) -> Entry:
        return next(self._versions(audience, entry_id))

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
        if not before or entry.id in self.replayed:
            return
        doubtful = self._near(file.clock_troubles, played.begins_ms, 2 * HOUR_MS)
        only_rejoin = entry.resume == "rejoin" and not doubtful
        if any(self._near(file.stalls, one.begins_ms, 120_000) for one in before):
            return
        last = before[-1]
        entries = list(self._versions(label[0], label[1]))
        if len({(one.resume, one.late, one.when.start) for one in entries}) > 1:
            return
        others = {one.bus for one in before if one.ended_ms in (None, played.begins_ms)}
        if others - {played.bus}:
            return
        if entry.resume == "drop" and position_ms > START_MS:
            return
        if entry.resume == "continue" or doubtful:
            ended_ms = last.ended_ms if last.ended_ms is not None else played.begins_ms
            reached_ms = self._position(entry, last) + ended_ms - last.begins_ms
            if position_ms < reached_ms - self.progress_ms - 2_000:
                self._fail(4, box, f"{label} went back from {reached_ms} to {position_ms} ms")
            return
        if position_ms <= START_MS and any(
            self._position(entry, one) <= START_MS and _length(one, played.begins_ms) > BLIP_MS
            for one in before
        ):
            self._fail(4, box, f"{label} is audibly started again")
        if only_rejoin and entry.late.policy != "restart":
            self._check_timeline(box, label, played, position_ms)

    def _check_timeline(self, box: Box, label: Label, played: Played, position_ms: int) -> None:
        at_ms = played.begins_wall_ms - position_ms
        due = [
            one.start_ms
            for version in self._versions(label[0], label[1])
            for one in starts(version, at_ms - DAY_MS, at_ms + DAY_MS)
        ]
        if due and min(abs(one - at_ms) for one in due) > 400:
            self._fail(4, box, f"{label} rejoins at {position_ms} ms, off its timeline")

    # --- outcomes -----------------------------------------------------------------------

    def _clashed(self, record: Record) -> None:
        box = self.boxes[record.station]
        self._fail(3, box, f"record {record.seq} came with two bodies")

    def _arrived(self, record: Record) -> None:
        body = record.body
        if not isinstance(body, AsRun):
            return
        box, file = self.boxes[record.station], self.files[record.station]
        ref = body.occurrence
        key = (ref.audience, ref.entry, ref.nominal, body.zone)
        self.count(f"{body.outcome} {body.reason.value if body.reason else ''}".strip())
        if key in file.outcomes:
            was = file.outcomes[key].outcome
            self._fail(3, box, f"{key} was {was}, and now {body.outcome}")
        file.outcomes[key] = body
        if ref.entry.startswith("w-"):
            return
        if "-replay-" in ref.entry:
            return
        if not any(
            one.nominal == ref.nominal for one in self._could_be_planned(box, ref.audience, ref)
        ):
            self._fail(3, box, f"{key} {body.outcome} was never planned here")
        label = (ref.audience, ref.entry, ref.nominal[:10])
        self._agrees(box, file, label, body)

    def _could_be_planned(self, box: Box, audience: str, ref: object) -> Iterator[Start]:
        """Starts of this entry in revisions the station ever held."""
        file = self.files[box.site.station]
        entry_id, nominal = ref.entry, ref.nominal  # type: ignore[attr-defined]
        schedules = self.office.desks[audience].schedules
        around = wall_of(nominal)
        if around > self.office.wall_ms() + 3 * HOUR_MS:
            return
        for since_ms, revision in file.held.get(audience, []):
            if around + FROM_THE_PAST_MS < since_ms + self.wall0_ms and not self._near(
                file.clock_troubles, since_ms, MINUTE_MS
            ):
                continue
            for entry in schedules[revision - 1].entries:
                if entry.id == entry_id:
                    yield from starts(entry, around, around + 1)

    def _agrees(self, box: Box, file: File, label: Label, said: AsRun) -> None:
        """The outcome against what was heard."""
        plays = file.plays.get(label, [])
        for one in box.life.card.sounding() if box.life and box.life.card else []:
            one.count(box.clock.now_ms, box.audible(one.bus))
        heard_ms = sum(one.heard_ms(said.zone) for one in plays)
        card_ms = sum(_length(one, box.clock.now_ms) for one in plays)
        slack_ms = self.progress_ms + 3_000
        if plays and any(self._near(file.stalls, one.begins_ms, DAY_MS // 12) for one in plays):
            slack_ms += 70_000
        planned_ms = said.planned_duration_ms or 0
        what = f"{label} {said.zone}: {said.outcome} {said.reason or ''}, {said.confirmed}"
        if said.outcome == "played":
            enough_ms = min(planned_ms * 97 // 100, planned_ms - 1_500) - 100
            if card_ms < enough_ms:
                self._fail(3, box, f"{what}, but {card_ms} of {planned_ms} ms left the card")
            if said.confirmed == "yes" and heard_ms < enough_ms - 500:
                self._fail(9, box, f"{what}, but {heard_ms} of {planned_ms} ms were heard")
        elif said.outcome == "skipped":
            moved = len({one.when.start for one in self._versions(label[0], label[1])}) > 1
            if heard_ms > self._forgiven(plays, slack_ms) and not moved:
                self._fail(3, box, f"{what}, but {heard_ms} ms were heard")
        elif said.confirmed == "yes" and heard_ms < said.played_ms - slack_ms - 2_000:
            self._fail(9, box, f"{what} {said.played_ms} ms, but {heard_ms} ms were heard")

    def _forgiven(self, plays: list[Played], slack_ms: int) -> int:
        """What a crash may make forget: the sound since the last save, each time."""
        return 400 + slack_ms * len({one.token.split(".")[0] for one in plays if one.stretches})

    # --- warnings -----------------------------------------------------------------------

    def _warned(self, box: Box, file: File, said: Warnings) -> None:
        now_ms = box.clock.now_ms
        mine = {key: seen for key, seen in file.warnings.items() if key[0] == said.audience}
        present = {(said.audience, one.id, one.revision): one for one in said.warnings}
        for key, seen in mine.items():
            still = key in present and not present[key].cancelled
            if not still and seen.until_ms > now_ms:
                seen.until_ms = now_ms
                self._check_warning(box, key, seen)
        for key, one in present.items():
            if one.cancelled or key in file.warnings:
                continue
            zones = frozenset(
                zone.name for zone in box.site.zones if selects(one.zones, zone.name, zone.tags)
            )
            length_ms = 3_000 + sum(1_000 + 70 * (len(text) + 60) for text in one.texts.values())
            until_ms = one.valid_until_ms - self.wall0_ms
            seen = file.warnings[key] = Seen(
                now_ms, until_ms, length_ms, zones, one.repeat_every_ms
            )
            box.clock.at(until_ms, lambda key=key, seen=seen: self._check_warning(box, key, seen))  # type: ignore[misc]

    def trouble(self, box: Box, from_ms: int, to_ms: int) -> None:
        """From now on a warning may be late here, until `to_ms`."""
        self.files[box.site.station].troubles.append((from_ms, to_ms))

    def _check_warning(self, box: Box, key: tuple[str, str, int], seen: Seen) -> None:
        """A warning that had its chance was heard."""
        file, now_ms = self.files[box.site.station], box.clock.now_ms
        if seen.judged or not seen.zones:
            return
        seen.judged = True
        if box.life is not None and box.life.card is not None:
            box.life.card.count()
        plays = [one for one in file.warned.get(key, []) if _complete(one, now_ms)]
        excused = any(
            low < (one.ended_ms or now_ms) and one.begins_ms < high
            for one in plays
            for low, high in file.troubles
        )
        heard = all(any(_whole(one, zone) for one in plays) for zone in seen.zones) or excused
        others = sum(
            1
            for other in file.warnings.values()
            if other.received_ms < seen.until_ms and other.until_ms > seen.received_ms
        )
        need_ms = 45_000 + 2 * others * seen.length_ms
        if not heard and _quiet_stretch(seen.received_ms, now_ms, file.troubles) > need_ms:
            self._fail(2, box, f"warning {key} was in reach and never heard")
        self._repeated(box, key, seen, need_ms)
        self.count("warnings heard" if heard else "warnings out of reach")

    def _repeated(self, box: Box, key: tuple[str, str, int], seen: Seen, need_ms: int) -> None:
        """A warning that repeats is never silent for long while nothing is wrong."""
        file = self.files[box.site.station]
        begun = sorted(one.begins_ms for one in file.warned.get(key, []))
        ends = [*begun, min(seen.until_ms, box.clock.now_ms)]
        for from_ms, to_ms in pairwise([seen.received_ms, *ends]):
            silent_ms = _quiet_stretch(from_ms, to_ms, file.troubles)
            if seen.repeat_ms and silent_ms > seen.repeat_ms + need_ms:
                self._fail(2, box, f"warning {key} was silent for {silent_ms} ms from {from_ms}")

    # --- the end ------------------------------------------------------------------------

    def close(self, box: Box, until_ms: int) -> None:
        """After a quiet time: everything planned up to `until_ms` has its outcome there."""
        self._converged(box)
        self._leaks(box)
        self._all_told(box, until_ms)
        self._all_arrived(box)

    def _converged(self, box: Box) -> None:
        file = self.files[box.site.station]
        for document in (one for _, one in self.office.current.values()):
            kind = document.__class__.__name__.lower().removesuffix("s")
            if kind == "warning" and document.accept_until_ms < self.office.wall_ms():
                continue
            audiences = {audience for _, audience, _ in file.documents}
            if document.audience not in audiences:
                continue
            key = (document.authority, document.audience, kind)
            if file.documents.get(key) != document.revision:
                held = file.documents.get(key)
                self._fail(6, box, f"{key} is at {held}, not at {document.revision}")

    def _leaks(self, box: Box) -> None:
        """A programme is heard only where it was addressed."""
        file = self.files[box.site.station]
        for (audience, entry_id, date), plays in file.plays.items():
            allowed = {
                zone.name
                for entry in self._versions(audience, entry_id)
                for zone in box.site.zones
                if selects(entry.zones, zone.name, zone.tags)
            }
            for played in plays:
                if self._near(file.stalls, played.begins_ms, HOUR_MS):
                    continue
                for zone in box.site.zones:
                    leaked_ms = played.heard_ms(zone.name)
                    if zone.name not in allowed and leaked_ms > LINGER_MS:
                        what = (
                            f"{audience} {entry_id} {date} was heard {leaked_ms} ms in {zone.name}"
                        )
                        self._fail(1, box, what)

    def _all_told(self, box: Box, until_ms: int) -> None:
        file = self.files[box.site.station]
        for audience, held in file.held.items():
            schedules = self.office.desks[audience].schedules
            ends = [since_ms for since_ms, _ in held[1:]] + [until_ms + CHANGE_AFTER_MS]
            wanted: dict[tuple[str, str], list[tuple[int, int, Entry, int]]] = {}
            for (since_ms, revision), end_ms in zip(held, ends, strict=True):
                for entry in schedules[revision - 1].entries:
                    low_ms = since_ms + self.wall0_ms - CHANGE_AFTER_MS
                    high_ms = min(end_ms, until_ms) + self.wall0_ms
                    for one in starts(entry, low_ms, high_ms):
                        at_ms = one.start_ms - self.wall0_ms
                        spans = wanted.setdefault((entry.id, one.nominal), [])
                        spans.append((since_ms, end_ms, entry, at_ms))
            for (entry_id, nominal), spans in wanted.items():
                self._told(box, file, audience, entry_id, nominal, spans)

    def _told(
        self,
        box: Box,
        file: File,
        audience: str,
        entry_id: str,
        nominal: str,
        spans: list[tuple[int, int, Entry, int]],
    ) -> None:
        """One occurrence: must it have an outcome in every zone?"""
        at_ms = spans[0][3]
        extra_ms = 2 * HOUR_MS if self._near(file.clock_troubles, at_ms, 6 * HOUR_MS) else 0
        # Without time a station cannot settle under the timetable it is about to replace.
        known_ms = [high for low, high in file.clock_troubles if low <= at_ms <= high]
        settled_ms = max([at_ms, *known_ms]) + CHANGE_AFTER_MS + extra_ms
        covered_ms = at_ms - CHANGE_BEFORE_MS - extra_ms
        for since_ms, end_ms, _, _ in spans:
            if since_ms <= covered_ms:
                covered_ms = max(covered_ms, end_ms)
        if covered_ms < settled_ms:
            return
        zone_sets = [_zones(box.site, entry) for _, _, entry, _ in spans]
        for zone in sorted(frozenset.intersection(*zone_sets)):
            self.count("planned")
            if (audience, entry_id, nominal, zone) not in file.outcomes:
                self._fail(3, box, f"{audience} {entry_id} {nominal} {zone} has no outcome")

    def _all_arrived(self, box: Box) -> None:
        life = box.life
        if life is None:
            return
        collector = self.office.broker.collector
        through = collector.through(box.site.station, box.installation)
        last = life.station.reporter.outbox.last
        if through < last - 3:
            self._fail(3, box, f"record {through + 1} of {last} never reached the collector")

    @staticmethod
    def _near(spans: list[tuple[int, int]], at_ms: int, margin_ms: int) -> bool:
        return any(low - margin_ms <= at_ms <= high + margin_ms for low, high in spans)


def _zones(site: Site, entry: Entry) -> frozenset[str]:
    return frozenset(zone.name for zone in site.zones if selects(entry.zones, zone.name, zone.tags))


def _length(played: Played, now_ms: int) -> int:
    return (played.ended_ms if played.ended_ms is not None else now_ms) - played.begins_ms


def _complete(played: Played, now_ms: int) -> bool:
    """Whether (nearly) all of it left the card."""
    return _length(played, now_ms) >= sum(length for _, _, length in played.parts) - 200


def _whole(played: Played, zone: str) -> bool:
    """Whether the zone heard (nearly) all of it."""
    return played.heard_ms(zone) >= sum(length for _, _, length in played.parts) - 700


def _nominal(start_ms: int) -> str:
    return local(start_ms).isoformat()


def _quiet_stretch(from_ms: int, to_ms: int, troubles: list[tuple[int, int]]) -> int:
    """The longest time without trouble between the two instants."""
    best_ms, at_ms = 0, from_ms
    for low_ms, high_ms in sorted(troubles):
        if high_ms < at_ms:
            continue
        if low_ms > to_ms:
            break
        best_ms = max(best_ms, min(low_ms, to_ms) - at_ms)
        at_ms = max(at_ms, high_ms)
    return max(best_ms, to_ms - at_ms)
