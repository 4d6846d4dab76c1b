"""The table tells what is met, what is not, and what the machine did meanwhile."""

from __future__ import annotations

import math

import pytest

from simulator.bench.table import Figure, Gate, Machine, Mood, rendered, statistic

LATE = Figure("daemon", "start", "ms", (100.0, 300.0, 200.0), (Gate(250.0, "p50"), Gate(250.0)))


def figure(*values: float, gates: tuple[Gate, ...] = (Gate(10.0),)) -> Figure:
    return Figure("part", "figure", "ms", values, gates)


def test_every_figure_has_its_gate_its_spread_and_a_verdict() -> None:
    rows = rendered([LATE, figure(1.0), figure(1.0, gates=())]).splitlines()
    assert rows[0].split() == [*"figure n p50 p95 p99 min max verdict gate".split()]
    assert rows[3] == "DAEMON"
    assert rows[4].split() == [
        *("start,", "ms", "3", "200", "290", "298", "100", "300", "NOT", "MET"),
        *("p50", "≤", "250,", "max", "≤", "250"),
    ]
    assert rows[7].split() == "figure, ms 1 1.00 1.00 1.00 1.00 1.00 met max ≤ 10".split()
    assert rows[8].split()[-1] == "–"


@pytest.mark.parametrize(
    ("values", "gates", "verdict"),
    [
        ((10.0,), (Gate(10.0),), "met"),
        ((10.1,), (Gate(10.0),), "NOT MET"),
        ((1.0, 1.0, 99.0), (Gate(10.0, "p50"),), "met"),
        ((1.0, 99.0), (Gate(10.0, "p50"), Gate(100.0)), "NOT MET"),
        ((9.0, 11.0), (Gate(10.0, at_least=True),), "met"),
        ((9.0,), (Gate(10.0, at_least=True),), "NOT MET"),
        ((1.0, math.nan), (Gate(10.0),), "NOT MET"),
        ((math.nan,), (), "NOT MET"),
        ((), (Gate(10.0),), "not measured"),
        ((1.0,), (), "–"),
    ],
)
def test_a_missed_trial_is_a_missed_gate(
    values: tuple[float, ...], gates: tuple[Gate, ...], verdict: str
) -> None:
    assert figure(*values, gates=gates).verdict == verdict


def test_percentiles_lie_between_the_values() -> None:
    values = [4.0, 1.0, 3.0, 2.0]
    found = [statistic(values, of) for of in ("min", "p50", "p95", "max")]
    assert found == pytest.approx([1, 2.5, 3.85, 4])


def test_a_stolen_core_is_told() -> None:
    quiet = Mood(cores=2, seconds=9, stolen=0.001, ours=0.3, others=0.1, worst_core_stolen=0.002)
    assert not quiet.disturbed
    assert str(quiet).endswith("by others: quiet")
    stolen = Mood(cores=2, seconds=9, stolen=0.01, ours=0.3, others=0.1, worst_core_stolen=0.02)
    assert "worst core 2.0%" in str(stolen)
    assert "DISTURBED" in str(stolen)


def test_the_machine_has_cores_and_shares() -> None:
    mood = Machine().mood()
    assert mood.cores >= 1
    assert 0 <= mood.others <= 1
