"""A bulletin in several languages, then a warning that a power cut and a lost broker do not stop.

One visit for all tests, with the commands an engineer types. The timetable and the recordings go
through `districtctl` and a real broker; the sound is looked for in the recording. Then a warning
is issued, the broker is gone and the agent is killed: what says it again, and when, lies in the
station's own journal alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest

from agent.contract.languages import name_of
from agent.contract.reports import AirStart, AsRun, Body
from agent.core import requests
from simulator.demo.script import local
from simulator.demo.stage import now_ms
from simulator.measure import level_dbfs
from simulator.source_system.district import Warned
from simulator.source_system.districtctl.__main__ import main
from tests.integration.station_rig import (
    GROUP,
    ONE,
    Made,
    Rig,
    follow,
    sleep_until,
    until,
    whole_second,
)

BEAT_MS = 30_000
LOUD_DBFS = -40.0
ABOUT = ("Lịch tiêm chủng tháng này", "2026-11-21", "An Nhiên", "an@tan-lien.example")
EAST = ONE.zones[0]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


@dataclass(slots=True)
class Visit:
    """What was seen on the way."""

    rig: Rig
    made: dict[str, Made] = field(default_factory=dict)
    start_ms: int = 0
    plan: tuple[requests.Upcoming, ...] = ()
    asrun: list[AsRun] = field(default_factory=list)
    issued_ms: int = 0
    killed_ms: int = 0
    before: requests.StatusView | None = None
    alone: requests.StatusView | None = None
    again: tuple[int, int] = (0, 0)
    plays: list[AsRun] = field(default_factory=list)


@pytest.fixture(scope="module")
def visit(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Visit]:
    with Rig(tmp_path_factory.mktemp("flood"), ONE) as rig:
        made = Visit(rig)
        until(lambda: rig.status().player == "ready", "the sound child")
        languages(made)
        flood(made)
        yield made


def districtctl(rig: Rig, *words: str, wait: bool = True) -> int:
    home = ["--home", str(rig.district.home.folder), "--lang", "vi", "--json"]
    return main([*home, *words, *(["--wait", "5"] if wait else [])])


def languages(visit: Visit) -> None:
    """A spreadsheet with a column for each language; one of the recordings never comes."""
    rig = visit.rig
    day = local(now_ms() + 15_000)[:10]
    for slot, seconds, seed in (("tin", 2.0, 11), ("tin-tay", 1.5, 12)):
        visit.made[slot] = rig.make(slot, seconds, seed)
        told = zip(("--summary", "--produced", "--pen-name", "--email"), ABOUT, strict=True)
        about = [word for pair in told for word in pair] if slot == "tin" else []
        file = str(visit.made[slot].file)
        assert (
            districtctl(rig, "publish", file, "--slot", slot, "--date", day, *about, "--all") == 0
        )
    visit.start_ms = whole_second(8)
    at = local(visit.start_ms)
    sheet = rig.folder / "lich.csv"
    sheet.write_text(
        "Mã,Giờ bắt đầu,Tên chương trình,Nguồn,Tệp (tày),Tệp (mông),Khu vực,Ngày phát\n"
        f"tin,{at[11:]},Bản tin xã,tep:tin-{{ngày}},tep:tin-tay-{{ngày}},tep:tin-mong-{{ngày}},"
        f"tất cả,{at[:10]}\n",
        encoding="utf-8-sig",
    )
    assert districtctl(rig, "push", str(sheet), "--all") == 0

    def planned() -> tuple[requests.Upcoming, ...]:
        view = rig.ask(requests.PlanRequest(1))
        assert isinstance(view, requests.PlanView)
        return tuple(one for one in view.items if one.ready)

    visit.plan = until(planned, "the bulletin with its files")
    visit.asrun = rig.settled("tin", within_s=25)


def flood(visit: Visit) -> None:
    rig = visit.rig
    done = rig.district.warn(
        template="so-tan",
        slots={"place": "thôn Đông", "time": "5:00"},
        to=GROUP,
        drill=True,
        repeat_every_ms=BEAT_MS,
        wait_s=0,
    )
    assert isinstance(done, Warned)
    until(lambda: (seen := rig.status().emergencies) and seen[0].plays == 1, "the first play", 25)
    visit.before = rig.status()
    visit.issued_ms = visit.before.emergencies[0].issued_at_ms
    rig.stage.pilot.broker.kill()
    visit.killed_ms = rig.stage.kill_agent(ONE.id)
    until((rig.state_dir().parent / "control.sock").exists, "the socket")
    visit.alone = until(lambda: _status(rig), "the agent's answer")
    beat_ms = visit.issued_ms + BEAT_MS
    sleep_until(beat_ms - 500)
    until(lambda: rig.status().emergencies[0].plays == 2, "the second play", 30)
    visit.again = (beat_ms, now_ms())
    written = until(lambda: _plays(rig), "the record of the second play")
    visit.plays = sorted(written, key=lambda one: one.planned_start_ms)


def _plays(rig: Rig) -> list[AsRun] | None:
    """Of the warning in one zone, as they stand in the station's journal."""
    view = rig.ask(requests.JournalRequest(50))
    assert isinstance(view, requests.JournalView)
    bodies = [msgspec.json.decode(one.body, type=Body) for one in view.records]
    found = [
        one for one in bodies if isinstance(one, AsRun) and one.klass == 1 and one.zone == EAST
    ]
    return found if len(found) == 2 else None


