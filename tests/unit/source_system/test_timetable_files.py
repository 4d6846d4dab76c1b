"""Whole files: dialects, headers, every mistake at once with its cell, checks across rows."""

from __future__ import annotations

import codecs
import datetime as dt
import unicodedata
from collections.abc import Mapping
from pathlib import Path

import pytest

from agent.contract.documents import LateRule, ZoneSelector
from simulator.source_system.timetable import Finding, Reading, read_timetable
from simulator.source_system.timetable.diff import compare
from simulator.source_system.timetable.preview import next_starts, shown

ROOT = Path(__file__).parents[3]
FIRST_DAY = dt.date(2026, 11, 22)
ZONES: Mapping[str, tuple[str, ...]] = {"Tân Liên": ("thôn Đông", "thôn Trung", "thôn Đoài")}
HEADER = "Giờ bắt đầu,Thời lượng,Tên chương trình,Nguồn,Khu vực,Ngày phát,Ghi chú"
GOOD = "05:00,00:30:00,Thời sự,tep:thoi-su.mp3,tất cả,hằng ngày,"


def read(
    folder: Path,
    text: str | bytes,
    *,
    name: str = "lich.csv",
    zones: Mapping[str, tuple[str, ...]] = ZONES,
    bound_ms: dict[str, int] | None = None,
) -> Reading:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_timetable(path, zones=zones, first_day=FIRST_DAY, bound_ms=bound_ms)


def codes(reading: Reading) -> list[str]:
    return [one.code for one in reading.findings]


def only(reading: Reading) -> Finding:
    (finding,) = reading.findings
    return finding


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8])
def test_any_delimiter_is_read_with_and_without_a_byte_order_mark(
    tmp_path: Path, delimiter: str, mark: bytes
) -> None:
    text = f"{HEADER}\n{GOOD}\n".replace(",", delimiter)
    reading = read(tmp_path, mark + text.encode())
    assert reading.findings == ()
    assert [entry.title for entry in reading.entries] == ["Thời sự"]


def test_excels_unicode_text_is_read(tmp_path: Path) -> None:
    text = f"{HEADER}\n{GOOD}\n".replace(",", "\t")
    assert read(tmp_path, text.encode("utf-16")).ok


def test_a_file_in_another_encoding_says_how_to_save_it(tmp_path: Path) -> None:
    text = f"{HEADER}\n{GOOD}\n"
    assert only(read(tmp_path, text.replace("ờ", "o").encode("cp1258", "replace"))).code in (
        "not_utf8",
        "no_header",
    )
    garbled = text.encode().decode("latin-1").encode()
    assert only(read(tmp_path, garbled)).code == "garbled"


def test_english_headers_title_rows_and_signatures_are_understood(tmp_path: Path) -> None:
    text = (
        "LỊCH PHÁT TUẦN 48,,,,,\n,,,,,\n"
        "Start,Title,Source,Zones,Days,Late\n"
        "05:00,News,tep:news.mp3,all,daily,restart within 2 min\n"
        ",,,,,\nTrưởng đài,,,(ký),,\n"
    )
    reading = read(tmp_path, text)
    assert codes(reading) == ["row_skipped"]
    assert reading.entries[0].late == LateRule(policy="restart", grace_ms=120_000)


def test_all_mistakes_are_found_at_once_each_with_its_cell_and_a_guess(tmp_path: Path) -> None:
    text = (
        f"{HEADER}\n"
        "5.30,30:00,Thời sự,thoi-su.mp3,thôn Đoai,hằng ngày,\n"
        "06:00,00:10:00,Bản tin,tep:bt.mp3,tất cả,mùng 1,\n"
    )
    found = [
        (one.place.column, one.place.line, one.code, one.guess)
        for one in read(tmp_path, text).findings
    ]
    assert found == [
        ("A", 2, "clock_number", "05:30"),
        ("B", 2, "duration_hours", "00:30:00"),
        ("D", 2, "source", "tep:thoi-su.mp3"),
        ("E", 2, "zone_unknown", "thôn Đoài"),
        ("F", 3, "lunar", ""),
    ]


