"""What of an as-run record a report looks up by: one row for each (occurrence, zone).

Owns the reading of raw records for reports. It is lenient: a record of an older station lacks
fields (unknown), one of a newer station has codes that are not known here (kept as they are).
Pure. Invariants: heard + mute ≤ played; outside numbers are clamped; nothing is filled in.
"""

from __future__ import annotations

from functools import lru_cache
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
    kind: str = KIND
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


class _Tagged(msgspec.Struct):
    kind: str


class _Head(msgspec.Struct):
    """Of any record: which one it says it is."""

    station: str
    installation: str
    stream: str
    seq: int
    at_ms: int
    body: _Tagged


class _Record(msgspec.Struct):
    body: _Body
    station: str = ""
    installation: str = ""
    stream: str = ""
    seq: int = 0
    at_ms: int = 0


class Identity(NamedTuple):
    """Which record some bytes say they are, when it was written and of what kind."""

    station: str
    installation: str
    stream: str
    seq: int
    at_ms: int
    kind: str


_DECODER = msgspec.json.Decoder(_Record)
_HEADS = msgspec.json.Decoder(_Head)
LABELS_KEPT = 20_000


def identity_of(raw: bytes) -> Identity | None:
    """None when the bytes are no record."""
    try:
        head = _HEADS.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, TypeError):
        return None
    return Identity(
        head.station, head.installation, head.stream, head.seq, head.at_ms, head.body.kind
    )


def play_of(raw: bytes) -> Play | None:
    """The row of an as-run record; None when it cannot be read (the raw bytes stay)."""
    try:
        return _play(_DECODER.decode(raw).body)
    except (msgspec.DecodeError, UnicodeDecodeError, TypeError):
        return None


def read_as_run(raw: bytes) -> tuple[Identity | None, Play | None]:
    """`identity_of` and `play_of` of what is kept as an as-run record, in one look."""
    try:
        record = _DECODER.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, TypeError):
        return identity_of(raw), None
    body = record.body
    identity = Identity(
        record.station, record.installation, record.stream, record.seq, record.at_ms, body.kind
    )
    return identity, _play(body)


def _play(body: _Body) -> Play:
    """A year of a district has 1.5 million of them: one way through the segments."""
    sound_ms = yes_ms = no_ms = level_sum = level_ms = 0
    level_max = first_ms = None
    for one in body.segments:
        if one.gap is not None:
            continue
        length_ms = _length(one)
        if length_ms <= 0:
            continue
        sound_ms += length_ms
        if one.confirmed == "yes":
            yes_ms += length_ms
        elif one.confirmed == "no":
            no_ms += length_ms
        from_ms = _instant(one.from_ms)
        first_ms = from_ms if first_ms is None or from_ms < first_ms else first_ms
        if one.level_cdb is not None:
            level = _level(one.level_cdb)
            level_sum += level * length_ms
            level_ms += length_ms
            level_max = level if level_max is None or level > level_max else level_max
    played_ms = _clamp(body.played_ms, 0, LENGTH_MAX_MS)
    # What tore within the sound is taken from what was heard.
    heard_ms = min(max(0, yes_ms - max(0, sound_ms - played_ms)), played_ms)
    ref = body.occurrence
    return Play(
        _instant(body.planned_start_ms),
        f"{ref.authority}|{ref.audience}|{ref.entry}|{ref.nominal}",
        body.zone,
        _label(
            body.title,
            body.klass,
            ref.authority,
            ref.entry,
            body.source,
            body.volume,
            body.author,
            body.approver,
            body.approved_by,
            UNSAID if body.approval is msgspec.UNSET else body.approval or "",
            body.document_number,
            body.field,
            body.language,
            body.languages_missing,
            body.rule,
            body.broke,
            body.above_ceiling,
        ),
        body.outcome,
        body.reason or "",
        body.confirmed,
        _maybe(body.planned_duration_ms, 0, LENGTH_MAX_MS),
        played_ms,
        heard_ms,
        min(no_ms, played_ms - heard_ms),
        level_sum,
        level_ms,
        level_max,
        first_ms,
        _maybe(body.start_error_ms, -NUMBER_MAX, NUMBER_MAX),
    )


@lru_cache(LABELS_KEPT)
def _label(
    title: str,
    klass: int,
    authority: str,
    entry: str,
    source: str,
    volume: int | None,
    author: str,
    approver: str,
    approved_by: str,
    approval: str,
    document_number: str,
    field: str,
    language: str,
    languages_missing: tuple[str, ...],
    rule: str,
    broke: tuple[str, ...] | None,
    above_ceiling: int | None,
) -> Label:
    """The same words are the same label: few, for many records."""
    return Label(
        title=title,
        klass=_clamp(klass, 1, 9),
        authority=authority,
        entry=entry,
        source=source.partition(":")[0],
        volume=_maybe(volume, 0, 100),
        author=author,
        approver=approver,
        approved_by=approved_by,
        approval=approval,
        document_number=document_number,
        field=field,
        language=language,
        languages_missing=languages_missing,
        rule=rule,
        broke=broke,
        above_ceiling=_maybe(above_ceiling, 0, 100),
    )


def _instant(at_ms: int) -> int:
    return at_ms if 0 <= at_ms <= TIME_MAX_MS else _clamp(at_ms, 0, TIME_MAX_MS)


def _length(one: _Segment) -> int:
    length_ms = _instant(one.to_ms) - _instant(one.from_ms)
    return length_ms if 0 <= length_ms <= LENGTH_MAX_MS else _clamp(length_ms, 0, LENGTH_MAX_MS)


def _level(cdb: int) -> int:
    return _clamp(cdb, LEVEL_MIN_CDB, 0)


def _clamp(value: int, low: int, high: int) -> int:
    return max(low, min(high, value))


def _maybe(value: int | None, low: int, high: int) -> int | None:
    return None if value is None else _clamp(value, low, high)
