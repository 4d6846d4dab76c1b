"""The status screen: what is wrong and what to do, what is on air, what comes, the basics."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from agent.cli.arguments import PROGRAM
from agent.cli.columns import clean, cut, display_width, flow, spread, wrap
from agent.cli.findings import Finding, alarm_finding, finding_lines, worst_first
from agent.cli.names import full_id
from agent.cli.screens.link import signal, used
from agent.cli.texts import Lang, say
from agent.cli.wording import (
    FAULT,
    OK,
    UNKNOWN,
    WATCH,
    ack_reason,
    carried,
    clock,
    clock_seconds,
    date,
    day,
    decimal,
    iso_date,
    length,
    mark_of,
    moment,
    occurrence_reason,
    size,
    weekday,
)
from agent.contract.details import Details, LinkDetails
from agent.contract.languages import name_of
from agent.contract.reasons import LINK_FAULT, AlarmCode, OccurrenceReason
from agent.contract.reports import Confirmation, Refusal
from agent.core.requests import Behind, OnAir, QuietView, StatusView, Upcoming

UPCOMING_SHOWN = 3
ZONES_NAMED = 8
"""So many zones of one item are named each; of more only those that do not sound."""
ENDS_SOON_DAYS = 30
ENDS_NOW_DAYS = 3
_DAY_MS = 86_400_000


def render_status(view: StatusView, lang: Lang, width: int) -> list[str]:
    when = f"{day(view.at_ms, view.tz, lang)} {clock_seconds(view.at_ms, view.tz)}"
    lines = [spread(view.name.upper(), when, width)]
    told_later = {id(one) for one in view.refusals if one.kind != "warning"}
    at_once = tuple(one for one in view.refusals if id(one) not in told_later)
    for finding in status_findings(msgspec.structs.replace(view, refusals=at_once), lang):
        lines += finding_lines(finding, width)
    lines += _on_air(view, lang, width)
    for finding in _refusals([one for one in view.refusals if id(one) in told_later], lang):
        lines += finding_lines(finding, width)
    lines += quiet_lines(view.quiet, view.at_ms, view.tz, lang, width)
    lines += _upcoming(view, lang, width)
    return lines + flow(_basics(view, lang), width, between=" · ")


def status_findings(view: StatusView, lang: Lang) -> list[Finding]:
    """All that is wrong or about to be, worst first."""
    open_codes = {alarm.code for alarm in view.alarms}
    findings = [alarm_finding(alarm, view.at_ms, view.tz, lang) for alarm in view.alarms]
    if view.player == "lost" and AlarmCode.NO_SOUND not in open_codes:
        findings.append(Finding(FAULT, say(lang, "player-lost"), say(lang, "player-lost-next"), 0))
    if view.player == "starting":
        findings.append(Finding(UNKNOWN, say(lang, "player-starting")))
    if not view.connected and AlarmCode.SOURCE_UNREACHABLE not in open_codes:
        findings.append(_lost(view, lang))
    findings += _warnings(view, lang)
    if view.awaiting:
        text = say(lang, "awaiting-count", count=view.awaiting)
        findings.append(Finding(WATCH, text, f"{PROGRAM} approve", 3))
    findings += _refusals(view.refusals, lang)
    return worst_first(findings + _timetable(view, lang))


def _warnings(view: StatusView, lang: Lang) -> Iterator[Finding]:
    """What is in force, until when and when it is said next; where it could not be heard."""
    if not view.emergencies:
        for title in view.warnings:
            yield Finding(WATCH, say(lang, "warning-active", what=title), rank=0)
    for one in view.emergencies:
        issued, until = (
            moment(when_ms, view.at_ms, view.tz)
            for when_ms in (one.issued_at_ms, one.valid_until_ms)
        )
        facts = [
            say(lang, "drill-active" if one.drill else "warning-active", what=one.title),
            say(lang, "warning-issued", time=issued),
            say(lang, "warning-until", time=until),
            say(lang, "warning-plays", count=one.plays),
        ]
        if one.next_ms is not None and one.next_ms > view.at_ms and not one.on_air:
            again = moment(one.next_ms, view.at_ms, view.tz)
            facts.append(say(lang, "warning-again", time=again))
        if one.languages_missing:
            facts.append(missing_languages(one.languages_missing, lang))
        yield Finding(WATCH, " · ".join(facts), rank=0)
        if one.owed:
            text = say(lang, "warning-owed", what=one.title, zones=", ".join(one.owed))
            yield Finding(FAULT, text, say(lang, "warning-owed-next"), 0)


def missing_languages(codes: Iterable[str], lang: Lang) -> str:
    return say(lang, "without-languages", names=", ".join(name_of(code, lang) for code in codes))


def without_languages(
    codes: tuple[str, ...], lang: Lang, width: int, indent: str = "  "
) -> list[str]:
    """`! thiếu bản tiếng: Tày`: it will be left out."""
    if not codes:
        return []
    text = f"{WATCH} {missing_languages(codes, lang)}"
    return wrap(text, width, first=indent, then=indent + "  ")


def _lost(view: StatusView, lang: Lang) -> Finding:
    """The source system is gone; why, as soon as it can be told."""
    text = say(lang, "broker-lost")
    if view.link_fault is None:
        return Finding(WATCH, text, say(lang, "broker-lost-next"), 5)
    meaning = LINK_FAULT[view.link_fault]
    return Finding(WATCH, f"{text}: {meaning.text(lang)}", meaning.next(lang), 5)


def _refusals(refusals: Iterable[Refusal], lang: Lang) -> list[Finding]:
    """The same of one sender again and again is one finding, told by the newest of them."""
    alike: dict[tuple[str, str, str], list[Refusal]] = {}
    for one in refusals:
        alike.setdefault((one.kind, one.authority, one.reason), []).append(one)
    return [_refusal(several[-1], len(several), lang) for several in alike.values()]


def _refusal(refusal: Refusal, times: int, lang: Lang) -> Finding:
    reason, step = ack_reason(refusal.reason, lang) or (str(refusal.reason), "")
    revision = (
        say(lang, "revision", number=refusal.revision) if refusal.revision is not None else ""
    )
    text = say(
        lang,
        "refusal",
        what=_document(refusal.kind, lang),
        revision=revision,
        authority=refusal.authority or "?",
        reason=reason,
    )
    text += f" ({refusal.detail})" if refusal.detail else ""
    return Finding(WATCH, text + (f" ×{times}" if times > 1 else ""), step, 6)


def _document(kind: str, lang: Lang) -> str:
    known = ("trust", "schedule", "content", "warning", "command")
    return say(lang, f"doc-{kind}") if kind in known else kind


def _timetable(view: StatusView, lang: Lang) -> list[Finding]:
    """Expiry is announced before it comes."""
    if not any(document.kind == "schedule" for document in view.documents):
        return [Finding(WATCH, say(lang, "schedule-none"), say(lang, "schedule-none-next"), 7)]
    if view.schedule_endless:
        return []
    step = say(lang, "schedule-ends-next")
    if view.schedule_ends_ms is None:
        return [Finding(FAULT, say(lang, "schedule-empty"), step, 7)]
    left_ms = view.schedule_ends_ms - view.at_ms
    when = weekday(view.schedule_ends_ms, view.tz, lang)
    when += f" {date(view.schedule_ends_ms, view.at_ms, view.tz)}"
    if left_ms <= 0:
        return [Finding(FAULT, say(lang, "schedule-ended", date=when), step, 7)]
    days = left_ms // _DAY_MS
    if days > ENDS_SOON_DAYS:
        return []
    mark = FAULT if days < ENDS_NOW_DAYS else WATCH
    return [Finding(mark, say(lang, "schedule-ends", days=days, date=when), step, 7)]


def _on_air(view: StatusView, lang: Lang, width: int) -> list[str]:
    if not view.on_air:
        if not view.due:
            return [cut(say(lang, "now-nothing"), width)]
        text = say(lang, "now-no-sound", titles=", ".join(view.due))
        return wrap(text, width, first=f"{FAULT} ", then="  ")
    lines: list[str] = []
    for item in sorted(view.on_air, key=lambda one: (one.klass, one.bus)):
        lines += _item(item, view, lang, width)
    return lines


def _is_drill(item: OnAir, view: StatusView) -> bool:
    """The title of a drill says so, too: no real warning bears it."""
    return any(one.drill and one.title == item.title for one in view.emergencies)


def _item(item: OnAir, view: StatusView, lang: Lang, width: int) -> list[str]:
    now_ms, head = view.at_ms, say(lang, "now")
    if item.klass == 1:
        key = "now-drill" if _is_drill(item, view) else "now-emergency"
        head = f"{WATCH} {say(lang, key)}"
    lines = wrap(f"{item.title}, {_progress(item, now_ms, lang)}", width, first=f"{head} ")
    lines += flow(carried(item.source, item.source_ms, view.tz, lang), width, indent="  ")
    return lines + flow(_zones(item.zones, lang), width, indent="  ")


def _progress(item: OnAir, now_ms: int, lang: Lang) -> str:
    if item.started_ms is None:
        return say(lang, "not-started")
    if item.ends_ms is None:
        return say(lang, "elapsed", time=length(now_ms - item.started_ms))
    return say(lang, "left", time=length(item.ends_ms - now_ms))


def _zones(zones: tuple[tuple[str, Confirmation], ...], lang: Lang) -> list[str]:
    """`Đoài ✗`, `Trung ? không đo được`, `Đông ✓`; of many, the silent ones and the counts."""
    if not zones:
        return [f"{UNKNOWN} {say(lang, 'no-zone')}"]
    if len(zones) <= ZONES_NAMED:
        return [_zone(name, confirmed, lang) for name, confirmed in zones]
    silent = [_zone(name, confirmed, lang) for name, confirmed in zones if confirmed == "no"]
    shown = silent[:ZONES_NAMED]
    if len(silent) > len(shown):
        shown.append(f"{FAULT} {say(lang, 'more', count=len(silent) - len(shown))}")
    unknown = sum(confirmed == "unknown" for _, confirmed in zones)
    if unknown:
        count = say(lang, "zones-count", mark=UNKNOWN, count=unknown)
        shown.append(f"{count} {say(lang, 'not-measured')}")
    heard = sum(confirmed == "yes" for _, confirmed in zones)
    return [*shown, say(lang, "zones-count", mark=OK, count=heard)]


def _zone(name: str, confirmed: Confirmation, lang: Lang) -> str:
    note = f" {say(lang, 'not-measured')}" if confirmed == "unknown" else ""
    return f"{name} {mark_of(confirmed)}{note}"


def quiet_lines(
    quiet: tuple[QuietView, ...], now_ms: int, tz: str, lang: Lang, width: int
) -> list[str]:
    """`YÊN LẶNG đến 11:00: Đông`, below it why and who wanted it."""
    lines: list[str] = []
    for one in quiet:
        zones = ", ".join(one.zones)
        until = moment(one.until_ms, now_ms, tz)
        lines += wrap(say(lang, "quiet-line", until=until, zones=zones), width)
        why = " · ".join(text for text in (one.reason, one.by) if text)
        lines += wrap(why, width, first="  ") if why else []
    return lines


def _upcoming(view: StatusView, lang: Lang, width: int) -> list[str]:
    head = f"{say(lang, 'next')} "
    if not view.upcoming:
        return [cut(head + say(lang, "next-nothing"), width)]
    lines: list[str] = []
    for item in view.upcoming[:UPCOMING_SHOWN]:
        lead = f"{head}{moment(item.start_ms, view.at_ms, view.tz)} "
        lines += coming(item, view.tz, lang, width, lead)
        head = " " * display_width(head)
    return lines


def coming(item: Upcoming, tz: str, lang: Lang, width: int, lead: str) -> list[str]:
    """`05:30 Bản tin khu vực ✓ đã tải`, on two lines when one is too short; what sounds of it when
    that is not all of it; a problem's step."""
    state = readiness(item, lang)
    indent = " " * display_width(lead)
    text = f"{item.title} {state}".rstrip()
    if display_width(clean(lead + text)) <= width:
        lines = [clean(lead + text)]
    else:
        lines = wrap(item.title, width, first=lead, then=indent)
        lines += wrap(state, width, first=indent, then=indent + "  ") if state else []
    for told in (*_behind(item, lang), *sounding(item, tz, lang)):
        lines += wrap(told, width, first=indent, then=indent + "  ")
    if item.problem:
        step = next_step(item, lang)
        if not step:
            return lines
        if display_width(f"{indent}→ {step}") > width:
            indent = "  "  # a command that is broken across lines cannot be copied
        lines += wrap(step, width, first=f"{indent}→ ", then=f"{indent}  ")
    return lines


