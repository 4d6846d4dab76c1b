"""Both dialects against the reference source system over real HTTP: nothing lost, nothing doubled.

Outages, answers that never come back, tokens that end, duplicates, refusals, restarts in between.
"""

from __future__ import annotations

import ssl
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any, get_args

import msgspec
import pytest

from agent.adapters.source_api import pace
from agent.adapters.source_api.settings import Codes, Paths
from agent.contract.reasons import ACK, AckReason
from agent.contract.reports import Audit
from agent.core.effects import PruneRecords
from agent.core.events import SourceAsked, SourceTook
from agent.core.source_view import Snapshot
from simulator.httn.faults import Fault, FaultKind
from simulator.httn.server import Httn, Settings
from simulator.link import LinkSimulator
from simulator.source_system.pki import CertificateAuthority
from tests.integration.source_lab import (
    DAY_MS,
    IDS,
    Box,
    Lab,
    Name,
    Open,
    ended,
    entries_of,
    expected,
    receipt,
    section,
    start,
)

both = pytest.mark.parametrize("dialect", get_args(Name))


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Open]:
    made: list[Lab] = []

    def make(dialect: Name, **settings: Any) -> Lab:
        made.append(Lab(tmp_path, dialect, Settings(**settings)))
        made[-1].httn.start()
        return made[-1]

    yield make
    for one in made:
        if one.box is not None:
            one.box.crash()
        one.httn.stop()
        one.httn.store.close()


# --- outages -------------------------------------------------------------------------------


@both
def test_days_without_the_source_system_are_told_in_order_once_it_is_back(
    lab: Open, dialect: Name
) -> None:
    house = lab(dialect)
    box = house.life()
    box.drain()
    house.httn.stop()
    started = box.live(days=6, a_day=12)
    box.steps(20)
    house.hand.mono_ms += 6 * DAY_MS
    box.steps(20)
    assert (house.begun(), box.uplink.through < box.newest) == ([], True)
    house.httn.start()
    box.drain()
    assert house.begun() == expected(started)
    assert house.ended() == expected(started)
    assert house.httn.store.duplicates() == 0
    assert house.httn.store.refused() == []
    assert box.states() == ["unreachable", "ok"]


@both
def test_after_an_outage_one_status_goes_out_and_it_is_the_newest(lab: Open, dialect: Name) -> None:
    house = lab(dialect, token_s=1e6)
    box = house.life()
    box.drain()
    house.httn.stop()
    begin_ms = house.hand.mono_ms
    box.until(lambda: house.hand.mono_ms > begin_ms + 3_600_000)
    before = house.seen(house.status)
    house.httn.start()
    box.write(start(1, box.wall_ms))
    box.drain()
    assert house.seen(house.status) == before + 1


@both
def test_the_status_goes_out_every_minute_also_while_days_are_told(
    lab: Open, dialect: Name
) -> None:
    house = lab(dialect)
    box = house.life()
    box.live(days=1, a_day=5)
    begin_ms = house.hand.mono_ms
    box.until(lambda: house.hand.mono_ms > begin_ms + 10 * 60_000)
    assert 10 <= house.seen(house.status) <= 11


# --- answers that do not come back ---------------------------------------------------------


@both
@pytest.mark.parametrize("knows_keys", [True, False])
@pytest.mark.parametrize("on_duplicate", ["accept", "conflict", "refuse"])
def test_an_answer_lost_after_the_message_was_taken_doubles_nothing(
    lab: Open, dialect: Name, knows_keys: bool, on_duplicate: str
) -> None:
    house = lab(dialect, knows_keys=knows_keys, on_duplicate=on_duplicate)
    box = house.life()
    started = box.live(days=1, a_day=6)
    journal = "api9" if dialect == "a" else "journal"
    house.httn.faults.plan(journal, Fault("cut_after", times=3))
    box.drain()
    assert house.begun() == expected(started)
    assert house.httn.store.duplicates() == 3
    assert box.set_aside() == []


