"""The sound card, its inputs and the loudness: what of it must fit together, and what looks wrong.

Owns the checks and which inputs are the return line. The keys themselves are `agent.config`'s,
which reads the file. What a station started with before still starts: it is a warning.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from agent.config_texts import words
from agent.devices_named import Wanted, absent
from agent.errors import Problem
from agent.player.devices import cards
from agent.player.listing import Devices

OF_TIMETABLES = ("line", "fm", "micro")
"""Inputs that a timetable means without naming one: `line-in`, `fm`, `micro`."""

_NUMBERED = re.compile(r"hw:(\d+)")
_UNSPEAKABLE = re.compile(r"[|()\"]")
_DEVICE_MAX_CHARS = 200


class Input(Protocol):
    """An `[[input]]`."""

    @property
    def name(self) -> str: ...

    @property
    def device(self) -> str: ...

    @property
    def channel(self) -> int: ...


def _problem(path: str, key: str, **values: object) -> Problem:
    return Problem(path, words(key, **values), hint=words(f"{key}-next", **values))


def plain(name: str) -> str:
    """As it is spoken of: no spaces around it, one way to write its letters."""
    return unicodedata.normalize("NFC", name).strip()


def return_inputs(return_input: str, inputs: Iterable[Input]) -> frozenset[str]:
    """The return line by every name it has: another `[[input]]` may be the same socket."""
    known, line = list(inputs), plain(return_input)
    sockets = {(one.device, one.channel) for one in known if plain(one.name) == line}
    return frozenset(one.name for one in known if (one.device, one.channel) in sockets)


def findings(
    device: str, return_input: str, inputs: Sequence[Input], target: int, emergency: int
) -> Iterator[Problem]:
    """Warnings, by their place in the file. target, emergency: in LUFS."""
    yield from device_findings("sound.device", device)
    seen: dict[str, str] = {}
    for number, one in enumerate(inputs):
        path = f"input[{number}]"
        yield from device_findings(f"{path}.device", one.device, needed=True)
        yield from _name_findings(f"{path}.name", one.name)
        other = seen.setdefault(plain(one.name).casefold(), one.name)
        if other != one.name:
            yield _problem(f"{path}.name", "input-alike", name=one.name, other=other)
    yield from _return_findings(return_input, inputs)
    if emergency < target:
        yield _problem(
            "loudness.emergency_lufs", "emergency-quiet", emergency=emergency, target=target
        )


def device_findings(path: str, device: str, *, needed: bool = False) -> Iterator[Problem]:
    """A device's name that means none, or another one after the next start."""
    if _controls(device) or len(device) > _DEVICE_MAX_CHARS:
        yield _problem(path, "device-letters", name=shown(device))
    elif not device.strip() and (device or needed):
        yield _problem(path, "device-blank")
    elif (numbered := _NUMBERED.search(device)) is not None:
        names = [one for one, index in cards().items() if index == int(numbered[1])]
        yield _problem(path, "device-number", name=device, card=names[0] if names else "…")


def absent_devices(
    named: Sequence[Wanted], found: Devices | None, why: str = ""
) -> Iterator[Problem]:
    """Warnings of `--check`. found None: nobody could list them, `why` says why."""
    if not named:
        return
    if found is None:
        yield _problem("sound.device", "devices-unlisted", why=why)
        return
    for one in absent(named, found, cards()):
        step = "device-absent-next" if one.there else "device-none-next"
        there = ", ".join(f'"{name}"' for name in one.there)
        wanted = one.wanted
        text = words("device-absent", name=wanted.device, channels=wanted.channels)
        yield Problem(wanted.path, text, hint=words(step, there=there))


def _name_findings(path: str, name: str) -> Iterator[Problem]:
    if _controls(name):
        yield _problem(path, "input-letters", name=shown(name))
    elif not plain(name):
        yield _problem(path, "input-blank")
    elif _UNSPEAKABLE.search(name):
        yield _problem(path, "input-marks", name=name)
    elif name != name.strip():
        yield _problem(path, "input-spaces", name=name, plain=name.strip())


def _return_findings(return_input: str, inputs: Sequence[Input]) -> Iterator[Problem]:
    returns = return_inputs(return_input, inputs)
    for number, one in enumerate(inputs):
        if one.name in returns and plain(one.name) != plain(return_input):
            yield _problem(
                f"input[{number}].device", "return-shared", name=one.name, line=return_input
            )
    if returns and plain(return_input).casefold() in OF_TIMETABLES:
        yield _problem("sound.return_input", "return-named", name=return_input)


def _controls(text: str) -> bool:
    return any(unicodedata.category(letter)[0] == "C" for letter in text)


def shown(text: str) -> str:
    """So that it fits on a line."""
    return repr(text[:60])
