"""What can go wrong, each fault on its own stream of chance, derived from the seed.

A fault is a function that arranges its own happenings on the world's clock. Half of them aim: at
the seconds around a planned start, where things are most fragile.
"""

from __future__ import annotations

from collections.abc import Callable
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
from agent.core.events import FetchFault, MessageArrived, Requested
from agent.core.requests import HoldRequest, OrderRequest, SkipRequest, VolumeRequest
from simulator.world.box import Box
from simulator.world.office import Desk
from simulator.world.signing import STRANGER, forge, key_of, sign
from simulator.world.timetable import DAY_MS, local, starts

if TYPE_CHECKING:
    from simulator.world.world import World

SECOND_MS = 1_000
MINUTE_MS = 60_000
HOUR_MS = 3_600_000

Fault = Callable[["World", Random], None]


def draw(seed: int) -> tuple[str, ...]:
    """The faults of a run: each is on with a chance that is itself drawn, so some runs are mild."""
    rng = Random(f"{seed}:faults")
    chance = rng.choice((0.15, 0.4, 0.7))
    return tuple(name for name in FAULTS if rng.random() < chance)


def start(world: World, names: tuple[str, ...]) -> None:
    for name in names:
        FAULTS[name](world, world.rng(f"fault {name}"))


# --- when ----------------------------------------------------------------------------------


def _again(
    world: World, rng: Random, mean_ms: int, act: Callable[[Box], None], *, aim: bool = True
) -> None:
    """`act` on some box again and again, on average every `mean_ms`."""

    def arm() -> None:
        wait_ms = max(MINUTE_MS, int(rng.expovariate(1 / mean_ms)))
        at_ms = world.clock.now_ms + wait_ms
        if aim and rng.random() < 0.6:
            near = world.office.next_instants(at_ms, DAY_MS)
            if near:
                at_ms = rng.choice(near[:3]) + _beside(rng)
        world.clock.at(at_ms, happen)

    def happen() -> None:
        if world.clock.now_ms < world.end_ms:
            act(rng.choice(world.boxes))
            arm()

    arm()


def _beside(rng: Random) -> int:
    """An offset from a planned start at which much is in motion."""
    return rng.choice(
        (
            rng.randint(-12_000, -9_000),
            rng.randint(-3_000, 0),
            rng.randint(0, 400),
            rng.randint(0, 3_000),
            rng.randint(3_000, 70_000),
            rng.randint(60_000, 400_000),
        )
    )


def _log_uniform(rng: Random, low_ms: int, high_ms: int) -> int:
    """A length whose order of magnitude is even."""
    return int(low_ms * (high_ms / low_ms) ** rng.random())


# --- the box -------------------------------------------------------------------------------


def kills(world: World, rng: Random) -> None:
    """kill -9 of the agent; the service manager starts it again."""

    def act(box: Box) -> None:
        _kill(world, box, _log_uniform(rng, SECOND_MS, 2 * MINUTE_MS))

    _again(world, rng, 18 * HOUR_MS, act)


def _kill(world: World, box: Box, down_ms: int) -> None:
    if box.life is not None:
        world.note(f"kill, {down_ms} ms", box.site.station)
        world.judge.trouble(box, world.clock.now_ms, world.clock.now_ms + down_ms + 4_000)
        box.kill(down_ms)


def power(world: World, rng: Random) -> None:
    """Mains fails for seconds or days; some boxes wake up with a wrong clock."""

    def act(box: Box) -> None:
        longest_ms = rng.choice((HOUR_MS, HOUR_MS, 2 * DAY_MS))
        _cut(world, rng, box, _log_uniform(rng, 2 * SECOND_MS, longest_ms))

    _again(world, rng, 30 * HOUR_MS, act)


def _cut(world: World, rng: Random, box: Box, off_ms: int) -> None:
    if not box.has_power:
        return
    world.note(f"power cut, {off_ms} ms", box.site.station)
    now_ms = world.clock.now_ms
    box.power_cut()
    world.judge.trouble(box, now_ms, now_ms + off_ms + 6_000)

    def back() -> None:
        if box.has_power:
            return
        if "clock" in world.active and rng.random() < 0.5:
            _boot_without_time(world, rng, box, off_ms)
        else:
            box.power_on()

    world.clock.after(off_ms, back)


