"""districtctl extract from a real home: made, signed, verified, and tampered with in many ways."""

from __future__ import annotations

import base64
import json
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.contract.documents import AirWindow, Regulation, Schedule, Settings, VolumeCeiling
from agent.contract.reasons import Lang
from agent.contract.reports import Event, Health
from agent.core.trust import digest_of
from simulator.source_system.chain_check import Finding, FindingKind, Place
from simulator.source_system.district import Backup, District
from simulator.source_system.districtctl.__main__ import main
from simulator.source_system.extract.content import Extract
from simulator.source_system.extract.folder import (
    HTML_FILE,
    KEY_FILE,
    MANIFEST_FILE,
    PDF_FILE,
    SIGNATURE_FILE,
    sign_folder,
    verify_folder,
)
from simulator.source_system.extract.page import JSON_FILE, RECORDS_FILE, TEXT_FILE, page
from simulator.source_system.journal import Journal
from simulator.source_system.keyring import new_key, sealed
from simulator.source_system.ledger import Push
from tests.unit.source_system.noisy_morning import FIVE_MS, OTHER, ZONE, morning
from tests.unit.source_system.talking_box import MINUTE, STATION, Box, born, give

Run = Callable[..., tuple[int, str]]
MORNING = ("--from", "2026-11-24T04:30", "--to", "2026-11-24T07:00")
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one station and a signed regulation."""
    folder = tmp_path_factory.mktemp("district")
    district = District.create(
        folder / "home",
        authority="huyen",
        name="Trung tâm Truyền thông huyện Cao Lộc",
        holder="Nguyễn Văn A",
        second=Backup(folder / "backup"),
    )
    zones = {ZONE: ("ha-luu",), OTHER: ()}
    district.enrol(STATION, name="Đài xã Tân Liên", zones=zones)
    district.ledger.record(regulation(district))
    return folder / "home"


def regulation(district: District) -> Push:
    schedule = Schedule(
        v=1,
        authority="huyen",
        audience="g/tat-ca",
        issued_at_ms=FIVE_MS - 86_400_000,
        accept_until_ms=FIVE_MS,
        revision=15,
        entries=(),
        settings=Settings(
            regulation=Regulation(
                title="Quy chế hoạt động Đài truyền thanh xã Tân Liên",
                document_number="05/QĐ-UBND",
                windows=(AirWindow(hours="05:00-06:30", session_ms=45 * MINUTE),),
                ceilings=(VolumeCeiling(hours="21:00-06:00", volume=60),),
            )
        ),
    )
    body = msgspec.json.encode(schedule)
    return Push(
        audience="g/tat-ca",
        kind="schedule",
        revision=15,
        digest=digest_of(body),
        at_ms=FIVE_MS - 86_400_000,
        by="A",
        note="",
        sealed=sealed(body, [district.keyring.signing("schedule")]),
    )


@pytest.fixture
def home(made: Path) -> Iterator[Path]:
    yield made
    for part in made.glob("journal.sqlite3*"):
        part.unlink()


@pytest.fixture
def box(home: Path) -> Box:
    """Its records have all come."""
    push = District(home).ledger.latest("g/tat-ca", "schedule")
    assert push is not None
    return heard(home, morning(Box(), push.digest))


def heard(home: Path, box: Box, *, without: tuple[int, ...] = ()) -> Box:
    journal = Journal(home / "journal.sqlite3")
    born(journal, box)
    give(journal, *(raw for seq, raw in enumerate(box.said, 1) if seq not in without))
    journal.close()
    return box


@pytest.fixture
def run(home: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*words: str) -> tuple[int, str]:
        code = main(["--home", str(home), "--lang", "vi", *words])
        captured = capsys.readouterr()
        return code, captured.out + captured.err

    return run


def make(run: Run, folder: Path, *more: str) -> tuple[int, str]:
    return run(
        *("extract", "--station", STATION, "--zone", ZONE, *MORNING, "--out", str(folder)), *more
    )


def read(folder: Path) -> Extract:
    return msgspec.json.decode((folder / JSON_FILE).read_bytes(), type=Extract)


def faults(folder: Path) -> list[str]:
    return [one.code for one in verify_folder(folder).faults]


# --- made and verified ---------------------------------------------------------------------


@pytest.mark.usefixtures("box")
def test_an_extract_is_made_signed_and_verified(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "x"
    code, said = make(run, folder, "--reference", "Đơn số 12")
    assert (code, "4 lượt phát" in said) == (0, True)
    extract = read(folder)
    assert extract.plays[0].title == "Thời sự buổi sáng"
    assert {one.proof for one in extract.plays} == {"signed"}
    assert extract.asked.reference == "Đơn số 12"
    assert extract.signer.holder == "Nguyễn Văn A"
    (rules,) = extract.rules
    assert (rules.document_number, rules.revision) == ("05/QĐ-UBND", 15)
    assert [one.hours for one in rules.windows] == ["05:00-06:30"]
    (evidence,) = extract.evidence
    assert (evidence.from_seq, evidence.to_seq, evidence.findings) == (2, 11, ())
    code, said = run("extract", "verify", str(folder))
    assert code == 0
    assert "4 lượt phát khớp bản ghi gốc của đài" in said
    assert "✓ Nguyễn Văn A" in said


@pytest.mark.usefixtures("box")
def test_anybody_can_verify_with_sha256sum_and_openssl(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "x"
    make(run, folder)
    subprocess.run(["sha256sum", "-c", MANIFEST_FILE], cwd=folder, check=True, timeout=20)
    words = ["openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", KEY_FILE]
    words += ["-in", MANIFEST_FILE, "-sigfile", SIGNATURE_FILE]
    subprocess.run(words, cwd=folder, check=True, timeout=20)
    (folder / SIGNATURE_FILE).write_bytes(bytes(64))
    assert subprocess.run(words, cwd=folder, timeout=20, check=False).returncode != 0


@pytest.mark.usefixtures("box")
def test_without_the_district_home_the_signer_is_known_by_a_fingerprint(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "x"
    make(run, folder)
    away = ["--home", str(tmp_path / "nowhere"), "--lang", "vi", "extract", "verify", str(folder)]
    assert main(away) == 1
    assert "KHÔNG BIẾT KHÓA NÀY" in capsys.readouterr().out
    assert main([*away, "--key", read(folder).signer.keyid]) == 0
    assert main([*away, "--key", "0" * 16]) == 1


@pytest.mark.usefixtures("box")
def test_an_extract_in_english_says_the_same(run: Run, tmp_path: Path) -> None:
    make(run, tmp_path / "vi")
    make(run, tmp_path / "en", "--lang", "en")
    assert read(tmp_path / "vi").plays == read(tmp_path / "en").plays
    said = (tmp_path / "en" / TEXT_FILE).read_text("utf-8")
    assert "EXTRACT FROM THE BROADCAST RECORDS" in said
    assert "dBFS is not dBA" in " ".join(said.split())
    assert "Thời sự buổi sáng (normal, sound file, in Vietnamese)" in said


@pytest.mark.usefixtures("box")
def test_an_extract_replaces_nothing(run: Run, tmp_path: Path) -> None:
    make(run, tmp_path / "x")
    code, said = make(run, tmp_path / "x")
    assert (code, "không ghi đè" in said) == (2, True)


@pytest.mark.usefixtures("box")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--zone", "thon dong", *MORNING), "ý bạn “thôn Đông”?"),
        (("--zone", ZONE, "--from", "2026-11-25", "--to", "2026-11-24"), "2026-11-25"),
        (("--zone", ZONE, "--from", "hôm qua", "--to", "2026-11-24"), "hôm qua"),
        (MORNING, "--zone"),
    ],
)
def test_what_was_asked_wrongly_is_named(
    run: Run, tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    code, told = run("extract", "--station", STATION, *words, "--out", str(tmp_path / "x"))
    assert (code, said in told) == (2, True), told
    assert not (tmp_path / "x").exists()


def test_status_points_to_what_was_found_when_records_came(run: Run, home: Path, box: Box) -> None:
    del box
    assert "districtctl records verify" not in run("status")[1]
    journal = Journal(home / "journal.sqlite3")
    with journal.transaction():
        finding = Finding(kind=FindingKind.FORK, seq=4, to_seq=4)
        journal.witness.keep(Place(STATION, "i-1", "main"), finding, District(home).now_ms)
    journal.close()
    said = run("status")[1]
    assert "✗ nhật ký: hai bản ghi khác nhau cùng một số" in said
    assert f"→ districtctl records verify --station {STATION}" in said


# --- not everything is here ----------------------------------------------------------------


def test_records_that_have_not_come_make_it_incomplete(
    run: Run, home: Path, tmp_path: Path
) -> None:
    heard(home, morning(Box()), without=(10, 11, 12))
    code, said = make(run, tmp_path / "x")
    assert (code, "chưa về đủ" in said) == (1, True)
    text = " ".join((tmp_path / "x" / TEXT_FILE).read_text("utf-8").split())
    assert "Đài mới gửi bản ghi đến 06:30 24/11/2026" in text
    assert "dòng của trích lục chưa có chữ ký của đài" in text
    assert faults(tmp_path / "x") == []


def test_a_quiet_station_that_says_it_has_told_everything_is_believed(
    run: Run, home: Path, tmp_path: Path
) -> None:
    heard(home, morning(Box()), without=(11, 12))
    assert make(run, tmp_path / "x")[0] == 1 or read(tmp_path / "x").is_complete
    journal = Journal(home / "journal.sqlite3")
    with journal.transaction():
        beat = Health(t=FIVE_MS + 300 * MINUTE, q=0)
        journal.add_latest(STATION, "health", msgspec.json.encode(beat), FIVE_MS)
    journal.close()
    assert make(run, tmp_path / "y")[0] == 0
    assert read(tmp_path / "y").known_until_ms == FIVE_MS + 300 * MINUTE


def test_missing_and_changed_rows_of_the_database_stand_in_the_extract(
    run: Run, home: Path, box: Box, tmp_path: Path
) -> None:
    del box
    with sqlite3.connect(home / "journal.sqlite3") as database:
        database.execute("DELETE FROM events WHERE seq=5")
        raw = database.execute("SELECT raw FROM events WHERE seq=8").fetchone()[0]
        raw = raw.replace("Ca nhạc".encode(), "Ca trù".encode())
        database.execute("UPDATE events SET raw=? WHERE seq=8", (raw,))
    code, _ = make(run, tmp_path / "x")
    assert code == 1
    text = " ".join((tmp_path / "x" / TEXT_FILE).read_text("utf-8").split())
    assert "CÓ VẤN ĐỀ, xem dưới" in text
    assert "THIẾU bản ghi 5:" in text
    assert "Bản ghi 8: không nối tiếp bản ghi trước" in text
    assert [one.proof for one in read(tmp_path / "x").plays if one.entry == "nhac"] == ["none"]
    assert faults(tmp_path / "x") == [], "it is honest about what is wrong"


def test_an_item_that_was_settled_days_later_is_in_the_extract(
    run: Run, home: Path, tmp_path: Path
) -> None:
    """The power went while it played, and came back three days later."""
    box = Box()
    early = morning(Box())
    for seq, raw in enumerate(early.said[:5], 1):
        event = json.loads(raw)
        late = event["at_ms"] + (3 * 1_440 * MINUTE if seq > 2 else 0)
        box.say_at(late, msgspec.json.decode(raw, type=Event).body)
    heard(home, box)
    make(run, tmp_path / "x")
    assert [one.entry for one in read(tmp_path / "x").plays] == ["thoi-su"]
    assert faults(tmp_path / "x") == []


# --- tampered with -------------------------------------------------------------------------


@pytest.fixture
def folder(run: Run, box: Box, tmp_path: Path) -> Path:
    del box
    make(run, tmp_path / "x")
    return tmp_path / "x"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=120)
@given(data=st.data())
def test_any_changed_byte_of_any_file_is_found(folder: Path, data: st.DataObject) -> None:
    names = sorted(one.name for one in folder.iterdir())
    path = folder / data.draw(st.sampled_from(names))
    before = path.read_bytes()
    at = data.draw(st.integers(0, len(before) - 1))
    other = data.draw(st.integers(0, 255).filter(lambda one: one != before[at]))
    path.write_bytes(before[:at] + bytes([other]) + before[at + 1 :])
    try:
        pem = path.name == KEY_FILE
        assert faults(folder) or (pem and _same_key(before, path.read_bytes()))
    finally:
        path.write_bytes(before)
    assert faults(folder) == []


def test_a_key_file_of_an_unheard_kind_is_a_fault_like_any_other(folder: Path) -> None:
    """One byte of the algorithm's number changed: it is a key, only not one we can read."""
    head, body, tail = (folder / KEY_FILE).read_bytes().splitlines()
    raw = base64.b64decode(body).replace(b"\x2b\x65\x70", b"\x2c\x65\x70")
    (folder / KEY_FILE).write_bytes(b"\n".join((head, base64.b64encode(raw), tail, b"")))
    assert set(faults(folder)) >= {"key_differs"}


