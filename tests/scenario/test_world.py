"""The world finds what is planted, finds nothing else, and repeats itself to the byte."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from datetime import datetime

import pytest

from agent.core.effects import HoldZones, ZoneWish
from simulator.__main__ import main
from simulator.world.command import as_text
from simulator.world.faults import FAULTS, draw
from simulator.world.plants import PLANTS
from simulator.world.timetable import instant_of
from simulator.world.world import FIRST_DAY, Result, Settings, World, run

ALL = tuple(FAULTS)
SEEDS_TO_FIND = 12
"""A planted bug is found within so many seeds of five days each."""

FOUND_LAST_TIME = {
    "breaks-rules-silently": 4,
    "forgets-open": 5,
    "forgets-quiet": 4,
    "forgets-summer-time": 2,
    "forgets-warnings": 2,
    "asks-nobody": 2,
    "never-forgets-a-key": 6,
}
"""The seed that found it when somebody looked: tried first, which saves the ones before it."""


def told(result: Result) -> str:
    """Why a run failed, as a person replaying it would want to read it."""
    return "\n".join([*result.lines, str(result.violation), result.settings.command()])


@pytest.mark.parametrize("seed", range(1, 21))
def test_five_days_with_every_fault_violate_nothing(seed: int) -> None:
    result = run(Settings(seed, days=5, faults=ALL, progress_ms=10_000))
    assert result.violation is None, told(result)
    assert result.counts["planned"] > 0


@pytest.mark.parametrize("seed", range(1, 6))
def test_a_fortnight_with_the_faults_of_its_seed_violates_nothing(seed: int) -> None:
    result = run(Settings(seed, days=14))
    assert result.violation is None, told(result)


def test_three_stations_side_by_side_violate_nothing() -> None:
    result = run(Settings(7, days=5, stations=3, faults=ALL))
    assert result.violation is None, told(result)


CLOCKS_CHANGE = ("2026-03-06", "2026-03-27", "2026-10-23", "2026-10-30")
"""Some days before New York, Berlin and Lord Howe set their clocks, forward and back."""


@pytest.mark.parametrize("first_day", CLOCKS_CHANGE)
@pytest.mark.parametrize("seed", range(1, 4))
def test_entries_of_zones_whose_clocks_change_violate_nothing(seed: int, first_day: str) -> None:
    result = run(Settings(seed, days=5, faults=ALL, first_day=first_day))
    assert result.violation is None, told(result)


@pytest.mark.parametrize(
    ("nominal", "tz", "meant"),
    [
        ("2026-03-08T01:45:00", "America/New_York", "2026-03-08T06:45:00+00:00"),
        ("2026-03-08T02:30:00", "America/New_York", "2026-03-08T07:30:00+00:00"),
        ("2026-11-01T01:30:00", "America/New_York", "2026-11-01T05:30:00+00:00"),
        ("2026-10-25T02:15:00", "Europe/Berlin", "2026-10-25T00:15:00+00:00"),
        ("2026-10-04T02:15:00", "Australia/Lord_Howe", "2026-10-03T15:45:00+00:00"),
        ("2026-04-05T01:45:00", "Australia/Lord_Howe", "2026-04-04T14:45:00+00:00"),
        ("2026-06-01T05:00:00", "Asia/Ho_Chi_Minh", "2026-05-31T22:00:00+00:00"),
    ],
)
def test_the_oracle_reads_hours_that_are_missing_or_come_twice(
    nominal: str, tz: str, meant: str
) -> None:
    assert instant_of(nominal, tz) == int(datetime.fromisoformat(meant).timestamp()) * 1_000


def test_a_full_card_is_told_of_and_what_could_not_be_fetched_has_its_reason() -> None:
    counts: Counter[str] = Counter()
    for seed in range(1, 13):
        result = run(Settings(seed, days=8, faults=("card", "edits")))
        assert result.violation is None, told(result)
        counts.update(result.counts)
    assert counts["full cards told"] > 5
    assert counts["skipped content_not_stored"] > 0


def test_keys_change_hands_and_nothing_is_lost_over_it() -> None:
    retired = 0
    for seed in range(1, 9):
        world = World(Settings(seed, days=10, faults=("keys", "edits", "warnings", "hostile")))
        result = world.run()
        assert result.violation is None, told(result)
        (box,) = world.boxes
        assert box.life is not None
        held = box.life.station.facts.documents["nguon|s/xa-1|trust"]
        assert held.revision == world.office.trust_revision
        retired += len(world.office.retired)
    assert retired > 8


def test_without_faults_everything_that_was_published_is_played() -> None:
    result = run(Settings(3, days=5, faults=()))
    assert result.violation is None, told(result)
    assert set(result.counts) <= {"cues", "planned", "played", "skipped preempted"}


def test_records_that_died_with_broker_and_collector_come_again_when_both_are_back() -> None:
    hour_ms = 3_600_000
    world = World(Settings(3, days=2, faults=()))
    through: list[int] = []

    def look() -> None:
        (box,) = world.boxes
        assert box.life is not None
        through.append(world.broker.collector.through(box.site.station, box.installation))
        through.append(box.life.station.reporter.outbox.last)

    def both_die() -> None:
        world.broker.switch_collector(on=False)
        world.broker.crash()
        for box in world.boxes:
            if box.life is not None:
                box.life.broker_gone()

    world.clock.at(4 * hour_ms, both_die)
    world.clock.at(21 * hour_ms, lambda: world.broker.switch_collector(on=True))
    world.clock.at(21 * hour_ms - 1, look)
    world.clock.at(21 * hour_ms + 5_000, look)
    result = world.run()
    assert result.violation is None, told(result)
    before, sent, after, last = through
    assert before < sent, "the broker took what nobody keeps"
    assert after == last == sent


def test_one_seed_gives_the_same_run_to_the_byte() -> None:
    settings = Settings(11, days=6, faults=ALL)
    first, second = run(settings), run(settings)
    assert first.digest == second.digest
    assert (first.events, first.counts) == (second.events, second.counts)


def test_one_seed_gives_the_same_run_in_another_process() -> None:
    asked = [sys.executable, "-m", "simulator", "world", "--days", "3", "--faults", "all", "--json"]
    digests = set()
    for hashing in ("1", "2"):
        surroundings = {**os.environ, "PYTHONHASHSEED": hashing}
        said = subprocess.run(asked, env=surroundings, capture_output=True, check=True, text=True)
        digests.add(json.loads(said.stdout)["digest"])
    assert len(digests) == 1


def test_another_seed_gives_another_run() -> None:
    assert run(Settings(11, days=2)).digest != run(Settings(12, days=2)).digest


def test_every_fault_is_drawn_by_some_seed_and_left_out_by_another() -> None:
    drawn = [set(draw(seed)) for seed in range(60)]
    for name in FAULTS:
        assert any(name in one for one in drawn)
        assert any(name not in one for one in drawn)


@pytest.mark.parametrize("name", sorted(PLANTS))
def test_a_planted_bug_is_found(name: str) -> None:
    first_day = PLANTS[name].first_day or FIRST_DAY
    likely = FOUND_LAST_TIME.get(name, 1)
    for seed in sorted(range(1, SEEDS_TO_FIND + 1), key=lambda one: one != likely):
        result = run(
            Settings(seed, days=5, faults=ALL, plant=name, progress_ms=10_000, first_day=first_day)
        )
        if result.violation is not None:
            assert result.violation.invariant in PLANTS[name].invariants, told(result)
            assert result.lines
            return
    pytest.fail(f"{PLANTS[name].what}: not found in {SEEDS_TO_FIND} seeds")


@pytest.mark.parametrize("seed", [12, 15, 17])
def test_a_plant_that_opens_gates_asks_no_amplifier_for_a_source_it_lacks(seed: int) -> None:
    result = run(Settings(seed, days=2, faults=ALL, plant="opens-every-gate"))
    assert result.violation is None or result.violation.invariant, told(result)


def test_a_run_that_breaks_off_ends_in_a_verdict_with_its_seed() -> None:
    world = World(Settings(5, days=1, faults=()))

    def switch_to_what_is_not_there() -> None:
        box = world.boxes[0]
        zone = box.site.zones[0]
        wish = HoldZones(zone.controller, True, (ZoneWish(zone.name, 0, True, 0, 99),))
        box.controllers[zone.controller].hold(wish)

    world.clock.at(3_600_000, switch_to_what_is_not_there)
    result = world.run()
    assert result.violation is not None
    assert result.violation.invariant == 0
    assert "has no source 99" in result.violation.what
    assert "amplifier.py" in "\n".join(result.lines)
    assert "--seed 5" in as_text(result)


def test_a_violation_prints_the_command_that_replays_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked = ["world", "--days", "3", "--seed", "2", "--faults", "all", "--plant", "books-too-early"]
    assert main(asked) == 1
    said = capsys.readouterr().out
    assert "VIOLATED invariant 3" in said
    assert f"replay: station-sim world --days 3 --seed 2 --faults {','.join(ALL)}" in said
    assert "--plant books-too-early" in said


def test_the_result_can_be_read_by_machines(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["world", "--days", "1", "--seed", "4", "--faults", "none", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["violation"] is None
    assert said["faults"] == []


def test_an_unknown_fault_is_refused_with_the_list_of_those_there_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        main(["world", "--faults", "gremlins"])
    assert "hostile" in capsys.readouterr().err


def test_a_first_day_beyond_the_calendar_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["world", "--from-day", "9999-12-30"])
    assert "between the years 2000 and 2090" in capsys.readouterr().err
