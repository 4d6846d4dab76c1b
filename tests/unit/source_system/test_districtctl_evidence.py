"""districtctl records and receipts: what an engineer reads, and with which exit code."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from agent.contract.chain import fingerprint
from agent.contract.reasons import AckReason
from agent.contract.reports import DocumentReceipt
from simulator.source_system.chain_check import FINDINGS, FindingKind
from simulator.source_system.district import Backup, District
from simulator.source_system.districtctl.__main__ import main
from simulator.source_system.districtctl.evidence import is_late
from simulator.source_system.districtctl.moments import instant_ms
from simulator.source_system.journal import Journal
from simulator.source_system.problems import DistrictError
from tests.unit.source_system.talking_box import STATION, T0, Box, born, give, written

Run = Callable[..., tuple[int, str]]
APPLIED = DocumentReceipt(
    state="changed",
    document="schedule",
    authority="huyen",
    audience="g/tat-ca",
    digest="0123456789abcdef",
    revision=15,
    before=14,
    by="Nguyễn Văn A",
    entries=23,
    added=2,
    removed=1,
    changed=1,
)
REFUSED = DocumentReceipt(
    state="refused",
    document="schedule",
    authority="huyen",
    audience="s/tan-lien",
    digest="fedcba9876543210",
    revision=16,
    reason=AckReason.UNKNOWN_ZONE,
    detail="thôn Trung",
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("district")
    District.create(
        folder / "home",
        authority="huyen",
        name="Huyện Mẫu",
        holder="A",
        second=Backup(folder / "backup"),
    )
    return folder / "home"


@pytest.fixture
def home(made: Path) -> Iterator[Path]:
    yield made
    for part in made.glob("journal.sqlite3*"):
        part.unlink()


@pytest.fixture
def journal(home: Path) -> Iterator[Journal]:
    journal = Journal(home / "journal.sqlite3")
    yield journal
    journal.close()


@pytest.fixture
def run(home: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*words: str) -> tuple[int, str]:
        code = main(["--home", str(home), "--lang", "vi", *words])
        captured = capsys.readouterr()
        return code, captured.out + captured.err

    return run


def heard(journal: Journal, box: Box) -> None:
    born(journal, box)
    with journal.transaction():
        journal.add_latest(STATION, "state", msgspec.json.encode(box.birth()), 1)
    give(journal, *box.said)


def tamper(home: Path, statement: str) -> None:
    with sqlite3.connect(home / "journal.sqlite3") as database:
        assert database.execute(statement).rowcount


def test_whole_records_are_said_to_be_whole_with_range_and_key(journal: Journal, run: Run) -> None:
    box = written()
    heard(journal, box)
    code, said = run("records", "verify", "--station", STATION)
    assert code == 0
    assert "✓ tan-lien (i-1)" in said
    assert "bản ghi 1–10, 18/11/2026 18:07 → 18/11/2026 18:16, 10 bản ghi" in said
    shown = fingerprint(bytes.fromhex(box.public))
    assert f"ký đến 7 lúc 18/11/2026 18:14, khóa {shown[:4]} {shown[4:8]}" in said
    assert "3 bản ghi sau đó chưa ký" in said
    assert run("records", "verify", STATION) == (0, said)


def test_what_is_not_signed_after_a_night_is_not_said_to_be_signed_tonight() -> None:
    hour_ms = 3_600_000
    assert not is_late(signed_ms=T0, now_ms=T0 + 24 * hour_ms)
    assert is_late(signed_ms=T0, now_ms=T0 + 48 * hour_ms)


def test_a_changed_row_is_named_with_its_number_and_a_next_step(
    journal: Journal, home: Path, run: Run
) -> None:
    heard(journal, written())
    tamper(home, "UPDATE events SET raw=replace(raw, 'hoa', 'lan') WHERE seq=6")
    code, said = run("records", "verify")
    assert code == 1
    assert "✗ tan-lien" in said
    assert "✗ 6: không nối tiếp bản ghi trước" in said
    assert "→ giữ nguyên tệp" in said


def test_missing_rows_are_named_as_a_range(journal: Journal, home: Path, run: Run) -> None:
    heard(journal, written())
    tamper(home, "DELETE FROM events WHERE seq IN (5, 6)")
    code, said = run("records", "verify")
    assert (code, "✗ 5–6: thiếu bản ghi" in said) == (1, True)


def test_only_the_asked_time_is_walked(journal: Journal, home: Path, run: Run) -> None:
    heard(journal, written())
    tamper(home, "DELETE FROM events WHERE seq = 2")
    time = ("--from", "2026-11-18T18:12:00", "--to", "2026-11-18T18:13:00")
    code, said = run("records", "verify", *time)
    assert code == 0
    assert "bản ghi 4–8" in said


def test_a_new_key_waits_until_its_fingerprint_is_typed(journal: Journal, run: Run) -> None:
    new = Box(seed=2, installation="i-2")
    heard(journal, written())
    heard(journal, written(new))
    shown = fingerprint(bytes.fromhex(new.public))
    code, said = run("records", "keys")
    assert code == 1
    assert f"✗ tan-lien: {shown[:4]} {shown[4:8]}" in said
    assert f"districtctl records accept tan-lien {shown}" in said
    code, said = run("records", "verify")
    assert (code, "đài xưng một khóa khác" in said) == (1, True)
    code, said = run("records", "accept", STATION, "0000", "0000", "0000", "0000")
    assert (code, "chưa xưng khóa" in said) == (2, True)
    code, said = run("records", "accept", STATION, *(shown[at : at + 4] for at in (0, 4, 8, 12)))
    assert (code, "✓" in said) == (0, True)
    code, said = run("records", "keys")
    assert (code, said.count("✗"), said.count("đã thay")) == (0, 0, 1)


def test_a_fork_is_told_though_the_stored_records_are_whole(journal: Journal, run: Run) -> None:
    other = Box()
    other.act("a", "x")
    heard(journal, written())
    give(journal, other.said[1])
    code, said = run("records", "verify")
    assert code == 1
    assert "✓ tan-lien (i-1)" in said
    assert "2: hai bản ghi khác nhau cùng một số" in said


def test_receipts_say_what_became_of_each_document(journal: Journal, run: Run) -> None:
    box = Box()
    box.say(APPLIED)
    box.say(REFUSED)
    heard(journal, box)
    code, said = run("receipts", "--station", STATION, "--since", "2026-11-01")
    assert code == 0
    applied, refused, why = said.strip().splitlines()
    assert "✓ thay lịch g/tat-ca 14→15 · Nguyễn Văn A · 0123456789abcdef" in applied
    assert "23 mục: +2 −1, đổi 1" in applied
    assert "✗ TỪ CHỐI lịch s/tan-lien 16" in refused
    assert why.strip().startswith("không có khu vực loa tên này (thôn Trung) → ")


def test_a_change_of_the_regulation_is_receipted_by_its_name_and_number(
    journal: Journal, run: Run
) -> None:
    box = Box()
    name = "Quy chế đài xã Mẫu, 05/QĐ-UBND"
    box.say(msgspec.structs.replace(APPLIED, added=0, removed=0, changed=0, regulation=name))
    heard(journal, box)
    _, said = run("receipts", "--station", STATION, "--since", "2026-11-01")
    assert f"quy chế mới: {name}" in said


def test_receipts_for_machines_carry_the_record_they_stand_in(journal: Journal, run: Run) -> None:
    box = Box()
    box.say(APPLIED)
    heard(journal, box)
    give(journal, *box.said)
    found: list[dict[str, Any]] = json.loads(run("receipts", "--since", "2026-11-01", "--json")[1])
    (one,) = found
    assert (one["station"], one["installation"], one["seq"]) == (STATION, "i-1", 1)
    assert (one["revision"], one["digest"], one["entries"]) == (15, APPLIED.digest, 23)


def test_an_unknown_station_is_refused_by_name(run: Run) -> None:
    for words in (("records", "verify", "--station", "x"), ("receipts", "--station", "x")):
        assert run(*words)[0] == 2


@pytest.mark.parametrize("kind", FindingKind)
def test_every_finding_has_words_and_a_next_step_in_both_languages(kind: FindingKind) -> None:
    for said in FINDINGS[kind]:
        assert said.vi
        assert said.en
        assert said.vi != said.en


def test_a_date_as_an_end_means_the_whole_day() -> None:
    day_ms = 86_400_000
    begin = instant_ms("2026-11-25", "--from")
    assert instant_ms("2026-11-25", "--to", end=True) == begin + day_ms
    assert instant_ms("2026-11-25T05:00", "--to", end=True) == begin + 5 * 3_600_000
    assert instant_ms("2026-11-25T05:00+00:00", "--from") == begin + 12 * 3_600_000
    with pytest.raises(DistrictError):
        instant_ms("hôm qua", "--from")
