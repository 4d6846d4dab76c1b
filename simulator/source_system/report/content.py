"""What is in a report and in which order: the summary and all tables. Pure.

Invariant: a figure of the summary is the total of the table it comes from.
"""

from __future__ import annotations

from simulator.source_system.report import (
    tables_base,
    tables_events,
    tables_plays,
    tables_quality,
    words,
)
from simulator.source_system.report.emergencies import HEARD, SILENT, UNMEASURED, speed
from simulator.source_system.report.figures import evidence, share
from simulator.source_system.report.gather import Report
from simulator.source_system.report.mains import together
from simulator.source_system.report.registry import hamlets
from simulator.source_system.report.sheet import Column, Row, Sheet, Typed

TITLE = "Báo cáo hoạt động truyền thanh cơ sở"


def tables(report: Report) -> list[Sheet]:
    """The summary first. Tables of a registry that nobody keeps are left out."""
    found = [
        summary(report),
        tables_plays.stations(report),
        tables_plays.zones(report),
        tables_plays.programmes(report),
        tables_plays.reasons_overall(report),
        tables_events.emergencies_by_station(report),
        tables_events.emergencies(report),
        tables_events.faults_by_kind(report),
        tables_events.faults(report),
        tables_events.rules_overall(report),
        tables_events.rules(report),
        tables_events.approvals(report),
        tables_base.running(report),
        tables_quality.quality(report),
        tables_quality.mains_by_zone(report),
        tables_quality.languages(report),
        tables_plays.days(report),
        tables_plays.reasons(report),
        tables_plays.shortfalls(report),
        tables_base.ranges(report),
    ]
    registry = report.registry
    if any(one.authority or one.groups for one in registry.units):
        found.insert(1, tables_plays.units(report))
    if registry.services:
        found.insert(-1, tables_base.coverage(report))
    if registry.boards:
        found.insert(-1, tables_base.boards(report))
    if registry.assets:
        found.insert(-1, tables_base.assets(report))
    return found


def heading(report: Report) -> str:
    return f"{TITLE} {report.window.title}"


def summary(report: Report) -> Sheet:
    columns = (
        Column("Mục", "section", width=22),
        Column("Chỉ tiêu", "figure", width=48),
        Column("Giá trị", "value", width=22),
        Column("Ghi chú", "note", width=70),
    )
    rows = [
        *_about(report),
        *_played(report),
        *_warned(report),
        *_ran(report),
        *_done_well(report),
        *_ruled(report),
        *_covered(report),
        *_based(report),
    ]
    return Sheet("tong-hop", "Tổng hợp", "Summary", columns, rows)


def _about(report: Report) -> list[Row]:
    window = report.window
    by = "đơn vị tại thời điểm phát" if report.by == "old" else "đơn vị hiện nay"
    note = "" if not report.unfinished else "kỳ chưa kết thúc: số liệu chỉ đến lúc lập"
    return [
        ("Kỳ báo cáo", "Từ ngày", Typed("day", window.first), "giờ Việt Nam, từ 00:00"),
        ("Kỳ báo cáo", "Đến ngày", Typed("day", window.last), "giờ Việt Nam, đến hết 24:00"),
        ("Kỳ báo cáo", "Số ngày", Typed("count", window.days), ""),
        ("Kỳ báo cáo", "Lập lúc", Typed("moment", report.made_ms), note),
        ("Kỳ báo cáo", "Tính theo", by, ""),
        ("Kỳ báo cáo", "Số đài", Typed("count", len(report.ranges)), ""),
        (
            "Kỳ báo cáo",
            "Số đài không có bản ghi nào",
            Typed("count", len(report.silent_stations)),
            ", ".join(report.silent_stations),
        ),
    ]


