"""What a reader of a report has to know before its figures: what does not hold, what may lack.

Owns the wording, so that console, page and document say the same. Pure. Two weights: a doubt is
about something that was changed or that nobody's accepted key signed, and the report's exit code
says so; a note is about what is missing or was never compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from simulator.source_system.report import words
from simulator.source_system.report.gather import Report
from simulator.source_system.report.ranges import EdgeGap, Range
from simulator.source_system.said import Said

NAMED = 6
"""Stations named in one sentence."""

NUMBERED = 3
"""Records numbered in one."""


class Doubt(NamedTuple):
    """next: the command that shows more."""

    weight: Literal["doubt", "note"]
    text: Said
    next: str = ""


def doubts(report: Report) -> list[Doubt]:
    """The weighty ones first, station by station."""
    found = [one for ranges in report.ranges.values() for one in ranges]
    heavy = [told for one in found for told in _doubts(one)]
    return [*heavy, *_notes(report, found)]


def in_doubt(report: Report) -> bool:
    return any(one.weight == "doubt" for one in doubts(report))


def _doubts(one: Range) -> Iterator[Doubt]:
    station, chain = one.stream.station, one.chain
    if chain.broken_at or chain.bad_signatures:
        yield _doubt(
            f"{station}: chuỗi băm BỊ ĐỨT, bản ghi đã bị sửa, thêm hoặc bớt",
            f"{station}: its chain is BROKEN, records were changed, added or taken out",
            f"districtctl records verify --station {station}",
        )
    if chain.misplaced:
        numbers = few(chain.misplaced)
        yield _doubt(
            f"{station}: giờ hoặc loại lưu cạnh bản ghi KHÔNG KHỚP nội dung đã ký ({numbers})",
            f"{station}: what is kept beside records DIFFERS from what was signed ({numbers})",
            f"districtctl records verify --station {station}",
        )
    if chain.changed:
        count = words.count(chain.changed)
        yield Doubt(
            "doubt",
            Said(
                f"{station}: {count} dòng số liệu KHÔNG KHỚP bản ghi của đài; số liệu của đài này "
                "không dùng được, hãy lập lại với --anew",
                f"{station}: {count} counted rows DIFFER from the station's records; do not use "
                "its figures, report again with --anew",
            ),
        )
    if chain.unknown_keys:
        keys = ", ".join(sorted(chain.unknown_keys))
        yield _doubt(
            f"{station}: ký bằng khóa CHƯA ĐƯỢC CHẤP NHẬN ({keys}), không coi là chữ ký của đài",
            f"{station}: signed with a key that was NOT ACCEPTED ({keys}), not the station's word",
            f"districtctl records keys --station {station}",
        )


def _doubt(vi: str, en: str, command: str) -> Doubt:
    return Doubt("doubt", Said(vi, en), command)


def _notes(report: Report, found: list[Range]) -> Iterator[Doubt]:
    maybe = sum(one.maybe_missing for one in found)
    if maybe:
        where = "; ".join(
            f"{one.stream.station} {edge_told(gap, report)}" for one in found for gap in one.edges
        )
        yield Doubt(
            "note",
            Said(
                f"có thể thiếu thêm, đến {words.count(maybe)} bản ghi ở mép kỳ: {where}",
                f"up to {words.count(maybe)} more may be missing at the edge of the window: "
                f"{where}",
            ),
        )
    seen = sorted({one.stream.station for one in found if one.chain.first_seen})
    if seen:
        named = ", ".join(seen[:NAMED]) + (" …" if len(seen) > NAMED else "")
        yield Doubt(
            "note",
            Said(
                f"{words.count(len(seen))} đài ký bằng khóa chỉ mới thấy lần đầu, chưa ai so vân "
                f"tay: {named}",
                f"{words.count(len(seen))} stations sign with a key that was only seen first and "
                f"compared by nobody: {named}",
            ),
            "districtctl records keys",
        )


def edge_told(gap: EdgeGap, report: Report) -> str:
    """`3000–3999 (02/11/2026 11:05 → 08/11/2026 16:55)`."""
    tz = report.window.tz
    ends = (
        words.UNKNOWN if at_ms is None else words.moment(at_ms, tz)
        for at_ms in (gap.from_ms, gap.to_ms)
    )
    return f"{numbers_told(gap)} ({' → '.join(ends)})"


def few(numbers: list[int]) -> str:
    """3, 4, 5 …"""
    return ", ".join(str(one) for one in numbers[:NUMBERED]) + (
        " …" if len(numbers) > NUMBERED else ""
    )


def numbers_told(gap: EdgeGap) -> str:
    return f"{gap.from_seq}" if gap.records == 1 else f"{gap.from_seq}–{gap.to_seq}"
