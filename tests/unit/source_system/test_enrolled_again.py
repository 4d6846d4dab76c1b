"""A station that is enrolled again, because its certificate ends."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from agent.contract.documents import Trust
from agent.contract.envelope import open_envelope
from agent.contract.strict import decode_signed
from simulator.source_system.district import District
from simulator.source_system.districtctl.__main__ import main
from simulator.source_system.home import Station

ZONES = {"thôn Đông": ()}


@pytest.fixture
def district(tmp_path: Path) -> District:
    home = ["--home", str(tmp_path / "d"), "--lang", "en"]
    main([*home, "keys", "init", "--holder", "A", "--backup", str(tmp_path / "safe")])
    district = District(tmp_path / "d")
    district.enrol("tan-lien", name="Tân Liên", zones=ZONES, groups=("ven-song", "mien-nui"))
    return district


def held(district: District) -> Station:
    station = district.file.find("tan-lien")
    assert station is not None
    return station


def test_it_keeps_its_groups_and_its_volumes(district: District) -> None:
    loud = msgspec.structs.replace(held(district), volume=55, warning_volume=95)
    district.home.write(msgspec.structs.replace(district.file, station=(loud,)))
    district.enrol("tan-lien", name="Tân Liên", zones=ZONES)
    again = held(district)
    assert again.groups == ("tat-ca", "ven-song", "mien-nui")
    assert (again.volume, again.warning_volume) == (55, 95)
    assert again.certificate_serial != loud.certificate_serial


def test_with_groups_named_it_belongs_to_those_alone(district: District) -> None:
    district.enrol("tan-lien", name="Tân Liên", zones=ZONES, groups=("mien-nui",))
    assert held(district).groups == ("tat-ca", "mien-nui")


def province_file(folder: Path, district: District) -> Path:
    home = ["--home", str(folder / "province"), "--lang", "en"]
    backup = ["--backup", str(folder / "elsewhere"), "--through", str(district.home.folder)]
    words = ["keys", "init", "--authority", "tinh", "--rank", "10", "--holder", "B", *backup]
    assert main([*home, *words]) == 0
    file = folder / "tinh.json"
    assert main([*home, "keys", "export", str(file)]) == 0
    return file


def trusted(district: District) -> Trust:
    push = district.ledger.latest("s/tan-lien", "trust")
    assert push is not None
    found = decode_signed(open_envelope(push.sealed).body)
    assert isinstance(found, Trust)
    return found


def test_a_station_obeys_another_authority_until_it_is_told_not_to(
    tmp_path: Path, district: District
) -> None:
    file = province_file(tmp_path, district)
    here = ["--home", str(district.home.folder), "enrol", "tan-lien", "--zones", "thôn Đông"]
    assert main([*here, "--obey", str(file)]) == 0
    assert {one.id for one in trusted(district).authorities} == {"khu-vuc", "tinh"}
    assert "g/tinh/dn/schedule" in district.home.acl.read_text("utf-8")
    assert main(here) == 0  # a renewed certificate changes nothing about it
    assert {one.id for one in trusted(district).authorities} == {"khu-vuc", "tinh"}
    assert main([*here, "--obey", "none"]) == 0
    assert {one.id for one in trusted(district).authorities} == {"khu-vuc"}
    assert "g/tinh/dn/schedule" not in district.home.acl.read_text("utf-8")


def test_what_an_authority_hands_out_holds_no_secret(tmp_path: Path, district: District) -> None:
    text = province_file(tmp_path, district).read_text("utf-8").casefold()
    assert "private" not in text
    assert "secret" not in text
    for key in (tmp_path / "province" / "keys").rglob("*.key"):
        assert key.read_text("utf-8", "replace").casefold() not in text


def test_a_file_of_something_else_is_not_obeyed(
    tmp_path: Path, district: District, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "other.json"
    file.write_text('{"authority": 3}', encoding="utf-8")
    here = ["--home", str(district.home.folder), "--lang", "en", "enrol", "tan-lien"]
    assert main([*here, "--zones", "thôn Đông", "--obey", str(file)]) != 0
    printed = capsys.readouterr()
    assert "this does not describe another authority" in printed.out + printed.err
    assert [one.id for one in trusted(district).authorities] == ["khu-vuc"]
