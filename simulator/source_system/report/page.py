"""The report as one page: plots and tables, no script and no other file; for a screen and A4 paper.

Long tables show their first rows and say where the rest is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path

from simulator.source_system.report import plots, words
from simulator.source_system.report.cells import shown, typed
from simulator.source_system.report.content import heading
from simulator.source_system.report.doubts import doubts
from simulator.source_system.report.emergencies import speed
from simulator.source_system.report.figures import evidence
from simulator.source_system.report.gather import Report
from simulator.source_system.report.sheet import NUMBERS, Column, Row, Sheet

_STYLE = """
:root{--ink:#1b1f24;--soft:#56616c;--rule:#d9dee3;--bad:#b3261e;--head:#1f3b57}
*{box-sizing:border-box}
body{margin:0 auto;max-width:1160px;padding:20px 16px 60px;font:15px/1.5 system-ui,-apple-system,
"Segoe UI",Roboto,"Noto Sans","DejaVu Sans",sans-serif;color:var(--ink);background:#fff}
h1{font-size:1.5rem;line-height:1.25;margin:0 0 .3rem}
h2{font-size:1.15rem;margin:2.2rem 0 .5rem;padding-top:.4rem;border-top:3px solid var(--head)}
h3{font-size:1rem;margin:1.3rem 0 .3rem}
.sub{color:var(--soft);margin:0}.warn{border-left:6px solid var(--bad);background:#fdf3f2;
padding:.5rem .9rem;margin:.8rem 0}
nav{font-size:.88rem;margin:.8rem 0;display:flex;flex-wrap:wrap;gap:.25rem .9rem}
nav a{color:#0b5a80;text-decoration:none}nav a:hover{text-decoration:underline}
.tiles{display:grid;grid-template-columns:repeat(auto-fill,minmax(165px,1fr));gap:.6rem;
margin:1rem 0}
.tiles div{border:1px solid var(--rule);border-radius:6px;padding:.55rem .75rem}
.tiles b{display:block;font-size:1.35rem;font-variant-numeric:tabular-nums;line-height:1.2}
.tiles span{color:var(--soft);font-size:.85rem;line-height:1.3;display:block}
.scroll{overflow-x:auto;border:1px solid var(--rule);border-radius:6px;margin:.5rem 0}
.wide{color:var(--soft);font-size:.82rem;margin:.2rem 0 0;text-align:right}
.plot{padding:8px}
svg{display:block;width:100%;min-width:820px;height:auto;font-family:inherit}
svg.swatch{display:inline-block;width:16px;min-width:0;height:11px;vertical-align:-1px;
margin-right:5px}
svg text{font-size:11.5px;fill:var(--ink)}svg .name{font-size:12px}
svg .tick,svg .soft{fill:var(--soft);font-size:11px}
svg .grid{stroke:#e6eaee}svg .axis{stroke:#6d7781}svg .dot{fill:#0b6e99;fill-opacity:.75}
svg .reach{stroke:#0b6e99;stroke-width:2}
.key{display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;font-size:.86rem;margin:.4rem 0}
table{border-collapse:collapse;font-size:.85rem;font-variant-numeric:tabular-nums;width:100%}
thead th{background:var(--head);color:#fff;font-weight:600;text-align:left;vertical-align:bottom;
position:sticky;top:0}
th,td{padding:.32rem .55rem;border-bottom:1px solid var(--rule);vertical-align:top}
thead th{line-height:1.25}td.n,th.n{text-align:right}
td.n,td.m,td.t{white-space:nowrap}td.w{min-width:15rem}
.scroll table.pin td:nth-child(2),.scroll table.pin th:nth-child(2){position:sticky;left:0}
.scroll table.pin td:nth-child(2){background:#fff;box-shadow:1px 0 0 var(--rule)}
.scroll table.pin tr.total td:nth-child(2){background:#eef2f6}
td.q{color:#8a3d1a;font-style:italic;white-space:nowrap}
tr.total td{font-weight:700;background:#eef2f6}
.notes{color:var(--soft);font-size:.87rem;margin:.3rem 0 0;padding-left:1.1rem}
details{margin:.4rem 0}summary{cursor:pointer;color:#0b5a80}
footer{color:var(--soft);font-size:.85rem;margin-top:2.5rem}
@page{size:A4 landscape;margin:12mm}
figure{margin:0}
@media print{html{font-size:11px}body{max-width:none;padding:0;font-size:10.5px}
.scroll{overflow:visible;border:0}
svg{min-width:0;max-height:96mm}tr,figure{break-inside:avoid}h2,h3,summary{break-after:avoid}
nav,.wide{display:none}table{font-size:7pt;line-height:1.25}th,td{padding:.12rem .25rem}
thead th{min-width:0!important}td.t{white-space:normal;min-width:5.2em}td.w{min-width:0}
.tiles{grid-template-columns:repeat(5,1fr)}h1{font-size:16px}h2{font-size:13px}h3{font-size:11.5px}
thead{display:table-header-group}thead th{position:static}details>*{display:block}
*{-webkit-print-color-adjust:exact;print-color-adjust:exact}}
"""

CHAPTERS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("phat", "Phát theo lịch", ("theo-don-vi", "theo-dai", "theo-cum-loa", "luot-phat")),
    ("hut", "Không phát đủ và lý do", ("ly-do-chung", "thieu-ban-ngon-ngu")),
    ("khan-cap", "Khẩn cấp", ("khan-cap-theo-dai", "khan-cap")),
    ("su-co", "Sự cố", ("su-co-theo-loai", "su-co")),
    ("quy-che", "Quy chế và phê duyệt", ("quy-che-chung", "phe-duyet")),
    (
        "van-hanh",
        "Kết nối, dữ liệu, mức tín hiệu, điện lưới",
        ("van-hanh", "dung-gio-dien-luoi", "dien-luoi-cum-loa"),
    ),
    ("do-phu", "Độ phủ và tài sản", ("do-phu", "bang-tin", "tai-san")),
    ("pham-vi", "Phạm vi dữ liệu", ("pham-vi-du-lieu",)),
)
WIDE = 150
"""Characters of all columns: wider tables scroll on most screens, and say so."""

FOLDED = frozenset(
    {
        "theo-cum-loa", "luot-phat", "khan-cap", "su-co", "dien-luoi-cum-loa", "do-phu", "tai-san",
    }
)  # fmt: skip
"""Long tables that open on a click; on paper they are open."""


def write_page(report: Report, sheets: Iterable[Sheet], path: Path) -> Path:
    path.write_text(render(report, list(sheets)), encoding="utf-8")
    return path


def render(report: Report, sheets: list[Sheet]) -> str:
    by_key = {sheet.key: sheet for sheet in sheets}
    chapters = [one for one in CHAPTERS if any(key in by_key for key in one[2])]
    body = "".join(
        [
            _head(report, chapters),
            _tiles(report),
            *(_chapter(report, name, title, keys, by_key) for name, title, keys in chapters),
            _summary(report, by_key["tong-hop"]),
        ]
    )
    return (
        '<!doctype html><html lang="vi"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(heading(report))}</title><style>{_STYLE}</style></head><body>"
        f"{plots.patterns()}{body}{_footer(report)}</body></html>\n"
    )


def _head(report: Report, chapters: Iterable[tuple[str, str, tuple[str, ...]]]) -> str:
    window = report.window
    made = words.moment(report.made_ms, window.tz)
    who = f"{escape(report.district)} · " if report.district else ""
    by = "đơn vị tại thời điểm phát" if report.by == "old" else "đơn vị hiện nay"
    unfinished = (
        f'<p class="warn">Kỳ chưa kết thúc: số liệu chỉ đến {made}.</p>'
        if report.unfinished
        else ""
    )
    warned = "".join(
        f'<p class="warn">{"✗" if one.weight == "doubt" else "!"} {escape(one.text.vi)}</p>'
        for one in doubts(report)
    )
    links = "".join(f'<a href="#{name}">{escape(title)}</a>' for name, title, _ in chapters)
    return (
        f"<header><h1>{escape(heading(report))}</h1>"
        f'<p class="sub">{who}{words.day(window.first)} – {words.day(window.last)}, '
        f"{words.count(window.days)} ngày · {words.count(len(report.ranges))} đài · tính theo {by} "
        f"· lập lúc {made}</p>{unfinished}{warned}"
        f'<nav>{links}<a href="#tong-hop">Tổng hợp</a></nav></header>'
    )


def _tiles(report: Report) -> str:
    found = report.timetable
    known = evidence(found)
    fast = speed(report.emergencies)
    missing = sum(one.missing for ranges in report.ranges.values() for one in ranges)
    maybe = sum(one.maybe_missing for ranges in report.ranges.values() for one in ranges)
    items = [
        (_times(report, found.plays), "lượt phát theo lịch (mục × cụm loa)"),
        (_of(found.results["played"], found.plays), "phát đủ"),
        (words.percent(found.ratio), "thời lượng đã phát trên thời lượng theo lịch"),
        (words.percent(known.heard), "thời lượng phát đo được có tiếng tại cụm loa"),
        (_times(report, len({one.id for one in report.emergencies})), "cảnh báo khẩn cấp"),
        (words.length(fast.median_ms), "từ khi đài nhận đến khi ra tiếng, trung vị"),
        (words.length(fast.worst_ms), "từ khi đài nhận đến khi ra tiếng, chậm nhất"),
        (_times(report, sum(len(part.episodes) for part in report.parts)), "sự cố"),
        (_times(report, missing), "bản ghi bị thiếu giữa số đầu và số cuối của từng thẻ nhớ"),
    ]
    if maybe:
        items.append((words.count(maybe), "bản ghi có thể thiếu thêm ở mép kỳ, nhiều nhất"))
    cells = "".join(f"<div><b>{escape(big)}</b><span>{small}</span></div>" for big, small in items)
    return f'<div class="tiles">{cells}</div>'


def _times(report: Report, number: int) -> str:
    """Where nobody told anything, nothing is not zero."""
    return words.UNKNOWN if report.says_nothing else words.count(number)


def _of(part: int, whole: int) -> str:
    return words.percent(part / whole) if whole else words.UNKNOWN


def _plots(report: Report, chapter: str) -> str:
    short = [
        ("partial", "phát một phần"),
        ("mute", "mất tiếng (đo được)"),
        ("missed", "không phát"),
    ]
    everything = [("played", "phát đủ; đo có tiếng"), *short]
    links = [("connected", "kết nối"), ("lost", "mất liên lạc"), ("unknown", "không rõ, không đo")]
    found: dict[str, list[tuple[str, str, str]]] = {
        "phat": [
            (
                "Từng đài trong kỳ",
                plots.stations_at_a_glance(report),
                plots.key([*everything, *links]),
            ),
            (
                "Thời lượng đã phát trên thời lượng theo lịch",
                plots.station_heat(report),
                plots.heat_key(),
            ),
        ],
        "hut": [
            (
                "Theo thời gian",
                plots.shortfall_over_time(report),
                plots.key([*short, ("unknown", "không có bản ghi")]),
            ),
            ("Lý do nhiều nhất", plots.reasons(report.timetable), plots.key(short)),
        ],
        "khan-cap": [("Nhanh hay chậm", plots.time_to_sound(report), "")],
        "van-hanh": [("Mức tín hiệu (dBFS)", plots.loudness(report), "")],
    }
    return "".join(
        f'<figure><h3>{title}</h3>{legend}<div class="scroll plot">{svg}</div></figure>'
        for title, svg, legend in found.get(chapter, ())
        if svg
    )


def _chapter(
    report: Report, name: str, title: str, keys: tuple[str, ...], by_key: Mapping[str, Sheet]
) -> str:
    found = [by_key[key] for key in keys if key in by_key]
    tables = "".join(_table(report, sheet) for sheet in found)
    return f'<section id="{name}"><h2>{escape(title)}</h2>{_plots(report, name)}{tables}</section>'


def _table(report: Report, sheet: Sheet) -> str:
    rows = sheet.rows if sheet.page_rows is None else sheet.rows[: sheet.page_rows]
    left = len(sheet.rows) - len(rows)
    more = [f"Còn {words.count(left)} dòng nữa trong {sheet.key}.csv."] if left else []
    notes = "".join(f"<li>{escape(note)}</li>" for note in [*more, *sheet.notes])
    listed = f'<ul class="notes">{notes}</ul>' if notes else ""
    names = [column.vi for column in sheet.columns[:2]]
    pin = ' class="pin"' if names == ["Mã đài", "Đài"] else ""
    table = (
        f'<div class="scroll"><table{pin} data-sheet="{sheet.key}"><thead><tr>'
        f"{''.join(_header(one) for one in sheet.columns)}</tr></thead><tbody>"
        f"{''.join(_row(report, sheet, row) for row in rows)}"
        f"{_row(report, sheet, sheet.total, total=True) if sheet.total else ''}"
        "</tbody></table></div>"
    )
    if sum(column.characters for column in sheet.columns) > WIDE:
        table = f'<p class="wide">Bảng rộng: kéo ngang để xem đủ các cột →</p>{table}'
    if not sheet.rows:
        return f"<h3>{escape(sheet.vi)}</h3><p class='sub'>Không có.</p>{listed}"
    if sheet.key in FOLDED:
        number = words.count(len(sheet.rows))
        head = f"<summary>{escape(sheet.vi)}: {number} dòng</summary>"
        return f"<details>{head}{table}</details>{listed}"
    return f"<h3>{escape(sheet.vi)}</h3>{table}{listed}"


def _header(column: Column) -> str:
    name = f"{column.vi} (giờ)" if column.kind == "length" else column.vi
    kind = ' class="n"' if column.kind in NUMBERS else ""
    wide = f' style="min-width:{min(15, column.characters) * 0.55:.1f}em"'
    return f'<th{kind}{wide} title="{escape(column.en)}">{escape(name)}</th>'


def _row(report: Report, sheet: Sheet, row: Row, *, total: bool = False) -> str:
    cells = []
    for column, value in zip(sheet.columns, row, strict=True):
        kind, plain = typed(column.kind, value)
        style = "n" if kind in NUMBERS else "m" if kind in ("moment", "day") else "t"
        if style == "t" and column.characters >= 30:
            style = "w"
        if plain is None:
            style = "q n" if style == "n" else "q"
        text = escape(shown(column.kind, value, report.window.tz))
        cells.append(f'<td class="{style}">{text}</td>')
    return f"<tr{' class=total' if total else ''}>{''.join(cells)}</tr>"


def _summary(report: Report, sheet: Sheet) -> str:
    return f'<section id="tong-hop"><h2>Tổng hợp</h2>{_table(report, sheet)}</section>'


def _footer(report: Report) -> str:
    made = words.moment(report.made_ms, report.window.tz)
    return (
        f"<footer><p>Lập bởi districtctl lúc {made} từ các bản ghi nêu ở mục Phạm vi dữ liệu. Điều "
        "không được ghi lại hiện là “không rõ”, không được suy đoán.</p></footer>"
    )
