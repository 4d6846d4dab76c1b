"""`kill -9` of the agent and of its sound child, at any instant: what is heard, what is recorded.

One run of four short items for all tests. In two stations the agent is killed ten times each (while
it fetches, just before an item, in its chime, in its middle, at its end), in a third the sound
child; a service manager starts the agent again after half a second. COMMUNE_RADIO_KILLS=200 makes
the same run longer; COMMUNE_RADIO_SEED another one.
"""

from __future__ import annotations

import itertools
import logging
import os
import random
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from agent.contract.documents import FileSource
from agent.contract.reports import AsRun
from simulator.demo.equipment import read_log
from simulator.demo.script import local
from simulator.demo.stage import StationSpec
from simulator.source_system.content_server import Fault
from simulator.source_system.witness import FIRST_CONTACT
from tests.integration.station_rig import (
    Moment,
    Rig,
    entry,
    follow,
    heard,
    silences,
    sleep_until,
    until,
    whole_second,
)

log = logging.getLogger(__name__)

KILLS = int(os.environ.get("COMMUNE_RADIO_KILLS", "20"))
SEED = int(os.environ.get("COMMUNE_RADIO_SEED", "20261122"))

AGENT_BACK_MS = 5_000
PLAYER_BACK_MS = 3_000
PLACE_MS = 50
EDGE_MS = 200
HICCUP_MS = 300
"""An interruption as short as this is the busy machine's, as long as there are few of them."""
HICCUPS_SHARE = 0.05
SAVED_EVERY_MS = 10_000
"""How often an item's position is saved; what sounded since then, a killed agent cannot tell."""

CHIME_S, MAIN_S, PERIOD_S = 2.0, 11.5, 15
LEAD_S = 13
"""Everything is fetched before the first cue is given, ten seconds before its start."""
FETCH_BYTES_PER_S = 150_000

EAST = StationSpec("tan-lien", "Đài xã Tân Liên", ("Thôn Đông", "Thôn Đoài"))
WEST = StationSpec("xuat-le", "Đài xã Xuất Lễ", ("Nà Mò",))
CHILD = StationSpec("hai-yen", "Đài xã Hải Yến", ("Thôn Hạ",))
ALL = [EAST.id, WEST.id, CHILD.id]

# Seconds into the period of an item: more than five apart, so that every return is seen.
PATTERNS = (
    ((1.2, 1.8), (6.9, 7.4), (12.5, 13.2)),  # chime, middle, end
    ((6.0, 8.0), (13.8, 14.6)),  # middle, just before the next
    ((6.0, 6.8), (12.0, 13.2)),  # middle, end
    ((1.2, 1.8), (7.0, 10.0)),  # chime, middle
)

pytestmark = [pytest.mark.slow, pytest.mark.alone, pytest.mark.timeout(120 + KILLS * 8)]


@dataclass(slots=True)
class Item:
    slot: str
    start_ms: int
    moments: dict[str, list[Moment]] = field(default_factory=dict)

    @property
    def end_ms(self) -> float:
        """The last window of the programme is not whole."""
        return self.start_ms + (CHIME_S + MAIN_S) * 1_000 - EDGE_MS


@dataclass(slots=True)
class Aftermath:
    """What the run left behind."""

    rig: Rig
    items: list[Item]
    kills: dict[str, list[int]]

    def zones(self, name: str) -> tuple[str, ...]:
        return self.rig.station(name).spec.zones

    def gaps(self, item: Item, name: str, zone: int) -> list[tuple[float, float]]:
        """When the zone did not give the item at its place, between its start and its end."""
        spans = heard(item.moments[name], self.rig.opened(zone, name))
        return silences(spans, item.start_ms, item.end_ms, EDGE_MS)

    def excused(self, name: str) -> list[tuple[int, int]]:
        """The bounds after the kills."""
        bound_ms = PLAYER_BACK_MS if name == CHILD.id else AGENT_BACK_MS
        return [(one - EDGE_MS, one + bound_ms) for one in self.kills[name]]


def instants(periods: int, rng: random.Random, name: str) -> list[float]:
    """Seconds after the first start. The sound child is back while its chime still plays, and is
    killed once more while it only holds the first cue."""
    found: list[float] = [-4.0] if name == CHILD.id else []
    for period in range(periods):
        pattern = PATTERNS[period] if period < len(PATTERNS) else rng.choice(PATTERNS)
        for low, high in pattern:
            early_s = 0.9 if name == CHILD.id and high < CHIME_S else 0.0
            found.append(period * PERIOD_S + rng.uniform(low, high) - early_s)
    return found


@pytest.fixture(scope="module")
def aftermath(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aftermath]:
    """The run itself."""
    rng = random.Random(SEED)
    periods = max(1, round(KILLS / 2 * len(PATTERNS) / 10))
    with Rig(tmp_path_factory.mktemp("kills"), EAST, WEST, CHILD) as rig:
        yield _run(rig, periods, rng)


