"""It plays, and nothing is heard: found, mended, told in the records, and not confused with a file
that is silent by itself."""

from __future__ import annotations

import msgspec
import pytest

from agent.contract.reasons import AlarmCode, OccurrenceReason
from agent.contract.reports import AlarmEvent, Event
from agent.core.events import ControllerSeen, FilesMeasured, SoundHeard, ZoneSeen
from agent.core.loudness import Loudness, Quiet
from simulator.world.sound import Played
from tests.scenario.village import STATION, Village, entry

PROGRAMME = Loudness(-1_900, 500, -300, 60_000)
SILENT = Loudness(None, None, None, 60_000)
SILENCE_MS = 3_600


class Morning(Village):
    """A minute of programme from five o'clock on, and an ear behind the mixer."""

    def __init__(self, measured: Loudness | None, buses: int = 1) -> None:
        super().__init__(buses)
        self.timetable(entry("tin", "05:00"))
        sha256 = self.publish("tin", 60)
        self.wait(200)
        self.box.tell(FilesMeasured(((sha256, measured),)))

    @property
    def on_air(self) -> Played:
        return self.box.played[-1]

    def hear(self, kind: str, for_ms: int = SILENCE_MS) -> None:
        """What leaves the mixer of the cue that plays now."""
        now = self.on_air
        position_ms = self.clock.now_ms - now.begins_ms + now.parts[0][1]
        at_ms = self.wall_ms()
        self.box.tell(
            SoundHeard(now.token, now.bus, 0, 0, position_ms, at_ms, kind, for_ms, -9_000)  # type: ignore[arg-type]
        )

    def alarms(self) -> list[tuple[str, str]]:
        held = self.broker.collector.events[STATION]
        events = [msgspec.json.decode(raw, type=Event).body for _, raw in sorted(held.items())]
        return [
            (one.state, one.detail)
            for one in events
            if isinstance(one, AlarmEvent) and one.code is AlarmCode.SOUND_SILENT
        ]


def tokens(morning: Morning) -> list[str]:
    return [played.token for played in morning.box.played]


@pytest.mark.parametrize("kind", ["silent", "hiss"])
def test_what_plays_and_is_not_heard_is_given_anew_and_the_gap_is_told(kind: str) -> None:
    morning = Morning(PROGRAMME)
    morning.until("05:00:20")
    morning.hear(kind)
    morning.wait(1)
    assert len(tokens(morning)) == 2
    morning.hear("sound", 300)
    morning.until("05:02")
    said = morning.outcome("tin")
    assert (said.outcome, said.reason) == ("partial", OccurrenceReason.SOUND_SILENT)
    assert said.silent_ms == SILENCE_MS
    [gap] = [one for one in said.segments if one.gap is not None]
    assert gap.gap is OccurrenceReason.SOUND_SILENT
    assert SILENCE_MS <= gap.to_ms - gap.from_ms <= SILENCE_MS + 300
    assert morning.alarms() == [("raised", kind), ("cleared", kind)]


def test_the_second_time_the_sound_child_is_replaced_and_then_it_is_left_alone() -> None:
    morning = Morning(PROGRAMME)
    morning.until("05:00:10")
    for _ in range(2):
        morning.hear("silent")
        morning.wait(4)
    assert morning.box.life is not None
    assert len(tokens(morning)) == 3
    for _ in range(3):
        morning.hear("silent", 8_600)
        morning.wait(5)
    assert len(tokens(morning)) == 3
    morning.until("05:02")
    said = morning.outcome("tin")
    assert (said.outcome, said.reason) == ("partial", OccurrenceReason.SOUND_SILENT)
    assert said.silent_ms == 2 * SILENCE_MS + 8_600


def test_of_a_file_that_was_not_measured_silence_may_be_the_programme() -> None:
    morning = Morning(None)
    morning.until("05:00:10")
    for _ in range(3):
        morning.hear("silent")
        morning.wait(4)
    assert len(tokens(morning)) == 2


def test_a_pause_that_was_measured_in_the_file_is_no_fault() -> None:
    morning = Morning(Loudness(-1_900, 500, -300, 60_000, (Quiet(10_000, 20_000),)))
    morning.until("05:00:15")
    morning.hear("silent", 4_500)
    morning.until("05:02")
    assert morning.told("tin") == ("played", None)
    assert morning.outcome("tin").silent_ms == 0
    assert morning.alarms() == []


def test_silence_beyond_a_measured_pause_is_a_fault() -> None:
    morning = Morning(Loudness(-1_900, 500, -300, 60_000, (Quiet(10_000, 14_000),)))
    morning.until("05:00:20")
    morning.hear("silent", 9_000)
    morning.wait(1)
    assert len(tokens(morning)) == 2


def test_a_file_of_silence_is_named_and_nothing_is_repaired() -> None:
    morning = Morning(SILENT)
    for second in (4, 9, 14):
        morning.until(f"05:00:{second:02}")
        morning.hear("silent", 1_000 * second - 400)
    morning.wait(2)
    assert morning.alarms() == [("raised", "content")]
    morning.until("05:02")
    assert len(tokens(morning)) == 1
    said = morning.outcome("tin")
    assert (said.outcome, said.reason) == ("partial", OccurrenceReason.CONTENT_SILENT)
    assert said.silent_ms == 13_600
    assert said.played_ms == pytest.approx(60_000 - 13_600, abs=500)
    assert morning.alarms() == [("raised", "content"), ("cleared", "content")]


def test_what_is_heard_leaves_no_trace() -> None:
    morning = Morning(PROGRAMME)
    morning.until("05:00:10")
    morning.hear("sound", 5_000)
    morning.hear("silent", 2_000)  # too short to mean anything
    morning.until("05:02")
    assert morning.told("tin") == ("played", None)
    assert morning.outcome("tin").silent_ms == 0
    assert morning.alarms() == []


def returned(morning: Morning, level_cdb: int | None) -> None:
    """What the amplifier measures behind itself in the first zone."""
    zones = tuple(
        ZoneSeen(name, True, "yes", "ok", level_cdb if name == "dong" else None)
        for name in ("dong", "trung", "doai")
    )
    morning.box.tell(ControllerSeen("c1", "ready", zones, power="on"))


def zone_alarms(morning: Morning) -> list[tuple[str, str, str]]:
    held = morning.broker.collector.events[STATION]
    events = [msgspec.json.decode(raw, type=Event).body for _, raw in sorted(held.items())]
    return [
        (one.subject, one.state, one.detail)
        for one in events
        if isinstance(one, AlarmEvent) and one.code is AlarmCode.ZONE_NOT_CONFIRMED
    ]


def test_an_amplifier_that_gives_nothing_out_is_told_of_and_its_zone_is_not_confirmed() -> None:
    morning = Morning(PROGRAMME)
    morning.until("05:00:12")
    returned(morning, -9_600)
    morning.until("05:02")
    assert zone_alarms(morning) == [
        ("dong", "raised", "return_silent"),
        ("dong", "cleared", "return_silent"),
    ]
    said = morning.outcome("tin")
    assert (said.outcome, said.confirmed) == ("played", "no")
    assert said.reason is OccurrenceReason.RETURN_SILENT
    assert morning.outcome("tin", "trung").confirmed != "no"  # nobody measures there


def test_an_amplifier_that_gives_out_what_goes_in_is_believed() -> None:
    morning = Morning(PROGRAMME)
    morning.until("05:00:12")
    returned(morning, -3_000)
    morning.until("05:02")
    assert zone_alarms(morning) == []
    assert morning.told("tin") == ("played", None)
