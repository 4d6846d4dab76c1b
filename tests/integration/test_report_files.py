"""The files of a report, opened with the libraries: equal to each other and to the raw records."""

from __future__ import annotations

import csv
import datetime as dt
import json
import re
import sqlite3
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import docx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook
from openpyxl.utils import get_column_letter

from agent.contract.reasons import AlarmCode, OccurrenceReason
from agent.contract.reports import AlarmEvent, AsRun, Confirmation, Outcome, WarningReport
from simulator.records.command import make as make_records
from simulator.source_system.districtctl.__main__ import main
from simulator.source_system.districtctl.console import Exit
from simulator.source_system.keyring import verify_signature
from simulator.source_system.report.gather import Sources, chain_checker, gather, here
from simulator.source_system.report.letterhead import Letterhead
from simulator.source_system.report.make import Files, write
from simulator.source_system.report.reading import opened
from simulator.source_system.report.registry import By, Registry, Unit
from simulator.source_system.report.sheet import Column, Sheet
from simulator.source_system.report.window import Window, between
from simulator.source_system.report.xlsx import write_xlsx
from tests.integration import naive_report
from tests.unit.source_system.report.told import HANOI, MIN_MS, Told, at, play

FIRST, LAST = "2025-12-15", "2026-01-03"
WINDOW = between(FIRST, LAST, HANOI)
EDGES = ("2025-12-15 00:00", "2025-12-31 23:59", "2026-01-01 00:00", "2026-01-03 23:59")
OUTSIDE = ("2025-12-14 23:59", "2026-01-04 00:00")
RESULTS = ("played", "partial", "mute", "missed")
LETTERHEAD = Letterhead(
    parent="Ủy ban nhân dân tỉnh",
    issuer="Trung tâm Văn hóa",
    number="12/BC-TTVH",
    place="Tân Liên",
    to=("Ủy ban nhân dân tỉnh", "Sở Văn hóa"),
    copies=("Như trên;", "Lưu: VT."),
    office="Giám đốc",
    signer="Nguyễn Văn A",
)


# --- reading back ---------------------------------------------------------------------------


class _Tables(HTMLParser):
    """data-sheet → rows of texts."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, list[list[str]]] = {}
        self._row: list[str] | None = None
        self._sheet = ""
        self._in_cell = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self._sheet = dict(attrs).get("data-sheet") or ""
        elif tag == "tr":
            self._row = []
        elif tag in ("td", "th") and self._row is not None:
            self._row.append("")
            self._in_cell = True

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self._in_cell = False
        elif tag == "tr" and self._row is not None:
            self.found.setdefault(self._sheet, []).append(self._row)
            self._row = None

    def handle_data(self, data: str) -> None:
        if self._in_cell and self._row:
            self._row[-1] += data


def page(path: Path) -> dict[str, list[list[str]]]:
    parser = _Tables()
    parser.feed(path.read_text(encoding="utf-8"))
    return parser.found


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def tab(path: Path, name: str) -> list[dict[str, Any]]:
    """Rows of a spreadsheet's tab by their headers, the total last; without notes."""
    sheet = load_workbook(path)[name]
    rows = list(sheet.iter_rows(min_row=3, values_only=True))
    header = [str(one) for one in rows[0]]
    kept = []
    for row in rows[1:]:
        if all(one is None for one in row):
            break
        kept.append(dict(zip(header, row, strict=True)))
    return kept


def number(text: str) -> int:
    return int(text.replace(".", "").replace("−", "-"))


def made(path: Path, out: Path, window: Window = WINDOW, by: By = "new", **more: Any) -> Files:
    registry = more.pop("registry", Registry())
    with opened(path) as records:
        found = gather(
            Sources(records, registry, **more),
            window,
            by,
            more.pop("made_ms", at("2026-06-01 08:00")),
            check=here(records, chain_checker(records, verify_signature)),
        )
    return write(found, LETTERHEAD, out)


# --- the property ---------------------------------------------------------------------------