@both
def test_every_fault_on_the_way_costs_time_and_no_record(lab: Open, dialect: Name) -> None:
    house = lab(dialect)
    box = house.life()
    started = box.live(days=1, a_day=8)
    passing: list[FaultKind] = ["status", "cut_before", "cut_after", "captive", "redirect"]
    for kind in passing:
        house.httn.faults.plan("*", Fault(kind, times=2))
    house.httn.faults.plan("*", Fault("status", code=404))
    house.httn.faults.plan("*", Fault("status", code=429))
    house.httn.faults.plan("*", Fault("unauthorised"))
    box.drain()
    assert house.begun() == expected(started)
    assert house.ended() == expected(started)
    assert box.set_aside() == []


@both
def test_an_answer_that_is_nested_without_end_is_none_and_breaks_nothing(
    lab: Open, dialect: Name, caplog: pytest.LogCaptureFixture
) -> None:
    house = lab(dialect)
    box = house.life(inbound="answers")
    started = box.live(days=1, a_day=2)
    house.httn.faults.plan("*", Fault("nested", times=4))
    box.drain()
    assert house.begun() == expected(started)
    assert box.states() == ["strange", "ok"]
    assert box.set_aside() == []
    assert "source_api_failed" not in caplog.text


@both
def test_a_redirect_takes_neither_the_token_nor_a_record_elsewhere(
    lab: Open, dialect: Name
) -> None:
    house = lab(dialect)
    box = house.life()
    box.steps(3)
    started = box.live(days=1, a_day=3)
    with Httn() as thief:
        for path in ("/api9", "/journal", "/status", "/api8"):
            house.httn.faults.plan("*", Fault("redirect", to=f"{thief.base_url}{path}"))
        box.drain()
        assert thief.desk.seen == []
    assert house.begun() == expected(started)
    assert "strange" in box.states()


@both
def test_a_server_that_does_not_answer_is_left_within_the_bound(lab: Open, dialect: Name) -> None:
    house = lab(dialect)
    box = house.life(read_within_s=1)
    started = box.live(days=1, a_day=2)
    house.httn.faults.plan("*", Fault("stall", seconds=60))
    box.drain()
    assert house.begun() == expected(started)


@both
@pytest.mark.parametrize("seed", range(4))
def test_chaos_with_restarts_loses_and_doubles_nothing(lab: Open, dialect: Name, seed: int) -> None:
    """Any fault at any message, and kill -9 between an answer and its commit."""
    chance = Random(seed)
    house = lab(dialect, token_uses=9, knows_keys=seed % 2 == 0)
    box = house.life()
    started = box.live(days=2, a_day=10)
    kinds: list[FaultKind] = ["status", "cut_before", "cut_after", "unauthorised", "captive"]
    for _ in range(6):
        for _ in range(chance.randrange(4)):
            house.httn.faults.plan("*", Fault(chance.choice(kinds)))
        box.dead = chance.random() < 0.5
        box.steps(chance.randrange(1, 25))
        box = house.life()
    house.httn.faults.clear()
    box.drain()
    assert house.begun() == expected(started)
    assert house.ended() == expected(started)


@both
def test_an_uplink_over_the_same_journal_goes_on_where_the_other_was_killed(
    lab: Open, dialect: Name
) -> None:
    house = lab(dialect)
    box = house.life()
    started = box.live(days=1, a_day=10)
    while len(house.begun()) < 4:
        box.steps(1)
    told = house.begun()
    box = house.life()
    box.drain()
    assert house.begun()[: len(told)] == told
    assert house.begun() == expected(started)
    assert house.httn.store.duplicates() == 0


@both
def test_what_was_answered_but_not_saved_goes_out_again_under_its_key(
    lab: Open, dialect: Name
) -> None:
    house = lab(dialect)
    box = house.life()
    started = box.live(days=1, a_day=3)
    box.dead = True
    while len(house.begun()) < 2:
        box.steps(1)
    box = house.life()
    box.drain()
    assert house.begun() == expected(started)
    assert house.httn.store.duplicates() >= 2
    keys = [one.key for one in house.httn.store.messages()]
    assert len(keys) == len(set(keys))
    assert all(key.startswith(f"{box.journal.installation}/main/") for key in keys)


# --- tokens, clocks ------------------------------------------------------------------------


