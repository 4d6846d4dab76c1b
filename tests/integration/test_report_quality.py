"""Start times, mains, languages, rules and replaced boxes in all four files of a report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import docx
import pytest

from agent.contract.details import (
    ControllerDetails,
    Details,
    IdentityDetails,
    ZoneDetails,
)
from agent.contract.reasons import AlarmCode, OccurrenceReason
from agent.contract.reports import AlarmEvent, Health, State
from simulator.source_system.report.make import Files
from tests.integration.test_report_files import made, page, rows_of, tab
from tests.unit.source_system.report.told import MIN_MS, Told, at, play

HOUR_MS = 60 * MIN_MS
MORNING = at("2025-12-20 05:00")
ZONES = ("thôn Đoài", "thôn Đông")


def alarm(code: AlarmCode, subject: str, state: Any, since_ms: int) -> AlarmEvent:
    return AlarmEvent(code=code, subject=subject, state=state, episode=1, since_ms=since_ms)


def details(mains: bool | None) -> Details:
    """One amplifier for both zones."""
    return Details(
        station="tan-lien",
        installation="card-tan-lien",
        at_ms=MORNING,
        identity=IdentityDetails(name="Tân Liên", version="1"),
        zones=tuple(
            ZoneDetails(name=zone, volume=70, volume_source="local", controller="ampli-1")
            for zone in ZONES
        ),
        controllers=(ControllerDetails(name="ampli-1", state="ready", mains=mains),),
    )


def connected(told: Told, hours: int, *, box: bool | None, amplifier: bool | None) -> None:
    """Heard for so many hours from the morning on."""
    book = told.journal.presence
    born = State(station="tan-lien", state="online", birth=1, installation="card-tan-lien")
    with told.journal.transaction():
        book.said("tan-lien", born, MORNING)
        told.journal.add_birth("tan-lien", born, MORNING)
        book.detailed("tan-lien", details(amplifier), MORNING)
        for at_ms in range(MORNING, MORNING + hours * HOUR_MS + 1, 4 * MIN_MS):
            book.watching(at_ms)
            book.beat("tan-lien", Health(t=at_ms, mn=box), at_ms)
        left = State(station="tan-lien", state="leaving", birth=1, installation="card-tan-lien")
        book.said("tan-lien", left, MORNING + hours * HOUR_MS)


def everything(files: Files, sheet: str, key: str) -> tuple[str, str, str]:
    """What page, spreadsheet and document say of a sheet, as text."""
    cells = [str(cell) for row in tab(files.xlsx, sheet) for cell in row.values()]
    on_page = ["\n".join(row) for row in page(files.html)[key]]
    paper = docx.Document(str(files.docx))
    texts = [one.text for one in paper.paragraphs]
    texts += [cell.text for table in paper.tables for row in table.rows for cell in row.cells]
    return "\n".join(on_page), "\n".join(cells), "\n".join(texts)


def test_mains_and_start_times_stand_in_every_file(tmp_path: Path) -> None:
    told = Told(tmp_path / "j")
    connected(told, 10, box=None, amplifier=True)
    for place, error_ms in enumerate((0, -3, 1, None)):
        start_ms = MORNING + place * HOUR_MS
        told.plays(play(start_ms, zone=ZONES[0], entry=f"e{place}", start_error_ms=error_ms))
    dark_ms = MORNING + 5 * HOUR_MS
    told.tell(alarm(AlarmCode.MAINS_LOST, "ampli-1", "raised", dark_ms), dark_ms + 5_000)
    late = play(
        dark_ms, zone=ZONES[1], entry="toi", outcome="skipped", reason=OccurrenceReason.NO_MAINS
    )
    told.plays(late)
    back_ms = dark_ms + 2 * HOUR_MS
    told.tell(alarm(AlarmCode.MAINS_LOST, "ampli-1", "cleared", dark_ms), back_ms)
    files = made(told.close(), tmp_path / "out")
    (station, _) = rows_of(tmp_path / "out/csv/dung-gio-dien-luoi.csv")
    assert station["Đo được giờ bắt đầu (lượt)"] == "3"
    assert station["Không đo được giờ (lượt)"] == "1"
    assert station["Lệch giờ, trung vị (ms)"] == "1"
    assert station["Lệch giờ, p99 (ms)"] == station["Lệch giờ lớn nhất (ms)"] == "3"
    assert station["Máy đài: tỷ lệ mất điện"] == "không rõ"
    assert station["Cụm loa: tỷ lệ mất điện"] == "0.200000"
    assert station["Cụm loa: mất điện lưới (giờ cụm) (giây)"] == str(2 * 2 * 3600)
    assert station["Lượt hụt vì mất điện lưới"] == "1"
    zones = rows_of(tmp_path / "out/csv/dien-luoi-cum-loa.csv")
    assert [(one["Nơi"], one["Số lần mất"]) for one in zones] == [
        ("máy của đài", "không rõ"),
        (ZONES[0], "1"),
        (ZONES[1], "1"),
    ]
    on_page, cells, paper = everything(files, "Đúng giờ, điện lưới", "dung-gio-dien-luoi")
    assert "20,0 %" in on_page
    assert "không rõ" in on_page
    assert "0.2" in cells
    assert "20,0 %" in paper
    assert "99\u00a0% lệch không quá 3 ms" in paper
    assert "mất điện lưới 4,0 giờ cụm" in paper


def test_without_any_measurement_mains_and_start_times_are_unknown(tmp_path: Path) -> None:
    told = Told(tmp_path / "j")
    connected(told, 10, box=None, amplifier=None)
    told.plays(play(MORNING))
    files = made(told.close(), tmp_path / "out")
    (station, _) = rows_of(tmp_path / "out/csv/dung-gio-dien-luoi.csv")
    unknown = [name for name, said in station.items() if said == "không rõ"]
    assert len(unknown) == 7
    assert station["Cụm loa: biết điện lưới"] == "0.000000"
    _, _, paper = everything(files, "Đúng giờ, điện lưới", "dung-gio-dien-luoi")
    assert "Không đài nào đo điện lưới ở cụm loa" in paper
    assert "Không có lượt nào đo được giờ bắt đầu" in paper


def test_a_box_that_has_mains_all_day_has_none_of_it_missing(tmp_path: Path) -> None:
    told = Told(tmp_path / "j")
    connected(told, 10, box=True, amplifier=None)
    made(told.close(), tmp_path / "out")
    (station, _) = rows_of(tmp_path / "out/csv/dung-gio-dien-luoi.csv")
    assert station["Máy đài: tỷ lệ mất điện"] == "0.000000"
    assert station["Máy đài: biết điện lưới"] == f"{10 / (20 * 24):.6f}"


def test_a_missing_language_version_is_named_in_every_file(tmp_path: Path) -> None:
    told = Told(tmp_path / "j")
    told.plays(
        play(MORNING, title="Tiêm phòng", languages_missing=("tyz", "hmn")),
        play(MORNING + HOUR_MS, entry="b"),
    )
    files = made(told.close(), tmp_path / "out")
    found = rows_of(tmp_path / "out/csv/thieu-ban-ngon-ngu.csv")
    assert [(one["Chương trình"], one["Thiếu bản"], one["Lượt"]) for one in found[:-1]] == [
        ("Tiêm phòng", "tiếng Mông", "1"),
        ("Tiêm phòng", "tiếng Tày", "1"),
    ]
    for text in everything(files, "Thiếu bản ngôn ngữ", "thieu-ban-ngon-ngu"):
        assert "tiếng Tày" in text


def test_rules_that_kept_and_rules_an_emergency_broke_stand_in_every_file(tmp_path: Path) -> None:
    told = Told(tmp_path / "j")
    kept = play(
        MORNING,
        outcome="skipped",
        reason=OccurrenceReason.QUIET,
        rule="Giữ yên lặng: Đám tang",
    )
    loud = play(
        MORNING + HOUR_MS,
        entry="w-kc-1-1",
        klass=1,
        title="Lũ quét",
        broke=(OccurrenceReason.QUIET,),
        above_ceiling=60,
    )
    told.plays(kept, loud)
    files = made(told.close(), tmp_path / "out")
    rows = rows_of(tmp_path / "out/csv/quy-che-chung.csv")
    assert [(one["Việc"], one["Lượt"]) for one in rows] == [
        ("Quy chế không cho phát", "1"),
        ("Khẩn cấp phá quy chế", "1"),
        ("Khẩn cấp phá quy chế", "1"),
    ]
    (warning,) = rows_of(tmp_path / "out/csv/khan-cap.csv")
    for text in (*everything(files, "Quy chế", "quy-che-chung"), warning["Quy chế bị phá"]):
        assert "to hơn mức trần âm lượng" in text
    for text in everything(files, "Quy chế", "quy-che-chung"):
        assert "Đám tang" in text


def test_a_fault_of_a_replaced_box_is_not_open_for_ever(tmp_path: Path) -> None:
    told = Told(tmp_path / "j")
    told.tell(alarm(AlarmCode.NO_SOUND, "", "raised", MORNING), MORNING)
    connected(told, 1, box=None, amplifier=None)
    new_ms = MORNING + 24 * HOUR_MS
    new = State(station="tan-lien", state="online", birth=1, installation="new card")
    with told.journal.transaction():
        told.journal.add_birth("tan-lien", new, new_ms)
    files = made(told.close(), tmp_path / "out")
    (fault, _) = rows_of(tmp_path / "out/csv/su-co.csv")
    assert fault["Kết thúc"] == "không rõ: đã thay hộp 21/12/2025 05:00:00"
    assert fault["Kéo dài trong kỳ (giây)"] == str(24 * 3600)
    (kind,) = rows_of(tmp_path / "out/csv/su-co-theo-loai.csv")
    assert (kind["Chưa hết"], kind["Không rõ hết (thay hộp)"]) == ("0", "1")
    for text in everything(files, "Sự cố", "su-co")[:2]:
        assert "đã thay hộp" in text


@pytest.mark.parametrize("back", [True, False])
def test_a_box_that_came_back_to_its_place_goes_on_with_its_faults(
    tmp_path: Path, back: bool
) -> None:
    told = Told(tmp_path / "j")
    told.tell(alarm(AlarmCode.NO_SOUND, "", "raised", MORNING), MORNING)
    cards = ["card-tan-lien", "spare", "card-tan-lien"][: 3 if back else 2]
    with told.journal.transaction():
        for number, card in enumerate(cards, 1):
            born = State(station="tan-lien", state="online", birth=number, installation=card)
            told.journal.add_birth("tan-lien", born, MORNING + number * HOUR_MS)
    made(told.close(), tmp_path / "out")
    (fault, _) = rows_of(tmp_path / "out/csv/su-co.csv")
    assert (fault["Kết thúc"] == "chưa hết") is back


def test_what_a_station_wrote_and_did_not_deliver_is_told_beside_the_gaps(tmp_path: Path) -> None:
    told = Told(tmp_path / "j")
    told.plays(play(MORNING), play(MORNING + HOUR_MS, entry="b"))
    told.tell(alarm(AlarmCode.NO_SOUND, "", "raised", MORNING), MORNING + 3 * HOUR_MS, seq=5)
    born = State(
        station="tan-lien", state="online", birth=1, installation="card-tan-lien", last_seq=9
    )
    with told.journal.transaction():
        told.journal.add_birth("tan-lien", born, MORNING + 4 * HOUR_MS)
    files = made(told.close(), tmp_path / "out")
    (row, _) = rows_of(tmp_path / "out/csv/pham-vi-du-lieu.csv")
    assert (row["Số bị thiếu"], row["Thiếu"], row["Đã ghi, chưa gửi đến"]) == ("3–4", "2", "4")
    on_page, _, paper = everything(files, "Phạm vi dữ liệu", "pham-vi-du-lieu")
    assert "3–4" in on_page
    assert "tan-lien thiếu 3–4; tan-lien nói đã ghi thêm 4 bản ghi mà chưa gửi đến" in paper