@st.composite
def as_runs(draw: st.DrawFn) -> tuple[str, AsRun]:
    start_ms = at(draw(st.sampled_from((*EDGES, *OUTSIDE)))) + 7 * MIN_MS * draw(
        st.sampled_from((0, 0, 3))
    )
    outcomes: tuple[Outcome, ...] = ("played", "played", "partial", "skipped")
    outcome = draw(st.sampled_from(outcomes))
    played_ms = {"played": 10, "partial": draw(st.integers(1, 9)), "skipped": 0}[outcome] * MIN_MS
    confirmations: tuple[Confirmation, ...] = ("yes", "yes", "no", "unknown")
    klass = draw(st.sampled_from((3, 3, 2, 1)))
    body = play(
        start_ms,
        zone=draw(st.sampled_from(("thôn Đông", "thôn Đoài"))),
        entry=f"w-kc-{draw(st.integers(1, 2))}-1" if klass == 1 else draw(st.sampled_from("ab")),
        klass=klass,
        outcome=outcome,
        confirmed=draw(st.sampled_from(confirmations)),
        length_ms=draw(st.sampled_from((10 * MIN_MS, 10 * MIN_MS, None))),
        played_ms=played_ms,
        reason=draw(st.none() | st.sampled_from(OccurrenceReason)),
        title=draw(st.sampled_from(("Bản tin", "=1+1", "<b>Đậm</b>", "\x07 chuông"))),
    )
    return draw(st.sampled_from(("tan-lien", "xuat-le"))), body


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(as_runs(), max_size=25))
@pytest.mark.timeout(300)
def test_spreadsheet_csv_and_page_say_what_the_raw_records_say(
    tmp_path_factory: pytest.TempPathFactory, told_plays: list[tuple[str, AsRun]]
) -> None:
    folder = tmp_path_factory.mktemp("report")
    told = Told(folder / "journal.sqlite3")
    for order, (station, body) in enumerate(told_plays):
        told.tell(body, body.planned_start_ms + order, station)
    path = told.close()
    files = made(path, folder / "out")
    naive = naive_report.count(path, FIRST, LAST, HANOI)
    csvs = {file.stem: rows_of(file) for file in files.csv}
    html = page(files.html)
    _same_totals(naive, tab(files.xlsx, "Theo đài")[-1], csvs["theo-dai"][-1], html)
    _same_rows(naive, csvs)
    reasons = {f"{row['Kết quả']}": 0 for row in csvs["ly-do-chung"]}
    for row in csvs["ly-do-chung"]:
        reasons[row["Kết quả"]] += int(row["Lượt"])
    assert reasons.get("Tổng", 0) == naive.plays.total() - naive.plays["played"]
    summary = {row["Chỉ tiêu"]: row["Giá trị"] for row in csvs["tong-hop"]}
    assert int(summary["Số cảnh báo"]) == len(naive.emergencies)
    assert int(summary["Lượt phát theo lịch"]) == naive.plays.total()


def _same_totals(
    naive: naive_report.Naive,
    in_tab: dict[str, Any],
    in_csv: dict[str, str],
    html: dict[str, list[list[str]]],
) -> None:
    names = dict(
        zip(
            ("all", *RESULTS),
            (
                "Lượt phát theo lịch",
                "Phát đủ",
                "Phát một phần",
                "Mất tiếng (đo được)",
                "Không phát",
            ),
            strict=True,
        )
    )
    wanted = {"all": naive.plays.total(), **{one: naive.plays[one] for one in RESULTS}}
    on_page: dict[str, str] = {}
    if len(html.get("theo-dai", ())) > 1:
        on_page = dict(zip(html["theo-dai"][0], html["theo-dai"][-1], strict=True))
    for key, name in names.items():
        assert in_tab[name] == wanted[key]
        assert int(in_csv[name]) == wanted[key]
        if on_page:
            assert number(on_page[name]) == wanted[key]
    for name, length_ms in (
        ("Thời lượng theo lịch", naive.planned_ms),
        ("Thời lượng đã phát", naive.played_ms),
    ):
        assert int(in_csv[f"{name} (giây)"]) == round(length_ms / 1000)
        assert abs(_ms(in_tab[name]) - length_ms) < 1
        if on_page:
            shown = f"{length_ms / 3_600_000:,.1f}"
            dotted = shown.replace(",", " ").replace(".", ",").replace(" ", ".")
            assert on_page[f"{name} (giờ)"] == dotted
    if naive.played_ms:
        assert float(in_csv["Đo có tiếng"]) == pytest.approx(
            naive.heard_ms / naive.played_ms, abs=1e-6
        )


