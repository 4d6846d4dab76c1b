"""Who decided: approved by name and heard, kept back with its reason, a rule broken by a warning.

The recordings and the amplifiers' logs say what sounded; the station's records must say why.
"""

from __future__ import annotations

from simulator.demo.checks.emergencies import published, sounds_everywhere
from simulator.demo.checks.playing import plays
from simulator.demo.checks.verdict import Failure, none_found, place
from simulator.demo.intent import ApprovedCheck, BreaksRuleCheck, KeptBackCheck
from simulator.demo.occurrences import NOT_HEARD_MS, Evidence, Row

HEARD_SHARE = 0.95


def approved(evidence: Evidence, check: ApprovedCheck) -> list[Failure]:
    failures = plays(evidence, (check.expected,), HEARD_SHARE)
    for row in evidence.rows_of(check.expected):
        said = (row.body.get("approved_by"), row.body.get("approval"))
        if row.body and said != (check.by, check.means):
            failures.append(
                Failure(
                    f"{place(row)}: bản ghi ghi người duyệt là {said[0]} ({said[1]})",
                    f"{place(row)}: the record says approved by {said[0]} ({said[1]})",
                    row.expected.planned_start_ms,
                )
            )
    return failures + _decided(evidence, check)


def _decided(evidence: Evidence, check: ApprovedCheck) -> list[Failure]:
    """The station told of the decision before the sound."""
    expected = evidence.story.of(check.expected)
    told = [
        one
        for one in evidence.records
        if one.station == expected.station
        and one.body.get("kind") == "audit"
        and one.body.get("by") == check.by
        and one.body.get("means") == check.means
        and one.body.get("result") == "done"
        and expected.entry in str(one.body.get("detail"))
        and one.received_ms < expected.planned_start_ms
    ]
    if told:
        return []
    return [
        Failure(
            f"{expected.station}: không có bản ghi {check.by} đã duyệt {expected.entry} trước đó",
            f"{expected.station}: no record that {check.by} approved {expected.entry} beforehand",
        )
    ]


def kept_back(evidence: Evidence, check: KeptBackCheck) -> list[Failure]:
    rows = evidence.rows_of(check.expected)
    failures = none_found(rows, check.expected)
    for row in rows:
        failures += _sounded(evidence, row) + _misreported(row, check.rule_says)
    if check.elsewhere:
        failures += plays(evidence, check.elsewhere, HEARD_SHARE)
    return failures


def _sounded(evidence: Evidence, row: Row) -> list[Failure]:
    """The programme itself came out of this zone."""
    expected = row.expected
    heard = [
        one
        for one in evidence.strays
        if (one.station, one.zone, one.programme)
        == (expected.station, row.zone, expected.programme)
        and one.to_ms - one.from_ms > NOT_HEARD_MS
    ]
    return [
        Failure(
            f"{place(row)}: nghe được {(one.to_ms - one.from_ms) / 1000:.1f} s, đáng lẽ im",
            f"{place(row)}: {(one.to_ms - one.from_ms) / 1000:.1f} s were heard, not silence",
            one.from_ms,
        )
        for one in heard
    ]


def _misreported(row: Row, rule_says: str) -> list[Failure]:
    wanted = row.expected.kept_back
    said = (row.body.get("outcome"), row.body.get("reason"))
    if said != ("skipped", wanted):
        return [
            Failure(
                f"{place(row)}: bản ghi nói {said[0]}, {said[1]}, đáng lẽ skipped, {wanted}",
                f"{place(row)}: the record says {said[0]}, {said[1]}, not skipped, {wanted}",
                row.expected.planned_start_ms,
            )
        ]
    rule = str(row.body.get("rule", ""))
    if rule_says in rule:
        return []
    return [
        Failure(
            f"{place(row)}: bản ghi ghi quy định “{rule}”, không có “{rule_says}”",
            f"{place(row)}: the record names the rule “{rule}”, without “{rule_says}”",
            row.expected.planned_start_ms,
        )
    ]


def breaks_rule(evidence: Evidence, check: BreaksRuleCheck) -> list[Failure]:
    expected = evidence.story.of(check.expected)
    station = expected.station
    from_ms, until_ms = published(evidence, check.id, station)
    if from_ms is None:
        return [
            Failure(
                f"{station}: không thấy cảnh báo {check.id} trên mạng",
                f"{station}: warning {check.id} was never published",
            )
        ]
    failures = sounds_everywhere(
        evidence, station, check.tone_hz, from_ms, check.within_ms, until_ms, (check.zone,)
    )
    rows = [row for row in evidence.rows_of(check.expected) if row.zone == check.zone]
    failures += none_found(rows, check.expected)
    for row in rows:
        broke = row.body.get("broke") or []
        if check.rule not in broke:
            failures.append(
                Failure(
                    f"{place(row)}: bản ghi không nói đã phá {check.rule}, chỉ có {broke}",
                    f"{place(row)}: the record names {broke} as broken, not {check.rule}",
                    from_ms,
                )
            )
    return failures
