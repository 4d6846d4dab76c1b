"""Warnings: heard in every zone soon after they were published, silent after the cancel."""

from __future__ import annotations

from simulator.demo.checks.verdict import Failure
from simulator.demo.intent import Step, WarningCheck
from simulator.demo.occurrences import NOT_HEARD_MS, Evidence

TONE_SHARE = 0.5
"""A siren of pure tones has nearly all of its energy there."""


def warning(evidence: Evidence, step: Step, check: WarningCheck) -> list[Failure]:
    failures = []
    for station in check.stations:
        published_ms, ended_ms = published(evidence, check.id, station)
        if published_ms is None or (check.cancelled and ended_ms is None):
            failures.append(
                Failure(
                    f"{station}: không thấy cảnh báo {check.id} hoặc lệnh hủy trên mạng",
                    f"{station}: warning {check.id} or its cancel was never published",
                )
            )
            continue
        failures += sounds_everywhere(
            evidence, station, check.tone_hz, published_ms, check.within_ms, ended_ms
        )
        if check.cancelled and ended_ms is not None:
            failures += _silent_after(
                evidence, station, ended_ms + check.silent_within_ms, step.to_ms
            )
    return failures


def published(evidence: Evidence, warning: str, station: str) -> tuple[float | None, float | None]:
    """When the warning was published to the station or a group, and when cancelled."""
    seen = [
        (at_ms, cancelled)
        for at_ms, cancelled, party in evidence.traffic.warnings(warning)
        if party == f"s/{station}" or party.startswith("g/")
    ]
    published = next((at_ms for at_ms, cancelled in seen if not cancelled), None)
    ended = next((at_ms for at_ms, cancelled in seen if cancelled), None)
    return published, ended


def sounds_everywhere(
    evidence: Evidence,
    station: str,
    tone_hz: tuple[int, ...],
    from_ms: float,
    within_ms: float,
    until_ms: float | None,
    only: tuple[str, ...] = (),
) -> list[Failure]:
    """Every zone of the station, or `only` these, gives a sound that is no programme, in time."""
    failures = []
    for zone in evidence.story.stations[station].zones:
        if only and zone.name not in only:
            continue
        where = f"{station}/{zone.name}"
        sounds = [
            one
            for one in evidence.sounds(station, zone.name)
            if one.to_ms > from_ms + NOT_HEARD_MS and (until_ms is None or one.from_ms < until_ms)
        ]
        if not sounds:
            failures.append(
                Failure(f"{where}: không nghe cảnh báo", f"{where}: the warning was not heard")
            )
            continue
        late_ms = sounds[0].from_ms - from_ms
        if late_ms > within_ms:
            failures.append(
                Failure(
                    f"{where}: cảnh báo chậm {late_ms / 1000:.1f} s",
                    f"{where}: the warning came after {late_ms / 1000:.1f} s",
                    sounds[0].from_ms,
                )
            )
        if tone_hz and evidence.tone_share(station, sounds[0], tone_hz) < TONE_SHARE:
            failures.append(
                Failure(
                    f"{where}: tiếng nghe được không phải còi báo động",
                    f"{where}: what sounded is not the siren",
                    sounds[0].from_ms,
                )
            )
    return failures


def _silent_after(evidence: Evidence, station: str, from_ms: float, to_ms: float) -> list[Failure]:
    failures = []
    for zone in evidence.story.stations[station].zones:
        for one in evidence.sounds(station, zone.name):
            if min(one.to_ms, to_ms) - max(one.from_ms, from_ms) > NOT_HEARD_MS:
                failures.append(
                    Failure(
                        f"{station}/{zone.name}: vẫn kêu sau khi hủy",
                        f"{station}/{zone.name}: still sounding after the cancel",
                        one.from_ms,
                    )
                )
                break
    return failures
