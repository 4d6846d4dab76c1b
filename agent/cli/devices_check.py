"""The doctor's look at the sound devices that the configuration names: an absent one is told with
what there is instead. Made here, not by the agent, which opens an input only when it is wanted.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from agent.cli.devices import ListDevices
from agent.cli.screens.doctor import DEVICES
from agent.cli.texts import Lang, say
from agent.core.requests import Check, DoctorView, Verdict
from agent.devices_named import Absent, Wanted, absent, wanted
from agent.player.devices import cards

LANGS: tuple[Lang, Lang] = ("vi", "en")


def with_devices(view: DoctorView, config: Path, list_devices: ListDevices) -> DoctorView:
    """The view with this check, where the file names a device."""
    named = named_in(config)
    if not named:
        return view
    check = devices_check(named, list_devices)
    return DoctorView(view.at_ms, (*view.checks, check))


def named_in(config: Path) -> list[Wanted]:
    """As they are written, also when other parts of the file are wrong."""
    try:
        data = tomllib.loads(config.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    sound = data.get("sound")
    sound = sound if isinstance(sound, dict) else {}
    blocks = data.get("input")
    blocks = [one for one in blocks if isinstance(one, dict)] if isinstance(blocks, list) else []
    inputs = [
        (_text(one, "name").strip() or "?", _text(one, "device"), _number(one, "channel", 0))
        for one in blocks
    ]
    return wanted(_text(sound, "device"), _number(sound, "buses", 1), inputs)


def devices_check(named: list[Wanted], list_devices: ListDevices) -> Check:
    listed = list_devices()
    if listed.devices is None:
        why = {lang: say(lang, "audio-list-slow") for lang in LANGS}
        told = [
            say(lang, "audio-list-failed", why=why[lang] if listed.why == "slow" else listed.why)
            for lang in LANGS
        ]
        return _check("unknown", told, [say(lang, "audio-list-next") for lang in LANGS])
    lacking = list(absent(named, listed.devices, cards()))
    if not lacking:
        return _check("ok", [say(lang, "devices-there", count=len(named)) for lang in LANGS])
    verdict: Verdict = "warning" if all(one.wanted.label for one in lacking) else "fault"
    there = sorted({name for one in lacking for name in one.there})
    names = ", ".join(f'"{one}"' for one in there)
    steps = [
        say(lang, "devices-next", names=names) if names else say(lang, "audio-no-device-next")
        for lang in LANGS
    ]
    told = [
        say(lang, "devices-absent", names=", ".join(_named(one, lang) for one in lacking))
        for lang in LANGS
    ]
    return _check(verdict, told, steps)


def _named(one: Absent, lang: Lang) -> str:
    key = "devices-input" if one.wanted.label else "devices-card"
    return say(lang, key, name=one.wanted.label, device=one.wanted.device)


def _check(verdict: Verdict, told: list[str], steps: list[str] | None = None) -> Check:
    vi, en = told
    step_vi, step_en = steps or ("", "")
    return Check(DEVICES, verdict, (vi, en), (step_vi, step_en))


def _text(table: dict[str, Any], key: str) -> str:
    found = table.get(key, "")
    return found if isinstance(found, str) else ""


def _number(table: dict[str, Any], key: str, default: int) -> int:
    found = table.get(key, default)
    return found if isinstance(found, int) and 0 <= found <= 8 else default
