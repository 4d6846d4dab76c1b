"""What an engineer reads of a station's details: everything that is known, and `?` for the rest."""

from __future__ import annotations

import msgspec
import pytest

from agent.contract.details import (
    BoxDetails,
    ControllerDetails,
    Counts,
    Details,
    IdentityDetails,
    PlaceDetails,
    PowerDetails,
    ZoneDetails,
)
from agent.contract.reasons import Lang
from agent.contract.reports import Health
from simulator.source_system.districtctl.station_details import brief, full
from tests.unit.cli import views

ZONES = (
    ZoneDetails(
        name="Thôn Đông",
        volume=70,
        volume_source="timetable",
        controller="ampli-1",
        line="ok",
        level_cdb=-1_420,
        level_at_ms=views.at(5, 0),
    ),
    ZoneDetails(
        name="Thôn Đoài", volume=40, volume_source="local", controller="ampli-1", line="open"
    ),
)
KNOWN = msgspec.structs.replace(
    views.DETAILS,
    identity=IdentityDetails(
        name="Đài xã Tân Liên",
        version="0.1.0",
        area="xã Tân Liên",
        area_code="06001",
        supplier="Nhà cung cấp",
        model="CR-1",
        serial="SN-7",
    ),
    place=PlaceDetails(latitude_udeg=21_853_421, longitude_udeg=106_761_000, source="gps"),
    power=PowerDetails(mains=True, undervoltage=False, undervoltage_seen=True, battery_percent=96),
    box=BoxDetails(
        temperature_cdeg=4_512,
        storage_free_mib=12_345,
        storage_total_mib=30_000,
        storage_worn_percent=20,
        memory_free_mib=300,
        booted_ms=views.at(4, 10),
        boots=12,
        clock="trusted",
    ),
    zones=ZONES,
    controllers=(
        ControllerDetails(
            name="ampli-1", state="ready", temperature_cdeg=3_800, supply_mv=4_900, mains=False
        ),
    ),
    counts=Counts(agent_since_ms=views.at(4, 11), starts=14, connects=2, items=5, alarms=1),
)
UNKNOWN = Details(
    station="tan-lien",
    installation="i1",
    at_ms=views.NOW_MS,
    identity=IdentityDetails(name="Đài xã Tân Liên", version="0.1.0"),
    zones=(ZoneDetails(name="Đông", volume=70, volume_source="timetable", controller="ampli-1"),),
    controllers=(ControllerDetails(name="ampli-1", state="opening"),),
)


def text(details: Details, lang: Lang = "vi", health: Health | None = None) -> str:
    """As one line: where it is broken is not what is tested."""
    return " ".join(" ".join(full(details, health, lang)).split())


@pytest.mark.parametrize(
    "part",
    [
        "xã Tân Liên (06001)",
        "Nhà cung cấp",
        "CR-1 SN-7",
        "21.85342, 106.76100 (GPS)",
        "4G wwan0",
        "Viettel (45204)",
        "RSRP -97 dBm",
        "SINR 8,4 dB",
        "3,1 GB/4,0 GB (77 %)",
        "SIM hết hạn 30/11/2026",
        "SIM +84900000001",
        "ICCID 8984041234567890123",
        "IMEI 867698040000017",
        "ĐIỆN lưới",
        "ắc quy 96 %",
        "nguồn bo mạch từng yếu",
        "45 °C",
        "trống 12,1 GB/29,3 GB",
        "mòn 20 %",
        "RAM 300 MB",
        "lần thứ 12",
        "lần 14",
        "5 lượt phát, 2 lần nối, 1 báo động",
        "✓ Thôn Đông: đường loa tốt, âm lượng 70",
        "mức ra -14,2 dB lúc 23/11 05:00",
        "✗ Thôn Đoài: đường loa hở mạch, âm lượng 40",
        "✗ ampli-1: chạy tốt, AMPLI MẤT ĐIỆN, 38 °C, 4,9 V",
        "chi tiết lúc 23/11 05:12",
    ],
)
def test_everything_that_is_known_is_shown(part: str) -> None:
    assert part in text(KNOWN)


@pytest.mark.parametrize(
    "part",
    [
        "vị trí ? chưa biết",
        "ĐƯỜNG RA ?",
        "ĐIỆN ? không đo được",
        "? °C",
        "trống ?",
        "mòn ?",
        "RAM ?",
        "? Đông: đường loa ? không đo được",
        "điện ampli ? không đo",
    ],
)
def test_what_was_not_measured_is_a_question_mark(part: str) -> None:
    assert part in text(UNKNOWN)


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_lines_stay_narrow_and_speak_one_language(lang: Lang) -> None:
    lines = [*full(KNOWN, None, lang), *brief(KNOWN, lang), *full(UNKNOWN, None, lang)]
    assert all(len(line) <= 84 for line in lines)
    assert lines[-1].strip().startswith("chi tiết" if lang == "vi" else "details of")


def test_what_plays_in_a_zone_is_taken_from_the_heartbeat() -> None:
    one = Health(t=views.NOW_MS, pl="thoi-su@0", zn="y-")
    assert "Thôn Đông: đường loa tốt, âm lượng 70 (theo lịch), đang phát thoi-su" in text(
        KNOWN, "vi", one
    )
    two = Health(t=views.NOW_MS, pl="thoi-su@0,nhac@1", zn="yy", zb="10")
    said = text(KNOWN, "vi", two)
    assert "đang phát nhac" in said.split("Thôn Đoài")[0]
    assert "đang phát thoi-su" in said.split("Thôn Đoài")[1]
    assert "đang phát" not in text(KNOWN, "vi", Health(t=views.NOW_MS, zn="--"))
    assert "đang phát" not in text(KNOWN)
