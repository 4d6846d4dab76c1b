"""Programmes of different loudness leave the station alike; warnings leave louder."""

from __future__ import annotations

from agent.core.events import FilesMeasured
from agent.core.loudness import Loudness
from agent.core.requests import Check, DoctorRequest
from agent.player.protocol import Cue, Source
from tests.scenario.village import Village, entry


def cues_of(village: Village, source: str) -> list[Cue]:
    return [played.cue for played in village.box.played if source in played.sources]


def source_of(cue: Cue, kind: str) -> Source:
    return next(one for part in cue.parts for one in part.sources if one.kind == kind)


def test_a_loud_and_a_quiet_programme_leave_at_the_level_of_the_station() -> None:
    village = Village()
    village.timetable(entry("loud", "05:00", chime=True), entry("quiet", "05:05"))
    loud, quiet = village.publish("loud", 60), village.publish("quiet", 60)
    village.wait(200)  # the box measures files of its own accord
    village.box.tell(
        FilesMeasured(
            (
                (loud, Loudness(-800, 300, 20, 60_000)),
                (quiet, Loudness(-2_500, 900, -1_200, 60_000)),
            )
        )
    )
    village.until("05:10")
    [at_loud] = cues_of(village, f"content:{loud}")
    [at_quiet] = cues_of(village, f"content:{quiet}")
    assert source_of(at_loud, "file").gain_cdb == -1_000
    assert source_of(at_loud, "tone").gain_cdb == -1_200  # its chime
    assert source_of(at_quiet, "file").gain_cdb == 700


def test_what_is_not_measured_in_time_plays_as_it_was_recorded() -> None:
    village = Village()
    village.until("04:59:45")
    village.timetable(entry("late", "05:00"))
    sha256 = village.publish("late", 60)
    village.box.tell(FilesMeasured(((sha256, None),)))
    village.until("05:10")
    [cue] = cues_of(village, f"content:{sha256}")
    assert source_of(cue, "file").gain_cdb == 0


def test_the_doctor_says_what_is_missing_where_nothing_can_be_measured() -> None:
    def sound(village: Village) -> Check:
        checks: tuple[Check, ...] = village.ask(DoctorRequest()).checks
        return next(one for one in checks if one.name == "sound")

    village = Village()
    village.box.tell(FilesMeasured((("a" * 64, None),), "libebur128.so.1: not found"))
    check = sound(village)
    assert check.verdict == "warning"
    assert "libebur128-1" in check.next[0]
    assert "libebur128-1" in check.next[1]
    village.box.tell(FilesMeasured((("a" * 64, None),)))
    assert sound(village).verdict == "ok"


def test_the_siren_of_a_warning_is_not_lowered_to_the_level_of_programmes() -> None:
    village = Village()
    village.until("05:00")
    village.warn(minutes=10)
    village.wait(60)
    cues = [played.cue for played in village.box.played]
    assert cues
    assert all(one.gain_cdb >= 0 for cue in cues for part in cue.parts for one in part.sources)
