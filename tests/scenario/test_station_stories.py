"""What a village hears on a Monday morning, and what the source system is told about it."""

from __future__ import annotations

import pytest

from agent.contract.documents import (
    EndRule,
    FileSource,
    LateRule,
    ReplayEntry,
    Resend,
    SetVolume,
    SkipOccurrence,
    StopItem,
    StreamSource,
    TextSource,
)
from agent.contract.documents import TestTone as AskedTone
from agent.contract.reasons import AckReason, OccurrenceReason
from agent.contract.reports import AsRun
from agent.core import requests as asked
from tests.scenario.village import ABOVE, DAY, EVERYWHERE, STATION, Village, entry, only


@pytest.fixture
def village() -> Village:
    return Village()


def positions(village: Village, name: str, zone: str = "dong") -> list[tuple[str, float]]:
    return [(one.begin, round(one.position_s)) for one in village.heard(name, zone)]


# --- an ordinary morning -------------------------------------------------------------------


def test_a_bulletin_plays_at_the_minute_and_is_reported_once_a_zone(village: Village) -> None:
    village.timetable(entry("tin", "05:00"))
    village.publish("tin", 120)
    village.until("05:03")
    assert [(one.begin, one.end) for one in village.heard("tin", "trung")] == [
        ("05:00:00", "05:02:00")
    ]
    said = village.outcome("tin", "trung")
    assert (said.outcome, said.reason, said.confirmed) == ("played", None, "yes")
    assert said.start_error_ms == 0
    assert village.outcomes_of("tin") == 3


def test_content_that_arrives_in_the_middle_joins(village: Village) -> None:
    village.timetable(entry("tin", "05:00", seconds=300))
    village.until("05:01")
    village.publish("tin", 300)
    village.until("05:06")
    [heard] = positions(village, "tin")
    assert "05:01:00" < heard[0] < "05:01:10"
    assert 60 <= heard[1] <= 70
    outcome, reason = village.told("tin")
    assert outcome == "partial"
    assert reason in (
        OccurrenceReason.CONTENT_NOT_PUBLISHED,
        OccurrenceReason.CONTENT_NOT_FETCHED,
    )


def test_content_nobody_publishes_is_skipped_with_the_reason(village: Village) -> None:
    village.timetable(entry("tin", "05:00", seconds=60))
    village.until("05:05")
    assert village.told("tin") == ("skipped", OccurrenceReason.CONTENT_NOT_PUBLISHED)


def test_a_file_whose_hash_is_wrong_never_sounds(village: Village) -> None:
    village.timetable(entry("tin", "05:00", seconds=60))
    village.publish("tin", 60, fault="wrong_hash")
    village.until("05:05")
    assert village.told("tin") == ("skipped", OccurrenceReason.CONTENT_WRONG_HASH)
    assert village.heard("tin") == []


def test_a_live_stream_that_is_not_there_gives_way_to_the_next_source(village: Village) -> None:
    text = TextSource(text="Hôm nay không có tiếp âm.")
    stream = StreamSource(url="https://live.example/voh")
    village.timetable(entry("tiep-am", "05:00", seconds=60, sources=(stream, text)))
    village.until("05:02")
    [heard] = village.heard("tiep-am", "dong")
    assert heard.begin == "05:00:00"
    said = village.outcome("tiep-am")
    assert said.outcome == "played", "what stands in for a relay is said until the slot is over"
    assert said.source == "text"


# --- warnings ------------------------------------------------------------------------------


def test_a_warning_preempts_everywhere_is_cancelled_and_the_programme_rejoins_its_timeline(
    village: Village,
) -> None:
    village.timetable(entry("tin", "05:00", zones=only("dong", "trung")))
    village.publish("tin", 300)
    village.until("05:01")
    warning = village.warn(repeat_every_ms=600_000, texts={"vi": "Xả lũ. " * 60})
    village.wait(10)
    assert village.heard("warning")[-1].zones == ("dong", "trung", "doai")
    village.cancel(warning)
    village.until("05:06")
    before, after = village.heard("tin", "dong")
    assert (before.begin, before.position_s) == ("05:00:00", 0)
    assert after.end == "05:05:00"
    assert 70 <= after.position_s <= 80
    assert village.told("tin") == ("partial", OccurrenceReason.EMERGENCY)


