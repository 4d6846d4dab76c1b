"""One bulletin in the languages of the hamlets, one after the other; what is missing is told."""

from __future__ import annotations

import pytest

from agent.contract.documents import (
    EndRule,
    Entry,
    FileSource,
    Regulation,
    Settings,
    StreamSource,
    TextSource,
    Version,
)
from agent.contract.reasons import OccurrenceReason
from agent.core import requests as asked
from agent.core.requests import Upcoming
from tests.scenario.village import STATION, Village, entry, only

TAY, NUNG = "tyz", "nut"


@pytest.fixture
def village() -> Village:
    return Village()


def recorded(language: str) -> Version:
    return Version(language=language, sources=(FileSource(slot=f"tin-{language}"),))


def spoken(language: str, text: str) -> Version:
    return Version(language=language, sources=(TextSource(text=text),))


def bulletin(*versions: Version, seconds: int | None = None, **more: object) -> Entry:
    return entry("tin", "05:00", seconds, versions=versions, **more)  # type: ignore[arg-type]


def publish(village: Village, *languages: str, seconds: float = 30, audio: bool = True) -> None:
    for language in languages:
        village.publish(f"tin-{language}", seconds, version_of="tin", audio=audio)


def said(village: Village) -> list[int]:
    """Lengths of the parts that left the card, in seconds."""
    return [round(length / 1_000) for one in village.box.played for _, _, length in one.parts]


def planned(village: Village) -> Upcoming:
    items: tuple[Upcoming, ...] = village.ask(asked.PlanRequest(2)).items
    [shown] = [one for one in items if one.entry == "tin"]
    return shown


def test_versions_follow_the_main_one_in_their_order_as_one_item(village: Village) -> None:
    village.timetable(bulletin(recorded(NUNG), recorded(TAY), chime=True))
    village.publish("tin", 60)
    publish(village, TAY, seconds=20)
    publish(village, NUNG, seconds=40)
    assert planned(village).duration_ms == 121_800
    village.until("05:05")
    assert said(village) == [2, 60, 40, 20]
    record = village.outcome("tin")
    assert (record.outcome, record.languages_missing) == ("played", ())
    assert record.planned_duration_ms == 121_800
    assert village.outcomes_of("tin") == 3


def test_a_version_that_is_not_there_is_left_out_and_told_before_and_after(
    village: Village,
) -> None:
    village.timetable(bulletin(recorded(NUNG), recorded(TAY)))
    village.publish("tin", 60)
    publish(village, TAY)
    assert planned(village).languages_missing == (NUNG,)
    village.wait(5)
    assert village.broker.collector.reported[STATION].awaiting == (f"tin-{NUNG}",)
    village.until("05:05")
    assert said(village) == [60, 30]
    record = village.outcome("tin")
    assert (record.outcome, record.played_ms) == ("partial", 90_000)
    assert record.reason == OccurrenceReason.CONTENT_NOT_PUBLISHED
    assert record.languages_missing == (NUNG,)


def test_the_files_of_all_versions_are_fetched_ahead(village: Village) -> None:
    village.timetable(bulletin(recorded(NUNG), recorded(TAY)))
    publish(village, TAY, NUNG)
    village.wait(60)
    assert len(village.box.disk.files) == 2


def test_a_version_that_comes_in_time_is_said(village: Village) -> None:
    village.timetable(bulletin(recorded(TAY)))
    village.publish("tin", 60)
    village.until("04:59")
    publish(village, TAY)
    village.until("05:05")
    assert said(village) == [60, 30]


def test_a_text_is_spoken_in_the_language_of_its_version(village: Village) -> None:
    village.timetable(bulletin(spoken("en", "Good morning.")))
    village.publish("tin", 60)
    village.until("05:03")
    assert "Good morning." in village.box.speech_text.values()
    assert len(said(village)) == 2
    assert village.outcome("tin").languages_missing == ()


def test_no_text_is_read_by_the_voice_of_another_language(village: Village) -> None:
    village.timetable(bulletin(spoken(TAY, "Chài pỉ noọng.")))
    village.publish("tin", 60)
    village.until("05:03")
    assert village.box.speech_text == {}
    assert village.outcome("tin").languages_missing == (TAY,)


