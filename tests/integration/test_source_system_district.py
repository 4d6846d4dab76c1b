"""A district at work: push, compare-and-set, receipts, warnings, publishing, the command line."""

from __future__ import annotations

import getpass
import json
import threading
import wave
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from agent.contract.documents import Schedule, SetVolume, Warnings, ZoneSelector
from agent.contract.envelope import open_envelope
from agent.contract.reasons import AckReason
from agent.contract.reports import Refusal
from agent.contract.strict import decode_signed
from agent.contract.topics import group_down, station_down
from simulator.source_system.district import (
    Conflict,
    District,
    DistrictError,
    TimetableRefused,
    UntilSecondSignature,
    Warned,
)
from simulator.source_system.districtctl.__main__ import main
from simulator.source_system.pilot import PilotDistrict, trial_pilot
from simulator.source_system.problems import AudioFileError
from simulator.source_system.stand_in import StandInStation

HEADER = "Giờ bắt đầu,Thời lượng,Tên chương trình,Nguồn,Khu vực,Ngày phát\n"
ROW = "{start},00:30:00,Thời sự,tep:thoi-su.mp3,tất cả,hằng ngày\n"
STATION = "s/tan-lien"


@pytest.fixture
def pilot(tmp_path: Path) -> Iterator[PilotDistrict]:
    with trial_pilot(tmp_path) as running:
        yield running


@pytest.fixture
def station(pilot: PilotDistrict) -> Iterator[StandInStation]:
    zones = {"thôn Đông": ("ha-luu",), "thôn Đoài": ()}
    enrolment = pilot.district.enrol("tan-lien", name="Xã Tân Liên", zones=zones)
    keys = pilot.district.keyring.of_role("freshness")
    with StandInStation(enrolment, freshness=keys, groups=("tat-ca",)) as running:
        yield running


@pytest.fixture
def second_key(tmp_path: Path) -> Path:
    return tmp_path / "second" / "emergency-2.key"


def timetable(folder: Path, start: str = "05:00") -> Path:
    path = folder / "lich.csv"
    path.write_text(HEADER + ROW.format(start=start), encoding="utf-8")
    return path


def test_a_push_arrives_and_its_receipt_comes_back(
    pilot: PilotDistrict, station: StandInStation, tmp_path: Path
) -> None:
    delivery = pilot.district.push(timetable(tmp_path), to=STATION)
    assert [(one.station, one.state) for one in delivery.receipts] == [("tan-lien", "applied")]
    raw = station.received[station_down("tan-lien", "schedule")]
    assert decode_signed(open_envelope(raw).body).authority == "huyen"


def test_a_refusal_comes_back_with_its_reason(
    pilot: PilotDistrict, station: StandInStation, tmp_path: Path
) -> None:
    station.deaf_to_documents = True
    draft = pilot.district.draft(timetable(tmp_path), to=STATION)

    def refuse() -> None:
        topic = station_down("tan-lien", "schedule")
        assert station.wait(lambda one: topic in one.received)
        push = pilot.district.ledger.latest(STATION, "schedule")
        assert push is not None
        station.refuse(
            Refusal(
                kind="schedule",
                digest=push.digest,
                reason=AckReason.UNKNOWN_ZONE,
                detail="thôn Trung",
                at_ms=0,
            )
        )

    helper = threading.Thread(target=refuse)
    helper.start()
    delivery = pilot.district.send(draft)
    helper.join()
    (receipt,) = delivery.of("refused")
    assert receipt.reason == AckReason.UNKNOWN_ZONE
    assert "thôn Trung" in receipt.text("vi")


def test_an_absent_station_is_waiting_and_gets_it_later(
    pilot: PilotDistrict, tmp_path: Path
) -> None:
    enrolment = pilot.district.enrol("cao-lau", name="Cao Lâu", zones={"thôn Đông": ()})
    delivery = pilot.district.push(timetable(tmp_path), to="s/cao-lau", wait_s=0.2)
    assert [one.state for one in delivery.receipts] == ["waiting"]
    with StandInStation(enrolment):
        assert pilot.district.receipts("s/cao-lau", "schedule", wait_s=5).complete


