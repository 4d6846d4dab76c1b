"""How instants, lengths, numbers, classes and reasons are written in each language."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from agent.cli.texts import Lang, say
from agent.contract.reasons import (
    ACK,
    ALARM,
    LINK_FAULT,
    OCCURRENCE,
    AckReason,
    AlarmCode,
    OccurrenceReason,
)
from agent.contract.reports import Confirmation
from agent.core.words import CONTROLLER, LINK, PLAYER, SOURCE_API, UNHEARD

OK, FAULT, WATCH, UNKNOWN = "✓", "✗", "!", "?"
"""Marks: what is said is never said by colour alone."""

_WEEKDAYS: dict[Lang, tuple[str, ...]] = {
    "vi": ("T2", "T3", "T4", "T5", "T6", "T7", "CN"),
    "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
}
_MARKS: dict[Confirmation, str] = {"yes": OK, "no": FAULT, "unknown": UNKNOWN}


def mark_of(confirmed: Confirmation) -> str:
    return _MARKS[confirmed]


def local(at_ms: int, tz: str) -> datetime:
    """The instant on the station's wall; an unknown zone is shown in UTC."""
    try:
        zone = ZoneInfo(tz)
    except (ZoneInfoNotFoundError, ValueError):
        return datetime.fromtimestamp(at_ms / 1000, UTC)
    return datetime.fromtimestamp(at_ms / 1000, zone)


def day(at_ms: int, tz: str, lang: Lang) -> str:
    """`T2 23/11`."""
    when = local(at_ms, tz)
    return f"{_WEEKDAYS[lang][when.weekday()]} {when:%d/%m}"


def date(at_ms: int, now_ms: int, tz: str) -> str:
    """`20/02`, of another year `20/02/2027`."""
    then = local(at_ms, tz)
    return f"{then:%d/%m}" if then.year == local(now_ms, tz).year else f"{then:%d/%m/%Y}"


def weekday(at_ms: int, tz: str, lang: Lang) -> str:
    return _WEEKDAYS[lang][local(at_ms, tz).weekday()]


def clock(at_ms: int, tz: str) -> str:
    return f"{local(at_ms, tz):%H:%M}"


def clock_seconds(at_ms: int, tz: str) -> str:
    return f"{local(at_ms, tz):%H:%M:%S}"


def moment(at_ms: int, now_ms: int, tz: str) -> str:
    """`04:59` today, `22/11 04:59` another day."""
    then, now = local(at_ms, tz), local(now_ms, tz)
    return f"{then:%H:%M}" if then.date() == now.date() else f"{then:%d/%m %H:%M}"


