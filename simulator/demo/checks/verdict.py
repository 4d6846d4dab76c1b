"""A failure, and how the place of one is named."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.demo.occurrences import Row


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong, in both languages. at_ms: when, if that is one moment."""

    vi: str
    en: str
    at_ms: float | None = None


def place(row: Row) -> str:
    return f"{row.expected.id} {row.expected.station}/{row.zone}"


def none_found(rows: list[Row], expected: str) -> list[Failure]:
    return [] if rows else [Failure(f"{expected}: không có lượt nào", f"{expected}: no occurrence")]


def repeated(row: Row) -> Failure:
    seconds = row.repeat_ms / 1000
    last = row.segments[-1].from_ms if row.segments else None
    return Failure(
        f"{place(row)}: {seconds:.1f} s phát hai lần",
        f"{place(row)}: {seconds:.1f} s played twice",
        last,
    )
