"""Programmes: heard wholly, at their second, in step, giving way and coming back."""

from __future__ import annotations

import itertools

from simulator.demo.checks.verdict import Failure, none_found, place, repeated
from simulator.demo.intent import ContinuesCheck, InStepCheck, PreemptsCheck
from simulator.demo.occurrences import NOT_HEARD_MS, Evidence, Row, Segment

REPEAT_TOLERANCE_MS = 500


def plays(
    evidence: Evidence, expected: tuple[str, ...], share: float, zones: tuple[str, ...] = ()
) -> list[Failure]:
    failures = []
    for one in expected:
        rows = [row for row in evidence.rows_of(one) if not zones or row.zone in zones]
        if not rows:
            failures.append(Failure(f"{one}: không có lượt nào", f"{one}: no such occurrence"))
        for row in rows:
            failures += row_played(row, share)
    return failures


def row_played(row: Row, share: float) -> list[Failure]:
    where = place(row)
    if row.heard_share < share:
        heard, length = row.heard_ms / 1000, row.length_ms / 1000
        return [
            Failure(
                f"{where}: chỉ nghe được {heard:.1f}/{length:.1f} s",
                f"{where}: only {heard:.1f} of {length:.1f} s were heard",
            )
        ]
    if row.repeat_ms > row.expected.may_repeat_ms + REPEAT_TOLERANCE_MS:
        return [repeated(row)]
    if not row.body:
        return [Failure(f"{where}: không có bản ghi đã phát", f"{where}: no as-run record")]
    return []


def in_step(evidence: Evidence, check: InStepCheck) -> list[Failure]:
    rows = [row for one in check.expected for row in evidence.rows_of(one)]
    failures = [
        Failure(f"{one}: không có lượt nào", f"{one}: no such occurrence")
        for one in check.expected
        if not evidence.rows_of(one)
    ]
    for row in rows:
        if f"{row.expected.station}/{row.zone}" not in check.interrupted:
            failures += row_played(row, check.heard_share)
            failures += _gap_failures(row, check.max_gap_ms)
        failures += _start_failures(row, check.max_start_error_ms)
    return failures + _spread_failures(rows, check.max_spread_ms)


def _gap_failures(row: Row, bound_ms: float) -> list[Failure]:
    for one, then in itertools.pairwise(row.segments):
        gap_ms = then.from_ms - one.to_ms
        if gap_ms > bound_ms:
            return [
                Failure(
                    f"{place(row)}: hụt tiếng {gap_ms:.0f} ms",
                    f"{place(row)}: a gap of {gap_ms:.0f} ms",
                    one.to_ms,
                )
            ]
    return []


def _spread_failures(rows: list[Row], bound_ms: float) -> list[Failure]:
    """How far the stations are apart that were to start the same item at the same second."""
    starts: dict[tuple[str, int], list[tuple[float, str]]] = {}
    for row in rows:
        if row.measured_start_ms is not None:
            key = (row.expected.entry, row.expected.planned_start_ms)
            starts.setdefault(key, []).append((row.measured_start_ms, row.expected.station))
    failures = []
    for (entry, _), heard in starts.items():
        (first, early), (last, late) = min(heard), max(heard)
        if last - first > bound_ms:
            failures.append(
                Failure(
                    f"{entry}: {late} chậm hơn {early} {last - first:.1f} ms",
                    f"{entry}: {late} is {last - first:.1f} ms behind {early}",
                )
            )
    return failures


def preempts(evidence: Evidence, check: PreemptsCheck) -> list[Failure]:
    failures = plays(evidence, (check.by,), 0.95)
    by_rows = evidence.rows_of(check.by)
    for row in by_rows:
        failures += _start_failures(row, check.max_start_error_ms)
    if failures or not by_rows or not by_rows[0].segments:
        return failures or [Failure(f"{check.by}: không nghe được", f"{check.by}: not heard")]
    from_ms = by_rows[0].segments[0].from_ms
    to_ms = by_rows[0].segments[-1].to_ms
    for row in evidence.rows_of(check.over):
        if row.zone in by_rows[0].expected.zones:
            failures += _gave_way(row, from_ms, to_ms, check)
        else:
            failures += _went_on(row, from_ms, to_ms, check.max_gap_elsewhere_ms)
    return failures


