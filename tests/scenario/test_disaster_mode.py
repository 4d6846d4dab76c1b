"""A night of flood: warnings that repeat, hamlets without mains, a station on its battery."""

from __future__ import annotations

from datetime import UTC
from itertools import pairwise

import pytest

from agent.cli.screens.status import render_status
from agent.contract.documents import LateRule, Settings
from agent.contract.documents import Warning as Emergency
from agent.contract.reasons import OccurrenceReason
from agent.core import requests as asked
from agent.core.warnings import title_of, utterances, warning_entry
from tests.scenario.village import EVERYWHERE, HOME, STATION, Village, entry

FLOOD = {"vi": "Xả lũ. " * 10}


@pytest.fixture
def village() -> Village:
    return Village()


def begins(village: Village, zone: str = "dong") -> list[str]:
    return [one.begin for one in village.heard("warning", zone)]


def said(village: Village) -> list[str]:
    """The words of every play, as they were given to the reading machine."""
    return [
        village.box.speech_text[source.removeprefix("speech:")]
        for played in village.box.played
        for source in played.sources
        if source.startswith("speech:")
    ]


# --- it repeats ------------------------------------------------------------------------------


def test_a_warning_is_repeated_on_the_beats_of_its_hour_of_issue_however_long_it_is(
    village: Village,
) -> None:
    village.until("04:40")
    village.warn(minutes=31, repeat_every_ms=600_000, texts=FLOOD)
    village.until("05:30")
    first, *again = begins(village)
    assert "04:40:00" < first < "04:40:10"
    assert again == ["04:50:00", "05:00:00", "05:10:00"]


def test_a_warning_heard_late_is_not_said_again_on_the_beat_that_follows_at_once(
    village: Village,
) -> None:
    village.until("04:40")
    village.warn(minutes=60, repeat_every_ms=600_000, texts=FLOOD)
    village.until("04:49")
    village.power_cut(9 * 60)
    village.until("05:35")
    first, late, *again = begins(village)
    assert first < "04:40:10"
    assert "04:58:00" < late < "04:58:30"
    assert again == ["05:10:00", "05:20:00", "05:30:00"]


def test_a_short_power_cut_between_two_beats_changes_nothing(village: Village) -> None:
    village.until("04:40")
    village.warn(minutes=60, repeat_every_ms=600_000, texts=FLOOD)
    village.until("04:42")
    village.power_cut(60)
    village.until("05:05")
    assert begins(village)[1:] == ["04:50:00", "05:00:00"]


@pytest.mark.parametrize("step_s", [-1_800, -40, 40, 1_800])
def test_a_clock_that_steps_neither_doubles_nor_swallows_a_repeat(
    village: Village, step_s: int
) -> None:
    village.until("04:40")
    village.warn(minutes=180, repeat_every_ms=600_000, texts=FLOOD)
    village.until("04:44")
    village.set_clock(step_s)
    village.until("05:44")
    starts = [village.at(one) for one in begins(village)]
    gaps_s = [(after - before) / 1_000 for before, after in pairwise(starts)]
    assert all(300 <= gap_s <= 900 for gap_s in gaps_s), gaps_s
    assert gaps_s[1:] == [600] * len(gaps_s[1:])


def test_a_repeat_says_the_hour_of_issue_and_the_first_play_does_not(village: Village) -> None:
    village.until("04:40")
    village.warn(minutes=60, repeat_every_ms=600_000, texts={"vi": "Xả lũ.", "en": "Flood."})
    village.until("04:51")
    plain, english, again, english_again = said(village)
    assert (plain, english) == ("Xả lũ.", "Flood.")
    assert again == "ban hành lúc bốn giờ bốn mươi phút. Xả lũ."
    assert english_again == "issued at 4 40 in the morning. Flood."


def test_a_repeat_on_the_next_day_says_the_day_too(village: Village) -> None:
    village.until("23:58")
    village.warn(minutes=10, repeat_every_ms=180_000, texts={"vi": "Xả lũ."})
    village.wait(9 * 60)
    assert said(village)[1] == (
        "ban hành lúc hai mươi ba giờ năm mươi tám phút ngày hai tháng ba. Xả lũ."
    )


def test_a_station_that_was_off_when_the_warning_began_says_when_it_was_issued(
    village: Village,
) -> None:
    village.warn(minutes=120, texts={"vi": "Xả lũ."})
    village.wait(0.9)
    village.power_cut(1_800)
    village.wait(1_900)
    assert said(village) == ["ban hành lúc bốn giờ ba mươi phút. Xả lũ."]