def _same_key(one: bytes, other: bytes) -> bool:
    """PEM has bytes that mean nothing (a line end); the key is the same then."""
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    return load_pem_public_key(one) == load_pem_public_key(other)


def test_missing_and_added_files_are_found(folder: Path) -> None:
    (folder / TEXT_FILE).unlink()
    (folder / "them.txt").write_text("x")
    assert faults(folder) == ["file_missing", "file_added"]


@pytest.mark.parametrize(
    ("field", "value"), [("title", "Không phát gì"), ("volume", 10), ("start_ms", FIVE_MS - MINUTE)]
)
def test_a_line_that_the_records_do_not_bear_out_is_found_though_it_is_signed(
    home: Path, folder: Path, field: str, value: Any
) -> None:
    """Even who holds the engineer's key cannot make the station say something else."""
    said = json.loads((folder / JSON_FILE).read_text("utf-8"))
    said["plays"][0][field] = value
    (folder / JSON_FILE).write_text(json.dumps(said), "utf-8")
    sign_folder(folder, District(home).keyring.signing("schedule"))
    assert faults(folder) == ["table_differs"]


def test_a_line_left_out_is_found_though_it_is_signed(home: Path, folder: Path) -> None:
    said = json.loads((folder / JSON_FILE).read_text("utf-8"))
    del said["plays"][1]
    (folder / JSON_FILE).write_text(json.dumps(said), "utf-8")
    sign_folder(folder, District(home).keyring.signing("schedule"))
    assert faults(folder) == ["table_differs"]


