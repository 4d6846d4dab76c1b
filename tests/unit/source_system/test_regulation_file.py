"""A regulation as the commune writes it: read, or refused with the place of every fault."""

from __future__ import annotations

import datetime as dt
import re

import msgspec
import pytest

from agent.contract.documents import (
    AirWindow,
    ApprovalRule,
    Entry,
    FileSource,
    Regulation,
    Schedule,
    Settings,
    VolumeCeiling,
    When,
    ZoneSelector,
)
from agent.contract.reasons import OccurrenceReason
from agent.contract.strict import decode_signed
from agent.core.hours import fault_of
from simulator.source_system import compose
from simulator.source_system.home import Station, Zone
from simulator.source_system.problems import DistrictError
from simulator.source_system.regulation_desk import kept_back, preset, presets
from simulator.source_system.regulation_file import KEYS, LIKE, Commune, read_regulation

ZONES = ("thôn Đông", "thôn Đoài")
STATION = Station(
    id="tan-lien",
    name="Xã Tân Liên",
    zone=(Zone(name="thôn Đông", tags=("truong-hoc",)), Zone(name="thôn Đoài")),
)


at = dt.datetime.fromisoformat


def read(text: str) -> Commune:
    commune, findings = read_regulation(text.encode(), ZONES)
    assert commune is not None, [one.text("en") for one in findings]
    return commune


def faults(text: str) -> list[tuple[str, str]]:
    """(place and key, code) of each finding."""
    commune, findings = read_regulation(text.encode(), ZONES)
    assert commune is None
    return [(f"{one.place.line}{one.place.column}", one.code) for one in findings]


def test_every_key_is_read_into_the_settings_it_stands_for() -> None:
    commune = read(
        """
title = "Quy chế"
document_number = "12/2026/QĐ-UBND"
sessions_per_day = 2
silent_dates = [2027-02-06, "7/2/2027"]
languages = ["vi", "tay"]
ask_approval = true
approver_differs = true

[[window]]
hours = "5h - 6h30"
days = "T2-T6"
minutes = 15
zones = ["THÔN ĐÔNG"]

[[window]]
hours = "17:00-24:00"
tags = ["truong-hoc"]

[[ceiling]]
hours = "21:00-06:00"
volume = 0
days = ["T7", "CN"]

[[approval]]
authority = "tinh"
mode = "standing"
document_number = "03/QĐ"
"""
    )
    assert commune == Commune(
        Regulation(
            title="Quy chế",
            document_number="12/2026/QĐ-UBND",
            windows=(
                AirWindow(
                    hours="05:00-06:30",
                    days=(1, 2, 3, 4, 5),
                    session_ms=900_000,
                    zones=ZoneSelector(names=("thôn Đông",)),
                ),
                AirWindow(hours="17:00-24:00", zones=ZoneSelector(tags=("truong-hoc",))),
            ),
            silent_dates=("2027-02-06", "2027-02-07"),
            sessions_per_day=2,
            ceilings=(VolumeCeiling(hours="21:00-06:00", volume=0, days=(6, 7)),),
            languages=("vi", "tyz"),
        ),
        (ApprovalRule(authority="tinh", mode="standing", document_number="03/QĐ"),),
        True,
    )


def test_a_file_without_rules_lifts_them_all_only_when_it_says_so() -> None:
    assert faults("") == [("1:1", "rules_none")]
    assert faults('title = "Quy chế"\ndocument_number = "1/QĐ"') == [("1:1", "rules_none")]
    assert faults("none = false") == [("1:1", "rules_none")]
    assert read("none = true") == Commune(Regulation(), None, False)
    assert faults("none = true\nask_approval = true") == [("1:1", "rules_and_none")]
    window = '[[window]]\nhours = "05:00-06:00"'
    assert faults(f"none = true\n{window}") == [("1:1", "rules_and_none")]
    assert read(window).regulation.windows


