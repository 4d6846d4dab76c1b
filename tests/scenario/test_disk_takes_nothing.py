"""A card that takes nothing: the village hears everything, and nobody is told that it is held."""

from __future__ import annotations

import pytest

from agent.contract.documents import SetVolume
from agent.contract.reasons import AlarmCode, OccurrenceReason
from agent.core import requests as asked
from simulator.world.signing import AUTHORITY
from tests.scenario.village import EVERYWHERE, HOME, STATION, Village, entry

BLIND_AFTER_S = 10


@pytest.fixture
def village() -> Village:
    """Holds revision 1 for good; from then on its card takes nothing for ten minutes."""
    village = Village()
    village.timetable(entry("tin", "06:00", seconds=10))
    village.publish("tin", 10)
    village.wait(30)
    village.box.disk.stalled_until_ms = village.clock.now_ms + 600_000
    village.office.command(AUTHORITY, HOME, SetVolume(zones=EVERYWHERE, volume=50))
    village.wait(BLIND_AFTER_S)
    return village


def told_revision(village: Village) -> int:
    """The timetable's revision, as the station's newest receipt has it."""
    reported = village.broker.collector.reported[STATION]
    [found] = [
        one.revision for one in reported.documents if (one.audience, one.kind) == (HOME, "schedule")
    ]
    return found


def test_a_new_timetable_plays_but_is_not_reported_as_applied(village: Village) -> None:
    before = told_revision(village)
    schedule = village.timetable(entry("tin", "04:35"))
    assert schedule.revision > before
    village.until("04:36")
    assert len(village.heard("tin", "dong")) == 1
    assert told_revision(village) == before


def test_it_is_reported_once_the_card_has_taken_it(village: Village) -> None:
    schedule = village.timetable(entry("tin", "04:35"))
    village.wait(700)
    assert told_revision(village) == schedule.revision


def test_after_a_power_cut_the_broker_sends_again_what_was_not_held(village: Village) -> None:
    """The older revision is held, so the broker is not asked for the retained one."""
    schedule = village.timetable(entry("tin", "04:45"))
    village.wait(20)
    village.box.disk.die(0)
    village.power_cut(10)
    village.wait(60)
    assert told_revision(village) == schedule.revision
    village.until("04:46")
    assert len(village.heard("tin", "dong")) == 1


def test_many_timetables_do_not_keep_a_warning_from_coming(village: Village) -> None:
    for minute in range(20):
        village.timetable(entry("tin", f"06:{minute:02}", seconds=10))
    village.warn()
    village.wait(10)
    assert len(village.heard("warning", "dong")) == 1


def test_a_command_is_answered_because_it_was_carried_out(village: Village) -> None:
    assert village.command(SetVolume(zones=EVERYWHERE, volume=30)).state == "done"


def storage_seen(village: Village) -> tuple[bool, asked.Check]:
    """Whether the status has the alarm, and what the doctor finds."""
    status = village.ask(asked.StatusRequest())
    checks = village.ask(asked.DoctorRequest()).checks
    [storage] = [one for one in checks if one.name == "storage"]
    return AlarmCode.STORAGE_FAILED in {one.code for one in status.alarms}, storage


def test_status_and_doctor_tell_that_nothing_is_stored_until_it_is(village: Village) -> None:
    alarm, check = storage_seen(village)
    assert alarm
    assert check.verdict == "fault"
    assert "the disk does not answer" in check.detail[1]
    assert all(check.next)
    village.wait(700)
    alarm, check = storage_seen(village)
    assert not alarm
    assert check.verdict == "ok"


def test_the_doctor_does_not_call_a_journal_well_that_takes_nothing(village: Village) -> None:
    def records() -> asked.Check:
        checks = village.ask(asked.DoctorRequest()).checks
        found: asked.Check = next(one for one in checks if one.name == "records")
        return found

    assert records().verdict == "fault"
    village.wait(700)
    assert records().verdict == "ok"


def test_a_file_that_could_not_be_stored_is_not_blamed_on_the_network() -> None:
    village = Village()
    village.publish("tin", 10, fault="no_storage")
    village.timetable(entry("tin", "04:35"))
    village.until("04:50")
    assert village.told("tin") == ("skipped", OccurrenceReason.CONTENT_NOT_STORED)