@both
def test_a_token_that_ends_in_the_middle_is_renewed_and_nothing_is_lost(
    lab: Open, dialect: Name
) -> None:
    house = lab(dialect, token_uses=5)
    box = house.life()
    started = box.live(days=1, a_day=12)
    box.drain()
    assert house.begun() == expected(started)
    assert house.httn.desk.logins >= 4
    assert box.states() == []


@both
def test_a_known_lifetime_renews_the_token_before_it_is_refused(lab: Open, dialect: Name) -> None:
    house = lab(dialect, token_s=600.0)
    box = house.life(token_lifetime_s=600)
    box.until(lambda: house.hand.mono_ms > 1_000_000 + 3_600_000)
    assert house.httn.desk.logins == 8
    assert "not_authorised" not in box.states()
    assert house.httn.store.refused() == []


@both
def test_a_clock_that_jumps_changes_no_wait_and_loses_nothing(lab: Open, dialect: Name) -> None:
    house = lab(dialect, token_s=1_800.0)
    box = house.life()
    walls_ms = (1_772_400_600_000, 4_000_000_000_000, 946_684_900_000, 1_772_400_700_000)
    for number, at_ms in enumerate(walls_ms):
        before_ms = house.hand.mono_ms
        box.write(start(number, 0), at_ms=at_ms)
        box.drain()
        assert house.hand.mono_ms - before_ms < 5_000
        house.hand.mono_ms += 3_600_000
    assert house.begun() == [f"huyen/muc-{number}" for number in range(len(walls_ms))]
    assert box.set_aside() == []


@both
def test_a_wrong_password_is_told_and_tried_seldom(lab: Open, dialect: Name) -> None:
    house = lab(dialect)
    box = house.life()
    house.httn.desk.settings = Settings(accounts={}, codes=frozenset())
    box.until(lambda: house.hand.mono_ms > 1_000_000 + DAY_MS)
    assert box.states() == ["not_authorised"]
    assert 20 <= house.seen("login", "api1") <= 45
    house.httn.desk.settings = Settings()
    box.write(start(1, box.wall_ms))
    box.drain()
    assert box.states() == ["not_authorised", "ok"]
    assert len(house.begun()) == 1


# --- refusals ------------------------------------------------------------------------------


@both
@pytest.mark.parametrize("refuse_with", [200, 400, 422])
def test_a_refused_record_is_set_aside_with_its_reason_and_holds_nothing_up(
    lab: Open, dialect: Name, refuse_with: int
) -> None:
    house = lab(dialect, refuse_with=refuse_with)
    box = house.life()
    box.write(start(1, 0))
    if dialect == "a":
        box.write(receipt(items=("",)))
    else:
        box.write(start(2, 0), at_ms=5_000)
    box.write(start(3, 0), at_ms=1_772_400_700_000)
    box.drain()
    assert house.begun() == ["huyen/muc-1", "huyen/muc-3"]
    [(seq, why)] = box.set_aside()
    assert why.startswith("BanTinId" if dialect == "a" else "ThoiDiemBatDau")
    assert set(box.station.facts.set_aside) == {str(seq)}
    assert box.states() == []


def test_a_refused_part_of_a_record_does_not_take_its_other_parts_along(lab: Open) -> None:
    house = lab("a")
    box = house.life()
    box.write(receipt(items=("BT1", "", "BT3")))
    box.drain()
    assert [one.body["BanTinId"] for one in house.httn.store.messages()] == ["BT1", "BT3"]
    assert len(box.set_aside()) == 1


@both
def test_many_refusals_in_a_row_slow_down_and_are_told(lab: Open, dialect: Name) -> None:
    house = lab(dialect)
    box = house.life()
    box.write(*(start(number, 0) for number in range(8)))
    begin_ms = house.hand.mono_ms
    journal = "api9" if dialect == "a" else "journal"
    house.httn.faults.plan(journal, Fault("refuse", why="máy chủ từ chối", times=5))
    box.drain()
    assert "refusing" in box.states()
    assert box.states()[-1] == "ok"
    assert house.hand.mono_ms - begin_ms > pace.REFUSING_FIRST_MS
    assert {why for _, why in box.set_aside()} == {"máy chủ từ chối"}