def sounding(item: Upcoming, tz: str, lang: Lang) -> Iterator[str]:
    """`phát 0:20 từ 19:36:40: Đông`, where it sounds otherwise than the timetable says; then the
    zones that do not hear it."""
    if not item.sounds:
        return
    planned = ((item.start_ms, item.start_ms + (item.duration_ms or 0)),)
    if [(set(one.zones), one.spans) for one in item.sounds] == [(set(item.zones), planned)]:
        return
    for one in item.sounds:
        parts = [
            say(
                lang,
                "sounds-part",
                length=length(max(1_000, to_ms - from_ms + 500)),
                time=clock_seconds(from_ms, tz),
            )
            for from_ms, to_ms in one.spans
        ]
        yield say(lang, "sounds-in", parts=", ".join(parts), zones=", ".join(one.zones))
    heard = {zone for one in item.sounds for zone in one.zones}
    silent = [zone for zone in item.zones if zone not in heard]
    if silent:
        yield say(lang, "sounds-not", zones=", ".join(silent))


def _behind(item: Upcoming, lang: Lang) -> Iterator[str]:
    """Whom it gives way to."""
    if item.problem and item.behind is not None:
        name = f"{item.behind.authority}/{item.behind.entry}"
        yield say(lang, "behind", other=f"{item.behind.title} ({name})")