def _run(rig: Rig, periods: int, rng: random.Random) -> Aftermath:
    chime = rig.publish("nhac-hieu", CHIME_S, 100, ".flac")
    mains = [rig.publish(f"muc-{number}", MAIN_S, number) for number in range(min(periods, 4))]
    slow = Fault("slow", bytes_per_s=FETCH_BYTES_PER_S)
    rig.stage.pilot.content.faults.set(mains[0].sha256, slow)
    begin_ms = whole_second(LEAD_S)
    items = []
    entries = []
    for period in range(periods):
        made = mains[period % len(mains)]
        start_ms = begin_ms + period * PERIOD_S * 1_000
        items.append(Item(f"luot-{period}", start_ms))
        sources = (FileSource(slot=made.slot),)
        entries.append(
            entry(f"luot-{period}", start_ms, sources=sources, chime=FileSource(slot=chime.slot))
        )
    rig.push(entries)
    kills = {spec.id: [_kill_while_fetching(rig, spec.id)] for spec in (EAST, WEST)}
    kills[CHILD.id] = []
    rig.stage.pilot.content.faults.clear()
    _kill_as_planned(rig, begin_ms, periods, rng, kills)
    for name in ALL:
        rig.settled(items[-1].slot, name, within_s=PERIOD_S + 15)
    for name in ALL:
        recording = rig.recording(name)
        for item, made in zip(items, itertools.cycle(mains), strict=False):
            main_ms = item.start_ms + CHIME_S * 1_000
            sheet = ((chime.sound, float(item.start_ms)), (made.sound, main_ms))
            item.moments[name] = follow(recording, sheet)
    return Aftermath(rig, items, kills)


def _kill_while_fetching(rig: Rig, name: str) -> int:
    """Once a part of a file is on the disk."""
    folder = rig.state_dir(name) / "content" / "partial"
    until(lambda: any(one.stat().st_size for one in folder.glob("*[0-9a-f]")), "a part of a file")
    return rig.stage.kill_agent(name)


def _kill_as_planned(
    rig: Rig, begin_ms: int, periods: int, rng: random.Random, kills: dict[str, list[int]]
) -> None:
    """Each station has its own instants; one thread goes through them in order."""
    plan = sorted(
        (begin_ms + round(at_s * 1_000), name)
        for name in ALL
        for at_s in instants(periods, rng, name)
    )
    for at_ms, name in plan:
        sleep_until(at_ms)
        kill = rig.stage.kill_player if name == CHILD.id else rig.stage.kill_agent
        kills[name].append(kill(name))


# --- what was heard ------------------------------------------------------------------------


def test_at_least_as_many_kills_happened_as_were_asked_for(aftermath: Aftermath) -> None:
    of_agents = len(aftermath.kills[EAST.id]) + len(aftermath.kills[WEST.id])
    assert of_agents >= (KILLS if KILLS == 20 else KILLS * 0.9)
    assert len(aftermath.kills[CHILD.id]) >= (10 if KILLS == 20 else KILLS * 0.4)


@pytest.mark.parametrize("name", ALL)
def test_the_sound_is_back_at_its_place_within_its_bound_after_every_kill(
    aftermath: Aftermath, name: str
) -> None:
    """Nothing of any item is missing in any zone but what lies within the bound after a kill."""
    for item in aftermath.items:
        for zone in range(len(aftermath.zones(name))):
            hiccups_ms = 0.0
            for gap in aftermath.gaps(item, name, zone):
                rest = silences(aftermath.excused(name), *gap, least_ms=1)
                hiccups_ms += sum(to_ms - from_ms for from_ms, to_ms in rest)
                long = [
                    (round(from_ms - item.start_ms), round(to_ms - item.start_ms))
                    for from_ms, to_ms in rest
                    if to_ms - from_ms > HICCUP_MS
                ]
                assert not long, f"{item.slot}: missing {long} ms after its start"
            assert hiccups_ms <= HICCUPS_SHARE * (item.end_ms - item.start_ms), item.slot
    _log_figures(aftermath, name)


def _log_figures(aftermath: Aftermath, name: str) -> None:
    took = []
    for killed_ms in aftermath.kills[name]:
        for item in aftermath.items:
            bound_ms = killed_ms + (PLAYER_BACK_MS if name == CHILD.id else AGENT_BACK_MS)
            gaps = [one for one in aftermath.gaps(item, name, 0) if killed_ms < one[1] < bound_ms]
            if gaps and gaps[-1][1] < item.end_ms:
                took.append(round(gaps[-1][1] - killed_ms))
    offsets = [
        abs(one.offset_ms)
        for item in aftermath.items
        for one in item.moments[name]
        if one.offset_ms is not None
    ]
    log.info("%s: back after %s ms, at most %.1f ms off", name, sorted(took), max(offsets))


@pytest.mark.parametrize("name", ALL)
def test_what_is_heard_is_never_off_its_place(aftermath: Aftermath, name: str) -> None:
    """Not even on its way back: a programme that is recognised runs on its timeline."""
    recognised = [
        (item.slot, round(one.at_ms - item.start_ms), round(one.offset_ms))
        for item in aftermath.items
        for one in item.moments[name]
        if one.offset_ms is not None
    ]
    off = [one for one in recognised if abs(one[2]) > PLACE_MS]
    assert len(off) <= len(recognised) * 0.01, off


