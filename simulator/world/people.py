"""What people do: engineers, duty officers, officers at the station, and those who mean harm."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import msgspec

from agent.contract import topics
from agent.contract.documents import (
    Refetch,
    Resend,
    Schedule,
    SetVolume,
    SkipOccurrence,
    StopItem,
    TestTone,
    Warnings,
    ZoneSelector,
)
from agent.contract.documents import Warning as Emergency
from agent.core.events import MessageArrived, Requested
from agent.core.programme import speech_key
from agent.core.requests import (
    AnnounceRequest,
    HoldRequest,
    OrderRequest,
    SkipRequest,
    VolumeRequest,
)
from agent.core.spoken import write_out
from simulator.world.box import Box
from simulator.world.chance import again, log_uniform
from simulator.world.mishaps import cut, kill, mains_fail
from simulator.world.office import Desk
from simulator.world.signing import AUTHORITY, STRANGER, WorldKey, forge, sign
from simulator.world.timetable import CHANGING, DAY_MS, local, starts

if TYPE_CHECKING:
    from simulator.world.world import World

SECOND_MS = 1_000
MINUTE_MS = 60_000
HOUR_MS = 3_600_000


def edits(world: World, rng: Random) -> None:
    """Timetables change, often at a bad moment."""

    def act(_: Box) -> None:
        desk = rng.choice([*world.office.desks.values()])
        world.note(f"an edit of {desk.audience}")
        world.office.edit(desk)

    again(world, rng, 12 * HOUR_MS, act)


def abroad(world: World, rng: Random) -> None:
    """Some entries are meant in zones whose clocks change: an hour is missing or comes twice."""
    office = world.office
    for desk in office.desks.values():
        if rng.random() < 0.6:
            desk.author.abroad = tuple(rng.sample(CHANGING, rng.randint(1, 2)))
            today = local(world.wall_ms()).date()
            new = desk.author.timetable(today, 1)
            office.push(desk, (*desk.schedules[-1].entries, *new))
            office.publish_content(desk)


def keys(world: World, rng: Random) -> None:
    """A key changes hands: announced and with an overlap, or withdrawn in a hurry."""
    office = world.office
    changing: set[str] = set()

    def act(_: Box) -> None:
        authority = rng.choice([*office.speakers])
        if authority in changing:
            return
        changing.add(authority)
        old, new = office.key_of(authority), WorldKey(f"{authority} {world.clock.now_ms}")
        if rng.random() < 0.3:
            world.note(f"the key of {authority} is withdrawn in a hurry")
            office.believe(authority, new)
            wait_ms = log_uniform(rng, SECOND_MS, HOUR_MS)
            world.clock.after(wait_ms, lambda: signed_anew(authority))
            return
        world.note(f"a second key of {authority} is announced")
        office.believe(authority, new, old)
        wait_ms = log_uniform(rng, MINUTE_MS, 12 * HOUR_MS)
        world.clock.after(wait_ms, lambda: change(authority, old, new))

    def signed_anew(authority: str) -> None:
        office.sign_anew(authority)
        changing.discard(authority)

    def change(authority: str, old: WorldKey, new: WorldKey) -> None:
        world.note(f"{authority} signs with its new key")
        office.believe(authority, old, new)
        office.sign_anew(authority)
        withdraw(authority, new)

    def withdraw(authority: str, new: WorldKey) -> None:
        """Once every receipt shows that nothing hangs on the old one any more."""
        if world.clock.now_ms < world.end_ms and not office.all_hold_what_is_current():
            world.clock.after(HOUR_MS, lambda: withdraw(authority, new))
            return
        world.note(f"the old key of {authority} is withdrawn")
        office.believe(authority, new)
        changing.discard(authority)

    again(world, rng, 3 * DAY_MS, act)


def warnings(world: World, rng: Random) -> None:
    """Emergencies: once or repeated, reworded, cancelled, left out."""
    office = world.office

    def act(_: Box) -> None:
        desk = rng.choice([*office.desks.values()])
        valid_ms = log_uniform(rng, 10 * MINUTE_MS, 20 * HOUR_MS)
        repeat_ms = rng.choice((0, 0, 5 * MINUTE_MS, 30 * MINUTE_MS))
        warning = office.warn(desk, valid_ms, repeat_ms)
        world.note(f"warning {warning.id} for {valid_ms} ms")
        if rng.random() < 0.3:
            _break_in(world.boxes)
        if rng.random() < 0.5:
            end_ms = log_uniform(rng, 2 * SECOND_MS, valid_ms)
            world.clock.after(end_ms, lambda: _end(desk, warning))

    def _break_in(boxes: list[Box]) -> None:
        """The worst moment to lose power: the warning has come, and nobody has heard it."""
        box, wait_ms = rng.choice(boxes), rng.randint(300, 12_000)
        if "mains" in world.active and rng.random() < 0.5:
            for_ms = log_uniform(rng, 30 * SECOND_MS, 2 * HOUR_MS)
            world.clock.after(wait_ms, lambda: mains_fail(world, rng, box, for_ms))
        elif "power" in world.active:
            world.clock.after(wait_ms, lambda: cut(world, rng, box, rng.randint(2_000, 60_000)))
        elif "kills" in world.active:
            world.clock.after(wait_ms, lambda: kill(world, box, rng.randint(1_000, 20_000)))

    def _end(desk: Desk, warning: Emergency) -> None:
        if warning.id not in {one.id for one in office.active(desk)}:
            return
        how = rng.choice(("cancel", "leave out", "reword"))
        world.note(f"{how} {warning.id}")
        if how == "reword":
            office.reword(desk, warning.id)
        else:
            office.cancel(desk, warning.id, leave_out=how == "leave out")

    again(world, rng, 30 * HOUR_MS, act)


def commands(world: World, rng: Random) -> None:
    """The engineer's service sends commands."""
    office = world.office

    def act(box: Box) -> None:
        desk = rng.choice([*office.desks.values()])
        if desk.audience.startswith("s/") and desk.audience != f"s/{box.site.station}":
            return
        zones = rng.choice((ZoneSelector(all=True), ZoneSelector(names=(box.site.zones[0].name,))))
        entry = rng.choice(desk.schedules[-1].entries)
        soon = starts(entry, world.wall_ms() - HOUR_MS, world.wall_ms() + DAY_MS)
        actions: list[object] = [
            SetVolume(zones=zones, volume=rng.randint(0, 100)),
            StopItem(zones=zones),
            StopItem(zones=zones),
            TestTone(zones=zones, length_ms=rng.randint(100, 20_000)),
            Resend(from_seq=rng.randint(1, 200)),
            Refetch(sha256=f"{rng.getrandbits(256):064x}"),
        ]
        if soon:
            actions.append(SkipOccurrence(entry=entry.id, nominal=rng.choice(soon).nominal))
        action = rng.choice(actions)
        world.note(f"command {action}", box.site.station)
        office.command(desk.authority, desk.audience, action)

    again(world, rng, 8 * HOUR_MS, act)


