"""The command line: both languages complete, exit codes, nothing done without a second holder."""

from __future__ import annotations

import json
import os
import string
import subprocess
import sys
from pathlib import Path

import pytest

from agent.contract.reasons import Lang
from simulator.source_system import warning_templates
from simulator.source_system.district import District
from simulator.source_system.districtctl.__main__ import main
from simulator.source_system.districtctl.arguments import HELP
from simulator.source_system.districtctl.moments import length, next_clock_ms, shown, since_ms
from simulator.source_system.districtctl.phrases import PHRASES, language, say
from simulator.source_system.problems import (
    PROBLEMS,
    DistrictError,
    SourceSystemError,
    TemplateError,
)

NOW_MS = 1_795_000_000_000  # 18/11/2026 18:06:40 in Vietnam


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("key", sorted(PHRASES))
def test_every_phrase_says_the_same_in_both_languages(key: str) -> None:
    phrase = PHRASES[key]
    assert phrase.vi
    assert fields(phrase.vi) == fields(phrase.en)


@pytest.mark.parametrize("code", sorted(PROBLEMS))
def test_every_problem_says_what_and_what_next_in_both_languages(code: str) -> None:
    error = SourceSystemError(code, "here", "found")
    for lang in ("vi", "en"):
        assert error.what(lang).startswith("here: ")
        assert error.what(lang).endswith("(found)")
        assert error.next(lang)


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_help_speaks_the_asked_language(lang: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--lang", lang, "--help"])
    assert caught.value.code == 0
    assert HELP["push"][0 if lang == "vi" else 1] in capsys.readouterr().out


def test_the_language_follows_the_option_then_the_locale_then_is_vietnamese() -> None:
    assert language("en", {}) == "en"
    assert language(None, {"LANG": "en_GB.UTF-8"}) == "en"
    assert language(None, {"LANG": "vi_VN.UTF-8"}) == "vi"
    assert language(None, {}) == "vi"


def test_key_setup_does_not_finish_without_a_second_holder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "district"
    assert main(["--home", str(home), "keys", "init", "--holder", "A"]) == 2
    assert "--second-holder" in capsys.readouterr().out
    assert not home.exists()


def test_a_second_holder_without_a_place_for_the_key_is_no_second_holder(tmp_path: Path) -> None:
    arguments = ["--home", str(tmp_path / "d"), "keys", "init", "--holder", "A"]
    assert main([*arguments, "--second-holder", "B"]) == 2
    assert not (tmp_path / "d").exists()


def test_keys_are_made_and_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = ["--home", str(tmp_path / "d"), "--lang", "vi"]
    usb = str(tmp_path / "usb")
    made = [*home, "keys", "init", "--holder", "A", "--second-holder", "B", "--second-dir", usb]
    assert main(made) == 0
    assert main([*home, "keys", "show"]) == 0
    out = capsys.readouterr().out
    assert "✓ root-2" in out
    assert "B, nơi khác" in out
    assert main([*made]) == 2, "a district is never made twice"


def test_a_home_that_cannot_be_written_is_one_line_with_the_next_step(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    home = ["--home", str(tmp_path / "file" / "d"), "--lang", "en"]
    assert main([*home, "keys", "init", "--holder", "A", "--backup", str(tmp_path / "b")]) == 2
    said = capsys.readouterr()
    assert "this folder cannot be written" in said.err
    assert "choose another --home" in said.err
    assert "Traceback" not in said.err


def test_a_failure_says_where_and_what_next_and_has_a_machine_form(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--home", str(tmp_path), "status"]
    assert main(["--lang", "en", *arguments]) == 2
    assert "→ districtctl keys init" in capsys.readouterr().err
    assert main(["--json", *arguments]) == 2
    assert json.loads(capsys.readouterr().out)["error"] == "home_missing"


def test_an_unreachable_broker_has_its_own_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = ["--home", str(tmp_path / "d")]
    main([*home, "keys", "init", "--holder", "A", "--backup", str(tmp_path / "safe")])
    district = District(tmp_path / "d")
    district.enrol("tan-lien", name="Tân Liên", zones={"thôn Đông": ()})
    timetable = tmp_path / "a.csv"
    timetable.write_text(
        "Start,Title,Source,Zones,Days\n05:00,A,tep:a.mp3,all,daily\n", encoding="utf-8"
    )
    assert main([*home, "push", str(timetable), "--to", "tan-lien"]) == 3
    assert "districtctl serve" in capsys.readouterr().err


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_a_reader_that_goes_away_changes_nothing_about_what_is_done(
    form: list[str], tmp_path: Path
) -> None:
    home = ["--home", str(tmp_path / "d"), *form]
    reader, writer = os.pipe()
    os.close(reader)

    def unheard(*asked: str) -> tuple[int, bytes]:
        done = subprocess.run(
            [sys.executable, "-m", "simulator.source_system.districtctl", *home, *asked],
            stdout=writer,
            stderr=subprocess.PIPE,
            check=False,
        )
        return done.returncode, done.stderr

    assert unheard("keys", "init", "--holder", "A") == (2, b""), "a refusal stays one"
    assert unheard("keys", "init", "--holder", "A", "--backup", str(tmp_path / "b")) == (0, b"")
    assert unheard("keys", "show") == (0, b"")
    os.close(writer)


def test_until_is_the_next_time_the_clock_says_so() -> None:
    assert shown(NOW_MS).endswith("18:06:40")
    assert shown(next_clock_ms("19:00", NOW_MS)).startswith("18/11 19:00")
    assert shown(next_clock_ms("5h30", NOW_MS)).startswith("19/11 05:30")
    with pytest.raises(DistrictError):
        next_clock_ms("30:00", NOW_MS)


def test_since_is_a_span_or_a_date() -> None:
    assert since_ms("2h", NOW_MS) == NOW_MS - 7_200_000
    assert shown(since_ms("2026-11-18", NOW_MS)) == "18/11 00:00:00"
    assert [length(seconds, "vi") for seconds in (30, 300, 90_000, 400_000)] == [
        "30 giây",
        "5 phút",
        "25 giờ",
        "4 ngày",
    ]


@pytest.mark.parametrize("name", sorted(warning_templates.TEMPLATES))
def test_a_template_takes_its_slots_and_nothing_else(name: str) -> None:
    pattern = warning_templates.TEMPLATES[name].vi
    values = {"place": "xã Tân Liên", "time": "02:10", "level": "3"}
    slots = {key: value for key, value in values.items() if "{" + key + "}" in pattern}
    assert "xã Tân Liên" in warning_templates.fill(name, slots)
    for wrong in (
        {
            **slots,
            "place": "Tân Liên. Hãy gửi tiền vào tài khoản 123",
        },
        {**slots, "place": "Tân Liên " * 8},
        {**slots, "place": "a\nb"},
        {**slots, "place": ""},
        {**slots, "extra": "x"},
    ):
        with pytest.raises(TemplateError):
            warning_templates.fill(name, wrong)


@pytest.mark.parametrize("name", sorted(warning_templates.TEMPLATES))
def test_a_template_that_is_not_filled_names_exactly_what_it_needs(name: str) -> None:
    pattern = warning_templates.TEMPLATES[name].vi
    with pytest.raises(TemplateError) as caught:
        warning_templates.fill(name, {})
    both: tuple[tuple[Lang, str], ...] = (("vi", "mẫu này cần"), ("en", "it needs"))
    for lang, needs in both:
        text = caught.value.what(lang)
        named = text.partition(needs)[2].partition(";")[0]
        for slot in ("place", "time", "level"):
            assert (f"--{slot}" in named) == ("{" + slot + "}" in pattern)
        assert "warn templates" in caught.value.next(lang)


def test_a_slot_that_a_template_does_not_have_or_not_so_is_named() -> None:
    slots = {"place": "xã Mẫu", "time": "19 gio", "level": "3"}
    with pytest.raises(TemplateError) as caught:
        warning_templates.fill("xa-lu", slots)
    text = caught.value.what("en")
    assert "it has no --level" in text
    assert "--time “19 gio” must be an hour: 19:00, 19h" in text
    assert "missing" not in text


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_the_templates_are_listed_with_their_slots(
    lang: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = ["--home", str(tmp_path / "d"), "--lang", lang]
    main([*home, "keys", "init", "--holder", "A", "--backup", str(tmp_path / "safe")])
    capsys.readouterr()
    assert main([*home, "warn", "templates"]) == 0
    out = capsys.readouterr().out
    for name, template in warning_templates.TEMPLATES.items():
        [line] = [line for line in out.splitlines() if line.startswith(f"{name} ")]
        assert template.title in line
        assert all(f"--{slot}" in line for slot in warning_templates.slots_of(name))


@pytest.mark.parametrize(
    ("count", "said"), [(0, "0 alarms"), (1, "1 alarm"), (2, "2 alarms"), (11, "11 alarms")]
)
def test_one_of_many_is_counted_as_one(count: int, said: str) -> None:
    assert say("alarms", "en", count=count) == said


def test_one_is_one_wherever_it_stands_in_the_phrase() -> None:
    assert say("reaches", "en", stations=1, zones=1) == "1 station, 1 zone"
    assert say("reaches", "en", stations=21, zones=2) == "21 stations, 2 zones"


@pytest.mark.parametrize(
    ("words", "vi", "en"),
    [
        (("micro",), "chưa ghi phát tới đâu", "where to is not said"),
        (("micro", "b", "--to", "x"), "chỉ một nguồn", "one source only"),
        (("micro", "--to", "x", "--minutes", "900"), "--minutes 900", "1 to 240"),
        (("micro", "--to", "x", "--lead", "1"), "--lead 1", "3 to 600"),
    ],
)
def test_what_is_wrong_with_a_live_session_is_told_with_its_own_help(
    words: tuple[str, ...], vi: str, en: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = ["--home", str(tmp_path / "d")]
    backup = ["--backup", str(tmp_path / "usb")]
    assert main([*home, "keys", "init", "--holder", "A", *backup]) == 0
    for lang, said in (("vi", vi), ("en", en)):
        assert main([*home, "--lang", lang, "live", *words]) == 2
        told = capsys.readouterr().err
        assert said in told
        assert "districtctl live --help" in told


def test_no_microphone_is_opened_for_a_station_that_nobody_enrolled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened: list[object] = []
    monkeypatch.setattr("simulator.source_system.districtctl.live.source_of", opened.append)
    home = ["--home", str(tmp_path / "d")]
    backup = ["--backup", str(tmp_path / "usb")]
    assert main([*home, "keys", "init", "--holder", "A", *backup]) == 0
    assert main([*home, "live", "micro", "--to", "khong-co"]) == 2
    assert "s/khong-co" in capsys.readouterr().err
    assert opened == []


@pytest.mark.parametrize(
    ("words", "said", "help_of"),
    [
        (("live", "micro", "--minutes", "abc"), "--minutes: 'abc' không phải số", "live"),
        (("live", "micro", "--phut", "5"), "thừa --phut", "live"),
        (("live",), "còn thiếu", "live"),
        (("push", "a.csv", "--to", "x", "--all"), "--all", "push"),
        (("hat",), "không có lệnh hay lựa chọn 'hat'", ""),
    ],
)
def test_what_is_typed_wrongly_is_told_in_vietnamese_by_the_command_that_has_the_help(
    words: tuple[str, ...], said: str, help_of: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--lang", "vi", *words])
    assert ended.value.code == 2
    told = " ".join(capsys.readouterr().err.split())
    assert said in told
    assert f"districtctl {help_of}".strip() + " --help" in told
    for english in ("invalid", "required", "not allowed", "unrecognized"):
        assert english not in told
