"""What was reported: exactly one outcome for everything that was planned, and a true one.

Owns invariants 3 (one outcome, once, at the source system) and 9 (nothing claimed that was not
heard). What was planned is expanded naively from the revisions that were pushed.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import msgspec

from agent.contract.documents import Entry
from agent.contract.reasons import AlarmCode, OccurrenceReason
from agent.contract.reports import AlarmEvent, AsRun, OccurrenceRef
from agent.contract.reports import Event as Record
from agent.core.reporter import STREAM
from agent.core.seal import CHECKPOINT_RECORDS
from simulator.source_system.chain_check import Place, Row, Walk
from simulator.world.box import Box
from simulator.world.evidence import (
    HOUR_MS,
    MINUTE_MS,
    Case,
    File,
    Label,
    entries_of,
    length,
    near,
    quiet_stretch,
    zones_of,
)
from simulator.world.signing import PROVINCE, signer_of, verify
from simulator.world.sound import Played
from simulator.world.timetable import DAY_MS, Start, instant_of, starts

CHANGE_BEFORE_MS = 600_000
CHANGE_AFTER_MS = 5 * HOUR_MS
"""A revision that changed later than this after a start changes nothing about it."""

CARD_SEEN_MS = 2 * HOUR_MS
"""A box looks at its card once an hour here."""

DARK_UNNOTICED_MS = 8_000
"""A station that has just begun has not been told yet whether there is mains."""

FROM_THE_PAST_MS = 4 * HOUR_MS
"""A revision may be reported on from so long before it came."""


class Clerk:
    def __init__(self, case: Case) -> None:
        self._case = case

    def clashed(self, record: Record) -> None:
        box = self._case.boxes[record.station]
        self._case.fail(3, box, f"record {record.seq} came with two bodies")

    def arrived(self, record: Record) -> None:
        body = record.body
        if isinstance(body, AlarmEvent):
            mine = self._case.files[record.station].alarms
            mine.setdefault((body.code, body.subject), {})[record.seq] = body
        if not isinstance(body, AsRun):
            return
        box, file = self._case.boxes[record.station], self._case.files[record.station]
        ref = body.occurrence
        key = (ref.audience, ref.entry, ref.nominal, body.zone)
        self._case.count(f"{body.outcome} {body.reason.value if body.reason else ''}".strip())
        if key in file.outcomes:
            was = file.outcomes[key].outcome
            self._case.fail(3, box, f"{key} was {was}, and now {body.outcome}")
        file.outcomes[key] = body
        if ref.entry.startswith("w-"):
            return
        if "-replay-" in ref.entry or ref.entry.startswith("announce-"):
            return
        if not any(
            one.nominal == ref.nominal for one in self._could_be_planned(box, ref.audience, ref)
        ):
            self._case.fail(3, box, f"{key} {body.outcome} was never planned here")
        label = (ref.audience, ref.entry, ref.nominal[:10])
        self._agrees(box, file, label, body)

    def _could_be_planned(self, box: Box, audience: str, ref: OccurrenceRef) -> Iterator[Start]:
        """Starts of this entry in revisions the station ever held."""
        file = self._case.file(box)
        entry_id, nominal = ref.entry, ref.nominal
        schedules = self._case.office.desks[audience].schedules
        for since_ms, revision in file.held.get(audience, []):
            for entry in entries_of(schedules, revision):
                if entry.id != entry_id:
                    continue
                around = instant_of(nominal, entry.when.tz)
                placed = entry_id in self._case.placed
                if not placed and around > self._case.office.wall_ms() + 3 * HOUR_MS:
                    continue
                late = around + FROM_THE_PAST_MS < since_ms + self._case.wall0_ms
                if late and not near(file.clock_troubles, since_ms, MINUTE_MS):
                    continue
                yield from starts(entry, around, around + 1)

    def _agrees(self, box: Box, file: File, label: Label, said: AsRun) -> None:
        """The outcome against what was heard."""
        plays = file.plays.get(label, [])
        if box.life is not None and box.life.card is not None:
            box.life.card.count()
        heard_ms = sum(one.heard_ms(said.zone) for one in plays)
        card_ms = sum(length(one, box.clock.now_ms) for one in plays)
        slack_ms = self._case.progress_ms + 3_000
        if plays and any(near(file.stalls, one.begins_ms, DAY_MS // 12) for one in plays):
            slack_ms += 70_000
        planned_ms = said.planned_duration_ms or 0
        what = f"{label} {said.zone}: {said.outcome} {said.reason or ''}, {said.confirmed}"
        self._not_in_the_dark(box, said, plays, what)
        if said.outcome == "played":
            enough_ms = min(planned_ms * 97 // 100, planned_ms - 1_500) - 100
            if card_ms < enough_ms:
                self._case.fail(3, box, f"{what}, but {card_ms} of {planned_ms} ms left the card")
            if said.confirmed == "yes" and heard_ms < enough_ms - 500:
                self._case.fail(9, box, f"{what}, but {heard_ms} of {planned_ms} ms were heard")
        elif said.outcome == "skipped":
            moved = len({one.when.start for one in self._case.versions(label[0], label[1])}) > 1
            if heard_ms > self._forgiven(plays, slack_ms) and not moved:
                self._case.fail(3, box, f"{what}, but {heard_ms} ms were heard")
        elif said.confirmed == "yes" and heard_ms < said.played_ms - slack_ms - 2_000:
            self._case.fail(9, box, f"{what} {said.played_ms} ms, but {heard_ms} ms were heard")

    def _not_in_the_dark(self, box: Box, said: AsRun, plays: list[Played], what: str) -> None:
        """Where there was no mains nothing is told as played, and only there it is an excuse."""
        now_ms = box.clock.now_ms
        spans = box.dark(said.zone)
        if said.outcome == "played":
            dark_ms = sum(
                max(0, min(one.ended_ms or now_ms, high) - max(one.begins_ms, low))
                for one in plays
                for low, high in spans
            )
            if dark_ms > DARK_UNNOTICED_MS:
                self._case.fail(9, box, f"{what}, but for {dark_ms} ms it had no mains")
        elif said.reason is OccurrenceReason.NO_MAINS and not spans:
            self._case.fail(9, box, f"{what}, but it never lost its mains")

    def _forgiven(self, plays: list[Played], slack_ms: int) -> int:
        """What a crash may make forget: the sound since the last save, each time."""
        return 400 + slack_ms * len({one.token.split(".")[0] for one in plays if one.stretches})

    def all_told(self, box: Box, until_ms: int) -> None:
        file = self._case.file(box)
        for audience, held in file.held.items():
            schedules = self._case.office.desks[audience].schedules
            ends = [since_ms for since_ms, _ in held[1:]] + [until_ms + CHANGE_AFTER_MS]
            wanted: dict[tuple[str, str], list[tuple[int, int, Entry, int]]] = {}
            for (since_ms, revision), end_ms in zip(held, ends, strict=True):
                for entry in entries_of(schedules, revision):
                    low_ms = since_ms + self._case.wall0_ms - CHANGE_AFTER_MS
                    high_ms = min(end_ms, until_ms) + self._case.wall0_ms
                    for one in starts(entry, low_ms, high_ms):
                        at_ms = one.start_ms - self._case.wall0_ms
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
        extra_ms = 2 * HOUR_MS if near(file.clock_troubles, at_ms, 6 * HOUR_MS) else 0
        # Without time a station cannot settle under the timetable it is about to replace.
        known_ms = [high for low, high in file.clock_troubles if low <= at_ms <= high]
        settled_ms = max([at_ms, *known_ms]) + CHANGE_AFTER_MS + extra_ms
        covered_ms = at_ms - CHANGE_BEFORE_MS - extra_ms
        for since_ms, end_ms, _, _ in spans:
            if since_ms <= covered_ms:
                covered_ms = max(covered_ms, end_ms)
        if covered_ms < max(settled_ms, self._decided_ms(audience, nominal, spans[0][2])):
            return
        zone_sets = [zones_of(box.site, entry) for _, _, entry, _ in spans]
        for zone in sorted(frozenset.intersection(*zone_sets)):
            self._case.count("planned")
            if (audience, entry_id, nominal, zone) not in file.outcomes:
                self._case.fail(3, box, f"{audience} {entry_id} {nominal} {zone} has no outcome")

    def _decided_ms(self, audience: str, nominal: str, entry: Entry) -> int:
        """When it is certain, in true time, what becomes of it: at the end of its day, where a
        commune is asked. What was changed before counts as changed, though its start was over."""
        asked = self._case.asks and self._case.office.desks[audience].authority == PROVINCE
        if not asked or entry.klass < 3:
            return 0
        tomorrow = date.fromisoformat(nominal[:10]) + timedelta(days=1)
        return instant_of(f"{tomorrow}T00:00:00", entry.when.tz) - self._case.wall0_ms + MINUTE_MS

    def card_told(self, box: Box) -> None:
        """A card without room was told of while it lasted, and is not told of any more."""
        file = self._case.file(box)
        told = file.alarms.get((AlarmCode.STORAGE_LOW, ""), {})
        raised = [one.since_ms for one in told.values() if one.state == "raised"]
        for low_ms, high_ms in file.full:
            wrong = near(file.clock_troubles, low_ms, DAY_MS) or near(
                file.clock_troubles, high_ms, DAY_MS
            )
            if wrong or quiet_stretch(low_ms, high_ms, file.troubles) < CARD_SEEN_MS:
                continue
            self._case.count("full cards told")
            before_ms = max([0, *(high for _, high in file.full if high < low_ms)])
            span = range(before_ms + self._case.wall0_ms, high_ms + self._case.wall0_ms)
            if not any(since_ms in span for since_ms in raised):
                self._case.fail(9, box, f"nobody was told of the full card from {low_ms} ms on")
        if told and told[max(told)].state == "raised":
            self._case.fail(9, box, "it still tells of a full card, and there is room")

    def all_arrived(self, box: Box) -> None:
        life = box.life
        if life is None:
            return
        collector = self._case.office.broker.collector
        through = collector.through(box.site.station, box.installation)
        last = life.station.reporter.outbox.last
        if through < last - 3:
            self._case.fail(3, box, f"record {through + 1} of {last} never reached the collector")

    def all_chained(self, box: Box) -> None:
        """The records are one chain, whatever crashed in between, and the station signs them."""
        station = box.site.station
        held = self._case.office.broker.collector.events.get(station, {})
        own = signer_of(station).public.hex()
        for installation in {who for who, _ in held}:
            walk = Walk(Place(station, installation, STREAM), verify, lambda key: key == own)
            for (who, seq), raw in sorted(held.items()):
                if who == installation:
                    record = msgspec.json.decode(raw, type=Record)
                    kind = str(record.body.__struct_config__.tag)
                    walk.take(Row(seq, record.at_ms, kind, raw))
            for found in walk.findings:
                self._case.fail(9, box, f"record {found.seq}: {found.kind} {found.detail}")
            if walk.records > CHECKPOINT_RECORDS and not walk.last_signed:
                self._case.fail(9, box, f"{walk.records} records, and no signature")