def next_step(item: Upcoming, lang: Lang) -> str:
    """What to do about its problem; for what is decided here, the command that decides it.

    Nothing for a quiet: the plan says until when and why, and it ends by itself.
    """
    match item.problem:
        case OccurrenceReason.HELD:
            return f"{PROGRAM} release {full_id(item)}"
        case OccurrenceReason.AWAITING_APPROVAL | OccurrenceReason.NOT_APPROVED:
            return f"{PROGRAM} approve {full_id(item)}"
        case OccurrenceReason.QUIET:
            return ""
        case OccurrenceReason.NO_MAINS if item.klass == 1:
            return say(lang, "warning-owed-next")
        case OccurrenceReason.PREEMPTED | OccurrenceReason.BUS_BUSY if item.behind is not None:
            return _give_way(item, item.behind, lang)
    return occurrence_reason(item.problem, lang)[1]


def _give_way(item: Upcoming, behind: Behind, lang: Lang) -> str:
    """The command that puts it first, where the order is the commune's to choose."""
    if behind.klass != item.klass or not item.digest:
        return say(lang, "behind-higher")
    return f"{PROGRAM} order {full_id(item)} {max(-1000, behind.order - 1)}"


def readiness(item: Upcoming, lang: Lang) -> str:
    """Whether it will play as planned. A problem has the zones it concerns; it is loud (✗) when
    nothing of the item will sound, else `!`."""
    if item.problem:
        text = occurrence_reason(item.problem, lang)[0]
        where = f": {', '.join(item.problem_zones)}" if item.problem_zones else ""
        return f"{WATCH if item.sounds else FAULT} {text}{where}"
    if item.ready is None:
        return ""
    return f"{OK} {say(lang, 'fetched')}" if item.ready else f"{WATCH} {say(lang, 'not-fetched')}"