def test_two_engineers_do_not_overwrite_each_other(
    pilot: PilotDistrict, station: StandInStation, tmp_path: Path
) -> None:
    del station
    district = pilot.district
    district.push(timetable(tmp_path), to=STATION, wait_s=0)
    district.push(timetable(tmp_path, "05:10"), to=STATION, wait_s=0)
    with pytest.raises(Conflict) as caught:
        district.push(timetable(tmp_path, "05:20"), to=STATION, made_from=1)
    assert caught.value.detail.startswith("2: A, ")
    assert district.push(timetable(tmp_path, "05:20"), to=STATION, made_from=2).revision == 3


def test_what_only_the_broker_knows_counts_too(
    pilot: PilotDistrict, station: StandInStation, tmp_path: Path
) -> None:
    """A colleague with the same keys on another machine pushed in between."""
    del station
    pilot.district.push(timetable(tmp_path), to=STATION, wait_s=0)
    pilot.district.home.ledger.rename(tmp_path / "other-machine.sqlite3")
    with pytest.raises(Conflict):
        pilot.district.push(timetable(tmp_path), to=STATION)
    draft = pilot.district.draft(timetable(tmp_path, "06:00"), to=STATION, made_from=1)
    assert (draft.revision, len(draft.difference.changed)) == (2, 1)


def test_who_only_looks_sees_past_a_colleagues_revision_and_is_told_of_it(
    pilot: PilotDistrict, station: StandInStation, tmp_path: Path
) -> None:
    del station
    pilot.district.push(timetable(tmp_path), to=STATION, wait_s=0)
    pilot.district.home.ledger.rename(tmp_path / "other-machine.sqlite3")
    draft = pilot.district.draft(timetable(tmp_path, "06:00"), to=STATION, look_only=True)
    assert draft.newer.startswith("1: A, ")
    assert (draft.revision, draft.made_from, len(draft.difference.changed)) == (2, 1, 1)


def test_a_file_that_a_colleague_published_elsewhere_fills_its_slot(
    pilot: PilotDistrict, station: StandInStation, tmp_path: Path
) -> None:
    del station
    district = pilot.district
    assert [one.slot for one in district.draft(timetable(tmp_path), to=STATION).empty_slots] == [
        "thoi-su"
    ]
    district.publish(sound(tmp_path), slot="thoi-su")
    district.home.ledger.rename(tmp_path / "other-machine.sqlite3")
    assert district.draft(timetable(tmp_path), to=STATION).empty_slots == ()


def test_nothing_is_sent_when_the_timetable_has_an_error(
    pilot: PilotDistrict, station: StandInStation, tmp_path: Path
) -> None:
    with pytest.raises(TimetableRefused) as caught:
        pilot.district.push(timetable(tmp_path, "5.30"), to=STATION)
    assert [one.guess for one in caught.value.findings] == ["05:30"]
    assert pilot.district.ledger.latest(STATION, "schedule") is None
    assert station_down("tan-lien", "schedule") not in station.received


def test_a_rollback_is_old_content_under_a_new_revision(
    pilot: PilotDistrict, station: StandInStation, tmp_path: Path
) -> None:
    del station
    district = pilot.district
    for start in ("05:00", "06:00"):
        district.push(timetable(tmp_path, start), to=STATION, wait_s=0)
    draft = district.draft_rollback(1, to=STATION)
    assert draft.entries[0].when.start.endswith("05:00:00")
    assert district.send(draft).revision == 3


def test_a_broker_without_its_database_is_told_everything_again(
    pilot: PilotDistrict, station: StandInStation, tmp_path: Path
) -> None:
    pilot.district.push(timetable(tmp_path), to=STATION)
    station.received.clear()
    pilot.restart_broker(kill=True)
    topics = {station_down("tan-lien", "schedule"), station_down("tan-lien", "trust")}
    assert station.wait(lambda one: topics <= one.received.keys())


