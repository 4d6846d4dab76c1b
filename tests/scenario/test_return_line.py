"""A return line behind the amplifier: what does not come back is told; what is not heard is not."""

from __future__ import annotations

from agent.contract.reasons import AlarmCode, OccurrenceReason
from agent.core.events import AudioSeen, BusHeard, ReturnCompared, ReturnHeard, SoundReturned
from agent.core.requests import (
    AlarmsRequest,
    AudioRequest,
    AudioView,
    Done,
    Refused,
    StatusRequest,
    StatusView,
    TestToneRequest,
    ToneRequest,
    ToneReturned,
    ToneView,
    ZonesRequest,
    ZonesView,
)
from agent.player.protocol import PATTERN_MS
from tests.scenario.village import Village, entry, only


class Morning(Village):
    """A minute of programme from five o'clock on, one bus, and a line that hears it."""

    def __init__(self, zones: tuple[str, ...] = ("dong", "trung", "doai")) -> None:
        super().__init__(return_bus=0)
        self.timetable(entry("tin", "05:00", zones=only(*zones)))
        self.publish("tin", 60)
        self.wait(200)

    def comes_back(self, lacks_ms: int) -> None:
        self.box.tell(SoundReturned(0, lacks_ms, self.wall_ms()))

    def zones(self) -> dict[str, str]:
        view = self.ask(ZonesRequest())
        assert isinstance(view, ZonesView)
        return {one.name: one.confirmed for one in view.zones}

    def tone(self, entry: str) -> ToneView:
        view = self.ask(ToneRequest(entry))
        assert isinstance(view, ToneView)
        return view


def test_zones_of_which_nothing_comes_back_are_not_confirmed_until_it_does() -> None:
    morning = Morning(("dong", "trung"))
    morning.until("05:00:20")
    morning.comes_back(3_600)
    morning.wait(10)
    morning.comes_back(0)
    morning.until("05:02")
    said = morning.outcome("tin")
    assert (said.outcome, said.confirmed, said.reason) == (
        "played",
        "no",
        OccurrenceReason.RETURN_SILENT,
    )
    doubted = [one for one in said.segments if one.confirmed == "no"]
    assert 9_000 <= sum(one.to_ms - one.from_ms for one in doubted) <= 11_500
    assert {said.segments[0].confirmed, said.segments[-1].confirmed} == {"yes"}


def test_a_zone_that_hears_nothing_of_it_is_not_doubted_and_the_next_item_begins_anew() -> None:
    morning = Morning(("dong",))
    morning.until("05:00:20")
    morning.comes_back(3_600)
    morning.wait(2)
    assert morning.zones()["dong"] == "no"
    assert morning.zones()["trung"] != "no"
    alarms = morning.ask(AlarmsRequest())
    assert [(one.code, one.subject, one.detail) for one in alarms.alarms] == [
        (AlarmCode.ZONE_NOT_CONFIRMED, "dong", OccurrenceReason.RETURN_SILENT)
    ]
    morning.until("05:01:30")
    assert "no" not in morning.zones().values()


def test_a_word_of_the_line_while_nothing_sounds_doubts_nobody() -> None:
    morning = Morning()
    morning.comes_back(3_600)
    morning.wait(5)
    assert "no" not in morning.zones().values()


def test_a_self_test_is_a_test_tone_whose_answer_comes_later() -> None:
    morning = Morning()
    taken = morning.ask(TestToneRequest(("dong",), pattern=True))
    assert isinstance(taken, Done)
    morning.wait(4)
    played = morning.box.played[-1]
    view = morning.tone(taken.entry)
    assert (view.state, view.measuring, view.returned) == ("over", True, None)
    morning.box.tell(ReturnCompared(played.token, True, "", 61_000, -2_100, 3_000))
    morning.wait(1)
    view = morning.tone(taken.entry)
    assert (view.measuring, view.returned) == (
        False,
        ToneReturned(True, "", 61_000, -2_100, 3_000),
    )
    assert PATTERN_MS - 100 <= view.zones[0].played_ms <= PATTERN_MS + 100


def test_a_self_test_is_bound_by_the_rules_of_a_test_tone() -> None:
    morning = Morning()
    morning.until("05:00:20")
    assert isinstance(morning.ask(TestToneRequest(("dong",), pattern=True)), Refused)


def test_an_ordinary_tone_asks_the_line_nothing() -> None:
    morning = Morning()
    taken = morning.ask(TestToneRequest(("dong",), 1_000))
    morning.wait(5)
    view = morning.tone(taken.entry)
    assert (view.state, view.measuring, view.returned) == ("over", False, None)


def test_the_card_is_shown_as_it_was_last_measured_with_what_plays() -> None:
    morning = Morning(("dong",))
    morning.until("05:00:20")
    heard = BusHeard(0, "sound", 9_000, -1_800, -600, levelled_cdb=-640)
    back = ReturnHeard(0, "silent", "", 8_000, -9_000, -8_900, 4_000)
    morning.box.tell(
        AudioSeen("dai", "dai (hw:1,0)", 2_048, 85, 3, 1, -20, buses=(heard,), back=back)
    )
    view = morning.ask(AudioRequest())
    assert isinstance(view, AudioView)
    assert (view.player, view.device, view.underruns, view.drift_ppm) == ("ready", "dai", 3, -20)
    [bus] = view.buses
    assert (bus.title != "", bus.zones, bus.level_cdb, bus.kind, bus.levelled_cdb) == (
        True,
        ("dong",),
        -1_800,
        "sound",
        -640,
    )
    assert view.back is not None
    assert view.back.lacks_ms == 4_000
    status = morning.ask(StatusRequest())
    assert isinstance(status, StatusView)
    assert status.details is not None
    assert (status.details.counts.underruns, status.details.counts.reopened) == (3, 1)
