"""How a live source flows is seen from what arrives, whether it trickles or comes in lumps."""

from __future__ import annotations

from agent.player.clockmap import NS_PER_S
from agent.player.flowing import Flowing, came_at_once
from agent.player.protocol import RATE_HZ

PLAIN_MS = 1_500


def fed(
    rate: float,
    *,
    lump_s: float = 0.1,
    for_s: float = 30.0,
    burst_s: float = 2.0,
    lead_ms: int = PLAIN_MS,
) -> Flowing:
    """What came so fast for so long, in lumps."""
    flow, at_s = Flowing(), 1.0
    flow.took(round(burst_s * RATE_HZ), round(at_s * NS_PER_S), lead_ms)
    while at_s < 1.0 + for_s:
        at_s += lump_s / rate
        flow.took(round(lump_s * RATE_HZ), round(at_s * NS_PER_S), lead_ms)
    return flow


def test_a_source_that_flows_is_well_after_some_seconds_and_lacks_nothing() -> None:
    flow = fed(1.0, for_s=6.0)
    assert flow.well_for_ns(flow.last_ns, PLAIN_MS) >= 3 * NS_PER_S
    assert not flow.lacks(PLAIN_MS)


def test_what_a_server_gives_ahead_makes_nothing_well() -> None:
    flow = Flowing()
    flow.took(30 * RATE_HZ, NS_PER_S, PLAIN_MS)
    assert flow.well_for_ns(5 * NS_PER_S, PLAIN_MS) == 0


def test_a_source_at_seven_tenths_is_never_well_and_is_told_within_twenty_seconds() -> None:
    assert all(
        flow.well_for_ns(flow.last_ns, PLAIN_MS) == 0
        for flow in (fed(0.7, for_s=seconds) for seconds in (4.0, 8.0, 12.0, 20.0))
    )
    assert not fed(0.7, for_s=10.0).lacks(PLAIN_MS)
    assert fed(0.7, for_s=20.0).lacks(PLAIN_MS)


def test_one_stall_that_was_bridged_is_no_slow_source() -> None:
    flow = fed(1.0)
    flow.took(RATE_HZ // 10, flow.last_ns + 4 * NS_PER_S, PLAIN_MS)
    assert not flow.lacks(PLAIN_MS)


def test_segments_are_well_with_the_second_lump_and_lack_nothing_between_two() -> None:
    once = fed(1.0, lump_s=10.0, for_s=9.0, burst_s=19.0, lead_ms=16_000)
    assert once.well_for_ns(once.last_ns, 16_000) == 10 * NS_PER_S
    assert once.well_for_ns(once.last_ns + 9 * NS_PER_S, 16_000) == 19 * NS_PER_S
    assert not once.lacks(16_000)
    assert not fed(1.0, lump_s=10.0, for_s=200.0, lead_ms=16_000).lacks(16_000)


def test_a_list_that_gives_its_segments_once_and_then_nothing_is_never_well() -> None:
    flow = Flowing()
    for number in range(20):
        flow.took(RATE_HZ, NS_PER_S + number * NS_PER_S // 100, 16_000)
    seconds = range(2, 40)
    assert all(flow.well_for_ns(one * NS_PER_S, 16_000) == 0 for one in seconds)


def test_a_source_that_stopped_is_not_well() -> None:
    flow = fed(1.0)
    assert flow.well_for_ns(flow.last_ns + 3 * NS_PER_S, PLAIN_MS) == 0


def test_what_is_silent_is_well_only_after_it() -> None:
    flow = fed(1.0)
    flow.quiet(flow.last_ns)
    assert flow.well_for_ns(flow.last_ns, PLAIN_MS) == 0


def test_a_source_that_nobody_takes_is_not_slow() -> None:
    flow = fed(1.0)
    for _ in range(100):
        flow.held(flow.last_ns + NS_PER_S)
    flow.took(RATE_HZ, flow.last_ns, PLAIN_MS)
    assert not flow.lacks(PLAIN_MS)
    assert flow.lump_ns < NS_PER_S


def test_a_recording_comes_faster_than_any_live_server_sends() -> None:
    assert came_at_once(14 * RATE_HZ, NS_PER_S, over=False)
    assert came_at_once(10 * RATE_HZ, NS_PER_S, over=True)
    assert not came_at_once(16 * RATE_HZ, 8 * NS_PER_S, over=False), "eight seconds ahead"
    assert not came_at_once(60 * RATE_HZ, 50 * NS_PER_S, over=True)
