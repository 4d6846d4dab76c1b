"""A real station-agent tells a source system over HTTP what it plays, also after kill -9."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.contract.documents import About
from agent.core import requests
from simulator.httn.faults import Fault
from simulator.httn.server import Httn
from tests.integration.station_rig import Rig, entry, until, whole_second

CLUSTER = "861234567890123"

SECTION = """
[source_api]
dialect = "b"
base_url = "{base_url}"
username = "cum-loa"
password_file = "{password}"
allow_http = true
status_every_s = 5
inbound = "answers"
allow = ["volume"]
volume_max = 60
[source_api.ids]
source_id = "H24"
target_id = "D01"
cluster_id = "{cluster}"
vendor_id = "CR"
[source_api.paths]
journal_end = "/journal/end"
outcome = "/outcome"
[place]
position = "20.7, 106.5"
"""

COMMAND = {
    "NguonID": "H24",
    "TenNguon": "Hải Phòng",
    "DanhSachDiaBanNhan": [],
    "DanhSachThietBi": {"CumLoaID": [CLUSTER]},
    "DieuKhienThietBi": {"MaLenh": 0, "ThamSo": "44"},
    "LenhID": "L1",
}


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_a_station_tells_what_it_plays_once_and_does_what_it_allows(tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("mat-khau-thu\n", encoding="utf-8")
    with Httn() as httn, Rig(tmp_path / "stage") as rig:
        name = rig.specs[0].id
        rig.stage.stop_agent(name)
        config = rig.station().folder / "station.toml"
        said = SECTION.format(base_url=httn.base_url, password=password, cluster=CLUSTER)
        config.write_text(config.read_text("utf-8") + said, encoding="utf-8")
        rig.stage.start_agent(name)
        until(lambda: bool(httn.store.statuses()), "the first status")

        httn.desk.send(CLUSTER, "command", COMMAND)
        rig.publish("mot", 2, seed=1)
        rig.publish("hai", 2, seed=2)
        first_ms, second_ms = whole_second(4), whole_second(9)
        httn.faults.plan("journal", Fault("cut_after", times=1))
        about = About(summary="Tiêm chủng", produced="2026-03-01", pen_name="An Nhiên")
        one = entry("mot", first_ms, author="Nguyễn Văn An", about=about)
        rig.push((one, entry("hai", second_ms)))
        until(lambda: len(httn.store.messages("journal")) == 1, "the first item")
        rig.stage.kill_agent(name)
        until(lambda: len(httn.store.messages("journal")) == 2, "the second item")
        until(lambda: len(httn.store.messages("journal_end")) >= 2, "the ends")

        begun = [one.body for one in httn.store.messages("journal")]
        assert [one["BanTinID"] for one in begun] == ["huyen/mot", "huyen/hai"]
        author = {"TenDayDu": "Nguyễn Văn An", "ButDanh": "An Nhiên", "Email": ""}
        for told in (begun[0], httn.store.messages("journal_end")[0].body):
            assert told["TacGia"] == author
            assert (told["NoiDungTomTat"], told["ThoiGianSanXuat"]) == ("Tiêm chủng", 1_772_298_000)
        assert (begun[1]["NoiDungTomTat"], begun[1]["ThoiGianSanXuat"]) == ("", 0)
        assert abs(begun[0]["ThoiDiemBatDau"] * 1_000 - first_ms) < 2_000
        keys = [one.key for one in httn.store.messages()]
        assert len(keys) == len(set(keys))
        assert httn.store.refused() == []

        [outcome] = httn.store.messages("outcome")
        assert (outcome.body["LenhID"], outcome.body["TrangThaiGui"]) == ("L1", 0)
        view = rig.ask(requests.ZonesRequest())
        assert isinstance(view, requests.ZonesView)
        assert {zone.volume for zone in view.zones} == {44}
        [(_, _, status)] = httn.store.statuses()
        assert (status["AmLuong"], status["ViDo"], status["KinhDo"]) == ("44", 20.7, 106.5)