def _boot_without_time(world: World, rng: Random, box: Box, off_ms: int) -> None:
    """1970, the time of the power cut, or 2099; set right later."""
    year_1970 = -world.clock.now_ms + rng.randint(0, DAY_MS)
    year_2099 = 4_070_908_800_000 - world.clock.now_ms
    offset_ms = rng.choice((year_1970, year_2099, world.wall0_ms - off_ms))
    box.power_on("untrusted", offset_ms)
    until_ms = _log_uniform(rng, 10 * SECOND_MS, 6 * HOUR_MS)
    world.note(f"boots without time, {until_ms} ms", box.site.station)
    now_ms = world.clock.now_ms
    world.judge.files[box.site.station].clock_troubles.append((now_ms - off_ms, now_ms + until_ms))
    world.clock.after(until_ms, lambda: box.set_wall(world.wall0_ms, "trusted"))


def clock(world: World, rng: Random) -> None:
    """Somebody sets the clock wrong by up to an hour, or trust is lost; later it is right again."""

    def act(box: Box) -> None:
        if not box.has_power or box.clocks.trust == "untrusted":
            return
        step_ms = rng.choice((HOUR_MS, -HOUR_MS, rng.randint(-HOUR_MS, HOUR_MS), 700, -700))
        trust = rng.choice(("trusted", "trusted", "untrusted"))
        wrong_ms = _log_uniform(rng, 5 * SECOND_MS, 4 * HOUR_MS)
        now_ms = world.clock.now_ms
        world.note(f"clock steps by {step_ms} ms, {trust}, for {wrong_ms} ms", box.site.station)
        world.judge.files[box.site.station].clock_troubles.append((now_ms, now_ms + wrong_ms))
        if abs(step_ms) > 1_000:
            world.judge.trouble(box, now_ms, now_ms + wrong_ms)
        box.set_wall(world.wall0_ms + step_ms, trust)  # type: ignore[arg-type]
        world.clock.after(wrong_ms, lambda: box.set_wall(world.wall0_ms, "trusted"))

    _again(world, rng, 40 * HOUR_MS, act)


def slow_disk(world: World, rng: Random) -> None:
    """The SD card takes nothing for a while."""

    def act(box: Box) -> None:
        stall_ms = _log_uniform(rng, SECOND_MS, 70 * SECOND_MS)
        now_ms = world.clock.now_ms
        world.note(f"the disk stalls for {stall_ms} ms", box.site.station)
        box.disk.stalled_until_ms = now_ms + stall_ms
        if stall_ms > 4_000:
            world.judge.files[box.site.station].stalls.append((now_ms, now_ms + stall_ms))
            world.judge.trouble(box, now_ms, now_ms + stall_ms)

    _again(world, rng, 24 * HOUR_MS, act)


def player(world: World, rng: Random) -> None:
    """The sound child crashes or hangs; a new one comes."""

    def act(box: Box) -> None:
        if box.life is None:
            return
        notice_ms = rng.choice((5, 50, rng.randint(50, 4_000)))
        back_ms = _log_uniform(rng, 300, rng.choice((5_000, 5 * MINUTE_MS)))
        now_ms = world.clock.now_ms
        world.note(f"the sound child dies, back in {back_ms} ms", box.site.station)
        world.judge.trouble(box, now_ms, now_ms + notice_ms + back_ms + 500)
        box.life.child_dies(notice_ms, back_ms)

    _again(world, rng, 20 * HOUR_MS, act)


def controllers(world: World, rng: Random) -> None:
    """A controller is lost and found; a loudspeaker line opens and is mended."""

    def act(box: Box) -> None:
        controller = rng.choice([*box.controllers.values()])
        for_ms = _log_uniform(rng, 500, HOUR_MS)
        now_ms = world.clock.now_ms
        world.judge.trouble(box, now_ms, now_ms + for_ms + 1_000)
        if rng.random() < 0.5:
            if controller.lost:
                return
            world.note(f"{controller.name} is lost for {for_ms} ms", box.site.station)
            controller.lose()
            world.clock.after(for_ms, lambda: controller.find() if controller.lost else None)
            return
        zone = rng.choice([*controller.gates])
        world.note(f"the line of {zone} is open for {for_ms} ms", box.site.station)
        controller.line(zone, broken=True)
        world.clock.after(for_ms, lambda: controller.line(zone, broken=False))

    _again(world, rng, 20 * HOUR_MS, act)