def test_nothing_is_repeated_after_the_end_of_validity_or_a_cancel(village: Village) -> None:
    village.until("04:40")
    village.warn(minutes=15, repeat_every_ms=300_000, texts=FLOOD)
    village.until("05:20")
    assert [one[:5] for one in begins(village)] == ["04:40", "04:45", "04:50"]
    other = village.warn(minutes=60, repeat_every_ms=300_000, texts=FLOOD)
    village.until("05:27")
    village.cancel(other)
    village.until("06:00")
    assert [one[:5] for one in begins(village)][3:] == ["05:20", "05:25"]


def test_a_warning_that_is_replaced_stops_and_only_the_new_words_are_repeated(
    village: Village,
) -> None:
    village.until("04:40")
    first = village.warn(minutes=60, repeat_every_ms=300_000, texts={"vi": "Hồ xả lũ."})
    village.until("04:52")
    village.office.reword(village.desks[HOME], first.id)
    changed = len(said(village))
    village.until("05:10")
    later = said(village)[changed:]
    assert later
    assert all("Khẩn trương" in words for words in later), "never the words of before"
    village.power_cut(60)
    village.until("05:20")
    assert "Khẩn trương" in said(village)[-1]
    [kept] = village.ask(asked.StatusRequest()).emergencies
    assert kept.id == first.id


# --- it stays on the box ---------------------------------------------------------------------


def test_the_last_warning_stays_while_it_is_valid_and_survives_power_cuts(
    village: Village,
) -> None:
    village.until("04:40")
    village.warn(minutes=60, texts=FLOOD)
    village.until("04:50")
    village.power_cut(600)
    village.until("05:10")
    assert len(begins(village)) == 1
    [kept] = village.ask(asked.StatusRequest()).emergencies
    assert (kept.id, kept.plays, kept.next_ms, kept.owed) == ("kc-1", 1, None, ())
    assert kept.issued_at_ms == village.wall0_ms + village.at("04:40")
    village.until("05:41")
    assert village.ask(asked.StatusRequest()).emergencies == ()


def test_the_status_shows_a_repeating_warning_with_its_next_play(village: Village) -> None:
    village.until("04:40")
    village.warn(minutes=60, repeat_every_ms=600_000, texts=FLOOD)
    village.until("04:52")
    [shown] = village.ask(asked.StatusRequest()).emergencies
    assert shown.next_ms == village.wall0_ms + village.at("05:00")
    assert (shown.repeat_every_ms, shown.plays) == (600_000, 2)


# --- hamlets without mains -------------------------------------------------------------------


def test_a_zone_without_mains_is_told_as_not_heard_and_never_as_played() -> None:
    village = Village(backed_up=["doai"])
    village.timetable(entry("tin", "05:00", klass=2))
    village.publish("tin", 60)
    village.until("04:50")
    village.mains(on=False)
    village.until("05:05")
    assert village.told("tin", "doai") == ("played", None)
    for zone in ("dong", "trung"):
        dark = village.outcome("tin", zone)
        assert (dark.outcome, dark.reason) == ("skipped", OccurrenceReason.NO_MAINS)
        assert (dark.confirmed, dark.played_ms) == ("no", 0)
    assert village.heard("tin", "dong") == []


def test_mains_that_fail_in_the_middle_leave_a_part_that_was_heard(village: Village) -> None:
    village.timetable(entry("tin", "05:00", klass=2))
    village.publish("tin", 120)
    village.until("05:01")
    village.mains(on=False)
    village.until("05:05")
    said = village.outcome("tin")
    assert (said.outcome, said.reason) == ("partial", OccurrenceReason.NO_MAINS)
    assert said.confirmed == "no"
    assert 59_000 <= said.played_ms <= 62_000


def test_mains_that_come_back_let_the_late_policy_decide(village: Village) -> None:
    skips = LateRule(policy="skip")
    village.timetable(
        entry("tin", "05:00", seconds=120, klass=2),
        entry("nhac", "05:10", seconds=120, klass=2, late=skips),
    )
    village.publish("tin", 120)
    village.publish("nhac", 120)
    village.until("04:59")
    village.mains(on=False)
    village.until("05:01")
    village.mains(on=True)
    village.until("05:09")
    village.mains(on=False)
    village.until("05:11")
    village.mains(on=True)
    village.until("05:15")
    assert village.told("tin") == ("partial", OccurrenceReason.NO_MAINS)
    [heard] = village.heard("tin", "dong")
    assert 60 <= heard.position_s <= 70
    assert village.told("nhac") == ("skipped", OccurrenceReason.NO_MAINS)


