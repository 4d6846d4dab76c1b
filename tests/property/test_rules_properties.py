"""Whole stations over random regulations: nothing of class 2 or 3 sounds outside its rules, every
exception of an emergency is recorded, and the plan shown beforehand is what plays.

What was heard is compared, second by second, with the naive reading of the rules.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import NamedTuple
from zoneinfo import ZoneInfo

from hypothesis import example, given

from agent.contract.documents import Entry, Settings
from agent.contract.reasons import RULES_OF_THE_AIR
from agent.contract.reasons import OccurrenceReason as Why
from agent.contract.reports import AsRun
from agent.core import requests as asked
from agent.core.foretold import foreseen as all_foreseen
from agent.core.rules import Rules
from agent.core.sessions import Book, Slot
from agent.core.site import Amplifier, BusChoice, Site, Zone
from simulator.world import rulebook as naive
from tests.property import naive_air
from tests.property.air_cases import (
    MINUTE_MS,
    SPAN_MIN,
    ZONES,
    Act,
    Commune,
    collision,
    collisions,
    communes,
    crowded,
)
from tests.property.commune_life import SAID, Heard, Life
from tests.property.naive_air import Place
from tests.property.planner_cases import examples

WORDS: tuple[Act, ...] = ("approve", "refuse", "hold", "skip", "order")
ACTS: tuple[Act, ...] = ("quiet", "warn", "power", "clock", "loud", "say", *WORDS)

EDGE_MS = 400
"""Sound may stand this far beyond an edge: gates close, buffers drain."""

STEP_EDGE_MS = 4_000
"""And so far where the clock was set: the agent looks at it once a second."""

WARNING = "Xả lũ"

SAY_LEAD_MS = 3_000
"""What is typed starts this long after, when its amplifiers are warm."""

SAVED_EVERY_MS = 10_000

SETTLED_MS = 60_000

KEPT_BY_HAND = frozenset({"held", "skipped_locally", "not_approved", "awaiting_approval"})

COUNTED = frozenset({Why.MINUTES_USED_UP, Why.SESSIONS_USED_UP})


# --- the regulation, minute by minute ---------------------------------------------------------


@given(commune=communes(()))
@examples(60)
def test_the_regulation_is_read_as_the_wall_shows_it_minute_by_minute(commune: Commune) -> None:
    rules, night = commune.rules, commune.night
    read = Rules(site_of(night.tz), ZoneInfo(night.tz))
    read.adopt(Settings(regulation=rules))
    for minute in range(-90, SPAN_MIN + 90):
        at_ms = night.begin_ms + minute * MINUTE_MS
        for zone in ZONES:
            wanted = naive.ceiling_of(rules, night.tz, zone, at_ms)
            for moment in (at_ms, at_ms + MINUTE_MS - 1):
                most = read.ceiling(zone, moment)
                assert (100 if most is None else most) == wanted, (zone, moment)
                told = set(read.against(zone, moment, ("vi",)))
                assert told == naive.in_force(rules, night.tz, zone, moment, ("vi",))
            found = read.session_at(zone, at_ms)
            session = naive.session_of(rules, night.tz, zone, at_ms)
            assert (found is None) == (session is None), (zone, at_ms)
            if found is not None and session is not None:
                assert (found.day, found.number, found.to_ms) == (
                    session.day,
                    session.number,
                    session.to_ms,
                )


@given(commune=crowded)
@examples(400)
def test_minutes_and_sessions_of_a_crowded_day_are_counted_as_by_hand(commune: Commune) -> None:
    """Bulletins within bulletins, and those that may end later than their slot."""
    foretold, _ = naive_air.forecast(commune)
    rules = Rules(site_of(commune.night.tz), ZoneInfo(commune.night.tz))
    rules.adopt(Settings(regulation=commune.rules))
    slots = {
        one.id: Slot(
            one.id,
            naive_air.start_of(commune, one),
            naive_air.length_of(commune, one),
            tuple(z for z in naive_air.zones_of(one) if not foretold.whole[one.id, z] - COUNTED),
            moves=naive_air.moves(one),
        )
        for one in commune.entries
    }
    found = Book(rules).keep_back(slots.values())
    for name, slot in slots.items():
        told = {(bar.zone, bar.reason) for bar in found.get(name, ())}
        wanted = {(zone, why) for zone in slot.zones for why in foretold.whole[name, zone]}
        assert told == wanted, name


def site_of(tz: str) -> Site:
    zones = (Zone(zone, "c1", n, "amp", (BusChoice(0, 1),)) for n, zone in enumerate(ZONES))
    return Site("s", "S", tz, tuple(zones), (Amplifier("amp", "c1"),), 1)


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
    if life.kept_by_hand(heard.entry, first_ms - 1_000):
        return "held back or skipped"
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
            assert (zone.ceiling if zone.ceiling is not None else 100) == most, zone
            if zone.playing != WARNING:
                wished = 100 if zone.name in life.told.loud else Settings().volume
                assert zone.volume == min(wished, most), (zone, life.wall_ms(life.true_ms))

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
        assert one.above_ceiling == passed(life, one, began[one.occurrence])
        if COUNTED & set(one.broke):
            rules = commune.rules
            assert rules.sessions_per_day or any(w.session_ms for w in rules.windows)
    for one in life.records():
        assert (one.broke == () and one.above_ceiling is None) or one.klass == 1


@given(commune=communes(("warn", "warn", "loud")))
@examples(60)
def test_an_emergency_records_the_minutes_and_sessions_it_goes_beyond(commune: Commune) -> None:
    """By the count of the whole day's plan, in which an emergency itself takes nothing."""
    life = Life(commune)
    life.run()
    _, count = naive_air.forecast(commune)
    began: dict[object, int] = {}
    warned = [one for one in life.records() if one.klass == 1 and one.segments]
    for one in warned:
        at_ms = one.segments[0].from_ms
        began[one.occurrence] = min(at_ms, began.get(one.occurrence, at_ms))
    for one in warned:
        length_ms = one.planned_duration_ms or 0
        wanted = {
            count.why_not(one.zone, began[one.occurrence] + off_ms, length_ms, moves=False)
            for off_ms in (-EDGE_MS, 0, EDGE_MS)
        }
        if len(wanted) == 1:  # the very edge of a minute may be counted either way
            assert COUNTED & set(one.broke) == wanted - {None}, (one.zone, one.broke)


