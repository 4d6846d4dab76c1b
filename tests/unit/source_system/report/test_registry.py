"""The registry: every fault with its cell, and units that hold from a day to a day."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.records.place import stations
from simulator.records.registry import write_registry
from simulator.source_system.report.registry import (
    Asset,
    Registry,
    Unit,
    hamlets,
    slices,
)
from simulator.source_system.report.registry_file import RegistryWrong, read_registry
from simulator.source_system.report.window import Window
from tests.unit.source_system.report.told import HANOI

D = dt.date


def faults(folder: Path, **files: str) -> list[tuple[str, str]]:
    """(cell, what is wrong) of all."""
    for name, text in files.items():
        (folder / f"{name.replace('_', '-')}.csv").write_text(text, encoding="utf-8")
    with pytest.raises(RegistryWrong) as caught:
        read_registry(folder)
    return [(one.place, one.said.vi) for one in caught.value.faults]


def test_a_folder_without_files_is_an_empty_registry(tmp_path: Path) -> None:
    assert read_registry(tmp_path) == Registry()


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_it_is_read_as_spreadsheets_save_it(tmp_path: Path, delimiter: str, encoding: str) -> None:
    rows = [
        "Mã thôn,Tên thôn,Số hộ,Công nghệ,Mã đài,Cụm loa,Vùng lõm sóng,Từ ngày",
        "t1,Thôn Đông,1.204,CNTT-VT,tan-lien,thôn Đông,không,01/07/2025",
        "t2,Khe Sâu,,chưa có,,,có,",
    ]
    text = "\n".join(rows).replace(",", delimiter)
    (tmp_path / "thon.csv").write_bytes(text.encode(encoding))
    one, other = read_registry(tmp_path).services
    assert (one.name, one.households, one.technology) == ("Thôn Đông", 1_204, "it")
    assert (one.from_day, one.no_signal) == (D(2025, 7, 1), False)
    assert (other.technology, other.households, other.no_signal) == ("none", None, True)


def test_each_fault_is_told_with_its_file_line_and_column(tmp_path: Path) -> None:
    found = faults(
        tmp_path,
        dai="Mã đài,Tên đài,Từ ngày,Đến trước ngày\n"
        "a,Xã A,01/07/2025,01/07/2025\n"
        ",Xã B,30/02/2025,\n",
        thon="Mã thôn,Tên thôn,Công nghệ,Mã đài,Số hộ\nt1,Đông,FM2,aa,\nt2,Đoài,CNTT-VT,,mười\n",
        tai_san="Số sê-ri,Loại,Màu\ns1,,đỏ\ns1,Loa,\n",
    )
    assert [place for place, _ in found] == [
        "dai.csv!D2",
        "dai.csv!A3",
        "dai.csv!C3",
        "tai-san.csv!C1",
        "tai-san.csv!B2",
        "tai-san.csv!A3",
        "thon.csv!C2",
        "thon.csv!D2",
        "thon.csv!D3",
        "thon.csv!E3",
    ]
    said = dict(found)
    assert "ý bạn “FM”" in said["thon.csv!C2"]
    assert "gần nhất “a”" in said["thon.csv!D2"]
    assert "dòng 2" in said["tai-san.csv!A3"]


def test_a_missing_column_and_a_wrong_encoding_are_told(tmp_path: Path) -> None:
    (tmp_path / "dai.csv").write_bytes("Mã đài;Tên\nx;Xã Đông".encode("cp1258", "replace"))
    assert faults(tmp_path)[0][0].startswith("dai.csv")
    (tmp_path / "dai.csv").write_text("Mã đài\nx\n", encoding="utf-8")
    assert faults(tmp_path) == [("dai.csv!1", "thiếu cột Tên đài")]


def test_a_station_is_one_unit_at_a_time(tmp_path: Path) -> None:
    head = "Mã đài,Tên đài,Từ ngày,Đến trước ngày\n"
    found = faults(tmp_path, dai=head + "a,Xã A,,01/07/2025\na,Xã B,30/06/2025,\n")
    assert found == [("dai.csv!A3", "đã có ở dòng 2 trong cùng thời gian")]
    good = head + "a,Xã A,,01/07/2025\na,Xã B,01/07/2025,\n"
    (tmp_path / "dai.csv").write_text(good, encoding="utf-8")
    assert len(read_registry(tmp_path).units) == 2


MERGED = (
    Unit("a", "Xã Cũ", "061", "Huyện", until_day=D(2025, 7, 1)),
    Unit("a", "Xã Mới", "161", "Tỉnh", from_day=D(2025, 7, 1)),
)


def test_by_old_a_station_is_what_it_was_called_then_and_by_new_what_it_is_now() -> None:
    window = Window(D(2025, 1, 1), D(2025, 12, 31), HANOI)
    old = slices(Registry(units=MERGED), ["a"], window, "old", D(2026, 1, 1))
    assert [(one.unit.name, one.first, one.last) for one in old] == [
        ("Xã Cũ", D(2025, 1, 1), D(2025, 6, 30)),
        ("Xã Mới", D(2025, 7, 1), D(2025, 12, 31)),
    ]
    (new,) = slices(Registry(units=MERGED), ["a"], window, "new", D(2026, 1, 1))
    assert (new.unit.name, new.span) == ("Xã Mới", window.span)
    (before,) = slices(Registry(units=MERGED), ["a"], window, "new", D(2025, 3, 1))
    assert before.unit.name == "Xã Cũ"


def test_a_station_that_is_in_no_row_keeps_its_id_for_a_name() -> None:
    window = Window(D(2025, 1, 1), D(2025, 1, 31), HANOI)
    (one,) = slices(Registry(), ["x"], window, "old", D(2025, 2, 1))
    assert (one.unit.name, one.span) == ("x", window.span)


@given(
    st.lists(st.dates(D(2024, 6, 1), D(2026, 6, 1)), max_size=4, unique=True),
    st.dates(D(2024, 6, 1), D(2026, 6, 1)),
    st.integers(0, 400),
)
def test_the_parts_of_a_station_are_the_window_once(
    changes: list[dt.date], first: dt.date, days: int
) -> None:
    ordered = sorted(changes)
    units = tuple(
        Unit("a", str(number), from_day=from_day, until_day=until_day)
        for number, (from_day, until_day) in enumerate(
            zip(ordered, [*ordered[1:], None], strict=False)
        )
    )
    window = Window(first, first + dt.timedelta(days), HANOI)
    parts = slices(Registry(units=units), ["a"], window, "old", first)
    assert parts[0].span.from_ms == window.span.from_ms
    assert parts[-1].span.to_ms == window.span.to_ms
    assert all(one.span.to_ms == other.span.from_ms for one, other in pairwise(parts))
    for one in parts:
        for day in (one.first, one.last):
            named = next((unit for unit in units if unit.from_day and unit.from_day <= day), None)
            assert (one.unit.name == "a") == (named is None)


def test_a_hamlet_without_a_zone_is_told_as_unserved(tmp_path: Path) -> None:
    rows = "t1,Đông,CNTT-VT,a,thôn Đông\nt1,Đông,FM,,\nt2,Đoài,chưa có,,\nt3,Nam,có dây,,\n"
    head = "Mã thôn,Tên thôn,Công nghệ,Mã đài,Cụm loa\n"
    (tmp_path / "thon.csv").write_text(head + rows, encoding="utf-8")
    found = hamlets(read_registry(tmp_path), D(2026, 1, 1))
    assert [(one.name, one.is_served, len(one.ways)) for one in found] == [
        ("Đông", True, 2),
        ("Đoài", False, 0),
        ("Nam", True, 1),
    ]


def test_an_asset_is_past_its_life_only_when_both_dates_are_known() -> None:
    old = Asset("s", "Loa", installed=D(2018, 1, 1), life_years=5)
    assert old.is_past_life(D(2024, 1, 1)) is True
    assert old.is_past_life(D(2020, 1, 1)) is False
    assert Asset("s", "Loa", installed=D(2018, 1, 1)).is_past_life(D(2024, 1, 1)) is None
    assert Asset("s", "Loa", life_years=5).age_years(D(2024, 1, 1)) is None


def test_the_invented_registry_has_no_fault(tmp_path: Path) -> None:
    district = stations(8, Random(3))
    write_registry(tmp_path, district, D(2025, 1, 1), D(2025, 7, 1), Random(3))
    found = read_registry(tmp_path)
    assert {one.station for one in found.units} == {one.id for one in district}
    assert any(not one.is_served for one in hamlets(found, D(2025, 8, 1)))
