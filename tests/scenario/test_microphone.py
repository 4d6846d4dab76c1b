"""`announce --mic`: an input of the station, opened to zones now, and closed by itself."""

from __future__ import annotations

from typing import Any

import pytest

from agent.contract.documents import FileSource, LineInSource, Regulation, Settings
from agent.contract.reasons import AckReason, OccurrenceReason
from agent.contract.reports import AsRun
from agent.core import requests as asked
from tests.scenario.test_who_decided import HOA, audits, tell
from tests.scenario.village import DAY, Village, entry

MIC = "input:micro"


def village(*inputs: str) -> Village:
    return Village(inputs=inputs or ("micro",))


def opened(at: Village, *zones: str, seconds: int = 30, **more: Any) -> str:
    """The entry under which it was taken up."""
    answer = tell(at, asked.SpeakRequest(zones, seconds * 1_000, **more), by=HOA)
    assert isinstance(answer, asked.Done), answer
    return answer.entry


def stands(at: Village, entry: str) -> asked.SpokenView:
    view = tell(at, asked.SpokenRequest(entry))
    assert isinstance(view, asked.SpokenView)
    return view


def recorded(at: Village, entry: str, zone: str = "dong") -> AsRun:
    return at.outcome(entry, zone)


def test_it_begins_when_the_amplifier_is_warm_and_the_chime_is_over() -> None:
    at = village()
    entry = opened(at, "dong")
    assert stands(at, entry).state == "waiting", "the amplifier is cold"
    at.wait(4)
    view = stands(at, entry)
    assert (view.state, view.zones, view.input) == ("sounding", ("dong",), "micro")
    assert view.speaks_ms is not None
    assert view.ends_ms is not None
    assert view.ends_ms - view.speaks_ms == 30_000
    [sound] = at.heard(MIC)
    assert sound.zones == ("dong",)


def test_it_closes_by_itself_and_its_record_names_the_input_and_who_spoke() -> None:
    at = village()
    entry = opened(at, "dong", "doai", seconds=20, title="Họp thôn")
    at.wait(40)
    assert stands(at, entry).state == "over"
    record = recorded(at, entry)
    assert (record.outcome, record.source, record.klass) == ("played", MIC, 2)
    assert (record.title, record.author, record.approved_by) == ("Họp thôn", HOA, HOA)
    assert record.played_ms == pytest.approx(20_000 + 1_800, abs=500)
    [kept] = audits(at)
    assert (kept.what, kept.by) == ("local_announce", HOA)


def test_who_is_done_closes_it_at_once() -> None:
    at = village()
    entry = opened(at, "dong", seconds=600)
    at.wait(10)
    assert isinstance(tell(at, asked.EndSpeechRequest(entry), by=HOA), asked.Done)
    at.wait(10)
    assert stands(at, entry).state == "over"
    record = recorded(at, entry)
    assert (record.outcome, record.reason) == ("played", None), "they said what they had to say"
    assert 5_000 < record.played_ms < 12_000


def test_a_second_microphone_does_not_cut_the_first_one_off() -> None:
    at = village()
    first = opened(at, "dong", seconds=600, title="Họp thôn")
    at.wait(8)
    for zones in (("dong", "doai"), ()):
        answer = tell(at, asked.SpeakRequest(zones, 60_000), by=HOA)
        assert isinstance(answer, asked.Refused)
        assert (answer.code, answer.detail) == (AckReason.BUSY, "Họp thôn")
    assert stands(at, first).state == "sounding"
    assert isinstance(tell(at, asked.EndSpeechRequest(first), by=HOA), asked.Done)
    second = opened(at, "dong")
    at.wait(8)
    assert stands(at, second).state == "sounding"


def test_stop_closes_it_too() -> None:
    at = village()
    entry = opened(at, seconds=600)
    at.wait(10)
    assert isinstance(tell(at, asked.StopRequest()), asked.Done)
    at.wait(10)
    assert recorded(at, entry).reason is OccurrenceReason.STOPPED


