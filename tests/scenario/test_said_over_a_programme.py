"""`announce --over`: the programme is turned down where that is safe, and ends where it is not."""

from __future__ import annotations

from typing import Any

import pytest

from agent.contract.reasons import OccurrenceReason
from agent.core import requests as asked
from agent.player.protocol import Cue
from simulator.world.sound import Played
from tests.scenario.test_who_decided import HOA, tell
from tests.scenario.village import GATES_MS, Village, entry, only

MIC = "input:micro"
NEWS_S = 600


def village(*, buses: int = 1, **more: Any) -> Village:
    """A bulletin of ten minutes is on air in all three zones since five o'clock."""
    at = Village(buses=buses, inputs=("micro",))
    at.publish("ban-tin", NEWS_S)
    at.timetable(entry("ban-tin", "05:00", NEWS_S, **more))
    at.until("05:01:00")
    return at


def speaks(at: Village, *zones: str, seconds: int = 20, over: bool = True) -> str:
    answer = tell(at, asked.SpeakRequest(zones, seconds * 1_000, over=over), by=HOA)
    assert isinstance(answer, asked.Done), answer
    return answer.entry


def plays(at: Village, source: str) -> list[Played]:
    assert at.box.life is not None
    if at.box.life.card is not None:
        at.box.life.card.count()
    owned = at.office.owners
    return [
        one
        for one in at.box.played
        if any(
            name == source or (name in owned and owned[name].entry == source)
            for name in one.sources
        )
    ]


def cue_of(at: Village, source: str = MIC) -> Cue:
    return plays(at, source)[-1].cue


def test_the_bulletin_goes_on_beneath_in_one_piece() -> None:
    at = village()
    speaks(at)
    at.wait(40)
    [news] = plays(at, "ban-tin")
    assert news.ended_ms is None
    assert news.beneath_ms("dong") == pytest.approx(21_800, abs=300), "chime and twenty seconds"
    assert cue_of(at).over == news.token
    at.until("05:10:10")
    [news] = plays(at, "ban-tin")
    assert news.ended_ms is not None
    assert news.ended_ms - news.begins_ms == pytest.approx(NEWS_S * 1_000, abs=300)
    record = at.outcome("ban-tin")
    assert (record.outcome, record.reason) == ("partial", OccurrenceReason.PREEMPTED)
    assert record.played_ms == pytest.approx(NEWS_S * 1_000 - 21_800, abs=1_000)


def test_what_was_typed_is_said_over_it_too() -> None:
    at = village()
    at.ask(asked.AnnounceRequest((), "Mời bà con đi họp.", over=True))
    at.wait(40)
    [news] = plays(at, "ban-tin")
    assert news.ended_ms is None
    assert 2_000 < news.beneath_ms("trung") < 20_000


def test_unless_it_is_asked_for_an_announcement_holds_the_bulletin_off() -> None:
    at = village()
    speaks(at, over=False)
    at.wait(40)
    first, second = plays(at, "ban-tin")
    assert first.ended_ms is not None
    assert not first.beneath
    assert second.ended_ms is None


def test_where_it_is_for_some_zones_only_the_others_hear_neither() -> None:
    at = village()
    speaks(at, "dong")
    at.wait(40)
    [news] = plays(at, "ban-tin")
    assert news.ended_ms is None
    assert news.beneath_ms("dong") > 21_000
    assert news.beneath_ms("trung") < GATES_MS
    [voice] = plays(at, MIC)
    assert voice.heard_ms("trung") < GATES_MS
    at.wait(5)
    assert [one.zones for one in plays(at, "ban-tin")[0].stretches][-1] == {"dong", "trung", "doai"}


def test_a_bulletin_that_is_not_for_all_that_hear_the_announcement_is_ended() -> None:
    """Beneath it the zone next door would hear what is not for it."""
    at = village(zones=only("dong", "trung"))
    speaks(at)
    at.wait(40)
    first, second = plays(at, "ban-tin")
    assert first.ended_ms is not None
    assert not first.beneath
    assert max(first.heard_ms("doai"), second.heard_ms("doai")) < GATES_MS
    assert cue_of(at).over == ""


@pytest.mark.parametrize("resume", ["continue", "drop"])
def test_what_would_not_rejoin_its_own_time_is_not_talked_over(resume: str) -> None:
    at = village(resume=resume)
    speaks(at)
    at.wait(10)
    assert cue_of(at).over == ""
    assert not plays(at, "ban-tin")[0].beneath


