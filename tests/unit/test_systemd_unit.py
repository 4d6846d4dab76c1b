"""The service unit promises what the decision record says: restart, watchdog, sandbox, score."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest

UNIT = Path(__file__).parents[2] / "systemd" / "station-agent.service"
MAX_EXPOSURE = 2.0

needs_systemd_analyze = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed"
)


@pytest.fixture(scope="module")
def settings() -> dict[str, list[str]]:
    """Every setting of the unit with its values, in order (systemd allows repetition)."""
    found: dict[str, list[str]] = defaultdict(list)
    for line in UNIT.read_text(encoding="utf-8").splitlines():
        if "=" in line and not line.startswith("#"):
            key, _, value = line.partition("=")
            found[key].append(value)
    return dict(found)


@needs_systemd_analyze
def test_the_exposure_score_is_at_most_two() -> None:
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", str(UNIT)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    score = re.search(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout)
    assert score is not None, done.stderr
    assert float(score[1]) <= MAX_EXPOSURE


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("Type", "notify"),
        ("Restart", "always"),
        ("WatchdogSec", "120"),
        ("StartLimitIntervalSec", "0"),
        ("OOMPolicy", "continue"),
        ("CPUWeight", "1000"),
        ("KillMode", "mixed"),
        ("User", "station"),
        ("ProtectSystem", "strict"),
        ("MemoryDenyWriteExecute", "yes"),
        ("NoNewPrivileges", "yes"),
        ("CapabilityBoundingSet", ""),
        ("SocketBindDeny", "any"),
    ],
)
def test_the_unit_sets(settings: dict[str, list[str]], key: str, value: str) -> None:
    assert settings[key] == [value]


def test_the_service_does_not_wait_for_the_network(settings: dict[str, list[str]]) -> None:
    ordering = " ".join(settings.get("After", []) + settings.get("Wants", []))
    assert "network" not in ordering


def test_devices_are_named_by_number_so_that_hot_plugged_ones_are_allowed(
    settings: dict[str, list[str]],
) -> None:
    assert all(re.fullmatch(r"char-\d+ rw", device) for device in settings["DeviceAllow"])


def test_every_command_named_in_pyproject_is_the_one_the_unit_starts(
    settings: dict[str, list[str]],
) -> None:
    program = Path(settings["ExecStart"][0].split()[0])
    pyproject = (UNIT.parents[1] / "pyproject.toml").read_text(encoding="utf-8")
    assert f"\n{program.name} = " in pyproject


def test_the_addition_for_multicast_allows_ports_of_udp_and_nothing_else() -> None:
    lines = UNIT.with_name("multicast.conf").read_text(encoding="utf-8").splitlines()
    said = [line for line in lines if line and not line.startswith("#")]
    assert said[0] == "[Service]"
    assert said[1:]
    assert all(re.fullmatch(r"SocketBindAllow=ipv4:udp:[1-9][0-9]{3,4}", line) for line in said[1:])


@needs_systemd_analyze
def test_systemd_understands_the_addition_for_multicast(tmp_path: Path) -> None:
    """As a part of the unit: what it does not know it would only warn of."""
    unit = tmp_path / UNIT.name
    text = re.sub(r"(ExecStart=)\S+", r"\1/bin/true", UNIT.read_text(encoding="utf-8"))
    unit.write_text(text, encoding="utf-8")
    added = tmp_path / f"{UNIT.name}.d"
    added.mkdir()
    shutil.copy(UNIT.with_name("multicast.conf"), added)
    (added / "broken.conf").write_text("[Service]\nSocketBindAllow=ipv9:udp:5004\n", "utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", str(unit)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert "broken.conf" in done.stderr, "it is read"
    assert "multicast.conf" not in done.stderr
