"""The records of one station over the window: what its agent would have written, in order.

Follows the contract's words: a play that was missed while the power was out is settled as
`station_off` when it is back, a line that is open plays without being confirmed, a warning breaks
into everything, a quiet zone plays nothing but warnings.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from zoneinfo import ZoneInfo

from agent.contract.reasons import AlarmCode, OccurrenceReason
from agent.contract.reports import (
    AirStart,
    AlarmEvent,
    AsRun,
    Body,
    Confirmation,
    OccurrenceRef,
    Outcome,
    Segment,
    WarningReport,
)
from simulator.records.mishaps import DAY_MS, MIN_MS, Emergency, Fate
from simulator.records.place import TIMETABLE, Programme, Station, amplifier
from simulator.source_system.report.presence import Span

Reason = OccurrenceReason
SETTLE_MS = 1_000
IN_TWO_LANGUAGES = "ban-tin-chieu"
"""The bulletin whose version in Tày sometimes was not recorded in time."""

APPROVER = "Phó Chủ tịch xã"


@dataclass(frozen=True, slots=True)
class Told:
    """A record before it has a number."""

    at_ms: int
    body: Body


@dataclass(frozen=True, slots=True)
class Play:
    """An occurrence as it came: the same for all zones but what the zones themselves did."""

    programme: Programme
    ref: OccurrenceRef
    start_ms: int
    length_ms: int
    settled_ms: int
    reason: OccurrenceReason | None
    cut_ms: int | None
    missing: tuple[str, ...] = ()
    """Language versions that were due and not there."""


def records(
    station: Station, fate: Fate, first: dt.date, days: int, tz: ZoneInfo, rng: Random
) -> list[Told]:
    """Everything, in order of time."""
    told: list[Told] = []
    for number in range(fate.idle_days, days):
        day = first + dt.timedelta(number)
        for programme in TIMETABLE:
            told += _occurrence(station, fate, _play(programme, fate, day, tz, rng), rng)
    end_ms = _midnight_ms(first + dt.timedelta(days), tz)
    for emergency in fate.emergencies:
        told += _warning(station, fate, emergency, tz, rng)
    told += _alarms(station, fate)
    begin_ms = _midnight_ms(first + dt.timedelta(fate.idle_days), tz)
    lived = [one for one in told if begin_ms <= one.at_ms < end_ms + DAY_MS]
    return sorted(lived, key=lambda one: one.at_ms)


def _midnight_ms(day: dt.date, tz: ZoneInfo) -> int:
    return round(dt.datetime.combine(day, dt.time(), tz).timestamp() * 1000)


# --- the timetable --------------------------------------------------------------------------


def _play(programme: Programme, fate: Fate, day: dt.date, tz: ZoneInfo, rng: Random) -> Play:
    start_ms = _midnight_ms(day, tz) + programme.at_min * MIN_MS
    length_ms = programme.length_min * MIN_MS
    off = _at(fate.off, start_ms)
    cut = next((one for one in fate.off if start_ms < one.from_ms < start_ms + length_ms), None)
    reason = Reason.STATION_OFF if off else _mishap(programme, fate, start_ms, rng)
    cut_ms = None if cut is None else cut.from_ms
    if cut_ms is None and reason is None and programme.source.startswith("stream"):
        if rng.random() < 0.006:
            cut_ms, reason = start_ms + rng.randrange(length_ms), Reason.SOURCE_LOST
    elif cut_ms is not None and reason is None:
        reason = Reason.STATION_RESTARTED
    back = off or cut
    settled_ms = start_ms + length_ms + SETTLE_MS if back is None else back.to_ms + SETTLE_MS
    nominal = f"{day.isoformat()}T{programme.at_min // 60:02}:{programme.at_min % 60:02}:00"
    ref = OccurrenceRef(
        authority=programme.authority,
        audience="g/tat-ca",
        entry=programme.entry,
        nominal=nominal,
    )
    late = programme.entry == IN_TWO_LANGUAGES and reason is None and rng.random() < 0.02
    missing = ("tyz",) if late else ()
    return Play(programme, ref, start_ms, length_ms, settled_ms, reason, cut_ms, missing)


def _mishap(
    programme: Programme, fate: Fate, start_ms: int, rng: Random
) -> OccurrenceReason | None:
    """What keeps an occurrence from every zone."""
    if programme.source.startswith("file") and programme.authority != "xa":
        away = _at(fate.unlinked, start_ms)
        if away is not None and start_ms - away.from_ms > 10 * 3_600_000:
            return Reason.CONTENT_NOT_FETCHED
        if rng.random() < 0.003:
            return Reason.CONTENT_NOT_PUBLISHED
    if programme.means in ("key", "pin") and rng.random() < 0.008:
        return rng.choice((Reason.AWAITING_APPROVAL, Reason.AWAITING_APPROVAL, Reason.NOT_APPROVED))
    return Reason.OUTSIDE_HOURS if rng.random() < 0.0008 else None


def _at(spans: list[Span], at_ms: int) -> Span | None:
    return next((one for one in spans if one.from_ms <= at_ms < one.to_ms), None)


def _occurrence(station: Station, fate: Fate, play: Play, rng: Random) -> Iterator[Told]:
    programme = play.programme
    error_ms = rng.choice((-1, 0, 0, 0, 0, 0, 1, 1, 2))
    zones = [
        _zone(station, fate, play, place, error_ms, rng) for place in range(len(station.zones))
    ]
    sounded = tuple(one.zone for one in zones if one.segments)
    if sounded:
        start = AirStart(
            occurrence=play.ref,
            title=programme.title,
            klass=programme.klass,
            zones=sounded,
            planned_start_ms=play.start_ms,
            planned_duration_ms=play.length_ms,
            author=programme.author,
            approver=APPROVER,
            approval=programme.means,
            document_number=programme.document_number,
            field=programme.field,
            language=programme.language,
            source=programme.source,
            volume=station.volume,
            revision=14,
        )
        yield Told(play.start_ms + 20, start)
    for one in zones:
        yield Told(play.settled_ms, one)


_RULES = {
    Reason.OUTSIDE_HOURS: "Ngoài khung 05:00-06:30 · 11:00-11:45 · 16:30-18:30",
    Reason.QUIET: "Giữ yên lặng: {}",
}


def _zone(
    station: Station, fate: Fate, play: Play, place: int, error_ms: int, rng: Random
) -> AsRun:
    zone, programme = station.zones[place], play.programme
    reason, rule = play.reason, _RULES.get(play.reason, "") if play.reason else ""
    quiet = next((why for span, why in fate.quiet[zone] if _at([span], play.start_ms)), "")
    if quiet and reason is None:
        reason, rule = Reason.QUIET, _RULES[Reason.QUIET].format(quiet)
    if reason is None and _at(fate.no_mains[zone], play.start_ms):
        reason = Reason.NO_MAINS
    means = None if reason in _UNDECIDED else programme.means
    segments, confirmed, doubt = _sound(station, fate, play, place, reason, rng)
    played_ms = sum(one.to_ms - one.from_ms for one in segments if one.gap is None)
    outcome: Outcome = "played"
    if not segments:
        outcome = "skipped"
    elif play.length_ms - played_ms > max(1_000, play.length_ms // 50):
        outcome = "partial"
        gap = next((one.gap for one in segments if one.gap is not None), None)
        reason = reason or gap or Reason.EMERGENCY
    else:
        reason = doubt
    return AsRun(
        occurrence=play.ref,
        zone=zone,
        title=programme.title,
        klass=programme.klass,
        planned_start_ms=play.start_ms,
        planned_duration_ms=play.length_ms,
        outcome=outcome,
        reason=reason,
        confirmed=confirmed,
        segments=segments,
        played_ms=played_ms,
        revision=14,
        author=programme.author,
        approver=APPROVER,
        source=programme.source,
        volume=station.volume,
        underruns=0 if segments else None,
        start_error_ms=error_ms if segments else None,
        rule=rule,
        approved_by=APPROVER if means in ("key", "pin", "declared") else "",
        approval=means,
        document_number=programme.document_number,
        field=programme.field,
        language=programme.language,
        languages_missing=play.missing if segments else (),
    )


_UNDECIDED = (Reason.AWAITING_APPROVAL, Reason.NOT_APPROVED)


def _sound(
    station: Station,
    fate: Fate,
    play: Play,
    place: int,
    reason: OccurrenceReason | None,
    rng: Random,
) -> tuple[tuple[Segment, ...], Confirmation, OccurrenceReason | None]:
    """(what sounded, confirmed, the doubt). A warning cuts its time out."""
    if reason is not None and play.cut_ms is None:
        return (), "unknown", None
    confirmed, doubt = _confirmed(station, fate, place, play.start_ms)
    level_cdb = max(-6_000, min(-800, station.level_cdb + round(rng.gauss(0, 120))))
    end_ms = play.start_ms + play.length_ms if play.cut_ms is None else play.cut_ms
    segments: list[Segment] = []
    from_ms = play.start_ms
    for hole in _interruptions(fate, play.start_ms, end_ms):
        segments += _stretch(play, from_ms, hole.from_ms, level_cdb, confirmed)
        gap = Segment(
            from_ms=hole.from_ms,
            to_ms=hole.to_ms,
            position_ms=hole.from_ms - play.start_ms,
            bus=0,
            gap=Reason.EMERGENCY,
        )
        segments.append(gap)
        from_ms = hole.to_ms
    segments += _stretch(play, from_ms, end_ms, level_cdb, confirmed)
    return tuple(segments), confirmed, doubt


def _interruptions(fate: Fate, from_ms: int, to_ms: int) -> Iterator[Span]:
    for one in fate.emergencies:
        if one.issued_ms < to_ms and one.until_ms > from_ms:
            for start_ms in range(one.issued_ms + 1_000, one.until_ms, one.repeat_ms):
                if from_ms < start_ms and start_ms + one.length_ms < to_ms:
                    yield Span(start_ms, start_ms + one.length_ms)


def _stretch(
    play: Play, from_ms: int, to_ms: int, level_cdb: int, confirmed: Confirmation
) -> list[Segment]:
    if to_ms <= from_ms:
        return []
    return [
        Segment(
            from_ms=from_ms,
            to_ms=to_ms,
            position_ms=from_ms - play.start_ms,
            bus=0,
            level_cdb=level_cdb,
            confirmed=confirmed,
        )
    ]


def _confirmed(
    station: Station, fate: Fate, place: int, at_ms: int
) -> tuple[Confirmation, OccurrenceReason | None]:
    zone = station.zones[place]
    if _at(fate.controller, at_ms):
        return "unknown", None
    if _at(fate.open_lines[zone], at_ms) and station.measured[place]:
        return "no", Reason.LINE_OPEN
    return ("yes" if station.measured[place] else "unknown"), None


# --- warnings -------------------------------------------------------------------------------


def _warning(
    station: Station, fate: Fate, emergency: Emergency, tz: ZoneInfo, rng: Random
) -> Iterator[Told]:
    received_ms = emergency.issued_ms + rng.randint(60, 900)
    away = _at(fate.off, received_ms) or _at(fate.unlinked, received_ms)
    if away is not None:
        received_ms = away.to_ms + rng.randint(500, 5_000)
    if received_ms >= emergency.until_ms:
        return
    yield Told(received_ms, _report(emergency, "received"))
    first = True
    start_ms = received_ms + rng.randint(120, 1_900)
    while start_ms < emergency.until_ms:
        if not _at(fate.off, start_ms):
            end_ms = start_ms + emergency.length_ms
            for place in range(len(station.zones)):
                record = _emergency_zone(station, fate, emergency, place, start_ms, tz)
                yield Told(end_ms + SETTLE_MS, record)
            if first:
                yield Told(end_ms + 5, _report(emergency, "sounded"))
                first = False
        start_ms += emergency.repeat_ms
    yield Told(emergency.until_ms, _report(emergency, "expired"))


def _report(emergency: Emergency, state: str) -> WarningReport:
    return WarningReport(id=emergency.id, revision=1, state=state)  # type: ignore[arg-type]


def _emergency_zone(
    station: Station, fate: Fate, emergency: Emergency, place: int, start_ms: int, tz: ZoneInfo
) -> AsRun:
    zone = station.zones[place]
    local = dt.datetime.fromtimestamp(start_ms // 1_000, tz)
    no_mains = _at(fate.no_mains[zone], start_ms) is not None
    confirmed, doubt = _confirmed(station, fate, place, start_ms)
    end_ms = start_ms + emergency.length_ms
    level_cdb = station.level_cdb + 600
    sound = Segment(
        from_ms=start_ms,
        to_ms=end_ms,
        position_ms=0,
        bus=0,
        level_cdb=level_cdb,
        confirmed=confirmed,
    )
    quiet = any(_at([span], start_ms) for span, _ in fate.quiet[zone])
    broke = [Reason.QUIET] if quiet else []
    if not any(low <= local.hour * 60 + local.minute < high for low, high in _HOURS):
        broke.append(Reason.OUTSIDE_HOURS)
    return AsRun(
        occurrence=OccurrenceRef(
            authority="khu-vuc",
            audience="g/tat-ca",
            entry=f"w-{emergency.id}-1",
            nominal=local.strftime("%Y-%m-%dT%H:%M:%S"),
        ),
        zone=zone,
        title=emergency.title,
        klass=1,
        planned_start_ms=start_ms,
        planned_duration_ms=emergency.length_ms,
        outcome="skipped" if no_mains else "played",
        reason=Reason.NO_MAINS if no_mains else doubt,
        confirmed="unknown" if no_mains else confirmed,
        segments=() if no_mains else (sound,),
        played_ms=0 if no_mains else emergency.length_ms,
        revision=3,
        author="Ban chỉ huy PCTT",
        source="text",
        volume=90,
        broke=() if no_mains else tuple(broke),
    )


_HOURS = ((300, 390), (660, 705), (990, 1_110))


# --- alarms ---------------------------------------------------------------------------------


def _alarms(station: Station, fate: Fate) -> Iterator[Told]:
    episode = 0
    causes = [(AlarmCode.SOURCE_UNREACHABLE, "", fate.unlinked, 180_000)]
    causes.append((AlarmCode.CONTROLLER_LOST, "ampli-1", fate.controller, 5_000))
    for place, zone in enumerate(station.zones):
        if station.measured[place]:
            causes.append((AlarmCode.ZONE_NOT_CONFIRMED, zone, fate.open_lines[zone], 1_500))
            causes.append((AlarmCode.MAINS_LOST, amplifier(place), fate.no_mains[zone], 5_000))
    for code, subject, spans, onset_ms in causes:
        for span in _by_box(spans, fate.new_card_ms):
            if span.length_ms <= onset_ms or _at(fate.off, span.from_ms):
                continue
            episode += 1
            told = [(span.from_ms + onset_ms, "raised")]
            if span.to_ms != fate.new_card_ms:  # the box that was taken away tells no end
                told.append((span.to_ms, "cleared"))
            for at_ms, state in told:
                body = AlarmEvent(
                    code=code,
                    subject=subject,
                    state=state,  # type: ignore[arg-type]
                    episode=episode,
                    since_ms=span.from_ms,
                )
                yield Told(at_ms, body)


def _by_box(spans: list[Span], new_card_ms: int | None) -> Iterator[Span]:
    """A fault that outlives its box is told again by the next."""
    for span in spans:
        if new_card_ms is not None and span.from_ms < new_card_ms < span.to_ms:
            yield Span(span.from_ms, new_card_ms)
            yield Span(new_card_ms, span.to_ms)
        else:
            yield span
