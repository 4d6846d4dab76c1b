"""What a report says when somebody changed the database under it: never nothing."""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import docx
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from agent.contract.chain import BEGIN, chained, words_of
from agent.contract.reports import Event
from simulator.source_system.accepted_keys import read_accepted
from simulator.source_system.chain_check import FindingKind
from simulator.source_system.district import Backup, District
from simulator.source_system.districtctl.__main__ import main
from simulator.source_system.districtctl.console import Exit
from simulator.source_system.problems import KeyringError
from simulator.source_system.records import Records
from simulator.source_system.report.beside import following
from simulator.source_system.report.reading import opened
from simulator.source_system.report.window import between
from tests.unit.source_system.report.told import HANOI, KEY, Told, at, play

DAYS = 9
STATION = "tan-lien"
Report = Callable[..., dict[str, Any]]


def _day(number: int) -> str:
    return f"2026-09-{number:02}"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Nine days, five plays each; one of them skipped; signed every evening."""
    told = Told(tmp_path / "journal.sqlite3")
    for number in range(1, DAYS + 1):
        for hour in range(5, 10):
            start_ms = at(f"{_day(number)} {hour:02}:00")
            told.plays(play(start_ms, outcome="skipped" if hour == 7 else "played"))
        told.sign(at(f"{_day(number)} 21:00"))
    return told.close()


@pytest.fixture
def report(path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Report:
    """`districtctl report` of some days; its JSON, its code, and the lines it says to people."""

    def report(
        first: str = _day(1), last: str = _day(DAYS), *more: str, home: Path = tmp_path / "none"
    ) -> dict[str, Any]:
        words = ["--home", str(home), "report", "--records", str(path)]
        words += ["--from", first, "--to", last, "--out", str(tmp_path / "out"), *more]
        capsys.readouterr()
        code = main(["--json", *words])
        found: dict[str, Any] = json.loads(capsys.readouterr().out)
        page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
        return {**found, "code": code, "page": page}

    return report


def _change(path: Path, statement: str, *values: object) -> None:
    with sqlite3.connect(path) as database:
        assert database.execute(statement, values).rowcount
    database.close()


# --- what is counted ------------------------------------------------------------------------


def test_a_report_over_untouched_records_raises_no_doubt(report: Report) -> None:
    found = report()
    assert (found["code"], found["in_doubt"], found["planned"]) == (Exit.DONE, False, 5 * DAYS)
    assert (found["missing_records"], found["maybe_missing_records"]) == (0, 0)
    assert "chưa ai so vân tay: tan-lien" in found["page"]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE plays SET outcome='played', reason='', played_ms=length_ms WHERE outcome='skipped'",
        "UPDATE plays SET heard_ms=0 WHERE seq=2",
        "UPDATE plays SET klass=1 WHERE seq=2",
        "UPDATE plays SET planned_ms=planned_ms+86400000000 WHERE seq=2",
        "DELETE FROM plays WHERE outcome='skipped'",
        "UPDATE labels SET said=replace(said, 'khu-vuc', 'xa-khac')",
        "INSERT INTO plays SELECT station, planned_ms, occurrence, 'thôn Ma', at_ms, installation,"
        " stream, 100000, label, klass, outcome, reason, confirmed, length_ms, played_ms, heard_ms,"
        " mute_ms, level_sum, level_ms, level_max, first_ms, start_error_ms FROM plays LIMIT 1",
    ],
)
def test_counted_rows_that_differ_from_the_records_are_told_loudly(
    path: Path, report: Report, statement: str
) -> None:
    _change(path, statement)
    found = report()
    assert found["code"] == Exit.IN_DOUBT
    assert found["changed_rows"] > 0
    assert "KHÔNG KHỚP bản ghi của đài" in found["page"]


def test_figures_made_anew_from_the_records_are_those_of_the_records(
    path: Path, report: Report
) -> None:
    _change(path, "UPDATE plays SET outcome='played', reason='' WHERE outcome='skipped'")
    found = report(_day(1), _day(DAYS), "--anew")
    assert (found["code"], found["results"]["missed"]) == (Exit.DONE, DAYS)


@pytest.mark.parametrize(
    ("first", "last"), [(1, DAYS), (3, 3), (1, 2)], ids=["all", "one day", "two days"]
)
def test_a_kind_or_an_instant_that_was_changed_beside_a_record_is_told(
    path: Path, report: Report, first: int, last: int
) -> None:
    _change(
        path, "UPDATE events SET kind='start' WHERE instr(CAST(raw AS TEXT), '\"skipped\"') > 0"
    )
    found = report(_day(first), _day(last))
    assert (found["code"], found["misplaced_records"] > 0) == (Exit.IN_DOUBT, True)
    anew = report(_day(first), _day(last), "--anew")
    assert anew["results"]["missed"] == last - first + 1


@pytest.mark.parametrize("moved_ms", [-40 * 86_400_000, 40 * 86_400_000])
def test_a_day_that_was_moved_away_is_told(path: Path, report: Report, moved_ms: int) -> None:
    span = between(_day(4), _day(4), HANOI).span
    _change(path, "UPDATE events SET at_ms=at_ms+? WHERE at_ms>=? AND at_ms<?", moved_ms, *span)
    _change(path, "DELETE FROM plays WHERE planned_ms>=? AND planned_ms<?", *span)
    found = report(_day(4), _day(4))
    assert (found["code"], found["planned"]) == (Exit.IN_DOUBT, 0)
    assert "KHÔNG KHỚP nội dung đã ký" in found["page"]


# --- what is missing ------------------------------------------------------------------------


def test_records_cut_off_the_end_are_missed_by_report_and_check(path: Path, report: Report) -> None:
    last = 6 * DAYS
    _change(path, "DELETE FROM events WHERE seq > ?", last - 20)
    found = report()
    assert found["missing_records"] + found["maybe_missing_records"] == 20
    assert found["changed_rows"] > 0
    _change(path, "DELETE FROM plays WHERE seq > ?", last - 20)
    found = report()
    assert found["missing_records"] + found["maybe_missing_records"] == 20
    (check,) = Records(path).check(STATION)
    assert [(one.kind, one.seq, one.to_seq) for one in check.findings] == [
        (FindingKind.GAP, last - 19, last)
    ]


WINDOWS = [(1, 3), (4, 4), (3, 5), (4, 9), (6, 8)]


@pytest.mark.parametrize(("first", "last"), WINDOWS)
def test_a_gap_that_touches_a_window_is_told_with_its_numbers(
    path: Path, report: Report, first: int, last: int
) -> None:
    """Records 16 to 31, from the third day until the sixth, are gone with all that was counted."""
    _change(path, "DELETE FROM events WHERE seq BETWEEN 16 AND 31")
    _change(path, "DELETE FROM plays WHERE seq BETWEEN 16 AND 31")
    found = report(_day(first), _day(last))
    assert (found["missing_records"], found["maybe_missing_records"]) in ((16, 0), (0, 16))
    assert "16–31" in found["page"] or found["missing_records"] == 16
    span = between(_day(first), _day(last), HANOI).span
    (check,) = Records(path).check(STATION, *span)
    assert [(one.seq, one.to_seq) for one in check.findings] == [(16, 31)]


def test_the_table_and_the_document_tell_what_may_be_missing_at_the_edge(
    path: Path, report: Report, tmp_path: Path
) -> None:
    _change(path, "DELETE FROM events WHERE seq BETWEEN 16 AND 31")
    _change(path, "DELETE FROM plays WHERE seq BETWEEN 16 AND 31")
    found = report(_day(4), _day(4))
    assert "tan-lien 16–31 (03/09/2026 07:10:00 → 06/09/2026 06:10:00)" in found["page"]
    paper = [one.text for one in docx.Document(str(tmp_path / "out/report.docx")).paragraphs]
    assert any("có thể thêm đến 16 ở mép kỳ" in one for one in paper)
    with (tmp_path / "out/csv/pham-vi-du-lieu.csv").open(encoding="utf-8-sig", newline="") as file:
        (row, _) = csv.DictReader(file)
    assert row["Có thể thiếu thêm ở mép kỳ (đến)"] == "16"
    assert (row["Thiếu"], row["Chuỗi băm"]) == ("không rõ", "không có bản ghi")


def test_a_window_beside_a_gap_is_not_told_of_it(path: Path, report: Report) -> None:
    _change(path, "DELETE FROM events WHERE seq BETWEEN 16 AND 31")
    _change(path, "DELETE FROM plays WHERE seq BETWEEN 16 AND 31")
    for first, last in ((1, 2), (7, 9)):
        found = report(_day(first), _day(last))
        assert (found["missing_records"], found["maybe_missing_records"]) == (0, 0)


def test_a_station_whose_records_are_all_gone_is_told_with_what_was_here(
    path: Path, report: Report
) -> None:
    _change(path, "DELETE FROM events")
    _change(path, "DELETE FROM plays")
    found = report()
    assert found["maybe_missing_records"] == 6 * DAYS
    assert "1–54" in found["page"]


# --- whose key ------------------------------------------------------------------------------

FORGER = Ed25519PrivateKey.from_private_bytes(b"f" * 32)


def _public(key: Ed25519PrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()


def _forge(path: Path) -> None:
    """Every skipped play is played, and the whole chain is made and signed again."""
    chain = BEGIN
    with sqlite3.connect(path) as database:
        for seq, raw in database.execute("SELECT seq, raw FROM events ORDER BY seq").fetchall():
            told = json.loads(raw)
            if told["body"].get("outcome") == "skipped":
                told["body"] |= {"outcome": "played", "played_ms": 600_000}
            if told["body"]["kind"] == "checkpoint":
                words = words_of(STATION, f"card-{STATION}", "main", seq - 1, chain)
                told["body"] |= {
                    "chain": chain,
                    "public": _public(FORGER),
                    "signature": FORGER.sign(words).hex(),
                }
            event = _event(told)
            forged, chain = chained(event, chain)
            database.execute("UPDATE events SET raw=? WHERE seq=?", (forged, seq))
    database.close()


def _event(told: dict[str, Any]) -> Event:
    return msgspec.convert(told, Event)


def test_a_forgery_with_a_key_that_nobody_accepted_is_told_loudly(
    path: Path, report: Report, tmp_path: Path
) -> None:
    _forge(path)
    found = report(_day(1), _day(DAYS), "--anew")
    assert (found["code"], found["unknown_keys"]) == (Exit.IN_DOUBT, 1)
    assert "✗ tan-lien: ký bằng khóa CHƯA ĐƯỢC CHẤP NHẬN" in found["page"]
    lines = docx.Document(str(tmp_path / "out/report.docx")).paragraphs
    (warning,) = [one for one in lines if one.text.startswith("CẢNH BÁO: tan-lien: ký bằng khóa")]
    assert all(run.bold for run in warning.runs)


@pytest.fixture
def home(path: Path) -> Path:
    """A district whose database this is."""
    folder = path.parent / "home"
    District.create(
        folder, authority="huyen", name="Huyện", holder="A", second=Backup(path.parent / "usb")
    )
    return folder


def _accept(home: Path, path: Path, key: Ed25519PrivateKey = KEY) -> int:
    for part in ("", "-wal", "-shm"):
        source = path.with_name(path.name + part)
        if source.exists():
            shutil.copy(source, home / source.name)
    shown = hashlib.sha256(bytes.fromhex(_public(key))).hexdigest()[:16]
    with (home / "district.toml").open("a", encoding="utf-8") as file:
        file.write(f'\n[[station]]\nid = "{STATION}"\nname = "Tân Liên"\n')
    return main(["--home", str(home), "records", "accept", STATION, shown])


def test_a_key_that_a_person_accepted_is_the_stations_and_nothing_is_said_of_it(
    path: Path, home: Path, report: Report
) -> None:
    assert _accept(home, path) == Exit.DONE
    found = report(home=home)
    assert (found["code"], "so vân tay" in found["page"]) == (Exit.DONE, False)
    assert "nguyên vẹn, đài đã ký" in found["page"]


def test_a_key_swapped_in_the_database_is_none_that_a_person_accepted(
    path: Path, home: Path, report: Report
) -> None:
    _accept(home, path)
    _forge(path)
    _change(path, "UPDATE station_keys SET public=?", _public(FORGER))
    found = report(_day(1), _day(DAYS), "--anew", home=home)
    assert (found["code"], found["unknown_keys"]) == (Exit.IN_DOUBT, 1)
    (check,) = Records(path, read_accepted(District(home).home)).check(STATION)
    assert {one.kind for one in check.findings} == {FindingKind.UNKNOWN_KEY}


def test_what_people_accepted_cannot_be_changed_without_the_districts_key(
    path: Path, home: Path
) -> None:
    _accept(home, path)
    (file,) = (home / "station-keys").iterdir()
    whole = file.read_bytes()
    other = file.with_name("tan-phu.signed.json")
    other.write_bytes(whole)
    with pytest.raises(KeyringError):
        read_accepted(District(home).home)
    other.unlink()
    wire = json.loads(whole)
    wire["payload"] = wire["payload"][:-8] + "AAAA" + wire["payload"][-4:]
    file.write_text(json.dumps(wire))
    with pytest.raises(KeyringError):
        read_accepted(District(home).home)


def test_a_database_of_before_says_of_its_keys_only_that_they_were_seen(
    path: Path, home: Path, report: Report
) -> None:
    _change(path, "UPDATE station_keys SET accepted_by='Nguyễn Văn A'")
    found = report(home=home)
    assert (found["code"], found["in_doubt"]) == (Exit.DONE, False)
    assert "chỉ mới thấy lần đầu" in found["page"]


# --- what the console says ------------------------------------------------------------------


def test_the_console_begins_with_the_doubt_and_names_the_next_command(
    path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _forge(path)
    words = ["report", "--records", str(path), "--from", _day(1), "--to", _day(DAYS)]
    assert main(["--home", "none", *words, "--anew", "--out", str(tmp_path / "out")]) == (
        Exit.IN_DOUBT
    )
    said = capsys.readouterr().out
    assert said.startswith("✗ báo cáo")
    assert "khóa CHƯA ĐƯỢC CHẤP NHẬN" in said
    assert "→ districtctl records keys --station tan-lien" in said


def test_a_check_of_a_damaged_database_is_no_traceback(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "journal.sqlite3").write_bytes(b"garbage" * 400)
    capsys.readouterr()
    assert main(["--home", str(home), "--json", "records", "verify"]) == Exit.WRONG
    assert json.loads(capsys.readouterr().out)["error"] == "database_damaged"


def test_the_document_does_not_count_what_nobody_told(path: Path, tmp_path: Path) -> None:
    words = ["report", "--records", str(path), "--from", "2026-08-01", "--to", "2026-08-02"]
    assert main(["--home", "none", *words, "--out", str(tmp_path / "out")]) == Exit.DONE
    said = [one.text for one in docx.Document(str(tmp_path / "out/report.docx")).paragraphs]
    assert sum("không rõ" in one for one in said) >= 2
    assert not any("Có 0 cảnh báo" in one or "không phát 0 lượt" in one for one in said)


def test_the_document_does_not_count_drills_that_nobody_knows_of(tmp_path: Path) -> None:
    told = Told(tmp_path / "j")
    told.plays(play(at("2026-09-01 05:00"), klass=1, entry="canh-bao/1"))
    words = ["report", "--records", str(told.close()), "--from", _day(1), "--to", _day(1)]
    assert main(["--home", "none", *words, "--out", str(tmp_path / "out")]) == Exit.DONE
    said = [one.text for one in docx.Document(str(tmp_path / "out/report.docx")).paragraphs]
    assert any("Diễn tập: không rõ" in one for one in said)


@pytest.mark.parametrize("damage", [b"garbage" * 400, b""], ids=["bytes", "empty"])
def test_a_damaged_database_is_named_with_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], damage: bytes
) -> None:
    file = tmp_path / "hong.sqlite3"
    file.write_bytes(damage)
    words = ["report", "--records", str(file), "--from", _day(1), "--to", _day(2)]
    assert main(["--home", "none", "--json", *words]) == Exit.WRONG
    told = json.loads(capsys.readouterr().out)
    assert (told["error"], str(file) in str(told["where"])) == ("report_damaged", True)
    assert told["next"]


def test_a_database_damaged_in_its_middle_is_no_traceback(
    path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = bytearray(path.read_bytes())
    page = 16_384
    for at_byte in range(2 * page, len(whole), page):
        whole[at_byte : at_byte + 200] = b"\xff" * 200
    path.write_bytes(whole)
    words = ["report", "--records", str(path), "--from", _day(1), "--to", _day(2)]
    assert main(["--home", "none", "--json", *words, "--out", str(tmp_path / "out")]) == Exit.WRONG
    assert json.loads(capsys.readouterr().out)["error"] in ("report_damaged", "report_records")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--from", "9999-12-31", "--to", "9999-12-31"], "report_period"),
        (["--from", "0001-01-01", "--to", "0001-01-02"], "report_period"),
        (["--period", "0001"], "report_period"),
        (["--period", "2026-10", "--from", "2026-11-01"], "report_two_periods"),
        (["--from", "2026-11-01"], "report_half_window"),
        (["--period", "2026-09", "--registry", "khong-co"], "registry_absent"),
    ],
)
def test_a_wrong_question_is_answered_and_not_guessed(
    path: Path, capsys: pytest.CaptureFixture[str], words: list[str], code: str
) -> None:
    assert main(["--home", "none", "--json", "report", "--records", str(path), *words]) == (
        Exit.WRONG
    )
    assert json.loads(capsys.readouterr().out)["error"] == code


def test_chains_followed_in_other_processes_are_found_the_same(path: Path) -> None:
    _change(path, "UPDATE plays SET outcome='played' WHERE outcome='skipped'")
    span = between(_day(2), _day(DAYS), HANOI).span
    told = []
    for worth_it in (0, 10**9):
        with opened(path) as records, following(path, records, {}, worth_it) as check:
            told.append(check(records.ranges(STATION, span))())
    assert told[0] == told[1]
    assert [one.changed for one in told[0]] == [DAYS - 1]


def test_a_registry_without_a_file_is_not_called_good(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--home", "none", "report", "registry", "--registry", str(tmp_path)]
    assert main(words) == Exit.DONE
    said = capsys.readouterr().out
    assert "✓" not in said
    assert "chưa có sổ danh mục" in said