@both
def test_what_was_set_aside_is_tried_again_by_the_next_start(lab: Open, dialect: Name) -> None:
    house = lab(dialect)
    box = house.life()
    box.write(start(1, box.wall_ms), start(2, box.wall_ms))
    journal = "api9" if dialect == "a" else "journal"
    house.httn.faults.plan(journal, Fault("refuse", times=1))
    box.drain()
    assert house.begun() == ["huyen/muc-2"]
    box = house.life()
    box.until(lambda: not box.station.facts.set_aside, 200)
    assert sorted(house.begun()) == ["huyen/muc-1", "huyen/muc-2"]
    again = house.life()
    again.drain()
    assert len(house.begun()) == 2


@both
def test_records_that_were_pruned_unsent_are_counted_and_told(lab: Open, dialect: Name) -> None:
    house = lab(dialect)
    box = house.life()
    box.write(start(1, box.wall_ms))
    box.drain()
    house.httn.stop()
    started = box.live(days=1, a_day=4)
    old = box.newest - 6
    box.journal.submit([PruneRecords(old, 2**62)])
    house.httn.start()
    box.drain()
    box.flush()
    assert house.begun()[1:] == expected(started)[-len(house.begun()[1:]) :]
    [gone] = [one.gone for one in box.told if isinstance(one, SourceTook) and one.gone]
    assert gone > 0
    body = f'"what":"source_records_gone","by":"source_api","detail":"{gone}"'
    kept = box.journal.records_after(old, 100).result(5)
    assert any(body.encode() in one.body for one in kept)


def why(reason: AckReason) -> str:
    return f"{ACK[reason].vi} ({reason.value})"


# --- what is said --------------------------------------------------------------------------


def test_dialect_b_tells_an_item_with_every_field(lab: Open) -> None:
    house = lab("b")
    box = house.life()
    box.write(start(1, 1_772_400_600_000), at_ms=1_772_400_601_500)
    box.drain()
    [told] = house.httn.store.messages("journal")
    details = {one["Ten"]: one["GiaTri"] for one in told.body.pop("ThongTinChiTietBanTin")}
    assert told.body == {
        "NguonID": "H24",
        "TenNguon": "Thành phố Hải Phòng",
        "DichID": "D01",
        "TenDich": "Xã Tân Liên",
        "CumLoaID": "861234567890123",
        "TenThietBi": "Cụm xã Tân Liên",
        "MaNhaCungCap": "CR",
        "TenNhaCungCap": "Commune Radio",
        "CongSuat": "",
        "BanTinID": "huyen/muc-1",
        "NguonTin": "huyen",
        "TieuDe": "Bản tin 1",
        "MucDoUuTien": 3,
        "LoaiLinhVuc": 3,
        "LoaiBanTin": 3,
        "TiepAm": 0,
        "NguonTiepAm": "",
        "NoiDung": "http://x/y.mp3",
        "ThoiLuong": "00:01:30",
        "TacGia": {
            "TenDayDu": "Nguyễn Văn An",
            "ButDanh": "An Nhiên",
            "Email": "an@xamau.example",
        },
        "AmLuong": "60",
        "ThoiDiemBatDau": 1_772_400_601,
        "NoiDungTomTat": "Lịch tiêm chủng tháng ba",
        "ThoiGianSanXuat": 1_772_298_000,
    }
    assert details == {
        "Lượt phát": "huyen|g/tat-ca|muc-1|2026-03-02T05:00:00",
        "Khu vực": "Thôn Đông",
        "Giờ theo lịch": "2026-03-02T04:30:00.00000",
        "Người duyệt": "Trần Thị Bình",
        "Ngôn ngữ": "vi",
        "Bản lịch": "7",
        "Mã bản ghi": told.key,
    }


