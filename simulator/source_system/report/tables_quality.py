"""Tables of how well it was done beside what was played: start times, mains, language versions."""

from __future__ import annotations

from collections import Counter

from simulator.source_system.report import words
from simulator.source_system.report.gather import Part, Report
from simulator.source_system.report.mains import Mains, together
from simulator.source_system.report.punctuality import Starts
from simulator.source_system.report.sheet import Column, Row, Sheet
from simulator.source_system.report.tables_plays import identified, identity, named

PAGE_LANGUAGES = 60
MEDIAN, MOST = 0.5, 0.99

START_NOTE = (
    "Lệch giờ bắt đầu: đo tại đầu ra âm thanh của máy so với giờ trong lịch, không kể sớm hay "
    "muộn, đến 1 ms. Trung vị (p50): một nửa số lượt lệch không quá số này; p99: 99 % số lượt. "
    "Lượt vào muộn giữa chừng không có số đo và được đếm riêng ở “Không đo được giờ”."
)
MAINS_NOTE = (
    "Mất điện lưới: theo báo động của đài, kể cả khi không có mạng. Tỷ lệ tính trên thời gian biết "
    "được: khi đài có liên lạc và có đo điện, cộng với lúc đã báo mất điện. Đài tắt, mất liên lạc "
    "hoặc không đo điện thì không rõ, không tính là có điện. Cụm loa tính theo ampli của nó; giờ "
    "cụm cộng dồn qua các cụm."
)


def quality(report: Report) -> Sheet:
    """Start times and mains by station."""
    columns = (
        *identity(report),
        Column("Đo được giờ bắt đầu (lượt)", "starts_measured", "count", brief=True),
        Column("Không đo được giờ (lượt)", "starts_unmeasured", "count"),
        Column("Lệch giờ, trung vị (ms)", "start_error_p50_ms", "count", brief=True),
        Column("Lệch giờ, p99 (ms)", "start_error_p99_ms", "count", brief=True),
        Column("Lệch giờ lớn nhất (ms)", "start_error_worst_ms", "count"),
        Column("Máy đài: biết điện lưới", "box_mains_known", "share"),
        Column("Máy đài: mất điện lưới", "box_without_mains", "length"),
        Column("Máy đài: tỷ lệ mất điện", "box_without_share", "share", brief=True),
        Column("Cụm loa: biết điện lưới", "zones_mains_known", "share"),
        Column("Cụm loa: mất điện lưới (giờ cụm)", "zones_without_mains", "length", width=15),
        Column("Cụm loa: tỷ lệ mất điện", "zones_without_share", "share", brief=True),
        Column("Lượt hụt vì mất điện lưới", "plays_without_mains", "count", brief=True),
    )
    rows: list[Row] = []
    for part in report.parts:
        lost = _without_mains(part)
        row = (*begun(part.starts), *_place(box(part)), *_place(zones(part)), lost)
        rows.append((*identified(report, part), *row))
    parts = report.parts
    total: Row = (
        "Tổng",
        *("" for _ in identity(report)[1:]),
        *begun(report.starts),
        *_place(together((box(part) for part in parts), "")),
        *_place(together((zones(part) for part in parts), "")),
        sum(_without_mains(part) for part in parts),
    )
    notes = [START_NOTE, MAINS_NOTE]
    return Sheet(
        "dung-gio-dien-luoi", "Đúng giờ, điện lưới", "Punctuality, mains", columns, rows, total,
        notes,
    )  # fmt: skip


def box(part: Part) -> Mains:
    return together((one for one in part.mains if not one.zone), "")


def zones(part: Part) -> Mains:
    return together((one for one in part.mains if one.zone), "")


def begun(found: Starts) -> Row:
    return (
        found.measured,
        found.unmeasured,
        found.quantile(MEDIAN),
        found.quantile(MOST),
        found.worst_ms,
    )


def _place(found: Mains) -> Row:
    """How much is known, without, share; unknown where nothing is known."""
    if not found.known_ms:
        return (found.coverage, None, None)
    return (found.coverage, found.without_ms, found.share)


def _without_mains(part: Part) -> int:
    reasons = part.timetable.reasons
    return sum(number for (_, code), number in reasons.items() if code == "no_mains")


def mains_by_zone(report: Report) -> Sheet:
    columns = (
        Column("Mã đài", "station", width=10),
        Column("Đài", "name", width=22),
        Column("Nơi", "zone", width=24),
        Column("Thời gian biết", "known", "share"),
        Column("Mất điện lưới", "without", "length"),
        Column("Tỷ lệ mất điện", "share", "share"),
        Column("Số lần mất", "times", "count"),
        Column("Lần dài nhất", "longest", "length"),
    )
    rows: list[Row] = []
    for part in report.parts:
        for one in part.mains:
            told = (one.times, one.longest_ms) if one.known_ms else (None, None)
            place = one.zone or "máy của đài"
            rows.append((*named(report, part), place, *_place(one), *told))
    return Sheet(
        "dien-luoi-cum-loa", "Điện lưới theo cụm loa", "Mains by zone", columns, rows, None,
        [MAINS_NOTE],
    )  # fmt: skip


# --- languages ------------------------------------------------------------------------------


def languages(report: Report) -> Sheet:
    """Versions that were due and were not there: by station, programme and language."""
    columns = (
        Column("Mã đài", "station", width=10),
        Column("Đài", "name", width=22, brief=True),
        Column("Chương trình", "title", width=38, brief=True),
        Column("Thiếu bản", "language", width=18, brief=True),
        Column("Lượt", "plays", "count", brief=True),
    )
    rows: list[Row] = []
    for part in report.parts:
        for (title, code), plays in sorted(missing_versions(part).items()):
            rows.append((*named(report, part), title, words.language(code), plays))
    total = ("Tổng", "", "", "", sum(sum(missing_versions(one).values()) for one in report.parts))
    notes = [
        "Lượt mà bản bằng ngôn ngữ ấy có trong lịch nhưng đài không phát được; bản khác của cùng "
        "bản tin vẫn phát. Phần mềm cũ không ghi điều này."
    ]
    return Sheet(
        "thieu-ban-ngon-ngu", "Thiếu bản ngôn ngữ", "Language versions missing", columns, rows,
        total, notes, page_rows=PAGE_LANGUAGES,
    )  # fmt: skip


def missing_versions(part: Part) -> Counter[tuple[str, str]]:
    """(programme, language) → plays, warnings included."""
    found: Counter[tuple[str, str]] = Counter()
    for one in part.rows:
        for code in one.label.languages_missing:
            found[one.label.title, code] += one.plays
    return found


def versions_missing(report: Report) -> int:
    return sum(sum(missing_versions(part).values()) for part in report.parts)
