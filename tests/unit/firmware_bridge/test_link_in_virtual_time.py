"""Host and virtual controller over good and bad lines, minutes of it in milliseconds."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from firmware_bridge.drivers.contract import (
    Confirmation,
    ControllerWish,
    LeasePolicy,
    LeaseSupport,
    Line,
    LinkState,
    LinkWhy,
    Power,
    ZonePolicy,
    ZoneWish,
)
from firmware_bridge.messages import Capability, ClearFault, ResetCause
from simulator.amplifier.faults import LineFaults
from simulator.amplifier.model import ALL_CAPABILITIES, AmplifierSpec, Why
from simulator.amplifier.world import LinkWorld

ON = ControllerWish((ZoneWish(1, gate=True, gain_cdb=-600, source=1),), power=True)
OFF = ControllerWish()
TRANSPORTS = {
    "perfect": LineFaults(),
    "one byte at a time": LineFaults(one_byte_at_a_time=True),
    "20 % loss": LineFaults(loss=0.2),
    "delay": LineFaults(delay_ms=120, delay_spread_ms=80),
    "slow": LineFaults(delay_ms=600),
    "bit errors": LineFaults(corrupt=0.003),
    "duplicates": LineFaults(duplicate=0.3),
    "all together": LineFaults(
        loss=0.05, duplicate=0.1, corrupt=0.0005, delay_ms=30, delay_spread_ms=30
    ),
}


def ready(world: LinkWorld) -> bool:
    return world.reading.state.usable


def confirmed(world: LinkWorld, zone: int = 1) -> bool:
    return world.reading.zone(zone).confirmed is Confirmation.YES


def confirmed_as(world: LinkWorld, gate: bool) -> bool:
    return confirmed(world) and world.zone(1).gate is gate


def power(world: LinkWorld) -> Power:
    return world.unit.model.power


def connected(**options: object) -> LinkWorld:
    world = LinkWorld(**options)  # type: ignore[arg-type]
    assert world.run_until(lambda: ready(world), 30_000)
    return world


def playing(**options: object) -> LinkWorld:
    world = connected(**options)
    world.host.set_wish(ON, world.now_ms)
    assert world.run_until(lambda: confirmed(world) and world.zone(1).gate, 30_000)
    return world


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("line", TRANSPORTS)
def test_a_wish_is_confirmed_and_then_undone_over_any_line(line: str, seed: int) -> None:
    world = LinkWorld(faults=replace(TRANSPORTS[line]), seed=seed)
    assert world.run_until(lambda: ready(world), 120_000)
    for wish, gate in ((ON, True), (OFF, False)) * 3:
        world.host.set_wish(wish, world.now_ms)
        assert world.run_until(partial(confirmed_as, world, gate), 120_000), world.host.history()
    assert (world.zone(1).gain_cdb, world.zone(1).source) == (0, 0)


@pytest.mark.parametrize("line", ["20 % loss", "duplicates", "delay"])
def test_leases_are_kept_for_ten_minutes_over_a_bad_line(line: str) -> None:
    world = playing(faults=replace(TRANSPORTS[line]), seed=5)
    world.run(600_000)
    off_ms = [at for at, change in world.changes if change.why is Why.LEASE_EXPIRED]
    assert len(off_ms) <= 2
    assert world.zone(1).gate


def test_what_the_host_confirms_is_what_the_equipment_does() -> None:
    world = connected(faults=LineFaults(loss=0.2, duplicate=0.2, corrupt=0.002), seed=11)
    chance_of_truth = []
    for step in range(60):
        gate = step % 2 == 0
        world.host.set_wish(
            ControllerWish((ZoneWish(2, gate=gate, gain_cdb=-10 * step, source=step % 3),)),
            world.now_ms,
        )
        world.run(2_000)
        if confirmed(world, 2):
            chance_of_truth.append(world.zone(2).gate is gate)
    assert len(chance_of_truth) > 30
    assert all(chance_of_truth)


def test_it_boots_muted_and_an_idle_host_changes_nothing() -> None:
    world = connected()
    world.run(60_000)
    assert {change.why for _, change in world.changes} == {Why.BOOT}
    assert world.reading.power is Power.OFF


def test_a_dead_host_mutes_its_zones_within_the_lease() -> None:
    world = playing()
    died_ms = world.now_ms
    world.host_running = False
    world.run(20_000)
    expired = [at for at, change in world.changes if change.why is Why.LEASE_EXPIRED]
    assert expired
    assert expired[0] - died_ms <= 5_000
    assert power(world) is Power.ON


def test_the_amplifier_power_has_its_own_longer_lease() -> None:
    world = playing()
    died_ms = world.now_ms
    world.host_running = False
    world.run(60_000)
    assert power(world) is Power.ON
    world.run(60_000)
    assert power(world) is Power.OFF
    last_ms, last = world.changes[-1]
    assert last.zone is None
    assert last_ms - died_ms <= 90_000


def test_a_stalled_holder_loses_the_zone_and_gets_it_back_when_it_wakes() -> None:
    world = playing()
    world.holder_alive = False
    stalled_ms = world.now_ms
    assert world.run_until(lambda: not world.zone(1).gate, 20_000)
    assert world.now_ms - stalled_ms <= 3_000 + 5_000
    world.run(30_000)
    assert not world.zone(1).gate
    assert world.reading.why is LinkWhy.HOLDER_STALLED
    assert world.reading.zone(1).confirmed is Confirmation.NO
    world.holder_alive = True
    assert world.run_until(lambda: world.zone(1).gate, 1_100)
    assert world.run_until(lambda: world.reading.why is LinkWhy.OK, 1_000)


def test_a_stall_shorter_than_three_seconds_is_not_heard() -> None:
    world = playing()
    world.holder_alive = False
    world.run(2_900)
    world.holder_alive = True
    world.run(10_000)
    assert not [change for _, change in world.changes if change.why is Why.LEASE_EXPIRED]


@pytest.mark.parametrize(
    ("policy", "gate", "source"),
    [
        (ZonePolicy(LeasePolicy.MUTE), False, 1),
        (ZonePolicy(LeasePolicy.HOLD), True, 1),
        (ZonePolicy(LeasePolicy.FM_TUNER, 7), True, 7),
    ],
)
def test_a_lost_lease_follows_the_stored_policy(
    policy: ZonePolicy, gate: bool, source: int
) -> None:
    world = playing(policies={1: policy})
    world.host_running = False
    world.run(10_000)
    assert (world.zone(1).gate, world.zone(1).source) == (gate, source)
    assert world.zone(1).on_policy
    world.host_running = True
    assert world.run_until(lambda: not world.zone(1).on_policy, 5_000)
    assert world.zone(1).source == 1


def test_goodbye_ends_the_leases_at_once_and_leaves_the_power_on() -> None:
    world = playing()
    world.run(2_000)
    world.host.stop(world.now_ms)
    assert world.run_until(lambda: world.host.stopped, 300)
    assert not world.zone(1).gate
    assert power(world) is Power.ON
    assert world.reading.why is LinkWhy.CLOSED_BY_USER


def test_goodbye_to_a_frozen_controller_takes_a_third_of_a_second() -> None:
    world = playing()
    world.unit.freeze(world.now_ms + 60_000)
    world.host.stop(world.now_ms)
    started_ms = world.now_ms
    assert world.run_until(lambda: world.host.stopped, 1_000)
    assert world.now_ms - started_ms <= 300


def test_a_reboot_is_noticed_and_the_wish_restored() -> None:
    world = playing()
    world.unit.boot(ResetCause.BROWN_OUT, world.now_ms)
    assert not world.zone(1).gate
    assert world.run_until(lambda: world.zone(1).gate, 500)
    reading = world.reading
    assert (reading.reset_cause, reading.boot_count) == ("brown_out", 2)


def test_a_reboot_in_the_middle_of_a_command_is_survived() -> None:
    world = connected(faults=LineFaults(delay_ms=50))
    world.host.set_wish(ON, world.now_ms)
    world.run(20)
    world.unit.cut_line()
    world.unit.boot(ResetCause.WATCHDOG, world.now_ms)
    assert world.run_until(lambda: confirmed(world) and world.zone(1).gate, 5_000)


def test_a_frozen_controller_is_given_up_and_found_again() -> None:
    world = playing()
    world.unit.freeze(world.now_ms + 20_000)
    assert world.run_until(lambda: world.reading.state is LinkState.DEGRADED, 10_000)
    assert world.reading.zone(1).confirmed is Confirmation.UNKNOWN
    assert world.run_until(lambda: world.reading.state is LinkState.CLOSED, 10_000)
    assert world.reading.why is LinkWhy.NO_ANSWER
    assert world.run_until(lambda: confirmed(world), 60_000)
    assert world.zone(1).gate


def test_muting_does_not_wait_for_an_unanswered_question() -> None:
    world = playing(faults=LineFaults(delay_ms=80))
    world.run_until(lambda: False, 930)
    world.host.set_wish(OFF, world.now_ms)
    asked_ms = world.now_ms
    assert world.run_until(lambda: not world.zone(1).gate, 1_000)
    assert world.now_ms - asked_ms <= 200


def test_the_latest_wish_wins() -> None:
    world = connected(faults=LineFaults(delay_ms=100))
    for gain_cdb in range(-1_000, 0, 100):
        wish = ControllerWish((ZoneWish(1, gate=True, gain_cdb=gain_cdb),))
        world.host.set_wish(wish, world.now_ms)
    assert world.run_until(lambda: confirmed(world), 2_000)
    assert world.zone(1).gain_cdb == -100


def test_a_hand_on_the_rack_is_seen_and_corrected() -> None:
    world = playing()
    world.run(3_000)
    world.unit.model.press_mute(1, world.now_ms)
    assert world.run_until(lambda: world.zone(1).gate, 1_500)
    whys = [change.why for _, change in world.changes]
    assert whys[-2:] == [Why.LOCAL, Why.APPLY]


def test_a_shorted_line_is_reported_at_once_and_not_fought_over() -> None:
    world = playing()
    world.unit.model.set_line(1, Line.SHORT, world.now_ms)
    assert world.run_until(lambda: world.reading.zone(1).line is Line.SHORT, 100)
    before = world.bytes_to_unit
    world.run(60_000)
    assert world.reading.zone(1).confirmed is Confirmation.NO
    assert world.bytes_to_unit - before < 60 * 200


def test_an_unknown_controller_stays_muted_until_it_is_adopted() -> None:
    world = connected(adopted_id=None)
    world.host.set_wish(ON, world.now_ms)
    world.run(30_000)
    assert not world.zone(1).gate
    assert power(world) is Power.OFF
    assert (world.reading.adopted, world.reading.why) == (False, LinkWhy.NOT_ADOPTED)
    world.host.adopt(world.reading.controller_id, world.now_ms)
    assert world.run_until(lambda: world.zone(1).gate, 1_000)
    assert world.reading.adopted


def test_another_controller_on_the_port_is_muted_and_named() -> None:
    world = connected(adopted_id="00" * 12)
    world.zone(3).gate = True
    world.run(30_000)
    assert not world.zone(3).gate
    assert world.reading.why is LinkWhy.OTHER_CONTROLLER


def test_a_wrong_major_version_is_incompatible_but_can_be_muted() -> None:
    world = LinkWorld(spec=AmplifierSpec(major=2))
    assert world.run_until(lambda: world.reading.state is LinkState.INCOMPATIBLE, 5_000)
    world.host.set_wish(ON, world.now_ms)
    world.zone(2).gate = True
    world.run(31_000)
    assert not world.zone(1).gate
    assert not world.zone(2).gate
    reading = world.reading
    assert (reading.why, reading.protocol) == (LinkWhy.WRONG_VERSION, "2.0")


def test_an_incompatible_controller_is_greeted_again_after_its_firmware_changed() -> None:
    world = LinkWorld(spec=AmplifierSpec(major=2))
    assert world.run_until(lambda: world.reading.state is LinkState.INCOMPATIBLE, 5_000)
    world.unit.model.spec = AmplifierSpec()
    world.unit.boot(ResetCause.SOFTWARE, world.now_ms)
    assert world.run_until(lambda: world.reading.state is LinkState.READY, 5_000)


def test_a_controller_without_leases_says_so_and_still_obeys() -> None:
    spec = AmplifierSpec(capabilities=ALL_CAPABILITIES & ~Capability.LEASES)
    world = playing(spec=spec)
    assert world.reading.lease is LeaseSupport.UNSUPPORTED
    world.host_running = False
    world.run(60_000)
    assert world.zone(1).gate


def test_a_controller_without_a_sense_for_mains_leaves_it_unknown() -> None:
    world = connected(spec=AmplifierSpec(capabilities=ALL_CAPABILITIES & ~Capability.MAINS_SENSE))
    world.unit.model.set_mains(on=False, now_ms=world.now_ms)
    world.run(31_000)
    assert world.reading.mains is None


def test_lost_mains_are_known_at_once_and_clearing_faults_does_not_bring_them_back() -> None:
    world = playing()
    world.unit.model.set_mains(on=False, now_ms=world.now_ms)
    assert world.run_until(lambda: world.reading.mains is False, 500)
    world.unit.model.handle(ClearFault(), world.now_ms)
    world.run(20_000)
    assert world.reading.mains is False
    assert world.unit.model.level(1) is None


def test_a_wish_for_a_zone_it_does_not_have_is_refused_aloud() -> None:
    world = connected(spec=AmplifierSpec(zones=2))
    world.host.set_wish(ControllerWish((ZoneWish(5, gate=True),)), world.now_ms)
    world.run(1_000)
    assert world.reading.why is LinkWhy.WISH_REFUSED
    assert world.reading.zone(5).gate is None


def test_a_lossy_line_is_degraded_before_it_fails_and_recovers() -> None:
    faults = LineFaults(loss=0.25)
    world = playing(faults=faults, seed=3)
    assert world.run_until(lambda: world.reading.state is LinkState.DEGRADED, 120_000)
    assert world.reading.retransmits > 0
    faults.loss = 0.0
    assert world.run_until(lambda: world.reading.state is LinkState.READY, 60_000)
    assert world.reading.why is LinkWhy.OK


def test_unplugging_loses_nothing_but_time() -> None:
    world = playing()
    world.unplug()
    world.run(60_000)
    assert (world.reading.state.usable, world.zone(1).gate) == (False, False)
    assert world.reading.why is LinkWhy.PORT_MISSING
    assert world.reading.zone(1).gate is None
    world.replug()
    assert world.run_until(lambda: world.zone(1).gate, 1_100)


@pytest.mark.parametrize("at_ms", range(0, 400, 20))
def test_unplugging_at_any_moment_of_the_handshake_is_survived(at_ms: int) -> None:
    world = LinkWorld(faults=LineFaults(delay_ms=40))
    world.host.set_wish(ON, world.now_ms)
    world.run(at_ms)
    world.unplug()
    world.run(3_000)
    world.replug()
    assert world.run_until(lambda: confirmed(world) and world.zone(1).gate, 5_000)


def test_warm_up_is_reported_from_cold_to_warm() -> None:
    world = playing(spec=AmplifierSpec(warm_up_ms=4_000))
    assert (world.reading.power, world.reading.warmed_up) == (Power.WARMING, False)
    assert world.reading.zone(1).level_cdb is None
    assert world.run_until(lambda: world.reading.power is Power.ON, 4_100)
    assert world.reading.warmed_up
    assert world.run_until(lambda: world.reading.zone(1).level_cdb == -2_600, 1_000)


def test_garbage_costs_the_host_at_most_a_few_frames() -> None:
    world = playing()
    before = world.bytes_to_unit
    world.unit.inject_noise(bytes(range(256)) * 4_000, world.now_ms)
    world.run(10_000)
    assert world.zone(1).gate
    assert world.bytes_to_unit - before < 2_000


def test_an_idle_link_says_little() -> None:
    world = connected()
    world.run(1_000)
    before = world.bytes_to_unit
    world.run(3_600_000)
    per_minute = (world.bytes_to_unit - before) / 60
    assert per_minute < 150