def _status(rig: Rig) -> requests.StatusView | None:
    try:
        view = rig.status()
    except (OSError, ValueError):
        return None
    return view if view.player == "ready" else None


# --- languages -------------------------------------------------------------------------------


def test_the_languages_are_heard_one_after_the_other_at_their_second(visit: Visit) -> None:
    recording = visit.rig.recording()
    first, second = visit.made["tin"], visit.made["tin-tay"]
    sheet = [(first.sound, float(visit.start_ms)), (second.sound, visit.start_ms + first.length_ms)]
    moments = follow(recording, sheet)
    right = [one for one in moments if one.offset_ms is not None and abs(one.offset_ms) < 30]
    assert len(right) >= 0.9 * len(moments)


def test_the_plan_names_the_language_that_is_missing_before_it_is_missed(visit: Visit) -> None:
    [item] = visit.plan
    assert [name_of(one) for one in item.languages_missing] == ["Mông"]


def test_the_record_names_it_afterwards_and_why(visit: Visit) -> None:
    for record in visit.asrun:
        assert (record.outcome, record.languages_missing) == ("partial", ("hmn",))
        assert record.reason == "content_not_published"
        assert abs(record.played_ms - 3_500) < 150


def test_what_the_publisher_said_of_the_file_stands_in_start_and_end(visit: Visit) -> None:
    begun = [one.body for one in visit.rig.events() if isinstance(one.body, AirStart)]
    [start] = [one for one in begun if one.occurrence.entry == "tin"]
    for about in (start.about, *(one.about for one in visit.asrun)):
        assert (about.summary, about.produced, about.pen_name, about.email) == ABOUT


def test_the_engineer_is_told_in_words(visit: Visit, capsys: pytest.CaptureFixture[str]) -> None:
    home = str(visit.rig.district.home.folder)
    assert main(["--home", home, "--lang", "vi", "asrun", "--station", ONE.id]) == 0
    assert "THIẾU TIẾNG: Mông" in capsys.readouterr().out
    assert main(["--home", home, "--json", "asrun", "--station", ONE.id]) == 0
    told = json.loads(capsys.readouterr().out)
    assert any(one["record"]["languages_missing"] == ["hmn"] for one in told)


# --- the warning -----------------------------------------------------------------------------


def test_after_the_kill_the_station_still_holds_the_warning_and_its_next_beat(
    visit: Visit,
) -> None:
    assert visit.alone is not None
    assert not visit.alone.connected
    [held] = visit.alone.emergencies
    assert (held.plays, held.issued_at_ms) == (1, visit.issued_ms)
    assert held.next_ms == visit.issued_ms + BEAT_MS


def test_it_is_said_again_on_its_beat_with_the_network_gone(visit: Visit) -> None:
    recording = visit.rig.recording()
    sound = recording.bus(0)
    beat_ms, over_ms = visit.again
    assert over_ms - beat_ms < 25_000

    def loud(from_ms: float, to_ms: float) -> bool:
        low, high = (round(recording.frame(one)) for one in (from_ms, to_ms))
        return level_dbfs(sound[low:high]) > LOUD_DBFS

    assert not loud(beat_ms - 600, beat_ms - 100)
    assert loud(beat_ms + 100, beat_ms + 1_000)


def test_the_replay_is_longer_because_it_says_the_hour_of_issue(visit: Visit) -> None:
    first, second = visit.plays
    assert (first.outcome, second.outcome) == ("played", "played")
    assert second.planned_duration_ms is not None
    assert first.planned_duration_ms is not None
    assert second.planned_duration_ms > first.planned_duration_ms + 1_000


def test_the_journal_that_remembered_it_is_a_file_on_the_card(visit: Visit) -> None:
    files = [one.name for one in Path(visit.rig.state_dir()).iterdir()]
    assert any("journal" in one for one in files), files
