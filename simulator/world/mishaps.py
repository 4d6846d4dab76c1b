"""What happens to boxes, cards, lines, networks, brokers and servers."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from agent.core.events import FetchFault
from simulator.world.box import FREE_MIB, Box
from simulator.world.chance import again, log_uniform
from simulator.world.timetable import DAY_MS

if TYPE_CHECKING:
    from simulator.world.world import World

SECOND_MS = 1_000
MINUTE_MS = 60_000
HOUR_MS = 3_600_000


def kills(world: World, rng: Random) -> None:
    """kill -9 of the agent; the service manager starts it again."""

    def act(box: Box) -> None:
        kill(world, box, log_uniform(rng, SECOND_MS, 2 * MINUTE_MS))

    again(world, rng, 18 * HOUR_MS, act)


def kill(world: World, box: Box, down_ms: int) -> None:
    if box.life is not None:
        world.note(f"kill, {down_ms} ms", box.site.station)
        world.judge.trouble(box, world.clock.now_ms, world.clock.now_ms + down_ms + 4_000)
        box.kill(down_ms)


def power(world: World, rng: Random) -> None:
    """Mains fails for seconds or days; some boxes wake up with a wrong clock."""

    def act(box: Box) -> None:
        longest_ms = rng.choice((HOUR_MS, HOUR_MS, 2 * DAY_MS))
        cut(world, rng, box, log_uniform(rng, 2 * SECOND_MS, longest_ms))

    again(world, rng, 30 * HOUR_MS, act)


def cut(world: World, rng: Random, box: Box, off_ms: int) -> None:
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


def mains(world: World, rng: Random) -> None:
    """The grid fails: amplifiers without a battery are silent, the box lives on its own, and some
    of its batteries do not last."""

    def act(box: Box) -> None:
        mains_fail(world, rng, box, log_uniform(rng, 5 * SECOND_MS, 10 * HOUR_MS))

    again(world, rng, 24 * HOUR_MS, act)


def mains_fail(world: World, rng: Random, box: Box, off_ms: int) -> None:
    lasts_ms = log_uniform(rng, 5 * MINUTE_MS, 20 * HOUR_MS)
    if not box.has_mains:
        return
    world.note(f"no mains for {off_ms} ms, the battery lasts {lasts_ms} ms", box.site.station)
    box.mains_off()
    world.clock.after(off_ms, box.mains_on)
    if lasts_ms < off_ms:
        world.clock.after(lasts_ms, lambda: cut(world, rng, box, off_ms - lasts_ms))


def _boot_without_time(world: World, rng: Random, box: Box, off_ms: int) -> None:
    """1970, the time of the power cut, or 2099; set right later."""
    year_1970 = -world.clock.now_ms + rng.randint(0, DAY_MS)
    year_2099 = 4_070_908_800_000 - world.clock.now_ms
    offset_ms = rng.choice((year_1970, year_2099, world.wall0_ms - off_ms))
    box.power_on("untrusted", offset_ms)
    until_ms = log_uniform(rng, 10 * SECOND_MS, 6 * HOUR_MS)
    world.note(f"boots without time, {until_ms} ms", box.site.station)
    now_ms = world.clock.now_ms
    world.judge.file(box).clock_troubles.append((now_ms - off_ms, now_ms + until_ms))
    world.clock.after(until_ms, lambda: box.set_wall(world.wall0_ms, "trusted"))


def clock(world: World, rng: Random) -> None:
    """Somebody sets the clock wrong by up to an hour, or trust is lost; later it is right again."""

    def act(box: Box) -> None:
        if not box.has_power or box.clocks.trust == "untrusted":
            return
        step_ms = rng.choice((HOUR_MS, -HOUR_MS, rng.randint(-HOUR_MS, HOUR_MS), 700, -700))
        trust = rng.choice(("trusted", "trusted", "untrusted"))
        wrong_ms = log_uniform(rng, 5 * SECOND_MS, 4 * HOUR_MS)
        now_ms = world.clock.now_ms
        world.note(f"clock steps by {step_ms} ms, {trust}, for {wrong_ms} ms", box.site.station)
        world.judge.file(box).clock_troubles.append((now_ms, now_ms + wrong_ms))
        if abs(step_ms) > 1_000:
            world.judge.trouble(box, now_ms, now_ms + wrong_ms)
        box.set_wall(world.wall0_ms + step_ms, trust)  # type: ignore[arg-type]
        world.clock.after(wrong_ms, lambda: box.set_wall(world.wall0_ms, "trusted"))

    again(world, rng, 40 * HOUR_MS, act)


def slow_disk(world: World, rng: Random) -> None:
    """The SD card takes nothing for a while."""

    def act(box: Box) -> None:
        stall_ms = log_uniform(rng, SECOND_MS, 70 * SECOND_MS)
        now_ms = world.clock.now_ms
        world.note(f"the disk stalls for {stall_ms} ms", box.site.station)
        box.disk.stalled_until_ms = now_ms + stall_ms
        if stall_ms > 4_000:
            world.judge.file(box).stalls.append((now_ms, now_ms + stall_ms))
            world.judge.trouble(box, now_ms, now_ms + stall_ms)

    again(world, rng, 24 * HOUR_MS, act)


def card(world: World, rng: Random) -> None:
    """The card has no room left; hours or days later somebody makes some."""

    def act(box: Box) -> None:
        if box.knobs.free_mib < FREE_MIB:
            return
        for_ms = log_uniform(rng, 10 * MINUTE_MS, 3 * DAY_MS)
        now_ms = world.clock.now_ms
        box.knobs.free_mib = rng.choice((0, 1, 3))
        note = f"{box.knobs.free_mib} MiB are free on the card for {for_ms} ms"
        world.note(note, box.site.station)
        world.judge.file(box).full.append((now_ms, now_ms + for_ms))
        world.clock.after(for_ms, lambda: make_room(box))

    again(world, rng, 2 * DAY_MS, act)


def make_room(box: Box) -> None:
    box.knobs.free_mib = FREE_MIB


def player(world: World, rng: Random) -> None:
    """The sound child crashes or hangs; a new one comes."""

    def act(box: Box) -> None:
        if box.life is None:
            return
        notice_ms = rng.choice((5, 50, rng.randint(50, 4_000)))
        back_ms = log_uniform(rng, 300, rng.choice((5_000, 5 * MINUTE_MS)))
        now_ms = world.clock.now_ms
        world.note(f"the sound child dies, back in {back_ms} ms", box.site.station)
        world.judge.trouble(box, now_ms, now_ms + notice_ms + back_ms + 500)
        box.life.child_dies(notice_ms, back_ms)

    again(world, rng, 20 * HOUR_MS, act)


def controllers(world: World, rng: Random) -> None:
    """A controller is lost and found; a loudspeaker line opens and is mended."""

    def act(box: Box) -> None:
        controller = rng.choice([*box.controllers.values()])
        for_ms = log_uniform(rng, 500, HOUR_MS)
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

    again(world, rng, 20 * HOUR_MS, act)


def speech(world: World, rng: Random) -> None:
    """Speech cannot be made for a while, or what was made is no sound."""

    def act(box: Box) -> None:
        made = rng.random() < 0.5
        box.knobs.speech_works, box.knobs.speech_sounds = made, not made
        for_ms = log_uniform(rng, MINUTE_MS, 5 * HOUR_MS)
        what = "sounds" if made else "is made"
        world.note(f"no speech {what} for {for_ms} ms", box.site.station)
        if made:
            now_ms = world.clock.now_ms
            world.judge.trouble(box, now_ms, now_ms + for_ms + 600_000)

        def mend() -> None:
            box.knobs.speech_works = box.knobs.speech_sounds = True

        world.clock.after(for_ms, mend)

    again(world, rng, 40 * HOUR_MS, act, aim=False)


# --- network -------------------------------------------------------------------------------


def network(world: World, rng: Random) -> None:
    """The link breaks, for seconds or days."""

    def act(box: Box) -> None:
        if not box.knobs.link_up:
            return
        for_ms = log_uniform(rng, 2 * SECOND_MS, rng.choice((10 * MINUTE_MS, 3 * DAY_MS)))
        world.note(f"the link is cut for {for_ms} ms", box.site.station)
        box.cut_link()
        world.clock.after(for_ms, box.mend_link)

    again(world, rng, 16 * HOUR_MS, act)


def broker(world: World, rng: Random) -> None:
    """The broker crashes: queues, sessions and the last half hour of retained documents go."""

    def act(_: Box) -> None:
        world.note("the broker crashes")
        world.broker.crash()
        for box in world.boxes:
            if box.life is not None:
                box.life.broker_gone()

    again(world, rng, 36 * HOUR_MS, act)


def collector(world: World, rng: Random) -> None:
    """Nobody takes the events for days."""

    def act(_: Box) -> None:
        if not world.broker.collector_on:
            return
        for_ms = log_uniform(rng, MINUTE_MS, 3 * DAY_MS)
        world.note(f"the collector is off for {for_ms} ms")
        world.broker.switch_collector(on=False)
        world.clock.after(for_ms, lambda: world.broker.switch_collector(on=True))

    again(world, rng, 3 * DAY_MS, act, aim=False)


def content(world: World, rng: Random) -> None:
    """Files come late or never, are wrong on the server, or are no sound; bad ones are mended."""

    def fault() -> tuple[int, FetchFault | None, bool]:
        late_ms = 0
        if rng.random() < 0.3:
            ahead = log_uniform(rng, HOUR_MS, 4 * DAY_MS)
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

    again(world, rng, 12 * HOUR_MS, mend)
