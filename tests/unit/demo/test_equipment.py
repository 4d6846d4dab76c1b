"""What a zone lets through, by the amplifier's log."""

from __future__ import annotations

from typing import Any

from simulator.demo.equipment import Open, open_spans
from simulator.demo.intent import BusSource, ZonePlan

ZONE = ZonePlan(
    name="Đông",
    controller="ampli-1",
    index=1,
    buses=(BusSource(bus=0, source=2), BusSource(bus=1, source=3)),
)


def row(at_ms: int, zone: int | None = 1, **values: Any) -> dict[str, Any]:
    return {"at_ms": at_ms, "zone": zone, "power": "on", **values}


def gate(at_ms: int, *, gate: bool = True, source: int = 2, line: str = "ok") -> dict[str, Any]:
    return row(at_ms, gate=gate, source=source, line=line, gain_cdb=-600)


def test_a_zone_lets_through_the_bus_its_source_carries_while_its_gate_is_open() -> None:
    rows = [gate(10), gate(20, source=3), gate(30, gate=False)]
    assert open_spans(rows, ZONE, 99) == [Open(10, 20, 0, -600), Open(20, 30, 1, -600)]


def test_a_gate_open_at_the_end_stays_open_until_the_end() -> None:
    assert open_spans([gate(10)], ZONE, 99) == [Open(10, 99, 0, -600)]


def test_an_open_line_lets_nothing_through() -> None:
    rows = [gate(10), gate(20, line="open"), gate(30)]
    assert open_spans(rows, ZONE, 40) == [Open(10, 20, 0, -600), Open(30, 40, 0, -600)]


def test_a_cold_or_dark_amplifier_lets_nothing_through() -> None:
    warming = {**row(5, None), "power": "warming"}
    rows = [
        warming,
        {**gate(10), "power": "warming"},
        row(20, None),
        {**row(30, None), "power": "off"},
    ]
    assert open_spans(rows, ZONE, 99) == [Open(20, 30, 0, -600)]


def test_a_source_no_bus_feeds_is_the_tuner_and_not_us() -> None:
    assert open_spans([gate(10, source=7)], ZONE, 99) == []


def test_other_zones_say_nothing_about_this_one() -> None:
    assert open_spans([{**gate(10), "zone": 2}], ZONE, 99) == []
