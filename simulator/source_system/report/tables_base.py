"""Tables of what a report rests on: the records' range, links and data, coverage and assets."""

from __future__ import annotations

import datetime as dt

from simulator.source_system.report import words
from simulator.source_system.report.doubts import few, numbers_told
from simulator.source_system.report.figures import Tally, share
from simulator.source_system.report.gather import Part, Report
from simulator.source_system.report.presence import Presence, Span, merged
from simulator.source_system.report.ranges import GAPS_SHOWN, Range
from simulator.source_system.report.registry import TECHNOLOGIES, Hamlet, hamlets, on
from simulator.source_system.report.sheet import Column, Row, Sheet, Value
from simulator.source_system.report.tables_plays import (
    day_number,
    identified,
    identity,
    loudness,
)
from simulator.source_system.report.window import day_of

DAYS_SHOWN = 4
NO_RECORDS = "không có bản ghi"

# --- which records --------------------------------------------------------------------------


def ranges(report: Report) -> Sheet:
    edges = any(one.edges for found in report.ranges.values() for one in found)
    columns = (
        Column("Mã đài", "station", width=10),
        Column("Đài", "name", width=22, brief=True),
        Column("Có", "records", "count", brief=True),
        Column("Thiếu", "missing", "count", brief=True),
        Column("Có thể thiếu thêm ở mép kỳ (đến)", "maybe_missing", "count", brief=edges),
        Column("Chuỗi băm", "chain", width=30, brief=True),
        Column("Đã ký đến số", "signed_through", "count"),
        Column("Từ số", "first_seq", "count", brief=True),
        Column("Đến số", "last_seq", "count", brief=True),
        Column("Bản ghi đầu", "first", "moment"),
        Column("Bản ghi cuối", "last", "moment", brief=True),
        Column("Ngày không có lượt nào", "empty_days", "count"),
        Column("Những ngày đó", "which_days", width=34),
        Column("Số bị thiếu", "gaps", width=30),
        Column("Đài không còn", "lost", "count"),
        Column("Đã ghi, chưa gửi đến", "undelivered", "count"),
        Column("Ghi trùng lượt", "doubled", "count"),
        Column("Không đọc được", "unread", "count"),
        Column("Thẻ nhớ", "installation", width=20),
        Column("Vân tay khóa", "keys", width=20),
    )
    names = {part.slice.unit.station: part.slice.unit.name for part in report.parts}
    rows: list[Row] = []
    for station, found in report.ranges.items():
        empty = _empty_days(report, station)
        head, days = (station, names[station]), (len(empty), _days(empty))
        told = [_range(one, days) for one in found] or [_no_range(days)]
        rows += [(*head, *one) for one in told]
    everything = [one for found in report.ranges.values() for one in found]
    total: Row = (
        "Tổng",
        "",
        sum(one.records for one in everything),
        sum(one.missing for one in everything),
        sum(one.maybe_missing for one in everything),
        *("" for _ in range(9)),
        sum(one.lost for one in everything),
        sum(one.undelivered for one in everything),
        sum(one.doubled for one in everything),
        sum(one.unread for one in everything),
        "",
        "",
    )
    return Sheet(
        "pham-vi-du-lieu", "Phạm vi dữ liệu", "Range of records", columns, rows, total,
        _range_notes(report),
    )  # fmt: skip


def _range_notes(report: Report) -> list[str]:
    notes = [
        "Báo cáo chỉ dựa trên các bản ghi nêu ở đây, giữa số đầu và số cuối của từng thẻ nhớ. Điều "
        "xảy ra mà đài không ghi hoặc chưa gửi được thì báo cáo không biết. “Ngày không có lượt "
        "nào”: không có bản ghi về lượt phát của ngày đó, nên không rõ đã phát hay chưa. “Đã ghi, "
        "chưa gửi đến”: đài nói đã ghi đến số lớn hơn số cuối ở đây; có thể có phần thuộc kỳ này. "
        "“Mép kỳ”: số bị thiếu ngay trước hoặc sau kỳ; giờ của chúng không rõ nên một phần hay tất "
        "cả có thể thuộc kỳ này."
    ]
    if report.checked:
        notes.append(
            "Chuỗi băm được kiểm lại trên nguyên văn bản ghi khi lập báo cáo; từng dòng số liệu về "
            "lượt phát, giờ và loại của bản ghi được so với nguyên văn. “Đã ký đến số”: đến đó có "
            "chữ ký của đài; vân tay khóa phải được đối chiếu tại đài (stationctl doctor). Kết "
            "nối, dung lượng và điện lưới là điều máy thu ghi lại, không ai ký."
        )
    else:
        notes.append(
            "Chuỗi băm CHƯA được kiểm khi lập báo cáo này (--no-check), số liệu chưa được so với "
            "nguyên văn bản ghi."
        )
    if report.anew:
        notes.append("Mọi con số được dựng lại từ nguyên văn bản ghi khi lập báo cáo này (--anew).")
    if report.unfinished:
        notes.append(
            f"Kỳ chưa kết thúc: số liệu đến {words.moment(report.made_ms, report.window.tz)}."
        )
    twice = report.counters.get("duplicates", 0)
    conflicts = report.counters.get("conflicts", 0)
    notes.append(
        f"Từ khi có cơ sở dữ liệu: {words.count(twice)} bản ghi gửi lặp đã bị loại, "
        f"{words.count(conflicts)} bản ghi khác nội dung cùng số."
    )
    return notes