def test_a_warning_that_could_not_be_spoken_has_its_words_when_speech_works_again(
    village: Village,
) -> None:
    village.box.knobs.speech_works = False
    village.warn(repeat_every_ms=60_000, texts={"vi": "Xả lũ."})
    village.wait(20)
    village.box.knobs.speech_works = True
    village.wait(120)
    spoken = [any("speech:" in one for one in played.sources) for played in village.box.played]
    assert spoken == [False, True, True, True]  # as soon as it can be, then on its beats


def test_a_station_back_after_half_an_hour_plays_the_missed_warning_and_says_when_it_was_issued(
    village: Village,
) -> None:
    village.box.power_cut()
    warning = village.warn(minutes=120)
    village.wait(1_800)
    village.box.power_on()
    village.wait(60)
    late = village.office.owners
    [heard] = village.heard("warning", "dong")
    assert heard.begin > "05:00:00"
    [played] = [one for one in village.box.played if one.sources[0] == "tone:600"]
    plain = 1_000 + 70 * len(warning.texts["vi"])
    assert played.parts[1][2] > plain + 500
    assert played.sources[1] in late


def test_a_power_cut_in_the_middle_of_a_warning_makes_it_sound_again(village: Village) -> None:
    village.warn()
    village.wait(6)
    assert len(village.heard("warning", "dong")) == 1
    village.power_cut(20)
    village.wait(60)
    first, second = village.heard("warning", "dong")
    assert first.end < second.begin
    village.wait(600)
    assert len(village.heard("warning", "dong")) == 2


def test_a_warning_that_repeats_stays_on_its_beat_until_it_expires(village: Village) -> None:
    village.until("04:40")
    village.warn(minutes=16, repeat_every_ms=300_000)
    village.until("05:10")
    assert len(village.heard("warning", "dong")) == 4


def test_a_warning_that_was_cancelled_before_the_station_came_back_is_never_heard(
    village: Village,
) -> None:
    village.box.power_cut()
    warning = village.warn()
    village.wait(60)
    village.cancel(warning)
    village.wait(60)
    village.box.power_on()
    village.wait(120)
    assert village.heard("warning") == []


# --- crashes -------------------------------------------------------------------------------


def test_a_kill_in_the_chime_does_not_play_the_chime_twice(village: Village) -> None:
    village.timetable(entry("tin", "05:00", chime=True))
    village.publish("tin", 120)
    village.until("05:00:01")
    village.kill(2)
    village.until("05:03")
    before, after = [one.parts for one in village.box.played]
    assert before[0][0] == "tone:784"
    assert all(source != "tone:784" for source, _, _ in after)
    assert village.told("tin") == ("partial", OccurrenceReason.STATION_RESTARTED)
    assert village.outcomes_of("tin") == 3


def test_what_was_missed_while_the_power_was_off_is_reported_as_station_off(
    village: Village,
) -> None:
    village.timetable(entry("tin", "05:00"), entry("nhac", "05:30"))
    village.publish("tin", 60)
    village.publish("nhac", 60)
    village.until("04:50")
    village.power_cut(1_500)
    village.until("05:35")
    assert village.told("tin") == ("skipped", OccurrenceReason.STATION_OFF)
    assert village.told("nhac") == ("played", None)


def test_the_player_dies_and_the_item_comes_back_at_its_position_with_one_record_and_a_gap(
    village: Village,
) -> None:
    village.timetable(entry("tin", "05:00"))
    village.publish("tin", 120)
    village.until("05:00:30")
    village.child_dies(4)
    village.until("05:03")
    _, after = village.heard("tin", "dong")
    assert 34 <= after.position_s <= 36
    assert after.end == "05:02:00"
    said = village.outcome("tin")
    assert said.outcome == "partial"
    assert [one.gap for one in said.segments] == [None, OccurrenceReason.SOUND_LOST, None]
    assert village.outcomes_of("tin") == 3


def test_an_item_that_continues_goes_on_where_the_warning_cut_it(village: Village) -> None:
    village.timetable(entry("ke-chuyen", "05:00", resume="continue"))
    village.publish("ke-chuyen", 120)
    village.until("05:01")
    village.warn()
    village.until("05:04")
    before, after = village.heard("ke-chuyen", "dong")
    reached_s = 60 + (village.at(before.end) - village.at("05:01:00")) / 1_000
    assert after.position_s == pytest.approx(reached_s, abs=1.1)
    assert village.told("ke-chuyen") == ("played", None)


# --- edits ---------------------------------------------------------------------------------