def speech(world: World, rng: Random) -> None:
    """Speech cannot be made for a while, or what was made is no sound."""

    def act(box: Box) -> None:
        made = rng.random() < 0.5
        box.knobs.speech_works, box.knobs.speech_sounds = made, not made
        for_ms = _log_uniform(rng, MINUTE_MS, 5 * HOUR_MS)
        what = "sounds" if made else "is made"
        world.note(f"no speech {what} for {for_ms} ms", box.site.station)
        if made:
            now_ms = world.clock.now_ms
            world.judge.trouble(box, now_ms, now_ms + for_ms + 600_000)

        def mend() -> None:
            box.knobs.speech_works = box.knobs.speech_sounds = True

        world.clock.after(for_ms, mend)

    _again(world, rng, 40 * HOUR_MS, act, aim=False)


# --- network -------------------------------------------------------------------------------


def network(world: World, rng: Random) -> None:
    """The link breaks, for seconds or days."""

    def act(box: Box) -> None:
        if not box.knobs.link_up:
            return
        for_ms = _log_uniform(rng, 2 * SECOND_MS, rng.choice((10 * MINUTE_MS, 3 * DAY_MS)))
        world.note(f"the link is cut for {for_ms} ms", box.site.station)
        box.cut_link()
        world.clock.after(for_ms, box.mend_link)

    _again(world, rng, 16 * HOUR_MS, act)


def broker(world: World, rng: Random) -> None:
    """The broker crashes: queues, sessions and the last half hour of retained documents go."""

    def act(_: Box) -> None:
        world.note("the broker crashes")
        world.broker.crash()
        for box in world.boxes:
            if box.life is not None:
                box.life.broker_gone()

    _again(world, rng, 36 * HOUR_MS, act)


def collector(world: World, rng: Random) -> None:
    """Nobody takes the events for days."""

    def act(_: Box) -> None:
        if not world.broker.collector_on:
            return
        for_ms = _log_uniform(rng, MINUTE_MS, 3 * DAY_MS)
        world.note(f"the collector is off for {for_ms} ms")
        world.broker.switch_collector(on=False)
        world.clock.after(for_ms, lambda: world.broker.switch_collector(on=True))

    _again(world, rng, 3 * DAY_MS, act, aim=False)


def content(world: World, rng: Random) -> None:
    """Files come late or never, are wrong on the server, or are no sound; bad ones are mended."""

    def fault() -> tuple[int, FetchFault | None, bool]:
        late_ms = 0
        if rng.random() < 0.3:
            ahead = _log_uniform(rng, HOUR_MS, 4 * DAY_MS)
            late_ms = ahead if rng.random() < 0.8 else 40 * DAY_MS
        wrong: FetchFault | None = None
        if rng.random() < 0.15:
            wrong = rng.choice(("not_found", "wrong_hash", "network", "too_long"))
        return late_ms, wrong, rng.random() > 0.04

    world.office.content_fault = fault

    def mend(_: Box) -> None:
        for offered in world.server.files.values():
            if offered.fault is not None and rng.random() < 0.5:
                offered.fault = None

    _again(world, rng, 12 * HOUR_MS, mend)


# --- people --------------------------------------------------------------------------------


def edits(world: World, rng: Random) -> None:
    """Timetables change, often at a bad moment."""

    def act(_: Box) -> None:
        desk = rng.choice([*world.office.desks.values()])
        world.note(f"an edit of {desk.audience}")
        world.office.edit(desk)

    _again(world, rng, 12 * HOUR_MS, act)


