"""What the rules keep back, told from a timetable and its regulation alone, minute by minute.

Owns the forecast of a day on which nothing befalls: for each entry and zone whether it is kept back
whole and why, and from when on it is cut. Built on the naive reading in `simulator.world.rulebook`;
nothing of the core is used. Everything here starts and ends at whole minutes, so sets of minutes
are all the arithmetic there is.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date

from agent.contract.documents import Entry
from agent.contract.reasons import OccurrenceReason as Why
from simulator.world import rulebook as naive
from simulator.world.timetable import starts
from tests.property.air_cases import MINUTE_MS, Commune

DAY_MS = 86_400_000

Place = tuple[str, str]
"""An entry and a zone."""


@dataclass
class Forecast:
    """whole: why it is kept back whole. cut_ms: from when on it is silent, where it begins."""

    whole: dict[Place, set[Why]] = field(default_factory=lambda: defaultdict(set))
    cut_ms: dict[Place, int] = field(default_factory=dict)


@dataclass
class Count:
    """The day's air time in the zones, as far as it is given away."""

    commune: Commune
    covered: dict[tuple[str, date, int], set[int]] = field(default_factory=lambda: defaultdict(set))
    moving_ms: dict[tuple[str, date, int], int] = field(default_factory=lambda: defaultdict(int))
    opened: dict[tuple[str, date], set[int]] = field(default_factory=lambda: defaultdict(set))

    def why_not(self, zone: str, start_ms: int, length_ms: int, *, moves: bool) -> Why | None:
        """What would keep a slot out; None where no session is open."""
        rules, tz = self.commune.rules, self.commune.night.tz
        session = naive.session_of(rules, tz, zone, start_ms)
        if session is None:
            return None
        opened = self.opened[zone, session.day]
        most = rules.sessions_per_day
        if most is not None and session.number not in opened and len(opened) >= most:
            return Why.SESSIONS_USED_UP
        most_ms = rules.windows[session.number].session_ms
        if most_ms is None:
            return None
        mine = zone, session.day, session.number
        end_ms = min(start_ms + length_ms, session.to_ms)
        more_ms = end_ms - start_ms
        if not moves:
            more_ms -= sum(
                max(0, min(end_ms, at + MINUTE_MS) - max(start_ms, at)) for at in self.covered[mine]
            )
        used_ms = len(self.covered[mine]) * MINUTE_MS + self.moving_ms[mine]
        return Why.MINUTES_USED_UP if used_ms + more_ms > most_ms else None

    def take(self, zone: str, start_ms: int, length_ms: int, *, moves: bool) -> None:
        session = naive.session_of(self.commune.rules, self.commune.night.tz, zone, start_ms)
        if session is None:
            return
        mine = zone, session.day, session.number
        end_ms = min(start_ms + length_ms, session.to_ms)
        if moves:
            self.moving_ms[mine] += end_ms - start_ms
        else:
            self.covered[mine] |= set(range(start_ms, end_ms, MINUTE_MS))
        self.opened[zone, session.day].add(session.number)


def start_of(commune: Commune, entry: Entry) -> int:
    begin_ms = commune.night.begin_ms
    [one] = starts(entry, begin_ms - DAY_MS, begin_ms + DAY_MS)
    return one.start_ms


def length_of(commune: Commune, entry: Entry) -> int:
    """Its slot, with what its end rule adds; its sound where that is shorter."""
    sound_ms = commune.lengths_ms[entry.id]
    if entry.duration_ms is None:
        return sound_ms
    more_ms = entry.end.within_ms if entry.end.rule == "finish" else 0
    return min(sound_ms, entry.duration_ms + more_ms)


def moves(entry: Entry) -> bool:
    """It may end later than its slot."""
    return entry.resume in ("continue", "restart") or entry.late.policy == "restart"


def asked_about(commune: Commune, entry: Entry) -> bool:
    """It waits for the commune's word, which nobody gives."""
    return entry in commune.above and commune.approvals == () and entry.klass == 3


def zones_of(entry: Entry) -> tuple[str, ...]:
    known = ("dong", "trung", "doai")
    return tuple(zone for zone in known if naive.addressed(entry.zones, zone))


def forecast(commune: Commune) -> tuple[Forecast, Count]:
    """Of a day on which nobody decides anything."""
    found, count = Forecast(), Count(commune)
    order = sorted(
        commune.entries,
        key=lambda one: (start_of(commune, one), one in commune.above, one.id),
    )
    for entry in order:
        start_ms, length_ms = start_of(commune, entry), length_of(commune, entry)
        for zone in zones_of(entry):
            whole = found.whole[entry.id, zone]
            whole |= _by_itself(commune, entry, zone, start_ms)
            if not whole:
                _cut(commune, found, entry, zone, start_ms, start_ms + length_ms)
            if whole or asked_about(commune, entry):
                continue
            why = count.why_not(zone, start_ms, length_ms, moves=moves(entry))
            if why is None:
                count.take(zone, start_ms, length_ms, moves=moves(entry))
            else:
                whole.add(why)
    return found, count


def _by_itself(commune: Commune, entry: Entry, zone: str, start_ms: int) -> set[Why]:
    """Whatever else is planned."""
    return naive.in_force(commune.rules, commune.night.tz, zone, start_ms, (entry.language,))


def _cut(
    commune: Commune, found: Forecast, entry: Entry, zone: str, start_ms: int, end_ms: int
) -> None:
    rules, tz = commune.rules, commune.night.tz
    edges = []
    session = naive.session_of(rules, tz, zone, start_ms)
    if session is not None:
        edges.append(session.to_ms)
    edges += [at for at in range(start_ms, end_ms, MINUTE_MS) if naive.is_silent(rules, tz, at)][:1]
    if edges and min(edges) < end_ms:
        found.cut_ms[entry.id, zone] = min(edges)