def _ms(value: Any) -> float:
    """openpyxl reads [h]:mm:ss as a duration, or as a time when it is less than a day."""
    if isinstance(value, dt.timedelta):
        return value.total_seconds() * 1000
    if isinstance(value, dt.time):
        whole = (value.hour * 60 + value.minute) * 60 + value.second
        return whole * 1000 + value.microsecond / 1000
    return float(value) * 86_400_000


def _same_rows(naive: naive_report.Naive, csvs: dict[str, list[dict[str, str]]]) -> None:
    columns = ("Phát đủ", "Phát một phần", "Mất tiếng (đo được)", "Không phát")
    for row in csvs["theo-dai"][:-1]:
        mine = [naive.by_station[row["Mã đài"], one] for one in RESULTS]
        assert [int(row[one]) for one in columns] == mine
    zones = {(station, zone) for station, zone, _ in naive.by_zone}
    told = {
        (row["Mã đài"], row["Cụm loa"]): [int(row[one]) for one in columns]
        for row in csvs["theo-cum-loa"][:-1]
    }
    assert zones <= set(told)
    for station, zone in zones:
        mine = [naive.by_zone[station, zone, one] for one in RESULTS]
        assert told[station, zone] == mine
    days = csvs["theo-ngay"][:-1]
    assert [row["Ngày"] for row in days] == [
        (WINDOW.first + dt.timedelta(number)).isoformat() for number in range(WINDOW.days)
    ]
    for row in days:
        mine = [naive.by_day[row["Ngày"], one] for one in RESULTS]
        assert [int(row[one]) for one in columns] == mine


# --- a small district -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def district(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """(records, registry) of four invented stations over 60 days."""
    folder = tmp_path_factory.mktemp("district")
    path, registry = folder / "journal.sqlite3", folder / "registry"
    last = dt.date(2025, 7, 30)
    make_records(path, stations=4, days=60, seed=11, until=last, registry=registry)
    return path, registry


def run(*words: str) -> int:
    return main(["--home", "no-such-home", "report", *words])


def test_the_invented_district_is_counted_as_its_raw_records_say(
    district: tuple[Path, Path], tmp_path: Path
) -> None:
    path, registry = district
    window = ["--from", "2025-06-01", "--to", "2025-07-30"]
    where = ["--records", str(path), "--registry", str(registry)]
    for by in ("old", "new"):
        out = tmp_path / by
        assert run(*window, *where, "--by", by, "--out", str(out)) == 0
        naive = naive_report.count(path, "2025-06-01", "2025-07-30", HANOI)
        total = rows_of(out / "csv" / "theo-dai.csv")[-1]
        assert int(total["Lượt phát theo lịch"]) == naive.plays.total() > 20_000
        assert int(total["Không phát"]) == naive.plays["missed"]
        assert int(total["Thời lượng đã phát (giây)"]) == round(naive.played_ms / 1000)
    old = [row["Đơn vị quản lý"] for row in rows_of(tmp_path / "old" / "csv" / "theo-dai.csv")]
    new = [row["Đơn vị quản lý"] for row in rows_of(tmp_path / "new" / "csv" / "theo-dai.csv")]
    assert {"Khu vực Một", "Khu vực Đông"} <= set(old)
    assert "Khu vực Một" not in new


def test_the_same_seed_makes_the_same_records(tmp_path: Path) -> None:
    found = []
    for name in ("a", "b"):
        make_records(tmp_path / name, stations=2, days=10, seed=5)
        with sqlite3.connect(tmp_path / name) as database:
            found.append(database.execute("SELECT * FROM events").fetchall())
    assert found[0] == found[1]
    assert len(found[0]) > 2_000


