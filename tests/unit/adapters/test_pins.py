"""The files of the PINs: what is believed, what survives, and that no PIN stands in them."""

from __future__ import annotations

import json
import logging
import os
import stat
from pathlib import Path

import pytest

from agent.adapters.pins import (
    PINS,
    TRIES,
    Known,
    People,
    PinCheck,
    Signer,
    Trouble,
    read_people,
    with_pin,
    without,
    write_people,
)
from agent.core.pins import FREE_TRIES
from agent.core.requests import Refused

HOA, MAI = "Nguyễn Văn Hòa", "Trần Thị Mai"
RIGHT, WRONG = "402817", "730591"
MINUTE_MS = 60_000


def people(folder: Path) -> People:
    found = read_people(folder)
    assert isinstance(found, People)
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_people(tmp_path, with_pin(People(), HOA, RIGHT, None, 1))
    return tmp_path


def check(folder: Path, pin: str, now_ms: int = 0, name: str = HOA) -> Known | Refused:
    """By an agent that was just started: nothing is remembered but what is on the disk."""
    return PinCheck(folder).check(Signer(name, pin), now_ms)


def refusal(found: Known | Refused) -> Refused:
    assert isinstance(found, Refused)
    return found


def exhaust(folder: Path, now_ms: int = 0) -> None:
    for _ in range(FREE_TRIES):
        assert refusal(check(folder, WRONG, now_ms)).code == "wrong_pin"


# --- the file -------------------------------------------------------------------------------


def test_without_a_file_nobody_has_a_pin(tmp_path: Path) -> None:
    assert people(tmp_path) == People()
    assert refusal(check(tmp_path, RIGHT)).code == "unknown_person"


def test_the_file_is_for_the_station_alone_and_holds_no_pin(folder: Path) -> None:
    file = folder / PINS
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert RIGHT not in file.read_text("utf-8")
    assert [one.name for one in folder.iterdir()] == [PINS]


def test_two_people_with_the_same_pin_have_nothing_in_common(folder: Path) -> None:
    write_people(folder, with_pin(people(folder), MAI, RIGHT, ("announce",), 2))
    first, second = people(folder).people
    assert first.salt != second.salt
    assert first.hash != second.hash


def test_a_name_is_found_however_it_is_typed_and_kept_as_it_was(folder: Path) -> None:
    assert check(folder, RIGHT, name="nguyen van hoa") == Known(HOA, ("approve",))
    write_people(folder, with_pin(people(folder), "nguyen van hoa", "918274", None, 2))
    assert [one.name for one in people(folder).people] == [HOA]
    assert isinstance(check(folder, "918274"), Known)
    assert refusal(check(folder, RIGHT)).code == "wrong_pin"


def test_a_new_pin_keeps_the_rights_unless_others_are_named(folder: Path) -> None:
    write_people(folder, with_pin(people(folder), HOA, RIGHT, ("approve", "announce"), 2))
    write_people(folder, with_pin(people(folder), HOA, "918274", None, 3))
    assert people(folder).people[0].may == ("approve", "announce")


def test_who_was_removed_is_nobody(folder: Path) -> None:
    write_people(folder, without(people(folder), "NGUYỄN VĂN HÒA"))
    assert refusal(check(folder, RIGHT)).code == "unknown_person"


def test_what_a_later_version_wrote_survives_a_new_pin(folder: Path) -> None:
    file = folder / PINS
    said = json.loads(file.read_text("utf-8"))
    said["people"][0] |= {"phone": "0912", "may": ["approve", "microphone"]}
    file.write_text(json.dumps(said), "utf-8")
    write_people(folder, with_pin(people(folder), HOA, "918274", None, 2))
    [kept] = json.loads(file.read_text("utf-8"))["people"]
    assert (kept["phone"], kept["may"]) == ("0912", ["approve", "microphone"])


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_a_file_that_others_may_read_or_write_is_not_believed(folder: Path, mode: int) -> None:
    (folder / PINS).chmod(mode)
    found = read_people(folder)
    assert isinstance(found, Trouble)
    assert (found.fault, found.detail) == ("rights", f"{mode:04o}")
    assert refusal(check(folder, RIGHT)) == Refused("pin_file", "rights")


def test_a_link_to_another_file_is_not_followed(folder: Path) -> None:
    (folder / PINS).rename(folder / "elsewhere.json")
    (folder / PINS).symlink_to(folder / "elsewhere.json")
    found = read_people(folder)
    assert isinstance(found, Trouble)
    assert found.fault == "unreadable"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_the_file_of_a_stranger_is_not_believed(folder: Path) -> None:
    os.chown(folder / PINS, 65_534, 65_534)
    found = read_people(folder)
    assert isinstance(found, Trouble)
    assert found.fault == "owner"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_root_writes_the_file_for_the_owner_of_the_directory(tmp_path: Path) -> None:
    os.chown(tmp_path, 65_534, 65_534)
    write_people(tmp_path, with_pin(People(), HOA, RIGHT, None, 1))
    assert (tmp_path / PINS).stat().st_uid == 65_534


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"people": 3}', '{"people": [{"name": "x"}]}', '{"people": [null]}'],
)
def test_a_damaged_file_lets_nobody_in_and_is_told(folder: Path, text: str) -> None:
    (folder / PINS).write_text(text, "utf-8")
    found = read_people(folder)
    assert isinstance(found, Trouble)
    assert found.fault == "damaged"
    assert refusal(check(folder, RIGHT)).code == "pin_file"


