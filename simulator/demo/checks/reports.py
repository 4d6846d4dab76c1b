"""The stations' word: each record once, none that claims more or less than was heard."""

from __future__ import annotations

from simulator.demo.checks.playing import REPEAT_TOLERANCE_MS
from simulator.demo.checks.verdict import Failure, none_found, place, repeated
from simulator.demo.intent import LineOpenCheck, ReportsOnceCheck
from simulator.demo.occurrences import NOT_HEARD_MS, Evidence, Row

HONEST_TOLERANCE_MS = 1_500


def reports_once(evidence: Evidence, check: ReportsOnceCheck) -> list[Failure]:
    failures = []
    for row in evidence.rows:
        if check.expected and row.expected.id not in check.expected:
            continue
        if check.stations and row.expected.station not in check.stations:
            continue
        if not row.records:
            failures.append(
                Failure(
                    f"{place(row)}: mất bản ghi đã phát",
                    f"{place(row)}: the as-run record is lost",
                    row.expected.planned_start_ms,
                )
            )
        failures += _doubled(row)
    for station, missing in number_gaps(evidence).items():
        if missing and (not check.stations or station in check.stations):
            failures.append(
                Failure(
                    f"{station}: thiếu bản ghi số {_some(missing)}",
                    f"{station}: records {_some(missing)} never arrived",
                )
            )
    return failures


def line_open(evidence: Evidence, check: LineOpenCheck) -> list[Failure]:
    rows = [row for row in evidence.rows_of(check.expected) if row.zone == check.zone]
    failures = none_found(rows, check.expected)
    for row in rows:
        station = row.expected.station
        raised = [
            one
            for one in evidence.records
            if one.station == station
            and one.body.get("kind") == "alarm"
            and one.body.get("code") == check.code
            and one.body.get("subject") == check.zone
            and one.body.get("state") == "raised"
        ]
        if not raised:
            failures.append(
                Failure(
                    f"{place(row)}: không có báo động {check.code}",
                    f"{place(row)}: alarm {check.code} never arrived",
                )
            )
        if row.body.get("confirmed") != "no":
            said = row.body.get("confirmed")
            failures.append(
                Failure(
                    f"{place(row)}: bản ghi xác nhận là {said}, đáng lẽ là no",
                    f"{place(row)}: the record says confirmed {said}, not no",
                )
            )
    return failures


def honest(evidence: Evidence) -> list[Failure]:
    failures = []
    for row in evidence.rows:
        lie = _lie(row)
        if lie is not None:
            failures.append(lie)
    return failures


def nothing_else(evidence: Evidence) -> list[Failure]:
    failures = [
        repeated(row)
        for row in evidence.rows
        if row.repeat_ms > row.expected.may_repeat_ms + REPEAT_TOLERANCE_MS
    ]
    for stray in evidence.strays:
        seconds = (stray.to_ms - stray.from_ms) / 1000
        where = f"{stray.station}/{stray.zone}"
        if stray.expected:
            vi = f"{where}: nghe {seconds:.1f} s của {stray.expected}, không dành cho cụm này"
            en = f"{where}: {seconds:.1f} s of {stray.expected}, not meant for this zone"
        else:
            vi = f"{where}: nghe {seconds:.1f} s {stray.programme} ngoài kế hoạch"
            en = f"{where}: {seconds:.1f} s of {stray.programme} that nobody planned"
        failures.append(Failure(vi, en, stray.from_ms))
    return failures


def number_gaps(evidence: Evidence) -> dict[str, list[int]]:
    """Numbers missing between the first and last record of each station's streams."""
    streams: dict[tuple[str, str, str], set[int]] = {}
    for record in evidence.records:
        installation, stream, number = record.id
        streams.setdefault((record.station, installation, stream), set()).add(number)
    gaps: dict[str, list[int]] = {}
    for (station, _, _), numbers in streams.items():
        missing = sorted(set(range(min(numbers), max(numbers) + 1)) - numbers)
        gaps.setdefault(station, []).extend(missing)
    return gaps


def _some(numbers: list[int]) -> str:
    shown = ", ".join(str(one) for one in numbers[:5])
    return shown + (" …" if len(numbers) > 5 else "")


def _doubled(row: Row) -> list[Failure]:
    """Two records with different numbers about the same occurrence and zone."""
    seen: dict[str, int] = {}
    for record in row.records:
        nominal = str(record.body.get("occurrence", {}).get("nominal"))
        seen[nominal] = seen.get(nominal, 0) + 1
    return [
        Failure(
            f"{place(row)}: {count} bản ghi cho một lượt",
            f"{place(row)}: {count} records for one occurrence",
            row.expected.planned_start_ms,
        )
        for count in seen.values()
        if count > 1
    ]


def _lie(row: Row) -> Failure | None:
    """Where the record claims more, or less, than was heard."""
    body, where = row.body, place(row)
    if not body or row.expected.programme is None:
        return None
    outcome, confirmed = body.get("outcome"), body.get("confirmed")
    heard_s = row.heard_ms / 1000
    at_ms = row.expected.planned_start_ms
    if outcome == "skipped" and row.heard_ms > NOT_HEARD_MS:
        return Failure(
            f"{where}: ghi là không phát nhưng nghe được {heard_s:.1f} s",
            f"{where}: reported as skipped, yet {heard_s:.1f} s were heard",
            at_ms,
        )
    if confirmed != "yes":
        return None
    missing_ms = row.length_ms - row.heard_ms
    if outcome == "played" and missing_ms > max(HONEST_TOLERANCE_MS, 0.1 * row.length_ms):
        return Failure(
            f"{where}: ghi là phát đủ và có tiếng, chỉ nghe {heard_s:.1f} s",
            f"{where}: reported as played and confirmed, only {heard_s:.1f} s were heard",
            at_ms,
        )
    if outcome == "partial" and row.heard_ms <= NOT_HEARD_MS:
        return Failure(
            f"{where}: ghi là có tiếng nhưng không nghe gì",
            f"{where}: reported as confirmed, nothing was heard",
            at_ms,
        )
    return None