def test_an_edited_entry_on_air_ends_as_superseded(village: Village) -> None:
    village.timetable(entry("tin", "05:00"))
    village.publish("tin", 120)
    village.publish("tin-moi", 120)
    village.until("05:00:30")
    village.timetable(entry("tin", "05:00", sources=(FileSource(slot="tin-moi"),)))
    village.until("05:05")
    [heard] = village.heard("tin", "dong")
    assert "05:00:30" <= heard.end <= "05:00:32"
    assert village.told("tin") == ("partial", OccurrenceReason.SUPERSEDED)
    assert village.heard("tin-moi") == []


def test_a_new_title_does_not_disturb_what_is_on_air(village: Village) -> None:
    village.timetable(entry("tin", "05:00"))
    village.publish("tin", 120)
    village.until("05:00:30")
    village.timetable(entry("tin", "05:00", title="Bản tin sáng"))
    village.until("05:05")
    assert len(village.heard("tin", "dong")) == 1
    assert village.told("tin") == ("played", None)


def test_a_moved_start_does_not_air_twice(village: Village) -> None:
    village.timetable(entry("tin", "05:00"))
    village.publish("tin", 60)
    village.until("05:10")
    village.timetable(entry("tin", "05:30"))
    village.until("05:40")
    assert len(village.heard("tin", "dong")) == 1
    told = {
        key[2]: said.outcome
        for key, said in village.judge.case.files[STATION].outcomes.items()
        if key[1] == "tin" and key[3] == "dong"
    }
    assert told == {f"{DAY}T05:00:00": "played", f"{DAY}T05:30:00": "skipped"}


def test_an_older_revision_that_comes_again_changes_nothing(village: Village) -> None:
    first = village.timetable(entry("cu", "05:00"))
    village.publish("cu", 60)
    village.publish("moi", 60)
    village.timetable(entry("moi", "05:00"))
    village.office.publish(first)
    village.until("05:03")
    assert village.heard("cu") == []
    assert village.told("moi") == ("played", None)


# --- commands and people -------------------------------------------------------------------


def test_stop_by_command_ends_the_item_and_only_where_it_was_asked(village: Village) -> None:
    village.timetable(entry("tin", "05:00"))
    village.publish("tin", 120)
    village.until("05:00:30")
    assert village.command(StopItem(zones=only("dong"))).state == "done"
    village.until("05:05")
    assert village.told("tin", "dong") == ("partial", OccurrenceReason.STOPPED)
    assert village.told("tin", "doai") == ("played", None)


def test_a_warning_cannot_be_stopped_by_command(village: Village) -> None:
    village.warn(texts={"vi": "Xả lũ. " * 40})
    village.wait(10)
    answer = village.command(StopItem(zones=EVERYWHERE))
    assert (answer.state, answer.reason) == ("failed", AckReason.EMERGENCY_ON_AIR)


def test_a_test_tone_is_refused_while_something_is_on_air(village: Village) -> None:
    village.timetable(entry("tin", "05:00"))
    village.publish("tin", 60)
    village.until("05:00:10")
    answer = village.ask(asked.TestToneRequest(("dong",), 1_000))
    assert isinstance(answer, asked.Refused)
    assert answer.code == AckReason.BUSY
    village.until("05:02")
    assert isinstance(village.ask(asked.TestToneRequest(("dong",), 1_000)), asked.Done)
    village.wait(5)
    assert [one.zones for one in village.heard("tone:1000")] == [("dong",)]
    assert village.outcomes_of("test-tone-1") == 0


def test_a_command_from_above_makes_the_tone_too_and_is_answered_once(village: Village) -> None:
    answer = village.command(AskedTone(zones=only("trung"), length_ms=2_000))
    assert answer.state == "done"
    village.wait(6)
    assert village.heard("tone:1000")[-1].zones == ("trung",)


def test_an_entry_is_replayed_on_command_with_a_record_of_its_own(village: Village) -> None:
    village.timetable(entry("tin", "05:00"))
    village.publish("tin", 30)
    village.until("05:10")
    assert village.command(ReplayEntry(entry="tin")).state == "done"
    village.until("05:12")
    assert len(village.heard("tin", "dong")) == 2
    replays = [said for said in _all(village) if "replay" in said.occurrence.entry]
    assert {said.outcome for said in replays} == {"played"}


def _all(village: Village) -> list[AsRun]:
    return [*village.judge.case.files[STATION].outcomes.values()]


