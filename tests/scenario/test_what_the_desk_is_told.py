"""What an officer or a technician at the station is told beforehand, and that it then happens."""

from __future__ import annotations

from typing import Any

import pytest

from agent.cli.screens.plan import render_plan
from agent.contract.documents import (
    AirWindow,
    ApprovalRule,
    Entry,
    LateRule,
    Regulation,
    Settings,
    VolumeCeiling,
)
from agent.contract.reasons import OccurrenceReason
from agent.contract.reports import AirStart
from agent.core import requests as asked
from agent.core.announcements import WAIT_MS
from agent.core.approvals import digest_of_entry
from simulator.world.signing import AUTHORITY, PROVINCE
from tests.scenario.test_rules_of_the_air import bodies, planned, span
from tests.scenario.village import ABOVE, DAY, Village, entry, only

HOA = "Nguyễn Văn Hòa"
ASK = (ApprovalRule(authority=PROVINCE),)
STANDING = (ApprovalRule(authority=PROVINCE, mode="standing", document_number="03/QĐ-UBND"),)
AGAIN = LateRule(policy="restart", grace_ms=300_000)


@pytest.fixture
def village() -> Village:
    return Village()


def screen(village: Village) -> str:
    return "\n".join(render_plan(village.ask(asked.PlanRequest(hours=2)), "vi", 100))


def quiet(village: Village, *zones: str, until: str, why: str = "tang lễ") -> None:
    until_ms = village.wall0_ms + village.at(until)
    assert isinstance(village.ask(asked.QuietRequest(zones, until_ms, why)), asked.Done)


def outcome_of(village: Village, title: str, zone: str) -> Any:
    """Of what is in no timetable: its name is made by the station."""
    outcomes = village.judge.case.files["tan-lien"].outcomes.values()
    [found] = [one for one in outcomes if (one.title, one.zone) == (title, zone)]
    return found


# --- what collides ---------------------------------------------------------------------------


def test_what_waits_for_its_equal_is_told_with_its_second_and_how_to_put_it_first(
    village: Village,
) -> None:
    pair = [entry(name, "05:00:30", seconds=10, late=AGAIN, klass=2) for name in ("mot", "hai")]
    village.timetable(*pair)
    for one in ("mot", "hai"):
        village.publish(one, 10)
    village.ask(asked.OrderRequest(AUTHORITY, "hai", -1))
    shown = screen(village)
    assert "phát 0:10 từ 05:00:40: dong, trung, doai" in shown
    assert f"stationctl order {AUTHORITY}/mot -2" in shown
    assert "✗" not in shown
    village.until("05:02")
    assert span(village, "hai") == [("05:00:30", "05:00:40")]
    assert span(village, "mot") == [("05:00:40", "05:00:50")]


def test_what_a_bulletin_interrupts_is_told_in_its_parts_and_still_shown_while_it_waits(
    village: Village,
) -> None:
    village.timetable(
        entry("dai", "05:20", seconds=600), entry("gap", "05:22", seconds=60, klass=2)
    )
    village.publish("dai", 600)
    village.publish("gap", 60)
    assert "phát 2:00 từ 05:20:00, 7:00 từ 05:23:00" in screen(village)
    village.until("05:22:30")  # it waits: neither on air nor yet to begin
    assert "phát 7:00 từ 05:23:00" in screen(village)
    village.until("05:31")
    assert span(village, "dai") == [("05:20:00", "05:22:00"), ("05:23:00", "05:30:00")]


def test_what_never_sounds_is_crossed_out_and_was_not_heard(village: Village) -> None:
    village.timetable(
        entry("dai", "05:00", seconds=60, klass=2),
        entry("lo", "05:00:10", seconds=20, late=LateRule(policy="skip")),
    )
    village.publish("dai", 60)
    village.publish("lo", 20)
    assert planned(village, "lo").sounds == ()
    assert "✗ nhường bản tin ưu tiên hơn" in screen(village)
    village.until("05:03")
    assert village.heard("lo") == []


# --- who decided -----------------------------------------------------------------------------


def pushed(village: Village, name: str, at: str) -> Entry:
    made = entry(name, at, seconds=60)
    village.timetable(made, audience=ABOVE)
    village.publish(name, 60, audience=ABOVE)
    return made


def word(village: Village, made: Entry, *, approved: bool, place: str | None = None) -> Any:
    return village.ask(
        asked.ApproveRequest(
            PROVINCE,
            made.id,
            digest_of_entry(made),
            HOA,
            "pin",
            approved,
            nominal=f"{DAY}T{made.when.start[11:]}",
            place=place,
        )
    )


