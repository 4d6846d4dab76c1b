"""Tables of what happened beside the timetable: warnings, faults, rules of the air, approvals."""

from __future__ import annotations

from collections import Counter

from simulator.source_system.report import words
from simulator.source_system.report.emergencies import (
    HEARD,
    SILENT,
    UNMEASURED,
    Arrival,
    speed,
)
from simulator.source_system.report.episodes import Episode
from simulator.source_system.report.figures import EMERGENCY, Result, Tally, result_of
from simulator.source_system.report.gather import Part, Report
from simulator.source_system.report.sheet import Column, Row, Sheet
from simulator.source_system.report.tables_plays import named

PAGE_EPISODES = 40
TAB_EPISODES = 5_000
APPROVALS = ("awaiting_approval", "not_approved")


# --- warnings -------------------------------------------------------------------------------

_EMERGENCY = (
    Column("Mã cảnh báo", "warning", width=14, brief=True),
    Column("Nội dung", "title", width=28, brief=True),
    Column("Diễn tập", "drill", width=10),
    Column("Mã đài", "station", width=10),
    Column("Đài", "name", width=22, brief=True),
    Column("Ban hành", "issued", "moment"),
    Column("Đài nhận", "received", "moment"),
    Column("Ra tiếng đầu tiên", "first_sound", "moment"),
    Column("Từ nhận đến ra tiếng (giây)", "receipt_to_sound_s", "seconds", width=14, brief=True),
    Column("Từ ban hành đến ra tiếng (giây)", "issue_to_sound_s", "seconds", width=14),
    Column("Số lần phát", "plays", "count"),
    Column("Số cụm", "zones", "count", brief=True),
    Column("Đo có tiếng", "zones_heard", "count", brief=True),
    Column("Không đo được", "zones_unmeasured", "count", brief=True),
    Column("Không có tiếng", "zones_silent", "count", brief=True),
    Column("Quy chế bị phá", "rules_broken", width=34),
)


def emergencies(report: Report) -> Sheet:
    names = {part.slice.unit.station: part.slice.unit.name for part in report.parts}
    found = [one for part in report.parts for one in part.arrivals]
    found.sort(key=lambda one: (one.issued_ms or one.received_ms or one.first_ms or 0, one.station))
    rows = [_arrival(one, names[one.station]) for one in found]
    notes = [
        "Thời gian đến khi ra tiếng tính theo đồng hồ của đài, từ lúc đài nhận đến mẫu âm thanh "
        "đầu tiên rời máy. Số cụm là kết quả tốt nhất đạt được ở mỗi cụm qua các lần phát."
    ]
    if not report.has_ledger:
        notes.append(
            "Không có sổ phát hành của hệ thống nguồn: giờ ban hành và diễn tập hay thật đều không "
            "rõ; cảnh báo không rõ được tính là thật."
        )
    return Sheet("khan-cap", "Khẩn cấp", "Emergencies", _EMERGENCY, rows, None, notes, page_rows=60)


def _arrival(one: Arrival, name: str) -> Row:
    drill = None if one.drill is None else "diễn tập" if one.drill else "thật"
    return (
        one.id,
        one.title,
        drill,
        one.station,
        name,
        one.issued_ms,
        one.received_ms,
        one.first_ms if one.first_ms is not None else "không ra tiếng",
        one.sound_ms if one.first_ms is not None else words.NOTHING,
        one.issue_to_sound_ms if one.first_ms is not None else words.NOTHING,
        one.plays,
        len(one.zones),
        one.count(HEARD),
        one.count(UNMEASURED),
        one.count(SILENT),
        _broken(one),
    )


def _broken(one: Arrival) -> str | None:
    if one.first_ms is None:
        return words.NOTHING
    if one.broke is None:
        return None
    return "; ".join(sorted(words.reason(code) for code in one.broke)) or "không"


def emergencies_by_station(report: Report) -> Sheet:
    columns = (
        Column("Mã đài", "station", width=10),
        Column("Đài", "name", width=22, brief=True),
        Column("Cảnh báo nhận", "received", "count", brief=True),
        Column("Có ra tiếng", "sounded", "count", brief=True),
        Column("Trung vị (giây)", "median_s", "seconds", brief=True),
        Column("Chậm nhất (giây)", "worst_s", "seconds", brief=True),
        Column("Diễn tập", "drills", "count", brief=True),
    )
    rows: list[Row] = []
    for part in report.parts:
        real = [one for one in part.arrivals if not one.drill]
        drills = _drills(part.arrivals)
        rows.append((*named(report, part), *_speed(real), drills))
    everything = [one for part in report.parts for one in part.arrivals]
    total = ("Tổng", "", *_speed(report.emergencies), _drills(everything))
    return Sheet(
        "khan-cap-theo-dai", "Khẩn cấp theo đài", "Emergencies by station", columns, rows, total
    )


