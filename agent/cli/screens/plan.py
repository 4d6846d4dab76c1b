"""The plan screen: what plays when and where, and what keeps it from playing."""

from __future__ import annotations

from agent.cli.arguments import PROGRAM
from agent.cli.columns import cut, flow, spread, wrap
from agent.cli.findings import Finding, finding_lines
from agent.cli.names import full_id
from agent.cli.screens.status import coming, quiet_lines, without_languages
from agent.cli.texts import Lang, say
from agent.cli.wording import (
    FAULT,
    OK,
    UNKNOWN,
    WATCH,
    class_name,
    clock,
    day,
    length,
    moment,
    occurrence_reason,
)
from agent.contract.reasons import OccurrenceReason
from agent.core.requests import Kept, PlanView, Upcoming

ZONES_NAMED = 6
_INDENT = " " * 6


def render_plan(view: PlanView, lang: Lang, width: int, hours: int = 24) -> list[str]:
    when = f"{day(view.at_ms, view.tz, lang)} {clock(view.at_ms, view.tz)}"
    lines = [spread(say(lang, "plan-title", hours=hours), when, width)]
    lines += quiet_lines(view.quiet, view.at_ms, view.tz, lang, width)
    lines += _waiting(view, lang, width)
    if not view.items:
        return [*lines, cut(say(lang, "next-nothing"), width)]
    shown = ""
    for item in sorted(view.items, key=lambda one: (one.start_ms, one.klass)):
        date = day(item.start_ms, view.tz, lang)
        if date != shown:
            lines.append(date)
            shown = date
        lines += _item(item, view.tz, lang, width)
    return lines


def _waiting(view: PlanView, lang: Lang, width: int) -> list[str]:
    count = sum(item.approval == "awaiting" for item in view.items)
    if not count:
        return []
    text = say(lang, "awaiting-in-plan", count=count)
    return finding_lines(Finding(WATCH, text, f"{PROGRAM} approve"), width)


def _item(item: Upcoming, tz: str, lang: Lang, width: int) -> list[str]:
    lines = coming(item, tz, lang, width, f"{clock(item.start_ms, tz)} ")
    for kept in item.kept:
        lines += wrap(_kept(kept, item, tz, lang), width, first=_INDENT, then=_INDENT)
    lines += without_languages(item.languages_missing, lang, width, _INDENT)
    standing = _standing(item, lang)
    if standing:
        lines += wrap(standing, width, first=_INDENT, then=_INDENT + "  ")
    facts = [class_name(item.klass, lang)]
    if item.duration_ms is not None:
        facts.insert(0, length(item.duration_ms))
    lines += flow([*facts, *_zones(item, lang)], width, between=" · ", indent=_INDENT)
    return lines + wrap(
        say(lang, "plan-id", id=full_id(item)),
        width,
        first=_INDENT,
        then=_INDENT,
    )


def _kept(kept: Kept, item: Upcoming, tz: str, lang: Lang) -> str:
    """`Đông: Quy chế, Điều 4: 05:00–06:00 · từ 06:00`: the rule's words, and where it begins."""
    reason = occurrence_reason(kept.reason, lang)[0]
    rule = kept.rule or reason
    if kept.rule and kept.reason != item.problem:
        rule = f"{reason}: {kept.rule}"
    parts = [say(lang, "kept-where", zones=", ".join(kept.zones), rule=rule)]
    if kept.from_ms is not None:
        parts.append(say(lang, "kept-from", time=moment(kept.from_ms, item.start_ms, tz)))
    if kept.to_ms is not None:
        parts.append(say(lang, "kept-to", time=moment(kept.to_ms, item.start_ms, tz)))
    return " · ".join(parts)


def _standing(item: Upcoming, lang: Lang) -> str:
    """How it stands with the commune; nothing where nobody is asked."""
    number = item.document_number
    paper = f", {say(lang, 'document-number', number=number)}" if number else ""
    who = item.approved_by or say(lang, "not-named")
    match item.approval, item.approval_means:
        case "awaiting", _:
            told = item.problem == OccurrenceReason.AWAITING_APPROVAL
            return "" if told else f"{UNKNOWN} {say(lang, 'approval-awaiting')}"
        case "refused", _:
            told = item.problem == OccurrenceReason.NOT_APPROVED
            refused = "" if told else f"{FAULT} {say(lang, 'approval-refused')} · "
            return f"{refused}{say(lang, 'decided-by', who=who)}{paper}"
        case _, "declared":
            return f"{UNKNOWN} {say(lang, 'approval-declared', who=who)}{paper}"
        case "approved", "standing":
            return f"{OK} {say(lang, 'approval-standing')}{paper}"
        case "approved", ("pin" | "key") as means:
            return f"{OK} {say(lang, f'approval-{means}', who=who)}{paper}"
    return ""


def _zones(item: Upcoming, lang: Lang) -> list[str]:
    if not item.zones:
        return [f"? {say(lang, 'no-zone')}"]
    shown = list(item.zones[:ZONES_NAMED])
    if len(item.zones) > len(shown):
        shown.append(say(lang, "more", count=len(item.zones) - len(shown)))
    return [", ".join(shown)]