def test_dialect_a_tells_an_item_with_every_field(lab: Open) -> None:
    house = lab("a")
    box = house.life()
    box.write(start(1, 0), ended(1, 0), at_ms=1_772_400_601_507)
    box.drain()
    begun, over = (one.body for one in house.httn.store.messages("api9"))
    seq = box.newest - 1
    assert begun == {
        "NguonId": "H24",
        "BanTinId": "huyen/muc-1",
        "GiaTri": 1,
        "ThoiDiemGui": f"2026-03-02T04:30:01.507{seq % 100:02}",
        "LoaiNhatKy": 1,
    }
    assert over == begun | {
        "LoaiNhatKy": 2,
        "ThoiDiemGui": f"2026-03-02T04:30:01.507{(seq + 1) % 100:02}",
    }


@both
def test_two_zones_that_end_in_one_millisecond_are_two_records_also_without_keys(
    lab: Open, dialect: Name
) -> None:
    house = lab(dialect, knows_keys=False)
    box = house.life()
    one = ended(1, 0)
    box.write(one, msgspec.structs.replace(one, zone="Thôn Tây"))
    box.drain()
    assert house.ended() == ["huyen/muc-1", "huyen/muc-1"]
    assert house.httn.store.duplicates() == 0


@both
def test_the_status_says_what_is_measured_and_nothing_else(lab: Open, dialect: Name) -> None:
    house = lab(dialect)
    box = house.life()
    box.until(lambda: bool(house.httn.store.statuses()), 20)
    [(cluster, _, body)] = house.httn.store.statuses()
    assert cluster == IDS.cluster_id
    if dialect == "b":
        assert body["TrangThaiHoatDong"] == "2"
        assert body["ThongTinThietBi"] == {"CongSuat": "", "NhietDo": "", "DungLuongSuDung": ""}
        assert (body["ThoiDiemBatDau"], body["NoiDungPhat"]) == (0, "")
        assert (body["ViDo"], body["KinhDo"]) == (20.7, 106.5)
    else:
        assert (body["TrangThaiHoatDong"], body["TrangThaiKetNoi"]) == (2, 1)
    assert house.httn.store.refused() == []


def test_receipts_of_schedules_are_told_in_order_with_the_journal(lab: Open) -> None:
    house = lab("b")
    box = house.life()
    box.write(receipt(), start(1, box.wall_ms), receipt(what="cancel"))
    box.write(receipt(state="refused", reason=AckReason.UNSIGNED, detail="http://x"))
    box.drain()
    told = house.httn.store.messages()
    kinds = [one.kind for one in told]
    assert kinds == ["schedule_saved", "journal", "schedule_deleted", "outcome"]
    assert told[0].body["DanhSachBanTin"] == ["BT1", "BT2"]
    assert told[0].body["DanhSachDiaBan"] == [{"DichID": "D01", "TenDich": "Xã Tân Liên"}]
    assert told[2].body["DanhSachThietBi"] == {"CumLoaID": [IDS.cluster_id]}
    assert (told[3].body["TrangThaiGui"], told[3].body["MoTa"]) == (1, why(AckReason.UNSIGNED))


def test_in_dialect_a_each_bulletin_of_a_receipt_is_one_entry_told_once(lab: Open) -> None:
    house = lab("a")
    box = house.life()
    house.httn.faults.plan("api9", Fault("cut_after", times=1))
    box.write(receipt(items=("BT1", "BT2", "BT3")), receipt(state="refused", items=("BT4",)))
    box.drain()
    told = [(one.body["BanTinId"], one.body["GiaTri"]) for one in house.httn.store.messages()]
    assert told == [("BT1", 1), ("BT2", 1), ("BT3", 1), ("BT4", 0)]


@both
def test_records_that_neither_dialect_knows_are_passed_over_and_remembered(
    lab: Open, dialect: Name
) -> None:
    house = lab(dialect)
    box = house.life()
    box.write(*(Audit(what="local_volume", by="hoa", detail=str(n)) for n in range(150)))
    box.drain()
    assert house.httn.store.messages() == []
    box = house.life()
    assert box.uplink.through >= 150


@both
def test_without_a_path_or_a_code_nothing_is_sent_of_that_kind(lab: Open, dialect: Name) -> None:
    house = lab(dialect)
    box = house.life(codes=Codes(), paths=Paths(journal="", schedule_saved=""))
    box.live(days=1, a_day=2)
    box.write(receipt())
    box.drain()
    assert house.httn.store.messages() == []


