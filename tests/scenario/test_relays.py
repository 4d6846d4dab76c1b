"""A relay at a station: what its sound child is told of it, and what the records say it was."""

from __future__ import annotations

import msgspec
import pytest

from agent.contract.documents import (
    FileSource,
    LineInSource,
    RelayRule,
    StreamSource,
    TextSource,
    Version,
)
from agent.contract.reasons import OccurrenceReason
from agent.contract.reports import OccurrenceRef, Segment
from agent.core.asrun import outcome_of
from agent.core.cues import parts_from
from agent.core.events import SoundHeard, SourceGaveUp, SourceTookOver
from agent.core.facts import OpenItem
from agent.core.requests import StatusRequest
from agent.player.hearing import Kind
from agent.player.protocol import Cue, Part, SourceFault
from simulator.world.office import Owner
from simulator.world.sound import Played
from tests.scenario.test_log_of_a_morning import lines
from tests.scenario.village import DAY, HOME, Village, entry

STREAM = StreamSource(url="https://live.example/voh")
SPARE = FileSource(slot="tiep-am")
RULE = RelayRule(retake="when_over", silent_ms=7_000)


@pytest.fixture
def village() -> Village:
    village = Village()
    village.timetable(
        entry("tiep-am", "05:00", seconds=600, sources=(STREAM, SPARE), relay=RULE, chime=True)
    )
    village.publish("tiep-am", 20)
    return village


def cue(village: Village) -> Cue:
    return village.box.played[-1].cue


def relayed(village: Village) -> Part:
    """The part of the newest cue that carries the relay."""
    return cue(village).parts[-1]


def test_a_cue_has_the_rule_of_its_relay(village: Village) -> None:
    village.until("05:00:10")
    assert len(cue(village).parts) == 2, "the chime and the relay"
    assert relayed(village).retake == "when_over"
    assert relayed(village).sources[0].silent_ms == 7_000


@pytest.mark.parametrize("breaks", ["child", "agent", "warning"])
def test_a_relay_that_goes_on_keeps_its_rule_and_asks_for_its_spare_file_anew(
    village: Village, breaks: str
) -> None:
    village.until("05:02:00")
    if breaks == "child":
        village.child_dies(2)
    elif breaks == "agent":
        village.kill(2)
    else:
        warning = village.warn()
        village.wait(20)
        village.cancel(warning)
    village.wait(20)
    assert cue(village).start_at_ms > village.wall0_ms + village.at("05:02")
    part = relayed(village)
    assert part.retake == "when_over"
    assert part.from_ms > 110_000, "its time is gone"
    assert [part.origin_ms(number) for number in range(2)] == [0, 0]


def test_versions_in_other_languages_leave_the_rule_of_what_they_follow(village: Village) -> None:
    told = entry(
        "tin",
        "05:30",
        sources=(FileSource(slot="tin"), STREAM),
        versions=(Version(language="tay", sources=(TextSource(text="Pjom."),)),),
        relay=RULE,
    )
    village.timetable(told)
    village.publish("tin", 30)
    village.until("05:29")
    assert village.box.life is not None
    air = village.box.life.station.air
    [sound] = [one for key, one in air.sounds.items() if "|tin|" in key]
    assert [part.retake for part in sound.main][:1] == ["when_over"]
    assert parts_from(sound, 10_000)[0].retake == "when_over"


# --- what records and screens say of it -----------------------------------------------------


class Relayed(Village):
    """A relay through a microphone, from five o'clock on, and an ear behind the mixer."""

    def __init__(self, rule: RelayRule, *sources: FileSource | LineInSource) -> None:
        super().__init__(inputs=("micro",))
        self.judge.case.announced.clear()
        self.office.owners["input:micro"] = Owner(HOME, "xa", DAY)
        self.timetable(
            entry(
                "xa",
                "05:00",
                seconds=60,
                sources=(LineInSource(input="micro"), *sources),
                relay=rule,
            )
        )
        self.publish("xa", 20)
        self.until("05:00:01")

    def now(self) -> Played:
        return self.box.played[-1]

    def hear(self, kind: Kind, for_s: float, source: int = 0) -> None:
        now = self.now()
        self.box.tell(
            SoundHeard(
                now.token, now.bus, 0, source, 0, self.wall_ms(), kind, round(for_s * 1_000), -9_000
            )
        )

    def leaves(self, fault: SourceFault, source: int = 0) -> None:
        self.box.tell(SourceGaveUp(self.now().token, 0, source, fault, self.wall_ms()))

    def plays(self, source: int) -> None:
        self.box.tell(SourceTookOver(self.now().token, 0, source, self.wall_ms()))

    def changes(self) -> list[tuple[str, str, str]]:
        found = [dict(one.fields) for one in lines(self, "source_changed")]
        return [(one["before"], one["source"], one["reason"]) for one in found]


SPARE_XA = FileSource(slot="xa")


