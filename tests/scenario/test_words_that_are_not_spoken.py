"""A box without a speech engine: what sounds instead is told as what it is, never as the words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.contract.documents import FileSource, TextSource
from agent.contract.documents import Warning as Emergency
from agent.contract.reasons import OccurrenceReason
from agent.contract.reports import AsRun
from agent.core import requests as asked
from agent.core.requests import Check
from agent.core.warnings import warning_entry
from tests.scenario.village import Village, entry

UNSPOKEN = OccurrenceReason.SPEECH_UNAVAILABLE


@pytest.fixture
def mute() -> Village:
    village = Village()
    village.box.knobs = replace(village.box.knobs, speech_works=False)
    return village


def sound_check(village: Village) -> Check:
    found: tuple[Check, ...] = village.ask(asked.DoctorRequest()).checks
    return next(one for one in found if one.name == "sound")


def outcome_of(village: Village, warning: Emergency) -> AsRun:
    return village.outcome(warning_entry(warning.id, warning.revision))


@pytest.mark.parametrize("siren", [True, False])
def test_a_warning_of_which_only_the_tone_sounded_is_told_as_partly_played(
    mute: Village, *, siren: bool
) -> None:
    mute.until("06:00")
    warning = mute.warn(siren=siren)
    mute.wait(60)
    told = outcome_of(mute, warning)
    assert (told.outcome, told.reason, told.source) == ("partial", UNSPOKEN, "tone")
    assert told.languages_missing == tuple(warning.texts)
    assert told.played_ms > 0


def test_a_warning_that_was_spoken_is_told_as_played_from_its_text() -> None:
    village = Village()
    village.until("06:00")
    warning = village.warn()
    village.wait(120)
    told = outcome_of(village, warning)
    assert (told.outcome, told.reason, told.source) == ("played", None, "text")
    assert sound_check(village).verdict == "ok"


def test_a_text_of_the_timetable_that_gave_way_is_told_as_what_sounded(mute: Village) -> None:
    sha256 = mute.publish("hop", 20)
    words = TextSource(text="Mời bà con đi họp.", language="vi")
    mute.timetable(entry("hop", "06:00", None, (words, FileSource(slot="hop"))))
    mute.until("06:02")
    assert mute.outcome("hop").source == f"file:{sha256[:12]}"


@pytest.mark.parametrize("repeat_every_ms", [0, 1_800_000])
def test_a_warning_without_words_is_said_again_as_soon_as_it_can_be_spoken(
    mute: Village, repeat_every_ms: int
) -> None:
    mute.until("06:00")
    mute.warn(repeat_every_ms=repeat_every_ms)
    mute.wait(300)
    assert len(mute.heard("warning", "dong")) <= 1  # the siren alone, once
    mute.box.knobs = replace(mute.box.knobs, speech_works=True)
    mute.wait(90)
    spoken = [one for one in mute.heard("warning", "dong") if one.begin > "06:05"]
    assert len(spoken) == 1
    mute.wait(300)
    assert len([one for one in mute.heard("warning", "dong") if one.begin > "06:05"]) == 1


def test_a_warning_that_lost_its_words_finds_them_after_a_power_cut_too(mute: Village) -> None:
    mute.until("06:00")
    mute.warn()
    mute.wait(60)
    mute.box.knobs = replace(mute.box.knobs, speech_works=True)
    mute.power_cut(30)
    mute.wait(120)
    assert len([one for one in mute.heard("warning", "dong") if one.begin > "06:01:30"]) == 1


def test_the_doctor_names_the_words_that_cannot_be_spoken_until_they_can(mute: Village) -> None:
    assert sound_check(mute).verdict == "ok"
    mute.until("06:00")
    mute.warn()
    mute.wait(5)
    check = sound_check(mute)
    assert check.verdict != "ok"
    assert check.next[1]
    mute.wait(600)
    assert sound_check(mute).verdict != "ok"
    mute.box.knobs = replace(mute.box.knobs, speech_works=True)
    mute.warn()
    mute.wait(60)
    assert sound_check(mute).verdict == "ok"