def test_an_emergency_is_said_over_nothing_and_ends_both() -> None:
    at = village()
    speaks(at, seconds=300)
    at.wait(10)
    at.warn(minutes=5, repeat_every_ms=0)
    at.wait(10)
    [news] = plays(at, "ban-tin")
    [voice] = plays(at, MIC)
    assert news.ended_ms == voice.ended_ms
    assert news.ended_ms is not None
    warning = at.box.played[-1]
    assert warning.cue.over == ""
    refused = tell(at, asked.SpeakRequest((), 30_000, over=True), by=HOA)
    assert isinstance(refused, asked.Refused)


def test_a_bulletin_that_ends_beneath_is_over_and_the_announcement_is_not() -> None:
    at = village()
    at.until("05:09:50")
    entry_of = speaks(at)
    at.until("05:11:00")
    [news] = plays(at, "ban-tin")
    assert news.ended_ms == pytest.approx(news.begins_ms + NEWS_S * 1_000, abs=300)
    assert at.outcome(entry_of, "dong").outcome == "played"
    assert at.outcomes_of("ban-tin") == 3


def test_a_second_announcement_takes_the_place_of_the_first_over_the_same_bulletin() -> None:
    at = village()
    at.ask(asked.AnnounceRequest((), "Mời bà con đi họp tối nay tại nhà văn hóa.", over=True))
    at.wait(3)
    speaks(at)
    at.wait(60)
    [news] = plays(at, "ban-tin")
    assert news.ended_ms is None


def test_a_bulletin_that_is_taken_out_meanwhile_stops_beneath_at_once() -> None:
    at = village()
    speaks(at, seconds=60)
    at.wait(10)
    at.timetable()
    at.wait(2)
    [news] = plays(at, "ban-tin")
    assert news.ended_ms is not None
    [voice] = plays(at, MIC)
    assert voice.ended_ms is None


@pytest.mark.parametrize("event", ["child", "agent"])
def test_after_a_crash_the_bulletin_rejoins_its_time(event: str) -> None:
    at = village()
    speaks(at, seconds=30)
    at.wait(10)
    if event == "child":
        at.child_dies(3)
    else:
        at.kill(3)
    at.until("05:03:00")
    last = plays(at, "ban-tin")[-1]
    assert last.ended_ms is None
    begun_s = (last.begins_ms - at.at("05:00")) / 1_000
    assert last.parts[0][1] / 1_000 == pytest.approx(begun_s, abs=0.5)
    at.until("05:10:10")
    assert at.outcomes_of("ban-tin") == 3


def test_a_clock_that_is_set_meanwhile_brings_it_back_by_the_new_time() -> None:
    at = village()
    speaks(at, seconds=60)
    at.wait(10)
    at.set_clock(30)
    at.wait(70)
    last = plays(at, "ban-tin")[-1]
    assert last.ended_ms is None
    begun_s = (last.begins_wall_ms - at.wall0_ms - at.at("05:00")) / 1_000
    assert last.parts[0][1] / 1_000 == pytest.approx(begun_s, abs=0.5)


@pytest.mark.parametrize("crash", [False, True])
def test_where_the_clock_goes_back_meanwhile_nothing_is_heard_again(crash: bool) -> None:
    at = village()
    speaks(at, seconds=60)
    at.wait(40)
    if crash:
        at.child_dies(2)
    at.judge.file(at.box).clock_troubles.append((at.clock.now_ms, at.clock.now_ms))
    at.set_clock(-300)
    at.wait(70)
    first, last = plays(at, "ban-tin")[0], plays(at, "ban-tin")[-1]
    assert first.ended_ms is not None
    assert last is not first
    assert last.parts[0][1] >= first.ended_ms - first.begins_ms - 1_500


def test_on_two_buses_each_zone_keeps_its_own_programme_beneath() -> None:
    at = Village(buses=2, inputs=("micro",))
    for name in ("mot", "hai"):
        at.publish(name, NEWS_S)
    at.timetable(
        entry("mot", "05:00", NEWS_S, zones=only("dong")),
        entry("hai", "05:00", NEWS_S, zones=only("trung", "doai")),
    )
    at.until("05:01:00")
    speaks(at, "dong")
    at.wait(40)
    [one], [other] = plays(at, "mot"), plays(at, "hai")
    assert one.ended_ms is None
    assert one.beneath_ms("dong") > 21_000
    assert not other.beneath
    assert other.ended_ms is None
