"""A bulletin in several languages, as an engineer writes it: one column, or one key, each."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.contract.documents import FEATURES, FileSource, Schedule, TextSource, Version
from simulator.source_system.compose import schedule
from simulator.source_system.empty_slots import files_of
from simulator.source_system.timetable import Reading
from simulator.source_system.timetable.findings import Fault
from simulator.source_system.timetable.languages import (
    NAMES,
    name_of,
    needs_recording,
    parse_language,
)
from tests.unit.source_system.test_timetable_files import only, read

HEADER = (
    "Giờ bắt đầu,Thời lượng,Tên chương trình,Nguồn,Tệp (tày),Nguồn (tiếng Anh),Khu vực,Ngày phát"
)


def csv(tay: str = "", english: str = "", source: str = "tep:tin.mp3", length: str = "") -> str:
    return f"{HEADER}\n05:30,{length},Bản tin xã,{source},{tay},{english},tất cả,hằng ngày\n"


def toml(versions: str, source: str = "tep:tin.mp3") -> str:
    return (
        f'[[entry]]\ntitle = "Bản tin xã"\nstart = "05:30"\nsource = "{source}"\n'
        f'zones = "tất cả"\ndays = "hằng ngày"\n{versions}\n'
    )


def versions(reading: Reading) -> tuple[Version, ...]:
    assert reading.ok, reading.findings
    (entry,) = reading.entries
    return entry.versions


def found(reading: Reading) -> list[tuple[int, str, str, str]]:
    return [(f.place.line, f.place.column, f.code, f.guess) for f in reading.findings]


# --- how they are written ----------------------------------------------------------------------


def test_a_column_named_after_a_language_is_a_version_in_that_language(tmp_path: Path) -> None:
    reading = read(tmp_path, csv("tep:tin-tay-{ngày}.mp3", 'loi:""Good morning""'))
    assert versions(reading) == (
        Version(language="tyz", sources=(FileSource(slot="tin-tay", dated=True),)),
        Version(language="en", sources=(TextSource(text="Good morning", language="en"),)),
    )


def test_an_empty_cell_is_no_version(tmp_path: Path) -> None:
    assert [one.language for one in versions(read(tmp_path, csv(english="tep:news.mp3")))] == ["en"]
    assert versions(read(tmp_path, csv())) == ()


def test_in_toml_versions_are_a_table_of_languages(tmp_path: Path) -> None:
    text = toml('[entry.versions]\n"mông" = ["tep:mong-{ngày}.mp3", "tep:mong.mp3"]\nnut = "tep:n"')
    first, second = versions(read(tmp_path, text, name="lich.toml"))
    assert (first.language, len(first.sources)) == ("hmn", 2)
    assert (second.language, second.sources) == ("nut", (FileSource(slot="n"),))


def test_the_language_of_the_main_one_may_be_named_too(tmp_path: Path) -> None:
    text = toml('language = "tiếng Khmer"')
    (entry,) = read(tmp_path, text, name="lich.toml").entries
    assert entry.language == "km"


# --- what is wrong is told with its place --------------------------------------------------------


def test_a_language_nobody_knows_is_refused_in_its_column_with_a_guess(tmp_path: Path) -> None:
    text = csv("tep:a.mp3").replace("Tệp (tày)", "Tệp (tàyy)")
    assert found(read(tmp_path, text)) == [(1, "E", "language", "Tày")]


def test_a_language_nobody_knows_is_refused_in_its_line_of_toml(tmp_path: Path) -> None:
    text = toml('[entry.versions]\n"mnôngg" = "tep:a"')
    assert found(read(tmp_path, text, name="lich.toml")) == [(8, "versions", "language", "M'nông")]


def test_a_source_that_cannot_be_read_is_told_in_the_column_of_its_language(tmp_path: Path) -> None:
    assert found(read(tmp_path, csv("tin-tay.mp3"))) == [(2, "E", "source", "tep:tin-tay.mp3")]


@pytest.mark.parametrize("live", ["luong:https://a.example/b", "line-in"])
def test_a_version_is_nothing_live(tmp_path: Path, live: str) -> None:
    assert only(read(tmp_path, csv(live))).code == "version_live"


def test_after_a_live_source_the_engineer_is_told_that_versions_are_not_said(
    tmp_path: Path,
) -> None:
    reading = read(tmp_path, csv("tep:tay.mp3", source="luong:https://a.example/b"))
    finding = only(reading)
    assert (finding.code, finding.what, reading.ok) == ("version_after_live", "Tày", True)


def test_a_text_in_a_language_without_a_voice_is_warned_about(tmp_path: Path) -> None:
    finding = only(read(tmp_path, csv('loi:""Chài pỉ noọng""')))
    assert (finding.code, finding.place.column) == ("version_unspoken", "E")


def test_a_column_for_a_language_that_stands_twice_is_refused(tmp_path: Path) -> None:
    text = csv("tep:a.mp3").replace("Nguồn (tiếng Anh)", "Source (tyz)")
    assert [one.code for one in read(tmp_path, text).findings] == ["column_twice"]


def test_versions_that_cannot_all_be_named_are_refused(tmp_path: Path) -> None:
    lines = "\n".join(f'"{code}" = "tep:a"' for code in list(NAMES)[2:9])
    reading = read(tmp_path, toml(f"[entry.versions]\n{lines}"), name="lich.toml")
    assert only(reading).code == "entry"


def test_what_is_no_table_is_no_versions(tmp_path: Path) -> None:
    reading = read(tmp_path, toml('versions = "tep:a"'), name="lich.toml")
    assert only(reading).code == "value_kind"


def test_versions_longer_than_the_slot_say_how_much_is_cut(tmp_path: Path) -> None:
    lengths = {"tin": 250_000, "tin-tay": 110_000}
    reading = read(tmp_path, csv("tep:tin-tay.mp3", length="5 phút"), bound_ms=lengths)
    finding = only(reading)
    assert (finding.code, finding.what) == ("cut", "00:01:00")


# --- what follows ------------------------------------------------------------------------------


def signed(reading: Reading) -> Schedule:
    return schedule("huyen", "s/tan-lien", reading.entries, revision=1, made_from=0, now_ms=0)


def test_a_station_that_knows_no_versions_refuses_the_timetable(tmp_path: Path) -> None:
    assert "versions" in signed(read(tmp_path, csv("tep:a.mp3"))).requires
    assert "versions" not in signed(read(tmp_path, csv())).requires
    assert "versions" in FEATURES


def test_texts_of_versions_ask_for_speech(tmp_path: Path) -> None:
    assert "speech" in signed(read(tmp_path, csv(english='loi:""Hello""'))).requires


def test_the_files_of_versions_are_looked_for_before_they_are_missed(tmp_path: Path) -> None:
    (entry,) = read(tmp_path, csv("tep:tin-tay.mp3")).entries
    assert [one.slot for one in files_of(entry)] == ["tin", "tin-tay"]


# --- names of languages --------------------------------------------------------------------------


@pytest.mark.parametrize("code", sorted(NAMES))
def test_every_name_and_code_of_the_table_means_one_language(code: str) -> None:
    assert parse_language(code) == code
    for name in NAMES[code]:
        for written in (name, name.upper(), f"tiếng {name}", name.lower()):
            assert parse_language(written) == code, written


@pytest.mark.parametrize("text", ["tiếng sao", "X", "Anglais", "vi_VN"])
def test_what_is_neither_name_nor_code_is_refused(text: str) -> None:
    with pytest.raises(Fault):
        parse_language(text)


def test_a_code_that_is_not_in_the_table_is_believed() -> None:
    assert parse_language("pes") == "pes"


def test_only_languages_that_a_machine_reads_need_no_recording() -> None:
    assert [needs_recording(code) for code in ("vi", "en", "tyz", "km", "xyz")] == [
        False,
        False,
        True,
        True,
        False,
    ]
    assert (name_of("tyz"), name_of("xyz")) == ("Tày", "xyz")