def test_a_held_entry_waits_and_joins_when_it_is_released(village: Village) -> None:
    village.timetable(entry("tin", "05:00", seconds=300))
    village.publish("tin", 300)
    village.ask(asked.HoldRequest("nguon", "tin"))
    village.until("05:02")
    assert village.heard("tin") == []
    village.ask(asked.HoldRequest("nguon", "tin", held=False))
    village.until("05:06")
    [heard] = positions(village, "tin")
    assert heard[1] >= 120
    assert village.told("tin")[0] == "partial"


def test_an_occurrence_skipped_at_the_station_is_reported_as_skipped_locally(
    village: Village,
) -> None:
    village.timetable(entry("tin", "05:00"))
    village.publish("tin", 60)
    village.ask(asked.SkipRequest("nguon", "tin", f"{DAY}T05:00:00"))
    village.until("05:05")
    assert village.heard("tin") == []
    assert village.told("tin") == ("skipped", OccurrenceReason.SKIPPED_LOCALLY)


def test_a_skip_command_for_an_unknown_entry_is_refused(village: Village) -> None:
    village.timetable(entry("tin", "05:00"))
    answer = village.command(SkipOccurrence(entry="khong-co", nominal=f"{DAY}T05:00:00"))
    assert (answer.state, answer.reason) == ("failed", AckReason.UNKNOWN_ENTRY)


def test_the_order_chosen_at_the_station_decides_between_equals(village: Village) -> None:
    village.timetable(entry("a", "05:00", seconds=60), entry("b", "05:00", seconds=60))
    village.publish("a", 60)
    village.publish("b", 60)
    village.ask(asked.OrderRequest("nguon", "b", -5))
    village.until("05:03")
    assert village.told("b") == ("played", None)
    assert village.told("a") == ("skipped", OccurrenceReason.PREEMPTED)


def test_the_volume_set_at_the_station_holds_until_it_is_given_back(village: Village) -> None:
    village.ask(asked.VolumeRequest(("dong",), 20))
    dong = village.ask(asked.ZonesRequest()).zones[0]
    assert (dong.volume, dong.volume_source) == (20, "local")
    village.command(SetVolume(zones=only("trung"), volume=30))
    village.ask(asked.VolumeRequest(("dong",), None))
    shown = village.ask(asked.ZonesRequest())
    assert [one.volume_source for one in shown.zones] == ["timetable", "command", "timetable"]


# --- several that want the same ------------------------------------------------------------


def test_of_two_authorities_the_higher_rank_wins(village: Village) -> None:
    village.timetable(entry("xa", "05:00"))
    village.timetable(entry("tinh", "05:00"), audience=ABOVE)
    village.publish("xa", 60)
    village.publish("tinh", 60, audience=ABOVE)
    village.until("05:03")
    assert village.told("tinh") == ("played", None)
    assert village.told("xa") == ("skipped", OccurrenceReason.PREEMPTED)


def test_two_buses_carry_two_programmes_for_two_zones() -> None:
    village = Village(buses=2)
    village.timetable(
        entry("a", "05:00", zones=only("dong")), entry("b", "05:00", zones=only("doai"))
    )
    village.publish("a", 60)
    village.publish("b", 60)
    village.until("05:03")
    assert village.told("a", "dong") == ("played", None)
    assert village.told("b", "doai") == ("played", None)
    assert village.heard("a", "doai") == []


def test_a_busy_bus_mutes_the_other_zone(village: Village) -> None:
    village.timetable(
        entry("uu-tien", "05:00", zones=only("dong"), klass=2),
        entry("thuong", "05:00", zones=only("doai"), klass=3),
    )
    village.publish("uu-tien", 60)
    village.publish("thuong", 60)
    village.until("05:03")
    assert village.told("uu-tien", "dong") == ("played", None)
    assert village.told("thuong", "doai") == ("skipped", OccurrenceReason.BUS_BUSY)
    assert village.heard("uu-tien", "doai") == []


def test_an_item_that_may_finish_is_not_cut_by_the_next_one(village: Village) -> None:
    finish = EndRule(rule="finish", within_ms=60_000)
    village.timetable(
        entry("dai", "05:00", seconds=60, end=finish), entry("sau", "05:01", seconds=120)
    )
    village.publish("dai", 80)
    village.publish("sau", 120)
    village.until("05:05")
    assert village.told("dai") == ("played", None)
    assert positions(village, "sau")[0][0] >= "05:01:20"


# --- clocks --------------------------------------------------------------------------------