def _no_range(days: Row) -> Row:
    nothing = (words.NOTHING,) * 5
    return (0, None, None, NO_RECORDS, *nothing, *days, "", 0, None, 0, 0, "", "")


def _range(one: Range, days: Row) -> Row:
    return (
        one.records,
        one.missing if one.first_seq else None,
        one.maybe_missing,
        _chain(one),
        min(one.chain.signed_through, one.last_seq) or words.NOTHING,
        one.first_seq or words.NOTHING,
        one.last_seq or words.NOTHING,
        words.NOTHING if one.first_ms is None else one.first_ms,
        words.NOTHING if one.last_ms is None else one.last_ms,
        *days,
        gaps_told(one),
        one.lost,
        one.undelivered,
        one.doubled,
        one.unread,
        one.stream.installation,
        ", ".join(sorted(one.chain.keys)),
    )


def gaps_told(one: Range) -> str:
    """The missing numbers: 12, 40–43; those next to the window are marked."""
    gaps = [
        f"{gap.from_seq}" if gap.records == 1 else f"{gap.from_seq}–{gap.to_seq}"
        for gap in one.gaps[:GAPS_SHOWN]
    ]
    more = len(one.gaps) - len(gaps)
    shown = ", ".join(gaps) + (f" … và {more} chỗ nữa" if more else "")
    edges = [f"mép kỳ {numbers_told(gap)}" for gap in one.edges]
    return "; ".join(part for part in (shown, *edges) if part)


def _chain(one: Range) -> str:
    chain = words.CHAIN[one.chain.state] if one.first_seq else NO_RECORDS
    if one.chain.first_seen and one.chain.state == "signed":
        chain = "nguyên vẹn, có chữ ký"
    if one.chain.state == "broken":
        where = sorted({*one.chain.broken_at, *one.chain.bad_signatures})
        chain += f" tại {', '.join(str(seq) for seq in where[:3])}"
    elif one.chain.unchained and one.chain.state != "none":
        chain += f"; {words.count(one.chain.unchained)} bản ghi cũ chưa có chuỗi"
    if one.chain.unknown_keys:
        chain += "; khóa CHƯA ĐƯỢC CHẤP NHẬN"
    if one.chain.first_seen:
        chain += "; khóa mới thấy lần đầu, chưa ai so vân tay"
    if one.chain.misplaced:
        chain += f"; giờ hoặc loại KHÔNG KHỚP bản ghi tại {few(one.chain.misplaced)}"
    if one.chain.changed:
        chain += f"; {words.count(one.chain.changed)} dòng số liệu KHÔNG KHỚP bản ghi"
    if one.on_arrival:
        chain += f"; khi nhận: {', '.join(words.finding(kind) for kind in one.on_arrival)}"
    return chain


def _empty_days(report: Report, station: str) -> list[dt.date]:
    """Local days, up to now, of which no as-run record speaks."""
    told = {
        one.day for part in report.parts if part.slice.unit.station == station for one in part.days
    }
    last = min(report.window.last, day_of(report.until_ms - 1, report.window.tz))
    count = (last - report.window.first).days + 1
    days = (report.window.first + dt.timedelta(number) for number in range(count))
    return [day for day in days if day_number(day) not in told]


def _days(found: list[dt.date]) -> str:
    """As stretches: 03/05–07/05/2026."""
    stretches: list[tuple[dt.date, dt.date]] = []
    for day in found:
        if stretches and day - stretches[-1][1] == dt.timedelta(1):
            stretches[-1] = (stretches[-1][0], day)
        else:
            stretches.append((day, day))
    shown = [
        words.day(first) if first == last else f"{words.day(first)}–{words.day(last)}"
        for first, last in stretches[:DAYS_SHOWN]
    ]
    more = len(stretches) - len(shown)
    return ", ".join(shown) + (f" … và {more} đợt nữa" if more else "")