def test_the_spreadsheet_is_ready_to_read_and_to_print(
    district: tuple[Path, Path], tmp_path: Path
) -> None:
    path, _ = district
    files = made(path, tmp_path, between("2025-06-01", "2025-07-30", HANOI))
    book = load_workbook(files.xlsx)
    wanted = {"Tổng hợp", "Theo đài", "Theo cụm loa", "Lượt phát", "Khẩn cấp", "Sự cố"}
    assert wanted | {"Phạm vi dữ liệu"} <= set(book.sheetnames)
    for sheet in book.worksheets:
        assert sheet.freeze_panes in ("A4", "C4")
        assert sheet.page_setup.paperSize == 9
        wide = sum(one.width for one in sheet.column_dimensions.values()) > 260
        assert sheet.page_setup.fitToWidth in ((2,) if wide else (1, 2))
        assert (sheet.print_title_cols == "$A:$B") is (sheet.page_setup.fitToWidth == 2)
        set_up = sheet.sheet_properties.pageSetUpPr
        assert set_up is not None
        assert set_up.fitToPage
        assert sheet.print_title_rows == "$3:$3"
        for column in range(1, sheet.max_column + 1):
            assert sheet.column_dimensions[get_column_letter(column)].width >= 8
    stations = book["Theo đài"]
    formats = {
        stations.cell(3, at).value: stations.cell(4, at).number_format for at in range(1, 20)
    }
    assert formats["Lượt phát theo lịch"] == "#,##0"
    assert formats["Tỷ lệ thời lượng"] == "0.0%"
    assert formats["Thời lượng đã phát"] == "[h]:mm:ss"
    faults = book["Sự cố"]
    assert isinstance(faults.cell(4, 5).value, dt.datetime)
    assert faults.cell(4, 5).number_format == "dd/mm/yyyy hh:mm:ss"


def test_a_text_of_several_lines_has_the_height_for_them(
    district: tuple[Path, Path], tmp_path: Path
) -> None:
    path, _ = district
    files = made(path, tmp_path, between("2025-06-01", "2025-07-30", HANOI))
    sheet = load_workbook(files.xlsx)["Tổng hợp"]
    room = sheet.column_dimensions["D"].width
    long = [row for row in range(4, sheet.max_row) if len(str(sheet.cell(row, 4).value)) > room]
    assert long
    for row in long:
        assert (sheet.row_dimensions[row].height or 0) >= 30


def test_more_hours_than_a_clock_can_show_are_told_as_hours(tmp_path: Path) -> None:
    day_ms = 86_400_000
    sheet = Sheet(
        "x", "X", "X", (Column("Dài", "long", "length"),), [(day_ms,), (40_000 * day_ms,)]
    )
    book = load_workbook(write_xlsx([sheet], "X", tmp_path / "x.xlsx", HANOI))
    cells = [book["X"].cell(row, 1) for row in (4, 5)]
    assert [cell.number_format for cell in cells] == ["[h]:mm:ss", '#,##0.0" giờ"']
    assert cells[1].value == 960_000


def test_the_document_has_its_blocks_and_speaks_vietnamese(
    district: tuple[Path, Path], tmp_path: Path
) -> None:
    path, _ = district
    files = made(path, tmp_path, between("2025-06-01", "2025-07-30", HANOI))
    paper = docx.Document(str(files.docx))
    section = paper.sections[0]
    assert section.page_width is not None
    assert section.page_height is not None
    assert (round(section.page_width.mm), round(section.page_height.mm)) == (210, 297)
    top = [cell.text for cell in paper.tables[0].rows[0].cells]
    assert "ỦY BAN NHÂN DÂN TỈNH" in top[0]
    assert "Số: 12/BC-TTVH" in top[0]
    assert "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM" in top[1]
    assert "Độc lập - Tự do - Hạnh phúc" in top[1]
    assert "Tân Liên, ngày 01 tháng 6 năm 2026" in top[1]
    texts = [one.text for one in paper.paragraphs]
    assert "BÁO CÁO" in texts
    assert "Kính gửi:" in texts
    assert "- Sở Văn hóa." in texts
    bottom = [cell.text for cell in paper.tables[-1].rows[0].cells]
    assert "Nơi nhận:" in bottom[0]
    assert "GIÁM ĐỐC" in bottom[1]
    assert "Nguyễn Văn A" in bottom[1]
    whole = "\n".join(texts)
    naive = naive_report.count(path, "2025-06-01", "2025-07-30", HANOI)
    planned = f"{naive.plays.total():,}".replace(",", ".")
    assert f"có {planned} lượt phát" in whole
    table = paper.tables[1]
    assert table.rows[-1].cells[1].text == "Tổng"
    assert table.rows[-1].cells[2].text == planned


def test_no_file_of_a_report_knows_dba(district: tuple[Path, Path], tmp_path: Path) -> None:
    path, _ = district
    files = made(path, tmp_path, between("2025-06-01", "2025-07-30", HANOI))
    texts = [file.read_text(encoding="utf-8-sig") for file in (files.html, *files.csv)]
    for sheet in load_workbook(files.xlsx).worksheets:
        texts += [str(cell) for row in sheet.iter_rows(values_only=True) for cell in row if cell]
    paper = docx.Document(str(files.docx))
    texts += [one.text for one in paper.paragraphs]
    texts += [cell.text for table in paper.tables for row in table.rows for cell in row.cells]
    assert any("dBFS" in text for text in texts)
    assert not any(re.search(r"dB\s*\(?A", text) for text in texts)