def passed(life: Life, record: AsRun, wall_ms: int) -> int | None:
    """The ceiling that an emergency goes beyond."""
    night = life.commune.night
    most = naive.ceiling_of(life.commune.rules, night.tz, record.zone, wall_ms)
    assert record.volume is not None
    return most if record.volume > most else None


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


@given(commune=communes(()))
@examples(80)
def test_exactly_what_the_regulation_says_is_kept_back_and_shown(commune: Commune) -> None:
    """Neither more nor less: foretold from the timetable and the regulation alone."""
    life = Life(commune)
    life.village.wait(30)
    shown: asked.PlanView = life.village.ask(asked.PlanRequest(hours=6))
    foretold, _ = naive_air.forecast(commune)
    items = {item.entry: item for item in shown.items}
    for entry in commune.entries:
        item = items[entry.id]
        assert item.start_ms == naive_air.start_of(commune, entry)
        for zone in item.zones:
            kept = [one for one in item.kept if zone in one.zones]
            whole = {Why(one.reason) for one in kept if one.from_ms is None and one.to_ms is None}
            wanted = foretold.whole[entry.id, zone]
            assert bool(whole) == bool(wanted), (entry.id, zone, whole, wanted)
            assert whole <= wanted, (entry.id, zone)
            cuts = [one.from_ms for one in kept if one.from_ms is not None]
            if not whole:
                assert min(cuts, default=None) == foretold.cut_ms.get((entry.id, zone))


# --- the plan is what plays -----------------------------------------------------------------


@given(commune=communes(()))
@examples(80)
def test_the_plan_shown_beforehand_is_what_plays(commune: Commune) -> None:
    plays_as_shown(commune)


@given(commune=collisions)
@example(collision(2561189600))  # quiet outlasts the slot of what continues after it
@example(collision(2541074535))
@examples(120)
def test_what_collides_plays_as_the_plan_shows_it_item_by_item_and_zone_by_zone(
    commune: Commune,
) -> None:
    plays_as_shown(commune)