def length(length_ms: int) -> str:
    """`17:53`, `1:02:03` from an hour on."""
    seconds = max(0, length_ms) // 1000
    hours, rest = divmod(seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def decimal(value: float, lang: Lang, places: int = 1) -> str:
    """Vietnamese writes a comma."""
    text = f"{value:.{places}f}"
    return text.replace(".", ",") if lang == "vi" else text


def source_name(label: str, lang: Lang) -> str:
    """A source as records call it, in words; what a newer station calls it as it is."""
    kind, _, name = label.partition(":")
    if kind == "stream" and name.isdigit():
        return say(lang, "source-stream", number=int(name) + 1)
    if kind in ("input", "file", "text", "tone"):
        return say(lang, f"source-{kind}", name=name)
    return label


def carried(source: str, source_ms: int | None, tz: str, lang: Lang) -> list[str]:
    """`nguồn: luồng 1 từ 05:00:12`; nothing where there is but one source."""
    if not source or source_ms is None:
        return []
    when = clock_seconds(source_ms, tz)
    return [say(lang, "carried", source=source_name(source, lang), time=when)]


def decibels(cdb: int, lang: Lang) -> str:
    return decimal(cdb / 100, lang)


def size(mib: int, lang: Lang) -> str:
    return f"{decimal(mib / 1024, lang)} GB" if mib >= 1024 else f"{mib} MB"


def amount(count: int, lang: Lang) -> str:
    """Bytes as `3,1 GB`, `214 MB`, `0,3 MB`."""
    mib = count / (1024 * 1024)
    if mib >= 1024:
        return f"{decimal(mib / 1024, lang)} GB"
    return f"{decimal(mib, lang, 0 if mib >= 10 or not count else 1)} MB"


def iso_date(text: str) -> str:
    """`2026-11-30` as `30/11/2026`; what is no date as it came."""
    parts = text.split("-")
    return "/".join(reversed(parts)) if len(parts) == 3 else text


def class_name(klass: int, lang: Lang) -> str:
    return say(lang, f"class-{klass}") if klass in (1, 2, 3) else str(klass)


def occurrence_reason(code: str, lang: Lang) -> tuple[str, str]:
    """(text, next step) of a reason; a code this version does not know is shown as it is."""
    try:
        meaning = OCCURRENCE[OccurrenceReason(code)]
    except ValueError:
        return code, say(lang, "alarm-unknown-next")
    return meaning.text(lang), meaning.next(lang)


def ack_reason(code: str, lang: Lang) -> tuple[str, str] | None:
    try:
        meaning = ACK[AckReason(code)]
    except ValueError:
        return None
    return meaning.text(lang), meaning.next(lang)


def alarm_name(code: str, subject: str, lang: Lang) -> str:
    """`Thôn Đoài không ra tiếng…`: the alarm without its cause."""
    try:
        return f"{subject} {ALARM[AlarmCode(code)].text(lang)}".strip()
    except ValueError:
        return f"{subject} {say(lang, 'alarm-unknown', code=code)}".strip()


def alarm_said(code: str, subject: str, detail: str, lang: Lang) -> tuple[str, str]:
    """(what is wrong with what, next step). The cause is told when it is known.

    A code or detail this version does not know is shown as it is.
    """
    try:
        meaning = ALARM[AlarmCode(code)]
    except ValueError:
        what = f"{subject} {say(lang, 'alarm-unknown', code=code)}".strip()
        return what + (f": {detail}" if detail else ""), say(lang, "alarm-unknown-next")
    text, step = f"{subject} {meaning.text(lang)}".strip(), meaning.next(lang)
    match code:
        case AlarmCode.ZONE_NOT_CONFIRMED if (cause := OCCURRENCE.get(detail)) is not None:  # type: ignore[call-overload]
            return f"{subject}: {cause.text(lang)}", step
        case AlarmCode.CONTROLLER_LOST if (state := CONTROLLER.get(detail)) is not None:  # type: ignore[call-overload]
            said = say(lang, "controller-state", controller=subject, state=state.text(lang))
            return said, state.next(lang)
        case AlarmCode.SOURCE_UNREACHABLE | AlarmCode.SIM_FAULT if (
            fault := LINK_FAULT.get(detail)  # type: ignore[call-overload]
        ) is not None:
            return f"{text}: {fault.text(lang)}", fault.next(lang)
        case AlarmCode.MAINS_LOST | AlarmCode.BATTERY_LOW if detail:
            return f"{text}, {say(lang, 'battery', percent=detail.removesuffix(' %'))}", step
        case AlarmCode.SIM_EXPIRES if detail:
            return f"{text}: {iso_date(detail)}", step
        case AlarmCode.SOURCE_UNREACHABLE if (link := LINK.get(detail)) is not None:  # type: ignore[call-overload]
            return f"{text}: {link.text(lang)}", link.next(lang)
        case AlarmCode.SOURCE_API if (link := SOURCE_API.get(detail)) is not None:  # type: ignore[call-overload]
            return f"{text}: {link.text(lang)}", link.next(lang)
        case AlarmCode.SOUND_SILENT if (heard := UNHEARD.get(detail)) is not None:  # type: ignore[call-overload]
            return f"{text}: {heard.text(lang)}", step
        case AlarmCode.NO_SOUND if (player := PLAYER.get(detail)) is not None:  # type: ignore[call-overload]
            return f"{text}: {player.text(lang)}", step
    return text + (f": {detail}" if detail else ""), step