def test_the_page_needs_no_other_file(district: tuple[Path, Path], tmp_path: Path) -> None:
    path, _ = district
    text = made(path, tmp_path).html.read_text(encoding="utf-8")
    assert "<script" not in text
    assert not re.search(r"(src|href)=\"(?!#)", text)
    assert "@import" not in text
    assert "url(http" not in text


# --- what comes from outside ----------------------------------------------------------------


def test_a_title_is_never_a_formula_nor_markup(tmp_path: Path) -> None:
    told = Told(tmp_path / "j")
    titles = ("=HYPERLINK(1)", "<script>x</script>", "@SUM(A1)", "\x00\x0b hỏng")
    for place, title in enumerate(titles):
        told.plays(play(at("2025-12-20 05:00") + place * MIN_MS, entry=f"e{place}", title=title))
    files = made(told.close(), tmp_path / "out")
    sheet = load_workbook(files.xlsx)["Lượt phát"]
    cells = [sheet.cell(row, 3) for row in range(4, 8)]
    assert {cell.data_type for cell in cells} == {"s"}
    assert "=HYPERLINK(1)" in {cell.value for cell in cells}
    assert "<script>x" not in files.html.read_text(encoding="utf-8")
    csv_titles = {row["Chương trình"] for row in rows_of(tmp_path / "out/csv/luot-phat.csv")}
    assert {"'=HYPERLINK(1)", "'@SUM(A1)"} <= csv_titles
    docx.Document(str(files.docx))


def test_what_was_not_recorded_is_said_to_be_unknown(tmp_path: Path) -> None:
    told = Told(tmp_path / "j", chain=False)
    told.plays(play(at("2025-12-20 05:00"), level_cdb=None, confirmed="unknown"))
    kc = WarningReport(id="kc-1", revision=1, state="received")
    told.tell(kc, at("2025-12-21 02:00"))
    out = tmp_path / "out"
    made(told.close(), out)
    (running, _) = rows_of(out / "csv/van-hanh.csv")
    assert running["Kết nối, trên thời gian biết"] == "không rõ"
    assert running["Thời gian biết"] == "0.000000"
    assert running["Dữ liệu, ít nhất (MiB)"] == "không rõ"
    assert running["Mức TB (dBFS)"] == "không rõ"
    (warning,) = rows_of(out / "csv/khan-cap.csv")
    assert warning["Diễn tập"] == "không rõ"
    assert warning["Ra tiếng đầu tiên"] == "không ra tiếng"
    ranges = rows_of(out / "csv/pham-vi-du-lieu.csv")
    assert ranges[0]["Chuỗi băm"] == "phần mềm cũ, không có chuỗi"
    assert ranges[0]["Ngày không có lượt nào"] == "19"


def test_a_station_that_said_nothing_is_in_the_report(tmp_path: Path) -> None:
    told = Told(tmp_path / "j")
    told.plays(play(at("2025-12-20 05:00")))
    registry = Registry(units=(Unit("cao-lau", "Xã Cao Lâu"),))
    files = made(told.close(), tmp_path / "out", registry=registry)
    silent = rows_of(tmp_path / "out/csv/pham-vi-du-lieu.csv")[0]
    assert (silent["Đài"], silent["Chuỗi băm"]) == ("Xã Cao Lâu", "không có bản ghi")
    assert silent["Thiếu"] == "không rõ"
    assert "Không có bản ghi nào trong kỳ: cao-lau" in files.html.read_text(encoding="utf-8")


def test_a_fault_that_is_not_over_lasts_to_the_end_of_what_is_known(tmp_path: Path) -> None:
    told = Told(tmp_path / "j")
    onset_ms = at("2026-01-03 12:00")
    alarm = AlarmEvent(
        code=AlarmCode.NO_SOUND, subject="", state="raised", episode=1, since_ms=onset_ms
    )
    told.tell(alarm, onset_ms)
    made(told.close(), tmp_path / "out")
    (fault, total) = rows_of(tmp_path / "out/csv/su-co.csv")
    assert fault["Kết thúc"] == "chưa hết"
    assert fault["Kéo dài trong kỳ (giây)"] == str(12 * 3600)
    assert total["Kéo dài trong kỳ (giây)"] == str(12 * 3600)


