"""Timetables as an engineer might write them, drawn from chance, and a naive reading of them.

`starts` is the oracle's own expansion: a walk over days that shares no code with the core. Only
the forms made here are read: once, daily, or weekly on named days, in Vietnam's fixed offset or
in a zone whose clocks change.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from random import Random
from zoneinfo import ZoneInfo

import msgspec

from agent.contract.documents import (
    EndRule,
    Entry,
    FileSource,
    LateRule,
    Source,
    StreamSource,
    TextSource,
    ToneSource,
    Version,
    When,
    ZoneSelector,
)

OFFSET_MS = 7 * 3_600_000
DAY_MS = 86_400_000
DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
TAGS = ("chan", "le")
VIETNAM = "Asia/Ho_Chi_Minh"
CHANGING = ("America/New_York", "Europe/Berlin", "Australia/Lord_Howe")
"""Zones with summer time; in the last one the clocks move by half an hour."""

ABROAD_SHARE = 0.7
VERSIONS_SHARE = 0.15


def local(wall_ms: int) -> datetime:
    """Naive local time in Vietnam."""
    return datetime.fromtimestamp((wall_ms + OFFSET_MS) / 1_000, UTC).replace(tzinfo=None)


def wall_of(nominal: str) -> int:
    moment = datetime.fromisoformat(nominal).replace(tzinfo=UTC)
    return int(moment.timestamp()) * 1_000 - OFFSET_MS


@lru_cache(maxsize=65_536)
def instant_of(nominal: str, tz: str) -> int:
    """What a clock of `tz` means: the first time it shows `nominal`.

    A time that it leaves out comes later by what it left out: as if it had not changed yet.
    """
    if tz == VIETNAM:
        return wall_of(nominal)
    zone, face = ZoneInfo(tz), datetime.fromisoformat(nominal)
    around = face.replace(tzinfo=UTC)
    before, after = (
        (around + timedelta(days=days)).astimezone(zone).utcoffset() or timedelta()
        for days in (-1, 1)
    )
    shown = [
        moment
        for moment in (around - before, around - after)
        if moment.astimezone(zone).replace(tzinfo=None) == face
    ]
    return int(min(shown, default=around - before).timestamp()) * 1_000


@dataclass(frozen=True, slots=True)
class Start:
    """One planned start: nominal local time, and the instant it means."""

    nominal: str
    start_ms: int

    @property
    def date(self) -> str:
        return self.nominal[:10]


def starts(entry: Entry, from_ms: int, to_ms: int) -> list[Start]:
    """Planned starts with from_ms <= start < to_ms, day by day."""
    when = entry.when
    anchor = datetime.fromisoformat(when.start)
    found: list[Start] = []
    abroad = 0 if when.tz == VIETNAM else 1
    day = max(local(from_ms).date() - timedelta(days=1 + abroad), anchor.date())
    last = local(to_ms).date() + timedelta(days=abroad)
    while day <= last:
        nominal = datetime.combine(day, anchor.time()).isoformat()
        start_ms = instant_of(nominal, when.tz)
        if from_ms <= start_ms < to_ms and _plays(when, day, nominal):
            found.append(Start(nominal, start_ms))
        day += timedelta(days=1)
    return found


def _plays(when: When, day: date, nominal: str) -> bool:
    if nominal in when.except_ or (when.until is not None and day.isoformat() > when.until):
        return False
    if when.rrule is None:
        return nominal == when.start
    _, _, days = when.rrule.partition("BYDAY=")
    return not days or DAYS[day.weekday()] in days.split(",")


def selects(selector: ZoneSelector, zone: str, tags: Iterable[str]) -> bool:
    return selector.all or zone in selector.names or bool(set(selector.tags) & set(tags))


@dataclass(slots=True)
class Author:
    """Writes entries for one audience. zones: names that may be addressed there.

    abroad: time zones in which some of its entries are meant, beside Vietnam's.
    """

    rng: Random
    audience: str
    zones: tuple[str, ...]
    made: int = 0
    abroad: tuple[str, ...] = ()

    @property
    def _prefix(self) -> str:
        return self.audience.replace("/", "-")

    def timetable(self, first: date, count: int) -> tuple[Entry, ...]:
        return tuple(self.entry(first) for _ in range(count))

    def entry(self, first: date) -> Entry:
        rng = self.rng
        self.made += 1
        name = f"e{self.made}"
        slot_ms = rng.choice((None, 60_000, 180_000, 300_000, 600_000))
        sources = self.sources(name, 1)
        if isinstance(sources[0], StreamSource) and slot_ms is None:
            slot_ms = 300_000
        return Entry(
            id=name,
            title=f"Mục {self.made}",
            when=self._when(first),
            sources=sources,
            zones=self._selector(),
            klass=rng.choice((2, 3, 3, 3)),
            duration_ms=slot_ms,
            chime=rng.choice((None, ToneSource())),
            volume=rng.choice((None, None, 55)),
            late=rng.choice(
                (
                    LateRule(policy="join"),
                    LateRule(policy="join"),
                    LateRule(policy="restart", grace_ms=rng.choice((60_000, 900_000))),
                    LateRule(policy="skip"),
                )
            ),
            resume=rng.choice(("rejoin", "rejoin", "continue", "drop")),
            end=rng.choice(
                (
                    EndRule(),
                    EndRule(rule="finish", within_ms=120_000),
                    EndRule(rule="fade", within_ms=2_000),
                )
            ),
            author="An",
            approver="Bình",
            versions=self._versions(name, sources),
        )

    def _versions(self, name: str, sources: tuple[Source, ...]) -> tuple[Version, ...]:
        """Some bulletins are said in Tày and English too: recorded for each day, and spoken."""
        rng = self.rng
        if isinstance(sources[0], StreamSource) or rng.random() > VERSIONS_SHARE:
            return ()
        slot = FileSource(slot=f"{self._prefix}-{name}-tyz", dated=rng.random() < 0.5)
        english = TextSource(text=f"Bulletin {self._prefix} {name}.", language="en")
        both = (
            Version(language="tyz", sources=(slot,)),
            Version(language="en", sources=(english,)),
        )
        return rng.choice((both, both[:1], both[1:]))

    def sources(self, name: str, version: int) -> tuple[Source, ...]:
        slot = f"{self._prefix}-{name}-v{version}"
        dated, plain = FileSource(slot=slot, dated=True), FileSource(slot=slot)
        text = TextSource(text=f"Bản tin {slot} xin kính chào bà con.")
        stream = StreamSource(url=f"https://live.example/{slot}")
        return self.rng.choice(
            (
                (dated,),
                (dated,),
                (plain,),
                (plain,),
                (text,),
                (stream, text),
                (dated, text),
            )
        )

    def _when(self, first: date) -> When:
        rng = self.rng
        minute = rng.choice((0, 0, 15, 30, 30, rng.randint(0, 59)))
        at = f"{rng.choice((5, 5, 6, 11, 17, 17, 18, rng.randint(4, 22))):02}:{minute:02}:00"
        rule = rng.choice(("FREQ=DAILY", "FREQ=DAILY", "FREQ=WEEKLY;BYDAY=MO,TU,TH,SA", None))
        day = first if rule else first + timedelta(days=rng.randint(0, 3))
        if rule and "BYDAY" in rule:
            while DAYS[day.weekday()] not in rule:
                day += timedelta(days=1)
        if self.abroad and rng.random() < ABROAD_SHARE:
            at = f"{rng.choice((0, 1, 1, 2, 2, 2, 3, 17)):02}:{rng.choice((0, 15, 30, 45)):02}:00"
            tz = rng.choice(self.abroad)
            return When(start=f"{day.isoformat()}T{at}", rrule=rule, tz=tz)
        return When(start=f"{day.isoformat()}T{at}", rrule=rule)

    def _selector(self) -> ZoneSelector:
        rng = self.rng
        return rng.choice(
            (
                ZoneSelector(all=True),
                ZoneSelector(all=True),
                ZoneSelector(names=(rng.choice(self.zones),)),
                ZoneSelector(tags=(rng.choice(TAGS),)),
            )
        )

    # --- edits --------------------------------------------------------------------------

    def edited(self, entries: tuple[Entry, ...], today: date) -> tuple[Entry, ...]:
        """The timetable after somebody changed one thing in it."""
        rng = self.rng
        at = rng.randrange(len(entries))
        old = entries[at]
        match rng.choice(("add", "remove", "move", "zones", "sources", "title", "except")):
            case "add" if len(entries) < 12:
                return (*entries, self.entry(today))
            case "remove" if len(entries) > 3:
                return entries[:at] + entries[at + 1 :]
            case "move":
                new = msgspec.structs.replace(old, when=self._moved(old.when))
            case "zones":
                new = msgspec.structs.replace(old, zones=self._selector())
            case "sources":
                self.made += 1
                new = msgspec.structs.replace(old, sources=self.sources(old.id, self.made))
                if isinstance(new.sources[0], StreamSource) and new.duration_ms is None:
                    new = msgspec.structs.replace(new, duration_ms=300_000)
            case "except":
                day = today + timedelta(days=rng.randint(0, 2))
                nominal = f"{day.isoformat()}T{old.when.start[11:]}"
                when = msgspec.structs.replace(old.when, except_=(*old.when.except_, nominal)[-5:])
                if when.rrule is None:
                    when = old.when
                new = msgspec.structs.replace(old, when=when)
            case _:
                new = msgspec.structs.replace(old, title=f"{old.title} sửa"[:60])
        return (*entries[:at], new, *entries[at + 1 :])

    def _moved(self, when: When) -> When:
        """Some minutes earlier or later, the same days."""
        anchor = datetime.fromisoformat(when.start)
        minutes = self.rng.choice((-20, -2, 1, 3, 10, 45))
        moved = anchor + timedelta(minutes=minutes)
        if moved.date() != anchor.date():
            return when
        return msgspec.structs.replace(when, start=moved.isoformat(), except_=())