# --- what comes in -------------------------------------------------------------------------


def command(volume: str, **more: Any) -> dict[str, Any]:
    return {
        "NguonID": "H24",
        "TenNguon": "Hải Phòng",
        "DanhSachDiaBanNhan": [],
        "DanhSachThietBi": {"CumLoaID": [IDS.cluster_id]},
        "DieuKhienThietBi": {"MaLenh": 0, "ThamSo": volume},
        **more,
    }


@pytest.mark.parametrize("way", ["answers", "poll"])
def test_a_volume_that_is_allowed_is_set_and_one_beyond_is_refused_and_told(
    lab: Open, way: str
) -> None:
    house = lab("b", calls_in=way)
    box = house.life(inbound=way)
    assert house.httn.desk.send(IDS.cluster_id, "command", command("55", LenhID="L1")) == ""
    assert house.httn.desk.send(IDS.cluster_id, "command", command("90", LenhID="L2")) == ""
    box.until(lambda: len(house.httn.store.messages("outcome")) == 2, 200)
    assert set(box.station.volumes().values()) == {55}
    told = [
        (one.body["LenhID"], one.body["TrangThaiGui"], one.body["MoTa"])
        for one in house.httn.store.messages("outcome")
    ]
    assert told == [("L1", 0, ""), ("L2", 1, why(AckReason.NOT_ALLOWED))]


def test_in_dialect_a_a_volume_comes_as_api4(lab: Open) -> None:
    house = lab("a")
    box = house.life(inbound="answers")
    asked = {"NguonId": "H24", "CumLoaId": IDS.cluster_id, "AmLuong": 40}
    assert house.httn.desk.send(IDS.cluster_id, "api4", asked) == ""
    box.until(lambda: set(box.station.volumes().values()) == {40}, 50)


def test_without_an_inbound_way_nothing_that_comes_is_looked_at(lab: Open) -> None:
    house = lab("b")
    box = house.life()
    house.httn.desk.send(IDS.cluster_id, "command", command("55"))
    begin_ms = house.hand.mono_ms
    box.until(lambda: house.hand.mono_ms > begin_ms + 300_000)
    assert not any(isinstance(one, SourceAsked) for one in box.told)


def test_a_call_that_stands_in_every_answer_is_one_call(lab: Open) -> None:
    house = lab("b", calls_in="poll")
    box = house.life(inbound="poll")
    begin_ms = house.hand.mono_ms
    for minute in range(5):
        house.httn.desk.send(IDS.cluster_id, "command", command("55"))
        until_ms = begin_ms + minute * 60_000
        while house.hand.mono_ms <= until_ms:
            box.steps(1)
    assert sum(isinstance(one, SourceAsked) for one in box.told) == 1


def item(begin_s: int, **more: Any) -> dict[str, Any]:
    return {
        "LichPhatID": "LP7",
        "BanTinID": "BT1",
        "LoaiBanTin": 3,
        "MucDoUuTien": 3,
        "TieuDe": "Bản tin lạ",
        "NoiDung": "http://anywhere/x.mp3",
        "DanhSachNgayPhat": [
            {
                "TimNgayPhat": "02-03-2026",
                "ThoiDiemPhat": [
                    {"ThoiGianBatDau": begin_s, "ThoiGianKetThuc": begin_s + 60, "DaPhat": 0}
                ],
            }
        ],
        **more,
    }


def bulletin(**more: Any) -> dict[str, Any]:
    return {
        "NguonId": "H24",
        "BanTinId": "BT1",
        "NgayBatDau": "2026-03-02T00:00:00.00000",
        "NgayKetThuc": "2026-03-03T00:00:00.00000",
        "CheDoPhat": 0,
        "LichPhat": {
            "ThoiDiemBatDau": ["05:30:00.000000"],
            "ThoiDiemKetThuc": ["05:31:00.000000"],
            "KieuLich": 1,
            "DanhSachNgayPhat": [],
        },
        "TieuDe": "Bản tin lạ",
        "LinhVuc": "1",
        "NoiDungTomTat": "",
        "ThoiGianSanXuat": "2026-03-01T00:00:00.00000",
        "ThoiLuong": 60,
        "TacGia": "An",
        "NoiDung": {"Link": "http://anywhere/x.mp3"},
        "DiaBanTao": "H24",
        "DanhSachDiaBanNhan": [],
        **more,
    }