def test_a_clock_step_forward_over_an_item_records_clock_step(village: Village) -> None:
    village.timetable(entry("tin", "05:00", seconds=60))
    village.publish("tin", 60)
    village.until("04:50")
    village.set_clock(1_200)
    village.wait(60)
    assert village.heard("tin") == []
    assert village.told("tin") == ("skipped", OccurrenceReason.CLOCK_STEP)


def test_a_clock_step_back_does_not_play_the_item_again(village: Village) -> None:
    village.timetable(entry("tin", "05:00", seconds=60))
    village.publish("tin", 60)
    village.until("05:02")
    village.set_clock(-600)
    village.until("05:15")
    assert len(village.heard("tin", "dong")) == 1
    assert village.outcomes_of("tin") == 3


def test_what_is_on_air_goes_on_when_the_clock_is_set(village: Village) -> None:
    village.timetable(entry("tin", "05:00", seconds=120))
    village.publish("tin", 120)
    village.until("05:00:30")
    village.set_clock(-1_800)
    village.until("05:03")
    [heard] = village.heard("tin", "dong")
    assert (heard.begin, heard.end) == ("05:00:00", "05:02:00")
    village.set_clock(1_800)
    village.wait(60)
    assert village.told("tin") == ("played", None)


def test_an_untrusted_clock_plays_only_emergencies() -> None:
    village = Village(switched_on=False)
    village.box.power_on("untrusted", -village.clock.now_ms)
    village.wait(20)
    village.timetable(entry("tin", "05:00", seconds=60))
    village.publish("tin", 60)
    village.until("04:59")
    village.warn()
    village.until("05:02")
    assert len(village.heard("warning", "dong")) == 1
    assert village.heard("tin") == []
    village.box.set_wall(village.wall0_ms, "trusted")
    village.wait(60)
    assert village.told("tin") == ("skipped", OccurrenceReason.CLOCK_UNTRUSTED)


def test_a_late_item_that_may_not_be_late_is_skipped(village: Village) -> None:
    village.timetable(entry("tin", "05:00", seconds=120, late=LateRule(policy="skip")))
    village.publish("tin", 120)
    village.until("04:59:50")
    village.kill(20)
    village.until("05:05")
    assert village.heard("tin") == []
    assert village.told("tin") == ("skipped", OccurrenceReason.STATION_OFF)


def test_a_late_item_that_starts_over_is_heard_from_the_beginning(village: Village) -> None:
    over = LateRule(policy="restart", grace_ms=300_000)
    village.timetable(entry("tin", "05:00", seconds=120, late=over))
    village.until("05:01")
    village.publish("tin", 120)
    village.until("05:05")
    [heard] = positions(village, "tin")
    assert heard[1] == 0
    assert village.told("tin") == ("played", None)


# --- lines and controllers -----------------------------------------------------------------


def test_an_open_line_is_told_and_the_others_are_confirmed(village: Village) -> None:
    village.timetable(entry("tin", "05:00"))
    village.publish("tin", 60)
    village.box.controllers["c1"].line("doai", broken=True)
    village.until("05:03")
    broken = village.outcome("tin", "doai")
    assert (broken.confirmed, broken.reason) == ("no", OccurrenceReason.LINE_OPEN)
    assert village.outcome("tin", "dong").confirmed == "yes"
    assert village.heard("tin", "doai") == []


def test_with_the_controller_lost_nobody_claims_that_it_was_heard(village: Village) -> None:
    village.timetable(entry("tin", "05:00"))
    village.publish("tin", 60)
    village.until("04:59")
    village.box.controllers["c1"].lose()
    village.until("05:03")
    assert village.outcome("tin").confirmed == "unknown"
    assert village.heard("tin", "dong") == []


# --- reports -------------------------------------------------------------------------------


def test_records_the_broker_lost_reach_the_source_system_after_all(village: Village) -> None:
    village.broker.switch_collector(on=False)
    village.timetable(entry("tin", "05:00"))
    village.publish("tin", 30)
    village.until("05:02")
    village.broker.crash()
    assert village.box.life is not None
    village.box.life.broker_gone()
    village.broker.switch_collector(on=True)
    village.wait(180)
    assert village.told("tin") == ("played", None)


def test_a_gap_in_the_journal_does_not_hold_up_what_comes_after_it(village: Village) -> None:
    for seq in range(1, 10):
        village.box.disk.records.pop(seq, None)
    assert village.command(Resend(from_seq=1)).state == "done"
    village.timetable(entry("tin", "05:00"))
    village.publish("tin", 30)
    village.until("05:05")
    assert village.told("tin") == ("played", None)