def warnings(world: World, rng: Random) -> None:
    """Emergencies: once or repeated, reworded, cancelled, left out."""
    office = world.office

    def act(_: Box) -> None:
        desk = rng.choice([*office.desks.values()])
        valid_ms = _log_uniform(rng, 10 * MINUTE_MS, 20 * HOUR_MS)
        repeat_ms = rng.choice((0, 0, 5 * MINUTE_MS, 30 * MINUTE_MS))
        warning = office.warn(desk, valid_ms, repeat_ms)
        world.note(f"warning {warning.id} for {valid_ms} ms")
        if rng.random() < 0.3:
            _break_in(world.boxes)
        if rng.random() < 0.5:
            end_ms = _log_uniform(rng, 2 * SECOND_MS, valid_ms)
            world.clock.after(end_ms, lambda: _end(desk, warning))

    def _break_in(boxes: list[Box]) -> None:
        """The worst moment to lose power: the warning has come, and nobody has heard it."""
        box, wait_ms = rng.choice(boxes), rng.randint(300, 12_000)
        if "power" in world.active:
            world.clock.after(wait_ms, lambda: _cut(world, rng, box, rng.randint(2_000, 60_000)))
        elif "kills" in world.active:
            world.clock.after(wait_ms, lambda: _kill(world, box, rng.randint(1_000, 20_000)))

    def _end(desk: Desk, warning: Emergency) -> None:
        if warning.id not in {one.id for one in office.active(desk)}:
            return
        how = rng.choice(("cancel", "leave out", "reword"))
        world.note(f"{how} {warning.id}")
        if how == "reword":
            office.reword(desk, warning.id)
        else:
            office.cancel(desk, warning.id, leave_out=how == "leave out")

    _again(world, rng, 30 * HOUR_MS, act)


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

    _again(world, rng, 8 * HOUR_MS, act)


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

    _again(world, rng, 9 * HOUR_MS, act)


def hostile(world: World, rng: Random) -> None:
    """Somebody sends what nobody signed, or what was signed for another time or place."""

    def act(box: Box) -> None:
        topic, payload, retained = _forged(world, rng, box)
        world.note(f"hostile message on {topic}", box.site.station)
        box.tell(MessageArrived(900_000_000 + rng.randint(0, 99_999), topic, payload, retained))

    _again(world, rng, 3 * HOUR_MS, act)


def _forged(world: World, rng: Random, box: Box) -> tuple[str, bytes, bool]:
    """(topic, payload, retained)"""
    office = world.office
    desk = rng.choice([*office.desks.values()])
    own = f"s/{box.site.station}"
    audience = rng.choice((desk.audience, own))
    schedule = desk.schedules[-1]
    topic = topics.audience_down(audience, "schedule")
    match rng.choice(
        ("stranger", "unsigned", "older", "elsewhere", "expired", "retained", "noise")
    ):
        case "stranger":
            if rng.random() < 0.5:
                return _evil_warning(world, rng, desk)
            evil = msgspec.structs.replace(schedule, revision=schedule.revision + 50, entries=())
            return _on_its_topic(schedule), _signed_falsely(rng, evil, desk), True
        case "unsigned":
            evil = msgspec.structs.replace(schedule, revision=schedule.revision + 60)
            return topic, sign(evil), True
        case "older":
            old = rng.choice(desk.schedules)
            return _on_its_topic(old), sign(old, key_of(desk.authority)), True
        case "elsewhere":
            new = msgspec.structs.replace(
                schedule, audience="s/xa-khac", revision=schedule.revision + 70, entries=()
            )
            return topic, sign(new, key_of(desk.authority)), True
        case "expired":
            now_ms = world.wall_ms()
            new = msgspec.structs.replace(
                schedule,
                revision=schedule.revision + 80,
                entries=(),
                issued_at_ms=now_ms - 20 * DAY_MS,
                accept_until_ms=now_ms - 3 * DAY_MS,
            )
            return _on_its_topic(schedule), sign(new, key_of(desk.authority)), True
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
    return topics.audience_down(desk.audience, "warning"), _signed_falsely(rng, evil, desk), True


def _signed_falsely(rng: Random, body: object, desk: Desk) -> bytes:
    """By a key nobody knows, under its own name or under a good one."""
    return sign(body, STRANGER) if rng.random() < 0.5 else forge(body, key_of(desk.authority))


FAULTS: dict[str, Fault] = {
    "kills": kills,
    "power": power,
    "clock": clock,
    "disk": slow_disk,
    "player": player,
    "controllers": controllers,
    "speech": speech,
    "network": network,
    "broker": broker,
    "collector": collector,
    "content": content,
    "edits": edits,
    "warnings": warnings,
    "commands": commands,
    "officers": officers,
    "hostile": hostile,
}
