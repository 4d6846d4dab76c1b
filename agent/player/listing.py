"""The devices there are, for a person who has to name one: `python -m agent.player --list-devices`.

Owns the question and the shape of its answer. Opens nothing and keeps nothing; asking PortAudio
may block for ever on a broken device, so whoever starts this gives it a bound.
"""

from __future__ import annotations

from typing import Any

import msgspec

from agent.player.devices import cards, not_listed, prepare_portaudio, products, stable_name


class Device(msgspec.Struct, frozen=True):
    """name: as PortAudio says it today; stable: as it is best written into the configuration."""

    name: str
    stable: str
    inputs: int
    outputs: int
    rate_hz: int


class Card(msgspec.Struct, frozen=True):
    """A card the kernel knows. listed: whether one of the devices is on it; one that another
    program holds may be on none."""

    id: str
    product: str
    stable: str
    listed: bool


class Devices(msgspec.Struct, frozen=True):
    """devices: those that can be used now."""

    devices: tuple[Device, ...] = ()
    cards: tuple[Card, ...] = ()


def list_devices() -> Devices:
    """What PortAudio and the kernel say now."""
    prepare_portaudio()
    import pyaudio

    library: Any = pyaudio.PyAudio()
    try:
        found = [
            library.get_device_info_by_index(index) for index in range(library.get_device_count())
        ]
    finally:
        library.terminate()
    return devices_of(found, cards(), products())


def devices_of(
    found: list[dict[str, Any]], by_id: dict[str, int], product_of: dict[str, str]
) -> Devices:
    """found: what PortAudio says of each device. Pure."""
    names = [str(one["name"]) for one in found]
    shut = not_listed(names, by_id)
    devices = tuple(
        Device(
            str(one["name"]),
            stable_name(str(one["name"]), names, by_id),
            int(one["maxInputChannels"]),
            int(one["maxOutputChannels"]),
            round(one["defaultSampleRate"]),
        )
        for one in found
    )
    return Devices(
        devices,
        tuple(
            Card(
                card,
                product_of.get(card, ""),
                f"hw:CARD={card},DEV=0",
                card not in shut,
            )
            for card in by_id
        ),
    )
