"""However it comes: a source that is too slow is told within its bound, one that flows never is."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent.player.clockmap import NS_PER_MS, NS_PER_S
from agent.player.flowing import Flowing
from agent.player.patience import LEAD_MOST_MS, STALL_LIMIT_NS, lead_of_segments_ms, stall_limit_ns
from agent.player.protocol import RATE_HZ

lumps_ms = st.integers(min_value=20, max_value=12_000)
bursts_ms = st.integers(min_value=20, max_value=20_000)


def _lead_ms(lump_ms: int) -> int:
    return max(1_500, lead_of_segments_ms(lump_ms) if lump_ms > 1_000 else 0)


def _feed(rate: float, lump_ms: int, burst_ms: int, for_s: int) -> tuple[Flowing, list[int], bool]:
    """What came; for how long it was well after each lump; whether it was told as too slow."""
    flow, now_ns, lead_ms = Flowing(), NS_PER_S, _lead_ms(lump_ms)
    flow.took(burst_ms * RATE_HZ // 1000, now_ns, lead_ms)
    well, told, until_ns = [], False, now_ns + for_s * NS_PER_S
    while now_ns < until_ns:
        now_ns += round(lump_ms * NS_PER_MS / rate)
        flow.took(lump_ms * RATE_HZ // 1000, now_ns, lead_ms)
        well.append(flow.well_for_ns(now_ns, lead_ms))
        told |= flow.lacks(lead_ms)
    return flow, well, told


@given(lump_ms=lumps_ms, burst_ms=bursts_ms, rate=st.floats(min_value=0.98, max_value=1.5))
def test_what_flows_is_never_told_and_becomes_well(
    lump_ms: int, burst_ms: int, rate: float
) -> None:
    _, well, told = _feed(rate, lump_ms, burst_ms, 60)
    assert not told
    assert well[-1] >= 3 * NS_PER_S


@given(lump_ms=lumps_ms, burst_ms=bursts_ms, rate=st.floats(min_value=0.2, max_value=0.85))
def test_what_is_too_slow_is_told_within_its_bound_and_never_well(
    lump_ms: int, burst_ms: int, rate: float
) -> None:
    bound_s = max(4.5, _lead_ms(lump_ms) / 1000) / (0.97 - rate) + 2 * lump_ms / 1000 / rate
    _, well, told = _feed(rate, lump_ms, burst_ms, round(bound_s) + 1)
    assert told
    assert not any(well)


@given(lump_ms=lumps_ms, late_ms=st.integers(min_value=0, max_value=4_000))
def test_no_lump_is_late_that_its_own_list_allows(lump_ms: int, late_ms: int) -> None:
    """RFC 8216: a list is renewed within one and a half of its segments' length."""
    lead_ms = _lead_ms(lump_ms)
    limit_ns = stall_limit_ns(lead_ms)
    assert limit_ns >= STALL_LIMIT_NS
    assert limit_ns >= lump_ms * 3 // 2 * NS_PER_MS
    assert stall_limit_ns(lead_ms + late_ms) <= (LEAD_MOST_MS + 1_000) * NS_PER_MS