def officers(world: World, rng: Random) -> None:
    """People at the station hold, skip, order and turn volumes."""

    def act(box: Box) -> None:
        desk = rng.choice([*world.office.desks.values()])
        entry = rng.choice(desk.schedules[-1].entries)
        today = f"{local(world.wall_ms()).date()}T{entry.when.start[11:]}"
        body = rng.choice(
            (
                HoldRequest(desk.authority, entry.id, True),
                HoldRequest(desk.authority, entry.id, False),
                HoldRequest(desk.authority, entry.id, False),
                SkipRequest(desk.authority, entry.id, today),
                OrderRequest(desk.authority, entry.id, rng.randint(-5, 5)),
                VolumeRequest((), rng.randint(0, 100)),
                VolumeRequest((), None),
            )
        )
        world.note(f"asked at the station: {body}", box.site.station)
        box.tell(Requested(1, "cán bộ", body))

    again(world, rng, 9 * HOUR_MS, act)


def voices(world: World, rng: Random) -> None:
    """Somebody has something said at the station, mostly over the programme that plays."""

    def act(box: Box) -> None:
        world.clock.after(rng.randint(0, 2 * MINUTE_MS), lambda: say(box))

    def say(box: Box) -> None:
        text = "Mời bà con đi họp. " * rng.randint(1, 20)
        zones = tuple(zone.name for zone in box.site.zones if rng.random() < 0.6)
        words = write_out(text.strip(), box.site.language)
        world.judge.case.announced.add(f"speech:{speech_key(words, box.site.language)}")
        over = rng.random() < 0.8
        world.note(f"announced in {zones or 'all'}{' over' if over else ''}", box.site.station)
        body = AnnounceRequest(zones, text, box.site.language, over=over)
        box.tell(Requested(1, "cán bộ", body))

    again(world, rng, HOUR_MS, act)