def test_a_refusal_by_name_outlives_a_standing_approval_that_comes_later(village: Village) -> None:
    village.timetable(settings=Settings(approvals=ASK))
    made = pushed(village, "tin-tinh", "05:00")
    assert isinstance(word(village, made, approved=False), asked.Done)
    village.timetable(settings=Settings(approvals=STANDING))
    assert planned(village, "tin-tinh").approval == "refused"
    village.until("05:03")
    assert village.heard("tin-tinh") == []
    said = village.outcome("tin-tinh")
    assert (said.outcome, said.reason) == ("skipped", OccurrenceReason.NOT_APPROVED)
    assert (said.approval, said.approved_by) == ("pin", HOA)


def test_the_hour_a_person_chose_outlives_a_standing_approval(village: Village) -> None:
    village.timetable(settings=Settings(approvals=ASK))
    made = pushed(village, "tin-tinh", "05:00")
    assert isinstance(word(village, made, approved=True, place="05:30"), asked.Done)
    village.timetable(settings=Settings(approvals=STANDING))
    village.until("05:33")
    assert span(village, "tin-tinh") == [("05:30:00", "05:31:00")]
    assert village.outcome("tin-tinh").approved_by == HOA


def test_under_a_standing_approval_a_person_may_say_no_and_yes_again(village: Village) -> None:
    village.timetable(settings=Settings(approvals=STANDING))
    made = pushed(village, "tin-tinh", "05:00")
    assert isinstance(word(village, made, approved=False), asked.Done)
    assert planned(village, "tin-tinh").problem == "not_approved"
    assert isinstance(word(village, made, approved=True), asked.Done)
    assert planned(village, "tin-tinh").approved_by == HOA


# --- where a rule kept a zone off --------------------------------------------------------------


def test_stopping_an_item_leaves_the_rule_that_kept_a_zone_off_in_its_record(
    village: Village,
) -> None:
    quiet(village, "dong", until="06:00")
    village.timetable(entry("dai", "05:00", seconds=600))
    village.publish("dai", 600)
    village.until("05:01")
    village.ask(asked.StopRequest())
    village.until("05:12")
    said = village.outcome("dai", "dong")
    assert (said.outcome, said.reason) == ("skipped", OccurrenceReason.QUIET)
    assert said.rule.startswith("tang lễ")
    assert village.told("dai", "trung") == ("partial", OccurrenceReason.STOPPED)


def test_an_announcement_that_dies_with_the_agent_is_told_as_that_and_quiet_stays_quiet(
    village: Village,
) -> None:
    quiet(village, "dong", until="06:00")
    words = "Mời bà con ra nhà văn hóa họp. " * 24
    answer = village.ask(asked.AnnounceRequest((), words, title="họp"))
    assert isinstance(answer, asked.Done)
    village.wait(20)
    village.kill(down_s=2)
    village.wait(30)
    said = outcome_of(village, "họp", "dong")
    assert (said.outcome, said.reason) == ("skipped", OccurrenceReason.QUIET)
    assert said.rule.startswith("tang lễ")
    said = outcome_of(village, "họp", "trung")
    assert (said.outcome, said.reason) == ("partial", OccurrenceReason.STATION_RESTARTED)
    [start] = bodies(village, AirStart)
    assert start.zones == ("trung", "doai")


# --- announcements -----------------------------------------------------------------------------


def test_an_announcement_that_has_to_wait_is_in_the_plan_and_gives_up_before_the_next_bulletin(
    village: Village,
) -> None:
    village.timetable(entry("tin", "05:00", seconds=30))
    village.publish("tin", 30)
    village.until("04:59:20")
    village.ask(asked.AnnounceRequest((), "Mời bà con đi họp.", title="họp"))
    quiet(village, until="05:00")
    village.wait(3)
    [waiting] = [one for one in village.ask(asked.PlanRequest()).items if one.title == "họp"]
    assert (waiting.problem, waiting.sounds) == ("quiet", ())
    assert waiting.entry.startswith("announce-")
    village.until("05:01:30")
    assert span(village, "tin") == [("05:00:00", "05:00:30")]
    assert village.told("tin") == ("played", None)
    said = outcome_of(village, "họp", "dong")
    assert (said.outcome, said.reason, said.played_ms) == ("skipped", OccurrenceReason.QUIET, 0)


def test_an_announcement_is_not_said_later_than_a_minute_after_it_was_asked_for(
    village: Village,
) -> None:
    village.ask(asked.AnnounceRequest((), "Mời bà con đi họp.", title="họp"))
    quiet(village, until="04:35")
    village.wait(WAIT_MS / 1_000 + 10)
    assert outcome_of(village, "họp", "dong").outcome == "skipped"
    village.until("04:40")
    assert [one for one in village.box.played if any("speech" in s for s in one.sources)] == []


