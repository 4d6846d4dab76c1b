"""Judges each step of the story by the evidence. A failure says what, where and by how much.

One function a kind of check; each returns the failures, none when the step held. Reasons are
given in Vietnamese and English. Invariant: no evidence is a failure, never a pass.
"""

from __future__ import annotations

from simulator.demo.checks.cut_off import from_cache, late_warning
from simulator.demo.checks.deciding import approved, breaks_rule, kept_back
from simulator.demo.checks.documents import applied, fetched
from simulator.demo.checks.emergencies import warning
from simulator.demo.checks.playing import continues, in_step, plays, preempts
from simulator.demo.checks.reports import (
    honest,
    line_open,
    nothing_else,
    number_gaps,
    reports_once,
)
from simulator.demo.checks.verdict import Failure
from simulator.demo.checks.written_report import report_equals
from simulator.demo.intent import (
    AppliedCheck,
    ApprovedCheck,
    BreaksRuleCheck,
    ContinuesCheck,
    FetchedCheck,
    FromCacheCheck,
    HonestCheck,
    InStepCheck,
    KeptBackCheck,
    LateWarningCheck,
    LineOpenCheck,
    NothingElseCheck,
    PlaysCheck,
    PreemptsCheck,
    ReportEqualsCheck,
    ReportsOnceCheck,
    SoundCheck,
    Step,
    WarningCheck,
)
from simulator.demo.occurrences import Evidence

__all__ = ["Failure", "judge", "number_gaps"]


def judge(evidence: Evidence, step: Step) -> list[Failure]:
    """Every failure of a step."""
    match step.check:
        case AppliedCheck() as check:
            return applied(evidence, step, check)
        case FetchedCheck() as check:
            return fetched(evidence, step, check)
        case ReportsOnceCheck() as check:
            return reports_once(evidence, check)
        case LineOpenCheck() as check:
            return line_open(evidence, check)
        case ApprovedCheck() as check:
            return approved(evidence, check)
        case KeptBackCheck() as check:
            return kept_back(evidence, check)
        case BreaksRuleCheck() as check:
            return breaks_rule(evidence, check)
        case ReportEqualsCheck() as check:
            return report_equals(evidence, check)
        case HonestCheck():
            return honest(evidence)
        case NothingElseCheck():
            return nothing_else(evidence)
        case _ as check:
            return _judge_sound(evidence, step, check)


def _judge_sound(evidence: Evidence, step: Step, check: SoundCheck) -> list[Failure]:
    match check:
        case PlaysCheck():
            return plays(evidence, check.expected, check.heard_share, check.zones)
        case InStepCheck():
            return in_step(evidence, check)
        case PreemptsCheck():
            return preempts(evidence, check)
        case WarningCheck():
            return warning(evidence, step, check)
        case FromCacheCheck():
            return from_cache(evidence, check)
        case LateWarningCheck():
            return late_warning(evidence, check)
        case ContinuesCheck():
            return continues(evidence, check)
