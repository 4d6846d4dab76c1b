"""The journal screen: what played, what failed, who did what; newest first."""

from __future__ import annotations

import re

import msgspec

from agent.cli.columns import cut, spread, wrap
from agent.cli.screens.status import missing_languages
from agent.cli.texts import Lang, say
from agent.cli.times import local_words
from agent.cli.wording import (
    FAULT,
    OK,
    UNKNOWN,
    WATCH,
    ack_reason,
    alarm_said,
    clock,
    day,
    length,
    occurrence_reason,
)
from agent.contract.reasons import AckReason
from agent.contract.reports import (
    AirStart,
    AlarmEvent,
    AsRun,
    Audit,
    Body,
    Checkpoint,
    DocumentReceipt,
    SourceReceipt,
    WarningReport,
)
from agent.core.requests import JournalLine, JournalView
from agent.core.words import AUDIT, AUTHOR, source_act


def render_journal(view: JournalView, lang: Lang, width: int) -> list[str]:
    when = f"{day(view.at_ms, view.tz, lang)} {clock(view.at_ms, view.tz)}"
    lines = [spread(say(lang, "journal-title"), when, width)]
    lines += wrap(say(lang, "journal-through", seq=view.through), width)
    if not view.records:
        return [*lines, cut(say(lang, "journal-none"), width)]
    shown = ""
    for record in sorted(view.records, key=lambda one: one.seq, reverse=True):
        date = day(record.at_ms, view.tz, lang)
        if date != shown:
            lines.append(date)
            shown = date
        lines += _record(record, view.tz, lang, width)
    return lines


def _record(record: JournalLine, tz: str, lang: Lang, width: int) -> list[str]:
    mark, text = _said(record, lang)
    first = f"{clock(record.at_ms, tz)} {mark} "
    return wrap(text, width, first=first, then=" " * 8)


def _said(record: JournalLine, lang: Lang) -> tuple[str, str]:
    try:
        body = msgspec.json.decode(record.body, type=Body)
    except msgspec.DecodeError:
        return UNKNOWN, f"{say(lang, 'journal-strange')} {bytes(record.body)[:60]!r}"
    match body:
        case AsRun():
            return _as_run(body, lang)
        case AlarmEvent():
            return _alarm(body, lang)
        case WarningReport():
            text = say(lang, f"warning-{body.state}", id=body.id, revision=body.revision)
            return WATCH, f"{text} {body.detail}".rstrip()
        case AirStart():
            zones = ", ".join(body.zones)
            return "·", say(lang, "item-began", title=body.title, zones=zones)
        case Checkpoint():
            return "·", say(lang, "records-signed", seq=body.through)
        case DocumentReceipt():
            return _receipt(body, lang)
        case SourceReceipt():
            return _told_back(body, lang)
        case Audit():
            pass
    return _audit(body, lang)


def _receipt(body: DocumentReceipt, lang: Lang) -> tuple[str, str]:
    """Which document of whom, and what became of it."""
    name = say(lang, f"doc-{body.document}") if body.document in DOCUMENTS else body.document
    revision = "" if body.revision is None else say(lang, "revision", number=body.revision)
    by = AUTHOR[body.authority].text(lang) if body.authority in AUTHOR else body.authority
    text = f"{by}: {name} {body.audience} {revision}".replace("  ", " ").strip(": ")
    text = f"{text} · {say(lang, f'receipt-{body.state}')}"
    if body.regulation:
        text = f"{text} · {say(lang, 'regulation-changed', name=body.regulation)}"
    if body.reason is None:
        return "·", text
    known = ack_reason(body.reason.value, lang)
    return WATCH, f"{text}: {known[0] if known is not None else body.reason.value}"


def _told_back(body: SourceReceipt, lang: Lang) -> tuple[str, str]:
    """What the source-system API is told of something it asked for."""
    about = " ".join(part for part in (body.schedule, body.title) if part)
    what = f"{AUDIT[source_act(body.what)].text(lang)} {about}".rstrip()
    text = say(lang, "source-receipt", what=what)
    if body.reason is None:
        return "·", f"{text} · {say(lang, 'audit-done')}"
    known = ack_reason(body.reason.value, lang)
    why = known[0] if known is not None else body.reason.value
    return WATCH, f"{text} · {say(lang, 'refused', reason=why)}"