# --- links, data, loudness ------------------------------------------------------------------


def running(report: Report) -> Sheet:
    columns = (
        *identity(report),
        Column("Kết nối, trên thời gian biết", "connected", "share", width=15, brief=True),
        Column("Thời gian biết", "known", "share", brief=True),
        Column("Mất liên lạc", "lost", "length"),
        Column("Số lần mất", "losses", "count", brief=True),
        Column("Lần dài nhất", "longest", "length", brief=True),
        Column("Khởi động", "births", "count"),
        Column("Dữ liệu, ít nhất (MiB)", "data_mib", "mib", brief=True),
        Column("Đọc từ", "data_from", "moment"),
        Column("Đọc đến", "data_to", "moment"),
        Column("Âm lượng", "volume", width=10),
        Column("Mức TB (dBFS)", "level_mean_dbfs", "level"),
        Column("Mức to nhất (dBFS)", "level_max_dbfs", "level"),
        Column("Sự cố", "faults", "count", brief=True),
        Column("Thời gian có sự cố", "fault_time", "length"),
    )
    rows = [_running(report, part) for part in report.parts]
    connected_ms = sum(part.presence.connected_ms for part in report.parts)
    lost_ms = sum(part.presence.lost_ms for part in report.parts)
    unknown_ms = sum(part.presence.unknown_ms for part in report.parts)
    used = [part.data.mib for part in report.parts if part.data is not None]
    total = (
        "Tổng",
        *("" for _ in identity(report)[1:]),
        share(connected_ms, connected_ms + lost_ms),
        share(connected_ms + lost_ms, connected_ms + lost_ms + unknown_ms),
        lost_ms,
        sum(part.presence.losses for part in report.parts),
        max((part.presence.longest_ms for part in report.parts), default=0),
        sum(part.births for part in report.parts),
        sum(used) if used else None,
        "", "",
        *loudness(report.timetable),
        sum(len(part.episodes) for part in report.parts),
        "",
    )  # fmt: skip
    notes = [
        "Kết nối tính theo tín hiệu định kỳ và tin có mạng, mất mạng mà hệ thống nguồn nhận được; "
        "khi hệ thống nguồn không nghe thì không rõ. Mất liên lạc không có nghĩa là đài không "
        "phát: đài vẫn phát theo lịch đã nhận.",
        "Dữ liệu cộng từ bộ đếm tháng do đài báo, giữa lần đọc đầu và lần đọc cuối.",
        words.DBFS,
    ]
    return Sheet("van-hanh", "Vận hành", "Running", columns, rows, total, notes)


def _running(report: Report, part: Part) -> Row:
    known = part.presence
    known_ms = known.connected_ms + known.lost_ms
    faulty = merged(_until(one.from_ms, one.ended_ms, report, part) for one in part.episodes)
    data = part.data
    return (
        *identified(report, part),
        share(known.connected_ms, known_ms),
        share(known_ms, known_ms + known.unknown_ms),
        known.lost_ms if known_ms else None,
        _losses(known, known_ms),
        known.longest_ms if known_ms else None,
        part.births,
        None if data is None else data.mib,
        None if data is None else data.first_ms,
        None if data is None else data.last_ms,
        *loudness(part.timetable),
        len(part.episodes),
        sum(one.length_ms for one in faulty),
    )


def _losses(known: Presence, known_ms: int) -> Value:
    return known.losses if known_ms else None


def _until(from_ms: int, to_ms: int | None, report: Report, part: Part) -> Span:
    span = part.slice.span
    end_ms = min(span.to_ms, report.made_ms if to_ms is None else to_ms)
    begin_ms = max(span.from_ms, from_ms)
    return Span(begin_ms, max(begin_ms, end_ms))


# --- coverage and assets --------------------------------------------------------------------