def test_silence_of_a_relay_is_not_what_it_was_given_up_for_and_played_too() -> None:
    relay = Relayed(RelayRule(silent_ms=5_000), SPARE_XA)
    relay.until("05:00:10")
    relay.hear("silent", 4.0)
    relay.until("05:00:11")
    relay.leaves("silent")
    relay.wait(1.0)  # what it had in store is silent too
    relay.plays(1)
    relay.until("05:02")
    said = relay.outcome("xa")
    assert (said.outcome, said.reason) == ("partial", OccurrenceReason.SOUND_SILENT)
    assert said.silent_ms == pytest.approx(6_000, abs=100)
    assert said.played_ms == pytest.approx(54_000, abs=300)
    live, spare = said.sources
    assert live.source == "input:micro"
    assert live.played_ms == pytest.approx(6_000, abs=300)
    assert spare.source.startswith("file:")
    assert spare.played_ms == pytest.approx(48_000, abs=300)
    assert said.source == spare.source, "the one that sounded last"


def test_silence_too_short_to_be_told_of_is_known_by_what_gave_the_source_up() -> None:
    relay = Relayed(RelayRule(silent_ms=2_000), SPARE_XA)
    relay.until("05:00:11")
    relay.leaves("silent")
    relay.plays(1)
    relay.until("05:02")
    assert relay.outcome("xa").silent_ms == 2_000


def test_a_long_silence_at_the_end_of_a_relay_was_not_heard_though_nobody_left_it() -> None:
    relay = Relayed(RelayRule(silent_ms=20_000))
    relay.until("05:00:50")
    relay.hear("silent", 4.0)
    relay.until("05:02")
    said = relay.outcome("xa")
    assert said.silent_ms == pytest.approx(14_000, abs=200)
    assert said.played_ms == pytest.approx(46_000, abs=400)


def test_who_speaks_may_pause_and_the_pause_is_counted_all_the_same() -> None:
    relay = Relayed(RelayRule(silent_ms=0))
    relay.until("05:00:20")
    relay.hear("silent", 9.0)
    relay.until("05:00:25")
    relay.hear("sound", 1.0)
    relay.until("05:02")
    said = relay.outcome("xa")
    assert (said.outcome, said.reason, said.silent_ms) == ("played", None, 13_000)


def test_each_source_of_a_relay_is_recorded_with_its_time_and_logged_with_its_reason() -> None:
    relay = Relayed(RelayRule(), SPARE_XA)
    relay.until("05:00:30")
    relay.leaves("stalled")
    relay.plays(1)
    status = relay.ask(StatusRequest())
    [on] = status.on_air
    assert on.source.startswith("file:")
    assert on.source_ms == pytest.approx(relay.wall0_ms + relay.at("05:00:30"), abs=600)
    relay.until("05:00:50")
    relay.plays(0)
    relay.until("05:02")
    said = relay.outcome("xa")
    told = {one.source.partition(":")[0]: one.played_ms for one in said.sources}
    assert told == {"input": pytest.approx(40_000, abs=900), "file": pytest.approx(20_000, abs=900)}
    assert sum(told.values()) == said.played_ms
    assert said.source == "input:micro"
    file = on.source
    assert relay.changes() == [
        ("input:micro", file, "stalled"),
        (file, "input:micro", "well_again"),
    ]


def test_what_one_source_carried_alone_is_named_once() -> None:
    relay = Relayed(RelayRule(), SPARE_XA)
    relay.until("05:02")
    assert relay.outcome("xa").sources == ()


def test_a_zone_is_not_said_to_have_heard_what_was_silent_all_the_time() -> None:
    silent = Segment(from_ms=0, to_ms=9, position_ms=0, bus=0, level_cdb=-12_000, confirmed="yes")
    loud = msgspec.structs.replace(silent, level_cdb=-1_800)
    held = open_item(silent)
    assert outcome_of(held, "dong", None).confirmed == "unknown"
    assert outcome_of(open_item(loud), "dong", None).confirmed == "yes"


def open_item(*segments: Segment) -> OpenItem:
    ref = OccurrenceRef(authority="xa", audience="g/xa", entry="xa", nominal="2026-03-02T05:00:00")
    return OpenItem(
        key="k",
        ref=ref,
        title="Xã",
        klass=3,
        start_ms=0,
        play_ms=9,
        slot_ms=None,
        zones=("dong",),
        origin_ms=0,
        from_ms=0,
        epoch=0,
        sounded=True,
        finished=True,
        segments={"dong": segments},
    )


def test_a_station_without_a_card_says_what_should_sound_now() -> None:
    village = Village()
    village.timetable(entry("tin", "05:00", title="Bản tin sáng"))
    village.publish("tin", 300)
    village.until("05:00:10")
    assert village.ask(StatusRequest()).due == ()
    village.child_dies(60)
    village.wait(10)
    status = village.ask(StatusRequest())
    assert status.on_air == ()
    assert status.due == ("Bản tin sáng",)
