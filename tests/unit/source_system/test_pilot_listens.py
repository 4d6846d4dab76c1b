"""A district that cannot listen says whether it is the name, the address or the port."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator.source_system.broker import free_port
from simulator.source_system.districtctl.__main__ import main
from simulator.source_system.pilot import PilotDistrict
from simulator.source_system.problems import PROBLEMS, BrokerError


@pytest.fixture
def home(tmp_path: Path) -> Path:
    words = ["keys", "init", "--holder", "A", "--backup", str(tmp_path / "usb")]
    assert main(["--home", str(tmp_path / "district"), *words]) == 0
    return tmp_path / "district"


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", free_port()))
        other.listen()
        yield other.getsockname()[1]


def listen_at(home: Path, host: str, port: int | None = None) -> None:
    file = home / "district.toml"
    text = file.read_text(encoding="utf-8").replace(
        'listen_host = "127.0.0.1"', f'listen_host = "{host}"'
    )
    lines = [
        f"listen_port = {port}" if port and line.startswith("listen_port") else line
        for line in text.splitlines()
    ]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")


def why(home: Path) -> tuple[str, str]:
    with pytest.raises(BrokerError) as error:
        PilotDistrict(home)
    return error.value.code, error.value.where


def test_a_name_that_nobody_knows_is_not_a_port_in_use(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    listen_at(home, "dai-nay-khong-co.invalid")
    code, where = why(home)
    assert code == "host_unknown"
    assert where.startswith("dai-nay-khong-co.invalid:")
    assert main(["--home", str(home), "--lang", "vi", "serve", "--seconds", "0"]) != 0
    told = capsys.readouterr()
    assert PROBLEMS["host_unknown"].vi in told.out + told.err


def test_an_address_of_another_machine_is_told_as_such(home: Path) -> None:
    listen_at(home, "192.0.2.1")
    assert why(home)[0] == "host_not_here"


def test_a_port_that_another_program_has_is_told_with_its_number(home: Path, taken: int) -> None:
    listen_at(home, "127.0.0.1", taken)
    assert why(home) == ("port_taken", f"127.0.0.1:{taken}")
