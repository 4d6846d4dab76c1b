"""The parts that need neither sound nor network run, and the table is written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from simulator.bench import __main__ as bench
from simulator.bench.table import Figure


def test_the_quick_bench_of_the_pure_parts_writes_its_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench.main(["--quick", "--only", "planner", "world", "--out", str(tmp_path)]) in (0, 1)
    printed = capsys.readouterr()
    assert "the next decision among 1,000 items" in printed.out
    assert "station-days a second" in printed.out
    assert "used by the bench" in printed.out
    assert "the world, seed 1 of 2" in printed.err
    document = json.loads((tmp_path / "bench.json").read_bytes())
    assert document["failed"] == {}
    assert {one["part"] for one in document["figures"]} == {"planner", "world"}
    assert all(one["n"] for one in document["figures"])


def test_a_part_that_fails_does_not_hide_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> list[Figure]:
        raise RuntimeError("no card")

    def fine(*_: object) -> list[Figure]:
        return [Figure("fine", "a figure", "ms", (1.0,))]

    assert bench.main(["--out", str(tmp_path)], {"broken": broken, "fine": fine}) == 1
    printed = capsys.readouterr().out
    assert "broken: NOT MEASURED, RuntimeError: no card" in printed
    assert "a figure" in printed