def test_lines_are_counted_as_the_editor_shows_them(tmp_path: Path) -> None:
    text = (
        f'{HEADER}\n05:00,,"Thời\nsự",tep:a.mp3,tất cả,hằng ngày,\n5.30,,B,tep:b.mp3,tất cả,CN,\n'
    )
    assert only(read(tmp_path, text)).place.line == 4


def test_zone_names_match_whatever_the_phone_made_of_them(tmp_path: Path) -> None:
    spread = unicodedata.normalize("NFD", "THÔN  ĐÔNG ; thôn đoài")
    reading = read(tmp_path, f"{HEADER}\n05:00,,Tin,tep:a.mp3,{spread},hằng ngày,\n")
    assert reading.entries[0].zones == ZoneSelector(names=("thôn Đông", "thôn Đoài"))


def test_a_zone_that_only_some_stations_have_is_warned_about(tmp_path: Path) -> None:
    zones = {"Tân Liên": ("thôn Đông",), "Xuất Lễ": ("thôn Trung",)}
    reading = read(tmp_path, f"{HEADER}\n05:00,,Tin,tep:a.mp3,thôn Đông,CN,\n", zones=zones)
    assert (only(reading).code, only(reading).what) == ("zone_partly", "Xuất Lễ")


def test_text_dates_beside_true_dates_in_one_column_are_refused(tmp_path: Path) -> None:
    text = (
        "Giờ bắt đầu,Tên chương trình,Nguồn,Khu vực,Ngày phát,Từ ngày\n"
        "05:00,A,tep:a.mp3,tất cả,hằng ngày,2026-12-01\n"
        "06:00,B,tep:b.mp3,tất cả,hằng ngày,01/12/2026\n"
    )
    assert (only(read(tmp_path, text)).code, only(read(tmp_path, text)).place.line) == (
        "dates_mixed",
        3,
    )


def test_a_rule_hidden_in_a_note_is_warned_about(tmp_path: Path) -> None:
    for note in ("phát lại CN", "cả 17h30", "trừ thứ bảy", "repeat Sunday"):
        reading = read(tmp_path, f"{HEADER}\n{GOOD}{note}\n")
        assert codes(reading) == ["note_rule"], note
        assert reading.ok
    assert read(tmp_path, f"{HEADER}\n{GOOD}nguồn chính rồi dự phòng\n").findings == ()


def test_items_that_overlap_in_a_common_zone_are_warned_about(tmp_path: Path) -> None:
    text = f"{HEADER}\n{GOOD}\n05:20,00:10:00,Bản tin,tep:b.mp3,{{zone}},{{days}},\n"
    assert codes(read(tmp_path, text.format(zone="thôn Đông", days="T2"))) == ["overlap"]
    apart = text.replace("tất cả", "thôn Trung").format(zone="thôn Đông", days="T2")
    assert codes(read(tmp_path, apart)) == []


def test_a_series_made_by_dragging_is_warned_about(tmp_path: Path) -> None:
    rows = "".join(
        f"{5 + hour:02}:00,00:10:00,Thời sự,tep:thoi-su{1 + hour}.mp3,tất cả,hằng ngày,\n"
        for hour in range(2)
    )
    assert codes(read(tmp_path, f"{HEADER}\n{rows}")) == ["series"]


def test_a_file_longer_than_its_slot_says_what_will_be_cut(tmp_path: Path) -> None:
    reading = read(tmp_path, f"{HEADER}\n{GOOD}\n", bound_ms={"thoi-su": 32 * 60_000})
    assert (only(reading).code, only(reading).what) == ("cut", "00:02:00")


