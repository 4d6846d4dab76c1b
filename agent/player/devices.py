"""Which device a name means: the same card after a reboot, a replug, or behind another port.

Pure but for `cards` and `products`, which read what the kernel says, and `find`, which asks
PortAudio. Its own numbers and the ALSA index in its names change with the order in which cards
are found; the product's name and the card's id do not.

A device is named by, in this order: PortAudio's exact name; the beginning of it, when only one
begins so ("USB PnP Sound Device"); or ALSA's card id, "hw:CARD=Device,DEV=0" as `aplay -L` shows
it ("plughw:" and a missing DEV are fine). Two cards of one product have one name and two ids.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

CARDS_FILE = Path("/proc/asound/cards")

_BY_ID = re.compile(r"(?:plug)?(?:hw|sysdefault|front)?:?CARD=([^,]+)(?:,DEV=(\d+))?$")
# The kernel's line of a card: its index, its id in brackets, driver and product.
_PRODUCT_LINE = re.compile(r"^\s*\d+ \[(\S+)\s*\]: .*? - (.*)$", re.MULTILINE)
# Where PortAudio found it this time, at the end of its name.
_PLACE = re.compile(r" \((?:plug)?hw:(\d+),(\d+)\)$")
_CARD_LINE = re.compile(r"^\s*(\d+) \[(\S+)\s*\]:", re.MULTILINE)


def prepare_portaudio() -> None:
    """Settings PortAudio reads from the environment; before it is first asked."""
    # libjack, which PortAudio asks too, must not start a server of its own.
    os.environ.setdefault("JACK_NO_START_SERVER", "1")
    # A card that knows 44.1 kHz only, or stereo only, is used through ALSA's converter.
    os.environ.setdefault("PA_ALSA_PLUGHW", "1")


def cards(file: Path = CARDS_FILE) -> dict[str, int]:
    """ALSA's card ids and the index each has now; none where there is no ALSA."""
    try:
        text = file.read_text("utf-8", "replace")
    except OSError:
        return {}
    return {found[2]: int(found[1]) for found in _CARD_LINE.finditer(text)}


def find(library: Any, wanted: str, channels_of: str, least: int) -> tuple[int | None, str, str]:
    """Number and name of the device that `wanted` means, and which ones there are.

    library: PyAudio's. Only devices with `least` channels and more are looked at; `channels_of` is
    the side: "maxInputChannels" or "maxOutputChannels".
    """
    infos = [library.get_device_info_by_index(one) for one in range(library.get_device_count())]
    names = {
        number: str(one["name"]) for number, one in enumerate(infos) if one[channels_of] >= least
    }
    by_id = cards()
    found = choose(wanted, names, by_id)
    there_are = named(names, by_id, [str(one["name"]) for one in infos])
    return found, names.get(found, "") if found is not None else "", there_are


def choose(wanted: str, names: Mapping[int, str], by_id: Mapping[str, int]) -> int | None:
    """The number of the device that `wanted` means; None when none does, or more than one."""
    exact = [number for number, name in names.items() if name == wanted]
    if exact:
        return exact[0]
    asked = _BY_ID.fullmatch(wanted)
    if asked is not None:
        if asked[1] not in by_id:
            return None
        place = f"hw:{by_id[asked[1]]},{int(asked[2] or 0)})"
        found = [number for number, name in names.items() if name.endswith(place)]
        return found[0] if found else None
    begins = [number for number, name in names.items() if wanted and name.startswith(wanted)]
    return begins[0] if len(begins) == 1 else None


def is_card(name: str) -> bool:
    """Whether what PortAudio calls so is a card itself, with no sound server or mixer before it."""
    return _PLACE.search(name) is not None


def products(file: Path = CARDS_FILE) -> dict[str, str]:
    """ALSA's card ids and what the kernel calls the product."""
    try:
        text = file.read_text("utf-8", "replace")
    except OSError:
        return {}
    return {found[1]: found[2].strip() for found in _PRODUCT_LINE.finditer(text)}


def stable_name(name: str, names: Collection[str], by_id: Mapping[str, int]) -> str:
    """What to write into the configuration for the device that PortAudio calls `name` now.

    names: of every device beside it. A place in the name ("hw:1,0") is left out, and where the
    rest does not tell it from another one, its card's id stands instead.
    """
    placed = _PLACE.search(name)
    if placed is None:
        return name
    product = name[: placed.start()]
    if product and sum(other.startswith(product) for other in names) == 1:
        return product
    ids = [one for one, index in by_id.items() if index == int(placed[1])]
    return f"hw:CARD={ids[0]},DEV={placed[2]}" if ids else name


def named(names: Mapping[int, str], by_id: Mapping[str, int], every: Collection[str] = ()) -> str:
    """Those there are, as they are best written, for an error's text. every: also those that
    cannot do what is asked."""
    found = sorted({stable_name(name, names.values(), by_id) for name in names.values()})
    shut = [f"hw:CARD={card}" for card in not_listed([*names.values(), *every], by_id)]
    held = f"; not to be opened, held by another program? {', '.join(shut)}" if shut else ""
    return (", ".join(found) or "none") + held


def not_listed(names: Collection[str], by_id: Mapping[str, int]) -> list[str]:
    """The kernel's cards that PortAudio leaves out: it could not open them."""
    return [
        card
        for card, index in sorted(by_id.items())
        if not any(f"hw:{index}," in name for name in names)
    ]