def _basics(view: StatusView, lang: Lang) -> list[str]:
    """The last lines. What was not measured is `?`, never left out in silence."""
    unknown = f"{UNKNOWN} {say(lang, 'not-measured')}"
    storage = unknown if view.storage_free_mib is None else size(view.storage_free_mib, lang)
    memory = UNKNOWN if view.memory_free_mib is None else size(view.memory_free_mib, lang)
    heat = (
        UNKNOWN if view.temperature_cdeg is None else decimal(view.temperature_cdeg / 100, lang, 0)
    )
    items = [_source(view, lang), *_surroundings(view.details, lang), _clock(view, lang)]
    revisions = _revisions(view, lang)
    if revisions:
        items.append(say(lang, "schedule", revisions=revisions))
    if view.unsent_records:
        items.append(say(lang, "unsent", count=view.unsent_records))
    items += [
        say(lang, "storage", size=storage),
        say(lang, "memory", size=memory),
        say(lang, "temperature", value=heat),
    ]
    if view.uptime_s is not None:
        items.append(say(lang, "uptime", time=length(view.uptime_s * 1000)))
    return items


def _surroundings(details: Details | None, lang: Lang) -> Iterator[str]:
    """Link with its signal, data used, power."""
    if details is None:
        return
    link, data, power = details.link, details.data, details.power
    if link.kind not in ("", "none"):
        yield " ".join([say(lang, f"kind-{link.kind}"), *_strength(link, lang)])
    if data.month_bytes is not None:
        yield used(data, lang)
    if data.sim_expires:
        yield say(lang, "sim-expires", date=iso_date(data.sim_expires))
    state = {True: "mains-on", False: "mains-lost", None: "mains-unknown"}[power.mains]
    charge = power.battery_percent
    battery = "" if charge is None else ", " + say(lang, "battery", percent=charge)
    yield say(lang, state) + battery


