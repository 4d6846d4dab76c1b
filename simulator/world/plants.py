"""Bugs planted on purpose: proof that the world would find them.

Each changes the station from outside, the way the real mistake would show; the core's own source
stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone, tzinfo
from typing import Protocol

import msgspec

from agent.adapters.ports import Decider
from agent.adapters.timezones import time_zone
from agent.contract.documents import Trust
from agent.contract.envelope import VerifySignature
from agent.core import asrun
from agent.core.effects import Batch, Do, HoldZones
from agent.core.events import (
    ClockSeen,
    ControllerSeen,
    Delivered,
    Event,
    HostSeen,
    MessageArrived,
    Now,
    SoundStarted,
)
from agent.core.facts import Facts
from agent.core.reporter import RECORD_TOKENS_FROM
from agent.core.schedule import Zones
from agent.core.station import Station
from agent.core.turn import Turn
from simulator.world.box import FREE_MIB, Box, Build, Row

JANUARY = datetime(2026, 1, 15)  # noqa: DTZ001 - a wall clock's, wherever it hangs


class MakeStation(Protocol):
    """As the world makes stations; the signature check and the time zones may be replaced."""

    def __call__(
        self, box: Box, facts: Facts, verify: VerifySignature = ..., zones: Zones = ...
    ) -> Station: ...


@dataclass(frozen=True, slots=True)
class Plant:
    """what: the mistake in one sentence. invariants: those that may notice it first.

    first_day: when a run must begin to meet it, "" for any day.
    """

    what: str
    build: Callable[[MakeStation], Build]
    invariants: tuple[int, ...]
    first_day: str = ""


def build(name: str, make: MakeStation) -> Build:
    """How stations are made; "" plants nothing."""
    return PLANTS[name].build(make) if name else Build(make)


def _without(kind: str) -> Callable[[MakeStation], Build]:
    """Facts of one kind do not survive a restart."""

    def rows(held: list[Row]) -> list[Row]:
        return [row for row in held if row[0] != kind]

    return lambda make: Build(make, rows)


def _believes_everything(make: MakeStation) -> Build:
    def station(box: Box, facts: Facts) -> Station:
        return make(box, facts, _holds)

    def _holds(public: bytes, signature: bytes, message: bytes) -> bool:
        return bool(public and signature and message)

    return Build(station)


def _forgets_summer_time(make: MakeStation) -> Build:
    """Every zone keeps the offset it has in January."""

    def zones(name: str) -> tzinfo | None:
        zone = time_zone(name)
        return None if zone is None else timezone(zone.utcoffset(JANUARY) or timedelta())

    return Build(lambda box, facts: make(box, facts, zones=zones))


@dataclass(slots=True)
class _Wrapped:
    """A station with a mistake before or after each event."""

    station: Station
    before: Callable[[Station, Event, Now], None]

    def handle(self, event: Event, now: Now) -> Batch:
        self.before(self.station, event, now)
        return self.station.handle(event, now)


def _before(act: Callable[[Station, Event, Now], None]) -> Callable[[MakeStation], Build]:
    def wrap(station: Station) -> Decider:
        return _Wrapped(station, act)

    return lambda make: Build(make, wrap=wrap)


def _forgets_revisions(station: Station, event: Event, _: Now) -> None:
    if isinstance(event, MessageArrived):
        for key, held in list(station.facts.documents.items()):
            station.facts.documents[key] = msgspec.structs.replace(held, revision=0)


def _never_read_the_regulation(station: Station, _: Event, __: Now) -> None:
    station.rules.adopt(None)


def _asks_nobody(station: Station, _: Event, __: Now) -> None:
    settings = station.programme.settings
    if settings is not None and settings.approvals is not None:
        station.programme.settings = msgspec.structs.replace(settings, approvals=None)


def _breaks_rules_silently(station: Station, _: Event, __: Now) -> None:
    for key, held in list(station.facts.open.items()):
        if held.broke:
            station.facts.open[key] = msgspec.structs.replace(held, broke={})


def _passes_ceilings_silently(station: Station, _: Event, __: Now) -> None:
    for key, held in list(station.facts.open.items()):
        if held.ceilings:
            station.facts.open[key] = msgspec.structs.replace(held, ceilings={})


def _trusts_the_broker(station: Station, event: Event, _: Now) -> None:
    if isinstance(event, Delivered) and event.token >= RECORD_TOKENS_FROM:
        station.reporter.outbox.passed(event.token - RECORD_TOKENS_FROM)
        station.facts.mark(cursor_through=station.reporter.outbox.through)


def _books_too_early(station: Station, event: Event, now: Now) -> None:
    if not isinstance(event, SoundStarted):
        return
    sent = station.air.sent.get(event.token)
    held = station.facts.open.get(sent.key) if sent is not None else None
    if held is not None and not held.sounded:
        for zone in held.zones:
            station.reporter.record(asrun.outcome_of(held, zone, None), Turn(now))


@dataclass(slots=True)
class _BelievesAnyClock:
    station: Station

    def handle(self, event: Event, now: Now) -> Batch:
        if isinstance(event, ClockSeen):
            event = replace(event, trust="trusted")
        return self.station.handle(event, replace(now, trust="trusted"))


@dataclass(slots=True)
class _NeverForgetsAKey:
    """Whoever was believed once is believed for ever."""

    station: Station

    def handle(self, event: Event, now: Now) -> Batch:
        inbox = self.station.inbox
        before = inbox.trusted
        batch = self.station.handle(event, now)
        for key, verdict in list(inbox.documents.items()):
            if isinstance(verdict.message, Trust) and before not in (None, verdict.message):
                inbox.documents[key] = replace(verdict, message=_both(before, verdict.message))
        return batch


def _both(before: Trust | None, now: Trust) -> Trust:
    if before is None:
        return now
    roles = tuple(
        msgspec.structs.replace(one, keyids=tuple(dict.fromkeys((*one.keyids, *other.keyids))))
        for one, other in zip(now.roles, before.roles, strict=True)
    )
    return msgspec.structs.replace(now, keys={**before.keys, **now.keys}, roles=roles)


@dataclass(slots=True)
class _NeverLooksAtItsCard:
    station: Station

    def handle(self, event: Event, now: Now) -> Batch:
        if isinstance(event, HostSeen):
            event = replace(event, storage_free_mib=FREE_MIB)
        return self.station.handle(event, now)


@dataclass(slots=True)
class _BelievesTheRelays:
    """Whether there is mains is not looked at: a closed relay is a zone that sounds."""

    station: Station

    def handle(self, event: Event, now: Now) -> Batch:
        if isinstance(event, HostSeen | ControllerSeen):
            event = replace(event, mains=None)
        return self.station.handle(event, now)


@dataclass(slots=True)
class _OpensEveryGate:
    """Whenever one zone is wanted, all that are wired for its source sound."""

    station: Station

    def handle(self, event: Event, now: Now) -> Batch:
        batch = self.station.handle(event, now)
        wired = {
            zone.name: {choice.source for choice in zone.buses} for zone in self.station.site.zones
        }
        return replace(batch, acts=tuple(_opened(do, wired) for do in batch.acts))


def _opened(do: Do, wired: dict[str, set[int]]) -> Do:
    """wired: the sources each zone can be switched to."""
    wish = do.act
    if not isinstance(wish, HoldZones) or not any(zone.gate for zone in wish.zones):
        return do
    source = next(zone.source for zone in wish.zones if zone.gate)
    zones = tuple(
        replace(zone, gate=True, source=source) if source in wired[zone.zone] else zone
        for zone in wish.zones
    )
    return Do(replace(wish, zones=zones), do.release)


def _wrapped(wrap: Callable[[Station], Decider]) -> Callable[[MakeStation], Build]:
    return lambda make: Build(make, wrap=wrap)


def _forgets_the_chain(make: MakeStation) -> Build:
    def rows(rows: list[Row]) -> list[Row]:
        """The marks as software wrote them that kept the chain somewhere else."""
        kept = []
        for kind, key, value in rows:
            if kind == "marks":
                marks = msgspec.json.decode(value, type=dict[str, object])
                value = msgspec.json.encode({**marks, "chain": ""})
            kept.append((kind, key, value))
        return kept

    return Build(make, rows)


PLANTS: dict[str, Plant] = {
    "forgets-settled": Plant(
        "what is settled does not survive a restart", _without("settled"), (3, 4)
    ),
    "forgets-open": Plant("what was on air does not survive a restart", _without("open"), (3, 4)),
    "forgets-warnings": Plant("warnings do not survive a restart", _without("warning"), (2,)),
    "believes-everything": Plant(
        "the signature check is always true", _believes_everything, (1, 6)
    ),
    "forgets-revisions": Plant(
        "an older document that comes again wins", _before(_forgets_revisions), (3, 6)
    ),
    "trusts-the-broker": Plant(
        "the broker's acknowledgement counts as delivery", _before(_trusts_the_broker), (3,)
    ),
    "books-too-early": Plant(
        "an outcome is booked at the start, and again at the end", _before(_books_too_early), (3,)
    ),
    "believes-any-clock": Plant(
        "an untrusted clock is believed", _wrapped(_BelievesAnyClock), (1, 2, 3, 4, 6)
    ),
    "forgets-summer-time": Plant(
        "clocks are never set to summer time", _forgets_summer_time, (1, 3, 4, 10), "2026-04-03"
    ),
    "never-forgets-a-key": Plant(
        "a key that was withdrawn is believed all the same", _wrapped(_NeverForgetsAKey), (1, 6)
    ),
    "never-looks-at-its-card": Plant(
        "a card without room is told to nobody", _wrapped(_NeverLooksAtItsCard), (9,)
    ),
    "forgets-the-chain": Plant(
        "the chain of the records does not survive a restart", _forgets_the_chain, (9,)
    ),
    "believes-the-relays": Plant(
        "a zone without mains counts as heard", _wrapped(_BelievesTheRelays), (2, 9)
    ),
    "opens-every-gate": Plant(
        "zones that were not addressed hear it too", _wrapped(_OpensEveryGate), (1, 3, 9)
    ),
    "never-read-the-regulation": Plant(
        "the hours of the regulation bind nobody", _before(_never_read_the_regulation), (10,)
    ),
    "forgets-quiet": Plant("quiet zones do not survive a restart", _without("quiet"), (10,)),
    "asks-nobody": Plant(
        "bulletins from above play without the commune's word", _before(_asks_nobody), (10,)
    ),
    "breaks-rules-silently": Plant(
        "the record of an emergency names no rule it broke",
        _before(_breaks_rules_silently),
        (10,),
    ),
    "passes-ceilings-silently": Plant(
        "the record of an emergency names no ceiling it passed",
        _before(_passes_ceilings_silently),
        (10,),
    ),
}