def test_free_text_waits_for_the_second_officer(
    pilot: PilotDistrict, station: StandInStation, second_key: Path
) -> None:
    waiting = pilot.district.warn("Nước lên nhanh")
    assert isinstance(waiting, UntilSecondSignature)
    topic = group_down("tat-ca", "warning")
    assert topic not in station.received
    with pytest.raises(DistrictError) as caught:
        pilot.district.cosign(waiting.id, pilot.district.home.keys / "emergency-1.key")
    assert caught.value.code == "pending_same_officer"
    warned = pilot.district.cosign(waiting.id, second_key)
    assert warned.delivery.of("applied")
    assert len(open_envelope(station.received[topic]).signatures) == 2
    assert not waiting.path.exists()


def test_a_template_goes_out_with_one_signature_and_is_cancelled_with_one(
    pilot: PilotDistrict, station: StandInStation
) -> None:
    slots = {"place": "Tân Liên", "time": "02:10"}
    warned = pilot.district.warn(
        template="xa-lu", slots=slots, zones=ZoneSelector(tags=("ha-luu",)), drill=True
    )
    assert isinstance(warned, Warned)
    assert "02:10" in warned.text
    assert isinstance(pilot.district.cancel(warned.id), Warned)
    raw = station.received[group_down("tat-ca", "warning")]
    document = decode_signed(open_envelope(raw).body)
    assert isinstance(document, Warnings)
    (one,) = document.warnings
    assert (one.cancelled, one.revision, one.drill) == (True, 2, True)
    with pytest.raises(DistrictError):
        pilot.district.cancel(warned.id)


def test_a_second_warning_keeps_the_first(pilot: PilotDistrict, second_key: Path) -> None:
    pilot.district.enrol("tan-lien", name="Tân Liên", zones={"thôn Đông": ()})
    district = pilot.district
    for place in ("thôn Đông", "thôn Đoài"):
        district.warn(template="so-tan", slots={"place": place, "time": "5:00"}, wait_s=0)
    done = district.warn("Cầu đã sập", cosign=[second_key], wait_s=0)
    assert isinstance(done, Warned)
    assert len(district.active_warnings("g/tat-ca")) == 3


def test_a_warning_lasts_at_most_a_day(pilot: PilotDistrict) -> None:
    late_ms = pilot.district.now_ms + 25 * 3_600_000
    with pytest.raises(DistrictError) as caught:
        pilot.district.warn(template="bao", slots=BAO, until_ms=late_ms)
    assert caught.value.code == "warning_lifetime"


BAO = {"place": "ven biển", "time": "19:00", "level": "3"}


def sound(folder: Path, seconds: int = 1, name: str = "a.wav") -> Path:
    path = folder / name
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8_000)
        file.writeframes(bytes(16_000 * seconds))
    return path


def test_a_published_file_is_bound_to_its_slot_and_can_be_fetched(
    pilot: PilotDistrict, station: StandInStation, tmp_path: Path
) -> None:
    published = pilot.district.publish(sound(tmp_path), slot="ban-tin", date="2026-12-01", wait_s=5)
    assert published.delivery.of("applied")
    assert (published.binding.duration_ms, published.replaced) == (1_000, None)
    ca = str(pilot.district.home.enrolments / station.station / "ca.pem")
    fetched = requests.get(published.binding.url, verify=ca, timeout=5)
    assert fetched.content == (tmp_path / "a.wav").read_bytes()
    longer = sound(tmp_path, 2, "b.wav")
    again = pilot.district.publish(longer, slot="ban-tin", date="2026-12-01")
    assert again.replaced == published.binding