def coverage(report: Report) -> Sheet:
    columns = (
        Column("Mã thôn", "hamlet", width=12),
        Column("Thôn", "name", width=20, brief=True),
        Column("Mã đơn vị", "unit", width=10, brief=True),
        Column("Số hộ", "households", "count", brief=True),
        Column("Được phục vụ", "served", width=13, brief=True),
        Column("Công nghệ", "technology", width=16, brief=True),
        Column("Đài, cụm loa", "zones", width=34),
        Column("Vùng lõm sóng", "no_signal", width=13),
        Column("Thời lượng đã phát", "played_time", "length"),
        Column("Đo có tiếng", "measured_heard", "share"),
    )
    by_zone = _zone_tallies(report)
    found = hamlets(report.registry, report.as_of)
    rows = [_hamlet(one, by_zone) for one in found]
    served = [one for one in found if one.is_served]
    unserved = [one for one in found if not one.is_served]
    technologies = ", ".join(
        f"{name} {words.count(sum(key in {way.technology for way in one.ways} for one in found))}"
        for key, name in TECHNOLOGIES.items()
        if key != "none"
    )
    notes = [
        f"Ngày {words.day(report.as_of)}: {words.count(len(found))} thôn, "
        f"{words.count(len(served))} được phục vụ, {words.count(len(unserved))} chưa. "
        f"Theo công nghệ (thôn có nhiều loại tính nhiều lần): {technologies}."
    ]
    if unserved:
        names = ", ".join(f"{one.name} ({one.unit or one.code})" for one in unserved[:12])
        more = f" … và {len(unserved) - 12} thôn nữa" if len(unserved) > 12 else ""
        notes.append(f"Chưa được phục vụ: {names}{more}.")
    return Sheet("do-phu", "Độ phủ", "Coverage", columns, rows, None, notes, page_rows=80)


def _zone_tallies(report: Report) -> dict[tuple[str, str], Tally]:
    found: dict[tuple[str, str], Tally] = {}
    for part in report.parts:
        for zone, mine in part.by_zone.items():
            found.setdefault((part.slice.unit.station, zone), Tally()).join(mine)
    return found


def _hamlet(one: Hamlet, by_zone: dict[tuple[str, str], Tally]) -> Row:
    heard = Tally()
    for way in one.ways:
        heard.join(by_zone.get((way.station, way.zone), Tally()))
    told = any((way.station, way.zone) in by_zone for way in one.ways)
    ways = [f"{way.station} {way.zone}".strip() for way in one.ways if way.station]
    signal = None if one.no_signal is None else "có" if one.no_signal else "không"
    return (
        one.code,
        one.name,
        one.unit,
        one.households,
        "có" if one.is_served else "CHƯA",
        ", ".join(dict.fromkeys(TECHNOLOGIES[way.technology] for way in one.ways)),
        "; ".join(ways),
        signal,
        heard.played_ms if told else words.NOTHING,
        heard.heard_share if told else words.NOTHING,
    )


def boards(report: Report) -> Sheet:
    columns = (
        Column("Mã bảng", "board", width=12),
        Column("Vị trí", "place", width=34),
        Column("Mã đơn vị", "unit", width=10),
        Column("Kết nối hệ thống nguồn", "connected", width=15),
    )
    rows: list[Row] = [
        (
            one.code,
            one.place,
            one.unit,
            None if one.connected is None else "có" if one.connected else "không",
        )
        for one in on(report.as_of, report.registry.boards)
    ]
    return Sheet("bang-tin", "Bảng tin điện tử", "Boards", columns, rows)


def assets(report: Report) -> Sheet:
    columns = (
        Column("Số sê-ri", "serial", width=14),
        Column("Loại", "kind", width=24),
        Column("Mã đài", "station", width=10),
        Column("Bộ phận", "part", width=18),
        Column("Ngày lắp", "installed", "day"),
        Column("Tuổi (năm)", "age_years", "years"),
        Column("Khấu hao (năm)", "life_years", "count"),
        Column("Quá khấu hao", "past_life", width=13),
        Column("Sự cố trong kỳ", "faults", "count"),
        Column("Kéo dài", "fault_time", "length"),
        Column("Ghi chú", "note", width=24),
    )
    rows: list[Row] = []
    for one in on(report.as_of, report.registry.assets):
        mine = [
            episode.within_ms(part.slice.span, report.made_ms)
            for part in report.parts
            for episode in part.episodes
            if one.part and (episode.station, episode.subject) == (one.station, one.part)
        ]
        past = one.is_past_life(report.as_of)
        rows.append(
            (
                one.serial,
                one.kind,
                one.station,
                one.part,
                one.installed,
                one.age_years(report.as_of),
                one.life_years,
                None if past is None else "QUÁ HẠN" if past else "không",
                len(mine) if one.part else words.NOTHING,
                sum(mine) if one.part else words.NOTHING,
                one.note,
            )
        )
    notes = ["Sự cố của một tài sản là các đợt báo động của bộ phận ghi ở cột “Bộ phận”."]
    return Sheet("tai-san", "Tài sản", "Assets", columns, rows, None, notes, page_rows=60)