def test_whoever_is_named_for_approval_makes_the_others_asked_too() -> None:
    assert read("ask_approval = true").approvals == ()
    named = read('[[approval]]\nauthority = "tinh"\nmode = "ask"').approvals
    assert named == (ApprovalRule(authority="tinh"),)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("sesions_per_day = 2", [("1:1", "key_unknown")]),
        ("[[windows]]\n", [("1:1", "key_unknown")]),
        ("[[window]]\n  hour = 1", [("1:1", "missing_like"), ("2:3", "key_unknown")]),
        ('[[window]]\nhours = "5h-25h"', [("2:1", "hours")]),
        ('[[window]]\nhours = "05:00-05:00"', [("2:1", "hours")]),
        ('[[window]]\nhours = "21:00-05:00"', [("2:1", "hours_day")]),
        ('[[window]]\nhours = "05:00-06:00"\ndays = "T9"', [("3:1", "write_like")]),
        ('[[window]]\nhours = "05:00-06:00"\ndays = "2026-03-02"', [("3:1", "days_weekly")]),
        ('[[window]]\nhours = "05:00-06:00"\nminutes = 0', [("3:1", "number")]),
        ('[[window]]\nhours = "05:00-06:00"\nminutes = true', [("3:1", "number")]),
        ('[[window]]\nhours = "05:00-06:00"\nzones = ["thôn Đoai"]', [("3:1", "zone_unknown")]),
        ('[[window]]\nhours = "05:00-06:00"\nzones = [1]', [("3:1", "write_like")]),
        ('[[ceiling]]\nhours = "21:00-06:00"', [("1:1", "missing_like")]),
        ('[[ceiling]]\nhours = "21:00-06:00"\nvolume = 101', [("3:1", "number")]),
        ("silent_dates = [2027-13-01]", [("1:21", "rules_toml")]),
        ('silent_dates = ["30/2/2027"]', [("1:1", "write_like")]),
        ('languages = ["tiếng sao"]', [("1:1", "language")]),
        ("ask_approval = 1", [("1:1", "write_like")]),
        ("window = 3", [("1:1", "write_like")]),
        ('[[approval]]\nauthority = "Tỉnh"', [("2:1", "authority")]),
        ('[[approval]]\nauthority = "tinh"\nmode = "yes"', [("3:1", "approval_mode")]),
        (
            '[[approval]]\nauthority = "tinh"\nmode = "standing"',
            [("1:1", "approval_document")],
        ),
        ("sessions_per_day = 2", [("1:1", "sessions_windows")]),
        ("title = ", [("1:9", "rules_toml")]),
    ],
)
def test_a_fault_is_told_with_its_line_and_column(text: str, found: list[tuple[str, str]]) -> None:
    assert faults(text) == found


def test_all_faults_are_told_at_once_in_both_languages_with_what_was_meant() -> None:
    text = '[[window]]\nhours = "5"\nzones = ["thon Doai"]\n[[window]]\nhours = "23:00-01:00"\n'
    _, findings = read_regulation(text.encode(), ZONES)
    assert [one.place.line for one in findings] == [2, 3, 5]
    assert "Ý bạn “thôn Đoài”?" in findings[1].text("vi")
    assert findings[1].text("en").startswith('line 3:1 "zones" “thon Doai”:')


