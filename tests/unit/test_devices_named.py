"""Which devices that the configuration names are not there, and what is told instead."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from agent.cli.columns import display_width
from agent.cli.devices import Listed
from agent.cli.devices_check import with_devices
from agent.cli.screens.doctor import render_doctor
from agent.cli.texts import Lang
from agent.config_sound import absent_devices
from agent.core.requests import DoctorView
from agent.devices_named import absent, wanted
from agent.player.listing import Card, Device, Devices

CARDS = {"Device": 1, "b1": 0}
THERE = Devices(
    (
        Device("USB PnP Sound Device: Audio (hw:1,0)", "USB PnP Sound Device: Audio", 1, 2, 48_000),
        Device("default", "default", 32, 32, 48_000),
    ),
    (
        Card("Device", "USB PnP Sound Device", "hw:CARD=Device,DEV=0", listed=True),
        Card("b1", "bcm2835 Headphones", "hw:CARD=b1,DEV=0", listed=False),
    ),
)


def lacking(device: str, *inputs: tuple[str, str, int], buses: int = 1) -> list[str]:
    return [one.wanted.path for one in absent(wanted(device, buses, inputs), THERE, CARDS)]


@pytest.mark.parametrize(
    "device",
    [
        "",
        "default",
        "USB PnP Sound Device",
        "hw:CARD=Device,DEV=0",
        "plughw:CARD=Device",
        "hw:CARD=b1,DEV=0",  # held by another program, which is the station itself
        "bcm2835 Headphones",
    ],
)
def test_a_device_that_is_meant_by_its_name_is_there(device: str) -> None:
    assert lacking(device) == []


@pytest.mark.parametrize("device", ["USB C-Media", "hw:CARD=C_Media,DEV=0", "hw:CARD=Device,DEV=3"])
def test_a_device_that_no_name_means_is_absent(device: str) -> None:
    assert lacking(device) == ["sound.device"]


def test_an_input_needs_the_channel_that_it_names() -> None:
    assert lacking("", ("micro", "USB PnP Sound Device", 0)) == []
    assert lacking("", ("ok", "default", 1), ("fm", "USB PnP Sound Device", 1)) == [
        "input[1].device"
    ]


def test_a_card_needs_as_many_channels_as_it_has_buses() -> None:
    assert lacking("USB PnP Sound Device", buses=2) == []
    assert lacking("USB PnP Sound Device", buses=4) == ["sound.device"]


def test_check_names_what_is_there_instead() -> None:
    [told] = absent_devices(wanted("USB C-Media", 1, ()), THERE)
    assert told.path == "sound.device"
    assert "'USB C-Media'" in told.text.vi
    assert '"USB PnP Sound Device: Audio"' in told.hint.vi
    [none] = absent_devices(wanted("USB C-Media", 1, ()), Devices())
    assert "group audio" in none.hint.en


def test_check_says_when_nobody_could_look() -> None:
    [told] = absent_devices(wanted("USB C-Media", 1, ()), None, "slow")
    assert "cannot be listed: slow" in told.said("en")
    assert list(absent_devices([], None, "slow")) == [], "nothing is named"


CONFIG = """
[sound]
device = "{card}"
[[input]]
name = "micro"
device = "{input}"
"""


def looked(folder: Path, card: str, device: str, listed: Listed | None = None) -> DoctorView:
    file = folder / "station.toml"
    file.write_text(CONFIG.format(card=card, input=device), encoding="utf-8")
    return with_devices(DoctorView(0, ()), file, lambda: listed or Listed(THERE))


@pytest.mark.parametrize(
    ("card", "device", "verdict"),
    [
        ("default", "USB PnP Sound Device", "ok"),
        ("default", "Rode NT", "warning"),
        ("USB C-Media", "default", "fault"),
    ],
)
@pytest.mark.parametrize("lang", ["vi", "en"])
def test_the_doctor_names_what_is_absent_and_what_is_there(
    tmp_path: Path, card: str, device: str, verdict: str, lang: Lang
) -> None:
    view = looked(tmp_path, card, device)
    [check] = view.checks
    assert (check.name, check.verdict) == ("devices", verdict)
    assert any(name in check.detail[1] for name in (card, device)) == (verdict != "ok")
    assert ("default" in check.next[0]) == (verdict != "ok")
    lines = render_doctor(view, lang, 44)
    assert max(map(display_width, lines)) <= 44
    assert ("Thiết bị âm thanh" in lines[1]) == (lang == "vi")


def test_a_listing_that_hangs_leaves_the_doctor_with_unknown(tmp_path: Path) -> None:
    [check] = looked(tmp_path, "x", "y", Listed(None, "slow")).checks
    assert check.verdict == "unknown"
    assert "no answer" in check.detail[1]


def test_where_no_device_is_named_nobody_looks(tmp_path: Path) -> None:
    view = DoctorView(0, ())

    def never() -> Listed:
        raise AssertionError

    assert with_devices(view, tmp_path / "none.toml", never) == view
    assert msgspec.json.encode(view)