def hostile(world: World, rng: Random) -> None:
    """Somebody sends what nobody signed, or what was signed for another time or place."""

    def act(box: Box) -> None:
        topic, payload, retained = _forged(world, rng, box)
        world.note(f"hostile message on {topic}", box.site.station)
        box.tell(MessageArrived(900_000_000 + rng.randint(0, 99_999), topic, payload, retained))

    again(world, rng, 3 * HOUR_MS, act)


def _forged(world: World, rng: Random, box: Box) -> tuple[str, bytes, bool]:
    """(topic, payload, retained)"""
    office = world.office
    desk = rng.choice([*office.desks.values()])
    own = f"s/{box.site.station}"
    audience = rng.choice((desk.audience, own))
    schedule = desk.schedules[-1]
    topic = topics.audience_down(audience, "schedule")
    match rng.choice(
        ("stranger", "unsigned", "older", "elsewhere", "expired", "retired", "retained", "noise")
    ):
        case "stranger":
            if rng.random() < 0.5:
                return _evil_warning(world, rng, desk)
            evil = msgspec.structs.replace(schedule, revision=schedule.revision + 50, entries=())
            payload = _signed_falsely(rng, evil, office.key_of(desk.authority))
            return _on_its_topic(schedule), payload, True
        case "unsigned":
            evil = msgspec.structs.replace(schedule, revision=schedule.revision + 60)
            return topic, sign(evil), True
        case "older":
            old = rng.choice(desk.schedules)
            return _on_its_topic(old), sign(old, office.key_of(desk.authority)), True
        case "elsewhere":
            new = msgspec.structs.replace(
                schedule, audience="s/xa-khac", revision=schedule.revision + 70, entries=()
            )
            return topic, sign(new, office.key_of(desk.authority)), True
        case "expired":
            begin_ms = world.wall0_ms
            new = msgspec.structs.replace(
                schedule,
                revision=schedule.revision + 80,
                entries=(),
                issued_at_ms=begin_ms - 20 * DAY_MS,
                accept_until_ms=begin_ms - 3 * DAY_MS,
            )
            return _on_its_topic(schedule), sign(new, office.key_of(desk.authority)), True
        case "retired" if office.retired and _knows_who_retired(world, box):
            authority, key = rng.choice(office.retired)
            desk = rng.choice([one for one in office.desks.values() if one.authority == authority])
            evil = msgspec.structs.replace(
                desk.schedules[-1], revision=len(desk.schedules) + 90, entries=()
            )
            return _on_its_topic(evil), sign(evil, key), True
        case "retained" if office.commands:
            topic, payload = rng.choice(office.commands)
            return topic, payload, rng.random() < 0.5
        case _:
            return topic, rng.randbytes(rng.randint(0, 400)), True


def _on_its_topic(schedule: Schedule) -> str:
    return topics.audience_down(schedule.audience, "schedule")


def _evil_warning(world: World, rng: Random, desk: Desk) -> tuple[str, bytes, bool]:
    now_ms = world.wall_ms()
    evil = Warnings(
        v=1,
        authority=desk.authority,
        audience=desk.audience,
        issued_at_ms=now_ms,
        accept_until_ms=now_ms + HOUR_MS,
        revision=len(desk.warnings) + 40,
        warnings=(
            Emergency(
                id=f"evil-{rng.randint(0, 99)}",
                revision=1,
                issued_at_ms=now_ms,
                valid_until_ms=now_ms + HOUR_MS,
                title="giả",
                zones=ZoneSelector(all=True),
                texts={"vi": "Tin giả."},
            ),
        ),
    )
    payload = _signed_falsely(rng, evil, world.office.key_of(desk.authority))
    return topics.audience_down(desk.audience, "warning"), payload, True


def _knows_who_retired(world: World, box: Box) -> bool:
    """Before it has heard of it, a station rightly believes a key that was withdrawn."""
    mine = (AUTHORITY, f"s/{box.site.station}", "trust")
    held = world.judge.file(box).documents.get(mine)
    return box.life is not None and held == world.office.trust_revision


def _signed_falsely(rng: Random, body: object, good: WorldKey) -> bytes:
    """By a key nobody knows, under its own name or under a good one."""
    return sign(body, STRANGER) if rng.random() < 0.5 else forge(body, good)