# --- the command ----------------------------------------------------------------------------


def lines(capsys: pytest.CaptureFixture[str]) -> Iterator[str]:
    yield from capsys.readouterr().out.splitlines()


def test_json_names_every_file_and_the_totals(
    district: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, registry = district
    where = ["--records", str(path), "--registry", str(registry), "--out", str(tmp_path)]
    assert run("--period", "2025-06", *where, "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert said["planned"] == sum(said["results"].values())
    assert said["broken_chains"] == 0
    assert all(Path(name).exists() for name in said["files"])


def test_counted_anew_a_column_that_somebody_changed_is_right_again(tmp_path: Path) -> None:
    told = Told(tmp_path / "j")
    told.plays(play(at("2025-12-20 05:00"), outcome="skipped"))
    path = told.close()
    with sqlite3.connect(path) as database:
        database.execute("UPDATE plays SET outcome = 'played'")
    where = ["--from", FIRST, "--to", LAST, "--records", str(path), "--out", str(tmp_path)]
    played = []
    for more, code in (([], Exit.IN_DOUBT), (["--anew"], Exit.DONE)):
        assert run(*where, *more) == code
        played.append(rows_of(tmp_path / "csv/theo-dai.csv")[-1]["Phát đủ"])
    assert played == ["1", "0"]


@pytest.mark.parametrize(
    "words",
    [
        ("--period", "2026-Q5"),
        ("--from", "2026-01-02", "--to", "2026-01-01"),
        ("--from", "2026-01-02"),
        (),
        ("--period", "2090"),
        ("--period", "2025-06", "--records", "no-such-file"),
    ],
)
def test_what_cannot_be_reported_is_refused_with_the_next_step(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*words) == 2
    assert "→" in capsys.readouterr().err


def test_a_file_that_is_no_database_is_told_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "x").write_text("not a database" * 100, encoding="utf-8")
    assert run("--period", "2025-06", "--records", str(tmp_path / "x")) == 2
    assert "bản ghi" in capsys.readouterr().err


def test_a_fault_of_the_registry_stops_the_report_and_is_listed(
    district: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "dai.csv").write_text("Mã đài,Tên đài\n,Xã A\n", encoding="utf-8")
    where = ["--registry", str(tmp_path), "--records", str(district[0])]
    assert run("--period", "2025-06", *where) == 2
    assert "districtctl report registry" in capsys.readouterr().err
    assert run("registry", "--registry", str(tmp_path)) == 2
    assert any("dai.csv!A2" in line for line in lines(capsys))


def test_a_registry_that_is_named_must_be_there_and_none_is_said_to_be_none(
    district: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--registry", str(tmp_path / "nowhere"), "--records", str(district[0])]
    assert run("--period", "2025-06", *where) == 2
    assert "nowhere" in capsys.readouterr().err
    assert run("registry", "--lang", "vi") == 0
    assert "chưa có sổ danh mục" in capsys.readouterr().out


def test_the_calendar_tells_the_next_due_first_with_its_command(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run("calendar", "--today", "2026-09-21", "--lang", "vi") == 0
    said = list(lines(capsys))
    first = next(line for line in said if "Cao Lộc" in line)
    assert "trước 25/09/2026, còn 3 ngày" in first
    assert said[said.index(first) + 2].strip() == "districtctl report --period 2026-Q3"


def test_a_calendar_of_ones_own_takes_the_place_of_the_examples(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "own.toml"
    own.write_text(
        '[[plan]]\nid = "x"\ntitle = "Kế hoạch X"\n[[plan.report]]\ntitle = "Báo cáo tuần"\n'
        'of = "quarter"\nday = "28"\n',
        encoding="utf-8",
    )
    assert run("calendar", "--calendar", str(own), "--today", "2026-03-28", "--json") == 0
    (first, *_) = json.loads(capsys.readouterr().out)
    assert (first["last_day"], first["days_left"]) == ("2026-03-28", 0)
    own.write_text("[[plan]]\nid = 3\n", encoding="utf-8")
    assert run("calendar", "--calendar", str(own)) == 2