def _played(report: Report) -> list[Row]:
    found = report.timetable
    known = evidence(found)
    section = "Phát theo lịch"
    rows: list[Row] = [
        (section, "Lượt phát theo lịch", Typed("count", found.plays), "một mục ở một cụm loa")
    ]
    for result in ("played", "partial", "mute", "missed"):
        number = found.results[result]
        of = share(number, found.plays)
        note = "" if of is None else f"{words.percent(of)} số lượt"
        name = words.RESULT[result]
        rows.append((section, name[0].upper() + name[1:], Typed("count", number), note))
    if found.results["other"]:
        other = Typed("count", found.results["other"])
        rows.append((section, "Kết quả chưa biết", other, "mã của phần mềm mới hơn"))
    ratio = words.NOTHING if found.ratio is None else Typed("share", found.ratio)
    unplanned = f"{words.count(found.open)} lượt không định trước thời lượng" if found.open else ""
    rows += [
        (section, "Thời lượng theo lịch", Typed("length", found.planned_ms), unplanned),
        (section, "Thời lượng đã phát", Typed("length", found.played_ms), ""),
        (section, "Tỷ lệ thời lượng", ratio, ""),
        (
            section,
            "Đo được có tiếng tại cụm loa",
            words.NOTHING if known.heard is None else Typed("share", known.heard),
            f"của thời lượng đã phát; không đo được {words.percent(known.unmeasured)}",
        ),
        (section, "Mức bằng chứng", known.grade, words.GRADES),
        (
            section,
            "Mức tín hiệu trung bình (dBFS)",
            None if found.level_db is None else Typed("level", found.level_db),
            words.DBFS,
        ),
    ]
    return rows


def _warned(report: Report) -> list[Row]:
    section = "Khẩn cấp"
    real = report.emergencies
    fast = speed(real)
    zones = {state: sum(one.count(state) for one in real) for state in (HEARD, UNMEASURED, SILENT)}
    nothing = words.NOTHING
    unknown_drill = sum(one.drill is None for one in real)
    note = "không tính diễn tập"
    if unknown_drill:
        note += f"; {words.count(unknown_drill)} lần không rõ thật hay diễn tập"
    reached = words.share_of(zones[HEARD], sum(zones.values()))
    return [
        (section, "Số cảnh báo", Typed("count", len({one.id for one in real})), note),
        (
            section,
            "Lần cảnh báo đến đài",
            Typed("count", len(real)),
            "một cảnh báo ở một đài là một",
        ),
        (section, "Trong đó có ra tiếng", Typed("count", fast.sounded), ""),
        (
            section,
            "Từ khi đài nhận đến khi ra tiếng, trung vị (giây)",
            nothing if fast.median_ms is None else Typed("seconds", fast.median_ms),
            "theo đồng hồ của đài",
        ),
        (
            section,
            "Chậm nhất (giây)",
            nothing if fast.worst_ms is None else Typed("seconds", fast.worst_ms),
            "",
        ),
        (section, "Lượt cụm đo được có tiếng", Typed("count", zones[HEARD]), reached),
        (section, "Lượt cụm phát nhưng không đo được", Typed("count", zones[UNMEASURED]), ""),
        (section, "Lượt cụm không có tiếng", Typed("count", zones[SILENT]), "cần kiểm tra"),
        (
            section,
            "Số lần diễn tập đến đài",
            None if unknown_drill else Typed("count", len(report.drills)),
            "tính riêng",
        ),
    ]


def _ran(report: Report) -> list[Row]:
    section = "Vận hành"
    running = tables_base.running(report)
    if running.total is None:
        raise ValueError("the table has a total")
    places = {column.en: at for at, column in enumerate(running.columns)}
    connected, known, mib = (
        running.total[places[name]] for name in ("connected", "known", "data_mib")
    )
    open_ = sum(one.is_open for part in report.parts for one in part.episodes)
    return [
        (section, "Kết nối, trên thời gian biết được", _share(connected), ""),
        (section, "Thời gian biết được", _share(known), "khi hệ thống nguồn có nghe"),
        (section, "Dữ liệu, ít nhất (MiB)", mib if mib is None else Typed("mib", _int(mib)), ""),
        (
            section,
            "Sự cố",
            Typed("count", sum(len(part.episodes) for part in report.parts)),
            f"{words.count(open_)} chưa hết",
        ),
    ]


