"""A finding: something to say with its mark, and what to do next. Worst first."""

from __future__ import annotations

import re
from dataclasses import dataclass

from agent.cli.columns import wrap
from agent.cli.texts import Lang, say
from agent.cli.wording import (
    FAULT,
    OK,
    UNKNOWN,
    WATCH,
    alarm_said,
    moment,
)
from agent.contract.reasons import AlarmCode
from agent.core.requests import AlarmView

_ORDER = {FAULT: 0, WATCH: 1, UNKNOWN: 2, OK: 3}

_ALARMS: dict[str, tuple[str, int]] = {
    AlarmCode.NO_SOUND: (FAULT, 0),
    AlarmCode.SOUND_SILENT: (FAULT, 0),
    AlarmCode.CONTROLLER_LOST: (FAULT, 1),
    AlarmCode.MAINS_LOST: (FAULT, 1),
    AlarmCode.BATTERY_LOW: (FAULT, 1),
    AlarmCode.ZONE_NOT_CONFIRMED: (FAULT, 2),
    AlarmCode.CLOCK_UNTRUSTED: (FAULT, 3),
    AlarmCode.STORAGE_FAILED: (FAULT, 3),
    AlarmCode.SUPPLY_LOW: (WATCH, 4),
    AlarmCode.OVERHEATING: (WATCH, 4),
    AlarmCode.STORAGE_LOW: (WATCH, 4),
    AlarmCode.STORAGE_WORN: (WATCH, 4),
    AlarmCode.SIM_FAULT: (WATCH, 5),
    AlarmCode.NO_SIGNAL: (WATCH, 5),
    AlarmCode.DATA_PLAN_USED_UP: (WATCH, 5),
    AlarmCode.SOURCE_UNREACHABLE: (WATCH, 5),
    AlarmCode.ROAMING: (WATCH, 5),
    AlarmCode.DATA_PLAN_LOW: (WATCH, 6),
    AlarmCode.SIM_EXPIRES: (WATCH, 6),
    AlarmCode.SOURCE_API: (WATCH, 6),
}
"""Mark and rank of each alarm: what keeps the whole station silent stands first."""


NOTED_RANK = 10
"""What somebody knows of already stands behind what nobody has seen yet."""


@dataclass(frozen=True, slots=True)
class Finding:
    """rank orders findings of the same mark, lower first."""

    mark: str
    text: str
    next: str = ""
    rank: int = 9


def worst_first(findings: list[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda one: (_ORDER[one.mark], one.rank))


def any_fault(findings: list[Finding]) -> bool:
    return any(one.mark == FAULT for one in findings)


def counts(findings: list[Finding]) -> str:
    """`✗ 3 ? 1 ✓ 2`."""
    numbers = {mark: sum(one.mark == mark for one in findings) for mark in _ORDER}
    return " ".join(f"{mark} {number}" for mark, number in numbers.items() if number)


def finding_lines(finding: Finding, width: int) -> list[str]:
    lines = wrap(_begun(finding.text), width, first=f"{finding.mark} ")
    if finding.next:
        lines += wrap(finding.next, width, first="  → ", then="    ")
    return lines


_ID = re.compile(r"[a-z0-9.]+[-_/][a-z0-9._/-]*(?=[\s:,;]|\Z)")


def _begun(text: str) -> str:
    """With a capital letter, unless it begins with an id, which is typed as it stands."""
    return text if _ID.match(text) else text[:1].upper() + text[1:]


def alarm_finding(alarm: AlarmView, now_ms: int, tz: str, lang: Lang) -> Finding:
    """`✗ Thôn Đoài: đường loa hở mạch, từ 04:59`: the cause when it is known, else the alarm."""
    mark, rank = _ALARMS.get(alarm.code, (UNKNOWN, 9))
    what, step = alarm_said(alarm.code, alarm.subject, alarm.detail, lang)
    since = say(lang, "since", time=moment(alarm.since_ms, now_ms, tz))
    if not alarm.acked_by:
        return Finding(mark, f"{what}, {since}", step, rank)
    when = moment(alarm.acked_ms or alarm.since_ms, now_ms, tz)
    noted = say(lang, "alarm-noted", by=alarm.acked_by, time=when)
    return Finding(mark, f"{what}, {since}, {noted}", step, rank + NOTED_RANK)
