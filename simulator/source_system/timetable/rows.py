"""One row of cells to one entry of the timetable.

Pure. Owns what the words in a cell mean. Collects every fault of the row before giving up.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeVar

import msgspec

from agent.contract.documents import (
    About,
    EndRule,
    Entry,
    FileSource,
    LateRule,
    LineInSource,
    RelayRule,
    Source,
    StreamSource,
    TextSource,
    ToneSource,
    Version,
    When,
    ZoneSelector,
)
from simulator.source_system.bounds import in_words
from simulator.source_system.said import Said
from simulator.source_system.timetable.about import parse_email, parse_produced, parse_summary
from simulator.source_system.timetable.clock import Length, parse_clock, parse_duration, spoken_ms
from simulator.source_system.timetable.columns import REQUIRED, VERSION
from simulator.source_system.timetable.days import Days, parse_date, parse_days, rrule_of
from simulator.source_system.timetable.findings import Fault, Finding, tags_there_are, there_are
from simulator.source_system.timetable.languages import (
    name_of,
    needs_recording,
    parse_language,
)
from simulator.source_system.timetable.relay import parse_retake, parse_silence
from simulator.source_system.timetable.sources import parse_file, parse_sources
from simulator.source_system.timetable.table import Row
from simulator.source_system.timetable.words import bare, clean, nearest, same, slug

T = TypeVar("T")

FINISH_DEFAULT_MS = 10 * 60_000
FADE_DEFAULT_MS = 3_000
LINE_MAX_CHARS = 200
SEARCH_DAYS = 370
"""How far the first day of a rule is looked for."""

_CLASSES = {
    "": 3,
    "thong thuong": 3,
    "binh thuong": 3,
    "normal": 3,
    "3": 3,
    "uu tien": 2,
    "priority": 2,
    "2": 2,
}
_EMERGENCY = frozenset({"khan cap", "emergency", "1"})
_YES = frozenset({"co", "yes", "x", "1", "true"})
_NO = frozenset({"", "khong", "no", "0", "false"})
_ALL = frozenset({"tat ca", "toan xa", "all", "*"})
_TAG = re.compile(r"(?:#|nhan ?: ?|tag ?: ?)(.+)")
_MINUTES = re.compile(r"(\d{1,3}) ?(phut|p|min|minutes?|giay|s|sec|seconds?|gio|h|hours?)?")
_NOTE = re.compile(
    r"\b(?:t[2-7]|cn|thu (?:hai|ba|tu|nam|sau|bay|[2-7])|chu nhat|phat lai|hang ngay"
    r"|\d{1,2}[:hg]\d{0,2}|\d{1,2}/\d{1,2})\b"
)
_NOTE_ENGLISH = re.compile(
    r"\b(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day|daily|repeat(?:ed)?)\b"
)
_LATE = ("vào giữa chừng", "bỏ qua", "bắt đầu lại trong 5 phút")
_RESTART = re.compile(
    r"(?:bat dau lai(?: neu tre)?(?: trong| khong qua)?|cho toi da|restart(?: within)?) ?(.*)"
)
_RESUME = {
    "": "rejoin",
    "rejoin": "rejoin",
    "ve dong thoi gian": "rejoin",
    "continue": "continue",
    "phat tiep": "continue",
    "drop": "drop",
    "bo": "drop",
}


class Tags(NamedTuple):
    """Tags of the zones it goes to, and of the zones of all other stations."""

    here: frozenset[str]
    elsewhere: frozenset[str] = frozenset()


class Context(NamedTuple):
    """zones: station name → its zone names. first_day: the day from which rules begin.

    tags: None when nobody knows them; then they are not looked at.
    """

    zones: Mapping[str, Sequence[str]]
    first_day: dt.date
    allow_long: bool = False
    tz: str = "Asia/Ho_Chi_Minh"
    tags: Tags | None = None


class _Faulty:
    """Runs cell parsers and remembers what they refused."""

    def __init__(self, row: Row) -> None:
        self.row = row
        self.findings: list[Finding] = []

    def read(self, field: str, parse: Callable[[str], T], default: T) -> T:
        try:
            return parse(self.row.text(field))
        except Fault as fault:
            self.add(field, fault.code, fault.guess, fault.what)
            return default

    def add(self, field: str, code: str, guess: str = "", what: str | Said = "") -> None:
        self.findings.append(Finding(self.row.place(field), code, guess, what))


class Parsed(NamedTuple):
    """entries: none after an error, more than one with repeats. days: for later checks."""

    entries: tuple[Entry, ...]
    days: Days | None
    findings: list[Finding]


def parse_row(row: Row, context: Context) -> Parsed:
    """Every fault of the row at once."""
    faulty = _Faulty(row)
    for field in REQUIRED:
        if field not in row.cells:
            faulty.add(field, "required")
    year = context.first_day.year
    start_s = faulty.read("start", _if_filled(parse_clock), None)
    length = faulty.read(
        "duration",
        _if_filled(lambda text: parse_duration(text, allow_long=context.allow_long)),
        None,
    )
    days = faulty.read("days", _if_filled(lambda text: parse_days(text, year=year)), None)
    sources = faulty.read("source", _if_filled(parse_sources), None)
    zones = _zones(faulty, context)
    versions = _versions(faulty)
    _check_versions(faulty, sources, versions)
    _check_relay(faulty, sources)
    rest = {**_rest(faulty), "versions": versions}
    span = _span(faulty, year)
    repeats = faulty.read("repeat", _repeats, list[int]())
    _check_length(faulty, length)
    _check_note(faulty)
    broken = any(one.is_error for one in faulty.findings)
    if broken or start_s is None or days is None or sources is None:
        return Parsed((), days, faulty.findings)
    entries = []
    for number, second in enumerate((start_s, *repeats)):
        when = faulty.read("days", lambda _text, s=second: _when(s, days, span, context), None)  # type: ignore[misc]
        if when is None:
            return Parsed((), days, faulty.findings)
        entry = _entry(faulty, number, when, length, sources, zones, rest)
        if entry is not None:
            entries.append(entry)
    _check_past(faulty, days, context)
    return Parsed(tuple(entries), days, faulty.findings)


def _duration(context: Context) -> Callable[[str], Length]:
    return lambda text: parse_duration(text, allow_long=context.allow_long)


def _if_filled(parse: Callable[[str], T]) -> Callable[[str], T | None]:
    """An empty required cell is already a fault of its own."""
    return lambda text: parse(text) if text else None


def _entry(
    faulty: _Faulty,
    number: int,
    when: When,
    length: Length | None,
    sources: object,
    zones: ZoneSelector,
    rest: dict[str, object],
) -> Entry | None:
    identity = slug(faulty.row.text("id") or faulty.row.text("title"), 28) or "muc"
    fields = {
        "id": identity if number == 0 else f"{identity[:26]}-pl{number}",
        "when": when,
        "sources": sources,
        "zones": zones,
        "duration_ms": None if length is None else length.ms,
        **rest,
    }
    try:
        return msgspec.convert(msgspec.to_builtins(fields), Entry)
    except msgspec.ValidationError as error:
        faulty.add("title", "entry", what=in_words(error))
        return None


def _rest(faulty: _Faulty) -> dict[str, object]:
    """The fields that need no other."""
    lines = {
        field: faulty.read(field, _line, "")
        for field in ("title", "author", "approver", "document_number", "field", "note")
    }
    return {
        **lines,
        "about": _about(faulty),
        "class": faulty.read("class", _class, 3),
        "volume": faulty.read("volume", _volume, None),
        "chime": faulty.read("chime", _chime, None),
        "late": faulty.read("late", _late, LateRule()),
        "end": faulty.read("end", _end, EndRule()),
        "resume": faulty.read("resume", _resume, "rejoin"),
        "language": faulty.read("language", _language, "vi"),
        "relay": RelayRule(
            retake=faulty.read("retake", parse_retake, RelayRule().retake),
            silent_ms=faulty.read("silence", parse_silence, RelayRule().silent_ms),
        ),
    }


def _about(faulty: _Faulty) -> About:
    return About(
        summary=faulty.read("summary", parse_summary, ""),
        produced=faulty.read("produced", parse_produced, ""),
        pen_name=faulty.read("pen_name", _line, ""),
        email=faulty.read("email", parse_email, ""),
    )


def _language(text: str) -> str:
    return parse_language(text) if text else "vi"


def _versions(faulty: _Faulty) -> list[Version]:
    """Sources in other languages, in the order of their columns."""
    found = []
    for field in [field for field in faulty.row.cells if field.startswith(VERSION)]:
        language = field.removeprefix(VERSION)
        sources = faulty.read(field, _recorded, None)
        if sources is None:
            continue
        texts = [one for one in sources if isinstance(one, TextSource)]
        if texts and needs_recording(language):
            faulty.add(field, "version_unspoken", what=name_of(language))
        spoken = tuple(
            msgspec.structs.replace(one, language=language) if one in texts else one
            for one in sources
        )
        found.append(Version(language=language, sources=spoken))
    return found


def _recorded(text: str) -> tuple[Source, ...]:
    sources = parse_sources(text)
    if any(isinstance(one, StreamSource | LineInSource) for one in sources):
        raise Fault("version_live")
    return sources


def _check_versions(
    faulty: _Faulty, sources: Sequence[Source] | None, versions: Sequence[Version]
) -> None:
    if sources and isinstance(sources[0], StreamSource | LineInSource):
        for one in versions:
            faulty.add(VERSION + one.language, "version_after_live", what=name_of(one.language))


def _check_relay(faulty: _Faulty, sources: Sequence[Source] | None) -> None:
    if sources is None or any(isinstance(one, StreamSource | LineInSource) for one in sources):
        return
    for field in ("retake", "silence"):
        if field in faulty.row.cells:
            faulty.add(field, "relay_not_live")


def _line(text: str) -> str:
    if len(text) > LINE_MAX_CHARS:
        raise Fault("too_long", what=str(LINE_MAX_CHARS))
    return text


def _class(text: str) -> int:
    plain = bare(text)
    if plain in _EMERGENCY:
        raise Fault("class_emergency")
    if plain not in _CLASSES:
        raise Fault("class", guess=nearest(text, ("thông thường", "ưu tiên")))
    return _CLASSES[plain]


def _volume(text: str) -> int | None:
    plain = text.removesuffix("%").strip()
    if not plain:
        return None
    if not plain.isdigit() or int(plain) > 100:
        raise Fault("volume")
    return int(plain)


def _chime(text: str) -> FileSource | ToneSource | None:
    plain = bare(text)
    if plain in _NO:
        return None
    if plain in _YES:
        return ToneSource(name="chime")
    if plain.startswith(("tep:", "file:")):
        return parse_file(text.partition(":")[2])
    raise Fault("chime")


def _late(text: str) -> LateRule:
    plain = bare(text)
    if plain in ("", "vao giua chung", "join"):
        return LateRule(policy="join")
    if plain in ("bo qua", "bo", "skip"):
        return LateRule(policy="skip")
    found = re.fullmatch(
        r"(?:bat dau lai(?: neu tre)?(?: trong| khong qua)?|cho toi da|restart(?: within)?) ?(.*)",
        plain,
    )
    if found is None:
        raise Fault(
            "late", guess=nearest(text, ("vào giữa chừng", "bỏ qua", "bắt đầu lại trong 5 phút"))
        )
    return LateRule(policy="restart", grace_ms=_grace_ms(found[1]))


def _grace_ms(text: str) -> int:
    found = _MINUTES.fullmatch(text.strip())
    if found is None:
        raise Fault("late", guess="bắt đầu lại trong 5 phút")
    unit = found[2] or "phut"
    seconds = 1 if unit.startswith(("giay", "s")) else 3600 if unit.startswith(("gio", "h")) else 60
    return int(found[1]) * seconds * 1000


def _end(text: str) -> EndRule:
    plain = bare(text)
    if plain in ("", "cat", "cut"):
        return EndRule()
    if plain in ("nho dan", "fade"):
        return EndRule(rule="fade", within_ms=FADE_DEFAULT_MS)
    found = re.fullmatch(r"(?:phat het|cho nguon dung|finish)(?: (?:trong|within) (.+))?", plain)
    if found is None:
        raise Fault("end", guess=nearest(text, ("cắt", "phát hết", "nhỏ dần")))
    within_ms = _grace_ms(found[1]) if found[1] else FINISH_DEFAULT_MS
    return EndRule(rule="finish", within_ms=within_ms)


def _resume(text: str) -> str:
    plain = bare(text)
    if plain not in _RESUME:
        raise Fault("resume")
    return _RESUME[plain]


def _repeats(text: str) -> list[int]:
    return [parse_clock(part) for part in re.split(r"[;,]", text) if clean(part)]


# --- zones ---------------------------------------------------------------------------------


def _zones(faulty: _Faulty, context: Context) -> ZoneSelector:
    text = faulty.row.text("zones")
    names: list[str] = []
    tags: list[str] = []
    for part in (clean(part) for part in re.split(r"[;,]", text)):
        plain = bare(part)
        if not part:
            continue
        if plain in _ALL:
            return ZoneSelector(all=True)
        if tag := _TAG.fullmatch(plain):
            tags.append(slug(tag[1]))
            _check_tag(faulty, part, tags[-1], context.tags)
        else:
            name = _zone(faulty, part, context.zones)
            if name is not None:
                names.append(name)
    return ZoneSelector(names=tuple(dict.fromkeys(names)), tags=tuple(dict.fromkeys(tags)))


def _check_tag(faulty: _Faulty, part: str, tag: str, known: Tags | None) -> None:
    """A tag that no zone has selects nothing, and nobody would hear why."""
    if known is None or tag in known.here:
        return
    place = faulty.row.place_of("zones", part)
    if tag in known.elsewhere:
        faulty.findings.append(Finding(place, "tag_elsewhere"))
        return
    every = sorted(known.here | known.elsewhere)
    guess = nearest(tag, every)
    faulty.findings.append(
        Finding(place, "tag_unknown", f"#{guess}" if guess else "", tags_there_are(every))
    )


def _zone(faulty: _Faulty, part: str, zones: Mapping[str, Sequence[str]]) -> str | None:
    """The name as the stations write it; capitals, spaces and NFD forgiven, marks not."""
    known = {same(name): name for names in zones.values() for name in names}
    name = known.get(same(part))
    if name is None:
        guess = nearest(part, known.values())
        place = faulty.row.place_of("zones", part)
        others = "" if guess else there_are(list(known.values()))
        faulty.findings.append(Finding(place, "zone_unknown", guess, others))
        return None
    without = [station for station, names in zones.items() if name not in names]
    if without:
        faulty.add("zones", "zone_partly", what=", ".join(without[:5]))
    return name


# --- days ----------------------------------------------------------------------------------


class _Span(NamedTuple):
    first: dt.date | None
    last: dt.date | None


def _span(faulty: _Faulty, year: int) -> _Span:
    def date(text: str) -> dt.date | None:
        return parse_date(text, year=year)[0] if text else None

    span = _Span(faulty.read("from", date, None), faulty.read("until", date, None))
    if span.first and span.last and span.last < span.first:
        faulty.add("until", "dates_reversed")
    return span


def _when(second: int, days: Days, span: _Span, context: Context) -> When:
    """Raises Fault when no day is left."""
    clock = dt.time(second // 3600, second // 60 % 60, second % 60)

    def local(day: dt.date) -> str:
        return dt.datetime.combine(day, clock).isoformat(timespec="seconds")

    left_out = tuple(local(day) for day in days.left_out)
    if days.dates:
        first, *others = days.dates
        return When(
            start=local(first),
            tz=context.tz,
            dates=tuple(local(day) for day in others),
            except_=left_out,
        )
    begin = span.first or context.first_day
    first_day = _first_day(days, begin, span.last)
    return When(
        start=local(first_day),
        tz=context.tz,
        rrule=rrule_of(days.weekdays),
        except_=left_out,
        until=None if span.last is None else span.last.isoformat(),
    )


def _first_day(days: Days, begin: dt.date, last: dt.date | None) -> dt.date:
    for step in range(SEARCH_DAYS):
        day = begin + dt.timedelta(days=step)
        if last is not None and day > last:
            break
        if days.plays_on(day):
            return day
    raise Fault("days_none")


# --- remarks -------------------------------------------------------------------------------


def _check_length(faulty: _Faulty, length: Length | None) -> None:
    if length is not None and length.two_parts:
        faulty.add("duration", "duration_two_parts", what=spoken_ms(length.ms))


def _check_note(faulty: _Faulty) -> None:
    note = bare(faulty.row.text("note"))
    if _NOTE.search(note) or _NOTE_ENGLISH.search(note):
        faulty.add("note", "note_rule")


def _check_past(faulty: _Faulty, days: Days, context: Context) -> None:
    past = [day.isoformat() for day in days.dates if day < context.first_day]
    if past:
        faulty.add("days", "date_past", what=", ".join(past[:3]))
