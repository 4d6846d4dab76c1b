"""Whole stations over random regulations: nothing of class 2 or 3 sounds outside its rules, every
exception of an emergency is recorded, and the plan shown beforehand is what plays.

What was heard is compared, second by second, with the naive reading of the rules.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from hypothesis import given

from agent.contract.documents import Entry
from agent.contract.reasons import RULES_OF_THE_AIR
from agent.contract.reasons import OccurrenceReason as Why
from agent.contract.reports import AsRun
from agent.core import requests as asked
from agent.core import views
from simulator.world import rulebook as naive
from tests.property.air_cases import Act, Commune, communes
from tests.property.commune_life import SAID, Heard, Life
from tests.property.planner_cases import examples

ACTS: tuple[Act, ...] = ("quiet", "warn", "power", "clock", "approve", "refuse", "loud", "say")

EDGE_MS = 400
"""Sound may stand this far beyond an edge: gates close, buffers drain."""

STEP_EDGE_MS = 4_000
"""And so far where the clock was set: the agent looks at it once a second."""

WARNING = "Xả lũ"

SAY_LEAD_MS = 3_000
"""What is typed starts this long after, when its amplifiers are warm."""

SAVED_EVERY_MS = 10_000

COUNTED = frozenset({Why.MINUTES_USED_UP, Why.SESSIONS_USED_UP})


# --- nothing outside the rules --------------------------------------------------------------


@given(commune=communes(ACTS))
@examples(120)
def test_nothing_of_class_two_or_three_sounds_outside_its_rules(commune: Commune) -> None:
    life = Life(commune)
    life.run()
    entries = {one.id: one for one in commune.entries}
    counted: dict[tuple[str, naive.Session], int] = defaultdict(int)
    first = first_heard(life)
    for heard in life.heard():
        entry = entries.get(heard.entry)
        start_ms = planned(life, entry, first[heard.entry])
        session = naive.session_of(commune.rules, commune.night.tz, heard.zone, start_ms)
        if session is not None:
            counted[heard.zone, session] += heard.to_ms - heard.from_ms
        for true_ms in seconds_of(life, heard):
            fault = against(life, heard, entry, start_ms, session, true_ms, first[heard.entry])
            assert fault is None, (fault, heard, life.wall_ms(true_ms))
    check_counts(commune, counted)


def first_heard(life: Life) -> dict[str, int]:
    """Entry → when it was first heard anywhere: then its place was decided."""
    found: dict[str, int] = {}
    for heard in life.heard():
        found[heard.entry] = min(heard.from_ms, found.get(heard.entry, heard.from_ms))
    return found


def planned(life: Life, entry: Entry | None, first_ms: int) -> int:
    if entry is not None:
        return life.planned_ms(entry, first_ms)
    assert life.told.said_ms is not None
    return life.wall_ms(life.told.said_ms) + SAY_LEAD_MS


def seconds_of(life: Life, heard: Heard) -> Iterator[int]:
    """Each second of a stretch, without its ends and without what a step of the clock blurs."""
    for true_ms in range(heard.from_ms + EDGE_MS, heard.to_ms - EDGE_MS + 1, 1_000):
        if not any(abs(true_ms - at_ms) <= STEP_EDGE_MS for at_ms in life.steps()):
            yield true_ms


def against(
    life: Life,
    heard: Heard,
    entry: Entry | None,
    start_ms: int,
    session: naive.Session | None,
    true_ms: int,
    first_ms: int,
) -> str | None:
    """Which rule a second of sound is against."""
    rules, tz, zone = life.commune.rules, life.commune.night.tz, heard.zone
    wall_ms = life.wall_ms(true_ms)
    if not naive.allows_language(rules, entry.language if entry is not None else "vi"):
        return "language"
    if naive.is_silent(rules, tz, wall_ms):
        return "silent date"
    if life.is_quiet(zone, true_ms) and life.is_quiet(zone, true_ms - 1_000):
        return "quiet"
    if entry is not None and not any(life.may_play(entry, true_ms - back) for back in (0, 1_000)):
        return "not approved"
    if naive.bound_to_hours(rules, zone):
        if session is None:
            return "starts outside the hours"
        if wall_ms >= session.to_ms + EDGE_MS:
            return "beyond the session's end"
        if wall_ms < session.from_ms and not life.set_back(first_ms - 60_000, true_ms):
            return "before the session"
    return None


def check_counts(commune: Commune, counted: dict[tuple[str, naive.Session], int]) -> None:
    """Minutes of each session, and sessions of each day. After a power cut the last seconds, which
    no save told of, are heard again."""
    cuts = sum(one.act == "power" for one in commune.mishaps)
    slack_ms = 6 * EDGE_MS + cuts * SAVED_EVERY_MS
    opened: dict[tuple[str, object], set[int]] = defaultdict(set)
    for (zone, session), heard_ms in counted.items():
        most_ms = commune.rules.windows[session.number].session_ms
        assert most_ms is None or heard_ms <= most_ms + slack_ms, (zone, session, heard_ms)
        if heard_ms > 2 * EDGE_MS:
            opened[zone, session.day].add(session.number)
    most = commune.rules.sessions_per_day
    for (zone, day), numbers in opened.items():
        assert most is None or len(numbers) <= most, (zone, day, numbers)


@given(commune=communes(("loud", "clock", "quiet", "warn", "power")))
@examples(60)
def test_no_zone_is_set_louder_than_its_ceiling_but_for_emergencies(commune: Commune) -> None:
    life = Life(commune)

    def look() -> None:
        if any(abs(life.true_ms - at_ms) <= STEP_EDGE_MS for at_ms in life.steps()):
            return
        shown: asked.ZonesView = life.village.ask(asked.ZonesRequest())
        for zone in shown.zones:
            wall_ms = shown.at_ms
            most = naive.ceiling_of(commune.rules, commune.night.tz, zone.name, wall_ms)
            if zone.playing != WARNING:
                assert zone.volume <= most, (zone, life.wall_ms(life.true_ms))

    life.run(look)


# --- what is kept back, and what an emergency breaks, is told --------------------------------


@given(commune=communes(("quiet", "warn", "warn", "say", "loud")))
@examples(60)
def test_every_exception_of_an_emergency_is_recorded(commune: Commune) -> None:
    life = Life(commune)
    life.run()
    warned = [one for one in life.records() if one.occurrence.entry.startswith("w-")]
    began: dict[object, int] = {}
    for one in warned:
        for segment in one.segments:
            key = one.occurrence
            began[key] = min(segment.from_ms, began.get(key, segment.from_ms))
    for one in warned:
        if not one.segments:
            assert one.broke == ()
            continue
        wanted = broken(life, one, began[one.occurrence])
        assert set(one.broke) - COUNTED == wanted, (one.zone, one.segments[0])
        if COUNTED & set(one.broke):
            rules = commune.rules
            assert rules.sessions_per_day or any(w.session_ms for w in rules.windows)
    for one in life.records():
        assert one.broke == () or one.klass == 1


def broken(life: Life, record: AsRun, wall_ms: int) -> set[Why]:
    """By the naive reading. Here no clock is set: wall and true time differ by a constant."""
    night = life.commune.night
    found = naive.in_force(life.commune.rules, night.tz, record.zone, wall_ms, ("vi",))
    if life.is_quiet(record.zone, wall_ms - night.begin_ms):
        found.add(Why.QUIET)
    return found


@given(commune=communes(("quiet", "approve", "refuse", "say")))
@examples(60)
def test_whatever_a_rule_keeps_from_playing_is_told_with_the_rule(commune: Commune) -> None:
    life = Life(commune)
    life.run()
    for one in life.records():
        named = one.reason in RULES_OF_THE_AIR
        assert bool(one.rule) == named, one
        if named and one.reason is not Why.QUIET:
            assert one.rule.endswith(f"({commune.rules.document_number})")
        if one.outcome == "played" and one.klass > 1:
            assert one.reason is None or not named


# --- the plan is what plays -----------------------------------------------------------------


@given(commune=communes(()))
@examples(80)
def test_the_plan_shown_beforehand_is_what_plays(commune: Commune) -> None:
    life = Life(commune)
    village = life.village
    village.wait(30)
    assert village.box.life is not None
    station, now = village.box.life.station, village.box.now()
    until_ms = now.wall_ms + 6 * 3_600_000
    foreseen = views.foreseen(station, now.wall_ms, until_ms)
    shown: asked.PlanView = village.ask(asked.PlanRequest(hours=6))
    life.run()
    wanted: dict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
    for span in foreseen.zones:
        entry = span.key.split("|")[2]
        begin_ms = commune.night.begin_ms
        wanted[entry, span.zone].append((span.from_ms - begin_ms, span.to_ms - begin_ms))
    assert_same(wanted, stretches(life))
    records = {(one.occurrence.entry, one.zone): one for one in life.records()}
    for item in shown.items:
        for zone in item.zones:
            assert_told(item, zone, records.get((item.entry, zone)))


def stretches(life: Life) -> dict[tuple[str, str], list[tuple[int, int]]]:
    """What was heard of each entry in each zone; blips while gates change are none."""
    found: dict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
    for heard in sorted(life.heard(), key=lambda one: one.from_ms):
        mine = found[heard.entry, heard.zone]
        if mine and heard.from_ms - mine[-1][1] < EDGE_MS:
            mine[-1] = (mine[-1][0], heard.to_ms)
        else:
            mine.append((heard.from_ms, heard.to_ms))
    return found


def assert_same(
    wanted: dict[tuple[str, str], list[tuple[int, int]]],
    heard: dict[tuple[str, str], list[tuple[int, int]]],
) -> None:
    for key in {*wanted, *heard}:
        long = [one for one in heard.get(key, []) if one[1] - one[0] > EDGE_MS]
        plan = joined([one for one in wanted.get(key, []) if one[1] - one[0] > EDGE_MS])
        assert len(long) == len(plan), (key, plan, long)
        for (from_ms, to_ms), (began_ms, ended_ms) in zip(plan, long, strict=True):
            assert abs(from_ms - began_ms) <= EDGE_MS, (key, plan, long)
            assert abs(to_ms - ended_ms) <= EDGE_MS, (key, plan, long)


def joined(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans that touch, as on two buses, are one."""
    found: list[tuple[int, int]] = []
    for from_ms, to_ms in sorted(spans):
        if found and from_ms - found[-1][1] < EDGE_MS:
            found[-1] = (found[-1][0], max(to_ms, found[-1][1]))
        else:
            found.append((from_ms, to_ms))
    return found


def assert_told(item: asked.Upcoming, zone: str, record: AsRun | None) -> None:
    """The record says what the plan said."""
    if item.approval == "awaiting":
        return  # settled at the end of its day
    assert record is not None, (item, zone)
    whole = [
        one for one in item.kept if zone in one.zones and one.from_ms is None and one.to_ms is None
    ]
    if whole:
        assert record.outcome == "skipped"
        assert record.rule == whole[0].rule
        assert record.reason == whole[0].reason
    elif zone not in item.problem_zones:
        assert record.outcome == "played", (item, record)


assert len(SAID) > 100  # long enough to run into an edge