def plays_as_shown(commune: Commune) -> None:
    """What the plan says of every item in every zone (whether it sounds, from when, how much of
    it) against what then left the card, and what the records say of it."""
    life = Life(commune)
    village = life.village
    for mishap in commune.mishaps:
        life.befalls(mishap)
    village.wait(30)
    shown: asked.PlanView = village.ask(asked.PlanRequest(hours=6))
    life.live_on()
    heard = stretches(life)
    assert_same(told_spans(shown, commune.night.begin_ms), heard)
    records = {(one.occurrence.entry, one.zone): one for one in life.records()}
    for item in shown.items:
        assert_marked(item)
        for zone in item.zones:
            assert_told(item, zone, records.get((item.entry, zone)))


def told_spans(plan: asked.PlanView, begin_ms: int) -> dict[Place, list[tuple[int, int]]]:
    """What the plan says sounds, in true time."""
    found: dict[Place, list[tuple[int, int]]] = defaultdict(list)
    for item in plan.items:
        if item.entry.startswith("w-"):
            continue
        entry = "" if item.entry.startswith("announce-") else item.entry
        assert item.sounds is not None
        for one in item.sounds:
            for zone in one.zones:
                spans = [(low - begin_ms, high - begin_ms) for low, high in one.spans]
                assert (entry, zone) not in found, "a zone is told once"
                found[entry, zone] = spans
    return found


def assert_marked(item: asked.Upcoming) -> None:
    """A problem stands exactly where the item does not sound as the timetable says."""
    planned = ((item.start_ms, item.start_ms + (item.duration_ms or 0)),)
    whole = {zone for one in item.sounds or () if one.spans == planned for zone in one.zones}
    assert set(item.problem_zones) == set(item.zones) - whole, item
    assert bool(item.problem) == bool(item.problem_zones), item


@given(commune=communes(ACTS))
@examples(120)
def test_after_whatever_befell_the_plan_shown_then_is_what_plays_until_the_next(
    commune: Commune,
) -> None:
    life = Life(commune)
    looks: list[Look] = []

    def look(next_ms: int) -> None:
        """Once what befell had its effect: amplifiers warm, the box up again, the clock read."""
        while life.true_ms + SETTLED_MS < next_ms:
            before = life.village.box.life
            life.village.wait(SETTLED_MS / 1_000)
            if before is not None and life.village.box.life is before:
                looks.append(shown_now(life, next_ms))
                return

    life.run(after=look)
    heard = stretches(life)
    for one in looks:
        now = within(heard, one.from_ms, one.to_ms)
        assert_same(one.spans, now)
        told = within(told_spans(one.plan, one.wall_ms), one.from_ms, one.to_ms)
        assert_same(told, {place: spans for place, spans in now.items() if place in told})
        assert_on_air(told, now, one.from_ms)
        for item in one.plan.items:
            assert_kept(one, item, heard)
            if item.klass > 1 and item.start_ms > one.plan.at_ms:
                assert_quiet_shown(life, one, item)


def assert_on_air(
    told: Mapping[Place, list[tuple[int, int]]],
    heard: Mapping[Place, list[tuple[int, int]]],
    from_ms: int,
) -> None:
    """What the plan does not show sounds only if it was on air when it was looked at."""
    for place, spans in heard.items():
        if place not in told:
            late = [low for low, high in spans if low > from_ms + EDGE_MS and high - low > EDGE_MS]
            assert not late, (place, spans)


class Look(NamedTuple):
    """What the plan showed at an instant, for the time up to the next mishap; true time."""

    from_ms: int
    to_ms: int
    wall_ms: int
    spans: dict[Place, list[tuple[int, int]]]
    plan: asked.PlanView


def shown_now(life: Life, to_ms: int) -> Look:
    plan: asked.PlanView = life.village.ask(asked.PlanRequest(hours=6))
    assert life.village.box.life is not None
    station, now = life.village.box.life.station, life.village.box.now()
    from_ms, wall_ms = life.true_ms, now.wall_ms - life.true_ms
    spans: dict[Place, list[tuple[int, int]]] = defaultdict(list)
    for span in all_foreseen(station, now.wall_ms, to_ms + wall_ms).zones:
        entry = span.key.split("|")[2]
        if not entry.startswith("w-"):
            entry = "" if entry.startswith("announce-") else entry
            spans[entry, span.zone].append((span.from_ms - wall_ms, span.to_ms - wall_ms))
    return Look(from_ms, to_ms, wall_ms, within(spans, from_ms, to_ms), plan)


