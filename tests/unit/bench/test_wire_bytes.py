"""Bytes on the wire: what belongs to one message, and what a month of them is."""

from __future__ import annotations

import pytest

from simulator.bench.wire_bytes import (
    MIB,
    SEGMENT_BYTES,
    Burst,
    Cost,
    Sample,
    bursts,
    carrying,
    costs,
    heartbeats_a_month,
    middle,
    pings_a_month,
    rendered,
    times_a_month,
)

QUIET = [Sample(at / 10, 100, 50) for at in range(20)]


def test_a_link_on_which_nothing_moves_has_no_bursts() -> None:
    assert bursts(QUIET) == []


def test_what_moves_within_a_moment_is_one_burst_and_what_comes_later_another() -> None:
    samples = [
        Sample(0.0, 0, 0),
        Sample(0.1, 100, 0),
        Sample(0.2, 100, 0),
        Sample(0.3, 100, 24),
        Sample(5.0, 160, 24),
    ]
    assert bursts(samples) == [Burst(0.0, 0.3, 100, 24), Burst(0.3, 5.0, 60, 0)]


def test_only_a_burst_with_one_message_of_that_kind_counts_for_it() -> None:
    found = [Burst(1.0, 1.1, 167, 0), Burst(6.0, 6.1, 190, 24), Burst(9.0, 9.1, 24, 24)]
    seen = [(1.05, "health"), (6.0, "health"), (6.05, "event")]
    assert carrying(found, seen, "health") == [found[0]]
    assert carrying(found, seen, "event") == []


def test_the_middle_one_counts_and_nothing_is_never_zero() -> None:
    assert middle([Burst(0, 1, 10, 1), Burst(0, 1, 12, 1), Burst(0, 1, 900, 1)], "x") == (12, 1)
    with pytest.raises(ValueError, match="heartbeat"):
        middle([], "heartbeat")


def test_between_two_heartbeats_of_five_minutes_lie_two_pings() -> None:
    assert times_a_month(300) == 8_640
    assert pings_a_month() == 2 * 8_640
    assert heartbeats_a_month() == 8_640 + 600


def test_a_month_is_the_message_times_its_number_with_headers_told_apart() -> None:
    cost = Cost("heartbeat", 160, 0, 2, 8_640)
    assert cost.tls_bytes == 160
    assert cost.ip_bytes == 160 + 2 * SEGMENT_BYTES
    assert cost.mib_a_month(cost.tls_bytes) == pytest.approx(160 * 8_640 / MIB)


def test_the_table_adds_up_and_names_what_was_assumed() -> None:
    one = [Burst(0, 1, 100, 24)]
    found = costs(one, one, one, one)
    table = rendered(found, {"heartbeat": 60}, 70)
    assert [line.split()[0] for line in table.splitlines()[1:6]] == [
        "heartbeat",
        "ping",
        "details",
        "connection",
        "all",
    ]
    total = sum(cost.mib_a_month(cost.tls_bytes) for cost in found)
    assert f"{total:10.2f}" in table.splitlines()[5]
    assert "assumed" in table