def continues(evidence: Evidence, check: ContinuesCheck) -> list[Failure]:
    failures = []
    rows = evidence.rows_of(check.expected)
    for row in rows:
        before = [one for one in row.segments if one.from_ms < check.killed_at_ms]
        after = [one for one in row.segments if one.from_ms >= check.killed_at_ms]
        if before and before[-1].to_ms > check.killed_at_ms + check.max_gap_ms:
            continue  # the sound never stopped
        if not before or not after:
            failures.append(
                Failure(
                    f"{place(row)}: không phát tiếp sau khi bị ngắt",
                    f"{place(row)}: did not go on after the kill",
                )
            )
            continue
        failures += _resumed(row, before[-1], after[0], check)
    return failures or none_found(rows, check.expected)


def _start_failures(row: Row, bound_ms: float) -> list[Failure]:
    error = row.start_error_ms
    if error is None:
        return [Failure(f"{place(row)}: không nghe được", f"{place(row)}: not heard")]
    if abs(error) <= bound_ms:
        return []
    return [
        Failure(
            f"{place(row)}: bắt đầu lệch {error:+.1f} ms (cho phép {bound_ms:.0f})",
            f"{place(row)}: started {error:+.1f} ms off (bound {bound_ms:.0f})",
            row.measured_start_ms,
        )
    ]


def _gave_way(row: Row, from_ms: float, to_ms: float, check: PreemptsCheck) -> list[Failure]:
    """Silent while the other played, then back at the right place."""
    where = place(row)
    during = sum(
        max(0.0, min(one.to_ms, to_ms) - max(one.from_ms, from_ms)) for one in row.segments
    )
    if during > NOT_HEARD_MS:
        return [
            Failure(
                f"{where}: vẫn phát khi {check.by} chen vào",
                f"{where}: went on while {check.by} broke in",
                from_ms,
            )
        ]
    before = [one for one in row.segments if one.from_ms < from_ms]
    after = [one for one in row.segments if one.from_ms >= to_ms - NOT_HEARD_MS]
    if check.resume == "drop":
        return [Failure(f"{where}: lẽ ra bỏ hẳn", f"{where}: came back", to_ms)] if after else []
    if not before or not after:
        return [Failure(f"{where}: không phát tiếp", f"{where}: did not come back", to_ms)]
    return _position_failures(row, before[-1], after[0], check.resume, check.max_position_error_ms)


def _went_on(row: Row, from_ms: float, to_ms: float, bound_ms: float) -> list[Failure]:
    """No gap in this zone around the interruption elsewhere."""
    near = [
        one for one in row.segments if one.to_ms > from_ms - 1_000 and one.from_ms < to_ms + 1_000
    ]
    if not near or near[0].from_ms > from_ms or near[-1].to_ms < min(to_ms, row.planned_end_ms):
        return [
            Failure(
                f"{place(row)}: bị ngắt theo cụm khác",
                f"{place(row)}: was interrupted with the other zone",
                from_ms,
            )
        ]
    gaps = [then.from_ms - one.to_ms for one, then in itertools.pairwise(near)]
    if max(gaps, default=0.0) <= bound_ms:
        return []
    return [
        Failure(
            f"{place(row)}: hụt tiếng {max(gaps):.0f} ms",
            f"{place(row)}: a gap of {max(gaps):.0f} ms",
            from_ms,
        )
    ]


def _resumed(row: Row, before: Segment, after: Segment, check: ContinuesCheck) -> list[Failure]:
    gap_ms = after.from_ms - before.to_ms
    failures = _position_failures(row, before, after, check.resume, check.max_position_error_ms)
    if gap_ms > check.max_gap_ms:
        failures.append(
            Failure(
                f"{place(row)}: im {gap_ms / 1000:.1f} s sau khi bị ngắt",
                f"{place(row)}: silent for {gap_ms / 1000:.1f} s after the kill",
                before.to_ms,
            )
        )
    return failures


def _position_failures(
    row: Row, before: Segment, after: Segment, resume: str, bound_ms: float
) -> list[Failure]:
    """Rejoin: the same timeline as before. Continue: the next moment of the programme."""
    if resume == "rejoin":
        error = after.zero_ms - before.zero_ms
    else:
        error = before.end_position_ms - after.position_ms
    if abs(error) <= bound_ms:
        return []
    return [
        Failure(
            f"{place(row)}: phát tiếp sai chỗ {error:+.0f} ms",
            f"{place(row)}: went on {error:+.0f} ms off its place",
            after.from_ms,
        )
    ]
