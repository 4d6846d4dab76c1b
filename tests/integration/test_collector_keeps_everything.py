"""Nothing is lost and nothing is doubled, whoever is switched off, killed or forgetful."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from agent.contract.documents import Command, Resend
from agent.contract.envelope import open_envelope
from agent.contract.strict import decode_signed
from agent.contract.topics import station_down, station_up
from simulator.link import LinkSimulator
from simulator.source_system.collector import Collector
from simulator.source_system.pilot import PilotDistrict, trial_pilot
from simulator.source_system.stand_in import StandInStation

COUNT = 150
DEADLINE_S = 15.0


@pytest.fixture
def pilot(tmp_path: Path) -> Iterator[PilotDistrict]:
    with trial_pilot(tmp_path) as running:
        yield running


def enrolled(pilot: PilotDistrict, port: int | None = None) -> StandInStation:
    enrolment = pilot.district.enrol("tan-lien", name="Xã Tân Liên", zones={"thôn Đông": ()})
    keys = pilot.district.keyring.of_role("freshness")
    return StandInStation(enrolment, freshness=keys, port=port)


def emptied(station: StandInStation) -> bool:
    return not station.outbox


def until(condition: Callable[[], bool], deadline_s: float = DEADLINE_S) -> bool:
    end = time.monotonic() + deadline_s
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def stored(pilot: PilotDistrict) -> list[int]:
    return pilot.district.journal.sequences("tan-lien")


def test_the_outbox_empties_as_the_signed_cursor_passes(pilot: PilotDistrict) -> None:
    with enrolled(pilot) as station:
        station.say(COUNT)
        assert station.wait(emptied, DEADLINE_S)
        assert station.through == COUNT
    assert stored(pilot) == list(range(1, COUNT + 1))


def test_a_collector_that_was_off_catches_up_without_loss_or_double(pilot: PilotDistrict) -> None:
    with enrolled(pilot) as station:
        station.say(20)
        assert station.wait(emptied, DEADLINE_S)
        pilot.collector.stop()
        station.say(COUNT)
        time.sleep(0.5)
        assert len(station.outbox) == COUNT, "the broker's PUBACK is not delivery"
        pilot.collector.start()
        assert station.wait(emptied, DEADLINE_S)
    assert stored(pilot) == list(range(1, COUNT + 21))


def test_a_killed_broker_loses_and_doubles_nothing(pilot: PilotDistrict) -> None:
    with enrolled(pilot) as station:
        for _ in range(2):
            station.say(100)
            time.sleep(0.15)
            pilot.restart_broker(kill=True)
        assert station.wait(emptied, 30.0)
    assert stored(pilot) == list(range(1, 201))


def test_a_broker_killed_while_the_collector_is_off_loses_nothing(pilot: PilotDistrict) -> None:
    with enrolled(pilot) as station:
        pilot.collector.stop()
        station.say(100)
        time.sleep(0.5)
        pilot.restart_broker(kill=True)
        pilot.collector.start()
        assert station.wait(emptied, 30.0)
    assert stored(pilot) == list(range(1, 101))


def test_a_link_that_comes_and_goes_loses_nothing(pilot: PilotDistrict) -> None:
    with LinkSimulator() as links:
        link = links.link("tan-lien", broker=("127.0.0.1", pilot.broker.port))
        with enrolled(pilot, link.port("broker")) as station:
            for _ in range(3):
                station.say(50)
                time.sleep(0.2)
                link.cut()
                time.sleep(0.2)
                link.restore()
            assert station.wait(emptied, 30.0)
    assert stored(pilot) == list(range(1, 151))


def test_a_gap_holds_the_cursor_and_is_asked_for_again(tmp_path: Path) -> None:
    with trial_pilot(tmp_path) as pilot, enrolled(pilot) as station:
        pilot.collector.stop()
        patient = impatient_collector(pilot)
        station.say(5)
        lost = station.outbox[3]
        station.forget(3)
        try:
            assert until(lambda: stored(pilot) == [1, 2, 4, 5])
            asked = station_down("tan-lien", "cmd")
            assert station.wait(lambda one: asked in one.received, DEADLINE_S)
            command = decode_signed(open_envelope(station.received[asked]).body)
            assert isinstance(command, Command)
            assert command.action == Resend(from_seq=3)
            assert station.through == 2
            station.publish(station_up("tan-lien", "event"), lost)
            assert station.wait(emptied, DEADLINE_S)
        finally:
            patient.stop()
        assert stored(pilot) == [1, 2, 3, 4, 5]


def impatient_collector(pilot: PilotDistrict) -> Collector:
    district = pilot.district
    collector = Collector(
        host="127.0.0.1",
        port=pilot.broker.operator_port,
        credentials=district.home.collector,
        journal=district.home.journal,
        authority=district.authority,
        freshness_key=district.keyring.signing("freshness"),
        stations=lambda: ["tan-lien"],
        ask_again=district.resend_command,
        cursor_interval_s=0.1,
        gap_patience_s=0.3,
    )
    collector.start()
    return collector


def test_nonsense_is_acknowledged_counted_and_stored_nowhere(pilot: PilotDistrict) -> None:
    with enrolled(pilot) as station:
        station.say(1)
        assert station.wait(emptied, DEADLINE_S)
        for payload in (b"", b"{}", b"\xff\xfe", b'{"v":1}', b"[" * 1000):
            station.publish(station_up("tan-lien", "event"), payload)
        station.say(2)
        assert station.wait(emptied, DEADLINE_S)
    assert stored(pilot) == [1, 2, 3]
    assert until(lambda: pilot.district.journal.counters().get("refused") == 5)


def test_a_birth_is_answered_with_signed_freshness(pilot: PilotDistrict) -> None:
    with enrolled(pilot) as station:
        topic = station_down("tan-lien", "cursor")
        assert station.wait(lambda one: topic in one.received, DEADLINE_S)
        cursor = msgspec.json.decode(open_envelope(station.received[topic]).body)
    assert cursor["nonce"].startswith("n")
    assert (cursor["installation"], cursor["through"]) == ("i-1", 0)


def test_what_stations_say_can_be_looked_up(pilot: PilotDistrict) -> None:
    with enrolled(pilot) as station:
        station.say(1)
        assert station.wait(emptied, DEADLINE_S)
        station.ack("c-1", "done")
        assert until(lambda: bool(pilot.district.journal.acks("c-1")))
        assert until(lambda: pilot.district.journal.reports()["tan-lien"].reported is not None)
        report = pilot.district.journal.reports()["tan-lien"]
    assert report.state is not None
    assert report.state.state == "online"
