"""What the commune's regulation lets a village hear on a Monday, and who decided what it hears."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from agent.contract.documents import (
    AirWindow,
    ApprovalRule,
    ApproveEntry,
    Entry,
    HoldEntry,
    KeepQuiet,
    LateRule,
    OrderEntry,
    Regulation,
    ReplayEntry,
    Settings,
    StopItem,
    VolumeCeiling,
)
from agent.contract.documents import TestTone as AskedTone
from agent.contract.reasons import AckReason, OccurrenceReason
from agent.contract.reports import AirStart, AsRun, Audit, Event
from agent.core import requests as asked
from agent.core.approvals import digest_of_entry
from simulator.world.signing import AUTHORITY, PROVINCE
from tests.scenario.village import ABOVE, DAY, STATION, Village, entry, only

RULE = "QĐ 12/2026"
MINUTE_MS = 60_000


@pytest.fixture
def village() -> Village:
    return Village()


def settings(approvals: tuple[ApprovalRule, ...] | None = None, **rules: Any) -> Settings:
    return Settings(regulation=Regulation(document_number=RULE, **rules), approvals=approvals)


def window(hours: str, **more: Any) -> AirWindow:
    return AirWindow(hours=hours, **more)


def bodies(village: Village, kind: type[msgspec.Struct]) -> list[Any]:
    """Records of one kind that reached the source system, in order."""
    held = village.broker.collector.events[STATION]
    events = [msgspec.json.decode(raw, type=Event) for _, raw in sorted(held.items())]
    return [one.body for one in events if isinstance(one.body, kind)]


def of_warnings(village: Village) -> list[AsRun]:
    outcomes = village.judge.case.files[STATION].outcomes
    return [one for (_, name, _, _), one in outcomes.items() if name.startswith("w-")]


def planned(village: Village, name: str) -> asked.Upcoming:
    view: asked.PlanView = village.ask(asked.PlanRequest(hours=48))
    return next(one for one in view.items if one.entry == name)


def span(village: Village, name: str, zone: str = "dong") -> list[tuple[str, str]]:
    return [(one.begin, one.end) for one in village.heard(name, zone)]


# --- hours ---------------------------------------------------------------------------------


def test_outside_the_hours_nothing_plays_and_the_rule_is_named_before_and_after(
    village: Village,
) -> None:
    rules = settings(windows=(window("05:00-06:00"), window("17:00-18:00")))
    village.timetable(entry("tin", "06:30", seconds=60), settings=rules)
    village.publish("tin", 60)
    before = planned(village, "tin")
    assert (before.problem, before.rule) == ("outside_hours", f"05:00-06:00, 17:00-18:00 ({RULE})")
    assert before.problem_zones == ("dong", "trung", "doai")
    village.until("06:33")
    assert village.heard("tin") == []
    said = village.outcome("tin")
    assert (said.outcome, said.reason) == ("skipped", OccurrenceReason.OUTSIDE_HOURS)
    assert said.rule == before.rule


def test_an_item_is_cut_at_the_end_of_the_window(village: Village) -> None:
    rules = settings(windows=(window("05:00-05:10"),))
    village.timetable(entry("tin", "05:05", seconds=600), settings=rules)
    village.publish("tin", 600)
    [kept] = planned(village, "tin").kept
    assert (kept.reason, kept.from_ms) == ("outside_hours", village.wall0_ms + village.at("05:10"))
    village.until("05:20")
    assert span(village, "tin") == [("05:05:00", "05:10:00")]
    said = village.outcome("tin")
    assert (said.outcome, said.reason) == ("partial", OccurrenceReason.OUTSIDE_HOURS)
    assert said.rule == f"05:00-05:10 ({RULE})"


def test_what_waits_for_its_turn_does_not_go_on_beyond_the_window(village: Village) -> None:
    rules = settings(windows=(window("05:00-05:20"),))
    village.timetable(
        entry("dai", "05:05", seconds=600, resume="continue"),
        entry("gap", "05:10", seconds=480, klass=2),
        settings=rules,
    )
    village.publish("dai", 600)
    village.publish("gap", 480)
    village.until("05:25")
    assert span(village, "dai") == [("05:05:00", "05:10:00"), ("05:18:00", "05:20:00")]
    said = village.outcome("dai")
    assert (said.outcome, said.reason) == ("partial", OccurrenceReason.OUTSIDE_HOURS)


def test_a_zone_may_have_its_own_hours(village: Village) -> None:
    rules = settings(
        windows=(
            window("05:00-06:00", zones=only("dong")),
            window("07:00-08:00", zones=only("trung")),
        )
    )
    village.timetable(entry("tin", "05:00", seconds=60), settings=rules)
    village.publish("tin", 60)
    village.until("05:03")
    [heard] = village.heard("tin")
    assert heard.zones == ("dong", "doai")
    assert village.told("tin", "doai") == ("played", None)
    said = village.outcome("tin", "trung")
    assert (said.outcome, said.reason, said.rule) == (
        "skipped",
        OccurrenceReason.OUTSIDE_HOURS,
        f"07:00-08:00 ({RULE})",
    )


def test_windows_hold_on_their_days(village: Village) -> None:
    rules = settings(windows=(window("05:00-06:00", days=(6, 7)),))
    village.timetable(entry("tin", "05:00", seconds=60), settings=rules)
    village.publish("tin", 60)
    village.until("05:03")
    said = village.outcome("tin")
    assert (said.reason, said.rule) == (
        OccurrenceReason.OUTSIDE_HOURS,
        f"05:00-06:00 T7 CN ({RULE})",
    )


def test_on_a_silent_date_nothing_plays(village: Village) -> None:
    village.timetable(entry("tin", "05:00", seconds=60), settings=settings(silent_dates=(DAY,)))
    village.publish("tin", 60)
    village.until("05:03")
    said = village.outcome("tin")
    assert (said.outcome, said.reason, said.rule) == (
        "skipped",
        OccurrenceReason.SILENT_DATE,
        f"{DAY} ({RULE})",
    )


def test_a_language_that_is_not_in_the_regulation_is_not_spoken(village: Village) -> None:
    village.timetable(
        entry("tay", "05:00", seconds=60, language="tay"),
        entry("kinh", "05:02", seconds=60, language="vi"),
        settings=settings(languages=("vi",)),
    )
    village.publish("tay", 60)
    village.publish("kinh", 60)
    village.until("05:05")
    said = village.outcome("tay")
    assert (said.outcome, said.reason, said.rule) == (
        "skipped",
        OccurrenceReason.LANGUAGE_NOT_ALLOWED,
        f"Việt ({RULE})",
    )
    assert village.told("kinh") == ("played", None)


def test_a_rule_counts_also_for_what_was_due_while_the_station_was_off(village: Village) -> None:
    rules = settings(windows=(window("05:00-06:00"),))
    village.timetable(
        entry("trong", "05:30", seconds=60), entry("ngoai", "06:10", seconds=60), settings=rules
    )
    village.until("05:20")
    village.power_cut(off_s=3_600)
    village.until("06:30")
    assert village.told("trong") == ("skipped", OccurrenceReason.STATION_OFF)
    assert village.told("ngoai") == ("skipped", OccurrenceReason.OUTSIDE_HOURS)


# --- sessions and minutes --------------------------------------------------------------------


def test_what_exceeds_the_minutes_of_a_session_is_kept_back_whole(village: Village) -> None:
    rules = settings(windows=(window("05:00-06:00", session_ms=15 * MINUTE_MS),))
    village.timetable(
        entry("mot", "05:00", seconds=600),
        entry("hai", "05:20", seconds=360),
        entry("ba", "05:30", seconds=300),
        settings=rules,
    )
    for name, seconds in (("mot", 600), ("hai", 360), ("ba", 300)):
        village.publish(name, seconds)
    assert [planned(village, name).problem for name in ("mot", "hai", "ba")] == [
        "",
        "minutes_used_up",
        "",
    ]
    village.until("05:22")
    assert planned(village, "ba").problem == ""
    village.until("05:40")
    assert village.told("mot") == ("played", None)
    said = village.outcome("hai")
    assert (said.outcome, said.reason, said.rule) == (
        "skipped",
        OccurrenceReason.MINUTES_USED_UP,
        f"05:00-06:00 ≤ 15 min ({RULE})",
    )
    assert village.told("ba") == ("played", None)


def test_the_minutes_stay_used_across_a_power_cut(village: Village) -> None:
    rules = settings(windows=(window("05:00-06:00", session_ms=15 * MINUTE_MS),))
    village.timetable(
        entry("mot", "05:00", seconds=600), entry("hai", "05:20", seconds=360), settings=rules
    )
    village.publish("mot", 600)
    village.publish("hai", 360)
    village.until("05:12")
    assert village.told("mot") == ("played", None)
    village.power_cut(off_s=60)
    village.until("05:30")
    assert village.told("hai") == ("skipped", OccurrenceReason.MINUTES_USED_UP)


def test_a_bulletin_inside_a_relay_takes_no_minutes_of_its_own(village: Village) -> None:
    rules = settings(windows=(window("05:00-06:00", session_ms=15 * MINUTE_MS),))
    village.timetable(
        entry("tiep-am", "05:00", seconds=900),
        entry("gap", "05:05", seconds=300, klass=2),
        settings=rules,
    )
    village.publish("tiep-am", 900)
    village.publish("gap", 300)
    village.until("05:20")
    assert village.told("gap") == ("played", None)
    assert span(village, "tiep-am") == [("05:00:00", "05:05:00"), ("05:10:00", "05:15:00")]


def test_after_the_sessions_of_the_day_nothing_more_plays(village: Village) -> None:
    hours = ("05:00-05:10", "05:10-05:20", "05:20-05:30")
    rules = settings(windows=tuple(window(one) for one in hours), sessions_per_day=2)
    names = ("mot", "hai", "ba", "bon")
    times = ("05:00", "05:12", "05:22", "05:15")
    village.timetable(
        *(entry(name, at, seconds=60) for name, at in zip(names, times, strict=True)),
        settings=rules,
    )
    for name in names:
        village.publish(name, 60)
    village.until("05:25")
    assert {name: village.told(name)[1] for name in names} == {
        "mot": None,
        "hai": None,
        "bon": None,
        "ba": OccurrenceReason.SESSIONS_USED_UP,
    }
    assert village.outcome("ba").rule == f"≤ 2: {', '.join(hours)} ({RULE})"


def test_what_a_person_kept_back_takes_no_minutes(village: Village) -> None:
    rules = settings(windows=(window("05:00-06:00", session_ms=10 * MINUTE_MS),))
    village.timetable(
        entry("mot", "05:00", seconds=600), entry("hai", "05:20", seconds=600), settings=rules
    )
    village.publish("mot", 600)
    village.publish("hai", 600)
    assert planned(village, "hai").problem == "minutes_used_up"
    village.ask(asked.SkipRequest(AUTHORITY, "mot", f"{DAY}T05:00:00"))
    assert planned(village, "hai").problem == ""
    village.until("05:35")
    assert village.told("mot") == ("skipped", OccurrenceReason.SKIPPED_LOCALLY)
    assert village.told("hai") == ("played", None)


# --- quiet ---------------------------------------------------------------------------------


def test_a_quiet_silences_its_zone_at_once_and_ends_by_itself(village: Village) -> None:
    village.timetable(entry("dai", "05:00", seconds=1_800))
    village.publish("dai", 1_800)
    village.until("05:10")
    until_ms = village.wall0_ms + village.at("05:20")
    done = village.ask(asked.QuietRequest(("dong",), until_ms, "tang lễ"))
    assert isinstance(done, asked.Done)
    view = village.ask(asked.PlanRequest())
    assert view.quiet == (asked.QuietView(("dong",), until_ms, "tang lễ", "cán bộ"),)
    village.until("05:35")
    assert span(village, "dai", "dong") == [("05:00:00", "05:30:00")]  # first and last heard
    segments = village.outcome("dai", "dong").segments
    assert [one.gap for one in segments] == [None, OccurrenceReason.QUIET, None]
    assert abs(segments[1].to_ms - until_ms) < 200
    said = village.outcome("dai", "dong")
    assert (said.outcome, said.reason, said.rule) == (
        "partial",
        OccurrenceReason.QUIET,
        "tang lễ → 05:20 02/03/2026",
    )
    assert village.told("dai", "trung") == ("played", None)
    assert village.ask(asked.StatusRequest()).quiet == ()


def test_when_a_quiet_ends_the_amplifiers_are_warm(village: Village) -> None:
    village.timetable(entry("tin", "05:00", late=LateRule(policy="restart", grace_ms=1_800_000)))
    village.publish("tin", 120)
    until_ms = village.wall0_ms + village.at("05:20")
    village.ask(asked.QuietRequest((), until_ms, "thi"))
    village.until("05:30")
    assert span(village, "tin") == [("05:20:00", "05:22:00")]


def test_a_quiet_survives_a_power_cut_and_can_be_ended_early(village: Village) -> None:
    village.timetable(entry("mot", "05:00", seconds=60), entry("hai", "05:30", seconds=60))
    village.publish("mot", 60)
    village.publish("hai", 60)
    until_ms = village.wall0_ms + village.at("08:00")
    said = village.command(KeepQuiet(zones=only("dong", "trung"), until_ms=until_ms, reason="thi"))
    assert said.state == "done"
    village.power_cut(off_s=60)
    village.until("05:05")
    assert village.told("mot", "dong") == ("skipped", OccurrenceReason.QUIET)
    assert village.told("mot", "doai") == ("played", None)
    village.command(KeepQuiet(zones=only("dong"), until_ms=0))
    village.until("05:35")
    assert village.told("hai", "dong") == ("played", None)
    assert village.told("hai", "trung") == ("skipped", OccurrenceReason.QUIET)


def test_a_quiet_that_asks_for_years_is_brought_back_to_a_month(village: Village) -> None:
    village.ask(asked.QuietRequest((), village.wall_ms() + 400 * 86_400_000, "quốc tang"))
    [quiet] = village.ask(asked.StatusRequest()).quiet
    assert quiet.zones == ("dong", "trung", "doai")
    assert abs(quiet.until_ms - village.wall_ms() - 31 * 86_400_000) < 5_000


def test_no_test_tone_sounds_where_it_is_kept_quiet(village: Village) -> None:
    village.ask(asked.QuietRequest(("dong",), village.wall_ms() + 600_000, "tang lễ"))
    refused = village.ask(asked.TestToneRequest(("dong",)))
    assert isinstance(refused, asked.Refused)
    assert refused.code == AckReason.AGAINST_THE_RULES
    assert "tang lễ" in refused.detail
    above = village.command(AskedTone(zones=only("dong", "trung")))
    assert (above.state, above.reason) == ("failed", AckReason.AGAINST_THE_RULES)
    assert isinstance(village.ask(asked.TestToneRequest(("trung",))), asked.Done)


# --- emergencies ---------------------------------------------------------------------------


def test_an_emergency_breaks_every_rule_and_each_is_recorded(village: Village) -> None:
    rules = settings(windows=(window("07:00-08:00"),), silent_dates=(DAY,), languages=("tay",))
    village.timetable(settings=rules)
    village.ask(asked.QuietRequest(("dong",), village.wall_ms() + 7_200_000, "tang lễ"))
    village.warn()
    village.wait(60)
    [heard] = village.heard("warning")
    assert heard.zones == ("dong", "trung", "doai")
    village.wait(10)
    records = of_warnings(village)
    broke = {one.zone: set(one.broke) for one in records}
    common = {
        OccurrenceReason.OUTSIDE_HOURS,
        OccurrenceReason.SILENT_DATE,
        OccurrenceReason.LANGUAGE_NOT_ALLOWED,
    }
    assert broke == {"dong": common | {OccurrenceReason.QUIET}, "trung": common, "doai": common}


def test_an_emergency_within_the_rules_breaks_none(village: Village) -> None:
    village.timetable(settings=settings(windows=(window("04:00-06:00"),), languages=("vi",)))
    village.warn()
    village.wait(60)
    records = of_warnings(village)
    assert len(records) == 3
    assert {one.broke for one in records} == {()}


def test_an_emergency_after_the_minutes_are_used_up_says_so(village: Village) -> None:
    rules = settings(windows=(window("05:00-06:00", session_ms=10 * MINUTE_MS),))
    village.timetable(entry("mot", "05:00", seconds=600), settings=rules)
    village.publish("mot", 600)
    village.until("05:15")
    village.warn()
    village.wait(60)
    records = of_warnings(village)
    assert {one.broke for one in records} == {(OccurrenceReason.MINUTES_USED_UP,)}


def test_a_normal_stop_is_refused_during_an_emergency(village: Village) -> None:
    village.warn(texts={"vi": "Khẩn cấp. " * 30})
    village.wait(6)
    assert village.command(StopItem(zones=only("dong"))).reason == AckReason.EMERGENCY_ON_AIR
    refused = village.ask(asked.StopRequest())
    assert isinstance(refused, asked.Refused)
    assert refused.code == AckReason.EMERGENCY_ON_AIR


def test_a_stop_at_the_station_ends_what_is_on_air_and_names_who(village: Village) -> None:
    village.timetable(entry("dai", "05:00", seconds=600))
    village.publish("dai", 600)
    village.until("05:02")
    assert isinstance(village.ask(asked.StopRequest(("dong",))), asked.Done)
    village.until("05:12")
    assert village.told("dai", "dong") == ("partial", OccurrenceReason.STOPPED)
    assert village.told("dai", "trung") == ("played", None)
    assert ("local_stop", "cán bộ", "dong", "done") in [
        (one.what, one.by, one.detail, one.result) for one in bodies(village, Audit)
    ]


# --- volume --------------------------------------------------------------------------------


def volumes(village: Village) -> dict[str, int]:
    return {one.name: one.volume for one in village.ask(asked.ZonesRequest()).zones}


def test_a_ceiling_holds_in_its_band_and_changes_at_its_edge(village: Village) -> None:
    rules = settings(
        ceilings=(
            VolumeCeiling(hours="21:00-05:10", volume=40),
            VolumeCeiling(hours="05:20-05:25", volume=20, zones=only("dong")),
        )
    )
    village.timetable(entry("dai", "05:00", seconds=1_800, volume=80), settings=rules)
    village.publish("dai", 1_800)
    village.until("05:05")
    assert volumes(village) == {"dong": 40, "trung": 40, "doai": 40}
    gain = {one.zone: one.gain_cdb for one in wishes(village)}
    village.until("05:10:01")
    assert volumes(village) == {"dong": 80, "trung": 80, "doai": 80}
    assert all(one.gain_cdb > gain[one.zone] for one in wishes(village))
    village.until("05:21")
    assert volumes(village) == {"dong": 20, "trung": 80, "doai": 80}
    assert village.ask(asked.VolumeRequest((), 100)).detail.startswith("100")
    assert volumes(village) == {"dong": 20, "trung": 100, "doai": 100}
    village.until("05:32")
    assert village.outcome("dai").volume == 40


def wishes(village: Village) -> list[Any]:
    """What the controllers were told last."""
    assert village.box.life is not None
    holds = village.box.life.station.air.gates._told  # noqa: SLF001 - nobody else has what was sent
    return [zone for hold in holds.values() for zone in hold.zones]


def test_an_emergency_is_louder_than_the_ceiling_and_its_record_says_so(village: Village) -> None:
    rules = settings(ceilings=(VolumeCeiling(hours="21:00-06:00", volume=40, zones=only("dong")),))
    village.timetable(settings=msgspec.structs.replace(rules, warning_volume=95))
    village.warn()
    village.wait(5)
    assert volumes(village) == {"dong": 95, "trung": 95, "doai": 95}
    village.wait(60)
    records = of_warnings(village)
    assert {one.zone: (one.volume, one.above_ceiling) for one in records} == {
        "dong": (95, 40),
        "trung": (95, None),
        "doai": (95, None),
    }


# --- approval ------------------------------------------------------------------------------


ASK: tuple[ApprovalRule, ...] = ()
FROM_ABOVE = PROVINCE


def pushed(village: Village, name: str, at: str, **more: Any) -> Entry:
    """An ordinary bulletin of the province arrives."""
    fields = {"author": "Trần Thị Lan", "document_number": "45/TB", **more}
    made = entry(name, at, seconds=60, **fields)
    village.timetable(made, audience=ABOVE)
    village.publish(name, 60, audience=ABOVE)
    return made


def approval(made: Entry, **changes: Any) -> ApproveEntry:
    fields = {"authority": FROM_ABOVE, "entry": made.id, "digest": digest_of_entry(made), **changes}
    return ApproveEntry(**fields)


def local_approval(made: Entry, by: str = "Nguyễn Văn Hòa", **changes: Any) -> asked.ApproveRequest:
    fields = {"authority": FROM_ABOVE, "entry": made.id, "digest": digest_of_entry(made)}
    return asked.ApproveRequest(**{**fields, "by": by, "means": "pin", **changes})


def test_an_ordinary_bulletin_from_above_waits_for_the_communes_approval(village: Village) -> None:
    village.timetable(settings=settings(ASK))
    made = pushed(village, "tin-tinh", "05:00")
    before = planned(village, "tin-tinh")
    assert (before.approval, before.problem) == ("awaiting", "awaiting_approval")
    assert before.digest == digest_of_entry(made)
    assert village.ask(asked.StatusRequest()).awaiting == 1
    village.until("05:05")
    assert village.heard("tin-tinh") == []
    assert village.outcomes_of("tin-tinh") == 0  # it may still be placed today
    village.clock.run(village.at("23:59") + 5 * 60_000)
    said = village.outcome("tin-tinh")
    assert (said.outcome, said.reason) == ("skipped", OccurrenceReason.AWAITING_APPROVAL)
    assert said.approval is None


def test_an_approved_bulletin_plays_and_its_records_say_who_approved_it(village: Village) -> None:
    village.timetable(settings=settings(ASK))
    made = pushed(village, "tin-tinh", "05:00", field="nông nghiệp")
    done = village.ask(local_approval(made, document_number="07/CV"))
    assert isinstance(done, asked.Done), done
    shown = planned(village, "tin-tinh")
    assert (shown.approval, shown.approval_means, shown.approved_by, shown.problem) == (
        "approved",
        "pin",
        "Nguyễn Văn Hòa",
        "",
    )
    village.until("05:03")
    said = village.outcome("tin-tinh")
    assert (said.outcome, said.approved_by, said.approval, said.document_number) == (
        "played",
        "Nguyễn Văn Hòa",
        "pin",
        "07/CV",
    )
    assert (said.author, said.field, said.language) == ("Trần Thị Lan", "nông nghiệp", "vi")
    [start] = bodies(village, AirStart)
    assert (start.occurrence, start.approved_by, start.author) == (
        said.occurrence,
        "Nguyễn Văn Hòa",
        "Trần Thị Lan",
    )
    assert start.zones == ("dong", "trung", "doai")


def test_an_approval_survives_a_power_cut(village: Village) -> None:
    village.timetable(settings=settings(ASK))
    made = pushed(village, "tin-tinh", "05:00")
    assert village.command(approval(made)).state == "done"
    village.power_cut(off_s=30)
    village.until("05:03")
    said = village.outcome("tin-tinh")
    assert (said.outcome, said.approval, said.approved_by) == ("played", "key", "kỹ sư")


def test_a_bulletin_that_is_placed_at_an_hour_that_is_over_is_told_as_not_played(
    village: Village,
) -> None:
    village.timetable(settings=settings(ASK))
    made = pushed(village, "tin-tinh", "06:00")
    village.until("05:30")
    village.command(approval(made, place="04:45"))
    village.until("06:05")
    assert village.heard("tin-tinh") == []
    assert village.told("tin-tinh")[0] == "skipped"


def test_the_commune_places_a_bulletin_at_another_hour(village: Village) -> None:
    village.timetable(settings=settings(ASK))
    made = pushed(village, "tin-tinh", "05:00")
    village.until("05:30")  # its start is over, and nobody had decided
    assert village.command(approval(made, place="17:15")).state == "done"
    shown = planned(village, "tin-tinh")
    assert shown.start_ms == village.wall0_ms + village.at("17:15")
    assert shown.nominal == f"{DAY}T05:00:00"
    village.until("17:20")
    assert span(village, "tin-tinh") == [("17:15:00", "17:16:00")]
    said = village.outcome("tin-tinh")
    assert said.occurrence.nominal == f"{DAY}T05:00:00"
    assert said.planned_start_ms == shown.start_ms


def test_the_commune_may_say_no(village: Village) -> None:
    village.timetable(settings=settings(ASK))
    made = pushed(village, "tin-tinh", "05:00")
    assert isinstance(village.ask(local_approval(made, approved=False)), asked.Done)
    assert planned(village, "tin-tinh").approval == "refused"
    village.until("05:05")
    said = village.outcome("tin-tinh")
    assert (said.outcome, said.reason, said.approved_by) == (
        "skipped",
        OccurrenceReason.NOT_APPROVED,
        "Nguyễn Văn Hòa",
    )


def test_an_entry_that_changed_needs_a_new_approval(village: Village) -> None:
    village.timetable(settings=settings(ASK))
    made = pushed(village, "tin-tinh", "05:00")
    village.command(approval(made))
    village.timetable(msgspec.structs.replace(made, title="Tin khác"), audience=ABOVE)
    assert planned(village, "tin-tinh").approval == "awaiting"
    again = village.command(approval(made))
    assert (again.state, again.reason) == ("failed", AckReason.CHANGED_SINCE)


def test_an_approval_of_one_occurrence_is_for_that_one(village: Village) -> None:
    village.timetable(settings=settings(ASK))
    when = msgspec.structs.replace(entry("x", "05:00").when, rrule="FREQ=DAILY")
    made = msgspec.structs.replace(pushed(village, "tin-tinh", "05:00"), when=when)
    village.timetable(made, audience=ABOVE)
    assert village.command(approval(made, nominal=f"{DAY}T05:00:00")).state == "done"
    view = village.ask(asked.PlanRequest(hours=48))
    states = [one.approval for one in view.items if one.entry == "tin-tinh"]
    assert states == ["approved", "awaiting"]
    nowhere = village.command(approval(made, nominal=f"{DAY}T05:30:00"))
    assert nowhere.reason == AckReason.UNKNOWN_ENTRY


def test_old_words_about_what_is_over_or_gone_are_forgotten(village: Village) -> None:
    village.timetable(settings=settings(ASK))
    made = pushed(village, "tin-tinh", "05:00")
    village.command(approval(made))
    village.command(approval(made, nominal=f"{DAY}T05:00:00"))
    assert village.box.life is not None
    station = village.box.life.station
    now_ms = village.wall_ms()
    station.approvals.tidy(now_ms - 60_000)
    assert len(station.facts.approvals) == 2
    station.approvals.tidy(now_ms + 60_000)
    assert list(station.facts.approvals) == [f"{FROM_ABOVE}|tin-tinh|"]
    village.timetable(audience=ABOVE)
    station.approvals.tidy(now_ms + 60_000)
    assert station.facts.approvals == {}


def test_who_made_an_item_may_not_approve_it_where_that_is_the_rule(village: Village) -> None:
    village.timetable(settings=msgspec.structs.replace(settings(ASK), approver_differs=True))
    made = pushed(village, "tin-tinh", "05:00", author="Trần Thị Lan")
    refused = village.ask(local_approval(made, by="tran thi  lan"))
    assert isinstance(refused, asked.Refused)
    assert refused.code == AckReason.CREATOR_IS_APPROVER
    assert isinstance(village.ask(local_approval(made, by="Lò Văn Tại")), asked.Done)


def test_a_standing_approval_needs_nobody_and_names_its_document(village: Village) -> None:
    standing = ApprovalRule(authority=FROM_ABOVE, mode="standing", document_number="03/QĐ-UBND")
    village.timetable(settings=settings((standing,)))
    pushed(village, "tin-tinh", "05:00")
    village.until("05:03")
    said = village.outcome("tin-tinh")
    assert (said.outcome, said.approval, said.document_number) == (
        "played",
        "standing",
        "03/QĐ-UBND",
    )


def test_the_communes_own_bulletins_and_priority_ones_ask_nobody(village: Village) -> None:
    village.timetable(entry("cua-xa", "05:00", seconds=60), settings=settings(ASK))
    village.publish("cua-xa", 60)
    pushed(village, "uu-tien", "05:02", klass=2)
    village.until("05:05")
    assert (village.outcome("cua-xa").outcome, village.outcome("cua-xa").approval) == (
        "played",
        "home",
    )
    assert (village.outcome("uu-tien").outcome, village.outcome("uu-tien").approval) == (
        "played",
        None,
    )


def test_where_nobody_is_asked_a_named_approver_is_only_declared(village: Village) -> None:
    village.timetable(settings=settings(None))
    pushed(village, "tin-tinh", "05:00", approver="Lê Văn Tám")
    village.until("05:03")
    said = village.outcome("tin-tinh")
    assert (said.outcome, said.approval, said.approved_by, said.document_number) == (
        "played",
        "declared",
        "Lê Văn Tám",
        "45/TB",
    )


def test_what_awaits_approval_is_not_played_by_asking_for_it_again(village: Village) -> None:
    village.timetable(settings=settings(ASK))
    pushed(village, "tin-tinh", "05:00")
    village.judge.case.replayed.add("tin-tinh")
    identity = village.office.command(FROM_ABOVE, ABOVE, ReplayEntry(entry="tin-tinh"))
    village.wait(2)
    said = village.broker.collector.acks[STATION][identity]
    assert (said.state, said.reason) == ("failed", AckReason.NOT_ALLOWED)
    assert village.heard("tin-tinh") == []


def test_nobody_above_approves_for_the_commune(village: Village) -> None:
    village.timetable(settings=settings(ASK))
    made = pushed(village, "tin-tinh", "05:00")
    identity = village.office.command(FROM_ABOVE, ABOVE, approval(made))
    village.wait(2)
    assert village.broker.collector.acks[STATION][identity].reason == AckReason.NOT_ALLOWED
    assert planned(village, "tin-tinh").approval == "awaiting"


# --- order, hold, announce -------------------------------------------------------------------


def test_colliding_priority_items_play_in_the_order_the_commune_chose(village: Village) -> None:
    village.timetable(entry("cua-xa", "05:00", seconds=60, klass=2, resume="drop"))
    village.publish("cua-xa", 60)
    pushed(village, "cua-tinh", "05:00", klass=2, resume="drop")
    assert planned(village, "cua-xa").problem == "preempted"
    assert (
        village.command(OrderEntry(authority=AUTHORITY, entry="cua-xa", order=-1)).state == "done"
    )
    assert planned(village, "cua-xa").problem == ""
    assert planned(village, "cua-tinh").problem == "preempted"
    village.until("05:05")
    assert village.told("cua-xa") == ("played", None)
    assert village.told("cua-tinh")[1] == OccurrenceReason.PREEMPTED


def test_an_order_does_not_bring_an_ordinary_item_before_a_priority_one(village: Village) -> None:
    village.timetable(
        entry("thuong", "05:00", seconds=60), entry("uu-tien", "05:00", seconds=60, klass=2)
    )
    village.publish("thuong", 60)
    village.publish("uu-tien", 60)
    village.command(OrderEntry(authority=AUTHORITY, entry="thuong", order=-1000))
    village.until("05:05")
    assert village.told("uu-tien") == ("played", None)


def test_a_hold_from_above_keeps_an_entry_back_until_it_is_released(village: Village) -> None:
    village.timetable(entry("mot", "05:00", seconds=60), entry("hai", "05:10", seconds=60))
    village.publish("mot", 60)
    village.publish("hai", 60)
    village.command(HoldEntry(authority=AUTHORITY, entry="mot"))
    village.command(HoldEntry(authority=AUTHORITY, entry="hai"))
    village.command(HoldEntry(authority=AUTHORITY, entry="hai", held=False))
    village.until("05:15")
    assert village.told("mot") == ("skipped", OccurrenceReason.HELD)
    assert village.told("hai") == ("played", None)


def test_words_typed_at_the_station_are_said_and_recorded(village: Village) -> None:
    body = asked.AnnounceRequest(
        ("dong", "trung"), "Mời bà con họp lúc 7 giờ tối.", title="Mời họp"
    )
    assert isinstance(village.ask(body), asked.Done)
    village.wait(60)
    [start] = [one for one in bodies(village, AirStart) if one.title == "Mời họp"]
    assert start.zones == ("dong", "trung")
    assert (start.klass, start.approval, start.author, start.language) == (
        2,
        "home",
        "cán bộ",
        "vi",
    )
    assert village.told(start.occurrence.entry, "dong") == ("played", None)


def test_an_announcement_obeys_the_rules(village: Village) -> None:
    village.timetable(settings=settings(windows=(window("05:00-06:00"),)))
    refused = village.ask(asked.AnnounceRequest((), "Mời bà con họp."))
    assert isinstance(refused, asked.Refused)
    assert (refused.code, refused.detail) == (
        AckReason.AGAINST_THE_RULES,
        f"05:00-06:00 ({RULE})",
    )


def test_without_trusted_time_no_rule_is_named_and_nobody_is_sent_away_for_the_hour(
    village: Village,
) -> None:
    village.timetable(settings=settings(windows=(window("05:00-06:00"),)))
    village.set_clock(3_600, trusted=False)
    village.warn()
    village.wait(60)
    assert {one.broke for one in of_warnings(village)} == {()}
    assert isinstance(village.ask(asked.AnnounceRequest((), "Mời bà con họp.")), asked.Done)
    village.ask(asked.QuietRequest((), village.box.wall_ms() + 600_000, "tang lễ"))
    refused = village.ask(asked.AnnounceRequest((), "Mời bà con họp."))
    assert isinstance(refused, asked.Refused)


def test_an_item_starts_to_sound_once_in_the_records_whatever_interrupts_it(
    village: Village,
) -> None:
    village.timetable(entry("dai", "05:00", seconds=600))
    village.publish("dai", 600)
    village.until("05:02")
    village.kill(down_s=5)
    village.until("05:05")
    village.warn()
    village.until("05:12")
    starts = bodies(village, AirStart)
    assert [one.occurrence.entry for one in starts if one.klass == 3] == ["dai"]
    assert [one.klass for one in starts if one.klass == 1] == [1]
    assert isinstance(village.ask(asked.TestToneRequest()), asked.Done)
    village.wait(30)
    assert len(bodies(village, AirStart)) == len(starts)