@pytest.mark.parametrize(
    "change",
    [
        {"NgayBatDau": "0001-01-01T00:00:00.0"},
        {"NgayBatDau": "0001-01-01T00:00:00+14:00"},
        {"NgayKetThuc": "9999-12-31T20:00:00Z"},
        {"ThoiLuong": -5},
    ],
    ids=str,
)
def test_in_one_answer_a_call_that_cannot_be_read_is_told_and_the_others_are_done(
    lab: Open, change: dict[str, Any]
) -> None:
    house = lab("a")
    box = house.life(inbound="answers")
    volume = {"NguonId": "H24", "CumLoaId": IDS.cluster_id, "AmLuong": 40}
    for kind, body in (("api5", bulletin() | change), ("api4", volume)):
        house.httn.store.wait_for(IDS.cluster_id, kind, body)
    begin_ms = house.hand.mono_ms
    box.until(lambda: bool(house.httn.store.messages("api9")), 50)
    assert house.hand.mono_ms - begin_ms < 5_000
    assert set(box.station.volumes().values()) == {40}
    [told] = house.httn.store.messages("api9")
    assert (told.body["BanTinId"], told.body["GiaTri"]) == ("BT1", 0)
    assert box.states() == []


def test_an_item_for_another_station_is_refused_and_told_and_the_one_beside_it_judged(
    lab: Open,
) -> None:
    house = lab("b")
    box = house.life(inbound="answers")
    begin_s = box.wall_ms // 1_000 + 3_600
    for more in ({"NguonID": "H25"}, {"CumLoaID": "99", "BanTinID": "BT2"}, {"BanTinID": "BT3"}):
        assert house.httn.desk.send(IDS.cluster_id, "item", item(begin_s, **more)) == ""
    box.until(lambda: len(house.httn.store.messages("outcome")) == 3, 100)
    told = {one.body["DanhSachBanTin"][0]: one.body for one in house.httn.store.messages("outcome")}
    assert {name: one["MoTa"] for name, one in told.items()} == {
        "BT1": why(AckReason.WRONG_AUDIENCE),
        "BT2": why(AckReason.WRONG_AUDIENCE),
        "BT3": why(AckReason.UNSIGNED),
    }
    assert house.httn.store.messages("schedule_saved") == []


@both
def test_an_unsigned_schedule_is_refused_and_the_refusal_is_told(lab: Open, dialect: Name) -> None:
    house = lab(dialect)
    box = house.life(inbound="answers")
    begin_s = box.wall_ms // 1_000 + 3_600
    if dialect == "b":
        assert house.httn.desk.send(IDS.cluster_id, "item", item(begin_s)) == ""
    else:
        assert house.httn.desk.send(IDS.cluster_id, "api5", bulletin()) == ""
    box.until(lambda: bool(house.httn.store.messages("outcome", "api9")), 100)
    [told] = house.httn.store.messages("outcome", "api9")
    if dialect == "b":
        assert (told.body["TrangThaiGui"], told.body["MoTa"]) == (1, why(AckReason.UNSIGNED))
    else:
        assert (told.body["BanTinId"], told.body["GiaTri"]) == ("BT1", 0)
    assert box.station.facts.source_items == {}


# --- TLS -----------------------------------------------------------------------------------


@both
def test_only_the_right_authority_is_believed(lab: Open, dialect: Name, tmp_path: Path) -> None:
    with served_over_tls(tmp_path) as (httn, ca, stranger):
        good = Box(tmp_path / "good.db", section(dialect, httn.base_url, ca=ca, allow_http=False))
        good.write(start(1, good.wall_ms))
        good.drain()
        assert len(entries_of(httn, dialect)) == 1
        good.crash()
        bad = Box(tmp_path / "bad.db", section(dialect, httn.base_url, ca=stranger))
        bad.steps(5)
        assert bad.states() == ["tls"]
        bad.crash()


