"""What a timetable says of a bulletin beyond its title, and the tags of its zones."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.contract.documents import About, ZoneSelector
from simulator.source_system.regulation_file import read_regulation
from simulator.source_system.timetable import Reading, read_timetable
from simulator.source_system.timetable.about import parse_email, parse_produced
from simulator.source_system.timetable.findings import Fault
from simulator.source_system.timetable.rows import Tags
from tests.unit.source_system.test_timetable_files import FIRST_DAY, ZONES

TAGS = Tags(frozenset({"ha-luu", "ven-song"}), frozenset({"mien-nui"}))


def read(folder: Path, text: str, name: str, tags: Tags | None = None) -> Reading:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return read_timetable(path, zones=ZONES, first_day=FIRST_DAY, tags=tags)


def csv(header: str, cells: str, zones: str = "tất cả") -> str:
    return (
        f"Giờ bắt đầu,Tên chương trình,Nguồn,Khu vực,Ngày phát,{header}\n"
        f"05:00,Bản tin xã,tep:tin.mp3,{zones},hằng ngày,{cells}\n"
    )


def toml(more: str, zones: str = '"tất cả"') -> str:
    return (
        '[[entry]]\ntitle = "Bản tin xã"\nstart = "05:00"\nsource = "tep:tin.mp3"\n'
        f'zones = {zones}\ndays = "hằng ngày"\n{more}\n'
    )


# --- summary, production, the author's other names ------------------------------------------------


@pytest.mark.parametrize(
    "header",
    ["Tóm tắt,Ngày sản xuất,Bút danh,Thư điện tử", "Summary,Produced,Pen name,E-mail"],
)
def test_columns_of_both_languages_say_what_authorities_ask(tmp_path: Path, header: str) -> None:
    cells = "Lịch tiêm chủng,24/11/2026 16:20,An Nhiên,an@tanlien.vn"
    reading = read(tmp_path, csv(header, cells), "lich.csv")
    assert reading.ok, reading.findings
    assert reading.entries[0].about == About(
        summary="Lịch tiêm chủng",
        produced="2026-11-24T16:20:00",
        pen_name="An Nhiên",
        email="an@tanlien.vn",
    )


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("2026-11-24", "2026-11-24"),
        ("2026-11-24T16:20:00", "2026-11-24T16:20:00"),
        ('"24/11/2026"', "2026-11-24"),
        ('"24/11/2026 16h20"', "2026-11-24T16:20:00"),
    ],
)
def test_in_toml_a_date_may_be_a_date(tmp_path: Path, written: str, kept: str) -> None:
    reading = read(tmp_path, toml(f'produced = {written}\nsummary = "Tin"'), "lich.toml")
    assert reading.ok, reading.findings
    assert reading.entries[0].about == About(summary="Tin", produced=kept)


def test_a_timetable_that_says_nothing_of_it_reads_as_before(tmp_path: Path) -> None:
    reading = read(tmp_path, toml(""), "lich.toml")
    assert reading.findings == ()
    assert reading.entries[0].about == About()


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ('produced = "hôm qua"', "produced"),
        ('produced = "24/11"', "produced"),
        ('produced = "24/11/2026 25:00"', "clock_hour"),
        ('email = "an tai xa"', "email"),
        (f'summary = "{"x" * 501}"', "too_long"),
        (f'pen_name = "{"x" * 201}"', "too_long"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_line(tmp_path: Path, more: str, code: str) -> None:
    reading = read(tmp_path, toml(more), "lich.toml")
    [finding] = reading.findings
    assert (finding.code, finding.place.line, finding.is_error) == (code, 7, True)
    assert "{" not in finding.text("vi") + finding.text("en")


def test_a_short_year_is_guessed_and_a_missing_one_is_not() -> None:
    with pytest.raises(Fault) as short:
        parse_produced("24/11/26")
    assert short.value.guess == "2026-11-24"
    with pytest.raises(Fault) as missing:
        parse_produced("24/11")
    assert missing.value.guess == ""


@pytest.mark.parametrize("text", ["a@b", "a b@c.vn", "@c.vn", "a@c.vn.", "a@@c.vn"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(Fault):
        parse_email(text)


# --- tags -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["lich.csv", "lich.toml"])
def test_a_tag_that_no_zone_has_is_refused_with_its_line_and_the_tags_there_are(
    tmp_path: Path, name: str
) -> None:
    text = csv("Ghi chú", "", "#xyz") if name.endswith("csv") else toml("", '["#xyz"]')
    reading = read(tmp_path, text, name, TAGS)
    [finding] = reading.findings
    assert finding.is_error
    assert finding.place.line == (2 if name.endswith("csv") else 5)
    for said in (finding.text("vi"), finding.text("en")):
        assert all(one in said for one in ("#xyz", "#ha-luu", "#ven-song", "#mien-nui")), said


def test_of_several_zones_and_tags_the_wrong_one_is_named_with_a_guess(tmp_path: Path) -> None:
    text = toml("", '["thôn Đông", "#ha-luu", "#ven-song1"]')
    [finding] = read(tmp_path, text, "lich.toml", TAGS).findings
    assert (finding.code, finding.place.cell, finding.guess) == (
        "tag_unknown",
        "#ven-song1",
        "#ven-song",
    )


def test_a_tag_of_other_stations_is_taken_but_told(tmp_path: Path) -> None:
    reading = read(tmp_path, toml("", '["#mien-nui"]'), "lich.toml", TAGS)
    assert [(one.code, one.is_error) for one in reading.findings] == [("tag_elsewhere", False)]
    assert reading.entries[0].zones == ZoneSelector(tags=("mien-nui",))


def test_known_tags_are_found_whatever_their_capitals_and_where_nobody_knows_any_none_is_missed(
    tmp_path: Path,
) -> None:
    assert read(tmp_path, toml("", '["#Hạ Lưu"]'), "lich.toml", TAGS).findings == ()
    assert read(tmp_path, toml("", '["#xyz"]'), "lich.toml").findings == ()
    [finding] = read(tmp_path, toml("", '["#xyz"]'), "lich.toml", Tags(frozenset())).findings
    assert "no zone has a tag yet" in finding.text("en")


def test_a_rule_of_a_regulation_for_a_tag_that_no_zone_has_is_refused() -> None:
    raw = b'[[window]]\nhours = "05:00-06:00"\ntags = ["ven-song", "xyz"]\n'
    read_ = read_regulation(raw, ZONES["Tân Liên"], TAGS.here)
    assert read_.commune is None
    [finding] = read_.findings
    assert (finding.code, finding.place.line) == ("tag_unknown", 3)
    assert read_regulation(raw, ZONES["Tân Liên"]).commune is not None
