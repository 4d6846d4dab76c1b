"""A station that is enrolled again, because its certificate ends."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

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
