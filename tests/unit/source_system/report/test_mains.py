"""Time without mains, and start errors: what was measured, and never more than that."""

from __future__ import annotations

import math
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from simulator.source_system.report.episodes import Episode
from simulator.source_system.report.mains import Mains, mains, of_station, together
from simulator.source_system.report.presence import Reading, Span, Wire
from simulator.source_system.report.punctuality import Starts

DAY = Span(0, 1_000)
ALWAYS = [DAY]


def outage(from_ms: int, to_ms: int | None, subject: str = "", code: str = "mains_lost") -> Episode:
    return Episode("a", code, subject, from_ms, to_ms, "")


def place(found: list[Mains], zone: str) -> Mains:
    (one,) = (one for one in found if one.zone == zone)
    return one


def test_where_nothing_is_measured_the_share_is_unknown() -> None:
    found = of_station(DAY, ALWAYS, [Reading("", 0, False)], [], {"thôn Đông"}, [])
    assert [(one.zone, one.known_ms, one.share) for one in found] == [
        ("", 0, None),
        ("thôn Đông", 0, None),
    ]


def test_an_outage_counts_also_while_the_net_was_gone() -> None:
    connected = [Span(0, 400)]
    found = of_station(DAY, connected, [Reading("", 0, True)], [], (), [outage(300, 600)])
    box = place(found, "")
    assert (box.known_ms, box.without_ms, box.times, box.longest_ms) == (600, 300, 1, 300)
    assert box.share == 0.5


def test_that_there_was_mains_is_known_only_from_readings_while_connected() -> None:
    readings = [Reading("", 200, True), Reading("", 700, False)]
    found = of_station(DAY, [Span(100, 500), Span(600, 900)], readings, [], (), [])
    assert place(found, "").known_ms == 300 + 100


def test_a_zone_goes_by_the_amplifier_it_hangs_on_at_the_time() -> None:
    readings = [Reading("ampli-1", 0, True), Reading("ampli-2", 0, True)]
    wires = [Wire("thôn Đông", 0, "ampli-1"), Wire("thôn Đông", 500, "ampli-2")]
    faults = [
        outage(100, 200, "ampli-1"),
        outage(450, 550, "ampli-2"),
        outage(600, 700, "ampli-1"),
        outage(800, 900, "ampli-2", code="controller_lost"),
    ]
    zone = place(of_station(DAY, ALWAYS, readings, wires, (), faults), "thôn Đông")
    assert (zone.known_ms, zone.without_ms, zone.times) == (1_000, 150, 2)


def test_an_outage_that_is_not_over_lasts_to_the_end_of_what_is_known() -> None:
    found = of_station(DAY, [], [], [], (), [outage(900, None)])
    assert place(found, "").without_ms == 100


def test_sums_over_places_are_zone_time() -> None:
    both = together([Mains("a", 100, 10, 1, 10, 500), Mains("b", 50, 5, 2, 4, 500)], "")
    assert both == Mains("", 150, 15, 3, 10, 1_000)


spans = st.lists(
    st.tuples(st.integers(-100, 1_100), st.integers(0, 400)).map(
        lambda pair: Span(pair[0], pair[0] + pair[1])
    ),
    max_size=6,
)


@given(spans, spans)
def test_time_without_is_known_and_no_longer_than_the_window(
    connected: list[Span], outages: list[Span]
) -> None:
    found = mains("", DAY, connected, outages)
    assert 0 <= found.without_ms <= found.known_ms <= DAY.length_ms
    assert found.longest_ms <= found.without_ms
    assert (found.share is None) == (found.known_ms == 0)


# --- start errors ---------------------------------------------------------------------------


def test_of_nothing_no_quantile_is_known() -> None:
    assert Starts().quantile(0.5) is None
    assert Starts().worst_ms is None


@given(
    st.lists(st.integers(0, 50), min_size=1, max_size=200),
    st.sampled_from([0.01, 0.25, 0.5, 0.75, 0.99, 1.0]),
)
def test_a_quantile_is_the_nearest_rank_of_the_sorted_errors(
    errors: list[int], share: float
) -> None:
    found = Starts(Counter(errors)).quantile(share)
    assert found == sorted(errors)[max(1, math.ceil(share * len(errors))) - 1]