def test_the_slot_holds_for_all_versions_together(village: Village) -> None:
    village.timetable(bulletin(recorded(TAY), recorded(NUNG), seconds=80, end=EndRule(rule="cut")))
    village.publish("tin", 60)
    publish(village, TAY, NUNG)
    village.until("05:05")
    [heard] = village.heard("tin", "dong")
    assert (heard.begin, heard.end) == ("05:00:00", "05:01:20")
    record = village.outcome("tin")
    assert (record.outcome, record.languages_missing) == ("played", (NUNG,))


def test_an_item_that_joins_late_begins_in_the_version_that_would_sound(village: Village) -> None:
    village.timetable(bulletin(recorded(TAY), recorded(NUNG)))
    village.publish("tin", 60)
    publish(village, TAY, NUNG)
    village.until("04:59")
    village.power_cut(135)
    village.until("05:05")
    [late] = village.box.played
    assert [round(length / 1_000) for _, _, length in late.parts][-1] == 30
    assert village.heard("tin", "dong")[0].end == "05:02:00"


def test_a_recording_that_is_no_sound_is_left_out_and_the_others_follow(village: Village) -> None:
    village.timetable(bulletin(recorded(NUNG), recorded(TAY)))
    village.publish("tin", 60)
    publish(village, NUNG, audio=False)
    publish(village, TAY)
    village.until("05:05")
    assert said(village) == [60, 30]
    record = village.outcome("tin")
    assert (record.outcome, record.reason) == ("partial", OccurrenceReason.CONTENT_NOT_AUDIO)
    assert record.languages_missing == (NUNG,)


def test_the_last_recording_that_is_no_sound_spoils_nothing_before_it(village: Village) -> None:
    village.timetable(bulletin(recorded(TAY)))
    village.publish("tin", 60)
    publish(village, TAY, audio=False)
    village.until("05:05")
    record = village.outcome("tin")
    assert (record.outcome, record.reason) == ("partial", OccurrenceReason.CONTENT_NOT_AUDIO)
    assert (record.languages_missing, record.played_ms) == ((TAY,), 60_000)


def test_after_live_sound_there_is_no_place_for_versions(village: Village) -> None:
    url = "https://live.example/voh"
    village.server.live.add(url)
    live = bulletin(recorded(TAY), seconds=120, sources=(StreamSource(url=url),))
    village.timetable(live)
    publish(village, TAY)
    village.until("05:05")
    record = village.outcome("tin")
    assert (record.reason, record.languages_missing) == (OccurrenceReason.SOURCE_LOST, (TAY,))
    assert record.played_ms == 120_000


def test_a_language_the_commune_does_not_allow_is_not_said(village: Village) -> None:
    rules = Settings(regulation=Regulation(languages=("vi", TAY)))
    village.timetable(bulletin(recorded(NUNG), recorded(TAY)), settings=rules)
    village.publish("tin", 60)
    publish(village, TAY, NUNG)
    village.until("05:05")
    assert said(village) == [60, 30]
    record = village.outcome("tin")
    assert record.reason == OccurrenceReason.LANGUAGE_NOT_ALLOWED
    assert record.languages_missing == (NUNG,)


def test_versions_that_change_on_air_end_the_item_as_superseded(village: Village) -> None:
    village.timetable(bulletin(recorded(TAY)))
    village.publish("tin", 60)
    publish(village, TAY)
    village.until("05:00:30")
    village.timetable(bulletin(recorded(NUNG)))
    village.until("05:03")
    assert village.told("tin") == ("partial", OccurrenceReason.SUPERSEDED)


# --- warnings --------------------------------------------------------------------------------


def test_a_warning_without_a_voice_for_a_language_says_the_others_and_tells_it(
    village: Village,
) -> None:
    village.warn(texts={"vi": "Xả lũ.", TAY: "Nặm noòng."})
    village.wait(60)
    assert list(village.box.speech_text.values()) == ["Xả lũ."]
    [record] = [
        one
        for key, one in village.judge.case.files[STATION].outcomes.items()
        if key[1].startswith("w-") and key[3] == "dong"
    ]
    assert (record.outcome, record.languages_missing) == ("partial", (TAY,))
    assert record.reason == OccurrenceReason.SPEECH_UNAVAILABLE
    [shown] = village.ask(asked.StatusRequest()).emergencies
    assert shown.languages_missing == (TAY,)


def test_a_version_is_said_only_where_its_item_is(village: Village) -> None:
    village.timetable(bulletin(recorded(TAY), zones=only("doai")))
    village.publish("tin", 60)
    publish(village, TAY)
    village.until("05:05")
    assert {one.zones for one in village.heard("tin")} == {("doai",)}