@pytest.mark.parametrize(
    ("text", "vi", "en"),
    [
        (
            "ask_approval = 1",
            'dòng 1:1 "ask_approval" “1”: không đúng; viết như ask_approval = true.',
            'line 1:1 "ask_approval" “1”: not right; write it like ask_approval = true.',
        ),
        (
            '[[window]]\ndays = "T9"',
            'dòng 2:1 "days" “T9”: không đúng; viết như days = "T2-T6".',
            'line 2:1 "days" “T9”: not right; write it like days = "T2-T6".',
        ),
        (
            '[[ceiling]]\nhours = "21:00-06:00"',
            'dòng 1:1 "volume": còn thiếu; thêm volume = 60.',
            'line 1:1 "volume": this is missing; add volume = 60.',
        ),
        (
            "\nsessions_per_day = 2",
            'dòng 2:1 "sessions_per_day": mỗi khung giờ là một buổi mà chưa có khung nào; '
            "thêm [[window]] hoặc bỏ dòng này.",
            'line 2:1 "sessions_per_day": each window is a session, and there is none; '
            "add a [[window]] or take this line out.",
        ),
    ],
)
def test_a_fault_says_what_to_write_instead(text: str, vi: str, en: str) -> None:
    _, findings = read_regulation(text.encode(), ZONES)
    assert vi in [one.text("vi") for one in findings]
    assert en in [one.text("en") for one in findings]


def test_a_file_that_is_no_toml_names_an_example_to_compare() -> None:
    _, [finding] = read_regulation(b"title = ")
    for lang in ("vi", "en"):
        assert "districtctl regulation --preset" in finding.text(lang)


@pytest.mark.parametrize("key", sorted({key for keys in KEYS.values() for key in keys}))
def test_every_key_can_be_shown_as_it_is_written(key: str) -> None:
    numbers = {"minutes", "sessions_per_day"}  # their faults name the bounds
    assert key in numbers or LIKE[key].lstrip("[").startswith(key)


def test_bytes_that_are_no_utf8_are_a_fault_and_no_traceback() -> None:
    commune, [finding] = read_regulation(b"title = 'a'\n# \xe9\n")
    assert commune is None
    assert (finding.code, finding.place.line) == ("rules_not_utf8", 2)


# --- the examples --------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(presets()))
def test_an_example_is_read_names_its_evidence_and_makes_no_claim_of_law(name: str) -> None:
    raw = preset(name)
    commune, findings = read_regulation(raw)
    assert commune is not None
    assert findings == ()
    assert fault_of(commune.regulation) is None
    text = raw.decode()
    assert "Nguồn: " in text
    assert "không phải văn bản pháp luật" in text
    assert f"--preset {name}" in text
    assert commune.approvals == ()


@pytest.mark.parametrize("name", sorted(presets()))
def test_an_example_comes_out_of_the_signed_bytes_as_it_went_in(name: str) -> None:
    commune, _ = read_regulation(preset(name), ZONES)
    assert commune is not None
    settings = compose.settings_of(STATION, commune)
    made = compose.schedule(
        "huyen", "s/tan-lien", (), revision=1, made_from=0, now_ms=1, settings=settings
    )
    read_again = decode_signed(compose.encode(made))
    assert isinstance(read_again, Schedule)
    assert read_again.settings == settings
    assert settings.regulation == commune.regulation
    assert settings.regulation.windows


def test_the_examples_say_what_is_known_of_their_places() -> None:
    assert sorted(presets()) == [
        "chau-binh",
        "ha-noi-ngoai-thanh",
        "ha-noi-noi-thanh",
        "lien-chieu",
    ]

    def rules(name: str) -> Regulation:
        commune, _ = read_regulation(preset(name))
        assert commune is not None
        return commune.regulation

    inner = rules("ha-noi-noi-thanh")
    assert inner.sessions_per_day == 2
    assert {(one.session_ms, one.days) for one in inner.windows} == {(900_000, (1, 2, 3, 4, 5))}
    outer = rules("ha-noi-ngoai-thanh")
    assert {one.session_ms for one in outer.windows} == {2_700_000}
    ward = rules("lien-chieu")
    assert [(one.hours, one.session_ms) for one in ward.windows] == [
        ("05:30-06:30", 3_600_000),
        ("17:00-18:00", 3_600_000),
    ]
    assert [one.hours[:5] for one in rules("chau-binh").windows] == ["05:00", "17:30"]