def test_one_that_was_broken_into_does_not_go_on_much_later_either(village: Village) -> None:
    words = "Mời bà con ra nhà văn hóa họp. " * 8
    village.ask(asked.AnnounceRequest((), words, title="họp"))
    village.wait(12)
    quiet(village, until="04:35")
    village.until("04:40")
    said = outcome_of(village, "họp", "dong")
    assert (said.outcome, said.reason) == ("partial", OccurrenceReason.QUIET)
    assert said.segments[-1].to_ms < village.wall0_ms + village.at("04:32")


@pytest.mark.parametrize("verb", ["skip", "stop"])
def test_an_announcement_that_waits_can_be_taken_back(village: Village, verb: str) -> None:
    village.ask(asked.AnnounceRequest((), "Mời bà con đi họp.", title="họp"))
    quiet(village, until="04:31")
    [waiting] = [one for one in village.ask(asked.PlanRequest()).items if one.title == "họp"]
    body: Any = asked.StopRequest()
    if verb == "skip":
        body = asked.SkipRequest(waiting.authority, waiting.entry, waiting.nominal)
    assert isinstance(village.ask(body), asked.Done)
    village.until("04:33")
    assert [one for one in village.box.played if any("speech" in s for s in one.sources)] == []
    assert outcome_of(village, "họp", "dong").outcome == "skipped"


def test_an_announcement_names_the_zones_in_which_it_is_not_said(village: Village) -> None:
    quiet(village, "doai", until="06:00")
    answer = village.ask(asked.AnnounceRequest((), "Mời bà con đi họp.", title="họp"))
    [kept] = answer.kept
    assert (kept.zones, kept.reason) == (("doai",), "quiet")
    assert kept.rule.startswith("tang lễ")
    village.wait(40)
    assert outcome_of(village, "họp", "dong").outcome == "played"
    assert outcome_of(village, "họp", "doai").outcome == "skipped"


# --- stop, mains, volume -----------------------------------------------------------------------


def test_a_stop_tells_what_begins_in_its_place(village: Village) -> None:
    village.timetable(
        entry("dai", "05:00", seconds=600, klass=2), entry("ben-canh", "05:00", seconds=900)
    )
    village.publish("dai", 600)
    village.publish("ben-canh", 900)
    village.until("05:02")
    [follows] = village.ask(asked.StopRequest()).follows
    assert (follows.entry, follows.zones) == ("ben-canh", ("dong", "trung", "doai"))
    village.until("05:03")
    assert span(village, "ben-canh") == [("05:02:00", "05:03:00")]
    assert village.ask(asked.StopRequest()).follows == ()
    village.until("05:20")
    assert span(village, "dai") == [("05:00:00", "05:02:00")]


def test_a_warning_that_waits_for_mains_stays_in_the_plan_and_its_zones_are_not_fine(
    village: Village,
) -> None:
    village.mains(on=False)
    village.wait(5)
    warning = village.warn(minutes=60)
    village.wait(60)
    [shown] = village.ask(asked.PlanRequest()).items
    assert (shown.title, shown.problem, shown.klass) == (warning.title, "no_mains", 1)
    assert "có điện, có ampli là đài tự phát" in screen(village)
    assert [one.mains for one in village.ask(asked.ZonesRequest()).zones] == [False] * 3
    village.mains(on=True)
    village.wait(60)
    assert village.heard("warning") != []
    assert village.ask(asked.PlanRequest()).items == ()


def test_a_volume_above_the_ceiling_is_answered_with_the_ceiling(village: Village) -> None:
    ceiling = VolumeCeiling(hours="04:00-08:00", volume=30, zones=only("dong"))
    village.timetable(settings=Settings(regulation=Regulation(ceilings=(ceiling,))))
    answer = village.ask(asked.VolumeRequest((), 90))
    assert answer.ceilings == (("dong", 30),)
    [dong, trung, _] = village.ask(asked.ZonesRequest()).zones
    assert (dong.volume, dong.wanted, dong.ceiling) == (30, 90, 30)
    assert (trung.volume, trung.wanted, trung.ceiling) == (90, 90, None)


# --- hours -------------------------------------------------------------------------------------


def test_windows_that_adjoin_are_one_for_an_item(village: Village) -> None:
    windows = (AirWindow(hours="05:00-05:10"), AirWindow(hours="05:10-05:20"))
    village.timetable(
        entry("tin", "05:08", seconds=240),
        settings=Settings(regulation=Regulation(windows=windows)),
    )
    village.publish("tin", 240)
    assert planned(village, "tin").problem == ""
    village.until("05:25")
    assert span(village, "tin") == [("05:08:00", "05:12:00")]
    assert village.told("tin") == ("played", None)