def test_emergencies_are_not_timetabled(tmp_path: Path) -> None:
    text = (
        "Giờ bắt đầu,Tên chương trình,Loại,Nguồn,Khu vực,Ngày phát\n"
        "05:00,Lũ,khẩn cấp,tep:lu.mp3,tất cả,hằng ngày\n"
    )
    assert only(read(tmp_path, text)).code == "class_emergency"


def test_missing_unknown_and_double_columns_are_named(tmp_path: Path) -> None:
    reading = read(
        tmp_path,
        "Giờ bắt đầu,Tên chương trình,Nguồn,Vùng phủ,Giờ phát\n05:00,A,tep:a.mp3,tất cả,06:00\n",
    )
    assert [(one.code, one.guess or one.what) for one in reading.findings][:3] == [
        ("column_missing", "Khu vực"),
        ("column_missing", "Ngày phát"),
        ("column_twice", ""),
    ]
    assert "column_unknown" in codes(reading)


def test_past_dates_reversed_spans_and_empty_rules_are_caught(tmp_path: Path) -> None:
    header = "Giờ bắt đầu,Tên chương trình,Nguồn,Khu vực,Ngày phát,Từ ngày,Đến ngày\n"
    past = "05:00,A,tep:a.mp3,tất cả,2026-11-01,,\n"
    daily = "06:00,B,tep:b.mp3,tất cả,hằng ngày,,\n"
    assert codes(read(tmp_path, header + past + daily)) == ["date_past"]
    row = "05:00,A,tep:a.mp3,tất cả,{},2026-12-05,{}\n"
    assert codes(read(tmp_path, header + row.format("CN", "2026-12-01"))) == ["dates_reversed"]
    assert codes(read(tmp_path, header + row.format("CN", "2026-12-05"))) == ["days_none"]


def test_a_timetable_of_which_every_date_has_passed_is_an_error(tmp_path: Path) -> None:
    header = "Giờ bắt đầu,Tên chương trình,Nguồn,Khu vực,Ngày phát,Từ ngày,Đến ngày\n"
    past = read(tmp_path, header + "05:00,A,tep:a.mp3,tất cả,2026-11-01,,\n")
    assert codes(past) == ["all_past", "date_past"]
    assert past.findings[0].is_error
    assert codes(read(tmp_path, header + "05:00,A,tep:a.mp3,tất cả,2027-12-01,,\n")) == []


def test_ids_are_stable_and_made_unique(tmp_path: Path) -> None:
    text = f"{HEADER}\n{GOOD}\n17:00,,Thời sự,tep:thoi-su.mp3,tất cả,hằng ngày,\n"
    assert [entry.id for entry in read(tmp_path, text).entries] == ["thoi-su", "thoi-su-2"]


def test_rows_of_another_station_are_left_out(tmp_path: Path) -> None:
    text = (
        "Đài/Xã,Giờ bắt đầu,Tên chương trình,Nguồn,Khu vực,Ngày phát\n"
        "tân liên,05:00,A,tep:a.mp3,tất cả,CN\n"
        "Cao Lâu,05:00,B,tep:b.mp3,tất cả,CN\n"
    )
    reading = read(tmp_path, text)
    assert [entry.title for entry in reading.entries] == ["A"]
    assert codes(reading) == ["station_other"]


def test_the_examples_are_read_without_a_word(tmp_path: Path) -> None:
    del tmp_path
    for name in ("timetable.csv", "timetable.toml"):
        path = ROOT / "config" / "examples" / name
        reading = read_timetable(path, zones=ZONES, first_day=FIRST_DAY)
        assert (name, reading.findings) == (name, ())
        assert len(reading.entries) >= 5