def _done_well(report: Report) -> list[Row]:
    section = "Đúng giờ, điện lưới"
    starts = report.starts
    half, most = starts.quantile(tables_quality.MEDIAN), starts.quantile(tables_quality.MOST)
    zones = together((tables_quality.zones(part) for part in report.parts), "")
    missing = tables_quality.versions_missing(report)
    return [
        (
            section,
            "Lệch giờ bắt đầu, trung vị (ms)",
            None if half is None else Typed("count", half),
            f"đo được {words.count(starts.measured)} lượt, không đo được "
            f"{words.count(starts.unmeasured)} lượt",
        ),
        (
            section,
            "Lệch giờ bắt đầu, 99 % số lượt không quá (ms)",
            None if most is None else Typed("count", most),
            "",
        ),
        (
            section,
            "Cụm loa mất điện lưới, trên thời gian biết được",
            None if zones.share is None else Typed("share", zones.share),
            "" if zones.share is None else f"{words.hours(zones.without_ms)} giờ cụm",
        ),
        (section, "Lượt thiếu bản ngôn ngữ", Typed("count", missing), "xem Thiếu bản ngôn ngữ"),
    ]


def _share(value: object) -> Typed | None:
    return Typed("share", value) if isinstance(value, float) else None


def _int(value: object) -> int:
    return value if isinstance(value, int) else 0


def _ruled(report: Report) -> list[Row]:
    rows = [one for part in report.parts for one in part.rows]
    kept = sum(one.plays for one in rows if one.outcome == "skipped" and words.is_rule(one.reason))
    broken = sum(1 for part in report.parts for one in part.arrivals if one.broke)
    missed = report.timetable.reasons
    declared = sum(one.plays for one in rows if one.label.approval == "declared")
    return [
        ("Quy chế, duyệt", "Lượt quy chế không cho phát", Typed("count", kept), ""),
        (
            "Quy chế, duyệt",
            "Lần cảnh báo đến đài đã phá quy chế",
            Typed("count", broken),
            "khẩn cấp được phá, và được ghi lại",
        ),
        (
            "Quy chế, duyệt",
            "Lượt không phát vì chờ duyệt hoặc xã không duyệt",
            Typed("count", sum(missed["missed", code] for code in tables_events.APPROVALS)),
            "",
        ),
        (
            "Quy chế, duyệt",
            "Lượt duyệt theo khai báo",
            Typed("count", declared),
            "đài không kiểm chứng được",
        ),
    ]


def _covered(report: Report) -> list[Row]:
    if not report.registry.services:
        return []
    found = hamlets(report.registry, report.as_of)
    served = sum(one.is_served for one in found)
    when = f"theo sổ ngày {words.day(report.as_of)}"
    return [
        ("Độ phủ", "Số thôn", Typed("count", len(found)), when),
        ("Độ phủ", "Thôn được phục vụ", Typed("count", served), words.share_of(served, len(found))),
        ("Độ phủ", "Thôn chưa được phục vụ", Typed("count", len(found) - served), ""),
    ]


def _based(report: Report) -> list[Row]:
    found = [one for ranges in report.ranges.values() for one in ranges]
    missing = sum(one.missing for one in found)
    maybe = sum(one.maybe_missing for one in found)
    doubtful = sorted({one.stream.station for one in found if one.chain.in_doubt})
    undelivered = sum(one.undelivered for one in found)
    broken = [one.stream.station for one in found if one.chain.state == "broken"]
    signed = sum(one.chain.state == "signed" for one in found)
    chain = (
        "chưa kiểm" if not report.checked else f"{words.count(signed)}/{words.count(len(found))}"
    )
    return [
        ("Phạm vi", "Bản ghi đã dùng", Typed("count", sum(one.records for one in found)), ""),
        ("Phạm vi", "Bản ghi bị thiếu", Typed("count", missing), "xem Phạm vi dữ liệu"),
        (
            "Phạm vi",
            "Bản ghi có thể thiếu thêm ở mép kỳ (đến)",
            Typed("count", maybe),
            "xem Phạm vi dữ liệu" if maybe else "",
        ),
        (
            "Phạm vi",
            "Bản ghi đài nói đã ghi mà chưa có ở đây",
            Typed("count", undelivered),
            "có thể có phần thuộc kỳ này" if undelivered else "",
        ),
        ("Phạm vi", "Thẻ nhớ có chuỗi băm nguyên vẹn và đã ký", chain, ""),
        (
            "Phạm vi",
            "Chuỗi băm bị đứt",
            Typed("count", len(broken)) if report.checked else None,
            ", ".join(sorted(set(broken))),
        ),
        (
            "Phạm vi",
            "Đài có số liệu đáng ngờ (chuỗi, dòng số liệu hoặc khóa)",
            Typed("count", len(doubtful)) if report.checked else None,
            ", ".join(doubtful),
        ),
    ]