def test_a_record_left_out_is_found_though_everything_is_signed_anew(
    home: Path, folder: Path
) -> None:
    lines = (folder / RECORDS_FILE).read_bytes().splitlines(keepends=True)
    (folder / RECORDS_FILE).write_bytes(b"".join(lines[:4] + lines[5:]))
    sign_folder(folder, District(home).keyring.signing("schedule"))
    assert {"records_wrong", "table_differs"} <= set(faults(folder)) | {"table_differs"}
    assert "records_wrong" in faults(folder)


def test_a_forged_record_is_found_though_everything_is_signed_anew(
    home: Path, folder: Path
) -> None:
    raw = (folder / RECORDS_FILE).read_bytes()
    (folder / RECORDS_FILE).write_bytes(raw.replace(b'"volume":70', b'"volume":30'))
    sign_folder(folder, District(home).keyring.signing("schedule"))
    assert {"records_wrong", "table_differs"} <= set(faults(folder))


def test_an_extract_signed_with_another_key_is_not_the_districts(folder: Path, run: Run) -> None:
    sign_folder(folder, new_key())
    assert "bad_signature" in faults(folder) or "key_differs" in faults(folder)
    code, told = run("extract", "verify", str(folder))
    assert (code, "✓" in told) == (1, False)
    assert "KHÔNG có chữ ký đúng" in told