def test_what_is_not_sound_is_not_published(pilot: PilotDistrict, tmp_path: Path) -> None:
    for name, content in (("a.mp3", b"not sound at all"), ("b.wav", b"")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(AudioFileError):
            pilot.district.publish(tmp_path / name, slot="a")
    with pytest.raises(DistrictError) as caught:
        pilot.district.publish(sound(tmp_path), slot="Bản tin")
    assert caught.value.code == "binding_wrong"


def test_a_command_comes_back_with_the_stations_answer(
    pilot: PilotDistrict, station: StandInStation
) -> None:
    def answer() -> None:
        topic = station_down("tan-lien", "cmd")
        assert station.wait(lambda one: topic in one.received)
        command = decode_signed(open_envelope(station.received[topic]).body)
        station.ack(getattr(command, "id", ""), "done")

    helper = threading.Thread(target=answer)
    helper.start()
    sent = pilot.district.command(STATION, SetVolume(zones=ZoneSelector(all=True), volume=60))
    helper.join()
    assert sent.acks["tan-lien"].state == "done"


def test_an_unknown_audience_sends_nothing(pilot: PilotDistrict, tmp_path: Path) -> None:
    district = pilot.district
    for to in ("s/khong-co", "g/khong-co", "tan-lien"):
        with pytest.raises(DistrictError):
            district.push(timetable(tmp_path), to=to)
        with pytest.raises(DistrictError):
            district.warn(template="bao", slots=BAO, to=to)
        with pytest.raises(DistrictError):
            district.publish(sound(tmp_path), slot="a", to=to)
    assert district.ledger.history() == []


def test_another_program_enrols_and_the_running_district_lets_the_station_in(
    pilot: PilotDistrict,
) -> None:
    elsewhere = District(pilot.district.home.folder, by="B")
    enrolment = elsewhere.enrol("cao-lau", name="Cao Lâu", zones={"thôn Đông": ()})
    keys = elsewhere.keyring.of_role("freshness")
    with StandInStation(enrolment, freshness=keys) as station:
        station.say(2)
        assert station.wait(lambda one: not one.outbox, 15)


def test_the_whole_command_line_against_a_running_district(
    pilot: PilotDistrict,
    station: StandInStation,
    tmp_path: Path,
    second_key: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    station.say(1)
    assert station.wait(lambda one: not one.outbox)
    home = ["--home", str(pilot.district.home.folder), "--lang", "vi"]

    def run(*words: str) -> tuple[int, str]:
        code = main([*home, *words])
        told = capsys.readouterr()
        return code, told.out + told.err

    code, out = run("push", str(timetable(tmp_path)), "--to", "tan-lien", "--dry-run")
    assert (code, "chưa gửi gì" in out) == (0, True)
    code, out = run("push", str(timetable(tmp_path)), "--to", "tan-lien")
    assert code == 0
    assert "áp dụng 1/1" in out
    code, out = run("push", str(timetable(tmp_path, "30:00")), "--to", "tan-lien")
    assert code == 2
    assert 'A2 "Giờ bắt đầu" “30:00”' in out
    assert run("publish", str(sound(tmp_path)), "--slot", "thoi-su", "--all")[0] == 0
    code, out = run("warn", "Nước lên", "--tags", "ha-luu")
    assert (code, "1 đài, 1 khu vực loa" in out) == (4, True)
    pending = next(pilot.district.home.pending.iterdir()).stem
    assert run("cosign", pending, "--key", str(second_key))[0] == 0
    assert pending in run("warn", "list")[1]
    assert run("warn", "cancel", pending)[0] == 0
    assert run("warn", "--zones", "thôn Đoai", "x")[0] == 2
    said = ("warn", "Nước lên", "--recording")
    assert run(*said, "tiếng Tai=canh-bao-tay")[0] == 2
    assert run(*said, "tày")[0] == 2
    assert run(*said, "tày=canh-bao-tay")[0] == 2, "nothing was published there"
    assert run("publish", str(sound(tmp_path)), "--slot", "canh-bao-tay", "--all")[0] == 0
    assert run(*said, "tày=canh-bao-tay")[0] == 4
    pending = next(pilot.district.home.pending.iterdir()).stem
    assert run("cosign", pending, "--key", str(second_key))[0] == 0
    standing = pilot.district.active_warnings("g/tat-ca")
    [active] = [one for one in standing if not one.cancelled]
    assert {language: file.slot for language, file in active.files.items()} == {
        "tyz": "canh-bao-tay"
    }
    assert list(active.texts) == ["vi"]
    assert run("warn", "cancel", pending)[0] == 0
    code, out = run("warn", "x", "--tags", "ha-luv")
    assert (code, "ý bạn “ha-luu”?" in out) == (2, True)
    code, out = run("warn", "x", "--tags", "mien-nui")
    assert (code, "(có: #ha-luu)" in out) == (2, True), out
    code, out = run("status", "--json")
    assert json.loads(out)["tan-lien"]["state"]["state"] == "online"
    assert "✓ Xã Tân Liên: có mạng" in run("status")[1]
    assert f"s/tan-lien schedule 1  {getpass.getuser()}" in run("history")[1]
    assert run("asrun")[1].strip() == "chưa có gì"
    assert "#ha-luu" in run("stations")[1]


REGULATION = """
document_number = "12/2026/QĐ-UBND"
ask_approval = true

[[window]]
hours = "05:00-06:00"
zones = ["thôn Đông"]
"""


def held(station: StandInStation) -> Schedule:
    """The timetable the station was sent last."""
    raw = station.received[station_down("tan-lien", "schedule")]
    document = decode_signed(open_envelope(raw).body)
    assert isinstance(document, Schedule)
    return document


def test_a_regulation_is_signed_and_every_later_timetable_carries_it(
    pilot: PilotDistrict,
    station: StandInStation,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    home = ["--home", str(pilot.district.home.folder), "--lang", "vi"]
    file = tmp_path / "quy-che.toml"
    file.write_text(REGULATION, encoding="utf-8")

    def run(*words: str) -> tuple[int, str]:
        code = main([*home, "regulation", *words])
        return code, capsys.readouterr().out

    pilot.district.push(timetable(tmp_path, "22:00"), to=STATION)
    code, out = run(str(file), "--to", "tan-lien", "--dry-run")
    assert (code, "chưa gửi gì" in out) == (0, True)
    assert "Thời sự: ngoài khung giờ phát theo quy chế · thôn Đông" in out
    assert held(station).settings is not None
    assert held(station).settings.regulation is None  # type: ignore[union-attr]

    code, out = run(str(file), "--to", "tan-lien")
    assert (code, "áp dụng 1/1" in out) == (0, True)
    said = held(station)
    assert said.settings is not None
    assert said.settings.regulation is not None
    assert said.settings.regulation.document_number == "12/2026/QĐ-UBND"
    assert said.settings.approvals == ()
    assert {"approval", "regulation"} <= set(said.requires)
    assert [one.title for one in said.entries] == ["Thời sự"]

    pilot.district.push(timetable(tmp_path, "05:30"), to=STATION)
    later = held(station)
    assert later.settings == said.settings
    assert later.revision == said.revision + 1
    back = pilot.district.send(pilot.district.draft_rollback(1, to=STATION))
    assert back.of("applied")
    assert held(station).settings == said.settings, "an old timetable brings no old rules back"
    assert "regulation 12/2026/QĐ-UBND" in main_output(capsys, [*home, "history"])


def main_output(capsys: pytest.CaptureFixture[str], words: list[str]) -> str:
    assert main(words) == 0
    return capsys.readouterr().out


def test_a_regulation_with_a_fault_is_sent_to_nobody(
    pilot: PilotDistrict,
    station: StandInStation,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    home = ["--home", str(pilot.district.home.folder), "--lang", "vi", "regulation"]
    file = tmp_path / "quy-che.toml"
    file.write_text(REGULATION.replace("Đông", "Tây"), encoding="utf-8")
    assert main([*home, str(file), "--all"]) == 2
    assert 'dòng 7:1 "zones" “thôn Tây”' in capsys.readouterr().out
    assert station_down("tan-lien", "schedule") not in station.received
    assert not pilot.district.home.regulations.exists()


def test_an_example_is_copied_to_be_edited_and_never_over_a_file(
    pilot: PilotDistrict, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = ["--home", str(pilot.district.home.folder), "--lang", "en", "regulation"]
    copy = tmp_path / "own.toml"
    assert main([*home, "--preset", "lien-chieu", "--write", str(copy)]) == 0
    text = copy.read_text(encoding="utf-8")
    assert "05:30-06:30" in text
    assert main([*home, "--preset", "chau-binh", "--write", str(copy)]) == 2
    assert copy.read_text(encoding="utf-8") == text
    capsys.readouterr()
    assert main([*home, "--preset", "khac", "--all"]) == 2
    assert "lien-chieu" in capsys.readouterr().err
