"""Exactly one outcome per occurrence and zone: when it is booked, and for what reason.

Owns the moment an item is settled and the choice among the reasons that apply. The roll-up of
its segments is asrun.
"""

from __future__ import annotations

from dataclasses import replace

from agent.contract.reasons import RULES_OF_THE_AIR, OccurrenceReason
from agent.contract.reports import AsRun
from agent.core import asrun
from agent.core.air import Air
from agent.core.facts import Facts, OpenItem, Settled, Undecided
from agent.core.items import Item
from agent.core.lineup import KEPT_BACK, Provenance
from agent.core.reporter import Reporter
from agent.core.timekeeping import Timekeeping
from agent.core.turn import Turn

UNAPPROVED = (OccurrenceReason.AWAITING_APPROVAL, OccurrenceReason.NOT_APPROVED)

DECIDED = (*UNAPPROVED, OccurrenceReason.SUPERSEDED)

UNSEEN_MARGIN_MS = 60_000

UNRECORDED_KEPT = 16

AT_ONCE = 200
"""Items settled in one turn; after a long absence the next turn goes on."""


class Settlement:
    """booted_ms: what started before it was missed because the station was off.

    unrecorded: outcomes of the latest items that leave no record, by key, for whoever asked.
    """

    def __init__(self, facts: Facts, air: Air, reporter: Reporter) -> None:
        self._facts = facts
        self._air = air
        self._reporter = reporter
        self.booted_ms = 0
        self.unrecorded: dict[str, tuple[AsRun, ...]] = {}

    def settle(self, time: Timekeeping, turn: Turn) -> None:
        """Book the outcome of every item that is over, one record a zone."""
        self._remember_waiting(turn.wall_ms)
        over = self._over(turn)
        self._settle_items(over[:AT_ONCE], time, turn)
        if over:
            self._mark_through(time, turn.wall_ms)
        if self._air.box_known:
            self._settle_orphans(time, turn)

    def _over(self, turn: Turn) -> list[str]:
        """What is over; before the box was looked over, what is so by a wide margin: without its
        chime an item seems shorter than it is."""
        surely_ms = turn.wall_ms - (0 if self._air.box_known else UNSEEN_MARGIN_MS)
        return [
            key
            for key in self._air.finished_runs(surely_ms)
            if self._air.items[key].problem is not OccurrenceReason.CLOCK_UNTRUSTED
        ]

    def close_books(self, time: Timekeeping, turn: Turn) -> None:
        """Before other documents come into force: what is over was over under the old ones."""
        self._settle_items(self._over(turn)[AT_ONCE:], time, turn)
        self.settle(time, turn)
        self._mark_through(time, turn.wall_ms)

    def _remember_waiting(self, now_ms: int) -> None:
        """What should have begun and may still play today: nothing else waits for it, and it is
        not forgotten when the word that moved it no longer counts."""
        for key, item in self._air.items.items():
            if item.waits(now_ms) and key not in self._facts.undecided:
                until_ms = max(item.undecided_ms, item.start_ms + item.play_ms)
                self._facts.put("undecided", key, Undecided(until_ms))

    def withdrawn(self, kept: set[str], time: Timekeeping, turn: Turn) -> None:
        """What should have begun, might still have played, and is in no timetable any more."""
        if time.trust == "untrusted":
            return
        items = self._air.items
        gone = [key for key in items if key not in kept and items[key].waits(turn.wall_ms)]
        for key in gone:
            if items[key].problem not in UNAPPROVED:
                items[key] = replace(items[key], problem=OccurrenceReason.SUPERSEDED)
        self._settle_items(gone, time, turn)

    def _mark_through(self, time: Timekeeping, now_ms: int) -> None:
        pending = [
            one.start_ms
            for one in self._air.items.values()
            if one.start_ms <= now_ms and one.key not in self._facts.undecided
        ]
        through_ms = min([now_ms, *pending])
        if time.trust == "trusted" and through_ms > self._facts.marks.settled_through_ms:
            self._facts.mark(settled_through_ms=through_ms)

    def _settle_items(self, keys: list[str], time: Timekeeping, turn: Turn) -> None:
        """What was missed while the station was off may be hundreds: the log counts it."""
        missed = 0
        for key in keys:
            item = self._air.items[key]
            records = self._settle_item(item, time, turn)
            if all(one.reason is OccurrenceReason.STATION_OFF for one in records):
                missed += bool(records)
            else:
                _log_outcome(key, records, turn)
        if missed:
            turn.log("programmes_missed", "warning", count=missed, reason="station_off")

    def _settle_item(self, item: Item, time: Timekeeping, turn: Turn) -> list[AsRun]:
        held = self._facts.open.get(item.key)
        origin = self._air.provenance.get(item.key, Provenance())
        zones = held.zones if held is not None else item.zones
        records: list[AsRun] = []
        for zone in zones:
            if held is not None:
                why = self._why_ended(held, item, zone)
                record = asrun.outcome_of(held, zone, why, self._rule(item, zone, why))
            else:
                why = self._why_skipped(item, zone, time)
                record = asrun.skipped(item, zone, why, origin, self._rule(item, zone, why))
            records.append(record)
            if origin.recorded:
                self._reporter.record(record, turn)
        if not origin.recorded:
            self._keep(item.key, records)
        asked = tuple(one.zone for one in records if item.klass > 1 and _took_time(one))
        aired = bool(held and held.sounded)
        end_ms = item.start_ms + item.play_ms
        settled = Settled(end_ms, aired, item.start_ms, asked, item.moves)
        self._close(item.key, settled)
        return records

    def _keep(self, key: str, records: list[AsRun]) -> None:
        self.unrecorded[key] = tuple(records)
        for oldest in list(self.unrecorded)[:-UNRECORDED_KEPT]:
            del self.unrecorded[oldest]

    def _rule(self, item: Item, zone: str, reason: OccurrenceReason | None) -> str:
        """The words of the rule that kept the zone from the item."""
        if reason is None:
            return ""
        met = self._air.ledger.rules.get((item.key, zone), {}).get(reason)
        bars = (bar.rule for bar in item.bars if bar.zone == zone and bar.reason is reason)
        return met or next(bars, "")

    def _close(self, key: str, settled: Settled) -> None:
        self._facts.put("settled", key, settled)
        self._facts.drop("open", key)
        self._facts.drop("undecided", key)
        self._air.forget(key)

    def _why_ended(self, held: OpenItem, item: Item, zone: str) -> OccurrenceReason | None:
        heard = _was_heard(held, zone)
        bar = None if heard else item.bar_at(zone, item.start_ms)
        if bar is not None:
            return bar.reason
        if zone in held.kept and not heard:
            return held.kept[zone]
        if zone in held.stopped:
            return OccurrenceReason.STOPPED
        if held.done is not None:
            return held.done
        blocked = self._air.ledger.blocked.get((item.key, zone))
        if not held.finished:
            return blocked or held.gaps.get(zone) or item.problem
        return self._why_unheard(held, zone)

    def _why_unheard(self, held: OpenItem, zone: str) -> OccurrenceReason | None:
        """Of an item that came to its end."""
        blocked = self._air.ledger.blocked.get((held.key, zone))
        return None if _was_heard(held, zone) else blocked or OccurrenceReason.ZONE_NOT_CONFIRMED

    def _why_skipped(self, item: Item, zone: str, time: Timekeeping) -> OccurrenceReason:
        bar = item.bar_at(zone, item.start_ms)
        if bar is not None:
            return bar.reason  # also while the station was off: it would not have played
        if item.problem in DECIDED:
            return item.problem
        if item.start_ms < self.booted_ms:
            return OccurrenceReason.STATION_OFF
        if time.in_doubt(item.start_ms):
            return OccurrenceReason.CLOCK_UNTRUSTED
        if time.jumped_over(item.start_ms):
            return OccurrenceReason.CLOCK_STEP
        blocked = self._air.ledger.blocked.get((item.key, zone))
        if blocked is OccurrenceReason.NO_MAINS:
            return blocked
        return item.problem or blocked or OccurrenceReason.LATE

    def _settle_orphans(self, time: Timekeeping, turn: Turn) -> None:
        """Open items whose document is gone: what was heard of them is still reported.

        Without trusted time nobody knows what stands in the timetable now: it waits.
        """
        sounding = {sent.key for sent in self._air.sent.values()}
        for key, held in list(self._facts.open.items()):
            if key in self._air.items or key in sounding:
                continue
            if held.klass != 1 and time.trust == "untrusted" and not held.is_over:
                continue
            records = [
                asrun.outcome_of(held, zone, self._why_orphaned(held, zone)) for zone in held.zones
            ]
            for record in records if held.recorded else ():
                self._reporter.record(record, turn)
            if not held.recorded:
                self._keep(key, records)
            _log_outcome(key, records, turn)
            end_ms = held.start_ms + held.play_ms
            asked = held.been if held.klass > 1 else ()
            self._close(key, Settled(end_ms, held.sounded, held.start_ms, asked, held.moves))

    def _why_orphaned(self, held: OpenItem, zone: str) -> OccurrenceReason | None:
        """A warning that was heard is no longer in line; else its document is gone, or it had none
        and the agent that knew of it is."""
        if zone in held.kept and not _was_heard(held, zone):
            return held.kept[zone]
        if held.passing and not held.is_over:
            return held.gaps.get(zone, OccurrenceReason.STATION_RESTARTED)
        if held.done is not None or not held.finished:
            return held.done or OccurrenceReason.SUPERSEDED
        return self._why_unheard(held, zone)


def _was_heard(held: OpenItem, zone: str) -> bool:
    return any(one.gap is None for one in held.segments.get(zone, ()))


def _took_time(record: AsRun) -> bool:
    """Whether the zone's air time of the day went to it: not when it was kept back whole."""
    kept_back = record.reason in RULES_OF_THE_AIR or record.reason in KEPT_BACK
    return not (record.outcome == "skipped" and kept_back)


def _log_outcome(key: str, records: list[AsRun], turn: Turn) -> None:
    """One line a programme, however many zones it had."""
    outcomes = sorted({one.outcome for one in records})
    reasons = sorted({one.reason.value for one in records if one.reason is not None})
    turn.log(
        "programme_ended" if outcomes != ["skipped"] else "programme_skipped",
        "warning" if "skipped" in outcomes or "partial" in outcomes else "info",
        item=key,
        outcome=",".join(outcomes),
        reason=",".join(reasons),
        played_ms=max((one.played_ms for one in records), default=0),
    )