def test_toml_mistakes_carry_their_line(tmp_path: Path) -> None:
    text = (
        '[timetable]\nzones = "tất cả"\n\n'
        '[[entry]]\ntitle = "A"\nstart = "5.30"\ndays = "CN"\nsource = "tep:a.mp3"\n'
        'duraton = "30 phút"\n'
    )
    reading = read(tmp_path, text, name="lich.toml")
    assert [(one.place.line, one.code, one.guess) for one in reading.findings] == [
        (6, "clock_number", "05:30"),
        (9, "key_unknown", "duration"),
    ]
    assert only(read(tmp_path, "[[entry]\n", name="lich.toml")).code == "toml"


def test_a_file_without_entries_is_an_error(tmp_path: Path) -> None:
    assert only(read(tmp_path, HEADER + "\n")).code == "empty"
    assert only(read(tmp_path, "a,b,c\n1,2,3\n")).code == "no_header"


def test_the_preview_names_weekdays_and_ends_with_the_rule(tmp_path: Path) -> None:
    header = "Giờ bắt đầu,Tên chương trình,Nguồn,Khu vực,Ngày phát,Đến ngày\n"
    (entry,) = read(tmp_path, header + "5h30,A,tep:a.mp3,tất cả,T2;T4,2026-11-25\n").entries
    starts = next_starts(entry, dt.datetime.combine(FIRST_DAY, dt.time()), 5)
    assert [shown(start, "vi") for start in starts] == ["T2 23/11 05:30", "T4 25/11 05:30"]


def test_the_difference_names_what_was_added_removed_and_changed(tmp_path: Path) -> None:
    before = read(tmp_path, f"{HEADER}\n{GOOD}\n06:00,,B,tep:b.mp3,tất cả,CN,\n").entries
    after = read(
        tmp_path, f"{HEADER}\n{GOOD.replace('05:00', '05:05')}\n07:00,,C,tep:c.mp3,tất cả,CN,\n"
    ).entries
    difference = compare(before, after)
    assert [entry.title for entry in difference.added] == ["C"]
    assert [entry.title for entry in difference.removed] == ["B"]
    assert [(change.after.title, change.fields) for change in difference.changed] == [
        ("Thời sự", ("when",))
    ]
    assert compare(before, before).empty


def test_an_unknown_zone_is_named_alone_with_its_cell_and_what_was_meant(tmp_path: Path) -> None:
    row = '05:00,00:30:00,A,tep:a.mp3,"thôn Đông; thôn Đoai; thôn Trung",hằng ngày,'
    finding = only(read(tmp_path, f"{HEADER}\n{row}\n"))
    assert finding.text("vi") == (
        'E2 "Khu vực" “thôn Đoai”: không có khu vực loa này. Ý bạn “thôn Đoài”?'
    )
    assert finding.as_json()["cell"] == "thôn Đoai"


def test_an_unknown_zone_like_no_other_is_told_with_those_there_are(tmp_path: Path) -> None:
    row = "05:00,00:30:00,A,tep:a.mp3,chợ huyện,hằng ngày,"
    finding = only(read(tmp_path, f"{HEADER}\n{row}\n"))
    assert finding.text("en").endswith(
        "“chợ huyện”: there is no such zone; there are: thôn Đông, thôn Trung, thôn Đoài."
    )


def test_an_unknown_zone_in_a_toml_list_is_named_with_its_own_line(tmp_path: Path) -> None:
    text = """
[[entry]]
start = "05:00"
title = "A"
source = "tep:a.mp3"
zones = [
  "thôn Đông",
  "thôn Đoai",
]
days = "hằng ngày"
"""
    finding = only(read(tmp_path, text, name="lich.toml"))
    assert finding.text("en") == (
        "line 8 zones “thôn Đoai”: there is no such zone. Did you mean “thôn Đoài”?"
    )


def test_an_id_that_stands_twice_names_the_line_in_the_readers_language(tmp_path: Path) -> None:
    text = f"Mã,{HEADER}\na,{GOOD}\na,06{GOOD[2:]}\n"
    finding = only(read(tmp_path, text))
    assert "already in line 2" in finding.text("en")
    assert "ở dòng 2" in finding.text("vi")
