"""`python -m simulator.demo.report_page OUT_DIR`: `report.html`, one page to look at a run.

Reads `summary.json`, `story.json` and the recordings; judges nothing itself. The page needs no
other file, no network and no script; it is made for a phone and for paper. Vietnamese first,
English beside it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from typing import Any

from simulator.demo.drawing import colours, station_svg
from simulator.demo.intent import Story, read_story
from simulator.demo.occurrences import iso
from simulator.demo.recording import read_recording
from simulator.demo.summary import SUMMARY

PAGE = "report.html"

_STYLE = """
:root{--ink:#1b1f24;--soft:#5c6670;--rule:#d9dee3;--good:#1e6b35;--bad:#b3261e;--paper:#fff}
*{box-sizing:border-box}
body{margin:0 auto;max-width:1120px;padding:16px;font:15px/1.45 system-ui,-apple-system,
"Segoe UI",Roboto,"Noto Sans",sans-serif;color:var(--ink);background:var(--paper)}
h1{font-size:1.35rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .5rem}
h3{font-size:1rem;margin:1.2rem 0 .3rem}
.e{color:var(--soft);font-weight:400;font-size:.87em}
.verdict{border-left:8px solid var(--good);padding:.6rem 1rem;background:#f2f8f4;margin:0 0 1rem}
.verdict.failed{border-color:var(--bad);background:#fdf3f2}
.figures{display:flex;flex-wrap:wrap;gap:.6rem;margin:0 0 1rem;padding:0}
.figures div{flex:1 1 9rem;border:1px solid var(--rule);border-radius:6px;padding:.5rem .7rem}
.figures b{display:block;font-size:1.25rem;font-variant-numeric:tabular-nums}
ol{list-style:none;margin:0;padding:0}
ol li{display:grid;grid-template-columns:1.6rem 1fr auto;gap:.1rem .4rem;padding:.4rem 0;
border-bottom:1px solid var(--rule);align-items:baseline}
ol li .time{color:var(--soft);font-size:.82em;font-variant-numeric:tabular-nums}
ol li .why{grid-column:2/4;margin:0;color:var(--bad)}
.ok{color:var(--good);font-weight:700}.no{color:var(--bad);font-weight:700}
.scroll{overflow-x:auto;border:1px solid var(--rule);border-radius:6px}
svg{display:block;width:100%;min-width:860px;height:auto;font-family:inherit}
svg text{font-size:11px;fill:var(--ink)}
svg .name{font-size:12.5px;font-weight:600}svg .en,svg .time{fill:var(--soft);font-size:10.5px}
svg .time{text-anchor:middle}svg .tick{stroke:#e6eaee}svg .rule{stroke:var(--rule)}
svg .wave{fill:#2b3138;stroke:#2b3138;stroke-width:.5}svg .bad{fill:#fbe3e1}
svg .plan{fill:none;stroke-width:1.5;stroke-dasharray:3 2}svg .gate{fill:#8a949e}
svg .due{fill:var(--bad)}svg .label{fill:#fff;font-weight:600}svg .plate{fill:#7d1a14}
svg .stray{stroke:var(--bad);stroke-width:2.5}svg .dark{font-weight:600;fill:var(--bad)}
svg .kept{fill:var(--soft);font-weight:600}svg .missing{fill:var(--bad);font-weight:700}
.key{display:flex;flex-wrap:wrap;gap:.3rem 1rem;font-size:.85em;margin:.5rem 0;padding:0}
.key i{display:inline-block;width:1.5rem;height:.7rem;vertical-align:-1px;margin-right:.35rem}
table{border-collapse:collapse;width:100%;font-size:.88em;font-variant-numeric:tabular-nums}
th{text-align:left;font-weight:600;border-bottom:2px solid var(--ink)}
th,td{padding:.3rem .6rem;vertical-align:top;white-space:nowrap}
td{border-bottom:1px solid var(--rule)}td.wide{white-space:normal;min-width:9rem}
.n{text-align:right}
footer{color:var(--soft);font-size:.85em;margin-top:2rem}
@media print{body{max-width:none;padding:0;font-size:11px}.scroll{overflow:visible;border:0}
svg{min-width:0}figure,tr,li{break-inside:avoid}h2,h3{break-after:avoid}
*{-webkit-print-color-adjust:exact;print-color-adjust:exact}}
"""


def write_page(folder: Path) -> Path:
    """Make the page of a run that has been summarised."""
    summary = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))
    story = read_story(folder)
    page = folder / PAGE
    page.write_text(render_page(folder, summary, story), encoding="utf-8")
    return page


def render_page(folder: Path, summary: Mapping[str, Any], story: Story) -> str:
    body = [
        _headline(summary),
        _figures(summary),
        _steps(summary),
        _stations(folder, summary, story),
        _report(summary),
        _starts(summary),
        _alarms(summary),
        _receipts(summary),
    ]
    title = "Đạt" if summary["verdict"] == "ok" else "Không đạt"
    return (
        '<!doctype html><html lang="vi"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{title}: diễn tập đài truyền thanh</title><style>{_STYLE}</style></head><body>"
        f"{''.join(body)}{_footer(summary)}</body></html>\n"
    )


def _en(text: str) -> str:
    return f' <span class="e" lang="en">{escape(text)}</span>'


def _heading(vi: str, en: str) -> str:
    return f"<h2>{escape(vi)}{_en(en)}</h2>"


def _clock(at_ms: float, tz: str) -> str:
    return iso(at_ms, tz)[11:19]


def _headline(summary: Mapping[str, Any]) -> str:
    steps = summary["steps"]
    good = sum(step["verdict"] == "ok" for step in steps)
    failed = summary["verdict"] != "ok"
    bad = len(steps) - good
    vi = f"✗ KHÔNG ĐẠT: {bad}/{len(steps)} bước hỏng" if failed else f"✓ ĐẠT: {good} bước đều tốt"
    en = f"failed: {bad} of {len(steps)} steps" if failed else f"passed: all {good} steps"
    when = f"{summary['from'][:10]}, {summary['from'][11:19]}–{summary['to'][11:19]}"
    sabotage = ""
    if summary["sabotage"]:
        sabotage = (
            f"<div>Cố ý phá: <b>{escape(summary['sabotage'])}</b>{_en('spoilt on purpose')}</div>"
        )
    return (
        f'<header class="verdict {"failed" if failed else ""}"><h1>{vi}{_en(en)}</h1>'
        f"<div>Diễn tập đài truyền thanh · {when}{_en('a district on one machine')}</div>"
        f"{sabotage}</header>"
    )


def _figures(summary: Mapping[str, Any]) -> str:
    errors, reports = summary["start_error_ms"], summary["reports"]
    lost, doubled = len(reports["lost"]), len(reports["doubled"])
    items = [
        (_ms(errors["median"]), "lệch giờ, trung vị", "start error, median"),
        (_ms(errors["worst"]), f"lớn nhất của {errors['count']}", "the worst"),
        (str(len(summary["stations"])), "đài", "stations"),
        (str(reports["as_run"]), "bản ghi đã phát", "as-run records"),
        (f"{lost} / {doubled}", "mất / trùng", "lost / doubled"),
    ]
    cells = "".join(f"<div><b>{value}</b>{vi}<br>{_en(en)}</div>" for value, vi, en in items)
    return f'<div class="figures">{cells}</div>'


def _ms(value: float | None) -> str:
    return "?" if value is None else f"{_number(f'{value:.1f}')} ms"


def _number(text: str) -> str:
    """Vietnamese writes a comma, and a minus that is one."""
    return text.replace(".", ",").replace("-", "−")


def _steps(summary: Mapping[str, Any]) -> str:
    lines = []
    for step in summary["steps"]:
        good = step["verdict"] == "ok"
        mark = '<span class="ok">✓</span>' if good else '<span class="no">✗</span>'
        why = "".join(
            f'<p class="why">{escape(one["vi"])}{_en(one["en"])}</p>' for one in step["why"][:6]
        )
        if len(step["why"]) > 6:
            more = len(step["why"]) - 6
            why += f'<p class="why">… và {more} nữa{_en(f"and {more} more")}</p>'
        span = f"{_clock(step['from_ms'], summary['tz'])}–{_clock(step['to_ms'], summary['tz'])}"
        lines.append(
            f"<li>{mark}<span>{escape(step['title_vi'])}{_en(step['title_en'])}</span>"
            f'<span class="time">{span}</span>{why}</li>'
        )
    return f"<section>{_heading('Các bước', 'The steps')}<ol>{''.join(lines)}</ol></section>"


def _stations(folder: Path, summary: Mapping[str, Any], story: Story) -> str:
    titles: dict[str, str] = {}
    for one in story.expected:
        if one.programme is not None:
            titles.setdefault(one.programme, one.title)
    colour = colours(list(story.programmes))
    parts = [
        _heading("Theo kế hoạch và thực tế nghe được", "Planned against heard"),
        _key(titles, colour),
    ]
    for station, plan in story.stations.items():
        recording = read_recording(folder / (plan.sound or f"{station}/sound.wav"))
        picture = station_svg(station, summary, recording, colour, titles)
        parts.append(
            f"<figure style='margin:0'><h3>{escape(plan.name)}{_en(station)}</h3>"
            f'<div class="scroll">{picture}</div></figure>'
        )
    return f"<section>{''.join(parts)}</section>"


def _key(titles: Mapping[str, str], colour: Mapping[str, str]) -> str:
    shapes = [
        ("border:1.5px dashed #555", "theo lịch", "planned"),
        ("background:#555", "nghe được ở cụm loa", "heard in the zone"),
        (
            "background:repeating-linear-gradient(45deg,#b3261e 0 4px,#f2b8b5 4px 6px)",
            "cảnh báo",
            "warning",
        ),
        ("border-bottom:2px solid #8a949e", "cổng mở", "gate open"),
    ]
    items = [f'<span><i style="{css}"></i>{vi}{_en(en)}</span>' for css, vi, en in shapes]
    items += [
        f'<span><i style="background:{colour[name]}"></i>{escape(title)}</span>'
        for name, title in titles.items()
    ]
    return f'<div class="key">{"".join(items)}</div>'


def _table(head: Iterable[tuple[str, str]], rows: Iterable[str]) -> str:
    cells = "".join(f"<th>{escape(vi)}{'<br>' + _en(en) if en else ''}</th>" for vi, en in head)
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return (
        f'<div class="scroll"><table><thead><tr>{cells}</tr></thead><tbody>{body}</tbody>'
        "</table></div>"
    )


def _starts(summary: Mapping[str, Any]) -> str:
    head = [
        ("Đài / cụm", "station / zone"),
        ("Chương trình", "programme"),
        ("Giờ lịch", "planned"),
        ("Lệch", "error, ms"),
        ("Nghe được", "heard, s"),
        ("Mức", "dBFS"),
        ("Đài báo", "reported"),
    ]
    rows = [_start_row(row, summary) for row in summary["occurrences"]]
    return (
        f"<section>{_heading('Từng lượt phát', 'Every occurrence')}{_table(head, rows)}</section>"
    )


_OUTCOMES = {"played": "phát đủ", "partial": "một phần", "skipped": "không phát"}
_CONFIRMED = {"yes": "✓ loa xác nhận", "no": "✗ loa không xác nhận", "unknown": "? không đo được"}


_KEPT = {"quiet": "giờ yên lặng", "awaiting_approval": "chờ xã duyệt"}


def _start_row(row: Mapping[str, Any], summary: Mapping[str, Any]) -> str:
    error = row["start_error_ms"]
    if error is None and row.get("kept_back"):
        start = f'<span class="e">– giữ lại: {escape(_KEPT.get(row["kept_back"], ""))}</span>'
    elif error is None:
        start = '<span class="no">✗ không nghe</span>'
    elif row["timed"]:
        start = _number(f"{error:+.1f}")
    else:
        start = f'<span class="e">sau {_number(f"{error / 1000:.1f}")} s</span>'
    heard = _number(f"{row['heard_ms'] / 1000:.1f}")
    if row["programme"] is not None:
        heard += " / " + _number(f"{row['length_ms'] / 1000:.1f}")
    level = "–" if row["level_dbfs"] is None else _number(f"{row['level_dbfs']:.1f}")
    said = '<span class="no">✗ không có bản ghi</span>'
    if row["outcome"] is not None:
        said = f"{_OUTCOMES.get(row['outcome'], row['outcome'])}, "
        said += _CONFIRMED.get(row["confirmed"], escape(str(row["confirmed"])))
        if row["reason"]:
            said += f" ({escape(row['reason'])})"
        said += _decided(row)
    name = summary["stations"][row["station"]]["name"]
    return (
        f'<td class="wide">{escape(name)}<br>{escape(row["zone"])}</td>'
        f'<td class="wide">{escape(row["title"])}</td>'
        f"<td>{_clock(row['planned_start_ms'], summary['tz'])}</td>"
        f'<td>{start}</td><td>{heard}</td><td>{level}</td><td class="wide">{said}</td>'
    )


def _decided(row: Mapping[str, Any]) -> str:
    """Who approved, which rule kept it back, which rule a warning broke."""
    said = [
        ("duyệt: ", row.get("approved_by")),
        ("", row.get("rule")),
        ("phá: ", ", ".join(row.get("broke") or ())),
    ]
    return "".join(f"<br>{vi}{escape(str(what))}" for vi, what in said if what)


def _report(summary: Mapping[str, Any]) -> str:
    """Every number of the district's report beside the same number as counted."""
    compared = summary.get("report") or []
    if not compared:
        return ""
    head = [("Ở đâu", "where"), ("Số liệu", "figure"), ("Báo cáo", "report"), ("Đếm", "counted")]
    rows = [
        f'<td class="wide">{escape(one["where"])}</td><td class="wide">{escape(one["what"])}</td>'
        f'<td class="n">{"✓" if one["agrees"] else "✗"} {_number(escape(one["report"] or "?"))}'
        f'</td><td class="n">{_range(one["counted_low"], one["counted_high"])}</td>'
        for one in compared
    ]
    vi, en = "Báo cáo của huyện và số đếm từ bản ghi âm", "The district's report against the sound"
    good = sum(one["agrees"] for one in compared)
    few = f"{good}/{len(compared)} số khớp{_en(f'{good} of {len(compared)} agree')}"
    state = "" if good == len(compared) else " open"
    inside = f"<details{state}><summary>{few}</summary>{_table(head, rows)}</details>"
    return f"<section>{_heading(vi, en)}{inside}</section>"


def _range(low: float, high: float) -> str:
    return (
        _number(f"{low:g}")
        if low == high
        else f"{_number(f'{low:.1f}')} đến {_number(f'{high:.1f}')}"
    )


def _alarms(summary: Mapping[str, Any]) -> str:
    head = [("Lúc", "at"), ("Đài", "station"), ("Báo động", "alarm"), ("Về", "about"), ("", "")]
    rows = [
        f"<td>{_clock(one['at_ms'], summary['tz'])}</td><td>{escape(one['station'])}</td>"
        f"<td>{escape(str(one.get('code')))}</td><td>{escape(str(one.get('subject') or '–'))}</td>"
        f"<td>{'✗ bắt đầu' if one.get('state') == 'raised' else '✓ hết'}"
        f" {escape(str(one.get('detail') or ''))}</td>"
        for one in summary["alarms"]
    ]
    inside = _table(head, rows) if rows else f"<p>Không có báo động nào{_en('none')}</p>"
    return f"<section>{_heading('Báo động', 'Alarms')}{inside}</section>"


def _receipts(summary: Mapping[str, Any]) -> str:
    head = [
        ("Đài", "station"),
        ("Văn bản", "document"),
        ("Từ", "from"),
        ("Bản", "revision"),
        ("Trạng thái", "state"),
    ]
    rows = [
        f"<td>{escape(one['station'])}</td><td>{escape(str(one.get('kind')))}</td>"
        f"<td>{escape(str(one.get('authority')))} → {escape(str(one.get('audience')))}</td>"
        f"<td>{one.get('revision')}</td>"
        + (
            f"<td>✓ áp dụng lúc {_clock(one['received_ms'], summary['tz'])}</td>"
            if one["state"] == "applied"
            else f'<td class="no">✗ từ chối: {escape(str(one.get("reason")))}</td>'
        )
        for one in summary["receipts"]
    ]
    return f"<section>{_heading('Biên nhận', 'Receipts')}{_table(head, rows)}</section>"


def _footer(summary: Mapping[str, Any]) -> str:
    return (
        "<footer>Tính từ bản ghi âm từng kênh, nhật ký ampli và tin đi qua máy chủ, không hỏi đài."
        f"{_en('Computed from recordings, amplifier logs and broker traffic alone.')}"
        f"<br>{escape(summary['from'])} – {escape(summary['to'])}</footer>"
    )


def main(argv: list[str] | None = None) -> int:
    arguments = sys.argv[1:] if argv is None else argv
    if len(arguments) != 1:
        print("usage: python -m simulator.demo.report_page OUT_DIR", file=sys.stderr)
        return 2
    try:
        print(write_page(Path(arguments[0])))
    except (OSError, ValueError, KeyError) as error:
        print(f"✗ {arguments[0]}: {type(error).__name__}: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