def test_a_stranger_who_names_himself_in_it_is_not_known(
    folder: Path, run: Run, tmp_path: Path
) -> None:
    del tmp_path
    stranger = new_key()
    said = json.loads((folder / JSON_FILE).read_text("utf-8"))
    said["signer"] |= {"keyid": stranger.keyid, "public": stranger.public_hex}
    (folder / JSON_FILE).write_text(json.dumps(said), "utf-8")
    sign_folder(folder, stranger)
    assert faults(folder) == []
    code, told = run("extract", "verify", str(folder))
    assert (code, "KHÔNG BIẾT KHÓA NÀY" in told) == (1, True)


@pytest.mark.parametrize("name", [JSON_FILE, MANIFEST_FILE, SIGNATURE_FILE, RECORDS_FILE])
def test_a_folder_that_is_no_extract_is_told(folder: Path, run: Run, name: str) -> None:
    (folder / name).unlink()
    assert run("extract", "verify", str(folder))[0] == 1
    assert "not_an_extract" in faults(folder)
    assert run("extract", "verify", str(folder / "nowhere"))[0] == 1


# --- on paper ------------------------------------------------------------------------------


@pytest.mark.skipif(BROWSER is None, reason="no browser to print with")
@pytest.mark.timeout(120)
@pytest.mark.parametrize(("lang", "busy"), [("vi", False), ("vi", True), ("en", True)])
def test_as_many_items_as_fit_stand_on_one_sheet_and_the_others_behind_it(
    folder: Path, tmp_path: Path, lang: Lang, busy: bool
) -> None:
    extract = read(folder)
    title = "Thông báo về việc tiêm vắc-xin phòng bệnh cho đàn gia súc trên địa bàn toàn xã"
    play = msgspec.structs.replace(extract.plays[1 if busy else 0], title=title)
    acts = extract.acts * (9 if busy else 1)
    many = msgspec.structs.replace(extract, plays=(play,) * 30, acts=acts, clock_doubt=busy)
    fit = page(many, lang).partition('class="annex"')[0].count(title)
    assert fit >= (3 if busy else 5)
    full = msgspec.structs.replace(many, plays=(play,) * fit)
    more = msgspec.structs.replace(many, plays=(play,) * (fit + 1))
    for name, one, expected in (("full", full, 1), ("more", more, 2)):
        html = tmp_path / f"{name}.html"
        html.write_text(page(one, lang), "utf-8")
        assert pages(html) == expected


def pages(html: Path) -> int:
    pdf = html.with_suffix(".pdf")
    words = ["--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer"]
    assert BROWSER is not None
    subprocess.run(
        [BROWSER, *words, f"--print-to-pdf={pdf}", html.as_uri()],
        check=True,
        capture_output=True,
        timeout=60,
    )
    return pdf.read_bytes().count(b"/Type /Page\n") or pdf.read_bytes().count(b"/Type /Page ")


@pytest.mark.usefixtures("box")
@pytest.mark.skipif(BROWSER is None, reason="no browser to print with")
@pytest.mark.timeout(120)
def test_a_printed_pdf_is_signed_with_the_rest(run: Run, tmp_path: Path) -> None:
    make(run, tmp_path / "x", "--pdf")
    assert (tmp_path / "x" / PDF_FILE).read_bytes().startswith(b"%PDF")
    assert PDF_FILE in (tmp_path / "x" / MANIFEST_FILE).read_text()
    assert faults(tmp_path / "x") == []
    assert (tmp_path / "x" / HTML_FILE).exists()
