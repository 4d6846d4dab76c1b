"""From the broker to the report: a real collector hears a station, and districtctl reports it."""

from __future__ import annotations

import csv
import datetime as dt
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from agent.contract.details import ControllerDetails, Details, IdentityDetails, ZoneDetails
from agent.contract.reports import Event, Health, State, WarningReport
from agent.contract.topics import station_up
from agent.core.reporter import STREAM
from simulator.source_system.desk import wall_clock_ms
from simulator.source_system.district import Warned
from simulator.source_system.districtctl.__main__ import main
from simulator.source_system.pilot import PilotDistrict, trial_pilot
from simulator.source_system.report.presence import Reading, Span, Wire
from simulator.source_system.report.reading import opened
from simulator.source_system.report.window import day_of
from simulator.source_system.stand_in import StandInStation
from tests.unit.source_system.report.told import HANOI, play

DEADLINE_S = 20.0
MIN_MS = 60_000


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def until(condition: Callable[[], bool]) -> bool:
    end = time.monotonic() + DEADLINE_S
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


DETAILS = Details(
    station="tan-lien",
    installation="x",
    at_ms=0,
    identity=IdentityDetails(name="Xã Tân Liên", version="1"),
    zones=(ZoneDetails(name="thôn Đông", volume=70, volume_source="local", controller="ampli-1"),),
    controllers=(
        ControllerDetails(name="ampli-1", state="ready", mains=False),
        ControllerDetails(name="ampli-2", state="lost", mains=True),
    ),
)
MAINS = ({("", False), ("ampli-1", True), ("ampli-2", False)}, [("thôn Đông", "ampli-1")])
"""Who measures its mains (whatever it finds; not one that is lost), and what hangs where."""


def told_of_mains(pilot: PilotDistrict) -> tuple[set[tuple[str, bool]], list[tuple[str, str]]]:
    with opened(pilot.district.home.journal) as records:
        readings: list[Reading] = records.mains_readings("tan-lien")
        wires: list[Wire] = records.wires("tan-lien")
    read = {(one.controller, one.measured) for one in readings}
    return read, [(one.zone, one.controller) for one in wires]


def tell(station: StandInStation, seq: int, at_ms: int, body: object) -> None:
    event = Event(
        station="tan-lien",
        installation=station.installation,
        stream=STREAM,
        seq=seq,
        at_ms=at_ms,
        body=body,  # type: ignore[arg-type]
    )
    station.publish(station_up("tan-lien", "event"), msgspec.json.encode(event))


def heard_spans(pilot: PilotDistrict) -> list[Span]:
    with opened(pilot.district.home.journal) as records:
        return records.heard("tan-lien")


@pytest.mark.timeout(180)
def test_what_the_collector_heard_stands_in_the_report_with_names_and_drills(
    tmp_path: Path,
) -> None:
    now_ms = wall_clock_ms()
    start_ms = now_ms - now_ms % MIN_MS - 10 * MIN_MS
    with trial_pilot(tmp_path) as pilot:
        enrolment = pilot.district.enrol("tan-lien", name="Xã Tân Liên", zones={"thôn Đông": ()})
        keys = pilot.district.keyring.of_role("freshness")
        with StandInStation(enrolment, freshness=keys) as station:
            assert station.connected.wait(DEADLINE_S)
            # What is not retained is heard only by a collector that has subscribed.
            assert until(lambda: "tan-lien" in pilot.district.journal.reports())
            warned = pilot.district.warn(
                template="so-tan",
                slots={"place": "thôn Đông", "time": "5:00"},
                drill=True,
                wait_s=0,
            )
            assert isinstance(warned, Warned)
            online = State(station="tan-lien", state="online", birth=3, installation="x")
            station.publish(station_up("tan-lien", "state"), msgspec.json.encode(online))
            health = Health(t=now_ms, dm=700)
            station.publish(station_up("tan-lien", "health"), msgspec.json.encode(health))
            station.publish(station_up("tan-lien", "details"), msgspec.json.encode(DETAILS))
            tell(station, 1, start_ms, play(start_ms, length_ms=MIN_MS))
            received = WarningReport(id=warned.id, revision=1, state="received")
            tell(station, 2, now_ms, received)
            entry = f"w-{warned.id}-1"
            alarm = play(now_ms + 1_500, entry=entry, klass=1, length_ms=30_000)
            tell(station, 3, now_ms + 32_000, alarm)
            assert until(lambda: pilot.district.journal.sequences("tan-lien") == [1, 2, 3])
            assert until(lambda: bool(heard_spans(pilot)))
            assert until(lambda: told_of_mains(pilot) == MAINS)
        home = pilot.district.home.folder
    first = day_of(start_ms, HANOI)
    last = first + dt.timedelta(1)
    window = ["--from", first.isoformat(), "--to", last.isoformat()]
    out = tmp_path / "out"
    assert main(["--home", str(home), "report", *window, "--out", str(out)]) == 0
    (station_row, _) = rows_of(out / "csv/theo-dai.csv")
    assert (station_row["Đài"], station_row["Phát đủ"]) == ("Xã Tân Liên", "1")
    (warning,) = rows_of(out / "csv/khan-cap.csv")
    assert (warning["Diễn tập"], warning["Đo có tiếng"]) == ("diễn tập", "1")
    assert warning["Từ nhận đến ra tiếng (giây)"] == "1.500"
    assert float(warning["Từ ban hành đến ra tiếng (giây)"]) < 60
    (running, _) = rows_of(out / "csv/van-hanh.csv")
    assert running["Dữ liệu, ít nhất (MiB)"] == "0", "one reading says only where counting begins"
    summary = {row["Chỉ tiêu"]: row["Giá trị"] for row in rows_of(out / "csv/tong-hop.csv")}
    assert summary["Số cảnh báo"] == "0", "drills are counted apart"
    assert summary["Số lần diễn tập đến đài"] == "1"