def test_what_an_example_has_commented_out_is_right_too() -> None:
    text = preset("ha-noi-noi-thanh").decode()
    open_ = re.sub(r"^# (\[\[|[a-z_]+ = )", r"\1", text, flags=re.MULTILINE)
    commune = read(open_)
    assert commune.regulation.ceilings[0].hours == "21:00-06:00"
    assert commune.approvals is not None
    assert commune.approvals[0].mode == "standing"


def test_an_unknown_example_is_told_with_those_there_are() -> None:
    with pytest.raises(DistrictError) as caught:
        preset("../../etc/passwd")
    assert caught.value.code == "preset_unknown"
    assert "lien-chieu" in str(caught.value.detail)


# --- what it would keep back ---------------------------------------------------------------


def entry(name: str, start: str, **more: object) -> Entry:
    fields = {
        "id": name,
        "title": name,
        "when": When(start=f"2026-03-02T{start}:00", rrule="FREQ=DAILY"),
        "sources": (FileSource(slot=name),),
        "zones": ZoneSelector(all=True),
        "duration_ms": 600_000,
        **more,
    }
    return msgspec.convert(msgspec.to_builtins(fields), Entry)


def test_beforehand_it_is_told_what_will_be_kept_back_or_cut_and_when_first() -> None:
    commune = read(
        'document_number = "QĐ 1"\nlanguages = ["vi"]\nsilent_dates = [2026-03-05]\n'
        '[[window]]\nhours = "05:00-06:00"\nminutes = 15\n'
        '[[window]]\nhours = "17:00-18:00"\nzones = ["thôn Đông"]\n'
    )
    settings = compose.settings_of(STATION, commune)
    entries = [
        entry("sang", "05:00"),
        entry("them", "05:20"),
        entry("khuya", "22:00"),
        entry("cat", "17:55"),
        entry("tay", "05:00", language="tay"),
    ]
    found = list(kept_back(STATION, settings, entries, at("2026-03-01T12:00")))
    told = {(one.entry.id, one.reason): one for one in found}
    reasons = OccurrenceReason
    assert set(told) == {
        ("sang", reasons.SILENT_DATE),
        ("them", reasons.MINUTES_USED_UP),
        ("them", reasons.SILENT_DATE),
        ("khuya", reasons.OUTSIDE_HOURS),
        ("khuya", reasons.SILENT_DATE),
        ("cat", reasons.OUTSIDE_HOURS),
        ("cat", reasons.SILENT_DATE),
        ("tay", reasons.LANGUAGE_NOT_ALLOWED),
    }
    silent = told["sang", reasons.SILENT_DATE]
    assert (silent.first, silent.rule) == (at("2026-03-05T05:00"), "2026-03-05 (QĐ 1)")
    late = told["khuya", reasons.OUTSIDE_HOURS]
    assert (late.first, late.from_start) == (at("2026-03-02T22:00"), True)
    assert sorted(late.zones) == sorted(ZONES)


def test_only_a_cut_is_no_keeping_back() -> None:
    commune = read('[[window]]\nhours = "17:00-18:00"\n')
    settings = compose.settings_of(STATION, commune)
    [found] = kept_back(STATION, settings, [entry("cat", "17:55")], at("2026-03-01T12:00"))
    assert (found.reason, found.from_start) == (OccurrenceReason.OUTSIDE_HOURS, False)


def test_a_station_that_does_not_know_the_rules_is_not_sent_them_silently() -> None:
    commune = read('ask_approval = true\n[[window]]\nhours = "05:00-06:00"\n')
    rules = compose.settings_of(STATION, commune)
    for settings, needs in (
        (rules, {"regulation", "approval"}),
        (compose.settings_of(STATION), set()),
        (None, set()),
        (Settings(), set()),
    ):
        made = compose.schedule(
            "huyen", "s/tan-lien", (), revision=1, made_from=0, now_ms=1, settings=settings
        )
        assert set(made.requires) == needs