def _strength(link: LinkDetails, lang: Lang) -> Iterator[str]:
    """Of the link that carries."""
    if link.kind == "wifi":
        yield f"{UNKNOWN}" if link.wifi_dbm is None else f"{link.wifi_dbm} dBm"
    if link.kind == "modem" and link.modem is not None:
        if link.modem.operator:
            yield link.modem.operator
        yield signal(link.modem, lang)


def _source(view: StatusView, lang: Lang) -> str:
    if view.connected_since_ms is None:
        since = ""
    else:
        since = say(lang, "since", time=moment(view.connected_since_ms, view.at_ms, view.tz))
    if view.connected:
        return say(lang, "source-up", since=since).rstrip()
    if not since:
        return f"{WATCH} {say(lang, 'source-never')}"
    return f"{WATCH} {say(lang, 'source-down', since=since)}"


def _clock(view: StatusView, lang: Lang) -> str:
    if view.clock in ("trusted", "untrusted"):
        return say(lang, f"clock-{view.clock}")
    return f"{UNKNOWN} {view.clock or say(lang, 'unknown')} {clock(view.at_ms, view.tz)}"


def _revisions(view: StatusView, lang: Lang) -> str:
    """`14→20/02`; of several authorities each with its name."""
    schedules = [one for one in view.documents if one.kind == "schedule"]
    names = len(schedules) > 1
    text = ", ".join(
        f"{one.authority} {one.revision}" if names else str(one.revision) for one in schedules
    )
    if text and view.schedule_endless:
        return f"{text}, {say(lang, 'schedule-endless')}"
    if text and view.schedule_ends_ms is not None:
        text += "→" + date(view.schedule_ends_ms, view.at_ms, view.tz)
    return text
