"""The size of a card's blocks: where it begins, what makes it grow, what is kept of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.player.blocks import SIZES, Blocks
from agent.player.clockmap import NS_PER_S
from agent.player.limiter import LOOKAHEAD_FRAMES
from agent.player.remembered import recall, remember

CARD = "USB PnP Sound Device: Audio (hw:1,0)"


def test_what_is_ordered_now_is_heard_within_43_ms_on_a_card_of_its_own() -> None:
    """It waits for the next block, and for the one that the card still has."""
    frames = Blocks().begin(CARD)
    assert 1000 * (2 * frames + LOOKAHEAD_FRAMES) / 48_000 < 43


@pytest.mark.parametrize("name", ["default", "pulse", "tan-lien", ""])
def test_a_device_behind_a_sound_server_begins_larger(name: str) -> None:
    assert Blocks().begin(name) == 2_048


def test_a_card_that_ran_dry_thrice_in_an_hour_gets_more_when_nothing_sounds() -> None:
    blocks = Blocks()
    blocks.begin(CARD)
    for minute in (0, 20, 40):
        blocks.ran_dry(minute * 60 * NS_PER_S)
    assert blocks.larger(2_401 * NS_PER_S, quiet=False) is None
    assert blocks.larger(2_402 * NS_PER_S, quiet=True) == SIZES[1]
    assert blocks.larger(2_403 * NS_PER_S, quiet=True) is None


def test_a_machine_that_was_busy_twice_changes_nothing() -> None:
    blocks = Blocks()
    blocks.begin(CARD)
    for at_ms in (0, 20, 40, 60, 900, 1_900_000):
        blocks.ran_dry(at_ms * 1_000_000)
    assert blocks.larger(1_901 * NS_PER_S, quiet=True) is None


def test_what_tears_all_the_time_does_not_wait_for_silence() -> None:
    blocks = Blocks()
    blocks.begin(CARD)
    grown = []
    for second in range(12):
        blocks.ran_dry(second * NS_PER_S)
        grown.append(blocks.larger(second * NS_PER_S, quiet=False))
    assert [size for size in grown if size] == [SIZES[1], SIZES[2]]


def test_a_restart_begins_with_what_was_found(tmp_path: Path) -> None:
    file = tmp_path / "sound.json"
    assert recall(file, "usb") is None
    remember(file, "usb", 1_440)
    assert Blocks(recall(file, "usb")).begin(CARD) == 1_440
    assert Blocks(recall(file, "another card")).begin(CARD) == SIZES[0]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"device":"usb"}', '{"device":"usb","frames":"many"}', "\xff\xfe"]
)
def test_a_file_that_says_nothing_is_nothing_known(tmp_path: Path, text: str) -> None:
    file = tmp_path / "sound.json"
    file.write_text(text, encoding="latin-1")
    assert recall(file, "usb") is None


def test_a_size_no_card_has_is_brought_back_to_one_that_there_is(tmp_path: Path) -> None:
    file = tmp_path / "sound.json"
    file.write_text('{"device":"usb","frames":1000,"later":true}', encoding="utf-8")
    assert Blocks(recall(file, "usb")).begin(CARD) == 1_440
    assert Blocks(-1).begin(CARD) == SIZES[0]
    assert Blocks(10**12).begin(CARD) == SIZES[-1]


def test_a_folder_that_cannot_be_written_costs_the_memory_and_not_the_sound(tmp_path: Path) -> None:
    remember(tmp_path / "gone" / "sound.json", "usb", 1_440)
    assert not (tmp_path / "gone").exists()