def _drills(found: list[Arrival]) -> int | None:
    """Not known as long as nobody knows of one of them whether it was a drill."""
    return (
        None if any(one.drill is None for one in found) else sum(bool(one.drill) for one in found)
    )


def _speed(found: list[Arrival]) -> Row:
    known = speed(found)
    median = words.NOTHING if known.median_ms is None else known.median_ms
    worst = words.NOTHING if known.worst_ms is None else known.worst_ms
    return (len(found), len(found) - known.silent, median, worst)


# --- faults ---------------------------------------------------------------------------------


def faults(report: Report) -> Sheet:
    columns = (
        Column("Mã đài", "station", width=10),
        Column("Đài", "name", width=22),
        Column("Sự cố", "alarm", width=34),
        Column("Bộ phận", "subject", width=18),
        Column("Bắt đầu", "from", "moment"),
        Column("Kết thúc", "to", "moment", width=22),
        Column("Kéo dài trong kỳ", "within", "length"),
        Column("Chi tiết", "detail", width=30),
    )
    rows: list[Row] = []
    total_ms = 0
    for part in report.parts:
        for one in part.episodes:
            within_ms = one.within_ms(part.slice.span, report.made_ms)
            total_ms += within_ms
            rows.append(
                (
                    *named(report, part),
                    words.alarm(one.code),
                    one.subject,
                    one.from_ms,
                    _ended(one, report),
                    within_ms,
                    one.detail,
                )
            )
    notes = [
        "“Chưa hết”: chưa có bản ghi kết thúc; thời gian tính đến hết kỳ hoặc lúc lập.",
        "“Không rõ: đã thay hộp”: hộp đã báo sự cố được thay trước khi báo hết, nên không ai biết "
        "hết lúc nào; thời gian tính nhiều nhất đến khi hộp mới lên mạng. Hộp mới tự báo nếu còn.",
    ]
    return Sheet(
        "su-co",
        "Sự cố",
        "Faults",
        columns,
        rows,
        ("Tổng", f"{words.count(len(rows))} sự cố", "", "", "", "", total_ms, ""),
        notes,
        page_rows=PAGE_EPISODES,
        tab_rows=TAB_EPISODES,
    )


def _ended(one: Episode, report: Report) -> int | str:
    if one.is_open:
        return "chưa hết"
    if one.to_ms is None:
        gone_ms = one.until_ms(report.made_ms)
        return f"không rõ: đã thay hộp {words.moment(gone_ms, report.window.tz)}"
    return one.to_ms


def faults_by_kind(report: Report) -> Sheet:
    columns = (
        Column("Sự cố", "alarm", width=34, brief=True),
        Column("Số lần", "episodes", "count", brief=True),
        Column("Số đài", "stations", "count", brief=True),
        Column("Chưa hết", "open", "count", brief=True),
        Column("Không rõ hết (thay hộp)", "end_unknown", "count", width=14),
        Column("Kéo dài trong kỳ", "within", "length", brief=True),
        Column("Lần dài nhất", "longest", "length"),
    )
    kinds: dict[str, list[tuple[int, Episode]]] = {}
    for part in report.parts:
        for one in part.episodes:
            within_ms = one.within_ms(part.slice.span, report.made_ms)
            kinds.setdefault(one.code, []).append((within_ms, one))
    rows: list[Row] = [
        (
            words.alarm(code),
            len(found),
            len({one.station for _, one in found}),
            sum(one.is_open for _, one in found),
            sum(one.to_ms is None and not one.is_open for _, one in found),
            sum(ms for ms, _ in found),
            max(ms for ms, _ in found),
        )
        for code, found in sorted(kinds.items(), key=lambda item: -len(item[1]))
    ]
    return Sheet("su-co-theo-loai", "Sự cố theo loại", "Faults by kind", columns, rows)


# --- rules and approvals --------------------------------------------------------------------


_RULES = (
    Column("Việc", "what", width=30, brief=True),
    Column("Quy định", "rule", width=36, brief=True),
    Column("Ghi trong quy chế, lệnh, cảnh báo", "text", width=44, brief=True),
    Column("Lượt", "plays", "count", brief=True),
    Column("Thời lượng", "time", "length"),
)


