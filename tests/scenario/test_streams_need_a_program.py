"""A box without the program that fetches RTSP: named where it is asked for, and nowhere else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.contract.documents import RelayRule, StreamSource, TextSource
from agent.contract.reasons import OccurrenceReason
from agent.core import requests as asked
from agent.core.requests import Check
from tests.scenario.village import Village, entry

CAMERA = StreamSource(url="rtsp://xa:bi-mat@camera.example/1", insecure_live=True)
STATION = StreamSource(url="https://live.example/voh")
WORDS = TextSource(text="Hôm nay không có tiếp âm.")


@pytest.fixture
def bare() -> Village:
    village = Village()
    village.box.knobs = replace(village.box.knobs, fetches_rtsp=False)
    assert village.box.life is not None
    village.box.life.look_at_host()
    return village


def sound_check(village: Village) -> Check:
    found: tuple[Check, ...] = village.ask(asked.DoctorRequest()).checks
    return next(one for one in found if one.name == "sound")


def test_the_doctor_names_the_missing_program_before_the_stream_is_due(bare: Village) -> None:
    bare.timetable(entry("tiep-am", "05:00", seconds=60, sources=(CAMERA, WORDS)))
    bare.until("04:59")
    check = sound_check(bare)
    assert check.verdict == "fault"
    assert ("ffmpeg" in check.next[0], "ffmpeg" in check.next[1]) == (True, True)
    assert "bi-mat" not in str(check)


def test_a_box_that_needs_no_such_program_is_not_told_of_it(bare: Village) -> None:
    bare.timetable(entry("tiep-am", "05:00", seconds=60, sources=(STATION, WORDS)))
    bare.until("04:59")
    assert sound_check(bare).verdict == "ok"


def test_with_the_program_the_doctor_is_content() -> None:
    village = Village()
    village.timetable(entry("tiep-am", "05:00", seconds=60, sources=(CAMERA, WORDS)))
    village.until("04:59")
    assert sound_check(village).verdict == "ok"


def test_what_sounded_instead_is_recorded_with_the_missing_program(bare: Village) -> None:
    once = RelayRule(retake="never")
    bare.timetable(entry("tiep-am", "05:00", seconds=60, sources=(CAMERA, WORDS), relay=once))
    bare.until("05:02")
    said = bare.outcome("tiep-am")
    assert (said.outcome, said.reason) == ("partial", OccurrenceReason.PROGRAM_MISSING)
    assert said.source == "text"


def test_a_stream_with_nothing_behind_it_is_missing_for_that_reason(bare: Village) -> None:
    bare.timetable(entry("tiep-am", "05:00", seconds=60, sources=(CAMERA,)))
    bare.until("05:02")
    outcome, reason = bare.told("tiep-am")
    assert outcome != "played"
    assert reason is OccurrenceReason.PROGRAM_MISSING