def test_a_warning_is_said_again_where_there_was_no_mains_and_only_there() -> None:
    village = Village(backed_up=["doai"])
    village.until("04:40")
    village.mains(on=False)
    village.wait(5)
    village.warn(minutes=180, texts={"vi": "Xả lũ."})
    village.until("05:10")
    assert village.heard("warning", "dong") == []
    [kept] = village.ask(asked.StatusRequest()).emergencies
    assert kept.owed == ("dong", "trung")
    village.mains(on=True)
    village.until("05:11")
    [there] = village.heard("warning", "dong")
    assert there.zones == ("dong", "trung")
    assert "05:10:00" < there.begin < "05:10:20"
    assert len(village.heard("warning", "doai")) == 1
    assert said(village) == ["Xả lũ.", "ban hành lúc bốn giờ bốn mươi phút. Xả lũ."]
    village.until("06:00")
    assert len(village.heard("warning", "dong")) == 1


def test_a_warning_nobody_could_hear_comes_when_mains_are_back(village: Village) -> None:
    village.until("04:40")
    village.mains(on=False)
    village.wait(5)
    village.warn(minutes=180, texts={"vi": "Xả lũ."})
    village.until("05:10")
    assert village.heard("warning") == []
    village.mains(on=True)
    village.until("05:11")
    [heard] = village.heard("warning")
    assert heard.zones == ("dong", "trung", "doai")
    assert said(village)[-1] == "ban hành lúc bốn giờ bốn mươi phút. Xả lũ."


def test_what_is_owed_survives_the_battery_running_flat() -> None:
    village = Village(backed_up=["doai"])
    village.until("04:40")
    village.mains(on=False)
    village.wait(5)
    village.warn(minutes=180, texts=FLOOD)
    village.until("04:50")
    village.box.power_cut()
    village.until("05:10")
    village.mains(on=True)
    village.box.power_on()
    village.until("05:11")
    assert len(village.heard("warning", "dong")) == 1
    assert len(village.heard("warning", "doai")) == 1


def test_a_warning_that_was_cancelled_meanwhile_is_not_said_when_mains_are_back() -> None:
    village = Village(backed_up=["doai"])
    village.mains(on=False)
    village.wait(5)
    warning = village.warn(minutes=180, texts=FLOOD)
    village.wait(300)
    village.cancel(warning)
    village.wait(60)
    village.mains(on=True)
    village.wait(600)
    assert village.heard("warning", "dong") == []


def test_a_warning_into_a_controller_that_was_lost_comes_again_when_it_answers(
    village: Village,
) -> None:
    village.box.controllers["c1"].dies_without = True
    village.until("04:40")
    village.mains(on=False)
    village.until("04:41")
    village.warn(minutes=180, texts=FLOOD)
    village.until("05:10")
    village.mains(on=True)
    village.until("05:12")
    assert village.heard("warning")[-1].zones == ("dong", "trung", "doai")


def test_a_controller_that_feels_mains_is_believed_before_the_host(village: Village) -> None:
    village.timetable(entry("tin", "05:00", klass=2))
    village.publish("tin", 60)
    controller = village.box.controllers["c1"]
    controller.senses_mains = True
    controller.mains_off()
    village.until("05:03")
    assert village.told("tin") == ("skipped", OccurrenceReason.NO_MAINS)


# --- on battery ------------------------------------------------------------------------------


def test_on_battery_ordinary_items_are_held_and_priority_ones_and_warnings_are_not() -> None:
    village = Village(backed_up=["dong", "trung", "doai"])
    village.timetable(entry("thuong", "05:00"), entry("uu-tien", "05:10", klass=2))
    village.publish("thuong", 60)
    village.publish("uu-tien", 60)
    village.until("04:50")
    village.mains(on=False)
    village.wait(5)
    [held] = [one for one in village.ask(asked.PlanRequest(1)).items if one.entry == "thuong"]
    assert held.problem == OccurrenceReason.ON_BATTERY
    village.until("05:05")
    village.warn(texts=FLOOD)
    village.until("05:15")
    assert village.told("thuong") == ("skipped", OccurrenceReason.ON_BATTERY)
    assert village.told("uu-tien") == ("played", None)
    assert len(begins(village)) == 1


