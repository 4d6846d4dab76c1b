"""A real station with a modem on a real bus: what the source system learns, and who notes an alarm.

Real agent, Mosquitto with TLS, collector and `districtctl`; the modem is ModemManager's interface
on a private dbus-daemon, the mains are a file.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.adapters.control_client import ask
from agent.contract.details import Details
from agent.core import requests
from simulator.modem.bus import PrivateBus
from simulator.modem.service import ModemManagerService, lte_modem
from simulator.source_system.districtctl.__main__ import main
from tests.integration.station_rig import ONE, Rig, until

pytestmark = [
    pytest.mark.skipif(
        shutil.which("dbus-daemon") is None or shutil.which("pulseaudio") is None,
        reason="needs dbus-daemon and pulseaudio",
    ),
    pytest.mark.timeout(240),
    pytest.mark.slow,
]

SECTIONS = """
[identity]
area = "xã Tân Liên"

[place]
position = "21.853421, 106.761000"

[link]
data_plan_mib = 4096

[power]
mains_file = "mains"

[reports]
details_pause_s = 1
"""


@pytest.fixture
def rig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    with PrivateBus(tmp_path / "bus") as bus, ModemManagerService(bus.address, lte_modem()):
        monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", bus.address)
        with Rig(tmp_path / "stage", ONE) as made:
            folder = made.station().folder
            (folder / "mains").write_text("1\n")
            with (folder / "station.toml").open("a", encoding="utf-8") as config:
                config.write(SECTIONS)
            made.stage.stop_agent(ONE.id)
            made.stage.start_agent(ONE.id)
            yield made


def details(rig: Rig) -> Details | None:
    """What the collector holds."""
    report = rig.district.journal.reports().get(ONE.id)
    return report.details if report is not None else None


def as_configured(rig: Rig) -> Details | None:
    """With the modem, and of the life that knows who it is: the one before told details, too."""
    seen = details(rig)
    known = seen is not None and seen.link.modem is not None and seen.identity.area
    return seen if known else None


def test_the_source_system_knows_modem_mains_and_zones_and_somebody_notes_an_alarm(
    rig: Rig, capsys: pytest.CaptureFixture[str]
) -> None:
    seen = until(lambda: as_configured(rig), "details with a modem", 60)
    assert seen.link.modem is not None
    assert (seen.link.modem.operator, seen.link.modem.iccid) == ("Viettel", "8984041234567890123")
    assert (seen.power.mains, seen.identity.area) == (True, "xã Tân Liên")
    assert seen.place is not None
    assert (seen.place.latitude_udeg, seen.place.source) == (21_853_421, "fixed")
    assert [zone.line for zone in seen.zones] == ["ok", "ok"]
    assert seen.controllers[0].mains is True
    assert seen.box.clock == "trusted"

    home = ["--home", str(rig.district.home.folder), "--lang", "vi"]
    assert main([*home, "status", ONE.id]) == 0
    out = capsys.readouterr().out
    assert "Viettel (45204)" in out
    assert "ĐIỆN lưới" in out

    (rig.station().folder / "mains").write_text("0\n")
    began = time.monotonic()
    socket = rig.station().folder / "control.sock"

    def lost() -> requests.AlarmView | None:
        view = ask(socket, requests.StatusRequest(), 10)
        assert isinstance(view, requests.StatusView)
        return next((one for one in view.alarms if one.code == "mains_lost"), None)

    alarm = until(lost, "the mains lost", 40)
    assert time.monotonic() - began < 30
    until(lambda: told_of(rig, alarm), "the alarm at the source system", 20)
    until(lambda: (one := details(rig)) is not None and one.power.mains is False, "details", 20)
    assert main([*home, "command", ONE.id, "ack-alarm", "mains_lost"]) == 0
    noted = until(lambda: (one := lost()) is not None and one.acked_by and one, "the note", 20)
    assert noted
    assert main([*home, "command", ONE.id, "ack-alarm", "no_sound"]) == 2
    capsys.readouterr()
    main([*home, "status", ONE.id])
    assert "đã nhận" in capsys.readouterr().out


def told_of(rig: Rig, alarm: requests.AlarmView) -> bool:
    bodies = [one.body for one in rig.events()]
    return any(
        getattr(body, "code", "") == alarm.code and body.episode == alarm.episode  # type: ignore[union-attr]
        for body in bodies
    )
