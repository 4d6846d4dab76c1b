"""What of an as-run record a report looks up by: one row for each (occurrence, zone).

Owns the reading of raw records for reports. It is lenient: a record of an older station lacks
fields (unknown), one of a newer station has codes that are not known here (kept as they are).
Pure. Invariants: heard + mute ≤ played; outside numbers are clamped; nothing is filled in.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

KIND = "asrun"
"""The kind of event that becomes a row."""

VERSION = 3
"""Of these columns; another number in the database means: make them anew from the raw records."""

TIME_MAX_MS = 4_102_444_800_000
LENGTH_MAX_MS = 7 * 86_400_000
LEVEL_MIN_CDB = -12_000
NUMBER_MAX = 10**9


ABOVE_CEILING = "above_ceiling"
"""Among the rules an emergency broke: it was louder than the volume ceiling in force."""

UNSAID = "unsaid"
"""The approval in a record of software that knew none; "" is that none was needed."""


class Label(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What many rows have in common. Empty and None: the record does not say.

    broke None: software that did not record it. above_ceiling: the volume ceiling that an
    emergency was louder than.
    """

    title: str = ""
    klass: int = 3
    authority: str = ""
    entry: str = ""
    source: str = ""
    volume: int | None = None
    author: str = ""
    approver: str = ""
    approved_by: str = ""
    approval: str = ""
    document_number: str = ""
    field: str = ""
    language: str = ""
    languages_missing: tuple[str, ...] = ()
    rule: str = ""
    broke: tuple[str, ...] | None = None
    above_ceiling: int | None = None

    @property
    def went_over(self) -> tuple[str, ...] | None:
        """Rules that an emergency broke, the ceiling of volume among them."""
        over = () if self.above_ceiling is None else (ABOVE_CEILING,)
        return over or None if self.broke is None else (*self.broke, *over)


class Play(NamedTuple):
    """occurrence: who|for whom|what|when, as planned. length_ms None: as long as its content.

    heard_ms: of `played_ms`, measured and confirmed audible in the zone; mute_ms: measured and
    found silent; the rest was not measured. level_*: RMS at the mixer in hundredths of a dB of
    full scale, summed over the stretches that have one (Σ level · ms and Σ ms), and the loudest.
    """

    planned_ms: int
    occurrence: str
    zone: str
    label: Label
    outcome: str
    reason: str
    confirmed: str
    length_ms: int | None
    played_ms: int
    heard_ms: int
    mute_ms: int
    level_sum: int
    level_ms: int
    level_max: int | None
    first_ms: int | None
    start_error_ms: int | None


class _Occurrence(msgspec.Struct):
    authority: str = ""
    audience: str = ""
    entry: str = ""
    nominal: str = ""


class _Segment(msgspec.Struct):
    from_ms: int = 0
    to_ms: int = 0
    level_cdb: int | None = None
    confirmed: str = "unknown"
    gap: str | None = None


class _Body(msgspec.Struct):
    occurrence: _Occurrence
    zone: str
    planned_start_ms: int
    outcome: str
    title: str = ""
    klass: int = msgspec.field(name="class", default=3)
    planned_duration_ms: int | None = None
    reason: str | None = None
    confirmed: str = "unknown"
    segments: tuple[_Segment, ...] = ()
    played_ms: int = 0
    author: str = ""
    approver: str = ""
    source: str = ""
    volume: int | None = None
    start_error_ms: int | None = None
    rule: str = ""
    broke: tuple[str, ...] | None = None
    above_ceiling: int | None = None
    approved_by: str = ""
    approval: str | msgspec.UnsetType | None = msgspec.UNSET
    document_number: str = ""
    field: str = ""
    language: str = ""
    languages_missing: tuple[str, ...] = ()


class _Record(msgspec.Struct):
    body: _Body


_DECODER = msgspec.json.Decoder(_Record)


def play_of(raw: bytes) -> Play | None:
    """The row of an as-run record; None when it cannot be read (the raw bytes stay)."""
    try:
        body = _DECODER.decode(raw).body
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    sound = [(one, _length(one)) for one in body.segments if one.gap is None]
    sound = [(one, length_ms) for one, length_ms in sound if length_ms > 0]
    heard_ms, mute_ms, played_ms = _evidence(body, sound)
    ref = body.occurrence
    levels = [(_level(one.level_cdb), ms) for one, ms in sound if one.level_cdb is not None]
    return Play(
        planned_ms=_clamp(body.planned_start_ms, 0, TIME_MAX_MS),
        occurrence=f"{ref.authority}|{ref.audience}|{ref.entry}|{ref.nominal}",
        zone=body.zone,
        label=_label(body),
        outcome=body.outcome,
        reason=body.reason or "",
        confirmed=body.confirmed,
        length_ms=_maybe(body.planned_duration_ms, 0, LENGTH_MAX_MS),
        played_ms=played_ms,
        heard_ms=heard_ms,
        mute_ms=mute_ms,
        level_sum=sum(level * ms for level, ms in levels),
        level_ms=sum(ms for _, ms in levels),
        level_max=max((level for level, _ in levels), default=None),
        first_ms=min((_clamp(one.from_ms, 0, TIME_MAX_MS) for one, _ in sound), default=None),
        start_error_ms=_maybe(body.start_error_ms, -NUMBER_MAX, NUMBER_MAX),
    )


def _evidence(body: _Body, sound: list[tuple[_Segment, int]]) -> tuple[int, int, int]:
    """(heard, mute, played). What tore within the sound is taken from what was heard."""
    played_ms = _clamp(body.played_ms, 0, LENGTH_MAX_MS)
    yes_ms = sum(ms for one, ms in sound if one.confirmed == "yes")
    no_ms = sum(ms for one, ms in sound if one.confirmed == "no")
    torn_ms = max(0, sum(ms for _, ms in sound) - played_ms)
    heard_ms = min(max(0, yes_ms - torn_ms), played_ms)
    return heard_ms, min(no_ms, played_ms - heard_ms), played_ms


def _label(body: _Body) -> Label:
    return Label(
        title=body.title,
        klass=_clamp(body.klass, 1, 9),
        authority=body.occurrence.authority,
        entry=body.occurrence.entry,
        source=body.source.partition(":")[0],
        volume=_maybe(body.volume, 0, 100),
        author=body.author,
        approver=body.approver,
        approved_by=body.approved_by,
        approval=UNSAID if body.approval is msgspec.UNSET else body.approval or "",
        document_number=body.document_number,
        field=body.field,
        language=body.language,
        languages_missing=body.languages_missing,
        rule=body.rule,
        broke=body.broke,
        above_ceiling=_maybe(body.above_ceiling, 0, 100),
    )


def _length(one: _Segment) -> int:
    from_ms, to_ms = _clamp(one.from_ms, 0, TIME_MAX_MS), _clamp(one.to_ms, 0, TIME_MAX_MS)
    return _clamp(to_ms - from_ms, 0, LENGTH_MAX_MS)


def _level(cdb: int | None) -> int:
    return LEVEL_MIN_CDB if cdb is None else _clamp(cdb, LEVEL_MIN_CDB, 0)


def _clamp(value: int, low: int, high: int) -> int:
    return max(low, min(high, value))


def _maybe(value: int | None, low: int, high: int) -> int | None:
    return None if value is None else _clamp(value, low, high)
