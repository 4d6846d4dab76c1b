"""`python -m firmware_bridge` against a virtual controller: what a technician sees."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from firmware_bridge.__main__ import NEXT_STEP, CommandError, main, parse_zone
from firmware_bridge.drivers.contract import LinkWhy, ZoneWish
from simulator.amplifier.model import DEFAULT_ID
from simulator.amplifier.pty_unit import PtyAmplifier

ID = DEFAULT_ID.hex()


@pytest.fixture
def unit(tmp_path: Path) -> Iterator[PtyAmplifier]:
    with PtyAmplifier(tmp_path / "port", log_path=tmp_path / "log") as running:
        yield running


def test_probe_names_the_controller_and_switches_nothing(
    unit: PtyAmplifier, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    unit.model.zones[2].gate = True
    assert main(["probe", "--port", unit.port_path]) == 0
    assert ID in capsys.readouterr().out
    assert unit.model.zones[2].gate
    assert {json.loads(line)["why"] for line in (tmp_path / "log").read_text().splitlines()} == {
        "boot"
    }


def test_apply_refuses_a_controller_that_is_not_adopted(
    unit: PtyAmplifier, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["apply", "--port", unit.port_path, "1=on"]) == 1
    said = capsys.readouterr().out
    assert "not_adopted" in said
    assert "`adopt`" in said


def test_adopt_then_apply_moves_a_zone_and_lets_go_at_the_end(
    unit: PtyAmplifier, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = ["--port", unit.port_path, "--file", str(tmp_path / "adopted.json")]
    assert main(["adopt", *kept]) == 0
    assert main(["apply", *kept, "--hold-s", "0.1", "2=on,gain=-18dB,source=1", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (answer["ok"], answer["zones"][1]["gain_cdb"]) == (True, -1_800)
    whys = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    zone = [(row["gate"], row["why"]) for row in whys if row["zone"] == 2]
    assert zone == [(False, "boot"), (True, "apply"), (False, "released")]


def test_adopt_of_the_wrong_id_changes_nothing(
    unit: PtyAmplifier, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "adopted.json"
    assert main(["adopt", "--port", unit.port_path, "--file", str(file), "--id", "00"]) == 2
    assert ID in capsys.readouterr().out
    assert not file.exists()


def test_a_missing_port_says_what_to_do_next(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["state", "--port", "/dev/serial/by-id/none", "--json"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert answer["why"] == "port_missing"
    assert "cable" in answer["next"]


def test_a_zone_is_read_as_written() -> None:
    assert parse_zone("3=on,gain=-18dB,source=1") == ZoneWish(3, True, -1_800, 1)
    assert parse_zone("3=on,gain=-0.5") == ZoneWish(3, True, -50, 0)
    assert parse_zone("12=off") == ZoneWish(12, False)


@pytest.mark.parametrize(
    "text", ["", "on", "3=maybe", "3=on,volume=1", "3=on,gain=x", "3=on,gain=1,gain=2",
             "99=on", "3=on,source=99", "3=on,gain=inf"],
)  # fmt: skip
def test_a_zone_that_makes_no_sense_is_quoted_back(text: str) -> None:
    with pytest.raises((CommandError, ValueError)) as caught:
        parse_zone(text)
    assert repr(text) in str(caught.value)


def test_every_reason_has_a_next_step() -> None:
    assert set(NEXT_STEP) == set(LinkWhy)
