"""Median, 99th percentile and worst of what was lately seen."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from agent.player.durations import STEP_NS, TURN, Durations, Spread


def test_nothing_was_seen_is_said_so() -> None:
    assert Durations().spread() is None


@given(st.lists(st.integers(0, 15_000_000), min_size=1, max_size=300))
def test_the_figures_are_those_of_the_values_within_a_step(values_ns: list[int]) -> None:
    durations = Durations()
    for value_ns in values_ns:
        durations.add(value_ns)
    spread = durations.spread()
    assert spread is not None
    for told_us, share in ((spread.p50_us, 50), (spread.p99_us, 99)):
        true_ns = int(np.percentile(values_ns, share, method="inverted_cdf"))
        assert -1 <= told_us - true_ns / 1000 <= STEP_NS / 1000
    assert spread.max_us == -(-max(values_ns) // 1000)


def test_a_value_beyond_every_step_counts_as_the_worst() -> None:
    durations = Durations()
    durations.add(700_000_000)
    assert durations.spread() == Spread(700_000, 700_000, 700_000)


def test_what_was_long_ago_is_forgotten() -> None:
    durations = Durations()
    durations.add(9_000_000)
    for _ in range(TURN):
        durations.add(100_000)
    assert durations.spread() == Spread(120, 120, 9_000)
    for _ in range(TURN):
        durations.add(100_000)
    assert durations.spread() == Spread(100, 100, 100)
