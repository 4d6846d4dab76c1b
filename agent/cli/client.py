"""Asking the agent through its control socket, and saying in words why it cannot be asked.

The transport is `agent.adapters.control_client`; here is only the port it fills and the meaning
of each way it fails: not there, nobody listening, not allowed, too slow, not understood.
"""

from __future__ import annotations

import grp
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import msgspec

from agent.cli.findings import Finding
from agent.cli.texts import Lang, say
from agent.cli.wording import FAULT
from agent.core.requests import Answer, Request

DEFAULT_SOCKET = Path("/run/commune-radio/control.sock")
DEFAULT_CONFIG = Path("/etc/commune-radio/station.toml")
DEFAULT_GROUP = "station"
TIMEOUT_S = 12.0
"""Longer than the agent takes to say that it is busy."""


class Ask(Protocol):
    """One request → its answer. Raises OSError (TimeoutError included) or ValueError."""

    def __call__(self, path: Path, request: Request, timeout_s: float) -> Answer: ...


class Unreachable(Exception):  # noqa: N818 - it is a state of the agent, not a mistake of ours
    """The agent gave no answer; `finding` says why and what to do."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.text)
        self.finding = finding


def real_ask(path: Path, request: Request, timeout_s: float) -> Answer:
    """Through the adapter, loaded only when something is asked."""
    from agent.adapters.control_client import ask

    return ask(path, request, timeout_s)


def asker(ask: Ask, path: Path, lang: Lang) -> Callable[[Request], Answer]:
    """`ask` bound to a socket; every failure becomes Unreachable."""

    def asked(request: Request) -> Answer:
        try:
            return ask(path, request, TIMEOUT_S)
        except (OSError, ValueError, ImportError, msgspec.MsgspecError) as error:
            raise Unreachable(explain(error, path, lang)) from error

    return asked


def explain(error: Exception, path: Path, lang: Lang) -> Finding:
    """What a failure to ask means to the person at the keyboard."""

    def finding(key: str, step: str, **values: object) -> Finding:
        return Finding(
            FAULT, say(lang, key, path=path, **values), say(lang, step, group=_group(path)), 0
        )

    match error:
        case FileNotFoundError():
            return finding("no-socket", "no-socket-next")
        case PermissionError():
            return finding("socket-denied", "denied-next")
        case TimeoutError():
            return finding("socket-slow", "socket-slow-next", seconds=int(TIMEOUT_S))
        case ConnectionError():
            return finding("socket-dead", "socket-dead-next")
    problem = str(error) or type(error).__name__
    return finding("socket-odd", "socket-odd-next", problem=problem)


def _group(path: Path) -> str:
    """Whose group may ask: that of the socket or of the nearest folder one can see."""
    for place in (path, *path.parents):
        try:
            name = grp.getgrgid(place.stat().st_gid).gr_name
        except (OSError, KeyError):
            continue
        return name if name != "root" else DEFAULT_GROUP
    return DEFAULT_GROUP


def configured_socket(config: Path) -> Path | None:
    """The socket named in the configuration, even when other parts of that file are wrong."""
    try:
        station = tomllib.loads(config.read_text(encoding="utf-8")).get("station", {})
    except (OSError, ValueError):
        return None
    named = station.get("control_socket") if isinstance(station, dict) else None
    return config.absolute().parent / named if isinstance(named, str) else None
