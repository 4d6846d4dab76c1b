"""Tables of what was planned and what was played: stations, zones, programmes, reasons, days."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable

from simulator.source_system.report import words
from simulator.source_system.report.figures import (
    EMERGENCY,
    RESULTS,
    Occurrences,
    Result,
    Tally,
    evidence,
    joined,
    result_of,
)
from simulator.source_system.report.gather import Part, Report
from simulator.source_system.report.sheet import Column, Row, Sheet, Value

PAGE_ROWS = 60
TAB_ROWS = 5_000

_NAMED = (
    Column("Mã đài", "station", width=10),
    Column("Đài", "name", width=22, brief=True),
    Column("Mã đơn vị", "code", width=10),
    Column("Đơn vị quản lý", "authority", width=18),
)
_WHILE = (Column("Từ ngày", "from", "day", brief=True), Column("Đến ngày", "to", "day"))
PLAYS = (
    Column("Lượt phát theo lịch", "planned", "count", brief=True),
    Column("Phát đủ", "played", "count", brief=True),
    Column("Phát một phần", "partial", "count", brief=True),
    Column("Mất tiếng (đo được)", "mute", "count", brief=True),
    Column("Không phát", "missed", "count", brief=True),
    Column("Thời lượng theo lịch", "planned_time", "length"),
    Column("Thời lượng đã phát", "played_time", "length"),
    Column("Tỷ lệ thời lượng", "ratio", "share", brief=True),
)
EVIDENCE = (
    Column("Đo có tiếng", "measured_heard", "share"),
    Column("Đo mất tiếng", "measured_mute", "share"),
    Column("Không đo được", "not_measured", "share"),
    Column("Mức bằng chứng", "grade", width=9, brief=True),
)
UNIT_NOTE = (
    "Một lượt phát tính ở một cụm loa: một mục lịch phát ở 6 cụm là 6 lượt. Cảnh báo khẩn cấp và "
    "diễn tập tính riêng. “Mất tiếng (đo được)”: có phát nhưng bộ điều khiển đo thấy cụm loa có "
    "đoạn không ra tiếng, nên không tính là phát đủ."
)


def identity(report: Report) -> tuple[Column, ...]:
    """By old units a station may stand twice: then the days of each are told."""
    return (*_NAMED, *_WHILE) if report.by == "old" else _NAMED


def identified(report: Report, part: Part) -> Row:
    unit = part.slice.unit
    named = (unit.station, unit.name, unit.code, unit.authority)
    return (*named, part.slice.first, part.slice.last) if report.by == "old" else named


def named(report: Report, part: Part) -> tuple[str, str]:
    """Id and name; of a station that stands twice also since or until when it is that unit."""
    unit, first, last = part.slice.unit, part.slice.first, part.slice.last
    since = f" (từ {words.day(first)})" if first > report.window.first else ""
    until = f" (đến {words.day(last)})" if last < report.window.last else ""
    return unit.station, unit.name + (since or until)


def plays(found: Tally) -> Row:
    return (
        found.plays,
        found.results["played"],
        found.results["partial"],
        found.results["mute"],
        found.results["missed"],
        found.planned_ms,
        found.played_ms,
        _ratio(found),
    )


def _ratio(found: Tally) -> Value:
    return words.NOTHING if not found.plays else found.ratio


def proof(found: Tally) -> Row:
    known = evidence(found)
    if not found.played_ms:
        return (words.NOTHING,) * 4
    return (known.heard, known.mute, known.unmeasured, known.grade)


def _blank(columns: Iterable[Column], first: str) -> Row:
    return (first, *("" for _ in list(columns)[1:]))


# --- stations, units, zones -----------------------------------------------------------------

_STATION = (
    Column("Mục lịch (lần)", "occurrences", "count"),
    Column("Đủ mọi cụm (lần)", "whole", "count"),
    Column("Không cụm nào (lần)", "none", "count"),
    *PLAYS,
    *EVIDENCE,
)


def stations(report: Report) -> Sheet:
    columns = (*identity(report), *_STATION)
    rows = [_station(report, part) for part in report.parts]
    everything = report.timetable
    occurrences = [part.occurrences for part in report.parts]
    total = (
        *_blank(identity(report), "Tổng"),
        *_occurrences(occurrences),
        *plays(everything),
        *proof(everything),
    )
    notes = [UNIT_NOTE, words.GRADES]
    if everything.results["other"]:
        other = words.count(everything.results["other"])
        notes.append(f"Trong số theo lịch có {other} lượt mà phần mềm này không hiểu kết quả.")
    notes += [f"Không có bản ghi nào trong kỳ: {name}." for name in report.silent_stations]
    return Sheet("theo-dai", "Theo đài", "By station", columns, rows, total, notes)


def _station(report: Report, part: Part) -> Row:
    found = part.timetable
    return (
        *identified(report, part),
        *_occurrences([part.occurrences]),
        *plays(found),
        *proof(found),
    )


def _occurrences(found: list[Occurrences]) -> Row:
    return (
        sum(one.all for one in found),
        sum(one.whole for one in found),
        sum(one.none for one in found),
    )


def units(report: Report) -> Sheet:
    """By the authority that a station reported to, then or now."""
    groups: dict[tuple[str, str], list[Part]] = {}
    for part in report.parts:
        unit = part.slice.unit
        groups.setdefault(("Đơn vị quản lý", unit.authority or words.UNKNOWN), []).append(part)
        for name in unit.groups:
            groups.setdefault(("Nhóm", name), []).append(part)
    columns = (
        Column("Theo", "by", width=15),
        Column("Đơn vị", "unit", width=24, brief=True),
        Column("Số đài", "stations", "count", brief=True),
        *PLAYS,
        *EVIDENCE,
    )
    rows: list[Row] = []
    for (by, name), parts in sorted(groups.items()):
        found = joined(part.timetable for part in parts)
        number = len({part.slice.unit.station for part in parts})
        rows.append((by, name, number, *plays(found), *proof(found)))
    which = "đơn vị tại thời điểm phát" if report.by == "old" else "đơn vị hiện nay"
    notes = [f"Tính theo {which}. Một đài có thể thuộc nhiều nhóm, nên các nhóm không cộng dồn."]
    return Sheet("theo-don-vi", "Theo đơn vị", "By unit", columns, rows, None, notes)


def zones(report: Report) -> Sheet:
    columns = (
        *identity(report),
        Column("Cụm loa", "zone", width=18),
        *PLAYS,
        *EVIDENCE,
        Column("Âm lượng", "volume", width=10),
        Column("Mức TB (dBFS)", "level_mean_dbfs", "level"),
        Column("Mức to nhất (dBFS)", "level_max_dbfs", "level"),
    )
    rows: list[Row] = []
    for part in report.parts:
        for zone, found in part.by_zone.items():
            head = (*identified(report, part), zone)
            rows.append((*head, *plays(found), *proof(found), *loudness(found)))
    everything = report.timetable
    total = (
        *_blank((*identity(report), columns[-1]), "Tổng"),
        *plays(everything),
        *proof(everything),
        *loudness(everything),
    )
    notes = [words.DBFS, "Mức TB: trung bình theo thời gian của mức to nhất mỗi đoạn phát."]
    return Sheet("theo-cum-loa", "Theo cụm loa", "By zone", columns, rows, total, notes)


def loudness(found: Tally) -> Row:
    """Volume, mean and loudest level."""
    volumes = found.volume_range
    shown = None if volumes is None else "–".join(str(one) for one in sorted(set(volumes)))
    if not found.played_ms:
        return (words.NOTHING,) * 3
    return (shown, found.level_db, found.loudest_db)


# --- programmes and reasons -----------------------------------------------------------------


def programmes(report: Report) -> Sheet:
    columns = (
        Column("Mã đài", "station", width=10),
        Column("Đài", "name", width=22),
        Column("Chương trình", "title", width=38),
        Column("Đơn vị soạn", "authority", width=14),
        Column("Loại", "class", width=13),
        *PLAYS,
    )
    rows: list[Row] = []
    for part in report.parts:
        grouped: dict[tuple[str, str, int], Tally] = {}
        for one in part.rows:
            if one.label.klass != EMERGENCY:
                key = (one.label.title, one.label.authority, one.label.klass)
                grouped.setdefault(key, Tally()).add(one)
        for (title, authority, klass), found in sorted(grouped.items()):
            klass_name = "ưu tiên" if klass == 2 else "thông thường"
            told = (title, authority, klass_name, *plays(found))
            rows.append((*named(report, part), *told))
    total = (*_blank(columns[:5], "Tổng"), *plays(report.timetable))
    return Sheet("luot-phat", "Lượt phát", "Programmes", columns, rows, total, page_rows=PAGE_ROWS)


def reasons(report: Report) -> Sheet:
    """Why not or not wholly, over all stations and by each."""
    columns = (
        Column("Mã đài", "station", width=10),
        Column("Đài", "name", width=22),
        Column("Kết quả", "result", width=28),
        Column("Lý do", "reason", width=40),
        Column("Mã lý do", "code", width=22),
        Column("Lượt", "plays", "count"),
    )
    rows: list[Row] = []
    for part in report.parts:
        for (result, code), number in sorted_reasons(part.timetable):
            row = (words.RESULT[result], words.reason(code), code, number)
            rows.append((*named(report, part), *row))
    everything = report.timetable
    total = (*_blank(columns[:5], "Tổng"), everything.plays - everything.results["played"])
    return Sheet("ly-do", "Lý do", "Reasons", columns, rows, total, page_rows=0)


def reasons_overall(report: Report) -> Sheet:
    columns = (
        Column("Kết quả", "result", width=28, brief=True),
        Column("Lý do", "reason", width=40, brief=True),
        Column("Lượt", "plays", "count", brief=True),
        Column("Tỷ lệ trên lượt theo lịch", "share", "share", brief=True),
    )
    found = report.timetable
    rows: list[Row] = [
        (words.RESULT[result], words.reason(code), number, number / found.plays)
        for (result, code), number in sorted_reasons(found)
    ]
    short = found.plays - found.results["played"]
    total = ("Tổng", "", short, short / found.plays if found.plays else words.NOTHING)
    return Sheet("ly-do-chung", "Lý do không phát đủ", "Reasons overall", columns, rows, total)


def sorted_reasons(found: Tally) -> list[tuple[tuple[Result, str], int]]:
    """By result, then the most frequent first."""

    def place(item: tuple[tuple[Result, str], int]) -> tuple[int, int, str]:
        (result, code), number = item
        return -RESULTS.index(result), -number, code

    return sorted(found.reasons.items(), key=place)


def shortfalls(report: Report) -> Sheet:
    """Each occurrence that was not played in full, zones with the same fate together."""
    columns = (
        Column("Mã đài", "station", width=10),
        Column("Đài", "name", width=22),
        Column("Giờ theo lịch", "planned", "moment"),
        Column("Chương trình", "title", width=34),
        Column("Kết quả", "result", width=24),
        Column("Lý do", "reason", width=32),
        Column("Số cụm", "zones", "count"),
        Column("Cụm loa", "zone_names", width=30),
        Column("Thời lượng theo lịch", "planned_time", "length"),
        Column("Thời lượng đã phát", "played_time", "length"),
    )
    rows: list[Row] = []
    for part in report.parts:
        for one in part.short:
            result = result_of(one.outcome, one.confirmed)
            rows.append(
                (
                    *named(report, part),
                    one.planned_ms,
                    one.label.title,
                    words.RESULT[result],
                    words.reason(one.reason or one.outcome),
                    len(one.zones),
                    "; ".join(one.zones),
                    one.planned_length_ms,
                    one.played_ms,
                )
            )
    return Sheet(
        "luot-hut",
        "Lượt không đủ",
        "Not played in full",
        columns,
        rows,
        page_rows=0,
        tab_rows=TAB_ROWS,
    )


# --- days -----------------------------------------------------------------------------------


def days(report: Report) -> Sheet:
    columns = (
        Column("Ngày", "day", "day"),
        *PLAYS[:5],
        Column("Thời lượng theo lịch", "planned_time", "length"),
        Column("Thời lượng đã phát", "played_time", "length"),
    )
    counts: dict[int, Counter[Result]] = {}
    lengths: dict[int, tuple[int, int]] = {}
    for part in report.parts:
        for one in part.days:
            counts.setdefault(one.day, Counter())[one.result] += one.plays
            planned_ms, played_ms = lengths.get(one.day, (0, 0))
            lengths[one.day] = (planned_ms + one.planned_ms, played_ms + one.played_ms)
    rows: list[Row] = []
    for number in range(report.window.days):
        day = report.window.first + dt.timedelta(number)
        found = counts.get(day_number(day), Counter())
        results = (found[name] for name in ("played", "partial", "mute", "missed"))
        rows.append((day, found.total(), *results, *lengths.get(day_number(day), (0, 0))))
    everything = report.timetable
    total = ("Tổng", *plays(everything)[:7])
    return Sheet("theo-ngay", "Theo ngày", "By day", columns, rows, total, page_rows=0)


def day_number(day: dt.date) -> int:
    """Days since 1970-01-01."""
    return day.toordinal() - dt.date(1970, 1, 1).toordinal()