@pytest.mark.parametrize("name", [EAST.id, WEST.id])
def test_the_amplifier_is_not_switched_off_by_a_restart(aftermath: Aftermath, name: str) -> None:
    """Its power has a lease of its own; only the gates close while nobody renews theirs."""
    rows = read_log(aftermath.rig.station(name).folder / "amplifier.jsonl")
    items = [(item.start_ms, item.end_ms) for item in aftermath.items]
    off = [
        row["at_ms"]
        for row in rows
        if row["zone"] is None and row["power"] == "off" and row["at_ms"] > items[0][0]
    ]
    during = [at_ms for at_ms in off if any(begin < at_ms < end - 1_000 for begin, end in items)]
    assert not during


# --- what was recorded ---------------------------------------------------------------------


@pytest.mark.parametrize("name", ALL)
def test_every_occurrence_has_exactly_one_record_in_each_zone(
    aftermath: Aftermath, name: str
) -> None:
    zones = aftermath.zones(name)
    wanted = {(item.slot, local(item.start_ms), zone) for item in aftermath.items for zone in zones}
    told = [
        (one.occurrence.entry, one.occurrence.nominal, one.zone)
        for one in aftermath.rig.as_run(name)
    ]
    assert sorted(told) == sorted(wanted)


def test_no_number_is_missing_or_given_twice(aftermath: Aftermath) -> None:
    journal = aftermath.rig.district.journal
    for spec in aftermath.rig.specs:
        numbers = journal.sequences(spec.id)
        assert numbers == list(range(1, len(numbers) + 1))
        assert len({one.installation for one in aftermath.rig.events(spec.id)}) == 1
    assert not journal.lost()
    assert "conflicts" not in journal.counters()


def test_the_records_are_one_chain_that_the_station_signed(aftermath: Aftermath) -> None:
    district = aftermath.rig.district
    for spec in aftermath.rig.specs:
        (check,) = district.records.check(spec.id)
        assert check.findings == ()
        assert check.signed is not None
        assert check.proves(1)
        (key,) = district.records.keys(spec.id)
        assert (key.public, key.accepted_by) == (check.signed.public, FIRST_CONTACT)
        assert district.records.found_on_arrival(spec.id) == []


@pytest.mark.parametrize("name", ALL)
def test_the_records_tell_the_gaps_as_they_were_heard(aftermath: Aftermath, name: str) -> None:
    zones = aftermath.zones(name)
    for item in aftermath.items:
        for place, zone in enumerate(zones):
            (record,) = (one for one in aftermath.rig.as_run(name, item.slot) if one.zone == zone)
            _compare(record, aftermath.gaps(item, name, place), item, name)


def _compare(record: AsRun, gaps: list[tuple[float, float]], item: Item, name: str) -> None:
    where = f"{name} {item.slot} {record.zone}"
    for one, then in itertools.pairwise(record.segments):
        assert one.to_ms <= then.from_ms, f"{where}: segments overlap"
    long = [(begin, end) for begin, end in gaps if end - begin > HICCUP_MS]
    told = [one for one in record.segments if one.gap is not None]
    wanted = "sound_lost" if name == CHILD.id else "station_restarted"
    assert {one.gap for one in told} <= {wanted}, where
    for one in record.segments:
        silent_ms = sum(
            min(one.to_ms, end) - max(one.from_ms, begin)
            for begin, end in long
            if min(one.to_ms, end) > max(one.from_ms, begin)
        )
        since = f"{one.from_ms - item.start_ms} to {one.to_ms - item.start_ms} ms"
        if one.gap is None:
            assert silent_ms <= 1_000, f"{where}: claims sound from {since}"
        else:
            forgotten_ms = one.to_ms - one.from_ms - silent_ms
            bound_ms = 500 if name == CHILD.id else 2 * SAVED_EVERY_MS
            assert forgotten_ms <= bound_ms, f"{where}: forgot sound from {since}"
    missing_ms = sum(end - begin for begin, end in gaps)
    if record.outcome == "played":
        assert missing_ms <= 1_500, where
    if missing_ms > 1_500:
        assert record.outcome != "played", where
        assert record.reason is not None, where
    if name == CHILD.id:
        assert record.outcome != "skipped", where


# --- and beside the sound ------------------------------------------------------------------


def test_what_was_fetched_before_the_kill_is_not_fetched_again(aftermath: Aftermath) -> None:
    asked = [one.asked_range for one in aftermath.rig.stage.pilot.content.requests]
    assert sum(one.startswith("bytes=") for one in asked) >= 2


def test_the_agent_whose_sound_child_is_killed_lives_on(aftermath: Aftermath) -> None:
    assert aftermath.rig.station(CHILD.id).starts == 1
    assert aftermath.rig.station(EAST.id).starts == len(aftermath.kills[EAST.id]) + 1
