"""A relay at a station: what its sound child is told of it, and what the records say it was."""

from __future__ import annotations

import pytest

from agent.contract.documents import FileSource, RelayRule, StreamSource, TextSource, Version
from agent.core.cues import parts_from
from agent.player.protocol import Cue, Part
from tests.scenario.village import Village, entry

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
