"""The sheet of approvals: who let a bulletin play, and who is only said to have."""

from __future__ import annotations

import csv
from pathlib import Path

from simulator.source_system.districtctl.__main__ import main
from tests.unit.source_system.report.told import Told, at, play


def approvals(tmp_path: Path) -> tuple[list[str], list[list[str]]]:
    told = Told(tmp_path / "journal.sqlite3")
    hour = at("2026-09-01 05:00")
    told.plays(play(hour, entry="a", approval="declared", approved_by="Phạm Hùng"))
    told.plays(play(hour + 3_600_000, entry="b", approval="pin", approved_by="Nguyễn Văn Hòa"))
    told.plays(play(hour + 7_200_000, entry="c", approval="home", approver="Trần Thị Mai"))
    told.sign(at("2026-09-01 21:00"))
    words = ["--home", str(tmp_path / "none"), "report", "--records", str(told.close())]
    out = tmp_path / "out"
    main([*words, "--from", "2026-09-01", "--to", "2026-09-01", "--out", str(out)])
    [file] = out.rglob("phe-duyet.csv")
    text = file.read_text(encoding="utf-8-sig")
    delimiter = ";" if ";" in text.splitlines()[0] else ","
    head, *rows = csv.reader(text.splitlines(), delimiter=delimiter)
    return head, rows


def test_whom_a_sender_declared_is_not_called_an_approver_of_the_commune(tmp_path: Path) -> None:
    head, rows = approvals(tmp_path)
    assert not [one for one in head if one == "Người duyệt tại xã"]
    [declared] = [row for row in rows if "Phạm Hùng" in row]
    assert "theo khai báo của nơi gửi" in declared
    [pin] = [row for row in rows if "Nguyễn Văn Hòa" in row]
    assert "duyệt bằng mã PIN" in pin


def test_what_the_stations_own_authority_sends_is_not_said_to_be_the_communes(
    tmp_path: Path,
) -> None:
    _, rows = approvals(tmp_path)
    text = "\n".join(", ".join(row) for row in rows)
    assert "của cơ quan quản lý đài" in text
    assert "chương trình của xã" not in text
