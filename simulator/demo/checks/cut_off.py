"""A station without network: it plays from its disk, and hears a missed warning afterwards."""

from __future__ import annotations

from simulator.demo.checks.emergencies import published, sounds_everywhere
from simulator.demo.checks.playing import plays
from simulator.demo.checks.verdict import Failure
from simulator.demo.intent import FromCacheCheck, LateWarningCheck
from simulator.demo.occurrences import Evidence

_EARLY_HEARD_MS = 100


def from_cache(evidence: Evidence, check: FromCacheCheck) -> list[Failure]:
    failures = plays(evidence, check.expected, check.heard_share)
    rows = [row for one in check.expected for row in evidence.rows_of(one)]
    if not rows:
        return failures
    from_ms = min(row.expected.planned_start_ms for row in rows)
    to_ms = max(row.planned_end_ms for row in rows)
    alive = [one for one in _signs_of_life(evidence, check.station) if from_ms <= one <= to_ms]
    if alive:
        failures.append(
            Failure(
                f"{check.station}: vẫn gửi tin trong lúc bị cắt mạng",
                f"{check.station}: still sent messages while cut off",
                alive[0],
            )
        )
    return failures


def late_warning(evidence: Evidence, check: LateWarningCheck) -> list[Failure]:
    station = check.station
    sent_ms, ended_ms = published(evidence, check.id, station)
    back_ms = None if sent_ms is None else _back_after(evidence, station, sent_ms)
    if sent_ms is None or back_ms is None:
        return [
            Failure(
                f"{station}: không thấy cảnh báo {check.id} hoặc lúc nối lại",
                f"{station}: warning {check.id} or the reconnection was not seen",
            )
        ]
    early = [
        one
        for zone in evidence.story.stations[station].zones
        for one in evidence.sounds(station, zone.name)
        if sent_ms < one.from_ms < back_ms - _EARLY_HEARD_MS
    ]
    if early:
        return [
            Failure(
                f"{station}: có tiếng trước khi nối lại, việc cắt mạng không thật",
                f"{station}: it sounded before the reconnection, so the cut was not real",
                early[0].from_ms,
            )
        ]
    return sounds_everywhere(evidence, station, check.tone_hz, back_ms, check.within_ms, ended_ms)


def _back_after(evidence: Evidence, station: str, from_ms: float) -> float | None:
    """When the station was first heard of again."""
    later = [one for one in _signs_of_life(evidence, station) if one > from_ms]
    return later[0] if later else None


def _signs_of_life(evidence: Evidence, station: str) -> list[float]:
    """Everything the station itself sent; its last will is the broker's word."""
    return [
        one.at_ms
        for one in evidence.traffic.messages
        if one.direction == "up"
        and one.station == station
        and not (one.leaf == "state" and one.content.get("state") == "lost")
    ]