@pytest.mark.parametrize(
    ("policy", "thuong", "uu_tien"),
    [("nothing", True, True), ("normal", False, True), ("priority", False, False)],
)
def test_the_commune_says_what_waits_for_mains(policy: str, thuong: bool, uu_tien: bool) -> None:
    village = Village(backed_up=["dong", "trung", "doai"])
    village.timetable(
        entry("thuong", "05:00"),
        entry("uu-tien", "05:10", klass=2),
        settings=Settings(held_on_battery=policy),  # type: ignore[arg-type]
    )
    village.publish("thuong", 60)
    village.publish("uu-tien", 60)
    village.until("04:50")
    village.mains(on=False)
    village.until("05:15")
    assert bool(village.heard("thuong")) is thuong
    assert bool(village.heard("uu-tien")) is uu_tien


@pytest.mark.parametrize("resume", ["rejoin", "drop"])
def test_an_ordinary_item_on_air_stops_with_the_mains_and_comes_back_with_them(
    resume: str,
) -> None:
    village = Village(backed_up=["dong", "trung", "doai"])
    village.timetable(entry("thuong", "05:00", resume=resume))
    village.publish("thuong", 300)
    village.until("05:01")
    village.mains(on=False)
    village.until("05:03")
    village.mains(on=True)
    village.until("05:06")
    before, after = village.heard("thuong", "dong")
    assert "05:01:00" <= before.end <= "05:01:02"
    assert 180 <= after.position_s <= 183
    assert village.told("thuong") == ("partial", OccurrenceReason.ON_BATTERY)


def test_a_station_that_does_not_measure_its_mains_holds_nothing(village: Village) -> None:
    village.timetable(entry("tin", "05:00"))
    village.publish("tin", 60)
    village.until("05:05")
    assert village.told("tin") == ("played", None)
    assert village.judge.case.boxes[STATION].has_mains


def test_a_drill_says_that_it_is_one_on_the_air_on_the_screen_and_in_the_record(
    village: Village,
) -> None:
    warning = village.warn(
        title="Lũ quét", texts={"vi": "Lũ quét, lên chỗ cao.", "en": "Flood!"}, drill=True
    )
    village.wait(6)
    view = village.ask(asked.StatusRequest())
    [on_air] = view.on_air
    assert on_air.title == "Diễn tập: Lũ quét"
    assert [(one.title, one.drill) for one in view.emergencies] == [(on_air.title, True)]
    assert "DIỄN TẬP ĐANG PHÁT" in "\n".join(render_status(view, "vi", 80))
    assert "KHẨN CẤP" not in "\n".join(render_status(view, "vi", 80))
    assert "DRILL ON AIR" in "\n".join(render_status(view, "en", 80))
    village.wait(60)
    vietnamese, english = list(village.box.speech_text.values())[:2]
    assert vietnamese == "Đây là diễn tập. Lũ quét, lên chỗ cao. Đây là diễn tập."
    assert english == "This is a drill. Flood! This is a drill."
    told = village.outcome(warning_entry(warning.id, warning.revision))
    assert told.title == "Diễn tập: Lũ quét"


def test_what_is_no_drill_is_not_called_one(village: Village) -> None:
    village.warn(title="Lũ quét", texts={"vi": "Lũ quét."})
    village.wait(6)
    view = village.ask(asked.StatusRequest())
    assert view.on_air[0].title == "Lũ quét"
    assert "KHẨN CẤP ĐANG PHÁT" in "\n".join(render_status(view, "vi", 80))
    assert not any("diễn tập" in text.casefold() for text in village.box.speech_text.values())


def test_a_drill_of_recordings_alone_says_it_in_words_before_them() -> None:
    warning = Emergency(
        id="kc-1",
        revision=1,
        issued_at_ms=0,
        valid_until_ms=3_600_000,
        title="x" * 200,
        zones=EVERYWHERE,
        texts={"tyz": "Nặm noòng."},
        drill=True,
    )
    said = utterances(warning, 0, UTC)
    assert [one.text for one in said] == ["đây là diễn tập", "Nặm noòng."]
    late = utterances(warning, 3_000_000, UTC)
    assert late[0].text.startswith("đây là diễn tập. ban hành lúc")
    assert len(title_of(warning)) == 200
