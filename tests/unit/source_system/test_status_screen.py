"""What `districtctl status` says: how old the picture is, and which alarms stand now."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec
import pytest

from agent.contract.reasons import AlarmCode
from agent.contract.reports import AlarmEvent, Event, Health, State
from simulator.source_system.district import District
from simulator.source_system.districtctl.__main__ import main
from simulator.source_system.journal import Journal
from tests.unit.source_system.talking_box import STATION, Box

MINUTE_MS = 60_000


def alarm(state: Literal["raised", "cleared"]) -> AlarmEvent:
    return AlarmEvent(code=AlarmCode.STORAGE_LOW, subject="", state=state, episode=1, since_ms=0)


class Desk:
    """A district with one station, its collector's file and a place where its broker would be."""

    def __init__(self, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.home, self._capsys = home, capsys
        self._base = ["--home", str(home), "--lang", "en"]
        main([*self._base, "keys", "init", "--holder", "A", "--backup", str(home.parent / "usb")])
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        file = home / "district.toml"
        port = f"operator_port = {District(home).file.broker.operator_port}"
        text = file.read_text(encoding="utf-8")
        assert port in text
        file.write_text(text.replace(port, f"operator_port = {self.port}"), encoding="utf-8")
        self.district = District(home)
        self.district.enrol(STATION, name="Tân Liên", zones={"thôn Đông": ()})
        self.now_ms = self.district.now_ms
        self.journal = Journal(self.district.home.journal)
        self.births: list[State] = []

    def heard(self, box: Box, *bodies: AlarmEvent, beat_alarms: int | None = 0) -> None:
        """A birth, records and at last a heartbeat, all just now."""
        for body in bodies:
            box.say_at(self.now_ms - MINUTE_MS, body)
        with self.journal.transaction():
            state: State = box.birth()
            self.journal.add_latest(STATION, "state", msgspec.json.encode(state), self.now_ms)
            self.journal.add_birth(STATION, state, self.now_ms + len(self.births))
            self.births.append(state)
            for raw in box.said:
                event = msgspec.json.decode(raw, type=Event)
                self.journal.add_event(STATION, event, raw, self.now_ms)
            if beat_alarms is not None:
                beat = Health(t=self.now_ms - 2 * MINUTE_MS, al=beat_alarms)
                self.journal.add_latest(STATION, "health", msgspec.json.encode(beat), self.now_ms)

    def watched(self, ago_ms: int) -> None:
        with self.journal.transaction():
            self.journal.presence.watching(self.now_ms - ago_ms)

    def status(self) -> str:
        self._capsys.readouterr()
        assert main([*self._base, "status"]) == 0
        return self._capsys.readouterr().out


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Desk]:
    made = Desk(tmp_path / "d", capsys)
    yield made
    made.journal.close()


@pytest.fixture
def broker(desk: Desk) -> Iterator[None]:
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("127.0.0.1", desk.port))
        server.listen()
        yield


@pytest.mark.usefixtures("broker")
def test_a_station_that_is_listened_to_is_shown_online(desk: Desk) -> None:
    desk.heard(Box())
    desk.watched(ago_ms=MINUTE_MS)
    said = desk.status()
    assert "✓ Tân Liên: online" in said
    assert "NOBODY LISTENS" not in said


def test_without_a_broker_the_picture_is_told_as_old_and_nobody_is_online(desk: Desk) -> None:
    desk.heard(Box())
    desk.watched(ago_ms=MINUTE_MS)
    said = desk.status()
    assert "NOBODY LISTENS to the stations: the broker does not answer" in said
    assert "districtctl serve" in said
    assert "✓ Tân Liên" not in said
    assert "of 1 nothing is known now" in said


@pytest.mark.usefixtures("broker")
def test_a_collector_that_stopped_minutes_ago_is_told_with_the_age_of_the_picture(
    desk: Desk,
) -> None:
    desk.heard(Box())
    desk.watched(ago_ms=10 * MINUTE_MS)
    said = desk.status()
    assert "the collector does not run" in said
    assert "(10 minutes ago)" in said


def test_alarms_that_cleared_after_the_last_heartbeat_are_not_counted(desk: Desk) -> None:
    desk.heard(Box(), alarm("raised"), alarm("cleared"), beat_alarms=1)
    assert "alarm" not in desk.status()


def test_an_open_alarm_is_counted_and_named_by_its_records(desk: Desk) -> None:
    desk.heard(Box(), alarm("raised"), beat_alarms=0)
    said = desk.status()
    assert "storage is low" in said
    assert "the heartbeat counts" not in said


def test_alarms_of_an_installation_that_is_gone_are_no_longer_open(desk: Desk) -> None:
    desk.heard(Box(), alarm("raised"))
    desk.heard(Box(seed=2, installation="i-2"))
    said = desk.status()
    assert "storage is low" not in said
    assert "1 of an earlier installation: end unknown" in said


def test_alarms_only_a_newer_heartbeat_knows_are_told_as_not_come_yet(desk: Desk) -> None:
    desk.heard(Box(), beat_alarms=2)
    assert "the heartbeat counts 2 alarms, 0 have come here" in desk.status()
