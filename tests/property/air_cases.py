"""Random communes for the properties of the rules: regulations, timetables, and a day's mishaps.

Small on purpose: three zones, three hours, minutes as units, so that nearly every example has
something at the edge of a rule. The days are ordinary ones and nights in which clocks are changed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Literal, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

import msgspec
from hypothesis import strategies as st

from agent.contract.documents import (
    AirWindow,
    ApprovalRule,
    EndRule,
    Entry,
    FileSource,
    LateRule,
    Regulation,
    VolumeCeiling,
    When,
    ZoneSelector,
)

ZONES = ("dong", "trung", "doai")
SPAN_MIN = 180
LEAD_MIN = 10
"""Nothing starts before: files are fetched meanwhile."""

MINUTE_MS = 60_000

T = TypeVar("T")


class Night(NamedTuple):
    """A time zone, and an instant from which three hours are looked at."""

    tz: str
    begin: str
    """UTC"""

    @property
    def begin_ms(self) -> int:
        return int(datetime.fromisoformat(self.begin).replace(tzinfo=UTC).timestamp()) * 1_000

    def local(self, minute: int) -> datetime:
        moment = datetime.fromisoformat(self.begin).replace(tzinfo=UTC) + timedelta(minutes=minute)
        return moment.astimezone(ZoneInfo(self.tz))


NIGHTS = (
    Night("Asia/Ho_Chi_Minh", "2026-03-01T22:00:00"),  # 05:00 on a Monday
    Night("Asia/Ho_Chi_Minh", "2026-03-01T15:30:00"),  # 22:30 on a Sunday, into Monday
    Night("Europe/Berlin", "2026-10-24T23:30:00"),  # 01:30, and 02:xx comes twice
    Night("Europe/Berlin", "2026-03-28T23:30:00"),  # 00:30, and 02:xx does not come
    Night("Australia/Lord_Howe", "2026-04-04T14:00:00"),  # 01:00, and half an hour comes twice
    Night("America/Sao_Paulo", "2018-11-04T01:30:00"),  # 22:30, and 00:xx does not come
)

Act = Literal[
    "quiet", "warn", "power", "clock", "approve", "refuse", "loud", "say", "hold", "skip", "order"
]


class Mishap(NamedTuple):
    """minute: when. zones, number: what of it, by act."""

    minute: int
    act: Act
    zones: tuple[str, ...]
    number: int


@dataclass(frozen=True)
class Commune:
    """One example."""

    night: Night
    rules: Regulation
    approvals: tuple[ApprovalRule, ...] | None
    home: tuple[Entry, ...]
    above: tuple[Entry, ...]
    lengths_ms: dict[str, int]
    mishaps: tuple[Mishap, ...] = field(default=())

    @property
    def entries(self) -> tuple[Entry, ...]:
        return (*self.home, *self.above)


def selector(zones: tuple[str, ...]) -> ZoneSelector:
    return ZoneSelector(all=True) if zones == ZONES else ZoneSelector(names=zones)


class _Draw:
    """Draws from chance. Even chances for rare corners: hypothesis itself prefers small numbers,
    and then hardly an example has several things in it."""

    def __init__(self, seed: int) -> None:
        self.rng = Random(seed)

    def one(self, *choices: T) -> T:
        return self.rng.choice(choices)

    def zones(self) -> tuple[str, ...]:
        many = self.rng.randint(1, len(ZONES))
        chosen = self.rng.sample(ZONES, many)
        return tuple(zone for zone in ZONES if zone in chosen)

    def hours(self, night: Night) -> str:
        """Mostly within the span; whole minutes of one local day."""
        first = night.local(self.rng.randint(-20, self.one(30, 60, SPAN_MIN - 10)))
        from_min = first.hour * 60 + first.minute
        to_min = min(24 * 60, from_min + self.rng.randint(1, self.one(60, 150)))
        return f"{from_min // 60:02}:{from_min % 60:02}-{to_min // 60:02}:{to_min % 60:02}"

    def window(self, night: Night) -> AirWindow:
        day = night.local(SPAN_MIN // 2).isoweekday()
        days = self.one((), (), (), (day,), (day % 7 + 1,), tuple(range(1, 8)))
        minutes = self.one(None, self.rng.randint(1, 40))
        return AirWindow(
            hours=self.hours(night),
            days=days,
            zones=self.one(None, None, selector(self.zones())),
            session_ms=None if minutes is None else minutes * MINUTE_MS,
        )

    def regulation(self, night: Night) -> Regulation:
        windows = tuple(self.window(night) for _ in range(self.one(0, 1, 2, 3, 4)))
        dates = [night.local(minute).date().isoformat() for minute in (0, SPAN_MIN)]
        return Regulation(
            document_number="QĐ 1/2026",
            windows=windows,
            silent_dates=self.one((), (), (), (), (), (), (dates[0],), (dates[1],)),
            sessions_per_day=self.one(None, 1, 2) if windows else None,
            ceilings=tuple(self.ceiling(night) for _ in range(self.one(0, 1, 2))),
            languages=self.one((), (), (), ("vi",), ("vi", "tay")),
        )

    def ceiling(self, night: Night) -> VolumeCeiling:
        """May pass midnight."""
        first, last = (night.local(self.rng.randint(-60, SPAN_MIN)) for _ in range(2))
        last += timedelta(minutes=1) if last.time() == first.time() else timedelta()
        day = night.local(SPAN_MIN // 2).isoweekday()
        return VolumeCeiling(
            hours=f"{first:%H:%M}-{last:%H:%M}",
            volume=self.one(90, self.rng.randint(0, 90), self.rng.randint(0, 90)),
            days=self.one((), (), (day,), (day % 7 + 1,)),
            zones=self.one(None, selector(self.zones())),
        )

    def entry(self, night: Night, name: str) -> Entry:
        start = night.local(self.rng.randint(LEAD_MIN, SPAN_MIN - 5))
        slot = self.one(None, self.rng.randint(1, 40))
        restart = LateRule(policy="restart", grace_ms=20 * MINUTE_MS)
        return Entry(
            id=name,
            title=name,
            when=When(start=start.strftime("%Y-%m-%dT%H:%M:%S"), tz=night.tz),
            sources=(FileSource(slot=name),),
            zones=selector(self.zones()),
            klass=self.one(2, 3, 3),
            duration_ms=None if slot is None else slot * MINUTE_MS,
            late=self.one(LateRule(), LateRule(), LateRule(policy="skip"), restart),
            resume=self.one("rejoin", "rejoin", "continue", "drop"),
            end=self.one(EndRule(), EndRule(rule="finish", within_ms=120_000)),
            author="Trần Thị Lan",
            language=self.one("vi", "vi", "vi", "vi", "vi-VN", "tay"),
        )

    def mishap(self, acts: tuple[Act, ...]) -> Mishap:
        minute = self.rng.randint(2, SPAN_MIN - 10)
        return Mishap(minute, self.one(*acts), self.zones(), self.rng.randint(-15, 60))

    def commune(self, acts: tuple[Act, ...]) -> Commune:
        night = self.one(*NIGHTS)
        home = tuple(self.entry(night, f"xa-{n}") for n in range(self.rng.randint(1, 5)))
        above = tuple(self.entry(night, f"tinh-{n}") for n in range(self.rng.randint(0, 3)))
        lengths = {one.id: self.rng.randint(1, 35) * MINUTE_MS for one in (*home, *above)}
        mishaps = [self.mishap(acts) for _ in range(self.rng.randint(1, 8))] if acts else []
        return Commune(
            night,
            self.regulation(night),
            self.one(None, (), (), (ApprovalRule(authority="tinh", mode="standing"),)),
            home,
            above,
            lengths,
            tuple(sorted(mishaps)),
        )

    def collisions(self) -> Commune:
        """Short bulletins that want the same minutes, and what the commune decides about them."""
        night = self.one(*NIGHTS[:2])
        home = tuple(self.colliding(night, f"xa-{n}") for n in range(self.rng.randint(2, 6)))
        lengths = {one.id: self.rng.randint(5, 120) * 1_000 for one in home}
        rules = self.one(Regulation(), Regulation(), self.regulation(night))
        acts: tuple[Act, ...] = ("order", "order", "hold", "skip", "quiet")
        mishaps = tuple(self.mishap(acts) for _ in range(self.rng.randint(0, 5)))
        return Commune(night, rules, None, home, (), lengths, mishaps)

    def colliding(self, night: Night, name: str) -> Entry:
        start = night.local(20) + timedelta(seconds=self.one(0, 0, 0, 10, 30, 60))
        grace_ms = self.one(0, 5_000, 30_000, 5 * MINUTE_MS)
        restart = LateRule(policy="restart", grace_ms=grace_ms)
        slot = self.one(None, None, self.rng.randint(5, 90) * 1_000)
        return msgspec.structs.replace(
            self.entry(night, name),
            when=When(start=start.strftime("%Y-%m-%dT%H:%M:%S"), tz=night.tz),
            klass=self.one(2, 2, 3),
            duration_ms=slot,
            late=self.one(LateRule(), LateRule(policy="skip"), restart, restart),
            order=self.one(0, 0, 0, 1),
        )

    def crowded(self) -> Commune:
        """A day with more bulletins than its sessions have minutes."""
        night = self.one(*NIGHTS)
        home = tuple(self.entry(night, f"xa-{n:02}") for n in range(12))
        minutes = (None, *(self.rng.randint(5, 60) for _ in range(3)))
        windows = tuple(
            AirWindow(hours=self.hours(night), session_ms=most and most * MINUTE_MS)
            for most in (self.one(*minutes) for _ in range(self.rng.randint(1, 4)))
        )
        rules = Regulation(windows=windows, sessions_per_day=self.one(None, None, 1, 2))
        lengths = {one.id: self.rng.randint(1, 35) * MINUTE_MS for one in home}
        return Commune(night, rules, None, home, (), lengths)


def collision(seed: int) -> Commune:
    return _Draw(seed).collisions()


collisions = st.integers(0, 2**32).map(collision)
crowded = st.integers(0, 2**32).map(lambda seed: _Draw(seed).crowded())


def communes(acts: tuple[Act, ...]) -> st.SearchStrategy[Commune]:
    return st.integers(0, 2**32).map(lambda seed: _Draw(seed).commune(acts))