def rules_overall(report: Report) -> Sheet:
    """What the operating regulation kept from playing, and which emergencies went over it."""
    found: Counter[tuple[str, str, str]] = Counter()
    lengths: Counter[tuple[str, str, str]] = Counter()
    for part in report.parts:
        for key, (plays, length_ms) in _rules(part).items():
            found[key] += plays
            lengths[key] += length_ms
    rows: list[Row] = [
        (*_rule_row(key), found[key], lengths[key]) for key in sorted(found, reverse=True)
    ]
    kept = sum(plays for (what, _, _), plays in found.items() if what == KEPT)
    broken = sum(1 for part in report.parts for one in part.arrivals if one.broke)
    notes = [
        f"Quy chế giữ lại {words.count(kept)} lượt; {words.count(broken)} lần cảnh báo đến đài đã "
        "phá quy chế và được ghi lại. Thời lượng của lượt bị giữ là thời lượng theo lịch, của khẩn "
        "cấp là thời lượng đã phát."
    ]
    return Sheet("quy-che-chung", "Quy chế", "Rules of the air", _RULES, rows, None, notes)


def rules(report: Report) -> Sheet:
    """The same by station."""
    columns = (
        Column("Mã đài", "station", width=10),
        Column("Đài", "name", width=22, brief=True),
        *_RULES,
    )
    rows: list[Row] = []
    for part in report.parts:
        for key, (plays, length_ms) in sorted(_rules(part).items()):
            rows.append((*named(report, part), *_rule_row(key), plays, length_ms))
    return Sheet("quy-che", "Quy chế theo đài", "Rules by station", columns, rows)


def _rule_row(key: tuple[str, str, str]) -> Row:
    """What older software did not write down is not known."""
    what, rule, text = key
    return (what, rule, text or None)


KEPT = "Quy chế không cho phát"
BROKE = "Khẩn cấp phá quy chế"


def _rules(part: Part) -> dict[tuple[str, str, str], tuple[int, int]]:
    found: Counter[tuple[str, str, str]] = Counter()
    lengths: Counter[tuple[str, str, str]] = Counter()
    for one in part.rows:
        if one.outcome == "skipped" and words.is_rule(one.reason):
            key = (KEPT, words.reason(one.reason), one.label.rule)
            found[key] += one.plays
            lengths[key] += one.planned_ms
        if one.label.klass == EMERGENCY and one.outcome != "skipped":
            for code in one.label.went_over or ():
                key = (BROKE, words.reason(code), one.label.title)
                found[key] += one.plays
                lengths[key] += one.played_ms
    return {key: (number, lengths[key]) for key, number in found.items()}


def approvals(report: Report) -> Sheet:
    columns = (
        Column("Cách duyệt", "means", width=30, brief=True),
        Column("Đơn vị soạn", "authority", width=16, brief=True),
        Column("Số văn bản", "document_number", width=18, brief=True),
        Column("Người duyệt (xã, hoặc nơi gửi khai)", "approved_by", width=28),
        Column("Lượt", "plays", "count", brief=True),
        Column("Phát đủ", "played", "count", brief=True),
        Column("Chờ duyệt nên không phát", "awaiting", "count", brief=True),
        Column("Xã không duyệt", "refused", "count", brief=True),
    )
    grouped: dict[tuple[str, str, str, str], Tally] = {}
    for part in report.parts:
        for one in part.rows:
            label = one.label
            if label.klass == EMERGENCY:
                continue
            key = (label.approval, label.authority, label.document_number, label.approved_by)
            grouped.setdefault(key, Tally()).add(one)
    rows: list[Row] = [
        (
            words.approval(means),
            authority,
            number,
            by,
            found.plays,
            found.results["played"],
            *(found.reasons[_MISSED, code] for code in APPROVALS),
        )
        for (means, authority, number, by), found in sorted(grouped.items())
    ]
    everything = report.timetable
    total: Row = (
        "Tổng",
        "",
        "",
        "",
        everything.plays,
        everything.results["played"],
        *(everything.reasons[_MISSED, code] for code in APPROVALS),
    )
    notes = [
        "“Theo khai báo”: chỉ có tên người duyệt và số văn bản do nơi gửi ghi, đài không kiểm "
        "chứng được."
    ]
    return Sheet("phe-duyet", "Phê duyệt", "Approvals", columns, rows, total, notes)


_MISSED: Result = result_of("skipped", "unknown")