STATUS_BYTES: dict[Name, int] = {"a": 1_300, "b": 2_000}
"""As docs/source-api.md says: one status and its answer, with TLS, without TCP and IP."""

LONG_NAMES = msgspec.structs.replace(
    IDS,
    source_name="Ủy ban nhân dân thành phố Hải Phòng",
    target_name="Ủy ban nhân dân xã Tân Liên, huyện Vĩnh Bảo",
    device_name="Cụm loa nhà văn hóa thôn Đông Tạ, xã Tân Liên",
    vendor_name="Công ty Cổ phần Công nghệ và Truyền thông Hải Phòng",
    amplifier_power="150 W",
)
ON_AIR = Snapshot(
    playing=True,
    url="https://noi-dung.httn.haiphong.gov.vn/ban-tin/2026/03/02/" + "0123456789abcdef" * 4,
    started_ms=1_772_400_600_000,
    volume=60,
    version="0.1.0",
    temperature_cdeg=4_150,
    storage_used_percent=37,
    link="4G,-97dbm",
    latitude_udeg=20_725_312,
    longitude_udeg=106_512_408,
)
JWT_BYTES = 450
"""Of chance: a token of 600 characters, as a JWT with a few claims is."""


@both
def test_a_status_costs_no_more_than_the_document_says_on_one_connection(
    dialect: Name, tmp_path: Path
) -> None:
    """With names as they are and a long token; `-s` prints the figure."""
    settings = Settings(token_bytes=JWT_BYTES, token_s=1e6)
    with served_over_tls(tmp_path, settings) as (httn, ca, _), LinkSimulator() as links:
        link = links.link("4g", httn=("127.0.0.1", httn.port))
        url = f"https://127.0.0.1:{link.port('httn')}"
        spoken = section(dialect, url, ca=ca, allow_http=False, ids=LONG_NAMES)
        box = Box(tmp_path / "j.db", spoken, shown=ON_AIR)
        begin_ms = box.hand.mono_ms
        box.until(lambda: box.hand.mono_ms > begin_ms + 30_000)
        before = link.counted
        box.until(lambda: box.hand.mono_ms > begin_ms + 30_000 + 30 * 60_000)
        after = link.counted
        box.crash()
        cost = (after.up_bytes + after.down_bytes - before.up_bytes - before.down_bytes) / 30
        month = cost * 60 * 24 * 30 / 1e6
        said = f"{dialect}: {cost:.0f} bytes a status, {month:.1f} MB a month at 60 s"
        sys.stdout.write(f"\n{said}\n")
        assert STATUS_BYTES[dialect] * 0.85 < cost <= STATUS_BYTES[dialect]
        assert after.connections == 1


@both
def test_a_connection_that_went_dead_without_a_word_is_noticed_and_replaced(
    lab: Open, dialect: Name
) -> None:
    house = lab(dialect)
    with LinkSimulator() as links:
        link = links.link("4g", httn=("127.0.0.1", house.httn.port))
        box = house.life(base_url=f"http://127.0.0.1:{link.port('httn')}", read_within_s=1)
        started = box.live(days=1, a_day=3)
        box.steps(4)
        link.black_hole()
        box.steps(2)
        assert box.states() == ["unreachable"]
        link.restore()
        box.drain()
        assert house.begun() == expected(started)
        assert house.ended() == expected(started)


def test_plain_http_is_not_spoken_unless_the_laboratory_allows_it(lab: Open) -> None:
    house = lab("b")
    box = house.life(allow_http=False)
    box.steps(5)
    assert box.states() == ["strange"]
    assert house.httn.desk.seen == []


@contextmanager
def served_over_tls(
    folder: Path, settings: Settings | None = None
) -> Iterator[tuple[Httn, str, str]]:
    """The server, the file of its authority, and that of another one."""
    ours = CertificateAuthority.create(folder / "pki", "Tỉnh")
    other = CertificateAuthority.create(folder / "other", "Người lạ")
    held = ours.issue_server(folder / "httn", ("127.0.0.1",))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(held.certificate, held.key)
    with Httn(settings, tls=context) as httn:
        yield httn, str(ours.certificate_path), str(other.certificate_path)