def _audit(body: Audit, lang: Lang) -> tuple[str, str]:
    """Who did what, and what became of it."""
    by = AUTHOR[body.by].text(lang) if body.by in AUTHOR else body.by
    if body.means == "pin":
        by = say(lang, "by-pin", name=by)
    what = AUDIT[body.what].text(lang) if body.what in AUDIT else body.what
    text = f"{say(lang, 'audit', by=by, what=what)} {_about(body.detail, lang)}".rstrip()
    if body.result in ("", "done"):
        return "·", f"{text} · {say(lang, 'audit-done')}" if body.result else text
    refused = ack_reason(body.result, lang)
    why = refused[0] if refused is not None else body.result
    if body.what in SPOKEN and body.result == AckReason.EMERGENCY_ON_AIR:
        why = say(lang, "beside-emergency")
    return WATCH, f"{text} · {say(lang, 'refused', reason=why)}"


SPOKEN = ("local_announce", "local_speak")
"""What an emergency keeps from sounding; all else it keeps from being stopped."""

DOCUMENTS = ("trust", "schedule", "content", "warning")

_REVISION = re.compile(r"(trust|schedule|content|warning)s? (\S+) revision (\d+)\Z")


def _about(detail: str, lang: Lang) -> str:
    """The detail of an audit; the name of a document in the reader's language."""
    found = _REVISION.match(detail)
    if found is None:
        return local_words(detail)
    revision = say(lang, "revision", number=found[3])
    return f"{say(lang, f'doc-{found[1]}')} {found[2]} {revision}"


def _as_run(body: AsRun, lang: Lang) -> tuple[str, str]:
    """Played but not confirmed is not a tick."""
    parts = [
        f"{body.title} · {body.zone}",
        say(lang, f"outcome-{body.outcome}", time=length(body.played_ms)),
    ]
    if body.reason is not None:
        parts.append(occurrence_reason(body.reason, lang)[0])
    if body.rule:
        parts.append(body.rule)
    parts += _broken(body, lang)
    if body.outcome != "skipped" and body.languages_missing:
        parts.append(missing_languages(body.languages_missing, lang))
    if body.outcome != "skipped":
        parts.append(say(lang, f"confirmed-{body.confirmed}"))
    if body.outcome != "skipped" and body.start_error_ms is not None:
        parts.append(say(lang, "start-error", value=f"{body.start_error_ms:+d}"))
    parts += _let(body, lang)
    return _as_run_mark(body), " · ".join(parts)


def _broken(body: AsRun, lang: Lang) -> list[str]:
    """The rules that an emergency did not keep."""
    told = []
    if body.broke:
        names = ", ".join(occurrence_reason(one, lang)[0] for one in body.broke)
        told.append(say(lang, "broke-rules", rules=names))
    if body.above_ceiling is not None:
        told.append(say(lang, "above-ceiling", ceiling=body.above_ceiling))
    return told


def _let(body: AsRun, lang: Lang) -> list[str]:
    """Who let it play in the commune, how that is known, and by which document."""
    told = []
    if body.approver and body.approver != body.approved_by:
        told.append(say(lang, "approver-named", who=body.approver))
    if body.approval not in (None, "home"):
        who = body.approved_by or say(lang, "not-named")
        told.append(say(lang, f"approval-{body.approval}", who=who))
    if body.document_number:
        told.append(say(lang, "document-number", number=body.document_number))
    return told


def _as_run_mark(body: AsRun) -> str:
    if body.outcome == "skipped" or body.confirmed == "no":
        return FAULT
    if body.outcome == "partial":
        return WATCH
    return OK if body.confirmed == "yes" else UNKNOWN


def _alarm(body: AlarmEvent, lang: Lang) -> tuple[str, str]:
    raised = body.state == "raised"
    what, _ = alarm_said(body.code, body.subject, body.detail if raised else "", lang)
    return (FAULT if raised else OK), say(lang, f"alarm-{body.state}", what=what, by=body.by)
