"""The report as an A4 document that an officer completes, signs and sends (DOCX).

Owns its layout: national title, issuer, number, place and date, Kính gửi, body with tables, Nơi
nhận, signer. Figures come from the same tables as the spreadsheet. Remarks and proposals are the
officer's: their place is left open.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import docx
from docx.document import Document
from docx.enum.section import WD_ORIENT
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_TAB_ALIGNMENT, WD_TAB_LEADER
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt, RGBColor
from docx.table import Table, _Cell
from docx.text.paragraph import Paragraph

from simulator.source_system.report import tables_base, tables_quality, words
from simulator.source_system.report.cells import shown
from simulator.source_system.report.content import TITLE
from simulator.source_system.report.doubts import doubts
from simulator.source_system.report.emergencies import speed
from simulator.source_system.report.figures import evidence
from simulator.source_system.report.gather import Report
from simulator.source_system.report.letterhead import Letterhead
from simulator.source_system.report.mains import together
from simulator.source_system.report.sheet import NUMBERS, Column, Row, Sheet

FONT = "Times New Roman"
BODY_PT = 13
TABLE_PT = 10
TEXT_MM = 165
"""Between the margins of A4."""

NUMBER_MM, NARROW_MM, WIDE_MM, HEADER_LINES = 10, 11.0, 55.0, 2.2
"""Of a table's first column, of the least others, what a text column gets at most; about how many
lines a header may have."""

TABLE_ROWS = 40
"""A longer table continues in the spreadsheet."""

LEVELS = ("name", "volume", "level_mean_dbfs", "level_max_dbfs")

_CENTRE, _RIGHT = WD_ALIGN_PARAGRAPH.CENTER, WD_ALIGN_PARAGRAPH.RIGHT
_JUSTIFY, _LEFT = WD_ALIGN_PARAGRAPH.JUSTIFY, WD_ALIGN_PARAGRAPH.LEFT


def write_document(
    report: Report, sheets: Iterable[Sheet], letterhead: Letterhead, path: Path
) -> Path:
    paper = docx.Document()
    _set_up(paper)
    _top(paper, report, letterhead)
    _body(paper, report, {sheet.key: sheet for sheet in sheets}, letterhead)
    _bottom(paper, letterhead)
    paper.save(str(path))
    return path


def _set_up(paper: Document) -> None:
    section = paper.sections[0]
    section.orientation = WD_ORIENT.PORTRAIT
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.left_margin, section.right_margin = Mm(30), Mm(15)
    section.top_margin = section.bottom_margin = Mm(20)
    section.different_first_page_header_footer = True
    style: Any = paper.styles["Normal"]
    style.font.name, style.font.size = FONT, Pt(BODY_PT)
    style.element.rPr.rFonts.set(qn("w:eastAsia"), FONT)
    style.paragraph_format.space_after = Pt(4)
    style.paragraph_format.line_spacing = 1.15
    number = section.header.paragraphs[0]
    number.alignment = _CENTRE
    _field(number, "PAGE")


def _field(paragraph: Paragraph, code: str) -> None:
    """A number that the word processor fills in."""
    run = paragraph.add_run()
    for kind, text in (("begin", ""), ("", code), ("end", "")):
        element = OxmlElement("w:instrText" if text else "w:fldChar")
        if text:
            element.text = text
        else:
            element.set(qn("w:fldCharType"), kind)
        run._r.append(element)  # noqa: SLF001 - python-docx has no fields of its own


# --- above and below ------------------------------------------------------------------------


def _top(paper: Document, report: Report, letterhead: Letterhead) -> None:
    table = _bare_table(paper, (Mm(65), Mm(100)))
    left, right = table.rows[0].cells
    _say(left, letterhead.parent.upper(), first=True)
    _say(left, letterhead.issuer.upper(), bold=True)
    _rule(left, 12)
    _say(left, f"Số: {letterhead.number}", space_pt=6)
    _say(right, "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", bold=True, first=True, size=12)
    _say(right, "Độc lập - Tự do - Hạnh phúc", bold=True)
    _rule(right, 26)
    made = words.long_day(report.today)
    _say(right, f"{letterhead.place}, {made}", italic=True, space_pt=6)
    _paragraph(paper, "BÁO CÁO", _CENTRE, bold=True, size=14, before=14, after=0)
    title = TITLE.removeprefix("Báo cáo ")
    title = f"{title[0].upper()}{title[1:]} {report.window.title}"
    _paragraph(paper, title, _CENTRE, bold=True, size=14, after=10)
    addressed = _paragraph(paper, "Kính gửi:", _CENTRE, after=2)
    if len(letterhead.to) == 1:
        addressed.add_run(f" {letterhead.to[0]}.")
    else:
        for place, name in enumerate(letterhead.to, 1):
            end = "." if place == len(letterhead.to) else ";"
            line = _paragraph(paper, f"- {name}{end}", _LEFT, after=0)
            line.paragraph_format.left_indent = Mm(62)


def _bottom(paper: Document, letterhead: Letterhead) -> None:
    _paragraph(paper, "", _LEFT).paragraph_format.keep_with_next = True
    table = _bare_table(paper, (Mm(82), Mm(83)))
    left, right = table.rows[0].cells
    line = _say(left, "Nơi nhận:", bold=True, italic=True, first=True, size=12)
    line.alignment = _LEFT
    for name in letterhead.copies:
        line = _say(left, f"- {name}", size=11)
        line.alignment = _LEFT
    first = True
    if letterhead.on_behalf:
        _say(right, letterhead.on_behalf.upper(), bold=True, first=True)
        first = False
    _say(right, letterhead.office.upper(), bold=True, first=first)
    _say(right, "(Ký, ghi rõ họ tên, đóng dấu)", italic=True, size=12)
    _say(right, letterhead.signer, bold=True, space_pt=70)
    _keep_together(table)


def _keep_together(table: Table) -> None:
    """Nor is it torn apart; what stands above it comes with it, so that it is never alone."""
    for row in table.rows:
        properties = row._tr.get_or_add_trPr()  # noqa: SLF001
        properties.append(OxmlElement("w:cantSplit"))


# --- body -----------------------------------------------------------------------------------


def _body(
    paper: Document, report: Report, sheets: Mapping[str, Sheet], letterhead: Letterhead
) -> None:
    if letterhead.basis:
        _text(paper, letterhead.basis)
    _heading(paper, "I. PHẠM VI SỐ LIỆU")
    _scope(paper, report)
    _heading(paper, "II. KẾT QUẢ PHÁT THEO LỊCH")
    _results(paper, report)
    if "theo-don-vi" in sheets:
        _table(paper, report, sheets["theo-don-vi"], "Kết quả theo đơn vị")
    _table(paper, report, sheets["theo-dai"], "Kết quả theo đài")
    _table(paper, report, sheets["ly-do-chung"], "Lý do không phát đủ")
    if sheets["thieu-ban-ngon-ngu"].rows:
        _table(paper, report, sheets["thieu-ban-ngon-ngu"], "Thiếu bản ngôn ngữ")
    else:
        _text(paper, "Không có bản ghi nào nói thiếu bản ngôn ngữ.")
    _heading(paper, "III. KHẨN CẤP")
    _warned(paper, report)
    _table(paper, report, sheets["khan-cap-theo-dai"], "Cảnh báo khẩn cấp theo đài")
    _heading(paper, "IV. VẬN HÀNH VÀ SỰ CỐ")
    _table(paper, report, sheets["van-hanh"], "Kết nối, dữ liệu, sự cố theo đài")
    _table(paper, report, sheets["van-hanh"], "Âm lượng và mức tín hiệu theo đài", LEVELS)
    _text(paper, words.DBFS)
    _punctual(paper, report)
    _table(paper, report, sheets["dung-gio-dien-luoi"], "Đúng giờ và điện lưới theo đài")
    _table(paper, report, sheets["su-co-theo-loai"], "Sự cố theo loại")
    _heading(paper, "V. QUY CHẾ VÀ PHÊ DUYỆT")
    for note in sheets["quy-che-chung"].notes:
        _text(paper, note)
    _table(paper, report, sheets["quy-che-chung"], "Quy chế: lượt không phát và lượt bị phá")
    _table(paper, report, sheets["phe-duyet"], "Cách duyệt các lượt phát")
    chapter = 6
    if "do-phu" in sheets:
        _heading(paper, "VI. ĐỘ PHỦ")
        for note in sheets["do-phu"].notes:
            _text(paper, note)
        chapter = 7
    _heading(paper, f"{'VI' if chapter == 6 else 'VII'}. CÁC BẢN GHI LÀM CĂN CỨ")
    _table(paper, report, sheets["pham-vi-du-lieu"], "Phạm vi bản ghi đã kiểm")
    _gaps(paper, report)
    _heading(paper, f"{'VII' if chapter == 6 else 'VIII'}. NHẬN XÉT, ĐỀ XUẤT")
    lines = [_text(paper, "(Cán bộ lập báo cáo ghi)"), *(_dotted_line(paper) for _ in range(4))]
    for line in lines:
        line.paragraph_format.keep_with_next = True


def _dotted_line(paper: Document) -> Paragraph:
    """Room to write by hand, as wide as the text."""
    line = _paragraph(paper, "\t", _LEFT)
    line.paragraph_format.tab_stops.add_tab_stop(
        Mm(TEXT_MM), WD_TAB_ALIGNMENT.RIGHT, WD_TAB_LEADER.DOTS
    )
    return line


def _scope(paper: Document, report: Report) -> None:
    window = report.window
    found = [one for ranges in report.ranges.values() for one in ranges]
    missing = sum(one.missing for one in found)
    maybe = sum(one.maybe_missing for one in found)
    more = f", có thể thêm đến {words.count(maybe)} ở mép kỳ" if maybe else ""
    text = (
        f"Báo cáo tính từ 00 giờ ngày {words.day(window.first)} đến hết ngày "
        f"{words.day(window.last)} ({words.count(window.days)} ngày), lập lúc "
        f"{words.moment(report.made_ms, window.tz)}, trên {words.count(len(report.ranges))} đài, "
        f"từ {words.count(sum(one.records for one in found))} bản ghi của các đài; thiếu "
        f"{words.count(missing)} bản ghi{more} (mục cuối). "
    )
    if report.unfinished:
        text += "Kỳ báo cáo chưa kết thúc nên số liệu chỉ đến lúc lập. "
    if report.silent_stations:
        text += f"Không có bản ghi của đài: {', '.join(report.silent_stations)}. "
    _text(paper, text.strip())
    for one in doubts(report):
        weighty = one.weight == "doubt"
        line = _text(paper, f"{'CẢNH BÁO: ' if weighty else 'Lưu ý: '}{one.text.vi}.")
        for run in line.runs:
            run.bold = weighty
    _text(
        paper,
        "Một lượt phát là một mục lịch ở một cụm loa. Điều không được ghi lại thì ghi “không rõ”.",
    )


def _results(paper: Document, report: Report) -> None:
    found = report.timetable
    if report.says_nothing:
        _text(paper, "Không có bản ghi nào của kỳ này nên không rõ đã phát những gì.")
        return
    known = evidence(found)
    parts = "; ".join(
        f"{words.RESULT[name]} {words.count(found.results[name])} lượt"
        + (f" ({words.percent(found.results[name] / found.plays)})" if found.plays else "")
        for name in ("played", "partial", "mute", "missed")
    )
    _text(
        paper,
        f"Theo lịch có {words.count(found.plays)} lượt phát, {words.hours(found.planned_ms)} giờ "
        f"cộng các cụm loa: {parts}. Đã phát {words.hours(found.played_ms)} giờ, bằng "
        f"{words.percent(found.ratio)} thời lượng theo lịch.",
    )
    _text(
        paper,
        f"Trong thời lượng đã phát, {words.percent(known.heard)} được đo là có tiếng tại cụm loa, "
        f"{words.percent(known.mute)} đo thấy mất tiếng, {words.percent(known.unmeasured)} không "
        f"đo được. {words.GRADES}",
    )


def _warned(paper: Document, report: Report) -> None:
    real = report.emergencies
    if report.says_nothing:
        _text(paper, "Không có bản ghi nào của kỳ này nên không rõ có cảnh báo hay không.")
        return
    fast = speed(real)
    text = (
        f"Có {words.count(len({one.id for one in real}))} cảnh báo, "
        f"{words.count(len(real))} lần đến đài, {words.count(len(real) - fast.silent)} lần ra tiếng"
    )
    if fast.median_ms is not None:
        text += (
            f"; từ khi đài nhận đến khi ra tiếng: trung vị {words.length(fast.median_ms)}, chậm "
            f"nhất {words.length(fast.worst_ms)}"
        )
    if any(one.drill is None for one in real):
        _text(
            paper,
            f"{text}. Diễn tập: không rõ, vì một số cảnh báo không có trong sổ phát hành nên không "
            "rõ là thật hay diễn tập; được tính là thật.",
        )
        return
    _text(paper, f"{text}. Diễn tập: {words.count(len(report.drills))} lần đến đài, tính riêng.")


def _punctual(paper: Document, report: Report) -> None:
    starts = report.starts
    half, most = starts.quantile(tables_quality.MEDIAN), starts.quantile(tables_quality.MOST)
    if half is None or most is None:
        _text(paper, "Không có lượt nào đo được giờ bắt đầu.")
    else:
        _text(
            paper,
            f"Giờ bắt đầu đo được ở {words.count(starts.measured)} lượt: một nửa lệch "
            f"{_at_most(half)}, 99 % lệch {_at_most(most)} so với lịch; "
            f"{words.count(starts.unmeasured)} lượt có phát mà không đo được giờ bắt đầu.",
        )
    places = [tables_quality.zones(part) for part in report.parts]
    known = sum(bool(one.known_ms) for one in places)
    zones = together(places, "")
    if not known:
        _text(paper, "Không đài nào đo điện lưới ở cụm loa: không rõ thời gian mất điện.")
        return
    _text(
        paper,
        f"Cụm loa mất điện lưới {words.hours(zones.without_ms)} giờ cụm, bằng "
        f"{words.percent(zones.share)} thời gian biết được; {words.count(len(places) - known)} "
        "đài không đo điện lưới ở cụm loa nên không rõ.",
    )


def _at_most(error_ms: int) -> str:
    """Records hold whole milliseconds."""
    return f"không quá {words.count(error_ms)} ms" if error_ms else "dưới 1 ms"


def _gaps(paper: Document, report: Report) -> None:
    """Which numbers are missing, station by station."""
    told = [
        f"{station} thiếu {tables_base.gaps_told(one)}"
        for station, found in report.ranges.items()
        for one in found
        if one.gaps or one.edges
    ]
    told += [
        f"{station} nói đã ghi thêm {words.count(one.undelivered)} bản ghi mà chưa gửi đến"
        for station, found in report.ranges.items()
        for one in found
        if one.undelivered
    ]
    if told:
        _text(paper, f"Chỗ thiếu, theo số bản ghi: {'; '.join(told)}.")
    else:
        _text(paper, "Không thiếu bản ghi nào giữa số đầu và số cuối của từng thẻ nhớ.")
    if not report.checked:
        _text(paper, "Chuỗi băm CHƯA được kiểm khi lập báo cáo này.")


def _heading(paper: Document, text: str) -> None:
    line = _paragraph(paper, text, _LEFT, bold=True, before=8, after=4)
    line.paragraph_format.keep_with_next = True


def _text(paper: Document, text: str) -> Paragraph:
    """A number and its % stay on one line."""
    line = _paragraph(paper, text.replace(" %", "\u00a0%"), _JUSTIFY)
    line.paragraph_format.first_line_indent = Mm(10)
    return line


def _paragraph(
    paper: Document,
    text: str,
    alignment: WD_ALIGN_PARAGRAPH,
    *,
    bold: bool = False,
    size: int = BODY_PT,
    before: int = 0,
    after: int = 4,
) -> Paragraph:
    line = paper.add_paragraph()
    line.alignment = alignment
    line.paragraph_format.space_before, line.paragraph_format.space_after = Pt(before), Pt(after)
    run = line.add_run(words.printable(text))
    run.bold, run.font.size = bold, Pt(size)
    return line


# --- tables ---------------------------------------------------------------------------------


def _table(
    paper: Document, report: Report, sheet: Sheet, title: str, only: Sequence[str] = ()
) -> None:
    """The brief columns of a sheet, or those named. A total stands in the last row."""
    places = [
        at
        for at, column in enumerate(sheet.columns)
        if (column.en in only if only else column.brief)
    ]
    columns = [sheet.columns[at] for at in places]
    line = _paragraph(paper, title, _CENTRE, bold=True, size=12, before=6, after=3)
    line.paragraph_format.keep_with_next = True
    if not sheet.rows:
        _paragraph(paper, "Không có.", _CENTRE, size=12)
        return
    rows = sheet.rows[:TABLE_ROWS]
    table = paper.add_table(rows=1, cols=len(columns) + 1)
    table.style = "Table Grid"
    table.alignment = WD_TABLE_ALIGNMENT.CENTER
    names = ["TT", *(f"{one.vi} (giờ)" if one.kind == "length" else one.vi for one in columns)]
    for cell, name in zip(table.rows[0].cells, names, strict=True):
        _fill(cell, name, _CENTRE, bold=True)
        _shade(cell)
    _repeat_header(table)
    tz = report.window.tz
    shown_rows = [*rows, *([sheet.total] if sheet.total is not None else [])]
    texts = [
        [name, *(shown(column.kind, row[at], tz) for row in shown_rows)]
        for name, column, at in zip(names[1:], columns, places, strict=True)
    ]
    widths = _widths(columns, texts)
    _set_widths(table, widths)
    for number, row in enumerate(rows, 1):
        cells = _add_row(table, report, sheet, places, row, str(number))
        _widen(cells, widths)
    if sheet.total is not None:
        cells = _add_row(table, report, sheet, places, sheet.total, "", bold=True)
        _widen(cells, widths)
    left = len(sheet.rows) - len(rows)
    after = f"Còn {words.count(left)} dòng trong bảng tính, tờ {sheet.vi}." if left else ""
    _paragraph(paper, after, _LEFT, size=11, after=2)


def _widths(columns: Sequence[Column], texts: Sequence[Sequence[str]]) -> list[Mm]:
    """The text's width shared out. texts: a column's header and cells.

    No number and no word of a header is broken; what is left goes to names and to headers that
    would stand in many lines, the rest to all alike.
    """
    least, wanted = [], []
    for column, told in zip(columns, texts, strict=True):
        numeric = column.kind in NUMBERS
        cells = max((_mm(one) for one in told[1:]), default=0.0)
        words_mm = max(_mm(one) for one in told[0].split())
        low = max(NARROW_MM, words_mm, cells if numeric else 0.0)
        good = _mm(told[0]) / HEADER_LINES
        least.append(low)
        wanted.append(max(0.0, max(good, 0.0 if numeric else min(WIDE_MM, cells)) - low))
    left = max(0.0, TEXT_MM - NUMBER_MM - sum(least))
    scale = min(1.0, left / sum(wanted)) if sum(wanted) else 0.0
    even = (left - scale * sum(wanted)) / len(least)
    widths = [low + want * scale + even for low, want in zip(least, wanted, strict=True)]
    return [Mm(NUMBER_MM), *(Mm(round(one, 1)) for one in widths)]


def _mm(text: str) -> float:
    """About how wide a text is in a table's bold type, with the cell's margins."""
    return len(text) * 1.95 + 4.2


def _add_row(
    table: Table,
    report: Report,
    sheet: Sheet,
    places: list[int],
    row: Row,
    number: str,
    *,
    bold: bool = False,
) -> Sequence[_Cell]:
    cells: Sequence[_Cell] = table.add_row().cells  # type: ignore[no-untyped-call]
    _fill(cells[0], number, _CENTRE)
    label = next((one for one in row if isinstance(one, str) and one), "")
    for place, (cell, at) in enumerate(zip(cells[1:], places, strict=True)):
        column = sheet.columns[at]
        text = shown(column.kind, row[at], report.window.tz)
        if bold and place == 0 and not text:
            text = label  # "Tổng" may stand in a column that is left out here
        narrow = column.kind == "text" and column.characters < 10
        side = _RIGHT if column.kind in NUMBERS else _CENTRE if narrow else _LEFT
        _fill(cell, text, side, bold=bold)
    return cells


def _fill(cell: _Cell, text: str, alignment: WD_ALIGN_PARAGRAPH, *, bold: bool = False) -> None:
    line = cell.paragraphs[0]
    line.alignment = alignment
    line.paragraph_format.space_after = Pt(0)
    line.paragraph_format.line_spacing = 1.0
    run = line.add_run(words.printable(text))
    run.font.size, run.bold = Pt(TABLE_PT), bold


def _shade(cell: _Cell) -> None:
    shade = OxmlElement("w:shd")
    for name, value in (("val", "clear"), ("color", "auto"), ("fill", "E8EEF4")):
        shade.set(qn(f"w:{name}"), value)
    cell._tc.get_or_add_tcPr().append(shade)  # noqa: SLF001


def _repeat_header(table: Table) -> None:
    """On every page that the table reaches."""
    element = OxmlElement("w:tblHeader")
    element.set(qn("w:val"), "true")
    table.rows[0]._tr.get_or_add_trPr().append(element)  # noqa: SLF001


def _bare_table(paper: Document, widths: tuple[Mm, ...]) -> Table:
    table: Table = paper.add_table(rows=1, cols=len(widths))
    _set_widths(table, widths)
    return table


def _set_widths(table: Table, widths: Sequence[Mm]) -> None:
    """Word goes by the cells, others by the columns."""
    table.autofit = False
    for column, width in zip(table.columns, widths, strict=True):
        column.width = width
    _widen(table.rows[0].cells, widths)


def _widen(cells: Sequence[_Cell], widths: Sequence[Mm]) -> None:
    for cell, width in zip(cells, widths, strict=True):
        cell.width = width


def _say(
    cell: _Cell,
    text: str,
    *,
    bold: bool = False,
    italic: bool = False,
    first: bool = False,
    size: int = BODY_PT,
    space_pt: int = 0,
) -> Paragraph:
    line: Paragraph = cell.paragraphs[0] if first else cell.add_paragraph()
    line.alignment = _CENTRE
    line.paragraph_format.space_after = Pt(0)
    line.paragraph_format.space_before = Pt(space_pt)
    line.paragraph_format.line_spacing = 1.0
    run = line.add_run(words.printable(text))
    run.bold, run.italic, run.font.size = bold, italic, Pt(size)
    return line


def _rule(cell: _Cell, dashes: int) -> None:
    """The short line below the issuer and below the motto."""
    line = _say(cell, "─" * dashes, size=6)
    line.runs[0].font.color.rgb = RGBColor(0, 0, 0)
