"""`stationctl pin` on a real directory: who may, what is asked, what is kept."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from agent.adapters.pins import PINS, Known, PinCheck, Signer
from agent.cli.__main__ import run_in
from agent.cli.client import Unreachable
from agent.cli.columns import display_width
from agent.cli.findings import Finding
from agent.cli.wording import FAULT
from agent.core.requests import Answer, PinNoteRequest, Refused
from tests.unit.cli.people import HOA, OTHER_PIN, PIN, Agent, Keyboard, around

Printed = pytest.CaptureFixture[str]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "state").mkdir()
    file = tmp_path / "station.toml"
    file.write_text('[station]\nstate_dir = "state"\n', "utf-8")
    return file


def pin(config: Path, keyboard: Keyboard | None, *argv: str) -> int:
    return run_in(around(Agent(), keyboard), ["pin", *argv, "--config", str(config)])


def state(config: Path) -> Path:
    return config.parent / "state"


def known(config: Path, typed: str, name: str = HOA) -> Known | Refused:
    return PinCheck(state(config)).check(Signer(name, typed), 0)


def out(capsys: Printed) -> str:
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if display_width(line) > 44] == []
    return " ".join(" ".join(lines).split())


def test_a_pin_is_typed_twice_in_secret_and_then_known(config: Path, capsys: Printed) -> None:
    keyboard = Keyboard(PIN, PIN)
    assert pin(config, keyboard, "set", HOA) == 0
    assert all(one.startswith("(secret)") for one in keyboard.prompts)
    assert known(config, PIN) == Known(HOA, ("approve",))
    assert stat.S_IMODE((state(config) / PINS).stat().st_mode) == 0o600
    assert PIN not in out(capsys) + "".join(keyboard.told)


def test_the_agent_is_told_for_the_journal_who_got_and_who_lost_a_pin(
    config: Path, capsys: Printed
) -> None:
    agent = Agent()

    def typed(*argv: str, keyboard: Keyboard | None = None) -> None:
        assert run_in(around(agent, keyboard), ["pin", *argv, "--config", str(config)]) == 0

    typed("set", HOA, "--may", "approve,announce", keyboard=Keyboard(PIN, PIN))
    typed("remove", HOA)
    assert [request for request, _ in agent.done] == [
        PinNoteRequest(HOA, ("approve", "announce")),
        PinNoteRequest(HOA),
    ]
    assert agent.signers == [None, None]  # the PIN itself is told to nobody
    assert "nhật ký" not in out(capsys)


@pytest.mark.parametrize("answer", [Refused("not_allowed"), None])
def test_what_the_journal_did_not_take_is_said_and_the_pin_counts(
    answer: Refused | None, config: Path, capsys: Printed
) -> None:
    class Deaf(Agent):
        def __call__(self, *asked: object) -> Answer:
            if answer is None:
                raise Unreachable(Finding(FAULT, "nobody is there"))
            return answer

    assert (
        run_in(around(Deaf(), Keyboard(PIN, PIN)), ["pin", "set", HOA, "--config", str(config)])
        == 0
    )
    assert "chưa ghi vào nhật ký" in out(capsys)
    assert isinstance(known(config, PIN), Known)


def test_rights_are_given_by_name_and_kept_by_a_new_pin(config: Path, capsys: Printed) -> None:
    assert pin(config, Keyboard(PIN, PIN), "set", HOA, "--may", "announce,approve") == 0
    assert "duyệt, đọc thông báo" in out(capsys)
    assert pin(config, Keyboard(OTHER_PIN, OTHER_PIN), "set", HOA) == 0
    assert known(config, OTHER_PIN) == Known(HOA, ("approve", "announce"))
    assert pin(config, None, "set", HOA, "--may", "fly") == 2
    assert "approve, announce: fly" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize("weak", ["123456", "000000", "231185", "40281"])
def test_a_weak_pin_is_told_why_and_asked_for_again(
    config: Path, weak: str, capsys: Printed
) -> None:
    keyboard = Keyboard(weak, PIN, PIN)
    assert pin(config, keyboard, "set", HOA) == 0
    assert any(line.startswith("✗ ") for line in keyboard.told)
    assert isinstance(known(config, PIN), Known)


def test_after_three_weak_pins_nothing_is_set(config: Path, capsys: Printed) -> None:
    assert pin(config, Keyboard(*["123456"] * 5), "set", HOA) == 1
    assert "theo thứ tự" in out(capsys)
    assert not (state(config) / PINS).exists()


def test_two_that_differ_are_not_taken(config: Path, capsys: Printed) -> None:
    keyboard = Keyboard(PIN, OTHER_PIN, PIN, PIN)
    assert pin(config, keyboard, "set", HOA) == 0
    assert any("không giống nhau" in line for line in keyboard.told)
    assert isinstance(known(config, PIN), Known)


def test_a_script_gives_a_file_and_a_weak_pin_of_it_is_refused(
    config: Path, tmp_path: Path, capsys: Printed
) -> None:
    file = tmp_path / "pin"
    file.write_text(f"{PIN}\n", "utf-8")
    file.chmod(0o600)
    assert pin(config, None, "set", HOA, "--pin-file", str(file)) == 0
    assert isinstance(known(config, PIN), Known)
    file.write_text("123456\n", "utf-8")
    assert pin(config, None, "set", "Trần Thị Mai", "--pin-file", str(file)) == 1
    assert isinstance(known(config, "123456", "Trần Thị Mai"), Refused)


def test_without_a_keyboard_and_a_file_it_says_what_is_missing(
    config: Path, capsys: Printed
) -> None:
    assert pin(config, None, "set", HOA) == 2
    assert "--pin-file" in out(capsys)


@pytest.mark.parametrize("name", ["", "402817", "x" * 70, "a\x1b[2J"])
def test_what_is_no_name_gets_no_pin(config: Path, name: str, capsys: Printed) -> None:
    keyboard = Keyboard(PIN, PIN)
    assert pin(config, keyboard, "set", name) == 2
    assert keyboard.left == 2


def test_two_people_whose_names_differ_in_marks_only_do_not_share_a_pin(
    config: Path, capsys: Printed
) -> None:
    pin(config, Keyboard(PIN, PIN), "set", HOA)
    capsys.readouterr()
    assert pin(config, Keyboard(OTHER_PIN, OTHER_PIN), "set", "Nguyễn Văn Hoa") == 2
    assert f"stationctl pin set '{HOA}'" in out(capsys)
    assert isinstance(known(config, PIN), Known)


def test_who_has_a_pin_is_listed_without_what_it_is(config: Path, capsys: Printed) -> None:
    pin(config, Keyboard(PIN, PIN), "set", HOA)
    capsys.readouterr()
    assert pin(config, None, "list") == 0
    assert f"{HOA}: duyệt" in out(capsys)
    assert pin(config, None, "list", "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert said["answer"] == "pins"
    assert set(said["people"][0]) == {"name", "may", "set_ms"}


def test_a_pin_is_removed_by_the_name_as_people_type_it(config: Path, capsys: Printed) -> None:
    pin(config, Keyboard(PIN, PIN), "set", HOA)
    assert pin(config, None, "remove", "nguyen van hoa") == 0
    assert isinstance(known(config, PIN), Refused)
    capsys.readouterr()
    assert pin(config, None, "remove", HOA) == 1
    assert "không có mã PIN" in out(capsys)


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (lambda file: file.chmod(0o644), "đang để quyền 0644"),
        (lambda file: file.write_text("{", "utf-8"), "hỏng"),
    ],
)
@pytest.mark.parametrize("action", [["list"], ["set", HOA], ["remove", HOA]])
def test_a_file_that_is_not_to_be_believed_is_told_with_its_remedy(
    config: Path, harm: object, words: str, action: list[str], capsys: Printed
) -> None:
    pin(config, Keyboard(PIN, PIN), "set", HOA)
    capsys.readouterr()
    harm(state(config) / PINS)  # type: ignore[operator]
    assert pin(config, Keyboard(PIN, PIN), *action) == 1
    text = out(capsys)
    assert words in text
    assert "→ sudo " in text


def test_without_a_state_directory_it_says_how_one_comes_to_be(
    config: Path, capsys: Printed
) -> None:
    state(config).rmdir()
    assert pin(config, None, "list") == 1
    assert "sudo systemctl start station-agent" in out(capsys)


def test_no_argument_carries_a_pin(config: Path, capsys: Printed) -> None:
    assert pin(config, None, "set", HOA, PIN) == 2
    assert pin(config, None, "set", HOA, "--pin", PIN) == 2


@pytest.mark.skipif(os.geteuid() != 0, reason="needs to become somebody else")
def test_somebody_else_is_sent_to_sudo_with_the_whole_command() -> None:
    with tempfile.TemporaryDirectory(prefix="pin-", dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "state").mkdir()
        config = folder / "station.toml"
        config.write_text('[station]\nstate_dir = "state"\n', "utf-8")
        words = ["-m", "agent.cli", "--config", str(config), "--lang", "en", "pin", "set", HOA]
        done = subprocess.run(
            ["setpriv", "--reuid=65534", "--clear-groups", sys.executable, *words],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        assert done.returncode == 1, done.stderr
        assert f"sudo stationctl pin set '{HOA}'" in " ".join(done.stdout.split())
        assert list((folder / "state").iterdir()) == []
