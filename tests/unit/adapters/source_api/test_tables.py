"""The code tables: the seen numbers, Vietnamese names for all, and fields as people write them."""

from __future__ import annotations

import inspect
from enum import IntEnum
from typing import get_args

import pytest

from agent.adapters.source_api import forms, tables
from agent.adapters.source_api.tables import LoaiBanTin, LoaiLinhVuc, MucDoUuTien, TiepAm
from agent.contract.reasons import AckReason, OccurrenceReason
from agent.contract.reports import ApprovalMeans, Confirmation, Outcome

ENUMS = [
    one
    for _, one in inspect.getmembers(tables, inspect.isclass)
    if issubclass(one, IntEnum) and one is not IntEnum
]


@pytest.mark.parametrize("table", ENUMS)
def test_every_code_has_a_vietnamese_name(table: type[IntEnum]) -> None:
    names = tables.NAMES[table]
    assert set(names) == {one.value for one in table}
    assert len(set(names.values())) == len(names)


@pytest.mark.parametrize("table", ENUMS)
def test_a_code_without_a_known_meaning_says_so_and_comes_from_the_configuration(
    table: type[IntEnum],
) -> None:
    unknown = [one for one in table if "chưa rõ nghĩa" in tables.NAMES[table][one.value]]
    assert all(one.name == f"MA_{one.value}" for one in unknown)
    assert not unknown or table.__name__ in tables.UNSEEN


def test_our_codes_have_words_for_those_who_read_them_there() -> None:
    assert set(forms.OUTCOMES) == set(get_args(Outcome))
    assert set(forms.CONFIRMED) == set(get_args(Confirmation))
    assert set(forms.MEANS) == set(get_args(ApprovalMeans))
    for reason in (*OccurrenceReason, *AckReason):
        said = forms.FORMS["reason"].make(reason, forms.Scope({}))
        assert said.endswith(f" ({reason.value})")


def test_a_lower_number_is_more_urgent() -> None:
    assert MucDoUuTien.KHAN_CAP < MucDoUuTien.UU_TIEN < MucDoUuTien.THONG_THUONG


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("thông tin chung", LoaiLinhVuc.THONG_TIN_CHUNG),
        ("Đường lối, chính sách, pháp luật", LoaiLinhVuc.CHINH_SACH_PHAP_LUAT),
        ("  pháp LUẬT ", LoaiLinhVuc.CHINH_SACH_PHAP_LUAT),
        ("Người tốt việc tốt", LoaiLinhVuc.NGUOI_TOT_VIEC_TOT),
        ("4", LoaiLinhVuc.CHI_DAO_DIEU_HANH),
        ("văn hóa", LoaiLinhVuc.KIEN_THUC),
        ("0", None),
        ("7", None),
        ("²", None),
        ("thể thao", None),
        ("", None),
    ],
)
def test_a_field_is_found_as_people_write_it(text: str, code: LoaiLinhVuc | None) -> None:
    assert tables.field_code(text) is code


@pytest.mark.parametrize(
    ("source", "kind", "relay"),
    [
        ("file:0123456789ab", LoaiBanTin.AM_THANH, TiepAm.KHONG),
        ("tone", LoaiBanTin.AM_THANH, TiepAm.KHONG),
        ("text", LoaiBanTin.KY_TU, TiepAm.KHONG),
        ("stream:0", LoaiBanTin.TRUC_TIEP, TiepAm.CO),
        ("line_in", LoaiBanTin.FM, TiepAm.CO),
    ],
)
def test_what_sounded_has_a_kind(source: str, kind: LoaiBanTin, relay: TiepAm) -> None:
    assert tables.sound_kind(source) is kind
    assert tables.is_relay(source) is relay