def within(
    spans: Mapping[Place, list[tuple[int, int]]], from_ms: int, to_ms: int
) -> dict[Place, list[tuple[int, int]]]:
    return {
        place: [
            (max(low, from_ms), min(high, to_ms))
            for low, high in mine
            if min(high, to_ms) > max(low, from_ms)
        ]
        for place, mine in spans.items()
    }


def assert_kept(
    look: Look, item: asked.Upcoming, heard: Mapping[Place, list[tuple[int, int]]]
) -> None:
    """What was shown as kept back stays silent so long, and what was shown with no word against
    it begins at its second."""
    if item.entry.startswith(("w-", "announce-")):
        return
    start_ms = item.start_ms - look.wall_ms
    for zone in item.zones:
        mine = heard.get((item.entry, zone), [])
        for one in item.kept:
            if zone in one.zones:
                low_ms = start_ms if one.from_ms is None else one.from_ms - look.wall_ms
                end_ms = look.to_ms if one.to_ms is None else one.to_ms - look.wall_ms
                assert_silent(mine, max(low_ms, look.from_ms), min(end_ms, look.to_ms), item)
        kept = any(zone in one.zones for one in item.kept)
        if item.problem in KEPT_BY_HAND:
            assert_silent(mine, look.from_ms, look.to_ms, item)
        free = not kept and not item.problem
        if free and look.from_ms + EDGE_MS < start_ms < look.to_ms - EDGE_MS:
            assert any(abs(low - start_ms) <= EDGE_MS for low, _ in mine), (item, zone, mine)


def assert_quiet_shown(life: Life, look: Look, item: asked.Upcoming) -> None:
    """Exactly the quiets that people asked for, to the minute at which they end."""
    for zone in item.zones:
        until_ms = life.quiet_until(zone, look.from_ms)
        shown = [one for one in item.kept if one.reason == "quiet" and zone in one.zones]
        if until_ms <= item.start_ms:
            assert not shown, (item, zone)
        elif item.duration_ms:
            [one] = shown
            ended = until_ms < item.start_ms + item.duration_ms
            wanted = (until_ms,) if ended else (None, until_ms)  # it may start over after its slot
            assert one.to_ms in wanted, (item, zone, until_ms)


def assert_silent(
    mine: list[tuple[int, int]], from_ms: int, to_ms: int, item: asked.Upcoming
) -> None:
    for low, high in mine:
        assert min(high, to_ms) - max(low, from_ms) <= EDGE_MS, (item, low, high)


def stretches(life: Life) -> dict[Place, list[tuple[int, int]]]:
    """What was heard of each entry in each zone; blips while gates change are none."""
    found: dict[Place, list[tuple[int, int]]] = defaultdict(list)
    for heard in sorted(life.heard(), key=lambda one: one.from_ms):
        mine = found[heard.entry, heard.zone]
        if mine and heard.from_ms - mine[-1][1] < EDGE_MS:
            mine[-1] = (mine[-1][0], heard.to_ms)
        else:
            mine.append((heard.from_ms, heard.to_ms))
    return found


def assert_same(
    wanted: Mapping[Place, list[tuple[int, int]]],
    heard: Mapping[Place, list[tuple[int, int]]],
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
    told_ms = sum(
        high - low for one in item.sounds or () if zone in one.zones for low, high in one.spans
    )
    assert abs(record.played_ms - told_ms) <= EDGE_MS, (item, record)
    if whole:
        assert record.outcome == "skipped"
        assert record.rule == whole[0].rule
        assert record.reason == whole[0].reason
    elif zone not in item.problem_zones:
        assert record.outcome == "played", (item, record)
    elif not told_ms:
        assert record.outcome == "skipped", (item, record)


assert len(SAID) > 100  # long enough to run into an edge
