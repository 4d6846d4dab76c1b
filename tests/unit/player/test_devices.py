"""A device is found by what does not change: its product's name, or its card's id."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.player.devices import cards, choose, named, products, stable_name
from agent.player.listing import Device, devices_of

TWO_ALIKE = {
    0: "bcm2835 Headphones: - (hw:0,0)",
    1: "USB PnP Sound Device: Audio (hw:1,0)",
    2: "USB PnP Sound Device: Audio (hw:2,0)",
    3: "default",
}
ONE = {0: "bcm2835 Headphones: - (hw:0,0)", 4: "USB PnP Sound Device: Audio (hw:3,0)", 5: "default"}
CARDS = (
    " 0 [Headphones     ]: bcm2835_headpho - bcm2835 Headphones\n"
    "                      bcm2835 Headphones\n"
    "10 [Device_1       ]: USB-Audio - USB PnP Sound Device\n"
    "                      C-Media USB PnP Sound Device at usb-1.4, full speed\n"
)
IDS = {"Headphones": 0, "Device": 1, "Device_1": 2}


@pytest.mark.parametrize(
    ("wanted", "names", "number"),
    [
        ("default", ONE, 5),
        ("USB PnP Sound Device", ONE, 4),
        ("USB PnP Sound Device: Audio (hw:3,0)", ONE, 4),
        ("USB PnP Sound Device", TWO_ALIKE, None),
        ("hw:CARD=Device,DEV=0", TWO_ALIKE, 1),
        ("plughw:CARD=Device_1,DEV=0", TWO_ALIKE, 2),
        ("CARD=Device_1", TWO_ALIKE, 2),
        ("plughw:CARD=Device_1,DEV=1", TWO_ALIKE, None),
        ("plughw:CARD=Rodecaster", TWO_ALIKE, None),
        ("", ONE, None),
        ("nothing like it", ONE, None),
    ],
)
def test_a_name_means_one_device_or_none(
    wanted: str, names: dict[int, str], number: int | None
) -> None:
    assert choose(wanted, names, IDS) == number


def test_a_card_keeps_its_id_when_its_index_changes() -> None:
    moved = {1: "bcm2835 Headphones: - (hw:1,0)", 7: "USB PnP Sound Device: Audio (plughw:0,0)"}
    assert choose("plughw:CARD=Device,DEV=0", moved, {"Device": 0, "Headphones": 1}) == 7


def test_the_kernels_list_is_read_as_it_is_written(tmp_path: Path) -> None:
    file = tmp_path / "cards"
    file.write_text(CARDS)
    assert cards(file) == {"Headphones": 0, "Device_1": 10}


@pytest.mark.parametrize("text", ["--- no soundcards ---\n", ""])
def test_a_box_without_cards_has_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "cards").write_text(text)
    assert cards(tmp_path / "cards") == {}
    assert cards(tmp_path / "missing") == {}


@pytest.mark.parametrize(
    ("name", "stable"),
    [
        ("bcm2835 Headphones: - (hw:0,0)", "bcm2835 Headphones: -"),
        ("USB PnP Sound Device: Audio (hw:1,0)", "hw:CARD=Device,DEV=0"),
        ("USB PnP Sound Device: Audio (hw:2,0)", "hw:CARD=Device_1,DEV=0"),
        ("default", "default"),
    ],
)
def test_the_name_to_write_down_means_that_device_again(name: str, stable: str) -> None:
    written = stable_name(name, TWO_ALIKE.values(), IDS)
    assert written == stable
    found = choose(written, TWO_ALIKE, IDS)
    assert found is not None
    assert TWO_ALIKE[found] == name


def test_a_wrong_name_is_answered_with_the_names_to_write_down() -> None:
    assert named(TWO_ALIKE, IDS) == (
        "bcm2835 Headphones: -, default, hw:CARD=Device,DEV=0, hw:CARD=Device_1,DEV=0"
    )
    assert named({}, {}) == "none"
    held = {0: "bcm2835 Headphones: - (hw:0,0)", 3: "default"}
    assert named(held, {"Headphones": 0, "Device": 1}).endswith("? hw:CARD=Device")


def test_a_card_that_cannot_be_opened_is_listed_by_its_id(tmp_path: Path) -> None:
    file = tmp_path / "cards"
    file.write_text(CARDS)
    found = [{"name": "default", "maxInputChannels": 0, "maxOutputChannels": 2,
              "defaultSampleRate": 48_000.0}]  # fmt: skip
    seen = devices_of(found, cards(file), products(file))
    assert seen.devices == (Device("default", "default", 0, 2, 48_000),)
    assert seen.cards
    assert not any(one.listed for one in seen.cards)
    assert all(one.product and one.stable.startswith("hw:CARD=") for one in seen.cards)
