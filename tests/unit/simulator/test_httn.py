"""The reference source system refuses what the seen rules refuse, and shows who is there."""

from __future__ import annotations

import json
import urllib.request
from datetime import UTC
from typing import Any

import pytest

from simulator.httn import overview
from simulator.httn.faults import Fault, Faults
from simulator.httn.rules import RULES, digits, judge
from simulator.httn.server import Httn, Settings

API9 = {
    "NguonId": "H24",
    "BanTinId": "BT1",
    "ThoiDiemGui": "2021-12-31T00:00:00.00000",
    "LoaiNhatKy": 1,
    "GiaTri": 1,
}
API7 = {
    "NguonId": "H24",
    "BanTinId": "BT1",
    "NgayBatDau": "2021-12-31T00:00:00.00000",
    "NgayKetThuc": "2022-01-31T00:00:00.00000",
    "CheDoPhat": 2,
    "LichPhat": {
        "ThoiDiemBatDau": ["05:30:00.000000"],
        "ThoiDiemKetThuc": ["05:45:00.000000"],
        "KieuLich": 3,
        "DanhSachNgayPhat": [2, 4],
    },
}


@pytest.mark.parametrize(("call", "body"), [("api9", API9), ("api7", API7)])
def test_a_right_message_is_taken_and_one_without_any_of_its_fields_is_not(
    call: str, body: dict[str, Any]
) -> None:
    assert judge(call, body) == ""
    assert set(body) == set(RULES[call])
    for name in body:
        rest = {key: value for key, value in body.items() if key != name}
        assert judge(call, rest) == f"thiếu {name}"


@pytest.mark.parametrize(
    ("call", "change"),
    [
        ("api9", {"NguonId": ""}),
        ("api9", {"BanTinId": "  "}),
        ("api9", {"BanTinId": 7}),
        ("api9", {"ThoiDiemGui": "31/12/2021"}),
        ("api9", {"ThoiDiemGui": "2021-12-31"}),
        ("api9", {"GiaTri": 2}),
        ("api9", {"GiaTri": True}),
        ("api9", {"LoaiNhatKy": "1"}),
        ("api7", {"CheDoPhat": 3}),
        ("api7", {"LichPhat": {**API7["LichPhat"], "KieuLich": 4}}),  # type: ignore[dict-item]
        ("api7", {"LichPhat": {**API7["LichPhat"], "ThoiDiemBatDau": ["5:30"]}}),  # type: ignore[dict-item]
        ("api7", {"LichPhat": {**API7["LichPhat"], "ThoiDiemBatDau": ["05:30:00"]}}),  # type: ignore[dict-item]
    ],
)
def test_what_a_seen_rule_refuses_is_refused_by_its_name(call: str, change: dict[str, Any]) -> None:
    right = {"api9": API9, "api7": API7}[call]
    [name] = change
    assert judge(call, {**right, **change}).startswith(f"{name} không hợp lệ")


def test_what_is_no_object_is_refused() -> None:
    nothings: list[Any] = [None, [], "x", 7]
    for body in nothings:
        assert judge("api9", body)


def status(**more: Any) -> dict[str, Any]:
    return {"TenThietBi": "Cụm", "TrangThaiHoatDong": "2", "AmLuong": "60", **more}


def test_the_overview_counts_who_plays_who_is_connected_and_who_is_lost() -> None:
    now_ms = 10_000_000
    found = overview.look(
        [
            ("1", now_ms - 1_000, status(TrangThaiHoatDong="0")),
            ("2", now_ms - 180_000, status(TrangThaiHoatDong=0)),
            ("3", now_ms - 60_000, status()),
            ("4", now_ms - 180_001, status(TrangThaiHoatDong="0")),
        ],
        now_ms,
        60,
    )
    assert (found.total, found.playing, found.connected, found.lost) == (4, 2, 3, 1)
    assert found.as_json()["MatKetNoi"] == 1


def test_the_page_shows_the_lost_first_and_lets_no_station_write_into_it() -> None:
    evil = status(TenThietBi="<script>x</script>", NoiDungPhat='"><img>')
    found = overview.look([("1", 0, status(TenThietBi="Mất")), ("2", 900_000, evil)], 900_000, 60)
    shown = overview.page(found, UTC)
    assert "<script" not in shown
    assert "<img" not in shown
    assert shown.index("Mất") < shown.index("&lt;script&gt;")
    assert "✗ mất kết nối" in shown


def test_a_cluster_without_a_name_is_shown_by_its_id_and_one_with_a_name_by_both() -> None:
    found = overview.look(
        [("861234567890123", 0, status(TenThietBi="")), ("862", 0, status(TenThietBi="Cụm chợ"))],
        0,
        60,
    )
    shown = overview.page(found, UTC)
    assert "<td><b>861234567890123</b> </td>" in shown
    assert "<td><b>862</b> Cụm chợ</td>" in shown