def test_closed_before_it_began_nothing_is_heard() -> None:
    at = village()
    entry = opened(at, "dong")
    assert isinstance(tell(at, asked.EndSpeechRequest(entry)), asked.Done)
    at.wait(20)
    assert at.heard(MIC) == []
    assert stands(at, entry).state == "over"
    again = tell(at, asked.EndSpeechRequest(entry))
    assert isinstance(again, asked.Refused)
    assert again.code == AckReason.NOTHING_ON_AIR


def test_a_warning_breaks_in_and_the_microphone_stays_closed_after_it() -> None:
    at = village()
    entry = opened(at, seconds=600)
    at.wait(10)
    warning = at.warn(minutes=30, repeat_every_ms=0)
    at.wait(5)
    refused = tell(at, asked.SpeakRequest((), 30_000), by=HOA)
    assert isinstance(refused, asked.Refused)
    assert refused.code == AckReason.EMERGENCY_ON_AIR
    at.cancel(warning)
    at.wait(60)
    assert len(at.heard(MIC)) == 1
    assert recorded(at, entry).reason is OccurrenceReason.EMERGENCY


@pytest.mark.parametrize(
    ("inputs", "wanted", "told"),
    [
        (("fm", "micro"), "khong-co", "khong-co; inputs: fm, micro"),
        (("fm", "micro"), "", "?; inputs: fm, micro"),
        ((), "micro", "micro; inputs: -"),
    ],
)
def test_an_input_that_is_not_there_or_not_named_is_refused_with_those_there_are(
    inputs: tuple[str, ...], wanted: str, told: str
) -> None:
    at = Village(inputs=inputs)
    refused = tell(at, asked.SpeakRequest((), 30_000, wanted), by=HOA)
    assert refused == asked.Refused(AckReason.UNKNOWN_INPUT.value, told)


def test_the_return_line_is_never_opened_and_does_not_count_as_an_input() -> None:
    at = Village(inputs=("micro",), return_inputs=("hoi",), return_bus=0)
    refused = tell(at, asked.SpeakRequest((), 30_000, "hoi"), by=HOA)
    assert refused == asked.Refused(AckReason.INPUT_IS_RETURN.value, "hoi; inputs: micro")
    entry = opened(at, "dong")
    assert stands(at, entry).input == "micro", "the only one that can be meant"


def test_a_timetable_that_names_the_return_line_stays_silent_and_says_why() -> None:
    at = Village(inputs=("micro",), return_inputs=("hoi",), return_bus=0)
    at.timetable(entry("vong", "04:32", 20, sources=(LineInSource(input="hoi"),)))
    at.wait(180)
    assert at.heard("input:hoi") == []
    assert at.outcome("vong", "dong").reason is OccurrenceReason.INPUT_IS_RETURN


def test_behind_a_return_line_the_next_source_sounds() -> None:
    at = Village(inputs=("micro",), return_inputs=("hoi",), return_bus=0)
    at.publish("chuoi", 20)
    chain = (LineInSource(input="hoi"), FileSource(slot="chuoi"))
    at.timetable(entry("chuoi", "04:35", 20, sources=chain))
    at.wait(360)
    assert at.outcome("chuoi", "dong").outcome == "played"


def test_the_rules_of_the_air_bind_it_like_every_announcement() -> None:
    at = village()
    at.timetable(settings=Settings(regulation=Regulation(silent_dates=(DAY,))))
    refused = tell(at, asked.SpeakRequest((), 30_000), by=HOA)
    assert isinstance(refused, asked.Refused)
    assert refused.code == AckReason.AGAINST_THE_RULES


@pytest.mark.parametrize(("asked_s", "given_s"), [(1, 10), (100_000, 3_600)])
def test_the_time_it_may_stay_open_is_bounded(asked_s: int, given_s: int) -> None:
    at = village()
    entry = opened(at, "dong", seconds=asked_s)
    at.wait(4)
    view = stands(at, entry)
    assert view.speaks_ms is not None
    assert view.ends_ms is not None
    assert view.ends_ms - view.speaks_ms == given_s * 1_000