def test_costs_that_would_eat_the_memory_are_not_believed(folder: Path) -> None:
    file = folder / PINS
    file.write_text(file.read_text("utf-8").replace('"n": 16384', '"n": 1073741824'), "utf-8")
    assert isinstance(read_people(folder), Trouble)


def test_a_file_left_by_a_power_cut_is_no_hindrance(folder: Path) -> None:
    (folder / f".{PINS}.new").write_text("half", "utf-8")
    write_people(folder, with_pin(people(folder), MAI, "918274", None, 2))
    assert len(people(folder).people) == 2


# --- tries ----------------------------------------------------------------------------------


def test_the_right_pin_is_right_and_leaves_no_count(folder: Path) -> None:
    assert check(folder, RIGHT) == Known(HOA, ("approve",))
    assert json.loads((folder / TRIES).read_text("utf-8")) == {}


def test_a_wrong_pin_says_how_many_tries_are_left(folder: Path) -> None:
    left = [refusal(check(folder, WRONG)).tries_left for _ in range(FREE_TRIES)]
    assert left == [4, 3, 2, 1, 0]
    assert refusal(check(folder, WRONG)).wait_ms == MINUTE_MS


def test_while_a_name_waits_even_the_right_pin_is_not_compared(folder: Path) -> None:
    exhaust(folder)
    found = refusal(check(folder, RIGHT, MINUTE_MS - 1))
    assert (found.code, found.detail, found.wait_ms) == ("pin_locked", HOA, 1)
    assert isinstance(check(folder, RIGHT, MINUTE_MS), Known)


def test_the_next_wrong_pin_costs_twice_the_wait_also_after_a_restart(folder: Path) -> None:
    exhaust(folder)
    assert refusal(check(folder, WRONG, MINUTE_MS)).wait_ms == 2 * MINUTE_MS
    assert refusal(check(folder, RIGHT, 2 * MINUTE_MS)).code == "pin_locked"
    assert isinstance(check(folder, RIGHT, 3 * MINUTE_MS), Known)


def test_a_right_pin_forgets_the_wrong_ones(folder: Path) -> None:
    for _ in range(3):
        for _ in range(FREE_TRIES - 1):
            check(folder, WRONG)
        assert isinstance(check(folder, RIGHT), Known)


def test_one_name_waits_and_the_other_does_not(folder: Path) -> None:
    write_people(folder, with_pin(people(folder), MAI, RIGHT, None, 2))
    exhaust(folder)
    assert isinstance(check(folder, RIGHT, name=MAI), Known)
    assert refusal(check(folder, RIGHT)).code == "pin_locked"


def test_a_new_pin_ends_the_wait_of_the_old_one(folder: Path) -> None:
    exhaust(folder)
    write_people(folder, with_pin(people(folder), HOA, "918274", None, 2))
    assert isinstance(check(folder, "918274"), Known)


def test_a_clock_that_went_back_neither_frees_a_name_nor_holds_it_for_years(
    folder: Path,
) -> None:
    exhaust(folder, 1_800_000_000_000)
    agent = PinCheck(folder)
    assert refusal(agent.check(Signer(HOA, RIGHT), 5_000)).wait_ms == MINUTE_MS


def test_the_count_is_for_the_station_alone_and_knows_no_pin(folder: Path) -> None:
    check(folder, WRONG)
    file = folder / TRIES
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert WRONG not in file.read_text("utf-8")


@pytest.mark.parametrize("text", ["", "[]", '{"x": 1}', '{"nguyenvanhoa": {"wrong": -4}}'])
def test_a_damaged_count_locks_nobody_out(folder: Path, text: str) -> None:
    exhaust(folder)
    (folder / TRIES).write_text(text, "utf-8")
    assert isinstance(check(folder, RIGHT), Known)


def test_a_disk_that_takes_nothing_does_not_stop_the_counting(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (folder / f".{TRIES}.new").mkdir()  # nothing can be written in its place
    agent = PinCheck(folder)
    for _ in range(FREE_TRIES):
        agent.check(Signer(HOA, WRONG), 0)
    assert refusal(agent.check(Signer(HOA, RIGHT), 0)).code == "pin_locked"
    assert sum("pin_tries_not_kept" in one.message for one in caplog.records) == 1


def test_an_unknown_name_is_not_repeated_because_it_may_be_a_pin(folder: Path) -> None:
    assert refusal(check(folder, HOA, name=RIGHT)) == Refused("unknown_person")


def test_no_log_line_and_no_text_of_a_signer_holds_a_pin(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    signer = Signer(HOA, WRONG)
    PinCheck(folder).check(signer, 0)
    assert caplog.records
    assert WRONG not in caplog.text + repr(signer) + str(signer)