@pytest.mark.parametrize("volume", ["٧٠", "７０", "", "-1", "101", "9" * 5_000, 70])
def test_a_volume_is_digits_as_every_receiver_reads_them(volume: Any) -> None:
    assert not digits(0, 100)(volume)
    assert digits(0, 100)("70")


def test_a_fault_can_be_for_what_a_message_says() -> None:
    faults = Faults()
    faults.plan("journal", Fault("refuse", only="BT2", times=None))
    assert faults.take("journal", '{"BanTinID": "BT1"}') is None
    assert faults.take("journal", '{"BanTinID": "BT2"}') is not None


def test_faults_are_used_up_in_their_order_and_only_by_their_message() -> None:
    faults = Faults()
    faults.plan("journal", Fault("cut_after"))
    faults.plan("*", Fault("status", code=503))
    faults.plan("*", Fault("captive", times=None))
    assert [one.kind if (one := faults.take(name)) else "" for name in ("status", "journal")] == [
        "status",
        "cut_after",
    ]
    assert {getattr(faults.take("poll"), "kind", "") for _ in range(5)} == {"captive"}
    faults.clear()
    assert faults.take("poll") is None


def get(httn: Httn, path: str) -> bytes:
    with urllib.request.urlopen(f"{httn.base_url}{path}", timeout=5) as answer:  # noqa: S310
        read: bytes = answer.read()
    return read


def post(httn: Httn, path: str, body: Any, token: str = "") -> dict[str, Any]:
    return post_raw(httn, path, json.dumps(body).encode(), token)


def post_raw(httn: Httn, path: str, raw: bytes, token: str = "") -> dict[str, Any]:
    request = urllib.request.Request(  # noqa: S310
        f"{httn.base_url}{path}", raw, method="POST"
    )
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310
            said: dict[str, Any] = json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return {"HTTP": error.code}
    return said


def test_a_cluster_shows_up_once_it_logged_in_and_said_how_it_is() -> None:
    clock = [1_000_000]
    with Httn(Settings(token_s=10), now_ms=lambda: clock[0]) as httn:
        assert b"HTTTN" in get(httn, "/")
        said = {"NguonId": "H24", "CumLoaId": "86", "MaXacThuc": 123_456}
        report = {"NguonId": "H24", "CumLoaId": "86", "TrangThaiHoatDong": 0}
        report |= {"TrangThaiKetNoi": 1, "AmLuong": 50}
        assert post(httn, "/api8", report) == {"HTTP": 401}
        assert post(httn, "/api1", {**said, "MaXacThuc": 1})["TrangThaiGui"] == 1
        token = post(httn, "/api1", said)["NoiDung"]["Token"]
        assert post(httn, "/api8", report, token)["TrangThaiGui"] == 0
        counts = json.loads(get(httn, "/tong-quan.json"))
        assert (counts["TongSo"], counts["DangPhat"], counts["MatKetNoi"]) == (1, 1, 0)
        clock[0] += 10_000
        assert post(httn, "/api8", report, token) == {"HTTP": 401}
        clock[0] += 171_000
        assert json.loads(get(httn, "/tong-quan.json"))["MatKetNoi"] == 1


def test_a_password_in_any_script_is_compared_and_answered() -> None:
    with Httn(Settings(accounts={"cum-loa": "mật khẩu thử"})) as httn:
        for wrong in ("mat-khau", "mật khẩu sai", "\ud800"):
            said = {"Username": "cum-loa", "Password": wrong}
            assert post(httn, "/login", said)["TrangThaiGui"] == 1
        right = {"Username": "cum-loa", "Password": "mật khẩu thử"}
        assert post(httn, "/login", right)["NoiDung"]["Token"]


@pytest.mark.parametrize("levels", [40, 900, 50_000])
def test_json_that_is_nested_without_end_is_answered_as_none(levels: int) -> None:
    with Httn() as httn:
        raw = b'{"NguonId": ' + b"[" * levels + b"]" * levels + b"}"
        assert post_raw(httn, "/api1", raw)["MoTa"] == "không phải đối tượng JSON"
        assert post_raw(httn, "/dieu-khien", raw) == {"HTTP": 400}


def test_an_operator_can_have_only_right_calls_wait() -> None:
    with Httn() as httn:
        said = {"CumLoaID": "86", "Loai": "api4"}
        right = {"NguonId": "H24", "CumLoaId": "86", "AmLuong": 50}
        assert post(httn, "/dieu-khien", {**said, "NoiDung": right})["TrangThaiGui"] == 0
        wrong = {**right, "AmLuong": 500}
        assert post(httn, "/dieu-khien", {**said, "NoiDung": wrong}) == {"HTTP": 400}
        assert post(httn, "/dieu-khien", {**said, "Loai": "api9", "NoiDung": right}) == {
            "HTTP": 400
        }
        assert httn.store.take_waiting("86") == [("api4", right)]
        assert httn.store.take_waiting("86") == []
