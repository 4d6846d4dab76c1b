"""The doctor screen: the checks, faults first, each with its next step."""

from __future__ import annotations

from agent.cli.columns import spread
from agent.cli.findings import Finding, counts, finding_lines, worst_first
from agent.cli.texts import Lang, say
from agent.cli.wording import FAULT, OK, UNKNOWN, WATCH
from agent.core.requests import CHECKS, Check, DoctorView, Verdict

MARKS: dict[Verdict, str] = {"ok": OK, "warning": WATCH, "fault": FAULT, "unknown": UNKNOWN}


DEVICES = "devices"
"""A check of our own, see `devices_check`: the agent opens an input only when it is wanted."""


def render_doctor(
    view: DoctorView, lang: Lang, width: int, before: tuple[Finding, ...] = ()
) -> list[str]:
    """`before`: what was found before the checks could be asked for."""
    findings = worst_first([check_finding(check, lang) for check in view.checks])
    lines = [spread(say(lang, "doctor-title"), _summary([*before, *findings], lang), width)]
    for finding in [*before, *findings]:
        lines += finding_lines(finding, width)
    return lines


def check_finding(check: Check, lang: Lang) -> Finding:
    side = 0 if lang == "vi" else 1
    known = check.name in CHECKS or check.name == DEVICES
    name = say(lang, f"check-{check.name}") if known else check.name
    detail = check.detail[side]
    rank = CHECKS.index(check.name) if check.name in CHECKS else len(CHECKS)
    return Finding(
        MARKS[check.verdict], f"{name}: {detail}" if detail else name, check.next[side], rank
    )


def _summary(findings: list[Finding], lang: Lang) -> str:
    if all(finding.mark == OK for finding in findings):
        return f"{OK} {say(lang, 'doctor-well')}"
    return counts(findings)
